"""An error bound: how far a point is from the fixed point, not only how much a round moves it."""

from __future__ import annotations

import numpy as np

from . import climb as loops
from .linear import solved_or_none
from .segment_system import System

WIDER = 1e-7, 1e-12  # of a balance sheet: segments this close to an end count as moving
ROUNDING = 2e-15  # of a balance sheet: what a round cannot tell
FAR = 1e10  # times the largest balance sheet: what is larger comes from a singular system
MOST = 40  # products before the bound is solved for


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
    """Bound on `max |y − y*| / unit`, nan where none is found; and the entries worked on.

    With A the derivative on the moving segments, x₀ = unit, x_{k+1} = A x_k and
    q = max x_{k+1} / x_k < 1, v = Σ x_i + x_{k+1} / (1 − q) has (I − A) v ≥ unit. Two more
    rounds of the map itself, at y ± ρv, then say that the fixed point lies between.
    """
    found, work = np.nan, 0
    for wide in WIDER:
        apart, more = _apart(system, c, p, w, unit, y, x, residual + ROUNDING, wide * unit)
        work += more
        if apart is not None:
            found = float((apart / unit[system.owner]).max(initial=0.0))
            break
    return found, work


def _apart(
    system: System,
    c: np.ndarray,
    p: np.ndarray,
    w: np.ndarray,
    unit: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    rho: float,
    wide: np.ndarray,
) -> tuple[np.ndarray | None, int]:
    """ρv (S,), verified on the map itself, or `None`; `wide` (n,) money."""
    count, owner = len(y), system.owner
    total, now, z = np.empty(count), np.empty(count), np.empty(system.n)
    q, work = loops.bound(
        owner, system.sp, system.si, system.sd, c, p, w, unit, wide, x, total, now, z, MOST
    )
    if not q < 1:
        g, near = c + p * x[owner], wide[owner]
        moves = (g > -near) & (g < w + near) & (p > 0)
        rows = np.flatnonzero(moves)
        total = np.asarray(unit[owner], float)
        loops.push(system.sp, system.si, system.sd, np.where(moves, 0.0, total), z)
        step = solved_or_none(system.cut(rows, p), (total + p * z[owner])[rows])
        if step is None or not ((step > 0) & (step < FAR * unit.max())).all():
            return None, work
        total[rows] = step * (1 + 1e-9)
    apart = rho * total
    for sign in (1.0, -1.0):
        moved = y + sign * apart
        work += loops.push(system.sp, system.si, system.sd, moved, z)
        after = np.clip(c + p * z[owner], 0.0, w)
        if (sign * (after - moved) > 0).any():
            return None, work
    return apart, work
