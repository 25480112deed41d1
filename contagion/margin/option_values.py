"""Linear positions and options on one underlying, and their value at shocked prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers
from ..statistics.samples import known

YEAR = 365.0


def option_value(
    put: ArrayLike, forward: ArrayLike, strike: ArrayLike, volatility: ArrayLike, days: ArrayLike
) -> Numbers:
    """Value of European options on a forward price, undiscounted (Black–Scholes, rate 0).

    call = F Φ(d) − K Φ(d − v),  put = K Φ(v − d) − F Φ(−d),
    v = volatility √(days / 365),  d = ln(F / K) / v + v / 2

    Parameters
    ----------
    put : True for a put, False for a call.
    forward : forward price of the underlying, >= 0.
    strike : strike price, above 0.
    volatility : annualized, >= 0; at 0, and at 0 days, the value is the intrinsic value.
    days : days to expiry, >= 0.

    Returns
    -------
    Value of one option, in the currency of the price; the arguments broadcast.

    Raises
    ------
    ArgumentError : a number out of range. nan stays nan.

    Example
    -------
    At the money a call and a put have the same value, about 0.4 volatility √T times the price.

    >>> round(option_value(False, 100, 100, 0.2, 365), 4), round(100 * 0.4 * 0.2, 4)
    (7.9656, 8.0)
    >>> option_value([True, False], 90, 100, 0.2, 0)
    array([10.,  0.])

    Source: Black (1976), Journal of Financial Economics 3, without discounting.
    """
    f, k, sigma, time, sign, live, v, d = _distance(put, forward, strike, volatility, days)
    value = sign * (f * ndtr(sign * d) - k * ndtr(sign * (d - v)))
    return answer(np.where(live, value, np.maximum(sign * (f - k), 0)), f, k, sigma, time)


def option_greeks(
    put: ArrayLike, forward: ArrayLike, strike: ArrayLike, volatility: ArrayLike, days: ArrayLike
) -> tuple[Numbers, Numbers, Numbers]:
    """Delta, gamma and vega of the options of :func:`option_value`.

    delta = Φ(d), of a put Φ(d) − 1;  gamma = φ(d) / (F v);  vega = F φ(d) √(days / 365)

    Parameters
    ----------
    put, forward, strike, volatility, days : as in :func:`option_value`.

    Returns
    -------
    Change of the value and of delta per unit of the forward price, and change of the value per unit
    (100 points) of volatility. An option without time or volatility has a delta of 0 or ±1 (±½ at
    the strike), and a gamma and vega of 0.

    Raises
    ------
    ArgumentError : a number out of range. nan stays nan.

    Example
    -------
    >>> [round(x, 6) for x in option_greeks(True, 50_000, 45_000, 0.6, 30)]
    [-0.242427, 3.6e-05, 4480.667312]

    Source: Black (1976), Journal of Financial Economics 3, without discounting.
    """
    f, k, sigma, time, sign, live, v, d = _distance(put, forward, strike, volatility, days)
    density = np.exp(-d * d / 2) / np.sqrt(2 * np.pi)
    delta = np.where(live, ndtr(d), np.heaviside(f - k, 0.5)) - (sign < 0)
    gamma = np.where(live, density / (np.where(live, f, 1.0) * v), 0.0)
    vega = np.where(live, f * density * np.sqrt(time / YEAR), 0.0)
    delta, gamma, vega = (answer(x, f, k, sigma, time) for x in (delta, gamma, vega))
    return delta, gamma, vega


def _distance(
    put: ArrayLike, forward: ArrayLike, strike: ArrayLike, volatility: ArrayLike, days: ArrayLike
) -> tuple[np.ndarray, ...]:
    """The arguments, checked; the sign of the option, where v > 0, v (1 elsewhere), and d."""
    f, k = numbers("forward", forward, 0), numbers("strike", strike, above=0)
    sigma, time = numbers("volatility", volatility, 0), numbers("days", days, 0)
    f, k, sigma, time, down = np.broadcast_arrays(f, k, sigma, time, np.asarray(put, bool))
    v = sigma * np.sqrt(time / YEAR)
    live = (v > 0) & (f > 0)
    v = np.where(live, v, 1.0)
    d = np.log(np.where(live, f, k) / k) / v + v / 2
    return f, k, sigma, time, np.where(down, -1.0, 1.0), live, v, d


@dataclass(frozen=True)
class Instruments:
    """Instruments on one underlying, one entry per instrument; all prices in one currency.

    Parameters
    ----------
    kind : "linear" (spot, future, perpetual), "call" or "put".
    price : price of the underlying that the instrument refers to (for options the forward of
        their expiry), above 0; one number for all, or one per instrument.
    strike, volatility, days : of the options; ignored for linear instruments. One number for all,
        or one per instrument.

    Raises
    ------
    ArgumentError : an unknown kind, wrong lengths, an option without strike, volatility or days.

    Example
    -------
    >>> book = Instruments(("linear", "put"), 50_000, strike=45_000, volatility=0.6, days=30)
    >>> book.values([0.0]).round(2)
    array([[50000.  ,  1345.78]])
    """

    kind: tuple[str, ...]
    price: float | tuple[float, ...]
    strike: float | tuple[float, ...] = np.nan
    volatility: float | tuple[float, ...] = np.nan
    days: float | tuple[float, ...] = np.nan

    def __post_init__(self) -> None:
        kind = (self.kind,) if isinstance(self.kind, str) else tuple(self.kind)
        object.__setattr__(self, "kind", kind)
        wrong = sorted(set(kind) - {"linear", "call", "put"})
        if wrong or not kind:
            raise ArgumentError(f"kind must be linear, call or put, but is {wrong or 'empty'}.")
        for name in ("price", "strike", "volatility", "days"):
            given = np.asarray(getattr(self, name), dtype=float)
            if given.shape not in ((), (1,), (len(kind),)):
                raise ArgumentError(
                    f"{name} must be one number or {len(kind)}, one per instrument, but has shape "
                    f"{given.shape}."
                )
            full = np.broadcast_to(given, len(kind))
            object.__setattr__(self, name, tuple(full.tolist()))
            needed = full if name == "price" else full[self.options]
            # Volatility or days of 0: the option has its intrinsic value.
            above = 0.0 if name in ("price", "strike") else None
            known(name, numbers(name, needed, 0, above=above))

    @property
    def options(self) -> np.ndarray:
        """(k,) bool, the instruments that are options."""
        return np.array([name != "linear" for name in self.kind])

    def values(self, moves: ArrayLike, volatility_moves: ArrayLike = 0.0) -> np.ndarray:
        """Value of one unit of each instrument (s, k) after moves of price and volatility.

        moves : (s,) relative moves of the price, >= −1.
        volatility_moves : (s,) or (s, k) relative moves of the volatility; below −1 counts as −1.
        """
        move = known("moves", moves, -1)
        swing = known("volatility_moves", volatility_moves)
        swing = swing if swing.ndim == 2 else swing.reshape(-1, 1)
        swing = np.broadcast_to(np.maximum(swing, -1), (len(move), len(self.kind)))
        at = np.outer(1 + move, self.price)
        pick = self.options
        if pick.any():
            put = np.array([name == "put" for name in self.kind])[pick]
            strike, sigma, days = (
                np.array(v)[pick] for v in (self.strike, self.volatility, self.days)
            )
            sigma = sigma * (1 + swing[:, pick])
            at[:, pick] = option_value(put, at[:, pick], strike, sigma, days)
        return np.asarray(at)
