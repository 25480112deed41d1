"""Default cascades through claims and through funding, with forced sales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from .cascade import THRESHOLD


@dataclass(frozen=True)
class Spread:
    """credit, funding, price (B, n) money; illiquid (B, n); default_round (B, n), -1 if none."""

    credit: np.ndarray
    funding: np.ndarray
    price: np.ndarray
    illiquid: np.ndarray
    default_round: np.ndarray
    rounds: int
    history: list[tuple[np.ndarray, np.ndarray]]


def spread(
    liabilities: csr_array,
    plain: csr_array,
    fixed: csr_array | None,
    *,
    capital: np.ndarray,
    scale: np.ndarray,
    shock: np.ndarray,
    rate: np.ndarray,
    not_replaced: np.ndarray,
    sale_cost: np.ndarray,
    price_impact: float,
    liquid: np.ndarray,
    sellable: np.ndarray,
    marked: np.ndarray,
    can_fail: np.ndarray,
    started: np.ndarray,
    strict: bool,
    history: bool = False,
) -> Spread:
    """Rounds of solvency and liquidity defaults; losses only grow, so the rounds end.

    With F the nodes in default, δ the sale cost, κ the price impact, and nodes i, j:

        credit_i  = Σ_{j∈F} (rate_j plain_ji + fixed_ji)
        need_i    = max(0, ρ_i Σ_{j∈F} liabilities_ij − liquid_i)
        sold_i    = min((1 + δ_i) need_i, sellable_i)            at market value
        funding_i = δ_i / (1 + δ_i) sold_i
        price_i   = min(1, κ Σ sold / Σ marked) max(0, marked_i − shock_i)

    i defaults if shock + credit + funding + price exceed its capital, or if
    (1 + δ) need exceeds sellable.

    Parameters
    ----------
    liabilities : CSR (n, n), row = debtor, column = creditor, money.
    plain : CSR (n, n), the claims that lose at the rate of their debtor, money.
    fixed : CSR (n, n) or None, losses in default on claims with a rate of their own, money.
    capital : (n,) loss-absorbing capital, money; inf: no default through losses.
    scale : (n,) size of the node, for rounding errors, money.
    shock, started : (B, n) losses on external assets; nodes set to default by the shock.
    rate : (B, n) loss rate on claims on each node when it is in default.
    not_replaced, sale_cost : ρ and δ, (n,) of the node that borrows and sells; price_impact : κ.
    liquid : (n,) or (B, n) available cash, below 0 for a shortfall from the start.
    sellable : (n,) sellable assets, inf without limit.
    marked : (n,) external assets whose price falls through forced sales, money.
    can_fail : (n,) bool.
    strict : `True`: default if losses exceed the capital; `False`: also if they equal it.
    """
    shocks = np.array(shock.T, float, order="C")
    rates, triggers = np.ascontiguousarray(rate.T), started.T
    at_hand = np.ascontiguousarray(np.broadcast_to(liquid, shock.shape).T)
    limit, most = capital[:, None], sellable[:, None]
    room, able = THRESHOLD * scale[:, None], can_fail[:, None]
    gone, dearer = not_replaced[:, None], 1.0 + sale_cost[:, None]
    cost = sale_cost[:, None] / dearer
    moved = np.maximum(marked[:, None] - shocks, 0.0) if price_impact else None
    pool = float(marked.sum())
    claims = csr_array(liabilities.T) if not_replaced.any() else None
    credit, lost = np.zeros_like(shocks), np.zeros_like(shocks)

    def sales() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        dear = dearer * np.maximum(lost - at_hand, 0.0)
        sold = np.minimum(dear, most)
        price = np.zeros((1, 1))
        if moved is not None and pool > 0:
            price = moved * np.minimum(price_impact * sold.sum(axis=0) / pool, 1.0)
        return cost * sold, price, dear > most + room

    def over(loss: np.ndarray) -> np.ndarray:
        if strict:
            return np.asarray(loss > limit + room)
        return np.asarray((loss >= limit - room) & ((loss > 0) | (limit < -room)))

    funding, price, illiquid = sales()
    loss = shocks + funding + price
    fresh = triggers | (able & (over(loss) | illiquid))
    failed = fresh.copy()
    default_round = np.where(fresh, 0, -1).astype(np.int32)
    kept = [(loss.T.copy(), failed.T.copy())] if history else []
    rounds = 0
    while fresh.any():
        rounds += 1
        rows = np.flatnonzero(fresh.any(axis=1))
        new = fresh[rows]
        credit += plain[rows].T @ np.where(new, rates[rows], 0.0)
        if fixed is not None:
            credit += fixed[rows].T @ new.astype(float)
        if claims is not None:
            lost += gone * (claims[rows].T @ new.astype(float))
            funding, price, illiquid = sales()
        loss = shocks + credit + funding + price
        fresh = able & (over(loss) | illiquid) & ~failed
        default_round[fresh] = rounds
        failed |= fresh
        if history:
            kept.append((loss.T.copy(), failed.T.copy()))
    price = np.broadcast_to(price, shocks.shape)
    return Spread(credit.T, funding.T, price.T, (illiquid & able).T, default_round.T, rounds, kept)
