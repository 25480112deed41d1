"""Ladders: the segments of many nodes, in the order in which they bear losses.

Every rule for sharing a shortfall is a ladder. With `W_s` the sum of widths of the segments of a
node before s, a shortfall x costs segment s the amount `clip(x − W_s, 0, w_s)` and claim k

    loss_k(x) = Σ_s σ_sk clip(x − W_s, 0, w_s)

Ladders can be joined one after the other, cut at a capacity, and reversed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from .shares import Shares, runs, stack

TIE = 1e-14  # relative distance below which two breakpoints are equal
ROUNDING = 1e-12  # share of a claim below which the remainder counts as zero


@dataclass(frozen=True)
class Ladder:
    """S segments over m claims, by owner (ascending) and in the order in which they bear losses.

    Attributes
    ----------
    owner : (S,) node that shares the shortfall.
    width : (S,) money.
    shares : (S, m), rows sum to one.
    stage : (S,) number of the layer that a segment belongs to, for reports.
    """

    owner: np.ndarray
    width: np.ndarray
    shares: Shares
    stage: np.ndarray

    @cached_property
    def start(self) -> np.ndarray:
        """(S,) shortfall of the owner above which the segment bears losses, money."""
        return within(self.owner, self.width)

    def taken(self, shortfall: np.ndarray) -> np.ndarray:
        """(S,) loss of every segment, given the shortfall of its owner (index of `shortfall`)."""
        short = np.asarray(shortfall, float)[self.owner]
        return np.asarray(np.clip(short - self.start, 0.0, self.width))

    def capacity(self, n: int) -> np.ndarray:
        """(n,) largest total loss of all segments of an owner."""
        return np.asarray(np.bincount(self.owner, self.width, n))

    def reordered(self, order: np.ndarray) -> Ladder:
        """The same segments in another order."""
        return Ladder(
            self.owner[order], self.width[order], self.shares.take(order), self.stage[order]
        )

    def reversed(self) -> Ladder:
        """Every owner's segments in reverse order: converts a payment order into a loss order."""
        order = np.lexsort((-np.arange(len(self.owner)), self.owner))
        return self.reordered(order)

    def cut(self, capacity: np.ndarray) -> Ladder:
        """The ladder up to a loss of `capacity` (one number per owner)."""
        width = np.clip(capacity[self.owner] - self.start, 0.0, self.width)
        kept = np.flatnonzero(width > 0)
        return replace(self, width=width).reordered(kept)

    def as_stage(self, number: int) -> Ladder:
        """The ladder with all its segments in one layer."""
        return replace(self, stage=np.full(len(self.owner), number))

    def over(self, claims: np.ndarray, m: int) -> Ladder:
        """A ladder of some claims extended to all m claims; `claims[k]` is the row of claim k."""
        return replace(self, shares=self.shares.onto(claims, m))


def within(owner: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Cumulative widths before each entry, separately for every owner (ascending).

    Sums are taken within every owner, never across owners, so that rounding errors of a large node
    do not affect a small one.

    >>> within(np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 5.0, 1.0]))
    array([0., 1., 0., 5.])
    """
    out = np.zeros(len(owner))
    at, step = np.flatnonzero(owner[1:] == owner[:-1]) + 1, 1
    out[at] = width[at - 1]
    while len(at):
        at = at[at >= step]
        at = at[owner[at] == owner[at - step]]
        out[at] += out[at - step]
        step *= 2
    return out


def one_after_another(ladders: Sequence[Ladder], m: int) -> Ladder:
    """Ladders over the same m claims, the first loses first."""
    parts = [part for part in ladders if len(part.owner)]
    if not parts:
        empty = np.zeros(0, np.int64)
        return Ladder(empty, np.zeros(0), Shares(csr_array((0, m))), empty)
    whole = Ladder(
        np.concatenate([part.owner for part in parts]),
        np.concatenate([part.width for part in parts]),
        stack([part.shares for part in parts], m),
        np.concatenate([part.stage for part in parts]),
    )
    order = np.argsort(whole.owner, kind="stable")
    return whole if (np.diff(order) == 1).all() else whole.reordered(order)


def weighted(owner: np.ndarray, amount: np.ndarray, weight: np.ndarray) -> Ladder:
    """`loss_k = min(amount_k, λ weight_k)`: losses in proportion to weights, at most the claim.

    One segment for every distinct `amount / weight` of an owner. Claims of weight 0 bear no loss.

    Parameters
    ----------
    owner : (m,) node that owes the claim.
    amount : (m,) claims, money >= 0.
    weight : (m,) weights >= 0.

    Example
    -------
    Claims of 10 and 30 with equal weights: they share a loss of up to 20 equally; above that only
    the larger claim loses.

    >>> ladder = weighted(np.zeros(2, int), np.array([10.0, 30.0]), np.ones(2))
    >>> ladder.width, ladder.shares.explicit().toarray().tolist()
    (array([20., 20.]), [[0.5, 0.5], [0.0, 1.0]])
    """
    m = len(amount)
    lose = np.flatnonzero((amount > 0) & (weight > 0))
    ratio = amount[lose] / weight[lose]
    order = np.lexsort((ratio, owner[lose]))
    at, ratio = lose[order], ratio[order]
    who = owner[at]
    new_owner = np.diff(who, prepend=-1) != 0
    new = new_owner.copy()
    new[1:] |= np.diff(ratio) > TIE * ratio[1:]
    first = np.flatnonzero(new)
    start = np.flatnonzero(new_owner)
    count = np.diff(start, append=len(at))
    single = np.add.reduceat(new, start) == 1 if len(start) else np.zeros(0, bool)
    plain, rest = np.repeat(single, count), np.repeat(~single, count)
    simple = _pro_rata(who[plain], at[plain], amount, weight, m)
    if not rest.any():
        return simple
    # the others: runs of claims whose breakpoint has not been reached
    inside = np.flatnonzero(rest)
    number = np.cumsum(rest) - 1
    base = np.repeat(np.cumsum(count[~single]), count[~single])
    begin = first[rest[first]]
    shares, total = runs(number[begin], base, weight[at[inside]])
    level = ratio[begin]
    rise = np.where(new_owner[begin], level, np.diff(level, prepend=0.0))
    several = Ladder(
        who[begin], rise * total, shares.onto(at[inside], m), np.zeros(len(begin), np.int64)
    )
    return one_after_another([simple, several], m)


def _pro_rata(
    who: np.ndarray, at: np.ndarray, amount: np.ndarray, weight: np.ndarray, m: int
) -> Ladder:
    """One segment per owner: all its claims are exhausted at the same loss."""
    fresh = np.diff(who, prepend=-1) != 0
    segment = np.cumsum(fresh) - 1
    count = int(fresh.sum())
    total = np.bincount(segment, weight[at], count)
    shares = csr_array((weight[at] / total[segment], (segment, at)), shape=(count, m))
    width = np.bincount(segment, amount[at], count)
    return Ladder(who[fresh], width, Shares(shares), np.zeros(count, np.int64))


def completed(ladder: Ladder, owner: np.ndarray, amount: np.ndarray, stage: int) -> Ladder:
    """The ladder plus a last layer with the remainder of every claim, pro rata.

    Parameters
    ----------
    owner, amount : (m,) the claims of the ladder.
    stage : number of the layer for losses that no rule allocates.
    """
    left = amount - ladder.shares.spread(ladder.width)
    left = np.where(left > ROUNDING * amount, left, 0.0)
    if not left.any():
        return ladder
    return one_after_another([ladder, weighted(owner, left, left).as_stage(stage)], len(amount))
