"""Margin from scenario grids and schedules: published examples, option values, hedges, offsets."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

from contagion import margin
from contagion.margin import Instruments
from contagion.venues import deribit

NAN = np.nan
BOOK = Instruments(("put", "linear"), 50_000, strike=45_000, volatility=0.6, days=30)
RNG = np.random.default_rng(3)


def test_short_put_and_the_hedge_that_moves_the_worst_scenario():
    """The project's notes: −4,435 alone; with half a future sold −3,534 at +16 %, volatility up."""
    grid = deribit.scenario_grid(up=0.38, down=0.28, least=0, extended=())
    found = grid.margin(BOOK, [[-1, 0], [-1, -0.5], [0, 1]])
    assert int(found.worst[0]) == 4_435 and int(found.worst[1]) == 3_534
    where = [(grid.price[s], grid.volatility[s]) for s in found.scenario]
    assert where[:2] == [(-0.16, 0.38), (0.16, 0.38)]
    assert found.worst[2] == pytest.approx(0.16 * 50_000)
    assert_allclose(found.margin, found.worst)
    assert found.losses.shape == (3, 27)


@pytest.mark.parametrize("put", [True, False])
def test_option_value_is_the_expected_payoff(put):
    forward, strike, volatility, days = 50_000.0, 45_000.0, 0.6, 30.0
    v = volatility * np.sqrt(days / 365)
    law = stats.lognorm(v, scale=forward * np.exp(-v * v / 2))
    sign, bounds = (-1, (0, strike)) if put else (1, (strike, np.inf))
    paid, _ = integrate.quad(lambda p: sign * (p - strike) * law.pdf(p), *bounds)
    found = margin.option_value(put, forward, strike, volatility, days)
    assert found == pytest.approx(paid, rel=1e-6)


def test_option_limits():
    forward = np.array([0.0, 80.0, 100.0, 130.0])
    for volatility, days in ((0.0, 30), (0.5, 0)):
        call = margin.option_value(False, forward, 100, volatility, days)
        put = margin.option_value(True, forward, 100, volatility, days)
        assert_allclose(call, [0, 0, 0, 30])
        assert_allclose(put, [100, 20, 0, 0])
    live = [margin.option_value(put, forward, 100, 0.5, 90) for put in (False, True)]
    assert_allclose(live[0] - live[1], forward - 100, atol=1e-10)
    assert np.isnan(margin.option_value(True, NAN, 100, 0.5, 90))


def test_far_moves_are_dampened_as_published():
    """Paradex publishes the weights of the same far moves: 24, 48, 32, 16, 8, 5.33, 4, 3.2 %."""
    far = np.array(deribit.scenario_grid().weight[27:])
    assert_allclose(far, [0.24, 0.48, 0.32, 0.16, 0.08, 0.0533, 0.04, 0.032], atol=0.005)
    grid = deribit.scenario_grid()
    calls = Instruments(("call",), 100, strike=200, volatility=0.8, days=10)
    found = grid.margin(calls, [-1])
    assert grid.price[found.scenario] == 5
    rise = calls.values([5.0], 0.5 * 3**0.3) - calls.values([0.0])
    assert found.worst == pytest.approx(0.16 / 5 * float(rise[0, 0]))
    assert deribit.scenario_grid(extended=()).margin(calls, [-1]).worst < 0.5


def test_short_options_move_more_in_volatility():
    grid = margin.ScenarioGrid((0.0,), (0.38,), (1.0,), power=0.3, long_power=0.0)
    for days, shock in ((30, 0.38), (15, 0.38 * 2**0.3), (60, 0.38), (0.5, 0.38 * 30**0.3)):
        book = Instruments(("call",), 100, strike=100, volatility=0.5, days=days)
        expected = margin.option_value(False, 100, 100, 0.5 * (1 + shock), days)
        now = margin.option_value(False, 100, 100, 0.5, days)
        assert grid.margin(book, [-1]).worst == pytest.approx(expected - now)


