"""Large exposures: claims of a bank on one counterparty or group, relative to its capital."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ArgumentError, NetworkError, expect
from ...network.exposure_network import ExposureNetwork
from ...records import Table, because
from ...text import known_name, listing

LIMIT, BETWEEN_GSIBS, REPORTED = 0.25, 0.15, 0.10  # of Tier 1 capital
ROUNDING = 1e-12  # of the capital: an exposure at the limit is not above it

NO_CAPITAL = "the creditor has no positive capital"
COLUMNS = {
    "creditor": "node that holds the claims",
    "counterparty": "group or node that owes them",
    "exposure": "claims of the creditor on the counterparty, money",
    "capital": "Tier 1 capital of the creditor, money",
    "percent": "exposure, % of capital",
    "limit": "largest exposure that is allowed, % of capital",
    "flag": "breach, large, own group, unknown capital or nothing",
    "excess": "exposure above the limit, money",
}


def large_exposures(
    network: ExposureNetwork,
    *,
    capital: Mapping[Any, float] | pd.Series | None = None,
    gsibs: Iterable[Any] = (),
    groups: Mapping[Any, Any] | None = None,
    limit: float = LIMIT,
    gsib_limit: float = BETWEEN_GSIBS,
    reported: float = REPORTED,
) -> Table:
    """Every exposure of a creditor to a debtor or a group of connected debtors, and its limit.

        percent = 100 · Σ_{j in group} A_ij / K_i,   breach where above 25 (between G-SIBs 15)
        excess  = max(0, Σ_j A_ij − limit · K_i)

    Amounts are face values as in the network, before collateral and netting that it does not
    contain (see `net.set_off`, `net.settle_collateral`). Exemptions (sovereigns, central banks,
    qualifying clearing houses) are not applied: leave those claims out.

    Parameters
    ----------
    network : claims; those of one creditor on one group are summed.
    capital : Tier 1 capital by node, money; by default the equity of the balance sheet is used.
        Creditors left out of a mapping have no known capital.
    gsibs : nodes that are G-SIBs. The lower limit applies to a G-SIB and a group with a G-SIB.
    groups : {node: group} of connected counterparties (control or economic interdependence); a node
        not named is its own group. Claims on the creditor's own group are shown but not limited.
    limit, gsib_limit, reported : as fractions of capital.

    Returns
    -------
    Table : one row for each creditor and counterparty, first those without positive capital, then
    by percent: creditor, counterparty (group or node), exposure (money), capital (money), percent
    (of capital), limit (%), flag ("breach", "large" from 10 %, "own group", "unknown capital" or
    ""), excess (money). percent is nan without positive capital, with the reason. With capital of 0
    or less the limit is 0, and every exposure is in excess.

    Raises
    ------
    NetworkError : for a name in `capital`, `gsibs` or `groups` that the network does not have, with
        the closest one.
    ArgumentError : for limits that are not between 0 and 1.

    Example
    -------
    a (Tier 1 capital 100) has claims of 20 on b and 10 on c, one group: 30 %, 5 above the limit.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 20, 10], [0, 0, 0], [0, 0, 0]], list("abc"),
    ...     orientation="creditor->debtor", equity=[50, 5, 5])
    >>> found = large_exposures(net, capital={"a": 100}, groups={"b": "bc", "c": "bc"})
    >>> found[["counterparty", "percent", "limit", "flag", "excess"]].values.tolist()
    [['bc', 30.0, 25.0, 'breach', 5.0]]

    Source: Basel Framework LEX20.1 and 20.4 (limits, reporting), LEX10.8 and 10.10 (large,
    connected), LEX40.1 (between G-SIBs); LEX20 and LEX40 read, LEX10 in excerpts. LEX limits the
    consolidated bank: model each banking group as one node, or give `groups`.
    """
    expect(network=network)
    for name, value in (("limit", limit), ("gsib_limit", gsib_limit), ("reported", reported)):
        if not 0 <= value <= 1:
            raise ArgumentError(f"{name}={value}: a part of capital, between 0 and 1.")
    own = _labels(network, groups)
    codes, labels = pd.factorize(own)
    major = np.zeros(len(network), bool)
    major[rows_of(network, gsibs, "G-SIB")] = True
    systemic = np.bincount(codes, major, len(labels)) > 0
    owned = _capital(network, capital)
    key = network.creditor.astype(np.int64) * len(labels) + codes[network.debtor]
    pairs, at = np.unique(key, return_inverse=True)
    exposure = np.bincount(at, network.amount, len(pairs))
    creditor, group = pairs // max(len(labels), 1), pairs % max(len(labels), 1)
    base = owned[creditor]
    part = np.where(major[creditor] & systemic[group], gsib_limit, limit)
    allowed = part * np.maximum(base, 0.0)
    ours, unknown = codes[creditor] == group, np.isnan(base)
    percent = np.divide(
        100 * exposure, base, out=np.full(len(pairs), np.nan), where=np.nan_to_num(base) > 0
    )
    room = ROUNDING * np.abs(np.nan_to_num(base))
    over = exposure > allowed + room
    large = exposure >= reported * np.maximum(base, 0.0) - room
    flag = np.select(
        [ours, unknown, over, large], ["own group", "unknown capital", "breach", "large"], ""
    )
    excess = np.where(over & ~ours, exposure - allowed, 0.0)
    columns = {
        "creditor": network.names[creditor],
        "counterparty": labels[group],
        "exposure": exposure,
        "capital": base,
        "percent": percent,
        "limit": 100 * part,
        "flag": flag,
        "excess": np.where(unknown & ~ours, np.nan, excess),
    }
    frame = pd.DataFrame(columns).sort_values(
        ["percent", "exposure"], ascending=False, kind="stable", na_position="first"
    )
    frame = frame.reset_index(drop=True)
    why = {"the capital of the creditor is not known": frame["capital"].isna(), NO_CAPITAL: True}
    return Table(frame, COLUMNS, because(frame, why))


def rows_of(network: ExposureNetwork, names: Iterable[Any], what: str) -> np.ndarray:
    """Rows of names; `UnknownNameError` for the first unknown name."""
    wanted = list(names)
    rows = network.names.get_indexer(pd.Index(wanted, dtype=network.names.dtype))
    if (rows < 0).any():
        bad = wanted[int(np.flatnonzero(rows < 0)[0])]
        known_name(bad, network.names, what)
    return np.asarray(rows)


def _labels(network: ExposureNetwork, groups: Mapping[Any, Any] | None) -> np.ndarray:
    """(n,) the group of every node, by default itself."""
    labels = network.names.to_numpy(object).copy()
    if groups:
        rows = rows_of(network, groups, "node in groups")
        labels[rows] = list(groups.values())
        alone = np.ones(len(labels), bool)
        alone[rows] = False
        clash = alone & np.isin(labels, list(groups.values()))
        if clash.any():
            raise NetworkError(
                f"{listing(network.names[clash])} is a node and the name of a group that it does "
                "not belong to. Rename the group, or put the node in it."
            )
    return labels


def _capital(
    network: ExposureNetwork, capital: Mapping[Any, float] | pd.Series | None
) -> np.ndarray:
    """(n,) Tier 1 capital, nan if not known."""
    if capital is None:
        return network.book.equity
    given = pd.Series(capital, dtype=float)
    found = np.full(len(network), np.nan)
    found[rows_of(network, given.index, "node in capital")] = given.to_numpy()
    return found
