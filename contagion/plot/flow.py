"""Look-through as a flow: from base assets through tokens and protocols to ultimate holders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import ArgumentError
from ..lookthrough import LookThrough
from ..media import figure
from ..text import plural
from ..vocabulary import MOST_DRAWN
from . import style
from .columns import Columns, columns
from .flowboxes import DEEPEST, ENDS, Flow, flows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ASSETS = (*style.KINDS[:5], style.OTHER)
COLOURS = {
    "node": style.QUIET,
    "holder": style.ROLES["holder"],
    ENDS: style.ROLES["external creditors"],
}
THIN = 0.4  # points: a band is drawn at least this wide


@figure
def look_through_flow(
    found: LookThrough, *, most: int = MOST_DRAWN, ax: Axes | None = None
) -> Axes:
    """Draw the base assets behind each claim, from left to right; widths of bands in money.

    On the left are the base assets, then the nodes that hold them, then the nodes that hold claims
    on these, and so on. A band from a debtor to a creditor shows the backing of the claim, in the
    colours of the base assets. The part of a box without an outgoing band belongs to the owners of
    the node; creditors outside the graph end a path. A claim that closes a loop is a dashed arrow
    back to the left. Each pass through a loop adds the amount to the books again, so a box in a
    loop is higher than its assets from outside.

    Parameters
    ----------
    found : of :func:`contagion.lookthrough.look_through`. Up to five base assets have a colour.
    ax : where to draw; by default a new figure.
    most : named boxes in a column; the others share one box.

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
    placed = columns(boxes, links)
    back = any(boxes[link.end].column <= boxes[link.start].column for link in links)
    low = 34.0 if back else 4.0
    wide = 1.6 + 1.9 * max(len(placed.numbers), 2)
    ax = style.axes(ax, wide, 1.0 + (placed.top + 20 + low) / 72)
    _bands(ax, flow, placed)
    for i, box in enumerate(boxes):
        placed.box(ax, i, COLOURS.get(box.state) or ASSETS[int(box.state)], 20)
    placed.frame(ax, low, -0.05, 0.8, lambda column: _header(column, flow.deep))
    style.heading(
        ax, f"{style.subject(found.network)}: the backing of each claim", _note(flow), 110
    )
    return ax


def _header(column: int, deep: bool) -> str:
    if column <= 1:
        return "held outright" if column else "base assets"
    if deep and column >= DEEPEST:
        return f"{column - 1} claims away or more" if column == DEEPEST else ""
    return f"{plural(column - 1, 'claim')} away"


def _bands(ax: Axes, flow: Flow, placed: Columns) -> None:
    out = [middle + tall / 2 for middle, tall in zip(placed.middle, placed.tall, strict=True)]
    into = list(out)
    for link in placed.ordered(flow.links):
        start, end = link.start, link.end
        if flow.boxes[end].column <= flow.boxes[start].column:
            width = float(np.clip(link.amount * placed.per_point, 0.8, 3.5))
            placed.back(ax, link, style.QUIET, width, 8, 0.9)
            continue
        for asset in np.flatnonzero(link.amounts):
            thick = float(link.amounts[asset]) * placed.per_point
            wide = max(thick, THIN)
            placed.band(ax, link, out[start], into[end], wide, ASSETS[int(asset)], 0.42)
            out[start] -= thick
            into[end] -= thick


def _note(flow: Flow) -> str:
    if not flow.boxes:
        return "No base assets: the claims have no backing."
    unit = f"Amounts in {flow.unit}. " if flow.unit else ""
    text = f"{unit}Width of a band: base assets behind a claim."
    if flow.hidden > 0.0005:
        text += f" Not drawn: {style.percent(flow.hidden)} of all flows, the smallest ones."
    if flow.gain > 0:
        text += (
            f" Dashed: claims that close a loop (gain {flow.gain:.2g}); amounts in a loop are on "
            "the books again at each pass."
        )
    return text
