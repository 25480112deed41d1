"""Forced sales and their price impact. Arrays only: B scenarios, n nodes, A assets.

`held` (n, A) sparse, money at the price before the shock, which is 1, so amounts are units. `start`
(B, A) are prices after the shock relative to those before; `kept` (B, n) is the share of the value
of a node's holdings at these prices that remains after the other losses of the shock. Sales are
counted in units, prices (B, A) relative to those before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

THRESHOLD = 1e-12  # a constraint violated by less (relative to the balance sheet) counts as met

Law = Callable[[np.ndarray], np.ndarray]  # units sold (B, A) to prices (B, A) over `start`


def marked_down(held: csr_array, kept: np.ndarray, fall: np.ndarray) -> np.ndarray:
    """(B, n) losses of holders when prices fall by `fall` (B, A), money.

    >>> marked_down(csr_array([[10.0, 5.0]]), np.ones((1, 1)), np.array([[0.1, 0.2]]))
    array([[2.]])
    """
    return np.asarray(kept * np.asarray(fall @ held.T))


def forced_sales(
    equity: np.ndarray,
    weighted: np.ndarray,
    marked: np.ndarray,
    ratio: np.ndarray | float,
    sells: np.ndarray,
) -> np.ndarray:
    """The share θ (B, n) of its holdings that each node has to sell to meet a capital ratio.

        equity ≥ ratio · (weighted + (1 − θ) · marked),   0 ≤ θ ≤ 1,   the smallest such θ, or 1

    Worthless holdings are still counted as units and sold if the ratio is not met.

    Parameters
    ----------
    equity : (B, n) signed, marked to market.
    weighted : (B, n) assets that count in the ratio and are not sold.
    marked : (B, n) holdings at current prices.
    ratio : above 0, one number or (n,).
    sells : (B, n) bool; the others sell nothing.

    >>> one = np.ones((1, 1))
    >>> forced_sales(6 * one, 0 * one, 96 * one, 0.25, one > 0)   # keeps 24 of 96
    array([[0.75]])
    """
    room = equity / ratio - weighted
    with np.errstate(divide="ignore", invalid="ignore"):
        part = 1.0 - room / marked
    part = np.where(marked > 0, part, np.where(room < 0, 1.0, 0.0))  # the limit as marked → 0
    part = np.where(sells & (part > THRESHOLD), part, 0.0)
    return np.clip(part, 0.0, 1.0)


@dataclass(frozen=True)
class Sales:
    """The result of a cascade of sales.

    lost (B, n) money on holdings; sold (B, A) at the price before; price (B, A); default_round
    (B, n), -1 without default; rounds (B,); converged (B,); history: (loss, failed) after each
    round.
    """

    lost: np.ndarray
    sold: np.ndarray
    price: np.ndarray
    default_round: np.ndarray
    rounds: np.ndarray
    converged: np.ndarray
    history: list[tuple[np.ndarray, np.ndarray]]


def liquidations(
    held: csr_array,
    kept: np.ndarray,
    start: np.ndarray,
    law: Law,
    plain: csr_array,
    fixed: csr_array | None,
    rate: np.ndarray,
    capital: np.ndarray,
    hit: np.ndarray,
    can_fail: np.ndarray,
    started: np.ndarray,
    *,
    strict: bool,
    history: bool = False,
) -> tuple[Sales, np.ndarray]:
    """Nodes in default sell everything, prices fall, and losses above capital cause more defaults.

        lost_i = hit_i + kept_i Σ_a held_ia (start_a − p_a)
                 + Σ_j (rate_j plain_ji + fixed_ji) [j failed]
        p = start · law(sold)

    Parameters
    ----------
    plain, fixed : CSR (n, n), row = debtor, column = creditor: claims that lose at the rate (B, n)
        of their debtor, and losses in default on other claims (or None), money.
    capital : (n,); hit : (B, n) the shock; can_fail : (n,) bool; started : (B, n) bool.
    strict : `True`: a node survives a loss equal to its capital.

    Returns
    -------
    Sales, and (B, n) total losses on claims.
    """
    room = THRESHOLD * (np.abs(capital) + np.asarray(held.sum(axis=1)).ravel())

    def over(loss: np.ndarray) -> np.ndarray:
        if strict:
            return np.asarray(can_fail & (loss > capital + room))
        least = (loss > 0) | (capital < -room)
        return np.asarray(can_fail & (loss >= capital - room) & least)

    failed = started | over(hit)
    default_round = np.where(failed, 0, -1).astype(np.int32)
    states = [(np.zeros_like(hit), failed)]
    number, fresh = 0, failed
    while True:
        number += 1
        sold = np.asarray(failed.astype(float) @ held)
        price = start * law(sold)
        lost = marked_down(held, kept, start - price)
        claims = np.asarray((failed * rate) @ plain)
        if fixed is not None:
            claims += failed.astype(float) @ fixed
        fresh = over(hit + lost + claims) & ~failed
        default_round[fresh] = number
        failed = failed | fresh
        if history and (failed.any() or number > 1):
            states.append((lost + claims, failed))
        if not fresh.any():
            break
    rounds = default_round.max(axis=1, initial=-1) + 1
    done = np.ones(len(hit), bool)
    return Sales(lost, sold, price, default_round, rounds, done, states), claims


def deleverage(
    held: csr_array,
    kept: np.ndarray,
    start: np.ndarray,
    rest: np.ndarray,
    capital: np.ndarray,
    depth: np.ndarray,
    sells: np.ndarray,
    closed: np.ndarray,
    can_fail: np.ndarray,
    *,
    most: np.ndarray,
    target: np.ndarray,
    floor: np.ndarray,
    shortfall: float,
    insolvent: bool,
    rounds: int,
    history: bool = False,
) -> Sales:
    """Rounds of sales by nodes with leverage above `most`, to reach `target`.

        Γ_i = min(1, (Π_i + rest_i − target · C_i) / Π_i)  where  Π_i + rest_i > most · C_i
        p_a = start_a s_a,   s_a = b_a + (1 − b_a) exp(−v_a / ((1 − b_a) D_a))
        v_a = all units sold so far, each times the s of its round
        C_i falls by (1 − (1 − shortfall) Γ_i) Σ_a Π_ia ψ_a,   ψ = fall of p in this round

    Parameters
    ----------
    rest : (B, n) assets that cannot be sold; capital : (B, n) C after the shock, signed.
    most, target : (n,) leverage above which sales are forced, and leverage after the sales.
    depth : (A,) D, money at the price before; floor : (A,) b, lower bound on the price as a share
        of the price at the start, below 1.
    sells, can_fail : (n,) bool; closed : (B, n) bool, sell everything in the first round.
    insolvent : nodes without capital sell everything, otherwise nothing.
    rounds : maximum number of rounds; `converged` is False if sales are still needed then.
    """
    units, equity = kept.copy(), capital.copy()
    volume = np.zeros((len(kept), held.shape[1]))
    sold, level = np.zeros_like(volume), np.ones_like(volume)
    lost = np.zeros_like(capital)
    failed = closed | (can_fail & (equity < 0))
    default_round = np.where(failed, 0, -1).astype(np.int32)
    count, states = np.zeros(len(kept), np.int64), [(lost, failed)]
    room = THRESHOLD * (rest + np.asarray(kept * (start @ held.T)))
    with np.errstate(divide="ignore"):
        slope = np.where(np.isinf(depth), 0.0, 1.0 / ((1.0 - floor) * depth))
    number = 0
    while True:
        marked = units * np.asarray((start * level) @ held.T)
        have = np.maximum(equity, 0.0)
        excess = (sells & (marked + rest > most * have + room)) & (insolvent | (equity > 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.clip((marked + rest - target * have) / marked, 0.0, 1.0)
        part = np.where((excess | closed) & (marked > room), np.where(closed, 1.0, part), 0.0)
        moved = (part > 0).any(axis=1)
        if not moved.any() or number >= rounds:
            break
        number += 1
        count[moved] = number
        gone = np.asarray((part * units) @ held)
        sold, volume = sold + gone, volume + gone * level
        after = floor + (1.0 - floor) * np.exp(-volume * slope)
        cost = (1.0 - (1.0 - shortfall) * part) * marked_down(held, units, start * (level - after))
        lost, equity, level, units = lost + cost, equity - cost, after, units * (1.0 - part)
        fresh = can_fail & (equity < -room) & ~failed
        default_round[fresh] = number
        failed = failed | fresh
        if history:
            states.append((lost, failed))
    price = start * level
    return Sales(lost, sold, price, default_round, count, np.asarray(~moved), states)
