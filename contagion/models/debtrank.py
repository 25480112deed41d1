"""DebtRank: distress that spreads before any default (2012 and 2015)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, diags_array, hstack

from ..errors import ConvergenceError
from ..kernels.allnodes import EachDefault, all_nodes
from ..kernels.clearing import clear
from ..kernels.debtrank import linear_rounds, linear_system, reached, single_hit
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..results.outcome import Outcome
from ..results.run_arrays import RunArrays
from ..text import choice
from .base import Model, Trace
from .node_values import Weights, node_values
from .settlement import Certify, certified


@dataclass(frozen=True, repr=False)
class DebtRank(Model):
    """Claims lose value in proportion to the equity that the debtor has lost.

    linear (2015): `h_i(t+1) = min(1, h_i(t) + Σ_j Λ_ij (h_j(t) − h_j(t−1)))`, with
    `Λ_ij = A_ij / E_i`; its fixed point is the least h with `h = min(1, h(1) + Λ h)`.

    single-hit (2012): a node passes its distress on once, `h_j += Σ_i W_ij h_i` with
    `W_ij = min(1, A_ji / E_j)`.

    Here h (n,) is the relative equity loss; a trigger `Shock.default(node, recovery=ρ)` starts
    with h = 1 and costs its creditors 1 − ρ of their claims. A node without positive equity has
    h = 1 as soon as any loss reaches it, else 0: the limit as equity tends to 0.

    The DebtRank of a shock is the distress that contagion adds, weighted by the economic value of
    the nodes: `R = Σ_j v_j (h_j − h_j(1))`, in [0, 1], with the final h; see :meth:`index`, and
    :func:`contagion.measures.debtrank` for the default of every node.

    Parameters
    ----------
    variant : "linear" or "single-hit".
    weights : v, the value of each node: "equity" (2015), "lending" (2012, each node's share of all
        claims), a column of the node table, {node: value}, or (n,) values; see
        :func:`contagion.models.node_values.node_values`. They do not affect h.
    tolerance, certify : as in :class:`EisenbergNoe`.

    Example
    -------
    a loses half its equity, so b writes down half of its claim of 4.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[6, 6])
    >>> ct.DebtRank().propagate(net, ct.Shock.loss({"a": 1})).table.loc["b", "loss"]
    np.float64(2.0)

    b is the only lender, so its h of .3 (3 of its equity of 10) has a weight of 1.

    >>> model = ct.DebtRank(weights="lending")
    >>> model.index(model.propagate(net, ct.Shock.default("a", recovery=0.25))).round(9)
    np.float64(0.3)

    Source: Battiston, Puliga, Kaushik, Tasca & Caldarelli (2012), Scientific Reports 2:541, DOI
    10.1038/srep00541; Bardoscia, Battiston, Caccioli & Caldarelli (2015), PLoS ONE 10(6), DOI
    10.1371/journal.pone.0130406.
    """

    title: ClassVar[str] = "Distress propagation, linear or single-hit"
    source: ClassVar[str] = (
        "Battiston et al. (2012), Sci. Rep. 2:541; Bardoscia et al. (2015), PLoS ONE 10(6)"
    )
    settles: ClassVar[bool] = False

    variant: Literal["linear", "single-hit"] = "linear"
    weights: Weights = "equity"
    tolerance: float = 1e-10
    certify: Certify = "auto"

    def __post_init__(self) -> None:
        choice(self.variant, ("linear", "single-hit"), "variant")
        if isinstance(self.weights, np.ndarray | pd.Series):  # so that models compare
            kept = self.weights.to_dict() if isinstance(self.weights, pd.Series) else None
            object.__setattr__(self, "weights", kept or tuple(np.asarray(self.weights).tolist()))

    def index(self, result: RunArrays) -> np.float64:
        """The DebtRank of one shock, `R = Σ_j v_j (h_j − h_j(1))`, in [0, 1].

        h_j is the loss of the owners of j over its equity, h_j(1) the part due to the shock alone;
        a node without positive known equity counts as 0.

        Parameters
        ----------
        result : the result of `propagate` with this model.
        """
        value = node_values(result.network, self.weights)
        before = np.maximum(np.nan_to_num(result.equity_before), 0.0)
        last, first = np.minimum(result.loss, before), np.minimum(result.direct_loss, before)
        share = np.where(before > 0, value, 0.0) / np.where(before > 0, before, 1.0)
        return np.float64(share @ (last - first))

    def loss_rates(self, network: ExposureNetwork, hit: Hit, outcome: Outcome) -> np.ndarray:
        """The share of its equity that a node has lost; see :meth:`.Model.loss_rates`."""
        book, pins = network.book, hit.pins
        before = np.nan_to_num(book.equity)
        part = 1.0 - outcome.equity / np.where(before > 0, before, np.nan)  # nan: reached or not
        part = np.where(book.can_fail, np.clip(part, 0.0, 1.0), 0.0)
        return np.where(np.isnan(pins), part, 1.0 - pins)

    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
        *,
        trace: Trace = "none",
    ) -> Outcome:
        solve = self._linear if self.variant == "linear" else self._single
        n = len(network)
        flat = losses.reshape(-1, n)
        pins = np.full_like(flat, np.nan) if recoveries is None else recoveries.reshape(-1, n)
        return solve(network, flat, pins, losses.shape, trace)

    def _linear(
        self,
        network: ExposureNetwork,
        flat: np.ndarray,
        pins: np.ndarray,
        shape: tuple[int, ...],
        trace: Trace,
    ) -> Outcome:
        book, lead = network.book, shape[:-1]
        equity = np.nan_to_num(book.equity)
        alive = book.can_fail & (equity > 0)
        bare = book.can_fail & (equity <= 0)
        system = linear_system(network.liabilities, equity, book.debts)
        capital, held = np.where(alive, equity, 0.0), pins
        if (bare & (book.debts > 0)).any():
            passes = np.where(np.isnan(pins), book.can_fail, pins < 1)
            lose = reached(network.liabilities, (flat > 0) | ~np.isnan(pins), passes)
            held = np.where(lose & bare & np.isnan(pins), 0.0, pins)
        done = clear(
            system,
            np.where(alive, capital - flat, 0.0),
            np.zeros(len(network)),
            alive,
            pinned=None if np.isnan(held).all() else held,
            tolerance=self.tolerance,
            limit=1e-12 * capital,
            certify=certified(self.certify),
        )
        rate = done.unpaid / np.where(system.width > 0, system.width, 1.0)
        lost = rate @ network.liabilities
        failed = done.defaulted | bare
        after = np.where(
            np.isnan(pins), book.equity - flat - lost, np.minimum(book.equity - flat - lost, 0.0)
        )

        when: np.ndarray | None = None
        states: list[tuple[np.ndarray, np.ndarray]] = []
        if trace != "none":
            held = np.where(book.can_fail, np.nan, 0.0)
            held = np.where(np.isnan(pins), held, (1 - pins) * system.width)
            limit = 1e-12 * capital
            when, states = linear_rounds(system, flat, held, bare, limit, self.tolerance)
            when = _rounds(when, failed).reshape(shape)
        gone = bare | ~np.isnan(pins)

        def state(left: np.ndarray, now: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            moved = np.where(alive, left, book.equity)
            return moved.reshape(shape), (now | gone).reshape(shape)

        return Outcome(
            equity=after.reshape(shape),
            claims_lost=lost.reshape(shape),
            defaulted=failed.reshape(shape),
            rounds=done.rounds.reshape(lead),
            residual=done.residual.reshape(lead),
            converged=done.converged.reshape(lead),
            error=done.error.reshape(lead),
            default_round=when,
            loss_rate=rate.reshape(shape),
            products=done.products,
            history=tuple(state(*pair) for pair in states) if trace == "path" else (),
        )

    def each_default(
        self, network: ExposureNetwork, recovery: float, value: np.ndarray
    ) -> EachDefault | None:
        """The losses caused by the default of each node alone, computed for all nodes at once.

        `None` for single-hit and if a node without equity has debts: the losses that it passes on
        are not linear, and each default needs its own run.

        With `M = (I − Λ)⁻¹`, and while no other node loses all its equity, the default of k alone
        gives `h = (1 − ρ) M_k / M_kk`; :mod:`contagion.kernels.allnodes` covers the other cases. A
        node that passes on no loss (its equity is unknown, or it cannot default) appears twice: as
        a trigger and as a creditor with losses.

        Parameters
        ----------
        network : the exposures.
        recovery : ρ on claims on the node in default, in [0, 1].
        value : (n,) weight of the distress of each node, >= 0.

        Returns
        -------
        EachDefault, accurate to 1e-8 of total equity, and more accurate for small networks.

        Raises
        ------
        ConvergenceError
            If the rounds that some triggers need do not converge.

        Example
        -------
        b (equity 8) holds 4 on a (equity 6), which holds 3 on b: M_aa = 4/3, b loses half.

        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [3, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", equity=[6, 8])
        >>> ct.DebtRank().each_default(net, 0.0, np.ones(2)).impact.round(9).tolist()
        [4.0, 3.0]
        """
        book, n = network.book, len(network)
        equity = np.nan_to_num(book.equity)
        if self.variant == "single-hit" or (book.can_fail & (equity <= 0) & (book.debts > 0)).any():
            return None
        alive = book.can_fail & (equity > 0)
        extra = np.flatnonzero(~alive & (book.claims > 0))
        member = np.concatenate([np.arange(n), extra])
        row = np.arange(n)
        row[extra] = n + np.arange(len(extra))
        # Largest loss of a member: its equity, or all its claims if it has none or no limit.
        size = np.where(equity > 0, equity, book.claims)[member]
        size[:n][~alive] = 0.0
        rate = diags_array(1.0 / np.where(size > 0, size, np.inf))
        influence = rate @ csr_array(network.liabilities.T)[member]
        influence = hstack([influence, csr_array((len(member), len(extra)))], format="csr")
        influence.eliminate_zeros()
        counts = ~book.known | (equity > 0)
        worth = size * counts[member]
        value = np.where(equity > 0, value, 0.0)[member]
        value[:n][~alive] = 0.0
        gross = np.concatenate([network.liabilities @ book.known, np.zeros(len(extra))])
        passed = 1.0 - recovery
        found = all_nodes(
            csr_array(influence),
            csr_array(influence[row]),
            np.stack([worth, worth * book.known[member], gross, value]),
            np.arange(len(member)) < n,
            passed,
            accuracy=float(np.clip(1e-14 * n**2, 1e-12, 1e-8)),
            tolerance=self.tolerance,
        )
        if not found.converged.all():
            raise ConvergenceError(
                f"{int((~found.converged).sum())} of {n} single defaults did not reach the "
                f"tolerance of DebtRank."
            )
        fell = np.where(alive, passed, np.minimum(found.back, 1.0))
        own = worth[row] * fell
        came = size[row] * found.back
        return EachDefault(
            impact=found.totals[0] - own,
            known_impact=found.totals[1] - np.where(book.known, own, 0.0),
            distress=found.totals[3] - value[row] * fell,
            uncapped=found.totals[2] - np.where(book.known, came, 0.0),
            suffered=worth[row] * found.sums[row] - own,
            suffered_uncapped=network.liabilities.T @ found.sums[:n] - came,
            induced=found.induced,
            failures=found.failures[:n],
        )

    def _single(
        self,
        network: ExposureNetwork,
        flat: np.ndarray,
        pins: np.ndarray,
        shape: tuple[int, ...],
        trace: Trace,
    ) -> Outcome:
        book, lead, n = network.book, shape[:-1], len(network)
        equity = np.nan_to_num(book.equity)
        alive = book.can_fail & (equity > 0)
        claims, bare = network.liabilities, book.can_fail & (equity <= 0)
        creditor = claims.indices
        ratio = np.where(alive[creditor], claims.data / np.where(alive, equity, 1.0)[creditor], 0.0)
        ratio = np.where(bare[creditor] & (claims.data > 0), 1.0, ratio)
        impact = csr_array((np.minimum(ratio, 1.0), creditor, claims.indptr), shape=(n, n))
        started = ~np.isnan(pins)
        start = np.where(alive, np.minimum(flat / np.where(alive, equity, 1.0), 1.0), 0.0)
        start = np.where(bare & (flat > 0), 1.0, start)
        start = np.where(started, 1.0 - np.nan_to_num(pins), start)
        h, default_round, kept = single_hit(impact, start, history=trace == "path")
        failed = (h >= 1) & alive | started | bare
        fall = np.where(alive, h, 0.0) * equity
        capped = (alive | bare) & ~started
        lost = np.where(capped, np.maximum(fall - flat, 0.0), h @ claims)
        after = book.equity - np.where(capped, fall, flat + lost)
        after = np.where(started, np.minimum(after, 0.0), after)
        states = tuple(
            (
                (np.where(alive, book.equity * (1 - now), book.equity)).reshape(shape),
                ((now >= 1) & alive | started | bare).reshape(shape),
            )
            for now in kept
        )
        return Outcome(
            equity=after.reshape(shape),
            claims_lost=lost.reshape(shape),
            defaulted=failed.reshape(shape),
            rounds=np.full(lead, int(default_round.max(initial=0))),
            residual=np.zeros(lead),
            converged=np.ones(lead, bool),
            default_round=_rounds(np.where(bare, 0, default_round), failed).reshape(shape),
            loss_rate=h.reshape(shape),
            history=states,
        )


def _rounds(default_round: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """Rounds of default; nodes that were in default before the shock get round 0."""
    return np.where(failed, np.maximum(default_round, 0), -1)
