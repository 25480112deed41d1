"""Nodes that endanger others, and nodes in danger: contagion index against vulnerability index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import ArgumentError
from ..media import figure
from ..text import known_name
from . import style
from .pieces import short
from .spread import spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMED = 12
X, Y = "contagion_index", "vulnerability_index"
CORNERS = {  # texts in the corners of the axes
    (0.99, 0.99): "endangers others, in danger", (0.01, 0.99): "in danger",
    (0.99, 0.015): "endangers others", (0.01, 0.015): "neither",
}  # fmt: skip


@figure
def impact_quadrant(table: pd.DataFrame, x: str = X, y: str = Y, *, ax: Axes | None = None) -> Axes:
    """Draw the losses that each node causes against those it suffers; lines are the medians.

    The contagion index is the loss of all others when a node defaults, the vulnerability index is
    the mean loss of a node when another one defaults, both in percent of capital. Nodes at the
    upper right endanger others and are in danger. Nodes without both numbers are left out; the
    note gives their number.

    Parameters
    ----------
    table : one row for each node, of :func:`contagion.rank`, with the columns `x` and `y`.
    x, y : columns to draw.
    ax : where to draw; by default a new figure.

    Raises
    ------
    UnknownNameError : for a column that the table does not have.
    ArgumentError : if no node has both numbers.

    Example
    -------
    >>> import contagion as ct
    >>> ax = ct.plot.impact_quadrant(ct.rank(ct.datasets.load("cefi_credit_2022")))
    >>> ax.collections[0].get_offsets().shape[0]
    4

    Source: after Covi, Gorpe & Kok (2021), CoMap: mapping contagion in the euro area banking
    sector, J. of Financial Stability 53, 100814; the drawing is ours.
    """
    columns = list(table.columns)
    for name in (x, y):
        known_name(name, columns, "column of the table")
    across, up = (table[name].to_numpy(float) for name in (x, y))
    known = np.isfinite(across) & np.isfinite(up)
    if not known.any():
        raise ArgumentError(f"No node has both {x!r} and {y!r}.")
    order = np.flatnonzero(known)
    tops = [max(float(side[known].max()), 1e-300) for side in (across, up)]
    far = across / tops[0] + up / tops[1]
    order = order[np.argsort(-far[order], kind="stable")]
    across, up = across[order], up[order]
    ax = style.axes(ax, 6.8, 5.0)
    ax.scatter(across, up, s=26, color=style.KINDS[0], linewidths=0, zorder=3)
    middle = float(np.median(across)), float(np.median(up))
    look = {"color": style.THREAD, "linewidth": 0.9, "linestyle": (0, (4, 3)), "zorder": 1}
    ax.axvline(middle[0], **look)  # type: ignore[arg-type]
    ax.axhline(middle[1], **look)  # type: ignore[arg-type]
    for set_, values in ((ax.set_xlim, across), (ax.set_ylim, up)):
        high = float(values.max()) or 1.0
        set_(-0.06 * high, 1.22 * high)
    for (at, height), text in CORNERS.items():
        ax.text(at, height, text, transform=ax.transAxes, fontsize=8, color=style.QUIET,
                style="italic", ha="left" if at < 0.5 else "right",
                va="bottom" if height < 0.5 else "top")  # fmt: skip
    style.frame(ax, _words(x), _words(y))
    ax.xaxis.set_major_formatter("{x:,g}")
    ax.yaxis.set_major_formatter("{x:,g}")
    note = f"Lines: medians ({middle[0]:.3g} and {middle[1]:.3g})."
    gone = int((~known).sum())
    note += f" Left out, without a number: {gone:,} of {len(known):,} nodes." if gone else ""
    style.heading(ax, "Who endangers others, and who is in danger", note)
    names = [short(str(table.index[int(i)]), 24) for i in order]
    spread(ax, across, up, names, NAMED)
    return ax


def _words(column: str) -> str:
    base, _, model = column.partition(".")
    words = base.replace("_", " ")
    words += ", % of capital" if base.endswith("_index") else ""
    return f"{words}, {model}" if model else words
