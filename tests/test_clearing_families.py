"""Clearing judged by exact arithmetic, on families of systems on which it is hard to find.

`propagate`, `solve` of one scenario and `solve` of a batch are held against references that share
no code with the package, see `clearing_reference`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import clearing_guarantees
import clearing_programmes
import clearing_reference as exact
import numpy as np
import pytest
import reference
from clearing_case import Case
from clearing_families import FAMILIES, case, totals
from clearing_reference import Answer, System
from conftest import others_slow

import contagion as ct

ROOM = 1e-8  # of the balance sheet of the node; the certificate of the engine is 1e-10
ROUNDING = 1e-14  # of the reference and of sums, relative to the balance sheet
FLAG = 1e-9  # funds this close to what is due: the flag is a matter of rounding
SIZE = dict.fromkeys(FAMILIES, 9) | {"zero_assets": 25, "guarantees": 4}  # networks by default
BLOCKS, OTHERS = 4, 5  # slow blocks, each as many times as large


# -- which systems doubles can decide --------------------------------------------------------


def decided(system: System, answer: Answer) -> bool:
    """Does the answer stand when every balance sheet moves by some units in its last place?

    Not where a closed class lacks less than 1e-12 of its balance sheets but not nothing; where,
    with default costs, a node misses what is due by less than 1e-9; where an error of rounding
    grows a million times; or where, with amounts of very different size, a node that others
    would not notice decides about them.
    """
    if answer.shortage < 1e-12 or answer.margin < FLAG or answer.gain > 1e6:
        return False
    size = answer.due + answer.claims
    some = np.array([x for *_, x, _ in system.debts if x > 0])
    if not len(some) or some.max() < 1e8 * some.min():
        return True
    for sign in (-1, 1):
        moved = [
            Fraction(a) + sign * Fraction(1, 2**48) * Fraction(s)
            for a, s in zip(system.assets, size, strict=True)
        ]
        other = exact.clear(replace(system, assets=moved))
        if (np.abs(other.paid - answer.paid) > 1e-9 * size).any():
            return False
    return True


# -- the judge ---------------------------------------------------------------------------------


def faults(outcome: ct.results.Outcome, want: Answer, one: Case) -> list[str]:
    """What an outcome of one scenario has wrong, against what is right."""
    size = want.due + want.claims
    by = 0 if one.guarantees is None else size[[row["guarantor"] for row in one.guarantees]]
    found = [] if bool(outcome.converged) else ["not converged"]
    for name, got, right, scale in (
        ("payments", outcome.payments, want.paid, size),
        ("external_paid", outcome.external_paid, want.outside, size),
        ("equity", outcome.equity, want.equity, size + one.assets),
        ("called", outcome.called, want.called, by),
        ("unmet", outcome.unmet, want.unmet, by),
    ):
        if right is None:
            continue
        gap = np.abs(got - right) - ROOM * scale
        if not (gap <= 0).all():
            i = int(np.argmax(np.where(np.isnan(gap), np.inf, gap)))
            found.append(f"{name}[{i}]: {got[i]!r}, right is {right[i]!r}")
    if outcome.error is not None and not np.isnan(outcome.error):
        apart = np.abs(outcome.payments - want.paid) - (outcome.error + ROUNDING) * size
        if not (apart <= 0).all():
            found.append(f"error {float(outcome.error)}: payments are {apart.max()} further off")
    clear = (np.abs(want.equity) > FLAG * (size + one.assets)) & (size > 0)
    for i in np.flatnonzero((outcome.defaulted != want.failed) & clear)[:1]:
        found.append(f"defaulted[{i}]: {outcome.defaulted[i]}, right is {want.failed[i]}")
    return found


def judged(one: Case, rows: Iterable[int] | None = None) -> tuple[int, int, list[str]]:
    """(systems judged, systems left out, faults) of a case; one scenario is one system."""
    net = one.network()
    batch = one.model.solve(net, one.losses, one.pins)
    right, left_out, found, seen = 0, 0, [], set()
    for k in range(len(one.losses)) if rows is None else rows:
        losses, pins = one.losses[k], None if one.pins is None else one.pins[k]
        same = (losses.tobytes(), b"" if pins is None else pins.tobytes())
        if same in seen:
            continue
        seen.add(same)
        want = answer(one, k)
        if want is None:
            left_out += 1
            continue
        right += 1
        shock = ct.Shock.loss({net.names[i]: losses[i] for i in np.flatnonzero(losses)})
        for i in [] if pins is None else np.flatnonzero(~np.isnan(pins)):
            shock = shock + ct.Shock.default(net.names[i], recovery=pins[i])
        try:
            first = one.model.propagate(net, shock).outcome
        except ct.ConvergenceError as error:
            first = error.partial.outcome
        ways = {
            "propagate": first,
            "solve": one.model.solve(net, losses, pins),
            "batch": taken(batch, k),
        }
        for way, outcome in ways.items():
            found += [f"scenario {k}, {way}: {text}" for text in faults(outcome, want, one)]
    return right, left_out, found


def answer(one: Case, k: int) -> Answer | None:
    """What is right in scenario k; `None` where doubles cannot tell."""
    if one.guarantees is not None:
        exactly, by_rounds = clearing_guarantees.exactly, clearing_guarantees.by_rounds
        return (exactly if clearing_guarantees.simple(one) else by_rounds)(one, k)
    system = one.system(k)
    want = exact.ring(system) if one.is_ring else exact.clear(system)
    return want if decided(system, want) else None


def taken(batch: ct.results.Outcome, k: int) -> ct.results.Outcome:
    """Scenario k of a batch, as far as the judge looks at it."""
    names = ["payments", "external_paid", "equity", "defaulted", "converged", "error"]
    names += ["called", "unmet"]
    found = {name: getattr(batch, name) for name in names}
    return replace(batch, **{name: x[k] for name, x in found.items() if x is not None})


def verdict(cases: Iterable[tuple[str, Case]], rows: Iterable[int] | None = None) -> int:
    """Judge some cases; how many systems there were."""
    right, left_out, found = 0, 0, []
    for name, one in cases:
        count, out, wrong = judged(one, rows)
        right, left_out = right + count, left_out + out
        found += [f"{name}, {text}" for text in wrong]
    assert not found, f"{len(found)} faults in {right} systems:\n" + "\n".join(found[:5])
    assert right > 4 * left_out, "systems that doubles cannot decide test nothing"
    return right


def seeds(family: str, block: int) -> range:
    """Block 0 is run by default."""
    size = SIZE[family]
    if block == 0:
        return range(size)
    return range(size * (1 + OTHERS * (block - 1)), size * (1 + OTHERS * block))


@pytest.mark.parametrize("block", others_slow(range(BLOCKS + 1)))
@pytest.mark.parametrize("family", FAMILIES)
def test_clearing_is_exact(family, block):
    """More than 500 systems by default, and more than 10,000 in all."""
    mine = seeds(family, block)
    assert verdict((f"{family} {seed}", case(family, seed)) for seed in mine) >= len(mine)


@pytest.mark.parametrize("family", others_slow(FAMILIES, keep=2))
def test_a_scenario_is_exact_in_a_crowd(family):
    """Some of a hundred scenarios on one network, those of like severity side by side."""
    rng, cases = np.random.default_rng(7), []
    for seed in range(1000, 1004):
        one = case(family, seed)
        more = rng.integers(0, len(one.losses), 95)
        part = rng.integers(0, 5, (95, 1)) / 4
        one.losses = np.vstack([one.losses, one.losses[more] * part])
        if one.pins is not None:
            one.pins = np.vstack([one.pins, one.pins[more]])
        cases.append((f"{family} {seed}", one))
    assert verdict(cases, rows=range(0, 95, 11)) > 0


def test_the_judge_refuses_what_is_wrong():
    """A payment, an equity or a default flag that is a little off, and rounds that did not end."""
    one = case("outsiders", 1)
    net = one.network()
    want, good = exact.clear(one.system(0)), one.model.solve(net, one.losses[0])
    assert want.failed.any() and not want.failed.all() and not faults(good, want, one)
    for name in ("payments", "external_paid", "equity"):
        for i in range(len(net)):
            off = np.zeros(len(net))
            off[i] = 3e-8 * (want.due + want.claims + one.assets)[i]
            for wrong in (getattr(good, name) + off, getattr(good, name) - off):
                assert faults(replace(good, **{name: wrong}), want, one), (name, i)
    assert faults(replace(good, defaulted=~good.defaulted), want, one)
    assert faults(replace(good, converged=np.False_), want, one)


# -- the references against each other ---------------------------------------------------------


def differ(one: np.ndarray, two: np.ndarray, size: np.ndarray, room: float) -> bool:
    return bool((np.abs(one - two) > room * size + 1e-300).any())


@pytest.mark.parametrize("family", ["outsiders", "integer_ties", "reducible", "zero_assets"])
def test_the_exact_reference_is_a_programme(family):
    """HiGHS works to 1e-7 of its rows, so only where shortages and leaks are far above that."""
    mixed = 0
    for seed in range(12):
        one = case(family, 500 + seed)
        one.tier = None
        for k in range(len(one.losses)):
            system = one.system(k)
            want, size = exact.clear(system), np.ones(1) * sum(x for _, _, x, _ in system.debts)
            got = clearing_programmes.beyond_senior(system, want)
            assert not differ(clearing_programmes.programme(system), got, size, 1e-6), (seed, k)
            mixed += bool(
                (one.assets - one.losses[k] < one.external * (one.external_tier == 0)).any()
            )
    assert mixed > 10 or family == "zero_assets"


@pytest.mark.parametrize("least", [False, True])
def test_the_exact_reference_is_the_closed_form_on_rings(least):
    count = 0
    for seed in range(40):
        one = case("rings", 500 + seed)
        if len(one.assets) > 40:
            continue
        for k in range(0, len(one.losses), 2):
            system = replace(one.system(k), least=least)
            some, other = exact.clear(system), exact.ring(system)
            for name in ("paid", "outside", "equity", "due", "claims"):
                assert not differ(getattr(some, name), getattr(other, name), some.due, 1e-14)
            assert (some.failed == other.failed).all()
            count += 1
    assert count > 30


@pytest.mark.parametrize("costs", [(1.0, 1.0), (0.5, 0.875), (0.25, 1.0)])
@pytest.mark.parametrize("family", ["several_segments", "outsiders", "pinned"])
def test_the_exact_reference_is_where_plain_rounds_end(family, costs):
    """Rounds node by node, the greatest and the least, where they shrink soon."""
    count = 0
    for seed in range(5):
        one = case(family, 500 + seed)
        net = one.network()
        for both in range(2 * len(one.losses)):
            k, least = divmod(both, 2)
            given = {"alpha": costs[0], "beta": costs[1], "least": bool(least)}
            system = replace(one.system(k), **given)
            want = exact.clear(system)
            if not decided(system, want) or want.shortage < np.inf or want.gain > 100:
                continue
            pins = None if one.pins is None else one.pins[k]
            paid, equity = reference.clearing(net, one.losses[k], pins, **given)
            size = want.due + want.claims + one.assets
            assert not differ(totals(len(net), one.debtor, paid), want.paid, size, 1e-9), (seed, k)
            assert not differ(equity, want.equity, size, 1e-9), (seed, k)
            count += 1
    assert count > 20


def test_rounds_with_guarantees_end_where_frozen_calls_clear():
    """With calls as they are, a call is a debt like any other: exact arithmetic has to agree.

    Senior calls are paid first of all, junior calls last, the others with the tier of claims.
    """
    order = {"senior": -2.0, "pari_passu": 1.0, "junior": 9.0}
    met = unmet = 0
    for seed in range(6):
        one = case("guarantees", 500 + seed)
        n = len(one.assets)
        for k in range(len(one.losses)):
            want = clearing_guarantees.by_rounds(one, k)
            system = one.system(k)
            for row, money in zip(one.guarantees, want.called, strict=True):
                to = row["debtor"] if row["creditor"] is None else row["creditor"]
                system.debts.append((row["guarantor"], to, float(money), order[row["ranking"]]))
            frozen = exact.clear(system)
            by = np.array([row["guarantor"] for row in one.guarantees])
            paid = want.paid + totals(n, by, want.called - want.unmet)
            size = want.due + want.claims + one.assets
            assert not differ(frozen.paid, paid, size, 1e-10), (seed, k)
            assert not differ(frozen.outside, want.outside, size, 1e-10), (seed, k)
            free = ~frozen.failed
            assert not differ(frozen.equity[free], want.equity[free], size[free], 1e-10), (seed, k)
            met += want.called.sum() > 0
            unmet += want.unmet.sum() > 0
    assert met > 15 and unmet > 10, "guarantors should be called, and should fail"


def test_exact_calls_are_where_rounds_with_guarantees_end():
    """Two ways to the same answer, which share no line; rounds may take too many and give up."""
    same = unmet = 0
    for seed in range(5):
        one = case("guaranteed_circles", 500 + seed)
        for k in range(0, len(one.losses), 2):
            want = clearing_guarantees.exactly(one, k)
            try:
                other = clearing_guarantees.by_rounds(one, k, most=1000)
            except AssertionError:
                continue
            if want is None:
                continue
            size = np.full(len(one.assets), (want.due + want.claims + one.assets).max())
            for name in ("paid", "outside", "equity"):
                assert not differ(getattr(want, name), getattr(other, name), size, 1e-9), seed
            for name in ("called", "unmet"):
                assert not differ(getattr(want, name), getattr(other, name), size[:1], 1e-9), seed
            same += 1
            unmet += want.unmet.sum() > 0
    assert same > 8 and unmet > 4
