"""Clearing houses as rules: the waterfall on one loss and on a graph, the size of a fund."""

from __future__ import annotations

import pandas as pd
import pytest

import contagion as ct
from contagion import rules, venues
from contagion.errors import RuleError
from contagion.venues.ccp import DefaultManager


def absorbed(done: rules.Allocation) -> list[float]:
    return done.layers["absorbed"].round(9).tolist()


def test_waterfall_of_a_clearing_house():
    """Notes on mechanisms, D1: loss 500: 120, 20, 15, 150, 150 (k = 1), gains haircut 45 of 100."""
    members = pd.DataFrame(
        {
            "member": ["d", "a", "b", "c"],
            "loss": [500.0, 0.0, 0.0, 0.0],
            "margin": [120.0, 500.0, 500.0, 500.0],
            "contribution": [20.0, 75.0, 45.0, 30.0],
            "gain": [0.0, 70.0, 30.0, -10.0],
        }
    )
    manager = DefaultManager(before=15, per_event=1)
    done = manager.rule().allocate(500, manager.claims(members, "d"))
    assert absorbed(done) == [120, 20, 15, 150, 150, 45]
    assert done.uncovered == 0
    gains = done.table[done.table["layer"] == "gains haircut"]
    assert gains["loss"].round(9).tolist() == [31.5, 13.5, 0.0]  # 45 % of 70 and 30
    claims = manager.claims(members, "d")
    assert absorbed(venues.emir.rule(60).allocate(500, claims)) == absorbed(done)
    capped = DefaultManager(before=15, per_event=1, haircut=0.3).run(members, "d")
    assert capped.layers.table.loc["gains haircut", "absorbed"] == pytest.approx(30)
    assert capped.uncovered == pytest.approx(15)
    torn = DefaultManager(before=15, per_event=1, haircut=0.3, tear_up=True)
    done = torn.run(members.assign(tear_up=[0, 40, 20, 0]), "d")
    assert done.layers.table["absorbed"].tolist()[-2:] == pytest.approx([30, 15])
    assert done.uncovered == 0


def test_waterfall_of_the_literature_case():
    """CPMI-IOSCO default waterfall; Cont (2015), J. Risk Manag. Financ. Inst. 8(4); tol 1e-9."""
    members = {
        "member": ["defaulter", "s1", "s2", "s3"],
        "loss": [200.0, 0.0, 0.0, 0.0],
        "margin": [60.0, 0.0, 0.0, 0.0],
        "contribution": [10.0, 20.0, 15.0, 10.0],
        "gain": [0.0, 40.0, 20.0, 0.0],
    }
    done = DefaultManager(before=8).run(members, "defaulter")
    by = {layer: rows["amount"].tolist() for layer, rows in done.table.table.groupby("layer")}
    expected = {
        "defaulter margin": [60.0],
        "defaulter contribution": [10.0],
        "own capital before the fund": [8.0],
        "default fund": [20, 15, 10],
        "assessments": [20, 15, 10],
        "gains haircut": [21.333333333333332, 10.666666666666666],
    }
    assert by.keys() == expected.keys()
    for layer, lost in expected.items():
        assert by[layer] == pytest.approx(lost, rel=1e-9, abs=1e-9), layer
    assert done.uncovered == 0


def test_second_part_of_own_capital_stands_after_the_default_fund():
    rule = venues.emir.rule(100, second_share=0.2, default_fund=50)
    assert rule.names[2:6] == [
        "own capital before the fund",
        "default fund",
        "own capital after the fund",
        "assessments",
    ]
    assert [rule.layer(name).capacity for name in rule.names[2:5]] == [25.0, 50.0, 20.0]


def test_a_clearing_house_on_a_graph_calls_assessments_from_those_who_can_pay():
    """Loss 110: margin 60, fund contribution 10, own capital 8, survivors 20; 12 are assessed."""
    members = {
        "member": ["d", "a", "b"],
        "loss": [110.0, 0.0, 0.0],
        "margin": [60.0, 90.0, 90.0],
        "contribution": [10.0, 10.0, 10.0],
        "gain": [0.0, 30.0, 0.0],
        "means": [0.0, 50.0, 2.0],
    }
    manager = DefaultManager(before=8, per_event=1)
    claims = manager.claims(members, "d", house="ccp capital")
    called = claims["layer"] == "assessments"
    held = claims[~called & (claims["amount"] > 0)]
    exposures = held.rename(columns={"claimant": "creditor"}).assign(debtor="ccp")
    guarantees = claims[called].rename(columns={"claimant": "guarantor"}).assign(debtor="ccp")
    nodes = pd.DataFrame(
        {
            "node": ["ccp", "ccp capital", "d", "a", "b"],
            "external_assets": [held["amount"].sum(), 0.0, 0.0, 50.0, 2.0],
        }
    )
    net = ct.ExposureNetwork(nodes, exposures, duplicates="keep")
    net = net.with_rule("ccp", manager.rule()).with_guarantees(guarantees)
    result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"ccp": 110.0}))
    # b is called for 10 and has 2; a pays all that it can be assessed for, 10
    expected = {"ccp": 0.0, "ccp capital": 8.0, "d": 70.0, "a": 20.0, "b": 12.0}
    assert result.table["loss"].to_dict() == pytest.approx(expected, rel=1e-9, abs=1e-9)
    # the manager says the same, but for the margin of b: on the graph it is out of reach
    run = manager.run({**members, "margin": [60.0, 90.0, 0.0]}, "d")
    assert run.failed == ["b"]
    assert run.settled.absorbed["assessments"].tolist() == pytest.approx([0, 10, 2])


def test_cover_2_sizes_the_fund():
    """Notes on mechanisms, D2."""
    size = venues.emir.cover_2([90, 70, 65, 20, 5])
    assert (size.default_fund, size.prefunded) == (135, 160)
    assert venues.emir.cover_2([5, 65, 90, 20, 70]) == size  # order does not matter
    assert venues.emir.cover_2([100, 30, 20]).default_fund == 100
    assert venues.emir.cover_2([10, -50]) == venues.emir.Cover2(10, 10)
    # by scenario: the fund is sized by the first, the total by the second
    both = venues.emir.cover_2([[60, 60, 60], [100, 40, 10]])
    assert both == venues.emir.Cover2(120, 140)
    for bad in ([], [[[1.0]]], [1.0, float("nan")]):
        with pytest.raises(RuleError, match="loss"):
            venues.emir.cover_2(bad)
