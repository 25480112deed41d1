"""Value at risk and expected shortfall of losses, each with the error of the estimate.

Losses are positive, gains negative; rows are observations, all other axes are separate columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, betainc, ndtri

from ..errors import ArgumentError
from ..vocabulary import CONFIDENCE, LEVEL, RESAMPLES, Interval, Rng
from .estimate import Estimate, checked, estimate, fitted
from .samples import beyond, ordered_losses, quantile


def value_at_risk(
    losses: ArrayLike,
    level: float = LEVEL,
    *,
    method: str = "historical",
    weights: ArrayLike | None = None,
    degrees: float | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Value at risk: the loss that is not exceeded with probability `level`.

    VaR = smallest observed loss x with F(x) >= level      (historical, F the weighted frequency)
    VaR = m + s z(level)                                   (normal)
    VaR = m + s t(level, ν)                                (student, maximum likelihood)

    Intervals. historical: exact for any continuous distribution, between two order statistics
    chosen by the binomial; the upper limit is infinite where the sample is too short for one
    (level 0.99 at 95 %: below 368 observations). Standard error: that of the bootstrap, in closed
    form. normal: exact by the noncentral t. student, and all methods with weights: asymptotic, with
    an effective sample size of 1/Σw² (Kish; for the historical value the limits are the quantiles
    at level ± its error, after Woodruff). All assume independent observations.

    Parameters
    ----------
    losses : (n, ...) losses, positive = loss, n >= 2; each column is estimated separately.
    level : between 0 and 1.
    method : "historical", "normal" or "student".
    weights : (n,) weights of the observations, >= 0; any scale. Default: equal.
    degrees : for "student": degrees of freedom, > 0, if they are not to be estimated.
    confidence : coverage of the interval, between 0 and 1.

    Raises
    ------
    ArgumentError : nan or infinite losses, fewer than two rows, a level outside 0 to 1, an unknown
        method, invalid weights, a constant column for "student".
    ConvergenceError : the Student-t fit did not converge (few observations, or half of them equal).

    Example
    -------
    Of the losses 1 to 100, 95 % are at most 95.

    >>> var = value_at_risk(range(1, 101), 0.95)
    >>> var.value, var.low, var.high
    (95.0, 90.0, 100.0)

    Source: order-statistic interval: David & Nagaraja, Order Statistics (2003), 7.1; standard
    error: Hutson & Ernst (2000), J. R. Stat. Soc. B 62(1); Woodruff (1952), JASA 47 (all three
    recalled, unverified; their coverage is tested in simulation).
    """
    data = checked(losses, level, method, weights, degrees, confidence)
    if method != "historical":
        return fitted(data, level, method, degrees, confidence, tail=False)
    ordered, upto = ordered_losses(data)
    z = ndtri(0.5 + confidence / 2)
    n = len(ordered)
    if data.weighted:
        half = z * np.sqrt(level * (1 - level) / data.worth)
        value, low, high = (quantile(ordered, upto, p) for p in (level, level - half, level + half))
        error = np.where(np.isfinite(high - low), high - low, np.nan) / (2 * z)
        return estimate(data, (value, error, low, high), level, confidence, method)
    value = quantile(ordered, upto, level)
    below = bdtr(np.arange(n), n, level)
    bounds = np.concatenate([ordered[:1] * 0 - np.inf, ordered, ordered[:1] * 0 + np.inf])
    low = bounds[(below <= (1 - confidence) / 2).sum()]
    high = bounds[1 + (below < (1 + confidence) / 2).sum()]
    rank = int(np.ceil(n * level - 1e-9))
    share = np.diff(betainc(rank, n - rank + 1, np.arange(n + 1) / n))
    error = np.sqrt(share @ (ordered - share @ ordered) ** 2)
    return estimate(data, (value, error, low, high), level, confidence, method)


