"""The ledger: who bears what because of the shock. Cases by hand, and contracts over the models."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import from_liabilities, random_network
from test_model_contract import every_model, every_settling_model

import contagion as ct
from contagion.network.hit import Hit
from contagion.results.ledger import COLUMNS, entries

CAUSES = ["shock", "contagion", "missing before"]


def amounts(result):
    """(bearer, role, cause) → amount."""
    rows = result.ledger[["bearer", "role", "cause", "amount"]].itertuples(index=False)
    return {tuple(row[:3]): pytest.approx(row[3]) for row in rows}


def two_sellers():
    return ct.ExposureNetwork.from_matrix(
        np.zeros((2, 2)), ["a", "b"], orientation="debtor->creditor", external_assets=[100, 100],
        external_liabilities=[80, 80],
        holdings={"node": ["a", "b"], "asset": ["X", "X"], "value": [90.0, 100.0]},
    )  # fmt: skip


# -- by hand ------------------------------------------------------------------------------------


def test_a_fire_sale_is_contagion():
    """Both sell everything: X falls by 190/600, so 28.5 and 31.67 are destroyed on the way."""
    sale = ct.models.FireSale(0.19, impact=ct.liquidation.Linear(depth=600))
    result = sale.propagate(two_sellers(), ct.Shock.loss({"a": 10}))
    s = result.socialization
    fallen = 190 * 190 / 600
    assert s.initial_loss == 10 and s.deadweight == pytest.approx(fallen)
    assert s.absorbed_by_trigger == pytest.approx(10) and s.socialized == pytest.approx(fallen)
    assert s.socialized_share == pytest.approx(fallen / (10 + fallen)) and s.reach == 1
    assert s.socialized_on_hit == pytest.approx(10)
    assert s.amplification == pytest.approx((10 + fallen) / 10)
    assert amounts(result) == {
        ("a", "owners", "shock"): 10,
        ("a", "owners", "contagion"): 10,
        ("b", "owners", "contagion"): 20,
        ("a", "external creditors", "contagion"): 90 * 190 / 600 - 10,
        ("b", "external creditors", "contagion"): 100 * 190 / 600 - 20,
    }
    assert result.entries.deadweight["falling prices"].sum() == pytest.approx(fallen)
    assert result.entries.deadweight["default costs"].tolist() == [0, 0]
    assert any("falling prices" in line for line in result.summary())


@pytest.mark.parametrize("also", [{}, {"b": 1e-6}, {"b": 1e-6, "c": 1e-6}], ids=len)
def test_a_shock_of_nothing_to_one_more_node_changes_nothing(also):
    """a (10) owes b (10) 40, b owes c 40: a loses 30, and 20 fall on others than its owners."""
    net = from_liabilities([[0, 40, 0], [0, 0, 40], [0, 0, 0]], [50, 10, 10])
    s = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"a": 30.0, **also})).socialization
    assert s.socialized == pytest.approx(20, rel=1e-12)
    assert s.socialized_share == pytest.approx(20 / (30 + 1e-6 * len(also)), rel=1e-12)


@pytest.mark.parametrize("also", [False, True], ids=["d", "d and a"])
def test_a_pinned_default_that_happens_anyway_changes_nothing(also):
    """d (100, owes a 80) pays 20: 80 are gone, 20 of them its owners'. a (20, owes b 60) then has
    40 for b, as it is said to pay in the second case."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 80, 0], [0, 0, 60], [0, 0, 0]], ["d", "a", "b"], orientation="debtor->creditor",
        external_assets=[100, 20, 5],
    )  # fmt: skip
    shock = ct.Shock.default("d", recovery=0.25)
    shock = shock + ct.Shock.default("a", recovery=2 / 3) if also else shock
    s = ct.EisenbergNoe().propagate(net, shock).socialization
    assert (s.initial_loss, s.socialized_share) == (pytest.approx(80), pytest.approx(0.75))


