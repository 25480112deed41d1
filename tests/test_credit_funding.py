"""Credit and funding shocks: limits, channels, liquidity, floors, and a plain reference."""

from __future__ import annotations

from dataclasses import replace

import checks
import numpy as np
import pandas as pd
import pytest
import reference_funding as reference
from conftest import others_slow, random_network, random_shock, random_tables

import contagion as ct

KINDS = (
    ct.models.CreditFunding(),
    ct.models.CreditFunding(0.6, 0.5, 0.4, strict=False),
    ct.models.CreditFunding(0.4, 0.8, 2.0, price_impact=0.7, hurdle=0.03),
    ct.models.CreditFunding(0.0, 1.0, 1.0, price_impact=3.0),
)
LIMITS = {"loss_given_default": 1.0, "not_replaced": 1.0, "hurdle": 0.3}
TOPS = {**LIMITS, "sale_cost": 3.0, "price_impact": 2.0}


def funded_network(seed: int, n: int = 9) -> ct.ExposureNetwork:
    """A random network with every optional column, some cells empty."""
    rng = np.random.default_rng(seed)
    features = {f for f in ("insolvent", "unknown", "unfailing", "parallel") if rng.random() < 0.4}
    nodes, exposures, options = random_tables(seed, n, 2.0, features)
    size = nodes["external_assets"].fillna(1.0).to_numpy()

    def some(values: np.ndarray) -> np.ndarray:
        return np.where(rng.random(len(values)) < 0.7, values, np.nan)

    nodes["liquid_assets"] = some(0.1 * size * rng.random(n))
    nodes["sellable_assets"] = some(size * rng.random(n))
    nodes["secured_funding"] = some(0.2 * size * rng.random(n))
    nodes["equity_floor"] = some(0.03 * size * rng.random(n))
    exposures["lgd"] = some(rng.random(len(exposures)))
    return ct.ExposureNetwork(nodes, exposures, **options)


@pytest.mark.parametrize("model", KINDS, ids=repr)
@pytest.mark.parametrize("seed", others_slow(range(40), keep=10))
def test_the_rounds_node_by_node(model, seed):
    net = funded_network(seed)
    losses, pins, _ = random_shock(net, seed, pinned=bool(seed % 2), scale=0.3).arrays(net)
    want = reference.credit_funding(net, model, losses, pins)
    got = model.solve(net, losses, pins)
    room = 1e-10 * checks.scale(net)
    for name in ("credit", "funding", "price"):
        np.testing.assert_allclose(got.channels[name], getattr(want, name), rtol=0, atol=room)
    assert got.default_round.tolist() == want.when
    assert got.illiquid.tolist() == want.illiquid


