"""The links of a network that changes: looked up and set by cell, sorted by row and by column."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np

Look = Callable[[Any, Any], np.ndarray]  # of cells (rows, columns), broadcast


class State:
    """Cells with an amount, sorted by row and by column: memory and time grow with the links only.

    Attributes
    ----------
    n : number of rows and of columns.
    open : function of cells, whether they may hold an amount.

    Example
    -------
    >>> state = State(3, np.array([0, 1]), np.array([1, 2]), np.array([4.0, 5.0]), np.not_equal)
    >>> state.put(np.array([0, 2]), np.array([1, 0]), np.array([0.0, 7.0]))
    >>> [side.tolist() for side in state.cells()]
    [[1, 2], [2, 0], [5.0, 7.0]]
    >>> state.turned().at(np.array([0, 0]), np.array([1, 2]))
    array([0., 7.])
    """

    def __init__(
        self, n: int, row: np.ndarray, column: np.ndarray, amount: np.ndarray, open_: Look
    ):
        self.n, self.open, self._first = n, open_, 0
        self._sides = [(np.empty(0, np.int64), np.empty(0)) for _ in range(2)]
        self.put(row, column, amount)

    def turned(self) -> State:
        """The same links, transposed; both objects share the data, so changes affect both."""
        other = copy(self)  # `_sides` is one list for both
        other.open = lambda row, column: self.open(column, row)
        other._first = 1 - self._first
        return other

    def __len__(self) -> int:
        return len(self._sides[0][0])

    @property
    def amount(self) -> np.ndarray:
        """(m,) amounts, in the order of `cells`."""
        return self._sides[self._first][1]

    def cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row, column and amount (m,) of the links, sorted."""
        key, amount = self._sides[self._first]
        return *np.divmod(key, self.n), amount

    def at(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Amounts in cells; 0 where there is no link."""
        key, amount = self._sides[self._first]
        if not len(key):
            return np.zeros(np.shape(row))
        wanted = row * self.n + column
        place = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
        return np.asarray(np.where(key[place] == wanted, amount[place], 0.0))

    def put(self, row: np.ndarray, column: np.ndarray, amount: np.ndarray) -> None:
        """Set cells (b,), without duplicates; cells that are set to 0 are removed."""
        both = (row * self.n + column, column * self.n + row)
        for side, wanted in enumerate(both if self._first == 0 else both[::-1]):
            key, held = self._sides[side]
            order = np.argsort(wanted)
            wanted, new = wanted[order], amount[order]
            place = np.searchsorted(key, wanted)
            old = key[np.minimum(place, len(key) - 1)] == wanted if len(key) else wanted < 0
            held = held.copy()
            held[place[old]] = new[old]
            more = ~old & (new > 0)
            key = np.insert(key, place[more], wanted[more])
            held = np.insert(held, place[more], new[more])
            kept = held > 0
            self._sides[side] = (key[kept], held[kept])
