"""Topology, core and periphery, stability, concentration, and paths of default."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from itertools import product

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from conftest import random_network, random_tables
from test_structure import network, plain_graph, reasons, same, some_networks

import contagion as ct
from contagion import measures
from contagion.measures import communicability, spectra

# -- topology ---------------------------------------------------------------------------------


def test_topology_is_that_of_networkx():
    for net in some_networks():
        graph, found = plain_graph(net), measures.topology(net)
        assert (found.nodes, found.links) == (graph.number_of_nodes(), graph.number_of_edges())
        assert found.exposures == len(net.exposures) > found.links
        assert found.amount == pytest.approx(net.exposures["amount"].sum())
        assert found.density == pytest.approx(nx.density(graph))
        assert found.reciprocity == pytest.approx(nx.overall_reciprocity(graph))
        theirs = nx.degree_assortativity_coefficient(graph)
        assert found.assortativity == pytest.approx(theirs)
        weak = [len(part) for part in nx.weakly_connected_components(graph)]
        strong = [len(part) for part in nx.strongly_connected_components(graph)]
        assert (found.parts, found.largest_part) == (len(weak), max(weak))
        assert (found.strong_parts, found.largest_strong_part) == (len(strong), max(strong))
        clustered = measures.clustering(net)
        assert found.clustering == pytest.approx(clustered.mean())
        assert found.reasons == {}


@pytest.mark.parametrize("degree", [1.0, 3.0, 6.0])
def test_clustering_and_cores_are_those_of_networkx(degree):
    for net in some_networks(degree=degree, count=6):
        graph = plain_graph(net)
        found = measures.clustering(net)
        theirs = nx.clustering(graph)
        both = undirected_degree(graph)
        assert set(found.index[found.isna()]) == {name for name in graph if both[name] < 2}
        assert reasons(found) <= {"fewer than two links that could close a triangle"}
        defined = found.dropna()
        same(defined, {name: theirs[name] for name in defined.index})
        same(measures.core_number(net), nx.core_number(graph.to_undirected()))


def undirected_degree(graph: nx.DiGraph) -> dict:
    return dict(graph.to_undirected().degree())


def test_topology_by_hand():
    """a claims on b and c, b on a: of 6 possible links 3, of 3 two answer each other."""
    found = measures.topology(network([[0, 2, 1], [2, 0, 0], [0, 0, 0]]))
    assert (found.links, found.density, found.reciprocity) == (3, 0.5, 2 / 3)
    assert found.amount == 5
    assert math.isnan(found.assortativity)
    assert found.reasons == {
        "assortativity": "all creditors, or all debtors, of the links have the same degree"
    }
    assert found.table["error_score"] == found.core_periphery.error_score
    assert found.table["leverage_radius"] == pytest.approx(2.0)
    assert found.table["core_size"] == len(found.core_periphery.core)
    assert found.to_dict()["stability"]["verdict"] == "unstable"
    assert found.to_dict()["density"] == 0.5
    with pytest.raises(FrozenInstanceError):
        found.density = 1.0


def test_topology_of_next_to_nothing():
    one = measures.topology(network([[0]]))
    assert (one.nodes, one.links, one.parts, one.largest_part) == (1, 0, 1, 1)
    assert math.isnan(one.density) and math.isnan(one.core_periphery.error_score)
    assert set(one.reasons) == {"density", "reciprocity", "clustering", "assortativity"}
    silent = measures.topology(network([[0, 0], [0, 0]]))
    assert silent.density == 0
    assert silent.reasons["reciprocity"] == "there are no claims in the network"
    assert silent.core_periphery.reason == "there are no claims in the network"
    assert (silent.stability.radius, silent.stability.verdict) == (0, "stable")


# -- core and periphery -----------------------------------------------------------------------


def plain_errors(links: np.ndarray, core: tuple[int, ...]) -> list[int]:
    """The four kinds of errors, one pair at a time."""
    n, rest = len(links), [i for i in range(len(links)) if i not in core]
    missing = sum(not links[i, j] for i in core for j in core if i != j)
    outside = sum(bool(links[i, j]) for i in rest for j in rest if i != j)
    lend = sum(len(rest) for i in core if not any(links[i, j] for j in rest))
    borrow = sum(len(rest) for j in core if not any(links[i, j] for i in rest))
    assert n == len(core) + len(rest)
    return [missing, outside, lend, borrow]


@pytest.mark.parametrize("seed", range(25))
def test_no_core_has_fewer_errors(seed):
    """Plain reference: every one of the 2^n splits."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    links = rng.random((n, n)) < rng.uniform(0.1, 0.8)
    np.fill_diagonal(links, False)
    links[0, 1] = True
    net = network(links * rng.lognormal(0, 2, (n, n)))
    fit = measures.core_periphery(net)
    every = [tuple(i for i in range(n) if word[i]) for word in product((False, True), repeat=n)]
    least = min(sum(plain_errors(links, core)) for core in every)
    core = tuple(int(net.position(name)) for name in fit.core)
    parts = [fit.missing_core, fit.periphery_links, fit.no_lending, fit.no_borrowing]
    assert parts == plain_errors(links, core)
    assert fit.errors == least and fit.exact
    assert fit.links == links.sum()
    assert fit.error_score == pytest.approx(least / links.sum())
    assert fit.to_dict()["errors"] == least


