"""The concentration curve: the share of the k largest nodes, for every k."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import expect
from ..measures import amounts
from ..measures import concentration_curve as curve_of
from ..measures.concentration import QUANTITIES, Quantity
from ..media import figure
from ..network.exposure_network import ExposureNetwork
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = dict(zip(QUANTITIES, style.KINDS, strict=False))
LONG = 60  # number of nodes above which the axis is in percent
FEW = 5  # the legend gives the share of this number of largest nodes


@figure
def cumulative_shares(
    network: ExposureNetwork,
    of: Quantity | Sequence[Quantity] = QUANTITIES,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw the share of the k largest nodes in assets, equity, claims or debts.

    One line for each quantity, with its own order of nodes. The dotted line is that of a network
    of equal nodes. Quantities that are zero or unknown for all nodes are not drawn but named in the
    note.

    Parameters
    ----------
    network : exposures and balance sheets.
    of : one quantity or several, see :func:`contagion.measures.amounts`.
    ax : where to draw; by default a new figure.

    Raises
    ------
    ArgumentError : for another quantity.

    Example
    -------
    b owes 6 of 10, c 4.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 0, 0], [2, 0, 4], [4, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 1, 1])
    >>> ax = ct.plot.cumulative_shares(net, of="debts")
    >>> ax.lines[0].get_ydata().tolist()
    [0.0, 0.6, 1.0, 1.0]
    """
    expect(network=network)
    wanted: Sequence[Quantity] = [of] if isinstance(of, str) else list(of)
    count = len(network)
    ax = style.axes(ax, 6.6, 4.2)
    handles, empty, unknown = [], [], []
    for quantity in wanted:
        values = amounts(network, quantity)
        curve = curve_of(values)
        share = curve["cumulative"].to_numpy(float)
        if not len(share) or np.isnan(share).any():
            empty.append(str(quantity))
            continue
        missing = int(values.isna().sum())
        if missing:
            unknown.append(f"{quantity} of {missing:,} of {count:,} nodes")
        first = min(FEW, len(share))
        said = f"{first} largest have" if first > 1 else "the largest has"
        label = f"{quantity}: {said} {style.percent(float(share[first - 1]))}"
        handles += ax.plot(
            np.arange(len(share) + 1), [0.0, *share], color=COLOURS[quantity], linewidth=1.7,
            marker="o" if len(share) <= 30 else None, markersize=3.2, label=label, zorder=3,
        )  # fmt: skip
    ax.plot([0, count], [0, 1], color=style.THREAD, linewidth=1.0, linestyle=":", zorder=2)
    _frame(ax, count)
    if handles:
        style.legend(ax, handles, 1 if style.drawn_width(ax) < 4.5 else 2)
    note = "Dotted: the same number of equal nodes."
    note += f" Left out, not known: {'; '.join(unknown)}." if unknown else ""
    if empty:
        note += f" Not drawn: {', '.join(empty)}, which no node has or which are not known."
    style.heading(ax, "Share of the largest nodes", note)
    return ax


def _frame(ax: Axes, count: int) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_xlim(-0.02 * count, count * 1.02)
    across = "number of nodes, the largest first"
    if count > LONG:
        ax.set_xticks(np.linspace(0, count, 6), [f"{20 * k}%" for k in range(6)])
        across = f"share of the {count:,} nodes, the largest first"
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylim(0, 1.03)
    ax.yaxis.set_major_formatter(lambda part, _: f"{part:.0%}")
    ax.grid(axis="y", color=style.CALM, linewidth=0.7, zorder=0)
    style.frame(ax, across, "share of the total")
