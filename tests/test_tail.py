"""Tails of joint losses: against closed forms of the bivariate normal, and plain references."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import contagion as ct
from contagion import measures
from contagion.statistics.joint_samples import expected_shortfall, tail_weights


def normals(rho: float, size: int, seed: int = 0) -> pd.DataFrame:
    cov = [[1.0, rho], [rho, 1.0]]
    return pd.DataFrame(
        np.random.default_rng(seed).multivariate_normal([0, 0], cov, size), columns=["i", "s"]
    )


def plain_quantile(values: list[float], weights: list[float], level: float) -> float:
    """Smallest value that is not exceeded with the probability."""
    total, reached = sum(weights), 0.0
    for value, weight in sorted(zip(values, weights, strict=True)):
        reached += weight
        if reached >= level * total - 1e-12:
            return value
    raise AssertionError


# -- expected shortfall and its parts --------------------------------------------------------


@given(st.integers(0, 5_000), st.floats(0.05, 0.98))
def test_expected_shortfall_is_the_mean_of_the_quantiles(seed, level):
    """(1 / (1 − q)) ∫_q^1 VaR_u du, step by step; with ties and weights."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 5, 12).astype(float)
    p = rng.random(12)
    p /= p.sum()
    edges = np.concatenate([[0.0], np.cumsum(p[np.argsort(x, kind="stable")])])
    want = 0.0
    for value, low, high in zip(np.sort(x), edges, edges[1:], strict=False):
        want += value * max(0.0, high - max(low, level))
    found = expected_shortfall(x[:, None], level, p)[0]
    assert found == pytest.approx(want / (1 - level), abs=1e-9)
    assert tail_weights(x[:, None], level, p).sum() == pytest.approx(1.0)


def test_parts_of_the_normal_expected_shortfall():
    """Jointly normal: E[L_i | tail] = Cov(L_i, L) / σ² · ES, ES = σ φ(z) / (1 − q)."""
    cov = np.array([[1.0, 0.5], [0.5, 4.0]])
    draws = np.random.default_rng(1).multivariate_normal([0, 0], cov, 50_000)
    sigma = np.sqrt(cov.sum())
    es = sigma * stats.norm.pdf(stats.norm.ppf(0.95)) / 0.05
    found = measures.euler_allocation(draws, 0.95, resamples=40, rng=0)
    want = cov.sum(axis=1) / sigma**2 * es
    assert (np.abs(found.values - want) < 4 * found.standard_errors).all()
    assert (found.standard_errors < 0.06).all() and (found.standard_errors > 0.001).all()
    assert found.total == pytest.approx(expected_shortfall(draws.sum(axis=1)[:, None], 0.95)[0])
    flat = measures.euler_allocation(draws, risk="volatility", resamples=50, rng=0)
    assert (np.abs(flat.values - cov.sum(axis=1) / sigma) < 4 * flat.standard_errors).all()
    assert flat.total == pytest.approx(draws.sum(axis=1).std(), rel=1e-12)


@given(st.integers(0, 5_000))
def test_parts_grow_in_proportion_and_sum(seed):
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, 6, (60, 4)).astype(float)
    weights = rng.random(60)

    def parts(x: np.ndarray) -> np.ndarray:
        return measures.euler_allocation(
            x, 0.8, weights=weights, resamples=0, minimum=1
        ).values.to_numpy()

    np.testing.assert_allclose(parts(3 * draws), 3 * parts(draws), atol=1e-12)
    total = expected_shortfall(draws.sum(axis=1)[:, None], 0.8, weights / weights.sum())[0]
    assert parts(draws).sum() == pytest.approx(total)
    mes = measures.marginal_expected_shortfall(draws, 0.8, weights=weights, resamples=0, minimum=1)
    np.testing.assert_allclose(mes["mes"], parts(draws), atol=1e-12)
    assert (mes["mes"] <= mes["expected_shortfall"] + 1e-12).all()


