"""What changes a network returns a new one: set-off, other balance sheets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from . import schema
from .convert import Tables
from .errors import NetworkError
from .text import closest, plural

if TYPE_CHECKING:
    from .network import ExposureNetwork

STATED = ("equity", "total_assets", "total_liabilities", "can_fail")


def set_off(net: ExposureNetwork, pairs: Iterable[tuple[Any, Any]]) -> pd.DataFrame:
    """The exposures after mutual claims of two nodes cancel up to the smaller side.

    With G_ij the claims of i on j, every claim of i on j keeps the share
    max(G_ij − G_ji, 0) / G_ij. Without pairs every mutual pair nets.
    """
    n = len(net)
    forward = net.debtor * np.int64(n) + net.creditor
    back = net.creditor * np.int64(n) + net.debtor
    keys, where = np.unique(forward, return_inverse=True)
    total = np.bincount(where, net.amount, len(keys))
    at = np.minimum(np.searchsorted(keys, back), max(len(keys) - 1, 0))
    mutual = np.where(keys[at] == back, total[at], 0.0)
    places = [(net.position(a), net.position(b)) for a, b in pairs]
    if places:
        allowed = [x * n + y for a, b in places for x, y in ((a, b), (b, a))]
        mutual = np.where(np.isin(forward, allowed), mutual, 0.0)
    gross = total[where]
    left = net.amount * np.maximum(gross - mutual, 0.0) / np.where(gross > 0, gross, 1.0)
    kept = (left > 0) | (net.amount == 0)
    table: pd.DataFrame = net.exposures.assign(amount=left)[kept].reset_index(drop=True)
    return table


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


def rebuilt(net: ExposureNetwork, exposures: pd.DataFrame, nodes: pd.DataFrame) -> ExposureNetwork:
    """A network of the same settings; what was found and mended once is not asked again."""
    options: dict[str, Any] = {"loops": "solve", "collateral": "ignore", **net._choices}
    settings = {
        "unit": net.unit,
        "name": net.name,
        "external_creditors": net.external_creditors,
        "holdings": net.holdings,
        "assumptions": net.book.assumptions,
        "trusted": True,
    }
    new = net._from(Tables(nodes, exposures), {**settings, **net._accepted, **options})
    mended = [finding for finding in net.findings if finding.severity == "repaired"]
    found = [finding for finding in new.findings if finding.severity != "repaired"]
    new.__dict__["findings"] = (*mended, *found)
    new.__dict__["_accepted"] = net._accepted
    return new
