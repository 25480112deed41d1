"""What every scenario set keeps: streams that do not depend on chunks, order or process."""

from __future__ import annotations

import itertools
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import contagion as ct
from contagion import scenarios as sc
from contagion.scenarios.scenario_set import block_size, seed_of

ROOT = Path(__file__).resolve().parent.parent
NAMES = ["d", "a", "c", "b", "e"]  # not sorted, so that order matters
WORTH = [40.0, 10.0, 30.0, 20.0, 50.0]


def network(names=tuple(NAMES)) -> ct.ExposureNetwork:
    """Five nodes with holdings; the same tables in the order of `names`."""
    worth = dict(zip(NAMES, WORTH, strict=True))
    nodes = pd.DataFrame(
        {
            "node": list(names),
            "external_assets": [worth[name] for name in names],
            "pd": [worth[name] / 200 for name in names],
        }
    )
    owed = pd.DataFrame({"creditor": ["a", "b"], "debtor": ["b", "c"], "amount": [1.0, 2.0]})
    held = pd.DataFrame(
        {
            "node": ["a", "b", "b", "d"],
            "asset": ["X", "X", "Y", "Y"],
            "value": [8.0, 5.0, 10.0, 40.0],
        }
    )
    held = held.iloc[:: 1 if names[0] == NAMES[0] else -1]
    return ct.ExposureNetwork(nodes, owed, holdings=held)


NET = network()
PAST = pd.DataFrame(np.random.default_rng(3).normal(-0.02, 0.1, (50, 5)), columns=NAMES)
MOVES = pd.DataFrame(np.random.default_rng(4).normal(-0.02, 0.1, (40, 2)), columns=["X", "Y"])
LOADINGS = pd.DataFrame({0: [0.5, 0.1, 0.3, 0.9, 0.2], 1: [0.2, -0.4, 0.3, 0.1, 0.0]}, NAMES)
MATRIX = pd.DataFrame(0.3 + 0.7 * np.eye(5), NAMES, NAMES)
BETAS = {name: stats.beta(2, b) for b, name in enumerate(NAMES, start=3)}
SOME = {"scenarios": 2500, "rng": 11}
POINTS = {"scenarios": 4096, "sampling": sc.Sampling(sobol=True, replicates=2), "rng": 11}

MAKERS = {
    "one factor": lambda n: sc.common_factor(n, **SOME),
    "student": lambda n: sc.common_factor(n, degrees=4, mean=0.01, volatility="pd", **SOME),
    "tilted": lambda n: sc.common_factor(
        n, sampling=sc.Sampling(tilt=2.5, antithetic=True), **SOME
    ),
    "student tilted": lambda n: sc.common_factor(
        n, degrees=4, sampling=sc.Sampling(tilt=2.5, plain=0.2), **SOME
    ),
    "sobol": lambda n: sc.common_factor(n, **POINTS),
    "sobol small": lambda n: sc.common_factor(
        n, scenarios=2048, sampling=sc.Sampling(sobol=True, replicates=8, tilt=1.0), rng=11
    ),
    "factors": lambda n: sc.factors(n, LOADINGS, sampling=sc.Sampling(tilt=(1.0, 0.5)), **SOME),
    "gaussian copula": lambda n: sc.gaussian_copula(n, BETAS, MATRIX, **SOME),
    "t copula": lambda n: sc.t_copula(
        n, stats.uniform(0, 0.5), 0.3, 4, sampling=sc.Sampling(antithetic=True), **SOME
    ),
    "clayton": lambda n: sc.clayton_copula(
        n, [0, 0.1, 0.6], 2.0, sampling=sc.Sampling(antithetic=True), **SOME
    ),
    "clayton sobol": lambda n: sc.clayton_copula(n, [0, 0.1, 0.6], 2.0, **POINTS),
    "historical": lambda n: sc.historical(n, PAST, horizon=7, length=3, **SOME),
    "moving blocks": lambda n: sc.historical(
        n, MOVES, horizon=7, length=3, stationary=False, **SOME
    ),
    "prices": lambda n: sc.prices(n, {"X": 0.5, "Y": 0.8}, sampling=sc.Sampling(tilt=1.5), **SOME),
    "jumps": lambda n: sc.jumps(
        n, 0.5, rate=0.3, jump_mean=-0.4, jump_volatility={"X": 0.1, "Y": 0.2}, **SOME
    ),
    "defaults": lambda n: sc.defaults(n, "pd", correlation=0.3, recovery=0.4, **SOME),
    "defaults twisted": lambda n: sc.defaults(
        n,
        "pd",
        correlation=0.3,
        degrees=5,
        sampling=sc.Sampling(tilt=1.0),
        target=0.3,
        severity="pd",
        **SOME,
    ),
    "defaults raised": lambda n: sc.defaults(n, 0.02, target=1.5, **SOME),
    "single defaults": lambda n: sc.single_defaults(n, ["b", "a", "e"], recovery="pd"),
    "shocks": lambda n: sc.from_shocks(
        n,
        {
            "mild": ct.Shock.relative(0.1) + ct.Shock.relative(0.2, ["c"]),
            "severe": ct.Shock.default("a", recovery=0.3) + ct.Shock.loss({"b": 2.0}),
            "twice": ct.Shock.loss({"b": 2.0, "c": 1.0}) + ct.Shock.loss({"b": 3.0}),
            "market": ct.Shock.price({"X": -0.5}) + ct.Shock.depeg("Y", to=0.5),
        },
    ),
    "grid": lambda n: sc.grid(
        n,
        {
            "market": [ct.Shock.relative(x / 100) for x in range(40)],
            "bank": [ct.Shock(), *(ct.Shock.default("a", recovery=x / 50) for x in range(39))],
        },
    ),
}
KINDS = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


