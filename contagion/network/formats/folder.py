"""A network written as a folder of tables and a card, which `read_tables` reads."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from ... import media


def write_folder(
    folder: str | PathLike[str], tables: Mapping[str, pd.DataFrame | None], card: dict[str, Any]
) -> list[Path]:
    """Write tables as CSV and the card as dataset.toml; no file for a table that is None.

    Raises
    ------
    OSError
        If the folder cannot be created or written.
    ArgumentError
        If its name has the ending of a file.
    """
    import tomli_w

    place = media.folder(folder, "network")
    place.mkdir(parents=True, exist_ok=True)
    files = []
    for name, table in tables.items():
        file = place / f"{name}.csv"
        if table is None:
            file.unlink(missing_ok=True)
            continue
        table.to_csv(file, index=False, quoting=_quoting(table))
        files.append(file)
    file = place / "dataset.toml"
    file.write_text(tomli_w.dumps({key: value for key, value in card.items() if value}), "utf-8")
    return [*files, file]


def _quoting(table: pd.DataFrame) -> Literal[0, 2]:
    """Quote text if a cell begins or ends with a space, which readers of CSV would remove."""
    words = (pd.Series(table[c].unique()) for c in table if table[c].dtype.kind not in "fiub")
    texts = (cells[cells.map(lambda x: isinstance(x, str))] for cells in words)
    spaced = any((cells != cells.str.strip()).any() for cells in texts if len(cells))
    return 2 if spaced else 0  # csv.QUOTE_NONNUMERIC, csv.QUOTE_MINIMAL
