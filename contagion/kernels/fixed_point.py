"""The solver: least fixed points of segment systems, exact for every system, with an error bound.

    y = clip(c + p · (y @ S)[owner], 0, w)

y (S,) is the unpaid amount of each segment, so its least fixed point is the greatest clearing
vector. c is money (−∞: pays in full, +∞: leaves w unpaid in any case), p in [0, 1] the share of a
loss of the owner that falls on the segment. x = y @ S (n,) are the losses of nodes.

1. Climb from y = 0 by compiled sweeps with extrapolation; Newton steps where that is slow.
   The result may be any fixed point.
2. If debts circulate in a closed group with a shortfall, ascend instead: from below, never above
   the least fixed point, one event at a time (:func:`_ascend`).
3. Strip: from a fixed point to the least one. For fixed points y' ≤ y, δ = y − y' has
   Σδ ≤ Σ (share inside) δ ≤ Σδ, so δ is zero outside closed groups of moving segments;
   if there are none, y is the least fixed point.
4. Certificate: with v ≥ 0, (I − A) v ≥ unit on the moving segments and ρ the residual, the map
   takes y + ρv below itself and y − ρv above: |y − y*| ≤ ρv.

Systems that amplify losses (DebtRank) are concave with one segment per node; among the nodes that
losses reach, the fixed point is unique, and Newton's method from y = w converges down to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import climb as loops
from .closed_groups import Group, closed_groups
from .enclosure import enclosed
from .linear import krylov, solved_or_none
from .segment_system import System

SLACK = 2e-14  # a node this close to a threshold (relative to the balance sheet) is on it
UNDECIDED = 2e-13  # shortfalls of a closed group below this (relative) count as rounding error
SWEEPS, PATIENCE = 200, 60.0  # maximum number of sweeps; sweeps that justify a Newton step
STUCK = 0.999  # ratio of changes above which closed groups are searched first
DENSE = 150  # largest number of moving segments for a dense solve
KRYLOV = 30  # iterations of two products in one Newton step
NEWTON = 8  # steps in a row that do not halve the residual before another method is used
CERTAIN = 30_000  # largest number of entries for which the error bound is cheap


@dataclass
class Found:
    """y (S,), x (n,); residual and error over the unit; sweeps; entries worked on."""

    y: np.ndarray
    x: np.ndarray
    residual: float
    error: float
    sweeps: int
    work: int


class Search:
    """One scenario and the state of the search for its fixed point."""

    def __init__(
        self,
        system: System,
        c: np.ndarray,
        p: np.ndarray,
        w: np.ndarray,
        unit: np.ndarray,
        tolerance: float,
        start: np.ndarray | None,
    ):
        self.system, self.c, self.p, self.w = system, c, p, w
        self.unit, self.inv, self.tolerance = unit, system.matters(unit), tolerance
        self.slack = SLACK * unit
        n, count = system.n, len(c)
        self.y = np.zeros(count) if start is None else start.copy()
        self.x, self.z = np.zeros(n), np.zeros(count)
        self.threshold = np.empty(n)
        loops.thresholds(system.ptr, c, p, self.threshold)
        self.last, self.hot = np.zeros(count), np.empty(n, np.uint32)
        self.ratio = 0.0
        self.flag = np.zeros(n, bool)
        self.sweeps = self.work = 0
        self.residual = np.inf
        self.known: tuple[np.ndarray, list[Group]] | None = None
        self.leapt = start is not None  # rounding errors may put it above
        if start is not None:
            self.refresh()
            self.flag[system.owner[self.y > 0]] = True

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        s = self.system
        return s.ptr, s.sp, s.si, s.sd

    def climb(self, most: int, patience: float, *, jumps: bool = True) -> None:
        """Sweeps, until they converge or are too slow."""
        _, sweeps, work, leaps, self.ratio = loops.climb(
            *self.arrays,
            self.c,
            self.p,
            self.w,
            self.threshold,
            self.inv,
            self.y,
            self.x,
            self.last,
            self.hot,
            self.flag,
            self.tolerance,
            most,
            patience,
            jumps,
        )
        self.sweeps += sweeps
        self.work += work
        self.leapt |= leaps > 0

    def refresh(self) -> float:
        """x from y, z one round further; the residual."""
        s = self.system
        self.work += loops.push(s.sp, s.si, s.sd, self.y, self.x)
        self.residual = float(
            loops.round_of(s.owner, self.c, self.p, self.w, self.inv, self.x, self.y, self.z)
        )
        return self.residual

    def newton(self, accuracy: float) -> None:
        """A Newton step on all moving segments; after :meth:`refresh`.

        Other segments change in the next sweep. `accuracy` is the required reduction.
        """
        s = self.system
        g = self.c + self.p * self.x[s.owner]
        rows = np.flatnonzero((g > 0) & (g < self.w) & (self.p > 0))
        if not len(rows):
            return
        step = self.solve(rows, (self.z - self.y)[rows], accuracy)
        if step is None:
            return
        before = self.y[rows]
        self.y[:] = self.z
        self.y[rows] = np.clip(before + step, 0.0, self.w[rows])
        self.work += loops.push(s.sp, s.si, s.sd, self.y, self.x)
        self.flag[s.owner[self.y > 0]] = True

    def solve(self, rows: np.ndarray, rhs: np.ndarray, accuracy: float) -> np.ndarray | None:
        """`(I − A) step = rhs` on some segments; `None` if not solved."""
        s, k = self.system, len(rows)
        if k <= DENSE:
            return solved_or_none(s.cut(rows, self.p), rhs)
        spare = np.empty(s.n)

        def apply(v: np.ndarray) -> np.ndarray:
            out = np.empty(k)
            self.work += loops.again(s.owner, s.sp, s.si, s.sd, self.p, rows, v.ravel(), spare, out)
            return out[:, None]

        step, solved = krylov(apply, rhs[:, None], min(max(accuracy, 1e-13), 0.1), KRYLOV)
        if solved.all():
            return np.asarray(step[:, 0])
        return solved_or_none(s.cut(rows, self.p), rhs)

    def groups(self, *, falling: bool) -> list[Group]:
        """Closed groups of moving segments; after :meth:`refresh`."""
        moves = self.moves(falling)
        if self.known is None or not np.array_equal(self.known[0], moves):
            self.work += len(self.system.sd) // 4
            self.known = moves, closed_groups(self.system, self.p, moves)
        return self.known[1]

    def moves(self, falling: bool) -> np.ndarray:
        """(S,) the segments that move when losses rise, or fall; after :meth:`refresh`."""
        s, out = self.system, np.empty(len(self.c), bool)
        loops.moving(s.ptr, self.c, self.p, self.w, self.x, self.slack, falling, out)
        return out

    def short(self, group: Group) -> bool:
        """True if a closed group has a shortfall; after :meth:`refresh`."""
        rows = group.rows
        lacks = float(np.sum(self.z[rows] - self.y[rows]))
        return lacks > UNDECIDED * float(np.linalg.norm(self.unit[self.system.owner[rows]]))

    def shift(self, group: Group, *, falling: bool) -> None:
        """Move a closed group along its invariant vector until a segment reaches its bound."""
        rows, along = group.rows, group.invariant(self.system)
        room = self.y[rows] if falling else self.w[rows] - self.y[rows]
        reach = np.maximum(room, 0.0) / along
        far = float(reach.min())
        moved = self.y[rows] + (-far if falling else far) * along
        ends = reach <= far * (1 + 1e-14)
        self.y[rows] = np.where(
            ends, 0.0 if falling else self.w[rows], np.clip(moved, 0.0, self.w[rows])
        )


def least(
    system: System,
    c: np.ndarray,
    p: np.ndarray,
    w: np.ndarray,
    unit: np.ndarray,
    *,
    tolerance: float = 1e-10,
    start: np.ndarray | None = None,
    certify: bool | None = None,
) -> Found:
    """The least fixed point of one scenario.

    Parameters
    ----------
    c, p, w : (S,), see the top of the module. unit : (n,) the balance sheet of the node, money > 0,
        by which residuals and errors are divided.
    tolerance : bound on the error if it is computed, else on the residual.
    start : (S,) a starting point that is known to lie below the least fixed point.
    certify : compute the error bound; by default if it is cheap.

    Example
    -------
    Two banks owe each other 10, and one lacks 1: the loss circulates until all 10 are unpaid.

    >>> from scipy.sparse import csr_array
    >>> ring = System.of(np.arange(2), csr_array(np.array([[0.0, 1.0], [1.0, 0.0]])))
    >>> least(ring, np.array([1.0, 0.0]), np.ones(2), np.full(2, 10.0), np.full(2, 20.0)).y
    array([10., 10.])
    """
    search = Search(system, c, p, w, unit, tolerance, start)
    if system.amplifies:
        _concave(search)
    else:
        _fast(search, start)
    residual, error = search.residual, np.nan
    if certify or (certify is None and len(system.sd) <= CERTAIN):
        if residual == 0.0 and not search.y.any():  # y = 0 is the least possible
            return Found(search.y, search.x, residual, 0.0, search.sweeps, search.work)
        for _ in range(3):
            error, work = enclosed(system, c, p, w, unit, search.y, search.x, residual)
            search.work += work
            if not error > tolerance or residual <= 1e-15:
                break
            before, y = residual, search.y.copy()
            search.newton(0.01 * tolerance / error)
            residual = search.refresh()
            if residual >= before:
                search.y = y
                residual = search.refresh()
                break
    return Found(search.y, search.x, residual, error, search.sweeps, search.work)


def _fast(search: Search, below: np.ndarray | None) -> None:
    """Climb, with Newton steps; ascend if a closed group has a shortfall."""
    best, tries = np.inf, 0
    while tries <= NEWTON:
        search.climb(SWEEPS, PATIENCE)
        residual = search.refresh()
        done = residual <= search.tolerance
        if done or search.ratio > STUCK:
            if any(search.short(group) for group in search.groups(falling=False)):
                break
            if done:
                if search.leapt:
                    _strip(search)
                return
        tries = 0 if residual < 0.5 * best else tries + 1
        best = min(best, residual)
        search.newton(0.05 * search.tolerance / residual)
        search.leapt = True
    _ascend(search, below)


def _ascend(search: Search, below: np.ndarray | None) -> None:
    """To the least fixed point from below, one event at a time: exact, and slower.

    Let y with F(y) ≥ y lie below the least fixed point y*. Sweeps without extrapolation stay
    below. A closed group with a shortfall moves by tπ, π its invariant vector, until the first
    segment is full: if y + mπ touched y* at a segment that is not full, then
    y* ≥ y + r + mπ there, so r = 0 there and, by irreducibility, on the whole group. If sweeps
    are slow, y moves along the linear solution until the first segment is full or starts to move;
    this stays below y* by the same argument.
    """
    search.y = np.zeros_like(search.c) if below is None else below.copy()
    search.flag[:] = False
    search.leapt = False
    for _ in range(4 * len(search.c) + 100):
        search.refresh()
        search.climb(30, 20.0, jumps=False)
        residual = search.refresh()
        groups = search.groups(falling=False)
        short = [group for group in groups if search.short(group)]
        for group in short:
            search.shift(group, falling=False)
        if short:
            continue
        if residual <= search.tolerance:
            return
        if not _follow(search, [group.rows for group in groups]):
            search.climb(10_000, np.inf, jumps=False)
    search.refresh()


def _follow(search: Search, settled: list[np.ndarray]) -> bool:
    """Move along the linear solution of the moving segments to the first event; False if none.

    Closed groups without a shortfall are `settled`: they change only by rounding errors.
    """
    s = search.system
    moves = search.moves(falling=False)
    for rows in settled:
        moves[rows] = False
    rows = np.flatnonzero(moves)
    r = np.maximum(search.z - search.y, 0.0)
    step = solved_or_none(s.cut(rows, search.p), r[rows]) if len(rows) else None
    if step is None or not (step >= 0).all():
        return False
    onto = np.zeros_like(search.y)
    onto[rows] = step
    rises = np.zeros(s.n)
    loops.push(s.sp, s.si, s.sd, onto, rises)
    g = search.c + search.p * search.x[s.owner]
    speed = search.p * rises[s.owner]
    with np.errstate(divide="ignore", invalid="ignore"):
        fills = np.where(onto > 0, (search.w - search.y) / np.where(onto > 0, onto, 1.0), np.inf)
        begins = np.where((g < 0) & (speed > 0), -g / np.where(speed > 0, speed, 1.0), np.inf)
    far = float(min(1.0, fills.min(), begins[begins > 1e-12].min(initial=np.inf)))
    if far <= 0:
        return False
    search.y = np.minimum(search.y + far * onto, search.w)
    return True


def _strip(search: Search) -> None:
    """From a fixed point to the least one: reduce unpaid amounts that only circulate."""
    for _ in range(len(search.c) + 1):
        groups = search.groups(falling=True)
        if not groups:
            return
        for group in groups:
            search.shift(group, falling=True)
        search.refresh()


def _concave(search: Search) -> None:
    """A system that amplifies losses: climb; if that is slow, Newton's method from above.

    Starting from y = w on all nodes that losses reach, the set M = {c + A y < w} only grows from
    solve to solve, and solutions decrease: at most n solves, usually two or three.
    """
    s = search.system
    search.climb(SWEEPS, PATIENCE)
    if search.refresh() <= search.tolerance:
        return
    reached = search.flag.copy()
    while True:
        search.y = np.where(reached[s.owner], search.w, 0.0)
        search.refresh()
        more = reached | (search.x > search.threshold)
        if (more == reached).all():
            break
        reached = more
    moving = np.zeros(len(search.c), bool)
    for _ in range(s.n + 1):
        g = search.c + search.p * search.x[s.owner]
        now = moving | (reached[s.owner] & (g < search.w) & (search.p > 0))
        if (now == moving).all():
            break
        moving = now
        rows = np.flatnonzero(moving)
        search.y[:] = np.where(moving, 0.0, search.z)
        search.refresh()
        solved = solved_or_none(
            s.cut(rows, search.p), (search.c + search.p * search.x[s.owner])[rows]
        )
        if solved is None:
            break
        search.y[rows] = np.clip(solved, 0.0, search.w[rows])
        search.refresh()
    search.flag = reached
    search.climb(10 * SWEEPS, np.inf, jumps=False)
    search.refresh()
