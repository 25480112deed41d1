"""Scenario sets against closed forms: means, correlations, quantiles, tails.

Statistical tests have fixed seeds and bounds of four standard errors of the estimate.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad

import contagion as ct
from contagion import scenarios as sc
from contagion.scenarios.field import loadings_of
from contagion.scenarios.marginals import marginals_of

N = 40_000


def plain(n: int, worth: float = 100.0, **tables) -> ct.ExposureNetwork:
    """n nodes that do not owe each other anything that matters."""
    names = [f"n{i:03d}" for i in range(n)]
    nodes = pd.DataFrame({"node": names, "external_assets": worth})
    owed = pd.DataFrame({"creditor": [names[0]], "debtor": [names[1]], "amount": [1e-9]})
    return ct.ExposureNetwork(nodes, owed, **tables)


PAIR = plain(2)


def falls(drawn: sc.Scenarios) -> np.ndarray:
    """Relative losses of all scenarios."""
    return drawn.draw(0, len(drawn)).losses / drawn.assets


def near(estimate: float, exact: float, error: float) -> bool:
    """Within four standard errors."""
    return abs(estimate - exact) < 4 * error


# A mean return of −0.5 with a volatility of 0.1 is never floored nor capped: losses are linear.


def test_linear_losses_have_the_mean_deviation_and_correlation_asked_for():
    x = falls(
        sc.common_factor(PAIR, scenarios=N, volatility=0.1, mean=-0.5, correlation=0.4, rng=1)
    )
    assert near(x.mean(), 0.5, 0.1 * np.sqrt(0.7 / N))  # the mean of two with correlation 0.4
    assert near(x[:, 0].std(), 0.1, 0.1 / np.sqrt(2 * N))
    assert near(np.corrcoef(x.T)[0, 1], 0.4, (1 - 0.16) / np.sqrt(N))
    assert stats.kstest(x[:, 1], stats.norm(0.5, 0.1).cdf).pvalue > 1e-3


def test_one_correlation_a_node():
    net = plain(3)
    rho = np.array([0.9, 0.4, 0.0])
    x = falls(sc.common_factor(net, scenarios=N, volatility=0.1, mean=-0.5, correlation=rho, rng=2))
    found = np.corrcoef(x.T)
    assert near(found[0, 1], 0.6, 1 / np.sqrt(N))  # sqrt(0.9 · 0.4)
    assert near(found[0, 2], 0.0, 1 / np.sqrt(N)) and near(found[1, 2], 0.0, 1 / np.sqrt(N))


def test_floored_losses_have_the_mean_of_half_a_normal():
    """E[max(σ z − m, 0)] = σ φ(m/σ) − m Φ(−m/σ), with m the mean return."""
    for mean in (0.0, 0.05):
        x = falls(sc.common_factor(PAIR, scenarios=N, mean=mean, correlation=0, rng=3))
        exact = 0.2 * stats.norm.pdf(mean / 0.2) - mean * stats.norm.sf(mean / 0.2)
        assert near(x.mean(), exact, x.std() / np.sqrt(2 * N))
        assert near((x == 0).mean(), stats.norm.cdf(mean / 0.2), 0.5 / np.sqrt(2 * N))


def test_losses_are_capped_at_the_assets_as_often_as_they_should():
    drawn = sc.common_factor(PAIR, scenarios=N, volatility=0.8, correlation=0, rng=4)
    found = drawn.summary()
    exact = stats.norm.sf(1 / 0.8)
    assert near(found["wiped_out"].mean(), exact, np.sqrt(exact / (2 * N)))
    assert (found["largest_loss"] == 100.0).all()


def test_value_at_risk_of_one_factor_losses():
    """VaR_q of a node is σ Φ⁻¹(q); with correlation 1 that of the total is the sum."""
    x = falls(sc.common_factor(PAIR, scenarios=N, volatility=0.1, correlation=1, rng=5))
    for q in (0.9, 0.99):
        exact = 0.1 * stats.norm.ppf(q)
        error = np.sqrt(q * (1 - q) / N) / stats.norm.pdf(stats.norm.ppf(q)) * 0.1
        assert near(np.quantile(x.sum(1), q), 2 * exact, 2 * error)


def test_student_losses_have_the_volatility_asked_for_and_fatter_tails():
    settings = {"scenarios": N, "volatility": 0.05, "mean": -0.5, "correlation": 0.0, "rng": 6}
    x = falls(sc.common_factor(PAIR, degrees=5, **settings))[:, 0]
    assert stats.kstest(x, stats.t(5, 0.5, 0.05 * np.sqrt(3 / 5)).cdf).pvalue > 1e-3
    assert near(x.std(), 0.05, 0.05 * np.sqrt(8 / N) / 2)  # kurtosis 9 of t with ν = 5


def test_student_losses_share_their_scale():
    """Uncorrelated, and yet extreme together: P(both > q) / P(one > q) of a t copula with ρ = 0."""
    settings = {"scenarios": N, "mean": -0.5, "volatility": 0.05, "correlation": 0.0, "rng": 7}
    for degrees, more in ((4.0, True), (None, False)):
        x = falls(sc.common_factor(PAIR, degrees=degrees, **settings))
        high = x > np.quantile(x, 0.99, axis=0)
        assert (high.all(1).mean() > 5 * 0.01**2) == more


def test_factors_have_the_correlations_of_their_loadings():
    net = plain(4)
    b = np.array([[0.9, 0.0], [0.5, 0.5], [-0.6, 0.3], [0.0, 1.0]])
    x = falls(sc.factors(net, b, scenarios=N, volatility=0.1, mean=-0.5, rng=8))
    exact = b @ b.T
    off = ~np.eye(4, dtype=bool)
    assert (np.abs(np.corrcoef(x.T) - exact)[off] < 4 / np.sqrt(N)).all()
    named = pd.DataFrame(b, net.names)
    again = sc.factors(net, named.iloc[::-1], scenarios=N, volatility=0.1, mean=-0.5, rng=8)
    assert np.array_equal(falls(again), x)


def test_one_factor_by_loadings_is_the_common_factor():
    one = sc.common_factor(PAIR, scenarios=100, correlation=0.36, rng=9)
    other = sc.factors(PAIR, [[0.6], [0.6]], scenarios=100, rng=9)
    assert np.allclose(falls(one), falls(other))


# -- copulas ----------------------------------------------------------------------------------


def test_a_gaussian_copula_keeps_the_marginals_and_the_rank_correlation():
    """Spearman's ρ_S = 6/π asin(ρ/2)."""
    marginals = {"n000": stats.beta(2, 8), "n001": stats.uniform(0.1, 0.3)}
    for rho in (0.7, [[1, 0.7], [0.7, 1]]):
        x = falls(sc.gaussian_copula(PAIR, marginals, rho, scenarios=10_000, rng=10))
        for at, one in enumerate(marginals.values()):
            assert stats.kstest(x[:, at], one.cdf).pvalue > 1e-3
        found = stats.spearmanr(x[:, 0], x[:, 1]).statistic
        assert near(found, 6 / np.pi * np.arcsin(0.35), 1 / np.sqrt(10_000))


