"""Bitfinex, August 2016: the same haircut on every claim, all accounts and all assets.

`rule_2016` shares the loss over a perimeter of claims, `uniform_haircut` is the rate: 36.067 % in
2016; it would have been 49.2 % if only holders of bitcoin had borne the loss.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..rules.pro_rata import Capped, ProRata
from ..rules.rule import Rule
from ..statistics.arrays import Numbers, answer, numbers, ratio
from .record import Document, Terms, Venue


def rule_2016(perimeter: str | None = None) -> Rule:
    """The same haircut on every claim inside a perimeter: h = L / Σ claims inside.

    In 2016 the perimeter had all accounts and all assets, h = 0.36067, and each account received
    a token for its loss. (`uniform_haircut`)

    Claims: one row per claim with its `amount`, in one currency; column `perimeter` where only some
    claims, or a part of each, are inside.

    Parameters
    ----------
    perimeter : column with the amount of each claim that is inside, 0 for those outside; `None`:
        every claim in full.

    Example
    -------
    243,352 bitcoin owed, 119,756 stolen: 49.2 % if only their holders had borne the loss.

    >>> from contagion.venues import bitfinex
    >>> claims = {"claimant": ["bitcoin", "others"], "amount": [243_352, 88_685],
    ...           "bitcoin_only": [243_352, 0]}
    >>> done = bitfinex.rule_2016("bitcoin_only").allocate(119_756, claims).table
    >>> (done["loss"] / done["amount"]).round(3).tolist()
    [0.492, 0.0]
    >>> done = bitfinex.rule_2016().allocate(119_756, claims).table
    >>> (done["loss"] / done["amount"]).round(5).tolist()
    [0.36067, 0.36067]

    The published 0.36067 implies other assets of 88,685, in bitcoin.

    Source: Bitfinex statement of August 2016 as quoted by The Register, 2016-08-08.
    """
    return ProRata() if perimeter is None else Capped(ProRata(perimeter), by=perimeter)


def uniform_haircut(assets: ArrayLike, liabilities: ArrayLike) -> Numbers:
    """The haircut on all claims that reduces them to the assets held: h = max(0, 1 − A / L).

    The result depends on the claims in L, the perimeter: for Bitfinex 0.36067 was published for all
    accounts and assets.

    Parameters
    ----------
    assets, liabilities : amounts in one unit, >= 0.

    Returns
    -------
    Share of each claim that is cut, 0 to 1; 0 where nothing is owed.

    Raises
    ------
    ValueError : a negative or infinite amount.

    Example
    -------
    Bitfinex if only holders of bitcoin had borne the loss: 119,756 of 243,352 coins stolen.

    >>> round(uniform_haircut(243_352 - 119_756, 243_352), 3)
    0.492

    Source: Bitfinex statements of August 2016, after the project's notes.
    """
    held, owed = numbers("assets", assets, 0), numbers("liabilities", liabilities, 0)
    return answer(np.maximum(1 - ratio(held, owed, 1.0), 0.0), held, owed)


CATALOGUE = (
    Venue(
        name="bitfinex_2016",
        build=rule_2016,
        title="The same haircut on every claim inside a perimeter",
        documents=(Document("Bitfinex, statement quoted by The Register", "2016-08", "excerpt"),),
        read="The statement as quoted by The Register; the balance sheet behind 0.36067 was "
        "never published.",
        simplified="The tokens (later redeemed or converted into shares) are not counted as paid.",
        terms=Terms(
            fund="none",
            basis="claim inside the perimeter",
            price="a token for the part taken",
            cap="the claim",
        ),
    ),
)
