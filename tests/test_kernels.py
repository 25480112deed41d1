"""Segments, clearing, cascades and DebtRank rounds on arrays small enough to check by hand."""

from __future__ import annotations

import checks
import numpy as np
import pytest
from conftest import random_network
from scipy.sparse import csr_array

import contagion as ct
from contagion.kernels.cascade import cascade
from contagion.kernels.clearing import clear
from contagion.kernels.debtrank import linear_system, single_hit
from contagion.rules import Priority, ProRata, Queue
from contagion.rules.compile import compile_rules

DEBTOR, CREDITOR = np.array([0, 0, 0]), np.array([1, 2, 1])
AMOUNT = np.array([6.0, 4.0, 2.0])


PRIORITY, PRO_RATA, QUEUE = Priority(), ProRata(), Queue("rank")


def compile_segments(debtor, creditor, amount, n, tier, rank, rule, external, external_tier):
    columns = {"tier": np.full(len(debtor), tier), "rank": np.full(len(debtor), rank)}
    return compile_rules(
        [rule], np.zeros(n, int), debtor, creditor, amount, n, columns, external, external_tier
    )


def compiled(tier=1.0, rank=0.0, rule=PRIORITY, external=0.0, external_tier=0.0):
    outside = np.array([external, 0.0, 0.0])
    return compile_segments(DEBTOR, CREDITOR, AMOUNT, 3, tier, rank, rule, outside, external_tier)


def pays(segments, funds: float) -> list[float]:
    """What node 0 pays on its three claims out of some funds."""
    paid = np.clip(funds - segments.start, 0.0, segments.width)
    paid = np.where(segments.owner == 0, paid, 0.0)
    return segments.to_claims(paid).tolist()


