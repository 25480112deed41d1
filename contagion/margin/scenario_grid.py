"""Margin from a scenario grid: the worst loss of a portfolio over moves of price and volatility."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers
from ..statistics.samples import known
from .option_values import Instruments


@dataclass(frozen=True)
class GridMargin:
    """Margin of portfolios on a grid.

    Attributes
    ----------
    losses : (..., s) weighted loss in each scenario (loss positive), money.
    worst : (...) largest weighted loss, at least 0.
    scenario : (...) index of the scenario with the largest weighted loss.
    contingency : (...) additional charges.
    margin : (...) worst + contingency.
    """

    losses: np.ndarray
    worst: Numbers
    scenario: np.ndarray
    contingency: Numbers
    margin: Numbers


@dataclass(frozen=True)
class ScenarioGrid:
    """Scenarios of price and volatility, and charges in addition to the worst scenario loss.

    loss(s) = −weight_s Σ size × (value at (1 + price_s) F and σ (1 + volatility_s h) − value now)
    h = (30 / max(days, shortest))^power, so the volatility of short options moves more; after an
    upward move volatility is at least `least`
    margin = max(0, largest loss) + contingencies

    Contingencies: `short_option` × price for each option that is short net of all calls and puts
    at its strike; `offset` × price for each unit of linear instruments that is long against a
    short one.

    Parameters
    ----------
    price : relative moves of the price, >= −1, one per scenario.
    volatility : relative moves of the volatility of a 30-day option.
    weight : share of the loss (or gain) that counts, above 0, at most 1.
    power : exponent of h for options below 30 days; `long_power` from 30 days on.
    shortest : minimum number of days in h, above 0.
    least : minimum volatility after an upward move, >= 0.
    short_option, offset : contingency rates, >= 0.

    Raises
    ------
    ArgumentError : different lengths, numbers out of range.

    Example
    -------
    Two short futures at 100 lose 2 × 10 if the price rises by 10 %; of the loss after a move of
    30 % a third counts, 2 × 30 / 3.

    >>> grid = ScenarioGrid((-0.1, 0.1, 0.3), (0.0, 0.0, 0.0), (1.0, 1.0, 1 / 3))
    >>> found = grid.margin(Instruments(("linear",), 100), [-2])
    >>> found.losses.round(9).tolist(), round(found.margin, 9)
    ([-20.0, 20.0, 20.0], 20.0)

    Source: the form of the grids of SPAN (`span_grid`) and of `contagion.venues.deribit`.
    """

    price: tuple[float, ...]
    volatility: tuple[float, ...]
    weight: tuple[float, ...]
    power: float = 0.0
    long_power: float = 0.0
    shortest: float = 1.0
    least: float = 0.0
    short_option: float = 0.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        for name in ("price", "volatility", "weight"):
            values = known(name, getattr(self, name), 0 if name == "weight" else -1)
            object.__setattr__(self, name, tuple(np.atleast_1d(values).tolist()))
        if not len(self.price) == len(self.volatility) == len(self.weight) > 0:
            raise ArgumentError(
                "price, volatility and weight must have one number for each scenario."
            )
        numbers("weight", self.weight, high=1, above=0)
        numbers("shortest", self.shortest, above=0)
        for name in ("power", "long_power", "least", "short_option", "offset"):
            known(name, getattr(self, name), 0)

    def margin(self, instruments: Instruments, size: ArrayLike) -> GridMargin:
        """Losses and margin of portfolios.

        instruments : the k instruments of one underlying.
        size : (..., k) signed sizes, one row per portfolio; a shape of (k,) is one portfolio.

        Raises ArgumentError for nan and for sizes with a wrong shape.
        """
        held = known("size", size)
        if held.ndim == 0 or held.shape[-1] != len(instruments.kind):
            raise ArgumentError(
                f"size must have {len(instruments.kind)} entries in its last axis, one an "
                f"instrument, but has shape {held.shape}."
            )
        now, days = (np.array(x) for x in (instruments.volatility, instruments.days))
        swing = self.swings(np.nan_to_num(now), np.nan_to_num(days, nan=30.0))
        moved = instruments.values(self.price, swing)
        change = moved - instruments.values([0.0])
        extra = self._contingency(instruments, held)
        return array_margin(change, held, weight=self.weight, contingency=extra)

    def swings(self, volatility: np.ndarray, days: np.ndarray) -> np.ndarray:
        """(s, k) relative moves, >= −1, of volatilities (k,) of options with these days left."""
        days = np.maximum(days, self.shortest)
        more = (30 / days) ** np.where(days < 30, self.power, self.long_power)
        moves = np.array(self.volatility)[:, None]
        swing = np.maximum(moves * more, -1.0)
        if not self.least:
            return np.asarray(swing)
        floor = np.divide(self.least, volatility, out=np.ones(len(days)), where=volatility > 0) - 1
        return np.where(moves > 0, np.maximum(swing, floor), swing)

    def _contingency(self, instruments: Instruments, held: np.ndarray) -> np.ndarray:
        option, price = instruments.options, np.array(instruments.price)
        extra = np.zeros(held.shape[:-1])
        if self.short_option > 0:
            strikes = np.array(instruments.strike)[option]
            _, first, at = np.unique(strikes, return_index=True, return_inverse=True)
            net = held[..., option] @ np.eye(len(first))[at]
            extra += self.short_option * (np.maximum(-net, 0) @ price[option][first])
        if self.offset > 0:
            money = held[..., ~option] * price[~option]
            both = np.minimum(np.maximum(money, 0).sum(-1), np.maximum(-money, 0).sum(-1))
            extra += self.offset * both
        return extra


def array_margin(
    change: ArrayLike, size: ArrayLike, *, weight: ArrayLike = 1.0, contingency: ArrayLike = 0.0
) -> GridMargin:
    """Margin from given risk arrays, as published by clearing houses.

    loss(s) = −weight_s Σ_k size_k × change_sk;   margin = max(0, largest loss) + contingency

    Parameters
    ----------
    change : (s, k) change in value of one unit of each of k instruments in s scenarios, money.
    size : (..., k) signed sizes, one row per portfolio.
    weight : (s,) share of the change that counts, above 0, at most 1.
    contingency : (...) additional charges, money, >= 0.

    Raises
    ------
    ArgumentError : nan, and wrong shapes.

    Example
    -------
    A future and a put in three scenarios: one of each loses 2 when the price falls, a short
    future loses 10 when it rises.

    >>> found = array_margin([[-10, 8], [0, 0], [10, -4]], [[1, 1], [-1, 0]])
    >>> found.margin, found.scenario
    (array([ 2., 10.]), array([0, 2]))

    Source: the risk arrays of SPAN (`span_grid` has its scenarios).
    """
    table, held = known("change", change), known("size", size)
    if table.ndim != 2 or held.ndim == 0 or held.shape[-1] != table.shape[1]:
        raise ArgumentError(
            f"change is (scenarios, instruments) and size has one entry an instrument in its last "
            f"axis, but they have the shapes {table.shape} and {held.shape}."
        )
    part = np.broadcast_to(numbers("weight", weight, high=1, above=0), table.shape[:1])
    losses = -(held @ (table * part[:, None]).T)
    worst, extra = np.maximum(losses.max(-1), 0.0), known("contingency", contingency, 0)
    return GridMargin(
        losses, answer(worst), losses.argmax(-1), answer(extra), answer(worst + extra)
    )
