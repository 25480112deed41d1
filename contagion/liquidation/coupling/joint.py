"""Liquidations and clearing together: deficits spread on the graph, and the graph calls again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ConvergenceError, MarginError
from ...media import shown
from ...models import EisenbergNoe
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...results.propagation_result import PropagationResult
from ...shocks import Shock
from ...text import money
from ..cascade import LiquidationCascade, shocked
from ..cascade_result import CascadeResult, Moment
from ..circuit_breakers import WithdrawalGate
from ..margin_book import MarginBook
from .link import Link, place, run_from


@dataclass(frozen=True)
class CoupledCascade:
    """A liquidation cascade and clearing on the graph, solved together.

    Venues, protocols and holders of the book that are also nodes of the network meet there:

    1. the cascade runs with what holders have to meet margin calls;
    2. the deficit of a venue is a loss of its external assets, which its own rule shares; fees,
       and what its vault took over, are its own. What a holder loses on its accounts is a loss of
       its external assets (they hold its margin), what another one wins is added to them;
    3. clearing says what every node loses on its claims; holders have that much less to meet calls
       with, nothing when they fail, and pay back to lenders that fail what these withdraw;
    4. again from 1 with less, until nothing changes.

    What a holder has to meet calls with never rises again: who failed in one joint round lends
    and pays no more in the next. So the rounds end. Less money need not mean larger losses: who
    cannot meet a call is closed earlier, and may lose less than who pays and is closed later. Then
    the end is a state in which somebody has been cut off who, looking back, would not have been.

    A run (`run_on`): creditors of a venue with a deficit withdraw a part of their claims on it, at
    par and before the deficit is written down. The venue pays out of the external assets that it
    has left after the deficit; where they do not do, all who run get the same part of what they
    ask. Who stays shares the whole deficit by the venue's rule. Nobody runs from a venue behind a
    :class:`~contagion.liquidation.WithdrawalGate`. Money withdrawn is an asset again, and is not
    used to meet calls.

    Parameters
    ----------
    cascade : the liquidations.
    model : a model that settles claims.
    withdrawal : part of its debt in the graph that a holder has to repay, out of what it has to
        meet calls with, to creditors in default, 0 to 1.
    run_on : part of their claims that creditors of a venue with a deficit withdraw, 0 to 1, one
        for all or {creditor: part}.
    tolerance : change of free money, relative to all of it, below which the rounds stop.
    max_rounds : joint rounds before a run counts as not converged.

    Raises
    ------
    MarginError : for free money and margin above the external assets of a node, for a loss on
        accounts that is more than those assets (the margin has to be among them), and for unknown
        names.
    ArgumentError : for a book and a network in units between which no rate is known.
    ConvergenceError : when `max_rounds` is reached.

    Example
    -------
    h is long 10 at 100 with a margin of 100 and owes b 50; at 88 the venue is short by 20, which
    its owners bear, and h has lost its margin.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 50, 0], [0, 0, 0], [0, 0, 0]], ["h", "b", "v"],
    ...     orientation="debtor->creditor", external_assets=[120, 10, 30])
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> done = ct.liquidation.CoupledCascade().run(net, book, {"X": -0.12})
    >>> done.result.table["loss"].round(6).tolist()     # h: equity 70, b: 50 − 20, v: 20
    [70.0, 30.0, 20.0]
    """

    cascade: LiquidationCascade = field(default_factory=LiquidationCascade)
    model: Model = field(default_factory=EisenbergNoe)
    withdrawal: float = 0.0
    run_on: float | Mapping[Any, float] = 0.0
    tolerance: float = 1e-9
    max_rounds: int = 200

    def __post_init__(self) -> None:
        if not 0 <= self.withdrawal <= 1:
            raise MarginError(f"withdrawal={self.withdrawal}: a part of a debt, 0 to 1.")
        parts = self.run_on.values() if isinstance(self.run_on, Mapping) else [self.run_on]
        if not all(0 <= part <= 1 for part in parts):
            raise MarginError(f"run_on={self.run_on}: a part of claims, 0 to 1.")
        if not self.model.settles:
            raise MarginError(f"{type(self.model).__name__} does not settle claims.")

    def run(
        self,
        network: ExposureNetwork,
        book: MarginBook,
        prices: Mapping[str, float],
        shock: Shock | None = None,
        free: Mapping[Any, float] | None = None,
    ) -> CoupledResult:
        """Push price changes, and a shock of the network, through both.

        Parameters
        ----------
        network, book : the exposures, and the positions and loans; names that are in both are the
            same party. A book in "USD" and a network in "USD m" are converted.
        prices : {asset: relative change >= −1}.
        shock : losses and defaults on the network besides.
        free : {holder: money} to meet margin calls with, in the unit of the network: a part of its
            external assets besides what it has at venues; of that only what the shock leaves.
        """
        link = Link.of(network, book)
        given = shock if shock is not None else Shock()
        whole = given.arrays(network)
        losses, recoveries = whole.losses, whole.pins
        apart = losses - whole.marks(network)
        money_ = np.zeros(len(book.holders))
        for name, amount in (free or {}).items():
            if not (amount >= 0 and np.isfinite(amount)):
                raise MarginError(f"free= gives {name!r} {amount}; it is money >= 0.")
            money_[place(book.holders, name)] = amount
        money_ = link.available(network, book, money_, losses)
        eager, ran = self._eager(network), np.zeros(len(network), bool)
        after = shocked(book, prices)
        left, rounds, start, paid = money_, 0, network, np.zeros(len(network.amount))
        scale = float(money_.sum())
        while True:
            rounds += 1
            calls = left / link.rate
            kept: list[Moment] = []
            watch = Moment.into(kept, [1], self.cascade.withdrawal)
            state = self.cascade.solve(book, after[None], calls, watch=watch)
            step = CascadeResult(self.cascade, book, dict(prices), calls, state, tuple(kept))
            if not state.settled.all():
                raise ConvergenceError("The cascade did not settle: raise its max_rounds.", step)
            moved = link.moved(start, step)
            hit, won = link.on_graph(start, moved, losses, recoveries)
            before = ran
            if eager.any():
                ran = ran | link.short(start, step, self._gated())
                network, paid = run_from(start, ran, eager, apart + hit - won)
            settled = self.model.run(network, losses + hit - won, recoveries, whole.prices)
            fewer = np.minimum(link.left(network, self.withdrawal, money_, settled), left)
            change = float(np.abs(fewer - left).sum())
            if change <= self.tolerance * scale and (ran == before).all():
                break
            if rounds >= self.max_rounds:
                raise ConvergenceError(
                    f"Cascade and clearing did not settle in {self.max_rounds} joint rounds "
                    f"(free money still falls by {money(change, network.unit)})."
                )
            left = fewer
        richer = network
        if won.any():
            richer = network.with_nodes(external_assets=network.book.external_assets + won)
        all_losses = Shock.loss(
            {network.names[int(i)]: float(hit[i]) for i in np.flatnonzero(hit > 0)}
        )
        result = self.model.propagate(richer, given + all_losses)
        outside = float(np.maximum(link.elsewhere(step), 0.0).sum())
        gone = start.exposures.assign(withdrawn=paid)
        gone = gone.loc[gone["withdrawn"] > 0, ["creditor", "debtor", "amount", "withdrawn"]]
        gone = gone.reset_index(drop=True)
        return CoupledResult(self, step, result, rounds, money_, hit, won, gone, outside, link.rate)

    def _eager(self, network: ExposureNetwork) -> np.ndarray:
        """(n,) part of its claims that each node withdraws in a run."""
        if not isinstance(self.run_on, Mapping):
            return np.full(len(network), float(self.run_on))
        part = np.zeros(len(network))
        for name, share in self.run_on.items():
            part[place(tuple(network.names), name, "node")] = share
        return part

    def _gated(self) -> list[Any]:
        """The venues (numbers, or None for all) that a withdrawal gate closes."""
        return [b.venues for b in self.cascade.breakers if isinstance(b, WithdrawalGate)]


@dataclass(frozen=True, eq=False, repr=False)
class CoupledResult:
    """The joint fixed point: `cascade` on the book and `result` on the network, one ledger.

    `free` (K,) is what holders had to meet calls with, `losses` and `gains` (n,) what the accounts
    took from and added to the external assets of the nodes; money. `rounds` are joint rounds.
    `withdrawn` has one row a claim that was withdrawn in a run: creditor, debtor, amount (before),
    withdrawn; the network of `result` is the one after. `outside` is what venues and holders that
    are no nodes lost on accounts. Money is in the unit of the network, in `cascade` in that of the
    book; `rate` is the worth of one of the book in it.
    """

    model: CoupledCascade
    cascade: CascadeResult
    result: PropagationResult
    rounds: int
    free: np.ndarray
    losses: np.ndarray
    gains: np.ndarray
    withdrawn: pd.DataFrame
    outside: float
    rate: float

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a node, money: on_accounts (lost or, below 0, won on positions, loans and
        deficits), loss (of owners, on the graph), claims_lost, shortfall, defaulted."""
        frame = self.result.table
        return pd.DataFrame(
            {
                "on_accounts": self.losses - self.gains,
                "loss": frame["loss"],
                "claims_lost": frame["claims_lost"],
                "shortfall": frame["shortfall"],
                "defaulted": frame["defaulted"],
            },
            index=frame.index,
        )

    @property
    def ledger(self) -> dict[str, float]:
        """Where the money went: the ledger of the cascade, and on the graph what was lost on
        accounts by nodes (`on_graph`), by others (`outside`) and who bears the first (`borne`)."""
        s = self.result.socialization
        return {
            **{name: self.rate * amount for name, amount in self.cascade.ledger.items()},
            "on_graph": float(self.losses.sum()),
            "outside": self.outside,
            "borne": s.borne,
        }

    @shown
    def __repr__(self) -> str:
        unit = self.result.network.unit
        lines = [
            f"CoupledCascade after {self.rounds} joint rounds:",
            *(f"  {line.strip()}" for line in repr(self.cascade).splitlines()[1:]),
            f"  lost on accounts of nodes {money(float(self.losses.sum()), unit)}",
            *(f"  {line.strip()}" for line in self.result.summary()[1:]),
        ]
        return "\n".join(lines)
