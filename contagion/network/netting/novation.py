"""Novation: a clearing house becomes creditor of every debtor and debtor of every creditor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ArgumentError, ArgumentTypeError, expect
from ..contents import Contents
from . import record
from .rows import chosen, replaced
from .sets import EQUAL


def novate(
    network: Contents,
    clearing_house: Any,
    members: Iterable[Any] | None = None,
    claims: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Replace claims between members by one net claim of each member on the house, or a debt.

    See :meth:`contagion.ExposureNetwork.novate`. Returns exposures and step.
    """
    expect(network=network)
    house = network.position(clearing_house)
    taking_part = _members(network, house, members)
    rows = chosen(network, claims)
    among = taking_part[network.creditor[rows]] & taking_part[network.debtor[rows]]
    rows = rows[among & (network.amount[rows] > 0)]
    creditor, debtor, amount = network.creditor[rows], network.debtor[rows], network.amount[rows]
    n = len(network)
    claimed, owed = np.bincount(creditor, amount, n), np.bincount(debtor, amount, n)
    position = np.where(
        np.abs(claimed - owed) > EQUAL * np.maximum(claimed, owed), claimed - owed, 0.0
    )
    up, down = np.flatnonzero(position > 0), np.flatnonzero(position < 0)
    to = np.concatenate([up, np.full(len(down), house)])
    by = np.concatenate([np.full(len(up), house), down])
    left = np.concatenate([position[up], -position[down]])
    if not len(rows):
        return network.exposures, record.step(network, record.NOVATED, to, by, left, left, "")
    pairs, where = np.unique(creditor * np.int64(n) + debtor, return_inverse=True)
    gross = np.bincount(where, amount)
    note = str(network.names[house])
    zeros = np.zeros
    steps = (
        record.step(network, record.NOVATED, pairs // n, pairs % n, gross, zeros(len(pairs)), note),
        record.step(network, record.CLEARED, to, by, zeros(len(left)), left, note),
    )
    table = replaced(network, rows, to, by, left, columns)
    return table, pd.concat(steps, ignore_index=True)


def _members(network: Contents, house: int, members: Iterable[Any] | None) -> np.ndarray:
    """True (n,) for the members; by default every node but the house."""
    if members is None:
        taking_part = np.ones(len(network), bool)
        taking_part[house] = False
        return taking_part
    if isinstance(members, str) or not isinstance(members, Iterable):
        raise ArgumentTypeError(f"members is a list of nodes or None, not {members!r}.")
    places = [network.position(member) for member in members]
    if house in places:
        raise ArgumentError(
            f"{str(network.names[house])!r} is the clearing house and no member of itself. "
            "Fix: leave it out of members."
        )
    taking_part = np.zeros(len(network), bool)
    taking_part[places] = True
    return taking_part
