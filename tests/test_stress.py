"""Stress tests: the numbers, their errors, and that no number depends on how a run is cut."""

from __future__ import annotations

import itertools
import pickle
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
import random_calls
from conftest import VENUES_TOO, Hasty, from_liabilities, random_network
from scipy.special import gammainc, gammaincinv

import contagion as ct
from contagion.errors import StressError
from contagion.experiments.stress import stress_test
from contagion.experiments.stress.collect import tail_shares
from contagion.experiments.stress.nodes import components
from contagion.experiments.stress.plan import Plan, checkpoints, chunk_size
from contagion.experiments.stress.sums import Tree, grouping
from contagion.scenarios import scenario_set as base
from contagion.scenarios.scenario_set import Batch, Scenarios
from contagion.statistics.scenario_estimates import Draws, estimated, proportion


@dataclass(frozen=True, eq=False, repr=False)
class Given(Scenarios):
    """Scenarios whose arrays are simply there."""

    losses: np.ndarray
    recoveries: np.ndarray | None = None
    weights: np.ndarray | None = None
    replicate: np.ndarray | None = None

    @property
    def unit_weights(self) -> bool:
        return self.weights is None

    @property
    def groups(self) -> np.ndarray | None:
        return self.replicate

    def _block(self, number: int) -> Batch:
        at = slice(number * self.block, min((number + 1) * self.block, self.count))
        parts = (self.losses, self.recoveries, self.weights)
        return Batch(*(None if x is None else x[at].copy() for x in parts))


def given(net: ct.ExposureNetwork, losses: np.ndarray, **more: Any) -> Given:
    words = {"kind": "given", "scenarios": len(losses)}
    return Given(net.names, net.book.external_assets, len(losses), words, (), losses, **more)


def drawn(net: ct.ExposureNetwork, count: int, seed: int = 0, size: float = 0.9) -> np.ndarray:
    """Losses (count, n) between nothing and `size` of external assets, many of them zero."""
    rng = np.random.default_rng(seed)
    hit = rng.random((count, len(net))) < 0.4
    return hit * size * rng.random((count, len(net))) * np.nan_to_num(net.book.external_assets)


def islands(n: int = 3, equity: float = 1e6) -> ct.ExposureNetwork:
    """Nodes that owe each other nothing, and have a million to lose."""
    return from_liabilities(np.zeros((n, n)).tolist(), [1e6] * n, equity=[equity] * n)


# -- against the results of single runs ---------------------------------------------------------

MODELS = {name: kind() for name, kind in ct.models.MODELS.items()}
MODELS["rogers-veraart"] = ct.models.RogersVeraart(0.6, 0.7, which="greatest")
FEATURES = {
    "plain": frozenset[str](),
    "every feature": frozenset(VENUES_TOO),
    "cannot fail": frozenset({"unfailing", "unknown", "pari_passu"}),
}


def one_by_one(net, model, losses, pins, baseline):
    """Every scenario by itself, from the labelled result: rows of plain numbers."""
    rows, by_node = [], []
    for k in range(len(losses)):
        shock = ct.Shock.loss({n: float(x) for n, x in zip(net.names, losses[k], strict=True)})
        for name, rate in zip(net.names, pins[k], strict=True):
            if not np.isnan(rate):
                shock = shock + ct.Shock.default(name, recovery=float(rate))
        result = model.propagate(net, shock, baseline=baseline)
        row = {
            "loss": sum(result.borne).sum(),
            "direct_loss": result.entries.shock.sum(),
            "defaults": result.outcome.defaulted.sum(),
        }
        if model.settles:
            s = result.socialization
            row |= {
                "initial_loss": s.initial_loss,
                "direct_loss": s.absorbed_by_trigger,
                "owners_loss": result.borne[0].sum(),
                "relief": s.relief,
                "socialized": s.socialized,
                "deadweight": s.deadweight,
                "external_loss": result.borne[1].sum(),
            }
        rows.append(row)
        by_node.append(sum(result.borne))
    return pd.DataFrame(rows), np.array(by_node)


@pytest.mark.parametrize("features", FEATURES, ids=str)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_every_number_is_that_of_a_single_run(model, features):
    """All models of the registry, with pinned defaults, from both baselines."""
    for seed in range(3, 8 if model.settles else 5):
        baseline = ("cleared", "book")[seed % 2]
        net = random_network(seed, 6, 2.0, FEATURES[features])
        losses = drawn(net, 5, seed)
        pins = np.full(losses.shape, np.nan)
        pins[1, 2], pins[3, 0] = 0.0, 0.0
        losses[1, 2] = losses[3, 0] = losses[4] = 0.0
        test = stress_test(
            net, model, given(net, losses, recoveries=pins), baseline=baseline, keep=("loss",)
        )
        rows, by_node = one_by_one(net, model, losses, pins, baseline)
        scale = np.nansum(net.book.external_assets) + net.book.claims.sum()
        table = test.scenarios
        for name in rows:
            np.testing.assert_allclose(table[name], rows[name], atol=1e-8 * scale, err_msg=name)
        np.testing.assert_allclose(test.kept("loss"), by_node, atol=1e-8 * scale)
        mean = by_node.mean(axis=0)
        np.testing.assert_allclose(test.nodes["mean_loss"], mean, atol=1e-8 * scale)


def test_calls_on_guarantors_are_counted_like_in_a_single_run():
    """Guarantees of every kind; guarantors that fail, are pinned, cannot fail or are unknown."""
    model, pinned = ct.EisenbergNoe(), 0
    for seed in range(14):
        net = random_calls.network(seed)
        losses, pins, _ = random_calls.shock(net, seed).arrays(net)
        pinned += int((~np.isnan(pins)).sum())
        pair, rates = np.stack([losses, 0 * losses]), np.stack([pins, 0 * pins + np.nan])
        for baseline in ("book", "cleared"):
            test = stress_test(
                net, model, given(net, pair, recoveries=rates), baseline=baseline, keep=("loss",)
            )
            rows, by_node = one_by_one(net, model, pair, rates, baseline)
            scale = np.nansum(net.book.external_assets) + net.book.claims.sum()
            for name in rows:
                np.testing.assert_allclose(test.scenarios[name], rows[name], atol=1e-8 * scale)
            np.testing.assert_allclose(test.kept("loss"), by_node, atol=1e-8 * scale)
    assert pinned > 4


