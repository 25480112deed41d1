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
from .closing import DUST


class Market(Protocol):
    """Price impact of cumulative sales; see `contagion.margin.Impact`."""

    def factor(self, volume: np.ndarray) -> np.ndarray: ...
    def integral(self, volume: np.ndarray) -> np.ndarray: ...
    def recovered(self, volume: np.ndarray) -> np.ndarray: ...


class Oracle(Protocol):
    """What venues take for the price; see `contagion.margin.Oracle`."""

    def start(self, price: np.ndarray) -> Any: ...
    def report(self, market: np.ndarray, memory: Any) -> tuple[np.ndarray, Any]: ...


class Breaker(Protocol):
    """A volatility control: part (B, N) of the wanted liquidations that may happen now, and part
    (B, K) of the money of holders that reaches a margin call."""

    def start(self, price: np.ndarray) -> Any: ...
    def reach(self, now: Round, memory: Any) -> tuple[np.ndarray, Any]: ...
    def allow(self, now: Round, memory: Any) -> tuple[np.ndarray, Any]: ...


@dataclass(frozen=True)
class Accounts:
    """N accounts with L legs in A assets.

    Attributes
    ----------
    account, asset : (L,) of each leg; legs are sorted by account, and every account has one.
    units, weight : (L,) signed units, and their weight in the health of the account.
    fee : (L,) liquidation fee on the notional of a position, which goes to the venue.
    cash : (N,) money.
    venue, holder : (N,) numbers of the venue and of the holder.
    loan : (N,) bool, a loan: a liquidator repays debt and takes collateral with a bonus.
    close_factor, bonus : (N,) part of the position or debt that one liquidation closes at most,
        discount of the liquidator.
    full_below : (N,) a loan whose health factor is at most this may be closed at once.
    """

    account: np.ndarray
    asset: np.ndarray
    units: np.ndarray
    weight: np.ndarray
    fee: np.ndarray
    cash: np.ndarray
    venue: np.ndarray
    holder: np.ndarray
    loan: np.ndarray
    close_factor: np.ndarray
    bonus: np.ndarray
    full_below: np.ndarray


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
    path: per round (market, reported, notional liquidated, open units).
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
    size = len(after)
    n, a = len(accounts.cash), after.shape[1]
    first = np.searchsorted(accounts.account, np.arange(n))
    to_asset = csr_array(
        (np.ones(len(accounts.asset)), (np.arange(len(accounts.asset)), accounts.asset)),
        shape=(len(accounts.asset), a),
    )
    exposure = csr_array(
        (np.ones(len(accounts.asset)), (accounts.account, accounts.asset)), shape=(n, a)
    )
    holders = int(accounts.holder.max(initial=-1)) + 1
    to_holder = csr_array((np.ones(n), (np.arange(n), accounts.holder)), shape=(n, holders))
    venues = int(accounts.venue.max(initial=-1)) + 1
    to_venue = csr_array((np.ones(n), (np.arange(n), accounts.venue)), shape=(n, venues))

    def total(legs: np.ndarray) -> np.ndarray:
        return np.asarray(np.add.reduceat(legs, first, axis=-1)) if n else np.zeros((size, 0))

    fixed = np.zeros(a, bool) if money is None else money
    units = np.broadcast_to(accounts.units, (size, len(accounts.units))).copy()
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
    gross, charged = np.abs(accounts.units), bool(accounts.fee.any())
    for number in range(1, max_rounds + 1):
        factor = impact.factor(volume)
        marked = after * factor
        told, heard = oracle.report(marked, seen)
        told = np.where(fixed, after, told)
        value = units * told[:, accounts.asset]
        weighted = value * accounts.weight
        health = cash + total(weighted)
        equity = cash + total(value)
        open_ = (total((units != 0.0).astype(float)) > 0) & ~vault
        weak = (health < -DUST * scale) & open_ & ~settled[:, None]
        at_hand = free
        if breakers:
            none = np.zeros_like(volume)
            now = Round(
                number, marked, told, volume, none, none, equity, open_, impact, after, accounts,
                fixed, exposure,
            )  # fmt: skip
            for k, breaker in enumerate(breakers):
                reaches, memory[k] = breaker.reach(now, memory[k])
                at_hand = np.where(reaches > 0, at_hand * np.maximum(reaches, 1e-300), 0.0)
        # margin calls, met from what the holder has elsewhere: all calls of a round or none
        need = np.where(weak, -health, 0.0)
        asked = need @ to_holder
        can = at_hand >= asked * (1 - 1e-12)
        met = np.where(can[:, accounts.holder], need, 0.0)
        if met.any():
            free = np.maximum(free - met @ to_holder, 0.0)
            cash, topped, health, equity = cash + met, topped + met, health + met, equity + met
            weak &= met <= 0
        # a vault takes over what is thin
        if backstop > 0:
            thin = weak & (equity < backstop * (equity - health)) & ~accounts.loan
            hole = np.where(thin, np.maximum(-equity, 0.0), 0.0)
            fits = (hole @ to_venue) <= room
            thin &= fits[:, accounts.venue]
            room -= np.where(thin, hole, 0.0) @ to_venue
            vault |= thin
            taken = np.where(thin, equity, taken)
            weak &= ~thin
        part = closing.parts(accounts, weak, value, health, equity, total, partial)
        if np.isfinite(minimum_profit):
            part = np.where(
                closing.pays(accounts, units, told, marked, total) >= minimum_profit, part, 0.0
            )
        wish = closing.moved(accounts, units, told, part, total)
        if breakers:
            for k, breaker in enumerate(breakers):
                now.wanted = np.asarray(wish @ to_asset)
                now.gross = np.asarray(np.abs(wish) @ to_asset)
                allowed, memory[k] = breaker.allow(now, memory[k])
                part = part * allowed
                wish = closing.moved(accounts, units, told, part, total)
        net = np.asarray(wish @ to_asset)
        before, volume = volume, np.where(fixed, 0.0, volume + net)
        traded = volume - before
        moved = traded != 0
        average = (impact.integral(volume) - impact.integral(before)) / np.where(moved, traded, 1.0)
        # no average lies outside the prices at both ends: bounds the rounding of small trades
        ends = np.sort([factor, impact.factor(volume)], axis=0)
        paid = np.where(moved, after * np.clip(average, *ends), marked)
        proceeds = wish * paid[:, accounts.asset]
        sold += np.abs(wish) @ to_asset
        market_gain += ((after - paid) * net).sum(axis=-1)
        gain = total(proceeds)
        cash = np.where(accounts.loan, cash, cash + gain)
        keepers += np.where(accounts.loan, gain, 0.0).sum(axis=-1)
        units -= wish
        charge = total(np.abs(proceeds) * accounts.fee) if charged else np.zeros_like(cash)
        charge = np.minimum(charge, np.maximum(cash + total(units * told[:, accounts.asset]), 0.0))
        cash, fees = cash - charge, fees + charge
        left = total(np.abs(units) * (gross > 0))
        units[np.abs(units) <= DUST * gross] = 0.0
        value = units * told[:, accounts.asset]
        closed = ~vault & (part > 0) & closing.finished(accounts, units, value, total)
        if closed.any():  # debt that is left of a loan is written off at what it is worth
            worth = cash + total(units * after[:, accounts.asset])
            short = np.where(closed, np.maximum(-worth, 0.0), 0.0)
            deficit += short
            cash = np.where(short > 0, 0.0, cash)
            units[(short > 0)[:, accounts.account]] = 0.0
        path.append((marked, told, (np.abs(wish) * paid[:, accounts.asset]).sum(-1), left.sum(-1)))
        volume = np.where(settled[:, None], volume, impact.recovered(volume))
        each(number)
        quiet = ~(part > 0).any(axis=-1) & ~(met > 0).any(axis=-1)
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
