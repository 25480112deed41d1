"""GMX v2: the pool pays the profits of traders up to a share of the pool, then scales them down.

If the ratio of profits to pool exceeds a set factor, the same share of every profit is paid
(`capped_profit`); as a rule that shares the loss: `v2`. A keeper decides about deleveraging; there
is no ranking on chain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import RuleError
from ..rules.rule import Rule
from ..rules.waterfall import Layer
from ..statistics.arrays import Numbers, answer, numbers, ratio
from .parameters import fund_then, money, share
from .record import Document, Terms, Venue


def v2(pool: float, max_pnl_factor: float) -> Rule:
    """The pool pays profits up to a share of the pool; above, all profits are scaled down pro rata.

    factor = profits / pool;  paid = profit × min(1, max_pnl_factor / factor)
    (`capped_profit`)

    As a waterfall, the loss to be shared is the total profit of the traders of one side. The pool
    bears it up to max_pnl_factor × pool; the profits bear the remainder pro rata.

    Claims: layer "profits", one row per winning trader, `amount` its profit; layer "pool" for the
    liquidity providers where they are claims.

    Parameters
    ----------
    pool : value of the tokens that back the side, an amount.
    max_pnl_factor : maxPnlFactorForTraders of market and side, > 0 (differs; no default).

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    Profits of 6m, a pool of 10m and a cap of 0.45: factor 0.6, so 75 % of every profit is paid.

    >>> from contagion.venues import gmx
    >>> claims = {"claimant": ["a", "b"], "layer": "profits", "amount": [4e6, 2e6]}
    >>> done = gmx.v2(pool=10e6, max_pnl_factor=0.45).allocate(6e6, claims)
    >>> done.table["paid"].tolist(), done.layers["absorbed"].tolist()
    ([3000000.0, 1500000.0, 0.0], [4500000.0, 1500000.0])

    Source: gmx-io/gmx-synthetics, contracts/position/PositionUtils.sol @ 00fc6b2, function
    getPositionPnlUsd; numbers of the example after the project's notes (@ a5c0c88).
    """
    factor = share(max_pnl_factor, "max_pnl_factor", most=float("inf"))
    if factor == 0:
        raise RuleError("max_pnl_factor=0: the contract does not scale at 0; it has to be > 0.")
    return fund_then(factor * money(pool, "pool"), Layer("profits"), name="pool")


@dataclass(frozen=True)
class CappedProfit:
    """Profits of traders against a pool: `factor` = profit / pool, `scale` = the share of each
    profit that is paid, `paid` = total payment (a loss is unchanged)."""

    factor: Numbers
    scale: Numbers
    paid: Numbers


def capped_profit(pnl: ArrayLike, pool: ArrayLike, *, cap: ArrayLike) -> CappedProfit:
    """Profit factor and payout scale of one side of a GMX v2 market.

    factor = pnl / pool, scale = min(1, cap / factor) for pnl > 0, otherwise 1

    With `cap` = maxPnlFactorForTraders the scale is the share of their profits that traders
    receive. Auto-deleveraging is enabled while the factor exceeds maxPnlFactorForAdl; a keeper then
    chooses which profitable positions to close; there is no ranking on chain.

    Parameters
    ----------
    pnl : unrealized result of all traders on one side, an amount.
    pool : value of the tokens that back that side, without the traders' result, an amount > 0.
    cap : highest factor that is paid, > 0; set per market and side, so there is no default. (At
        a cap of 0 the contract does not scale at all, hence it is refused.)

    Raises
    ------
    ValueError : pool or cap not above zero.

    Example
    -------
    Profits of 6m against a pool of 10m with cap 0.45.

    >>> six = capped_profit(6e6, 10e6, cap=0.45)
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


CATALOGUE = (
    Venue(
        name="gmx_v2",
        build=v2,
        title="Pool up to a share of its value, then profits scaled down pro rata",
        documents=(
            Document(
                "gmx-io/gmx-synthetics @ 0942746, adl/AdlUtils.sol", "commit 0942746", "excerpt"
            ),
            Document(
                "gmx-io/gmx-synthetics @ 00fc6b2, position/PositionUtils.sol",
                "commit 00fc6b2",
                "excerpt",
            ),
        ),
        read="The function getPositionPnlUsd, and of AdlUtils the state and the order.",
        simplified="Losses of other traders on the same side, which lower the factor, are "
        "netted before; auto-deleveraging itself, by which a keeper closes "
        "positions of its own choice above maxPnlFactorForAdl, is left out.",
        terms=Terms(
            fund="pool, up to maxPnlFactorForTraders times its value",
            basis="profit",
            price="oracle price, all profits scaled by one factor",
            cap="the profit",
            pause="a keeper closes positions above maxPnlFactorForAdl; withdrawals have "
            "a separate factor",
        ),
    ),
)
