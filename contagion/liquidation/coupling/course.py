"""Price paths to the final prices of a scenario: in one jump, in equal steps, or from a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import MarginError
from ...media import shown
from ..cascade import along
from ..margin_book import MarginBook


@dataclass(frozen=True, eq=False)
class Course:
    """Prices (T, A) of the markets of a book at T dates, and the total change of each asset.

    A scenario with other final prices follows the same path, scaled to end at these prices.
    """

    prices: np.ndarray
    dates: list[Any]
    moves: dict[Any, float]

    @shown
    def __repr__(self) -> str:
        moves = ", ".join(f"{name} {move:+.1%}" for name, move in self.moves.items())
        return f"<path of {len(self.dates)} dates: {moves}>"

    @classmethod
    def of(cls, book: MarginBook, path: pd.DataFrame) -> Course:
        """The path given by a table of prices, one row per date, one column per asset."""
        prices, dates = along(book, path)
        if not (prices[-1] > 0).all():
            raise MarginError("path= ends at a price of 0: give the last price above 0.")
        last, moves = path.iloc[-1], {}
        for name in path.columns:
            before = book.prices[
                name if name in book.prices else book.assets[book.markets(name)[0]]
            ]
            moves[name] = float(last[name]) / before - 1 if before > 0 else 0.0
        return cls(prices, dates, moves)

    def to(self, after: np.ndarray) -> np.ndarray:
        """(B, T, A) prices on the path to (B, A)."""
        return np.asarray(self.prices * (after / self.prices[-1])[:, None])


def steps(before: np.ndarray, after: np.ndarray, count: int) -> np.ndarray:
    """(B, T, A) prices on the path from (A,) to (B, A), in T steps of equal ratio.

    >>> steps(np.array([100.0]), np.array([[81.0]]), 2).round(9).tolist()
    [[[90.0], [81.0]]]
    """
    part = np.arange(1, count + 1)[:, None] / count
    ratio = after / np.where(before > 0, before, 1.0)
    way = before * ratio[:, None] ** part
    way[:, -1] = after
    return np.asarray(way)
