"""The coupled system as a model: a batch, a ledger, stress tests and policies take it unchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_cascade_reference import random_case
from test_coupling import random_network

import contagion as ct
from contagion.liquidation import CoupledCascade, Exponential, LiquidationCascade, MarginBook


def chain() -> tuple[ct.ExposureNetwork, CoupledCascade]:
    """h is long 10 at 100 with 100 at v and owes b 50; v has 30 of its own."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 50, 0], [0, 0, 0], [0, 0, 0]], ["h", "b", "v"], orientation="debtor->creditor",
        external_assets=[120, 10, 30],
    )  # fmt: skip
    row = {"venue": "v", "holder": "h", "instrument": "X", "size": 10, "margin": 100}
    return net, CoupledCascade(MarginBook({"X": 100.0}, [row]))


def exchange(rule=None, own=0.0) -> tuple[ct.ExposureNetwork, CoupledCascade]:
    """L, S1 and S2 at a venue with a fund of 5: margins, fund and its own are its assets."""
    accounts = (("L", 10, 100), ("S1", -8, 40), ("S2", -2, 100))
    book = MarginBook({"X": 100.0}, [
        {"venue": "v", "holder": holder, "instrument": "X", "size": size, "margin": margin}
        for holder, size, margin in accounts])  # fmt: skip
    nodes = {"node": ["v", "L", "S1", "S2"], "external_assets": [5 + own, 100.0, 60, 100]}
    net = ct.ExposureNetwork(nodes, {"creditor": ["S2"], "debtor": ["S1"], "amount": [10.0]})
    rules = {} if rule is None else {"v": rule}
    return net, CoupledCascade(book, LiquidationCascade(fund=5.0, rules=rules))


@pytest.mark.parametrize(
    ("rule", "s1", "s2"),
    [(ct.venues.venue("binance"), 95, 0), (ct.venues.venue("deribit"), 76, 19), (None, 76, 19)],
)
def test_unpaid_profits_are_not_booked(rule, s1, s2):
    net, model = exchange(rule)
    done = model.propagate(net, ct.Shock.price({"X": -0.20}))
    paid = -done.table["on_accounts"]
    assert paid.to_dict() == pytest.approx({"v": -5, "L": -100, "S1": 160 - s1, "S2": 40 - s2})
    assert paid.sum() == pytest.approx(0)


def test_the_ledger_of_the_queue_on_a_network():
    net, model = exchange(ct.venues.venue("binance"))
    done = model.propagate(net, ct.Shock.price({"X": -0.20}))
    rows = done.ledger.set_index(["bearer", "role", "cause"])["amount"]
    assert rows.to_dict() == pytest.approx({
        ("L", "owners", "shock"): 100, ("S1", "owners", "contagion"): 95,
        ("v", "fund", "contagion"): 5})  # fmt: skip
    assert done.socialization.initial_loss == pytest.approx(200)
    assert done.socialization.socialized_share == pytest.approx(0.5)


def test_equity_of_the_venue_stands_before_its_winners():
    for own, unpaid in ((0, 95), (40, 55), (95, 0)):
        net, model = exchange(own=own)
        done = model.propagate(net, ct.Shock.price({"X": -0.20}))
        assert done.table.loc["v", "loss"] == pytest.approx(min(5 + own, 100))
        assert done.cascade.table["shared"].sum() == pytest.approx(unpaid)


def test_two_equally_likely_falls():
    """-12 %: v loses 20 and b 30; -6 %: nothing of either. Of two, the worse is the ES at 50 %."""
    net, model = chain()
    falls = ct.scenarios.assets(["X"], "from_array", prices=[[-0.12], [-0.06]], sampled=False)
    test = ct.stress_test(net, model, falls, keep=("socialized",), levels=(0.5,))
    assert test.nodes.loc[["v", "b"], "mean_loss"].tolist() == pytest.approx([10, 15])
    one, two = (model.propagate(net, ct.Shock.price({"X": x})).loss for x in (-0.12, -0.06))
    assert one.tolist() == pytest.approx([70, 30, 20])
    assert two.tolist() == pytest.approx([60, 0, 0])
    assert test.in_tail(0.5).loc["v", "loss"] == pytest.approx(20)
    borne = test.bearers(0.5)["value"].unstack()
    assert borne["mean"].to_dict() == pytest.approx({"b": 15, "v": 10})
    assert borne["expected_shortfall"].to_dict() == pytest.approx({"b": 30, "v": 20})


