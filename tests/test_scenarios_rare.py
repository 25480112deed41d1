"""Rare events and smaller errors: importance sampling, antithetic pairs, Sobol points.

Weights are exact: every tail probability is checked against a closed form or an integral, with
bounds of four standard errors that the sample itself gives.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import brentq
from scipy.stats import qmc

import contagion as ct
from contagion import scenarios as sc
from contagion.scenarios.numbers import Numbers
from contagion.scenarios.twisting import twisted

N = 8192


def plain(n: int, worth: float = 1.0) -> ct.ExposureNetwork:
    names = [f"n{i:03d}" for i in range(n)]
    nodes = pd.DataFrame({"node": names, "external_assets": worth})
    owed = pd.DataFrame({"creditor": [names[0]], "debtor": [names[1]], "amount": [1e-9]})
    return ct.ExposureNetwork(nodes, owed)


NET = plain(20)


def tail(drawn: sc.Scenarios, level: float) -> tuple[float, float]:
    """Weighted P(loss or number of defaults > level), and the deviation of one scenario."""
    batch = drawn.draw(0, len(drawn))
    size = batch.losses.sum(1)
    if batch.recoveries is not None:
        size = np.isfinite(batch.recoveries).sum(1)
    weight = np.ones(len(drawn)) if batch.weights is None else batch.weights
    hit = weight * (size > level)
    return float(hit.mean()), float(hit.std())


def agrees(drawn: sc.Scenarios, level: float, exact: float) -> bool:
    found, deviation = tail(drawn, level)
    return abs(found - exact) < 4 * deviation / np.sqrt(len(drawn)) and found > 0


def sampled(settings: dict) -> dict:
    """Keywords with those of the sampling as one object."""
    of = {k: v for k, v in settings.items() if k in sc.Sampling.__dataclass_fields__}
    return {k: v for k, v in settings.items() if k not in of} | {"sampling": sc.Sampling(**of)}


def linear(**settings) -> tuple[sc.Scenarios, float]:
    """Losses that are never cut, and the level that the total passes with probability 0.001."""
    total = np.sqrt(20 + 20 * 19 * 0.4) * 0.05
    level = 20 * 0.5 + total * stats.norm.ppf(0.999)
    drawn = sc.common_factor(
        NET, scenarios=N, volatility=0.05, mean=-0.5, correlation=0.4, rng=1, **settings
    )
    return drawn, level


TILTS = ({"tilt": 3.0}, {"tilt": 3.0, "plain": 0.0}, {"tilt": 2.0, "plain": 0.5})


@pytest.mark.parametrize("settings", TILTS, ids=str)
def test_weights_are_one_on_average_and_tails_unbiased(settings):
    drawn, level = linear(**sampled(settings))
    assert not drawn.unit_weights
    weights = drawn.draw(0, N).weights
    bound = 1 / settings.get("plain", 0.1) if settings.get("plain", 0.1) else np.inf
    assert weights.max() <= bound
    spread = np.exp(settings["tilt"] ** 2) - 1 if bound == np.inf else weights.var()
    assert abs(weights.mean() - 1) < 4 * np.sqrt(spread / N)
    assert agrees(drawn, level, 0.001)


def test_a_tilt_makes_the_error_of_a_tail_smaller():
    drawn, level = linear(sampling=sc.Sampling(tilt=3.0))
    assert tail(drawn, level)[1] ** 2 < 0.001 * 0.999 / 30  # 90 times at best, plain costs 10 %


def test_no_tilt_no_weights():
    drawn, level = linear()
    assert drawn.unit_weights and drawn.draw(0, 5).weights is None
    assert agrees(drawn, level, 0.001)


def test_the_weight_is_the_ratio_of_the_densities():
    """Without own parts the factor can be read off the loss."""
    settings = {"scenarios": 500, "volatility": 0.05, "mean": -0.5, "correlation": 1.0, "rng": 2}
    for plain_part in (0.0, 0.25):
        batch = sc.common_factor(
            NET, sampling=sc.Sampling(tilt=1.5, plain=plain_part), **settings
        ).draw(0, 500)
        factor = (batch.losses[:, 0] - 0.5) / 0.05
        density = plain_part * stats.norm.pdf(factor)
        density += (1 - plain_part) * stats.norm.pdf(factor, 1.5)
        assert np.allclose(batch.weights, stats.norm.pdf(factor) / density)
        assert factor.mean() == pytest.approx(1.5 * (1 - plain_part), abs=4 * 1.2 / np.sqrt(500))


def test_a_tilt_of_student_losses_also_moves_the_scale():
    settings = {"scenarios": N, "volatility": 0.02, "mean": -0.5, "correlation": 1.0, "rng": 3}
    level = 20 * (0.5 + 0.02 * np.sqrt(2 / 4) * stats.t.ppf(0.999, 4))
    drawn = sc.common_factor(NET, degrees=4, sampling=sc.Sampling(tilt=3.0), **settings)
    assert agrees(drawn, level, 0.001)
    assert tail(drawn, level)[1] ** 2 < 0.001 / 20
    assert np.linalg.norm(drawn.field.shift) == pytest.approx(3.0)
    moves = [
        3 * np.cos(angle) * np.sqrt(4 / stats.chi2.isf(stats.norm.cdf(3 * np.sin(angle)), 4))
        for angle in np.linspace(0, np.pi / 2, 50)
    ]
    factor, scale = drawn.field.shift
    reached = factor * np.sqrt(4 / stats.chi2.isf(stats.norm.cdf(scale), 4))
    assert reached >= max(moves) * 0.999  # the largest move at this distance
    factor_only = sc.common_factor(
        NET, degrees=4, sampling=sc.Sampling(tilt=(3.0, 0.0)), **settings
    )
    assert agrees(factor_only, level, 0.001)
    assert tail(factor_only, level)[1] ** 2 > 2 * tail(drawn, level)[1] ** 2


def test_one_tilt_goes_where_the_total_loss_rises():
    b = np.zeros((20, 2))
    b[:15, 0], b[15:, 1] = 0.6, 0.8
    drawn = sc.factors(
        NET, b, volatility=0.05, mean=-0.5, scenarios=N, sampling=sc.Sampling(tilt=3.0), rng=4
    )
    assert np.allclose(drawn.field.shift, 3 * np.array([9, 4]) / np.hypot(9, 4))
    total = 0.05 * np.sqrt(np.sum(b.sum(0) ** 2) + np.sum(1 - (b**2).sum(1)))
    level = 10 + total * stats.norm.ppf(0.999)
    assert agrees(drawn, level, 0.001)
    assert tail(drawn, level)[1] ** 2 < 0.001 / 20
    assert agrees(
        sc.factors(
            NET,
            b,
            volatility=0.05,
            mean=-0.5,
            scenarios=N,
            sampling=sc.Sampling(tilt=(2.5, 1.5)),
            rng=4,
        ),
        level,
        0.001,
    )


def test_a_tilt_of_copulas_and_prices():
    level = 20 * 0.3 * 0.999  # uniform on (0, 0.3), all the same
    drawn = sc.gaussian_copula(
        NET, [0.0, 0.3], 1.0, scenarios=N, sampling=sc.Sampling(tilt=3.0), rng=5
    )
    assert agrees(drawn, level, 0.001) and tail(drawn, level)[1] ** 2 < 0.001 / 20
    matrix = np.full((20, 20), 0.5) + 0.5 * np.eye(20)
    drawn = sc.gaussian_copula(
        NET, stats.norm(0.5, 0.05), matrix, scenarios=N, sampling=sc.Sampling(tilt=3.0), rng=5
    )
    level = 10 + 0.05 * np.sqrt(20 + 190) * stats.norm.ppf(0.999)
    assert agrees(drawn, level, 0.001) and tail(drawn, level)[1] ** 2 < 0.001 / 20
    held = pd.DataFrame({"node": ["n000", "n001"], "asset": ["X", "Y"], "value": [1.0, 1.0]})
    net = ct.ExposureNetwork(NET.nodes, NET.exposures, holdings=held)
    drawn = sc.prices(net, 0.5, correlation=1.0, scenarios=N, sampling=sc.Sampling(tilt=3.0), rng=6)
    level = -2 * np.expm1(-0.125 - 0.5 * stats.norm.ppf(0.999))
    assert agrees(drawn, level, 0.001) and tail(drawn, level)[1] ** 2 < 0.001 / 20


# -- defaults ---------------------------------------------------------------------------------


def exact_tail(n: int, p: float, rho: float, more: int, degrees: float = 0) -> float:
    """P(more than `more` of n default): a binomial mixture over the factor and the scale."""
    f, df = np.linspace(-9, 9, 1201, retstep=True)
    scale, threshold = np.ones(1), stats.norm.ppf(p)
    if degrees:
        scale = np.sqrt(degrees / stats.chi2.ppf((np.arange(4000) + 0.5) / 4000, degrees))
        threshold = stats.t.ppf(p, degrees)
    q = stats.norm.cdf((threshold / scale[:, None] + np.sqrt(rho) * f) / np.sqrt(1 - rho))
    mixed = stats.binom.sf(more, n, q).mean(0)
    return float((mixed * stats.norm.pdf(f)).sum() * df)


HUNDRED = plain(100)
DEFAULTS = {
    "plain": {"correlation": 0.2},
    "factor": {"correlation": 0.2, "tilt": 3.0},
    "no mixture": {"correlation": 0.2, "tilt": 3.0, "plain": 0.0},
    "both": {"correlation": 0.2, "tilt": 2.5, "target": 16.0},
    "both, no mixture": {"correlation": 0.2, "tilt": 2.5, "target": 16.0, "plain": 0.0},
    "independent": {"correlation": 0.0, "target": 6.0},
    "student": {"correlation": 0.2, "degrees": 5, "tilt": 3.0},
    "student, both": {"correlation": 0.2, "degrees": 5, "tilt": 3.0, "target": 16.0},
    "antithetic": {"correlation": 0.2, "tilt": 3.0, "antithetic": True},
    "sobol": {"correlation": 0.2, "tilt": 3.0, "target": 16.0, "sobol": True},
}


@pytest.mark.parametrize("settings", DEFAULTS.values(), ids=DEFAULTS.keys())
def test_rare_numbers_of_defaults_are_unbiased(settings):
    drawn = sc.defaults(HUNDRED, 0.01, scenarios=N, rng=7, **sampled(settings))
    more = 5 if settings["correlation"] == 0 else 15
    exact = exact_tail(100, 0.01, settings["correlation"], more, settings.get("degrees", 0))
    assert 1e-4 < exact < 2e-2
    assert agrees(drawn, more, exact)
    batch = drawn.draw(0, N)
    weights = np.ones(N) if batch.weights is None else batch.weights
    if settings.get("plain") != 0:
        assert abs(weights.mean() - 1) < 4 * max(weights.std(), 1e-9) / np.sqrt(N)
        assert weights.max() <= 10 * (1 + 1e-9)
        each = weights @ np.isfinite(batch.recoveries) / N
        assert abs(each.mean() - 0.01) < 4 * 0.15 / np.sqrt(N)


@pytest.mark.parametrize("name", ["factor", "both", "independent"])
def test_importance_sampling_of_defaults_makes_errors_smaller(name):
    settings = DEFAULTS[name]
    drawn = sc.defaults(HUNDRED, 0.01, scenarios=N, rng=8, **sampled(settings))
    more = 5 if name == "independent" else 15
    exact = exact_tail(100, 0.01, settings["correlation"], more)
    assert tail(drawn, more)[1] ** 2 < exact / 15


def test_severities_say_what_a_default_counts():
    """Two large nodes among small ones: aim at their loss, with exact weights."""
    net = plain(12)
    severity = np.array([50.0, 40.0] + [1.0] * 10)
    drawn = sc.defaults(net, 0.01, target=85, severity=severity, scenarios=N, rng=9)
    batch = drawn.draw(0, N)
    both = np.isfinite(batch.recoveries[:, :2]).all(1)
    hit = batch.weights * both
    assert both.mean() > 0.3
    assert abs(hit.mean() - 1e-4) < 4 * hit.std() / np.sqrt(N) < 1e-5


def test_twisted_probabilities_solve_their_equation():
    rng = np.random.default_rng(10)
    chance, cost = rng.beta(1, 30, (40, 12)), rng.lognormal(20, 2, 12)
    chance[:, 3], chance[0, 4], chance[1, 5] = 0.0, 1.0, 1e-300
    target = 0.4 * cost.sum()
    q, psi, theta = twisted(chance, cost, target)
    for row in range(40):

        def loss(t, p=chance[row]):
            lifted = p * np.exp(np.minimum(t * cost, 700))
            return float((cost * lifted / (1 - p + lifted)).sum()) - target

        exact = 0.0 if loss(0.0) >= 0 else brentq(loss, 0, 500 / cost.max(), xtol=1e-18)
        assert theta[row] == pytest.approx(exact, rel=1e-6)
        lifted = chance[row] * np.exp(exact * cost)
        assert np.allclose(q[row], lifted / (1 - chance[row] + lifted), rtol=1e-5)
        assert psi[row] == pytest.approx(np.log(1 - chance[row] + lifted).sum(), rel=1e-5)


def test_probabilities_that_cannot_reach_the_target_are_raised_as_far_as_goes():
    q, psi, theta = twisted(np.array([[0.0, 0.2]]), np.ones(2), 1.5)
    assert q[0, 0] == 0 and q[0, 1] == pytest.approx(1.0) and np.isfinite(psi).all()
    assert theta[0] <= 500


# -- antithetic and Sobol ---------------------------------------------------------------------


def test_antithetic_pairs_mirror_each_other():
    drawn, _ = linear(sampling=sc.Sampling(antithetic=True))
    losses = drawn.draw(0, N).losses
    assert np.allclose(losses[0::2] + losses[1::2], 1.0)  # twice the mean of 0.5
    assert stats.kstest(losses[0::2, 3], stats.norm(0.5, 0.05).cdf).pvalue > 1e-3
    floored = sc.common_factor(NET, scenarios=N, sampling=sc.Sampling(antithetic=True), rng=11)
    total = floored.draw(0, N).losses.sum(1)
    pairs = total.reshape(-1, 2).mean(1)
    assert pairs.var() * 2 < 0.6 * total.var()  # against independent draws of the same number
    exact = 20 * 0.2 * stats.norm.pdf(0)
    assert abs(pairs.mean() - exact) < 4 * pairs.std() / np.sqrt(len(pairs))


def test_an_odd_number_of_scenarios_leaves_one_alone():
    odd = sc.common_factor(NET, scenarios=7, sampling=sc.Sampling(antithetic=True), rng=12)
    even = sc.common_factor(NET, scenarios=8, sampling=sc.Sampling(antithetic=True), rng=12)
    assert np.array_equal(odd.draw(0, 7).losses, even.draw(0, 7).losses)


def test_sobol_points_make_the_error_of_the_mean_smaller():
    settings = {"scenarios": N, "correlation": 0.9, "rng": 13}
    drawn = sc.common_factor(NET, sampling=sc.Sampling(sobol=True, replicates=16), **settings)
    total = drawn.draw(0, N).losses.sum(1)
    means = pd.Series(total).groupby(drawn.groups).mean()
    error = means.std() / np.sqrt(16)
    exact = 20 * 0.2 * stats.norm.pdf(0)
    assert abs(means.mean() - exact) < 4 * error
    assert error < total.std() / np.sqrt(N) / 5
    plain_total = sc.common_factor(NET, **settings).draw(0, N).losses.sum(1)
    assert abs(total.mean() - exact) < abs(plain_total.mean() - exact)


@pytest.mark.parametrize(("count", "replicates"), [(4096, 2), (64, 16), (2048, 2)])
def test_each_replicate_is_a_sobol_sequence_of_its_own(count, replicates):
    source = Numbers(5, count, 1024, 3, replicates=replicates)
    blocks = range(-(-count // 1024))
    unit = stats.norm.cdf(np.concatenate([source.draw(b) for b in blocks]))
    points = count // replicates
    for r in range(replicates):
        child = np.random.SeedSequence(5, spawn_key=(r,))
        engine = qmc.Sobol(3, rng=np.random.default_rng(child))
        exact = engine.random(points)
        found = unit[r * points : (r + 1) * points]
        assert np.allclose(found, exact, atol=1e-9)
        cells = np.sort((found[:, 0] * points).astype(int))
        assert np.array_equal(cells, np.arange(points))  # one point in every interval


def test_sobol_points_and_tilts_go_together():
    """All but one dimension matters little, so that the points help in the tail as well."""
    drawn = sc.common_factor(
        NET,
        scenarios=N,
        volatility=0.05,
        mean=-0.5,
        correlation=0.95,
        sampling=sc.Sampling(tilt=3.0, sobol=True),
        rng=14,
    )
    level = 10 + 0.05 * np.sqrt(20 + 20 * 19 * 0.95) * stats.norm.ppf(0.999)
    batch = drawn.draw(0, N)
    hit = batch.weights * (batch.losses.sum(1) > level)
    means = pd.Series(hit).groupby(drawn.groups).mean()
    error = means.std() / np.sqrt(16)
    assert abs(means.mean() - 0.001) < 4 * error
    assert error < hit.std() / np.sqrt(N) / 2