@pytest.mark.parametrize("part", [None, 1.0, 0.4])
def test_a_holding_changes_no_share(part):
    """a (30, owes 20 outside) loses 5: its owners, whoever is between, lose it at once."""
    nodes = {"node": ["a", "H"], "external_assets": [30.0, 0], "external_liabilities": [20.0, 0]}
    held = None if part is None else [{"owner": "H", "company": "a", "fraction": part}]
    net = ct.ExposureNetwork(
        nodes, {"creditor": [], "debtor": [], "amount": []}, shareholdings=held
    )
    result = ct.models.CrossHoldings().propagate(net, ct.Shock.loss({"a": 5.0}))
    s = result.socialization
    assert s.socialized == pytest.approx(0) and s.socialized_share == pytest.approx(0)
    part = part or 0.0
    wanted = {("H", "owners", "shock"): 5 * part, ("a", "owners", "shock"): 5 * (1 - part)}
    assert amounts(result) == {key: value for key, value in wanted.items() if value}


def test_what_a_holding_cannot_bear_falls_on_its_creditors():
    """H owns all of a and owes 8 outside: of the 5 that a loses it has 2."""
    nodes = {"node": ["a", "H"], "external_assets": [30.0, 0], "external_liabilities": [20.0, 8]}
    net = ct.ExposureNetwork(
        nodes, {"creditor": [], "debtor": [], "amount": []},
        shareholdings=[{"owner": "H", "company": "a", "fraction": 1.0}],
    )  # fmt: skip
    result = ct.models.CrossHoldings().propagate(net, ct.Shock.loss({"a": 5.0}))
    assert amounts(result) == {
        ("H", "owners", "shock"): 2,
        ("H", "external creditors", "contagion"): 3,
    }


def test_falling_prices_of_before_are_no_negative_contagion():
    """b sells before, too; what a loses of its X can no longer fall with it."""
    net = ct.ExposureNetwork.from_matrix(
        np.zeros((2, 2)), ["a", "b"], orientation="debtor->creditor", external_assets=[100, 100],
        external_liabilities=[0, 85],
        holdings={"node": ["a", "b"], "asset": ["X", "X"], "value": [100.0, 100.0]},
    )  # fmt: skip
    sale = ct.models.FireSale(0.25, impact=ct.liquidation.Linear(1000))
    result = sale.propagate(net, ct.Shock.loss({"a": 60.0}))
    s = result.socialization
    assert (result.entries.contagion >= 0).all() and s.relief == pytest.approx(0)
    assert s.socialized == pytest.approx(0, abs=1e-9) and s.socialized_share < 1e-9
    assert s.borne == pytest.approx(s.initial_loss + s.deadweight)


def test_a_hole_from_before_has_lines_of_its_own():
    """a (20, owes b 30) pays 10 of its 20 before; with 4 less it pays 8."""
    net = from_liabilities([[0, 30], [0, 0]], [20, 5])
    model, shock = ct.models.RogersVeraart(0.5, 0.5), ct.Shock.loss({"a": 4.0})
    cleared = model.propagate(net, shock)
    book = model.propagate(net, shock, baseline="book")
    assert amounts(cleared) == {("b", "owners", "contagion"): 2}
    assert amounts(book) == {
        ("b", "owners", "contagion"): 2,
        ("b", "owners", "missing before"): 20,  # 10 are missing, 10 the default costs
    }
    one, two = cleared.socialization, book.socialization
    assert (one.initial_loss, one.deadweight) == (4, pytest.approx(-2))
    assert (two.socialized, two.deadweight, two.socialized_share) == (
        one.socialized, one.deadweight, one.socialized_share,
    )  # fmt: skip
    assert (one.missing_before, two.missing_before) == (0, pytest.approx(20))
    assert two.borne == pytest.approx(one.borne + 20)


