"""Counts of exceedances: likelihood ratios and their exact probabilities by enumeration."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, xlog1py, xlogy

from ..errors import ArgumentError
from ..statistics.arrays import numbers
from ..statistics.samples import known


def counts(count: ArrayLike, n: int, level: float) -> np.ndarray:
    """Whole numbers from 0 to n, checked together with n and level."""
    if not 0 < level < 1:
        raise ArgumentError(f"level must be above 0 and below 1, but is {level!r}.")
    if n < 1 or n != int(n):
        raise ArgumentError(f"n must be a whole number of days, at least 1, but is {n!r}.")
    x = known("count", numbers("count", count, 0, n))
    if (x != np.round(x)).any():
        raise ArgumentError("count must be whole: pass exceedances(...).sum(0), not a rate.")
    return x.astype(int)


def days(exceeded: ArrayLike) -> np.ndarray:
    """Days (n, ...) with or without an exceedance, checked."""
    hit = np.asarray(exceeded)
    if hit.dtype != bool or hit.ndim == 0 or len(hit) < 2:
        raise ArgumentError(
            "exceeded must be True or False, at least two days; use exceedances(...)."
        )
    return hit


def binomial_test(x: np.ndarray, n: int, p: float) -> tuple[np.ndarray, np.ndarray]:
    """Kupiec's ratio of counts x of n, and its exact probability (...)."""
    every = np.arange(n + 1)
    ratio = _binomial_ratio(every, n, p)
    chance = np.exp(
        gammaln(n + 1) - gammaln(every + 1) - gammaln(n - every + 1)
        + xlogy(every, p) + xlog1py(n - every, -p)
    )  # fmt: skip
    # Probability of all counts with a ratio at least as large, including ties up to rounding.
    order = np.argsort(-ratio, kind="stable")
    upto = np.concatenate([[0.0], chance[order].cumsum()])
    found = ratio[x]
    exact = upto[np.searchsorted(-ratio[order], -found + 1e-9, side="right")]
    return found, np.minimum(exact, 1.0)


def markov_test(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Christoffersen's ratio of series (n, k), and its exact probability given the count (k,)."""
    n = len(flat)
    ones = flat.sum(0)
    last, first = flat[1:], flat[:-1]
    n11, n01 = (first & last).sum(0), (~first & last).sum(0)
    n10 = (first & ~last).sum(0)
    found = _markov_ratio(n - 1 - n01 - n10 - n11, n01, n10, n11)
    # For x exceedances in r runs, with or without an exceedance on the first (f) and last (l) day:
    # C(x − 1, r − 1) ways to cut the exceedances, C(n − x − 1, gaps − 1) to cut the other days.
    runs = np.arange(1, max(1, int(ones.max())) + 1)[:, None, None, None]
    f, z = np.arange(2)[:, None, None], np.arange(2)[:, None]
    gaps = runs - 1 + (1 - f) + (1 - z)
    ways = _log_choose(ones - 1, runs - 1) + np.where(
        gaps > 0, _log_choose(n - ones - 1, gaps - 1), np.where(n == ones, 0.0, -np.inf)
    )
    m01, m10, m11 = runs - f, runs - z, ones - runs
    other = _markov_ratio(np.maximum(n - 1 - m01 - m10 - m11, 0), m01, m10, np.maximum(m11, 0))
    chance = np.where(other >= found - 1e-9, np.exp(ways - _log_choose(n + 0 * ones, ones)), 0.0)
    exact = np.where(ones == 0, 1.0, np.minimum(chance.sum((0, 1, 2)), 1.0))
    return found, exact


def _binomial_ratio(x: np.ndarray, n: int, p: float) -> np.ndarray:
    free = xlogy(x, x / n) + xlog1py(n - x, -x / n)
    return np.asarray(2 * np.maximum(free - xlogy(x, p) - xlog1py(n - x, -p), 0))


def _markov_ratio(n00: np.ndarray, n01: np.ndarray, n10: np.ndarray, n11: np.ndarray) -> np.ndarray:
    def entropy(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        total = np.maximum(a + b, 1)
        return np.asarray(xlogy(a, a / total) + xlogy(b, b / total))

    free = entropy(n00, n01) + entropy(n10, n11)
    return np.asarray(2 * np.maximum(free - entropy(n00 + n10, n01 + n11), 0))


def _log_choose(n: np.ndarray, k: np.ndarray) -> np.ndarray:
    """ln C(n, k); minus infinity outside 0 <= k <= n."""
    n, k = np.broadcast_arrays(n, k)
    good = (k >= 0) & (k <= n)
    n, k = np.where(good, n, 0), np.where(good, k, 0)
    return np.where(good, gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), -np.inf)
