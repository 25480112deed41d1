"""Sequential defaults with a given loss given default, after Furfine (2003)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..kernels.cascade import cascade
from ..network.exposure_network import ExposureNetwork
from ..results.outcome import Outcome
from .base import Model, Trace
from .claim_rates import ClaimRates
from .parameters import RATE, Parameter, Range


def default_cascade(
    network: ExposureNetwork,
    losses: np.ndarray,
    recoveries: np.ndarray | None,
    rate: np.ndarray | float,
    *,
    strict: bool,
    trace: Trace,
) -> Outcome:
    """Run the default cascade on scenarios (..., n) and complete the outcome."""
    lead, n = losses.shape[:-1], len(network)
    book, (own, plain, fixed) = network.book, ClaimRates.of(network)
    shock = losses.reshape(-1, n)
    pins = np.full_like(shock, np.nan) if recoveries is None else recoveries.reshape(-1, n)
    started = ~np.isnan(pins)
    done = cascade(
        plain,
        fixed,
        np.nan_to_num(book.equity),
        shock,
        np.where(started, 1.0 - pins, rate),
        book.can_fail,
        started,
        strict=strict,
        history=trace == "path",
    )
    failed = (done.default_round >= 0).reshape(losses.shape)
    lost = (done.losses - shock).reshape(losses.shape)
    states = tuple(
        ((book.equity - loss).reshape(losses.shape), now.reshape(losses.shape))
        for loss, now in done.history
    )
    equity = book.equity - losses - lost
    equity = np.where(started.reshape(losses.shape), np.minimum(equity, 0.0), equity)
    return Outcome(
        equity=equity,
        claims_lost=lost,
        defaulted=failed,
        rounds=np.full(lead, done.rounds),
        residual=np.zeros(lead),
        converged=np.ones(lead, bool),
        default_round=done.default_round.reshape(losses.shape),
        loss_rate=np.where(failed, np.where(started, 1.0 - pins, rate).reshape(losses.shape), 0.0),
        claim_rates=own,
        history=states,
    )


@dataclass(frozen=True, repr=False)
class Furfine(Model):
    """Rounds of default: a creditor loses a fixed part of its claims on every failed debtor.

        loss_i = shock_i + λ Σ_j A_ij [j failed],   i fails when loss_i > equity_i

    A trigger given by `Shock.default(node, recovery=ρ)` costs its creditors 1 − ρ instead of λ. The
    column `lgd` of an exposure, if given, overrides both.

    Parameters
    ----------
    loss_given_default : λ in [0, 1] of the debtor: one number, or one for each node.
    strict : `True`: default if losses exceed equity; `False`: also if they equal it.

    Example
    -------
    b has 3 of capital and a claim of 10 on a; with λ = 0.4 it loses 4 and fails.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", equity=[1, 3])
    >>> shock = ct.Shock.default("a", recovery=0.6)
    >>> ct.models.Furfine(0.4).propagate(net, shock).table.loc["b", "loss"]
    np.float64(3.0)

    Source: Furfine (2003), Journal of Money, Credit and Banking 35(1), DOI 10.1353/mcb.2003.0004.
    """

    title: ClassVar[str] = "Default cascade with a given loss given default"
    source: ClassVar[str] = "Furfine (2003), Journal of Money, Credit and Banking 35(1)"
    settles: ClassVar[bool] = False
    spreads_by_default_only: ClassVar[bool] = True

    by_node: ClassVar[Mapping[str, Range]] = {"loss_given_default": RATE}

    loss_given_default: Parameter = 1.0
    strict: bool = True

    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
        *,
        trace: Trace = "none",
    ) -> Outcome:
        rate = self.parameter(network, "loss_given_default")
        return default_cascade(network, losses, recoveries, rate, strict=self.strict, trace=trace)
