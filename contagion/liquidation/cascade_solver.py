"""The settings of a liquidation cascade, and batch solution with the kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ..errors import MarginError
from ..kernels.market_path import Watch, follow, settle
from ..kernels.market_setup import Breaker, Setup
from ..kernels.market_state import MarketState
from ..kernels.market_step import base_prices, step
from ..media import shown
from ..rules.rule import Rule
from ..text import known_name
from .margin_book import NUMERAIRE, MarginBook
from .oracles import Market, Oracle
from .price_impact import NoImpact, PriceImpact
from .venue_oracles import VenueOracles
from .venue_sharing import share
from .withdrawing_depth import Withdrawal

CHUNK = 2**19  # legs × scenarios solved by the kernel at once


@dataclass(frozen=True, repr=False)
class CascadeSolver:
    """Arrays in, arrays out; see :class:`~contagion.liquidation.LiquidationCascade`."""

    impact: PriceImpact = field(default_factory=NoImpact)
    oracle: Oracle | VenueOracles = field(default_factory=Market)
    breakers: tuple[Breaker, ...] = ()
    partial: bool = True
    backstop: float = 0.0
    vault_capacity: float | Mapping[Any, float] = np.inf
    minimum_profit: float = 0.0
    repay_first: tuple[str, ...] = ()
    fund: float | Mapping[Any, float] = 0.0
    rules: Mapping[Any, Rule] = field(default_factory=dict)
    deadline: int | Mapping[Any, int] = 0
    withdrawal: Withdrawal | None = None
    arbitrage: float = 0.0
    days: float = 0.0
    tolerance: float = 1e-9
    max_rounds: int = 1_000

    def __post_init__(self) -> None:
        if not 0 <= self.backstop <= 1:
            raise MarginError(f"backstop={self.backstop}: a share of the maintenance, 0 to 1.")
        if not 0 <= self.arbitrage <= 1:
            raise MarginError(f"arbitrage={self.arbitrage}: a share of a sale, 0 to 1.")
        if not self.days >= 0:
            raise MarginError(f"days={self.days}: days that a round lasts, >= 0.")
        for name, what in (
            ("vault_capacity", "money"),
            ("fund", "money"),
            ("deadline", "a number of rounds"),
        ):
            given = getattr(self, name)
            for value in given.values() if isinstance(given, Mapping) else [given]:
                if not value >= 0 or (name == "deadline" and value % 1):
                    raise MarginError(f"{name}={value}: {what} >= 0.")
        if not (self.max_rounds >= 1 and self.tolerance >= 0):
            raise MarginError(
                f"max_rounds={self.max_rounds}, tolerance={self.tolerance}: at least one round, "
                "and a tolerance >= 0."
            )
        object.__setattr__(self, "breakers", tuple(self.breakers))
        object.__setattr__(self, "repay_first", tuple(self.repay_first))

    @shown
    def __repr__(self) -> str:
        usual = type(self)()
        given = [
            f"{item.name}={getattr(self, item.name)!r}"
            for item in fields(self)
            if getattr(self, item.name) != getattr(usual, item.name)
        ]
        return f"{type(self).__name__}({', '.join(given)})"

    def setup(self, book: MarginBook) -> Setup:
        """The input of the kernel for this cascade on this book."""
        late, columns = self._by_venue(book, self.deadline), book.columns
        return Setup(
            book.arrays,
            book.price,
            np.array([name == NUMERAIRE for name in book.assets]),
            self.impact,
            self.oracle.on(book) if isinstance(self.oracle, VenueOracles) else self.oracle,
            withdrawal=self.withdrawal,
            mix=self._mix(book),
            breakers=self.breakers,
            partial=self.partial,
            backstop=self.backstop,
            minimum_profit=self.minimum_profit,
            rank=self._rank(book),
            margin=book.rules,
            fair=columns.fair if columns.options else None,
            days=columns.days if np.isfinite(columns.days).any() else None,
            deadline=np.where(book.arrays.loan, 0, late[book.arrays.venue]) if late.any() else None,
            tolerance=self.tolerance,
        )

    def start(self, book: MarginBook, scenarios: int = 1, free: Any = 0.0) -> MarketState:
        """The initial state of `scenarios` scenarios, to be continued with :meth:`step`.

        free : money with which holders meet calls; broadcasts to (scenarios, K).
        """
        money = np.broadcast_to(np.asarray(free, float), (scenarios, len(book.holders)))
        funds = [self._by_venue(book, given) for given in (self.fund, self.vault_capacity)]
        return self.setup(book).begin(money, *funds)

    def step(self, book: MarginBook, state: MarketState, prices: np.ndarray) -> MarketState:
        """The state one round later, at fundamental prices (B, A); the input is not changed.

        Example
        -------
        At 94 a long of 10 with a margin of 100 has equity 40, below 47; closing 7/47 is enough.

        >>> import contagion as ct
        >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
        ...     "instrument": "X", "size": 10, "margin": 100}])
        >>> cascade = ct.liquidation.LiquidationCascade()
        >>> after = cascade.step(book, cascade.start(book), [[94.0]])
        >>> after.units.round(4).tolist()
        [[8.5106]]
        """
        setup, given = self.setup(book), _checked(book, prices)
        return step(setup, state, given if setup.fair is None else setup.fair(given, state.elapsed))

    def solve(
        self,
        book: MarginBook,
        prices: np.ndarray,
        free: np.ndarray | None = None,
        *,
        path: bool = False,
        rounds: int | Sequence[int | None] | None = 1,
        state: MarketState | None = None,
        watch: Watch | None = None,
        own: np.ndarray | float = 0.0,
    ) -> MarketState:
        """Run a batch of scenarios on arrays.

        Parameters
        ----------
        book : positions and loans at the prices before.
        prices : (..., A) fundamental prices after the shock, in the order of `book.assets`; "money"
            costs 1. With `path` (..., T, A): at each of T dates.
        free : (..., K) money with which holders meet calls, in the order of `book.holders`.
        rounds : of a path, see :meth:`LiquidationCascade.run`.
        state : current state of the scenarios, with one leading axis; by default the initial state.
        watch : called after every round with the number of the date and the state.
        own : money of venues, (V,) or (scenarios, V), that bears a deficit before their accounts
            do, if their rule shares it.

        Returns
        -------
        MarketState
            With scenarios on one leading axis, or none if `prices` had none.
        """
        prices = _checked(book, prices)
        axes = 2 if path else 1
        if prices.ndim < axes or (path and not prices.shape[-2]):
            raise MarginError(f"A path has prices of shape (..., dates, {len(book.assets)}).")
        flat = prices.reshape(-1, *((prices.shape[-2],) if path else (1,)), len(book.assets))
        shape = (len(flat), len(book.holders))
        money = np.zeros(shape)
        if free is not None:
            given = np.asarray(free, float)
            if not (given >= 0).all():
                raise MarginError("free money has to be >= 0 for every holder.")
            money = np.broadcast_to(given, (*prices.shape[:-axes], shape[1])).reshape(shape)
        if state is not None and len(state.rounds) != len(flat):
            raise MarginError(
                f"The state has {len(state.rounds)} scenarios, the prices {len(flat)}."
            )
        dates = flat.shape[1]
        passing = list(rounds) if isinstance(rounds, Sequence) else [rounds] * dates
        if len(passing) != dates or not all(r is None or r >= 1 for r in passing):
            raise MarginError(f"rounds={rounds}: a number >= 1 or None, or one for each date.")
        setup = self.setup(book)
        size = max(1, CHUNK // max(len(book.arrays.asset), 1))
        every = np.arange(len(flat))
        before = np.broadcast_to(np.asarray(own, float), (len(flat), len(book.venues)))
        found = self.start(book, len(flat), money) if state is None else state.take(every)
        for at in range(0, len(flat), size):
            part = every[at : at + size]
            work = found if size >= len(flat) else found.take(part)
            follow(setup, work, flat[part], passing, self.max_rounds, watch, self.days)
            self._share(setup, book, work, before[part], watch, dates - 1)
            if work is not found:
                found.put(part, work, np.arange(len(part)))
        factor = self.impact.factor(found.volume)
        found.price = found.fundamental * factor
        if setup.fair is not None:
            found.price = base_prices(setup, found, factor) * factor
        return found.single() if prices.ndim == axes else found

    def _share(
        self,
        setup: Setup,
        book: MarginBook,
        state: MarketState,
        own: np.ndarray,
        watch: Watch | None,
        date: int,
    ) -> None:
        """Apply the rules of the venues to uncovered deficits; updates the state.

        Accounts with losses or closed winning positions may have to be liquidated: rounds continue
        until no rule takes more.
        """
        for _ in range(self.max_rounds if self.rules else 0):
            hit = np.flatnonzero(share(book, state, self.rules, own))
            if not len(hit):
                return
            work = state.take(hit)
            settle(setup, work, work.fundamental.copy(), self.max_rounds, watch, date)
            state.put(hit, work, np.ones(len(hit), bool))

    def _mix(self, book: MarginBook) -> np.ndarray | None:
        """(A, A) impact of sales in one market on another; None: on their own only."""
        if not self.arbitrage or len(set(book.base)) == len(book.assets):
            return None
        base = np.array(book.base, dtype=object)
        depth = np.broadcast_to(np.asarray(getattr(self.impact, "depth", 1.0), float), len(base))
        same = (base[:, None] == base) * np.where(np.isfinite(depth), depth, 1.0)
        whole = same / same.sum(axis=1, keepdims=True)
        return np.asarray((1 - self.arbitrage) * np.eye(len(base)) + self.arbitrage * whole)

    def _rank(self, book: MarginBook) -> np.ndarray | None:
        """(L,) order in which the debts of legs are repaid; None: pro rata."""
        if not self.repay_first:
            return None
        for name in self.repay_first:
            known_name(name, book.assets, "asset of the book")
        place = {name: k for k, name in enumerate(self.repay_first)}
        last = len(place)
        ranks = np.array([place.get(name, last) for name in book.assets])
        return np.asarray(ranks[book.arrays.asset])

    def funds(self, book: MarginBook) -> np.ndarray:
        """(V,) insurance fund of every venue before a run, in the order of `book.venues`."""
        return self._by_venue(book, self.fund)

    def _by_venue(self, book: MarginBook, given: Any) -> np.ndarray:
        """(V,) one number for all venues, or {venue: number} with 0 for the others."""
        if not isinstance(given, Mapping):
            return np.full(len(book.venues), float(given))
        for name in given:
            known_name(name, book.venues, "venue")
        return np.array([float(given.get(venue, 0.0)) for venue in book.venues])


def _checked(book: MarginBook, prices: Any) -> np.ndarray:
    prices = np.asarray(prices, float)
    if prices.shape[-1:] != (len(book.assets),):
        raise MarginError(
            f"prices have shape {prices.shape}; the last axis has to be {len(book.assets)}, "
            f"one entry per asset: {', '.join(map(str, book.assets))}."
        )
    if not (np.isfinite(prices).all() and (prices >= 0).all()):
        raise MarginError("prices have to be >= 0 and finite.")
    unit = [k for k, name in enumerate(book.assets) if name == NUMERAIRE]
    if (prices[..., unit] != 1).any():
        raise MarginError(f"{NUMERAIRE!r} is the unit of account and costs 1.")
    return np.asarray(prices)
