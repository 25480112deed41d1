"""Models in which sales move prices: examples by hand, options, errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference_firesale as plain
from conftest import random_shock

import contagion as ct

LIMIT = ct.models.ThresholdDeleveraging(6.0, 5.0, floor=0.2)
NO_CLAIMS = pd.DataFrame({"creditor": [], "debtor": [], "amount": []})


def one_asset(values: list[float], liabilities: list[float], cash: list[float]):
    """Nodes a, b, ... that hold `values` of X and owe `liabilities` outside; no claims."""
    names = list("abcdef")[: len(values)]
    nodes = pd.DataFrame(
        {
            "node": names,
            "external_assets": np.add(values, cash),
            "external_liabilities": liabilities,
        }
    )
    held = {"node": names, "asset": ["X"] * len(names), "value": values}
    return ct.ExposureNetwork(nodes, NO_CLAIMS, holdings=held)


# -- by hand ------------------------------------------------------------------------------------


def test_liquid_assets_come_first_and_loans_cannot_be_sold():
    """E = 6 against 40 of X and 60 other: at 10 % it keeps nothing of 100, all of 40."""
    net = one_asset([40.0], [94.0], [60.0])
    cash = ct.models.FireSale(0.1, impact=0, other_weight=0).market(net)
    loans = ct.models.FireSale(0.1, impact=0, other_weight=1).market(net)
    half = ct.models.FireSale(0.1, impact=0, other_weight=0.5).market(net)
    assert cash.loc["X", "sold"] == 0.0  # 6 / 40 is enough once the cash is gone
    assert half.loc["X", "sold"] == pytest.approx(40 - (60 - 30))
    assert loans.loc["X", "sold"] == pytest.approx(40.0)


def test_a_failed_node_is_liquidated_and_its_holders_pay():
    """a fails and sells 50 of 100 at a depth of 500: 10 %, b loses 5 and still stands."""
    net = one_asset([50.0, 50.0], [40.0, 20.0], [0.0, 0.0])
    result = ct.models.FireSale(0.1, impact=ct.liquidation.Linear(500)).propagate(
        net, ct.Shock.default("a")
    )
    assert result.table.loc["b", "loss"] == pytest.approx(5.0)
    s = result.socialization
    assert s.deadweight == pytest.approx(5.0) and s.initial_loss == pytest.approx(50.0)
    assert s.borne == pytest.approx(55.0)


def test_a_node_that_cannot_fail_is_not_forced_and_its_loss_counts():
    nodes = pd.DataFrame(
        {
            "node": ["a", "bank"],
            "external_assets": [50.0, 50.0],
            "external_liabilities": [40.0, 49.0],
            "can_fail": [True, False],
        }
    )
    held = {"node": ["a", "bank"], "asset": ["X", "X"], "value": [50.0, 50.0]}
    net = ct.ExposureNetwork(nodes, NO_CLAIMS, holdings=held)
    model = ct.models.FireSale(0.1, impact=ct.liquidation.Linear(500))
    result = model.propagate(net, ct.Shock.default("a"))
    assert model.market(net, ct.Shock.default("a")).loc["X", "sold"] == 50.0
    assert result.table.loc["bank", "loss"] == pytest.approx(5.0)  # more than its equity of 1
    assert result.audit()["ok"].all()


def test_prices_bring_down_a_bank_that_clearing_alone_would_not():
    """b lost nothing and owes c; the sales of a push it below what it owes."""
    nodes = pd.DataFrame(
        {
            "node": ["a", "b", "c"],
            "external_assets": [50.0, 50.0, 5.0],
            "external_liabilities": [45.0, 0.0, 0.0],
        }
    )
    owed = pd.DataFrame({"creditor": ["c"], "debtor": ["b"], "amount": [48.0]})
    held = {"node": ["a", "b"], "asset": ["X", "X"], "value": [50.0, 50.0]}
    net = ct.ExposureNetwork(nodes, owed, holdings=held)
    shock = ct.Shock.default("a")
    alone = ct.EisenbergNoe().propagate(net, shock).table
    result = ct.models.FireSale(0.01, impact=ct.liquidation.Linear(500)).propagate(net, shock)
    assert not alone.loc["b", "defaulted"]
    # a and b sell all 100: 20 %, so b has 40 for the 48 that it owes
    assert result.payments["b"] == pytest.approx(40.0)
    assert result.table.loc["b", "default_round"] == 2
    assert result.table.loc["c", "loss"] == pytest.approx(8.0)


def test_losses_below_the_threshold_make_nobody_sell_but_targets_do():
    net = one_asset([100.0], [75.0], [0.0])  # equity 25, leverage 4
    shock = ct.Shock.loss({"a": 1.0})
    assert ct.models.ThresholdDeleveraging(6.0, 4.0).market(net, shock).loc["X", "sold"] == 0.0
    assert ct.models.LeverageTargeting().market(net, shock).loc["X", "sold"] == pytest.approx(3.0)


def test_what_is_sold_in_a_round_bears_a_part_of_the_fall():
    """Π = 100, C = 10, limit 8, target 8: Γ = 0.2, ψ = 1 − exp(−20/100); α of it on the sold."""
    net = one_asset([100.0], [90.0], [0.0])
    fall = 1 - np.exp(-0.2)
    for shortfall, part in ((0.0, 0.8), (0.5, 0.9), (1.0, 1.0)):
        model = ct.models.ThresholdDeleveraging(8.0, 8.0, shortfall=shortfall, rounds=1)
        loss = model.propagate(net).table.loc["a", "equity_after"]
        assert 10 - loss == pytest.approx(part * 100 * fall)


def test_insolvent_nodes_sell_or_hold():
    net = one_asset([50.0, 50.0], [60.0, 20.0], [0.0, 0.0])
    sold = ct.models.ThresholdDeleveraging(20.0).market(net).loc["X", "sold"]
    kept = ct.models.ThresholdDeleveraging(20.0, insolvent="hold").market(net).loc["X", "sold"]
    assert sold == pytest.approx(50.0) and kept == 0.0


def test_overlaps_are_first_order_losses_of_a_liquidation():
    net = one_asset([40.0, 10.0], [30.0, 1.0], [0.0, 0.0])
    model = ct.models.ThresholdDeleveraging(33.0, depth=1e6)
    overlap = model.overlaps(net)
    lost = model.propagate(net, ct.Shock.default("a")).table.loc["b", "loss"]
    assert overlap.loc["b", "a"] == overlap.loc["a", "b"] == pytest.approx(40 * 10 / 1e6)
    assert lost == pytest.approx(overlap.loc["b", "a"], rel=1e-4)


def test_indirect_exposures_reach_nodes_that_hold_none_of_the_asset():
    """a holds mortgages, which nobody can sell, and bonds, which it has to sell; b only bonds."""
    nodes = pd.DataFrame(
        {
            "node": ["a", "b"],
            "external_assets": [100.0, 50.0],
            "external_liabilities": [90.0, 20.0],
        }
    )
    held = pd.DataFrame(
        [("a", "mortgages", 60.0), ("a", "bonds", 40.0), ("b", "bonds", 50.0)],
        columns=["node", "asset", "value"],
    )
    net = ct.ExposureNetwork(nodes, NO_CLAIMS, holdings=held)
    model = ct.models.ThresholdDeleveraging(15.0, 15.0, depth=1000.0, illiquid=("mortgages",))
    found = model.indirect_exposures(net, size=0.1)
    shock = ct.Shock.price({"mortgages": -0.1})  # 6 of equity 10: 94 against 15 · 4
    lost = model.propagate(net, shock).table.loc["b", "loss"]
    assert found.loc["b", "mortgages"] == pytest.approx(lost / 0.1) and lost > 0
    assert model.indirect_exposures(net, size=0.01).loc["b", "mortgages"] == 0.0
    assert model.market(net, shock).index.tolist() == ["bonds"]


def test_equality_fails_a_node_only_when_asked_to():
    """The sale of 50 takes 10 %, which is all of the equity of b."""
    net = one_asset([50.0, 50.0], [40.0, 45.0], [0.0, 0.0])
    law = ct.liquidation.Linear(500)
    for strict in (True, False):
        model = ct.models.OverlappingPortfolios(law, strict=strict)
        table = model.propagate(net, ct.Shock.default("a")).table
        assert table.loc["b", "defaulted"] != strict


def test_forms_and_numbers_can_be_given_asset_by_asset():
    net = plain.network(5, 6)
    one = ct.models.FireSale(0.2, impact=0.4)
    shock = random_shock(net, 5)
    same = replace(one, impact=dict.fromkeys(plain.ASSETS, 0.4))
    pd.testing.assert_frame_equal(one.market(net, shock), same.market(net, shock))
    held = one.market(net)["held"]
    forms = {a: ct.liquidation.Exponential(held[a] / 0.4) for a in plain.ASSETS}
    mixed = {**forms, "X": ct.liquidation.Linear(1e9)}
    np.testing.assert_allclose(
        replace(one, impact=forms).market(net, shock)["price"], one.market(net, shock)["price"]
    )
    assert replace(one, impact=mixed).market(net, shock).loc["X", "price"] > 0.999
    assert hash(same) == hash(replace(same)) and eval(repr(same), vars(ct.models)) == same


# -- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ct.models.FireSale(0.0), "capital_ratio"),
        (lambda: ct.models.FireSale(1.5), "capital_ratio"),
        (lambda: ct.models.FireSale(other_weight=2), "other_weight"),
        (lambda: ct.models.FireSale(which="best"), "which"),
        (lambda: ct.models.FireSale(impact=-1), "impact"),
        (lambda: ct.models.OverlappingPortfolios({"X": -1}), "impact"),
        (lambda: ct.models.OverlappingPortfolios(loss_given_default=2), "loss_given_default"),
        (lambda: ct.models.LeverageTargeting(depth=0), "depth"),
        (lambda: ct.models.LeverageTargeting(rounds=0), "rounds"),
        (lambda: ct.models.ThresholdDeleveraging(1.0), "max_leverage"),
        (lambda: ct.models.ThresholdDeleveraging(10, 11), "target_leverage"),
        (lambda: ct.models.ThresholdDeleveraging(floor=1.0), "floor"),
        (lambda: ct.models.ThresholdDeleveraging(shortfall=2), "shortfall"),
        (lambda: ct.models.ThresholdDeleveraging(insolvent="wait"), "insolvent"),
        (lambda: ct.models.ThresholdDeleveraging(rounds=0), "rounds"),
        (lambda: ct.models.ThresholdDeleveraging.market_depth(1, 0), "volatility"),
        (lambda: LIMIT.indirect_exposures(one_asset([1], [0], [0]), 2), "size"),
    ],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_words_are_no_numbers():
    with pytest.raises(TypeError, match="impact"):
        ct.models.FireSale(impact="much")
    with pytest.raises(TypeError, match="depth"):
        ct.models.LeverageTargeting(depth={"X": "deep"})


@pytest.mark.parametrize(
    "model",
    [
        ct.models.FireSale(impact={"Y": 1.0}),
        ct.models.OverlappingPortfolios({"Y": 1.0}),
        ct.models.LeverageTargeting(depth={"Y": 1.0}),
        ct.models.ThresholdDeleveraging(floor={"Y": 0.5}),
    ],
    ids=lambda m: type(m).__name__,
)
def test_an_asset_that_a_parameter_does_not_name_is_an_error(model):
    with pytest.raises(ct.ModelError, match="no value for 'X'"):
        model.propagate(one_asset([5.0], [1.0], [0.0]))


def test_a_run_that_does_not_end_says_so():
    net = one_asset([100.0], [95.0], [0.0])
    with pytest.raises(ct.ConvergenceError, match="max_rounds"):
        ct.models.FireSale(0.2, impact=0.1, max_rounds=2).propagate(net)


def test_vulnerability_needs_equity():
    with pytest.raises(ct.ShockError, match="equity"):
        ct.models.LeverageTargeting().vulnerability(one_asset([5.0], [6.0], [0.0]))


def test_a_total_loss_does_not_stop_the_sales():
    """a holds 10 of X and owes 5 outside: whether it loses almost all or all, its 10 are sold."""
    nodes = pd.DataFrame(
        {"node": ["a", "b"], "external_assets": [10.0, 100.0], "external_liabilities": [5.0, 50.0]}
    )
    holdings = pd.DataFrame({"node": ["a", "b"], "asset": "X", "value": [10.0, 50.0]})
    none = pd.DataFrame({"creditor": ["a"], "debtor": ["b"], "amount": [0.0]})
    net = ct.ExposureNetwork(nodes, none, holdings=holdings)
    model = ct.models.FireSale(0.5, impact=1.0)
    almost, all_ = (
        model.propagate(net, ct.Shock.loss({"a": loss})).table.loc["b", "equity_after"]
        for loss in (9.999999, 10.0)
    )
    assert all_ == pytest.approx(almost) and all_ < 43