def test_a_hole_counts_once_along_a_chain():
    """a lacks 3 for b, which lacks 2 of them for c: 3 are missing, 1 at b and 2 at c."""
    net = from_liabilities([[0, 10, 0], [0, 0, 9], [0, 0, 0]], [7, 0, 0])
    book = ct.EisenbergNoe().propagate(net, baseline="book")
    assert book.ledger[["bearer", "cause", "amount"]].values.tolist() == [
        ["c", "missing before", pytest.approx(2)],
        ["b", "missing before", pytest.approx(1)],
    ]
    assert book.socialization.missing_before == pytest.approx(3)


def test_relief_is_apart():
    """g covers 10 of what c (10, owes k 30) does not pay; nobody calls it when c is pinned at 0."""
    nodes = {"node": ["g", "c", "k"], "external_assets": [50.0, 10, 0],
             "external_liabilities": [0.0, 0, 0]}  # fmt: skip
    net = ct.ExposureNetwork(
        nodes, [{"creditor": "k", "debtor": "c", "amount": 30.0}],
        guarantees=[{"guarantor": "g", "debtor": "c", "amount": 10.0}],
    )  # fmt: skip
    result = ct.EisenbergNoe().propagate(net, ct.Shock.default("c"))
    assert amounts(result) == {("k", "owners", "contagion"): 20}
    s = result.socialization
    assert (s.initial_loss, s.relief, s.socialized) == (10, 10, 20)
    assert s.socialized_share == 1
    assert result.entries.relief.tolist() == [10, 0, 0]


def test_depositors_are_no_single_bearer():
    """The owners of a and b bear alike; the depositors of b are a group of whom nobody is named."""
    net = from_liabilities([[0, 10], [0, 0]], [13, 4], [0, 11])
    s = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"a": 13.0})).socialization
    assert s.hhi == pytest.approx(0.5)  # 3 at a, 3 at b
    assert s.external_share == pytest.approx(7 / 13)
    nobody = from_liabilities([[0]], [10], [10])
    alone = ct.EisenbergNoe().propagate(nobody, ct.Shock.loss({"a": 5.0})).socialization
    assert alone.external_share == 1 and np.isnan(alone.hhi)
    assert alone.reasons == {"hhi": "no named party bears anything"}


def test_furfine_loses_nothing_without_a_shock():
    """Nodes that are insolvent before lose nothing by a shock that is none (4.72 bn once)."""
    net = ct.datasets.load("cefi_credit_2022")
    result = ct.models.Furfine().propagate(net)
    assert result.loss.sum() == 0 and result.table["contagion_loss"].sum() == 0


def test_one_baseline_by_default():
    """Voyager at 30 %: 310.5 m of owners' losses are its doing, 1,331.7 m were with the holes."""
    net = ct.datasets.load("cefi_credit_2022")
    shock = ct.Shock.default("voyager", recovery=0.3)
    assert ct.EisenbergNoe().propagate(net, shock).loss.sum() == pytest.approx(310.5e6, abs=5e4)
    book = ct.EisenbergNoe().propagate(net, shock, baseline="book")
    assert book.loss.sum() == pytest.approx(1331.7e6, abs=5e4)


def test_the_headline_of_a_ranking_is_the_socialized_loss():
    """The default of Genesis costs no owner in the graph anything, and 2.16 bn others."""
    net = ct.datasets.load("cefi_credit_2022")
    table = ct.rank(net, [ct.EisenbergNoe()])
    assert table["socialized_caused"].is_monotonic_decreasing
    assert table.loc["genesis", "default_impact"] == 0
    caused = ct.EisenbergNoe().propagate(net, ct.Shock.default("genesis")).socialization.socialized
    assert table.loc["genesis", "socialized_caused"] == pytest.approx(caused, rel=1e-9)
    assert caused == pytest.approx(2.16e9, rel=1e-3)


def test_what_a_fund_avoids_is_what_the_system_no_longer_loses():
    """More capital for a: fewer sales, less falls, and all that is avoided was socialized."""
    sale = ct.models.FireSale(0.19, impact=ct.liquidation.Linear(depth=600))
    fund = {"fund": ct.experiments.policy.Capital(add={"a": 10.0})}
    table = ct.experiments.policy.compare(two_sellers(), sale, ct.Shock.loss({"a": 10}), fund).table
    assert table["loss"].iloc[0] == pytest.approx(70.17, abs=0.005)
    lower = table["loss"].iloc[0] - table["loss"].iloc[1] - table["funded"].iloc[1]
    assert table["avoided"].iloc[1] >= lower > 10