def tiered(core: int, each: int) -> np.ndarray:
    """A perfect core, each of whose members lends to and borrows from its own periphery."""
    n = core * (1 + each)
    links = np.zeros((n, n))
    links[:core, :core] = 1
    for i in range(core):
        own = range(core + i * each, core + (i + 1) * each)
        links[i, own] = 1
        links[own, i] = 1
    np.fill_diagonal(links, 0)
    return links


def names(n: int) -> list[str]:
    return [f"n{i:03d}" for i in range(n)]


def test_a_tiered_network_is_found_exactly():
    links = tiered(6, 5)
    net = ct.ExposureNetwork.from_matrix(
        links, names(36), orientation="creditor->debtor", equity=np.ones(36)
    )
    fit = measures.core_periphery(net)
    assert sorted(fit.core) == names(6)
    assert (fit.errors, fit.error_score, fit.exact) == (0, 0.0, True)
    links[10, 20] = 1  # between two of the periphery
    links[0, 1] = 0
    damaged = ct.ExposureNetwork.from_matrix(
        links, names(36), orientation="creditor->debtor", equity=np.ones(36)
    )
    fit = measures.core_periphery(damaged)
    assert sorted(fit.core) == names(6)
    assert (fit.missing_core, fit.periphery_links, fit.exact) == (1, 1, True)


def test_the_search_moves_away_from_the_highest_degrees(monkeypatch):
    """Without looking at every candidate, the moves alone mostly find what all splits give."""
    monkeypatch.setattr(measures.coreperiphery, "MOST", 0)
    exact, found, certain = 0, 0, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        links = rng.random((8, 8)) < 0.3
        np.fill_diagonal(links, False)
        fit = measures.core_periphery(network(links * rng.lognormal(0, 2, (8, 8))))
        least = min(
            sum(plain_errors(links, tuple(np.flatnonzero(word))))
            for word in product((False, True), repeat=8)
        )
        board = measures.coreperiphery._Board(spectra.links(spectra.csr_array(links * 1.0)))
        exact += fit.errors == least
        found += fit.errors < board.top().min()
        certain += fit.exact
        assert not fit.exact or fit.errors == least
    assert exact >= 55
    assert 0 < certain < 60


@pytest.mark.parametrize("seed", range(10))
def test_the_errors_after_a_move_are_those_of_the_moved_core(seed):
    rng = np.random.default_rng(seed)
    n = 9
    links = (rng.random((n, n)) < 0.35) * 1.0
    np.fill_diagonal(links, 0)
    board = measures.coreperiphery._Board(spectra.links(spectra.csr_array(links)))
    core = rng.random(n) < 0.5
    after = board.moves(core)
    for i in range(n):
        moved = core.copy()
        moved[i] = not moved[i]
        want = plain_errors(links, tuple(np.flatnonzero(moved)))
        assert after[i] == sum(want)
        assert [int(x) for x in board.parts(moved)] == want


