"""Filtered historical simulation: past losses rescaled to current volatility."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import numbers
from ..statistics.samples import known


def garch_volatility(
    returns: ArrayLike,
    *,
    constant: float = 0.0,
    shock: float = 0.06,
    decay: float = 0.94,
    start: ArrayLike | None = None,
) -> np.ndarray:
    """One-period-ahead volatility forecasts by GARCH(1,1) with given parameters.

    σ²(t + 1) = constant + shock r(t)² + decay σ²(t)

    With constant = 0 and shock = 1 − decay, the defaults, it is the exponentially weighted average
    of RiskMetrics (0.94 for daily data). The parameters are inputs: fit them with a dedicated
    package (`arch_model(100 * r, mean="Zero").fit()` of `arch` gives omega, alpha[1], beta[1] for
    returns in per cent: constant = omega / 10⁴).

    Parameters
    ----------
    returns : (n, ...) returns or losses with mean about 0; rows are periods, oldest first.
    constant : omega, variance, >= 0.
    shock, decay : alpha and beta, >= 0, together at most 1.
    start : variance before the first period, > 0. Default: the mean square of each column (which
        uses the whole sample; its weight in the last forecast is decay^n).

    Returns
    -------
    (n + 1, ...) volatilities: row t is the forecast for period t, the last row is for the next one.

    Raises
    ------
    ArgumentError : nan, no periods, parameters out of range, a start that is not above 0.

    Example
    -------
    >>> garch_volatility([0.02, 0.0], shock=0.25, decay=0.75, start=1e-4).round(6)
    array([0.01    , 0.013229, 0.011456])

    Source: J.P. Morgan/Reuters, RiskMetrics Technical Document (1996); Bollerslev (1986), Journal
    of Econometrics 31(3) (both recalled; the recursion is tested against a loop).
    """
    from scipy.signal import lfilter  # heavy: loads scipy.optimize and scipy.stats

    r = known("returns", returns)
    if r.ndim == 0 or len(r) == 0:
        raise ArgumentError("returns must have at least one period along the first axis.")
    for name, value in (("constant", constant), ("shock", shock), ("decay", decay)):
        known(name, value, 0)
    if shock + decay > 1 + 1e-12:
        raise ArgumentError(
            f"shock + decay must be at most 1, but is {shock + decay!r}: variance would explode."
        )
    square = r * r
    first = square.mean(0) if start is None else known("start", start)
    first = np.broadcast_to(first, r.shape[1:])
    if not (first > 0).all():
        raise ArgumentError(
            "start must be above 0 in every column; returns that are all 0 have no volatility."
        )
    later, _ = lfilter([1.0], [1.0, -decay], constant + shock * square, axis=0,
                       zi=decay * first[None])  # fmt: skip
    return np.asarray(np.sqrt(np.concatenate([first[None], later])))


def filtered_losses(
    losses: ArrayLike, volatility: ArrayLike | None = None, *, decay: float = 0.94
) -> np.ndarray:
    """Past losses at the volatility of the next period: filtered historical simulation.

    filtered(t) = loss(t) × σ(n) / σ(t), t = 0 … n − 1

    Use the result in `value_at_risk` or `expected_shortfall`. Their confidence intervals are then
    conditional on the volatilities and exclude the estimation error of σ. With constant volatility
    it is plain historical simulation.

    Parameters
    ----------
    losses : (n, ...) losses (or returns), oldest first.
    volatility : (n + 1, ...) or (n + 1,) forecasts as returned by `garch_volatility`, > 0.
        Default: exponentially weighted with `decay`.
    decay : weight of the past in the default volatility, 0 to 1; 1 keeps it constant.

    Returns
    -------
    (n, ...) rescaled losses.

    Raises
    ------
    ArgumentError : nan, a volatility of another length or not above 0.

    Example
    -------
    Volatility has doubled since the first loss and halved since the second.

    >>> filtered_losses([10.0, -6.0], [0.01, 0.04, 0.02])
    array([20., -3.])

    Source: Hull & White (1998), Journal of Risk 1(1), "Incorporating volatility updating into the
    historical simulation method" (abstract read); Barone-Adesi, Giannopoulos & Vosper (1999),
    Journal of Futures Markets 19(5), who draw full paths of these residuals: not implemented.
    """
    x = known("losses", losses)
    if volatility is None:
        known("decay", numbers("decay", decay, 0, 1))
        sigma = garch_volatility(x, shock=1 - decay, decay=decay)
    else:
        sigma = known("volatility", numbers("volatility", volatility, above=0))
    if x.ndim == 0 or sigma.ndim == 0 or len(sigma) != len(x) + 1:
        raise ArgumentError(
            f"volatility must have one row more than losses (the forecast for the next period), "
            f"but the shapes are {sigma.shape} and {x.shape}."
        )
    if not (sigma > 0).all():
        raise ArgumentError("volatility fell to 0; use a higher decay or give volatility.")
    if sigma.ndim == 1:
        sigma = sigma.reshape(-1, *[1] * (x.ndim - 1))
    return np.asarray(x * (sigma[-1] / sigma[:-1]))
