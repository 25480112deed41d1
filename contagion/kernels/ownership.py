"""Shareholdings between nodes: equity values, clearing with losses of owners, failure waves.

With `Γ[i, j]` the fraction of company j owned by i, and `base` (n,) the other assets of a node less
its debts, equity is `E = base + Γ max(E, 0)`. For clearing, equity is the last segment of a
company: its owners in the graph bear losses on it like creditors, but before all creditors,

    lost on equity = clip(due + Ē − funds, 0, Ē),    Ē the equity at face value, before any shock,

so that one kernel finds the joint fixed point of debts of every seniority and of equities.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, diags_array

from .linear import Solver, krylov
from .segments import Segments
from .shares import Shares, stack

FREE = 1e-12  # fraction of a company that must be held outside for its value to be defined
ROUGH, EXACT = 1e-8, 1e-12  # reduction by one solve; largest residual relative to largest value
MOST = 10_000  # maximum number of solves; far more than are needed in practice
THRESHOLD = 1e-12  # distance below a threshold that counts, relative to the balance sheet


# -- values -------------------------------------------------------------------------------------


def closed(fractions: csr_array) -> np.ndarray:
    """(n,) bool: companies in a group without outside owners, or owned by such a group.

    Equity is unique if there is none: from every company a chain of owners leads to one that is
    not held entirely in the graph, and the powers of Γ tend to 0.

    >>> closed(csr_array([[0.0, 1.0], [1.0, 0.0]])), closed(csr_array([[0.0, 1.0], [0.9, 0.0]]))
    (array([ True,  True]), array([False, False]))
    """
    inside = np.asarray(fractions.sum(axis=0)).ravel()
    free = inside < 1 - FREE
    links = csr_array(
        (np.ones(fractions.nnz), fractions.indices, fractions.indptr), fractions.shape
    )
    front = free
    while front.any():
        reached = links.T @ front.astype(float) > 0
        front = reached & ~free
        free = free | front
    return ~free


def equities(
    fractions: csr_array,
    base: np.ndarray,
    worthless: np.ndarray | None = None,
    guess: np.ndarray | None = None,
) -> np.ndarray:
    """The fixed point `E = base + Γ max(E, 0)`, for a batch.

    Owners have limited liability. The set of companies with positive value is found by Howard's
    iteration, with one linear solve on the current set in each step. Values for a given set are
    never too high, so values rise after the first solve, and few solves are needed.

    Parameters
    ----------
    fractions : Γ, CSR (n, n), without a closed group.
    base : (n, B) money, signed; nan where unknown (no node may own shares of this node).
    worthless : (n, B) bool, companies whose shares are worthless regardless of their assets.
    guess : (n, B) money, starting values.

    Returns
    -------
    (n, B) money, signed.

    Example
    -------
    Each of two companies with 3 owns half of the other: E = 3 + E / 2.

    >>> half = csr_array([[0.0, 0.5], [0.5, 0.0]])
    >>> equities(half, np.array([[3.0], [3.0]])).ravel()
    array([6., 6.])
    """
    if not fractions.nnz or not base.shape[1]:
        return base.copy()
    worth = np.isfinite(base) if worthless is None else np.isfinite(base) & ~worthless
    own = np.where(worth, base, 0.0)
    value = np.where(worth, np.maximum(own if guess is None else np.nan_to_num(guess), 0.0), 0.0)
    live = np.arange(base.shape[1])
    for _ in range(MOST):
        some = len(live) < base.shape[1]
        here, mine, now = (x[:, live] if some else x for x in (worth, own, value))
        next_ = here * (mine + fractions @ now)
        gap = np.abs(np.maximum(next_, 0.0) - now).max(axis=0)
        left = gap > EXACT * now.max(axis=0)
        if not left.any():
            break
        live = live[left]
        value[:, live] = _solve(fractions, mine[:, left], next_[:, left] > 0, now[:, left])
    return np.asarray(base + fractions @ value)


def _solve(
    fractions: csr_array, base: np.ndarray, mask: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """`x = base + Γ x` on the companies in the mask, at least 0, improving on `start`; (n, B)."""

    def masked(x: np.ndarray) -> np.ndarray:
        out = fractions @ x
        out *= mask
        return np.asarray(out)

    x, rhs = start * mask, base * mask
    more, good = krylov(masked, rhs + masked(x) - x, ROUGH)
    x += more
    if not good.all():  # slow convergence: cycles owned almost entirely inside
        late = np.flatnonzero(~good)
        patterns, of = np.unique(mask[:, late], axis=1, return_inverse=True)
        for k in range(patterns.shape[1]):
            at = late[of.ravel() == k]
            kept = csr_array(diags_array(patterns[:, k].astype(float)) @ fractions)
            x[:, at] = Solver(kept).answer(rhs[:, at])
    return np.asarray(np.maximum(x, 0.0))


# -- clearing -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Owned:
    """Segments with the equity of companies as their last one.

    segments : those of the rules, plus one for each company that is owned in the graph.
    rules : (S,) positions of the segments of the rules; equity : bool, segments that are equity.
    """

    segments: Segments
    rules: np.ndarray
    equity: np.ndarray


def owned(segments: Segments, fractions: csr_array, equity: np.ndarray) -> Owned:
    """Add equity segments to the segments of the rules.

    Parameters
    ----------
    fractions : Γ, CSR (n, n).
    equity : (n,) at face value of all claims and before any shock: its largest possible value.
    """
    n = len(segments.due)
    worth = np.maximum(np.nan_to_num(equity), 0.0)
    company = np.flatnonzero((np.asarray(fractions.sum(axis=0)).ravel() > 0) & (worth > 0))
    held = Shares(csr_array(fractions.T.tocsr()[company]))
    owner = np.concatenate([segments.owner, company])
    order = np.argsort(owner, kind="stable")
    place = np.argsort(order, kind="stable")
    whole = replace(
        segments,
        owner=owner[order],
        start=np.concatenate([segments.start, segments.due[company]])[order],
        width=np.concatenate([segments.width, worth[company]])[order],
        shares=stack([segments.shares, held], n).take(order),
        to=None,
        stage=None,
    )
    return Owned(whole, place[: len(segments.owner)], order >= len(segments.owner))


# -- waves of failures --------------------------------------------------------------------------


@dataclass(frozen=True)
class Failures:
    """Equity values (n, B) after failure costs, failed nodes, and their wave (0: none)."""

    value: np.ndarray
    failed: np.ndarray
    wave: np.ndarray
    history: list[tuple[np.ndarray, np.ndarray]]


def failures(
    fractions: csr_array,
    base: np.ndarray,
    threshold: np.ndarray,
    cost: np.ndarray,
    *,
    can_fail: np.ndarray,
    failing: np.ndarray,
    scale: np.ndarray,
    worst: bool = False,
    history: bool = False,
) -> Failures:
    """Waves of failures: a value below a threshold destroys further value.

    After Elliott, Golub and Jackson (2014): `V = base − b + Γ max(V, 0)`, b the costs of failed
    nodes; a node fails if its value to outside owners, `(1 − Σ_i Γ_ij) V_j`, is below its
    threshold. Starting without failures, the waves lead to the equilibrium with the fewest
    failures; starting with all nodes failed, to the one with the most.

    Parameters
    ----------
    fractions : Γ, CSR (n, n), without a closed group.
    base : (n, B) money.
    threshold, cost : (n,) money.
    can_fail : (n,) bool.
    failing : (n, B) bool, nodes set to default by the shock: worthless, without a failure cost.
    scale : (n,) balance sheets, for the tolerance at the threshold, money.
    worst : start with all nodes failed.
    history : keep (value, failed) of every wave.
    """
    outside = 1.0 - np.asarray(fractions.sum(axis=0)).ravel()[:, None]
    floor = (threshold - THRESHOLD * scale)[:, None]
    may = np.broadcast_to(can_fail[:, None], base.shape) & ~failing
    failed = may.copy() if worst else np.zeros(base.shape, bool)
    value, wave = np.full(base.shape, np.nan), np.zeros(base.shape, np.int64)
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    live, waves = np.arange(base.shape[1]), 0
    while len(live):
        now = failed[:, live]
        value[:, live] = equities(
            fractions, base[:, live] - cost[:, None] * now, failing[:, live], value[:, live]
        )
        with np.errstate(invalid="ignore"):
            below = may[:, live] & (outside * value[:, live] < floor)
        after = below if worst else now | below
        moved = (after != now).any(axis=0)
        waves += bool(moved.any())
        wave[:, live] = np.where(after & ~now, waves, wave[:, live])
        failed[:, live] = after
        if history:
            kept.append((value.copy(), failed.copy()))
        live = live[moved]
    if worst:
        wave = failed.astype(np.int64)
    return Failures(value, failed, wave, kept)
