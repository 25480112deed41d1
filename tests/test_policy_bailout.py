"""The optimal bailout: by hand, against a search over all injections, and its shadow price."""

from __future__ import annotations

from itertools import combinations_with_replacement
from types import SimpleNamespace

import checks
import numpy as np
import pytest
from conftest import from_liabilities, others_slow, random_network

import contagion as ct
from contagion.errors import PolicyError
from contagion.experiments.policy import compare, optimal_bailout
from contagion.kernels.programs import dual_gap

FEATURES = (
    set(),
    {"insolvent", "pari_passu"},
    {"insolvent"},
    {"tiers", "pro_rata", "queues", "insolvent"},
    {"venues", "insolvent"},
    {"unknown", "unfailing", "external_tiers", "parallel", "insolvent"},
)


def case(seed: int, n: int = 4) -> tuple[ct.ExposureNetwork, ct.Shock, float]:
    """A network with every kind of rule in turn, a shock that hurts, and a budget."""
    rng = np.random.default_rng(seed)
    net = random_network(seed, n, 1.8, FEATURES[seed % len(FEATURES)])
    lost = np.nan_to_num(net.book.external_assets) * rng.beta(1, 1.2, n) * 0.9
    shock = ct.Shock.loss({node: float(x) for node, x in zip(net.names, lost, strict=True)})
    short = unpaid(net, lost, np.zeros((1, n))).sum()
    return net, shock, float(rng.uniform(0.1, 0.7) * short)


def unpaid(net, losses, given, pins=None):
    """(B, n) debts that are not paid with injections (B, n): losses that are so much less.

    The network gets the largest injection everywhere, so that losses stay above 0.
    """
    most = float(given.max(initial=0.0)) + 1.0
    known = ~np.isnan(net.book.external_assets)
    names = net.names[known]
    more = dict(zip(names, net.book.external_assets[known] + most, strict=True))
    rich = net.with_nodes(external_assets=more)
    pins = None if pins is None else np.broadcast_to(pins, given.shape)
    out = ct.EisenbergNoe(tolerance=1e-12).solve(rich, losses + (most - given) * known, pins)
    return net.segments.due - out.payments - out.external_paid


def every_injection(n: int, budget: float, steps: int) -> np.ndarray:
    """(B, n) all ways to give `steps` equal parts of the budget to n nodes or nobody."""
    rows = [
        np.bincount(who, minlength=n + 1)[:n]
        for who in combinations_with_replacement(range(n + 1), steps)
    ]
    return np.array(rows) * budget / steps


# -- by hand ---------------------------------------------------------------------------------


def test_a_chain_by_hand():
    """a owes b 10 and has 6; b owes c 8 and has 7. One unit at a repays 2, then 1, up to 4."""
    net = from_liabilities([[0, 10, 0], [0, 0, 8], [0, 0, 0]], [12, 1, 5])
    shock = ct.Shock.loss({"a": 6.0})
    for budget, avoided, spent, price in (
        (0.0, 0.0, 0.0, 2.0),
        (0.5, 1.0, 0.5, 2.0),
        (3.0, 4.0, 3.0, 1.0),
        (9.0, 5.0, 4.0, 0.0),
    ):
        found = optimal_bailout(net, shock, budget)
        assert found.verified and found.switches == 0
        assert found.avoided == pytest.approx(avoided, abs=1e-9)
        assert found.spent == pytest.approx(spent, abs=1e-9)
        assert found.shadow_price == pytest.approx(price, abs=1e-9)
    assert found.injections.to_dict() == pytest.approx({"a": 4.0})
    assert found.table["unpaid_before"].tolist() == pytest.approx([4.0, 1.0, 0.0])
    assert found.table["unpaid_after"].tolist() == pytest.approx([0.0, 0.0, 0.0])
    only = optimal_bailout(net, shock, 3.0, nodes=["b"])
    assert only.injections.to_dict() == pytest.approx({"b": 1.0})
    assert only.avoided == pytest.approx(1.0) and only.spent == pytest.approx(1.0)


