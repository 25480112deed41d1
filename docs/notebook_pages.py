"""The notebooks of the site: `.ipynb` files from the percent scripts, executed by the build."""

from __future__ import annotations

import re
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent / "notebooks"


def write(folder: Path) -> None:
    """Write every script as a notebook without outputs, and the table of contents."""
    import jupytext

    folder.mkdir(parents=True, exist_ok=True)
    for script in scripts():
        notebook = jupytext.read(script)
        notebook.metadata["mystnb"] = {"execution_in_temp": False}  # some read data of the tests
        jupytext.write(notebook, folder / f"{script.stem}.ipynb")
    listing = "\n".join(script.stem for script in scripts())
    (folder / "index.md").write_text(
        "# Notebooks\n\nEach notebook has a question, a picture and an answer, and runs in under "
        "a minute. The sources are the scripts in `notebooks/`; open them in Jupyter with "
        "jupytext, or in an editor that knows `# %%` cells.\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{listing}\n```\n",
        "utf-8",
    )


def scripts() -> list[Path]:
    """The percent scripts, in the order of their numbers."""
    return sorted(each for each in SCRIPTS.glob("*.py") if re.match(r"\d\d_", each.name))
