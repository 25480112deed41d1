"""Plain iteration for triggers where the algebra does not hold: sweeps over blocks of scenarios."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from . import climb_blocks as loops
from .segment_system import System

SWEEPS = 100  # after these, a change below the tolerance is enough to stop


def rounds(
    influence: csr_array,
    nodes: np.ndarray,
    passed: float,
    tolerance: float,
    most: int,
) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
    """Iterate `h = min(1, Λ h)`, the trigger held at `passed`, to a change of at most `tolerance`.

    Uses the sweeps of the solver with extrapolation, see :func:`climb_blocks.climb_block`. The map
    is concave and monotone, so there is one fixed point on the nodes that a trigger reaches, and
    every start that is zero on all other nodes converges to it. Triggers that reach each other
    reach the same nodes: in the largest group of this kind, later blocks start from the solution
    of the first trigger.

    Yields
    ------
    nodes (B,), h (N, B) and whether it converged, block by block; the next block overwrites h.

    Example
    -------
    >>> ring = csr_array(np.array([[0.0, 0.5], [4.0, 0.0]]))
    >>> [h.tolist() for _, h, _ in rounds(ring, np.array([0, 1]), 1.0, 1e-12, 100)]
    [[[1.0, 0.5], [1.0, 1.0]]]
    """
    from scipy.sparse.csgraph import connected_components

    size = influence.shape[0]
    system = System.of(np.arange(size), csr_array(influence.T))
    _, part = connected_components(influence, connection="strong")
    largest = np.bincount(part[nodes]).argmax() if len(nodes) else 0
    alike = part[nodes] == largest
    block = min(int(np.clip(2**18 // max(size, 1), 16, 128)), max(len(nodes), 1))
    work = np.ones((6, size * block))  # shared by all blocks: new memory is slower than a sweep
    for group in (nodes[~alike], nodes[alike]):
        start, came = np.zeros(size), np.zeros(size)
        for first in range(0, len(group), block):
            here = group[first : first + block]
            rows = work[:, : size * len(here)].reshape(6, size, len(here))
            rows[:2] = start[:, None], came[:, None]
            still = _climb(system, here, rows, passed, tolerance, most)
            if alike.any() and part[here[0]] == largest and not first:
                start = rows[0, :, 0].copy()
                came = np.asarray(influence @ start)
            yield here, rows[0], still


def _climb(
    system: System,
    nodes: np.ndarray,
    work: np.ndarray,
    passed: float,
    tolerance: float,
    most: int,
) -> bool:
    """Iterate a block of triggers; True if it converged.

    `work`: starting values of h and Λ h, ones, and three arrays of any content, (N, B) each.
    """
    h, x, one, c, w, last = work
    own = nodes, np.arange(len(nodes))
    c[:], w[:] = 0.0, 1.0
    c[own], w[own] = np.inf, passed
    state, leaps = np.empty((9, len(nodes))), np.zeros(len(nodes), np.int64)
    s = system
    arrays = s.ptr, s.sp, s.si, s.sd, c, one, w, one[:, 0], h, x
    for done in range(0, most, SWEEPS):
        loops.climb_block(*arrays, last, state, leaps, tolerance, min(SWEEPS, most - done))
        if state[3].max() <= tolerance:
            return True
    return False
