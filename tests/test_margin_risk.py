"""Value at risk, expected shortfall, filtering and anti-procyclicality.

Coverage of an interval is tested on 2,000 samples; the tolerance is three standard deviations of a
binomial share, 3 √(p (1 − p) / 2,000), 1.5 % at 95 %.
"""

from __future__ import annotations

import numpy as np
import pytest
from conftest import others_slow
from numpy.testing import assert_allclose
from scipy import integrate, stats

from contagion import margin, statistics
from contagion.statistics import fits as _fits
from contagion.statistics import samples as _samples

RNG = np.random.default_rng(11)
REPETITIONS = 2_000
MEASURES = {"var": statistics.value_at_risk, "es": statistics.expected_shortfall}
METHODS = ("historical", "normal", "student")
NORMAL, STUDENT = stats.norm(1, 2), stats.t(4, 1, 2)


def truth(law, level: float, name: str) -> float:
    """The measure of a distribution, expected shortfall by integrating the quantile."""
    if name == "var":
        return float(law.ppf(level))
    total, _ = integrate.quad(law.ppf, level, 1, limit=200)
    return float(total / (1 - level))


def close_to(share: float, aim: float) -> None:
    assert abs(share - aim) <= 3 * np.sqrt(aim * (1 - aim) / REPETITIONS), share


def covered(found, true: float) -> float:
    assert (found.low <= found.value).all() and (found.value <= found.high).all()
    return float(np.mean((found.low <= true) & (true <= found.high)))


# Estimates against distributions


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_parametric_multiples_are_those_of_the_distributions(name, level):
    assert_allclose(
        _fits.normal_multiple(level, name == "es"), truth(stats.norm, level, name), rtol=1e-8
    )
    for degrees in (2.5, 4.0, 30.0):
        found = _fits.student_multiple(np.array([degrees]), level, name == "es")
        assert_allclose(found, truth(stats.t(degrees), level, name), rtol=1e-6)


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize(
    ("law", "method"),
    [(NORMAL, "historical"), (NORMAL, "normal"), (NORMAL, "student"),
     (STUDENT, "historical"), (STUDENT, "student")],
)  # fmt: skip
def test_estimates_on_exact_quantiles_reach_the_truth(law, method, name):
    """A sample of 20,000 evenly spaced quantiles is the distribution, without luck."""
    losses = law.ppf((np.arange(20_000) + 0.5) / 20_000)
    found = MEASURES[name](losses, 0.99, method=method)
    assert_allclose(found.value, truth(law, 0.99, name), rtol=6e-3)
    assert isinstance(found.value, float)


def test_student_fit_is_the_maximum_of_scipy():
    losses = stats.t.rvs(3, 1, 2, size=(800, 3), random_state=4)
    m, s, v, _ = _fits.student_fit(_samples.sample(losses, None), None)
    for column in range(3):
        fit = stats.t.fit(losses[:, column])
        assert_allclose([v[column], m[column], s[column]], fit, rtol=5e-4, atol=1e-4)


def test_student_information_is_the_covariance_of_the_scores():
    d, v = stats.t.rvs(4, size=400_000, random_state=2), 4.0
    step = 1e-4
    score_s = -(1 + d * np.gradient(stats.t.logpdf([d - step, d, d + step], v), step, axis=0)[1])
    score_v = (stats.t.logpdf(d, v + step) - stats.t.logpdf(d, v - step)) / (2 * step)
    ss, sv, vv = _fits.information(np.array(v))
    assert_allclose(np.cov(score_s, score_v), [[ss, sv], [sv, vv]], rtol=0.02)


def test_student_on_normal_losses_ends_at_the_normal():
    losses = NORMAL.ppf((np.arange(5_000) + 0.5) / 5_000)
    as_student = statistics.value_at_risk(losses, method="student")
    assert_allclose(as_student.value, truth(NORMAL, 0.99, "var"), rtol=0.01)
    assert np.isfinite(as_student.standard_error)


# Coverage of the intervals


@pytest.mark.parametrize("n, level", [(250, 0.99), (500, 0.95), (1_000, 0.99)])
@pytest.mark.parametrize("law", [NORMAL, STUDENT], ids=["normal", "student"])
def test_historical_var_covers_as_the_binomial_says(law, n, level):
    """The interval between two order statistics covers a known share, whatever the distribution."""
    losses = law.rvs(size=(n, REPETITIONS), random_state=n)
    found = statistics.value_at_risk(losses, level)
    ranks = statistics.value_at_risk(np.arange(1.0, n + 1), level)
    first, last = ranks.low - 1, min(ranks.high, n + 1.0) - 1
    aim = stats.binom.cdf(last, n, level) - stats.binom.cdf(first, n, level)
    assert 0.95 <= aim < 0.99
    close_to(covered(found, truth(law, level, "var")), aim)


