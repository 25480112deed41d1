"""The notebooks run from top to bottom and say what they claim to say."""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path

import pytest

jupytext = pytest.importorskip("jupytext")
nbclient = pytest.importorskip("nbclient")

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.py"))


def executed(path: Path, folder: Path):
    """The notebook with outputs; an error in a cell raises."""
    notebook = jupytext.read(path)
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    with warnings.catch_warnings():  # of the Jupyter machinery, not of the package
        warnings.simplefilter("ignore")
        asyncio.run(client.async_execute())
    return notebook


def texts(notebook) -> str:
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            found.append(str(data.get("text/plain", "")) + str(output.get("text", "")))
    return "\n".join(found)


def figures(notebook) -> int:
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def test_there_are_notebooks():
    assert [path.name for path in NOTEBOOKS][:1] == ["01_first_cascade.py"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_without_warnings(path, tmp_path):
    notebook = executed(path, tmp_path)
    streams = [
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    assert streams == []


def test_first_cascade_tells_its_story(tmp_path):
    notebook = executed(FOLDER / "01_first_cascade.py", tmp_path)
    said = texts(notebook)
    assert figures(notebook) == 3
    assert "40.6 m USD" in said and "was insolvent by 1.19 bn USD" in said
    assert "100% of the loss is socialized" in said
    assert "three_arrows → celsius" in said
