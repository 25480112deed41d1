"""Markets of venues: their prices and oracles, haircuts on coins, and depth that withdraws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cascades import balanced
from numpy.testing import assert_allclose

from contagion import liquidation
from contagion.errors import ArgumentError, MarginError, UnknownNameError
from contagion.liquidation import LiquidationCascade, MarginBook, VenueOracles, Withdrawal


def row(venue: str, holder: str, instrument: str, size: float, **more) -> dict:
    return {"venue": venue, "holder": holder, "instrument": instrument, "size": size} | more


def test_depth_withdraws_with_what_was_liquidated():
    """200 units open, depth 2,000: the first 100 move the price by 5 %; half of the open interest
    is gone then, and the next 100 move it by 10 %."""
    book = MarginBook({"X": 100.0}, [row("v", "a", "X", 100, margin=600),
                                     row("v", "b", "X", 100, margin=1500)])  # fmt: skip
    path = pd.DataFrame({"X": [98.0, 60.0]})
    ends = {}
    for floor in (0.25, 1.0):
        cascade = LiquidationCascade(liquidation.Linear(2_000), partial=False,
                                     withdrawal=Withdrawal(1.0, floor=floor))  # fmt: skip
        done = cascade.run(book, path=path)
        assert done.history.query("liquidated > 0")["date"].tolist() == [0, 1]
        ends[floor] = done.outcome.price[0] / 60
        balanced(done)
    assert ends == pytest.approx({0.25: 0.95 - 0.10, 1.0: 0.95 - 0.05})


def test_depth_withdraws_with_volatility_and_comes_back():
    law = Withdrawal(0.0, volatility=5.0, calm=0.02, floor=0.2, back=np.log(2), memory=0.5)
    variance = law.variance(np.array([0.0]), np.array([-0.1]))
    assert variance == pytest.approx(0.005)
    assert law.depth(np.zeros(1), np.sqrt(variance)) == pytest.approx(
        1 - 5 * (np.sqrt(0.005) - 0.02)
    )
    assert law.returned(np.array([0.5])) == pytest.approx(0.25)
    with pytest.raises(ArgumentError, match="floor"):
        Withdrawal(floor=0.0)


@pytest.mark.parametrize(
    ("share", "own", "other"), [(0, 0.9, 1.0), (1, 0.95, 0.95), (0.5, 0.925, 0.975)]
)
def test_arbitrage_shares_depth_over_venues(share, own, other):
    """100 sold at v, depth 1,000 at v and at w: 10 % at v alone, 5 % at both with arbitrage."""
    book = MarginBook({"X@v": 100.0, "X@w": 100.0}, [row("v", "a", "X", 100, margin=400),
                                                     row("w", "b", "X", 1, margin=90)])  # fmt: skip
    cascade = LiquidationCascade(liquidation.Linear(1_000), arbitrage=share, partial=False)
    done = cascade.run(book, {})
    assert_allclose(done.outcome.price, [100 * own, 100 * other])
    balanced(done)


@pytest.mark.parametrize("price", [0.55, 1.0])
def test_a_venue_price_of_collateral_liquidates(price):
    """Long 1 BTC, 20,000 USDe at a haircut of 5 %, BTC −10 %. At 0.55: 10,450 − 10,000 = 450, below
    900; at 1.00: 19,000 − 10,000 = 9,000."""
    rows = [row("v", "h", "BTC", 1, maintenance=0.01, entry_price=100_000),
            row("v", "h", "USDe", 20_000, kind="spot", maintenance=0.05)]  # fmt: skip
    book = MarginBook({"BTC": 100_000.0, "USDe": 1.0, "USDe@v": 1.0}, rows)
    assert book.accounts["health"][0] == pytest.approx(19_000 - 1_000)
    done = LiquidationCascade().run(book, {"BTC": -0.1, "USDe@v": price - 1})
    assert (done.table["liquidated"][0] > 0) == (price < 1)
    balanced(done)
    # a venue that goes by the price at which the issuer redeems does not see it
    calm = LiquidationCascade(oracle=VenueOracles({"v": "redemption"}))
    book = MarginBook({"BTC@v": 100_000.0, "USDe@v": 1.0}, rows)
    assert calm.run(book, {"BTC": 0.0, "USDe": price - 1}).table["liquidated"][0] == 0


def test_each_venue_goes_by_its_oracle():
    """X falls by 30 % at v alone: w, on the index, sees 15 %."""
    rows = [row(v, v, "X", 10, margin=200) for v in "vw"]
    book = MarginBook({"X@v": 100.0, "X@w": 100.0}, rows)
    shock = {"X@v": -0.3}
    last, index = (
        LiquidationCascade(oracle=VenueOracles(o)).run(book, shock).history
        for o in ({}, {"w": "index", "v": "mark"})
    )
    assert last.query("round == 1")["oracle"].tolist() == [70, 100]
    mean = (1 + 1 + 70 / 85) / 3
    assert index.query("round == 1")["oracle"].tolist() == pytest.approx([85 * mean, 85])
    moved = LiquidationCascade().run(book, {"X": -0.1, "X@w": 0.0}).outcome.fundamental
    assert moved.tolist() == [90, 100]


def test_money_has_one_price_for_every_oracle():
    """A pool that is told late and an exchange both owe money."""
    loan = {"protocol": "p", "borrower": "h", "collateral_asset": "X", "collateral": 1.0,
            "debt_asset": "money", "debt": 50.0, "threshold": 0.8}  # fmt: skip
    rows = [row("v", "h", "X", -100.0, kind="inverse"), row("v", "h", "X", 1.0, kind="spot")]
    book = MarginBook({"X@v": 100.0, "X": 100.0}, rows, loans=[loan])
    oracle = VenueOracles({"v": "mark", "p": liquidation.Stale(1)})
    done = LiquidationCascade(oracle=oracle).run(book, {"X": -0.1})
    money = done.history[done.history["asset"] == "money"]
    assert "money" in book.assets and (money[["market", "oracle"]] == 1).all(axis=None)


def test_errors_of_venue_oracles():
    book = MarginBook({"X": 100.0}, [row(v, "h", "X", 1) for v in "vw"])
    with pytest.raises(MarginError, match="'X@w'"):
        LiquidationCascade(oracle=VenueOracles({"v": "index"})).run(book, {})
    with pytest.raises(ArgumentError, match="'last', 'mark', 'index'"):
        VenueOracles({"v": "best"})
    with pytest.raises(UnknownNameError, match="venue"):
        LiquidationCascade(oracle=VenueOracles({"z": "last"})).run(book, {})
    with pytest.raises(MarginError, match="arbitrage=2"):
        LiquidationCascade(arbitrage=2)
