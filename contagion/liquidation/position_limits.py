"""Volatility controls applied to a book before a cascade: limits and margin add-ons.

Each takes a `MarginBook` and returns a new one, with a table of the changes. Loans are not
changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ..errors import MarginError
from ..media import shown
from ..text import known_name, money
from .margin_book import MarginBook, rebuilt

By = Literal["holder", "account"]


@dataclass(frozen=True, eq=False, repr=False)
class Adjusted:
    """A book after a limit or an add-on, and `table`: one row per position, in the order of
    `book.positions`, see the operator."""

    book: MarginBook
    table: pd.DataFrame

    @shown
    def __repr__(self) -> str:
        if "cut_value" in self.table:
            cut = float(self.table["cut_value"].sum())
            rows = int((self.table["cut"] > 0).sum())
            return f"Adjusted: {rows} positions cut by {money(cut, self.book.unit)}"
        return f"Adjusted: {int(self.table['called'].sum())} positions below the new maintenance"


@dataclass(frozen=True)
class PositionLimit:
    """Position limit: a holder may hold at most a share of the depth of an instrument.

        size' = size · min(1, share · depth / Q),     Q = Σ |size| of the holder in the instrument

    All positions of a holder in the instrument are cut by the same share, at the price of the
    book. The profit or loss of the part cut is added to the margin, so that equity does not change.
    The rest of a position keeps its entry price.

    Parameters
    ----------
    share : of the depth, > 0.
    by : "holder": all positions of a holder, at every venue; "account": those of one account
        (a holder can hold more by opening another).

    Raises
    ------
    MarginError : for an invalid share or `by`, a depth that is not > 0, an unknown instrument.

    Example
    -------
    30 and 10 of X with a depth of 100: with a share of 0.2, h may hold 20 and keeps 15 and 5.

    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 90.0}, positions=[
    ...     {"venue": "u", "holder": "h", "instrument": "X", "size": 30, "entry_price": 100,
    ...      "margin": 600}, {"venue": "v", "holder": "h", "instrument": "X", "size": 10}])
    >>> done = ct.liquidation.PositionLimit(share=0.2).apply(book, {"X": 100})
    >>> done.table[["size_before", "size_after", "cut_value"]].values.tolist()
    [[30.0, 15.0, 1350.0], [10.0, 5.0, 450.0]]
    >>> book.accounts["equity"].tolist(), done.book.accounts["equity"].tolist()
    ([300.0, 0.0], [300.0, 0.0])

    Source: our own form of a position limit (a share of depth); limits of venues differ.
    """

    share: float
    by: By = "holder"

    def __post_init__(self) -> None:
        _check_by(self.by)
        if not self.share > 0:
            raise MarginError(f"share={self.share}: a share of the depth, > 0.")

    def apply(self, book: MarginBook, depth: Mapping[str, float]) -> Adjusted:
        """The book with positions cut to the limit.

        Parameters
        ----------
        depth : {instrument: units}; instruments without one have no limit.

        Returns
        -------
        Adjusted
            `table`: venue, holder, instrument, size_before, size_after, cut (units, >= 0),
            cut_value (money at the price of the book).
        """
        table, price = _positions(book), _prices(book)
        limit = self.share * _column(book, table, depth, "depth", np.inf)
        total = _together(table, self.by)
        part = np.minimum(1.0, limit / np.where(total > 0, total, 1.0))
        part = np.where(total > limit, part, 1.0)
        before = table["size"].to_numpy()
        after = before * part
        gone = before - after
        margin = table["margin"] + gone * (price - table["entry_price"])
        changed = table.assign(size=after, margin=margin)
        return Adjusted(
            rebuilt(book, changed.drop(columns="account"), book.loans),
            table[["venue", "holder", "instrument"]].assign(
                size_before=before,
                size_after=after,
                cut=np.abs(gone),
                cut_value=np.abs(gone) * price,
            ),
        )


@dataclass(frozen=True)
class MarginAddOn:
    """Dynamic margin add-on: a higher maintenance rate for large positions or volatile assets.

        m' = min(max(m, multiple · σ) + slope · max(Q / depth − start, 0), cap)

    with σ the volatility of the instrument over the horizon of a liquidation and Q the units of
    the holder in it, as in `PositionLimit`. Accounts are called earlier, with more equity left:
    more of them are called and liquidated, and liquidations leave smaller deficits.

    Parameters
    ----------
    slope : increase of the rate per unit of Q / depth above `start`, >= 0.
    start : share of the depth without add-on, >= 0.
    multiple : the rate is at least this multiple of the volatility, >= 0.
    cap : largest rate, below 1.
    by : as in `PositionLimit`.

    Raises
    ------
    MarginError : for a parameter out of range, an invalid depth or volatility, an unknown
        instrument.

    Example
    -------
    Long 20 at 100 with a margin of 300: at 5 % it is liquidated at 1700 / (20 · 0.95) = 89.47; a
    slope of 0.5 on 20 / 100 − 0.1 adds 5 %: it is liquidated at 1700 / (20 · 0.9) = 94.44.

    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 20, "margin": 300, "maintenance": 0.05}])
    >>> done = ct.liquidation.MarginAddOn(slope=0.5, start=0.1).apply(book, depth={"X": 100})
    >>> done.table[["maintenance_before", "maintenance_after"]].round(6).values.tolist()
    [[0.05, 0.1]]
    >>> done.table[["price_before", "price_after"]].round(2).values.tolist()
    [[89.47, 94.44]]

    Source: our own form; concentration and volatility add-ons of venues differ.
    """

    slope: float = 0.0
    start: float = 0.0
    multiple: float = 0.0
    cap: float = 0.99
    by: By = "holder"

    def __post_init__(self) -> None:
        _check_by(self.by)
        if not min(self.slope, self.start, self.multiple) >= 0:
            raise MarginError(
                f"slope={self.slope}, start={self.start}, multiple={self.multiple}: all >= 0."
            )
        if not 0 < self.cap < 1:
            raise MarginError(f"cap={self.cap}: a rate between 0 and 1.")

    def apply(
        self,
        book: MarginBook,
        depth: Mapping[str, float] | None = None,
        volatility: Mapping[str, float] | None = None,
    ) -> Adjusted:
        """The book with the higher maintenance rates; no rate ever falls.

        Parameters
        ----------
        depth : {instrument: units}; instruments without depth have no add-on for size.
        volatility : {instrument: relative standard deviation}; without it no volatility add-on.

        Returns
        -------
        Adjusted
            `table`: venue, holder, instrument, maintenance_before, maintenance_after,
            price_before, price_after (liquidation prices of the position when its asset alone
            moves), called (bool: its account is below maintenance now and was not before).
        """
        table = _positions(book)
        deep = _column(book, table, depth or {}, "depth", np.inf)
        sigma = _column(book, table, volatility or {}, "volatility", 0.0)
        old = table["maintenance"].to_numpy()
        size = self.slope * np.maximum(_together(table, self.by) / deep - self.start, 0.0)
        rate = np.minimum(np.maximum(old, self.multiple * sigma) + size, self.cap)
        rate = np.maximum(rate, old)
        new = rebuilt(book, table.drop(columns="account").assign(maintenance=rate), book.loans)
        weak = (new.accounts["health"] < 0) & ~(book.accounts["health"] < 0)
        order = _order(book)
        prices = [b.legs["liquidation_price"].to_numpy()[order] for b in (book, new)]
        return Adjusted(
            new,
            table[["venue", "holder", "instrument"]].assign(
                maintenance_before=old,
                maintenance_after=rate,
                price_before=prices[0],
                price_after=prices[1],
                called=weak.to_numpy()[book.arrays.account[order]],
            ),
        )


def _check_by(by: str) -> None:
    if by not in ("holder", "account"):
        raise MarginError(f"by={by!r}: 'holder' or 'account'.")


def _order(book: MarginBook) -> np.ndarray:
    """The leg of each row of `book.positions`."""
    frame = book._frame
    rows = frame.loc[~frame["loan"], "row"]
    return np.asarray(rows.sort_values().index)


def _positions(book: MarginBook) -> pd.DataFrame:
    """The positions with their entry prices and accounts."""
    if (book.positions["kind"] != "linear").any():
        raise MarginError("Limits and add-ons act on linear positions; this book has others.")
    legs = book._frame.loc[_order(book)]
    return book.positions.assign(
        entry_price=legs["entry_price"].to_numpy(), account=legs["account"].to_numpy()
    )


def _prices(book: MarginBook) -> np.ndarray:
    return book.positions["instrument"].map(book.prices).to_numpy(float)


def _together(table: pd.DataFrame, by: str) -> np.ndarray:
    """Gross units of all positions that count together, for each position."""
    keys = [table[by], table["instrument"]]
    return table["size"].abs().groupby(keys).transform("sum").to_numpy(float)


def _column(
    book: MarginBook, table: pd.DataFrame, given: Mapping[str, float], what: str, other: float
) -> np.ndarray:
    for name, value in given.items():
        known_name(name, book.assets, "asset of the book")
        if not (value > 0 if what == "depth" else value >= 0):
            raise MarginError(
                f"{what} of {name!r} is {value}; it is {'> 0' if what == 'depth' else '>= 0'}."
            )
    found = table["instrument"].map(dict(given)).astype(float)
    return found.fillna(other).to_numpy(float)
