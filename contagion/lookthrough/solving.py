"""Sparse solution of `(I − W) x = b` and of its transpose, for many right-hand sides."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import SuperLU

from ..kernels.krylov import bicgstab
from . import loops

DIRECT = 1_000  # members of the largest loop up to which a factorization stays sparse
ACCURACY = 1e-12  # of the right-hand side, in the sum of absolute values


class Solver:
    """`(I − W)^-1` as a function, never as a matrix.

    Debtors come before creditors and the members of a loop side by side, so that the matrix is
    block triangular and its factors stay sparse. Where one loop has more than 1,000 members they
    might not; then BiCGSTAB, refined until the residual is below 1e-12 of the right-hand side
    (which bounds what is lost of the money). Where that does not get there, in long rings, say,
    that mix slowly, factors again, which then stay sparse in another order.

    Parameters
    ----------
    shares : `W`, CSR (n, n), not negative, columns sum to at most 1, no closed set of nodes.

    Example
    -------
    >>> half = csr_array([[0.0, 0.5], [0.5, 0.0]])
    >>> Solver(half)(np.ones((2, 1))).ravel()
    array([2., 2.])
    """

    def __init__(self, shares: csr_array):
        self.shares = shares
        self._transposed = shares.T.tocsr()
        self._factors: SuperLU | None = None
        edges = shares.tocoo()
        creditor, debtor = edges.coords
        n = shares.shape[0]
        self.label = loops.components(n, creditor, debtor)
        below, _ = loops.chains(n, self.label, creditor, debtor)
        self.order = np.lexsort((self.label, below))
        self.direct = int(np.bincount(self.label, minlength=1).max()) <= DIRECT

    def __call__(self, rhs: np.ndarray, transposed: bool = False) -> np.ndarray:
        """Solve for `rhs` (n, B); `transposed` solves `(I − Wᵀ) x = rhs`."""
        if not len(rhs):
            return rhs.copy()
        if not self.direct:
            solution = self._iterate(rhs, self._transposed if transposed else self.shares)
            if solution is not None:
                return solution
        return self._factorized(rhs, transposed)

    def _factorized(self, rhs: np.ndarray, transposed: bool) -> np.ndarray:
        if self._factors is None:
            matrix = (eye_array(len(rhs), format="csr") - self.shares).tocsr()
            ordered = matrix[self.order][:, self.order].tocsc()
            self._factors = loops.factorized(ordered, "NATURAL" if self.direct else "MMD_AT_PLUS_A")
        x = np.empty_like(rhs, dtype=float)
        solve: Any = self._factors.solve  # the stubs do not know trans
        ordered_rhs = np.ascontiguousarray(rhs[self.order], float)
        x[self.order] = solve(ordered_rhs, "T" if transposed else "N")
        return x

    def _iterate(self, rhs: np.ndarray, matrix: csr_array) -> np.ndarray | None:
        x = np.zeros_like(rhs, dtype=float)
        size = np.abs(rhs).sum(axis=0)
        residual = np.asarray(rhs, float)
        for _ in range(20):
            step, _ = bicgstab(lambda y: matrix @ y, residual, 1e-9, most=200)
            x = x + np.where(np.isfinite(step), step, 0.0)
            residual = rhs - x + matrix @ x
            if (np.abs(residual).sum(axis=0) <= ACCURACY * size).all():
                return np.asarray(np.maximum(x, 0.0))
        return None
