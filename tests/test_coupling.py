"""Liquidations and clearing together: a chain worked by hand, and what has to hold on any graph."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cascades import balanced
from test_cascade_reference import random_case

import contagion as ct
from contagion import liquidation
from contagion.errors import ConvergenceError, MarginError, UnknownNameError
from contagion.liquidation import LiquidationCascade, MarginBook

WINNERS = ct.rules.Waterfall([ct.rules.Layer("winners")])
IMPACT = {"X": 1e12, "Y": 100.0}
SHOCK = {"X": -0.12, "Y": -0.02}


def network(**external) -> ct.ExposureNetwork:
    """An exchange owes 40 to w, a winner, and 50 to b, with 5 of its own; a venue u has 20."""
    assets = {"ex": 95, "w": 150, "b": 10, "z": 100, "q": 150, "u": 20} | external
    nodes = {"node": list(assets), "external_assets": list(assets.values())}
    owed = {
        "creditor": ["w", "b"],
        "debtor": ["ex", "ex"],
        "amount": [40.0, 50.0],
        "layer": ["winners", ""],
    }
    return ct.ExposureNetwork(nodes, owed).with_rule("ex", WINNERS)


def book(**margins) -> MarginBook:
    """z long 10 X at ex; w and q long 10 Y at u; maintenance 10 %."""
    money = {"z": 100, "w": 100, "q": 150} | margins
    rows = [
        {
            "venue": venue,
            "holder": holder,
            "instrument": asset,
            "size": 10,
            "margin": money[holder],
            "maintenance": 0.1,
        }
        for venue, holder, asset in (("ex", "z", "X"), ("u", "w", "Y"), ("u", "q", "Y"))
    ]
    return MarginBook({"X": 100.0, "Y": 100.0}, rows)


def cascade(**options) -> LiquidationCascade:
    linear = liquidation.Linear(tuple(IMPACT.values()))
    return LiquidationCascade(linear, **({"partial": False} | options))


def run(net=None, positions=None, shock=None, free=20.0, prices=SHOCK, more=None, **options):
    model = ct.liquidation.CoupledCascade(
        book() if positions is None else positions, cascade(**(more or {})),
        free={"w": free} if free else {}, **options,
    )  # fmt: skip
    return model.propagate(network() if net is None else net, (shock or ct.Shock()) + fall(prices))


def fall(prices) -> ct.Shock:
    return ct.Shock.price(prices)


def losses(done) -> dict[str, float]:
    return done.table["loss"].round(6).to_dict()


def test_a_deficit_comes_back_as_a_call_that_cannot_be_met():
    """X −12 %, Y −2 %; X has no impact, Y a depth of 100.

    1. z has 100 − 120 at 88: ex is short of 20. 5 are its own, 15 are taken from w, its winner.
    2. w has 80 at u and needs 98: a call of 18. With the 20 that it has it pays; but 15 are gone,
       and 5 are not enough. Its 10 Y bring 98 × 9.5 = 931: 31 of the 100 are left.
    3. Y is at 98 × 0.9 = 88.2: q, who had 130, has 150 − 118 = 32 and needs 88.2. Its 10 Y go for
       98 × (10 − (20² − 10²)/200) = 833: 17 are missing, and u pays them out of its 20.
    """
    done = run()
    assert done.rounds == 2
    assert done.cascade.deficits.to_dict() == pytest.approx({"ex": 20, "u": 17})
    assert losses(done) == {"ex": 5, "w": 69 + 15, "b": 0, "z": 100, "q": 150, "u": 17}
    assert done.table["claims_lost"].to_dict() == pytest.approx(
        {"ex": 0, "w": 15, "b": 0, "z": 0, "q": 0, "u": 0}
    )
    assert done.cascade.outcome.price.tolist() == pytest.approx([88, 98 * 0.8])
    layers = done.layers.set_index(["node", "layer"])["absorbed"]
    assert layers["ex", "winners"] == pytest.approx(15)
    assert done.audit()["ok"].all()
    balanced(done.cascade)
    assert done.totals["on_graph"] == pytest.approx(20 + 17 + 69 + 100 + 150)
    assert done.totals["borne"] == pytest.approx(sum(losses(done).values()))


def test_apart_the_second_half_does_not_happen():
    """By themselves: w pays its call of 18 and nobody at u is liquidated."""
    alone = cascade().run(book(), SHOCK, {"w": 20.0})
    assert alone.deficits.to_dict() == pytest.approx({"ex": 20, "u": 0})
    assert alone.outcome.topped.tolist() == pytest.approx([0, 18, 0])


def test_another_rule_saves_the_second_half():
    """Pro rata w bears 40/90 of 15, 6.67: 13.33 are left, still below 18. With 11 more they do."""
    pro_rata = network().with_rule("ex", ct.rules.ProRata())
    for free, deficit in ((20, 17), (31, 0)):
        done = run(pro_rata, free=free)
        assert done.cascade.deficits["u"] == pytest.approx(deficit)
    assert done.table.loc["w", "claims_lost"] == pytest.approx(15 * 40 / 90)
    assert run(free=31).cascade.deficits["u"] == pytest.approx(17)  # 31 − 15 < 18


def test_without_anything_to_call_with_it_is_two_separate_runs():
    done = run(free=0)
    alone = cascade().run(book(), SHOCK)
    assert done.rounds == 1
    hit = alone.holder_losses.add(alone.deficits, fill_value=0)
    apart = ct.EisenbergNoe().propagate(network(), ct.Shock.loss(hit.to_dict()))
    assert losses(done) == apart.table["loss"].round(6).to_dict()


def test_calm_prices_leave_the_shock_of_the_network_alone():
    shock = ct.Shock.loss({"ex": 12.0})
    done = run(prices={}, shock=shock)
    apart = ct.EisenbergNoe().propagate(network(), shock)
    np.testing.assert_allclose(done.loss, apart.loss)
    assert not done.moved.any() and done.rounds == 2


def test_winners_are_richer():
    """A short of 10 wins 120: with the 30 that it had it can pay the 100 that it owes, so that b
    can meet a call of 18."""
    nodes = {"node": ["s", "b", "v"], "external_assets": [30.0, 120.0, 0.0]}
    owed = {"creditor": ["b"], "debtor": ["s"], "amount": [100.0]}
    net = ct.ExposureNetwork(nodes, owed)
    short = {"venue": "v", "holder": "s", "instrument": "X", "size": -10, "margin": 30}
    long = {"venue": "v", "holder": "b", "instrument": "Y", "size": 10, "margin": 100,
            "maintenance": 0.1}  # fmt: skip
    positions = MarginBook({"X": 100.0, "Y": 100.0}, [short, long])
    done = ct.liquidation.CoupledCascade(positions, free={"b": 20.0}).propagate(net, fall(SHOCK))
    assert done.moved.tolist() == pytest.approx([-120, 20, 0])
    assert done.table.loc["s", "on_accounts"] == pytest.approx(-120)
    assert not done.table["defaulted"].any()
    assert done.cascade.outcome.topped.tolist() == pytest.approx([0, 18])
    up = ct.liquidation.CoupledCascade(positions, free={"b": 20.0}).propagate(
        net, fall({"Y": -0.02})
    )
    assert not up.cascade.outcome.topped.any()  # s pays 30 of 100


def test_more_free_money_never_hurts_here():
    total = [sum(losses(run(free=free)).values()) for free in np.linspace(0.5, 50, 34)]
    assert (np.diff(total) <= 1e-9).all() and total[0] > total[-1]
    # 15 go to the winners' layer and 18 are called
    assert run(free=32.9).cascade.deficits["u"] > 0
    assert run(free=33.001).cascade.deficits["u"] == 0


def test_but_it_can():
    """A pays 8 and stays, B is closed; then A has nothing left and goes at a lower price.

    X −12 %, depth 100, margins 200 and 195. Without money both go at once: 20 units at 88 × 0.9 on
    average bring 792 each: 8 and 13 are missing. With 8: B's bring 836; at 79.2 A has 208 − 208,
    and its 10 bring 748: 44 are missing, and A has lost 208 instead of 200.
    """
    rows = [
        {"venue": "v", "holder": h, "instrument": "X", "size": 10, "margin": m, "maintenance": 0.1}
        for h, m in (("a", 200), ("b", 195))
    ]
    positions = MarginBook({"X": 100.0}, rows)
    linear = LiquidationCascade(liquidation.Linear(100), partial=False)
    poor, rich = (linear.run(positions, {"X": -0.12}, free) for free in ({}, {"a": 8.0}))
    assert poor.outcome.deficit.tolist() == pytest.approx([8, 13])
    assert rich.outcome.deficit.tolist() == pytest.approx([44, 0], abs=1e-9)
    assert rich.holder_losses["a"] == pytest.approx(208)


def test_losses_rise_with_impact():
    total = []
    for depth in np.geomspace(2_000, 55, 25):
        linear = LiquidationCascade(liquidation.Linear((1e12, depth)), partial=False)
        done = ct.liquidation.CoupledCascade(book(), linear, free={"w": 20.0}).propagate(
            network(u=400, q=400), fall(SHOCK)
        )
        total.append(done.totals["borne"])
        assert done.audit()["ok"].all()
    assert (np.diff(total) >= -1e-9).all() and total[-1] > total[0] + 50


def test_a_holder_that_fails_is_called_with_nothing():
    """w fails for outside reasons: with 200 to hand it would pay the 18, and does not."""
    rich = network(w=400)
    assert run(rich, free=200).cascade.outcome.topped.tolist() == pytest.approx([0, 18, 0])
    failed = run(rich, free=200, shock=ct.Shock.default("w"))
    assert not failed.cascade.outcome.topped.any()
    assert failed.cascade.deficits["u"] == pytest.approx(17)


def test_a_shock_takes_free_money_too():
    """w has 250: 100 at u and 140 to hand. Y −1.5 % calls 13.5; a loss of 130 leaves 20, one of 140
    leaves 10, and its 10 Y go for 98.5 × 9.5, at a loss of 64.25."""
    net, fall = network(w=250), {"Y": -0.015}
    for lost, called, on_accounts in ((0, 13.5, 15), (130, 13.5, 15), (140, 0, 64.25)):
        done = run(net, free=140, shock=ct.Shock.loss({"w": lost}) if lost else None, prices=fall)
        assert done.cascade.outcome.topped[1] == pytest.approx(called)
        assert done.table.loc["w", "on_accounts"] == pytest.approx(on_accounts)


def test_lenders_that_fail_withdraw():
    """w owes l 30; l fails. Half of it repaid leaves 40 − 15 − 15 = 10 for a call of 18."""
    nodes = {"node": ["ex", "w", "b", "z", "q", "u", "l"],
             "external_assets": [95, 250, 10, 100, 150, 20, 5]}  # fmt: skip
    owed = {
        "creditor": ["w", "b", "l"],
        "debtor": ["ex", "ex", "w"],
        "amount": [40.0, 50.0, 30.0],
        "layer": ["winners", "", ""],
    }
    net = ct.ExposureNetwork(nodes, owed).with_rule("ex", WINNERS)
    shock = ct.Shock.default("l")
    for withdrawal, met in ((0.0, True), (0.2, True), (0.5, False), (1.0, False)):
        done = run(net, free=40, shock=shock, withdrawal=withdrawal)
        assert (done.cascade.outcome.topped[1] > 0) == met, withdrawal
    assert run(net, free=40, withdrawal=1.0).cascade.outcome.topped[1] > 0  # l stands


# -- any graph ----------------------------------------------------------------------------------


def random_network(case: dict, rng: np.random.Generator, count: int = 5) -> ct.ExposureNetwork:
    """Venues, holders and banks with claims in a cycle, with what they need for their accounts."""
    venues, holders = ["u", "v", "p"], [f"h{k}" for k in range(count)]
    names = [*venues, *holders, "bank_1", "bank_2"]
    rows = []
    for i in range(len(names)):
        for j in range(len(names)):
            if i != j and rng.random() < 0.3:
                rows.append((names[i], names[j], float(rng.lognormal(2, 1))))
    creditor, debtor, amount = zip(*rows, strict=True)
    owed = {"creditor": creditor, "debtor": debtor, "amount": amount}
    assets = rng.uniform(2_000, 4_000, len(names))
    debts = {name: sum(a for d, a in zip(debtor, amount, strict=True) if d == name)
             for name in names}  # fmt: skip
    external = [assets[k] + debts[name] for k, name in enumerate(names)]
    nodes = {
        "node": names,
        "external_assets": external,
        # thin capital, so that losses on accounts spread
        "external_liabilities": assets * rng.uniform(0.97, 1.0, len(names)),
    }
    return ct.ExposureNetwork(nodes, owed)


@pytest.mark.slow
def test_random_graphs():
    """It ends, keeps the books on both sides, and free money is never above what was given."""
    spread = 0
    for seed in range(150):
        case = random_case(seed)
        rng = np.random.default_rng(seed)
        net = random_network(case, rng)
        positions = MarginBook(case["prices"], case["positions"] or None, case["loans"] or None)
        depth = tuple(case["depth"].get(name, 1.0) for name in positions.assets)
        free = dict.fromkeys(positions.holders, 50.0)
        model = ct.liquidation.CoupledCascade(
            positions,
            LiquidationCascade(
                liquidation.Exponential(depth), partial=case["partial"], backstop=case["backstop"],
                max_rounds=3_000,
            ),
            withdrawal=float(rng.choice([0.0, 0.3])),
            run_on=float(rng.choice([0.0, 0.5])),
            free=free,
        )  # fmt: skip
        shock = fall(case["shock"]) + ct.Shock.loss({"bank_1": 100.0})
        done = model.propagate(net, shock)
        balanced(done.cascade)
        assert done.audit()["ok"].all(), seed
        step = done.cascade
        # what nodes lost is what prices took, buyers and liquidators gained, less what is latent
        kept, before = step.ledger, step.before.accounts["equity"].to_numpy()
        moved = kept["buyers"] + kept["liquidators"] + kept["latent"]
        moved += np.maximum(-before, 0.0).sum() - float(step.outcome.marked.sum())
        assert done.moved.sum() == pytest.approx(moved, abs=1e-6), seed
        assert (step.free <= 50 + 1e-9).all() and (step.free >= 0).all()
        again = model.propagate(net, shock)
        assert again.table.equals(done.table), seed
        spread += done.rounds > 2
    assert spread > 10


def test_one_party_in_both_roles():
    """A venue that is also a holder elsewhere, in one unit of money or in thousandths of it."""
    rows = [
        {"venue": "u", "holder": "z", "instrument": "X", "size": 10, "margin": 100},
        {"venue": "v", "holder": "u", "instrument": "X", "size": -2, "margin": 50},
    ]
    for unit in (1.0, 1e-9):
        nodes = {"node": ["u", "v"], "external_assets": [100.0 * unit, 10.0 * unit]}
        net = ct.ExposureNetwork(
            nodes, {"creditor": ["v"], "debtor": ["u"], "amount": [30.0 * unit]}
        )
        scaled = [row | {"margin": row["margin"] * unit} for row in rows]
        done = ct.liquidation.CoupledCascade(MarginBook({"X": 100.0 * unit}, scaled)).propagate(
            net, fall({"X": -0.12})
        )
        # short of 20 as a venue, 24 up as a holder
        assert (done.moved / unit).tolist() == pytest.approx([-4, 0, 100])
        assert list(done.network.names) == ["u", "v", "z"]


# -- errors -------------------------------------------------------------------------------------


def test_errors():
    strangers = ct.ExposureNetwork.from_matrix(
        [[0, 1], [0, 0]], ["m", "n"], orientation="debtor->creditor", external_assets=[1, 1]
    )
    with pytest.raises(MarginError, match="Use the same names in both"):
        ct.liquidation.CoupledCascade(book()).propagate(strangers, fall(SHOCK))
    with pytest.raises(MarginError, match=r"'w' 51: .* external assets 150, of which 100 are"):
        run(free=51)
    with pytest.raises(MarginError, match=r"'z' loses 100 on its accounts .* assets of 9"):
        run(network(z=9))
    with pytest.raises(MarginError, match="besides 60 in the shock"):
        run(shock=ct.Shock.loss({"z": 60.0}))
    with pytest.raises(UnknownNameError, match="holder"):
        ct.liquidation.CoupledCascade(book(), free={"ww": 1.0})
    with pytest.raises(MarginError, match="free= gives 'w' -1"):
        ct.liquidation.CoupledCascade(book(), free={"w": -1.0})
    with pytest.raises(UnknownNameError, match="node"):
        ct.liquidation.CoupledCascade(book(), run_on={"nobody": 1.0}).propagate(network())
    for wrong, message in (
        ({"withdrawal": 1.5}, "withdrawal=1.5"),
        ({"run_on": -0.1}, "run_on=-0.1"),
        ({"run_on": {"a": 2.0}}, "a share of claims"),
        ({"model": ct.DebtRank()}, "DebtRank does not settle"),
    ):
        with pytest.raises(MarginError, match=message):
            ct.liquidation.CoupledCascade(book(), **wrong)
    with pytest.raises(ConvergenceError, match="1 joint rounds"):
        run(max_rounds=1)
    with pytest.raises(ConvergenceError, match="cascade did not settle"):
        run(more={"max_rounds": 1})


def test_the_text_says_what_happened():
    text = repr(run())
    assert "after 2 joint rounds" in text and "lost on accounts of nodes 356" in text


@pytest.mark.parametrize("unit, size", [("USD m", 1e6), ("EUR bn", 1.0)])
def test_a_book_and_a_network_in_scales_of_one_currency(unit, size):
    """Prices and margins in single dollars beside a network in millions of them."""
    book_unit = unit.split()[0] if size > 1 else "EUR bn"
    owed = pd.DataFrame({"creditor": ["b"], "debtor": ["h"], "amount": [50.0]})
    nodes = {"node": ["h", "b", "v"], "external_assets": [120.0, 10.0, 30.0]}
    net = ct.ExposureNetwork(pd.DataFrame(nodes), owed, unit=unit)
    row = {"venue": "v", "holder": "h", "instrument": "X", "size": 10, "margin": 100 * size}
    book = MarginBook({"X": 100.0 * size}, [row], unit=book_unit)
    free = {"h": 4.0}  # in the unit of the network
    done = liquidation.CoupledCascade(book, free=free).propagate(net, fall({"X": -0.12}))
    same = liquidation.CoupledCascade(
        MarginBook({"X": 100.0}, [row | {"margin": 100}], unit=unit), free=free
    ).propagate(net, fall({"X": -0.12}))
    assert done.table["loss"].tolist() == pytest.approx([70, 30, 20])
    assert done.totals["borne"] == pytest.approx(same.totals["borne"])
    assert done.cascade.ledger["deficits"] == pytest.approx(size * same.totals["deficits"])


@pytest.mark.parametrize("of_book, of_network", [("EUR", "USD m"), ("", "USD"), ("USD", "")])
def test_units_without_a_rate_are_refused_with_the_fix(of_book, of_network):
    owed = pd.DataFrame({"creditor": ["b"], "debtor": ["h"], "amount": [50.0]})
    nodes = {"node": ["h", "b"], "external_assets": [120.0, 10.0]}
    net = ct.ExposureNetwork(pd.DataFrame(nodes), owed, unit=of_network)
    row = {"venue": "v", "holder": "h", "instrument": "X", "size": 10, "margin": 100}
    book = MarginBook({"X": 100.0}, [row], unit=of_book)
    with pytest.raises(ct.errors.ArgumentError, match=r"The book is in .* unit="):
        liquidation.CoupledCascade(book).propagate(net, fall({"X": -0.12}))
