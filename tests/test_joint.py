"""The joint model: against a plain reference, its limits, conservation, contract, attribution."""

from __future__ import annotations

import itertools
from dataclasses import replace
from math import factorial

import checks
import numpy as np
import pandas as pd
import pytest
import reference_firesale as plain
import reference_joint
import test_model_contract as contract
from conftest import FEATURES, VENUES_TOO, examples, random_shock
from hypothesis import given
from hypothesis import strategies as st

import contagion as ct
from contagion.models.channels import Funding, Marking, Prices

PRICES, FUNDING, MARKS = Prices(0.15, impact=0.4, other_weight=0.5), Funding(0.6, 0.4), Marking()
ALL = ct.models.JointModel(PRICES, FUNDING, MARKS)
SALE = ct.models.FireSale(0.15, impact=0.4, other_weight=0.5)
SWITCHES = {"prices": PRICES, "funding": FUNDING, "valuation": MARKS}
SETS = [c for k in range(4) for c in itertools.combinations(SWITCHES, k)]
every_set = pytest.mark.parametrize("chosen", SETS, ids=[" ".join(c) or "none" for c in SETS])
seeds, sizes = st.integers(0, 10_000), st.integers(2, 9)
some_features = st.sets(st.sampled_from(FEATURES)).map(frozenset)
with_venues = st.sets(st.sampled_from(VENUES_TOO)).map(frozenset)
few, many = examples(15), examples(50)


def example(seed: int, n: int, features: frozenset[str]) -> tuple[ct.ExposureNetwork, ct.Shock]:
    net = plain.network(seed, n, features)
    return net, random_shock(net, seed, pinned="pinned" in features, scale=0.5)


def model_of(chosen: tuple[str, ...]) -> ct.models.JointModel:
    return ct.models.JointModel(**{name: SWITCHES[name] for name in chosen})


