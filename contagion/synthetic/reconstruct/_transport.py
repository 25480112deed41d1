"""Maximum flows from claims to debts: the amounts that cells can hold, and cells that stay empty.

Cells are pairs (row, column); a row is a creditor with a supply of claims, a column a debtor with a
demand for them. All inputs and outputs are arrays.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, maximum_flow

LEVELS = 2**30  # integer units of the remaining amount; the solver uses 32-bit integers
ROUNDING = 1e-13  # relative to the total, below which an amount counts as 0
PASSES = 5
CUT = 1e-7  # accuracy of a flow that does not meet all margins, relative to the amount left over


def carried(
    row: np.ndarray,
    column: np.ndarray,
    supply: np.ndarray,
    demand: np.ndarray,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """A maximum flow: amounts (m,) on the cells with sums ≤ supply (n,) and ≤ demand (n,).

    An integer maximum flow places the remaining amount, in units of this amount / 2³⁰. It is
    repeated with smaller units until no amount remains or the flow is zero.

    Example
    -------
    Both rows may use column 0 only, which takes 3:

    >>> row, column = np.array([0, 1]), np.array([0, 0])
    >>> carried(row, column, np.array([2.0, 2.0]), np.array([3.0, 1.0])).sum()
    np.float64(3.0)
    """
    n, m = len(supply), len(row)
    amount = np.zeros(m) if start is None else _within(row, column, supply, demand, start)
    floor = ROUNDING * max(float(supply.sum()), float(demand.sum()))
    node = np.arange(n)
    tail = np.concatenate([np.full(n, 2 * n), row, n + column, n + node])
    head = np.concatenate([node, n + column, row, np.full(n, 2 * n + 1)])
    for _ in range(PASSES):
        surplus = np.maximum(supply - np.bincount(row, amount, n), 0.0)
        deficit = np.maximum(demand - np.bincount(column, amount, n), 0.0)
        left = min(float(surplus.sum()), float(deficit.sum()))
        if left <= floor:
            break
        unit = left / LEVELS
        money = np.concatenate([surplus, np.full(m, left), amount, deficit])
        capacity = np.minimum(np.floor(money / unit), LEVELS).astype(np.int32)
        some = capacity > 0
        arcs = csr_array((capacity[some], (tail[some], head[some])), shape=(2 * n + 2, 2 * n + 2))
        found = maximum_flow(arcs, 2 * n, 2 * n + 1)
        if not found.flow_value:
            break
        amount = np.maximum(amount + unit * np.asarray(found.flow[row, n + column]).ravel(), 0.0)
    return amount


def _within(
    row: np.ndarray, column: np.ndarray, supply: np.ndarray, demand: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Amounts scaled down to sums that do not exceed supply and demand."""
    amount = start
    for side, most in ((row, supply), (column, demand)):
        total = np.bincount(side, amount, len(most))
        factor = np.where(total > most, most / np.where(total > 0, total, 1.0), 1.0)
        amount = amount * factor[side]
    return amount


def shortfall(
    row: np.ndarray,
    column: np.ndarray,
    amount: np.ndarray,
    supply: np.ndarray,
    demand: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) supply and (n,) demand that a maximum flow leaves over; rounding errors count as 0."""
    n = len(supply)
    floor = ROUNDING * max(float(supply.sum()), float(demand.sum()))
    surplus = supply - np.bincount(row, amount, n)
    deficit = demand - np.bincount(column, amount, n)
    few = max(2 * floor, CUT * min(float(surplus.sum()), float(deficit.sum())))
    surplus = np.where(surplus > few, surplus, 0.0)
    deficit = np.where(deficit > few, deficit, 0.0)
    return surplus, deficit


def _residual(
    row: np.ndarray,
    column: np.ndarray,
    amount: np.ndarray,
    n: int,
    least: float,
    sources: np.ndarray | None = None,
) -> csr_array:
    """The residual graph: row → column along every cell, and back where a cell has an amount.

    Node 2n leads to the rows in `sources`.
    """
    first = np.empty(0, np.int64) if sources is None else sources
    back = amount > least
    tail = np.concatenate([row, n + column[back], np.full(len(first), 2 * n)])
    head = np.concatenate([n + column, row[back], first])
    return csr_array((np.ones(len(tail), np.int8), (tail, head)), shape=(2 * n + 1, 2 * n + 1))


def reached(
    row: np.ndarray, column: np.ndarray, amount: np.ndarray, surplus: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) rows and (n,) columns that the surplus of a maximum flow can reach.

    These rows have more claims than these columns have debts, and no cell leads to other columns:
    this is the violated condition of Hall.
    """
    n = len(surplus)
    least = CUT * float(surplus.sum())
    graph = _residual(row, column, amount, n, least, np.flatnonzero(surplus > 0))
    found = np.zeros(2 * n + 1, bool)
    found[breadth_first_order(graph, 2 * n, return_predecessors=False)] = True
    return found[:n], found[n : 2 * n]


def usable(row: np.ndarray, column: np.ndarray, amount: np.ndarray, n: int) -> np.ndarray:
    """(m,) cells that are above zero in some solution, from one solution that meets all margins.

    Amounts can only move along closed cycles of the residual graph: an empty cell whose two ends do
    not lie on a common cycle is empty in every solution.

    Example
    -------
    Row 0 uses column 0 fully, so that row 1 cannot use it:

    >>> row, column = np.array([0, 1, 1]), np.array([0, 0, 1])
    >>> usable(row, column, np.array([2.0, 0.0, 3.0]), 2).tolist()
    [True, False, True]
    """
    least = ROUNDING * float(amount.sum())
    part = connected_components(
        _residual(row, column, amount, n, least), directed=True, connection="strong"
    )[1]
    return np.asarray((part[row] == part[n + column]) | (amount > least))
