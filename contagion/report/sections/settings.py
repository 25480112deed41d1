"""Rules, guarantees, and changes to claims settled before any shock."""

from __future__ import annotations

import pandas as pd

from ...network.exposure_network import ExposureNetwork
from ...plot.pieces import names
from ...plot.style import rows as rows_of
from ...rules import Priority
from ...text import listed
from ...units import scale
from ..parts import Exhibit, table
from ..phrases import (
    left_out,
    rule_words,
)
from .waterfalls import GUARANTEE, guarantee_words

ROWS = 40


def settings(network: ExposureNetwork) -> list[Exhibit]:
    """T3R, T3G, T3N: rules of the nodes, guarantees and changes, if there are any."""
    found = [_rules(network), _guarantees(network), _changes(network)]
    return [exhibit for exhibit in found if exhibit is not None]


def _rules(network: ExposureNetwork) -> Exhibit | None:
    kinds, of = network.distinct_rules()
    if all(rule == Priority() for rule in kinds):
        return None
    name = names(network)
    titles = [name[node] for node in network.names]
    rows = []
    for number, rule in enumerate(kinds):
        mine = [titles[i] for i in (of == number).nonzero()[0]]
        rows.append([listed(mine), repr(rule), rule_words(rule)])
    rows.sort(key=lambda row: row[1] == repr(Priority()))
    lead = "How a node shares a shortfall among the claims on it; its own equity loses first."
    head = ["nodes", "rule", "in words"]
    return Exhibit("T3R", "Rules of the nodes", lead, table=table(head, rows, text=3))


def _guarantees(network: ExposureNetwork) -> Exhibit | None:
    frame = network.guarantees
    if frame is None:
        return None
    to, name = scale(frame["amount"], network.unit), names(network)
    rows = [[*guarantee_words(row, name), to(row.amount)] for row in rows_of(frame.head(ROWS))]
    more = len(frame) - len(rows)
    head = [*GUARANTEE, f"at most, {to.label}" if to.label else "at most"]
    note = "Paid only when called, and limited by the guarantor's ability to pay." + left_out(
        more, "more guarantees"
    )
    return Exhibit("T3G", "Guarantees", table=table(head, rows, text=5, note=note))


def _changes(network: ExposureNetwork) -> Exhibit | None:
    frame = network.changes
    if frame.empty:
        return None
    to, name = scale([*frame["before"], *frame["after"]], network.unit), names(network)
    rows = [
        [
            str(row.step),
            str(row.what),
            name.get(row.creditor, str(row.creditor)),
            name.get(row.debtor, str(row.debtor)),
            to(row.before),
            to(row.after),
            "" if pd.isna(row.note) else str(row.note),
        ]
        for row in rows_of(frame.head(ROWS))
    ]
    more = len(frame) - len(rows)
    note = f"Amounts in {to.label or 'money'}." + left_out(more, "more changes")
    head = ["step", "what", "creditor", "debtor", "before", "after", "note"]
    lead = "Set-off, netting and collateral settled before any shock."
    done = table(head, rows, text=4, note=note, words=[6])
    return Exhibit("T3N", "Changes to the claims", lead, table=done)
