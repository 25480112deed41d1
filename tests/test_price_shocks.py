"""A price shock marks the balance sheet: it is a network in which the price has fallen already."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import reference_firesale as plain
from conftest import examples, random_shock, random_tables
from hypothesis import given
from hypothesis import strategies as st

import contagion as ct

NO_CLAIMS = pd.DataFrame({"creditor": [], "debtor": [], "amount": []})
DEPTH = 1000.0
FALL = ct.Shock.price({"X": -0.2})
Linear = ct.liquidation.Linear
seeds, sizes, few = st.integers(0, 10_000), st.integers(2, 9), examples(15)


def one(held: float = 100.0, external: float = 150.0) -> ct.ExposureNetwork:
    """a holds X and 50 of cash, and owes 115."""
    nodes = {"node": ["a"], "external_assets": [external], "external_liabilities": [115.0]}
    held_ = {"node": ["a"], "asset": ["X"], "value": [held]}
    return ct.ExposureNetwork(pd.DataFrame(nodes), NO_CLAIMS, holdings=held_)


def fire_sale(depth: float) -> ct.models.FireSale:
    return ct.models.FireSale(0.25, impact=Linear(depth))


def joint(depth: float) -> ct.models.JointModel:
    return ct.models.JointModel(ct.models.channels.Prices(0.25, Linear(depth)))


# -- by hand ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [fire_sale, joint])
def test_sales_start_from_the_shocked_price(model):
    """E = 15 − 80 s/1000 ≥ .25 (100 − s) .8 (1 − s/1000) for s units: 15 − .08 s is reached at

    20 − .22 s + .0002 s² = 15 − .08 s,   s = 350 − √(350² − 25 000) = 37.7501
    """
    sold = 350 - np.sqrt(350**2 - 25_000)
    market = model(DEPTH).market(one(), FALL).loc["X"]
    assert market["sold"] == pytest.approx(sold, rel=1e-8)
    assert market["price"] == pytest.approx(0.8 * (1 - sold / DEPTH), rel=1e-8)
    assert market["fall"] == pytest.approx(0.8 * sold / DEPTH, rel=1e-8)
    result = model(DEPTH).propagate(one(), FALL)
    assert result.table.loc["a", "equity_after"] == pytest.approx(15 - 0.08 * sold, rel=1e-8)
    assert result.outcome.deadweight[0] == pytest.approx(0.08 * sold, rel=1e-8)


@pytest.mark.parametrize("model", [fire_sale, joint])
def test_a_fallen_price_is_a_network_built_with_it_and_the_depth_scaled(model):
    built = one(held=80.0, external=130.0)
    market = model(0.8 * DEPTH).market(built).loc["X"]
    shocked = model(DEPTH).market(one(), FALL).loc["X"]
    assert market["sold"] == pytest.approx(0.8 * shocked["sold"])  # money: 30.2
    assert 0.8 * market["price"] == pytest.approx(shocked["price"])
    equity = model(0.8 * DEPTH).propagate(built).outcome.equity
    np.testing.assert_allclose(model(DEPTH).propagate(one(), FALL).outcome.equity, equity)


def test_a_threshold_counts_the_marked_holdings():
    """130 of assets on an equity of 15: down to 5 times it sells 55 of 80, .6875 of 100 units."""
    model = ct.models.ThresholdDeleveraging(6, 5, depth=float("inf"))
    assert model.market(one(), FALL).loc["X", "sold"] == pytest.approx(68.75)


def test_a_failed_node_sells_at_the_shocked_price():
    """a loses 20 of 15 and sells 100 of a depth of 1000: p = .8 · .9; b loses 20 + 100 · .08."""
    nodes = pd.DataFrame({"node": ["a", "b"], "external_assets": [100.0, 150.0],
                          "external_liabilities": [85.0, 50.0]})  # fmt: skip
    held = {"node": ["a", "b"], "asset": ["X", "X"], "value": [100.0, 100.0]}
    net = ct.ExposureNetwork(nodes, NO_CLAIMS, holdings=held)
    model = ct.models.OverlappingPortfolios(Linear(DEPTH))
    assert model.propagate(net, FALL).table.loc["b", "loss"] == pytest.approx(28.0)
    assert model.market(net, FALL).loc["X", "price"] == pytest.approx(0.72)


def test_leverage_targeting_keeps_the_weights_of_before():
    """Its source is linear in returns: the shock is the money it takes, whatever has fallen."""
    model = ct.models.LeverageTargeting(depth=DEPTH)
    fallen, lost = FALL, ct.Shock.loss({"a": 20.0})
    equity = [model.propagate(one(), shock).outcome.equity for shock in (fallen, lost)]
    np.testing.assert_allclose(*equity)
    market = model.market(one(), fallen).loc["X"]
    assert market["price"] == pytest.approx(0.8 - market["fall"])


@pytest.mark.parametrize(
    "model",
    [
        fire_sale(DEPTH),
        joint(DEPTH),
        ct.models.OverlappingPortfolios(Linear(DEPTH)),
        ct.models.ThresholdDeleveraging(6, 5, depth=DEPTH),
    ],
    ids=lambda model: type(model).__name__,
)
def test_it_matters_which_asset_has_fallen(model):
    """a holds 60 of X and of Y, b only Y: what a sells of Y is worth more when X has fallen."""
    nodes = pd.DataFrame({"node": ["a", "b"], "external_assets": [120.0, 60.0],
                          "external_liabilities": [109.0, 40.0]})  # fmt: skip
    held = {"node": ["a", "a", "b"], "asset": ["X", "Y", "Y"], "value": [60.0, 60.0, 60.0]}
    net = ct.ExposureNetwork(nodes, NO_CLAIMS, holdings=held)
    markets = [model.market(net, ct.Shock.price({asset: -0.2})) for asset in "XY"]
    assert (markets[0]["sold"] > 0).all()
    for market, asset in zip(markets, "XY", strict=True):
        assert market["price"].idxmin() == asset
    by = [model.propagate(net, ct.Shock.price({asset: -0.2})).loss for asset in "XY"]
    assert by[0][1] > 0  # b holds no X and loses by the sales of Y
    assert by[1][1] > by[0][1]


# -- the contract -------------------------------------------------------------------------------


def marked(net: ct.ExposureNetwork, changes: dict[str, float]) -> ct.ExposureNetwork:
    """The network built with prices that have moved already."""
    held = net.holdings
    value = held["value"] * (1 + held["asset"].map(changes).fillna(0.0))
    gone = np.bincount(net.names.get_indexer(held["node"]), held["value"] - value, len(net))
    nodes = net.nodes.assign(external_assets=net.book.external_assets - gone)
    keep = {"external_creditors": net.external_creditors}
    return ct.ExposureNetwork(nodes, net.exposures, holdings=held.assign(value=value), **keep)


def example(seed: int, n: int) -> tuple[ct.ExposureNetwork, dict[str, float]]:
    rng = np.random.default_rng(seed + 7)
    nodes, exposures, _ = random_tables(seed, n, 2.0, frozenset({"tiers"}))
    net = ct.ExposureNetwork(nodes, exposures, holdings=plain.holdings(seed, nodes))
    return net, {str(asset): -float(rng.random()) for asset in net.priced_assets[:2]}


def same(one_, two, net) -> None:
    scale = 1e-7 * float(np.nan_to_num(net.book.external_assets + net.book.claims).sum())
    np.testing.assert_allclose(one_.equity, two.equity, rtol=0, atol=scale)
    np.testing.assert_array_equal(one_.defaulted, two.defaulted)


BUILT = {  # models whose constraints do not look back at the balance sheet before the shock
    "fire-sale": ct.models.FireSale(0.15, impact=0.4, other_weight=0.5),
    "fire-sale, least": ct.models.FireSale(0.15, impact=0.4, which="least"),
    "threshold-deleveraging": ct.models.ThresholdDeleveraging(6.0, 5.0, floor=0.2),
    "overlapping-portfolios": ct.models.OverlappingPortfolios(0.8, loss_given_default=0.6),
    "joint": ct.models.JointModel(
        ct.models.channels.Prices(0.15, 0.4), ct.models.channels.Funding(0.5, 0.2)
    ),
    "eisenberg-noe": ct.EisenbergNoe(),
    "rogers-veraart": ct.models.RogersVeraart(0.9, 0.8, which="greatest"),
    "rogers-veraart, least": ct.models.RogersVeraart(0.9, 0.8, which="least"),
    "furfine": ct.models.Furfine(),
    "gai-kapadia": ct.models.GaiKapadia(),
}


def test_every_model_that_reads_prices_is_held_to_the_marked_book():
    reading = {name for name, model in ct.models.MODELS.items() if model.reads_prices}
    assert reading <= set(BUILT)
    assert reading == {"fire-sale", "threshold-deleveraging", "overlapping-portfolios", "joint"}


@pytest.mark.parametrize("model", BUILT.values(), ids=BUILT.keys())
@given(seed=seeds, n=sizes)
@few
def test_a_price_shock_is_the_marked_book(model, seed, n):
    net, changes = example(seed, n)
    shocked = model.propagate(net, ct.Shock.price(changes)).outcome
    same(shocked, model.propagate(marked(net, changes)).outcome, net)


@pytest.mark.parametrize("model", BUILT.values(), ids=BUILT.keys())
@given(seed=seeds, n=sizes)
@few
def test_other_losses_fall_on_the_marked_book_too(model, seed, n):
    net, changes = example(seed, n)
    after = marked(net, changes)
    more = random_shock(after, seed, pinned=seed % 2 == 1, scale=0.4)
    shocked = model.propagate(net, more + ct.Shock.price(changes)).outcome
    same(shocked, model.propagate(after, more).outcome, net)


@pytest.mark.parametrize("name", [k for k, m in ct.models.MODELS.items() if not m.reads_prices])
@given(seed=seeds, n=sizes)
@few
def test_a_model_that_does_not_read_prices_sees_the_money(name, seed, n):
    model = BUILT.get(name) or ct.models.MODELS[name]()  # some raise where two solutions differ
    net, changes = example(seed, n)
    shock = ct.Shock.price(changes)
    money = dict(zip(net.names, shock.arrays(net).losses.tolist(), strict=True))
    one_, two = (model.propagate(net, s).outcome for s in (shock, ct.Shock.loss(money)))
    np.testing.assert_allclose(one_.equity, two.equity, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("model", BUILT.values(), ids=BUILT.keys())
@given(seed=seeds, n=sizes)
@few
def test_a_batch_of_price_shocks_is_its_shocks_one_at_a_time(model, seed, n):
    net, changes = example(seed, n)
    shocks = [ct.Shock.price({a: part * c for a, c in changes.items()}) for part in (1, 0, 0.5)]
    batch = ct.scenarios.from_shocks(net, shocks).draw(0, 3)
    found = model.solve(net, *batch.hit)
    for k, shock in enumerate(shocks):
        alone = model.propagate(net, shock).outcome
        room = 1e-7 * float(np.nan_to_num(net.book.external_assets + net.book.claims).sum())
        np.testing.assert_allclose(found.equity[k], alone.equity, rtol=0, atol=room)


@pytest.mark.parametrize("baseline", ["book", "cleared"])
@pytest.mark.parametrize("name", ["fire-sale", "joint"])
@given(seed=seeds, n=sizes)
@few
def test_value_is_conserved_after_a_price_shock(name, baseline, seed, n):
    """What the price shock takes is initial loss, what the sales take on top is deadweight."""
    net, changes = example(seed, n)
    shock = random_shock(marked(net, changes), seed, scale=0.4) + ct.Shock.price(changes)
    result = BUILT[name].propagate(net, shock, baseline=baseline)
    s = result.socialization
    room = 1e-7 * float(net.book.external_assets.sum() + net.book.claims.sum())
    assert s.initial_loss == pytest.approx(shock.arrays(net).losses.sum())
    caused = s.initial_loss + s.deadweight + s.relief
    assert s.borne == pytest.approx(caused + s.missing_before, abs=room)
    assert result.audit()["ok"].all()


# -- scenarios and stress tests -----------------------------------------------------------------


def test_price_scenarios_move_prices():
    """A certain fall of 20 % is the price shock."""
    drawn = ct.scenarios.prices(one(), volatility=0, drift=np.log(0.8), scenarios=3, rng=1)
    test = ct.stress_test(one(), fire_sale(DEPTH), drawn)
    assert test.mean().value == pytest.approx(fire_sale(DEPTH).propagate(one(), FALL).loss.sum())
    assert test.mean("deadweight").value == pytest.approx(3.02, abs=0.001)


def test_historical_returns_of_assets_move_prices():
    past = pd.DataFrame({"X": [-0.2, -0.2]})
    drawn = ct.scenarios.historical(one(), past, scenarios=3, rng=1)
    test = ct.stress_test(one(), fire_sale(DEPTH), drawn)
    assert test.mean("deadweight").value == pytest.approx(3.02, abs=0.001)


def two_assets() -> ct.ExposureNetwork:
    nodes = pd.DataFrame({"node": ["a", "b"], "external_assets": [150.0, 100.0],
                          "external_liabilities": [105.0, 70.0]})  # fmt: skip
    held = {"node": ["a", "a", "b"], "asset": ["X", "Y", "Y"], "value": [60.0, 60.0, 60.0]}
    return ct.ExposureNetwork(nodes, NO_CLAIMS, holdings=held)


def test_a_drawn_scenario_is_the_shock_that_it_says():
    """Also where the price of one asset rises, so that one node would gain."""
    net, model = two_assets(), ct.models.FireSale(0.3, impact=0.8)
    drawn = ct.scenarios.prices(net, 0.5, correlation=0.0, scenarios=40, rng=3)
    batch = drawn.draw(0, 40)
    assert ((batch.prices > 1).any(axis=1) & (batch.prices < 1).any(axis=1)).any()
    solved = model.solve(net, *batch.hit)
    assert solved.channels["price"].any()
    for k in range(40):
        alone = model.propagate(net, drawn.shock(k)).outcome
        np.testing.assert_allclose(alone.equity, solved.equity[k], atol=1e-7)


def test_a_grid_adds_price_moves():
    axes = {"x": [ct.Shock(), FALL], "again": [ct.Shock(), ct.Shock.price({"X": -0.1})]}
    drawn = ct.scenarios.grid(one(), axes)
    assert drawn.draw(0, 4).prices[:, 0].tolist() == pytest.approx([1.0, 0.9, 0.8, 0.7])
    assert drawn.shock(3).arrays(one()).losses.tolist() == pytest.approx([30.0])
    axes["much"] = [ct.Shock.price({"X": -0.8})]
    with pytest.raises(ct.errors.ShockError, match="a price falls by more than all of it"):
        ct.scenarios.grid(one(), axes)


def test_prices_of_other_networks_are_refused():
    drawn = ct.scenarios.prices(one(), 0.1, scenarios=4, rng=1)
    nodes = pd.DataFrame({"node": ["a"], "external_assets": [150.0]})
    held = {"node": ["a"], "asset": ["Y"], "value": [100.0]}
    other = ct.ExposureNetwork(nodes, NO_CLAIMS, holdings=held)
    with pytest.raises(ct.UnknownNameError, match=r"scenarios: Unknown asset 'X'. Known: 'Y'"):
        ct.stress_test(other, fire_sale(DEPTH), drawn)


def test_a_price_shock_is_not_attributed_to_nodes():
    with pytest.raises(ct.errors.ModelError, match=r"attribution to nodes of a price shock"):
        ct.measures.leave_one_out(one(), fire_sale(DEPTH), FALL)
    assert len(ct.measures.leave_one_out(one(), ct.EisenbergNoe(), FALL)) == 1


def test_prices_that_do_not_fit_are_refused():
    with pytest.raises(ct.errors.ShockError, match="prices have shape"):
        fire_sale(DEPTH).solve(one(), np.zeros((2, 1)), None, np.ones((2, 3)))
    with pytest.raises(ct.errors.ShockError, match="prices have to be >= 0"):
        fire_sale(DEPTH).solve(one(), np.zeros((2, 1)), None, -np.ones((2, 1)))
    twice = ct.Shock.price({"X": -0.6}) + ct.Shock.price({"X": -0.6})
    with pytest.raises(ct.errors.ShockError, match="price of 'X' falls by more than all of it"):
        fire_sale(DEPTH).propagate(one(), twice)
