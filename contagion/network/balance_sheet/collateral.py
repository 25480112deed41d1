"""C011: claims that are secured by a pledge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...text import listing, money, plural
from ..checks.draft import Draft, column
from .sheet import Book
from .totals import ROUNDING


def secured(
    amount: np.ndarray, pledge: np.ndarray, haircut: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """The payment from each pledge, and the loss of value of each pledge: two arrays (m,).

    With c the pledge and h the haircut: paid = min((1 − h) c, amount), lost = h c.

    >>> paid, lost = secured(np.array([10.0, 20.0]), np.array([15.0, 15.0]), haircut=0.2)
    >>> paid.tolist(), lost.tolist()
    ([10.0, 12.0], [3.0, 3.0])
    """
    worth = pledge * (1.0 - haircut)
    return np.minimum(worth, amount), pledge - worth


def lacking(book: Book, need: np.ndarray) -> np.ndarray:
    """True (n,) where known external assets are smaller than the payments from them."""
    short: np.ndarray = book.external_assets - need < -ROUNDING * need
    return short


def pay(
    book: Book,
    creditor: np.ndarray,
    debtor: np.ndarray,
    paid: np.ndarray,
    lost: np.ndarray | None = None,
) -> Book:
    """The balance sheets after claims (m,) are paid from their pledges, which lose `lost`.

    The claim and the debts and external assets of the debtor fall by the payment, the external
    assets of the creditor rise by it: equity does not change. A fall in the value of a pledge is a
    loss of its owner.
    """
    n = len(book.debts)
    out, back = (np.bincount(side, paid, n) for side in (debtor, creditor))
    gone = out if lost is None else out + np.bincount(debtor, lost, n)
    return replace(
        book,
        external_assets=np.maximum(book.external_assets - gone, 0.0) + back,
        claims=book.claims - back,
        debts=book.debts - out,
    )


def settle(draft: Draft, book: Book) -> Book:
    """C011: settle collateral (the secured part is paid from the pledge) or report it.

    With c the pledge and x = min(c, amount): the debtor's external assets and debts and the
    claim fall by x, the creditor's external assets rise by x. Equity does not change.
    """
    if "collateral" not in draft.columns:
        return book
    pledged = np.nan_to_num(column(draft.columns, "collateral"))
    rows = np.flatnonzero(pledged > 0)
    if not len(rows):
        return book
    how = draft.choice.get("collateral", "error")
    taken, _ = secured(draft.amount, pledged)
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
    out = np.bincount(draft.debtor, taken, len(draft.nodes))
    short = lacking(book, out)
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
    book = pay(book, draft.creditor, draft.debtor, taken)
    return replace(book, assumptions=(*book.assumptions, note))
