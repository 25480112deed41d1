"""Cross-holdings of equity and debt: against a plain reference, and what has to hold."""

from __future__ import annotations

import checks
import numpy as np
import pandas as pd
import pytest
import reference_ownership as plain
from conftest import FEATURES, VENUES_TOO, examples, random_network, random_shock
from hypothesis import given
from hypothesis import strategies as st

import contagion as ct
from contagion.kernels.ownership import equities

seeds, sizes = st.integers(0, 10_000), st.integers(2, 9)
features = st.sets(st.sampled_from(FEATURES)).map(frozenset)
everything = st.sets(st.sampled_from(VENUES_TOO)).map(frozenset)
MODEL = ct.models.CrossHoldings()


def example(seed, n, chosen) -> tuple[ct.ExposureNetwork, ct.Shock]:
    net = random_network(seed, n, 0.5 + 2.5 * (seed % 7) / 6, chosen)
    net = net.with_shareholdings(plain.random_shareholdings(net, seed))
    return net, random_shock(net, seed, pinned="pinned" in chosen)


def inside(net) -> np.ndarray:
    return np.asarray(net.ownership.sum(axis=0)).ravel()


def pair(assets, fraction=0.5, **options) -> ct.ExposureNetwork:
    """a owns a part of b; b owes c 4, and c owes nobody."""
    return ct.ExposureNetwork.from_matrix(
        [[0, 0, 0], [0, 0, 4], [0, 0, 0]],
        ["a", "b", "c"],
        orientation="debtor->creditor",
        external_assets=assets,
        shareholdings=[{"owner": "a", "company": "b", "fraction": fraction}],
        **options,
    )


# -- parity -------------------------------------------------------------------------------------


@given(seed=seeds, n=sizes, chosen=features.map(lambda f: f - {"unknown"}))
@examples(60)
def test_the_greatest_solution_is_that_of_plain_rounds(seed, n, chosen):
    net, shock = example(seed, n, chosen)
    losses, pins, _ = shock.arrays(net)
    equity, paid, outside = plain.clear(net, losses, pins)
    result = MODEL.propagate(net, shock)
    room = 1e-8 * checks.scale(net)
    np.testing.assert_allclose(result.outcome.equity, equity, rtol=0, atol=room)
    np.testing.assert_allclose(result.flows["paid"], paid, rtol=0, atol=room)
    owed = net.book.external_liabilities > 0
    np.testing.assert_allclose(
        result.outcome.external_paid[owed], np.array(outside)[owed], rtol=0, atol=room
    )


@given(seed=seeds, n=sizes, chosen=features.map(lambda f: f - {"unknown"}))
@examples(30)
def test_the_least_solution_is_that_of_plain_rounds(seed, n, chosen):
    """Equity and what outsiders get are the same in both (Elsinger 2009)."""
    net, shock = example(seed, n, chosen)
    losses, pins, _ = shock.arrays(net)
    _, paid, _ = plain.clear(net, losses, pins, from_above=False)
    least = ct.models.CrossHoldings(which="least").propagate(net, shock)
    most = MODEL.propagate(net, shock)
    room = 1e-7 * checks.scale(net)
    np.testing.assert_allclose(least.flows["paid"], paid, rtol=0, atol=room)
    np.testing.assert_allclose(least.outcome.equity, most.outcome.equity, rtol=0, atol=room)
    np.testing.assert_allclose(
        least.outcome.external_paid, most.outcome.external_paid, rtol=0, atol=room
    )


@pytest.mark.parametrize("fraction", [0.5, 0.99, 0.999999])
def test_values_of_equity_in_rings(fraction):
    """E_i = base + fraction × max(E_{i+1}, 0), also where rounds would hardly move."""
    n = 60
    at = np.arange(n)
    ring = np.zeros((n, n))
    ring[at, (at + 1) % n] = fraction
    from scipy.sparse import csr_array

    base = np.random.default_rng(1).normal(0.3, 1.0, (n, 4))
    got = equities(csr_array(ring), base)
    np.testing.assert_allclose(got, base + ring @ np.maximum(got, 0), rtol=0, atol=1e-9)
    want = np.ones((n, 1)) / (1 - fraction)
    np.testing.assert_allclose(equities(csr_array(ring), np.ones((n, 1))), want, rtol=1e-9)


# -- what has to hold ---------------------------------------------------------------------------


@given(seed=seeds, n=sizes, chosen=features)
@examples(20)
def test_without_shareholdings_it_is_eisenberg_noe(seed, n, chosen):
    net = random_network(seed, n, 2.0, chosen)
    shock = random_shock(net, seed, pinned="pinned" in chosen)
    one, two = MODEL.propagate(net, shock), ct.EisenbergNoe().propagate(net, shock)
    pd.testing.assert_frame_equal(one.table, two.table)
    pd.testing.assert_frame_equal(one.bearers, two.bearers)


