"""Drawn cells that cannot carry the margins get more cells, as few as a greedy search finds."""

from __future__ import annotations

import numpy as np

from ._cells import Problem
from ._scaling import balanced
from ._transport import carried


def repaired(
    problem: Problem,
    hit: np.ndarray,
    weight: np.ndarray,
    chance: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, int]:
    """Amounts on the drawn cells that meet the margins, and how many cells were added for it.

    Creditors and debtors without a cell get one, drawn by the odds of its probability. While money
    is left over by a maximum flow, the cell is added that takes most of it.

    Parameters
    ----------
    hit, weight, chance : (m,) of `problem.cells`: drawn, amounts to stay near to, probabilities.

    Returns
    -------
    amount : (m,) money; added : number of cells.
    """
    row, column = problem.cells
    used = covered(problem, hit, chance, rng)
    while True:
        at = np.flatnonzero(used)
        found = balanced(row[at], column[at], weight[at], problem.supply, problem.demand)
        amount = np.zeros(len(row))
        amount[at] = found.amount
        if found.complete:
            return amount, int(used.sum() - hit.sum())
        used[_next(problem, at, amount, found.surplus, found.deficit)] = True


def covered(
    problem: Problem, hit: np.ndarray, chance: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The drawn cells (m,) and one for each creditor, then for each debtor, that has none."""
    used = hit.copy()
    with np.errstate(divide="ignore"):
        odds = np.log(chance) - np.log1p(-np.minimum(chance, 1 - 1e-16))
    for side, margin in zip(problem.cells, (problem.supply, problem.demand), strict=True):
        bare = (margin > 0) & (np.bincount(side[used], minlength=len(margin)) == 0)
        used[_one_each(side, bare, odds, rng)] = True
    return used


def _one_each(
    side: np.ndarray, bare: np.ndarray, odds: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """One cell for each bare node, drawn in proportion to the odds."""
    cells = np.flatnonzero(bare[side])
    key = odds[cells] + rng.gumbel(size=len(cells))
    order = np.lexsort((-key, side[cells]))
    first = np.r_[True, side[cells][order][1:] != side[cells][order][:-1]][: len(cells)]
    return np.asarray(cells[order[first]])


def _next(
    problem: Problem, at: np.ndarray, amount: np.ndarray, surplus: np.ndarray, deficit: np.ndarray
) -> np.ndarray:
    """The unused cells to add next: the one that takes most, or a path where no one does."""
    row, column = problem.cells
    takes = np.minimum(surplus[row], deficit[column])
    takes[at] = 0.0
    if takes.any():
        return np.array([np.argmax(takes)])
    full = carried(row, column, problem.supply, problem.demand, amount)
    new = full > 1e-12 * full.max()
    new[at] = False
    return np.flatnonzero(new)
