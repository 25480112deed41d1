"""What every model of the registry has to do, on random networks with every feature.

Hypothesis draws a seed, a size and a set of features; `conftest.random_tables` makes the
network, so a failing example is short to name and easy to repeat. Models that are added to
`MODELS` are tested unasked.
"""

from __future__ import annotations

import inspect
import warnings
from dataclasses import FrozenInstanceError, fields, replace

import checks
import numpy as np
import pandas as pd
import pytest
from conftest import (
    FEATURES,
    VENUES_TOO,
    examples,
    others_slow,
    random_network,
    random_shock,
    random_tables,
)
from hypothesis import given
from hypothesis import strategies as st

import contagion as ct

VARIANTS: dict[str, ct.models.Model] = {
    "eisenberg-noe": ct.EisenbergNoe(),
    "rogers-veraart": ct.models.RogersVeraart(0.7, 0.8, which="greatest"),
    "rogers-veraart, least": ct.models.RogersVeraart(0.7, 0.8, which="least"),
    "rogers-veraart, not strict": ct.models.RogersVeraart(0.5, 1.0, which="greatest", strict=False),
    "debtrank": ct.DebtRank(),
    "debtrank, single hit": ct.DebtRank("single-hit"),
    "furfine": ct.models.Furfine(0.6),
    "gai-kapadia": ct.models.GaiKapadia(),
    "gai-kapadia, strict": ct.models.GaiKapadia(strict=True),
}
COVERED = {type(model) for model in VARIANTS.values()}
VARIANTS |= {name: kind() for name, kind in ct.models.MODELS.items() if kind not in COVERED}
SETTLING = {name: model for name, model in VARIANTS.items() if model.settles}
every_model = pytest.mark.parametrize("model", VARIANTS.values(), ids=VARIANTS.keys())
every_settling_model = pytest.mark.parametrize("model", SETTLING.values(), ids=SETTLING.keys())

seeds = st.integers(0, 10_000)
sizes = st.integers(2, 9)
some_features = st.sets(st.sampled_from(FEATURES)).map(frozenset)
with_venues = st.sets(st.sampled_from(VENUES_TOO)).map(frozenset)
few, many = examples(12), examples(40)


def example(seed: int, n: int, features: frozenset[str]) -> tuple[ct.ExposureNetwork, ct.Shock]:
    net = random_network(seed, n, 0.5 + 2.5 * (seed % 7) / 6, features)
    return net, random_shock(net, seed, pinned="pinned" in features)


def run(model: ct.models.Model, net: ct.ExposureNetwork, shock: ct.Shock, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return model.propagate(net, shock, **options)


# -- the face of a model ------------------------------------------------------------------------


def test_every_registered_model_is_tested():
    assert {type(model) for model in VARIANTS.values()} == set(ct.models.MODELS.values())


@every_model
def test_a_model_is_a_frozen_dataclass_that_compares_and_replaces(model):
    again = replace(model)
    assert again == model
    assert hash(again) == hash(model)
    assert again is not model
    assert repr(model).startswith(type(model).__name__ + "(")
    assert eval(repr(model), vars(ct.models)) == model
    with pytest.raises((FrozenInstanceError, AttributeError)):
        setattr(model, (fields(model) or [object])[0].name, 0.5)


@every_model
def test_a_model_says_what_it_is(model):
    assert model.title and model.source and isinstance(model.settles, bool)
    signature = inspect.signature(type(model))
    assert not any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())


@every_model
def test_wrong_shapes_and_values_are_refused(model, chain):
    with pytest.raises(ct.ShockError, match="last axis"):
        model.solve(chain, np.zeros(3))
    with pytest.raises(ct.ShockError, match="finite"):
        model.solve(chain, np.array([np.nan, 0, 0, 0]))
    with pytest.raises(ct.ShockError, match=">= 0"):
        model.solve(chain, np.array([-1.0, 0, 0, 0]))
    with pytest.raises(ct.UnknownNameError, match="nobody"):
        model.propagate(chain, ct.Shock.loss({"nobody": 1.0}))
    with pytest.raises(ValueError, match="baseline"):
        model.propagate(chain, baseline="face")  # type: ignore[arg-type]


