"""Minimum density: the heuristic, the proven minimum, and cells without cycles."""

from __future__ import annotations

import numpy as np
import pytest
from reference_reconstruct import fewest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

import contagion as ct
from contagion.synthetic.reconstruct import Margins, minimum_density
from contagion.synthetic.reconstruct._cells import Problem
from contagion.synthetic.reconstruct._forest import forest, settled
from contagion.synthetic.reconstruct._sums import Sums
from contagion.synthetic.reconstruct.density import _completed, _State


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
        assert state.left == 10.0 - load
        state.remove(0)
        assert [state.claims[k] for k in range(3)] == claims.tolist() and not state.held
        assert [state.per_debt[k] for k in range(3)] == (1 / debts).tolist()


def test_a_load_that_does_not_pay_for_its_link_is_kept_at_times():
    """It gains 0.5 (2 · 0.5 + 2 · 0.5 − 2 · 0.5) / 2 = 0.25 and costs 1: exp(−0.75)."""
    kept = 0
    for seed in range(1500):
        state = _State(problem(np.array([0.5, 0]), np.array([0, 0.5])), 2)
        state.place(np.random.default_rng(seed))
        kept += len(state.held)
    assert kept / 1500 == pytest.approx(np.exp(-0.75), abs=0.05)


def wanted(claims, debts, live):
    """Q over its sum, cell by cell."""
    q = np.zeros(live.shape)
    for i, j in zip(*np.nonzero(live), strict=True):
        q[i, j] = max(claims[i] / debts[j], debts[j] / claims[i])
    return q / q.sum()


@pytest.mark.parametrize("tries", [1_000, 0])
def test_cells_are_drawn_by_q(tries, monkeypatch):
    """By tries and, where these are given up, from the list of the free cells."""
    monkeypatch.setattr("contagion.synthetic.reconstruct.density.TRIES", tries)
    rng = np.random.default_rng(3)
    claims, debts = rng.lognormal(0, 1, 7), rng.lognormal(0, 1, 7)
    claims[2] = debts[4] = 0.0
    live = ~np.eye(7, dtype=bool) & (rng.random((7, 7)) < 0.7)
    state = _State(problem(claims, debts, live), 12)
    live &= (claims > 0)[:, None] & (debts > 0)
    draws, count = 20_000, np.zeros((7, 7))
    for _ in range(draws):
        count[state.drawn(rng)] += 1
    p = wanted(claims, debts, live)
    assert (count[p == 0] == 0).all()
    assert (np.abs(count / draws - p) <= 5 * np.sqrt(p / draws)).all()


def test_no_cell_is_drawn_where_none_is_free():
    """All that is left is of one node; a node with almost everything is drawn from the list."""
    rng = np.random.default_rng(1)
    assert _State(problem(np.array([0.0, 2]), np.array([0.0, 2])), 2).drawn(rng) is None
    claims, debts = np.array([1e9, 1, 0]), np.array([1e-9, 0, 1])
    state = _State(problem(claims, debts), 4)
    assert {state.drawn(rng) for _ in range(20)} <= {(0, 2), (1, 0), (1, 2)}


def test_sums_lose_nothing_to_weights_that_are_gone():
    weight = Sums(np.array([1e-9, 1e12, 3e-9, 0.0, 2e-9]))
    weight[1] = 0.0
    assert weight.total == pytest.approx(6e-9, rel=1e-15)
    assert weight.held().tolist() == [0, 2, 4]
    drawn = [weight.drawn(u) for u in (0.0, 0.16, 0.17, 0.66, 0.67, 1 - 1e-16)]
    assert drawn == [0, 0, 2, 2, 4, 4]


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


def test_what_is_left_of_one_node_goes_through_a_cell_in_use():
    """a claims and owes 2 that it cannot hold itself: b → c gives way to b → a and a → c."""
    margins = Margins(list("abc"), [2, 2, 0], [2, 0, 2])._problem
    row, column, amount = _completed(margins, np.array([1]), np.array([2]), np.array([2.0]))
    held = amount > 0
    cells = zip(row[held].tolist(), column[held].tolist(), amount[held].tolist(), strict=True)
    assert set(cells) == {(0, 2, 2.0), (1, 0, 2.0)}


def test_what_is_left_can_take_a_longer_path_past_closed_cells():
    """a → d is closed, and so are all cells of the two ends but one: a → e ← b → f ← c → d."""
    live = np.zeros((6, 6), bool)
    for cell in ((0, 4), (1, 4), (1, 5), (2, 5), (2, 3)):
        live[cell] = True
    margins = problem(np.array([1.0, 1, 1, 0, 0, 0]), np.array([0.0, 0, 0, 1, 1, 1]), live)
    row, column, amount = _completed(margins, np.array([1, 2]), np.array([4, 5]), np.ones(2))
    held = amount > 0
    assert row[held].tolist() == [0, 1, 2] and column[held].tolist() == [4, 5, 3]


def test_ten_thousand_nodes_have_one_exposure_less_than_margins():
    rng = np.random.default_rng(6)
    claims, debts = rng.lognormal(0, 1.5, (2, 10_000))
    margins = Margins(np.arange(10_000), claims, debts * claims.sum() / debts.sum())
    drawn = minimum_density(margins, rng=1)
    assert drawn.links.tolist() == [19_999] and drawn.margin_errors[0] < 1e-9


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
        parts = connected_components(csr_array((x, (r, n + c)), shape=(2 * n, 2 * n)))[0]
        assert len(x) == 2 * n - parts  # no cycle is left


@pytest.mark.parametrize("seed", range(6))
def test_forest_of_whole_amounts_that_run_out_together(seed):
    """Several cells of a cycle are empty at once, so that trees fall apart and grow together."""
    rng, n = np.random.default_rng(seed), 9
    row, column = np.nonzero(rng.random((n, n)) < 0.8)
    amount = rng.integers(1, 4, len(row)).astype(float)
    r, c, x = forest(row, column, amount, n)
    assert np.array_equal(np.bincount(r, x, n), np.bincount(row, amount, n))
    assert np.array_equal(np.bincount(c, x, n), np.bincount(column, amount, n))
    parts = connected_components(csr_array((x, (r, n + c)), shape=(2 * n, 2 * n)))[0]
    assert len(x) == 2 * n - parts and (x > 0).all()


def test_settled_amounts_solve_a_tree():
    row, column = np.array([0, 0, 1, 2]), np.array([1, 2, 2, 2])
    supply, demand = np.array([5.0, 1e-9, 2.0]), np.array([0.0, 3.0, 4.0 + 1e-9])
    assert settled(row, column, supply, demand) == pytest.approx([3, 2, 1e-9, 2], rel=1e-12)
