"""Tipping points of a book: multiplier and deficit by price drop and leverage or depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..errors import ArgumentError, ConvergenceError, MarginError, expect
from ..media import shown
from ..parallel import each
from ..statistics.arrays import numbers
from ..text import plural
from .cascade import LiquidationCascade
from .cascade_measures import initial, multiple, total_loss
from .leverage_levels import Deeper, leveraged
from .liquidation_profile import moved
from .margin_book import MarginBook

Figure = Literal["multiplier", "deficit", "latent", "loss", "rounds"]


@dataclass(frozen=True, eq=False, repr=False)
class CriticalityMap:
    """The effect of price drops, by leverage or by depth; G levels × D drops.

    Attributes
    ----------
    by : "leverage" or "depth"; `levels` (G,) are multiples of the value of the book or cascade.
    drops : (D,) relative falls.
    multiplier : (G, D), see :func:`contagion.liquidation.cascade_measures.cascade_multiplier`.
    deficit, latent, loss : (G, D) money: deficits of closed accounts, negative equity of open ones
        at fundamental prices, and total loss.
    rounds : (G, D).
    unit : of money.
    """

    by: str
    levels: np.ndarray
    drops: np.ndarray
    multiplier: np.ndarray
    deficit: np.ndarray
    latent: np.ndarray
    loss: np.ndarray
    rounds: np.ndarray
    unit: str

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per level and drop: leverage or depth, drop, and the five figures."""
        level, drop = np.meshgrid(self.levels, self.drops, indexing="ij")
        names = ("multiplier", "deficit", "latent", "loss", "rounds")
        return pd.DataFrame(
            {self.by: level.ravel(), "drop": drop.ravel()}
            | {name: getattr(self, name).ravel() for name in names}
        )

    def grid(self, figure: Figure = "multiplier") -> pd.DataFrame:
        """One figure as a table: one row per level, one column per drop."""
        return pd.DataFrame(
            getattr(self, figure),
            index=pd.Index(self.levels, name=self.by),
            columns=pd.Index(self.drops, name="drop"),
        )

    def tipping(self, threshold: float = 1.5) -> pd.Series:
        """For every level the smallest drop on the grid with a multiplier above the threshold.

        nan: none. Between the drops of the grid see :func:`tipping_point`.
        """
        order = np.argsort(self.drops, kind="stable")
        over = self.multiplier[:, order] > threshold
        at = np.where(over.any(axis=1), self.drops[order][over.argmax(axis=1)], np.nan)
        return pd.Series(at, pd.Index(self.levels, name=self.by), name="drop")

    @shown
    def __repr__(self) -> str:
        top = float(self.multiplier.max())
        return (
            f"CriticalityMap: {plural(len(self.levels), 'level')} of {self.by} × "
            f"{plural(len(self.drops), 'drop')}, multiplier up to {top:.3g}"
        )


def criticality_map(
    book: MarginBook,
    cascade: LiquidationCascade,
    drops: ArrayLike,
    leverage: Sequence[float] | None = None,
    depth: Sequence[float] | None = None,
    *,
    asset: Any = None,
    free: np.ndarray | None = None,
    n_jobs: int = 1,
    progress: bool = False,
) -> CriticalityMap:
    """Run every price drop at every leverage of the book, or at every depth of the market.

    Parameters
    ----------
    book, cascade : the book and cascade at leverage 1 and depth 1.
    drops : relative falls (D,) <= 1 of `asset`; below 0 a rise.
    leverage : multiples (G,) > 0, see :func:`leveraged`; or
    depth : multiples (G,) > 0 of the depth, see :class:`Deeper`. Exactly one of the two.
    asset : it falls, see :func:`contagion.liquidation.liquidation_profile.liquidatable`.
    free : (K,) money with which holders meet calls.
    n_jobs, progress : processes (-1 for all cores; results do not depend on it), a progress bar.

    Raises
    ------
    MarginError : for none or both of leverage and depth, an unknown asset.
    ConvergenceError : when scenarios do not settle in `max_rounds`.
    ArgumentError : for drops above 1, levels that are not above 0.

    Source: the idea of a map of price drop × leverage is common in stress tests of lending
    protocols; measures are our own. Two batches of D scenarios per level, with and without impact.

    Example
    -------
    Depth 100 and 50: the sale of 10 units costs 5 % and 10 % on average.

    >>> from contagion.liquidation import Linear
    >>> book = MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> found = criticality_map(book, LiquidationCascade(impact=Linear(depth=100)),
    ...                         [0.0, 0.12], depth=[1.0, 0.5])
    >>> found.grid("deficit").values.round(6).tolist()      # 900 − 880 × 0.95, 900 − 880 × 0.9
    [[0.0, 64.0], [0.0, 108.0]]
    """
    expect(book=book, cascade=cascade)
    if (leverage is None) == (depth is None):
        raise MarginError("Give either leverage= or depth=, multiples of that of the book.")
    by = "leverage" if depth is None else "depth"
    given = leverage if depth is None else depth
    levels = np.atleast_1d(numbers(by, [] if given is None else given, above=0))
    falls = np.atleast_1d(numbers("drops", drops, high=1.0))
    if not levels.size or not falls.size or np.isnan(levels).any() or np.isnan(falls).any():
        raise ArgumentError(f"drops and {by} have to be lists of known numbers.")
    tasks = []
    for level in levels:
        one, run = book, cascade
        if depth is None:
            one = leveraged(book, float(level))
        else:
            run = replace(cascade, impact=Deeper(cascade.impact, float(level)))
        tasks.append((one, run, moved(one, -falls, asset), free))
    rows = each(
        _figures, tasks, n_jobs=n_jobs, progress=progress, label="criticality map", unit="level"
    )
    multiplier, deficit, latent, loss, rounds = (np.array(side) for side in zip(*rows, strict=True))
    return CriticalityMap(
        by, levels, falls, multiplier, deficit, latent, loss, rounds, book.unit
    )  # fmt: skip