def test_errors_of_a_mean_in_the_tail():
    """MES of an independent node is its mean; its error is σ / √(tail scenarios), about."""
    rng = np.random.default_rng(3)
    draws = np.column_stack([rng.normal(size=20_000), 100 * rng.normal(size=20_000)])
    found = measures.marginal_expected_shortfall(draws, 0.95, resamples=100, rng=1)
    assert found.loc[0, "mes_error"] == pytest.approx(1 / np.sqrt(1_000), rel=0.25)


def test_marginal_expected_shortfall_with_a_system_of_its_own():
    draws = pd.DataFrame({"a": [1.0, 2, 3, 4]})
    found = measures.marginal_expected_shortfall(
        draws, 0.5, system=[9, 8, 1, 0], minimum=1, resamples=0
    )
    assert found.loc["a", "mes"] == 1.5 and found.loc["a", "expected_shortfall"] == 3.5
    assert np.isnan(found.loc["a", "mes_error"])
    with pytest.raises(ValueError, match="differs from node to node"):
        measures.marginal_expected_shortfall(draws, system="others")


def test_a_tail_that_is_too_thin_is_said():
    draws = np.random.default_rng(0).random((150, 2))
    found = measures.marginal_expected_shortfall(draws, 0.95, resamples=2, rng=0)
    assert found.isna().all(axis=None)
    assert found.reasons["mes"] == dict.fromkeys([0, 1], "fewer than 10 scenarios in the tail")
    assert (
        measures.marginal_expected_shortfall(draws, 0.93, resamples=2, rng=0)["mes"].notna().all()
    )
    with pytest.raises(ct.ShockError, match=r"Only 7\.5 scenarios lie in the tail, 10 are needed"):
        measures.euler_allocation(draws, 0.95)


def test_unequal_weights_count_as_fewer_scenarios():
    """One scenario with half of the probability: 200 are worth (Σ p)² / Σ p² = 4."""
    weights = np.r_[1.0, np.full(199, 1 / 199)]
    with pytest.raises(ct.ShockError, match=r"Only 1\.9\d scenarios"):
        measures.euler_allocation(np.random.default_rng(0).random((200, 2)), 0.5, weights=weights)


def test_a_node_without_losses_has_no_ratio():
    draws = pd.DataFrame({"a": np.arange(100.0), "b": np.zeros(100)})
    found = measures.marginal_expected_shortfall(draws, 0.8, resamples=0)
    assert found.loc["b", "mes"] == 0 and np.isnan(found.loc["b", "ratio"])
    assert found.reasons["ratio"] == {"b": "it loses nothing in its own tail"}


# -- systemic expected shortfall -------------------------------------------------------------


def test_systemic_expected_shortfall_by_hand():
    """Left: 4, 1, 2, −2 together; target 2. Below it in the second and the last."""
    draws = pd.DataFrame({"a": [0.0, 2, 1, 3], "b": [1.0, 2, 2, 4]})
    found = measures.systemic_expected_shortfall(
        draws, {"b": 2, "a": 3}, pd.Series({"a": 1.5, "b": 0.5}), minimum=1, resamples=0
    )
    assert found["ses"].tolist() == [1.5 - 3 + 2.5, 0.5 - 2 + 3]
    assert found.probability == 0.5 and set(found.reasons) == {"ses_error"}  # no resamples


def test_no_crisis_no_number():
    draws = pd.DataFrame({"a": [0.0, 1], "b": [0.0, 1]})
    found = measures.systemic_expected_shortfall(draws, [9, 9], [1, 1])
    assert found.isna().all(axis=None) and found.probability == 0
    assert found.reasons["ses"]["a"] == "fewer than 10 scenarios in the crisis"
    with pytest.raises(ct.ShockError, match="capital: a finite amount is needed for 'b'"):
        measures.systemic_expected_shortfall(draws, {"a": 1}, [1, 1])
    with pytest.raises(ct.ShockError, match="target: a finite amount is needed for 'a', 'b'"):
        measures.systemic_expected_shortfall(draws, [1, 1], [1])


