"""Maintenance margin without a fixed rate: schedules by size, and scenario grids by portfolio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..kernels.accounts import POSITION, Pairs
from ..margin import ScenarioGrid, TieredSchedule
from .instruments import Future, Option

STEPS = 40  # maximum number of Newton steps for the share to close; each passes at least one tier


@dataclass(frozen=True)
class MarginRules:
    """Margin (B, N) of accounts in addition to the weights of their legs.

    Schedules: Σ over legs of `max_k (rate_k |q p| − amount_k)`, the maintenance of the tier. Grids:
    for each underlying the worst loss of all its instruments together over the scenarios, plus the
    contingencies of the grid.

    Attributes
    ----------
    legs, tier : (T,) legs with a schedule, and its number; rates, amounts (S, K): the schedules.
    grids : for each venue and underlying the grid, the legs in it, and their markets.
    account : (L,) of each leg; closes (N,) largest share closed by one liquidation; position
        (N,) bool, accounts in which the same share of every leg is closed.
    """

    account: np.ndarray
    closes: np.ndarray
    position: np.ndarray
    legs: np.ndarray
    asset: np.ndarray
    tier: np.ndarray
    rates: np.ndarray
    amounts: np.ndarray
    grids: tuple[Grid, ...] = field(default=())

    def required(self, units: np.ndarray, told: np.ndarray, elapsed: np.ndarray) -> np.ndarray:
        """(B, N) money at reported prices."""
        out = np.zeros((len(units), len(self.closes)))
        if len(self.legs):
            value = np.abs(units[:, self.legs] * told[:, self.asset[self.legs]])
            who, first = np.unique(self.account[self.legs], return_index=True)
            out[:, who] += _by_account(self._tiered(value, self.tier)[0], first)
        for grid in self.grids:
            out[:, grid.account[grid.first]] += grid.margin(units, told, elapsed)
        return out

    def part(
        self,
        at: Pairs,
        units: np.ndarray,
        told: np.ndarray,
        health: np.ndarray,
        equity: np.ndarray,
        part: np.ndarray,
    ) -> np.ndarray:
        """(P,) share to close, if schedules make the margin fall faster than the position.

        The smallest f with `Σ maintenance((1 − f) N) <= equity`. The margin is convex and falling
        in f, so that Newton steps from 0 converge to f from below.
        """
        tier = np.full(len(self.account), -1)
        tier[self.legs] = self.tier
        mine = tier[at.leg] >= 0
        here = (at.total(mine.astype(float)) > 0) & self.position[at.account]
        if not here.any():
            return part
        value = np.where(mine, np.abs(units * told[at.row, self.asset[at.leg]]), 0.0)
        which = np.maximum(tier[at.leg], 0)
        first, _ = self._tiered(value, which)
        other, found = equity - health - at.total(first), np.zeros(len(part))
        for _ in range(STEPS):
            margin, rate = self._tiered(value * (1 - found)[at.owner], which)
            gap = at.total(margin) + other * (1 - found) - equity
            slope = at.total(rate * value) + other
            more = np.where(slope > 0, np.maximum(gap, 0.0) / np.where(slope > 0, slope, 1.0), 0.0)
            found = np.minimum(found + more, 1.0)
            if (more <= 1e-15)[here].all():
                break
        found = np.minimum(found, self.closes[at.account])
        return np.where(here & (part > 0) & (part < 1), found, part)

    def _tiered(self, value: np.ndarray, tier: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Maintenance of values (..., T), and the rate of their tier."""
        each = value[..., None] * self.rates[tier] - self.amounts[tier]
        best = each.argmax(axis=-1)
        rate = np.take_along_axis(
            np.broadcast_to(self.rates[tier], each.shape), best[..., None], -1
        )
        return each.max(axis=-1), rate[..., 0]


