"""What one liquidation closes: positions pro rata, loans against collateral.

The accounts that are weak are few, so everything here is on :class:`~accounts.Pairs`.
"""

from __future__ import annotations

import numpy as np

from .accounts import Accounts, Pairs

DUST = 1e-12  # part of a leg or account below which it counts as gone


def parts(
    accounts: Accounts,
    at: Pairs,
    value: np.ndarray,
    health: np.ndarray,
    equity: np.ndarray,
    partial: bool,
) -> np.ndarray:
    """(P,) part of each account that is liquidated now.

    A position that is closed by the part f gains `f (equity − health)` of health, so that
    `f = −health / (equity − health)` restores it. Of a loan f is the part of the debt, as far as
    its collateral reaches with the bonus; money on the account stays there, for what is left.
    """
    most = accounts.close_factor[at.account]
    required = equity - health
    enough = np.where(required > 0, -health / np.where(required > 0, required, 1.0), 1.0)
    wanted = enough if partial else np.ones_like(enough)
    position = np.where(equity <= 0, 1.0, np.minimum(np.clip(wanted, 0.0, 1.0), most))
    position = np.where(position > 1 - 1e-9, 1.0, position)
    loan = accounts.loan[at.account]
    if not loan.any():
        return np.asarray(position)
    debt, collateral = _sides(at, value)
    bonus = accounts.bonus[at.account]
    covered = collateral / np.where(debt > 0, debt * (1 + bonus), 1.0)
    factor = (health + debt) / np.where(debt > 0, debt, 1.0)
    close = np.where(factor <= accounts.full_below[at.account], 1.0, most)
    repaid = np.where(debt > 0, np.minimum(close, covered), 0.0)
    return np.asarray(np.where(loan, repaid, position))


def moved(
    accounts: Accounts, at: Pairs, units: np.ndarray, value: np.ndarray, part: np.ndarray
) -> np.ndarray:
    """(Q,) units that leave each leg: the same part of every leg, or debt and what pays for it.

    A liquidator who repays `f debt` takes collateral worth `f debt (1 + bonus)`, pro rata.
    """
    own = units * part[at.owner]
    loan = accounts.loan[at.account]
    if not loan.any():
        return np.asarray(own)
    debt, collateral = _sides(at, value)
    bonus = accounts.bonus[at.account]
    seized = part * debt * (1 + bonus) / np.where(collateral > 0, collateral, 1.0)
    seized = np.minimum(seized, 1.0)
    taken = np.where(units > 0, units * seized[at.owner], own)
    return np.asarray(np.where(loan[at.owner], taken, own))


def pays(accounts: Accounts, at: Pairs, value: np.ndarray, real: np.ndarray) -> np.ndarray:
    """(P,) what a liquidator of a loan keeps of what it repays, at market values; else inf."""
    (debt, held), (cost, worth) = _sides(at, value), _sides(at, real)
    rate = worth / np.where(held > 0, held, 1.0) * (1 + accounts.bonus[at.account])
    rate = rate / np.where(debt > 0, cost / np.where(debt > 0, debt, 1.0), 1.0) - 1
    return np.asarray(np.where(accounts.loan[at.account], rate, np.inf))


def finished(accounts: Accounts, at: Pairs, units: np.ndarray, value: np.ndarray) -> np.ndarray:
    """(P,) nothing is left to liquidate: no legs, or of a loan no collateral."""
    empty = at.total(np.abs(units)) == 0
    bare = at.total(np.maximum(value, 0.0)) <= DUST * at.total(np.abs(value))
    return np.asarray(np.where(accounts.loan[at.account], bare | empty, empty))


def _sides(at: Pairs, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P,) debts and assets of each pair."""
    return at.total(np.maximum(-value, 0.0)), at.total(np.maximum(value, 0.0))
