"""Models in which sales move prices: against plain references, limits, conservation, contract."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import replace

import checks
import numpy as np
import pytest
import reference_firesale as plain
from conftest import FEATURES, examples, random_shock, random_tables
from hypothesis import given
from hypothesis import strategies as st

import contagion as ct

SALES = ct.models.FireSale(0.15, impact=0.4, other_weight=0.5)
LEAST = replace(SALES, which="least")
OVERLAP = ct.models.OverlappingPortfolios(0.8)
BOTH = ct.models.OverlappingPortfolios(0.8, loss_given_default=0.6)
TARGET = ct.models.LeverageTargeting(rounds=3)
LIMIT = ct.models.ThresholdDeleveraging(6.0, 5.0, floor=0.2)
ALL = {
    "fire sale": SALES,
    "fire sale, least": LEAST,
    "overlapping": OVERLAP,
    "overlapping, claims too": BOTH,
    "leverage targeting": TARGET,
    "threshold": LIMIT,
}
every_model = pytest.mark.parametrize("model", ALL.values(), ids=ALL.keys())
seeds, sizes = st.integers(0, 10_000), st.integers(2, 9)
some_features = st.sets(st.sampled_from(FEATURES)).map(frozenset)
few, many = examples(15), examples(60)


def example(seed: int, n: int, features: frozenset[str]) -> tuple[ct.ExposureNetwork, ct.Shock]:
    net = plain.network(seed, n, features)
    return net, random_shock(net, seed, pinned="pinned" in features, scale=0.5)


# -- against the definition ---------------------------------------------------------------------


@pytest.mark.parametrize("model", [SALES, LEAST], ids=["greatest", "least"])
@given(seed=seeds, n=sizes, features=some_features)
@many
def test_clearing_and_prices_are_the_joint_fixed_point_of_plain_rounds(model, seed, n, features):
    net, shock = example(seed, n, features)
    losses, pins, _ = shock.arrays(net)
    equity, price = plain.fire_sale(
        net, losses, pins, ratio=0.15, impact=0.4, weight=0.5, least=model.which == "least"
    )
    result = model.propagate(net, shock)
    known = np.isfinite(result.outcome.equity) & np.isnan(pins)
    room = 1e-7 * checks.scale(net)
    np.testing.assert_allclose(result.outcome.equity[known], equity[known], rtol=0, atol=room)
    market = model.market(net, shock)["price"]
    np.testing.assert_allclose(market, [price[a] for a in market.index], rtol=0, atol=1e-8)


@pytest.mark.parametrize("rate", [0.0, 0.6])
@given(seed=seeds, n=sizes, features=some_features)
@many
def test_overlapping_portfolios_are_the_plain_cascade(rate, seed, n, features):
    net, shock = example(seed, n, features)
    losses, pins, _ = shock.arrays(net)
    lost, failed = plain.overlapping(net, losses, pins, impact=0.8, rate=rate)
    outcome = ct.models.OverlappingPortfolios(0.8, rate).propagate(net, shock).outcome
    assert outcome.defaulted.tolist() == failed
    free = np.isnan(pins)
    np.testing.assert_allclose(outcome.lost[free], np.array(lost)[free], atol=1e-8)


@pytest.mark.parametrize("floor", [0.0, 0.3])
@given(seed=seeds, n=sizes, features=some_features)
@many
def test_threshold_deleveraging_is_its_plain_rounds(floor, seed, n, features):
    """The reference moves the price of now in every round; the kernel goes by all volume so far."""
    net, shock = example(seed, n, features - {"insolvent"})
    losses, pins, _ = shock.arrays(net)
    lost, price = plain.threshold(
        net, losses, pins, most=6.0, target=5.0, depth=40.0, floor=floor, shortfall=0.5
    )
    model = ct.models.ThresholdDeleveraging(6.0, 5.0, depth=40.0, floor=floor)
    market = model.market(net, shock)["price"]
    np.testing.assert_allclose(market, [price[a] for a in market.index], rtol=0, atol=1e-9)
    outcome, book = model.propagate(net, shock).outcome, net.book
    free = np.isnan(pins) & book.known
    claims = np.where(np.isnan(pins), 0.0, 1.0 - pins) @ net.liabilities
    want = book.equity - losses - claims - np.array(lost)
    np.testing.assert_allclose(outcome.equity[free], want[free], rtol=0, atol=1e-8)


@given(seed=seeds, n=sizes)
@few
def test_leverage_targeting_is_its_matrix_form(seed, n):
    """A M L M' B applied to the losses of the round before, dense."""
    net, shock = example(seed, n, frozenset())
    book, own = net.book, plain.held(net)
    h = np.array([own[a] for a in plain.ASSETS]).T
    a = book.external_assets + book.claims
    b = np.diag((a - book.equity) / book.equity)
    m, impact = h / a[:, None], np.diag(1.0 / np.where(h.sum(axis=0) > 0, h.sum(axis=0), np.inf))
    losses = shock.arrays(net)[0]
    step = np.diag(a) @ m @ impact @ m.T @ b
    second = step @ losses
    third = step @ second
    equity = ct.models.LeverageTargeting(rounds=2).propagate(net, shock).outcome.equity
    want = book.equity - losses - second - third
    np.testing.assert_allclose(equity, want, rtol=1e-9, atol=1e-9 * checks.scale(net))


