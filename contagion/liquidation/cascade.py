"""The liquidation cascade: the effect of a price shock on a book of positions and loans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ConvergenceError, MarginError, expect
from ..text import known_name
from .cascade_result import CascadeResult, Moment
from .cascade_solver import CascadeSolver
from .margin_book import NUMERAIRE, MarginBook


@dataclass(frozen=True, repr=False)
class LiquidationCascade(CascadeSolver):
    """Mark to market, call margin, liquidate, move the price, and repeat until nothing changes.

    In every round

    1. the market price is the fundamental price times the impact of all sales so far, and the
       oracle reports the price that venues use;
    2. accounts with health below 0 get a margin call; a holder with enough money elsewhere
       (`free`) pays all calls on its accounts in this round, otherwise none;
    3. accounts that stay below 0 are liquidated: positions until health is restored, at most by
       their close factor (in full if equity is lost), loans by their close factor; the liquidator
       takes collateral pro rata, worth the repaid debt plus the bonus of each;
    4. the sales move the price; all sellers of a round get its average price.

    An account that is closed with negative equity leaves a deficit at its venue. For a loan the
    deficit is the debt that remains after all collateral is sold, at fundamental prices. A loan
    whose collateral is worthless from the start is not liquidated and stays open (latent). The
    asset "money" is the unit of account: its price never moves. Sales below the fundamental price
    are a gain of the buyers, so that amounts add up:

        equity after + deficits (negative) + fees + gains of buyers and liquidators
            = equity before + gains from changes of fundamental prices + calls met

    Parameters
    ----------
    impact : price impact of sales, see :class:`~contagion.liquidation.PriceImpact`. Parameters by
        asset are in the order of `book.assets`. Fees of pools are not charged.
    oracle : the price that venues use, see :class:`~contagion.liquidation.Oracle` and
        :class:`~contagion.liquidation.VenueOracles`.
    breakers : volatility controls, see :mod:`contagion.liquidation.circuit_breakers`.
    partial : close only the necessary share of a position; `False`: its close factor at once.
    backstop : accounts with equity below this share of their maintenance go to the vault of the
        venue instead of the market (2/3 at Hyperliquid); 0: no vault.
    vault_capacity : largest negative equity that a vault takes, money, a number or {venue: number};
        it takes all accounts of one round or none.
    minimum_profit : liquidators act only if, at the market price, their profit is at least this
        share of the repaid debt; −inf: at any loss.
    repay_first : debts that liquidators of a loan repay first, assets in order; other debts are
        repaid after them, pro rata.
    fund : insurance fund, money, a number or {venue: number}: receives fees and pays deficits.
    rules : {venue: rule} by which a venue shares deficits beyond its fund among its accounts, see
        :mod:`contagion.rules` and :mod:`contagion.venues`; deficits not allocated to an account,
        and those of venues without a rule, stay with the venue. On a path they act at its end.
    deadline : rounds before a position below maintenance is closed, a number or {venue: number};
        a holder with enough money meets the call at once.
    withdrawal : depth that leaves the market, see :class:`~contagion.liquidation.Withdrawal`;
        None: depth is constant.
    arbitrage : share of a sale, 0 to 1, that is spread over all markets of the asset in proportion
        to their depth, if venues have separate markets; the rest affects only its own market.
    days : length of a round, for options and futures with an expiry; 0: no time passes.
    tolerance : relative change of prices below which they count as constant.
    max_rounds : maximum number of rounds; a run that needs more has not converged.

    Raises
    ------
    ConvergenceError : by `run`, when `max_rounds` is reached; `.partial` has the result so far.

    Example
    -------
    One long of 10 entered at 100 with a margin of 100; at 88 its equity is −20:

    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> ct.liquidation.LiquidationCascade().run(book, {"X": -0.12}).deficits["v"]
    np.float64(20.0)

    Source: the form of health and liquidation is that of the venues in `contagion.venues`: margin
    trading with maintenance rates, and loans after Aave v3 (close factor, bonus); prices after
    Cifuentes, Ferrucci & Shin (2005), Journal of the European Economic Association 3(2-3), where
    sales move the mark at which others are judged.
    """

    def run(
        self,
        book: MarginBook,
        shock: Mapping[str, float] | None = None,
        free: Mapping[Any, float] | None = None,
        *,
        path: pd.DataFrame | None = None,
        rounds: int | Sequence[int | None] | None = 1,
    ) -> CascadeResult:
        """Run one price shock on the book, or prices along a path.

        On a path, time is measured in rounds: halts, oracle delays, recovery and deadlines count
        them. Margin calls and breakers can act between two dates, unlike in a single jump.

        Parameters
        ----------
        shock : {asset: relative change >= −1} of fundamental prices, all at once.
        free : {holder: money} with which holders meet margin calls; others have none.
        path : instead of `shock`, a table of fundamental prices, one row per date (in order), one
            column per asset; the price of an asset without a column is constant.
        rounds : of a path: rounds at each date, one number, or one per date if dates are unequally
            spaced; None: until nothing changes. The last prices stay until nothing changes.

        Example
        -------
        A long of 10 with a margin of 100, maintenance 5 %. After one jump to 88 its deficit is 20.
        On a path through 94, where its equity of 40 is below 47, it sells 1.4894 there, and the
        deficit is 11.06.

        >>> import contagion as ct
        >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
        ...     "instrument": "X", "size": 10, "margin": 100}])
        >>> cascade = ct.liquidation.LiquidationCascade()
        >>> done = cascade.run(book, path=pd.DataFrame({"X": [94.0, 88.0]}, index=[1, 2]))
        >>> done.history.groupby("date")["liquidated"].sum().round(2).tolist()
        [0.0, 140.0, 748.94]
        >>> round(float(done.deficits["v"]), 4)
        11.0638
        """
        expect(book=book)
        if (shock is None) == (path is None):
            raise MarginError("Give either a shock {asset: change} or path=, a table of prices.")
        if path is None:
            prices, dates = shocked(book, shock or {})[None], [1]
        else:
            prices, dates = along(book, path)
        money = np.zeros(len(book.holders))
        for name, amount in (free or {}).items():
            known_name(name, book.holders, "holder")
            if not amount >= 0:
                raise MarginError(f"free= gives {name!r} {amount}; it is money >= 0.")
            money[book.holders.index(name)] = amount
        kept: list[Moment] = []
        watch = Moment.into(kept, dates, self.withdrawal)
        state = self.solve(book, prices[None], money, path=True, rounds=rounds, watch=watch)
        moves = dict(shock) if shock is not None else dict(
            zip(book.assets, (prices[-1] / np.where(book.price > 0, book.price, 1.0) - 1).tolist(),
                strict=True)
        )  # fmt: skip
        result = CascadeResult(self, book, moves, money, state, tuple(kept))
        if not bool(result.outcome.settled):
            raise ConvergenceError(
                f"The cascade did not settle in {self.max_rounds} rounds. Raise max_rounds, or "
                "look at .partial.",
                result,
            )
        return result


def shocked(book: MarginBook, shock: Mapping[str, float]) -> np.ndarray:
    """(A,) prices after relative changes; `MarginError` for an unknown asset or a fall below 0.

    The change of an asset applies to all its markets that have no separate change.
    """
    prices = book.price.copy()
    for name, change in shock.items():
        if name == NUMERAIRE and change:
            raise MarginError(f"{NUMERAIRE!r} is the unit of account; its price does not move.")
        at = [
            k for k in book.markets(name) if book.assets[k] == name or book.assets[k] not in shock
        ]
        if not (np.isfinite(change) and change >= -1):
            raise MarginError(f"The price change of {name!r} is {change}; it has to be >= -1.")
        prices[at] *= 1 + change
    return prices


def along(book: MarginBook, path: pd.DataFrame) -> tuple[np.ndarray, list[Any]]:
    """(T, A) prices and the T dates of a table of prices; `MarginError` if it is invalid."""
    if not isinstance(path, pd.DataFrame) or not len(path):
        raise MarginError("path= is a table of prices: one row per date, one column per asset.")
    if not (path.index.is_monotonic_increasing and path.index.is_unique):
        raise MarginError("The dates of path= are not in order, or not unique: sort its index.")
    prices = np.tile(book.price, (len(path), 1))
    for name in path.columns:
        at = [k for k in book.markets(name) if book.assets[k] == name or book.assets[k] not in path]
        given = pd.to_numeric(path[name], errors="coerce").to_numpy(float)
        bad = ~(np.isfinite(given) & (given >= 0))
        if bad.any():
            raise MarginError(
                f"The price of {name!r} at {path.index[int(np.argmax(bad))]} is not money >= 0."
            )
        if name == NUMERAIRE and (given != 1).any():
            raise MarginError(f"{NUMERAIRE!r} is the unit of account; its price does not move.")
        prices[:, at] = given[:, None]
    return prices, list(path.index)
