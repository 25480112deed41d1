"""The mapping of parties of a book to nodes of a network, and the amounts between the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ...errors import MarginError
from ...kernels.market_state import MarketState
from ...network import transforms
from ...network.exposure_network import ExposureNetwork
from ...network.provenance import record
from ...results.outcome import Outcome
from ...text import money
from ...units import conversion
from ..loss_bearers import MarketLosses
from ..margin_book import NUMERAIRE, MarginBook


@dataclass(frozen=True)
class Link:
    """The node of every venue and holder, as rows of the network; the holder (`holder_of`) and the
    venue (`venue_of`) of every account.

    All results are in the unit of the network; `rate` is the value of one unit of the book in it.
    `accounts` (N, n) and `venues` (V, n) sum over the accounts and venues of nodes.
    """

    venue: np.ndarray
    holder: np.ndarray
    holder_of: np.ndarray
    venue_of: np.ndarray
    rate: float
    accounts: csr_array
    venues: csr_array

    @classmethod
    def of(cls, network: ExposureNetwork, book: MarginBook) -> Link:
        venue, holder = (
            network.names.get_indexer_for(pd.Index(list(names), dtype=object))
            for names in (book.venues, book.holders)
        )
        rate, a = conversion_of(network, book), book.arrays

        def sums(rows: np.ndarray) -> csr_array:
            places = (np.arange(len(rows)), rows)
            return csr_array((np.full(len(rows), rate), places), (len(rows), len(network)))

        return cls(venue, holder, a.holder, a.venue, rate, sums(holder[a.holder]), sums(venue))

    def available(
        self, network: ExposureNetwork, book: MarginBook, free: np.ndarray, losses: np.ndarray
    ) -> np.ndarray:
        """(B, K) free money left after shocks (B, n); it is separate from assets at venues."""
        has = np.nan_to_num(network.book.external_assets, nan=np.inf)[self.holder]
        stakes = stakes_of(book, self.rate)
        over = (free > 0) & (free + stakes > has * (1 + 1e-9))
        if over.any():
            k = int(np.argmax(over))
            all_, part, given = (money(float(x[k]), network.unit) for x in (has, stakes, free))
            raise MarginError(
                f"free= gives {book.holders[k]!r} {given}: it has external assets {all_}, of which "
                f"{part} are at venues. Free money comes in addition to that part."
            )
        left = has - losses[:, self.holder] - stakes
        return np.asarray(np.minimum(free, np.maximum(left, 0.0)))

    def capital(
        self, network: ExposureNetwork, losses: np.ndarray, funds: np.ndarray
    ) -> np.ndarray:
        """(B, V) equity of venues after a shock, in excess of their funds (V,), in the unit of the
        book; 0 if it is unknown, unlimited if the node cannot default."""
        return self._of_venues(network, network.book.equity - losses, -self.rate * funds)

    def after(
        self,
        network: ExposureNetwork,
        settled: Outcome,
        market: MarketLosses,
        funds: np.ndarray,
    ) -> np.ndarray:
        """(B, V) the same after clearing, before the losses of the venue from deficits."""
        paid = market.fund + np.maximum(market.venue, 0.0) - funds
        return self._of_venues(network, settled.equity, self.rate * paid)

    def _of_venues(
        self, network: ExposureNetwork, equity: np.ndarray, more: np.ndarray
    ) -> np.ndarray:
        endless = network.book.known & ~network.book.can_fail
        whole = np.where(endless, np.inf, np.nan_to_num(equity))[:, self.venue]
        return np.asarray(np.maximum(whole + more, 0.0))

    def _nodes(self, accounts: np.ndarray, venues: np.ndarray) -> np.ndarray:
        """(B, n) amounts of accounts (B, N) and venues (B, V) summed by node."""
        return np.asarray(accounts @ self.accounts + venues @ self.venues)

    def moved(self, market: MarketLosses) -> np.ndarray:
        """(B, n) losses of nodes on accounts, which reduce external assets; negative: gains."""
        return self._nodes(market.lost, market.fund + market.venue)

    def marked(self, market: MarketLosses) -> np.ndarray:
        """(B, n) gains of nodes on positions through prices; negative: losses."""
        return np.asarray(market.marked @ self.accounts)

    def sold(self, market: MarketLosses) -> np.ndarray:
        """(B, n) losses of holders from sales below fundamental prices and from fees; the fees are
        gains of venues."""
        return self._nodes(market.sold, -market.fees)

    def short(self, network: ExposureNetwork, state: MarketState, gated: list[Any]) -> np.ndarray:
        """(n,) bool, nodes that are venues with a deficit and without a withdrawal gate."""
        runs = np.bincount(self.venue_of, state.deficit[0], len(self.venue)) > 0
        for numbers in gated:
            runs[slice(None) if numbers is None else list(numbers)] = False
        out = np.zeros(len(network), bool)
        out[self.venue[runs]] = True
        return out

    def within(
        self,
        network: ExposureNetwork,
        market: MarketLosses,
        losses: np.ndarray,
        pins: np.ndarray | None,
    ) -> None:
        """Raise for losses of account holders above their external assets."""
        has = np.nan_to_num(network.book.external_assets, nan=np.inf)
        lost = market.lost @ self.accounts
        over = (lost + losses > has * (1 + 1e-9)) & (lost > 0)
        if pins is not None:
            over &= np.isnan(pins)
        if over.any():
            beyond = np.where(over, lost + losses - has, -np.inf)
            row, worst = divmod(int(np.argmax(beyond)), len(network))
            unit, shock = network.unit, float(losses[row, worst])
            besides = f" besides {money(shock, unit)} in the shock" if shock > 0 else ""
            raise MarginError(
                f"{network.names[worst]!r} loses {money(float(lost[row, worst]), unit)} on its "
                f"accounts{besides} and has external assets of {money(float(has[worst]), unit)}. "
                "Its margin and collateral are part of them."
            )

    def left(
        self, network: ExposureNetwork, withdrawal: float, free: np.ndarray, settled: Outcome
    ) -> np.ndarray:
        """(B, K) money of holders for calls after clearing."""
        taken = np.maximum(settled.claims_lost, 0.0)
        if withdrawal:
            gone = settled.defaulted.astype(float)
            taken = taken + withdrawal * (network.liabilities @ gone.T).T
        taken = np.where(settled.defaulted, np.inf, taken)
        return np.asarray(np.maximum(free - taken[:, self.holder], 0.0))


def conversion_of(network: ExposureNetwork, book: MarginBook) -> float:
    """The value of one unit of money of the book in the unit of the network."""
    return conversion(
        book.unit,
        network.unit,
        "The book",
        f"Say what its prices and margins are in: MarginBook(…, unit={network.unit!r})."
        if network.unit
        else f"Say what the amounts of the network are in: unit={book.unit!r}.",
    )


def stakes_of(book: MarginBook, rate: float) -> np.ndarray:
    """(K,) assets of every holder at venues, in the unit of the network."""
    stake = rate * np.maximum(book.accounts["equity"].to_numpy(), 0.0)
    return np.bincount(book.arrays.holder, stake, len(book.holders))


def with_parties(
    network: ExposureNetwork, book: MarginBook, free: Mapping[Any, float], funds: np.ndarray
) -> ExposureNetwork:
    """The network with all venues and holders of the book, and the assets in the book.

    A new node for a holder has its assets at venues and its free money; a new node for a venue has
    its fund (V,), in the unit of the book.
    """
    if not len(network):
        return network
    known = network.names
    if not any(name in known for name in (*book.venues, *book.holders)):
        raise MarginError(
            "No venue and no holder of the book is a node of the network: there is nothing to "
            "couple. Use the same names in both."
        )
    rate = conversion_of(network, book)
    has = dict(zip(book.venues, (rate * funds).tolist(), strict=True))
    stakes = stakes_of(book, rate).tolist()
    for name, stake in zip(book.holders, stakes, strict=True):
        has[name] = has.get(name, 0.0) + stake + free.get(name, 0.0)
    new = {name: money for name, money in has.items() if name not in known}
    if new:
        more = pd.DataFrame({"node": list(new), "external_assets": list(new.values())})
        more = more.assign(external_liabilities=0.0, can_fail=True)
        nodes = network._completed()
        if "kind" in nodes:
            more["kind"] = np.where(more["node"].isin(book.venues), "venue", "account holder")
        done = record("added", "parties of the book", {"nodes": len(new)})
        nodes = pd.concat([nodes, more], ignore_index=True)
        network = transforms.rebuilt(network, done, network.exposures, nodes)
    moved = [name for name in dict.fromkeys((*book.base, *book.assets))
             if name != NUMERAIRE and name not in network.priced_assets]  # fmt: skip
    if not moved:
        return network
    rows = pd.DataFrame({"node": network.names[0], "asset": moved, "value": 0.0})
    return transforms.with_holdings_rows(network, rows)


def run_from(
    network: ExposureNetwork, ran: np.ndarray, eager: np.ndarray, losses: np.ndarray
) -> tuple[ExposureNetwork, np.ndarray]:
    """The network after creditors withdrew a share of their claims on some nodes, at par, and the
    amount withdrawn of each claim (m,).

    Equity does not change: claims turn into external assets of the creditor, paid from those of the
    debtor. Available cash is external assets after `losses`, less priced holdings.

    Parameters
    ----------
    ran : (n,) bool, debtors subject to the run.
    eager : (n,) share of its claims that each creditor requests.
    losses : (n,) losses on external assets, without losses of holdings through prices, money.

    Example
    -------
    v owes a and b 10 each and has 12; a withdraws half, b nothing:

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
    done = record(
        "withdrawn", "creditors withdraw at par", {"amount": money(float(paid.sum()), network.unit)}
    )
    return transforms.rebuilt(network, done, claims[claims["amount"] > 0], nodes), paid
