"""One round of a market: mark, call, liquidate, move the price.

Positions and loans have one form. Account a holds cash and legs of units q in assets with prices
p; a debt is a leg with q < 0. Equity and health are

    equity_a = cash_a + Σ q p        health_a = cash_a + Σ w q p − extra_a

with `w = 1 − m sign(q)` for a position with maintenance rate m, `w` = liquidation threshold for
collateral (1 − haircut in a margin account) and 1 for a debt; `extra` is the margin of schedules
and grids. An account is liquidated when its health is below 0. Arrays have scenarios first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from . import closing
from .accounts import LOAN, Accounts, Pairs
from .closing import DUST
from .market_state import MarketState, at_rest


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
    """A volatility control: part (B, A) of the liquidations in each asset that may happen now, and
    part (B, K) of the money of holders that reaches a margin call."""

    def start(self, price: np.ndarray) -> Any: ...
    def reach(self, now: Round, memory: Any) -> tuple[np.ndarray, Any]: ...
    def allow(self, now: Round, memory: Any) -> tuple[np.ndarray, Any]: ...


class Depth(Protocol):
    """Depth that withdraws; see `contagion.liquidation.Withdrawal`."""

    def depth(self, gone: np.ndarray, volatility: np.ndarray) -> np.ndarray: ...
    def returned(self, gone: np.ndarray) -> np.ndarray: ...
    def variance(self, variance: np.ndarray, change: np.ndarray) -> np.ndarray: ...


class Margin(Protocol):
    """Margin beyond the weights of legs: (B, N) money at prices told."""

    def required(self, units: np.ndarray, told: np.ndarray, elapsed: np.ndarray) -> np.ndarray: ...
    def part(
        self, at: Pairs, units: np.ndarray, told: np.ndarray, health: np.ndarray,
        equity: np.ndarray, part: np.ndarray,
    ) -> np.ndarray: ...  # fmt: skip


@dataclass
class Round:
    """What a breaker sees: prices (B, A), wanted sales (B, A) in units, and whose they are.

    `wanted` is net, `gross` what is sold and bought together; both are 0 before the calls.
    """

    number: int
    market: np.ndarray
    reported: np.ndarray
    wanted: np.ndarray
    gross: np.ndarray
    fundamental: np.ndarray
    state: MarketState = field(repr=False)
    accounts: Accounts = field(repr=False)
    money: np.ndarray = field(repr=False)  # (A,): assets that are money itself

    @property
    def open(self) -> np.ndarray:
        """(B, N) bool, who has legs left at a venue."""
        return np.asarray(self.state.alive & ~self.state.vault)

    @property
    def equity(self) -> np.ndarray:
        """(B, N) equity at reported prices."""
        first = np.searchsorted(self.accounts.account, np.arange(self.state.cash.shape[1]))
        value = self.state.units * self.reported[:, self.accounts.asset]
        return np.asarray(self.state.cash + np.add.reduceat(value, first, axis=-1))


@dataclass(frozen=True)
class Setup:
    """What does not change from round to round.

    Attributes
    ----------
    start : (A,) prices before. money : (A,) bool, assets that are money itself: no sale moves
        them, every oracle knows them.
    partial : positions are closed only as far as brings them back to health (their close factor
        at most); otherwise the close factor at once.
    backstop : accounts whose equity is below this part of their maintenance go to the vault of
        their venue instead of the market, as long as it has room for negative equity. 0: no vault.
    minimum_profit : liquidators of loans act only where the bonus, at the market price, leaves
        this part of what they repay.
    deadline : (N,) rounds that an account below maintenance has before it is liquidated.
    tolerance : relative change of prices below which nothing moves any more.
    rank : (L,) order in which debts are repaid; None: pro rata.
    mix : (A, A) what sales in one market weigh on another; None: on their own only.
    margin : margin beyond the weights of legs. fair : prices (B, A) with those of options as they
        follow from the others, days (B,) after the start; None: there are none.
    days : (A,) days to expiry, infinite for what has none; None: nothing has one.
    """

    accounts: Accounts
    start: np.ndarray
    money: np.ndarray
    impact: Market
    oracle: Oracle
    breakers: Sequence[Breaker] = ()
    partial: bool = True
    backstop: float = 0.0
    minimum_profit: float = 0.0
    deadline: np.ndarray | None = None
    tolerance: float = 1e-9
    rank: np.ndarray | None = None
    withdrawal: Depth | None = None
    mix: np.ndarray | None = None
    margin: Margin | None = None
    fair: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    days: np.ndarray | None = None
    first: np.ndarray = field(init=False, repr=False)
    count: np.ndarray = field(init=False, repr=False)
    scale: np.ndarray = field(init=False, repr=False)
    interest: np.ndarray = field(init=False, repr=False)
    holders: int = field(init=False)
    venues: int = field(init=False)

    def __post_init__(self) -> None:
        a, put = self.accounts, self.__dict__
        put["count"] = a.count
        put["first"] = np.cumsum(a.count) - a.count
        gross = np.abs(a.units) * self.start[a.asset]
        scale = np.abs(a.cash) + np.bincount(a.account, gross, len(a.cash))
        put["scale"] = np.where(scale > 0, scale, 1.0)
        put["interest"] = np.bincount(a.asset, np.abs(a.units), len(self.start))
        put["holders"] = int(a.holder.max(initial=-1)) + 1
        put["venues"] = int(a.venue.max(initial=-1)) + 1

    def begin(self, free: np.ndarray, fund: np.ndarray, room: np.ndarray) -> MarketState:
        """The state before the first round: free (B, K), fund and room (V,)."""
        a, size = self.accounts, len(free)
        n, assets = len(a.cash), len(self.start)
        price = np.tile(self.start, (size, 1))

        def each(row: np.ndarray) -> np.ndarray:
            return np.tile(row, (size, 1))

        def none(width: int, kind: type = float) -> np.ndarray:
            return np.zeros((size, width), kind)

        live = np.bincount(a.account, np.abs(a.units), n) > 0
        return MarketState(
            units=each(a.units), cash=each(a.cash), free=np.array(free, float),
            fundamental=price, price=price.copy(), told=price.copy(), volume=none(assets),
            open=each(self.interest), net=each(np.bincount(a.asset, a.units, assets)),
            sold=none(assets), gone=none(assets), variance=none(assets), alive=each(live),
            vault=none(n, bool), taken=none(n),
            overdue=none(0 if self.deadline is None else n, np.int32),
            deficit=none(n), topped=none(n), fees=none(n),
            reserve=none(int(a.reserve.max(initial=-1)) + 1), fund=each(fund),
            uncovered=none(len(fund)), room=each(room), market=np.zeros(size),
            liquidators=np.zeros(size), revalued=np.zeros(size), liquidated=np.zeros(size),
            rounds=np.zeros(size, np.int64), settled=np.zeros(size, bool),
            elapsed=np.zeros(size),
            oracle=self.oracle.start(price), breakers=[b.start(price) for b in self.breakers],
        )  # fmt: skip


def step(setup: Setup, state: MarketState, prices: np.ndarray) -> MarketState:
    """The state one round later, at fundamental prices (B, A); the one given stays as it is."""
    after = state.take(np.arange(len(state.rounds)))
    advance(setup, after, prices, np.ones(len(prices), bool))
    return after


def advance(setup: Setup, now: MarketState, after: np.ndarray, live: np.ndarray) -> np.ndarray:
    """One round at fundamental prices `after` (B, A), written into the state.

    Accounts move only in the scenarios that are `live` (B,). Returns (B,) bool, scenarios in which
    nothing moved and nothing is about to.
    """
    a, impact, fixed = setup.accounts, setup.impact, setup.money
    size, assets = after.shape

    def gathered(row: np.ndarray, at: np.ndarray, values: np.ndarray, width: int) -> np.ndarray:
        sums = np.bincount(row * width + at, values, size * width)
        return np.asarray(sums.reshape(size, width))

    now.revalued += (now.net * (after - now.fundamental)).sum(axis=-1)
    now.fundamental = after.copy()
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
    row, who = np.nonzero(weak(setup, now, live, extra))
    at = Pairs.of(row, who, setup.first, setup.count)
    asset, kept = a.asset[at.leg], now.units[at.row, at.leg]
    worth = kept * told[at.row, asset]
    health = now.cash[row, who] + at.total(worth * a.weight[at.leg])
    if extra is not None:
        health = health - extra[row, who]
    seen = None
    at_hand = now.free
    if setup.breakers:
        none = np.zeros_like(now.volume)
        number = int(now.rounds.max(initial=0)) + 1
        seen = Round(number, marked, told, none, none, after, now, a, fixed)
        for k, breaker in enumerate(setup.breakers):
            reaches, now.breakers[k] = breaker.reach(seen, now.breakers[k])
            at_hand = np.where(reaches > 0, at_hand * np.maximum(reaches, 1e-300), 0.0)
    # margin calls, met from what the holder has elsewhere: all calls of a round or none
    need, holder = -health, a.holder[who]
    can = (at_hand >= gathered(row, holder, need, setup.holders) * (1 - 1e-12))[row, holder]
    busy = np.bincount(row[can], minlength=size) > 0
    if can.any():
        met = np.where(can, need, 0.0)
        now.free = np.maximum(now.free - gathered(row, holder, met, setup.holders), 0.0)
        now.cash[row, who] += met
        now.topped[row, who] += met
    leave = can
    if setup.deadline is not None:
        late = np.zeros(now.overdue.shape, np.int32)
        late[row[~can], who[~can]] = now.overdue[row[~can], who[~can]] + 1
        now.overdue = late
        waits = ~can & (late[row, who] <= setup.deadline[who])
        busy |= np.bincount(row[waits], minlength=size) > 0
        leave = can | waits
    equity = now.cash[row, who] + at.total(worth)
    if setup.backstop > 0:  # a vault takes over what is thin
        thin = ~leave & (equity < setup.backstop * (equity - health)) & (a.kind[who] != LOAN)
        hole, venue = np.where(thin, np.maximum(-equity, 0.0), 0.0), a.venue[who]
        thin &= (gathered(row, venue, hole, setup.venues) <= now.room)[row, venue]
        now.room -= gathered(row, venue, np.where(thin, hole, 0.0), setup.venues)
        now.vault[row[thin], who[thin]] = True
        now.taken[row[thin], who[thin]] = equity[thin]
        leave = leave | thin
    if leave.any():
        row, who, health, equity = (x[~leave] for x in (row, who, health, equity))
        at = Pairs.of(row, who, setup.first, setup.count)
        asset, kept = a.asset[at.leg], now.units[at.row, at.leg]
        worth = kept * told[at.row, asset]
    cash = now.cash[row, who]
    part = closing.parts(a, at, worth, health, cash, setup.partial)
    if setup.margin is not None and setup.partial:
        part = setup.margin.part(at, kept, told, health, equity, part)
    if np.isfinite(setup.minimum_profit) and a.loan.any():
        gains = closing.pays(a, at, worth, kept * marked[at.row, asset])
        part = np.where(gains >= setup.minimum_profit, part, 0.0)
    wish = closing.moved(a, at, kept, worth, cash, part, setup.rank)
    for k, breaker in enumerate(setup.breakers):
        assert seen is not None
        seen.wanted = gathered(at.row, asset, wish, assets)
        seen.gross = gathered(at.row, asset, np.abs(wish), assets)
        allowed, now.breakers[k] = breaker.allow(seen, now.breakers[k])
        part = part * at.least(np.broadcast_to(allowed, after.shape)[at.row, asset])
        wish = closing.moved(a, at, kept, worth, cash, part, setup.rank)
    act = part > 0
    busy |= np.bincount(row[act], minlength=size) > 0
    if act.any():
        _trade(setup, now, at, kept, wish, part, base, factor, depth)
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
    kept: np.ndarray,
    wish: np.ndarray,
    part: np.ndarray,
    base: np.ndarray,
    factor: np.ndarray,
    depth: np.ndarray,
) -> None:
    """Sell what is wished at the average price of the round, and close what is finished."""
    a, impact, after, told = setup.accounts, setup.impact, now.fundamental, now.told
    size, assets = after.shape
    row, who, asset = at.scenario, at.account, a.asset[at.leg]

    def by_asset(values: np.ndarray) -> np.ndarray:
        sums = np.bincount(at.row * assets + asset, values, size * assets)
        return np.asarray(sums.reshape(size, assets))

    def by_venue(values: np.ndarray) -> np.ndarray:
        sums = np.bincount(row * setup.venues + a.venue[who], values, size * setup.venues)
        return np.asarray(sums.reshape(size, setup.venues))

    net, gross = by_asset(wish), by_asset(np.abs(wish))
    weighs = (net if setup.mix is None else net @ setup.mix) / depth
    before, now.volume = now.volume, np.where(setup.money, 0.0, now.volume + weighs)
    traded = now.volume - before
    moves = traded != 0
    average = (impact.integral(now.volume) - impact.integral(before)) / np.where(moves, traded, 1.0)
    # no average lies outside the prices at both ends: bounds the rounding of small trades
    ends = np.sort([factor, impact.factor(now.volume)], axis=0)
    paid = base * np.where(moves, np.clip(average, *ends), factor)
    now.market += ((after - paid) * net).sum(axis=-1)
    now.sold += gross
    now.gone += np.divide(gross, setup.interest, out=np.zeros_like(gross),
                          where=setup.interest > 0)  # fmt: skip
    proceeds = wish * paid[at.row, asset]
    loan = a.loan[who]
    gain = at.total(proceeds)
    now.liquidators += np.bincount(row, np.where(loan, gain, 0.0), size)
    own = np.where(loan[at.owner], np.maximum(proceeds, 0.0), np.abs(proceeds))
    now.liquidated += np.bincount(at.row, own, size)
    rest = kept - wish
    money = now.cash[row, who] + np.where(loan, 0.0, gain)
    charge = at.total(np.abs(proceeds) * a.fee[at.leg])
    left = money + at.total(rest * told[at.row, asset])
    charge = np.minimum(charge, np.maximum(left, 0.0))
    money = money - charge
    if charge.any():
        now.fees[row, who] += charge
    rest = np.where(np.abs(rest) <= DUST * np.abs(a.units[at.leg]), 0.0, rest)
    done = closing.finished(a, at, rest, rest * told[at.row, asset]) & (part > 0)
    # debt that is left of a loan is written off at what it is worth
    value = rest * after[at.row, asset]
    short = np.where(done, np.maximum(-(money + at.total(value)), 0.0), 0.0)
    if now.reserve.shape[1]:
        owed = np.where(a.reserve[at.leg] >= 0, np.maximum(-value, 0.0), 0.0)
        whole = at.total(owed)
        lost = owed * np.divide(short, whole, out=np.zeros_like(short), where=whole > 0)[at.owner]
        place = at.row * now.reserve.shape[1] + np.maximum(a.reserve[at.leg], 0)
        now.reserve += np.bincount(place, lost, now.reserve.size).reshape(now.reserve.shape)
    if short.any():
        now.deficit[row, who] += short
    now.cash[row, who] = np.where(short > 0, 0.0, money)
    rest = np.where((short > 0)[at.owner], 0.0, rest)
    now.units[at.row, at.leg] = rest
    now.alive[row, who] = at.total(np.abs(rest)) > 0
    now.open -= by_asset(np.abs(kept) - np.abs(rest))
    now.net -= by_asset(kept - rest)
    _cover(now, by_venue(charge), by_venue(short))


def weak(
    setup: Setup, now: MarketState, live: np.ndarray, extra: np.ndarray | None = None
) -> np.ndarray:
    """(B, N) bool, accounts whose health is below 0."""
    a = setup.accounts
    value = now.told.take(a.asset, axis=1)
    value *= a.weight
    value *= now.units
    if len(a.asset) > len(a.cash):
        value = np.add.reduceat(value, setup.first, axis=-1)
    value += now.cash
    if extra is not None:
        value -= extra
    return np.asarray((value < -DUST * setup.scale) & now.alive & ~now.vault & live[:, None])


def base_prices(setup: Setup, now: MarketState, factor: np.ndarray) -> np.ndarray:
    """(B, A) prices before a market's own impact: of options at the moved underlying."""
    assert setup.fair is not None
    moved = now.fundamental * factor
    fair = setup.fair(moved, now.elapsed)
    return np.where(fair != moved, fair, now.fundamental)


