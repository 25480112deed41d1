"""What changes a network returns a new one: other claims, other balance sheets."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import NetworkError
from ..text import closest, plural
from . import guarantees, matrices, schema, shareholdings
from .formats import Tables

if TYPE_CHECKING:
    from .exposure_network import ExposureNetwork

STATED = ("equity", "total_assets", "total_liabilities", "can_fail")


def resolved_nodes(net: ExposureNetwork) -> pd.DataFrame:
    """The node table with the balance sheet as it was completed."""
    nodes = net.nodes
    kept: pd.DataFrame = nodes.drop(columns=[c for c in STATED if c in nodes])
    return kept.assign(
        external_assets=net.book.external_assets,
        external_liabilities=net.book.external_liabilities,
        can_fail=net.book.can_fail,
    )


def with_columns(net: ExposureNetwork, columns: Mapping[str, Any]) -> pd.DataFrame:
    """The node table with columns replaced, from a mapping node → value or n values.

    Where equity is given, external assets follow from it.
    """
    nodes = resolved_nodes(net)
    known = schema.columns("nodes")
    for column, values in columns.items():
        match = closest(column, [*known, *nodes.columns])
        if column not in known and column not in nodes and match:
            raise TypeError(f"Unknown column {column!r}. Did you mean {match!r}?")
        old = nodes[column] if column in nodes else pd.Series(np.nan, nodes.index)
        if isinstance(values, Mapping):
            for name in values:
                net.position(name)
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


def rebuilt(
    net: ExposureNetwork,
    exposures: pd.DataFrame,
    nodes: pd.DataFrame,
    step: pd.DataFrame | None = None,
) -> ExposureNetwork:
    """A network of the same settings; what was found and mended once is not asked again.

    `step` is what this change did to claims, one row each; it joins those before it.
    """
    options: dict[str, Any] = {"loops": "solve", "collateral": "ignore", **net._choices}
    settings = {
        "unit": net.unit,
        "name": net.name,
        "external_creditors": net.external_creditors,
        "holdings": net.holdings,
        "rules": net._rules,
        "guarantees": net._guarantees,
        "shareholdings": net._shareholdings,
        "assumptions": net.book.assumptions,
        "trusted": True,
    }
    new = net._from(Tables(nodes, exposures), {**settings, **net._accepted, **options})
    mended = [finding for finding in net.findings if finding.severity == "repaired"]
    found = [finding for finding in new.findings if finding.severity != "repaired"]
    new.__dict__["findings"] = (*mended, *found)
    new.__dict__["_accepted"] = net._accepted
    new.__dict__["_steps"] = net._steps if step is None or step.empty else (*net._steps, step)
    return new


def with_amounts(net: ExposureNetwork, amounts: Any, keep: str) -> ExposureNetwork:
    """The same claims with other amounts; see :meth:`ExposureNetwork.with_amounts`."""
    amount = np.asarray(amounts, float)
    if amount.shape != net.amount.shape:
        raise NetworkError(f"{amount.size:,} amounts for {plural(len(net.amount), 'exposure')}.")
    wrong = np.flatnonzero(~(np.isfinite(amount) & (amount >= 0)))
    if len(wrong):
        raise NetworkError(
            f"Amount {wrong[0]} is {amount[wrong[0]]:g} ({len(wrong)} such rows); amounts have to "
            "be >= 0 and finite."
        )
    if keep not in ("external", "equity"):
        raise ValueError(f"keep={keep!r}: choose 'external' or 'equity'.")
    nodes, n = net._completed(), len(net)
    if keep == "equity":
        more = amount - net.amount
        change = np.bincount(net.creditor, more, n) - np.bincount(net.debtor, more, n)
        wanted = net.book.external_assets - change
        assets = np.maximum(wanted, 0.0)
        nodes = nodes.assign(
            external_assets=assets,
            external_liabilities=net.book.external_liabilities + (assets - wanted),
        )
    return rebuilt(net, net.exposures.assign(amount=amount), nodes)


def ruled(net: ExposureNetwork, rules: Mapping[Any, Any]) -> ExposureNetwork:
    """The same network with other rules; compiled at once, so that a rule that fails fails here."""
    new: ExposureNetwork = copy.copy(net)
    new.__dict__.pop("segments", None)
    new.__dict__["_rules"] = {**net._rules, **matrices.named_rules(net, rules)}
    assert new.segments is not None
    return new


def guaranteed(net: ExposureNetwork, table: Any) -> ExposureNetwork:
    """The same network with these guarantees instead of its own."""
    new: ExposureNetwork = copy.copy(net)
    new.__dict__.pop("segments", None)
    new.__dict__["_guarantees"] = guarantees.checked(table, net.names, net.creditor, net.debtor)
    assert new.segments is not None
    return new


def shared(net: ExposureNetwork, table: Any) -> ExposureNetwork:
    """The same network with these shareholdings instead of its own, and the equity that follows."""
    new: ExposureNetwork = copy.copy(net)
    new.__dict__["_shareholdings"] = shareholdings.checked(table, net.names, net.book.known)
    return rebuilt(new, net.exposures, net._completed())
