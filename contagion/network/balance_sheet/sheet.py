"""The balance sheets as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Book:
    """Balance sheets as arrays of shape (n,), in the unit of the network; nan where unknown.

    Attributes
    ----------
    external_assets, external_liabilities : towards counterparties outside the graph.
    claims, debts : in the graph, sums of the exposures.
    can_fail : false for nodes that always pay in full.
    assumptions : one sentence for each assumption.
    shares : value of the shares held in other nodes, with all claims at face value.
    derived : external sides that were computed and the columns used, one sentence each.
    """

    external_assets: np.ndarray
    claims: np.ndarray
    external_liabilities: np.ndarray
    debts: np.ndarray
    can_fail: np.ndarray
    assumptions: tuple[str, ...] = ()
    shares: np.ndarray | float = 0.0
    derived: tuple[str, ...] = ()

    @cached_property
    def equity(self) -> np.ndarray:
        """External assets + claims + shares − external liabilities − debts, signed, shape (n,)."""
        own, owed = self.external_assets + self.claims, self.external_liabilities + self.debts
        return _fixed(own + self.shares - owed)

    @cached_property
    def known(self) -> np.ndarray:
        """True where the whole balance sheet is known, shape (n,)."""
        return _fixed(np.isfinite(self.external_assets + self.external_liabilities))

    @cached_property
    def stated_assets(self) -> np.ndarray:
        """External assets, 0 where they are unknown, shape (n,)."""
        return _fixed(np.nan_to_num(self.external_assets))

    @cached_property
    def stated_liabilities(self) -> np.ndarray:
        """External liabilities, 0 where they are unknown, shape (n,)."""
        return _fixed(np.nan_to_num(self.external_liabilities))

    def frozen(self) -> Book:
        """The same balance sheets with read-only arrays."""
        names: tuple[str, ...] = ("external_assets", "claims", "external_liabilities", "debts")
        names = (*names, "can_fail")
        names = names if isinstance(self.shares, float) else (*names, "shares")
        arrays: dict[str, Any] = {name: _fixed(np.array(getattr(self, name))) for name in names}
        return replace(self, **arrays)


def _fixed(array: np.ndarray) -> np.ndarray:
    """The array, set to read-only."""
    array.flags.writeable = False
    return array


def with_assumptions(book: Book, assumptions: tuple[str, ...]) -> Book:
    """The same balance sheets with the assumptions of the network from which they were made."""
    found = tuple(dict.fromkeys(assumptions + book.assumptions))
    return book if found == book.assumptions else replace(book, assumptions=found)
