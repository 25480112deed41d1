"""Everything that could mitigate one case, side by side: one measure, one cost, a budget.

L is long 10 at 100 with 100; S1 (8, with 40, the first in the queue) and S2 (2, with 100) are
short. At 80 L lacks 100, which the venue does not pay to the winners.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import contagion as ct
from contagion.experiments import policy
from contagion.liquidation import (
    CoupledCascade,
    Halt,
    LiquidationCascade,
    MarginAddOn,
    MarginBook,
    PositionLimit,
)

FALL = ct.Shock.price({"X": -0.20})
QUEUE, PROFITS = ct.venues.venue("binance"), ct.venues.venue("deribit")
BOOK = MarginBook({"X": 100.0}, [
    {"venue": "v", "holder": holder, "instrument": "X", "size": size, "margin": margin}
    for holder, size, margin in (("L", 10, 100), ("S1", -8, 40), ("S2", -2, 100))])  # fmt: skip
MODEL = CoupledCascade(BOOK, LiquidationCascade(rules={"v": QUEUE}))
FUND, MARGIN = policy.InsuranceFund("v", 5.0), policy.Margin({"L": 95.0})
RULE, HALT = policy.RuleChange({"v": PROFITS}), policy.CircuitBreaker(Halt(0.1))
IDEAS = {"fund": FUND, "margin": MARGIN, "both": FUND + MARGIN, "rule": RULE, "halt": HALT}


@pytest.fixture
def venue() -> ct.ExposureNetwork:
    """The venue and nobody else; it has nothing of its own."""
    nodes = {"node": ["v"], "external_assets": [0.0]}
    return ct.ExposureNetwork(nodes, {"creditor": [], "debtor": [], "amount": []})


def test_one_case(venue):
    found = policy.compare(venue, MODEL, FALL, IDEAS).table
    assert found["socialized"].tolist() == pytest.approx([100, 95, 5, 0, 100, 100])
    assert found["cost"].tolist() == pytest.approx([0, 5, 95, 100, 0, 0])
    alone = policy.compare_cascades(BOOK, MODEL.cascade, {"X": -0.2}, IDEAS)
    assert alone["socialized"].tolist() == pytest.approx(found["socialized"].tolist())
    assert alone["cost"].tolist() == pytest.approx(found["cost"].tolist())


def test_a_rule_moves_a_loss_at_no_cost(venue):
    found = policy.compare(venue, MODEL, FALL, {"fund": FUND, "rule": FUND + RULE})
    winners = found.nodes.loc[["S1", "S2"]]
    assert winners["fund"].tolist() == pytest.approx([95, 0])
    assert winners["rule"].tolist() == pytest.approx([76, 19])
    assert found.costs["rule"] == found.costs["fund"] == 5


def test_a_halt_needs_time(venue):
    """In one jump there is none. Where the price comes back, who was halted was not closed."""
    jump = policy.compare(venue, MODEL, FALL, {"halt": HALT}).table
    assert jump["avoided"].tolist() == pytest.approx([0, 0])
    dip = replace(MODEL, path=pd.DataFrame({"X": [80.0, 100.0]}))
    path = policy.compare(venue, dip, ct.Shock(), {"halt": HALT}).table
    assert path["socialized"].tolist() == pytest.approx([100, 0])


def test_the_book_as_a_lever(venue):
    """A limit of 5 leaves L 5: it loses its 100 and nobody else anything. Add-ons and maintenance
    close L earlier where there is a way down."""
    steps = replace(MODEL, path=4)
    ideas = {
        "limit": policy.PositionRule(PositionLimit(0.05), {"X": 100.0}, price=0.1),
        "add-on": policy.PositionRule(MarginAddOn(slope=1.0), {"X": 100.0}, price=1.0),
        "maintenance": policy.Maintenance(0.08),
        "capital": policy.Capital(add={"v": 5.0}),
        "netting": policy.Netting(),
    }
    found = policy.compare(venue, steps, FALL, ideas).table
    jump = policy.compare(venue, MODEL, FALL, {"limit": ideas["limit"]}).table
    assert jump["socialized"].tolist() == pytest.approx([100, 0])
    assert jump.loc["limit", "cost"] == pytest.approx(0.1 * 100 * (5 + 3))
    # 10, 8 and 2 of a depth of 100 add 10 %, 8 % and 2 % of their value
    assert found.loc["add-on", "cost"] == pytest.approx(0.1 * 1000 + 0.08 * 800 + 0.02 * 200)
    less = found["socialized"]
    assert less["add-on"] < less["maintenance"] < less["as given"]
    assert less["capital"] == less["netting"] == less["as given"]


def test_the_cheapest_mix_and_its_frontier(venue):
    ideas = {name: IDEAS[name] for name in ("fund", "margin", "rule", "halt")}
    best = policy.cheapest(venue, MODEL, FALL, ideas, budget=100.0)
    assert best.names == ("fund", "margin") and best.value == pytest.approx(0, abs=1e-9)
    assert best.frontier["cost"].tolist() == pytest.approx([0, 5, 95, 100])
    assert best.frontier["value"].tolist() == pytest.approx([100, 95, 5, 0], abs=1e-9)


def test_many_prices(venue):
    """-20 % and -5 %, equally likely: the means are half of what -20 % costs."""
    falls = ct.scenarios.assets(["X"], "from_array", prices=[[-0.2], [-0.05]], sampled=False)
    found = policy.compare(venue, MODEL, falls, IDEAS)
    mean = found.differences("socialized")
    assert mean["before"].tolist() == pytest.approx([50.0] * 5)
    assert mean["after"].tolist() == pytest.approx([47.5, 2.5, 0, 50, 50], abs=1e-9)


def test_what_does_not_apply_says_so(venue):
    with pytest.raises(ct.PolicyError, match="EisenbergNoe has none"):
        policy.compare(venue, ct.EisenbergNoe(), ct.Shock(), {"halt": HALT})
    with pytest.raises(ct.PolicyError, match="depends on accounts"):
        MARGIN.cost(venue)
    with pytest.raises(ct.UnknownNameError, match="holder"):
        policy.compare(venue, MODEL, FALL, {"x": policy.Margin({"LL": 1.0})})
    for wrong in ({}, {"multiple": 0.5}):
        with pytest.raises(ct.PolicyError, match="Margin"):
            policy.Margin(**wrong)
    with pytest.raises(ct.PolicyError, match="below 1"):
        policy.Maintenance(1.0)
