"""The plain way, for triggers where the algebra does not hold: rounds on blocks of scenarios."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array


def rounds(
    influence: csr_array,
    nodes: np.ndarray,
    passed: float,
    tolerance: float,
    most: int,
) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
    """Rounds `h ← min(1, Λ h)`, the trigger held at `passed`, until h moves by at most `tolerance`.

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
    width = int(np.clip(2**18 // max(size, 1), 16, 128))
    _, part = connected_components(influence, connection="strong")
    largest = np.bincount(part[nodes]).argmax() if len(nodes) else 0
    alike = part[nodes] == largest
    for group in (nodes[~alike], nodes[alike]):
        start = np.zeros(size)
        for first in range(0, len(group), width):
            here = group[first : first + width]
            own = here, np.arange(len(here))
            h = np.repeat(start[:, None], len(here), axis=1)
            h[own] = passed
            still = False
            for _ in range(most):
                new = influence @ h
                np.minimum(new, 1.0, out=new)
                new[own] = passed
                h -= new
                still = bool(np.abs(h, out=h).max(initial=0.0) <= tolerance)
                h = new
                if still:
                    break
            if alike.any() and part[here[0]] == largest and not first:
                start = h[:, 0]
            yield here, h, still
