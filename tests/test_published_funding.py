"""Credit and funding shocks: the three banking systems of the closed-form case."""

from __future__ import annotations

import numpy as np
import pytest

import contagion as ct
from contagion import measures

# After Espinosa-Vega & Solé (2010), Cross-border financial surveillance: a network perspective,
# IMF WP/10/105: i fails when its capital is below λ · claims on failed systems + δρ · claims of
# failed systems on it. The matrix is not one of the paper; the answers are closed form and can be
# followed by hand. λ = 1, ρ = 0.35, δ = 1 (a haircut of 50%) from memory. Tolerance: 1e-9 relative
# to max(1, |value|), the numbers are sums of a few products.
CLAIMS = [[0, 30, 10], [5, 0, 40], [20, 5, 0]]  # of the row on the column
CAPITAL = [25, 30, 15]
TOLERANCE = 1e-9
RHO = 0.35
# Who fails in which round when the system in the key fails first.
CREDIT = {0: [[2], [1]], 1: [[0], [2]], 2: [[1], [0]]}
# With funding, 1 takes both with it at once: 2 loses 5 of claims and 0.35 · 40 = 14 of funding.
BOTH = {0: [[2], [1]], 1: [[0, 2]], 2: [[1], [0]]}
# Funding alone, all paid in full, in percent of the capital of the others, and of its own.
ALONE = {
    "contagion_index": [100 * 14 / 45, 100 * 15.75 / 40, 100 * 8.75 / 55],
    "vulnerability_index": [100 * 8.75 / (2 * 25), 100 * 12.25 / (2 * 30), 100 * 17.5 / (2 * 15)],
}


def three_systems() -> ct.ExposureNetwork:
    return ct.ExposureNetwork.from_matrix(
        CLAIMS, [0, 1, 2], orientation="creditor->debtor", equity=CAPITAL
    )


@pytest.fixture
def systems() -> ct.ExposureNetwork:
    return three_systems()


def rounds(result: ct.results.PropagationResult) -> list[list[int]]:
    when = result.default_round
    return [np.flatnonzero(when == k).tolist() for k in range(1, when.max() + 1)]


@pytest.mark.parametrize("trigger", [0, 1, 2])
@pytest.mark.parametrize(("rho", "want"), [(0.0, CREDIT), (RHO, BOTH)], ids=["credit", "both"])
def test_espinosa_vega_sole_rounds(systems, rho, want, trigger):
    result = ct.models.CreditFunding(1.0, rho, 1.0).propagate(systems, ct.Shock.default(trigger))
    assert rounds(result) == want[trigger]


@pytest.mark.parametrize("trigger", [0, 1, 2])
def test_espinosa_vega_sole_money(systems, trigger):
    """Everybody fails in the end, so the gross losses are the row and column sums."""
    outcome = (
        ct.models.CreditFunding(1.0, RHO, 1.0).propagate(systems, ct.Shock.default(trigger)).outcome
    )
    claims = np.array(CLAIMS, float)
    for got, want in (
        (outcome.channels["credit"], claims.sum(axis=1)),
        (outcome.channels["funding"], RHO * claims.sum(axis=0)),
        (outcome.channels["price"], np.zeros(3)),
    ):
        assert (np.abs(got - want) <= TOLERANCE * np.maximum(1.0, np.abs(want))).all()


def test_funding_alone_is_too_small_to_fail_anybody(systems):
    """0 fails and pays in full: 1 loses 0.35 · 30, 2 loses 0.35 · 10."""
    shock = ct.Shock.default(0, recovery=1.0)
    result = ct.models.CreditFunding(0.0, RHO, 1.0).propagate(systems, shock)
    assert result.table["loss"].tolist() == pytest.approx([25, 10.5, 3.5], rel=TOLERANCE)
    assert not result.table["defaulted"].iloc[1:].any()


def test_indices_of_contagion_and_vulnerability(systems):
    """Credit and funding wipe both others out, whoever starts: 100% of their capital."""
    table = measures.each_default(systems, ct.models.CreditFunding(1.0, RHO, 1.0))
    assert table["contagion_index"].tolist() == pytest.approx([100] * 3, rel=TOLERANCE)
    assert table["vulnerability_index"].tolist() == pytest.approx([100] * 3, rel=TOLERANCE)
    alone = measures.each_default(systems, ct.models.CreditFunding(0.0, RHO, 1.0), recovery=1.0)
    for column, want in ALONE.items():
        assert alone[column].tolist() == pytest.approx(want, rel=TOLERANCE)
