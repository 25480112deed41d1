"""Volatility controls: what they delay, what they prevent, and what they leave latent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cascades import balanced, ladder, loan, longs
from conftest import others_slow
from numpy.testing import assert_allclose
from test_cascade_reference import random_case

from contagion import liquidation
from contagion.liquidation import LiquidationCascade, MarginBook

# -- breakers -----------------------------------------------------------------------------------

BREAKERS = {
    "halt": liquidation.Halt(0.05, 4),
    "throttle": liquidation.Throttle(1.5),
    "band": liquidation.PriceBand(0.08, reference="start"),
    "oracle band": liquidation.PriceBand(0.08),
    "freeze": liquidation.Freeze((0,)),
    "gate": liquidation.WithdrawalGate(5),
    "two": (liquidation.Throttle(5.0), liquidation.Halt(0.2, 2)),
}


@pytest.mark.parametrize("name", BREAKERS)
@pytest.mark.parametrize("seeds", others_slow([range(12), range(12, 60)]), ids=str)
def test_a_breaker_never_creates_money(name, seeds):
    """On random books: the ledger balances, and what is realized and latent together is at least
    the negative equity at fundamental prices of accounts that nothing was done to."""
    given = BREAKERS[name]
    breakers = given if isinstance(given, tuple) else (given,)
    for seed in seeds:
        case = random_case(seed)
        # a throttle in units has to fit the prices
        case["prices"] = dict.fromkeys(case["prices"], 1.0)
        book = MarginBook(case["prices"], case["positions"] or None, case["loans"] or None)
        cascade = LiquidationCascade(
            liquidation.Exponential(300.0), breakers=breakers, max_rounds=5_000
        )
        done = cascade.run(book, case["shock"])
        balanced(done)
        a = book.arrays
        start = a.cash + np.bincount(a.account, a.units * done.prices[a.asset], len(book))
        untouched = (done.table["liquidated"] == 0).to_numpy() & (done.outcome.topped == 0)
        assert_allclose(
            (done.outcome.deficit + done.latent_by_account)[untouched],
            np.maximum(-start, 0)[untouched],
            atol=1e-9 * np.abs(start).max(),
        )


def test_what_a_freeze_defers_is_latent():
    """At 85: −50 of a is latent instead of a deficit; b would have left 0 and leaves 0."""
    book = longs((10, 100), (10, 200))
    free, frozen = (
        LiquidationCascade(breakers=b).run(book, {"X": -0.15})
        for b in ((), (liquidation.Freeze((0,)),))
    )
    assert (free.deficits["v"], free.latent["v"]) == pytest.approx((50, 0))
    assert (frozen.deficits["v"], frozen.latent["v"]) == pytest.approx((0, 50))
    assert frozen.outcome.units.tolist() == [10, 10]


def test_a_halt_delays_and_does_not_prevent_without_recovery():
    """Same prices after the halt, so the same end 5 rounds later; with a recovering market, the
    halt lets the impact of the first sale fade before the second."""
    book = longs((10, 100), (10, 200), (10, 250))
    for recovery, prevents in ((0.0, False), (1.0, True)):
        impact = liquidation.Linear(100, recovery=recovery)
        plain = LiquidationCascade(impact, partial=False).run(book, {"X": -0.12})
        halted = LiquidationCascade(
            impact, breakers=(liquidation.Halt(0.13, 5),), partial=False
        ).run(book, {"X": -0.12})
        if not recovery:
            assert halted.rounds > plain.rounds
        assert (halted.outcome.sold[0] < plain.outcome.sold[0]) == prevents
        lost = [float(r.holder_losses.sum() + r.deficits.sum()) for r in (plain, halted)]
        assert (lost[1] < lost[0]) if prevents else lost[1] == pytest.approx(lost[0])


def test_a_throttle_holds_sales_and_purchases_to_the_limit():
    """A long of X and a short of X with a throttled long of Y: the net of X may not exceed what
    each side may not (the short is held up by its leg in Y)."""
    rows = [
        {"venue": "v", "holder": "a", "instrument": "X", "size": 10, "margin": 10,
         "entry_price": 110},
        {"venue": "v", "holder": "b", "instrument": "X", "size": -9, "margin": -1000},
        {"venue": "v", "holder": "b", "instrument": "Y", "size": 100, "margin": 10},
    ]  # fmt: skip
    book = MarginBook({"X": 100.0, "Y": 100.0}, rows)
    cascade = LiquidationCascade(breakers=(liquidation.Throttle(1.0),), max_rounds=1)
    out = cascade.solve(book, np.array([100.0, 100.0]))
    assert (out.sold <= 1 + 1e-12).all() and (np.abs(out.volume) <= 1 + 1e-12).all()
    # money has no limit, and a large limit is none
    repaid = LiquidationCascade(breakers=(liquidation.Throttle(1e4),)).run(
        loan(2.0, 1e5, price=6e4, threshold=0.8, close_factor=1.0), {}
    )
    assert repaid.rounds == 2
    assert LiquidationCascade(breakers=(liquidation.Throttle(1e300),)).run(book, {}).rounds == 2


def test_a_throttle_spreads_the_same_loss_over_rounds():
    """10 units at 4 a round: the same price in the end and the same deficit, as nobody else is
    there; a recovering market pays more."""
    book = longs((10, 100))
    results = {
        (limit, recovery): LiquidationCascade(
            liquidation.Linear(100, recovery=recovery), breakers=(liquidation.Throttle(limit),)
        ).run(book, {"X": -0.12})
        for limit in (4.0, 100.0)
        for recovery in (0.0, 0.5)
    }
    assert results[4.0, 0.0].deficits["v"] == pytest.approx(results[100.0, 0.0].deficits["v"])
    assert results[4.0, 0.5].deficits["v"] < results[100.0, 0.5].deficits["v"]


def test_a_band_stops_a_spiral_and_leaves_the_rest_latent():
    """Sales stop when the market is 8 % below the oracle; with the rest at the fundamental price
    less is lost than by selling everything."""
    book = ladder()
    impact = liquidation.Exponential(600.0)
    plain, band = (
        LiquidationCascade(impact, breakers=breakers, partial=False).run(book, {"X": -0.06})
        for breakers in ((), (liquidation.PriceBand(0.15, reference="start"),))
    )
    assert plain.outcome.sold[0] == 400 > 3 * band.outcome.sold[0]
    assert 0 < band.deficits["v"] + band.latent["v"] < plain.deficits["v"]
    # where venues go by a slower price there is no spiral to stop
    told = LiquidationCascade(impact, liquidation.HardCoded(94.0), partial=False).run(
        book, {"X": -0.06}
    )
    assert told.outcome.sold[0] == 10


def gated(**options) -> LiquidationCascade:
    return LiquidationCascade(breakers=(liquidation.WithdrawalGate(**options),))


def test_a_gate_keeps_money_in_and_costs_liquidations():
    """z is short at −12 %; a needs 8 and has 20, of which a part lies behind the gate."""
    book = longs((10, 200), (10, 100))
    open_ = LiquidationCascade().run(book, {"X": -0.12}, {"a": 20.0})
    assert open_.outcome.topped.tolist() == pytest.approx([8, 0])
    for behind, met in ((1.0, 0), (0.61, 0), (0.6, 8), (0.0, 8)):
        done = gated(behind=behind).run(book, {"X": -0.12}, {"a": 20.0})
        assert done.outcome.topped[0] == pytest.approx(met)
        assert done.outcome.free[0] == pytest.approx(20 - met)  # nothing is lost behind it
        assert (done.outcome.units[0] < 10) == (met == 0)
        balanced(done)
    by_holder = gated(behind=(0.0, 1.0)).run(book, {"X": -0.12}, {"a": 20.0})
    assert by_holder.outcome.topped[0] == pytest.approx(8)


def test_a_gate_goes_on_for_venues_of_its_own_and_lifts():
    rows = [
        {"venue": v, "holder": h, "instrument": "X", "size": 10, "margin": m, "maintenance": 0.1}
        for v, h, m in (("v", "a", 200), ("w", "z", 100))
    ]
    book = MarginBook({"X": 100.0}, rows)
    for venues, met in (((0,), 8), ((1,), 0), (None, 0)):
        done = gated(venues=venues).run(book, {"X": -0.12}, {"a": 20.0})
        assert done.outcome.topped[0] == pytest.approx(met)
    # a halt keeps a open: z (frozen with it) is negative in all rounds of the halt, the gate then
    # runs out 3 rounds after z is closed
    gate, halt = liquidation.WithdrawalGate(rounds=3), liquidation.Halt(0.1, 2)
    done = LiquidationCascade(breakers=(gate, halt)).run(book, {"X": -0.12}, {"a": 20.0})
    assert done.outcome.topped[0] == 0 and done.rounds == 2 + 1 + 3


def test_a_gate_that_never_lifts_lets_the_cascade_end():
    """A frozen negative account keeps the gate on; nothing moves, so that is the end."""
    book = longs((10, 200), (10, 100))
    cascade = LiquidationCascade(
        breakers=(liquidation.WithdrawalGate(50), liquidation.Freeze((0,)))
    )
    done = cascade.run(book, {"X": -0.12}, {"a": 20.0})
    assert done.rounds == 2 and done.latent["v"] == pytest.approx(20)


# -- limits and add-ons on the book -------------------------------------------------------------


def test_a_position_limit_cuts_without_changing_equity():
    book = longs((30, 600), (10, 300)).at({"X": 90.0})
    done = liquidation.PositionLimit(0.2).apply(book, {"X": 100})
    assert done.table["size_after"].tolist() == [20, 10]
    assert done.table["cut"].tolist() == [10, 0] and done.table["cut_value"].sum() == 900
    assert_allclose(done.book.accounts["equity"], book.accounts["equity"])
    for new, old in zip(done.book.legs["bankruptcy_price"], (90 - 300 / 20, 90 - 200 / 10),
                        strict=True):  # fmt: skip
        assert new == pytest.approx(old)
    same = liquidation.PositionLimit(0.5).apply(book, {"X": 100})
    assert not same.table["cut"].any()
    pd.testing.assert_frame_equal(same.book.accounts, book.accounts)


def test_a_position_limit_by_account_can_be_split_around():
    """30 at two venues each: as accounts within the limit of 30, as one holder cut to half."""
    rows = [
        {"venue": v, "holder": "h", "instrument": "X", "size": s, "margin": 300}
        for v, s in (("u", 30), ("v", -30))
    ]
    book = MarginBook({"X": 100.0}, rows)
    by_account = liquidation.PositionLimit(0.3, by="account").apply(book, {"X": 100})
    by_holder = liquidation.PositionLimit(0.3).apply(book, {"X": 100})
    assert not by_account.table["cut"].any()
    assert by_holder.table["size_after"].tolist() == [15, -15]


def test_a_position_limit_prevents_what_it_cuts():
    """30 of a depth of 100 sold at −12 %: 88 × 25.5 leave 456 missing; cut to 10 before, the same
    margin is enough."""
    book = longs((30, 300))
    cascade = LiquidationCascade(liquidation.Linear(100))
    free = cascade.run(book, {"X": -0.12})
    cut = cascade.run(liquidation.PositionLimit(0.1).apply(book, {"X": 100}).book, {"X": -0.12})
    assert free.deficits["v"] == pytest.approx(3_000 - 88 * 25.5 - 300)
    assert cut.deficits["v"] == 0 and cut.latent["v"] == 0 and cut.table["equity_after"][0] == 180
    balanced(cut)


def test_a_limit_and_an_add_on_keep_loans_and_raw_units():
    raw = {"venue": "v", "holder": "h", "instrument": "X", "size": 3e19, "decimals": 18,
           "margin": 900}  # fmt: skip
    pledged = {
        "protocol": "p",
        "borrower": "h",
        "collateral_asset": "X",
        "collateral": 5e9,
        "collateral_decimals": 9,
        "debt_asset": "money",
        "debt": 1e8,
        "debt_decimals": 6,
        "threshold": 0.8,
    }
    book = MarginBook({"X": 100.0}, [raw], [pledged], unit="USD")
    for done in (
        liquidation.PositionLimit(0.1).apply(book, {"X": 1e9}),
        liquidation.MarginAddOn().apply(book),
    ):
        pd.testing.assert_frame_equal(done.book.accounts, book.accounts)
        assert done.book.unit == "USD"


def test_an_add_on_calls_earlier_and_leaves_less():
    """Long 20 with 300: called from 89.47 at 5 %, from 94.44 at 10 %. At 94 the add-on closes a
    part while there is equity of 180; a second fall to 80 then finds less and leaves less."""
    rows = [{"venue": "v", "holder": "h", "instrument": "X", "size": 20, "margin": 300}]
    book = MarginBook({"X": 100.0}, rows, maintenance=0.05)
    added = liquidation.MarginAddOn(slope=0.5, start=0.1).apply(book, depth={"X": 100})
    assert not added.table["called"].any()
    at_94 = liquidation.MarginAddOn(slope=0.5, start=0.1).apply(book.at({"X": 94.0}), {"X": 100})
    assert at_94.table["called"].tolist() == [True]
    run = LiquidationCascade(liquidation.Linear(10_000)).run
    plain, early = run(book, {"X": -0.06}), run(added.book, {"X": -0.06})
    assert plain.table["liquidated"][0] == 0 and early.table["liquidated"][0] > 0
    assert early.deficits["v"] == 0 and early.table["equity_after"][0] > 0
    # and what is left then: at 80, 20 units are worth 300 − 400 = −100
    assert plain.outcome.cash[0] + 20 * 80 == pytest.approx(-100)
    assert early.outcome.cash[0] + early.outcome.units[0] * 80 > -100
    balanced(early)


def test_an_add_on_in_a_thin_market_sets_off_what_it_should_prevent():
    """At 94 the position holds with 180 at 5 %. At 10 % it is called for 188; in a market with a
    depth of 100 every sale costs more equity than it frees, and all 20 go: 94 × 18 = 1,692 against
    the 1,700 that it owes."""
    rows = [{"venue": "v", "holder": "h", "instrument": "X", "size": 20, "margin": 300}]
    book = MarginBook({"X": 100.0}, rows, maintenance=0.05)
    added = liquidation.MarginAddOn(slope=0.5, start=0.1).apply(book, depth={"X": 100})
    run = LiquidationCascade(liquidation.Linear(100)).run
    assert run(book, {"X": -0.06}).table["liquidated"][0] == 0
    done = run(added.book, {"X": -0.06})
    assert done.deficits["v"] == pytest.approx(8) and done.table["equity_after"][0] == 0


def test_an_add_on_for_volatility_never_lowers_a_rate():
    rows = [
        {"venue": "v", "holder": h, "instrument": "X", "size": 10, "margin": 200, "maintenance": m}
        for h, m in (("a", 0.05), ("b", 0.2))
    ]
    book = MarginBook({"X": 100.0}, rows)
    done = liquidation.MarginAddOn(multiple=3.0).apply(book, volatility={"X": 0.04})
    assert done.table["maintenance_after"].tolist() == pytest.approx([0.12, 0.2])
    capped = liquidation.MarginAddOn(multiple=3.0, cap=0.1).apply(book, volatility={"X": 0.04})
    assert capped.table["maintenance_after"].tolist() == pytest.approx([0.1, 0.2])
    assert "0 positions" in repr(done)
