"""Cells without a cycle: what closes one is cancelled, and margins then say every amount."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

NOTHING = 1e-13  # of a margin


def forest(
    row: np.ndarray, column: np.ndarray, amount: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells without a cycle in the graph of rows and columns, with the same sums.

    Round a cycle of cells the amount is added to every second cell and taken from the others,
    until one of them is empty.

    Example
    -------
    >>> row, column = np.array([0, 0, 1, 1]), np.array([2, 3, 2, 3])
    >>> forest(row, column, np.array([1.0, 2.0, 3.0, 4.0]), 4)
    (array([0, 1, 1]), array([3, 2, 3]), array([3., 4., 3.]))
    """
    held = amount > 0
    row, column, amount = row[held], column[held], amount[held].copy()
    while True:
        count, _ = connected_components(_graph(row, column, amount, n), directed=False)
        if len(row) <= 2 * n - count:
            return row, column, amount
        _cancel(row, column, amount, n)
        held = amount > 0
        row, column, amount = row[held], column[held], amount[held]


def _graph(row: np.ndarray, column: np.ndarray, weight: np.ndarray, n: int) -> csr_array:
    return csr_array((weight, (row, n + column)), shape=(2 * n, 2 * n))


def _cancel(row: np.ndarray, column: np.ndarray, amount: np.ndarray, n: int) -> None:
    """Empty one cell of one cycle, in place: that of the largest tree and a cell beside it."""
    order = np.empty(len(amount))
    order[np.argsort(-amount, kind="stable")] = np.arange(1.0, len(amount) + 1)
    tree = minimum_spanning_tree(_graph(row, column, order, n))
    inside = np.zeros(len(amount), bool)
    number = np.empty(len(amount), np.int64)
    number[order.astype(np.int64) - 1] = np.arange(len(amount))
    inside[number[tree.data.astype(np.int64) - 1]] = True
    other = int(np.flatnonzero(~inside)[0])
    _, before = breadth_first_order(tree, int(row[other]), directed=False)
    cell = {(int(r), int(c)): k for k, (r, c) in enumerate(zip(row, column, strict=True))}
    cycle, at = [other], n + int(column[other])
    while at != row[other]:
        previous = int(before[at])
        cycle.append(cell[(min(at, previous), max(at, previous) - n)])
        at = previous
    up, down = cycle[::2], cycle[1::2]
    if amount[up].min() < amount[down].min():
        up, down = down, up
    least = amount[down].min()
    amount[up] += least
    amount[down] -= least


def settled(
    row: np.ndarray, column: np.ndarray, supply: np.ndarray, demand: np.ndarray
) -> np.ndarray:
    """The amounts (m,) that cells without a cycle must have: from the leaves to the largest node.

    The rest of a node, when its other cells are settled, is put into the cell towards the root of
    its tree, which is the node with the largest margin and takes the rounding.

    Example
    -------
    Row 0 owns column 0 alone; the rest of its 5 goes to column 1, which needs 3 more:

    >>> row, column = np.array([0, 0, 1]), np.array([0, 1, 1])
    >>> settled(row, column, np.array([5.0, 3.0]), np.array([1.0, 7.0]))
    array([1., 4., 3.])
    """
    n = len(supply)
    margin = np.concatenate([supply, demand])
    ends = np.concatenate([row, n + column]), np.concatenate([n + column, row])
    graph = csr_array((np.ones(2 * len(row), np.int8), ends), shape=(2 * n, 2 * n))
    _, part = connected_components(graph, directed=False)
    largest = np.lexsort((-margin, part))
    roots = largest[np.r_[True, part[largest][1:] != part[largest][:-1]]]
    rooted = csr_array(
        (
            np.ones(2 * len(row) + len(roots), np.int8),
            (np.r_[ends[0], np.full(len(roots), 2 * n)], np.r_[ends[1], roots]),
        ),
        shape=(2 * n + 1, 2 * n + 1),
    )
    order, before = breadth_first_order(rooted, 2 * n)
    left, to_root = margin.copy(), np.zeros(2 * n)
    for at in order[:0:-1]:
        up = before[at]
        if up < 2 * n:
            to_root[at] = max(left[at], 0.0) if left[at] > NOTHING * margin[at] else 0.0
            left[up] -= to_root[at]
    lower = np.where(before[n + column] == row, n + column, row)
    return np.asarray(to_root[lower])
