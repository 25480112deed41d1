"""Two periods side by side: the loss of each node in both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError, expect
from ..media import figure, visible
from ..panel import PanelRun
from ..text import same_scale
from ..units import scale
from ..vocabulary import MOST_DRAWN
from . import style
from .pieces import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@figure
def period_change(
    run: PanelRun, before: Any = None, after: Any = None, *, most: int = MOST_DRAWN,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the losses of owners and external creditors of each node in two periods.

    One row for each node, the largest changes on top: the open mark is the earlier period, the
    filled one the later. The note gives the sums over all nodes.

    Parameters
    ----------
    run : of :meth:`contagion.Panel.propagate`.
    before, after : periods, by default the first and the last.
    most : largest number of rows.
    ax : where to draw; by default a new figure.

    Raises
    ------
    UnknownNameError : for a period that the run does not have.
    ArgumentError : for `most` below 1.

    Example
    -------
    >>> import contagion as ct
    >>> one, two = (ct.ExposureNetwork.from_matrix([[0, x], [0, 0]], ["a", "b"],
    ...     orientation="creditor->debtor", equity=[k, 1]) for k, x in ((3, 2), (5, 4)))
    >>> run = ct.Panel({"2022": one, "2023": two}).propagate(
    ...     ct.models.Furfine(), ct.Shock.default("b"))
    >>> ax = ct.plot.period_change(run)
    >>> [label.get_text() for label in ax.get_yticklabels()], ax.lines[0].get_xdata().tolist()
    (['a', 'b'], [2.0, 1.0])
    """
    expect("PanelRun", run=run)
    if most < 1:
        raise ArgumentError(f"most={most}: draw at least one node.")
    periods = list(run.results)
    ends = [periods[0] if before is None else before, periods[-1] if after is None else after]
    results = [run[period] for period in ends]
    old, new = (np.sum(result.borne, axis=0) for result in results)
    change = np.abs(new - old)
    order = np.lexsort((-np.maximum(old, new), -change))
    order = order[np.maximum(old, new)[order] > 0][:most]
    net = results[1].network
    to = scale([*old[order], *new[order]], run.unit)
    y = -np.arange(len(order), dtype=float)
    ax = style.axes(ax, 7.2, 1.8 + 0.28 * max(len(order), 1))
    up = new[order] >= old[order]
    labels = [visible(period) for period in ends]
    (first,) = ax.plot(old[order] / to.divisor, y, "o", color=style.KINDS[0], markersize=6.5,
                       markerfacecolor="white", label=labels[0], zorder=3)  # fmt: skip
    (last,) = ax.plot(new[order] / to.divisor, y, "o", color=style.KINDS[0], markersize=6.5,
                      label=labels[1], zorder=4)  # fmt: skip
    for mask, colour in ((up, style.LOSS), (~up, style.KINDS[1])):
        ax.hlines(y[mask], old[order][mask] / to.divisor, new[order][mask] / to.divisor,
                  color=colour, linewidth=2.2, zorder=2)  # fmt: skip
    names = [short(str(name), 28) for name in style.titles(net, order)]
    style.row_frame(ax, list(y), names, to.named("loss"))
    ax.set_ylim(-max(len(order), 1) + 0.4, 0.6)
    ax.margins(x=0.08)
    style.legend(ax, [first, last])
    say = same_scale([old.sum(), new.sum()], run.unit)
    note = f"All nodes: {say(float(old.sum()))} in {labels[0]}, {say(float(new.sum()))} in "
    note += f"{labels[1]}. Red lines: more than before; green: less."
    if len(order) < int((np.maximum(old, new) > 0).sum()):
        note += f" The {len(order)} nodes with the largest changes."
    style.heading(ax, "What changed between two periods", note)
    return ax
