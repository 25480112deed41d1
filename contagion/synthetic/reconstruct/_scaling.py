"""Margins met on a set of cells: rows and columns scaled in turn, then Newton's method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from ...errors import ConvergenceError
from ._cells import FLOW, Problem
from ._transport import carried, shortfall, usable

TIGHT = 1e-13  # relative error of a margin at which iterations stop
ENOUGH = 1e-9  # largest relative error that is accepted
ROUNDS = (300, 6000)  # smallest and largest limit for the rounds of scaling
LOOK = 20  # rounds between two checks of the speed of convergence
STEPS = 100  # of Newton's method, at most
DENSE = 500  # creditors up to which Newton's system is a dense matrix
RIDGE = 1e-10  # makes the solution unique: u + c, v − c is the same solution


@dataclass(frozen=True)
class Balanced:
    """Amounts (m,) on cells, and the part of supply and demand (n,) that cannot be placed."""

    amount: np.ndarray
    surplus: np.ndarray
    deficit: np.ndarray

    @property
    def complete(self) -> bool:
        """Whether the margins are met."""
        return not (self.surplus.any() or self.deficit.any())


def balanced(
    row: np.ndarray,
    column: np.ndarray,
    weight: np.ndarray,
    supply: np.ndarray,
    demand: np.ndarray,
) -> Balanced:
    """The amounts nearest to the weights in relative entropy that meet supply and demand.

        min Σ x log(x / weight) − x   with   Σ_j x_ij = supply_i,  Σ_i x_ij = demand_j,

    so that x_ij = r_i weight_ij s_j. Cells that are zero in every solution are found by a
    maximum flow and left at zero. Where the cells cannot meet the margins, the maximum flow is
    returned with the surplus and the deficit that remain.

    Parameters
    ----------
    row, column : (m,) cells, none twice.
    weight : (m,) > 0.
    supply, demand : (n,) ≥ 0 of the same sum.

    Raises
    ------
    ConvergenceError : where the relative error of a margin exceeds 1e-9.
    """
    none = np.zeros(len(supply))
    live = (supply[row] > 0) & (demand[column] > 0)
    amount, error = _scaled(row, column, np.where(live, weight, 0.0), supply, demand)
    if error <= TIGHT:
        return Balanced(amount, none, none)
    flow = carried(row, column, supply, demand, amount)
    surplus, deficit = shortfall(row, column, flow, supply, demand)
    if surplus.any() or deficit.any():
        return Balanced(flow, surplus, deficit)
    kept = np.flatnonzero(usable(row, column, flow, len(supply)) & live)
    cells = row[kept], column[kept]
    found, error = _scaled(*cells, weight[kept], supply, demand)
    if error > TIGHT:
        found, error = _newton(*cells, found, supply, demand)
    if error > ENOUGH:
        raise ConvergenceError(
            f"The margins are met to {error:.1e} only: some amounts would have to be almost zero. "
            "Allow more cells, or a higher density."
        )
    amount = np.zeros(len(row))
    amount[kept] = found
    return Balanced(amount, none, none)


def evenly(problem: Problem) -> Callable[[Any, Any], np.ndarray]:
    """Maximum entropy without a prior, as a function of live cells: X_ij = r_i s_j.

    Starting from the solution with only the diagonal closed, rows and columns are scaled in turn by
    their sums, which exclude the closed cells: O(n) per round. A matrix is made only if this does
    not converge, because some live cells are zero in every network.
    """
    supply, demand = problem.supply, problem.demand
    n, (row, column) = len(supply), problem.shut
    total, both = float(supply.sum()), supply + demand
    hub = int(both.argmax())
    if abs(total - both[hub]) <= 1e-12 * min(supply[hub], demand[hub]):
        return lambda i, j: np.where(i == hub, demand[j], np.where(j == hub, supply[i], 0.0))
    right = _without_diagonal(supply, demand)
    for round_ in range(ROUNDS[1]):
        reach = np.where(supply > 0, _reach(right, row, column), 1.0)
        left = supply / np.where(reach > 0, reach, 1.0)
        reach = np.where(demand > 0, _reach(left, column, row), 1.0)
        if round_ == 1 or round_ % LOOK == LOOK - 1:
            gap = np.abs(right * reach - demand) / np.where(demand > 0, demand, 1.0)
            if float(gap.max(initial=0.0)) <= TIGHT:
                return lambda i, j: left[i] * right[j]
        right = demand / np.where(reach > 0, reach, 1.0)
    row, column = problem.dense("Maximum entropy, where margins leave pairs without money,", FLOW)
    found = balanced(row, column, supply[row] * demand[column], supply, demand)
    table = np.zeros((n, n))
    table[row, column] = found.amount
    return lambda i, j: np.asarray(table[i, j])


def _without_diagonal(supply: np.ndarray, demand: np.ndarray) -> np.ndarray:
    """(n,) s of maximum entropy X_ij = r_i s_j, i ≠ j, Σ s = 1, from a scalar equation for P.

    With u = r / Σ r, v = s / Σ s and P = Σ r Σ s the margins are P u_i (1 − v_i) = claims_i and
    P v_i (1 − u_i) = debts_i, so that P (u_i − v_i) = claims_i − debts_i = d_i and

        P v² − (P − d) v + debts = 0,   Σ v = 1.

    Every v is the smaller root, except that the node with the largest margins can have the larger.
    """
    from scipy.optimize import brentq

    total = max(float(supply.sum()), 1e-300)
    a, b = supply / total, demand / total
    width = (np.sqrt(a) + np.sqrt(b)) ** 2
    top, least = int(width.argmax()), float(width.max(initial=0.0))

    def roots(p: float, large: bool) -> np.ndarray:
        middle = p - a + b
        root = np.sqrt(np.maximum(middle**2 - 4 * p * b, 0.0))
        v = 2 * b / np.maximum(middle + root, 1e-300)  # the smaller root, without cancellation
        if large:
            v[top] = (middle[top] + root[top]) / (2 * p)
        return np.asarray(v)

    if not total or not least:
        return b
    large = bool(roots(least, False).sum() < 1)
    low = float(np.log(least))
    high = low + 1.0
    while (roots(np.exp(high), large).sum() < 1) == large:
        high += 1.0
        if high > low + 60.0:  # the largest node has nearly all claims and debts
            return np.asarray(b)
    found = brentq(lambda x: float(roots(np.exp(x), large).sum()) - 1.0, low, high, xtol=1e-15)
    return roots(float(np.exp(found)), large)


def _reach(side: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """(n,) Σ_j side_j over the cells (i, j) that are not closed; the largest term is added last."""
    n, top = len(side), int(side.argmax())
    rest = side.copy()
    rest[top] = 0.0
    most = np.full(n, side[top])
    most[row[column == top]] = 0.0
    return np.asarray(rest.sum() - np.bincount(row, rest[column], n) + most)


def worst(
    row: np.ndarray, column: np.ndarray, amount: np.ndarray, supply: np.ndarray, demand: np.ndarray
) -> float:
    """The largest relative error of a margin."""
    gaps = [
        np.abs(np.bincount(side, amount, len(margin)) - margin) / np.where(margin > 0, margin, 1.0)
        for side, margin in ((row, supply), (column, demand))
    ]
    return float(np.max(gaps, initial=0.0))


def _scaled(
    row: np.ndarray,
    column: np.ndarray,
    weight: np.ndarray,
    supply: np.ndarray,
    demand: np.ndarray,
) -> tuple[np.ndarray, float]:
    """Rows and columns scaled in turn (RAS): amounts, and the largest relative margin error."""
    n = len(supply)
    matrix = csr_array((weight, (row, column)), shape=(n, n))
    turned = matrix.T.tocsr()
    right, left = np.ones(n), np.zeros(n)
    # rounds that cost about as much as twenty steps of Newton's method: n³ against number of cells
    fair = (6e-3 + 4e-9 * n**3) / (15e-6 + 4e-9 * len(row))
    before, rounds = np.inf, int(np.clip(fair, *ROUNDS))
    for round_ in range(rounds):
        reach = matrix @ right
        if round_ % LOOK == LOOK - 1 or round_ in (3, 6, 10):
            gap = np.abs(left * reach - supply) / np.where(supply > 0, supply, 1.0)
            error = float(gap.max(initial=0.0))
            if error <= TIGHT:
                break
            if round_ % LOOK == LOOK - 1:
                speed = np.log(before / error) / LOOK
                if speed * (rounds - round_) < np.log(error / TIGHT):
                    break  # would not converge in time: Newton's method is faster
                before = error
        left = np.where(supply > 0, supply, 0.0) / np.where(reach > 0, reach, 1.0)
        reach = turned @ left
        right = np.where(demand > 0, demand, 0.0) / np.where(reach > 0, reach, 1.0)
    amount = left[row] * weight * right[column]
    return amount, worst(row, column, amount, supply, demand)


def _newton(
    row: np.ndarray, column: np.ndarray, amount: np.ndarray, supply: np.ndarray, demand: np.ndarray
) -> tuple[np.ndarray, float]:
    """Newton's method on the dual, min_u,v Σ x − u·supply − v·demand, x = amount exp(u_i + v_j)."""
    n = len(supply)
    rows, columns = np.flatnonzero(supply > 0), np.flatnonzero(demand > 0)
    place = np.zeros((2, n), np.int64)
    place[0, rows], place[1, columns] = np.arange(len(rows)), np.arange(len(columns))
    inside = (place[0, row], place[1, column])
    shape = (len(rows), len(columns))
    best, error = amount, worst(row, column, amount, supply, demand)
    for _ in range(STEPS):
        if error <= TIGHT:
            break
        x = csr_array((amount, inside), shape=shape)
        over, under = x.sum(1), x.sum(0)
        gap_row, gap_column = supply[rows] - over, demand[columns] - under
        u = _solved(x, over, under, gap_row - x @ (gap_column / under))
        v = (gap_column - x.T @ u) / under
        step = u[inside[0]] + v[inside[1]]
        amount = amount * np.exp(step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300)))
        now = worst(row, column, amount, supply, demand)
        if now < error:
            best, error = amount, now
    return best, error


def _solved(x: csr_array, over: np.ndarray, under: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """u of (diag(over) − x diag(under)⁻¹ xᵀ) u = gap; conjugate gradients where it is large."""
    if len(over) <= DENSE:
        from scipy.linalg import cho_factor, cho_solve

        table = x.toarray()
        system = -(table / under) @ table.T
        system[np.diag_indices(len(over))] += over * (1 + RIDGE)
        return np.asarray(cho_solve(cho_factor(system), gap))
    from scipy.sparse.linalg import LinearOperator, cg

    root = np.sqrt(over)
    turned = x.T.tocsr()

    def product(w: np.ndarray) -> np.ndarray:
        return np.asarray(w * (1 + RIDGE) - x @ ((turned @ (w / root)) / under) / root)

    system = LinearOperator(x.shape[:1] * 2, matvec=product)
    return np.asarray(cg(system, gap / root, rtol=1e-8, maxiter=2_000)[0] / root)
