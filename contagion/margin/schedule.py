"""Margin by schedule: rates that rise with the size of a position, and offsets in a portfolio."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers
from ..statistics.samples import known


@dataclass(frozen=True)
class TieredSchedule:
    """Maintenance rate and highest leverage by size of the position, as exchanges publish them.

    maintenance(N) = rate_k N − amount_k,   amount_k = amount_(k−1) + border_k (rate_k − rate_(k−1))

    The amounts make it continuous: like an income tax, each rate applies to the part of the
    position inside its tier. The initial margin of most venues is not continuous: the leverage of
    the tier applies to the whole position, N / leverage_k, so it jumps at a border. With
    `progressive=True` it is computed like maintenance, Σ (part of N in tier k) / leverage_k.

    Parameters
    ----------
    borders : lower border of each tier, money; the first is 0, each above the one before. A
        position at a border belongs to the tier below it.
    rates : maintenance rate of each tier, above 0, below 1, non-decreasing.
    leverages : highest leverage of each tier, >= 1, non-increasing; 1/leverage must be at least the
        rate, or a position would be liquidated when it is opened.
    limit : largest position, money; infinite for no limit.
    progressive : True if the leverage of a tier applies only to the part of the position inside it.

    Raises
    ------
    ArgumentError : tiers of unequal length, out of order or out of range.

    Example
    -------
    300,000: 50,000 at 0.4 %, 200,000 at 0.5 % and 50,000 at 1 % are 200 + 1,000 + 500.

    >>> btc = TieredSchedule((0, 50e3, 250e3), (0.004, 0.005, 0.01), (125, 100, 50))
    >>> btc.amounts
    (0.0, 50.0, 1300.0)
    >>> round(btc.maintenance(-300e3), 6), btc.initial(300e3), btc.max_notional(100)
    (1700.0, 6000.0, 250000.0)
    >>> TieredSchedule(btc.borders, btc.rates, btc.leverages, progressive=True).initial(300e3)
    3400.0

    Source: Binance, "Leverage and Margin" of USDⓈ-M futures (Maintenance Margin = Notional × Rate
    − Maintenance Amount; "tax bracket"), pages read as stored copies without date; the numbers are
    the first tiers of BTCUSDT in 2021 (gist highfestiva/b71e76f). Tiers change: give your own.
    """

    borders: tuple[float, ...]
    rates: tuple[float, ...]
    leverages: tuple[float, ...]
    limit: float = np.inf
    progressive: bool = False

    def __post_init__(self) -> None:
        for name in ("borders", "rates", "leverages"):
            values = tuple(float(v) for v in np.atleast_1d(known(name, getattr(self, name))))
            object.__setattr__(self, name, values)
        border, rate, leverage = map(np.array, (self.borders, self.rates, self.leverages))
        if not border.shape == rate.shape == leverage.shape:
            raise ArgumentError("borders, rates and leverages must have one number for each tier.")
        if border[0] != 0 or not (np.diff(border) > 0).all() or not self.limit > border[-1]:
            raise ArgumentError(
                f"borders must start at 0 and rise, up to limit, but are {self.borders}."
            )
        if not ((rate > 0) & (rate < 1)).all() or (np.diff(rate) < 0).any():
            raise ArgumentError(
                f"rates must be above 0, below 1 and not fall, but are {self.rates}."
            )
        if (leverage < 1).any() or (np.diff(leverage) > 0).any():
            raise ArgumentError(f"leverages must be >= 1 and not rise, but are {self.leverages}.")
        if (leverage * rate > 1 + 1e-12).any():
            raise ArgumentError("1 / leverage must be at least the maintenance rate in every tier.")

    @property
    def amounts(self) -> tuple[float, ...]:
        """The maintenance amount of each tier, money."""
        steps = np.array(self.borders[1:]) * np.diff(self.rates)
        # Sums of products such as 50,000 × 0.001 have rounding errors; exchanges use whole cents.
        return (0.0, *(float(a) for a in np.round(np.cumsum(steps), 9)))

    def tier(self, notional: ArrayLike) -> np.ndarray:
        """Index of the tier of each position (regardless of sign)."""
        size = np.abs(known("notional", notional))
        if (size > self.limit).any():
            raise ArgumentError(
                f"notional {size.max():,.15g} is above the limit of {self.limit:,.15g}."
            )
        return np.asarray(np.maximum(np.searchsorted(self.borders, size, side="left") - 1, 0))

    def maintenance(self, notional: ArrayLike) -> Numbers:
        """Maintenance margin (...) of positions of that notional value, money."""
        at, size = self.tier(notional), np.abs(numbers("notional", notional))
        return answer(size * np.array(self.rates)[at] - np.array(self.amounts)[at])

    def initial(self, notional: ArrayLike, leverage: ArrayLike | None = None) -> Numbers:
        """Initial margin (...) at the leverage chosen by the trader, or at the highest leverage.

        N / min(leverage, highest leverage of the tier); leverage >= 1. With `progressive` the same
        for each part of N separately.
        """
        at, size = self.tier(notional), np.abs(numbers("notional", notional))
        wanted = np.inf if leverage is None else known("leverage", leverage, 1)
        if not self.progressive:
            return answer(size / np.minimum(np.array(self.leverages)[at], wanted))
        width = np.diff([*self.borders, np.inf])
        parts = np.clip(size[..., None] - self.borders, 0.0, width)
        each = np.minimum(self.leverages, np.asarray(wanted)[..., None])
        return answer((parts / each).sum(-1))

    def max_leverage(self, notional: ArrayLike) -> Numbers:
        """Highest leverage (...) of positions of that notional value."""
        return answer(np.array(self.leverages)[self.tier(notional)])

    def max_notional(self, leverage: ArrayLike) -> Numbers:
        """Largest position (...) that may be opened at that leverage; 0 if none is allowed."""
        wanted = known("leverage", leverage, 1)
        ends = np.array([0.0, *self.borders[1:], self.limit])
        allowed = (np.array(self.leverages) >= wanted[..., None]).sum(-1)
        return answer(ends[allowed])


def offset_margin(
    margin: ArrayLike, correlation: ArrayLike, *, recognised: ArrayLike = 0.8
) -> Numbers:
    """Margin of a portfolio with offsets between correlated instruments.

    gross = Σ |m_i|,  combined = √(m' R m),  required = gross − recognised × (gross − combined)

    m is signed: the margin of each instrument alone, positive for long, negative for short.

    Parameters
    ----------
    margin : (..., k) signed margins, money.
    correlation : (k, k) correlations of the prices: symmetric, ones on the diagonal, positive
        semidefinite.
    recognised : share of the reduction that is granted, 0 to 1. EMIR: at most 0.8, and up to 1
        if the clearing house bears no risk from the reduction.

    Returns
    -------
    Required margin (...), money; between `combined` and `gross`.

    Raises
    ------
    ArgumentError : nan, wrong shapes, an invalid correlation matrix.

    Example
    -------
    100 long against 60 short, perfectly correlated: 160 gross, 40 combined.

    >>> round(offset_margin([100, -60], [[1, 1], [1, 1]]), 9)
    64.0

    Source: Commission Delegated Regulation (EU) No 153/2013, art. 27 (80 %: as reported by
    Lexology on the ESMA opinion, and the same text in South Africa's R. 98/2018, 33.6(f)).
    """
    m, r = known("margin", margin), known("correlation", correlation, -1)
    share = known("recognised", numbers("recognised", recognised, 0, 1))
    if m.ndim == 0 or r.shape != (m.shape[-1], m.shape[-1]):
        raise ArgumentError(
            f"correlation must be square, one row per instrument, but is {r.shape} for margin "
            f"{m.shape}."
        )
    good = np.allclose(r, r.T, atol=1e-12) and np.allclose(np.diag(r), 1, atol=1e-12)
    if not good or np.linalg.eigvalsh(r).min() < -1e-9:
        raise ArgumentError("correlation must be symmetric, with ones on the diagonal and no "
                         "negative eigenvalue; estimate it from complete rows.")  # fmt: skip
    gross = np.abs(m).sum(-1)
    combined = np.sqrt(np.maximum(((m @ r) * m).sum(-1), 0))
    return answer(gross - share * (gross - combined))
