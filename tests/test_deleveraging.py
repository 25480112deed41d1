"""What a larger shock does under threshold deleveraging: less than one would hope for."""

from __future__ import annotations

import checks
import numpy as np
import pytest
import reference_firesale as plain
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st
from test_hops import network

import contagion as ct
from contagion.models.portfolios import Portfolios

seeds, sizes = st.integers(0, 10_000), st.integers(2, 9)


@pytest.mark.parametrize("shortfall", [1.0, 0.5])
@pytest.mark.parametrize("target", [8.0, 5.0])
@given(seed=seeds, n=sizes)
@examples(40)
def test_in_one_round_a_larger_shock_means_more_sales_and_lower_prices(shortfall, target, seed, n):
    """While shocks hit other assets: then the value of what is held does not change with them."""
    net, rng = plain.network(seed, n), np.random.default_rng(seed)
    cash = (held := Portfolios.of(net)).outside - held.value
    small = cash * rng.random(n) * (rng.random(n) < 0.5)
    large = small + (cash - small) * rng.random(n) * (rng.random(n) < 0.5)
    model = ct.models.ThresholdDeleveraging(8.0, target, shortfall=shortfall, rounds=1)
    shocks = [ct.Shock.loss(dict(zip(net.names, x, strict=True))) for x in (small, large)]
    less, more = (model.market(net, shock) for shock in shocks)
    room = 1e-9 * checks.scale(net)
    assert (more["sold"] >= less["sold"] - room).all()
    assert (more["price"] <= less["price"] + 1e-9).all()
    if shortfall == 1.0:  # who sells bears the whole fall as well
        one, two = (model.propagate(net, shock).outcome.equity for shock in shocks)
        assert (two <= one + room).all()


def test_over_rounds_a_larger_shock_can_leave_prices_higher_and_all_together_better_off():
    """a has 105 against 94, b 100 against 94; the limit is 10 times. b sells at once, and a when X
    has fallen; with a loss of 1 a is above the limit from the start and sells with b, for more."""
    net = network({"a": 105, "b": 100}, {"a": 94, "b": 94}, {("a", "X"): 100, ("b", "X"): 100})
    model = ct.models.ThresholdDeleveraging(10.0, 8.0, depth=200, shortfall=1.0)
    shock = ct.Shock.loss({"a": 1.0})
    price = [model.market(net, s).loc["X", "price"] for s in (ct.Shock(), shock)]
    assert price == pytest.approx([0.435797, 0.447538], abs=1e-6)
    without, hit = (model.propagate(net, s).outcome.equity for s in (ct.Shock(), shock))
    assert hit[0] > without[0] + 5  # the node that was hit
    assert hit[1] < without[1] - 3
    assert hit.sum() > without.sum() + 1


# -- numbers and formulas of others -------------------------------------------------------------


def test_the_two_banks_of_a_published_implementation():
    """src/models/csmodel.jl of github.com/wolfstam/FinNetValu @ 3153ab8, which names Cont and
    Schaanning (2017), and the numbers in its test/models/test_csmodel.jl @ 3480239, as rounded
    there: capital and price after the first round, parts sold in the first three."""
    net = network({"1": 100, "2": 90}, {"1": 96, "2": 85.5}, {("1", "X"): 90, ("2", "X"): 70})
    depth = ct.models.ThresholdDeleveraging.market_depth(50, 0.02, days=20, scale=0.4)
    assert depth == pytest.approx(4472.14, abs=5e-3)
    shock = ct.Shock.loss({"1": 2.0})
    options = {"depth": depth, "floor": 0.5, "shortfall": 0.5}

    def after(rounds: int) -> ct.models.ThresholdDeleveraging:
        return ct.models.ThresholdDeleveraging(33.3, 0.95 * 33.3, rounds=rounds, **options)

    equity = after(1).propagate(net, shock).outcome.equity
    assert equity == pytest.approx([1.44, 3.96], abs=5e-3)
    assert after(1).market(net, shock).loc["X", "price"] == pytest.approx(0.99229, abs=5e-6)
    sold = [0.0, *(after(k).market(net, shock).loc["X", "sold"] for k in (1, 2, 3))]
    parts = [(sold[k + 1] - sold[k]) / (90 - sold[k]) for k in range(3)]  # bank 2 sells nothing
    assert parts == pytest.approx([0.39, 0.32, 0.15], abs=5e-3)


@given(seed=seeds, n=sizes)
@examples(30)
def test_vulnerability_is_that_of_a_published_implementation(seed, n):
    """Mode REAL of Vulnerable_Banks.m in github.com/domenicodigangi/
    MaximumEntropyNetworksErgmMatlab @ 92baff0, which names Greenwood, Landier and Thesmar (2015).

    Dense, with sizes, leverage (size − equity) / equity and returns r on all assets.
    """
    net, rng = plain.network(seed, n), np.random.default_rng(seed)
    own = plain.held(net)
    x = np.array([own[a] for a in plain.ASSETS]).T
    illiquidity = rng.uniform(0.0, 0.02, 3)
    size, equity = net.book.external_assets + net.book.claims, net.book.equity
    lost = size * rng.uniform(0.0, 0.02, n)
    leverage, r = (size - equity) / equity, lost / size
    systemic = leverage * r * (x @ (illiquidity * x.sum(axis=0))) / equity.sum()
    vulnerable = (x * illiquidity * ((leverage * r) @ x)).sum(axis=1) / equity
    model = ct.models.LeverageTargeting(depth=dict(zip(plain.ASSETS, 1 / illiquidity, strict=True)))
    found = model.vulnerability(net, ct.Shock.loss(dict(zip(net.names, lost, strict=True))))
    np.testing.assert_allclose(found.table["systemicness"], systemic, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(found.table["indirect_vulnerability"], vulnerable, rtol=1e-9)
    assert found.aggregate == pytest.approx(systemic.sum(), rel=1e-9)
