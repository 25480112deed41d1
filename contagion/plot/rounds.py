"""The cascade from left to right: nodes hit, losses kept by owners, losses passed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import expect
from ..media import figure
from . import style
from .boxes import OUTSIDE, Link, boxes
from .columns import Columns, columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results.propagation_result import PropagationResult

COLOURS = {
    "trigger": style.TRIGGER,
    "fails": style.FAILED,
    "before": style.BEFORE,
    "stands": style.LOSS,
    "holder": style.ROLES["holder"],
    OUTSIDE: style.ROLES["external creditors"],
}


@figure
def cascade(result: PropagationResult, *, ax: Axes | None = None) -> Axes:
    """Draw how the loss travels, one column for each step from the nodes hit by the shock.

    The height of a box is the loss that reaches the node, the width of a band the loss on a claim;
    the remainder of a box stays with the owners. Labels give the loss of the owners, and the round
    of a default. External creditors end a path. In crowded columns the largest boxes are drawn by
    name and the others as one box.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.datasets.load("neva_ring3")
    >>> ax = ct.plot.cascade(ct.models.Furfine().propagate(net, ct.Shock.default("A")))
    >>> [text.get_text().split()[0] for text in ax.texts][:2]
    ['A', 'C']
    """
    expect(result=result)
    found, links, to = boxes(result)
    placed = columns(found, links)
    back = max([found[link.start].column - found[link.end].column for link in links], default=0)
    low = 4.0 if back < 1 else 12.0 + 34.0 * back
    wide = 2.2 + 2.3 * max(len(placed.numbers), 2)
    ax = style.axes(ax, wide, 1.0 + (placed.top + 20 + low) / 72)
    _bands(ax, placed, links)
    for i, box in enumerate(found):
        placed.box(ax, i, COLOURS[box.state], 22)
    turned = any(found[link.start].column == found[link.end].column == 0 for link in links)
    placed.frame(ax, low, -0.3 if turned else -0.05, 0.72, _header)
    style.heading(ax, "How the loss travels", _note(result, bool(links), to.label), 110)
    return ax


def _header(column: int) -> str:
    if column == 0:
        return "hit by the shock"
    return "1 step" if column == 1 else f"{column} steps"


def _note(result: PropagationResult, any_link: bool, unit: str) -> str:
    if not any_link:
        return "No claim loses value: nothing is passed on."
    base = "book values" if result.baseline == "book" else "the clearing without the shock"
    amounts = f"Amounts in {unit}. " if unit else ""
    return f"{amounts}Height: loss that reaches the node, counted from {base}."


def _bands(ax: Axes, placed: Columns, links: list[Link]) -> None:
    found, middle = placed.boxes, placed.middle
    out = [middle[i] + placed.tall[i] / 2 for i in range(len(found))]
    into = list(out)
    for link in placed.ordered(links):
        start, end, high = link.start, link.end, link.amount * placed.per_point
        if found[end].column <= found[start].column:
            same = found[end].column == found[start].column
            down = middle[end] < middle[start]
            bend = (0.6 if down else -0.6) if same else -0.35
            width = float(np.clip(high, 0.8, 5.0))
            placed.back(ax, link, style.LOSS, width, 5, 0.8, bend=bend, drop=0.0 if same else 0.5)
            continue
        placed.band(ax, link, out[start], into[end], max(high, 0.7), style.LOSS, 0.32)
        out[start] -= high
        into[end] -= high
