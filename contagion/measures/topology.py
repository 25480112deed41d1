"""Topology: density, reciprocity, clustering and tiering of the network of claims.

A link is a pair of creditor and debtor with a claim of any amount; parallel claims are one link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, triu
from scipy.sparse.csgraph import connected_components

from ..network.exposure_network import ExposureNetwork
from ..records import Scores
from ..vocabulary import SEED
from .centrality import NO_CLAIMS
from .coreperiphery import CorePeriphery, core_periphery
from .registry import Measure, of_system, scored
from .spectra import claim_matrix, links, strong_components
from .stability import LeverageStability, leverage_stability

ONE_NODE = "the network has only a single node"
ALL_ALIKE = "all creditors, or all debtors, of the links have the same degree"
NO_TRIANGLE = "fewer than two links that could close a triangle"


@dataclass(frozen=True)
class Topology:
    """Statistics of the structure of a network; nan where one is not defined.

    Attributes
    ----------
    nodes, links : number of nodes, and of pairs of creditor and debtor with a claim.
    exposures, amount : number of exposures, and their sum (money).
    density : `links / (N (N − 1))`, in [0, 1].
    reciprocity : share of the links whose debtor also has a claim on the creditor, in [0, 1].
    clustering : mean of :func:`clustering` over the nodes where it is defined, in [0, 1].
    assortativity : correlation over the links of the number of debtors of the creditor with the
        number of creditors of the debtor, in [−1, 1]; below 0 if small nodes deal with hubs.
    parts, largest_part : number of weakly connected components, and nodes in the largest.
    strong_parts, largest_strong_part : the same for strongly connected components.
    core_periphery : the best core, see :func:`core_periphery`.
    stability : of the leverage matrix, see :func:`leverage_stability`.
    reasons : {attribute: why it is nan}.
    """

    nodes: int
    links: int
    exposures: int
    amount: float
    density: float
    reciprocity: float
    clustering: float
    assortativity: float
    parts: int
    largest_part: int
    strong_parts: int
    largest_strong_part: int
    core_periphery: CorePeriphery
    stability: LeverageStability
    reasons: Mapping[str, str]

    def to_dict(self) -> dict[str, object]:
        """The record as a dict of dicts."""
        return {
            **{key: getattr(self, key) for key in self.__dataclass_fields__},
            "core_periphery": self.core_periphery.to_dict(),
            "stability": asdict(self.stability),
            "reasons": dict(self.reasons),
        }

    @property
    def table(self) -> pd.Series:
        """The numbers by name, with core_size, error_score and leverage_radius."""
        parts = ("core_periphery", "stability", "reasons")
        flat = {key: getattr(self, key) for key in self.__dataclass_fields__ if key not in parts}
        flat["core_size"] = len(self.core_periphery.core)
        flat["error_score"] = self.core_periphery.error_score
        flat["leverage_radius"] = self.stability.radius
        return pd.Series(flat, name="value", dtype=float)


def topology(network: ExposureNetwork) -> Topology:
    """The structure of a network: size, density, reciprocity, clustering, tiers, stability.

        density = E / (N (N − 1))      reciprocity = #{links i→j with a link j→i} / E

    and see :class:`Topology` for the rest; a link runs from creditor to debtor.

    Parameters
    ----------
    network : the exposures, parallel claims added.

    Returns
    -------
    Topology.

    Example
    -------
    Three nodes with three of the six possible links; two of the links are reciprocal.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 1, 1], [1, 0, 0], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="creditor->debtor", equity=[1, 1, 1])
    >>> found = topology(net)
    >>> found.links, found.density, round(found.reciprocity, 6)
    (3, 0.5, 0.666667)

    Source: definitions in common use; reciprocity Newman, Forrest & Balthrop (2002), Physical
    Review E 66; assortativity Newman (2003), Physical Review E 67.
    """
    claims = links(claim_matrix(network))
    found = {name: of(claims) for name, of in _SYSTEM.items()}
    parts = np.bincount(connected_components(claims, directed=False)[1], minlength=1)
    strong = np.bincount(strong_components(claims), minlength=1)
    n = len(network)
    return Topology(
        nodes=n,
        links=int(claims.nnz),
        exposures=len(network.amount),
        amount=float(network.amount.sum()),
        **{name: value for name, (value, _) in found.items()},
        parts=len(parts) if n else 0,
        largest_part=int(parts.max()),
        strong_parts=len(strong) if n else 0,
        largest_strong_part=int(strong.max()),
        core_periphery=core_periphery(network, rng=SEED),
        stability=leverage_stability(network),
        reasons=MappingProxyType({name: why for name, (_, why) in found.items() if why}),
    )


def clustering(network: ExposureNetwork) -> Scores:
    """Clustering of a node: the share of the possible triangles of claims around it that exist.

        C_i = (B³)_ii / (2 (d_i (d_i − 1) − 2 m_i))      B = A + Aᵀ

    with A the adjacency matrix, d_i the number of links of i as creditor and as debtor, and m_i the
    number of nodes with which it has both. All directions of a triangle count.

    Parameters
    ----------
    network : the exposures; amounts are not used.

    Returns
    -------
    Scores : shares in [0, 1]; nan, with the reason, for nodes with fewer than two counterparties.

    Example
    -------
    a has claims on b and c, b on c: one of the two triangles that the links of a allow.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="creditor->debtor", equity=[1, 1, 1])
    >>> clustering(net).tolist()
    [0.5, 0.5, 0.5]

    Source: Fagiolo (2007), Physical Review E 76; as networkx.clustering of a directed graph.
    """
    values, undefined = _clustering(links(claim_matrix(network)))
    return scored("clustering", values, network.names, {NO_TRIANGLE: undefined})


def _clustering(claims: csr_array) -> tuple[np.ndarray, np.ndarray]:
    """(n,) clustering, and bool: where it is not defined.

    Each triangle is found once, from its node of lowest degree, so hubs are not expensive.
    """
    back = csr_array(claims.T)
    both = csr_array(claims + back)
    mutual = claims.multiply(back).sum(axis=1)
    total = both.sum(axis=1)
    order = np.argsort(np.diff(both.indptr), kind="stable")
    up = csr_array(triu(both[order][:, order], k=1, format="csr"))
    closed = csr_array((up @ up).multiply(up))  # by the first and the last node of a triangle
    middle = csr_array((up.T @ up).multiply(up)).sum(axis=1)
    triangles = np.empty(len(order))
    triangles[order] = closed.sum(axis=1) + closed.sum(axis=0) + middle
    room = total * (total - 1) - 2 * mutual
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(room > 0, triangles / room, np.nan), ~(room > 0)


def core_number(network: ExposureNetwork) -> Scores:
    """Core number: the largest k such that a node is in a group with k neighbours inside for each.

    Neighbours are counterparties, as creditor or debtor; nodes that owe each other have one link.

    Parameters
    ----------
    network : the exposures; amounts are not used.

    Returns
    -------
    Scores : nodes; 0 for a node without claims or debts.

    Example
    -------
    a, b and c deal with each other, d only with a.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix(
    ...     [[0, 1, 1, 1], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]], list("abcd"),
    ...     orientation="creditor->debtor", equity=[1, 1, 1, 1])
    >>> core_number(net).tolist()
    [2.0, 2.0, 2.0, 1.0]

    Source: Seidman (1983), Social Networks 5(3); computed by networkx, after Batagelj & Zaveršnik.
    """
    import networkx as nx

    pairs = claim_matrix(network).tocoo()
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(len(network)))
    graph.add_edges_from(zip(pairs.row.tolist(), pairs.col.tolist(), strict=True))
    found = nx.core_number(graph)
    return scored("core_number", np.array([found[i] for i in range(len(network))]), network.names)


Value = tuple[float, str]  # and the reason for nan


def _density(claims: csr_array) -> Value:
    n = claims.shape[0]
    return (claims.nnz / (n * (n - 1)), "") if n > 1 else (np.nan, ONE_NODE)


def _reciprocity(claims: csr_array) -> Value:
    if not claims.nnz:
        return np.nan, NO_CLAIMS
    return float(claims.multiply(csr_array(claims.T)).sum()) / claims.nnz, ""


def _mean_clustering(claims: csr_array) -> Value:
    values, undefined = _clustering(claims)
    return (np.nan, NO_TRIANGLE) if undefined.all() else (float(values[~undefined].mean()), "")


def _assortativity(claims: csr_array) -> Value:
    if not claims.nnz:
        return np.nan, NO_CLAIMS
    pairs = claims.tocoo()
    debtors, creditors = claims.sum(axis=1)[pairs.row], claims.sum(axis=0)[pairs.col]
    if np.ptp(debtors) == 0 or np.ptp(creditors) == 0:
        return np.nan, ALL_ALIKE
    return float(np.corrcoef(debtors, creditors)[0, 1]), ""


_SYSTEM = {
    "density": _density,
    "reciprocity": _reciprocity,
    "clustering": _mean_clustering,
    "assortativity": _assortativity,
}


def _system(network: ExposureNetwork, name: str) -> Scores:
    return of_system(name, *_SYSTEM[name.removeprefix("mean_")](links(claim_matrix(network))))


DEFINITIONS = (
    Measure(
        "clustering",
        "(B³)_ii / (2 (d_i (d_i − 1) − 2 m_i)), B = A + Aᵀ",
        "share",
        "Fagiolo (2007), Physical Review E 76",
        denominator="possible triangles",
        about="position",
        of=clustering,
    ),
    Measure(
        "core_number",
        "largest k with i in a group where each has k neighbours inside",
        "nodes",
        "Seidman (1983), Social Networks 5(3)",
        about="position",
        of=core_number,
    ),
    *(
        Measure(
            name, formula, "share", source, "position", "system", partial(_system, name=name),
            denominator=below,
        )
        for name, formula, below, source in (
            ("density", "E / (N (N − 1))", "possible links", "definition in common use"),
            ("reciprocity", "#{links i→j with a link j→i} / E", "links",
             "Newman, Forrest & Balthrop (2002), Physical Review E 66"),
            ("mean_clustering", "mean of C_i where it is defined", "possible triangles",
             "Fagiolo (2007), Physical Review E 76"),
            ("assortativity",
             "corr over links of #debtors of the creditor, #creditors of the debtor", "–",
             "Newman (2003), Physical Review E 67"),
        )
    ),
)  # fmt: skip
