"""Clearing: the fixed point of the segments of a network, for a batch of scenarios.

Written in what is *not* paid, `y = width − payments`, so that work and rounding follow the
nodes in default and not the size of the system:

    lost  = y @ S                                          what creditors do not get
    y     = clip(start + width − funds[owner], 0, width)   funds = external assets + claims − lost

The least y is the greatest clearing vector. The least clearing vector is the same problem for
z = width − y. Both come from :mod:`fixed_point`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from .blocks import WIDTH, Solved, solve
from .segments import Segments

THRESHOLD = 1e-12  # funds this close to what is due (relative to the balance sheet) are solvent


@dataclass(frozen=True)
class Cleared:
    """What the kernel hands back; B scenarios, n nodes, S segments.

    unpaid (B, S) and funds (B, n) are money; funds are before default costs. default_round is
    -1 for solvent nodes and only meaningful in mode "waves". residual (B,) is the largest change
    of one more round and error (B,) the bound on the distance to the exact solution, both
    relative to the balance sheet of the node; error is nan where it was not computed. products
    counts sparse products in units of the whole matrix.
    """

    unpaid: np.ndarray
    funds: np.ndarray
    defaulted: np.ndarray
    default_round: np.ndarray
    rounds: np.ndarray
    residual: np.ndarray
    error: np.ndarray
    converged: np.ndarray
    products: float
    history: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    called: np.ndarray | None = None
    unmet: np.ndarray | None = None


@dataclass(frozen=True)
class Terms:
    """What all scenarios of a clearing problem have in common; see :func:`clear`."""

    segments: Segments
    claims: np.ndarray
    can_fail: np.ndarray
    alpha: float
    beta: float
    least: bool
    limit: np.ndarray
    unit: np.ndarray
    tolerance: float
    certify: bool | None
    equity: np.ndarray | None

    @property
    def costly(self) -> bool:
        """Does default destroy anything?"""
        return self.alpha < 1 or self.beta < 1


class Block:
    """Some scenarios of a clearing problem side by side: arrays (S, B) and (n, B)."""

    def __init__(self, terms: Terms, external: np.ndarray, pinned: np.ndarray | None):
        self.terms, self.external = terms, external
        self.pinned = pinned
        self.assets = external + terms.claims[:, None]
        self.outside = np.zeros(external.shape, bool) if pinned is None else ~np.isnan(pinned)
        self.stuck = ~terms.can_fail[:, None] | self.outside
        self.products = 0.0
        self.rounds = np.zeros(external.shape[1], np.int64)
        self.unpaid: np.ndarray | None = None

    def insolvent(self, funds: np.ndarray) -> np.ndarray:
        """(n, B) nodes with funds below the limit, those that cannot default by themselves out."""
        return np.asarray((funds < self.terms.limit[:, None]) & ~self.stuck)

    def constants(self, default: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """c, p, w (S, B) of the map; with `default`, who bears default costs.

        The others then pay in full, but for layers that absorb losses without a default.
        """
        t, segments = self.terms, self.terms.segments
        owner, end = segments.owner, segments.end[:, None]
        at = slice(None) if segments.one_each else owner
        c = end - self.assets[at]
        p = np.ones(c.shape)
        width = np.broadcast_to(segments.width[:, None], c.shape)
        rules = None if t.equity is None else ~t.equity[:, None]
        if default is not None:
            eased = np.broadcast_to(np.asarray(segments.absorbing) > 0, t.limit.shape)[at, None]
            costs = default[at] if rules is None else default[at] & rules
            if t.costly:
                worth = t.alpha * self.external + t.beta * t.claims[:, None]
                c = np.where(costs, end - worth[at], c)
                p = np.where(costs, t.beta, 1.0)
            full = ~(costs | eased)
            c = np.where(full if rules is None else full & rules, -np.inf, c)
        if not t.can_fail.all():
            safe = ~t.can_fail[at, None]
            c = np.where(safe if rules is None else safe & rules, -np.inf, c)
        if self.pinned is not None:
            out = self.outside[at]
            keeps = np.where(out, np.nan_to_num(self.pinned)[at], 0.0)
            if rules is not None:
                keeps = np.where(rules, keeps, 0.0)
            c = np.where(out, np.inf, c)
            width = np.where(out, width * (1.0 - keeps), width)
        return np.ascontiguousarray(c), p, np.ascontiguousarray(width)

    def solve(self, default: np.ndarray | None) -> np.ndarray:
        """The fixed point for given defaults, from the last one on; funds (n, B)."""
        t = self.terms
        c, p, w = self.constants(default)
        found = _mirrored(t, c, p, w, self.unpaid) if t.least else solve(
            t.segments.system, c, p, w, t.unit, tolerance=t.tolerance, start=self.unpaid,
            certify=t.certify,
        )
        self.unpaid, self.found = found.y, found
        self.products += found.work / max(len(t.segments.system.sd), 1)
        self.rounds += found.sweeps
        return np.asarray(self.assets - found.x)


def _mirrored(
    t: Terms, c: np.ndarray, p: np.ndarray, w: np.ndarray, start: np.ndarray | None
) -> Solved:
    """The greatest y, as the least z = w − y of `clip(w − c − p · (w @ S − z @ S), 0, w)`."""
    spread, owner = t.segments.shares.spread, t.segments.owner
    whole = spread(w)
    turned = w - c - p * whole[owner]
    found = solve(
        t.segments.system, turned, p, w, t.unit, tolerance=t.tolerance,
        start=None if start is None else w - start, certify=t.certify,
    )
    found.y, found.x = w - found.y, whole - found.x
    return found


def clear(
    segments: Segments,
    external: np.ndarray,
    claims: np.ndarray,
    can_fail: np.ndarray,
    *,
    pinned: np.ndarray | None = None,
    alpha: float = 1.0,
    beta: float = 1.0,
    least: bool = False,
    strict: bool = True,
    tolerance: float = 1e-10,
    mode: Literal["fast", "waves"] = "fast",
    limit: np.ndarray | None = None,
    equity: np.ndarray | None = None,
    history: bool = False,
    certify: bool | None = None,
) -> Cleared:
    """Clear a batch of scenarios.

    Parameters
    ----------
    segments : the compiled rules.
    external : (B, n) external assets after the shock, money.
    claims : (n,) claims at face value.
    can_fail : (n,) bool.
    pinned : (B, n) recovery in [0, 1] of nodes that fail for outside reasons, nan elsewhere.
    alpha, beta : parts of external assets and of received payments that survive default.
    least : the least clearing vector instead of the greatest.
    strict : funds that just equal what is due are solvent.
    tolerance : bound on the error where that is computed, else on the residual.
    mode : "waves": nodes default in waves, each cleared to its fixed point before the next one
        (fictitious default algorithm of Eisenberg & Noe 2001; GA of Rogers & Veraart 2013,
        definition 3.6). "fast": waves only where defaults cost something.
    limit : (n,) funds below which a node counts as in default, by default what is due less the
        claims that absorb losses by the rule of the node.
    equity : (S,) bool, segments that are the equity of a company and fall without a default.
    history : keep (funds, defaulted) of every wave; all scenarios then go together.
    certify : compute the error bound; by default for single scenarios where it costs little.

    Returns
    -------
    Cleared
    """
    unit = claims + segments.due
    if limit is None:
        limit = segments.due - segments.absorbing + (-THRESHOLD if strict else THRESHOLD) * unit
    unit = np.where(unit > 0, unit, 1.0)
    terms = Terms(segments, claims, can_fail, alpha, beta, least, limit, unit, tolerance, certify,
                  equity)
    batch, n = external.shape
    waves = mode == "waves" or terms.costly
    order, width = np.arange(batch), batch if history else WIDTH
    if batch > width:  # scenarios of like severity take like sweeps
        order = np.argsort(external.sum(axis=1), kind="stable")
    out = Cleared(
        np.empty((batch, len(segments.owner))), np.empty((batch, n)), np.empty((batch, n), bool),
        np.full((batch, n), -1, np.int32), np.empty(batch, np.int64), np.empty(batch),
        np.empty(batch), np.empty(batch, bool), 0.0,
    )
    products, kept = 0.0, out.history
    for first in range(0, batch, width):
        at = order[first : first + width]
        pins = None if pinned is None else np.ascontiguousarray(pinned[at].T)
        block = Block(terms, np.ascontiguousarray(external[at].T), pins)
        if waves:
            funds, when = _waves(block, kept if history else None)
            out.default_round[at] = when.T
        else:
            funds = block.solve(None)
        assert block.unpaid is not None
        out.unpaid[at], out.funds[at] = block.unpaid.T, funds.T
        out.defaulted[at] = (block.insolvent(funds) | block.outside).T
        out.rounds[at], out.residual[at] = block.rounds, block.found.residual
        out.error[at] = block.found.error
        out.converged[at] = out.residual[at] <= tolerance
        products += block.products * len(at) / batch
    return Cleared(**{**vars(out), "products": products})


def _waves(
    block: Block, kept: list[tuple[np.ndarray, np.ndarray]] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Defaults in waves, each cleared before the next one; funds and rounds of default (n, B)."""
    least = block.terms.least
    alone = block.insolvent(block.assets)
    default = ~block.stuck if least else alone
    when = np.where(default | block.outside, 0, -1)
    if kept is not None:
        kept.append((block.assets.T.copy(), (alone | block.outside).T))
    wave = 0
    while True:
        funds, wave = block.solve(default), wave + 1
        grown = block.insolvent(funds)
        grown = grown & default if least else grown | default
        when[grown & (when < 0)] = wave
        if kept is not None:
            kept.append((funds.T, (grown | block.outside).T))
        if (grown == default).all():
            return funds, when
        default = grown
