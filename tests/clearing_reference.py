"""Clearing vectors in exact arithmetic, and in closed form on rings.

Nothing of the package is used here: a system is plain numbers. Amounts are money; the unpaid part
`y_s` of segment s is the least solution of `y = clip(c + p (y @ S)[owner], 0, w)`, and the least
`y` is the greatest clearing vector. The least clearing vector is the least solution of the same
problem in what is *paid*, `z = w − y`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Row = dict[int, Fraction]
ZERO, ONE = Fraction(0), Fraction(1)


@dataclass
class System:
    """One scenario of a network.

    assets : (n,) external assets after the shock.
    debts : (debtor, creditor or −1 outside, amount, order); the lowest order is paid first,
        equal orders pro rata.
    pins : node to the recovery that is given. firm : nodes that pay in full whatever they have.
    alpha, beta : parts of external assets and of payments received that survive default.
    least : the least clearing vector instead of the greatest.
    """

    assets: list[float]
    debts: list[tuple[int, int, float, float]]
    pins: dict[int, float] = field(default_factory=dict)
    firm: frozenset[int] = frozenset()
    alpha: float = 1.0
    beta: float = 1.0
    least: bool = False


@dataclass
class Answer:
    """(n,) in doubles: payments in the graph and outside, equity, due, claims, failed.

    called, unmet : (Q,) guarantees, where there are any.
    margin : smallest distance of funds from what is due that is not 0, of the balance sheet, over
        all decisions of the waves: with default costs, nothing depends on a smaller change.
    shortage : smallest net shortage of a closed class on the way, of its balance sheets.
    gain : how often a disturbance of every balance sheet by the same part is found again in one,
        at most, over the fixed points of all waves.
    """

    paid: np.ndarray
    outside: np.ndarray
    equity: np.ndarray
    due: np.ndarray
    claims: np.ndarray
    failed: np.ndarray
    called: np.ndarray | None = None
    unmet: np.ndarray | None = None
    margin: float = math.inf
    shortage: float = math.inf
    gain: float = 1.0


# -- exact ----------------------------------------------------------------------------------


def clear(system: System) -> Answer:
    """The greatest or the least clearing vector of a system, in rational numbers.

    Without default costs one fixed point. With them waves: the greatest from nobody in default,
    a wave is the greatest vector for a given set of defaults, and who falls short joins the set;
    the least from everybody in default, and who has enough leaves the set.
    """
    work = Exact(system)
    if system.alpha == 1 and system.beta == 1:
        unpaid = work.solve(None)
    else:
        default = {i for i in range(work.n) if work.free(i)} if system.least else set()
        while True:
            unpaid = work.solve(default)
            now = work.short(unpaid)
            if now == default:
                break
            assert (now < default) if system.least else (now > default)
            default = now
    return work.answer(unpaid)


class Exact:
    """A system as segments of rational width; one segment for each order of each node."""

    def __init__(self, system: System):
        self.system, self.n = system, len(system.assets)
        self.assets = [Fraction(x) for x in system.assets]
        self.claims, self.due = [ZERO] * self.n, [ZERO] * self.n
        groups: dict[tuple[int, float], list[tuple[int, Fraction]]] = defaultdict(list)
        for debtor, creditor, amount, order in system.debts:
            if amount > 0:
                groups[debtor, order].append((creditor, Fraction(amount)))
        self.owner, self.end, self.width, self.to = [], [], [], []
        self.groups = sorted(groups)
        for i, order in self.groups:
            mine = groups[i, order]
            width = sum((money for _, money in mine), ZERO)
            part: Row = defaultdict(lambda: ZERO)
            for creditor, money in mine:
                if creditor >= 0:
                    self.claims[creditor] += money
                    part[creditor] += money / width
            self.due[i] += width
            self.owner.append(i)
            self.width.append(width)
            self.end.append(self.due[i])
            self.to.append(dict(part))
        self.inside = [sum(to.values(), ZERO) for to in self.to]
        self.within = [(w, ZERO) for w in self.width]  # of which it is a part, lost before it
        self.size = [c + d for c, d in zip(self.claims, self.due, strict=True)]
        self.margin = self.shortage = math.inf
        self.gain = 1.0

    def free(self, i: int) -> bool:
        return i not in self.system.pins and i not in self.system.firm

    def solve(self, default: set[int] | None) -> list[Fraction]:
        """What stays unpaid of each segment, given who bears default costs (`None`: nobody)."""
        alpha, beta = Fraction(self.system.alpha), Fraction(self.system.beta)
        c, p = [], []
        for i, end, (whole, before) in zip(self.owner, self.end, self.within, strict=True):
            if i in self.system.pins:
                c.append(whole * (1 - Fraction(self.system.pins[i])) - before)
                p.append(ZERO)
            elif i in self.system.firm or (default is not None and i not in default):
                c.append(ZERO)
                p.append(ZERO)
            else:
                a, b = (ONE, ONE) if default is None else (alpha, beta)
                c.append(end - a * self.assets[i] - b * self.claims[i])
                p.append(b)
        if not self.system.least:
            return self._least(c, p)
        reached = self.lost(self.width)
        mirrored = [
            w - x - q * reached[i] for i, w, x, q in zip(self.owner, self.width, c, p, strict=True)
        ]
        paid = self._least(mirrored, p)
        return [w - z for w, z in zip(self.width, paid, strict=True)]

    def lost(self, y: list[Fraction]) -> list[Fraction]:
        out = [ZERO] * self.n
        for money, to in zip(y, self.to, strict=True):
            if money:
                for j, share in to.items():
                    out[j] += share * money
        return out

    def _least(self, c: list[Fraction], p: list[Fraction]) -> list[Fraction]:
        """The least `y = clip(c + p lost, 0, w)`, always from below and never past a bound.

        The moving segments are linear in between. `y` stays below the answer and below its own
        image. A closed class among the moving (what one loses another loses, all of it) moves
        along its invariant vector until the first segment is full; what is left is transient and
        moves along the solution of its linear system, also until the first is full.
        """
        y = [ZERO if q else min(max(x, ZERO), w) for x, q, w in zip(c, p, self.width, strict=True)]
        for _ in range(10 * len(y) + 10):
            lost = self.lost(y)
            g = [x + q * lost[i] for x, q, i in zip(c, p, self.owner, strict=True)]
            full = [s for s, w in enumerate(self.width) if g[s] >= w > y[s]]
            for s in full:
                y[s] = self.width[s]
            if full:
                continue
            moving = [s for s, w in enumerate(self.width) if p[s] and 0 < g[s] < w]
            change = {s: g[s] - y[s] for s in moving}
            assert all(x >= 0 for x in change.values())
            matrix = self._among(moving, p)
            if not any(change.values()):
                self.gain = max(self.gain, self._gain(matrix, moving))
                return y
            closed = closed_classes(matrix)
            short = [k for k in closed if any(change[s] for s in k)]
            for members in short:
                whole = sum((self.size[self.owner[s]] for s in members), ZERO)
                net = sum((change[s] for s in members), ZERO)
                self.shortage = min(self.shortage, float(net / whole))
                self._advance(y, invariant(matrix, members), None)
            if not short:
                at = set(moving) - {s for k in closed for s in k}
                rows = {s: {t: x for t, x in matrix[s].items() if t in at} for s in at}
                self._advance(y, solve(rows, {s: change[s] for s in at}), ONE)
        raise AssertionError("the exact reference did not end")

    def _among(self, moving: list[int], p: list[Fraction]) -> dict[int, Row]:
        """`matrix[t][s]`: what segment t loses more when segment s loses one more."""
        mover = {self.owner[s]: s for s in moving}
        assert len(mover) == len(moving), "two segments of a node move at once"
        matrix: dict[int, Row] = {s: {} for s in moving}
        for s in moving:
            for j, share in self.to[s].items():
                if j in mover:
                    matrix[mover[j]][s] = p[mover[j]] * share
        return matrix

    def _advance(self, y: list[Fraction], step: Row, most: Fraction | None) -> None:
        room = [(self.width[s] - y[s]) / d for s, d in step.items() if d > 0]
        far = min(room if most is None else [*room, most])
        for s, d in step.items():
            assert d >= 0
            y[s] += far * d

    def _gain(self, matrix: dict[int, Row], moving: list[int]) -> float:
        """Largest entry of `(I − A)⁻¹ 1`, in doubles, with every node in units of its size."""
        if not moving:
            return 1.0
        place = {s: k for k, s in enumerate(moving)}
        dense = np.eye(len(moving))
        for t, row in matrix.items():
            for s, x in row.items():
                ratio = self.size[self.owner[s]] / self.size[self.owner[t]]
                dense[place[t], place[s]] -= float(x * ratio)
        return float(np.linalg.solve(dense, np.ones(len(moving))).max())

    def short(self, unpaid: list[Fraction]) -> set[int]:
        """Nodes whose funds are below what is due."""
        out, lost = set(), self.lost(unpaid)
        for i in filter(self.free, range(self.n)):
            over = self.assets[i] + self.claims[i] - lost[i] - self.due[i]
            if over < 0:
                out.add(i)
            if self.size[i] and (over or self.system.least):
                self.margin = min(self.margin, float(abs(over) / self.size[i]))
        return out

    def answer(self, unpaid: list[Fraction]) -> Answer:
        paid, whole = [ZERO] * self.n, [ZERO] * self.n
        for s, money in enumerate(unpaid):
            whole[self.owner[s]] += self.width[s] - money
            paid[self.owner[s]] += (self.width[s] - money) * self.inside[s]
        lost, pins = self.lost(unpaid), self.system.pins
        kept = (self.margin, self.shortage, self.gain)
        over = [
            (Fraction(pins[i]) - 1) * self.due[i]
            if i in pins
            else self.assets[i] + self.claims[i] - lost[i] - self.due[i]
            for i in range(self.n)
        ]
        failed = [i in pins or (self.free(i) and over[i] < 0) for i in range(self.n)]
        rest = [a - b for a, b in zip(whole, paid, strict=True)]
        columns = [np.array([float(x) for x in each]) for each in (paid, rest, over)]
        sizes = [np.array([float(x) for x in each]) for each in (self.due, self.claims)]
        return Answer(*columns, *sizes, np.array(failed, bool), None, None, *kept)


def closed_classes(matrix: dict[int, Row]) -> list[list[int]]:
    """Strong components in which columns sum to 1: what is lost inside stays inside."""
    nodes = list(matrix)
    place = {s: k for k, s in enumerate(nodes)}
    total: Row = defaultdict(lambda: ZERO)
    ends = []
    for t, row in matrix.items():
        for s, x in row.items():
            total[s] += x
            ends.append((place[s], place[t]))
    if not ends:
        return []
    tail, head = np.array(ends).T
    graph = csr_array((np.ones(len(tail)), (tail, head)), shape=(len(nodes), len(nodes)))
    count, of = connected_components(graph, connection="strong")
    leaves = {int(of[a]) for a, b in ends if of[a] != of[b]}
    leaves |= {int(of[place[s]]) for s in nodes if total[s] < 1}
    members: dict[int, list[int]] = defaultdict(list)
    for s in nodes:
        members[int(of[place[s]])].append(s)
    return [members[k] for k in range(count) if k not in leaves]


def invariant(matrix: dict[int, Row], members: list[int]) -> Row:
    """π with `A π = π` on a closed class, 1 at its first member."""
    first, rest = members[0], set(members[1:])
    rows = {t: {s: x for s, x in matrix[t].items() if s in rest} for t in rest}
    return {first: ONE} | solve(rows, {t: matrix[t].get(first, ZERO) for t in rest})


def solve(rows: dict[int, Row], right: Row) -> Row:
    """`x = A x + right` by elimination, without pivoting: I − A is an M-matrix."""
    left = {t: {s: -x for s, x in row.items()} for t, row in rows.items()}
    for t in left:
        left[t][t] = left[t].get(t, ZERO) + ONE
    right, column = dict(right), defaultdict(set)
    for t, row in left.items():
        for s in row:
            column[s].add(t)
    order = sorted(left, key=lambda t: len(left[t]) * len(column[t]))
    done: set[int] = set()
    for k in order:
        done.add(k)
        pivot = left[k]
        for t in [t for t in column[k] if t not in done]:
            factor = left[t].pop(k) / pivot[k]
            for s, x in pivot.items():
                if s != k and s not in done:
                    left[t][s] = left[t].get(s, ZERO) - factor * x
                    column[s].add(t)
            right[t] -= factor * right[k]
    out: Row = {}
    for k in reversed(order):
        known = sum((x * out[s] for s, x in left[k].items() if s in out), ZERO)
        out[k] = (right[k] - known) / left[k][k]
    return out


# -- closed form ------------------------------------------------------------------------------


def ring(system: System) -> Answer:
    """The same where node i owes node i + 1, the last the first, after creditors outside.

    Node i pays `clip(assets − senior + received, 0, owed)`. Once around the ring that is
    `clip(x + a, low, high)` of what the first node receives: with a > 0 the fixed point is
    `high`, with a < 0 it is `low`, with a = 0 it is everything in between.
    """
    n = len(system.assets)
    width, senior = [ZERO] * n, [ZERO] * n
    for debtor, creditor, amount, order in system.debts:
        assert creditor == (debtor + 1) % n if creditor >= 0 else order < 1
        (width if creditor >= 0 else senior)[debtor] += Fraction(amount)
    spare = [Fraction(a) - b for a, b in zip(system.assets, senior, strict=True)]
    low, high = ZERO, width[-1]
    for b, w in zip(spare, width, strict=True):
        low, high = (min(max(x + b, ZERO), w) for x in (low, high))
    total = sum(spare, ZERO)
    received = high if total > 0 or (total == 0 and not system.least) else low
    paid, outside, equity = [], [], []
    for b, w, first in zip(spare, width, senior, strict=True):
        funds = received + b
        outside.append(float(min(max(funds + first, ZERO), first)))
        equity.append(float(funds - w))
        received = min(max(funds, ZERO), w)
        paid.append(float(received))
    due = np.array([float(a + b) for a, b in zip(width, senior, strict=True)])
    claims = np.roll(np.array([float(w) for w in width]), 1)
    size = float(sum(width, ZERO) * 2 + sum(senior, ZERO))
    shortage = abs(float(total)) / size if total else math.inf
    columns = (np.array(x) for x in (paid, outside, equity))
    return Answer(*columns, due, claims, np.array(equity) < 0, shortage=shortage)
