"""Claims between kinds as a flow: debtors on the left, creditors on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import expect
from ..media import figure
from ..network.exposure_network import ExposureNetwork
from ..units import scale
from . import style
from .boxes import Box, Link
from .columns import columns
from .heat import kind_amounts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THIN = 0.4  # points: a band is drawn at least this wide


@figure
def kind_flow(network: ExposureNetwork, *, ax: Axes | None = None) -> Axes:
    """Draw the claims between kinds of debtors and kinds of creditors, along which losses flow.

    On the left the debts of each kind, on the right the claims, heights and widths of bands in
    money; bands have the colour of the debtor. Both sides add up to all claims.

    Parameters
    ----------
    network : the exposures; the kind of a node is its column `kind`. With more than twelve kinds,
        those with the smallest claims and debts are merged.
    ax : where to draw; by default a new figure.

    Example
    -------
    >>> import contagion as ct
    >>> nodes = {"node": ["a", "b", "c"], "kind": ["bank", "bank", "fund"]}
    >>> claims = {"creditor": ["a", "c"], "debtor": ["b", "a"], "amount": [3.0, 2.0]}
    >>> net = ct.ExposureNetwork(nodes, claims, missing_equity="external")
    >>> ax = ct.plot.kind_flow(net)
    >>> [text.get_text().replace("\\n", " ") for text in ax.texts][:3]
    ['bank 5.000 (100%)', 'bank 3.000 (60%)', 'fund 2.000 (40%)']
    """
    expect(network=network)
    table = kind_amounts(network)
    owed = table.to_numpy(float).T  # (debtor, creditor)
    total = float(owed.sum())
    to = scale([total], network.unit)
    boxes: list[Box] = []
    place = np.full((2, len(table)), -1)
    for column, sums in enumerate((owed.sum(axis=1), owed.sum(axis=0))):
        for k in map(int, np.flatnonzero(sums > 0)):
            place[column, k] = len(boxes)
            amount = float(sums[k])
            said = f"{to(amount)} ({style.percent(amount / total)})"
            boxes.append(Box(column, str(table.index[k]), said, str(table.index[k]), amount))
    links = [
        Link(int(place[0, a]), int(place[1, b]), float(owed[a, b]))
        for a, b in np.argwhere(owed > 0)
    ]
    placed = columns(boxes, links)
    ax = style.axes(ax, 6.6, 1.0 + (placed.top + 24) / 72)
    colour = _colours(network)
    out = [middle + tall / 2 for middle, tall in zip(placed.middle, placed.tall, strict=True)]
    into = list(out)
    for link in placed.ordered(links):
        thick = link.amount * placed.per_point
        of = colour.get(boxes[link.start].state, style.OTHER)
        ends = out[link.start], into[link.end]
        placed.band(ax, link, *ends, max(thick, THIN), of, 0.35)
        out[link.start] -= thick
        into[link.end] -= thick
    for i, box in enumerate(boxes):
        placed.box(ax, i, colour.get(box.state, style.OTHER), 26)
    placed.frame(ax, 4.0, -0.03, 0.55, lambda column: ("debts of", "claims of")[column])
    unit = f"Amounts in {to.label}. " if to.label else ""
    note = f"{unit}Width of a band: claims of a kind on another." if boxes else "No claims."
    style.heading(ax, "Claims between kinds", note)
    return ax


def _colours(network: ExposureNetwork) -> dict[str, str]:
    """The colours of the kinds with most nodes, as on the map."""
    words, count = np.unique(style.kinds(network).astype(str), return_counts=True)
    return dict(zip(words[np.argsort(-count, kind="stable")], style.KINDS, strict=False))
