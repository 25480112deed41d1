"""Guarantees on random networks: against a plain reference, and what has to hold for all."""

from __future__ import annotations

import checks
import numpy as np
import pandas as pd
import pytest
import random_calls
import reference_calls
from conftest import others_slow
from promises import build, promise

import contagion as ct
from contagion.errors import RuleError
from contagion.results.run_arrays import claim_losses

EXACT = ct.EisenbergNoe(tolerance=1e-13)
SEEDS = range(2_000, 2_060)


def close(one, two, room):
    return np.allclose(one, two, rtol=0, atol=room, equal_nan=True)


@pytest.mark.parametrize("block", others_slow(range(10)))
def test_clearing_is_the_reference(block):
    met = called = 0
    for seed in range(100 * block, 100 * block + 100):
        net = random_calls.network(seed)
        shock = random_calls.shock(net, seed)
        result = EXACT.propagate(net, shock, baseline="book")
        want = reference_calls.clear(net, *shock.arrays(net)[:2])
        room, outcome = 1e-9 * checks.scale(net), result.outcome
        for name, got, expected in (
            ("payments", result.flows["paid"], want.paid),
            ("external creditors", outcome.external_paid, want.outside),
            ("calls", result.calls["called"], want.called),
            ("unmet", result.calls["unpaid"], want.unmet),
            ("equity", outcome.equity, want.equity),
            ("losses", result.loss, want.loss),
        ):
            assert close(np.asarray(got, float), expected, room), f"seed {seed}: {name}"
        assert result.audit()["ok"].all(), f"seed {seed}: {result.audit()}"
        called += want.called.sum() > room
        met += want.unmet.sum() > room
    assert called >= 50, "networks in which nobody is called test nothing"
    assert met >= 25, "networks in which every call is met test little"


@pytest.fixture(params=others_slow(SEEDS, keep=20), scope="module")
def case(request):
    nodes, owed, options = random_calls.tables(request.param)
    net = ct.ExposureNetwork(nodes, owed, **options)
    shock = random_calls.shock(net, request.param)
    return nodes, owed, options, net, shock, EXACT.propagate(net, shock, baseline="book")


def test_value_is_conserved_in_both_baselines(case):
    *_, net, shock, result = case
    room = 1e-9 * checks.scale(net)
    for one in (result, EXACT.propagate(net, shock, baseline="cleared")):
        assert one.audit()["ok"].all(), one.audit()
        s = one.socialization
        assert abs(s.borne - s.initial_loss - s.missing_before - s.deadweight - s.relief) <= room
        assert abs(one.bearers["amount"].sum() - s.borne) <= room
        assert s.deadweight == 0


def test_a_batch_is_one_at_a_time(case):
    *_, net, shock, result = case
    losses, pins, _ = shock.arrays(net)
    part = np.random.default_rng(0).random((5, 1)) * np.ones_like(losses)
    batch = EXACT.solve(net, part * losses, np.broadcast_to(pins, part.shape))
    for k in range(len(part)):
        one = EXACT.solve(net, part[k] * losses, pins)
        for name in ("equity", "payments", "external_paid", "claims_lost", "called", "unmet"):
            gap = 1e-9 * checks.scale(net)
            assert close(getattr(batch, name)[k], getattr(one, name), gap), name
    alone = EXACT.solve(net, losses, pins)
    assert close(alone.equity, result.outcome.equity, 1e-9 * checks.scale(net))
    assert (alone.defaulted == result.outcome.defaulted).all()


def test_the_default_tolerance_is_enough(case):
    *_, net, shock, result = case
    rough = ct.EisenbergNoe().solve(net, *shock.arrays(net))
    assert close(rough.equity, result.outcome.equity, 1e-9 * checks.scale(net))


def test_row_order_is_irrelevant(case):
    nodes, owed, options, net, shock, result = case
    rng = np.random.default_rng(1)
    turn, rows = rng.permutation(len(net.guarantees)), rng.permutation(len(owed))
    mixed = {**options, "guarantees": options["guarantees"].iloc[turn]}
    other = EXACT.propagate(
        ct.ExposureNetwork(nodes, owed.iloc[rows].reset_index(drop=True), **mixed),
        shock,
        baseline="book",
    )
    checks.assert_same_result(result, other)
    room = 1e-9 * checks.scale(net)
    assert close(other.outcome.called, result.outcome.called[turn], room)
    assert close(other.flows["paid"], result.flows["paid"].iloc[rows], room)


@pytest.mark.parametrize("factor", [1e6, 1e-6])
def test_the_unit_of_money_is_irrelevant(case, factor):
    nodes, owed, options, net, shock, result = case
    money = ["external_assets", "external_liabilities"]
    rules = {name: scaled(rule, factor) for name, rule in options["rules"].items()}
    promises = options["guarantees"]
    given = {"rules": rules, "guarantees": promises.assign(amount=promises["amount"] * factor)}
    other = ct.ExposureNetwork(
        nodes.assign(**{c: nodes[c] * factor for c in money}),
        owed.assign(amount=owed["amount"] * factor),
        **{**options, **given},
    )
    losses, pins, _ = shock.arrays(net)
    outcome, room = EXACT.solve(other, losses * factor, pins), 1e-9 * checks.scale(net)
    assert close(outcome.equity / factor, result.outcome.equity, room)
    assert close(outcome.unmet / factor, result.outcome.unmet, room)


def scaled(rule, factor):
    if not isinstance(rule, ct.rules.Waterfall):
        return rule
    layers = [
        ct.rules.Layer(x.name, x.rule, None if x.capacity is None else x.capacity * factor)
        for x in rule.layers_
    ]
    return ct.rules.Waterfall(layers)


