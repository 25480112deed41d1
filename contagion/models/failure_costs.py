"""Organizations with cross-holdings that lose value at once when they fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from ..errors import ModelError
from ..kernels.ownership import FREE, Failures, failures
from ..network.checks.draft import column
from ..network.exposure_network import ExposureNetwork
from ..results.outcome import Outcome
from ..shocks import Shock
from ..text import choice
from .base import NO_SHOCK, Model, Trace
from .parameters import POSITIVE, Parameter, Range
from .settlement import slices


@dataclass(frozen=True, repr=False)
class FailureCosts(Model):
    """Values of organizations that own each other, with failures that destroy value, in waves.

        V = D p − b(v) + C V        book values: own assets, less failure costs, and cross-holdings
        v = Ĉ V = Ĉ (I − C)⁻¹ (D p − b(v)),    Ĉ_ii = 1 − Σ_j C_ji    value to outside owners
        b_i(v) = β_i where v_i < v̲_i, else 0

    `C[i, j]` (n, n) is the fraction of j owned by i: the table `shareholdings`. D p (n,) are direct
    holdings: the external assets of a node plus its claims minus its debts, if any, at face value
    (money). A shock is a fall of D p: `Shock.loss`, or `Shock.price` with a table of holdings for
    D. Wave 1 are the organizations whose value falls below the threshold because of the shock,
    directly or through shares; wave 2 those that fail because of the costs of wave 1, and so on.

    As in the paper, a failed organization continues with its remaining assets. Claims are not
    settled and keep their face value, except claims on a node set to default by `Shock.default`
    (their recovery is given, its shares are worth nothing). No claims are paid out, so `settles` is
    false; value is still conserved: Σ v = Σ D p − Σ b if no value is negative. If one is, owners
    have limited liability: C max(V, 0) instead of C V, which is not in the paper.

    Parameters
    ----------
    threshold : θ >= 0, v̲ = θ × v before the shock; the node column `failure_threshold` (money)
        overrides it.
    cost : κ >= 0, β = κ v̲, the value destroyed by a failure as a share of the threshold; the node
        column `failure_cost` (money) overrides it.
    which : "best" equilibrium (fewest failures) or "worst" (most failures).

    Raises
    ------
    ModelError
        When an organization belongs entirely to others in the graph: its v is always 0.

    Example
    -------
    Each of a and b owns half of the other, a has 10, b 8: V = (56/3, 52/3), v = (28/3, 26/3). a
    loses 6: V = (32/3, 40/3), v = (16/3, 20/3) against thresholds of 0.7 v = (6.53, 6.07). a fails
    and loses half of 6.53: V_a = (4 − 3.27 + 8 / 2) / 0.75 and V_b = 8 + V_a / 2. Now v_b = 5.58
    is below its threshold, and b fails in wave 2.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 0], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[10, 8],
    ...     shareholdings=[{"owner": "a", "company": "b", "fraction": 0.5},
    ...                    {"owner": "b", "company": "a", "fraction": 0.5}])
    >>> model = ct.models.FailureCosts(threshold=0.7, cost=0.5)
    >>> model.values(net, ct.Shock.loss({"a": 6}))[["threshold", "wave"]].round(2).values.tolist()
    [[6.53, 1.0], [6.07, 2.0]]

    Source: Elliott, Golub & Jackson (2014), American Economic Review 104(10),
    DOI 10.1257/aer.104.10.3115; their illustration has cost 1/2 of the threshold.
    """

    title: ClassVar[str] = "Cross-held organizations with failure costs, in waves"
    source: ClassVar[str] = "Elliott, Golub & Jackson (2014), American Economic Review 104(10)"
    settles: ClassVar[bool] = False
    fails_at_zero: ClassVar[bool] = False
    values_shares: ClassVar[bool] = True

    by_node: ClassVar[Mapping[str, Range]] = {"threshold": POSITIVE, "cost": POSITIVE}

    threshold: Parameter = 0.9
    cost: Parameter = 0.5
    which: Literal["best", "worst"] = "best"

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self.which, ("best", "worst"), "which")

    def limits(self, network: ExposureNetwork) -> tuple[np.ndarray, np.ndarray]:
        """Thresholds v̲ and failure costs β, (n,) each, in money.

        Raises
        ------
        ModelError
            When an organization belongs entirely to others in the graph.
        """
        outside = _outside(network)
        whole = outside <= FREE
        if whole.any():
            name = str(network.names[int(np.argmax(whole))])
            raise ModelError(
                f"FailureCosts needs owners outside the graph: {name!r} belongs entirely to other "
                "nodes. Lower a fraction, or leave its owners' shares out."
            )
        value = outside * np.maximum(np.nan_to_num(network.book.equity), 0.0)
        floor, costs = (
            column(network._nodes, name) for name in ("failure_threshold", "failure_cost")
        )
        floor = np.where(np.isnan(floor), self.parameter(network, "threshold") * value, floor)
        return floor, np.where(np.isnan(costs), self.parameter(network, "cost") * floor, costs)

    def values(self, network: ExposureNetwork, shock: Shock = NO_SHOCK) -> pd.DataFrame:
        """The quantities of the paper, one row per node, in money.

        Columns: direct (D p after the shock, before failure costs), before (v without the shock),
        threshold (v̲), book_value (V), value (v), cost (b), failed, wave (1 for nodes that fail
        because of the shock, 0 for nodes that do not fail or are set to default by the shock).

        Raises
        ------
        ShockError, ModelError
            As :meth:`propagate`.
        """
        self._usable(network)
        hit = shock.arrays(network)
        losses, recoveries = hit.losses, hit.pins
        floor, costs = self.limits(network)
        direct, done = self._failures(network, losses[None], recoveries[None], False)
        value, failed = done.value[:, 0], done.failed[:, 0]
        outside = _outside(network)
        return pd.DataFrame(
            {
                "direct": direct[:, 0],
                "before": outside * network.book.equity,
                "threshold": floor,
                "book_value": value,
                "value": outside * value,
                "cost": np.where(failed, costs, 0.0),
                "failed": failed | ~np.isnan(recoveries),
                "wave": done.wave[:, 0],
            },
            index=network.names,
        )

    def _failures(
        self, network: ExposureNetwork, losses: np.ndarray, pins: np.ndarray, history: bool
    ) -> tuple[np.ndarray, Failures]:
        """Direct values (n, B) and the failures that follow; losses and pins (B, n)."""
        book = network.book
        floor, costs = self.limits(network)
        unpaid = np.where(np.isnan(pins), 0.0, 1.0 - pins) @ network.liabilities
        direct = (book.equity - book.shares - losses - unpaid).T
        value, failed = np.empty_like(direct), np.zeros(direct.shape, bool)
        wave = np.zeros(direct.shape, np.int64)
        states: list[tuple[np.ndarray, np.ndarray]] = []
        for at in slices(losses, len(network)):
            done = failures(
                network.ownership,
                direct[:, at],
                floor,
                costs,
                can_fail=book.can_fail & book.known,
                failing=~np.isnan(pins[at]).T,
                scale=np.nan_to_num(book.external_assets) + book.claims + book.shares,
                worst=self.which == "worst",
                history=history,
            )
            value[:, at], failed[:, at], wave[:, at] = done.value, done.failed, done.wave
            states += done.history
        return direct, Failures(value, failed, wave, states)

    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
        *,
        trace: Trace = "none",
    ) -> Outcome:
        book, shape, n = network.book, losses.shape, len(network)
        floor, costs = self.limits(network)
        flat = losses.reshape(-1, n)
        pins = np.full_like(flat, np.nan) if recoveries is None else recoveries.reshape(-1, n)
        _, done = self._failures(network, flat, pins, trace == "path")
        pinned = ~np.isnan(pins)
        failed = done.failed.T & ~pinned
        equity = np.where(pinned, np.minimum(done.value.T, 0.0), done.value.T)
        rate = np.where(pinned, 1.0 - pins, 0.0)
        claims = rate @ network.liabilities
        worth = np.maximum(np.nan_to_num(equity), 0.0)
        shares = book.shares - (network.ownership @ worth.T).T
        spent = np.where(failed, costs, 0.0)
        alone = _outside(network) * (book.equity - flat) < floor - 1e-12 * np.abs(floor)
        when = np.where(failed, np.where(alone, 0, done.wave.T), np.where(pinned, 0, -1))
        start = (book.equity - flat, (failed & (when == 0)) | pinned)
        states = [start, *((value.T, now.T | pinned) for value, now in done.history)]
        return Outcome(
            equity=equity.reshape(shape),
            claims_lost=claims.reshape(shape),
            defaulted=(failed | pinned).reshape(shape),
            rounds=done.wave.max(axis=0, initial=0).reshape(shape[:-1]),
            residual=np.zeros(shape[:-1]),
            converged=np.ones(shape[:-1], bool),
            default_round=when.reshape(shape),
            loss_rate=rate.reshape(shape),
            deadweight=spent.reshape(shape),
            channels={
                "credit": claims.reshape(shape),
                "shares": shares.reshape(shape),
                "failure costs": spent.reshape(shape),
            },
            history=tuple((v.reshape(shape), now.reshape(shape)) for v, now in states)
            if trace == "path"
            else (),
        )


def _outside(network: ExposureNetwork) -> np.ndarray:
    """Ĉ (n,): the fraction of each node without an owner in the graph."""
    return np.asarray(1.0 - np.asarray(network.ownership.sum(axis=0)).ravel())
