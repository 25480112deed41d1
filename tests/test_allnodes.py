"""DebtRank of every node as the one that fails: algebra against plain rounds."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from conftest import random_network
from scipy.sparse import csr_array

import contagion as ct
from contagion.errors import ConvergenceError
from contagion.kernels import allnodes
from contagion.kernels.allnodes import all_nodes
from contagion.kernels.allnodes_caps import hold
from contagion.kernels.allnodes_columns import Block, columns, inverse
from contagion.kernels.allnodes_rounds import rounds

FEW = allnodes.FEW


@pytest.fixture(autouse=True)
def by_algebra(monkeypatch):
    """Small networks too, which the package does by rounds where these end soon."""
    monkeypatch.setattr(allnodes, "FEW", 0)


COLUMNS = {
    "default_impact": "impact", "induced_defaults": "induced", "loss_suffered": "suffered"
}  # fmt: skip


def one_by_one(net: ct.ExposureNetwork, recovery: float) -> dict[str, np.ndarray]:
    """Every default alone, by plain rounds over the claims: losses before and after the cap.

    A node without equity passes all on as soon as it loses anything.
    """
    book, n = net.book, len(net)
    claims = net.liabilities.toarray().T
    gross, failed = np.zeros((n, n)), np.zeros((n, n), bool)
    able = [bool(book.can_fail[j] and book.equity[j] > 0) for j in range(n)]
    bare = [bool(book.can_fail[j] and book.equity[j] <= 0) for j in range(n)]
    for k in range(n):
        h = np.zeros(n)
        for _ in range(200_000):
            h[k] = 1 - recovery
            lost = claims @ h
            new = np.zeros(n)
            for j in range(n):
                if j == k:
                    new[j] = 1 - recovery
                elif able[j]:
                    new[j] = min(1.0, lost[j] / book.equity[j])
                elif bare[j]:
                    new[j] = float(lost[j] > 0)
            still = np.abs(new - h).max() <= 1e-15
            h = new
            if still:
                break
        gross[k] = claims @ h
        for j in range(n):
            failed[k, j] = able[j] and j != k and gross[k, j] >= book.equity[j] * (1 - 1e-12)
        gross[k, k] = 0.0
    capped = np.where(np.isnan(book.equity), gross, np.minimum(gross, np.maximum(book.equity, 0)))
    return {
        "impact": capped.sum(axis=1),
        "known_impact": capped[:, book.known].sum(axis=1),
        "uncapped": gross[:, book.known].sum(axis=1),
        "suffered": capped.sum(axis=0),
        "suffered_uncapped": gross.sum(axis=0),
        "induced": failed.sum(axis=1),
        "failures": failed.sum(axis=0),
    }


def mixed_network(seed: int) -> tuple[ct.ExposureNetwork, float]:
    """A random network of up to 13 nodes, often with more capital than `random_network` gives."""
    rng = np.random.default_rng(seed)
    every = ("insolvent", "unknown", "unfailing", "parallel")
    features = frozenset(f for f in every if rng.random() < 0.35)
    net = random_network(seed, int(rng.integers(2, 14)), float(rng.uniform(0.5, 3)), features)
    if rng.random() < 0.7:
        nodes = net.nodes
        more = rng.uniform(0, 4) * (rng.random(len(net)) < 0.6)  # the others stay thin, and fail
        nodes["external_assets"] += more * net.book.claims
        missing = {"missing_equity": "external"} if "unknown" in features else {}
        net = ct.ExposureNetwork(nodes, net.exposures, duplicates="keep", **missing)
    return net, float(rng.choice([0.0, 0.0, 0.3, 0.9, 1.0]))


@pytest.mark.slow
def test_algebra_is_the_simulation_on_500_networks(monkeypatch):
    """All columns, to 1e-8 of the money in the network; and every way of the kernel is taken.

    Where nodes without equity owe something there is no algebra: each default is run.
    """
    ways = {"rounds": 0, "free": 0, "held": 0, "run": 0}
    model = ct.DebtRank(tolerance=1e-13)

    def watched(*arguments, **options):
        out = all_nodes(*arguments, **options)
        ways["rounds"] += int(out.by_rounds.sum())
        ways["free"] += int((~out.by_rounds & (out.induced == 0)).sum())
        ways["held"] += int((~out.by_rounds & (out.induced > 0)).sum())
        return out

    monkeypatch.setattr("contagion.models.debtrank.all_nodes", watched)
    for seed in range(500):
        net, recovery = mixed_network(seed)
        found = model.each_default(net, recovery, np.ones(len(net)))
        every = one_by_one(net, recovery)
        if found is None:
            ways["run"] += 1
            found = ct.measures.each_default(net, model, recovery=recovery).rename(columns=COLUMNS)
            every = {name: every[name] for name in COLUMNS.values()}
        scale = net.book.claims.sum() + np.maximum(np.nan_to_num(net.book.equity), 0).sum()
        for name, expected in every.items():
            value = getattr(found, name)
            if name in ("induced", "failures"):
                np.testing.assert_array_equal(value, expected, f"{name}, seed {seed}")
            else:
                error = np.abs(value - expected).max() / scale
                assert error <= 1e-8, f"{name} of seed {seed} is {error:.1e} off"
    assert ways["free"] > 1000
    assert ways["held"] > 40
    assert ways["rounds"] > 200
    assert ways["run"] > 50


# -- larger systems, the kernel alone -------------------------------------------------------


def leverage(n: int, seed: int, radius: float, spread: float = 1.0, degree: int = 6) -> csr_array:
    """Random Λ with a given spectral radius; `spread` of the logarithm of the amounts."""
    rng = np.random.default_rng(seed)
    pairs = rng.choice(n * n, n * degree, replace=False)
    matrix = np.zeros(n * n)
    matrix[pairs] = rng.lognormal(0, spread, len(pairs))
    matrix = matrix.reshape(n, n) * rng.uniform(0.3, 3, (n, 1))
    np.fill_diagonal(matrix, 0)
    return csr_array(matrix * radius / np.abs(np.linalg.eigvals(matrix)).max())


def plain(influence: csr_array, weights: np.ndarray, passed: float) -> tuple[np.ndarray, ...]:
    """`h = min(1, Λ h)` for every trigger by dense rounds: totals, sums, back, induced."""
    size = influence.shape[0]
    h = np.zeros((size, size))
    for _ in range(100_000):
        new = np.minimum(1.0, influence @ h)
        np.fill_diagonal(new, passed)
        if np.abs(new - h).max() <= 1e-15:
            break
        h = new
    failed = (h >= 1 - 1e-12) & ~np.eye(size, dtype=bool)
    return (
        weights @ h,
        h.sum(axis=1),
        np.diag(influence @ h),
        failed.sum(axis=0),
        failed.sum(axis=1),
    )


HUB = np.zeros((100, 100))
HUB[0, 1:], HUB[1:, 0] = 0.05, 0.1

CASES = {
    "loose": (leverage(200, 1, 0.5), 1.0),
    "heavy tails": (leverage(200, 2, 0.8, 2.0), 1.0),
    "many fail": (leverage(200, 3, 0.9, 2.5), 1.0),
    "half passed on": (leverage(200, 3, 0.9, 2.5), 0.5),
    "near critical": (leverage(200, 4, 0.98), 1.0),
    "critical by a hair": (leverage(120, 5, 1.001), 1.0),
    "supercritical": (leverage(120, 6, 1.5), 1.0),
    "more than one block": (leverage(600, 7, 0.8, 1.5, 3), 1.0),
    "no cycles": (csr_array(np.triu(leverage(120, 8, 0.9).toarray(), 1) * 3), 1.0),
    "a chain": (csr_array(np.diag(np.full(79, 0.9), -1)), 1.0),
    "a chain that fails": (csr_array(np.diag(np.full(79, 1.1), -1)), 1.0),
    "two parts": (csr_array(np.kron(np.eye(2), leverage(60, 9, 0.7).toarray())), 1.0),
    "a hub": (csr_array(HUB), 1.0),
    "exactly all": (csr_array(np.array([[0, 0.5, 0], [1.0, 0, 0], [0.25, 0.5, 0]])), 1.0),
    "nothing": (csr_array((5, 5)), 1.0),
}  # fmt: skip


@pytest.mark.parametrize("few", [0, FEW])
@pytest.mark.parametrize("name", CASES)
def test_kernel_is_plain_rounds(name, few, monkeypatch):
    monkeypatch.setattr(allnodes, "FEW", few)
    influence, passed = CASES[name]
    n = influence.shape[0]
    rng = np.random.default_rng(0)
    weights = np.stack([rng.lognormal(0, 1, n), rng.lognormal(0, 1, n) * (np.arange(n) % 2)])
    out = all_nodes(influence, influence, weights, np.ones(n, bool), passed, tolerance=1e-13)
    totals, sums, back, induced, failures = plain(influence, weights, passed)
    scale = weights.sum(axis=1, keepdims=True)
    assert np.abs((out.totals - totals) / scale).max() <= 1e-8
    assert np.abs(out.sums - sums).max() <= 1e-8 * n
    np.testing.assert_allclose(out.back, back, atol=1e-4)
    np.testing.assert_array_equal(out.induced, induced)
    np.testing.assert_array_equal(out.failures, failures)
    assert out.converged.all()


def test_who_needs_rounds():
    """Nobody while the powers vanish and nobody is at the limit; then those, or all."""
    taken = {
        name: all_nodes(m, m, np.ones((1, m.shape[0])), np.ones(m.shape[0], bool), p).by_rounds
        for name, (m, p) in CASES.items()
    }
    for name in ("loose", "heavy tails", "near critical", "two parts", "no cycles", "a hub"):
        assert taken[name].mean() < 0.02, name
    assert taken["many fail"].mean() < 0.1
    assert taken["supercritical"].all()
    assert taken["exactly all"].tolist() == [True, False, False]


def test_the_accuracy_is_kept_and_no_more():
    """What is asked for is reached, and a rough answer is cheaper, so not exact."""
    influence = leverage(200, 2, 0.8, 1.0)
    weights = np.ones((1, 200))
    expected = plain(influence, weights, 1.0)[0] / 200
    errors = [
        np.abs(
            all_nodes(influence, influence, weights, np.ones(200, bool), accuracy=a).totals / 200
            - expected
        ).max()
        for a in (1e-3, 1e-6, 1e-10)
    ]
    assert errors[0] <= 1e-3
    assert 1e-12 < errors[1] <= 1e-6
    assert errors[2] <= 1e-10


@pytest.mark.parametrize("accuracy", [1e-1, 1e-2, 1e-3, 1e-4, 1e-6])
@pytest.mark.parametrize("name", ["many fail", "half passed on", "heavy tails"])
def test_whom_a_default_fails_does_not_depend_on_the_accuracy(name, accuracy):
    """The bounds on the columns say who is too close to tell; totals and sums keep to them."""
    influence, passed = CASES[name]
    n = influence.shape[0]
    weights = np.ones((1, n))
    out = all_nodes(influence, influence, weights, np.ones(n, bool), passed, accuracy=accuracy)
    totals, sums, _, induced, failures = plain(influence, weights, passed)
    assert np.abs(out.totals - totals).max() <= accuracy * n
    assert np.abs(out.sums - sums).max() <= accuracy * n
    np.testing.assert_array_equal(out.induced, induced)
    np.testing.assert_array_equal(out.failures, failures)


def test_a_default_that_is_far_off_is_not_missed():
    """A trigger on ten chains of six, at whose end a node loses 3 · 0.9⁵ of what it has.

    The first rounds do not see the end; what they leave open has to.
    """
    matrix = np.zeros((62, 62))
    for first in range(1, 61, 6):
        matrix[first, 0], matrix[61, first + 5] = 0.999, 0.3
        for step in range(first + 1, first + 6):
            matrix[step, step - 1] = 0.9
    influence = csr_array(matrix)
    for accuracy in (1e-8, 1e3):
        out = all_nodes(
            influence, influence, np.ones((1, 62)), np.ones(62, bool), accuracy=accuracy
        )
        assert out.induced.tolist() == [1] + [0] * 61


@pytest.mark.parametrize(("last", "failed"), [(2 / 3, 2), (1 / 3, 1)])
def test_a_node_held_by_one_that_is_held_waits_for_the_bound(last, failed):
    """0 fails 1, which costs 2 0.95 at once and 0.09 · last round two corners."""
    matrix = np.zeros((5, 5))
    matrix[1, 0], matrix[2, 1], matrix[3, 1], matrix[4, 3], matrix[2, 4] = 3, 0.95, 0.1, 0.9, last
    influence = csr_array(matrix)
    for accuracy in (1e-8, 1e3):
        out = all_nodes(influence, influence, np.ones((1, 5)), np.ones(5, bool), accuracy=accuracy)
        assert out.induced.tolist() == [failed, failed - 1, 0, 0, 0]


def test_triggers_that_fail_nobody_are_not_looked_at_again(monkeypatch):
    """Nodes with claims above their equity do not make themselves suspects."""
    influence, _ = CASES["loose"]
    assert (influence.sum(axis=1) > 1).any()
    seen = []

    def watched(whole, returns, triggers, *others):
        seen.extend(triggers)
        return iter(())

    monkeypatch.setattr(allnodes, "groups", watched)
    out = all_nodes(influence, influence, np.ones((1, 200)), np.ones(200, bool))
    failing = np.flatnonzero(plain(influence, np.ones((1, 200)), 1.0)[3])
    assert sorted(seen) == failing.tolist()
    assert np.flatnonzero(out.by_rounds).tolist() == failing.tolist()


def test_rough_and_exact_sums_meet(monkeypatch):
    """When the errors in `sums` add up to too much, all is done again with a stricter bound."""
    influence = leverage(200, 3, 0.9, 2.0)
    one = np.eye(1, 200)  # the others do not count in `totals`, only in `sums`
    arguments = influence, influence, one, np.ones(200, bool)
    usual = all_nodes(*arguments)
    monkeypatch.setattr(allnodes, "STRICTNESS", (1e9, 0.1))
    np.testing.assert_allclose(all_nodes(*arguments).sums, usual.sums, atol=2e-6)
    monkeypatch.setattr(allnodes, "STRICTNESS", (1e9,))
    assert all_nodes(*arguments).by_rounds.all()


# -- columns --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["loose", "heavy tails", "near critical", "no cycles", "two parts"]
)
@pytest.mark.parametrize("limit", [1e-2, 1e-5, 1e-9])
def test_bound_on_the_columns_holds(name, limit):
    """`|entry − (value + level · far)| ≤ missing · rest`, in single and in double precision."""
    influence = CASES[name][0]
    n = influence.shape[0]
    exact = np.linalg.inv(np.eye(n) - influence.toarray())
    whole = inverse(influence)
    nodes = np.arange(0, n, 3)
    block = Block(whole, nodes)
    block.until(np.full(len(nodes), limit))
    assert (block.missing <= limit).all()
    entries = block.rows(np.arange(n)) * whole.unit[:, None] / whole.unit[whole.place[nodes]]
    bound = block.missing * (whole.rest * whole.unit)[:, None] / whole.unit[whole.place[nodes]]
    error = np.abs(entries[whole.place] - exact[:, nodes])
    assert (error <= bound[whole.place] * (1 + 1e-9) + 1e-13).all()
    np.testing.assert_allclose(whole.sums[whole.place], exact.sum(axis=1))


def test_columns_come_in_blocks_each_to_its_limit():
    whole = inverse(CASES["more than one block"][0])
    limit = np.geomspace(1e-8, 1e-3, 600)
    parts = list(columns(whole, np.arange(600), limit))
    assert [len(part.nodes) for part in parts] == [256, 256, 88]
    for part in parts:
        assert (part.missing <= limit[part.nodes]).all()
    assert sum(parts[0].rounds.values()) > sum(parts[2].rounds.values())


def test_a_column_that_does_not_settle_is_given_up(monkeypatch):
    monkeypatch.setattr("contagion.kernels.allnodes_columns.MOST", 5)
    influence = CASES["near critical"][0]
    out = all_nodes(influence, influence, np.ones((1, 200)), np.ones(200, bool), tolerance=1e-12)
    assert out.by_rounds.all()
    np.testing.assert_allclose(out.totals, plain(influence, np.ones((1, 200)), 1.0)[0])


def test_only_the_columns_that_do_not_settle_are_given_up(monkeypatch):
    """What hardly counts is settled early, what counts is not."""
    monkeypatch.setattr("contagion.kernels.allnodes_columns.MOST", 10)
    influence, _ = CASES["loose"]
    weights = np.geomspace(1, 1e12, 200)[None]
    out = all_nodes(influence, influence, weights, np.ones(200, bool), 0.3, tolerance=1e-13)
    assert not out.induced.any()
    assert 0 < out.by_rounds.mean() < 1
    expected = plain(influence, weights, 0.3)[0] / weights.sum()
    np.testing.assert_allclose(out.totals / weights.sum(), expected, atol=1e-8)


def test_powers_that_do_not_vanish_have_no_inverse():
    assert inverse(csr_array(np.array([[0, 1.0], [1.0, 0]]))) is None
    assert inverse(leverage(60, 1, 1.01)) is None
    assert inverse(leverage(60, 1, 0.99)) is not None


# -- nodes that lose all --------------------------------------------------------------------


def test_held_too_many_at_first():
    """Free of limits 2, 1.2 and 1.2 · 0.9: only the first is held; what it passes on is 1."""
    influence = np.diag([2.0, 0.6, 0.9], -1)
    matrix = np.linalg.inv(np.eye(4) - influence)[None]
    found = hold(matrix, np.zeros((1, 4, 4)), 1.0)
    assert found.held.tolist() == [[True, False, False]]
    assert (matrix[0] @ found.weights[0]).tolist() == pytest.approx([1, 1, 0.6, 0.54])
    assert found.clear.tolist() == [True]


def test_a_node_that_may_or_may_not_be_held_is_not_clear():
    """It gets exactly 1 once the one before it is held."""
    influence = np.diag([2.0, 1.0], -1)
    matrix = np.linalg.inv(np.eye(3) - influence)[None]
    found = hold(matrix, np.zeros((1, 3, 3)), 1.0)
    assert found.clear.tolist() == [False]


def test_doubt_in_the_entries_is_doubt_in_the_weights():
    """Λ_10 = 2 known to 0.1: `w = 1 − 2`, so 0.1 off, and more where it is passed on."""
    matrix = np.array([[[1.0, 0.0], [2.0, 1.0]]])
    found = hold(matrix, np.array([[[0.0, 0.0], [0.1, 0.0]]]), 1.0)
    assert found.weights.tolist() == [[1.0, -1.0]]
    assert found.error[0].tolist() == pytest.approx([0.0, 0.1])


# -- rounds ---------------------------------------------------------------------------------


def test_rounds_of_those_who_reach_each_other_start_from_the_first():
    """Same answers; two nodes that nobody reaches, and that would keep each other down, stand."""
    both = np.zeros((152, 152))
    both[:150, :150] = leverage(150, 6, 1.4).toarray()
    both[150, 151] = both[151, 150] = 2.0
    influence = csr_array(both)
    blocks = [
        (nodes, h.copy()) for nodes, h, _ in rounds(influence, np.arange(152), 1, 1e-13, 10_000)
    ]
    order = np.concatenate([nodes for nodes, _ in blocks])
    h = np.concatenate([value for _, value in blocks], axis=1)
    assert sorted(order) == list(range(152))
    np.testing.assert_allclose(
        h.sum(axis=0), plain(influence, np.ones((1, 152)), 1.0)[0][0][order], atol=1e-9
    )
    assert not h[150:, order < 150].any()
    assert (h[150:, order >= 150] == 1).all()


def test_rounds_that_stop_early_are_said(monkeypatch):
    net = ct.ExposureNetwork.from_matrix(
        [[0, 4, 0], [0, 0, 4], [4, 0, 0]], list("abc"), orientation="debtor->creditor",
        equity=[3.9, 4.1, 4.0],
    )  # fmt: skip
    monkeypatch.setattr("contagion.models.debtrank.all_nodes", partial(all_nodes, most=1))
    with pytest.raises(ConvergenceError, match=r"3 of 3 single defaults"):
        ct.DebtRank().each_default(net, 0.5, np.ones(len(net)))
    assert ct.DebtRank("single-hit").each_default(net, 0.5, np.ones(len(net))) is None
