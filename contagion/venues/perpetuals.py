"""Perpetuals on chain: bankruptcy prices of dYdX v4 accounts, capped profits of GMX v2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers, ratio


@dataclass(frozen=True)
class PortfolioBankruptcy:
    """Bankruptcy prices of the legs of one account.

    Attributes
    ----------
    net_collateral : (...) TNC: quote balance plus signed value of all legs; below zero the
        account is bankrupt.
    quote : (..., legs) money that the account gets for closing each leg (paid below zero).
    price : (..., legs) the same per unit; nan for legs of size zero.
    """

    net_collateral: Numbers
    quote: Numbers
    price: Numbers


def dydx_bankruptcy(
    size: ArrayLike, oracle: ArrayLike, maintenance: ArrayLike, quote_balance: ArrayLike
) -> PortfolioBankruptcy:
    """Bankruptcy prices of a cross-margined account on dYdX v4.

    quote = −DNNV − TNC × |DMMR| / TMMR, here for closing each leg in full: the leg's value
    minus its share, by maintenance margin, of the account's net collateral. Parts of a leg
    close at the same price. Closing every leg at its price leaves the account with exactly 0.
    The code rounds against the liquidated account; this does not round.

    Parameters
    ----------
    size : (..., legs) signed sizes.
    oracle : (..., legs) oracle prices, > 0.
    maintenance : (..., legs) maintenance margin fractions, 0 < m <= 1.
    quote_balance : (...) signed balance in the quote currency.

    Returns
    -------
    PortfolioBankruptcy

    Raises
    ------
    ArgumentError : a price or fraction out of range, or size without an axis of legs.

    Example
    -------
    One leg: 1 long at 900 against −1,000. Two legs: 1 × 900 at 5 % and 10 × 50 at 10 % against
    −1,450: TNC is −50, the first leg carries 45/95 of it.

    >>> dydx_bankruptcy([1], [900], [0.05], -1_000).price
    array([1000.])
    >>> two = dydx_bankruptcy([1, 10], [900, 50], [0.05, 0.10], -1_450)
    >>> two.net_collateral, two.price.round(2), float(two.quote.sum())
    (-50.0, array([923.68,  52.63]), 1450.0)

    Source: dydxprotocol/v4-chain, protocol/x/clob/keeper/liquidations.go (function
    GetBankruptcyPriceInQuoteQuantums), read @ 014223b; deleveraging.go read @ 002f3fa. The
    numbers of the example are from the project's notes (@ 84d4664).
    """
    held, at = numbers("size", size), numbers("oracle", oracle, above=0)
    rate = numbers("maintenance", maintenance, high=1, above=0)
    cash = numbers("quote_balance", quote_balance)
    if held.ndim == 0:
        raise ArgumentError("size must have an axis of legs, at least [size] for one position.")
    value = held * at
    margin = np.abs(value) * rate
    net = cash + value.sum(-1)
    quote = value - net[..., None] * ratio(margin, margin.sum(-1, keepdims=True), 0.0)
    unknown = np.isnan(net)[..., None]
    return PortfolioBankruptcy(
        answer(net),
        np.where(unknown, np.nan, quote),
        np.where(unknown, np.nan, ratio(quote, held)),
    )


def dydx_fund_payment(shortfall: ArrayLike, fund: ArrayLike) -> Numbers:
    """What the insurance fund of dYdX v4 pays on one fill: all of it or nothing.

    pays = shortfall if fund >= shortfall, otherwise 0 (and the position is deleveraged)

    Parameters
    ----------
    shortfall : what the fill is short of the bankruptcy price, money, >= 0.
    fund : balance of the fund, money, >= 0.

    Returns
    -------
    The payment, money.

    Raises
    ------
    ArgumentError : a negative or infinite amount.

    Example
    -------
    >>> dydx_fund_payment([80, 120], 100)
    array([80.,  0.])

    Source: dydxprotocol/v4-chain, protocol/x/clob/keeper/deleveraging.go (function
    IsValidInsuranceFundDelta), read @ 002f3fa.
    """
    due, has = numbers("shortfall", shortfall, 0), numbers("fund", fund, 0)
    return answer(np.where(has >= due, due, 0.0), due, has)


@dataclass(frozen=True)
class CappedProfit:
    """Profits of traders against a pool: `factor` = profit / pool, `scale` = the part of each
    profit that is paid, `paid` = money paid in total (a loss is unchanged)."""

    factor: Numbers
    scale: Numbers
    paid: Numbers


def gmx_capped_profit(pnl: ArrayLike, pool: ArrayLike, *, cap: ArrayLike) -> CappedProfit:
    """Profit factor and payout scale of one side of a GMX v2 market.

    factor = pnl / pool, scale = min(1, cap / factor) for pnl > 0, otherwise 1

    With `cap` = maxPnlFactorForTraders the scale is what traders get of their profits.
    Auto-deleveraging is enabled while the factor exceeds maxPnlFactorForAdl; a keeper then
    chooses which profitable positions to close, there is no ranking on chain.

    Parameters
    ----------
    pnl : unrealized result of all traders on one side, money.
    pool : value of the tokens that back that side, without the traders' result, money, > 0.
    cap : highest factor that is paid, > 0; set per market and side, so there is no default. (At
        a cap of 0 the contract does not scale at all, hence it is refused.)

    Returns
    -------
    CappedProfit

    Raises
    ------
    ArgumentError : pool or cap not above zero.

    Example
    -------
    Profits of 6m against a pool of 10m with cap 0.45.

    >>> six = gmx_capped_profit(6e6, 10e6, cap=0.45)
    >>> six.factor, round(six.scale, 12), six.paid
    (0.6, 0.75, 4500000.0)

    Source: gmx-synthetics, MarketUtils.getCappedPnl and isPnlFactorExceeded, and the scaling in
    PositionUtils, read as stored excerpts without commit; example from the project's notes
    (@ a5c0c88).
    """
    gain, assets = numbers("pnl", pnl), numbers("pool", pool, above=0)
    most = numbers("cap", cap, above=0)
    paid = np.where(gain > 0, np.minimum(gain, most * assets), gain)
    scale = ratio(paid, gain, 1.0)
    return CappedProfit(
        answer(gain / assets, gain, assets),
        answer(scale, gain, assets, most),
        answer(paid, gain, assets, most),
    )
