"""Tables as in the source: cells below a header, without empty rows, empty columns and notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from ...errors import ArgumentError, Finding, NetworkError
from ...text import plural
from .. import schema
from . import headers
from .reading import Reading


@dataclass
class Source:
    """A table as in the source.

    Attributes
    ----------
    frame : all cells as text (text files), or with their types (workbooks, Parquet, frames).
    origin : name of the file, empty for tables in memory.
    notes : choices that are not standard: encoding, separator, header line, sheet ...
    headerless : the columns have no names; they are called "1", "2", ...
    texts : ids that are numbers become text (workbooks, JSON), as they are in text files.
    document : JSON that is not a table; a format may convert it to one.
    findings : rows used, rows dropped and assumptions of a format.
    unit : unit stated by the file or its publisher, such as "EUR m".
    """

    frame: pd.DataFrame
    origin: str = ""
    notes: list[str] = field(default_factory=list)
    headerless: bool = False
    texts: bool = False
    document: Any = None
    findings: list[Finding] = field(default_factory=list)
    unit: str = ""

    @cached_property
    def headings(self) -> list[Any]:
        """The names of the columns."""
        return list(self.frame.columns)

    @cached_property
    def keys(self) -> dict[str, Any]:
        """Headings by their key; the first of two with the same key."""
        return {schema.key(c): c for c in reversed(self.headings)}

    def row(self, k: int) -> list[Any]:
        """The cells of one row; the first two rows identify the format of a file."""
        return [self.frame.iat[k, c] for c in range(len(self.headings))]


def wanted(how: Reading) -> list[str]:
    """Headings named by the caller."""
    given = [str(k) for k, v in how.columns.items() if not isinstance(v, Mapping)]
    return given + [str(k) for v in how.columns.values() if isinstance(v, Mapping) for k in v]


def cleaned(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """The table without empty rows and without empty columns that have no name."""
    names = list(frame.columns)
    gone = [k for k, name in enumerate(names) if not name and frame.iloc[:, k].isna().all()]
    if gone and len(frame):
        frame = frame.iloc[:, [k for k in range(len(names)) if k not in gone]]
        if gone[-1] == len(names) - 1 and len(gone) == 1:
            notes.append("an empty column at the end was dropped")
    last = len(frame)
    while last and len(names) > 1 and headers.is_foot(frame.iloc[last - 1].fillna("").tolist()):
        last -= 1
    if last < len(frame):
        notes.append(f"{plural(len(frame) - last, 'note')} below the table left out")
        frame = frame.iloc[:last]
    if len(frame.columns) and frame.iloc[:, 0].isna().any():
        blank = frame.isna().all(axis=1)
        frame = frame[~blank] if blank.any() else frame
    return frame


def grid(rows: list[tuple[int, list[Any]]], name: str, how: Reading, notes: list[str]) -> Source:
    """A table of typed cells (a sheet): header found, rows cut to its width, labels line less 2."""
    how.use("header")
    some = [(line, row) for line, row in rows if headers.filled(row)]
    if not some:
        raise NetworkError(f"{name} is empty: a header line is needed.")
    if how.header is not None:
        word = str(how.header).strip().casefold()
        place = {str(line): k for k, (line, _) in enumerate(some)}
        if word != "none" and word not in place:
            raise ArgumentError(f"header={how.header!r}: give the number of a row with the names.")
        at = -1 if word == "none" else place[word]
    else:
        given = wanted(how)
        at = headers.find([row for _, row in some], given).at
    body = some[at + 1 :]
    width = max((headers.filled(row) for _, row in body), default=0)
    if at < 0:
        names = [str(k + 1) for k in range(width)]
        notes.append("there is no header: the first row holds data")
    else:
        head = some[at][1]
        names = [_name(cell) for cell in head[: max(width, headers.filled(head))]]
        if at:
            notes.append(f"header in row {some[at][0]}")
    width = len(names)
    cells = [[*row[:width], *[None] * (width - len(row))] for _, row in body]
    frame = pd.DataFrame(cells, index=[line - 2 for line, _ in body], dtype=object)
    frame = frame.reindex(columns=range(width))
    frame = frame.where(frame.map(lambda cell: cell not in (None, "")), None)
    frame.columns = pd.Index(names, dtype=object)
    return Source(cleaned(frame, notes), name, notes, at < 0, True)


def _name(cell: Any) -> str:
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
