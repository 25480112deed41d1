"""The kernels against something else: a linear programme, a plain reference, each other."""

from __future__ import annotations

import checks
import numpy as np
import pandas as pd
import pytest
import reference
from conftest import (
    FEATURES,
    VENUES_TOO,
    from_liabilities,
    others_slow,
    random_network,
    random_shock,
)
from scipy.optimize import LinearConstraint, linprog, milp
from scipy.sparse import block_diag, csr_array, diags_array, eye_array

import contagion as ct
from contagion.kernels import fixed_point, segment_system
from contagion.kernels.clearing import Cleared, clear

SMALL = 1e-7  # HiGHS works to 1e-7 of feasibility


def networks(count: int, **features: bool) -> list[tuple[ct.ExposureNetwork, np.ndarray]]:
    """Random networks of 4 to 15 nodes with losses on all external assets."""
    chosen = frozenset(name for name, on in features.items() if on)
    out = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(4, 16))
        net = random_network(seed, n, rng.uniform(1.0, 3.0), chosen)
        out.append((net, net.book.external_assets * rng.beta(1, 2, n) * 0.6))
    return out


# -- the linear programme -------------------------------------------------------------------


@pytest.mark.slow
def test_clearing_is_its_linear_programme():
    """max Σp subject to p <= p̄ and p <= e + Πᵀp (Eisenberg & Noe 2001, section 4, lemma 4).

    500 networks as one block-diagonal programme. Half have external creditors pari passu,
    who are then one more creditor; with senior external creditors see the next test.
    """
    blocks, right, bound, want, sizes = [], [], [], [], []
    for passu in (False, True):
        for net, losses in networks(250, pari_passu=passu, insolvent=True):
            if not passu:
                net = net.with_nodes(external_liabilities=np.zeros(len(net)))
            book = net.book
            due = book.debts + book.external_liabilities
            share = net.liabilities.toarray() / np.where(due > 0, due, 1.0)[:, None]
            outcome = ct.EisenbergNoe().solve(net, losses)
            blocks.append(csr_array(eye_array(len(net)) - share.T))
            right.append(book.external_assets - losses)
            bound.append(due)
            want.append(outcome.payments + outcome.external_paid)
            sizes.append(checks.scale(net) * np.ones(len(net)))
    assert len(blocks) == 500
    total = np.concatenate(bound)
    solution = linprog(
        -np.ones(len(total)),
        A_ub=block_diag(blocks, format="csr"),
        b_ub=np.concatenate(right),
        bounds=np.column_stack([np.zeros(len(total)), total]),
        method="highs",
    )
    assert solution.status == 0
    gap = np.abs(solution.x - np.concatenate(want)) / np.concatenate(sizes)
    assert gap.max() < SMALL
    failing = np.array([(w < b * (1 - 1e-9)).mean() for w, b in zip(want, bound, strict=True)])
    assert 0.1 < failing.mean() < 0.9, "the networks should hold both, or the test says little"


def test_clearing_with_senior_external_creditors_is_its_mixed_programme():
    """p = min(p̄, max(0, e − l + Πᵀp)), where e − l may be negative.

    Then `p <= e − l + Πᵀp` can be infeasible with p >= 0. A node may instead pay nothing
    (z = 1): every feasible point lies below the greatest clearing vector, and that one is
    feasible, so the largest sum of payments is reached there.
    """
    empty = 0
    for net, losses in networks(80, insolvent=True):
        n, book = len(net), net.book
        spare = book.external_assets - losses - book.external_liabilities
        share, face = net.relative_liabilities.toarray(), book.debts
        big = np.maximum(-spare, 0.0)
        # variables p, z
        rows = np.block(
            [[np.eye(n) - share.T, -np.diag(big)], [np.eye(n), np.diag(face)]],
        )
        solution = milp(
            np.concatenate([-np.ones(n), np.zeros(n)]),
            constraints=LinearConstraint(rows, ub=np.concatenate([spare, face])),
            integrality=np.concatenate([np.zeros(n), np.ones(n)]),
            bounds=(np.zeros(2 * n), np.concatenate([face, np.ones(n)])),
        )
        assert solution.status == 0
        paid = ct.EisenbergNoe().solve(net, losses).payments
        assert np.abs(solution.x[:n] - paid).max() < 1e-6 * checks.scale(net)
        empty += int(((paid == 0) & (face > 0)).any())
    assert empty > 5, "some nodes should pay nothing, or the test is the previous one"