def test_weights_by_hand():
    """b and c are 4 short each; a debt of c counts double."""
    net = from_liabilities([[0, 0, 0], [10, 0, 0], [10, 0, 0]], [0, 6, 6])
    even = optimal_bailout(net, ct.Shock(), 8.0)
    assert even.injections.to_dict() == pytest.approx({"b": 4.0, "c": 4.0})
    found = optimal_bailout(net, ct.Shock(), 3.0, weights={"c": 2.0})
    assert found.injections.to_dict() == pytest.approx({"c": 3.0})
    assert found.avoided == pytest.approx(6.0) and found.shadow_price == pytest.approx(2.0)
    assert "(weighted)" in repr(found)
    none = optimal_bailout(net, ct.Shock(), 3.0, weights={"b": 0.0, "c": 0.0})
    assert none.spent == 0 and none.avoided == 0


def test_senior_creditors_come_first():
    """a has 8, owes 10 outside before 5 to b; b has nothing and owes c 5.

    The first 2 at a repay its senior creditors one by one; only the third reaches b, and from
    there c. A programme without switches would pay b first.
    """
    net = from_liabilities([[0, 5, 0], [0, 0, 5], [0, 0, 0]], [8, 0, 1], [10, 0, 0])
    short = optimal_bailout(net, ct.Shock(), 1.0)
    assert short.avoided == pytest.approx(1.0) and short.verified
    found = optimal_bailout(net, ct.Shock(), 3.0)
    assert found.switches == 1 and found.verified
    assert found.injections.to_dict() == pytest.approx({"a": 3.0})
    assert found.avoided == pytest.approx(4.0)
    assert found.shadow_price == pytest.approx(2.0)
    assert "mixed-integer programme, 1 switch," in repr(found)


def test_pinned_nodes_get_nothing():
    net = from_liabilities([[0, 10, 0], [0, 0, 8], [0, 0, 0]], [12, 1, 5])
    found = optimal_bailout(net, ct.Shock.default("a", recovery=0.5), 5.0)
    assert found.injections.to_dict() == pytest.approx({"b": 2.0})
    assert found.table.loc["a", ["unpaid_before", "unpaid_after"]].tolist() == [5.0, 5.0]


def test_a_cycle_of_payments_counts_every_debt(ring):
    """Everybody loses all outside: 2 are owed outside first, and nothing comes back but what is
    put in. A unit that reaches the ring repays debts in it until it goes out."""
    shock = ct.Shock.relative(1.0)
    found = optimal_bailout(ring, shock, 3.0)
    given = found.table["injection"].to_numpy()[None]
    losses, _, _ = shock.arrays(ring)
    left = unpaid(ring, losses, given).sum()
    grid = unpaid(ring, losses, every_injection(3, 3.0, 12)).sum(axis=1)
    assert left <= grid.min() + 1e-7
    assert found.verified


# -- against a search ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", others_slow(range(36), keep=18))
def test_no_injection_repays_more(seed):
    net, shock, budget = case(seed)
    found = optimal_bailout(net, shock, budget)
    losses, _, _ = shock.arrays(net)
    room = 1e-6 * checks.scale(net)
    open_to = net.book.known & net.book.can_fail
    every = every_injection(len(net), budget, 8)
    every = every[(every[:, ~open_to] == 0).all(axis=1)]
    grid = unpaid(net, losses, every).sum(axis=1)
    mine = unpaid(net, losses, found.table["injection"].to_numpy()[None]).sum()
    assert found.verified
    assert mine <= grid.min() + room
    assert mine == pytest.approx(found.table["unpaid_after"].sum(), abs=room)
    assert found.spent <= budget * (1 + 1e-9)
    assert (found.table["injection"] >= 0).all()
    assert (found.table["injection"].to_numpy()[~open_to] == 0).all()


def test_both_kinds_of_programme_are_among_them():
    kinds = [optimal_bailout(*case(seed)).switches > 0 for seed in range(36)]
    assert 5 < sum(kinds) < 31


@pytest.mark.parametrize("seed", [0, 1, 6, 7, 2, 3])
def test_more_money_repays_more_and_less_for_each_unit(seed):
    net, shock, most = case(seed, 8)
    budgets = np.linspace(0.0, 2.5 * most, 6)
    found = [optimal_bailout(net, shock, float(b)) for b in budgets]
    avoided = np.array([each.avoided for each in found])
    room = 1e-6 * checks.scale(net)
    assert (np.diff(avoided) >= -room).all() and abs(avoided[0]) <= room
    if all(each.switches == 0 for each in found):
        assert (np.diff(avoided, 2) <= room).all()