def same(one: sc.Batch, other: sc.Batch) -> bool:
    pairs = zip(one._arrays(), other._arrays(), strict=True)
    return all((a is None and b is None) or np.array_equal(a, b, equal_nan=True) for a, b in pairs)


@KINDS
def test_draws_do_not_depend_on_chunks(make):
    drawn = make(NET)
    whole = make(NET).draw(0, len(drawn))
    cuts = np.random.default_rng(0).integers(0, len(drawn), 7)
    edges = np.unique([0, *cuts, min(1024, len(drawn)), len(drawn)])
    pieces = [drawn.draw(a, b) for a, b in itertools.pairwise(edges)]
    for name in ("losses", "recoveries", "weights"):
        parts = [getattr(piece, name) for piece in pieces]
        total = getattr(whole, name)
        if total is None:
            assert parts == [None] * len(parts)
        else:
            assert np.array_equal(total, np.concatenate(parts), equal_nan=True)
    late = drawn.draw(len(drawn) - 1, len(drawn))  # out of order too
    assert same(late, whole.cut(len(drawn) - 1, len(drawn)))


@KINDS
def test_what_a_batch_holds(make):
    drawn = make(NET)
    batch = drawn.draw(0, len(drawn))
    assert len(batch) == len(drawn) and batch.losses.shape == (len(drawn), 5)
    assert (batch.losses >= 0).all() and (batch.losses <= WORTH).all()
    assert (batch.recoveries is not None) == drawn.pins
    assert (batch.weights is None) == drawn.unit_weights
    if drawn.pins:
        rates = batch.recoveries[~np.isnan(batch.recoveries)]
        assert rates.size and (rates >= 0).all() and (rates <= 1).all()
    else:
        assert batch.losses.any()
    if batch.weights is not None:
        assert batch.weights.shape == (len(drawn),) and (batch.weights > 0).all()
    assert not any(a.flags.writeable for a in batch._arrays() if a is not None)
    for at in (0, 2, len(drawn)):
        empty = drawn.draw(at, at)
        assert empty.losses.shape == (0, 5) and (empty.recoveries is not None) == drawn.pins
        assert (empty.weights is None) == drawn.unit_weights


@KINDS
def test_a_set_pickles_and_draws_the_same(make):
    drawn = make(NET)
    first = drawn.draw(0, len(drawn))
    text = pickle.dumps(drawn)
    again = pickle.loads(text)
    assert again.digest() == drawn.digest() == make(NET).digest()
    assert same(again.draw(0, len(drawn)), first)
    assert b"_last" not in text  # what was drawn is not carried along


@KINDS
def test_draws_go_with_names_not_with_rows(make):
    order = ["a", "e", "b", "d", "c"]
    here, there = make(NET), make(network(order))
    place = [NAMES.index(name) for name in order]
    one, other = here.draw(0, len(here)), there.draw(0, len(here))
    assert np.allclose(one.losses[:, place], other.losses, rtol=1e-9, atol=1e-12)
    if one.recoveries is not None:
        assert np.array_equal(one.recoveries[:, place], other.recoveries, equal_nan=True)
    if one.weights is not None:
        assert np.allclose(one.weights, other.weights, rtol=1e-7)