@pytest.mark.parametrize("seed", range(6))
def test_bounds_and_the_cores_of_highest_degree(seed):
    """Against every core: the least of the first two kinds by size, and all below a number."""
    rng = np.random.default_rng(seed)
    n = 7
    links = (rng.random((n, n)) < 0.35) * 1.0
    np.fill_diagonal(links, 0)
    order = np.argsort(-(links.sum(axis=0) + links.sum(axis=1)), kind="stable")
    links = links[order][:, order]
    board = measures.coreperiphery._Board(spectra.links(spectra.csr_array(links)))
    every = {tuple(np.flatnonzero(word)) for word in product((False, True), repeat=n)}
    first = {core: sum(plain_errors(links, core)[:2]) for core in every}
    for c in range(n + 1):
        assert board.bound()[c] == min(first[core] for core in every if len(core) == c)
        assert board.top()[c] == sum(plain_errors(links, tuple(range(c))))
    for below in (min(first.values()), min(first.values()) + 3, max(first.values()) + 1):
        found = measures.coreperiphery._could_be_better(board, below)
        want = {core for core in every if first[core] < below}
        assert {tuple(np.flatnonzero(core)) for core in found} == want
        assert len(found) == len(want)


def test_ties_and_seeds_of_the_core():
    """In a complete network everybody is in the core; of equal ones the first by name."""
    full = measures.core_periphery(network(np.ones((4, 4)) - np.eye(4)))
    assert (full.core, full.errors) == (tuple("abcd"), 0)
    nodes, exposures, options = random_tables(2, 40, 2.5)
    net = ct.ExposureNetwork(nodes, exposures, **options)
    first = measures.core_periphery(net, rng=5)
    assert first == measures.core_periphery(net, rng=np.random.default_rng(5))
    turned = ct.ExposureNetwork(nodes.iloc[::-1], exposures.iloc[::-1], **options)
    assert first == measures.core_periphery(turned, rng=5)
    with pytest.raises(ValueError, match="starts=-1"):
        measures.core_periphery(net, starts=-1)


# -- stability --------------------------------------------------------------------------------


def test_verdicts():
    """Leverage 2 and b: r = √(2 b)."""
    for b, word in ((0.4, "stable"), (0.5, "borderline"), (0.6, "unstable")):
        found = measures.leverage_stability(network([[0, 4], [b, 0]], equity=[2, 1]))
        assert found.radius == pytest.approx(math.sqrt(2 * b))
        assert found.verdict == word
        assert found.text.startswith("The largest eigenvalue of the leverage matrix is ")
    assert measures.leverage_stability(network([[0, 9], [0, 0]])).radius == 0


def test_nodes_without_equity_are_left_out_and_named():
    nodes = pd.DataFrame({"node": list("abcd"), "equity": [1.0, 1.0, np.nan, np.nan]})
    owed = pd.DataFrame(
        {"creditor": list("abcc"), "debtor": list("baad"), "amount": [0.5, 0.5, 9.0, 9.0]}
    )
    net = ct.ExposureNetwork(nodes, owed, missing_equity="external")
    found = measures.leverage_stability(net)
    assert found.left_out == ("c",)  # d claims nothing: it has no leverage to know
    assert (found.radius, found.verdict) == (pytest.approx(0.5), "unknown")
    assert "without 1 node ('c')" in found.text and "can be larger" in found.text
    worse = owed.assign(amount=[3.0, 3.0, 9.0, 9.0])
    net = ct.ExposureNetwork(nodes, worse, missing_equity="external")
    assert measures.leverage_stability(net).verdict == "unstable"
    nobody = nodes.assign(equity=np.nan)
    found = measures.leverage_stability(ct.ExposureNetwork(nobody, owed, missing_equity="external"))
    assert math.isnan(found.radius) and found.verdict == "unknown"
    assert found.left_out == ("a", "b", "c")
    assert found.text == "Not known: no node with claims has positive known equity."


