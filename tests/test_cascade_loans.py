"""Loans in the cascade: the worked numbers of the protocols as one round, and what is left."""

from __future__ import annotations

import numpy as np
import pytest
from cascades import balanced, loan, longs

from contagion import liquidation, venues
from contagion.liquidation import LiquidationCascade, MarginBook

# -- loans --------------------------------------------------------------------------------------


def test_aave_one_liquidation():
    """10,000 against 8,500 at .83 and 1.05: health factor 0.976, 4,250 repaid, 4,462.5 seized."""
    book = loan(10_000, 8_500, threshold=0.83, bonus=0.05, close_factor=0.5)
    assert book.accounts["health_factor"][0] == pytest.approx(0.976, abs=5e-4)
    slow = LiquidationCascade(max_rounds=1)
    out = slow.solve(book, np.ones(2))
    repaid, seized = 8_500 + out.units[1], 10_000 - out.units[0]
    assert (repaid, seized) == pytest.approx((4_250, 4_462.5))
    closed_form = venues.aave.liquidation(10_000, 8_500, threshold=0.83, bonus=1.05)
    assert (repaid, seized) == pytest.approx((closed_form.repaid, closed_form.seized))
    assert out.liquidators == pytest.approx(212.5)
    done = LiquidationCascade().run(book, {})  # healthy after that: 5,537.5 × .83 > 4,250
    assert done.rounds == 2 and -done.outcome.units[1] == pytest.approx(4_250)


def test_aave_deficit():
    """8,000 against 9,000: 7,619.05 repaid, and 1,380.95 are missing."""
    done = LiquidationCascade().run(loan(8_000, 9_000, threshold=0.83, bonus=0.05), {})
    assert done.deficits["p"] == pytest.approx(1_380.95, abs=0.005)
    assert done.deficits["p"] == pytest.approx(
        venues.aave.liquidation(8_000, 9_000, threshold=0.83, bonus=1.05).bad_debt
    )
    assert not done.outcome.units.any() and done.latent["p"] == 0
    balanced(done)


def test_aave_bad_debt_starts_at_one_over_the_bonus():
    for value, bad in ((0.9523, False), (0.9525, True)):
        done = LiquidationCascade().run(loan(1, value, threshold=0.83, full_below=0.95), {})
        assert (done.deficits["p"] > 0) == bad


def test_morpho():
    """80 against 100 at .86: LIF 1.0438, 76.64 repaid, 23.36 of bad debt."""
    lif = float(venues.morpho.incentive(0.86))
    assert lif == pytest.approx(1.0438, abs=5e-5)
    book = loan(80, 100, threshold=0.86, bonus=lif - 1, close_factor=1.0)
    done = LiquidationCascade().run(book, {})
    assert done.deficits["p"] == pytest.approx(23.36, abs=0.005)
    assert done.ledger["liquidators"] == pytest.approx(80 - 76.64, abs=0.005)


def test_liquity():
    """At 108 % (below 110 %) the pool burns 100 of debt and takes the collateral of 108: the bonus
    is all there is. At 95 % the same leaves 5."""
    for ratio, left in ((1.08, 0.0), (0.95, 5.0)):
        book = loan(
            100 * ratio, 100, threshold=1 / 1.1, bonus=max(ratio - 1, 0.0), close_factor=1.0
        )
        done = LiquidationCascade().run(book, {})
        assert done.deficits["p"] == pytest.approx(left, abs=1e-9)
        assert done.ledger["liquidators"] == pytest.approx(max(100 * ratio - 100, 0.0), abs=1e-9)
    healthy = loan(110.01, 100, threshold=1 / 1.1, bonus=0.1, close_factor=1.0)
    assert LiquidationCascade().run(healthy, {}).rounds == 1


def test_hyperliquid_backstop():
    """40x: maintenance 1.25 % of 1,000; below 2/3 of it (8.33) the vault takes over, above the book
    does. The vault takes the margin; its capacity is the negative equity that it stands for."""
    cascade = LiquidationCascade(backstop=2 / 3)
    book = longs((10, 8.4), (10, 8.2), (10, -3.0), maintenance=0.0125)
    done = cascade.run(book, {})
    assert done.table["vault"].tolist() == [False, True, True]
    assert done.vaults["v"] == pytest.approx(8.2 - 3.0)
    assert done.deficits["v"] == 0 and done.holder_losses.tolist() == pytest.approx([0, 8.2, 0])
    balanced(done)
    full = LiquidationCascade(backstop=2 / 3, vault_capacity={"v": 2.9}).run(book, {})
    assert full.table["vault"].tolist() == [False, False, False]  # all of a round or none
    assert full.deficits["v"] == pytest.approx(3.0)


