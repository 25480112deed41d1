"""Reverse stress: every answer is run at its size and just below, and no smaller one is missed."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from conftest import from_liabilities, others_slow, random_network

import contagion as ct
from contagion.experiments import reverse
from contagion.experiments.reverse import direction, triggers


@pytest.fixture
def line() -> ct.ExposureNetwork:
    """a owes b 10, b owes c 8; equity 2, 3, 6; external assets 12, 5, 0."""
    return from_liabilities([[0, 10, 0], [0, 0, 8], [0, 0, 0]], [12, 5, 0], [0, 4, 2])


def runs(net, model, losses, fail=(), loss=None):
    """Does a shock, node → money, reach the goal?"""
    if fail:
        failed = model.solve(net, *ct.Shock.loss(losses).arrays(net)).defaulted
        return bool(failed[[net.position(name) for name in fail]].all())
    result = model.propagate(net, ct.Shock.loss(losses))
    base = model.propagate(net).loss.sum()
    return bool(result.loss.sum() - base >= loss * (1 - 1e-9))


def confirmed(net, found, model=None, **goal) -> bool:
    """The goal holds at the shock and not at the same shock a bit smaller."""
    model = model or ct.EisenbergNoe()
    at = dict(found.losses)
    down = {node: x * (1 - 1e-4) for node, x in at.items()}
    return runs(net, model, at, **goal) and not runs(net, model, down, **goal)


# -- the smallest shock, by hand -------------------------------------------------------------


def test_by_hand(line):
    """c fails when b pays less than 2: it has to lose 6 on b, so b 9 of its 3 and 5 outside + 1.

    Through b alone: b's assets 5 are gone, 3 are its equity, 2 reach c (not enough: 6 is needed).
    Together: b loses 5 outside and 4 on a, which has lost 2 + 4 = 6. In all 11.
    """
    found = reverse.smallest_shock(line, fail="c")
    assert found.exact and found.verified
    assert found.size == pytest.approx(11.0, rel=1e-6)
    assert confirmed(line, found, fail=["c"])
    assert found.below < found.size
    alone = reverse.smallest_shock(line, fail="c", hit=["a"])
    assert alone.size == pytest.approx(2 + 3 + 6, rel=1e-6) and list(alone.losses.index) == ["a"]


def test_norms(line):
    """b fails: 3 in all at b. Largest: a loses x, b loses x and x − 2 on a: 2x − 2 = 3."""
    assert reverse.smallest_shock(line, fail="b").size == pytest.approx(3.0, rel=1e-6)
    largest = reverse.smallest_shock(line, fail="b", norm="largest")
    assert largest.size == pytest.approx(2.5, rel=1e-6)
    relative = reverse.smallest_shock(line, fail="b", norm="relative")
    # a loses 12 t, b loses 5 t + 12 t − 2 = 3
    assert relative.size == pytest.approx(5 / 17, rel=1e-6)
    assert confirmed(line, relative, fail=["b"])


def test_a_loss_of_owners(line):
    """One unit at a loses one unit up to 2, then b's: a loss of 5 takes 5; of 11 everything."""
    found = reverse.smallest_shock(line, loss=5.0)
    assert found.size == pytest.approx(5.0, rel=1e-6) and found.exact
    assert confirmed(line, found, loss=5.0)
    assert reverse.smallest_shock(line, loss=11.0).size == pytest.approx(11.0, rel=1e-6)
    none = reverse.smallest_shock(line, loss=12.0)
    assert np.isnan(none.size) and "HiGHS proves" in repr(none)


def test_what_is_lost_before_does_not_count():
    """b is broke by 2 without a shock, which c loses: a loss of 3 more takes 3 more."""
    net = from_liabilities([[0, 1, 0], [0, 0, 8], [0, 0, 0]], [12, 5, 0], [0, 0, 0])
    found = reverse.smallest_shock(net, loss=3.0, hit=["b"])
    assert found.size == pytest.approx(3.0, rel=1e-6)
    assert confirmed(net, found, loss=3.0)


def test_a_shock_that_happens_anyway(line):
    """With 4 of b's assets gone and its equity at −1, b has failed; c needs 5 more on b."""
    given = ct.Shock.loss({"b": 4.0})
    found = reverse.smallest_shock(line, fail="c", given=given)
    assert found.size == pytest.approx(11 - 4, rel=1e-6)
    assert reverse.smallest_shock(line, fail="b", given=given).size == 0.0
    pinned = reverse.smallest_shock(line, fail="c", given=ct.Shock.default("a"))
    # a pays nothing: b has lost 10, c 7 > 6 already
    assert pinned.size == 0.0


# -- against a search that knows nothing -----------------------------------------------------


