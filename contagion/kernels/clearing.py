"""The clearing kernel: the fixed point of the segments, for a batch of scenarios.

Written in what is *not* paid, `y = width − payments`, so that work and rounding follow the
nodes in default and not the size of the system:

    lost  = y @ S                                          what creditors do not get
    y     = clip(start + width − funds[owner], 0, width)   funds = external assets + claims − lost

From y = 0 upward this reaches the greatest clearing vector, from y = width downward the least.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from .krylov import bicgstab
from .segments import Segments

THRESHOLD = 1e-12  # funds this close to what is due (relative to the balance sheet) are solvent
PATIENCE = 24  # plain rounds that a linear solve has to save before it is worth its cost


@dataclass(frozen=True)
class Cleared:
    """What the kernel hands back; B scenarios, n nodes, S segments.

    unpaid (B, S) and funds (B, n) are money; funds are before default costs. default_round is
    -1 for solvent nodes and only meaningful outside mode "fast". residual (B,) is the largest change
    of one more round relative to the balance sheet of the node; products counts sparse
    products in units of the whole matrix.
    """

    unpaid: np.ndarray
    funds: np.ndarray
    defaulted: np.ndarray
    default_round: np.ndarray
    rounds: np.ndarray
    residual: np.ndarray
    converged: np.ndarray
    products: float
    history: list[tuple[np.ndarray, np.ndarray]]


@dataclass
class Push:
    """`lost = y @ S` over the rows that have something unpaid; counts what it costs."""

    matrix: csr_array
    products: float = 0.0
    rows: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    part: csr_array | None = None

    def __call__(self, y: np.ndarray) -> np.ndarray:
        rows = np.flatnonzero(y.any(axis=1)) if y.shape[1] > 1 else np.flatnonzero(y)
        if 2 * len(rows) > self.matrix.shape[0]:
            self.products += 1.0
            return self._times(self.matrix, y)
        if not len(rows):
            return np.zeros((self.matrix.shape[1], y.shape[1]))
        if self.part is None or not np.isin(rows, self.rows, assume_unique=True).all():
            self.rows = rows if self.part is None else np.union1d(rows, self.rows)
            self.part = self.matrix[self.rows]
        self.products += self.part.nnz / max(self.matrix.nnz, 1)
        return self._times(self.part, y[self.rows])

    @staticmethod
    def _times(matrix: csr_array, y: np.ndarray) -> np.ndarray:
        if y.shape[1] == 1:
            return np.asarray(matrix.T @ y.ravel())[:, None]
        return np.asarray(matrix.T @ y)


@dataclass
class Problem:
    """One clearing problem and where its iteration stands. Arrays (S, B) and (n, B)."""

    segments: Segments
    external: np.ndarray
    claims: np.ndarray
    stuck: np.ndarray
    pin: np.ndarray
    alpha: float
    beta: float
    limit: np.ndarray

    def __post_init__(self) -> None:
        segments = self.segments
        plain = len(segments.owner) == len(segments.due)
        self.owner = slice(None) if plain else segments.owner
        self.width = segments.width[:, None]
        self.end = (segments.start + segments.width)[:, None]
        self.assets = self.external + self.claims
        self.constant = self.end - self.assets[self.owner]
        self.fixed = self.stuck[self.owner]
        self.still = np.where(self.fixed, self.width * (1.0 - self.pin[self.owner]), 0.0)
        self.any_fixed = bool(self.fixed.any())
        self.push = Push(segments.shares)
        scale = self.claims + segments.due[:, None] + self.external.max(axis=1, keepdims=True)
        self.inverse = (1.0 / np.where(scale > 0, scale, 1.0))[self.owner]
        self.rounds = 0
        self.residual = np.full(self.external.shape[1], np.inf)

    def start(self, *, least: bool) -> None:
        if least:
            self.y = np.where(self.fixed, self.still, self.width)
        else:
            self.y = self.step(np.zeros_like(self.external))
        self.lost = self.push(self.y)

    def insolvent(self, lost: np.ndarray | float) -> np.ndarray:
        """Nodes whose funds fall below the limit when creditors have lost `lost`."""
        return np.asarray((self.assets - lost < self.limit) & ~self.stuck)

    def hold(self, default: np.ndarray) -> None:
        """Fix which nodes are in default: the others pay in full, these bear default costs."""
        funds = self.alpha * self.external + self.beta * self.claims
        self.constant = np.where(default[self.owner], self.end - funds[self.owner], -np.inf)

    def step(self, lost: np.ndarray) -> np.ndarray:
        """One round: what stays unpaid when creditors have lost `lost`."""
        y = lost[self.owner] * self.beta if self.beta < 1 else lost[self.owner].copy()
        y += self.constant
        np.clip(y, 0.0, self.width, out=y)
        if self.any_fixed:
            np.copyto(y, self.still, where=self.fixed)
        return y

    def iterate(
        self,
        tolerance: float,
        most: int,
        *,
        accelerate: bool = True,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Rounds until the residual meets the tolerance, `most` rounds are spent, or `stop()`."""
        before, wait = np.full_like(self.residual, np.inf), 3
        while self.rounds < most:
            self.rounds += 1
            wait -= 1
            z = self.step(self.lost)
            change = z - self.y
            self.residual = (np.abs(change) * self.inverse).max(axis=0, initial=0.0)
            if (self.residual <= tolerance).all():
                return
            if accelerate and wait < 0 and _slow(self.residual, before, tolerance):
                z = self.y + _linear(self, change, z)
                wait = 2
            before = self.residual
            self.y = z
            self.lost = self.push(z)
            if stop():
                return


