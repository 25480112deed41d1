"""Betweenness: against networkx with ties and parts, by hand, by the sum of all distances."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from conftest import random_network
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

import contagion as ct
from contagion import measures
from contagion.kernels import betweenness as kernel
from contagion.kernels.betweenness import dependencies

DRAWS = {
    "amounts": lambda rng, m: rng.lognormal(0.0, 3.0, m),
    "ties": lambda rng, m: rng.choice([1.0, 2.0, 4.0], m),  # 1/4 + 1/4 = 1/2 to the last digit
    "thirds": lambda rng, m: rng.choice([1.0, 3.0, 6.0, 10.0], m),  # 1/3 + 1/6 may be 1/2 or not
}


def random_lengths(seed: int, n: int, degree: float, draw: str) -> csr_array:
    """Lengths of random claims in two parts, which the last node claims on and nobody on it."""
    rng = np.random.default_rng(seed)
    linked = rng.random((n, n)) < degree / n
    np.fill_diagonal(linked, False)
    half = n // 2
    linked[:half, half:] = linked[half:, :half] = False
    linked[:, -1], linked[-1, :-1] = False, True
    tails, heads = np.nonzero(linked)
    return csr_array((1.0 / DRAWS[draw](rng, len(tails)), (tails, heads)), shape=(n, n))


def graph_of(length: csr_array) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(range(length.shape[0]))
    edges = length.tocoo()
    graph.add_weighted_edges_from(
        zip(edges.row.tolist(), edges.col.tolist(), edges.data.tolist(), strict=True)
    )
    return graph


def values(found: dict) -> np.ndarray:
    return np.array([found[i] for i in range(len(found))])


def network_of(length: csr_array) -> ct.ExposureNetwork:
    """Names in the order of the nodes, amounts 1 / length."""
    claims = np.zeros(length.shape)
    edges = length.tocoo()
    claims[edges.row, edges.col] = 1.0 / edges.data
    names = [f"{i:03d}" for i in range(len(claims))]
    return ct.ExposureNetwork.from_matrix(
        claims, names, orientation="creditor->debtor", equity=np.ones(len(names))
    )


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("degree", [1.5, 6.0])
@pytest.mark.parametrize("seed", range(4))
def test_dependencies_are_those_of_networkx(seed, degree, draw):
    length = random_lengths(seed, 40, degree, draw)
    want = nx.betweenness_centrality(graph_of(length), weight="weight", normalized=False)
    np.testing.assert_allclose(dependencies(length), values(want), rtol=1e-12, atol=1e-12)


def test_ties_decide():
    """The comparison above has several shortest paths: a path for each pair is another number."""
    length = random_lengths(0, 40, 6.0, "ties")
    broken = length.copy()
    broken.data *= 1 + 1e-9 * np.random.default_rng(0).random(len(broken.data))
    assert np.abs(dependencies(length) - dependencies(broken)).max() > 0.1


@pytest.mark.parametrize("distance", ["amount", "hops"])
@pytest.mark.parametrize("draw", DRAWS)
def test_the_measure_is_that_of_networkx(draw, distance):
    length = random_lengths(5, 60, 4.0, draw)
    net = network_of(length)
    weight = "weight" if distance == "amount" else None
    graph = graph_of(length)
    for _, _, data in graph.edges(data=True):
        data["weight"] = 1.0 / (1.0 / data["weight"])  # as the network rounds it
    want = values(nx.betweenness_centrality(graph, weight=weight))
    found = measures.betweenness(net, distance=distance)
    np.testing.assert_allclose(found.to_numpy(), want, rtol=1e-12, atol=1e-15)
    assert want.max() > 0


@pytest.mark.parametrize("draw", DRAWS)
def test_some_starts_are_the_subset_of_networkx(draw):
    length = random_lengths(2, 40, 4.0, draw)
    starts = np.array([3, 4, 17, 30])
    want = nx.betweenness_centrality_subset(
        graph_of(length), starts.tolist(), list(range(40)), weight="weight"
    )
    np.testing.assert_allclose(dependencies(length, starts), values(want), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_all_nodes_together_stand_between_as_often_as_paths_are_long(seed):
    """A shortest path of h steps has h − 1 nodes inside: Σ_i δ_i = Σ_{s≠t} (hops(s, t) − 1)."""
    length = random_lengths(seed, 50, 3.0, "ties")
    hops = csr_array((np.ones(length.nnz), length.indices, length.indptr), shape=length.shape)
    apart = dijkstra(hops)
    inside = np.where((apart > 0) & (apart < np.inf), apart - 1, 0).sum()
    assert dependencies(hops).sum() == pytest.approx(inside, rel=1e-12)
    share = measures.betweenness(network_of(length), distance="hops").sum()
    assert share == pytest.approx(inside / (49 * 48), rel=1e-12)


def test_normalised_to_one():
    """The centre of a star is on every path; in a ring every node is on half of them."""
    star = np.zeros((6, 6))
    star[0, 1:] = star[1:, 0] = 7.0
    ring = np.roll(np.eye(6), 1, axis=1)
    for claims, want in ((star, [1, 0, 0, 0, 0, 0]), (ring, [0.5] * 6)):
        net = ct.ExposureNetwork.from_matrix(
            claims, list("abcdef"), orientation="creditor->debtor", equity=np.ones(6)
        )
        for distance in ("amount", "hops"):
            assert measures.betweenness(net, distance=distance).tolist() == want


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
@pytest.mark.parametrize("back", [False, True])
def test_lengths_lost_in_rounding(order, back):
    """s -1- u -1e-20- v -1- t: the middle step does not change the sum, yet paths follow it.

    u is inside for (s, v), (s, t), v inside for (s, t), (u, t); a way back from v to u as short
    as the way there changes nothing.
    """
    s, u, v, t = order
    edges = [(s, u, 1.0), (u, v, 1e-20), (v, t, 1.0)] + [(v, u, 1e-20)] * back
    tails, heads, lengths = zip(*edges, strict=True)
    found = dependencies(csr_array((lengths, (tails, heads)), shape=(4, 4)))
    assert found[list(order)].tolist() == [0, 2, 2, 0]


def test_blocks_of_starts_do_not_matter(monkeypatch):
    length = random_lengths(1, 40, 4.0, "ties")
    whole = dependencies(length)
    monkeypatch.setattr(kernel, "CHUNK", 1)
    np.testing.assert_allclose(dependencies(length), whole, rtol=1e-13, atol=1e-13)
    assert (dependencies(length) == dependencies(length)).all()


def test_the_order_of_rows_does_not_matter():
    net = random_network(3, 30, 3.0)
    nodes = net.nodes.iloc[::-1]
    rows = net.exposures.iloc[np.random.default_rng(0).permutation(len(net.exposures))]
    other = ct.ExposureNetwork(nodes, rows)
    for k in (None, 7):
        pd.testing.assert_series_equal(
            measures.betweenness(other, k=k, rng=0)[net.names],
            measures.betweenness(net, k=k, rng=0).values,
            check_exact=True,
        )


def test_a_draw_of_starts_is_right_on_average():
    net = network_of(random_lengths(4, 20, 5.0, "amounts"))
    whole = measures.betweenness(net)
    mean = np.mean([measures.betweenness(net, k=10, rng=seed) for seed in range(400)], axis=0)
    assert np.abs(mean - whole).max() < 0.1 * whole.max()
    assert np.abs(mean.sum() - whole.sum()) < 0.02 * whole.sum()


def test_a_single_start_has_no_number_of_its_own():
    net = network_of(random_lengths(4, 20, 5.0, "amounts"))
    found = measures.betweenness(net, k=1, rng=3)
    assert found.isna().sum() == 1
    assert "only start" in found.reasons[found.index[found.isna()][0]]
