"""Layers of a network: by hand, the limit of one layer, Shapley, seniority, and every model."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from conftest import others_slow, random_network, random_shock, random_tables

import contagion as ct
from contagion.errors import NetworkError, RuleError
from contagion.experiments.layers import NO_LAYER, by_layer, layer_names, one_layer

DEFAULT = ct.Shock.default("a")
EMPTY: dict[str, list] = {"creditor": [], "debtor": [], "amount": []}


def three(equity, **options) -> ct.ExposureNetwork:
    """b holds 3 of loans and 3 of derivatives on a, c 4 of loans on b."""
    owed = {
        "creditor": ["b", "b", "c"],
        "debtor": ["a", "a", "b"],
        "amount": [3.0, 3.0, 4.0],
        "layer": ["loans", "derivatives", "loans"],
    }
    return ct.ExposureNetwork({"node": ["a", "b", "c"], "equity": equity}, owed, **options)


def layered(seed: int, layers: int = 3, features=frozenset(), n: int = 8) -> ct.ExposureNetwork:
    """A random network whose claims belong to layers at random; all layers are there."""
    nodes, exposures, options = random_tables(seed, n, 2.5, {*features, "parallel"})
    rng = np.random.default_rng(seed)
    at = np.append(np.arange(layers), rng.integers(0, layers, len(exposures) - layers))
    return ct.ExposureNetwork(nodes, exposures.assign(layer=[f"l{k}" for k in at]), **options)


# -- by hand ------------------------------------------------------------------------------------


def test_two_layers_that_stop_alone_and_cascade_together():
    """Either layer takes 3 of the 5 of b and nobody fails; together b fails, and with it c."""
    done = by_layer(three([1, 5, 3]), ct.models.GaiKapadia(), DEFAULT)
    assert done.layers == ("loans", "derivatives")
    want = pd.DataFrame(
        {
            "alone": [1.0, 0, 0],
            "loans": [0.0, 3, 0],
            "derivatives": [0.0, 3, 0],
            "sum": [0.0, 6, 0],
            "whole": [0.0, 5, 3],
            "gap": [0.0, -1, 3],
        },
        index=pd.Index(["a", "b", "c"], name="node"),
    )
    pd.testing.assert_frame_equal(done.table, want)
    assert done.total.tolist() == [1, 3, 3, 6, 8, 2]
    failed = {name: result.outcome.defaulted[:3].tolist() for name, result in done.results.items()}
    assert failed["loans"] == failed["derivatives"] == [True, False, False]
    assert failed["whole"] == [True, True, True]
    np.testing.assert_allclose(done.attribution, [[0, 0], [2.5, 2.5], [1.5, 1.5]], atol=1e-15)


@pytest.mark.parametrize("variant", ["linear", "single-hit"])
def test_debtrank_by_layer_by_hand(variant):
    """Capital 1, 10, 4. a in loans: b loses 3 and c 4 · 0.3 = 1.2; in derivatives b loses 3;
    together b loses 6 and c 2.4. b: c loses all of its 4, in loans only."""
    done = by_layer(three([1, 10, 4]), ct.DebtRank(variant))
    assert done.what == "debtrank" and not done.results
    want = np.array([[4.2, 3, 7.2, 8.4, 1.2], [4, 0, 4, 4, 0], [0, 0, 0, 0, 0]]) / 15
    np.testing.assert_allclose(done.table.drop(columns="alone"), want, atol=1e-15)
    assert (done.alone == 0).all()
    np.testing.assert_allclose(done.whole, ct.measures.debtrank(done.network, ct.DebtRank(variant)))


def test_debtrank_weighted_with_lending_by_hand():
    """All claims 10. a: loans 0.3 · 3 + 0.3 · 4 = 2.1, derivatives 0.3 · 3 = 0.9; together
    0.6 · 6 + 0.6 · 4 = 6. b: c is in full distress, 4."""
    done = by_layer(three([1, 10, 4]), ct.DebtRank("single-hit", weights="lending"))
    want = np.array([[2.1, 0.9, 3, 6, 3], [4, 0, 4, 4, 0], [0, 0, 0, 0, 0]]) / 10
    np.testing.assert_allclose(done.table.drop(columns="alone"), want, atol=1e-12)


def test_debtrank_by_layer_with_values_of_ones_own():
    """a, b, c count 1, 1, 2. a: b loses .3 in either layer, c .3 in loans; .6 each together."""
    done = by_layer(three([1, 10, 4]), ct.DebtRank(weights=[1, 1, 2]))
    want = np.array([[0.9, 0.3, 1.2, 1.8, 0.6], [2, 0, 2, 2, 0], [0, 0, 0, 0, 0]]) / 4
    np.testing.assert_allclose(done.table.drop(columns="alone"), want, atol=1e-12)


def test_default_impact_by_layer_without_a_shock():
    done = by_layer(three([1, 5, 3]), ct.models.GaiKapadia())
    assert done.what == "default_impact"
    assert done.table.loc["a"].tolist() == [0, 3, 3, 6, 8, 2]
    assert done.table.loc["b"].tolist() == [0, 3, 0, 3, 3, 0]


def test_a_function_is_a_measure_and_is_compared_in_the_same_way():
    net = three([1, 5, 3])
    by_name = by_layer(
        net, lambda part: ct.measures.default_impact(part, ct.models.GaiKapadia())[::-1]
    )
    pd.testing.assert_frame_equal(by_name.table, by_layer(net, ct.models.GaiKapadia()).table)
    assert by_name.what == "measure"


# -- cutting a layer out ------------------------------------------------------------------------


@pytest.mark.parametrize("holder", [None, "others"])
def test_a_layer_has_the_whole_capital(holder):
    net = layered(3)
    before = net.balance_sheet
    for name in layer_names(net):
        part = one_layer(net, name, holder=holder)
        after = part.balance_sheet.loc[before.index]
        mine = (net.exposures["layer"] == name).to_numpy()
        claims = np.bincount(net.creditor[mine], net.amount[mine], len(net))
        np.testing.assert_allclose(after["claims"], claims)
        np.testing.assert_allclose(after["equity"], before["equity"], rtol=1e-12)
        for one, other in (("external_assets", "claims"), ("external_liabilities", "debts")):
            np.testing.assert_allclose(after[one] + after[other], before[one] + before[other])
        if holder:
            assert part.names[-1] == holder and len(part) == len(net) + 1
            assert part.balance_sheet.loc[holder, "equity"] == pytest.approx(0, abs=1e-12)
            np.testing.assert_allclose(after["debts"], before["debts"])
        else:
            assert part.exposures["layer"].unique().tolist() == [name]


def test_the_names_of_layers_and_claims_without_one():
    net = three([1, 5, 3])
    assert layer_names(net) == ("loans", "derivatives")
    table = net.exposures.assign(layer=["", "x", None])
    partly = ct.ExposureNetwork({"node": ["a", "b", "c"], "equity": [1, 5, 3]}, table)
    assert layer_names(partly) == ("x", NO_LAYER)
    done = by_layer(partly, ct.models.GaiKapadia(), DEFAULT)
    assert done.total.tolist() == [1, 3, 3, 6, 8, 2]
    assert layer_names(random_network(1)) == (NO_LAYER,)
    with pytest.raises(ct.UnknownNameError, match="Did you mean 'loans'"):
        one_layer(net, "laons")
    with pytest.raises(ValueError, match="is a node already"):
        one_layer(net, "loans", holder="b")


def test_names_of_nodes_that_are_numbers_stay_numbers():
    nodes = {"node": [1, 2, 3], "equity": [1, 5, 3], "can_fail": [True, True, False]}
    owed = {"creditor": [2, 2], "debtor": [1, 1], "amount": [3, 3], "layer": ["x", "y"]}
    net = ct.ExposureNetwork(nodes, owed)
    done = by_layer(net, ct.models.GaiKapadia(), ct.Shock.default(1))
    assert done.table.index.tolist() == [1, 2, 3]
    assert done.table["whole"].tolist() == [0, 5, 0]


# -- limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model", [kind() for kind in ct.models.MODELS.values()], ids=ct.models.MODELS
)
def test_one_layer_is_no_layers(model):
    net = random_network(4)
    shock = random_shock(net, 4)
    done = by_layer(net, model, shock)
    plain = model.propagate(net, shock).loss
    np.testing.assert_array_equal(done.alone + done.whole, plain)
    assert (done.table["gap"] == 0).all()
    np.testing.assert_array_equal(done.attribution[NO_LAYER], done.whole)
    np.testing.assert_array_equal(done.results["whole"].loss, plain)


@pytest.mark.parametrize(
    "model", [kind() for kind in ct.models.MODELS.values()], ids=ct.models.MODELS
)
def test_all_layers_are_the_network_and_a_layer_without_money_adds_nothing(model):
    net = layered(5)
    shock = random_shock(net, 5, scale=0.8)
    table = net.exposures
    empty = table.iloc[:3].assign(layer="empty", amount=0.0)
    nodes = net._completed()
    more = ct.ExposureNetwork(nodes, pd.concat([table, empty]), duplicates="keep", unit="EUR mn")
    done = by_layer(more, model, shock)
    plain = model.propagate(net, shock).loss
    np.testing.assert_allclose(done.alone + done.whole, plain, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(done.parts["empty"], 0, atol=1e-9)
    np.testing.assert_allclose(done.attribution["empty"], 0, atol=1e-9)
    np.testing.assert_allclose(done.attribution.sum(axis=1), done.whole, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "model", [ct.DebtRank(), ct.models.Furfine(), ct.models.CreditFunding()], ids=repr
)
def test_the_holder_changes_nothing_where_seniority_does_not_matter(model):
    net = layered(6)
    shock = ct.Shock.default("n001")
    for name in layer_names(net):
        outside = model.propagate(one_layer(net, name), shock).loss
        held = model.propagate(one_layer(net, name, holder="others"), shock).loss
        np.testing.assert_allclose(held[: len(net)], outside, rtol=1e-9, atol=1e-12)


def test_where_losses_are_linear_the_layers_add_up():
    """Without limits or defaults of others, one hop: the claims of each layer lose their part."""
    net = three([1, 50, 30])
    done = by_layer(net, ct.EisenbergNoe(), DEFAULT)
    assert done.table["gap"].tolist() == [0, 0, 0]
    assert done.table["whole"].tolist() == [0, 6, 0]


# -- seniority and rules ------------------------------------------------------------------------


def test_creditors_of_other_layers_stay_in_their_place():
    """a is 4 short of 10 in tier 1 (loans 6) and tier 2 (bonds 4): the bonds lose it all, alone
    and together. Moved to external creditors, loans would have been junior to bonds."""
    nodes = {"node": ["a", "b", "c"], "external_assets": [10.0, 9.0, 9.0]}
    owed = {
        "creditor": ["b", "c"],
        "debtor": ["a", "a"],
        "amount": [6.0, 4.0],
        "tier": [1, 2],
        "layer": ["loans", "bonds"],
    }
    net = ct.ExposureNetwork(nodes, owed)
    done = by_layer(net, ct.EisenbergNoe(), ct.Shock.loss({"a": 4}))
    assert done.table["loans"].tolist() == [0, 0, 0]
    assert done.table["bonds"].tolist() == done.table["whole"].tolist() == [0, 0, 4]
    outside = ct.EisenbergNoe().propagate(one_layer(net, "loans"), ct.Shock.loss({"a": 4}))
    assert outside.loss.tolist() == [0, 4, 0]


def test_waterfalls_keep_their_claims_or_say_why_not():
    net = ct.datasets.load("three_venues")
    name = next(layer for layer in layer_names(net) if layer != NO_LAYER)
    with pytest.raises(RuleError, match=r"waterfall \('exchange'.*holder="):
        one_layer(net, NO_LAYER)
    part = one_layer(net, name, holder="others")
    assert part.rules == net.rules
    done = by_layer(net, ct.EisenbergNoe(), ct.Shock.default("desk"))
    whole = ct.EisenbergNoe().propagate(net, ct.Shock.default("desk")).loss
    np.testing.assert_allclose(done.alone + done.whole, whole)
    with pytest.raises(RuleError, match="waterfall"):
        by_layer(net, lambda part: part.book.claims)


def test_covers_of_a_creditor_are_refused():
    covered = three([1, 5, 3]).with_guarantees(
        {"guarantor": ["c"], "debtor": ["a"], "creditor": ["b"], "amount": [2.0]}
    )
    with pytest.raises(
        NetworkError, match=r"1 guarantee covers claims of other layers.*'b' on 'a'"
    ):
        by_layer(covered, ct.EisenbergNoe(), DEFAULT)


# -- the shock ----------------------------------------------------------------------------------


def test_the_shock_is_the_same_money_in_every_layer():
    net = layered(7)
    shock = ct.Shock.relative(0.2)
    done = by_layer(net, ct.DebtRank(), shock)
    want = 0.2 * net.book.external_assets
    for result in done.results.values():
        np.testing.assert_allclose(result.hit.losses[: len(net)], want)
    in_money = by_layer(net, ct.DebtRank(), ct.Shock.loss(dict(zip(net.names, want, strict=True))))
    pd.testing.assert_frame_equal(done.table, in_money.table)
    with pytest.raises(ct.UnknownNameError, match="Unknown node"):
        by_layer(net, ct.DebtRank(), ct.Shock.default("nobody"))


# -- Shapley ------------------------------------------------------------------------------------


def shapley_by_orders(net, model, shock, names):
    """The mean over all orders, written from the definition."""

    def loss(inside):
        part = one_layer(net, inside, holder="rest")
        return model.propagate(part, shock).loss[: len(net)]

    share = {name: np.zeros(len(net)) for name in names}
    orders = list(permutations(names))
    for order in orders:
        for k, name in enumerate(order):
            share[name] += (loss(order[: k + 1]) - loss(order[:k])) / len(orders)
    return pd.DataFrame(share, index=net.names)


@pytest.mark.parametrize("seed", others_slow(range(4)))
@pytest.mark.parametrize("model", [ct.DebtRank(), ct.EisenbergNoe(), ct.models.Furfine()], ids=repr)
def test_attribution_is_the_mean_over_orders_and_sums_to_the_whole(seed, model):
    net = layered(seed, features=frozenset({"tiers", "unfailing", "unknown", "insolvent"}))
    shock = random_shock(net, seed)
    done = by_layer(net, model, shock)
    want = shapley_by_orders(net, model, shock, done.layers)
    np.testing.assert_allclose(done.attribution, want, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(done.attribution.sum(axis=1), done.whole, rtol=1e-9, atol=1e-9)


def test_attribution_treats_equal_layers_alike_and_knows_no_order():
    net = layered(8)
    table = net.exposures
    twice = pd.concat([table.assign(layer="x"), table.assign(layer="y")])
    nodes = net._completed().assign(equity=net.book.equity).drop(columns="external_assets")
    nodes = nodes.drop(columns="external_liabilities")
    same = ct.ExposureNetwork(nodes, twice, duplicates="keep")
    shared = by_layer(same, ct.models.Furfine()).attribution
    np.testing.assert_allclose(shared["x"], shared["y"], rtol=1e-12)
    assert shared["x"].sum() > 0
    mixed = table.sample(frac=1, random_state=1)
    other = ct.ExposureNetwork(net._completed(), mixed, duplicates="keep")
    names = sorted(layer_names(net))
    assert (mixed.index != table.index).any()
    first, second = (by_layer(one, ct.models.Furfine()) for one in (net, other))
    np.testing.assert_allclose(first.attribution[names], second.attribution[names], atol=1e-9)
    np.testing.assert_allclose(first.table[names], second.table[names], atol=1e-9)


def test_the_order_of_nodes_does_not_matter():
    net = layered(9)
    back = ct.ExposureNetwork(net._completed()[::-1], net.exposures, duplicates="keep")
    first, second = by_layer(net), by_layer(back)
    assert second.table.index.tolist() == net.names.tolist()[::-1]
    pd.testing.assert_frame_equal(first.table, second.table.loc[net.names], atol=1e-12)


# -- errors and words ---------------------------------------------------------------------------


def test_too_many_layers_for_the_attribution():
    table = pd.DataFrame({"creditor": "b", "debtor": "a", "amount": 1.0, "layer": range(11)})
    net = ct.ExposureNetwork({"node": ["a", "b"], "equity": [1, 50]}, table)
    done = by_layer(net, ct.models.Furfine(), DEFAULT)
    assert done.total["sum"] == done.total["whole"] == 11
    with pytest.raises(ValueError, match=r"11 layers have 2\^11 sets"):
        _ = done.attribution


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"model": ct.models.Furfine}, TypeError, "model has to be a Model"),
        ({"model": "furfine"}, TypeError, "function, not 'furfine'"),
        ({"model": ct.DebtRank(weights="size")}, KeyError, "column of the nodes"),
        ({"model": len, "shock": DEFAULT}, ValueError, "takes no shock"),
        ({"recovery": 2.0}, ValueError, r"\[0, 1\]"),
    ],
)
def test_options_that_do_not_go_together(options, error, match):
    with pytest.raises(error, match=match):
        by_layer(three([1, 5, 3]), **options)


def test_no_claims_and_a_layer_with_the_name_of_a_column():
    bare = ct.ExposureNetwork({"node": ["a"], "equity": [1]}, EMPTY)
    assert layer_names(bare) == ()
    with pytest.raises(ValueError, match="no claims"):
        by_layer(bare)
    net = three([1, 5, 3])
    table = net.exposures.assign(layer="sum")
    with pytest.raises(ValueError, match="'sum', which is a column"):
        by_layer(ct.ExposureNetwork(net._completed(), table, duplicates="keep"))


def test_a_comparison_reads_well():
    text = repr(by_layer(three([1, 5, 3], unit="EUR mn"), ct.models.GaiKapadia(), DEFAULT))
    assert text.splitlines() == [
        "loss by layer on network, summed over nodes:",
        "  loans: 3 m EUR",
        "  derivatives: 3 m EUR",
        "  sum: 6 m EUR",
        "  whole: 8 m EUR",
        "  gap: 2 m EUR",
    ]
