"""Edge lists: which column is which, and who owes whom."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ArgumentTypeError, Finding, NetworkError
from ...text import choice, closest, listing, money, plural
from .. import schema
from ..checks.columns import required
from ..checks.numbers import numbers
from .tables import Tables

ORIENTATIONS = ("creditor->debtor", "debtor->creditor")
CLEAR_NAMES = {
    "creditor": ("lender", "creditor_id", "lender_id", "claimant"),
    "debtor": ("borrower", "debtor_id", "borrower_id", "obligor"),
    "amount": ("exposure", "value", "notional", "face_value", "weight"),
}
NODE_NAMES = ("id", "node_id", "bank", "entity", "institution", "name")
DIRECTED = (("source", "target"), ("from", "to"), ("src", "dst"), ("u", "v"), ("i", "j"))


def to_pandas(table: Any) -> pd.DataFrame:
    """A DataFrame from pandas, from anything narwhals reads, or from a mapping of columns.

    Raises
    ------
    ArgumentTypeError
        For anything else, with the method that takes it.
    """
    if isinstance(table, pd.DataFrame):
        return table
    if isinstance(table, Mapping | list):
        return pd.DataFrame(table)
    if isinstance(table, str | PathLike):
        raise ArgumentTypeError(f"{str(table)!r} is a path: contagion.read(path) reads files.")
    if hasattr(table, "edges") and hasattr(table, "nodes"):
        raise ArgumentTypeError("This is a graph: ExposureNetwork.from_networkx(graph) takes it.")
    if isinstance(table, np.ndarray) or hasattr(table, "tocsr"):
        raise ArgumentTypeError(
            "This is a matrix: ExposureNetwork.from_matrix(matrix, names, orientation=…) takes it."
        )
    import narwhals as nw

    try:
        frame = nw.from_native(table)
    except TypeError:
        raise ArgumentTypeError(
            f"A table is needed (pandas, polars, arrow, dict of columns), not a "
            f"{type(table).__name__}."
        ) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    converted: pd.DataFrame = frame.to_pandas()
    return converted


def side_table(given: Any, name: schema.Table) -> pd.DataFrame | None:
    """A table beside nodes and exposures (guarantees, shareholdings), or None where it is empty.

    Raises
    ------
    NetworkError
        For a required column that is missing.
    """
    table = None if given is None else to_pandas(given).reset_index(drop=True)
    if table is None or not len(table):
        return None
    for column in schema.columns(name).values():
        if column.required == "yes" and column.column not in table:
            raise NetworkError(
                f"The {name} have no column {column.column!r} ({column.meaning}); they have "
                f"{listing(table.columns, 9)}."
            )
    return table


def tables(
    nodes: Any,
    exposures: Any,
    orientation: str | None = None,
    columns: Mapping[str, str] | None = None,
    origin: str = "",
    unit: str = "",
) -> Tables:
    """Both tables with the columns of the schema; C001 and C012 where they cannot be told."""
    claims, findings = to_pandas(exposures), []
    table = None if nodes is None else _with_ids(to_pandas(nodes))
    if columns:
        claims, table = _renamed(claims, table, columns)
    claims, found = oriented(_schema_names(claims, "exposures"), orientation, unit)
    findings += found
    if table is not None:
        table = _schema_names(table, "nodes")
        if "node" not in table:
            table = _synonym(table, "node", NODE_NAMES, "nodes")
        findings += required(table, "nodes")
    sides = {"creditor", "debtor"} if found else set()
    findings += required(claims, "exposures", but=sides)
    return Tables(table, claims, {}, origin, findings).complete()


def _with_ids(table: pd.DataFrame) -> pd.DataFrame:
    """Ids in the index become the column `node`."""
    if "node" in table or isinstance(table.index, pd.RangeIndex):
        return table
    named = table.index.name == "node"
    if named or (table.index.name is None and not pd.api.types.is_integer_dtype(table.index.dtype)):
        return table.rename_axis("node").reset_index()
    return table


def _renamed(
    claims: pd.DataFrame, nodes: pd.DataFrame | None, columns: Mapping[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    have = [*claims.columns, *(() if nodes is None else nodes.columns)]
    absent = [name for name in columns if name not in have]
    if absent:
        turned = {v: k for k, v in columns.items()}
        hint = f" Did you mean columns={turned!r}?" if set(turned) <= set(have) else ""
        match = closest(absent[0], have)
        hint = hint or (f" Did you mean {match!r}?" if match else "")
        raise NetworkError(
            f"columns={{…}} names {listing(absent)}; the table has {listing(claims.columns, 9)}."
            f"{hint}"
        )
    names = dict(columns)
    return claims.rename(columns=names), None if nodes is None else nodes.rename(columns=names)


def _schema_names(table: pd.DataFrame, name: schema.Table) -> pd.DataFrame:
    """Columns written like "External Assets" get the name of the schema; none stands twice."""
    renamed = {}
    for column in table.columns:
        plain = "_".join(str(column).strip().casefold().replace("-", " ").split())
        if plain != column and plain in schema.columns(name) and plain not in table:
            renamed[column] = plain
    table = table.rename(columns=renamed)
    twice = table.columns[table.columns.duplicated()].unique()
    if len(twice):
        raise NetworkError(
            f"The {name} table has {plural(len(twice), 'column')} twice: {listing(twice)}. Keep "
            "one of each."
        )
    return table


def _synonym(
    table: pd.DataFrame, ours: str, names: tuple[str, ...], which: schema.Table
) -> pd.DataFrame:
    """Rename the one column that can only mean `ours`; two that could are an error."""
    lower = {str(name).strip().casefold(): name for name in table.columns}
    found = [lower[name] for name in names if name in lower]
    if len(found) > 1 and str(found[-1]).casefold() in ("weight", "name"):
        found = found[:-1]
    if len(found) > 1:
        raise NetworkError(
            f"The {which} table has several columns that may be {ours!r}: {listing(found)}. Say "
            f'columns={{"{found[0]}": "{ours}"}}.'
        )
    return table.rename(columns={found[0]: ours}) if found else table


def roles(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Any, Any] | None]:
    """Clear names of columns made ours, and the two columns that only an orientation explains."""
    for ours, theirs in CLEAR_NAMES.items():
        if ours not in table:
            table = _synonym(table, ours, theirs, "exposures")
    if {"creditor", "debtor"} & set(table.columns):
        return table, None
    lower = {str(name).strip().casefold(): name for name in table.columns}
    pair: tuple[Any, Any] | None = next(
        ((lower[a], lower[b]) for a, b in DIRECTED if a in lower and b in lower), None
    )
    if pair is None and [str(name) for name in table.columns] == ["0", "1", "2"]:
        pair = (table.columns[0], table.columns[1])
        table = table.rename(columns={table.columns[2]: "amount"})
    if pair is None and len(table.columns) == 3 and "amount" in table:
        first, second = (name for name in table.columns if name != "amount")
        pair = (first, second)
    return table, pair


def oriented(
    table: pd.DataFrame, orientation: str | None, unit: str
) -> tuple[pd.DataFrame, list[Finding]]:
    """Name the two sides of an edge list; C001 where it cannot be told who owes whom.

    With C001 the first orientation is taken, so that the other checks can go on.
    """
    if orientation is not None:
        choice(orientation, ORIENTATIONS, "orientation")
    table, pair = roles(table)
    if pair is None:
        if {"creditor", "debtor"} & set(table.columns):
            return table, []
        some = [name for name in table.columns if name != "amount"][:2]
        fix = ", ".join(
            f'"{name}": "{side}"' for name, side in zip(some, ("creditor", "debtor"), strict=False)
        )
        return table, [
            Finding(
                "C001",
                "error",
                "orientation",
                f"cannot tell who owes whom: columns {listing(table.columns, 9)}.",
                f"columns={{{fix}}}, or the other way round.",
                len(table),
            )
        ]
    findings = [_unknown(table, pair, unit)] if orientation is None else []
    sides = (orientation or ORIENTATIONS[0]).split("->")
    return table.rename(columns=dict(zip(pair, sides, strict=True))), findings


def _unknown(table: pd.DataFrame, pair: tuple[Any, Any], unit: str) -> Finding:
    example, total = "", float("nan")
    if "amount" in table and len(table):
        amount = pd.Series(numbers(table["amount"]).values, table.index)
        total = float(amount.abs().sum())
        out, into = (amount.groupby(table[side]).sum() for side in pair)
        net = out.subtract(into, fill_value=0.0)
        if len(net):
            name = net.abs().idxmax()
            side, other = ("lender", "borrower") if net[name] > 0 else ("borrower", "lender")
            stake = money(abs(net[name]), unit)
            example = (
                f" (With the first, {name} is a net {side} of {stake}; with the second a net "
                f"{other}.)"
            )
    return Finding(
        "C001",
        "error",
        "orientation",
        f"cannot tell who owes whom: columns {str(pair[0])!r}, {str(pair[1])!r}.{example}",
        'orientation="creditor->debtor" or "debtor->creditor".',
        len(table),
        total,
        tuple(f"{a}, {b}" for a, b in table[list(pair)].head(3).itertuples(index=False)),
    )


def layered(found: Tables, layer: Any = None) -> Tables:
    """Keep one layer: its exposures, and node rows of the layer before those of all layers.

    Without a layer, a node table with several rows a node (one a layer) is an error (C004).
    """
    nodes, exposures = found.nodes, found.exposures
    if layer is None:
        return found
    known: Any = exposures["layer"].dropna().unique() if "layer" in exposures else []
    if layer not in known:
        match = closest(layer, list(known))
        hint = f" Did you mean {match!r}?" if match else ""
        raise NetworkError(
            f"There is no layer {layer!r}; the exposures have "
            f"{listing(known, 9) if len(known) else 'no column layer'}.{hint}"
        )
    exposures = exposures[exposures["layer"] == layer]
    settings = dict(found.settings)
    if nodes is not None:
        everywhere = set(nodes["node"])
        own = pd.Series(False, nodes.index)
        if "layer" in nodes:
            own = nodes["layer"] == layer
            nodes = nodes[nodes["layer"].isna() | own].assign(_own=own)
            nodes = nodes.sort_values("_own", kind="stable")
            again = nodes.duplicated("node", keep="last") & ~nodes["_own"]
            nodes = nodes[~again].sort_index()
            own = nodes["_own"]
            nodes = nodes.drop(columns=["layer", "_own"])
        touched = nodes["node"].isin(exposures["creditor"]) | nodes["node"].isin(
            exposures["debtor"]
        )
        nodes = nodes[touched | own].reset_index(drop=True)
        gone = everywhere - set(nodes["node"])
        if settings.get("assume_equity"):
            settings["assume_equity"] = {
                k: v for k, v in settings["assume_equity"].items() if k not in gone
            }
    return Tables(nodes, exposures, settings, found.origin, found.findings)
