"""The cheapest mix: by hand, against every mix run by itself, and what greedy misses."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from conftest import from_liabilities, others_slow

import contagion as ct
from contagion.experiments import policy

MODEL = ct.EisenbergNoe()


@pytest.fixture
def star_of_debtors() -> ct.ExposureNetwork:
    """a, b and c owe d 10 each and have 10; d has 100."""
    matrix = np.zeros((4, 4))
    matrix[:3, 3] = 10
    return from_liabilities(matrix, [10, 10, 10, 100])


SHOCK = ct.Shock.loss({"a": 6.0, "b": 5.0, "c": 3.0})
FUNDS = {
    "a": policy.InsuranceFund("a", 6.0),
    "b": policy.InsuranceFund("b", 5.0, price=0.5),
    "c": policy.InsuranceFund("c", 3.0, price=2.0),
}


@pytest.mark.parametrize(
    ("budget", "names", "value"),
    [
        (0.0, (), 14.0),
        (2.4, (), 14.0),
        (2.5, ("b",), 9.0),
        (8.4, ("a",), 8.0),
        (8.5, ("a", "b"), 3.0),
        (14.5, ("a", "b", "c"), 0.0),
    ],
)
def test_under_a_budget(star_of_debtors, budget, names, value):
    """The funds avoid 6, 5 and 3 for 6, 2.5 and 6."""
    found = policy.cheapest(star_of_debtors, MODEL, SHOCK, FUNDS, budget=budget)
    assert found.names == names and found.value == pytest.approx(value)
    assert found.cost <= budget and found.method == "every mix" and found.reached is None
    assert (found.table["cost"].dropna() <= budget).all()


@pytest.mark.parametrize(
    ("target", "names", "cost"),
    [(14.0, (), 0.0), (9.0, ("b",), 2.5), (8.5, ("a",), 6.0), (5.0, ("a", "b"), 8.5)],
)
def test_to_reach_a_target(star_of_debtors, target, names, cost):
    found = policy.cheapest(star_of_debtors, MODEL, SHOCK, FUNDS, target=target)
    assert found.names == names and found.cost == pytest.approx(cost) and found.reached


def test_a_target_out_of_reach_is_said(star_of_debtors):
    funds = {k: FUNDS[k] for k in ("a", "b")}
    found = policy.cheapest(star_of_debtors, MODEL, SHOCK, funds, target=1.0)
    assert found.reached is False and found.names == ("a", "b")
    assert "no mix that was run reaches" in " ".join(repr(found).split())


def test_the_table_and_its_frontier(star_of_debtors):
    found = policy.cheapest(star_of_debtors, MODEL, SHOCK, FUNDS, budget=20.0)
    table = found.table
    assert len(table) == 8 and table["chosen"].sum() == 1
    assert (np.diff(table["cost"]) >= 0).all()
    front = found.frontier
    assert list(front.index) == ["nothing", "b", "a", "a + b", "a + b + c"]
    assert (np.diff(front["value"]) < 0).all() and (np.diff(front["cost"]) > 0).all()
    for name, row in table.iterrows():
        beaten = (table["cost"] <= row["cost"]) & (table["value"] < row["value"])
        assert bool(row["frontier"]) == (not beaten.any()), name
    assert table.loc["a + b", "avoided_per_cost"] == pytest.approx(11 / 8.5)
    idle = {"b": FUNDS["b"], "d": policy.InsuranceFund("d", 1.0)}
    front = policy.cheapest(star_of_debtors, MODEL, SHOCK, idle, budget=20.0).frontier
    assert list(front.index) == ["nothing", "b"]
    assert found.intervention.parts == (FUNDS["a"], FUNDS["b"], FUNDS["c"])
    assert max(map(len, repr(found).splitlines())) <= 79


@pytest.mark.parametrize("of", others_slow(["loss", "defaults"]))
def test_every_mix_is_what_comparing_it_alone_says(of):
    net = ct.datasets.load("three_venues")
    shock = ct.Shock.default("desk")
    candidates = {
        "fund": policy.InsuranceFund("exchange", 20.0),
        "collateral": policy.Collateral(0.3, nodes="desk"),
        "rule": policy.RuleChange({"exchange": "pro_rata"}, price=1.0),
        "banks": policy.Capital(ratio=0.2, nodes=["bank_3", "bank_4"]),
    }
    found = policy.cheapest(net, MODEL, shock, candidates, budget=1e6, of=of, baseline="cleared")
    assert len(found.table) == 16
    mixes = {
        " + ".join(names): sum((candidates[n] for n in names[1:]), candidates[names[0]])
        for size in (1, 2, 3, 4)
        for names in combinations(candidates, size)
    }
    alone = policy.compare(net, MODEL, shock, mixes, of=of, baseline="cleared").table
    for name, row in alone.iterrows():
        key = "nothing" if name == "as given" else name
        assert found.table.loc[key, "value"] == pytest.approx(row[of], abs=1e-9)
        assert found.table.loc[key, "cost"] == pytest.approx(row["cost"])
    assert found.value == pytest.approx(alone[of].min(), abs=1e-9)


def test_more_budget_never_leaves_more(star_of_debtors):
    for exact in (0, 6):
        values = [
            policy.cheapest(star_of_debtors, MODEL, SHOCK, FUNDS, budget=b, exact=exact).value
            for b in (0.0, 3.0, 6.0, 9.0, 12.0, 15.0)
        ]
        if exact:
            assert (np.diff(values) <= 1e-9).all()
        assert values[0] == 14.0 and values[-1] == pytest.approx(0.0)


def test_greedy_says_so_and_can_miss_the_best(star_of_debtors):
    """With 8 greedy takes b (2 for a unit of cost) and then nothing fits; a alone avoids more."""
    found = policy.cheapest(star_of_debtors, MODEL, SHOCK, FUNDS, budget=8.0, exact=0)
    assert found.method == "greedy" and found.value == pytest.approx(8.0)
    assert "greedy" in repr(found)
    # the run that the first step tried is in the table, and the best of the table is the answer
    assert found.names == ("a",)
    # by what is avoided alone a (6) would come first, and use the budget up
    by_rate = {**FUNDS, "c": policy.InsuranceFund("c", 3.0)}
    two = policy.cheapest(star_of_debtors, MODEL, SHOCK, by_rate, budget=6.0, exact=0)
    assert two.names == ("b", "c") and two.value == pytest.approx(6.0)
    cheap = {**FUNDS, "free": policy.InsuranceFund("a", 1.0, price=0.0)}
    free = policy.cheapest(star_of_debtors, MODEL, SHOCK, cheap, budget=2.6, exact=0)
    assert free.names == ("b", "free") and free.value == pytest.approx(8.0)
    target = policy.cheapest(star_of_debtors, MODEL, SHOCK, FUNDS, target=3.5, exact=0)
    assert target.names == ("a", "b") and target.reached


def test_a_mix_that_does_not_apply_is_in_the_table(star_of_debtors):
    """a has 7 and cannot post 10, unless it raises 3 before."""
    capital, all_ = policy.Capital(add={"a": 3.0}), policy.Collateral(1.0)
    net = star_of_debtors.with_nodes(external_assets={"a": 7.0})
    found = policy.cheapest(net, MODEL, SHOCK, {"capital": capital, "all": all_}, budget=1e3)
    bad = found.table["value"].isna()
    assert list(found.table.index[bad]) == ["all"]
    assert "cannot post" in found.table.reasons["value"]["all"]
    assert found.names == ("capital", "all") and found.value == 0.0
    assert "1 of 4 mixes do not apply" in repr(found)
    with pytest.raises(ct.PolicyError, match="'all' applies in no mix that was run"):
        policy.cheapest(net, MODEL, SHOCK, {"all": all_}, budget=1e3)


def test_scenarios_are_the_same_for_every_mix():
    net = ct.datasets.load("three_venues")
    scenarios = ct.scenarios.common_factor(
        net, volatility=0.3, correlation=0.4, scenarios=500, rng=7
    )
    candidates = {
        "fund": policy.InsuranceFund("exchange", 20.0),
        "desk": policy.Collateral(0.3, nodes="desk"),
    }
    found = policy.cheapest(
        net,
        MODEL,
        scenarios,
        candidates,
        budget=40.0,
        of="loss",
        statistic="expected_shortfall",
        level=0.95,
    )
    alone = policy.compare(net, MODEL, scenarios, candidates, of="loss")
    want = alone.differences(statistic="expected_shortfall", level=0.95)
    for name in candidates:
        assert found.table.loc[name, "value"] == pytest.approx(want.loc[name, "after"])
    assert found.table.loc["nothing", "value"] == pytest.approx(want["before"].iloc[0])
    assert "expected shortfall of loss at 0.95" in " ".join(repr(found).split())


def test_errors(star_of_debtors):
    def run(candidates=FUNDS, **options):
        return policy.cheapest(star_of_debtors, MODEL, SHOCK, candidates, **options)

    with pytest.raises(ct.PolicyError, match="no candidates"):
        run({}, budget=1.0)
    for options in ({}, {"budget": 1.0, "target": 1.0}):
        with pytest.raises(ct.PolicyError, match="one of them"):
            run(**options)
    with pytest.raises(ct.ArgumentError, match="statistic"):
        run(budget=1.0, statistic="median")
    with pytest.raises(ct.UnknownNameError, match="Did you mean 'socialized'"):
        run(budget=1.0, of="socialised")
    with pytest.raises(ct.PolicyError, match="Unknown node"):
        run({"x": policy.InsuranceFund("q", 1.0)}, budget=5.0)