def test_the_distribution_of_what_is_socialized():
    """Lognormal prices: by bearer with errors, and the same numbers from one run by itself."""
    net, model = exchange(ct.venues.venue("binance"))
    falls = ct.scenarios.assets(["X"], volatility=0.4, horizon=0.1, scenarios=2_000, rng=3)
    test = ct.stress_test(net, model, falls, keep=("socialized",), levels=(0.9,))
    borne = test.bearers(0.9)
    assert set(borne.index.get_level_values("node")) >= {"S1", "v"}
    assert (borne["standard_error"].dropna() >= 0).all()
    means = borne["value"].unstack()["mean"]
    assert means.sum() == pytest.approx(test.mean("socialized").value)
    worst = int(test.scenarios["socialized"].idxmax())
    alone = model.propagate(net, falls.shock(worst))
    assert alone.socialization.socialized == pytest.approx(test.scenarios["socialized"].max())


def test_a_batch_is_its_scenarios():
    net, model = exchange(ct.venues.venue("binance"))
    wide = model.on(net)
    shocks = [ct.Shock.price({"X": x}) + ct.Shock.loss({"S1": y})
              for x in (-0.25, -0.1, 0.0, 0.3) for y in (0.0, 20.0)]  # fmt: skip
    hits = [shock.arrays(wide) for shock in shocks]
    prices = np.array([[1.0] if hit.prices is None else hit.prices for hit in hits])
    batch = model.solve(net, np.array([hit.losses for hit in hits]), prices=prices)
    for k, shock in enumerate(shocks):
        alone = model.propagate(net, shock)
        np.testing.assert_allclose(alone.outcome.equity, batch.equity[k], atol=1e-9)
        assert alone.audit()["ok"].all()
        s = alone.socialization
        assert alone.entries.borne.sum() == pytest.approx(
            s.initial_loss + s.deadweight + s.relief, abs=1e-9
        )


def test_a_path_is_a_run_along_it():
    """Long 10 with 100, maintenance 5 %: by way of 94, where 1.4894 are sold, 11.0638 are missing
    at 88, and a path that comes back to 100 leaves what was lost at its lowest."""
    net, model = chain()
    falls = pd.DataFrame({"X": [94.0, 88.0]}, index=["mon", "tue"])
    done = replace(model, path=falls).propagate(net)
    assert done.cascade.deficits["v"] == pytest.approx(11.0638, abs=1e-4)
    assert list(done.cascade.history["date"].unique()) == [0, "mon", "tue"]
    assert done.audit()["ok"].all()
    dip = replace(model, path=pd.DataFrame({"X": [80.0, 100.0]})).propagate(net)
    assert dip.table.loc[["h", "v"], "on_accounts"].tolist() == pytest.approx([100, 100])
    assert dip.socialization.initial_loss == pytest.approx(200) and dip.audit()["ok"].all()
    half = replace(model, path=falls).propagate(net, ct.Shock.price({"X": -0.06}))
    assert half.cascade.history["market"].tolist()[1:3] == pytest.approx([94 / 88 * 94, 94])


def test_a_finer_path_converges_and_a_batch_follows_it():
    net, model = chain()
    short = [
        replace(model, path=n).propagate(net, ct.Shock.price({"X": -0.3})).totals["deficits"]
        for n in (1, 5, 25, 125)
    ]
    assert short[0] == pytest.approx(-200) and (np.diff(short) >= 0).all()
    assert short[-1] == pytest.approx(0, abs=0.5)
    steps = replace(model, path=5)
    falls = ct.scenarios.assets(["X"], "from_array", prices=[[-0.3], [-0.1], [0.2]])
    test = ct.stress_test(net, steps, falls, keep=("loss",))
    for k in range(3):
        alone = steps.propagate(net, falls.shock(k))
        assert test.kept("loss")[k] == pytest.approx(sum(alone.borne), abs=1e-9)


