"""Look-through as a flow: from base assets through tokens and protocols to who has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import ArgumentError
from ..lookthrough import LookThrough
from ..text import plural
from ..vocabulary import MOST_DRAWN
from . import style
from .boxes import Link
from .flowboxes import DEEPEST, ENDS, Flow, flows
from .labels import wrapped
from .rounds import GAP, POINTS, SLOT, WIDTH, _stack

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ASSETS = (*style.KINDS[:5], style.OTHER)
COLOURS = {
    "node": style.QUIET,
    "holder": style.ROLES["holder"],
    ENDS: style.ROLES["external creditors"],
}
THIN = 0.4  # points: a band is drawn at least this wide


def look_through_flow(
    found: LookThrough, *, most: int = MOST_DRAWN, ax: Axes | None = None
) -> Axes:
    """Draw which base assets stand behind whom: from left to right, band widths in money.

    On the left the base assets, then the nodes that hold them, then those that hold claims on
    these, and so on. A band from a debtor to a creditor is what stands behind the claim, in the
    colours of the base assets. What no band carries on belongs to the owners of a node; creditors
    outside the graph end a path. A claim that closes a loop is a dashed arrow back to the left;
    the money in it stands on the books again each time round, so a box in a loop is higher than
    what it has from outside.

    Parameters
    ----------
    found : of :func:`contagion.lookthrough.look_through`. Up to five base assets have a colour.
    ax : where to draw; by default a new figure.
    most : boxes in a column by name; the others are one box.

    Raises
    ------
    ArgumentError : for `most` below 1.

    Example
    -------
    A vault holds 100 of ETH and owes 60 to a wrapper and 40 to a user.

    >>> import pandas as pd
    >>> import contagion as ct
    >>> nodes = pd.DataFrame({"node": ["vault", "wrapper", "user"],
    ...                       "external_assets": [100.0, 0.0, 0.0]})
    >>> owed = pd.DataFrame({"creditor": ["wrapper", "user", "user"],
    ...                      "debtor": ["vault", "vault", "wrapper"], "amount": [60.0, 40.0, 60.0]})
    >>> eth = pd.DataFrame({"node": ["vault"], "asset": ["ETH"], "value": [100.0]})
    >>> net = ct.ExposureNetwork(nodes, owed, holdings=eth)
    >>> ax = ct.plot.look_through_flow(ct.lookthrough.look_through(net))
    >>> [text.get_text().replace("\\n", " ") for text in ax.texts][:4]
    ['ETH 100.0', 'vault 100.0', 'wrapper 60.0', 'user 100.0, all its own']
    """
    if most < 1:
        raise ArgumentError(f"most={most}: draw at least one box a column by name.")
    flow = flows(found, most)
    boxes, links = flow.boxes, flow.links
    columns = sorted({box.column for box in boxes})
    stacks = {c: [i for i, box in enumerate(boxes) if box.column == c] for c in columns}
    fullest = max((sum(boxes[i].height for i in stack) for stack in stacks.values()), default=1.0)
    per_point = POINTS / max(fullest, 1e-300)
    tall = [box.height * per_point for box in boxes]
    high = {c: sum(max(tall[i], SLOT) + GAP for i in stack) for c, stack in stacks.items()}
    top = max([*high.values(), 60.0])
    back = [link for link in links if boxes[link.end].column <= boxes[link.start].column]
    low = 4.0 + (30.0 if back else 0.0)
    ax = style.axes(ax, 1.6 + 1.9 * max(len(columns), 2), 1.0 + (top + 20 + low) / 72)
    plain: list[Link] = [*links]
    middle = _stack(boxes, plain, stacks, tall, high, top)
    _bands(ax, flow, middle, tall, per_point)
    for i in range(len(boxes)):
        _box(ax, flow, i, middle[i], max(tall[i], 1.5))
    for column in columns:
        ax.text(
            column,
            top + 8,
            _header(column, flow.deep),
            fontsize=8.5,
            color=style.QUIET,
            va="bottom",
        )
    ax.set_xlim(-0.05, columns[-1] + 0.8 if columns else 1.0)
    ax.set_ylim(-low, top + 22)
    ax.set_axis_off()
    style.heading(ax, f"{style.subject(found.network)}: what stands behind each claim", _note(flow))
    return ax


def _header(column: int, deep: bool) -> str:
    if column <= 1:
        return "held outright" if column else "base assets"
    if deep and column >= DEEPEST:
        return f"{column - 1} claims away or more" if column == DEEPEST else ""
    return f"{plural(column - 1, 'claim')} away"


def _bands(ax: Axes, flow: Flow, middle: list[float], tall: list[float], per_point: float) -> None:
    from matplotlib.patches import FancyArrowPatch, PathPatch
    from matplotlib.path import Path

    boxes = flow.boxes
    out = [middle[i] + tall[i] / 2 for i in range(len(boxes))]
    into = list(out)
    for link in sorted(flow.links, key=lambda link: (-middle[link.end], -middle[link.start])):
        start, end = link.start, link.end
        if boxes[end].column <= boxes[start].column:
            width = float(np.clip(link.amount * per_point, 0.8, 3.5))
            ax.add_patch(
                FancyArrowPatch(
                    (boxes[start].column + WIDTH / 2, middle[start] - tall[start] / 2),
                    (boxes[end].column + WIDTH / 2, middle[end] - max(tall[end], 1.5) / 2),
                    connectionstyle="arc3,rad=-0.35",
                    arrowstyle="-|>,head_length=8,head_width=4",
                    linewidth=width,
                    linestyle=(0, (4, 2)),
                    color=style.QUIET,
                    alpha=0.9,
                    zorder=2,
                )
            )
            continue
        x0, x1 = boxes[start].column + WIDTH, boxes[end].column
        bend = (x0 + x1) / 2
        for asset in np.flatnonzero(link.amounts):
            thick = float(link.amounts[asset]) * per_point
            y0, y1 = out[start], into[end]
            out[start] -= thick
            into[end] -= thick
            wide = max(thick, THIN)
            corners = [
                (x0, y0), (bend, y0), (bend, y1), (x1, y1),
                (x1, y1 - wide), (bend, y1 - wide), (bend, y0 - wide), (x0, y0 - wide), (x0, y0),
            ]  # fmt: skip
            ax.add_patch(
                PathPatch(
                    Path(corners, [1, 4, 4, 4, 2, 4, 4, 4, 79]),
                    facecolor=ASSETS[int(asset)],
                    alpha=0.42,
                    linewidth=0,
                    zorder=1,
                )
            )


def _box(ax: Axes, flow: Flow, i: int, middle: float, tall: float) -> None:
    from matplotlib.patches import Rectangle

    box = flow.boxes[i]
    colour = COLOURS.get(box.state) or ASSETS[int(box.state)]
    ax.add_patch(
        Rectangle((box.column, middle - tall / 2), WIDTH, tall, facecolor=colour, zorder=3)
    )
    ax.annotate(
        f"{wrapped(box.name, 20)}\n{box.text}",
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


def _note(flow: Flow) -> str:
    if not flow.boxes:
        return "No base assets: nothing stands behind the claims."
    unit = f"Amounts in {flow.unit}. " if flow.unit else ""
    text = f"{unit}Width of a band: base assets behind a claim."
    if flow.hidden > 0.0005:
        text += f" Not drawn: {style.percent(flow.hidden)} of all flows, the smallest ones."
    if flow.gain > 0:
        text += (
            f" Dashed: claims that close a loop (gain {flow.gain:.2g}); what goes round is on the "
            "books again each time."
        )
    return text
