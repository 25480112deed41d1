"""Price impact: the price fall after the sale of a volume, and the proceeds of the sale.

mark = fundamental price × factor of the volume sold so far. Volumes are units of the asset, net
since the start: sales above 0, purchases below 0 (with a factor above 1).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers, ratio

Array: TypeAlias = NDArray[np.float64]


def array(values: ArrayLike) -> Array:
    """Values as an array of floats.

    >>> array((1, 2))
    array([1., 2.])
    """
    return np.asarray(values, dtype=float)


def parameter(name: str, values: ArrayLike, low: float = -np.inf, **bounds: Any) -> Any:
    """A checked parameter as a float or nested tuples, so that impacts can be compared and hashed.

    >>> parameter("depth", [10, 20], above=0)
    (10.0, 20.0)
    """
    checked = numbers(name, values, low, **bounds)
    if np.isnan(checked).any():
        raise ArgumentError(f"{name} must be known, but holds nan; leave the asset out or fill it.")

    def frozen(part: Any) -> Any:
        return tuple(map(frozen, part)) if isinstance(part, list) else part

    return frozen(checked.tolist())


@dataclass(frozen=True)
class PriceImpact(ABC):
    """The response of asset prices to sales and purchases.

    The methods take volumes of shape (..., A), leading axes are scenarios, and return the same
    shape (a float for a scalar). Parameters are numbers or one per asset, (A,). A custom form of
    impact implements `_factor`, `_integral` and `_inverse` on float arrays.

    Parameters
    ----------
    recovery : rate per round, >= 0, at which depth recovers: the share exp(−rate) of the volume
        sold so far still affects the price one round later. 0: no recovery; inf: full recovery.
        Buyers who refill the book bring new money without a loss; half-life ln 2 / rate rounds.

    Raises
    ------
    ArgumentError : a parameter out of range.

    Source: arithmetic; each form names its own.
    """

    recovery: Any = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        rate = parameter("recovery", self.recovery, 0, infinite=True)
        object.__setattr__(self, "recovery", rate)

    def _set(self, name: str, low: float = -np.inf, **bounds: Any) -> None:
        object.__setattr__(self, name, parameter(name, getattr(self, name), low, **bounds))

    @abstractmethod
    def _factor(self, volume: Array) -> Array: ...

    @abstractmethod
    def _integral(self, volume: Array) -> Array: ...

    @abstractmethod
    def _inverse(self, factor: Array) -> Array: ...

    def factor(self, volume: ArrayLike) -> Numbers:
        """Price after `volume` units were sold, relative to the price before: factor(0) = 1, >= 0,
        non-increasing in the volume. ArgumentError for a volume that is not finite or exceeds the
        supply for purchases.

        >>> Linear(depth=100).factor([0, 20, -20])
        array([1. , 0.8, 1.2])
        """
        units = numbers("volume", volume)
        return answer(self._factor(units), units)

    def integral(self, volume: ArrayLike) -> Numbers:
        """∫₀^volume factor(u) du, units: proceeds of the sale divided by the price before it.

        Below 0 for purchases: minus their cost. ArgumentError as for `factor`.

        >>> Linear(depth=100).integral([20, -20])
        array([ 18., -22.])
        """
        units = numbers("volume", volume)
        return answer(self._integral(units), units)

    def proceeds(self, price: ArrayLike, before: ArrayLike, after: ArrayLike) -> Numbers:
        """Proceeds of sales from volume `before` to volume `after`, money: price × (integral(after)
        − integral(before)), without fees; for purchases minus their cost. `price` (..., A) is the
        fundamental price, the mark at volume 0. ArgumentError as for `factor`, or price < 0.

        >>> Linear(depth=100).proceeds(10, 20, 40)
        140.0
        """
        at = numbers("price", price, 0)
        return answer(at * (self.integral(after) - array(self.integral(before))), at)

    def inverse(self, factor: ArrayLike) -> Numbers:
        """The volume that moves the price to `factor` times the price before, units.

        The smallest sale (or purchase, below 0) at which the price is reached or passed; ±inf if
        no volume moves it that far. ArgumentError for a factor below 0.

        >>> Linear(depth=100).inverse([0.9, 1.1])
        array([ 10., -10.])
        """
        to = numbers("factor", factor, 0)
        return answer(self._inverse(to), to)

    def recovered(self, volume: ArrayLike) -> Numbers:
        """Volume that still moves the price one round later: volume × exp(−recovery).

        >>> NoImpact(recovery=np.log(2)).recovered(100)
        50.0
        """
        units = numbers("volume", volume)
        return answer(units * np.exp(-array(self.recovery)), units)

    def reaching(self, amount: ArrayLike) -> Numbers:
        """Part of an amount offered that moves the price: all of it, less a pool's fee.

        >>> NoImpact().reaching(100)
        100.0
        """
        units = numbers("amount", amount)
        return answer(units, units)

    def fees(self, price: ArrayLike, before: ArrayLike, after: ArrayLike) -> Numbers:
        """Fees on the trade from volume `before` to `after`, money: 0 except in pools.

        >>> NoImpact().fees(10, 0, 100)
        0.0
        """
        return answer(0.0 * array(self.proceeds(price, before, after)))

    def at(self, price: ArrayLike) -> PriceImpact:
        """The impact after news has moved the price to `price` without sales, (..., A), > 0.

        Unchanged if depth is relative to the price; a pool holds more of an asset that fell.

        >>> Linear(depth=100).at(5) == Linear(depth=100)
        True
        """
        numbers("price", price, above=0)
        return self


@dataclass(frozen=True)
class NoImpact(PriceImpact):
    """No price impact: factor 1, integral v.

    Example
    -------
    >>> NoImpact().factor([5, 500]), NoImpact().proceeds(2, 0, 500)
    (array([1., 1.]), 1000.0)

    Source: the static stress test, the benchmark for the other forms.
    """

    def _factor(self, volume: Array) -> Array:
        return np.ones(volume.shape)

    def _integral(self, volume: Array) -> Array:
        return volume

    def _inverse(self, factor: Array) -> Array:
        return np.where(factor < 1, np.inf, np.where(factor > 1, -np.inf, 0.0))


@dataclass(frozen=True)
class Linear(PriceImpact):
    """The price falls in proportion to the volume: factor max(1 − v/depth, floor).

    integral: v − v²/(2 depth) up to the volume (1 − floor) depth, above it floor per unit.

    Parameters
    ----------
    depth : units of the asset that move the price by 100 %, > 0; inf: no impact.
    floor : share of the price that buyers always pay, 0 <= floor <= 1.

    Example
    -------
    20 units at a depth of 100 lower the price by 20 %; at a price of 10 the proceeds are 10 × 18.

    >>> Linear(depth=100).factor(20), Linear(depth=100).proceeds(10, 0, 20)
    (0.8, 180.0)
    >>> Linear(depth=100).factor(150), Linear(depth=100).integral(150)
    (0.0, 50.0)

    Source: arithmetic; constant absolute impact per unit is called the classical linear inverse
    demand in M. Bichuch and Z. Feinstein, arXiv:2012.08002 (section 1).
    """

    depth: Any
    floor: Any = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("depth", above=0, infinite=True)
        self._set("floor", 0, high=1)

    def _factor(self, volume: Array) -> Array:
        return np.maximum(1 - volume / array(self.depth), array(self.floor))

    def _integral(self, volume: Array) -> Array:
        depth, floor = array(self.depth), array(self.floor)
        sloped = np.minimum(volume, _last(1 - floor, depth))
        return sloped * (1 - sloped / (2 * depth)) + floor * (volume - sloped)

    def _inverse(self, factor: Array) -> Array:
        return np.where(factor < self.floor, np.inf, _last(1 - factor, array(self.depth)))


@dataclass(frozen=True)
class SquareRoot(PriceImpact):
    """The square-root law: factor max(1 − scale √(|v| / daily_volume) sign(v), floor).

    integral: v − ⅔ scale √(|v| / daily_volume) |v| until the floor binds, above it floor per unit.
    The law is an empirical average over orders in one direction executed within about a day; its
    use for the volume of a cascade is an assumption. scale = Y σ with the daily volatility σ and a
    constant Y of order one.

    Parameters
    ----------
    scale : fall of the price after one day's volume, a share, >= 0.
    daily_volume : units of the asset traded in a day, > 0.
    floor : share of the price that buyers always pay, 0 <= floor <= 1.

    Example
    -------
    A quarter of the daily volume at scale 10 %: the price falls by 5 %, on average by ⅔ of that.

    >>> law = SquareRoot(scale=0.1, daily_volume=400)
    >>> law.factor([100, -100]), round(law.integral(100), 4)
    (array([0.95, 1.05]), 96.6667)

    Source: B. Tóth et al., Physical Review X 1 (2011), 021006, and G. Maitrier et al.,
    arXiv:2502.16246 (abstracts read: square root of the volume); I = Y σ √(Q/V) after the
    summary emergentmind.com/topics/square-root-law-for-impact.
    """

    scale: Any
    daily_volume: Any
    floor: Any = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("scale", 0)
        self._set("daily_volume", above=0)
        self._set("floor", 0, high=1)

    def _slope(self, volume: Array) -> Array:
        return array(self.scale) * np.sqrt(np.abs(volume) / array(self.daily_volume))

    def _factor(self, volume: Array) -> Array:
        return np.maximum(1 - np.sign(volume) * self._slope(volume), array(self.floor))

    def _integral(self, volume: Array) -> Array:
        sloped = np.minimum(volume, self._reach(1 - array(self.floor)))
        law = sloped - 2 / 3 * self._slope(sloped) * np.abs(sloped)
        return law + array(self.floor) * (volume - sloped)

    def _reach(self, fall: Array) -> Array:
        """The volume after which the price has fallen by a share, ±inf without impact."""
        steps = np.where(fall == 0, 0.0, array(ratio(fall, self.scale, np.inf)))
        return np.sign(fall) * array(self.daily_volume) * np.square(steps)

    def _inverse(self, factor: Array) -> Array:
        return np.where(factor < self.floor, np.inf, self._reach(1 - factor))


@dataclass(frozen=True)
class Exponential(PriceImpact):
    """Constant relative impact: factor exp(−v / depth), integral depth (1 − exp(−v / depth)).

    The proceeds stay below price × depth for any volume.

    Parameters
    ----------
    depth : units of the asset that lower the price to 1/e = 36.8 %, > 0; inf: no impact.

    Raises
    ------
    ArgumentError : also for purchases beyond 700 times the depth, whose price overflows.

    Example
    -------
    >>> form = Exponential(depth=100)
    >>> round(form.factor(100), 4), round(form.integral(100), 2), round(form.inverse(0.5), 2)
    (0.3679, 63.21, 69.31)

    Source: R. Cifuentes, G. Ferrucci and H. S. Shin, Journal of the European Economic
    Association 3 (2005), 556-566: inverse demand exp(−α × units sold), α = 1/depth. The paper's
    abstract was read; that its demand is exponential is unverified, high confidence.
    """

    depth: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("depth", above=0, infinite=True)

    def _share(self, volume: Array) -> Array:
        share = volume / array(self.depth)
        if (share < -700).any():
            raise ArgumentError(
                f"volume {float(share.min()):g} times the depth is bought, more than 700 times: "
                "its price overflows. Limit the purchases or raise `depth`."
            )
        return share

    def _factor(self, volume: Array) -> Array:
        return np.exp(-self._share(volume))

    def _integral(self, volume: Array) -> Array:
        share = self._share(volume)
        # depth × (1 − e^−x) as v × (1 − e^−x)/x, which is also valid without impact, at x = 0.
        return volume * array(ratio(-np.expm1(-share), share, 1.0))

    def _inverse(self, factor: Array) -> Array:
        with np.errstate(divide="ignore"):
            return _last(-np.log(factor), array(self.depth))


def _last(share: ArrayLike, depth: Array) -> Array:
    """share × depth, and 0 for a share of 0 of an infinite depth."""
    share, depth = np.broadcast_arrays(np.asarray(share, float), depth)
    return share * np.where(share == 0, 1.0, depth)
