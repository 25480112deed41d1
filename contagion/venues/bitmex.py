"""BitMEX: insurance fund, then auto-deleveraging by profit times leverage.

The fund of the contract pays first; for the remainder, positions of the other side are closed,
highest score first (`rule`, `adl_score`). Queue and indicator: `contagion.venues.adl.queue`.
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
    """Insurance fund, then auto-deleveraging from the highest score downwards.

    The fund pays min(L, fund). For the remainder, positions of the other side are closed, highest
    score first; each loses at most its amount in the layer

    score = pnl % × leverage if pnl % > 0, otherwise pnl % / leverage (`adl_score`)

    Claims: layer "adl", one row per position on the side *opposite* to the liquidated one (longs
    and shorts are ranked separately). `amount` is the largest loss from closing it: size times
    the distance from mark to bankruptcy price, or its profit; column `by` is the score. A fund that
    belongs to others is a claim with layer "insurance fund".

    Parameters
    ----------
    fund : balance of the insurance fund of the contract; `None`: the claims in its layer.
    by : column with the score.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    A short of 1 from 10,000, mark 9,000, bankruptcy 11,000 scores 0.10 × 4.5 = 0.45 and is
    closed before one that scores 0.2:

    >>> from contagion.venues import bitmex
    >>> claims = {"claimant": ["a", "b"], "layer": "adl", "amount": [1_000.0, 800.0],
    ...           "score": [0.45, 0.2]}
    >>> bitmex.rule(fund=500).allocate(1_800, claims).table["loss"].tolist()
    [1000.0, 300.0, 500.0]

    Source: BitMEX, support article 18589621443357 "What is Auto-Deleveraging" (stored copy).
    """
    return fund_then(fund, Layer("adl", Queue(by)))


def adl_score(mark_value: ArrayLike, entry_value: ArrayLike, bankrupt_value: ArrayLike) -> Numbers:
    """The ranking score of BitMEX: profit share times effective leverage.

    pnl % = (mark − entry) / |entry|, leverage = |mark| / (mark − bankrupt), and

    score = pnl % × leverage if pnl % > 0, otherwise pnl % / leverage

    Longs and shorts are ranked separately, highest first
    (`contagion.venues.adl.queue`). MEXC prints the same formula.

    Parameters
    ----------
    mark_value, entry_value, bankrupt_value : signed values of the position at the mark, entry
        and bankruptcy price, in one currency (long above zero, short below; `position_value`).

    Returns
    -------
    The score, without unit; −inf where mark − bankrupt <= 0.

    Raises
    ------
    ValueError : entry_value is zero, or a value is infinite.

    Example
    -------
    A short of 1 entered at 10,000, mark 9,000, bankruptcy 11,000: 0.10 × 4.5.

    >>> round(adl_score(-9_000, -10_000, -11_000), 10)
    0.45

    Source: BitMEX, support article 18589621443357 and the page of ADL examples, read as stored
    copies, undated.
    """
    mark = numbers("mark_value", mark_value)
    entry = numbers("entry_value", entry_value)
    bankrupt = numbers("bankrupt_value", bankrupt_value)
    if (entry == 0).any():
        raise ArgumentError(
            "entry_value must not be zero: a position without a value has no score."
        )
    share, equity = (mark - entry) / np.abs(entry), mark - bankrupt
    score = profit_times_leverage(share, ratio(np.abs(mark), equity, np.inf))
    return answer(np.where(equity <= 0, -np.inf, score), mark, entry, bankrupt)


CATALOGUE = (
    Venue(
        name="bitmex",
        build=rule,
        title="Insurance fund, then auto-deleveraging by profit times leverage",
        documents=(
            Document("BitMEX, support article 18589621443357", "undated", "in full"),
            Document("BitMEX, page of examples of auto-deleveraging", "undated", "in full"),
        ),
        read="The support article, as a stored copy.",
        simplified="One liquidated order; the queue is not ranked again while it is worked off.",
        terms=Terms(
            fund="insurance fund of the contract",
            basis="rank: profit % × effective leverage",
            price="bankruptcy price of the liquidated order",
            cap="the whole position",
        ),
    ),
)
