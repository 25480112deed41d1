"""Morpho: bad debt is written off in the market; a vault passes the loss on, or keeps its price.

A market of Morpho Blue (2023) liquidates in full with an incentive set by its LLTV (`incentive`,
`liquidation`) and writes bad debt off at once, pro rata for its suppliers (`blue`). A MetaMorpho
vault is a node that supplies to markets and owes its depositors. With `metamorpho_v1_0` a loss
lowers the share price; with `metamorpho_v1_1` (2024) the price does not change and depositors that
withdraw first are paid in full. The same graph then has two distributions of the loss. No rule here
needs layers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..liquidation.loan_liquidation import LoanLiquidation, settle
from ..rules.order import FirstCome
from ..rules.pro_rata import PRO_RATA
from ..rules.rule import Rule
from ..statistics.arrays import Numbers, answer, numbers, ratio
from .debt_shares import burned as burned
from .debt_shares import grown as grown
from .record import Document, Terms, Venue


def blue() -> Rule:
    """Morpho Blue: bad debt is borne by the suppliers of that market, pro rata.

        loss_k = bad debt × supply_k / Σ supply

    When a liquidation takes the last collateral, the remaining debt is subtracted from the total
    supply of the market in the same transaction. Other markets are not affected.

    Claims: all suppliers of one market; on a graph each market is a node.

    Example
    -------
    Collateral 80, debt 100, LLTV 86 %: bad debt of 23.36, supply of 1,000, a haircut of 2.336 %.

    >>> from contagion.venues import morpho
    >>> claims = {"claimant": ["a", "b"], "amount": [750.0, 250.0]}
    >>> morpho.blue().allocate(23.36, claims).table["loss"].round(6).tolist()
    [17.52, 5.84]

    Source: morpho-org/morpho-blue, src/Morpho.sol (liquidate), read @ 0187e94.
    """
    return PRO_RATA


def metamorpho_v1_0() -> Rule:
    """MetaMorpho v1.0: a loss in a market lowers the share price, pro rata for the depositors.

        loss_k = L × shares_k / Σ shares

    Total assets are the sum of the vault's supply to its markets, so a loss there lowers the share
    price at once; the fee is charged on gains only.

    Claims: all depositors of the vault.

    Example
    -------
    >>> from contagion.venues import morpho
    >>> claims = {"claimant": ["a", "b"], "amount": [60.0, 40.0]}
    >>> morpho.metamorpho_v1_0().allocate(10, claims).table["loss"].tolist()
    [6.0, 4.0]

    Source: morpho-org/metamorpho, src/MetaMorpho.sol (totalAssets, _accruedFeeShares), read @
    00da9ad, a version before v1.1; that it is the code of the vaults deployed as v1.0 is
    unverified (high confidence).
    """
    return PRO_RATA


def metamorpho_v1_1(by: str = "exit") -> Rule:
    """MetaMorpho v1.1: the loss is booked as lost assets, the share price does not change.

        total assets = assets in the markets + lost assets;  paid in the order of the exits

    Early withdrawals are paid at the old price, and the last depositors bear the loss.

    Parameters
    ----------
    by : column with the exit of the depositors, lowest first; empty: stays.

    Claims: all depositors of the vault, with the column `exit`.

    Example
    -------
    The same loss as in the example of `metamorpho_v1_0`, but b leaves first:

    >>> from contagion.venues import morpho
    >>> claims = {"claimant": ["a", "b"], "amount": [60.0, 40.0], "exit": [None, 1]}
    >>> morpho.metamorpho_v1_1().allocate(10, claims).table["loss"].tolist()
    [10.0, 0.0]

    Source: morpho-org/metamorpho-v1.1, src/MetaMorphoV1_1.sol (_accruedFeeAndAssets, totalAssets),
    read @ 2316dcd.
    """
    return FirstCome(by)


def vault_v2() -> Rule:
    """Morpho Vault V2: a loss lowers the share price at the next accrual, pro rata for depositors.

        loss_k = L × shares_k / Σ shares

    Total assets follow the reports of the adapters: losses at once, gains as in `vault_v2_assets`.

    Claims: all depositors of the vault.

    Example
    -------
    >>> from contagion.venues import morpho
    >>> claims = {"claimant": ["a", "b"], "amount": [60.0, 40.0]}
    >>> morpho.vault_v2().allocate(10, claims).table["loss"].tolist()
    [6.0, 4.0]

    Source: morpho-org/vault-v2, src/VaultV2.sol (accrueInterestView), read @ ae9c13b.
    """
    return PRO_RATA


def vault_v2_assets(
    real: ArrayLike, last: ArrayLike, elapsed: ArrayLike, *, max_rate: ArrayLike
) -> Numbers:
    """Total assets of a Morpho Vault V2: min(real, last × (1 + max_rate × elapsed)).

    A loss counts in full; a gain (also a recovery after a loss) is limited by the largest rate.

    Parameters
    ----------
    real, last : assets that the adapters report, and total assets at the last accrual, >= 0.
    elapsed : seconds since the last accrual, >= 0.
    max_rate : largest rate per second, >= 0; set by the allocator, 0 until it is set.

    Raises
    ------
    ValueError : an argument out of range.

    Example
    -------
    >>> vault_v2_assets([90, 120], 100, 10, max_rate=0.005)
    array([ 90., 105.])

    Source: as for `vault_v2`.
    """
    now, then = numbers("real", real, 0), numbers("last", last, 0)
    grown = then * (1 + numbers("max_rate", max_rate, 0) * numbers("elapsed", elapsed, 0))
    return answer(np.minimum(now, grown), now, grown)


def incentive(lltv: ArrayLike, *, cursor: float = 0.3, most: float = 1.15) -> Numbers:
    """The liquidation incentive factor of Morpho Blue: collateral seized per unit repaid.

    LIF = min(1.15, 1 / (1 − 0.3 (1 − LLTV)))

    The cap applies below an LLTV of 56.5 %.

    Parameters
    ----------
    lltv : liquidation loan-to-value, above 0 and below 1.
    cursor, most : constants of the contract.

    Returns
    -------
    The factor, >= 1.

    Raises
    ------
    ValueError : lltv not between 0 and 1.

    Example
    -------
    >>> incentive([0.77, 0.86, 0.915, 0.945, 0.5]).round(4)
    array([1.0741, 1.0438, 1.0262, 1.0168, 1.15  ])

    Source: morpho-org/morpho-blue, src/Morpho.sol (function liquidate), read @ 0187e94, and
    src/libraries/ConstantsLib.sol, read @ 04d77ee.
    """
    limit = numbers("lltv", lltv, above=0, below=1)
    return answer(np.minimum(most, 1 / (1 - cursor * (1 - limit))), limit)


def liquidation(collateral: ArrayLike, debt: ArrayLike, *, lltv: ArrayLike) -> LoanLiquidation:
    """Liquidation in full in a market of Morpho Blue, with bad debt written off at once.

    Liquidatable when debt > LLTV × collateral. Repaid is min(debt, collateral / LIF), seized
    LIF × repaid. When the collateral is used up, the remaining debt is subtracted from the market's
    supply in the same transaction, pro rata for its suppliers. If the liquidator leaves a small
    amount of collateral, the debt is not written off; that case is not modelled. With a hard-coded
    oracle there is no liquidation and bad debt stays latent: pass the collateral at its price.

    Parameters
    ----------
    collateral, debt : values at the oracle price, >= 0.
    lltv : liquidation loan-to-value of the market, above 0 and below 1.

    Returns
    -------
    LoanLiquidation; `health` is LLTV × collateral / debt.

    Raises
    ------
    ValueError : an argument out of range.

    Example
    -------
    >>> loan = liquidation(80, 100, lltv=0.86)
    >>> round(loan.repaid, 2), round(loan.bad_debt, 2)
    (76.64, 23.36)

    With a supply of 1,000 this is a haircut of 2.336 %.

    Source: as for `incentive`.
    """
    held, owed = numbers("collateral", collateral, 0), numbers("debt", debt, 0)
    limit = numbers("lltv", lltv, above=0, below=1)
    factor = np.asarray(incentive(limit))
    open_ = owed > limit * held
    used_up = open_ & (owed * factor >= held)
    repaid = np.where(open_, np.where(used_up, held / factor, owed), 0.0)
    seized = np.where(used_up, held, repaid * factor)
    health = ratio(limit * held, owed, np.inf)
    return settle(held, owed, health, repaid, seized, used_up, limit)


CATALOGUE = (
    Venue(
        name="morpho_blue",
        build=blue,
        title="Pro rata on the suppliers of the market",
        documents=(Document("morpho-org/morpho-blue @ 0187e94", "2023", "in full"),),
        read="The code of the liquidation, of writing off and of interest.",
        simplified="If a liquidator leaves a small amount of collateral, the debt is not written "
        "off, and with a hard-coded oracle nothing is liquidated; the rule does not apply "
        "then.",
        terms=Terms(
            fund="none",
            basis="supply to that market",
            price="supply index falls in the liquidation itself",
            cap="the claim",
        ),
    ),
    Venue(
        name="metamorpho_v1_0",
        build=metamorpho_v1_0,
        title="Loss in the share price, pro rata on depositors",
        documents=(
            Document("morpho-org/metamorpho @ 00da9ad", "2024", "in full"),
            Document("that vaults deployed as v1.0 have this code", "2024", "memory"),
        ),
        read="The code of total assets and fees in a version before v1.1; that the vaults "
        "deployed as v1.0 have this code is unverified (high confidence).",
        simplified="None stated.",
        terms=Terms(
            fund="none",
            basis="shares",
            price="share price falls at once",
            cap="the claim",
        ),
    ),
    Venue(
        name="metamorpho_v1_1",
        build=metamorpho_v1_1,
        title="Loss booked, share price kept: first come first served",
        documents=(Document("morpho-org/metamorpho-v1.1 @ 2316dcd", "2024", "in full"),),
        read="The code of total assets, lost assets and fees.",
        simplified="The lost assets are not covered (a curator may), and withdrawals meet no "
        "lack of liquidity other than the loss.",
        terms=Terms(
            fund="none",
            basis="order of exit",
            price="share price stays",
            cap="the claim",
        ),
    ),
    Venue(
        name="morpho_vault_v2",
        build=vault_v2,
        title="Loss in the share price at the next accrual, pro rata on depositors",
        documents=(Document("morpho-org/vault-v2 @ ae9c13b", "commit ae9c13b", "in full"),),
        read="The code of total assets and of leaving the vault.",
        simplified="Fees, gates, and the fact that an adapter on a MetaMorpho vault v1.1 reports "
        "no bad debt are left out.",
        terms=Terms(
            fund="none",
            basis="shares",
            price="share price falls at the next accrual; recoveries come at a largest rate",
            cap="the claim",
            pause="gates may stop deposits and withdrawals",
        ),
    ),
)
