"""The backing of every claim: shares of the debtor's assets, and base assets held outright."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from ..errors import ArgumentError
from ..network.exposure_network import ExposureNetwork

NOTHING = 1e-12  # a share of a balance sheet below this is rounding


@dataclass(frozen=True, eq=False)
class Backing:
    """Shares of the assets of every node, by who has a claim on them.

    Attributes
    ----------
    shares : `W`, CSR (n, n): `W[i, j]` is the part of the assets of j behind the claims of i on j.
    owners, external : (n,) parts behind the owners and the external creditors of a node. With
        the column of `W` the three sum to 1 for every node that has or owes anything.
    pairs : (m,) creditor and (m,) debtor rows, and (m,) money of the claims that were kept.
    """

    shares: csr_array
    owners: np.ndarray
    external: np.ndarray
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray]

    @property
    def open(self) -> np.ndarray:
        """(n,) bool: nodes from which some of what comes in reaches an owner or an outsider.

        The others owe each other everything: nothing from outside stands behind them, because
        their assets are at most their debts, which they alone hold.
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
    """Who has a claim on which part of the assets of every node, at book values.

        D_j = max(assets_j, liabilities_j)      W[i, j] = claims_ij / D_j
        owners_j = max(assets_j − liabilities_j, 0) / D_j     external_j = external debts_j / D_j

    Where a node has more than it owes, the rest backs its owners; where it owes more than it has,
    all claims share what there is by their face value, whatever their seniority. Sides of a
    balance sheet that are not known count as zero: what is not known is not looked through.

    Parameters
    ----------
    keep : (m,) bool, the claims that count; the others are left out of both balance sheets.

    Source: the shares are those of cross-holdings, Elliott, Golub and Jackson (2014), American
    Economic Review 104(10), where `C[i, j]` is the part of j that i holds and `1 − Σ_i C[i, j]`
    what outsiders hold; here the claims are debts and equity is what is left.

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
    """External assets (n,) in money: not less than the holdings, 0 where nothing is known."""
    return np.asarray(np.maximum(network.book.stated_assets, network.held.sum(axis=1)))


def base_assets(network: ExposureNetwork, other: str) -> tuple[tuple[object, ...], np.ndarray]:
    """Names of the base assets, and `H` (n, A), what every node holds of them outright, in money.

    The assets of `net.holdings` in the order of their names, then `other`: external assets that
    the holdings do not explain.

    Raises
    ------
    ArgumentError
        When the holdings have an asset called `other`.
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
    """The matrix with the columns of some nodes (bool (n,) or rows) empty: nothing passes them."""
    stop = np.zeros(shares.shape[1], bool)
    stop[nodes] = True
    edges = shares.tocoo()
    row, column = edges.coords
    live = ~stop[column]
    return csr_array((edges.data[live], (row[live], column[live])), shape=shares.shape)


def kept(shares: csr_array) -> np.ndarray:
    """(n,) the part of a node on which no node in the graph has a claim: `1 − Σ_i W[i, j]`."""
    return np.asarray(np.maximum(1.0 - shares.sum(axis=0), 0.0))
