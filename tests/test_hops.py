"""Hops along prices, funding and marks: who is reached, at which step, and what it counts for."""

from __future__ import annotations

import checks
import numpy as np
import pandas as pd
import pytest
import reference_firesale as plain
import test_joint as joint
from conftest import FEATURES, examples, random_network
from hypothesis import given
from hypothesis import strategies as st

import contagion as ct
from contagion.models.channels import Funding, Marking, Prices
from contagion.results.socialization import summarize

LINEAR = ct.liquidation.Linear(500)
COUNTS = ("book", "cleared")


def network(assets: dict, owed_outside: dict, held: dict, claims: dict | None = None):
    """Nodes a, b, ...; held {(node, asset): value}, claims {(creditor, debtor): amount}."""
    nodes = pd.DataFrame({"node": list(assets), "external_assets": list(assets.values())})
    nodes["external_liabilities"] = [owed_outside.get(node, 0.0) for node in assets]
    owed = [(*pair, amount) for pair, amount in (claims or {}).items()]
    table = pd.DataFrame(owed, columns=["creditor", "debtor", "amount"])
    rows = [(*pair, float(value)) for pair, value in held.items()]
    holdings = pd.DataFrame(rows, columns=["node", "asset", "value"])
    return ct.ExposureNetwork(nodes, table, holdings=holdings)


def one_market(e: float = 0.0) -> ct.ExposureNetwork:
    """a, b, d hold X, e holds some; a owes e 5 and 40 outside, b owes c 48. Equity of b: 2."""
    return network(
        {"a": 50, "b": 50, "c": 5, "d": 10, "e": 10},
        {"a": 40},
        {("a", "X"): 50, ("b", "X"): 50, ("d", "X"): 10, ("e", "X"): e},
        {("e", "a"): 5, ("c", "b"): 48},
    )


def two_markets(cash: float = 0.0, owed: float = 90.0) -> ct.ExposureNetwork:
    """a holds X, b holds X and Y and owes 90 outside, c holds Y, d nothing; no claims."""
    return network(
        {"a": 50, "b": 100 + cash, "c": 20, "d": 9},
        {"a": 45, "b": owed},
        {("a", "X"): 50, ("b", "X"): 50, ("b", "Y"): 50, ("c", "Y"): 20},
    )


# -- by hand ------------------------------------------------------------------------------------


@pytest.mark.parametrize("baseline", COUNTS)
def test_losses_by_prices_are_reached_and_counted(baseline):
    """a fails, pays nothing and sells all its X; b falls short and sells all of its own. 100 sold
    at a depth of 500 are 20 %: b loses 10, of which its owners have 2, and d loses 2."""
    sale = ct.models.FireSale(0.01, impact=LINEAR)
    result = sale.propagate(one_market(), ct.Shock.default("a"), baseline=baseline)
    assert result.hops.tolist() == [0, 1, 2, 1, 1]
    rows = result.bearers.itertuples()
    assert {(row.bearer, row.role): (row.hop, round(row.amount, 8)) for row in rows} == {
        ("a", "external creditors"): (1, 40),
        ("c", "owners"): (2, 8),
        ("a", "owners"): (0, 5),
        ("e", "owners"): (1, 5),
        ("b", "owners"): (1, 2),
        ("d", "owners"): (1, 2),
    }
    s = result.socialization
    assert s.initial_loss == pytest.approx(50) and s.deadweight == pytest.approx(12)
    assert s.borne == pytest.approx(62) and s.socialized_share == pytest.approx(57 / 62)
    # e has a claim on a; b and d only hold what a sells, and c is owed by b
    assert s.bystander_share == pytest.approx((2 + 2 + 8) / 62)
    assert s.reach == 4 and s.depth == 2
    assert summarize(result, result.hops, threshold=2.5).reach == 2
    assert result.audit()["ok"].all()
    # claims alone reach e and nobody else
    alone = ct.EisenbergNoe().propagate(one_market(), ct.Shock.default("a"), baseline=baseline)
    assert alone.hops.tolist() == [0, -1, -1, -1, 1]


def test_a_creditor_who_also_holds_what_the_trigger_sells_is_no_bystander():
    """e loses 5 on its claim and 1 by the price."""
    result = ct.models.FireSale(0.01, impact=LINEAR).propagate(
        one_market(5.0), ct.Shock.default("a")
    )
    assert result.table.loc["e", "loss"] == pytest.approx(6)
    assert result.socialization.bystander_share == pytest.approx(12 / 63)


