"""The fitness model: density as asked, claims in expectation, repairs of what cannot carry."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from reference_reconstruct import carries

import contagion as ct
from contagion.synthetic.reconstruct import Margins, fitness, link_model
from contagion.synthetic.reconstruct._links import Odds, _grid, calibrated, with_one_each
from contagion.synthetic.reconstruct._repair import _next, covered, repaired


def spread(seed: int, n: int, width: float) -> Margins:
    rng = np.random.default_rng(seed)
    claims, debts = rng.lognormal(0, width, n), rng.lognormal(0, width, n)
    return Margins([f"n{k:02d}" for k in range(n)], claims, debts * claims.sum() / debts.sum())


def ones(row, column):
    return np.ones(np.broadcast(row, column).shape)


def even(problem):
    """The same odds for every cell that may hold money."""
    return lambda row, column: np.where(problem.open(row, column), 0.0, -np.inf)


def test_the_call_of_the_design():
    guess = ct.synthetic.reconstruct.fitness(spread(1, 20, 1.0), density=0.1, rng=7)
    assert guess.margin_errors[0] < 1e-9
    assert isinstance(guess.network, ct.ExposureNetwork)


@pytest.mark.parametrize("density", [0.1, 0.3, 0.8])
def test_density_is_as_asked(density):
    """Within four standard errors of independent links, which p says."""
    margins = spread(2, 30, 1.2)
    p = link_model(margins, density=density).probability.to_numpy()
    error = np.sqrt((p * (1 - p)).sum() / 300)
    drawn = fitness(margins, density=density, samples=300, exact_margins=False, rng=1)
    assert abs(drawn.links.mean() - density * 870) < 4 * error
    assert abs(drawn.link_probability().to_numpy() - p).max() < 5 * 0.5 / np.sqrt(300)


@pytest.mark.parametrize("density", [0.15, 0.3])
def test_density_is_as_asked_with_exact_margins(density):
    """Nodes without a link get one, and z makes up for it (equal sizes: no other repairs)."""
    margins = spread(3, 25, 0.3)
    drawn = fitness(margins, density=density, samples=100, rng=2)
    p = link_model(margins, density=density).probability.to_numpy()
    error = np.sqrt((p * (1 - p)).sum() / 100)
    assert abs(drawn.links.mean() - density * 600) < 4 * error
    assert (drawn.added.sum() > 25) == (density == 0.15)


def test_claims_are_those_of_maximum_entropy_on_average():
    margins = spread(4, 12, 0.8)
    even = ct.synthetic.reconstruct.maximum_entropy(margins).mean().to_numpy()
    p = link_model(margins, density=0.5).probability.to_numpy()
    drawn = fitness(margins, density=0.5, samples=2000, exact_margins=False, rng=3)
    off = ~np.eye(12, dtype=bool)
    error = even[off] * np.sqrt((1 - p[off]) / p[off] / 2000)
    assert (np.abs(drawn.mean().to_numpy() - even)[off] < 5 * error).all()
    one = drawn.matrix(0).toarray()
    assert np.allclose(one[one > 0], (even / np.where(p > 0, p, 1))[one > 0])


def test_probabilities_follow_the_margins():
    margins = spread(5, 10, 1.0)
    model = link_model(margins, links=30)
    p = model.probability.to_numpy()
    odds = model.z * np.outer(margins.claims, margins.debts)
    off = ~np.eye(10, dtype=bool)
    assert np.allclose(p[off], (odds / (1 + odds))[off], rtol=1e-9)
    assert (np.diag(p) == 0).all()
    assert model.expected_links == pytest.approx(30, rel=1e-9)


def test_known_claims_are_certain_links():
    net_margins = Margins(
        list("abcd"), [3, 2, 2, 3], [2, 3, 3, 2], known={("a", "b"): 1.0, ("b", "a"): 0.0}
    )
    model = link_model(net_margins, links=7)
    assert model.probability.loc["a", "b"] == 1 and model.probability.loc["b", "a"] == 0
    assert model.expected_links == pytest.approx(7)
    drawn = fitness(net_margins, links=7, samples=30, rng=1)
    assert (drawn.link_probability().loc["a", "b"], drawn.link_probability().loc["b", "a"]) == (
        1,
        0,
    )


def test_links_that_cannot_be():
    margins = spread(6, 5, 1.0)
    for links in (0, 21, -1):
        with pytest.raises(ct.NetworkError, match="at most 20"):
            fitness(margins, links=links)
    with pytest.raises(ct.NetworkError, match="every node needs one"):
        fitness(margins, links=3)
    assert fitness(margins, links=3, exact_margins=False, rng=1).links[0] <= 12
    assert fitness(margins, links=20).links.tolist() == [20]
    assert np.isinf(link_model(margins, links=20).z)
    idle = Margins(list("abc"), [1, 0, 0], [0, 0.5, 0.5])  # b and c lend nothing
    assert fitness(idle, links=2).links.tolist() == [2]


def _repaired(margins, cells):
    problem = margins._problem
    row, column = problem.cells
    chosen = {(margins.names[i], margins.names[j]) for i, j in cells}
    names = margins.names[problem.order]
    hit = np.array([(names[i], names[j]) in chosen for i, j in zip(row, column, strict=True)])
    rng = np.random.default_rng(1)
    held, added = repaired(problem, row[hit], column[hit], ones, even(problem), rng)
    return {(names[i], names[j]): x for i, j, x in zip(*held, strict=True)}, added


def test_cells_that_carry_get_no_more():
    _, added = _repaired(Margins(list("abc"), [3, 2, 1], [1, 3, 2]), [(0, 1), (1, 2), (2, 0)])
    assert added == 0


def test_one_cell_is_added_where_one_does():
    """a may reach 3 of its 4: one more cell, and the only one that helps is a → c."""
    margins = Margins(list("abc"), [4, 1, 2], [2, 3, 2])
    amount, added = _repaired(margins, [(0, 1), (1, 2), (2, 0), (1, 0)])
    assert added == 1
    assert amount[("a", "c")] == pytest.approx(1)


def test_bare_nodes_get_one_cell_each():
    """b lends to a, and nobody else has a cell: a and c claim, b and c owe."""
    margins = Margins(list("abc"), [3, 2, 1], [1, 2, 3])
    amount, added = _repaired(margins, [(1, 0)])
    assert 3 <= added <= 4
    assert sum(x for (i, _), x in amount.items() if i == "a") == pytest.approx(3)


def test_expected_cells_with_one_for_every_bare_node():
    """The number that z is calibrated to, against draws; bare nodes are half of it."""
    problem = spread(9, 12, 0.8)._problem
    for links in (19.0, 30.0):
        odds, rng = with_one_each(problem, links), np.random.default_rng(5)
        count = [len(covered(problem, *odds.drawn(rng), odds.at, rng)[0]) for _ in range(3000)]
        assert abs(np.mean(count) - links) < 4 * np.std(count) / np.sqrt(3000)


def test_a_bare_creditor_draws_its_debtor_by_the_odds():
    """p of 0.1, 0.5 and 0.9 have odds 1/9, 1 and 9: parts 0.011, 0.099 and 0.890."""
    margins = Margins(list("abcde"), [1, 5, 0, 0, 0], [0, 0, 2, 2, 2])
    problem = margins._problem
    row, column = problem.cells
    row, column = row[row == 1], column[row == 1]
    rng = np.random.default_rng(2)

    def odds(creditor, debtor):
        known = np.log([1.0, 1.0, 1 / 9, 1.0, 9.0])[debtor] + 0.0 * creditor
        return np.where(problem.open(creditor, debtor), known, -np.inf)

    drawn = [covered(problem, row, column, odds, rng) for _ in range(2000)]
    assert all(len(cells[0]) == 4 for cells in drawn)
    count = np.bincount([cells[1][cells[0] == 0][0] for cells in drawn], minlength=5)
    assert count[2:] / 2000 == pytest.approx([0.011, 0.099, 0.890], abs=0.025)
    held = [repaired(problem, row, column, ones, odds, rng) for _ in range(300)]
    count = np.bincount([cells[1][cells[0] == 0][0] for cells, _ in held], minlength=5)
    assert count[2:] / 300 == pytest.approx([0.011, 0.099, 0.890], abs=0.07)
    assert all(added == 1 for _, added in held)


def test_greedy_repairs_are_close_to_the_fewest():
    """Against all ways to add cells, on small whole numbers."""
    more = fewest = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        table = rng.integers(0, 5, (5, 5)) * (rng.random((5, 5)) < 0.6)
        np.fill_diagonal(table, 0)
        claims, debts = table.sum(1), table.sum(0)
        problem = Margins(list("abcde"), claims, debts)._problem
        row, column = problem.cells
        hit = rng.random(len(row)) < 0.45
        held = covered(problem, row[hit], column[hit], even(problem), rng)
        _, added = repaired(problem, *held, ones, even(problem), rng)
        cells = list(zip(row.tolist(), column.tolist(), strict=True))
        used = list(zip(*(side.tolist() for side in held), strict=True))
        rest = [cell for cell in cells if cell not in used]
        least = next(
            size
            for size in range(9)
            if any(carries([*used, *x], claims, debts) for x in itertools.combinations(rest, size))
        )
        assert added >= least
        more, fewest = more + added, fewest + least
    assert fewest > 30 and more <= 1.1 * fewest


def test_where_no_one_cell_helps_a_path_is_added():
    """b and c are served; a claims and owes 1: a → c and b → a, or a → b and c → a."""
    problem = Margins(list("abc"), [1, 1, 1], [1, 1, 1])._problem
    row, column = problem.cells
    used = (row > 0) & (column > 0)
    left = np.array([1.0, 0.0, 0.0])
    new = _next(problem, row[used], column[used], np.ones(2), left, left)
    assert {divmod(int(k), 3) for k in new} in ({(0, 2), (1, 0)}, {(0, 1), (2, 0)})


def test_repairs_keep_margins_at_low_density():
    margins = spread(7, 40, 2.0)
    drawn = fitness(margins, density=0.07, samples=20, rng=4)
    assert drawn.margin_errors.max() < 1e-9
    assert drawn.added.min() > 0
    assert "cells added" in repr(drawn)
    drawn_before = drawn.links + drawn.dropped - drawn.added
    assert (drawn_before > 0).all() and (drawn.links >= 79 - 4).all()


def test_exact_amounts_scale_the_drawn_weights():
    """x_ij = r_i w_ij s_j on the drawn cells: cross ratios are those of w."""
    problem = spread(8, 6, 0.5)._problem
    row, column = problem.cells
    rng = np.random.default_rng(3)
    w, hit = rng.lognormal(0, 1, (6, 6)), rng.random(len(row)) < 0.9
    held, added = repaired(problem, row[hit], column[hit], lambda i, j: w[i, j], even(problem), rng)
    assert added == 0 and len(held[0]) == hit.sum() and (held[2] > 0).all()
    x = np.zeros((6, 6))
    x[held[0], held[1]] = held[2]
    seen = 0
    for a, b, i, j in ((0, 1, 2, 3), (1, 2, 4, 5), (3, 4, 0, 1), (4, 5, 1, 2), (0, 5, 1, 2)):
        if (x[np.ix_((a, b), (i, j))] > 0).all():
            ratio = x[a, i] * x[b, j] / x[a, j] / x[b, i]
            assert ratio == pytest.approx(w[a, i] * w[b, j] / w[a, j] / w[b, i], rel=1e-8)
            seen += 1
    assert seen >= 2


def test_links_are_independent_with_their_own_probability():
    """Margins over six orders of magnitude: frequencies of cells and of pairs of cells."""
    problem = spread(10, 14, 3.0)._problem
    odds, rng, draws = calibrated(problem, 50.0), np.random.default_rng(1), 8_000
    every = np.arange(14)
    p = 1 / (1 + np.exp(-odds.at(every[:, None], every)))
    seen = np.zeros((draws, 14, 14))
    for table in seen:
        row, column = odds.drawn(rng)
        assert (np.diff(row * 14 + column) > 0).all()
        table[row, column] = 1
    assert p.sum() == pytest.approx(50, rel=1e-9) and (np.diag(p) == 0).all()
    error = np.sqrt(p * (1 - p) / draws) + 1e-9
    assert (np.abs(seen.mean(0) - p) < 5 * error + 5 / draws).all()
    total = seen.sum((1, 2))
    assert total.var() == pytest.approx((p * (1 - p)).sum(), rel=0.05)


def test_dense_networks_have_no_bare_nodes():
    """No node is without a link: z is that of the plain model, to the last digit or nearly."""
    problem = spread(14, 300, 1.0)._problem
    for part in (0.5, 0.9, 0.99):
        links = part * 300 * 299
        plain, exact = calibrated(problem, links), with_one_each(problem, links)
        assert exact.log_z == pytest.approx(plain.log_z, abs=1e-6)


def test_points_in_pieces_have_the_same_law(monkeypatch):
    problem = spread(11, 30, 1.5)._problem
    odds = calibrated(problem, 120.0)
    every = np.arange(30)
    p = 1 / (1 + np.exp(-odds.at(every[:, None], every)))
    monkeypatch.setattr("contagion.synthetic.reconstruct._links.BLOCK", 20)
    rng, count = np.random.default_rng(1), np.zeros((30, 30))
    for _ in range(1500):
        row, column = odds.drawn(rng)
        count[row, column] += 1
    error = np.sqrt(p * (1 - p) / 1500)
    assert (np.abs(count / 1500 - p) < 5 * error + 5 / 1500).all()


def test_sums_on_a_grid_are_the_sums_over_all_pairs():
    """400 nodes with distinct margins, some of them 0, and cells that are closed."""
    rng = np.random.default_rng(12)
    claims, debts = rng.lognormal(0, 1.5, 400), rng.lognormal(0, 0.5, 400)
    claims[:5] = debts[7:11] = 0
    debts *= claims.sum() / debts.sum()
    names = [f"n{k:03d}" for k in range(400)]
    never = {(names[i], names[j]) for i, j in rng.integers(0, 400, (3000, 2))}
    problem = Margins(names, claims, debts, forbidden=never)._problem
    assert len(_grid(Odds(problem).sides[0])[0]) < 395
    every = np.arange(400)
    for log_z in (-9.0, -4.0, 1.0):
        odds = Odds(problem, log_z)
        p = 1 / (1 + np.exp(-odds.at(every[:, None], every)))
        assert odds.expected() == pytest.approx(p.sum(), rel=1e-7)
        bare = np.prod(1 - p, axis=1)
        weight = np.where(p > 0, np.outer(claims, debts), 0.0)
        share = weight / np.maximum(weight.sum(1), 1e-300)[:, None]
        rest = bare[:, None] / (1 - p)
        alone = np.prod((1 - p) * (1 - share * rest), axis=0)
        more = bare[claims > 0].sum() + alone[debts > 0].sum()
        assert odds.expected_with_one_each() == pytest.approx(p.sum() + more, rel=1e-7)


def test_a_network_of_many_nodes_is_drawn_without_a_table_of_all_pairs():
    """10,000 nodes: under 300 MB, where one number a pair would take 800."""
    import tracemalloc

    rng = np.random.default_rng(13)
    claims, debts = rng.lognormal(0, 1, 10_000), rng.lognormal(0, 1, 10_000)
    margins = Margins(np.arange(10_000), claims, debts * claims.sum() / debts.sum())
    tracemalloc.start()
    drawn = fitness(margins, density=0.001, rng=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300e6
    assert drawn.margin_errors[0] < 1e-9
    assert drawn.links[0] == pytest.approx(0.001 * 10_000 * 9_999, rel=0.1)
