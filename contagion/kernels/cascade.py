"""Default cascades: a creditor loses a fixed share of its claim when its debtor defaults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

THRESHOLD = 1e-12


@dataclass(frozen=True)
class Cascade:
    """losses (B, n) money; default_round (B, n), -1 without default; rounds of the whole batch."""

    losses: np.ndarray
    default_round: np.ndarray
    rounds: int
    history: list[tuple[np.ndarray, np.ndarray]]


def cascade(
    plain: csr_array,
    fixed: csr_array | None,
    equity: np.ndarray,
    shock: np.ndarray,
    loss_given_default: np.ndarray,
    can_fail: np.ndarray,
    started: np.ndarray,
    *,
    strict: bool,
    history: bool = False,
) -> Cascade:
    """Rounds of default: in each round, the nodes with losses above their equity default.

        losses_i = shock_i + Σ_j (lgd_j plain_ji + fixed_ji) [j failed]

    Parameters
    ----------
    plain : CSR (n, n), row = debtor, column = creditor: claims that lose at the rate of their
        debtor, money.
    fixed : CSR (n, n) or None, losses in default on claims with a rate of their own, money.
    equity : (n,) loss-absorbing capital before the shock, money.
    shock : (B, n) losses on external assets.
    loss_given_default : (B, n) or broadcastable, in [0, 1], of each node as a debtor.
    can_fail : (n,) bool.
    started : (B, n) bool, nodes set to default by the shock.
    strict : `True`: default if losses exceed equity; `False`: also if they equal it (without a
        loss only nodes with negative equity default).

    Returns
    -------
    Cascade
        Every node defaults at most once, so all rounds together cost one product with their rows.
    """
    loss = np.array(shock.T, float, order="C")
    rate = np.ascontiguousarray(np.broadcast_to(loss_given_default, shock.shape).T)
    capital = equity[:, None]
    claims = plain if fixed is None else plain + fixed
    room = THRESHOLD * (np.abs(equity) + np.asarray(claims.sum(axis=0)).ravel())[:, None]
    able = can_fail[:, None]

    def over() -> np.ndarray:
        if strict:
            return np.asarray(loss > capital + room)
        return np.asarray((loss >= capital - room) & ((loss > 0) | (capital < -room)))

    fresh = started.T | (able & over())
    failed = fresh.copy()
    default_round = np.where(fresh, 0, -1).astype(np.int32)
    kept = [(loss.T.copy(), failed.T.copy())] if history else []
    rounds = 0
    while fresh.any():
        rounds += 1
        rows = np.flatnonzero(fresh.any(axis=1))
        loss += plain[rows].T @ np.where(fresh[rows], rate[rows], 0.0)
        if fixed is not None:
            loss += fixed[rows].T @ fresh[rows].astype(float)
        fresh = able & over() & ~failed
        default_round[fresh] = rounds
        failed |= fresh
        if history:
            kept.append((loss.T.copy(), failed.T.copy()))
    return Cascade(loss.T, default_round.T, rounds, kept)
