"""Files and folders to tables of nodes and exposures."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from ...errors import NetworkError, located, reading
from ...text import listing
from .. import schema
from ..tables import door, stored
from ..tables import reading as chosen
from ..tables.grids import Source
from ..tables.reading import KEPT as CHOSEN
from ..tables.reading import OPTIONS as READING
from ..tables.reading import Reading
from .edges import layered, tables
from .graph import from_networkx
from .matrix import from_matrix, is_matrix
from .tables import Tables

GRAPHS = (".graphml", ".gexf")
OWN = ("nodes", "orientation", "layer", "amount")
OPTIONS = (*OWN, *READING)
KEPT = ("decimal", *CHOSEN)  # also options of a network
BESIDE: tuple[schema.Table, ...] = door.BESIDE


def read_tables(path: str | PathLike[str], options: dict[str, Any]) -> Tables:
    """Tables and settings of a file or folder; options of the caller override those of a card."""
    place = stored.existing(path)
    settings = _card(place) if place.is_dir() else {}
    options = {**settings, **{k: v for k, v in options.items() if v is not None}}
    nodes, orientation, layer, amount = (options.pop(name, None) for name in OWN)
    if amount is not None and place.suffix.lower() not in GRAPHS:
        options["columns"] = {**(options.get("columns") or {}), amount: "amount"}
    how = chosen(options, str(options.get("unit", "")))
    settings = {k: v for k, v in options.items() if k not in READING or k in KEPT}
    if place.suffix.lower() in GRAPHS:
        found = _graph(place, how, orientation, amount)
        if nodes is not None:
            found.nodes = tables(nodes, found.exposures, how).nodes
    else:
        given: Any = nodes
        if place.is_dir():
            exposures = _table(place, "exposures")
            given = nodes if nodes is not None else _table(place, "nodes", missing=True)
            for name in BESIDE:
                file = _table(place, name, missing=True)
                if file is not None and settings.get(name) is None:
                    settings[name] = file
        else:
            exposures = place
            if nodes is None and stored.has(place, "nodes", how):
                given = stored.load(place, "nodes", replace(how, sheet=None))
        source = door.find(exposures, "exposures", how)
        if (not how.columns or how.format == "matrix") and _square(source, how):
            found = _matrix(source, how, orientation, given)
        else:
            found = tables(given, source, how, orientation)
    if not len(found.exposures) and found.nodes is None:
        raise NetworkError([door.no_rows(place.name)])
    found.settings = {**found.settings, **settings}
    return layered(found, layer)


def _graph(place: Path, how: Reading, orientation: str | None, amount: str | None) -> Tables:
    import networkx as nx

    read = nx.read_graphml if place.suffix.lower() == ".graphml" else nx.read_gexf
    with reading(place.name, NetworkError):
        graph = read(place)
    if not graph.number_of_edges():
        raise NetworkError(f"{place.name} is a graph without edges.")
    with located(place.name):
        return from_networkx(graph, orientation, amount, how)


def _square(source: Source, how: Reading) -> bool:
    """A matrix, with labels or without."""
    if how.format == "matrix":
        return True
    if source.headerless:
        rows, columns = source.frame.shape
        return (rows == columns and rows > 1 and columns != 3) or bool(how.names)
    return is_matrix(source.frame)


def _matrix(source: Source, how: Reading, orientation: str | None, nodes: Any) -> Tables:
    names, frame = how.names, source.frame
    if source.headerless:
        how.use("names")
        if names is None:
            names = [str(k + 1) for k in range(len(frame))]
            source.notes.append("the nodes are called 1, 2, …: names=[…] gives other names")
        frame = frame.set_axis(range(len(frame)), axis=0).set_axis(range(frame.shape[1]), axis=1)
    found = from_matrix(frame, names, orientation, how.totals or "error", how)
    found.findings += door.told(source, "exposures")
    if nodes is not None:
        had = tables(nodes, found.exposures, how)
        found.nodes, found.headings = had.nodes, had.headings
        found.findings += [f for f in had.findings if f.code != "N002" or "nodes" in f.message]
    return found


def _table(place: Path, stem: str, *, missing: bool = False) -> Path | None:
    for suffix in (".csv", ".parquet", ".csv.gz"):
        if (place / f"{stem}{suffix}").exists():
            return place / f"{stem}{suffix}"
    if missing:
        return None
    have = sorted(file.name for file in place.iterdir())
    raise NetworkError(
        f"The folder {str(place)!r} has no {stem}.csv or {stem}.parquet"
        + (f"; it has {listing(have, 6)}." if have else "; it is empty.")
    )


def _card(place: Path) -> dict[str, Any]:
    """The settings of the card of a folder."""
    card = place / "dataset.toml"
    if not card.exists():
        return {}
    import tomllib

    with reading(card):
        data = tomllib.loads(card.read_text(encoding="utf-8"))
        settings = {
            "unit": str(data.get("unit", "")),
            "name": str(data.get("title", "")),
            **data.get("network", {}),
        }
    more = ("assume_equity", "rules", "provenance")
    return settings | {key: data[key] for key in more if key in data}


def schema_text() -> str:
    """All tables of the schema as text."""
    return "\n\n".join(f"{name}\n{schema.document(name)}" for name in schema.TABLES)
