"""Segments: the common form to which every monotone rule for sharing a shortfall is compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from .calls import Calls
from .ladder import Ladder, within
from .segment_system import System
from .shares import Shares


@dataclass(frozen=True)
class Segments:
    """The payments of every node on its claims as a function of its funds.

    Node i with funds a pays on its segment s the amount `clip(a − start_s, 0, width_s)`; claim
    k receives the share `σ_sk` of it. Amounts between two segments of a node, and shares of a
    segment not assigned to nodes, belong to creditors outside the graph.

    Attributes
    ----------
    owner : (S,) node that pays the segment, in ascending order.
    start, width : (S,) money that is paid before the segment, and in it.
    shares : (S, n), `shares[s, j]` = share of node j in segment s; row sums <= 1.
    due : (n,) total debts of a node, inside and outside the graph.
    debtor, amount : (m,) the claims.
    to : (S, m) the same shares by claim; `None` if node i has only the segment i, pro rata.
    stage : (S,) number of the layer of each segment, in `layers`; `None` without layers.
    layers : names of the layers.
    absorbing : (n,) money, claims that are written down before the node is in default.
    calls : contingent claims, if any.
    """

    owner: np.ndarray
    start: np.ndarray
    width: np.ndarray
    shares: Shares
    due: np.ndarray
    debtor: np.ndarray
    amount: np.ndarray
    to: Shares | None = None
    stage: np.ndarray | None = None
    layers: tuple[str, ...] = ()
    absorbing: np.ndarray | float = 0.0
    calls: Calls | None = None

    @cached_property
    def one_each(self) -> bool:
        """True if every node s has exactly one segment, number s."""
        return len(self.owner) == len(self.due) and bool(
            np.array_equal(self.owner, np.arange(len(self.due)))
        )

    @cached_property
    def inside(self) -> np.ndarray:
        """(S,) share of each segment owed to creditors in the graph."""
        return self.shares.totals() if self.to is None else self.to.totals()

    @cached_property
    def system(self) -> System:
        """The shares in the form used by the solver."""
        return System.of_shares(self.owner, self.width, self.shares)

    @cached_property
    def end(self) -> np.ndarray:
        """(S,) funds above which the segment is paid in full, money."""
        return np.asarray(self.start + self.width)

    def to_claims(self, money: np.ndarray) -> np.ndarray:
        """Distribute money on segments (..., S) to claims (..., m)."""
        if self.to is None:
            share = ratio(self.amount, self.width[self.debtor])
            return np.asarray(money[..., self.debtor] * share)
        return along_last(self.to, money)


def along_last(shares: Shares, money: np.ndarray) -> np.ndarray:
    """`Shares.spread` for arrays (..., S) with segments on the last axis."""
    flat = money.reshape(-1, money.shape[-1])
    return np.asarray(shares.spread(flat.T).T.reshape(*money.shape[:-1], shares.shape[1]))


def one_each(
    debtor: np.ndarray,
    creditor: np.ndarray,
    amount: np.ndarray,
    n: int,
    external: np.ndarray,
    together: np.ndarray,
    relative_liabilities: Callable[[], csr_array] | None = None,
) -> Segments:
    """Eisenberg–Noe: one segment per node, at the cost of the matrix of relative liabilities.

    Parameters
    ----------
    debtor, creditor, amount : (m,) the claims.
    external : (n,) debts outside the graph.
    together : (n,) bool, external creditors share with the claims instead of ranking first.
    relative_liabilities : gives Π, reused if no external creditor shares with the claims.
    """
    debts = np.bincount(debtor, amount, n)
    start = np.where(together, 0.0, external)
    width = np.where(together, debts + external, debts)
    if relative_liabilities is not None and not (together & (external > 0) & (debts > 0)).any():
        shares = relative_liabilities()
    else:
        share = ratio(amount, width[debtor])
        shares = csr_array((share, (debtor, creditor)), shape=(n, n))
        shares.sum_duplicates()
    width = np.where(debts > 0, width, 0.0)
    due = debts + external
    return Segments(np.arange(n), start, width, Shares(shares), due, debtor, amount)


def from_ladder(
    ladder: Ladder,
    loses: Shares,
    debtor: np.ndarray,
    amount: np.ndarray,
    ahead: np.ndarray,
    due: np.ndarray,
    n: int,
    layers: tuple[str, ...] = (),
    absorbing: np.ndarray | float = 0.0,
    calls: Calls | None = None,
) -> Segments:
    """Segments from a ladder that exhausts every claim.

    Parameters
    ----------
    ladder : first losses come first; its columns are the m claims and then any others.
    loses : (S, n) shares of the segments by the node that bears the loss.
    debtor, amount : (m,) the claims.
    ahead : (n,) amount paid outside the graph before any segment.
    due : (n,) total debts of a node.
    layers, absorbing, calls : as in :class:`Segments`.
    """
    m = len(debtor)
    order = np.lexsort((-np.arange(len(ladder.owner)), ladder.owner))
    owner, width = ladder.owner[order], ladder.width[order]
    start = ahead[owner] + within(owner, width)
    to = ladder.shares.take(order)
    column = np.where(np.arange(to.shape[1]) < m, np.arange(to.shape[1]), -1)
    used = loses.totals()[order] > 0
    if calls is not None:
        used |= np.isin(owner, calls.guarantor)
        calls = replace(calls, trigger=calls.trigger.take(order[used]))
    kept = np.flatnonzero(used)
    return Segments(
        owner[kept],
        start[kept],
        width[kept],
        loses.take(order[kept]),
        due,
        debtor,
        amount,
        to.take(kept).onto(column, m),
        ladder.stage[order[kept]],
        layers,
        absorbing,
        calls,
    )


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole`, and `part` where the whole is zero."""
    return np.asarray(part / np.where(whole > 0, whole, 1.0))
