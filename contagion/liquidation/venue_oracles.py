"""An oracle for each venue: the last price, a mark, an index over venues, a redemption price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import MarginError
from ..statistics.arrays import numbers
from ..text import choice, known_name
from .margin_book import NUMERAIRE, MarginBook
from .oracles import Market, Memory, Oracle, Stale, TimeWeighted

WORDS = ("last", "mark", "index", "redemption")


@dataclass(frozen=True)
class VenueOracles:
    """The price that each venue uses, on a book in which venues have their own markets.

    - "last": the price of its own market;
    - "index": the mean price of the asset over all its markets (its own included);
    - "mark": the index times the mean, over `window` rounds, of last price / index;
    - "redemption": the price at which the issuer redeems, equal to the price in the initial book;
    - or an :class:`Oracle`, which receives the last price.

    Parameters
    ----------
    oracles : {venue: name or Oracle}; other venues use their last price.
    window : number of rounds in the mean of a mark, >= 1.

    Raises
    ------
    MarginError : for an unknown name, and for two venues with different oracles that share a
        market: give the book a price for each, as in `{"USDe@v": 0.65, "USDe@w": 1.0}`.

    Example
    -------
    The coin trades at 0.55 at v and at 1 at w; the index is 0.775.

    >>> import contagion as ct
    >>> rows = [{"venue": v, "holder": "h", "instrument": "U", "size": 1} for v in "vw"]
    >>> book = ct.liquidation.MarginBook({"U@v": 1.0, "U@w": 1.0}, rows)
    >>> oracle = VenueOracles({"v": "last", "w": "index"}).on(book)
    >>> oracle.report([[0.55, 1.0]], oracle.start([[1.0, 1.0]]))[0].tolist()
    [[0.55, 0.775]]

    Source: definitions as exchanges publish them, simplified.
    """

    oracles: Mapping[Any, Any]
    window: int = 3

    def __post_init__(self) -> None:
        for venue, given in self.oracles.items():
            if not isinstance(given, Oracle):
                choice(given, WORDS, f"oracle of {venue!r}", "an Oracle")

    def on(self, book: MarginBook) -> Oracle:
        """The oracle for the columns of a book."""
        for venue in self.oracles:
            known_name(venue, book.venues, "venue")
        given: list[Any] = [None] * len(book.assets)
        pairs = sorted(set(zip(book.arrays.asset.tolist(), book._frame["venue"], strict=True)))
        for column, venue in pairs:
            if book.assets[column] == NUMERAIRE:  # every oracle knows it
                continue
            mine = self.oracles.get(venue, "last")
            if given[column] not in (None, mine):
                raise MarginError(
                    f"Venues with different oracles share the market of {book.assets[column]!r}. "
                    f"Give the book a price for each, such as '{book.assets[column]}@{venue}'."
                )
            given[column] = mine
        base = np.array(book.base, dtype=object)
        same = (base[:, None] == base).astype(float)
        kinds = list(dict.fromkeys(given))
        return _ByColumn(
            tuple(self._part(kind) for kind in kinds),
            np.array([kinds.index(kind) for kind in given]),
            same / same.sum(axis=0),
        )

    def _part(self, kind: Any) -> tuple[str, Oracle]:
        if isinstance(kind, Oracle):
            return "last", kind
        usual = {"mark": TimeWeighted(self.window), "redemption": Stale(np.inf)}
        return ("last" if kind == "redemption" else kind or "last"), usual.get(kind, Market())


@dataclass(frozen=True)
class _ByColumn(Oracle):
    """Oracles by column (A,); each receives the last price, the index, or their ratio."""

    parts: tuple[tuple[str, Oracle], ...]
    part: np.ndarray
    index: np.ndarray = field(repr=False)

    def _seen(self, what: str, market: np.ndarray) -> np.ndarray:
        if what == "last":
            return market
        level = market @ self.index
        # a mean of the ratio keeps prices above 0
        return level if what == "index" else market / np.where(level > 0, level, 1.0)

    def start(self, price: ArrayLike) -> Memory:
        market = numbers("price", price, 0)
        return tuple(oracle.start(self._seen(what, market)) for what, oracle in self.parts)

    def report(self, market: ArrayLike, memory: Memory) -> tuple[Any, Memory]:
        now = numbers("market", market, 0)
        out, kept = np.empty_like(now), []
        for k, ((what, oracle), old) in enumerate(zip(self.parts, memory, strict=True)):
            told, new = oracle.report(self._seen(what, now), old)
            told = told * (now @ self.index) if what == "mark" else told
            out = np.where(self.part == k, told, out)
            kept.append(new)
        return out, tuple(kept)