def expected_shortfall(
    losses: ArrayLike,
    level: float = LEVEL,
    *,
    method: str = "historical",
    weights: ArrayLike | None = None,
    degrees: float | None = None,
    confidence: float = CONFIDENCE,
    interval: Interval = "asymptotic",
    resamples: int = RESAMPLES,
    rng: Rng = None,
) -> Estimate:
    """Expected shortfall: the mean loss in the worst 1 − `level` of cases.

    ES = 1/(1 − level) ∫ VaR(u) du over u from level to 1. In a sample, an observation at the level
    counts only with the part of its weight beyond it, so ES is coherent (subadditive).
    ES = m + s φ(z)/(1 − level)                            (normal)
    ES = m + s f(t)/(1 − level) (ν + t²)/(ν − 1)           (student, ν > 1)

    Intervals. historical: asymptotic, from the variance of VaR + max(x − VaR, 0)/(1 − level), or
    the percentile bootstrap. Both are too narrow if few observations lie beyond the level:
    with 100 of them the 95 % interval covers 95 % (normal losses) or 93 % (Student-t, ν = 4), with
    25 it covers 93 % or 89 %, with 2.5 (250 days at 0.99) 70 % or 64 %. With fewer than 2 there is
    no interval (nan). normal: exact. student and weights: asymptotic.

    Parameters
    ----------
    losses, level, method, weights, degrees, confidence : as in `value_at_risk`.
    interval : "asymptotic", or "bootstrap" (historical with equal weights only).
    resamples : bootstrap samples, >= 2.
    rng : seed or generator of the bootstrap.

    Raises
    ------
    ArgumentError : as `value_at_risk`; an unknown interval; degrees <= 1, given or estimated.
    ConvergenceError : the Student-t fit did not converge (few observations, or half of them equal).

    Example
    -------
    The worst 5 of the losses 1 to 100 are 96 to 100. At 94.5 % the worst 5.5: 95 counts half.

    >>> round(expected_shortfall(range(1, 101), 0.95).value, 9)
    98.0
    >>> round(expected_shortfall(range(1, 101), 0.945).value, 9), round((490 + 47.5) / 5.5, 9)
    (97.727272727, 97.727272727)

    Source: Acerbi & Tasche (2002), Journal of Banking & Finance 26(7); Student-t: McNeil, Frey &
    Embrechts, Quantitative Risk Management (both recalled; tested against numerical integrals).
    """
    data = checked(losses, level, method, weights, degrees, confidence)
    if interval not in ("asymptotic", "bootstrap"):
        raise ArgumentError(f'interval must be "asymptotic" or "bootstrap", but is {interval!r}.')
    boot = interval == "bootstrap"
    if boot and (method != "historical" or data.weighted or resamples < 2):
        raise ArgumentError(
            "bootstrap needs method historical, equal weights and at least 2 resamples."
        )
    if method != "historical":
        return fitted(data, level, method, degrees, confidence, tail=True)
    ordered, upto = ordered_losses(data)
    value = (beyond(upto, level) * ordered).sum(0)
    z = ndtri(0.5 + confidence / 2)
    if data.worth * (1 - level) < 2:
        error = low = high = np.full_like(value, np.nan)
    elif boot:
        again = _resampled(ordered, level, resamples, np.random.default_rng(rng))
        error = again.std(0, ddof=1)
        low, high = np.quantile(again, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    else:
        at = quantile(ordered, upto, level)
        pull = at + np.maximum(data.x - at, 0) / (1 - level)
        spread = data.w**2 @ (pull - data.w @ pull) ** 2
        error = np.sqrt(spread / (1 - 1 / data.worth))
        low, high = value - z * error, value + z * error
    method = f"{method}, bootstrap" if boot else method
    return estimate(data, (value, error, low, high), level, confidence, method)


def _resampled(
    ordered: np.ndarray, level: float, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Expected shortfall of bootstrap samples (resamples, k), in blocks that fit in memory.

    Draws are by rank and the same for all columns: each column has the bootstrap distribution.
    """
    n = len(ordered)
    block, found = max(1, 2**22 // n), []
    for start in range(0, resamples, block):
        draws = rng.multinomial(n, np.full(n, 1 / n), size=min(block, resamples - start))
        found.append(beyond(draws.cumsum(1).T / n, level).T @ ordered)
    return np.concatenate(found)
