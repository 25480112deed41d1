"""Cascades on random graphs: the window in theory, and the package's model on drawn graphs."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from conftest import from_liabilities, random_network
from matplotlib import pyplot as plt
from scipy.stats import binom, poisson

import contagion as ct
from contagion import randomgraphs
from contagion.randomgraphs import drawing
from contagion.synthetic.generate import links

# Gai & Kapadia (2010), Contagion in financial networks, Proceedings of the Royal Society A 466:
# capital of 4 %, interbank assets of 20 %, no recovery, directed Poisson graph. The window solves
# z P[Poisson(z) ≤ J − 1] = 1. With five debtors the first failure takes exactly the capital: if
# equality stands (strict) J = 4, if it fails J = 5. Roots recomputed, not read from the paper,
# whose figure depends on the convention. Tolerance: 1e-9 · max(1, |value|), that of the roots.
STRICT = (1.0207039085137266, 5.764677087161715)
WEAK = (1.0037312313999762, 7.477080184864383)
TOLERANCE = 1e-9


def near(pair: tuple[float, float]) -> list:
    return [pytest.approx(x, rel=0, abs=TOLERANCE * max(1.0, abs(x))) for x in pair]


# -- the window in theory -------------------------------------------------------------------


@pytest.mark.parametrize(("strict", "most", "want"), [(True, 4, STRICT), (False, 5, WEAK)])
def test_gai_kapadia_window(strict, most, want):
    assert randomgraphs.largest_vulnerable(0.04, 0.2, strict=strict) == most
    assert list(randomgraphs.gai_kapadia_limits(strict=strict)) == near(want)


def test_the_convention_of_the_paper_is_the_default():
    """Solvent while equity is above 0 (Gai & Kapadia 2010): a bank at 0 fails, up to z = 7.48."""
    assert ct.models.GaiKapadia() == ct.models.GaiKapadia(strict=False)
    assert list(randomgraphs.gai_kapadia_limits()) == near(WEAK)
    assert randomgraphs.largest_vulnerable(0.04, 0.2) == 5
    assert randomgraphs.failures_needed(np.array([5]), 0.04, 0.2).tolist() == [1]
    frame = randomgraphs.gai_kapadia_window([6.5], n=20, samples=2, rng=1)
    assert list(frame.limits) == near(WEAK)


def test_first_round_equality_is_decided_by_the_convention_and_not_by_floats():
    """A bank with five debtors of 0.2 / 5 each and a capital of 0.04, in every writing of it."""
    for capital, interbank in ((0.04, 0.2), (4, 20), (0.012 / 3 * 10, 0.6 / 3), (1 / 25, 1 / 5)):
        for strict, needed in ((True, 2), (False, 1)):
            got = randomgraphs.failures_needed(np.array([5]), capital, interbank, strict=strict)
            assert got.tolist() == [needed]
            limits = randomgraphs.gai_kapadia_limits(capital, interbank, strict=strict)
            assert list(limits) == near(STRICT if strict else WEAK)
    owed = [[0, 0.2 / 5] if i else [0, 0] for i in range(6)]
    matrix = np.zeros((6, 6))
    matrix[1:, 0] = [row[1] for row in owed[1:]]
    net = ct.ExposureNetwork.from_matrix(
        matrix, list("cdefgh"), orientation="debtor->creditor", equity=[0.04] * 6
    )
    for strict in (True, False):
        result = ct.models.GaiKapadia(strict).propagate(net, ct.Shock.default("d"))
        assert result.table["defaulted"]["c"] == (not strict)


@pytest.mark.parametrize("z", [1, 1.5, 2, 3, 4, 5, 5.5, 6, 7, 8])
@pytest.mark.parametrize("strict", [True, False])
def test_contagion_is_possible_inside_the_window_only(z, strict):
    low, high = STRICT if strict else WEAK
    pmf = randomgraphs.poisson(z)
    needed = randomgraphs.failures_needed(np.arange(len(pmf)), 0.04, 0.2, strict=strict)
    theory = randomgraphs.directed_theory(np.outer(pmf, pmf), needed)
    most = 3 if strict else 4
    assert theory.reproduction == pytest.approx(z * poisson.cdf(most, z), rel=1e-12)
    inside = low < z < high
    assert (theory.reproduction > 1) == inside == (theory.frequency > 0)
    assert np.isfinite(theory.extent) == inside


@pytest.mark.parametrize(("strict", "most"), [(False, 5), (True, 4)])
def test_closed_forms_of_the_poisson_graph(strict, most):
    """H, π and the frequency solve what the docstrings say, with sums that are written out."""
    z = 3.0
    pmf = randomgraphs.poisson(z)
    j = np.arange(len(pmf))
    needed = randomgraphs.failures_needed(j, 0.04, 0.2, strict=strict)
    theory = randomgraphs.directed_theory(np.outer(pmf, pmf), needed)
    share = pmf[:most].sum()
    u = theory.frequency
    assert u == pytest.approx(1 - np.exp(-z * share * u), rel=1e-12)
    x = theory.extent  # debtors and creditors are independent: π is the extent
    assert x == pytest.approx(sum(pmf[j] * binom.sf(needed[j] - 1, j, x) for j in j), rel=1e-10)


def test_watts_window():
    """Watts (2002): at φ = 0.18 nodes with up to 5 neighbours fail with the first."""
    assert list(randomgraphs.watts_limits(0.18)) == near(STRICT)  # P[Poisson ≤ 3], as with J = 4
    assert randomgraphs.watts_limits(0.2) == randomgraphs.watts_limits(0.18)  # 1/5 is enough
    # the window closes as φ grows and never opens beyond 1/4 < φ: z P[Poisson ≤ 1] < 1
    assert np.isnan(randomgraphs.watts_limits(0.26)).all()
    widths = [np.subtract(*randomgraphs.watts_limits(phi)[::-1]) for phi in (0.1, 0.12, 0.18, 0.24)]
    assert (np.diff(widths) < 0).all()
    z = 4.0
    pmf = randomgraphs.poisson(z)
    needed = randomgraphs.failures_needed(np.arange(len(pmf)), 0.18, strict=False)
    theory = randomgraphs.undirected_theory(pmf, needed)
    assert theory.reproduction == pytest.approx(z * pmf[:4].sum(), rel=1e-12)


def test_limits_of_the_window():
    assert randomgraphs.gai_kapadia_limits(0.0) == (1.0, float("inf"))
    assert np.isnan(randomgraphs.gai_kapadia_limits(0.3, 0.2)).all()  # nobody is vulnerable
    assert np.isnan(randomgraphs.gai_kapadia_limits(0.09, 0.2)).all()  # J = 2, z P[≤ 1] < 1
    low, high = randomgraphs.gai_kapadia_limits(0.0004)  # J = 500
    assert low == pytest.approx(1.0) and high * poisson.cdf(499, high) == pytest.approx(1.0)


def test_no_capital_is_the_giant_component():
    """Every failure spreads: frequency and extent are the parts behind and before it."""
    pmf = randomgraphs.poisson(2.0)
    needed = randomgraphs.failures_needed(np.arange(len(pmf)), 0.0)
    theory = randomgraphs.directed_theory(np.outer(pmf, pmf), needed)
    giant = 0.7968121300200199  # s = 1 − exp(−2 s)
    assert theory.frequency == pytest.approx(giant, rel=1e-12)
    assert theory.extent == pytest.approx(giant, rel=1e-10)
    assert theory.reproduction == pytest.approx(2.0)


def test_correlated_degrees_count():
    """Hubs on both sides carry contagion where independent degrees would not."""
    apart, joint = np.zeros((4, 4)), np.zeros((4, 4))
    joint[3, 3], joint[0, 0] = 0.3, 0.7
    apart += np.outer([0.7, 0, 0, 0.3], [0.7, 0, 0, 0.3])
    needed = np.array([1, 1, 1, 1])
    assert randomgraphs.directed_theory(joint, needed).reproduction == pytest.approx(3.0)
    assert randomgraphs.directed_theory(apart, needed).reproduction == pytest.approx(0.9)


# -- drawn graphs ---------------------------------------------------------------------------


def plain_cascade(creditor, debtor, n, first, capital, interbank, strict):
    """Slow and plain: count failed debtors of everybody until nobody fails any more."""
    failed = {int(first)}
    links = list(zip(creditor.tolist(), debtor.tolist(), strict=True))
    degree = [sum(c == i for c, _ in links) for i in range(n)]
    while True:
        hits = [sum(c == i and d in failed for c, d in links) for i in range(n)]
        lost = [interbank * h / max(k, 1) for h, k in zip(hits, degree, strict=True)]
        more = {
            i
            for i in range(n)
            if hits[i] and (lost[i] > capital + 1e-9 if strict else lost[i] >= capital - 1e-9)
        }
        if more <= failed:
            return failed
        failed |= more


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("strict", [True, False])
def test_many_graphs_at_once_are_the_same_as_one_by_one(directed, strict, monkeypatch):
    n, z, draws = 14, 2.5, 12
    got = drawing.failed_parts(
        ct.models.GaiKapadia(strict),
        n,
        z,
        draws,
        0.04,
        0.2,
        np.random.default_rng(4),
        directed=directed,
    )
    rng = np.random.default_rng(4)
    draw = links.directed if directed else links.undirected
    creditor, debtor = draw(n, z, draws, rng)
    first = rng.integers(0, n, draws)
    for k in range(draws):
        here = creditor // n == k
        want = plain_cascade(
            creditor[here] - k * n, debtor[here] - k * n, n, first[k], 0.04, 0.2, strict
        )
        assert got[k] == pytest.approx(len(want) / n)


@pytest.mark.parametrize("directed", [True, False])
def test_links_are_drawn_with_equal_chances(directed):
    n, z, draws = 7, 3.0, 6000
    draw = links.directed if directed else links.undirected
    creditor, debtor = draw(n, z, draws, np.random.default_rng(2))
    assert (creditor // n == debtor // n).all() and (creditor != debtor).all()
    pairs = pd.DataFrame({"c": creditor, "d": debtor})
    assert not pairs.duplicated().any()
    count = np.zeros((n, n))
    np.add.at(count, (creditor % n, debtor % n), 1)
    chance = z / (n - 1)
    error = np.sqrt(chance * (1 - chance) / draws)
    off = count[~np.eye(n, dtype=bool)] / draws
    assert np.abs(off - chance).max() < 5 * error
    if not directed:
        assert (count == count.T).all()


def test_undirected_pairs_are_numbered_right():
    for n in (2, 3, 50, 999):
        every = links.undirected(n, n - 1, 1, np.random.default_rng(0))
        half = len(every[0]) // 2
        assert half == n * (n - 1) // 2
        assert len(np.unique(every[0][:half] * n + every[1][:half])) == half
        assert (every[0][:half] < every[1][:half]).all() and every[1].max() == n - 1


def test_gai_kapadia_draws_beside_theory():
    """n = 1000: within four standard errors and one percent of the banks, away from the edges."""
    frame = randomgraphs.gai_kapadia_window([2, 3, 4], samples=300, rng=1)
    apart = (frame["frequency"] - frame["frequency_theory"]).abs()
    assert (apart < 4 * frame["frequency_error"]).all()
    assert (frame["extent"] - frame["extent_theory"]).abs().max() < 0.01
    assert (frame["frequency"] == frame["outbreaks"] / 300).all()


def test_equality_widens_the_window_in_draws_too():
    """At z = 6.5 contagion is common where equality fails, and rare where it stands."""
    weak = randomgraphs.gai_kapadia_window([6.5], strict=False, samples=200, rng=1)
    strict = randomgraphs.gai_kapadia_window([6.5], strict=True, samples=200, rng=1)
    assert weak["frequency"][0] > 0.45 and strict["frequency"][0] < 0.2
    assert np.isnan(strict["extent_theory"][0]) and strict["frequency_theory"][0] == 0
    assert weak["extent"][0] > 0.99


def test_watts_draws_beside_theory():
    frame = randomgraphs.watts_window([2, 3.5], samples=200, rng=3)
    apart = (frame["frequency"] - frame["frequency_theory"]).abs()
    assert (apart < 4 * frame["frequency_error"]).all()
    assert (frame["extent"] - frame["extent_theory"]).abs().max() < 0.01


def test_outside_the_window_nothing_happens():
    frame = randomgraphs.gai_kapadia_window([0.0, 0.5, 10.0], n=500, samples=100, rng=1)
    assert frame["outbreaks"].tolist() == [0, 0, 0] and frame["extent"].isna().all()


def test_seeds_and_batches(monkeypatch):
    one = randomgraphs.gai_kapadia_window([2, 6], n=60, samples=40, rng=7)
    again = randomgraphs.gai_kapadia_window([2, 6], n=60, samples=40, rng=7)
    pd.testing.assert_frame_equal(one, again)
    other = randomgraphs.gai_kapadia_window([2, 6], n=60, samples=40, rng=8)
    assert one["outbreaks"].tolist() != other["outbreaks"].tolist()
    monkeypatch.setattr(drawing, "TOGETHER", 600)
    parts = drawing.failed_parts(
        ct.models.GaiKapadia(), 60, 2.0, 25, 0.04, 0.2, np.random.default_rng(1), directed=True
    )
    assert parts.shape == (25,) and (parts >= 1 / 60).all()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: randomgraphs.gai_kapadia_window([1], capital=-1), "capital=-1"),
        (lambda: randomgraphs.gai_kapadia_window([1], interbank=0), "interbank=0"),
        (lambda: randomgraphs.gai_kapadia_window([10], n=10), "n − 1 = 9"),
        (lambda: randomgraphs.gai_kapadia_window([1], samples=0), "samples=0"),
        (lambda: randomgraphs.gai_kapadia_window([-1.0]), "degrees"),
        (lambda: randomgraphs.watts_window([1], threshold=0), "threshold=0"),
        (lambda: randomgraphs.watts_limits(1.5), "threshold=1.5"),
        (lambda: randomgraphs.poisson(-1), "mean=-1"),
        (lambda: randomgraphs.directed_theory(np.eye(2), np.ones(2)), "sum to 2"),
        (lambda: randomgraphs.directed_theory(np.ones((1, 2)) / 2, np.ones(1)), "0.5 creditors"),
        (lambda: randomgraphs.undirected_theory(np.ones(2), np.ones(2)), "sum to 1"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()


# -- resilience -----------------------------------------------------------------------------


def test_resilience_by_hand():
    """a owes b 4 and c 1, b owes a 3 and c 5, c owes a 2; capital 3, 3, 4."""
    net = from_liabilities([[0, 4, 1], [3, 0, 5], [2, 0, 0]], [4, 10, 1])
    assert net.book.equity.tolist() == [4.0, 6.0, 5.0]
    net = net.with_nodes(equity={"a": 3.0, "b": 3.0, "c": 4.0})
    table = randomgraphs.contagious_links(net)
    assert table["debtors"].tolist() == [2, 1, 2]
    assert table["creditors"].tolist() == [2, 2, 1]
    assert table["contagious"].tolist() == [0, 1, 1]  # 4 > 3 of b, 5 > 4 of c; 3 = 3 of a stands
    assert table["contribution"].tolist() == pytest.approx([0, 2 / 5, 1 / 5])
    assert randomgraphs.resilience(net) == pytest.approx(1 - 3 / 5)
    weak = randomgraphs.contagious_links(net, strict=False)
    assert weak["contagious"].tolist() == [1, 1, 1]
    assert randomgraphs.resilience(net, strict=False) == pytest.approx(1 - 5 / 5)
    assert randomgraphs.resilience(net, recovery=0.25) == 1.0  # 3 and 3.75 are borne


def test_resilience_is_the_condition_of_the_window():
    """On a large drawn graph it is 1 − reproduction of the theory, up to what degrees vary."""
    n = 60_000
    for z, strict in ((3.0, True), (6.5, True), (6.5, False)):
        creditor, debtor = links.directed(n, z, 1, np.random.default_rng(1))
        amount = 0.2 / np.bincount(creditor, minlength=n)[creditor]
        owed = pd.DataFrame({"creditor": creditor, "debtor": debtor, "amount": amount})
        net = ct.ExposureNetwork(pd.DataFrame({"node": np.arange(n), "equity": 0.04}), owed)
        pmf = randomgraphs.poisson(z)
        needed = randomgraphs.failures_needed(np.arange(len(pmf)), 0.04, 0.2, strict=strict)
        theory = randomgraphs.directed_theory(np.outer(pmf, pmf), needed)
        got = randomgraphs.resilience(net, strict=strict)
        assert got == pytest.approx(1 - theory.reproduction, abs=0.02)


def test_a_contagious_link_fails_its_creditor_in_the_model():
    net = random_network(11, n=20, degree=3.0)
    table = randomgraphs.contagious_links(net)
    lost = net.liabilities.toarray()
    for at, name in enumerate(net.names):
        down = ct.models.GaiKapadia().propagate(net, ct.Shock.default(name)).default_round == 1
        down[at] = False
        alone = lost[at] > net.book.equity
        assert (down == alone).all()
    assert table["contagious"].sum() == (lost > net.book.equity).sum()


def test_who_cannot_fail_has_no_contagious_links():
    net = from_liabilities([[0, 9, 9], [0, 0, 0], [0, 0, 0]], [20, 1, 1], [0, 5, 5])
    assert randomgraphs.contagious_links(net)["contagious"].sum() == 2
    assert randomgraphs.contagious_links(net.with_nodes(can_fail={"b": False}))[
        "contagious"
    ].tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match="recovery=2"):
        randomgraphs.resilience(net, recovery=2)


# -- the figure -----------------------------------------------------------------------------


@pytest.fixture
def frame() -> pd.DataFrame:
    return randomgraphs.gai_kapadia_window([5, 2, 3, 8], n=100, samples=20, rng=1)


def test_the_figure_shows_the_frame(frame):
    ax = ct.plot.contagion_window(frame)
    ordered = frame.sort_values("degree")
    drawn = {line.get_label(): line.get_ydata() for line in ax.lines}
    np.testing.assert_array_equal(drawn["frequency of contagion, drawn"], ordered["frequency"])
    np.testing.assert_array_equal(
        drawn["extent where it happens, theory"], ordered["extent_theory"]
    )
    assert ax.patches[0].get_x() == 2.0  # the window from 1.00, as far as it is drawn
    assert ax.patches[0].get_width() == pytest.approx(WEAK[1] - 2.0)
    assert "1.00 to 7.48" in ax.texts[0].get_text().replace("\n", " ")
    plt.close("all")


def test_the_figure_without_a_window_and_without_attributes(frame):
    ax = ct.plot.contagion_window(pd.DataFrame(frame.drop(columns="frequency_error").to_dict()))
    assert not ax.patches and ax.get_xlabel() == "average degree"
    ax = ct.plot.contagion_window(randomgraphs.watts_window([2.0], 0.5, n=20, samples=2, rng=1))
    assert not ax.patches
    with pytest.raises(ValueError, match="extent_theory not there"):
        ct.plot.contagion_window(frame.drop(columns="extent_theory"))
    with pytest.raises(ValueError, match="no rows"):
        ct.plot.contagion_window(frame.iloc[:0])
    plt.close("all")
