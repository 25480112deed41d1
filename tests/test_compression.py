"""Portfolio compression: net positions stay, and no more can be taken away."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from conftest import FEATURES, random_network

import contagion as ct
from contagion.kernels.circulation import largest_circulation
from contagion.network import netting

BOTH = ("conservative", "non_conservative")
CLAIMS = pd.DataFrame(
    [
        ("a", "b", 3.0, "swaps", 1),
        ("a", "b", 6.0, "swaps", 2),
        ("b", "c", 6.0, "swaps", 1),
        ("c", "a", 4.0, "swaps", 1),
        ("b", "a", 2.0, "repo", 1),
        ("d", "a", 5.0, "swaps", 1),
    ],
    columns=["creditor", "debtor", "amount", "layer", "tier"],
)
NODES = pd.DataFrame({"node": list("abcd"), "external_assets": [30.0] * 4})


@pytest.fixture
def net() -> ct.ExposureNetwork:
    return ct.ExposureNetwork(NODES, CLAIMS, duplicates="keep")


def owed(net: ct.ExposureNetwork) -> dict[tuple[str, str], float]:
    return net.exposures.groupby(["creditor", "debtor"])["amount"].sum().to_dict()


def positions(net: ct.ExposureNetwork) -> np.ndarray:
    return net.book.claims - net.book.debts


def test_the_cycle_of_one_kind_cancels(net):
    small = net.compress(claims={"layer": "swaps"})
    # 9, 6, 4 round a, b, c: 4 goes; the repo is not touched, and d's claim is on no cycle
    assert owed(small) == {("a", "b"): 5.0, ("b", "c"): 2.0, ("b", "a"): 2.0, ("d", "a"): 5.0}
    # the two claims of a on b keep 5/9 each, with their tiers
    first = small.exposures.iloc[:2]
    assert first["amount"].tolist() == pytest.approx([3 * 5 / 9, 6 * 5 / 9])
    assert first["tier"].tolist() == [1, 2]
    # net positions a 0, b −3, c −2 and d +5: 5 of 24 are needed, and 12 are left
    assert netting.excess(net, {"layer": "swaps"}) == netting.Excess(24.0, 5.0)
    assert set(small.changes["note"]) == {"conservative: excess 19 before, 7 after"}


def test_all_kinds_together_cancel_more(net):
    small = net.compress()
    # a ↔ b 2 and a → b → c → a 4
    assert owed(small) == {("a", "b"): 3.0, ("b", "c"): 2.0, ("d", "a"): 5.0}
    assert netting.excess(small) == netting.Excess(10.0, 5.0)


def test_new_claims_reach_the_minimum(net):
    small = net.compress("non_conservative")
    # net: a 9 − 11 = −2, b 8 − 9 = −1, c 4 − 6 = −2, d 5
    assert owed(small) == {("d", "a"): 2.0, ("d", "b"): 1.0, ("d", "c"): 2.0}
    assert netting.excess(small) == netting.Excess(5.0, 5.0)
    assert small.exposures["layer"].isna().all() and small.exposures["tier"].isna().all()
    kept = net.compress("non_conservative", {"layer": "swaps"}).exposures
    assert kept["layer"].tolist() == ["repo", "swaps", "swaps"]


def test_the_record_says_what_changed_and_how_much_excess(net):
    for how in BOTH:
        small = net.compress(how)
        changes = small.changes
        assert set(changes["what"]) == {"compression"}
        assert (changes["before"] != changes["after"]).all()
        less = (changes["before"] - changes["after"]).sum()
        assert less == pytest.approx(net.amount.sum() - small.amount.sum())
        before, after = netting.excess(net).excess, netting.excess(small).excess
        assert set(changes["note"]) == {f"{how}: excess {before:g} before, {after:g} after"}
        assert "compression of" in repr(small)


def test_what_cannot_shrink_stays_as_it_is():
    chain = {"creditor": ["a", "b"], "debtor": ["b", "c"], "amount": [3.0, 2.0]}
    net = ct.ExposureNetwork(NODES, chain)
    same = net.compress()
    pd.testing.assert_frame_equal(same.exposures, net.exposures)
    assert same.changes.empty and netting.excess(net).excess == 2.0
    assert owed(net.compress("non_conservative")) == {("a", "b"): 1.0, ("a", "c"): 2.0}


def test_a_closed_cycle_leaves_nothing():
    cycle = {"creditor": list("abc"), "debtor": list("bca"), "amount": [0.3, 0.1 + 0.2, 0.3]}
    net = ct.ExposureNetwork(NODES, cycle)
    for how in BOTH:
        assert len(net.compress(how).exposures) == 0
    assert netting.excess(net).share == pytest.approx(1.0)
    assert netting.excess(net.compress()) == netting.Excess(0.0, 0.0)
    assert netting.excess(net.compress()).share == 0.0


def test_a_pair_nets_as_in_set_off(net):
    pair = {"creditor": ["a", "b"], "debtor": ["b", "a"], "amount": [75.0, 68.0]}
    net = ct.ExposureNetwork(NODES, pair)
    for how in BOTH:
        assert owed(net.compress(how)) == owed(net.set_off()) == {("a", "b"): 7.0}


@pytest.mark.parametrize("how", BOTH)
@pytest.mark.parametrize("seed", range(10))
def test_nobody_is_better_or_worse_off(seed, how):
    features = {FEATURES[seed % len(FEATURES)], FEATURES[(3 * seed + 1) % len(FEATURES)]}
    net = random_network(seed, n=15, degree=4.0, features=features - {"pinned"})
    small = net.compress(how)
    scale = net.amount.sum()
    np.testing.assert_allclose(small.book.equity, net.book.equity, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(positions(small), positions(net), rtol=0, atol=1e-12 * scale)
    before, after = netting.excess(net), netting.excess(small)
    assert after.minimum == pytest.approx(before.minimum, rel=1e-12)
    if how == "non_conservative":
        assert after.excess == pytest.approx(0.0, abs=1e-12 * scale)
        assert len(small.amount) < len(net)
    else:
        old, new = owed(net), owed(small)
        assert set(new) <= set(old)
        assert all(new[pair] <= old[pair] * (1 + 1e-12) for pair in new)
        assert after.gross < before.gross


@pytest.mark.parametrize("seed", range(8))
def test_a_second_time_takes_nothing_away(seed):
    small = random_network(seed, n=12, degree=4.0).compress()
    graph = nx.DiGraph(list(owed(small)))
    assert nx.is_directed_acyclic_graph(graph)
    assert small.compress().changes["step"].max() == 1


@pytest.mark.parametrize("how", BOTH)
def test_it_does_not_depend_on_the_order_of_rows(how):
    net = random_network(5, n=15, degree=5.0)
    rng = np.random.default_rng(0)
    nodes = net.nodes.sample(frac=1, random_state=rng)
    other = ct.ExposureNetwork(nodes, net.exposures.sample(frac=1, random_state=rng))
    one, two = owed(net.compress(how)), owed(other.compress(how))
    assert one == pytest.approx(two, rel=1e-9, abs=1e-9)


def test_compression_takes_mutual_contagion_away(net):
    """On a closed cycle a loss of 9 on a takes everybody along, and after compression only a."""
    cycle = {"creditor": list("abc"), "debtor": list("bca"), "amount": [20.0] * 3}
    nodes = {"node": list("abc"), "external_assets": [10.0, 4.0, 4.0]}
    net = ct.ExposureNetwork(nodes, cycle, loops="solve")
    shock = ct.Shock.default("a")
    assert ct.models.GaiKapadia().propagate(net, shock).table["defaulted"].all()
    assert ct.models.GaiKapadia().propagate(net.compress(), shock).table["defaulted"].sum() == 1


@pytest.mark.parametrize("how", BOTH)
def test_a_small_bank_beside_large_ones_keeps_its_position(how):
    """Claims of 1e12 to 1e15 and one bank that trades in hundreds: to a billionth of its own."""
    rng = np.random.default_rng(2)
    names = [f"n{i:02d}" for i in range(40)]
    pairs = rng.choice(40 * 40, 300, replace=False)
    claims = pd.DataFrame({"c": pairs // 40, "d": pairs % 40})
    claims = claims[claims["c"] != claims["d"]]
    amount = 10 ** rng.uniform(12, 15, len(claims))
    small = ((claims["c"] == 0) | (claims["d"] == 0)).to_numpy()
    amount = np.where(small, rng.uniform(100, 900, len(claims)), amount)
    owed_ = {
        "creditor": claims["c"].map(dict(enumerate(names))),
        "debtor": claims["d"].map(dict(enumerate(names))),
        "amount": amount,
    }
    nodes = pd.DataFrame({"node": names, "external_assets": 1e17})
    net = ct.ExposureNetwork(nodes, pd.DataFrame(owed_))
    after = positions(net.compress(how))
    scale = np.maximum(net.book.claims, net.book.debts)
    worst = np.abs(after - positions(net)) / scale
    assert worst[0] < 1e-9 and worst.max() < 1e-9


# -- the largest circulation ----------------------------------------------------------------


def random_graph(seed: int, n: int, m: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    key = rng.choice(n * n, m, replace=False)
    tail, head = np.divmod(np.sort(key), n)
    return tail[tail != head], head[tail != head], rng


@pytest.mark.parametrize("seed", range(12))
def test_as_large_as_the_network_simplex_finds(seed):
    """networkx min_cost_flow in whole numbers, with a gain of 1 on each unit."""
    n = 6 + seed
    tail, head, rng = random_graph(seed, n, 4 * n)
    capacity = rng.integers(1, 50, len(tail))
    graph = nx.DiGraph()
    graph.add_nodes_from(range(n))
    for i, j, most in zip(tail.tolist(), head.tolist(), capacity.tolist(), strict=True):
        graph.add_edge(i, j, capacity=most, weight=-1)
    flow = largest_circulation(tail, head, capacity.astype(float), n)
    assert flow.sum() == pytest.approx(-nx.min_cost_flow_cost(graph), abs=1e-9)


@pytest.mark.parametrize("spread", [1.0, 4.0, 8.0, 12.0])
def test_it_is_a_circulation_to_the_last_digits_whatever_the_range_of_amounts(spread):
    """Claims of 1e-10 and 1e10 in one network: tolerances are relative to each claim and node."""
    tail, head, rng = random_graph(3, 400, 5000)
    capacity = rng.lognormal(0.0, spread, len(tail))
    flow = largest_circulation(tail, head, capacity, 400)
    assert (flow >= 0).all() and (flow <= capacity).all() and flow.sum() > 0
    gap = np.bincount(tail, flow, 400) - np.bincount(head, flow, 400)
    assert np.abs(gap).max() <= 1e-13 * flow.max()


def test_no_arcs_and_no_capacity():
    empty = np.zeros(0, int)
    assert largest_circulation(empty, empty, np.zeros(0), 3).tolist() == []
    tail, head = np.array([0, 1]), np.array([1, 0])
    assert largest_circulation(tail, head, np.array([0.0, 5.0]), 2).tolist() == [0.0, 0.0]


# -- errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("conservativ",), ValueError, "Did you mean 'conservative'"),
        (("conservative", {"leyer": "x"}), KeyError, "Did you mean 'layer'"),
        (("conservative", {"layer": "swap"}), KeyError, "Did you mean 'swaps'"),
        (("conservative", "swaps"), TypeError, "claims is"),
    ],
)
def test_errors_name_what_to_fix(net, arguments, error, text):
    with pytest.raises(error, match=text):
        net.compress(*arguments)
