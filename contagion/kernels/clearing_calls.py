"""The clearing problem with contingent claims: calls follow the losses of the debtors.

Support absorbs what its guarantors pay, see :mod:`levy`. A node that is short by x loses, in this
order: support without a layer; calls of junior rank, `clip(x, 0, Σ call)`; its segments, where
calls that rank pari passu lose the same part as its one pro rata tier; senior calls. The map is
monotone, so plain rounds from nothing unpaid reach the greatest payments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from .calls import JUNIOR, PARI_PASSU
from .iteration import Problem
from .ladder import within
from .levy import levied
from .segments import Segments


class Drawn(NamedTuple):
    """Support that is called: `called` (Q, B), `taken` (K, B) by layer, `received` (n, B).

    `missing` (n, B) counts the width of layers that are called less what they bring in, `first`
    the same of layers right after the equity.
    """

    called: np.ndarray
    taken: np.ndarray
    received: np.ndarray
    first: np.ndarray
    missing: np.ndarray


class Called(Problem):
    """A batch of clearing problems with contingent claims.

    `y` has the segments, then what guarantors leave unpaid of their calls, then the calls that
    are support, (S + 2 Q, B). A node that is supported holds its undrawn support as an asset and
    owes it as segments of its ladder, so that one ladder decides what is called when.
    """

    def __init__(self, segments: Segments, external: np.ndarray, claims: np.ndarray, *rest: Any):
        assert segments.calls is not None
        calls = segments.calls
        n, every = len(segments.due), np.ones(len(calls.cap), bool)
        self.calls, self.count = calls, len(segments.owner)
        self.lead = calls.first_segments
        self._draw(segments, n)
        super().__init__(segments, external, claims + self.committed, *rest)
        self.eased = self.eased | (self.committed[:, 0] > 0)
        support = calls.support
        self.of_guarantor = _onto(calls.guarantor, every, n)
        self.to_creditor = _onto(calls.beneficiary, ~support, n)
        self.ranked = [_onto(calls.guarantor, calls.ranking == rank, n) for rank in range(3)]
        self.due = segments.due[:, None]
        self.call = np.zeros((len(calls.cap), external.shape[1]))
        self.extra = self._pinned_cover()
        self.refused = np.where(self.stuck, 1.0 - self.pin, 0.0)[calls.guarantor]
        # the pro rata tier of guarantors whose calls rank with it, and how deep a segment lies
        equal = np.isin(np.arange(n), calls.guarantor[calls.ranking == PARI_PASSU])
        self.with_calls = np.flatnonzero(equal[segments.owner] & ~self.lead)
        owner = segments.owner[self.with_calls]
        self.tier = _column(owner, segments.width[self.with_calls], n)
        top = np.zeros(n)
        np.maximum.at(top, owner, self.end[self.with_calls, 0])
        self.depth = top[owner][:, None] - self.end[self.with_calls]

    def _draw(self, segments: Segments, n: int) -> None:
        """The segments that are support, by their place in the ladder of the owner."""
        calls, q = self.calls, len(self.calls.cap)
        part = calls.trigger.onto(np.where(calls.support, np.arange(q), -1), q)
        self.drawn = np.flatnonzero(part.totals() > 0)
        owner, width = segments.owner[self.drawn], segments.width[self.drawn]
        lead = self.lead[self.drawn]
        self.committed = _column(owner, width, n)
        self.layered = _column(owner, np.where(lead, 0.0, width), n)
        entry = part.explicit(self.drawn).tocoo()
        later = within((n - owner)[::-1], np.ones(len(owner)))[::-1]  # segments that lose before
        self.levels = []
        for place in range(int(later.max(initial=-1)) + 1):
            level = np.flatnonzero(later == place)
            mine = np.flatnonzero(later[entry.row] == place)
            of = _onto(np.searchsorted(level, entry.row[mine]), mine >= 0, len(level))
            most = (entry.data * width[entry.row])[mine][:, None]
            self.levels.append(
                (level, entry.col[mine], most, of, _onto(entry.col[mine], mine >= 0, q))
            )

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
        s, cap = self.count, np.tile(self.calls.cap, 2)[:, None]
        tail = np.zeros((len(cap), self.external.shape[1]))
        if hasattr(self, "y"):
            tail, self.y = self.y[s:], self.y[:s]
        super().activate(None)
        self.width = np.vstack([self.width, cap])
        self.scale = np.vstack([self.scale, np.tile(self.inverse[self.calls.guarantor], (2, 1))])
        if self.any_stuck:
            self.still[self.drawn] = 0.0  # a pinned recovery says what creditors get: no support
            self.fixed = np.vstack([self.fixed, np.zeros(tail.shape, bool)])
            self.still = np.vstack([self.still, np.zeros(tail.shape)])
        if hasattr(self, "y"):
            self.y = np.vstack([self.y, tail])

    def push(self, y: np.ndarray) -> np.ndarray:
        """What every node loses: on claims, by calls, and on covers that are not met."""
        s, q = self.count, len(self.calls.cap)
        claims, support = y[:s].copy(), y[s + q :]
        claims[self.drawn] = 0.0
        self.call = self.calls.trigger.spread(claims) + self.extra + support
        lost = super().push(claims) + self.of_guarantor @ support + self.to_creditor @ y[s : s + q]
        if self.extra.any():
            lost += self.of_guarantor @ self.extra - self.to_creditor @ self.extra
        return np.asarray(lost)

    def draw(self, lost: np.ndarray) -> Drawn:
        """Support that is called when nodes have lost `lost`, layer after layer."""
        found = Drawn(
            np.zeros_like(self.call),
            np.zeros((len(self.drawn), lost.shape[1])),
            *(np.zeros(lost.shape) for _ in range(3)),
        )
        if not self.levels:
            return found
        pays = 1.0 - self.refused
        junior = self.ranked[JUNIOR] @ self.call
        for level, who, most, of, to_call in self.levels:
            rows = self.drawn[level]
            owner, lead = self.segments.owner[rows], self.lead[rows][:, None]
            need = (lost - self.assets + found.missing)[owner] + self.end[rows]
            need = np.maximum(need - np.where(lead, 0.0, junior[owner]), 0.0)
            if self.any_stuck:
                need = np.where(self.stuck[owner], 0.0, need)
            call, paid = levied(need, most, pays[who], of)
            gap = np.where(need > 0, self.segments.width[rows][:, None] - paid, 0.0)
            found.called[:] += to_call @ call
            found.taken[level] = of @ call
            found.received[owner] += paid
            found.missing[owner] += gap
            found.first[owner] += np.where(lead, gap, 0.0)
        return found

    def step(self) -> np.ndarray:
        """One round: what stays unpaid of the segments, and of the calls."""
        senior, equal, junior = (at @ self.call for at in self.ranked)
        support = self.draw(self.lost)
        short = self.lost - self.assets + self.due
        if self.default is not None:
            short = np.where(self.default | self.eased[:, None], short, -np.inf)
        width = self.width[: self.count]
        lost = self.lost - junior + support.missing
        y = np.clip(lost[self.owner] + self.constant, 0.0, width)
        y[self.drawn] = support.taken
        beyond = short - junior + support.missing
        room = self.tier + equal
        part = np.clip(beyond, 0.0, room) / np.where(room > 0, room, 1.0)
        at = self.with_calls
        owner = self.segments.owner[at]
        shared = np.clip((part * self.tier)[owner] - self.depth, 0.0, width[at])
        y[at] = np.where(equal[owner] > 0, shared, y[at])
        late = np.clip(beyond - equal - self.due, 0.0, senior)
        late /= np.where(senior > 0, senior, 1.0)
        early = np.clip(short + self.layered + support.first, 0.0, junior)
        early /= np.where(junior > 0, junior, 1.0)
        rate = np.stack([late, part, early])[self.calls.ranking, self.calls.guarantor]
        stuck = self.stuck[self.calls.guarantor]
        self.refused = np.where(stuck, 1.0 - self.pin[self.calls.guarantor], rate)
        z = np.vstack([y, self.refused * self.call, support.called])
        if self.any_stuck:
            np.copyto(z, self.still, where=self.fixed)
        return z

    def iterate(
        self,
        tolerance: float,
        most: int,
        *,
        accelerate: bool = True,
        each: Callable[[], None] = lambda: None,
    ) -> None:
        """Plain rounds: the ranking of a call is a ratio, for which no linear solve stands."""
        super().iterate(tolerance, most, accelerate=False, each=each)

    # -- what comes out ---------------------------------------------------------------------

    def funds(self, lost: np.ndarray | float) -> np.ndarray:
        """(n, B) assets, claims and support received, less losses and calls."""
        lost = np.broadcast_to(lost, self.assets.shape)
        return np.asarray(self.assets - self.committed + self.draw(lost).received - lost)

    def insolvent(self, lost: np.ndarray | float) -> np.ndarray:
        return np.asarray((self.funds(lost) < self.limit) & ~self.stuck)

    def unpaid(self) -> np.ndarray:
        return self.y[: self.count]

    def unmet(self) -> np.ndarray:
        """(Q, B) what guarantors leave of their calls."""
        return self.y[self.count : self.count + len(self.calls.cap)]


def _column(at: np.ndarray, money: np.ndarray, n: int) -> np.ndarray:
    return np.bincount(at, money, n)[:, None]


def _onto(at: np.ndarray, where: np.ndarray, n: int) -> csr_array:
    """(n, K) with a one where entry k belongs to row `at[k]`; only those marked in `where`."""
    k = np.flatnonzero(where)
    return csr_array((np.ones(len(k)), (at[k], k)), shape=(n, len(at)))
