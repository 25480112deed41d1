"""Network valuation: the linear solves in its iteration, and the contract of every model."""

from __future__ import annotations

import checks
import numpy as np
import pandas as pd
import pytest
import test_model_contract as contract
from conftest import others_slow, random_network
from reference_valuation import EVERY, every_function, same
from scipy.optimize import linprog

import contagion as ct
from contagion.kernels import equities
from contagion.kernels.valuation import Terms, at_maturity, before_maturity
from contagion.models import valuations as v

# -- the iteration ----------------------------------------------------------------------------


@every_function
def test_a_value_is_between_0_and_1_does_not_fall_when_equity_rises(function):
    equity = np.linspace(-150, 130, 2801)
    for assets in (0.0, 60.0, 200.0):
        curve = function.value(equity, debts=90, external_assets=assets, book_equity=40)
        assert (curve >= 0).all() and (curve <= 1 + 1e-12).all()
        assert (np.diff(curve) >= -1e-12).all()


@pytest.mark.parametrize("s", [0.02, 0.1, 0.5, 2.0])
@pytest.mark.parametrize("assets", [1.0, 60.0, 200.0])
@pytest.mark.parametrize("place", [(10, 80), (0, 5)], ids=["wide", "thin and senior"])
def test_slopes_are_derivatives_and_every_part_is_convex_and_then_concave(s, assets, place):
    """The linear solves rest on it: between two points no chord is flatter than at its ends."""
    one, (start, width) = np.ones((1, 1)), place

    def curves(e: np.ndarray) -> np.ndarray:
        """(curve, y or slope, equity)"""
        external = np.full((1, len(e)), assets)
        terms = Terms(start * one, width * one, 90 * one, 0 * one, 40 * one, external, {})
        parts = list(zip(*at_maturity(terms, e[None], s * one, 0.4 * one), strict=True))
        parts += [at_maturity(terms, e[None], s * one, one)]
        parts += [before_maturity(e[None], external, s * one)]
        return np.array(parts)[:, :, 0]

    e, step = np.linspace(-140, 1.2 * assets, 3001), 1e-5
    here, right, left = curves(e), curves(e + step), curves(e - step)
    for part in range(4):
        y, slope = here[part]
        top = slope.max()
        middle = (left[part, 0] - right[part, 0]) / (2 * step)
        smooth = np.abs(right[part, 1] - left[part, 1]) < 1e-3 * top
        assert smooth.mean() > 0.95
        np.testing.assert_allclose(middle[smooth], slope[smooth], rtol=0, atol=1e-3 * top)
        for x in range(100, len(e) - 100, 200):
            for z in range(0, x - 10, 200):  # from above
                chords = (y[z : x - 2] - y[x]) / (e[x] - e[z : x - 2])
                assert chords.min() >= min(chords[0], slope[x]) - 1e-5 * top
            for z in range(x + 10, len(e), 200):  # from below
                chords = (y[x] - y[x + 2 : z]) / (e[x + 2 : z] - e[x])
                assert chords.min() >= min(chords[-1], slope[x]) - 1e-5 * top


@every_function
@pytest.mark.parametrize("which", ["greatest", "least"])
def test_linear_solves_do_not_leave_the_solution_that_is_looked_for(function, which):
    """Plain rounds with hundreds of steps, and the default way, on networks where they pay."""
    for seed in range(6):
        net = random_network(seed, 40, 4.0, {"pari_passu"})
        rng = np.random.default_rng(seed)
        losses = rng.random((3, 40)) * net.book.external_assets * rng.random((3, 1)) * 0.3
        model = ct.models.NetworkValuation(function, which=which)
        fast = model.solve(net, losses)
        plain = _plain(model, net, losses)
        assert fast.converged.all()
        same(fast.equity, plain, net)