def test_prices_lead_on_to_who_holds_what_the_next_one_sells():
    """a sells X, which costs b 5 of its 10 and makes it sell X and Y; c holds Y."""
    sale = ct.models.FireSale(0.08, impact=LINEAR)
    result = sale.propagate(two_markets(), ct.Shock.default("a"))
    assert result.hops.tolist() == [0, 1, 2, -1]
    assert (result.socialization.reach, result.socialization.depth) == (2, 2)
    rich = sale.propagate(two_markets(30.0), ct.Shock.default("a"))  # b need not sell
    assert rich.hops.tolist() == [0, 1, -1, -1]
    assert rich.socialization.reach == 1


def test_an_asset_whose_price_stands_leads_nowhere():
    sale = ct.models.FireSale(0.08, impact={"X": LINEAR, "Y": ct.liquidation.NoImpact()})
    assert sale.propagate(two_markets(), ct.Shock.default("a")).hops.tolist() == [0, 1, -1, -1]


def test_a_holding_of_nothing_leads_nowhere():
    """a has a row for Y with nothing in it: c, who holds Y alone, is still two steps away."""
    held = {("a", "X"): 50, ("a", "Y"): 0, ("b", "X"): 50, ("b", "Y"): 50, ("c", "Y"): 20}
    net = network({"a": 50, "b": 100, "c": 20}, {"a": 45, "b": 90}, held)
    sale = ct.models.FireSale(0.08, impact=LINEAR)
    assert sale.propagate(net, ct.Shock.default("a")).hops.tolist() == [0, 1, 2]


def test_sales_that_no_trigger_causes_lead_nowhere():
    """b is below its ratio of 20 % before: c loses by that, not by the shock on d."""
    sale, shock = ct.models.FireSale(0.2, impact=LINEAR), ct.Shock.loss({"d": 1.0})
    book = sale.propagate(two_markets(), shock, baseline="book")
    assert book.hops.tolist() == [-1, -1, -1, 0]
    assert book.table.loc["c", "loss"] > 0
    assert book.socialization.reach == 0 and book.socialization.bystander_share == 0
    cleared = sale.propagate(two_markets(), shock, baseline="cleared")
    assert cleared.hops.tolist() == [-1, -1, -1, 0]
    # in a deep market a and b keep some of what they hold, and sell more of it when a loses 2
    deep = ct.models.FireSale(0.11, impact=ct.liquidation.Linear(50_000))
    assert deep.market(two_markets()).loc["X", "sold"] > 0
    more = deep.propagate(two_markets(), ct.Shock.loss({"a": 2.0}), baseline="cleared")
    assert more.hops.tolist() == [0, 1, 2, -1]


def test_who_sells_everything_anyway_passes_nothing_on():
    """b is insolvent and sells all it holds in any case: what it loses besides costs c nothing."""
    sale, net = ct.models.FireSale(0.2, impact=LINEAR), two_markets(owed=101.0)
    result = sale.propagate(net, ct.Shock.loss({"b": 3.0}), baseline="cleared")
    assert result.hops.tolist() == [-1, 0, -1, -1]
    book = sale.propagate(net, ct.Shock.loss({"b": 3.0}), baseline="book")
    assert book.hops.tolist() == [-1, 0, -1, -1]  # what was missing before has no hops


