"""Edge lists: the meaning of their columns, and their orientation (creditor and debtor)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ...errors import Finding, NetworkError
from ...text import choice, closest, listing, money
from .. import schema
from ..tables import door
from ..tables.columns import Mapped, mapped, required
from ..tables.grids import Source
from ..tables.numbers import numbers
from ..tables.reading import Reading
from .tables import Tables

ORIENTATIONS = ("creditor->debtor", "debtor->creditor")
DIRECTED = (("source", "target"), ("from", "to"), ("src", "dst"), ("u", "v"), ("i", "j"))
DATES = ("date", "day", "time", "timestamp", "month", "quarter", "year", "datetime")
OTHERS: tuple[schema.Table, ...] = ("margins", "positions", "loans", "holdings", "shareholdings",
                                    "guarantees", "claims", "prices")  # fmt: skip
BECOMES = {
    "margins": "contagion reconstruct reads it, Margins.from_table in Python.",
    "positions": "contagion cascade --positions reads it, MarginBook in Python.",
    "loans": "contagion cascade --loans reads it, MarginBook in Python.",
    "claims": "contagion allocate reads it, rule.allocate in Python.",
    "prices": "contagion cascade --prices reads it.",
}
TOTAL = re.compile(
    r"(?i)^\s*(?:grand |sub)?(?:totals?|sum|Σ|all|gesamt|summe|totaux|insgesamt)\s*$"
)


def tables(
    nodes: Any,
    exposures: Any,
    how: Reading,
    orientation: str | None = None,
    origin: str = "",
) -> Tables:
    """Both tables with the columns of the schema; C001, C012 and C014 if they are not clear."""
    if orientation is not None:
        choice(orientation, ORIENTATIONS, "orientation")

    said = {}

    def shape(done: Mapped, source: Source) -> None:
        if source.unit and not how.unit:
            said["unit"] = source.unit
        done.frame, found = oriented(done.frame, orientation, how, done, source)
        done.findings += found

    claims = door.read(exposures, "exposures", how, shape)
    headings = list(claims.headings)
    beside = None
    if nodes is not None:
        beside = door.read(nodes, "nodes", how)
        headings += beside.headings
    findings = claims.findings + ([] if beside is None else beside.findings)
    codes = {finding.code for finding in claims.findings if finding.severity == "error"}
    if "C014" not in codes:
        sides = {"creditor", "debtor"} if "C001" in codes else set()
        findings += required(claims.table, "exposures", sides, claims.origin)
    if beside is not None:
        findings += required(beside.table, "nodes", origin=beside.origin)
        findings += _units(claims, beside, how)
        if beside.origin and not len(beside.table) and len(claims.table):
            findings.append(door.no_rows(beside.origin))
    found = Tables(
        None if beside is None else beside.table,
        claims.table,
        dict(said),
        claims.origin or origin,
        findings,
        how,
        headings,
    )
    units = {*claims.units.values(), *(() if beside is None else beside.units.values())}
    if len(units) == 1 and not how.unit:  # the unit in the headings
        found.settings.setdefault("unit", units.pop())
    if any(finding.severity == "error" for finding in findings):
        how.finish(headings, ("columns",))
    return _without_totals(found.complete())


def _units(claims: door.Read, nodes: door.Read, how: Reading) -> list[Finding]:
    """C007: headings of the two tables with different units."""
    said = {*claims.units.values(), *nodes.units.values()}
    if how.unit or len(said) < 2:
        return []
    return [
        Finding(
            "C007",
            "error",
            "mixed units",
            f"the headings say {listing(sorted(said))}; a network has one unit.",
            f'unit="{sorted(said)[0]}" is what all are converted to.',
            1,
        )
    ]


def _without_totals(found: Tables) -> Tables:
    """C009: rows of an edge list that are sums of all other rows."""
    how, table = found.how, found.exposures
    if how.totals == "keep" or len(table) < 3:
        return found
    sides = [at for at, side in enumerate(table.columns) if side in ("creditor", "debtor")]
    last = range(len(table) - 2, len(table))
    named = [k for k in last if any(_is_total(table.iat[k, at]) for at in sides)]
    if not named:
        return found
    amount = numbers(table["amount"]).values
    rest = np.delete(amount, named)
    named = [k for k in named if np.isclose(amount[k], rest.sum(), rtol=1e-6)]
    if not named:
        return found
    rows = ", ".join(str(int(table.index[k]) + 2) for k in named)
    keep = np.ones(len(table), bool)
    keep[named] = False
    found.exposures = table[keep]
    if how.totals == "drop":
        how.use("totals")
    found.findings.append(
        Finding(
            "C009",
            "repaired" if how.totals == "drop" else "error",
            "totals",
            f"the last row of the exposures ({found.origin or 'row'} {rows}) is the sum of all "
            "others.",
            'totals="drop" leaves it out, totals="keep" says that it is a claim.',
            len(named),
        )
    )
    return found


def _is_total(cell: Any) -> bool:
    return isinstance(cell, str) and bool(TOTAL.match(cell))


def roles(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Any, Any] | None]:
    """The two columns of names whose meaning needs an orientation."""
    if {"creditor", "debtor"} & set(table.columns):
        return table, None
    lower = {str(name).strip().casefold(): name for name in table.columns}
    pair: tuple[Any, Any] | None = next(
        ((lower[a], lower[b]) for a, b in DIRECTED if a in lower and b in lower), None
    )
    if pair is None and [str(name) for name in table.columns] in (["0", "1", "2"], ["1", "2", "3"]):
        pair = (table.columns[0], table.columns[1])
        table = table.rename(columns={table.columns[2]: "amount"})
    if pair is None and len(table.columns) == 3 and "amount" in table:
        first, second = (name for name in table.columns if name != "amount")
        pair = (first, second)
    return table, pair


def oriented(
    table: pd.DataFrame, orientation: str | None, how: Reading, done: Mapped, source: Source
) -> tuple[pd.DataFrame, list[Finding]]:
    """Name the two sides of an edge list; C001 if creditor and debtor are not clear.

    With C001 the first orientation is used, so that the other checks can continue.
    """
    table, pair = roles(table)
    if pair is None:
        if {"creditor", "debtor"} & set(table.columns):
            return table, []
        return table, [_another(source, how) or _no_sides(table, source)]
    findings = [_unknown(table, pair, how, source)] if orientation is None else []
    sides = (orientation or ORIENTATIONS[0]).split("->")
    done.renamed.update({side: str(name) for side, name in zip(sides, pair, strict=True)})
    return table.rename(columns=dict(zip(pair, sides, strict=True))), findings


def _in(source: Source) -> str:
    return f" in {source.origin}" if source.origin else ""


def _no_sides(table: pd.DataFrame, source: Source) -> Finding:
    some = [name for name in table.columns if name != "amount"][:2]
    fix = ", ".join(
        f'"{name}": "{side}"' for name, side in zip(some, ("creditor", "debtor"), strict=False)
    )
    return Finding(
        "C001",
        "error",
        "orientation",
        f"cannot tell who owes whom{_in(source)}: columns {listing(table.columns, 9)}"
        + (" (the file has no header)." if source.headerless else "."),
        f"columns={{{fix}}}, or the other way round.",
        len(table),
    )


def _another(source: Source, how: Reading) -> Finding | None:
    """C014: a table of another kind, with the function that reads it."""
    for name in OTHERS:
        try:
            had = mapped(source.frame, name, replace(how, used=set()))
        except NetworkError:
            continue
        own = schema.columns(name)
        need = [c for c in own if own[c].required == "yes"]
        sure = [c for c in need if c in had.frame and c not in had.guessed]
        if len(sure) == len(need) or (name == "margins" and set(schema.MARGINS) <= set(sure)):
            fix = BECOMES.get(name, f"ct.read(…, {name}=…) takes it beside the exposures.")
            return _other(f"these are {name}: it has the columns {listing(need, 6)}.", fix, source)
    first = source.frame.columns[0] if len(source.frame.columns) else ""
    dated = schema.key(first) in DATES or _dates(source.frame)
    if dated and len(source.frame.columns) > 2:
        assets = [c for c in source.frame.columns if schema.key(c) not in DATES]
        return _other(
            f"it has one row a date ({str(first)!r}) and one column a series "
            f"({listing(assets, 4)}): these are not debts between nodes.",
            "take one date and write one row a column, as a table of holdings (node, asset, value) "
            "of the protocol, which holdings= takes beside exposures.",
            source,
        )
    return None


def _other(message: str, fix: str, source: Source) -> Finding:
    text = f"{source.origin or 'this'} is no table of exposures: {message}"
    return Finding("C014", "error", "no exposures", text, fix, len(source.frame))


def _dates(frame: pd.DataFrame) -> bool:
    if not len(frame):
        return False
    first = frame.iloc[:20, 0].dropna().astype("str")
    return bool(first.str.match(r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}").all()) and len(first) > 0


def _unknown(table: pd.DataFrame, pair: tuple[Any, Any], how: Reading, source: Source) -> Finding:
    example, total = "", float("nan")
    if "amount" in table and len(table):
        read = numbers(table["amount"], how.decimal, how.thousands)
        amount = pd.Series(read.values, table.index)
        total = float(amount.abs().sum())
        out, into = (amount.groupby(table[side]).sum() for side in pair)
        net = out.subtract(into, fill_value=0.0)
        net = net[np.isfinite(net)]
        if len(net):
            name = net.abs().idxmax()
            side, other = ("lender", "borrower") if net[name] > 0 else ("borrower", "lender")
            stake = money(abs(net[name]), how.unit)
            example = (
                f" (With the first, {name} is a net {side} of {stake}; with the second a net "
                f"{other}.)"
            )
    return Finding(
        "C001",
        "error",
        "orientation",
        f"cannot tell who owes whom{_in(source)}: columns {str(pair[0])!r}, {str(pair[1])!r}."
        + (" The file has no header: columns are taken by number." if source.headerless else "")
        + example,
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
    return replace(found, nodes=nodes, exposures=exposures, settings=settings)
