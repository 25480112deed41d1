"""Clearing with contingent claims: calls follow the losses of the debtors.

Support absorbs losses up to the payments of its guarantors, see :mod:`levy`. A shortfall x of a
node is borne in this order: support without a layer; calls of junior rank, `clip(x, 0, Σ call)`;
its segments, where pari passu calls lose the same share as its single pro rata tier; senior calls.

For given calls this is one segment system: the unpaid part of a call is another segment of the
guarantor, borne by the creditor. The iteration starts with calls of zero and updates them from each
solution. They only rise, so it ends in the greatest payments. If it starts with all calls at their
caps, they only fall, to the least payments.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, vstack

from .blocks import solve
from .calls import PARI_PASSU
from .clearing_block import Block, Terms, mirrored
from .ladder import within
from .levy import levied
from .segment_system import System
from .segments import Segments
from .shares import Shares, stack

SAME = 1e-2  # calls have converged if they change by less than this share of the tolerance
FINEST = 1e-14  # smallest change of calls, relative to the balance sheet, beyond rounding errors
MOST = 10_000  # maximum number of updates of the calls
ROUNDING = 1e-15  # shares below this are rounding errors and count as zero


class Drawn(NamedTuple):
    """Support that is called: `called` (Q, B), `taken` (K, B) by layer, `received` (n, B).

    `missing` (n, B) is the width of called layers minus the payments received for them, `first` the
    same for layers directly after the equity.
    """

    called: np.ndarray
    taken: np.ndarray
    received: np.ndarray
    first: np.ndarray
    missing: np.ndarray


class Promises:
    """The arrays of the contingent claims of a network, the same in every scenario.

    A supported node holds its undrawn support as an asset and owes it as segments of its ladder,
    so that a single ladder determines the order of calls.
    """

    def __init__(self, segments: Segments):
        assert segments.calls is not None
        calls, n = segments.calls, len(segments.due)
        self.calls, self.segments, self.lead = calls, segments, calls.first_segments
        self._draw(n)
        every = np.ones(len(calls.cap), bool)
        self.to_creditor = _onto(calls.beneficiary, ~calls.support, n)
        # (4 n, Q) sums by guarantor: calls of each rank, then all calls
        kinds = [*(calls.ranking == rank for rank in range(3)), every]
        self.ranked = vstack([_onto(calls.guarantor, kind, n) for kind in kinds], format="csr")
        # the pro rata tier of guarantors with pari passu calls, and the depth of each segment
        equal = np.isin(np.arange(n), calls.guarantor[calls.ranking == PARI_PASSU])
        self.with_calls = np.flatnonzero(equal[segments.owner] & ~self.lead)
        owner = segments.owner[self.with_calls]
        self.tier = _column(owner, segments.width[self.with_calls], n)
        top = np.zeros(n)
        np.maximum.at(top, owner, segments.end[self.with_calls])
        self.depth = (top[owner] - segments.end[self.with_calls])[:, None]

    def _draw(self, n: int) -> None:
        """The segments that are support, by their position in the ladder of the owner."""
        calls, segments, q = self.calls, self.segments, len(self.calls.cap)
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
            who, of = entry.col[mine], np.searchsorted(level, entry.row[mine])
            most = (entry.data * width[entry.row])[mine][:, None]
            sums = _onto(of, mine >= 0, len(level)), _onto(who, mine >= 0, q)
            self.levels.append((level, who, most, of, *sums))

    @cached_property
    def owner(self) -> np.ndarray:
        """(S + Q,) node of each segment and call, in that order."""
        return np.asarray(np.concatenate([self.segments.owner, self.calls.guarantor])[self.order])

    @cached_property
    def waits(self) -> np.ndarray:
        """(S + Q, 1) bool: segments of supported nodes, fixed at the losses of the last iteration.

        Support absorbs more when losses rise. With support fixed, the remaining loss would be too
        large, and the iteration would no longer approach the solution from below.
        """
        return np.asarray((self.committed > 0)[self.owner])

    @cached_property
    def order(self) -> np.ndarray:
        """Segments and then calls, by node."""
        owner = np.concatenate([self.segments.owner, self.calls.guarantor])
        return np.argsort(owner, kind="stable")

    @cached_property
    def loses(self) -> Shares:
        """(S + Q, n) creditors of each, in that order; unpaid calls for support: no node."""
        segments, calls, n = self.segments, self.calls, len(self.segments.due)
        covers = calls.trigger.direct @ _onto(calls.guarantor, ~calls.support, n).T
        direct = csr_array(segments.shares.direct - covers)  # calls are held fixed
        direct.data[np.abs(direct.data) < ROUNDING] = 0.0
        shares = replace(segments.shares, direct=direct)
        loses = stack([shares, Shares(csr_array(self.to_creditor.T))], n)
        return loses.take(self.order)

    @cached_property
    def width(self) -> np.ndarray:
        """(S + Q,) the largest unpaid amounts, money, in that order."""
        return np.asarray(np.concatenate([self.segments.width, self.calls.cap])[self.order])

    @cached_property
    def system(self) -> System:
        """The segments, plus one per call."""
        return System.of_shares(self.owner, self.width, self.loses)


class Called(Block):
    """A block of clearing problems with contingent claims."""

    def __init__(self, terms: Terms, external: np.ndarray, pinned: np.ndarray | None):
        super().__init__(terms, external, pinned)
        self.made = made = promises(terms.segments)
        calls = made.calls
        self.assets = self.assets + made.committed
        self.eased = self.eased | (made.committed > 0)
        shape = len(calls.cap), external.shape[1]
        keeps = np.where(self.outside, 0.0 if pinned is None else pinned, 1.0)
        self.fixed = self.stuck[calls.guarantor]
        self.gone = np.where(self.stuck, 1.0 - keeps, 0.0)[calls.guarantor]
        self.refused = self.gone
        self.extra = self._pinned_cover(1.0 - keeps)
        self.covered = made.to_creditor @ self.extra
        self.hold(np.zeros(shape))
        self.lost = np.zeros(external.shape)
        nothing = np.zeros(external.shape)
        taken = np.zeros((len(made.drawn), shape[1]))
        self.support = self.next = Drawn(np.zeros(shape), taken, nothing, nothing, nothing)

    def _pinned_cover(self, gone: np.ndarray) -> np.ndarray:
        """(Q, B) extra calls on covers of debtors with a fixed recovery rate.

        Such a debtor leaves the same share of every segment unpaid, so the ladder calls only that
        share of the cover. A cover pays the first loss: this is the rest of
        `min(cap, loss of the creditor)`.
        """
        calls, lost = self.made.calls, gone[self.made.calls.debtor]
        key = calls.debtor * np.int64(len(gone)) + calls.beneficiary
        _, at = np.unique(key, return_inverse=True)
        total = np.bincount(at, calls.cap)[at]
        part = (calls.cap / np.where(total > 0, total, 1.0))[:, None]
        cap, face = total[:, None], calls.face[:, None]
        missing = np.minimum(cap, lost * face) - lost * np.minimum(cap, face)
        return np.where(calls.support[:, None], 0.0, part * missing)

    def hold(self, call: np.ndarray) -> None:
        """Fix the calls (Q, B): debts of guarantors by rank, and the losses that calls and covers
        of debtors with a fixed recovery rate add to nodes, all (n, B)."""
        self.call = call
        weigh = (self.made.ranked @ call).reshape(4, *self.assets.shape)
        self.senior, self.equal, self.junior, lost = weigh
        self.held = lost - self.covered

    def draw(self, lost: np.ndarray) -> Drawn:
        """Support that is called at losses `lost` of the nodes, layer by layer."""
        made, width = self.made, self.terms.segments.width
        found = Drawn(
            np.zeros_like(self.call),
            np.zeros((len(made.drawn), lost.shape[1])),
            *(np.zeros(lost.shape) for _ in range(3)),
        )
        if not made.levels:
            return found
        pays = 1.0 - self.refused
        for level, who, most, of, to_layer, to_call in made.levels:
            rows = made.drawn[level]
            owner, lead = self.terms.segments.owner[rows], made.lead[rows][:, None]
            need = (lost - self.assets + found.missing)[owner] + self.terms.segments.end[rows, None]
            need = np.maximum(need - np.where(lead, 0.0, self.junior[owner]), 0.0)
            need = np.where(self.stuck[owner], 0.0, need)
            call, paid = levied(need, most, pays[who], of, to_layer)
            gap = np.where(need > 0, width[rows][:, None] - paid, 0.0)
            found.called[:] += to_call @ call
            found.taken[level] = to_layer @ call
            found.received[owner] += paid
            found.missing[owner] += gap
            found.first[owner] += np.where(lead, gap, 0.0)
        return found

    def constants(self, default: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """c, p, w (S + Q, B) with the calls fixed; calls are losses of the guarantors."""
        made, calls, segments = self.made, self.made.calls, self.terms.segments
        senior, equal, junior, held = self.senior, self.equal, self.junior, self.held
        c, p, w = super().constants(default)
        owner = segments.owner
        c += (held - junior + self.support.missing)[owner]
        c[made.drawn] = -np.inf
        short = held - self.assets + segments.due[:, None]
        if default is not None:
            short = np.where(default | self.eased, short, -np.inf)
        beyond = short - junior + self.support.missing
        at, room = made.with_calls, made.tier + equal
        pace = made.tier / np.where(room > 0, room, 1.0)
        mine = owner[at]
        along = (equal > 0)[mine] & np.isfinite(c[at]) & ~self.stuck[mine]
        with np.errstate(invalid="ignore"):
            c[at] = np.where(along, (pace * beyond)[mine] - made.depth, c[at])
        p[at] = np.where(along, pace[mine], p[at])
        from_ = np.stack(
            [
                beyond - equal - segments.due[:, None],
                beyond,
                short + made.layered + self.support.first,
            ]
        )
        size = np.stack([senior, room, junior])
        who = calls.ranking, calls.guarantor
        part = self.call / np.where(size[who] > 0, size[who], 1.0)
        with np.errstate(invalid="ignore"):
            more = np.where(part > 0, part * from_[who], -np.inf)
        more = np.where(self.fixed, np.where(self.gone > 0, np.inf, -np.inf), more)
        cap = np.where(self.fixed, self.call * self.gone, self.call)
        pairs = ((c, more), (p, part), (w, cap))
        c, p, w = (np.ascontiguousarray(np.vstack(pair)[made.order]) for pair in pairs)
        c += np.where(made.waits, p * self.lost[made.owner], 0.0)
        return c, np.where(made.waits, 0.0, p), w

    def solve(self, default: np.ndarray | None) -> np.ndarray:
        """The fixed point for given defaults: fix calls, solve the system, update calls."""
        made, asked = self.made, self.terms.tolerance
        # the error of each solution moves the calls; if it is larger than `fine`, they oscillate
        fine = min(max(SAME * asked, FINEST), asked)
        t = replace(self.terms, tolerance=fine)
        count, unit = len(t.segments.owner), t.unit[made.calls.guarantor, None]
        place, stride = np.argsort(made.order, kind="stable"), Stride(self.external.shape[1])
        if t.least and self.start is None:  # nothing is paid: all calls at their caps
            self.hold(np.broadcast_to(made.calls.cap[:, None], self.call.shape).copy())
            self.refused = np.where(self.fixed, self.gone, 1.0)
            self.lost = made.loses.spread(np.outer(made.width, np.ones(self.call.shape[1])))
        if self.start is None:
            self.support = self.draw(self.held + self.lost)
        for _ in range(MOST):
            c, p, w = self.constants(default)
            certify = False if self.call.any() else t.certify  # there is no error bound for calls
            found = (
                mirrored(t, made.system, made.loses, made.owner, c, p, w, None)
                if t.least
                else solve(
                    made.system,
                    c,
                    p,
                    w,
                    t.unit,
                    tolerance=fine,
                    start=self.start,
                    certify=certify,
                )
            )
            self.products += found.work / max(len(made.system.sd), 1)
            self.rounds += found.sweeps
            each = found.y[place]
            claims, unmet, lost = each[:count], each[count:], found.x + self.held
            call = self.calls_of(claims, lost, unmet)
            drawn = np.abs(self.next.missing - self.support.missing).max(axis=0, initial=0.0)
            apart = (np.abs(call - self.call) / unit).max(axis=0, initial=0.0)
            late = np.abs(found.x - self.lost)[made.committed[:, 0] > 0]
            apart = np.maximum(apart, drawn / t.unit.max())
            apart = np.maximum(apart, late.max(axis=0, initial=0.0) / t.unit.max())
            moved, back = call, np.zeros(call.shape[1], bool)
            if not t.least:
                moved, back = stride.carried(call, unit * fine)
            if (apart <= fine).all() and not back.any():
                break
            self.start = found.y if self.start is None else np.where(back, self.start, found.y)
            self.support = Drawn(
                *(
                    np.where(back, old, new)
                    for old, new in zip(self.support, self.next, strict=True)
                )
            )
            self.hold(np.minimum(moved, made.calls.cap[:, None]))
            self.lost = found.x
        quiet = ~self.call.any(axis=0)  # scenarios without calls, among others with some
        if t.certify and not (certify or t.least) and quiet.any():
            c, p, w, start = (each[:, quiet] for each in (c, p, w, found.y))
            sure = solve(made.system, c, p, w, t.unit, tolerance=asked, start=start, certify=True)
            found.error[quiet] = sure.error
        claims[made.drawn] = self.next.taken
        self.support, self.start, self.found = self.next, found.y, found
        self.unpaid, self.unmet = claims, unmet
        found.residual = np.maximum(found.residual, apart)
        found.error = np.where(self.call.any(axis=0), np.nan, found.error)
        return self.funds(lost)

    def calls_of(self, claims: np.ndarray, lost: np.ndarray, unmet: np.ndarray) -> np.ndarray:
        """(Q, B) calls implied by the unpaid amounts; also updates the support drawn."""
        calls = self.made.calls
        held = self.call > 0
        rate = np.where(held, unmet / np.where(held, self.call, 1.0), 0.0)
        self.refused = np.where(self.fixed, self.gone, rate)
        self.next = self.draw(lost)
        return np.asarray(calls.trigger.spread(claims) + self.extra + self.next.called)

    def alone(self) -> np.ndarray:
        self.support = self.draw(np.zeros_like(self.assets))
        return self.funds(np.zeros_like(self.assets))

    def funds(self, lost: np.ndarray) -> np.ndarray:
        """(n, B) assets, claims and support received, less losses and calls."""
        return np.asarray(self.assets - self.made.committed + self.support.received - lost)


class Stride:
    """Extrapolates steady changes of calls, and reverses an extrapolation that overshoots.

    Calls in a cycle of guarantors rise in a pattern that repeats after as many iterations as the
    cycle is long, so changes are compared over 12 iterations, then 24 ... If the last change d is λ
    times the one before, λd, λ²d ... are added at once. Calls below the solution rise in the next
    iteration; calls that overshoot would fall.
    """

    def __init__(self, scenarios: int):
        self.most = np.full(scenarios, 16.0)  # changes added at once
        self.turns, self.turn = 12, 0
        self.first: np.ndarray | None = None
        self.before: np.ndarray | None = None
        self.safe: np.ndarray | None = None
        self.tried = np.zeros(scenarios, bool)

    def carried(self, found: np.ndarray, room: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The next calls (Q, B), and the scenarios (B,) that were reversed; room (Q, 1)."""
        back = np.zeros(len(self.tried), bool)
        if self.first is None:
            self.first = found
        self.turn += 1
        if self.turn < self.turns:
            return found, back
        change, before = found - self.first, self.before
        out = found
        if before is None or self.safe is None:
            go = back
        else:
            too_far = (change < -room) | (change > before * (1 + 1e-6) + room)
            back = self.tried & too_far.any(axis=0)
            out = np.where(back, self.safe, found)
            size, earlier = change.sum(axis=0), before.sum(axis=0)
            ratio = size / np.where(earlier > 0, earlier, np.inf)
            even = np.abs(change - ratio * before) <= 0.2 * np.maximum(change, room)
            go = even.all(axis=0) & ~back & ~self.tried & (ratio > 0.1)
            with np.errstate(divide="ignore"):
                steps = np.where(ratio < 1 - 1e-12, ratio / (1 - ratio), np.inf)
            steps = np.minimum(steps, self.most)
            self.most = np.where(back, self.most / 64, np.where(go, 8 * self.most, self.most))
            if not (go | self.tried).any():
                self.turns *= 2
        self.safe, self.tried, self.turn = out, go, 0
        self.before = change
        if go.any():
            out = np.where(go, out + np.where(go, steps, 0.0) * change, out)
        self.first = out
        return out, back


def promises(segments: Segments) -> Promises:
    """The contingent claims of a network, prepared once."""
    made = segments.__dict__.get("promises")
    if made is None:
        made = segments.__dict__["promises"] = Promises(segments)
    return made


def _column(at: np.ndarray, money: np.ndarray, n: int) -> np.ndarray:
    return np.bincount(at, money, n)[:, None]


def _onto(at: np.ndarray, where: np.ndarray, n: int) -> csr_array:
    """(n, K) with a one where entry k belongs to row `at[k]`; only those marked in `where`."""
    k = np.flatnonzero(where)
    return csr_array((np.ones(len(k)), (at[k], k)), shape=(n, len(at)))
