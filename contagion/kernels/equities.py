"""The fixed point of equities when claims are valued by the equity of their debtor.

    y = missing(x[owner])        what is missing to the face of every claim
    x = base − y @ S             equity of every node

The map is monotone. Rounds from face values downward reach the greatest solution, from claims
that are worth nothing upward the least. Columns are scenarios: (S, B) and (n, B).

Rounds that shrink slowly are replaced by one linear solve with the slopes at the present point.
It cannot jump over the solution that is looked for: from above, let L be the line at x through
y(x) with a slope g such that every claim is missing at least L between x and the point z where
all lines balance. Then the map with L in place of y has z as its greatest fixed point below x,
and it lies above the map itself; so the greatest solution is below z. The valuation functions
are first convex and then concave in equity, so that it is enough to look at the end z; a claim
whose line fails there gets the chord from x to z and the system is solved once more.

Where the lines do not balance, in a group of nodes that passes every loss on among themselves,
they are made a little flatter, z is far away, and the step d = z − x ends where the first of them
fails, at x + t d. That cannot jump over the solution E either: with A the slopes and
w = E − x − t d, from E = F(E) follows w ≤ (1 − t)(F(x) − x) + A max(w, 0) ≤ A max(w, 0), and w ≤ 0
as the powers of A vanish.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from scipy.sparse import csr_array

from .certificate import NOISE, error_bound
from .linear import Solver, krylov
from .shares import Shares
from .valuation import Terms, Valued

THRESHOLD = 1e-12  # equity this close to the limit (relative to the balance sheet) counts as on it
EXACT, ROUGH, ROUNDING = 1e-13, 1e-3, 1e-13
PATIENCE, GAIN = 16, 8.0  # rounds that a solve has to save to be tried, and how many it has to
WAIT = 3  # rounds before the first solve
FLATTER = (1 - 1e-9, 0.99, 0.9, 1.0)  # slopes are made so much flatter where they have no step
LATE, DIRECT, LARGE = 8, 8, 2000  # rounds, scenarios and claims from and up to which: factorize
TRIES = 4  # times that a scenario goes on to bring its error below the tolerance
EXTRA, BLIND = 300, 20  # rounds for it each time; where the error is not known
PLAIN = 300  # rounds that are never replaced where the rounds themselves are asked for
CROWDED = 0.7  # part of the scenarios still moving below which the others are set aside


@dataclass(frozen=True)
class System:
    """A batch of valuation problems.

    Attributes
    ----------
    missing : (terms, equity of the debtor (S, B), its default (S, B)) -> y and −dy/dE, (S, B), or
        (P, S, B) for parts that add up.
    terms, owner, shares : the claims; `owner` (S,) debtor, `shares` (S, n) who loses.
    base : (n, B) equity with all claims at face value, after the shock.
    fixed, still : (S, B) claims whose `y` does not depend on equity, and that `y`.
    limit : (n, 1) equity below which a node is in default.
    able : (n, B) nodes that can fail by themselves; outside : (n, B) that fail for outside reasons.
    scale : (n, 1) money that residuals are relative to.
    jumps : the value of a claim jumps where its debtor defaults.
    """

    missing: Callable[[Terms, np.ndarray, np.ndarray], Valued]
    terms: Terms
    owner: np.ndarray
    shares: Shares
    base: np.ndarray
    fixed: np.ndarray
    still: np.ndarray
    limit: np.ndarray
    able: np.ndarray
    outside: np.ndarray
    scale: np.ndarray
    jumps: bool

    def take(self, columns: np.ndarray) -> System:
        """Some of the scenarios."""
        names = ("base", "fixed", "still", "able", "outside")
        part = {name: getattr(self, name)[:, columns] for name in names}
        return replace(self, terms=self.terms.take(columns), **part)

    def failing(self, equity: np.ndarray) -> np.ndarray:
        """(n, B) bool: equity below the limit, or failed for outside reasons."""
        return np.asarray((equity < self.limit) & self.able | self.outside)

    def value(self, equity: np.ndarray, default: np.ndarray) -> Valued:
        """y and −dy/dE at equities (n, B), by parts (P, S, B)."""
        y, slope = self.missing(self.terms, equity[self.owner], default[self.owner])
        if y.ndim == 2:
            y, slope = y[None], slope[None]
        if self._held:
            y, slope = np.where(self.fixed, 0.0, y), np.where(self.fixed, 0.0, slope)
            y[0] += np.where(self.fixed, self.still, 0.0)
        return y, slope

    @cached_property
    def _held(self) -> bool:
        return bool(self.fixed.any())


@dataclass
class Solution:
    """Equities (n, B), missing (S, B), default (n, B), round of default; certificate (B,).

    `error` bounds the distance to the solution, relative to the balance sheet of the node, with
    the defaults as they are where values jump; nan where no bound was found.
    """

    equity: np.ndarray
    missing: np.ndarray
    default: np.ndarray
    default_round: np.ndarray
    rounds: np.ndarray
    residual: np.ndarray
    error: np.ndarray
    products: int
    history: list[tuple[np.ndarray, np.ndarray]]


def solve(
    system: System,
    *,
    least: bool = False,
    tolerance: float,
    max_rounds: int,
    by_round: bool = False,
    history: bool = False,
) -> Solution:
    """Solve a batch.

    Parameters
    ----------
    least : the least solution instead of the greatest.
    tolerance, max_rounds : bound on the error, where rounding allows it (on the residual where
        there is no bound on the error), and rounds after which a run ends anyway.
    by_round : number the defaults by round; the first `PLAIN` rounds are then never replaced.
        Where the value jumps in default, a round is one wave: nodes default together, values
        settle, and only then others follow (algorithm GA of Rogers & Veraart 2013).
    history : keep (equity, default) of every round.
    """
    base = system.base
    alone = system.failing(base)
    done = Solution(
        base.copy(),
        np.zeros(system.fixed.shape),
        alone if not least else system.able | system.outside,
        np.where(alone, 0, -1).astype(np.int32),
        np.zeros(base.shape[1], np.int64),
        np.full(base.shape[1], np.inf),
        np.full(base.shape[1], np.nan),
        0,
        [(base.copy(), alone)] if history else [],
    )
    if least:
        width = np.broadcast_to(system.terms.width, system.fixed.shape)
        done.equity = base - system.shares.spread(np.where(system.fixed, system.still, width))

    def record(number: int, equity: np.ndarray) -> None:
        now = system.failing(equity)
        done.default_round[now & (done.default_round < 0)] = number
        if history:
            done.history.append((equity.copy(), now))

    each = record if by_round and not system.jumps and not least else None
    count = base.shape[1]
    columns, wave, sharper = np.arange(count), 0, False
    goal, most = np.full(count, tolerance), np.full(count, max_rounds)
    tries = np.full(count, TRIES)
    while len(columns):
        part = system if len(columns) == count else system.take(columns)
        _settle(part, done, columns, goal[columns], most[columns], least, each)
        changed = np.zeros(count, bool)  # later also: to be brought nearer
        if system.jumps:
            now = system.failing(done.equity)
            now = now & done.default if least else now | done.default
            changed = (now != done.default).any(axis=0)
            if not least and (changed.any() or not sharper):
                wave += 1
                record(wave, done.equity)
            done.default = now
            done.error[changed] = np.nan
            stopped = changed & (done.rounds >= max_rounds)
            done.residual[stopped] = np.inf
            changed &= ~stopped
        sharper = not changed.any()
        ready = columns[~changed[columns] & (done.residual[columns] <= tolerance)]
        changed[_certify(system, done, ready, goal, most, tries, tolerance, max_rounds)] = True
        columns = np.flatnonzero(changed)
    if not system.jumps:
        done.default = system.failing(done.equity)
    if least:
        done.default_round[done.default & ~alone] = 1
        if history:
            done.history.append((done.equity.copy(), done.default))
    return done


def _certify(
    system: System,
    done: Solution,
    columns: np.ndarray,
    goal: np.ndarray,
    most: np.ndarray,
    tries: np.ndarray,
    tolerance: float,
    max_rounds: int,
) -> np.ndarray:
    """Bound the error of some scenarios; where it is too large, set the residual a nearer goal.

    Returns those that are to go on.
    """
    if not len(columns):
        return columns
    x, default = done.equity[:, columns], done.default[:, columns]
    here = system if len(columns) == done.equity.shape[1] else system.take(columns)

    def image(points: np.ndarray, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        part = here if len(some) == len(columns) else here.take(some)
        y, slope = part.value(points, default[:, some])
        done.products += 1
        return part.base - part.shares.spread(y.sum(axis=0)), np.asarray(slope.sum(axis=0))

    def apply(slope: np.ndarray, v: np.ndarray) -> np.ndarray:
        done.products += 1
        return system.shares.spread(slope * v[system.owner])

    def solve(slope: np.ndarray, unit: np.ndarray) -> np.ndarray:
        v, solved = krylov(partial(apply, slope), unit, ROUGH)
        late = ~solved
        if late.any():
            v[:, late] = _direct(system, slope[:, late], unit[:, late])
        return v

    error, residual = error_bound(image, apply, solve, x, system.scale, tolerance)
    done.error[columns] = error
    floor = 2 * NOISE * (1 + np.abs(x) / system.scale).max(axis=0)
    far = ~(error <= tolerance) & (residual > floor) & (tries[columns] > 0)
    at = columns[far]
    error, residual = error[far], residual[far]
    unknown = np.isnan(error)
    goal[at] = np.where(unknown, 1e-3 * goal[at], 0.3 * residual * tolerance / error)
    goal[at] = np.maximum(goal[at], floor[far])
    most[at] = np.minimum(done.rounds[at] + np.where(unknown, BLIND, EXTRA), max_rounds)
    tries[at] = np.where(done.rounds[at] < max_rounds, tries[at] - 1, -1)
    return np.asarray(at[tries[at] >= 0])


def _slow(residual: np.ndarray, before: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """(B,) would rounds that shrink like the last one take more than `PATIENCE`?"""
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.clip(residual / before, 1e-12, 1 - 1e-12)
        left = np.log(goal / residual) / np.log(rate)
    steady = np.isfinite(before) & (residual <= before * (1 + 1e-9))
    return np.asarray(steady & (left > PATIENCE))


def _settle(
    system: System,
    done: Solution,
    columns: np.ndarray,
    goal: np.ndarray,
    most: np.ndarray,
    least: bool,
    each: Callable[[int, np.ndarray], None] | None,
) -> None:
    """Rounds with the defaults held where values jump; writes the `columns` of `done`.

    They end where the residual is at most `goal` (B,), or after round number `most` (B,). A linear
    solve that was worth few rounds doubles the rounds until the next one.
    """
    x, default = done.equity[:, columns], done.default[:, columns]
    live, before = np.ones(len(columns), bool), np.full(len(columns), np.inf)
    wait, pause = np.full(len(columns), WAIT), np.ones(len(columns), np.int64)
    while True:
        y, slope = system.value(x, default)
        whole = y.sum(axis=0)
        new = system.base - system.shares.spread(whole)
        done.products += 1
        residual = (np.abs(new - x) / system.scale).max(axis=0, initial=0.0)
        done.rounds[columns[live]] += 1
        if each is not None:
            each(int(done.rounds[columns].max()), new)
        fresh = live & ((residual <= goal) | (done.rounds[columns] >= most))
        if fresh.any():
            at = columns[fresh]
            done.equity[:, at], done.missing[:, at] = new[:, fresh], whole[:, fresh]
            done.residual[at] = residual[fresh]
            live &= ~fresh
            if not live.any():
                return
        wait -= 1
        slow = live & (wait < 0) & _slow(residual, before, goal)
        before = residual
        if each is not None and done.rounds[columns].max() <= PLAIN:
            slow[:] = False
        if slow.any():
            part = system if slow.all() else system.take(slow)
            mine = [a[..., slow] for a in (x, default, y, slope, new - x)]
            step, products = _leap(part, least, done.rounds[columns[slow]] > LATE, *mine)
            new[:, slow] = x[:, slow] + step
            done.products += products
            gain = np.abs(step).max(axis=0) / np.abs(mine[-1]).max(axis=0)
            pause[slow] = np.where(gain < GAIN, 2 * pause[slow], 1)
            wait[slow] = pause[slow]
        x = new
        if each is None and live.mean() < CROWDED:
            system, x, default = system.take(live), x[:, live], default[:, live]
            columns, goal, most, before = columns[live], goal[live], most[live], before[live]
            wait, pause, live = wait[live], pause[live], live[live]


def _leap(
    system: System,
    least: bool,
    long: np.ndarray,
    x: np.ndarray,
    default: np.ndarray,
    y: np.ndarray,
    slope: np.ndarray,
    change: np.ndarray,
) -> tuple[np.ndarray, int]:
    """The step (n, B) to where all lines balance, or `change` where none is found; products."""
    way = 1.0 if least else -1.0
    room = ROUNDING * system.scale
    ahead = (change * way >= -room).all(axis=0)
    best, good, products = change.copy(), ~ahead, 0
    flat = np.zeros(change.shape[1], bool)
    wide = ROUNDING * system.terms.width

    def again(d: np.ndarray) -> np.ndarray:
        nonlocal products
        products += 1
        return system.shares.spread(slope.sum(axis=0) * d[system.owner])

    for flatter in FLATTER:
        if good.all():
            break
        step, solved = krylov(again, change, EXACT)
        late = ~solved & long
        if late.any():
            step[:, late] = _direct(system, slope[..., late].sum(axis=0), change[:, late])
            solved |= late
        with np.errstate(invalid="ignore"):
            solved &= np.isfinite(step).all(axis=0)
            solved &= (step * way >= change * way - room).all(axis=0)
        step = np.where(solved, step, change)
        reach = step[system.owner]
        there, _ = system.value(x + step, default)
        beyond = (there - y + slope * reach) * way > wide
        fits = solved & ~good & ~beyond.any(axis=(0, 1))
        best = np.where(fits, step, best)
        good |= fits
        over = solved & ~good & flat
        if over.any():  # as far as the first line that ends
            ends = np.where(beyond, (y - there) / np.where(beyond, slope * reach, 1.0), 1.0)
            part = step * ends.min(axis=(0, 1))
            short, _ = system.value(x + part, default)
            held = (short - y + slope * part[system.owner]) * way <= wide
            over &= held.all(axis=(0, 1)) & (np.abs(part).max(axis=0) > np.abs(best).max(axis=0))
            best = np.where(over, part, best)
            good |= over
        flat = flat | ~solved
        chord = np.maximum((y - there) / np.where(reach == 0, 1.0, reach), 0.0)
        lower = np.where(beyond & (reach != 0), np.minimum(chord, slope), slope)
        slope = np.where(solved, lower, flatter * slope)
    return best, products


def _direct(system: System, slope: np.ndarray, change: np.ndarray) -> np.ndarray:
    """`step = change + slope step` for what the batch does not solve, scenario by scenario.

    nan where there is no solution and where it would be large work.
    """
    n = len(change)
    out = np.full(change.shape, np.nan)
    for b in range(min(change.shape[1], DIRECT)):
        rows = np.flatnonzero(slope[:, b] > 0)
        places = (np.arange(len(rows)), system.owner[rows])
        onto = csr_array((slope[rows, b], places), (len(rows), n))
        solver = Solver(csr_array(system.shares.explicit(rows).T @ onto))
        if len(rows) <= LARGE or solver.easy:
            out[:, b], _ = solver(change[:, b])
    return out