def test_everything_takes_it_unchanged(tmp_path):
    net, model = chain()
    fall = ct.Shock.price({"X": -0.12})
    result = model.propagate(net, fall)
    ranked = ct.rank(net, [model])
    assert ranked.index[0] == "h" and ranked.loc["h", "socialized_caused"] == pytest.approx(50)
    case = ct.experiments.sweeping.Case(net, model, fall)
    swept = ct.sweep(case, {"shock.scale": [0.5, 1.0]})
    assert swept.mean("socialized")["mean"].tolist() == pytest.approx([0, 50], abs=1e-9)
    least = ct.experiments.reverse.smallest_fall(net, model, assets=["X"], fail="h")
    assert least.size == pytest.approx(0.07) and least.verified  # 70 of equity
    worse = ct.experiments.reverse.smallest_fall(net, model, assets={"X": 2}, socialized=25.0)
    assert worse.moves["X"] == pytest.approx(-0.095)  # 95 + 55 − 125
    falls = ct.scenarios.assets(["X"], volatility=0.5, horizon=0.02, scenarios=100, rng=1)
    test = ct.stress_test(net, model, falls)
    ideas = {"fund": ct.experiments.policy.InsuranceFund("v", 20.0)}
    compared = ct.experiments.policy.compare(net, model, fall, ideas)
    file = ct.write_report(tmp_path / "report.md", net, results=[result], ranking=ranked,
                           sweeps=[swept], stress=test, policy=[compared])  # fmt: skip
    assert "CoupledCascade" in file.read_text("utf-8")


@pytest.mark.parametrize(
    ("law", "given"),
    [
        ("prices", {"volatility": 0.6}),
        ("jumps", {"volatility": 0.3, "rate": 0.5, "jump_mean": -0.3}),
        ("historical", {"returns": pd.DataFrame({"X": [-0.2, 0.1, 0.05], "Y": [-0.1, 0.2, 0.0]}),
                        "horizon": 3, "length": 2}),
        ("common_factor", {"volatility": 0.4, "correlation": 0.5}),
        ("t_copula", {"correlation": 0.5, "degrees": 4, "marginals": stats.beta(1, 5)}),
    ],
)  # fmt: skip
def test_prices_without_a_network(law, given):
    """The same draws alone, on a network that holds the assets, and cut in any way."""
    alone = ct.scenarios.assets(["Y", "X"], law, scenarios=50, rng=7, **given)
    moved = alone.changes(0, 50)
    assert list(moved.columns) == ["X", "Y"] and (moved >= -1).all(axis=None)
    assert moved.nunique().min() > 1
    assert alone.draw(3, 9).prices.tolist() == (1 + moved.iloc[3:9]).to_numpy().tolist()
    net = ct.ExposureNetwork(
        {"node": ["a", "b"], "external_assets": [50.0, 50.0]},
        {"creditor": ["a"], "debtor": ["b"], "amount": [4.0]},
        holdings={"node": ["a", "b"], "asset": ["X", "Y"], "value": [40.0, 20.0]},
    )
    lost = ct.stress_test(net, ct.EisenbergNoe(), alone).scenarios["initial_loss"]
    assert lost.tolist() == pytest.approx(
        (np.maximum(-moved["X"], 0) * 40 + np.maximum(-moved["Y"], 0) * 20).tolist()
    )


def test_prices_of_an_asset_that_is_not_there():
    net, model = chain()
    falls = ct.scenarios.assets(["Z"], volatility=0.4, scenarios=10, rng=1)
    with pytest.raises(ct.UnknownNameError, match="'Z'"):
        ct.stress_test(net, model, falls)
    with pytest.raises(ct.UnknownNameError, match="law"):
        ct.scenarios.assets(["X"], "price")


