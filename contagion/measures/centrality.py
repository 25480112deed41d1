"""Centrality of a node in the network of claims.

`X[i, j]` is the claim of creditor i on debtor j, parallel claims added. Every function takes the
`side` of a node: "creditor" (its claims), "debtor" (its debts) or "both". Losses flow from debtor
to creditor: a node that is central as a debtor causes losses to others, a node that is central as a
creditor suffers losses from others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from ..errors import ArgumentError, expect
from ..kernels.linear import Solver
from ..network.exposure_network import ExposureNetwork
from ..records import Scores
from ..text import choice
from .registry import About, Measure, definitions, scored
from .spectra import claim_matrix, links, perron_root, perron_vector, row_shares

Side = Literal["creditor", "debtor", "both"]
SIDES = ("creditor", "debtor", "both")
NO_CLAIMS = "there are no claims in the network"
DAMPING = 0.85


def _seen_from(network: ExposureNetwork, side: Side) -> csr_array:
    """X, its transpose or their sum: row i has the amounts of node i on that side."""
    choice(side, SIDES, "side")
    claims = claim_matrix(network)
    if side == "creditor":
        return claims
    return csr_array(claims.T if side == "debtor" else claims + claims.T)


def _all(network: ExposureNetwork, why: str) -> dict[str, np.ndarray]:
    """The reason for every node, or for none where there is no reason."""
    return {why: np.full(len(network), bool(why))} if why else {}


def degree(network: ExposureNetwork, *, side: Side = "both") -> Scores:
    """Number of counterparties of each node.

        creditor: #{j : X[i, j] > 0}    debtor: #{j : X[j, i] > 0}    both: either of them

    A counterparty that is both creditor and debtor counts once in "both" (number of neighbours).

    Parameters
    ----------
    network : the exposures.
    side : "creditor" (debtors it claims from), "debtor" (creditors it owes) or "both".

    Returns
    -------
    Scores : nodes; 0 for a node without claims or debts.

    Raises
    ------
    ArgumentError : for another side.

    Example
    -------
    a owes b and c, and b owes a: a has two creditors, one debtor and two counterparties.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 1, 1], [5, 0, 0], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 1, 1])
    >>> [degree(net, side=side)["a"].item() for side in ("debtor", "creditor", "both")]
    [2.0, 1.0, 2.0]

    Source: Freeman (1979), Social Networks 1(3), degree; here of directed claims.
    """
    values = links(_seen_from(network, side)).sum(axis=1)
    return scored("degree", values, network.names, definition=f"counterparties ({side}), nodes")


def strength(network: ExposureNetwork, *, side: Side = "both") -> Scores:
    """Claims of a node, its debts, or both: `Σ_j X[i, j]`, `Σ_j X[j, i]`, or their sum.

    Parameters
    ----------
    network : the exposures.
    side : "creditor" (claims), "debtor" (debts) or "both".

    Returns
    -------
    Scores : money.

    Raises
    ------
    ArgumentError : for another side.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 1, 1], [5, 0, 0], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 1, 1])
    >>> [strength(net, side=side)["a"].item() for side in ("debtor", "creditor", "both")]
    [2.0, 5.0, 7.0]

    Source: after Barrat, Barthélemy, Pastor-Satorras & Vespignani (2004), PNAS 101(11), strength.
    """
    values = _seen_from(network, side).sum(axis=1)
    return scored("strength", values, network.names, definition=f"claims or debts ({side}), money")


@dataclass(frozen=True, eq=False, repr=False)
class Eigenvector(Scores):
    """Eigenvector centrality; `root` is the largest eigenvalue of the claims (money)."""

    root: float = np.nan


@dataclass(frozen=True, eq=False, repr=False)
class Katz(Scores):
    """Katz centrality; `b` is the weight of a step (1/money), NaN without claims."""

    b: float = np.nan


def eigenvector(network: ExposureNetwork, *, side: Side = "debtor") -> Eigenvector:
    """Eigenvector centrality: the Perron vector of the claims, normalised to sum 1.

        creditor (hub):       X x  = r x       claims on nodes that hold large claims themselves
        debtor (authority):   Xᵀ x = r x       debts to nodes that have large debts themselves
        both:          (X + Xᵀ) x = r x        direction ignored

    with r the largest eigenvalue. Nodes without a path of claims (or debts) to the component that
    has the eigenvalue r are exactly 0.

    Parameters
    ----------
    network : the exposures.
    side : "creditor", "debtor" or "both".

    Returns
    -------
    Eigenvector : shares that sum to 1, and `root`, which is r (money). All nan if the vector
    does not exist or is not unique: no claims, no cycle of claims (r = 0), or several components
    with the same r; `reasons` says which.

    Raises
    ------
    ArgumentError : for another side.

    Example
    -------
    a claims 4 on b and b claims 1 on a: r = 2, and x_a = 4 x_b / 2.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [1, 0]], ["a", "b"],
    ...     orientation="creditor->debtor", equity=[1, 1])
    >>> eigenvector(net, side="creditor").round(6).tolist()
    [0.666667, 0.333333]

    Source: Bonacich (1972), Journal of Mathematical Sociology 2(1); hub and authority as in
    Sargent & Stachurski (2024), Economic Networks, chapter 1.
    """
    matrix = _seen_from(network, side)
    if matrix.nnz:
        x, why = perron_vector(matrix)
    else:
        x, why = np.full(len(network), np.nan), NO_CLAIMS
    found = scored("eigenvector", x, network.names, _all(network, why))
    root = np.nan if why else float((matrix @ x).sum())  # x sums to 1
    meaning = f"Perron vector of the claims, nodes as {side}, shares that sum to 1"
    return Eigenvector(found.values, meaning, found.reasons, root=root)


def katz(network: ExposureNetwork, *, side: Side = "debtor", b: float | None = None) -> Katz:
    """Katz centrality: all walks along claims; each step multiplies the weight of a walk by b.

        κ = 1 + b M κ     M = X (creditor, hub), Xᵀ (debtor, authority) or X + Xᵀ (both)

    Parameters
    ----------
    network : the exposures.
    side : "creditor", "debtor" or "both".
    b : weight of a step, 1/money, in (0, 1/r) with r the largest eigenvalue of M. By default
        `0.85 / r`; without a cycle of claims (r = 0) any b is valid, and the default is 0.85 over
        the largest row or column sum of M. `b` of the record is the value used.

    Returns
    -------
    Katz : pure numbers of 1 or more. All nan, with the reason, in a network without claims.

    Raises
    ------
    ArgumentError : for a b that is not in (0, 1/r): the sum over walks would be infinite.

    Example
    -------
    b claims 2 on a, and a holds nothing: κ_b = 1 + 0.25 · 2 · κ_a.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 2], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", equity=[1, 1])
    >>> katz(net, side="creditor", b=0.25).tolist()
    [1.0, 1.5]

    Source: Katz (1953), Psychometrika 18(1); the form with ones as in Sargent & Stachurski (2024),
    Economic Networks, chapter 1.
    """
    matrix = _seen_from(network, side)
    root = perron_root(matrix)
    if b is None and matrix.nnz:
        widest = max(matrix.sum(axis=0).max(), matrix.sum(axis=1).max())
        b = DAMPING / (root or widest)
    if b is not None and not 0 < b * max(root, 1e-300) < 1:
        limit = f"below 1/r = {1 / root:.6g}" if root else "above 0"
        raise ArgumentError(
            f"b={b!r}: the walks of the Katz centrality only add up for a b above 0 and {limit}, "
            f"r the largest eigenvalue of the claims. Leave b out for {DAMPING}/r."
        )
    meaning = f"walks along claims with weight b a step, nodes as {side}, a pure number"
    if not matrix.nnz or b is None:
        missing = np.full(len(network), np.nan)
        found = scored("katz", missing, network.names, _all(network, NO_CLAIMS))
        return Katz(found.values, meaning, found.reasons)
    ones = np.ones(len(network))
    found = scored("katz", Solver(csr_array(b * matrix)).answer(ones), network.names)
    return Katz(found.values, meaning, b=b)


def pagerank(
    network: ExposureNetwork, *, side: Side = "debtor", damping: float = DAMPING
) -> Scores:
    """PageRank: long-run distribution of a random walk along the claims.

        π = damping · πP + (1 − damping) / n      P = rows of M over their sums

    The walk goes from creditor to debtor for side "debtor" (M = X: a debtor ranks high if nodes
    that rank high have large claims on it), from debtor to creditor for "creditor" (M = Xᵀ), and
    both ways for "both". From a node without a next step it restarts at a random node; the result
    equals that of walks that end there, with π scaled to sum 1.

    Parameters
    ----------
    network : the exposures.
    side : "debtor", "creditor" or "both".
    damping : probability of a further step, in [0, 1).

    Returns
    -------
    Scores : shares that sum to 1. All nan, with the reason, in a network without claims.

    Raises
    ------
    ArgumentError : for another side, or a damping outside [0, 1).

    Example
    -------
    Two nodes that owe each other 1 are symmetric: half of the time in each.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 1], [1, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", equity=[1, 1])
    >>> pagerank(net).tolist()
    [0.5, 0.5]

    Source: after Brin & Page (1998), Computer Networks 30, with weights; as networkx.pagerank.
    """
    expect(network=network)
    if not 0 <= damping < 1:
        raise ArgumentError(f"damping={damping!r}: the probability of a further step is in [0, 1).")
    away: dict[Side, Side] = {"debtor": "creditor", "creditor": "debtor"}
    matrix = _seen_from(network, away.get(side, side))
    n = len(network)
    meaning = f"long-run part of a walk along the claims, nodes as {side}, shares that sum to 1"
    if not matrix.nnz:
        missing = np.full(n, np.nan)
        return scored("pagerank", missing, network.names, _all(network, NO_CLAIMS), meaning)
    step = csr_array(row_shares(matrix).T)
    x = np.full(n, 1.0 / n)
    for _ in range(1 + int(np.log(1e-17) / np.log(max(damping, 1e-17)))):  # damping^steps = 1e-17
        x = damping * (step @ x) + (1.0 - damping) / n
    return scored("pagerank", x / x.sum(), network.names, definition=meaning)


def _alone(network: ExposureNetwork, of: Callable[..., Scores], side: Side, name: str) -> Scores:
    """A centrality of one side as the measure of that name."""
    found = of(network, side=side)
    return Scores(found.values.rename(name), definitions([name])[name], found.reasons)


_BOOK = "as in Sargent & Stachurski (2024), Economic Networks, chapter 1"
_OF_SIDES: tuple[tuple[Side, About], ...] = (
    ("creditor", "vulnerability"),
    ("debtor", "importance"),
    ("both", "position"),
)
_MATRIX = {"creditor": "X", "debtor": "Xᵀ", "both": "(X + Xᵀ)"}
_WALK = {"creditor": "Xᵀ", "debtor": "X", "both": "(X + Xᵀ)"}
_NAMES = {"creditor": "hub", "debtor": "authority", "both": "eigenvector"}
_COUNT = {
    "creditor": "#{j : X[i, j] > 0}",
    "debtor": "#{j : X[j, i] > 0}",
    "both": "#{j : X[i, j] + X[j, i] > 0}",
}

DEFINITIONS = tuple(
    Measure(
        name, formula, unit, source, seen, of=partial(_alone, of=of, side=side, name=name),  # type: ignore[arg-type]
        title=title, denominator=below,
    )
    for side, about in _OF_SIDES
    for name, of, title, formula, unit, below, source, seen in (
        (f"degree_{side}", degree, f"degree, {side}", _COUNT[side], "nodes", "–",
         "Freeman (1979), Social Networks 1(3)", "position"),
        (f"strength_{side}", strength, f"strength, {side}", f"Σ_j {_MATRIX[side]}[i, j]", "money",
         "–", "after Barrat et al. (2004), PNAS 101(11)", "size"),
        (_NAMES[side], eigenvector, f"{_NAMES[side]} centrality",
         f"{_MATRIX[side]} x = r x, Σ x = 1", "share", "sum over all nodes",
         f"Bonacich (1972), Journal of Mathematical Sociology 2(1), {_BOOK}", about),
        (f"katz_{side}", katz, f"Katz centrality, {side}",
         f"κ = 1 + b {_MATRIX[side]} κ, b = 0.85/r", "number", "–",
         f"Katz (1953), Psychometrika 18(1), {_BOOK}", about),
        (f"pagerank_{side}", pagerank, f"PageRank, {side}",
         f"π = 0.85 πP + 0.15/n, P = rows of {_WALK[side]} over their sums", "share",
         "sum over all nodes", "after Brin & Page (1998), Computer Networks 30, with weights",
         about),
    )
)  # fmt: skip
