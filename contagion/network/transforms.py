"""Functions that return a changed network: other claims or other balance sheets."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from ..errors import ArgumentTypeError, NetworkError
from ..text import choice, closest, money, plural
from . import guarantees, intake, schema, shareholdings
from .formats import Tables
from .matrices import Matrices
from .provenance import Provenance, Record, record

N = TypeVar("N", bound=Matrices)


def with_columns(network: Matrices, columns: Mapping[str, Any]) -> pd.DataFrame:
    """The node table with columns replaced, from a mapping node → value or n values.

    If equity is given, external assets are recomputed from it.
    """
    nodes = network._completed()
    known = schema.columns("nodes")
    for column, values in columns.items():
        match = closest(column, [*known, *nodes.columns])
        if column not in known and column not in nodes and match:
            raise ArgumentTypeError(f"Unknown column {column!r}. Did you mean {match!r}?")
        old = nodes[column] if column in nodes else pd.Series(np.nan, nodes.index)
        if isinstance(values, Mapping):
            for name in values:
                network.position(name)
            hit = nodes["node"].isin(list(values)).to_numpy(bool)
            new = nodes["node"].map(dict(values))
            nodes[column] = new.where(hit, old)
        else:
            cells = list(values)
            if len(cells) != len(nodes):
                raise NetworkError(
                    f"{column} has {plural(len(cells), 'entry', 'entries')} for "
                    f"{plural(len(nodes), 'node')}."
                )
            hit = np.ones(len(nodes), bool)
            nodes[column] = cells
        if column == "equity" and "external_assets" not in columns:
            nodes["external_assets"] = nodes["external_assets"].mask(hit)
    return nodes


def told(network: N, provenance: Iterable[Record]) -> N:
    """The same network, with another provenance."""
    new = copy.copy(network)
    new.__dict__["provenance"] = Provenance(provenance)
    return new


def replaced(network: N, done: Record, **parts: Any) -> N:
    """The same network with some attributes replaced, and a record of the change.

    Rules are compiled immediately, so that errors of a rule are raised here.
    """
    new = told(network, (*network.provenance, done))
    new.__dict__.pop("segments", None)
    new.__dict__.update(parts)
    assert new.segments is not None
    return new


def with_holdings_rows(network: N, rows: pd.DataFrame) -> N:
    """The network with more rows of holdings; rows with value 0 only add the name of an asset."""
    new = copy.copy(network)
    held = rows if network._holdings is None else pd.concat([network._holdings, rows])
    new.__dict__["_holdings"] = held.reset_index(drop=True)
    new.__dict__.pop("_held", None)
    return new


def scratch(network: N, exposures: pd.DataFrame, nodes: pd.DataFrame) -> N:
    """A temporary network from other tables with the same settings, without a record."""
    settings = {
        "unit": network.unit,
        "external_creditors": network.external_creditors,
        "trusted": True,
        "loops": "solve",
        "collateral": "ignore",
    }
    return network._from(Tables(nodes, exposures), {**settings, **network._accepted})


def rebuilt(network: N, done: Record, exposures: pd.DataFrame, nodes: pd.DataFrame) -> N:
    """A network with the same settings from other tables, and a record of the change.

    Findings that were repaired before are not raised again.
    """
    options: dict[str, Any] = {"loops": "solve", "collateral": "ignore", **network._choices}
    settings = {
        "unit": network.unit,
        "name": network.name,
        "external_creditors": network.external_creditors,
        "holdings": network.holdings,
        "rules": network._rules,
        "guarantees": network._guarantees,
        "shareholdings": network._shareholdings,
        "assumptions": network.book.assumptions,
        "provenance": (*network.provenance, done),
        "trusted": True,
    }
    new = network._from(Tables(nodes, exposures), {**settings, **network._accepted, **options})
    mended = [finding for finding in network.findings if finding.severity == "repaired"]
    found = [finding for finding in new.findings if finding.severity != "repaired"]
    new.__dict__["findings"] = (*mended, *found)
    new.__dict__["_accepted"] = network._accepted
    return new


def with_amounts(network: N, amounts: Any, keep: str, done: Record | None = None) -> N:
    """The same claims with other amounts; see :meth:`ExposureNetwork.with_amounts`.

    `done` is the record of the change, by default one of `with_amounts`.
    """
    amount = np.asarray(amounts, float)
    if amount.shape != network.amount.shape:
        raise NetworkError(
            f"{amount.size:,} amounts for {plural(len(network.amount), 'exposure')}."
        )
    wrong = np.flatnonzero(~(np.isfinite(amount) & (amount >= 0)))
    if len(wrong):
        raise NetworkError(
            f"Amount {wrong[0]} is {amount[wrong[0]]:g} ({len(wrong)} such rows); amounts have to "
            "be >= 0 and finite."
        )
    choice(keep, ("external", "equity"), "keep")
    nodes, n = network._completed(), len(network)
    if keep == "equity":
        more = amount - network.amount
        change = np.bincount(network.creditor, more, n) - np.bincount(network.debtor, more, n)
        wanted = network.book.external_assets - change
        assets = np.maximum(wanted, 0.0)
        nodes = nodes.assign(
            external_assets=assets,
            external_liabilities=network.book.external_liabilities + (assets - wanted),
        )
    done = done or record(
        "changed", "with_amounts", {"keep": keep, "total": money(float(amount.sum()), network.unit)}
    )
    return rebuilt(network, done, network.exposures.assign(amount=amount), nodes)


def ruled(network: N, rules: Mapping[Any, Any]) -> N:
    """The same network with other rules."""
    given = network._named_rules(rules)
    done = record("changed", "with_rules", {str(node): repr(rule) for node, rule in given.items()})
    return replaced(network, done, _rules={**network._rules, **given})


def guaranteed(network: N, table: Any) -> N:
    """The same network with these guarantees instead of its own."""
    given = intake.one_beside(table, "guarantees")
    checked = guarantees.checked(given, network.names, network.creditor, network.debtor)
    done = record("changed", "with_guarantees", {"guarantees": _size(checked)})
    return replaced(network, done, _guarantees=checked)


def shared(network: N, table: Any) -> N:
    """The same network with these shareholdings instead of its own, and recomputed equity."""
    given = intake.one_beside(table, "shareholdings")
    checked = shareholdings.checked(given, network.names, network.book.known)
    done = record("changed", "with_shareholdings", {"shareholdings": _size(checked)})
    owned = copy.copy(network)
    owned.__dict__["_shareholdings"] = checked
    return rebuilt(owned, done, network.exposures, network._completed())


def _size(table: pd.DataFrame | None) -> int:
    return 0 if table is None else len(table)
