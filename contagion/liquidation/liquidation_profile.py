"""Liquidatable positions by price, and their concentration by holder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from ..errors import ArgumentError, MarginError, expect
from ..statistics.arrays import numbers
from ..text import choice, known_name
from .margin_book import NUMERAIRE, MarginBook

CELLS = 2**22  # moves × accounts at a time
By = Literal["venue", "holder"] | None


def moving(book: MarginBook, asset: Any = None) -> np.ndarray:
    """(A,) bool, the assets that move: one, several, or with None all except money.

    Raises
    ------
    MarginError : for a name that is not in the book; states the closest one.

    Example
    -------
    >>> book = MarginBook({"ETH": 2000.0, "USDC": 1.0}, loans=[{"protocol": "p", "borrower": "b",
    ...     "collateral_asset": "ETH", "collateral": 1, "debt_asset": "USDC", "debt": 1000,
    ...     "threshold": 0.8}])
    >>> moving(book, "ETH").tolist(), moving(book).tolist()
    ([True, False], [True, True])
    """
    if asset is None:
        return np.array([name != NUMERAIRE for name in book.assets])
    wanted = [asset] if isinstance(asset, str) or not isinstance(asset, Sequence) else list(asset)
    for name in wanted:
        known_name(name, book.assets, "asset of the book")
    return np.isin(np.array(book.assets, object), np.array(wanted, object))


def moved(book: MarginBook, moves: ArrayLike, asset: Any = None) -> np.ndarray:
    """(M, A) prices after relative changes (M,) >= −1 of some assets; see :func:`moving`.

    >>> book = MarginBook({"X": 50.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 1}])
    >>> moved(book, [-0.2, 0.5]).tolist()
    [[40.0], [75.0]]
    """
    return np.asarray(book.price * (1 + steps(moves)[:, None] * moving(book, asset)))


def liquidatable(
    book: MarginBook, moves: ArrayLike, asset: Any = None, *, by: By = None
) -> pd.DataFrame:
    """Liquidatable amounts after price moves, at once and without price impact.

    Static: all positions of the accounts with health below 0 at the new prices. With a close factor
    a venue may sell less at first; price impact leads to more liquidations.

    Parameters
    ----------
    book : positions and loans.
    moves : relative changes (M,) >= −1: −0.2 is a fall by 20 %.
    asset : the asset that moves, or a list of them; by default all except money, equally. For loans
        in a stablecoin, name the collateral: if the debt falls as well, no loan is liquidatable.
    by : one row per move, or per move and venue, or per move and holder (liquidatable ones only).

    Returns
    -------
    DataFrame
        move, (venue or holder), accounts (number); at the moved prices, money: value = sold +
        bought, sold (long positions and collateral), bought (short positions), debt (of loans),
        deficit (equity below 0); value_before, sold_before, bought_before: the same units at the
        prices of the book, so that amounts do not shrink with the prices.

    Raises
    ------
    MarginError : for an asset that the book does not have.
    ArgumentError : for moves below −1 or not finite.

    Source: health below 0 as in :class:`MarginBook`; the columns are our own.

    Example
    -------
    Long 10 at 100 with a margin of 100 and maintenance 5 %: liquidated below 94.74.

    >>> book = MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> liquidatable(book, [-0.05, -0.06, -0.12])[["move", "value", "deficit"]].values.tolist()
    [[-0.05, 0.0, 0.0], [-0.06, 940.0, 0.0], [-0.12, 880.0, 20.0]]
    """
    expect(book=book)
    choice(by, (None, "venue", "holder"), "by")
    a, n = book.arrays, len(book)
    group = np.zeros(n, np.int64) if by is None else a.venue if by == "venue" else a.holder
    names: tuple[Any, ...] = ("",) if by is None else getattr(book, f"{by}s")
    sums = csr_array((np.ones(n), (np.arange(n), group)), shape=(n, len(names)))
    parts = []
    for at, weak, sizes in _weak(book, moves, asset):
        sizes["accounts"] = np.ones_like(weak, float)
        found = {name: (weak * size) @ sums for name, size in sizes.items()}
        found["value"] = found["sold"] + found["bought"]
        found["value_before"] = found["sold_before"] + found["bought_before"]
        head = {"move": np.repeat(at, len(names)), by or "all": list(names) * len(at)}
        parts.append(pd.DataFrame(head | {name: x.ravel() for name, x in found.items()}))
    frame = pd.concat(parts, ignore_index=True).astype({"accounts": np.int64})
    if by == "holder":
        frame = frame[frame["accounts"] > 0].reset_index(drop=True)
    columns = ["accounts", "value", "sold", "bought", "debt", "deficit"]
    columns += ["value_before", "sold_before", "bought_before"]
    return frame[["move", *([by] if by else []), *columns]]


def concentration(
    book: MarginBook, moves: ArrayLike, asset: Any = None, *, k: int | Sequence[int] = 3
) -> pd.DataFrame:
    """Concentration of liquidatable value by holder, at each move of the prices.

        s_h = value of holder h / Σ value     HHI = Σ s_h²     CR_k = sum of the k largest s_h

    over the liquidatable value at the new prices, all accounts of a holder together.

    Parameters
    ----------
    book, moves, asset : see :func:`liquidatable`.
    k : number of holders in CR, one number or several.

    Returns
    -------
    DataFrame
        One row per move: holders (number), value (money), hhi, effective = 1 / HHI (holders), cr_k,
        largest (name of a holder); nan and None if nothing is liquidatable.

    Raises
    ------
    MarginError : for k below 1, an unknown asset.

    Source: Herfindahl-Hirschman index and concentration ratio, as in any text on industrial
    organization.

    Example
    -------
    Two longs of 10 and 30 that are both liquidatable: shares 1/4 and 3/4.

    >>> rows = [{"venue": "v", "holder": h, "instrument": "X", "size": size, "margin": 5 * size}
    ...         for h, size in (("small", 10), ("large", 30))]
    >>> found = concentration(MarginBook({"X": 100.0}, positions=rows), [-0.1], k=1)
    >>> found[["holders", "hhi", "cr_1", "largest"]].values.tolist()
    [[2, 0.625, 0.75, 'large']]
    """
    expect(book=book)
    many = [k] if isinstance(k, int) else list(k)
    if not many or min(many) < 1:
        raise MarginError(f"k={k}: count at least one holder.")
    a, n = book.arrays, len(book)
    sums = csr_array((np.ones(n), (np.arange(n), a.holder)), shape=(n, len(book.holders)))
    names = np.array(book.holders, object)
    parts = []
    for at, weak, sizes in _weak(book, moves, asset):
        value = (weak * (sizes["sold"] + sizes["bought"])) @ sums
        total = value.sum(axis=1)
        some = total > 0
        share = np.divide(value, total[:, None], out=np.zeros(value.shape), where=some[:, None])
        hhi = np.where(some, np.square(share).sum(axis=1), np.nan)
        top = -np.sort(-share, axis=1)
        frame = {"move": at, "holders": (value > 0).sum(axis=1), "value": total, "hhi": hhi}
        frame["effective"] = 1 / hhi
        frame |= {f"cr_{j}": np.where(some, top[:, :j].sum(axis=1), np.nan) for j in many}
        frame["largest"] = np.where(some, names[share.argmax(axis=1)], None)
        parts.append(pd.DataFrame(frame))
    return pd.concat(parts, ignore_index=True)


def steps(moves: ArrayLike) -> np.ndarray:
    """Moves as an array (M,), at least one, without nan."""
    at = np.atleast_1d(numbers("moves", moves, -1.0))
    if at.ndim != 1 or not at.size or np.isnan(at).any():
        raise ArgumentError("moves has to be a list of relative changes >= -1, all known.")
    return at


def _weak(
    book: MarginBook, moves: ArrayLike, asset: Any
) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
    """Moves, liquidatable accounts (M, N), and their values at the new prices, in chunks.

    Health, equity and values are linear in the move, so each needs only two sums per account.
    """
    a, n, at = book.arrays, len(book), steps(moves)
    value = a.units * book.price[a.asset]
    goes = moving(book, asset)[a.asset]
    loan = a.loan[a.account]
    sides = {
        "sold": np.maximum(value, 0.0),
        "bought": np.where(loan, 0.0, np.maximum(-value, 0.0)),
        "debt": np.where(loan, np.maximum(-value, 0.0), 0.0),
    }

    def line(legs: np.ndarray, cash: np.ndarray | float, some: np.ndarray) -> np.ndarray:
        still = np.bincount(a.account, legs, n) + cash
        return np.asarray(still + some[:, None] * np.bincount(a.account, legs * goes, n))

    scale = np.abs(a.cash) + np.bincount(a.account, np.abs(value), n)
    wide = max(1, CELLS // max(n, 1))
    now = np.zeros(1)
    before = {f"{name}_before": line(sides[name], 0.0, now) for name in ("sold", "bought")}
    for start in range(0, len(at), wide):
        some = at[start : start + wide]
        equity = line(value, a.cash, some)
        weak = line(value * a.weight, a.cash, some) < -1e-12 * scale
        sizes = {name: line(side, 0.0, some) for name, side in sides.items()}
        sizes |= {"deficit": np.maximum(-equity, 0.0)} | before
        weak &= sizes["sold"] + sizes["bought"] + sizes["debt"] > 0
        yield some, weak, sizes