@given(seed=seeds, n=sizes, chosen=features)
@examples(20)
def test_fractions_that_vanish_lead_to_eisenberg_noe(seed, n, chosen):
    net, shock = example(seed, n, chosen)
    table = net.shareholdings
    if table is None:
        return
    small = net.with_shareholdings(table.assign(fraction=table["fraction"] * 1e-12))
    none = net.with_shareholdings(None)
    one, two = MODEL.propagate(small, shock), ct.EisenbergNoe().propagate(none, shock)
    np.testing.assert_allclose(
        one.outcome.equity, two.outcome.equity, rtol=0, atol=1e-9 * checks.scale(net)
    )


@given(seed=seeds, n=sizes, chosen=everything, baseline=st.sampled_from(["book", "cleared"]))
@examples(100)
def test_value_is_conserved_and_the_audit_passes(seed, n, chosen, baseline):
    """Owners outside the graph and external creditors bear everything, once."""
    net, shock = example(seed, n, chosen)
    result = MODEL.propagate(net, shock, baseline=baseline)
    audit = result.audit()
    assert audit["ok"].all(), audit[~audit["ok"]].to_string()
    checks.assert_claim_bounds(result)
    s, room = result.socialization, 1e-9 * checks.scale(net)
    assert abs(result.bearers["amount"].sum() - s.borne) <= room
    assert abs(s.borne - s.initial_loss - s.deadweight - s.missing_before - s.relief) <= room
    assert np.isnan(s.socialized_share) or 0 <= s.socialized_share <= 1 + 1e-9
    assert (result.bearers["amount"] >= -room).all()
    assert (result.table["contagion_loss"] >= -room).all()


@given(seed=seeds, n=sizes, chosen=features.map(lambda f: f - {"unknown", "unfailing", "pinned"}))
@examples(40)
def test_what_outsiders_hold_is_what_there_is(seed, n, chosen):
    """Σ (1 − Σ_i Γ_ij) s_j + paid to external creditors = external assets after the shock."""
    net, shock = example(seed, n, chosen)
    outcome = MODEL.propagate(net, shock).outcome
    losses, _, _ = shock.arrays(net)
    owners = ((1 - inside(net)) * np.maximum(outcome.equity, 0)).sum()
    there = (net.book.external_assets - losses).sum()
    assert abs(owners + outcome.external_paid.sum() - there) <= 1e-9 * checks.scale(net)


@given(seed=seeds, n=sizes, chosen=everything)
@examples(20)
def test_no_shock_no_loss_and_a_batch_is_its_scenarios(seed, n, chosen):
    net, _ = example(seed, n, chosen - {"insolvent"})
    result = MODEL.propagate(net)
    assert result.table["loss"].abs().max() <= 1e-12 * checks.scale(net)
    np.testing.assert_allclose(
        result.outcome.equity, net.book.equity, atol=1e-12 * checks.scale(net)
    )
    net, _ = example(seed, n, chosen)
    shocks = [random_shock(net, seed + k, pinned=k % 2 == 1) for k in range(5)]
    losses, pins, _ = (np.array(x) for x in zip(*(s.arrays(net) for s in shocks), strict=True))
    batch = MODEL.solve(net, losses, pins)
    for k, shock in enumerate(shocks):
        for single in (MODEL.solve(net, losses[k], pins[k]), MODEL.propagate(net, shock).outcome):
            for name in ("equity", "payments", "claims_lost", "external_paid"):
                one, many = getattr(single, name), getattr(batch, name)[k]
                np.testing.assert_allclose(many, one, rtol=0, atol=1e-8 * checks.scale(net))


@given(seed=seeds, n=sizes, chosen=everything)
@examples(20)
def test_a_larger_shock_never_helps_anybody(seed, n, chosen):
    net, shock = example(seed, n, chosen)
    losses, pins, _ = shock.arrays(net)
    more = np.minimum(losses * 1.7 + 0.01, np.nan_to_num(net.book.external_assets, nan=np.inf))
    small = MODEL.solve(net, losses, pins)
    large = MODEL.solve(net, np.maximum(losses, more), pins)
    room = 1e-9 * checks.scale(net)
    assert not (large.equity > small.equity + room).any()
    assert (large.claims_lost >= small.claims_lost - room).all()


@given(seed=seeds, n=sizes, chosen=features)
@examples(15)
def test_the_order_of_rows_and_the_unit_do_not_matter(seed, n, chosen):
    net, shock = example(seed, n, chosen)
    rng = np.random.default_rng(seed)
    table = net.shareholdings
    if table is None:
        return
    halves = pd.concat([table.assign(fraction=table["fraction"] / 2)] * 2)
    other = net.with_shareholdings(halves.iloc[rng.permutation(len(halves))])
    checks.assert_same_result(MODEL.propagate(net, shock), MODEL.propagate(other, shock))


