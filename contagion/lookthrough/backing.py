"""The backing of every claim: shares of the debtor's assets, and base assets held directly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from ..errors import ArgumentError
from ..network.exposure_network import ExposureNetwork

NOTHING = 1e-12  # tolerance for rounding error, as a share of a balance sheet


@dataclass(frozen=True, eq=False)
class Backing:
    """Shares of the assets of every node by claimant.

    Attributes
    ----------
    shares : `W`, CSR (n, n): `W[i, j]` is the share of the assets of j that backs claims of i.
    owners, external : (n,) shares that back the owners and the external creditors of a node.
        Together with the column of `W` they sum to 1 for every node with assets or debts.
    pairs : creditor (m,), debtor (m,) as positions of nodes, and amount (m,) of the claims kept.
    """

    shares: csr_array
    owners: np.ndarray
    external: np.ndarray
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray]

    @property
    def open(self) -> np.ndarray:
        """(n,) bool: nodes whose assets partly back an owner or an external creditor of some node.

        The other nodes form closed cycles without outside backing: their assets are at most their
        debts, and they owe these debts only to each other.
        """
        creditor, debtor, amount = self.pairs
        n, ends = len(self.owners), np.flatnonzero(self.owners + self.external > NOTHING)
        live = amount > 0
        start = np.concatenate([np.full(len(ends), n), creditor[live]])
        stop = np.concatenate([ends, debtor[live]])
        graph = csr_array((np.ones(len(start)), (start, stop)), shape=(n + 1, n + 1))
        seen = np.zeros(n + 1, bool)
        seen[breadth_first_order(graph, n, return_predecessors=False)] = True
        return seen[:n]

    @property
    def flow(self) -> csr_array:
        """`W` without the columns of nodes that are not :attr:`open`: `I − flow` is regular."""
        return without(self.shares, ~self.open)


def backing(network: ExposureNetwork, keep: np.ndarray | None = None) -> Backing:
    """The shares of the assets of every node by claimant, at book values.

        D_j = max(assets_j, liabilities_j)      W[i, j] = claims_ij / D_j
        owners_j = max(assets_j − liabilities_j, 0) / D_j     external_j = external debts_j / D_j

    Assets above the liabilities of a node back its owners. If liabilities exceed assets, all claims
    share the assets in proportion to face value, regardless of seniority. Unknown sides of a
    balance sheet count as zero.

    Parameters
    ----------
    keep : (m,) bool, the claims to include; the others are removed from both balance sheets.

    Source: the shares are those of cross-holdings, Elliott, Golub and Jackson (2014), American
    Economic Review 104(10), where `C[i, j]` is the part of j that i holds and `1 − Σ_i C[i, j]`
    the part held by outsiders; here the claims are debts and equity is the residual claim.

    Example
    -------
    >>> import pandas as pd
    >>> nodes = pd.DataFrame({"node": ["vault", "user"], "external_assets": [100.0, 0.0],
    ...                       "external_liabilities": [20.0, 0.0]})
    >>> owed = pd.DataFrame({"creditor": ["user"], "debtor": ["vault"], "amount": [50.0]})
    >>> behind = backing(ExposureNetwork(nodes, owed))
    >>> behind.shares.toarray()[1, 0], behind.external[0], behind.owners[0]
    (np.float64(0.5), np.float64(0.2), np.float64(0.3))
    """
    n, book = len(network), network.book
    creditor, debtor, amount = network.creditor, network.debtor, network.amount
    claims, debts = book.claims, book.debts
    if keep is not None:
        creditor, debtor, amount = creditor[keep], debtor[keep], amount[keep]
        claims, debts = (np.bincount(side, amount, n) for side in (creditor, debtor))
    assets = outside(network) + claims
    owed = book.stated_liabilities
    liabilities = owed + debts
    total = np.maximum(assets, liabilities)
    part = np.divide(1.0, total, out=np.zeros(n), where=total > 0)
    shares = csr_array((amount * part[debtor], (creditor, debtor)), shape=(n, n))
    shares.sum_duplicates()
    return Backing(
        shares,
        np.maximum(assets - liabilities, 0.0) * part,
        owed * part,
        (creditor, debtor, amount),
    )


def outside(network: ExposureNetwork) -> np.ndarray:
    """External assets (n,): at least the value of the holdings, 0 where nothing is known."""
    return np.asarray(np.maximum(network.book.stated_assets, network.held.sum(axis=1)))


def base_assets(network: ExposureNetwork, other: str) -> tuple[tuple[object, ...], np.ndarray]:
    """Names of the base assets, and `H` (n, A), the amount of them that every node holds directly.

    The assets of `net.holdings` in the order of their names, then `other`: external assets that
    are not listed in the holdings.

    Raises
    ------
    ArgumentError
        If the holdings have an asset named as in `other`.
    """
    names, total = tuple(network.priced_assets), outside(network)
    if other in names:
        raise ArgumentError(
            f"The holdings have an asset called {other!r}, the name for external assets that "
            "they do not explain: give other= another name."
        )
    table = network.held.toarray()
    rest = total - table.sum(axis=1)
    return (*names, other), np.column_stack([table, np.where(rest > NOTHING * total, rest, 0.0)])


def without(shares: csr_array, nodes: np.ndarray) -> csr_array:
    """The matrix with empty columns for some nodes (bool (n,) or positions): no flow past them."""
    stop = np.zeros(shares.shape[1], bool)
    stop[nodes] = True
    edges = shares.tocoo()
    row, column = edges.coords
    live = ~stop[column]
    return csr_array((edges.data[live], (row[live], column[live])), shape=shares.shape)


def kept(shares: csr_array) -> np.ndarray:
    """(n,) share of a node's assets not claimed by nodes of the graph: `1 − Σ_i W[i, j]`."""
    return np.asarray(np.maximum(1.0 - shares.sum(axis=0), 0.0))
