"""The liquidation profile of a book: liquidatable amounts by price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from ..errors import expect
from ..liquidation import MarginBook
from ..liquidation.liquidation_profile import liquidatable, moving, steps
from ..media import figure
from ..text import choice, money
from ..units import scale
from . import style
from .pieces import short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SIDES = {"sold": style.LOSS, "bought": style.ROLES["owners"]}
WORDS = {"sold": "long positions and collateral", "bought": "short positions"}
MOST = 6
LEVELS = 241
TOLD = (-0.1, -0.2, -0.3, 0.1, 0.2)  # moves for which the note can give numbers


@figure
def liquidation_profile(
    book: MarginBook,
    asset: Any = None,
    *,
    moves: ArrayLike | None = None,
    by: Literal["side", "venue"] = "side",
    ax: Axes | None = None,
) -> Axes:
    """Draw the liquidatable amount by change of price, cumulative from the current price outwards.

    Left of the current price are liquidations after a fall, right of it after a rise; a steep step
    is a price at which a large amount becomes liquidatable at once. Static, without impact, as in
    :func:`contagion.liquidation.liquidatable`. Amounts are valued at current prices,
    so that heights represent units and do not shrink with the price.

    Parameters
    ----------
    book : positions and loans.
    asset : the asset that moves, or a list of them; by default all but money, by the same change.
    moves : relative changes >= −1; by default until nothing new becomes liquidatable, at most
        from −75 % to +75 %.
    by : colours show long and short, or the six largest venues and the others.
    ax : where to draw; by default a new figure.

    Raises
    ------
    MarginError : for an asset that the book does not have.
    ArgumentError : for another value of `by`, and for moves below −1.

    Example
    -------
    Long 10 and 20, liquidated below 94.74 and 89.47: 1,000 at 92, 3,000 at 88.

    >>> import contagion as ct
    >>> rows = [{"venue": "v", "holder": h, "instrument": "X", "size": size, "margin": margin}
    ...         for h, size, margin in (("a", 10, 100), ("b", 20, 300))]
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=rows)
    >>> ax = ct.plot.liquidation_profile(book, "X", moves=[-0.12, -0.08, 0.0])
    >>> [float(y) for y in ax.lines[0].get_ydata()]
    [3000.0, 1000.0, 0.0]
    """
    expect(book=book)
    choice(by, ("side", "venue"), "by")
    at = _reach(book, asset) if moves is None else np.unique(steps(moves))
    table = liquidatable(book, at, asset, by="venue" if by == "venue" else None)
    heights, labels, colours = _sides(table) if by == "side" else _venues(table, len(at))
    total = heights.sum(axis=0)
    to = scale([float(total.max(initial=0.0))], book.unit)
    ax = style.axes(ax, 7.8, 4.2)
    edges = np.cumsum(heights, axis=0) / to.divisor
    low = np.zeros(len(at))
    for height, high, label, colour in zip(heights, edges, labels, colours, strict=True):
        if height.any():
            ax.fill_between(at, low, high, color=colour, alpha=0.75, linewidth=0, label=label)
        low = high
    ax.plot(at, total / to.divisor, color=style.INK, linewidth=1.0)
    top = float(total.max(initial=0.0)) / to.divisor
    _frame(ax, book, asset, at, top, to.label)
    handles, names = ax.get_legend_handles_labels()
    if handles:
        columns = 2 if max(map(len, names)) > 20 else 4
        style.legend(ax, handles, 1 if style.drawn_width(ax) < 4.5 else columns)
    style.heading(ax, _title(book, asset), _note(book, asset, at, total))
    return ax


def _reach(book: MarginBook, asset: Any) -> np.ndarray:
    """Moves from the current price until nothing new becomes liquidatable."""
    wide = np.linspace(-0.75, 0.75, LEVELS)
    value = liquidatable(book, wide, asset)["value_before"].to_numpy()
    middle = LEVELS // 2
    fell, rose = value[: middle + 1][::-1], value[middle:]
    ends = []
    for side in (fell, rose):
        more = side - side[0] > 0
        grown = np.flatnonzero(side >= side[0] + 0.98 * (side.max() - side[0]))
        ends.append(min(int(grown[0] * 1.1) + 4, middle) if more.any() else 6)
    found: np.ndarray = np.linspace(wide[middle - ends[0]], wide[middle + ends[1]], 2 * LEVELS)
    return np.unique(np.append(found, 0.0))


def _sides(table: pd.DataFrame) -> tuple[np.ndarray, list[str], list[str]]:
    heights = np.array([table[f"{side}_before"].to_numpy(float) for side in SIDES])
    return heights, [WORDS[side] for side in SIDES], list(SIDES.values())


def _venues(table: pd.DataFrame, many: int) -> tuple[np.ndarray, list[str], list[str]]:
    heights = table["value_before"].to_numpy(float).reshape(many, -1).T
    names = [short(str(name), 28) for name in table["venue"].iloc[: len(heights)]]
    order = np.argsort(-heights.max(axis=1), kind="stable")
    first, rest = order[:MOST], order[MOST:]
    rows, labels = [*heights[first]], [names[i] for i in first]
    if len(rest):
        rows.append(heights[rest].sum(axis=0))
        labels.append(f"{len(rest):,} other venue{'s' if len(rest) > 1 else ''}")
    return np.array(rows), labels, [*style.KINDS[: len(first)], *[style.OTHER] * bool(len(rest))]


def _one(book: MarginBook, asset: Any) -> Any:
    """The only asset that moves, or None."""
    which = np.flatnonzero(moving(book, asset))
    return book.assets[int(which[0])] if len(which) == 1 else None


def _title(book: MarginBook, asset: Any) -> str:
    one = _one(book, asset)
    if one is not None:
        return f"Liquidatable by the price of {one}"
    many = int(moving(book, asset).sum())
    return f"Liquidatable when {many} prices move together"


def _frame(ax: Axes, book: MarginBook, asset: Any, at: np.ndarray, top: float, unit: str) -> None:
    from matplotlib.ticker import MaxNLocator

    one = _one(book, asset)
    low, high = float(min(at[0], 0.0)), float(max(at[-1], 0.0))
    if low == high:
        low, high = low - 0.01, high + 0.01
    ax.set_xlim(low, high)
    ax.set_ylim(0, 1.08 * top if top > 0 else 1.0)
    ticks = [t for t in MaxNLocator(9, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
             if low - 1e-9 <= t <= high + 1e-9]  # fmt: skip
    words = [f"{100 * t:+.3g} %" if abs(t) > 1e-12 else "now" for t in ticks]
    if one is not None:
        price = book.prices[one]
        words = [f"{_price(price * (1 + t))}\n{word}" for t, word in zip(ticks, words, strict=True)]
    ax.set_xticks(ticks, words)
    ax.axvline(0.0, color=style.QUIET, linewidth=0.9, linestyle=(0, (2, 2)), zorder=3)
    ax.yaxis.set_major_formatter("{x:,g}")
    across = "change of the prices" if one is None else f"price of {one}, and its change"
    across += f" ({book.unit} each)" if book.unit and one is not None else ""
    up = "liquidatable, at current prices"
    style.frame(ax, across, f"{up}, {unit}" if unit else f"{up} (the book states no unit)")
    if top <= 0:
        ax.set_yticks([])


def _price(price: float) -> str:
    return f"{price:,.0f}" if price >= 1_000 else f"{price:.4g}"


def _note(book: MarginBook, asset: Any, at: np.ndarray, total: np.ndarray) -> str:
    a = book.arrays
    value = a.units * book.price[a.asset]
    whole = float(np.abs(value)[~a.loan[a.account] | (value > 0)].sum())
    if not total.any():
        return "Nothing is liquidatable at any of these prices."
    parts = []
    for move in TOLD:
        if not at[0] <= move <= at[-1]:
            continue
        height = float(liquidatable(book, [move], asset)["value_before"].iloc[0])
        if height > 0:
            parts.append(
                f"{move:+.0%}: {money(height, book.unit)} ({style.percent(height / whole)} of all)"
            )
    text = "At current prices, without price impact (which would increase it)."
    return f"{text} {'; '.join(parts)}." if parts else text
