"""Who bears it: every field of the record, by hand on four nodes."""

from __future__ import annotations

from dataclasses import fields

import checks
import numpy as np
import pandas as pd
import pytest
from conftest import from_liabilities

import contagion as ct
from contagion.results.hops import hops
from contagion.results.socialization import summarize


def lost(result):
    """(bearer, role) → (hop, amount)."""
    rows = result.bearers.itertuples()
    return {(row.bearer, row.role): (row.hop, pytest.approx(row.amount)) for row in rows}


def test_every_field_by_hand(chain):
    """a loses 8 of 12 and owes 10. Its owners had 2, so b misses 6; b's owners had 3, so c
    misses 3 and bears it."""
    result = ct.EisenbergNoe().propagate(chain, ct.Shock.loss({"a": 8.0}))
    s = result.socialization
    assert s.initial_loss == 8
    assert s.absorbed_by_trigger == 2
    assert s.socialized == pytest.approx(6)
    assert s.socialized_share == pytest.approx(0.75)
    assert s.bystander_share == pytest.approx(3 / 8)  # c has no claim on a
    assert s.reach == 2
    assert s.depth == 2
    assert s.hhi == pytest.approx((2 / 8) ** 2 + 2 * (3 / 8) ** 2)
    assert s.external_share == s.relief == s.socialized_on_hit == 0
    assert s.amplification == 1
    assert s.deadweight == 0
    assert s.missing_before == 0
    assert s.borne == pytest.approx(8)
    assert lost(result) == {
        ("a", "owners"): (0, 2),
        ("b", "owners"): (1, 3),
        ("c", "owners"): (2, 3),
    }
    assert set(s.to_dict()) == {f.name for f in fields(s)}
    assert s.to_dict()["socialized"] == s.socialized


def test_default_costs_are_deadweight_and_somebody_bears_them(chain):
    """alpha 0.5, beta 0.8: a pays 2 of its 4; b gets 2, pays 0.5 + 1.6; c gets 2.1, pays 1.68."""
    result = ct.models.RogersVeraart(0.5, 0.8, which="greatest").propagate(
        chain, ct.Shock.loss({"a": 8})
    )
    assert result.payments.tolist() == pytest.approx([2, 2.1, 1.68, 0])
    s = result.socialization
    assert s.initial_loss == 8
    assert s.deadweight == pytest.approx(2 + (0.5 + 0.4) + 0.42)
    assert s.borne == pytest.approx(8 + 3.32)
    assert result.table["loss"].tolist() == pytest.approx([2, 3, 4, 2.32])
    assert s.reach == 3 and s.depth == 3
    assert s.bystander_share == pytest.approx((4 + 2.32) / 11.32)


def test_a_pinned_default_loses_what_it_does_not_pay(chain):
    """a has 12, owes 10 and pays 4: 8 are gone, of which its owners bear their 2."""
    s = ct.EisenbergNoe().propagate(chain, ct.Shock.default("a", recovery=0.4)).socialization
    assert s.initial_loss == pytest.approx(8)
    assert s.absorbed_by_trigger == pytest.approx(2)
    assert s.socialized == pytest.approx(6)


def test_a_pinned_default_does_not_count_twice_what_it_lost_to_another(chain):
    """a fails and costs b 10 of its 11; b fails for outside reasons and pays nothing of 8."""
    shock = ct.Shock.default("a") + ct.Shock.default("b")
    result = ct.EisenbergNoe().propagate(chain, shock)
    s = result.socialization
    assert s.initial_loss == pytest.approx(12 + 1)  # b had 11, 10 of it began with a
    checks.assert_conserves_value(result)


def test_owners_of_every_node_that_was_hit_absorb(chain):
    """a loses 8: its owners bear 2, b misses 6. b loses 1 itself; its owners bear that at once,
    and the 2 that they had left by contagion."""
    result = ct.EisenbergNoe().propagate(chain, ct.Shock.loss({"a": 8.0, "b": 1.0}))
    s = result.socialization
    assert s.initial_loss == 9
    assert s.absorbed_by_trigger == pytest.approx(3)
    elsewhere = result.bearers[~result.bearers["bearer"].isin(["a", "b"])]["amount"].sum()
    assert s.socialized == pytest.approx(elsewhere + 2) == pytest.approx(6)
    assert s.socialized_on_hit == pytest.approx(2)


def test_external_creditors_bear_at_one_hop_more():
    """a owes 5 outside (senior) and 10 to b, has 15 and loses 12; b owes 9 outside."""
    net = from_liabilities([[0, 10], [0, 0]], [18, 2], [5, 9])
    result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"a": 15.0}))
    # 3 left: external creditors get 3 of 5, b nothing; b has 2 for 9 outside
    assert result.outcome.external_paid.tolist() == pytest.approx([3, 2])
    assert lost(result) == {
        ("a", "owners"): (0, 3),
        ("a", "external creditors"): (1, 2),
        ("b", "owners"): (1, 3),
        ("b", "external creditors"): (2, 7),
    }
    s = result.socialization
    assert s.absorbed_by_trigger == 3
    assert s.socialized == pytest.approx(12)
    assert s.bystander_share == pytest.approx(7 / 15)
    assert s.reach == 1 and s.depth == 1  # reach counts owners
    assert result.bearers["amount"].is_monotonic_decreasing


