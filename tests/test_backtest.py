"""Backtests of margin: published numbers, exact probabilities by enumeration, size in simulation.

Sizes are tested on 4,000 series; the tolerance is three standard deviations of a binomial share.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from contagion import margin, statistics

SERIES = 4_000


def close_to(share: float, aim: float) -> None:
    assert abs(share - aim) <= 3 * np.sqrt(aim * (1 - aim) / SERIES), share


@pytest.mark.parametrize(
    ("count", "n", "level", "statistic", "p_value"),
    [
        (57, 1_043, 0.95, 0.46147, 0.49694),
        (17, 1_043, 0.99, 3.5118, 0.060933),
        (3, 250, 0.95, 10.812, 0.0010083),
        (3, 250, 0.99, 0.09494, 0.75799),
    ],
)
def test_kupiec_numbers_of_mathworks(count, n, level, statistic, p_value):
    """varbacktest.pof and proportionOfFailuresTest, examples in the documentation."""
    found = margin.kupiec_test(count, n, level)
    assert_allclose([found.statistic, found.p_value], [statistic, p_value], rtol=6e-5)


@pytest.mark.parametrize(
    ("n", "level", "low", "high"),
    [(255, 0.99, 0, 7), (510, 0.99, 1, 11), (1_000, 0.99, 4, 17),
     (255, 0.95, 6, 21), (510, 0.95, 16, 36), (1_000, 0.95, 37, 65)],
)  # fmt: skip
def test_kupiec_regions(n, level, low, high):
    """low < x < high is not rejected at 5 %: Kupiec's table in Jorion, Value at Risk (recalled).

    The table prints N < 7 for 255 days at 0.99; a count of 0 has 5.13 and is rejected too.
    """
    kept = np.flatnonzero(margin.kupiec_test(np.arange(n + 1), n, level).p_value > 0.05)
    assert (kept[0] - 1, kept[-1] + 1) == (low, high)


@pytest.mark.parametrize("n, level", [(250, 0.99), (60, 0.9)])
def test_exact_probability_is_the_sum_over_counts(n, level):
    every = np.arange(n + 1)
    found = margin.kupiec_test(every, n, level)
    chance = stats.binom.pmf(every, n, 1 - level)
    for x in range(20):
        worse = found.statistic >= found.statistic[x] - 1e-9
        assert found.exact[x] == pytest.approx(chance[worse].sum(), rel=1e-9)


@pytest.mark.parametrize("n, level", [(250, 0.99), (1_000, 0.99), (1_000, 0.95)])
def test_kupiec_size(n, level):
    """The exact test never rejects a right model more often than promised, the other one does."""
    count = np.random.default_rng(n).binomial(n, 1 - level, SERIES)
    found = margin.kupiec_test(count, n, level)
    every = margin.kupiec_test(np.arange(n + 1), n, level)
    chance = stats.binom.pmf(np.arange(n + 1), n, 1 - level)
    for size in (0.05, 0.1):
        for name in ("exact", "p_value"):
            true = chance[getattr(every, name) <= size].sum()
            close_to(np.mean(getattr(found, name) <= size), true)
            assert true <= size or name == "p_value"
    # In long series the chi-squared is good: 5 % is 5 % within one point.
    if (n, level) == (1_000, 0.95):
        assert chance[every.p_value <= 0.05].sum() == pytest.approx(0.05, abs=0.01)


def transitions(n00: int, n10: int, n01: int, n11: int) -> np.ndarray:
    """A series with these numbers of transitions (n01 = n10: it ends where it starts)."""
    assert n01 == n10 > 0
    alone = [False, True] * (n01 - 1)
    return np.array([False] * (n00 + 1) + alone[1:] + [False] * (n01 > 1) + [True] * (n11 + 1)
                    + [False])  # fmt: skip


def test_independence_number_of_mathworks():
    """varbacktest.cci: N00 932, N10 53, N01 53, N11 4, statistic 0.25866, p 0.61104."""
    series = transitions(932, 53, 53, 4)
    assert (len(series), series.sum()) == (1_043, 57)
    assert (series[:-1] & series[1:]).sum() == 4 and (~series[:-1] & series[1:]).sum() == 53
    found = margin.independence_test(series)
    assert_allclose([found.statistic, found.p_value], [0.25866, 0.61104], rtol=3e-5)
    both = margin.conditional_coverage_test(series, 0.95)
    assert both.statistic == pytest.approx(0.46147 + 0.25866, abs=2e-5)
    assert both.p_value == pytest.approx(stats.chi2.sf(both.statistic, 2))
    assert both.exceedances == 57 and np.isnan(both.exact)


@pytest.mark.parametrize("n", [2, 6, 11])
def test_independence_is_exact(n):
    """All series of n days: among those with the same count, the share with such a statistic."""
    series = np.array(list(itertools.product([False, True], repeat=n))).T
    found = margin.independence_test(series)
    for count in range(n + 1):
        same = found.exceedances == count
        value = found.statistic[same]
        share = (value >= value[:, None] - 1e-9).mean(1)
        assert_allclose(found.exact[same], share, atol=1e-12)


def test_independence_size_and_power():
    rng = np.random.default_rng(2)
    calm = rng.random((500, SERIES)) < 0.05
    found = margin.independence_test(calm)
    size = np.mean(found.exact <= 0.05)
    assert size <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / SERIES)
    # Clusters: the chance of an exceedance is 3 % after a calm day and 30 % after an exceedance.
    state, days = np.zeros(SERIES, bool), []
    for _ in range(500):
        state = rng.random(SERIES) < np.where(state, 0.30, 0.03)
        days.append(state)
    clustered = margin.independence_test(np.array(days))
    assert np.mean(clustered.exact <= 0.05) > 0.8
    assert np.mean(clustered.p_value <= 0.05) > 0.8


def test_conditional_coverage_size():
    """Asymptotic, in a long series: 5 % within two points."""
    calm = np.random.default_rng(4).random((2_000, SERIES)) < 0.05
    found = margin.conditional_coverage_test(calm, 0.95)
    assert np.mean(found.p_value <= 0.05) == pytest.approx(0.05, abs=0.02)


def test_no_exceedances_say_nothing_about_clusters():
    found = margin.independence_test(np.zeros((20, 2), bool))
    assert found.statistic.tolist() == [0, 0] and found.exact.tolist() == [1, 1]
    assert margin.kupiec_test(0, 250).statistic == pytest.approx(-500 * np.log(0.99))
    assert margin.kupiec_test(250, 250).statistic == pytest.approx(-500 * np.log(0.01))


def test_zones_of_basel():
    """250 days at 0.99: green to 4, yellow 5 to 9, red from 10; probabilities of Basel's table."""
    found = margin.traffic_light(np.arange(12))
    assert found.zone.tolist() == ["green"] * 5 + ["yellow"] * 5 + ["red"] * 2
    table = [0.0811, 0.2858, 0.5432, 0.7581, 0.8922, 0.9588, 0.9863, 0.9960, 0.9989, 0.9997]
    assert_allclose(found.probability[:10], table, atol=5e-5)
    assert_allclose(found.increase[4:11], [0, 0.40, 0.50, 0.65, 0.75, 0.85, 1], atol=0.04)
    assert margin.traffic_light(250).increase == 1


