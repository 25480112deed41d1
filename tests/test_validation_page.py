"""docs/validation.md is what its script makes, complete, and within its own tolerances."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from contagion import datasets

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "validation.md").read_text("utf-8")
AGAIN = "differs: run python docs/validation.py and look at what changed"
ADD = "not on the page: add a case to docs/validation_cases.py, _measures.py or _venues.py"

spec = importlib.util.spec_from_file_location("validation", ROOT / "docs" / "validation.py")
validation = importlib.util.module_from_spec(spec)
spec.loader.exec_module(validation)


@pytest.fixture(scope="module")
def cases():
    return validation.all_rows()


@pytest.fixture(scope="module")
def remarks():
    return [make() for make in validation.REMARKS]


def test_the_script_makes_the_committed_page(tmp_path):
    """In an interpreter of its own, warnings as errors."""
    code = (
        "import runpy, sys; from pathlib import Path;"
        "runpy.run_path(sys.argv[1])['main'](Path(sys.argv[2]))"
    )
    made = tmp_path / "validation.md"
    script = str(ROOT / "docs" / "validation.py")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, script, str(made)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert made.read_bytes() == (ROOT / "docs" / "validation.md").read_bytes(), AGAIN


def test_every_difference_is_within_its_tolerance(cases):
    rows = [row for case in cases for row in case]
    assert len(rows) > 150
    assert not [row for row in rows if not row.difference <= row.tolerance]
    assert all(0 < row.tolerance <= 1e-2 for row in rows)


def test_every_row_says_where_it_is_from(cases):
    for case in cases:
        assert case and len({row.quantity for row in case}) == len(case)
        assert all(row.case and row.source and row.evidence and row.quantity for row in case)


@pytest.mark.parametrize("sign", [-1, 1])
def test_rounding_noise_does_not_change_the_page(cases, remarks, sign):
    """No figure stands on the edge of a digit: 1e-11 of it more or less prints the same."""

    def noisy(value):
        if isinstance(value, str | bool | validation.Between):
            return value
        value = np.asarray(value, float)
        return value + sign * 1e-11 * np.maximum(0.1, np.abs(value))

    shaken = [[dataclasses.replace(row, ours=noisy(row.ours)) for row in case] for case in cases]
    words = [
        dataclasses.replace(r, rows=[(row[0], *map(noisy, row[1:])) for row in r.rows])
        for r in remarks
    ]
    assert validation.page(shaken, words) == PAGE, AGAIN


def test_another_answer_changes_the_page(cases, remarks):
    row = cases[0][0]
    wrong = dataclasses.replace(row, ours=row.ours + 2e-6)
    assert wrong.difference > wrong.tolerance
    assert validation.page([[wrong, *cases[0][1:]], *cases[1:]], remarks) != PAGE


@pytest.mark.parametrize(
    ("published", "ours", "difference"),
    [
        (1.0, 1.0 + 2e-9, 2e-9),
        (0.1, 0.1 + 2e-9, 2e-9),  # of max(1, |published|)
        (1e6, 1e6 + 1.0, 1e-6),
        ([1, 2], [1, 2.5], 0.25),
        ([1, 2], [1], np.inf),
        ([1, 2], [1, np.nan], np.inf),
        ("a / b", "a / b", 0.0),
        ("a / b", "b / a", np.inf),
        (True, False, np.inf),
        (validation.Between(0.17, 0.18), 0.175, 0.0),
        (validation.Between(0.17, 0.18), 0.19, 0.01),
        (validation.Between(10, 20), 9, 0.1),
    ],
)
def test_differences(published, ours, difference):
    row = validation.Row("case", "source", "quantity", published, ours, "evidence", 1e-9)
    assert row.difference == pytest.approx(difference, rel=1e-6)


def test_every_published_answer_in_the_tests_is_on_the_page():
    """The last authors and the year of each source that the tests name."""
    source = re.compile(r"(?:[\w'’-]+ & )?\w[\w'’-]+ \(\d{4}\)")
    page = PAGE.replace(" and ", " & ")
    files = sorted((ROOT / "tests").glob("test_published*.py"))
    assert len(files) >= 6
    for file in [*files, ROOT / "tests" / "test_random_cascades.py"]:
        cited = set(source.findall(file.read_text("utf-8").replace(" and ", " & ")))
        assert cited, file.name
        assert not sorted(name for name in cited if name not in page), f"{file.name}: {ADD}"


@pytest.mark.parametrize("name", datasets.names())
def test_every_dataset_is_on_the_page(name, cases):
    """Of published examples every figure, of the others the case or why there is none."""
    assert f"`{name}`" in PAGE, ADD
    if datasets.card(name).kind == "published example":
        rows = next(case for case in cases if f"`{name}`" in case[0].case)
        assert sum(np.size(row.published) for row in rows) == len(datasets.outcomes(name))


def test_every_remark_shows_a_difference(remarks):
    """Where conventions or errors are said to matter, the figures say so."""
    for remark in remarks:
        assert all(len(row) == 1 + len(remark.columns) for row in remark.rows)
        apart = [validation.shown(row[-1]) != validation.shown(row[-2]) for row in remark.rows]
        assert any(apart), remark.title
    text = PAGE.split("## Where published figures differ")[1].split("## Not on this page")[0]
    for word in ("Strict or weak", "Senior or pari passu", "swapped", "first round", "equilibri"):
        assert word in text


def test_the_links_of_the_page_lead_somewhere():
    links = re.findall(r"\]\(([^)#\s]+)\)", PAGE)
    assert links
    assert not [x for x in links if "://" not in x and not (ROOT / "docs" / x).exists()]