def test_hops_take_the_shortest_way_along_claims_that_lose(chain):
    """d holds a claim on a that is paid in full by its tier: it is not at one hop."""
    nodes = chain.balance_sheet.reset_index()[["node", "external_assets", "external_liabilities"]]
    more = pd.DataFrame({"creditor": ["d"], "debtor": ["a"], "amount": [2.0], "tier": [1]})
    table = pd.concat([chain.exposures.assign(tier=2), more], ignore_index=True)
    net = ct.ExposureNetwork(nodes.assign(external_assets=[14.0, 1.0, 0.0, 1.0]), table)
    result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"a": 12.0}))
    assert hops(result).tolist() == [0, 1, 2, 3]
    everything = ct.EisenbergNoe().propagate(net, ct.Shock.default("a"))
    assert hops(everything).tolist() == [0, 1, 2, 1]
    none = ct.EisenbergNoe().propagate(net)
    assert hops(none).tolist() == [-1, -1, -1, -1]


def test_the_baseline_says_from_where_losses_count():
    """x has 7 for the 10 it owes y, before any shock; then it loses 2 more."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 10], [0, 0]], ["x", "y"], orientation="debtor->creditor", external_assets=[7, 0]
    )
    shock = ct.Shock.loss({"x": 2.0})
    book = ct.EisenbergNoe().propagate(net, shock, baseline="book")
    assert book.table.loc["y", "loss"] == pytest.approx(5)
    assert book.socialization.missing_before == pytest.approx(3)
    assert book.socialization.borne == pytest.approx(5)
    assert book.socialization.socialized == pytest.approx(2)
    causes = book.ledger[["bearer", "cause", "hop", "amount"]].values.tolist()
    assert causes == [["y", "missing before", -1, 3], ["y", "contagion", 1, pytest.approx(2)]]
    cleared = ct.EisenbergNoe().propagate(net, shock)
    assert cleared.table.loc["y", "equity_before"] == pytest.approx(7)
    assert cleared.table.loc["y", "loss"] == pytest.approx(2)
    assert cleared.socialization.missing_before == 0
    assert cleared.socialization.borne == pytest.approx(2)
    assert cleared.bearers["hop"].tolist() == [1]
    # without a shock the book still shows who bears the old hole, and that no trigger caused it
    old = ct.EisenbergNoe().propagate(net, baseline="book")
    assert old.bearers[["bearer", "hop"]].values.tolist() == [["y", -1]]
    assert old.socialization.socialized == 0 and old.socialization.initial_loss == 0
    assert ct.EisenbergNoe().propagate(net).bearers.empty


def test_default_costs_of_before_are_not_counted_again():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 10], [0, 0]], ["x", "y"], orientation="debtor->creditor", external_assets=[8, 0]
    )
    model = ct.models.RogersVeraart(0.5, 1.0, which="greatest")
    result = model.propagate(net, ct.Shock.loss({"x": 2.0}), baseline="cleared")
    # before: 8, of which 4 are paid; after: 6, of which 3 are paid
    assert result.table.loc["y", "loss"] == pytest.approx(1)
    assert result.socialization.deadweight == pytest.approx(-1)
    assert result.socialization.borne == pytest.approx(1)


def test_unknown_balance_sheets_and_guarantors_bear_without_limit():
    nodes = pd.DataFrame(
        {
            "node": ["a", "holder", "guarantor", "end"],
            "kind": ["lender", "customers", "fund", "bank"],
            "external_assets": [20.0, np.nan, 1.0, 1.0],
            "external_liabilities": [0.0, np.nan, 0.0, 0.0],
            "can_fail": [True, True, False, True],
        }
    )
    owed = pd.DataFrame(
        {
            "creditor": ["holder", "guarantor", "end"],
            "debtor": ["a", "a", "guarantor"],
            "amount": [12.0, 8.0, 7.0],
        }
    )
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external")
    result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"a": 20.0}))
    assert result.table["loss"].tolist() == pytest.approx([0, 12, 8, 0])
    assert result.table.loc["guarantor", "equity_after"] == pytest.approx(-6)
    assert not result.table.loc["guarantor", "defaulted"]
    assert result.bearers["role"].tolist() == ["holder", "owners"]
    assert result.bearers["kind"].tolist() == ["customers", "fund"]
    checks.assert_conserves_value(result)
    assert result.audit()["ok"].all()


def test_the_rule_of_a_node_is_named_with_its_external_creditors():
    nodes = pd.DataFrame(
        {
            "node": ["a", "b"],
            "external_assets": [10.0, 1.0],
            "external_liabilities": [4.0, 0.0],
            "rule": ["pro_rata", "priority"],
        }
    )
    owed = pd.DataFrame({"creditor": ["b"], "debtor": ["a"], "amount": [4.0]})
    net = ct.ExposureNetwork(nodes, owed, external_creditors="pari_passu")
    bearers = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"a": 6.0})).bearers
    rules = {(row.bearer, row.role): row.rule for row in bearers.itertuples()}
    assert rules == {
        ("a", "owners"): "residual",
        ("a", "external creditors"): "pro_rata",
        ("b", "owners"): "residual",
    }


def test_reach_counts_losses_above_a_threshold(chain):
    result = ct.models.RogersVeraart(0.5, 0.8, which="greatest").propagate(
        chain, ct.Shock.loss({"a": 8})
    )
    assert summarize(result, result.hops).reach == 3
    assert summarize(result, result.hops, threshold=2.5).reach == 2
    assert summarize(result, result.hops, threshold=2.5).depth == 2
    assert summarize(result, result.hops, threshold=99.0).reach == 0


def test_no_shock_socializes_nothing(chain):
    s = ct.EisenbergNoe().propagate(chain).socialization
    none = {"socialized_share", "amplification", "bystander_share", "hhi", "external_share"}
    assert set(s.reasons) == none
    assert all(value == 0 for name, value in s.to_dict().items() if name not in none)
