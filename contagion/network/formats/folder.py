"""A network as a folder of tables and a card, the way back from `read_tables`."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd


def write_folder(
    folder: str | PathLike[str], tables: Mapping[str, pd.DataFrame | None], card: dict[str, Any]
) -> list[Path]:
    """Write tables as CSV and the card as dataset.toml; a table that is None leaves no file.

    Raises
    ------
    OSError
        Where the folder cannot be made or written.
    """
    import tomli_w

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    files = []
    for name, table in tables.items():
        file = place / f"{name}.csv"
        if table is None:
            file.unlink(missing_ok=True)
            continue
        table.to_csv(file, index=False)
        files.append(file)
    file = place / "dataset.toml"
    file.write_text(tomli_w.dumps({key: value for key, value in card.items() if value}), "utf-8")
    return [*files, file]
