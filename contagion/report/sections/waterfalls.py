"""Layers of venues, and calls on guarantors, in one result."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ... import plot
from ...plot.pieces import names
from ...plot.style import percent
from ...plot.style import rows as rows_of
from ...results.propagation_result import PropagationResult
from ...rules import Waterfall
from ...units import scale
from ..figures import figure
from ..parts import Exhibit, table
from ..phrases import (
    left_out,
)

MOST = 12  # venues with their layers
ROWS = 40
HIT = 1e-6  # share of the loss of a node; a layer that absorbs less counts as not hit
GUARANTEE = ("guarantor", "debtor", "covers", "layer", "ranking")


def venues(result: PropagationResult) -> list[Any]:
    """The nodes whose layers are shown in a table.

    First nodes with a waterfall or with guarantors, then nodes with more than one layer hit, then
    other nodes with a rule of their own; in each group, the largest loss first.
    """
    frame, net = result.layers, result.network
    whole = frame.groupby("node", sort=False)["absorbed"].transform("sum")
    hit = (frame["absorbed"] > HIT * whole).groupby(frame["node"], sort=False).sum()
    total = frame.groupby("node", sort=False)["absorbed"].sum()
    first = {node for node, rule in net.rules.items() if isinstance(rule, Waterfall)}
    first |= set() if net.guarantees is None else set(net.guarantees["debtor"])
    ranks = [
        0 if n in first else 1 if hit[n] > 1 else 2 if n in net.rules else 3 for n in hit.index
    ]
    order = np.lexsort((-total.to_numpy(), np.array(ranks)))
    return [total.index[i] for i in order if ranks[i] < 3]


def layers(result: PropagationResult, tag: str) -> list[Exhibit]:
    """F10, T10L: the waterfall of the venue with the largest loss, and layers of all venues."""
    title = "Layer by layer"
    found = venues(result)
    if not found:
        missing = (
            "No loss went through more than one layer, and no node that was hit has a rule of its "
            "own or a guarantee: there is no waterfall to show."
        )
        return [Exhibit(f"F10{tag}", title, missing=missing)]
    name = names(result.network)[found[0]]
    text = f"{title}: how {name} shares its loss, the layer that loses first on top."
    lead = "" if len(found) == 1 else f"Drawn: {name}; the table has the other venues."
    draw = partial(plot.waterfall, result, found[0])
    return [figure(f"F10{tag}", title, draw, text, lead), _layers_table(result, found, tag)]


def _layers_table(result: PropagationResult, found: list[Any], tag: str) -> Exhibit:
    net, frame, name = result.network, result.layers, names(result.network)
    frame = frame[frame["node"].isin(found[:MOST])]
    frame = frame.assign(
        reaches=frame["absorbed"][::-1].groupby(frame["node"]).cumsum()[::-1]
    )  # absorbed by this layer and those after it
    to = scale(frame["reaches"], net.unit)
    rows = []
    for node in found[:MOST]:
        for at, row in enumerate(rows_of(frame[frame["node"] == node])):
            rows.append(
                [
                    "" if at else name[node],
                    str(row.layer),
                    to(row.reaches),
                    to(row.absorbed),
                    percent(row.absorbed / row.reaches) if row.reaches > 0 else "–",
                    to(row.capacity),
                    _used(row.absorbed / row.capacity),
                ]
            )
    more = len(found) - MOST
    note = (
        f"Amounts in {to.label or 'money'}. The layers of a venue in the order in which they lose, "
        "its own equity first; counted from face value, including losses before the shock."
        + left_out(more, "more venues")
    )
    head = ["venue", "layer", "reaches it", "absorbs", "of that", "capacity", "used"]
    return Exhibit(f"T10L{tag}", "Layers", table=table(head, rows, text=2, note=note))


def _used(share: float) -> str:
    """A haircut, with one digit more than other shares."""
    return "<0.1%" if 0 < share < 0.0005 else f"{share:.1%}".replace(".0%", "%")


def calls(result: PropagationResult, tag: str) -> Exhibit | None:
    """T10C: amounts called from guarantors."""
    frame = result.calls
    if frame.empty:
        return None
    frame = frame.sort_values("called", ascending=False, kind="stable")
    to, name = scale(frame["amount"], result.network.unit), names(result.network)
    rows = [
        [
            *guarantee_words(row, name),
            *map(to, (row.amount, row.called, row.paid, row.unpaid)),
        ]
        for row in rows_of(frame.head(ROWS))
    ]
    sums = [to(float(frame[c].sum())) for c in ("amount", "called", "paid", "unpaid")]
    head = [*GUARANTEE, "at most", "called", "paid", "unpaid"]
    more = len(frame) - len(rows)
    note = (
        f"Amounts in {to.label or 'money'}. Amounts that a guarantor does not pay stay with the "
        "creditor, or fall on later layers of the debtor."
        + left_out(more, "guarantees called for less")
    )
    done = table(head, rows, text=5, note=note, total=["all", "", "", "", "", *sums])
    return Exhibit(f"T10C{tag}", "Calls on guarantors", table=done)


def guarantee_words(row: Any, name: dict[object, str]) -> list[str]:
    """The text of a guarantee: guarantor, debtor, claims covered, layer and order."""
    whose = "its shortfall" if pd.isna(row.creditor) else f"claims of {name[row.creditor]}"
    layer = "" if pd.isna(row.layer) else str(row.layer)
    ranking = str(row.ranking).replace("_", " ")
    return [name[row.guarantor], name[row.debtor], whose, layer, ranking]
