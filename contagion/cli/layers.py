"""How nodes shared their losses, as text: by layer, and by call on a guarantor."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..plot.style import rows as rows_of
from ..results.propagation_result import PropagationResult
from ..results.waterfalls import OWNERS
from ..rules import Waterfall
from ..text import percent, plural
from ..units import scale
from .terminal import paragraph, table

ROWS = 24


def mattering(result: PropagationResult) -> pd.DataFrame:
    """Rows of `result.layers` for the nodes where they add to the table of nodes.

    These nodes have a waterfall or guarantees, or losses in more than one layer after the
    equity. The node with the largest losses comes first.
    """
    net, frame = result.network, result.layers
    rules, of = net.distinct_rules()
    falls = np.array([isinstance(rule, Waterfall) for rule in rules], bool)[of]
    backed = net.names.isin(result.calls["debtor"])
    at = net.names.get_indexer_for(pd.Index(frame["node"]))
    absorbed = frame["absorbed"].to_numpy(float)
    hit = (absorbed > 1e-9 * frame["capacity"].to_numpy(float)) & (frame["layer"] != OWNERS)
    several = np.bincount(at[hit], minlength=len(net)) > 1
    total = np.bincount(at, absorbed, len(net))
    order = np.lexsort((at, -total[at]))
    kept = order[(falls | backed | several)[at[order]]]
    shown: pd.DataFrame = frame.iloc[kept].reset_index(drop=True)
    return shown


def layers_text(result: PropagationResult) -> str:
    """Table of the layers selected by :func:`mattering`; empty if there are none."""
    frame = mattering(result)
    if frame.empty:
        return ""
    unit = result.network.unit
    to = scale([*frame["capacity"], *frame["absorbed"]], unit)
    again = (frame["node"] == frame["node"].shift()).tolist()
    shown = frame.head(ROWS)
    rows = [
        ["" if same else str(row.node), str(row.layer), to(row.capacity), to(row.absorbed),
         used(row.absorbed, row.capacity)]
        for same, row in zip(again, rows_of(shown), strict=False)
    ]  # fmt: skip
    head = ["node", "layer", "capacity", "absorbed", "used"]
    more = len(frame) - len(shown)
    note = f"; {plural(more, 'layer')} more not shown" if more else ""
    text = f"({to.label or 'money'}; layers in the order in which they lose, from face value{note})"
    return f"{table(head, rows, words=(0, 1))}\n{paragraph(text)}"


def calls_text(result: PropagationResult) -> str:
    """Table of the calls on guarantors; empty without guarantees."""
    frame = result.calls
    if frame.empty:
        return ""
    frame = frame.sort_values("called", ascending=False, kind="stable")
    to = scale(frame["amount"], result.network.unit)
    shown = frame.head(ROWS)
    rows = [
        [str(row.guarantor), _behind(row.debtor, row.creditor, row.layer), to(row.amount),
         to(row.called), to(row.paid), to(row.unpaid)]
        for row in rows_of(shown)
    ]  # fmt: skip
    head = ["guarantor", "stands behind", "up to", "called", "paid", "unpaid"]
    more = len(frame) - len(shown)
    note = f"; {plural(more, 'guarantee')} more not shown" if more else ""
    text = f"({to.label or 'money'}{note})"
    return f"{table(head, rows, words=(0, 1))}\n{paragraph(text)}"


def used(absorbed: float, capacity: float) -> str:
    """The used share of a layer's capacity; a dash if the capacity is 0 or unlimited."""
    return percent(absorbed / capacity) if 0 < capacity < np.inf else "–"


def _behind(debtor: object, creditor: object, layer: object) -> str:
    text = str(debtor)
    text += "" if pd.isna(layer) else f", {layer}"  # type: ignore[call-overload]
    return text if pd.isna(creditor) else f"{text} to {creditor}"  # type: ignore[call-overload]