@every_model
def test_outcome_shapes(model, chain):
    for lead in ((), (3,), (2, 3), (1,)):
        outcome = model.solve(chain, np.zeros((*lead, 4)))
        for name in ("equity", "claims_lost", "defaulted"):
            assert getattr(outcome, name).shape == (*lead, 4), name
        for name in ("rounds", "residual", "converged"):
            assert np.shape(getattr(outcome, name)) == lead, name
        if model.settles:
            for name in ("payments", "external_paid", "deadweight"):
                assert getattr(outcome, name).shape == (*lead, 4), name
        assert outcome.defaulted.dtype == bool


@every_model
def test_what_a_model_does_not_compute_it_refuses(model, chain):
    result = run(model, chain, ct.Shock.loss({"a": 5.0}))
    for what in ("payments", "bearers", "socialization"):
        if model.settles:
            assert getattr(result, what) is not None
        else:
            with pytest.raises(ct.ModelError, match=type(model).__name__):
                getattr(result, what)


# -- what comes out -----------------------------------------------------------------------------


@every_model
@given(seed=seeds, n=sizes, features=with_venues)
@many
def test_claims_lose_between_nothing_and_themselves_and_the_audit_passes(model, seed, n, features):
    net, shock = example(seed, n, features)
    result = run(model, net, shock)
    checks.assert_claim_bounds(result)
    audit = result.audit()
    assert audit["ok"].all(), audit[~audit["ok"]].to_string()
    assert result.table["loss"].notna().all()
    assert (result.table["contagion_loss"] >= -1e-9 * checks.scale(net)).all()


@every_settling_model
@given(seed=seeds, n=sizes, features=some_features, baseline=st.sampled_from(["book", "cleared"]))
@examples(100)
def test_value_is_conserved_and_claims_are_settled_by_the_rules(model, seed, n, features, baseline):
    """Insolvent before or not, tiers, queues, pari passu, unknown balance sheets, pins."""
    net, shock = example(seed, n, features)
    result = run(model, net, shock, baseline=baseline)
    checks.assert_valid_clearing(result)
    checks.assert_conserves_value(result)
    s = result.socialization
    room = 1e-9 * checks.scale(net)
    assert -room <= s.absorbed_by_trigger <= s.initial_loss + room
    for share in (s.socialized_share, s.bystander_share, s.external_share):
        assert np.isnan(share) == ("socialized_share" in s.reasons)
        assert np.isnan(share) or -1e-9 <= share <= 1 + 1e-9
    assert baseline == "book" or s.missing_before == 0


@every_model
@given(seed=seeds, n=sizes, features=with_venues)
@few
def test_no_shock_no_loss(model, seed, n, features):
    """On the book of a solvent network, and against the clearing without shock on any.

    The least clearing vector with default costs is the exception on the book: there a default
    that everybody expects can be enough, that is what it is for.
    """
    net = random_network(seed, n, 2.0, features - {"insolvent"})
    if getattr(model, "which", None) != "least":
        result = run(model, net, ct.Shock(), baseline="book")
        assert result.table["loss"].abs().max() <= 1e-12 * checks.scale(net)
        assert result.outcome.rounds <= 2
        assert not result.outcome.defaulted[net.book.equity > 0].any()
    net = random_network(seed, n, 2.0, features | {"insolvent"})
    result = run(model, net, ct.Shock(), baseline="cleared")
    assert result.table["loss"].abs().max() <= 1e-9 * checks.scale(net)


@every_model
@given(seed=seeds, n=sizes, features=with_venues)
@few
def test_the_order_of_rows_does_not_matter(model, seed, n, features):
    nodes, exposures, options = random_tables(seed, n, 2.0, features)
    one = ct.ExposureNetwork(nodes, exposures, **options)
    shock = random_shock(one, seed, pinned="pinned" in features)
    rng = np.random.default_rng(seed)
    two = ct.ExposureNetwork(
        nodes.iloc[rng.permutation(len(nodes))],
        exposures.iloc[rng.permutation(len(exposures))],
        **options,
    )
    left, right = run(model, one, shock), run(model, two, shock)
    checks.assert_same_result(left, right)
    columns = ["creditor", "debtor", "amount"]
    flows = [r.flows.sort_values(columns)["loss"].to_numpy() for r in (left, right)]
    np.testing.assert_allclose(*flows, rtol=0, atol=1e-8 * checks.scale(one))


