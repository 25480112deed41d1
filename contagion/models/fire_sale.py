"""Clearing and forced sales together, after Cifuentes, Ferrucci and Shin (2005)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from ..errors import AmbiguousSolution
from ..kernels.firesale import forced_sales, marked_down
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..results.outcome import Outcome
from ..text import choice
from .base import Trace
from .parameters import RATE, Parameter, Range
from .portfolios import SHARE, Impact, PortfolioModel, Portfolios, Solved, by_asset, checked_impact
from .settlement import settle

INNER = 1e-2  # tolerance of clearing, as a share of the tolerance of prices


@dataclass(frozen=True, repr=False)
class FireSale(PortfolioModel):
    """Clearing payments and asset prices in one fixed point: nodes short of capital sell.

        E_i = Σ_a p_a h_ia + c_i + Σ_j π_ji x_j − debts of i           marked to market, signed
        θ_i = least θ in [0, 1] with E_i ≥ r (w c_i + Σ_j π_ji x_j + (1 − θ) Σ_a p_a h_ia), else 1
        p_a = q_a f_a(Σ_i θ_i h_ia),      x = Eisenberg-Noe payments at prices p

    h (n, A) holdings at the price before the shock (`net.holdings`, price 1: units), q the prices
    after it (`Shock.price`), c other external assets, x payments in the graph, shared by the rule
    of each debtor; money. Nodes sell all holdings in the same proportion; assets sold and kept are
    both valued at the final price. Nodes set to default by the shock (`Shock.default`) sell all
    holdings and pay their fixed recovery rate; nodes that cannot default, or whose balance sheet is
    unknown, are not forced to sell. The fall of prices is booked as deadweight at each holder and
    is the channel `price` of `result.channels`. Sales lower prices, and lower prices cause more
    sales: there is a greatest and a least solution, and they can differ.

    A price shock revalues the holdings before sales start. Other shocks fix the loss of a node but
    not the assets that lose value: other assets (and `illiquid` ones) are written down first, then
    the holdings in proportion. The number of units that can be sold does not change.

    Parameters
    ----------
    capital_ratio : r, minimum equity over assets at risk, 0 < r ≤ 1; 1/33: leverage up to 33.
    impact : the price after sales. A number α: exp(−α × sold / held by all nodes); a form such as
        `ct.liquidation.Exponential(depth)`, whose volumes are units, money at the price before the
        shock (depth = 1/α of the paper); or one for each asset, {asset: form}. 0 or `NoImpact()`:
        Eisenberg-Noe.
    other_weight : w, risk weight of other external assets in the ratio, 0 to 1. 0: they are liquid
        and sold first, without loss (the paper); 1: loans, which count and cannot be sold.
    illiquid : assets of the holdings that cannot be sold; they count as other external assets.
    which : "greatest" prices (the iteration starts without sales, as in the paper), "least" (it
        starts with all holdings sold), or `None`: raises if they differ.
    tolerance : bound on the change of prices, and of payments relative to the balance sheet.
    max_rounds : maximum number of price rounds.

    Raises
    ------
    ModelError
        When `impact` does not name an asset that is held.
    AmbiguousSolution
        With `which=None`, when the solutions differ.
    ConvergenceError
        By `propagate`, when `max_rounds` is reached.
    ArgumentError, ArgumentTypeError
        For parameters out of range.

    Example
    -------
    a holds 100 of X and 16 of cash against debts of 90, and loses the cash. It sells 75: the price
    falls by 75/1875 to 0.96, its equity to 6, a quarter of the 24 that it keeps.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0]], ["a"], orientation="debtor->creditor",
    ...     external_assets=[116], external_liabilities=[90],
    ...     holdings={"node": ["a"], "asset": ["X"], "value": [100.0]})
    >>> model = ct.models.FireSale(0.25, impact=ct.liquidation.Linear(depth=1875))
    >>> shock = ct.Shock.loss({"a": 16})
    >>> model.market(net, shock).round(6).loc["X"].tolist()     # held, sold, price, fall
    [100.0, 75.0, 0.96, 0.04]
    >>> done = model.propagate(net, shock)
    >>> done.table["equity_after"].round(6).item(), round(done.socialization.deadweight, 6)
    (6.0, 4.0)

    Source: after Cifuentes, Ferrucci & Shin (2005), Journal of the European Economic Association
    3(2-3), DOI 10.1162/jeea.2005.3.2-3.556: clearing of marked assets (equations 2 and 3) and the
    price exp(−α Σ sales) (equation 5) as quoted, with these numbers, in a reader's notes on the
    paper; the ratio (equation 4) and liquid assets sold first are from memory, unverified. Several
    assets sold in proportion, square-root impact and loans that count: Breuer, Summer & Urošević
    (2021), OeNB WP 235, read through R/bank_behavior_function.R and R/price_impact_function.R of
    github.com/Martin-Summer-1090/syslosseval @ 32b8449.
    """

    title: ClassVar[str] = "Clearing with forced sales at falling prices"
    source: ClassVar[str] = (
        "after Cifuentes, Ferrucci & Shin (2005), J. of the European Economic Association 3(2-3)"
    )
    settles: ClassVar[bool] = True

    by_node: ClassVar[Mapping[str, Range]] = {
        "capital_ratio": Range(0.0, 1.0, above=True),
        "other_weight": RATE,
    }

    capital_ratio: Parameter = 0.08
    impact: Impact = SHARE
    other_weight: Parameter = 0.0
    illiquid: tuple[Any, ...] = ()
    which: Literal["greatest", "least"] | None = "greatest"
    tolerance: float = 1e-10
    max_rounds: int = 10_000

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self.which, ("greatest", "least", None), "which")
        object.__setattr__(self, "impact", by_asset("impact", self.impact, checked_impact))
        object.__setattr__(self, "illiquid", tuple(self.illiquid))

    def _solve(self, network: ExposureNetwork, hit: Hit, trace: Trace) -> Solved:
        done = self._solution(network, hit, trace, least=self.which == "least")
        if self.which is None and len(done.portfolios.assets):
            other = self._solution(network, hit, "none", least=True)
            gap = np.abs(done.price - other.price).max(initial=0.0)
            if gap > 1e3 * self.tolerance:
                raise AmbiguousSolution(
                    "FireSale has more than one solution here: prices in the greatest and the "
                    f'least differ by up to {gap:.2g}. Choose which="greatest" (sales start from '
                    'no sale) or which="least" (all nodes expect the worst).'
                )
        return done

    def _solution(self, network: ExposureNetwork, hit: Hit, trace: Trace, *, least: bool) -> Solved:
        flat, pins, prices = hit.losses, hit.pins, hit.prices
        mine, book = Portfolios.of(network, self.illiquid), network.book
        start = mine.shocked(len(flat), prices)
        law, (kept, other) = mine.law(self.impact), mine.after(flat, start)
        price = start.copy()
        if not mine.assets:
            alone = _parts(self._clear(network, flat, pins, trace))
            return Solved(alone, mine, np.zeros_like(flat), price, price, price)
        started = ~np.isnan(pins)
        sells = (book.can_fail & book.known) | started
        if least:
            price = start * law(np.asarray(sells.astype(float) @ mine.held))
        ratio, weight = (
            self.parameter(network, "capital_ratio"),
            self.parameter(network, "other_weight"),
        )
        share, sold = np.zeros_like(flat), np.zeros_like(price)
        change, rounds = np.full(len(flat), np.inf), np.zeros(len(flat), np.int64)
        live, states = np.arange(len(flat)), _Path(trace)
        while len(live):
            lost = flat[live] + marked_down(mine.held, kept[live], start[live] - price[live])
            part = self._clear(network, lost, pins[live], states.next(), INNER)
            states.add(part, live)
            received = book.claims - part.claims_lost
            weighted = weight * other[live] + np.maximum(received, 0.0)
            marked = kept[live] * np.asarray(price[live] @ mine.held.T)
            theta = forced_sales(part.equity, weighted, marked, ratio, sells[live])
            share[live] = np.where(started[live], 1.0, theta)
            sold[live] = np.asarray(share[live] @ mine.held)
            after = start[live] * law(sold[live])
            after = np.maximum(after, price[live]) if least else np.minimum(after, price[live])
            change[live] = np.abs(after - price[live]).max(axis=1)
            rounds[live] += 1
            go = (change[live] > self.tolerance) & (rounds[live] < self.max_rounds)
            price[live[go]], live = after[go], live[go]
        lost = marked_down(mine.held, kept, start - price)
        end = self._clear(network, flat + lost, pins, "none", INNER)
        assert end.deadweight is not None
        lost = np.where(started, 0.0, lost)
        outcome = replace(
            _parts(end, lost),
            deadweight=end.deadweight + lost,
            rounds=rounds,
            residual=np.maximum(end.residual, change),
            converged=end.converged & (change <= self.tolerance),
            default_round=states.when(end),
            history=tuple(states.kept),
        )
        return Solved(outcome, mine, share, sold, price, start - price)

    def _clear(
        self, network: ExposureNetwork, flat: np.ndarray, pins: np.ndarray, trace: Trace,
        part: float = 1.0,
    ) -> Outcome:  # fmt: skip
        return settle(
            network,
            flat,
            pins,
            tolerance=self.tolerance * part,
            trace=trace,
        )


def _parts(outcome: Outcome, lost: np.ndarray | None = None) -> Outcome:
    """The outcome with losses on claims and, (B, n) money, from falling prices, as channels."""
    price = np.zeros_like(outcome.claims_lost) if lost is None else lost
    return replace(outcome, channels={"credit": outcome.claims_lost, "price": price})


class _Path:
    """Default rounds, and the states of a single scenario: round k is the kth clearing."""

    def __init__(self, trace: Trace):
        self.trace = trace
        self.kept: list[tuple[np.ndarray, np.ndarray]] = []
        self.round: np.ndarray | None = None
        self.number = 0

    def next(self) -> Trace:
        """Trace of the next clearing; the first one shows the defaults due to the shock alone."""
        return self.trace if self.number == 0 else "none"

    def add(self, part: Outcome, live: np.ndarray) -> None:
        """Record a clearing of the scenarios `live`."""
        if self.trace == "none":
            return
        self.number += 1
        if self.round is None:
            assert part.default_round is not None
            self.round = np.minimum(part.default_round, 1)
        else:
            fresh = part.defaulted & (self.round[live] < 0)
            self.round[live] = np.where(fresh, self.number, self.round[live])
        if self.trace == "path":
            self.kept += part.history[:1]
            equity, failed = (np.array(side) for side in self.kept[-1])
            equity[live], failed[live] = part.equity, part.defaulted
            self.kept.append((equity, failed))

    def when(self, end: Outcome) -> np.ndarray | None:
        """Default rounds of the nodes in default at the end."""
        return None if self.round is None else np.where(end.defaulted, self.round, -1)
