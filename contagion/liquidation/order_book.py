"""Price impact with known, limited depth: the levels of an order book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers
from .price_impact import Array, PriceImpact, array, parameter


def rows_of(name: str, rows: Any, columns: str) -> tuple[Any, bool]:
    """Rows of numbers as nested tuples; True if there is one table per asset."""
    fix = f"{name} must be rows ({columns}), or one list of such rows for each asset"
    try:
        each = np.ndim(rows[0][0]) > 0
        tables = [np.asarray(table, dtype=float) for table in (rows if each else [rows])]
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise ArgumentError(f"{fix}: {error}") from None
    width = columns.count(",") + 1
    for i, table in enumerate(tables):
        if table.ndim != 2 or table.shape[1] != width:
            raise ArgumentError(f"{fix}; table {i} has the shape {table.shape}.")
        numbers(f"{name}, table {i}", table, above=0)
        if np.isnan(table).any():
            raise ArgumentError(f"{name}, table {i} holds nan; leave those rows out.")
    frozen = tuple(tuple(map(tuple, table.tolist())) for table in tables)
    return (frozen if each else frozen[0]), each


def padded(columns: Sequence[Array], each: bool, fill: Sequence[float]) -> Array:
    """Tables of different lengths (C, R_a) as one array (C, A, R), padded by their last row.

    `fill` replaces the padding value where it is not nan. One table for all assets: (C, R).
    """
    most = max(table.shape[1] for table in columns)
    out = np.empty((len(fill), len(columns), most))
    for a, table in enumerate(columns):
        size = table.shape[1]
        out[:, a, :size] = table
        out[:, a, size:] = np.where(np.isnan(fill), table[:, -1], fill)[:, None]
    return out if each else out[:, 0]


def pick(table: Array, index: NDArray[np.intp]) -> Array:
    """table[..., index] row by row: table (..., R) broadcasts against index (...)."""
    shape = np.broadcast_shapes(table.shape[:-1], index.shape)
    full = np.broadcast_to(table, (*shape, table.shape[-1]))
    return np.take_along_axis(full, np.broadcast_to(index, shape)[..., None], -1)[..., 0]


@dataclass(frozen=True)
class Finite(PriceImpact):
    """Limited depth: the base of `ConcentratedLiquidity` and `OrderBook`.

    Parameters
    ----------
    floor : price of sales beyond the depth, as a share of the price before; 0 (default): no
        proceeds and a price of 0; None: an error instead.
    ceiling : the same for purchases, >= 1; None (default): an error.
    """

    floor: Any = field(default=0.0, kw_only=True)
    ceiling: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.floor is not None:
            self._set("floor", 0, high=1)
        if self.ceiling is not None:
            self._set("ceiling", 1)

    @property
    def capacity(self) -> tuple[Numbers, Numbers]:
        """Units that can be sold, and that can be bought, before the depth runs out."""
        raise NotImplementedError

    def _last_prices(self, lowest: Array, highest: Array) -> None:
        """ArgumentError if floor or ceiling (shares of the price) would reverse the price move."""
        if self.floor is not None and (array(self.floor) > lowest).any():
            raise ArgumentError(
                f"floor is {np.max(self.floor):g}, above the lowest price {lowest.min():g} at "
                "which there is depth (both as shares of the price). Lower it."
            )
        if self.ceiling is not None and (array(self.ceiling) < highest).any():
            raise ArgumentError(
                f"ceiling is {np.min(self.ceiling):g}, below the highest price "
                f"{highest.max():g} at which there is depth (both as shares). Raise it."
            )

    def _inside(self, volume: Array) -> tuple[Array, Array]:
        """The volume within the depth, and the rest (sold above 0, bought below)."""
        sell, buy = self.capacity
        inside = np.clip(volume, -np.asarray(buy), sell)
        rest = volume - inside
        for name, last, over, most in (
            ("floor", self.floor, rest, sell),
            ("ceiling", self.ceiling, -rest, buy),
        ):
            if last is None and (over > 0).any():
                at = int(np.argmax(over > 0))
                word = "sold" if name == "floor" else "bought"
                units = np.abs(np.broadcast_to(volume, rest.shape)).ravel()[at]
                depth = np.broadcast_to(most, rest.shape).ravel()[at]
                raise ArgumentError(
                    f"{units:g} units are {word} at position {at}, but there is depth for "
                    f"{depth:g} ({(over > 0).sum()} of {rest.size} volumes). Give `{name}`, the "
                    "share of the price at which the rest trades, or limit the volume."
                )
        return inside, rest

    def _beyond(self, rest: Array) -> Array:
        """The price of the rest, as a share; 1 if there is none."""
        price = np.where(rest > 0, 1.0 if self.floor is None else self.floor, 1.0)
        return np.where(rest < 0, 1.0 if self.ceiling is None else self.ceiling, price)

    def _ran_out(self, factor: Array, low: Array, high: Array) -> Array:
        """The volume for factors beyond the last prices low and high; nan for factors within."""
        sell, buy = self.capacity
        floor = np.inf if self.floor is None else array(self.floor)
        ceiling = -np.inf if self.ceiling is None else array(self.ceiling)
        down = np.where(factor < floor, np.inf, sell)
        up = np.where(factor > ceiling, -np.inf, -np.asarray(buy))
        within = np.where((factor > high) & (factor > 1), up, np.nan)
        return np.where((factor < low) & (factor < 1), down, within)


@dataclass(frozen=True)
class OrderBook(Finite):
    """A depth table: sales execute down the bids, purchases up the asks; price = level reached.

    factor(v) is the price of the last unit traded and 1 at v = 0, so the first unit already pays
    half the spread. integral: Σ level price × units filled there.

    Parameters
    ----------
    bids : rows (price, size): price as a share of the mark before, at most 1, and units, > 0; or
        one list of rows for each asset. In any order.
    asks : the same for purchases, prices at least 1; None: bids mirrored at 1, 2 − price.
    floor, ceiling : beyond the book, see `Finite`. recovery : see `PriceImpact`.

    Raises
    ------
    ArgumentError : a level out of range, or a volume beyond the book without `floor` or `ceiling`.

    Example
    -------
    15 units: 10 at 0.99 and 5 at 0.95.

    >>> book = OrderBook([(0.99, 10), (0.95, 20)], asks=[(1.01, 10)])
    >>> book.factor([0, 10, 15, 31]), round(book.integral(15), 4)
    (array([1.  , 0.99, 0.95, 0.  ]), 14.65)
    >>> book.inverse(0.95), round(book.integral(-10), 4)
    (10.0, -10.1)

    Source: arithmetic.
    """

    bids: Any
    asks: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        bids, each = rows_of("bids", self.bids, "price, size")
        object.__setattr__(self, "bids", bids)
        if self.asks is not None:
            asks, both = rows_of("asks", self.asks, "price, size")
            if both != each or (each and len(asks) != len(bids)):
                raise ArgumentError("bids and asks must both be one table, or one for each asset.")
            object.__setattr__(self, "asks", asks)
        (down, _), (up, _) = self._levels
        parameter("price of the bids", down, high=1)
        parameter("price of the asks", up, 1)
        self._last_prices(down[..., -1], up[..., -1])

    @cached_property
    def _levels(self) -> tuple[Array, Array]:
        """(price, size) of the bids and of the asks, best first: (2, K) or (2, A, K)."""

        def side(tables: Any, sign: float) -> Array:
            each = isinstance(tables[0][0], tuple)
            found = [np.asarray(table).T for table in (tables if each else (tables,))]
            found = [table[:, np.argsort(sign * table[0], kind="stable")] for table in found]
            return padded(found, each, (np.nan, 0.0))

        bids = side(self.bids, -1.0)
        mirror = np.stack([2 - bids[0], bids[1]])
        return bids, (mirror if self.asks is None else side(self.asks, 1.0))

    @cached_property
    def capacity(self) -> tuple[Numbers, Numbers]:
        """Units of all bids, and of all asks."""
        (_, bids), (_, asks) = self._levels
        return answer(bids.sum(-1)), answer(asks.sum(-1))

    def _factor(self, volume: Array) -> Array:
        inside, rest = self._inside(volume)
        price = np.ones(inside.shape)
        for (level, size), units in zip(self._levels, (inside, -inside), strict=True):
            before = np.cumsum(size, -1) - size
            last = np.maximum((before < units[..., None]).sum(-1) - 1, 0)
            price = np.where(units > 0, pick(level, last), price)
        return np.where(rest == 0, price, self._beyond(rest))

    def _integral(self, volume: Array) -> Array:
        inside, rest = self._inside(volume)
        total = rest * self._beyond(rest)
        for (level, size), sign in zip(self._levels, (1.0, -1.0), strict=True):
            before = np.cumsum(size, -1) - size
            filled = np.clip(sign * inside[..., None] - before, 0, size)
            total = total + sign * (level * filled).sum(-1)
        return total

    def _inverse(self, factor: Array) -> Array:
        (down, bids), (up, asks) = self._levels
        to = factor[..., None]
        sold = np.where(down > to, bids, 0.0).sum(-1)
        bought = np.where(up < to, asks, 0.0).sum(-1)
        units = np.where(factor < 1, sold, np.where(factor > 1, -bought, 0.0))
        out = self._ran_out(factor, down[..., -1], up[..., -1])
        return np.where(np.isnan(out), units, out)
