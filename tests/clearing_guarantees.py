"""What is right where there are guarantees, in two ways that share nothing with each other."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import reference_calls
from clearing_case import Case
from clearing_reference import ZERO, Answer, Exact, System

CLAIMS = 1.0  # the order of all claims here
ORDER = {"senior": -2.0, "junior": 9.0}
DIGITS = 2**64  # calls are kept to this part of their cap, rounded down
ROUNDS = 300
Pair = tuple[int, int]  # debtor, creditor
Call = tuple[int, int, Fraction, float]


def by_rounds(one: Case, k: int, most: int = 20_000) -> Answer:
    """Covers and support: rounds from nothing unpaid, node by node."""
    net, n = one.network(), len(one.assets)
    pins = np.full(n, np.nan) if one.pins is None else one.pins[k]
    done = reference_calls.clear(net, one.losses[k], pins, most=most)
    paid = np.bincount(one.debtor, done.paid, n)
    failed = ~np.isnan(pins) | (done.equity < 0)
    return Answer(paid, done.outside, done.equity, *sizes(one), failed, done.called, done.unmet)


def simple(one: Case) -> bool:
    """Can :func:`exactly` tell?"""
    return all(row["creditor"] is not None and row["ranking"] in ORDER for row in one.guarantees)


def exactly(one: Case, k: int) -> Answer | None:
    """Covers that rank senior or junior: calls as debts in exact arithmetic, until they settle.

    What is covered of a claim does not fall on its creditor; what the guarantor leaves of the call
    does. So losses and calls both only grow, from nothing called. (Not so where calls are income of
    the creditor: without calls it loses too much, and calls on those who cover *its* debts begin
    too high.) `None` where calls have not settled after many rounds, or where a little more of
    assets changes much; a little less may, greatest vectors can jump there.
    """
    system = one.system(k)
    answer, size = _settled(one, system), sum(sizes(one))
    more = [Fraction(a) + Fraction(s) / 2**40 for a, s in zip(system.assets, size, strict=True)]
    other = _settled(one, replace(system, assets=more))
    if answer is None or other is None or answer.shortage < 1e-12:
        return None
    if (np.abs(other.paid - answer.paid) > 1e-6 * size).any():
        return None
    return answer


class Covered(Exact):
    """Segments cut where covers end: up to there the creditor of a claim does not lose."""

    def __init__(self, system: System, calls: list[Call], caps: dict[Pair, Fraction]):
        super().__init__(replace(system, debts=[*system.debts, *calls]))
        for _, creditor, money, _ in calls:
            self.claims[creditor] -= money  # the claim that is covered stands at face
        claims: dict[Pair, Fraction] = {}
        for debtor, creditor, amount, _ in system.debts:
            claims[debtor, creditor] = claims.get((debtor, creditor), ZERO) + Fraction(amount)
        old = list(zip(self.owner, self.end, self.width, self.to, self.groups, strict=True))
        self.owner, self.end, self.width, self.to = [], [], [], []
        self.groups, self.inside, self.within, self.face = [], [], [], []
        for i, end, width, to, group in old:
            mine = {j: caps[i, j] for j in to if (i, j) in caps and group[1] == CLAIMS}
            upto = {j: min(cap * width / claims[i, j], width) for j, cap in mine.items()}
            cuts = sorted({ZERO, width, *upto.values()})
            for first, last in pairwise(cuts):
                self.owner.append(i)
                self.end.append(end - first)
                self.width.append(last - first)
                self.to.append({j: x for j, x in to.items() if upto.get(j, ZERO) <= first})
                self.groups.append(group)
                self.inside.append(sum(to.values(), ZERO))
                self.within.append((width, first))
                self.face.append(to)


def _settled(one: Case, system: System) -> Answer | None:
    promises = one.guarantees
    called = [ZERO] * len(promises)
    caps: dict[Pair, Fraction] = {}
    for row in promises:
        pair = row["debtor"], row["creditor"]
        caps[pair] = caps.get(pair, ZERO) + Fraction(row["amount"])
    for _ in range(ROUNDS):
        calls = [
            (row["guarantor"], row["creditor"], money, ORDER[row["ranking"]])
            for row, money in zip(promises, called, strict=True)
        ]
        work = Covered(system, calls, caps)
        unpaid = work.solve(None)
        grown = []
        for row in promises:
            debtor, creditor = pair = row["debtor"], row["creditor"]
            lost = sum(
                (
                    y * to.get(creditor, ZERO)
                    for y, to, group in zip(unpaid, work.face, work.groups, strict=True)
                    if group == (debtor, CLAIMS)
                ),
                ZERO,
            )
            part = min(lost, caps[pair]) / caps[pair]
            grown.append(Fraction(row["amount"]) * Fraction(int(part * DIGITS), DIGITS))
        assert all(b >= a for a, b in zip(called, grown, strict=True)), "calls have to grow"
        still = all(b - a <= b / 2**50 for a, b in zip(called, grown, strict=True))
        called = grown
        if still:
            break
    else:
        return None
    answer = work.answer(unpaid)
    left: dict[tuple[int, float], Fraction] = {}
    for group, y in zip(work.groups, unpaid, strict=True):
        left[group] = left.get(group, ZERO) + y
    whole = {group: w for group, (w, _) in zip(work.groups, work.within, strict=True)}
    unmet = [x * left[i, order] / whole[i, order] if x else ZERO for i, _, x, order in calls]
    for (i, _, x, _), y in zip(calls, unmet, strict=True):
        answer.paid[i] -= float(x - y)
    for i, rate in system.pins.items():  # calls are not counted where a recovery is given
        answer.equity[i] = (rate - 1) * sum(x for d, _, x, _ in system.debts if d == i)
    answer.due, answer.claims = sizes(one)
    answer.called = np.array([float(x) for x in called])
    answer.unmet = np.array([float(x) for x in unmet])
    return answer


def sizes(one: Case) -> tuple[np.ndarray, np.ndarray]:
    """(n,) what a node owes at most, with all it has promised; and its claims."""
    n = len(one.assets)
    due = np.bincount(one.debtor, one.amount, n) + one.external
    for row in one.guarantees:
        due[row["guarantor"]] += row["amount"]
    return due, np.bincount(one.creditor, one.amount, n)
