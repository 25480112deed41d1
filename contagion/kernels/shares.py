"""Shares of claims in every segment: a sparse matrix, in two factors where runs are long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import block_diag, csc_array, csr_array, vstack


@dataclass(frozen=True)
class Shares:
    """The shares `σ = direct + picks @ bundles`, shape (S, m): share of claim k in segment s.

    Rules such as `loss_k = min(claim_k, λ weight_k)` need one segment per breakpoint, and every
    segment is shared by all claims that are not exhausted yet: K claims, K²/2 entries. `bundles`
    are blocks of 2, 4, 8 ... neighbouring claims, `picks` builds every run of claims from at most
    log K blocks: K log K entries, the same σ.

    Attributes
    ----------
    direct : CSR (S, m).
    picks : CSR (S, M) or None.
    bundles : CSR (M, m) or None.
    """

    direct: csr_array
    picks: csr_array | None = None
    bundles: csr_array | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(S, m)."""
        rows, columns = self.direct.shape
        return rows, columns

    @property
    def nnz(self) -> int:
        """Stored entries: the work of one :meth:`spread`."""
        if self.picks is None or self.bundles is None:
            return int(self.direct.nnz)
        return int(self.direct.nnz + self.picks.nnz + self.bundles.nnz)

    @cached_property
    def _turned(self) -> csc_array:
        return self.direct.T

    def spread(self, money: np.ndarray) -> np.ndarray:
        """Distribute money on segments (S,) or (S, B) to claims (m,) or (m, B): `σᵀ money`.

        >>> Shares(csr_array([[0.25, 0.75]])).spread(np.array([8.0]))
        array([2., 6.])
        """
        out = np.asarray(self._turned @ money)
        if self.picks is not None and self.bundles is not None:
            out += self.bundles.T @ (self.picks.T @ money)
        return out

    def take(self, rows: np.ndarray) -> Shares:
        """The shares of some segments."""
        picks = None if self.picks is None else self.picks[rows]
        return Shares(self.direct[rows], picks, self.bundles)

    def explicit(self, rows: np.ndarray | None = None) -> csr_array:
        """σ as one matrix, for some segments or all; large if many claims share a segment."""
        part = self if rows is None else self.take(rows)
        if part.picks is None or part.bundles is None:
            return part.direct
        return csr_array(part.direct + part.picks @ part.bundles)

    def totals(self) -> np.ndarray:
        """(S,) the row sums of σ."""
        out = np.asarray(self.direct.sum(axis=1)).ravel()
        if self.picks is not None and self.bundles is not None:
            out = out + self.picks @ np.asarray(self.bundles.sum(axis=1)).ravel()
        return out

    def onto(self, target: np.ndarray, n: int) -> Shares:
        """Renumber columns: claim k becomes column `target[k]` of n, and is dropped if -1.

        >>> Shares(csr_array([[0.25, 0.75]])).onto(np.array([1, 1]), 2).direct.toarray()
        array([[0., 1.]])
        """
        bundles = None if self.bundles is None else _renamed(self.bundles, target, n)
        return Shares(_renamed(self.direct, target, n), self.picks, bundles)


def stack(parts: Sequence[Shares], m: int) -> Shares:
    """The segments of several shares, one after the other; all have m columns."""
    if not parts:
        return Shares(csr_array((0, m)))
    direct = vstack([part.direct for part in parts], format="csr")
    if all(part.picks is None for part in parts):
        return Shares(csr_array(direct))
    picks = block_diag(
        [csr_array((part.shape[0], 0)) if part.picks is None else part.picks for part in parts],
        format="csr",
    )
    bundles = vstack([part.bundles for part in parts if part.bundles is not None], format="csr")
    return Shares(csr_array(direct), csr_array(picks), csr_array(bundles))


def runs(first: np.ndarray, base: np.ndarray, weight: np.ndarray) -> tuple[Shares, np.ndarray]:
    """Segments that go to runs of neighbouring claims, in proportion to weights.

    Segment j goes to the claims `first[j]` to the end of their group. Counted from that end, a
    run of length ℓ is the union of one block for every binary digit of ℓ.

    Parameters
    ----------
    first : (S,) first claim of each run.
    base : (m,) for every claim the end of its group (the first claim that is not in it).
    weight : (m,) weights > 0.

    Returns
    -------
    Shares (S, m) with rows that sum to one, and the sum of the weights of every run (S,).

    Example
    -------
    Claims with weights 1, 2, 1; runs of all three, of the last two and of the last:

    >>> shares, total = runs(np.arange(3), np.full(3, 3), np.array([1.0, 2.0, 1.0]))
    >>> shares.explicit().toarray().round(3).tolist()
    [[0.25, 0.5, 0.25], [0.0, 0.667, 0.333], [0.0, 0.0, 1.0]]
    >>> total
    array([4., 3., 1.])
    """
    m, end = len(weight), base[first]
    length, back = end - first, base - 1 - np.arange(m)
    rows, keys, members, owners = [], [], [], []
    for level in range(int(length.max(initial=0)).bit_length()):
        has = np.flatnonzero((length >> level) & 1)
        start = (length[has] >> (level + 1)) << (level + 1)
        rows.append(has)
        keys.append(level * np.int64(m + 1) + end[has] - start)
        even = np.flatnonzero(((back >> level) & 1) == 0)
        members.append(even)
        owners.append(level * np.int64(m + 1) + base[even] - ((back[even] >> level) << level))
    empty = np.zeros(0, np.int64)
    key = np.concatenate([*keys, empty])
    known, column = np.unique(key, return_inverse=True)
    member, owner = np.concatenate([*members, empty]), np.concatenate([*owners, empty])
    at = np.minimum(np.searchsorted(known, owner), max(len(known) - 1, 0))
    used = known[at] == owner if len(known) else np.zeros(len(owner), bool)
    pairs = (at[used], member[used])
    size = np.bincount(pairs[0], weight[pairs[1]], len(known))
    bundles = csr_array((weight[pairs[1]] / size[pairs[0]], pairs), shape=(len(known), m))
    row = np.concatenate([*rows, empty])
    total = np.bincount(row, size[column], len(first))
    picks = csr_array((size[column] / total[row], (row, column)), shape=(len(first), len(known)))
    return Shares(csr_array((len(first), m)), picks, bundles), total


def _renamed(matrix: csr_array, target: np.ndarray, n: int) -> csr_array:
    column = target[matrix.indices]
    kept = column >= 0
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))[kept]
    return csr_array((matrix.data[kept], (rows, column[kept])), shape=(matrix.shape[0], n))
