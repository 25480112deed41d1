"""The rule of a venue for its accounts: allocation of deficits that the fund does not cover.

The equity of an account is a claim on the venue, whose assets are margins and its fund. A rule
that ranks or weights by profits takes profits, at most all profits of the account; every other
rule takes equity. A queue deleverages: it takes the profit on positions that it closes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..kernels.market_state import MarketState
from ..rules.claims import Claims
from ..rules.order import Queue
from ..rules.pro_rata import PRO_RATA, Capped
from ..rules.rule import Rule
from ..rules.waterfall import Layer, Waterfall
from .account_claims import AccountClaims, account_claims
from .margin_book import MarginBook

OWN = ("fund", "pool", "reserve", "surplus", "vault")  # names of layers of a venue's own money
PROFIT = {"profit", "weighted_profit", "score", "order", "rank"}  # columns based on profits
GAINS = {"profits", "winners", "adl", "deleveraging", "gains haircut"}  # layers of profits
DUST = 1e-12


def share(
    book: MarginBook,
    state: MarketState,
    rules: Mapping[Any, Rule],
    own: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Charge deficits not covered by funds to accounts, by the rules of the venues.

    The state is updated. The part that the rule allocates to no account stays with the venue.

    Parameters
    ----------
    book : before the run. state : after it, with scenarios on the leading axis.
    rules : {venue: rule}; venues without a rule share nothing.
    own : money of the venue that bears losses before its accounts, (V,) or (B, V).

    Returns
    -------
    (B,) bool, scenarios in which an account had a loss.

    Example
    -------
    A long of 10 has a deficit of 100 and the fund has 5. The first in the queue is the short of 8:
    its profit of 160 bears the remaining 95, and 95 / 160 of its position are closed.

    >>> import numpy as np, contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, [
    ...     {"venue": "v", "holder": holder, "instrument": "X", "size": size, "margin": margin}
    ...     for holder, size, margin in (("l", 10, 100), ("s1", -8, 40), ("s2", -2, 100))])
    >>> cascade = ct.liquidation.LiquidationCascade(fund=5.0)
    >>> state = cascade.solve(book, np.array([[80.0]]))
    >>> share(book, state, {"v": ct.rules.Queue("score")}), state.shared.tolist()
    (array([ True]), [[0.0, 95.0, 0.0]])
    >>> state.units.tolist()
    [[0.0, -3.25, -2.0]]
    """
    a, size = book.arrays, len(state.rounds)
    head = np.array([own_money(rules.get(venue)) for venue in book.venues])
    asked = state.uncovered - head - own - by_venue(book, state.shared)
    named = np.array([venue in rules for venue in book.venues])
    asked = np.where(named & (asked > DUST * state.uncovered), asked, 0.0)
    if not asked.any():
        return np.zeros(size, bool)
    found = account_claims(book, state)
    cut, closing = np.zeros_like(state.cash), np.zeros_like(state.cash)
    may = ~a.loan & ~state.vault & (found.equity > 0)
    for rule in dict.fromkeys(rules.values()):
        mine = np.array([rules.get(venue) == rule for venue in book.venues])
        row, who = np.nonzero((asked * mine)[:, a.venue] * may > 0)
        if len(row):
            owner, place = np.unique(row * len(mine) + a.venue[who], return_inverse=True)
            _allocate(book, rule, found, row, who, place, asked.ravel()[owner], cut, closing)
    state.shared += cut
    state.cash -= cut
    _close(book, state, closing)
    return np.asarray((cut > 0).any(axis=1))


def by_venue(book: MarginBook, money: np.ndarray) -> np.ndarray:
    """Money of accounts (..., N) summed by venue (..., V)."""
    out = np.zeros((*money.shape[:-1], len(book.venues)))
    np.add.at(out.T, book.arrays.venue, money.T)
    return out


def own_money(rule: Rule | None) -> float:
    """The venue's own money at the head of its rule; it is used after the fund of the cascade."""
    total = 0.0
    for layer in rule.layers_ if isinstance(rule, Waterfall) else ():
        if not _is_own(layer):
            break
        total += layer.capacity or 0.0
    return total


