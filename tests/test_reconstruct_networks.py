"""Every way of reconstructing keeps the margins, the diagonal, known and forbidden cells."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from conftest import random_network
from reference_reconstruct import scaled
from scipy.sparse import coo_array

import contagion as ct
from contagion.synthetic.reconstruct import Margins, _memory
from contagion.synthetic.reconstruct._scaling import evenly

WAYS = {
    "maximum entropy": lambda m, rng: ct.synthetic.reconstruct.maximum_entropy(m),
    "minimum density": lambda m, rng: ct.synthetic.reconstruct.minimum_density(
        m, samples=2, rng=rng
    ),
    "fitness": lambda m, rng: ct.synthetic.reconstruct.fitness(m, density=0.45, samples=2, rng=rng),
    "configuration": lambda m, rng: ct.synthetic.reconstruct.configuration(m, samples=2, rng=rng),
    "gibbs": lambda m, rng: ct.synthetic.reconstruct.gibbs(
        m, link_probability=0.3, samples=2, thin=5, burn_in=10, rng=rng
    ),
}


def margins_with_cells(seed: int) -> Margins:
    """Margins of a random network with some of its claims known and some empty cells forbidden."""
    net = random_network(seed, 9, 2.5)
    rng = np.random.default_rng(seed)
    pairs = net.exposures.groupby(["creditor", "debtor"])["amount"].sum()
    known = dict(pairs[rng.random(len(pairs)) < 0.25])
    empty = [(a, b) for a in net.names for b in net.names if a != b and (a, b) not in pairs]
    forbidden = [pair for pair in empty if rng.random() < 0.2]
    return Margins.from_network(net, known=known, forbidden=forbidden)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(12))
def test_margins_diagonal_known_and_forbidden_cells(way, seed):
    margins = margins_with_cells(seed)
    draws = WAYS[way](margins, seed)
    assert margins.known and margins.forbidden
    place = {name: k for k, name in enumerate(margins.names)}
    for k in range(len(draws)):
        table = draws.matrix(k).toarray()
        assert np.abs(table.sum(1) - margins.claims).max() <= 1e-9 * margins.claims.max()
        for sums, margin in ((table.sum(1), margins.claims), (table.sum(0), margins.debts)):
            some = margin > 0
            assert (np.abs(sums - margin)[some] <= 1e-9 * margin[some]).all()
            assert (sums[~some] == 0).all()
        assert (np.diag(table) == 0).all() and (table >= 0).all()
        for (creditor, debtor), amount in margins.known.items():
            assert table[place[creditor], place[debtor]] == amount
        for creditor, debtor in margins.forbidden:
            assert table[place[creditor], place[debtor]] == 0
        assert draws.links[k] == (table > 0).sum()
    assert draws.margin_errors.max() <= 1e-9


@pytest.mark.parametrize("way", WAYS)
def test_seeds_reproduce_and_row_order_does_not_matter(way):
    margins = margins_with_cells(5)
    first, again = WAYS[way](margins, 11), WAYS[way](margins, 11)
    assert first.mean().equals(again.mean())
    order = np.random.default_rng(0).permutation(len(margins))
    turned = Margins(
        margins.names[order],
        margins.claims[order],
        margins.debts[order],
        nodes=margins.nodes.iloc[np.random.default_rng(1).permutation(len(margins))],
        known=dict(reversed(margins.known.items())),
        forbidden=sorted(margins.forbidden),
    )
    other = WAYS[way](turned, 11)
    assert other.mean().loc[margins.names, margins.names].equals(first.mean())
    assert np.allclose(
        other[0].balance_sheet.loc[margins.names], first[0].balance_sheet, equal_nan=True
    )
    if way != "maximum entropy":
        assert not WAYS[way](margins, 12).mean().equals(first.mean())


@pytest.mark.parametrize("way", WAYS)
def test_the_unit_of_money_does_not_matter(way):
    """Powers of two, so that nothing is rounded: the same cells, and amounts to scale."""
    claims, debts = [3, 2, 1.5, 4, 1], [2.25, 4.25, 1.75, 2.25, 1]
    small, large = (
        WAYS[way](Margins(list("abcde"), np.array(claims) * f, np.array(debts) * f), 3)
        for f in (1.0, 2.0**20)
    )
    assert np.allclose(large.mean(), small.mean() * 2.0**20, rtol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_maximum_entropy_is_what_plain_scaling_gives(seed):
    margins = margins_with_cells(seed)
    n = len(margins)
    place = {name: k for k, name in enumerate(margins.names)}
    claims, debts = margins.claims.copy(), margins.debts.copy()
    allowed = [[i != j for j in range(n)] for i in range(n)]
    known = np.zeros((n, n))
    for (creditor, debtor), amount in margins.known.items():
        i, j = place[creditor], place[debtor]
        allowed[i][j], known[i, j] = False, amount
        claims[i] -= amount
        debts[j] -= amount
    for creditor, debtor in margins.forbidden:
        allowed[place[creditor]][place[debtor]] = False
    claims, debts = np.where(claims > 1e-9, claims, 0), np.where(debts > 1e-9, debts, 0)
    weight = [[claims[i] * debts[j] for j in range(n)] for i in range(n)]
    reference = scaled(claims, debts, allowed, weight, rounds=3000) + known
    found = ct.synthetic.reconstruct.maximum_entropy(margins).mean().to_numpy()
    assert np.abs(found - reference).max() <= 2e-3 * margins.claims.max()  # it converges slowly
    tight = scaled(claims, debts, found - known > 0, weight) + known
    assert np.abs(found - tight).max() <= 1e-8 * margins.claims.max()


def test_prior_in_every_form():
    """X_ij = r_i Q_ij s_j: cross ratios of the prior are kept, whatever the margins are."""
    margins = Margins(list("dbca"), [3, 2, 1, 4], [1, 2, 3, 4])
    rng = np.random.default_rng(4)
    prior = rng.random((4, 4)) + 0.1
    found = ct.synthetic.reconstruct.maximum_entropy(margins, prior).mean().to_numpy()
    for i, k, j, m in ((0, 1, 2, 3), (2, 3, 0, 1), (0, 2, 1, 3)):
        ratio = found[i, j] * found[k, m] / (found[i, m] * found[k, j])
        asked = prior[i, j] * prior[k, m] / (prior[i, m] * prior[k, j])
        assert ratio == pytest.approx(asked, rel=1e-9)
    frame = pd.DataFrame(prior, list("dbca"), list("dbca")).loc[list("abcd"), list("bacd")]

    for other in (frame, coo_array(prior), prior.tolist()):
        again = ct.synthetic.reconstruct.maximum_entropy(margins, other).mean().to_numpy()
        assert np.allclose(again, found, rtol=1e-12)


def test_sparse_prior_and_one_that_cannot_carry():
    margins = Margins(list("abc"), [3, 2, 1], [1, 3, 2])
    ring = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    found = ct.synthetic.reconstruct.maximum_entropy(margins, ring).mean().to_numpy()
    assert found.tolist() == [[0, 3, 0], [0, 0, 2], [1, 0, 0]]
    with pytest.raises(ct.NetworkError, match="have no cell"):
        ct.synthetic.reconstruct.maximum_entropy(margins, np.transpose(ring))
    for bad, said in (
        (np.ones((2, 2)), "shape"),
        (-np.ones((3, 3)), "≥ 0"),
        (pd.DataFrame(np.ones((3, 3)), list("abx"), list("abc")), "'c'"),
    ):
        with pytest.raises(ct.NetworkError, match=said):
            ct.synthetic.reconstruct.maximum_entropy(margins, bad)


def test_amounts_that_are_forced_to_zero_are_zero():
    """a and d may only lend to each other and to b; what they lend fills b up."""
    names, cells = list("abcd"), [("a", "c"), ("d", "c"), ("a", "d"), ("d", "a")]
    margins = Margins(names, [2, 3, 4, 1], [4, 3, 2, 1], forbidden=cells)
    found = ct.synthetic.reconstruct.maximum_entropy(margins)
    assert found.mean().loc["c", "b"] == 0
    assert found.links.tolist() == [7 - 1 - 0] or found.margin_errors[0] < 1e-12
    assert found.margin_errors[0] < 1e-12


def test_near_tight_margins_are_met():
    """One node claims almost all that the others owe: scaling alone would take 10^7 rounds."""
    for gap in (1e-3, 1e-6, 1e-9):
        margins = Margins(list("abcd"), [10 - gap, 1, 1 + gap, 1], [3, 4, 3, 3])
        found = ct.synthetic.reconstruct.maximum_entropy(margins)
        assert found.margin_errors[0] <= 1e-12
        table = found.mean().to_numpy()
        inner = table[1:, 1:].sum()
        assert inner == pytest.approx(gap, rel=1e-5)


@pytest.mark.slow
def test_a_thousand_nodes():
    """Also with margins over nine orders of magnitude."""
    rng = np.random.default_rng(1)
    claims = rng.lognormal(0, 2.5, 1000)
    debts = rng.lognormal(0, 2.5, 1000)
    margins = Margins(np.arange(1000), claims, debts * claims.sum() / debts.sum())
    for way, links in (
        (ct.synthetic.reconstruct.maximum_entropy(margins), 999_000),
        (ct.synthetic.reconstruct.minimum_density(margins, rng=1), 1999),
        (ct.synthetic.reconstruct.configuration(margins, rng=1), 12_000),
    ):
        assert way.margin_errors.max() <= 1e-9
        assert way.links[0] <= links
    draw = ct.synthetic.reconstruct.fitness(margins, density=0.05, rng=1)
    assert draw.margin_errors.max() <= 1e-9
    assert draw.density[0] == pytest.approx(0.05, rel=0.02)


def test_more_stubs_come_near_to_maximum_entropy():
    margins = Margins(list("abcde"), [5, 4, 3, 2, 1], [3, 3, 3, 3, 3])
    even = ct.synthetic.reconstruct.maximum_entropy(margins).mean().to_numpy()
    far = [
        np.abs(
            ct.synthetic.reconstruct.configuration(margins, stubs=s, samples=4, rng=2)
            .mean()
            .to_numpy()
            - even
        ).max()
        for s in (5, 100, 20_000)
    ]
    assert far[2] < 0.1 < far[0]
    links = [
        ct.synthetic.reconstruct.configuration(margins, stubs=s, samples=9, rng=2).links.mean()
        for s in (5, 20, 2000)
    ]
    assert links[0] < links[1] < links[2] <= 20


def test_a_node_that_dominates_is_matched_by_swaps():
    """b, c and d may lend to a only: every piece that lies elsewhere has to be swapped."""
    margins = Margins(list("abcd"), [6, 1, 2, 3], [6, 2, 2, 2])
    for seed in range(20):
        found = ct.synthetic.reconstruct.configuration(margins, stubs=12, rng=seed)
        assert found.mean()["a"].tolist() == pytest.approx([0, 1, 2, 3])


def test_options_that_mean_nothing():
    margins = Margins(list("abc"), [3, 2, 1], [1, 2, 3])
    for call in (
        lambda: ct.synthetic.reconstruct.configuration(margins, stubs=0),
        lambda: ct.synthetic.reconstruct.configuration(margins, samples=0),
        lambda: ct.synthetic.reconstruct.minimum_density(margins, samples=0),
        lambda: ct.synthetic.reconstruct.minimum_density(margins, removal=0.5),
        lambda: ct.synthetic.reconstruct.minimum_density(margins, exact=True, samples=2),
        lambda: ct.synthetic.reconstruct.fitness(margins),
        lambda: ct.synthetic.reconstruct.fitness(margins, density=0.5, links=3),
        lambda: ct.synthetic.reconstruct.fitness(margins, links=4, samples=0),
        lambda: ct.synthetic.reconstruct.gibbs(margins),
        lambda: ct.synthetic.reconstruct.gibbs(margins, density=0.5, odds="some"),
        lambda: ct.synthetic.reconstruct.gibbs(margins, density=0.5, thin=0),
        lambda: ct.synthetic.reconstruct.maximum_entropy(margins).diagnostics,
    ):
        with pytest.raises(ValueError):
            call()


@pytest.mark.parametrize("method", [
    ct.synthetic.reconstruct.maximum_entropy,
    lambda margins: ct.synthetic.reconstruct.fitness(margins, density=1.0, rng=1),
])  # fmt: skip
def test_more_pairs_than_memory_holds_are_refused_before_they_are_made(method, monkeypatch):
    monkeypatch.setattr(_memory, "free_memory", lambda: 4e6)
    small, large = (Margins(np.arange(n), np.ones(n), np.ones(n)) for n in (200, 300))
    assert method(small).links.tolist() == [200 * 199]
    with pytest.raises(ct.errors.NetworkError) as caught:
        method(large)
    said = str(caught.value)
    assert "89,700 claims take about 0.0072 GB of memory, and 0.004 GB are free" in said
    with pytest.raises(ct.errors.NetworkError, match=r"A table of probabilities .* 89,700 claims"):
        ct.synthetic.reconstruct.gibbs(large, link_probability=1.0)
    assert "density below 1" in said and "sparse prior" in said and "minimum_density" in said


def test_a_sparse_prior_stays_sparse():
    """Claims round a ring of 3,000 nodes and back: a table of all pairs would take 72 MB."""
    n = 3_000
    every, margins = np.arange(n), Margins(np.arange(3_000), np.ones(n), np.ones(n))
    row, column = np.tile(every, 3), np.r_[every + 1, every + 1, every - 1] % n
    prior = coo_array((np.ones(3 * n), (row, column)), shape=(n, n))  # one way stands twice
    tracemalloc.start()
    found = ct.synthetic.reconstruct.maximum_entropy(margins, prior)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    ahead = (found.debtor - found.creditor) % n == 1
    assert found.amount[ahead] == pytest.approx(2 / 3) and ahead.sum() == n
    assert found.amount[~ahead] == pytest.approx(1 / 3) and (~ahead).sum() == n


def test_free_memory_is_that_of_the_machine_or_of_its_container(tmp_path, monkeypatch):
    system, limit = tmp_path / "meminfo", tmp_path / "max"
    system.write_text("MemTotal: 4096 kB\nMemAvailable: 2048 kB\n")
    monkeypatch.setattr(_memory, "SYSTEM", system)
    monkeypatch.setattr(_memory, "LIMITS", (limit,))
    assert _memory.free_memory() == 2048 * 1024
    for text, free in (("max", 2048 * 1024), ("1000000", 1e6), ("9e15", 2048 * 1024)):
        limit.write_text(text)
        assert _memory.free_memory() == free
    system.unlink()  # as on other systems
    assert _memory.free_memory() >= 1e9


def sums_of_the_rank_one_solution(margins):
    """What maximum entropy gives nodes, from r and s: largest errors of claims and debts, parts."""
    problem = margins._problem
    even, every = evenly(problem), np.arange(len(margins))
    errors = []
    for rows in np.array_split(every, 8):
        cells = even(rows[:, None], every) * problem.open(rows[:, None], every)
        errors.append((cells.sum(1), cells.sum(0)))
    claims = np.concatenate([one for one, _ in errors])
    debts = np.sum([two for _, two in errors], axis=0)
    pairs = ((claims, problem.supply), (debts, problem.demand))
    return [float((np.abs(x - m) / np.where(m > 0, m, 1)).max()) for x, m in pairs]


@pytest.mark.parametrize("gap", [1.0, 1e-2, 1e-6, 1e-10, 0.0])
def test_maximum_entropy_with_a_node_that_has_nearly_everything(gap):
    """Claims and debts of the first node come as near to all there is as `gap` says."""
    rng = np.random.default_rng(3)
    claims, debts = rng.lognormal(0, 1, (2, 300))
    claims[1:] *= 2.0 / claims[1:].sum()
    debts[1:] *= 3.0 / debts[1:].sum()
    claims[0], debts[0] = 3 / (1 + gap), 2 / (1 + gap)
    debts[1:] *= (claims.sum() - debts[0]) / 3.0
    margins = Margins([f"n{k:03d}" for k in range(300)], claims, debts)
    assert max(sums_of_the_rank_one_solution(margins)) < 1e-9


def test_maximum_entropy_of_ten_thousand_nodes_is_two_numbers_a_node():
    rng = np.random.default_rng(5)
    claims, debts = rng.lognormal(0, 2, (2, 10_000))
    claims[:50] = debts[50:90] = 0.0
    names = np.arange(10_000)
    margins = Margins(names, claims, debts * claims.sum() / debts.sum())
    tracemalloc.start()
    even = evenly(margins._problem)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6  # one byte a pair would be 100
    row, column = rng.integers(0, 10_000, (2, 4, 1000))
    some = row[0] != column[1]
    cross = even(row[0], column[0]) * even(row[1], column[1])
    assert np.allclose(cross[some], (even(row[0], column[1]) * even(row[1], column[0]))[some])
    assert max(sums_of_the_rank_one_solution(margins)) < 1e-12
