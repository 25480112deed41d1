"""The effect of a clearing house on expected exposures, closed form of Duffie and Zhu (2011).

N participants hold positions with each other in K classes of derivatives. The exposure of
participant i to j in class k is X_ij,k = −X_ji,k, normal with mean 0 and standard deviation σ_k,
independent over pairs. Two parties net across the classes that are not cleared; a clearing house
nets over the parties of the classes it clears. E max(X, 0) = s / √(2π) for a normal X of standard
deviation s.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...errors import ArgumentError

ROOT = float(np.sqrt(2 * np.pi))


def expected_exposure(
    participants: int,
    classes: int | Iterable[float],
    houses: Iterable[int | Iterable[int]] = (),
    correlation: Any = None,
) -> float:
    """Average expected exposure of a participant to the other participants and clearing houses.

    With S the classes that are not cleared, H the classes of one house and Σ the covariance of the
    classes,

        E = (N − 1) √(1ₛᵀ Σ 1ₛ / 2π) + Σ_H √((N − 1) 1_Hᵀ Σ 1_H / 2π),

    so (N − 1) √(K / 2π) without a house for K equal classes, and with a house for one of them
    (N − 1) √((K − 1) / 2π) + √((N − 1) / 2π). Exposures of the house to participants and
    collateral are not included.

    Parameters
    ----------
    participants : N ≥ 2.
    classes : K for equal classes of standard deviation 1, or the standard deviations σ_k (K,) of
        the position of a pair, as amounts; the result is in the same unit.
    houses : one entry for each clearing house: the class, or classes, that it clears (0 … K − 1).
    correlation : (K, K) between the classes of a pair; by default they are independent.

    Raises
    ------
    ArgumentError
        For fewer than two participants, a standard deviation below 0, a correlation that is not a
        symmetric positive semidefinite matrix with 1 on the diagonal, and a class that does not
        exist or is cleared twice.

    Example
    -------
    Five participants and two classes: 4 √(2 / 2π) = 2.257 without a house. With a house for the
    second class it is 4 √(1 / 2π) + √(4 / 2π) = 2.394, with one for both √(4 · 2 / 2π) = 1.128.

    >>> [round(expected_exposure(5, 2, houses), 3) for houses in ([], [1], [(0, 1)])]
    [2.257, 2.394, 1.128]

    Source: Duffie & Zhu (2011), Review of Asset Pricing Studies 1(1), 74–95,
    doi:10.1093/rapstu/rar001; with correlation and several houses: the same expectation.
    """
    n, covariance = _participants(participants), _covariance(classes, correlation)
    cleared = [[house] if isinstance(house, (int, np.integer)) else [*house] for house in houses]
    bilateral = np.ones(len(covariance), bool)
    spread = 0.0
    for house in cleared:
        at = np.asarray(house, int)
        if ((at < 0) | (at >= len(covariance))).any():
            raise ArgumentError(f"houses={cleared}: the classes are 0 … {len(covariance) - 1}.")
        if not bilateral[at].all() or len(np.unique(at)) < len(at):
            raise ArgumentError(f"houses={cleared}: a class is cleared once.")
        bilateral[at] = False
        spread += np.sqrt((n - 1) * _total(covariance, at))
    spread += (n - 1) * np.sqrt(_total(covariance, np.flatnonzero(bilateral)))
    return float(spread / ROOT)


def netting_efficiency(
    participants: int,
    classes: int | Iterable[float],
    houses: Iterable[int | Iterable[int]],
    correlation: Any = None,
) -> float:
    """Fraction by which clearing reduces the expected exposure; negative if it increases it.

        1 − (expected exposure with the houses) / (without)

    Parameters and errors as for :func:`expected_exposure`.

    Example
    -------
    >>> round(netting_efficiency(5, 2, [1]), 4), round(netting_efficiency(20, 2, [1]), 4)
    (-0.0607, 0.1307)

    Source: after Duffie & Zhu (2011).
    """
    without = expected_exposure(participants, classes, (), correlation)
    with_houses = expected_exposure(participants, classes, houses, correlation)
    return 1 - with_houses / without if without > 0 else 0.0


def clearing_pays(participants: int, classes: int) -> bool:
    """Whether a house for one of K equal classes lowers expected exposure: K < N² / (4 (N − 1)).

    Raises `ArgumentError` for fewer than two participants or less than one class.

    Example
    -------
    With two classes, six participants are not enough (36 / 20 = 1.8), seven are (49 / 24 = 2.04):

    >>> clearing_pays(6, 2), clearing_pays(7, 2)
    (False, True)

    Source: Duffie & Zhu (2011), the condition for equal classes.
    """
    n, k = _participants(participants), _classes(classes)
    return 4 * k * (n - 1) < n * n


def fewest_participants(classes: int) -> int:
    """The smallest N for which a house for one of K equal classes lowers expected exposure.

    The smallest integer above 2 (K + √(K (K − 1))), the larger root of N² = 4 K (N − 1); with one
    class (root 2) it is 3.

    Raises `ArgumentError` for less than one class.

    Example
    -------
    >>> [fewest_participants(k) for k in (2, 3, 10)]
    [7, 11, 39]

    Source: after Duffie & Zhu (2011).
    """
    k = _classes(classes)
    n = max(int(2 * (k + np.sqrt(k * (k - 1)))) - 1, 2)
    while not clearing_pays(n, k):
        n += 1
    return n


def least_ratio(participants: int) -> float:
    """The minimum relative size of a class for which its own house lowers expected exposure.

        R > 2 √(N − 1) / (N − 2)

    R is the standard deviation of the position of a pair in that class divided by that of its net
    position in all other classes, which is independent. Infinite for two participants, for whom a
    house adds no netting.

    Raises `ArgumentError` for fewer than two participants.

    Example
    -------
    >>> least_ratio(10)                                     # 2 · 3 / 8
    0.75

    Source: after Duffie & Zhu (2011); follows from the two expectations.
    """
    n = _participants(participants)
    return float(2 * np.sqrt(n - 1) / (n - 2)) if n > 2 else float("inf")


def _participants(n: int) -> int:
    if n != int(n) or n < 2:
        raise ArgumentError(f"participants={n!r}: a whole number of at least 2.")
    return int(n)


def _classes(k: int) -> int:
    if k != int(k) or k < 1:
        raise ArgumentError(f"classes={k!r}: a whole number of at least 1.")
    return int(k)


def _covariance(classes: int | Iterable[float], correlation: Any) -> np.ndarray:
    if isinstance(classes, Iterable):
        sizes = np.asarray([*classes], float)
    else:
        sizes = np.ones(_classes(classes))
    if not len(sizes) or not (np.isfinite(sizes) & (sizes >= 0)).all():
        raise ArgumentError("classes: standard deviations of at least 0, one a class.")
    if correlation is None:
        return np.diag(sizes**2)
    matrix = np.asarray(correlation, float)
    if matrix.shape != (len(sizes), len(sizes)):
        raise ArgumentError(
            f"correlation has shape {matrix.shape}; there are {len(sizes)} classes, so it needs "
            f"({len(sizes)}, {len(sizes)})."
        )
    proper = np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1.0)
    if not proper or np.linalg.eigvalsh((matrix + matrix.T) / 2).min() < -1e-9:
        raise ArgumentError(
            "correlation: symmetric, 1 on the diagonal, and no portfolio with a variance below 0."
        )
    return np.asarray(sizes[:, None] * matrix * sizes)


def _total(covariance: np.ndarray, at: np.ndarray) -> float:
    """Variance of the sum over some classes."""
    return max(float(covariance[np.ix_(at, at)].sum()), 0.0)
