"""Nodes and amounts that depend on one oracle, bridge or chain, directly and through claims."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from ..errors import expect
from ..kernels.linear import Solver
from ..network.exposure_network import ExposureNetwork
from ..text import known_name
from .backing import backing, kept, outside, without


def blast_radius(network: ExposureNetwork, column: str = "oracle") -> pd.DataFrame:
    """Nodes and amounts that depend on each oracle, bridge or chain.

    With the nodes D that name it in `column`, the shares `W` and the base assets `h` (all
    external assets) of :func:`look_through`,

        at_stake = Σ_D (I − W without the columns of D)^-1 h

    is the amount of base assets that backs at least one node of D; every unit counts once, at the
    first such node.

    Parameters
    ----------
    column : a column of the nodes with names: "oracle", "bridge", "chain" or any other. A cell may
        hold several names, separated by semicolons; an empty cell means no dependence.

    Returns
    -------
    DataFrame
        One row a name, index named as the column, largest at_stake first; amounts in the unit of
        the network.

        - direct: nodes that name it; indirect: other nodes with a claim on one of these, directly
          or through other nodes;
        - claims: claims in the graph on the direct nodes, at face value;
        - at_stake, and its share of all base assets; names overlap, shares need not sum to 1;
        - ends_direct, ends_elsewhere: the part of at_stake that belongs to owners and external
          creditors of the direct nodes, and of all other nodes. They sum to at_stake.

    Raises
    ------
    UnknownNameError
        If the nodes have no such column, with the closest one.

    Source: absorption of the flow of :func:`look_through` at a set of nodes, our own.

    Example
    -------
    A market that uses one oracle has assets of 30 and a claim of 50 on a vault with assets of 100.

    >>> nodes = pd.DataFrame({"node": ["vault", "market", "user"],
    ...     "external_assets": [100.0, 30.0, 0.0], "oracle": [None, "feed", None]})
    >>> owed = pd.DataFrame({"creditor": ["market", "user"], "debtor": ["vault", "market"],
    ...                      "amount": [50.0, 60.0]})
    >>> blast_radius(ExposureNetwork(nodes, owed)).loc["feed", ["direct", "indirect", "at_stake"]]
    direct       1.0
    indirect     1.0
    at_stake    80.0
    Name: feed, dtype: float64
    """
    expect(network=network)
    known_name(column, network._nodes, "column of the nodes")
    groups = _groups(network._nodes[column])
    base = outside(network)
    flow = backing(network).flow
    solver, stays = Solver(flow), kept(flow)
    rows = [_row(network, base, flow, solver, stays, nodes) for nodes in groups.values()]
    names = ["direct", "indirect", "claims", "at_stake", "share", "ends_direct", "ends_elsewhere"]
    table = pd.DataFrame(rows, columns=names, index=pd.Index(list(groups), name=column))
    order = np.lexsort((table.index.astype(str).to_numpy(object), -table["at_stake"].to_numpy()))
    return table.iloc[order]


def _groups(cells: pd.Series) -> dict[str, np.ndarray]:
    """Positions of the nodes for each name in the cells, names in alphabetical order."""
    text = cells.reset_index(drop=True).dropna().astype(str).str.split(";").explode().str.strip()
    text = text[text != ""]
    rows = text.index.to_numpy(np.int64)
    return {str(name): np.unique(rows[text == name]) for name in sorted(text.unique())}


def _row(
    network: ExposureNetwork,
    base: np.ndarray,
    flow: csr_array,
    solver: Solver,
    stays: np.ndarray,
    nodes: np.ndarray,
) -> tuple[float, ...]:
    hit = np.zeros(len(network), bool)
    hit[nodes] = True
    first = Solver(without(flow, hit)).answer(base) * hit
    ends = stays * solver.answer(first)
    stake, total = float(first.sum()), float(base.sum())
    return (
        len(nodes),
        int(_above(network, nodes).sum()) - len(nodes),
        float(network.amount[hit[network.debtor]].sum()),
        stake,
        stake / total if total > 0 else np.nan,
        float(ends[hit].sum()),
        float(ends[~hit].sum()),
    )


def _above(network: ExposureNetwork, nodes: np.ndarray) -> np.ndarray:
    """(n,) bool: these nodes and all nodes with claims on them, directly or indirectly."""
    n, live = len(network), network.amount > 0
    start = np.concatenate([np.full(len(nodes), n), network.debtor[live]])
    stop = np.concatenate([nodes, network.creditor[live]])
    graph = csr_array((np.ones(len(start)), (start, stop)), shape=(n + 1, n + 1))
    seen = np.zeros(n + 1, bool)
    seen[breadth_first_order(graph, n, return_predecessors=False)] = True
    return seen[:n]
