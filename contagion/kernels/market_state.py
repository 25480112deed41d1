"""The state of a market: everything that one round of it hands to the next.

Arrays have scenarios first: B scenarios, L legs, N accounts, A assets, K holders, V venues, R
reserves.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np


@dataclass
class MarketState:
    """Where a batch of scenarios stands. Money, units, or as said.

    Attributes
    ----------
    units (B, L), cash (B, N) : legs of the accounts, and their money.
    free (B, K) : money of holders outside the venues, to meet margin calls with.
    fundamental, price, told (B, A) : prices without sales, of the market, and of the oracles.
    volume (B, A) : net units sold that weigh on the price, in units of the depth at the start.
    open (B, A) : units in all accounts, longs and shorts added.
    sold (B, A) : gross units liquidated so far; gone (B, A): the part of the open interest at the
        start that was liquidated and still keeps depth away.
    variance (B, A) : weighted mean of the squared returns of the market price, a round.
    alive, vault (B, N) bool : the account has legs; a backstop took it over, at equity
        `taken` (B, N). overdue (B, N): rounds below maintenance in a row, counted where a call has
        a deadline.
    deficit, topped, fees (B, N) : negative equity of closed accounts (of a loan its debt that is
        left, at fundamental prices), calls met, liquidation fees.
    shared (B, N) : what the rule of the venue took off the account for deficits of others.
    reserve (B, R) : deficits of loans by the reserve that the debt was owed to.
    fund, uncovered, room (B, V) : insurance fund of a venue (fees go in, deficits come out), the
        deficits that it did not cover, and the negative equity that its vault still takes on.
    market, liquidators (B,) : what buyers gained on the fundamental price, and liquidators on the
        price that they sold for.
    marked (B, N) : what moves of fundamental prices gave to the account, with the positions that
        it had when they moved.
    liquidated (B,) : money for which was sold or bought; of loans the collateral.
    rounds (B,) int, settled (B,) bool : rounds so far; nothing moves any more. elapsed (B,): days
        since the start.
    oracle, breakers : their memories. Arrays of an oracle have scenarios on the last axis but one,
        those of a breaker on the first.
    """

    units: np.ndarray
    cash: np.ndarray
    free: np.ndarray
    fundamental: np.ndarray
    price: np.ndarray
    told: np.ndarray
    volume: np.ndarray
    open: np.ndarray
    sold: np.ndarray
    gone: np.ndarray
    variance: np.ndarray
    alive: np.ndarray
    vault: np.ndarray
    taken: np.ndarray
    overdue: np.ndarray
    deficit: np.ndarray
    topped: np.ndarray
    fees: np.ndarray
    shared: np.ndarray
    reserve: np.ndarray
    fund: np.ndarray
    uncovered: np.ndarray
    room: np.ndarray
    market: np.ndarray
    liquidators: np.ndarray
    marked: np.ndarray
    liquidated: np.ndarray
    rounds: np.ndarray
    settled: np.ndarray
    elapsed: np.ndarray
    oracle: Any
    breakers: list[Any]

    def take(self, rows: np.ndarray) -> MarketState:
        """The scenarios `rows` as a state of their own (a copy)."""
        size = len(self.rounds)
        found = {name: getattr(self, name)[rows] for name in ARRAYS}
        kept = [_taken(memory, rows, size, 0) for memory in self.breakers]
        return MarketState(**found, oracle=_taken(self.oracle, rows, size, -2), breakers=kept)

    def put(self, rows: np.ndarray, part: MarketState, of: np.ndarray) -> None:
        """Write the scenarios `of` of `part` to `rows`; memories are written too."""
        for name in ARRAYS:
            getattr(self, name)[rows] = getattr(part, name)[of]
        sizes = len(self.rounds), len(part.rounds)
        self.oracle = _put(self.oracle, part.oracle, rows, of, sizes, -2)
        self.breakers = [
            _put(old, new, rows, of, sizes, 0)
            for old, new in zip(self.breakers, part.breakers, strict=True)
        ]

    def single(self) -> MarketState:
        """The first scenario, without the axis of scenarios (memories as they are)."""
        found = {name: getattr(self, name)[0] for name in ARRAYS}
        return MarketState(**found, oracle=self.oracle, breakers=self.breakers)


ARRAYS = tuple(f.name for f in fields(MarketState) if f.name not in ("oracle", "breakers"))


def at_rest(old: Any, new: Any, size: int, tolerance: float) -> np.ndarray:
    """(B,) scenarios in which what an oracle remembers does not change any more.

    Arrays are compared; counters and settings are not. A feed that is late has rounds in store in
    which nothing moves yet.
    """
    out = np.ones(size, bool)
    if isinstance(new, tuple):
        for one, other in zip(old, new, strict=True):
            out &= at_rest(one, other, size, tolerance)
    elif isinstance(new, np.ndarray) and new.dtype.kind == "f":
        same = np.abs(new - old) <= tolerance * np.abs(new)
        if _by_scenario(same, size, -2):
            out &= np.moveaxis(same, -2, 0).reshape(size, -1).all(axis=-1)
        else:
            out &= bool(same.all())
    return out


def _by_scenario(memory: Any, size: int, axis: int) -> bool:
    return bool(memory.ndim >= max(abs(axis), 1) and memory.shape[axis] == size)


def _taken(memory: Any, rows: np.ndarray, size: int, axis: int) -> Any:
    if isinstance(memory, tuple):
        return tuple(_taken(each, rows, size, axis) for each in memory)
    if isinstance(memory, np.ndarray) and _by_scenario(memory, size, axis):
        return np.compress(rows, memory, axis) if rows.dtype == bool else memory.take(rows, axis)
    return memory


def _put(
    old: Any, new: Any, rows: np.ndarray, of: np.ndarray, sizes: tuple[int, int], axis: int
) -> Any:
    if isinstance(old, tuple):
        return tuple(_put(a, b, rows, of, sizes, axis) for a, b in zip(old, new, strict=True))
    if not (isinstance(old, np.ndarray) and _by_scenario(old, sizes[0], axis)):
        return new
    kept = np.array(np.moveaxis(old, axis, 0))
    kept[rows] = np.moveaxis(new, axis, 0)[of]
    return np.moveaxis(kept, 0, axis)