def same_as_single_runs(net, model, shocks, baseline):
    """The stress test of some shocks, held against each one by itself."""
    losses, pins, _ = map(np.stack, zip(*(shock.arrays(net) for shock in shocks), strict=True))
    test = stress_test(
        net, model, given(net, losses, recoveries=pins), baseline=baseline, keep=("loss",)
    )
    rows, by_node = one_by_one(net, model, losses, pins, baseline)
    np.testing.assert_allclose(test.scenarios[rows.columns], rows, atol=1e-8)
    np.testing.assert_allclose(test.kept("loss"), by_node, atol=1e-8)
    return test


def test_what_was_lost_before_the_shock_is_left_out_of_cleared_baselines():
    """a owes b 10 and has 8; in default half of that is gone: 4 of deadweight without any shock."""
    net = from_liabilities([[0, 10], [0, 0]], [8, 9])
    model, shocks = (
        ct.models.RogersVeraart(0.5, 0.5, which="greatest"),
        [ct.Shock.loss({"b": 1}), NONE],
    )
    test = same_as_single_runs(net, model, shocks, "book")
    assert test.scenarios["loss"].tolist() == [7.0, 6.0]  # of it 6 of before: 2, and 4 costs
    assert test.scenarios["deadweight"].tolist() == [0.0, 0.0]
    test = same_as_single_runs(net, model, shocks, "cleared")
    assert test.scenarios["loss"].tolist() == [1.0, 0.0]


NONE = ct.Shock()


def test_a_pinned_node_that_nobody_knows_by_hand():
    """u holds 10 on x, who has 6 of it, and owes c 5: its failure alone destroys 5."""
    nodes = pd.DataFrame({"node": ["x", "u", "c"], "external_assets": [6.0, np.nan, 9.0]})
    owed = pd.DataFrame({"creditor": ["u", "c"], "debtor": ["x", "u"], "amount": [10.0, 5.0]})
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external")
    shocks = [ct.Shock.default("u", recovery=0.0), NONE]
    test = same_as_single_runs(net, ct.EisenbergNoe(), shocks, "cleared")
    assert test.scenarios["initial_loss"].tolist() == [5.0, 0.0]
    for baseline in ("book", "cleared"):
        same_as_single_runs(net, ct.EisenbergNoe(), shocks, baseline)


def test_an_unknown_guarantor_that_fails_passes_on_what_it_is_called_for():
    """g loses 20 on x in any case and is called for 5 more, which it does not pay any longer."""
    nodes = pd.DataFrame({"node": ["x", "g", "b"], "external_assets": [0.0, np.nan, 50.0]})
    owed = pd.DataFrame({"creditor": ["g", "b"], "debtor": ["x", "x"], "amount": [20.0, 5.0]})
    covers = pd.DataFrame({"guarantor": ["g"], "debtor": ["x"], "creditor": ["b"], "amount": [5.0]})
    net = ct.ExposureNetwork(nodes, owed, guarantees=covers, missing_equity="external")
    test = same_as_single_runs(
        net, ct.EisenbergNoe(), [ct.Shock.default("g", recovery=0.0), NONE], "cleared"
    )
    assert test.kept()[0].tolist() == [0.0, 0.0, 5.0]


def test_shares_held_in_other_nodes_are_counted_once():
    """a loses 4; b owns half of a and bears 2 of them: the system loses 4, not 6."""
    nodes = pd.DataFrame({"node": ["a", "b"], "external_assets": [10.0, 5.0]})
    owed = pd.DataFrame({"creditor": ["a"], "debtor": ["b"], "amount": [1.0]})
    held = pd.DataFrame({"owner": ["b"], "company": ["a"], "fraction": [0.5]})
    net = ct.ExposureNetwork(nodes, owed, shareholdings=held)
    test = stress_test(net, ct.models.CrossHoldings(), given(net, np.array([[4.0, 0], [0, 0]])))
    assert test.scenarios["loss"].tolist() == pytest.approx([4.0, 0.0])
    assert test.nodes["mean_loss"].tolist() == pytest.approx([1.0, 1.0])


def test_the_chain_by_hand(chain):
    """b cannot pay c 8 when a pays it 4 instead of 10: it has 1 + 4, c gets 5."""
    test = stress_test(
        chain,
        ct.EisenbergNoe(),
        given(chain, np.array([[8.0, 0, 0, 0], [0, 0, 0, 0.5], [0, 0, 0, 0], [0, 0, 0, 0]])),
        levels=(0.5,),
    )
    assert test.scenarios["loss"].tolist() == [8.0, 0.5, 0.0, 0.0]
    assert test.scenarios["socialized"].tolist() == [6.0, 0.0, 0.0, 0.0]
    assert test.scenarios["defaults"].tolist() == [2, 0, 0, 0]
    assert test.nodes["mean_loss"].tolist() == [0.5, 0.75, 0.75, 0.125]
    assert test.nodes["default_probability"].tolist() == [0.25, 0.25, 0, 0]
    assert test.joint_defaults.loc["a", "b"] == 0.25
    assert test.default_given_default.loc["a"].tolist() == [1.0, 1.0, 0.0, 0.0]
    assert test.loss_given_default.loc["b"].tolist() == [2.0, 3.0, 3.0, 0.0]
    assert test.default_given_default.loc["c"].isna().all()
    assert test.default_given_default.reasons["a"]["c"].startswith("never in default")
    tail = test.in_tail(0.5)  # the worst two of four
    assert tail["loss"].tolist() == [1.0, 1.5, 1.5, 0.25]
    assert tail["default_probability"].tolist() == [0.5, 0.5, 0.0, 0.0]
    assert tail["loss"].sum() == test.expected_shortfall(0.5).value


