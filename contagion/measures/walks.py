"""Measures of paths and walks: the routes of payments and losses, and how far defaults spread.

Losses flow from debtor to creditor; `X[i, j]` is the claim of creditor i on debtor j.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from ..errors import expect
from ..kernels.betweenness import dependencies
from ..kernels.linear import Solver
from ..network.exposure_network import ExposureNetwork
from ..records import Scores
from ..text import choice
from ..vocabulary import Rng
from . import drawn
from .centrality import NO_CLAIMS
from .registry import Measure, scored
from .spectra import claim_matrix, row_shares, strong_components

Distance = Literal["hops", "amount"]
ONE_START = "the only start node: no paths through it were searched"
ONE_END = "the only end node: no paths from it were searched"
CHUNK = 2**22  # entries of the distance matrix held at a time


def _distances(network: ExposureNetwork, distance: Distance) -> csr_array:
    """Length of every claim: 1 step, or 1 / amount."""
    choice(distance, ("hops", "amount"), "distance")
    claims = claim_matrix(network)
    length = np.ones(claims.nnz) if distance == "hops" else 1.0 / claims.data
    return csr_array((length, claims.indices, claims.indptr), shape=claims.shape)


def betweenness(
    network: ExposureNetwork,
    *,
    distance: Distance = "amount",
    k: int | None = None,
    rng: Rng = None,
) -> Scores:
    """Betweenness: the share of shortest paths of claims that pass through a node.

        B_i = Σ_{s ≠ i ≠ t} σ_st(i) / σ_st / ((n − 1)(n − 2))

    with σ_st the number of shortest paths from s to t and σ_st(i) the number of those through i. It
    is the same in the direction of losses and against it. A claim has length `1 / amount`, so that
    paths prefer large claims, or 1 for distance "hops". Two paths count as equally long if the
    floating-point sums of their lengths, starting from s, are identical.

    The cost is one search per node: 1 to 5 seconds for 1,500 nodes with 10 to 100 claims each,
    about 80 seconds for 10,000 nodes and 100,000 exposures. With `k` the search starts only from
    k random nodes S, which is faster by a factor n / k; s is then one of them:

        B_i = Σ_{s ∈ S, s ≠ i ≠ t} σ_st(i) / σ_st / ((k − [i ∈ S])(n − 2))

    Parameters
    ----------
    network : the exposures, parallel claims added.
    distance : "amount" (length 1 / amount) or "hops".
    k : nodes to start from, an estimate for large networks; by default all.
    rng : seed or generator of the draw; it does not depend on the order of rows.

    Returns
    -------
    Scores : shares in [0, 1]. All nan, with the reason, for fewer than 3 nodes or no claims; with
    k=1 the start node is nan.

    Raises
    ------
    ArgumentError : for another distance, or a k outside 1 … n.

    Example
    -------
    a has a claim on b, b on c: of the 2 ordered pairs without b, one has its path through b.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 2, 0], [0, 0, 4], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="creditor->debtor", equity=[1, 1, 1])
    >>> betweenness(net).tolist()
    [0.0, 0.5, 0.0]

    Source: Freeman (1977), Sociometry 40(1); computed after Brandes (2001), Journal of
    Mathematical Sociology 25(2).
    """
    expect(network=network)
    n = len(network)
    parts = [np.arange(n)] if k is None else drawn.groups(n, k, rng)
    steps = _distances(network, distance).tocoo()
    if n < 3 or not steps.nnz:
        why = NO_CLAIMS if n >= 3 else "a path through a third node needs three nodes"
        return scored("betweenness", np.full(n, np.nan), network.names, {why: np.ones(n, bool)})
    place = _by_name(network)
    length = csr_array((steps.data, (place[steps.row], place[steps.col])), shape=steps.shape)
    length.sort_indices()
    sums = np.array([dependencies(length, part) for part in parts])
    values, found, alone = _per_start(sums, parts)
    notes = () if k in (None, n) else drawn.error(found / (n - 2.0), n, k)
    reasons = {ONE_START: alone[place]}
    return scored("betweenness", (values / (n - 2.0))[place], network.names, reasons, notes=notes)


def _per_start(
    sums: np.ndarray, parts: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means over drawn nodes from sums (groups, n), not counting the node itself as drawn.

    Returns the mean (n,), the mean of every group (groups, n), and bool (n,): the node is the only
    one drawn, and its mean nan.
    """
    others = np.array([np.full(sums.shape[1], len(part)) for part in parts])
    for row, part in zip(others, parts, strict=True):
        row[part] -= 1
    count = others.sum(axis=0)
    mean = sums.sum(axis=0) / np.where(count > 0, count, np.nan)
    return mean, sums / np.where(others > 0, others, np.nan), count == 0


def _by_name(network: ExposureNetwork) -> np.ndarray:
    """(n,) rank of every node by its name, so that the order of rows does not matter."""
    order = np.argsort(network.names.astype(str).to_numpy(object), kind="stable")
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))
    return place


