"""Clearing and DebtRank where debts go round in a circle: cases with an answer by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clearing_reference import System, clear
from conftest import from_liabilities

import contagion as ct

ROOM = 1e-8  # of the balance sheet of the node; the certificate of the engine is 1e-10


def three_ways(model: ct.models.Model, net: ct.ExposureNetwork, losses=None) -> list[np.ndarray]:
    """Payments by `propagate`, `solve` of one scenario, and of a batch."""
    losses = np.zeros(len(net)) if losses is None else losses
    shock = ct.Shock.loss({net.names[i]: losses[i] for i in np.flatnonzero(losses)})
    one, batch = model.solve(net, losses), model.solve(net, np.stack([losses / 2, losses, losses]))
    assert one.converged and batch.converged.all()
    return [model.propagate(net, shock).outcome.payments, one.payments, *batch.payments[1:]]


def test_a_circle_without_assets_pays_what_circulates():
    """a and b receive the same, `3c/8 + d/4`, and b owes 1 of it: more does not come back from b.

    With b = a = 1, `c = 3a/5 + b + d/2` and `d = 2a/5 + c/4` give c = 72/35 and d = 32/35.
    """
    owed = [[0, 0, 3, 2], [0, 0, 1, 0], [3, 3, 0, 2], [2, 2, 4, 0]]
    right = np.array([1, 1, 72 / 35, 32 / 35])
    debts = [(i, j, float(owed[i][j]), 1.0) for i in range(4) for j in range(4)]
    np.testing.assert_allclose(clear(System([0.0] * 4, debts)).paid, right, rtol=1e-15)
    for paid in three_ways(ct.EisenbergNoe(), from_liabilities(owed, [0] * 4)):
        np.testing.assert_allclose(paid, right, rtol=0, atol=1e-9)


def test_the_least_a_circle_without_assets_pays_is_nothing():
    owed = [[0, 0, 3, 2], [0, 0, 1, 0], [3, 3, 0, 2], [2, 2, 4, 0]]
    model = ct.models.RogersVeraart(1.0, 1.0, which="least")
    for paid in three_ways(model, from_liabilities(owed, [0] * 4)):
        np.testing.assert_allclose(paid, 0, atol=1e-9)


def test_two_banks_that_lack_a_little_towards_senior_creditors_pay_nothing():
    """Each round they lose .011 together, until nothing of the 100 is left."""
    net = from_liabilities([[0, 100], [100, 0]], [1, 1], [1.01, 1.001])
    for paid in three_ways(ct.EisenbergNoe(), net):
        np.testing.assert_allclose(paid, 0, atol=1e-8)
    result = ct.EisenbergNoe().propagate(net)
    np.testing.assert_allclose(result.outcome.external_paid, [1, 1], atol=1e-8)
    assert result.outcome.defaulted.all()


@pytest.mark.parametrize("missing", [0.0, 1e-13, 4e-11, -4e-11])
def test_what_doubles_cannot_tell_is_paid_in_full(missing):
    """A circle that lacks less than 2e-13 of its balance sheets: the greatest vector is taken."""
    net = from_liabilities([[0, 100], [100, 0]], [1, 1], [1, 1 + missing])
    for paid in three_ways(ct.EisenbergNoe(), net):
        np.testing.assert_allclose(paid, 100, rtol=1e-9)


def ring_network(n: int, amount: float, **nodes: np.ndarray) -> ct.ExposureNetwork:
    """Node i owes node i + 1 the amount, the last owes the first."""
    names = np.arange(n).astype(str)
    owed = pd.DataFrame({"debtor": names, "creditor": np.roll(names, -1), "amount": amount})
    return ct.ExposureNetwork(pd.DataFrame({"node": names, **nodes}), owed)


LENGTHS = [3, 30, 300, 3_000, pytest.param(100_000, marks=pytest.mark.slow)]


@pytest.mark.parametrize("missing", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("where", ["one", "all"])
def test_a_ring_with_a_shortage_pays_nothing_on(n, missing, where):
    """One node lacks a part of what is owed towards senior creditors, or every node does.

    What the one lacks goes round until nobody pays anything: in plain rounds n / missing of them.
    """
    lacking = np.zeros(n)
    lacking[0 if where == "one" else slice(None)] = 100 * missing
    net = ring_network(n, 100.0, external_assets=1.0, external_liabilities=1.0 + lacking)
    for paid in three_ways(ct.EisenbergNoe(), net):
        np.testing.assert_allclose(paid, 0, atol=100 * ROOM)


@pytest.mark.parametrize("n", LENGTHS)
def test_a_ring_that_breaks_even_pays_in_full_but_for_what_comes_too_late(n):
    """The last node has in excess what the first lacks: the lack stops there."""
    assets, liabilities = np.ones(n), np.ones(n)
    liabilities[0] += 0.25
    assets[-1] += 0.25
    net = ring_network(n, 100.0, external_assets=assets, external_liabilities=liabilities)
    right = np.append(np.full(n - 1, 99.75), 100.0)
    for paid in three_ways(ct.EisenbergNoe(), net):
        np.testing.assert_allclose(paid, right, rtol=0, atol=100 * ROOM)


@pytest.mark.parametrize("leverage", [0.999, 0.99999])
@pytest.mark.parametrize("n", [3, 30, 300])
def test_debtrank_on_a_ring_is_its_geometric_series(n, leverage):
    """h₀ = shock / (1 − λⁿ) and λ of it at each creditor in turn; nothing reaches 1."""
    shock, equity = 1e-8, 100.0
    net = ring_network(n, leverage * equity, external_assets=equity)
    right = shock / -np.expm1(n * np.log(leverage)) * leverage ** np.arange(n)
    assert right.max() < 1
    losses = np.zeros(n)
    losses[0] = shock * equity
    model = ct.DebtRank()
    one, batch = model.solve(net, losses), model.solve(net, np.stack([losses / 2, losses]))
    result = model.propagate(net, ct.Shock.loss({net.names[0]: losses[0]})).outcome
    for after in (result.equity, one.equity, batch.equity[1]):
        np.testing.assert_allclose(1 - after / equity, right, rtol=0, atol=1e-9)
