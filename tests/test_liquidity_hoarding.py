"""Liquidity hoarding: by hand, against a plain reference, and what must hold."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import reference_funding as reference
from conftest import from_liabilities, others_slow, random_shock
from test_credit_funding import funded_network

import contagion as ct

KINDS = (
    ct.models.LiquidityHoarding(),
    ct.models.LiquidityHoarding(0.3, 0.2),
    ct.models.LiquidityHoarding(0.6, 0.05, liquid_share=0.02),
)


@pytest.mark.parametrize("model", KINDS, ids=repr)
@pytest.mark.parametrize("seed", others_slow(range(40), keep=10))
def test_the_rounds_node_by_node(model, seed):
    net = funded_network(seed)
    losses, pins, _ = random_shock(net, seed, pinned=bool(seed % 2), scale=0.1).arrays(net)
    assert model.solve(net, losses, pins).default_round.tolist() == reference.hoarding(
        net, model, losses, pins
    )


@pytest.fixture
def row() -> ct.ExposureNetwork:
    """b owes a 10, c owes b 5, d owes c 3; money at hand 1, 4, 6 and 3."""
    net = from_liabilities([[0, 0, 0, 0], [10, 0, 0, 0], [0, 5, 0, 0], [0, 0, 3, 0]], [5, 20, 9, 9])
    return net.with_nodes(liquid_assets=[1, 4, 6, 3])


def test_by_hand(row):
    """a is 1 short and calls 10 in; b has 4 and calls 5 in; c has 6 and stands."""
    result = ct.models.LiquidityHoarding().propagate(row, ct.Shock.loss({"a": 2.0}))
    assert result.default_round.tolist() == [0, 1, -1, -1]
    table = result.model.positions(result)
    assert table["withdrawn"].tolist() == [0, 10, 5, 0]
    assert table["position"].tolist() == [-1, -6, 1, 3]
    assert table["hoards"].tolist() == [True, True, False, False]
    assert result.table["loss"].tolist() == [2, 0, 0, 0]


@pytest.mark.parametrize(("withdrawal", "hoards"), [(0.4, 1), (0.41, 2), (1.0, 2)])
def test_the_part_withdrawn(row, withdrawal, hoards):
    """b has 4 against 10 w; equality stands."""
    shock = ct.Shock.loss({"a": 2.0})
    outcome = ct.models.LiquidityHoarding(withdrawal).propagate(row, shock).outcome
    assert outcome.defaulted.sum() == hoards


@pytest.mark.parametrize(("haircut", "hoards"), [(0.1, []), (0.2, ["b", "c"]), (0.3, ["b", "c"])])
def test_a_shock_to_haircuts(row, haircut, hoards):
    """b has pledged 100 for 92: 4 + 90 − 92 = 2 is left at 10%, −8 at 20%; c has nothing then."""
    net = row.with_nodes(
        sellable_assets=[0, 100, 0, 0], secured_funding=[0, 92, 0, 0], liquid_assets=[1, 4, 4, 3]
    )
    result = ct.models.LiquidityHoarding(1.0, haircut).propagate(net)
    assert result.table.index[result.table["defaulted"]].tolist() == hoards
    position = result.model.positions(result)["position"]
    assert position["b"] == pytest.approx(4 + 100 * (1 - haircut) - 92)


def test_a_trigger_withdraws_and_only_claims_on_it_lose(row):
    result = ct.models.LiquidityHoarding().propagate(row, ct.Shock.default("b", recovery=0.4))
    assert result.default_round.tolist() == [-1, 0, -1, -1]
    assert result.model.positions(result)["withdrawn"].tolist() == [0, 0, 5, 0]
    assert result.flows.set_index("debtor")["loss"].to_dict() == {"b": 6.0, "c": 0.0, "d": 0.0}


def test_nothing_withdrawn_nothing_spreads(row):
    outcome = ct.models.LiquidityHoarding(0.0).propagate(row, ct.Shock.loss({"a": 5.0})).outcome
    assert outcome.defaulted.tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("withdrawal", (0, 0.2, 0.6, 1)),
        ("haircut", (0, 0.1, 0.5, 1)),
        ("liquid_share", (1, 0.1, 0)),
    ],
)
@pytest.mark.parametrize("seed", range(12))
def test_monotone(name, values, seed):
    net = funded_network(seed)
    losses, pins, _ = random_shock(net, seed, pinned=bool(seed % 2), scale=0.05).arrays(net)
    base = ct.models.LiquidityHoarding(0.3, 0.1, 0.1)
    runs = [replace(base, **{name: x}).solve(net, losses, pins).defaulted for x in values]
    assert all((b >= a).all() for a, b in pairwise(runs))
    more = base.solve(net, 2 * losses, pins).defaulted
    assert (more >= base.solve(net, losses, pins).defaulted).all()


def test_induced_hoarding_is_counted(row):
    """b calls 5 in from c, who has 6; a calls 10 in from b, who has 4."""
    table = ct.measures.each_default(row, ct.models.LiquidityHoarding(), recovery=1.0)
    assert table["induced_defaults"].tolist() == [1, 0, 0, 0]
    assert table["default_impact"].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("wrong", [{"withdrawal": 2}, {"haircut": -0.1}, {"liquid_share": np.nan}])
def test_parameters_out_of_range(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ct.models.LiquidityHoarding(**wrong)