@KINDS
def test_the_spec_is_plain_and_toml_gives_the_set_back(make):
    drawn = make(NET)
    spec = drawn.spec()
    assert json.loads(json.dumps(spec)) == spec
    assert spec["kind"] in sc.KINDS and spec["scenarios"] == len(drawn)
    again = sc.from_toml(sc.to_toml(drawn), NET)
    assert again.digest() == drawn.digest()
    assert same(again.draw(0, 3), drawn.draw(0, 3))
    assert again.labels.map(str).tolist() == drawn.labels.map(str).tolist()


@KINDS
def test_the_summary_adds_up_what_is_drawn(make):
    drawn = make(NET)
    batch, found = drawn.draw(0, len(drawn)), drawn.summary()
    weight = np.ones(len(drawn)) if batch.weights is None else batch.weights
    for at, name in enumerate(NAMES):
        lost, row = batch.losses[:, at], found.loc[name]
        assert row["expected_loss"] == pytest.approx((weight * lost).mean())
        assert row["largest_loss"] == lost.max()
        assert row["hit"] == pytest.approx((weight * (lost > 0)).mean())
        assert row["wiped_out"] == pytest.approx((weight * (lost == WORTH[at])).mean())
        pinned = 0.0
        if batch.recoveries is not None:
            pinned = (weight * np.isfinite(batch.recoveries[:, at])).mean()
        assert row["pinned"] == pytest.approx(pinned)


@KINDS
def test_one_scenario_as_a_shock(make):
    drawn = make(NET)
    for number in (0, len(drawn) - 1):
        batch = drawn.draw(number, number + 1)
        losses, recoveries, _ = drawn.shock(number).arrays(NET)
        assert np.allclose(losses, batch.losses[0])
        if batch.recoveries is not None:
            assert np.array_equal(recoveries, batch.recoveries[0], equal_nan=True)


def test_another_seed_is_another_set():
    one, other = (sc.common_factor(NET, scenarios=10, rng=seed) for seed in (1, 2))
    assert one.digest() != other.digest()
    assert not same(one.draw(0, 10), other.draw(0, 10))
    wide = sc.common_factor(NET, scenarios=10, volatility=0.3, rng=1)
    assert wide.digest() != one.digest()


def test_the_digest_sees_the_network():
    richer = ct.ExposureNetwork(
        NET.nodes.assign(external_assets=NET.nodes["external_assets"] * 2), NET.exposures
    )
    sets = [
        sc.common_factor(net, scenarios=10, rng=1) for net in (NET, richer, network(["a", *"edcb"]))
    ]
    assert len({one.digest() for one in sets}) == 3
    renamed = ct.ExposureNetwork(NET.nodes.replace({"node": {"e": "f"}}), NET.exposures)
    one, other = (sc.common_factor(net, scenarios=10, rng=1) for net in (NET, renamed))
    assert one.digest() != other.digest() and same(one.draw(0, 10), other.draw(0, 10))


def test_fewer_scenarios_are_the_first_of_more():
    few, many = (sc.defaults(NET, 0.2, scenarios=k, rng=5) for k in (100, 3000))
    assert same(few.draw(0, 100), many.draw(0, 100))


def test_another_process_draws_the_same():
    code = (
        "import contagion as ct; "
        "net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ['a', 'b'], "
        "orientation='debtor->creditor', external_assets=[50, 100]); "
        "drawn = ct.scenarios.common_factor(net, scenarios=1500, rng=7); "
        "print(drawn.digest(), drawn.draw(1000, 1500).losses.sum().hex())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    net = ct.ExposureNetwork.from_matrix(
        [[0, 4], [0, 0]], ["a", "b"], orientation="debtor->creditor", external_assets=[50, 100]
    )
    drawn = sc.common_factor(net, scenarios=1500, rng=7)
    total = drawn.draw(1000, 1500).losses.sum().hex()
    assert done.stdout.split() == [drawn.digest(), total], done.stderr


def test_a_generator_is_used_once():
    rng = np.random.default_rng(1)
    one = sc.common_factor(NET, scenarios=20, rng=rng)
    other = sc.common_factor(NET, scenarios=20, rng=rng)
    assert same(one.draw(0, 20), one.draw(0, 20))
    assert not same(one.draw(0, 20), other.draw(0, 20))
    again = sc.common_factor(NET, scenarios=20, rng=np.random.default_rng(1))
    assert same(one.draw(0, 20), again.draw(0, 20))
    assert seed_of(np.random.SeedSequence(3)) == seed_of(np.random.SeedSequence(3))
    assert seed_of(None) != seed_of(None)
    assert seed_of(np.int64(3)) == 3


