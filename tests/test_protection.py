"""Whom to protect, which exposures carry the loss, and through whom an impact goes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from conftest import from_liabilities, random_network, random_shock

import contagion as ct
from contagion.measures import ranking
from contagion.measures.ranking import protection


@pytest.fixture
def fork() -> ct.ExposureNetwork:
    """a owes b and c 10 each; b owes d 8, c owes e 6; capital 1, 2, 3, 5, 5."""
    matrix = np.zeros((5, 5))
    matrix[0, 1] = matrix[0, 2] = 10
    matrix[1, 3], matrix[2, 4] = 8, 6
    return ct.ExposureNetwork.from_matrix(
        matrix, list("abcde"), orientation="debtor->creditor", equity=[1, 2, 3, 5, 5]
    )


def test_by_hand(fork):
    """a pays nothing. b loses 10 of 2 and has 0: d loses 5 of its 5, and 3 reach outside.

    c loses 10 of 3: e loses 5, 1 outside, and the external creditors of c (1) lose 1.
    """
    found = ranking.protect(fork, ct.EisenbergNoe(), ct.Shock.default("a"), target=13.0)
    result = ct.EisenbergNoe().propagate(fork, ct.Shock.default("a"))
    borne = result.loss.sum() + result.outside_losses.sum()
    assert found.table["loss"].iloc[0] == pytest.approx(borne)
    assert found.nodes == ["b"]
    assert found.table["support"].iloc[-1] == pytest.approx(8.0)
    assert found.table["avoided"].iloc[-1] == pytest.approx(8.0)
    assert found.reached and found.optimal and found.least == 1


def borne(net: ct.ExposureNetwork, shock: ct.Shock, protected: list) -> tuple[float, float]:
    """Loss of owners and external creditors with nodes that pay in full, and their support."""
    may = {name: name not in protected for name in net.names}
    safe = net.with_nodes(
        can_fail={k: v and bool(net.book.can_fail[net.position(k)]) for k, v in may.items()}
    )
    result = ct.EisenbergNoe().propagate(safe, shock)
    at = [net.position(name) for name in protected]
    equity = np.maximum(net.book.equity, 0)
    lost = result.loss.copy()
    lost[at] = np.minimum(lost[at], equity[at])
    support = np.maximum(result.loss[at] - net.book.equity[at], 0).sum()
    return lost.sum() + result.outside_losses.sum(), support


@pytest.mark.parametrize("seed", range(12))
def test_protected_nodes_are_nodes_that_cannot_fail(seed):
    features = {"tiers", "pro_rata"} if seed % 2 else {"pari_passu"}
    net = random_network(seed, 9, 2.5, features)
    shock = random_shock(net, seed, pinned=seed % 3 == 0)
    found = ranking.protect(net, ct.EisenbergNoe(), shock, target=0.0, max_size=3)
    for step in range(len(found.table)):
        want = borne(net, shock, found.nodes[:step])
        row = found.table.iloc[step]
        assert (row["loss"], row["support"]) == pytest.approx(want, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("seed", range(12))
def test_no_smaller_set_reaches_the_target(seed):
    net = random_network(seed + 40, 9, 2.5, {"tiers"})
    shock = random_shock(net, seed, scale=1.0) + ct.Shock.relative(0.0)
    found = ranking.protect(net, ct.EisenbergNoe(), shock, max_size=4)
    result = ct.EisenbergNoe().propagate(net, shock)
    short = [n for n in net.names if result.table.loc[n, "shortfall"] > 1e-9]
    if not found.reached:
        return
    assert found.optimal and found.least <= len(found.nodes)
    for size in range(len(found.nodes)):
        for chosen in combinations(short, size):
            assert borne(net, shock, list(chosen))[0] > found.target - 1e-9


def test_greedy_is_near_and_its_bound_holds(monkeypatch):
    """Without trying every set: the bound stays below, and the greedy set is no worse than one."""
    for seed in range(6):
        net = random_network(seed + 40, 12, 3.0)
        shock = random_shock(net, seed)
        exact = ranking.protect(net, ct.EisenbergNoe(), shock, max_size=6)
        monkeypatch.setattr(protection, "EXACT", 0)
        greedy = ranking.protect(net, ct.EisenbergNoe(), shock, max_size=6)
        monkeypatch.undo()
        assert greedy.table["loss"].is_monotonic_decreasing
        if exact.reached and greedy.reached:
            assert greedy.least <= len(exact.nodes) <= len(greedy.nodes) <= len(exact.nodes) + 1
        assert greedy.optimal is None or len(greedy.nodes) == greedy.least


@pytest.mark.parametrize("model", [ct.EisenbergNoe(), ct.models.RogersVeraart(0.8, 0.9)])
def test_nobody_who_was_not_run_avoids_more(model, monkeypatch):
    """One candidate at a time, by shortfall: the steps are those of running all of them."""
    monkeypatch.setattr(protection, "EXACT", 0)
    for seed in range(6):
        net = random_network(seed + 60, 25, 4.0)
        shock = random_shock(net, seed)
        found = []
        for together in (1, 1_000):
            monkeypatch.setattr(protection, "TOGETHER", together)
            found.append(ranking.protect(net, model, shock, target=0.0, max_size=4))
        np.testing.assert_allclose(found[0].table["loss"], found[1].table["loss"])
        assert found[0].left_out == found[1].left_out == 0


def test_what_a_large_network_leaves_out_is_said(monkeypatch):
    net = random_network(61, 25, 4.0)
    shock = random_shock(net, 1)
    for name, value in {"EXACT": 0, "TOGETHER": 1, "MOST": 1}.items():
        monkeypatch.setattr(protection, name, value)
    found = ranking.protect(net, ct.models.RogersVeraart(0.8, 0.9), shock, target=0.0)
    assert found.left_out > 0
    assert f"{found.left_out:,} candidates with smaller shortfalls were not run" in repr(found)


def test_support_pays_for_what_is_avoided():
    """Clearing without default costs: what others lose less is what the support brings."""
    net = random_network(7, 10, 2.5)
    found = ranking.protect(net, ct.EisenbergNoe(), random_shock(net, 7), target=0.0, max_size=3)
    np.testing.assert_allclose(found.table["avoided"], found.table["support"], atol=1e-8)


def test_default_costs_make_a_rescue_worth_more(ring):
    model = ct.models.RogersVeraart(0.5, 0.5, which="greatest")
    found = ranking.protect(ring, model, ct.Shock.loss({"a": 4.0}), target=0.0, max_size=2)
    assert np.isnan(found.least)
    assert found.table["avoided"].iloc[1] > found.table["support"].iloc[1] + 0.1


def test_chosen_candidates_and_a_target_out_of_reach(fork):
    shock = ct.Shock.default("a")
    found = ranking.protect(fork, ct.EisenbergNoe(), shock, candidates=["c"], target=0.0)
    assert found.nodes == ["c"] and not found.reached and found.optimal is None
    assert "target 0 not reached" in repr(found)


def test_no_node_needs_protection(fork):
    found = ranking.protect(fork, ct.EisenbergNoe(), ct.Shock.default("d"))
    assert found.nodes == [] and found.reached
    assert "Protect no node" in repr(found)


def test_what_it_says(fork):
    text = repr(ranking.protect(fork, ct.EisenbergNoe(), ct.Shock.default("a"), target=13.0))
    assert text.splitlines()[0].startswith("Protect b: loss ")
    assert "any set needs 1 or more; no smaller set does it" in text


@pytest.mark.parametrize(
    ("model", "options", "error", "words"),
    [
        (ct.DebtRank(), {}, ct.ModelError, "DebtRank does not settle"),
        (ct.EisenbergNoe(), {"candidates": ["x"]}, KeyError, "'x'"),
        (ct.EisenbergNoe(), {"max_size": 0}, ValueError, "max_size = 0"),
    ],
)
def test_errors(fork, model, options, error, words):
    with pytest.raises(error, match=words):
        ranking.protect(fork, model, ct.Shock.default("a"), **options)


def test_models_with_more_channels_are_refused(fork):
    joint = ct.models.JointModel()
    if joint.propagate(fork, ct.Shock.default("a")).outcome.channels is None:
        pytest.skip("the joint model has one channel without holdings")
    with pytest.raises(ct.ModelError, match="channels besides claims"):
        ranking.protect(fork, joint, ct.Shock.default("a"))


# -- critical exposures ----------------------------------------------------------------------


def test_gain_of_an_exposure_by_hand(fork):
    """Without the claim of b on a: b keeps its 2, d its 5."""
    found = ranking.critical_exposures(fork, ct.EisenbergNoe(), ct.Shock.default("a"))
    gain = found.set_index(["creditor", "debtor"])["gain"]
    assert gain["b", "a"] == pytest.approx(2 + 5)
    assert gain["c", "a"] == pytest.approx(3 + 5)
    assert gain["d", "b"] == pytest.approx(5) and gain["e", "c"] == pytest.approx(5)
    assert found["gain"].is_monotonic_decreasing
    total = ct.EisenbergNoe().propagate(fork, ct.Shock.default("a")).loss.sum()
    np.testing.assert_allclose(found["gain_share"], found["gain"] / total)


def test_several_shocks_add_up(fork):
    shocks = [ct.Shock.default("a"), ct.Shock.default("b")]
    both = ranking.critical_exposures(fork, ct.EisenbergNoe(), shocks, candidates=[0, 1, 2, 3])
    parts = [
        ranking.critical_exposures(fork, ct.EisenbergNoe(), s, candidates=[0, 1, 2, 3])
        for s in shocks
    ]
    np.testing.assert_allclose(
        both["gain"].sort_index(), sum(part["gain"].sort_index() for part in parts)
    )


def test_only_exposures_that_lose_are_tried(fork):
    found = ranking.critical_exposures(fork, ct.EisenbergNoe(), ct.Shock.default("b"))
    assert found[["creditor", "debtor"]].values.tolist() == [["d", "b"]]
    assert (
        len(ranking.critical_exposures(fork, ct.models.Furfine(), ct.Shock.default("a"), most=2))
        == 2
    )


def test_a_gain_can_be_negative():
    """a has 12 of 20 left: b and c lose 4 each, b of its 3. Without b's claim c alone loses 8."""
    net = from_liabilities([[0, 10, 10], [0, 0, 0], [0, 0, 0]], [24, 0, 20], [0, 7, 0])
    found = ranking.critical_exposures(net, ct.EisenbergNoe(), ct.Shock.loss({"a": 12.0}))
    assert found["creditor"].tolist() == ["c", "b"]
    assert found["gain"].tolist() == pytest.approx([4.0, -1.0])