def test_negative_equity_is_no_leverage():
    net = network(
        [[0, 2], [2, 0]], equity=None, external_assets=[5, 0], external_liabilities=[1, 3]
    )
    assert net.book.equity.tolist() == [4, -3]
    found = measures.leverage_stability(net)
    assert (found.left_out, found.radius, found.verdict) == (("b",), 0.0, "unknown")


@pytest.mark.parametrize("seed", range(5))
def test_the_radius_is_that_of_the_leverage_matrix(seed):
    net = random_network(seed, 10, 3.0, {"parallel"})
    want = np.abs(np.linalg.eigvals(net.leverage.toarray())).max()
    assert measures.leverage_stability(net).radius == pytest.approx(want, rel=1e-8)


# -- concentration ----------------------------------------------------------------------------


def test_concentration_by_hand():
    """5, 3, 2 and 0 of 10."""
    values = pd.Series([2, 0, 5, 3], list("wxyz"))
    assert measures.hhi(values) == pytest.approx(0.38)
    assert [measures.concentration_ratio(values, k) for k in (1, 2, 9)] == [0.5, 0.8, 1.0]
    assert measures.gini(values) == pytest.approx((3 + 2 + 5 + 1 + 3 + 2) / (4 * 10))
    assert measures.gini(pd.Series([7.0, 7.0])) == 0
    assert measures.gini(pd.Series([0.0, 0.0, 9.0])) == pytest.approx(2 / 3)
    curve = measures.concentration_curve(values)
    assert curve["node"].tolist() == list("yzwx")
    assert curve["cumulative"].tolist() == [0.5, 0.8, 1.0, 1.0]
    assert curve["k"].tolist() == [1, 2, 3, 4]


def test_what_is_not_known_is_left_out_and_said():
    values = pd.Series([1.0, np.nan, 1.0], list("bxa"))
    assert measures.hhi(values) == 0.5
    curve = measures.concentration_curve(values)
    assert curve["node"].tolist() == ["a", "b"]  # equal ones by name
    assert curve.left_out == ("x",)
    for function in (measures.hhi, measures.gini):
        assert math.isnan(function(pd.Series([0.0, 0.0])))
        assert math.isnan(function(pd.Series([np.nan])))
    assert math.isnan(measures.concentration_ratio(pd.Series([0.0]), 1))
    assert measures.concentration_curve(pd.Series([0.0], ["a"]))["share"].isna().all()
    with pytest.raises(ValueError, match=r"1 amount below 0 \('b'\)"):
        measures.gini(pd.Series([1.0, -1.0], list("ab")))
    with pytest.raises(ValueError, match="k=0"):
        measures.concentration_ratio(values, 0)


def test_concentration_of_a_network():
    """Assets a 2 + 6, b 3 + 2; equity of b below 0 counts as nothing."""
    net = network(
        [[0, 6], [2, 0]], equity=None, external_assets=[2, 3], external_liabilities=[0, 4]
    )
    assert net.book.equity.tolist() == [6, -5]
    assert measures.amounts(net).tolist() == [8, 5]
    assert measures.amounts(net, "equity").tolist() == [6, 0]
    assert measures.amounts(net, "debts").tolist() == [2, 6]
    table = measures.concentration_table(net, k=[1])
    assert table.loc["assets", "cr_1"] == pytest.approx(8 / 13)
    assert table.loc["equity", "hhi"] == 1
    assert table["total"].tolist() == [13, 6, 8, 8]
    assert (table["reason"] == "").all()
    silent = measures.concentration_table(network([[0, 0], [0, 0]]), of=["claims"])
    assert silent.loc["claims", "reason"] == "the total is 0, or no amount is known"
    with pytest.raises(ValueError, match="Did you mean 'claims'"):
        measures.amounts(net, "claim")


@pytest.mark.parametrize("seed", range(5))
def test_gini_is_the_mean_difference(seed):
    values = np.random.default_rng(seed).lognormal(0, 1, 7)
    want = sum(abs(x - y) for x in values for y in values) / (2 * 7 * values.sum())
    assert measures.gini(pd.Series(values)) == pytest.approx(want)


