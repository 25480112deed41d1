"""Parameters by node: one number, a mapping, an array or a column give the same everywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import random_network, random_shock

import contagion as ct

VALUATIONS = ct.models.valuations.VALUATIONS
USUAL = {"volatility": 0.1, "alpha": 0.5}  # of fields without a default
TAKERS = {name: kind() for name, kind in ct.models.MODELS.items() if kind.by_node}
TAKERS |= {
    f"network-valuation, {name}": ct.models.NetworkValuation(
        kind(**{key: USUAL[key] for key in kind.by_node if key in USUAL})
    )
    for name, kind in VALUATIONS.items()
    if kind.by_node
}
TAKERS["joint"] = ct.models.JointModel("default", "default")


def parts(model):
    """The parts of a model that have parameters by node, by the field that holds them."""
    if isinstance(model, ct.models.NetworkValuation):
        return {"valuation": model.valuation}
    if isinstance(model, ct.models.JointModel):
        return {"prices": model.prices, "funding": model.funding}
    return {"": model}


def changed(model, where, part, **values):
    new = replace(part, **values)
    return replace(model, **{where: new}) if where else new


@pytest.fixture
def net():
    net = random_network(3, 8, 1.2, frozenset())
    half = net.nodes["external_assets"] / 2
    held = {"node": net.nodes["node"], "asset": ["X", "Y"] * 4, "value": half}
    return ct.ExposureNetwork(net.nodes, net.exposures, holdings=pd.DataFrame(held))


def test_the_models_that_the_literature_gives_parameters_by_node():
    assert set(ct.models.MODELS) & set(TAKERS) >= {
        "rogers-veraart", "furfine", "credit-funding", "fire-sale", "threshold-deleveraging",
        "liquidity-hoarding", "overlapping-portfolios", "failure-costs", "joint",
    }  # fmt: skip


@pytest.mark.parametrize("model", TAKERS.values(), ids=TAKERS.keys())
def test_every_form_of_a_parameter_is_the_same(model, net):
    if getattr(model, "which", "") is None:
        model = replace(model, which="greatest")
    losses, pins, _ = random_shock(net, 3, pinned=True, scale=0.4).arrays(net)
    losses, pins = np.stack([losses, 2 * losses / 3]), np.stack([pins, pins])
    for where, part in parts(model).items():
        for name, limits in part.by_node.items():
            low, usual = limits.low, getattr(part, name)
            one = 30.0 if usual is None else usual
            values = np.linspace(one, (one + low) / 2, len(net))
            if name == "target_leverage":
                values = np.linspace(20.0, 30.0, len(net))
            table = net.with_nodes(x=values)
            named = dict(zip(net.names, values.tolist(), strict=True))
            forms = [values, values.tolist(), named, pd.Series(named).iloc[::-1], "x"]
            made = [changed(model, where, part, **{name: form}) for form in forms]
            assert len(set(made[:2])) == len(set(made[2:4])) == 1
            runs = [each.solve(table, losses, pins).equity for each in made]
            for run in runs[1:]:
                np.testing.assert_array_equal(run, runs[0])
            if usual is not None:
                constant = changed(model, where, part, **{name: np.full(len(net), usual)})
                want = model.solve(net, losses, pins).equity
                np.testing.assert_array_equal(constant.solve(net, losses, pins).equity, want)


PAIR = ct.ExposureNetwork.from_matrix(
    [[0, 0, 10], [0, 0, 10], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
    external_assets=[11, 11, 1],
)  # fmt: skip
BOTH = ct.Shock.loss({"a": 3, "b": 3})  # each has 8 left for 10


def test_default_costs_of_each_node():
    model = ct.models.RogersVeraart({"a": 0.5, "b": 0.75, "c": 1.0}, 1.0, which=None)
    result = model.propagate(PAIR, BOTH)
    assert result.payments.tolist() == [4.0, 6.0, 0.0]
    assert result.outcome.deadweight.tolist() == [4.0, 2.0, 0.0]
    assert result.audit()["ok"].all()


def test_costs_on_what_is_received_are_those_of_the_node_that_receives():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 10, 0], [0, 0, 20], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
        external_assets=[8, 11, 1],
    )  # fmt: skip
    model = ct.models.RogersVeraart([1.0, 0.5, 1.0], [1.0, 0.25, 1.0], which="greatest")
    paid = model.propagate(net, ct.Shock.loss({"b": 1})).payments
    assert paid.tolist() == [8.0, 0.5 * 10 + 0.25 * 8, 0.0]


def test_a_gradient_reads_the_costs_of_each_node():
    model = ct.models.RogersVeraart([0.5, 0.75, 1.0], 1.0, which="greatest")
    slopes = ct.measures.gradient(PAIR, model, BOTH, of="shortfall").losses
    assert slopes.tolist() == [0.5, 0.75, 0.0]  # what c gets less for a unit that is lost


def test_loss_given_default_of_each_debtor():
    done = ct.models.Furfine({"a": 0.4, "b": 0.9, "c": 0}).propagate(PAIR, BOTH)
    assert done.outcome.claims_lost.tolist() == [0.0, 0.0, 13.0]


def test_funding_that_each_borrower_replaces():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 0, 0], [20, 0, 0], [20, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
        equity=[1, 50, 50],
    )  # fmt: skip
    model = ct.models.CreditFunding(1.0, {"a": 0, "b": 0.5, "c": 0.25}, [0, 1.0, 3.0])
    channels = model.propagate(net, ct.Shock.default("a", recovery=1)).channels
    assert channels["funding"].tolist() == [0.0, 10.0, 15.0]  # 20 · ρ · δ


def test_withdrawal_of_each_hoarder_and_haircut_of_each_holder():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 0, 0], [10, 0, 0], [10, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
        external_assets=[5, 20, 20],
    )  # fmt: skip
    net = net.with_nodes(liquid_assets=[0, 0, 0], sellable_assets=[0, 8, 8])
    model = ct.models.LiquidityHoarding([0.5, 1, 1], [0, 0.25, 0.5])
    result = model.propagate(net, ct.Shock.loss({"a": 1}))
    assert model.positions(result)["position"].tolist() == [-1.0, 6.0 - 5.0, 4.0 - 5.0]


def test_capital_ratio_and_limit_of_each_node():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 0], [0, 0]], ["a", "b"], orientation="debtor->creditor", external_assets=[100, 100],
        external_liabilities=[80, 80],
        holdings={"node": ["a", "b"], "asset": ["X", "X"], "value": [100.0, 100.0]},
    )  # fmt: skip
    sale = ct.models.FireSale({"a": 0.25, "b": 0.1}, impact=0.0)
    assert sale.market(net).loc["X", "sold"] == pytest.approx(20.0)  # a keeps 80 on 20
    limit = ct.models.ThresholdDeleveraging([4.5, 9.0], [4.0, 4.0], depth=np.inf)
    assert limit.market(net).loc["X", "sold"] == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("alpha", "error", "says"),
    [
        ({"a": 0.5}, ValueError, r"alpha has no value for 'b', 'c'\. Give .* dict\.fromkeys"),
        ({"z": 0.5}, KeyError, "alpha: Unknown node 'z'"),
        ([0.5, 0.5], ValueError, "alpha has 2 values for 3 nodes"),
        ("cost", KeyError, "alpha: Unknown column of numbers 'cost'"),
        ("part", ValueError, r"alpha has no value for 'b'\. Fill .*net\.with_nodes\(part="),
        ("high", ValueError, "alpha of 'b' is 2: it lies between 0 and 1"),
    ],
)
def test_a_parameter_that_does_not_fit_names_the_nodes_and_the_fix(alpha, error, says):
    net = PAIR.with_nodes(part=[0.5, np.nan, 0.5], high=[0.5, 2.0, 0.5])
    with pytest.raises(error, match=says) as caught:
        ct.models.RogersVeraart(alpha, which="greatest").propagate(net, BOTH)
    assert isinstance(caught.value, ct.ContagionError)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ct.models.RogersVeraart({"a": 2}), "alpha of 'a' is 2: it lies between"),
        (lambda: ct.models.Furfine([0.1, np.nan]), "loss_given_default is nan"),
        (lambda: ct.models.Furfine([[0.1]]), "the name of a column"),
        (lambda: ct.models.Furfine(object()), "the name of a column"),  # type: ignore[arg-type]
        (lambda: ct.models.FireSale(0), "capital_ratio is 0: it is above 0 and at most 1"),
        (lambda: ct.models.CreditFunding(sale_cost=-1), "sale_cost is -1: it is >= 0"),
    ],
)
def test_a_wrong_parameter_is_refused_when_it_is_given(make, says):
    with pytest.raises((ValueError, TypeError), match=says):
        make()


def test_a_target_above_the_limit_of_its_node_is_refused():
    model = ct.models.ThresholdDeleveraging([5, 9, 9], [4, 10, 8])
    with pytest.raises(ValueError, match="target_leverage of 'b' is 10: at most the limit of 9"):
        model.propagate(PAIR, BOTH)
