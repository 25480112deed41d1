"""explain(): the paths behind a loss, and that they add up."""

from __future__ import annotations

import checks
import numpy as np
import pytest
from conftest import from_liabilities, random_network, random_shock

import contagion as ct


def test_a_chain_has_one_path(chain):
    result = ct.EisenbergNoe().propagate(chain, ct.Shock.loss({"a": 8.0}))
    why = result.explain("c")
    assert why.table["path"].tolist() == ["a → b → c"]
    assert why.table["amount"].tolist() == pytest.approx([3.0])
    assert why.table["share"].tolist() == pytest.approx([1.0])
    assert why.table["cause"].tolist() == ["shock"]
    assert why.table["rounds"].tolist() == [(0, 1, -1)]
    assert (why.node, why.loss, why.direct, why.on_claims) == ("c", 3.0, 0.0, pytest.approx(3.0))
    assert why.passed_on == 0
    assert why.state == "does not default"
    assert "a → b → c" in repr(why) and "owners lose 3" in repr(why)


def test_the_state_names_how_a_node_fails(chain):
    result = ct.EisenbergNoe().propagate(chain, ct.Shock.loss({"a": 8.0}))
    assert result.explain("a").state == "defaults in round 0"
    assert result.explain("b").state == "defaults in round 1"
    assert result.explain("a").table.empty and result.explain("a").passed_on == pytest.approx(6.0)
    pinned = ct.EisenbergNoe().propagate(chain, ct.Shock.default("a"))
    assert "by the shock" in pinned.explain("a").state
    broke = chain.with_nodes(external_assets={"a": 4.0})
    assert "was insolvent by 6 before" in ct.EisenbergNoe().propagate(broke).explain("a").state


def test_two_debtors_are_two_paths_largest_first():
    net = from_liabilities([[0, 0, 10, 0], [0, 0, 6, 0], [0, 0, 0, 4], [0, 0, 0, 0]], [10, 6, 1, 1])
    result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"a": 7.0, "b": 6.0}))
    why = result.explain("c")
    assert why.table["path"].tolist() == ["a → c", "b → c"]
    assert why.table["amount"].tolist() == pytest.approx([7, 6])
    # c has 1 + 3 left for the 4 it owes: d loses nothing
    assert result.explain("d").on_claims == 0 and result.explain("d").table.empty


def test_paths_split_by_the_mix_of_what_hits_a_node():
    """c lost 7 by a and 6 by b and has 2 left of 4: d's loss of 2 came 7 : 6."""
    net = from_liabilities([[0, 0, 10, 0], [0, 0, 6, 0], [0, 0, 0, 5], [0, 0, 0, 0]], [10, 6, 0, 1])
    result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"a": 7.0, "b": 6.0}))
    why = result.explain("d")
    assert why.on_claims == pytest.approx(2.0)
    assert dict(zip(why.table["path"], why.table["amount"], strict=True)) == pytest.approx(
        {"a → c → d": 2 * 7 / 13, "b → c → d": 2 * 6 / 13}
    )


def test_default_costs_and_old_holes_are_causes(chain):
    costly = ct.models.RogersVeraart(0.0, 0.0, which="greatest")
    result = costly.propagate(chain, ct.Shock.loss({"a": 2.5}))
    assert set(result.explain("c").table["cause"]) == {"default costs"}
    broke = chain.with_nodes(external_assets={"a": 4.0})
    why = ct.EisenbergNoe().propagate(broke, baseline="book").explain("b")
    assert why.table["cause"].tolist() == ["missing before the shock"]
    since = ct.EisenbergNoe().propagate(broke, ct.Shock.loss({"a": 1.0}), baseline="cleared")
    assert since.explain("b").table["amount"].tolist() == pytest.approx([1.0])
    assert since.explain("b").table["cause"].tolist() == ["shock"]
    assert since.explain("a").passed_on == pytest.approx(1.0)


def falling() -> ct.ExposureNetwork:
    """a and b hold 50 of X each; a owes 45 outside, b owes c 48."""
    return ct.ExposureNetwork(
        {
            "node": list("abc"),
            "external_assets": [50.0, 50, 5],
            "external_liabilities": [45.0, 0, 0],
        },
        {"creditor": ["c"], "debtor": ["b"], "amount": [48.0]},
        holdings={"node": ["a", "b"], "asset": ["X", "X"], "value": [50.0, 50.0]},
    )


def test_falling_prices_are_a_cause_by_their_own_name():
    """Everything is sold at 20 % less: b has 40 for the 48 that it owes c."""
    sale = ct.models.FireSale(0.01, impact=ct.liquidation.Linear(500))
    for baseline in ("book", "cleared"):
        result = sale.propagate(falling(), ct.Shock.default("a"), baseline=baseline)
        why = result.explain("c")
        assert why.table[["path", "cause"]].values.tolist() == [["b → c", "falling prices"]]
        assert why.table["amount"].tolist() == pytest.approx([8.0])
        assert why.destroyed == {}
        own = result.explain("b")
        assert own.destroyed == {"falling prices": pytest.approx(10)}
        assert own.on_claims == 0 and own.passed_on == pytest.approx(8)
        assert "lost on claims 0; by falling prices 10; passed on to its creditors 8" in repr(own)
    failing = ct.models.OverlappingPortfolios(ct.liquidation.Linear(500), loss_given_default=0.5)
    why = failing.propagate(falling(), ct.Shock.default("a")).explain("c")
    assert why.table[["path", "cause"]].values.tolist() == [["b → c", "falling prices"]]
    assert why.table["amount"].tolist() == pytest.approx([24.0])


