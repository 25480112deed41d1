"""An error bound: the distance of a point to the fixed point, not only its residual."""

from __future__ import annotations

import numpy as np

from . import climb as loops
from .linear import solved_or_none
from .segment_system import System

WIDER = 1e-7, 1e-12  # relative to the balance sheet: segments this close to an end count as moving
ROUNDING = 2e-15  # rounding error of one round, relative to the balance sheet
MOST = 40  # maximum number of products; then a linear system is solved for the bound


def enclosed(
    system: System,
    c: np.ndarray,
    p: np.ndarray,
    w: np.ndarray,
    unit: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    residual: float,
) -> tuple[float, int]:
    """Bound on the error of y and x over the balance sheet, nan if none is found; work done.

    Let A be the derivative on the moving segments, and x₀ = u at least the residual plus the
    rounding error of a round. With x_{k+1} = A x_k and q = max x_{k+1} / x_k < 1,
    v = Σ x_i + x_{k+1} / (1 − q) satisfies (I − A) v ≥ u. Two more rounds of the map itself, at
    y ± v, then verify that the fixed point lies between these points.
    """
    work, g = 0, c + p * x[system.owner]
    for wide in WIDER:
        near = wide * unit[system.owner]
        moves = (g > -near) & (g < w + near) & (p > 0)
        apart, more = _apart(system, c, p, w, unit, y, moves, residual)
        work += more
        if apart is not None:
            lost = np.empty(system.n)
            loops.push(system.sp, system.si, system.sd, apart, lost)
            own = float((apart / unit[system.owner]).max(initial=0.0))
            return max(own, float((lost / unit).max(initial=0.0))), work
    return np.nan, work


def _apart(
    system: System,
    c: np.ndarray,
    p: np.ndarray,
    w: np.ndarray,
    unit: np.ndarray,
    y: np.ndarray,
    moves: np.ndarray,
    residual: float,
) -> tuple[np.ndarray | None, int]:
    """v (S,), verified on the map itself, or `None`; `moves` (S,) are the segments that move."""
    count, owner, matters = len(y), system.owner, system.matters(unit)
    least = (residual + ROUNDING) / matters
    least[moves] = residual / matters[moves] + ROUNDING * unit[owner[moves]]
    apart, now, z = np.empty(count), np.empty(count), np.empty(system.n)
    q, work = loops.bound(
        owner, system.sp, system.si, system.sd, p, least, moves, apart, now, z, MOST
    )
    if not q < 1:
        rows = np.flatnonzero(moves)
        loops.push(system.sp, system.si, system.sd, np.where(moves, 0.0, least), z)
        step = solved_or_none(system.cut(rows, p), (least + p * z[owner])[rows])
        if step is None or not ((step > 0) & (step < unit.max())).all():
            return None, work
        apart = least
        apart[rows] = step * (1 + 1e-9)
    for sign in (1.0, -1.0):
        moved = y + sign * apart
        work += loops.push(system.sp, system.si, system.sd, moved, z)
        after = np.clip(c + p * z[owner], 0.0, w)
        if (sign * (after - moved) > 0).any():
            return None, work
    return apart, work
