"""Binance: insurance fund, then auto-deleveraging by profit and margin ratio.

The fund pays first; for the remainder, positions of the other side are closed, highest rank first
(`rule`). The score of 2019 is published (`adl_score_2019`); the one in use today is unverified
(`adl_score`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..rules.order import Queue
from ..rules.rule import Rule
from ..rules.waterfall import Layer
from ..statistics.arrays import Numbers, answer, numbers, ratio
from .adl import profit_times_leverage
from .parameters import fund_then
from .record import Document, Terms, Venue


def rule(fund: float | None = None, by: str = "score") -> Rule:
    """Insurance fund, then auto-deleveraging from the highest rank downwards.

    As `contagion.venues.bitmex.rule`, with Binance's own score (`adl_score`, `adl_score_2019`):
    users are ranked by profit and margin ratio and closed at the bankruptcy price of the
    liquidated order, without a fee.

    Claims: as for `contagion.venues.bitmex.rule`.

    Parameters
    ----------
    fund : balance of the insurance fund; `None`: the claims in its layer.
    by : column with the score.

    Unverified: the formula of the score in use today (medium confidence); the one of 2019 is
    published.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    The fund pays 30 of 50, the position with the highest score pays the remainder.

    >>> from contagion.venues import binance
    >>> claims = {"claimant": ["a", "b"], "layer": "adl", "amount": [40.0, 40.0], "score": [2, 9]}
    >>> binance.rule(fund=30).allocate(50, claims).table["loss"].tolist()
    [0.0, 20.0, 30.0]

    Source: Binance, FAQ 360033525471 "What Is Auto-Deleveraging (ADL)", 2019-09-09.
    """
    return fund_then(fund, Layer("adl", Queue(by)))


def adl_score(
    pnl: ArrayLike, entry_value: ArrayLike, mark_value: ArrayLike, wallet: ArrayLike
) -> Numbers:
    """The ranking score of Binance futures that is believed to be in use now (unverified).

    pnl % = pnl / |entry value|, leverage = |mark value| / (wallet + pnl), and

    score = pnl % × leverage if pnl % > 0, otherwise pnl % / leverage

    **Unverified (medium confidence)**; the division for losers is taken from BitMEX.

    Parameters
    ----------
    pnl : unrealized profit or loss of the position, an amount.
    entry_value, mark_value : value of the position at entry and mark; the sign is ignored.
    wallet : wallet balance behind it, an amount, without the unrealized result.

    Returns
    -------
    The score, without unit; −inf where wallet + pnl <= 0.

    Raises
    ------
    ValueError : entry_value is zero, or a value is infinite.

    Example
    -------
    Profit 20 on an entry value of 100, mark value 120, wallet 40: 0.2 × 120 / 60.

    >>> round(adl_score(20, 100, 120, 40), 10)
    0.4

    Source: after the project's notes, where it is marked unverified; the formula of 2019 is
    `adl_score_2019`.
    """
    gain, entry = numbers("pnl", pnl), numbers("entry_value", entry_value)
    mark, cash = numbers("mark_value", mark_value), numbers("wallet", wallet)
    if (entry == 0).any():
        raise ArgumentError(
            "entry_value must not be zero: a position without a value has no score."
        )
    equity = cash + gain
    score = profit_times_leverage(gain / np.abs(entry), ratio(np.abs(mark), equity, np.inf))
    return answer(np.where(equity <= 0, -np.inf, score), gain, entry, mark, cash)


def adl_score_2019(pnl: ArrayLike, wallet: ArrayLike, maintenance: ArrayLike) -> Numbers:
    """The ranking score that Binance published in 2019: profit share times margin ratio.

    score = max(0, pnl) / max(1, wallet) × maintenance margin / (wallet + pnl)

    and zero where wallet + pnl <= 0. The 1 is one unit of the quote currency, so for smaller
    wallets the score depends on the unit. Users were then ranked by the quantile of the score.

    Parameters
    ----------
    pnl, wallet : unrealized result and wallet balance, amounts.
    maintenance : maintenance margin, an amount >= 0.

    Returns
    -------
    The score, without unit, >= 0.

    Raises
    ------
    ValueError : maintenance is negative, or a value is infinite.

    Example
    -------
    Profit 40 on a wallet of 10, maintenance margin 5: 4 × 0.1.

    >>> adl_score_2019(40, 10, 5)
    0.4

    Source: Binance FAQ 360033525471 (text of 2019-09-09); the formula as quoted in the
    developers' forum, dev.binance.vision topic 17801.
    """
    gain, cash = numbers("pnl", pnl), numbers("wallet", wallet)
    margin = numbers("maintenance", maintenance, 0)
    share = np.maximum(gain, 0.0) / np.maximum(cash, 1.0)
    margin_ratio = np.where(cash + gain <= 0, 0.0, ratio(margin, cash + gain, 0.0))
    return answer(share * margin_ratio, gain, cash, margin)


CATALOGUE = (
    Venue(
        name="binance",
        build=rule,
        title="Insurance fund, then auto-deleveraging by rank",
        documents=(
            Document("Binance, FAQ 360033525471", "2019-09-09", "in full"),
            Document("score in use today", "undated", "memory"),
        ),
        read="The FAQ of 2019; the score in use today is unverified (medium confidence).",
        simplified="One liquidated order; the queue is not ranked again; guarantees of Binance "
        "not to deleverage some contracts are left out.",
        terms=Terms(
            fund="insurance fund",
            basis="rank: profit × margin ratio (2019)",
            price="bankruptcy price",
            cap="the whole position",
        ),
    ),
)
