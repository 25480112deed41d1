"""Amounts closed by one liquidation: positions pro rata, debts against their collateral.

Few accounts are below their requirement, so all functions work on :class:`~accounts.Pairs`.
"""

from __future__ import annotations

import numpy as np

from .accounts import LOAN, POSITION, Accounts, Pairs

DUST = 1e-12  # share of a leg or account below which the remainder counts as zero


def parts(
    accounts: Accounts,
    at: Pairs,
    value: np.ndarray,
    health: np.ndarray,
    cash: np.ndarray,
    partial: bool,
) -> np.ndarray:
    """(P,) share of each account that is liquidated now.

    Closing the share f of a position raises its health by `f (equity − health)`, so that
    `f = −health / (equity − health)` restores it. If assets C are sold to repay debts D and
    negative cash n, with average weights W of the assets and V of the debts, repaying the share f
    raises health by `f ((D + n) (1 − W) + D (V − 1))`. For a loan f is a share of the debt, limited
    by the collateral including the bonus; cash stays on the account, for the remaining debt.
    """
    most = accounts.close_factor[at.account]
    equity = cash + at.total(value)
    gain = equity - health
    kind = accounts.kind[at.account]
    if (kind != POSITION).any():
        debt, assets = sides(at, value)
        weighted = value * accounts.weight[at.leg]
        owed, held = sides(at, weighted)
        paid = debt + np.maximum(-cash, 0.0)
        gain = np.where(kind == POSITION, gain,
                        paid * (1 - _over(held, assets, 1.0)) + owed - debt)  # fmt: skip
    enough = np.where(gain > 0, -health / np.where(gain > 0, gain, 1.0), 1.0)
    wanted = enough if partial else np.ones_like(enough)
    position = np.where(equity <= 0, 1.0, np.minimum(np.clip(wanted, 0.0, 1.0), most))
    position = np.where(position > 1 - 1e-9, 1.0, position)
    loan = kind == LOAN
    if not loan.any():
        return np.asarray(position)
    reach = at.total(np.maximum(value, 0.0) / (1 + accounts.bonus[at.leg]))
    factor = _over(health + debt, debt, np.inf)
    close = np.where(factor <= accounts.full_below[at.account], 1.0, most)
    repaid = np.where(debt > 0, np.minimum(close, _over(reach, debt, 1.0)), 0.0)
    return np.asarray(np.where(loan, repaid, position))


def moved(
    accounts: Accounts,
    at: Pairs,
    units: np.ndarray,
    value: np.ndarray,
    cash: np.ndarray,
    part: np.ndarray,
    rank: np.ndarray | None = None,
) -> np.ndarray:
    """(Q,) units that leave each leg: the same share of every leg, or debt and its collateral.

    A liquidator who repays R takes the share `R / Σ C_l / (1 + bonus_l)` of every collateral leg,
    each with its own bonus; a venue sells the share `f (D + n) / C` of the assets. Debts are
    repaid pro rata, or in the order of `rank` (L,), the lowest first.
    """
    own = units * part[at.owner]
    kind = accounts.kind[at.account]
    if not (kind != POSITION).any():
        return np.asarray(own)
    loan = kind == LOAN
    debt, assets = sides(at, value)
    reach = at.total(np.maximum(value, 0.0) / (1 + accounts.bonus[at.leg]))
    given = part * np.where(loan, debt, debt + np.maximum(-cash, 0.0))
    seized = np.minimum(_over(given, np.where(loan, reach, assets), 1.0), 1.0)
    repaid = own if rank is None else units * _in_order(at, value, part * debt, rank[at.leg])
    taken = np.where(units > 0, units * seized[at.owner], repaid)
    return np.asarray(np.where((kind == POSITION)[at.owner], own, taken))


def pays(accounts: Accounts, at: Pairs, value: np.ndarray, real: np.ndarray) -> np.ndarray:
    """(P,) return of a loan liquidator per unit repaid, at market values; other accounts: inf."""
    (debt, _), (cost, worth) = sides(at, value), sides(at, real)
    reach = at.total(np.maximum(value, 0.0) / (1 + accounts.bonus[at.leg]))
    rate = _over(worth, reach, 0.0) / _over(cost, debt, 1.0) - 1
    return np.asarray(np.where(accounts.loan[at.account], rate, np.inf))


def finished(accounts: Accounts, at: Pairs, units: np.ndarray, value: np.ndarray) -> np.ndarray:
    """(P,) bool: nothing is left to liquidate: no legs, or a debt without assets."""
    empty = at.total(np.abs(units)) == 0
    bare = at.total(np.maximum(value, 0.0)) <= DUST * at.total(np.abs(value))
    return np.asarray(np.where(accounts.kind[at.account] == POSITION, empty, bare | empty))


def sides(at: Pairs, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P,) debts and assets of each pair."""
    return at.total(np.maximum(-value, 0.0)), at.total(np.maximum(value, 0.0))


def _over(above: np.ndarray, below: np.ndarray, empty: float) -> np.ndarray:
    """above / below, and `empty` where below is zero."""
    some = below > 0
    return np.where(some, above / np.where(some, below, 1.0), empty)


def _in_order(at: Pairs, value: np.ndarray, money: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """(Q,) share of each debt that is repaid with money (P,), the lowest rank first."""
    out, left = np.zeros(len(rank)), money
    for each in np.unique(rank):
        mine = np.where(rank == each, np.maximum(-value, 0.0), 0.0)
        due = at.total(mine)
        pay = np.minimum(left, due)
        out = np.where(rank == each, _over(pay, due, 0.0)[at.owner], out)
        left = left - pay
    return out
