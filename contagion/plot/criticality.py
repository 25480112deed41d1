"""The criticality map: amplification of a price drop by liquidations, by leverage or depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import ArgumentError
from ..liquidation.criticality import CriticalityMap
from ..media import figure
from ..text import money
from ..units import scale
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize

CELLS = 130  # with more cells, no numbers are written into them
TICKS = (1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
CAP = 50.0  # multipliers above share a colour


@figure
def criticality(
    found: CriticalityMap,
    figure: Literal["multiplier", "deficit", "latent", "loss"] = "multiplier",
    *,
    threshold: float = 1.5,
    ax: Axes | None = None,
) -> Axes:
    """Draw a criticality map: colour by price drop (across) and leverage or depth (upwards).

    The black line is the tipping point: it surrounds the cells whose multiplier is above the
    threshold, for any quantity shown by colour. Rows are the levels, with equal heights.
    Multipliers have a logarithmic scale; multipliers above 50, and cells without any loss in the
    absence of price impact, have the colour of 50.

    Parameters
    ----------
    found : of :func:`contagion.liquidation.criticality.criticality_map`.
    figure : quantity shown by colour.
    threshold : of the multiplier, for the line.
    ax : where to draw; by default a new figure. The colour bar takes some of its space.

    Raises
    ------
    ArgumentError : for another figure.

    Example
    -------
    >>> import contagion as ct
    >>> from contagion.liquidation.criticality import criticality_map
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> run = ct.liquidation.LiquidationCascade(impact=ct.liquidation.Linear(depth=100))
    >>> found = criticality_map(book, run, [0.02, 0.12], leverage=[0.5, 1.0])
    >>> ax = ct.plot.criticality(found)
    >>> [text.get_text() for text in ax.texts][:4]
    ['1', '1', '1', '1.37']
    """
    if figure not in ("multiplier", "deficit", "latent", "loss"):
        raise ArgumentError(f"figure={figure!r}: multiplier, deficit, latent or loss.")
    across, up = np.argsort(found.drops, kind="stable"), np.argsort(found.levels, kind="stable")
    values = np.asarray(getattr(found, figure), float)[np.ix_(up, across)]
    over = found.multiplier[np.ix_(up, across)] > threshold
    drops, levels = found.drops[across], found.levels[up]
    x, y = _edges(100 * drops), np.arange(len(levels) + 1) - 0.5
    ax = style.axes(ax, 7.8, 1.9 + float(np.clip(0.32 * len(levels), 1.4, 4.2)))
    finite = values[np.isfinite(values)]
    to = scale([float(finite.max(initial=0.0))], found.unit)
    norm = _norm(figure, finite)
    shown = np.where(np.isfinite(values), values, CAP)
    if figure != "multiplier":
        shown = shown / to.divisor
    mesh = ax.pcolormesh(x, y, shown, cmap=style.losses(), norm=norm, edgecolor="face", lw=0.2)
    _bar(ax, mesh, figure, to.label, bool((shown > norm.vmax).any()))
    _line(ax, x, y, over)
    _frame(ax, found.by, x, levels)
    if values.size <= CELLS and style.drawn_width(ax) / len(drops) > 0.4:
        _numbers(ax, x, values, to.divisor if figure != "multiplier" else 1.0, norm)
    title = {
        "multiplier": "Amplification of a price drop by liquidations",
        "deficit": "Deficits after a price drop",
        "latent": "Latent losses after a price drop",
        "loss": "Total loss after a price drop",
    }[figure]
    style.heading(ax, title, _note(found, threshold))
    return ax


def _edges(points: np.ndarray) -> np.ndarray:
    """Borders of cells around sorted points."""
    if len(points) == 1:
        return np.array([points[0] - 0.5, points[0] + 0.5])
    middle = (points[1:] + points[:-1]) / 2
    first, last = points[0] - (middle[0] - points[0]), points[-1] + (points[-1] - middle[-1])
    return np.concatenate([[first], middle, [last]])


def _norm(figure: str, finite: np.ndarray) -> Normalize:
    from matplotlib.colors import LogNorm, Normalize

    top = float(finite.max(initial=0.0))
    if figure == "multiplier":
        return LogNorm(1.0, float(np.clip(top, 2.0, CAP)), clip=False)
    return Normalize(0.0, top / scale([top], "").divisor or 1.0)


def _bar(ax: Axes, mesh: Any, figure: str, unit: str, more: bool) -> None:
    text = f"{figure}, {unit}" if unit else figure
    if figure == "multiplier":
        text = "loss over loss without price impact"
    bar = style.colour_bar(ax, mesh, text, "max" if more else "neither")
    if figure == "multiplier":
        top = mesh.norm.vmax
        ticks = [t for t in TICKS if t <= top * 1.001]
        bar.set_ticks(ticks, labels=[f"{t:g}" for t in ticks])
        bar.minorticks_off()
    else:
        bar.ax.yaxis.set_major_formatter("{x:,g}")


def _line(ax: Axes, x: np.ndarray, y: np.ndarray, over: np.ndarray) -> None:
    """The border between cells above the threshold and others."""
    from matplotlib.collections import LineCollection

    rows, columns = np.nonzero(over[:, 1:] != over[:, :-1])
    lines = [[(x[k + 1], y[g]), (x[k + 1], y[g + 1])] for g, k in zip(rows, columns, strict=True)]
    rows, columns = np.nonzero(over[1:] != over[:-1])
    lines += [[(x[k], y[g + 1]), (x[k + 1], y[g + 1])] for g, k in zip(rows, columns, strict=True)]
    ax.add_collection(
        LineCollection(lines, colors=style.TRIGGER, linewidths=1.6, capstyle="round", zorder=4)
    )


def _frame(ax: Axes, by: str, x: np.ndarray, levels: np.ndarray) -> None:
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(-0.5, len(levels) - 0.5)
    step = max(1, -(-len(levels) // 12))
    at = np.arange(0, len(levels), step)
    ax.set_yticks(at, [f"× {levels[i]:.3g}" for i in at])
    ax.xaxis.set_major_formatter("{x:g} %")
    ax.tick_params(labelsize=8, labelcolor=style.QUIET, color=style.LINE)
    ax.tick_params(axis="y", length=0)
    ax.spines[:].set_visible(False)
    of = "of the book" if by == "leverage" else "of the market"
    style.named(ax, "price drop", f"{by} {of}")


def _numbers(ax: Axes, x: np.ndarray, values: np.ndarray, divisor: float, norm: Normalize) -> None:
    middle = (x[1:] + x[:-1]) / 2
    for g, row in enumerate(values):
        for at, value in zip(middle, row, strict=True):
            number = value / divisor
            dark = not np.isfinite(number) or float(norm(number)) > 0.55
            text = (
                "∞" if np.isinf(number) else f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
            )
            ax.text(at, g, text, ha="center", va="center", fontsize=7,
                    color="white" if dark else style.INK, zorder=5)  # fmt: skip


def _note(found: CriticalityMap, threshold: float) -> str:
    line = found.tipping(threshold)
    known = line.dropna()
    if known.empty:
        text = f"No cell is above {threshold:g} times the loss without impact."
    else:
        near = int(np.abs(known.index.to_numpy(float) - 1).argmin())
        level, drop = float(known.index.to_numpy(float)[near]), float(known.iloc[near])
        text = (
            f"Line: more than {threshold:g} times the loss without price impact. At {found.by} "
            f"× {level:.3g} from a drop of {100 * drop:.3g} % on."
        )
    return f"{text} Largest deficit {money(float(found.deficit.max()), found.unit)}."