@every_model
@given(seed=seeds, n=sizes, features=some_features)
@few
def test_names_do_not_matter(model, seed, n, features):
    nodes, exposures, options = random_tables(seed, n, 2.0, features)
    names = {name: f"z{len(nodes) - i}" for i, name in enumerate(nodes["node"])}
    renamed = exposures.assign(
        creditor=exposures["creditor"].map(names), debtor=exposures["debtor"].map(names)
    )
    one = ct.ExposureNetwork(nodes, exposures, **options)
    two = ct.ExposureNetwork(nodes.assign(node=nodes["node"].map(names)), renamed, **options)
    shock = random_shock(one, seed, pinned="pinned" in features)
    other = ct.Shock(
        losses=tuple((names[k], v) for k, v in shock.losses),
        defaults=tuple((names[k], v) for k, v in shock.defaults),
    )
    left, right = run(model, one, shock), run(model, two, other)
    np.testing.assert_array_equal(left.outcome.equity, right.outcome.equity)
    assert right.table.index.tolist() == [names[k] for k in left.table.index]


@every_model
@pytest.mark.parametrize("factor", others_slow([1e-6, 1e6]))
@given(seed=seeds, n=sizes, features=some_features)
@few
def test_the_unit_of_money_does_not_matter(model, factor, seed, n, features):
    nodes, exposures, options = random_tables(seed, n, 2.0, features)
    money = ["external_assets", "external_liabilities"]
    one = ct.ExposureNetwork(nodes, exposures, **options)
    two = ct.ExposureNetwork(
        nodes.assign(**{c: nodes[c] * factor for c in money}),
        exposures.assign(amount=exposures["amount"] * factor),
        **options,
    )
    shock = random_shock(one, seed, pinned="pinned" in features)
    other = replace(shock, losses=tuple((k, v * factor) for k, v in shock.losses))
    checks.assert_same_result(run(model, one, shock), run(model, two, other), factor)


@every_model
@given(seed=seeds, n=sizes, features=some_features)
@few
def test_one_claim_or_two_halves(model, seed, n, features):
    """Splitting an exposure in two (`duplicates="keep"`) changes nothing but the rows."""
    nodes, exposures, options = random_tables(seed, n, 2.0, features)
    part = np.random.default_rng(seed).random(len(exposures))
    halves = pd.concat(
        [
            exposures.assign(amount=exposures["amount"] * part),
            exposures.assign(amount=exposures["amount"] * (1 - part)),
        ],
        ignore_index=True,
    )
    one = ct.ExposureNetwork(nodes, exposures, **options)
    two = ct.ExposureNetwork(nodes, halves, **options)
    shock = random_shock(one, seed, pinned="pinned" in features)
    left, right = run(model, one, shock), run(model, two, shock)
    checks.assert_same_result(left, right)
    m = len(exposures)
    together = right.flows["loss"].to_numpy()[:m] + right.flows["loss"].to_numpy()[m:]
    np.testing.assert_allclose(together, left.flows["loss"], atol=1e-8 * checks.scale(one))


@every_model
@given(seed=seeds, n=sizes, features=with_venues)
@few
def test_a_batch_is_its_scenarios_one_at_a_time(model, seed, n, features):
    net = random_network(seed, n, 2.0, features)
    shocks = [random_shock(net, seed + k, pinned=k % 2 == 1) for k in range(5)]
    pairs = [shock.arrays(net) for shock in shocks]
    losses, pins, _ = (np.array(side) for side in zip(*pairs, strict=True))
    batch = model.solve(net, losses, pins)
    room = 1e-8 * checks.scale(net)
    for k, shock in enumerate(shocks):
        single = model.solve(net, losses[k], pins[k])
        for name in ("equity", "claims_lost", "payments", "external_paid", "deadweight"):
            one, many_ = getattr(single, name), getattr(batch, name)
            if one is not None:
                np.testing.assert_allclose(many_[k], one, rtol=0, atol=room, err_msg=name)
        labelled = run(model, net, shock)
        np.testing.assert_allclose(labelled.outcome.equity, single.equity, rtol=0, atol=room)
    folded = model.solve(net, losses[:4].reshape(2, 2, -1), pins[:4].reshape(2, 2, -1))
    np.testing.assert_allclose(folded.equity.reshape(4, -1), batch.equity[:4], rtol=0, atol=room)