@every_function
@pytest.mark.parametrize("which", others_slow(["greatest", "least"]))
def test_no_linear_solve_steps_over_the_solution(function, which, monkeypatch):
    """Solves in every round, from far away: each lands on the near side of the solution."""
    if function in (EVERY["furfine"], EVERY["furfine, not strict"]):
        pytest.skip("nothing to solve: values do not move within a wave")
    way, leap, landed = (1 if which == "least" else -1), equities.leap, []

    def watched(part, *rest):
        step, products = leap(part, *rest)
        landed.append((rest[2] + step, step, rest[-1]))
        return step, products

    monkeypatch.setattr(equities, "leap", watched)
    monkeypatch.setattr(equities, "_slow", lambda residual, *_: np.ones(len(residual), bool))
    monkeypatch.setattr(equities, "GAIN", 0.0)
    monkeypatch.setattr(equities, "WAIT", 0)
    far = 0
    for seed in range(30):
        net = random_network(seed, 12, 3.0, {"pari_passu"})
        losses = np.random.default_rng(seed).random(12) * net.book.external_assets * 0.5
        model = ct.models.NetworkValuation(function, which=which)
        landed.clear()
        got = model.solve(net, losses).equity
        steps = list(landed)
        want = _plain(model, net, losses)
        same(got, want, net)
        for equity, step, change in steps:
            beyond = (equity[:, 0] - want) * way
            assert beyond.max() <= 1e-9 * checks.scale(net)
            far += bool(np.abs(step - change).max() > 1e-3 * checks.scale(net))
    assert far > 0, "some steps should be long, or the test says little"


def _plain(
    model: ct.models.NetworkValuation, net: ct.ExposureNetwork, losses: np.ndarray
) -> np.ndarray:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(equities, "_slow", lambda residual, *_: np.zeros(len(residual), bool))
        return model.solve(net, losses).equity


def test_distress_near_the_critical_leverage_takes_few_rounds():
    """A ring in which every round passes on 99.99 % of the loss of the round before."""
    n, keep = 50, 0.9999
    net = ct.ExposureNetwork.from_matrix(
        keep * 100 * np.roll(np.eye(n), 1, axis=1),
        range(n),
        orientation="creditor->debtor",
        external_assets=np.full(n, 1000.0),
        equity=np.full(n, 100.0),
    )
    shock = ct.Shock.loss({0: 1e-3})
    result = ct.models.NetworkValuation(v.LinearDebtRank()).propagate(net, shock)
    lost = 1e-3 * keep ** np.arange(n) / (1 - keep**n)  # once round the ring, for ever
    after = result.table["equity_after"].to_numpy()
    np.testing.assert_allclose(100 - after, lost[(-np.arange(n)) % n], rtol=1e-6)
    assert result.outcome.rounds < 450
    assert ct.models.NetworkValuation(v.LinearDebtRank()).solve(net, result.hit.losses).rounds < 150


@pytest.mark.parametrize("short", [1.0, 5e-3, 1e-6])
@pytest.mark.parametrize("n", [2, 3, 50, 1000])
def test_a_shortage_that_goes_round_takes_every_claim(n, short):
    """Banks that owe 100 in a ring and 1 outside before: no round loses any of the shortage.

    Rounds would take it off the claims bit by bit, 100 n / short of them.
    """
    ring = np.arange(n)
    owed = pd.DataFrame({"creditor": (ring + 1) % n, "debtor": ring, "amount": 100.0})
    nodes = pd.DataFrame({"node": ring, "external_assets": 1.0, "external_liabilities": 1.0})
    net, losses = ct.ExposureNetwork(nodes, owed), np.zeros((2, n))
    losses[0, 0] = short
    out = ct.models.NetworkValuation(v.EisenbergNoe(), certify="always").solve(net, losses)
    want = np.full(n, -100.0)
    want[0] -= short
    np.testing.assert_allclose(out.equity, [want, np.zeros(n)], rtol=0, atol=1e-8)
    assert out.converged.all() and (out.rounds < 1000).all()
    assert np.abs(out.equity[0] - want).max() <= 201 * out.error[0]
    assert out.error[0] < 1e-10


def test_groups_without_assets_pay_what_goes_round():
    """The greatest payments of a system in which nothing comes in; the least are nothing."""
    owed = np.array([[0, 0, 3, 2], [0, 0, 1, 0], [3, 3, 0, 2], [2, 2, 4, 0]])
    net = ct.ExposureNetwork.from_matrix(
        owed, list("abcd"), orientation="debtor->creditor", external_assets=np.zeros(4)
    )
    for which, paid in (("greatest", [1, 1, 72 / 35, 32 / 35]), ("least", [0, 0, 0, 0])):
        out = ct.models.NetworkValuation(v.EisenbergNoe(), which=which).solve(net, np.zeros(4))
        assert out.converged
        np.testing.assert_allclose(owed.sum(axis=1) - out.unpaid, paid, rtol=0, atol=1e-12)


