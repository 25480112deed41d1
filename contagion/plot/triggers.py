"""The costliest defaults: one bar for each trigger, direct losses and cascade."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import ArgumentError, expect
from ..measures import EveryDefault
from ..media import figure
from ..units import scale
from ..vocabulary import MOST_DRAWN
from . import style
from .pieces import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PARTS = (("on claims on the trigger", style.KINDS[0]), ("by the cascade", style.LOSS),
         ("not split", style.THREAD))  # fmt: skip


@figure
def trigger_bars(found: EveryDefault, *, most: int = MOST_DRAWN, ax: Axes | None = None) -> Axes:
    """Draw the losses of the owners of all others when each node defaults, largest on top.

    One bar for each trigger, in two parts: losses on claims on the trigger, and losses added by the
    cascade; grey if rules of venues do not allow this split. The number at the end of a bar is the
    number of further defaults.

    Parameters
    ----------
    found : of :func:`contagion.measures.every_default`.
    most : largest number of bars.
    ax : where to draw; by default a new figure.

    Raises
    ------
    ArgumentError : for `most` below 1.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.datasets.load("neva_ring3")
    >>> ax = ct.plot.trigger_bars(ct.measures.every_default(net, ct.models.Furfine()))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['A', 'B', 'C']
    """
    expect("EveryDefault", found=found)
    if most < 1:
        raise ArgumentError(f"most={most}: draw at least one bar.")
    frame, net = found.triggers, found.network
    whole = frame["default_impact"].to_numpy(float)
    order = np.argsort(-whole, kind="stable")
    order = order[np.nan_to_num(whole)[order] > 0][:most]
    to = scale(whole[order], net.unit)
    y = -np.arange(len(order), dtype=float)
    ax = style.axes(ax, 7.2, 1.8 + 0.28 * max(len(order), 1))
    left = np.zeros(len(order))
    split = frame[["direct_impact", "cascade_impact"]].to_numpy(float)[order]
    unsplit = np.where(np.isnan(split).any(axis=1), whole[order], 0.0)
    for part, (word, colour) in zip([*np.nan_to_num(split).T, unsplit], PARTS, strict=True):
        if part.any():
            wide = np.maximum(part, 0.0) / to.divisor
            ax.barh(y, wide, left=left, height=0.66, color=colour, label=word, zorder=3)
            left = left + wide
    failed = frame["induced_defaults"].to_numpy(float)[order]
    for at, end, count in zip(y, left, failed, strict=True):
        if count > 0:
            ax.annotate(f"{count:,.0f}", (end, at), (4, 0), textcoords="offset points",
                        va="center", fontsize=8, color=style.QUIET)  # fmt: skip
    names = [short(str(name), 28) for name in style.titles(net, order)]
    style.row_frame(ax, list(y), names, to.named("loss of the owners of others"))
    ax.set_ylim(-max(len(order), 1) + 0.4, 0.6)
    ax.set_xlim(0, 1.08 * float(left.max(initial=0.0)) or 1.0)
    style.legend(ax, ax.get_legend_handles_labels()[0])
    note = f"Every node defaults once and pays {style.percent(found.recovery)} of its debts. "
    note += "At the bars: further defaults." if (failed > 0).any() else "No default causes another."
    more = int((whole > 0).sum()) - len(order)
    note += f" {more:,} triggers that cost less are not drawn." if more > 0 else ""
    style.heading(ax, "What each default costs the others", note)
    return ax