@every_model
@given(seed=seeds, n=sizes, features=with_venues)
@few
def test_inputs_stay_as_they_were_and_runs_repeat(model, seed, n, features):
    nodes, exposures, options = random_tables(seed, n, 2.0, features)
    kept = nodes.copy(deep=True), exposures.copy(deep=True)
    net = ct.ExposureNetwork(nodes, exposures, **options)
    shock = random_shock(net, seed, pinned="pinned" in features)
    losses, pins, _ = shock.arrays(net)
    frozen = losses.copy(), pins.copy(), net.balance_sheet.copy(deep=True), net.exposures
    matrix = net.liabilities.copy()
    first = run(model, net, shock)
    solved = model.solve(net, losses, pins)
    model.solve(net, losses[None], pins[None])
    np.testing.assert_array_equal(losses, frozen[0])
    np.testing.assert_array_equal(pins, frozen[1])
    np.testing.assert_array_equal(first.hit.losses, frozen[0])
    pd.testing.assert_frame_equal(nodes, kept[0])
    pd.testing.assert_frame_equal(exposures, kept[1])
    pd.testing.assert_frame_equal(net.balance_sheet, frozen[2])
    pd.testing.assert_frame_equal(net.exposures, frozen[3])
    assert (net.liabilities != matrix).nnz == 0
    again = run(model, net, shock)
    pd.testing.assert_frame_equal(first.table, again.table)
    np.testing.assert_array_equal(solved.equity, model.solve(net, losses, pins).equity)


# -- monotone -----------------------------------------------------------------------------------

# Single-hit DebtRank is not monotone, and not by mistake: a node passes on only its first
# distress, so a larger shock that reaches it earlier and in smaller pieces can do less harm.
MONOTONE = {
    name: model
    for name, model in VARIANTS.items()
    if getattr(model, "variant", None) != "single-hit"
}
every_monotone_model = pytest.mark.parametrize("model", MONOTONE.values(), ids=MONOTONE.keys())


@every_monotone_model
@given(seed=seeds, n=sizes, features=with_venues)
@few
def test_a_larger_shock_never_helps_anybody(model, seed, n, features):
    net = random_network(seed, n, 2.0, features)
    losses, pins, _ = random_shock(net, seed, pinned="pinned" in features, scale=0.4).arrays(net)
    more = np.minimum(losses * 1.7 + 0.01, np.nan_to_num(net.book.external_assets, nan=np.inf))
    more = np.maximum(more, losses)
    small, large = model.solve(net, losses, pins), model.solve(net, more, pins)
    room = 1e-9 * checks.scale(net)
    assert not (large.equity > small.equity + room).any()
    assert (large.claims_lost >= small.claims_lost - room).all()
    near = np.abs(small.equity) <= room
    assert (large.defaulted | near >= small.defaulted).all()
    if model.settles:
        assert (large.payments <= small.payments + room).all()
        assert (large.external_paid <= small.external_paid + room).all()


