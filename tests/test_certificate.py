"""The bound on the distance to a fixed point: closed forms, networks, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import random_network
from reference_valuation import EVERY, every_function
from scipy.sparse import csr_array

import contagion as ct
from contagion.kernels.certificate import error_bound
from contagion.kernels.linear import Solver
from contagion.models import valuations as v


def bound(matrix, constant, x, top=np.inf, enough=0.0):
    """Of `F(x) = min(constant + A x, top)`, one matrix for all columns."""

    def image(points, columns):
        there = constant[:, columns] + matrix @ points
        return np.minimum(there, top), (there <= top).astype(float)

    def apply(slopes, y):
        return slopes * (matrix @ y)

    def solve(slopes, unit):
        columns = zip(slopes.T, unit.T, strict=True)
        return np.array([Solver(csr_array(g[:, None] * matrix))(u)[0] for g, u in columns]).T

    return error_bound(image, apply, solve, x, np.ones((len(x), 1)), enough)


@pytest.mark.parametrize("root", [0.0, 0.5, 0.99, 1 - 1e-6])
@pytest.mark.parametrize("n", [1, 2, 30])
def test_it_bounds_the_distance_and_is_not_far_above_it(n, root):
    rng = np.random.default_rng(n)
    matrix = rng.random((n, n))
    matrix *= root / np.abs(np.linalg.eigvals(matrix)).max()
    constant = rng.random((n, 4))
    exact = np.linalg.solve(np.eye(n) - matrix, constant)
    off = np.abs(rng.standard_normal((n, 4))) * [1e-3, 1e-6, 1e-9, 0.0]
    error, residual = bound(matrix, constant, exact + off)
    true = np.abs(off).max(axis=0)
    assert (error >= true * (1 - 1e-9)).all()
    shift = np.abs(off - matrix @ off).max(axis=0)[:3]
    np.testing.assert_allclose(residual[:3], shift, rtol=1e-3, atol=1e-13 / (1 - root))
    most = np.abs(np.linalg.inv(np.eye(n) - matrix)).sum(axis=1).max()
    assert (error[:3] <= 10 * (residual[:3] + 1e-13 / (1 - root)) * most).all()
    assert error[3] < 1e-12 / (1 - root) ** 2


@pytest.mark.parametrize("root", [1.0, 1 + 1e-9, 3.0])
def test_what_does_not_fade_has_no_bound(root):
    ring = root * np.roll(np.eye(6), 1, axis=1)
    error, residual = bound(ring, np.zeros((6, 1)), np.full((6, 1), 0.5))
    assert np.isnan(error).all()
    assert residual[0] == pytest.approx(abs(root - 1) / 2, abs=1e-15)


def test_losses_that_grow_along_a_chain_and_end_have_one():
    """Ratios are above 1 until the end of the chain: no single q below 1 before that."""
    for n in (5, 25, 45):
        chain = 2.0 * np.eye(n, k=1)
        exact = np.linalg.solve(np.eye(n) - chain, np.ones((n, 1)))
        off = 1e-6 * np.eye(n)[:, -1:]
        whole = np.linalg.solve(np.eye(n) - chain, off)
        error, _ = bound(chain, np.ones((n, 1)), exact + whole)
        assert whole.max() <= error[0] < 10 * whole.max() + 1e-9 * exact.max()


def test_a_bend_within_the_bound_is_seen():
    """F stands still at the point and falls steeply just below: the first slopes are too flat."""
    matrix, x = np.array([[0.5]]), np.array([[10.0]])
    error, residual = bound(matrix, np.array([[5.0 - 1e-7]]), x, top=10 - 1e-7 + 1e-9)
    assert residual[0] == pytest.approx(1e-7, rel=0.02)
    assert 2e-7 * (1 - 1e-6) <= error[0] < 1e-6  # the fixed point is 10 − 2e-7


def test_a_bound_that_does_is_not_improved():
    matrix = np.roll(0.95 * np.eye(10), 1, axis=1) * np.linspace(0.9, 1, 10)[:, None]
    exact = np.linalg.solve(np.eye(10) - matrix, np.ones((10, 1)))
    rough, _ = bound(matrix, np.ones((10, 1)), exact + 1e-9, enough=1e-3)
    close, _ = bound(matrix, np.ones((10, 1)), exact + 1e-9)
    assert 1e-9 <= close[0] <= rough[0] <= 1e-3


# -- network valuation --------------------------------------------------------------------------


def circle(n: int, keep: float) -> ct.ExposureNetwork:
    """Equity 100 each; node k holds `100 keep` on node k + 1."""
    return ct.ExposureNetwork.from_matrix(
        keep * 100 * np.roll(np.eye(n), 1, axis=1),
        range(n),
        orientation="creditor->debtor",
        external_assets=np.full(n, 1000.0),
        equity=np.full(n, 100.0),
    )


def sheet(net: ct.ExposureNetwork) -> np.ndarray:
    """What errors are relative to."""
    total = net.book.claims + net.book.debts + net.book.external_liabilities
    return np.where(total > 0, total, 1.0)


@pytest.mark.parametrize("which", ["greatest", "least"])
@pytest.mark.parametrize("keep", [0.9, 0.999, 0.99999])
@pytest.mark.parametrize("n", [3, 50, 1000])
def test_distress_in_a_ring_with_leverage_near_1(n, keep, which):
    """A loss of 1e-8 of the equity of one bank, once round the ring and for ever."""
    net, loss = circle(n, keep), np.zeros(n)
    loss[0] = 1e-6
    model = ct.models.NetworkValuation(
        v.LinearDebtRank(), tolerance=1e-9, which=which, certify="always"
    )
    out = model.solve(net, loss)
    lost = 1e-6 * keep ** (-np.arange(n) % n) / -np.expm1(n * np.log(keep))
    apart = (np.abs(100 - out.equity - lost) / sheet(net)).max()
    assert apart <= out.error <= 1e-9
    assert out.converged


def test_a_run_by_rounds_is_as_near():
    """Rounds that are asked for are not replaced, but go on until the error is small enough."""
    net = circle(3, 0.9)
    model = ct.models.NetworkValuation(v.LinearDebtRank(), tolerance=1e-10)
    out = model.run(net, np.array([1e-6, 0, 0]), trace="rounds")
    lost = 1e-6 * 0.9 ** np.array([0, 2, 1]) / (1 - 0.9**3)
    assert (np.abs(100 - out.equity - lost) / sheet(net)).max() <= out.error <= 1e-10
    assert out.rounds > 40


def test_where_doubles_are_too_coarse_the_error_says_so():
    out = ct.models.NetworkValuation(v.LinearDebtRank()).solve(circle(3, 0.99999), np.full(3, 1e-6))
    assert out.converged
    assert 1e-12 < out.error < 1e-9
    assert out.residual <= 1e-15


@every_function
@pytest.mark.parametrize("which", ["greatest", "least"])
def test_two_tolerances_are_no_further_apart_than_their_errors(function, which):
    if function in (EVERY["furfine"], EVERY["furfine, not strict"], EVERY["rogers-veraart"]):
        rough_at = 1e-6  # values jump: the defaults have to be the same
    else:
        rough_at = 1e-3
    bounded = 0
    for seed in range(8):
        net = random_network(seed, 30, 4.0, {"pari_passu"})
        rng = np.random.default_rng(seed)
        losses = rng.random((5, 30)) * net.book.external_assets * 0.4
        make = ct.models.NetworkValuation
        exact = make(function, which=which, certify="always").solve(net, losses)
        rough = make(function, which=which, tolerance=rough_at, certify="always").solve(net, losses)
        apart = (np.abs(rough.equity - exact.equity) / sheet(net)).max(axis=1)
        known = ~np.isnan(rough.error) & ~np.isnan(exact.error)
        assert (apart <= rough.error + exact.error)[known].all()
        floor = exact.residual <= 1e-14  # as near as rounding lets it come
        assert ((exact.error <= 1e-12) | floor)[known].all()
        assert (rough.error[known] <= rough_at).all()
        bounded += known.mean() / 8
    assert bounded > 0.9


def test_two_banks_that_owe_each_other_and_have_nothing_else_have_no_bound():
    """Any recovery is a solution; the greatest is payment in full, at the edge."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 100], [100, 0]], ["a", "b"], orientation="debtor->creditor", external_assets=[0.0, 0.0]
    )
    out = ct.models.NetworkValuation(v.EisenbergNoe()).solve(net, np.zeros(2))
    assert out.equity.tolist() == [0, 0]
    assert np.isnan(out.error)
    assert out.converged


def test_the_error_is_of_one_scenario_in_a_batch():
    net = random_network(3, 20, 4.0)
    losses = np.random.default_rng(0).random((2, 3, 20)) * net.book.external_assets
    out = ct.models.NetworkValuation(v.EisenbergNoe(), certify="always").solve(net, losses)
    assert out.error.shape == (2, 3)
    assert (out.error <= 1e-12).all()


def test_where_nothing_is_unpaid_there_is_no_error():
    """Each would pass on 5 times what it loses, so no bound from powers exists; none is needed."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 5], [5, 0]], ["a", "b"], orientation="debtor->creditor", equity=[1.0, 1.0]
    )
    assert ct.DebtRank().solve(net, np.zeros(2)).error == 0.0
