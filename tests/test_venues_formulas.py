"""Formulas of venues: ranking scores, funds and rates, by hand; bounds and identities.

The numbers are those of the venues' own documents and contracts, as cited in the docstrings.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from contagion import liquidation, margin, venues

INF, NAN = np.inf, np.nan
RNG = np.random.default_rng(7)


def parts(record) -> dict[str, np.ndarray]:
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


def test_dydx_portfolio_bankruptcy():
    one = venues.dydx.bankruptcy([1], [900], [0.05], -1_000)
    assert one.net_collateral == -100 and one.price.tolist() == [1_000]
    two = venues.dydx.bankruptcy([1, 10], [900, 50], [0.05, 0.1], -1_450)
    assert two.net_collateral == -50
    assert two.price[0] == pytest.approx(900 + 50 * 45 / 95)
    assert round(two.price[0], 2) == 923.68
    short = venues.dydx.bankruptcy([-1], [900], [0.05], 800)
    assert short.price.tolist() == [800]  # 800 is all there is to buy it back with


def test_dydx_accounts_end_at_zero():
    size, price = RNG.normal(size=(50, 4)), RNG.uniform(1, 100, (50, 4))
    cash = RNG.normal(0, 100, 50)
    books = venues.dydx.bankruptcy(size, price, RNG.uniform(0.01, 0.2, (50, 4)), cash)
    assert_allclose(books.quote.sum(-1) + cash, 0, atol=1e-9)
    assert_allclose(books.price * size, books.quote)


def test_dydx_fund_pays_all_or_nothing():
    assert venues.dydx.fund_payment([80, 100, 120], 100).tolist() == [80, 100, 0]


def test_gmx_scale():
    side = venues.gmx.capped_profit([6e6, 4e6, -1e6, 0], 10e6, cap=0.45)
    assert_allclose(side.factor, [0.6, 0.4, -0.1, 0])
    assert_allclose(side.scale, [0.75, 1, 1, 1], rtol=1e-14)
    assert_allclose(side.paid, [4.5e6, 4e6, -1e6, 0], rtol=1e-14)


# Ranking


def test_bitmex_score():
    assert venues.bitmex.adl_score(-9_000, -10_000, -11_000) == pytest.approx(0.45)
    # A loser: −10 % divided by leverage 11,000 / 1,000; the same short at 12,000 is bankrupt.
    assert venues.bitmex.adl_score(-11_000, -10_000, -12_000) == pytest.approx(-0.1 / 11)
    assert venues.bitmex.adl_score(-12_000, -10_000, -12_000) == -INF
    # Inverse contracts: the values of position_value do the same.
    values = liquidation.position_value(-1_000, [9_000, 10_000, 11_000], contract="inverse")
    assert venues.bitmex.adl_score(*values) == pytest.approx(
        (1 / 9 - 0.1) / 0.1 * (1 / 9) / (2 / 99)
    )


def test_binance_scores():
    assert venues.binance.adl_score(20, 100, 120, 40) == pytest.approx(0.4)
    assert venues.binance.adl_score(-20, -100, -120, 80) == pytest.approx(-0.1)
    assert venues.binance.adl_score(-20, 100, 80, 20) == -INF
    assert venues.binance.adl_score_2019([40, -4, -10], 10, 5) == pytest.approx([0.4, 0, 0])


def test_hyperliquid_index():
    index = venues.hyperliquid.adl_index(
        [120, 80], [100, 100], [400_000, -800_000], [100_000, 400_000]
    )
    assert_allclose(index, [4.8, 2.5], rtol=1e-14)
    printed = venues.hyperliquid.adl_index(80, 100, -800_000, 400_000, shorts="as_printed")
    assert printed == pytest.approx(1.6)
    assert venues.hyperliquid.adl_index(80, 100, 800_000, 0) == -INF
    margins = venues.hyperliquid.margins([-1e6, 1e6], max_leverage=[40, 20])
    assert_allclose(margins.maintenance, [12_500, 25_000])
    assert_allclose(margins.backstop, [1e6 * 0.0125 * 2 / 3, 1e6 * 0.025 * 2 / 3])


def test_queue_is_by_quantity_and_side():
    """Ten accounts, one of which holds nine tenths of the quantity: it ends in the last quintile.

    And the table of BitMEX: six longs of 10, 10, 20, 30, 20, 10 with PNL rankings 3, 6, 1, 4, 5, 2.
    """
    score, size = np.arange(10.0), np.array([1.0] * 9 + [81.0])
    queue = venues.adl.queue(score, size)
    assert queue.place.tolist() == list(range(10, 0, -1))
    assert queue.lights.tolist() == [1.0] * 10
    table = venues.adl.queue([3, 6, 1, 4, 5, 2], [10, 10, 20, 30, 20, 10])
    assert (1.2 - table.lights / 5).round(9).tolist() == [0.8, 0.2, 1.0, 0.6, 0.4, 0.8]
    both = venues.adl.queue([3, 2, 1, 9, NAN, 4], [1, 1, 1, -2, 5, 0])
    assert both.place[:4].tolist() == [1, 2, 3, 1]
    assert np.isnan(both.place[4:]).all() and np.isnan(both.lights[4:]).all()
    ties = venues.adl.queue([1, 2, 2, -INF], [1, 1, 3, 1])
    assert ties.place.tolist() == [3, 1, 1, 4]
    assert ties.ahead.tolist() == [4, 0, 0, 5]


def test_queue_does_not_depend_on_the_order_of_rows():
    score, size = np.round(RNG.normal(size=60), 1), RNG.integers(-5, 6, 60)
    order = RNG.permutation(60)
    queue, mixed = venues.adl.queue(score, size), venues.adl.queue(score[order], size[order])
    for name, values in parts(queue).items():
        assert np.array_equal(values[order], getattr(mixed, name), equal_nan=True), name


# Funds and shares


def test_fund_drawdown_over_a_rolling_window():
    fund = venues.bybit.fund_drawdown([100, 120, 90, 80, 85], window=3)
    assert fund.peak.tolist() == [100, 120, 120, 120, 90]
    assert fund.triggered.tolist() == [False, False, False, True, False]
    assert venues.bybit.fund_drawdown([10.0, 0.0], threshold=1.0).triggered.tolist() == [
        False,
        True,
    ]
    assert venues.bybit.fund_drawdown([100, 70], threshold=0.3).triggered[1]
    unknown = venues.bybit.fund_drawdown([100, NAN, 50, 50], window=2)
    assert np.isnan(unknown.drawdown[1:3]).all() and unknown.drawdown[3] == 0
    assert np.isnan(venues.bybit.fund_drawdown([0.0]).drawdown).all()


def test_solvent_is_not_coverable():
    venue = venues.adl_research.budget([50, 30, -190], [200, 100, -90])
    assert (venue.deficit, venue.wealth, venue.capacity) == (90, 300, 80)
    assert venue.solvent and not venue.feasible
    part = venues.adl_research.budget([50, 30, -190], [200, 100, -90], theta=0.5)
    assert part.budget == 45 and part.feasible
    many = venues.adl_research.budget(np.ones((3, 2)), [[1, -1], [1, -3], [NAN, 1]])
    assert many.feasible.tolist() == [True, False, False]


def test_rates_of_sharing():
    assert venues.okx.clawback_rate(12, [50, 30, -10, 20]) == 0.12
    assert venues.okx.clawback_rate(200, [50, 30, -10, 20]) == 1
    assert venues.okx.clawback_rate(0, [-1, -2]) == 0
    assert np.isnan(venues.okx.clawback_rate(1, [-1, -2]))
    assert venues.bitfinex.uniform_haircut(1 - 0.36067, 1) == pytest.approx(0.36067)
    assert round(venues.bitfinex.uniform_haircut(123_596, 243_352), 3) == 0.492
    assert venues.bitfinex.uniform_haircut([12, 0], [10, 0]).tolist() == [0, 0]


def test_drift():
    perp = venues.drift.perp_loss(100, 2_000, -1_000, fund=500, market_limit=30, fee_pool=10)
    assert (perp.fund, perp.fees, perp.socialized, perp.per_unit) == (30, 10, 60, 0.02)
    with pytest.raises(ValueError, match="open_long"):
        venues.drift.perp_loss(100, 0, 0, fund=99)
    assert venues.drift.perp_loss(100, 0, 0, fund=100).per_unit == 0


def test_scores_and_prices_keep_nan():
    assert np.isnan(venues.bitmex.adl_score([NAN, -9], [-10, -10], [-11, NAN])).all()
    assert np.isnan(venues.hyperliquid.adl_index(1, [1, 1, NAN], [1, NAN, 1], [NAN, 1, 1])).all()
    assert np.isnan(venues.binance.adl_score(NAN, 1, 1, 1))
    assert np.isnan(venues.binance.adl_score_2019([NAN, 1, -9], [1, NAN, 1], [1, 1, NAN])).all()
    assert np.isnan(venues.dydx.bankruptcy([1, NAN], [1, 1], [0.1, 0.1], 5).price).all()
    assert np.isnan(venues.dydx.fund_payment([NAN, 1], [1, NAN])).all()
    assert np.isnan(venues.bitfinex.uniform_haircut([NAN, 1], [1, NAN])).all()
    assert np.isnan(venues.okx.clawback_rate([NAN, 1], [[1, 1], [1, NAN]])).all()
    assert np.isnan(venues.drift.burned([NAN, 1], [1, 1], 9).supply_index)
    assert np.isnan(venues.morpho.incentive(NAN)) and np.isnan(venues.maker.flop_lot(NAN))


BAD = {
    "oracle": lambda: venues.dydx.bankruptcy([1], [0], [0.1], 0),
    "size must have an axis": lambda: venues.dydx.bankruptcy(1, 1, 0.1, 0),
    "fund": lambda: venues.dydx.fund_payment(1, -1),
    "cap": lambda: venues.gmx.capped_profit(1, 1, cap=0),
    "entry_value": lambda: venues.bitmex.adl_score(1, [1, 0], 0),
    "mark_value": lambda: venues.bitmex.adl_score(INF, 1, 0),
    "shorts": lambda: venues.hyperliquid.adl_index(1, 1, 1, 1, shorts="flipped"),
    "max_leverage": lambda: venues.hyperliquid.margins(1, max_leverage=0),
    "score and size": lambda: venues.adl.queue([1, 2], [1]),
    "levels": lambda: venues.adl.queue([1], [1], levels=0),
    "balance": lambda: venues.bybit.fund_drawdown(5),
    "window": lambda: venues.bybit.fund_drawdown([5], window=0),
    "threshold": lambda: venues.bybit.fund_drawdown([5], threshold=0),
    "theta": lambda: venues.adl_research.budget([1], [1], theta=1.5),
    "assets": lambda: venues.bitfinex.uniform_haircut(-1, 1),
    "profits": lambda: venues.okx.clawback_rate(1, 1),
    "bad debt must not exceed": lambda: venues.drift.burned([2], [1], 1),
    "shares must have an axis": lambda: venues.morpho.burned(2, 1, 3),
    "bad must be": lambda: venues.kamino.burned([2], [1.5], 3),
    "order": lambda: venues.compound.grown(1, 0.1, 1, order=0),
    "collateral": lambda: venues.aave.liquidation(-1, 1, threshold=0.8, bonus=1.05),
    "bonus": lambda: venues.aave.liquidation(1, 1, threshold=0.8, bonus=0.05),
    "total_debt": lambda: venues.aave.liquidation(1, 2, threshold=0.8, bonus=1, total_debt=1),
    "health must be given": lambda: venues.aave.liquidation(
        1, 2, threshold=0.8, bonus=1, other_collateral=1
    ),
    "stake_price": lambda: venues.aave.umbrella_slash(1, 1, stake_price=0),
    "lltv": lambda: venues.morpho.incentive(1.0),
    "max_discount": lambda: venues.euler.liquidation(1, 1, ltv=0.8, max_discount=1),
    "liquidation_factor": lambda: venues.compound.absorb(
        1, 1, liquidate_factor=0.9, liquidation_factor=93
    ),
    "mode": lambda: venues.liquity.liquidation(1, 1, pool=1, mode="panic"),
    "total_ratio": lambda: venues.liquity.liquidation(1, 1, pool=1, mode="recovery"),
    "stake": lambda: venues.liquity.redistributed(1, [0, 0]),
    "sump": lambda: venues.maker.settlement(1, 1, sump=0, bump=1, hump=0),
    "bids": lambda: venues.maker.flop_lot(250, bids=-1),
    "price": lambda: venues.maker.dilution(1, 0, 1),
}


@pytest.mark.parametrize("name", BAD)
def test_impossible_inputs_are_named(name):
    with pytest.raises(ValueError, match=f"^{name}"):
        BAD[name]()


def test_the_message_says_which_row():
    with pytest.raises(ValueError, match=r"-2\.0 at position 1 \(1 of 3 values\)"):
        venues.bitfinex.uniform_haircut([1, -2, 3], 1)


amounts = st.floats(0, 1e6).map(lambda x: round(x, 2))


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=8), st.floats(0, 1e4))
def test_a_clawback_takes_the_shortfall_or_all_profits(profits, shortfall):
    rate = venues.okx.clawback_rate(shortfall, profits)
    base = sum(max(profit, 0) for profit in profits)
    if base > 0 or shortfall == 0:
        assert rate * base == pytest.approx(min(shortfall, base), rel=1e-9, abs=1e-300)


@given(amounts, amounts, amounts, amounts)
def test_drift_parts_add_up(loss, fund, limit, fees):
    perp = venues.drift.perp_loss(loss, 10, -20, fund=fund, market_limit=limit, fee_pool=fees)
    assert perp.fund + perp.fees + perp.socialized == pytest.approx(loss, abs=1e-6)
    assert perp.per_unit * 30 == pytest.approx(perp.socialized)
    assert min(parts(perp).values()) >= 0


MODULES = [each for each in vars(venues).values() if inspect.ismodule(each)]
FUNCTIONS = [
    getattr(module, node.name)
    for module in MODULES
    if module.__name__.rpartition(".")[2] not in ("card", "parameters", "record", "worked")
    for node in ast.parse(inspect.getsource(module)).body
    if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
]
FUNCTIONS += [getattr(margin, name) for name in margin.__all__ if name[0].islower()]
TAKE_ANYTHING = ("blue", "metamorpho_v1_0", "metamorpho_v1_1", "vault_v2", "llamalend", "policies",
                 "visiting_order", "rule_2016", "profit_times_leverage")  # fmt: skip
NOTHING_TO_TAKE = (venues.jupiter.rule, venues.eigenlayer.rule)


def test_every_formula_and_rule_says_where_it_is_from():
    """And shows a number worked by hand, and says what it refuses."""
    assert len(FUNCTIONS) > 60
    for function in FUNCTIONS:
        name, doc = f"{function.__module__}.{function.__name__}", function.__doc__
        if function.__name__ != "profit_times_leverage":
            assert "Source:" in doc and ">>>" in doc, name
        if function not in NOTHING_TO_TAKE and function.__name__ not in TAKE_ANYTHING:
            assert "Raises" in doc or "errors as for" in doc, name
