"""A batch of linear systems with a nonnegative matrix, solved together by BiCGSTAB."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def bicgstab(
    apply: Callable[[np.ndarray], np.ndarray],
    rhs: np.ndarray,
    accuracy: np.ndarray | float,
    against: np.ndarray | None = None,
    most: int = 60,
) -> tuple[np.ndarray, np.ndarray]:
    """Solve `x − apply(x) = rhs` column by column with one product for all columns.

    After van der Vorst (1992), algorithm BiCGSTAB without preconditioner; the scalars of the
    recurrences are vectors over the columns, finished columns stand still.

    Parameters
    ----------
    apply : linear map of an array (k, B) to (k, B).
    rhs : (k, B).
    accuracy : (B,) or one number, wanted reduction of the residual norm.
    against : (k, B) right-hand side whose norm the reduction refers to, by default `rhs`.
    most : iterations (two products each).

    Returns
    -------
    x : (k, B); solved : (B,) bool.

    Example
    -------
    >>> half = lambda x: x / 2
    >>> x, solved = bicgstab(half, np.array([[1.0], [3.0]]), 1e-12)
    >>> x.ravel(), solved
    (array([2., 6.]), array([ True]))
    """
    x = np.zeros_like(rhs)
    r, shadow, p = rhs.copy(), rhs, rhs.copy()
    rho = _dot(shadow, r)
    size = np.sqrt(_dot(r, r))
    goal = accuracy * (size if against is None else np.sqrt(_dot(against, against)))
    live = size > goal
    work = np.empty_like(rhs)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for _ in range(most):
            if not live.any():
                break
            v = apply(p)
            np.subtract(p, v, out=v)
            alpha = np.where(live, rho / _dot(shadow, v), 0.0)
            r -= np.multiply(v, alpha, out=work)
            t = apply(r)
            np.subtract(r, t, out=t)
            omega = np.where(live, _dot(t, r) / _dot(t, t), 0.0)
            omega = np.where(np.isfinite(omega), omega, 0.0)
            x += np.multiply(p, alpha, out=work)
            x += np.multiply(r, omega, out=work)
            r -= np.multiply(t, omega, out=work)
            fresh = _dot(shadow, r)
            beta = np.where(live, (fresh / rho) * (alpha / omega), 0.0)
            beta = np.where(np.isfinite(beta), beta, 0.0)  # nothing left of it: start anew
            rho = np.where(live, fresh, rho)
            v *= omega
            p -= v
            p *= beta
            p += r
            size = np.where(live, np.sqrt(_dot(r, r)), size)
            live &= (size > goal) & np.isfinite(size)
    return x, size <= goal


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Column by column; never through a threaded BLAS, whose threads cost more than they save."""
    if a.shape[1] == 1:
        return np.array([np.einsum("k,k->", a.ravel(), b.ravel())])
    return np.asarray(np.einsum("kb,kb->b", a, b))
