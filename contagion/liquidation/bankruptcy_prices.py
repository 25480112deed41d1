"""Bankruptcy and liquidation prices of derivative positions, and the shortfall at a close.

Sizes are signed: long above zero, short below. A *linear* contract has its size in units of the
underlying and its result in the quote currency. An *inverse* contract has its size in the quote
currency (number of contracts × their face value), and its margin and result in the underlying.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers, ratio
from ..text import choice

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
    maintenance_on: str = "mark",
    contract: str = "linear",
) -> Numbers:
    """The price at which the equity of an isolated position equals its maintenance margin.

    margin + value(p) − value(entry) = maintenance × |value(p)|, solved for p:

    linear: p = (size × entry − margin) / (size − maintenance × |size|)

    inverse: p = (size + maintenance × |size|) / (margin + size / entry)

    Venues that compute maintenance from the value at entry have |value(entry)| on the right:

    linear: p = (size × entry − margin + maintenance × |size| × entry) / size

    inverse: p = size / (margin + (size − maintenance × |size|) / entry)

    Parameters
    ----------
    entry : entry price, > 0.
    size : signed size.
    margin : money behind the position, >= 0: quote currency for linear, underlying for inverse.
    maintenance : maintenance margin as a share of the value of the position, 0 <= m < 1; one
        rate, no schedule by size, no fees.
    maintenance_on : "mark" or "entry", the price of that value.
    contract : "linear" or "inverse".

    Returns
    -------
    The price. It is 0 for a fully paid linear long and inf for an inverse short with a margin of at
    least its value (no price reaches them); nan for a position of size zero.

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
    >>> liquidation_price(100, [10, -10], 100, maintenance=0.05).round(4)
    array([ 94.7368, 104.7619])
    >>> liquidation_price(100, [10, -10], 100, maintenance=0.05, maintenance_on="entry")
    array([ 95., 105.])

    Source: contract arithmetic (own derivation).
    """
    start, held = numbers("entry", entry, above=0), numbers("size", size)
    money, rate = numbers("margin", margin, 0), numbers("maintenance", maintenance, 0, below=1)
    kept = rate * np.abs(held)
    choice(maintenance_on, ("mark", "entry"), "maintenance_on")
    fixed, moving = (kept, 0.0) if maintenance_on == "entry" else (0.0, kept)
    if _inverse(contract):
        coins = money + (held - fixed) / start
        price = np.where((held < 0) & (coins >= 0), np.inf, ratio(held + moving, coins))
    else:
        price = np.maximum(ratio((held + fixed) * start - money, held - moving), 0.0)
    return answer(np.where(held == 0, np.nan, price), start, held, money, rate)


def bankruptcy_price(
    entry: ArrayLike, size: ArrayLike, margin: ArrayLike, *, contract: str = "linear"
) -> Numbers:
    """The price at which the equity of an isolated position is 0: `liquidation_price` at rate 0.

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
    """The shortfall when a position is closed at a worse price than its bankruptcy price.

    linear: max(0, size × (bankruptcy − close)); inverse: max(0, size × (1/close − 1/bankruptcy))

    This is the amount that the insurance fund, and after it the loss-sharing rule, has to bear.

    Parameters
    ----------
    size : signed size of the position (long above zero).
    bankruptcy : price at which the venue took over the position with equity 0, > 0.
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


def part_to_close(
    value: ArrayLike,
    equity: ArrayLike,
    maintenance: ArrayLike,
    *,
    target: ArrayLike = 1.0,
    step: ArrayLike = 0.0,
    fee: ArrayLike = 0.0,
) -> Numbers:
    """The share of a position to close so that its margin ratio reaches a target.

    equity − fee f N = target × maintenance × (1 − f) N,  so that

    f = (target × maintenance × N − equity) / ((target × maintenance − fee) N),

    up to the next multiple of `step`, at least 0 and at most 1

    Venues differ in the target: with 1 the position just meets its maintenance margin, with more
    than 1 a buffer remains, and with infinity all of it is closed at once.

    Parameters
    ----------
    value : |value| of the position at the mark, N, money, > 0.
    equity : equity of the position at the mark, money; below 0 all of it is closed.
    maintenance : maintenance margin as a share of the value, 0 < m < 1.
    target : equity over maintenance margin after the close, >= 1.
    step : share that one liquidation closes, 0 to 1; 0: any share.
    fee : liquidation fee as a share of the closed value, 0 <= fee < 1.

    Returns
    -------
    The share, 0 to 1; 0 if equity >= maintenance × value (no liquidation).

    Raises
    ------
    ArgumentError : a number out of range.

    Example
    -------
    A value of 1,000 with equity 40 at 5 %: a fifth is closed, as 40 = 5 % × 800; for a ratio of
    1.25 the share is 0.36, and in steps of a quarter 0.5.

    >>> part_to_close(1_000, 40, 0.05, target=[1, 1.25], step=[[0], [0.25]]).round(9)
    array([[0.2 , 0.36],
           [0.25, 0.5 ]])
    >>> part_to_close(1_000, [60, 40, -10], 0.05, target=float("inf"))
    array([0., 1., 1.])

    Source: contract arithmetic (own derivation).
    """
    size, own = numbers("value", value, above=0), numbers("equity", equity)
    rate = numbers("maintenance", maintenance, above=0, below=1)
    wanted = numbers("target", target, 1, infinite=True) * rate
    lot, cost = numbers("step", step, 0, 1), numbers("fee", fee, 0, below=1)
    whole = np.isinf(wanted) | (wanted <= cost) | (own <= 0)
    goal = np.where(whole, cost + 1.0, wanted)
    part = np.where(whole, 1.0, (goal - own / size) / (goal - cost))
    stepped = np.ceil(ratio(part, lot, 0.0) * (1 - 1e-12)) * lot
    part = np.clip(np.where(lot > 0, stepped, part), 0.0, 1.0)
    return answer(np.where(own >= rate * size, 0.0, part), size, own, rate, lot, cost)
