"""Closed groups of debtors: losses circulate inside the group and none leaves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from . import climb as loops
from .linear import solved_or_none
from .segment_system import System

DENSE = 300  # segments up to which elimination without subtractions is used


@dataclass(frozen=True)
class Group:
    """nodes (k,), and rows: their segments that move next, with the p of these segments."""

    nodes: np.ndarray
    rows: np.ndarray
    p: np.ndarray

    def invariant(self, system: System) -> np.ndarray:
        """The change of each row in a cycle of losses that reproduces itself, > 0.

        π = π P with P the losses of other members per unit lost by one; rows move by p π.
        """
        k = len(self.nodes)
        place = np.searchsorted(self.nodes, system.owner[self.rows])
        onto = csr_array((self.p, (place, np.arange(len(place)))), shape=(k, len(place)))
        passes = onto @ system.matrix[self.rows][:, self.nodes]
        if k <= DENSE:
            found = stationary(passes.toarray())
        else:  # fix one member and solve for the others; regular for a closed group
            rest = np.arange(1, k)
            tail = solved_or_none(
                csr_array(passes[rest][:, rest].T), passes[[0]][:, rest].toarray()[0]
            )
            found = _powers(passes) if tail is None else np.append(1.0, tail)
        return np.asarray(self.p * (found / found.max())[place])


def closed_groups(system: System, p: np.ndarray, moves: np.ndarray) -> list[Group]:
    """The closed groups of nodes whose segments move, `moves` (S,).

    Found from the graph, not from numbers: every member passes on all its losses, to members only.
    """
    n = system.n
    if not moves.any():
        return []
    alive = np.empty(n, bool)
    work = np.empty(n + 1, np.int64), np.empty(len(system.sd), np.uint32), np.empty(n, np.int64)
    if not loops.tight(system.ptr, system.sp, system.si, p, system.inside, moves, alive, *work):
        return []
    rows = np.flatnonzero(moves & alive[system.owner])
    edges = system.matrix[rows].tocoo()
    source, target = system.owner[rows[edges.row]], edges.col
    from scipy.sparse.csgraph import connected_components

    graph = csr_array((np.ones(len(source), np.int8), (source, target)), shape=(n, n))
    count, label = connected_components(graph, connection="strong")
    last = np.zeros(count, bool)
    last[label[alive]] = True
    last[label[source][label[source] != label[target]]] = False
    order = rows[np.argsort(label[system.owner[rows]], kind="stable")]
    of = label[system.owner[order]]
    parts = np.split(order, np.flatnonzero(np.diff(of)) + 1)
    closed = (part for part in parts if last[label[system.owner[part[0]]]])
    return [Group(np.unique(system.owner[part]), part, p[part]) for part in closed]


def stationary(passes: np.ndarray) -> np.ndarray:
    """The invariant vector of an irreducible matrix with row sums 1, by elimination.

    After Grassmann, Taksar and Heyman (1985): no subtractions, so every entry is accurate to
    rounding error.

    >>> stationary(np.array([[0.0, 1.0], [0.5, 0.5]])).tolist()
    [0.5, 1.0]
    """
    a, k = passes.copy(), len(passes)
    for m in range(k - 1, 0, -1):
        a[:m, m] /= a[m, :m].sum()
        a[:m, :m] += np.outer(a[:m, m], a[m, :m])
    out = np.zeros(k)
    out[0] = 1.0
    for m in range(1, k):
        out[m] = out[:m] @ a[:m, m]
    return np.asarray(out / out.max())


def _powers(passes: csr_array) -> np.ndarray:
    """The invariant vector by damped powers, for groups too large to be factored."""
    turned = passes.T.tocsr()
    out = np.ones(passes.shape[0])
    for _ in range(10_000):
        new = 0.5 * (out + turned @ out)
        new /= new.max()
        if np.abs(new - out).max() <= 1e-15:
            return np.asarray(new)
        out = new
    return np.asarray(out)