def clear(
    segments: Segments,
    external: np.ndarray,
    claims: np.ndarray,
    can_fail: np.ndarray,
    *,
    pinned: np.ndarray | None = None,
    alpha: float = 1.0,
    beta: float = 1.0,
    least: bool = False,
    strict: bool = True,
    tolerance: float = 1e-10,
    max_rounds: int = 10_000,
    mode: Literal["fast", "waves", "rounds"] = "fast",
    limit: np.ndarray | None = None,
    history: bool = False,
) -> Cleared:
    """Clear a batch of scenarios.

    Parameters
    ----------
    segments : the compiled rules.
    external : (B, n) external assets after the shock, money.
    claims : (n,) claims at face value.
    can_fail : (n,) bool.
    pinned : (B, n) recovery in [0, 1] of nodes that fail for outside reasons, nan elsewhere.
    alpha, beta : parts of external assets and of received payments that survive default.
    least : the least clearing vector instead of the greatest.
    strict : funds that just equal what is due are solvent.
    tolerance : bound on the residual.
    max_rounds : rounds after which `converged` stays false.
    mode : "waves": nodes default in waves, each cleared to its fixed point before the next one
        (fictitious default algorithm of Eisenberg & Noe 2001; GA of Rogers & Veraart 2013,
        definition 3.6). "rounds": plain synchronous rounds. "fast": whatever is fastest.
    limit : (n,) funds below which a node counts as in default, by default what is due.
    history : keep (funds, defaulted) of every wave or round.

    Returns
    -------
    Cleared
    """
    batch, n = external.shape
    face = np.ascontiguousarray(external.T)
    pin = np.full((n, batch), np.nan) if pinned is None else np.ascontiguousarray(pinned.T)
    outside = ~np.isnan(pin)
    if limit is None:
        scale = claims + segments.due + face.max(axis=1, initial=0.0)
        limit = segments.due + (-THRESHOLD if strict else THRESHOLD) * scale
    problem = Problem(
        segments,
        face,
        claims[:, None],
        ~can_fail[:, None] | outside,
        np.where(outside, pin, 1.0),
        alpha,
        beta,
        limit[:, None],
    )
    costly = alpha < 1 or beta < 1
    default = problem.insolvent(0.0) if not least else ~problem.stuck
    default_round = np.where(default | outside, 0, -1).astype(np.int32)
    kept = [(problem.assets.T.copy(), (default | outside).T.copy())] if history else []

    def record(number: int, grown: np.ndarray) -> None:
        default_round[grown & (default_round < 0)] = number
        if history:
            kept.append(((problem.assets - problem.lost).T.copy(), (grown | outside).T.copy()))

    def each_round() -> bool:
        record(problem.rounds, problem.insolvent(problem.lost))
        return False

    if mode == "rounds":
        problem.start(least=least)
        record(1, problem.insolvent(problem.lost))
        problem.rounds = 1
        problem.iterate(tolerance, max_rounds, accelerate=False, stop=each_round)
    elif mode == "fast" and not costly:
        problem.start(least=least)
        problem.iterate(tolerance, max_rounds)
    else:
        problem.hold(default)
        problem.start(least=least)
        for wave in range(1, max_rounds):
            problem.iterate(
                tolerance,
                max_rounds,
                stop=lambda: (
                    mode == "fast"
                    and bool(
                        (problem.insolvent(problem.lost) & ~default).any()
                    )
                ),
            )
            grown = problem.insolvent(problem.lost)
            if not least:
                grown |= default
            record(wave, grown)
            if (grown == default).all() or problem.rounds >= max_rounds:
                break
            default = grown
            problem.hold(default)
    funds = problem.assets - problem.lost
    ended = problem.insolvent(problem.lost) | outside
    return Cleared(
        problem.y.T,
        funds.T,
        ended.T,
        default_round.T,
        np.full(batch, problem.rounds),
        problem.residual,
        problem.residual <= tolerance,
        problem.push.products,
        kept,
    )


def _slow(residual: np.ndarray, before: np.ndarray, tolerance: float) -> bool:
    """Would plain rounds need more than PATIENCE to bring every scenario to the tolerance?"""
    live = (residual > tolerance) & np.isfinite(before)
    if not live.any():
        return False
    rate = np.clip(residual[live] / before[live], 1e-12, 1 - 1e-12)
    return bool((np.log(tolerance / residual[live]) / np.log(rate) > PATIENCE).any())


def _linear(problem: Problem, change: np.ndarray, z: np.ndarray) -> np.ndarray:
    """All coming rounds at once while no segment fills up or runs dry: `δ = change + A δ`.

    A segment that would leave its bounds is put at the bound and the rest solved again, so
    that the step does not pass the fixed point; scenarios for which that does not settle get
    the plain round.
    """
    owner, width, y = problem.owner, problem.width, problem.y
    moving = (z > 0) & (z < width) & ~problem.fixed
    delta = change.copy()
    room = np.where(change >= 0, width - y, -y)

    def again(x: np.ndarray) -> np.ndarray:
        return np.where(moving, problem.beta * problem.push(x)[owner], 0.0)

    good = np.zeros(change.shape[1], bool)
    for _ in range(4):
        rhs = np.where(
            moving, change + problem.beta * problem.push(np.where(moving, 0.0, delta))[owner], 0.0
        )
        x, solved, _ = bicgstab(again, rhs, 1e-13)
        full = np.where(moving, x, delta)
        beyond = moving & ((y + full > width) | (y + full < 0))
        if not beyond.any():
            good = solved
            break
        delta = np.where(beyond, room, delta)
        moving = moving & ~beyond
    good &= np.isfinite(full).all(axis=0)
    return np.where(good, full, change)
