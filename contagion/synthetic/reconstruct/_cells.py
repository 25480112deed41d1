"""The reconstruction problem as arrays: the amounts still to be placed, and the allowed cells."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ...errors import NetworkError
from ...text import known_name, money, plural
from ._memory import require_memory

ROUNDING = 1e-9  # relative tolerance within which sums agree with a margin
CELL = 80  # bytes of memory for each claim while a network is made
FLOW = 250  # the same, where a maximum flow or Newton's method is run on the cells


@dataclass(frozen=True)
class Problem:
    """Margins without the known cells, with nodes in the order of their names.

    The order makes draws independent of the order of rows in the tables.

    Attributes
    ----------
    order : (n,) rows of the margins, in the order used here.
    supply, demand : (n,) claims and debts that are not in known cells, amounts.
    closed : (c,) cells to which no amount is assigned, as creditor · n + debtor, sorted: the
        diagonal, known cells and forbidden cells.
    known_row, known_column, known_amount : (k,) the known cells.
    """

    order: np.ndarray
    supply: np.ndarray
    demand: np.ndarray
    closed: np.ndarray
    known_row: np.ndarray
    known_column: np.ndarray
    known_amount: np.ndarray

    @property
    def cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and column (m,) of the live cells: not closed, with supply and demand above 0."""
        row, column = np.nonzero(self.live)
        return row, column

    @property
    def live(self) -> np.ndarray:
        """(n, n) bool, cells that are not closed, with supply and demand above 0."""
        live = np.asarray((self.supply > 0)[:, None] & (self.demand > 0))
        live.ravel()[self.closed] = False
        return live

    @cached_property
    def shut(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and column (s,) of the closed cells with supply and demand above 0."""
        row, column = np.divmod(self.closed, len(self.supply))
        some = (self.supply[row] > 0) & (self.demand[column] > 0)
        return row[some], column[some]

    @property
    def count(self) -> int:
        """Number of live cells; no matrix is made."""
        pairs = int((self.supply > 0).sum()) * int((self.demand > 0).sum())
        return pairs - len(self.shut[0])

    def open(self, row: Any, column: Any) -> np.ndarray:
        """Which of these cells are live; rows and columns are broadcast."""
        key = np.asarray(row * len(self.supply) + column)
        place = np.minimum(np.searchsorted(self.closed, key), len(self.closed) - 1)
        money_ = (self.supply[row] > 0) & (self.demand[column] > 0)
        return np.asarray(money_ & (self.closed[place] != key))

    def free(self, row: int, column: int) -> bool:
        """Whether one cell, with supply and demand above 0, is live."""
        key = row * len(self.supply) + column
        at = bisect_left(self.closed, key)
        return at == len(self.closed) or bool(self.closed[at] != key)

    def dense(self, method: str, each: int = CELL) -> tuple[np.ndarray, np.ndarray]:
        """`cells`, for a method that assigns an amount to every cell: `each` bytes per cell.

        Raises
        ------
        NetworkError : where they need more than the free memory.
        """
        require_memory(f"{method} gives an amount to every pair of creditor and debtor",
                       self.count, each)  # fmt: skip
        return self.cells

    def ordered(self, values: Any) -> np.ndarray:
        """A matrix (n, n) in the order of the margins, in the order used here."""
        array = np.asarray(values, float)
        return np.asarray(array[np.ix_(self.order, self.order)])


def problem(
    names: pd.Index,
    claims: np.ndarray,
    debts: np.ndarray,
    known: Mapping[tuple[Any, Any], float],
    forbidden: Collection[tuple[Any, Any]],
    unit: str,
) -> Problem:
    """The arrays of margins: names, claims and debts (n,), known and forbidden cells.

    Raises
    ------
    NetworkError : where known cells add up to more than a margin.
    """
    order = np.argsort(np.array([str(name) for name in names], dtype=object), kind="stable")
    n = len(order)
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    never = rank[places(names, forbidden)]
    pairs = rank[places(names, known)]
    amount = np.fromiter(known.values(), float, len(known))
    itself = np.arange(n)[:, None] * [1, 1]
    closed = np.unique(np.concatenate([itself, never, pairs]) @ [n, 1])
    sorted_ = np.lexsort((pairs[:, 1], pairs[:, 0]))
    pairs, amount = pairs[sorted_], amount[sorted_]
    names, claims, debts = names[order], claims[order], debts[order]
    supply = _left(claims, np.bincount(pairs[:, 0], amount, n), "claims", names, unit)
    demand = _left(debts, np.bincount(pairs[:, 1], amount, n), "debts", names, unit)
    given, asked = float(supply.sum()), float(demand.sum())
    if asked > 0 and abs(given - asked) <= ROUNDING * max(claims.sum(), debts.sum()):
        demand = demand * (given / asked)
    return Problem(order, supply, demand, closed, pairs[:, 0], pairs[:, 1], amount)


def _left(
    margin: np.ndarray, known: np.ndarray, what: str, names: pd.Index, unit: str
) -> np.ndarray:
    """The margins minus known cells; 0 where the difference is a rounding error."""
    over = np.flatnonzero(known > margin * (1 + ROUNDING))
    if len(over):
        at = int(over[np.argmax((known - margin)[over])])
        raise NetworkError(
            f"The known {what} of {plural(len(over), 'node')} exceed the total: "
            f"{str(names[at])!r} has {money(known[at], unit)} of known {what} and "
            f"{money(margin[at], unit)} in all. Raise the total, or lower the known exposures."
        )
    rest = margin - known
    return np.asarray(np.where(rest > ROUNDING * known, rest, 0.0))


def places(names: pd.Index, pairs: Iterable[tuple[Any, Any]]) -> np.ndarray:
    """(k, 2) rows of creditor and debtor of pairs of names."""
    flat = [name for pair in pairs for name in pair]
    found = names.get_indexer_for(pd.Index(flat, dtype=object)) if flat else np.empty(0)
    found = np.asarray(found, np.int64)
    if (found < 0).any():
        name = flat[int(np.flatnonzero(found < 0)[0])]
        known_name(name, names, "node", "Known or forbidden exposures")
    return found.reshape(-1, 2)
