"""`result.audit()`: every true result passes, and one changed number of any model is found."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import random_calls
import reference_firesale
import reference_ownership
from conftest import from_liabilities, others_slow, random_network, random_shock, random_tables
from test_model_contract import VARIANTS, every_model

import contagion as ct
from contagion.results import Outcome, PropagationResult
from contagion.results.audit import BOOKKEEPING

SORTS = "loss", "default", "price", "rates", "guarantees", "shareholdings"
FIELDS = [field.name for field in fields(Outcome) if field.name not in BOOKKEEPING]
MIXED = frozenset({"insolvent", "unknown", "unfailing", "parallel", "tiers", "external_tiers"})


def case(model: ct.models.Model, sort: str, seed: int) -> PropagationResult | None:
    """A random result with what the sort names; `None` where the model does not compute that."""
    features = MIXED | ({"queues", "venues"} if model.settles else set())
    if sort == "price":
        net = reference_firesale.network(seed, 8, MIXED)
        shock = ct.Shock.price({"X": -0.3})
    elif sort == "guarantees":
        net = random_calls.network(seed)
        shock = random_calls.shock(net, seed)
    elif sort == "rates":
        net = with_rates(seed)
        shock = random_shock(net, seed, pinned=True)
    else:
        net = random_network(seed, 8, 2.0, features)
        shock = random_shock(net, seed, pinned=sort == "default")
    if sort == "shareholdings":
        owned = reference_ownership.random_shareholdings(net, seed)
        part = owned.groupby("company")["fraction"].transform("sum")
        net = net.with_shareholdings(owned[part < 1])
    try:
        result = model.propagate(net, shock, baseline="book" if seed % 2 else "cleared")
    except (ct.ModelError, ct.AmbiguousSolution):
        return None
    if sort in ("default", "price"):  # and the rounds of default, which most do not know unasked
        outcome = model.run(net, *result.hit, trace="rounds")
        return replace(result, outcome=outcome)
    return result


def with_rates(seed: int) -> ct.ExposureNetwork:
    nodes, exposures, options = random_tables(seed, 8, 2.0, {"parallel", "unfailing"})
    rate = np.random.default_rng(seed).random(len(exposures))
    return ct.ExposureNetwork(
        nodes, exposures.assign(lgd=np.where(rate < 0.5, rate, np.nan)), **options
    )


def changed(net: ct.ExposureNetwork, name: str, array: np.ndarray, at: int) -> np.ndarray:
    """One entry changed: a flag, a count, a rate by 0.01, money by 1 % of a balance sheet."""
    book, segments = net.book, net.segments
    sheet = book.stated_assets + book.claims + book.stated_liabilities + book.debts
    out = np.array(array).reshape(-1)
    if out.dtype.kind == "b":
        out[at] = ~out[at]
    elif out.dtype.kind in "iu":
        out[at] += 1
    else:
        money = {"unpaid": segments.owner}.get(name, np.arange(len(net)))
        if segments.calls is not None and name in ("called", "unmet"):
            money = segments.calls.guarantor
        rate = name in ("loss_rate", "claim_rates", "residual", "error", "recoveries", "prices")
        step = 0.01 * (1.0 if rate else sheet[money[at]])
        out[at] = np.nan_to_num(out[at]) + step
    return out.reshape(np.shape(array))


def tampered(result: PropagationResult, seed: int) -> dict[str, PropagationResult]:
    """Results with one number changed, one for every array of the outcome and of the hit."""
    rng, net, found = np.random.default_rng(seed), result.network, {}

    def one(name: str, array: Any) -> Any:
        return changed(net, name, array, int(rng.integers(np.size(array))))

    for name in FIELDS:
        value = getattr(result.outcome, name)
        if isinstance(value, dict):
            for key, money in value.items():
                other = replace(result.outcome, channels=value | {key: one(key, money)})
                found[f"{name}: {key}"] = replace(result, outcome=other)
        elif value is not None and np.size(value):
            found[name] = replace(
                result, outcome=replace(result.outcome, **{name: one(name, value)})
            )
    for name, side in result.hit._asdict().items():
        if side is not None:
            found[f"hit: {name}"] = replace(
                result, hit=result.hit._replace(**{name: one(name, side)})
            )
    return found


def coupled() -> PropagationResult:
    """Liquidations and clearing together: a long that cannot pay, and a bank that lent to it."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 50, 0], [0, 0, 0], [0, 0, 0]], ["h", "b", "v"], orientation="debtor->creditor",
        external_assets=[120, 10, 30],
    )  # fmt: skip
    book = ct.liquidation.MarginBook({"X": 100.0}, positions=[
        {"venue": "v", "holder": "h", "instrument": "X", "size": 10, "margin": 100},
        {"venue": "v", "holder": "b", "instrument": "X", "size": -2, "margin": 5},
    ])  # fmt: skip
    return ct.liquidation.CoupledCascade(book).propagate(net, ct.Shock.price({"X": -0.12}))


def test_one_changed_number_of_a_market_is_found():
    result = coupled()
    audit = result.audit()
    assert audit["ok"].all(), audit[~audit["ok"]].to_string()
    assert result.outcome.marked.any()
    others = {name: one for name, one in tampered(result, 0).items() if name[:3] != "hit"}
    assert not [name for name, one in others.items() if one.audit()["ok"].all()]


