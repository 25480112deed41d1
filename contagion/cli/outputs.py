"""Files that commands write: figures, drawn without a window, and tables in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from .. import media
from ..errors import MissingFileError
from ..media import FIGURES, ending, guarded
from .options import plain
from .terminal import put, written


def drawable(file: Path | None) -> None:
    """Raise if no figure can be written to the file, as :func:`writable` does.

    >>> drawable(Path("figure.png"))
    """
    writable(file, FIGURES, "--figure")


def writable(file: Path | None, known: Sequence[str], option: str) -> None:
    """Raise before any computation if the file cannot be written; None: no file is wanted.

    Raises
    ------
    ArgumentError, MissingFileError : for an unknown file ending, and for a folder that does not
        exist.
    """
    if file is None:
        return
    ending(file, known, option)
    if not file.parent.is_dir():
        raise MissingFileError(f"There is no folder {str(file.parent)!r} to write {file.name} to.")


def draw(file: Path | None, figure: Callable[[Any], Any]) -> None:
    """Draw a figure with a function of `contagion.plot` into a file; None: no figure."""
    if file is None:
        return
    from matplotlib import pyplot as plt

    from .. import plot

    with plt.ioff():
        drawn = figure(plot).get_figure(root=True)
        drawn.savefig(file, dpi=150)
        plt.close(drawn)


def save(
    folder: Path | None,
    frames: Mapping[str, pd.DataFrame],
    record: Mapping[str, Any],
    texts: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write tables as CSV, texts by file name, and summary.json; nothing if no folder is given."""
    if folder is None:
        return []
    files = csvs(folder, frames)
    for name, text in (texts or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    return [*files, *(folder / name for name in texts or {}), summary(folder, record)]


def csvs(folder: Path, frames: Mapping[str, pd.DataFrame]) -> list[Path]:
    """Write tables as CSV, by their names."""
    media.folder(folder, "--out").mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.csv" for name in frames]
    for file, frame in zip(files, frames.values(), strict=True):
        guarded(frame).to_csv(file, index=False)
    return files


def summary(folder: Path, record: Mapping[str, Any]) -> Path:
    """Write summary.json."""
    text = json.dumps(plain(record), indent=2, allow_nan=False, ensure_ascii=False)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
    return folder / "summary.json"


def rows(frames: Mapping[str, pd.DataFrame]) -> dict[str, list[dict[Any, Any]]]:
    """Tables for JSON, row by row."""
    return {name: frame.to_dict("records") for name, frame in frames.items()}


def tell(folder: Path | None, files: Sequence[Path], figure: Path | None = None) -> None:
    """Print the names of the files written."""
    if folder is not None:
        put(f"\n{written(folder, files)}")
    if figure is not None:
        put(f"\nFigure: {figure}")
