"""Single defaults on the nodes that they reach alone, against runs of the whole network."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import random_network
from numpy.testing import assert_allclose

import contagion as ct
from contagion.measures import impact, reach

MODELS = (ct.EisenbergNoe(), ct.models.Furfine(0.6), ct.models.GaiKapadia())
KNOWN = ("insolvent", "pari_passu", "external_tiers", "tiers", "pro_rata", "queues", "unknown",
         "unfailing", "parallel")  # fmt: skip


def both(net, model, monkeypatch):
    """The table of every default by runs of all nodes and by copies; and what was copied."""
    copied = []

    def counted(*given):
        for part in reach.reached(*given):
            copied.append(part)
            yield part

    monkeypatch.setattr(impact, "reached", counted)
    monkeypatch.setattr(impact, "FEW", np.inf)
    whole = ct.measures.each_default(net, model, recovery=0.3, more=True).table
    assert not copied
    monkeypatch.setattr(impact, "FEW", -1)
    parts = ct.measures.each_default(net, model, recovery=0.3, more=True).table
    return whole, parts, copied


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_copies_say_what_the_whole_network_says(model, monkeypatch):
    triggers = further = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        has = frozenset(name for name in KNOWN if rng.random() < 0.4)
        net = random_network(seed, int(rng.integers(4, 25)), float(rng.uniform(0.8, 3)), has)
        whole, parts, copied = both(net, model, monkeypatch)
        for name in whole:
            scale = 100.0 if "index" in name or name == "hazard" else 1 + net.book.claims.sum()
            scale = 1.0 if name == "amplification" else scale
            assert_allclose(parts[name], whole[name], rtol=1e-6, atol=1e-8 * scale, err_msg=name)
        triggers += sum(len(part.triggers) for part in copied)
        further += sum(int(part.new.sum()) for part in copied)
    assert triggers > 30 and further > 30


def chain(n: int) -> ct.ExposureNetwork:
    """Each node owes the next one 10 and has 1 of capital."""
    matrix = np.diag(np.full(n - 1, 10.0), 1)
    return ct.ExposureNetwork.from_matrix(
        matrix, list(range(n)), orientation="debtor->creditor", equity=np.ones(n)
    )


def test_a_default_that_reaches_many_is_run_on_all(monkeypatch):
    """The first of 30 reaches 30 nodes, the last ones a few: these are copied, those are not."""
    monkeypatch.setattr(reach, "WIDE", 5)
    whole, parts, copied = both(chain(30), ct.EisenbergNoe(), monkeypatch)
    assert_allclose(parts, whole, rtol=1e-9, atol=1e-9)
    assert {node for part in copied for node in part.triggers} < set(range(30))


@pytest.mark.parametrize("together", [1, 7, 1000])
def test_how_many_are_run_together_changes_nothing(together, monkeypatch):
    monkeypatch.setattr(reach, "TOGETHER", together)
    whole, parts, copied = both(chain(20), ct.EisenbergNoe(), monkeypatch)
    assert_allclose(parts, whole, rtol=1e-9, atol=1e-9)
    assert len(copied) > 1


def test_what_a_node_does_elsewhere_is_not_copied():
    net, model = chain(6), ct.EisenbergNoe()
    assert reach.separable(net, model)
    assert not reach.separable(net.with_rule(2, "equal_awards"), model)
    rates = dict.fromkeys(range(6), 0.5)
    assert not reach.separable(net, ct.models.Furfine(rates))
    assert not reach.separable(net, ct.models.RogersVeraart(0.5, 0.5))
