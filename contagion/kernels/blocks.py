"""Least fixed points of many scenarios: in blocks, and slow scenarios one at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import climb_blocks as loops
from .fixed_point import SLACK, least
from .segment_system import System

WIDTH, MOST = 32, 512  # scenarios in a block, for large and for small networks
CACHE = 2**15  # entries of one array of a block: a few of these arrays fit the processor cache
SWEEPS = 100  # maximum number of sweeps of a block


@dataclass
class Solved:
    """y (S, B), x (n, B); residual, error, sweeps (B,); entries worked on."""

    y: np.ndarray
    x: np.ndarray
    residual: np.ndarray
    error: np.ndarray
    sweeps: np.ndarray
    work: int


def width(segments: int) -> int:
    """Scenarios in a block.

    >>> width(1000), width(20)
    (32, 512)
    """
    return int(np.clip(CACHE // max(segments, 1) // WIDTH * WIDTH, WIDTH, MOST))


def solve(
    system: System,
    c: np.ndarray,
    p: np.ndarray,
    w: np.ndarray,
    unit: np.ndarray,
    *,
    tolerance: float,
    start: np.ndarray | None = None,
    certify: bool | None = None,
) -> Solved:
    """The least fixed points of B scenarios.

    Parameters
    ----------
    c, p, w : (S, B). unit : (n,). See :mod:`fixed_point`.
    start : (S, B) points that are known to lie below the fixed points.
    certify : compute the error bound; by default only for a single scenario where it is cheap.
    """
    count, b = c.shape
    if len(system.bundles):
        c, p = _with_bundles(c, 0.0, system), _with_bundles(p, 1.0, system)
        w = _with_bundles(w, system.bundles, system)
        start = None if start is None else _with_bundles(start, 0.0, system)
        unit = np.append(unit, np.maximum(system.bundles, 1e-300))
    n = system.n
    done = Solved(
        np.zeros(c.shape) if start is None else start.copy(),
        np.zeros((n, b)),
        np.zeros(b),
        np.full(b, np.nan),
        np.zeros(b, np.int64),
        0,
    )
    alone = np.ones(b, bool)
    if b > 1 and not certify:
        alone = _block(system, c, p, w, unit, tolerance, done, start is not None)
    for k in np.flatnonzero(alone):
        below = None if start is None else start[:, k]
        one_c, one_p, one_w = (np.ascontiguousarray(a[:, k]) for a in (c, p, w))
        found = least(
            system,
            one_c,
            one_p,
            one_w,
            unit,
            tolerance=tolerance,
            start=below,
            certify=certify,
        )
        done.y[:, k], done.x[:, k] = found.y, found.x
        done.residual[k], done.error[k] = found.residual, found.error
        done.sweeps[k] += found.sweeps
        done.work += found.work
    if len(system.bundles):
        done.y, done.x = done.y[:count], done.x[: n - len(system.bundles)]
    return done


def _block(
    system: System,
    c: np.ndarray,
    p: np.ndarray,
    w: np.ndarray,
    unit: np.ndarray,
    tolerance: float,
    done: Solved,
    warm: bool,
) -> np.ndarray:
    """Solve a block into `done`; returns the scenarios (B,) that need the single search."""
    s, inv, b = system, system.matters(unit), c.shape[1]
    state, last, leaps = np.empty((9, b)), np.zeros(c.shape), np.zeros(b, np.int64)
    if warm:
        loops.push_block(s.sp, s.si, s.sd, done.y, done.x)
    arrays = s.ptr, s.sp, s.si, s.sd, c, p, w, inv, done.y, done.x
    sweeps, entries = loops.climb_block(*arrays, last, state, leaps, tolerance, SWEEPS)
    done.sweeps += sweeps
    entries += loops.push_block(s.sp, s.si, s.sd, done.y, done.x)
    done.work += entries * b
    loops.round_block(s.owner, c, p, w, inv, done.x, done.y, done.residual)
    alone = (done.residual > tolerance) | (state[3] > tolerance * (1.0 - state[7]))
    if not s.amplifies:
        flags = np.empty(c.shape, bool), np.empty((s.n, b), bool)
        for falling in (False, True) if leaps.any() else (False,):
            loops.leaks_block(
                s.ptr, s.sp, s.si, c, p, w, done.x, SLACK * unit, s.inside, *flags, falling, alone
            )
    return np.asarray(alone)


def _with_bundles(a: np.ndarray, value: np.ndarray | float, system: System) -> np.ndarray:
    extra = np.broadcast_to(np.reshape(value, (-1, 1)), (len(system.bundles), a.shape[1]))
    return np.asarray(np.concatenate([a, extra]))
