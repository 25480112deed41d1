"""One market state along a path of prices: steps, breakers, deadlines, and going on from a book."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cascades import balanced, loan, longs
from numpy.testing import assert_allclose
from test_cascade_reference import random_case, run_kernel

from contagion import liquidation
from contagion.errors import MarginError
from contagion.liquidation import LiquidationCascade, MarginBook


def path(*prices: float) -> pd.DataFrame:
    return pd.DataFrame({"X": prices}, index=range(1, len(prices) + 1))


def crowd(n: int = 2_000, seed: int = 5) -> MarginBook:
    """Longs of BTC with a leverage of 3 to 20."""
    rng = np.random.default_rng(seed)
    size = rng.lognormal(0, 1, n)
    table = pd.DataFrame({"venue": "v", "holder": np.arange(n).astype(str), "instrument": "BTC"})
    table["size"], table["margin"] = size, size * 100 / rng.uniform(3, 19, n)
    return MarginBook({"BTC": 100.0}, table, maintenance=0.05)


def test_a_path_leaves_margins_their_time():
    """Long 10 at 100, margin 100, 5 %. In one jump to 88: −20. At 94 equity 40 < 47: 10 × 7/47 =
    1.4894 are closed; at 88: 40 − 8.5106 × 6 = −11.0638. Closed whole at 94: 40 are left."""
    book = longs((10, 100), maintenance=0.05)
    assert LiquidationCascade().run(book, path=path(88)).deficits["v"] == pytest.approx(20)
    done = LiquidationCascade().run(book, path=path(94, 88))
    assert done.deficits["v"] == pytest.approx(10 * 40 / 47 * 6 - 40)
    whole = LiquidationCascade(partial=False).run(book, path=path(94, 88))
    assert whole.deficits["v"] == 0 and whole.table["equity_after"][0] == pytest.approx(40)
    balanced(done)


def test_a_gradual_fall_leaves_less_and_refining_converges():
    """BTC −25 %, 2,000 accounts with impact: most of the deficit of one jump is gone in 25 steps,
    and the path settles as it is refined."""
    book = crowd()
    depth = 20 * book.arrays.units.sum()
    cascade = LiquidationCascade(liquidation.Exponential(depth))
    found = {}
    for steps in (1, 25, 200, 400, 800):
        fall = np.linspace(0, -0.25, steps + 1)[1:]
        done = cascade.run(book, path=pd.DataFrame({"BTC": 100 * (1 + fall)}))
        balanced(done)
        found[steps] = float(done.deficits["v"])
    assert found[25] < 0.05 * found[1]
    assert abs(found[800] - found[400]) <= 0.6 * abs(found[400] - found[200]) + 1e-9 * found[1]


def test_one_step_without_impact_is_the_static_result():
    book = crowd()
    jump = LiquidationCascade().run(book, {"BTC": -0.25})
    one = LiquidationCascade().run(book, path=pd.DataFrame({"BTC": [75.0]}))
    static = book.at({"BTC": 75.0}).accounts["equity"]
    assert_allclose(one.outcome.deficit, np.maximum(-static, 0), atol=1e-9)
    assert_allclose(one.outcome.deficit, jump.outcome.deficit)
    assert one.rounds == jump.rounds == 2


def test_a_halt_avoids_nothing_in_a_jump_and_something_on_a_path():
    """94, 90, 96: at 90 the price has fallen by 10 %: halted, and at 96 nobody is below 5 %."""
    book = longs((10, 100), maintenance=0.05)
    halted = LiquidationCascade(breakers=(liquidation.Halt(0.05, 2),))
    for cascade in (LiquidationCascade(), halted):
        assert cascade.run(book, {"X": -0.12}).deficits["v"] == pytest.approx(20)
    plain, stopped = (c.run(book, path=path(94, 90, 96)) for c in (LiquidationCascade(), halted))
    assert stopped.table["liquidated"][0] == 0 < plain.table["liquidated"][0]
    assert stopped.table["equity_after"][0] == pytest.approx(60)


def test_throttle_delay_and_add_on_act_on_a_path():
    book = longs((10, 100), maintenance=0.05)

    def left(cascade, of=book):
        return float(cascade.run(of, path=path(94, 88)).deficits["v"])

    plain = left(LiquidationCascade())
    # one unit at 94: 9 × 6 − 40; a price that is told late: as in one jump
    assert left(LiquidationCascade(breakers=(liquidation.Throttle(1.0),))) == pytest.approx(14)
    assert left(LiquidationCascade(oracle=liquidation.Stale(1))) > plain
    # maintenance of 10 %: 54 of 94 parts are closed at 94, and nothing is missing at 88
    more = liquidation.MarginAddOn(multiple=1.0).apply(book, volatility={"X": 0.1}).book
    assert left(LiquidationCascade(), more) == 0 < plain


def test_a_call_has_a_deadline():
    """Two rounds to pay: at 94 and 93 nothing is closed, at 98 the call is over; at 90 a third
    round below maintenance would close it."""
    book = longs((10, 100), maintenance=0.05)
    waits = LiquidationCascade(deadline=2)
    assert waits.run(book, path=path(94, 93, 98)).table["liquidated"][0] == 0
    late = waits.run(book, path=path(94, 93, 90, 98))
    assert late.history.query("liquidated > 0")["date"].tolist() == [3]
    paid = waits.run(book, {"X": -0.06}, {"a": 7.0})
    assert paid.outcome.topped[0] == pytest.approx(7) and paid.table["liquidated"][0] == 0
    assert waits.run(book, {"X": -0.06}).rounds == 4  # two wait, one closes, one is quiet


def test_a_fund_takes_fees_and_pays_deficits():
    """8.8 of fees go in, 20 come out of 15 + 8.8."""
    book = longs((10, 200), (10, 100), fee=0.01)
    done = LiquidationCascade(partial=False, fund=15.0).run(book, {"X": -0.12})
    assert done.funds["v"] == pytest.approx(15 + 8.8 - 20) and done.uncovered["v"] == 0
    short = LiquidationCascade(partial=False, fund={"v": 5.0}).run(book, {"X": -0.12})
    assert short.funds["v"] == 0 and short.uncovered["v"] == pytest.approx(20 - 5 - 8.8)


def test_the_book_and_the_state_go_on():
    """94 and then 88 is the path 94, 88, from the book at 94 and from the state there."""
    book, cascade = longs((10, 100), maintenance=0.05), LiquidationCascade()
    first = cascade.run(book, {"X": -0.06})
    then = cascade.run(first.book, {"X": 88 / 94 - 1})
    whole = cascade.run(book, path=path(94, 88))
    assert then.deficits["v"] == pytest.approx(whole.deficits["v"])
    assert first.book.accounts["equity"][0] == pytest.approx(40)
    more = cascade.solve(book, np.array([[88.0]]), state=first.state)
    assert_allclose(more.deficit[0], whole.outcome.deficit)
    owed = LiquidationCascade(minimum_profit=-np.inf).run(
        loan(100, 90, threshold=0.85), {"C": -0.02}, {"b": 1.0}
    )
    assert_allclose(owed.book.accounts["equity"], owed.table["equity_after"])


def test_a_step_changes_nothing_that_it_is_given():
    book, cascade = longs((10, 100), (10, 200)), LiquidationCascade(liquidation.Linear(100))
    state = cascade.start(book, 2)
    cash = state.cash.copy()
    after = cascade.step(book, state, np.array([[90.0], [80.0]]))
    assert (state.units == 10).all() and (state.cash == cash).all() and not state.rounds.any()
    assert (after.units[1] <= after.units[0]).all() and after.rounds.tolist() == [1, 1]


@pytest.mark.parametrize("rounds", [1, 2, None])
def test_a_batch_of_paths_is_each_path(rounds):
    book, rng = crowd(60), np.random.default_rng(0)
    prices = 100 * np.exp(np.cumsum(rng.normal(-0.01, 0.04, (7, 12, 1)), axis=1))
    cascade = LiquidationCascade(
        liquidation.Linear(2_000, recovery=0.1), liquidation.TimeWeighted(2), deadline=1,
        breakers=(liquidation.Halt(0.1, 2), liquidation.Throttle(40.0)), fund=20.0,
    )  # fmt: skip
    given = prices.copy()
    batch = cascade.solve(book, prices, path=True, rounds=rounds)
    assert (given == prices).all()
    for k, one in enumerate(prices):
        alone = cascade.solve(book, one, path=True, rounds=rounds)
        for name in ("units", "cash", "deficit", "price", "fund", "uncovered", "rounds"):
            assert_allclose(getattr(batch, name)[k], getattr(alone, name), rtol=1e-12, atol=1e-9)


def test_errors_of_paths():
    book, run = longs((10, 100)), LiquidationCascade().run
    for given, message in (
        ({}, "Give either"),
        ({"shock": {"X": -0.1}, "path": path(90)}, "Give either"),
        ({"path": path(90).loc[[]]}, "one row per date"),
        ({"path": path(90, 80).iloc[::-1]}, "not in order"),
        ({"path": path(90, np.nan)}, "price of 'X' at 2"),
        ({"path": pd.DataFrame({"Y": [1.0]})}, "asset of the book"),
        ({"path": path(90, 80), "rounds": 0}, "rounds=0"),
        ({"path": path(90, 80), "rounds": [1]}, "one for each date"),
    ):
        with pytest.raises((MarginError, KeyError), match=message):
            run(book, **given)
    with pytest.raises(MarginError, match=r"deadline=0\.5"):
        LiquidationCascade(deadline=0.5)


def test_conserved_at_every_step():
    """Random books of positions and loans: after every round of a path the ledger balances."""
    for seed in range(30):
        done = run_kernel(random_case(seed))
        book, cascade, rng = done.before, done.cascade, np.random.default_rng(seed)
        state = cascade.start(book, 3, done.free)
        for _ in range(6):
            moves = np.exp(rng.normal(-0.05, 0.1, state.fundamental.shape))
            fixed = np.array(book.assets) == "money"
            state = cascade.step(book, state, np.where(fixed, 1.0, state.fundamental * moves))
            assert_allclose(*sides(book, state), rtol=1e-9, err_msg=f"seed {seed}")


def sides(book: MarginBook, state, start=None) -> tuple[np.ndarray, np.ndarray]:
    """Everything that came in, and everything that is there, of each scenario."""
    a = book.arrays
    if start is None:
        start = a.cash.sum() + (a.units * book.price[a.asset]).sum()
    worth = state.cash.sum(axis=1) + (state.units * state.fundamental[:, a.asset]).sum(axis=1)
    there = worth - state.deficit.sum(axis=1) + state.fees.sum(axis=1)
    came = start + state.marked.sum(axis=1) + state.topped.sum(axis=1)
    gross = np.abs(state.cash).sum(axis=1) + 1.0
    return (came + gross, there + state.market + state.liquidators + gross)
