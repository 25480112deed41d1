"""Crypto.com: insurance fund, then the winners of the session, at least 1 % of every profit.

The loss beyond the fund is charged to the profits of the session (`rule`). A loss below 1 % of all
profits is charged at 1 %, and the surplus goes to the fund (`charge`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..rules.pro_rata import ProRata
from ..rules.waterfall import Layer, Waterfall
from ..statistics.arrays import Numbers, answers, numbers
from .okx import clawback_rate
from .parameters import fund_then
from .record import NOT_READ, Document, Terms, Venue


def rule(fund: float | None = None, weight: str = "profit") -> Waterfall:
    """Insurance fund, then the winners of the session, pro rata on their profits.

    the fund pays min(L, fund); winner k bears  rest × profit_k / Σ profit

    Claims: layer "socialized loss", one row per account with a profit in the session, `amount` its
    largest possible loss (the profit), column `weight` the profit.

    A rule allocates exactly the loss. If the minimum charge of 1 % exceeds the loss, the excess is
    a payment of the winners to the fund (`charge`).

    Parameters
    ----------
    fund : balance of the insurance fund, an amount; `None`: the claims in its layer.
    weight : column with the profit.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    Example B of the article: the fund lacks 10,000, profits are 171,000.

    >>> from contagion.venues import crypto_com
    >>> profits = [50e3, 45e3, 30e3, 30e3, 15e3, 1e3]
    >>> claims = {"claimant": list("abcdef"), "layer": "socialized loss", "amount": profits,
    ...           "profit": profits}
    >>> crypto_com.rule(fund=0).allocate(10_000, claims).table["loss"].round(2).tolist()[:2]
    [2923.98, 2631.58]

    Source: Crypto.com, help article 4894442, "Insurance Fund and Socialised Loss Mechanism".
    """
    return fund_then(fund, Layer("socialized loss", ProRata(weight, negative="zero")))


@dataclass(frozen=True)
class Charge:
    """Payments of the winners of a session; amounts.

    charged + uncovered = shortfall + to_fund, always.

    Attributes
    ----------
    rate : the share of every profit that is charged.
    charged : total payment of the winners.
    to_fund : their payment beyond the shortfall; it stays in the insurance fund.
    uncovered : part of the shortfall that a charge of 100 % does not cover.
    """

    rate: Numbers
    charged: Numbers
    to_fund: Numbers
    uncovered: Numbers


def charge(shortfall: ArrayLike, profits: ArrayLike, *, least: float = 0.01) -> Charge:
    """The charge on the profits of a session, at least 1 % once there is a shortfall.

    rate = max(least, L / Σ max(0, profit)) for L > 0, at most 1, otherwise 0

    Parameters
    ----------
    shortfall : (...) loss that the fund did not cover, an amount >= 0.
    profits : (..., n) result of each account in the session; losses count as zero.
    least : the minimum rate, 0 to 1; 0 charges exactly the shortfall.

    Returns
    -------
    Charge; nan where there is a shortfall and no profit.

    Raises
    ------
    ValueError : an argument out of range, or profits without an axis of accounts.

    Example
    -------
    Example A of the article: a shortfall of 1,000, profits of 171,000.

    >>> paid = charge(1_000, [50e3, 45e3, 30e3, 30e3, 15e3, 1e3])
    >>> paid.rate, paid.charged, paid.to_fund, paid.uncovered
    (0.01, 1710.0, 710.0, 0.0)

    Source: Crypto.com, help article 4894442 (example A).
    """
    floor = numbers("least", least, 0, 1)
    loss, gain = numbers("shortfall", shortfall, 0), numbers("profits", profits)
    rate = np.asarray(clawback_rate(loss, gain))
    rate = np.where(loss > 0, np.maximum(rate, floor), rate)
    base = np.maximum(gain, 0.0).sum(-1)
    charged = rate * base
    parts = (rate, charged, np.maximum(charged - loss, 0.0), np.maximum(loss - charged, 0.0))
    return Charge(*answers(parts, loss, base, rate))


CATALOGUE = (
    Venue(
        name="crypto_com",
        build=rule,
        title="Insurance fund, then the session's winners pro rata, at least 1 % of each profit",
        documents=(
            Document(
                "Crypto.com, help article 4894442, Insurance Fund and Socialised Loss Mechanism",
                "undated",
                "in full",
            ),
        ),
        read="The article with both examples, as a stored copy; an older copy has no least charge.",
        simplified="The least charge is `charge` and not part of the rule, which shares the loss "
        "alone.",
        terms=Terms(
            fund="insurance fund, fed by liquidation fees",
            basis="profit of the session",
            price="none: profits are cut at the end of the session",
            cap="the profit; at least 1 % of it once the fund is empty",
            pause=NOT_READ,
        ),
    ),
)