def _is_own(layer: Layer) -> bool:
    named = layer.owner is not None or any(word in layer.name for word in OWN)
    return layer.rule == PRO_RATA and (named or layer.capacity is not None)


def _takes_profits(rule: Rule, name: str = "") -> bool:
    inner = rule.rule if isinstance(rule, Capped) else rule
    column = getattr(inner, "by", None) or getattr(inner, "weight", "amount")
    return isinstance(inner, Queue) or column in PROFIT or name in GAINS


def _allocate(
    book: MarginBook,
    rule: Rule,
    found: AccountClaims,
    row: np.ndarray,
    who: np.ndarray,
    owner: np.ndarray,
    asked: np.ndarray,
    cut: np.ndarray,
    closing: np.ndarray,
) -> None:
    """One rule on the accounts `who` in the scenarios `row`; owners are scenario × venue."""
    equity, profit = found.equity[row, who], found.unrealized[row, who] + found.realized[row, who]
    interest = found.open_interest[row, who]
    gain = np.clip(profit, 0.0, equity)
    leverage = interest / equity
    score = gain / np.where(interest + profit > 0, np.abs(interest + profit), 1.0) * leverage
    first = np.lexsort((-score, owner))
    order = np.empty(len(row))
    order[first] = np.arange(len(row))
    columns = {
        "profit": profit, "equity": equity, "open_interest": interest, "leverage": leverage,
        "score": score, "rank": score, "order": order, "weighted_profit": gain * leverage,
        "margin": found.paid_in[row, who],
        "contracts": np.bincount(book.arrays.account, np.abs(book.arrays.units))[who],
    }  # fmt: skip
    if isinstance(rule, Waterfall):
        layers = [layer for layer in rule.layers_ if not _is_own(layer)]
    else:
        layers = [Layer("", rule)]
    profits = [_takes_profits(layer.rule, layer.name) for layer in layers]
    stakes = {True: gain, False: equity - gain if any(profits) else equity}
    kept = [k for k, of in enumerate(profits) if profits.index(of) == k]
    if not kept:
        return
    many = len(kept)
    table: dict[str, Any] = {name: np.tile(values, many) for name, values in columns.items()}
    table["layer"] = np.repeat(np.array([layers[k].name for k in kept], object), len(row))
    claims = Claims(
        np.tile(owner, many),
        np.concatenate([stakes[profits[k]] for k in kept]),
        table,
        lambda at: [book.holders[book.arrays.holder[who[i % len(who)]]] for i in at],
    )
    ladder = rule.segments(claims)
    lost = np.clip(ladder.shares.spread(ladder.taken(asked)), 0.0, claims.amount)
    for k, part in zip(kept, lost.reshape(many, -1), strict=True):
        cut[row, who] += part
        if isinstance(layers[k].rule, Queue):
            closing[row, who] += part


def _close(book: MarginBook, state: MarketState, taken: np.ndarray) -> None:
    """Close the share of the winning legs of each account (B, N) whose profit was taken."""
    rows = np.flatnonzero(taken.any(axis=1))
    if not len(rows):
        return
    a = book.arrays
    entry = book._frame["entry_price"].to_numpy(float)
    units, price = state.units[rows], state.told[rows][:, a.asset]
    gain = np.maximum(units * (price - entry), 0.0)
    starts = np.searchsorted(a.account, np.arange(len(a.cash)))
    whole = np.add.reduceat(gain, starts, axis=1)
    part = np.minimum(taken[rows] / np.where(whole > 0, whole, np.inf), 1.0)
    part = np.where(part > 1 - DUST, 1.0, part)
    gone = np.where(gain > 0, units * part[:, a.account], 0.0)
    state.cash[rows] += np.add.reduceat(gone * price, starts, axis=1)
    # the counterparty trades at the price that the venue uses
    state.market[rows] += (gone * (state.fundamental[rows][:, a.asset] - price)).sum(axis=1)
    left = units - gone
    state.units[rows] = left
    closed = np.zeros((state.open.shape[1], len(rows)))
    np.add.at(closed, a.asset, (np.abs(units) - np.abs(left)).T)
    state.open[rows] -= closed.T
    state.alive[rows] &= np.add.reduceat(np.abs(left), starts, axis=1) > 0