def test_a_share_that_rests_on_an_assumed_capital_says_so():
    net = ct.datasets.load("cefi_credit_2022")
    said = repr(ct.EisenbergNoe().propagate(net, ct.Shock.default("three_arrows")))
    assert "rests on an assumed capital: equity of three_arrows" in " ".join(said.split())
    said = repr(ct.EisenbergNoe().propagate(net, ct.Shock.default("voyager")))
    assert "assumed capital" not in said


# -- contracts ----------------------------------------------------------------------------------


WORLDS = ({"insolvent"}, {"unfailing"}, {"unknown", "tiers", "insolvent"})


def drawn(seed):
    net = random_network(seed, 12, 2.0, WORLDS[seed])
    rng = np.random.default_rng(seed)
    some = np.where(rng.random((3, 12)) < 0.4, rng.random((3, 12)), 0.0)
    losses = some * net.book.stated_assets
    pins = np.full((3, 12), np.nan)
    pins[1, 3], losses[1, 3] = 0.1, 0.0
    return net, losses, pins


@every_model
@pytest.mark.parametrize("seed", range(3))
def test_the_ledger_of_every_model(model, seed):
    """Amounts are >= 0 and add up; a batch, its scenarios alone and `propagate` agree."""
    net, losses, pins = drawn(seed)
    reference = model.solve(net, np.zeros(12))
    scale = float(net.book.claims.sum() + net.book.stated_assets.sum())
    batch = entries(net, model.solve(net, losses, pins), reference, Hit(losses, pins))
    for part in (batch.shock, batch.contagion, batch.outside, batch.relief):
        assert (part >= 0).all()
    if model.settles:
        whole = (batch.initial * batch.triggers).sum(axis=1) + batch.destroyed.sum(axis=1)
        gap = batch.borne.sum(axis=(1, 2)) - whole - batch.relief.sum(axis=1)
        assert np.abs(gap).max() <= 1e-8 * scale
    for k in range(3):
        hit = Hit(losses[k], pins[k])
        alone = entries(net, model.solve(net, *hit), reference, hit)
        shock = ct.Shock.loss(dict(zip(net.names, losses[k], strict=True)))
        shock = shock + ct.Shock.default(net.names[3], recovery=0.1) if k == 1 else shock
        done = model.propagate(net, shock)
        for one in (alone, done.entries):
            assert one.borne == pytest.approx(batch.borne[k], abs=1e-7 * scale)
            assert one.relief == pytest.approx(batch.relief[k], abs=1e-7 * scale)
        assert list(done.ledger) == COLUMNS and set(done.ledger["cause"]) <= set(CAUSES)
        assert (done.ledger["amount"] > 0).all()
        summed = done.ledger["amount"].sum()
        assert summed == pytest.approx(done.entries.borne.sum(), abs=1e-7 * scale)


@every_settling_model
@pytest.mark.parametrize("seed", range(3))
def test_the_split_is_continuous_in_the_shock(model, seed):
    """A shock of 1e-6 to every node moves the split by as little, unless the model itself jumps."""
    net, losses, _ = drawn(seed)
    losses = np.minimum(losses[0], 0.9 * net.book.stated_assets)
    more = np.minimum(losses + 1e-6, net.book.stated_assets)
    reference = model.solve(net, np.zeros(12))
    one, two = (entries(net, model.solve(net, x), reference, Hit(x)) for x in (losses, more))
    if np.abs(one.borne.sum() - two.borne.sum()) < 1e-3:
        assert np.abs(one.borne - two.borne).max() < 1e-3
    else:  # default costs and sale thresholds
        assert type(model).__name__ not in ("EisenbergNoe", "CrossHoldings")