def test_a_volatility_that_moves_up_reaches_a_least_value():
    """Volatility 20 %, up by half: 30 %, but at least 50 %; of 60 %: 90 %; down is no matter."""
    grid = margin.ScenarioGrid((0.0, 0.0), (0.5, -0.25), (1.0, 1.0), least=0.5)
    for now, up in ((0.2, 0.5), (0.6, 0.9)):
        book = Instruments(("call", "linear"), 100, 100, now, 30)
        high, low, mid = (
            margin.option_value(False, 100, 100, v, 30) for v in (up, 0.75 * now, now)
        )
        found = grid.margin(book, [[-1, 0], [0, -1]])
        assert_allclose(found.losses, [[high - mid, low - mid], [0, 0]], atol=1e-9)


def test_span_array_as_printed():
    """McMillan, Options as a Strategic Investment, p. 670: a future, range 10,000, 2 × at 35 %."""
    grid = margin.span_grid(0.10, 0.2, extreme=2, cover=0.35)
    future = Instruments(("linear",), 100_000.0)
    printed = [0, 0, 3_330, 3_330, -3_330, -3_330, 6_670, 6_670, -6_670, -6_670,
               10_000, 10_000, -10_000, -10_000, 7_000, -7_000]  # fmt: skip
    found = grid.margin(future, [1.0])
    assert_allclose(-found.losses, printed, atol=5)
    assert (np.array(grid.volatility)[:14].reshape(7, 2) == [0.2, -0.2]).all()
    assert found.worst == pytest.approx(10_000) and found.scenario == 12
    assert margin.span_grid(0.1, 0.2).margin(future, [1.0]).losses[-1] == pytest.approx(9_900)


def test_contingencies():
    """Deribit's own examples: net short 10 at a strike × 0.01; 100 against 100 futures × 1 %."""
    grid = deribit.scenario_grid(short_option=0.01, offset=0.01)
    book = Instruments(("call", "put", "put", "linear", "linear"), 1.0, (5, 5, 4, 5, 5), 0.5, 30)
    found = grid.margin(book, [[10, -20, 3, 0, 0], [0, 0, 0, 100, -100], [1, 0, 0, 0, 5]])
    assert_allclose(found.contingency, [0.1, 1.0, 0], atol=1e-12)
    assert_allclose(found.margin, found.worst + found.contingency)
    assert found.worst[1] == pytest.approx(0)


def test_portfolios_are_one_product():
    """Losses add over positions; the margin of the sum is at most the sum of margins."""
    book = Instruments(
        ("put", "call", "linear"), (50e3, 51e3, 50e3), (45e3, 60e3, NAN), (0.6, 0.7, NAN), 5
    )
    grid = deribit.scenario_grid()
    a, b = RNG.normal(size=(2, 200, 3))
    both, one, two = (grid.margin(book, size) for size in (a + b, a, b))
    assert_allclose(both.losses, one.losses + two.losses, atol=1e-6)
    assert (both.worst <= one.worst + two.worst + 1e-6).all()
    assert_allclose(grid.margin(book, 3 * a).margin, 3 * one.margin)
    alone = grid.margin(book, a[7])
    assert isinstance(alone.margin, float) and alone.margin == pytest.approx(one.margin[7])
    assert grid.margin(book, np.zeros(3)).margin == 0


