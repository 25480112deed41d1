"""Liquidations and clearing together: deficits spread in the network, which causes new calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ...errors import ConvergenceError, MarginError, ModelError, expect
from ...kernels.market_state import MarketState
from ...media import shown
from ...models import EisenbergNoe
from ...models.base import NO_SHOCK, Model, Trace
from ...network.exposure_network import ExposureNetwork
from ...network.hit import Hit
from ...results.outcome import Outcome
from ...results.run_arrays import Baseline
from ...rules.pro_rata import ProRata
from ...shocks import Shock
from ...text import choice, known_name, money, plural
from ..cascade import LiquidationCascade
from ..cascade_result import CascadeResult, Moment
from ..circuit_breakers import WithdrawalGate
from ..loss_bearers import MarketLosses, market_losses
from ..margin_book import MarginBook
from .coupled_result import CoupledResult
from .course import Course, steps
from .link import Link, run_from, with_parties

UNPAID = ProRata("profit", negative="zero")  # rule of a venue that cannot pay its winners


@dataclass(frozen=True, eq=False, repr=False)
class CoupledCascade(Model):
    """A liquidation cascade and clearing in the network, solved together.

    Venues, protocols and holders of the book are matched by name to the nodes of the network.
    Parties that are not nodes are added: a holder with its assets at venues and its free money, a
    venue with its fund.

    1. the cascade runs with the money of holders available for margin calls;
    2. the accounts are claims on their venue, whose assets are margins, its fund and own assets.
       The rule of the venue shares deficits beyond its fund among the accounts (`rules` of the
       cascade). A venue without a rule pays from its own equity; profits beyond that are unpaid,
       pro rata. The remainder is a loss of the external assets of the venue, which include the
       fund. Fees and accounts taken over by its vault belong to the venue;
    3. losses of a holder on its accounts reduce its external assets (which include its margin),
       payments to other holders are added to theirs;
    4. clearing determines the losses of every node on its claims. They reduce the money of holders
       for calls, to zero if they default; holders also repay funding withdrawn by lenders in
       default;
    5. repeat from 1 with less money, until nothing changes.

    The money of a holder for calls never rises: a node that defaults in one joint round lends and
    pays nothing in the next. So the rounds end. Less money does not always mean larger losses: an
    account that cannot meet a call is closed earlier, and may lose less than one closed later. The
    final state alone would then not imply that the holder lost its money for calls.

    A price shock moves holdings of the network and positions of the book alike. The initial loss is
    the loss on holdings and positions; a position with a gain is measured against its marked value.

    A run (`run_on`): creditors of a venue with a deficit withdraw a share of their claims on it, at
    par and before the deficit is written down. The venue pays from the external assets that remain
    after the deficit; if these are insufficient, all running creditors are paid the same share of
    their requests. Accounts that stay share the whole deficit by the venue's rule. There is no run
    on a venue with a :class:`~contagion.liquidation.WithdrawalGate`. Money withdrawn becomes an
    asset of the creditor but is not used to meet calls. `propagate` computes runs, batches do not.

    Parameters
    ----------
    book : positions and loans; equal names in book and network mean the same party. A book in
        "USD" and a network in "USD m" are converted.
    cascade : the liquidations.
    model : a model that settles claims.
    free : {holder: money} available for margin calls, in the unit of the network: part of its
        external assets in addition to assets at venues; only the amount after the shock counts.
    withdrawal : share of its debt to creditors in default that a holder has to repay, out of its
        money for calls, 0 to 1.
    run_on : share of their claims that creditors of a venue with a deficit withdraw, 0 to 1, one
        for all or {creditor: share}.
    path : the path of prices to the end of the shock: a number of steps of equal ratio (1 is one
        jump), or a table of prices, one row per date and one column per asset. If the shock moves
        no prices, the end of the table is the shock; otherwise the table is scaled to end at the
        shock. Halts, margins and delays act between two dates. Clearing is at the end of the path.
    rounds : rounds of the cascade at each date; None: until nothing changes.
    tolerance : change of free money, relative to its total, below which the rounds stop.
    max_rounds : maximum number of joint rounds; a run that needs more has not converged.

    Raises
    ------
    MarginError : if free money plus margin, or the loss of a holder on its accounts, exceeds the
        external assets of the node (which have to include its margin), and for unknown names. If a
        venue loses more than its assets, creditors outside the network bear the rest.
    ArgumentError : for units of book and network that cannot be converted.
    ConvergenceError : when `max_rounds` is reached.

    Example
    -------
    h is long 10 at 100 with a margin of 100 and owes b 50. At 88 the venue has a deficit of 20,
    which its owners bear, and h has lost its margin.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 50, 0], [0, 0, 0], [0, 0, 0]], ["h", "b", "v"],
    ...     orientation="debtor->creditor", external_assets=[120, 10, 30])
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> done = ct.liquidation.CoupledCascade(book).propagate(net, ct.Shock.price({"X": -0.12}))
    >>> done.table["loss"].round(6).tolist()     # h: equity 70, b: 50 − 20, v: 20
    [70.0, 30.0, 20.0]
    >>> done.socialization.initial_loss, round(done.socialization.socialized, 6)
    (120.0, 50.0)
    """

    title: ClassVar[str] = "Liquidations and clearing together"
    source: ClassVar[str] = "the cascade of this package with a model that settles claims"
    settles: ClassVar[bool] = True
    reads_prices: ClassVar[bool] = True

    book: MarginBook
    cascade: LiquidationCascade = field(default_factory=LiquidationCascade)
    model: Model = field(default_factory=EisenbergNoe)
    free: Mapping[Any, float] = field(default_factory=dict)
    withdrawal: float = 0.0
    run_on: float | Mapping[Any, float] = 0.0
    path: int | pd.DataFrame | Course = 1
    rounds: int | None = 1
    tolerance: float = 1e-9
    max_rounds: int = 200

    def __post_init__(self) -> None:
        expect(book=self.book)
        if not 0 <= self.withdrawal <= 1:
            raise MarginError(f"withdrawal={self.withdrawal}: a share of a debt, 0 to 1.")
        parts = self.run_on.values() if isinstance(self.run_on, Mapping) else [self.run_on]
        if not all(0 <= part <= 1 for part in parts):
            raise MarginError(f"run_on={self.run_on}: a share of claims, 0 to 1.")
        if not self.model.settles:
            raise MarginError(f"{type(self.model).__name__} does not settle claims.")
        if isinstance(self.path, pd.DataFrame):
            object.__setattr__(self, "path", Course.of(self.book, self.path))
        elif not isinstance(self.path, Course) and not self.path >= 1:
            raise MarginError(f"path={self.path}: a number of steps >= 1, or a table of prices.")
        for name, amount in self.free.items():
            known_name(name, self.book.holders, "holder")
            if not (amount >= 0 and np.isfinite(amount)):
                raise MarginError(f"free= gives {name!r} {amount}; it is money >= 0.")

    @shown
    def __repr__(self) -> str:
        usual, said = {each.name: each for each in fields(self)}, []
        for name in ("withdrawal", "run_on", "path", "rounds"):
            if not isinstance(value := getattr(self, name), type(usual[name].default)) or (
                value != usual[name].default
            ):
                said.append(f"{name}={value!r}")
        free = [f"free money of {plural(len(self.free), 'holder')}"] if self.free else []
        parts = [plural(len(self.book), "account"), repr(self.cascade), repr(self.model)]
        return f"CoupledCascade({', '.join([*parts, *free, *said])})"

    def on(self, network: ExposureNetwork) -> ExposureNetwork:
        """The network with all parties of the book, and the assets of the book among the priced
        assets."""
        return with_parties(network, self.book, self.free, self.cascade.funds(self.book))

    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
        *,
        trace: Trace = "none",
    ) -> Outcome:
        n, lead = len(network), losses.shape[:-1]
        if not losses.size:  # zero scenarios are run as one for the shapes
            return _reshaped(self.run(network, np.zeros((1, n)), trace=trace), lead, 0)
        flat = np.asarray(losses, float).reshape(-1, n)
        pins = None if recoveries is None else np.broadcast_to(recoveries, losses.shape)
        moved = None if prices is None else np.reshape(prices, (len(flat), -1))
        pins = None if pins is None else pins.reshape(-1, n)
        found = self._joint(network, flat, pins, moved, trace).outcome
        return _reshaped(found, lead)

    def propagate(
        self,
        network: ExposureNetwork,
        shock: Shock = NO_SHOCK,
        *,
        baseline: Baseline = "cleared",
    ) -> CoupledResult:
        """Run one shock to prices and nodes on both; as in `Model.propagate`."""
        choice(baseline, ("book", "cleared"), "baseline")
        self._usable(network)
        expect(shock=shock)
        if isinstance(self.path, Course) and not (shock.prices or shock.depegs):
            shock = shock + Shock.price(self.path.moves)
        network = self.on(network)
        hit = shock.arrays(network)
        moved = None if hit.prices is None else hit.prices[None]
        pins = None if hit.recoveries is None else hit.recoveries[None]
        found = self._joint(network, hit.losses[None], pins, moved, "none", keep=True)
        after = self._after(network, moved, 1)[0]
        before = np.where(self.book.price > 0, self.book.price, 1.0)
        moves = dict(zip(self.book.assets, (after / before - 1).tolist(), strict=True))
        step = CascadeResult(
            self.cascade, self.book, moves, found.calls[0], found.state, found.moments
        )
        if not found.state.settled.all():
            raise ConvergenceError("The cascade did not settle: raise its max_rounds.", step)
        if not bool(found.outcome.converged[0]):
            raise ConvergenceError(
                f"Cascade and clearing did not settle in {self.max_rounds} joint rounds."
            )
        return CoupledResult(
            found.network, self, shock, hit, _reshaped(found.outcome, ()), baseline,
            cascade=step, rounds=int(found.rounds), free=found.money[0],
            moved=found.moved[0], paid=found.paid, start_network=network, link=found.link,
            market=found.market,
        )  # fmt: skip

    def _joint(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        pins: np.ndarray | None,
        prices: np.ndarray | None,
        trace: Trace,
        keep: bool = False,
    ) -> Joint:
        """Joint rounds of scenarios (B, n) until nothing changes; see the class."""
        book, size, start = self.book, len(losses), network
        link = Link.of(network, book)
        eager, ran = self._eager(network), np.zeros(len(network), bool)
        if eager.any() and size > 1:
            raise ModelError(
                "CoupledCascade does not compute run_on in a batch. Use propagate, or run_on=0."
            )
        given = np.array([float(self.free.get(name, 0.0)) for name in book.holders])
        money_ = link.available(network, book, given, losses)
        way, dates = self._way(self._after(network, prices, size), prices is not None)
        unnamed = np.array([venue not in self.cascade.rules for venue in book.venues])
        rules = {venue: self.cascade.rules.get(venue, UNPAID) for venue in book.venues}
        cascade = replace(self.cascade, rules=rules)
        funds = self.cascade.funds(book)
        own = np.where(unnamed, link.capital(network, losses, funds), 0.0)
        marks = Hit(losses, pins, prices).marks(network)
        left, rounds, paid = money_, 0, np.zeros(len(network.amount))
        scale, wealth = money_.sum(axis=1), np.where(np.isfinite(own), own, 0.0).sum(axis=1)
        while True:
            rounds += 1
            calls = left / link.rate
            kept: list[Moment] = []
            watch = Moment.into(kept, dates, self.cascade.withdrawal) if keep else None
            state = cascade.solve(book, way, calls, path=True, rounds=self.rounds, watch=watch,
                                  own=own / link.rate)  # fmt: skip
            market = market_losses(book, state, rules)
            moved = link.moved(market)
            link.within(start, market, losses, pins)
            before = ran
            if eager.any():
                ran = ran | link.short(start, state, self._gated())
                network, paid = run_from(start, ran, eager, (losses - marks + moved)[0])
            settled = self.model.run(network, losses + moved, pins, prices, trace=trace)
            fewer = np.minimum(link.left(network, self.withdrawal, money_, settled), left)
            poorer = np.where(
                unnamed, np.minimum(link.after(network, settled, market, funds), own), 0.0
            )
            change = np.abs(fewer - left).sum(axis=1) > self.tolerance * scale
            gone = np.where(np.isfinite(own), own - poorer, 0.0).sum(axis=1)
            change |= gone > self.tolerance * wealth
            if (not change.any() and (ran == before).all()) or rounds >= self.max_rounds:
                break
            left, own = fewer, poorer
        if change.any() and keep:
            short = float(np.abs(fewer - left).sum())
            raise ConvergenceError(
                f"Cascade and clearing did not settle in {self.max_rounds} joint rounds "
                f"(free money still falls by {money(short, network.unit)})."
            )
        outcome = self._outcome(settled, market, link, moved, state.settled & ~change)
        return Joint(network, link, state, market, outcome, moved, money_, calls, paid, rounds,
                     tuple(kept))  # fmt: skip

    def _after(self, network: ExposureNetwork, prices: np.ndarray | None, size: int) -> np.ndarray:
        """(B, A) fundamental prices of the markets of the book; a market without a separate change
        moves with its asset."""
        book, ratio = self.book, np.ones((size, len(self.book.assets)))
        if prices is None:
            return np.asarray(ratio * book.price)
        for k, (name, base) in enumerate(zip(book.assets, book.base, strict=True)):
            for called in dict.fromkeys((base, name)):
                if called in network.priced_assets:
                    at = network.asset_position(called)
                    ratio[:, k] = np.where(prices[:, at] != 1.0, prices[:, at], ratio[:, k])
        return np.asarray(ratio * book.price)

    def _way(self, after: np.ndarray, moved: bool) -> tuple[np.ndarray, list[Any]]:
        """(B, T, A) prices on the path to (B, A), and the T dates."""
        if isinstance(self.path, Course) and moved:
            return self.path.to(after), self.path.dates
        count = self.path if isinstance(self.path, int) and moved else 1
        return steps(self.book.price, after, count), list(range(1, count + 1))

    def _outcome(
        self,
        settled: Outcome,
        market: MarketLosses,
        link: Link,
        moved: np.ndarray,
        converged: np.ndarray,
    ) -> Outcome:
        """The outcome of clearing, with the losses of nodes on positions as a channel."""
        sold, marked = link.sold(market), link.marked(market)
        channels = settled.channels or {"credit": settled.claims_lost}
        dead = settled.deadweight
        return replace(
            settled,
            channels={**channels, "positions": moved - sold, "liquidations": sold},
            deadweight=sold if dead is None else dead + sold,
            marked=marked,
            error=None,
            converged=settled.converged & converged,
        )

    def _eager(self, network: ExposureNetwork) -> np.ndarray:
        """(n,) share of its claims that each node withdraws in a run."""
        if not isinstance(self.run_on, Mapping):
            return np.full(len(network), float(self.run_on))
        part = np.zeros(len(network))
        for name, share in self.run_on.items():
            part[network.position(name)] = share
        return part

    def _gated(self) -> list[Any]:
        """The venues (numbers, or None for all) with a withdrawal gate."""
        return [b.venues for b in self.cascade.breakers if isinstance(b, WithdrawalGate)]


@dataclass(frozen=True)
class Joint:
    """The joint fixed point of B scenarios: the market, the outcome (B, n), and account losses.

    moved (B, n) losses on accounts, which reduce external assets (negative: gains); money, calls
    (B, K) money of holders for calls, at the start and at the end (in the unit of the book).
    """

    network: ExposureNetwork
    link: Link
    state: MarketState
    market: MarketLosses
    outcome: Outcome
    moved: np.ndarray
    money: np.ndarray
    calls: np.ndarray
    paid: np.ndarray
    rounds: int
    moments: tuple[Moment, ...]


def _reshaped(found: Outcome, lead: tuple[int, ...], count: int | None = None) -> Outcome:
    """The outcome of `count` scenarios on one axis, reshaped to the axes of the losses."""

    def shaped(values: Any) -> Any:
        if isinstance(values, dict):
            return {name: shaped(each) for name, each in values.items()}
        if isinstance(values, tuple):
            return tuple(shaped(each) for each in values)
        if not isinstance(values, np.ndarray) or not values.ndim:
            return values
        return values[:count].reshape((*lead, *values.shape[1:]))

    names = ("equity", "claims_lost", "defaulted", "rounds", "residual", "converged", "error",
             "default_round", "payments", "external_paid", "deadweight", "unpaid", "loss_rate",
             "illiquid", "channels", "called", "unmet", "marked", "history")  # fmt: skip
    return replace(found, **{name: shaped(getattr(found, name)) for name in names})
