"""Oracles: the price that a venue or a protocol uses, which can differ from the market price.

An oracle receives the market price once per round and keeps the memory that it needs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers
from .price_impact import parameter

Memory: TypeAlias = Any
"""The memory of an oracle: pass it on unchanged. `report` returns a new one."""


@dataclass(frozen=True)
class Oracle(ABC):
    """The price that is reported, given the price of the market.

    `memory = oracle.start(price)` before the first round, then in each round
    `reported, memory = oracle.report(market, memory)`. Prices (..., A), money per unit, >= 0;
    leading axes are scenarios; the first price may have none.

    Source: arithmetic; each oracle names its own.
    """

    @abstractmethod
    def start(self, price: ArrayLike) -> Memory:
        """The initial memory of an oracle, as if the price had always been `price`.

        >>> Stale(delay=1).report(90, Stale(delay=1).start(100))[0]
        100.0
        """

    @abstractmethod
    def report(self, market: ArrayLike, memory: Memory) -> tuple[Numbers, Memory]:
        """The price reported in this round, (..., A), and the memory for the next.

        ArgumentError for a price below 0 or not finite; nan stays nan.

        >>> Market().report([90, 95], Market().start(100))[0]
        array([90., 95.])
        """


@dataclass(frozen=True)
class Market(Oracle):
    """Reports the market's price of the round.

    Example
    -------
    >>> oracle = Market()
    >>> oracle.report(90, oracle.start(100))[0]
    90.0

    Source: definition.
    """

    def start(self, price: ArrayLike) -> Memory:
        numbers("price", price, 0)
        return ()

    def report(self, market: ArrayLike, memory: Memory) -> tuple[Numbers, Memory]:
        now = numbers("market", market, 0)
        return answer(now), memory


def _remembered(memory: np.ndarray, now: np.ndarray) -> np.ndarray:
    """The last rounds (rounds, ..., A), the oldest dropped and this one added."""
    shape = np.broadcast_shapes(memory.shape[1:], now.shape)
    old = np.broadcast_to(_aligned(memory, len(shape))[1:], (len(memory) - 1, *shape))
    return np.concatenate([old, np.broadcast_to(now, (1, *shape))])


def _aligned(memory: np.ndarray, axes: int) -> np.ndarray:
    """(rounds, ..., A) with new axes of scenarios after that of the rounds."""
    extra = axes - (memory.ndim - 1)
    return memory.reshape(memory.shape[0], *(1,) * extra, *memory.shape[1:])


@dataclass(frozen=True)
class TimeWeighted(Oracle):
    """The mean price over the last rounds, including this one; all rounds have the same length.

    arithmetic: Σ p_t / window, as from Uniswap v2's price accumulator; geometric:
    (Π p_t)^(1/window), as from v3's accumulator of ticks, whose rounding is not modelled. On-chain,
    prices are weighted by time; here a round is a time interval, so `window` is the averaging time
    over the length of a round. A fall is fully reported after `window` rounds.

    Parameters
    ----------
    window : rounds, a whole number >= 1; 1 is the market's price.
    mean : "arithmetic" or "geometric".

    Raises
    ------
    ArgumentError : another window or mean.

    Example
    -------
    From 100 to 25: after one of two rounds 62.5, geometric √(100 × 25) = 50.

    >>> for mean in ("arithmetic", "geometric"):
    ...     oracle = TimeWeighted(window=2, mean=mean)
    ...     first, memory = oracle.report(25, oracle.start(100))
    ...     print(first, oracle.report(25, memory)[0])
    62.5 25.0
    50.0 25.0

    Source: Uniswap/v2-core, contracts/UniswapV2Pair.sol (price0CumulativeLast), read @ 03b5fc8;
    Uniswap/v3-core, contracts/libraries/Oracle.sol, read @ 0129ba9; Uniswap/v3-periphery,
    contracts/libraries/OracleLibrary.sol (consult), read @ 0671290.
    """

    window: int
    mean: Literal["arithmetic", "geometric"] = "arithmetic"

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", _rounds("window", self.window, 1))
        if self.mean not in ("arithmetic", "geometric"):
            raise ArgumentError(f"mean must be 'arithmetic' or 'geometric', but is {self.mean!r}.")

    def start(self, price: ArrayLike) -> Memory:
        first = numbers("price", price, 0)
        return np.broadcast_to(first, (self.window, *first.shape))

    def report(self, market: ArrayLike, memory: Memory) -> tuple[Numbers, Memory]:
        now = numbers("market", market, 0)
        prices = _remembered(memory, now)
        # Relative to the newest price, so that a constant price is reported exactly.
        if self.mean == "arithmetic":
            mean = prices[-1] + (prices - prices[-1]).mean(0)
        else:
            gone = (prices == 0).any(0)
            some = np.where(prices == 0, 1.0, prices)
            mean = np.where(gone, 0.0, some[-1] * np.exp(np.log(some / some[-1]).mean(0)))
        return answer(mean, prices.sum(0)), prices


@dataclass(frozen=True)
class Stale(Oracle):
    """Reports the market's price of `delay` rounds ago.

    Parameters
    ----------
    delay : rounds, a whole number >= 0; inf: the feed has stopped at the first price.

    Raises
    ------
    ArgumentError : another delay.

    Example
    -------
    >>> oracle = Stale(delay=2)
    >>> memory, seen = oracle.start(100), []
    >>> for price in (90, 80, 70, 60):
    ...     reported, memory = oracle.report(price, memory)
    ...     seen.append(reported)
    >>> seen
    [100.0, 100.0, 90.0, 80.0]

    Source: definition.
    """

    delay: float

    def __post_init__(self) -> None:
        if self.delay != np.inf:
            object.__setattr__(self, "delay", _rounds("delay", self.delay, 0))

    def start(self, price: ArrayLike) -> Memory:
        first = numbers("price", price, 0)
        kept = 1 if self.delay == np.inf else int(self.delay) + 1
        return np.broadcast_to(first, (kept, *first.shape))

    def report(self, market: ArrayLike, memory: Memory) -> tuple[Numbers, Memory]:
        now = numbers("market", market, 0)
        if self.delay == np.inf:
            shape = np.broadcast_shapes(memory.shape[1:], now.shape)
            return answer(np.array(np.broadcast_to(memory[0], shape))), memory
        prices = _remembered(memory, now)
        return answer(prices[0]), prices


@dataclass(frozen=True)
class CappedGrowth(Oracle):
    """A cap on the growth of a price, as in Aave's CAPO: min(market, snapshot (1 + growth t)).

    t counts the rounds since the snapshot; the cap grows linearly and does not depend on reports.
    The contract caps the ratio of a staked asset to its base, and reports a ratio that
    falls below the cap at once. A capped oracle also delays marking down (the project's notes,
    unverified), in two ways: a fall from above the cap is reported only once it is below the cap,
    and the ratio is the issuer's own exchange rate, which a market discount does not change.
    `fall` represents the second effect: the report falls by at most that share per round.

    Parameters
    ----------
    growth : growth of the cap per round, a share of the snapshot, >= 0 (0.1 per year is 0.1/365
        if a round is a day).
    fall : largest fall of the report in a round, a share of the previous report, 0 to 1; 0: it
        never marks down; None: falls are reported at once, as in the contract.
    snapshot : price at the snapshot, > 0; None: the price at the start. If it is too low, the
        report is too low from the first round.

    Raises
    ------
    ArgumentError : a parameter out of range.

    Example
    -------
    Growth of 1 % per round from 100; the market doubles, then halves.

    >>> oracle = CappedGrowth(growth=0.01)
    >>> up, memory = oracle.report(200, oracle.start(100))
    >>> up, oracle.report(50, memory)[0]
    (101.0, 50.0)
    >>> slow = CappedGrowth(growth=0.01, fall=0.1)
    >>> first, memory = slow.report(50, slow.start(100))
    >>> first, slow.report(50, memory)[0]
    (90.0, 81.0)

    Source: bgd-labs/aave-capo, src/contracts/PriceCapAdapterBase.sol (latestAnswer,
    _setCapParameters), read @ 056c225. `fall` is not in the contract.
    """

    growth: Any
    fall: Any = None
    snapshot: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "growth", parameter("growth", self.growth, 0))
        if self.fall is not None:
            object.__setattr__(self, "fall", parameter("fall", self.fall, 0, high=1))
        if self.snapshot is not None:
            object.__setattr__(self, "snapshot", parameter("snapshot", self.snapshot, above=0))

    def start(self, price: ArrayLike) -> Memory:
        first = numbers("price", price, 0)
        base = first if self.snapshot is None else np.asarray(self.snapshot)
        return base, 0, np.minimum(first, base)

    def report(self, market: ArrayLike, memory: Memory) -> tuple[Numbers, Memory]:
        now = numbers("market", market, 0)
        base, rounds, last = memory
        reported = np.minimum(now, base * (1 + np.asarray(self.growth) * (rounds + 1)))
        if self.fall is not None:
            reported = np.maximum(reported, last * (1 - np.asarray(self.fall)))
        return answer(reported, now), (base, rounds + 1, reported)


@dataclass(frozen=True)
class HardCoded(Oracle):
    """Reports a fixed price regardless of the market.

    The health of positions is computed at that price, so nothing is liquidated. Bad debt at the
    market price is latent: it appears only when the oracle is changed or the collateral has to be
    sold (xUSD 2025, USR 2026).

    Parameters
    ----------
    price : money per unit, >= 0; one per asset, (A,), with nan for those at the market price.

    Raises
    ------
    ArgumentError : a price below 0 or not finite.

    Example
    -------
    xUSD at par, ether at the market.

    >>> oracle = HardCoded(price=[1.0, float("nan")])
    >>> oracle.report([0.25, 3_000], oracle.start([1, 3_500]))[0]
    array([1.e+00, 3.e+03])

    Source: bgd-labs/aave-capo, src/contracts/misc-adapters/FixedPriceAdapter.sol, read @ 1309ac6,
    as one such contract; the two cases are from the project's notes.
    """

    price: Any = 1.0

    def __post_init__(self) -> None:
        fixed = numbers("price", self.price, 0)
        # None for nan, which would not compare equal to itself.
        object.__setattr__(self, "price", _known(fixed.tolist()))

    def start(self, price: ArrayLike) -> Memory:
        numbers("price", price, 0)
        return ()

    def report(self, market: ArrayLike, memory: Memory) -> tuple[Numbers, Memory]:
        now = numbers("market", market, 0)
        fixed = np.asarray(self.price, dtype=float)
        return answer(np.where(np.isnan(fixed), now, fixed)), memory


def _rounds(name: str, value: float, least: int) -> int:
    """A whole number of rounds, or ArgumentError."""
    rounds = numbers(name, value, least)
    if rounds.ndim or np.isnan(rounds) or rounds % 1:
        raise ArgumentError(f"{name} must be a whole number of rounds, but is {value!r}.")
    return int(rounds)


def _known(part: Any) -> Any:
    """Nested lists as tuples, nan as None."""
    if isinstance(part, list):
        return tuple(map(_known, part))
    return None if part != part else part
