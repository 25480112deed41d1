"""The state of a market: all data that one round passes to the next.

Arrays have scenarios first: B scenarios, L legs, N accounts, A assets, K holders, V venues, R
reserves.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np


@dataclass
class MarketState:
    """The state of a batch of scenarios. Money, units, or as stated.

    Attributes
    ----------
    units (B, L), cash (B, N) : legs of the accounts, and their money.
    free (B, K) : money of holders outside the venues, available for margin calls.
    fundamental, price, told (B, A) : prices without sales, of the market, and of the oracles.
    volume (B, A) : net units sold that affect the price, in units of the depth at the start.
    open (B, A) : units in all accounts, longs and shorts added.
    sold (B, A) : gross units liquidated so far; gone (B, A): the share of the open interest at the
        start that was liquidated and still reduces depth.
    variance (B, A) : weighted mean of the squared returns of the market price, per round.
    alive, vault (B, N) bool : the account has legs; a backstop took it over, at equity
        `taken` (B, N). overdue (B, N): consecutive rounds below maintenance, counted if a call has
        a deadline.
    deficit, topped, fees (B, N) : negative equity of closed accounts (for a loan its remaining
        debt, at fundamental prices), calls met, liquidation fees.
    shared (B, N) : amount taken from the account by the rule of the venue for deficits of others.
    reserve (B, R) : deficits of loans by the reserve to which the debt was owed.
    fund, uncovered, room (B, V) : insurance fund of a venue (receives fees, pays deficits), the
        deficits that it did not cover, and the negative equity that its vault can still take.
    market, liquidators (B,) : gains of buyers relative to the fundamental price, and of
        liquidators relative to the price at which they sold.
    marked (B, N) : gains of the account from changes of fundamental prices, on the positions held
        at the time of the change.
    liquidated (B,) : value of sales and purchases in liquidations; for loans the collateral.
    rounds (B,) int, settled (B,) bool : rounds so far; nothing changes any more. elapsed (B,): days
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
        """The scenarios `rows` as a separate state (a copy)."""
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
    """(B,) scenarios in which the memory of an oracle no longer changes.

    Arrays are compared; counters and settings are not. A feed with a delay can have rounds ahead
    even if its report does not change yet.
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
