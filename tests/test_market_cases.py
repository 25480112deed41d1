"""Cases as a user writes them: an episode, an exchange, loans, a clearing house, options.

Each test is a script of at most 25 lines. No book of accounts of these venues is published, so the
accounts are drawn; what else is assumed is said in each.
"""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import contagion as ct
from contagion.liquidation import (
    Exponential,
    LiquidationCascade,
    MarginBook,
    Market,
    Option,
    Stale,
    VenueOracles,
    Withdrawal,
)


def longs(n: int, interest: float, prices: dict, seed: int, leverage: tuple) -> pd.DataFrame:
    """n longs in the coins of `prices`: sizes lognormal(0, 1.2) of so much open interest together,
    leverage uniform in a range, coins at equal odds."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"holder": np.arange(n).astype(str)})
    table["instrument"] = rng.choice(list(prices), n)
    worth = rng.lognormal(0, 1.2, n)
    worth *= interest / worth.sum()
    table["size"] = worth / table["instrument"].map(prices)
    table["margin"] = worth / rng.uniform(*leverage, n)
    return table


def test_10_october_2025():
    """Published: the times of 16 waves, 5.51 bn liquidated, deficits of 12.66 to 100.06 m (one
    account counted once, or in nine waves); BTC and SOL fell by 13.1 and 26 %. Assumed: accounts,
    an open interest that has as much to liquidate, a twin venue with three times the depth, depth
    of 8 times the open interest that leaves, half of all sales arbitraged, prices in a line,
    rounds of ten seconds."""
    out = ct.datasets.outcomes("hyperliquid_adl_2025")
    said = out[out["node"] == "hyperliquid"].groupby("what")["value"].first()
    waves = out[out["node"].str.startswith("wave") & (out["what"] == "needed")]
    times = pd.to_datetime(waves["as_of"]).reset_index(drop=True)
    coins, fall = {"BTC": 120_000.0, "SOL": 220.0}, {"BTC": -0.131, "SOL": -0.26}
    table = longs(1_000, 6.7e9, coins, seed=10, leverage=(1.5, 20)).assign(maintenance=0.02)
    both = pd.concat([table.assign(venue=venue) for venue in ("hyperliquid", "twin")])
    book = MarginBook({f"{c}@{v}": coins[c] for v in ("hyperliquid", "twin") for c in coins}, both)
    held = table.groupby("instrument")["size"].sum()
    depth = tuple(8 * held[m[:3]] * (3 if "twin" in m else 1) for m in book.assets)
    part = np.linspace(0, 1, 17)[1:]
    path = pd.DataFrame({c: coins[c] * (1 + fall[c] * part) for c in coins}, index=times)
    tens = (times.diff().dt.total_seconds().fillna(10) / 10).round().clip(1).astype(int).tolist()
    common = {"impact": Exponential(depth, recovery=0.02), "arbitrage": 0.5,
              "oracle": VenueOracles({"hyperliquid": "mark"})}  # fmt: skip
    run, calm = (LiquidationCascade(**common, withdrawal=w).run(book, path=path, rounds=tens)
                 for w in (Withdrawal(0.8, volatility=5, calm=0.01, floor=0.25), None))  # fmt: skip
    sold = (run.table["liquidated"] * book.accounts["notional"]).groupby(run.table["venue"]).sum()
    assert sold["hyperliquid"] == pytest.approx(said["notional liquidated"], rel=0.05)
    once, often = said[[d for d in said.index if d.startswith("deficit")]].sort_values()
    assert once < calm.deficits["hyperliquid"] < run.deficits["hyperliquid"] < often
    low = run.history.groupby("asset")["market"].min()
    assert low["BTC@hyperliquid"] < low["BTC@twin"] < coins["BTC"] * (1 + fall["BTC"])
    jump = LiquidationCascade(**common).run(book, fall)  # margins and rounds do something
    assert jump.deficits["hyperliquid"] > 5 * run.deficits["hyperliquid"]


def test_an_exchange_with_2000_accounts():
    """BTC −25 %: 20.35 m are missing after one jump, 0.051 m after 25 steps. Assumed: longs with a
    leverage of 3 to 19, an open interest of 116.77 m, a depth of 10.3 times that."""
    prices = {"BTC": 100_000.0}
    table = longs(2_000, 116.77e6, prices, seed=5, leverage=(3, 19)).assign(venue="exchange")
    book = MarginBook(prices, table, maintenance=0.05, unit="USD")
    cascade = LiquidationCascade(Exponential(10.3 * table["size"].sum()))
    jump = cascade.run(book, {"BTC": -0.25})
    path = pd.DataFrame({"BTC": 100_000 * (1 - 0.01 * np.arange(1, 26))})
    steps = cascade.run(book, path=path)
    assert 1e-6 * jump.deficits["exchange"] == pytest.approx(20.35, abs=0.005)
    assert 1e-6 * steps.deficits["exchange"] == pytest.approx(0.051, abs=0.0005)
    static = np.maximum(-book.at({"BTC": 75_000.0}).accounts["equity"], 0).sum()
    assert steps.deficits["exchange"] < static < jump.deficits["exchange"]


def test_a_pool_of_loans_with_a_late_oracle_and_two_hops():
    """Loans of USDC against ETH at a price that is two rounds late. What the pool cannot pay is
    missing at the fund that supplies it, and at the savers of the fund. All amounts are assumed."""
    rng = np.random.default_rng(3)
    loans = pd.DataFrame({"protocol": "pool", "borrower": np.arange(300).astype(str)})
    loans["collateral"] = rng.lognormal(2, 1, 300)
    loans["debt"] = 2_000 * loans["collateral"] * rng.uniform(0.5, 0.82, 300)
    loans = loans.assign(collateral_asset="ETH", debt_asset="USDC", threshold=0.83, bonus=0.05)
    book = MarginBook({"ETH": 2_000.0, "USDC": 1.0}, loans=loans, unit="USD")
    impact = Exponential((20 * loans["collateral"].sum(), np.inf))
    path = pd.DataFrame({"ETH": [1_900.0, 1_750, 1_500, 1_300]})
    late, now = (float(LiquidationCascade(impact, oracle).run(book, path=path).deficits["pool"])
                 for oracle in (Stale(2), Market()))  # fmt: skip
    assert now < 0.1 * late
    supplied = loans["debt"].sum()
    nodes = {"node": ["pool", "fund", "savers"], "external_assets": [supplied, 0.0, 0.0]}
    claims = {"creditor": ["fund", "savers"], "debtor": ["pool", "fund"],
              "amount": [supplied, 0.97 * supplied]}  # fmt: skip
    net = ct.ExposureNetwork(nodes, claims, unit="USD")
    result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"pool": late}))
    assert result.table["default_round"].tolist() == [0, 1, -1]
    lost = result.table["equity_before"] - result.table["equity_after"].clip(lower=0)
    assert lost["fund"] == pytest.approx(0.03 * supplied)
    assert lost["savers"] == pytest.approx(late - 0.03 * supplied)


def test_a_clearing_house_whose_assessment_is_not_paid():
    """Futures fall from 100 to 86: d1 lacks 400, d2 40; 370 beyond their contributions of 50 and
    20. Own capital pays 20, the fund 300, and 50 are assessed: 16.67 from each of three. `a` has 2
    and 10 that are left of its margin: it fails, pays these 12, and the others 19 each."""
    table = pd.DataFrame({"venue": "ccp", "holder": ["d1", "d2", "a", "b", "short"],
                          "instrument": "F", "size": [100.0, 60, 20, 10, -190],
                          "margin": [1_000.0, 800, 290, 300, 3_000]})  # fmt: skip
    book = MarginBook({"F": 100.0}, table, maintenance=0.005)
    after = LiquidationCascade().run(book, {"F": -0.14}).table.set_index("holder")
    lost = after["equity_before"] - after["equity_after"] + after["deficit"]
    members = {"member": after.index, "loss": lost.clip(lower=0), "margin": after["equity_before"],
               "contribution": [50, 20, 100, 100, 100],
               "means": [0, 0, 2, 1_000, 1_000]}  # fmt: skip
    manager = ct.venues.ccp.DefaultManager(before=20, per_event=1, per_period=1, haircut=0)
    run = manager.run(members, after.index[after["deficit"] > 0].tolist(), unit="USD m")
    assert run.failed == ["a"] and run.uncovered == 0
    paid = run.table.table.query("layer == 'assessments'").set_index("member")["amount"]
    assert paid.to_dict() == pytest.approx({"a": 12, "b": 19, "short": 19})
    assert run.loss == pytest.approx(1_400 + 840 + 280)


def test_a_book_of_options_under_price_and_volatility():
    """A dealer sold puts and calls and is hedged at the start, under a scenario grid. What is
    missing is what a revaluation says; the grid of ±16 % covers all but larger moves of both."""
    sold = {"P": Option("put", "BTC", 45_000, 30, 0.6), "C": Option("call", "BTC", 56_000, 30, 0.6)}
    rows = [{"venue": "v", "holder": "dealer", "instrument": name, "size": -100} for name in sold]
    prices, grid = {"BTC": 50_000.0}, ct.venues.deribit.scenario_grid(extended=())
    delta = MarginBook(prices, rows, instruments=sold).legs["delta"].sum()
    rows += [{"venue": "v", "holder": "dealer", "instrument": "BTC", "size": -delta}]
    rows[0]["margin"] = 510_000.0
    book = MarginBook(prices, rows, instruments=sold, portfolio={"v": grid})
    assert book.accounts["health"][0] > 0
    assert book.legs["delta"].sum() == pytest.approx(0, abs=1e-9)
    moves, swings = (-0.2, -0.1, 0.0, 0.1, 0.2), (-0.25, 0.0, 0.5)
    missing = pd.DataFrame(index=moves, columns=swings, dtype=float)
    for move, swing in itertools.product(moves, swings):
        shock = {"BTC": move, "volatility BTC": swing}
        missing.loc[move, swing] = LiquidationCascade().run(book, shock).deficits["v"]
        there = book.at({"BTC": 50_000 * (1 + move), "volatility BTC": 1 + swing}).accounts
        assert missing.loc[move, swing] == pytest.approx(max(0, -there["equity"][0]))
    assert (missing.loc[[-0.2, 0.2], 0.5] > 0).all() and (missing > 0).sum(axis=None) == 2
