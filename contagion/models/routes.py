"""Routes of losses between nodes other than claims: through assets, withdrawals and marks.

A route is a sequence of sparse matrices whose entries are links: the first starts at nodes, the
last ends at nodes, see :func:`contagion.results.hops.hops`. Losses are those caused by the shock,
relative to the reference.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from ..network.exposure_network import ExposureNetwork
from ..results.hops import Route
from ..results.run_arrays import RunArrays

NOISE = 1e-8  # share of holdings and debts; smaller losses are within the solver tolerance


def lost_by(result: RunArrays, channel: str) -> np.ndarray:
    """(n,) losses of nodes through a channel because of the shock, money."""
    lost = (result.outcome.channels or {})[channel]
    return np.asarray(lost - (result.reference.channels or {}).get(channel, 0.0))


def newly_failed(result: RunArrays) -> np.ndarray:
    """(n,) bool: nodes in default that would not default without the shock."""
    failed = result.outcome.defaulted
    return np.asarray(failed & ~result.reference.defaulted)


def through_assets(
    held: csr_array, seller: np.ndarray, fell: np.ndarray, loser: np.ndarray
) -> Route:
    """Links from sellers to the assets they held, and on to the holders who lost on them.

    Parameters
    ----------
    held : (n, A) money; seller, loser : (n,) bool; fell : (A,) bool, the price is lower.

    Example
    -------
    The first node sold X and Y, of which only X fell; the third holds Y alone.

    >>> held = csr_array([[5.0, 5.0], [5.0, 0.0], [0.0, 5.0]])
    >>> yes = np.ones(3, bool)
    >>> out, into = through_assets(held, np.array([True, False, False]), yes[:2] & [True, False],
    ...                            yes)
    >>> (out @ into).toarray().tolist()
    [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
    """
    node, asset = held.tocoo().coords
    sold, lost = seller[node] & fell[asset], loser[node] & fell[asset]
    n, assets = held.shape
    return links(node[sold], asset[sold], (n, assets)), links(asset[lost], node[lost], (assets, n))


def through_funding(network: ExposureNetwork, caller: np.ndarray, loser: np.ndarray) -> Route:
    """Links from nodes that withdraw to their debtors with losses; (n,) bool each."""
    row = caller[network.creditor] & loser[network.debtor] & (network.amount > 0)
    n = len(network)
    return (links(network.creditor[row], network.debtor[row], (n, n)),)


def links(source: np.ndarray, target: np.ndarray, shape: tuple[int, int]) -> csr_array:
    """Links as a sparse matrix, source × target."""
    return csr_array((np.ones(len(source), np.int8), (source, target)), shape=shape)
