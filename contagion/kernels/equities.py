"""The fixed point of equities when claims are valued by the equity of their debtor.

    y = missing(x[owner])        shortfall of every claim from its face value
    x = base − y @ S             equity of every node

The map is monotone. Rounds from face values downward reach the greatest solution, rounds from
worthless claims upward the least. Columns are scenarios: (S, B) and (n, B).

Rounds that converge slowly are replaced by linear solves (`equities_steps`). The result has an
error bound (`certificate`); the iteration continues until the bound is below the tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from .certificate import NOISE, error_bound
from .equities_steps import System, direct, leap
from .linear import krylov

THRESHOLD = 1e-12  # equity this close to the limit (relative to the balance sheet) counts as on it
ROUGH = 1e-3  # accuracy of the linear solve for the error bound
PATIENCE, GAIN = 16, 8.0  # rounds a solve should save to be tried; saving fewer delays the next
WAIT, LATE = 3, 8  # rounds before the first solve, and before unsolved scenarios are factorized
TRIES = 4  # times that a scenario continues to bring its error below the tolerance
EXTRA, BLIND = 300, 20  # additional rounds each time; the same if the error is unknown
PLAIN = 300  # rounds that are never replaced if default rounds are requested
CROWDED = 0.7  # converged scenarios are removed when less than this share is still moving


@dataclass
class Solution:
    """Equities (n, B), missing (S, B), default (n, B), round of default; certificate (B,).

    `error` bounds the distance to the solution, relative to the balance sheet of the node (for
    given defaults if values jump at default); nan if no bound was found.
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
    certify: bool = True,
    by_round: bool = False,
    history: bool = False,
) -> Solution:
    """Solve a batch.

    Parameters
    ----------
    least : the least solution instead of the greatest.
    tolerance, max_rounds : bound on the error if rounding errors allow it (on the residual if
        there is no error bound), and maximum number of rounds.
    certify : compute the error bound; else the tolerance bounds the residual and errors are nan.
    by_round : number the defaults by round; the first `PLAIN` rounds are then never replaced.
        If the value jumps at default, a round is one wave: nodes default together, values
        converge, and only then further nodes default (algorithm GA of Rogers & Veraart 2013).
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
        changed = np.zeros(count, bool)  # later also: error still too large
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
        ready = columns[~changed[columns] & (done.residual[columns] <= tolerance) & certify]
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
    """Bound the error of some scenarios; if it is too large, lower the target of the residual.

    Returns the scenarios that have to continue.
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
            v[:, late] = direct(system, slope[:, late], unit[:, late])
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
    """(B,) bool: at the rate of the last round, more than `PATIENCE` rounds would be needed."""
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
    """Rounds with fixed defaults if values jump at default; writes the `columns` of `done`.

    They end when the residual is at most `goal` (B,), or after round number `most` (B,). A linear
    solve that saved few rounds doubles the number of rounds until the next one.
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
            step, products = leap(part, least, done.rounds[columns[slow]] > LATE, *mine)
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
