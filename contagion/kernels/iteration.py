"""Rounds of the clearing kernel: plain where they converge fast, linear solves where they do not.

All arrays have scenarios on the last axis here, (S, B) and (n, B). Only the *active* segments,
those of which something may stay unpaid, take part in products and in the linear solves.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np

from .krylov import bicgstab
from .pace import EXACT, Pace
from .segments import Segments

CROWDED = 0.7  # part of the scenarios still moving below which the others are set aside
EVERY = 4  # rounds of a batch between two looks at the residuals, which cost as much as a round
WHOLE = 0.75  # part of the segments from which on it is cheaper to take all of them
CUT = 0.85  # part of the segments up to which a solve cuts the moving ones out of the matrix
LONG = 30  # rounds after which a circle that nothing leaves is looked for
POLISH = 40  # products that polish a change before it is taken to repeat itself
ALIKE = 1e-6  # how alike two changes have to be to be worth that
STEADY = 1e-6  # how much a change may drift, over all the rounds of a stride

PER_SCENARIO = (
    "external",
    "assets",
    "stuck",
    "pin",
    "default",
    "constant",
    "fixed",
    "still",
    "y",
    "lost",
    "residual",
    "rounds",
)


class Problem:
    """One batch of clearing problems and where its iteration stands.

    Attributes after :meth:`start`: `y` (active segments, B) unpaid; `lost` (n, B) what creditors
    do not get; `rounds` and `residual` (B,), relative to the balance sheet of the owner;
    `counter[0]` products so far, in units of the whole matrix.
    """

    def __init__(
        self,
        segments: Segments,
        external: np.ndarray,
        claims: np.ndarray,
        stuck: np.ndarray,
        pin: np.ndarray,
        alpha: float,
        beta: float,
        limit: np.ndarray,
        scale: np.ndarray,
    ):
        self.segments, self.external, self.claims = segments, external, claims
        self.stuck, self.pin, self.limit = stuck, pin, limit
        self.alpha, self.beta = alpha, beta
        self.end = (segments.start + segments.width)[:, None]
        self.assets = external + claims
        self.inverse = 1.0 / np.where(scale > 0, scale, 1.0)
        self.any_stuck = bool(stuck.any())
        self.amplifies = bool(segments.inside.max(initial=0.0) > 1 + 1e-9)
        self.default: np.ndarray | None = None
        self.eased = np.broadcast_to(np.asarray(segments.absorbing, float) > 0, (len(limit),))
        self.counter = [0.0]
        self.residual = np.full(external.shape[1], np.inf)
        self.rounds = np.zeros(external.shape[1], np.int64)
        self.rows: np.ndarray | None = None

    # -- which segments take part -----------------------------------------------------------

    def activate(self, rows: np.ndarray | None) -> None:
        """Restrict the work to some segments (`None`: all), keeping what is unpaid of them."""
        segments, old, y = self.segments, self.rows, getattr(self, "y", None)
        total = len(segments.owner)
        if rows is not None and len(rows) > WHOLE * total:
            rows = None
        self.rows = rows
        at = slice(None) if rows is None else rows
        owner = segments.owner[at]
        plain = rows is None and segments.one_each
        self.owner: slice | np.ndarray = slice(None) if plain else owner
        self.part = segments.shares if rows is None else segments.shares.take(rows)
        self.cost = self.part.nnz / max(segments.shares.nnz, 1)
        self.width = segments.width[at][:, None]
        self.scale = self.inverse[self.owner]
        self.constant = self._constant(at)
        if self.any_stuck:
            self.fixed = self.stuck[self.owner]
            self.still = np.where(self.fixed, self.width * (1.0 - self.pin[self.owner]), 0.0)
        if y is not None:
            whole = np.zeros((total, y.shape[1]))
            whole[slice(None) if old is None else old] = y
            self.y = whole[at]

    def _constant(self, at: slice | np.ndarray) -> np.ndarray:
        if self.default is None:
            return np.asarray(self.end[at] - self.assets[self.owner])
        funds = self.alpha * self.external + self.beta * self.claims
        costly = self.end[at] - funds[self.owner]
        if not self.eased.any():
            return np.where(self.default[self.owner], costly, -np.inf)
        plain = np.where(self.eased[:, None], self.assets, np.inf)[self.owner]
        return np.asarray(np.where(self.default[self.owner], costly, self.end[at] - plain))

    def _passes(self, at: slice | np.ndarray) -> float | np.ndarray:
        """The part of what a creditor loses that weighs on its segments: β in default, else 1."""
        if self.beta == 1 or self.default is None or not self.eased.any():
            return self.beta
        owner = self.segments.owner[at if self.rows is None else self.rows[at]]
        return np.asarray(np.where(self.default[owner], self.beta, 1.0))

    def hold(self, default: np.ndarray) -> None:
        """Fix which nodes are in default: these bear default costs, the others pay in full.

        Nodes with layers that absorb losses share them by their rule without being in default.
        """
        self.default = default
        if hasattr(self, "y"):
            self.activate(self._touched() if self.rows is not None else None)

    def _touched(self) -> np.ndarray:
        """Active segments and those that the losses so far have reached."""
        owner = slice(None) if self.segments.one_each else self.segments.owner
        if self.default is None:
            hot = (self.lost + (-self.assets))[owner] + self.end > 0
        else:
            hot = np.array((self.default | self.eased[:, None])[owner])
        hot = hot.any(axis=1)
        if self.rows is not None:
            hot[self.rows] = True
        return np.flatnonzero(hot)

    def start(self, *, least: bool) -> None:
        """Begin with nothing unpaid but what the shock itself takes, or with everything."""
        self.lost = np.zeros_like(self.external)
        rows = None
        if not least and self.external.shape[1] == 1:
            rows = self._touched()
            if self.any_stuck:
                pinned = np.asarray((self.stuck & (self.pin < 1)).any(axis=1))
                rows = np.union1d(rows, np.flatnonzero(pinned[self.segments.owner]))
        self.activate(rows)
        self.y = self.step()
        if least:
            everything = np.broadcast_to(self.width, self.y.shape).copy()
            self.y = np.where(self.fixed, self.still, everything) if self.any_stuck else everything
        self.lost = self.push(self.y)

    # -- the map ----------------------------------------------------------------------------

    def push(self, y: np.ndarray) -> np.ndarray:
        """`lost = y @ S`, (active, B) to (n, B)."""
        self.counter[0] += self.cost
        if y.shape[1] == 1:
            return self.part.spread(y.ravel())[:, None]
        return self.part.spread(y)

    def step(self) -> np.ndarray:
        """One round: what stays unpaid of the active segments after the losses so far."""
        reached = self.lost[self.owner]
        y: np.ndarray = (
            reached * self._passes(slice(None)) if self.beta < 1 else reached
        ) + self.constant
        np.clip(y, 0.0, self.width, out=y)
        if self.any_stuck:
            np.copyto(y, self.still, where=self.fixed)
        return y

    def funds(self, lost: np.ndarray | float) -> np.ndarray:
        """(n, B) what nodes have when creditors have lost `lost`, before default costs."""
        return np.asarray(self.assets - lost)

    def insolvent(self, lost: np.ndarray | float) -> np.ndarray:
        """Nodes whose funds fall below the limit when creditors have lost `lost`."""
        return np.asarray((self.assets - lost < self.limit) & ~self.stuck)

    def unpaid(self) -> np.ndarray:
        """(S, B) what stays unpaid of every segment."""
        if self.rows is None:
            return self.y
        whole = np.zeros((len(self.segments.owner), self.y.shape[1]))
        whole[self.rows] = self.y
        return whole

    # -- scenarios --------------------------------------------------------------------------

    def take(self, columns: np.ndarray) -> Problem:
        """The same problem for some of the scenarios."""
        part = copy.copy(self)
        for name in PER_SCENARIO:
            array = getattr(self, name, None)
            if array is not None:
                setattr(part, name, np.ascontiguousarray(array[..., columns]))
        return part

    def put(self, columns: np.ndarray, part: Problem) -> None:
        """Write the state of some scenarios back."""
        self.y[:, columns], self.lost[:, columns] = part.y, part.lost
        self.residual[columns], self.rounds[columns] = part.residual, part.rounds

    # -- the iteration ----------------------------------------------------------------------

    def iterate(
        self,
        tolerance: float,
        most: int,
        *,
        accelerate: bool = True,
        each: Callable[[], None] = lambda: None,
    ) -> None:
        """Rounds until every residual meets the tolerance or `most` rounds are spent.

        A scenario that has converged stands still. Its last digits, below the tolerance, can depend
        on the others, through the linear solves that they share.
        """
        work, columns = self, np.arange(self.y.shape[1])
        every = EVERY if accelerate and len(columns) > 1 else 1
        pace, live, turn = Pace(len(columns), every), np.ones(len(columns), bool), 0
        while True:
            work.rounds += 1
            turn += 1
            if work.rows is not None:
                rows = work._touched()
                if len(rows) > len(work.rows):
                    work.activate(rows)
            z = work.step()
            if turn % every != 1 % every and turn < most:
                work.y, work.lost = z, work.push(z)
                continue
            size = z - work.y
            np.abs(size, out=size)
            size *= work.scale
            work.residual = size.max(axis=0, initial=0.0)
            done = work.residual <= tolerance
            if (done | ~live).all() or work.rounds.max() >= most:
                break
            fresh = done & live
            if accelerate and fresh.any():
                self.put(columns[fresh], work.take(fresh))
                live &= ~done
                if live.mean() < CROWDED:
                    work, columns, z = work.take(live), columns[live], z[:, live]
                    pace, live = pace.take(live), live[live]
                elif work is self:
                    work = self.take(np.ones(len(live), bool))
            slow = pace.slow(work.residual, tolerance) & live
            if accelerate and slow.any() and not (work.amplifies and len(live) > 1):
                part = work if slow.all() else work.take(slow)
                mine = z if slow.all() else z[:, slow]
                moving = part._moving(mine)
                accuracy = pace.accuracy(slow, moving.sum(axis=0), part.residual, tolerance)
                if part.amplifies:
                    accuracy[:] = EXACT
                change = mine - part.y
                solved, good = part._linear(change, moving, accuracy)
                z[:, slow], steady = solved, np.zeros(len(good), bool)
                if work.rounds.max() > LONG:
                    stride, steady = part._stride(change, moving)
                    z[:, slow] = np.where(steady, stride, solved)
                pace.solved(slow, good, steady, part.residual)
            work.y = z
            work.lost = work.push(z)
            if not accelerate:
                each()
        if work is not self or not live.all():
            self.put(columns[live], work.take(live))

    def _moving(self, z: np.ndarray) -> np.ndarray:
        moving = (z > 0) & (z < self.width)
        return moving & ~self.fixed if self.any_stuck else moving

    def _linear(
        self, change: np.ndarray, moving: np.ndarray, accuracy: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """All coming rounds at once while no segment fills up or runs dry: `δ = change + A δ`.

        Only the moving segments take part; what the others change waits for the next round. A
        segment that would leave its bounds is put at the bound and the rest solved again.
        Scenarios for which that does not settle, or whose rounds grow instead of shrinking (the
        solution then falls below the first round), get the plain round. Returns the new `y` and
        which scenarios (B,) were solved.
        """
        at, again = self._among(moving)
        y, width, first = self.y[at], self.width[at], change[at]
        mask = moving[at]
        fixed, x = np.zeros_like(first), np.zeros_like(first)
        good = np.zeros(change.shape[1], bool)
        for attempt in range(4):
            x *= mask
            rhs = first.copy()
            if attempt:
                rhs += again(fixed + x)
                rhs -= x
            rhs *= mask
            now = mask

            def masked(v: np.ndarray, now: np.ndarray = now) -> np.ndarray:
                out = again(v)
                out *= now
                return out

            more, good = bicgstab(masked, rhs, accuracy, first * mask)
            x += more
            after = y + x
            beyond = mask & ((after > width) | (after < 0))
            if not beyond.any():
                break
            fixed = np.where(beyond, np.where(x > 0, width - y, -y), fixed)
            mask = mask & ~beyond
        else:
            good[:] = False
        solved = np.where(mask, x, fixed)
        good &= np.isfinite(solved).all(axis=0)
        if self.amplifies:
            size = np.abs(solved).max(axis=0, initial=0.0)
            good &= (np.abs(first) * mask <= solved * np.sign(first) + 1e-9 * size).all(axis=0)
        z = self.y + change
        z[at] = np.where(moving[at] & good, y + solved, z[at])
        return z, good

    def _stride(self, change: np.ndarray, moving: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All rounds at once up to where a segment fills up or runs dry: `y + t change`.

        Only where the change repeats itself, `A change = change`: a circle that nothing leaves
        loses the same in every round, and no linear solve has an answer. A difference of rounds is
        known to few digits only, so it is sent round some more times first. Returns the new `y`
        and for which scenarios (B,) that is so.
        """
        step = change * moving
        for polished in range(POLISH):
            before, step = step, self._again(step) * moving
            size = np.abs(step).max(axis=0, initial=0.0)
            drift = np.abs(step - before).max(axis=0, initial=0.0)
            if not polished and not (drift <= ALIKE * size).any():
                return self.y + change, np.zeros(len(size), bool)
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(step > 0, self.width - self.y, self.y) / np.abs(step)
        rounds = np.where(moving & (step != 0), room, np.inf).min(axis=0, initial=np.inf)
        steady = (size > 0) & np.isfinite(rounds) & np.isfinite(drift)
        steady &= np.where(steady, rounds, 0.0) * drift <= STEADY * size
        z = self.y + np.where(moving & steady, np.where(steady, rounds, 1.0) * step, change)
        return np.clip(z, 0.0, self.width), steady

    def _among(
        self,
        moving: np.ndarray,
    ) -> tuple[slice | np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """The map `δ → A δ` among the moving segments: cut out where that pays."""
        if moving.shape[1] > 1 or moving.sum() > CUT * len(self.segments.owner):
            return slice(None), self._again
        at = np.flatnonzero(moving)
        owner = self.segments.owner[at if self.rows is None else self.rows[at]]
        inner = self.part.explicit(at)[:, owner].T
        cost = inner.nnz / max(self.segments.shares.nnz, 1)

        def again(x: np.ndarray) -> np.ndarray:
            self.counter[0] += cost
            out = np.asarray(inner @ x.ravel())[:, None]
            return out * self._passes(at) if self.beta < 1 else out

        return at, again

    def _again(self, x: np.ndarray) -> np.ndarray:
        """What a change of the unpaid does to the funds of the owners of active segments."""
        out = self.push(x)[self.owner]
        return out * self._passes(slice(None)) if self.beta < 1 else out