def test_sales_for_funding_and_default_costs_are_told_apart():
    """a fails; b owes it 10, replaces none and loses 2 on what it sells for 10, which c misses."""
    net = from_liabilities([[0, 0, 0], [10, 0, 5], [0, 0, 0]], [21, 16, 1], [30, 0, 0])
    joint = ct.models.JointModel(funding=ct.models.channels.Funding(1.0, 0.2))
    why = joint.propagate(net, ct.Shock.default("a")).explain("c")
    assert why.table[["path", "cause"]].values.tolist() == [["b → c", "forced sales"]]
    assert why.table["amount"].tolist() == pytest.approx([1 / 3])
    both = ct.models.CreditFunding(1.0, 1.0, 0.2).propagate(net, ct.Shock.default("a"))
    assert both.explain("b").destroyed == {"forced sales": pytest.approx(2)}
    assert both.explain("c").table["cause"].tolist() == ["forced sales"]
    trigger = ct.models.CreditFunding(1.0, 1.0, 0.2).propagate(
        net, ct.Shock.default("a") + ct.Shock.default("b")
    )
    assert trigger.outcome.channels["funding"][1] == pytest.approx(2)
    assert trigger.explain("b").destroyed == {}  # what a trigger loses is part of its failure


def test_a_cycle_is_followed_round_and_round(ring):
    result = ct.EisenbergNoe().propagate(ring, ct.Shock.loss({"a": 4.0, "b": 4.0, "c": 3.0}))
    why = result.explain("a", most=50)
    paths = why.table["path"].tolist()
    assert "c → a" in paths and "a → b → c → a" in paths
    assert why.table["amount"].sum() == pytest.approx(why.on_claims)
    assert why.on_claims == pytest.approx(result.table.loc["a", "claims_lost"])


@pytest.mark.parametrize("model", [ct.EisenbergNoe(), ct.models.RogersVeraart(which="greatest")])
@pytest.mark.parametrize("baseline", ["book", "cleared"])
@pytest.mark.parametrize("seed", range(8))
def test_paths_add_up_to_what_the_node_lost_on_its_claims(seed, baseline, model):
    net = random_network(seed, 8, 2.5, {"insolvent", "tiers"})
    result = model.propagate(net, random_shock(net, seed, pinned=bool(seed % 2)), baseline=baseline)
    room = 1e-9 * checks.scale(net)
    for node in net.names:
        why = result.explain(node, most=4)
        lost = result.table.loc[node, "claims_lost"]
        if baseline == "cleared":
            lost -= result.reference.claims_lost[net.position(node)]
        assert why.on_claims == pytest.approx(lost, abs=room)
        assert why.table["amount"].sum() == pytest.approx(why.on_claims, abs=room)
        assert len(why.table) <= 5
        shown = why.table[why.table["path"] != "other paths"]
        assert shown["amount"].is_monotonic_decreasing
        assert (shown["path"].str.endswith(str(node))).all()


def test_models_that_value_claims_can_be_explained_too(chain):
    result = ct.models.Furfine().propagate(chain, ct.Shock.default("a"))
    why = result.explain("c")
    assert why.on_claims == pytest.approx(result.flows["loss"].iloc[1])
    assert why.table["amount"].sum() == pytest.approx(why.on_claims)
    assert why.table["path"].tolist() == ["a → b → c"]


def test_an_unknown_node_is_named(chain):
    result = ct.EisenbergNoe().propagate(chain, ct.Shock.loss({"a": 8.0}))
    with pytest.raises(KeyError, match="'zz'"):
        result.explain("zz")
    long = ct.ExposureNetwork.from_matrix(
        [[0, 1], [0, 0]], ["celsius", "voyager"], orientation="debtor->creditor", equity=[1, 1]
    )
    with pytest.raises(KeyError, match="Did you mean 'celsius'"):
        ct.EisenbergNoe().propagate(long).explain("celsuis")


def test_no_more_rows_than_asked_for(star):
    result = ct.EisenbergNoe().propagate(star, ct.Shock.loss({"a": 22.0}))
    assert len(result.explain("b", most=1).table) == 1
    big = random_network(1, 30, 6.0, {"insolvent"})
    result = ct.EisenbergNoe().propagate(big, baseline="book")
    most = np.argmax(result.table["claims_lost"].to_numpy())
    why = result.explain(big.names[most], most=2)
    assert len(why.table) == 3 and why.table["path"].iloc[-1] == "other paths"
