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
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, eye_array

from .krylov import bicgstab
from .shares import Shares
from .valuation import Terms, Valued

THRESHOLD = 1e-12  # equity this close to the limit (relative to the balance sheet) counts as on it
EXACT, ROUNDING = 1e-13, 1e-13
PATIENCE, GAIN = 16, 8.0  # rounds that a solve has to save to be tried, and how many it has to
FLATTER = (
    0.99,
    0.9,
    1.0,
)  # slopes are made this much flatter where rounds do not shrink at the present ones
LATE, DIRECT, LARGE = 50, 8, 2000  # rounds, scenarios and claims from and up to which: factorize
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
        y, slope = np.where(self.fixed, 0.0, y), np.where(self.fixed, 0.0, slope)
        y[0] += np.where(self.fixed, self.still, 0.0)
        return y, slope


@dataclass
class Solution:
    """Equities (n, B), missing (S, B), certificate (B,), default (n, B), rounds of default."""

    equity: np.ndarray
    missing: np.ndarray
    default: np.ndarray
    default_round: np.ndarray
    rounds: np.ndarray
    residual: np.ndarray
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
    tolerance, max_rounds : bound on the residual, and rounds after which a run ends anyway.
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
    columns, wave = np.arange(base.shape[1]), 0
    while len(columns):
        whole = len(columns) == base.shape[1]
        part = system if whole else system.take(columns)
        _settle(part, done, columns, tolerance, max_rounds, least, each)
        if not system.jumps:
            break
        now = system.failing(done.equity)
        now = now & done.default if least else now | done.default
        changed = (now != done.default).any(axis=0)
        wave += 1
        if not least:
            record(wave, done.equity)
        stopped = done.rounds >= max_rounds
        done.residual[changed & stopped] = np.inf
        done.default = now
        columns = np.flatnonzero(changed & ~stopped)
    if not system.jumps:
        done.default = system.failing(done.equity)
    if least:
        done.default_round[done.default & ~alone] = 1
        if history:
            done.history.append((done.equity.copy(), done.default))
    return done


class Pace:
    """When the rounds of a scenario are slow enough for a linear solve; arrays (B,)."""

    def __init__(self, count: int):
        self.before = np.full(count, np.inf)
        self.wait = np.full(count, 3)
        self.pause = np.ones(count, np.int64)

    def take(self, columns: np.ndarray) -> Pace:
        """Some of the scenarios."""
        part = Pace(0)
        for name, array in vars(self).items():
            setattr(part, name, array[columns])
        return part

    def slow(self, residual: np.ndarray, tolerance: float) -> np.ndarray:
        """Would rounds that shrink like the last one take more than `PATIENCE`?"""
        self.wait -= 1
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.clip(residual / self.before, 1e-12, 1 - 1e-12)
            left = np.log(tolerance / residual) / np.log(rate)
        steady = np.isfinite(self.before) & (residual <= self.before * (1 + 1e-9))
        self.before = residual
        return np.asarray(steady & (left > PATIENCE) & (self.wait < 0))

    def solved(self, at: np.ndarray, gain: np.ndarray) -> None:
        """Take note of how many rounds a solve was worth; twice the pause where it was few."""
        self.pause[at] = np.where(gain < GAIN, 2 * self.pause[at], 1)
        self.wait[at] = self.pause[at]


def _settle(
    system: System,
    done: Solution,
    columns: np.ndarray,
    tolerance: float,
    max_rounds: int,
    least: bool,
    each: Callable[[int, np.ndarray], None] | None,
) -> None:
    """Rounds with the defaults held where values jump; writes the `columns` of `done`."""
    x, default = done.equity[:, columns], done.default[:, columns]
    pace, live = Pace(len(columns)), np.ones(len(columns), bool)
    while True:
        y, slope = system.value(x, default)
        whole = y.sum(axis=0)
        new = system.base - system.shares.spread(whole)
        done.products += 1
        residual = (np.abs(new - x) / system.scale).max(axis=0, initial=0.0)
        done.rounds[columns[live]] += 1
        if each is not None:
            each(int(done.rounds[columns].max()), new)
        over = (residual <= tolerance) | (done.rounds[columns] >= max_rounds)
        fresh = over & live
        if fresh.any():
            at = columns[fresh]
            done.equity[:, at], done.missing[:, at] = new[:, fresh], whole[:, fresh]
            done.residual[at] = residual[fresh]
            live &= ~fresh
            if not live.any():
                return
        slow = pace.slow(residual, tolerance) & live
        if each is not None and done.rounds[columns].max() <= PLAIN:
            slow[:] = False
        if slow.any():
            part = system if slow.all() else system.take(slow)
            mine = [a[..., slow] for a in (x, default, y, slope, new - x)]
            step, products = _leap(part, least, done.rounds[columns[slow]] > LATE, *mine)
            new[:, slow] = x[:, slow] + step
            done.products += products
            short = np.abs(mine[-1]).max(axis=0)
            pace.solved(slow, np.abs(step).max(axis=0) / np.where(short > 0, short, 1.0))
        x = new
        if each is None and live.mean() < CROWDED:
            system, x, default = system.take(live), x[:, live], default[:, live]
            columns, pace, live = columns[live], pace.take(live), live[live]


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
    wide = ROUNDING * system.terms.width

    def again(d: np.ndarray) -> np.ndarray:
        nonlocal products
        products += 1
        return system.shares.spread(slope.sum(axis=0) * d[system.owner])

    for flatter in FLATTER:
        if good.all():
            break
        step, solved = bicgstab(again, change, EXACT)
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
        chord = np.maximum((y - there) / np.where(reach == 0, 1.0, reach), 0.0)
        lower = np.where(beyond & (reach != 0), np.minimum(chord, slope), slope)
        slope = np.where(solved, lower, flatter * slope)
    return best, products


def _direct(system: System, slope: np.ndarray, change: np.ndarray) -> np.ndarray:
    """`step = change + slope step` by a factorization, for what the Krylov method does not solve.

    Long rings are such a case. nan where there is no solution and where it would be large work.
    """
    from scipy.sparse.linalg import splu

    n = len(change)
    out = np.full(change.shape, np.nan)
    for b in range(min(change.shape[1], DIRECT)):
        rows = np.flatnonzero(slope[:, b] > 0)
        if len(rows) > LARGE:
            continue
        onto = csr_array(
            (slope[rows, b], (np.arange(len(rows)), system.owner[rows])), (len(rows), n)
        )
        matrix = eye_array(n) - system.shares.explicit(rows).T @ onto
        with suppress(RuntimeError):  # singular
            out[:, b] = splu(matrix.tocsc()).solve(change[:, b])
    return out
