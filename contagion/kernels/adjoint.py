"""The derivative of a solved segment system by one adjoint solve.

With `lost = y @ S` what creditors do not get and `y_s = clip(end_s − used_owner, 0, width_s)` what
stays unpaid, at most one segment of a node *moves*: it takes the next unit that the node lacks.
For a function V of the solution let

    price_s = dV / dy_s   = Σ_j S[s, j] (outside − worth_j)
    worth_i = −dV / dlost_i = −∂V/∂lost_i − passed_i · price_(moving segment of i)

worth is what one unit more that is received by a node adds to V, price what one unit more that
stays unpaid on a segment does. One sparse linear system in the nodes with a moving segment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from .ladder import within
from .linear import Solver
from .segments import Segments, ratio

Side = Literal["loss", "gain"]
KINK = 1e-9  # part of a balance sheet within which a node counts as standing at a kink


@dataclass(frozen=True)
class System:
    """A solved segment system.

    Attributes
    ----------
    segments : the rules.
    unpaid : (S,) money that stays unpaid.
    used : (n,) funds that the segments of each node share, after default costs.
    free : (n,) bool, pays what it can; the others pay in full or what is pinned.
    own, passed : (n,) part of external assets and of what is received that reaches `used`.
    slack : (n,) money within which two numbers are equal.
    """

    segments: Segments
    unpaid: np.ndarray
    used: np.ndarray
    free: np.ndarray
    own: np.ndarray
    passed: np.ndarray
    slack: np.ndarray

    @property
    def rate(self) -> np.ndarray:
        """(S,) part of each segment that stays unpaid."""
        return ratio(self.unpaid, self.segments.width)


@dataclass(frozen=True)
class Moving:
    """The segments that move when every node loses, or gains, a little more.

    segment : (n,) number of the segment that moves, -1 where none does.
    full : (S,) bool, nothing is paid on the segment and nothing more can be lost.
    kinked : (n,) bool, the other side has another derivative.
    """

    segment: np.ndarray
    full: np.ndarray
    kinked: np.ndarray


def between(x: np.ndarray, width: np.ndarray, slack: np.ndarray, side: Side) -> np.ndarray:
    """Does `clip(x, 0, width)` move when x rises (side "loss") or falls ("gain")?

    >>> x, width, slack = np.array([0.0, 1.0, 2.0]), np.full(3, 2.0), np.zeros(3)
    >>> between(x, width, slack, "loss"), between(x, width, slack, "gain")
    (array([ True,  True, False]), array([False,  True,  True]))
    """
    if side == "loss":
        return np.asarray((x >= -slack) & (x < width - slack))
    return np.asarray((x > slack) & (x <= width + slack))


def exceeds(x: np.ndarray, slack: np.ndarray, side: Side) -> np.ndarray:
    """Does `max(x, 0)` move when x falls (side "loss") or rises ("gain")? False for nan."""
    return np.asarray(x > slack if side == "loss" else x >= -slack)


def moving(system: System, side: Side) -> Moving:
    """The segments that move, in the direction of losses or of gains."""
    segments, owner = system.segments, system.segments.owner
    width, slack = segments.width, system.slack[owner]
    x = segments.start + width - system.used[owner]
    takes = system.free[owner] & (width > 0)
    now = takes & between(x, width, slack, side)
    chosen = np.full(len(system.used), -1)
    chosen[owner[now]] = np.flatnonzero(now)
    full = takes & ~now & (x > 0.5 * width)
    edge = takes & ((np.abs(x) <= slack) | (np.abs(x - width) <= slack))
    kinked = np.zeros(len(system.used), bool)
    kinked[owner[edge]] = True
    return Moving(chosen, full, kinked)


@dataclass(frozen=True)
class Adjoint:
    """worth (n,) and price (S,), see the top of the module; nan where not `converged`."""

    worth: np.ndarray
    price: np.ndarray
    converged: bool

    def at(self, moves: Moving) -> np.ndarray:
        """(n,) the price of the moving segment of each node, 0 where none moves."""
        price = self.price[moves.segment] if len(self.price) else np.zeros(len(moves.segment))
        return np.where(moves.segment >= 0, price, 0.0)


def adjoint(system: System, moves: Moving, lost: np.ndarray, outside: float) -> Adjoint:
    """Solve the adjoint system.

    Parameters
    ----------
    system, moves : the solution, and which of its segments move.
    lost : (n,) ∂V/∂lost_i with everything else held.
    outside : ∂V for one unit that stays unpaid to anybody in the graph.

    Example
    -------
    a pays all it has to b, b all it has to c: one unit lost by a is lost three times.

    >>> from .shares import Shares
    >>> shares = Shares(csr_array(np.array([[0., 1, 0], [0, 0, 1]])))
    >>> two = Segments(np.arange(2), np.zeros(2), np.full(2, 4.0), shares, np.array([4., 4, 0]),
    ...     np.arange(2), np.full(2, 4.0))
    >>> system = System(two, np.full(2, 2.0), np.array([2., 2, 0]), np.array([True, True, False]),
    ...     np.ones(3), np.ones(3), np.zeros(3))
    >>> adjoint(system, moving(system, "loss"), np.ones(3), 0.0).worth
    array([-3., -2., -1.])
    """
    shares = system.segments.shares
    at = np.flatnonzero(moves.segment >= 0)
    rows = moves.segment[at]
    worth = -np.asarray(lost, float)
    converged = True
    if len(at):
        part = shares.explicit(rows)
        passed = system.passed[at]
        known = worth.copy()
        known[at] = 0.0
        rhs = worth[at] + passed * (part @ known)
        if outside:
            rhs = rhs - passed * outside * system.segments.inside[rows]
        inner = part if len(at) == len(worth) else part[:, at]
        if (passed != 1).any():
            inner = csr_array(inner.multiply(passed[:, None]))
        worth[at], solved = Solver(inner)(rhs)
        converged = bool(solved)
    price = _gathered(system.segments, outside - worth)
    return Adjoint(worth, price, converged)


def reaches_an_end(matrix: csr_array) -> bool:
    """Is the series `Σ matrix^k` of a nonnegative matrix finite (spectral radius below 1)?

    >>> reaches_an_end(csr_array(np.array([[0.0, 0.5], [1.5, 0.0]])))
    True
    >>> reaches_an_end(csr_array(np.array([[0.0, 1.5], [1.0, 0.0]])))
    False
    """
    if not matrix.shape[0] or float(np.max(matrix.sum(axis=1))) < 1:
        return True
    return bool(Solver(matrix)(np.ones(matrix.shape[0]))[1])


def places(segments: Segments) -> np.ndarray:
    """(m,) the one segment that a claim loses by, -1 where there are several or none.

    Where claims share pro rata in tiers, that segment is their tier.
    """
    if segments.to is None:
        return segments.debtor
    to, m = segments.to, len(segments.amount)
    count = np.bincount(to.direct.indices, minlength=m)
    if to.bundles is not None:
        count = count + 2 * np.bincount(to.bundles.indices, minlength=m)
    place = np.full(m, -1)
    place[to.direct.indices] = np.repeat(np.arange(to.shape[0]), np.diff(to.direct.indptr))
    return np.where(count == 1, place, -1)


def by_claim(
    system: System,
    moves: Moving,
    solved: Adjoint,
    place: np.ndarray,
    creditor: np.ndarray,
    outside: float,
) -> np.ndarray:
    """(m,) what the segments add to dV / damount, where claims share pro rata in tiers.

    With r the part of the segment s that stays unpaid and j the creditor, a larger amount changes
    the shares `amount / width` by `r (outside − worth_j − price_s)`, and moves the end of its
    segment and of all that are paid later: the moving one takes it, `price_moving`. On segments
    that are lost whole, or pinned, the claim loses the part r of itself.
    """
    if not len(system.unpaid):
        return np.zeros(len(place))
    owner, rate = system.segments.owner, system.rate
    whole = moves.full | ~system.free[owner]
    shifted = np.where(whole, 0.0, solved.at(moves)[owner] - rate * solved.price)
    at = np.maximum(place, 0)
    return np.asarray(shifted[at] + rate[at] * (outside - solved.worth)[creditor])


def by_outside(
    system: System,
    moves: Moving,
    solved: Adjoint,
    external: np.ndarray,
    together: np.ndarray,
    tiered: np.ndarray,
) -> np.ndarray:
    """(n,) what the segments add to dV / d external liabilities; nan where that is not one number.

    The external claim is paid before a segment, with it or after it: o is 1 where the end of the
    moving segment moves along, φ where the two share and the shares in the graph shrink:
    `price (o − r φ)`. Senior claims have o = 1 and φ = 0; others are looked up among the segments
    of nodes whose claims fill one segment each (`tiered`). Where nothing is owed outside,
    `together` says whether it would be senior.
    """
    segments, t = system.segments, moves.segment
    if not len(segments.owner):
        return np.zeros(len(t))
    inside = segments.width * segments.inside
    paid = within(segments.owner, inside) + inside
    some = external > KINK * segments.due
    first = np.full(len(t), np.inf)
    head = np.flatnonzero(np.diff(segments.owner, prepend=-1))
    first[segments.owner[head]] = segments.start[head]
    senior = np.where(some, first >= (1 - KINK) * external, ~together)
    owed = np.where(some, external, 1.0)
    before = (segments.start + segments.width - paid)[t] / owed
    shared = (segments.width - inside)[t] / owed
    plain = segments.to is None
    o = np.where(some, np.where(tiered, np.rint(before), np.nan), 1.0 if plain else np.nan)
    phi = np.where(some, np.rint(shared), 1.0)
    o, phi = np.where(senior, 1.0, o), np.where(senior, 0.0, phi)
    moved = solved.at(moves) * (o - system.rate[t] * phi)
    return np.asarray(np.where(t >= 0, moved, 0.0))


def _gathered(segments: Segments, money: np.ndarray) -> np.ndarray:
    """`S @ money`, (n,) to (S,)."""
    shares = segments.shares
    out = np.asarray(shares.direct @ money)
    if shares.picks is not None and shares.bundles is not None:
        out = out + shares.picks @ (shares.bundles @ money)
    return out