# -- value is conserved -------------------------------------------------------------------------


@pytest.mark.parametrize("model", [SALES, LEAST], ids=["greatest", "least"])
@given(seed=seeds, n=sizes, features=some_features, baseline=st.sampled_from(["book", "cleared"]))
@many
def test_falls_of_prices_are_deadweight_and_value_is_conserved(model, seed, n, features, baseline):
    net, shock = example(seed, n, features)
    result = model.propagate(net, shock, baseline=baseline)
    s, room = result.socialization, 1e-9 * checks.scale(net)
    borne, whole = sum(map(np.sum, result.borne)), s.initial_loss + s.deadweight + s.relief
    assert abs(borne - s.missing_before - whole) <= room and abs(borne - s.borne) <= room
    assert result.audit()["ok"].all()
    if baseline == "book":
        losses, pins, _ = shock.arrays(net)
        part, _ = plain.left(net, losses)
        price, own = model.market(net, shock)["price"], plain.held(net)
        free = np.flatnonzero(np.isnan(pins))
        drop = sum(part[i] * own[a][i] * (1 - price.get(a, 1.0)) for i in free for a in own)
        assert result.outcome.deadweight.sum() == pytest.approx(drop, abs=room)


# -- limits -------------------------------------------------------------------------------------


def same_as_clearing(model: ct.models.Model, net: ct.ExposureNetwork, shock: ct.Shock) -> None:
    checks.assert_same_result(ct.EisenbergNoe().propagate(net, shock), model.propagate(net, shock))


@given(seed=seeds, n=sizes, features=some_features)
@few
def test_without_impact_it_is_eisenberg_noe(seed, n, features):
    net, shock = example(seed, n, features)
    depth = ct.liquidation.Exponential(float("inf"))
    for impact in (0, ct.liquidation.NoImpact(), depth, dict.fromkeys(plain.ASSETS, depth)):
        same_as_clearing(ct.models.FireSale(0.5, impact=impact), net, shock)


@given(seed=seeds, n=sizes, features=some_features)
@few
def test_without_holdings_it_is_eisenberg_noe(seed, n, features):
    nodes, exposures, options = random_tables(seed, n, 2.0, features)
    net = ct.ExposureNetwork(nodes, exposures, **options)
    shock = random_shock(net, seed, pinned="pinned" in features)
    for model in (SALES, LEAST, replace(SALES, which=None)):
        same_as_clearing(model, net, shock)
    illiquid = plain.network(seed, n, features)
    shock = random_shock(illiquid, seed)
    same_as_clearing(replace(SALES, illiquid=plain.ASSETS), illiquid, shock)


