"""The page of benchmarks is made from what was recorded, and what moved is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def suite(monkeypatch):
    pytest.importorskip("resource")
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import suite

    return suite


def test_the_page_is_made_from_what_was_recorded(suite):
    told = json.loads((ROOT / "benchmarks" / "recorded.json").read_text("utf-8"))
    assert suite.PAGE.read_text("utf-8") == suite.page(told)


def test_what_moved_is_said_either_way(suite, tmp_path):
    def tasks(*ratios):
        return [{"task": f"t{k}", "nodes": 10, "ratio": x} for k, x in enumerate(ratios)]

    before = tmp_path / "recorded.json"
    assert suite.moved(tasks(1.0), before) == []
    before.write_text(json.dumps({"tasks": tasks(1.0, 1.0, 1.0)}))
    found = suite.moved([*tasks(1.2, 2.0, 0.5), {"task": "new", "nodes": 1, "ratio": 9.0}], before)
    assert [line.partition(" (")[0] for line in found] == ["slower: t1", "quicker: t2"]
