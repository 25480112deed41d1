"""The checks of `checks.py` can fail: a result that was tampered with does not pass."""

from __future__ import annotations

from dataclasses import replace

import checks
import numpy as np
import pytest
from conftest import from_liabilities, random_network, random_shock

import contagion as ct
from contagion.results.propagation_result import PropagationResult


@pytest.fixture
def result(chain):
    return ct.models.RogersVeraart(0.8, 0.9, which="greatest").propagate(
        chain, ct.Shock.loss({"a": 8.0})
    )


def tampered(result: PropagationResult, **arrays: np.ndarray) -> PropagationResult:
    """The same result with arrays of its outcome replaced."""
    outcome = replace(result.outcome, **arrays)
    return replace(result, outcome=outcome)


def test_a_true_result_passes_every_check(result):
    checks.assert_valid_clearing(result)
    checks.assert_conserves_value(result)
    checks.assert_claim_bounds(result)
    checks.assert_same_result(result, result)
    assert result.audit()["ok"].all()


def test_waterfall_pays_by_order_and_pro_rata():
    assert checks.waterfall(9.0, [(2, 4.0), (1, 6.0), (2, 8.0)]) == [1.0, 6.0, 2.0]
    assert checks.waterfall(-1.0, [(1, 5.0)]) == [0.0]
    assert checks.waterfall(99.0, [(1, 5.0), (3, 1.0)]) == [5.0, 1.0]


@pytest.mark.parametrize("factor", [-0.5, 1.5])
def test_claim_bounds_can_fail(result, factor):
    unpaid = result.outcome.unpaid.copy()
    unpaid[0] = factor * result.network.segments.width[0]
    with pytest.raises(AssertionError, match="claim"):
        checks.assert_claim_bounds(tampered(result, unpaid=unpaid))


def test_claim_bounds_notice_owners_who_gain(result):
    equity = result.outcome.equity + 1.0
    with pytest.raises(AssertionError, match="owners gain"):
        checks.assert_claim_bounds(tampered(result, equity=equity))


def test_clearing_notices_money_from_nowhere(result):
    unpaid = result.outcome.unpaid * 0.9
    with pytest.raises(AssertionError, match="the rule says"):
        checks.assert_valid_clearing(tampered(result, unpaid=unpaid))


def test_clearing_notices_a_node_that_keeps_what_it_owes(result):
    unpaid = result.outcome.unpaid.copy()
    unpaid[2] += 1.0  # c stands, and yet pays less
    with pytest.raises(AssertionError, match="the rule says"):
        checks.assert_valid_clearing(tampered(result, unpaid=unpaid))


def test_clearing_notices_a_wrong_default_flag(result):
    flags = ~result.outcome.defaulted
    with pytest.raises(AssertionError, match="default flag"):
        checks.assert_valid_clearing(tampered(result, defaulted=flags))


def test_clearing_notices_equity_that_is_not_what_is_left(result):
    equity = result.outcome.equity - 0.5
    with pytest.raises(AssertionError, match="equity is not funds less dues"):
        checks.assert_valid_clearing(tampered(result, equity=equity))


def test_clearing_notices_payments_that_are_not_the_flows(result):
    payments = result.outcome.payments + np.array([0, 0, 0, 1.0])
    with pytest.raises(AssertionError, match="payments are not the flows"):
        checks.assert_valid_clearing(tampered(result, payments=payments))


def test_clearing_notices_the_wrong_order_of_claims():
    one = from_liabilities([[0, 6, 8], [0, 0, 0], [0, 0, 0]], [7, 1, 1])
    table = one.exposures.assign(tier=[1, 2])
    tiered = ct.ExposureNetwork(one.balance_sheet.reset_index().drop(columns="equity"), table)
    right = ct.EisenbergNoe().propagate(tiered)
    checks.assert_valid_clearing(right)
    order = replace(right, network=one, outcome=ct.EisenbergNoe().propagate(one).outcome)
    checks.assert_valid_clearing(order)
    # the pro-rata payments under the tiered rule
    segments = right.outcome.unpaid.copy()
    segments[:] = [3.0, 4.0]
    with pytest.raises(AssertionError, match="the rule says"):
        checks.assert_valid_clearing(tampered(right, unpaid=segments))


def test_clearing_notices_external_creditors_who_are_shortchanged():
    net = from_liabilities([[0, 10], [0, 0]], [6, 1], [4, 0])
    result = ct.EisenbergNoe().propagate(net)
    checks.assert_valid_clearing(result)
    less = result.outcome.external_paid - np.array([1.0, 0.0])
    with pytest.raises(AssertionError, match="outside of 4"):
        checks.assert_valid_clearing(tampered(result, external_paid=less))
    with pytest.raises(AssertionError, match="not conserved"):
        checks.assert_conserves_value(tampered(result, external_paid=less))


def test_conservation_notices_a_loss_that_nobody_bears(result):
    equity = np.maximum(result.outcome.equity, result.network.book.equity)
    with pytest.raises(AssertionError, match=r"not conserved|bearers|are not initial"):
        checks.assert_conserves_value(tampered(result, equity=equity))


def test_conservation_notices_default_costs_that_are_not_booked(result):
    assert result.outcome.deadweight.sum() > 0
    nothing = np.zeros_like(result.outcome.deadweight)
    wrong = tampered(result, deadweight=nothing)
    with pytest.raises(AssertionError, match="are not initial loss"):
        checks.assert_conserves_value(wrong)
    assert not wrong.audit()["ok"].all()


def test_conservation_notices_a_wrong_reported_number(result, monkeypatch):
    true = result.socialization
    monkeypatch.setitem(
        result.__dict__,
        "socialization",
        replace(true, initial_loss=true.initial_loss + 1.0, borne=true.borne),
    )
    with pytest.raises(AssertionError, match="are not initial loss"):
        checks.assert_conserves_value(result)


def test_same_result_can_fail(result, chain):
    other = ct.EisenbergNoe().propagate(chain, ct.Shock.loss({"a": 8.0}))
    with pytest.raises(AssertionError, match="differs"):
        checks.assert_same_result(result, other)


def test_random_tables_have_the_features_they_name():
    """The generator behind the contract tests really produces what its flags say."""
    seen = {
        "insolvent": 0,
        "unknown": 0,
        "unfailing": 0,
        "tiers": 0,
        "queues": 0,
        "external": 0,
        "pinned": 0,
        "parallel": 0,
    }
    for seed in range(20):
        features = frozenset(
            {"insolvent", "unknown", "unfailing", "tiers", "queues", "external_tiers", "parallel"}
        )
        net = random_network(seed, features=features)
        seen["insolvent"] += bool((net.book.equity < 0).any())
        seen["unknown"] += bool((~net.book.known).any())
        seen["unfailing"] += bool((~net.book.can_fail & net.book.known).any())
        seen["tiers"] += net.exposures["tier"].nunique() > 1
        seen["queues"] += bool((net.nodes["rule"] == "queue").any())
        seen["external"] += bool((net.nodes["external_tier"] > 0).any())
        seen["parallel"] += bool(net.exposures.duplicated(["creditor", "debtor"]).any())
        seen["pinned"] += bool(random_shock(net, seed, pinned=True).defaults)
    assert min(seen.values()) >= 10, seen