@dataclass(frozen=True)
class Grid:
    """A scenario grid over the instruments of one underlying at one venue."""

    grid: ScenarioGrid
    legs: np.ndarray
    account: np.ndarray  # (legs,) of each leg, in order
    column: np.ndarray  # (legs,) market of each leg
    under: int
    options: Mapping[int, tuple[int, Option]]  # column: that of the volatility, and the option

    def margin(self, units: np.ndarray, told: np.ndarray, elapsed: np.ndarray) -> np.ndarray:
        """(B, accounts of the legs) worst loss of each account, plus contingencies."""
        g, held, first = self.grid, units[:, self.legs], self.first
        columns, place = self._columns
        change = np.stack([self._changes(int(c), told, elapsed) for c in columns], axis=-1)
        worst = np.zeros((len(units), len(first)))
        for moved, weight in zip(change, g.weight, strict=True):
            worst = np.maximum(worst, -weight * _by_account(held * moved[:, place], first))
        if g.short_option > 0:
            for level in np.unique(self._strike[self._strike > 0]):
                short = -_by_account(held * (self._strike == level), first)
                worst += g.short_option * told[:, self.under, None] * np.maximum(short, 0)
        if g.offset > 0:
            money = np.where(self._strike > 0, 0.0, held * told[:, self.column])
            long, short = (_by_account(np.maximum(x, 0.0), first) for x in (money, -money))
            worst += g.offset * np.minimum(long, short)
        return worst

    @cached_property
    def first(self) -> np.ndarray:
        """The first leg of each account among the legs."""
        return np.unique(self.account, return_index=True)[1]

    @cached_property
    def _columns(self) -> tuple[np.ndarray, np.ndarray]:
        """The markets of the legs, and the market of each leg."""
        return np.unique(self.column, return_inverse=True)

    @cached_property
    def _strike(self) -> np.ndarray:
        """(legs,) strike of an option, 0 for other instruments."""
        return np.array([self.options[c][1].strike if c in self.options else 0.0
                         for c in self.column])  # fmt: skip

    def _changes(self, column: int, told: np.ndarray, elapsed: np.ndarray) -> np.ndarray:
        """(scenarios of the grid, B) change of value of one unit."""
        move = np.array(self.grid.price)[:, None]
        if column not in self.options:
            return np.asarray(told[:, column] * move)
        at, option = self.options[column]
        price, times = told[:, self.under], told[:, at]
        swing = self.grid.swings(option.volatility * times, np.maximum(option.days - elapsed, 0.0))
        moved = option.value(price * (1 + move), times * (1 + swing), elapsed)
        return np.asarray(moved - option.value(price, times, elapsed))


def _by_account(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """(B, legs in the order of accounts) summed by account."""
    return np.asarray(np.add.reduceat(values, first, axis=-1))


def rules_of(
    book: Any,
    schedules: Mapping[str, TieredSchedule],
    portfolio: Mapping[Any, ScenarioGrid],
) -> MarginRules | None:
    """The rules for a book; None if it has neither schedules nor grids."""
    if not schedules and not portfolio:
        return None
    a, columns = book.arrays, book.columns
    frame, base = book._frame, np.array(book.base, dtype=object)
    names = list(schedules)
    tiered = frame["tiered"].to_numpy(bool)
    legs = np.flatnonzero(tiered)
    most = max((len(s.rates) for s in schedules.values()), default=1)
    rates, amounts = np.zeros((max(len(names), 1), most)), np.zeros((max(len(names), 1), most))
    for k, name in enumerate(names):
        one = schedules[name]
        rates[k, : len(one.rates)], amounts[k, : len(one.rates)] = one.rates, one.amounts
    tier = np.array([names.index(base[a.asset[leg]]) for leg in legs], int)
    options = {at: (swing, one) for at, _, swing, one in columns.options}
    under = {
        k: one.underlying if isinstance(one := book.instruments.get(name), (Option, Future))
        and one.underlying else name
        for k, name in enumerate(book.base)
    }  # fmt: skip
    found = []
    for venue, grid in portfolio.items():
        here = (frame["grid"] & (frame["venue"] == venue)).to_numpy(bool)
        for name in dict.fromkeys(under[c] for c in a.asset[here]):
            mine = np.flatnonzero(here & np.array([under[c] == name for c in a.asset]))
            column = book.assets.index(name) if name in book.assets else int(a.asset[mine[0]])
            found.append(Grid(grid, mine, a.account[mine], a.asset[mine], column, options))
    return MarginRules(
        a.account,
        a.close_factor,
        a.kind == POSITION,
        legs,
        a.asset,
        tier,
        rates,
        amounts,
        tuple(found),
    )
