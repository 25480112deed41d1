"""Contingent claims by hand: covers, support, assessments, guarantors that fail, paths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from promises import build, calls, losses, promise, run

import contagion as ct
from contagion.rules import Layer, Priority, Queue, Waterfall

RANKINGS = ("senior", "pari_passu", "junior")


# -- covers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cap", "called"), [(3.0, 3.0), (4.0, 4.0), (25.0, 4.0), (0.0, 0.0)])
def test_a_cover_pays_the_first_loss_up_to_its_amount(cap, called):
    net = build({"a": 6, "b": 1, "g": 30}, ["a b 10"], [promise("g", "a", cap, "b")])
    result = run(net)
    assert calls(result) == [[called, called]]
    assert losses(result) == {"a": 0, "b": 4 - called, "g": called}
    assert result.flows["loss"].tolist() == [4.0]  # the claim itself loses what it loses


def test_guarantors_of_one_creditor_share_pro_rata_to_their_amounts():
    table = [promise("g", "a", 2, "b"), promise("h", "a", 4, "b")]
    net = build({"a": 1, "b": 1, "g": 9, "h": 9}, ["a b 10"], table)
    assert calls(run(net)) == [[2, 2], [4, 4]]
    assert calls(run(net, ct.Shock())) == calls(run(net))
    small = net.with_nodes(external_assets={"a": 7})
    assert calls(run(small)) == [[1, 1], [2, 2]]


def test_what_one_of_them_does_not_pay_stays_with_the_creditor():
    table = [promise("g", "a", 2, "b"), promise("h", "a", 4, "b")]
    net = build({"a": 7, "b": 1, "g": 0, "h": 9}, ["a b 10"], table)
    result = run(net)
    assert calls(result) == [[1, 0], [2, 2]]
    assert losses(result) == {"a": 0, "b": 1, "g": 0, "h": 2}


def test_a_cover_is_of_all_claims_of_a_creditor_whatever_their_tier():
    """a has 3 for 4 senior and 8 junior of b: b loses 1 + 8, g covers the first 8.5 of it."""
    nodes = pd.DataFrame({"node": ["a", "b", "g"], "external_assets": [3.0, 1.0, 20.0]})
    owed = {"debtor": ["a", "a"], "creditor": ["b", "b"], "amount": [4.0, 8.0], "tier": [1, 2]}
    table = [promise("g", "a", 8.5, "b")]
    net = ct.ExposureNetwork(nodes, owed, guarantees=table, duplicates="keep")
    result = run(net)
    assert result.flows["loss"].tolist() == [1, 8]
    assert calls(result) == [[8.5, 8.5]]
    assert losses(result)["b"] == 0.5


def test_only_the_creditor_that_is_named_is_covered():
    net = build(
        {"a": 10, "b": 1, "c": 1, "g": 9}, ["a b 10", "a c 10"], [promise("g", "a", 9, "b")]
    )
    assert losses(run(net)) == {"a": 0, "b": 0, "c": 5, "g": 5}


def test_a_pinned_debtor_loses_a_part_of_every_claim_and_the_cover_takes_the_first_loss():
    net = build({"a": 12, "b": 1, "g": 9}, ["a b 10"], [promise("g", "a", 5, "b")])
    result = run(net, ct.Shock.default("a", recovery=0.4))  # b loses 6
    assert calls(result) == [[5, 5]]
    assert losses(result) == {"a": 2, "b": 1, "g": 5}


def test_a_pinned_debtor_calls_no_support():
    net = build({"a": 12, "b": 8, "g": 9}, ["a b 10"], [promise("g", "a", 5)])
    result = run(net, ct.Shock.default("a", recovery=0.4))
    assert calls(result) == [[0, 0]]
    assert losses(result) == {"a": 2, "b": 6, "g": 0}
    assert result.layers.query("node == 'a'")["absorbed"].round(9).tolist() == [2, 0, 6]


# -- guarantors that fail -----------------------------------------------------------------------

# a has nothing for the 10 it owes b; the insurer i covers them, has 6 and owes c 2
INSURER = {"senior": (6.0, 2.0), "pari_passu": (5.0, 1.0), "junior": (4.0, 0.0)}


@pytest.mark.parametrize("ranking", RANKINGS)
def test_an_insurer_that_fails_by_hand(ranking):
    table = [promise("i", "a", 10, "b", ranking=ranking)]
    net = build({"a": 0, "b": 20, "c": 20, "i": 6}, ["a b 10", "i c 2"], table)
    result = run(net)
    paid, lost = INSURER[ranking]
    assert calls(result) == [[10, paid]]
    assert losses(result) == {"a": 0, "b": 10 - paid, "c": lost, "i": 4}
    assert result.outcome.defaulted.tolist() == [True, False, False, True]
    word = {"senior": "senior calls", "pari_passu": "calls", "junior": "junior calls"}[ranking]
    rows = result.layers.query("node == 'i'")
    got = dict(zip(rows["layer"], rows["absorbed"].round(9), strict=True))
    want = {"equity": 4.0, word: 10 - paid, "tier 1": lost}
    assert got == {name: x for name, x in want.items() if x or name == "tier 1"}
    assert sum(got.values()) == 10  # all that it was called for


@pytest.mark.parametrize("ranking", RANKINGS)
def test_a_reinsurer_stands_before_whatever_the_insurer_owes(ranking):
    """i has 3, r supports it up to 5: b gets 8 of 10, however the call ranks."""
    table = [promise("i", "a", 10, "b", ranking=ranking), promise("r", "i", 5)]
    net = build({"a": 0, "b": 20, "i": 3, "r": 50}, ["a b 10"], table)
    result = run(net)
    assert calls(result) == [[10, 8], [5, 5]]
    assert losses(result) == {"a": 0, "b": 2, "i": 3, "r": 5}


def test_a_guarantee_of_a_guarantor_can_cover_its_claims_and_its_calls_still_rank_with_them():
    """i pays half of 10 + 2; h covers what c loses on i."""
    table = [promise("i", "a", 10, "b"), promise("h", "i", 0.75, "c")]
    net = build({"a": 0, "b": 20, "c": 20, "i": 6, "h": 3}, ["a b 10", "i c 2"], table)
    result = run(net)
    assert calls(result) == [[10, 5], [0.75, 0.75]]
    assert losses(result) == {"a": 0, "b": 5, "c": 0.25, "i": 4, "h": 0.75}


@pytest.mark.parametrize("recovery", [0.0, 0.5, 1.0])
def test_a_pinned_guarantor_pays_its_recovery_of_the_need_and_not_of_its_promise(recovery):
    """a is short by 4; a promise of 9 is called for 4, not for 8 to make up for the recovery."""
    table = [promise("g", "a", 9)]
    net = build({"a": 6, "b": 20, "g": 40}, ["a b 10"], table)
    result = run(net, ct.Shock.default("g", recovery=recovery))
    assert calls(result) == [[4, 4 * recovery]]
    assert losses(result)["b"] == 4 * (1 - recovery)


def test_support_of_nobody_who_can_pay_costs_few_rounds():
    """The call is as large as the need, however much larger the promise is."""
    net = build({"a": 9, "b": 20, "g": 0}, ["a b 10"], [promise("g", "a", 1e9)])
    result = run(net)
    assert calls(result) == [[1, 0]]
    assert int(result.outcome.rounds) < 10


def test_two_who_guarantee_each_other():
    """a lacks 6, b lacks 2; together 8 are missing and the two can give each other nothing."""
    table = [promise("a", "b", 9, ranking="junior"), promise("b", "a", 9, ranking="junior")]
    net = build({"a": 4, "b": 8, "x": 20, "y": 20}, ["a x 10", "b y 10"], table)
    result = run(net)
    assert result.loss.sum() == pytest.approx(8)
    assert calls(result)[0][1] == calls(result)[1][1] == 0


def test_a_rich_one_of_two_who_guarantee_each_other_pays():
    table = [promise("a", "b", 9), promise("b", "a", 9)]
    net = build({"a": 4, "b": 30, "x": 20, "y": 20}, ["a x 10", "b y 10"], table)
    result = run(net)
    assert calls(result) == [[0, 0], [6, 6]]
    assert losses(result) == {"a": 0, "b": 6, "x": 0, "y": 0}


def test_a_node_that_cannot_fail_pays_every_call():
    nodes = pd.DataFrame({"node": ["a", "b", "g"], "external_assets": [6.0, 1.0, 1.0]})
    nodes["can_fail"] = [True, True, False]
    owed = {"debtor": ["a"], "creditor": ["b"], "amount": [10.0]}
    net = ct.ExposureNetwork(nodes, owed, guarantees=[promise("g", "a", 9)])
    result = run(net)
    assert losses(result) == {"a": 0, "b": 0, "g": 4}
    assert result.layers.query("node == 'g'")[["layer", "absorbed"]].to_numpy().tolist() == [
        ["equity", 4.0]
    ]


def test_a_guarantor_of_unknown_size_pays_and_is_named_as_holder():
    nodes = pd.DataFrame({"node": ["a", "b", "g"], "external_assets": [6.0, 1.0, np.nan]})
    owed = {"debtor": ["a"], "creditor": ["b"], "amount": [10.0]}
    net = ct.ExposureNetwork(
        nodes, owed, guarantees=[promise("g", "a", 9)], missing_equity="external"
    )
    result = run(net)
    assert result.bearers[["bearer", "role", "amount"]].to_numpy().tolist() == [["g", "holder", 4]]


def test_a_pinned_guarantor_of_unknown_size_passes_on_what_it_does_not_pay():
    """g pays nothing of 4: b bears them and g, of whom nothing is known, nothing."""
    nodes = pd.DataFrame({"node": ["a", "b", "g"], "external_assets": [6.0, 9.0, np.nan]})
    owed = {"debtor": ["a"], "creditor": ["b"], "amount": [10.0]}
    net = ct.ExposureNetwork(
        nodes, owed, guarantees=[promise("g", "a", 9)], missing_equity="external"
    )
    result = run(net, ct.Shock.default("g", recovery=0.0))
    assert losses(result) == {"a": 0, "b": 4, "g": 0}


# -- assessments --------------------------------------------------------------------------------


def house(capacity=None, **assets):
    """A clearing house: own 10, a fund of 12 + 8, assessments of 40 and 20, gains of 100."""
    rule = Waterfall([Layer("fund"), Layer("assessments", capacity=capacity), Layer("gains")])
    table = [promise("m", "ccp", 40, layer="assessments")]
    table += [promise("k", "ccp", 20, layer="assessments")]
    have = {"ccp": 130, "m": 100, "k": 100, "w": 1} | assets
    owed = ["ccp m 12 fund", "ccp k 8 fund", "ccp w 100 gains"]
    return build(have, owed, table, rules={"ccp": rule})


LADDER = [  # hole, then what equity, fund, assessments and gains absorb
    (7, [7, 0, 0, 0]),
    (25, [10, 15, 0, 0]),
    (50, [10, 20, 20, 0]),
    (90, [10, 20, 60, 0]),
    (100, [10, 20, 60, 10]),
]


@pytest.mark.parametrize(("hole", "absorbed"), LADDER)
def test_the_waterfall_of_a_clearing_house_in_closed_form(hole, absorbed):
    result = run(house(), ct.Shock.loss({"ccp": hole}))
    assert result.layers.query("node == 'ccp'")["absorbed"].round(9).tolist() == absorbed
    fund, call, gains = absorbed[1:]
    assert result.calls["called"].tolist() == pytest.approx([call * 2 / 3, call / 3])
    want = {"ccp": absorbed[0], "m": 0.6 * fund + call * 2 / 3, "k": 0.4 * fund + call / 3}
    assert losses(result) == pytest.approx({**want, "w": gains})
    assert not result.outcome.defaulted.any()  # the layers share by the rule, nobody fails


@pytest.mark.parametrize(
    ("hole", "m_pays", "k_called", "gains"), [(36, 6, 3, 0), (50, 20, 10, 0), (80, 40, 20, 10)]
)
def test_the_unpaid_call_of_a_member_goes_to_the_others_up_to_their_cap(
    hole, m_pays, k_called, gains
):
    """k fails and pays nothing: m is called for all the need, k for its part of the same rate."""
    shock = ct.Shock.loss({"ccp": hole}) + ct.Shock.default("k", recovery=0.0)
    result = run(house(), shock)
    assert calls(result) == [[m_pays, m_pays], [k_called, 0]]
    rows = result.layers.query("node == 'ccp'")["absorbed"]
    assert rows.round(9).tolist() == [10, 20, m_pays, gains]
    assert losses(result)["w"] == gains


def test_a_small_member_is_called_for_its_whole_cap_when_the_large_one_is_gone():
    """A need of 25 with m gone: k is called for all its 20, 5 fall on the gains."""
    shock = ct.Shock.loss({"ccp": 55}) + ct.Shock.default("m", recovery=0.0)
    result = run(house(), shock)
    assert calls(result) == [[25, 0], [20, 20]]  # nobody is called for more than the need
    assert losses(result)["w"] == 5


def test_a_layer_calls_no_more_than_its_capacity():
    """Promises of 60 in a layer of 30: what is above is never called, not even at the end."""
    result = run(house(capacity=30.0), ct.Shock.loss({"ccp": 130}))
    assert calls(result) == [[20, 20], [10, 10]]
    rows = result.layers.query("node == 'ccp'")
    assert rows["absorbed"].round(9).tolist() == [10, 20, 30, 70]
    assert rows["capacity"].tolist() == [10, 20, 30, 100]


def test_assessments_in_turn():
    """A queue calls the highest rank first; what it does not pay is called from the next."""
    rule = Waterfall([Layer("assessments", Queue("turn")), Layer("gains")])
    table = [
        promise("m", "ccp", 40, layer="assessments", turn=2),
        promise("k", "ccp", 20, layer="assessments", turn=1),
    ]
    have = {"ccp": 100, "m": 100, "k": 100, "w": 60}
    nodes = pd.DataFrame({"node": list(have), "external_assets": list(have.values())})
    owed = {"debtor": ["ccp"], "creditor": ["w"], "amount": [100.0], "layer": ["gains"]}
    net = ct.ExposureNetwork(
        nodes, pd.DataFrame(owed).assign(turn=0), rules={"ccp": rule}, guarantees=table
    )
    assert calls(run(net, ct.Shock.loss({"ccp": 50}))) == [[40, 40], [10, 10]]
    broke = ct.Shock.loss({"ccp": 50}) + ct.Shock.default("m", recovery=0.0)
    result = run(net, broke)
    assert calls(result) == [[40, 0], [20, 20]]
    assert losses(result)["w"] == 30


def test_support_without_a_layer_comes_before_the_waterfall():
    rule = Waterfall([Layer("support"), Layer("gains")])
    table = [promise("g", "ccp", 5)]
    owed = ["ccp m 12 support", "ccp w 50 gains"]
    net = build({"ccp": 62, "g": 2, "m": 1, "w": 1}, owed, table, rules={"ccp": rule})
    result = run(net, ct.Shock.loss({"ccp": 9}))
    rows = result.layers.query("node == 'ccp'")
    assert rows["layer"].tolist() == ["support", "support", "gains"]
    assert rows["absorbed"].round(9).tolist() == [2, 7, 0]  # g has 2 of the 5; the fund loses 7


def test_creditors_outside_the_graph_have_a_row_where_they_lose_alone():
    """Tier 2 is owed outside only: it loses before the claim, and the row says so."""
    nodes = pd.DataFrame({"node": ["a", "b", "g"], "external_assets": [6.0, 1.0, 9.0]})
    nodes = nodes.assign(external_liabilities=[5.0, 0.0, 0.0], external_tier=[2, 0, 0])
    owed = {"debtor": ["a"], "creditor": ["b"], "amount": [10.0]}
    net = ct.ExposureNetwork(nodes, owed, guarantees=[promise("g", "a", 2)])
    rows = run(net).layers.query("node == 'a'")
    names = ["support", "external creditors", "tier 1"]
    assert rows["layer"].tolist() == names
    assert rows["absorbed"].round(9).tolist() == [2, 5, 2]


def test_the_rule_of_the_debtor_decides_what_is_called():
    """Under a queue b loses all 4 and its cover pays; pro rata it pays 2 of them."""
    nodes = pd.DataFrame({"node": ["a", "b", "c", "g"], "external_assets": [6.0, 5.0, 5.0, 9.0]})
    owed = {"debtor": ["a", "a"], "creditor": ["b", "c"], "amount": [5.0, 5.0], "rank": [1, 0]}
    net = ct.ExposureNetwork(nodes, owed, guarantees=[promise("g", "a", 9, "b")])
    assert calls(run(net)) == [[2, 2]]
    assert calls(run(net.with_rule("a", Queue()))) == [[4, 4]]
    assert calls(run(net.with_rule("a", Priority()))) == [[2, 2]]


# -- paths --------------------------------------------------------------------------------------


def test_paths_and_hops_follow_the_guarantees():
    """b is covered, so the loss of a goes to i, and what i cannot pay to b and to c."""
    table = [promise("i", "a", 10, "b")]
    net = build({"a": 10, "b": 20, "c": 20, "i": 6, "z": 9}, ["a b 10", "i c 2", "c z 1"], table)
    result = run(net, ct.Shock.loss({"a": 10}))
    assert dict(zip(net.names, result.hops, strict=True)) == {
        "a": 0,
        "b": 2,
        "c": 2,
        "i": 1,
        "z": -1,
    }
    assert result.explain("i").table[["path", "amount"]].to_numpy().tolist() == [["a → i", 10.0]]
    paths = result.explain("b").table
    assert paths["path"].tolist() == ["a → i → b"]
    assert paths["amount"].tolist() == pytest.approx([5])
    assert result.explain("c").table["amount"].tolist() == pytest.approx([1])


@pytest.mark.parametrize("tolerance", [1e-6, 1e-8, 1e-10, 1e-13])
def test_calls_settle_at_every_tolerance(tolerance):
    """One of these 600 scenarios oscillated for 10,000 rounds by the error of each solution."""
    net = ct.datasets.load("three_venues")
    scenarios = ct.scenarios.common_factor(
        net, volatility=0.3, correlation=0.4, scenarios=2000, rng=7
    )
    model = ct.EisenbergNoe(tolerance=tolerance)
    found = model.solve(net, scenarios.draw(0, 600).losses)
    assert found.converged.all() and found.residual.max() <= tolerance
    assert found.rounds.max() < 300