# -- by hand ------------------------------------------------------------------------------------


def test_an_owner_loses_before_every_creditor():
    """b has 10, owes 4 and is worth 6; a owns half. b loses 5, then 8."""
    net = pair([1, 10, 0])
    assert net.balance_sheet["equity"].tolist() == [4, 6, 4]
    some = MODEL.propagate(net, ct.Shock.loss({"b": 5}))
    assert some.table["loss"].tolist() == [2.5, 5, 0]
    assert some.bearers[["bearer", "amount"]].values.tolist() == [["a", 2.5], ["b", 2.5]]
    assert not some.outcome.defaulted.any()
    more = MODEL.propagate(net, ct.Shock.loss({"b": 8}))
    assert more.table["loss"].tolist() == [3, 6, 2]
    s = more.socialization
    assert (s.absorbed_by_trigger, s.socialized) == pytest.approx((6, 2))  # 3 by shares in b
    assert more.hops.tolist() == [1, 0, 1]
    assert more.table["default_round"].tolist() == [-1, 0, -1]


def test_the_paths_of_a_loss_lead_through_shares():
    net = pair([1, 10, 0])
    told = MODEL.propagate(net, ct.Shock.loss({"b": 8})).explain("a")
    assert told.on_claims == pytest.approx(3)
    assert told.table["path"].tolist() == ["b → a"]


def test_a_failure_by_shares_is_a_failure_by_contagion():
    """a owes 3 outside, has 1 and half of b; b loses 5 and stands with 1, a has 1.5."""
    nodes = {"node": ["a", "b"], "external_assets": [1.0, 10.0], "external_liabilities": [3.0, 4.0]}
    owed = {"creditor": [], "debtor": [], "amount": []}
    owns = [{"owner": "a", "company": "b", "fraction": 0.5}]
    net = ct.ExposureNetwork(nodes, owed, shareholdings=owns)
    result = MODEL.propagate(net, ct.Shock.loss({"b": 5}))
    assert result.table["equity_after"].tolist() == [-1.5, 1.0]
    assert result.table["default_round"].tolist() == [1, -1]
    assert result.path.query("node == 'a'")["defaulted"].tolist()[:2] == [False, True]
    assert result.layers.query("node == 'a'")["absorbed"].tolist() == [1.0, 1.5]


def test_a_node_that_fails_for_outside_reasons_is_worth_nothing_to_its_owners():
    result = MODEL.propagate(pair([1, 10, 0]), ct.Shock.default("b", recovery=1.0))
    assert result.table["loss"].tolist() == [3, 6, 0]
    assert result.audit()["ok"].all()


def test_a_subsidiary_may_belong_entirely_to_its_parent():
    net = pair([1, 10, 0], fraction=1.0)
    result = MODEL.propagate(net, ct.Shock.loss({"b": 5}))
    assert result.bearers[["bearer", "amount"]].values.tolist() == [["a", 5.0]]
    assert ct.rank(net).index[0] == "b"


def test_payments_that_are_not_unique_have_to_be_chosen():
    """a and b owe each other 10 and have nothing: any payment up to 10 goes round."""
    net = ct.ExposureNetwork.from_matrix(
        [[0, 10], [10, 0]], ["a", "b"], orientation="debtor->creditor", external_assets=[0, 0]
    )
    with pytest.raises(ct.AmbiguousSolution, match=r"2 nodes.*greatest.*least"):
        ct.models.CrossHoldings(which=None).propagate(net)
    assert ct.models.CrossHoldings(which="greatest").propagate(net).payments.tolist() == [10, 10]
    assert ct.models.CrossHoldings(which="least").propagate(net).payments.tolist() == [0, 0]
    with pytest.raises(ValueError, match="which="):
        ct.models.CrossHoldings(which="best")  # type: ignore[arg-type]


def test_shares_can_make_a_holding_company_solvent():
    """Without its shares it owes more than it has; nothing is said about it then."""
    nodes = {"node": ["holding", "b"], "external_assets": [0, 10], "external_liabilities": [3, 0]}
    owed = {"creditor": [], "debtor": [], "amount": []}
    bare = ct.ExposureNetwork(nodes, owed)
    assert "W009" in bare.check()["code"].tolist()
    owning = bare.with_shareholdings([{"owner": "holding", "company": "b", "fraction": 0.4}])
    assert "W009" not in owning.check()["code"].tolist()
    assert owning.balance_sheet["shares"].tolist() == [4, 0]
    assert owning.balance_sheet["equity"].tolist() == [1, 10]


# -- failure costs ------------------------------------------------------------------------------