# -- independent of how it is cut ---------------------------------------------------------------

CASES = {
    "clearing": (ct.EisenbergNoe(), {}),
    "DebtRank": (ct.DebtRank(), {}),
    "paired": (ct.EisenbergNoe(), {"design": "paired"}),
}


@pytest.fixture(scope="module")
def wide():
    """150 nodes in a ring of rings: blocks of 1,024 scenarios, many rounds, many defaults."""
    return random_network(11, 150, 3.0, frozenset({"insolvent", "tiers", "queues", "pari_passu"}))


def twin(net: ct.ExposureNetwork) -> ct.ExposureNetwork:
    """The same nodes, every claim half as large, equity as before."""
    half = net.exposures.assign(amount=net.amount / 2)
    return ct.ExposureNetwork(net.nodes, half, duplicates="keep", unit=net.unit)


@pytest.mark.parametrize(("model", "more"), CASES.values(), ids=CASES.keys())
def test_chunks_and_processes_do_not_change_a_bit(model, more, monkeypatch):
    """Blocks of 16 instead of 1,024, so that chunks of 7, 64 and 1,000 really differ."""
    monkeypatch.setattr(base, "BLOCK", 16)
    net = random_network(5, 8, 2.5, frozenset({"insolvent", "tiers", "queues"}))
    nets = [net, twin(net)] if "design" in more else net
    weights = np.random.default_rng(1).exponential(size=1001)
    set_of = given(net, drawn(net, 1001, 5, 1.0), weights=weights)
    tests = [
        stress_test(nets, model, set_of, chunk=c, levels=(0.99,), **more) for c in (7, 64, 1000)
    ]
    assert {test.digest() for test in tests} == {tests[0].digest()}
    assert len(tests[0]) == 1001


def test_one_process_and_two_give_the_same_bits(wide):
    scenarios = ct.scenarios.common_factor(wide, scenarios=5000, volatility=0.4, rng=1)
    alone, both = (
        stress_test(wide, ct.EisenbergNoe(), scenarios, n_jobs=jobs, chunk=1024) for jobs in (1, 2)
    )
    assert alone.digest() == both.digest()
    assert 0 < alone.nodes["default_probability"].mean() < 1


def test_a_scenario_left_alone_is_solved_like_the_others(ring):
    """1,025 scenarios: the last one makes a block of its own."""
    losses = np.tile([[3.0, 0, 0]], (1025, 1))
    test = stress_test(ring, ct.EisenbergNoe(), given(ring, losses), keep=("loss", "defaulted"))
    assert len(np.unique(test.kept("loss"), axis=0)) == 1
    assert test.kept("defaulted").shape == (1025, 3)
    assert test.scenarios["loss"].nunique() == 1


def test_sums_are_added_along_one_tree_whatever_the_cut():
    rng = np.random.default_rng(0)
    blocks = [{"x": rng.lognormal(0, 9, 4)} for _ in range(37)]

    def total(cuts):
        whole = Tree()
        for first, last in itertools.pairwise(cuts):
            part = Tree()
            for number in range(first, last):
                part.push(0, number, blocks[number])
            assert len(part.branches) <= 2 * (last - first).bit_length()
            whole.extend(part.branches)
        return whole.total()["x"]

    first = total([0, 37])
    for cuts in ([0, 1, 2, 3, 37], [0, 5, 6, 20, 37], [*range(38)], [0, 16, 32, 37]):
        assert (total(cuts) == first).all()
    np.testing.assert_allclose(first, np.sum([b["x"] for b in blocks], axis=0))


def test_plan_covers_every_scenario_once():
    plan = Plan(1000, 3, 16, 64, (300, 1000))
    seen = np.zeros((3, 1000), int)
    for lane, start, stop in plan.every():
        assert stop - start <= 64
        seen[lane, start:stop] += 1
    assert (seen == 1).all()
    assert [stop for _, _, stop in plan.tasks(0, 300)][-1] == 300
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="chunk"):
            chunk_size(wrong, 16, 10)  # type: ignore[arg-type]


# -- closed forms -------------------------------------------------------------------------------


def test_var_and_es_of_a_gamma():
    """Three nodes without exposures that lose Exp(1) each: the sum is Gamma(3)."""
    net, rng = islands(), np.random.default_rng(4)
    test = stress_test(net, ct.EisenbergNoe(), given(net, rng.exponential(size=(40_000, 3))))
    mean, var, es = test.mean(), test.value_at_risk(0.99), test.expected_shortfall(0.99)
    q = float(gammaincinv(3, 0.99))
    true_es = 3 * (1 - float(gammainc(4, q))) / 0.01
    for found, true in ((mean, 3.0), (var, q), (es, true_es)):
        assert found.low < true < found.high
        assert abs(found.value - true) < 4 * found.standard_error
        assert found.n == 40_000
    assert mean.standard_error == pytest.approx(np.sqrt(3 / 40_000), rel=0.05)
    tail = test.in_tail(0.99)
    assert tail["loss"].sum() == pytest.approx(es.value, rel=1e-12)
    assert tail["share"].to_numpy() == pytest.approx(1 / 3, abs=0.05)
    curve = test.exceedance([q])
    assert curve["low"].iloc[0] < 0.01 < curve["high"].iloc[0]