CASES = {
    "pro rata": ({}, [(1, 6.0), (1, 4.0), (1, 2.0)]),
    "external ahead": ({"external": 3.0}, [(1, 6.0), (1, 4.0), (1, 2.0), (0, 3.0)]),
    "external with tier 1": (
        {"external": 3.0, "external_tier": 1.0},
        [(1, 6.0), (1, 4.0), (1, 2.0), (1, 3.0)],
    ),
    "tiers": ({"tier": np.array([2.0, 1.0, 3.0])}, [(2, 6.0), (1, 4.0), (3, 2.0)]),
    "tiers, external with the second": (
        {"tier": np.array([2.0, 1.0, 3.0]), "external": 6.0, "external_tier": 2.0},
        [(2, 6.0), (1, 4.0), (3, 2.0), (2, 6.0)],
    ),
    "tiers, external in between": (
        {"tier": np.array([3.0, 1.0, 3.0]), "external": 6.0, "external_tier": 2.0},
        [(3, 6.0), (1, 4.0), (3, 2.0), (2, 6.0)],
    ),
    "one tier, external ahead of it": (
        {"tier": 2.0, "external": 3.0, "external_tier": 1.0},
        [(2, 6.0), (2, 4.0), (2, 2.0), (1, 3.0)],
    ),
    "one tier, external behind it": (
        {"tier": 1.0, "external": 3.0, "external_tier": 2.0},
        [(1, 6.0), (1, 4.0), (1, 2.0), (2, 3.0)],
    ),
    "queue, highest rank loses first": (
        {"rank": np.array([1.0, 3.0, 2.0]), "rule": QUEUE},
        [(1, 6.0), (3, 4.0), (2, 2.0)],
    ),
    "queue, equal ranks": (
        {"rank": np.array([1.0, 2.0, 2.0]), "rule": QUEUE},
        [(1, 6.0), (2, 4.0), (2, 2.0)],
    ),
    "pro rata over tiers": (
        {"tier": np.array([2.0, 1.0, 3.0]), "rule": PRO_RATA},
        [(1, 6.0), (1, 4.0), (1, 2.0)],
    ),
    "pro rata over tiers, external in any": (
        {
            "tier": np.array([2.0, 1.0, 3.0]),
            "rule": PRO_RATA,
            "external": 3.0,
            "external_tier": 3.0,
        },
        [(1, 6.0), (1, 4.0), (1, 2.0), (1, 3.0)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_segments_are_the_waterfall(case):
    options, claims = CASES[case]
    segments = compiled(**options)
    assert segments.due[0] == sum(amount for _, amount in claims)
    for funds in np.linspace(0, segments.due[0] + 1, 33):
        want = checks.waterfall(float(funds), claims)[:3]
        assert pays(segments, float(funds)) == pytest.approx(want, abs=1e-12), funds


@pytest.mark.parametrize("case", CASES)
def test_shares_of_a_segment_never_exceed_it(case):
    segments = compiled(**CASES[case][0])
    assert (segments.inside <= 1 + 1e-12).all()
    assert (segments.shares.explicit().data >= 0).all()
    assert (np.diff(segments.owner) >= 0).all()


def test_pro_rata_is_one_segment_a_node():
    assert compiled().one_each
    assert not compiled(tier=np.array([2.0, 1.0, 3.0])).one_each


def test_claims_of_nothing_share_nothing():
    segments = compile_segments(
        np.array([0]),
        np.array([1]),
        np.array([0.0]),
        2,
        1.0,
        0.0,
        PRIORITY,
        np.zeros(2),
        0.0,
    )
    assert segments.to_claims(np.zeros(len(segments.owner))).tolist() == [0]
    assert np.isfinite(segments.shares.explicit().data).all()


def test_clear_by_hand_with_its_certificate():
    """0 owes 12 and has 9; the rest is received by 1 and 2."""
    segments = compiled()
    done = clear(segments, np.array([[9.0, 1.0, 1.0]]), np.array([0.0, 8.0, 4.0]), np.ones(3, bool))
    assert segments.to_claims(segments.width - done.unpaid[0]).tolist() == pytest.approx(
        [4.5, 3.0, 1.5]
    )
    assert done.funds[0].tolist() == pytest.approx([9, 7, 4])
    assert done.defaulted[0].tolist() == [True, False, False]
    assert done.converged.all() and done.residual[0] <= 1e-10
    assert done.products > 0


def test_exactly_enough_is_solvent_unless_not_strict():
    segments = compiled()
    assets, claims, free = np.array([[12.0, 0, 0]]), np.array([0.0, 8.0, 4.0]), np.ones(3, bool)
    assert not clear(segments, assets, claims, free).defaulted.any()
    half = np.full(len(claims), 0.5), np.ones(len(claims))
    done = clear(segments, assets, claims, free, strict=False, kept=half)
    assert done.defaulted[0, 0] and done.unpaid[0].sum() == pytest.approx(6)


def test_a_thousand_thirds_make_a_whole():
    """Rounding in the sum of many payments is no default."""
    n = 1001
    debtor, creditor = np.arange(1, n), np.zeros(n - 1, int)
    debtor, creditor = np.append(debtor, 0), np.append(creditor, 1)
    third = 1 / 3
    amount = np.append(np.full(n - 1, third), third * (n - 1))
    segments = compile_segments(debtor, creditor, amount, n, 1.0, 0.0, PRIORITY, np.zeros(n), 0.0)
    assets = np.full((1, n), third)
    assets[0, 0] = 0.0
    done = clear(segments, assets, np.bincount(creditor, amount, n), np.ones(n, bool))
    assert not done.defaulted.any()


def test_kernels_leave_their_arrays_alone():
    owed = csr_array(np.array([[0, 5.0, 0], [0, 0, 5.0], [5.0, 0, 0]]))
    equity, free = np.array([1.0, 2.0, 3.0]), np.ones(3, bool)
    for batch in (1, 2):
        shock = np.tile([2.0, 0.0, 0.0], (batch, 1))
        kept = shock.copy()
        cascade(
            owed, None, equity, shock, np.ones(3), free, np.zeros((batch, 3), bool), strict=True
        )
        np.testing.assert_array_equal(shock, kept)
        single_hit(owed, shock / 4)
        np.testing.assert_array_equal(shock, kept)
        assets = 5.0 - shock
        segments = compiled()
        for mode in ("fast", "waves", "rounds"):
            for least in (False, True):
                clear(segments, assets, np.array([0.0, 8.0, 4.0]), free, mode=mode, least=least)
        np.testing.assert_array_equal(assets, 5.0 - kept)


def test_cascade_by_hand():
    """0 fails, 1 (capital 2) loses 5 and fails, 2 (7) loses 5 and stands; nobody fails twice."""
    owed = csr_array(np.array([[0, 5.0, 0], [0, 0, 5.0], [5.0, 0, 0]]))
    started = np.array([[True, False, False]])
    done = cascade(
        owed,
        None,
        np.array([1.0, 2.0, 7.0]),
        np.zeros((1, 3)),
        np.ones(3),
        np.ones(3, bool),
        started,
        strict=True,
        history=True,
    )
    assert done.losses.tolist() == [[0, 5, 5]]
    assert done.default_round.tolist() == [[0, 1, -1]]
    assert [state[0][0].tolist() for state in done.history] == [[0, 0, 0], [0, 5, 0], [0, 5, 5]]


@pytest.mark.parametrize(
    ("loss", "strict", "fails"),
    [(3.0, True, False), (3.0, False, True), (3.1, True, True), (0.0, False, False)],
)
def test_a_loss_that_equals_the_capital(loss, strict, fails):
    capital = np.array([3.0 if loss else 0.0])
    done = cascade(
        csr_array((1, 1)),
        None,
        capital,
        np.array([[loss]]),
        np.ones(1),
        np.ones(1, bool),
        np.zeros((1, 1), bool),
        strict=strict,
    )
    assert done.default_round[0, 0] == (0 if fails else -1)


@pytest.mark.parametrize("strict", [True, False])
def test_a_node_that_was_insolvent_before_has_failed(strict):
    owed = csr_array(np.array([[0, 5.0], [0, 0]]))
    done = cascade(
        owed,
        None,
        np.array([-1.0, 9.0]),
        np.zeros((1, 2)),
        np.ones(2),
        np.ones(2, bool),
        np.zeros((1, 2), bool),
        strict=strict,
    )
    assert done.default_round.tolist() == [[0, -1]] and done.losses.tolist() == [[0, 5]]


def test_nodes_that_cannot_fail_pass_nothing_on():
    owed = csr_array(np.array([[0, 5.0, 0], [0, 0, 5.0], [0, 0, 0]]))
    done = cascade(
        owed,
        None,
        np.array([1.0, 1.0, 1.0]),
        np.array([[2.0, 0, 0]]),
        np.ones(3),
        np.array([True, False, True]),
        np.zeros((1, 3), bool),
        strict=True,
    )
    assert done.losses.tolist() == [[2, 5, 0]]


def test_single_hit_passes_on_once():
    h, when, history = single_hit(
        csr_array(np.array([[0, 1.0], [1.0, 0]])), np.array([[0.25, 0.0]]), history=True
    )
    assert h.tolist() == [[0.5, 0.25]]
    assert when.tolist() == [[-1, -1]]
    assert len(history) >= 3


def test_linear_system_passes_every_part_on():
    """Two nodes with leverage 1/2 both ways: h = h1 / (1 − 1/4) and half of it."""
    owed = csr_array(np.array([[0, 2.0], [2.0, 0]]))
    system = linear_system(owed, np.array([4.0, 4.0]), np.array([2.0, 2.0]))
    done = clear(system, np.array([[3.0, 4.0]]), np.zeros(2), np.ones(2, bool), limit=np.zeros(2))
    assert done.unpaid[0].tolist() == pytest.approx([1 / 0.75, 0.5 / 0.75])


def test_a_scenario_does_not_depend_on_the_others_of_its_batch():
    """But for digits below the tolerance: neighbours in a block decide when it is extrapolated."""
    net = random_network(3, 30, 3.0, frozenset())
    rng = np.random.default_rng(5)
    assets = net.book.external_assets
    losses = np.minimum(assets * rng.uniform(0, 1, (40, 1)) * rng.uniform(0, 2, (40, 30)), assets)
    whole = ct.EisenbergNoe().solve(net, losses)
    room = 1e-9 * checks.scale(net)
    for part in (slice(0, 7), slice(7, 25), slice(25, 40)):
        some = ct.EisenbergNoe().solve(net, losses[part])
        np.testing.assert_allclose(some.equity, whole.equity[part], rtol=0, atol=room)