# -- paths of default -------------------------------------------------------------------------


def plain_exp(matrix: np.ndarray) -> np.ndarray:
    total, term = np.eye(len(matrix)), np.eye(len(matrix))
    for k in range(1, 60):
        term = term @ matrix / k
        total = total + term
    return total


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_paths_of_default_by_plain_series(seed, binary, monkeypatch):
    """V entry by entry; exp(V) with and without each row, as the released package does it."""
    monkeypatch.setattr(communicability, "CHUNK", 20)  # two columns of a block at a time
    net = random_network(seed, 9, 3.0, {"parallel", "unfailing", "insolvent"})
    n, equity = len(net), net.book.equity
    claims = np.zeros((n, n))
    for row in net.exposures.itertuples():
        claims[net.position(row.creditor), net.position(row.debtor)] += row.amount
    impact = np.zeros((n, n))
    for i, j in product(range(n), range(n)):
        if net.book.can_fail[j] and equity[j] > 0:
            part = min(1.0, claims[j, i] / equity[j])
            impact[i, j] = part if not binary or part == 1 else 0.0
    np.testing.assert_allclose(measures.impact_matrix(net, binary=binary).toarray(), impact)
    paths = plain_exp(impact)
    np.fill_diagonal(paths, 0.0)
    direct = impact.sum(axis=0)
    found = measures.impact_susceptibility(net, binary=binary)
    fluid = 0.0
    for j, name in enumerate(net.names):
        if direct[j] == 0:
            assert math.isnan(found[name])
            continue
        assert found[name] == pytest.approx(paths[:, j].sum() / direct[j], rel=1e-9)
        fluid += paths[:, j].sum() / direct[j]
    able = (net.book.can_fail & (equity > 0)).sum()
    assert measures.impact_fluidity(net, binary=binary) == pytest.approx(fluid / able)
    table = measures.impact_diffusion(net, binary=binary)
    for q, name in enumerate(net.names):
        if not impact[q].sum():
            assert table.loc[name, "reason"] == "its default hits no other node"
            assert math.isnan(table.loc[name, "total"])
            continue
        without = impact.copy()
        without[q] = 0
        rest = plain_exp(without)
        np.fill_diagonal(rest, 0.0)
        gone = (paths - rest).sum(axis=1) / impact[q].sum()
        assert table.loc[name, "start"] == pytest.approx(gone[q], rel=1e-9)
        assert table.loc[name, "intermediate"] == pytest.approx(gone.sum() - gone[q], abs=1e-9)
        assert table.loc[name, "total"] == pytest.approx(gone.sum(), rel=1e-9)


def test_a_claim_as_large_as_the_equity_is_enough():
    net = network([[0, 0], [0.3, 0]], equity=[1, 0.3])
    assert measures.impact_matrix(net).toarray().tolist() == [[0, 1], [0, 0]]
    smaller = network([[0, 0], [0.299, 0]], equity=[1, 0.3])
    assert measures.impact_matrix(smaller).nnz == 0
    assert measures.impact_matrix(smaller, binary=False).toarray()[0, 1] == pytest.approx(
        0.299 / 0.3
    )


def test_more_paths_than_a_number_can_hold():
    """720 that bring each other down, e^719 paths each; two others that do so are still counted."""
    n = 722
    claims = np.ones((n, n)) - np.eye(n)
    claims[:2, 2:] = claims[2:, :2] = 0
    net = ct.ExposureNetwork.from_matrix(
        claims, names(n), orientation="creditor->debtor", equity=np.ones(n)
    )
    table = measures.impact_diffusion(net)
    assert table["start"].iloc[:2].tolist() == pytest.approx([math.sinh(1)] * 2)
    assert table["intermediate"].iloc[:2].tolist() == pytest.approx([math.sinh(1) - 1] * 2)
    assert table["total"].iloc[2:].isna().all()
    said = "the sum over paths is too large for a floating-point number"
    assert set(table["reason"].iloc[2:]) == {said}
    assert math.isnan(measures.impact_fluidity(net))
