"""Indicators of interconnectedness and size from network data, comparable to the official ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ...errors import expect
from ...network.exposure_network import ExposureNetwork
from ...records import Table, Why, because
from .large_exposures import rows_of

COLUMNS = {
    "intra_financial_assets": "claims on financial nodes, money",
    "intra_financial_liabilities": "debts to financial nodes, money",
    "securities_outstanding": "securities that the node has issued, money",
    "total_exposures": "external assets and claims, money",
    "percent_of_assets": "intra_financial_assets, % of all assets",
    "percent_of_liabilities": "intra_financial_liabilities, % of all liabilities",
    "creditors": "financial creditors, a number",
    "debtors": "financial debtors, a number",
    "interconnectedness": "mean share in intra-financial assets and liabilities, basis points",
}
REASONS = {
    "securities_outstanding": "securities issued to the market are not in a network",
    "total_exposures": "external assets are not known",
    "percent_of_assets": "all assets are 0 or not known",
    "percent_of_liabilities": "all liabilities are 0 or not known",
    "interconnectedness": "no financial node holds claims, or owes",
}


def interconnectedness(
    network: ExposureNetwork, *, financial: Iterable[Any] | None = None
) -> Table:
    """Intra-financial assets and liabilities of every node, and its size, from the network alone.

        intra_financial_assets_i       Σ_{j financial} A_ij
        intra_financial_liabilities_i  Σ_{j financial} A_ji
        total_exposures_i              external assets + claims
        interconnectedness_i           10,000 · mean of the shares in the sums of the first two, bp

    The columns have the names of the G-SIB indicators but measure only the data of the network.
    The reporting instructions also require off-balance-sheet items, unused commitments and issued
    securities; without the last the category has two of its three indicators.

    Parameters
    ----------
    network : claims and balance sheets, money.
    financial : nodes that count as financial institutions; by default all.

    Returns
    -------
    Table : one row a node, highest interconnectedness first: intra_financial_assets,
    intra_financial_liabilities, securities_outstanding (nan), total_exposures (nan where external
    assets are not known; all money), percent_of_assets, percent_of_liabilities (intra-financial in
    % of all assets, all liabilities), creditors, debtors (financial ones, numbers),
    interconnectedness (bp), with a reason for every nan.

    Raises
    ------
    NetworkError : for an unknown node in `financial`, with the closest name.

    Example
    -------
    a lends 6 to b, b lends 2 to c: b has a quarter of the claims and three quarters of the debts.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 6, 0], [0, 0, 2], [0, 0, 0]], list("abc"),
    ...     orientation="creditor->debtor", external_assets=[4, 8, 9])
    >>> found = interconnectedness(net).loc["b"]
    >>> found[["total_exposures", "percent_of_assets", "interconnectedness"]].tolist()
    [10.0, 20.0, 5000.0]

    Source: after the interconnectedness category of the G-SIB methodology (12 CFR 217.404, table
    1); the measure in bp is ours.
    """
    expect(network=network)
    n, book = len(network), network.book
    counts = np.ones(n, bool)
    if financial is not None:
        counts[:] = False
        counts[rows_of(network, financial, "financial node")] = True
    creditor, debtor = network.creditor, network.debtor
    assets = np.bincount(creditor, network.amount * counts[debtor], n)
    debts = np.bincount(debtor, network.amount * counts[creditor], n)
    pairs = np.unique((creditor.astype(np.int64) * n + debtor)[network.amount > 0])
    lender, borrower = pairs // max(n, 1), pairs % max(n, 1)
    totals = book.external_assets + book.claims
    owed = book.external_liabilities + book.debts
    shares = [_over(side, np.full(n, side[counts].sum())) for side in (assets, debts)]
    frame = pd.DataFrame(
        {
            "intra_financial_assets": assets,
            "intra_financial_liabilities": debts,
            "securities_outstanding": np.full(n, np.nan),
            "total_exposures": totals,
            "percent_of_assets": 100 * _over(assets, totals),
            "percent_of_liabilities": 100 * _over(debts, owed),
            "creditors": np.bincount(borrower, counts[lender], n).astype(np.int64),
            "debtors": np.bincount(lender, counts[borrower], n).astype(np.int64),
            "interconnectedness": 1e4 * (shares[0] + shares[1]) / 2,
        },
        index=network.names,
    ).sort_values("interconnectedness", ascending=False, kind="stable")
    reasons: dict[str, Why] = {}
    for name, reason in REASONS.items():
        reasons |= because(frame, {reason: True}, [name])
    return Table(frame, COLUMNS, reasons)


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """A ratio, nan if the denominator is 0 or not known."""
    blank = np.full(len(part), np.nan)
    return np.asarray(np.divide(part, whole, out=blank, where=np.nan_to_num(whole) > 0))
