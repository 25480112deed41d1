"""The Gibbs sampler against posteriors that can be integrated, and what its chains are worth."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from conftest import others_slow
from reference_reconstruct import circulations, plane_posterior
from scipy.integrate import quad

import contagion as ct
from contagion.synthetic.reconstruct import Beta, Gamma, Margins, gibbs
from contagion.synthetic.reconstruct._cycles import along_links, sweep
from contagion.synthetic.reconstruct._state import State

CELLS = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
MOVE = np.array([1, -1, -1, 1, 1, -1])  # the one way to move money among three nodes
CLAIMS, DEBTS = [3.0, 2.0, 1.5], [2.2, 2.4, 1.9]


def line_posterior(amounts, p, rate, atoms=True):
    """P(first end), P(last end) and the density inside, of t in amounts + t · MOVE."""
    low = max(-x for x, d in zip(amounts, MOVE, strict=True) if d > 0)
    high = min(x for x, d in zip(amounts, MOVE, strict=True) if d < 0)

    def weight(t, empty=None):
        total = 1.0
        for k in range(6):
            x = amounts[k] + t * MOVE[k]
            total *= (1 - p[k]) if k == empty else p[k] * rate[k] * np.exp(-rate[k] * x)
        return total

    ends = []
    for t in (low, high):
        empty = [k for k in range(6) if abs(amounts[k] + t * MOVE[k]) < 1e-12]
        assert len(empty) == 1
        ends.append(weight(t, empty[0]))
    inside = quad(weight, low, high, epsabs=0)[0]
    mean = quad(lambda t: t * weight(t), low, high, epsabs=0)[0] + low * ends[0] + high * ends[1]
    total = inside + sum(ends)
    return low, high, ends[0] / total, ends[1] / total, inside / total, mean / total


def within(values, expected, width=4.5):
    """Is the mean of a chain the expected one, up to `width` standard errors?"""
    values = np.asarray(values, float)
    size = ct.synthetic.reconstruct.effective_sample_size(values)
    assert abs(values.mean() - expected) < width * values.std() / np.sqrt(size), (
        values.mean(),
        expected,
        size,
    )


def fixed(cells, values):
    table = np.zeros((3, 3))
    for (i, j), value in zip(cells, values, strict=True):
        table[i, j] = value
    return table


@pytest.mark.parametrize("seed", others_slow([0, 1]))
def test_three_nodes_have_the_exact_posterior(seed):
    """Atoms at both ends of the one free direction, a density between; p and λ by cell."""
    rng = np.random.default_rng(seed)
    p, rate = 0.6 + 0.3 * rng.random(6), 0.2 + 0.3 * rng.random(6)
    rate[MOVE * (-1) ** seed > 0] += 0.7  # a steep density, down or up
    margins = Margins(list("abc"), CLAIMS, DEBTS)
    start = ct.synthetic.reconstruct.maximum_entropy(margins).mean().to_numpy()
    amounts = [start[cell] for cell in CELLS]
    low, high, first, last, inside, mean = line_posterior(amounts, p, rate)
    assert min(first, last, inside) > 0.02
    draws = gibbs(
        margins,
        link_probability=fixed(CELLS, p),
        rate=fixed(CELLS, rate),
        samples=3000,
        thin=2,
        burn_in=50,
        rng=seed,
    )
    moved = np.array([draws.matrix(k)[0, 1] - amounts[0] for k in range(len(draws))])
    within(np.isclose(moved, low), first)
    within(np.isclose(moved, high), last)
    within(moved, mean)
    within(draws.links == 6, inside)
    assert draws.margin_errors.max() < 1e-9


def two_by_three(first: int):
    """Two creditors and three debtors (from node `first` on): money can move in two ways."""
    cells = [(i, first + j) for i in range(2) for j in range(3)]
    rng = np.random.default_rng(4)
    amounts = rng.lognormal(0, 0.4, 6)
    table = np.zeros((first + 3, first + 3))
    for cell, amount in zip(cells, amounts, strict=True):
        table[cell] = amount
    basis = circulations(cells, first + 3)
    assert basis.shape == (2, 6)
    return cells, amounts, table, basis, 0.25 + 0.5 * rng.random(6)


def test_the_reference_of_the_plane_agrees_with_counting():
    """Uniform points in the polygon: the weight of the inside is its area."""
    cells, amounts, _, basis, _ = two_by_three(0)
    half = np.full(6, 0.5)
    posterior = plane_posterior(cells, amounts, basis, half, 1.0)
    assert sum(posterior.values()) == pytest.approx(1)
    inside, corner = posterior[frozenset(range(6))], min(posterior, key=len)
    points = np.random.default_rng(1).uniform(-6, 6, (400_000, 2))
    area = 144 * ((amounts + points @ basis) > 0).all(1).mean()
    assert inside / posterior[corner] == pytest.approx(area, rel=0.03)


SIZE = np.zeros(3)
KERNELS = {
    "blocks": lambda x, edge, rng: sweep(x, lambda i, j: edge[i, j], None, 2, rng),
    "links": lambda x, edge, rng: along_links(
        x, lambda i, j: edge[i, j], None, SIZE, rng, by_money=False
    ),
    "money": lambda x, edge, rng: along_links(
        x, lambda i, j: edge[i, j], None, SIZE, rng, by_money=True
    ),
    "columns": lambda x, edge, rng: along_links(
        x.turned(), lambda i, j: edge[j, i], None, SIZE, rng, by_money=False
    ),
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_keeps_the_posterior_of_the_plane(kernel):
    """Every support has its share: area, edges and corners of a polygon. Each kernel alone."""
    cells, amounts, table, basis, p = two_by_three(0)
    rate = 0.9
    expected = plane_posterior(cells, amounts, basis, p, rate)
    edge = np.zeros((3, 3))
    for cell, chance in zip(cells, p, strict=True):
        edge[cell] = np.log((1 - chance) / (chance * rate))
    state = State(3, *np.array(cells).T, amounts, lambda i, j: table[i, j] > 0)
    rng = np.random.default_rng(8)
    seen = []
    for _ in range(9000):
        KERNELS[kernel](state, edge, rng)
        seen.append(state.at(*np.array(cells).T) > 0)
    last = np.zeros((3, 3))
    for view, there in ((state, last), (state.turned(), last.T)):
        row, column, amount = view.cells()
        there[row, column] = amount
        assert (last[table == 0] == 0).all() and (np.diff(row * 3 + column) > 0).all()
        assert np.allclose(last.sum(1), table.sum(1), rtol=1e-11)
        assert np.allclose(last.sum(0), table.sum(0), rtol=1e-11)
    seen = np.array(seen)
    for support, chance in expected.items():
        within((seen == [k in support for k in range(6)]).all(1), chance)
    assert {frozenset(np.flatnonzero(row)) for row in seen} <= set(expected)


def test_gibbs_on_the_plane():
    """The same through the front door, beside a known cell, forbidden cells and others."""
    cells, amounts, table, basis, p = two_by_three(2)
    table[0, 1] = 0.7
    chance = np.zeros((5, 5))
    for cell, value in zip(cells, p, strict=True):
        chance[cell] = value
    names = list("abcde")
    margins = Margins(names, table.sum(1), table.sum(0), known={("a", "b"): 0.7})
    draws = gibbs(
        margins, link_probability=chance, rate=0.9, samples=2000, thin=2, burn_in=50, rng=1
    )
    expected = plane_posterior(cells, amounts, basis, p, 0.9)
    within(draws.links, 1 + sum(len(support) * q for support, q in expected.items()))
    full = sum(q for support, q in expected.items() if cells.index((0, 2)) in support)
    within([draws.matrix(k)[0, 2] > 0 for k in range(len(draws))], full)
    assert draws.link_probability().loc["a", "b"] == 1
    assert draws.mean().loc["a", "b"] == pytest.approx(0.7, rel=1e-12)


def test_unknown_probability_and_rate():
    """Three nodes: given that p ~ Beta and λ ~ Gamma, the end atoms against the inside.

    With one p and one λ, all money M: an end has weight ∫ (1 − p) p⁵ dBeta · ∫ λ⁵ e^{−λM} dGamma,
    the inside, of length w, w ∫ p⁶ dBeta · ∫ λ⁶ e^{−λM} dGamma.
    """
    margins = Margins(list("abc"), CLAIMS, DEBTS)
    start = ct.synthetic.reconstruct.maximum_entropy(margins).mean().to_numpy()
    amounts = [start[cell] for cell in CELLS]
    low, high = line_posterior(amounts, [0.5] * 6, [1.0] * 6)[:2]
    a, b, shape, rate = 2.0, 1.5, 3.0, 2.0
    money = sum(CLAIMS)
    # B(a + 5, b + 1) / B(a + 6, b) = b / (a + 5);  Γ(s + 5) (r + M) / Γ(s + 6) = (r + M) / (s + 5)
    end = 2 * b / (a + 5) * (rate + money) / (shape + 5)
    inside = (high - low) / (end + high - low)
    draws = gibbs(
        margins,
        link_probability=Beta(a, b),
        rate=Gamma(shape, rate),
        samples=3000,
        thin=2,
        burn_in=50,
        rng=3,
    )
    within(draws.links == 6, inside)
    # p given five links of six is Beta(a + 5, b + 1), given six Beta(a + 6, b)
    mean = inside * (a + 6) / (a + b + 6) + (1 - inside) * (a + 5) / (a + b + 6)
    within(draws.trace["probability"], mean)
    mean = (inside * (shape + 6) + (1 - inside) * (shape + 5)) / (rate + money)
    within(draws.trace["rate"], mean)


def test_known_cells_count_for_an_unknown_probability():
    """Everything is known: p is Beta(a + links, b + the others), not one cell is free."""
    net = Margins(list("abc"), [2, 1, 0], [1, 2, 0], known={("a", "b"): 2, ("b", "a"): 1})
    more = Margins(
        list("abc"),
        [2, 1, 0],
        [1, 2, 0],
        known={("a", "b"): 2, ("b", "a"): 1, ("a", "c"): 0, ("c", "b"): 0},
    )
    for margins in (net, more):
        draws = gibbs(margins, link_probability=Beta(), samples=2000, thin=1, burn_in=0, rng=1)
        assert (draws.links == 2).all()
        within(draws.trace["probability"], 3 / (2 + len(margins.known)))


@pytest.mark.slow
def test_density_as_asked():
    rng = np.random.default_rng(0)
    claims, debts = rng.lognormal(0, 1, (2, 15))
    margins = Margins(np.arange(15), claims, debts * claims.sum() / debts.sum())
    for odds in ("equal", "fitness"):
        draws = gibbs(margins, density=0.35, odds=odds, samples=100, thin=5, burn_in=1000, rng=2)
        assert draws.density.mean() == pytest.approx(0.35, abs=0.02)
        assert "mean prior link probability" in draws.notes[0]


def test_probabilities_of_zero_and_one():
    margins = Margins(list("abc"), CLAIMS, DEBTS)
    sure = np.ones((3, 3))
    draws = gibbs(margins, link_probability=sure, samples=20, rng=1)
    assert (draws.links == 6).all() and draws.trace["concentration"].std() > 0
    # without a → b the rest is one network
    sure[0, 1] = 0
    with pytest.raises(ct.NetworkError, match="has no cell"):
        gibbs(margins, link_probability=sure, samples=2)
    easy = Margins(list("abc"), [3, 2, 1.5], [2.2, 1.4, 2.9])
    with pytest.raises(ct.NetworkError, match="has no cell"):
        gibbs(easy, link_probability=sure, samples=2)


def test_a_link_that_is_certain_and_cannot_be():
    """a lends all that c and b owe: b → c is zero, whatever its probability."""
    margins = Margins(list("abc"), [4, 1, 2], [3, 2, 2])
    with pytest.raises(ct.NetworkError, match="'b' on 'c' has probability 1 and is zero"):
        gibbs(margins, link_probability=1.0, samples=2)
    assert gibbs(margins, link_probability=0.5, samples=3, rng=1).links.tolist() == [4] * 3


def test_margins_that_coincide_split():
    """a and b lend 2 each, c and d owe 2 each: two exposures of 2 have all the weight."""
    margins = Margins(list("abcd"), [2, 2, 0, 0], [0, 0, 2, 2])
    draws = gibbs(margins, link_probability=0.9, samples=400, thin=1, burn_in=5, rng=1)
    assert (draws.links == 2).all()
    assert 0.4 < draws.link_probability().loc["a", "c"] < 0.6


def test_what_priors_refuse():
    margins = Margins(list("abc"), CLAIMS, DEBTS)
    for options, said in (
        ({"link_probability": 1.2}, "from 0 to 1"),
        ({"link_probability": np.full((2, 2), 0.5)}, "shape"),
        ({"link_probability": 0.5, "rate": 0.0}, "rate=0"),
        ({"link_probability": Beta(0, 1)}, "a=0"),
        ({"link_probability": 0.5, "rate": Gamma(1, -1)}, "rate=-1"),
        ({"density": 1.2}, "at most 6"),
    ):
        with pytest.raises(ct.NetworkError, match=said):
            gibbs(margins, samples=2, **options)


def test_effective_size_of_a_known_chain():
    """x_t = φ x_t−1 + noise has the autocorrelation φ^k and is worth T (1 − φ) / (1 + φ)."""
    rng = np.random.default_rng(2)
    noise, x = rng.normal(size=20_000), np.zeros(20_000)
    for t in range(1, len(x)):
        x[t] = 0.8 * x[t - 1] + noise[t]
    assert ct.synthetic.reconstruct.autocorrelation(x)[:4] == pytest.approx(
        0.8 ** np.arange(4), abs=0.04
    )
    assert ct.synthetic.reconstruct.effective_sample_size(x) == pytest.approx(20_000 / 9, rel=0.15)
    assert ct.synthetic.reconstruct.effective_sample_size(noise) == pytest.approx(20_000, rel=0.1)
    assert np.isnan(ct.synthetic.reconstruct.effective_sample_size(np.ones(50)))
    plain = [((x[: len(x) - k] - x.mean()) * (x[k:] - x.mean())).sum() for k in range(3)]
    rho = np.array(plain) / plain[0]
    assert ct.synthetic.reconstruct.autocorrelation(x)[:3] == pytest.approx(rho, abs=1e-9)


def test_diagnostics_say_what_the_samples_are_worth():
    margins = Margins(list("abc"), CLAIMS, DEBTS)
    draws = gibbs(margins, link_probability=Beta(), samples=200, thin=3, rng=1)
    table = draws.diagnostics
    assert table.index.tolist() == ["links", "concentration", "probability"]
    assert table.loc["links", "mean"] == draws.links.mean()
    assert (table["effective"] <= 200).all() and (table["effective"] > 10).all()
    share = [(draws[k].amount / draws[k].amount.sum()) ** 2 for k in range(3)]
    assert draws.trace["concentration"][:3].tolist() == pytest.approx([s.sum() for s in share])
    assert draws[5:9].trace["links"].tolist() == draws.links[5:9].tolist()


def test_a_density_that_margins_do_not_allow_is_said():
    """All claims and debts are 10: nearly all posterior weight is on one link a node."""
    names = list("abcdefgh")
    same = gibbs(
        Margins(names, claims=[10.0] * 8, debts=[10.0] * 8),
        density=0.4,
        samples=20,
        thin=20,
        burn_in=600,
        rng=1,
    )
    said = " ".join(same.notes)
    assert same.links.mean() < 0.4 * 56 - 2
    assert f"{same.links.mean():.4g} links on average, 22.4 were asked for" in said
    assert "1 amount among the claims is also among the debts" in said
    assert max(map(len, repr(same).splitlines())) <= 79
    rng = np.random.default_rng(3)
    claims, debts = rng.lognormal(2, 0.5, (2, 8))
    free = Margins(names, claims=claims, debts=debts * claims.sum() / debts.sum())
    met = gibbs(free, density=0.5, samples=20, thin=20, burn_in=600, rng=1)
    assert abs(met.links.mean() - 28) < 2 and "not met" not in " ".join(met.notes)
    given = gibbs(free, link_probability=0.1, samples=5, rng=1)
    assert given.notes == ()


def test_a_chain_of_ten_thousand_nodes_takes_memory_by_links():
    """100,000 links: under 300 MB, where one number a pair would take 800."""
    rng = np.random.default_rng(13)
    claims, debts = rng.lognormal(0, 1, (2, 10_000))
    margins = Margins(np.arange(10_000), claims, debts * claims.sum() / debts.sum())
    tracemalloc.start()
    draws = gibbs(margins, density=0.001, samples=2, thin=3, burn_in=3, rng=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300e6
    assert draws.margin_errors.max() < 1e-9
    assert draws.links == pytest.approx([99_990, 99_990], rel=0.1)
    assert (draws.matrix(0) != draws.matrix(1)).sum() > 0  # a sparse chain moves slowly
