"""Tables from files without conversion: text, Parquet, workbooks and JSON, also compressed."""

from __future__ import annotations

import gzip
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from ...errors import MissingFileError, MissingPackageError, NetworkError, reading
from ...text import closest, listing
from .. import schema
from . import headers
from .delimited import read as read_text
from .grids import Source, grid
from .reading import Reading

EXCEL = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
TEXT = (".csv", ".tsv", ".txt", ".tab", ".dat")
PARQUET = (".parquet", ".pq")
JSON = (".json", ".jsonl", ".ndjson")


def existing(path: str | PathLike[str]) -> Path:
    """The path; `MissingFileError` with the closest name in the folder if it does not exist."""
    place = Path(path)
    if not place.exists():
        beside = [p.name for p in place.parent.iterdir()] if place.parent.is_dir() else []
        match = closest(place.name, beside)
        raise MissingFileError(
            f"There is no file {str(place)!r}." + (f" Did you mean {match!r}?" if match else "")
        )
    return place


def load(path: str | PathLike[str], name: schema.Table, how: Reading) -> Source:
    """The table of a file; from a workbook or JSON with several tables the one with this name.

    Raises
    ------
    MissingFileError : if the file does not exist.
    NetworkError : for a format that is not supported, and a broken file, with its name.
    """
    place = existing(path)
    if place.is_dir():
        raise NetworkError(
            f"There is no file {str(place)!r}: it is a folder. Give the file with the {name}."
        )
    suffix, data = place.suffix.lower(), None
    if suffix == ".gz":
        with reading(place.name, NetworkError):
            try:
                data = gzip.decompress(place.read_bytes())
            except (OSError, EOFError) as error:
                raise NetworkError(f"{place.name} cannot be read: {error}.") from None
        suffix = Path(place.stem).suffix.lower() or ".csv"
    if suffix in TEXT:
        return read_text(place.read_bytes() if data is None else data, place.name, how)
    with reading(place.name, NetworkError):
        if suffix in PARQUET and data is None:
            return Source(_parquet(place), place.name)
        if suffix in EXCEL and data is None:
            return _workbook(place, name, how)
        if suffix in JSON:
            return _json(place.read_bytes() if data is None else data, place.name, name, suffix)
    raise NetworkError(
        f"{place.name}: formats read are .csv, .tsv, .txt (also .gz), .parquet, .xlsx, .json, "
        ".graphml, .gexf and folders."
    )


def _parquet(place: Path) -> pd.DataFrame:
    """Typed columns unchanged; decimals become numbers, and columns of bytes remain bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(place)
    for k, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(k, field.name, table.column(k).cast(pa.float64()))
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _json(data: bytes, origin: str, name: schema.Table, suffix: str) -> Source:
    import json

    text = data.decode("utf-8-sig")
    notes: list[str] = []
    if suffix == ".json":
        found = json.loads(text)
        if isinstance(found, dict) and isinstance(found.get(name), list | dict):
            notes.append(f"the table {name!r}")
            found = found[name]
    else:
        found = [json.loads(line) for line in text.splitlines() if line.strip()]
    rows = isinstance(found, list) and all(isinstance(row, dict) for row in found)
    columns = isinstance(found, dict) and all(isinstance(col, list) for col in found.values())
    if not (rows or columns):
        return Source(pd.DataFrame(), origin, notes, texts=True, document=found)
    frame = pd.DataFrame(found, dtype=object)
    return Source(frame.where(frame.notna(), None), origin, notes, texts=True)


def has(place: Path, name: schema.Table, how: Reading) -> bool:
    """Whether a workbook or a JSON file has a table of this name besides the requested one."""
    if place.suffix.lower() in EXCEL:
        names = [str(one) for one in _opened(place).sheet_names]
        own = [one for one in names if one.strip().casefold() == name]
        return bool(own) and len(names) > 1 and how.sheet not in own
    if place.suffix.lower() == ".json":
        import json

        with reading(place.name, NetworkError):
            found = json.loads(place.read_bytes())
        return isinstance(found, dict) and name in found and "exposures" in found
    return False


def _opened(place: Path) -> Any:
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise MissingPackageError(
            'Reading Excel needs an extra: pip install "contagion-risk[excel]".'
        ) from None
    with reading(place.name, NetworkError):
        return CalamineWorkbook.from_path(str(place))


def _workbook(place: Path, name: schema.Table, how: Reading) -> Source:
    book, notes = _opened(place), []
    names = [str(one) for one in book.sheet_names]
    how.use("sheet")
    if isinstance(how.sheet, str) and how.sheet not in names and not how.sheet.isdecimal():
        match = closest(how.sheet, names)
        hint = f" Did you mean {match!r}?" if match else ""
        raise NetworkError(
            f"{place.name} has no sheet {how.sheet!r}; it has {listing(names, 9)}.{hint}"
        )
    if how.sheet is not None and how.sheet not in names:
        at = int(how.sheet)
        if not -len(names) <= at < len(names):
            raise NetworkError(f"{place.name} has {len(names)} sheets: {listing(names, 9)}.")
        chosen = names[at]
    else:
        chosen = str(how.sheet) if how.sheet is not None else _found(book, names, name)
    if len(names) > 1 and how.sheet is None:
        notes.append(f'sheet {chosen!r} of {len(names)}: sheet="…" names another')
    rows = _cells(book, chosen)
    return grid(rows, place.name, how, notes)


def _cells(book: Any, sheet: str) -> list[tuple[int, list[Any]]]:
    found = book.get_sheet_by_name(sheet)
    return [(k + 1, row) for k, row in enumerate(found.to_python(skip_empty_area=False))]


def _found(book: Any, names: list[str], name: schema.Table) -> str:
    """The sheet with this name, or with its columns, or the first sheet that contains a table."""
    for one in names:
        if one.strip().casefold() == name:
            return one
    own = {schema.key(c) for c in schema.columns(name)}
    own |= {word for words in schema.synonyms(name).values() for word in words[0]}
    scores = []
    for k, one in enumerate(names):
        rows = [row for _, row in _cells(book, one)[: headers.LOOK]]
        rows = [row for row in rows if headers.filled(row)]
        header = headers.find(rows)
        keys = {schema.key(cell) for cell in rows[header.at]} if rows and header.at >= 0 else set()
        table = sum(sum(cell not in (None, "") for cell in row) > 1 for row in rows) > 1
        scores.append((len(keys & own) * (len(keys & own) > 1), table, -k))
    return names[-max(scores)[2]]
