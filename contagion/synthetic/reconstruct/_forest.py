"""Cells without a cycle: cycles are cancelled, and the margins then determine every amount."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

NOTHING = 1e-13  # relative to a margin, below which an amount counts as 0


def forest(
    row: np.ndarray, column: np.ndarray, amount: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells without a cycle in the graph of rows and columns, with the same sums.

    Along a cycle of cells an amount is added to every second cell and subtracted from the others,
    until one of them is empty.

    Example
    -------
    >>> row, column = np.array([0, 0, 1, 1]), np.array([2, 3, 2, 3])
    >>> forest(row, column, np.array([1.0, 2.0, 3.0, 4.0]), 4)
    (array([0, 1, 1]), array([3, 2, 3]), array([3., 4., 3.]))
    """
    held = amount > 0
    row, column, amount = row[held], column[held], amount[held]
    inside = _tree(row, column, amount, n)
    _, parent, child = _rooted(row[inside], column[inside], np.zeros(2 * n))
    cell = np.full(2 * n, -1)
    cell[child] = np.flatnonzero(inside)
    trees = _Trees(parent.tolist(), cell.tolist(), amount.tolist())
    for other in np.flatnonzero(~inside).tolist():
        trees.add(other, int(row[other]), n + int(column[other]))
    amount = np.array(trees.amount)
    held = amount > 0
    return row[held], column[held], amount[held]


def _tree(row: np.ndarray, column: np.ndarray, amount: np.ndarray, n: int) -> np.ndarray:
    """(m,) bool, cells of the trees with the largest amounts."""
    rank = np.argsort(-amount, kind="stable")
    order = np.empty(len(amount))
    order[rank] = np.arange(1.0, len(amount) + 1)
    graph = csr_array((order, (row, n + column)), shape=(2 * n, 2 * n))
    inside = np.zeros(len(amount), bool)
    inside[rank[minimum_spanning_tree(graph).data.astype(np.int64) - 1]] = True
    return inside


class _Trees:
    """Trees: the parent of each node and the cell that leads to it, −1 for a root; and amounts."""

    def __init__(self, parent: list[int], cell: list[int], amount: list[float]):
        self.parent, self.cell, self.amount = parent, cell, amount

    def add(self, other: int, low: int, high: int) -> None:
        """Add a cell between two nodes; if it closes a cycle, empty one of its cells and cut there.

        The time is proportional to the length of the paths to the root.
        """
        left, right = self._path(low), self._path(high)
        if left[-1] == right[-1]:
            while left and right and left[-1] == right[-1]:
                left.pop()
                right.pop()
            cell = self.cell
            self._cancel([other, *(cell[at] for at in right), *(cell[at] for at in left[::-1])])
            cut = [[at for at in side if self.amount[cell[at]] <= 0] for side in (left, right)]
            for at in cut[0] + cut[1]:
                self.parent[at] = cell[at] = -1
            if self.amount[other] <= 0:
                return
            if not cut[0]:
                low, high = high, low
        self._hang(low, high, other)

    def _path(self, at: int) -> list[int]:
        """Nodes from this one to its root."""
        path = [at]
        while (at := self.parent[at]) >= 0:
            path.append(at)
        return path

    def _cancel(self, cycle: list[int]) -> None:
        """Move an amount along a cycle until a cell is empty, in the direction that moves less."""
        amount, up, down = self.amount, cycle[::2], cycle[1::2]
        if min(amount[k] for k in up) < min(amount[k] for k in down):
            up, down = down, up
        least = min(amount[k] for k in down)
        for k in up:
            amount[k] += least
        for k in down:
            amount[k] -= least

    def _hang(self, at: int, parent: int, cell: int) -> None:
        """Make a node the root of its tree, and attach the tree below another node by a cell."""
        while at >= 0:
            above, self.parent[at] = self.parent[at], parent
            cell, self.cell[at] = self.cell[at], cell
            parent, at = at, above


def _rooted(
    row: np.ndarray, column: np.ndarray, margin: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Trees of cells, each with the node of the largest margin (2n,) as its root.

    Returns
    -------
    order : (2n,) nodes, none before its parent.
    parent : (2n,), −1 for a root.
    child : (m,) the lower end of every cell.
    """
    n = len(margin) // 2
    ends = np.concatenate([row, n + column]), np.concatenate([n + column, row])
    graph = csr_array((np.ones(2 * len(row), np.int8), ends), shape=(2 * n, 2 * n))
    _, part = connected_components(graph, directed=False)
    largest = np.lexsort((-margin, part))
    roots = largest[np.r_[True, part[largest][1:] != part[largest][:-1]]]
    links = np.ones(2 * len(row) + len(roots), np.int8)
    places = np.r_[ends[0], np.full(len(roots), 2 * n)], np.r_[ends[1], roots]
    hung = csr_array((links, places), shape=(2 * n + 1, 2 * n + 1))
    order, before = breadth_first_order(hung, 2 * n)
    parent = np.where(before[: 2 * n] < 2 * n, before[: 2 * n], -1)
    return order[1:], parent, np.where(parent[n + column] == row, n + column, row)


def settled(
    row: np.ndarray, column: np.ndarray, supply: np.ndarray, demand: np.ndarray
) -> np.ndarray:
    """The amounts (m,) that cells without a cycle must have, computed from the leaves to the root.

    When the other cells of a node are known, the remainder of its margin goes to the cell towards
    the root. The root has the largest margin of its tree and absorbs the rounding error.

    Example
    -------
    Only row 0 uses column 0; the remaining 4 of its 5 go to column 1, which needs 3 more:

    >>> row, column = np.array([0, 0, 1]), np.array([0, 1, 1])
    >>> settled(row, column, np.array([5.0, 3.0]), np.array([1.0, 7.0]))
    array([1., 4., 3.])
    """
    margin = np.concatenate([supply, demand])
    order, above, child = _rooted(row, column, margin)
    parent, left, size = above.tolist(), margin.tolist(), margin.tolist()
    to_root = [0.0] * len(left)
    for at in order[::-1].tolist():
        if parent[at] >= 0:
            to_root[at] = left[at] if left[at] > NOTHING * size[at] else 0.0
            left[parent[at]] -= to_root[at]
    return np.asarray(np.array(to_root)[child])