# -- CoVaR -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rho", [-0.3, 0.0, 0.6])
def test_covar_of_the_bivariate_normal(rho):
    """At VaR: ρ z + √(1 − ρ²) z, median √(1 − ρ²) z, so that Δ = ρ z (unit variances)."""
    draws, level = normals(rho, 100_000, seed=1), 0.9
    z = stats.norm.ppf(level)
    found = measures.covar(
        draws[["i"]], level, condition="at", window=0.01, system=draws["s"], resamples=30, rng=0
    ).loc["i"]
    spread = np.sqrt(1 - rho**2) * z
    assert abs(found["covar"] - (rho * z + spread)) < 4 * found["covar_error"]
    assert abs(found["delta_covar"] - rho * z) < 4 * found["delta_covar_error"]
    assert found["var"] == pytest.approx(z, abs=0.03)
    assert 0.01 < found["delta_covar_error"] < 0.1
    assert found["scenarios"] == pytest.approx(2_000, abs=2)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_covar_beyond_the_value_at_risk_of_the_normal(rho):
    """P(S ≤ c, I ≥ z) = q (1 − q), from the bivariate distribution function."""
    draws, level = normals(rho, 100_000, seed=2), 0.9
    z = stats.norm.ppf(level)
    found = measures.covar(draws[["i"]], level, system=draws["s"], resamples=30, rng=0).loc["i"]
    joint = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]])
    low, high = -1.0, 6.0
    for _ in range(60):
        middle = (low + high) / 2
        inside = stats.norm.cdf(middle) - joint.cdf([z, middle])
        low, high = (middle, high) if inside < level * (1 - level) else (low, middle)
    assert abs(found["covar"] - low) < 4 * found["covar_error"]
    assert found["scenarios"] == pytest.approx(10_000, abs=2)


@given(st.integers(0, 3_000))
def test_covar_against_a_plain_reference(seed):
    """Lumpy losses, weights, every node, the system with and without it; loops only."""
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, 6, (50, 3)).astype(float)
    weights = rng.random(50)
    for system in ("all", "others"):
        found = measures.covar(draws, 0.7, system=system, weights=weights, resamples=0, minimum=0.1)
        for i in range(3):
            own = draws[:, i].tolist()
            total = [row.sum() - (row[i] if system == "others" else 0.0) for row in draws]
            var = plain_quantile(own, weights.tolist(), 0.7)
            median = plain_quantile(own, weights.tolist(), 0.5)
            assert found.loc[i, "var"] == var
            if var <= median:
                assert np.isnan(found.loc[i, "covar"])
                assert "not above its median" in found.reasons["covar"][i]
                continue
            low = plain_quantile(own, weights.tolist(), 0.45)
            high = plain_quantile(own, weights.tolist(), 0.55)
            here = [s for s in range(50) if own[s] >= var]
            usual = [s for s in range(50) if low <= own[s] <= high]
            want = [
                plain_quantile([total[s] for s in part], [weights[s] for s in part], 0.7)
                for part in (here, usual)
            ]
            if not np.isnan(found.loc[i, "covar"]):
                assert found.loc[i, ["covar", "covar_median"]].tolist() == want
                assert found.loc[i, "delta_covar"] == want[0] - want[1]
            assert found.loc[i, "scenarios"] == len(here)


def test_covar_with_too_few_scenarios_is_nan():
    """5 % of 400 are 20 in distress, and 5 % of those is one beyond the CoVaR."""
    draws = normals(0.5, 400)
    found = measures.covar(draws, resamples=5, rng=0)
    assert found[["covar", "delta_covar", "covar_error"]].isna().all(axis=None)
    assert found["var"].notna().all() and found["scenarios"].tolist() == [21, 21]
    assert found.reasons["covar"]["i"] == "fewer than 10 scenarios beyond its CoVaR"
    assert measures.covar(draws, minimum=1, resamples=5, rng=0)["covar"].notna().all()
    wide = measures.covar(normals(0.5, 1_000), 0.8, minimum=30, resamples=0)
    assert wide.reasons["covar"]["i"].endswith("in its median state")