def grid_search(net, at, steps=8):
    """The smallest of many shocks on a grid over the external assets, by plain runs."""
    assets = np.nan_to_num(net.book.external_assets)
    hit = np.flatnonzero(assets > 0)
    best = np.inf
    axes = [np.linspace(0, assets[i], steps) for i in hit]
    grid = np.array(list(product(*axes)))
    losses = np.zeros((len(grid), len(net)))
    losses[:, hit] = grid
    failed = ct.EisenbergNoe().solve(net, losses).defaulted[:, at]
    if failed.any():
        best = losses[failed].sum(axis=1).min()
    return best


def circles(net) -> bool:
    """Can money go round in the graph?"""
    from scipy.sparse.csgraph import connected_components

    return connected_components(net.liabilities, connection="strong")[0] < len(net)


@pytest.mark.parametrize("seed", others_slow(range(10), keep=4))
def test_no_shock_on_a_grid_is_smaller(seed):
    features = [set(), {"tiers"}, {"pari_passu"}, {"queues"}, {"external_tiers"}][seed % 5]
    net = random_network(seed + 5, 4, 1.8, features)
    model = ct.EisenbergNoe()
    for at in range(4):
        found = reverse.smallest_shock(net, model, fail=net.names[at])
        searched = grid_search(net, at)
        if np.isnan(found.size):
            assert searched == np.inf
            continue
        assert found.verified or circles(net)
        assert found.least <= searched * (1 + 1e-6)
        if found.exact:
            assert found.size <= searched * (1 + 1e-6)
        assert found.exact or circles(net)
        if found.size > 0 and found.verified:
            assert confirmed(net, found, fail=[net.names[at]])


@pytest.mark.parametrize("seed", range(6))
def test_rules_of_venues(seed):
    """Waterfalls, weights, equal losses: the programme follows the ladder of each rule."""
    net = random_network(seed, 6, 2.0, {"venues"})
    for name in net.names[:3]:
        found = reverse.smallest_shock(net, fail=name)
        if found.size > 0:
            assert (found.exact or circles(net)) and confirmed(net, found, fail=[name])
        if found.size > 0 and found.exact:
            line = reverse.smallest_shock(net, fail=name, direction=dict(found.losses))
            assert line.size == pytest.approx(found.size, rel=1e-5)


@pytest.mark.parametrize("norm", ["money", "largest", "relative"])
def test_any_direction_is_never_larger_than_one(norm):
    net = random_network(21, 8, 2.5)
    whole = reverse.smallest_shock(net, fail=net.names[2], norm=norm)
    one = reverse.smallest_shock(net, fail=net.names[2], norm=norm, direction="proportional")
    assert whole.size <= one.size * (1 + 1e-6)
    assert not one.exact and "bracketed" in one.method


# -- other models ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [ct.DebtRank(), ct.models.Furfine(), ct.models.RogersVeraart(0.5, 0.5, which="greatest")],
)
def test_models_without_a_programme_are_bracketed(line, model):
    found = reverse.smallest_shock(line, model, fail="b")
    assert not found.exact and found.verified and type(model).__name__ in found.method
    assert found.size - found.below < 1e-6
    assert runs(line, model, dict(found.losses), fail=["b"])
    assert not runs(
        line, model, {k: v * found.below / found.size for k, v in found.losses.items()}, fail=["b"]
    )


def test_default_costs_need_a_smaller_shock(line):
    """With half of everything lost in default, a failure of a costs b more."""
    dear = reverse.smallest_shock(
        line, ct.models.RogersVeraart(0.5, 0.5, which="greatest"), fail="c", direction={"a": 1.0}
    )
    cheap = reverse.smallest_shock(line, fail="c", direction={"a": 1.0})
    assert dear.size < cheap.size


# -- the fewest triggers ---------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_fewest_triggers_is_the_smallest_set(seed):
    net = random_network(seed, 8, 3.0)
    model = ct.EisenbergNoe()
    for name in net.names[:4]:
        found = reverse.fewest_triggers(net, fail=name, max_size=3)
        others = [n for n in net.names if n != name and net.book.debts[net.position(n)] > 0]
        smallest = None
        for size in range(1, 4):
            hits = [
                chosen
                for chosen in combinations(others, size)
                if model.propagate(
                    net, sum((ct.Shock.default(x) for x in chosen), ct.Shock())
                ).table.loc[name, "defaulted"]
            ]
            if hits:
                smallest = size
                break
        assert len(found.nodes) == (smallest or 0)
        if smallest:
            assert found.exact and found.nodes in hits and found.others == len(hits) - 1
            assert model.propagate(net, found.shock).table.loc[name, "defaulted"]


