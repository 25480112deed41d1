"""Bybit: insurance pool until a drawdown, then auto-deleveraging by rank.

An isolated pool pays until it is empty; a shared pool pays for one contract until it has fallen by
30 % from its peak of 8 hours (from December 2025, `fund_drawdown`), then users of the contract are
deleveraged (`rule`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from ..errors import ArgumentError, RuleError
from ..rules.order import Queue
from ..rules.rule import Rule
from ..rules.waterfall import Layer
from ..statistics.arrays import numbers, ratio
from ..text import choice
from .parameters import fund_then, money, share
from .record import NOT_READ, Document, Terms, Venue


def rule(
    fund: float | None = None,
    pool: str = "isolated",
    peak: float | None = None,
    drawn: float = 0.0,
    trigger: float = 0.30,
    by: str = "score",
) -> Rule:
    """Insurance pool up to a drawdown, then auto-deleveraging by rank.

        isolated pool:  the pool pays until it is empty (drawdown 100 %)
        shared pool:    it pays for one contract at most  trigger × peak − drawn,  and not more
                        than its balance; above that the users of this contract are deleveraged

    The drawdown of a shared pool is that of the *contract*: its loss in the last 8 hours, divided
    by the highest balance of the pool in these 8 hours.

    The documents differ: the announcement of December 2025 describes the fall of the pool's
    balance and the drawdown of a pair, press reports only that of the pool. This function follows
    the help centre and the interface: one contract, its own loss. `fund_drawdown` measures the
    balance of the whole pool, which is the same only for an isolated pool.

    Claims: as for `contagion.venues.bitmex.rule`. The remaining balance of a shared pool is not
    used for this contract: in `allocate` a loss beyond pool and queue is uncovered.

    Parameters
    ----------
    fund : balance of the pool, an amount; `None`: the claims in its layer (isolated pools only).
    pool : "isolated" or "shared".
    peak : highest balance of a shared pool in the last 8 hours, an amount; by default `fund`.
    drawn : amount that a shared pool has already paid for the contract in these 8 hours.
    trigger : drawdown at which deleveraging starts in a shared pool, 0 to 1.
    by : column with the rank.

    Raises
    ------
    RuleError : for a shared pool without `fund`, and for an isolated pool with parameters of a
        shared one.

    Example
    -------
    Bybit's own example: a pool of 1m, a contract loses 350k; the pool pays 300k, users 50k.

    >>> from contagion.venues import bybit
    >>> claims = {"claimant": ["a", "b"], "layer": "adl", "amount": [40e3, 90e3], "score": [2, 1]}
    >>> bybit.rule(fund=1e6, pool="shared").allocate(350e3, claims).table["loss"].tolist()
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


@dataclass(frozen=True)
class FundDrawdown:
    """Drawdown of a fund over time.

    Attributes
    ----------
    peak : highest balance in the window that ends at each moment.
    drawdown : (peak − balance) / peak, 0 to 1; nan while the peak is 0 or unknown.
    triggered : drawdown >= threshold; False where the drawdown is nan.
    """

    peak: np.ndarray
    drawdown: np.ndarray
    triggered: np.ndarray


def fund_drawdown(
    balance: ArrayLike, *, window: int = 8, threshold: ArrayLike = 0.30
) -> FundDrawdown:
    """Drawdown of an insurance fund from its rolling peak, which triggers deleveraging.

    drawdown = (highest balance of the last `window` readings − balance) / that highest balance

    Bybit: threshold 0.30 over 8 hours for shared pools (from December 2025), 1.00 for isolated
    pools; for a shared pool the loss of one contract counts, not the balance (see `rule`). OKX:
    30 % within 8 hours, from the peak (a help page) or from the average (second-hand texts).

    Parameters
    ----------
    balance : (..., time) balances of the fund, amounts >= 0.
    window : number of readings in the window, the current one included (8 for hourly balances).
    threshold : drawdown at which deleveraging may start, above 0 and at most 1.

    Raises
    ------
    ValueError : a negative balance, no axis of time, a window below 1, a threshold out of range.

    Example
    -------
    >>> fund = fund_drawdown([100, 120, 90, 80, 85], window=3)
    >>> fund.drawdown.round(3), fund.triggered
    (array([0.   , 0.   , 0.25 , 0.333, 0.056]), array([False, False, False,  True, False]))

    Source: Bybit, help centre "Auto-Deleveraging (ADL) Mechanism", 2025-11-05 (trigger 1 read as a
    stored copy); announcement of the insurance pools, December 2025.
    """
    held = numbers("balance", balance, 0)
    limit = numbers("threshold", threshold, high=1, above=0)
    if held.ndim == 0:
        raise ArgumentError("balance must have an axis of time, the last one.")
    if window < 1:
        raise ArgumentError(f"window must be at least 1 reading, but is {window!r}.")
    before = np.full((*held.shape[:-1], window - 1), -np.inf)
    peak = sliding_window_view(np.concatenate([before, held], axis=-1), window, axis=-1).max(-1)
    fall = ratio(peak - held, peak)
    return FundDrawdown(peak, fall, fall >= limit)


CATALOGUE = (
    Venue(
        name="bybit",
        build=rule,
        title="Insurance pool up to a drawdown of 100 % or 30 %, then auto-deleveraging by rank",
        documents=(
            Document(
                "Bybit, help centre, Auto-Deleveraging (ADL) Mechanism", "2025-11-05", "excerpt"
            ),
            Document("Bybit, API documentation v5/market/adl-alert", "undated", "in full"),
            Document("Bybit, announcement of the insurance pools", "2025-12", "excerpt"),
        ),
        read="The API documentation (triggers 1 and 2, example 1) and the help centre.",
        simplified="The smallest balance below which the 30 % rule is off, and the end of "
        "deleveraging (back above 25 % in the examples of the API), are not "
        "modelled.",
        terms=Terms(
            fund="insurance pool, isolated or shared",
            basis="rank",
            price=NOT_READ,
            cap="shared pool: 30 % of its peak of 8 hours; a claim: the whole position",
            pause="deleveraging ends when the drawdown is back above 25 % (examples of the API)",
        ),
    ),
)