@dataclass(frozen=True)
class TippingPoint:
    """The drop at which a cascade tips, known up to the bracket `low` < drop <= `high`.

    At `low` the multiplier (`below`) is at most the threshold, at `high` (`above`) it is larger;
    `drop` is `high`. All nan if no drop on the grid tips; if the smallest drop already tips, it is
    both `low` and `high`.
    """

    drop: float
    low: float
    high: float
    below: float
    above: float
    threshold: float


def tipping_point(
    book: MarginBook,
    cascade: LiquidationCascade,
    threshold: float = 1.5,
    *,
    asset: Any = None,
    free: np.ndarray | None = None,
    smallest: float = 0.0,
    largest: float = 1.0,
    steps: int = 64,
    tolerance: float = 1e-4,
) -> TippingPoint:
    """The smallest price drop whose multiplier exceeds a threshold.

    The multiplier need not grow with the drop (if everything is lost at once, there is nothing to
    amplify), so a grid of `steps` drops comes first. The bracket below the first drop above the
    threshold is then divided in the same way until it is narrower than the tolerance. A tipping
    drop between two drops of the grid that do not tip is missed.

    Parameters
    ----------
    threshold : of the multiplier, >= 1.
    asset, free : see :func:`criticality_map`.
    smallest, largest : range of the search, 0 <= smallest < largest <= 1. A book with accounts
        below maintenance before any drop tips at 0; set `smallest` above 0 then.
    steps : drops in a batch, >= 2.
    tolerance : width of the bracket, > 0.

    Raises
    ------
    MarginError : for a parameter out of range.
    ConvergenceError : when scenarios do not settle in `max_rounds`.

    Source: bisection, with `steps` parts instead of two.

    Example
    -------
    Liquidated below 94.74, that is after a fall of more than 5.26 %. At that point the loss is 52.6
    without impact, and the sale of 10 units at a depth of 100 costs another 5 % of 947.4.

    >>> from contagion.liquidation import Linear
    >>> book = MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> run = LiquidationCascade(impact=Linear(depth=100), partial=False)
    >>> found = tipping_point(book, run, 1.5)
    >>> round(found.drop, 3), round(found.above, 2), found.below
    (0.053, 1.9, 1.0)
    """
    expect(book=book, cascade=cascade)
    if not (np.isfinite(threshold) and threshold >= 1):
        raise MarginError(f"threshold={threshold}: a multiplier is at least 1.")
    if not (0 <= smallest < largest <= 1 and steps >= 2 and tolerance > 0):
        raise MarginError(
            f"smallest={smallest}, largest={largest}, steps={steps}, tolerance={tolerance}: drops "
            "0 <= smallest < largest <= 1, two drops a batch or more, a width above 0."
        )

    def multipliers(drops: np.ndarray) -> np.ndarray:
        return _figures(book, cascade, moved(book, -drops, asset), free)[0]

    grid = np.linspace(smallest, largest, steps + 1)
    found = multipliers(grid)
    over = found > threshold
    if not over.any():
        none = float("nan")
        return TippingPoint(none, none, none, none, none, threshold)
    at = int(over.argmax())
    if at == 0:  # the first drop already tips
        first = float(found[0])
        return TippingPoint(smallest, smallest, smallest, first, first, threshold)
    low, high, below, above = grid[at - 1], grid[at], found[at - 1], found[at]
    while high - low > tolerance:
        inner = np.linspace(low, high, steps + 1)[1:-1]
        if not (inner[0] > low and inner[-1] < high):
            break  # neighbouring floats
        found = multipliers(inner)
        over = found > threshold
        at = int(over.argmax()) if over.any() else len(inner)
        if at < len(inner):
            high, above = inner[at], found[at]
        if at > 0:
            low, below = inner[at - 1], found[at - 1]
    bracket, sides = (float(low), float(high)), (float(below), float(above))
    return TippingPoint(bracket[1], *bracket, *sides, threshold)


def _figures(
    book: MarginBook, cascade: LiquidationCascade, prices: np.ndarray, free: np.ndarray | None
) -> tuple[np.ndarray, ...]:
    """multiplier, deficit, latent, loss, rounds (D,) of a batch of shocks."""
    done = cascade.solve(book, prices, free)
    if not done.settled.all():
        raise ConvergenceError(
            f"{plural(int((~done.settled).sum()), 'scenario')} of {len(prices)} did not settle in "
            f"{cascade.max_rounds} rounds. Raise max_rounds of the cascade."
        )
    loss = total_loss(book, done)
    a = book.arrays
    first = np.searchsorted(a.account, np.arange(len(book)))
    worth = done.cash + np.add.reduceat(done.units * done.fundamental[:, a.asset], first, axis=1)
    latent = np.where(done.vault, 0.0, np.maximum(-worth, 0.0)).sum(axis=1)
    multiplier = multiple(loss, initial(cascade, book, prices, free))
    return multiplier, done.deficit.sum(axis=1), latent, loss, done.rounds
