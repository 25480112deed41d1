"""Instruments with an expiry: options, priced from their underlying, and futures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ..errors import MarginError
from ..margin import option_greeks, option_value
from ..statistics.arrays import numbers
from ..text import choice

VOLATILITY = "volatility "  # prefix of the name of a market for volatility


@dataclass(frozen=True)
class Option:
    """A European option on a forward price, valued by Black (1976) at a rate of 0.

    The market "volatility X" of a book has the price 1 and multiplies the volatility of all options
    on X: `{"X": −0.2, "volatility X": 0.38}` is a shock to both.

    Parameters
    ----------
    kind : "call" or "put".
    underlying : asset with a price in the book, the forward of the expiry.
    strike : > 0. days : to expiry, >= 0. volatility : implied, annual, >= 0.

    Raises
    ------
    ArgumentError : a parameter out of range.

    Example
    -------
    >>> put = Option("put", "BTC", strike=45_000, days=30, volatility=0.6)
    >>> round(float(put.value(50_000)), 2), round(float(put.value(40_000, 1.38)), 2)
    (1345.78, 6996.78)

    Source: F. Black, Journal of Financial Economics 3 (1976), without discounting.
    """

    kind: Literal["call", "put"]
    underlying: str
    strike: float
    days: float
    volatility: float

    def __post_init__(self) -> None:
        choice(self.kind, ("call", "put"), "kind")
        numbers("strike", self.strike, above=0)
        numbers("days", self.days, 0)
        numbers("volatility", self.volatility, 0)

    def value(self, price: Any, times: Any = 1.0, elapsed: Any = 0.0) -> np.ndarray:
        """Value at prices of the underlying, a multiple of the volatility, and days elapsed."""
        left = np.maximum(self.days - np.asarray(elapsed, float), 0.0)
        sigma = self.volatility * np.asarray(times, float)
        return np.asarray(option_value(self.kind == "put", price, self.strike, sigma, left))

    def greeks(self, price: Any, times: Any = 1.0) -> tuple[Any, Any, Any]:
        """Delta, gamma, and vega for one point (0.01) of volatility, of one option.

        >>> put = Option("put", "BTC", strike=45_000, days=30, volatility=0.6)
        >>> [round(float(x), 6) for x in put.greeks(50_000)]
        [-0.242427, 3.6e-05, 44.806673]
        """
        sigma = self.volatility * np.asarray(times, float)
        found = option_greeks(self.kind == "put", price, self.strike, sigma, self.days)
        return found[0], found[1], 0.01 * found[2]

    def later(self, elapsed: float, times: float) -> Option:
        """The same option some days later, at another volatility."""
        left = max(self.days - elapsed, 0.0)
        return replace(self, days=left, volatility=self.volatility * times)


@dataclass(frozen=True)
class Future:
    """A linear contract that is settled at its fundamental price at expiry.

    It has its own price in the book, which can differ from the spot price.

    Parameters
    ----------
    days : to expiry, >= 0. underlying : asset that it offsets in a portfolio margin; None: itself.
    """

    days: float
    underlying: str | None = None

    def __post_init__(self) -> None:
        numbers("days", self.days, 0)

    def later(self, elapsed: float, times: float) -> Future:
        """The same future some days later."""
        return replace(self, days=max(self.days - elapsed, 0.0))


Instrument = Option | Future


def priced(prices: Mapping[str, float], instruments: Mapping[str, Instrument]) -> dict[str, float]:
    """Prices including those of options, and of volatility if not given."""
    out = dict(prices)
    for name, one in instruments.items():
        if isinstance(one, Option):
            if one.underlying not in prices:
                raise MarginError(f"{name!r} is an option on {one.underlying!r}: give its price.")
            at_venue = [key for key in prices if str(key).startswith(f"{name}@")]
            if at_venue:
                raise MarginError(
                    f"{at_venue[0]!r}: the price of an option follows from {one.underlying!r}; "
                    "leave it out."
                )
            times = out.setdefault(VOLATILITY + one.underlying, 1.0)
            out[name] = float(one.value(prices[one.underlying], times))
    return out


@dataclass(frozen=True)
class Columns:
    """Positions of the instruments of a book among its markets (A,)."""

    names: tuple[Any, ...]
    instruments: Mapping[Any, Instrument]

    @property
    def options(self) -> list[tuple[int, int, int, Option]]:
        """Column of each option, of its underlying and of its volatility."""
        return [
            (
                k,
                self.names.index(one.underlying),
                self.names.index(VOLATILITY + one.underlying),
                one,
            )
            for k, name in enumerate(self.names)
            if isinstance(one := self.instruments.get(name), Option)
        ]

    @property
    def days(self) -> np.ndarray:
        """(A,) days to expiry, infinite without expiry."""
        found = [self.instruments.get(name) for name in self.names]
        return np.array([np.inf if one is None else one.days for one in found])

    def greeks(self, prices: np.ndarray) -> np.ndarray:
        """(3, A) delta, gamma and vega of one unit at prices (A,); 1, 0, 0 for other assets."""
        out = np.zeros((3, len(prices)))
        out[0] = 1.0
        for at, under, swing, one in self.options:
            out[:, at] = one.greeks(prices[under], prices[swing])
        return out

    def fair(self, prices: np.ndarray, elapsed: np.ndarray) -> np.ndarray:
        """Prices (..., A) with options priced from their underlyings."""
        out = prices.copy()
        for at, under, swing, one in self.options:
            out[..., at] = one.value(prices[..., under], prices[..., swing], elapsed)
        return out


def names_behind(names: Sequence[Any], instruments: Mapping[Any, Instrument]) -> list[Any]:
    """Markets on which the prices of options among `names` depend."""
    found = []
    for name in names:
        one = instruments.get(name)
        if isinstance(one, Option):
            found += [one.underlying, VOLATILITY + one.underlying]
    return found
