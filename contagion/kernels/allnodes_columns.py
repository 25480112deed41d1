"""Columns of `M = (I − Λ)⁻¹` in blocks, with an error bound.

Λ is nonnegative and sparse and its powers tend to 0. A column is computed by `Z ← Λ Z + e_k`; its
remainder is `M D` with `D = Λᵗ e_k`, the last change. After few rounds D is close to a multiple of
u, the eigenvector of the largest eigenvalue, for every trigger. In units of u, D is a constant α
plus a deviation,

    M D = α M1 + M (D − α1)        |M (D − α1)| ≤ max|D − α1| · M1

M1 is known beforehand. It gives the first part, and a bound on the second that falls at the rate of
the second eigenvalue instead of the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array, csr_array, diags_array

from .linear import Solver

POWERS = 100  # products to find the eigenvector
FAINT = 1e-6  # entries below this share of the largest entry of u are treated as zero
DENSE = 40  # with more two-step paths per entry, Λ² is not formed
MOST = 150  # maximum number of rounds of a column
SLACK = 4.0  # factor on rounding errors, which are weighted by M instead of M − I
SINGLE, DOUBLE = 2.0**-24, 2.0**-53  # rounding of one operation


@dataclass(frozen=True)
class Inverse:
    """Common data of all columns of `(I − Λ)⁻¹`. N nodes, those where u counts first.

    Attributes
    ----------
    place : (N,) row of every node.
    unit : (N,) by row, the entries of u.
    exact, rough : CSR (N, N), `Λ_jk unit_k / unit_j` in double and single precision.
    start : CSC (N, N), `Λ` or `Λ + Λ²` in the same units: the first rounds of all columns.
    core : number of rows where u counts.
    far : (N,) `M 1_core − 1_core`: remainder after a constant change in the core.
    rest : (N,) `M 1 − 1`, at least a fraction of `M 1`: largest remainder after a change of 1.
    sums : (N,) row sums of M by row, without units.
    noise : bound on the relative rounding error of a product, in single and double precision.
    """

    place: np.ndarray
    unit: np.ndarray
    exact: csr_array
    rough: csr_array
    start: csc_array
    core: int
    far: np.ndarray
    rest: np.ndarray
    sums: np.ndarray
    noise: tuple[float, float]


def inverse(influence: csr_array) -> Inverse | None:
    """Prepare the columns of `(I − Λ)⁻¹`; `None` if the powers of Λ do not tend to 0 fast enough.

    Example
    -------
    >>> inverse(csr_array(np.array([[0.0, 0.5], [0.5, 0.0]]))).sums
    array([2., 2.])
    >>> inverse(csr_array(np.array([[0.0, 2.0], [0.5, 0.0]])))
    """
    size = influence.shape[0]
    u = _direction(influence)
    strong = u > FAINT * u.max(initial=0.0)
    core = int(strong.sum())
    order = np.argsort(~strong, kind="stable")
    unit = np.where(strong, u, 0.1 * u[strong].mean() if core else 1.0)[order]
    into, out = diags_array(1.0 / unit), diags_array(unit)
    exact = csr_array(into @ influence[order][:, order] @ out)
    inside = np.arange(size) < core
    rhs = np.stack([inside.astype(float), np.ones(size), 1.0 / unit], axis=1)
    found, solved = Solver(exact)(rhs)
    if not solved.all():
        return None
    indegree, outdegree = np.diff(exact.indptr), np.bincount(exact.indices, minlength=size)
    listed = (indegree * outdegree).sum() <= DENSE * exact.nnz
    start = exact + exact @ exact if listed else exact
    place = np.empty(size, np.int64)
    place[order] = np.arange(size)
    terms = int(indegree.max(initial=0)) + 3
    return Inverse(
        place,
        unit,
        exact,
        exact.astype(np.float32),
        csc_array(start),
        core,
        found[:, 0] - inside,
        np.maximum(found[:, 1] - 1.0, found[:, 1] / SLACK),
        found[:, 2] * unit,
        (terms * SINGLE, terms * DOUBLE),
    )


def scaled_rows(whole: Inverse, weights: csr_array) -> csr_array:
    """Row k of weights (n, N) in the units used by :meth:`Block.along`."""
    order = np.argsort(whole.place)
    into = diags_array(1.0 / whole.unit[whole.place[: weights.shape[0]]])
    return csr_array(into @ weights[:, order] @ diags_array(whole.unit))


def _direction(influence: csr_array) -> np.ndarray:
    """The eigenvector of the largest eigenvalue, by power iteration; zero without cycles."""
    u: np.ndarray = np.ones(influence.shape[0])
    for _ in range(POWERS):
        new = influence @ u
        top = new.max(initial=0.0)
        if not top > 0:
            return np.asarray(new)
        new /= top
        moved = np.abs(new - u).max()
        u = new
        if moved <= 1e-9:
            break
    return u


class Block:
    """Some columns of M: current `value` (rows, B); `missing` (B,) bounds the last change.

    Column k is in the units of the rows and of k: `M_jk = unit_j / unit_k · entry`, with

        |entry − (value + level · far)| ≤ missing · rest
    """

    def __init__(self, whole: Inverse, nodes: np.ndarray):
        self.whole, self.nodes = whole, nodes
        self.own = whole.place[nodes], np.arange(len(nodes))
        part = whole.start[:, self.own[0]]
        self.value = np.zeros(part.shape, np.float32)
        self.value[part.indices, np.repeat(self.own[1], np.diff(part.indptr))] = part.data
        self.value[self.own] += 1
        self.level, self.missing = np.zeros(len(nodes)), np.full(len(nodes), np.inf)
        self.rounds = {np.dtype(np.float32): 0, np.dtype(np.float64): 0}

    def step(self) -> np.ndarray:
        """One round `Z ← Λ Z + e`; returns the largest entries of `Λ Z`, (B,)."""
        single = self.value.dtype == np.float32
        self.rounds[self.value.dtype] += 1
        self.value = (self.whole.rough if single else self.whole.exact) @ self.value
        top = self.value.max(axis=0)
        self.value[self.own] += 1
        return np.asarray(top, float)

    def until(self, limit: np.ndarray) -> None:
        """Iterate until `missing` (B,) is at most `limit`, or the maximum number of rounds."""
        while (self.missing > limit).any() and sum(self.rounds.values()) < MOST:
            change, core = self.value, self.whole.core
            double = int(change.dtype != np.float32)
            noise = self.whole.noise[double] * self.step()
            noise = SLACK * (noise + 2 * (SINGLE, DOUBLE)[double] * self.value[self.own])
            np.subtract(self.value, change, out=change)
            low, high, outer = (np.zeros(len(limit)) for _ in range(3))
            if core:
                low, high = (np.asarray(f(change[:core], 0), float) for f in (np.min, np.max))
            if core < len(change):
                outer = np.abs(change[core:]).max(axis=0)
            self.level = 0.5 * (low + high)
            spread = np.maximum(0.5 * (high - low), outer)
            self.missing = spread + noise
            open_ = self.missing > limit
            if not double and (spread < 4 * noise)[open_].all():
                self.value = self.value.astype(float)

    def rows(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows), B) entries of some rows."""
        return np.asarray(self.value[rows] + self.whole.far[rows, None] * self.level)

    def along(self, weights: csr_array, far: np.ndarray) -> np.ndarray:
        """(B,) sums `Σ_j w_kj M_jk`, row k of the weights with column k; far is `weights · far`."""
        column = np.repeat(self.own[1], np.diff(weights.indptr))
        terms = weights.data * self.value[weights.indices, column]
        return np.asarray(np.bincount(column, terms, len(far)) + self.level * far)


def columns(whole: Inverse, nodes: np.ndarray, limit: np.ndarray) -> Iterator[Block]:
    """The columns of some nodes in blocks that fit the processor cache, each to its `limit`.

    Every block first runs the number of rounds of the previous block without a check.
    """
    width = int(np.clip(2**19 // max(len(whole.place), 1), 32, 256))
    single, double = 0, 0
    for first in range(0, len(nodes), width):
        at = slice(first, first + width)
        block = Block(whole, nodes[at])
        for _ in range(single):
            block.step()
        if double:
            block.value = block.value.astype(float)
        for _ in range(double - 1):
            block.step()
        block.until(limit[at])
        yield block
        single, double = block.rounds.values()
        spare = bool((block.missing < 0.1 * limit[at]).all())
        if not double:
            single = max(single - 1 - spare, 0)
        elif double > 1:
            double -= spare
        else:
            single = max(single - spare, 0)
