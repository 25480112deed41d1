"""What a liquidation cascade ends with, labelled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..kernels.liquidation_rounds import Liquidated
from ..media import shown
from ..text import money
from .cascade_solver import CascadeSolver
from .margin_book import MarginBook


@dataclass(frozen=True, eq=False, repr=False)
class CascadeResult:
    """One price shock through one book. Money in the unit of the book.

    `prices` (A,) are the fundamental prices after the shock, `free` (K,) what holders had to meet
    calls with.
    """

    cascade: CascadeSolver
    book: MarginBook
    shock: dict[str, float]
    free: np.ndarray
    prices: np.ndarray
    outcome: Liquidated

    @property
    def rounds(self) -> int:
        """Rounds until nothing moved any more."""
        return int(self.outcome.rounds)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row an account, in money.

        Columns: venue, holder, equity_before (at the prices before), equity_after (at the market
        prices at the end; 0 where a deficit was left), called (margin calls met), fees, deficit,
        latent (negative equity of an account that is still open, at fundamental prices), liquidated
        (part of the units that is gone, by value before, debt written off included), vault
        (taken over).
        """
        book, out, a = self.book, self.outcome, self.book.arrays
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
                "deficit": out.deficit,
                "latent": self.latent_by_account,
                "liquidated": gone,
                "vault": out.vault,
            }
        )

    def _equity(self, price: np.ndarray) -> np.ndarray:
        a = self.book.arrays
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
        """What closed accounts leave unpaid at each venue, money: what its rule has to share."""
        return self._by_venue(self.outcome.deficit, "deficit")

    @property
    def latent(self) -> pd.Series:
        """Losses at each venue that nobody has realized: open accounts worth less than 0."""
        return self._by_venue(self.latent_by_account, "latent")

    @property
    def vaults(self) -> pd.Series:
        """Value of what the vault of each venue took over, at fundamental prices, signed, money."""
        worth = np.where(self.outcome.vault, self._equity(self.prices), 0.0)
        return self._by_venue(worth, "vault")

    @property
    def fees(self) -> pd.Series:
        """Liquidation fees of each venue, money."""
        return self._by_venue(self.outcome.fees, "fees")

    def _by_venue(self, money_: np.ndarray, name: str) -> pd.Series:
        at = self.book.arrays.venue
        sums = np.bincount(at, money_, len(self.book.venues))
        return pd.Series(sums, pd.Index(self.book.venues, name="venue"), name=name)

    @property
    def holder_losses(self) -> pd.Series:
        """What each holder loses, money: the fall of max(equity, 0), and calls met."""
        a, t = self.book.arrays, self.table
        held = ~self.outcome.vault
        after = np.where(held, np.maximum(t["equity_after"], 0.0), 0.0)
        lost = np.maximum(t["equity_before"], 0.0) - after + t["called"]
        sums = np.bincount(a.holder, lost, len(self.book.holders))
        return pd.Series(sums, pd.Index(self.book.holders, name="holder"), name="loss")

    @cached_property
    def path(self) -> pd.DataFrame:
        """The rounds: round, asset, market, oracle (prices), liquidated (money), open (units).

        Round 0 is before the shock; liquidated is the sum over all assets (of loans the
        collateral), open are the units of the asset in all accounts, longs and shorts added.
        """
        book = self.book
        a = book.arrays
        whole = np.bincount(a.asset, np.abs(a.units), len(book.assets))
        rows = [(0, book.price, book.price, 0.0, whole)]
        rows += [
            (k, market, told, float(cash), left)
            for k, (market, told, cash, left) in enumerate(self.outcome.path, 1)
        ]
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "round": k,
                        "asset": book.assets,
                        "market": market,
                        "oracle": told,
                        "liquidated": cash,
                        "open": left,
                    }
                )
                for k, market, told, cash, left in rows
            ],
            ignore_index=True,
        )

    @property
    def ledger(self) -> dict[str, float]:
        """Where the money went; the entries after the first sum to it.

        start: equity at the fundamental prices after the shock, plus calls met. accounts: equity
        at the end at fundamental prices, where it is positive; vaults: of accounts taken over,
        signed; latent: equity below 0 of open accounts, deficits: of closed ones (both counted
        below 0); fees; buyers: what they gained on the fundamental price; liquidators.
        """
        out, worth = self.outcome, self._equity(self.prices)
        a = self.book.arrays
        start = a.cash + np.bincount(a.account, a.units * self.prices[a.asset], len(a.cash))
        return {
            "start": float(start.sum() + out.topped.sum()),
            "accounts": float(np.maximum(worth, 0.0)[~out.vault].sum()),
            "vaults": float(worth[out.vault].sum()),
            "latent": -float(self.latent_by_account.sum()),
            "deficits": -float(out.deficit.sum()),
            "fees": float(out.fees.sum()),
            "buyers": float(out.market),
            "liquidators": float(out.liquidators),
        }

    def to_dict(self) -> dict[str, Any]:
        """The figures of the run as a dict."""
        return {"rounds": self.rounds, **self.ledger}

    @shown
    def __repr__(self) -> str:
        unit, moved = self.book.unit, self.outcome.price / self.book.price - 1
        worst = int(np.argmin(moved))
        return "\n".join(
            [
                f"{self.cascade!r}: {self.shock}",
                f"  {self.rounds} rounds; {self.book.assets[worst]} ends at {moved[worst]:+.1%}",
                f"  liquidated {money(sum(float(p[2]) for p in self.outcome.path), unit)}, calls "
                f"met {money(float(self.outcome.topped.sum()), unit)}",
                f"  deficits {money(float(self.deficits.sum()), unit)}, latent "
                f"{money(float(self.latent.sum()), unit)}",
            ]
        )
