"""Estimates from a draw: right on average, and off by about as much as they say."""

import re

import numpy as np
import pytest

import contagion as ct
from contagion import measures
from contagion.errors import ArgumentError

COSTLY = [m for m in measures.MEASURES.values() if m.drawn]


def fragile(n=60, seed=3):
    """Most claims are larger than the equity of who holds them: long cycles of defaults."""
    rng = np.random.default_rng(seed)
    claims = np.where(rng.random((n, n)) < 0.1, rng.lognormal(0.0, 1.0, (n, n)), 0.0)
    np.fill_diagonal(claims, 0.0)
    return ct.ExposureNetwork.from_matrix(
        claims, [f"b{i}" for i in range(n)], orientation="creditor->debtor", equity=np.full(n, 0.7)
    )


def told(found):
    """The largest standard error of an estimate, as its note says."""
    return float(re.search(r"standard error ([\d.e+-]+) at most", found.notes[0])[1])


@pytest.mark.parametrize("measure", COSTLY, ids=lambda m: m.name)
def test_right_on_average_and_off_by_what_it_says(measure):
    net = fragile()
    exact = measure.of(net)
    found = [measure.of(net, k=30, rng=seed) for seed in range(60)]
    say = np.mean([told(each) for each in found])
    apart = np.array([each.values - exact.values for each in found])
    assert (np.isnan(apart) == np.isnan(exact.to_numpy())).all()
    apart = apart[:, np.isfinite(exact.to_numpy())]
    off = np.sqrt((apart**2).mean(axis=0))
    assert off.max() < 1.5 * say
    assert say < 5 * off.max()  # the largest of many errors is larger than each
    mean = np.abs(apart.mean(axis=0))
    assert (mean - 5 * off / np.sqrt(len(found))).max() < 0.02 * np.nanmax(exact)


@pytest.mark.parametrize("measure", COSTLY, ids=lambda m: m.name)
def test_the_same_seed_gives_the_same_numbers(measure):
    net = fragile()
    first, again = (measure.of(net, k=30, rng=0) for _ in range(2))
    assert first.equals(again.values) and first.notes == again.notes


@pytest.mark.parametrize("name", ["betweenness", "harmonic"])
def test_all_nodes_are_no_estimate(name):
    net = fragile()
    of = measures.MEASURES[name].of
    whole = of(net, k=len(net), rng=1)
    assert whole.notes == ()
    np.testing.assert_allclose(whole, of(net), rtol=1e-12)
    for k in (0, len(net) + 1):
        with pytest.raises(ArgumentError, match=f"k={k}"):
            of(net, k=k)


def test_a_ring_of_payments_is_estimated_too():
    """The slowest walk there is: every step leads to the next node."""
    n = 50
    net = ct.ExposureNetwork.from_matrix(
        np.roll(np.eye(n), 1, axis=1), list(range(n)), orientation="debtor->creditor",
        equity=np.ones(n),
    )  # fmt: skip
    exact, found = measures.sinkrank(net), measures.sinkrank(net, k=200, rng=0)
    assert np.abs(found.values - exact.values).max() < 3 * told(found)
    assert found.max() <= 1
