"""Autocorrelation and effective sample size of a Markov chain."""

from __future__ import annotations

from typing import Any

import numpy as np


def autocorrelation(values: Any) -> np.ndarray:
    """Autocorrelation (T,) of a chain at the lags 0 … T − 1, all nan where the chain is constant.

    ρ_k = Σ_t (x_t − x̄)(x_t+k − x̄) / Σ_t (x_t − x̄)²

    Example
    -------
    >>> autocorrelation([1.0, -1.0, 1.0, -1.0]).tolist()
    [1.0, -0.75, 0.5, -0.25]
    """
    x = np.asarray(values, float)
    x = x - x.mean()
    if not np.any(np.abs(x) > 1e-12 * np.abs(np.asarray(values, float)).max(initial=0.0)):
        return np.full(len(x), np.nan)
    spectrum = np.abs(np.fft.rfft(x, 2 * len(x))) ** 2
    sums = np.fft.irfft(spectrum, 2 * len(x))[: len(x)]
    return np.asarray(np.round(sums / sums[0], 15))


def effective_sample_size(values: Any) -> float:
    """Effective sample size of a chain (T,) for its mean; nan where the chain is constant.

        T / (1 + 2 Σ_k ρ_k)

    The sum is over pairs ρ_2m + ρ_2m+1 until a pair is not positive; a pair that is larger than the
    one before it is replaced by that one. The result is at most T.

    Example
    -------
    >>> chain = np.repeat(np.random.default_rng(1).normal(size=500), 10)
    >>> 400 < effective_sample_size(chain) < 600        # 500 values, each ten times
    True

    Source: Geyer (1992), Statistical Science 7(4), the initial monotone sequence estimator, from
    memory: the paper was not read again.
    """
    rho = autocorrelation(values)
    if not len(rho) or np.isnan(rho[0]):
        return float("nan")
    pairs = rho[: len(rho) // 2 * 2].reshape(-1, 2).sum(1)
    stop = np.flatnonzero(pairs <= 0)
    pairs = np.minimum.accumulate(pairs[: stop[0]] if len(stop) else pairs)
    return float(len(rho) / max(2 * pairs.sum() - 1.0, 1.0))