# -- the plain reference --------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_clearing_is_the_plain_waterfall(seed):
    """Tiers, queues, pari passu, external tiers, pins, default costs: all mixed at random."""
    rng = np.random.default_rng(seed)
    features = frozenset(name for name in FEATURES if rng.random() < 0.4)
    net = random_network(seed, int(rng.integers(2, 9)), rng.uniform(0.5, 3.0), features)
    losses, pins, _ = random_shock(net, seed, pinned="pinned" in features).arrays(net)
    alpha, beta = [(1.0, 1.0), (0.5, 0.9), (0.8, 0.6)][seed % 3]
    for which in ("greatest", "least"):
        model = ct.models.RogersVeraart(alpha, beta, which=which)
        outcome = model.solve(net, losses, pins)
        paid, equity = reference.clearing(
            net, losses, pins, alpha=alpha, beta=beta, least=which == "least"
        )
        room = 1e-8 * checks.scale(net)
        got = net.amount - net.segments.to_claims(outcome.unpaid)
        np.testing.assert_allclose(got, paid, rtol=0, atol=room, err_msg=which)
        np.testing.assert_allclose(outcome.equity, equity, rtol=0, atol=room, err_msg=which)


@pytest.mark.parametrize("seed", range(5))
def test_eisenberg_noe_on_a_few_hundred_nodes(seed):
    net = random_network(seed, 300, 6.0, {"insolvent"})
    rng = np.random.default_rng(seed)
    losses = net.book.external_assets * rng.random(300) * 0.5
    paid = reference.eisenberg_noe(net, losses)
    outcome = ct.EisenbergNoe().solve(net, losses)
    np.testing.assert_allclose(outcome.payments, paid, rtol=0, atol=1e-9 * checks.scale(net))
    assert 0.05 < outcome.defaulted.mean() < 0.95


@pytest.mark.parametrize("seed", range(20))
def test_rogers_veraart_is_the_greatest_clearing_vector_algorithm(seed):
    rng = np.random.default_rng(seed)
    net = random_network(seed, 12, 2.5)
    net = net.with_nodes(external_liabilities=np.zeros(12))
    losses = net.book.external_assets * rng.random(12) * 0.8
    paid, failed = reference.greatest_clearing_vector(net, losses, 0.7, 0.6)
    outcome = ct.models.RogersVeraart(0.7, 0.6, which="greatest").solve(net, losses)
    np.testing.assert_allclose(outcome.payments, paid, rtol=0, atol=1e-9 * checks.scale(net))
    assert (outcome.defaulted == failed).all()


def claims_of(net: ct.ExposureNetwork) -> np.ndarray:
    return net.liabilities.toarray().T


@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_linear_debtrank_is_its_increments(seed, pinned):
    net = random_network(seed, 12, 2.0)
    losses, pins, _ = random_shock(net, seed, pinned=pinned, scale=0.1).arrays(net)
    lost = reference.linear_debtrank(claims_of(net), net.book.equity, losses, pins)
    outcome = ct.DebtRank().solve(net, losses, pins)
    np.testing.assert_allclose(outcome.claims_lost, lost, rtol=0, atol=1e-8 * checks.scale(net))


@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_single_hit_debtrank_is_its_states(seed, pinned):
    net = random_network(seed, 12, 2.0)
    losses, pins, _ = random_shock(net, seed, pinned=pinned, scale=0.05).arrays(net)
    equity = net.book.equity
    start = np.where(np.isnan(pins), np.minimum(losses / equity, 1.0), 1.0 - np.nan_to_num(pins))
    h = reference.single_hit(claims_of(net), equity, start)
    outcome = ct.DebtRank("single-hit").solve(net, losses, pins)
    np.testing.assert_allclose(outcome.loss_rate, h, rtol=0, atol=1e-12)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_cascades_are_their_rounds(seed, strict):
    rng = np.random.default_rng(seed)
    net = random_network(seed, 12, 2.0)
    losses, pins, _ = random_shock(net, seed, pinned=bool(seed % 2), scale=0.3).arrays(net)
    rate = float(rng.choice([1.0, 0.4, 0.75]))
    want, when = reference.cascade(
        claims_of(net), net.book.equity, losses, pins, rate, strict=strict
    )
    outcome = ct.models.Furfine(rate, strict=strict).solve(net, losses, pins)
    np.testing.assert_allclose(outcome.claims_lost + losses, want, rtol=0, atol=1e-10)
    assert (outcome.default_round == when).all()
    if rate == 1.0:
        same = ct.models.GaiKapadia(strict=strict).solve(net, losses, pins)
        np.testing.assert_array_equal(same.equity, outcome.equity)


