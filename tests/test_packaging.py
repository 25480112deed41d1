"""What is built is what is needed: wheel and source distribution, offline, and run from there."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import contagion as ct

ROOT = Path(__file__).resolve().parent.parent
DATASETS = sorted(card.parent.name for card in (ROOT / "datasets").glob("*/dataset.toml"))
build = pytest.importorskip("hatchling.build", reason="hatchling is in the extra 'test'")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path]:
    """A wheel and a source distribution, built by the backend itself in a process of its own."""
    out = tmp_path_factory.mktemp("dist")
    code = (
        "import sys; from hatchling import build; "
        "print(build.build_wheel(sys.argv[1])); print(build.build_sdist(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(out)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    wheel, sdist = done.stdout.split()[-2:]
    return out / wheel, out / sdist


def test_names_and_version(built):
    wheel, sdist = built
    assert wheel.name == f"contagion_risk-{ct.__version__}-py3-none-any.whl"
    assert sdist.name == f"contagion_risk-{ct.__version__}.tar.gz"


def test_the_wheel_holds_package_and_data(built):
    names = set(zipfile.ZipFile(built[0]).namelist())
    for name in ("__init__.py", "py.typed", "network/schema.csv", "report/template.html"):
        assert f"contagion/{name}" in names
    sources = {p.relative_to(ROOT).as_posix() for p in (ROOT / "contagion").rglob("*.py")}
    assert sources <= names
    assert DATASETS
    for dataset in DATASETS:
        for file in (ROOT / "datasets" / dataset).iterdir():
            if file.is_file():
                assert f"contagion/_datasets/{dataset}/{file.name}" in names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"contagion", f"contagion_risk-{ct.__version__}.dist-info"}
    assert not [name for name in names if "__pycache__" in name]


def test_every_file_of_the_package_travels(built):
    """Templates, style sheets and tables, whatever they are called."""
    names = set(zipfile.ZipFile(built[0]).namelist())
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "contagion").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "_datasets" not in path.parts
    }
    assert files <= names


def test_the_metadata_of_the_wheel(built):
    archive = zipfile.ZipFile(built[0])
    info = f"contagion_risk-{ct.__version__}.dist-info"
    metadata = archive.read(f"{info}/METADATA").decode()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert "Name: contagion-risk" in metadata and "License-Expression: BSD-3-Clause" in metadata
    required = {
        line.removeprefix("Requires-Dist: ").split(">")[0].split(";")[0].strip()
        for line in metadata.splitlines()
        if line.startswith("Requires-Dist: ") and "extra ==" not in line
    }
    assert required == {line.split(">")[0].strip() for line in project["dependencies"]}
    assert "contagion = contagion.cli:main" in archive.read(f"{info}/entry_points.txt").decode()
    assert f"{info}/licenses/LICENSE" in archive.namelist()


def test_the_source_distribution_can_test_itself(built):
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "tests/conftest.py"):
        assert name in names
    assert {f"datasets/{dataset}/dataset.toml" for dataset in DATASETS} <= names
    tests = {f"tests/{path.name}" for path in (ROOT / "tests").glob("*.py")}
    assert tests <= names


def test_datasets_are_found_from_the_wheel(built, tmp_path):
    """Installed into an empty folder, away from the checkout, the package still has its data."""
    target = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet"]
    pip += ["--disable-pip-version-check", "--target", str(target), str(built[0])]
    done = subprocess.run(pip, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    code = (
        "import contagion as ct, sys; "
        "assert ct.__file__.startswith(sys.argv[1]), ct.__file__; "
        "print(*ct.datasets.names()); net = ct.datasets.load('cefi_credit_2022'); "
        "print(ct.datasets.path('cefi_credit_2022')); "
        "print(len(net), ct.EisenbergNoe().propagate(net).outcome.converged)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(target)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
    )
    assert done.returncode == 0, done.stderr
    names, where, run = done.stdout.splitlines()
    assert names.split() == DATASETS
    assert where == str(target / "contagion" / "_datasets" / "cefi_credit_2022")
    assert run.endswith("True")


def test_hatchling_is_in_the_test_extra():
    """The tests above need the build backend without a network."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert any(line.startswith("hatchling") for line in project["optional-dependencies"]["test"])
