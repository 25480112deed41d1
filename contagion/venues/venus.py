"""Venus, isolated pools: bad debt is auctioned for the risk fund, suppliers stay at par.

An account below a minimal collateral is healed: the collateral is seized, and the remaining debt
becomes bad debt of the market (`heal`), which stays in the exchange rate. An auction sells the
pool's risk fund for repayment of the debt (`auction`); the suppliers that leave last bear the
remainder (`rule`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..rules.waterfall import Waterfall
from ..statistics.arrays import Numbers, answer, answers, numbers, ratio
from .parameters import fund_then_run, money, share
from .record import NOT_READ, Document, Terms, Venue


def rule(risk_fund: float | None = None, incentive: float = 0.10, by: str = "exit") -> Waterfall:
    """Venus: the risk fund less the bidders' gain, then suppliers, first come first served.

        the auction raises min(D, risk fund / (1 + incentive));  suppliers bear the rest

    The value of the shares is cash + borrows + bad debt − reserves, so that bad debt does not lower
    their price.

    Parameters
    ----------
    risk_fund : balance of the pool in the risk fund, an amount; `None`: the claims in its layer.
    incentive : gain of bidders as a share of their payment, 0 to 1.
    by : column with the exit of the suppliers.

    Claims: layer `suppliers` (column `exit`), those of one market.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    Bad debt of 1,000, a risk fund of 550: bidders pay 500 for it.

    >>> from contagion.venues import venus
    >>> claims = {"claimant": ["a", "b"], "amount": [600.0, 400.0], "layer": "suppliers",
    ...           "exit": [1, None]}
    >>> venus.rule(risk_fund=550).allocate(1_000, claims).table["loss"].round(9).tolist()
    [100.0, 400.0, 500.0]

    Source: VenusProtocol/isolated-pools, contracts/Shortfall/Shortfall.sol, read @ c8c0f7b;
    contracts/VToken.sol (healBorrow), read @ 014cd24.
    """
    earned = 1 + share(incentive, "incentive")
    brings = None if risk_fund is None else money(risk_fund, "risk_fund") / earned
    return fund_then_run(brings, by, "risk fund", "risk_fund")


def heal(collateral: ArrayLike, debt: ArrayLike, *, incentive: ArrayLike) -> Numbers:
    """Bad debt of healed accounts: max(0, debt − collateral / incentive).

    The liquidator that heals an account repays collateral / incentive and receives all collateral.

    Parameters
    ----------
    collateral, debt : values at the oracle price, >= 0.
    incentive : liquidation incentive of the pool, >= 1 (such as 1.10).

    Raises
    ------
    ValueError : an argument out of range.

    Example
    -------
    >>> heal(88, 100, incentive=1.10)
    20.0

    Source: VenusProtocol/isolated-pools, contracts/Comptroller.sol (healAccount), as an excerpt.
    """
    held, owed = numbers("collateral", collateral, 0), numbers("debt", debt, 0)
    factor = numbers("incentive", incentive, 1)
    return answer(np.round(np.maximum(owed - held / factor, 0.0), 12), held, owed, factor)


@dataclass(frozen=True)
class Auction:
    """The start of an auction: `seized`, the amount of the risk fund for sale; `start`, the first
    bid, as the share of the debt that a bidder repays; `repaid`, the amount repaid at that bid."""

    seized: Numbers
    start: Numbers
    repaid: Numbers


def auction(bad_debt: ArrayLike, risk_fund: ArrayLike, *, incentive: ArrayLike = 0.10) -> Auction:
    """How the bad debt of a pool is auctioned against its risk fund.

    fund <= D (1 + incentive):  all of it is sold, first bid  fund / (D (1 + incentive)),  and
    higher bids repay more;  otherwise D (1 + incentive) is set apart for repaying all of D, and
    bids ask for less of it

    Parameters
    ----------
    bad_debt, risk_fund : amounts, > 0 and >= 0.
    incentive : gain of a bidder at the first bid, relative to its payment, >= 0.

    Raises
    ------
    ValueError : an argument out of range.

    Example
    -------
    >>> sold = auction(1_000, [550, 2_000])
    >>> sold.seized.round(6), sold.start.round(6), sold.repaid.round(6)
    (array([ 550., 1100.]), array([0.5, 1. ]), array([ 500., 1000.]))

    Source: VenusProtocol/isolated-pools, contracts/Shortfall/Shortfall.sol (_startAuction,
    closeAuction), read @ c8c0f7b.
    """
    owed, fund = numbers("bad_debt", bad_debt, above=0), numbers("risk_fund", risk_fund, 0)
    full = owed * (1 + numbers("incentive", incentive, 0))
    start = np.minimum(ratio(fund, full), 1.0)
    parts = (np.minimum(fund, full), start, start * owed)
    return Auction(*answers(parts, owed, fund, full))


CATALOGUE = (
    Venue(
        name="venus",
        build=rule,
        title="Risk fund of the pool by auction, then suppliers first come first served",
        documents=(
            Document(
                "VenusProtocol/isolated-pools @ c8c0f7b, Shortfall.sol", "commit c8c0f7b", "in full"
            ),
            Document(
                "VenusProtocol/isolated-pools @ c8c0f7b, healing of an account and exchange rate",
                "commit c8c0f7b",
                "excerpt",
            ),
        ),
        read="The code of the auction and of healing; of the call that heals an account and of "
        "the exchange rate excerpts.",
        simplified="The auction ends at its first bid, the markets of a pool share it in "
        "proportion to their bad debt; the core pool is not described.",
        terms=Terms(
            fund="risk fund of the pool, sold in an auction",
            basis="order of exit",
            price="par: bad debt stays in the exchange rate",
            cap="risk fund / (1 + incentive); a claim: all of it",
            pause=NOT_READ,
        ),
    ),
)