def assert_same_arrays(one: ct.results.Outcome, two: ct.results.Outcome) -> None:
    for name in ("equity", "claims_lost", "defaulted", "payments", "external_paid", "unpaid"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
    for name in ("deadweight", "default_round", "rounds", "residual"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


# -- against the definition ---------------------------------------------------------------------


@every_set
@given(seed=seeds, n=sizes, features=some_features)
@few
def test_it_is_the_fixed_point_of_plain_rounds(chosen, seed, n, features):
    net, shock = example(seed, n, features)
    losses, pins, _ = shock.arrays(net)
    equity, price, cost = reference_joint.joint(
        net,
        losses,
        pins,
        prices=(0.15, 0.4, 0.5) if "prices" in chosen else None,
        funding=(0.6, 0.4) if "funding" in chosen else None,
        marks="valuation" in chosen,
    )
    model = model_of(chosen)
    result = model.propagate(net, shock)
    known = np.isfinite(result.outcome.equity) & np.isnan(pins)
    room = 1e-7 * checks.scale(net)
    np.testing.assert_allclose(result.outcome.equity[known], equity[known], rtol=0, atol=room)
    np.testing.assert_allclose(result.outcome.channels["funding"], cost, rtol=0, atol=room)
    market = model.market(net, shock)["price"]
    np.testing.assert_allclose(market, [price[a] for a in market.index], rtol=0, atol=1e-8)


# -- limits -------------------------------------------------------------------------------------


@given(seed=seeds, n=sizes, features=some_features)
@many
def test_without_channels_it_is_eisenberg_noe_exactly(seed, n, features):
    net, shock = example(seed, n, features)
    want = ct.EisenbergNoe().propagate(net, shock).outcome
    assert_same_arrays(ct.models.JointModel().propagate(net, shock).outcome, want)


@given(seed=seeds, n=sizes, features=some_features)
@many
def test_with_prices_alone_it_is_the_fire_sale_exactly(seed, n, features):
    net, shock = example(seed, n, features)
    model = ct.models.JointModel(PRICES)
    assert_same_arrays(model.propagate(net, shock).outcome, SALE.propagate(net, shock).outcome)
    pd.testing.assert_frame_equal(model.market(net, shock), SALE.market(net, shock))


@pytest.mark.parametrize(
    ("off", "same"),
    [
        ({"prices": Prices(0.15, impact=0)}, {"prices": None}),
        ({"funding": Funding(0.0, 0.4)}, {"funding": None}),
        ({"funding": Funding(0.6, 0.0)}, {"funding": None}),
        ({"prices": None}, {"prices": None, "valuation": None}),
    ],
    ids=["no impact", "all replaced", "sales cost nothing", "marks without a constraint"],
)
@given(seed=seeds, n=sizes, features=some_features)
@few
def test_a_channel_without_strength_is_off(off, same, seed, n, features):
    net, shock = example(seed, n, features)
    left = replace(ALL, **off).propagate(net, shock).outcome
    assert_same_arrays(left, replace(ALL, **same).propagate(net, shock).outcome)


@given(seed=seeds, n=sizes, features=some_features)
@few
def test_marks_at_what_will_be_paid_change_nothing(seed, n, features):
    net, shock = example(seed, n, features)
    marked = replace(ALL, valuation=Marking("eisenberg-noe")).propagate(net, shock)
    checks.assert_same_result(replace(ALL, valuation=None).propagate(net, shock), marked)


def test_every_channel_bites_somewhere():
    """The limits above would hold in a model that ignores its channels."""
    moved = dict.fromkeys(SWITCHES, 0)
    for seed in range(20):
        net, shock = example(seed, 8, frozenset())
        whole = ALL.propagate(net, shock).loss.sum()
        for name in SWITCHES:
            loss = replace(ALL, **{name: None}).propagate(net, shock).loss.sum()
            moved[name] += bool(whole > loss + 1e-6 * checks.scale(net))
    assert min(moved.values()) >= 5, moved


@given(seed=seeds, n=sizes, features=some_features)
@many
def test_more_channels_never_less_loss(seed, n, features):
    net, shock = example(seed, n, features)
    losses, pins, _ = shock.arrays(net)
    runs = {frozenset(chosen): model_of(chosen).solve(net, losses, pins) for chosen in SETS}
    room = 1e-9 * checks.scale(net)
    for less, more in itertools.product(runs, runs):
        if less < more:
            one, two = runs[less], runs[more]
            assert not (two.equity > one.equity + room).any()
            assert (two.claims_lost >= one.claims_lost - room).all()
            assert (two.payments <= one.payments + room).all()
            assert (two.lost >= one.lost - room)[np.isnan(pins)].all()


@given(seed=seeds, n=sizes, features=some_features)
@few
def test_stronger_channels_never_help_anybody(seed, n, features):
    net, shock = example(seed, n, features)
    losses, pins, _ = shock.arrays(net)
    weak = ALL.solve(net, losses, pins)
    room = 1e-9 * checks.scale(net)
    for strong in (
        replace(ALL, prices=replace(PRICES, impact=0.8)),
        replace(ALL, prices=replace(PRICES, capital_ratio=0.3)),
        replace(ALL, funding=Funding(0.9, 0.4)),
        replace(ALL, funding=Funding(0.6, 0.8)),
    ):
        assert not (strong.solve(net, losses, pins).equity > weak.equity + room).any()


# -- value is conserved -------------------------------------------------------------------------


@every_set
@given(seed=seeds, n=sizes, features=with_venues, baseline=st.sampled_from(["book", "cleared"]))
@few
def test_value_is_conserved(chosen, seed, n, features, baseline):
    net, shock = example(seed, n, features)
    result = model_of(chosen).propagate(net, shock, baseline=baseline)
    s, room = result.socialization, 1e-9 * checks.scale(net)
    borne, whole = sum(map(np.sum, result.borne)), s.initial_loss + s.deadweight + s.relief
    assert abs(borne - s.missing_before - whole) <= room and abs(borne - s.borne) <= room
    audit = result.audit()
    assert audit["ok"].all(), audit[~audit["ok"]].to_string()
    parts = result.outcome.channels
    np.testing.assert_array_equal(result.outcome.deadweight, parts["price"] + parts["funding"])
    np.testing.assert_allclose(result.channels.sum(axis=1), result.loss, rtol=0, atol=room)


@pytest.mark.parametrize(
    "test",
    [
        contract.test_claims_lose_between_nothing_and_themselves_and_the_audit_passes,
        contract.test_a_batch_is_its_scenarios_one_at_a_time,
        contract.test_a_larger_shock_never_helps_anybody,
        contract.test_more_capital_never_hurts_anybody,
    ],
    ids=lambda test: test.__name__,
)
@pytest.mark.parametrize("chosen", [c for c in SETS if c], ids=" ".join)
@given(seed=seeds, n=sizes, features=with_venues)
@few
def test_the_contract_with_holdings(test, chosen, seed, n, features):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contract, "random_network", lambda s, k, _, f: plain.network(s, k, f))
        test.hypothesis.inner_test(model_of(chosen), seed=seed, n=n, features=features)


@pytest.mark.parametrize(
    "test",
    [
        contract.test_no_shock_no_loss,
        contract.test_the_order_of_rows_does_not_matter,
        contract.test_names_do_not_matter,
        contract.test_one_claim_or_two_halves,
        contract.test_inputs_stay_as_they_were_and_runs_repeat,
    ],
    ids=lambda test: test.__name__,
)
@given(seed=seeds, n=sizes, features=some_features)
@few
def test_the_contract_with_funding(test, seed, n, features):
    test.hypothesis.inner_test(ALL, seed=seed, n=n, features=features)


# -- attribution --------------------------------------------------------------------------------


@given(
    seed=seeds,
    n=sizes,
    features=some_features,
    baseline=st.sampled_from(["book", "cleared"]),
    of=st.sampled_from(["owners", "external creditors"]),
)
@many
def test_shares_are_the_mean_over_all_orders_and_sum_to_the_loss(seed, n, features, baseline, of):
    net, shock = example(seed, n, features)
    frame = ALL.attribution(net, shock, baseline=baseline, of=of)
    room = 1e-9 * checks.scale(net)
    lost = {}
    for chosen in SETS:
        result = model_of(chosen).propagate(net, shock, baseline=baseline)
        alone = result.direct_loss if of == "owners" else 0.0
        whole = result.loss if of == "owners" else result.outside_losses
        lost[frozenset(chosen)] = whole - alone
    rows = frame.iloc[:-1]
    np.testing.assert_allclose(rows["claims"], lost[frozenset()], rtol=0, atol=room)
    for name in SWITCHES:
        mean = np.zeros(len(net))
        for order in itertools.permutations(SWITCHES):
            before = frozenset(order[: order.index(name)])
            mean += (lost[before | {name}] - lost[before]) / factorial(3)
        np.testing.assert_allclose(rows[name], mean, rtol=0, atol=room)
    whole = ALL.propagate(net, shock, baseline=baseline)
    want = whole.loss if of == "owners" else whole.outside_losses
    np.testing.assert_allclose(rows["loss"], want, rtol=0, atol=room)
    parts = frame.drop(columns="loss").sum(axis=1)
    np.testing.assert_allclose(parts, frame["loss"], rtol=0, atol=room)
    np.testing.assert_allclose(frame.iloc[-1], rows.sum(), rtol=0, atol=room)
    if baseline == "book":
        assert (rows[list(SWITCHES)] >= -room).all(axis=None)


@given(seed=seeds, n=sizes, features=some_features)
@few
def test_owners_and_external_creditors_bear_everything(seed, n, features):
    net, shock = example(seed, n, features)
    owners = ALL.attribution(net, shock).loc["total"]
    outside = ALL.attribution(net, shock, of="external creditors").loc["total"]
    borne = ALL.propagate(net, shock).socialization.borne
    assert owners["loss"] + outside["loss"] == pytest.approx(borne, abs=1e-9 * checks.scale(net))


def test_channels_that_need_each_other_share_alike_and_idle_ones_get_nothing():
    """No sale without the mark, no effect of the mark without sales: each gets half.

    a owes b 10, loses half of its equity of 4: b marks 5 down and is paid in full. With the mark
    its equity of 10 is 5, and carries 10 at a ratio of 1/2: the claim at 5, and 5 of 10 in X, at
    the price before. The price falls by s / 50 of it for s sold.
    """
    net = ct.ExposureNetwork.from_matrix(
        [[0, 10], [0, 0]],
        ["a", "b"],
        orientation="debtor->creditor",
        external_assets=[14, 10],
        external_liabilities=[0, 10],
        holdings={"node": ["b"], "asset": ["X"], "value": [10.0]},
    )
    linear = Prices(0.5, ct.liquidation.Linear(depth=50.0))
    model = ct.models.JointModel(linear, Funding(0.5, 0.2), Marking())
    shock = ct.Shock.loss({"a": 2})
    frame = model.attribution(net, shock)
    sold = model.market(net, shock).loc["X", "sold"]
    price = 1 - sold / 50
    assert (10 - sold) * price == pytest.approx(2 * (5 - 10 * (1 - price)) - 5, abs=1e-8)
    fall = 10 * (1 - price)
    assert 1.0 < fall < 2.0
    want = [0.0, 0.0, fall / 2, 0.0, fall / 2, fall]
    np.testing.assert_allclose(frame.loc["b"], want, rtol=0, atol=1e-8)
    assert frame.loc["a"].tolist() == [2.0, 0.0, 0.0, 0.0, 0.0, 2.0]
    assert model.propagate(net, shock).payments["a"] == 10.0


def test_only_the_channels_that_are_on_have_a_column():
    net, shock = example(1, 5, frozenset())
    assert list(ct.models.JointModel().attribution(net, shock)) == ["direct", "claims", "loss"]
    names = ["direct", "claims", "funding", "loss"]
    assert list(ct.models.JointModel(funding=FUNDING).attribution(net, shock)) == names


# -- parameters ---------------------------------------------------------------------------------


def test_columns_of_the_node_table_limit_what_funding_costs():
    """b owes a 10, replaces half: 5 less 2 at hand cost 0.6; sellable 1.8 − 0.6 costs 0.2."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 0], [10, 0]],
        ["a", "b"],
        orientation="debtor->creditor",
        external_assets=[21, 15],
        external_liabilities=[30, 0],
    )
    shock, model = ct.Shock.loss({"a": 5}), ct.models.JointModel(funding=Funding(0.5, 0.2))
    for columns, cost in (
        ({}, 1.0),
        ({"liquid_assets": [0, 2]}, 0.6),
        ({"sellable_assets": [0.0, 1.8], "secured_funding": [0.0, 0.6]}, 0.2),
    ):
        result = model.propagate(net.with_nodes(**columns), shock)
        assert result.outcome.equity[1] == pytest.approx(5 - cost)
        assert result.socialization.deadweight == pytest.approx(cost)


def test_costs_end_with_the_external_assets():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 0], [10, 0]],
        ["a", "b"],
        orientation="debtor->creditor",
        external_assets=[1, 12],
        external_liabilities=[11, 0],
    )
    result = ct.models.JointModel(funding=Funding(1.0, 5.0)).propagate(net, ct.Shock.loss({"a": 1}))
    assert result.outcome.channels["funding"].tolist() == [0.0, 12.0]
    assert result.payments.tolist() == [0.0, 0.0]
    assert result.audit()["ok"].all()


def test_words_stand_for_channels():
    model = ct.models.JointModel("capital_ratio=0.2,impact=1", "default", "merton:volatility=0.1")
    assert model.prices == Prices(0.2, 1.0)
    assert model.funding == Funding()
    assert model.valuation == Marking(ct.models.valuations.Merton(0.1))
    assert eval(repr(model), vars(ct.models)) == model
    assert hash(model) == hash(replace(model))


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: ct.models.JointModel(prices=Funding()), TypeError, "channels.Prices"),
        (
            lambda: ct.models.JointModel(valuation=ct.models.valuations.Merton(0.1)),
            TypeError,
            "Marking",
        ),
        (
            lambda: ct.models.JointModel(funding="not_replace=1"),
            ct.UnknownNameError,
            "not_replaced",
        ),
        (lambda: ct.models.JointModel(prices="impact=much"), ValueError, "number"),
        (lambda: Prices(0.0), ValueError, "capital_ratio"),
        (lambda: Prices(0.1, impact=-1), ValueError, "impact"),
        (lambda: Funding(1.5), ValueError, "not_replaced"),
        (lambda: Funding(0.5, -1), ValueError, "sale_cost"),
        (lambda: Marking("mertn"), ct.UnknownNameError, "merton"),
        (lambda: Marking(3), TypeError, "valuation"),
    ],
)
def test_wrong_parameters_are_named(make, error, says):
    with pytest.raises(error, match=says):
        make()


def test_what_does_not_go_together_is_refused():
    net, shock = example(1, 5, frozenset())
    with pytest.raises(ValueError, match="external creditors"):
        ALL.attribution(net, shock, of="creditors")
    called = net.with_guarantees({"guarantor": ["n000"], "debtor": ["n001"], "amount": [1.0]})
    with pytest.raises(ct.ModelError, match="valuation=None"):
        ALL.propagate(called, shock)
    assert replace(ALL, valuation=None).propagate(called, shock).audit()["ok"].all()


def test_silence_is_an_error():
    net, shock = example(3, 30, frozenset())
    with pytest.raises(ct.ConvergenceError, match="max_rounds"):
        replace(ALL, max_rounds=1).propagate(net, shock)


def test_rounds_and_the_path_end_where_the_solution_is():
    net, shock = example(4, 12, frozenset())
    result = ALL.propagate(net, shock)
    outcome = result.outcome
    assert ((result.default_round >= 0) == outcome.defaulted).all()
    last = result.path[result.path["round"] == result.path["round"].max()]
    np.testing.assert_allclose(last["equity"], outcome.equity, atol=1e-8 * checks.scale(net))
    assert last["defaulted"].tolist() == outcome.defaulted.tolist()
