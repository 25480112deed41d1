"""Clearing judged by exact arithmetic, on families of systems on which it is hard to find.

`propagate`, `solve` of one scenario and `solve` of a batch are held against references that share
no code with the package, see `clearing_reference`.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import clearing_reference as exact
import numpy as np
import pytest
import reference
import reference_calls
from clearing_families import FAMILIES, Case, case
from clearing_reference import Answer, System
from conftest import from_liabilities, others_slow

import contagion as ct

ROOM = 1e-8  # of the balance sheet of the node; the certificate of the engine is 1e-10
FLAG = 1e-9  # funds this close to what is due: the flag is a matter of rounding
BLOCK, BLOCKS, FIRST = 40, 4, 8  # networks of a slow block, such blocks, networks by default


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


def calls_reference(one: Case, net: ct.ExposureNetwork, k: int) -> Answer:
    """Guarantees: rounds from nothing unpaid, node by node."""
    pins = np.full(len(net), np.nan) if one.pins is None else one.pins[k]
    done = reference_calls.clear(net, one.losses[k], pins)
    paid = np.bincount(one.debtor, done.paid, len(net))
    due = np.bincount(one.debtor, one.amount, len(net)) + one.external
    claims = np.bincount(one.creditor, one.amount, len(net))
    failed = ~np.isnan(pins) | (done.equity < 0)
    return Answer(paid, done.outside, done.equity, due, claims, failed)


# -- the judge ---------------------------------------------------------------------------------


def faults(outcome: ct.results.Outcome, want: Answer, assets: np.ndarray) -> list[str]:
    """What an outcome of one scenario has wrong, against what is right."""
    size = want.due + want.claims
    found = [] if bool(outcome.converged) else ["not converged"]
    for name, got, right, scale in (
        ("payments", outcome.payments, want.paid, size),
        ("external_paid", outcome.external_paid, want.outside, size),
        ("equity", outcome.equity, want.equity, size + assets),
    ):
        gap = np.abs(got - right) - ROOM * scale
        if not (gap <= 0).all():
            i = int(np.nanargmax(gap))
            found.append(f"{name} of node {i}: {got[i]!r}, right is {right[i]!r}")
    clear = (np.abs(want.equity) > FLAG * (size + assets)) & (size > 0)
    if (outcome.defaulted != want.failed)[clear].any():
        found.append(f"defaults: {outcome.defaulted.tolist()}, right is {want.failed.tolist()}")
    return found


def judged(family: str, seed: int) -> tuple[int, int, list[str]]:
    """(systems judged, systems left out, faults) of one case; one scenario is one system."""
    one = case(family, seed)
    net = one.network()
    batch = one.model.solve(net, one.losses, one.pins)
    right, left_out, found = 0, 0, []
    for k, losses in enumerate(one.losses):
        if one.guarantees is not None:
            want = calls_reference(one, net, k)
        else:
            system = one.system(k)
            want = exact.ring(system) if family == "rings" else exact.clear(system)
            if not decided(system, want):
                left_out += 1
                continue
        right += 1
        pins = None if one.pins is None else one.pins[k]
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
            wrong = faults(outcome, want, one.assets)
            found += [f"{family} seed {seed} scenario {k} {way}: {text}" for text in wrong]
    return right, left_out, found


def taken(batch: ct.results.Outcome, k: int) -> ct.results.Outcome:
    """Scenario k of a batch, as far as the judge looks at it."""
    names = ("payments", "external_paid", "equity", "defaulted", "converged")
    return replace(batch, **{name: getattr(batch, name)[k] for name in names})


@pytest.mark.parametrize("block", others_slow(range(BLOCKS + 1)))
@pytest.mark.parametrize("family", FAMILIES)
def test_clearing_is_exact(family, block):
    """520 systems by default, 10,000 more that are slow."""
    first, last = (0, FIRST) if block == 0 else (FIRST + (block - 1) * BLOCK, FIRST + block * BLOCK)
    right = left_out = 0
    found: list[str] = []
    for seed in range(first, last):
        count, out, wrong = judged(family, seed)
        right, left_out = right + count, left_out + out
        found += wrong
    assert not found, f"{len(found)} faults in {right} systems:\n" + "\n".join(found[:5])
    assert right > 4 * left_out, "a family that doubles cannot decide tests nothing"
