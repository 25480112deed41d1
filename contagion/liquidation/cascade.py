"""The liquidation cascade: a book of positions and loans, a price shock, and what it sets off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ..errors import ConvergenceError, MarginError, expect
from ..kernels.liquidation import Breaker, Liquidated, liquidate
from ..text import known_name
from .cascade_result import CascadeResult
from .margin_book import NUMERAIRE, MarginBook
from .oracles import Market, Oracle
from .price_impact import Impact, NoImpact

CHUNK = 2**17  # legs × scenarios that go through the kernel at once


@dataclass(frozen=True, repr=False)
class LiquidationCascade:
    """Mark, call, liquidate, move the price, and mark again, until nothing breaks any more.

    In every round

    1. the market price is the fundamental price times the impact of what has been sold, and the
       oracle says what venues take for it;
    2. accounts whose health is below 0 are called; a holder with enough money elsewhere pays
       (`free`): all calls on its accounts in this round, or none;
    3. accounts that stay below are liquidated: positions as far as brings them back to health, at
       most their close factor (all of it once equity is gone), loans by their close factor, where
       the liquidator takes collateral worth the repaid debt plus a bonus;
    4. what is sold moves the price; everybody in a round sells at its average price.

    An account that is closed with less than nothing leaves a deficit at its venue; of a loan that
    is the debt left when its collateral is gone, at fundamental prices. A loan whose collateral is
    worth nothing to begin with is liquidated by nobody and stays open (latent). The asset "money"
    is the unit of account: no sale moves it. What is sold
    below the fundamental price is a gain of the buyers; nothing is lost on the way:

        equity after + deficits counted below 0 + fees + gains of buyers and liquidators
            = equity before at the fundamental prices after the shock + calls met

    Parameters
    ----------
    impact : how sales move the price, see :class:`~contagion.liquidation.Impact`. One parameter an
        asset comes in the order of `book.assets`. Fees of pools are not charged.
    oracle : what venues take for the price, see :class:`~contagion.liquidation.Oracle`.
    breakers : volatility controls, see :mod:`contagion.liquidation.circuit_breakers`.
    partial : close positions only as far as needed; `False`: their close factor at once.
    backstop : accounts with equity below this part of their maintenance go to the vault of the
        venue instead of the market (2/3 at Hyperliquid); 0: no vault.
    vault_capacity : negative equity that a vault takes on, money, a number or {venue: number};
        the accounts of one round all fit or none.
    minimum_profit : liquidators act only where they keep this part of what they repay.
    tolerance : relative change of prices below which they count as settled.
    max_rounds : rounds before a run counts as not converged.

    Raises
    ------
    ConvergenceError
        By `run`, when `max_rounds` is reached; `.partial` has the result so far.

    Example
    -------
    One long of 10 entered at 100 with a margin of 100; at 88 its equity is −20:

    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> ct.liquidation.LiquidationCascade().run(book, {"X": -0.12}).deficits["v"]
    np.float64(20.0)

    Source: the form of health and liquidation is that of the venues in MECHANISMS terms: margin
    trading with maintenance rates, and loans after Aave v3 (close factor, bonus); prices after
    Cifuentes, Ferrucci & Shin (2005), Journal of the European Economic Association 3(2-3), where
    sales move the mark at which others are judged.
    """

    impact: Impact = field(default_factory=NoImpact)
    oracle: Oracle = field(default_factory=Market)
    breakers: tuple[Breaker, ...] = ()
    partial: bool = True
    backstop: float = 0.0
    vault_capacity: float | Mapping[Any, float] = np.inf
    minimum_profit: float = -np.inf
    tolerance: float = 1e-9
    max_rounds: int = 1_000

    def __post_init__(self) -> None:
        if not 0 <= self.backstop <= 1:
            raise MarginError(f"backstop={self.backstop}: a part of the maintenance, 0 to 1.")
        limits = self.vault_capacity
        for limit in limits.values() if isinstance(limits, Mapping) else [limits]:
            if not limit >= 0:
                raise MarginError(f"vault_capacity={limit}: money >= 0.")
        if not (self.max_rounds >= 1 and self.tolerance >= 0):
            raise MarginError(
                f"max_rounds={self.max_rounds}, tolerance={self.tolerance}: at least one round, "
                "and a tolerance >= 0."
            )
        object.__setattr__(self, "breakers", tuple(self.breakers))

    def __repr__(self) -> str:
        usual = LiquidationCascade()
        given = [
            f"{item.name}={getattr(self, item.name)!r}"
            for item in fields(self)
            if getattr(self, item.name) != getattr(usual, item.name)
        ]
        return f"LiquidationCascade({', '.join(given)})"

    def solve(
        self, book: MarginBook, prices: np.ndarray, free: np.ndarray | None = None
    ) -> Liquidated:
        """Run a batch of scenarios on arrays.

        Parameters
        ----------
        book : positions and loans at the prices before.
        prices : (..., A) fundamental prices after the shock, in the order of `book.assets`; "money"
            costs 1.
        free : (..., K) money with which holders meet calls, in the order of `book.holders`.

        Returns
        -------
        Liquidated
            With scenarios on one leading axis, or none where `prices` had none.
        """
        prices = np.asarray(prices, float)
        if prices.shape[-1:] != (len(book.assets),):
            raise MarginError(
                f"prices have shape {prices.shape}; the last axis has to be {len(book.assets)}, "
                f"one entry an asset: {', '.join(map(str, book.assets))}."
            )
        if not (np.isfinite(prices).all() and (prices >= 0).all()):
            raise MarginError("prices have to be >= 0 and finite.")
        unit = [k for k, name in enumerate(book.assets) if name == NUMERAIRE]
        if (prices[..., unit] != 1).any():
            raise MarginError(f"{NUMERAIRE!r} is the unit of account and costs 1.")
        flat = prices.reshape(-1, len(book.assets))
        shape = (len(flat), len(book.holders))
        money = np.zeros(shape)
        if free is not None:
            given = np.asarray(free, float)
            if not (given >= 0).all():
                raise MarginError("free money has to be >= 0 for every holder.")
            money = np.broadcast_to(given, (*prices.shape[:-1], shape[1])).reshape(shape)
        step = max(1, CHUNK // max(len(book.arrays.asset), 1))
        parts = [
            self._chunk(book, flat[at : at + step], money[at : at + step])
            for at in range(0, len(flat), step)
        ]
        return _joined(parts, squeeze=prices.ndim == 1)

    def _chunk(self, book: MarginBook, prices: np.ndarray, free: np.ndarray) -> Liquidated:
        capacity = self.vault_capacity
        if isinstance(capacity, Mapping):
            for name in capacity:
                known_name(name, book.venues, "venue")
            room = np.array([float(capacity.get(venue, 0.0)) for venue in book.venues])
        else:
            room = np.full(len(book.venues), float(capacity))
        return liquidate(
            book.arrays,
            book.price,
            prices,
            free,
            self.impact,
            self.oracle,
            breakers=self.breakers,
            partial=self.partial,
            backstop=self.backstop,
            vault_capacity=room,
            minimum_profit=self.minimum_profit,
            money=np.array([name == NUMERAIRE for name in book.assets]),
            tolerance=self.tolerance,
            max_rounds=self.max_rounds,
        )

    def run(
        self,
        book: MarginBook,
        shock: Mapping[str, float],
        free: Mapping[Any, float] | None = None,
    ) -> CascadeResult:
        """Push one price shock through the book.

        Parameters
        ----------
        shock : {asset: relative change >= −1} of fundamental prices.
        free : {holder: money} with which holders meet margin calls; others have none.
        """
        expect(book=book)
        prices = shocked(book, shock)
        money = np.zeros(len(book.holders))
        for name, amount in (free or {}).items():
            known_name(name, book.holders, "holder")
            if not amount >= 0:
                raise MarginError(f"free= gives {name!r} {amount}; it is money >= 0.")
            money[book.holders.index(name)] = amount
        outcome = self.solve(book, prices, money)
        result = CascadeResult(self, book, dict(shock), money, prices, outcome)
        if not bool(outcome.settled):
            raise ConvergenceError(
                f"The cascade did not settle in {self.max_rounds} rounds. Raise max_rounds, or "
                "look at .partial.",
                result,
            )
        return result


def shocked(book: MarginBook, shock: Mapping[str, float]) -> np.ndarray:
    """(A,) prices after relative changes; `MarginError` for an unknown asset or a fall below 0."""
    prices = book.price.copy()
    for name, change in shock.items():
        if name == NUMERAIRE and change:
            raise MarginError(f"{NUMERAIRE!r} is the unit of account; its price does not move.")
        known_name(name, book.assets, "asset of the book")
        if not (np.isfinite(change) and change >= -1):
            raise MarginError(f"The price change of {name!r} is {change}; it has to be >= -1.")
        prices[book.assets.index(name)] *= 1 + change
    return prices


def _joined(parts: list[Liquidated], squeeze: bool) -> Liquidated:
    """Chunks one below the other; without the leading axis for a single scenario."""
    found: dict[str, Any] = {}
    for item in fields(Liquidated):
        values = [getattr(part, item.name) for part in parts]
        if item.name == "path":
            found["path"] = _paths(values) if len(values) > 1 else values[0]
            if squeeze:
                found["path"] = [tuple(side[0] for side in step) for step in found["path"]]
            continue
        whole = values[0] if len(values) == 1 else np.concatenate(values)
        found[item.name] = whole[0] if squeeze else whole
    return Liquidated(**found)


def _paths(values: list[list[tuple[np.ndarray, ...]]]) -> list[tuple[np.ndarray, ...]]:
    """Paths of several chunks; one that ended earlier stands at its last round."""
    longest = max(map(len, values))
    padded = []
    for path in values:
        quiet = (*path[-1][:2], np.zeros_like(path[-1][2]), path[-1][3])
        padded.append([*path, *[quiet] * (longest - len(path))])
    return [
        tuple(np.concatenate(sides) for sides in zip(*steps, strict=True))
        for steps in zip(*padded, strict=True)
    ]
