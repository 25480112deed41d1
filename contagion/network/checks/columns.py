"""C012: cells that the schema does not permit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...text import listing
from .. import schema
from ..tables.typed import cells, wrong
from .draft import Draft


def typed(draft: Draft) -> None:
    """C012: cells against dtype, sign and words of the schema; text becomes numbers."""
    draft.nodes = _typed(draft, draft.nodes, "nodes")
    draft.columns = _typed(draft, draft.columns, "exposures")


def _typed(draft: Draft, table: pd.DataFrame, name: schema.Table) -> pd.DataFrame:
    new: dict[str, Any] = {}
    have = set(table.columns)
    for column in schema.columns(name).values():
        if column.column not in have or (column.dtype == "string" and not column.words):
            continue
        given = table[column.column]
        values, bad = cells(column, given, draft.how)
        if values is not None:
            new[column.column] = values
        if bad is not None and bad.any():
            _report(draft, table, column, np.flatnonzero(bad))
            if column.dtype in ("int", "float"):
                read = np.asarray(new.get(column.column, given), np.float64)
                new[column.column] = np.where(np.isinf(read), np.nan, read)
    return table.assign(**new) if new else table


def _report(draft: Draft, table: pd.DataFrame, column: schema.Column, rows: np.ndarray) -> None:
    where = (
        f"of {listing(table['node'].iloc[rows])}"
        if column.table == "nodes"
        else f"in {draft.lines(rows)}"
    )
    title, message, fix = wrong(column, table[column.column], rows, where)
    draft.report(
        "C012",
        title,
        message,
        fix,
        rows=rows if column.table == "exposures" else None,
        names=() if column.table == "exposures" else table["node"].iloc[rows],
    )
