"""Instruments of a market: inverse contracts, spot margin, futures, options, tiers and grids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from cascades import balanced
from numpy.testing import assert_allclose
from test_market_venues import row

from contagion import liquidation, margin, venues
from contagion.errors import MarginError
from contagion.liquidation import Future, LiquidationCascade, MarginBook, Option

# -- options and portfolio margin ---------------------------------------------------------------

MOVES = tuple(np.repeat(np.linspace(-0.16, 0.16, 9), 3))
GRID = margin.ScenarioGrid(MOVES, (0.38, 0.0, -0.28) * 9, (1.0,) * 27)
PUT = Option("put", "BTC", strike=45_000, days=30, volatility=0.6)


def short_put(equity: float, **more) -> MarginBook:
    """One put sold, with this equity net of what the put is worth."""
    sold = [row("v", "h", "P", -1, entry_price=0.0, margin=equity + float(PUT.value(50_000)))]
    return MarginBook(
        {"BTC": 50_000.0}, sold, instruments={"P": PUT}, portfolio={"v": GRID}, **more
    )


def test_a_short_put_under_its_grid():
    """Grid ±16 % in 9 steps, volatility +38 % and −28 %: margin 4,435.54 at 50,000 and 60 %. With
    that equity it holds; at 40,000 and 82.8 % it lost 5,651.00, and 1,215.46 are missing."""
    book = short_put(4_435.54)
    assert book.accounts["equity"][0] == pytest.approx(4_435.54)
    assert book.accounts["maintenance"][0] == pytest.approx(4_435.54, abs=0.01)
    held, weak = (
        LiquidationCascade().run(short_put(e), {}).table["liquidated"][0] for e in (4_435.6, 4_400)
    )
    assert held == 0 < weak
    done = LiquidationCascade().run(book, {"BTC": -0.2, "volatility BTC": 0.38})
    lost = done.outcome.fundamental[0] - float(PUT.value(50_000))
    assert lost == pytest.approx(5_651.00, abs=0.01)
    assert done.deficits["v"] == pytest.approx(1_215.46, abs=0.01)
    balanced(done)


def test_a_book_asks_what_the_grid_asks():
    """Also where the grid sets a floor for volatility: 20 % moves up to 50 %."""
    grid = venues.deribit.scenario_grid(extended=())
    calm = Option("put", "BTC", strike=45_000, days=10, volatility=0.2)
    rows = [row("v", "h", "P", -2), row("v", "h", "C", -1), row("v", "h", "BTC", 0.2)]
    book = MarginBook({"BTC": 50_000.0}, rows, portfolio={"v": grid}, instruments={
        "P": calm, "C": Option("call", "BTC", strike=52_000, days=60, volatility=0.7)})  # fmt: skip
    held = margin.Instruments(("put", "call", "linear"), 50_000, (45_000, 52_000, np.nan),
                              (0.2, 0.7, np.nan), (10, 60, np.nan))  # fmt: skip
    want = grid.margin(held, [-2, -1, 0.2]).margin
    assert book.accounts["maintenance"][0] == pytest.approx(want)
    assert want > 1.01 * replace(grid, least=0.0).margin(held, [-2, -1, 0.2]).margin


def test_a_hedge_offsets_in_the_grid_and_time_decays():
    """A half future sold against the put moves the worst scenario to +16 %: 3,534. In 30 days out
    of the money the put is worth nothing and its seller keeps the premium."""
    rows = [row("v", "h", "P", -1, entry_price=0.0, margin=9_000), row("v", "h", "BTC", -0.5)]
    book = MarginBook({"BTC": 50_000.0}, rows, instruments={"P": PUT}, portfolio={"v": GRID})
    assert book.accounts["maintenance"][0] == pytest.approx(3_534, abs=1)
    path = pd.DataFrame({"BTC": [50_000.0] * 31})
    done = LiquidationCascade(days=1.0).run(short_put(5_000), path=path)
    assert done.table["equity_after"][0] == pytest.approx(5_000 + float(PUT.value(50_000)))
    assert done.outcome.units[0] == 0  # expired
    balanced(done)
    half = LiquidationCascade(days=1.0).run(short_put(5_000), path=path[:10])
    assert half.book.instruments["P"].days == 20
    assert half.book.accounts["equity"][0] == pytest.approx(half.table["equity_after"][0])


def test_greeks_are_changes_of_the_equity():
    """Of a put sold and a call bought on BTC, with 2 of X beside them: by small moves of prices."""
    call = Option("call", "BTC", strike=52_000, days=10, volatility=0.5)
    rows = [row("v", "h", "P", -3), row("v", "h", "C", 2), row("v", "h", "X", 2)]
    book = MarginBook({"BTC": 50_000.0, "X": 10.0}, rows, instruments={"P": PUT, "C": call})
    legs = book.legs.set_index("asset")

    def equity(**prices):
        named = {name.replace("_", " "): price for name, price in prices.items()}
        return float(book.at(named).accounts["equity"][0])

    on = legs.loc[["P", "C"], ["delta", "gamma", "vega"]].sum()
    up, here, down = (equity(BTC=50_000.0 + move) for move in (25, 0, -25))
    assert on["delta"] == pytest.approx((up - down) / 50, rel=1e-5)
    assert on["gamma"] == pytest.approx((up - 2 * here + down) / 25**2, rel=1e-4)
    # one point of volatility is 1/60 of that of the put, 1/50 of that of the call
    for name, sigma in (("P", 0.6), ("C", 0.5)):
        one = book.instruments[name]
        more, less = (float(one.value(50_000, 1 + move / sigma)) for move in (5e-5, -5e-5))
        assert legs["vega"][name] == pytest.approx(100 * (more - less) * legs["units"][name])
    assert legs.loc["X", ["delta", "gamma", "vega"]].tolist() == [2, 0, 0]
    spent = margin.option_greeks([True, False, False], [90, 110, 100], 100, 0.5, 0)
    assert_allclose(spent, [[-1, 1, 0.5], [0, 0, 0], [0, 0, 0]])


def test_sales_of_the_underlying_move_its_options():
    """100 BTC sold of a depth of 1,000 take the price from 40,000 to 36,000, and a put with it."""
    rows = [row("v", "h", "P", -1, entry_price=0.0, margin=1e6),
            row("w", "l", "BTC", 100, margin=600_000)]  # fmt: skip
    book = MarginBook({"BTC": 50_000.0}, rows, instruments={"P": PUT})
    depth = tuple(1_000.0 if name == "BTC" else np.inf for name in book.assets)
    done = LiquidationCascade(liquidation.Linear(depth), partial=False).run(book, {"BTC": -0.2})
    assert done.outcome.price[book.assets.index("P")] == pytest.approx(float(PUT.value(36_000)))
    balanced(done)


# -- futures, tiers -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["F", "F@v"])
def test_a_future_is_settled_when_its_days_are_over(name):
    """Long 10 at 100 with 100: two days later it is worth 95 and pays −50, whatever comes after."""
    book = MarginBook({name: 100.0}, [row("v", "h", "F", 10, margin=100)], maintenance=0.01,
                      instruments={"F": Future(days=2)})  # fmt: skip
    path = pd.DataFrame({"F": [98.0, 95.0, 50.0]})
    done = LiquidationCascade(days=1.0).run(book, path=path)
    assert done.table["equity_after"][0] == pytest.approx(50) and done.deficits["v"] == 0
    balanced(done)
    gap = LiquidationCascade(days=2.0, fund=5.0).run(book, path=pd.DataFrame({"F": [85.0]}))
    assert gap.deficits["v"] == pytest.approx(50) and gap.uncovered["v"] == pytest.approx(45)


TIERS = margin.TieredSchedule((0, 50e3, 250e3), (0.004, 0.005, 0.01), (125, 100, 50))


def test_tiers_ask_more_of_large_positions_and_less_as_they_shrink():
    """300,000 need 1,700. With 1,300 the part is closed that leaves 260,000: 250 × 0.005 − 50 is
    1,200, and 10,000 at 1 % are 100."""
    book = MarginBook({"BTC": 30_000.0}, [row("v", "h", "BTC", 10, margin=1_300)],
                      schedules={"BTC": TIERS})  # fmt: skip
    assert book.accounts["maintenance"][0] == pytest.approx(1_700)
    done = LiquidationCascade().run(book, {})
    assert done.outcome.units[0] * 30_000 == pytest.approx(260_000)
    assert done.book.accounts["health"][0] == pytest.approx(0, abs=1e-6)
    balanced(done)


# -- inverse contracts and spot margin ----------------------------------------------------------


def test_an_inverse_contract_pays_in_its_coin():
    """100,000 of contracts long at 50,000 with 0.5 BTC: at 40,000 the loss is 2 − 2.5 = −0.5 BTC,
    all of the margin; at 45,000 it is −0.2222, and 0.2778 BTC are worth 12,500."""
    rows = [row("v", "h", "BTC", 100_000, kind="inverse", maintenance=0.01),
            row("v", "h", "BTC", 0.5, kind="spot")]  # fmt: skip
    book = MarginBook({"BTC": 50_000.0}, rows)
    for price, coins in ((45_000, 0.5 - 100_000 * (1 / 45_000 - 1 / 50_000)), (40_000, 0.0)):
        there = book.at({"BTC": price}).accounts
        assert there["equity"][0] == pytest.approx(coins * price)
        assert there["maintenance"][0] == pytest.approx(1_000)
    done = LiquidationCascade().run(book, {"BTC": -0.18})
    # at 41,000 equity is 2,500; at 40,200 it is 500 < 1,000: half of the contracts are bought back
    assert done.table["liquidated"][0] == 0
    part = LiquidationCascade().run(book, {"BTC": -0.196})
    assert part.outcome.units[part.before.arrays.weight != 1] == pytest.approx(-50_000)
    assert part.table["equity_after"][0] == pytest.approx(500)
    assert part.outcome.sold[0] == pytest.approx(50_000 / 40_200)
    balanced(part)
    assert LiquidationCascade().run(book, {"BTC": -0.3}).deficits["v"] == pytest.approx(12_500)
    assert part.book.accounts["health"][0] == pytest.approx(0, abs=1e-6)


def test_a_short_inverse_contract_without_leverage_is_a_synthetic_dollar():
    rows = [row("v", "h", "BTC", -50_000, kind="inverse", maintenance=0.01),
            row("v", "h", "BTC", 1.0, kind="spot")]  # fmt: skip
    book = MarginBook({"BTC": 50_000.0}, rows)
    for change in (-0.5, 1.0):
        done = LiquidationCascade().run(book, {"BTC": change})
        assert done.table["equity_after"][0] == pytest.approx(50_000)
        assert done.table["liquidated"][0] == 0
    short = MarginBook({"BTC": 50_000.0}, [rows[0], rows[1] | {"size": 0.1}])
    done = LiquidationCascade().run(short, {"BTC": 0.2})  # equity 5,000 + 1,000 − 10,000
    assert done.deficits["v"] == pytest.approx(4_000)
    balanced(done)


def test_spot_margin_sells_what_it_holds_to_repay():
    """10 ETH at a haircut of 10 % against 15,000 USDC. At 1,600: 14,400 < 15,000. Selling f of the
    debt restores f × 15,000 × 0.1: f = 0.4, 3.75 ETH."""
    rows = [row("v", "h", "ETH", 10, kind="spot", maintenance=0.1),
            row("v", "h", "USDC", -15_000, kind="spot")]  # fmt: skip
    book = MarginBook({"ETH": 2_000.0, "USDC": 1.0}, rows)
    done = LiquidationCascade().run(book, {"ETH": -0.2})
    assert_allclose(done.outcome.units, [10 - 3.75, -9_000])
    assert done.table["equity_after"][0] == pytest.approx(1_000)
    balanced(done)
    gone = LiquidationCascade().run(book, {"ETH": -0.3})
    assert gone.deficits["v"] == pytest.approx(1_000)
    balanced(gone)


def test_limits_act_on_linear_positions():
    book = MarginBook({"X": 1.0}, [row("v", "h", "X", 1, kind="spot")])
    with pytest.raises(MarginError, match="linear"):
        liquidation.PositionLimit(0.1).apply(book, {"X": 1.0})
    for prices, says in (({"X": 1.0}, "give its price"), ({"BTC": 1.0, "P@v": 1.0}, "'P@v'")):
        with pytest.raises(MarginError, match=says):
            MarginBook(prices, [row("v", "h", "P", 1)], instruments={"P": PUT})
