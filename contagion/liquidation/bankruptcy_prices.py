"""Bankruptcy and liquidation prices of derivative positions, and what a close falls short by.

Sizes are signed: long above zero, short below. A *linear* contract has its size in units of the
underlying and its result in the quote currency, an *inverse* one its size in the quote currency
(number of contracts × their face value) and its margin and result in the underlying.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers, ratio

CONTRACTS = ("linear", "inverse")


def _inverse(contract: str) -> bool:
    if contract not in CONTRACTS:
        raise ArgumentError(f'contract must be "linear" or "inverse", but is {contract!r}.')
    return contract == "inverse"


def position_value(size: ArrayLike, price: ArrayLike, *, contract: str = "linear") -> Numbers:
    """The signed value of a position at a price; its result is the difference of two values.

    linear: size × price; inverse: −size / price. In both, result = value(exit) − value(entry).

    Parameters
    ----------
    size : signed size; price : > 0; contract : "linear" or "inverse".

    Returns
    -------
    Signed value: quote currency for linear, underlying for inverse contracts.

    Raises
    ------
    ArgumentError : a price that is not above zero, or an unknown contract.

    Example
    -------
    Long 100,000 dollars of an inverse contract from 8,000 to 10,000: 12.5 − 10 coins.

    >>> long = position_value(100_000, [8_000, 10_000], contract="inverse")
    >>> long
    array([-12.5, -10. ])
    >>> float(long[1] - long[0])
    2.5

    Source: contract arithmetic, as in BitMEX's definitions of linear and inverse contracts.
    """
    held, at = numbers("size", size), numbers("price", price, above=0)
    return answer(-held / at if _inverse(contract) else held * at, held, at)


def liquidation_price(
    entry: ArrayLike,
    size: ArrayLike,
    margin: ArrayLike,
    *,
    maintenance: ArrayLike = 0.0,
    contract: str = "linear",
) -> Numbers:
    """The price at which an isolated position has its maintenance margin left and no more.

    margin + value(p) − value(entry) = maintenance × |value(p)|, solved for p:

    linear: p = (size × entry − margin) / (size − maintenance × |size|)

    inverse: p = (size + maintenance × |size|) / (margin + size / entry)

    Parameters
    ----------
    entry : entry price, > 0.
    size : signed size.
    margin : money behind the position, >= 0: quote currency for linear, underlying for inverse.
    maintenance : maintenance margin as a share of the value at the mark, 0 <= m < 1; one rate,
        no schedule by size, no fees.
    contract : "linear" or "inverse".

    Returns
    -------
    The price. A linear long that is paid in full has 0 and an inverse short with at least its
    value as margin has inf (no price reaches them); nan for a position of size zero.

    Raises
    ------
    ArgumentError : a price, margin or rate out of range, or an unknown contract.

    Example
    -------
    10 units from 100 with 100 of margin: the long is bankrupt at 90, the short at 110.

    >>> liquidation_price(100, [10, -10], 100)
    array([ 90., 110.])
    >>> liquidation_price(100, [10, -10], 100, maintenance=0.1)
    array([100., 100.])

    Source: contract arithmetic (own derivation).
    """
    start, held = numbers("entry", entry, above=0), numbers("size", size)
    money, rate = numbers("margin", margin, 0), numbers("maintenance", maintenance, 0, below=1)
    kept = rate * np.abs(held)
    if _inverse(contract):
        coins = money + held / start
        price = np.where((held < 0) & (coins >= 0), np.inf, ratio(held + kept, coins))
    else:
        price = np.maximum(ratio(held * start - money, held - kept), 0.0)
    return answer(np.where(held == 0, np.nan, price), start, held, money, rate)


def bankruptcy_price(
    entry: ArrayLike, size: ArrayLike, margin: ArrayLike, *, contract: str = "linear"
) -> Numbers:
    """The price at which the margin of an isolated position is gone: `liquidation_price` at 0.

    linear: entry − margin / size; inverse: 1 / (1 / entry + margin / size)

    Parameters, returns and errors as for `liquidation_price`.

    Example
    -------
    A long of 100,000 dollars from 8,000 (12.5 coins) with 3.125 coins of margin: 15.625 coins
    are needed to buy the dollars back, at 6,400.

    >>> bankruptcy_price(8_000, 100_000, 3.125, contract="inverse")
    6400.0

    Source: contract arithmetic (own derivation).
    """
    return liquidation_price(entry, size, margin, contract=contract)


def close_shortfall(
    size: ArrayLike, bankruptcy: ArrayLike, close: ArrayLike, *, contract: str = "linear"
) -> Numbers:
    """What is missing when a position is closed at a worse price than its bankruptcy price.

    linear: max(0, size × (bankruptcy − close)); inverse: max(0, size × (1/close − 1/bankruptcy))

    This is the amount that the insurance fund, and after it the loss-sharing rule, has to bear.

    Parameters
    ----------
    size : signed size of the position (long above zero).
    bankruptcy : price at which the venue took the position over with nothing left, > 0.
    close : price at which it was closed or settled, > 0.
    contract : "linear" (size in units, result in quote currency) or "inverse" (size in quote
        currency, result in the underlying).

    Returns
    -------
    The shortfall, >= 0.

    Raises
    ------
    ArgumentError : a price that is not above zero, or an unknown contract.

    Example
    -------
    OKEx, 31 July 2018: a long of 4,168,515 contracts of 100 dollars, taken over at 8,020
    (`p_liq`) and settled at 7,483 (`p_settle`), in bitcoin; reported were 2,500 from OKEx and
    about 1,200 from the clawback.

    >>> round(close_shortfall(416_851_500, 8_020, 7_483, contract="inverse"))
    3730

    Source: N (1/p_settle − 1/p_liq) after the project's notes on OKEx, figures from press of
    August 2018 (omgaltcoin.com, currenscene.com).
    """
    held = numbers("size", size)
    taken, sold = numbers("bankruptcy", bankruptcy, above=0), numbers("close", close, above=0)
    gap = held * (1 / sold - 1 / taken) if _inverse(contract) else held * (taken - sold)
    return answer(np.maximum(gap, 0.0), held, taken, sold)
