"""Segment systems in the form used by compiled loops."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from .shares import Shares


@dataclass(frozen=True)
class System:
    """S segments of n nodes, as arrays for the compiled loops.

    owner (S,), ascending; ptr (n + 1,) the segments of each node; sp (S + 1,), si, sd the shares by
    segment (CSR, no zeros); bundles (M,) the largest amount that can pass through each bundle of
    claims; bundles are the last M segments and nodes.
    """

    owner: np.ndarray
    ptr: np.ndarray
    sp: np.ndarray
    si: np.ndarray
    sd: np.ndarray
    bundles: np.ndarray = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, owner: np.ndarray, shares: csr_array) -> System:
        """Build from the owner of each segment and a matrix (S, n)."""
        if (shares.data == 0).any():
            shares = shares.copy()
            shares.eliminate_zeros()
        n = shares.shape[1]
        ptr = np.zeros(n + 1, np.uint32)
        np.cumsum(np.bincount(owner, minlength=n), out=ptr[1:])
        return cls(
            owner.astype(np.int64),
            ptr,
            shares.indptr.astype(np.uint32 if shares.nnz < 2**32 else np.int64),
            shares.indices.astype(np.uint32),  # signed indices need a check each, also pointers
            np.ascontiguousarray(shares.data, float),
        )

    @property
    def n(self) -> int:
        return len(self.ptr) - 1

    @cached_property
    def inside(self) -> np.ndarray:
        """(S,) share of each segment that is passed on to nodes."""
        total = np.add.reduceat(np.append(self.sd, 0.0), np.minimum(self.sp[:-1], len(self.sd)))
        return np.where(np.diff(self.sp) > 0, total, 0.0)

    @cached_property
    def amplifies(self) -> bool:
        """True if a segment passes on more than it loses."""
        return bool(self.inside.max(initial=0.0) > 1 + 1e-9)

    @cached_property
    def matrix(self) -> csr_array:
        """The shares, CSR (S, n)."""
        return csr_array((self.sd, self.si.astype(np.int64), self.sp), (len(self.owner), self.n))

    def matters(self, unit: np.ndarray) -> np.ndarray:
        """(S,) effect of one unpaid unit of a segment, relative to balance sheets.

        The largest ratio to the balance sheet of its owner or of a creditor; unit (n,) are the
        balance sheets.
        """
        known = self.__dict__.get("_matters")
        if known is None or not np.array_equal(known[0], unit):
            part = np.append(self.sd / unit[self.si], 0.0)
            first = np.minimum(self.sp[:-1], len(self.sd))
            others = np.where(np.diff(self.sp) > 0, np.maximum.reduceat(part, first), 0.0)
            known = unit, np.maximum(others, 1.0 / unit[self.owner])
            self.__dict__["_matters"] = known
        return np.asarray(known[1])

    def cut(self, rows: np.ndarray, p: np.ndarray) -> csr_array:
        """A restricted to some segments: effect of one unpaid unit of a segment on another."""
        inner = self.matrix[rows][:, self.owner[rows]].T.tocsr()
        weight = p[rows]
        if (weight != 1).any():
            inner.data *= np.repeat(weight, np.diff(inner.indptr))
        return csr_array(inner)

    @classmethod
    def of_shares(cls, owner: np.ndarray, width: np.ndarray, shares: Shares) -> System:
        """Build from shares in one or two factors; bundles become nodes that pass on everything.

        Their segments follow those of the rules and their nodes those of the network.
        """
        if shares.picks is None or shares.bundles is None:
            return cls.of(owner, shares.direct)
        n, extra = shares.shape[1], shares.bundles.shape[0]
        first = hstack([shares.direct, shares.picks], format="csr")
        second = hstack([shares.bundles, csr_array((extra, extra))], format="csr")
        whole = cls.of(np.append(owner, n + np.arange(extra)), vstack([first, second], "csr"))
        return replace(whole, bundles=(1 + 1e-9) * (shares.picks.T @ width))
