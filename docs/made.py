"""Writes the generated pages of the site into `docs/made/`: the API reference, the galleries
from the registries, the notebooks from their scripts, and the changelog."""

from __future__ import annotations

import shutil
from pathlib import Path

HERE = Path(__file__).resolve().parent
MADE = HERE / "made"


def make(folder: Path = MADE) -> None:
    """Delete the folder and write every page again."""
    import galleries
    import names
    import notebook_pages

    shutil.rmtree(folder, ignore_errors=True)
    names.write(folder / "reference")
    galleries.write(folder / "gallery")
    notebook_pages.write(folder / "notebooks")
    changelog = (HERE.parent / "CHANGELOG.md").read_text("utf-8")
    (folder / "changelog.md").write_text(changelog, "utf-8")


if __name__ == "__main__":
    make()
