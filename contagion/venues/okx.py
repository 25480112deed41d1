"""OKX: insurance fund, then auto-deleveraging; in 2018, as OKEx, a clawback of profits.

- `rule` (2025): positions are closed by rank at the mark price, the fund pays
- `okex_2018`: the fund, then an equal share of the week's net profits (`clawback_rate`)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError, RuleError
from ..rules.order import Queue
from ..rules.pro_rata import ProRata
from ..rules.rule import Rule
from ..rules.waterfall import Layer
from ..statistics.arrays import Numbers, answer, numbers, ratio
from ..text import choice
from .parameters import fund_then, money, share
from .record import Document, Terms, Venue


def rule(
    fund: float,
    peak: float | None = None,
    trigger: float = 0.30,
    by: str = "score",
    price: str = "mark",
) -> Rule:
    """Insurance fund, then auto-deleveraging by rank; who pays depends on the closing price.

    price="mark":        fund pays min(L, fund), then the queue
    price="bankruptcy":  fund pays min(L, fund − (1 − trigger) × peak), then the queue

    When the fund has fallen by 30 %, OKX matches the liquidated position with the first of the
    queue, at the mark price (2025). Their profit up to the mark is paid in full, so the fund bears
    the loss beyond the bankruptcy price. Only if the fund is nearly used up, they close at the
    bankruptcy price and bear the remainder. With "bankruptcy" all are closed at that price from the
    trigger on, as at other venues.

    score = profit % × effective leverage (`contagion.venues.bitmex.adl_score`)

    Claims: as for `contagion.venues.bitmex.rule`.

    Parameters
    ----------
    fund : balance of the fund, an amount.
    peak : highest balance of the last 8 hours; by default `fund`. With "bankruptcy" only.
    trigger : fall from the peak at which deleveraging starts, 0 to 1. With "bankruptcy" only.
    by : column with the rank.
    price : "mark" or "bankruptcy", at which positions of the queue are closed.

    Unverified (medium confidence): the bankruptcy price where the fund is nearly used up, and the
    score, which are in the project's notes; the base of the 30 % (a help page says the peak of
    the last 8 hours, second-hand texts say their average, and at least 50,000 USD).

    Raises
    ------
    RuleError : a parameter out of range, or one that is not used with this price.

    Example
    -------
    A loss of 100; a fund of 90 after a peak of 100 pays its whole balance, or only 20:

    >>> from contagion.venues import okx
    >>> claims = {"claimant": ["a", "b"], "layer": "adl", "amount": [60.0, 70.0], "score": [2, 1]}
    >>> okx.rule(fund=90).allocate(100, claims).table["loss"].tolist()
    [10.0, 0.0, 90.0]
    >>> rule = okx.rule(fund=90, peak=100, price="bankruptcy")
    >>> rule.allocate(100, claims).table["loss"].tolist()
    [60.0, 20.0, 20.0]

    Source: OKX, help page on early liquidation (mark price, 30 % within 8 hours), read on a mirror
    without date; "Automatic-Deleveraging", updated 2025-03-06, read from its beginning.
    """
    has, part = money(fund, "fund"), share(trigger, "trigger")
    queue = Layer("adl", Queue(by))
    choice(price, ("mark", "bankruptcy"), "price")
    if price == "mark":
        if peak is not None or part != 0.30:
            raise RuleError('okx: peak and trigger decide who pays with price="bankruptcy" only.')
        return fund_then(has, queue)
    top = has if peak is None else money(peak, "peak")
    return fund_then(max(0.0, has - (top - part * top)), queue)


def okex_2018(fund: float | None = None, weight: str = "profit") -> Rule:
    """Insurance fund, then an equal percentage of the week's net profits: the clawback.

    rate = (L − fund) / Σ max(0, profit);  each account pays rate × max(0, profit)
    (`clawback_rate`)

    Profits are netted over all three contracts (weekly, bi-weekly, quarterly) and the whole
    week, by account; losers pay nothing.

    Claims: layer "clawback", one row per account, column `weight` its net profit (may be negative),
    `amount` its largest loss: its net profit, 0 for losers. The remaining balance of an account is
    a separate row with an empty layer.

    Parameters
    ----------
    fund : balance of the insurance fund, injections included; `None`: the claims in its layer.
    weight : column with the net profit.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    Profits of 50, 30, −10, 20 and an uncovered loss of 12: the rate is 12 %, the first pays 6.

    >>> from contagion.venues import okx
    >>> claims = {"claimant": ["a", "b", "c", "d"], "layer": "clawback",
    ...           "amount": [50, 30, 0, 20], "profit": [50, 30, -10, 20]}
    >>> done = okx.okex_2018(fund=0).allocate(12, claims)
    >>> done.table["loss"].round(9).tolist()
    [6.0, 3.6, 0.0, 2.4, 0.0]

    Source: OKEx notice of 3 August 2018 as quoted by movingwatertrading.com; OKEx support
    article 115001762991, "Full Account Clawback".
    """
    return fund_then(fund, Layer("clawback", ProRata(weight, negative="zero")))


def clawback_rate(shortfall: ArrayLike, profits: ArrayLike) -> Numbers:
    """The equal share of net profits that covers a shortfall: rate = L / Σ max(0, profit).

    OKEx, 2018: after the fund, over accounts with a net profit in all contracts of the week.

    Parameters
    ----------
    shortfall : (...) loss that the fund did not cover, an amount >= 0.
    profits : (..., n) net profit of each account; losses count as zero.

    Returns
    -------
    Share of each profit that is taken, at most 1 (then a remainder is uncovered); 0 without a
    shortfall, nan where there are no profits to charge.

    Raises
    ------
    ValueError : a negative shortfall, or profits without an axis of accounts.

    Example
    -------
    >>> clawback_rate(12, [50, 30, -10, 20])
    0.12

    Source: OKEx notice of August 2018 as quoted in press, after the project's notes.
    """
    loss, gain = numbers("shortfall", shortfall, 0), numbers("profits", profits)
    if gain.ndim == 0:
        raise ArgumentError("profits must have an axis of accounts, the last one.")
    base = np.maximum(gain, 0.0).sum(-1)
    rate = np.where(loss == 0, 0.0, np.minimum(ratio(loss, base), 1.0))
    return answer(rate, loss, base)


CATALOGUE = (
    Venue(
        name="okx",
        build=rule,
        title="Insurance fund, auto-deleveraging at the mark price, then by rank",
        documents=(
            Document(
                "OKX, Automatic-Deleveraging: what it is and how it affects your positions",
                "2025-03-06",
                "excerpt",
            ),
            Document("OKX, help page on early liquidation, on a mirror", "undated", "excerpt"),
            Document(
                "bankruptcy price where the fund is nearly used up, score, base of the 30 %",
                "2025",
                "memory",
            ),
        ),
        read="A help page on a mirror without date (mark price, 30 % in 8 hours), and the "
        "beginning of the page on auto-deleveraging; the bankruptcy price where the fund is nearly "
        "used up, the score and the base of the 30 % are unverified (medium confidence).",
        simplified="The queue is not ranked again; positions that are closed at the mark price "
        "bear nothing, so they are not shown.",
        terms=Terms(
            fund="insurance fund",
            basis="rank",
            price="mark price; bankruptcy price once the fund is nearly used up",
            cap="the whole position",
            pause="deleveraging from a fall of the fund by 30 % in 8 hours",
        ),
    ),
    Venue(
        name="okex_2018",
        build=okex_2018,
        title="Insurance fund, then an equal percentage of the week's net profits",
        documents=(
            Document("OKEx, notice quoted by movingwatertrading.com", "2018-08-03", "excerpt"),
            Document(
                "OKEx, support article 115001762991, Full Account Clawback", "undated", "in full"
            ),
        ),
        read="The notice as quoted by movingwatertrading.com, and the support article.",
        simplified="The shortfall is an input; it is known only at the weekly settlement.",
        terms=Terms(
            fund="insurance fund",
            basis="net profit of the week",
            price="none: profits are cut at the settlement",
            cap="the profit",
        ),
    ),
)