def test_too_many_sets_go_on_from_the_best(monkeypatch):
    """Five debtors of 4 each against an equity of 15: it takes four, whichever."""
    matrix = np.zeros((6, 6))
    matrix[:5, 5] = 4
    net = ct.ExposureNetwork.from_matrix(
        matrix, list("abcdef"), orientation="debtor->creditor", equity=[1, 1, 1, 1, 1, 15]
    )
    exact = reverse.fewest_triggers(net, fail="f", max_size=5)
    assert len(exact.nodes) == 4 and exact.exact and exact.others == 4
    greedy = reverse.fewest_triggers(net, fail="f", max_size=5, sets=6)
    assert len(greedy.nodes) == 4 and not greedy.exact and greedy.least == 2
    assert "any set needs 2 or more" in repr(greedy)
    none = reverse.fewest_triggers(net, fail="f", max_size=3)
    assert none.nodes == () and none.least == 4 and "No 3 or fewer" in repr(none)


def test_triggers_of_a_loss(line):
    found = reverse.fewest_triggers(line, loss=11.0)
    assert found.nodes == ("a",) and found.exact
    assert ct.EisenbergNoe().propagate(line, found.shock).loss.sum() == pytest.approx(11.0)


# -- buffers ---------------------------------------------------------------------------------


def test_break_even_fund_with_a_cycle():
    """a and b owe each other 10, a owes c 5. a has 3 outside and loses it."""
    net = from_liabilities([[0, 10, 5], [10, 0, 0], [0, 0, 0]], [6, 1, 0], [0, 0, 0])
    found = reverse.break_even_fund(net, "a", ct.Shock.loss({"a": 3.0}))
    # a has 3 + 10 from b once it pays in full, and owes 15
    assert found.need == pytest.approx(2.0) and found.verified
    assert found.saved > 0


def test_nothing_is_needed(line):
    found = reverse.break_even_fund(line, "b", ct.Shock.loss({"a": 1.0}))
    assert found.need == 0 and found.verified and "without a buffer" in repr(found)


@pytest.mark.parametrize("seed", range(8))
def test_break_even_is_confirmed(seed):
    net = random_network(seed, 8, 2.5, {"tiers"} if seed % 2 else {"queues"})
    assets = net.book.external_assets
    at = int(np.argmax(assets))
    shock = ct.Shock.loss({net.names[at]: float(assets[at])})
    found = reverse.break_even_fund(net, net.names[at], shock)
    assert found.verified
    model = ct.EisenbergNoe()
    more = net.with_nodes(external_assets={found.node: float(assets[at]) + found.need})
    result = model.propagate(more, shock)
    assert not result.table.loc[found.node, "defaulted"]
    before = model.propagate(net, shock)
    others = np.arange(len(net)) != at
    saved = (before.loss + before.outside_losses - result.loss - result.outside_losses)[others]
    assert found.saved == pytest.approx(saved.sum(), abs=1e-7)


def test_consistent_buffers_of_the_crypto_credit_chain():
    """Three Arrows pays nothing: what Deribit must have had, and what the others did not."""
    net = ct.datasets.load("cefi_credit_2022")
    events = ct.datasets.outcomes("cefi_credit_2022").query(
        "what == 'failed' and node in @net.names"
    )
    stood = events.query("value == 0")["node"].tolist()
    fell = events.query("value == 1 and node not in ['three_arrows', 'alameda']")["node"].tolist()
    found = reverse.consistent_buffers(
        net, ct.Shock.default("three_arrows"), survived=stood, failed=fell
    )
    assert found["verified"].all()
    assert found.loc["deribit", "at_least"] == pytest.approx(80e6)
    assert found.loc["voyager", "below"] == pytest.approx(685e6)
    assert found.loc["genesis", "below"] == pytest.approx(1_200e6)
    # its capital is an assumption (100m): the loss of 80m alone does not explain its failure
    assert found.loc["blockfi", "consistent"] is False
    assert found.loc["blockfi", "below"] == pytest.approx(80e6)
    assert found.loc["deribit", "consistent"] is None


