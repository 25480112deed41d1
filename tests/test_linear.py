"""Linear systems of nonnegative matrices: closed forms, dense solves, and what has no solution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array, diags_array

import contagion as ct
from contagion.kernels import linear
from contagion.kernels.linear import Solver, krylov


def ring(n: int, keep: float) -> csr_array:
    """Node k gets `keep` of what node k + 1 gets."""
    return csr_array((np.full(n, keep), (np.arange(n), (np.arange(n) + 1) % n)), shape=(n, n))


def crowd(n: int, entries: int, keep: float, seed: int = 0) -> csr_array:
    """A random matrix; column sums `keep`."""
    rng = np.random.default_rng(seed)
    matrix = csr_array(
        (rng.random(n * entries), (rng.integers(0, n, n * entries), np.arange(n * entries) % n)),
        shape=(n, n),
    )
    return csr_array(matrix @ diags_array(keep / matrix.sum(axis=0)))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("n", [3, 10, 100, 1000, 10_000])
def test_a_ring_that_hardly_leaks(n, transposed):
    """A unit at node 0 is `keep^k / (1 − keep^n)` after k steps against the arrows."""
    keep = 1 - 1e-6
    unit = np.zeros((n, 2))
    unit[0] = 1.0, -2.0
    x, solved = Solver(ring(n, keep))(unit, transposed)
    steps = np.arange(n) if transposed else -np.arange(n) % n
    want = keep**steps / -np.expm1(n * np.log1p(-1e-6))
    assert solved.tolist() == [True, True]
    np.testing.assert_allclose(x, want[:, None] * [1.0, -2.0], rtol=1e-9)


@pytest.mark.parametrize("transposed", [False, True])
def test_a_chain_of_a_hundred_thousand(transposed):
    """In an order by chance; everything that starts above arrives."""
    n = 100_000
    order = np.random.default_rng(0).permutation(n)
    chain = csr_array((np.ones(n - 1), (order[:-1], order[1:])), shape=(n, n))
    x, solved = Solver(chain)(np.ones(n), transposed)
    assert solved
    np.testing.assert_array_equal(x[order], np.arange(1, n + 1)[:: 1 if transposed else -1])


def test_a_chain_that_amplifies_is_no_cycle():
    """x grows by 10^30 and is right to rounding: nothing comes back to where it was."""
    x, solved = Solver(csr_array(np.diag(np.full(30, 10.0), 1)))(np.eye(31)[-1])
    assert solved
    np.testing.assert_allclose(x, 10.0 ** np.arange(30, -1, -1), rtol=1e-13)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("keep", [0.5, 0.99, 1 - 1e-6])
@pytest.mark.parametrize(("n", "entries"), [(2, 2), (40, 40), (150, 5), (400, 3), (600, 50)])
def test_against_dense_solves(n, entries, keep, transposed):
    matrix = crowd(n, entries, keep)
    rhs = np.random.default_rng(1).standard_normal((n, 3))
    x, solved = Solver(matrix)(rhs, transposed)
    dense = np.eye(n) - (matrix.T if transposed else matrix).toarray()
    want = np.linalg.solve(dense, rhs)
    assert solved.all()
    np.testing.assert_allclose(x, want, rtol=0, atol=1e-13 / (1 - keep) * np.abs(want).max())


def test_all_ways_give_the_same(monkeypatch):
    """The inverse, factors, the iteration, and the series when nothing else is left."""
    matrix, rhs = crowd(120, 3, 0.9), np.random.default_rng(2).random((120, 4))
    want = Solver(matrix).answer(rhs)
    monkeypatch.setattr(linear, "DENSE", 0)
    monkeypatch.setattr(linear, "QUICK", (1, 1))
    np.testing.assert_allclose(Solver(matrix).answer(rhs), want, rtol=1e-11)
    monkeypatch.setattr(linear, "_iterated", lambda a, b: (b.copy(), np.zeros(b.shape[1], bool)))
    np.testing.assert_allclose(Solver(matrix).answer(rhs), want, rtol=1e-12)
    monkeypatch.setattr(linear, "MOST", 0)
    np.testing.assert_allclose(Solver(matrix).answer(rhs), want, rtol=1e-11)


@pytest.mark.parametrize(
    "matrix",
    [
        ring(2, 1.0),
        ring(3, 1.0),
        ring(500, 1.0),
        ring(20_000, 1.0),
        csr_array([[1.0]]),
        csr_array([[0.0, 1e3], [1e3, 0.0]]),
        csr_array([[2.0, 1.5], [1.0, 2.0]]),
        csr_array([[0.0, 0.9, 0.5], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]),
        crowd(50, 5, 1.0),
        crowd(50, 5, 1.2),
        crowd(1000, 5, 1.0),
        crowd(2500, 8, 1.0),
    ],
    ids=range(12),
)
def test_what_goes_round_for_ever_has_no_sum(matrix):
    n = matrix.shape[0]
    for transposed in (False, True):
        x, solved = Solver(matrix)(np.ones((n, 2)), transposed)
        assert not solved.any()
        assert np.isnan(x).all()
    with pytest.raises(ct.ConvergenceError, match="not solved"):
        Solver(matrix).answer(np.ones(n))


@pytest.mark.parametrize("keep", [1.05, 1.5, 20.0])
def test_growth_is_proved_in_a_few_products(keep, monkeypatch):
    """A crowd that brings forth more than itself, beside a chain that fades, and what it feeds."""
    monkeypatch.setattr(linear, "_iterated", lambda *_: pytest.fail("no need to iterate"))
    whole = np.zeros((402, 402))
    whole[:400, :400] = crowd(400, 8, keep).toarray()
    whole[400, 3], whole[401, 400] = 0.5, 0.5
    b = np.stack([np.ones(402), -np.ones(402)], axis=1)
    x, solved = Solver(csr_array(whole))(b)
    assert not solved.any() and np.isnan(x).all()


def test_what_only_passes_by_a_growing_part_has_a_sum():
    """Losses of a node that the crowd feeds, and that feeds nobody, never reach the crowd."""
    whole = np.zeros((402, 402))
    whole[:400, :400] = crowd(400, 8, 2.0).toarray()
    whole[400, 3], whole[401, 400] = 0.5, 0.5
    one = np.zeros(402)
    one[400] = 1.0
    x, solved = Solver(csr_array(whole))(one)
    assert solved and x[400:].tolist() == [1.0, 0.5] and not x[:400].any()


def test_a_fixed_point_is_not_yet_the_sum():
    """Above 1 the equations have a solution, for right-hand sides of either sign or of both."""
    rhs = np.random.default_rng(6).standard_normal((2000, 3))
    rhs[:, 1:] = np.abs(rhs[:, 1:]) * [1, -1]
    assert not Solver(crowd(2000, 50, 1.3))(rhs)[1].any()
    assert Solver(crowd(2000, 50, 0.7))(rhs)[1].all()


def test_factors_are_no_larger_than_foreseen():
    """The bound decides what is factorized: it has to hold, and to know chains and rings."""
    rng = np.random.default_rng(3)
    for matrix in (crowd(80, 2, 0.9), crowd(200, 1, 0.9), ring(3000, 0.9)):
        shuffled = rng.permutation(matrix.shape[0])
        solver = Solver(csr_array(matrix[shuffled][:, shuffled]))
        entries = sum(np.count_nonzero(f.data) for f in (solver._factors.L, solver._factors.U))
        assert entries - matrix.shape[0] <= solver._fill[1]
    assert solver._fill[1] < 6 * 3000


def test_empty_and_unconnected():
    assert Solver(csr_array((3, 3))).answer(np.arange(3.0)).tolist() == [0, 1, 2]
    assert Solver(csr_array((0, 0))).answer(np.zeros((0, 2))).shape == (0, 2)
    assert Solver(ring(3, 0.5))(np.zeros((3, 0)))[1].shape == (0,)
    assert Solver(ring(400, 0.5)).answer(np.zeros((400, 2))).tolist() == [[0, 0]] * 400


@pytest.mark.parametrize("n", [5, 300])
def test_a_column_that_is_not_known_is_not_solved(n):
    rhs = np.ones((n, 2))
    rhs[0, 1] = np.nan
    x, solved = Solver(crowd(n, 3, 0.8))(rhs)
    assert solved.tolist() == [True, False]
    assert np.isfinite(x[:, 0]).all() and np.isnan(x[:, 1]).all()


def test_a_batch_in_which_every_column_has_a_matrix_of_its_own():
    matrix, rng = crowd(60, 6, 0.999), np.random.default_rng(4)
    weight, rhs = rng.random((60, 20)), rng.standard_normal((60, 20))
    rhs[:, 3] = 0.0
    x, solved = krylov(lambda y: matrix @ (weight * y), rhs, 1e-13)
    assert solved.all()
    for b in range(20):
        want = np.linalg.solve(np.eye(60) - matrix.toarray() * weight[:, b], rhs[:, b])
        np.testing.assert_allclose(x[:, b], want, rtol=0, atol=1e-11 * np.abs(want).max(initial=1))
    assert not krylov(lambda y: y, rhs[:, :1], 1e-13)[1].any()
