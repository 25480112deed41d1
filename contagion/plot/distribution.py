"""Inequality of nodes: the share of nodes with at least k partners, or amounts of at least x."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from ..errors import ArgumentError, expect
from ..measures import degree, strength
from ..media import figure
from ..network.exposure_network import ExposureNetwork
from ..units import scale
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKED = 30  # with more nodes, points have no marks
Of: TypeAlias = Literal["partners", "amounts"]
WIDE = 20.0  # ratio of largest to smallest value from which the scale is logarithmic


@figure
def distribution(
    network: ExposureNetwork,
    of: Of = "partners",
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw the share of nodes with at least k partners, or with claims and debts of at least x.

        P(X ≥ x) = #{i : X_i ≥ x} / N

    A straight line on logarithmic scales is a heavy tail: few nodes have most of the total. Nodes
    with value 0 are part of N and are counted in the note.

    Parameters
    ----------
    network : exposures.
    of : "partners", debtors and creditors of a node; "amounts", its claims and debts.
    ax : where to draw; by default a new figure.

    Raises
    ------
    ArgumentError : for another `of`.

    Example
    -------
    a has two debtors, c one; b has none.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 0, 0], [2, 0, 4], [4, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 1, 1])
    >>> ax = ct.plot.distribution(net)
    >>> ax.lines[0].get_xdata().tolist(), ax.lines[0].get_ydata().round(2).tolist()
    ([1.0, 2.0], [0.67, 0.33])
    """
    expect(network=network)
    if of not in ("partners", "amounts"):
        raise ArgumentError(f"of={of!r}: 'partners' or 'amounts'.")
    measure = degree if of == "partners" else strength
    words = ("debtors", "creditors") if of == "partners" else ("claims", "debts")
    sides: tuple[Literal["creditor", "debtor"], ...] = ("creditor", "debtor")
    values = [measure(network, side=side).to_numpy(float) for side in sides]
    to = scale(np.concatenate(values), "" if of == "partners" else network.unit)
    ax = style.axes(ax, 6.6, 3.9)
    handles, none = [], []
    for word, one, colour in zip(words, values, style.KINDS, strict=False):
        x, count = np.unique(one[one > 0], return_counts=True)
        share = count[::-1].cumsum()[::-1] / max(len(one), 1)
        none.append(f"{int((one <= 0).sum()):,} without {word}")
        handles += ax.plot(
            x if of == "partners" else x / to.divisor, share, color=colour, linewidth=1.6,
            marker="o" if len(x) <= MARKED else None, markersize=3.6, label=word,
            drawstyle="steps-pre", zorder=3,
        )  # fmt: skip
    found = np.concatenate([line.get_xdata() for line in handles])
    _scales(ax, found, len(network), of == "partners")
    across = "partners, at least" if of == "partners" else to.named("at least")
    style.frame(ax, across, "share of the nodes")
    style.legend(ax, handles)
    title = "How many partners nodes have" if of == "partners" else "How much nodes claim and owe"
    style.heading(ax, title, f"{len(network):,} nodes: {', '.join(none)}.")
    return ax


def _scales(ax: Axes, found: np.ndarray, nodes: int, whole: bool) -> None:
    """Logarithmic scales if values are far apart; ticks at integers if values are integers."""
    from matplotlib.ticker import MaxNLocator, NullFormatter

    ax.grid(color=style.CALM, linewidth=0.7, zorder=0)
    wide = len(found) > 0 and found.max() > WIDE * found.min()
    if wide:
        ax.set_xscale("log")
    elif whole:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if wide and nodes > MARKED:
        ax.set_yscale("log")
    else:
        ax.set_ylim(0, 1.03)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_formatter("{x:,g}")
    ax.yaxis.set_major_formatter(lambda part, _: f"{100 * part:g}%")
