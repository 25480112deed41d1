"""Clearing vectors by linear and mixed-integer programmes: a reference for the exact one."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from clearing_reference import Answer, System
from scipy.optimize import LinearConstraint, milp


def programme(system: System) -> np.ndarray:
    """What nodes pay beyond what is senior to the graph, (n,), by a (mixed-integer) programme.

    The greatest vector without default costs, every node with one order in the graph, creditors
    outside ahead of it or with it: max Σp with `p <= w` and `p <= a − senior + Σ share p`, or
    p = 0 (z = 1) where funds do not reach beyond the senior debt (Eisenberg & Noe 2001, lemma 4;
    a senior debt outside makes it a mixed programme).
    """
    n = len(system.assets)
    width, ahead, owes = np.zeros(n), np.zeros(n), np.zeros((n, n))
    orders: dict[int, set[float]] = defaultdict(set)
    for debtor, creditor, amount, order in system.debts:
        if creditor >= 0:
            owes[debtor, creditor] += amount
            orders[debtor].add(order)
    assert all(len(mine) == 1 for mine in orders.values())
    for debtor, creditor, amount, order in system.debts:
        if creditor < 0 and (not orders[debtor] or order < min(orders[debtor])):
            ahead[debtor] += amount
        elif creditor < 0 and order == min(orders[debtor]):
            width[debtor] += amount
    width += owes.sum(axis=1)
    share = owes / np.where(width > 0, width, 1.0)[:, None]
    spare = np.array(system.assets) - ahead
    may = spare < 0
    empty = np.diag(np.where(may, -spare, 0.0))
    rows = np.block([[np.eye(n) - share.T, -empty], [np.eye(n), np.diag(width * may)]])
    solution = milp(
        np.concatenate([-np.ones(n), np.zeros(n)]),
        constraints=LinearConstraint(rows, ub=np.concatenate([spare, width])),
        integrality=np.concatenate([np.zeros(n), may]),
        bounds=(np.zeros(2 * n), np.concatenate([width, may])),
        options={"mip_rel_gap": 0.0},
    )
    assert solution.status == 0, solution.message
    return np.asarray(solution.x[:n])


def beyond_senior(system: System, answer: Answer) -> np.ndarray:
    """The same of an exact answer: paid in the graph, and outside with it; (n,)."""
    n = len(system.assets)
    first = np.full(n, np.inf)
    for debtor, creditor, _, order in system.debts:
        if creditor >= 0:
            first[debtor] = min(first[debtor], order)
    ahead, equal = np.zeros(n), np.zeros(n)
    for debtor, creditor, amount, order in system.debts:
        if creditor < 0:
            ahead[debtor] += amount * (order < first[debtor])
            equal[debtor] += amount * (order == first[debtor])
    return answer.paid + np.clip(answer.outside - ahead, 0.0, equal)
