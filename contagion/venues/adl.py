"""Auto-deleveraging at any venue: the queue by ranking score.

Positions with a higher score are closed earlier. Bankrupt positions are liquidated, not
deleveraged: they have a score of −inf and are last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import numbers, ratio


def profit_times_leverage(share: np.ndarray, leverage: np.ndarray) -> np.ndarray:
    """Profit share times leverage for winners, divided by it for losers."""
    return np.where(share > 0, share * leverage, ratio(share, leverage, 0.0))


@dataclass(frozen=True)
class QueuePlaces:
    """Places in the queue of deleveraging, one entry per position; longs and shorts separately.

    Attributes
    ----------
    place : 1 is closed first; equal scores share the better place.
    ahead : quantity on the same side with a higher score.
    lights : indicator, 5 for positions whose cumulative quantity ends in the first fifth, 1 for
        the last fifth.
    """

    place: np.ndarray
    ahead: np.ndarray
    lights: np.ndarray


def queue(score: ArrayLike, size: ArrayLike, *, levels: int = 5) -> QueuePlaces:
    """The queue of one instrument: place by score, indicator by quintile of the quantity.

    percentile = ceil(levels × (ahead + own quantity) / quantity of the side) / levels
    lights = levels + 1 − levels × percentile

    The percentiles are of **cumulative quantity**, not of the number of accounts. The end of a
    position decides; a boundary belongs to the better percentile. This follows the worked table of
    BitMEX (example). A position that is larger than a fifth of its side therefore never shows all
    lights, even as the first in the queue. Positions with equal scores share the end of the last.

    Parameters
    ----------
    score : (n,) ranking scores of one instrument; −inf is last.
    size : (n,) signed quantities: longs above zero, shorts below, ranked separately. Positions
        of size zero and those with an unknown score or size are in no queue (nan).
    levels : number of lights.

    Raises
    ------
    ValueError : score and size are not two equally long columns, or levels < 1.

    Example
    -------
    >>> found = queue([0.9, 0.1, 0.5, 2.0], [2, 5, 3, -1])
    >>> found.place, found.ahead, found.lights
    (array([1., 3., 2., 1.]), array([0., 5., 2., 0.]), array([5., 1., 3., 1.]))

    BitMEX: scores 6 to 1 with quantities 10, 20, 30, 10, 10, 20 have the percentiles 20, 40, 60,
    80, 80, 100 %.

    >>> queue([6, 5, 4, 3, 2, 1], [10, 20, 30, 10, 10, 20]).lights
    array([5., 4., 3., 2., 2., 1.])

    Source: BitMEX, page of examples of auto-deleveraging (testnet.bitmex.com/app/
    autoDeleveragingExamples; the same table in support article 18589621443357), stored copies,
    undated.
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
        part = levels * (before + held[group]) / amount.sum()
        lights[rows] = levels + 1 - np.clip(np.ceil(part * (1 - 1e-12)), 1, levels)
    return QueuePlaces(place, ahead, lights)