def test_nothing_depends_on_the_order_of_rows_or_columns():
    draws = normals(0.4, 3_000).assign(x=np.random.default_rng(5).exponential(size=3_000)).round(1)
    shuffled = draws.sample(frac=1, random_state=1)[["x", "s", "i"]]
    for measure in (measures.covar, measures.marginal_expected_shortfall):
        one = measure(draws, 0.8, resamples=10, rng=3)
        two = measure(shuffled, 0.8, resamples=10, rng=3).loc[one.index]
        pd.testing.assert_frame_equal(one, two, rtol=1e-9)


def test_weights_are_repeated_scenarios():
    draws = normals(0.4, 400)
    often = np.random.default_rng(0).integers(1, 4, 400)
    one = measures.covar(draws, 0.8, weights=often, resamples=0, minimum=0.1)
    two = measures.covar(draws.loc[draws.index.repeat(often)], 0.8, resamples=0, minimum=0.1)
    columns = ["var", "covar", "covar_median", "delta_covar"]
    pd.testing.assert_frame_equal(one[columns], two[columns])


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: measures.covar(x, 1.0), ValueError, "between 0 and 1"),
        (lambda x: measures.covar(x, condition="near"), ValueError, "choose 'beyond' or 'at'"),
        (lambda x: measures.covar(x, window=0.2), ValueError, "between 0 and 0.05"),
        (lambda x: measures.covar(x, system="sum"), ValueError, "choose 'all', 'others'"),
        (lambda x: measures.covar(x, system=[1.0]), ct.ShockError, "system has 1 entries"),
        (lambda x: measures.covar(x, weights=-np.ones(50)), ct.ShockError, "weights have shape"),
        (lambda x: measures.covar(x.where(x > 0.1)), ct.ShockError, "not finite for 'a', 'b'"),
        (lambda x: measures.covar(x.head(0)), ct.ShockError, "losses are empty"),
        (lambda x: measures.euler_allocation(x, risk="var"), ValueError, "'volatility'"),
    ],
)
def test_samples_that_do_not_fit(call, error, text):
    draws = pd.DataFrame(np.random.default_rng(0).random((50, 2)), columns=["a", "b"])
    with pytest.raises(error, match=text):
        call(draws)


# -- dependence ------------------------------------------------------------------------------


def test_tail_dependence_of_copies_and_of_independent_nodes():
    rng = np.random.default_rng(0)
    x = rng.random((20_000, 2))
    draws = pd.DataFrame({"a": x[:, 0], "same": 2 * x[:, 0] + 1, "other": x[:, 1], "none": 0.0})
    found = measures.tail_dependence(draws, 0.95)
    assert found.loc["a", "same"] == pytest.approx(1) and found.loc["a", "none"] == 0
    assert found.loc["a", "other"] == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 1_000))
    assert found.loc["none"].isna().all()
    assert found.reasons["none"] == {"none": "fewer than 10 scenarios beyond its value at risk"}


def test_from_simulated_losses_to_the_tail():
    """The whole way: scenarios, a model, and who is in the tail of the system."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 30, 0], [0, 0, 0], [0, 0, 0]], list("abc"), orientation="debtor->creditor",
        equity=[10, 20, 20],
    )  # fmt: skip
    rng = np.random.default_rng(0)
    losses = np.zeros((4_000, 3))
    losses[:, 0] = np.minimum(30 * rng.exponential(0.3, 4_000), net.book.external_assets[0])
    outcome = ct.EisenbergNoe().solve(net, losses)
    lost = pd.DataFrame(
        np.maximum(net.book.equity, 0) - np.maximum(outcome.equity, 0), columns=net.names
    )
    found = measures.covar(lost, 0.9, resamples=10, rng=0)
    assert found.loc["a", "delta_covar"] > 5
    assert found.reasons["covar"] == {"c": "its loss at the level is not above its median loss"}
    mes = measures.marginal_expected_shortfall(lost, 0.9, resamples=10, rng=0)
    assert (
        mes.loc["a", "mes"] == pytest.approx(10)
        and 0 < mes.loc["b", "mes"] < 20
        and mes.loc["c", "mes"] == 0
    )
