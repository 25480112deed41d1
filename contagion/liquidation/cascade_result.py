"""The result of a liquidation cascade, with labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..kernels.market_path import Watch
from ..kernels.market_state import MarketState
from ..media import shown
from ..text import money
from .cascade_solver import CascadeSolver
from .loss_bearers import bearers
from .margin_book import MarginBook
from .withdrawing_depth import Withdrawal


@dataclass(frozen=True)
class Moment:
    """One round: its date, market and oracle prices (A,), value liquidated so far, open units (A,),
    and available depth as a share of depth in calm markets (A,)."""

    date: Any
    market: np.ndarray
    told: np.ndarray
    liquidated: float
    open: np.ndarray
    depth: np.ndarray

    @staticmethod
    def into(kept: list[Moment], dates: list[Any], withdrawal: Withdrawal | None) -> Watch:
        """A callback that records every round of a single scenario in `kept`."""

        def watch(date: int, now: MarketState) -> None:
            kept.append(
                Moment(dates[date], now.price[0].copy(), now.told[0].copy(),
                       float(now.liquidated[0]), now.open[0].copy(), depth(now))
            )  # fmt: skip

        def depth(now: MarketState) -> np.ndarray:
            if withdrawal is None:
                return np.ones(now.gone.shape[-1])
            return np.asarray(withdrawal.depth(now.gone, np.sqrt(now.variance))[0])

        return watch


@dataclass(frozen=True, eq=False, repr=False)
class CascadeResult:
    """One price shock, or one path of prices, through one book. Money in the unit of the book.

    `before` is the book as given, `free` (K,) the money of holders available for calls, `state`
    the final state, as a batch of one; :attr:`book` is the book in that state.
    """

    cascade: CascadeSolver
    before: MarginBook
    shock: dict[str, float]
    free: np.ndarray
    state: MarketState
    moments: tuple[Moment, ...] = ()

    @property
    def prices(self) -> np.ndarray:
        """(A,) fundamental prices at the end."""
        return np.asarray(self.state.fundamental[0])

    @cached_property
    def outcome(self) -> MarketState:
        """The state at the end, without the axis of scenarios."""
        return self.state.single()

    @property
    def rounds(self) -> int:
        """Rounds until nothing changed."""
        return int(self.state.rounds[0])

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per account, in money.

        Columns: venue, holder, equity_before (at the prices before), equity_after (at the final
        market prices; 0 for an account with a deficit), called (margin calls met), fees, shared
        (taken for deficits of others by the rule of the venue), deficit, latent (negative
        equity of an account that is still open, at fundamental prices), liquidated
        (share of the units liquidated, by value before, including debt written off), vault
        (taken over).
        """
        book, out, a = self.before, self.outcome, self.before.arrays
        n = len(a.cash)
        first = np.bincount(a.account, np.abs(a.units) * book.price[a.asset], n)
        now = np.bincount(a.account, np.abs(out.units) * book.price[a.asset], n)
        before = book.accounts
        with np.errstate(divide="ignore", invalid="ignore"):
            gone = np.where(first > 0, 1.0 - now / first, 0.0)
        return pd.DataFrame(
            {
                "venue": before["venue"],
                "holder": before["holder"],
                "equity_before": before["equity"],
                "equity_after": self._equity(out.price),
                "called": out.topped,
                "fees": out.fees,
                "shared": out.shared,
                "deficit": out.deficit,
                "latent": self.latent_by_account,
                "liquidated": gone,
                "vault": out.vault,
            }
        )

    def _equity(self, price: np.ndarray) -> np.ndarray:
        a = self.before.arrays
        return np.asarray(
            self.outcome.cash
            + np.bincount(a.account, self.outcome.units * price[a.asset], len(a.cash))
        )

    @cached_property
    def latent_by_account(self) -> np.ndarray:
        """(N,) negative equity, at fundamental prices, of accounts that are still open."""
        worth = self._equity(self.prices)
        return np.where(self.outcome.vault, 0.0, np.maximum(-worth, 0.0))

    @property
    def deficits(self) -> pd.Series:
        """Deficits of closed accounts at each venue, money, which its rule has to share."""
        return self._by_venue(self.outcome.deficit, "deficit")

    @property
    def reserves(self) -> pd.DataFrame:
        """Deficits of loans by reserve: venue, asset (owed), deficit (money).

        The deficit of a loan is allocated pro rata to its remaining debts.
        """
        return self.before.reserves.assign(deficit=self.outcome.reserve)

    @property
    def latent(self) -> pd.Series:
        """Unrealized losses at each venue: negative equity of open accounts."""
        return self._by_venue(self.latent_by_account, "latent")

    @property
    def vaults(self) -> pd.Series:
        """Equity taken over by the vault of each venue, at fundamental prices, signed, money."""
        worth = np.where(self.outcome.vault, self._equity(self.prices), 0.0)
        return self._by_venue(worth, "vault")

    @property
    def fees(self) -> pd.Series:
        """Liquidation fees of each venue, money."""
        return self._by_venue(self.outcome.fees, "fees")

    @property
    def funds(self) -> pd.Series:
        """Insurance fund of each venue at the end, money."""
        return self._venues(self.outcome.fund, "fund")

    @property
    def uncovered(self) -> pd.Series:
        """Deficits of each venue beyond its fund, money."""
        return self._venues(self.outcome.uncovered, "uncovered")

    def _venues(self, money_: np.ndarray, name: str) -> pd.Series:
        return pd.Series(money_, pd.Index(self.before.venues, name="venue"), name=name)

    def _by_venue(self, money_: np.ndarray, name: str) -> pd.Series:
        at = self.before.arrays.venue
        return self._venues(np.bincount(at, money_, len(self.before.venues)), name)

    @property
    def holder_losses(self) -> pd.Series:
        """Loss of each holder, money: the fall of max(equity, 0), and calls met."""
        a, t = self.before.arrays, self.table
        held = ~self.outcome.vault
        after = np.where(held, np.maximum(t["equity_after"], 0.0), 0.0)
        lost = np.maximum(t["equity_before"], 0.0) - after + t["called"]
        sums = np.bincount(a.holder, lost, len(self.before.holders))
        return pd.Series(sums, pd.Index(self.before.holders, name="holder"), name="loss")

    @cached_property
    def book(self) -> MarginBook:
        """The final book at market prices: open positions and the cash of their accounts.

        Accounts taken over by a vault are empty, as they now belong to the venue.
        """
        out = self.outcome
        held = ~out.vault
        return self.before.holding(
            out.units * held[self.before.arrays.account],
            out.cash * held,
            out.price,
            float(out.elapsed),
        )

    @cached_property
    def history(self) -> pd.DataFrame:
        """One row per round and asset: market and oracle price, liquidated (money), open (units),
        depth (share of depth in calm markets).

        Round 0 is before the shock; liquidated is the sum over all assets (for loans the
        collateral), open are the units of the asset in all accounts, longs plus shorts.
        """
        book = self.before
        a = book.arrays
        whole = np.bincount(a.asset, np.abs(a.units), len(book.assets))
        rows = [Moment(0, book.price, book.price, 0.0, whole, np.ones(len(whole))), *self.moments]
        width = len(book.assets)
        so_far = np.array([row.liquidated for row in rows])
        return pd.DataFrame(
            {
                "date": [row.date for row in rows for _ in book.assets],
                "round": np.repeat(np.arange(len(rows)), width),
                "asset": [*book.assets] * len(rows),
                "market": np.concatenate([row.market for row in rows]),
                "oracle": np.concatenate([row.told for row in rows]),
                "liquidated": np.repeat(np.diff(so_far, prepend=0.0), width),
                "open": np.concatenate([row.open for row in rows]),
                "depth": np.concatenate([row.depth for row in rows]),
            }
        )

    @property
    def ledger(self) -> dict[str, float]:
        """Allocation of all amounts; the entries after the first sum to the first.

        start: equity before, gains from changes of fundamental prices, and calls met. accounts:
        positive equity at the end at fundamental prices; vaults: equity of accounts taken over,
        signed; latent: negative equity of open accounts, deficits: of closed ones (both negative);
        shared: part of the deficits charged to accounts by rules of venues; fees; buyers: their
        gains relative to the fundamental price; liquidators.
        """
        out, worth = self.outcome, self._equity(self.prices)
        a = self.before.arrays
        start = a.cash.sum() + (a.units * self.before.price[a.asset]).sum()
        return {
            "start": float(start + out.marked.sum() + out.topped.sum()),
            "accounts": float(np.maximum(worth, 0.0)[~out.vault].sum()),
            "vaults": float(worth[out.vault].sum()),
            "latent": -float(self.latent_by_account.sum()),
            "deficits": -float(out.deficit.sum()),
            "shared": float(out.shared.sum()),
            "fees": float(out.fees.sum()),
            "buyers": float(out.market),
            "liquidators": float(out.liquidators),
        }

    @cached_property
    def bearers(self) -> pd.DataFrame:
        """The loss by bearer: bearer, role, cause, hop, rule, amount (money), largest first.

        See :mod:`contagion.liquidation.loss_bearers`.
        """
        return bearers(self.before, self.state, self.cascade.rules)

    @property
    def socialized_share(self) -> float:
        """The share of contagion in `bearers`, 0 to 1; nan without a loss."""
        by = self.bearers.groupby("cause")["amount"].sum()
        return float(by.get("contagion", 0.0) / by.sum()) if len(by) else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """The figures of the run as a dict."""
        return {"rounds": self.rounds, **self.ledger}

    @shown
    def __repr__(self) -> str:
        unit, moved = self.before.unit, self.outcome.price / self.before.price - 1
        worst = int(np.argmin(moved))
        told = [f"{name} {move:+.1%}" for name, move in self.shock.items() if move]
        shock = ", ".join([*told[:4], "..."] if len(told) > 4 else told) or "no price moves"
        return "\n".join(
            [
                f"{self.cascade!r}: {shock}",
                f"  {self.rounds} rounds; {self.before.assets[worst]} ends at {moved[worst]:+.1%}",
                f"  liquidated {money(float(self.outcome.liquidated), unit)}, calls "
                f"met {money(float(self.outcome.topped.sum()), unit)}",
                f"  deficits {money(float(self.deficits.sum()), unit)}, latent "
                f"{money(float(self.latent.sum()), unit)}",
            ]
        )
