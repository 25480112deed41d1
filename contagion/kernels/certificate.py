"""Bound on the distance of a point from a fixed point of a monotone map: an error, not a residual.

F maps (n, B) to itself, column by column, and rises in every entry; A >= 0 is at least as steep as
F near x. Let u > 0 be at least |F(x) − x|, and let v satisfy `v − A v >= u`. If F were linear,

    F(x + v) <= x + v    and    F(x − v) >= x − v

would hold, so that a fixed point lies in `x ± v` (Tarski). F is evaluated at both ends to check
this; if it fails, A is increased to the slopes there and v is computed again. v is a sum of powers
of A: with x₀ = u, x_{k+1} = A x_k and q = max x_{k+1} / x_k below 1,
`v = x₀ + … + x_k + x_{k+1} / (1 − q)` satisfies the inequality. If q stays near 1 or above, v is a
solution of `v = u + A v` that is checked against the inequality.

Near criticality v is very much larger than u: a residual of 1e-10 can be an error of 3e-9.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

ENOUGH, TERMS = 0.9, 30  # ratio q below which summation stops; maximum number of terms
CROWDED = 0.7  # finished columns are removed when less than this share is still summed
WIDER = 4  # maximum number of times that slopes are increased
NOISE = 4 * 2.0**-52  # rounding of one evaluation of F, relative to the balance sheet and to x

Image = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
Steep = Callable[[np.ndarray, np.ndarray], np.ndarray]


def error_bound(
    image: Image,
    apply: Steep,
    solve: Steep,
    x: np.ndarray,
    scale: np.ndarray,
    enough: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Bound the distance of x from a fixed point of F, column by column.

    Parameters
    ----------
    image : (points (n, k), numbers of their columns (k,)) -> F (n, k), and the slopes there, an
        array with k columns >= 0 (or bool); larger values mean steeper.
    apply : (slopes, v (n, k)) -> A v (n, k) with those slopes.
    solve : (slopes, u (n, k)) -> an approximate solution of `v = u + A v`, nan where none exists.
    x : (n, B), the point.
    scale : (n, 1), the scale of relative errors, above 0.
    enough : no closer bound is computed once the error is below this.

    Returns
    -------
    error : (B,), nan if no bound was found: spectral radius of 1 or more.
    residual : (B,), `max |F(x) − x| / scale`.

    Example
    -------
    `F(x) = 1 + 0.99 x` at 99.9: 0.1 from the fixed point 100, and a residual of 0.001.

    >>> def line(x, columns):
    ...     return 1 + 0.99 * x, np.full_like(x, 0.99)
    >>> error, residual = error_bound(
    ...     line, np.multiply, lambda a, u: u / (1 - a), np.array([[99.9]]), np.ones((1, 1)))
    >>> error.round(9), residual.round(9)
    (array([0.1]), array([0.001]))
    """
    count = x.shape[1]
    columns = np.arange(count)
    there, slopes = image(x, columns)
    residual = (np.abs(there - x) / scale).max(axis=0, initial=0.0)
    error = np.full(count, np.nan)
    for _ in range(WIDER):
        at = x[:, columns]
        noise = NOISE * (scale + np.abs(at))
        v = _above(apply, solve, slopes, residual[columns] * scale + 3 * noise, enough * scale)
        found = np.isfinite(v).all(axis=0)
        if not found.any():
            break
        columns, slopes = columns[found], slopes[..., found]
        at, noise, v = at[:, found], noise[:, found], v[:, found]
        over, more = image(at + v, columns)
        under, less = image(at - v, columns)
        holds = ((over <= at + v - noise) & (under >= at - v + noise)).all(axis=0)
        error[columns[holds]] = (v / scale).max(axis=0, initial=0.0)[holds]
        left = ~holds
        if not left.any():
            break
        slopes = np.maximum(slopes, np.maximum(more, less))[..., left]
        columns = columns[left]
    return error, residual


def _above(
    apply: Steep, solve: Steep, slopes: np.ndarray, unit: np.ndarray, enough: np.ndarray
) -> np.ndarray:
    """v (n, B) with `v − A v >= unit`, the unit above 0; nan where none was found."""
    v, best = np.full(unit.shape, np.nan), np.ones(unit.shape[1])
    live, total, now = np.arange(unit.shape[1]), unit.copy(), unit
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(TERMS):
            new = apply(slopes[..., live], now)
            q = np.divide(new, now, out=np.zeros_like(new), where=now > 0).max(axis=0, initial=0.0)
            better = q < best[live]
            at = live[better]
            found = total[:, better] + new[:, better] / (1.0 - q[better])
            best[at] = np.where((found <= enough).all(axis=0), 0.0, q[better])
            v[:, at] = found
            total += new
            left = best[live] >= ENOUGH
            if not left.any():
                return v
            now = new
            if left.mean() < CROWDED:
                live, total, now = live[left], total[:, left], now[:, left]
        live = live[best[live] >= ENOUGH]
        steep, unit = slopes[..., live], unit[:, live]
        x = solve(steep, unit)
        part = ((x - apply(steep, x)) / unit).min(axis=0, initial=np.inf)
        good = (part > 0) & (x >= 0).all(axis=0)
        v[:, live[good]] = np.fmin(v[:, live[good]], x[:, good] / part[good])
    return v
