"""Loans and who pays their bad debt: numbers worked by hand, bounds and identities.

The numbers are those of the venues' own documents and contracts, as cited in the docstrings.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from contagion import venues

INF, NAN = np.inf, np.nan
RNG = np.random.default_rng(7)
N = 400
COLLATERAL = np.concatenate([RNG.uniform(0, 20_000, N), [0.0, 0.0, 5_000.0]])
DEBT = np.concatenate([COLLATERAL[:N] * RNG.uniform(0.5, 1.3, N), [0.0, 900.0, 0.0]])

LOANS = {  # every protocol that returns a LoanLiquidation, as a function of collateral and debt
    "aave": lambda c, d: venues.aave.liquidation(c, d, threshold=0.83, bonus=1.05),
    "aave, fee and other debt": lambda c, d: venues.aave.liquidation(
        c, d, threshold=0.83, bonus=1.05, total_debt=np.multiply(d, 1.5), protocol_fee=0.1
    ),
    "aave, other collateral": lambda c, d: venues.aave.liquidation(
        c, d, threshold=0.83, bonus=1.05, other_collateral=10.0, health=0.97
    ),
    "morpho": lambda c, d: venues.morpho.liquidation(c, d, lltv=0.86),
    "euler": lambda c, d: venues.euler.liquidation(c, d, ltv=0.85, max_discount=0.15),
    "euler, not socialized": lambda c, d: venues.euler.liquidation(
        c, d, ltv=0.85, max_discount=0.15, socialize=False
    ),
}
SCALE_FREE = {name: run for name, run in LOANS.items() if not name.startswith("aave")}
STEPS = LOANS | {  # everything else that takes two arrays and returns a record
    "compound": lambda c, d: venues.compound.absorb(
        c, d, liquidate_factor=0.9, liquidation_factor=0.93, sold_at=0.95
    ),
    "liquity": lambda c, d: venues.liquity.liquidation(c, d, pool=4_000.0),
    "liquity, recovery": lambda c, d: venues.liquity.liquidation(
        c, d, pool=4_000.0, mode="recovery", total_ratio=1.4
    ),
    "maker": lambda c, d: venues.maker.settlement(d, c, sump=50.0, bump=10.0, hump=450.0),
    "umbrella": lambda c, d: venues.aave.umbrella_slash(d, c, offset=100.0, pending=50.0, fee=0.02),
    "drift": lambda c, d: venues.drift.perp_loss(d, c + 1.0, 2.0, fund=30.0, fee_pool=10.0),
    "gmx": lambda c, d: venues.gmx.capped_profit(d - 5_000.0, c + 1.0, cap=0.45),
    "hyperliquid": lambda c, d: venues.hyperliquid.margins(c - d, max_leverage=40),
    "dilution": lambda c, d: venues.maker.dilution(d, 250.0, c),
}


def parts(record) -> dict[str, np.ndarray]:
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


def test_aave_worked_numbers():
    half = venues.aave.liquidation(10_000, 8_500, threshold=0.83, bonus=1.05)
    assert round(half.health, 3) == 0.976
    assert (half.repaid, half.seized, half.bad_debt) == (4_250, 4_462.5, 0)
    bad = venues.aave.liquidation(8_000, 9_000, threshold=0.83, bonus=1.05)
    assert round(bad.repaid, 2) == 7_619.05
    assert round(bad.bad_debt, 2) == 1_380.95


def test_aave_close_factor():
    """All of a small or very unhealthy loan, half of the *total* debt otherwise."""

    def repaid(collateral, debt, **more):
        more = {"threshold": 0.8, "bonus": 1.0, **more}
        return venues.aave.liquidation(collateral, debt, **more).repaid

    assert repaid(10_000, 8_400) == 4_200  # health 0.952
    assert repaid(9_500, 8_000) == 8_000  # health 0.95, still in full
    assert repaid(2_400, 1_999) == 1_999  # small debt
    assert repaid(1_999, 1_650) == 1_650  # small collateral
    assert repaid(10_000, 4_200, total_debt=8_400) == 4_200  # this debt is half of the total
    assert repaid(10_000, 3_000, total_debt=8_400) == 3_000
    assert repaid(10_000, 7_900) == 0  # healthy
    assert repaid(10_000, 4_600, total_debt=8_400) == 3_600  # 4,200 would leave 400: dust


def test_aave_bad_debt_begins_where_the_bonus_ends():
    ltv = np.array([0.95, 1 / 1.05 - 1e-9, 1 / 1.05 + 1e-9, 1.0])
    loans = venues.aave.liquidation(10_000, 10_000 * ltv, threshold=0.83, bonus=1.05)
    assert (loans.bad_debt > 0).tolist() == [False, False, True, True]


def test_aave_books_no_deficit_while_other_collateral_is_left():
    keys = {"threshold": 0.83, "bonus": 1.05, "health": 0.9}
    rest = venues.aave.liquidation(8_000, 9_000, **keys, other_collateral=[0, 10])
    assert rest.bad_debt.round(2).tolist() == [1_380.95, 0]
    assert rest.debt_left.round(2).tolist() == [0, 1_380.95]


def aave_call(cover, held, owed, total, health, extra, fee):
    """One liquidation call as the contract does it; None where it reverts."""
    most = owed
    if held >= 2_000 and owed >= 2_000 and health > 0.95:
        most = min(owed, 0.5 * total)
    repaid = min(cover, most)
    seized = repaid * extra
    if seized > held:
        seized, repaid = held, held / extra
    kept = fee * (seized - seized / extra)
    dust = owed - repaid < 1_000 or held - (seized - kept) < 1_000
    return None if repaid < owed and seized < held and dust else (repaid, seized)


def test_aave_repays_the_most_that_the_contract_allows():
    """Against a scan over what a liquidator may ask for, loan by loan."""
    rng = np.random.default_rng(3)
    for _ in range(300):
        owed = rng.uniform(1_500, 8_000)
        total = owed * rng.choice([1.0, rng.uniform(1, 2.5)])
        held, extra, fee = rng.uniform(1_500, 9_000), rng.uniform(1, 1.1), rng.uniform(0, 0.3)
        health = rng.uniform(0.93, 0.999)
        ours = venues.aave.liquidation(
            held,
            owed,
            threshold=0.8,
            bonus=extra,
            total_debt=total,
            health=health,
            protocol_fee=fee,
            other_collateral=1.0,
        )
        step = owed / 4_000
        calls = [
            aave_call(cover, held, owed, total, health, extra, fee)
            for cover in np.append(np.arange(step, owed, step), [owed, 0.5 * total])
        ]
        best = max(call[0] for call in calls if call)
        assert best - 1e-9 <= ours.repaid <= best + step
        assert aave_call(ours.repaid - 1e-9, held, owed, total, health, extra, fee) or (
            ours.repaid == pytest.approx(min(owed, held / extra))
        )


def test_aave_health_of_many_assets():
    assert venues.aave.health_factor([6_000, 4_000], 8_000, threshold=[0.8, 0.9], axis=-1) == 1.05
    assert venues.aave.health_factor([6_000, 4_000], 8_000, threshold=0.8).tolist() == [0.6, 0.4]
    assert venues.aave.health_factor(1, 0, threshold=0.8) == INF


def test_umbrella():
    cover = venues.aave.umbrella_slash(1_000, 600, offset=100)
    assert (cover.slashed, cover.covered, cover.uncovered, cover.offset) == (600, 600, 300, 100)
    # A fee of 10 % at twice the price: 900 × 1.1 × 2 of stake wanted, half of it there.
    half = venues.aave.umbrella_slash(1_000, 990, offset=100, fee=0.1, price=2)
    assert half.covered == pytest.approx(450) and half.fee == pytest.approx(45)
    assert venues.aave.umbrella_slash(50, 600, offset=100).slashed == 0
    many = venues.aave.umbrella_slash(DEBT, COLLATERAL, offset=100, pending=50, fee=0.02, price=1.3)
    total = many.offset + many.pending + many.covered + many.uncovered
    assert_allclose(total, DEBT, rtol=1e-12)
    assert (many.slashed <= COLLATERAL).all() and (many.uncovered >= -1e-9).all()


def test_morpho_worked_numbers():
    factors = venues.morpho.incentive([0.77, 0.86, 0.915, 0.945])
    assert factors.round(4).tolist() == [1.0741, 1.0438, 1.0262, 1.0168]
    cap = 1 - (1 - 1 / 1.15) / 0.3
    assert round(cap, 3) == 0.565
    assert venues.morpho.incentive([cap - 1e-6, cap - 0.1]).tolist() == [1.15, 1.15]
    assert venues.morpho.incentive(cap + 1e-6) < 1.15
    loan = venues.morpho.liquidation(80, 100, lltv=0.86)
    assert (round(loan.repaid, 2), round(loan.bad_debt, 2)) == (76.64, 23.36)
    assert loan.bad_debt / 1_000 == pytest.approx(0.02336, abs=5e-6)
    edge = 100 / venues.morpho.incentive(0.86)  # 95.8: from here on the incentive is not covered
    near = venues.morpho.liquidation(100, [edge - 0.01, edge + 0.01], lltv=0.86)
    assert near.bad_debt == pytest.approx([0, 0.01])


def test_euler_worked_numbers():
    loans = venues.euler.liquidation([100, 80], 90, ltv=0.85, max_discount=0.15)
    assert loans.health.round(4).tolist() == [0.9444, 0.7556]
    assert loans.seized.round(2).tolist() == [95.29, 80]
    assert loans.bad_debt.tolist() == [0, pytest.approx(22)]
    kept = venues.euler.liquidation(80, 90, ltv=0.85, max_discount=0.15, socialize=False)
    assert (kept.bad_debt, kept.debt_left) == (0, pytest.approx(22))
    # The discount of a covered loan can exceed what covers it: from debt > collateral × √LTV on.
    edge = 100 * np.sqrt(0.85)
    near = venues.euler.liquidation(100, [edge - 0.01, edge + 0.01], ltv=0.85, max_discount=0.15)
    assert (near.bad_debt > 1e-9).tolist() == [False, True]


def test_compound_absorbs_into_reserves():
    keys = {"liquidate_factor": 0.9, "liquidation_factor": 0.93}
    taken = venues.compound.absorb(100, 98, **keys, sold_at=0.95)
    assert (taken.paid, taken.refund, taken.proceeds, taken.reserves) == (98, 0, 95, -3)
    rich = venues.compound.absorb(100, 91, **keys)
    assert (rich.paid, rich.refund, rich.reserves) == (93, pytest.approx(2), 7)
    assert venues.compound.absorb(100, 90, **keys).paid == 0


def test_liquity_normal_mode():
    full = venues.liquity.liquidation(1_050, 1_000, pool=5_000, gas=0)
    assert (full.offset, full.to_pool, full.debt_redistributed) == (1_000, 1_050, 0)
    none = venues.liquity.liquidation(1_050, 1_000, pool=0, gas=0)
    assert (none.offset, none.to_pool) == (0, 0)
    assert (none.debt_redistributed, none.collateral_redistributed) == (1_000, 1_050)
    safe = venues.liquity.liquidation(1_100, 1_000, pool=5_000)
    assert (safe.offset, safe.gas, safe.debt_left, safe.collateral_left) == (0, 0, 1_000, 1_100)
    below = venues.liquity.liquidation(900, 1_000, pool=5_000)  # the pool pays 1,000 for 895.5
    assert (below.offset, below.to_pool) == (1_000, 895.5)


def test_liquity_recovery_mode():
    troves = venues.liquity.liquidation(
        [990, 1_050, 1_300, 1_300, 1_500],
        1_000,
        pool=[5_000, 400, 1_000, 999, 5_000],
        mode="recovery",
        total_ratio=1.4,
    )
    assert troves.offset.tolist() == [0, 400, 1_000, 0, 0]
    assert troves.debt_redistributed.tolist() == [1_000, 600, 0, 0, 0]
    assert_allclose(troves.to_pool, [0, 0.4 * 1_050 * 0.995, 1_100 * 0.995, 0, 0])
    assert_allclose(troves.surplus, [0, 0, 200, 0, 0])
    assert troves.debt_left.tolist() == [0, 0, 0, 1_000, 1_000]


def test_liquity_accounts_for_everything():
    for mode in ("normal", "recovery"):
        t = venues.liquity.liquidation(COLLATERAL, DEBT, pool=4_000, mode=mode, total_ratio=1.4)
        assert_allclose(t.offset + t.debt_redistributed + t.debt_left, DEBT, rtol=1e-12)
        held = t.to_pool + t.collateral_redistributed + t.gas + t.surplus + t.collateral_left
        assert_allclose(held, COLLATERAL, rtol=1e-12)
        assert all((values >= -1e-9).all() for values in parts(t).values())


# -- debts as shares of a pool ---------------------------------------------------------------------


def pools(seed, scenarios=50, positions=7):
    """Shares, index of the debts, supply of a pool that has lent a part of it."""
    rng = np.random.default_rng(seed)
    shares = rng.lognormal(3, 1, (scenarios, positions))
    index = rng.uniform(1, 2, scenarios)
    return rng, shares, index, shares.sum(-1) * index / rng.uniform(0.3, 1, scenarios)


@pytest.mark.parametrize("seed", range(3))
def test_interest_compounds_to_third_order(seed):
    rng, _, index, _ = pools(seed)
    rate, time = rng.uniform(0, 0.5, 50), rng.uniform(0, 1, 50)
    more = venues.morpho.grown(index, rate, time)
    exact = index * np.exp(rate * time)
    assert (more <= exact).all() and (exact - more <= exact * (rate * time) ** 4 / 24).all()
    simple = venues.compound.grown(index, rate, time, order=1)
    assert_allclose(simple, index * (1 + rate * time))


@pytest.mark.parametrize("seed", range(3))
def test_what_debtors_no_longer_owe_a_fund_and_the_suppliers_lose(seed):
    rng, shares, index, supply = pools(seed)
    bad, fund = rng.choice([0, 0.4, 1], shares.shape), rng.uniform(0, 60, 50)
    done = venues.kamino.burned(shares, bad, supply, index=index, supply_index=1.3, fund=fund)
    gone = ((shares - done.shares) * index[:, None]).sum(-1)
    assert_allclose(gone, done.bad_debt)
    assert_allclose(done.bad_debt, done.fund + done.suppliers)
    assert_allclose(supply * (1 - done.supply_index / 1.3), done.suppliers, atol=1e-9)
    assert (done.shares[bad == 1] == 0).all() and (done.shares[bad == 0] == shares[bad == 0]).all()
    assert (done.fund <= fund).all() and (done.supply_index >= 0).all()


def test_a_pool_that_is_lent_out_and_all_bad_leaves_suppliers_nothing():
    _, shares, index, _ = pools(0)
    supply = (shares * index[:, None]).sum(-1)
    assert_allclose(
        venues.morpho.burned(shares, True, supply, index=index).supply_index, 0, atol=1e-12
    )


def test_morpho_burns_what_its_liquidation_leaves():
    """Collateral 80, debt 100 at 86 %: 23.36 of bad debt, a haircut of 2.336 % on 1,000."""
    bad = venues.morpho.liquidation(80, 100, lltv=0.86).bad_debt
    done = venues.morpho.burned([bad, 500], [True, False], 1_000)
    assert round(1 - done.supply_index, 5) == 0.02336
    table = {"claimant": ["a", "b"], "amount": [750.0, 250.0]}
    shared = venues.morpho.blue().allocate(bad, table).table["loss"]
    assert_allclose(shared, [750 * (1 - done.supply_index), 250 * (1 - done.supply_index)])


@pytest.mark.parametrize("seed", range(3))
def test_redistribution_moves_debts_and_loses_nothing(seed):
    rng, debts, _, amount = pools(seed)
    stake = rng.uniform(0, 5, debts.shape)
    passed = venues.liquity.redistributed(amount, stake)
    assert_allclose((debts + passed).sum(-1), debts.sum(-1) + amount)
    assert_allclose(passed * stake.sum(-1, keepdims=True), amount[:, None] * stake)
    by_debt = debts + venues.liquity.redistributed(amount, debts)  # an index that grows
    index = 1 + amount / debts.sum(-1)
    assert_allclose(by_debt, debts * index[:, None])


def test_maker():
    assert round(venues.maker.flop_lot(250, bids=3), 2) == 215.96
    assert venues.maker.flop_lot(250, empty_rounds=2) == 562.5
    vow = venues.maker.settlement([180, 20, 0, 49], [60, 60, 459, 0], sump=50, bump=10, hump=450)
    assert vow.healed.tolist() == [60, 20, 0, 0]
    assert vow.debt_auctions.tolist() == [2, 0, 0, 0]
    assert vow.surplus_auctions.tolist() == [0, 0, 0, 0]
    flap = venues.maker.settlement(0, 460, sump=50, bump=10, hump=450)
    assert (flap.surplus, flap.surplus_auctions) == (460, 1)
    minted = venues.maker.dilution(5.3e6, 252.6, 1e6)
    assert round(minted.minted, -2) == 21_000
    assert minted.share == pytest.approx(minted.minted / (1e6 + minted.minted))


@pytest.mark.parametrize("name", LOANS)
def test_a_liquidation_accounts_for_every_loan(name):
    """Bounds and identities, on loans from healthy to hopeless, empty ones included."""
    loan = LOANS[name](COLLATERAL, DEBT)
    assert_allclose(loan.repaid + loan.bad_debt + loan.debt_left, DEBT, rtol=1e-12)
    assert_allclose(loan.seized + loan.collateral_left, COLLATERAL, rtol=1e-12)
    assert all((values >= 0).all() for values in parts(loan).values())
    assert (loan.repaid <= loan.seized + 1e-9).all()  # nobody pays more than he gets
    assert (loan.fee <= loan.seized - loan.repaid + 1e-9).all()
    assert not loan.repaid[loan.health > 1].any()
    bad = loan.bad_debt > 1e-9
    assert not loan.collateral_left[bad].any() and not loan.debt_left[bad].any()
    if name not in ("aave, other collateral", "euler, not socialized"):
        assert bad.any()
        assert (loan.bad_debt >= np.where(loan.health < 1, DEBT - COLLATERAL, 0) - 1e-9).all()


@pytest.mark.parametrize("name", SCALE_FREE)
def test_without_fixed_amounts_the_unit_does_not_matter(name):
    one, thousand = (
        SCALE_FREE[name](COLLATERAL, DEBT),
        SCALE_FREE[name](1_024 * COLLATERAL, 1_024 * DEBT),
    )
    for part, values in parts(one).items():
        factor = 1 if part == "health" else 1_024
        assert np.array_equal(factor * values, getattr(thousand, part)), part


def test_aave_in_another_unit_needs_its_amounts_in_it():
    keys = {"threshold": 0.83, "bonus": 1.05}
    dollars = venues.aave.liquidation(COLLATERAL, DEBT, **keys)
    other = venues.aave.liquidation(
        COLLATERAL / 1_024, DEBT / 1_024, **keys, small=2_000 / 1_024, leftover=1_000 / 1_024
    )
    assert_allclose(other.repaid * 1_024, dollars.repaid, rtol=1e-12)
    assert_allclose(other.bad_debt * 1_024, dollars.bad_debt, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", STEPS)
def test_many_at_once_is_one_at_a_time(name):
    """Arrays give what scalars give, scalars give floats, and shapes broadcast."""
    rows = [*range(0, N, 13), N, N + 1, N + 2]
    many = parts(STEPS[name](COLLATERAL[rows], DEBT[rows]))
    for place, row in enumerate(rows):
        one = parts(STEPS[name](float(COLLATERAL[row]), float(DEBT[row])))
        assert all(type(value) is float for value in one.values())
        assert one == {part: values[place] for part, values in many.items()}
    grid = parts(STEPS[name](COLLATERAL[:3, None], DEBT[None, :2]))
    one = parts(STEPS[name](COLLATERAL[2], DEBT[1]))
    assert {part: np.shape(values)[-1] for part, values in grid.items()}
    for part, values in grid.items():
        if np.shape(values) == (3, 2):
            assert values[2, 1] == one[part], part


@pytest.mark.parametrize("name", STEPS)
def test_unknown_stays_unknown(name):
    """A nan in one row is a nan in what depends on it, and changes no other row."""
    collateral, debt = np.array([80.0, NAN, 80.0]), np.array([NAN, 90.0, 90.0])
    both = parts(STEPS[name](collateral, debt))
    known = parts(STEPS[name](80.0, 90.0))
    for part, values in both.items():
        assert values[2] == known[part], part
    touched = [np.isnan(values[:2]).any() for values in both.values()]
    if name in LOANS or name.startswith("liquity"):
        assert all(np.isnan(values[:2]).all() for values in both.values())
    assert any(touched)


amounts = st.floats(0, 1e6).map(lambda x: round(x, 2))


@given(collateral=amounts, debt=amounts, more=amounts)
def test_more_collateral_never_means_more_bad_debt(collateral, debt, more):
    for run in LOANS.values():
        less, richer = run(collateral, debt), run(collateral + more, debt)
        assert richer.bad_debt <= less.bad_debt + 1e-6
