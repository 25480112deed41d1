"""Oracles: what is reported for a path of market prices, and what is remembered on the way."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from contagion import venues
from contagion.liquidation import CappedGrowth, HardCoded, Market, Oracle, Stale, TimeWeighted

INF, NAN = np.inf, np.nan
ORACLES = {
    "market": Market(),
    "twap": TimeWeighted(window=3),
    "twap, geometric": TimeWeighted(window=4, mean="geometric"),
    "stale": Stale(delay=2),
    "stopped": Stale(delay=INF),
    "capped": CappedGrowth(growth=0.01),
    "capped, slow": CappedGrowth(growth=0.01, fall=0.05),
    "fixed": HardCoded(price=0.7),
}
every = pytest.mark.parametrize("oracle", ORACLES.values(), ids=ORACLES.keys())


def told(oracle: Oracle, first, path) -> list:
    """The reports for a path of prices, one a round."""
    memory, reports = oracle.start(first), []
    for price in path:
        report, memory = oracle.report(price, memory)
        reports.append(report)
    return reports


@every
def test_a_price_that_stands_still_is_reported(oracle):
    fixed = isinstance(oracle, HardCoded)
    for price in (0.1, 1 / 3, 97.3, 1e-9, 6e7):
        assert told(oracle, price, [price] * 9) == [0.7 if fixed else price] * 9


@every
def test_every_oracle_arrives_in_the_end(oracle):
    """A lasting fall is seen after the memory is over, if ever."""
    last = told(oracle, 1.0, [0.8] * 12)[-1]
    never = isinstance(oracle, HardCoded) or oracle == Stale(INF)
    assert last == ((0.7 if isinstance(oracle, HardCoded) else 1.0) if never else 0.8)


@every
def test_scenarios_and_assets_are_apart(oracle):
    rng = np.random.default_rng(2)
    first = rng.uniform(1, 100, 3)
    path = rng.uniform(1, 100, (7, 5, 3))
    many = np.stack(told(oracle, first, path))
    assert many.shape == path.shape
    for s, a in np.ndindex(5, 3):
        one = told(oracle, first[a], path[:, s, a])
        assert all(isinstance(report, float) for report in one)
        assert_allclose(many[:, s, a], one, rtol=1e-14)
    # A first price for each scenario is the same as one for all.
    spread = np.stack(told(oracle, np.broadcast_to(first, (5, 3)), path))
    assert_array_equal(spread, many)


@every
def test_a_report_changes_no_memory(oracle):
    memory = oracle.start([10.0, 20.0])
    for _ in range(3):
        once, later = oracle.report([9.0, 21.0], memory)
        oracle.report([1.0, 1.0], memory)
        again, _ = oracle.report([9.0, 21.0], memory)
        assert_array_equal(once, again)
        memory = later


@every
def test_money_has_no_unit(oracle):
    path = np.random.default_rng(4).uniform(1, 100, 9)
    if not isinstance(oracle, HardCoded):
        large = told(oracle, 50_000, 1_000 * path)
        assert_allclose(large, 1_000 * np.array(told(oracle, 50, path)), rtol=1e-13)


def test_market_reports_the_market():
    assert told(Market(), 3, [5, 0, 2]) == [5, 0, 2]


def test_time_weighted_means():
    path = [8.0, 2, 4, 16]
    assert_allclose(told(TimeWeighted(3), 1, path), [10 / 3, 11 / 3, 14 / 3, 22 / 3], rtol=1e-15)
    geometric = told(TimeWeighted(3, "geometric"), 1, path)
    assert_allclose(geometric, np.array([8, 16, 64, 128]) ** (1 / 3), rtol=1e-15)
    assert told(TimeWeighted(1), 1, path) == told(TimeWeighted(1, "geometric"), 1, path) == path
    # A price of zero counts in the sum; as a factor it takes the product with it.
    assert told(TimeWeighted(2), 8, [0, 8, 8]) == [4, 4, 8]
    assert told(TimeWeighted(2, "geometric"), 8, [0, 8, 8]) == [0, 0, 8]
    assert_array_equal(told(TimeWeighted(2), 8, [NAN, 6, 6]), [NAN, NAN, 6])


def test_time_weighted_geometric_is_never_above():
    path = np.random.default_rng(9).uniform(1, 100, (20, 4))
    arithmetic = np.stack(told(TimeWeighted(5), path[0], path))
    geometric = np.stack(told(TimeWeighted(5, "geometric"), path[0], path))
    assert (geometric[1:] < arithmetic[1:]).all()
    for t in range(4, 20):
        assert_allclose(arithmetic[t], path[t - 4 : t + 1].mean(0))
        assert_allclose(geometric[t], path[t - 4 : t + 1].prod(0) ** 0.2)


def test_stale_prices():
    path = [9.0, 8, 7, 6, 5]
    assert told(Stale(0), 10, path) == path
    assert told(Stale(1), 10, path) == [10, 9, 8, 7, 6]
    assert told(Stale(3), 10, path) == [10, 10, 10, 9, 8]
    assert told(Stale(INF), 10, path) == [10] * 5


def test_capped_growth_is_a_line_from_the_snapshot():
    oracle = CappedGrowth(growth=0.1)
    assert_allclose(told(oracle, 100, [200, 200, 200]), [110, 120, 130])
    # The cap does not follow the report: after a fall it is where it would have been.
    assert_allclose(told(oracle, 100, [50, 50, 200]), [50, 50, 130])
    # A fall from above the cap is seen only below it.
    assert_allclose(told(oracle, 100, [200, 150, 125]), [110, 120, 125])
    assert_allclose(told(CappedGrowth(0), 100, [101, 99]), [100, 99])
    low = CappedGrowth(growth=0.1, snapshot=90)
    assert_allclose(told(low, 100, [100, 100, 100]), [99, 100, 100])
    assert_allclose(told(CappedGrowth([0, 0.1]), [100, 100], [[200, 200]]), [[100, 110]])


def test_marking_down_can_be_slow():
    slow = CappedGrowth(growth=0, fall=0.1)
    assert_allclose(told(slow, 100, [0, 0, 85, 85]), [90, 81, 85, 85])
    assert told(CappedGrowth(growth=0.1, fall=0), 100, [50, 10, 500]) == [100, 100, 130]
    assert told(CappedGrowth(growth=0.1, fall=1), 100, [50, 10, 0]) == [50, 10, 0]
    # A snapshot below the price is reported in the first round, however slow.
    assert_allclose(told(CappedGrowth(0, fall=0.1, snapshot=60), 100, [100, 20]), [60, 54])


def test_hard_coded_prices():
    assert told(HardCoded(), 1, [1, 0.25, 0]) == [1, 1, 1]
    mixed = HardCoded([1.0, NAN, 2.0])
    assert_array_equal(told(mixed, [1, 1, 1], [[0.2, 0.3, 0.4]]), [[1, 0.3, 2]])
    assert_array_equal(told(HardCoded(), 1, [[0.5, 0.4]]), [[1, 1]])


def test_latent_bad_debt():
    """A loan of 0.9 on one token that is worth 0.25: sound at par, 0.65 short at the market."""
    reported = told(HardCoded(), 1, [0.25])[0]
    at_par = venues.morpho.liquidation(reported, 0.9, lltv=0.915)
    assert (at_par.repaid, at_par.bad_debt) == (0, 0)
    at_market = venues.morpho.liquidation(0.25, 0.9, lltv=0.915)
    assert at_market.bad_debt == pytest.approx(0.9 - 0.25 / venues.morpho.incentive(0.915))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: TimeWeighted(0), "window must be .*at least 1"),
        (lambda: TimeWeighted(1.5), "window must be a whole number"),
        (lambda: TimeWeighted(NAN), "window must be a whole number"),
        (lambda: TimeWeighted(2, "harmonic"), "'arithmetic' or 'geometric'"),
        (lambda: Stale(-1), "delay"),
        (lambda: Stale(0.5), "delay must be a whole number"),
        (lambda: CappedGrowth(-0.1), "growth"),
        (lambda: CappedGrowth(0.1, fall=1.5), "fall"),
        (lambda: CappedGrowth(0.1, snapshot=0), "snapshot"),
        (lambda: CappedGrowth(NAN), "growth must be known"),
        (lambda: HardCoded(-1), "price"),
    ],
)
def test_impossible_input_is_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()


@every
def test_impossible_prices_are_refused(oracle):
    with pytest.raises(ValueError, match=r"price must be .*at position 1 \(1 of 2 values\)"):
        oracle.start([1, -1])
    with pytest.raises(ValueError, match=r"market must be finite"):
        oracle.report([1, INF], oracle.start([1, 1]))


def test_oracles_compare_and_are_keys():
    assert CappedGrowth([0.1, 0.2]) == CappedGrowth(np.array([0.1, 0.2])) != CappedGrowth(0.1)
    assert HardCoded([1, NAN]) == HardCoded([1, NAN]) != HardCoded([1, 2])
    assert TimeWeighted(2) == TimeWeighted(2.0) != TimeWeighted(2, "geometric")
    assert len({*ORACLES.values(), Stale(2), HardCoded(0.7)}) == len(ORACLES)
