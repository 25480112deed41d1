"""Central exchanges that deleverage: an insurance fund first, then the winners in a queue."""

from __future__ import annotations

from ..errors import RuleError
from ..rules.order import Queue
from ..rules.rule import Rule
from ..rules.waterfall import Layer
from ..text import choice
from .venue import Venue, fund_then, money, share


def bitmex(fund: float | None = None, by: str = "score") -> Rule:
    """Insurance fund, then auto-deleveraging from the highest score downwards.

    fund pays min(L, fund); the rest closes positions of the other side, highest score first,
    each loses up to all that it has in the layer

    score = pnl % × leverage if pnl % > 0, otherwise pnl % / leverage
    (`contagion.venues.bitmex_score`)

    Claims: layer "adl", one row a position on the side *opposite* to the liquidated one (longs
    and shorts are ranked separately), `amount` what the close takes from it at most: size times
    the distance from mark to bankruptcy price, or its profit; column `by` the score. A fund that
    belongs to others is a claim with layer "insurance fund".

    Parameters
    ----------
    fund : money in the insurance fund of the contract; `None`: the claims in its layer.
    by : column with the score.

    Simplified: one liquidated order; the queue is not ranked again while it is worked off.

    Example
    -------
    A short of 1 from 10,000, mark 9,000, bankruptcy 11,000 scores 0.10 × 4.5 = 0.45 and is
    closed before one that scores 0.2:

    >>> from contagion import venues
    >>> claims = {"claimant": ["a", "b"], "layer": "adl", "amount": [1_000.0, 800.0],
    ...           "score": [0.45, 0.2]}
    >>> venues.bitmex(fund=500).allocate(1_800, claims).table["loss"].tolist()
    [1000.0, 300.0, 500.0]

    Source: BitMEX, support article 18589621443357 "What is Auto-Deleveraging" (stored copy).
    """
    return fund_then(fund, Layer("adl", Queue(by)))


def binance(fund: float | None = None, by: str = "score") -> Rule:
    """Insurance fund, then auto-deleveraging from the highest rank downwards.

    As `bitmex`, with Binance's own score (`contagion.venues.binance_score`, `binance_score_2019`):
    users are ranked by profit and margin ratio and closed at the bankruptcy price of the
    liquidated order, without a fee.

    Claims: as for `bitmex`.

    Parameters
    ----------
    fund : money in the insurance fund; `None`: the claims in its layer.
    by : column with the score.

    Unverified: the formula of the score in use today (medium confidence); the one of 2019 is
    published. Simplified: as for `bitmex`; guarantees of Binance not to deleverage some
    contracts are left out.

    Example
    -------
    >>> from contagion import venues
    >>> venues.binance(fund=30)
    Waterfall([Layer('insurance fund', capacity=30), Layer('adl', Queue(by='score'))])

    Source: Binance, FAQ 360033525471 "What Is Auto-Deleveraging (ADL)", 2019-09-09.
    """
    return fund_then(fund, Layer("adl", Queue(by)))


