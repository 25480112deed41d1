"""Netting efficiency of central clearing, after Duffie and Zhu."""

from __future__ import annotations

import numpy as np
import pytest

from contagion.network.netting import efficiency

# Duffie & Zhu (2011), Does a central clearing counterparty reduce counterparty risk?, Review of
# Asset Pricing Studies 1(1), 74–95: positions of each pair and class independent, standard normal.
# Bilateral (N − 1) √(K / 2π); a house for one class leaves K − 1 classes and adds √((N − 1) / 2π);
# it pays where K < N² / (4 (N − 1)). The numbers below are that closed form, recomputed, not read
# from a table of the paper. Tolerance: 1e-9 · max(1, |value|), rounding of a few products.
MIN_N = {2: 7, 3: 11, 4: 15, 5: 19, 6: 23, 8: 31, 10: 39}
PAIRS = [(5, 2), (7, 2), (12, 4), (15, 4), (16, 6), (26, 6)]
RATIOS = [10, 12, 16]
TOLERANCE = 1e-9


def exposures(n: int, k: int) -> tuple[float, float]:
    """Bilateral, and with a house for one of the k classes."""
    bilateral = (n - 1) * np.sqrt(k / (2 * np.pi))
    cleared = (n - 1) * np.sqrt((k - 1) / (2 * np.pi)) + np.sqrt((n - 1) / (2 * np.pi))
    return bilateral, cleared


def near(value: float) -> object:
    return pytest.approx(value, rel=0, abs=TOLERANCE * max(1.0, abs(value)))


@pytest.mark.parametrize(("classes", "want"), MIN_N.items())
def test_fewest_participants(classes, want):
    assert efficiency.fewest_participants(classes) == want
    assert efficiency.clearing_pays(want, classes)
    assert not efficiency.clearing_pays(want - 1, classes)


@pytest.mark.parametrize(("n", "k"), PAIRS)
def test_expected_exposures(n, k):
    bilateral, cleared = exposures(n, k)
    assert efficiency.expected_exposure(n, k) == near(bilateral)
    assert efficiency.expected_exposure(n, k, [0]) == near(cleared)
    assert efficiency.netting_efficiency(n, k, [0]) == near(1 - cleared / bilateral)
    assert (cleared < bilateral) == efficiency.clearing_pays(n, k)


@pytest.mark.parametrize("n", RATIOS)
def test_a_class_that_is_large_enough_pays(n):
    """R > 2 √(N − 1) / (N − 2), whatever the other classes are."""
    ratio = efficiency.least_ratio(n)
    assert ratio == near(2 * np.sqrt(n - 1) / (n - 2))
    others = [0.6, 0.8]  # together 1
    assert efficiency.netting_efficiency(n, [*others, ratio], [2]) == near(0.0)
    assert efficiency.netting_efficiency(n, [*others, 1.001 * ratio], [2]) > 0
    assert efficiency.netting_efficiency(n, [*others, 0.999 * ratio], [2]) < 0


@pytest.mark.parametrize(("n", "k"), PAIRS)
def test_one_house_for_two_classes_is_better_than_two_houses(n, k):
    """The second result of the paper: separate houses always raise exposure over a joint one."""
    joint = efficiency.expected_exposure(n, k, [(0, 1)])
    apart = efficiency.expected_exposure(n, k, [0, 1])
    assert joint < apart
    gap = (2 - np.sqrt(2)) * np.sqrt((n - 1) / (2 * np.pi))
    assert apart - joint == near(gap)


def test_equal_classes_are_the_case_of_one_ratio():
    """K classes of 1: R = 1 / √(K − 1), and both conditions are the same."""
    for n in range(3, 60):
        for k in range(2, 12):
            assert (1 / np.sqrt(k - 1) > efficiency.least_ratio(n) + 1e-12) == (
                efficiency.clearing_pays(n, k)
            )


def test_the_closed_form_is_the_mean_of_what_participants_may_lose():
    """Drawn: 6 participants, 3 correlated classes of different size, two houses."""
    n, sizes, correlation = 6, np.array([1.0, 2.0, 0.5]), np.full((3, 3), 0.3)
    np.fill_diagonal(correlation, 1.0)
    rng = np.random.default_rng(1)
    draws = 40_000
    x = rng.multivariate_normal(
        np.zeros(3), np.outer(sizes, sizes) * correlation, size=(draws, n - 1)
    )
    for houses, cleared, left in (
        ([], [], [0, 1, 2]),
        ([1], [[1]], [0, 2]),
        ([0, (1, 2)], [[0], [1, 2]], []),
    ):
        lost = np.maximum(x[:, :, left].sum(axis=2), 0).sum(axis=1)
        lost += sum(np.maximum(x[:, :, house].sum(axis=(1, 2)), 0) for house in cleared)
        want = efficiency.expected_exposure(n, sizes, houses, correlation)
        assert abs(lost.mean() - want) < 4 * lost.std() / np.sqrt(draws)


def test_correlated_classes_make_a_house_better():
    """Netting across classes is worth less where they move together."""
    apart, together = np.eye(2), np.array([[1, 0.9], [0.9, 1]])
    low = efficiency.netting_efficiency(6, 2, [0], apart)
    high = efficiency.netting_efficiency(6, 2, [0], together)
    assert low < 0 < high


def test_limits():
    assert efficiency.least_ratio(2) == float("inf")
    assert efficiency.netting_efficiency(2, 1, [0]) == pytest.approx(0.0, abs=1e-15)
    assert efficiency.expected_exposure(10, [3.0]) == pytest.approx(
        3 * efficiency.expected_exposure(10, 1)
    )
    assert efficiency.netting_efficiency(5, [0.0, 0.0], [0]) == 0.0


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: efficiency.expected_exposure(1, 2), "at least 2"),
        (lambda: efficiency.expected_exposure(5, 0), "at least 1"),
        (lambda: efficiency.expected_exposure(5, [1.0, -1.0]), "at least 0"),
        (lambda: efficiency.expected_exposure(5, 2, [2]), "0 … 1"),
        (lambda: efficiency.expected_exposure(5, 2, [0, (0, 1)]), "cleared once"),
        (lambda: efficiency.expected_exposure(5, 2, [], np.eye(3)), r"shape \(3, 3\)"),
        (lambda: efficiency.expected_exposure(5, 2, [], [[1, 2], [2, 1]]), "variance below 0"),
        (lambda: efficiency.fewest_participants(0), "at least 1"),
        (lambda: efficiency.least_ratio(1), "at least 2"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
