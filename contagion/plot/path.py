"""A liquidation cascade, round by round: price, oracle, open interest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import expect
from ..liquidation import CascadeResult
from ..media import figure
from ..text import known_name, money, plural, same_scale
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OPEN = "#d5dbe3"
MARKS = 40  # with more rounds, points have no marks


@figure
def cascade_path(result: CascadeResult, asset: Any = None, *, ax: Axes | None = None) -> Axes:
    """Draw the effect of a liquidation cascade on one price and on open interest, by round.

    All lines are in % of the values before the shock, so that they share an axis: the market
    price, the oracle price, the fundamental price after the shock (thin), the market depth if it
    withdraws and, as an area, the open interest. With several assets or with loans, units cannot
    be added; the area is then the cumulative amount liquidated, at the prices paid, in % of the
    value of all open positions before the shock; for a loan, both collateral and debt count.

    Parameters
    ----------
    result : of :meth:`LiquidationCascade.run`.
    asset : the asset; by default the one with the largest change of its market price.
    ax : where to draw; by default a new figure.

    Raises
    ------
    UnknownNameError : for an asset that the book does not have, with the closest one.

    Example
    -------
    The price falls by 12 %; selling 10 of a depth of 100 takes 10 % of the rest: 79.2.

    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> run = ct.liquidation.LiquidationCascade(impact=ct.liquidation.Linear(depth=100))
    >>> ax = ct.plot.cascade_path(run.run(book, {"X": -0.12}))
    >>> market = next(line for line in ax.lines if line.get_label() == "market price")
    >>> [round(float(value), 6) for value in market.get_ydata()]
    [100.0, 88.0, 79.2, 79.2]
    """
    expect("CascadeResult", result=result)
    book, path = result.before, result.history
    name = _asset(result, asset)
    mine = path[path["asset"] == name]
    at, start = mine["round"].to_numpy(), float(mine["market"].iloc[0])
    market, told = (_percent(mine[side].to_numpy(float), start) for side in ("market", "oracle"))
    fundamental = _percent(np.array([result.prices[book.assets.index(name)]]), start)[0]
    ax = style.axes(ax, 7.6, 4.2)
    open_ = mine["open"].to_numpy(float)
    area = 100 * open_ / max(open_[0], 1e-300)
    ax.fill_between(
        at, area, step="post", facecolor=OPEN, edgecolor=style.THREAD, linewidth=0.8,
        label="open interest", zorder=1,
    )  # fmt: skip
    mark = "o" if len(at) <= MARKS else ""
    ax.axhline(fundamental, color=style.QUIET, linewidth=0.8, linestyle=(0, (1, 2)), zorder=2,
               label="fundamental price after the shock")  # fmt: skip
    ax.plot(at, market, color=style.FAILED, linewidth=1.8, marker=mark, markersize=3.4,
            label="market price", zorder=4)  # fmt: skip
    ax.plot(at, told, color=style.ROLES["owners"], linewidth=1.6, linestyle=(0, (4, 2)),
            label="oracle", zorder=5)  # fmt: skip
    depth = 100 * mine["depth"].to_numpy(float)
    if (depth < 100).any():
        ax.step(at, depth, where="post", color=style.OUTSIDE, linewidth=1.5,
                linestyle=(0, (5, 1, 1, 1)), label="depth of the market", zorder=3)  # fmt: skip
    _frame(ax, _end(result, market, told), float(max(100.0, market.max(), told.max(), area.max())))
    style.legend(ax, _handles(ax), 1 if style.drawn_width(ax) < 4.5 else 2)
    title = f"{name}: price and open interest, round by round"
    style.heading(ax, title, _note(result, name, start, market, fundamental))
    return ax


def _asset(result: CascadeResult, asset: Any) -> Any:
    assets = result.before.assets
    if asset is not None:
        known_name(asset, assets, "asset of the book")
        return asset
    path = result.history
    before = path["asset"].map(result.before.prices).to_numpy(float)
    far = np.abs(path["market"].to_numpy() - before) / np.where(before > 0, before, 1.0)
    return path["asset"].iloc[int(far.argmax())]


def _percent(price: np.ndarray, start: float) -> np.ndarray:
    return 100 * price / start if start > 0 else np.zeros(len(price))


def _sold(result: CascadeResult) -> np.ndarray:
    """Amount liquidated in each round, from round 0 on."""
    return result.history.drop_duplicates("round")["liquidated"].to_numpy(float)


def _end(result: CascadeResult, market: np.ndarray, told: np.ndarray) -> int:
    """The last round shown; later changes are too small to see."""
    moves = (np.abs(market - market[-1]) > 0.1) | (np.abs(told - told[-1]) > 0.1)
    busy = int(np.flatnonzero(_sold(result) > 0).max(initial=0))
    last = min(int(np.flatnonzero(moves).max(initial=0)), max(4 * busy, 20))  # a slow recovery
    last = max(last, busy)
    return min(last + 1 + last // 20, len(market) - 1)


def _frame(ax: Axes, last: int, top: float) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_xlim(0, max(last, 1))
    ax.set_ylim(0, 1.06 * top)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    ax.yaxis.set_major_formatter("{x:g} %")
    style.frame(ax, "round (0: before the shock)", "of before the shock")


def _handles(ax: Axes) -> list[Any]:
    found = dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
    first = ["market price", "oracle", "fundamental price after the shock"]
    return [found[name] for name in first] + [h for n, h in found.items() if n not in first]


def _note(
    result: CascadeResult, name: Any, start: float, market: np.ndarray, fundamental: float
) -> str:
    unit = result.before.unit
    spent, deficit, latent = _sold(result), result.deficits.sum(), result.latent.sum()
    say = same_scale([spent.sum(), deficit, latent], unit)
    busy = int((spent > 0).sum())
    news = f"{name} was {money(start, unit)}. The shock moves it by {fundamental - 100:+.1f} %"
    if not busy:
        text = f"{news}. Nothing is liquidated."
    else:
        worst = float(market[np.abs(market - 100).argmax()]) - 100
        way = f"{market[-1] - 100:+.1f} %"
        way = (
            f"to {worst:+.1f} %, in the end to {way}"
            if abs(worst + 100 - market[-1]) > 0.5
            else (f"to {way}")
        )
        text = (
            f"{news}, liquidations {way}. {say(float(spent.sum()))} liquidated in "
            f"{plural(busy, 'round')}."
        )
    parts = [f"{say(float(x))} {word}" for x, word in
             ((deficit, "of deficits"), (latent, "of latent losses")) if x > 0]  # fmt: skip
    return f"{text} It leaves {' and '.join(parts)}." if parts else text
