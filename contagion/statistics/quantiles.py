"""Quantiles of weighted observations: the smallest value not exceeded with a probability."""

from __future__ import annotations

import numpy as np

ROUNDING = 1e-12  # of a probability


def first_reaching(upto: np.ndarray, level: float | np.ndarray) -> np.ndarray:
    """Row (k,) of the first probability in each ascending column (n, k) that reaches a level.

    The last row if none does; a rounding error of 1e-12 in the probability is tolerated.

    >>> first_reaching(np.array([[0.2], [0.7], [1.0]]), 0.7)
    array([1])
    """
    return np.asarray(np.minimum((upto < level - ROUNDING).sum(axis=0), len(upto) - 1))


def column_quantiles(
    x: np.ndarray, order: np.ndarray, weights: np.ndarray, *levels: float
) -> list[np.ndarray]:
    """Quantiles (n,) of the columns of `x` (S, n) at each level, q = min{x : F(x) >= level}.

    `order` (S, n) sorts each column, `weights` (S,) are probabilities.

    >>> x = np.array([[3.0], [1.0], [2.0]])
    >>> column_quantiles(x, np.argsort(x, axis=0), np.array([0.2, 0.5, 0.3]), 0.5, 0.8)
    [array([1.]), array([2.])]

    Source: the definition of a quantile, as in Artzner, Delbaen, Eber and Heath (1999), Coherent
    Measures of Risk, Mathematical Finance 9(3) [unverified].
    """
    reached, column = np.cumsum(weights[order], axis=0), np.arange(x.shape[1])
    return [x[order[first_reaching(reached, level), column], column] for level in levels]