def bybit(
    fund: float | None = None,
    pool: str = "isolated",
    peak: float | None = None,
    drawn: float = 0.0,
    trigger: float = 0.30,
    by: str = "score",
) -> Rule:
    """Insurance pool up to a drawdown, then auto-deleveraging by rank.

    isolated pool:  the pool pays until it is empty (drawdown 100 %)
    shared pool:    it pays for one contract at most  trigger × peak − drawn,  and not more than
                    it has; above that the users of this contract are deleveraged

    The drawdown of a shared pool is that of the *contract*: its loss in the last 8 hours, divided
    by the highest balance of the pool in these 8 hours.

    Claims: as for `bitmex`. What a shared pool keeps is not touched by this contract: in
    `allocate` a loss beyond pool and queue is uncovered.

    Parameters
    ----------
    fund : balance of the pool, money; `None`: the claims in its layer (isolated pools only).
    pool : "isolated" or "shared".
    peak : highest balance of a shared pool in the last 8 hours, money; by default `fund`.
    drawn : what the contract has cost a shared pool in these 8 hours already, money.
    trigger : drawdown at which deleveraging starts in a shared pool, 0 to 1.
    by : column with the rank.

    Simplified: the smallest balance below which the 30 % rule is off, and the end of deleveraging
    (back above 25 % in the examples of the API), are not modelled.

    Raises
    ------
    RuleError
        Without `fund` for a shared pool, and for parameters of a shared pool on an isolated one.

    Example
    -------
    Bybit's own example: a pool of 1m, a contract loses 350k; the pool pays 300k, users 50k.

    >>> from contagion import venues
    >>> claims = {"claimant": ["a", "b"], "layer": "adl", "amount": [40e3, 90e3], "score": [2, 1]}
    >>> venues.bybit(fund=1e6, pool="shared").allocate(350e3, claims).table["loss"].tolist()
    [40000.0, 10000.0, 300000.0]

    Source: Bybit, API documentation v5/market/adl-alert (triggers 1 and 2, example 1) and help
    centre "Auto-Deleveraging (ADL) Mechanism", 2025-11-05.
    """
    queue = Layer("adl", Queue(by))
    choice(pool, ("isolated", "shared"), "pool")
    if pool == "isolated":
        if peak is not None or drawn or trigger != 0.30:
            raise RuleError(
                'bybit: peak, drawn and trigger are of a shared pool; add pool="shared". '
                "An isolated pool pays until it is empty."
            )
        return fund_then(fund, queue)
    if fund is None:
        raise RuleError('bybit: pool="shared" needs fund, the balance of the pool in money.')
    has = money(fund, "fund")
    most = share(trigger, "trigger") * (has if peak is None else money(peak, "peak"))
    return fund_then(min(has, max(0.0, most - money(drawn, "drawn"))), queue)


def okx(fund: float, peak: float | None = None, trigger: float = 0.30, by: str = "score") -> Rule:
    """Insurance fund until it has fallen by 30 %, then auto-deleveraging by rank.

    fund pays min(L, fund − (1 − trigger) × peak), then the queue

    Claims: as for `bitmex`.

    Parameters
    ----------
    fund : balance of the fund, money.
    peak : highest balance of the last 8 hours, money; by default `fund`.
    trigger : fall from the peak at which deleveraging starts, 0 to 1.
    by : column with the rank.

    Unverified (medium confidence): the base of the 30 %. A help page says the peak of the last 8
    hours, second-hand texts say their average. Simplified: the queue is not ranked again.

    Example
    -------
    A fund of 90 after a peak of 100 pays 20 more before the queue starts:

    >>> from contagion import venues
    >>> venues.okx(fund=90, peak=100)
    Waterfall([Layer('insurance fund', capacity=20), Layer('adl', Queue(by='score'))])

    Source: OKX, help page on early liquidation, read on a mirror without date; "Automatic-
    Deleveraging", updated 2025-03-06.
    """
    has = money(fund, "fund")
    top = has if peak is None else money(peak, "peak")
    return fund_then(
        max(0.0, has - (top - share(trigger, "trigger") * top)), Layer("adl", Queue(by))
    )


CATALOGUE = (
    Venue(
        "bitmex",
        bitmex,
        "Insurance fund, then auto-deleveraging by profit times leverage",
        "BitMEX, support article 18589621443357",
        "undated",
        "verified",
    ),
    Venue(
        "binance",
        binance,
        "Insurance fund, then auto-deleveraging by rank",
        "Binance, FAQ 360033525471",
        "2019-09-09",
        "partly unverified",
    ),
    Venue(
        "bybit",
        bybit,
        "Insurance pool up to a drawdown of 100 % or 30 %, then auto-deleveraging by rank",
        "Bybit, API documentation v5/market/adl-alert; help centre",
        "2025-11-05",
        "verified",
    ),
    Venue(
        "okx",
        okx,
        "Insurance fund until it has fallen by 30 %, then auto-deleveraging by rank",
        "OKX, help pages on early liquidation and on auto-deleveraging",
        "2025-03-06",
        "partly unverified",
    ),
)
