"""One round of a market: mark, call, liquidate, move the price. See `market_setup` for the form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import closing
from .accounts import LOAN, Pairs
from .closing import DUST
from .compiled import compiled
from .market_setup import Breaker, Round, Setup
from .market_state import MarketState, at_rest


def step(setup: Setup, state: MarketState, prices: np.ndarray) -> MarketState:
    """The state one round later, at fundamental prices (B, A); the input is not changed."""
    after = state.take(np.arange(len(state.rounds)))
    advance(setup, after, prices, np.ones(len(prices), bool))
    return after


def advance(setup: Setup, now: MarketState, after: np.ndarray, live: np.ndarray) -> np.ndarray:
    """One round at fundamental prices `after` (B, A), written into the state.

    Accounts change only in the scenarios that are `live` (B,). Returns (B,) bool, scenarios in
    which nothing changed and no change is pending.
    """
    a, impact, fixed = setup.accounts, setup.impact, setup.money
    size, assets = after.shape

    def gathered(place: np.ndarray, values: np.ndarray, width: int) -> np.ndarray:
        return np.asarray(np.bincount(place, values, size * width).reshape(size, width))

    _mark(setup, now, after)
    factor = impact.factor(now.volume)
    base = after if setup.fair is None else base_prices(setup, now, factor)
    marked = base * factor
    told, heard = setup.oracle.report(marked, now.oracle)
    told = np.where(fixed, after, told)
    same = np.ones(size, bool)
    for old, new in ((now.price, marked), (now.told, told)):
        same &= (np.abs(new - old) <= setup.tolerance * np.abs(new)).all(axis=-1)
    depth = np.ones(1)
    if setup.withdrawal is not None:
        change = np.divide(marked, now.price, out=np.ones_like(marked), where=now.price > 0) - 1
        now.variance = setup.withdrawal.variance(now.variance, change)
        depth = setup.withdrawal.depth(now.gone, np.sqrt(now.variance))
    now.price, now.told = marked, told
    extra = None
    if setup.margin is not None:
        extra = setup.margin.required(now.units, told, now.elapsed)
    many, legs = now.cash.shape[1], now.units.shape[1]
    spot = np.flatnonzero(weak(setup, now, live, extra))  # take and put are faster than [row, who]
    row, who = np.divmod(spot, many)
    at = Pairs.of(row, who, setup.first, setup.count)
    place = at.row * assets + a.asset[at.leg]
    kept = now.units.take(at.row * legs + at.leg)
    worth, cash = kept * told.take(place), now.cash.take(spot)
    health = cash + at.total(worth * a.weight[at.leg])
    if extra is not None:
        health = health - extra.take(spot)
    seen = None
    at_hand = now.free
    if setup.breakers:
        none = np.zeros_like(now.volume)
        number = int(now.rounds.max(initial=0)) + 1
        seen = Round(number, marked, told, none, none, after, now, a, fixed)
        for k, breaker in enumerate(setup.breakers):
            reaches, now.breakers[k] = breaker.reach(seen, now.breakers[k])
            at_hand = np.where(reaches > 0, at_hand * np.maximum(reaches, 1e-300), 0.0)
    # margin calls, met from other money of the holder: all calls of a round or none
    need, holder = -health, row * setup.holders + a.holder[who]
    can = (at_hand >= gathered(holder, need, setup.holders) * (1 - 1e-12)).take(holder)
    busy = np.bincount(row[can], minlength=size) > 0
    if can.any():
        met = np.where(can, need, 0.0)
        now.free = np.maximum(now.free - gathered(holder, met, setup.holders), 0.0)
        now.cash.put(spot, cash + met)
        now.topped[row, who] += met
    leave = can
    if setup.deadline is not None:
        late = np.zeros(now.overdue.shape, np.int32)
        late[row[~can], who[~can]] = now.overdue[row[~can], who[~can]] + 1
        now.overdue = late
        waits = ~can & (late[row, who] <= setup.deadline[who])
        busy |= np.bincount(row[waits], minlength=size) > 0
        leave = can | waits
    equity = cash + at.total(worth)
    if setup.backstop > 0:  # the vault takes over accounts with little equity
        thin = ~leave & (equity < setup.backstop * (equity - health)) & (a.kind[who] != LOAN)
        hole, venue = (
            np.where(thin, np.maximum(-equity, 0.0), 0.0),
            row * setup.venues + a.venue[who],
        )
        thin &= (gathered(venue, hole, setup.venues) <= now.room).take(venue)
        now.room -= gathered(venue, np.where(thin, hole, 0.0), setup.venues)
        now.vault[row[thin], who[thin]] = True
        now.alive[row[thin], who[thin]] = False
        now.taken[row[thin], who[thin]] = equity[thin]
        leave = leave | thin
    if leave.any():
        row, who, health, equity, cash = (x[~leave] for x in (row, who, health, equity, cash))
        stays = ~leave[at.owner]
        place, kept, worth = place[stays], kept[stays], worth[stays]
        at = Pairs.of(row, who, setup.first, setup.count)
    part = closing.parts(a, at, worth, health, cash, setup.partial)
    if setup.margin is not None and setup.partial:
        part = setup.margin.part(at, kept, told, health, equity, part)
    if np.isfinite(setup.minimum_profit) and a.loan.any():
        gains = closing.pays(a, at, worth, kept * marked.take(place))
        part = np.where(gains >= setup.minimum_profit, part, 0.0)
    wish = closing.moved(a, at, kept, worth, cash, part, setup.rank)
    for k, breaker in enumerate(setup.breakers):
        assert seen is not None
        seen.wanted, seen.gross = (
            gathered(place, wish, assets),
            gathered(place, np.abs(wish), assets),
        )
        allowed, now.breakers[k] = breaker.allow(seen, now.breakers[k])
        part = part * at.least(np.broadcast_to(allowed, after.shape).take(place))
        wish = closing.moved(a, at, kept, worth, cash, part, setup.rank)
    act = part > 0
    busy |= np.bincount(row[act], minlength=size) > 0
    if act.any():
        _trade(setup, now, at, place, kept, wish, part, base, factor, depth)
    now.volume = np.where(live[:, None], impact.recovered(now.volume), now.volume)
    if setup.withdrawal is not None:
        now.gone = np.where(live[:, None], setup.withdrawal.returned(now.gone), now.gone)
    quiet = ~busy & same & ~_waiting(setup.breakers, now.breakers, size)
    quiet &= at_rest(now.oracle, heard, size, setup.tolerance)
    now.oracle = heard
    now.rounds += live
    return np.asarray(quiet)


def _trade(
    setup: Setup,
    now: MarketState,
    at: Pairs,
    place: np.ndarray,
    kept: np.ndarray,
    wish: np.ndarray,
    part: np.ndarray,
    base: np.ndarray,
    factor: np.ndarray,
    depth: np.ndarray,
) -> None:
    """Execute the sales at the average price of the round, and close finished accounts."""
    a, impact, after, told = setup.accounts, setup.impact, now.fundamental, now.told
    size, assets = after.shape
    row, who = at.scenario, at.account
    spot = row * now.cash.shape[1] + who

    def by_asset(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.bincount(place, values, after.size).reshape(size, assets))

    def by_venue(values: np.ndarray) -> np.ndarray:
        sums = np.bincount(row * setup.venues + a.venue[who], values, size * setup.venues)
        return np.asarray(sums.reshape(size, setup.venues))

    net, gross = by_asset(wish), by_asset(np.abs(wish))
    weighs = (net if setup.mix is None else net @ setup.mix) / depth
    before, now.volume = now.volume, np.where(setup.money, 0.0, now.volume + weighs)
    traded = now.volume - before
    moves = traded != 0
    average = (impact.integral(now.volume) - impact.integral(before)) / np.where(moves, traded, 1.0)
    # the average lies between the prices before and after: limits rounding errors of small trades
    ends = np.sort([factor, impact.factor(now.volume)], axis=0)
    paid = base * np.where(moves, np.clip(average, *ends), factor)
    now.market += ((after - paid) * net).sum(axis=-1)
    now.sold += gross
    now.gone += np.divide(gross, setup.interest, out=np.zeros_like(gross),
                          where=setup.interest > 0)  # fmt: skip
    proceeds = wish * paid.take(place)
    loan = a.loan[who]
    gain = at.total(proceeds)
    now.liquidators += np.bincount(row, np.where(loan, gain, 0.0), size)
    own = np.where(loan[at.owner], np.maximum(proceeds, 0.0), np.abs(proceeds))
    now.liquidated += np.bincount(at.row, own, size)
    rest = kept - wish
    money = now.cash.take(spot) + np.where(loan, 0.0, gain)
    charge = at.total(np.abs(proceeds) * a.fee[at.leg])
    if charge.any():
        left = money + at.total(rest * told.take(place))
        charge = np.minimum(charge, np.maximum(left, 0.0))
        money = money - charge
        now.fees[row, who] += charge
    rest = np.where(np.abs(rest) <= DUST * np.abs(a.units[at.leg]), 0.0, rest)
    done = closing.finished(a, at, rest, rest * told.take(place)) & (part > 0)
    # the remaining debt of a loan is written off at its value
    value = rest * after.take(place)
    short = np.where(done, np.maximum(-(money + at.total(value)), 0.0), 0.0)
    if now.reserve.shape[1]:
        owed = np.where(a.reserve[at.leg] >= 0, np.maximum(-value, 0.0), 0.0)
        whole = at.total(owed)
        lost = owed * np.divide(short, whole, out=np.zeros_like(short), where=whole > 0)[at.owner]
        to = at.row * now.reserve.shape[1] + np.maximum(a.reserve[at.leg], 0)
        now.reserve += np.bincount(to, lost, now.reserve.size).reshape(now.reserve.shape)
    if short.any():
        now.deficit[row, who] += short
    now.cash.put(spot, np.where(short > 0, 0.0, money))
    rest = np.where((short > 0)[at.owner], 0.0, rest)
    now.units.put(at.row * now.units.shape[1] + at.leg, rest)
    now.alive.put(spot, at.total(np.abs(rest)) > 0)
    now.open -= by_asset(np.abs(kept) - np.abs(rest))
    _cover(now, by_venue(charge), by_venue(short))


def weak(
    setup: Setup, now: MarketState, live: np.ndarray, extra: np.ndarray | None = None
) -> np.ndarray:
    """(B, N) bool, accounts of live scenarios whose health is below 0."""
    a = setup.accounts
    cash = now.cash if extra is None else now.cash - extra
    least, legs = -DUST * setup.scale, (setup.first, a.asset, a.weight, now.units)
    return np.asarray(_below(cash, least, now.told, *legs, now.alive & live[:, None]))


@compiled
def _below(
    cash: np.ndarray,
    least: np.ndarray,
    told: np.ndarray,
    first: np.ndarray,
    asset: np.ndarray,
    weight: np.ndarray,
    units: np.ndarray,
    asked: np.ndarray,
) -> np.ndarray:
    """(B, N) bool, for the given accounts: cash + Σ weight × units × reported price < least."""
    size, many = cash.shape
    out = np.zeros((size, many), np.bool_)
    for row in range(size):
        for who in range(many):
            value = 0.0
            last = first[who + 1] if who + 1 < many else len(asset)
            for leg in range(first[who], last):
                value += told[row, asset[leg]] * weight[leg] * units[row, leg]
            out[row, who] = (value + cash[row, who] < least[who]) & asked[row, who]
    return out


def base_prices(setup: Setup, now: MarketState, factor: np.ndarray) -> np.ndarray:
    """(B, A) prices before the impact in the own market; options use the price after impact."""
    assert setup.fair is not None
    moved = now.fundamental * factor
    fair = setup.fair(moved, now.elapsed)
    return np.where(fair != moved, fair, now.fundamental)


def expire(setup: Setup, now: MarketState, prices: np.ndarray) -> None:
    """Settle expired legs in cash, at fundamental prices (B, A)."""
    a, days = setup.accounts, setup.days
    assert days is not None
    over = days <= now.elapsed[:, None] + 1e-9
    legs = over[:, a.asset] & (now.units != 0)
    if not legs.any():
        return
    _mark(setup, now, prices)
    paid = np.where(legs, now.units * prices[:, a.asset], 0.0)
    now.cash += np.add.reduceat(paid, setup.first, axis=-1)
    now.units = np.where(legs, 0.0, now.units)
    now.open = np.where(over, 0.0, now.open)
    touched = np.add.reduceat(legs, setup.first, axis=-1)
    now.alive &= np.add.reduceat(np.abs(now.units), setup.first, axis=-1) > 0
    short = np.where(touched & ~now.alive & ~now.vault, np.maximum(-now.cash, 0.0), 0.0)
    now.deficit += short
    now.cash += short
    row, who = np.nonzero(short)
    asked = np.zeros_like(now.fund)
    np.add.at(asked, (row, a.venue[who]), short[row, who])
    _cover(now, np.zeros_like(asked), asked)


def _mark(setup: Setup, now: MarketState, prices: np.ndarray) -> None:
    """Move the fundamental prices to (B, A), and add the gains of each account to `marked`."""
    change = prices - now.fundamental
    if change.any():
        given = change.take(setup.accounts.asset, axis=1)
        given *= now.units
        now.marked += np.add.reduceat(given, setup.first, axis=-1)
    now.fundamental = prices.copy()


def _cover(now: MarketState, fees: np.ndarray, deficits: np.ndarray) -> None:
    """Add fees (B, V) to the funds and pay deficits from them until they are exhausted."""
    holds = now.fund + fees
    now.fund = np.maximum(holds - deficits, 0.0)
    now.uncovered += np.maximum(deficits - holds, 0.0)


def _waiting(breakers: Sequence[Breaker], memory: Sequence[Any], size: int) -> np.ndarray:
    """(B,) scenarios in which a breaker still delays liquidations."""
    out = np.zeros(size, bool)
    for breaker, kept in zip(breakers, memory, strict=True):
        waits = getattr(breaker, "waiting", None)
        if waits is not None:
            out |= waits(kept)
    return out
