"""The record returned by every liquidation of loans, and the haircut identity for bad debt.

Collateral and debt are values in one unit of account (amount × oracle price), one row per loan.
The protocols (`aave`, `lending`) execute the largest permitted liquidation at once, at those
prices. The profit of a liquidator and its gas fees are not included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..statistics.arrays import Numbers, answer, answers, numbers


@dataclass(frozen=True)
class LoanLiquidation:
    """The effect of one liquidation step on loans, in one unit of account.

    debt = repaid + bad_debt + debt_left and collateral = seized + collateral_left, always.

    Attributes
    ----------
    health : liquidation value of the collateral over debt; inf without debt.
    repaid : debt repaid by a liquidator.
    seized : collateral taken from the borrower in return.
    fee : part of `seized` that the protocol keeps.
    bad_debt : debt that will not be paid: written off or booked as a deficit.
    debt_left, collateral_left : remaining debt and collateral of the borrower.
    """

    health: Numbers
    repaid: Numbers
    seized: Numbers
    fee: Numbers
    bad_debt: Numbers
    debt_left: Numbers
    collateral_left: Numbers


def settle(
    collateral: np.ndarray,
    debt: np.ndarray,
    health: np.ndarray,
    repaid: np.ndarray,
    seized: np.ndarray,
    write_off: np.ndarray | bool,
    *inputs: np.ndarray,
    fee: ArrayLike = 0.0,
) -> LoanLiquidation:
    """The record of a liquidation; the remaining debt is bad debt where `write_off`."""
    given = (collateral, debt, *inputs)
    seized = np.minimum(seized, collateral)
    repaid = np.minimum(repaid, debt)
    rest = debt - repaid
    written_off, left = np.where(write_off, rest, 0.0), np.where(write_off, 0.0, rest)
    parts = (health, repaid, seized, fee, written_off, left, collateral - seized)
    return LoanLiquidation(*answers(parts, *given))


def haircut_bad_debt(collateral: ArrayLike, haircut: ArrayLike, *, ltv: ArrayLike) -> Numbers:
    """Bad debt of loans with one loan-to-value when their collateral loses a share h of its value.

    bad debt = collateral × max(0, LTV − (1 − h))

    The collateral is valued before the haircut, the debt is LTV × collateral, and lenders receive
    the full remaining value of the collateral (no bonus, no cost).

    Parameters
    ----------
    collateral : value before the haircut, >= 0.
    haircut : share of the value that is lost, 0 to 1.
    ltv : debt over collateral before the haircut, >= 0.

    Returns
    -------
    Bad debt in the unit of the collateral.

    Raises
    ------
    ArgumentError : an argument out of range.

    Example
    -------
    Kelp, April 2026: a haircut of 18.5 % at an LTV of 95 % costs lenders 13.5 % of the collateral.
    On L2 all collateral was worthless, 359m at 95 %, published as 341m.

    >>> round(haircut_bad_debt(100, 0.185, ltv=0.95), 10), haircut_bad_debt(359, 1, ltv=0.95)
    (13.5, 341.05)

    Source: identity E/F2 of the project's notes, figures of @0xngmi on Kelp rsETH, April 2026.
    """
    held, cut = numbers("collateral", collateral, 0), numbers("haircut", haircut, 0, 1)
    part = numbers("ltv", ltv, 0)
    return answer(held * np.maximum(part - (1 - cut), 0.0), held, cut, part)