def test_the_upper_limit_is_infinite_in_short_samples():
    losses = np.arange(1.0, 368)
    assert statistics.value_at_risk(losses, 0.99).high == np.inf
    assert statistics.value_at_risk(np.arange(1.0, 369), 0.99).high == 368


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize(
    ("law", "method", "n", "level"),
    [
        (NORMAL, "normal", 30, 0.99),
        (NORMAL, "normal", 500, 0.95),
        (STUDENT, "student", 2_000, 0.95),
    ],
    ids=["normal 30", "normal 500", "student 2000"],
)
def test_parametric_intervals_cover_at_their_level(law, method, n, level, name):
    """Exact for the normal even with 30 observations; asymptotic for Student-t."""
    losses = law.rvs(size=(n, REPETITIONS), random_state=n + 1)
    close_to(covered(MEASURES[name](losses, level, method=method), truth(law, level, name)), 0.95)


@pytest.mark.parametrize("interval", ["asymptotic", "bootstrap"])
@pytest.mark.parametrize("confidence", others_slow([0.95, 0.8]))
def test_historical_shortfall_covers_with_200_observations_in_the_tail(interval, confidence):
    """All columns share the bootstrap's draws: 4,000 of them, so that their luck does not show."""
    losses = NORMAL.rvs(size=(2_000, REPETITIONS), random_state=5)
    found = statistics.expected_shortfall(
        losses, 0.9, confidence=confidence, interval=interval, resamples=4_000, rng=1
    )
    close_to(covered(found, truth(NORMAL, 0.9, "es")), confidence)


def test_weighted_var_covers_at_its_level():
    """Weights that say nothing: worth fewer observations, still at the level."""
    losses = NORMAL.rvs(size=(2_000, REPETITIONS), random_state=6)
    weights = np.tile([1.0, 3.0], 1_000)
    found = statistics.value_at_risk(losses, 0.95, weights=weights)
    close_to(covered(found, truth(NORMAL, 0.95, "var")), 0.95)
    plain = statistics.value_at_risk(losses, 0.95)
    assert (found.standard_error.mean() / plain.standard_error.mean()) == pytest.approx(
        np.sqrt(1.25), rel=0.05
    )


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("method", METHODS)
def test_standard_errors_are_the_spread_of_the_estimates(name, method):
    losses = STUDENT.rvs(size=(2_000, REPETITIONS), random_state=7)
    if method == "normal":
        losses = NORMAL.rvs(size=(2_000, REPETITIONS), random_state=7)
    found = MEASURES[name](losses, 0.95, method=method)
    assert found.standard_error.mean() == pytest.approx(found.value.std(), rel=0.06)


