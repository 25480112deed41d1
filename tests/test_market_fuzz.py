"""Random markets with everything on: nothing is made or lost in any round."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import others_slow
from numpy.testing import assert_allclose
from test_market_paths import sides

from contagion import liquidation, margin
from contagion.liquidation import LiquidationCascade, MarginBook

COINS = ("X", "Y")
VENUES = ("v", "w", "o")
GRID = margin.ScenarioGrid(
    (-0.15, -0.15, 0.0, 0.15, 0.15), (0.3, -0.2, 0.3, 0.3, -0.2), (1.0,) * 5, power=0.3,
    short_option=0.01, offset=0.01,
)  # fmt: skip


def instruments(unit: float) -> dict:
    return {
        "C": liquidation.Option("call", "X", strike=110 * unit, days=3.5, volatility=0.8),
        "P": liquidation.Option("put", "X", strike=90 * unit, days=60, volatility=0.7),
        "F": liquidation.Future(days=2.5, underlying="X"),
    }


def tiers(unit: float) -> margin.TieredSchedule:
    return margin.TieredSchedule((0, 500 * unit, 2_000 * unit), (0.03, 0.05, 0.1), (20, 15, 8))


def tables(seed: int, unit: float = 1.0) -> tuple[dict, list, list]:
    """Prices, positions and loans; money in `unit`."""
    rng = np.random.default_rng(seed)
    prices = {"X": 100.0 * unit, "Y": 20.0 * unit, "F": 101.0 * unit}
    if seed % 2:  # venues with markets of their own
        prices |= {f"{name}@{v}": prices[name] for v in VENUES for name in ("X", "Y", "F")}
    rows, loans = [], []
    for k in range(rng.integers(6, 16)):
        venue, holder = str(rng.choice(VENUES)), f"h{rng.integers(6)}"
        names = [*COINS, "F", "C", "P"] if venue == "o" else [*COINS, "F"]
        name = str(rng.choice(names))
        kinds = ["linear", "linear", "inverse", "spot"]
        kind = str(rng.choice(kinds)) if name in COINS else "linear"
        worth = float(rng.lognormal(6, 1))
        size = worth * unit if kind == "inverse" else worth / (100 if name != "Y" else 20)
        size *= -1.0 if rng.random() < (0.15 if kind == "spot" else 0.4) else 1.0
        rows.append(
            {"venue": venue, "holder": holder, "instrument": name, "size": size, "kind": kind,
             "maintenance": float(rng.uniform(0.01, 0.1)), "fee": 0.004 * (k % 3),
             "margin": worth * unit * float(rng.uniform(0.05, 0.4)),
             "mode": "isolated" if rng.random() < 0.3 else "cross"}
        )  # fmt: skip
    for k in range(rng.integers(0, 4)):
        worth = float(rng.lognormal(5, 1))
        owed = ("money", "Y")[k % 2]
        loans.append(
            {"protocol": "p", "borrower": f"h{k % 2}", "account": "one", "threshold": 0.8,
             "collateral_asset": COINS[k % 2], "collateral": worth / (100, 20)[k % 2],
             "debt_asset": owed, "debt": 0.75 * worth * (unit if owed == "money" else 1 / 20),
             "bonus": 0.04 * (k + 1)}
        )  # fmt: skip
    return prices, rows, loans


def market(seed: int, unit: float = 1.0, back: bool = False, many: int = 3) -> tuple:
    """A book with every instrument, a cascade with every feature, and so many paths of prices."""
    prices, rows, loans = tables(seed, unit)
    if back:
        rows, loans = rows[::-1], loans[::-1]
    book = MarginBook(
        prices, rows, loans or None, instruments=instruments(unit), schedules={"Y": tiers(unit)},
        portfolio={"o": GRID},
    )  # fmt: skip
    rng = np.random.default_rng(seed + 10**6)
    known = [v for v in VENUES if v in book.venues]
    late = "redemption" if seed % 8 == 1 else liquidation.Stale(1)
    told = {"v": "mark", "w": "index", "o": "last", "p": late}
    shared = liquidation.TimeWeighted(2) if seed % 4 else liquidation.Market()
    cascade = LiquidationCascade(
        liquidation.Exponential(float(rng.uniform(30, 400)), recovery=0.6),
        liquidation.VenueOracles({v: told[v] for v in book.venues}) if seed % 2 else shared,
        breakers=(liquidation.Halt(0.15, 2), liquidation.Throttle(50.0), liquidation.PriceBand(0.5),
                  liquidation.WithdrawalGate(2)),
        partial=bool(seed % 3), backstop=0.4 * (seed % 5 == 0), vault_capacity=200.0 * unit,
        fund=100.0 * unit, deadline=dict.fromkeys(known[:1], 1), days=0.5, arbitrage=0.6,
        repay_first=("Y",) if "Y" in book.assets else (),
        withdrawal=liquidation.Withdrawal(0.8, volatility=2.0, calm=0.05, floor=0.2, back=0.6),
        max_rounds=3_000,
    )  # fmt: skip
    moves = {name: rng.normal(-0.02, 0.08, (many, 5)).cumsum(axis=1) for name in (*COINS, "s")}
    paths = np.tile(book.price, (many, 5, 1))
    for k, name in enumerate(book.base):
        source = "s" if str(name).startswith("volatility") else "X" if name == "F" else name
        if source in moves:
            own_move = 0.02 * np.sin(len(str(book.assets[k])) + np.arange(5))
            paths[:, :, k] *= np.exp(moves[source] + own_move)
    return book, cascade, paths, {f"h{k}": 30.0 * unit * k for k in range(3)}


def free_of(book: MarginBook, free: dict) -> np.ndarray:
    return np.array([free.get(holder, 0.0) for holder in book.holders])


@pytest.mark.parametrize("block", others_slow(range(20)))
def test_nothing_is_made_or_lost_in_any_round(block):
    """Equity + calls + price moves = equity, deficits, fees, gains of buyers and liquidators; the
    funds hold fees less the deficits that they paid; deficits of loans are those of reserves.

    500 books; of each 12 systems, with margins, money and a path of their own: 6,000 in all, with
    every breaker."""
    names = ("deficit", "uncovered", "reserve", "fees", "topped", "vault", "gone", "liquidators")
    reached = dict.fromkeys(names, 0)
    for seed in range(25 * block, 25 * block + 25):
        book, cascade, paths, free = market(seed, many=12)
        state, note, dates = begun(book, cascade, free_of(book, free), seed), f"seed {seed}", []
        start = state.cash.sum(axis=1) + (state.units * book.price[book.arrays.asset]).sum(axis=1)
        to_venue = (book.arrays.venue[:, None] == np.arange(len(book.venues))).astype(float)

        def check(date, now, book=book, start=start, to=to_venue, dates=dates, note=note):
            dates.append(date)
            assert_allclose(*sides(book, now, start), rtol=1e-9, err_msg=note)
            flow = 100.0 + (now.fees - now.deficit) @ to + now.uncovered
            assert_allclose(now.fund, flow, rtol=1e-9, atol=1e-7, err_msg=note)
            of_loans = now.deficit[:, book.arrays.loan].sum(axis=1)
            assert_allclose(now.reserve.sum(axis=1), of_loans, atol=1e-7, err_msg=note)
            for values in (now.fund, now.uncovered, now.deficit, now.fees, now.free, now.price):
                assert np.isfinite(values).all() and (values >= -1e-9).all(), note

        rounds = (1, 2, 1, None, 1)
        done = cascade.solve(book, paths, path=True, rounds=rounds, state=state, watch=check)
        assert done.settled.all() and len(dates) >= 6, note
        for name in names:
            reached[name] += int((getattr(done, name).reshape(12, -1) != 0).any(axis=1).sum())
    assert min(reached.values()) >= 3, reached


def begun(book: MarginBook, cascade: LiquidationCascade, free: np.ndarray, seed: int):
    """The start of 12 systems that differ in the equity of positions and the money elsewhere."""
    rng, a = np.random.default_rng(seed + 2 * 10**6), book.arrays
    state = cascade.start(book, 12, free * rng.lognormal(0, 0.7, (12, 1)))
    worth = np.bincount(a.account, a.units * book.price[a.asset], len(book))
    times = np.where(a.loan, 1.0, rng.lognormal(0, 0.5, (12, len(book))))
    state.cash = times * (state.cash + worth) - worth
    return state


@pytest.mark.parametrize("seeds", others_slow([range(12), range(12, 100)]), ids=str)
def test_order_unit_and_batch_do_not_matter(seeds):
    for seed in seeds:
        book, cascade, paths, free = market(seed)
        note, last = f"seed {seed}", None

        def totals(book, done, unit=1.0):
            a = book.arrays
            order = np.argsort([str(v) for v in book.venues])
            to = (a.venue[:, None] == np.arange(len(book.venues))).astype(float)
            parts = [x @ to for x in (done.deficit, done.fees, done.topped)] + [done.uncovered]
            return np.stack([p[..., order] / unit for p in parts])

        def run(book, cascade, paths, free):
            return cascade.solve(book, paths, free_of(book, free), path=True)

        done = run(book, cascade, paths, free)
        want = totals(book, done)
        for k, one in enumerate(paths):
            last = run(book, cascade, one, free)
            assert_allclose(totals(book, last), want[:, k], rtol=1e-9, atol=1e-7, err_msg=note)
        assert last is not None
        mixed = market(seed, back=True)
        at = [book.assets.index(name) for name in mixed[0].assets]
        other = run(mixed[0], mixed[1], paths[..., at], free)
        assert_allclose(totals(mixed[0], other), want, rtol=1e-6, atol=1e-5, err_msg=note)
        small = market(seed, unit=0.01)
        other = run(*small[:2], small[2], small[3])
        assert_allclose(totals(small[0], other, 0.01), want, rtol=1e-6, atol=1e-5, err_msg=note)
