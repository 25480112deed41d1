"""Exchanges that socialize: a share of all profits, or of all claims."""

from __future__ import annotations

from ..rules.proportional import Capped, ProRata
from ..rules.rule import Rule
from ..rules.waterfall import Layer
from .venue import Venue, fund_then


def okex_2018(fund: float | None = None, weight: str = "profit") -> Rule:
    """Insurance fund, then an equal percentage of the week's net profits: the clawback.

    rate = (L − fund) / Σ max(0, profit);  each account pays rate × max(0, profit)
    (`contagion.venues.clawback_rate`)

    Profits are netted over all three contracts (weekly, bi-weekly, quarterly) and the whole
    week, by account; losers pay nothing.

    Claims: layer "clawback", one row an account, column `weight` its net profit (losses below
    zero are allowed), `amount` what it can lose: its net profit, 0 for losers. The rest of an
    account is a row of its own with an empty layer.

    Parameters
    ----------
    fund : money in the insurance fund, injections included; `None`: the claims in its layer.
    weight : column with the net profit.

    Simplified: the shortfall is an input; it is known only at the weekly settlement.

    Example
    -------
    Profits of 50, 30, −10, 20 and a loss of 12 that is not covered: 12 %, the first pays 6.

    >>> from contagion import venues
    >>> claims = {"claimant": ["a", "b", "c", "d"], "layer": "clawback",
    ...           "amount": [50, 30, 0, 20], "profit": [50, 30, -10, 20]}
    >>> done = venues.okex_2018(fund=0).allocate(12, claims)
    >>> done.table["loss"].round(9).tolist()
    [6.0, 3.6, 0.0, 2.4, 0.0]

    Source: OKEx notice of 3 August 2018 as quoted by movingwatertrading.com; OKEx support
    article 115001762991, "Full Account Clawback".
    """
    return fund_then(fund, Layer("clawback", ProRata(weight, negative="zero")))


def deribit(fund: float | None = None, weight: str = "profit") -> Rule:
    """Insurance fund, then socialized among the winners of the day, pro rata on their profit.

    rate = (L − fund) / Σ max(0, session profit)

    Claims: as for `okex_2018`, layer "socialized loss", column `weight` the session profit.

    Parameters
    ----------
    fund : money in the insurance fund; `None`: the claims in its layer.
    weight : column with the session profit.

    Unverified (medium confidence): that the basis is the session profit, pro rata. The article
    says only that losses beyond the fund are socialized among the winning traders of that day,
    and that it has never happened.

    Example
    -------
    >>> from contagion import venues
    >>> claims = {"claimant": ["a", "b"], "layer": "socialized loss", "amount": [30.0, 10.0],
    ...           "profit": [30, 10]}
    >>> venues.deribit(fund=5).allocate(9, claims).table["loss"].tolist()
    [3.0, 1.0, 5.0]

    Source: Deribit, support article 25944777576477 "Insurance Fund" (stored copy, undated).
    """
    return fund_then(fund, Layer("socialized loss", ProRata(weight, negative="zero")))


def bitfinex_2016(perimeter: str | None = None) -> Rule:
    """The same haircut on every claim inside a perimeter: h = L / Σ claims inside.

    In 2016 the perimeter was everything: all accounts and all assets, h = 0.36067, and each got
    a token for what it lost. (`contagion.venues.uniform_haircut`)

    Claims: one row a claim with its `amount`, in one money; column `perimeter` where only some
    claims, or a part of each, are inside.

    Parameters
    ----------
    perimeter : column with the money of each claim that is inside, 0 for those outside; `None`:
        every claim in full.

    Simplified: the tokens (later redeemed or converted into shares) are not counted as paid. The
    balance sheet behind 0.36067 was never published.

    Example
    -------
    243,352 bitcoin owed, 119,756 stolen: 49.2 % if only their holders had borne it.

    >>> from contagion import venues
    >>> claims = {"claimant": ["bitcoin", "others"], "amount": [243_352, 88_685],
    ...           "bitcoin_only": [243_352, 0]}
    >>> done = venues.bitfinex_2016("bitcoin_only").allocate(119_756, claims).table
    >>> (done["loss"] / done["amount"]).round(3).tolist()
    [0.492, 0.0]
    >>> done = venues.bitfinex_2016().allocate(119_756, claims).table
    >>> (done["loss"] / done["amount"]).round(5).tolist()
    [0.36067, 0.36067]

    The 88,685 of other assets, in bitcoin, is what the published 0.36067 implies.

    Source: Bitfinex statement of August 2016 as quoted by The Register, 2016-08-08.
    """
    return ProRata() if perimeter is None else Capped(ProRata(perimeter), by=perimeter)


CATALOGUE = (
    Venue(
        "okex_2018",
        okex_2018,
        "Insurance fund, then an equal percentage of the week's net profits",
        "OKEx notice of 2018-08-03, quoted; OKEx support article 115001762991",
        "2018-08-03",
        "verified",
    ),
    Venue(
        "deribit",
        deribit,
        "Insurance fund, then the day's winners pro rata on profit",
        "Deribit, support article 25944777576477",
        "undated",
        "partly unverified",
    ),
    Venue(
        "bitfinex_2016",
        bitfinex_2016,
        "The same haircut on every claim inside a perimeter",
        "Bitfinex statement of August 2016, quoted by The Register",
        "2016-08",
        "verified",
    ),
)
