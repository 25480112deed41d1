"""Estimates of measures whose cost grows faster than the exposures, with their standard error.

A sample is split into groups; each group gives an estimate, and their spread gives the error.
"""

from __future__ import annotations

import numpy as np

from ..errors import ArgumentError
from ..vocabulary import Rng

GROUPS = 10


def groups(n: int, k: int, rng: Rng) -> list[np.ndarray]:
    """k of the numbers 0 ... n − 1, drawn without replacement, in at most `GROUPS` groups.

    Raises
    ------
    ArgumentError : for a k outside 1 … n.

    Example
    -------
    >>> [len(part) for part in groups(100, 7, rng=1)]
    [3, 2, 2]
    """
    if not 1 <= k <= n:
        raise ArgumentError(f"k={k!r}: from 1 to {n:,} nodes, or leave k out for all of them.")
    chosen = np.random.default_rng(rng).choice(n, k, replace=False)
    return [np.sort(part) for part in np.array_split(chosen, max(1, min(GROUPS, k // 2)))]


def signs(n: int, k: int, rng: Rng) -> list[np.ndarray]:
    """k vectors (n,) of random signs in at most `GROUPS` blocks, for the diagonal of a matrix.

        A_ii = E[z_i (A z)_i],   z of independent signs

    Raises
    ------
    ArgumentError : for a k below 1.

    Source: Bekas, Kokiopoulou & Saad (2007), Applied Numerical Mathematics 57, after Hutchinson.
    """
    if k < 1:
        raise ArgumentError(f"k={k!r}: 1 vector or more, or leave k out for the exact numbers.")
    draw = np.random.default_rng(rng)
    sizes = map(len, np.array_split(np.arange(k), max(1, min(GROUPS, k // 2))))
    return [draw.choice([-1.0, 1.0], (n, size)) for size in sizes]


def error(estimates: np.ndarray, all_of: int = 0, drawn: int = 0) -> tuple[str, ...]:
    """The note about an estimate: its standard error.

    Parameters
    ----------
    estimates : (groups, n), one row a group; nan where it has none.
    all_of, drawn : number of all nodes and of drawn nodes; if they are equal, the error is 0.

    Example
    -------
    >>> print(error(np.array([[1.0, 4.0], [1.2, 4.0]]), 50, 2)[0].partition(",")[0])
    an estimate from 2 of 50 nodes: standard error 0.098 at most
    """
    part = f"{drawn:,} of {all_of:,} nodes" if all_of else f"{drawn:,} random vectors"
    if len(estimates) < 2:
        return (f"an estimate from {part}, too few for a standard error",)
    left = 1.0 - drawn / all_of if all_of else 1.0
    known = np.isfinite(estimates).all(axis=0)
    mean = estimates[:, known].mean(axis=0)
    size = estimates[:, known].std(axis=0, ddof=1) * np.sqrt(left / len(estimates))
    if not len(size):
        return (f"an estimate from {part}, without a standard error",)
    relative = 100.0 * np.median(size[mean > 0] / mean[mean > 0]) if (mean > 0).any() else 0.0
    return (
        f"an estimate from {part}: standard error {size.max():.2g} at most, with a "
        f"median of {relative:.2g} % of the value",
    )
