"""C012: columns that are missing, written differently, or hold what the schema does not allow."""

from __future__ import annotations

import difflib
from collections.abc import Collection

import numpy as np
import pandas as pd

from ...errors import Finding
from ...text import closest, listing, plural
from .. import schema
from .draft import Draft
from .numbers import numbers, truths


def required(table: pd.DataFrame, name: schema.Table, but: Collection[str] = ()) -> list[Finding]:
    """Findings for required columns that a table lacks, each with the closest one there is."""
    findings = []
    for column in schema.columns(name).values():
        if column.required == "yes" and column.column not in {*table.columns, *but}:
            near = [str(other) for other in table.columns if other not in schema.columns(name)]
            match = closest(column.column, near)
            findings.append(
                Finding(
                    "C012",
                    "error",
                    "missing column",
                    f"the {name} table has no column {column.column!r} ({column.meaning}); it has "
                    f"{listing(table.columns, 9) or 'no columns'}.",
                    f'columns={{"{match or "…"}": "{column.column}"}}.',
                    1,
                )
            )
    return findings


def typed(draft: Draft) -> None:
    """C012: cells against dtype, sign and words of the schema; text becomes numbers."""
    draft.nodes = _typed(draft, draft.nodes, "nodes")
    draft.columns = _typed(draft, draft.columns, "exposures")
    _near_misses(draft)


def _typed(draft: Draft, table: pd.DataFrame, name: schema.Table) -> pd.DataFrame:
    new: dict[str, np.ndarray] = {}
    for column in schema.columns(name).values():
        if column.column not in table or (column.dtype == "string" and not column.words):
            continue
        cells = table[column.column]
        bad: np.ndarray | None = None
        if column.dtype == "string":
            bad = (cells.notna() & ~cells.isin(column.words.split())).to_numpy(bool)
        elif column.dtype == "bool":
            values, bad = truths(cells, bool(column.fill))
            new[column.column] = values
        else:
            read = numbers(cells, draft.choice.get("decimal"))
            bad = np.isinf(read.values) | (read.values < column.least)
            if column.dtype == "int":
                whole = np.where(np.isfinite(read.values), read.values, 0.0)
                bad |= whole != np.round(whole)
            bad = bad if read.unread is None else bad | read.unread
            if not pd.api.types.is_numeric_dtype(cells.dtype):
                new[column.column] = read.values
        if bad is not None and bad.any():
            _report(draft, table, column, np.flatnonzero(bad))
            if column.dtype in ("int", "float"):
                values = new.get(column.column, read.values)
                new[column.column] = np.where(np.isinf(values), np.nan, values)
    return table.assign(**new) if new else table


def _report(draft: Draft, table: pd.DataFrame, column: schema.Column, rows: np.ndarray) -> None:
    cells = table[column.column].iloc[rows]
    values = listing(cells.drop_duplicates())
    near = closest(cells.iloc[0], column.words.split()) if column.words else ""
    hint = f" Did you mean {near!r}?" if near else ""
    where = (
        f"of {listing(table['node'].iloc[rows])}"
        if column.table == "nodes"
        else f"in {draft.lines(rows)}"
    )
    draft.report(
        "C012",
        f"column {column.column}",
        f"{plural(len(rows), 'cell')} {where} "
        f"{'is' if len(rows) == 1 else 'are'} not {column.what}: {values}.{hint} The column "
        f"says: {column.meaning}.",
        "correct the cells, or leave them empty"
        + (f" (then {column.default})." if column.default else " (unknown)."),
        rows=rows if column.table == "exposures" else None,
        names=() if column.table == "exposures" else table["node"].iloc[rows],
    )


def _near_misses(draft: Draft) -> None:
    """W012: a column that nobody reads and that is spelled almost like one of the schema."""
    tables: tuple[tuple[schema.Table, pd.DataFrame], ...] = (
        ("nodes", draft.nodes),
        ("exposures", draft.columns),
    )
    for name, table in tables:
        known = schema.columns(name)
        free = [column for column in known if column not in table]
        for column in table.columns:
            match = difflib.get_close_matches(str(column), free, n=1, cutoff=0.8)
            if column not in known and match:
                draft.report(
                    "W012",
                    "column not read",
                    f"the column {str(column)!r} of the {name} table is not read; "
                    f"{match[0]!r} is ({known[match[0]].meaning}).",
                    f'columns={{"{column}": "{match[0]}"}}.',
                    count=1,
                )
