"""Rounds of a liquidation cascade: mark, call, liquidate, move the price, mark again.

Positions and loans have one form. Account a holds cash and legs of units q in assets with prices
p; a debt is a leg with q < 0. Equity and health are

    equity_a = cash_a + Σ q p        health_a = cash_a + Σ w q p

with `w = 1 − m sign(q)` for a position with maintenance rate m, `w` = liquidation threshold for
collateral and 1 for a debt. An account is liquidated when its health is below 0. Arrays have
scenarios first: (B, L) legs, (B, N) accounts, (B, A) assets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from scipy.sparse import csr_array

from . import closing
from .accounts import Accounts, Pairs
from .closing import DUST


class Market(Protocol):
    """Price impact of cumulative sales; see `contagion.liquidation.PriceImpact`."""

    def factor(self, volume: np.ndarray) -> np.ndarray: ...
    def integral(self, volume: np.ndarray) -> np.ndarray: ...
    def recovered(self, volume: np.ndarray) -> np.ndarray: ...


class Oracle(Protocol):
    """What venues take for the price; see `contagion.liquidation.Oracle`."""

    def start(self, price: np.ndarray) -> Any: ...
    def report(self, market: np.ndarray, memory: Any) -> tuple[np.ndarray, Any]: ...


class Breaker(Protocol):
    """A volatility control: part (B, N) of the wanted liquidations that may happen now, and part
    (B, K) of the money of holders that reaches a margin call."""

    def start(self, price: np.ndarray) -> Any: ...
    def reach(self, now: Round, memory: Any) -> tuple[np.ndarray, Any]: ...
    def allow(self, now: Round, memory: Any) -> tuple[np.ndarray, Any]: ...


@dataclass
class Round:
    """What a breaker sees: prices (B, A), wanted sales (B, A) in units, and whose they are.

    `wanted` is net, `gross` what is sold and bought together; both are 0 before the calls.
    `equity` (B, N) is at reported prices, `open` (B, N) says who has legs left at a venue.
    """

    number: int
    market: np.ndarray
    reported: np.ndarray
    volume: np.ndarray
    wanted: np.ndarray
    gross: np.ndarray
    equity: np.ndarray
    open: np.ndarray
    impact: Market
    fundamental: np.ndarray
    accounts: Accounts = field(repr=False)
    money: np.ndarray = field(repr=False)  # (A,): assets that are money itself
    exposure: csr_array = field(repr=False)  # (N, A): which assets an account has legs in


@dataclass(frozen=True)
class Liquidated:
    """What the rounds end with; B scenarios.

    units (B, L), cash (B, N): what is left. free (B, K): cash of holders outside the venues.
    price, volume (B, A): last market price and net sold units. deficit (B, N): negative equity of
    closed accounts, of a loan its debt that is left, at fundamental prices. topped (B, N): calls
    met. fees (B, N). market, liquidators (B,): what buyers gained at the fundamental price and
    what liquidators gained at the price they sold for. vault (B, N) bool: taken over by a backstop,
    at equity `taken` (B, N). sold (B, A): gross liquidated units. rounds (B,), settled (B,) bool.
    path: per round market and reported prices (B, A), money liquidated (B,; of loans the
    collateral), open units (B, A).
    """

    units: np.ndarray
    cash: np.ndarray
    free: np.ndarray
    price: np.ndarray
    volume: np.ndarray
    deficit: np.ndarray
    topped: np.ndarray
    fees: np.ndarray
    market: np.ndarray
    liquidators: np.ndarray
    vault: np.ndarray
    taken: np.ndarray
    sold: np.ndarray
    rounds: np.ndarray
    settled: np.ndarray
    path: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]


def liquidate(
    accounts: Accounts,
    price: np.ndarray,
    after: np.ndarray,
    free: np.ndarray,
    impact: Market,
    oracle: Oracle,
    *,
    breakers: Sequence[Breaker] = (),
    partial: bool = True,
    backstop: float = 0.0,
    vault_capacity: np.ndarray | None = None,
    minimum_profit: float = -np.inf,
    money: np.ndarray | None = None,
    tolerance: float = 1e-9,
    max_rounds: int = 1_000,
    each: Callable[[int], None] = lambda _: None,
) -> Liquidated:
    """Run the rounds of a batch of scenarios.

    Parameters
    ----------
    price : (A,) prices before. after : (B, A) fundamental prices after the shock.
    free : (B, K) money with which holders meet margin calls.
    partial : positions are closed only as far as brings them back to health (their close factor
        at most); otherwise the close factor at once.
    backstop : accounts whose equity is below this part of their maintenance go to the vault of
        their venue instead of the market, as long as `vault_capacity` (V,) money of negative or
        thin equity lasts. 0: no vault.
    minimum_profit : liquidators of loans act only where the bonus, at the market price, leaves
        this part of what they repay.
    money : (A,) bool, assets that are money itself: no sale moves them, every oracle knows them.
    tolerance : relative change of prices below which nothing moves any more.
    """
    size, legs = len(after), len(accounts.asset)
    n, a = len(accounts.cash), after.shape[1]
    count = np.bincount(accounts.account, minlength=n)
    first = np.cumsum(count) - count
    exposure = csr_array((np.ones(legs), (accounts.account, accounts.asset)), shape=(n, a))
    holders = int(accounts.holder.max(initial=-1)) + 1
    venues = int(accounts.venue.max(initial=-1)) + 1

    def total(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.add.reduceat(values, first, axis=-1)) if n else np.zeros((size, 0))

    def gathered(row: np.ndarray, at: np.ndarray, values: np.ndarray, width: int) -> np.ndarray:
        sums = np.bincount(row * width + at, values, size * width)
        return np.asarray(sums.reshape(size, width))

    fixed = np.zeros(a, bool) if money is None else money
    units = np.broadcast_to(accounts.units, (size, legs)).copy()
    cash = np.broadcast_to(accounts.cash, (size, n)).copy()
    free = np.array(np.broadcast_to(free, (size, holders)), float)
    volume, sold = np.zeros((size, a)), np.zeros((size, a))
    deficit, topped, fees = (np.zeros((size, n)) for _ in range(3))
    vault, taken = np.zeros((size, n), bool), np.zeros((size, n))
    given = np.zeros(venues) if vault_capacity is None else vault_capacity
    room = np.tile(given, (size, 1))
    market_gain, keepers = np.zeros(size), np.zeros(size)
    rounds, settled = np.zeros(size, np.int64), np.zeros(size, bool)
    seen = oracle.start(np.broadcast_to(price, after.shape))
    memory = [breaker.start(np.broadcast_to(price, after.shape)) for breaker in breakers]
    scale = np.abs(accounts.cash) + total(np.abs(accounts.units) * price[accounts.asset])
    scale = np.where(scale > 0, scale, 1.0)
    path: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    last = (np.broadcast_to(price, after.shape), np.broadcast_to(price, after.shape))
    gross = np.abs(accounts.units)
    standing = np.tile(np.bincount(accounts.asset, gross, a), (size, 1))
    alive = np.tile(np.bincount(accounts.account, gross, n) > 0, (size, 1))
    for number in range(1, max_rounds + 1):
        factor = impact.factor(volume)
        marked = after * factor
        told, heard = oracle.report(marked, seen)
        told = np.where(fixed, after, told)
        value = units * told[:, accounts.asset]
        health = cash + total(value * accounts.weight)
        weak = (health < -DUST * scale) & alive & ~vault & ~settled[:, None]
        at_hand = free
        if breakers:
            none = np.zeros_like(volume)
            now = Round(
                number, marked, told, volume, none, none, cash + total(value), alive & ~vault,
                impact, after, accounts, fixed, exposure,
            )  # fmt: skip
            for k, breaker in enumerate(breakers):
                reaches, memory[k] = breaker.reach(now, memory[k])
                at_hand = np.where(reaches > 0, at_hand * np.maximum(reaches, 1e-300), 0.0)
        # margin calls, met from what the holder has elsewhere: all calls of a round or none
        row, who = np.nonzero(weak)
        called = np.zeros(size, bool)
        if len(row):
            need, holder = -health[row, who], accounts.holder[who]
            asked = gathered(row, holder, need, holders)
            can = (at_hand >= asked * (1 - 1e-12))[row, holder]
            met = np.where(can, need, 0.0)
            called = np.bincount(row, met > 0, size) > 0
            if called.any():
                free = np.maximum(free - gathered(row, holder, met, holders), 0.0)
                cash[row, who] += met
                topped[row, who] += met
                row, who = row[met <= 0], who[met <= 0]
        at = Pairs.of(row, who, first, count)
        worth, kept = value[at.row, at.leg], units[at.row, at.leg]
        equity = cash[row, who] + at.total(worth)
        if backstop > 0 and len(at):  # a vault takes over what is thin
            thin = equity < backstop * (equity - health[row, who])
            thin &= ~accounts.loan[who]
            hole, venue = np.where(thin, np.maximum(-equity, 0.0), 0.0), accounts.venue[who]
            thin &= (gathered(row, venue, hole, venues) <= room)[row, venue]
            room -= gathered(row, venue, np.where(thin, hole, 0.0), venues)
            vault[row[thin], who[thin]] = True
            taken[row[thin], who[thin]] = equity[thin]
            row, who, equity = row[~thin], who[~thin], equity[~thin]
            at = Pairs.of(row, who, first, count)
            worth, kept = value[at.row, at.leg], units[at.row, at.leg]
        asset = accounts.asset[at.leg]
        part = closing.parts(accounts, at, worth, health[row, who], equity, partial)
        if np.isfinite(minimum_profit):
            gains = closing.pays(accounts, at, worth, kept * marked[at.row, asset])
            part = np.where(gains >= minimum_profit, part, 0.0)
        wish = closing.moved(accounts, at, kept, worth, part)
        if breakers:
            for k, breaker in enumerate(breakers):
                now.wanted = gathered(at.row, asset, wish, a)
                now.gross = gathered(at.row, asset, np.abs(wish), a)
                allowed, memory[k] = breaker.allow(now, memory[k])
                part = part * np.broadcast_to(allowed, (size, n))[row, who]
                wish = closing.moved(accounts, at, kept, worth, part)
        net = gathered(at.row, asset, wish, a)
        before, volume = volume, np.where(fixed, 0.0, volume + net)
        traded = volume - before
        moved = traded != 0
        average = (impact.integral(volume) - impact.integral(before)) / np.where(moved, traded, 1.0)
        # no average lies outside the prices at both ends: bounds the rounding of small trades
        ends = np.sort([factor, impact.factor(volume)], axis=0)
        paid = np.where(moved, after * np.clip(average, *ends), marked)
        market_gain += ((after - paid) * net).sum(axis=-1)
        proceeds = wish * paid[at.row, asset]
        loan = accounts.loan[who]
        gain = at.total(proceeds)
        cash[row, who] += np.where(loan, 0.0, gain)
        keepers += np.bincount(row, np.where(loan, gain, 0.0), size)
        sold += gathered(at.row, asset, np.abs(wish), a)
        rest = kept - wish
        charge = at.total(np.abs(proceeds) * accounts.fee[at.leg])
        left = cash[row, who] + at.total(rest * told[at.row, asset])
        charge = np.minimum(charge, np.maximum(left, 0.0))
        cash[row, who] -= charge
        fees[row, who] += charge
        rest = np.where(np.abs(rest) <= DUST * gross[at.leg], 0.0, rest)
        done = closing.finished(accounts, at, rest, rest * told[at.row, asset]) & (part > 0)
        # debt that is left of a loan is written off at what it is worth
        short = np.maximum(-(cash[row, who] + at.total(rest * after[at.row, asset])), 0.0)
        short = np.where(done, short, 0.0)
        deficit[row, who] += short
        cash[row, who] = np.where(short > 0, 0.0, cash[row, who])
        rest = np.where((short > 0)[at.owner], 0.0, rest)
        units[at.row, at.leg] = rest
        alive[row, who] = at.total(np.abs(rest)) > 0
        standing = standing - gathered(at.row, asset, np.abs(kept) - np.abs(rest), a)
        own = np.where(loan[at.owner], np.maximum(proceeds, 0.0), np.abs(proceeds))
        path.append((marked, told, np.bincount(at.row, own, size), standing))
        volume = np.where(settled[:, None], volume, impact.recovered(volume))
        each(number)
        quiet = ~called & ~(np.bincount(row, part > 0, size) > 0)
        for old, new in zip(last, (marked, told), strict=True):
            quiet &= (np.abs(new - old) <= tolerance * np.abs(new)).all(axis=-1)
        quiet &= ~_waiting(breakers, memory, size) & _at_rest(seen, heard, size, tolerance)
        last, seen = (marked, told), heard
        rounds = np.where(settled, rounds, number)
        settled |= quiet
        if settled.all():
            break
    return Liquidated(
        units, cash, free, after * impact.factor(volume), volume, deficit, topped, fees,
        market_gain, keepers, vault, taken, sold, rounds, settled, path,
    )  # fmt: skip


def _waiting(breakers: Sequence[Breaker], memory: Sequence[Any], size: int) -> np.ndarray:
    """(B,) scenarios in which a breaker still holds something back."""
    out = np.zeros(size, bool)
    for breaker, kept in zip(breakers, memory, strict=True):
        waits = getattr(breaker, "waiting", None)
        if waits is not None:
            out |= waits(kept)
    return out


def _at_rest(old: Any, new: Any, size: int, tolerance: float) -> np.ndarray:
    """(B,) scenarios in which what an oracle remembers does not change any more.

    Arrays are compared, scenarios on their last axis but one; counters and settings are not. A
    feed that is late has rounds in store in which nothing moves yet.
    """
    out = np.ones(size, bool)
    if isinstance(new, tuple):
        for one, other in zip(old, new, strict=True):
            out &= _at_rest(one, other, size, tolerance)
    elif isinstance(new, np.ndarray) and new.dtype.kind == "f":
        same = np.abs(new - old) <= tolerance * np.abs(new)
        if same.ndim < 2 or same.shape[-2] != size:
            out &= bool(same.all())
        else:
            out &= np.moveaxis(same, -2, 0).reshape(size, -1).all(axis=-1)
    return out