@every_monotone_model
@given(seed=seeds, n=sizes, features=with_venues)
@few
def test_more_capital_never_hurts_anybody(model, seed, n, features):
    """More external assets anywhere: claims lose less and fewer nodes fail.

    The loss of the owners who brought the capital may well rise: they stand in for more. For
    DebtRank the nodes have to be solvent before: one that is not passes nothing on, by
    definition, and capital that lifts it above zero lets it pass distress on.
    """
    without = {"unknown", "insolvent"} if isinstance(model, ct.DebtRank) else {"unknown"}
    net = random_network(seed, n, 2.0, features - without)
    rng = np.random.default_rng(seed)
    richer = net.with_nodes(
        external_assets=net.book.external_assets * (1 + rng.random(n) * (rng.random(n) < 0.5))
    )
    losses, pins, _ = random_shock(net, seed, pinned="pinned" in features).arrays(net)
    poor, rich = model.solve(net, losses, pins), model.solve(richer, losses, pins)
    room = 1e-9 * checks.scale(net)
    assert (rich.claims_lost <= poor.claims_lost + room).all()
    assert not (rich.equity < poor.equity - room).any()
    near = np.abs(poor.equity) <= room
    assert (rich.defaulted <= (poor.defaulted | near)).all()
    if model.settles:
        assert (rich.payments >= poor.payments - room).all()


@every_settling_model
@given(seed=seeds, n=sizes)
@few
def test_a_higher_recovery_never_hurts_anybody(model, seed, n):
    net = random_network(seed, n, 2.0)
    pins = np.full((3, n), np.nan)
    pins[:, seed % n] = [0.0, 0.3, 0.9]
    outcome = model.solve(net, np.zeros((3, n)), pins)
    room = 1e-9 * checks.scale(net)
    assert (np.diff(outcome.payments, axis=0) >= -room).all()
    assert (np.diff(outcome.claims_lost, axis=0) <= room).all()


def test_single_hit_debtrank_really_is_not_monotone():
    """The reason given above, shown: the larger shock costs the last node less.

    a owes b a little and c much; c owes b much; b owes d. Shock only at c: b is distressed once,
    by the large claim. Shock a as well: b is distressed in the same round as c, passes that small
    distress on, and what comes through c later stays with it.
    """
    net = ct.ExposureNetwork.from_matrix(
        [[0, 0.1, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]],
        list("abcd"),
        orientation="debtor->creditor",
        equity=[1.0, 1.0, 1.0, 1.0],
        external_assets=[5.0, 5.0, 5.0, 5.0],
    )
    model = ct.DebtRank("single-hit")
    small = model.propagate(net, ct.Shock.loss({"c": 0.5})).table["loss"]
    large = model.propagate(net, ct.Shock.loss({"c": 0.5, "b": 0.01})).table["loss"]
    assert large["d"] < small["d"]


# -- not converged ------------------------------------------------------------------------------


# Clearing and linear DebtRank are solved, cascades end by themselves; without holdings there are no
# rounds of prices.
ITERATED = {
    name: model
    for name, model in MONOTONE.items()
    if "max_rounds" in {f.name for f in fields(model)}
    and not isinstance(model, ct.models.FireSale | ct.models.JointModel)
}


@pytest.mark.parametrize("model", ITERATED.values(), ids=ITERATED.keys())
def test_silence_is_an_error(model):
    """A model that runs out of rounds says so and hands over what it has."""
    net = random_network(3, 60, 4.0, {"insolvent"})
    losses = net.book.external_assets * 0.6
    short = replace(model, max_rounds=1)
    outcome = short.solve(net, losses)
    assert not outcome.converged.all()
    shock = ct.Shock.loss(dict(zip(net.names, losses, strict=True)))
    with pytest.raises(ct.ConvergenceError, match="max_rounds") as caught:
        short.propagate(net, shock)
    assert isinstance(caught.value.partial, ct.results.PropagationResult)


# -- zero equity --------------------------------------------------------------------------------

VALUED = {
    f"valuation, {name}": ct.models.NetworkValuation(kind(**more))
    for name, kind in ct.models.valuations.VALUATIONS.items()
    for more in [{"merton": {"volatility": 0.1}, "black-cox": {"volatility": 0.1},
                  "exponential-debtrank": {"alpha": 1.0}}.get(name, {})]
}  # fmt: skip
# Sales of Greenwood et al. are leverage times loss, which grows without limit as equity vanishes.
PASSING = {name: model for name, model in VARIANTS.items() if name != "leverage-targeting"}


