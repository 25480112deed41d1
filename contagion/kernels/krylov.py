"""A batch of linear systems with a nonnegative matrix, solved together by BiCGSTAB."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def bicgstab(
    apply: Callable[[np.ndarray], np.ndarray],
    rhs: np.ndarray,
    tolerance: float,
    most: int = 60,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Solve `x − apply(x) = rhs` column by column with one product for all columns.

    After van der Vorst (1992), algorithm BiCGSTAB without preconditioner; the scalars of the
    recurrences are vectors over the columns, finished columns stand still.

    Parameters
    ----------
    apply : linear map of an array (k, B) to (k, B).
    rhs : (k, B).
    tolerance : wanted reduction of the residual norm, per column.
    most : iterations (two products each).

    Returns
    -------
    x : (k, B); solved : (B,) bool; products : int.

    Example
    -------
    >>> half = lambda x: x / 2
    >>> x, solved, _ = bicgstab(half, np.array([[1.0], [3.0]]), 1e-12)
    >>> x.ravel(), solved
    (array([2., 6.]), array([ True]))
    """
    x = np.zeros_like(rhs)
    r = rhs.copy()
    shadow = rhs.copy()
    p = np.zeros_like(rhs)
    v = np.zeros_like(rhs)
    rho = alpha = omega = np.ones(rhs.shape[1])
    goal = tolerance * np.sqrt(_dot(rhs, rhs))
    live = goal > 0
    products = 0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for _ in range(most):
            if not live.any():
                break
            fresh = _dot(shadow, r)
            beta = np.where(live, (fresh / rho) * (alpha / omega), 0.0)
            rho = fresh
            p = r + beta * (p - omega * v)
            v = p - apply(p)
            alpha = np.where(live, rho / _dot(shadow, v), 0.0)
            s = r - alpha * v
            t = s - apply(s)
            products += 2
            omega = np.where(live, _dot(t, s) / _dot(t, t), 0.0)
            omega = np.where(np.isfinite(omega), omega, 0.0)
            step = alpha * p + omega * s
            x = np.where(live, x + step, x)
            r = np.where(live, s - omega * t, r)
            size = np.sqrt(_dot(r, r))
            live &= (size > goal) & np.isfinite(size)
    size = np.sqrt(_dot(r, r))
    return x, size <= goal, products


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("kb,kb->b", a, b))
