"""Isolated markets and vaults: liquidation and bad debt of Morpho Blue, Euler v2, Compound v3."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..liquidation.loan_liquidation import LoanLiquidation, settle
from ..statistics.arrays import Numbers, answer, numbers, ratio


def morpho_incentive(lltv: ArrayLike, *, cursor: float = 0.3, most: float = 1.15) -> Numbers:
    """The liquidation incentive factor of Morpho Blue: collateral seized per unit repaid.

    LIF = min(1.15, 1 / (1 − 0.3 (1 − LLTV)))

    The cap binds below an LLTV of 56.5 %.

    Parameters
    ----------
    lltv : liquidation loan-to-value, above 0 and below 1.
    cursor, most : constants of the contract.

    Returns
    -------
    The factor, >= 1.

    Raises
    ------
    ArgumentError : lltv not between 0 and 1.

    Example
    -------
    >>> morpho_incentive([0.77, 0.86, 0.915, 0.945, 0.5]).round(4)
    array([1.0741, 1.0438, 1.0262, 1.0168, 1.15  ])

    Source: morpho-org/morpho-blue, src/Morpho.sol (function liquidate), read @ 0187e94, and
    src/libraries/ConstantsLib.sol, read @ 04d77ee.
    """
    limit = numbers("lltv", lltv, above=0, below=1)
    return answer(np.minimum(most, 1 / (1 - cursor * (1 - limit))), limit)


def morpho_liquidation(
    collateral: ArrayLike, debt: ArrayLike, *, lltv: ArrayLike
) -> LoanLiquidation:
    """Liquidation in full in a market of Morpho Blue, with bad debt written off at once.

    Liquidatable when debt > LLTV × collateral. Repaid is min(debt, collateral / LIF), seized
    LIF × repaid. When the collateral is used up the remaining debt leaves the market's supply
    in the same transaction: pro rata on its suppliers. A liquidator who leaves a crumb of
    collateral leaves the debt standing; that case is not modelled. Nothing happens, and bad debt
    stays latent, while an oracle is hard-coded: then pass the collateral at the oracle's price.

    Parameters
    ----------
    collateral, debt : values at the oracle price, >= 0.
    lltv : liquidation loan-to-value of the market, above 0 and below 1.

    Returns
    -------
    LoanLiquidation; `health` is LLTV × collateral / debt.

    Raises
    ------
    ArgumentError : an argument out of range.

    Example
    -------
    >>> loan = morpho_liquidation(80, 100, lltv=0.86)
    >>> round(loan.repaid, 2), round(loan.bad_debt, 2)
    (76.64, 23.36)

    On 1,000 supplied this is a haircut of 2.336 %.

    Source: as for `morpho_incentive`.
    """
    held, owed = numbers("collateral", collateral, 0), numbers("debt", debt, 0)
    limit = numbers("lltv", lltv, above=0, below=1)
    factor = np.asarray(morpho_incentive(limit))
    open_ = owed > limit * held
    used_up = open_ & (owed * factor >= held)
    repaid = np.where(open_, np.where(used_up, held / factor, owed), 0.0)
    seized = np.where(used_up, held, repaid * factor)
    health = ratio(limit * held, owed, np.inf)
    return settle(held, owed, health, repaid, seized, used_up, limit)


def euler_liquidation(
    collateral: ArrayLike,
    debt: ArrayLike,
    *,
    ltv: ArrayLike,
    max_discount: ArrayLike,
    socialize: bool = True,
) -> LoanLiquidation:
    """Liquidation in full in a vault of Euler v2, one collateral.

    In violation when LTV × collateral <= debt. With factor f = max(LTV × collateral / debt,
    1 − max discount): seized is min(debt / f, collateral) and repaid f × seized. When no
    collateral is left the rest of the debt is socialized over all shares of the vault, unless
    the vault is set not to (then it stays owed). Since the discount grows with the violation, a
    loan that is just covered can leave bad debt, from debt > collateral × √LTV on.

    Parameters
    ----------
    collateral, debt : values at the oracle's mid price, >= 0.
    ltv : liquidation loan-to-value, 0 to 1.
    max_discount : largest discount, 0 <= d < 1; the governor sets it per vault, so there is no
        default (older code had the constant 0.20).
    socialize : False for vaults with CFG_DONT_SOCIALIZE_DEBT.

    Returns
    -------
    LoanLiquidation; `health` is LTV × collateral / debt.

    Raises
    ------
    ArgumentError : an argument out of range.

    Example
    -------
    >>> loans = euler_liquidation([100, 80], 90, ltv=0.85, max_discount=0.15)
    >>> loans.seized.round(2), loans.repaid.round(2), loans.bad_debt.round(2)
    (array([95.29, 80.  ]), array([90., 68.]), array([ 0., 22.]))

    Source: euler-xyz/euler-vault-kit, src/EVault/modules/Liquidation.sol, read @ 0118010 (where
    the maximum is a constant); the setting per vault and the numbers after the project's notes
    (@ 5b98b42).
    """
    held, owed = numbers("collateral", collateral, 0), numbers("debt", debt, 0)
    part = numbers("ltv", ltv, 0, 1)
    least = 1 - numbers("max_discount", max_discount, 0, below=1)
    health = ratio(part * held, owed, np.inf)
    open_ = (owed > 0) & (part * held <= owed)
    factor = np.maximum(np.minimum(health, 1.0), least)
    used_up = open_ & (owed / factor >= held)
    repaid = np.where(open_, np.where(used_up, held * factor, owed), 0.0)
    seized = np.where(used_up, held, repaid / factor)
    return settle(held, owed, health, repaid, seized, used_up & socialize, part, least)


@dataclass(frozen=True)
class Absorption:
    """What Compound v3 takes over, money.

    Attributes
    ----------
    paid : debt that the reserves pay, and credit to the borrower where value was left over.
    refund : part of `paid` that becomes a balance of the borrower.
    seized : collateral that the protocol holds then, at the oracle price.
    proceeds : what its sale brings.
    reserves : change of the reserves after the sale, proceeds − paid; may be negative.
    """

    paid: Numbers
    refund: Numbers
    seized: Numbers
    proceeds: Numbers
    reserves: Numbers


def compound_absorb(
    collateral: ArrayLike,
    debt: ArrayLike,
    *,
    liquidate_factor: ArrayLike,
    liquidation_factor: ArrayLike,
    sold_at: ArrayLike = 1.0,
) -> Absorption:
    """Absorption of accounts by the reserves of a Compound v3 market, and sale of what was seized.

    Absorbed when liquidate_factor × collateral < debt. New balance of the borrower is
    max(0, liquidation_factor × collateral − debt); the reserves pay the debt and that balance
    and keep the collateral. There is **no path of socialization**: reserves may turn negative,
    and then suppliers who leave first are paid first.

    Parameters
    ----------
    collateral, debt : values at the oracle price, >= 0.
    liquidate_factor : liquidateCollateralFactor of the asset, 0 to 1: when accounts are absorbed.
    liquidation_factor : liquidationFactor, 0 to 1: at what part of its value it is credited.
    sold_at : part of the oracle value that the sale brings, >= 0.

    Returns
    -------
    Absorption, zero for accounts that are not absorbed.

    Raises
    ------
    ArgumentError : an argument out of range.

    Example
    -------
    Collateral 100 credited at 93 %, debt 98, sold at 95: paid 98, reserves −3.

    >>> taken = compound_absorb(100, 98, liquidate_factor=0.9, liquidation_factor=0.93,
    ...     sold_at=0.95)
    >>> taken.paid, taken.refund, taken.reserves
    (98.0, 0.0, -3.0)

    Source: compound-finance/comet, contracts/Comet.sol (absorbInternal, isLiquidatable,
    getReserves), read @ 0055527.
    """
    held, owed = numbers("collateral", collateral, 0), numbers("debt", debt, 0)
    when = numbers("liquidate_factor", liquidate_factor, 0, 1)
    credit = numbers("liquidation_factor", liquidation_factor, 0, 1)
    price = numbers("sold_at", sold_at, 0)
    open_ = when * held < owed
    refund = np.where(open_, np.maximum(credit * held - owed, 0.0), 0.0)
    paid, seized = np.where(open_, owed + refund, 0.0), np.where(open_, held, 0.0)
    given = (held, owed, when, credit)
    return Absorption(
        answer(paid, *given),
        answer(refund, *given),
        answer(seized, *given),
        answer(price * seized, *given, price),
        answer(price * seized - paid, *given, price),
    )