@every_model
@given(seed=seeds, n=sizes)
@few
def test_without_impact_there_is_no_loss_by_sales(model, seed, n):
    net, shock = example(seed, n, frozenset({"pinned"}))
    free = np.isnan(shock.arrays(net)[1])
    if isinstance(model, (ct.models.LeverageTargeting, ct.models.ThresholdDeleveraging)):
        without = replace(model, depth=float("inf"))
    else:
        without = replace(model, impact=0)
    assert (without.market(net, shock)["fall"] == 0).all()
    nodes, exposures, options = random_tables(seed, n, 2.0, frozenset({"pinned"}))
    bare = ct.ExposureNetwork(nodes, exposures, **options)
    left, right = without.propagate(net, shock).table, without.propagate(bare, shock).table
    np.testing.assert_allclose(
        left["loss"][free], right["loss"][free], rtol=0, atol=1e-9 * checks.scale(net)
    )


@pytest.mark.parametrize("model", [SALES, OVERLAP, BOTH], ids=["sale", "overlap", "both"])
@given(seed=seeds, n=sizes, features=some_features)
@few
def test_more_impact_never_helps_anybody(model, seed, n, features):
    net, shock = example(seed, n, features)
    losses, pins, _ = shock.arrays(net)
    runs = [replace(model, impact=a).solve(net, losses, pins) for a in (0.0, 0.1, 0.4, 1.5)]
    room = 1e-9 * checks.scale(net)
    for less, more in itertools.pairwise(runs):
        assert not (more.equity > less.equity + room).any()
        assert (more.lost >= less.lost - room).all()
        assert (more.defaulted | (np.abs(less.equity) <= room) >= less.defaulted).all()


@given(seed=seeds, n=sizes)
@few
def test_less_depth_never_helps_with_targets(seed, n):
    net, shock = example(seed, n, frozenset())
    losses, pins, _ = shock.arrays(net)
    deep, shallow = (
        ct.models.LeverageTargeting(depth=d).solve(net, losses, pins) for d in (500.0, 50.0)
    )
    assert (shallow.equity <= deep.equity + 1e-9 * checks.scale(net)).all()


@pytest.mark.parametrize("model", [SALES, LEAST, OVERLAP, BOTH, TARGET], ids=str)
@given(seed=seeds, n=sizes, features=some_features)
@few
def test_a_larger_shock_never_helps_anybody(model, seed, n, features):
    net, shock = example(seed, n, features)
    losses, pins, _ = shock.arrays(net)
    more = np.minimum(losses * 1.7 + 0.01, np.nan_to_num(net.book.external_assets, nan=np.inf))
    more = np.maximum(more, losses)
    small, large = model.solve(net, losses, pins), model.solve(net, more, pins)
    room = 1e-8 * checks.scale(net)
    assert not (large.equity > small.equity + room).any()
    assert (large.claims_lost >= small.claims_lost - room).all()


@given(seed=seeds, n=sizes)
@few
def test_leverage_targeting_is_linear_in_the_shock(seed, n):
    net = plain.network(seed, n)
    losses = 0.1 * net.book.external_assets * np.random.default_rng(seed).random((2, n))
    lost = [TARGET.solve(net, part).lost for part in (*losses, 3 * losses[0] + losses[1])]
    np.testing.assert_allclose(3 * lost[0] + lost[1], lost[2], rtol=1e-9, atol=1e-12)


@given(seed=seeds, n=sizes)
@few
def test_systemicness_adds_up_to_aggregate_vulnerability(seed, n):
    net, shock = example(seed, n, frozenset({"pinned"}))
    found = ct.models.LeverageTargeting().vulnerability(net, shock)
    assert found.table["systemicness"].sum() == pytest.approx(found.aggregate, rel=1e-9)
    whole = found.table["indirect_loss"].sum() / found.table["equity"].clip(lower=0).sum()
    assert whole == pytest.approx(found.aggregate, rel=1e-9)


