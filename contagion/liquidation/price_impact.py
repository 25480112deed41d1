"""Price impact: how far the price falls when a volume is sold, and what the sale brings.

mark = fundamental price × factor of the volume sold so far. Volumes are units of the asset, net
since the start: sold above 0, bought below 0, where the factor is above 1.
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
    """A checked parameter as a float or nested tuples, so that an impact compares and hashes.

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
    """How prices of assets answer to sales and purchases.

    The methods take volumes of shape (..., A), leading axes are scenarios, and give the same
    shape (a float for a scalar). Parameters are numbers or one per asset, (A,). A form of impact
    of one's own implements `_factor`, `_integral` and `_inverse` on float arrays.

    Parameters
    ----------
    recovery : rate per round, >= 0, at which depth comes back: of the volume sold so far only
        exp(−rate) still weighs on the price one round later. 0: none; inf: all of it at once.
        The buyers who refill the book bring new money and no loss; half-life ln 2 / rate rounds.

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
        """Price after `volume` units were sold, over the price before: factor(0) = 1, >= 0,
        never rising in the volume. ArgumentError for a volume that is not finite or that no buyer
        offers.

        >>> Linear(depth=100).factor([0, 20, -20])
        array([1. , 0.8, 1.2])
        """
        units = numbers("volume", volume)
        return answer(self._factor(units), units)

    def integral(self, volume: ArrayLike) -> Numbers:
        """∫₀^volume factor(u) du, units: what the sale brings over the price before it.

        Below 0 for purchases: minus what they cost. ArgumentError as for `factor`.

        >>> Linear(depth=100).integral([20, -20])
        array([ 18., -22.])
        """
        units = numbers("volume", volume)
        return answer(self._integral(units), units)

    def proceeds(self, price: ArrayLike, before: ArrayLike, after: ArrayLike) -> Numbers:
        """Money that sales from volume `before` to volume `after` bring: price × (integral(after)
        − integral(before)), without fees; minus the cost of purchases. `price` (..., A) is the
        fundamental price, the mark at volume 0. ArgumentError as for `factor`, or price < 0.

        >>> Linear(depth=100).proceeds(10, 20, 40)
        140.0
        """
        at = numbers("price", price, 0)
        return answer(at * (self.integral(after) - array(self.integral(before))), at)

    def inverse(self, factor: ArrayLike) -> Numbers:
        """The volume that moves the price to `factor` times the price before, units.

        The smallest sale (or purchase, below 0) at or beyond which the price is there; ±inf where
        no volume moves it so far. ArgumentError for a factor below 0.

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
        """Part of an amount brought to market that moves the price: all, less a pool's fee.

        >>> NoImpact().reaching(100)
        100.0
        """
        units = numbers("amount", amount)
        return answer(units, units)

    def fees(self, price: ArrayLike, before: ArrayLike, after: ArrayLike) -> Numbers:
        """Money that the trade from volume `before` to `after` pays on top: 0 except in pools.

        >>> NoImpact().fees(10, 0, 100)
        0.0
        """
        return answer(0.0 * array(self.proceeds(price, before, after)))

    def at(self, price: ArrayLike) -> PriceImpact:
        """The impact after news has moved the price to `price` without sales, (..., A), > 0.

        The same, where depth is relative to the price; a pool holds more of an asset that fell.

        >>> Linear(depth=100).at(5) == Linear(depth=100)
        True
        """
        numbers("price", price, above=0)
        return self


@dataclass(frozen=True)
class NoImpact(PriceImpact):
    """Prices that no sale moves: factor 1, integral v.

    Example
    -------
    >>> NoImpact().factor([5, 500]), NoImpact().proceeds(2, 0, 500)
    (array([1., 1.]), 1000.0)

    Source: the static stress test, against which the others are compared.
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

    integral: v − v²/(2 depth) up to the volume (1 − floor) depth, from there floor per unit.

    Parameters
    ----------
    depth : units of the asset that move the price by 100 %, > 0; inf: no impact.
    floor : share of the price that buyers always pay, 0 <= floor <= 1.

    Example
    -------
    20 of a depth of 100 take 20 % off the price; at 10 the sale brings 10 × 18.

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

    integral: v − ⅔ scale √(|v| / daily_volume) |v| up to where the floor binds, from there floor
    per unit. The law is an average over orders of one direction worked off within about a day;
    used here on the volume of a cascade it is a model and not an observation. scale = Y σ with
    the daily volatility σ and a constant Y of order one.

    Parameters
    ----------
    scale : fall of the price after one day's volume, a share, >= 0.
    daily_volume : units of the asset traded in a day, > 0.
    floor : share of the price that buyers always pay, 0 <= floor <= 1.

    Example
    -------
    A quarter of the daily volume at scale 10 %: 5 % off; ⅔ of that on the average unit.

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

    However much is sold, the proceeds stay below price × depth.

    Parameters
    ----------
    depth : units of the asset that take the price to 1/e = 36.8 %, > 0; inf: no impact.

    Raises
    ------
    ArgumentError : also for purchases beyond 700 times the depth, whose price is not a number.

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
                "its price is not a number. Limit the purchases or raise `depth`."
            )
        return share

    def _factor(self, volume: Array) -> Array:
        return np.exp(-self._share(volume))

    def _integral(self, volume: Array) -> Array:
        share = self._share(volume)
        # depth × (1 − e^−x) as v × (1 − e^−x)/x, which also holds without impact, at x = 0.
        return volume * array(ratio(-np.expm1(-share), share, 1.0))

    def _inverse(self, factor: Array) -> Array:
        with np.errstate(divide="ignore"):
            return _last(-np.log(factor), array(self.depth))


def _last(share: ArrayLike, depth: Array) -> Array:
    """share × depth, and 0 for a share of 0 of an infinite depth."""
    share, depth = np.broadcast_arrays(np.asarray(share, float), depth)
    return share * np.where(share == 0, 1.0, depth)
