"""Two thousand random systems: identities of the cascade that need no closed form."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
from cascades import balanced, ladder
from conftest import others_slow
from numpy.testing import assert_allclose, assert_array_equal
from test_cascade_reference import random_case, run_kernel

from contagion import liquidation
from contagion.liquidation import LiquidationCascade, MarginBook

# -- 2,000 random systems -----------------------------------------------------------------------


@pytest.mark.parametrize("block", others_slow(range(40)))
def test_fuzz(block):
    """It ends, conserves, has no nan, changes no input, and does not depend on the order of rows,
    the money unit, or what else is in the batch."""
    for seed in range(1_000 + 50 * block, 1_050 + 50 * block):
        case = random_case(seed)
        kept = copy.deepcopy(case)
        done = run_kernel(case)  # raises when it does not end
        note = f"seed {seed}"
        assert case == kept, note
        balanced(done)
        out, book = done.outcome, done.before
        for values in (out.units, out.cash, out.free, out.price, out.deficit, out.fees, out.topped):
            assert np.isfinite(values).all(), note
        for values in (out.price, out.free, out.deficit, out.fees, out.topped):
            assert (values >= 0).all(), note
        start = book.arrays.units
        assert (np.abs(out.units) <= np.abs(start) * (1 + 1e-12)).all(), note
        assert (out.units * start >= 0).all(), note
        scale = float(np.abs(done.prices[book.arrays.asset] * start).sum()) + 1e-9
        kind = seed % 4
        if kind == 0:  # again
            again = run_kernel(case).outcome
            for a, b in zip(state(out), state(again), strict=True):
                assert_array_equal(a, b, err_msg=note)
        elif kind == 1:  # rows in another order
            other = case | {
                "positions": case["positions"][::-1],
                "loans": case["loans"][::-1],
            }
            mixed = run_kernel(other)
            for name in ("deficits", "fees", "holder_losses", "latent", "vaults"):
                mine, theirs = getattr(done, name), getattr(mixed, name)
                assert_allclose(theirs[mine.index], mine, atol=1e-7 * scale, err_msg=note)
            assert mixed.rounds == done.rounds, note
        elif kind == 2:  # money in thousandths: units in money
            small = run_kernel(in_unit(case, 1e-3))
            assert small.rounds == done.rounds, note
            assert_allclose(small.outcome.units[~is_money(book)], out.units[~is_money(book)],
                            rtol=1e-6, atol=1e-9 * np.abs(start).max(), err_msg=note)  # fmt: skip
            assert_allclose(1e3 * small.outcome.deficit, out.deficit, atol=1e-7 * scale)
        else:  # in a batch with others
            others = np.stack([book.price, done.prices, done.prices * 0.5 + 0.5 * book.price])
            cascade = done.cascade
            batch = cascade.solve(book, others, np.broadcast_to(done.free, (3, len(done.free))))
            assert batch.rounds[1] == done.rounds, note
            for a, b in zip(state(out), state(batch), strict=True):
                assert_allclose(b[1], a, rtol=1e-12, atol=1e-12 * scale, err_msg=note)


def state(out) -> list[np.ndarray]:
    return [out.units, out.cash, out.free, out.price, out.deficit, out.fees, out.topped, out.vault]


def is_money(book: MarginBook) -> np.ndarray:
    return np.array(book.assets)[book.arrays.asset] == "money"


def in_unit(case: dict, unit: float) -> dict:
    """The same case with every amount of money in another unit."""
    return case | {
        "prices": {n: 1.0 if n == "money" else p * unit for n, p in case["prices"].items()},
        "positions": [
            row | {"entry_price": row["entry_price"] * unit, "margin": row["margin"] * unit}
            for row in case["positions"]
        ],
        "loans": [
            row | {"debt": row["debt"] * (unit if row["debt_asset"] == "money" else 1.0)}
            for row in case["loans"]
        ],
        "free": {h: amount * unit for h, amount in case["free"].items()},
        "capacity": case["capacity"] * unit,
    }


def test_batch_shapes_and_chunks(monkeypatch):
    book = ladder(6)
    prices = book.price * np.linspace(0.7, 1.0, 12).reshape(4, 3, 1)
    free = np.linspace(0, 50, 12).reshape(4, 3, 1) * np.ones(6)
    cascade = LiquidationCascade(liquidation.Linear(100), breakers=(liquidation.Halt(0.2, 2),))
    whole = cascade.solve(book, prices, free)
    assert whole.units.shape == (12, 6)
    monkeypatch.setattr("contagion.liquidation.cascade_solver.CHUNK", 12)
    parts = cascade.solve(book, prices, free)
    for a, b in zip(state(whole), state(parts), strict=True):
        assert_array_equal(a, b)
    for k in range(12):
        single = cascade.solve(book, prices.reshape(12, 1)[k], free.reshape(12, 6)[k])
        for a, b in zip(state(single), state(whole), strict=True):
            assert_array_equal(a, b[k])


def test_inputs_are_not_written_to():
    rows = pd.DataFrame(
        [{"venue": "v", "holder": "h", "instrument": "X", "size": 1e19, "decimals": 18}]
    )
    before = rows.copy(deep=True)
    book = MarginBook({"X": 100.0}, rows)
    arrays = copy.deepcopy(book.arrays)
    prices, free = np.array([80.0]), np.array([10.0])
    LiquidationCascade(liquidation.Linear(100)).solve(book, prices, free)
    pd.testing.assert_frame_equal(rows, before)
    assert prices.tolist() == [80] and free.tolist() == [10]
    assert_array_equal(book.arrays.units, arrays.units)
    assert_array_equal(book.arrays.cash, arrays.cash)


def test_what_has_settled_stays_as_it_is():
    """A fall of 0.9 % is within a tolerance of 1 %, so that the first scenario ends at once. Its
    oracle, a mean of 50 rounds, would break the long later on; alone and next to a second scenario
    that goes on for longer than that, it ends the same."""
    rows = [{"venue": "v", "holder": "l", "instrument": "X", "size": 10, "margin": 58}]
    book = MarginBook({"X": 100.0}, rows, maintenance=0.05)
    for recovery in (0.0, 0.05):
        cascade = LiquidationCascade(
            liquidation.Linear(1_000, recovery=recovery),
            liquidation.TimeWeighted(50),
            breakers=(liquidation.Halt(0.2, 60),),
            tolerance=0.01,
        )
        prices = np.array([[99.1], [75.0]])
        batch = cascade.solve(book, prices)
        assert batch.rounds[0] == 1 and batch.rounds[1] > 60
        for k, price in enumerate(prices):
            for a, b in zip(state(cascade.solve(book, price)), state(batch), strict=True):
                assert_array_equal(a, b[k])
