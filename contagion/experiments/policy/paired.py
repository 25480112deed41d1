"""The difference of a statistic between two runs on the same scenarios, with its own error.

x before and y after, scenario by scenario. An estimate of either is, to first order, a mean of
contributions ψ. In the difference of both, the effects that the scenarios have in common cancel:

    θ(y) − θ(x) ≈ Σ w (ψ_y − ψ_x) / D

    mean   ψ_x = x
    VaR    ψ_x = 1{x > VaR} / f,   1/f = slope of the quantile across its own interval
    ES     ψ_x = max(x − VaR, 0) / (1 − level)

w likelihood ratios and D as in :mod:`contagion.statistics.scenario_estimates`; errors over the
independent replicates. The bootstrap draws the same replicates for both. The difference of two
values at risk needs it: if both runs have the same scenarios beyond the value at risk, the
contributions cancel and only terms of higher order remain. For a quantile it is conservative.
"""

from __future__ import annotations

import numpy as np

from ...errors import ArgumentError
from ...statistics import Estimate
from ...statistics.scenario_estimates import ENTRIES, INTERVALS, Draws, percentiles, statistic_of
from ...text import choice
from ...vocabulary import CONFIDENCE, LEVEL, RESAMPLES, Interval, Rng

STATISTICS = ("mean", "value_at_risk", "expected_shortfall")


def paired(
    before: Draws,
    after: Draws,
    statistic: str = "mean",
    level: float = LEVEL,
    *,
    confidence: float = CONFIDENCE,
    interval: Interval | None = None,
    resamples: int = RESAMPLES,
    rng: Rng = None,
) -> tuple[Estimate, float]:
    """A statistic after minus before, and the standard error that independent runs would have.

    Parameters
    ----------
    before, after : values of the same scenarios, with the same weights and replicates.
    statistic : "mean", "value_at_risk" or "expected_shortfall".
    level : of the latter two.
    confidence : coverage of the interval.
    interval : "asymptotic" (contributions, Student's t) or "bootstrap" (percentiles); by default
        the latter for value at risk, otherwise the former.
    resamples, rng : of the bootstrap.

    Returns
    -------
    Estimate of the difference, and a standard error; nan with only one replicate, or with none
    beyond the level.

    Raises
    ------
    ArgumentError : for an unknown word, or a number out of range.

    Example
    -------
    A fund reduces each loss except the smallest by 1: differences −1, −1, 0, with error 0.33.

    >>> x, y = Draws(np.array([9.0, 5.0, 0.0])), Draws(np.array([8.0, 4.0, 0.0]))
    >>> found, apart = paired(x, y)
    >>> [round(float(f), 3) for f in (found.value, found.standard_error, apart)]
    [-0.667, 0.333, 3.48]

    Source: common random numbers as in Glasserman (2003), ch. 4 (not read); the contributions are
    the influence functions of the three statistics (own derivation).
    """
    choice(statistic, STATISTICS, "statistic")
    for name, p in (("level", level), ("confidence", confidence)):
        if not 0 < p < 1:
            raise ArgumentError(f"{name} must be above 0 and below 1, but is {p!r}.")
    if interval is None:
        interval = "bootstrap" if statistic == "value_at_risk" else "asymptotic"
    choice(interval, INTERVALS, "interval")
    (x, tx, cx), (y, ty, cy) = (_contributions(d, statistic, level) for d in (before, after))
    apart = float(np.hypot(before.error(cx, tx), after.error(cy, ty)))
    n = len(before.x)
    if interval == "bootstrap":
        error, low, high = _bootstrap(before, after, statistic, level, confidence, resamples, rng)
        return Estimate(y - x, error, low, high, level, confidence, "paired bootstrap", n), apart
    error = before.error(cy - cx, ty - tx)
    reach = before.reach(confidence) * error
    value = y - x
    return (
        Estimate(value, error, value - reach, value + reach, level, confidence, "paired", n),
        apart,
    )


def estimate(draws: Draws, statistic: str, level: float) -> float:
    """The statistic itself."""
    return _contributions(draws, statistic, level)[0]