# Properties of the measures


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("method", METHODS)
def test_translation_and_scale(name, method):
    losses = stats.t.rvs(4, size=(400, 5), random_state=8)
    measure = MEASURES[name]
    base = measure(losses, 0.97, method=method)
    moved = measure(3 * losses + 7, 0.97, method=method)
    for part in ("value", "low", "high"):
        assert_allclose(getattr(moved, part), 3 * getattr(base, part) + 7, rtol=1e-6)
    assert_allclose(moved.standard_error, 3 * base.standard_error, rtol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_shortfall_is_coherent_on_samples(weighted):
    """ES >= VaR, subadditive and monotone, also where n (1 − level) is no whole number."""
    a = RNG.standard_t(2, (97, 300))
    b = np.where(RNG.random((97, 300)) < 0.03, 40.0, -1.0)
    weights = RNG.random(97) if weighted else None
    for level in (0.9, 0.95, 0.983):

        def es(x, level=level):
            return statistics.expected_shortfall(x, level, weights=weights).value

        assert (es(a + b) <= es(a) + es(b) + 1e-9).all()
        assert (es(a) >= statistics.value_at_risk(a, level, weights=weights).value - 1e-12).all()
        assert (es(a + np.abs(b)) >= es(a) - 1e-12).all()


def test_var_is_not_subadditive():
    """Two bonds that each fail in 3 of 100 cases, never together: the usual counterexample."""
    one = np.where(np.arange(100) < 3, 100.0, 0.0)
    two = np.where(np.arange(100) >= 97, 100.0, 0.0)
    var, es = statistics.value_at_risk, statistics.expected_shortfall
    assert var(one, 0.95).value == var(two, 0.95).value == 0
    assert var(one + two, 0.95).value == 100
    assert es(one, 0.95).value == pytest.approx(60)
    assert es(one + two, 0.95).value == pytest.approx(100)


def test_weights_are_repeated_observations():
    losses, times = np.array([3.0, -1.0, 8.0, 5.0]), np.array([3, 1, 2, 4])
    for name, measure in MEASURES.items():
        for level in (0.5, 0.77, 0.85):
            weighted = measure(losses, level, weights=times).value
            assert weighted == pytest.approx(measure(np.repeat(losses, times), level).value), name
    spread = statistics.value_at_risk(losses, method="normal", weights=[1, 1, 1, 1])
    assert spread.value == pytest.approx(statistics.value_at_risk(losses, method="normal").value)


@pytest.mark.parametrize("method", METHODS)
def test_columns_are_estimated_one_by_one(method):
    losses = stats.t.rvs(5, size=(300, 2, 3), random_state=9)
    found = statistics.expected_shortfall(losses, 0.95, method=method)
    assert found.value.shape == (2, 3) and found.n == 300
    for i, j in np.ndindex(2, 3):
        alone = statistics.expected_shortfall(losses[:, i, j], 0.95, method=method)
        assert_allclose(alone.value, found.value[i, j], rtol=1e-7)
        assert_allclose(alone.standard_error, found.standard_error[i, j], rtol=1e-5)


def test_bootstrap_is_seeded():
    losses = RNG.normal(size=(300, 2))
    one, two, other = (
        statistics.expected_shortfall(losses, 0.9, interval="bootstrap", rng=seed)
        for seed in (3, 3, 4)
    )
    assert_allclose(one.low, two.low, rtol=0)
    assert (one.low != other.low).any()
    assert one.method == "historical, bootstrap"


def test_too_few_losses_in_the_tail_give_no_error_not_zero():
    found = statistics.expected_shortfall(np.arange(100.0), 0.99)
    assert found.value == 99
    assert np.isnan([found.standard_error, found.low, found.high]).all()


@pytest.mark.parametrize("measure", MEASURES.values())
@pytest.mark.parametrize(
    ("losses", "options", "message"),
    [
        ([1, np.nan, 2], {}, r"nan at position \(1,\) \(1 of 3 values\); drop"),
        ([1, np.inf], {}, "losses must be finite"),
        ([1], {}, "at least 2 observations"),
        ([1, 2], {"level": 1.0}, "level must be"),
        ([1, 2], {"confidence": 0}, "confidence must be"),
        ([1, 2], {"method": "garch"}, "method='garch': choose 'historical', 'normal' or 'student'"),
        ([1, 2], {"weights": [1, 1, 1]}, r"weights must be one a row of losses, \(2,\)"),
        ([1, 2], {"weights": [0, 0]}, "sum above 0"),
        ([1, 2], {"weights": [1, -1]}, "weights must be"),
        ([1, 2], {"weights": [0, 7]}, "at least 2 observations above 0"),
        ([1, 2], {"degrees": 4}, "degrees belong to method student"),
        ([[1, 5], [2, 5]], {"method": "student"}, "do not vary in column 1"),
    ],
)
def test_impossible_estimates_are_refused(measure, losses, options, message):
    with pytest.raises(ValueError, match=message):
        measure(losses, **options)


def test_impossible_shortfalls_are_refused():
    with pytest.raises(ValueError, match=r"infinite at 0\.8 degrees"):
        statistics.expected_shortfall([1, 2, 3], method="student", degrees=0.8)
    with pytest.raises(ValueError, match="interval must be"):
        statistics.expected_shortfall([1, 2], interval="exact")
    with pytest.raises(ValueError, match="bootstrap needs"):
        statistics.expected_shortfall([1, 2], interval="bootstrap", weights=[1, 2])


# Filtered historical simulation


def test_volatility_is_the_recursion():
    returns = RNG.normal(size=(50, 3))
    found = margin.garch_volatility(returns, constant=0.1, shock=0.2, decay=0.7, start=2.0)
    variance = np.full(3, 2.0)
    for t in range(50):
        assert_allclose(found[t], np.sqrt(variance))
        variance = 0.1 + 0.2 * returns[t] ** 2 + 0.7 * variance
    assert_allclose(found[50], np.sqrt(variance))


def test_filtering_at_constant_volatility_changes_nothing():
    losses = RNG.normal(size=(200, 2))
    assert_allclose(margin.filtered_losses(losses, decay=1.0), losses, rtol=1e-12)
    assert_allclose(margin.filtered_losses(losses, np.full(201, 0.3)), losses, rtol=1e-12)
    assert np.abs(margin.filtered_losses(losses) - losses).max() > 0.1


def test_filtering_finds_the_volatility_of_today():
    """Volatility has tripled: historical simulation is late, the filtered one is not."""
    sigma = np.r_[np.full(900, 1.0), np.full(100, 3.0)]
    losses = sigma * RNG.normal(size=1_000)
    filtered = statistics.value_at_risk(margin.filtered_losses(losses, np.r_[sigma, 3.0]), 0.95)
    assert filtered.low < 3 * stats.norm.ppf(0.95) < filtered.high
    assert statistics.value_at_risk(losses, 0.95).high < filtered.low


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: margin.garch_volatility([1, np.nan]), "returns has nan"),
        (lambda: margin.garch_volatility([]), "at least one period"),
        (lambda: margin.garch_volatility([1.0], shock=0.2, decay=0.9), "would explode"),
        (lambda: margin.garch_volatility([0.0, 0.0]), "start must be above 0"),
        (lambda: margin.filtered_losses([1, 2], [1, 1]), "one row more than losses"),
        (lambda: margin.filtered_losses([1, 2], [1, 1, 0]), "volatility must be"),
        (lambda: margin.filtered_losses([1, np.nan], [1, 1, 1]), "losses has nan"),
        (lambda: margin.filtered_losses([1.0, 0.0], decay=0.0), "volatility fell to 0"),
        (lambda: margin.filtered_losses([1.0, 2.0], decay=1.1), "decay must be"),
    ],
)
def test_impossible_filters_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Anti-procyclicality


