"""The notebooks and the README run from top to bottom and say what they claim to say."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import warnings
from functools import cache
from pathlib import Path

import pytest
from conftest import others_slow

jupytext = pytest.importorskip("jupytext")
nbclient = pytest.importorskip("nbclient")

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.py"))


@cache
def executed(path: Path):
    """The notebook with outputs; an error in a cell raises."""
    os.environ.pop("MPLBACKEND", None)  # the kernel inherits it and would draw nothing inline
    notebook = jupytext.read(path)
    client = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3")
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


def test_the_notebooks_are_numbered_without_gaps():
    assert [path.name[:3] for path in NOTEBOOKS] == [f"{k:02}_" for k in range(1, 16)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_a_question_a_picture_and_an_answer(path):
    text = path.read_text("utf-8")
    assert text.count("**Question.**") == text.count("**Answer.**") == 1
    assert text.index("**Question.**") < text.index("**Answer.**")
    assert "ct.plot." in text or "plt.subplots" in text


@pytest.mark.parametrize("path", others_slow(NOTEBOOKS), ids=lambda path: path.stem)
def test_notebook_runs_without_warnings(path):
    notebook = executed(path)
    streams = [
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    assert streams == []


def test_first_cascade_tells_its_story():
    notebook = executed(FOLDER / "01_first_cascade.py")
    said = texts(notebook)
    assert figures(notebook) == 3
    assert "40.6 m USD" in said and "was insolvent by 1.19 bn USD" in said
    assert "100% of the loss is socialized" in said
    assert "three_arrows → celsius" in said


README = (FOLDER.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_readme_has_ten_lines_of_python_and_three_minutes_of_text():
    (code,) = blocks("python")
    assert len([line for line in code.splitlines() if line.strip()]) == 10
    prose = re.sub(r"```.*?```|^\|.*$", "", README, flags=re.DOTALL | re.MULTILINE)
    assert len(prose.split()) < 750  # 250 words a minute


def test_the_commands_of_the_readme_run_as_printed(tmp_path, monkeypatch, capsys):
    """In the order of the page, in a folder with the example files that are shipped."""
    from contagion.cli import run

    monkeypatch.chdir(tmp_path)
    shutil.copytree(FOLDER.parent / "examples", tmp_path / "examples")
    commands = blocks("sh")[-1].splitlines()
    assert len(commands) >= 10
    for command in commands:
        name, *arguments = shlex.split(command)
        assert name == "contagion"
        code = run(arguments)
        said = capsys.readouterr()
        assert code == 0 and (said.out or said.err), f"{command}: {said.err}"


def test_readme_figure_is_there_and_small():
    (name,) = re.findall(r"!\[.*?\]\((.*?)\)", README)
    figure = FOLDER.parent / name
    if not figure.exists():
        pytest.skip("figures do not travel with the source distribution")
    assert 10_000 < figure.stat().st_size < 150_000
