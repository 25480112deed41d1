"""The pages of the documentation: they run, and they have every name and every registry entry.

The whole site is built by `docs/build`, which is stricter: a warning stops it.
"""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import os
import re
import sys
import tomllib
import warnings
from pathlib import Path

import pytest
from conftest import others_slow

import contagion as ct
from contagion import measures, rules, venues
from contagion.network.formats import FORMATS

jupytext = pytest.importorskip("jupytext")
nbclient = pytest.importorskip("nbclient")

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(
    path
    for path in DOCS.rglob("*.md")
    if not {"made", "_build"} & set(path.relative_to(DOCS).parts)
)
RUN = [path for path in PAGES if "{code-cell}" in path.read_text("utf-8")]
LIBRARIES = {
    "cluster": ("duckdb",),
    "recipes": ("SALib", "arch", "corner", "duckdb", "polars", "xarray"),
}
FENCES = ("{code-cell} python", "{toctree}", "{image} cascade.png", "sh")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The pages that the site makes: reference, galleries, notebooks."""
    sys.path.insert(0, str(DOCS))
    try:
        import made

        folder = tmp_path_factory.mktemp("site") / "made"
        made.make(folder)
    finally:
        sys.path.remove(str(DOCS))
    return folder


def run(path: Path, folder: Path) -> None:
    """Run the cells of a page in a folder, with this package and its command on the paths."""
    places = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
    }
    old = {name: os.environ.get(name) for name in (*places, "MPLBACKEND")}
    os.environ.pop("MPLBACKEND", None)
    os.environ.update(places)
    try:
        notebook = jupytext.read(path, fmt="md:myst")
        client = nbclient.NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        with warnings.catch_warnings():  # of the Jupyter machinery, not of the package
            warnings.simplefilter("ignore")
            asyncio.run(client.async_execute())
    finally:
        for name, value in old.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [x["text"] for x in outputs if x.get("name") == "stderr"] == []


@pytest.mark.parametrize("path", others_slow(RUN), ids=lambda path: path.stem)
def test_a_page_runs_without_warnings(path, tmp_path):
    for library in LIBRARIES.get(path.stem, ()):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed: it is in the extra 'docs'")
    run(path, tmp_path)


def test_the_recipes_use_the_libraries_of_their_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extra = {line.split(">")[0] for line in project["optional-dependencies"]["recipes"]}
    assert extra == set(LIBRARIES["recipes"])


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_code_block_of_a_page_is_executed(path):
    """A block is a cell; `sh` is for the installation alone, which `.ci/run` does."""
    text = path.read_text("utf-8")
    opened = re.findall(r"^```(.+)$", text, re.M)
    assert [x for x in opened if x not in FENCES] == []
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M):
        assert all(".venv" in line for line in block.splitlines())


def listed_names() -> dict[str, list[str]]:
    """{module: names of its `__all__`}, read from the source without an import."""
    found = {}
    for path in (ROOT / "contagion").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[1] in ("cli", "kernels"):
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                module = ".".join(parts).removesuffix(".__init__")
                found[module] = ast.literal_eval(node.value)
    return found


@pytest.mark.parametrize("module", listed_names())
def test_every_public_name_is_in_the_reference(made, module):
    page = (made / "reference" / f"{module}.rst").read_text("utf-8")
    toc = (made / "reference" / "index.rst").read_text("utf-8")
    assert f"\n   {module}\n" in toc + "\n"
    for name in listed_names()[module]:
        inner = f"{module}.{name}"
        described = re.search(rf"`{name} <contagion[\w.]*\.{name}>`", page)
        assert described or f"\n   {inner}\n" in toc + "\n" or name == "__version__", inner


@pytest.mark.parametrize(
    ("page", "entries"),
    [
        ("models", [f"## {kind.__name__}\n" for kind in ct.models.MODELS.values()]),
        ("rules", [f"## {kind.__name__}\n" for kind in rules.RULES.values()]),
        ("venues", [f"### `{name}`" for name in venues.CATALOGUE]),
        ("measures", [f"| `{name}` |" for name in measures.MEASURES]),
        ("figures", [f"## {name}\n" for name in ct.plot.__all__ if name != "FIGURES"]),
        ("datasets", [f"## {name}\n" for name in ct.datasets.names()]),
        ("formats", [f"| `{name}` |" for name in FORMATS]),
    ],
)
def test_a_gallery_has_every_entry_of_its_registry(made, page, entries):
    text = (made / "gallery" / f"{page}.md").read_text("utf-8")
    assert [entry for entry in entries if text.count(entry) != 1] == []


def test_the_docstrings_become_restructured_text(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import docstrings

    text = [
        "Pays x_ and |y|.",
        "",
        "    p = e*2_",
        "",
        "Raises",
        "------",
        "NetworkError : for `a_`.",
    ]
    assert docstrings.restructured(text) == [
        r"Pays x\_ and \|y\|.", "", "::", "", "    p = e*2_", "",
        "Raises", "------", "NetworkError", "    for `a_`.",
    ]  # fmt: skip


def test_a_broken_link_is_found(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import links

    source = links.TREES[0]
    (tmp_path / "a.html").write_text(
        '<h1 id="x"></h1><a href="b.html#y"></a><a href="#x"></a><a href="c.html"></a>'
        f'<a href="{source}README.md"></a><a href="{source}NONE.md"></a><a href="http://x.org"></a>'
    )
    (tmp_path / "b.html").write_text('<p id="z">')
    found = [line.split()[1] for line in links.broken(tmp_path)]
    assert sorted(found) == sorted(["b.html#y", "c.html", f"{source}NONE.md", "http://x.org"])