# -- the models against each other ------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_rogers_veraart_without_costs_is_eisenberg_noe(seed):
    rng = np.random.default_rng(seed)
    features = frozenset(name for name in VENUES_TOO if rng.random() < 0.4)
    net = random_network(seed, 10, 2.0, features)
    losses, pins, _ = random_shock(net, seed, pinned="pinned" in features).arrays(net)
    one = ct.EisenbergNoe().solve(net, losses, pins)
    for model in (
        ct.models.RogersVeraart(1.0, 1.0),
        ct.models.RogersVeraart(1.0, 1.0, which="greatest"),
    ):
        two = model.solve(net, losses, pins)
        np.testing.assert_array_equal(one.payments, two.payments)
        np.testing.assert_array_equal(one.equity, two.equity)
        np.testing.assert_array_equal(one.deadweight, two.deadweight)


def test_greatest_is_never_below_least():
    differ = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        features = frozenset(name for name in VENUES_TOO if rng.random() < 0.3)
        net = random_network(seed, 10, 2.5, features)
        losses, pins, _ = random_shock(net, seed, pinned="pinned" in features).arrays(net)
        alpha, beta = rng.choice([0.3, 0.6, 0.9, 1.0], 2)
        most = ct.models.RogersVeraart(alpha, beta, which="greatest").solve(net, losses, pins)
        least = ct.models.RogersVeraart(alpha, beta, which="least").solve(net, losses, pins)
        room = 1e-9 * checks.scale(net)
        assert (most.payments >= least.payments - room).all()
        assert (most.external_paid >= least.external_paid - room).all()
        assert not (most.equity < least.equity - room).any()
        assert (most.defaulted <= least.defaulted).all()
        differ += bool((most.payments > least.payments + 1e-6 * checks.scale(net)).any())
    assert differ >= 3, "greatest and least should differ somewhere, or the test says little"


def test_equity_is_the_same_in_every_solution_without_costs():
    """Eisenberg & Noe (2001), theorem 1, on a closed ring where the payments are not unique."""
    net = from_liabilities([[0, 10, 0], [0, 0, 8], [9, 0, 0]], [0, 0, 0])
    most = ct.models.RogersVeraart(1.0, 1.0, which="greatest").propagate(net)
    least = ct.models.RogersVeraart(1.0, 1.0, which="least").propagate(net)
    assert most.payments.tolist() == pytest.approx([8, 8, 8])
    assert least.payments.tolist() == pytest.approx([0, 0, 0])
    assert np.maximum(most.table["equity_after"], 0).tolist() == pytest.approx([0, 0, 0])
    assert np.maximum(least.table["equity_after"], 0).tolist() == pytest.approx([0, 0, 0])


def test_ambiguous_solutions_are_an_error(two_solutions):
    with pytest.raises(ct.AmbiguousSolution, match=r"2 nodes .*which=\"greatest\""):
        ct.models.RogersVeraart(0.5, 0.5).propagate(two_solutions)
    most = ct.models.RogersVeraart(0.5, 0.5, which="greatest").propagate(two_solutions)
    least = ct.models.RogersVeraart(0.5, 0.5, which="least").propagate(two_solutions)
    assert most.payments.tolist() == [10, 10]
    assert least.payments.tolist() == [0, 0]
    for result in (most, least):
        checks.assert_valid_clearing(result)
        checks.assert_conserves_value(result)


def test_ambiguous_solutions_in_one_scenario_of_a_batch(two_solutions):
    losses = np.array([[0.5, 0.5], [0.0, 0.0]])
    with pytest.raises(ct.AmbiguousSolution):
        ct.models.RogersVeraart(0.5, 0.5).solve(two_solutions, losses)
    unique = two_solutions.with_nodes(external_assets=[30.0, 30.0])
    assert ct.models.RogersVeraart(0.5, 0.5).solve(unique, losses).converged.all()


# -- fast = plain -------------------------------------------------------------------------------


