"""Temporary: (I - A) x = b."""
from __future__ import annotations
import numpy as np
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import LinearOperator, bicgstab, splu

def resolvent(matrix: csr_array, rhs: np.ndarray):
    k = len(rhs)
    if k <= 150:
        try:
            x = np.linalg.solve(np.eye(k) - matrix.toarray(), rhs)
        except np.linalg.LinAlgError:
            return None
    elif k <= 2000 or matrix.nnz <= 3 * k:
        try:
            x = splu((eye_array(k) - matrix).tocsc()).solve(rhs)
        except RuntimeError:
            return None
    else:
        op = LinearOperator((k, k), matvec=lambda v: v - matrix @ v)
        x, info = bicgstab(op, rhs, rtol=1e-13, maxiter=200)
        if info:
            return None
    return x if np.isfinite(x).all() else None
