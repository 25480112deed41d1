"""Accounts are claims on the venue: its fund and its rule act on them after liquidation."""

from __future__ import annotations

import numpy as np
import pytest

import contagion as ct


def exchange() -> ct.liquidation.MarginBook:
    """Long 10 at 100 with 100; shorts of 8 with 40 (first in the queue) and of 2 with 100."""
    accounts = (("L", 10, 100), ("S1", -8, 40), ("S2", -2, 100))
    return ct.liquidation.MarginBook({"X": 100.0}, [
        {"venue": "v", "holder": holder, "instrument": "X", "size": size, "margin": margin}
        for holder, size, margin in accounts])  # fmt: skip


QUEUE, PROFITS = ct.venues.venue("binance"), ct.venues.venue("deribit")


@pytest.mark.parametrize(
    ("rule", "first", "second"),
    [(QUEUE, 95, 0), (PROFITS, 76, 19), (ct.venues.venue("drift_perp"), 76, 19),
     (ct.venues.venue("dydx_v4"), 95, 0), (ct.rules.ProRata(), 95 * 200 / 340, 95 * 140 / 340)],
)  # fmt: skip
def test_the_rule_of_the_venue_decides_which_winner_is_not_paid(rule, first, second):
    cascade = ct.liquidation.LiquidationCascade(fund=5.0, rules={"v": rule})
    done = cascade.run(exchange(), {"X": -0.20})
    assert done.table["shared"].tolist() == pytest.approx([0, first, second])
    assert done.table["equity_after"].tolist() == pytest.approx([0, 200 - first, 140 - second])
    assert done.funds["v"] == 0 and done.uncovered["v"] == pytest.approx(95)


def test_the_ledger_of_the_queue():
    cascade = ct.liquidation.LiquidationCascade(fund=5.0, rules={"v": QUEUE})
    done = cascade.run(exchange(), {"X": -0.20})
    rows = done.bearers.set_index(["bearer", "role", "cause"])["amount"]
    assert rows.to_dict() == pytest.approx({
        ("L", "account holder", "shock"): 100, ("S1", "account holder", "contagion"): 95,
        ("v", "fund", "contagion"): 5})  # fmt: skip
    assert done.socialized_share == pytest.approx(0.5)


def test_a_fund_in_the_rule_is_a_fund():
    done = ct.liquidation.LiquidationCascade(rules={"v": ct.venues.venue("binance", fund=5.0)}).run(
        exchange(), {"X": -0.20}
    )
    assert done.bearers.set_index("role")["amount"]["fund"] == pytest.approx(5)
    assert done.table["shared"].tolist() == pytest.approx([0, 95, 0])


def test_deleveraging_closes_positions_and_a_haircut_does_not():
    for rule, left in ((QUEUE, -8 * 65 / 160), (PROFITS, -8)):
        cascade = ct.liquidation.LiquidationCascade(fund=5.0, rules={"v": rule})
        after = cascade.run(exchange(), {"X": -0.20}).book
        sizes = after.positions.set_index("holder")["size"]
        assert sizes["S1"] == pytest.approx(left) and sizes["S2"] == -2


def test_a_broken_hedge_is_liquidated_in_turn():
    """S1 is also long 8 Y and has won 160 − 96: all 64 are taken, 64/160 of its short are closed.
    With 40 left it is below the 5 % of 4.8 × 80 + 8 × 88, and is liquidated in part."""
    rows = [*exchange().positions.to_dict("records"),
            {"venue": "v", "holder": "S1", "instrument": "Y", "size": 8, "entry_price": 100,
             "margin": 0}]  # fmt: skip
    book = ct.liquidation.MarginBook({"X": 100.0, "Y": 100.0}, rows)
    moves = {"X": -0.20, "Y": -0.12}
    calm = ct.liquidation.LiquidationCascade(fund=5.0).run(book, moves).table.set_index("holder")
    broken = ct.liquidation.LiquidationCascade(fund=5.0, rules={"v": QUEUE}).run(book, moves)
    table = broken.table.set_index("holder")
    assert table["shared"].to_dict() == pytest.approx({"L": 0, "S1": 64, "S2": 31})
    closed, rest = 64 / 160 * 8, 4.8 * 80 + 8 * 88
    more = (1 - 40 / (0.05 * rest)) * (16 - closed)
    assert calm["liquidated"]["S1"] == 0
    assert table["liquidated"]["S1"] == pytest.approx((closed + more) / 16)


def test_a_shortfall_above_all_profits_stays_with_the_venue():
    book = ct.liquidation.MarginBook({"X": 100.0}, exchange().positions.iloc[:2])
    done = ct.liquidation.LiquidationCascade(rules={"v": QUEUE}).run(book, {"X": -0.30})
    # L is short of 200; S1 won 240 and is paid 40 of them
    assert done.table["shared"].tolist() == pytest.approx([0, 200])
    half = ct.liquidation.MarginBook({"X": 100.0}, [
        row | {"size": row["size"] / (1 if row["holder"] == "L" else 4)}
        for row in exchange().positions.iloc[:2].to_dict("records")])  # fmt: skip
    done = ct.liquidation.LiquidationCascade(rules={"v": QUEUE}).run(half, {"X": -0.30})
    rows = done.bearers.set_index(["bearer", "role"])["amount"]
    assert rows["S1", "account holder"] == pytest.approx(60)
    assert rows["v", "owners"] == pytest.approx(140)


def test_a_batch_is_its_scenarios_and_the_money_is_kept():
    rng = np.random.default_rng(5)
    for rule in (QUEUE, PROFITS, ct.rules.ProRata()):
        size = rng.choice([-8, -3, 5, 10], 12)
        book = ct.liquidation.MarginBook({"X": 100.0}, [
            {"venue": "uv"[k % 2], "holder": f"h{k}", "instrument": "X", "size": q, "margin": m}
            for k, (q, m) in enumerate(zip(size, rng.uniform(40, 300, 12), strict=True))
        ])  # fmt: skip
        cascade = ct.liquidation.LiquidationCascade(
            ct.liquidation.Linear(400.0), fund=5.0, rules={"u": rule, "v": PROFITS}
        )
        prices = 100 * (1 + rng.uniform(-0.3, 0.3, (9, 1)))
        batch = cascade.solve(book, prices)
        for k, row in enumerate(prices):
            one = cascade.run(book, {"X": float(row[0] / 100 - 1)})
            np.testing.assert_allclose(one.outcome.shared, batch.shared[k], atol=1e-9)
            entries = dict(one.ledger)
            assert entries.pop("start") == pytest.approx(sum(entries.values()), abs=1e-9)
            borne = one.bearers["amount"].sum()
            assert borne >= one.bearers.query("cause == 'shock'")["amount"].sum()
