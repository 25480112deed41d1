"""A block of scenarios of a clearing problem, in the form of the fixed-point solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .blocks import Solved, solve
from .segment_system import System
from .segments import Segments
from .shares import Shares


@dataclass(frozen=True)
class Terms:
    """Common data of all scenarios of a clearing problem; see :func:`clear`."""

    segments: Segments
    claims: np.ndarray
    can_fail: np.ndarray
    kept: tuple[np.ndarray, np.ndarray] | None
    least: bool
    limit: np.ndarray
    unit: np.ndarray
    tolerance: float
    certify: bool | None
    equity: np.ndarray | None


class Block:
    """A block of scenarios of a clearing problem: arrays (S, B) and (n, B)."""

    def __init__(self, terms: Terms, external: np.ndarray, pinned: np.ndarray | None):
        self.terms, self.external = terms, external
        self.assets = external + terms.claims[:, None]
        self.outside = np.zeros(external.shape, bool) if pinned is None else ~np.isnan(pinned)
        self.keeps = None if pinned is None else np.nan_to_num(pinned)
        self.stuck = ~terms.can_fail[:, None] | self.outside
        self.products = 0.0
        self.rounds = np.zeros(external.shape[1], np.int64)
        eased = np.asarray(terms.segments.absorbing, float) > 0
        self.eased = np.broadcast_to(eased, terms.limit.shape)[:, None]
        self.start: np.ndarray | None = None
        self.unpaid = np.empty(0)

    def insolvent(self, funds: np.ndarray) -> np.ndarray:
        """(n, B) nodes with funds below the limit that can default and have no fixed recovery."""
        return np.asarray((funds < self.terms.limit[:, None]) & ~self.stuck)

    def alone(self) -> np.ndarray:
        """(n, B) funds while all nodes pay in full."""
        return np.asarray(self.assets)

    def constants(self, default: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """c, p, w (S, B) of the map; `default` marks the nodes with default costs.

        Other nodes then pay in full, except layers that absorb losses without a default.
        """
        t, segments = self.terms, self.terms.segments
        owner, end = segments.owner, segments.end[:, None]
        at = slice(None) if segments.one_each else owner
        c = end - self.assets[at]
        p = np.ones(c.shape)
        width = np.broadcast_to(segments.width[:, None], c.shape)
        rules = None if t.equity is None else ~t.equity[:, None]
        if default is not None:
            eased = self.eased[at]
            costs = default[at] if rules is None else default[at] & rules
            if t.kept is not None:
                alpha, beta = t.kept[0][:, None], t.kept[1][:, None]
                left = np.minimum(self.external, alpha * self.external)  # below 0: owed, in full
                worth = left + beta * t.claims[:, None]
                c = np.where(costs, end - worth[at], c)
                p = np.where(costs, beta[at], 1.0)
            full = ~(costs | eased)
            c = np.where(full if rules is None else full & rules, -np.inf, c)
        if not t.can_fail.all():
            safe = ~t.can_fail[at, None]
            c = np.where(safe if rules is None else safe & rules, -np.inf, c)
        if self.keeps is not None:
            out = self.outside[at]
            keeps = self.keeps[at]
            if rules is not None:
                keeps = np.where(rules, keeps, 0.0)
            c = np.where(out, np.inf, c)
            width = np.where(out, width * (1.0 - keeps), width)
        return np.ascontiguousarray(c), p, np.ascontiguousarray(width)

    def solve(self, default: np.ndarray | None) -> np.ndarray:
        """The fixed point for given defaults, starting from the last one; funds (n, B)."""
        t = self.terms
        c, p, w = self.constants(default)
        found = (
            mirrored(t, t.segments.system, t.segments.shares, t.segments.owner, c, p, w, self.start)
            if t.least
            else solve(
                t.segments.system,
                c,
                p,
                w,
                t.unit,
                tolerance=t.tolerance,
                start=self.start,
                certify=t.certify,
            )
        )
        self.unpaid = self.start = found.y
        self.found = found
        self.products += found.work / max(len(t.segments.system.sd), 1)
        self.rounds += found.sweeps
        return np.asarray(self.assets - found.x)


def mirrored(
    t: Terms,
    system: System,
    shares: Shares,
    owner: np.ndarray,
    c: np.ndarray,
    p: np.ndarray,
    w: np.ndarray,
    start: np.ndarray | None,
) -> Solved:
    """The greatest y, as the least z = w − y of `clip(w − c − p · (w @ S − z @ S), 0, w)`."""
    whole = shares.spread(w)
    turned = w - c - p * whole[owner]
    found = solve(
        system,
        turned,
        p,
        w,
        t.unit,
        tolerance=t.tolerance,
        start=None if start is None else w - start,
        certify=t.certify,
    )
    found.y, found.x = w - found.y, whole - found.x
    return found