@given(seed=seeds, n=sizes, worst=st.booleans())
@examples(60)
def test_waves_of_failures_are_those_of_dense_inverses(seed, n, worst):
    rng = np.random.default_rng(seed)
    assets = rng.lognormal(2, 0.5, n)
    parts = rng.random((n, n)) * (rng.random((n, n)) < 0.5)
    np.fill_diagonal(parts, 0)
    parts *= 0.8 * rng.random(n) / np.maximum(parts.sum(axis=0), 1e-9)
    names = [f"n{i}" for i in range(n)]
    net = ct.ExposureNetwork(
        {"node": names, "external_assets": assets},
        {"creditor": [], "debtor": [], "amount": []},
        shareholdings=ct.network.shareholdings.from_matrix(parts, names),
    )
    losses = 0.3 * assets * rng.random((3, n))
    model = ct.models.FailureCosts(0.9, 0.3, which="worst" if worst else "best")
    floor, costs = model.limits(net)
    outcome = model.solve(net, losses)
    for k in range(3):
        value, waves = plain.failures(parts, assets - losses[k], floor, costs, worst=worst)
        got = (1 - parts.sum(axis=0)) * outcome.equity[k]
        np.testing.assert_allclose(got, value, rtol=0, atol=1e-9 * assets.sum())
        dead = outcome.deadweight[k].sum()
        assert abs(got.sum() - (assets - losses[k]).sum() + dead) <= 1e-9 * assets.sum()
        if not worst:
            table = model.values(net, ct.Shock.loss(dict(zip(names, losses[k], strict=True))))
            found = [sorted(np.flatnonzero(table["wave"] == w + 1)) for w in range(len(waves))]
            assert found == waves


def test_the_best_equilibrium_has_fewer_failures_than_the_worst():
    """Two that own half of each other: each stands as long as the other does."""
    net = ct.ExposureNetwork(
        {"node": ["a", "b"], "external_assets": [10.0, 10.0]},
        {"creditor": [], "debtor": [], "amount": []},
        shareholdings=ct.network.shareholdings.from_matrix([[0, 0.5], [0.5, 0]], ["a", "b"]),
    )
    best, worst = (
        ct.models.FailureCosts(0.9, 0.5, which=which).propagate(net).outcome
        for which in ("best", "worst")
    )
    assert not best.defaulted.any() and worst.defaulted.all()
    assert best.equity.tolist() == [20, 20]
    np.testing.assert_allclose(worst.equity, 2 * (10 - 4.5))
    assert worst.default_round.tolist() == [1, 1]


def test_thresholds_and_costs_node_by_node():
    net = pair([1, 10, 0]).with_nodes(failure_threshold={"a": 3.5}, failure_cost={"a": 0.25})
    floor, costs = ct.models.FailureCosts(0.5, 0.5).limits(net)
    assert floor.tolist() == [3.5, 1.5, 2.0]
    assert costs.tolist() == [0.25, 0.75, 1.0]
    result = ct.models.FailureCosts(0.5, 0.5).propagate(net, ct.Shock.loss({"b": 2}))
    assert result.outcome.defaulted.tolist() == [True, False, False]
    assert result.table["equity_after"].tolist() == [2.75, 4, 4]
    assert result.table["default_round"].tolist() == [1, -1, -1]
    assert result.channels.loc["a"].tolist() == [0.0, 0.0, 1.0, 0.25]


def test_prices_move_direct_holdings():
    """D of the paper is the table of holdings, p its prices."""
    held = {"node": ["a", "b"], "asset": ["oil", "oil"], "value": [4.0, 6.0]}
    net = pair([10, 10, 0], holdings=held)
    table = ct.models.FailureCosts(0.1, 0.5).values(net, ct.Shock.price({"oil": -0.5}))
    assert table["direct"].tolist() == [8, 3, 4]
    assert table["book_value"].tolist() == [9.5, 3, 4]
    assert table["value"].tolist() == [9.5, 1.5, 4]


def test_a_node_that_fails_for_outside_reasons_costs_nothing_more():
    result = ct.models.FailureCosts(0.1, 0.5).propagate(
        pair([1, 10, 0]), ct.Shock.default("b", 0.5)
    )
    assert result.table["loss"].tolist() == [3, 6, 2]
    assert result.outcome.deadweight.tolist() == [0, 0, 0]


def test_parameters_of_failure_costs_are_checked():
    for wrong in ({"threshold": -1}, {"cost": -0.1}, {"which": "greatest"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ct.models.FailureCosts(**wrong)
    with pytest.raises(ct.ModelError, match="'b' belongs entirely to other nodes"):
        ct.models.FailureCosts().propagate(pair([1, 10, 0], fraction=1.0))


def test_what_failure_costs_does_not_settle_it_says(chain):
    with pytest.raises(ct.ModelError, match="FailureCosts does not compute bearers"):
        assert ct.models.FailureCosts().propagate(chain).bearers is None