# -- through whom ----------------------------------------------------------------------------


def test_neighbours_and_paths(fork):
    why = ranking.explain_impact(fork, ct.EisenbergNoe(), "a")
    assert why.impact == pytest.approx(2 + 3 + 5 + 5)
    assert why.neighbours["creditor"].tolist() == ["b", "c"]
    assert why.neighbours["lost"].tolist() == pytest.approx([10, 10])
    assert why.neighbours["own"].tolist() == pytest.approx([2, 3])
    assert why.neighbours["passed"].tolist() == pytest.approx([8, 7])
    assert why.neighbours["defaulted"].tolist() == [True, True]
    assert set(why.paths["path"]) == {"a → b", "a → c", "a → b → d", "a → c → e"}
    assert why.impact == pytest.approx(ct.measures.default_impact(fork, ct.EisenbergNoe()).loc["a"])


def test_the_rule_is_named():
    net = ct.datasets.load("three_venues")
    why = ranking.explain_impact(net, ct.EisenbergNoe(), "exchange")
    assert why.rule == "waterfall" and "share by waterfall" in repr(why)


def test_nobody_loses(fork):
    why = ranking.explain_impact(fork, ct.EisenbergNoe(), "d")
    assert why.impact == 0 and why.neighbours.empty and why.paths.empty
    assert repr(why).startswith("d: others lose 0")
    assert isinstance(why.paths, pd.DataFrame)