def test_a_chain_with_a_known_distribution():
    """a owes b 10 and has 12: of a loss U(0, 12), b loses max(U − 2, 0), its owners up to their 7,
    its creditors the rest. Owners together saturate at 9, the whole loss is U."""
    net = from_liabilities([[0, 10], [0, 0]], [12, 0], equity=[2, 7])
    u = np.random.default_rng(8).uniform(0, 12, 20_000)
    test = stress_test(net, ct.EisenbergNoe(), given(net, np.column_stack([u, 0 * u])))
    p = test.default_probability()
    assert (p["low"] < [10 / 12, 3 / 12]).all() and (p["high"] > [10 / 12, 3 / 12]).all()
    mean = test.nodes["mean_loss"] - [2 * 10 / 12 + 2 * 1 / 12, 100 / 24]
    assert (mean.abs() < 4 * test.nodes["loss_error"]).all()
    assert test.value_at_risk(0.5).low < 6 < test.value_at_risk(0.5).high
    tail = test.value_at_risk(0.95), test.expected_shortfall(0.95), test.value_at_risk(0.99)
    assert [round(float(x.value), 1) for x in tail] == [11.4, 11.7, 11.9]
    assert test.value_at_risk(0.99, "owners_loss").value == 9.0
    assert test.mean("socialized").value <= test.mean("loss").value
    both = test.joint_defaults
    assert both.loc["a", "b"] == both.loc["b", "b"] == p.loc["b", "value"]
    assert test.default_given_default.loc["b", "a"] == 1.0


# -- errors of estimates ------------------------------------------------------------------------

TRUE = {"mean": 1.0, "value_at_risk": np.log(20), "expected_shortfall": np.log(20) + 1}


