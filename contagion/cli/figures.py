"""Figures of commands: checked before the run, drawn without a window, closed again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, MissingFileError

ENDINGS = (".png", ".svg")


def drawable(file: Path | None) -> None:
    """Refuse a file that no figure can be written to; None is none wanted.

    Raises
    ------
    ArgumentError, MissingFileError
        For another ending than .png or .svg, and for a folder that is not there.

    Example
    -------
    >>> drawable(Path("figure.png"))
    """
    if file is None:
        return
    if file.suffix.lower() not in ENDINGS:
        raise ArgumentError(f"--figure {file}: the name has to end in .png or .svg.")
    if not file.parent.is_dir():
        raise MissingFileError(f"There is no folder {str(file.parent)!r} to write {file.name} to.")


def draw(file: Path, plot: Callable[[], Any]) -> None:
    """Write the figure of the axes that `plot` gives."""
    from matplotlib import pyplot as plt

    with plt.ioff():
        figure = plot().get_figure(root=True)
        figure.savefig(file, dpi=150)
        plt.close(figure)
