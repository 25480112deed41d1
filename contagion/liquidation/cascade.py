"""The liquidation cascade: a book of positions and loans, a price shock, and what it sets off."""

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
    """Mark, call, liquidate, move the price, and mark again, until nothing breaks any more.

    In every round

    1. the market price is the fundamental price times the impact of what has been sold, and the
       oracle says what venues take for it;
    2. accounts whose health is below 0 are called; a holder with enough money elsewhere pays
       (`free`): all calls on its accounts in this round, or none;
    3. accounts that stay below are liquidated: positions until they are back in health, at
       most their close factor (all of it once equity is gone), loans by their close factor, where
       the liquidator takes collateral pro rata, worth the repaid debt and the bonus of each;
    4. what is sold moves the price; all sellers of a round get its average price.

    An account that is closed with negative equity leaves a deficit at its venue. For a loan the
    deficit is the debt that remains after all collateral is sold, at fundamental prices. A loan
    whose collateral is worth nothing to begin with is not liquidated and stays open (latent). The
    asset "money" is the unit of account: no sale moves it. Sales below the fundamental price are a
    gain of the buyers, so that amounts add up:

        equity after + deficits counted below 0 + fees + gains of buyers and liquidators
            = equity before + what moves of fundamental prices gave + calls met

    Parameters
    ----------
    impact : how sales move the price, see :class:`~contagion.liquidation.PriceImpact`. One
        parameter an asset comes in the order of `book.assets`. Fees of pools are not charged.
    oracle : what venues take for the price, see :class:`~contagion.liquidation.Oracle` and
        :class:`~contagion.liquidation.VenueOracles`.
    breakers : volatility controls, see :mod:`contagion.liquidation.circuit_breakers`.
    partial : close only what is needed of a position; `False`: their close factor at once.
    backstop : accounts with equity below this part of their maintenance go to the vault of the
        venue instead of the market (2/3 at Hyperliquid); 0: no vault.
    vault_capacity : negative equity that a vault takes on, money, a number or {venue: number};
        the accounts of one round all fit or none.
    minimum_profit : liquidators act only where, at the market price, they keep this part of what
        they repay; −inf: at any loss.
    repay_first : debts that liquidators of a loan repay first, assets in order; those that are not
        named come after them, pro rata.
    fund : insurance fund, money, a number or {venue: number}: fees go in, deficits come out.
    rules : {venue: rule} by which a venue shares deficits beyond its fund among its accounts, see
        :mod:`contagion.rules` and :mod:`contagion.venues`; what it puts on no account, and that of
        venues without a rule, stays with the venue. On a path they act at its end.
    deadline : rounds that a position below maintenance has before it is closed, a number or
        {venue: number}; a holder with enough money meets the call at once.
    withdrawal : depth that leaves, see :class:`~contagion.liquidation.Withdrawal`; None: it stays.
    arbitrage : part of a sale, 0 to 1, that weighs on all markets of the asset alike, by their
        depth, where venues have markets of their own; the rest stays in its own.
    days : that a round lasts, for options and futures with an expiry; 0: time stands still.
    tolerance : relative change of prices below which they count as settled.
    max_rounds : rounds before a run counts as not converged.

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
        """Push one price shock through the book, or prices along a path.

        On a path a round is the clock: halts, delays of oracles, recovery and deadlines count it.
        Margins and breakers act between two dates, where one jump leaves them no time.

        Parameters
        ----------
        shock : {asset: relative change >= −1} of fundamental prices, all at once.
        free : {holder: money} with which holders meet margin calls; others have none.
        path : instead of `shock`, a table of fundamental prices, one row a date (in order), one
            column an asset; an asset without a column stays where it is.
        rounds : of a path: rounds that pass at each date, one number, or one a date where dates lie
            apart by different times; None: until nothing moves. The last prices stand until
            nothing moves.

        Example
        -------
        A long of 10 with 100 of margin, maintenance 5 %. In one jump to 88 it lacks 20. By way of
        94, where its equity of 40 is below 47, it has sold 1.4894 there, and lacks 11.06.

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

    A change of an asset moves all its markets that have no change of their own.
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
    """(T, A) prices and the T dates of a table of prices; `MarginError` for one that is none."""
    if not isinstance(path, pd.DataFrame) or not len(path):
        raise MarginError("path= is a table of prices: one row a date, one column an asset.")
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
