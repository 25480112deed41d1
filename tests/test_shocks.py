"""Shocks: what they destroy, what they refuse, how they add."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest

import contagion as ct


def arrays(shock, net):
    losses, pins, _ = shock.arrays(net)
    return losses.tolist(), [None if math.isnan(x) else x for x in pins]


def test_no_shock(chain):
    assert arrays(ct.Shock(), chain) == ([0, 0, 0, 0], [None] * 4)
    assert repr(ct.Shock()) == "Shock()"


def test_loss_destroys_external_assets(chain):
    assert arrays(ct.Shock.loss({"a": 8, "d": 1.0}), chain)[0] == [8, 0, 0, 1]


def test_losses_of_one_node_add_up(chain):
    assert arrays(ct.Shock.loss({"a": 3}) + ct.Shock.loss({"a": 4}), chain)[0] == [7, 0, 0, 0]


@pytest.mark.parametrize("amount", [-1.0, math.nan, math.inf])
def test_a_loss_is_a_finite_amount(amount):
    with pytest.raises(ct.ShockError, match=r"'a' is .* has to be >= 0 and finite"):
        ct.Shock.loss({"a": amount})


def test_nobody_loses_more_than_there_is(chain):
    with pytest.raises(ct.ShockError, match="'a' has external assets of 12 and cannot lose 13"):
        ct.Shock.loss({"a": 13}).arrays(chain)
    with pytest.raises(ct.ShockError, match="2 such nodes"):
        ct.Shock.loss({"a": 13, "b": 2}).arrays(chain)
    # two halves are as much as one whole
    with pytest.raises(ct.ShockError, match="cannot lose 13"):
        (ct.Shock.loss({"a": 6}) + ct.Shock.loss({"a": 7})).arrays(chain)


def test_rounding_is_not_more_than_there_is(chain):
    third = chain.with_nodes(external_assets={"a": 0.1 + 0.2, "b": 1.0, "c": 8.0, "d": 1.0})
    losses, _, _ = (ct.Shock.loss({"a": 0.3}) + ct.Shock.loss({"a": 4e-17})).arrays(third)
    assert losses[0] <= third.book.external_assets[0]


def test_relative_hits_all_or_some(chain):
    assert arrays(ct.Shock.relative(0.25), chain)[0] == [3, 0.25, 0, 0.25]
    assert arrays(ct.Shock.relative(0.5, ["a", "d"]), chain)[0] == [6, 0, 0, 0.5]
    with pytest.raises(ct.ShockError, match="between 0 and 1"):
        ct.Shock.relative(1.5)


def test_default_pins_the_recovery(chain):
    assert arrays(ct.Shock.default("b", recovery=0.05), chain) == (
        [0, 0, 0, 0],
        [None, 0.05, None, None],
    )
    assert arrays(ct.Shock.default("b"), chain)[1] == [None, 0.0, None, None]


@pytest.mark.parametrize("recovery", [-0.1, 1.1, math.nan])
def test_a_recovery_lies_between_nothing_and_all(recovery):
    with pytest.raises(ct.ShockError, match=r"has to lie in \[0, 1\]"):
        ct.Shock.default("a", recovery=recovery)


def test_one_node_has_one_recovery(chain):
    twice = ct.Shock.default("a", 0.3) + ct.Shock.default("a", 0.3)
    assert arrays(twice, chain)[1] == [0.3, None, None, None]
    with pytest.raises(ct.ShockError, match=r"'a' defaults twice, with recovery 0.3 and 0.4"):
        ct.Shock.default("a", 0.3) + ct.Shock.default("a", 0.4)


def test_a_recovery_above_what_there_is_left_is_refused(chain):
    with pytest.raises(ct.ShockError, match="'b' is said to recover 1 of face"):
        ct.EisenbergNoe().propagate(
            chain, ct.Shock.default("a") + ct.Shock.default("b", recovery=1.0)
        )
    # 12 less the 5 that it loses are 7, 0.7 of what it owes
    both = ct.Shock.loss({"a": 5.0}) + ct.Shock.default("a", recovery=0.7)
    assert ct.EisenbergNoe().propagate(chain, both).socialization.initial_loss == pytest.approx(5)
    with pytest.raises(ct.ShockError, match=r"'a' is said to recover 0\.8 of face, 1 more"):
        more = ct.Shock.loss({"a": 5.0}) + ct.Shock.default("a", recovery=0.8)
        ct.EisenbergNoe().propagate(chain, more)


@pytest.mark.parametrize(
    "shock",
    [ct.Shock.loss({"nodde": 1}), ct.Shock.default("nodde"), ct.Shock.relative(0.1, ["nodde"])],
)
def test_unknown_names_bring_the_closest(shock):
    net = ct.ExposureNetwork.from_matrix(
        [[0, 1], [0, 0]], ["node", "other"], orientation="debtor->creditor", equity=[1, 1]
    )
    with pytest.raises(ct.UnknownNameError, match=r"Unknown node 'nodde'. Did you mean 'node'?"):
        shock.arrays(net)


@pytest.fixture
def holders() -> ct.ExposureNetwork:
    nodes = pd.DataFrame({"node": ["a", "b", "c"], "external_assets": [10.0, 5.0, 1.0]})
    owed = pd.DataFrame({"creditor": ["b"], "debtor": ["a"], "amount": [4.0]})
    holdings = pd.DataFrame(
        {"node": ["a", "a", "b"], "asset": ["eth", "btc", "eth"], "value": [6.0, 2.0, 5.0]}
    )
    return ct.ExposureNetwork(nodes, owed, holdings=holdings)


def test_prices_move_what_nodes_hold(holders):
    assert arrays(ct.Shock.price({"eth": -0.5}), holders)[0] == [3, 2.5, 0]
    both = ct.Shock.price({"eth": -0.5, "btc": -1.0})
    assert arrays(both, holders)[0] == [5, 2.5, 0]
    mixed = ct.Shock.price({"eth": -0.5, "btc": 0.5})
    assert arrays(mixed, holders)[0] == [2, 2.5, 0]


def test_prices_refused(holders, chain):
    with pytest.raises(ct.ShockError, match="gain for 'a'"):
        ct.Shock.price({"btc": 0.5}).arrays(holders)
    with pytest.raises(ct.UnknownNameError, match=r"Unknown asset 'ethh'. Did you mean 'eth'"):
        ct.Shock.price({"ethh": -0.5}).arrays(holders)
    with pytest.raises(ct.UnknownNameError, match="no table of holdings"):
        ct.Shock.price({"eth": -0.5}).arrays(chain)
    with pytest.raises(ct.ShockError, match="it has to be >= -1"):
        ct.Shock.price({"eth": -1.5})


def test_addition_keeps_everything_and_changes_nothing(chain):
    one, two = ct.Shock.loss({"a": 8}), ct.Shock.default("b", 0.4)
    both = one + two + ct.Shock.relative(0.1, ["d"]) + ct.Shock()
    assert arrays(both, chain) == ([8, 0, 0, 0.1], [None, 0.4, None, None])
    assert one == ct.Shock.loss({"a": 8}) and two == ct.Shock.default("b", 0.4)
    assert both + ct.Shock() == both
    assert hash(both) == hash(one + two + ct.Shock.relative(0.1, ["d"]))
    with pytest.raises(TypeError):
        one + {"a": 3}  # type: ignore[operator]


def test_a_shock_is_frozen_and_its_repr_makes_it_again():
    shock = ct.Shock.loss({"a": 8.0}) + ct.Shock.default("b", recovery=0.4)
    shock = shock + ct.Shock.price({"eth": -0.5}) + ct.Shock.relative(0.1)
    assert eval(repr(shock), {"Shock": ct.Shock}) == shock
    assert eval(repr(ct.Shock.relative(0.1, ["d"])), {"Shock": ct.Shock}).fractions == (("d", 0.1),)
    with pytest.raises(FrozenInstanceError):
        shock.losses = ()  # type: ignore[misc]


def test_a_shock_on_a_node_with_unknown_assets():
    nodes = pd.DataFrame({"node": ["a", "b"], "external_assets": [5.0, np.nan]})
    owed = pd.DataFrame({"creditor": ["b"], "debtor": ["a"], "amount": [4.0]})
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external")
    losses, _, _ = ct.Shock.loss({"b": 3.0}).arrays(net)
    assert losses.tolist() == [0, 3]
    losses, _, _ = ct.Shock.relative(0.5).arrays(net)
    assert losses.tolist() == [2.5, 0]
    result = ct.EisenbergNoe().propagate(net, ct.Shock.loss({"b": 3.0}))
    assert result.table.loc["b", "loss"] == 3


def test_names_need_not_be_text():
    net = ct.ExposureNetwork.from_matrix(
        [[0, 1], [0, 0]], [10, 20], orientation="debtor->creditor", external_assets=[4, 0]
    )
    assert ct.Shock.loss({10: 3.0}).arrays(net)[0].tolist() == [3, 0]
    with pytest.raises(ct.UnknownNameError, match=r"Unknown node '10'|Did you mean"):
        ct.Shock.loss({"10": 3.0}).arrays(net)