def test_a_matrix_of_correlations_by_name():
    net = plain(3)
    matrix = np.array([[1, 0.8, -0.3], [0.8, 1, 0.1], [-0.3, 0.1, 1]])
    table = pd.DataFrame(matrix, net.names, net.names).iloc[[2, 0, 1], [1, 2, 0]]
    bell = stats.norm(0.5, 0.08)
    x = falls(sc.gaussian_copula(net, bell, table, scenarios=N, rng=11))
    assert np.abs(np.corrcoef(x.T) - matrix).max() < 4 / np.sqrt(N)


def test_a_singular_matrix_of_correlations():
    x = falls(sc.gaussian_copula(PAIR, [0, 0.9], [[1, -1], [-1, 1]], scenarios=200, rng=12))
    assert np.allclose(x.sum(1), 0.9)


def test_a_t_copula_has_tail_dependence_and_keeps_the_marginals():
    x = falls(sc.t_copula(PAIR, [0, 1], 0.3, 3, scenarios=N, rng=13))
    assert stats.kstest(x[:, 0], "uniform").pvalue > 1e-3
    kendall = stats.kendalltau(*x[:10_000].T).statistic
    assert near(kendall, 2 / np.pi * np.arcsin(0.3), 1 / np.sqrt(10_000))
    both = stats.multivariate_t([0, 0], [[1, 0.3], [0.3, 1]], 3).cdf(
        [stats.t.ppf(0.01, 3)] * 2, random_state=1
    )
    found = (x > 0.99).all(1).mean()
    assert near(found, both, np.sqrt(both / N))