def test_a_larger_shock_never_helps(case):
    *_, net, shock, _ = case
    losses, pins, _ = shock.arrays(net)
    steps = np.linspace(0, 1, 6)[:, None] * losses
    outcome = EXACT.solve(net, steps, np.broadcast_to(pins, steps.shape))
    room = 1e-9 * checks.scale(net)
    assert (np.diff(np.nan_to_num(outcome.equity), axis=0) <= room).all()
    assert (np.diff(outcome.payments, axis=0) <= room).all()
    assert (np.diff(outcome.claims_lost, axis=0) >= -room).all()


def test_more_cover_never_raises_the_loss_of_who_is_covered(case):
    *_, net, shock, _ = case
    table, room = net.guarantees, 1e-9 * checks.scale(net)
    pairs = table.dropna(subset="creditor")[["debtor", "creditor"]].drop_duplicates()
    for debtor, creditor in pairs.itertuples(index=False):
        mine = (table["debtor"] == debtor) & (table["creditor"] == creditor)
        # who guarantees others may be called for more where its own guarantors pay for it
        if (table["guarantor"] == creditor).any():
            continue
        at = net.position(creditor)
        last = np.inf
        for factor in (0.0, 0.3, 1.0, 3.0):
            cap = table["amount"].where(~mine, factor * table["amount"].clip(lower=1.0))
            changed = net.with_guarantees(table.assign(amount=cap))
            result = EXACT.propagate(changed, shock, baseline="book")
            assert result.loss[at] <= last + room
            last = result.loss[at]


def test_a_guarantee_of_nothing_is_none(case):
    *_, net, shock, _ = case
    try:
        without = net.with_guarantees(None)
    except RuleError as error:
        pytest.skip(f"the waterfall needs its assessments: {error}")
    nothing = net.with_guarantees(net.guarantees.assign(amount=0.0))
    one, two = EXACT.propagate(nothing, shock), EXACT.propagate(without, shock)
    assert close(one.outcome.equity, two.outcome.equity, 1e-9 * checks.scale(net))
    assert close(one.flows["paid"], two.flows["paid"], 1e-9 * checks.scale(net))
    assert not one.calls["called"].any()


def test_a_guarantor_with_endless_money_makes_every_creditor_whole(case):
    nodes, owed, options, net, shock, _ = case
    rich = pd.DataFrame({"node": ["rich"], "external_assets": [1e3 * checks.scale(net)]})
    rich = rich.assign(external_liabilities=0.0, external_tier=0, can_fail=True)
    pairs = owed.groupby(["debtor", "creditor"], as_index=False)["amount"].sum()
    rules = {name: ct.rules.Priority() for name in nodes["node"]}
    given = {**options, "rules": rules, "guarantees": pairs.assign(guarantor="rich")}
    whole = ct.ExposureNetwork(pd.concat([nodes, rich], ignore_index=True), owed, **given)
    losses, pins, _ = shock.arrays(net)
    outcome = EXACT.solve(whole, np.append(losses, 0.0), np.append(pins, np.nan))
    room = 1e-9 * checks.scale(net)
    assert np.abs(outcome.claims_lost[:-1]).max() <= room
    assert not outcome.unmet.any()
    paid = claim_losses(whole, outcome).sum()
    assert abs(outcome.called.sum() - paid) <= room


def test_layers_sum_to_what_a_node_lost_and_passed_on(case):
    *_, net, _, result = case
    n, calls, promises = len(net), net.segments.calls, result.calls
    into = np.where(promises["creditor"].isna(), promises["paid"], 0.0)
    passed = np.bincount(net.debtor, result.claim_losses, n)
    passed += np.nan_to_num(net.book.external_liabilities) - result.outcome.external_paid
    passed += np.bincount(calls.guarantor, promises["unpaid"], n)
    passed += np.bincount(calls.debtor, into, n)
    table = result.layers
    absorbed = table.groupby("node")["absorbed"].sum().reindex(net.names, fill_value=0.0)
    room = 1e-9 * checks.scale(net)
    assert close(absorbed, np.nan_to_num(result.loss) + passed, room)
    assert (table["absorbed"] >= -room).all()
    assert (table["absorbed"] <= table["capacity"] + room).all()


def test_explained_paths_are_the_loss_on_claims_and_calls(case):
    *_, net, _, result = case
    for name in net.names:
        why = result.explain(name, most=10_000)
        assert abs(why.table["amount"].sum() - why.on_claims) <= 1e-6 * checks.scale(net)
    promises = result.calls
    hit = promises["called"] > 1e-6 * checks.scale(net)
    hop = dict(zip(net.names, result.hops, strict=True))
    for row in promises[hit].itertuples():
        if hop[row.debtor] >= 0:
            assert 0 <= hop[row.guarantor] <= hop[row.debtor] + 1


def test_a_circle_beside_a_guarantee_has_two_clearings():
    """a and b owe each other 10 and have nothing: both pay, or nobody does. g pays for c."""
    money = {"a": 0, "b": 0, "c": 0, "d": 1, "g": 5}
    net = build(money, ["a b 10", "b a 10", "c d 1"], [promise("g", "c", 1.0)])
    for which, paid in (("greatest", [10, 10, 1, 0, 0]), ("least", [0, 0, 1, 0, 0])):
        payments = ct.models.RogersVeraart(1.0, 1.0, which=which).solve(net, np.zeros(5)).payments
        np.testing.assert_allclose(payments, paid, atol=1e-9, err_msg=which)


def test_both_ends_of_the_clearing_agree(case):
    *_, net, shock, result = case
    least = ct.models.RogersVeraart(1.0, 1.0, which="least", tolerance=1e-13)
    outcome = least.solve(net, *shock.arrays(net))
    assert bool(outcome.converged)
    assert close(outcome.equity, result.outcome.equity, 1e-9 * checks.scale(net))
