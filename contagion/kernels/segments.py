"""Segments: the one form to which every monotone rule of sharing a shortfall compiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy.sparse import csr_array

PRIORITY, PRO_RATA, QUEUE = 0, 1, 2


@dataclass(frozen=True)
class Segments:
    """How every node turns the funds it has into payments on its claims.

    Node i with funds a pays on its segment s the amount `clip(a − start_s, 0, width_s)`; claim
    k receives the share `σ_sk` of it. Money between two segments of a node belongs to
    creditors outside the graph, and so does what the shares of a segment leave.

    Attributes
    ----------
    owner : (S,) node that pays the segment, in ascending order.
    start, width : (S,) money that is paid before the segment, and in it.
    shares : CSR (S, n), `shares[s, j]` = part of segment s that goes to creditor j; row sums <= 1.
    due : (n,) everything a node owes, inside and outside the graph.
    entry_segment, entry_claim, entry_share : (K,) the triplets `σ_sk`; `entry_claim` is the row
        of the exposure table.
    """

    owner: np.ndarray
    start: np.ndarray
    width: np.ndarray
    shares: csr_array
    due: np.ndarray
    entry_segment: np.ndarray
    entry_claim: np.ndarray
    entry_share: Callable[[], np.ndarray]

    @cached_property
    def one_each(self) -> bool:
        """Is segment s simply the one segment of node s?"""
        return len(self.owner) == len(self.due) and bool(
            np.array_equal(self.owner, np.arange(len(self.due)))
        )

    @cached_property
    def inside(self) -> np.ndarray:
        """(S,) part of each segment that goes to creditors in the graph."""
        return np.asarray(self.shares.sum(axis=1)).ravel()

    def to_claims(self, paid: np.ndarray) -> np.ndarray:
        """Payments on segments (..., S) to payments on claims (..., m)."""
        share, m = self.entry_share(), int(self.entry_claim.max(initial=-1)) + 1
        flow = np.asarray(paid[..., self.entry_segment] * share)
        if len(self.entry_claim) == m:
            return flow
        flat = flow.reshape(-1, flow.shape[-1])
        rows = [np.bincount(self.entry_claim, row, m) for row in flat]
        return np.array(rows).reshape(*flow.shape[:-1], m)


def compile_segments(
    debtor: np.ndarray,
    creditor: np.ndarray,
    amount: np.ndarray,
    n: int,
    tier: np.ndarray | float,
    rank: np.ndarray | float,
    rule: np.ndarray | int,
    external: np.ndarray,
    external_tier: np.ndarray | float,
    relative_liabilities: Callable[[], csr_array] | None = None,
) -> Segments:
    """Compile proportional, tiered and queue rules of all nodes to segments.

    Parameters
    ----------
    debtor, creditor, amount : (m,) the claims.
    n : number of nodes.
    tier, rank : (m,) or one number: seniority (1 first) and place in the queue (highest loses
        first).
    rule : (n,) or one of PRIORITY (by tier, pro rata inside a tier), PRO_RATA (tiers ignored),
        QUEUE (by rank, equal ranks pro rata).
    external : (n,) what is owed outside the graph.
    external_tier : (n,) or one number: 0 before every claim, k together with tier (rank) k.
    relative_liabilities : gives Π, reused when no node needs more than one segment.

    Returns
    -------
    Segments

    Example
    -------
    One debtor, 6 senior and 8 junior:

    >>> two = compile_segments(np.array([0, 0]), np.array([1, 2]), np.array([6., 8.]), 3,
    ...     np.array([1., 2.]), 0, PRIORITY, np.zeros(3), 0)
    >>> two.start, two.width
    (array([0., 6.]), array([6., 8.]))
    """
    outside = np.broadcast_to(np.asarray(external_tier, float), (n,))
    level = tier if np.all(rule == PRIORITY) else 1.0 if np.all(rule == PRO_RATA) else 0.0
    if np.ndim(level) == 0 and level > 0 and ((outside == 0) | (outside == level)).all():
        return _one_each(debtor, amount, n, external, outside > 0, relative_liabilities, creditor)
    kind = np.broadcast_to(np.asarray(rule), (n,))
    order = np.where(kind[debtor] == PRIORITY, tier, 1.0)
    order = np.where(kind[debtor] == QUEUE, rank, order)
    ahead = np.where(outside <= 0, -np.inf, np.where(kind == PRO_RATA, 1.0, outside))
    owes = np.flatnonzero(external > 0)
    # Outside creditors take part as one claim a node, with no creditor in the graph.
    node = np.concatenate([debtor, owes])
    place = np.concatenate([order, ahead[owes]])
    money = np.concatenate([amount, external[owes]])
    by = np.lexsort((place, node))
    new = np.ones(len(by), bool)
    new[1:] = (np.diff(node[by]) != 0) | (place[by][1:] != place[by][:-1])
    group = np.empty(len(by), np.int64)
    group[by] = np.cumsum(new) - 1
    width = np.bincount(group, money)
    owner = node[by[new]]
    before = np.cumsum(width) - width
    first = np.ones(len(owner), bool)
    first[1:] = np.diff(owner) != 0
    head = before[first][np.cumsum(first) - 1]
    segment = group[: len(debtor)]
    has_claim = np.bincount(segment, minlength=len(owner)) > 0
    renumber = np.cumsum(has_claim) - 1
    segment, width_all = renumber[segment], width
    owner, start, width = owner[has_claim], (before - head)[has_claim], width[has_claim]
    share = _ratio(amount, width[segment])
    shares = csr_array((share, (segment, creditor)), shape=(len(owner), n))
    shares.sum_duplicates()
    due = np.bincount(node, money, n) if len(width_all) else np.zeros(n)
    return Segments(
        owner,
        start,
        width,
        shares,
        due,
        segment,
        np.arange(len(debtor)),
        partial(np.asarray, share),
    )


def _one_each(
    debtor: np.ndarray,
    amount: np.ndarray,
    n: int,
    external: np.ndarray,
    together: np.ndarray,
    relative_liabilities: Callable[[], csr_array] | None,
    creditor: np.ndarray,
) -> Segments:
    """Eisenberg–Noe: one segment a node, at the cost of the matrix of relative liabilities."""
    debts = np.bincount(debtor, amount, n)
    start = np.where(together, 0.0, external)
    width = np.where(together, debts + external, debts)
    if relative_liabilities is not None and not (together & (external > 0) & (debts > 0)).any():
        shares = relative_liabilities()
    else:
        share = _ratio(amount, width[debtor])
        shares = csr_array((share, (debtor, creditor)), shape=(n, n))
        shares.sum_duplicates()
    return Segments(
        np.arange(n),
        start,
        np.where(debts > 0, width, 0.0),
        shares,
        debts + external,
        debtor,
        np.arange(len(debtor)),
        partial(_shares, amount, width, debtor),
    )


def _shares(amount: np.ndarray, width: np.ndarray, debtor: np.ndarray) -> np.ndarray:
    """The part of its debtor's segment that each claim gets; made when asked for, not kept."""
    return _ratio(amount, width[debtor])


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return part / np.where(whole > 0, whole, 1.0)