def vaults(equity, second=0.0):
    """a owes v 10, v owes w 10, w owes b 10; v and w have no more equity than is said here."""
    chain = np.diag([10.0, 10.0, 10.0], 1)
    return ct.ExposureNetwork.from_matrix(
        chain, list("avwb"), orientation="debtor->creditor",
        external_assets=[14.0, equity, second, 30.0],
    )  # fmt: skip


@pytest.mark.parametrize(
    "shock",
    [
        ct.Shock.default("a"),
        ct.Shock.default("a", recovery=0.25),
        ct.Shock.loss({"a": 12.0}),
        ct.Shock.loss({"a": 1.0}),
        ct.Shock(),
    ],
    ids=["default", "recovery", "loss", "small", "none"],
)
@pytest.mark.parametrize("model", (PASSING | VALUED).values(), ids=(PASSING | VALUED).keys())
def test_zero_equity_is_the_limit_of_small_equity(model, shock):
    zero, one, both = (
        run(model, net, shock, baseline="cleared")
        for net in (vaults(0.0), vaults(1e-6), vaults(1e-6, 1e-6))
    )
    for small in (one, both):
        np.testing.assert_allclose(zero.outcome.claims_lost, small.outcome.claims_lost, atol=1e-4)
        np.testing.assert_allclose(zero.table["loss"], small.table["loss"], atol=1e-4)
    batch = model.solve(vaults(0.0), np.stack([zero.hit.losses] * 2), zero.hit.pins)
    np.testing.assert_allclose(batch.claims_lost, [zero.outcome.claims_lost] * 2, atol=1e-9)


@pytest.mark.parametrize("model", (PASSING | VALUED).values(), ids=(PASSING | VALUED).keys())
def test_without_a_shock_nodes_without_equity_cost_nobody_anything(model):
    if type(getattr(model, "valuation", None)).__name__ not in ("Merton", "BlackCox"):
        assert not run(model, vaults(0.0), ct.Shock()).outcome.claims_lost.any()


@pytest.mark.parametrize("model", (PASSING | VALUED).values(), ids=(PASSING | VALUED).keys())
def test_measures_of_single_defaults_have_no_jump_at_zero_equity(model):
    zero, small = (ct.measures.each_default(net, model, more=True)[
        ["default_impact", "direct_impact", "contagion_index"]
    ] for net in (vaults(0.0), vaults(1e-6, 1e-6)))  # fmt: skip
    np.testing.assert_allclose(zero, small, atol=1e-3)


@pytest.mark.parametrize("variant", ["linear", "single-hit"])
def test_debtrank_goes_on_at_a_node_without_equity(variant):
    """a has 4 and loses 1: a quarter of its 10, and from there on everything."""
    result = run(ct.DebtRank(variant), vaults(0.0), ct.Shock.loss({"a": 1.0}))
    passed = 10.0 if variant == "linear" else 2.5  # 2012 hands the distress of a on as it is
    assert result.flows["loss"].tolist() == [2.5, passed, passed]
    assert result.table.loc["b", "loss"] == passed
    assert run(ct.DebtRank(variant), vaults(0.0), ct.Shock()).loss.tolist() == [0.0] * 4


def test_rounds_of_debtrank_go_on_at_a_node_without_equity():
    """b is in default before: each step of the chain takes a round."""
    net = vaults(0.0).with_nodes(external_assets={"b": 0.0}, external_liabilities={"b": 5.0})
    result = run(ct.DebtRank(), net, ct.Shock.loss({"a": 1.0}))
    assert result.outcome.defaulted.tolist() == [False, True, True, True]
    assert result.default_round.tolist() == [-1, 0, 0, 3]


def test_a_model_without_rounds_of_default_is_told_what_is_missing():
    """Everything else of its results is there."""

    class Roundless(ct.EisenbergNoe):
        def run(self, *given, **options):
            return replace(super().run(*given, **options), default_round=None)

    result = run(Roundless(), ct.datasets.load("neva_ring3"), ct.Shock.default("A"))
    assert result.loss.sum() > 0
    with pytest.raises(ct.ModelError, match=r"Roundless.run gives no default_round.*'rounds'"):
        _ = result.default_round
