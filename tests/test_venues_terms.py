"""Liquity v2, Venus, Rocket Pool in numbers, and all venues side by side."""

from __future__ import annotations

import pytest

from contagion import venues


def test_liquity_v2_keeps_the_penalty_and_returns_the_surplus():
    given = {"minimum": 1.1, "penalty": 0.05, "redistribution_penalty": 0.10}
    trove = venues.liquity.liquidation_v2(
        [1_080, 1_080, 1_200], 1_000, pool=[401, 1_001, 0], **given
    )
    assert trove.to_pool.tolist() == pytest.approx([420, 1_050, 0])
    assert trove.surplus.tolist() == pytest.approx([0, 30, 0], abs=1e-9)
    there = trove.to_pool + trove.collateral_redistributed + trove.gas + trove.surplus
    assert (there + trove.collateral_left).tolist() == pytest.approx([1_080, 1_080, 1_200])
    debt = trove.offset + trove.debt_redistributed + trove.debt_left
    assert debt.tolist() == [1_000] * 3


def test_venus_risk_fund_brings_what_the_first_bid_repays():
    sold = venues.venus.auction(1_000, 550)
    claims = {"claimant": ["a"], "amount": [1e3], "layer": "suppliers", "exit": [1]}
    done = venues.venus.rule(risk_fund=550).allocate(1_000, claims)
    assert done.layers["absorbed"].tolist() == pytest.approx([sold.repaid, 1_000 - sold.repaid])


def test_a_minipool_shares_a_loss_as_its_rule_does():
    for back in (32.0, 26.0, 20.0):
        done = venues.rocket_pool.rule(bond=8).allocate(
            32 - back, {"claimant": ["reth"], "layer": "reth", "amount": [24.0]}
        )
        kept = 8 - done.layers["absorbed"][0]
        assert kept == pytest.approx(venues.rocket_pool.node_share(back, 8, 24))


def test_venues_side_by_side_say_why_a_cell_is_empty():
    record = venues.terms()
    assert list(record.table.index) == list(venues.CATALOGUE)
    assert list(record.table)[:6] == ["fund", "order", "basis", "price", "cap", "pause"]
    empty = record.table.isna()
    assert {c: set(r) for c, r in record.reasons.items()} == {
        c: set(record.table.index[empty[c]]) for c in record.table if empty[c].any()
    }
    assert record.table.loc["aave_v3", "order"] == "offset, stakers, suppliers"