def near_critical(n: int, seed: int) -> ct.ExposureNetwork:
    """Interbank share 0.95 and capital so thin that a small shock fails nine in ten."""
    rng = np.random.default_rng(seed)
    debtor = np.repeat(np.arange(n), 6)
    creditor = (debtor + rng.integers(1, n, 6 * n)) % n
    amount = rng.lognormal(0, 0.5, 6 * n)
    matrix = np.zeros((n, n))
    np.add.at(matrix, (debtor, creditor), amount)
    # every node holds what it owes, so that only the outside twentieth drains the system
    for _ in range(200):
        matrix *= (matrix.sum(1) / matrix.sum(0))[None, :] ** 0.5
    debts, claims = matrix.sum(1), matrix.sum(0)
    outside = 0.05 / 0.95 * debts
    assets = debts + outside - claims + 0.002 * debts
    return ct.ExposureNetwork.from_matrix(
        matrix,
        [f"n{i}" for i in range(n)],
        orientation="debtor->creditor",
        external_assets=np.maximum(assets, 0.0),
        external_liabilities=outside,
        external_creditors="pari_passu",
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("least", [False, True])
def test_accelerated_rounds_reach_what_plain_rounds_reach(seed, least):
    """In a block, and one by one."""
    n = 150
    net = near_critical(n, seed)
    book, rng = net.book, np.random.default_rng(seed)
    external = book.external_assets * (1 - 0.5 * rng.random((4, n)))
    segments, rounds = net.segments, 0

    def run(external: np.ndarray) -> Cleared:
        return clear(segments, external, book.claims, book.can_fail, least=least, tolerance=1e-13)

    fast, ones = run(external), [run(external[k : k + 1]) for k in range(4)]
    funds, change = external + book.claims, np.inf
    unpaid = segments.width * np.ones((4, 1)) if least else np.zeros((4, n))
    while change > 1e-14:
        lost = segments.shares.spread(unpaid.T).T
        new = np.clip(segments.end - (funds - lost), 0.0, segments.width)
        change, unpaid = np.abs(new - unpaid).max() / checks.scale(net), new
        rounds += 1
    assert fast.converged.all() and fast.rounds.max() < rounds / 3
    assert fast.defaulted.mean() > 0.8
    for found in (fast.unpaid, np.concatenate([one.unpaid for one in ones])):
        np.testing.assert_allclose(found, unpaid, rtol=0, atol=1e-10 * checks.scale(net))


def test_a_slow_system_is_solved_by_newton_steps(monkeypatch):
    """600 nodes that lose 1e-5 of what they pass on at every step: 10⁶ rounds."""
    calls, plain = [], fixed_point.krylov
    monkeypatch.setattr(fixed_point, "krylov", lambda *a: calls.append(1) or plain(*a))
    n, rng = 600, np.random.default_rng(0)
    shares = csr_array(rng.random((n, n)) * (rng.random((n, n)) < 0.02))
    shares = csr_array(diags_array((1 - 1e-5) / shares.sum(axis=1)) @ shares)
    system = segment_system.System.of(np.arange(n), shares)
    c, w = np.where(np.arange(n) < 9, 1.0, 0.0), np.full(n, 1e9)
    found = fixed_point.least(system, c, np.ones(n), w, np.full(n, 1e6))
    exact = np.linalg.solve(np.eye(n) - shares.toarray().T, c)
    assert calls and found.error <= 1e-9  # rounding, 2e-15, a hundred thousand times
    assert np.abs(found.y - exact).max() <= 1e6 * found.error


@pytest.mark.parametrize(
    "model", [ct.EisenbergNoe(), ct.models.RogersVeraart(0.9, 0.9, which="greatest")]
)
def test_waves_end_where_the_fast_mode_ends(model):
    """`propagate` clears wave by wave, `solve` as fast as it can."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        features = frozenset(name for name in VENUES_TOO if rng.random() < 0.3)
        net = random_network(seed, 12, 2.5, features)
        losses, pins, _ = random_shock(net, seed, pinned="pinned" in features).arrays(net)
        fast = model.run(net, losses, pins)
        waves = model.run(net, losses, pins, trace="path")
        room = 1e-9 * checks.scale(net)
        np.testing.assert_allclose(fast.payments, waves.payments, rtol=0, atol=room)
        assert (fast.defaulted == waves.defaulted).all()
        assert ((waves.default_round >= 0) == waves.defaulted).all()
        equity, failed = waves.history[-1]
        free = np.isnan(pins) if pins is not None else np.ones(len(net), bool)
        np.testing.assert_allclose(equity[free], waves.equity[free], rtol=0, atol=room)
        assert (failed == waves.defaulted).all()


@pytest.mark.parametrize("recovery", [0.0, 0.3, 1.0])
def test_a_pinned_node_pays_its_rate_whatever_it_has(chain, recovery):
    result = ct.EisenbergNoe().propagate(chain, ct.Shock.default("b", recovery=recovery))
    assert result.payments["b"] == pytest.approx(8 * recovery)
    assert result.table.loc["b", "recovery_rate"] == pytest.approx(recovery)
    paid, _ = reference.clearing(chain, result.hit.losses, result.hit.pins)
    np.testing.assert_allclose(result.flows["paid"], paid, atol=1e-12)


def test_linear_solves_do_not_run_in_circles():
    """A network on which the pattern of the accelerated rounds once came back again and again.

    Several segments a node bend the map both ways, so a linear solve can pass the fixed point.
    """
    nodes = pd.DataFrame(
        {
            "node": list("abcd"),
            "external_assets": [10.2948, 17.783, 5.7465, 3.4608],
            "external_liabilities": [3.7387, 22.9041, 9.6418, 3.1162],
        }
    )
    owed = pd.DataFrame(
        {
            "creditor": list("acdbad"),
            "debtor": list("dbcdca"),
            "amount": [5.5754, 8.9174, 10.0787, 20.1195, 8.2491, 27.5413],
            "tier": [2, 3, 1, 3, 1, 3],
        }
    )
    net = ct.ExposureNetwork(nodes, owed)
    outcome = ct.EisenbergNoe().solve(net, np.zeros(4))
    assert outcome.converged and outcome.rounds < 100
    paid, _ = reference.clearing(net, np.zeros(4))
    got = net.amount - net.segments.to_claims(outcome.unpaid)
    np.testing.assert_allclose(got, paid, rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    "features", others_slow([{"external_tiers", "pro_rata"}, {"tiers"}, {"queues"}])
)
def test_clearing_always_converges_and_soon(features):
    for seed in range(100):
        net = random_network(seed, 3 + seed % 8, 1.5 + seed % 3, {*features, "insolvent"})
        losses = random_shock(net, seed).arrays(net)[0]
        for model in (
            ct.EisenbergNoe(),
            ct.models.RogersVeraart(0.5, 1.0, which="greatest"),
            ct.models.RogersVeraart(1.0, 1.0, which="least"),
        ):
            outcome = model.solve(net, losses)
            assert outcome.converged, (seed, model)
            assert outcome.rounds < 300, (seed, model)


@pytest.mark.parametrize("missing", [1e-2, 1e-4, 1e-6])
def test_a_circle_that_nothing_leaves_loses_all_in_few_rounds(missing):
    """a and b owe each other 10 and lack `missing` towards senior creditors outside.

    Every round loses the same, so plain rounds take 10 / missing of them; in the end neither pays
    anything in the graph, and the creditors outside miss what was missing.
    """
    net = from_liabilities([[0, 10], [10, 0]], [1, 1], [1 + missing, 1 + missing])
    result = ct.EisenbergNoe().propagate(net, baseline="book")
    assert result.payments.tolist() == pytest.approx([0, 0], abs=1e-7)
    assert result.outside_losses.tolist() == pytest.approx([missing, missing], abs=1e-9)
    assert result.outcome.rounds < 300


def test_a_batch_is_each_alone_also_where_circles_nearly_close():
    """Scenarios that take very many rounds: together as alone, all converge."""
    rng = np.random.default_rng(2)
    matrix = rng.random((5, 5)) * (1 - np.eye(5))
    net = from_liabilities(matrix, 4 + 4 * rng.random(5), [4, 3, 4, 4, 3])
    first = np.array([4.235922618213073, 3.2380262241058357, 3.7285980611164278, 0, 0])
    losses = first + np.outer([0.0, 1.0, 2.0], [2.9e-6, -2.2e-6, 0, 0, 0])
    together = ct.EisenbergNoe().solve(net, losses)
    assert together.converged.all() and together.rounds.max() < 1000
    for k in range(3):
        alone = ct.EisenbergNoe().solve(net, losses[k])
        np.testing.assert_allclose(together.equity[k], alone.equity, atol=1e-8)
