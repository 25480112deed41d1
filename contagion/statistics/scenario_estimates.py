"""Estimates from scenarios that may have weights and may depend on each other.

x is the value of a scenario, w its likelihood ratio (1 without importance sampling), N the number
of scenarios and D the divisor:

    plain             D = N      unbiased, the ratio has mean 1 (Glasserman 2003, ch. 4)
    self-normalised   D = Σ w    for ratios known only up to a factor

    mean = Σ w x / D
    P(x > q) = Σ w 1{x > q} / D
    VaR = smallest x with P(X > x) <= 1 − level
    ES  = VaR + Σ w max(x − VaR, 0) / (D (1 − level))

Standard errors use the contribution of every scenario to the estimate, summed within each of the
g independent replicates (antithetic pairs, Sobol sequences):

    standard error² = g / (g − 1) · Σ_replicates (Σ_scenarios contribution)²
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.special import betaincinv, stdtrit

from ..errors import ArgumentError
from ..text import choice
from ..vocabulary import RESAMPLES, Interval, Rng
from .estimate import Estimate
from .tail_risk import expected_shortfall, value_at_risk

Weighting = Literal["plain", "self-normalised"]
WEIGHTINGS, INTERVALS = ("plain", "self-normalised"), ("asymptotic", "bootstrap")
ENTRIES = 2**22  # numbers in one array of the bootstrap
Statistic = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Draws:
    """Values of scenarios: `x` (N,), likelihood ratios `w` (N,) or `None`, `replicate` (N,).

    `replicate` is the index 0, 1 ... of the independent replicate; `None`: each scenario is one.
    """

    x: np.ndarray
    w: np.ndarray | None = None
    replicate: np.ndarray | None = None
    weighting: Weighting = "plain"

    @cached_property
    def simple(self) -> bool:
        """Independent scenarios of equal weight."""
        return self.w is None and self.replicate is None

    @cached_property
    def weight(self) -> np.ndarray:
        return np.ones(len(self.x)) if self.w is None else self.w

    @cached_property
    def total(self) -> float:
        """D of the formulas."""
        return float(self.weight.sum()) if self._self else float(len(self.x))

    @property
    def _self(self) -> bool:
        return self.weighting == "self-normalised"

    @cached_property
    def replicates(self) -> int:
        if self.replicate is None:
            return len(self.x)
        return int(self.replicate.max(initial=-1)) + 1

    def error(self, value: float, terms: np.ndarray) -> float:
        """Standard error of `Σ w terms / D`, which equals `value`; nan for one replicate."""
        g = self.replicates
        if g < 2:
            return float("nan")
        center = value * self.weight if self._self else value
        part = (self.weight * terms - center) / self.total
        if self.replicate is not None:
            part = np.bincount(self.replicate, part, g)
        return float(np.sqrt(g / (g - 1) * (part @ part)))

    def reach(self, confidence: float) -> float:
        """Half-width of the interval in standard errors: quantile of Student's t."""
        if self.replicates < 2:
            return float("nan")
        return float(stdtrit(self.replicates - 1, 0.5 + confidence / 2))

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(self.x, kind="stable")

    def quantile(self, level: float) -> float:
        """VaR at a level; ± infinite outside 0 to 1, and if no scenario reaches it."""
        if not 0 < level < 1:
            return float("-inf") if level <= 0 else float("inf")
        order = self._order
        return float(var(self.x[order], self.weight[order][None], np.array([self.total]), level)[0])


def var(x: np.ndarray, w: np.ndarray, total: np.ndarray, level: float) -> np.ndarray:
    """VaR of sorted values (N,) under weights (r, N) with divisors (r,); (r,)."""
    above = w[:, ::-1].cumsum(axis=1)[:, ::-1] - w
    at = (above > (1 - level + 1e-12) * total[:, None]).sum(axis=1)
    return np.asarray(x[np.minimum(at, len(x) - 1)])


def mean_of(x: np.ndarray, w: np.ndarray, total: np.ndarray) -> np.ndarray:
    return np.asarray(w @ x / total)


def var_at(level: float) -> Statistic:
    return lambda x, w, total: var(x, w, total, level)


def es_at(level: float) -> Statistic:
    def statistic(x: np.ndarray, w: np.ndarray, total: np.ndarray) -> np.ndarray:
        q = var(x, w, total, level)
        beyond = [row @ np.maximum(x - at, 0.0) for row, at in zip(w, q, strict=True)]
        return np.asarray(q + np.array(beyond) / (total * (1 - level)))

    return statistic


def estimated(
    draws: Draws,
    statistic: Literal["mean", "value_at_risk", "expected_shortfall"],
    level: float,
    confidence: float,
    interval: Interval = "asymptotic",
    resamples: int = RESAMPLES,
    rng: Rng = None,
) -> Estimate:
    """One statistic with its error; see the module for the formulas and intervals."""
    for name, p in (("level", level), ("confidence", confidence)):
        if not 0 < p < 1 and not (name == "level" and statistic == "mean"):
            raise ArgumentError(f"{name} must be above 0 and below 1, but is {p!r}.")
    choice(interval, INTERVALS, "interval")
    if interval == "bootstrap":
        return _bootstrap(draws, statistic, level, confidence, resamples, rng)
    return _ASYMPTOTIC[statistic](draws, level, confidence)


def _mean(draws: Draws, level: float, confidence: float) -> Estimate:
    value = float(draws.weight @ draws.x) / draws.total
    error = draws.error(value, draws.x)
    reach = draws.reach(confidence) * error
    return _estimate(draws, (value, error, value - reach, value + reach), level, confidence)


