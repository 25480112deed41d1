"""Shocks on equity, absolute and relative, also where nothing but equity is known."""

from __future__ import annotations

import re

import numpy as np
import pytest
from conftest import examples, random_network
from hypothesis import given
from hypothesis import strategies as st

import contagion as ct
from contagion.plot.pieces import shock_words

ShockError = ct.errors.ShockError


@pytest.fixture
def bare() -> ct.ExposureNetwork:
    """a owes b 10, c owes a 30; equity 20, 12, 40. The least external assets of a are 0."""
    return ct.ExposureNetwork.from_matrix(
        [[0, 10, 0], [0, 0, 0], [30, 0, 0]],
        ["a", "b", "c"],
        orientation="debtor->creditor",
        equity=[20, 12, 40],
    )


def lost(shock: ct.Shock, net: ct.ExposureNetwork) -> list[float]:
    return shock.arrays(net).losses.tolist()


def test_equity_is_lost_in_money_and_in_parts(bare):
    assert lost(ct.Shock.equity({"a": 3}), bare) == [3, 0, 0]
    assert lost(ct.Shock.equity(relative={"a": 0.2, "b": 0.5}), bare) == [4, 6, 0]
    assert lost(ct.Shock.equity(relative=0.1), bare) == pytest.approx([2, 1.2, 4])
    both = ct.Shock.equity({"a": 3}, relative={"a": 0.2})
    assert lost(both, bare) == [7, 0, 0]
    assert lost(ct.Shock.equity({"a": 3}) + ct.Shock.equity(relative={"a": 0.2}), bare) == [7, 0, 0]
    assert eval(repr(both), {"Shock": ct.Shock}) == both


def test_equity_in_words(bare):
    shock = ct.Shock.equity({"a": 3.0}) + ct.Shock.equity(relative=0.1)
    words = "a loses 3 of its equity and every node loses 10% of its equity."
    assert shock_words(bare, shock) == words


def test_debtrank_of_a_first_distress(bare):
    """h(a) = .2 at the start; b has 10 on a: it loses 2."""
    result = ct.DebtRank().propagate(bare, ct.Shock.equity(relative={"a": 0.2}))
    assert result.loss.tolist() == pytest.approx([4, 2, 0])


def test_money_is_conserved_where_more_than_external_assets_is_lost(bare):
    """c pays nothing of 30: a is left with −15 against 10, and its own 15 were somebody's too."""
    shock = ct.Shock.equity({"a": 15}) + ct.Shock.default("c")
    result = ct.EisenbergNoe().propagate(bare, shock)
    assert result.loss.tolist() == [20, 10, 40]
    assert result.outside_losses.tolist() == [15, 0, 0]
    assert result.socialization.initial_loss == 15 + 40 + 30
    assert result.audit()["ok"].all()


@given(seed=st.integers(0, 10_000), n=st.integers(2, 9), known=st.booleans())
@examples(30)
def test_clearing_with_lost_equity_is_clearing_with_more_outside(seed, n, known):
    """The same as external assets and liabilities that are higher by what is lost."""
    net = random_network(seed, n, 2.0, frozenset({"tiers"}))
    if not known:
        equity = np.maximum(net.book.equity, 0.1)
        nodes = net.nodes[["node"]].assign(equity=equity)
        net = ct.ExposureNetwork(nodes, net.exposures)
    rng = np.random.default_rng(seed)
    part = dict(zip(net.names, rng.random(n) * (net.book.equity > 0), strict=True))
    shock = ct.Shock.equity(relative={node: p for node, p in part.items() if p})
    hit = net.names[int(rng.integers(n))]
    found = ct.EisenbergNoe().propagate(net, shock + ct.Shock.default(hit))
    gone, book = shock.arrays(net).losses, net.book
    wide = net.with_nodes(
        external_assets=book.external_assets + gone,
        external_liabilities=book.external_liabilities + gone,
    )
    more = ct.Shock.loss(dict(zip(net.names, gone, strict=True))) + ct.Shock.default(hit)
    want = ct.EisenbergNoe().propagate(wide, more)
    free = np.flatnonzero(net.names != hit)
    room = 1e-8 * float(book.external_assets.sum() + book.claims.sum())
    np.testing.assert_allclose(found.outcome.equity[free], want.outcome.equity[free], atol=room)
    np.testing.assert_allclose(found.payments, want.payments, atol=room)
    np.testing.assert_allclose(found.loss, want.loss, atol=room)
    np.testing.assert_allclose(found.outside_losses[free], want.outside_losses[free], atol=room)


