"""DebtRank rounds: single-hit (2012), and the linear increments as a segment system."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from .segments import Segments
from .shares import Shares

ROUNDS = 100_000


def reached(liabilities: csr_array, hit: np.ndarray, passes: np.ndarray) -> np.ndarray:
    """Nodes (B, n) reached by any loss, however small: from the shock or through debtors.

    A node without equity passes on all losses if it is reached, otherwise none.

    Parameters
    ----------
    liabilities : CSR (n, n), row = debtor, column = creditor, money.
    hit, passes : (B, n) bool, nodes hit by the shock; nodes that pass losses to their creditors.

    Example
    -------
    >>> chain = csr_array(np.array([[0.0, 4, 0], [0, 0, 4], [0, 0, 0]]))
    >>> reached(chain, np.array([[True, False, False]]), np.array([[True, False, True]])).tolist()
    [[True, True, False]]
    """
    found, fresh = np.array(hit.T), hit.T
    while fresh.any():
        fresh = (liabilities.T @ (fresh & passes.T).astype(float) > 0) & ~found
        found |= fresh
    return np.asarray(found.T)


def single_hit(
    impact: csr_array,
    distress: np.ndarray,
    *,
    history: bool = False,
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """DebtRank of Battiston, Puliga, Kaushik, Tasca and Caldarelli (2012).

    A node passes its distress on once, in the round after it first becomes distressed:

        h_j(t) = min(1, h_j(t−1) + Σ_{i distressed at t−1} W_ij h_i(t−1))

    Parameters
    ----------
    impact : CSR (n, n), `W[i, j] = min(1, A_ji / E_j)`, impact of i on j.
    distress : (B, n) initial distress h(1) in [0, 1].

    Returns
    -------
    h : (B, n); default_round : (B, n), first round with h = 1, -1 if none; history.

    Example
    -------
    >>> ring = csr_array(np.array([[0, .5, 0], [0, 0, .5], [.5, 0, 0]]))
    >>> h, _, _ = single_hit(ring, np.array([[.2, 0, 0]]))
    >>> h.round(3).tolist()
    [[0.225, 0.1, 0.05]]
    """
    h = np.ascontiguousarray(distress.T, float)
    active = h > 0
    spent = np.zeros_like(active)
    default_round = np.where(h >= 1, 0, -1).astype(np.int32)
    kept = [h.T.copy()] if history else []
    for round_ in range(1, len(h) + 2):  # every node passes on its distress once
        if not active.any():
            break
        new = np.minimum(1.0, h + impact.T @ np.where(active, h, 0.0))
        spent |= active
        active = (new > 0) & ~spent
        h = new
        default_round[(h >= 1) & (default_round < 0)] = round_
        if history:
            kept.append(h.T.copy())
    return h.T, default_round.T, kept


def linear_rounds(
    system: Segments,
    losses: np.ndarray,
    held: np.ndarray,
    bare: np.ndarray,
    limit: np.ndarray,
    tolerance: float,
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """The single rounds of linear DebtRank, with the round in which each node loses all its equity.

        y(t+1) = min(width, losses + y(t) @ S),  y fixed where the shock sets the loss,
                 and full loss or none at nodes without equity

    Convergence is slow near criticality; rounds stop when no change exceeds the tolerance. For the
    fixed point itself see :func:`contagion.kernels.clearing.clear`.

    Parameters
    ----------
    system : :func:`linear_system`.
    losses : (B, n) losses from the shock, money.
    held : (B, n) `y` of nodes at which it is fixed, else nan.
    bare : (n,) bool, nodes without equity, for which any loss is a total loss.
    limit : (n,) remaining equity below which a node is in default, money.

    Returns
    -------
    default_round : (B, n), -1 without default; and (left, default) after every round, with left
    (B, n) the remaining equity, money.

    Example
    -------
    >>> owed = csr_array(np.array([[0.0, 4.0], [0.0, 0.0]]))
    >>> one = linear_system(owed, np.array([2.0, 3.0]), np.array([4.0, 0.0]))
    >>> no, follow = np.zeros(2, bool), np.full((1, 2), np.nan)
    >>> linear_rounds(one, np.array([[2.0, 0]]), follow, no, np.zeros(2), 0.0)[0]
    array([[-1,  1]], dtype=int32)
    """
    free, width = np.isnan(held), system.width
    able = free & ~bare

    def passed(lost: np.ndarray) -> np.ndarray:
        own = np.where(bare, np.where(lost > 0, width, 0.0), np.clip(lost, 0.0, width))
        return np.where(free, own, held)

    lost, y = losses, passed(losses)
    failed = (width - lost < limit) & able
    when = np.where(failed, 0, -1).astype(np.int32)
    states = [(width - lost, failed)]
    for number in range(1, ROUNDS):
        lost = losses + system.shares.spread(y.T).T
        new = passed(lost)
        failed = (width - lost < limit) & able
        when[failed & (when < 0)] = number
        states.append((width - lost, failed))
        if (np.abs(new - y) <= tolerance * width).all():
            break
        y = new
    return when, states


def linear_system(liabilities: csr_array, equity: np.ndarray, debts: np.ndarray) -> Segments:
    """Linear DebtRank as segments: each node passes on its equity loss, at most all its equity.

    Node j has one segment of width `E_j`; if it has lost equity of `y_j`, creditor i loses
    `A_ij y_j / E_j` (after Bardoscia et al. 2015). Nodes without positive equity get their
    debts as width: their loss is fixed, at all of it or a given share.

    Example
    -------
    >>> owed = csr_array(np.array([[0., 4.], [0., 0.]]))
    >>> linear_system(owed, np.array([2., 6.]), np.array([4., 0.])).shares.direct.toarray()
    array([[0., 2.],
           [0., 0.]])
    """
    n = len(equity)
    width = np.where(equity > 0, equity, np.where(debts > 0, debts, 1.0))
    share = liabilities.data / np.repeat(width, np.diff(liabilities.indptr))
    shares = csr_array((share, liabilities.indices, liabilities.indptr), shape=(n, n))
    none = np.empty(0, np.int64)
    return Segments(np.arange(n), np.zeros(n), width, Shares(shares), width, none, np.empty(0))