def test_a_margin_backtested_from_losses():
    """Normal losses, value at risk of the last 250 days by a rolling window: green."""
    losses = np.random.default_rng(9).normal(size=500)
    windows = np.lib.stride_tricks.sliding_window_view(losses, 250)[:250].T
    cover = statistics.value_at_risk(windows, 0.99, method="normal").value
    count = margin.exceedances(losses[250:], cover).sum(0)
    assert margin.traffic_light(count).zone == "green"
    assert margin.kupiec_test(count, 250).exact > 0.05
    assert not margin.exceedances([1.0], [1.0]).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: margin.exceedances([1, np.nan], [1, 1]), "losses has nan"),
        (lambda: margin.exceedances([1, 1], [1, np.nan]), "margin has nan"),
        (lambda: margin.kupiec_test(0.02, 250), "count must be whole"),
        (lambda: margin.kupiec_test(np.nan, 250), "count has nan"),
        (lambda: margin.kupiec_test(251, 250), "count must be"),
        (lambda: margin.kupiec_test(2, 0), "n must be"),
        (lambda: margin.kupiec_test(2, 250, 99), "level must be"),
        (lambda: margin.traffic_light(-1), "count must be"),
        (lambda: margin.independence_test([0, 1, 0]), "True or False"),
        (lambda: margin.independence_test([True]), "at least two days"),
        (lambda: margin.conditional_coverage_test([0.1, 0.2]), "True or False"),
    ],
)
def test_impossible_backtests_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