def test_collateral_and_debt_in_different_assets():
    """10 ETH at 1,000 against 80 SOL at 100, .85: ETH −10 % or SOL +10 % break it, −90 % of both
    does not; −10 % of ETH leaves no bad debt and −90 % leaves 8,000 − 1,000 / 1.05."""
    row = {
        "protocol": "p",
        "borrower": "b",
        "collateral_asset": "ETH",
        "collateral": 10,
        "debt_asset": "SOL",
        "debt": 80,
        "threshold": 0.85,
        "bonus": 0.05,
    }
    book = MarginBook({"ETH": 1_000.0, "SOL": 100.0}, loans=[row])
    run = LiquidationCascade().run
    assert run(book, {}).rounds == 1
    small, both, large = (
        run(book, {"ETH": -0.1}),
        run(book, {"ETH": -0.9, "SOL": -0.9}),
        run(book, {"ETH": -0.9}),
    )
    assert small.deficits["p"] == 0 and small.table["liquidated"][0] > 0
    assert both.table["liquidated"][0] == 0
    assert large.deficits["p"] == pytest.approx(8_000 - 1_000 / 1.05)
    squeezed = run(book, {"SOL": 0.1})
    assert squeezed.table["liquidated"][0] > 0 and squeezed.deficits["p"] == 0
    assert run(book, {"SOL": 9.0}).deficits["p"] == pytest.approx(80_000 - 10_000 / 1.05)
    falls = [run(book, {"ETH": -x}).deficits["p"] for x in np.linspace(0, 0.999, 40)]
    assert (np.diff(falls) >= -1e-9).all()


def test_a_liquidator_is_not_paid_with_money_that_is_not_collateral():
    """A call of 4 is met at 95 (80 owed, .8); the oracle, a mean of two rounds, then says 40 and
    the debt is liquidated: 40 of collateral repays 40 / 1.05, what is left is 80 − 38.095 less the
    24 that were paid in."""
    book = loan(100, 80, threshold=0.8)
    cascade = LiquidationCascade(oracle=liquidation.TimeWeighted(2))
    done = cascade.run(book, {"C": -0.6}, free={"b": 26.0})
    assert done.outcome.topped.tolist() == pytest.approx([24.0])  # 80 − .8 × 70
    assert done.deficits["p"] == pytest.approx(80 - 40 / 1.05 - 24)
    assert done.ledger["liquidators"] == pytest.approx(40 - 40 / 1.05)
    balanced(done)


def test_a_loan_that_is_written_off_is_gone():
    """80 of C against 100 of D leave 23.81; a squeeze of D afterwards changes neither that nor what
    the borrower owns, and nobody repays what is written off."""
    loans = [
        {
            "protocol": "p",
            "borrower": "b",
            "collateral_asset": "C",
            "collateral": 80,
            "debt_asset": "D",
            "debt": 100,
            "threshold": 0.8,
            "bonus": 0.05,
        }
    ]
    shorts = [{"venue": "v", "holder": "s", "instrument": "D", "size": -50, "margin": 3}]
    book = MarginBook({"C": 1.0, "D": 1.0}, shorts, loans)
    impact = liquidation.Linear(tuple({"C": 1e9, "D": 200.0}[name] for name in book.assets))
    done = LiquidationCascade(impact=impact).run(book, {})
    row = done.table.set_index("holder").loc["b"]
    assert row["deficit"] == pytest.approx(100 - 80 / 1.05)
    assert row["equity_after"] == 0 and row["latent"] == 0
    assert done.table.set_index("holder").loc["s", "liquidated"] > 0
    balanced(done)


def test_worthless_collateral_stays_open():
    """Nobody repays a debt for nothing: at a price of 0 the debt is latent; a hair above it is a
    deficit."""
    book = loan(100, 50, threshold=0.8)
    gone = LiquidationCascade().run(book, {"C": -1.0})
    assert (gone.deficits["p"], gone.latent["p"]) == (0, 50)
    hair = LiquidationCascade().run(book, {"C": -1 + 1e-9})
    assert hair.deficits["p"] == pytest.approx(50) and hair.latent["p"] == 0


def test_a_position_at_a_price_of_zero_is_closed():
    done = LiquidationCascade().run(longs((10, 100)), {"X": -1.0})
    assert done.deficits["v"] == pytest.approx(900) and done.latent["v"] == 0


def test_several_collaterals_are_seized_pro_rata():
    """60 and 40 against 90: 45 repaid take 47.25, 28.35 of one and 18.9 of the other."""
    rows = [
        {"collateral_asset": "C", "collateral": 60, "debt": 50},
        {"collateral_asset": "D", "collateral": 40, "debt": 40},
    ]
    common = {"protocol": "p", "borrower": "b", "debt_asset": "money", "threshold": 0.88}
    book = MarginBook({"C": 1.0, "D": 1.0}, loans=[{**common, **r, "account": "x"} for r in rows])
    assert len(book) == 1
    out = LiquidationCascade(max_rounds=1).solve(book, np.ones(3))
    held = dict(zip(book.assets, out.units[[0, 1]], strict=False))
    units = {book.assets[k]: u for k, u in zip(book.arrays.asset, out.units, strict=True) if u > 0}
    assert held and units == pytest.approx({"C": 60 - 28.35, "D": 40 - 18.9})
    assert -out.units[out.units < 0].sum() == pytest.approx(45)


