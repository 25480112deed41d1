"""Centrality, paths and walks: by hand, against networkx and plain loops, and where undefined."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from conftest import random_network, random_tables
from hypothesis import given
from hypothesis import strategies as st

import contagion as ct
from contagion import measures
from contagion.measures import spectra

SIDES = ("creditor", "debtor", "both")


def network(claims, **options) -> ct.ExposureNetwork:
    """Nodes a, b, c ...; `claims[i][j]` is what i claims on j; equity 1 unless said."""
    names = [chr(ord("a") + i) for i in range(len(claims))]
    options.setdefault("equity", np.ones(len(names)))
    return ct.ExposureNetwork.from_matrix(claims, names, orientation="creditor->debtor", **options)


def plain_graph(net: ct.ExposureNetwork) -> nx.DiGraph:
    """Creditor -> debtor, amounts of parallel claims added one by one; nodes in the order given."""
    graph = nx.DiGraph()
    graph.add_nodes_from(net.names)
    for row in net.exposures.itertuples():
        before = graph.get_edge_data(row.creditor, row.debtor, {"amount": 0.0})["amount"]
        graph.add_edge(row.creditor, row.debtor, amount=before + row.amount)
    for _, _, data in graph.edges(data=True):
        data["distance"] = 1.0 / data["amount"]
    return graph


def undirected(graph: nx.DiGraph) -> nx.Graph:
    both = nx.Graph()
    both.add_nodes_from(graph)
    for i, j, data in graph.edges(data=True):
        before = both.get_edge_data(i, j, {"amount": 0.0})["amount"]
        both.add_edge(i, j, amount=before + data["amount"])
    return both


def some_networks(n: int = 12, degree: float = 2.5, count: int = 12):
    for seed in range(count):
        yield random_network(seed, n, degree, {"parallel"})


def same(found: pd.Series, want: dict, rel: float = 1e-9) -> None:
    assert set(found.index) == set(want)
    values = [want[name] for name in found.index]
    np.testing.assert_allclose(found.to_numpy(), values, rtol=rel, atol=1e-12)


# -- against networkx -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_degree_and_strength_are_those_of_networkx(seed):
    net = random_network(seed, 12, 2.5, {"parallel"})
    graph = plain_graph(net)
    same(measures.degree(net, side="creditor"), dict(graph.out_degree()))
    same(measures.degree(net, side="debtor"), dict(graph.in_degree()))
    same(measures.degree(net), dict(undirected(graph).degree()))
    same(measures.strength(net, side="creditor"), dict(graph.out_degree(weight="amount")))
    same(measures.strength(net, side="debtor"), dict(graph.in_degree(weight="amount")))
    same(measures.strength(net), dict(graph.degree(weight="amount")))
    same(measures.strength(net, side="creditor"), dict(net.balance_sheet["claims"]))


def test_eigenvectors_are_those_of_networkx():
    """networkx follows edges into a node: the authority; hubs are those of the reversed graph."""
    compared = 0
    for net in some_networks(degree=3.5):
        graph = plain_graph(net)
        for side, other in (
            ("debtor", graph),
            ("creditor", graph.reverse()),
            ("both", undirected(graph)),
        ):
            found = measures.eigenvector(net, side=side)
            if found.isna().any():
                continue
            values, vectors = np.linalg.eig(nx.to_numpy_array(other, weight="amount").T)
            at = np.argmax(values.real)
            want = np.abs(vectors[:, at].real)
            same(found, dict(zip(graph, want / want.sum(), strict=True)), 1e-7)
            assert found.root == pytest.approx(values[at].real, rel=1e-9)
            compared += 1
            if side != "both" and nx.is_strongly_connected(other):
                theirs = nx.eigenvector_centrality(other, 5000, 1e-13, weight="amount")
                total = sum(theirs.values())
                same(found, {name: x / total for name, x in theirs.items()}, 1e-6)
                compared += 100
    assert compared > 1000


@pytest.mark.parametrize("seed", range(6))
def test_katz_is_that_of_networkx(seed):
    net = random_network(seed, 12, 2.5, {"parallel"})
    graph = plain_graph(net)
    for side, other in (("debtor", graph), ("creditor", graph.reverse())):
        found = measures.katz(net, side=side)
        b = found.b
        want = nx.katz_centrality_numpy(other, b, normalized=False, weight="amount")
        same(found, want)
        same(measures.katz(net, side=side, b=b / 3), nx.katz_centrality_numpy(
            other, b / 3, normalized=False, weight="amount"))  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_pagerank_is_that_of_networkx(seed):
    net = random_network(seed, 12, 1.5, {"parallel"})
    graph = plain_graph(net)
    for side, other in (
        ("debtor", graph),
        ("creditor", graph.reverse()),
        ("both", undirected(graph)),
    ):
        for damping in (0.85, 0.4):
            want = nx.pagerank(other, damping, tol=1e-15, max_iter=1000, weight="amount")
            same(measures.pagerank(net, side=side, damping=damping), want, 1e-9)
    assert measures.pagerank(net, damping=0.0).tolist() == pytest.approx([1 / 12] * 12)


@pytest.mark.parametrize("seed", range(6))
def test_paths_are_those_of_networkx(seed):
    net = random_network(seed, 12, 2.5, {"parallel"})
    graph = plain_graph(net)
    for distance, weight in (("amount", "distance"), ("hops", None)):
        same(
            measures.betweenness(net, distance=distance),
            nx.betweenness_centrality(graph, weight=weight),
        )
        theirs = nx.harmonic_centrality(graph, distance=weight)
        want = {name: value / 11 for name, value in theirs.items()}
        same(measures.harmonic(net, distance=distance), want)


# -- by hand ----------------------------------------------------------------------------------


def test_hubs_claim_and_authorities_owe():
    """a and b claim 4 and 1 on each other; c claims 3 on a and nobody claims on c: r = 2.

    As creditor x_c = 3 x_a / 2: x = (2, 1, 3). As debtor c is 0, and (x_a, x_b) = (1, 2).
    """
    net = network([[0, 4, 0], [1, 0, 0], [3, 0, 0]])
    hub = measures.eigenvector(net, side="creditor")
    assert hub.tolist() == pytest.approx([2 / 6, 1 / 6, 3 / 6])
    authority = measures.eigenvector(net, side="debtor")
    assert authority.tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert authority["c"] == 0
    assert hub.root == pytest.approx(2)
    assert hub.reasons == {}


def test_what_is_owed_counts_for_importance():
    """Everybody claims on a: it is first as debtor and last as creditor."""
    net = network([[0, 0, 0], [5, 0, 1], [5, 0, 0]])
    for function in (measures.katz, measures.pagerank, measures.strength, measures.degree):
        assert function(net, side="debtor").idxmax() == "a"
        assert function(net, side="creditor").idxmin() == "a"
    assert measures.harmonic(net).tolist() == [1.0, 0.0, 0.5]


def test_katz_of_a_chain_by_hand():
    """b claims 2 on a, c claims 2 on b; b = 1/4: a counts 1 + 1/2 (1 + 1/2 · 1) as debtor."""
    net = network([[0, 0, 0], [2, 0, 0], [0, 2, 0]])
    assert measures.katz(net, side="debtor", b=0.25).tolist() == [1.75, 1.5, 1.0]
    assert measures.katz(net, side="creditor", b=0.25).tolist() == [1.0, 1.5, 1.75]
    assert measures.katz(net).b == pytest.approx(0.85 / 2)  # no cycle: widest sum 2


def test_katz_says_which_b_is_possible():
    net = network([[0, 4], [1, 0]])
    assert measures.katz(net).b == pytest.approx(0.85 / 2)
    with pytest.raises(ValueError, match=r"b=0\.5: .* above 0 and below 1/r = 0\.5"):
        measures.katz(net, b=0.5)
    with pytest.raises(ValueError, match="above 0"):
        measures.katz(network([[0, 4], [0, 0]]), b=-1.0)
    assert measures.katz(network([[0, 4], [0, 0]]), side="creditor", b=100.0).tolist() == (
        pytest.approx([401.0, 1.0])
    )


def test_betweenness_prefers_large_claims():
    """From a to c: direct 1/1, through b 1/4 + 1/4."""
    claims = [[0, 4, 1], [0, 0, 4], [0, 0, 0]]
    assert measures.betweenness(network(claims))["b"] == 0.5
    assert measures.betweenness(network(claims), distance="hops")["b"] == 0


def test_betweenness_from_a_few_nodes():
    net = random_network(3, 30, 3.0)
    whole = measures.betweenness(net)
    pd.testing.assert_series_equal(measures.betweenness(net, k=30), whole)
    some = measures.betweenness(net, k=15, rng=4)
    pd.testing.assert_series_equal(some, measures.betweenness(net, k=15, rng=4))
    pd.testing.assert_series_equal(
        some, measures.betweenness(net, k=15, rng=np.random.default_rng(4))
    )
    assert not some.equals(whole)
    assert some.corr(whole) > 0.5
    for k in (0, 31):
        with pytest.raises(ValueError, match="1 to 30 nodes"):
            measures.betweenness(net, k=k)


def test_sinkrank_by_hand():
    """All pay the sink: 1. A ring: the steps to a node are 1, 2, ..., n − 1."""
    star = network([[0, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]])
    found = measures.sinkrank(star)
    assert found["a"] == pytest.approx(1.0)
    # from a to b: 1 + 2/3 · (1 + τ) = τ = 5; from c and d one more
    assert found["b"] == pytest.approx(3 / (5 + 6 + 6))
    ring = network(np.roll(np.eye(5), 1, axis=1) * 7)
    assert measures.sinkrank(ring).tolist() == pytest.approx([4 / 10] * 5)


def test_sinkrank_follows_the_payments():
    """a owes b 3 of 4 and c 1 of 4; both owe a: b is caught sooner than c."""
    net = network([[0, 1, 1], [3, 0, 0], [1, 0, 0]])
    found = measures.sinkrank(net)
    assert found["b"] > found["c"]
    tau_ab = 1 / 0.75 + (1 / 0.75 - 1)  # tries, and a step back from c after each that fails
    assert found["b"] == pytest.approx(2 / (tau_ab + tau_ab + 1))


@pytest.mark.parametrize("seed", range(8))
def test_sinkrank_is_that_of_the_absorbing_chain(seed):
    """Plain reference: one system of equations for each sink."""
    net = random_network(seed, 9, 2.5, {"parallel"})
    graph = plain_graph(net).reverse()
    parts = sorted(nx.strongly_connected_components(graph), key=len)
    found = measures.sinkrank(net)
    if len(parts) > 1 and len(parts[-1]) == len(parts[-2]):
        assert found.isna().all()
        return
    inside = [name for name in net.names if name in parts[-1]]
    assert found.nodes == len(inside)
    assert sorted(found.dropna().index) == sorted(inside)
    walk = nx.to_numpy_array(graph.subgraph(inside), nodelist=inside, weight="amount")
    walk /= walk.sum(axis=1, keepdims=True)
    for s, name in enumerate(inside):
        rest = np.arange(len(inside)) != s
        steps = np.linalg.solve(np.eye(rest.sum()) - walk[rest][:, rest], np.ones(rest.sum()))
        assert found[name] == pytest.approx(1 / steps.mean(), rel=1e-9)


# -- what does not matter, and what does --------------------------------------------------------

ALONE = [
    measure
    for family in (measures.centrality, measures.flow, measures.communicability, measures.shape,
                   measures.coreperiphery, measures.stability, measures.concentration)
    for measure in family.DEFINITIONS
]  # fmt: skip


@pytest.mark.parametrize("measure", ALONE, ids=lambda m: m.name)
def test_the_order_of_rows_and_the_unit_do_not_matter(measure):
    for seed in range(3):
        nodes, exposures, options = random_tables(seed, 11, 2.5, {"parallel", "insolvent"})
        base = measure.of(ct.ExposureNetwork(nodes, exposures, **options))
        shuffled = ct.ExposureNetwork(
            nodes.sample(frac=1, random_state=seed),
            exposures.sample(frac=1, random_state=seed),
            **options,
        )
        again = measure.of(shuffled)
        np.testing.assert_allclose(again.loc[base.index], base, rtol=1e-8, atol=1e-11)
        assert again.reasons == base.reasons
        money = ["external_assets", "external_liabilities"]
        nodes[money] *= 1000.0
        exposures["amount"] *= 1000.0
        bigger = measure.of(ct.ExposureNetwork(nodes, exposures, **options))
        scale = 1000.0 if measure.unit == "money" else 1.0
        np.testing.assert_allclose(bigger, base * scale, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("measure", ALONE, ids=lambda m: m.name)
def test_nothing_is_silent_on_odd_networks(measure):
    """One node, no claims, no cycle, no equity, two rings: numbers, or nan with a reason."""
    unknown = pd.DataFrame({"node": list("ab"), "equity": [np.nan, np.nan]})
    owed = pd.DataFrame({"creditor": ["a"], "debtor": ["b"], "amount": [1.0]})
    ring = [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]
    odd = [
        network([[0]]),
        network([[0, 0], [0, 0]]),
        network([[0, 1], [0, 0]]),
        network([[0, 1, 1], [0, 0, 1], [0, 0, 0]]),
        network(ring),
        network([[0, 3], [3, 0]], external_assets=[0, 0], external_liabilities=[2, 5], equity=None),
        ct.ExposureNetwork(unknown, owed, missing_equity="external"),
    ]
    for net in odd:
        found = measure.of(net)
        assert found.name == measure.name
        where = net.names if measure.scope == "node" else pd.Index(["system"])
        assert list(found.index) == list(where)
        assert set(found.index[found.isna()]) == set(found.reasons)
        assert all(found.reasons.values())


def reasons(found: pd.Series) -> set[str]:
    return set(found.reasons.values())


def test_why_a_measure_is_not_defined():
    chain, single = network([[0, 1], [0, 0]]), network([[0]])
    rings = network([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    silent = network([[0, 0], [0, 0]])
    assert reasons(measures.eigenvector(chain)) == {
        "no cycle of claims: the largest eigenvalue is 0"
    }
    assert measures.eigenvector(chain, side="both").tolist() == [0.5, 0.5]
    assert "have the same largest eigenvalue" in reasons(measures.eigenvector(rings)).pop()
    for function in (measures.eigenvector, measures.katz, measures.pagerank):
        assert reasons(function(silent)) == {"there are no claims in the network"}
    assert reasons(measures.betweenness(network(np.zeros((3, 3))))) == {
        "there are no claims in the network"
    }
    assert "three nodes" in reasons(measures.betweenness(chain)).pop()
    assert "single node" in reasons(measures.harmonic(single)).pop()
    assert measures.harmonic(silent).tolist() == [0, 0]
    assert "along any path" in reasons(measures.sinkrank(chain)).pop()
    assert "equally large" in reasons(measures.sinkrank(rings)).pop()
    aside = measures.sinkrank(network([[0, 1, 1], [1, 0, 0], [0, 0, 0]]))
    assert aside.reasons == {"c": "not in the largest strongly connected part of the network"}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda net: measures.degree(net, side="debter"), "side='debter'.*Did you mean 'debtor'"),
        (lambda net: measures.harmonic(net, distance="hop"), "Did you mean 'hops'"),
        (lambda net: measures.pagerank(net, damping=1.0), r"damping=1\.0"),
    ],
)
def test_options_that_do_not_exist(call, words):
    with pytest.raises(ValueError, match=words):
        call(network([[0, 1], [1, 0]]))


def test_zero_claims_are_no_links():
    owed = pd.DataFrame({"creditor": ["a", "b"], "debtor": ["b", "a"], "amount": [1.0, 0.0]})
    nodes = pd.DataFrame({"node": ["a", "b"], "external_assets": [1.0, 1.0]})
    net = ct.ExposureNetwork(nodes, owed)
    assert measures.degree(net, side="creditor").tolist() == [1, 0]
    assert measures.topology(net).links == 1


# -- the algebra underneath ---------------------------------------------------------------------


def big_ring(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.5, 2.0, n)


@pytest.mark.parametrize("dense", [400, 3])
def test_a_ring_has_the_geometric_mean(dense, monkeypatch):
    """Where ARPACK does not arrive: the eigenvalues lie on a circle."""
    monkeypatch.setattr(spectra, "DENSE", dense)
    n = 90
    amounts, at = big_ring(n), np.arange(n)
    matrix = spectra.csr_array((amounts, (at, (at + 1) % n)), shape=(n, n))
    root = np.exp(np.log(amounts).mean())
    assert spectra.perron_root(matrix) == pytest.approx(root, rel=1e-10)
    vector, why = spectra.perron_vector(matrix)
    assert why == ""
    np.testing.assert_allclose(matrix @ vector, root * vector, rtol=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_large_and_small_networks_are_solved_alike(seed, monkeypatch):
    """Sparse iterations and LAPACK, on a network with a tail of lenders before its core."""
    rng = np.random.default_rng(seed)
    n = 120
    rows, cols = rng.integers(0, n, 4 * n), rng.integers(0, n // 2, 4 * n)
    keep = rows != cols
    data = rng.lognormal(0, 1, keep.sum())
    matrix = spectra.csr_array((data, (rows[keep], cols[keep])), shape=(n, n))
    root, (vector, _) = spectra.perron_root(matrix), spectra.perron_vector(matrix)
    np.testing.assert_allclose(matrix @ vector, root * vector, rtol=1e-9, atol=1e-14)
    monkeypatch.setattr(spectra, "DENSE", 5)
    assert spectra.perron_root(matrix) == pytest.approx(root, rel=1e-10)
    np.testing.assert_allclose(spectra.perron_vector(matrix)[0], vector, rtol=1e-8, atol=1e-14)
    assert (vector[n // 2 :] > 0).any() and not matrix[:, n // 2 :].nnz


@given(st.integers(0, 10_000))
def test_noda_agrees_with_lapack(seed):
    """The last resort, on every strongly connected random matrix."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    full = rng.lognormal(0, 2, (n, n)) * (rng.random((n, n)) < 0.4)
    full += np.roll(np.diag(rng.lognormal(0, 2, n)), 1, axis=1)
    np.fill_diagonal(full, 0.0)
    root, vector = spectra._noda(spectra.csr_array(full), 1.0)
    assert root == pytest.approx(np.abs(np.linalg.eigvals(full)).max(), rel=1e-9)
    np.testing.assert_allclose(full @ vector, root * vector, rtol=1e-7, atol=1e-12 * root)