@pytest.mark.parametrize("seed", others_slow(range(8)))
@pytest.mark.parametrize("sort", SORTS)
@every_model
def test_one_changed_number_is_found(model, sort, seed):
    result = case(model, sort, seed)
    if result is None:
        return
    audit = result.audit()
    assert audit["ok"].all(), audit[~audit["ok"]].to_string()
    passed = [name for name, one in tampered(result, seed).items() if one.audit()["ok"].all()]
    assert not passed


def test_every_array_of_an_outcome_is_tampered_with():
    """A field that is added to `Outcome` has to be there in some model, or be bookkeeping."""
    seen = set(tampered(coupled(), 0))
    for model in VARIANTS.values():
        for result in (case(model, sort, 0) for sort in SORTS):
            seen |= set() if result is None else set(tampered(result, 0))
    assert {name.split(":")[0] for name in seen} == {*FIELDS, "hit"}
    assert {"hit: losses", "hit: recoveries", "hit: prices"} <= seen


@cache
def network(name: str) -> ct.ExposureNetwork:
    return ct.datasets.load(name)


@pytest.mark.parametrize("name", others_slow(ct.datasets.names(), 4))
@every_model
def test_true_results_on_the_datasets_pass(model, name):
    net = network(name)
    first = net.names[int(np.argmax(net.book.debts))]
    for shock, baseline in ((ct.Shock(), "book"), (ct.Shock.default(first, recovery=0), "cleared")):
        try:
            result = model.propagate(net, shock, baseline=baseline)
        except (ct.ModelError, ct.AmbiguousSolution):
            continue
        audit = result.audit()
        assert audit["ok"].all(), audit[~audit["ok"]].to_string()


# -- the solution that is promised --------------------------------------------------------------


def test_the_least_in_the_place_of_the_greatest_passes_one_round_and_fails_the_promise():
    """Two nodes that owe each other 10 and nothing else: they may pay 10, or nothing."""
    net = from_liabilities([[0, 10], [10, 0]], [0, 0])
    greatest = ct.models.CrossHoldings().propagate(net)
    least = ct.models.CrossHoldings(which="least").propagate(net)
    assert least.outcome.payments.tolist() == [0, 0] and least.audit()["ok"].all()
    wrong = replace(greatest, outcome=least.outcome)
    audit = wrong.audit().set_index("check")["ok"]
    failed = audit.index[~audit]
    assert "solved again: payments" in failed
    assert all(check.startswith("solved again: ") for check in failed)


def test_a_second_solution_with_default_costs_is_found(two_solutions):
    kind = ct.models.RogersVeraart
    one, other = (kind(0.5, 0.5, which=w).propagate(two_solutions) for w in ("greatest", "least"))
    assert one.audit()["ok"].all() and other.audit()["ok"].all()
    failed = replace(one, outcome=other.outcome).audit().set_index("check")["ok"]
    assert "solved again: defaulted" in failed.index[~failed]


# -- scale --------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [9e15, 1e-6])
@every_model
def test_no_false_alarm_whatever_the_amounts(model, unit):
    """Also where nodes owe outside far more than they have and than anybody owes in the graph."""
    net = from_liabilities(
        np.array([[0, 3, 0.1], [0, 0, 2], [0.7, 0, 0]]) * unit / 1e3,
        np.array([5, 1, 0.3]) * unit / 7e2,
        np.array([1, 0.2, 0]) * unit,
    )
    hit = {"a": 0.3 * float(net.book.external_assets[0])}
    for shock in (ct.Shock(), ct.Shock.loss(hit), ct.Shock.default("b", recovery=0.0)):
        audit = model.propagate(net, shock, baseline="book").audit()
        assert audit["ok"].all(), audit[~audit["ok"]].to_string()


@every_model
def test_a_small_node_is_held_to_its_own_size(model):
    """b has about 1, a about 1e15: 0.001 more or less at b is found."""
    net = from_liabilities(
        [[0, 0.7, 1e14], [0.2, 0, 0], [0, 0, 0]], [1e15, 0.5, 3e14], [8e14, 0.3, 0]
    )
    result = model.propagate(net, ct.Shock.loss({"b": 0.4}))
    assert result.audit()["ok"].all()
    for name in ("equity", "claims_lost", "payments", "external_paid", "deadweight"):
        money = getattr(result.outcome, name)
        if money is not None:
            wrong = replace(result.outcome, **{name: money + np.array([0, 1e-3, 0])})
            assert not replace(result, outcome=wrong).audit()["ok"].all(), name


# -- what the audit found -----------------------------------------------------------------------


def test_single_hit_debtrank_takes_what_a_node_that_cannot_fail_loses_from_its_equity():
    """b loses 4 of its own and 10 on a, which is pinned and has no claims to lose anything on."""
    nodes = pd.DataFrame(
        {"node": ["a", "b"], "external_assets": [12.0, 6.0], "can_fail": [True, False]}
    )
    owed = pd.DataFrame({"creditor": ["b"], "debtor": ["a"], "amount": [10.0]})
    net = ct.ExposureNetwork(nodes, owed)
    shock = ct.Shock.default("a", recovery=0.0) + ct.Shock.loss({"b": 4.0})
    for variant in ("single-hit", "linear"):
        outcome = ct.DebtRank(variant).propagate(net, shock).outcome
        assert outcome.equity.tolist() == [0.0, 2.0]
        assert outcome.claims_lost.tolist() == [0.0, 10.0]