def test_a_clayton_copula_ties_large_losses():
    """Kendall's τ = θ/(θ+2); both above q with probability 2u^−θ−1 to the power −1/θ, u = 1−q."""
    x = falls(sc.clayton_copula(PAIR, [0, 1], 2.0, scenarios=N, rng=14))
    assert stats.kstest(x[:, 1], "uniform").pvalue > 1e-3
    assert near(stats.kendalltau(*x[:10_000].T).statistic, 0.5, 1 / np.sqrt(10_000))
    large = (2 * 0.02**-2.0 - 1) ** -0.5
    assert near((x > 0.98).all(1).mean(), large, np.sqrt(large / N))
    assert (x < 0.02).all(1).mean() < 0.002  # small losses are nearly independent: 0.0012


def test_tables_of_quantiles():
    x = falls(sc.gaussian_copula(PAIR, [[0, 0, 0.8], [0.2, 0.2, 0.2]], 0, scenarios=N, rng=15))
    assert near((x[:, 0] == 0).mean(), 0.5, 0.5 / np.sqrt(N))
    above = x[x[:, 0] > 0, 0]
    assert stats.kstest(above, stats.uniform(0, 0.8).cdf).pvalue > 1e-3
    assert np.allclose(x[:, 1], 0.2)


def test_tables_have_ends():
    for table in ([0.0, 0.5, 0.8], [[0.0, 0.5, 0.8]] * 2):
        marginals = marginals_of(PAIR.names, table)
        assert np.allclose(
            marginals.quantiles(np.array([[0.0, 1.0], [0.75, 0.25]])), [[0.0, 0.8], [0.65, 0.25]]
        )


def test_principal_components_point_to_larger_losses():
    """So that signs do not depend on the machine; the first explains the most."""
    for seed in range(5):
        matrix = np.corrcoef(np.random.default_rng(seed).normal(size=(6, 12)))
        names = pd.Index(list("abcdef"))
        root, specific = loadings_of(names, matrix)
        assert np.allclose(root @ root.T, matrix) and not specific.size
        assert (root.sum(0) > -1e-12).all()
        assert (np.diff((root**2).sum(0)) < 1e-12).all()


def test_marginals_beyond_zero_and_one_are_cut():
    x = falls(sc.gaussian_copula(PAIR, stats.norm(0.5, 1), 0, scenarios=2000, rng=16))
    assert x.min() == 0 and x.max() == 1


# -- history ----------------------------------------------------------------------------------


def past(periods: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(-0.1, 0.05, (periods, 2)), columns=PAIR.names)


def test_single_rows_are_drawn_equally_often():
    drawn = sc.historical(PAIR, past(20), scenarios=N, rng=17)
    counts = np.bincount(drawn.paths(0, N)[:, 0], minlength=20)
    assert stats.chisquare(counts).pvalue > 1e-3
    rows = drawn.paths(500, 503)[:, 0]
    assert np.allclose(drawn.draw(500, 503).losses, np.maximum(-past(20).to_numpy()[rows], 0) * 100)


def test_stationary_blocks_keep_their_order_and_have_geometric_length():
    periods, length = 30, 5.0
    drawn = sc.historical(PAIR, past(periods), horizon=200, length=length, scenarios=400, rng=18)
    rows = drawn.paths(0, 400)
    follows = rows[:, 1:] == (rows[:, :-1] + 1) % periods
    exact = 1 - 1 / length + 1 / length / periods  # a new block may happen to go on
    assert near(follows.mean(), exact, np.sqrt(exact * (1 - exact) / follows.size))
    wraps = (rows[:, :-1] == periods - 1) & follows
    assert (rows[:, 1:][wraps] == 0).all() and wraps.any()
    assert stats.chisquare(np.bincount(rows[:, -1], minlength=periods)).pvalue > 1e-3


def test_moving_blocks_are_runs_of_rows_inside_the_table():
    drawn = sc.historical(
        PAIR, past(12), horizon=10, length=4, stationary=False, scenarios=3000, rng=19
    )
    rows = drawn.paths(0, 3000)
    for start in (0, 4, 8):
        run = rows[:, start : start + 4]
        assert (np.diff(run, axis=1) == 1).all()
        assert run[:, 0].max() == 8 and run[:, 0].min() == 0
    assert not (np.diff(rows, axis=1)[:, 3] == 1).all()


def test_a_horizon_compounds():
    drawn = sc.historical(PAIR, past(12), horizon=3, length=2, scenarios=50, rng=20)
    values = past(12).to_numpy()
    for k, path in enumerate(drawn.paths(0, 50)):
        total = [1.0, 1.0]
        for row in path:
            total = [t * (1 + r) for t, r in zip(total, values[row], strict=True)]
        assert np.allclose(drawn.draw(k, k + 1).losses[0], [max(0, 100 * (1 - t)) for t in total])
        assert np.allclose(drawn.changes(k, k + 1)[0], np.array(total) - 1)


