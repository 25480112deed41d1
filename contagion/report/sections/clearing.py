"""Venues and clearing houses before any stress: roles of nodes, and loss-absorbing resources."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...facts import Fact, Sentence
from ...network.exposure_network import ExposureNetwork
from ...plot.pieces import names
from ...plot.style import percent
from ...plot.style import rows as rows_of
from ...rules import Waterfall
from ...units import scale
from ..parts import Exhibit, table
from ..phrases import left_out

MOST = 20
VENUES = 12
COVER = 2  # number of largest debtors with which resources are compared


def exhibits(network: ExposureNetwork) -> list[Exhibit]:
    """T7V, T7W, T7C: roles of nodes at venues; layers of venues; layers against two debtors."""
    houses = [node for node, rule in network.rules.items() if isinstance(rule, Waterfall)]
    made = [_roles(network)]
    made += [_layers(network, houses), _cover(network, houses)] if houses else []
    return [one for one in made if one is not None]


def _resources(network: ExposureNetwork, houses: list[Any]) -> pd.DataFrame:
    """One row for each layer of a venue, in order: venue, layer, capacity, creditors."""
    frame = network.exposures
    own = frame["layer"] if "layer" in frame else pd.Series(index=frame.index, dtype=object)
    by = frame.assign(layer=own, amount=network.amount).groupby(["debtor", "layer"])
    sums, who = by["amount"].sum().to_dict(), by["creditor"].nunique().to_dict()
    rows = []
    for node in houses:
        rule = network.rules[node]
        assert isinstance(rule, Waterfall)
        for layer in rule.layers_:
            claims = float(sums.get((node, layer.name), 0.0))
            most = claims if layer.capacity is None else float(layer.capacity)
            rows.append((node, layer.name, most, int(who.get((node, layer.name), 0))))
    return pd.DataFrame(rows, columns=["venue", "layer", "capacity", "creditors"])


def _layers(network: ExposureNetwork, houses: list[Any]) -> Exhibit:
    """T7W: the capacity of each layer before a loss reaches the next."""
    frame, name = _resources(network, houses[:VENUES]), names(network)
    whole = frame.groupby("venue")["capacity"].transform("sum").to_numpy(float)
    before = frame.groupby("venue")["capacity"].cumsum().to_numpy(float)
    to = scale([*frame["capacity"], *whole], network.unit)
    rows = [
        [name[row.venue], str(row.layer), to(row.capacity), percent(row.capacity / all_) if all_
         else "–", to(up), f"{row.creditors:,}" if row.creditors else "–"]
        for row, all_, up in zip(rows_of(frame), whole, before, strict=True)
    ]  # fmt: skip
    note = (
        f"Amounts in {to.label or 'money'}, in the order in which they lose; the equity of the "
        "venue itself loses before the first. –: no claims in the layer, which is own capital or "
        "is called if needed." + left_out(len(houses) - VENUES, "more venues")
    )
    head = ["venue", "layer", "absorbs", "of all layers", "with those before", "from how many"]
    done = table(head, rows, text=2, note=note, words=[5])
    return Exhibit("T7W", "Layers of venues before the stress", table=done)


def _cover(network: ExposureNetwork, houses: list[Any]) -> Exhibit | None:
    """T7C: equity and layers of a venue over the largest claims that it has on two debtors."""
    at = network.names.get_indexer(pd.Index(houses))
    n, real = len(network), np.isin(network.creditor, at) & (network.amount > 0)
    if not real.any():
        return None
    pair = network.creditor[real].astype(np.int64) * n + network.debtor[real]
    keys, place = np.unique(pair, return_inverse=True)
    owed = pd.Series(np.bincount(place, network.amount[real])).groupby(keys // n)
    two = owed.nlargest(COVER).groupby(level=0).sum()
    layers = _resources(network, houses).groupby("venue")["capacity"].sum()
    book, name, lines = network.book, names(network), []
    for node, i in list(zip(houses, at, strict=True))[:VENUES]:
        equity = max(float(book.equity[i]), 0.0) if book.known[i] else 0.0
        lines.append((name[node], equity, float(layers[node]), float(two.get(i, 0.0))))
    to = scale([x for line in lines for x in line[1:]], network.unit)
    rows = [
        [who, to(equity), to(layer), to(debt), f"{(equity + layer) / debt:.2f}" if debt else "–"]
        for who, equity, layer, debt in lines
    ]
    note = (
        f"Amounts in {to.label or 'money'}. Layers: a prefunded fund, and claims of users and of "
        "winners that lose by the rule, which are not prefunded. Debts of two: claims of the venue "
        "on the two nodes that owe it most, after margin if the data are."
        + left_out(len(houses) - VENUES, "more venues")
    )
    head = ["venue", "own equity", "in layers", "debts of two", "both / debts"]
    return Exhibit("T7C", "Layers against the two largest debtors",
                   table=table(head, rows, note=note))  # fmt: skip


def _roles(network: ExposureNetwork) -> Exhibit | None:
    """T7V: number of venues (nodes with a rule of their own) of each node, by role."""
    name, venues = names(network), [node for node in network.names if node in network.rules]
    if len(venues) < 2:
        return None
    at = {node: i for i, node in enumerate(network.names)}
    is_venue = np.zeros(len(network), bool)
    is_venue[[at[node] for node in venues]] = True
    real, n = network.amount > 0, len(network)

    def touched(mine: np.ndarray, other: np.ndarray) -> np.ndarray:
        keep = real & is_venue[other]
        pairs = np.unique(mine[keep] * np.int64(n) + other[keep])
        return np.bincount(pairs // n, minlength=n)

    held, owed = (
        touched(network.creditor, network.debtor),
        touched(network.debtor, network.creditor),
    )
    backs = np.zeros(n, int)
    if network.guarantees is not None:
        by = network.guarantees.drop_duplicates(["guarantor", "debtor"])["guarantor"].value_counts()
        backs = np.array([int(by.get(node, 0)) for node in network.names])
    order = np.lexsort((-owed, -(held + owed + backs)))
    shown = [int(i) for i in order if held[i] + owed[i] + backs[i] > 1][:MOST]
    if not shown:
        return None
    rows = [[name[network.names[i]], f"{held[i]}", f"{owed[i]}", f"{backs[i]}"] for i in shown]
    head = ["node", "venues it has claims on", "venues it owes", "venues it guarantees"]
    count = {"count": Fact("venues", len(venues), "count", (), "T7V", "venue")}
    text = "{count} have rules of their own; one default affects all those that it owes."
    return Exhibit(
        "T7V", "Nodes and their roles at venues", Sentence(text, count), table=table(head, rows)
    )
