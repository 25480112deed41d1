"""Minimum density: the heuristic, the proven minimum, and cells without cycles."""

from __future__ import annotations

import numpy as np
import pytest
from reference_reconstruct import fewest

import contagion as ct
from contagion.synthetic.reconstruct import Margins, minimum_density
from contagion.synthetic.reconstruct._cells import Problem
from contagion.synthetic.reconstruct._forest import forest, settled
from contagion.synthetic.reconstruct.density import _State


def problem(claims, debts, live=None):
    """Margins as they stand, which need not have a network."""
    live = ~np.eye(len(claims), dtype=bool) if live is None else live
    none = np.empty(0, np.int64)
    return Problem(np.arange(len(claims)), claims, debts, np.flatnonzero(~live), none, none, none)


@pytest.mark.parametrize("seed", range(12))
def test_exact_is_the_smallest_of_all(seed):
    """Small whole numbers, which coincide in many ways; every set of cells is tried."""
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 4, (4, 4)) * (rng.random((4, 4)) < 0.6)
    np.fill_diagonal(table, 0)
    claims, debts = table.sum(1), table.sum(0)
    found = minimum_density(Margins(list("abcd"), claims, debts), exact=True)
    assert found.links[0] == fewest(claims, debts)
    assert found.margin_errors[0] < 1e-12


@pytest.mark.parametrize("seed", range(10))
def test_generic_margins_take_k_plus_d_minus_one(seed):
    """No sum of some claims equals one of some debts: neither way has fewer or more."""
    rng = np.random.default_rng(seed)
    claims, debts = rng.lognormal(0, 0.5, 6), rng.lognormal(0, 0.5, 6)
    claims[0] = debts[1] = 0.0
    margins = Margins(list("abcdef"), claims, debts * claims.sum() / debts.sum())
    drawn = minimum_density(margins, samples=5, removal=0.2, rng=seed)
    assert drawn.links.tolist() == [9] * 5
    if seed < 3:
        assert minimum_density(margins, exact=True).links.tolist() == [9]


def test_loads_are_the_largest_that_fit():
    """Two creditors and two others that owe: the first exposure settles a margin."""
    margins = Margins(list("abcd"), [5, 3, 0, 0], [0, 0, 6, 2])
    seen = {
        tuple(sorted(draw.exposures["amount"]))
        for draw in minimum_density(margins, samples=40, rng=1)
    }
    assert seen == {(1.0, 2.0, 5.0), (2.0, 3.0, 3.0)}


def test_the_first_load_settles_a_margin():
    for seed in range(20):
        claims, debts = np.array([5.0, 3.0, 2.0]), np.array([1.0, 6.0, 3.0])
        state = _State(problem(claims, debts), 6)
        rng = np.random.default_rng(seed)
        while not state.held:
            assert state.place(rng)
        (i, j), (load,) = state.held[0], state.amounts
        assert i != j and load == min(claims[i], debts[j])
        assert state.claims[i] == claims[i] - load and state.debts[j] == debts[j] - load
        state.stuck[:] = True
        state.remove(0)
        assert not state.stuck.any()
        assert state.claims.tolist() == claims.tolist() and not state.held


def test_a_load_that_does_not_pay_for_its_link_is_kept_at_times():
    """It gains 0.5 (2 · 0.5 + 2 · 0.5 − 2 · 0.5) / 2 = 0.25 and costs 1: exp(−0.75)."""
    kept = 0
    for seed in range(1500):
        state = _State(problem(np.array([0.5, 0]), np.array([0, 0.5])), 2)
        state.place(np.random.default_rng(seed))
        kept += len(state.held)
    assert kept / 1500 == pytest.approx(np.exp(-0.75), abs=0.05)


def test_row_weights_are_the_sums_of_q():
    rng = np.random.default_rng(3)
    claims, debts = rng.lognormal(0, 1, 7), rng.lognormal(0, 1, 7)
    claims[2] = debts[4] = 0.0
    live = ~np.eye(7, dtype=bool) & (rng.random((7, 7)) < 0.7)
    live &= (claims > 0)[:, None] & (debts > 0)
    state = _State(problem(claims, debts, live), 12)
    rows, columns = np.flatnonzero(claims), np.flatnonzero(debts)
    for i, weight in zip(rows, state._weights(rows, columns), strict=True):
        plain = sum(max(claims[i] / debts[j], debts[j] / claims[i]) for j in columns if live[i, j])
        assert weight == pytest.approx(plain, rel=1e-9, abs=1e-9)


def test_small_deals_with_large():
    """Q = max(A / L, L / A): the cell of unlike margins is drawn more often than that of like."""
    margins = Margins(list("abcd"), [10, 1, 0, 0], [0, 0, 10.5, 0.5])
    like = minimum_density(margins, samples=400, removal=0.0, rng=1).link_probability()
    # by hand, with the first cell drawn that is kept: a–d has Q = 20, a–c 1.05, b–c 10.5, b–d 2
    assert like.loc["b", "c"] > 0.9
    assert like.loc["a", "d"] > 0.4


def test_heuristic_when_the_last_margins_are_of_one_node():
    """What is left can be claims and debts of the same node: an augmenting path places them."""
    margins = Margins(list("abc"), [4, 1, 3], [4, 2, 2])
    drawn = minimum_density(margins, samples=60, rng=3)
    assert drawn.margin_errors.max() < 1e-12
    assert drawn.links.max() <= 5


def test_not_proven_in_time_says_so():
    rng = np.random.default_rng(2)
    claims = rng.integers(1, 400, 40).astype(float)
    margins = Margins(np.arange(40), claims, rng.permutation(claims) + 0.0)
    with pytest.raises(ct.ConvergenceError, match="time_limit="):
        minimum_density(margins, exact=True, time_limit=0.02)


def test_forest_keeps_sums_and_drops_cycles():
    rng = np.random.default_rng(5)
    for n in (3, 5, 8):
        row, column = np.nonzero(rng.random((n, n)) < 0.7)
        amount = rng.lognormal(0, 1, len(row))
        r, c, x = forest(row, column, amount, n)
        assert np.allclose(np.bincount(r, x, n), np.bincount(row, amount, n))
        assert np.allclose(np.bincount(c, x, n), np.bincount(column, amount, n))
        assert (x > 0).all() and len(x) <= 2 * n - 1
        given = set(zip(row.tolist(), column.tolist(), strict=True))
        assert set(zip(r.tolist(), c.tolist(), strict=True)) <= given


def test_settled_amounts_solve_a_tree():
    row, column = np.array([0, 0, 1, 2]), np.array([1, 2, 2, 2])
    supply, demand = np.array([5.0, 1e-9, 2.0]), np.array([0.0, 3.0, 4.0 + 1e-9])
    assert settled(row, column, supply, demand) == pytest.approx([3, 2, 1e-9, 2], rel=1e-12)
