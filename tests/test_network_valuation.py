"""Network valuation: other models, limits, a plain reference, both solutions, parameters."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import checks
import numpy as np
import pandas as pd
import pytest
import reference_valuation as reference
from conftest import (
    FEATURES,
    VENUES_TOO,
    from_liabilities,
    others_slow,
    random_network,
    random_shock,
)
from reference_valuation import every_function, same, scene, some

import contagion as ct
from contagion.models import valuations as v
from contagion.models.valuation_base import Valuation

# -- the other models of the package ----------------------------------------------------------


@pytest.mark.parametrize("which", ["greatest", "least"])
@pytest.mark.parametrize("seed", others_slow(range(40), keep=10))
def test_eisenberg_noe(seed, which):
    """With tiers, queues, waterfalls, pari passu, pins: equities are unique (theorem 1)."""
    net, losses, pins = scene(seed, some(VENUES_TOO, seed))
    want = ct.EisenbergNoe().solve(net, losses, pins)
    got = ct.models.NetworkValuation(which=which).solve(net, losses, pins)
    same(got.equity, want.equity, net)
    same(got.claims_lost, want.claims_lost, net)
    if which == "greatest":
        same(got.unpaid, want.unpaid, net)


@pytest.mark.parametrize("which", ["greatest", "least"])
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("seed", others_slow(range(30), keep=10))
def test_rogers_veraart(seed, strict, which):
    net, losses, pins = scene(seed, some(VENUES_TOO, seed))
    alpha, beta = [(0.5, 0.9), (0.8, 0.6), (0.0, 0.0)][seed % 3]
    model = ct.models.RogersVeraart(alpha, beta, which=which, strict=strict)
    want = model.run(net, losses, pins, trace="rounds")
    function = v.RogersVeraart(alpha, beta, strict=strict)
    got = ct.models.NetworkValuation(function, which=which).run(net, losses, pins, trace="rounds")
    same(got.equity, want.equity, net)
    np.testing.assert_array_equal(got.defaulted, want.defaulted)
    np.testing.assert_array_equal(got.default_round, want.default_round)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_furfine(seed, strict):
    net, losses, pins = scene(seed, some(FEATURES, seed))
    want = ct.models.Furfine(0.6, strict=strict).run(net, losses, pins, trace="path")
    model = ct.models.NetworkValuation(v.Furfine(0.4, strict=strict))
    got = model.run(net, losses, pins, trace="path")
    same(got.equity, want.equity, net)
    same(got.loss_rate, want.loss_rate, net)
    np.testing.assert_array_equal(got.default_round, want.default_round)
    assert len(got.history) == len(want.history) or not want.defaulted.any()


@pytest.mark.parametrize("seed", range(30))
def test_linear_debtrank(seed):
    net, losses, pins = scene(seed, some(FEATURES, seed) - {"insolvent"})
    want = ct.DebtRank().solve(net, losses, pins)
    for function in (v.LinearDebtRank(), v.ExponentialDebtRank(0.0)):
        got = ct.models.NetworkValuation(function).solve(net, losses, pins)
        same(got.equity, want.equity, net)
        same(got.loss_rate, want.loss_rate, net)
        np.testing.assert_array_equal(got.defaulted, want.defaulted)


def test_a_debtor_without_equity_is_worth_nothing_unlike_in_debtrank():
    """The one difference, on purpose: a value follows equity, wherever it came from."""
    net = from_liabilities([[0, 10], [0, 0]], [5, 20])
    assert ct.DebtRank().propagate(net).table.loc["b", "claims_lost"] == 0
    result = ct.models.NetworkValuation(v.LinearDebtRank()).propagate(net)
    assert result.table.loc["b", "claims_lost"] == 10
    cleared = ct.models.NetworkValuation(v.LinearDebtRank()).propagate(net, baseline="cleared")
    assert cleared.table["loss"].sum() == 0


# -- limits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_merton_without_volatility_is_eisenberg_noe(seed):
    """At 0 exactly; and towards it the gap closes at least as fast as the volatility."""
    net, losses, pins = scene(seed, some(VENUES_TOO, seed))
    want = ct.EisenbergNoe().solve(net, losses, pins).equity
    same(ct.models.NetworkValuation(v.Merton(0.0)).solve(net, losses, pins).equity, want, net)
    same(ct.models.NetworkValuation(v.Merton(0.3, 0.0)).solve(net, losses, pins).equity, want, net)
    gaps = []
    for volatility in (1e-2, 1e-4, 1e-6):
        got = ct.models.NetworkValuation(v.Merton(volatility)).solve(net, losses, pins).equity
        gaps.append(np.nanmax(np.abs(got - want)) / checks.scale(net))
    assert gaps[2] <= 1e-6 * 10
    assert gaps[2] <= gaps[1] <= gaps[0] + 1e-12


def test_merton_without_volatility_and_with_costs_is_rogers_veraart():
    """On the value of everything a node in default has: alpha = beta = recovery."""
    for seed in range(10):
        net, losses, _ = scene(seed, frozenset({"tiers", "insolvent", "pari_passu"}))
        want = ct.models.RogersVeraart(0.0, 0.0, which="greatest").solve(net, losses)
        got = ct.models.NetworkValuation(v.Merton(0.0, recovery=0.0)).solve(net, losses)
        same(got.equity, want.equity, net)


def test_black_cox_without_volatility_is_the_cascade():
    for seed in range(10):
        net, losses, _ = scene(seed, frozenset({"insolvent"}))
        want = ct.models.Furfine(0.6, strict=False).solve(net, losses).equity
        got = ct.models.NetworkValuation(v.BlackCox(0.0, recovery=0.4)).solve(net, losses).equity
        same(got, want, net)


@pytest.mark.parametrize("seed", range(10))
def test_exponential_debtrank_between_linear_and_the_cascade(seed):
    net, losses, _ = scene(seed)
    steps = [0.0, 1e-9, 0.5, 2.0, 10.0, 1e5]
    models = [ct.models.NetworkValuation(v.ExponentialDebtRank(alpha)) for alpha in steps]
    equity = [model.solve(net, losses).equity for model in models]
    same(equity[0], ct.DebtRank().solve(net, losses).equity, net)
    same(equity[1], equity[0], net, 1e-7)
    for less, more in itertools.pairwise(equity):
        assert (more >= less - 1e-9 * checks.scale(net)).all(), "α damps"
    same(equity[-1], ct.models.Furfine(1.0, strict=False).solve(net, losses).equity, net)


def test_merton_is_dearer_the_longer_and_the_more_volatile():
    net, losses, _ = scene(7, frozenset({"pari_passu"}))
    value = [
        ct.models.NetworkValuation(v.Merton(s, t)).solve(net, losses).equity.sum()
        for s, t in [(0.05, 1.0), (0.1, 1.0), (0.1, 4.0), (0.4, 1.0)]
    ]
    assert value[0] > value[1] > value[2] > value[3]
    twice = ct.models.NetworkValuation(v.Merton(0.2, 1.0)).solve(net, losses).equity
    same(
        ct.models.NetworkValuation(v.Merton(0.1, 4.0)).solve(net, losses).equity, twice, net, 1e-12
    )


# -- the plain reference ----------------------------------------------------------------------

PLAIN = {
    "eisenberg-noe": (v.EisenbergNoe(), reference.eisenberg_noe),
    "furfine": (v.Furfine(0.3), reference.furfine(0.3)),
    "rogers-veraart": (v.RogersVeraart(0.6, 0.9), reference.rogers_veraart(0.6, 0.9)),
    "linear": (v.LinearDebtRank(0.2), reference.debtrank(0.2)),
    "exponential": (v.ExponentialDebtRank(1.5, 0.1), reference.debtrank(0.1, 1.5)),
}
INTEGRALS = {
    "merton": (v.Merton(0.2, 2.0), reference.merton(0.2, 2.0)),
    "merton, costs": (v.Merton(0.3, 1.0, 0.7), reference.merton(0.3, 1.0, 0.7)),
    "black-cox": (v.BlackCox(0.15, 2.0, 0.4), reference.black_cox(0.15, 2.0, 0.4)),
}


@pytest.mark.parametrize("least", [False, True])
@pytest.mark.parametrize(("function", "plain"), PLAIN.values(), ids=PLAIN)
def test_the_plain_reference(function, plain, least):
    if function.jumps and least:
        pytest.skip("plain rounds from below need V without jumps: see test_rogers_veraart")
    differ = 0
    for seed in range(15):
        features = frozenset({"pari_passu"} | ({"insolvent"} if seed % 2 else set()))
        net, losses, _ = scene(seed, features)
        want = reference.equities(net, losses, plain, least=least)
        model = ct.models.NetworkValuation(function, which="least" if least else "greatest")
        outcome = model.solve(net, losses)
        assert outcome.converged
        same(outcome.equity, want, net)
        other = ct.models.NetworkValuation(function).solve(net, losses).equity
        differ += bool(np.abs(other - want).max() > 1e-6 * checks.scale(net))
    if least and function in (v.LinearDebtRank(0.2), v.ExponentialDebtRank(1.5, 0.1)):
        assert differ > 0, "the least solution should be another one now and then"


@pytest.mark.parametrize(("function", "plain"), INTEGRALS.values(), ids=INTEGRALS)
def test_the_closed_forms_are_their_integrals(function, plain):
    equity = np.linspace(-80, 60, 29)
    curve = function.value(equity, debts=50, external_assets=70, book_equity=30)
    want = [plain(e, 50.0, 70.0, 30.0) for e in equity]
    np.testing.assert_allclose(curve, want, rtol=0, atol=1e-9)
    net, losses, _ = scene(3, frozenset({"pari_passu", "insolvent"}), n=4)
    outcome = ct.models.NetworkValuation(function).solve(net, losses)
    same(outcome.equity, reference.equities(net, losses, plain, tolerance=1e-11), net)


def test_a_claim_in_a_rank_order_is_a_spread_of_options():
    """Merton on tiers: what the tiers get adds up to what one tier of both would get."""
    tiers = pd.DataFrame(
        {"creditor": ["b", "c"], "debtor": ["a", "a"], "amount": [30.0, 50.0], "tier": [1, 2]}
    )
    nodes = pd.DataFrame(
        {"node": ["a", "b", "c"], "external_assets": [100.0, 50, 50], "external_liabilities": 10.0}
    )
    model = ct.models.NetworkValuation(v.Merton(0.3))
    ranked = model.propagate(ct.ExposureNetwork(nodes, tiers)).flows["loss"]
    alike = model.propagate(ct.ExposureNetwork(nodes, tiers.drop(columns="tier"))).flows["loss"]
    assert ranked.sum() == pytest.approx(alike.sum(), rel=1e-12)
    assert ranked[0] < alike[0] and ranked[1] > alike[1]


# -- two solutions ----------------------------------------------------------------------------


def test_the_greatest_and_the_least_solution(two_solutions):
    """Two nodes owe each other 10, 1 outside, 0.5 owed: by hand.

    Greatest: both worth face, equity 0.5. Least under DebtRank: both worth 0, equity −9.5.
    """
    for which, equity in (("greatest", 0.5), ("least", -9.5)):
        model = ct.models.NetworkValuation(v.LinearDebtRank(), which=which)
        result = model.propagate(two_solutions)
        assert result.table["equity_after"].tolist() == [equity, equity]
        assert result.table["defaulted"].tolist() == [which == "least"] * 2
        assert result.table["default_round"].tolist() == [1 if which == "least" else -1] * 2
    with pytest.raises(ct.AmbiguousSolution, match=r"equity of 2 nodes .* which="):
        ct.models.NetworkValuation(v.LinearDebtRank(), which=None).solve(two_solutions, np.zeros(2))
    alone = ct.models.NetworkValuation(which=None).solve(two_solutions, np.zeros(2))
    np.testing.assert_allclose(alone.equity, 0.5)


@every_function
def test_every_solution_lies_between_the_least_and_the_greatest(function):
    """And both are solutions: one more round changes nothing."""
    for seed in range(8):
        net, losses, pins = scene(seed, some(VENUES_TOO, seed))
        high, low = (
            ct.models.NetworkValuation(function, which=which).solve(net, losses, pins)
            for which in ("greatest", "least")
        )
        room = 1e-9 * checks.scale(net)
        assert not (low.equity > high.equity + room).any()
        assert (low.defaulted >= high.defaulted).all()
        assert high.residual <= 1e-12 and low.residual <= 1e-12


# -- parameters -------------------------------------------------------------------------------


def test_parameters_by_node_by_column_and_in_words():
    net = from_liabilities([[0, 4, 0], [0, 0, 4], [0, 0, 0]], [4, 4, 9], [2, 2, 2])
    net = ct.ExposureNetwork(net.nodes.assign(rate=[0.25, 0.5, 0.0]), net.exposures)
    losses = np.array([3.0, 3.0, 0.0])  # a falls to −1 and b to 1 less what it loses on a
    forms = [
        v.Furfine([0.25, 0.5, 0.0]),
        v.Furfine(np.array([0.25, 0.5, 0.0])),
        v.Furfine("rate"),
        v.from_words("furfine:recovery=rate"),
        v.Furfine(net.nodes.set_index("node")["rate"]),
        v.Furfine(dict(zip(net.names, [0.25, 0.5, 0.0], strict=True))),
    ]
    for function in forms:
        lost = ct.models.NetworkValuation(function).solve(net, losses).claims_lost
        np.testing.assert_allclose(lost, [0.0, 3.0, 2.0])
        assert eval(repr(function), vars(ct.models)) == function
    assert forms[0] == forms[1] and hash(forms[0]) == hash(forms[1])
    assert ct.models.NetworkValuation("furfine:recovery=rate").valuation == v.Furfine("rate")
    assert v.from_words("rogers-veraart:strict=false,alpha=0.5") == v.RogersVeraart(
        0.5, strict=False
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: v.Merton(-0.1), "Merton: volatility is -0.1: it is >= 0 and finite"),
        (lambda: v.Merton(float("nan")), "volatility is nan"),
        (lambda: v.Furfine(1.5), "recovery is 1.5: it lies between 0 and 1"),
        (lambda: v.ExponentialDebtRank(float("inf")), "alpha is inf: it is >= 0 and finite"),
        (lambda: v.BlackCox([[0.1]]), "one number per node"),
        (lambda: v.from_words("mertn"), "Did you mean 'merton'"),
        (lambda: v.from_words("merton"), "merton needs volatility: write merton:volatility="),
        (lambda: v.from_words("merton:vol=1"), "parameter of merton"),
        (lambda: ct.models.NetworkValuation("nothing"), "valuation"),
        (lambda: ct.models.NetworkValuation(which="both"), "which='both'"),  # type: ignore[arg-type]
    ],
)
def test_wrong_parameters_are_refused(make, message):
    with pytest.raises((ValueError, KeyError, TypeError), match=message):
        make()


def test_parameters_that_do_not_fit_the_network_are_refused(chain):
    zero = np.zeros(4)
    with pytest.raises(ValueError, match="Furfine: recovery has 3 values for 4 nodes"):
        ct.models.NetworkValuation(v.Furfine([0.1, 0.2, 0.3])).solve(chain, zero)
    with pytest.raises(ct.UnknownNameError, match="column of numbers 'rates'"):
        ct.models.NetworkValuation(v.Furfine("rates")).solve(chain, zero)
    with pytest.raises(ValueError, match=r"volatility has no value for 'b'.*with_nodes\(sigma="):
        nodes = chain.nodes.assign(sigma=[0.1, np.nan, 0.2, 0.1])
        net = ct.ExposureNetwork(nodes, chain.exposures)
        ct.models.NetworkValuation(v.Merton("sigma")).solve(net, zero)
    with pytest.raises(TypeError, match=r"ct\.models\.valuations"):
        ct.models.NetworkValuation(0.5)  # type: ignore[arg-type]


def test_a_valuation_of_ones_own(chain):
    """Half of the relative loss is passed on: a class of five lines."""

    @dataclass(frozen=True, repr=False)
    class Half(Valuation):
        def missing(self, terms, equity, default):
            h = np.clip(1 - equity / terms.book, 0, 1)
            return h / 2, ((h > 0) & (h < 1)) / terms.book / 2

    shock = ct.Shock.loss({"a": 1.0})
    got = ct.models.NetworkValuation(Half()).propagate(chain, shock).table["claims_lost"]
    np.testing.assert_allclose(got, [0.0, 2.5, 8 * (2.5 / 3) / 2, 4 * (10 / 3 / 4) / 2])


# -- results ----------------------------------------------------------------------------------


@every_function
def test_tables_and_flows_agree_with_the_balance_sheet(function):
    for seed in range(6):
        net = random_network(seed, 8, 2.0, some(VENUES_TOO, seed) - {"unknown"})
        result = ct.models.NetworkValuation(function).propagate(net, random_shock(net, seed))
        table, flows = result.table, result.flows
        lost = flows.groupby("creditor")["loss"].sum().reindex(table.index, fill_value=0.0)
        same(lost.to_numpy(), table["claims_lost"].to_numpy(), net)
        start = net.balance_sheet["equity"] - result.hit.losses - table["claims_lost"]
        same(start.to_numpy(), table["equity_after"].to_numpy(), net)
        owed = flows.groupby("debtor")["loss"].sum().reindex(table.index, fill_value=0.0)
        same(owed.to_numpy(), table["shortfall"].to_numpy(), net)
        path = result.path
        last = path[path["round"] == path["round"].max()]["equity"].to_numpy()
        same(last, table["equity_after"].to_numpy(), net)


def test_default_rounds_of_distress():
    """a fails by the shock, b in round 1 by its claim on a; c keeps half of its equity."""
    net = from_liabilities([[0, 4, 0], [0, 0, 2], [0, 0, 0]], [5, 0, 2])
    table = (
        ct.models.NetworkValuation(v.LinearDebtRank()).propagate(net, ct.Shock.loss({"a": 1})).table
    )
    assert table["default_round"].tolist() == [0, 1, -1]
    assert table["equity_after"].tolist() == [0.0, -2.0, 2.0]