def _var(draws: Draws, level: float, confidence: float) -> Estimate:
    if draws.simple and len(draws.x) > 1:
        found = value_at_risk(draws.x, level, confidence=confidence)
        return replace(found, method="order statistics")
    value = draws.quantile(level)
    tail = (draws.x > value).astype(float)
    mass = float(draws.weight @ tail) / draws.total
    half = draws.reach(confidence) * draws.error(mass, tail)
    if not half > 0:  # all replicates agree, or there is only one: the error is not known
        return _estimate(draws, (value, np.nan, np.nan, np.nan), level, confidence)
    low, high = draws.quantile(level - half), draws.quantile(level + half)
    error = (high - low) / (2 * draws.reach(confidence)) if np.isfinite(high - low) else np.nan
    return _estimate(draws, (value, error, low, high), level, confidence)


def _es(draws: Draws, level: float, confidence: float) -> Estimate:
    if draws.simple and len(draws.x) > 1:
        found = expected_shortfall(draws.x, level, confidence=confidence)
        return replace(found, method="asymptotic")
    q = draws.quantile(level)
    pull = np.maximum(draws.x - q, 0.0) / (1 - level)
    beyond = float(draws.weight @ pull) / draws.total
    tail = draws.weight[draws.x > q]
    worth = float(tail.sum()) ** 2 / float(tail @ tail) if len(tail) else 0.0
    error = draws.error(beyond, pull) if worth >= 2 else float("nan")
    reach = draws.reach(confidence) * error
    value = q + beyond
    return _estimate(draws, (value, error, value - reach, value + reach), level, confidence)


_ASYMPTOTIC = {"mean": _mean, "value_at_risk": _var, "expected_shortfall": _es}


def _estimate(
    draws: Draws,
    found: tuple[float, float, float, float],
    level: float,
    confidence: float,
    method: str = "asymptotic",
) -> Estimate:
    if draws.w is not None:
        method += f", {draws.weighting} weights"
    if draws.replicate is not None:
        method += f", {draws.replicates:,} replicates"
    value, error, low, high = found
    return Estimate(value, error, low, high, level, confidence, method, len(draws.x))


def _bootstrap(
    draws: Draws,
    name: str,
    level: float,
    confidence: float,
    resamples: int,
    rng: Rng,
) -> Estimate:
    """Percentile bootstrap over whole replicates, in blocks that fit in memory."""
    if resamples < 2:
        raise ArgumentError(f"resamples={resamples}: give at least 2.")
    of, order, g = statistic_of(name, level), draws._order, draws.replicates
    x, w = draws.x[order], draws.weight[order]
    mine = order if draws.replicate is None else draws.replicate[order]
    generator, found = np.random.default_rng(rng), []
    block = max(1, ENTRIES // max(len(x), 1))
    for first in range(0, resamples, block):
        size = min(block, resamples - first)
        times = generator.multinomial(g, np.full(g, 1 / g), size=size)[:, mine]
        again = times * w
        total = again.sum(axis=1) if draws._self else times.sum(axis=1)
        found.append(of(x, again, total))
    value = float(of(x, w[None], np.array([draws.total]))[0])
    numbers = (value, *percentiles(found, confidence))
    return _estimate(draws, numbers, level, confidence, "bootstrap")


def statistic_of(name: str, level: float) -> Statistic:
    """The statistic of that name for a bootstrap."""
    return {"mean": mean_of, "value_at_risk": var_at(level), "expected_shortfall": es_at(level)}[
        name
    ]


def percentiles(found: list[np.ndarray], confidence: float) -> tuple[float, float, float]:
    """Standard error and interval from the values of all resamples."""
    many = np.concatenate(found)
    low, high = np.quantile(many, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(many.std(ddof=1)), float(low), float(high)


def proportion(
    p: np.ndarray,
    error: np.ndarray,
    n: float,
    confidence: float,
    weighted: bool,
    unsure: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of probabilities (c,): exact for n independent scenarios, also without any event.

    Clopper–Pearson, with the effective number of independent scenarios (after Korn & Graubard
    1998). With likelihood ratios it is p ± t · error, limited to [0, 1], and nan if the event
    occurs in no scenario or in all: the ratios of the other scenarios are not known. `unsure` is
    the share of scenarios in which the event is uncertain: low is for p − unsure, high for
    p + unsure.

    >>> low, high = proportion(np.zeros(1), np.zeros(1), 100, 0.95, False)
    >>> float(low[0]), round(float(high[0]), 4)
    (0.0, 0.0362)
    """
    under, over = np.clip(p - unsure, 0.0, 1.0), np.clip(p + unsure, 0.0, 1.0)
    if weighted:
        reach = stdtrit(max(n - 1, 1), 0.5 + confidence / 2) * error
        sure = ~(error > 0)
        bottom, top = np.clip(under - reach, 0.0, 1.0), np.clip(over + reach, 0.0, 1.0)
        return np.where(sure, np.nan, bottom), np.where(sure, np.nan, top)
    inner = (p > 0) & (p < 1) & (error > 0)
    spread = p * (1 - p) * n / max(n - 1, 1)  # for independent scenarios
    worth = np.where(inner, spread / np.where(inner, error, 1.0) ** 2, n)
    half = (1 - confidence) / 2
    low = betaincinv(np.where(under > 0, under * worth, 1.0), worth * (1 - under) + 1, half)
    high = betaincinv(worth * over + 1, np.where(over < 1, worth * (1 - over), 1.0), 1 - half)
    unknown = np.isnan(error)
    low, high = np.where(under > 0, low, 0.0), np.where(over < 1, high, 1.0)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)