@pytest.mark.parametrize("name", ct.models.MODELS)
def test_every_model_takes_equity(bare, name):
    """A shock of a fifth of each equity costs the owners that, before any contagion."""
    result = ct.models.MODELS[name]().propagate(bare, ct.Shock.equity(relative=0.2))
    assert (result.loss >= 0.2 * bare.book.equity - 1e-9).all()
    np.testing.assert_allclose(result.direct_loss, 0.2 * bare.book.equity)


def test_scenarios_of_equity_shocks(bare):
    shocks = {"mild": ct.Shock.equity(relative=0.1), "hard": ct.Shock.equity({"a": 15.0})}
    drawn = ct.scenarios.from_shocks(bare, shocks)
    assert lost(drawn.shock(1), bare) == [15, 0, 0]
    text = ct.scenarios.to_toml(drawn)
    assert ct.scenarios.from_toml(text, bare).digest() == drawn.digest()
    test = ct.stress_test(bare, ct.DebtRank(), drawn)
    assert test.scenarios["direct_loss"].tolist() == pytest.approx([7.2, 15.0])
    axes = {"a": [ct.Shock.equity({"a": x}) for x in (5.0, 10.0)],
            "all": [ct.Shock(), ct.Shock.equity(relative=0.5)]}  # fmt: skip
    assert ct.scenarios.grid(bare, axes).draw(3, 4).losses.tolist() == [[20, 6, 20]]


# -- what does not fit --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shock", "said"),
    [
        (ct.Shock.equity({"a": 21.0}), r"'a' has equity of 20 and cannot lose 21 of it"),
        (ct.Shock.equity({"aa": 1.0}), r"Unknown node 'aa'"),
        (ct.Shock.equity(relative={"d": 0.1}), r"'d' has no known positive equity"),
    ],
)
def test_equity_that_is_not_there(shock, said):
    net = ct.ExposureNetwork.from_matrix(
        [[0, 10, 0, 0], [0, 0, 0, 0], [30, 0, 0, 0], [0, 0, 0, 0]],
        list("abcd"),
        orientation="debtor->creditor",
        external_assets=[0, 2, 70, 5],
        external_liabilities=[0, 0, 0, 6],
    )
    with pytest.raises(ct.errors.ContagionError, match=said):
        shock.arrays(net)
    assert lost(ct.Shock.equity(relative=0.5), net) == [10, 6, 20, 0]


def test_amounts_and_parts_out_of_range():
    with pytest.raises(ShockError, match="loss of equity of 'a' is -1"):
        ct.Shock.equity({"a": -1})
    with pytest.raises(ShockError, match="between 0 and 1"):
        ct.Shock.equity(relative={"a": 1.2})


@pytest.mark.parametrize("nodes", [None, ["a", "b"]])
def test_a_part_of_derived_external_assets_is_refused_and_the_fix_works(bare, nodes):
    with pytest.raises(ShockError, match="Only the equity of 'a', 'b'") as found:
        ct.Shock.relative(0.25, nodes).arrays(bare)
    fix = re.search(r"Shock\.equity\(.*?\)(?=, or)", str(found.value))
    assert fix is not None
    after = eval(fix.group(), {"Shock": ct.Shock})
    assert lost(after, bare)[:2] == [5, 3]


def test_default_costs_do_not_lower_what_is_owed(bare):
    """a gets 15 of its 30: less the 15 that it lost that is nothing, half of 15 less 15 is −7.5."""
    shock = ct.Shock.equity({"a": 15}) + ct.Shock.default("c", recovery=0.5)
    result = ct.models.RogersVeraart(0.5, 0.5).propagate(bare, shock)
    assert result.payments["a"] == 0.0
    assert result.outcome.deadweight.tolist() == [7.5, 0, 0]
    assert result.outside_losses.tolist() == [7.5, 0, 0]
    assert result.audit()["ok"].all()
