"""Price impact of on-chain pools: constant product, and liquidity in price ranges."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers
from .order_book import Finite, padded, pick, rows_of
from .price_impact import Array, PriceImpact, array


@dataclass(frozen=True)
class Pool(PriceImpact):
    """An on-chain pool: the base of `ConstantProduct` and `ConcentratedLiquidity`.

    Volumes are those traded along the curve, after fees. The fee is a share of the input, booked
    separately for liquidity providers, and does not deepen the pool: of `amount` units brought to
    the pool, `reaching(amount)` = (1 − fee) × amount are sold (a purchase pays its fee in money, so
    all of it counts); `fees` is the value at the prices of the trade, proceeds × fee / (1 − fee).

    Parameters
    ----------
    fee : share of the input, 0 <= fee < 1 (0.003 on Uniswap v2).

    Source: Uniswap/v2-periphery, contracts/libraries/UniswapV2Library.sol (getAmountOut,
    getAmountIn), read @ 19dcab2; Uniswap/v3-core, contracts/libraries/SwapMath.sol, read
    @ 00d4e04. In v2 the fee stays in the reserves and deepens them by itself; in v3 it does not.
    """

    fee: Any = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("fee", 0, below=1)

    def reaching(self, amount: ArrayLike) -> Numbers:
        """Units of an amount brought to the pool that are sold: (1 − fee) of it; purchases: all.

        >>> ConstantProduct(100, 1_000, fee=0.003).reaching([10, -10])
        array([  9.97, -10.  ])
        """
        units = numbers("amount", amount)
        return answer(units * np.where(units > 0, 1 - array(self.fee), 1.0), units)

    def fees(self, price: ArrayLike, before: ArrayLike, after: ArrayLike) -> Numbers:
        """Fees of liquidity providers, money: |proceeds| × fee / (1 − fee), besides the proceeds.

        9.97 sold at 10 to a pool of 100 yield 90.66; the fee of 0.03 units is worth 0.27.

        >>> round(ConstantProduct(100, 1_000, fee=0.003).fees(10, 0, 9.97), 4)
        0.2728
        """
        fee = array(self.fee)
        return answer(np.abs(self.proceeds(price, before, after)) * fee / (1 - fee))


@dataclass(frozen=True)
class ConstantProduct(Pool):
    """A pool with x y = k: factor (x / (x + v))², proceeds y v / (x + v).

    integral: x v / (x + v), so that price × integral are the proceeds with the price y / x.

    Parameters
    ----------
    asset : reserve x, units of the asset, > 0.
    money : reserve y, money, > 0; sets the price y / x, which the caller passes on.
    fee, recovery : see `Pool` and `PriceImpact`.

    Raises
    ------
    ArgumentError : a parameter out of range, or a purchase of the whole reserve or more.

    Example
    -------
    25 sold to 100 × 1,000: 1,000 × 25/125 = 200; the price falls from 10 to 10 × 0.8² = 6.4.

    >>> pool = ConstantProduct(asset=100, money=1_000)
    >>> pool.price, pool.proceeds(pool.price, 0, 25), round(pool.factor(25), 4)
    (10.0, 200.0, 0.64)
    >>> pool.at(2.5) == ConstantProduct(asset=200, money=500)
    True

    Source: Uniswap/v2-core, contracts/UniswapV2Pair.sol (swap), read @ 03b5fc8.
    """

    asset: Any
    money: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("asset", above=0)
        self._set("money", above=0)

    @property
    def price(self) -> Numbers:
        """money / asset: the price before sales."""
        return answer(array(self.money) / array(self.asset))

    def at(self, price: ArrayLike) -> ConstantProduct:
        """The pool after arbitrage has moved it along x y = k to a price: x = √(k / price).

        A pool holds more of an asset whose price has fallen; the resulting loss of its providers is
        not part of any sale here.
        """
        to = numbers("price", price, above=0)
        k = array(self.asset) * array(self.money)
        return replace(self, asset=np.sqrt(k / to), money=np.sqrt(k * to))

    def _reserve(self, volume: Array) -> Array:
        after = array(self.asset) + volume
        if (after <= 0).any():
            at = int(np.argmax(after <= 0))
            bought = -np.broadcast_to(volume, after.shape).ravel()[at]
            held = np.broadcast_to(self.asset, after.shape).ravel()[at]
            raise ArgumentError(
                f"{bought:g} units are bought at position {at} from a pool that holds {held:g} "
                f"({(after <= 0).sum()} of {after.size} volumes): the last unit has no price. "
                "Limit the purchases."
            )
        return after

    def _factor(self, volume: Array) -> Array:
        return np.square(array(self.asset) / self._reserve(volume))

    def _integral(self, volume: Array) -> Array:
        return array(self.asset) * (volume / self._reserve(volume))

    def _inverse(self, factor: Array) -> Array:
        with np.errstate(divide="ignore"):
            return array(self.asset) * (1 / np.sqrt(factor) - 1)


@dataclass(frozen=True)
class ConcentratedLiquidity(Pool, Finite):
    """Liquidity in price ranges as on Uniswap v3, exact from range to range.

    Within a range of liquidity L: v = L (1/√p' − 1/√p) units take the price from p to p' and
    yield L (√p − √p'). Ranges may overlap (L adds up) and leave gaps, which the price jumps over.
    If liquidity runs out, an on-chain swap stops at the last bound and leaves the rest unsold.
    Here the remaining volume is executed at the price `floor`, by default 0, so that the integral
    is still the sum of the prices.

    Parameters
    ----------
    ranges : rows (lower, upper, liquidity), prices in money and L in √(units × money), all > 0;
        or one list of rows for each asset.
    price : price before, money, > 0: (A,), or (..., A) for scenarios with different start prices.
    floor, ceiling : see `Finite`. fee, recovery : see `Pool` and `PriceImpact`.

    Raises
    ------
    ArgumentError : a parameter out of range, a lower bound that is not below the upper one, or
        purchases beyond the last range without a `ceiling`.

    Example
    -------
    L = 120 from 81 to 100, then 300 from 64 to 81. To 81: 120 (1/9 − 1/10) = 4/3 units yield
    120 (10 − 9) = 120; to 64 another 300 (1/8 − 1/9) = 25/6 yield 300.

    >>> pool = ConcentratedLiquidity([(81, 100, 120), (64, 81, 300)], price=100)
    >>> round(pool.factor(4 / 3), 4), round(pool.proceeds(100, 0, 4 / 3), 4)
    (0.81, 120.0)
    >>> round(pool.inverse(0.64), 4), round(pool.proceeds(100, 0, 5.5), 4)
    (5.5, 420.0)
    >>> pool.factor(6), round(pool.proceeds(100, 0, 6), 4)
    (0.0, 420.0)

    Source: Uniswap/v3-core, contracts/libraries/SqrtPriceMath.sol and SwapMath.sol, read
    @ 00d4e04; contracts/UniswapV3Pool.sol (swap: stops at the limit), read @ 011e06f. Ticks and
    the rounding of the contract are not modelled.
    """

    ranges: Any
    price: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        ranges, _ = rows_of("ranges", self.ranges, "lower, upper, liquidity")
        object.__setattr__(self, "ranges", ranges)
        self._set("price", above=0)
        low, high, _ = self._segments
        price = array(self.price)
        self._last_prices(low[..., -1] ** 2 / price, high[..., 0] ** 2 / price)

    @cached_property
    def _segments(self) -> Array:
        """√lower, √upper, L of disjoint ranges from the top: (3, R) or (3, A, R)."""
        each = isinstance(self.ranges[0][0], tuple)
        found = []
        for a, table in enumerate(self.ranges if each else (self.ranges,)):
            lower, upper, liquidity = np.asarray(table).T
            if (lower >= upper).any():
                i = int(np.argmax(lower >= upper))
                raise ArgumentError(
                    f"ranges, table {a}, row {i}: lower {lower[i]:g} is not below upper "
                    f"{upper[i]:g}. Write (lower, upper, liquidity)."
                )
            bounds = np.unique([lower, upper])[::-1]
            low, high = bounds[1:], bounds[:-1]
            covered = (lower[:, None] <= low) & (upper[:, None] >= high)
            total = liquidity @ covered
            some = total > 0
            found.append(np.stack([np.sqrt(low[some]), np.sqrt(high[some]), total[some]]))
        segments = padded(found, each, (np.nan, np.nan, np.nan))
        # A repeated row has no length: it takes no volume.
        for a, table in enumerate(found if each else ()):
            segments[1, a, table.shape[1] :] = table[0, -1]
        return segments

    @cached_property
    def _start(self) -> Array:
        """√price of each segment at the start: the price, or the bound next to it, (..., R)."""
        low, high, _ = self._segments
        return np.clip(np.sqrt(array(self.price))[..., None], low, high)

    @cached_property
    def reserves(self) -> tuple[Numbers, Numbers]:
        """Units of the asset and money that the ranges hold at the price before."""
        low, high, liquidity = self._segments
        asset = (liquidity * (1 / self._start - 1 / high)).sum(-1)
        return answer(asset), answer((liquidity * (self._start - low)).sum(-1))

    @cached_property
    def capacity(self) -> tuple[Numbers, Numbers]:
        """Units that can be sold down to the lowest bound, and bought up to the highest."""
        low, _, liquidity = self._segments
        return answer((liquidity * (1 / low - 1 / self._start)).sum(-1)), self.reserves[0]

    def at(self, price: ArrayLike) -> ConcentratedLiquidity:
        """The same ranges after arbitrage has moved the price."""
        return replace(self, price=price)

    def _root(self, inside: Array) -> Array:
        """√price after a volume within the liquidity."""
        low, high, liquidity = self._segments
        start = self._start
        sold = liquidity * (1 / low - 1 / start)
        bought = liquidity * (1 / start - 1 / high)
        # Units that trade before a segment is reached: from the top down, from the bottom up.
        down = np.cumsum(sold, -1) - sold
        up = np.cumsum(bought[..., ::-1], -1)[..., ::-1] - bought
        selling, units = inside > 0, np.abs(inside)
        passed_down = (down < units[..., None]).sum(-1) - 1
        passed_up = low.shape[-1] - (up < units[..., None]).sum(-1)
        at = np.clip(np.where(selling, passed_down, passed_up), 0, low.shape[-1] - 1)
        part = (units - np.where(selling, pick(down, at), pick(up, at))) / pick(liquidity, at)
        inverse = 1 / pick(start, at) + np.where(selling, part, -part)
        floor, roof = pick(low, at), pick(high, at)
        return np.clip(1 / np.maximum(inverse, 1 / roof), floor, roof)

    def _factor(self, volume: Array) -> Array:
        inside, rest = self._inside(volume)
        share = np.square(self._root(inside)) / array(self.price)
        # Rounding must not move the first unit's price to the other side of 1.
        share = np.where(inside > 0, np.minimum(share, 1), np.maximum(share, 1))
        share = np.where(inside == 0, 1.0, share)
        return np.where(rest == 0, share, self._beyond(rest))

    def _integral(self, volume: Array) -> Array:
        inside, rest = self._inside(volume)
        low, high, liquidity = self._segments
        root = np.clip(self._root(inside)[..., None], low, high)
        money = (liquidity * (self._start - root)).sum(-1)
        found = np.where(inside == 0, 0.0, money / array(self.price))
        return found + rest * self._beyond(rest)

    def _inverse(self, factor: Array) -> Array:
        low, high, liquidity = self._segments
        price = array(self.price)
        root = np.clip(np.sqrt(factor * price)[..., None], low, high)
        units = (liquidity * (1 / root - 1 / self._start)).sum(-1)
        out = self._ran_out(factor, low[..., -1] ** 2 / price, high[..., 0] ** 2 / price)
        return np.where(np.isnan(out), units, out)
