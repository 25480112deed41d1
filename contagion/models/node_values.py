"""Weights of the nodes in DebtRank: the economic value of each node relative to the total."""

from __future__ import annotations

import numpy as np

from ..network.exposure_network import ExposureNetwork
from ..scenarios.values import Values, by_node

Weights = Values  # "equity", "lending", a column of the node table, {node: value}, or (n,) values


def node_values(network: ExposureNetwork, weights: Weights) -> np.ndarray:
    """The relative economic value (n,) of the nodes, `v_j >= 0` with `Σ v = 1`.

    Parameters
    ----------
    weights : "equity", `v_j = E_j / ΣE` (Bardoscia et al. 2015), 0 for nodes without positive known
        equity; "lending", `v_j = A_j / ΣA` with `A_j` all claims of j in the graph (Battiston et
        al. 2012); the name of a numeric column of the node table; {node: value} with all nodes; or
        (n,) values in the order of the nodes. Values >= 0 in any unit.

    Returns
    -------
    (n,) shares; all 0 where no node has a value above 0.

    Raises
    ------
    ShockError : for nodes without a value, and values that are below 0 or not finite.
    UnknownNameError : for an unknown column or node, with the closest name.

    Example
    -------
    b has lent 3, c has lent 1.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix(
    ...     [[0, 3, 0], [0, 0, 1], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
    ...     equity=[2, 4, 4])
    >>> node_values(net, "lending").tolist(), node_values(net, "equity").tolist()
    ([0.0, 0.75, 0.25], [0.2, 0.4, 0.4])
    >>> node_values(net, {"a": 1, "b": 1, "c": 2}).tolist()
    [0.25, 0.25, 0.5]
    """
    if isinstance(weights, str) and weights == "equity":
        value = np.maximum(np.nan_to_num(network.book.equity), 0.0)
    elif isinstance(weights, str) and weights == "lending":
        value = network.book.claims
    else:
        value = by_node(network, weights, "weights", low=0.0)
    total = float(value.sum())
    return value / total if total > 0 else np.zeros(len(network))
