"""What one liquidation closes: positions pro rata, loans against collateral. Shapes as in
:mod:`contagion.kernels.liquidation`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .liquidation import Accounts

DUST = 1e-12  # part of a leg or account below which it counts as gone


def parts(
    accounts: Accounts,
    weak: np.ndarray,
    value: np.ndarray,
    health: np.ndarray,
    equity: np.ndarray,
    total: Callable[[np.ndarray], np.ndarray],
    partial: bool,
) -> np.ndarray:
    """(B, N) part of each account that is liquidated now.

    A position that is closed by the part f gains `f (equity − health)` of health, so that
    `f = −health / (equity − health)` restores it. Of a loan f is the part of the debt, as far as
    its collateral reaches with the bonus; money on the account stays there, for what is left.
    """
    required = equity - health
    enough = np.where(required > 0, -health / np.where(required > 0, required, 1.0), 1.0)
    wanted = enough if partial else np.ones_like(enough)
    position = np.where(equity <= 0, 1.0, np.clip(wanted, 0.0, 1.0))
    position = np.where(equity <= 0, 1.0, np.minimum(position, accounts.close_factor))
    position = np.where(position > 1 - 1e-9, 1.0, position)
    debt = total(np.maximum(-value, 0.0))
    collateral = total(np.maximum(value, 0.0))
    covered = collateral / np.where(debt > 0, debt * (1 + accounts.bonus), 1.0)
    factor = (health + debt) / np.where(debt > 0, debt, 1.0)
    close = np.where(factor <= accounts.full_below, 1.0, accounts.close_factor)
    loan = np.where(debt > 0, np.minimum(close, covered), 0.0)
    return np.asarray(np.where(weak, np.where(accounts.loan, loan, position), 0.0))


def moved(
    accounts: Accounts,
    units: np.ndarray,
    told: np.ndarray,
    part: np.ndarray,
    total: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """(B, L) units that leave each leg: the same part of every leg, or debt and what pays for it.

    A liquidator who repays `f debt` takes collateral worth `f debt (1 + bonus)`, pro rata.
    """
    own = part[:, accounts.account]
    if not accounts.loan.any():
        return np.asarray(units * own)
    value = units * told[:, accounts.asset]
    debt = total(np.maximum(-value, 0.0))
    collateral = total(np.maximum(value, 0.0))
    seized = part * debt * (1 + accounts.bonus) / np.where(collateral > 0, collateral, 1.0)
    seized = np.minimum(seized, 1.0)[:, accounts.account]
    loan = np.where(units > 0, units * seized, units * own)
    return np.asarray(np.where(accounts.loan[accounts.account], loan, units * own))


def pays(
    accounts: Accounts,
    units: np.ndarray,
    told: np.ndarray,
    marked: np.ndarray,
    total: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """(B, N) what a liquidator of a loan keeps of what it repays, at market prices; else inf."""
    value, real = units * told[:, accounts.asset], units * marked[:, accounts.asset]
    debt, cost = total(np.maximum(-value, 0.0)), total(np.maximum(-real, 0.0))
    held, worth = total(np.maximum(value, 0.0)), total(np.maximum(real, 0.0))
    rate = worth / np.where(held > 0, held, 1.0) * (1 + accounts.bonus)
    rate = rate / np.where(debt > 0, cost / np.where(debt > 0, debt, 1.0), 1.0) - 1
    return np.asarray(np.where(accounts.loan, rate, np.inf))


def finished(
    accounts: Accounts,
    units: np.ndarray,
    value: np.ndarray,
    total: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """(B, N) nothing is left to liquidate: no legs, or of a loan no collateral."""
    empty = total(np.abs(units)) == 0
    bare = total(np.maximum(value, 0.0)) <= DUST * total(np.abs(value))
    return np.asarray(np.where(accounts.loan, bare | empty, empty))