HELD = pd.DataFrame(
    {
        "node": ["n000", "n001", "n001"],
        "asset": ["ETH", "BTC", "ETH"],
        "value": [60.0, 30.0, 50.0],
    }
)
HOLDERS = plain(3, holdings=HELD)


def on_holdings(changes: dict[str, float]) -> list[float]:
    """Losses of the three holders, by hand."""
    eth, btc = changes["ETH"], changes["BTC"]
    return [max(0, -60 * eth), max(0, -30 * btc - 50 * eth), 0.0]


def test_returns_of_assets_move_the_holders():
    moves = pd.DataFrame({"ETH": [-0.5, 0.2], "BTC": [0.1, -0.1]})
    drawn = sc.historical(HOLDERS, moves, scenarios=30, rng=21)
    for k, row in enumerate(drawn.paths(0, 30)[:, 0]):
        assert np.allclose(drawn.draw(k, k + 1).losses[0], on_holdings(dict(moves.iloc[row])))
    assert drawn.assumptions == ()
    half = sc.historical(HOLDERS, moves[["ETH"]], scenarios=30, rng=21)
    assert "'BTC'" in half.assumptions[0]


def test_nodes_without_returns_stand_still():
    drawn = sc.historical(PAIR, past(9)[["n001"]], scenarios=30, rng=22)
    losses = drawn.draw(0, 30).losses
    assert not losses[:, 0].any() and losses[:, 1].any() and "'n000'" in drawn.assumptions[0]


# -- prices -----------------------------------------------------------------------------------


def test_prices_are_lognormal_and_grow_by_the_drift():
    settings = {"drift": {"ETH": -0.1, "BTC": 0.2}, "correlation": 0.6, "horizon": 0.25}
    drawn = sc.prices(HOLDERS, {"ETH": 0.8, "BTC": 0.5}, scenarios=N, rng=23, **settings)
    moves = drawn.changes(0, N)
    for asset, sigma, drift in (("ETH", 0.8, -0.1), ("BTC", 0.5, 0.2)):
        log = np.log1p(moves[asset])
        law = stats.norm((drift - sigma**2 / 2) * 0.25, sigma * 0.5)
        assert stats.kstest(log, law.cdf).pvalue > 1e-3
        error = (1 + moves[asset]).std() / np.sqrt(N)
        assert near((1 + moves[asset]).mean(), np.exp(drift * 0.25), error)
    logs = np.log1p(moves)
    assert near(np.corrcoef(logs.T)[0, 1], 0.6, 1 / np.sqrt(N))
    for k in range(20):
        assert np.allclose(drawn.draw(k, k + 1).losses[0], on_holdings(dict(moves.loc[k])))


def test_jumps_leave_the_mean_and_add_their_variance():
    """Var log R = σ² T + λ T (m² + δ²), and E[R] = e^(drift T)."""
    drawn = sc.jumps(
        HOLDERS, 0.3, rate=0.5, jump_mean=-0.2, jump_volatility=0.1, drift=0.05, horizon=2,
        scenarios=N, rng=24,
    )  # fmt: skip
    moves = drawn.changes(0, N)
    logs = np.log1p(moves)
    exact = 0.09 * 2 + 1.0 * (0.04 + 0.01)
    spread = logs["ETH"].var() * np.sqrt((stats.kurtosis(logs["ETH"]) + 2) / N)
    assert near(logs["ETH"].var(), exact, spread)
    mean = (1 + moves["BTC"]).mean()
    assert near(mean, np.exp(0.1), (1 + moves["BTC"]).std() / np.sqrt(N))


def test_jumps_hit_all_assets_together_as_often_as_poisson_says():
    drawn = sc.jumps(HOLDERS, 0.0, rate=0.7, jump_mean=-0.5, scenarios=N, rng=25)
    moves = np.log1p(drawn.changes(0, N))
    count = (moves["ETH"] - moves["ETH"].max()) / -0.5
    assert np.allclose(count, count.round()) and np.allclose(moves["ETH"], moves["BTC"])
    counts = np.bincount(count.round().astype(int), minlength=4)[:4]
    exact = stats.poisson(0.7).pmf(np.arange(4)) * N
    assert (np.abs(counts - exact) < 4 * np.sqrt(exact)).all()


# -- defaults ---------------------------------------------------------------------------------


def failed(drawn: sc.Scenarios) -> np.ndarray:
    return ~np.isnan(drawn.draw(0, len(drawn)).recoveries)


