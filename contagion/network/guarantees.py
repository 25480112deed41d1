"""Guarantees: debts that are due only if another debtor cannot pay. Checks of the table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import NetworkError
from ..text import did_you_mean, plural

RANKINGS = ("senior", "pari_passu", "junior")


def checked(
    table: pd.DataFrame | None, names: pd.Index, creditor: np.ndarray, debtor: np.ndarray
) -> pd.DataFrame | None:
    """The table guarantor, debtor, creditor, amount, layer, ranking and any others, or None.

    Parameters
    ----------
    table : as it was read, or None.
    names : (n,) the nodes; creditor, debtor : (m,) the claims, as positions in `names`.

    Raises
    ------
    NetworkError
        For an unknown node, a node that guarantees its own debts or claims, and a creditor without
        a claim on the debtor.
    """
    if table is None:
        return None
    for column, blank in (("creditor", None), ("layer", None), ("ranking", "pari_passu")):
        if column not in table:
            table[column] = blank
        cells = table[column].astype(object)
        table[column] = cells.where(cells.notna() & (cells != ""), blank)
    at = {}
    for column in ("guarantor", "debtor", "creditor"):
        cells = table[column]
        at[column] = names.get_indexer_for(pd.Index(cells))
        lost = (at[column] < 0) & cells.notna().to_numpy(bool)
        if lost.any():
            name = cells[lost].iloc[0]
            raise NetworkError(
                f"The guarantees name a {column} that is not a node. "
                f"{did_you_mean(name, list(names), 'node')}"
            )
    _refuse(at["guarantor"] == at["debtor"], "a node guarantees its own debts", "Leave it out.")
    _refuse(at["guarantor"] == at["creditor"], "a node covers its own claims", "Leave it out.")
    covers = at["creditor"] >= 0
    pair = at["debtor"] * np.int64(len(names)) + at["creditor"]
    claims = debtor * np.int64(len(names)) + creditor
    _refuse(
        covers & ~np.isin(pair, claims),
        "the creditor has no claim on the debtor",
        "Name the claim's creditor, or leave the cell empty for support paid into the debtor.",
    )
    _refuse(
        covers & table["layer"].notna().to_numpy(bool),
        "a layer is given for the cover of a creditor",
        "A layer is where support is called in the waterfall of the debtor; leave one cell empty.",
    )
    return table


def _refuse(bad: np.ndarray, what: str, fix: str) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        where = ", ".join(str(row + 1) for row in rows[:3]) + (", …" if len(rows) > 3 else "")
        raise NetworkError(f"In {plural(len(rows), 'guarantee')} (row {where}) {what}. {fix}")