@pytest.mark.parametrize("seed", [0, 1, 6, 7, 12, 13, 18, 19])
def test_the_shadow_price_is_what_one_more_unit_repays(seed):
    net, shock, budget = case(seed, 8)
    found = optimal_bailout(net, shock, budget)
    assert found.switches == 0 and found.gap < 1e-9
    step = 1e-4 * budget
    more = optimal_bailout(net, shock, budget + step)
    assert (more.avoided - found.avoided) / step == pytest.approx(found.shadow_price, abs=1e-3)
    after = found.intervention.apply(net) if found.spent > 0 else net
    threat = ct.measures.threat_index(after, shock).max()
    assert found.shadow_price >= threat - 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_enough_money_repays_everything(seed):
    net, shock, _ = case(6 * seed, 8)
    losses, _, _ = shock.arrays(net)
    need = unpaid(net, losses, np.zeros((1, 8))).sum()
    found = optimal_bailout(net, shock, 2.0 * need + 1.0)
    assert found.table["unpaid_after"].sum() == pytest.approx(0.0, abs=1e-6 * need)
    assert found.spent <= need * (1 + 1e-9)  # a unit repays one debt at least
    assert found.shadow_price == pytest.approx(0.0, abs=1e-9)
    richer = found.intervention.apply(net)
    lost, _, _ = shock.arrays(net)
    less = lost * (1 - 1e-3)
    assert not ct.EisenbergNoe().solve(richer, less[None]).defaulted.any()


def test_on_real_networks():
    """All of three venues but the guarantees, and the crypto-credit chain."""
    net = ct.datasets.load("three_venues").with_guarantees(None)
    shock = ct.Shock.loss({"desk": 80.0})
    found = optimal_bailout(net, shock, 15.0)
    assert found.verified and found.switches > 0
    alone = [optimal_bailout(net, shock, 15.0, nodes=[node]).avoided for node in net.names]
    assert found.avoided >= max(alone) - 1e-6
    done = compare(net, ct.EisenbergNoe(), shock, {"it": found.intervention}, of="shortfall")
    assert done.table.loc["it", "avoided"] == pytest.approx(found.avoided, rel=1e-6)
    assert done.table.loc["it", "cost"] == pytest.approx(15.0)
    assert max(map(len, repr(found).splitlines())) <= 79
    chain = ct.datasets.load("cefi_credit_2022")
    found = optimal_bailout(chain, ct.Shock.default("three_arrows"), 1e9)
    assert found.verified and found.avoided >= 1e9 * (1 - 1e-9)


def test_scale_of_money_does_not_matter():
    net, shock, budget = case(7, 8)
    big = ct.ExposureNetwork(
        net.balance_sheet[["external_assets", "external_liabilities"]].mul(1e9).reset_index(),
        net.exposures.assign(amount=net.amount * 1e9),
        external_creditors="pari_passu",
    )
    large = ct.Shock.loss({node: 1e9 * x for node, x in shock.losses})
    one, other = optimal_bailout(net, shock, budget), optimal_bailout(big, large, budget * 1e9)
    assert other.avoided == pytest.approx(1e9 * one.avoided, rel=1e-7)
    assert other.shadow_price == pytest.approx(one.shadow_price, rel=1e-7)


# -- errors ----------------------------------------------------------------------------------


def test_errors(ring):
    with pytest.raises(PolicyError, match="budget"):
        optimal_bailout(ring, ct.Shock(), -1.0)
    with pytest.raises(ct.UnknownNameError, match="Unknown node 'z'"):
        optimal_bailout(ring, ct.Shock(), 1.0, nodes=["z"])
    with pytest.raises(PolicyError, match="weight of 'a'"):
        optimal_bailout(ring, ct.Shock(), 1.0, weights={"a": -1.0})
    with pytest.raises(ct.UnknownNameError, match="Unknown node 'z'"):
        optimal_bailout(ring, ct.Shock(), 1.0, weights={"z": 1.0})
    with pytest.raises(ct.ModelError, match="guarantees"):
        optimal_bailout(ct.datasets.load("three_venues"), ct.Shock(), 1.0)


def test_a_programme_that_is_not_solved_would_be_noticed():
    side = SimpleNamespace(marginals=np.zeros(1))
    found = SimpleNamespace(
        fun=-1.0,
        ineqlin=SimpleNamespace(marginals=np.array([-0.5])),
        eqlin=None,
        lower=side,
        upper=side,
    )
    box = np.array([[0.0, np.inf]])
    assert dual_gap("bailout", found, box, np.array([2.0]), None) == 0.0
    with pytest.raises(ct.ConvergenceError, match="dual"):
        dual_gap("bailout", found, box, np.array([1.0]), None)
