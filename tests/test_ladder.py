"""Ladders and shares against matrices written out and loops over segments."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from contagion.kernels.ladder import Ladder, completed, one_after_another, weighted, within
from contagion.kernels.shares import Shares, runs, stack


def groups(seed: int, most: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of some groups of neighbouring claims, and for every claim the end of its group."""
    rng = np.random.default_rng(seed)
    length = rng.integers(1, most, int(rng.integers(1, 7)))
    return length, np.repeat(np.cumsum(length), length)


def dense_runs(first: np.ndarray, base: np.ndarray, weight: np.ndarray) -> np.ndarray:
    out = np.zeros((len(first), len(weight)))
    for row, begin in enumerate(first):
        part = weight[begin : base[begin]]
        out[row, begin : base[begin]] = part / part.sum()
    return out


def a_ladder(seed: int, owners: int = 4, m: int = 30) -> tuple[Ladder, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    owner = np.sort(rng.integers(0, owners, m))
    amount = rng.lognormal(1, 1, m) * (rng.random(m) > 0.1)
    return weighted(owner, amount, rng.lognormal(0, 1, m)), owner, amount


def losses(ladder: Ladder, short: np.ndarray) -> np.ndarray:
    """(m,) segment by segment."""
    share, before = ladder.shares.explicit().toarray(), np.zeros(len(short))
    lost = np.zeros(share.shape[1])
    for s, (owner, width) in enumerate(zip(ladder.owner, ladder.width, strict=True)):
        lost += share[s] * min(max(short[owner] - before[owner], 0.0), width)
        before[owner] += width
    return lost


# -- shares -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_runs_are_rows_of_weights(seed):
    rng = np.random.default_rng(seed)
    _, base = groups(seed)
    m = len(base)
    weight = 10.0 ** rng.uniform(-6, 12, m) if seed % 2 else rng.integers(1, 4, m).astype(float)
    first = np.arange(m) if seed % 3 else np.sort(rng.integers(0, m, m // 2 + 1))
    shares, total = runs(first, base, weight)
    want = dense_runs(first, base, weight)
    np.testing.assert_allclose(shares.explicit().toarray(), want, rtol=1e-13, atol=0)
    sums = [weight[begin : base[begin]].sum() for begin in first]
    np.testing.assert_allclose(total, sums, rtol=1e-13)
    np.testing.assert_allclose(shares.totals(), 1, rtol=1e-14)
    money = rng.random((len(first), 3))
    np.testing.assert_allclose(shares.spread(money), want.T @ money, rtol=1e-12)
    np.testing.assert_allclose(shares.spread(money[:, 0]), want.T @ money[:, 0], rtol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, 63, 64, 65, 1000, 4097])
def test_runs_take_k_log_k_entries(k):
    shares, _ = runs(np.arange(k), np.full(k, k), np.ones(k))
    assert shares.nnz <= 2 * k * max(np.ceil(np.log2(k + 1)), 1)
    if k >= 64:
        assert shares.nnz < k * (k + 1) / 2, "shorter than a row a breakpoint"


def test_no_runs_at_all():
    none = np.zeros(0, np.int64)
    shares, total = runs(none, none, np.zeros(0))
    assert shares.shape == (0, 0) and len(total) == 0


def parts_of(seed: int, m: int) -> list[Shares]:
    rng = np.random.default_rng(seed)
    plain = Shares(csr_array(rng.random((3, m)) * (rng.random((3, m)) > 0.5)))
    long, _ = runs(np.arange(m), np.full(m, m), rng.lognormal(0, 1, m))
    short, _ = runs(np.array([0, 2]), np.full(m, m), np.ones(m))
    return [plain, long, Shares(csr_array((0, m))), short, plain]


@pytest.mark.parametrize("pick", [[0, 4], [1], [0, 1, 2, 3, 4], [3, 0], [2], []])
def test_stacked_shares_are_stacked_matrices(pick):
    m = 9
    parts = [parts_of(0, m)[k] for k in pick]
    whole = stack(parts, m)
    want = np.vstack([part.explicit().toarray() for part in parts] or [np.zeros((0, m))])
    assert whole.shape == want.shape
    np.testing.assert_allclose(whole.explicit().toarray(), want, rtol=1e-14)
    np.testing.assert_allclose(whole.totals(), want.sum(axis=1), rtol=1e-14)
    money = np.arange(1.0, len(want) + 1)
    np.testing.assert_allclose(whole.spread(money), want.T @ money, rtol=1e-13)
    rows = np.arange(len(want))[::-2]
    np.testing.assert_allclose(whole.take(rows).explicit().toarray(), want[rows], rtol=1e-14)
    np.testing.assert_allclose(whole.explicit(rows).toarray(), want[rows], rtol=1e-14)
    assert whole.nnz == sum(part.nnz for part in parts)


def test_columns_get_other_names_and_some_fall_away():
    m, target = 9, np.array([3, 0, -1, 3, 1, -1, 2, 0, 3])
    whole = stack(parts_of(1, m), m)
    want = np.zeros((whole.shape[0], 5))
    for k, to in enumerate(target):
        if to >= 0:
            want[:, to] += whole.explicit().toarray()[:, k]
    got = whole.onto(target, 5)
    np.testing.assert_allclose(got.explicit().toarray(), want, rtol=1e-13)
    np.testing.assert_allclose(got.totals(), want.sum(axis=1), rtol=1e-13)


# -- within -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_within_is_a_sum_for_every_owner(seed):
    rng = np.random.default_rng(seed)
    owner, width = np.sort(rng.integers(0, 6, 200)), rng.lognormal(0, 2, 200)
    want, before = [], dict.fromkeys(range(6), 0.0)
    for i, w in zip(owner, width, strict=True):
        want.append(before[i])
        before[i] += w
    np.testing.assert_allclose(within(owner, width), want, rtol=1e-14)


def test_a_small_owner_does_not_drown_in_a_large_one():
    owner = np.repeat([0, 1], [50, 50])
    width = np.where(owner == 0, 1e16 / 3, 1.0)
    assert within(owner, width)[50:].tolist() == list(range(50))


def test_nothing_within_nothing():
    assert len(within(np.zeros(0, int), np.zeros(0))) == 0


# -- ladders ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_taken_and_spread_are_the_sum_over_segments(seed):
    ladder, owner, amount = a_ladder(seed)
    total = np.bincount(owner, amount, 4)
    for part in (0.0, 0.3, 0.9, 1.0, 1.4):
        short = part * total
        got = ladder.shares.spread(ladder.taken(short))
        np.testing.assert_allclose(got, losses(ladder, short), rtol=0, atol=1e-13 * total.max())
        lost = np.bincount(owner, got, 4)
        np.testing.assert_allclose(lost, np.minimum(short, total), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(ladder.capacity(4), total, rtol=1e-13)


@pytest.mark.parametrize("seed", range(10))
def test_a_ladder_turned_round_loses_what_the_other_pays(seed):
    """loss'(x) = amount − loss(total − x), and twice round is the same again."""
    ladder, owner, amount = a_ladder(seed)
    total = np.bincount(owner, amount, 4)
    turned = ladder.reversed()
    assert (np.diff(turned.owner) >= 0).all()
    for part in (0.1, 0.5, 0.8):
        got = losses(turned, part * total)
        want = amount - losses(ladder, (1 - part) * total)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * total.max())
    again = turned.reversed()
    np.testing.assert_array_equal(again.width, ladder.width)
    np.testing.assert_array_equal(
        again.shares.explicit().toarray(), ladder.shares.explicit().toarray()
    )


@pytest.mark.parametrize("seed", range(10))
def test_a_ladder_cut_ends_at_its_capacity(seed):
    ladder, owner, amount = a_ladder(seed)
    total = np.bincount(owner, amount, 4)
    most = total * np.array([0.0, 0.3, 0.7, 1.5])
    cut = ladder.cut(most)
    assert (cut.width > 0).all()
    np.testing.assert_allclose(cut.capacity(4), np.minimum(most, total), rtol=1e-12)
    for part in (0.1, 0.5, 1.0):
        got = losses(cut, part * total)
        want = losses(ladder, np.minimum(part * total, most))
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * total.max())


@pytest.mark.parametrize("seed", range(10))
def test_one_after_the_other_by_owner(seed):
    one, owner, amount = a_ladder(seed)
    two = weighted(owner, np.full(30, 2.0), np.ones(30)).as_stage(1)
    both = one_after_another([one, two], 30)
    assert (np.diff(both.owner) >= 0).all()
    total = np.bincount(owner, amount, 4)
    for part in (0.2, 0.9, 1.5, 3.0):
        short = part * total
        want = losses(one, short) + losses(two, np.maximum(short - one.capacity(4), 0.0))
        np.testing.assert_allclose(losses(both, short), want, rtol=0, atol=1e-12 * total.max())
    for i in range(4):
        assert (np.diff(both.stage[both.owner == i]) >= 0).all()


def test_no_ladder_is_a_ladder_without_segments():
    empty = one_after_another([], 3)
    assert empty.shares.shape == (0, 3)
    assert empty.taken(np.array([5.0])).tolist() == []
    assert empty.reversed().cut(np.array([1.0])).capacity(2).tolist() == [0, 0]


def test_claims_without_amount_or_weight_are_on_no_rung():
    ladder = weighted(np.zeros(3, int), np.array([5.0, 0.0, 3.0]), np.array([1.0, 1.0, 0.0]))
    assert ladder.width.tolist() == [5.0]
    assert ladder.shares.explicit().toarray().tolist() == [[1.0, 0.0, 0.0]]


def test_equal_breakpoints_are_one_rung():
    """0.1, 0.2, 0.3 over 1, 2, 3: equal but for the last digit."""
    amount, weight = np.array([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 3.0])
    ladder = weighted(np.zeros(3, int), amount, weight)
    assert len(ladder.owner) == 1
    assert ladder.width[0] == pytest.approx(0.6)


@pytest.mark.parametrize("seed", range(10))
def test_a_completed_ladder_uses_every_claim_up(seed):
    ladder, owner, amount = a_ladder(seed)
    total = np.bincount(owner, amount, 4)
    cut = ladder.cut(0.4 * total)
    whole = completed(cut, owner, amount, 7)
    np.testing.assert_allclose(whole.shares.spread(whole.width), amount, rtol=0, atol=1e-12)
    behind = whole.stage == 7
    assert behind.sum() == (np.bincount(owner, amount - losses(cut, total), 4) > 1e-9).sum()
    left = amount - losses(cut, total)
    rate = 1 - (amount - losses(whole, 0.7 * total))[left > 1e-9] / left[left > 1e-9]
    for i in range(4):
        mine = rate[owner[left > 1e-9] == i]
        assert np.ptp(mine) < 1e-9, "what is left loses pro rata"
    assert completed(ladder, owner, amount, 7) is ladder


def test_claims_of_some_as_claims_of_all():
    ladder = weighted(np.zeros(2, int), np.array([1.0, 3.0]), np.ones(2))
    wide = ladder.over(np.array([4, 1]), 5)
    assert losses(wide, np.array([4.0])).tolist() == [0.0, 3.0, 0.0, 0.0, 1.0]
