"""Clearing houses in the catalogue of venues: waterfall, members, and the size of the fund."""

from __future__ import annotations

import pandas as pd
import pytest

import contagion as ct
from contagion import rules, venues
from contagion.errors import RuleError, UnknownNameError


def absorbed(done: rules.Allocation) -> list[float]:
    return done.layers["absorbed"].round(9).tolist()


def test_waterfall_of_a_clearing_house():
    """Notes on mechanisms, D1: loss 500: 120, 20, 15, 150, 150 (k = 1), gains haircut 45 of 100."""
    members = pd.DataFrame(
        {
            "member": ["d", "a", "b", "c"],
            "margin": [120.0, 500.0, 500.0, 500.0],
            "contribution": [20.0, 75.0, 45.0, 30.0],
            "gain": [-500.0, 70.0, 30.0, -10.0],
        }
    )
    claims = venues.ccp.claims(members, "d", skin=15)
    done = venues.ccp.rule(tear_up=False).allocate(500, claims)
    assert absorbed(done) == [120, 20, 15, 150, 150, 45]
    assert done.uncovered == 0
    gains = done.table[done.table["layer"] == "gains haircut"]
    assert gains["loss"].round(9).tolist() == [31.5, 13.5, 0.0]  # 45 % of 70 and 30
    assert absorbed(venues.ccp.emir(60).allocate(500, claims)) == absorbed(done)
    capped = venues.ccp.rule(haircut=0.3).allocate(500, claims)
    assert absorbed(capped)[-1] == 30 and capped.uncovered == pytest.approx(15)
    torn = venues.ccp.claims(members.assign(tear_up=[0, 40, 20, 0]), "d", skin=15)
    done = venues.ccp.rule(haircut=0.3, tear_up=True).allocate(500, torn)
    assert absorbed(done)[-2:] == [30, 15] and done.uncovered == 0


def test_waterfall_of_the_literature_case():
    """CPMI-IOSCO default waterfall; Cont (2015), J. Risk Manag. Financ. Inst. 8(4); tol 1e-9."""
    members = {
        "member": ["defaulter", "s1", "s2", "s3"],
        "margin": [60.0, 0.0, 0.0, 0.0],
        "contribution": [10.0, 20.0, 15.0, 10.0],
        "gain": [0.0, 40.0, 20.0, 0.0],
    }
    done = venues.ccp.rule().allocate(200.0, venues.ccp.claims(members, "defaulter", skin=8.0))
    by = {layer: rows["loss"].tolist() for layer, rows in done.table.groupby("layer")}
    expected = {
        "defaulter margin": [60.0],
        "defaulter contribution": [10.0],
        "skin in the game": [8.0],
        "default fund": [20, 15, 10],
        "assessments": [20, 15, 10],
        "gains haircut": [21.333333333333332, 10.666666666666666, 0.0],
    }
    assert by.keys() == expected.keys()
    for layer, lost in expected.items():
        assert by[layer] == pytest.approx(lost, rel=1e-9, abs=1e-9), layer
    assert done.uncovered == 0


def test_second_skin_in_the_game_stands_after_the_default_fund():
    rule = venues.ccp.emir(100, second_share=0.2, margin=0, contribution=0, default_fund=50)
    assert rule.names[2:6] == [
        "skin in the game",
        "default fund",
        "second skin in the game",
        "assessments",
    ]
    assert [rule.layer(name).capacity for name in rule.names[2:5]] == [25.0, 50.0, 20.0]


def test_a_clearing_house_on_a_graph_calls_assessments_from_those_who_can_pay():
    """Loss 110: margin 60, fund contribution 10, skin 8, survivors 20; 12 are assessed."""
    members = {
        "member": ["d", "a", "b"],
        "margin": [60.0, 90.0, 90.0],
        "contribution": [10.0, 10.0, 10.0],
        "gain": [-110.0, 30.0, 0.0],
    }
    claims = venues.ccp.claims(members, "d", skin=8, house="ccp capital")
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
    net = net.with_rule("ccp", venues.ccp.rule()).with_guarantees(guarantees)
    result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"ccp": 110.0}))
    # a pays 6; b is called for 6 and has 2; the 4 that b cannot pay come off a's gain
    expected = {"ccp": 0.0, "ccp capital": 8.0, "d": 70.0, "a": 20.0, "b": 12.0}
    assert result.table["loss"].to_dict() == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_cover_2_sizes_the_fund():
    """Notes on mechanisms, D2."""
    size = venues.ccp.cover_2([90, 70, 65, 20, 5])
    assert (size.default_fund, size.prefunded) == (135, 160)
    assert venues.ccp.cover_2([5, 65, 90, 20, 70]) == size  # order does not matter
    assert venues.ccp.cover_2([100, 30, 20]).default_fund == 100
    assert venues.ccp.cover_2([10, -50]) == venues.ccp.Cover2(10, 10)
    # by scenario: the fund is sized by the first, the total by the second
    both = venues.ccp.cover_2([[60, 60, 60], [100, 40, 10]])
    assert both == venues.ccp.Cover2(120, 140)
    for bad in ([], [[[1.0]]], [1.0, float("nan")]):
        with pytest.raises(RuleError, match="loss"):
            venues.ccp.cover_2(bad)


@pytest.mark.parametrize(
    ("change", "defaulter", "says"),
    [
        ({"contribution": None}, "d", "contribution"),
        ({"contribution": [1, -2]}, "d", "negative for 'a'"),
        ({"margin": [1, "x"]}, "d", "margin.*'a'"),
        ({"gain": [1, None]}, "d", "gain"),
        ({"member": ["d", "d"]}, "d", "twice"),
        ({}, "dd", "Did you mean 'd'"),
        ({}, ["d", "z"], "'z'"),
    ],
)
def test_members_that_do_not_fit_are_refused(change: dict, defaulter: object, says: str):
    members = {"member": ["d", "a"], "contribution": [5.0, 6.0]} | change
    members = {name: values for name, values in members.items() if values is not None}
    with pytest.raises((RuleError, UnknownNameError), match=says):
        venues.ccp.claims(members, defaulter)


def test_several_defaulters_give_what_they_have():
    members = {"member": ["d", "e", "a"], "margin": [1, 2, 3], "contribution": [4, 5, 6]}
    claims = venues.ccp.claims(members, ["d", "e"], multiple=3)
    assert claims.groupby("layer")["amount"].sum().to_dict() == {
        "assessments": 18,
        "default fund": 6,
        "defaulter contribution": 9,
        "defaulter margin": 3,
    }
