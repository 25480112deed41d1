"""Contingent claims: what a guarantor owes is as large as the loss that it covers.

A call q of a guarantor is due as far as segments of another node are short,

    call_q = Σ_s trigger_sq y_s

and what the guarantor leaves of it falls on the beneficiary. With `x` the shortfall of the
guarantor including its calls, calls of junior rank lose first, `clip(x, 0, Σ call)`; those that
rank pari passu lose the same part as the one segment of the guarantor; senior ones lose after all
its debts. The map stays monotone, so plain rounds from nothing unpaid reach the greatest payments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .iteration import Problem
from .shares import Shares

SENIOR, PARI_PASSU, JUNIOR = 0, 1, 2
EXTRA = 1e-2


@dataclass(frozen=True)
class Calls:
    """Q contingent claims.

    Attributes
    ----------
    guarantor, debtor, beneficiary : (Q,) nodes; the beneficiary is the debtor itself for support
        that is paid into it, otherwise the creditor whose loss is covered.
    cap : (Q,) the most that can be called, money.
    ranking : (Q,) SENIOR, PARI_PASSU or JUNIOR.
    trigger : (S, Q) part of what stays unpaid of a segment that is called.
    face : (Q,) claims of the creditor on the debtor, money; 0 for support.
    """

    guarantor: np.ndarray
    debtor: np.ndarray
    beneficiary: np.ndarray
    cap: np.ndarray
    ranking: np.ndarray
    trigger: Shares
    face: np.ndarray

    @property
    def support(self) -> np.ndarray:
        """(Q,) bool: paid into the debtor."""
        return np.asarray(self.beneficiary == self.debtor)


class Called(Problem):
    """A batch of clearing problems with contingent claims.

    `y` has the segments first and then what guarantors leave unpaid of their calls, (S + Q, B).
    A node that is supported holds its undrawn support as an asset and owes it to the guarantors
    as segments of its ladder, so that one ladder decides what is called when.
    """

    def __init__(self, segments: Any, external: np.ndarray, claims: np.ndarray, *rest: Any):
        calls: Calls = segments.calls
        n, support = len(segments.due), calls.support
        self.calls = calls
        self.committed = _column(calls.beneficiary, np.where(support, calls.cap, 0.0), n)
        super().__init__(segments, external, claims + self.committed, *rest)
        self.eased = self.eased | (self.committed[:, 0] > 0)
        q = np.arange(len(calls.cap))
        ones = np.ones(len(q))

        def nodes(at: np.ndarray, where: np.ndarray) -> csr_array:
            return csr_array((ones[where], (at[where], q[where])), shape=(n, len(q)))

        every = np.ones(len(q), bool)
        self.of_guarantor = nodes(calls.guarantor, every)
        self.to_beneficiary = nodes(calls.beneficiary, every)
        self.supported = nodes(calls.beneficiary, support)
        self.ranked = [nodes(calls.guarantor, calls.ranking == rank) for rank in range(3)]
        self.due = segments.due[:, None]
        self.call = np.zeros((len(q), external.shape[1]))
        self.extra = self._pinned_cover()
        rows = np.full(n, -1)
        rows[segments.owner] = np.arange(len(segments.owner))
        self.slot = rows  # the one segment of a guarantor whose calls rank pari passu
        self.drawn = np.flatnonzero(segments.shares.totals() > segments.inside + 1e-12)

    def _pinned_cover(self) -> np.ndarray:
        """(Q, B) covers of a debtor that is pinned: the first loss is covered, not a part of each.

        A pinned debtor loses the same part of every segment; the ladder then calls that part of
        the cover, and this is what is missing to `min(cap, loss of the creditor)`.
        """
        calls = self.calls
        lost = np.where(self.stuck, 1.0 - self.pin, 0.0)[calls.debtor]
        key = calls.debtor * np.int64(len(self.segments.due)) + calls.beneficiary
        _, at = np.unique(key, return_inverse=True)
        total = np.bincount(at, calls.cap)[at]
        part = (calls.cap / np.where(total > 0, total, 1.0))[:, None]
        cap, face = total[:, None], calls.face[:, None]
        missing = np.minimum(cap, lost * face) - lost * np.minimum(cap, face)
        return np.where(calls.support[:, None], 0.0, part * missing)

    # -- the map ----------------------------------------------------------------------------

    def activate(self, rows: np.ndarray | None) -> None:
        """All segments take part; the calls follow them."""
        s = len(self.segments.owner)
        tail = np.zeros_like(self.call)
        if hasattr(self, "y"):
            tail, self.y = self.y[s:], self.y[:s]
        super().activate(None)
        self.ladder_width = self.width
        self.width = np.vstack([self.width, self.calls.cap[:, None]])
        self.scale = np.vstack([self.scale, self.inverse[self.calls.guarantor]])
        if self.any_stuck:
            self.still[self.drawn] = 0.0  # a pinned recovery says what creditors get: no support
        if hasattr(self, "y"):
            self.y = np.vstack([self.y, tail])

    def push(self, y: np.ndarray) -> np.ndarray:
        """What every node loses: on claims, by calls, and on calls that are not met."""
        s = len(self.segments.owner)
        self.call = self.calls.trigger.spread(y[:s]) + self.extra
        lost = super().push(y[:s]) + self.to_beneficiary @ y[s:]
        if self.extra.any():
            lost += self.of_guarantor @ self.extra - self.to_beneficiary @ self.extra
        return np.asarray(lost)

    def step(self) -> np.ndarray:
        """One round: what stays unpaid of the segments, and of the calls."""
        senior, equal, junior = (at @ self.call for at in self.ranked)
        short = self.lost - self.assets + self.due
        if self.default is not None:
            short = np.where(self.default | self.eased[:, None], short, -np.inf)
        y = np.clip((self.lost - junior)[self.owner] + self.constant, 0.0, self.ladder_width)
        beyond = short - junior
        width = np.where(self.slot >= 0, self.segments.width[self.slot], 0.0)[:, None]
        room = width + equal
        part = np.clip(beyond, 0.0, room) / np.where(room > 0, room, 1.0)
        at = np.flatnonzero((equal > 0).any(axis=1) & (self.slot >= 0))
        y[self.slot[at]] = np.where(equal[at] > 0, part[at] * width[at], y[self.slot[at]])
        if self.any_stuck:
            np.copyto(y, self.still, where=self.fixed)
        late = np.clip(beyond - equal - self.due, 0.0, senior)
        late /= np.where(senior > 0, senior, 1.0)
        early = np.clip(short, 0.0, junior) / np.where(junior > 0, junior, 1.0)
        rate = np.stack([late, part, early])[self.calls.ranking, self.calls.guarantor]
        stuck = self.stuck[self.calls.guarantor]
        rate = np.where(stuck, 1.0 - self.pin[self.calls.guarantor], rate)
        return np.vstack([y, rate * self.call])

    def iterate(
        self,
        tolerance: float,
        most: int,
        *,
        accelerate: bool = True,
        each: Callable[[], None] = lambda: None,
    ) -> None:
        """Plain rounds: the ranking of a call is a ratio, for which no linear solve stands.

        A call follows its trigger by one round, so they go on for two digits more.
        """
        super().iterate(EXTRA * tolerance, most, accelerate=False, each=each)

    # -- what comes out ---------------------------------------------------------------------

    def funds(self, lost: np.ndarray | float) -> np.ndarray:
        """(n, B) assets, claims and support received, less losses and calls."""
        lost = np.broadcast_to(lost, self.assets.shape)
        if not (self.committed > 0).any():
            return np.asarray(self.assets - lost)
        y = np.clip(
            lost[self.segments.owner] - self.assets[self.segments.owner] + self.end, 0, None
        )
        y = np.minimum(y, self.segments.width[:, None])
        if self.any_stuck:
            stuck = self.stuck[self.segments.owner]
            y = np.where(stuck, 0.0, y)
        received = self.supported @ self.calls.trigger.spread(y)
        return np.asarray(self.assets - self.committed + received - lost)

    def insolvent(self, lost: np.ndarray | float) -> np.ndarray:
        return np.asarray((self.funds(lost) < self.limit) & ~self.stuck)

    def unpaid(self) -> np.ndarray:
        return self.y[: len(self.segments.owner)]

    def unmet(self) -> np.ndarray:
        """(Q, B) what guarantors leave of their calls."""
        return self.y[len(self.segments.owner) :]


def _column(at: np.ndarray, money: np.ndarray, n: int) -> np.ndarray:
    return np.bincount(at, money, n)[:, None]
