"""The parts of a market, and its state before the first round.

Positions and loans have the same form. Account a holds cash and legs of units q in assets with
prices p; a debt is a leg with q < 0. Equity and health are

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

from .accounts import Accounts, Pairs
from .market_state import MarketState


class Market(Protocol):
    """Price impact of cumulative sales; see `contagion.liquidation.PriceImpact`."""

    def factor(self, volume: np.ndarray) -> np.ndarray: ...
    def integral(self, volume: np.ndarray) -> np.ndarray: ...
    def recovered(self, volume: np.ndarray) -> np.ndarray: ...


class Oracle(Protocol):
    """The prices that venues use; see `contagion.liquidation.Oracle`."""

    def start(self, price: np.ndarray) -> Any: ...
    def report(self, market: np.ndarray, memory: Any) -> tuple[np.ndarray, Any]: ...


class Breaker(Protocol):
    """A volatility control: share (B, A) of the liquidations allowed now in each asset, and share
    (B, K) of the money of holders that is available for margin calls."""

    def start(self, price: np.ndarray) -> Any: ...
    def reach(self, now: Round, memory: Any) -> tuple[np.ndarray, Any]: ...
    def allow(self, now: Round, memory: Any) -> tuple[np.ndarray, Any]: ...


class Depth(Protocol):
    """Depth that withdraws; see `contagion.liquidation.Withdrawal`."""

    def depth(self, gone: np.ndarray, volatility: np.ndarray) -> np.ndarray: ...
    def returned(self, gone: np.ndarray) -> np.ndarray: ...
    def variance(self, variance: np.ndarray, change: np.ndarray) -> np.ndarray: ...


class Margin(Protocol):
    """Margin in addition to the weights of legs: (B, N) money at reported prices."""

    def required(self, units: np.ndarray, told: np.ndarray, elapsed: np.ndarray) -> np.ndarray: ...
    def part(
        self, at: Pairs, units: np.ndarray, told: np.ndarray, health: np.ndarray,
        equity: np.ndarray, part: np.ndarray,
    ) -> np.ndarray: ...  # fmt: skip


@dataclass
class Round:
    """Input of a breaker: prices (B, A), desired sales (B, A) in units, and their accounts.

    `wanted` is net, `gross` the sum of sales and purchases; both are 0 before the margin calls.
    """

    number: int
    market: np.ndarray
    reported: np.ndarray
    wanted: np.ndarray
    gross: np.ndarray
    fundamental: np.ndarray
    state: MarketState = field(repr=False)
    accounts: Accounts = field(repr=False)
    money: np.ndarray = field(repr=False)  # (A,): assets that are the unit of account

    @property
    def open(self) -> np.ndarray:
        """(B, N) bool, accounts with open legs at a venue."""
        return self.state.alive

    @property
    def equity(self) -> np.ndarray:
        """(B, N) equity at reported prices."""
        first = np.searchsorted(self.accounts.account, np.arange(self.state.cash.shape[1]))
        value = self.state.units * self.reported[:, self.accounts.asset]
        return np.asarray(self.state.cash + np.add.reduceat(value, first, axis=-1))


@dataclass(frozen=True)
class Setup:
    """Constant parameters of a market.

    Attributes
    ----------
    start : (A,) prices before. money : (A,) bool, assets that are the unit of account:
        sales do not move their prices, and every oracle reports them exactly.
    partial : positions are closed only until they meet the requirement again (at most the close
        factor); otherwise the close factor at once.
    backstop : accounts with equity below this share of their maintenance go to the vault of
        their venue instead of the market, as long as it has room for negative equity. 0: no vault.
    minimum_profit : liquidators of loans act only if the bonus, at the market price, leaves a
        profit of this share of the repaid debt.
    deadline : (N,) rounds before an account below maintenance is liquidated.
    tolerance : relative change of prices below which prices count as constant.
    rank : (L,) order in which debts are repaid; None: pro rata.
    mix : (A, A) impact of sales in one market on another; None: on their own only.
    margin : margin in addition to the weights of legs. fair : prices (B, A) in which option prices
        follow from the other prices, days (B,) after the start; None: no options.
    days : (A,) days to expiry, infinite without expiry; None: no asset expires.
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
            open=each(self.interest),
            sold=none(assets), gone=none(assets), variance=none(assets), alive=each(live),
            vault=none(n, bool), taken=none(n),
            overdue=none(0 if self.deadline is None else n, np.int32),
            deficit=none(n), topped=none(n), fees=none(n), shared=none(n),
            reserve=none(int(a.reserve.max(initial=-1)) + 1), fund=each(fund),
            uncovered=none(len(fund)), room=each(room), market=np.zeros(size),
            liquidators=np.zeros(size), marked=none(n), liquidated=np.zeros(size),
            rounds=np.zeros(size, np.int64), settled=np.zeros(size, bool),
            elapsed=np.zeros(size),
            oracle=self.oracle.start(price), breakers=[b.start(price) for b in self.breakers],
        )  # fmt: skip
