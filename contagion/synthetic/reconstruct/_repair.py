"""A greedy search adds few cells to a drawn network, so that the cells can meet the margins."""

from __future__ import annotations

import numpy as np

from ._cells import Problem
from ._scaling import balanced
from ._state import Look
from ._transport import carried

Cells = tuple[np.ndarray, np.ndarray, np.ndarray]
BLOCK = 2_000_000  # cells that are processed together
LARGEST = 1_000  # nodes of each side between which new cells are searched
PART = 8  # 1 / PART of the number of cells added so far is added in one iteration


def repaired(
    problem: Problem,
    row: np.ndarray,
    column: np.ndarray,
    weight: Look,
    odds: Look,
    rng: np.random.Generator,
) -> tuple[Cells, int]:
    """Amounts on the drawn cells that meet the margins, and the number of cells added for this.

    Creditors and debtors without a cell get one, drawn in proportion to the odds. While a maximum
    flow leaves an amount that cannot be placed, the cell that takes most of it is added. Once many
    cells were needed, an eighth of their number is added in each iteration.

    Parameters
    ----------
    row, column : (m,) the drawn cells, sorted.
    weight : function of cells, target amounts.
    odds : function of cells, log odds of a link; −inf where there can be none.

    Returns
    -------
    cells : row, column and amount; added : number of cells.
    """
    n, supply, demand = len(problem.supply), problem.supply, problem.demand
    drawn = len(row)
    row, column = covered(problem, row, column, odds, rng)
    first = len(row)
    while True:
        found = balanced(row, column, weight(row, column), supply, demand)
        if found.complete:
            return (row, column, found.amount), len(row) - drawn
        most = max(1, (len(row) - first) // PART)
        new = _next(problem, row, column, found.amount, found.surplus, found.deficit, most)
        row, column = np.divmod(np.sort(np.concatenate([row * n + column, new])), n)


def covered(
    problem: Problem, row: np.ndarray, column: np.ndarray, odds: Look, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The drawn cells, plus one for each creditor and then each debtor without a cell; sorted."""
    n = len(problem.supply)
    bare = np.flatnonzero((problem.supply > 0) & (np.bincount(row, minlength=n) == 0))
    row, column = np.r_[row, bare], np.r_[column, _one_each(bare, n, odds, rng)]
    bare = np.flatnonzero((problem.demand > 0) & (np.bincount(column, minlength=n) == 0))
    other = _one_each(bare, n, lambda debtor, creditor: odds(creditor, debtor), rng)
    row, column = np.divmod(np.sort(np.r_[row, other] * n + np.r_[column, bare]), n)
    return row, column


def _one_each(nodes: np.ndarray, n: int, odds: Look, rng: np.random.Generator) -> np.ndarray:
    """A partner on the other side for each node, drawn in proportion to the odds."""
    parts = [np.empty(0, np.int64)]
    for part in np.array_split(nodes, 1 + len(nodes) * n // BLOCK):
        key = odds(part[:, None], np.arange(n)) + rng.gumbel(size=(len(part), n))
        parts.append(key.argmax(1))
    return np.concatenate(parts)


def _next(
    problem: Problem,
    row: np.ndarray,
    column: np.ndarray,
    amount: np.ndarray,
    surplus: np.ndarray,
    deficit: np.ndarray,
    most: int = 1,
) -> np.ndarray:
    """The unused cells to add next, as row · n + column: those that take the most, or a path."""
    n, used = len(problem.supply), row * len(problem.supply) + column
    left, right = (np.argsort(-side, kind="stable")[:LARGEST] for side in (surplus, deficit))
    left, right = left[surplus[left] > 0], right[deficit[right] > 0]
    takes = np.minimum(surplus[left, None], deficit[right])
    key = left[:, None] * n + right
    taken = used[np.minimum(np.searchsorted(used, key), len(used) - 1)] == key
    takes[taken | ~problem.open(left[:, None], right)] = 0.0
    if takes.any():
        up, down = _greedy(takes, surplus[left], deficit[right], most).T
        return np.asarray(left[up] * n + right[down])
    new = _exchange(problem, row, column, amount, surplus, deficit)
    if len(new):
        return new
    rows, columns = problem.dense("The fitness model with margins that few networks meet")
    start = np.zeros(len(rows))
    start[np.searchsorted(rows * n + columns, used)] = amount
    full = carried(rows, columns, problem.supply, problem.demand, start)
    return np.setdiff1d((rows * n + columns)[full > 1e-12 * full.max()], used)


def _exchange(
    problem: Problem,
    row: np.ndarray,
    column: np.ndarray,
    amount: np.ndarray,
    surplus: np.ndarray,
    deficit: np.ndarray,
) -> np.ndarray:
    """Cells (i, j) and (k, l) that can receive an amount moved away from a used cell (k, j).

    i has the largest surplus and l the largest deficit. Among the exchanges that place the largest
    amount, the one with the fewest new cells is chosen.
    """
    n, used = len(problem.supply), row * len(problem.supply) + column
    up, down = int(surplus.argmax()), int(deficit.argmax())
    into, out = up * n + column, row * n + down
    takes = np.minimum(amount, min(surplus[up], deficit[down]))
    takes = np.where(problem.open(up, column) & problem.open(row, down), takes, 0.0)
    fresh = ~np.isin(into, used), ~np.isin(out, used)
    best = int(np.lexsort((amount, -(fresh[0] * 1 + fresh[1]), takes))[-1])
    if not takes[best] > 0:
        return np.empty(0, np.int64)
    return np.array([side[best] for side, new in zip((into, out), fresh, strict=True) if new[best]])


def _greedy(takes: np.ndarray, surplus: np.ndarray, deficit: np.ndarray, most: int) -> np.ndarray:
    """Places (k, 2) in `takes`: at each step the cell that takes most of the remaining amount."""
    takes, surplus, deficit = takes.copy(), surplus.copy(), deficit.copy()
    cells: list[tuple[np.intp, ...]] = []
    open_ = takes > 0
    while len(cells) < most and takes.any():
        up, down = np.unravel_index(int(takes.argmax()), takes.shape)
        money = takes[up, down]
        surplus[up] -= money
        deficit[down] -= money
        cells.append((up, down))
        takes[up] = np.where(open_[up], np.minimum(surplus[up], deficit), 0.0)
        takes[:, down] = np.where(open_[:, down], np.minimum(surplus, deficit[down]), 0.0)
        open_[up, down], takes[up, down] = False, 0.0
    return np.array(cells, np.int64)