def test_groups_that_nothing_leaves_against_linear_programmes():
    """The greatest clearing vector is the largest p <= L with p <= e + pi p (Eisenberg & Noe)."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 9))
        owed = (rng.random((n, n)) < rng.uniform(0.3, 0.9)) * rng.integers(1, 6, (n, n))
        np.fill_diagonal(owed, 0)
        assets = rng.integers(0, 3, n) * (rng.random(n) < (0.0, 0.4)[seed % 2])
        net = ct.ExposureNetwork.from_matrix(
            owed,
            range(n),
            orientation="debtor->creditor",
            external_assets=assets,
            aggregates="keep",
        )
        out = ct.models.NetworkValuation(v.EisenbergNoe()).solve(net, np.zeros(n))
        paid = owed.sum(axis=1).astype(float)
        pi = owed / np.maximum(paid, 1.0)[:, None]
        want = linprog(-np.ones(n), np.eye(n) - pi.T, assets, bounds=[(0, p) for p in paid]).x
        paid[net.segments.owner] -= out.unpaid
        assert out.converged
        np.testing.assert_allclose(paid, want, rtol=0, atol=1e-8)


def test_an_edge_more_makes_the_chain_amplify():
    """dag3 of Bardoscia et al. (2017), Nature Communications 8:14416, with and without the edge.

    Leverage 3 along a chain passes a loss on three times and stops; with a claim of the last on
    the first the largest eigenvalue is above 1, and a loss of any size takes all there is to lose.
    """
    for back, stable in ((0.0, True), (0.5, False)):
        net = ct.ExposureNetwork.from_matrix(
            [[0, 3, 3], [0, 0, 3], [back, 0, 0]],
            list("abc"),
            orientation="creditor->debtor",
            equity=[1.0, 1.0, 1.0],
            external_assets=[9.0, 9.0, 9.0],
        )
        size = np.abs(np.linalg.eigvals(net.leverage.toarray())).max()
        assert (size < 1) == stable
        shock = ct.Shock.loss({"c": 1e-6})
        loss = ct.models.NetworkValuation(v.LinearDebtRank()).propagate(net, shock).table["loss"]
        if stable:
            np.testing.assert_allclose(loss, [12e-6, 3e-6, 1e-6], rtol=1e-6)
        else:
            np.testing.assert_allclose(loss, [1.0, 1.0, 0.5 + 1e-6], rtol=1e-9)


# -- what every model has to do ---------------------------------------------------------------

CONTRACT = [
    contract.test_a_model_is_a_frozen_dataclass_that_compares_and_replaces,
    contract.test_claims_lose_between_nothing_and_themselves_and_the_audit_passes,
    contract.test_no_shock_no_loss,
    contract.test_the_order_of_rows_does_not_matter,
    contract.test_one_claim_or_two_halves,
    contract.test_a_batch_is_its_scenarios_one_at_a_time,
    contract.test_inputs_stay_as_they_were_and_runs_repeat,
    contract.test_a_larger_shock_never_helps_anybody,
    contract.test_more_capital_never_hurts_anybody,
    contract.test_silence_is_an_error,
]


@pytest.mark.parametrize("check", CONTRACT, ids=lambda c: c.__name__.removeprefix("test_"))
@every_function
def test_the_contract(function, check):
    """Each valuation through the contract tests that the registry runs over the default."""
    if function.ex_ante and check is contract.test_no_shock_no_loss:
        pytest.skip("before maturity a claim is worth less than its face without a shock")
    if function.jumps and check is contract.test_silence_is_an_error:
        pytest.skip("ends by itself")
    check(model=ct.models.NetworkValuation(function))


@pytest.mark.parametrize("factor", others_slow([1e-6, 1e6]))
@every_function
def test_the_unit_of_money(function, factor):
    contract.test_the_unit_of_money_does_not_matter(
        model=ct.models.NetworkValuation(function), factor=factor
    )
