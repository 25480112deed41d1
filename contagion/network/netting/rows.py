"""Exposure rows selected by a filter, and their replacement by new rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ArgumentTypeError, expect
from ..contents import Contents
from .filters import Columns

OWN = ("collateral", "netting_set")  # belong to the two parties; empty in new claims


def chosen(network: Contents, claims: Mapping[str, Any] | None) -> np.ndarray:
    """Rows of the claims selected by a filter; all of them without a filter."""
    expect(network=network)
    if claims is not None and not isinstance(claims, Mapping):
        raise ArgumentTypeError(
            f'claims is {{"layer": "x"}} or None, not a {type(claims).__name__}.'
        )
    return Columns(network.exposures).matching(np.arange(len(network.amount)), claims or {})


def replaced(
    network: Contents,
    rows: np.ndarray,
    creditor: np.ndarray,
    debtor: np.ndarray,
    amount: np.ndarray,
    columns: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """The exposures without `rows`, followed by new claims (positions of nodes, amounts).

    A new claim has the cells that all of `rows` share, then those of `columns`; the others are
    empty, and so are the columns of a bilateral agreement.
    """
    table = network.exposures
    gone = np.zeros(len(table), bool)
    gone[rows] = True
    kept: pd.DataFrame = table[~gone].reset_index(drop=True)
    if not len(amount):
        return kept
    sides = {"creditor": network.names.take(creditor), "debtor": network.names.take(debtor)}
    new = table.iloc[np.full(len(amount), rows[0])].reset_index(drop=True)
    new = new.assign(**sides, amount=amount)
    old = table.iloc[rows]
    mixed = [
        name for name in table.columns[3:] if name in OWN or old[name].nunique(dropna=False) > 1
    ]
    new = new.drop(columns=mixed).assign(**(columns or {}))
    joined: pd.DataFrame = pd.concat([kept, new], ignore_index=True)
    return joined


def repeated(table: pd.DataFrame) -> bool:
    """Whether a pair of nodes occurs more than once."""
    return bool(table.duplicated(["creditor", "debtor"]).any())
