"""The command that lists the shapes of files."""

from __future__ import annotations

from typing import Any

from .options import Json, print_json
from .terminal import put, say


def formats(as_json: Json = False) -> None:
    """List the shapes of files that are read as they are published, with a recipe."""
    from ..network.formats import FORMATS

    rows: list[dict[str, Any]] = [
        {"name": one.name, "title": one.title, "becomes": list(one.tables),
         "version": one.version, "recipe": one.recipe}
        for one in FORMATS.values()
    ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    for row in rows:
        put(f"{row['name']}: {row['title']}")
        say(f"{row['version']}; becomes {' or '.join(row['becomes'])}", row["recipe"], indent="  ")
