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
    grown = {"task": "clearing", "seconds": 3.0, "unit": 1.0, "reach": 9.0}
    told = {"tasks": tasks(1.0, 1.0, 1.0), "growth": [{"nodes": 10, "rows": [grown]}]}
    before.write_text(json.dumps(told))
    new = [{"task": "new", "nodes": 1, "ratio": 9.0}, {"task": "clearing", "nodes": 10, "ratio": 6}]
    found = suite.moved([*tasks(1.2, 2.0, 0.5), *new], before)
    assert [line.partition(" (")[0] for line in found] == [
        "slower: t1", "quicker: t2", "slower: clearing",
    ]  # fmt: skip


def test_the_exponent_is_that_of_a_power_of_the_size(suite):
    import growth

    power = {10**k: 3.0 * 10 ** (1.2 * k) for k in range(3, 7)}
    assert growth.exponent(power) == pytest.approx(1.2)
    bent = {10: 10.0, 100: 10.0, 1000: 100.0, 10_000: 1000.0}
    assert growth.exponent(bent, 3) == pytest.approx(1.0) != growth.exponent(bent)