def harmonic(
    network: ExposureNetwork,
    *,
    distance: Distance = "hops",
    k: int | None = None,
    rng: Rng = None,
) -> Scores:
    """Harmonic closeness: how close a node is to the nodes that its losses can reach.

        H_i = Σ_{j≠i} 1 / d(i, j) / (n − 1)

    with d the length of the shortest path of losses from i to j (debtor to creditor), and
    1 / d = 0 without a path. With distance "amount" a claim has length 1 / amount, and H is in
    money: 1 / d combines the claims along the shortest path harmonically.

    The cost is one search per node: about 10 seconds for 10,000 nodes and 100,000 exposures. With
    `k` it is the mean over k random nodes j, faster by a factor n / k; `notes` has the error.

    Parameters
    ----------
    network : the exposures, parallel claims added.
    distance : "hops" (every claim is one step) or "amount".
    k : nodes where paths end, an estimate for large networks; by default all.
    rng : seed or generator of the draw; it does not depend on the order of rows.

    Returns
    -------
    Scores : in [0, 1] for hops. All nan, with the reason, for a single node; with k=1 the end node
    is nan.

    Raises
    ------
    ArgumentError : for another distance, or a k outside 1 … n.

    Example
    -------
    c owes b and b owes a: the loss of c reaches b in one step and a in two.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 2, 0], [0, 0, 4], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="creditor->debtor", equity=[1, 1, 1])
    >>> harmonic(net).tolist()                                       # c: (1 + 1/2) / 2
    [0.0, 0.5, 0.75]

    Source: Marchiori & Latora (2000), Physica A 285; Boldi & Vigna (2014), Internet Mathematics
    10; scaled to the n − 1 others.
    """
    expect(network=network)
    n = len(network)
    back = _distances(network, distance)  # from creditors to debtors, against the losses
    named = np.argsort(_by_name(network))
    parts = [named] if k is None else [named[part] for part in drawn.groups(n, k, rng)]
    if n < 2:
        why = {"the network has only a single node": np.ones(n, bool)}
        return scored("harmonic", np.full(n, np.nan), network.names, why)
    values, found, alone = _per_start(np.array([_nearness(back, part) for part in parts]), parts)
    notes = () if k in (None, n) else drawn.error(found, n, k)
    return scored("harmonic", values, network.names, {ONE_END: alone}, notes=notes)


