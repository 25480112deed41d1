"""Measures of paths and walks: where money and losses pass, and how far default spreads.

Losses flow from debtor to creditor, `X[i, j]` is what creditor i claims on debtor j.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from ..errors import ArgumentError, expect
from ..kernels.betweenness import dependencies
from ..network.exposure_network import ExposureNetwork
from ..records import Scores
from ..text import choice
from ..vocabulary import Rng
from .centrality import NO_CLAIMS
from .registry import Measure, scored
from .spectra import claim_matrix, row_shares, strong_components

Distance = Literal["hops", "amount"]
ONE_START = "the only start: no path that could pass through it was looked at"
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
    """Betweenness: the part of shortest paths of claims that pass through a node.

        B_i = Σ_{s ≠ i ≠ t} σ_st(i) / σ_st / ((n − 1)(n − 2))

    with σ_st the number of shortest paths from s to t and σ_st(i) of those through i; the same
    in the direction of losses and against it. A claim has length `1 / amount`, so that paths
    prefer large claims, or 1 for distance "hops". Paths count as equally long when their lengths,
    added up from s on, agree to the last digit.

    The cost is one search per node: 1 to 5 seconds for 1,500 nodes with 10 to 100 claims each,
    about 80 seconds for 10,000 nodes and 100,000 exposures. `k` starts from that many drawn
    nodes S only and is quicker by n / k; s is then one of them:

        B_i = Σ_{s ∈ S, s ≠ i ≠ t} σ_st(i) / σ_st / ((k − [i ∈ S])(n − 2))

    Parameters
    ----------
    network : the exposures, parallel claims added.
    distance : "amount" (length 1 / amount) or "hops".
    k : nodes to start from, an estimate for large networks; by default all.
    rng : seed or generator of the draw; it does not depend on the order of rows.

    Returns
    -------
    Scores : shares in [0, 1]. All nan, with the reason, with fewer than 3 nodes or no claims; with
    k=1 the start is nan.

    Raises
    ------
    ArgumentError : for another distance, or a k outside 1 … n.

    Example
    -------
    a claims on b, b on c: of the 2 ordered pairs that leave b out, one passes through b.

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
    if k is not None and not 1 <= k <= n:
        raise ArgumentError(
            f"k={k!r}: start from 1 to {n:,} nodes, or leave k out for all of them."
        )
    steps = _distances(network, distance).tocoo()
    if n < 3 or not steps.nnz:
        why = NO_CLAIMS if n >= 3 else "a path through a third node needs three nodes"
        return scored("betweenness", np.full(n, np.nan), network.names, {why: np.ones(n, bool)})
    place = _by_name(network)
    length = csr_array((steps.data, (place[steps.row], place[steps.col])), shape=steps.shape)
    length.sort_indices()
    starts = np.arange(n)
    if k is not None:
        starts = np.sort(np.random.default_rng(rng).choice(n, k, replace=False))
    others = np.full(n, len(starts))  # starts that are not the node itself
    others[starts] -= 1
    alone = others == 0
    pairs = np.where(alone, np.nan, others * (n - 2.0))
    values = dependencies(length, starts) / pairs
    return scored("betweenness", values[place], network.names, {ONE_START: alone[place]})


def _by_name(network: ExposureNetwork) -> np.ndarray:
    """(n,) rank of every node by its name, so that the order of rows does not matter."""
    order = np.argsort(network.names.astype(str).to_numpy(object), kind="stable")
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))
    return place


