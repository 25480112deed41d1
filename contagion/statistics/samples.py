"""Samples of losses: checked, weighted and sorted; quantiles and tails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from .arrays import numbers
from .quantiles import first_reaching


@dataclass(frozen=True)
class Sample:
    """Observations `x` (n, k), weights `w` (n,) that sum to 1, and their effective number."""

    x: np.ndarray
    w: np.ndarray
    worth: float
    weighted: bool
    shape: tuple[int, ...]

    def out(self, value: ArrayLike) -> float | np.ndarray:
        """One number for each column, in the shape of the given columns."""
        array = np.broadcast_to(np.asarray(value, float), self.x.shape[1:]).reshape(self.shape)
        return array.copy() if self.shape else float(array)


def known(name: str, values: ArrayLike, low: float = -np.inf) -> np.ndarray:
    """Numbers without nan: a missing observation is refused, never counted as 0.

    >>> known("losses", [1, float("nan")])
    Traceback (most recent call last):
    ...
    contagion.errors.ArgumentError: losses has nan at position (1,) (1 of 2 values); drop those rows
    or fill them.
    """
    array = numbers(name, values, low)
    gaps = np.isnan(array)
    if gaps.any():
        first = tuple(int(i) for i in np.argwhere(gaps)[0])
        where = f"{name} has nan at position {first} ({gaps.sum()} of {gaps.size} values)"
        raise ArgumentError(f"{where}; drop those rows or fill them.")
    return array


def sample(losses: ArrayLike, weights: ArrayLike | None) -> Sample:
    """Losses (n, ...) with weights (n,), checked; at least two observations."""
    x = known("losses", losses)
    if x.ndim == 0 or len(x) < 2:
        raise ArgumentError("losses must have at least 2 observations along the first axis.")
    n, shape = len(x), x.shape[1:]
    w = np.full(n, 1 / n) if weights is None else known("weights", weights, 0)
    if w.shape != (n,) or not w.sum() > 0:
        raise ArgumentError(
            f"weights must be one a row of losses, ({n},), with a sum above 0; shape is {w.shape}."
        )
    w = w / w.sum()
    worth = n if weights is None else 1 / float(w @ w)
    if worth < 1 + 1e-9:
        raise ArgumentError("weights must leave at least 2 observations above 0.")
    return Sample(x.reshape(n, -1), w, worth, weights is not None, shape)


def ordered_losses(data: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Losses in ascending order (n, k), and the probability up to and including each."""
    if not data.weighted:
        n = len(data.x)
        return np.sort(data.x, axis=0), np.arange(1, n + 1)[:, None] / n
    order = np.argsort(data.x, axis=0, kind="stable")
    upto = data.w[order].cumsum(0)
    return np.take_along_axis(data.x, order, axis=0), upto / upto[-1]


def quantile(ordered: np.ndarray, upto: np.ndarray, p: float) -> np.ndarray:
    """Smallest loss with cumulative probability p or more (k,); infinite for p outside 0 to 1."""
    if not 0 < p < 1:
        return np.full(ordered.shape[1], -np.inf if p <= 0 else np.inf)
    return np.asarray(ordered[first_reaching(upto, p), np.arange(ordered.shape[1])])


def beyond(upto: np.ndarray, level: float) -> np.ndarray:
    """Share of each observation in the tail beyond the level; each column sums to 1."""
    before = np.concatenate([upto[:1] * 0, upto[:-1]])
    part = np.clip(upto - np.maximum(before, level), 0, None)
    return np.asarray(part / part.sum(0))
