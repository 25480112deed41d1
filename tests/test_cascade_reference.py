"""The kernel against a plain reference of one scenario, on 500 random books."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
import reference_cascade as reference
from conftest import others_slow
from numpy.testing import assert_allclose

from contagion import liquidation

ASSETS = ("A", "B", "C")


def random_case(seed: int) -> dict:
    """Everything a cascade depends on, in plain types."""
    rng = np.random.default_rng(seed)
    prices = {name: float(10 ** rng.uniform(-1, 3)) for name in ASSETS} | {"money": 1.0}
    holders = [f"h{k}" for k in range(rng.integers(2, 6))]
    positions, loans = [], []
    factors = {(v, h): float(rng.choice([1.0, 0.5, 0.2])) for v in "uv" for h in holders}
    for _ in range(rng.integers(0, 12)):
        venue, holder = str(rng.choice(["u", "v"])), str(rng.choice(holders))
        name = str(rng.choice(ASSETS))
        size = float(rng.normal(0.5, 1.0) * 100 / prices[name])
        rate = float(rng.uniform(0.01, 0.15))
        positions.append(
            {
                "venue": venue,
                "holder": holder,
                "instrument": name,
                "size": size,
                "entry_price": prices[name] * float(rng.uniform(0.9, 1.1)),
                "margin": abs(size) * prices[name] * (rate + float(rng.uniform(0.0, 0.4))),
                "mode": "isolated" if rng.random() < 0.5 else "cross",
                "maintenance": rate,
                "fee": float(rng.choice([0.0, 0.005, 0.02])),
                "close_factor": factors[venue, holder],
            }
        )
    named = {f"n{k}": [float(rng.uniform(0, 0.1)), float(rng.choice([0.5, 1.0]))] for k in range(2)}
    for _ in range(rng.integers(0 if positions else 1, 8)):
        held, owed = str(rng.choice(ASSETS)), str(rng.choice([*ASSETS, "money", "money"]))
        worth, threshold = float(rng.lognormal(4, 1)), float(rng.uniform(0.6, 0.9))
        row = {
            "protocol": "p",
            "borrower": str(rng.choice(holders)),
            "collateral_asset": held,
            "collateral": worth / prices[held],
            "debt_asset": owed,
            "debt": worth * threshold * float(rng.uniform(0.5, 1.02)) / prices[owed],
            "threshold": threshold,
            "bonus": float(rng.uniform(0, 0.1)),
            "close_factor": float(rng.choice([0.25, 0.5, 1.0])),
            "full_below": float(rng.choice([0.0, 0.95])),
        }
        if rng.random() < 0.5:  # several collaterals and debts on one account
            account = str(rng.choice(list(named)))
            row |= {"account": account, "borrower": holders[0], "full_below": 0.95}
            row |= dict(zip(("bonus", "close_factor"), named[account], strict=True))
        loans.append(row)
    open_ = dict.fromkeys(ASSETS, 1e-9)
    for row in positions:
        open_[row["instrument"]] += abs(row["size"])
    for row in loans:
        for side in ("collateral", "debt"):
            if row[f"{side}_asset"] != "money":
                open_[row[f"{side}_asset"]] += row[side]
    used = {row["instrument"] for row in positions}
    used |= {row[side] for row in loans for side in ("collateral_asset", "debt_asset")}
    return {
        "prices": {
            name: price for name, price in prices.items() if name in used or name == "money"
        },
        "positions": positions,
        "loans": loans,
        "shock": {
            name: float(rng.uniform(-0.5, 0.2))
            for name in sorted(used - {"money"})
            if rng.random() < 0.8
        },
        "free": {h: float(rng.lognormal(2.5, 1.5)) for h in holders if rng.random() < 0.5},
        "form": str(rng.choice(["none", "linear", "exponential", "root"])),
        # sales of everything that is open move the price by half or so
        "depth": {name: open_[name] * float(10 ** rng.uniform(0.2, 1.5)) for name in ASSETS},
        "oracle": str(rng.choice(["market", "market", "mean", "late", "fixed"])),
        "partial": bool(rng.random() < 0.7),
        "backstop": float(rng.choice([0.0, 0.0, 2 / 3])),
        "capacity": float(rng.choice([np.inf, 20.0])),
        "recovery": float(rng.choice([0.0, 0.0, 0.3])),
    }


def run_kernel(case: dict) -> liquidation.CascadeResult:
    book = liquidation.MarginBook(case["prices"], case["positions"] or None, case["loans"] or None)
    depth = tuple(case["depth"].get(name, 1.0) for name in book.assets)
    more = {"recovery": case["recovery"]}
    impact = {
        "none": lambda: liquidation.NoImpact(**more),
        "linear": lambda: liquidation.Linear(depth, floor=0.02, **more),
        "exponential": lambda: liquidation.Exponential(depth, **more),
        "root": lambda: liquidation.SquareRoot(0.3, depth, floor=0.02, **more),
    }[case["form"]]()
    oracle = {
        "market": liquidation.Market,
        "mean": lambda: liquidation.TimeWeighted(3),
        "late": lambda: liquidation.Stale(3),
        "fixed": lambda: liquidation.HardCoded(
            tuple(case["prices"].get("A", 1.0) if n == "A" else np.nan for n in book.assets)
        ),
    }[case["oracle"]]()
    cascade = liquidation.LiquidationCascade(
        impact,
        oracle,
        partial=case["partial"],
        backstop=case["backstop"],
        vault_capacity=case["capacity"],
        max_rounds=3_000,
    )
    free = {h: amount for h, amount in case["free"].items() if h in book.holders}
    return cascade.run(book, case["shock"], free)


def run_reference(case: dict) -> dict:
    depth = case["depth"]
    impacts = {
        name: {
            "none": lambda name: reference.no_impact,
            "linear": lambda name: reference.linear(depth[name], 0.02),
            "exponential": lambda name: reference.exponential(depth[name]),
            "root": lambda name: reference.square_root(0.3, depth[name], 0.02),
        }[case["form"]](name)
        for name in case["prices"]
        if name != "money"
    }
    oracle = {"market": reference.MARKET, "mean": reference.mean_of(3), "late": reference.late(3)}
    oracles = {name: oracle.get(case["oracle"], reference.MARKET) for name in impacts}
    if case["oracle"] == "fixed" and "A" in impacts:
        oracles["A"] = reference.fixed(case["prices"]["A"])
    return reference.run(
        case["prices"],
        case["positions"],
        case["loans"],
        case["shock"],
        case["free"],
        impacts,
        oracles,
        partial=case["partial"],
        backstop=case["backstop"],
        capacity=case["capacity"],
        recovery=case["recovery"],
        max_rounds=3_000,
    )


def legs_of(want: dict) -> dict:
    found = defaultdict(list)
    for account in want["accounts"]:
        for asset, units, *_ in account.legs:
            found[account.venue, account.holder, account.loan, asset].append(units)
    return {key: sorted(units) for key, units in found.items()}


@pytest.mark.parametrize("block", others_slow(range(10)))
def test_kernel_is_the_plain_reference(block):
    """500 books: 10 blocks of 50, so that a failure names a small part."""
    for seed in range(50 * block, 50 * block + 50):
        case = random_case(seed)
        want, got = run_reference(case), run_kernel(case)
        note, out, book = f"seed {seed}", got.outcome, got.before
        scale = sum(account.scale for account in want["accounts"])
        near = {"rtol": 1e-8, "atol": 1e-9 * scale, "err_msg": note}
        assert got.rounds == want["rounds"], note
        assert_allclose(out.price, [want["prices"][n] for n in book.assets], 1e-9, err_msg=note)
        # accounts by venue and holder: the reference lists positions first, as the book does
        order = sorted(range(len(book)), key=lambda k: int(book.arrays.loan[k]))
        assert order == list(range(len(book))), note
        assert_allclose(out.cash, [a.cash for a in want["accounts"]], **near)
        assert_allclose(out.deficit, [a.deficit for a in want["accounts"]], **near)
        assert_allclose(out.fees, [a.fees for a in want["accounts"]], **near)
        assert_allclose(out.topped, [a.called for a in want["accounts"]], **near)
        assert [bool(v) for v in out.vault] == [a.vault for a in want["accounts"]], note
        free = [want["free"].get(h, 0.0) for h in book.holders]
        assert_allclose(out.free, free, **near)
        assert_allclose([out.market, out.liquidators],
                        [want["buyers"], want["liquidators"]], **near)  # fmt: skip
        mine = defaultdict(list)
        a = book.arrays
        for leg, units in enumerate(out.units):
            n = a.account[leg]
            mine[
                book.venues[a.venue[n]], book.holders[a.holder[n]], a.loan[n],
                book.assets[a.asset[leg]],
            ].append(float(units))  # fmt: skip
        for key, units in legs_of(want).items():
            worth = want["base"][key[-1]]
            assert_allclose(np.sort(mine[key]) * worth, np.array(units) * worth, **near)


def test_the_random_books_reach_everything():
    """The 500 cases above are not all quiet."""
    seen = defaultdict(int)
    for seed in range(0, 500, 5):
        got = run_kernel(random_case(seed))
        out = got.outcome
        seen["deficits"] += bool(out.deficit.any())
        seen["loan deficits"] += bool(out.deficit[got.before.arrays.loan].any())
        seen["calls"] += bool(out.topped.any())
        seen["fees"] += bool(out.fees.any())
        seen["vaults"] += bool(out.vault.any())
        seen["long"] += got.rounds > 5
        seen["moved"] += not np.allclose(out.price, got.prices)
    assert min(seen.values()) >= 8, dict(seen)