def exponentials(kind: str, seed: int, n: int = 1000) -> Draws:
    """Exp(1): independent, from a wider density, in antithetic pairs, or each four times."""
    rng = np.random.default_rng(seed)
    if kind in ("plain", "self-normalised"):
        x = rng.exponential(1 / 0.4, n)
        return Draws(x, np.exp(-0.6 * x) / 0.4, None, kind)  # type: ignore[arg-type]
    if kind == "antithetic":
        u = rng.random(n // 2)
        return Draws(-np.log(np.concatenate([u, 1 - u])), None, np.tile(np.arange(n // 2), 2))
    if kind == "copies":
        return Draws(np.repeat(rng.exponential(size=n), 4), None, np.arange(4 * n) // 4)
    return Draws(rng.exponential(size=n))


@pytest.mark.parametrize("statistic", TRUE)
@pytest.mark.parametrize("kind", ["simple", "plain", "self-normalised", "antithetic", "copies"])
def test_intervals_cover_at_their_level(kind, statistic):
    hits, values, errors = [], [], []
    for seed in range(500):
        found = estimated(exponentials(kind, seed), statistic, 0.95, 0.9)
        hits.append(found.low <= TRUE[statistic] <= found.high)
        values.append(found.value)
        errors.append(found.standard_error)
    assert 0.86 <= np.mean(hits) <= 0.94  # 90 % ± 3 standard errors of 500 repetitions
    assert np.mean(values) == pytest.approx(TRUE[statistic], rel=0.03)
    assert np.sqrt(np.nanmean(np.square(errors))) == pytest.approx(np.std(values), rel=0.15)


def test_groups_and_weights_change_the_error_as_they_should():
    one = estimated(exponentials("antithetic", 1), "mean", 0.5, 0.95)
    alone = estimated(Draws(exponentials("antithetic", 1).x), "mean", 0.5, 0.95)
    assert one.value == pytest.approx(alone.value, rel=1e-12)
    assert one.standard_error < 0.7 * alone.standard_error  # corr(−ln U, −ln(1 − U)) = −0.645
    tail = [estimated(exponentials(k, 1, 4000), "value_at_risk", 0.999, 0.95) for k in TAILS]
    assert tail[1].standard_error < tail[0].standard_error / 3
    assert "plain weights" in tail[1].method and "replicates" in one.method


TAILS = ("simple", "plain")


def test_bootstrap_agrees_with_the_asymptotic_interval():
    for kind in ("simple", "plain", "self-normalised", "antithetic"):
        draws = exponentials(kind, 3, 2000)
        for statistic in TRUE:
            one = estimated(draws, statistic, 0.95, 0.9)
            boot = estimated(draws, statistic, 0.95, 0.9, "bootstrap", 400, 7)
            assert boot.value == pytest.approx(one.value, rel=1e-9)
            assert boot.standard_error == pytest.approx(one.standard_error, rel=0.25), kind
            assert boot.method.startswith("bootstrap")
    again = estimated(draws, statistic, 0.95, 0.9, "bootstrap", 400, 7)
    assert again == boot


def plain_var_es(x, w, total, level):
    """The definitions, in a loop over the sample."""
    for q in sorted(x):
        if sum(b for a, b in zip(x, w, strict=True) if a > q) <= (1 - level) * total + 1e-9:
            break
    over = sum(b * max(a - q, 0) for a, b in zip(x, w, strict=True))
    return q, q + over / total / (1 - level)


def test_weighted_risk_measures_are_their_definitions():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x, w = rng.integers(0, 9, 40).astype(float), rng.exponential(size=40)
        for weighting, total in (("plain", 40.0), ("self-normalised", w.sum())):
            draws = Draws(x, w, None, weighting)
            var = estimated(draws, "value_at_risk", 0.8, 0.95).value
            es = estimated(draws, "expected_shortfall", 0.8, 0.95).value
            assert (var, es) == pytest.approx(plain_var_es(x, w, total, 0.8))
            share = tail_shares(draws, 0.8, 1)[0]
            assert share.sum() == pytest.approx(1)
            if weighting == "self-normalised":
                assert share @ x == pytest.approx(es)


def test_probabilities_that_were_never_seen_have_an_interval():
    low, high = proportion(np.array([0.0, 1.0, 0.5]), np.array([0, 0, 0.05]), 100, 0.95, False)
    assert low.tolist()[0] == 0 and high[0] == pytest.approx(1 - 0.025 ** (1 / 100))
    assert high[1] == 1 and low[1] == pytest.approx(0.025 ** (1 / 100))
    assert 0.39 < low[2] < 0.41 and 0.59 < high[2] < 0.61
    low, high = proportion(np.array([0.0, 0.3]), np.array([0.0, 0.1]), 100, 0.95, True)
    assert (
        np.isnan(low[0]) and np.isnan(high[0]) and low[1] == pytest.approx(0.3 - 0.1984, abs=1e-3)
    )


# -- weights and groups from end to end ---------------------------------------------------------


def test_importance_sampling_is_unbiased_by_node_and_system():
    """Exp(1) on three islands from Exp(mean 2): weights Π 2 exp(−x/2)."""
    net, rng = islands(), np.random.default_rng(9)
    x = rng.exponential(2.0, (30_000, 3))
    w = np.prod(2 * np.exp(-x / 2), axis=1)
    for weighting in ("plain", "self-normalised"):
        test = stress_test(net, ct.EisenbergNoe(), given(net, x, weights=w), weighting=weighting)
        for found, true in (
            (test.mean(), 3.0),
            (test.value_at_risk(0.99), gammaincinv(3, 0.99)),
        ):
            assert found.low < true < found.high
        nodes = test.nodes
        assert (abs(nodes["mean_loss"] - 1) < 4 * nodes["loss_error"]).all()
        total = len(w) if weighting == "plain" else w.sum()
        center = nodes["mean_loss"].to_numpy() * (1 if weighting == "plain" else w[:, None])
        error = np.sqrt(((w[:, None] * x - center) ** 2).sum(0)) / total
        np.testing.assert_allclose(nodes["loss_error"], error, rtol=1e-3)
        assert test.in_tail(0.99)["loss"].sum() == pytest.approx(
            test.expected_shortfall(0.99).value, rel=1e-9
        )


@pytest.mark.parametrize("mode", ["each", "inside", "few"])
@pytest.mark.parametrize("weighting", ["plain", "self-normalised", None])
def test_errors_of_nodes_are_those_of_replicates(mode, weighting):
    """Against a loop over replicates; "inside": pairs of neighbours, "few": eight interleaved."""
    net, rng = islands(equity=1.5), np.random.default_rng(2)
    n = 4096
    group = {"each": np.arange(n), "inside": np.arange(n) // 2, "few": np.arange(n) % 8}[mode]
    lost = rng.exponential(size=(n, 3)) + rng.exponential(size=n)[group][:, None]
    w = None if weighting is None else rng.exponential(size=n)
    set_of = given(net, lost, weights=w, replicate=None if mode == "each" else group)
    assert grouping(group, 1024, 3).mode == mode
    test = stress_test(net, ct.EisenbergNoe(), set_of, weighting=weighting or "plain")
    ones = np.ones(n) if w is None else w
    total = n if weighting != "self-normalised" else ones.sum()
    count = len(np.unique(group))

    def expected(x):
        mean = ones @ x / total
        own = ones if weighting == "self-normalised" else np.ones(n)
        apart = pd.Series(ones * x - mean * own).groupby(group).sum()
        return mean, np.sqrt(count / (count - 1) * (apart**2).sum()) / total

    loss, default = lost, lost > 1.5  # what owners do not bear their creditors do
    for node in range(3):
        row = test.nodes.iloc[node]
        found = row["mean_loss"], row["loss_error"]
        np.testing.assert_allclose(found, expected(loss[:, node]))
        found = row["default_probability"], row["default_error"]
        np.testing.assert_allclose(found, expected(default[:, node].astype(float)))
    kind = test.by_kind.iloc[0]
    found = kind["mean_defaults"], kind["defaults_error"]
    np.testing.assert_allclose(found, expected(default.sum(axis=1)))
    np.testing.assert_allclose((kind["mean_loss"], kind["loss_error"]), expected(loss.sum(axis=1)))
    mean = test.mean()
    np.testing.assert_allclose((mean.value, mean.standard_error), expected(loss.sum(axis=1)))
    both = expected(default[:, 0] & default[:, 1])[0]
    assert test.joint_defaults.iloc[0, 1] == pytest.approx(both)
    either = expected(default[:, 0] * loss[:, 1])[0] / expected(default[:, 0] * 1.0)[0]
    assert test.loss_given_default.iloc[0, 1] == pytest.approx(either)


def test_replicates_are_numbered_in_the_order_in_which_they_begin():
    """So that a run that stops early knows those that it has seen."""
    assert grouping(np.array([5, 5, 1, 1, 3, 3]), 2, 3).number.tolist() == [0, 0, 1, 1, 2, 2]
    net, rng = islands(), np.random.default_rng(5)
    group = 9 - np.arange(10_240) // 1024 % 10 // 2 * 2  # five replicates of two blocks each
    x = 1 + rng.random((10_240, 3)) / 10
    test = stress_test(
        net, ct.EisenbergNoe(), given(net, x, replicate=group), target_error=0.5, levels=()
    )
    assert len(test) == 4096  # one replicate alone has no error
    sums = x[:4096].reshape(2, 2048, 3).mean(axis=1)
    np.testing.assert_allclose(test.nodes["loss_error"], sums.std(axis=0, ddof=1) / np.sqrt(2))


def test_replicates_that_cannot_be_kept_apart_say_so(monkeypatch):
    net = islands()
    monkeypatch.setattr("contagion.experiments.stress.sums.FEW", 10)
    group = np.arange(4096) % 2048  # pairs half the set apart
    x = np.random.default_rng(0).exponential(size=(4096, 3))
    test = stress_test(net, ct.EisenbergNoe(), given(net, x, replicate=group))
    assert test.nodes["loss_error"].isna().all()
    assert test.default_probability()["low"].isna().all()
    assert test.mean().standard_error > 0


def test_antithetic_and_sobol_scenarios_of_the_package(star):
    plain, pairs, sobol = (
        ct.scenarios.common_factor(
            star, scenarios=4096, volatility=0.3, rng=3, sampling=ct.scenarios.Sampling(**how)
        )
        for how in ({}, {"antithetic": True}, {"sobol": True})
    )
    tests = [stress_test(star, ct.EisenbergNoe(), s, levels=()) for s in (plain, pairs, sobol)]
    errors = [test.mean().standard_error for test in tests]
    assert errors[1] < errors[0] and errors[2] < errors[0]
    assert "replicates" in tests[2].mean().method
    by_node = [test.nodes["loss_error"].iloc[0] for test in tests]
    assert by_node[1] < by_node[0] and by_node[2] < by_node[0]


# -- ensembles ----------------------------------------------------------------------------------


def test_crossed_networks_see_every_scenario(chain):
    losses = drawn(chain, 300, 1)
    nets = [chain, twin(chain)]
    test = stress_test(nets, ct.EisenbergNoe(), given(chain, losses))
    single = [stress_test(net, ct.EisenbergNoe(), given(chain, losses)) for net in nets]
    assert (single[0].scenarios["socialized"] != single[1].scenarios["socialized"]).any()
    for number, alone in enumerate(single):
        mine = test.scenarios.loc[number, "socialized"].to_numpy()
        assert (mine == alone.scenarios["socialized"]).all()
    mean = np.mean([alone.nodes["mean_loss"] for alone in single], axis=0)
    np.testing.assert_allclose(test.nodes["mean_loss"], mean)
    spread = np.std([alone.nodes["mean_loss"] for alone in single], axis=0, ddof=1)
    np.testing.assert_allclose(test.nodes["network_spread"], spread)
    assert test.networks["mean_loss"].tolist() == [alone.mean().value for alone in single]
    # the same scenarios on both: their error does not shrink with the number of networks
    assert test.mean().standard_error > 0.9 * min(a.mean().standard_error for a in single)
    assert test.mean().n == 600
    errors = [alone.nodes["loss_error"] for alone in single]
    by_node = np.mean([stress_loss(net, losses) for net in nets], axis=0)
    exact = by_node.std(axis=0, ddof=1) / np.sqrt(300)
    np.testing.assert_allclose(test.nodes["loss_error"], np.mean(errors, axis=0))
    assert (test.nodes["loss_error"] >= exact * (1 - 1e-9)).all()
    assert test.in_tail(0.95)["loss"].sum() == pytest.approx(test.expected_shortfall(0.95).value)
    parts = test.variance()
    y = test.columns["loss"]
    assert parts.sum() == pytest.approx(y.var(axis=1, ddof=1).mean() + parts["network"], rel=1e-9)


def stress_loss(net: ct.ExposureNetwork, losses: np.ndarray) -> np.ndarray:
    return stress_test(net, ct.EisenbergNoe(), given(net, losses), keep=("loss",)).kept("loss")


def test_paired_networks_take_scenarios_in_turn(chain, monkeypatch):
    """Blocks of 16, so that the tail of the second chunk has to know its numbers too."""
    monkeypatch.setattr(base, "BLOCK", 16)
    losses = drawn(chain, 301, 1)
    nets = [chain, twin(chain), chain]
    test = stress_test(
        nets,
        ct.EisenbergNoe(),
        given(chain, losses),
        design="paired",
        keep=("loss",),
        levels=(0.5,),
    )
    share = tail_shares(Draws(test.scenarios["loss"].to_numpy()), 0.5, 1)[0]
    np.testing.assert_allclose(test.in_tail(0.5)["loss"], share @ test.kept(), atol=1e-9)
    single = [stress_test(net, ct.EisenbergNoe(), given(chain, losses)) for net in nets]
    for number, alone in enumerate(single):
        mine = test.scenarios.loc[number, "socialized"]
        np.testing.assert_allclose(mine, alone.scenarios["socialized"].to_numpy()[mine.index])
        assert (mine.index % 3 == number).all()
    assert test.variance()["rest"] == 0
    assert len(test.networks) == 3


def test_components_of_variance_by_hand():
    """Means 1 and 13 of networks, 5 and 9 of scenarios, and ±1 that both explain together.

    Rest: 1 · 2 · 2 = 4. Scenario: 8 − 4/2. Network: 72 − 4/2.
    """
    y = np.array([[0.0, 2.0], [10.0, 16.0]])
    assert components(y, None, 2, True).tolist() == pytest.approx([70.0, 6.0, 4.0])
    assert components(y, np.ones(2), 2, True).tolist() == pytest.approx([70.0, 6.0, 4.0])
    # paired, scenarios 0 and 2 on network 0: 0 and 10; 1 and 3 on network 1: 2 and 16
    # inside (50 + 98) / 2, between (5 − 9)² / 2 less 74 / 2: below 0
    flat = np.array([[0.0, 2.0, 10.0, 16.0]])
    assert components(flat, None, 2, False).tolist() == pytest.approx([0.0, 74.0, 0.0])


def test_components_of_variance_are_unbiased():
    rng, found, weighted, paired = np.random.default_rng(0), [], [], []
    for _ in range(400):
        network = 2 * rng.normal(size=(4, 1))
        y = network + 3 * rng.normal(size=30) + rng.normal(size=(4, 30))
        found.append(components(y, None, 4, True))
        weighted.append(components(y, rng.uniform(0.5, 1.5, 30), 4, True))
        z = np.tile(network[:, 0], 10) + 3 * rng.normal(size=40)
        paired.append(components(z[None], None, 4, False))
    for many in (found, weighted):
        mean = pd.DataFrame(many).mean()
        assert mean["network"] == pytest.approx(4, rel=0.15)
        assert mean["scenario"] == pytest.approx(9, rel=0.1)
        assert mean["rest"] == pytest.approx(1, rel=0.1)
    mean = pd.DataFrame(paired).mean()
    assert mean["network"] == pytest.approx(4, rel=0.2) and mean["scenario"] == pytest.approx(
        9, rel=0.1
    )


# -- when to stop, and what did not converge ----------------------------------------------------


def test_it_stops_when_the_error_is_small_enough():
    net = islands()
    x = np.random.default_rng(3).exponential(size=(60_000, 3))
    test = stress_test(net, ct.EisenbergNoe(), given(net, x), target_error=0.01, chunk=1024)
    counts = checkpoints(60_000, None)
    errors = {
        n: np.std(x[:n].sum(axis=1), ddof=1) / np.sqrt(n) / x[:n].sum(axis=1).mean() for n in counts
    }
    wanted = next(n for n in counts if errors[n] <= 0.01)
    assert len(test) == wanted < 60_000
    assert test.mean().standard_error / test.mean().value <= 0.01
    assert "within the target" in repr(test)
    for chunk in (2048, 100_000):
        other = stress_test(net, ct.EisenbergNoe(), given(net, x), target_error=0.01, chunk=chunk)
        assert other.digest() == test.digest()
    tail = stress_test(
        net, ct.EisenbergNoe(), given(net, x), target_error=0.02, target="expected_shortfall"
    )
    es = tail.expected_shortfall(0.99)
    assert es.standard_error / es.value <= 0.02 and len(tail) > 2048
    never = stress_test(net, ct.EisenbergNoe(), given(net, x[:3000]), target_error=1e-6)
    assert len(never) == 3000 and "above the target" in repr(never)


def test_it_never_stops_inside_a_replicate():
    assert checkpoints(10_000, np.arange(10_000) // 5000) == (10_000,)
    assert checkpoints(6144, np.arange(6144) // 3072) == (3072, 6144)


def test_what_did_not_converge_is_counted_and_bounds_the_estimates(chain):
    """Everything is lost at a: 2 there, then 3, 4 and 3 along the chain; one round is too few."""
    losses = np.zeros((400, 4))
    losses[:40, 0] = 12.0
    hasty = Hasty()
    with pytest.raises(ct.ConvergenceError, match=r"40 scenarios \(10.00%\)") as caught:
        stress_test(chain, hasty, given(chain, losses))
    partial = caught.value.partial
    assert partial.unconverged == 40 and not partial.scenarios["converged"][:40].any()
    test = stress_test(chain, hasty, given(chain, losses), unconverged=0.2)
    true = stress_test(chain, ct.EisenbergNoe(), given(chain, losses))
    assert true.scenarios["loss"][0] == 12.0 > test.scenarios["loss"][0]
    assert "40 not converged" in repr(test) and "all converged" in repr(true)
    for name in ("mean", "value_at_risk", "expected_shortfall"):
        found, right = getattr(test, name)(), getattr(true, name)()
        assert found.low <= right.low and found.high >= right.high, name
        assert "bounds for 40 unconverged scenarios" in found.method
        assert "unconverged" not in right.method
    assert test.value_at_risk(0.95).low == 0.0
    assert test.value_at_risk(0.95).high == chain.book.equity.sum()  # they may lose everything
    assert test.mean("socialized").high == np.inf  # no limit is known
    p, right = test.default_probability(), true.default_probability()
    room = 1e-12
    assert (p["low"] <= right["low"] + room).all() and (p["high"] >= right["high"] - room).all()
    assert p.loc["c", "value"] == 0.0 and right.loc["c", "value"] == 0.1


# -- what is refused ----------------------------------------------------------------------------


def test_wrong_input_is_refused_with_a_reason(chain, ring):
    scenarios = given(chain, drawn(chain, 10))
    model = ct.EisenbergNoe()
    with pytest.raises(StressError, match="other nodes than the network"):
        stress_test(ring, model, scenarios)
    with pytest.raises(StressError, match="Network 1 has other nodes"):
        stress_test([chain, ring], model, scenarios)
    with pytest.raises(StressError, match="There is no network"):
        stress_test([], model, scenarios)
    with pytest.raises(StressError, match="1 scenario: a stress test needs two"):
        stress_test(chain, model, given(chain, drawn(chain, 1)))
    poorer = from_liabilities(
        [[0, 10, 0, 0], [0, 0, 8, 0], [0, 0, 0, 4], [0, 0, 0, 0]], [11, 1, 0, 1]
    )
    with pytest.raises(StressError, match="more external assets than network 1 has"):
        stress_test([chain, poorer], model, scenarios)
    with pytest.raises(TypeError, match="is the text 'ring'"):
        stress_test([chain, "ring"], model, scenarios)  # type: ignore[list-item]
    for wrong in (
        {"design": "all"},
        {"baseline": "face"},
        {"weighting": "none"},
        {"target": "median"},
        {"keep": ("equity",)},
        {"keep": "loss"},
        {"levels": (1.0,)},
        {"target_error": 0.0},
        {"unconverged": 2},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            stress_test(chain, model, scenarios, **wrong)
    with pytest.raises(KeyError, match="Did you mean 'a'"):
        stress_test(chain, model, scenarios, joint=["A"])
    test = stress_test(chain, model, scenarios, joint=False, levels=())
    with pytest.raises(StressError, match="joint=True"):
        _ = test.joint_defaults
    with pytest.raises(StressError, match=r"levels=\(0.99,\)"):
        test.in_tail(0.99)
    with pytest.raises(StressError, match="keep="):
        test.kept()
    with pytest.raises(ct.UnknownNameError, match="Did you mean 'loss'"):
        test.mean("losss")
    with pytest.raises(StressError, match="two networks"):
        test.variance()
    with pytest.raises(ct.ShockError):
        stress_test(chain, model, given(chain, -drawn(chain, 10)))


def test_a_model_that_does_not_settle_has_no_socialized_loss(chain):
    test = stress_test(chain, ct.DebtRank(), given(chain, drawn(chain, 10)))
    with pytest.raises(ct.UnknownNameError, match="socialized"):
        test.mean("socialized")


def test_it_reads_well(chain):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        test = stress_test(chain, ct.EisenbergNoe(), given(chain, drawn(chain, 200)))
        text = repr(test)
    assert text.splitlines()[0] == "StressTest: 200 scenarios through EisenbergNoe (4 nodes)"
    assert all(len(line) < 80 for line in text.splitlines())
    assert "VaR" in text and "all converged" in text and "inf" not in text and "nan" not in text
    assert repr(pickle.loads(pickle.dumps(test))) == text
    assert len(test) == 200 and test.to_dict()["scenarios"] == 200
    assert test.joint_defaults.index.tolist() == list("abcd")
    some = stress_test(chain, ct.EisenbergNoe(), given(chain, drawn(chain, 200)), joint=["c", "a"])
    whole = test.joint_defaults.loc[["c", "a"], ["c", "a"]]
    pd.testing.assert_frame_equal(some.joint_defaults, whole)


# -- lists of scenarios -------------------------------------------------------------------------


def test_a_list_of_scenarios_is_no_sample():
    """a and b fail one after the other: the numbers are those of the list, nothing has an error."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 10], [0, 0]], ["a", "b"], orientation="debtor->creditor", external_assets=[12, 0],
        equity=[2, 3],
    )  # fmt: skip
    shocks = [ct.Shock.loss({"a": 6.0}), ct.Shock()]
    sets = [
        ct.scenarios.from_shocks(net, shocks),
        ct.scenarios.single_defaults(net),
        ct.scenarios.grid(net, {"a": shocks}),
    ]
    for scenarios in sets:
        test = stress_test(net, ct.EisenbergNoe(), scenarios)
        assert not test.sampled
        for found in (
            test.mean(),
            test.mean(interval="bootstrap", rng=1),
            test.value_at_risk(0.5),
            test.expected_shortfall(0.5),
        ):
            assert np.isnan([found.standard_error, found.low, found.high]).all()
            assert "a list of scenarios, not a sample" in found.method
        assert test.mean().value == test.columns["loss"].mean()
        for frame in (test.default_probability(), test.exceedance([0.0, 2.0])):
            assert frame[["standard_error", "low", "high"]].isna().all(axis=None)
            assert frame["value"].notna().all()
        assert test.nodes[["loss_error", "default_error"]].isna().all(axis=None)
        assert "a list, not a sample" in repr(test) and " to " not in repr(test)
        assert "95 %" not in repr(test)
        with pytest.raises(StressError, match="these scenarios are a list"):
            stress_test(net, ct.EisenbergNoe(), scenarios, target_error=0.1)
    drawn_ = ct.scenarios.common_factor(net, scenarios=64, rng=1)
    assert stress_test(net, ct.EisenbergNoe(), drawn_).sampled


def test_zero_processes_are_refused(tmp_path):
    net = islands()
    with pytest.raises(ValueError, match="n_jobs=0"):
        stress_test(net, ct.EisenbergNoe(), ct.scenarios.single_defaults(net), n_jobs=0,
                    out=tmp_path / "run")  # fmt: skip
    assert not (tmp_path / "run").exists()


# -- recoveries that cannot be paid -------------------------------------------------------------


def payer() -> ct.ExposureNetwork:
    """a owes b 10 and has 2 and a claim of 4 on c, which has 4."""
    owed = pd.DataFrame({"creditor": ["b", "a"], "debtor": ["a", "c"], "amount": [10.0, 4.0]})
    nodes = pd.DataFrame({"node": ["a", "b", "c"], "external_assets": [2.0, 20.0, 4.0]})
    return ct.ExposureNetwork(nodes, owed, unit="EUR mn")


@pytest.mark.parametrize("model", [ct.EisenbergNoe(), ct.models.RogersVeraart(0.9, 0.9)])
def test_a_recovery_that_a_node_cannot_pay_is_refused(model):
    """a has 6 left where c pays, 2 where c pays nothing, and 1 where it also loses half of 2."""
    net, default = payer(), ct.Shock.default
    for shock, rate, most, short in (
        (default("a", 0.6), 0.61, "0.6", "0.1"),
        (default("a", 0.2) + default("c"), 0.3, "0.2", "1"),
        (default("a", 0.1) + default("c") + ct.Shock.loss({"a": 1.0}), 0.3, "0.1", "2"),
    ):
        rates = dict(shock.defaults) | {"a": rate}
        other = [default(node, r) for node, r in rates.items()]
        more = sum(other[1:], other[0]) + ct.Shock(losses=shock.losses)
        fits = ct.scenarios.from_shocks(net, [ct.Shock(), shock, ct.Shock()])
        assert stress_test(net, model, fits).columns["initial_loss"].min() >= -1e-9
        with pytest.raises(ct.ShockError):
            model.propagate(net, more)
        over = ct.scenarios.from_shocks(net, [ct.Shock(), shock, more])
        with pytest.raises(ct.ShockError) as error:
            stress_test(net, model, over)
        said = str(error.value)
        assert f"'a' is said to recover {rate} of face, and pays out {short} m EUR more" in said
        assert f"there it could pay {most}." in said and "Lower the recovery" in said


def test_other_nodes_that_pay_too_much_are_counted():
    net = payer()
    over = ct.scenarios.single_defaults(net, ["a", "b"], recovery=1.0)
    with pytest.raises(ct.ShockError, match=r"'a'.* 4 m EUR more") as error:
        stress_test(net, ct.EisenbergNoe(), over)
    assert "other node" not in str(error.value)  # b owes nothing
    owed = pd.DataFrame({"creditor": ["b", "b"], "debtor": ["a", "c"], "amount": [10.0, 9.0]})
    nodes = pd.DataFrame({"node": ["a", "b", "c"], "external_assets": [2.0, 20.0, np.nan]})
    unknown = ct.ExposureNetwork(nodes, owed, missing_equity="external")
    alone = ct.scenarios.single_defaults(unknown, ["c", "c"], recovery=1.0)
    stress_test(unknown, ct.EisenbergNoe(), alone)  # nobody knows what c has
    full = ct.ExposureNetwork(nodes.assign(external_assets=[2.0, 20.0, 1.0]), owed)
    both = ct.scenarios.single_defaults(full, ["a", "c"], recovery=1.0)
    with pytest.raises(ct.ShockError, match=r"So does 1 other node\."):
        stress_test(full, ct.EisenbergNoe(), both)
    stress_test(net, ct.DebtRank(), over)  # it does not settle claims
