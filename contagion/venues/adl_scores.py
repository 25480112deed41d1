"""Who is deleveraged first: ranking scores of auto-deleveraging, and the queue they make.

Every score is the higher the earlier the position is closed. Positions that are bankrupt
themselves are liquidated, not deleveraged: they score −inf and stand last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers, ratio


def _score(share: np.ndarray, leverage: np.ndarray) -> np.ndarray:
    """Profit share times leverage for winners, divided by it for losers."""
    return np.where(share > 0, share * leverage, ratio(share, leverage, 0.0))


def bitmex_score(
    mark_value: ArrayLike, entry_value: ArrayLike, bankrupt_value: ArrayLike
) -> Numbers:
    """The ranking score of BitMEX: profit share times effective leverage.

    pnl % = (mark − entry) / |entry|, leverage = |mark| / (mark − bankrupt), and

    score = pnl % × leverage if pnl % > 0, otherwise pnl % / leverage

    Longs and shorts are ranked separately, highest first (`adl_queue`). MEXC prints the same
    formula.

    Parameters
    ----------
    mark_value, entry_value, bankrupt_value : signed values of the position at the mark, entry
        and bankruptcy price, in one currency (long above zero, short below; `position_value`).

    Returns
    -------
    The score, without unit; −inf where mark − bankrupt <= 0.

    Raises
    ------
    ArgumentError : entry_value is zero, or a value is infinite.

    Example
    -------
    A short of 1 entered at 10,000, mark 9,000, bankruptcy 11,000: 0.10 × 4.5.

    >>> round(bitmex_score(-9_000, -10_000, -11_000), 10)
    0.45

    Source: BitMEX, support article 18589621443357 and the page of ADL examples, after the
    project's notes (the pages were not read again).
    """
    mark = numbers("mark_value", mark_value)
    entry = numbers("entry_value", entry_value)
    bankrupt = numbers("bankrupt_value", bankrupt_value)
    if (entry == 0).any():
        raise ArgumentError(
            "entry_value must not be zero: a position without a value has no score."
        )
    share, equity = (mark - entry) / np.abs(entry), mark - bankrupt
    score = _score(share, ratio(np.abs(mark), equity, np.inf))
    return answer(np.where(equity <= 0, -np.inf, score), mark, entry, bankrupt)


def binance_score(
    pnl: ArrayLike, entry_value: ArrayLike, mark_value: ArrayLike, wallet: ArrayLike
) -> Numbers:
    """The ranking score of Binance futures as it is believed to be now (unverified).

    pnl % = pnl / |entry value|, leverage = |mark value| / (wallet + pnl), and

    score = pnl % × leverage if pnl % > 0, otherwise pnl % / leverage

    **Unverified (medium confidence)**; that losers are divided is taken over from BitMEX.

    Parameters
    ----------
    pnl : unrealized profit or loss of the position, money.
    entry_value, mark_value : value of the position at entry and mark; only the size counts.
    wallet : wallet balance behind it, money, without the unrealized result.

    Returns
    -------
    The score, without unit; −inf where wallet + pnl <= 0.

    Raises
    ------
    ArgumentError : entry_value is zero, or a value is infinite.

    Example
    -------
    Profit 20 on 100 entered, now worth 120, 40 in the wallet: 0.2 × 120 / 60.

    >>> round(binance_score(20, 100, 120, 40), 10)
    0.4

    Source: after the project's notes, where it is marked unverified; the formula of 2019 is
    `binance_score_2019`.
    """
    gain, entry = numbers("pnl", pnl), numbers("entry_value", entry_value)
    mark, cash = numbers("mark_value", mark_value), numbers("wallet", wallet)
    if (entry == 0).any():
        raise ArgumentError(
            "entry_value must not be zero: a position without a value has no score."
        )
    equity = cash + gain
    score = _score(gain / np.abs(entry), ratio(np.abs(mark), equity, np.inf))
    return answer(np.where(equity <= 0, -np.inf, score), gain, entry, mark, cash)


def binance_score_2019(pnl: ArrayLike, wallet: ArrayLike, maintenance: ArrayLike) -> Numbers:
    """The ranking score that Binance published in 2019: profit share times margin ratio.

    score = max(0, pnl) / max(1, wallet) × maintenance margin / (wallet + pnl)

    and zero where wallet + pnl <= 0. The 1 is one unit of the quote currency, so this score is
    not scale-free below it. Users were then ranked by the quantile of the score.

    Parameters
    ----------
    pnl, wallet : unrealized result and wallet balance, money.
    maintenance : maintenance margin, money, >= 0.

    Returns
    -------
    The score, without unit, >= 0.

    Raises
    ------
    ArgumentError : maintenance is negative, or a value is infinite.

    Example
    -------
    Profit 40 on a wallet of 10, maintenance margin 5: 4 × 0.1.

    >>> binance_score_2019(40, 10, 5)
    0.4

    Source: Binance FAQ 360033525471 (text of 2019-09-09); the formula as quoted in the
    developers' forum, dev.binance.vision topic 17801.
    """
    gain, cash = numbers("pnl", pnl), numbers("wallet", wallet)
    margin = numbers("maintenance", maintenance, 0)
    share = np.maximum(gain, 0.0) / np.maximum(cash, 1.0)
    margin_ratio = np.where(cash + gain <= 0, 0.0, ratio(margin, cash + gain, 0.0))
    return answer(share * margin_ratio, gain, cash, margin)


@dataclass(frozen=True)
class AdlQueue:
    """Places in the queue of deleveraging, one entry a position, each side on its own.

    Attributes
    ----------
    place : 1 is closed first; equal scores share the better place.
    ahead : quantity on the same side with a higher score.
    lights : indicator, 5 for positions that begin in the first fifth of the quantity, 1 for the
        last fifth.
    """

    place: np.ndarray
    ahead: np.ndarray
    lights: np.ndarray


def adl_queue(score: ArrayLike, size: ArrayLike, *, levels: int = 5) -> AdlQueue:
    """The queue of one instrument: place by score, indicator by quintile of the quantity.

    lights = levels − floor(levels × ahead / quantity of the side)

    The quintiles are of **cumulative quantity**, not of the number of accounts. On which side of
    a boundary a position falls is not published: here it counts where the position begins, so
    the first in the queue always shows all lights.

    Parameters
    ----------
    score : (n,) ranking scores of one instrument; −inf stands last.
    size : (n,) signed quantities: longs above zero, shorts below, ranked separately. Positions
        of size zero and those with an unknown score or size are in no queue (nan).
    levels : number of lights.

    Returns
    -------
    AdlQueue

    Raises
    ------
    ArgumentError : score and size are not two equally long columns, or levels < 1.

    Example
    -------
    >>> queue = adl_queue([0.9, 0.1, 0.5, 2.0], [2, 5, 3, -1])
    >>> queue.place, queue.ahead, queue.lights
    (array([1., 3., 2., 1.]), array([0., 5., 2., 0.]), array([5., 3., 4., 5.]))

    Source: BitMEX, "Auto-deleveraging", after the project's notes.
    """
    rank = numbers("score", score, infinite=True)
    quantity = numbers("size", size)
    if rank.ndim != 1 or rank.shape != quantity.shape:
        raise ArgumentError(
            f"score and size must be two columns of one length, "
            f"but have the shapes {rank.shape} and {quantity.shape}."
        )
    if levels < 1:
        raise ArgumentError(f"levels must be at least 1, but is {levels!r}.")
    place, ahead, lights = (np.full(rank.shape, np.nan) for _ in range(3))
    for side in (1, -1):
        rows = np.flatnonzero((np.sign(quantity) == side) & ~np.isnan(rank))
        if not len(rows):
            continue
        amount = np.abs(quantity[rows])
        _, group = np.unique(-rank[rows], return_inverse=True)
        held, count = np.bincount(group, amount), np.bincount(group)
        before = (np.cumsum(held) - held)[group]
        place[rows] = (np.cumsum(count) - count)[group] + 1
        ahead[rows] = before
        lights[rows] = np.maximum(levels - np.floor(levels * before / amount.sum()), 1)
    return AdlQueue(place, ahead, lights)
