"""networkx graphs, GraphML and GEXF, in both directions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from ...errors import NetworkError
from ...text import choice, closest, listing
from ..tables.reading import Reading
from .edges import ORIENTATIONS, tables
from .tables import Tables

if TYPE_CHECKING:
    import networkx as nx

SETTINGS = ("unit", "name", "external_creditors", "duplicates", "loops", "collateral", "aggregates")
CARRIED = (  # as JSON
    "holdings", "assumptions", "rules", "guarantees", "shareholdings", "provenance",
)  # fmt: skip


def from_networkx(
    graph: nx.Graph[Any],
    orientation: str | None,
    amount: str | None = None,
    how: Reading | None = None,
) -> Tables:
    """Node and exposure tables of a networkx graph, and the settings stored in it."""
    how = how or Reading()
    columns = how.columns
    if not graph.is_directed():
        raise NetworkError(
            "The graph is undirected: an exposure needs a creditor and a debtor. Use a DiGraph "
            "(nx.DiGraph has one edge a claim; graph.to_directed() would make two)."
        )
    nodes = pd.DataFrame([{**data, "node": node} for node, data in graph.nodes(data=True)])
    if "node" not in nodes:
        nodes = pd.DataFrame({"node": []})
    nodes = nodes[["node", *(name for name in nodes.columns if name != "node")]]
    if "label" in nodes and "name" not in nodes:  # GEXF
        same = nodes["label"].astype("str") == nodes["node"].astype("str")
        nodes = (
            nodes.drop(columns="label") if same.all() else nodes.rename(columns={"label": "name"})
        )
    edges = pd.DataFrame(
        [{**data, "source": a, "target": b} for a, b, data in graph.edges(data=True)],
        columns=None if graph.number_of_edges() else ["source", "target", "amount"],
    )
    if "id" in edges and "id" not in (columns or {}):  # GEXF and GraphML number the edges
        edges = edges.drop(columns="id")
    key = amount or ("amount" if "amount" in edges else "weight")
    if key not in edges and not (columns and "amount" in columns.values()):
        have = [c for c in edges if c not in ("source", "target")]
        match = closest(key, have) if amount else ""
        raise NetworkError(
            f"The edges have no attribute {key!r}; they have {listing(have, 9) or 'none'}. "
            + (f"Did you mean amount={match!r}?" if match else 'Say amount="…".')
        )
    edges = edges.rename(columns={key: "amount"})
    settings = {k: graph.graph[k] for k in SETTINGS if k in graph.graph}
    for k in CARRIED:
        if k in graph.graph:
            settings[k] = json.loads(graph.graph[k])
    for k in ("holdings", "guarantees", "shareholdings"):
        if k in settings:
            settings[k] = pd.DataFrame(settings[k])
    if "rules" in settings:  # pairs, because keys of JSON objects are strings and nodes may not be
        settings["rules"] = dict(settings["rules"])
    orientation = orientation or graph.graph.get("orientation")
    found = tables(nodes, edges, how, orientation)
    found.settings = settings
    return found


def to_networkx(
    nodes: pd.DataFrame,
    exposures: pd.DataFrame,
    orientation: str,
    settings: dict[str, Any],
) -> nx.MultiDiGraph[Any]:
    """A MultiDiGraph with every column as an attribute; unknown values are left out."""
    import networkx as nx

    choice(orientation, ORIENTATIONS, "orientation")
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(orientation=orientation)
    for key, value in settings.items():
        graph.graph[key] = json.dumps(value) if key in CARRIED else value
    for row in nodes.to_dict("records"):
        graph.add_node(row["node"], **_known(row, ("node",)))
    first, second = orientation.split("->")
    for row in exposures.to_dict("records"):
        graph.add_edge(row[first], row[second], **_known(row, ("creditor", "debtor")))
    return graph


def _known(row: dict[Any, Any], but: tuple[str, ...]) -> dict[str, Any]:
    """The known attributes of a row, in types that graph files support."""
    return {
        str(k): v if isinstance(v, str | int | float) else str(v)
        for k, v in row.items()
        if k not in but and pd.notna(v)
    }