def test_bounds_in_a_cycle_are_those_of_paying_in_full():
    """a and b owe each other; b's bound is what it loses while it pays, not while it fails."""
    net = from_liabilities([[0, 10, 5], [10, 0, 0], [0, 0, 0]], [6, 1, 0], [0, 0, 0])
    shock = ct.Shock.loss({"a": 4.0})
    found = reverse.consistent_buffers(net, shock, failed=["a", "b"])
    assert found["verified"].all()
    # a owes 15 and has 2 + 10: it misses 3 and pays b 10 · 12/15 = 8
    assert found.loc["b", "below"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda n: reverse.smallest_shock(n), ValueError, "Give one goal"),
        (lambda n: reverse.smallest_shock(n, fail="b", loss=1.0), ValueError, "Give one goal"),
        (lambda n: reverse.smallest_shock(n, loss=-1.0), ValueError, "loss = -1"),
        (lambda n: reverse.smallest_shock(n, fail="x"), KeyError, "'x'"),
        (lambda n: reverse.smallest_shock(n, fail="b", norm="mony"), ValueError, "money"),
        (lambda n: reverse.smallest_shock(n, fail="b", hit=["x"]), KeyError, "'x'"),
        (lambda n: reverse.smallest_shock(n, fail="b", direction="x"), ValueError, "proportional"),
        (lambda n: reverse.smallest_shock(n, fail="b", direction={"c": 1}), ValueError, "weights"),
        (
            lambda n: reverse.smallest_shock(n, fail="a", given=ct.Shock.default("a")),
            ValueError,
            "sets 'a' to default",
        ),
        (lambda n: reverse.fewest_triggers(n, fail="b", max_size=0), ValueError, "max_size = 0"),
        (lambda n: reverse.fewest_triggers(n, fail="b", candidates=["x"]), KeyError, "'x'"),
        (
            lambda n: reverse.break_even_fund(n, "a", ct.Shock.default("a")),
            ValueError,
            "whatever its funds",
        ),
        (
            lambda n: reverse.break_even_fund(n, "b", ct.Shock(), ct.DebtRank()),
            ct.ModelError,
            "DebtRank",
        ),
        (
            lambda n: reverse.consistent_buffers(n, ct.Shock(), survived=["a"], failed=["a"]),
            ValueError,
            "in both survived= and failed=",
        ),
        (
            lambda n: reverse.consistent_buffers(n, ct.Shock.default("a"), survived=["a"]),
            ValueError,
            "the shock sets it to default",
        ),
    ],
)
def test_errors(line, call, error, words):
    with pytest.raises(error, match=words):
        call(line)


def test_a_node_that_cannot_fail_is_no_goal():
    net = ct.datasets.load("cefi_credit_2022")
    with pytest.raises(ValueError, match="cannot fail in these data"):
        reverse.smallest_shock(net, fail="deribit")


def test_a_venue_whose_waterfall_absorbs():
    """Three venues: claims of the exchange are written down before anybody calls it default."""
    net = ct.datasets.load("three_venues")
    found = reverse.break_even_fund(net, "exchange", ct.Shock.default("desk"))
    assert found.verified and found.need > 0
    shock = reverse.smallest_shock(net, fail="exchange")
    assert shock.verified
    at = net.position("exchange")
    outcome = ct.EisenbergNoe().solve(net, *shock.shock.arrays(net))
    assert outcome.defaulted[at]


@pytest.mark.parametrize("norm", ["money", "largest", "relative"])
def test_the_best_of_many_directions_is_that_of_each_alone(norm):
    model = ct.models.RogersVeraart(0.9, 0.9, which="greatest")
    for seed in range(4):
        net = random_network(seed + 30, 8, 3.0)
        assets = net.book.external_assets
        options = {"loss": 0.5 * float(np.maximum(net.book.equity, 0).sum()), "norm": norm}
        found = reverse.smallest_shock(net, model, **options)
        lines = [{name: 1.0} for name, a in zip(net.names, assets, strict=True) if a > 0]
        alone = [reverse.smallest_shock(net, model, direction=each, **options) for each in lines]
        alone.append(reverse.smallest_shock(net, model, direction="proportional", **options))
        assert found.size == pytest.approx(np.nanmin([each.size for each in alone]), rel=1e-6)
        assert found.verified


def test_single_nodes_that_a_large_network_leaves_out_are_said(line, monkeypatch):
    """Those from which most can arrive are run; the node that has to fail is one of them."""
    whole = reverse.smallest_shock(line, ct.models.RogersVeraart(1.0, 1.0), fail="c")
    monkeypatch.setattr(direction, "ENTRIES", 1)
    monkeypatch.setattr(direction, "FEWEST", 1)
    some = reverse.smallest_shock(line, ct.models.RogersVeraart(1.0, 1.0), fail="c")
    assert some.size == pytest.approx(whole.size)
    assert "nodes alone" in some.method and "nodes alone" not in whole.method


def test_batches_of_sets_do_not_add_nodes(monkeypatch):
    """The search goes on from one set, also where a later batch finds a worse one of its size."""
    monkeypatch.setattr(triggers, "CHUNK", 1)
    net = random_network(11, 14, 4.0)
    loss = 0.95 * float(np.maximum(net.book.equity, 0).sum())
    found = reverse.fewest_triggers(net, loss=loss, max_size=3, sets=14)
    assert len(found.nodes) <= 3
    whole = reverse.fewest_triggers(net, loss=1e9, max_size=3, sets=14)
    assert whole.nodes == () and whole.tried <= 3 * 14
