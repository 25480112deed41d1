"""Cascades through common assets, after Caccioli, Shrestha, Moore and Farmer (2014)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..kernels.firesale import liquidations
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from .base import Trace
from .claim_rates import ClaimRates
from .parameters import RATE, Parameter, Range
from .portfolios import (
    SHARE,
    Impact,
    PortfolioModel,
    Portfolios,
    Solved,
    by_asset,
    checked_impact,
    valued,
)


@dataclass(frozen=True, repr=False)
class OverlappingPortfolios(PortfolioModel):
    """Nodes in default are liquidated, prices fall, and other holders of the assets may default.

        loss_i = shock_i + Σ_a h_ia (q_a − p_a) + λ Σ_j A_ij [j failed],   i fails when loss_i > E_i
        p_a = q_a exp(−α x_a),    x_a = share of all holdings of a sold by nodes in default

    The least fixed point, by rounds: a node in default sells all its holdings at once. Nodes with
    negative equity are in default from the start. A trigger `Shock.default(node, recovery=ρ)` costs
    its creditors 1 − ρ instead of λ; the column `lgd` of an exposure overrides both. The loss on
    holdings is the channel `price` of `result.channels`. A price shock revalues the holdings: q are
    the prices after it, relative to those before. Other losses of the shock hit other external
    assets first, then the value of holdings in proportion.

    Parameters
    ----------
    impact : α ≥ 0, or a form of price impact, or one for each asset, as in :class:`FireSale`. With
        the default, prices fall by 10 % when 10 % is sold.
    loss_given_default : λ in [0, 1] for claims on failed nodes; 0: assets are the only channel.
    strict : `True`: default if losses exceed equity; `False`: also if they equal it.

    Raises
    ------
    ModelError
        When `impact` does not name an asset that is held.
    ArgumentError, ArgumentTypeError
        For parameters out of range.

    Example
    -------
    a and b hold 50 each of X. a defaults and sells 50 at a depth of 500: the price falls by 10 %,
    and b loses 5 of its equity of 6.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 0], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[50, 50],
    ...     external_liabilities=[40, 44], holdings={"node": ["a", "b"], "asset": ["X", "X"],
    ...     "value": [50.0, 50.0]})
    >>> model = ct.models.OverlappingPortfolios(ct.liquidation.Linear(depth=500))
    >>> model.propagate(net, ct.Shock.default("a")).table.loc["b", "loss"].round(6)
    np.float64(5.0)

    Source: after Caccioli, Shrestha, Moore & Farmer (2014), Journal of Banking & Finance 46,
    233-245, DOI 10.1016/j.jbankfin.2014.05.021, arXiv:1210.5987 (abstract read; liquidation of
    failed banks and exp(−α x) with α = 1.0536 are from memory, and as in src/models/vbmodel.jl of
    github.com/wolfstam/FinNetValu @ 6403f7a, which does not name the paper). With claims: after
    Caccioli, Farmer, Foti & Rockmore (2015), Journal of Economic Dynamics and Control 51, DOI
    10.1016/j.jedc.2014.09.041 (abstract read).
    """

    title: ClassVar[str] = "Default cascade through common assets"
    source: ClassVar[str] = (
        "after Caccioli, Shrestha, Moore & Farmer (2014), Journal of Banking & Finance 46"
    )
    settles: ClassVar[bool] = False

    by_node: ClassVar[Mapping[str, Range]] = {"loss_given_default": RATE}

    impact: Impact = SHARE
    loss_given_default: Parameter = 0.0
    strict: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "impact", by_asset("impact", self.impact, checked_impact))

    def _solve(self, network: ExposureNetwork, hit: Hit, trace: Trace) -> Solved:
        flat, pins, prices = hit.losses, hit.pins, hit.prices
        mine, book = Portfolios.of(network), network.book
        own, plain, fixed = ClaimRates.of(network)
        start = mine.shocked(len(flat), prices)
        started = ~np.isnan(pins)
        rate = self.parameter(network, "loss_given_default")
        rate = np.where(started, 1.0 - np.nan_to_num(pins), rate)
        done, claims = liquidations(
            mine.held,
            mine.after(flat, start)[0],
            start,
            mine.law(self.impact),
            plain,
            fixed,
            rate,
            np.nan_to_num(book.equity),
            flat,
            book.can_fail,
            started,
            strict=self.strict,
            history=trace == "path",
        )
        rate = np.where(done.default_round >= 0, rate, 0.0)
        outcome = valued(
            network, flat, pins, claims, done.lost, rate, done.default_round, done.rounds,
            done.converged, done.history if trace == "path" else [],
        )  # fmt: skip
        part = (done.default_round >= 0).astype(float)
        outcome = replace(outcome, claim_rates=own)
        return Solved(outcome, mine, part, done.sold, done.price, start - done.price)
