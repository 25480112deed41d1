"""Loops of claims: strongly connected components, their gain, and the claims that close them."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, eye_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

SMALL = 64  # largest number of members for which eigenvalues use a dense matrix
BATCH = 10_000_000  # largest number of entries of dense matrices in one batch


def components(n: int, creditor: np.ndarray, debtor: np.ndarray) -> np.ndarray:
    """(n,) number of the strongly connected component of every node.

    >>> components(3, np.array([0, 1, 2]), np.array([1, 0, 0])).tolist() in ([0, 0, 1], [1, 1, 0])
    True
    """
    graph = csr_array((np.ones(len(creditor)), (creditor, debtor)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=True, connection="strong")[1])


def longest(n: int, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """(n,) number of edges on the longest path to each node; the graph must have no cycle.

    >>> longest(4, np.array([0, 1, 0]), np.array([1, 2, 2])).tolist()
    [0, 1, 2, 0]
    """
    graph = csr_array((np.ones(len(start)), (start, stop)), shape=(n, n))
    graph.sum_duplicates()
    left = np.bincount(graph.indices, minlength=n)
    level, front, at = np.zeros(n, np.int64), np.flatnonzero(left == 0), 0
    while len(front):
        level[front] = at
        counts = graph.indptr[front + 1] - graph.indptr[front]
        first = np.repeat(graph.indptr[front] - np.cumsum(counts) + counts, counts)
        heads, often = np.unique(graph.indices[first + np.arange(len(first))], return_counts=True)
        left[heads] -= often
        front, at = heads[left[heads] == 0], at + 1
    return level


def chains(
    n: int, label: np.ndarray, creditor: np.ndarray, debtor: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Length of the longest chain of claims below (n,) and above (n,) every node.

    Below: claims held by the node, claims held by their debtors, and so on; above: claims on the
    node, and so on. A loop counts as one node.
    """
    many = int(label.max(initial=-1)) + 1
    one, two = label[creditor], label[debtor]
    between = one != two
    one, two = one[between], two[between]
    return longest(many, two, one)[label], longest(many, one, two)[label]


def gains(shares: csr_array, label: np.ndarray) -> dict[int, float]:
    """Gain of every loop, {component: spectral radius of `W` among its members}, at most 1.

    A unit of assets that enters a loop counts repeatedly in the balance sheets of its members;
    the total is of order `1 / (1 − gain)`. In a ring of k nodes the gain is the k-th root of the
    product of the k shares. Small components use dense eigenvalues, in batches of equal size;
    large ones an iteration with a lower and an upper bound.

    >>> ring = csr_array([[0.0, 0.25], [1.0, 0.0]])
    >>> round(gains(ring, np.array([0, 0]))[0], 12)
    0.5
    """
    size = np.bincount(label)
    members = np.argsort(label, kind="stable")
    first = np.cumsum(size) - size
    place = np.empty(len(label), np.int64)
    place[members] = np.arange(len(label)) - first[label[members]]
    edges = shares.tocoo()
    row, column = edges.coords
    inside = (label[row] == label[column]) & (edges.data > 0)
    row, column, data = row[inside], column[inside], edges.data[inside]
    owner = label[row]
    found: dict[int, float] = {}
    for many in np.unique(size[size > 1]):
        group = np.flatnonzero(size == many)
        step = max(1, BATCH // int(many) ** 2) if many <= SMALL else 1
        for at in range(0, len(group), step):
            some = group[at : at + step]
            here = np.flatnonzero(np.isin(owner, some))
            block = np.searchsorted(some, owner[here])
            entry = (place[row[here]], place[column[here]], data[here])
            radius = _dense(len(some), int(many), block, *entry) if many <= SMALL else None
            radii = [_sparse(int(many), *entry)] if radius is None else radius
            found |= {int(k): min(float(r), 1.0) for k, r in zip(some, radii, strict=True)}
    return dict(sorted(found.items()))


def _dense(
    blocks: int, size: int, at: np.ndarray, row: np.ndarray, column: np.ndarray, data: np.ndarray
) -> np.ndarray:
    matrix = np.zeros((blocks, size, size))
    np.add.at(matrix, (at, row, column), data)
    return np.asarray(np.abs(np.linalg.eigvals(matrix)).max(axis=1))


def _sparse(size: int, row: np.ndarray, column: np.ndarray, data: np.ndarray) -> float:
    """The Perron root, between the bounds `min (Wx)_i/x_i` and `max (Wx)_i/x_i` of Collatz.

    Power iteration with `W + shift` is used first. If it is slow (a long ring), Noda's inverse
    iteration from above follows, which converges fast and has sparse factors in such cases.

    Source: Noda iteration (1971) as restated by Liu (2015), An inexact Noda iteration, arXiv
    1504.02197: `(max ratio · I − W) y = x`; the largest ratio converges quadratically to the root.
    """
    matrix = csr_array((data, (row, column)), shape=(size, size))
    x = np.ones(size)
    for step in range(1000 + 50):
        image = matrix @ x
        ratio = image / x
        low, high = float(ratio.min()), float(ratio.max())
        if high - low <= 1e-11 * high:
            break
        if step < 1000:
            x = image + high * x
        else:
            system = (eye_array(size, format="csc") * high - matrix.tocsc()).tocsc()
            try:  # the diagonal dominates: no pivoting is needed
                x = splu(
                    system,
                    permc_spec="MMD_AT_PLUS_A",
                    diag_pivot_thresh=0.0,
                    options={"SymmetricMode": True},
                ).solve(x)
            except RuntimeError:  # singular: the bound is the root
                break
        x /= x.max()
        if not (np.isfinite(x).all() and x.min() > 0):  # the vector underflows in long loops
            break
    return high


def back_claims(
    n: int, creditor: np.ndarray, debtor: np.ndarray, live: np.ndarray, rank: np.ndarray
) -> np.ndarray:
    """(m,) bool: claims whose removal leaves a graph without loops.

    In every loop the claims of the member with the lowest `rank` on the other members are removed.
    This is repeated for the remaining loops. In large components one member in 32 is treated in
    each pass. The result does not depend on the order of the rows.

    >>> one, two = np.array([0, 1]), np.array([1, 0])
    >>> back_claims(2, one, two, np.ones(2, bool), rank=np.array([0, 1])).tolist()
    [True, False]
    """
    cut: np.ndarray = live & (creditor == debtor)
    rows = np.flatnonzero(live & ~cut)
    while True:
        label = components(n, creditor[rows], debtor[rows])
        rows = rows[label[creditor[rows]] == label[debtor[rows]]]
        if not len(rows):
            return cut
        size = np.bincount(label)
        order = np.lexsort((rank, label))
        place = np.empty(n, np.int64)
        place[order] = np.arange(n) - (np.cumsum(size) - size)[label[order]]
        bottom = place < np.maximum(1, size // 32)[label]
        one, two = creditor[rows], debtor[rows]
        gone = bottom[one] & (place[one] < place[two])
        cut[rows[gone]] = True
        rows = rows[~gone]
