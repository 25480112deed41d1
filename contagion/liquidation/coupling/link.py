"""Which party of a book is which node of a network, and what moves between the two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import MarginError
from ...kernels.market_state import MarketState
from ...network import transforms
from ...network.exposure_network import ExposureNetwork
from ...network.provenance import record
from ...results.outcome import Outcome
from ...text import money
from ...units import conversion
from ..loss_bearers import MarketLosses
from ..margin_book import MarginBook


@dataclass(frozen=True)
class Link:
    """Which venue and which holder is which node: rows of the network, -1 where none; the holder
    (`holder_of`) and the venue (`venue_of`) of every account.

    All amounts that leave it are in the unit of the network; `rate` is the worth of one unit of
    the book in it.
    """

    venue: np.ndarray
    holder: np.ndarray
    holder_of: np.ndarray
    venue_of: np.ndarray
    rate: float

    @classmethod
    def of(cls, network: ExposureNetwork, book: MarginBook) -> Link:
        names = network.names
        found = cls(
            names.get_indexer_for(pd.Index(list(book.venues), dtype=object)),
            names.get_indexer_for(pd.Index(list(book.holders), dtype=object)),
            book.arrays.holder,
            book.arrays.venue,
            conversion(
                book.unit,
                network.unit,
                "The book",
                f"Say what its prices and margins are in: MarginBook(…, unit={network.unit!r})."
                if network.unit
                else f"Say what the amounts of the network are in: unit={book.unit!r}.",
            ),
        )
        if (found.venue < 0).all() and (found.holder < 0).all():
            raise MarginError(
                "No venue and no holder of the book is a node of the network: there is nothing to "
                "couple. Use the same names in both."
            )
        return found

    def available(
        self, network: ExposureNetwork, book: MarginBook, free: np.ndarray, losses: np.ndarray
    ) -> np.ndarray:
        """(B, K) free money that shocks (B, n) leave; it has to be there besides what is at venues."""
        stake = self.rate * np.maximum(book.accounts["equity"].to_numpy(), 0.0)
        stakes = np.bincount(book.arrays.holder, stake, len(book.holders))
        has = np.full(len(free), np.inf)
        at = self.holder >= 0
        has[at] = np.nan_to_num(network.book.external_assets, nan=np.inf)[self.holder[at]]
        over = (free > 0) & (free + stakes > has * (1 + 1e-9))
        if over.any():
            k = int(np.argmax(over))
            all_, part, given = (money(float(x[k]), network.unit) for x in (has, stakes, free))
            raise MarginError(
                f"free= gives {book.holders[k]!r} {given}: it has external assets {all_}, of which "
                f"{part} are at venues. Free money is another part of them."
            )
        out = np.tile(free, (len(losses), 1))
        left = has[at] - losses[:, self.holder[at]] - stakes[at]
        out[:, at] = np.minimum(free[at], np.maximum(left, 0.0))
        return out

    def capital(
        self, network: ExposureNetwork, losses: np.ndarray, funds: np.ndarray
    ) -> np.ndarray:
        """(B, V) equity of venues that a shock leaves beyond their funds (V,), in the unit of the
        book; 0 for one that is no node, unlimited where a node cannot fail."""
        return self._of_venues(network, network.book.equity - losses, -self.rate * funds)

    def after(
        self,
        network: ExposureNetwork,
        settled: Outcome,
        market: MarketLosses,
        funds: np.ndarray,
    ) -> np.ndarray:
        """(B, V) the same after clearing, without what deficits cost the venue."""
        paid = market.fund + np.maximum(market.venue, 0.0) - funds
        return self._of_venues(network, settled.equity, self.rate * paid)

    def _of_venues(
        self, network: ExposureNetwork, equity: np.ndarray, more: np.ndarray
    ) -> np.ndarray:
        free = ~(network.book.can_fail & network.book.known)
        whole = np.where(free, np.inf, np.nan_to_num(equity))[:, self.venue] + more
        return np.where(self.venue >= 0, np.maximum(whole, 0.0), 0.0)

    def _nodes(
        self, network: ExposureNetwork, accounts: np.ndarray, venues: np.ndarray
    ) -> np.ndarray:
        """(B, n) money of accounts (B, N) and venues (B, V) by node."""
        out = np.zeros((len(accounts), len(network) + 1))
        np.add.at(out.T, self.holder[self.holder_of], accounts.T)
        np.add.at(out.T, self.venue, venues.T)
        return np.asarray(self.rate * out[:, :-1])

    def moved(self, network: ExposureNetwork, market: MarketLosses) -> np.ndarray:
        """(B, n) what the accounts take from the external assets of nodes, below 0: add to them."""
        return self._nodes(network, market.lost, market.fund + market.venue)

    def marked(self, network: ExposureNetwork, market: MarketLosses) -> np.ndarray:
        """(B, n) what prices give to the positions of nodes, below 0 take. What enters by accounts
        of parties that are no nodes counts where it enters, at the venue."""
        outside = self.holder[self.holder_of] < 0
        enters = np.zeros_like(market.venue)
        short = np.where(outside, market.deficit, 0.0)
        np.add.at(enters.T, self.venue_of, short.T)
        return self._nodes(network, market.marked, -enters)

    def sold(self, network: ExposureNetwork, market: MarketLosses) -> np.ndarray:
        """(B, n) what holders lose by sales below fundamental prices and by fees, which are gains
        of venues."""
        return self._nodes(network, market.sold, -market.fees)

    def elsewhere(self, market: MarketLosses) -> float:
        """What venues and holders that are no nodes lost on accounts, in the first scenario."""
        lost = np.zeros(len(self.holder))
        np.add.at(lost, self.holder_of, market.lost[0])
        venues = (market.fund + market.venue)[0]
        parts = np.concatenate([lost[self.holder < 0], venues[self.venue < 0]])
        return float(self.rate * np.maximum(parts, 0.0).sum())

    def short(
        self, network: ExposureNetwork, state: MarketState, gated: list[Any]
    ) -> np.ndarray:
        """(n,) bool, nodes that are venues with a deficit and let their creditors out."""
        runs = np.bincount(self.venue_of, state.deficit[0], len(self.venue)) > 0
        for numbers in gated:
            runs[slice(None) if numbers is None else list(numbers)] = False
        out = np.zeros(len(network), bool)
        out[self.venue[runs & (self.venue >= 0)]] = True
        return out

    def within(
        self,
        network: ExposureNetwork,
        moved: np.ndarray,
        losses: np.ndarray,
        pins: np.ndarray | None,
    ) -> None:
        """Refuse losses on accounts (B, n) above the external assets of a node."""
        has = np.nan_to_num(network.book.external_assets, nan=np.inf)
        over = (moved + losses > has * (1 + 1e-9)) & (moved > 0)
        if pins is not None:
            over &= np.isnan(pins)
        if over.any():
            row, worst = divmod(
                int(np.argmax(np.where(over, moved + losses - has, -np.inf))), len(network)
            )
            lost, unit = float(moved[row, worst]), network.unit
            besides = f" besides {money(float(losses[row, worst]), unit)} in the shock"
            raise MarginError(
                f"{network.names[worst]!r} loses {money(lost, unit)} on its accounts"
                f"{besides if losses[row, worst] > 0 else ''} and has external assets of "
                f"{money(float(has[worst]), unit)}. "
                "Its margin and collateral (of a venue: what it owes its winners) are part of them."
            )

    def left(
        self, network: ExposureNetwork, withdrawal: float, free: np.ndarray, settled: Outcome
    ) -> np.ndarray:
        """(B, K) what holders have to meet calls with after clearing."""
        taken = np.maximum(settled.claims_lost, 0.0)
        if withdrawal:
            gone = settled.defaulted.astype(float)
            taken = taken + withdrawal * (network.liabilities @ gone.T).T
        taken = np.where(settled.defaulted, np.inf, taken)
        at = self.holder >= 0
        out = free.copy()
        out[:, at] = np.maximum(free[:, at] - taken[:, self.holder[at]], 0.0)
        return out


def run_from(
    network: ExposureNetwork, ran: np.ndarray, eager: np.ndarray, losses: np.ndarray
) -> tuple[ExposureNetwork, np.ndarray]:
    """The network after creditors withdrew a part of their claims on some nodes, at par, and what
    was withdrawn of each claim before (m,).

    Equity does not change: claims turn into external assets of the creditor, paid out of those of
    the debtor. Cash is what `losses` leave of them, less priced holdings.

    Parameters
    ----------
    ran : (n,) bool, debtors that creditors run from.
    eager : (n,) part of its claims that each creditor asks for.
    losses : (n,) money that is gone from external assets, but for what holdings lost by prices.

    Example
    -------
    v owes a and b 10 each and has 12; a takes half, b nothing:

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10, 10], [0, 0, 0], [0, 0, 0]],
    ...     ["v", "a", "b"], orientation="debtor->creditor", external_assets=[12, 1, 1])
    >>> ran, eager = np.array([True, False, False]), np.array([0, 0.5, 0])
    >>> after, paid = run_from(net, ran, eager, losses=np.zeros(3))
    >>> after.amount.tolist(), after.book.external_assets.tolist(), paid.tolist()
    ([5.0, 10.0], [7.0, 6.0, 1.0], [5.0, 0.0])

    Source: arithmetic.
    """
    asked = np.where(ran[network.debtor], network.amount * eager[network.creditor], 0.0)
    if not asked.any():
        return network, asked
    n, has = len(network), network.book.external_assets
    cash = np.nan_to_num(has - losses, nan=np.inf) - network.held.sum(axis=1)
    wanted = np.bincount(network.debtor, asked, n)
    part = np.clip(cash, 0.0, None) / np.where(wanted > 0, wanted, 1.0)
    paid = asked * np.minimum(part, 1.0)[network.debtor]
    external = has - np.bincount(network.debtor, paid, n) + np.bincount(network.creditor, paid, n)
    claims = network.exposures.assign(amount=network.amount - paid)
    nodes = transforms.with_columns(network, {"external_assets": external})
    done = record("withdrawn", "creditors withdraw at par", {"amount": paid.sum()})
    return transforms.rebuilt(network, done, claims[claims["amount"] > 0], nodes), paid
