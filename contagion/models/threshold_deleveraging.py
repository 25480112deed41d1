"""Threshold deleveraging and indirect exposures, after Cont and Schaanning (2017)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from ..errors import ArgumentError
from ..kernels.firesale import THRESHOLD, deleverage
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..text import choice, listing
from .base import Trace
from .parameters import Parameter, Range
from .portfolios import PortfolioModel, Portfolios, Solved, by_asset, checked_number, valued

END = 10_000  # maximum number of rounds; sales that continue have not converged


@dataclass(frozen=True, repr=False)
class ThresholdDeleveraging(PortfolioModel):
    """Nodes with leverage above a limit sell assets to reach a target, round by round.

        Γ_i = min(1, (Π_i + I_i − λ_b C_i) / Π_i)    where (Π_i + I_i) / C_i > λ_max, else 0
        ψ_a = (1 − B_a / S_a) (1 − exp(−q_a / δ_a)),   δ_a = (1 − B_a / S_a at the start) D_a
        C_i falls by (1 − (1 − α) Γ_i) Σ_a Π_ia ψ_a,    q_a = Σ_i Γ_i Π_ia

    Π holdings at current prices S, I assets that are not sold (other external assets and
    claims), C equity, q the volume of the round, money. A small sale q moves the price by q / D.
    Unlike in leverage targeting, a node that stays below the limit after losses sells nothing.

    Results are not monotone in the shock: a node that sells early gets a higher price and avoids
    later falls, so a larger shock can lead to higher equity of a node (even the node that is hit),
    higher prices and a higher sum of equities. Only in the first round (`rounds=1`), and if shocks
    do not hit holdings, does a larger shock imply more sales and lower prices, and with a
    `shortfall` of 1 no higher equity of any node.

    Nodes that cannot default, or with unknown balance sheet, sell nothing. A node set to default by
    the shock sells everything in the first round; its creditors lose 1 − recovery of their
    claims, other claims keep their value. The loss on holdings is the channel `price` of
    `result.channels`. A price shock revalues the holdings before the start. Other losses of the
    shock hit other assets (and `illiquid` ones) first, then holdings in proportion.

    Parameters
    ----------
    max_leverage : λ_max, assets over equity, above 1; 33 is a leverage ratio of 3 %.
    target_leverage : λ_b, at most `max_leverage`; `None`: 95 % of it.
    depth : market depth D, money at the price before the shock (an asset that has fallen by a fifth
        has four fifths of its depth), above 0: a number for all assets, {asset: number}, or `None`:
        total holdings of all nodes. inf: no impact. See :meth:`market_depth`.
    floor : B, lower bound on the price, as a share of the price at the start, 0 ≤ floor < 1; a
        number or {asset: number}.
    shortfall : α, share of the price fall in a round borne by the assets sold in it, 0 to 1.
    insolvent : "sell": nodes without equity sell everything; "hold": they sell nothing (insolvency
        is not illiquidity).
    illiquid : assets of the holdings that cannot be sold.
    rounds : rounds of sales, or `None`: until no node sells.

    Raises
    ------
    ModelError
        When `depth` or `floor` does not name an asset that is held.
    ConvergenceError
        By `propagate`, when sales do not stop.
    ArgumentError, ArgumentTypeError
        For parameters out of range.

    Example
    -------
    a holds 100 of X and 10 of cash against debts of 82, and loses the cash: 100 is 5.6 times its
    equity of 18. To reach a target of 4 it sells 100 − 4 × 18.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0]], ["a"], orientation="debtor->creditor",
    ...     external_assets=[110], external_liabilities=[82],
    ...     holdings={"node": ["a"], "asset": ["X"], "value": [100.0]})
    >>> model = ct.models.ThresholdDeleveraging(5, 4, depth=float("inf"))
    >>> sold = model.market(net, ct.Shock.loss({"a": 10}))
    >>> sold.loc["X"].round(9).tolist()                         # held, sold, price, fall
    [100.0, 28.0, 1.0, 0.0]

    Source: Cont & Schaanning (2017), Norges Bank Working Paper 2/2017, DOI 10.2139/ssrn.2541114
    (abstract read; the equations, the sales of insolvent nodes and the defaults through
    src/models/csmodel.jl of github.com/wolfstam/FinNetValu @ 3153ab8, whose two-bank example they
    reproduce).
    """

    title: ClassVar[str] = "Sales above a leverage limit, with market depth"
    source: ClassVar[str] = "Cont & Schaanning (2017), Norges Bank Working Paper 2/2017"
    settles: ClassVar[bool] = False

    by_node: ClassVar[Mapping[str, Range]] = {
        "max_leverage": Range(1.0, above=True),
        "target_leverage": Range(0.0, above=True),
    }

    max_leverage: Parameter = 33.0
    target_leverage: Parameter | None = None
    depth: float | Any | None = None
    floor: float | Any = 0.0
    shortfall: float = 0.5
    insolvent: Literal["sell", "hold"] = "sell"
    illiquid: tuple[Any, ...] = ()
    rounds: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.max_leverage, float) and isinstance(self.target_leverage, float):
            self._ordered(np.array([self.max_leverage]), np.array([self.target_leverage]), None)
        if not 0 <= self.shortfall <= 1:
            raise ArgumentError(f"shortfall={self.shortfall}: it lies between 0 and 1.")
        choice(self.insolvent, ("sell", "hold"), "insolvent")
        if self.rounds is not None and self.rounds < 1:
            raise ArgumentError(f"rounds={self.rounds}: at least one, or None.")
        if self.depth is not None:
            check = checked_number("depth", above=True)
            object.__setattr__(self, "depth", by_asset("depth", self.depth, check))
        object.__setattr__(self, "floor", by_asset("floor", self.floor, _checked_floor))
        object.__setattr__(self, "illiquid", tuple(self.illiquid))

    def _limits(self, network: ExposureNetwork) -> tuple[np.ndarray, np.ndarray]:
        """The limit and the target of leverage, (n,) each."""
        most = self.parameter(network, "max_leverage")
        if self.target_leverage is None:
            return most, 0.95 * most
        target = self.parameter(network, "target_leverage")
        self._ordered(most, target, network.names)
        return most, target

    @staticmethod
    def _ordered(most: np.ndarray, target: np.ndarray, names: pd.Index | None) -> None:
        over = np.flatnonzero(target > most)
        if len(over):
            of = "" if names is None else f" of {listing(names[over])}"
            raise ArgumentError(
                f"target_leverage{of} is {target[over[0]]:g}: at most the limit of "
                f"{most[over[0]]:g}."
            )

    def _solve(self, network: ExposureNetwork, hit: Hit, trace: Trace) -> Solved:
        flat, pins, prices = hit.losses, hit.pins, hit.prices
        mine, book = Portfolios.of(network, self.illiquid), network.book
        start = mine.shocked(len(flat), prices)
        kept, other = mine.after(flat, start)
        started = ~np.isnan(pins)
        rate = np.where(started, 1.0 - np.nan_to_num(pins), 0.0)
        claims = np.asarray(rate @ network.liabilities)
        rest = other + np.maximum(book.claims - claims, 0.0)
        capital = np.nan_to_num(book.equity) - flat - claims
        most, target = self._limits(network)
        done = deleverage(
            mine.held,
            kept,
            start,
            rest,
            capital,
            mine.named("depth", self.depth, mine.total),
            book.can_fail & book.known,
            started,
            book.can_fail,
            most=most,
            target=target,
            floor=mine.named("floor", self.floor, np.zeros(0)),
            shortfall=self.shortfall,
            insolvent=self.insolvent == "sell",
            rounds=END if self.rounds is None else self.rounds,
            history=trace == "path",
        )
        ended = done.converged | (self.rounds is not None)
        outcome = valued(
            network, flat, pins, claims, done.lost, rate, done.default_round, done.rounds, ended,
            [(claims + lost, failed) for lost, failed in done.history] if trace == "path" else [],
        )  # fmt: skip
        marked = kept * (start @ mine.held.T)
        sold = self._above(most, marked, rest, capital, done.history[:-1])
        part = np.where(sold & book.can_fail & book.known, np.nan, 0.0)
        part = np.where(started, 1.0, part)
        return Solved(outcome, mine, part, done.sold, done.price, start - done.price)

    def _above(
        self,
        most: np.ndarray,
        value: np.ndarray,
        rest: np.ndarray,
        capital: np.ndarray,
        states: list[tuple[np.ndarray, np.ndarray]],
    ) -> np.ndarray:
        """(B, n) bool: nodes with leverage above the limit at the start of any round.

        Before its first sale a node bears the whole price fall, so it holds `value − lost`.
        """
        found, room = np.zeros(value.shape, bool), THRESHOLD * (rest + value)
        for lost, _ in states:
            have = capital - lost
            over = value - lost + rest > most * np.maximum(have, 0.0) + room
            found |= over & ((have > 0) | (self.insolvent == "sell"))
        return found

    @staticmethod
    def market_depth(
        daily_volume: float, volatility: float, days: float = 1.0, scale: float = 1.0
    ) -> float:
        """D = scale × daily volume / daily volatility × √days, money (100 % impact).

        Parameters: daily_volume (money), volatility (of daily returns), days over which sales are
        spread, scale (order one). ArgumentError unless all are above 0.

        >>> ThresholdDeleveraging.market_depth(100.0, 0.02, days=4)
        10000.0
        """
        if not min(daily_volume, volatility, days, scale) > 0:
            raise ArgumentError("daily_volume, volatility, days and scale have to be above 0.")
        return scale * daily_volume / volatility * float(np.sqrt(days))

    def overlaps(self, network: ExposureNetwork) -> pd.DataFrame:
        """Liquidity-weighted overlaps Ω_ij = Σ_a Π_ia Π_ja / D_a (n, n), money.

        Ω_ij is the first-order loss of i if j sells all its holdings; symmetric. The diagonal is
        the impact of a node on itself.

        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 0], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[40, 10],
        ...     holdings={"node": ["a", "b"], "asset": ["X", "X"], "value": [40.0, 10.0]})
        >>> ct.models.ThresholdDeleveraging(depth=1000).overlaps(net).loc["a", "b"]  # 40·10 / 1000
        np.float64(0.4)
        """
        mine = Portfolios.of(network, self.illiquid)
        weight = 1.0 / mine.named("depth", self.depth, mine.total)
        table = (mine.held.multiply(weight) @ mine.held.T).toarray()
        return pd.DataFrame(table, index=network.names, columns=network.names)

    def indirect_exposures(self, network: ExposureNetwork, size: float = 0.2) -> pd.DataFrame:
        """Loss of each node through sales when the price of an asset falls, per unit of price fall.

        One row per node, one column per asset (also `illiquid` ones): loss through sales after a
        fall of `size` (above 0, at most 1) in that asset alone, divided by `size`, money. Compare
        it with the holdings of the node, its direct exposure. It depends on `size`: below a
        threshold no node sells.

        Raises
        ------
        ArgumentError
            For a size out of range.
        """
        if not 0 < size <= 1:
            raise ArgumentError(f"size={size}: above 0 and at most 1.")
        assets = network.priced_assets
        prices = 1.0 - size * np.eye(len(assets))
        outcome = self.run(network, size * network.held.T.toarray(), None, prices)
        lost = (outcome.channels or {})["price"] / size
        return pd.DataFrame(lost.T, index=network.names, columns=assets)


def _checked_floor(value: Any) -> float:
    number = checked_number("floor")(value)
    if number >= 1:
        raise ArgumentError(f"floor={number:g}: it has to be below 1; depth=inf is no impact.")
    return number