@pytest.mark.parametrize("seed", range(30))
def test_no_lost_funding_is_furfine(seed):
    features = {"insolvent", "parallel"} if seed % 3 else {"unknown", "unfailing"}
    net = random_network(seed, 12, 2.0, features)
    losses, pins, _ = random_shock(net, seed, pinned=bool(seed % 2), scale=0.4).arrays(net)
    rate, strict = [1.0, 0.4, 0.75][seed % 3], bool(seed % 4)
    want = ct.models.Furfine(rate, strict).solve(net, losses, pins)
    got = ct.models.CreditFunding(rate, 0.0, 1.0, strict=strict).solve(net, losses, pins)
    np.testing.assert_allclose(got.equity, want.equity, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(got.default_round, want.default_round)
    np.testing.assert_array_equal(got.loss_rate, want.loss_rate)


@pytest.mark.parametrize("seed", range(10))
def test_each_channel_can_be_switched_off(seed):
    net = random_network(seed, 12, 2.0)
    pins = np.full((12, 12), np.nan)
    np.fill_diagonal(pins, 1.0)
    free = ct.models.CreditFunding(0.6, 0.5, 0.0).solve(net, np.zeros((12, 12)), pins).channels
    assert not free["funding"].any() and not free["price"].any()
    alone = ct.models.CreditFunding(0.0, 0.5, 1.0).solve(net, np.zeros((12, 12)), pins).channels
    assert not alone["credit"].any() and alone["funding"].any()
    marked = (
        ct.models.CreditFunding(0.0, 0.5, 0.0, 1.0).solve(net, np.zeros((12, 12)), pins).channels
    )
    assert not marked["funding"].any() and marked["price"].any()


@pytest.mark.parametrize("name", TOPS)
@pytest.mark.parametrize("seed", range(12))
def test_more_of_any_parameter_helps_nobody(name, seed):
    net = funded_network(seed)
    losses, pins, _ = random_shock(net, seed, pinned=bool(seed % 2), scale=0.3).arrays(net)
    base = ct.models.CreditFunding(0.5, 0.3, 0.5, price_impact=0.2, hurdle=0.02)
    room, last = 1e-9 * checks.scale(net), None
    for part in (0.0, 0.1, 0.4, 1.0):
        now = replace(base, **{name: part * TOPS[name]}).solve(net, losses, pins)
        if last is not None:
            assert not (now.equity > last.equity + room).any()
            assert (now.defaulted >= last.defaulted).all()
            assert all((now.channels[k] >= last.channels[k] - room).all() for k in now.channels)
        last = now


@pytest.mark.parametrize("model", KINDS, ids=repr)
@pytest.mark.parametrize("seed", range(8))
def test_larger_shocks_and_less_money_at_hand_help_nobody(model, seed):
    net = funded_network(seed)
    losses, pins, _ = random_shock(net, seed, pinned=bool(seed % 2), scale=0.3).arrays(net)
    small, large = (model.solve(net, k * losses, pins) for k in (0.5, 1.0))
    room = 1e-9 * checks.scale(net)
    assert not (large.equity > small.equity + room).any()
    assert (large.defaulted >= small.defaulted).all()
    cash = net.nodes["liquid_assets"].fillna(0.0).to_numpy()
    tight = model.solve(net.with_nodes(liquid_assets=0.5 * cash), losses, pins)
    loose = model.solve(net.with_nodes(liquid_assets=cash), losses, pins)
    if not model.price_impact:  # liquid assets have no price to fall
        assert not (tight.equity > loose.equity + room).any()
        assert (tight.defaulted >= loose.defaulted).all()


@pytest.mark.parametrize("seed", range(10))
def test_a_batch_is_its_scenarios(seed):
    net, model = funded_network(seed), KINDS[2]
    shocks = [random_shock(net, seed + k, pinned=k % 2 == 1) for k in range(4)]
    losses, pins, _ = (np.array(x) for x in zip(*(s.arrays(net) for s in shocks), strict=True))
    batch = model.solve(net, losses.reshape(2, 2, -1), pins.reshape(2, 2, -1))
    for k in range(4):
        one = model.solve(net, losses[k], pins[k])
        for name in one.channels:
            got = batch.channels[name].reshape(4, -1)[k]
            np.testing.assert_allclose(got, one.channels[name], rtol=1e-12, atol=1e-10)
        np.testing.assert_array_equal(batch.illiquid.reshape(4, -1)[k], one.illiquid)


@pytest.mark.parametrize("baseline", ["book", "cleared"])
@pytest.mark.parametrize("seed", range(12))
def test_channels_sum_to_the_loss_of_owners(seed, baseline):
    net, model = funded_network(seed), KINDS[2]
    shock = random_shock(net, seed, pinned=bool(seed % 2), scale=0.5)
    result = model.propagate(net, shock, baseline=baseline)
    table = result.channels
    assert list(table) == ["direct", "credit", "funding", "price"]
    room = 1e-9 * checks.scale(net)
    np.testing.assert_allclose(table.sum(axis=1), result.loss, rtol=0, atol=room)
    assert baseline == "cleared" or (table >= -room).all().all()
    checks.assert_claim_bounds(result)
    assert result.audit()["ok"].all()


def test_the_path_ends_where_the_outcome_does():
    net, model = funded_network(4), KINDS[2]
    result = model.propagate(net, random_shock(net, 4, scale=0.5))
    last = result.path[result.path["round"] == result.path["round"].max()]
    np.testing.assert_allclose(last["equity"], result.outcome.equity, rtol=1e-12)
    assert last["defaulted"].tolist() == result.outcome.defaulted.tolist()


# -- by hand ------------------------------------------------------------------------------------


def lender(**columns) -> ct.ExposureNetwork:
    """bank owes fund 100 and holds 150 outside: capital 50."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 100], [0, 0]],
        ["bank", "fund"],
        orientation="debtor->creditor",
        external_assets=[150, 10],
    )
    return net.with_nodes(**columns) if columns else net


def after_the_fund_fails(net: ct.ExposureNetwork, model: ct.models.CreditFunding) -> pd.Series:
    return model.propagate(net, ct.Shock.default("fund")).table.loc["bank"]


def test_liquid_assets_come_first():
    """40 to repay; 15 are at hand, so 25 are raised at a cost of 0.6 each."""
    model = ct.models.CreditFunding(1.0, 0.4, 0.6)
    assert after_the_fund_fails(lender(), model)["loss"] == pytest.approx(24)
    rich = lender(liquid_assets=[15, 0])
    assert after_the_fund_fails(rich, model)["loss"] == pytest.approx(15)


@pytest.mark.parametrize(
    ("sellable", "pledged", "defaulted", "loss"),
    [(40, 0, False, 15), (39, 0, True, 39 * 0.6 / 1.6), (45, 5, False, 15), (45, 6, True, 14.625)],
)
def test_liquidity_default(sellable, pledged, defaulted, loss):
    """To raise 25 at a cost of 0.6 each it has to sell 40: with less it is in default, solvent."""
    net = lender(liquid_assets=[15, 0], sellable_assets=[sellable, 0], secured_funding=[pledged, 0])
    result = ct.models.CreditFunding(1.0, 0.4, 0.6).propagate(net, ct.Shock.default("fund"))
    assert result.table.loc["bank", "defaulted"] == defaulted
    assert result.outcome.illiquid.tolist() == [defaulted, False]
    assert result.table.loc["bank", "loss"] == pytest.approx(loss)
    assert result.table.loc["bank", "equity_after"] == pytest.approx(50 - loss)


@pytest.mark.parametrize(
    ("floor", "hurdle", "defaulted"),
    [(None, 0.0, False), (None, 0.17, False), (None, 0.18, True), (26, 0.0, False), (27, 0, True)],
)
def test_hurdles(floor, hurdle, defaulted):
    """24 of 50 are lost: 26 are left on 150 of total assets, 17.33%."""
    net = lender() if floor is None else lender(equity_floor=[floor, 0])
    model = ct.models.CreditFunding(1.0, 0.4, 0.6, hurdle=hurdle)
    assert after_the_fund_fails(net, model)["defaulted"] == defaulted


def test_a_floor_of_its_own_counts_before_the_hurdle():
    net = lender(equity_floor=[0, 0])
    assert not after_the_fund_fails(net, ct.models.CreditFunding(1.0, 0.4, 0.6, hurdle=0.3))[
        "defaulted"
    ]


def test_equality_at_the_floor():
    for strict in (True, False):
        row = after_the_fund_fails(
            lender(equity_floor=[26, 0]), ct.models.CreditFunding(1.0, 0.4, 0.6, strict=strict)
        )
        assert row["defaulted"] == (not strict)


def test_forced_sales_move_the_price_for_everybody():
    """The bank sells 40 · 1.6 = 64 of 160: with κ = 0.5 the price falls by a fifth."""
    result = ct.models.CreditFunding(1.0, 0.4, 0.6, price_impact=0.5).propagate(
        lender(), ct.Shock.default("fund")
    )
    assert result.outcome.channels["price"].tolist() == pytest.approx([30, 2])
    assert result.outcome.equity[0] == pytest.approx(50 - 24 - 30)
    # the bank is wiped out: 24 and 30 share its 50
    want = [0, 0, 50 * 24 / 54, 50 * 30 / 54]
    assert result.channels.loc["bank"].tolist() == pytest.approx(want)
    # what the fund destroys are its 10; its claim of 100 the bank does not pay, and prices take 2
    assert result.channels.loc["fund"].tolist() == pytest.approx(
        [10, 100 * 100 / 102, 0, 100 * 2 / 102]
    )


def rated(*rates: float) -> ct.ExposureNetwork:
    """d owes a, b and c 10 each, with a loss given default of their own."""
    nodes = pd.DataFrame({"node": list("dabc"), "external_assets": [31.0, 5, 5, 5]})
    owed = pd.DataFrame({"creditor": list("abc"), "debtor": "d", "amount": 10.0, "lgd": rates})
    return ct.ExposureNetwork(nodes, owed)


def test_loss_given_default_of_a_claim():
    """Its own where it is given, whoever pins d; λ or the pinned recovery elsewhere."""
    net, model = rated(0.25, np.nan, 0.0), ct.models.CreditFunding(0.6, 0.0, 1.0)
    pinned = model.propagate(net, ct.Shock.default("d", recovery=0.1))
    assert pinned.flows["loss"].tolist() == pytest.approx([2.5, 9, 0])
    fallen = model.propagate(net, ct.Shock.loss({"d": 2.0}))
    assert fallen.flows["loss"].tolist() == pytest.approx([2.5, 6, 0])
    assert fallen.outcome.claims_lost.tolist() == pytest.approx([0, 2.5, 6, 0])
    assert fallen.table.loc["d", "shortfall"] == pytest.approx(8.5)
    standing = model.propagate(net, ct.Shock.loss({"d": 0.5}))
    assert not standing.flows["loss"].any()


def test_all_rates_equal_is_the_parameter():
    same, plain = rated(0.3, 0.3, 0.3), rated(np.nan, np.nan, np.nan)
    one = ct.models.CreditFunding(0.9, 0.35).propagate(same, ct.Shock.loss({"d": 2.0}))
    two = ct.models.CreditFunding(0.3, 0.35).propagate(plain, ct.Shock.loss({"d": 2.0}))
    pd.testing.assert_frame_equal(one.flows, two.flows)


def test_single_defaults_use_the_rates_of_the_claims():
    """d fails: a loses 2.5, b 5 and c 0 of their 15 each."""
    table = ct.measures.each_default(rated(0.25, 0.5, 0.0), ct.models.CreditFunding(1.0, 0.0))
    assert table.loc["d", "default_impact"] == pytest.approx(7.5)
    assert table.loc["d", "contagion_index"] == pytest.approx(100 * 7.5 / 45)


def test_nodes_without_known_capital_lose_funding_too():
    nodes = pd.DataFrame({"node": ["bank", "fund"], "external_assets": [np.nan, 10.0]})
    owed = pd.DataFrame({"creditor": ["fund"], "debtor": ["bank"], "amount": [100.0]})
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external")
    model = ct.models.CreditFunding(1.0, 0.4, 0.6)
    result = model.propagate(net, ct.Shock.default("fund"))
    assert result.table.loc["bank", "loss"] == pytest.approx(24)
    assert result.channels.loc["bank", "funding"] == pytest.approx(24)
    table = ct.measures.each_default(net, model)
    assert table.loc["fund", "default_impact"] == pytest.approx(24)


# -- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss_given_default": 1.2},
        {"not_replaced": -0.1},
        {"hurdle": 8.0},
        {"sale_cost": -1.0},
        {"sale_cost": np.inf},
        {"price_impact": np.nan},
    ],
)
def test_parameters_out_of_range(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ct.models.CreditFunding(**wrong)


def test_percentages_are_refused():
    with pytest.raises(ct.NetworkError, match="2 cells in rows 0, 2 are not a number from 0 to 1"):
        rated(25.0, 0.3, 45.0)
    with pytest.raises(ct.NetworkError, match="lgd"):
        rated(-0.1, 0.3, 0.4)


def test_models_with_one_channel_have_no_table_of_channels(chain):
    with pytest.raises(ct.ModelError, match="Furfine does not compute channels"):
        _ = ct.models.Furfine().propagate(chain, ct.Shock.default("a")).channels
