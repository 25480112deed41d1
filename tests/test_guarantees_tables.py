"""Tables of guarantees: what is refused and why, and who keeps them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from promises import build, calls, losses, promise, run

import contagion as ct
from contagion.errors import ModelError, NetworkError, RuleError
from contagion.rules import Layer, Queue, Waterfall

# -- tables that are refused --------------------------------------------------------------------

BAD = [
    ({"guarantor": "q"}, "guarantor that is not a node"),
    ({"debtor": "q"}, "debtor that is not a node"),
    ({"creditor": "q"}, "creditor that is not a node"),
    ({"guarantor": None}, "guarantor is empty in row"),
    ({"debtor": ""}, "debtor is empty in row"),
    ({"amount": -1.0}, "not a number ≥ 0"),
    ({"amount": float("nan")}, "amount is empty in row"),
    ({"amount": float("inf")}, "not a number ≥ 0"),
    ({"amount": "a lot"}, "not a number ≥ 0"),
    ({"ranking": "first"}, "not one of senior, pari_passu, junior"),
    ({"guarantor": "a", "creditor": None}, "a node guarantees its own debts"),
    ({"guarantor": "b"}, "a node covers its own claims"),
    ({"creditor": "c"}, "the creditor has no claim on the debtor"),
    ({"layer": "fund"}, "a layer is given for the cover of a creditor"),
]


@pytest.fixture
def plain():
    return build({"a": 6, "b": 1, "c": 1, "g": 9}, ["a b 10"])


@pytest.mark.parametrize(("change", "message"), BAD)
def test_tables_that_do_not_fit_are_refused(plain, change, message):
    good = promise("g", "a", 3.0, "b")
    with pytest.raises(NetworkError, match=message):
        plain.with_guarantees([good, good | change])


def test_the_row_is_named_and_the_closest_name(plain):
    good = promise("g", "a", 3.0, "b")
    with pytest.raises(NetworkError, match=r"amount.* row 2"):
        plain.with_guarantees([good, good | {"amount": -1}])
    net = build({"aave": 6, "b": 1, "g": 9}, ["aave b 10"])
    with pytest.raises(NetworkError, match="aave"):
        net.with_guarantees([promise("g", "aavve", 3)])


@pytest.mark.parametrize("column", ["guarantor", "debtor", "amount"])
def test_columns_that_are_required(plain, column):
    table = pd.DataFrame([promise("g", "a", 3.0, "b")]).drop(columns=column)
    with pytest.raises(NetworkError, match=f"has no column '{column}'"):
        plain.with_guarantees(table)


def test_layers_that_do_not_fit_are_refused(plain):
    with pytest.raises(RuleError, match=r"has none\. Leave the layer empty"):
        plain.with_guarantees([promise("g", "a", 3, layer="fund")])
    net = plain.with_rule("a", Waterfall([Layer("fund")]))
    with pytest.raises(
        RuleError, match=r"but not 'fond', the layer of 1 claim of 3 \('g'\).*'fund'"
    ):
        net.with_guarantees([promise("g", "a", 3, layer="fond")])
    mixed = build(
        {"a": 6, "b": 1, "g": 9}, ["a b 10 fund"], rules={"a": Waterfall([Layer("fund")])}
    )
    with pytest.raises(RuleError, match="A layer holds guarantees and also 1 claim of 10"):
        mixed.with_guarantees([promise("g", "a", 3, layer="fund")])


def test_calls_rank_pari_passu_with_one_pro_rata_tier_only():
    nodes = pd.DataFrame({"node": ["a", "b", "g"], "external_assets": [6.0, 1.0, 9.0]})
    owed = {"debtor": ["a", "g", "g"], "creditor": ["b", "b", "a"], "amount": [10.0, 1.0, 1.0]}
    owed["tier"] = [1, 1, 2]
    net = ct.ExposureNetwork(nodes, owed)
    with pytest.raises(RuleError, match=r"'g' cannot rank pari passu.*senior.*junior"):
        net.with_guarantees([promise("g", "a", 3)])
    for ranking in ("senior", "junior"):
        run(net.with_guarantees([promise("g", "a", 3, ranking=ranking)]))
    layered = net.with_rule("g", Waterfall([Layer("calls")]))
    table = [promise("g", "a", 3), promise("b", "g", 1, layer="calls")]
    with pytest.raises(RuleError, match="'g' cannot rank pari passu"):
        layered.with_guarantees(table)


def test_models_that_cannot_say_so_refuse(plain):
    net = plain.with_guarantees([promise("g", "a", 3, "b")])
    for model in (ct.DebtRank(), ct.models.Furfine(), ct.models.GaiKapadia()):
        with pytest.raises(ModelError, match=f"{type(model).__name__} does not compute guarantees"):
            model.propagate(net)
        with pytest.raises(ModelError, match="does not compute guarantees"):
            model.solve(net, np.zeros(len(net)))
    with pytest.raises(ModelError, match=r"RogersVeraart.*default costs"):
        ct.models.RogersVeraart().propagate(net)
    without_costs = ct.models.RogersVeraart(1.0, 1.0).propagate(net, baseline="book")
    assert losses(without_costs) == losses(run(net))


# -- the table is kept --------------------------------------------------------------------------


def test_inputs_are_untouched_and_tables_of_every_kind_do(plain):
    table = pd.DataFrame([promise("g", "a", 3, "b")])
    before = table.copy(deep=True)
    net = plain.with_guarantees(table)
    pd.testing.assert_frame_equal(table, before)
    copy = net.guarantees
    copy["amount"] = 0.0
    assert net.guarantees["amount"].tolist() == [3]
    assert plain.guarantees is None
    assert plain.with_guarantees(table.to_dict("list")).guarantees.equals(net.guarantees)
    assert net.with_guarantees(None).guarantees is None
    assert net.with_guarantees(table.iloc[:0]).guarantees is None
    assert run(plain).calls.empty


def test_nodes_named_by_numbers():
    nodes = pd.DataFrame({"node": [1, 2, 3], "external_assets": [6.0, 1.0, 9.0]})
    owed = {"debtor": [1], "creditor": [2], "amount": [10.0]}
    table = pd.DataFrame([promise(3, 1, 2.0, 2), promise(3, 1, 1.0)])
    net = ct.ExposureNetwork(nodes, owed, guarantees=table)
    assert calls(run(net)) == [[2, 2], [1, 1]]


def test_changed_networks_keep_rules_and_guarantees():
    """a owes b 10 and b owes a 2; every change leaves the cover of b and the queue of a."""
    table = [promise("g", "a", 3, "b"), promise("g", "a", 1)]
    net = build({"a": 6, "b": 9, "g": 9}, ["a b 10", "b a 2"], table, rules={"a": Queue()})
    for changed in (
        net.set_off(),
        net.close_out({"all": {"parties": ("a", "b")}}),
        net.with_nodes(external_assets={"g": 8}),
        net.with_rules({"b": Queue()}),
        net.settle_collateral(),
    ):
        assert changed.guarantees.equals(net.guarantees)
        assert changed.rules["a"] == Queue()
    assert calls(run(net)) == [[1, 1], [1, 1]]  # a has 6 + 2 for 10: support 1, then b loses 1
    assert calls(run(net.set_off())) == [[1, 1], [1, 1]]  # 6 for 8


def test_a_change_that_takes_the_covered_claim_away_says_so():
    net = build({"a": 6, "b": 9, "g": 9}, ["a b 2", "b a 2"], [promise("g", "a", 3, "b")])
    with pytest.raises(NetworkError, match="the creditor has no claim on the debtor"):
        net.set_off()
    assert len(net.with_guarantees(None).set_off().exposures) == 0


def test_a_graph_carries_rules_and_guarantees():
    table = [promise("g", "a", 3, "b")]
    net = build({"a": 6, "b": 9, "g": 9}, ["a b 10"], table, rules={"a": Queue()})
    back = ct.ExposureNetwork.from_networkx(net.to_networkx())
    assert back.rules == {"a": Queue()}
    assert back.guarantees.equals(net.guarantees)