def _nearness(back: csr_array, ends: np.ndarray) -> np.ndarray:
    """(n,) sum of 1 / length of the shortest path to each of the ends except the node itself."""
    from scipy.sparse.csgraph import dijkstra

    total = np.zeros(back.shape[0])
    size = max(1, CHUNK // back.shape[0])
    for first in range(0, len(ends), size):
        nodes = ends[first : first + size]
        apart = dijkstra(back, indices=nodes)
        apart[np.arange(len(nodes)), nodes] = np.inf
        total += (1.0 / apart).sum(axis=0)
    return total


@dataclass(frozen=True, eq=False, repr=False)
class SinkRank(Scores):
    """SinkRank; `nodes` is the number of nodes that it is defined on."""

    nodes: int = 0


def sinkrank(network: ExposureNetwork, *, k: int | None = None, rng: Rng = None) -> SinkRank:
    """SinkRank: how quickly a unit of money that moves along payments is absorbed by a failed node.

        SR_s = (n − 1) / Σ_{i≠s} τ_is      τ_is = Σ_j [(I − Q)⁻¹]_ij

    A unit of money moves from debtor to creditor with the probabilities Π (relative
    liabilities). Node s receives and pays nothing on: Q is Π without its row and column, and
    τ_is is the expected number of payments until money that starts at i is absorbed in s. SinkRank
    is the inverse of their simple mean; the maximum is 1, if all pay s directly.

    It is defined on a strongly connected network. In any other network it is computed on the
    largest strongly connected component, without its payments to the rest; n is its size.

    The cost is the inverse of a dense matrix of that component: 2 seconds for 3,000 nodes, 90
    seconds and 2 GB for 10,000. With `k` its diagonal is estimated from sparse systems with k
    vectors of random signs, in seconds; `notes` has the error.

    Parameters
    ----------
    network : the exposures, parallel claims added.
    k : random vectors, an estimate for large networks; by default the inverse.
    rng : seed or generator of the draw.

    Returns
    -------
    SinkRank : pure numbers in (0, 1], and `nodes`, which is n; nan, with the reason, for nodes
    outside that component, and for all nodes if no two nodes reach each other or two components
    are equally large.

    Example
    -------
    a pays b; b pays a and c equally; c pays b. From b the money reaches c in 1 step, or returns to
    b in 2: τ_bc = 3, τ_ac = 4. b is reached in one step from either side.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 1, 0], [1, 0, 1], [0, 1, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 1, 1])
    >>> sinkrank(net).round(6).tolist()                              # c: 2 / (3 + 4)
    [0.285714, 1.0, 0.285714]

    Source: after Soramäki & Cook (2013), Economics E-Journal 7, 2013-28: absorbing Markov chains
    in payment systems; the definition as the inverse of the mean number of steps, and the use of
    exposures instead of payments, are the interpretation of this package.
    """
    expect(network=network)
    n = len(network)
    notes: tuple[str, ...] = ()
    owed = csr_array(claim_matrix(network).T)
    label = strong_components(owed)
    sizes = np.bincount(label, minlength=1)
    largest = np.flatnonzero(sizes == sizes.max())
    values, outside = np.full(n, np.nan), np.ones(n, bool)
    if sizes.max() < 2:
        why = "no two nodes owe each other along any path"
    elif len(largest) > 1:
        why = "two strongly connected parts of the network are equally large"
    else:
        why = "not in the largest strongly connected part of the network"
        outside = label != largest[0]
        inside = np.flatnonzero(~outside)
        walk = row_shares(owed[inside][:, inside])
        if k is None:
            values[inside] = _inverse_steps(walk)
        else:
            steps = _estimated_steps(walk, drawn.signs(len(inside), k, rng))
            mean = np.maximum(steps.mean(axis=0), 1.0)
            values[inside] = 1.0 / mean
            notes = drawn.error((1.0 - (steps - mean) / mean) / mean, drawn=k)
    found = scored("sinkrank", values, network.names, {why: outside}, notes=notes)
    parts = found.values, found.definition, found.reasons, found.notes
    return SinkRank(*parts, nodes=int((~outside).sum()))


def _inverse_steps(walk: csr_array) -> np.ndarray:
    """1 / mean steps to every state of an irreducible chain, from one inverse.

    With `G = (I − P + 𝟏𝟏ᵀ/n)⁻¹` the column means of G are the stationary π and the mean time from
    j to s is `(G_ss − G_js) / π_s` (after Kemeny & Snell 1960, Hunter 1982), so that the mean over
    the n − 1 others is `n / (n − 1) · (G_ss / π_s − 1)`.
    """
    n = walk.shape[0]
    matrix = -walk.toarray()
    matrix += 1.0 / n
    matrix[np.diag_indices(n)] += 1.0
    inverse = np.linalg.inv(matrix)
    rest = np.diag(inverse) / inverse.mean(axis=0) - 1.0
    return np.asarray((n - 1) / (n * rest))


def _estimated_steps(walk: csr_array, signs: list[np.ndarray]) -> np.ndarray:
    """(groups, n) mean steps to every state; random signs (n, B) of each group estimate diag(G).

    With `M = P − 𝟏𝟏ᵀ/n` the diagonal is that of `I + M + M²`, which is computed exactly, plus that
    of the rest of the series, which is small. `G z = x + 𝟏 (πᵀz − 𝟏ᵀx/n)`, where x solves
    `(I − P) x = z − 𝟏 πᵀz` with the value of one state fixed.
    """
    n = walk.shape[0]
    given = int(np.argmax(walk.sum(axis=0)))
    rest = np.delete(np.arange(n), given)
    solver = Solver(csr_array(walk[rest][:, rest]))
    long_run = np.ones(n)
    long_run[rest] = solver.answer(walk[[given]].toarray().ravel()[rest], transposed=True)
    long_run /= long_run.sum()

    def step(x: np.ndarray) -> np.ndarray:
        return np.asarray(walk @ x - x.mean(axis=0))

    twice = np.asarray((walk * walk.T).sum(axis=1)) - walk.sum(axis=0) / n
    known = 1.0 + walk.diagonal() - 1.0 / n + twice
    found = []
    for z in signs:
        mean = long_run @ z
        x = np.zeros_like(z)
        x[rest] = solver.answer((z - mean)[rest])
        first = step(z)
        tail = x + (mean - x.mean(axis=0)) - z - first - step(first)
        diagonal = known + (z * tail).mean(axis=1)
        found.append(n / (n - 1) * (diagonal / long_run - 1.0))
    return np.array(found)


DEFINITIONS = (
    Measure(
        "betweenness",
        "Σ_{s≠i≠t} σ_st(i)/σ_st / ((n − 1)(n − 2)), length of a claim = 1/amount",
        "share",
        "Freeman (1977), Sociometry 40(1)",
        denominator="pairs of other nodes",
        about="position",
        of=betweenness,
        drawn=True,
    ),
    Measure(
        "harmonic",
        "Σ_{j≠i} 1/d(i, j) / (n − 1), d = hops of losses from debtor to creditor",
        "share",
        "Boldi & Vigna (2014), Internet Mathematics 10, scaled to the others",
        title="harmonic closeness",
        denominator="the n − 1 others",
        of=harmonic,
        drawn=True,
    ),
    Measure(
        "sinkrank",
        "(n − 1) / Σ_{i≠s} τ_is, τ = payments until money from i is caught in s",
        "number",
        "after Soramäki & Cook (2013), Economics E-Journal 7, 2013-28",
        title="SinkRank",
        denominator="the largest strongly connected part",
        of=sinkrank,
        drawn=True,
    ),
)
