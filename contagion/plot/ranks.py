"""Agreement of measures: the ranks of every node under each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..measures import MEASURES
from ..measures.ranking import Agreement
from ..media import figure
from ..vocabulary import MOST_DRAWN
from . import style
from .pieces import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 25


@figure
def rank_ranges(found: Agreement, *, most: int = MOST_DRAWN, ax: Axes | None = None) -> Axes:
    """Draw the ranks of the most important nodes: a row for each node, a point for each measure.

    The line goes from the best to the worst rank, the thick mark is the median. Rows are in the
    order of the median; a long line means that the importance of the node depends on the measure.

    Parameters
    ----------
    found : of :func:`contagion.measures.ranking.agreement`.
    most : largest number of rows.
    ax : where to draw; by default a new figure.

    Example
    -------
    >>> import pandas as pd
    >>> from contagion import plot
    >>> from contagion.measures import ranking
    >>> table = pd.DataFrame({"x": [3, 2, 1], "y": [3, 1, 2]}, index=["a", "b", "c"])
    >>> ax = plot.rank_ranges(ranking.agreement(table, ["x", "y"]))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['a', 'b', 'c']
    """
    from matplotlib.ticker import MaxNLocator

    ranges = found.ranges.head(most)
    ranks = found.ranks.loc[ranges.index]
    rows = np.arange(len(ranges))
    ax = style.axes(ax, 7.4, 1.9 + 0.3 * len(rows))
    best, worst = ranges["best"].to_numpy(float), ranges["worst"].to_numpy(float)
    ax.hlines(rows, best, worst, color=style.LINE, linewidth=1.2, zorder=1)
    few = len(ranks.columns) <= len(style.KINDS)
    handles = _each(ax, ranks) if few else _counted(ax, ranks)
    median = ranges["median"].to_numpy(float)
    handles += ax.plot(
        median, rows, "|", color=style.INK, markersize=13, markeredgewidth=2.2, zorder=4,
        label="median of all measures",
    )  # fmt: skip
    style.legend(ax, [*handles, _span(ax)], points=34)
    ax.set_yticks(rows, [short(str(node)) for node in ranges.index])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0.4, np.nanmax(worst, initial=1.0) + 0.6)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.named(ax, "rank, 1 is the most important")
    ax.tick_params(labelsize=8, labelcolor=style.QUIET, color=style.LINE)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(style.LINE)
    note = found.sentence + ("" if few else " Larger points: more measures give that rank.")
    style.heading(ax, "Who is critical, by measure", note)
    return ax


def _span(ax: Axes) -> Any:
    """The legend entry for the lines."""
    (line,) = ax.plot([], [], color=style.LINE, linewidth=1.2, label="from best to worst rank")
    return line


def _each(ax: Axes, ranks: pd.DataFrame) -> list[Any]:
    """A colour for each measure; points with equal ranks are side by side."""
    rows: np.ndarray = np.arange(len(ranks))
    handles: list[Any] = []
    for k, name in enumerate(ranks):
        shift = (k - (len(ranks.columns) - 1) / 2) * 0.09
        handles += ax.plot(
            ranks[name].to_numpy(float), rows + shift, linestyle="none", marker="o", markersize=4.5,
            color=style.KINDS[k], label=_title(str(name)), zorder=3,
        )  # fmt: skip
    return handles


def _counted(ax: Axes, ranks: pd.DataFrame) -> list[Any]:
    """One point for each rank; its area is the number of measures that give it."""
    values = ranks.to_numpy(float)
    row, column = np.nonzero(np.isfinite(values))
    points = pd.Series(1, index=[row, values[row, column]]).groupby(level=[0, 1]).sum()
    area = 120.0 * points.to_numpy(float) / len(ranks.columns)
    x, y = (points.index.get_level_values(k).to_numpy(float) for k in (1, 0))
    ax.scatter(x, y, s=10 + area, color=style.KINDS[0], linewidths=0, zorder=3)
    many = int(points.max()) if len(points) else 1
    return [
        ax.scatter(
            [], [], s=10 + 120.0 * count / len(ranks.columns), color=style.KINDS[0], linewidths=0,
            label=f"rank by {count} of {len(ranks.columns)} measures",
        )
        for count in dict.fromkeys((1, many))
    ]  # fmt: skip


def _title(column: str) -> str:
    base, _, model = column.partition(".")
    title = MEASURES[base].title if base in MEASURES else base.replace("_", " ")
    return f"{title}, {model}" if model else title
