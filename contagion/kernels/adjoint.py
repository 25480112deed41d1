"""The derivative of a solved segment system by one adjoint solve.

With `lost = y @ S` the losses of creditors and `y_s = clip(end_s − used_owner, 0, width_s)` the
unpaid amounts, at most one segment of a node *moves*: it absorbs the next unit of shortfall.
For a function V of the solution let

    price_s = dV / dy_s   = Σ_j S[s, j] (outside − worth_j)
    worth_i = −dV / dlost_i = −∂V/∂lost_i − passed_i · price_(moving segment of i)

worth is the change of V per additional unit received by a node, price the change of V per
additional unpaid unit on a segment. Both follow from one sparse linear system in the nodes with a
moving segment.
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
KINK = 1e-9  # distance from a kink, relative to the balance sheet, that counts as at the kink


@dataclass(frozen=True)
class System:
    """A solved segment system.

    Attributes
    ----------
    segments : the rules.
    unpaid : (S,) unpaid amounts, money.
    used : (n,) funds available to the segments of each node, after default costs.
    free : (n,) bool, payments depend on funds; other nodes pay in full or at a fixed recovery rate.
    own, passed : (n,) shares of external assets and of payments received that reach `used`.
    slack : (n,) tolerance for equality, money.
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
        """(S,) unpaid share of each segment."""
        return ratio(self.unpaid, self.segments.width)


@dataclass(frozen=True)
class Moving:
    """The segments that move when every node has a small additional loss, or gain.

    segment : (n,) number of the moving segment, -1 if none.
    full : (S,) bool, the segment is unpaid in full and cannot lose more.
    kinked : (n,) bool, the left and right derivatives differ.
    """

    segment: np.ndarray
    full: np.ndarray
    kinked: np.ndarray


def between(x: np.ndarray, width: np.ndarray, slack: np.ndarray, side: Side) -> np.ndarray:
    """True where `clip(x, 0, width)` changes when x rises (side "loss") or falls ("gain").

    >>> x, width, slack = np.array([0.0, 1.0, 2.0]), np.full(3, 2.0), np.zeros(3)
    >>> between(x, width, slack, "loss"), between(x, width, slack, "gain")
    (array([ True,  True, False]), array([False,  True,  True]))
    """
    if side == "loss":
        return np.asarray((x >= -slack) & (x < width - slack))
    return np.asarray((x > slack) & (x <= width + slack))


def exceeds(x: np.ndarray, slack: np.ndarray, side: Side) -> np.ndarray:
    """True where `max(x, 0)` changes when x falls (side "loss") or rises ("gain"); nan: False."""
    return np.asarray(x > slack if side == "loss" else x >= -slack)


def moving(system: System, side: Side) -> Moving:
    """The segments that move, for additional losses or for gains."""
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
        """(n,) the price of the moving segment of each node, 0 if none."""
        price = self.price[moves.segment] if len(self.price) else np.zeros(len(moves.segment))
        return np.where(moves.segment >= 0, price, 0.0)


def adjoint(system: System, moves: Moving, lost: np.ndarray, outside: float) -> Adjoint:
    """Solve the adjoint system.

    Parameters
    ----------
    system, moves : the solution, and its moving segments.
    lost : (n,) ∂V/∂lost_i with everything else held fixed.
    outside : ∂V for one unit left unpaid to a creditor in the graph.

    Example
    -------
    a pays all its assets to b, b pays all to c: a loss of one unit at a is counted three times.

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
    """True if the series `Σ matrix^k` of a nonnegative matrix converges (spectral radius below 1).

    >>> reaches_an_end(csr_array(np.array([[0.0, 0.5], [1.5, 0.0]])))
    True
    >>> reaches_an_end(csr_array(np.array([[0.0, 1.5], [1.0, 0.0]])))
    False
    """
    if not matrix.shape[0] or float(np.max(matrix.sum(axis=1))) < 1:
        return True
    return bool(Solver(matrix)(np.ones(matrix.shape[0]))[1])


def places(segments: Segments) -> np.ndarray:
    """(m,) the segment in which a claim bears losses, -1 if there are several or none.

    If claims share pro rata in tiers, this is the segment of their tier.
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
    """(m,) contribution of the segments to dV / damount, if claims share pro rata in tiers.

    With r the unpaid share of segment s and j the creditor, a larger amount has two effects. It
    changes the shares `amount / width`, by `r (outside − worth_j − price_s)`, and it shifts the end
    of its segment and of all segments paid later, which adds `price_moving`. On segments that are
    unpaid in full, or have a fixed recovery rate, the claim loses the share r of its amount.
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
    """(n,) contribution of the segments to dV / d external liabilities; nan where not unique.

    The contribution is `price (o − r φ)`. The external claim is paid before a segment, with it or
    after it: o is 1 if it shifts the end of the moving segment; φ applies if the two share pro rata
    and the shares in the graph shrink. Senior claims have o = 1 and φ = 0; other ranks are looked
    up among the segments of nodes whose claims fill one segment each (`tiered`). For a node without
    external liabilities, `together` tells whether they would be senior.
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
