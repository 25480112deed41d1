"""Close-out netting between two parties, and set-off as the same over all their claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ArgumentError, ArgumentTypeError, NetworkError, expect
from ...text import listing, money, plural
from ..contents import Contents
from . import record
from .filters import Columns

EQUAL = 1e-12  # tolerance, relative to the larger side, below which two sides cancel in full


def set_off(network: Contents, pairs: Iterable[Sequence[Any]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Close-out of all claims between the nodes of each pair; without pairs, of all nodes.

    See :meth:`contagion.ExposureNetwork.set_off`. Returns exposures and step.
    """
    expect(network=network)
    places = [_parties(network, "A set-off", pair) for pair in pairs]
    group = _pair_keys(network)
    if places:
        allowed = [min(place) * len(network) + max(place) for place in places]
        group = np.where(np.isin(group, allowed), group, -1)
    return _netted(network, group, record.SET_OFF, None)


def close_out(
    network: Contents, netting_sets: Mapping[str, Mapping[str, Any]] | str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bilateral close-out netting within each set: max(0, G_ab − G_ba) remains.

    See :meth:`contagion.ExposureNetwork.close_out`. Returns exposures and step.
    """
    expect(network=network)
    if isinstance(netting_sets, str):
        group, names = _labelled(network, netting_sets)
    elif isinstance(netting_sets, Mapping):
        group, names = _declared(network, netting_sets)
    else:
        raise ArgumentTypeError(
            'netting_sets is {"name": {"parties": (a, b)}} or the name of an exposure column, not '
            f"a {type(netting_sets).__name__}."
        )
    return _netted(network, group, record.CLOSE_OUT, names)


def _pair_keys(network: Contents) -> np.ndarray:
    """One number (m,) for the two parties of a claim, the same for both directions."""
    low, high = (
        np.minimum(network.creditor, network.debtor),
        np.maximum(network.creditor, network.debtor),
    )
    keys: np.ndarray = low * np.int64(len(network)) + high
    return keys


def _netted(
    network: Contents, group: np.ndarray, what: str, names: pd.Index | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Net the two directions of every group; claims with group −1 are not netted.

    With G the gross claims (groups, 2) of one side on the other, a claim keeps the share
    max(G − G of the other side, 0) / G.
    """
    inside = np.flatnonzero(group >= 0)
    codes, first, where = np.unique(group[inside], return_index=True, return_inverse=True)
    side = (network.creditor > network.debtor)[inside].astype(np.int8)
    total = np.bincount(2 * where + side, network.amount[inside], 2 * len(codes))
    gross = total.astype(np.float64).reshape(-1, 2)
    gap = gross - gross[:, ::-1]
    net_amount = np.where(gap > EQUAL * gross, gap, 0.0)
    share = np.divide(net_amount, gross, out=np.ones_like(gross), where=gross > 0)
    left = network.amount.copy()
    left[inside] *= share[where, side]
    mutual = (gross > 0).all(axis=1)
    at = inside[first[mutual]]
    ends = np.sort(np.column_stack([network.creditor[at], network.debtor[at]]), axis=1)
    step = record.step(
        network,
        what,
        ends.ravel(),
        ends[:, ::-1].ravel(),
        gross[mutual].ravel(),
        net_amount[mutual].ravel(),
        "" if names is None else np.repeat(names.take(codes[mutual]).map(str).to_numpy(object), 2),
    )
    return record.with_amounts(network, left), step


def _labelled(network: Contents, label: str) -> tuple[np.ndarray, pd.Index]:
    """The netting set (m,) of every claim by an exposure column, and the names of the sets."""
    cells = Columns(network.exposures).cells(label)
    codes, names = pd.factorize(cells.mask(cells.isin([""])))
    order = np.argsort(names.map(str).to_numpy(object), kind="stable")  # not the order of rows
    group = np.append(np.argsort(order), -1)[codes]
    names = pd.Index(names)[order]
    inside, keys = np.flatnonzero(group >= 0), _pair_keys(network)
    _, first = np.unique(group[inside], return_index=True)
    strange = inside[keys[inside] != keys[inside[first]][group[inside]]]
    if len(strange):
        which = group[strange].min()
        rows = group == which
        members = np.union1d(network.creditor[rows], network.debtor[rows])
        raise _too_many(f"Netting set {str(names[which])!r}", network.names.take(members))
    return group, names


def _declared(
    network: Contents, sets: Mapping[str, Mapping[str, Any]]
) -> tuple[np.ndarray, pd.Index]:
    """The netting set (m,) of every claim by declared parties and columns, and the names."""
    keys, names = _pair_keys(network), pd.Index(list(sets), dtype=object)
    order = np.argsort(keys, kind="stable")
    ordered, columns = keys[order], Columns(network.exposures)
    group = np.full(len(keys), -1)
    for number, (name, declared) in enumerate(sets.items()):
        if not isinstance(declared, Mapping) or "parties" not in declared:
            raise ArgumentTypeError(
                f'Netting set {str(name)!r} has no parties: {{"parties": (a, b), …}}.'
            )
        a, b = _parties(network, f"Netting set {str(name)!r}", declared["parties"])
        key = min(a, b) * len(network) + max(a, b)
        rows = order[slice(*np.searchsorted(ordered, [key, key + 1]))]
        rows = columns.matching(rows, {k: v for k, v in declared.items() if k != "parties"})
        both = rows[group[rows] >= 0]
        if len(both):
            stake = money(float(network.amount[both].sum()), network.unit)
            raise NetworkError(
                f"{plural(len(both), 'claim')} between {str(network.names[a])!r} and "
                f"{str(network.names[b])!r} ({stake}) would be in the netting sets "
                f"{str(names[group[both].min()])!r} and {str(name)!r}, and a claim nets once. "
                "Fix: tell the sets apart by a column, e.g. instrument or layer."
            )
        group[rows] = number
    return group, names


def _parties(network: Contents, who: str, parties: Any) -> tuple[int, int]:
    """Positions of two different nodes; raises an error for anything else."""
    if isinstance(parties, str) or not isinstance(parties, Iterable):
        raise ArgumentTypeError(f"{who} needs two parties (a, b), not {parties!r}.")
    parties = list(parties)
    members = list(dict.fromkeys(parties))
    places = [network.position(member) for member in members]
    if len(places) > 2:
        raise _too_many(who, members)
    if len(places) < 2:
        raise ArgumentError(f"{who} needs two different parties, not {listing(parties)}.")
    return places[0], places[1]


def _too_many(who: str, members: Sequence[Any] | pd.Index) -> NetworkError:
    return NetworkError(
        f"{who} has {len(members)} parties: {listing(members, 6)}. Close-out netting is between "
        "two legal entities, also within a group; netting among more is what a clearing house "
        "does. Fix: one set for every two of them."
    )