def test_records_compare_equal():
    assert deribit.scenario_grid() == deribit.scenario_grid()
    assert hash(BOOK) == hash(Instruments(("put", "linear"), 50_000, 45_000, 0.6, 30))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: deribit.scenario_grid().margin(BOOK, [1, NAN]), "size has nan"),
        (lambda: deribit.scenario_grid().margin(BOOK, [1, 2, 3]), "size must have 2 entries"),
        (lambda: Instruments(("swap",), 1), "kind must be linear, call or put"),
        (lambda: Instruments((), 1), "kind must be"),
        (lambda: Instruments(("call",), 1), "strike has nan"),
        (lambda: Instruments(("call",), 1, 1, -0.5, 3), "volatility must be"),
        (lambda: Instruments(("linear", "linear"), (1, 2, 3)), "price must be one number or 2"),
        (lambda: Instruments(("linear",), NAN), "price has nan"),
        (lambda: Instruments(("linear",), 0), "price must be"),
        (lambda: margin.ScenarioGrid((0, 1), (0,), (1, 1)), "one number for each scenario"),
        (lambda: margin.ScenarioGrid((0,), (0,), (0,)), "weight must be"),
        (lambda: margin.ScenarioGrid((-1.5,), (0,), (1,)), "price must be"),
        (lambda: deribit.scenario_grid(1.2), "price_range must be"),
        (lambda: deribit.scenario_grid(extended=(0.1,)), "beyond the range"),
        (lambda: margin.span_grid(0.5, 0.2), "price must be"),
        (lambda: margin.span_grid(0.1, 0.2, cover=1.5), "cover must be"),
    ],
)
def test_impossible_grids_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Schedules and offsets

BTC = margin.TieredSchedule(
    (0, 50e3, 250e3, 1e6, 10e6, 20e6, 50e6, 100e6, 200e6, 300e6),
    (0.004, 0.005, 0.01, 0.025, 0.05, 0.10, 0.125, 0.15, 0.25, 0.50),
    (125, 100, 50, 20, 10, 5, 4, 3, 2, 1),
    limit=500e6,
)


def test_maintenance_amounts_are_those_published():
    """BTCUSDT of Binance, March 2021, as transcribed in gist highfestiva/b71e76f."""
    assert BTC.amounts == (
        0, 50, 1_300, 16_300, 266_300, 1_266_300, 2_516_300, 5_016_300, 25_016_300, 100_016_300,
    )  # fmt: skip


def test_maintenance_is_continuous_and_rises_with_the_rate():
    border = np.array(BTC.borders[1:])
    assert_allclose(BTC.maintenance(border), BTC.maintenance(border * (1 + 1e-12)), rtol=1e-9)
    size = np.linspace(0, 500e6, 50_001)
    step = np.diff(BTC.maintenance(size)) / 1e4
    assert (step >= 0.004 - 1e-9).all() and (step <= 0.5 + 1e-9).all()
    assert (np.diff(step) >= -1e-9).all()
    # Against the plain sum over tiers.
    ends = np.array([*BTC.borders[1:], BTC.limit])
    part = np.clip(size[:, None], BTC.borders, ends) - BTC.borders
    assert_allclose(BTC.maintenance(size), part @ np.array(BTC.rates), atol=1e-6)
    assert_allclose(BTC.maintenance(-size), BTC.maintenance(size))


def test_initial_margin_and_leverage():
    assert BTC.max_leverage([50e3, 50e3 + 1, 500e6]).tolist() == [125, 100, 1]
    assert BTC.initial([50e3, 50_001, 1e6], 200).tolist() == [400, 500.01, 20_000]
    assert BTC.initial(50e3, 10) == 5_000
    assert BTC.max_notional([125, 100, 101, 1, 130]).tolist() == [50e3, 250e3, 50e3, 500e6, 0]
    size = np.geomspace(1, 500e6, 999)
    assert (BTC.initial(size) >= BTC.maintenance(size)).all()


