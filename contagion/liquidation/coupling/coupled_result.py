"""The joint fixed point of a cascade and clearing, with labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, cast

import numpy as np
import pandas as pd

from ...media import shown
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...records import Amounts
from ...results import ledger as entries
from ...results.audit import again, extended
from ...results.propagation_result import PropagationResult
from ...shocks import Shock
from ...text import money
from ..cascade_result import CascadeResult
from ..loss_bearers import FUND, OWNERS, MarketLosses
from .link import Link


class Coupled(Protocol):
    """A model that clears with another one."""

    model: Model


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CoupledResult(PropagationResult):
    """A cascade on the book and clearing on the network, with one ledger.

    `cascade` is the run on the book, in its unit; all other amounts are in the unit of the network.
    `free` (K,) is the money of holders available for calls, `moved` (n,) the losses of nodes on
    accounts, which reduce their external assets (negative: gains). `rounds` are joint rounds.
    `network` is the network after creditors withdrew, `start_network` the one before.
    """

    cascade: CascadeResult
    rounds: int
    free: np.ndarray
    moved: np.ndarray
    paid: np.ndarray
    start_network: ExposureNetwork
    link: Link
    market: MarketLosses

    @cached_property
    def table(self) -> pd.DataFrame:
        """The table of every run, plus on_accounts: losses of the node on positions, loans and
        deficits of accounts, below 0 gains."""
        usual: pd.DataFrame = super().table
        return usual.assign(on_accounts=self.moved)

    @cached_property
    def settled(self) -> PropagationResult:
        """Clearing alone, with losses and gains on accounts as a shock to external assets."""
        net, inner = self.network, cast(Coupled, self.model)
        book, won = net.book, np.maximum(-self.moved, 0.0)
        hit = np.maximum(self.moved, 0.0)
        # if a venue loses more than its assets, the rest falls on creditors outside the network
        has = np.nan_to_num(book.external_assets + won - self.hit.losses, nan=np.inf)
        owed = np.where(hit > 0, np.maximum(hit - np.maximum(has, 0.0), 0.0), 0.0)
        if won.any() or owed.any():
            net = net.with_nodes(
                external_assets=book.external_assets + won,
                external_liabilities=book.external_liabilities + owed,
            )
        at = np.flatnonzero(hit > owed).tolist()
        lost = {net.names[i]: float(hit[i] - owed[i]) for i in at}
        return inner.model.propagate(net, self.shock + Shock.loss(lost))

    def audit(self) -> pd.DataFrame:
        """The audit of clearing, given losses and gains on accounts; then of cascade and clearing,
        run once more, and of the ledger. See :meth:`PropagationResult.audit`."""
        rows = again(self, self.start_network, self.ledger.table)
        return extended(self.settled.audit(), rows)

    @property
    def layers(self) -> pd.DataFrame:
        """The waterfall of every node with a loss, see :attr:`PropagationResult.layers`."""
        return self.settled.layers

    @cached_property
    def withdrawn(self) -> pd.DataFrame:
        """One row per claim withdrawn in a run: creditor, debtor, amount (before), withdrawn
        (money)."""
        gone = self.start_network.exposures.assign(withdrawn=self.paid)
        gone = gone.loc[gone["withdrawn"] > 0, ["creditor", "debtor", "amount", "withdrawn"]]
        return gone.reset_index(drop=True)

    @cached_property
    def ledger(self) -> Amounts:
        """The ledger of the run, with funds of venues separate from their owners; see
        :attr:`PropagationResult.ledger`."""
        frame = entries.table(self.network, self.entries, self.hops, self.before)
        book, fund = self.cascade.before, self.link.rate * self.market.fund[0]
        for v in np.flatnonzero(fund > 0).tolist():
            mine = frame[(frame["bearer"] == book.venues[v]) & (frame["role"] == OWNERS)]
            for at, row in mine.iterrows():
                part = min(float(fund[v]), float(row["amount"]))
                fund[v] -= part
                frame.loc[at, "amount"] -= part
                frame.loc[len(frame)] = row.to_dict() | {
                    "role": FUND, "rule": "fund", "amount": part
                }  # fmt: skip
        frame = frame[frame["amount"] > 0]
        frame = frame.sort_values("amount", ascending=False, kind="stable", ignore_index=True)
        return Amounts(frame, entries.MEANING, unit=self.network.unit)

    @property
    def totals(self) -> dict[str, float]:
        """Allocation of all amounts: the ledger of the cascade, and losses of nodes on accounts
        (`on_graph`) and in total (`borne`)."""
        return {
            **{name: self.link.rate * amount for name, amount in self.cascade.ledger.items()},
            "on_graph": float(np.maximum(self.moved, 0.0).sum()),
            "borne": self.socialization.borne,
        }

    @shown
    def __repr__(self) -> str:
        lost = money(float(np.maximum(self.moved, 0.0).sum()), self.network.unit)
        lines = [
            f"CoupledCascade after {self.rounds} joint rounds:",
            *(f"  {line.strip()}" for line in repr(self.cascade).splitlines()[1:]),
            f"  lost on accounts of nodes {lost}",
            *(f"  {line.strip()}" for line in self.summary()[1:]),
        ]
        return "\n".join(lines)
