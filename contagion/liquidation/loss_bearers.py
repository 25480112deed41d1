"""Loss bearers on a market: accounts, funds and venues, relative to marked positions.

The initial loss is the loss of positions through changes of fundamental prices. It is a shock up to
the equity of the account; the excess falls on funds, on other accounts by the rule of their venue,
and on venues. An account that gains from prices is measured against the marked value of its
position: an unpaid profit is a loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from ..kernels.market_state import MarketState
from ..rules.rule import Rule
from .margin_book import MarginBook
from .venue_sharing import by_venue, own_money

NO_RULES: Mapping[Any, Rule] = MappingProxyType({})
HOLDER, FUND, OWNERS, LIQUIDATOR = "account holder", "fund", "owners", "liquidator"


@dataclass(frozen=True)
class MarketLosses:
    """B scenarios, N accounts, V venues, money.

    Attributes
    ----------
    marked : (B, N) gains of positions from fundamental prices; negative: losses.
    lost : (B, N) loss of the account: the fall of max(equity, 0) and calls met; negative: a gain.
    shock, contagion : (B, N) immediate loss, up to its equity, and further loss: relative to marked
        gains or in excess of the marked loss.
    sold : (B, N) loss from sales below the fundamental price and from fees; negative: gains.
    deficit : (B, N) deficits of closed accounts, and negative equity taken over by a vault.
    fees : (B, V) of liquidations.
    fund, venue : (B, V) deficits that the fund bears, and those that no fund and no account bears,
        with negative equity taken over by a vault, less fees.
    """

    marked: np.ndarray
    lost: np.ndarray
    shock: np.ndarray
    contagion: np.ndarray
    sold: np.ndarray
    deficit: np.ndarray
    fees: np.ndarray
    fund: np.ndarray
    venue: np.ndarray

    @property
    def initial(self) -> np.ndarray:
        """(B,) the marked loss of the losing accounts, money."""
        return np.asarray(np.maximum(-self.marked, 0.0).sum(axis=1))


def market_losses(
    book: MarginBook, state: MarketState, rules: Mapping[Any, Rule] = NO_RULES
) -> MarketLosses:
    """The losses after a run; `rules` {venue: rule} of the cascade, for own money in them.

    Example
    -------
    A long of 10 with a margin of 100 loses 200: it bears 100, the fund 5, and a winner is not paid
    its profit of 95.

    >>> import numpy as np, contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, [
    ...     {"venue": "v", "holder": holder, "instrument": "X", "size": size, "margin": margin}
    ...     for holder, size, margin in (("l", 10, 100), ("s1", -8, 40), ("s2", -2, 100))])
    >>> cascade = ct.liquidation.LiquidationCascade(fund=5.0, rules={"v": ct.rules.Queue("score")})
    >>> found = market_losses(book, cascade.solve(book, np.array([[80.0]])))
    >>> found.initial, found.shock, found.contagion, found.fund
    (array([200.]), array([[100.,   0.,   0.]]), array([[ 0., 95.,  0.]]), array([[5.]]))
    """
    a = book.arrays
    starts = np.searchsorted(a.account, np.arange(len(a.cash)))
    marked = state.marked
    value = state.units * state.fundamental[:, a.asset]
    worth = state.cash + np.add.reduceat(value, starts, axis=1)
    before = np.maximum(a.cash + np.add.reduceat(a.units * book.price[a.asset], starts), 0.0)
    after = np.where(state.vault, 0.0, np.maximum(worth, 0.0))
    lost = before - after + state.topped
    loss = lost + np.maximum(marked, 0.0)
    shock = np.clip(np.minimum(-marked, before + state.topped), 0.0, np.maximum(loss, 0.0))
    hidden = np.where(state.vault, 0.0, np.maximum(-worth, 0.0))
    vault = np.where(state.vault, worth, 0.0)
    fees = by_venue(book, state.fees)
    # loss of an account: marked loss, less its deficit, plus charges by a rule and losses in sales
    sold = lost + marked + state.deficit + hidden - vault - state.shared
    head = np.array([own_money(rules.get(name)) for name in book.venues])
    deficit = by_venue(book, state.deficit)
    fund = deficit - state.uncovered + np.minimum(state.uncovered, head)
    venue = deficit - fund - fees - by_venue(book, state.shared + vault)
    bad = state.deficit + np.maximum(-vault, 0.0)
    return MarketLosses(marked, lost, shock, loss - shock, sold, bad, fees, fund, venue)


def bearers(
    book: MarginBook, state: MarketState, rules: Mapping[Any, Rule] = NO_RULES
) -> pd.DataFrame:
    """The ledger of one scenario (a batch of one), one row per bearer, role and cause.

    Returns
    -------
    bearer, role ("account holder", "fund" or "owners" of a venue, "liquidator"), cause ("shock",
    "contagion"), hop, rule (how the loss was assigned), amount (money), largest first.
    """
    found = market_losses(book, state, rules)
    names = [book.holders[k] for k in book.arrays.holder]
    venues = list(book.venues)
    words = [
        rules[venues[v]].word if venues[v] in rules and cut > 0 else "residual"
        for v, cut in zip(book.arrays.venue, state.shared[0], strict=True)
    ]
    parts = [
        (names, HOLDER, "shock", 0, ["residual"] * len(names), found.shock[0]),
        (names, HOLDER, "contagion", 1, words, found.contagion[0]),
        (venues, FUND, "contagion", 1, ["fund"] * len(venues), found.fund[0]),
        (venues, OWNERS, "contagion", 1, ["residual"] * len(venues), found.venue[0]),
        (["liquidators"], LIQUIDATOR, "contagion", 1, ["residual"], -state.liquidators),
    ]
    rows = [
        (who, role, cause, hop, rule, float(money))
        for bearer, role, cause, hop, rule_, amount in parts
        for who, rule, money in zip(bearer, rule_, amount, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["bearer", "role", "cause", "hop", "rule", "amount"])
    floor = 1e-12 * float(np.abs(found.marked).sum())
    keys = ["bearer", "role", "cause", "hop", "rule"]
    frame = frame[frame["amount"] > floor].groupby(keys, sort=False, as_index=False).sum()
    return frame.sort_values("amount", ascending=False, kind="stable", ignore_index=True)
