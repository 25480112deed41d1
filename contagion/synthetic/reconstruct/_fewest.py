"""The smallest number of cells that meet the margins: a mixed-integer programme."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, hstack

from ...errors import ConvergenceError
from ...kernels.programs import integer_program
from ._cells import Problem


def fewest(problem: Problem, time_limit: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Cells (row, column, approximate amount) of a network with the fewest, and a proven bound.

        min Σ y   with   Σ_j x_ij = supply_i,  Σ_i x_ij = demand_j,
                         0 ≤ x_ij ≤ min(supply_i, demand_j) y_ij,  y binary;

    every margin also needs enough cells for their largest capacities to reach it.

    Raises
    ------
    ConvergenceError : where no network is found within the time limit.
    """
    row, column = problem.cells
    m, n, most = len(row), len(problem.supply), np.empty(0)
    if not m:
        return row, column, most, 0
    top = max(float(problem.supply.max()), float(problem.demand.max()))
    supply, demand = problem.supply / top, problem.demand / top
    most = np.minimum(supply[row], demand[column])
    at = np.arange(m)
    sides = coo_array(
        (np.ones(2 * m), (np.concatenate([row, n + column]), np.tile(at, 2))), shape=(2 * n, m)
    )
    margins = np.concatenate([supply, demand])
    empty = coo_array((2 * n, m))
    diagonal, capacity = coo_array((np.ones(m), (at, at))), coo_array((most, (at, at)))
    needed = _needed(row, most, supply), _needed(column, most, demand)
    found = integer_program(
        np.repeat([0.0, 1.0], m),
        np.zeros(2 * m),
        np.concatenate([most, np.ones(m)]),
        np.repeat([0, 1], m),
        [
            (hstack([sides, empty]), margins, margins),
            (hstack([diagonal, -capacity]), -np.inf, 0.0),
            (hstack([empty, sides]), np.concatenate(needed), np.inf),
        ],
        seconds=time_limit,
        gap=1e-4,
    )
    if found.z is None:
        raise ConvergenceError(
            f"No network was found in {time_limit:g} s ({found.message}). Raise time_limit=, or "
            "leave exact=True out."
        )
    used = np.round(found.z[m:]) > 0.5
    amount = np.maximum(found.z[:m][used], 1e-9)
    return row[used], column[used], amount, int(np.ceil(found.bound - 1e-6))


def _needed(side: np.ndarray, most: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """(n,) smallest number of cells for each margin, if it could use its largest cells fully."""
    order = np.lexsort((-most, side))
    side, most = side[order], most[order]
    first = np.flatnonzero(np.r_[True, side[1:] != side[:-1]])
    running = np.cumsum(most)
    before = np.repeat(running[first] - most[first], np.diff(np.r_[first, len(side)]))
    short = (running - before) < margin[side] * (1 - 1e-9)
    return np.asarray(np.bincount(side, short, len(margin)) + (margin > 0))
