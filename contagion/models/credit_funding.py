"""Credit and funding shocks after Espinosa-Vega and Solé (2010), with liquidity defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import ArgumentError
from ..kernels.funding import spread
from ..network.checks.draft import column
from ..network.exposure_network import ExposureNetwork
from ..results.hops import Route
from ..results.outcome import Outcome
from ..results.run_arrays import RunArrays
from .base import Model, Trace
from .claim_rates import ClaimRates
from .parameters import POSITIVE, RATE, Parameter, Range
from .routes import NOISE, links, lost_by, newly_failed, through_funding


@dataclass(frozen=True, repr=False)
class CreditFunding(Model):
    """A node in default costs its creditors their claims and its debtors their funding.

    With F the nodes in default, A_ij the claim of i on j, and everything in money:

        credit_i  = Σ_{j∈F} λ_ij A_ij
        need_i    = max(0, ρ Σ_{j∈F} A_ji − liquid_i)          funding that has to be repaid
        sold_i    = min((1 + δ) need_i, sellable_i)            at market value
        funding_i = δ / (1 + δ) · sold_i                       loss on own forced sales
        price_i   = min(1, κ Σ_k sold_k / Σ_k M_k) · max(0, M_i − shock_i)

    with M illiquid external assets. A node defaults if `equity − shock − credit − funding − price`
    is below its floor (solvency), or if (1 + δ) need exceeds its sellable assets (liquidity,
    `Outcome.illiquid`). For a credit shock alone set ρ = 0; for a funding shock alone set λ = 0
    and give triggers `recovery=1`. `result.channels` splits the loss of owners by channel.

    Optional columns: `lgd` of an exposure is its own λ_ij and also overrides a recovery rate given
    by the shock; `liquid_assets` of a node (empty: 0);
    `sellable_assets`, less `secured_funding` (empty: no limit, so that the node defaults only
    through losses); `equity_floor`, the distress threshold in money (empty: `hurdle`). Claims
    without `lgd` on a trigger `Shock.default(node, recovery=r)` lose 1 − r.

    Parameters
    ----------
    loss_given_default : λ in [0, 1].
    not_replaced : ρ in [0, 1], part of the funding from a failed creditor that is not replaced.
    sale_cost : δ >= 0, loss per unit of money raised by forced sales: haircut / (1 − haircut); 1
        corresponds to a haircut of 50%.
    price_impact : κ >= 0, relative price fall of illiquid external assets if all of them were
        sold; linear. An addition of this package, not in the papers; 0 switches it off.
    hurdle : equity over total assets (before the shock) below which a node defaults, in [0, 1]. A
        node below it before the shock counts as in default before the shock.
    strict : `True`: default if equity is below the floor; `False`: also if it equals the floor.

    Raises
    ------
    ModelError
        For an `lgd` above 1.

    Example
    -------
    a defaults and pays nothing on the 10 it owes b; c loses 0.35 · 20 = 7 of its funding from a,
    and sells assets of 14 to repay it.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10, 0], [0, 0, 0], [20, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 15, 9])
    >>> result = ct.models.CreditFunding(1.0, 0.35, 1.0).propagate(net, ct.Shock.default("a"))
    >>> result.channels.loc[["b", "c"]].values.tolist()     # direct, credit, funding, price
    [[0.0, 10.0, 0.0, 0.0], [0.0, 0.0, 7.0, 0.0]]

    Source: Espinosa-Vega & Solé (2010), IMF WP/10/105, credit shock and credit and funding shock;
    published in Journal of Financial Economic Policy 3(3), 2011, DOI 10.1108/17576381111152191.
    Liquid assets, liquidity default, distress threshold and a loss given default of each exposure
    after Covi, Gorpe & Kok (2019), ECB WP 2224 (CoMap), DOI 10.2866/094988. Abstracts read; the
    equations of both and the calibration λ = 1, ρ = 0.35, δ = 1 are stated from memory, unverified
    against the text.
    """

    title: ClassVar[str] = "Default cascade through claims and lost funding"
    source: ClassVar[str] = "after Espinosa-Vega & Solé (2010), IMF WP/10/105"
    settles: ClassVar[bool] = False
    fails_at_zero: ClassVar[bool] = False

    by_node: ClassVar[Mapping[str, Range]] = {
        "loss_given_default": RATE,
        "not_replaced": RATE,
        "sale_cost": POSITIVE,
        "hurdle": RATE,
    }

    loss_given_default: Parameter = 1.0
    not_replaced: Parameter = 0.35
    sale_cost: Parameter = 1.0
    price_impact: float = 0.0
    hurdle: Parameter = 0.0
    strict: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.price_impact < np.inf:
            raise ArgumentError(f"price_impact={self.price_impact}: it is >= 0 and finite.")

    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
        *,
        trace: Trace = "none",
    ) -> Outcome:
        shape, n, book = losses.shape, len(network), network.book
        flat = losses.reshape(-1, n)
        pins = np.full_like(flat, np.nan) if recoveries is None else recoveries.reshape(-1, n)
        started = ~np.isnan(pins)
        rate = np.where(started, 1.0 - pins, self.parameter(network, "loss_given_default"))
        own, plain, fixed = ClaimRates.of(network)
        equity = np.nan_to_num(book.equity)
        liquid = np.nan_to_num(column(network._nodes, "liquid_assets"))
        pledged = np.nan_to_num(column(network._nodes, "secured_funding"))
        free = np.maximum(column(network._nodes, "sellable_assets") - pledged, 0.0)
        done = spread(
            network.liabilities,
            plain,
            fixed,
            capital=equity - self._floor(network),
            scale=np.abs(equity) + book.claims + book.debts,
            shock=flat,
            rate=rate,
            not_replaced=self.parameter(network, "not_replaced"),
            sale_cost=self.parameter(network, "sale_cost"),
            price_impact=self.price_impact,
            liquid=liquid,
            sellable=np.where(np.isnan(free), np.inf, free),
            marked=np.maximum(book.stated_assets - liquid, 0.0),
            can_fail=book.can_fail,
            started=started,
            strict=self.strict,
            history=trace == "path",
        )
        failed = done.default_round >= 0
        after = book.equity - flat - done.credit - done.funding - done.price
        after = np.where(started, np.minimum(after, 0.0), after)
        lead = shape[:-1]
        return Outcome(
            equity=after.reshape(shape),
            claims_lost=done.credit.reshape(shape),
            defaulted=failed.reshape(shape),
            rounds=np.full(lead, done.rounds),
            residual=np.zeros(lead),
            converged=np.ones(lead, bool),
            default_round=done.default_round.reshape(shape),
            loss_rate=np.where(failed, rate, 0.0).reshape(shape),
            claim_rates=own,
            illiquid=done.illiquid.reshape(shape),
            channels={
                "credit": done.credit.reshape(shape),
                "funding": done.funding.reshape(shape),
                "price": done.price.reshape(shape),
            },
            history=tuple(
                ((book.equity - loss).reshape(shape), now.reshape(shape))
                for loss, now in done.history
            ),
        )

    def routes(self, result: RunArrays) -> tuple[Route, ...]:
        """From nodes that withdraw to nodes that must sell, and on to holders of these assets."""
        net, n = result.network, len(result.network)
        fresh = newly_failed(result)
        called = self.parameter(net, "not_replaced") * (
            net.liabilities @ result.outcome.defaulted.astype(float)
        )
        seller = called > np.nan_to_num(column(net._nodes, "liquid_assets"))
        seller &= net.liabilities @ fresh.astype(float) > 0
        loser = lost_by(result, "price") > NOISE * net.book.stated_assets
        sold, lost = np.flatnonzero(seller), np.flatnonzero(loser)
        market = links(sold, 0 * sold, (n, 1)), links(0 * lost, lost, (1, n))
        return through_funding(net, fresh, seller), market

    def _floor(self, network: ExposureNetwork) -> np.ndarray:
        """(n,) equity below which a node defaults, in money."""
        given = column(network._nodes, "equity_floor")
        total = network.book.stated_assets + network.book.claims
        return np.where(np.isnan(given), self.parameter(network, "hurdle") * total, given)
