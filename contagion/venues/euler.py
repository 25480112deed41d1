"""Euler v2: debt without collateral is socialized over the shares of the vault, or stays owed.

Since 2024 a position in violation is liquidated at a discount that grows with the violation
(`liquidation`). The remaining debt lowers the share price of the vault, pro rata, unless the
vault is set not to socialize: then depositors that redeem first are paid in full (`v2`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..liquidation.loan_liquidation import LoanLiquidation, settle
from ..rules.rule import Rule
from ..statistics.arrays import numbers, ratio
from .parameters import shared_or_run
from .record import Document, Terms, Venue


def v2(socialize: bool = True, by: str = "exit") -> Rule:
    """Euler v2: debt without collateral is socialized over all shares, or stays owed.

        socialize:  loss_k = remaining debt × shares_k / Σ shares;  else in the order of the exits

    If a liquidation leaves the borrower without collateral, the remaining debt is cancelled, unless
    the vault has the flag CFG_DONT_SOCIALIZE_DEBT: then it remains in the total assets, the share
    price does not fall, and depositors who redeem first are paid in full.

    Parameters
    ----------
    socialize : False for vaults with that flag.
    by : column with the exit of the depositors; needed only without socialization.

    Claims: all depositors of the vault. On a graph, shares of one vault that are collateral in
    another are claims of the second vault's borrowers: a loss in the first vault can make loans in
    the second insolvent without any change of market prices.

    Debts below 1e6 of the smallest units of the vault's unit of account remain owed (dust).

    Raises
    ------
    RuleError : `socialize` that is neither true nor false.

    Example
    -------
    Collateral 80, debt 90, LTV 85 %, largest discount 15 %: repaid 68, and 22 are socialized.

    >>> from contagion.venues import euler
    >>> claims = {"claimant": ["a", "b"], "amount": [600.0, 400.0], "exit": [1, None]}
    >>> euler.v2().allocate(22, claims).table["loss"].round(9).tolist()
    [13.2, 8.8]
    >>> euler.v2(socialize=False).allocate(22, claims).table["loss"].tolist()
    [0.0, 22.0]

    Source: euler-xyz/euler-vault-kit, src/EVault/modules/Liquidation.sol (executeLiquidation),
    read @ 1dad88b.
    """
    return shared_or_run(socialize, by)


def liquidation(
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
    collateral is left the remaining debt is socialized over all shares of the vault, unless
    the vault is set not to (then it remains owed). Since the discount grows with the violation, a
    loan that is still covered can leave bad debt, if debt > collateral × √LTV.

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
    ValueError : an argument out of range.

    Example
    -------
    >>> loans = liquidation([100, 80], 90, ltv=0.85, max_discount=0.15)
    >>> loans.seized.round(2), loans.repaid.round(2), loans.bad_debt.round(2)
    (array([95.29, 80.  ]), array([90., 68.]), array([ 0., 22.]))

    Source: euler-xyz/euler-vault-kit, src/EVault/modules/Liquidation.sol, read @ 1dad88b; the
    numbers after the project's notes (@ 5b98b42).
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


CATALOGUE = (
    Venue(
        name="euler_v2",
        build=v2,
        title="Pro rata over all shares of the vault, or not written off",
        documents=(
            Document(
                "euler-xyz/euler-vault-kit @ 1dad88b, Liquidation.sol", "commit 1dad88b", "in full"
            ),
        ),
        read="The code of the liquidation, with the largest discount set per vault and the least "
        "debt that is socialized.",
        simplified="Accrued fees are shares like others, and debts of every size are socialized.",
        terms=Terms(
            fund="none",
            basis="shares, or order of exit in vaults that do not socialize",
            price="share price falls in the liquidation itself",
            cap="the claim",
        ),
    ),
)
