"""Input of every table: it is loaded, its columns named, its cells converted and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from os import PathLike
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd

from ...errors import Finding, NetworkError, located
from ...media import shown
from ...records import findings_shown
from ...text import listing, plural
from .. import schema
from . import columns, currencies, shapes, snapshots, stored, typed
from .frames import to_pandas
from .grids import Source
from .identifiers import IDS, numbered, tidy
from .reading import Reading, reading, refuse_unknown

SHARED = ("exposures", "nodes")  # their cells are checked with the network
BESIDE: tuple[schema.Table, ...] = ("holdings", "guarantees", "shareholdings")
OF_NETWORKS = (*SHARED, *BESIDE, "scenarios")  # tables with the periods of the network
LINED = (".csv", ".tsv", ".txt", ".tab", ".dat", ".gz")


@dataclass
class Read:
    """A table with the columns of the schema, and the findings from reading it.

    Attributes
    ----------
    table : columns with the names of the schema, numbers as float64, ids as in the source.
    findings : warnings, repairs and notes; also errors, if a network collects them.
    origin : name of the file, empty for tables in memory.
    headerless : true if the source has no names of columns.
    """

    table: pd.DataFrame
    name: schema.Table
    findings: list[Finding] = field(default_factory=list)
    origin: str = ""
    headerless: bool = False
    headings: list[object] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)

    def check(self) -> pd.DataFrame:
        """The findings as a table, as `check` of a network."""
        return findings_shown(self.findings)

    @shown
    def __repr__(self) -> str:
        codes = ", ".join(dict.fromkeys(f.code for f in self.findings))
        more = f"; {len(self.findings)} findings ({codes}): see .check()" if codes else ""
        return f"Table of {self.name}: {plural(len(self.table), 'row')}{more}\n{self.table!r}"


def read_table(given: Any, name: schema.Table, *, unit: str = "", **options: Any) -> Read:
    """A table of the schema, from a file or from memory; see `contagion columns TABLE`.

    Parameters
    ----------
    given : path of a CSV, Parquet, Excel or JSON file; a DataFrame; anything narwhals reads.
    name : the kind of table: "positions", "loans", "claims", "prices", "margins" ...
    unit : unit of its amounts.
    **options : options of reading, see :class:`~contagion.network.tables.Reading`.

    Raises
    ------
    NetworkError : with every finding that is an error.
    ArgumentError : for an option that was not used.

    Example
    -------
    >>> rows = {"exchange": ["v"], "user": ["h"], "coin": ["ETH"], "side": ["short"], "qty": [2]}
    >>> read_table(rows, "positions").table["size"].tolist()
    [-2.0]
    """
    refuse_unknown(options)
    how = reading(options, unit)
    found = read(given, name, how)
    if name in OF_NETWORKS and how.period is not None:
        _one_period(found, how)
    if any(finding.severity == "error" for finding in found.findings):
        how.finish(found.headings, ("columns",))
    raise_errors(found.findings)
    how.finish(found.headings)
    return found


def raise_errors(findings: Iterable[Finding]) -> None:
    """`NetworkError` with the errors among findings, if there are any."""
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise NetworkError(errors)


def find(given: Any, name: schema.Table, how: Reading) -> Source:
    """The table as in the source, a path or memory; other formats get the columns of the schema."""
    if isinstance(given, Source):
        return given
    if isinstance(given, str | PathLike):
        source = shapes.taken(stored.load(given, name, how), name, how)
        if not len(source.frame.columns):
            raise NetworkError(f"{source.origin} holds no table: it has no columns.")
        return source
    return shapes.taken(Source(to_pandas(given)), name, how)


def read(
    given: Any,
    name: schema.Table,
    how: Reading,
    shape: Callable[[columns.Mapped, Source], None] | None = None,
) -> Read:
    """A table with the column names of the schema and converted cells; findings are collected.

    `shape` may name more columns before their cells are converted.

    Raises
    ------
    NetworkError : if the file is not a table, or for two candidates for one column.
    """
    if isinstance(given, Read):
        return given
    source = find(given, name, how)
    with located(source.origin) if source.origin else nullcontext():
        done = columns.mapped(source.frame, name, how)
    done.findings += source.findings
    if source.unit:
        done.units |= {str(c): source.unit for c in done.frame if _money(name, c)}
    if name == "nodes" or name == "margins":
        done.frame = _with_ids(done.frame)
    if shape is not None:
        shape(done, source)
    dtypes = dict(zip(done.frame.columns, done.frame.dtypes, strict=True))
    with located(source.origin) if source.origin else nullcontext():
        ids = _ids(done, name, source.texts, dtypes)
    findings = told(source, name) + ids
    typed.converted(done, name, how, dtypes)
    findings += columns.reported(done, name, source.origin) + done.findings
    found = Read(
        done.frame, name, findings, source.origin, source.headerless,
        source.headings, done.units,
    )  # fmt: skip
    if name not in SHARED and name != "scenarios":
        found.findings += columns.required(found.table, name, origin=source.origin)
        checked(found, how)
    if name not in OF_NETWORKS:
        _one_period(found, how)
        if source.origin and not len(found.table) and not source.frame.columns.empty:
            found.findings.append(no_rows(source.origin))
    return found


def no_rows(origin: str) -> Finding:
    """C012: a file with names of columns but no rows."""
    text = f"{origin} has no rows below its header."
    return Finding("C012", "error", "no rows", text, "fill it in, or leave the file out.", 1)


def _one_period(found: Read, how: Reading) -> None:
    """Keep one snapshot; several without a choice are an error, because they never add up."""
    found.table, said = snapshots.one(found.table, found.name, how.period)
    found.findings += said
    if said:
        how.use("period")


def _money(name: schema.Table, column: object) -> bool:
    own = schema.columns(name)
    return column in own and own[str(column)].unit == "money"


def _with_ids(table: pd.DataFrame) -> pd.DataFrame:
    """Ids in an index without a name become the column `node`."""
    if "node" in table or isinstance(table.index, pd.RangeIndex):
        return table
    if pd.api.types.is_integer_dtype(table.index.dtype):
        return table
    return table.rename_axis("node").reset_index()


def told(source: Source, name: schema.Table) -> list[Finding]:
    """N001: notes on how the file was read, if something was not standard."""
    if not source.notes:
        return []
    said = "; ".join(source.notes)
    return [Finding("N001", "note", "file", f"{source.origin or name}: {said}.", "", 1)]


def _ids(
    done: columns.Mapped, name: schema.Table, texts: bool, dtypes: Mapping[Any, Any]
) -> list[Finding]:
    """Write addresses in lower case, reported as repaired."""
    table, changed, example = done.frame, 0, ""
    new: dict[str, Any] = {}
    own = schema.columns(name)
    for column, dtype in dtypes.items():
        plain = numbered(dtype) and not texts
        if not plain and column in IDS and column in own and own[column].dtype == "string":
            given = table[column]
            cells, n, one = tidy(given, column, texts)
            if cells is not given:
                new[column] = cells
            changed, example = changed + n, example or one
    if new:
        done.frame = table.assign(**new)
    if not changed:
        return []
    return [
        Finding(
            "C004", "repaired", "addresses",
            f"{plural(changed, 'address', 'addresses')} of the {name} written in lower case "
            f"({example}): 0x and 40 hex digits are one id in any case.", "", changed,
        )
    ]  # fmt: skip


def place(found: Read, rows: np.ndarray) -> str:
    """File and lines of some rows: "loans.csv lines 3, 17 and 4 more"."""
    lined = PurePath(found.origin).suffix.lower() in (*LINED, *stored.EXCEL)
    word = "line" if PurePath(found.origin).suffix.lower() in LINED else "row"
    labels = found.table.index[rows[:3]]
    if pd.api.types.is_integer_dtype(labels.dtype):
        labels = labels + (2 if lined else 1)
    more = f" and {len(rows) - 3:,} more" if len(rows) > 3 else ""
    said = ", ".join(map(str, labels))
    return f"{found.origin} {word}{'s' if len(rows) > 1 else ''} {said}{more}".strip()


def checked(found: Read, how: Reading) -> None:
    """Check cells against the schema; convert long and short, contracts and currencies."""
    new: dict[str, Any] = {}
    table = found.table
    for column in schema.columns(found.name).values():
        if column.column not in table:
            continue
        given = table[column.column]
        values, bad = typed.cells(column, given, how)
        if values is not None:
            new[column.column] = values
        if bad is not None and bad.any():
            rows = np.flatnonzero(bad)
            title, message, fix = typed.wrong(column, given, rows, f"in {place(found, rows)}")
            found.findings.append(Finding("C012", "error", title, message, fix, len(rows)))
        elif column.required == "yes":
            cells = given if values is None else pd.Series(values)
            empty = (cells.isna() | (cells.astype(object) == "")).to_numpy(bool)
            rows = np.flatnonzero(empty)
            if len(rows):
                found.findings.append(
                    Finding(
                        "C012", "error", f"column {column.column}",
                        f"{column.column} is empty in {place(found, rows)} ({column.meaning}).",
                        "fill it in, or leave the rows out.", len(rows),
                    )
                )  # fmt: skip
    found.table = table.assign(**new) if new else table
    if found.name == "positions":
        _sides(found)
    _exchanged(found, how)


def _sides(found: Read) -> None:
    """Convert sizes to signed sizes, negative for short positions, and contracts to units."""
    table = found.table
    if "contract_size" in table and "size" in table and not _failed(found):
        many = table["contract_size"].fillna(1.0).to_numpy(float)
        found.table = table = table.assign(
            size=table["size"].to_numpy(float) * many, contract_size=1.0
        )
    if "side" not in table or "size" not in table or _failed(found):
        return
    size = table["size"].to_numpy(float)
    side = table["side"].to_numpy(object)
    short, long = (np.isin(side, words) for words in (("short", "sell"), ("long", "buy")))
    against = np.flatnonzero(long & (size < 0))
    if len(against):
        found.findings.append(
            Finding(
                "C012", "error", "column side",
                f"side is long and size is below 0 in {place(found, against)}.",
                "give sizes without a sign, or leave the column side out.", len(against),
            )
        )  # fmt: skip
        return
    turned = short & (size > 0)
    found.table = table.assign(size=np.where(turned, -size, size))
    if turned.any():
        found.findings.append(
            Finding(
                "C012", "repaired", "column side",
                f"{plural(int(turned.sum()), 'size')} of short positions taken below 0.", "",
                int(turned.sum()),
            )
        )  # fmt: skip


def _failed(found: Read) -> bool:
    return any(finding.severity == "error" for finding in found.findings)


def _exchanged(found: Read, how: Reading) -> None:
    """Convert the amounts of a table with a column of currencies to the unit."""
    table = found.table
    named = [c for c in table.columns if schema.key(c) in ("currency", "ccy")]
    own = [c for c, s in schema.columns(found.name).items() if s.unit == "money" and c in table]
    if not named or not own or not table[named[0]].notna().any() or _failed(found):
        return
    rate, seen, missing = currencies.rates(table[named[0]], how.unit, how.fx)
    how.use(*(f"fx:{code}" for code in seen))
    if missing:
        found.findings.append(
            Finding(
                "C007", "error", "mixed units",
                f"the {found.name} are in {listing(seen, 6)}; a network has one unit.",
                currencies.fix(missing, how.unit), len(table),
            )
        )  # fmt: skip
    elif rate is not None and (rate != 1).any():
        found.table = table.assign(**{c: table[c] * rate for c in own}).drop(columns=named)
        found.findings.append(
            Finding(
                "C007", "repaired", "mixed units",
                f"{plural(int((rate != 1).sum()), 'row')} of the {found.name} converted with fx=.",
                "", int((rate != 1).sum()),
            )
        )  # fmt: skip
