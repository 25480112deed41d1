"""The notebooks and the README run from top to bottom and say what they claim to say."""

from __future__ import annotations

import asyncio
import os
import re
import warnings
from functools import cache
from pathlib import Path

import pytest
from conftest import others_slow

import contagion as ct

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


def test_there_are_notebooks():
    assert [path.name for path in NOTEBOOKS][:1] == ["01_first_cascade.py"]


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


def test_readme_code_runs_and_is_twelve_lines(tmp_path, monkeypatch):
    import matplotlib

    monkeypatch.chdir(tmp_path)

    matplotlib.use("Agg")
    code, study, sharing, liquidation, critical, partial = blocks("python")
    assert len([line for line in code.splitlines() if line.strip()]) == 12
    space: dict = {}
    exec(compile(code, "README.md", "exec"), space)
    assert space["result"].socialization.socialized_share == 1.0
    assert (tmp_path / "report.html").stat().st_size > 10_000
    exec(compile(study, "README.md", "exec"), space)
    assert ct.Study.read("study.toml") == space["study"]
    exec(compile(sharing, "README.md", "exec"), space)
    assert space["rule"].allocate(100, space["claims"]).layers["absorbed"].tolist() == [30, 70]
    exec(compile(liquidation, "README.md", "exec"), space)
    deficit = space["cascade"].run(space["book"], {"ETH": -0.2}).deficits["lender"]
    assert round(deficit) == 586
    exec(compile(critical, "README.md", "exec"), space)
    assert {"default_impact", "hub", "sinkrank"} <= set(space["table"].columns)
    exec(compile(partial, "README.md", "exec"), space)
    assert len(space["guess"]) == 3 and space["test"].value_at_risk(0.99).value > 0


def test_readme_lists_every_model_with_its_source():
    for name, model in ct.models.MODELS.items():
        (row,) = [line for line in README.splitlines() if f"| `{name}` |" in line]
        assert f"`{model.__name__}`" in row
        assert model.title in row and model.source in row
        assert row.rstrip().endswith("| yes |" if model.settles else "| no |")


def test_readme_commands_exist():
    from contagion.cli.app import COMMANDS

    used = {line.split()[1] for line in blocks("sh")[-1].splitlines() if line.startswith("cont")}
    assert used <= set(COMMANDS)


def test_readme_figure_is_there_and_small():
    (name,) = re.findall(r"!\[.*?\]\((.*?)\)", README)
    figure = FOLDER.parent / name
    if not figure.exists():
        pytest.skip("figures do not travel with the source distribution")
    assert 10_000 < figure.stat().st_size < 150_000
