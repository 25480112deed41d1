"""What commands write: figures, drawn without a window, and tables in a folder."""

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
    """Refuse a file that no figure can be written to, as :func:`writable` does.

    >>> drawable(Path("figure.png"))
    """
    writable(file, FIGURES, "--figure")


def writable(file: Path | None, known: Sequence[str], option: str) -> None:
    """Refuse a file before anything is computed; None is none wanted.

    Raises
    ------
    ArgumentError, MissingFileError : for another ending than those known, and for a folder that is
        not there.
    """
    if file is None:
        return
    ending(file, known, option)
    if not file.parent.is_dir():
        raise MissingFileError(f"There is no folder {str(file.parent)!r} to write {file.name} to.")


def draw(file: Path | None, figure: Callable[[Any], Any]) -> None:
    """Write the figure of the axes that a function of `contagion.plot` gives; None is none."""
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
    """Write tables as CSV, texts by their file name, and summary.json; without a folder nothing."""
    if folder is None:
        return []
    media.folder(folder, "--out").mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        guarded(frame).to_csv(folder / f"{name}.csv", index=False)
    for name, text in (texts or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    names = [*(f"{name}.csv" for name in frames), *(texts or {})]
    return [*(folder / name for name in names), summary(folder, record)]


def summary(folder: Path, record: Mapping[str, Any]) -> Path:
    """Write summary.json."""
    text = json.dumps(plain(record), indent=2, allow_nan=False, ensure_ascii=False)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
    return folder / "summary.json"


def rows(frames: Mapping[str, pd.DataFrame]) -> dict[str, list[dict[Any, Any]]]:
    """Tables for JSON, row by row."""
    return {name: frame.to_dict("records") for name, frame in frames.items()}


def tell(folder: Path | None, files: Sequence[Path], figure: Path | None = None) -> None:
    """Print what was written where."""
    if folder is not None:
        put(f"\n{written(folder, files)}")
    if figure is not None:
        put(f"\nFigure: {figure}")
