"""Linear algebra of nonnegative matrices, shared by the measures of network structure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csc_array, csr_array, diags_array, eye_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from ..errors import expect
from ..kernels.linear import Solver
from ..network.exposure_network import ExposureNetwork

DENSE = 50  # nodes up to which LAPACK is faster than sparse iterations
RESTARTS = 100  # of ARPACK, which does not converge if several eigenvalues have the largest modulus
TIE = 1e-10  # relative difference below which two eigenvalues count as equal


def claim_matrix(network: ExposureNetwork) -> csr_array:
    """`X[i, j]` = claims of i on j, shape (n, n); parallel claims added, no explicit zeros."""
    expect(network=network)
    owed = network.liabilities.T.tocoo()
    some = owed.data > 0
    pairs = (owed.row[some], owed.col[some])
    return csr_array((owed.data[some], pairs), shape=owed.shape)


def links(matrix: csr_array) -> csr_array:
    """The same sparsity pattern, with 1 for every amount."""
    ones = np.ones(len(matrix.data))
    return csr_array((ones, matrix.indices, matrix.indptr), shape=matrix.shape)


def strong_components(matrix: csr_array) -> np.ndarray:
    """(n,) label of the strongly connected component of each node."""
    return np.asarray(connected_components(matrix, directed=True, connection="strong")[1])


def perron_root(matrix: csr_array) -> float:
    """Largest eigenvalue of a nonnegative matrix (spectral radius); exactly 0 without a cycle.

    It is the largest over the strongly connected components, each with a simple Perron root.

    >>> round(perron_root(csr_array(np.array([[0.0, 4.0], [1.0, 0.0]]))), 9)
    2.0
    """
    return max((root for root, _, _ in _parts(matrix)), default=0.0)


def perron_vector(matrix: csr_array) -> tuple[np.ndarray, str]:
    """The nonnegative x with `matrix @ x = r x`, sum 1, and the reason if there is none (or "").

    It is exactly 0 for nodes without a path to the component with the largest eigenvalue r.

    >>> perron_vector(csr_array(np.array([[0.0, 4.0], [1.0, 0.0]])))[0].round(6).tolist()
    [0.666667, 0.333333]
    """
    n = matrix.shape[0]
    parts = list(_parts(matrix))
    if not parts:
        return np.full(n, np.nan), "no cycle of claims: the largest eigenvalue is 0"
    top = max(root for root, _, _ in parts)
    best = [part for part in parts if part[0] >= top * (1 - TIE)]
    if len(best) > 1:
        why = "several components of the network have the same largest eigenvalue"
        return np.full(n, np.nan), why
    root, members, inside = best[0]
    x = np.zeros(n)
    x[members] = inside
    back = breadth_first_order(matrix.T.tocsr(), members[0], return_predecessors=False)
    upstream = np.setdiff1d(back, members)
    if len(upstream):
        rows = matrix[upstream]
        x[upstream] = Solver(csr_array(rows[:, upstream] / root)).answer(rows @ x / root)
    return x / x.sum(), ""


def _parts(matrix: csr_array) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """(root, members, vector) of every strongly connected component with a cycle."""
    label = strong_components(matrix)
    sizes = np.bincount(label)
    order = np.argsort(label, kind="stable")
    ends = np.cumsum(sizes)
    for k in np.flatnonzero(sizes > 1):
        members = order[ends[k] - sizes[k] : ends[k]]
        root, vector = _irreducible(matrix[members][:, members])
        yield root, members, vector


def _irreducible(block: csr_array) -> tuple[float, np.ndarray]:
    """Perron root and vector (sum 1) of a strongly connected matrix."""
    from scipy.sparse.linalg import ArpackNoConvergence, eigs

    scale = float(block.data.max())
    block = csr_array(block / scale)
    n = block.shape[0]
    if n <= DENSE:
        values, vectors = np.linalg.eig(block.toarray())
    else:
        try:
            values, vectors = eigs(block, k=1, which="LR", v0=np.ones(n), tol=0, maxiter=RESTARTS)
        except ArpackNoConvergence:
            return _noda(block, scale)
    at = int(np.argmax(values.real))
    root, vector = float(values[at].real), vectors[:, at].real
    vector = vector / vector.sum()
    off = np.abs(block @ vector - root * vector).max()
    if off > 1e-11 * max(root, 1e-300) * vector.max() or vector.min() < -1e-12:
        return _noda(block, scale)
    return root * scale, np.maximum(vector, 0.0)


def _noda(block: csr_array, scale: float) -> tuple[float, np.ndarray]:
    """After Noda (1971): inverse iteration from above, if the faster solvers do not converge."""
    from scipy.sparse.linalg import splu

    x = np.full(block.shape[0], 1.0 / block.shape[0])
    above = np.inf
    while True:
        ratio = (block @ x) / x
        now = float(ratio.max())
        if now - ratio.min() <= 1e-13 * now or now >= above:
            return now * scale, x
        above = now
        shifted = csc_array(eye_array(len(x)) * (now * (1 + 1e-15)) - block)
        try:
            x = splu(shifted).solve(x)
        except RuntimeError:  # exactly singular: x is the vector already
            return now * scale, x
        x = np.abs(x) / np.abs(x).sum()


def power_terms(matrix: csr_array, start: np.ndarray) -> Iterator[np.ndarray]:
    """`matrix^k @ start / k!` for k = 1, 2, ... until no entry of the sum changes."""
    total, term, k = start.copy(), start, 0
    with np.errstate(over="ignore"):
        while True:
            k += 1
            term = (matrix @ term) / k
            total += term
            yield term
            if not (term > 1e-17 * total).any():
                return


def exponential(matrix: csr_array, start: np.ndarray) -> np.ndarray:
    """`exp(matrix) @ start` by its series; all terms are nonnegative, so there is no cancellation.

    Infinite if the sum overflows.

    >>> exponential(csr_array(np.array([[0.0, 2.0], [0.0, 0.0]])), np.ones(2)).tolist()
    [3.0, 1.0]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(sum(power_terms(matrix, start), start))


def row_shares(matrix: csr_array) -> csr_array:
    """The rows divided by their sums; empty rows stay empty."""
    sums = matrix.sum(axis=1)
    return csr_array(diags_array(1.0 / np.where(sums > 0, sums, 1.0)) @ matrix)