def test_defaults_have_their_probabilities_and_recoveries():
    net = plain(4)
    p = np.array([0.0, 0.05, 0.5, 1.0])
    for settings in ({}, {"correlation": 0.5}, {"correlation": 0.3, "degrees": 4}):
        drawn = sc.defaults(net, p, recovery=[0.1, 0.2, 0.3, 0.4], scenarios=N, rng=26, **settings)
        found = failed(drawn).mean(0)
        assert (np.abs(found - p) <= 4 * np.sqrt(p * (1 - p) / N)).all()
        rates = drawn.draw(0, 500).recoveries
        assert set(rates[~np.isnan(rates)]) == {0.2, 0.3, 0.4}
        assert not drawn.draw(0, 500).losses.any()


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.9])
def test_two_defaults_come_together_as_the_factor_model_says(rho):
    both = failed(sc.defaults(PAIR, 0.1, correlation=rho, scenarios=N, rng=27)).all(1).mean()
    k = stats.norm.ppf(0.1)
    exact = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([k, k])
    assert near(both, exact, np.sqrt(exact / N))


def test_with_correlation_one_everybody_fails_or_nobody():
    found = failed(sc.defaults(plain(5), 0.3, correlation=1, scenarios=500, rng=28))
    assert set(found.sum(1)) == {0, 5}


def test_a_matrix_of_correlations_for_defaults():
    found = failed(sc.defaults(PAIR, 0.3, correlation=[[1, -1], [-1, 1]], scenarios=500, rng=29))
    assert not found.all(1).any() and found.any()


def exact_tail(n: int, p: float, rho: float, more: int) -> float:
    """P(more than `more` of n nodes default), over the factor: a binomial mixture."""

    def inner(f: float) -> float:
        q = stats.norm.cdf((stats.norm.ppf(p) + np.sqrt(rho) * f) / np.sqrt(1 - rho))
        return stats.binom.sf(more, n, q) * stats.norm.pdf(f)

    return quad(inner, -9, 9, limit=200)[0]


def test_the_number_of_defaults_has_the_distribution_of_vasicek():
    n, p, rho = 300, 0.02, 0.2
    count = failed(sc.defaults(plain(n), p, correlation=rho, scenarios=8000, rng=30)).sum(1)
    for more in (2, 10, 30):
        exact = exact_tail(n, p, rho, more)
        assert near((count > more).mean(), exact, np.sqrt(exact / 8000))
    limit = stats.norm.cdf(  # of infinitely many nodes; 300 are near it
        (np.sqrt(1 - rho) * stats.norm.ppf(0.1) - stats.norm.ppf(p)) / np.sqrt(rho)
    )
    assert (count <= 30).mean() == pytest.approx(limit, abs=0.01)


# -- lists ------------------------------------------------------------------------------------


def test_single_defaults_pin_one_node_each():
    drawn = sc.single_defaults(PAIR, recovery={"n000": 0.2, "n001": 0.6})
    assert drawn.labels.tolist() == ["n000", "n001"]
    assert np.array_equal(
        drawn.draw(0, 2).recoveries, [[0.2, np.nan], [np.nan, 0.6]], equal_nan=True
    )
    assert sc.single_defaults(PAIR, ["n001"]).labels.tolist() == ["n001"]


def test_a_grid_is_every_sum():
    axes = {
        "market": [ct.Shock(), ct.Shock.relative(0.25)],
        "node": [ct.Shock.loss({"n000": 10.0}), ct.Shock.default("n001", recovery=0.5)],
        "again": [ct.Shock(), ct.Shock.default("n001", recovery=0.5)],
    }
    drawn = sc.grid(PAIR, axes)
    assert len(drawn) == 8 and drawn.labels.names == ["market", "node", "again"]
    for k, (i, j, again) in enumerate(drawn.labels):
        shock = axes["market"][i] + axes["node"][j] + axes["again"][again]
        losses, recoveries, _ = shock.arrays(PAIR)
        batch = drawn.draw(k, k + 1)
        assert np.array_equal(batch.losses[0], losses)
        assert np.array_equal(batch.recoveries[0], recoveries, equal_nan=True)


def test_shocks_without_defaults_pin_nobody():
    drawn = sc.from_shocks(PAIR, [ct.Shock.relative(0.5), ct.Shock()])
    assert not drawn.pins and drawn.draw(0, 2).recoveries is None
    assert drawn.draw(0, 2).losses.tolist() == [[50, 50], [0, 0]]
    assert drawn.labels.tolist() == [0, 1]