def test_liquidators_wait_for_their_profit():
    """The oracle says 1, the market 0.97: a bonus of 5 % leaves 1.85 %, less than 2 %."""
    book = loan(100, 90, threshold=0.8)
    out = {}
    for least in (0.01, 0.02):
        cascade = LiquidationCascade(
            oracle=liquidation.HardCoded((1.0, np.nan)), minimum_profit=least
        )
        out[least] = cascade.run(book, {"C": -0.03}).table["liquidated"][0]
    assert out[0.01] > 0 and out[0.02] == 0


def test_money_is_not_moved_by_sales():
    """Repaying 4,250 of money takes no money off the market, whatever the impact says."""
    book = loan(10_000, 8_500, threshold=0.83)
    done = LiquidationCascade(impact=liquidation.Exponential(depth=1e5)).run(book, {})
    price = dict(zip(book.assets, done.outcome.price, strict=True))
    assert price["money"] == 1 and price["C"] < 1
    frozen = LiquidationCascade(oracle=liquidation.HardCoded(0.5)).run(book, {})
    assert frozen.history.query("asset == 'money'")["oracle"].tolist() == [1.0] * (
        frozen.rounds + 1
    )


# -- losses of liquidators, reserves, several bonuses --------------------------------------------


def test_liquidators_do_not_act_at_a_loss():
    """10 ETH told at 2,000 and worth 1,500, debt 17,000, closed in full: at 2,000 the liquidator
    would pay 17,000 for 8.925 ETH, worth 13,387.50. With no loss allowed it waits for 1,500, pays
    15,000 / 1.05 = 14,285.71, and 2,714.29 are missing."""
    book = loan(10, 17_000, price=2_000, threshold=0.83, bonus=0.05, close_factor=1.0)
    late = liquidation.Stale(1)
    usual = LiquidationCascade(oracle=late).run(book, {"C": -0.25})
    assert usual.deficits["p"] == pytest.approx(17_000 - 15_000 / 1.05)
    assert usual.ledger["liquidators"] == pytest.approx(15_000 - 15_000 / 1.05)
    rash = LiquidationCascade(oracle=late, minimum_profit=-np.inf).run(book, {"C": -0.25})
    assert rash.deficits["p"] == 0
    assert rash.ledger["liquidators"] == pytest.approx(-3_612.5)
    balanced(usual)
    balanced(rash)


def two_debts(**more) -> MarginBook:
    """10 ETH at 2,000 against 8,000 USDC and 8,000 in WBTC."""
    row = {"protocol": "p", "borrower": "b", "account": "one", "threshold": 0.8, "bonus": 0.05}
    rows = [
        row | {"collateral_asset": "ETH", "collateral": 10, "debt_asset": "USDC", "debt": 8_000},
        row | {"collateral_asset": "ETH", "collateral": 0, "debt_asset": "WBTC", "debt": 0.2},
    ]
    prices = {"ETH": 2_000.0, "USDC": 1.0, "WBTC": 40_000.0}
    return MarginBook(prices, loans=[each | more for each in rows])


@pytest.mark.parametrize(
    ("first", "want"), [((), [2_285.714286] * 2), (("USDC",), [0, 4_571.428571])]
)
def test_deficits_by_reserve(first, want):
    """At 1,200: 12,000 / 1.05 = 11,428.57 are repaid of 16,000."""
    done = LiquidationCascade(repay_first=first).run(two_debts(), {"ETH": -0.4})
    assert done.reserves["asset"].tolist() == ["USDC", "WBTC"]
    assert done.reserves["deficit"].tolist() == pytest.approx(want, abs=1e-6)
    assert done.deficits["p"] == pytest.approx(16_000 - 12_000 / 1.05)
    balanced(done)


def test_every_collateral_has_its_own_bonus():
    """60 of C at 5 % and 40 of D at 10 %: all of it repays 60 / 1.05 + 40 / 1.1 = 93.5065, and a
    close of 45 takes 45 / 93.5065 of each."""
    row = {"protocol": "p", "borrower": "b", "account": "one", "threshold": 0.8,
           "close_factor": 0.5, "full_below": 0.0}  # fmt: skip
    rows = [
        row | {"collateral_asset": name, "collateral": held, "bonus": bonus, "debt": debt,
               "debt_asset": "money"}
        for name, held, bonus, debt in (("C", 60, 0.05, 90), ("D", 40, 0.1, 0))
    ]  # fmt: skip
    book = MarginBook({"C": 1.0, "D": 1.0}, loans=rows)
    state = LiquidationCascade().step(book, LiquidationCascade().start(book), np.ones((1, 3)))
    left = dict(zip(book.assets, np.bincount(book.arrays.asset, state.units[0]), strict=True))
    part = 45 / (60 / 1.05 + 40 / 1.1)
    assert left == pytest.approx({"C": 60 * (1 - part), "money": -45, "D": 40 * (1 - part)})
    assert state.liquidators[0] == pytest.approx(part * (60 * 0.05 / 1.05 + 40 * 0.1 / 1.1))