@given(seed=seeds, n=sizes, features=some_features)
@few
def test_the_least_solution_is_not_above_the_greatest(seed, n, features):
    net, shock = example(seed, n, features)
    high, low = SALES.market(net, shock)["price"], LEAST.market(net, shock)["price"]
    assert (low <= high + 1e-9).all()


# -- what every model has to do, with holdings --------------------------------------------------


@every_model
@given(seed=seeds, n=sizes, features=some_features)
@few
def test_a_batch_is_its_scenarios_one_at_a_time(model, seed, n, features):
    net = plain.network(seed, n, features)
    pairs = [
        random_shock(net, seed + k, pinned=k % 2 == 1, scale=0.5).arrays(net) for k in range(4)
    ]
    losses, pins, _ = (np.array(side) for side in zip(*pairs, strict=True))
    batch = model.solve(net, losses.reshape(2, 2, -1), pins.reshape(2, 2, -1))
    assert batch.equity.shape == (2, 2, n) and np.shape(batch.rounds) == (2, 2)
    room = 1e-9 * checks.scale(net)
    for k in range(4):
        single = model.solve(net, losses[k], pins[k])
        for name in ("equity", "lost", "payments", "external_paid", "deadweight"):
            if getattr(single, name) is not None:
                many_ = getattr(batch, name).reshape(4, n)[k]
                np.testing.assert_allclose(many_, getattr(single, name), rtol=0, atol=room)
        assert (batch.defaulted.reshape(4, n)[k] == single.defaulted).all()


@every_model
@given(seed=seeds, n=sizes, features=some_features)
@few
def test_order_of_rows_and_unit_of_money_do_not_matter(model, seed, n, features):
    nodes, exposures, options = random_tables(seed, n, 2.0, features)
    held = plain.holdings(seed, nodes)
    one = ct.ExposureNetwork(nodes, exposures, holdings=held, **options)
    shock = random_shock(one, seed, pinned="pinned" in features, scale=0.5)
    rng = np.random.default_rng(seed)
    two = ct.ExposureNetwork(
        nodes.iloc[rng.permutation(len(nodes))],
        exposures,
        holdings=held.iloc[rng.permutation(len(held))],
        **options,
    )
    checks.assert_same_result(model.propagate(one, shock), model.propagate(two, shock))
    money = ["external_assets", "external_liabilities"]
    large = ct.ExposureNetwork(
        nodes.assign(**{c: nodes[c] * 1e6 for c in money}),
        exposures.assign(amount=exposures["amount"] * 1e6),
        holdings=held.assign(value=held["value"] * 1e6),
        **options,
    )
    other = replace(shock, losses=tuple((k, v * 1e6) for k, v in shock.losses))
    checks.assert_same_result(model.propagate(one, shock), model.propagate(large, other), 1e6)


@every_model
@given(seed=seeds, n=sizes, features=some_features)
@few
def test_audit_rounds_and_path_fit_together(model, seed, n, features):
    net, shock = example(seed, n, features)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = model.propagate(net, shock, baseline="book")
        path = result.path
    assert result.audit()["ok"].all() and repr(result)
    checks.assert_claim_bounds(result)
    last = path[path["round"] == path["round"].max()].set_index("node")
    free = np.isnan(result.hit.pins)
    room = 1e-7 * checks.scale(net)
    np.testing.assert_allclose(
        last["equity"][free], result.table["equity_after"][free], rtol=0, atol=room
    )
    table, channels = result.table, result.channels
    assert channels.columns.tolist() == ["direct", "credit", "price"]
    np.testing.assert_allclose(channels.sum(axis=1), table["loss"], rtol=0, atol=room)
    assert (table["defaulted"] == (table["default_round"] >= 0)).all()
    first = path[path["round"] == 0].set_index("node")["defaulted"]
    start = table["default_round"] == 0
    assert (first[start]).all()
