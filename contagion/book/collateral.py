"""C011: claims that are secured by a pledge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..text import listing, money, plural
from ..validation.draft import Draft, column
from .sheet import Book
from .totals import ROUNDING


def settle(draft: Draft, book: Book) -> Book:
    """C011: settle collateral (the secured part is paid from the pledge) or say that it is there.

    With c the pledge and x = min(c, amount): the debtor's external assets and debts and the
    claim fall by x, the creditor's external assets rise by x. No equity changes.
    """
    if "collateral" not in draft.columns:
        return book
    pledged = np.nan_to_num(column(draft.columns, "collateral"))
    rows = np.flatnonzero(pledged > 0)
    if not len(rows):
        return book
    how = draft.choice.get("collateral", "error")
    taken = np.minimum(pledged, draft.amount)
    stake = float(taken.sum())
    draft.report(
        "C011",
        "collateral",
        f"{plural(len(rows), 'claim carries', 'claims carry')} collateral that covers "
        f"{money(stake, draft.unit)} ({draft.lines(rows)}). It changes who bears the loss.",
        'collateral="settle" pays the secured part from the pledge and leaves the rest as the '
        'claim, collateral="ignore" treats the claims as unsecured.',
        rows=rows,
        amount=stake,
        repaired=how != "error",
    )
    if how != "settle":
        return book
    n = len(draft.nodes)
    out, back = (np.bincount(side, taken, n) for side in (draft.debtor, draft.creditor))
    short = book.external_assets - out < -ROUNDING * out
    if short.any():
        draft.report(
            "C008",
            "balance sheets",
            f"{listing(draft.some(short))} pledged more than the external assets "
            f"{'it has' if short.sum() == 1 else 'they have'}.",
            "raise external_assets (pledged assets are part of them) or correct the collateral.",
            names=draft.some(short),
            amount=float((out - book.external_assets)[short].sum()),
        )
    draft.pay(draft.amount - taken)
    draft.columns = draft.columns.assign(collateral=pledged - taken)
    note = (
        f"collateral of {money(stake, draft.unit)} settled on {plural(len(rows), 'claim')} before "
        "any shock"
    )
    return replace(
        book,
        external_assets=np.maximum(book.external_assets - out, 0.0) + back,
        claims=book.claims - back,
        debts=book.debts - out,
        assumptions=(*book.assumptions, note),
    )
