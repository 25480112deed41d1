"""Leverage targeting: vulnerable banks, after Greenwood, Landier and Thesmar (2015)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ..errors import ArgumentError, ShockError
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..shocks import Shock
from .base import NO_SHOCK, Trace
from .portfolios import PortfolioModel, Portfolios, Solved, by_asset, checked_number, valued


@dataclass(frozen=True, repr=False)
class LeverageTargeting(PortfolioModel):
    """Nodes with losses sell assets to restore their leverage, with linear price impact.

        φ_k = Σ_i m_ik b_i loss_i,     fall_k = φ_k / D_k,     next loss_i = Σ_k h_ik fall_k

    or, with returns R over the prices before the shock, `R₂ = M L M' B A R₁`: a_i total assets,
    m_ik = h_ik / a_i weights of the holdings, b_i = debt / equity, L = diag(1 / D). Assets that are
    not holdings are sold in proportion too, without loss. The model is linear in the shock and has
    no caps: price falls can exceed 100 %, sales can exceed holdings, and aggregate vulnerability
    can exceed 1. In the result, owners lose at most their equity.

    The weights of a shocked network are those before the shock. A price shock enters only through
    the loss that it causes. It changes neither the amounts sold nor the impact of a sale, so a
    price shock to X differs from a network that is built with the lower price of X.

    Nodes sell nothing if they cannot default or have unknown balance sheet or no positive equity.
    A node set to default by the shock sells all its holdings; its creditors lose 1 − recovery of
    their claims, which is part of their first loss. Other claims keep their value. The loss on
    holdings is the channel `price` of `result.channels`.

    Parameters
    ----------
    depth : D, the volume (money at the price before the shock) whose sale would reduce the price
        to zero, above 0: the inverse of the price impact of the paper. A number for all assets,
        {asset: number}, or `None`: total holdings, so that selling 1 % of them lowers the price by
        1 %. inf: no impact.
    rounds : rounds of sales, 1 as in the paper; a later round responds to the losses of the
        previous one.

    Raises
    ------
    ModelError
        When `depth` does not name an asset that is held.
    ArgumentError, ArgumentTypeError
        For parameters out of range.

    Example
    -------
    a has assets of 100 and equity of 20, so b = 4. It loses 5 and sells 20, of which 10 is X: with
    a depth of 1000, X falls by 1 %. a and c hold 50 and 30 of X and lose 0.5 and 0.3.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 0], [0, 0]], ["a", "c"],
    ...     orientation="debtor->creditor", external_assets=[100, 30],
    ...     external_liabilities=[80, 0], holdings={"node": ["a", "c"], "asset": ["X", "X"],
    ...     "value": [50.0, 30.0]})
    >>> model = ct.models.LeverageTargeting(depth=1000)
    >>> model.propagate(net, ct.Shock.loss({"a": 5})).table["loss"].round(6).tolist()
    [5.5, 0.3]
    >>> model.vulnerability(net, ct.Shock.loss({"a": 5})).aggregate      # 0.8 of equity 50
    0.016

    Source: Greenwood, Landier & Thesmar (2015), Journal of Financial Economics 115(3), 471-485, DOI
    10.1016/j.jfineco.2014.11.006 (first page of a draft read; the measures through
    Vulnerable_Banks.m of github.com/domenicodigangi/MaximumEntropyNetworksErgmMatlab @ 92baff0,
    mode REAL, which they reproduce). Its mode REAL-GREEN also caps leverage at 30 and lets a bank
    that loses its equity sell its remaining assets; neither is implemented. Later rounds are ours.
    """

    title: ClassVar[str] = "Sales that restore leverage, linear price impact"
    source: ClassVar[str] = (
        "Greenwood, Landier & Thesmar (2015), Journal of Financial Economics 115(3)"
    )
    settles: ClassVar[bool] = False
    reads_prices: ClassVar[bool] = False

    depth: float | Any | None = None
    rounds: int = 1

    def __post_init__(self) -> None:
        if self.depth is not None:
            check = checked_number("depth", above=True)
            object.__setattr__(self, "depth", by_asset("depth", self.depth, check))
        if self.rounds < 1:
            raise ArgumentError(f"rounds={self.rounds}: at least one.")

    def _parts(self, network: ExposureNetwork, mine: Portfolios) -> tuple[np.ndarray, np.ndarray]:
        """Share of holdings that a node sells per unit of loss (n,), and price impact (A,)."""
        book = network.book
        total, equity = book.external_assets + book.claims, book.equity
        with np.errstate(invalid="ignore", divide="ignore"):
            part = (total - equity) / equity / total
        part = np.where(book.can_fail & book.known & (equity > 0), part, 0.0)
        return part, 1.0 / mine.named("depth", self.depth, mine.total)

    def _solve(self, network: ExposureNetwork, hit: Hit, trace: Trace) -> Solved:
        flat, pins, prices = hit.losses, hit.pins, hit.prices
        mine = Portfolios.of(network)
        part, impact = self._parts(network, mine)
        started = ~np.isnan(pins)
        rate = np.where(started, 1.0 - np.nan_to_num(pins), 0.0)
        claims = np.asarray(rate @ network.liabilities)
        sold, given = np.zeros((len(flat), len(mine.assets))), np.zeros_like(flat)
        lost, now = np.zeros_like(flat), flat + claims
        base = started | (network.book.can_fail & (network.book.equity - flat < 0))
        states = [(np.zeros_like(flat), base)]
        for number in range(self.rounds if mine.assets else 0):
            sales = np.where(started, float(number == 0), part * now)
            gone = np.asarray(sales @ mine.held)
            now = np.asarray((gone * impact) @ mine.held.T)
            sold, lost, given = sold + gone, lost + now, given + sales
            if trace == "path":
                fell = network.book.can_fail & (network.book.equity - flat - claims - lost < 0)
                states.append((claims + lost, started | fell))
        outcome = valued(
            network, flat, pins, claims, lost, rate, None,
            np.where(lost.any(axis=1), self.rounds, 0),
            np.ones(len(flat), bool), states if trace == "path" else [],
        )  # fmt: skip
        fall = sold * impact
        return Solved(outcome, mine, given, sold, mine.shocked(len(flat), prices) - fall, fall)

    def vulnerability(self, network: ExposureNetwork, shock: Shock = NO_SHOCK) -> Vulnerability:
        """Losses of each node from all sales, and losses caused by its own, in the first round.

        Raises
        ------
        ShockError
            For a network without positive equity, the denominator of the measures.
        """
        self._usable(network)
        hit = shock.arrays(network)
        losses, pins = hit.losses, hit.pins
        mine, book = Portfolios.of(network), network.book
        part, impact = self._parts(network, mine)
        started = ~np.isnan(pins)
        equity = np.where(book.known, np.maximum(np.nan_to_num(book.equity), 0.0), 0.0)
        if not equity.sum() > 0:
            raise ShockError("No node has positive equity: vulnerability is relative to it.")
        rate = np.where(started, 1.0 - np.nan_to_num(pins), 0.0)
        first = losses + np.asarray(rate @ network.liabilities)
        sales = np.where(started, 1.0, part * first)
        fall = np.asarray(sales @ mine.held) * impact
        second = np.asarray(mine.held @ fall)
        reach = np.asarray(mine.held @ (impact * mine.total))
        with np.errstate(invalid="ignore", divide="ignore"):
            table = pd.DataFrame(
                {
                    "equity": book.equity,
                    "leverage": (book.external_assets + book.claims) / book.equity - 1.0,
                    "direct_loss": first,
                    "sold": sales * mine.value,
                    "indirect_loss": second,
                    "indirect_vulnerability": np.where(equity > 0, second / equity, np.nan),
                    "connectedness": reach / (book.external_assets + book.claims),
                    "systemicness": sales * reach / equity.sum(),
                },
                index=network.names,
            )
        whole = float(equity.sum())
        return Vulnerability(float(first.sum()) / whole, float(second.sum()) / whole, table)


@dataclass(frozen=True, eq=False)
class Vulnerability:
    """Measures of Greenwood, Landier and Thesmar (2015) for one shock; losses above 0.

    Attributes
    ----------
    direct : Σ first losses / Σ equity, a share.
    aggregate : AV = 1'A M L M' B A M F / E, losses from sales over total equity, without `direct`.
    table : one row per node. equity (money); leverage b = debt / equity; direct_loss, sold
        (holdings, at the price before) and indirect_loss (money); indirect_vulnerability IV =
        indirect loss / own equity; connectedness γ = Σ_k (Σ_m h_mk) (1 / D_k) h_nk / a_n;
        systemicness S = γ (a / E) b r, losses caused by the sales of the node over total equity.
        The systemicness of all nodes sums to `aggregate`.
    """

    direct: float
    aggregate: float
    table: pd.DataFrame
