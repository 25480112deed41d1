"""Settlement of collateral: the secured part of a claim is paid from its pledge (as in C011)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ArgumentError, ArgumentTypeError, NetworkError, expect
from ...text import listing, money, percent
from ..balance_sheet import collateral
from ..checks.draft import column
from ..contents import Contents
from .filters import Columns
from .record import REVALUED, SETTLED, step, with_amounts


def settle_collateral(
    network: Contents, claims: Mapping[str, Any] | None = None, haircut: float = 0.0
) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """Claims paid from their pledge: min((1 − haircut) · pledge, amount).

    See :meth:`contagion.ExposureNetwork.settle_collateral`. Returns exposures, external assets
    of shape (n,), and step.
    """
    expect(network=network)
    if claims is not None and not isinstance(claims, Mapping):
        raise ArgumentTypeError(
            f'claims is {{"debtor": "x"}} or None, not a {type(claims).__name__}.'
        )
    if not 0 <= haircut <= 1:
        raise ArgumentError(f"haircut={haircut!r}: the part of a pledge that is lost is in 0 … 1.")
    table, n = network.exposures, len(network)
    pledge = column(table, "collateral")
    rows = np.flatnonzero((pledge > 0) & (network.amount > 0))
    rows = Columns(table).matching(rows, claims or {})
    creditor, debtor = network.creditor[rows], network.debtor[rows]
    amount, pledged = network.amount[rows], pledge[rows]
    paid, lost = collateral.secured(amount, pledged, haircut)
    _there(network, np.bincount(debtor, pledged, n))
    external = collateral.pay(network.book, creditor, debtor, paid, lost).external_assets
    _holdings_left(network, external)
    left = network.amount.copy()
    left[rows] -= paid
    pledge[rows] = 0.0
    if len(rows):
        table = with_amounts(network, left, collateral=pledge)
    note = f"haircut {percent(haircut)}" if haircut else ""
    order = np.lexsort((pledged, amount, debtor, creditor))
    sides = (creditor[order], debtor[order])
    settled = step(network, SETTLED, *sides, amount[order], (amount - paid)[order], note)
    if haircut:
        worth = step(network, REVALUED, *sides, pledged[order], (pledged - lost)[order], note)
        settled = pd.concat([worth, settled], ignore_index=True)
    return table, external, settled


def _there(network: Contents, need: np.ndarray) -> None:
    """`NetworkError` if the external assets of a debtor are smaller than its pledges."""
    short = collateral.lacking(network.book, need)
    if short.any():
        at = int(np.flatnonzero(short)[0])
        has = float(network.book.external_assets[at])
        raise NetworkError(
            f"{listing(network.names[short])} pledged more than the external assets "
            f"{'it has' if short.sum() == 1 else 'they have'}: {str(network.names[at])!r} pledged "
            f"{money(float(need[at]), network.unit)} and has {money(has, network.unit)}. Fix: "
            "raise external_assets (pledged assets are part of them) or correct the column "
            "collateral; a pledge for several claims is split over them."
        )


def _holdings_left(network: Contents, external: np.ndarray) -> None:
    """`NetworkError` if holdings exceed the external assets that remain after the settlement."""
    held = np.asarray(network.held.sum(axis=1))
    over = held > external * (1 + 1e-9)
    if over.any():
        at = int(np.flatnonzero(over)[0])
        raise NetworkError(
            f"{listing(network.names[over])} would keep less than the holdings of priced assets: "
            f"{str(network.names[at])!r} keeps external assets of "
            f"{money(float(external[at]), network.unit)} and holds "
            f"{money(float(held[at]), network.unit)}. Which of them is pledged is not known. Fix: "
            "leave pledged assets out of holdings=, or these claims out of claims=."
        )
