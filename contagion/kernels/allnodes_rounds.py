"""The plain way, for triggers where the algebra does not hold: sweeps over blocks of scenarios."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from . import climb_blocks as loops
from .segment_system import System

SWEEPS = 100  # after which it is enough that nothing moves by more than the tolerance


def rounds(
    influence: csr_array,
    nodes: np.ndarray,
    passed: float,
    tolerance: float,
    most: int,
) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
    """`h = min(1, Λ h)`, the trigger held at `passed`, until h moves by at most `tolerance`.

    Sweeps of the engine, node by node and with jumps, see :func:`climb_blocks.climb_block`.
    The map is concave and monotone, so on the nodes that a trigger reaches there is one fixed
    point, and every start that is zero on all others leads to it. Triggers that reach each other
    reach the same nodes: the largest group of such starts from what the first of them does.

    Yields
    ------
    nodes (B,), h (N, B) and whether it stands still, block by block.

    Example
    -------
    >>> ring = csr_array(np.array([[0.0, 0.5], [4.0, 0.0]]))
    >>> [h.tolist() for _, h, _ in rounds(ring, np.array([0, 1]), 1.0, 1e-12, 100)]
    [[[1.0, 0.5], [1.0, 1.0]]]
    """
    from scipy.sparse.csgraph import connected_components

    size = influence.shape[0]
    system = System.of(np.arange(size), csr_array(influence.T))
    block = int(np.clip(2**18 // max(size, 1), 16, 128))
    _, part = connected_components(influence, connection="strong")
    largest = np.bincount(part[nodes]).argmax() if len(nodes) else 0
    alike = part[nodes] == largest
    for group in (nodes[~alike], nodes[alike]):
        start = np.zeros(size)
        for first in range(0, len(group), block):
            here = group[first : first + block]
            h = np.repeat(start[:, None], len(here), axis=1)
            still = _climb(system, here, h, passed, tolerance, most)
            if alike.any() and part[here[0]] == largest and not first:
                start = h[:, 0]
            yield here, h, still


def _climb(
    system: System, nodes: np.ndarray, h: np.ndarray, passed: float, tolerance: float, most: int
) -> bool:
    """A block of triggers, h (N, B) from where it stands; does it stand still at the end?"""
    own = nodes, np.arange(len(nodes))
    c, w, x = np.zeros(h.shape), np.ones(h.shape), np.empty(h.shape)
    c[own], w[own] = np.inf, passed
    one, state = np.ones(h.shape), np.empty((9, h.shape[1]))
    last, leaps = np.zeros(h.shape), np.zeros(h.shape[1], np.int64)
    s = system
    loops.push_block(s.sp, s.si, s.sd, h, x)
    arrays = s.ptr, s.sp, s.si, s.sd, c, one, w, one[:, 0], h, x
    for done in range(0, most, SWEEPS):
        loops.climb_block(*arrays, last, state, leaps, tolerance, min(SWEEPS, most - done))
        if state[3].max() <= tolerance:
            return True
    return False
