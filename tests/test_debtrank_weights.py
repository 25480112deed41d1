"""DebtRank with the economic value of 2012, relative lending, and with values of one's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import random_network
from numpy.testing import assert_allclose

import contagion as ct
from contagion import measures

VARIANTS = ("linear", "single-hit")


@pytest.fixture
def chain() -> ct.ExposureNetwork:
    """a owes b 6, b owes c 3, a owes c 1; equity 2, 12, 4; lending 0, 6, 4."""
    owed = {"creditor": ["b", "c", "c"], "debtor": ["a", "b", "a"], "amount": [6.0, 3.0, 1.0]}
    nodes = {"node": ["a", "b", "c"], "equity": [2.0, 12.0, 4.0], "size": [5.0, 0.0, 15.0]}
    return ct.ExposureNetwork(nodes, pd.DataFrame(owed))


# a: h_b = 6 / 12 = .5, h_c = 1 / 4 + .5 · 3 / 4 = .625. b: h_c = 3 / 4.
BY_HAND = {
    "equity": [(0.5 * 12 + 0.625 * 4) / 18, 0.75 * 4 / 18, 0.0],
    "lending": [(0.5 * 6 + 0.625 * 4) / 10, 0.75 * 4 / 10, 0.0],
    "size": [0.625 * 15 / 20, 0.75 * 15 / 20, 0.0],
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("weights", BY_HAND)
def test_by_hand(chain, variant, weights):
    """W_ij = min(1, A_ji / E_j), v_i = A_i / ΣA: equations 1 to 4 of Battiston et al. (2012)."""
    model = ct.DebtRank(variant, weights=weights)
    assert_allclose(measures.debtrank(chain, model), BY_HAND[weights], atol=1e-9)
    plain = ct.DebtRank(variant)
    assert_allclose(measures.debtrank(chain, plain, weights=weights), BY_HAND[weights], atol=1e-9)
    result = model.propagate(chain, ct.Shock.default("a"))
    assert model.index(result) == pytest.approx(BY_HAND[weights][0])


@pytest.mark.parametrize(
    "weights",
    [
        [5.0, 0.0, 15.0],
        {"c": 3, "a": 1, "b": 0},
        np.array([1, 0, 3]),
        pd.Series([3, 1, 0], list("cab")),
    ],
)
def test_one_reader_for_all_forms(chain, weights):
    want = measures.debtrank(chain, ct.DebtRank(weights="size")).to_numpy()
    model = ct.DebtRank(weights=weights)
    assert_allclose(measures.debtrank(chain, model), want, atol=1e-12)
    assert model == ct.DebtRank(weights=weights) and "weights=" in repr(model)


@pytest.mark.parametrize(
    ("weights", "error", "match"),
    [
        ("sise", KeyError, "Did you mean 'size'"),
        ({"a": 1}, ct.errors.ShockError, "no value for 2 nodes"),
        ([1, -1, 1], ct.errors.ShockError, "weights of 'b' is -1"),
        ([1, 1], ct.errors.ShockError, "one a node"),
        ([1, np.nan, 1], ct.errors.ShockError, "weights of 'b' is nan"),
    ],
)
def test_values_that_cannot_be(chain, weights, error, match):
    with pytest.raises(error, match=match):
        measures.debtrank(chain, ct.DebtRank(weights=weights))


def test_weights_that_are_all_zero_have_a_reason(chain):
    found = measures.debtrank(chain, ct.DebtRank(weights=[0, 0, 0]))
    assert found.isna().all() and set(found.reasons.values()) == {"no node has a weight"}


def test_in_a_ranking(chain):
    models = [ct.DebtRank(), ct.DebtRank(weights="lending"), ct.DebtRank(weights=[5, 0, 15])]
    frame = ct.rank(chain, models)
    names = {"debtrank": "equity", "debtrank.lending": "lending", "debtrank.own weights": "size"}
    for name, weights in names.items():
        assert_allclose(frame.loc[list("abc"), name], BY_HAND[weights], atol=1e-9)
    usual = ct.rank(chain, weights="lending")
    assert_allclose(usual.loc[list("abc"), "debtrank.lending"], BY_HAND["lending"], atol=1e-9)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("seed", range(8))
def test_the_index_is_the_weighted_sum_of_h(seed, variant):
    net = random_network(seed, 9, 2.0, frozenset({"unfailing"} if variant == "linear" else ()))
    values = np.random.default_rng(seed).random(len(net))
    model = ct.DebtRank(variant, weights=values)
    found = measures.debtrank(net, model, recovery=0.3)
    equity = np.maximum(net.book.equity, 0.0)
    for k, node in enumerate(net.names):
        done = model.propagate(net, ct.Shock.default(node, recovery=0.3))
        h = np.minimum(done.loss, equity) / equity  # who cannot fail loses more than it has
        own = h[k] * values[k] / values.sum()
        h[k] = 0.0
        assert found[node] == pytest.approx(h @ values / values.sum(), abs=1e-7)
        if net.book.can_fail[k] and equity[k] > 0:  # h(1) = 1 − recovery at the trigger
            assert model.index(done) + own >= found[node] - 1e-9


def test_on_the_command_line(cli):
    code, out, _ = cli("rank", "bis_cbs_2022q4", "--model", "debtrank", "--weights", "lending")
    assert code == 0 and "DebtRank" in out
    code, _, err = cli("rank", "bis_cbs_2022q4", "--weights", "lendng")
    assert code == 2 and "lendng" in err