def test_random_systems_keep_the_money_and_a_batch_is_its_scenarios():
    """Rules, funds, backstops, steps, holders that are no nodes: what is borne is what was
    destroyed, to 1e-9 of it, and a batch gives what single runs do."""
    spread = 0
    for seed in range(25):
        case, rng = random_case(seed), np.random.default_rng(seed)
        if not case["shock"]:
            continue
        book = MarginBook(case["prices"], case["positions"] or None, case["loans"] or None)
        depth = tuple(case["depth"].get(name, 1.0) for name in book.assets)
        rule = [ct.venues.venue("binance"), ct.venues.venue("deribit"), ct.rules.ProRata()][
            seed % 3
        ]
        chosen = LiquidationCascade(
            Exponential(depth), partial=case["partial"], backstop=case["backstop"],
            fund=float(rng.choice([0.0, 20.0])), rules={book.venues[0]: rule}, max_rounds=3_000,
        )  # fmt: skip
        free = dict.fromkeys(book.holders[:2], 30.0)
        model = CoupledCascade(book, chosen, free=free, path=int(rng.choice([1, 4])))
        net = random_network(case, rng, 2 + seed % 4)
        wide = model.on(net)
        shocks = [
            ct.Shock.price({name: max(x * move, -0.99) for name, move in case["shock"].items()})
            + ct.Shock.loss({"bank_1": y})
            for x, y in ((1.0, 0.0), (0.5, 100.0), (-0.5, 50.0))
        ]
        hits = [shock.arrays(wide) for shock in shocks]
        batch = model.solve(net, np.array([hit.losses for hit in hits]),
                            prices=np.array([hit.prices for hit in hits]))  # fmt: skip
        for k, shock in enumerate(shocks):
            done = model.propagate(net, shock)
            size = float(np.abs(done.outcome.marked).sum()) + 1.0
            np.testing.assert_allclose(done.outcome.equity, batch.equity[k], atol=1e-9 * size)
            s = done.socialization
            made = s.initial_loss + s.deadweight + s.relief
            assert abs(done.entries.borne.sum() - made) <= 1e-9 * size, seed
            assert done.ledger["amount"].sum() == pytest.approx(s.borne, abs=1e-6 * size)
            spread += s.socialized > 0.01 * size
    assert spread > 20


def test_a_venue_that_is_no_node_has_its_fund():
    """h is a node and v none: of the 20 that h leaves unpaid the fund bears 5, others of v 15."""
    net, model = chain()
    alone = ct.ExposureNetwork(net.nodes.iloc[:2], net.exposures)
    funded = replace(model, cascade=LiquidationCascade(fund=5.0))
    done = funded.propagate(alone, ct.Shock.price({"X": -0.12}))
    rows = done.ledger.set_index(["bearer", "role"])["amount"]
    assert rows["v", "fund"] == pytest.approx(5)
    assert rows["v", "external creditors"] == pytest.approx(15)
    assert done.audit()["ok"].all()


def test_prices_and_volatilities_of_an_options_book():
    """A put is short; its writer and its venue meet falling prices and rising volatility."""
    put = ct.liquidation.Option("put", "BTC", 45_000, 30, 0.6)
    row = {"venue": "v", "holder": "writer", "instrument": "P", "size": -100, "margin": 510_000}
    book = MarginBook({"BTC": 50_000.0}, [row], instruments={"P": put},
                      portfolio={"v": ct.venues.deribit.scenario_grid(extended=())})  # fmt: skip
    net = ct.ExposureNetwork(
        {"node": ["v", "writer"], "external_assets": [1e6, 1e6]},
        {"creditor": [], "debtor": [], "amount": []},
    )
    model, names = CoupledCascade(book), ["BTC", "volatility BTC"]
    done = model.propagate(net, ct.Shock.price({"BTC": -0.2, "volatility BTC": 0.5}))
    alone = LiquidationCascade().run(book, {"BTC": -0.2, "volatility BTC": 0.5})
    assert done.socialization.socialized == pytest.approx(alone.deficits["v"])
    against = pd.DataFrame([[1, -0.5], [-0.5, 1]], names, names)
    drawn = ct.scenarios.assets(names, volatility=dict(zip(names, (0.3, 0.8), strict=True)),
                                correlation=against, horizon=0.1, scenarios=60, rng=1)  # fmt: skip
    bearers = ct.stress_test(net, model, drawn, keep=("socialized",)).bearers(0.9)
    assert bearers.index.get_level_values("node").unique().tolist() == ["v"]
    moved = drawn.changes(0, 60)
    assert np.corrcoef(moved.T)[0, 1] < -0.2
    with pytest.raises(ct.ShockError, match="give a table"):
        ct.scenarios.assets(names, volatility=0.3, correlation=-0.5)
