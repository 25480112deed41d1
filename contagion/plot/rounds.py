"""The cascade from left to right: who is hit, who keeps the loss, who passes it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import expect
from . import style
from .boxes import OUTSIDE, Box, Link, boxes
from .labels import wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results.propagation_result import PropagationResult

POINTS = 250.0  # height of all that the fullest column carries
SLOT = 27.0  # least height of a box with its label
GAP = 9.0
WIDTH = 0.085
COLOURS = {
    "trigger": style.TRIGGER,
    "fails": style.FAILED,
    "before": style.BEFORE,
    "stands": "#e9a084",
    "holder": style.ROLES["holder"],
    OUTSIDE: style.ROLES["external creditors"],
}


def cascade(result: PropagationResult, *, ax: Axes | None = None) -> Axes:
    """Draw how the loss travels, one column a step from the nodes that the shock hits.

    The height of a box is what hits the node, the width of a band what a claim loses; what no
    band carries on stays with the owners. Labels give what the owners lose, and the round in
    which a node fails. Creditors outside the graph end a path. Of crowded columns the largest
    boxes are drawn by name and the others as one.

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
    columns = sorted({box.column for box in found})
    stacks = {c: [i for i, box in enumerate(found) if box.column == c] for c in columns}
    fullest = max((sum(found[i].height for i in stack) for stack in stacks.values()), default=1.0)
    per_point = POINTS / max(fullest, 1e-300)
    tall = [box.height * per_point for box in found]
    high = {c: sum(max(tall[i], SLOT) + GAP for i in stack) for c, stack in stacks.items()}
    top = max([*high.values(), 60.0])
    back = max([found[link.start].column - found[link.end].column for link in links], default=0)
    low = 4.0 if back < 1 else 12.0 + 34.0 * back
    ax = style.axes(ax, 2.2 + 2.3 * max(len(columns), 2), 1.0 + (top + 20 + low) / 72)
    middle = _stack(found, links, stacks, tall, high, top)
    _bands(ax, found, links, middle, tall, per_point)
    for i, box in enumerate(found):
        _box(ax, box, middle[i], max(tall[i], 1.5))
    for column in columns:
        ax.text(
            column, top + 8, _header(column, columns), fontsize=8.5, color=style.QUIET, va="bottom"
        )
    turned = any(found[link.start].column == found[link.end].column == 0 for link in links)
    ax.set_xlim(-0.3 if turned else -0.05, columns[-1] + 0.72 if columns else 1.0)
    ax.set_ylim(-low, top + 22)
    ax.set_axis_off()
    style.heading(ax, "How the loss travels", _note(result, bool(links), to.label))
    return ax


def _header(column: int, columns: list[int]) -> str:
    if column == 0:
        return "hit by the shock"
    return "1 step" if column == 1 else f"{column} steps"


def _note(result: PropagationResult, any_link: bool, unit: str) -> str:
    if not any_link:
        return "No claim loses value: nothing is passed on."
    base = "book values" if result.baseline == "book" else "the clearing without the shock"
    amounts = f"Amounts in {unit}. " if unit else ""
    return f"{amounts}Height: loss that reaches the node, counted from {base}."


def _stack(
    found: list[Box],
    links: list[Link],
    stacks: dict[int, list[int]],
    tall: list[float],
    high: dict[int, float],
    top: float,
) -> list[float]:
    """The middle of every box: columns centred, boxes beside those that they receive from."""
    middle = [0.0] * len(found)
    for column, stack in stacks.items():
        pull = {}
        for i in stack:
            into = [link for link in links if link.end == i and found[link.start].column < column]
            weight = sum(link.amount for link in into)
            pull[i] = (
                sum(link.amount * middle[link.start] for link in into) / weight if weight else 0.0
            )
        level = top - (top - high[column]) / 2
        for i in sorted(stack, key=lambda i: (-round(pull[i], 3), -found[i].height, i)):
            slot = max(tall[i], SLOT) + GAP
            middle[i] = level - slot / 2
            level -= slot
    return middle


def _bands(
    ax: Axes,
    found: list[Box],
    links: list[Link],
    middle: list[float],
    tall: list[float],
    per_point: float,
) -> None:
    from matplotlib.patches import FancyArrowPatch, PathPatch
    from matplotlib.path import Path

    out = [middle[i] + tall[i] / 2 for i in range(len(found))]
    into = list(out)
    for link in sorted(links, key=lambda link: (-middle[link.end], -middle[link.start])):
        start, end, high = link.start, link.end, link.amount * per_point
        if found[end].column <= found[start].column:
            same = found[end].column == found[start].column
            down = middle[end] < middle[start]
            drop = 0.0 if same else 0.5
            ax.add_patch(
                FancyArrowPatch(
                    (found[start].column + drop * WIDTH, middle[start] - drop * tall[start]),
                    (found[end].column + drop * WIDTH, middle[end] - drop * max(tall[end], 1.5)),
                    connectionstyle=f"arc3,rad={(0.6 if down else -0.6) if same else -0.35}",
                    arrowstyle="-|>,head_length=5,head_width=3",
                    linewidth=float(np.clip(high, 0.8, 5.0)),
                    linestyle=(0, (4, 2)),
                    color=style.LOSS,
                    alpha=0.8,
                    zorder=2,
                )
            )
            continue
        x0, x1 = found[start].column + WIDTH, found[end].column
        y0, y1 = out[start], into[end]
        out[start] -= high
        into[end] -= high
        bend, thick = (x0 + x1) / 2, max(high, 0.7)
        corners = [
            (x0, y0), (bend, y0), (bend, y1), (x1, y1),
            (x1, y1 - thick), (bend, y1 - thick), (bend, y0 - thick), (x0, y0 - thick), (x0, y0),
        ]  # fmt: skip
        codes = [1, 4, 4, 4, 2, 4, 4, 4, 79]
        ax.add_patch(
            PathPatch(Path(corners, codes), facecolor=style.LOSS, alpha=0.32, linewidth=0, zorder=1)
        )


def _box(ax: Axes, box: Box, middle: float, tall: float) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(
        Rectangle(
            (box.column, middle - tall / 2), WIDTH, tall, facecolor=COLOURS[box.state], zorder=3
        )
    )
    name = wrapped(box.name, 22)
    ax.annotate(
        f"{name}\n{box.text}",
        (box.column + WIDTH, middle),
        (3, 0),
        textcoords="offset points",
        va="center",
        fontsize=7.8,
        linespacing=1.1,
        color=style.INK,
        zorder=4,
        bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.8},
    )