@pytest.mark.parametrize("rng", [-1, True, 1.5, "7"])
def test_what_is_no_seed(rng):
    with pytest.raises(ct.ShockError, match="seed"):
        sc.common_factor(NET, rng=rng)


def test_groups_name_the_independent_replicates():
    plain = sc.common_factor(NET, scenarios=6, rng=1)
    assert plain.groups is None and plain.group(2, 5).tolist() == [2, 3, 4]
    pairs = sc.common_factor(NET, scenarios=5, sampling=sc.Sampling(antithetic=True), rng=1)
    assert pairs.groups.tolist() == [0, 0, 1, 1, 2] and pairs.group(1, 3).tolist() == [0, 1]
    points = sc.clayton_copula(
        NET, [0, 1], 1.0, scenarios=8, sampling=sc.Sampling(sobol=True, replicates=2), rng=1
    )
    assert points.groups.tolist() == [0] * 4 + [1] * 4
    assert sc.single_defaults(NET).groups is None


def test_blocks_of_large_networks_are_small():
    assert [block_size(n) for n in (1, 4096, 4097, 10**6, 10**9)] == [1024, 1024, 512, 4, 2]
    n = 5_000
    nodes = pd.DataFrame({"node": np.arange(n), "external_assets": 1.0})
    owed = pd.DataFrame({"creditor": [0], "debtor": [1], "amount": [1.0]})
    large = sc.common_factor(ct.ExposureNetwork(nodes, owed), scenarios=600, rng=1)
    assert large.block == 512
    whole = large.draw(0, 600)
    assert same(whole.cut(500, 550), large.draw(500, 550))


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (0, 11), (3, 2)])
def test_scenarios_that_do_not_exist(start, stop):
    with pytest.raises(ct.ShockError, match="there are 10"):
        sc.common_factor(NET, scenarios=10, rng=1).draw(start, stop)


def test_batches_cover_the_set():
    drawn = sc.common_factor(NET, scenarios=2500, rng=1)
    assert [len(batch) for batch in drawn.batches()] == [1024, 1024, 452]
    assert [len(batch) for batch in drawn.batches(2000)] == [2000, 500]


def test_nodes_with_unknown_assets_lose_nothing_and_it_is_said():
    nodes = pd.DataFrame({"node": ["a", "b"], "external_assets": [10.0, np.nan]})
    owed = pd.DataFrame({"creditor": ["b"], "debtor": ["a"], "amount": [1.0]})
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external")
    past = pd.DataFrame({"a": [-0.5], "b": [-0.5]})
    for drawn in (
        sc.common_factor(net, scenarios=50, degrees=3, rng=1, sampling=sc.Sampling(tilt=2.0)),
        sc.gaussian_copula(net, stats.norm(0, 9), 0.3, scenarios=50, rng=1),
        sc.clayton_copula(net, [0, 1], 1.0, scenarios=50, rng=1),
        sc.historical(net, past, scenarios=50, rng=1),
    ):
        losses = drawn.draw(0, 50).losses
        assert losses[:, 0].any() and not losses[:, 1].any()
        assert "'b'" in drawn.assumptions[0] and "'b'" in repr(drawn)
        assert drawn.summary().loc["b", "wiped_out"] == 0


def test_a_repr_says_what_differs():
    drawn = sc.common_factor(NET, scenarios=1200, sampling=sc.Sampling(tilt=3.0), rng=7)
    assert repr(drawn) == (
        "common_factor: 1,200 scenarios of 5 nodes (volatility=0.2, correlation=0.4, mean=0.0, "
        "tilt=3.0, plain=0.1, seed=7)"
    )


def test_numbers_of_nodes_as_names():
    nodes = pd.DataFrame({"node": [10, 9], "external_assets": [1.0, 2.0]})
    owed = pd.DataFrame({"creditor": [10], "debtor": [9], "amount": [0.5]})
    net = ct.ExposureNetwork(nodes, owed)
    drawn = sc.defaults(net, {10: 0.5, 9: 0.25}, scenarios=40, rng=1)
    assert sc.from_toml(sc.to_toml(drawn), net).digest() == drawn.digest()
    assert drawn.shock(0).arrays(net)[0].tolist() == [0, 0]
