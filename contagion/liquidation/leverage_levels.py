"""A book with different leverage, and a market with different depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import expect
from ..statistics.arrays import numbers
from . import position_tables as tables
from .margin_book import MarginBook, rebuilt
from .price_impact import Array, PriceImpact, array

KEYS = ["venue", "holder", "key"]


@dataclass(frozen=True)
class Deeper(PriceImpact):
    """The impact in a market with `times` times the depth: factor(v / times).

        factor(v) = f(v / times)        integral(v) = times ∫₀^(v / times) f(u) du

    Exact for every form: linear depth, daily volume and pool reserves are multiplied by `times`.

    Parameters
    ----------
    impact : the impact at depth 1.
    times : factor on the depth, > 0.

    Source: substitution.

    Example
    -------
    >>> from contagion.liquidation import Linear
    >>> thin, wide = Deeper(Linear(depth=100), times=0.5), Linear(depth=50)
    >>> thin.factor(20) == wide.factor(20), thin.integral(20) == wide.integral(20)
    (True, True)
    """

    impact: PriceImpact
    times: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("times", above=0)
        object.__setattr__(self, "recovery", self.impact.recovery)

    def _factor(self, volume: Array) -> Array:
        return array(self.impact.factor(volume / self.times))

    def _integral(self, volume: Array) -> Array:
        return self.times * array(self.impact.integral(volume / self.times))

    def _inverse(self, factor: Array) -> Array:
        return self.times * array(self.impact.inverse(factor))


def leveraged(book: MarginBook, times: float) -> MarginBook:
    """The same book with `times` times the leverage: the same assets on less equity.

        equity' = equity / times

    for every account with equity above 0, at the prices of the book. The difference is taken from
    the margin of positions, or added to the debts of a loan in proportion (at least 0).

    Parameters
    ----------
    times : > 0; below 1 reduces leverage.

    Raises
    ------
    ArgumentError : for `times` that is not above 0.

    Source: arithmetic.

    Example
    -------
    >>> book = MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> leveraged(book, 2.0).accounts[["equity", "leverage"]].values.tolist()
    [[50.0, 20.0]]
    """
    expect(book=book)
    factor = float(numbers("times", times, above=0))
    account = pd.MultiIndex.from_frame(book._frame.drop_duplicates("account")[KEYS])
    equity = np.maximum(book.accounts["equity"].to_numpy(), 0.0)
    less = equity * (1 - 1 / factor)
    made: list[pd.DataFrame] = []
    for table, legs in (
        (book.positions, tables.position_legs(book.positions, book.prices)),
        (book.loans, tables.loan_legs(book.loans)),
    ):
        rows = legs.iloc[: len(table)]
        made.append(table.assign(_at=account.get_indexer(pd.MultiIndex.from_frame(rows[KEYS]))))
    positions, loans = made
    first = ~positions["_at"].duplicated()
    positions["margin"] -= np.where(first, less[positions["_at"]], 0.0)
    a = book.arrays
    owed = np.maximum(-a.units * book.price[a.asset], 0.0)
    debt = np.bincount(a.account, owed, len(book))
    grown = np.divide(less, debt, out=np.zeros(len(book)), where=debt > 0)
    loans["debt"] *= np.maximum(1 + grown[loans["_at"]], 0.0)
    return rebuilt(book, positions.drop(columns="_at"), loans.drop(columns="_at"))
