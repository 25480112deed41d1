"""Every public name is documented, and what the documentation shows runs.

The examples in docstrings run by themselves (`--doctest-modules`).
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import contagion as ct
from contagion.models.valuations import VALUATIONS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "contagion").rglob("*.py")
)


def public_members(holder: type | ModuleType) -> dict[str, object]:
    """Public functions, methods and properties that are defined in a class or module itself."""
    found = {}
    for name, member in vars(holder).items():
        plain = inspect.unwrap(member.__func__) if hasattr(member, "__func__") else member
        documented = inspect.isfunction(plain) or isinstance(member, property)
        documented = documented or type(member).__name__ == "cached_property"
        if isinstance(holder, ModuleType):
            documented = inspect.isfunction(plain) or inspect.isclass(plain)
            documented = documented and getattr(plain, "__module__", "") == holder.__name__
        if documented and not name.startswith("_"):
            found[name] = member
    return found


def public_classes() -> list[type]:
    return [getattr(ct, name) for name in ct.__all__ if inspect.isclass(getattr(ct, name))]


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is(name):
    assert (importlib.import_module(name).__doc__ or "").strip()


@pytest.mark.parametrize("name", ct.__all__)
def test_every_public_name_is_documented(name):
    if name == "MODELS":
        assert all(inspect.getdoc(model) for model in ct.models.MODELS.values())
        return
    doc = inspect.getdoc(getattr(ct, name)) or ""
    assert len(doc.split()) > 4, f"ct.{name} has no docstring"


@pytest.mark.parametrize("holder", public_classes(), ids=lambda c: c.__name__)
def test_every_public_method_is_documented(holder):
    for name in public_members(holder):
        doc = inspect.getdoc(getattr(holder, name)) or ""
        if type(vars(holder)[name]).__name__ == "cached_property":
            doc = vars(holder)[name].func.__doc__ or ""
        assert doc.strip(), f"{holder.__name__}.{name} has no docstring"


@pytest.mark.parametrize("module", ["datasets", "measures", "plot", "report"])
def test_every_function_of_the_public_modules_is_documented(module):
    holder = importlib.import_module(f"contagion.{module}")
    names = getattr(holder, "__all__", list(public_members(holder)))
    assert names
    for name in names:
        if callable(getattr(holder, name)):
            assert inspect.getdoc(getattr(holder, name)), f"{module}.{name} has no docstring"


@pytest.mark.parametrize("holder", public_classes(), ids=lambda c: c.__name__)
def test_every_field_of_a_record_is_explained(holder):
    """Fields of dataclasses are named in the docstring, in backticks or as `name :`."""
    if not dataclasses.is_dataclass(holder):
        return
    text = inspect.getdoc(holder) or ""
    missing = [
        f.name
        for f in dataclasses.fields(holder)
        if not re.search(rf"\b{f.name}\b", text) and not f.name.startswith("_")
    ]
    # the first fields of a result are its inputs, and say what they are by their names
    inputs = {"network", "model", "shock", "outcome", "reference"}
    assert not [name for name in missing if name not in inputs], missing


@pytest.mark.parametrize("model", ct.models.MODELS.values(), ids=ct.models.MODELS.keys())
def test_a_model_names_its_source_parameters_and_shows_an_example(model):
    doc = inspect.getdoc(model) or ""
    assert re.search(r"^Source: .*\(\d{4}\)", doc, re.M), "no source with a year"
    assert re.search(r"^Example\n-------\n", doc, re.M) and ">>> " in doc, "no example"
    for field in dataclasses.fields(model):
        assert re.search(rf"\b{field.name}\b", doc), f"{field.name} is not explained"
    assert re.search(r"\(\d{4}\)", model.source)


ROLE = re.compile(r":(?:func|class|meth|mod|attr|data|obj):`[^`]*?~?(contagion[\w.]*)[^`]*`")


def exists(name: str) -> bool:
    """Whether a dotted name leads to a module, or to a member or annotated field of one."""
    held: object = ct
    path, *parts = name.rstrip(".").split(".")
    for part in parts:
        path += f".{part}"
        if inspect.isclass(held) and part in inspect.get_annotations(held):
            return True
        try:
            held = getattr(held, part) if hasattr(held, part) else importlib.import_module(path)
        except ImportError:
            return False
    return True


def test_names_in_docstrings_exist():
    files = {p: p.read_text("utf-8") for p in sorted((ROOT / "contagion").rglob("*.py"))}
    names = [(p.name, name) for p, text in files.items() for name in ROLE.findall(text)]
    assert len(names) > 150
    assert [pair for pair in names if not exists(pair[1])] == []


SOURCED = {**ct.models.MODELS, **{f"valuations: {word}": kind for word, kind in VALUATIONS.items()}}


@pytest.mark.parametrize("kind", SOURCED.values(), ids=SOURCED.keys())
def test_a_source_has_a_doi_that_the_list_of_references_knows(kind):
    """Or it says that there is none; docs/references.md says where a DOI was seen."""
    source = (inspect.getdoc(kind) or "").split("\nSource: ")[-1].replace("\n", " ")
    found = re.findall(r"\bDOI (10\.\d{4,}/\S+?)[.,;:)]*(?:\s|$)", source)
    assert found or "DOIs at the models" in source or "without DOI" in source, source
    listed = (ROOT / "docs" / "references.md").read_text("utf-8")
    assert [doi for doi in found if f"`{doi}`" not in listed] == []
    assert not re.search(r"\bdoi[: ]", source), "written DOI 10...."


def test_the_registry_is_the_table_of_the_readme():
    """One row a model, with its name, its word on the command line, title and source."""
    for word, model in ct.models.MODELS.items():
        row = next((row for row in README.splitlines() if f"| `{model.__name__}` |" in row), "")
        assert row, f"{model.__name__} is missing from the README"
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert f"`{word}`" in cells and model.title in cells and model.source in cells, row
        assert ("yes" in cells) == model.settles


def python_blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", README, re.S | re.M)


def test_the_code_of_the_readme_runs(tmp_path):
    """In a fresh interpreter and an empty folder, warnings as errors, in the order of the page."""
    assert python_blocks(), "the README shows no Python"
    code = "\n".join(python_blocks())
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    if "report.html" in code:
        assert (tmp_path / "report.html").stat().st_size > 10_000


def test_the_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)#\s]+)\)", README)
    assert not [x for x in links if "://" not in x and not (ROOT / x).exists()]


def test_ci_runs_the_commands_of_the_readme():
    """The two commands of the README are those that `.ci/run` runs."""
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    for command in ('install ".[test]"', "-m pytest", "contagion report cefi_credit_2022"):
        assert command in README, command
        assert command in script.replace("--quiet ", ""), command


def test_the_changelog_knows_the_version():
    assert f"## {ct.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert re.search(rf"^version: {re.escape(ct.__version__)}$", citation, re.M)


def test_the_citation_has_the_date_of_the_release_and_no_other():
    """`## 0.1.0 (2027-01-31)` in the changelog is `date-released: 2027-01-31`; unreleased: none."""
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    dated = re.search(rf"^## {re.escape(ct.__version__)} \((\S+)\)$", changelog, re.M)
    assert dated, "the heading of the version has neither a date nor (unreleased)"
    released = re.findall(
        r"^date-released: '?\"?([\d-]+)", (ROOT / "CITATION.cff").read_text("utf-8"), re.M
    )
    assert released == ([] if dated[1] == "unreleased" else [dated[1]])


def test_the_addresses_of_the_project_are_one():
    """What pyproject.toml calls the source is what a citation leads to."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]
    assert list(urls) == ["Homepage", "Source", "Issues", "Documentation", "Changelog"]
    assert all(url.startswith(urls["Source"]) for url in urls.values())
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nrepository-code: {urls['Source']}\n" in citation
    assert f"({urls['Issues']})" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