def harmonic(network: ExposureNetwork, *, distance: Distance = "hops") -> Scores:
    """Harmonic closeness: how near a node is to all that its losses can reach.

        H_i = Σ_{j≠i} 1 / d(i, j) / (n − 1)

    with d the length of the shortest path of losses from i to j (debtor to creditor), and
    1 / d = 0 where none leads. With distance "amount" a claim has length 1 / amount, and H is
    money: the harmonic sum of the claims along the best path.

    The cost is one search per node: about 10 seconds for 10,000 nodes and 100,000 exposures.

    Parameters
    ----------
    network : the exposures, parallel claims added.
    distance : "hops" (every claim is one step) or "amount".

    Returns
    -------
    Scores : in [0, 1] for hops. All nan, with the reason, for a single node.

    Raises
    ------
    ArgumentError : for another distance.

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
    steps = csr_array(_distances(network, distance).T)
    if n < 2:
        why = {"a single node has no other to be close to": np.ones(n, bool)}
        return scored("harmonic", np.full(n, np.nan), network.names, why)
    from scipy.sparse.csgraph import dijkstra

    total = np.empty(n)
    size = max(1, CHUNK // n)
    for first in range(0, n, size):
        nodes = np.arange(first, min(first + size, n))
        apart = dijkstra(steps, indices=nodes)
        apart[np.arange(len(nodes)), nodes] = np.inf
        total[nodes] = (1.0 / apart).sum(axis=1)
    return scored("harmonic", total / (n - 1), network.names)


@dataclass(frozen=True, eq=False, repr=False)
class SinkRank(Scores):
    """SinkRank; `nodes` is the number of nodes that it is defined on."""

    nodes: int = 0


def sinkrank(network: ExposureNetwork) -> SinkRank:
    """SinkRank: how soon money that walks along the payments is caught by a node that fails.

        SR_s = (n − 1) / Σ_{i≠s} τ_is      τ_is = Σ_j [(I − Q)⁻¹]_ij

    A unit of money moves from debtor to creditor with the probabilities Π (relative
    liabilities). Node s takes in and passes nothing on: Q is Π without its row and column, and
    τ_is the expected number of payments until money that starts at i is caught in s. SinkRank
    is the inverse of their plain mean; 1 is the most, when all pay s directly.

    It is defined on a strongly connected network. On any other one it is taken on the largest
    strongly connected part, whose payments to the rest are left aside; n counts that part.

    The cost is the inverse of a dense matrix of that part: 2 seconds for 3,000 nodes, 90
    seconds and 2 GB for 10,000.

    Parameters
    ----------
    network : the exposures, parallel claims added.

    Returns
    -------
    SinkRank : pure numbers in (0, 1], and `nodes`, which is n; nan, with the reason, for nodes
    outside that part, and for all where no two nodes reach each other or two largest parts are of
    one size.

    Example
    -------
    a pays b; b pays a and c alike; c pays b. From b it takes 1 step to c or 2 to be back in b:
    τ_bc = 3, τ_ac = 4. b is reached in one step from either side.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 1, 0], [1, 0, 1], [0, 1, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 1, 1])
    >>> sinkrank(net).round(6).tolist()                              # c: 2 / (3 + 4)
    [0.285714, 1.0, 0.285714]

    Source: after Soramäki & Cook (2013), Economics E-Journal 7, 2013-28: absorbing Markov chains
    in payment systems; the definition as the inverse of the mean number of steps, and exposures
    in the place of payments, are the reading of this package.
    """
    expect(network=network)
    n = len(network)
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
        values[inside] = _inverse_steps(row_shares(owed[inside][:, inside]))
    found = scored("sinkrank", values, network.names, {why: outside})
    return SinkRank(found.values, found.definition, found.reasons, nodes=int((~outside).sum()))


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


DEFINITIONS = (
    Measure(
        "betweenness",
        "Σ_{s≠i≠t} σ_st(i)/σ_st / ((n − 1)(n − 2)), length of a claim = 1/amount",
        "share",
        "Freeman (1977), Sociometry 40(1)",
        denominator="pairs of other nodes",
        about="position",
        of=betweenness,
        slow=True,
    ),
    Measure(
        "harmonic",
        "Σ_{j≠i} 1/d(i, j) / (n − 1), d = hops of losses from debtor to creditor",
        "share",
        "Boldi & Vigna (2014), Internet Mathematics 10, scaled to the others",
        title="harmonic closeness",
        denominator="the n − 1 others",
        of=harmonic,
        slow=True,
    ),
    Measure(
        "sinkrank",
        "(n − 1) / Σ_{i≠s} τ_is, τ = payments until money from i is caught in s",
        "number",
        "after Soramäki & Cook (2013), Economics E-Journal 7, 2013-28",
        title="SinkRank",
        denominator="the largest strongly connected part",
        of=sinkrank,
        slow=True,
    ),
)