def test_buffer_is_used_up_before_the_charge_rises():
    rising = 100 * 1.05 ** np.arange(8)
    charged = margin.buffered_margin(rising, 0.25, window=50)
    assert (charged[:5] == 125).all() and (charged[5:] == rising[5:]).all()
    both = margin.buffered_margin(np.stack([rising, rising[::-1]], axis=1), window=50)
    assert_allclose(both[:, 0], charged)
    assert_allclose(both[:, 1], 1.25 * rising[::-1])
    paths = np.exp(RNG.normal(0, 0.1, (200, 50)).cumsum(0))
    held = margin.buffered_margin(paths)
    assert (held >= paths).all() and (held <= 1.25 * paths * (1 + 1e-12)).all()


def test_the_tools_lower_the_measures():
    """On volatility that doubles within a week, each option gives a smaller cycle."""
    path = np.r_[np.full(30, 100.0), np.linspace(100, 200, 6), np.full(30, 200.0)]
    assert margin.peak_to_trough(path) == 2
    assert margin.largest_increase(path, 5) == 1
    assert margin.largest_increase(path, 5, relative=False) == 100
    floored = margin.floored_margin(path, 150)
    assert margin.peak_to_trough(floored) == pytest.approx(4 / 3)
    buffered = margin.buffered_margin(path, window=60)
    assert margin.peak_to_trough(buffered) == pytest.approx(1.6)
    assert margin.largest_increase(buffered, 5) == pytest.approx(0.6)


def test_stressed_weights_raise_the_margin_at_once():
    losses = np.r_[np.full(95, 1.0), np.full(5, 10.0)]
    weights = margin.stressed_weights(losses > 5)
    assert weights.sum() == pytest.approx(1) and weights[95:].sum() == pytest.approx(0.25)
    assert statistics.value_at_risk(losses, 0.9).value == 1
    assert statistics.value_at_risk(losses, 0.9, weights=weights).value == 10
    assert_allclose(margin.stressed_weights(np.array([True, True, False]), 0.25), 1 / 3)


def test_measures_of_a_margin_of_zero():
    assert margin.peak_to_trough([0, 1]) == np.inf
    assert np.isnan(margin.peak_to_trough([0, 0]))
    assert margin.largest_increase([100, 90, 80]) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: margin.buffered_margin([1, np.nan]), "margin has nan"),
        (lambda: margin.buffered_margin([1, -1]), "margin must be"),
        (lambda: margin.buffered_margin([1, 1], window=0), "window must be"),
        (lambda: margin.buffered_margin(1.0), "at least one date"),
        (lambda: margin.stressed_weights([False, False]), "at least one True"),
        (lambda: margin.stressed_weights([0.2, 0.8]), "True or False"),
        (lambda: margin.stressed_weights([True, False], 1.0), "share must be"),
        (lambda: margin.floored_margin([1], [np.nan]), "long_run has nan"),
        (lambda: margin.largest_increase([1, 2], 0), "dates must be"),
        (lambda: margin.largest_increase([0, 2]), "margin must be finite and above 0"),
    ],
)
def test_impossible_paths_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