def _contributions(draws: Draws, statistic: str, level: float) -> tuple[float, np.ndarray, float]:
    """The estimate, the contribution of each scenario (N,), and their weighted mean."""
    if statistic == "mean":
        value = float(draws.weight @ draws.x) / draws.total
        return value, draws.x, value
    q = draws.quantile(level)
    if statistic == "expected_shortfall":
        terms = np.maximum(draws.x - q, 0.0) / (1 - level)
        beyond = float(draws.weight @ terms) / draws.total
        tail = draws.weight[draws.x > q]
        enough = len(tail) == 0 or float(tail.sum()) ** 2 >= 2 * float(tail @ tail)
        return q + beyond, terms if enough else np.full(len(terms), np.nan), beyond
    tail = (draws.x > q).astype(float)
    mass = float(draws.weight @ tail) / draws.total
    terms = tail * _slope(draws, level, mass, tail)
    return q, terms, float(draws.weight @ terms) / draws.total


def _slope(draws: Draws, level: float, mass: float, tail: np.ndarray) -> float:
    """Change of the quantile for a unit of probability, from its interval; nan: not known."""
    binomial = float(np.sqrt(level * (1 - level) / draws.replicates))
    half = binomial if draws.simple else draws.error(mass, tail) or binomial
    half *= draws.reach(0.95)
    if not half > 0:
        return float("nan")
    low, high = draws.quantile(level - half), draws.quantile(level + half)
    return (high - low) / (2 * half) if np.isfinite(high - low) else float("nan")


def _bootstrap(
    before: Draws,
    after: Draws,
    name: str,
    level: float,
    confidence: float,
    resamples: int,
    rng: Rng,
) -> tuple[float, float, float]:
    """Error and percentile interval over whole replicates, the same for both sides."""
    if resamples < 2:
        raise ArgumentError(f"resamples={resamples}: give at least 2.")
    if before.replicates < 2:
        return float("nan"), float("nan"), float("nan")
    of = statistic_of(name, level)
    own = before.weighting == "self-normalised"
    kept = _tails(before, after, level) if name != "mean" and not own else None
    generator, found = np.random.default_rng(rng), []
    sides = [d.x if kept is None else d.x[kept] for d in (before, after)]
    orders = [np.argsort(x, kind="stable") for x in sides]
    weight = before.weight if kept is None else before.weight[kept]
    block = max(1, ENTRIES // max(len(weight), 1))
    for first in range(0, resamples, block):
        size = min(block, resamples - first)
        times = _times(generator, before, kept, size)
        again = times * weight
        total = again.sum(axis=1) if own else np.full(size, before.total)
        if before.replicate is not None and not own:
            total = times.sum(axis=1).astype(float)
        x, y = (of(x[o], again[:, o], total) for x, o in zip(sides, orders, strict=True))
        found.append(y - x)
    return percentiles(found, confidence)


def _times(
    generator: np.random.Generator, draws: Draws, kept: np.ndarray | None, size: int
) -> np.ndarray:
    """(size, k) counts of each scenario in a resample of whole replicates."""
    g = draws.replicates
    if kept is None:
        times = generator.multinomial(g, np.full(g, 1 / g), size=size)
        return times if draws.replicate is None else times[:, draws.replicate]
    share = np.append(np.full(len(kept), 1 / g), (g - len(kept)) / g)
    return np.asarray(generator.multinomial(g, share, size=size)[:, :-1])


def _tails(before: Draws, after: Draws, level: float) -> np.ndarray | None:
    """Scenarios that can lie beyond the level in a resample, on either side; `None`: all of them.

    These are the largest values, up to a tail weight that exceeds that of the level by ten standard
    deviations; the other scenarios only need to be counted together.
    """
    if before.replicate is not None:
        return None
    kept = []
    for draws in (before, after):
        order = draws._order[::-1]
        weight = draws.weight[order]
        reach = weight.cumsum() - 10 * np.sqrt((weight**2).cumsum())
        enough = np.flatnonzero(reach > (1 - level) * draws.total)
        if not len(enough):
            return None
        kept.append(order[: enough[0] + 1])
    return np.unique(np.concatenate(kept))
