"""The resilience of a given network: whether each default causes more than one further default."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import ArgumentError, expect
from ..network.exposure_network import ExposureNetwork

ROOM = 1e-12  # relative tolerance when a loss is compared with equity


def contagious_links(
    network: ExposureNetwork, *, recovery: float = 0.0, strict: bool = True
) -> pd.DataFrame:
    """Links on which the default of the debtor alone causes the creditor to default, by node.

    A link is contagious when (1 − recovery) · claim exceeds the equity of the creditor. Claims of
    one pair count as one link. Nodes that cannot default, or whose equity is unknown or below 0
    (already in default), have no contagious links.

    Parameters
    ----------
    network : the exposures.
    recovery : recovery rate, 0 … 1.
    strict : the loss has to exceed the equity; `False`: a loss equal to equity is enough.

    Returns
    -------
    DataFrame
        One row for each node, in the order of the network: debtors and creditors (numbers of links
        held and owed), contagious (number of contagious links held), contribution = creditors ·
        contagious / links, whose sum is 1 − :func:`resilience`.

    Raises
    ------
    ArgumentError : for a recovery outside 0 … 1.

    Example
    -------
    b has equity of 1 and a claim of 2 on a; c has equity of 5 and a claim of 2 on b. Only the first
    link is contagious, and b has one creditor.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 2, 0], [0, 0, 2], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 1, 5])
    >>> contagious_links(net).loc["b"].tolist()
    [1.0, 1.0, 1.0, 0.5]

    Source: after Amini, Cont & Minca (2016), Mathematical Finance 26(2): contagious links.
    """
    expect(network=network)
    if not 0 <= recovery <= 1:
        raise ArgumentError(f"recovery={recovery!r}: the part that is paid is in 0 … 1.")
    owed = network.liabilities.tocoo()
    some = owed.data > 0
    debtor, creditor, lost = owed.row[some], owed.col[some], (1 - recovery) * owed.data[some]
    equity = network.book.equity
    able = network.book.can_fail & (np.nan_to_num(equity, nan=-1.0) >= 0)
    capital = np.where(able, equity, np.inf)[creditor]
    room = ROOM * np.maximum(lost, np.where(np.isfinite(capital), capital, 0.0))
    hit = lost > capital + room if strict else (lost >= capital - room) & (lost > 0)
    n, links = len(network), max(len(lost), 1)
    creditors, held = np.bincount(debtor, minlength=n), np.bincount(creditor[hit], minlength=n)
    return pd.DataFrame(
        {
            "debtors": np.bincount(creditor, minlength=n),
            "creditors": creditors,
            "contagious": held,
            "contribution": creditors * held / links,
        },
        index=network.names,
    )


def resilience(network: ExposureNetwork, *, recovery: float = 0.0, strict: bool = True) -> float:
    """The resilience measure: 1 − Σ_i creditors_i · contagious links_i / links.

    In terms of the degrees the sum is Σ μ(j, k) j k p(j, k, 1) / λ, with μ(j, k) the share of nodes
    that have j debtors and k creditors, p(j, k, 1) the share of contagious links among those they
    hold, and λ the average degree. It is the expected number of further links in default for each
    link in default. If resilience is above 0, a few defaults remain few in a large random network
    with these degrees and claims. If it is below 0, one default can reach a positive share of the
    nodes. It is 1 for a network without contagious links.

    Parameters and errors of :func:`contagious_links`.

    Example
    -------
    One of two links is contagious, held by a node with one creditor: 1 − 1 · 1 / 2.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 2, 0], [0, 0, 2], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 1, 5])
    >>> resilience(net)
    0.5

    Source: after Amini, Cont & Minca (2016), Resilience to contagion in financial networks,
    Mathematical Finance 26(2), the resilience condition (from memory, unverified).
    """
    return 1.0 - float(
        contagious_links(network, recovery=recovery, strict=strict)["contribution"].sum()
    )