def test_offsets():
    one = [[1.0, 0.0], [0.0, 1.0]]
    assert margin.offset_margin([30, -40], one, recognised=1) == pytest.approx(50)
    assert margin.offset_margin([30, -40], one, recognised=0) == pytest.approx(70)
    assert margin.offset_margin([30, -40], one) == pytest.approx(70 - 0.8 * 20)
    same = np.ones((2, 2))
    found = margin.offset_margin([[100, -100], [100, 100]], same, recognised=1)
    assert_allclose(found, [0, 200], atol=1e-6)
    random = RNG.normal(size=(500, 4))
    known = np.corrcoef(RNG.normal(size=(4, 30)))
    gross = np.abs(random).sum(-1)
    assert (margin.offset_margin(random, known, recognised=1) <= gross + 1e-12).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: margin.TieredSchedule((0, 1), (0.01,), (10, 5)), "one number for each tier"),
        (lambda: margin.TieredSchedule((1, 2), (0.1, 0.2), (5, 4)), "borders must start at 0"),
        (lambda: margin.TieredSchedule((0, 2), (0.2, 0.1), (5, 4)), "rates must be"),
        (lambda: margin.TieredSchedule((0, 2), (0.1, 0.1), (5, 6)), "leverages must be"),
        (lambda: margin.TieredSchedule((0,), (0.1,), (20,)), "at least the maintenance rate"),
        (lambda: BTC.maintenance(np.nan), "notional has nan"),
        (lambda: BTC.initial(600e6), "above the limit of 500,000,000"),
        (lambda: BTC.initial(1, 0.5), "leverage must be"),
        (lambda: margin.offset_margin([1, 2], [[1, 0.5]]), "correlation must be square"),
        (lambda: margin.offset_margin([1, 2], [[1, 0.5], [0.2, 1]]), "symmetric"),
        (lambda: margin.offset_margin([1, 2], [[1, 2], [2, 1]]), "negative eigenvalue"),
        (lambda: margin.offset_margin([1, np.nan], np.eye(2)), "margin has nan"),
    ],
)
def test_impossible_schedules_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# -- conventions as switches ------------------------------------------------------------------


def test_progressive_initial_margin_is_the_sum_over_the_tiers():
    """Continuous at the borders, never above the flat one, and the same below the first."""
    flat = margin.TieredSchedule((0, 50e3, 250e3), (0.004, 0.005, 0.01), (125, 100, 50))
    parts = margin.TieredSchedule(flat.borders, flat.rates, flat.leverages, progressive=True)
    size = np.array([10e3, 50e3, 50e3 + 1e-6, 250e3, 250e3 + 1e-6, 1e6])
    for leverage in (None, 80, 20):
        most = np.minimum(np.array(flat.leverages), leverage or np.inf)
        plain = [
            sum(
                max(0.0, min(n, end) - start) / lever
                for start, end, lever in zip(flat.borders, (50e3, 250e3, np.inf), most, strict=True)
            )
            for n in size
        ]
        assert_allclose(parts.initial(size, leverage), plain, rtol=1e-12)
        assert (parts.initial(size, leverage) <= flat.initial(size, leverage) * (1 + 1e-12)).all()
    assert parts.initial(50e3 + 1e-6) == pytest.approx(parts.initial(50e3), abs=1e-6)
    assert flat.initial(50e3 + 1e-6) > flat.initial(50e3) + 50
    assert_allclose(parts.maintenance(size), flat.maintenance(size))
    assert parts.initial([300e3, 100e3], [[100], [10]]).shape == (2, 2)


def test_arrays_computed_elsewhere_give_the_margin_of_the_grid():
    grid = deribit.scenario_grid(short_option=0.01, offset=0.01)
    size = RNG.normal(size=(7, 2))
    found = grid.margin(BOOK, size)
    each = -np.stack([grid.margin(BOOK, unit).losses for unit in np.eye(2)], axis=-1)
    again = margin.array_margin(each, size, contingency=found.contingency)
    assert_allclose(again.losses, found.losses, atol=1e-9)
    assert_allclose(again.margin, found.margin)
    halved = margin.array_margin(each, size, weight=0.5)
    assert_allclose(halved.worst, 0.5 * again.worst)
    with pytest.raises(ValueError, match="scenarios, instruments"):
        margin.array_margin(each, [1, 2, 3])
