"""CSV, Parquet, Excel, graph files and folders to tables."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import MissingFileError, MissingPackageError, NetworkError, reading
from ...text import closest, listing
from .. import schema
from .edges import CLEAR_NAMES, DIRECTED, NODE_NAMES, layered, roles, tables, to_pandas
from .graph import from_networkx
from .matrix import from_matrix, is_matrix
from .tables import Tables

EXCEL = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
TEXT = (".csv", ".tsv", ".txt", ".gz")
GRAPHS = (".graphml", ".gexf")
OPTIONS = ("nodes", "orientation", "columns", "layer", "totals", "sheet", "amount", "encoding")
NA_WORDS = ["", "#N/A", "N/A", "n/a", "NA", "NaN", "nan", "NULL", "null", "None", "<NA>"]


def read_tables(path: str | PathLike[str], options: dict[str, Any]) -> Tables:
    """Tables and settings of a file or folder; options of the caller win over those of a card."""
    place = _existing(path)
    options = dict(options)
    nodes, orientation, columns, layer, totals, sheet, amount, encoding = (
        options.pop(name, None) for name in OPTIONS
    )
    settings: dict[str, Any] = {}
    if place.suffix.lower() in GRAPHS:
        import networkx as nx

        read = nx.read_graphml if place.suffix.lower() == ".graphml" else nx.read_gexf
        with reading(place.name, NetworkError):
            graph = read(place)
        found = from_networkx(graph, orientation, amount, columns)
        if nodes is not None:
            found.nodes = tables(_table(nodes), found.exposures).nodes
    else:
        own: pd.DataFrame | None = None
        origin = place.name
        if place.is_dir():
            own, claims, settings, origin = _read_folder(place, columns, encoding)
        elif place.suffix.lower() in EXCEL:
            with reading(place.name, NetworkError):
                own, claims = _read_workbook(place, sheet)
        else:
            claims = read_table(place, columns=columns, encoding=encoding)
        if amount is not None:
            columns = {**(columns or {}), amount: "amount"}
        orientation = orientation or settings.pop("orientation", None)
        columns = columns or settings.pop("columns", None)
        layer = layer if layer is not None else settings.pop("layer", None)
        given = _table(nodes, encoding) if nodes is not None else own
        if columns is None and is_matrix(claims):
            decimal = options.get("decimal", settings.get("decimal"))
            found = from_matrix(claims, None, orientation, totals or "error", decimal)
            if given is not None:
                found.nodes = tables(given, found.exposures).nodes
        else:
            unit = str(options.get("unit", settings.get("unit", "")))
            found = tables(given, claims, orientation, columns, origin, unit)
    settings.pop("layer", None)
    found.settings = {**found.settings, **settings, **options}
    return layered(found, layer)


def _existing(path: str | PathLike[str]) -> Path:
    place = Path(path)
    if not place.exists():
        beside = [p.name for p in place.parent.iterdir()] if place.parent.is_dir() else []
        match = closest(place.name, beside)
        raise MissingFileError(
            f"There is no {str(place)!r}." + (f" Did you mean {match!r}?" if match else "")
        )
    return place


def _table(given: Any, encoding: str | None = None) -> pd.DataFrame:
    if isinstance(given, str | PathLike):
        return read_table(_existing(given), "nodes", encoding=encoding)
    return to_pandas(given)


def read_table(
    path: Path,
    prefer: str = "exposures",
    *,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
) -> pd.DataFrame:
    """One table from CSV, Parquet or Excel; ids stay text, so that '007' is not 7 and 'NA' is.

    The index counts the lines after the header, blank ones too, so that messages can name them.
    """
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        with reading(path.name, NetworkError):
            return pd.read_parquet(path)
    if suffix in EXCEL:
        with reading(path.name, NetworkError):
            nodes, claims = _read_workbook(path, None)
        return nodes if prefer == "nodes" and nodes is not None else claims
    if suffix not in TEXT:
        raise NetworkError(
            f"{path.name}: formats read are .csv, .parquet, .xlsx, .graphml, .gexf and folders."
        )
    try:
        return _read_text(path, columns or {}, encoding or "utf-8-sig")
    except UnicodeDecodeError as error:
        raise NetworkError(
            f"{path.name} is not UTF-8 (byte {error.start}). Say which encoding it has, e.g. "
            'encoding="cp1252" (Excel in Western Europe) or encoding="utf-16".'
        ) from None
    except pd.errors.EmptyDataError:
        raise NetworkError(f"{path.name} is empty: a header line is needed.") from None
    except pd.errors.ParserError as error:
        said = str(error).split("C error: ")[-1].strip()
        raise NetworkError(f"{path.name} is not a table: {said}.") from None


def _read_text(path: Path, columns: Mapping[str, str], encoding: str) -> pd.DataFrame:
    import gzip

    raw = gzip.open if path.suffix.lower() == ".gz" else open
    with raw(path, "rt", encoding=encoding) as file:
        head = file.readline()
    mark = max(",;\t|", key=head.count)
    options: dict[str, Any] = {"sep": mark, "encoding": encoding}
    options |= {"keep_default_na": False, "skipinitialspace": True}
    header = pd.read_csv(path, nrows=0, **options)
    ids = _ids(header, columns)
    table = pd.read_csv(
        path,
        dtype=dict.fromkeys(ids, "str"),
        na_values={name: [""] if name in ids else NA_WORDS for name in header.columns},
        skip_blank_lines=False,
        **options,
    )
    empty = [
        name for name in table if str(name).startswith("Unnamed:") and table[name].isna().all()
    ]
    table = table.drop(columns=empty)
    if isinstance(table.index, pd.MultiIndex):
        raise NetworkError(f"{path.name} is not a table: rows have more cells than the header.")
    table.index = _lines(table, ids)
    blank = table.isna().all(axis=1)
    rows: pd.DataFrame = table[~blank] if blank.any() else table
    return rows


def _lines(table: pd.DataFrame, ids: list[Any]) -> pd.Index:
    """Lines after the header; a quoted cell with line breaks takes several."""
    text = [c for c in table if c not in ids and isinstance(table[c].dtype, pd.StringDtype)]
    breaks = np.zeros(len(table), np.int64)
    for name in text:
        breaks += table[name].str.count("\n").fillna(0).to_numpy(np.int64)
    if not breaks.any():
        return table.index
    lines: pd.Index = table.index + (np.cumsum(breaks) - breaks)
    return lines


def _ids(header: pd.DataFrame, columns: Mapping[str, str]) -> list[Any]:
    """Columns that hold names: never numbers, even where they look like some."""
    names = {"node", "group", "layer", "as_of", "owner", "company", *NODE_NAMES}
    names |= {*CLEAR_NAMES["creditor"], *CLEAR_NAMES["debtor"], "creditor", "debtor"}
    names |= {name for pair in DIRECTED for name in pair}
    ours = {"node", "creditor", "debtor", "layer", "as_of", "group"}
    ids = [
        name
        for name in header.columns
        if str(name).strip().casefold() in names or columns.get(name) in ours
    ]
    if not ids and len(header.columns) > 2:
        _, pair = roles(header)
        ids = list(pair) if pair else [header.columns[0]]  # a matrix: labels in front
    return ids


def _read_workbook(path: Path, sheet: str | int | None) -> tuple[pd.DataFrame | None, pd.DataFrame]:
    """Node table (a sheet called nodes) and exposures (sheet=, or exposures, or the first)."""
    try:
        import python_calamine  # noqa: F401
    except ImportError:
        raise MissingPackageError(
            'Reading Excel needs an extra: pip install "contagion-risk[excel]".'
        ) from None
    with pd.ExcelFile(path, engine="calamine") as book:
        sheets = [str(name) for name in book.sheet_names]
        lower = {name.strip().casefold(): name for name in sheets}
        if isinstance(sheet, str) and sheet not in sheets:
            match = closest(sheet, sheets)
            hint = f" Did you mean {match!r}?" if match else ""
            raise NetworkError(
                f"{path.name} has no sheet {sheet!r}; it has {listing(sheets, 9)}.{hint}"
            )
        if isinstance(sheet, int) and not -len(sheets) <= sheet < len(sheets):
            raise NetworkError(f"{path.name} has {len(sheets)} sheets: {listing(sheets, 9)}.")
        chosen = sheet if sheet is not None else lower.get("exposures", 0)
        claims = _sheet(book, chosen)
        nodes = None
        if "nodes" in lower and lower["nodes"] != chosen and (sheet is not None or len(sheets) > 1):
            nodes = _sheet(book, lower["nodes"])
    return nodes, claims


def _sheet(book: pd.ExcelFile, sheet: str | int) -> pd.DataFrame:
    frame = pd.read_excel(book, sheet, dtype=object, keep_default_na=False, na_values=[""])
    frame = frame.dropna(how="all")
    ids = _ids(frame.iloc[:0], {})
    for name in frame.columns:
        frame[name] = frame[name].map(_text, na_action="ignore") if name in ids else frame[name]
    return frame.infer_objects()


def _text(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _read_folder(
    place: Path, columns: Mapping[str, str] | None, encoding: str | None
) -> tuple[pd.DataFrame | None, pd.DataFrame, dict[str, Any], str]:
    """Tables of a folder, the settings of its card, and the name of the file of exposures."""

    def one(stem: str) -> tuple[pd.DataFrame | None, str]:
        for suffix in (".csv", ".parquet", ".csv.gz"):
            file = place / f"{stem}{suffix}"
            if file.exists():
                return read_table(file, columns=columns, encoding=encoding), file.name
        return None, ""

    exposures, origin = one("exposures")
    if exposures is None:
        have = sorted(file.name for file in place.iterdir())
        raise NetworkError(
            f"The folder {str(place)!r} has no exposures.csv or exposures.parquet"
            + (f"; it has {listing(have, 6)}." if have else "; it is empty.")
        )
    settings: dict[str, Any] = {}
    card = place / "dataset.toml"
    if card.exists():
        import tomllib

        with reading(card):
            data = tomllib.loads(card.read_text(encoding="utf-8"))
            settings = {
                "unit": str(data.get("unit", "")),
                "name": str(data.get("title", "")),
                **data.get("network", {}),
            }
        if "assume_equity" in data:
            settings["assume_equity"] = data["assume_equity"]
        settings |= {key: data[key] for key in ("rules", "provenance") if key in data}
    for table in ("holdings", "guarantees", "shareholdings"):
        found, _ = one(table)
        if found is not None:
            settings[table] = found
    return one("nodes")[0], exposures, settings, origin


def schema_text() -> str:
    """All tables of the schema as text."""
    return "\n\n".join(f"{name}\n{schema.document(name)}" for name in schema.TABLES)
