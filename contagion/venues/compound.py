"""Compound v3: the reserves absorb accounts, and suppliers bear negative reserves.

Since 2022 an account with too little collateral is taken over by the reserves of its market, which
pay the debt and sell the collateral (`absorb`). Claims are not written down: if reserves turn
negative, suppliers who leave first are paid in full (`v3`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..rules.rule import Rule
from ..statistics.arrays import Numbers, answers, numbers
from .debt_shares import grown as grown
from .parameters import fund_then_run
from .record import Document, Terms, Venue


def v3(reserves: float | None = None, by: str = "exit") -> Rule:
    """Compound v3: the reserves of the market, then suppliers, first come first served.

        reserves pay min(L, reserves);  suppliers lose the rest, the last to leave first

    The debt of an absorbed account is paid from the reserves, which keep its collateral. If the
    sale yields less, the reserves (balance − supply + borrows, a signed number) fall and may be
    negative. The code never writes down claims of suppliers: those that leave first are paid in
    full.

    Parameters
    ----------
    reserves : reserves of the market in its base asset, an amount >= 0.
    by : column with the exit of the suppliers.

    Claims: layer `suppliers` (column `exit`). On a graph the reserves are the equity of the
    market's node, which loses first; the layer `reserves` then has no claims, and a market whose
    reserves are negative is a node with negative equity.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    Collateral absorbed for 98 and sold at 95: reserves fall from 0 to −3, and the suppliers that
    leave last lose 3:

    >>> from contagion.venues import compound
    >>> claims = {"claimant": ["a", "b"], "amount": [60.0, 40.0], "layer": "suppliers",
    ...           "exit": [2, 1]}
    >>> compound.v3(reserves=0).allocate(98 - 95, claims).table["loss"].tolist()[:2]
    [3.0, 0.0]

    Source: compound-finance/comet, contracts/Comet.sol (getReserves, a signed number), read @
    17a6e7a; absorption as in `absorb`.
    """
    return fund_then_run(reserves, by)


@dataclass(frozen=True)
class Absorption:
    """The accounts that Compound v3 absorbs, amounts.

    Attributes
    ----------
    paid : debt paid by the reserves, plus any surplus credited to the borrower.
    refund : part of `paid` that becomes a balance of the borrower.
    seized : collateral that the protocol then holds, at the oracle price.
    proceeds : proceeds of its sale.
    reserves : change of the reserves after the sale, proceeds − paid; may be negative.
    """

    paid: Numbers
    refund: Numbers
    seized: Numbers
    proceeds: Numbers
    reserves: Numbers


def absorb(
    collateral: ArrayLike,
    debt: ArrayLike,
    *,
    liquidate_factor: ArrayLike,
    liquidation_factor: ArrayLike,
    sold_at: ArrayLike = 1.0,
) -> Absorption:
    """Absorption of accounts by the reserves of a Compound v3 market, and sale of the collateral.

    An account is absorbed when liquidate_factor × collateral < debt. The new balance of the
    borrower is max(0, liquidation_factor × collateral − debt); the reserves pay the debt and that
    balance and keep the collateral. Losses are **not socialized**: reserves may turn negative, and
    then suppliers who leave first are paid first.

    Parameters
    ----------
    collateral, debt : values at the oracle price, >= 0.
    liquidate_factor : liquidateCollateralFactor of the asset, 0 to 1: when accounts are absorbed.
    liquidation_factor : liquidationFactor, 0 to 1: share of the value that is credited.
    sold_at : proceeds of the sale over the oracle value, >= 0.

    Returns
    -------
    Absorption, zero for accounts that are not absorbed.

    Raises
    ------
    ValueError : an argument out of range.

    Example
    -------
    Collateral 100 credited at 93 %, debt 98, sold at 95: paid 98, reserves −3.

    >>> taken = absorb(100, 98, liquidate_factor=0.9, liquidation_factor=0.93,
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
    sold = answers([price * seized, price * seized - paid], *given, price)
    return Absorption(*answers([paid, refund, seized], *given), *sold)


CATALOGUE = (
    Venue(
        name="compound_v3",
        build=v3,
        title="Reserves, then suppliers first come first served",
        documents=(Document("compound-finance/comet @ 17a6e7a", "2022", "in full"),),
        read="The code: reserves are a signed number; claims of suppliers are never written down.",
        simplified="Reserves that governance may put in from another market, supply caps and "
        "pauses of withdrawals are left out.",
        terms=Terms(
            fund="reserves of the market",
            basis="order of exit",
            price="par: the supply index stays",
            cap="reserves may turn negative; a claim: all of it",
            pause="withdrawals can be paused",
        ),
    ),
)