def expire(setup: Setup, now: MarketState, prices: np.ndarray) -> None:
    """Settle legs whose days are over in money, at fundamental prices (B, A)."""
    a, days = setup.accounts, setup.days
    assert days is not None
    over = days <= now.elapsed[:, None] + 1e-9
    legs = over[:, a.asset] & (now.units != 0)
    if not legs.any():
        return
    now.revalued += (now.net * (prices - now.fundamental)).sum(axis=-1)
    now.fundamental = prices.copy()
    paid = np.where(legs, now.units * prices[:, a.asset], 0.0)
    now.cash += np.add.reduceat(paid, setup.first, axis=-1)
    now.units = np.where(legs, 0.0, now.units)
    now.open, now.net = np.where(over, 0.0, now.open), np.where(over, 0.0, now.net)
    touched = np.add.reduceat(legs, setup.first, axis=-1)
    now.alive &= np.add.reduceat(np.abs(now.units), setup.first, axis=-1) > 0
    short = np.where(touched & ~now.alive & ~now.vault, np.maximum(-now.cash, 0.0), 0.0)
    now.deficit += short
    now.cash += short
    row, who = np.nonzero(short)
    asked = np.zeros_like(now.fund)
    np.add.at(asked, (row, a.venue[who]), short[row, who])
    _cover(now, np.zeros_like(asked), asked)


def _cover(now: MarketState, fees: np.ndarray, deficits: np.ndarray) -> None:
    """Fees (B, V) go into the funds, deficits come out of them as far as they last."""
    holds = now.fund + fees
    now.fund = np.maximum(holds - deficits, 0.0)
    now.uncovered += np.maximum(deficits - holds, 0.0)


def _waiting(breakers: Sequence[Breaker], memory: Sequence[Any], size: int) -> np.ndarray:
    """(B,) scenarios in which a breaker still holds something back."""
    out = np.zeros(size, bool)
    for breaker, kept in zip(breakers, memory, strict=True):
        waits = getattr(breaker, "waiting", None)
        if waits is not None:
            out |= waits(kept)
    return out