@pytest.mark.parametrize(
    "model",
    [
        ct.models.OverlappingPortfolios(LINEAR),
        ct.models.LeverageTargeting(depth=500),
        ct.models.ThresholdDeleveraging(5.0, 4.0, depth=500),
        ct.models.JointModel(Prices(0.01, LINEAR)),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize("baseline", COUNTS)
def test_every_model_of_sales_says_who_sold(model, baseline):
    """a fails and sells X, which b, d hold; e has a claim on it."""
    result = model.propagate(one_market(), ct.Shock.default("a"), baseline=baseline)
    assert result.hops[[0, 1, 3, 4]].tolist() == [0, 1, 1, 1]


def test_leverage_targeting_sells_for_every_loss_and_passes_on_in_the_next_round():
    for rounds, want in ((1, [0, 1, -1, -1]), (2, [0, 1, 2, -1])):
        model = ct.models.LeverageTargeting(depth=500, rounds=rounds)
        assert model.propagate(two_markets(), ct.Shock.default("a")).hops.tolist() == want


def test_deleveraging_leads_on_where_the_limit_is_passed():
    """b has 100 over 10 and, when X falls, 95 over 5: above 15 it sells Y, below 25 it does not."""
    for limit, want in ((15.0, [0, 1, 2, -1]), (25.0, [0, 1, -1, -1])):
        model = ct.models.ThresholdDeleveraging(limit, depth=500)
        result = model.propagate(two_markets(), ct.Shock.default("a"))
        assert result.hops.tolist() == want
    held = ct.models.ThresholdDeleveraging(
        9.0, depth=500
    )  # sells some before, and more because of it
    result = held.propagate(two_markets(), ct.Shock.default("a"), baseline="cleared")
    assert result.hops.tolist() == [0, 1, 2, -1]
    once = ct.models.ThresholdDeleveraging(15.0, depth=500, rounds=1)  # b would sell in the second
    assert once.propagate(two_markets(), ct.Shock.default("a")).hops.tolist() == [0, 1, -1, -1]


def test_insolvent_nodes_that_hold_lead_nowhere():
    for word, want in (("sell", [1, 0, 1, -1]), ("hold", [-1, 0, -1, -1])):
        model = ct.models.ThresholdDeleveraging(11.0, depth=500, insolvent=word)
        result = model.propagate(two_markets(), ct.Shock.loss({"b": 12.0}))
        assert result.hops.tolist() == want


def test_a_lender_in_default_reaches_its_debtors():
    """a fails and withdraws 10 from b, which sells for it and loses 1; c gets everything."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 0, 0], [10, 0, 4], [0, 0, 0]],
        list("abc"),
        orientation="debtor->creditor",
        external_assets=[21, 20, 1],
        external_liabilities=[30, 0, 0],
    )
    result = ct.models.JointModel(funding=Funding(0.5, 0.2)).propagate(net, ct.Shock.loss({"a": 5}))
    assert result.hops.tolist() == [0, 1, -1]
    s = result.socialization
    # external creditors of a lose 4; b owes a and has no claim on it
    assert s.borne == pytest.approx(6) and s.bystander_share == pytest.approx(1 / 6)
    assert result.entries.deadweight["forced sales"].tolist() == pytest.approx([0, 1, 0])
    both = ct.models.CreditFunding(1.0, 0.5, 0.2).propagate(net, ct.Shock.default("a"))
    assert both.hops.tolist() == [0, 1, -1]
    # with a market of all assets, sales for funding reach c, even where they cost nothing
    for cost in (0.2, 0.0):
        market = ct.models.CreditFunding(1.0, 0.5, cost, price_impact=1.0)
        assert market.propagate(net, ct.Shock.default("a")).hops.tolist() == [0, 1, 2]
    rich = net.with_nodes(liquid_assets=[0, 5, 0])
    assert market.propagate(rich, ct.Shock.default("a")).hops.tolist() == [0, -1, -1]


def test_a_mark_that_forces_sales_reaches_who_sells():
    """b marks its claim on a down by 5 and sells X for it; c holds X. a pays in full."""
    net = network(
        {"a": 14, "b": 10, "c": 10},
        {"b": 10},
        {("b", "X"): 10, ("c", "X"): 10},
        {("b", "a"): 10},
    )
    shock, linear = ct.Shock.loss({"a": 2}), Prices(0.5, ct.liquidation.Linear(depth=50.0))
    with_marks = ct.models.JointModel(linear, valuation=Marking())
    for baseline in COUNTS:
        result = with_marks.propagate(net, shock, baseline=baseline)
        assert result.payments["a"] == 10
        assert result.hops.tolist() == [0, 1, 2]
    assert result.socialization.reach == 2
    assert ct.models.JointModel(linear).propagate(net, shock).hops.tolist() == [0, -1, -1]
    unmoved = ct.models.JointModel(Prices(0.01, linear.impact), valuation=Marking())
    assert unmoved.propagate(net, shock).hops.tolist() == [0, -1, -1]  # marked, nothing sold


# -- what is destroyed, by cause ----------------------------------------------------------------


def test_causes_of_deadweight_add_up():
    net, shock = joint.example(5, 8, frozenset())
    for baseline in COUNTS:
        for model in (joint.ALL, joint.SALE, ct.models.RogersVeraart(which="greatest")):
            result = model.propagate(net, shock, baseline=baseline)
            parts = result.entries.deadweight
            total = sum(money.sum() for money in parts.values())
            assert total == pytest.approx(result.socialization.deadweight, abs=1e-9)
            assert ("falling prices" in parts) == (result.outcome.channels is not None)
            costs = float(np.abs(parts["default costs"]).max())
            assert (costs > 0.01) == isinstance(model, ct.models.RogersVeraart)
            assert isinstance(model, ct.models.RogersVeraart) or costs == 0


def test_models_that_settle_nothing_have_the_causes_of_their_channels():
    net, shock = two_markets(), ct.Shock.default("a")
    assert ct.DebtRank().propagate(net, shock).entries.deadweight == {}
    assert list(ct.models.LeverageTargeting().propagate(net, shock).entries.deadweight) == [
        "falling prices"
    ]
    assert list(ct.models.FailureCosts().propagate(net, shock).entries.deadweight) == [
        "failure costs"
    ]
    both = ct.models.CreditFunding().propagate(net, shock).entries.deadweight
    assert sorted(both) == ["falling prices", "forced sales"]


# -- on random networks -------------------------------------------------------------------------

SALES = {
    "fire sale": joint.SALE,
    "least": ct.models.FireSale(0.15, impact=0.4, other_weight=0.5, which="least"),
    "joint": joint.ALL,
    "joint, prices and marks": ct.models.JointModel(joint.PRICES, valuation=joint.MARKS),
    "joint, funding": ct.models.JointModel(funding=joint.FUNDING),
    "credit and funding": ct.models.CreditFunding(0.7, 0.5, 0.8, 0.3),
    "funding at no cost": ct.models.CreditFunding(0.7, 0.5, 0.0, 0.9),
    "overlapping": ct.models.OverlappingPortfolios(loss_given_default=0.5),
    "leverage targeting": ct.models.LeverageTargeting(rounds=2),
    "clearing": ct.EisenbergNoe(),
}
seeds, sizes = st.integers(0, 10_000), st.integers(2, 9)
some_features = st.sets(st.sampled_from(FEATURES)).map(frozenset)


@pytest.mark.parametrize("model", SALES.values(), ids=SALES.keys())
@given(seed=seeds, n=sizes, features=some_features)
@examples(15)
def test_everybody_who_loses_because_of_the_shock_is_reached(model, seed, n, features):
    """Counted from the clearing without the shock every loss is by the shock, so it has a hop."""
    net, shock = joint.example(seed, n, features)
    result = model.propagate(net, shock, baseline="cleared")
    loses = result.loss - result.direct_loss > 1e-6 * checks.scale(net)
    assert (result.hops[loses] >= 0).all()
    assert (result.hops[result.triggers] == 0).all()
    steps = np.unique(result.hops[result.hops >= 0])
    assert steps.tolist() == list(range(len(steps)))


@given(seed=seeds, n=sizes, features=st.sampled_from([frozenset(), frozenset({"pinned"})]))
@examples(40)
def test_hops_of_a_fire_sale_are_those_of_a_plain_search(seed, n, features):
    net, shock = joint.example(seed, n, features)
    result = joint.SALE.propagate(net, shock)
    assert result.hops.tolist() == plain_hops(net, result, shock)


def plain_room(net, outcome, losses, price, i) -> tuple[float, float]:
    """What node i may keep of its holdings, and what they are worth, see the model."""
    own, (part, other) = plain.held(net), plain.left(net, losses)
    mark = part[i] * sum(own[a][i] * price.get(a, 1.0) for a in plain.ASSETS)
    got = net.book.claims[i] - outcome.claims_lost[i]
    return outcome.equity[i] / 0.15 - 0.5 * other[i] - got, mark


def plain_hops(net: ct.ExposureNetwork, result: ct.results.PropagationResult, shock) -> list:
    """Breadth-first, node by node, along what the shock adds: who sells all anyway adds nothing."""
    own, n = plain.held(net), len(net)
    base, none = result.reference, np.zeros(len(net))
    price, before = (joint.SALE.market(net, x)["price"] for x in (shock, ct.Shock()))
    fall = {a: before.get(a, 1.0) - price.get(a, 1.0) for a in plain.ASSETS}
    sold = []
    for i in range(n):
        room, mark = plain_room(net, result.outcome, result.hit.losses, price, i)
        first, _ = plain_room(net, base, none, before, i)
        pinned = not np.isnan(result.hit.pins[i])
        anyway = first <= 1e-7 * mark and plain.left(net, none)[0][i] > 0
        sold.append(bool((pinned or room < mark * (1 - 1e-7)) and not anyway))
    reached = [0 if hit else -1 for hit in result.triggers]
    flows = result.flows
    for step in range(1, n + 1):
        for j in [j for j in range(n) if reached[j] == step - 1]:
            for creditor, debtor, lost in zip(
                flows["creditor"], flows["debtor"], flows["added"], strict=True
            ):
                i = net.position(creditor)
                if debtor == net.names[j] and lost > 1e-9 and reached[i] < 0:
                    reached[i] = step
            for i in range(n):
                shared = any(
                    own[a][i] > 0 and own[a][j] > 0 and fall[a] > 1e-8 for a in plain.ASSETS
                )
                loses = result.outcome.channels["price"][i] - base.channels["price"][i] > 1e-9
                if sold[j] and shared and loses and reached[i] < 0:
                    reached[i] = step
    return reached


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("parts", [(), *FEATURES])
def test_the_summary_needs_no_order_of_defaults(seed, parts):
    """Who fails by the shock alone is known from the run itself, as the waves say it."""
    net = random_network(seed, 9, 2.0, frozenset({parts} if parts else ()))
    result = ct.EisenbergNoe().propagate(net, ct.Shock.relative(0.4))
    assert result.outcome.default_round is None
    np.testing.assert_array_equal(result.at_once, result.default_round == 0)
