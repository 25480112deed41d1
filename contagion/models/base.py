"""The base of every model: a frozen dataclass whose fields are its parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ..errors import ConvergenceError, ModelError, NetworkError, ShockError, expect
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..results.ledger import pinned_losses
from ..results.outcome import Outcome
from ..results.propagation_result import PropagationResult
from ..results.run_arrays import Baseline
from ..shocks import Shock
from ..text import choice, money
from .parameters import Parameters

Trace = Literal["none", "rounds", "path"]
NO_SHOCK = Shock()


@dataclass(frozen=True, repr=False)
class Model(Parameters, ABC):
    """A model of loss propagation.

    A model implements one method, :meth:`run`, on arrays of shape (..., n); labels, baselines and
    checks are inherited. Class attributes: `title`, `source` (author, year, equation),
    `settles` (true when claims are paid out, so that value is conserved), `values_shares` (true
    when it values shares that nodes own in each other; other models reject shareholdings),
    `reads_prices` (true when the price of each asset matters, not only the loss of each node),
    `spreads_by_default_only` (true when a solvent node pays in full and passes on no loss, and
    default destroys no value: defaults that cause no further default then need no run),
    `fails_at_zero` (true when a node is in default if and only if its equity is below 0),
    `by_node` (the valid range of every field that may differ by node, see :meth:`parameter`).
    """

    title: ClassVar[str]
    source: ClassVar[str]
    settles: ClassVar[bool]
    values_shares: ClassVar[bool] = False
    reads_prices: ClassVar[bool] = False
    spreads_by_default_only: ClassVar[bool] = False
    fails_at_zero: ClassVar[bool] = True

    @abstractmethod
    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
        *,
        trace: Trace = "none",
    ) -> Outcome:
        """The :class:`Outcome` for the arrays of a :class:`~contagion.network.hit.Hit`.

        A model without asset prices uses only losses (..., n) and recoveries (..., n): the loss on
        holdings through `prices` (..., A) is already in `losses`. `trace="rounds"` also returns
        the round of every default, `"path"` the state after each round.
        """

    def loss_rates(self, network: ExposureNetwork, hit: Hit, outcome: Outcome) -> np.ndarray:
        """Loss rates of claims implied by the equity and defaults of an outcome, for an audit.

        (n,) as `outcome.loss_rate`, or (S,) as `outcome.unpaid`; nan where the model has none.
        Here: 1 − recovery where a recovery is given, `loss_given_default` for other defaults.
        """
        lgd: np.ndarray | float = 0.0
        if hasattr(self, "loss_given_default"):
            lgd = self.parameter(network, "loss_given_default")
        return np.where(np.isnan(hit.pins), lgd * outcome.defaulted, 1.0 - hit.pins)

    def on(self, network: ExposureNetwork) -> ExposureNetwork:
        """The network that the model runs on, with any assets that it prices beyond holdings."""
        return network

    def _usable(self, network: ExposureNetwork) -> None:
        expect(network=network)
        if not len(network):
            raise NetworkError("The network has no nodes: there is nothing that could lose.")
        if network._guarantees is not None and not self.settles:
            raise ModelError(
                f"{type(self).__name__} does not compute guarantees. Use a model that settles "
                "claims, or net.with_guarantees(None) to leave them out."
            )
        if network._shareholdings is not None and not self.values_shares:
            raise ModelError(
                f"{type(self).__name__} does not compute shareholdings. Use CrossHoldings or "
                "FailureCosts, or net.with_shareholdings(None) to leave them out."
            )

    def solve(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
    ) -> Outcome:
        """Solve a batch of scenarios; `model.solve(network, *shock.arrays(network))` solves one.

        Parameters
        ----------
        network : the exposures.
        losses : (..., n) loss of each node on its assets, in money, including the loss on holdings
            through `prices`. It may exceed external assets, as in `Shock.equity`.
        recoveries : (..., n) recovery rates of nodes set to default by the shock, nan elsewhere.
        prices : (..., A) prices of `net.priced_assets` after the shock, relative to those before.

        Returns
        -------
        Outcome
            Scenarios that did not converge are marked in `converged`; nothing is raised.

        Raises
        ------
        ShockError
            When the last axis does not have one entry per node (or asset), a loss or price is
            negative or not finite, or a recovery lies outside [0, 1].
        """
        self._usable(network)
        network = self.on(network)
        losses = np.asarray(losses, float)
        if losses.shape[-1:] != (len(network),):
            raise ShockError(
                f"losses have shape {losses.shape}; the last axis has to be "
                f"{len(network)}, one entry per node."
            )
        if not (np.isfinite(losses).all() and (losses >= 0).all()):
            raise ShockError("losses have to be >= 0 and finite.")
        if recoveries is not None:
            recoveries = np.broadcast_to(np.asarray(recoveries, float), losses.shape)
            if ((recoveries < 0) | (recoveries > 1)).any():
                raise ShockError(
                    "recoveries have to lie in [0, 1], nan where a node is not pinned."
                )
        if prices is not None:
            shape = (*losses.shape[:-1], len(network.priced_assets))
            try:
                prices = np.broadcast_to(np.asarray(prices, float), shape)
            except ValueError:
                raise ShockError(
                    f"prices have shape {np.shape(prices)}; {shape} is needed, one per asset."
                ) from None
            if not (np.isfinite(prices).all() and (prices >= 0).all()):
                raise ShockError("prices have to be >= 0 and finite, 1 where they do not move.")
        return self.run(network, losses, recoveries, prices)

    def in_money(self, network: ExposureNetwork, shock: Shock, what: str) -> Hit:
        """The arrays of a shock without prices, for analyses that split it by node.

        Raises
        ------
        ModelError
            If the model reads prices and the shock changes any.
        """
        hit = shock.arrays(network)
        if self.reads_prices and hit.prices is not None:
            raise ModelError(
                f"{type(self).__name__} does not compute {what} of a price shock, which does not "
                "hit single nodes. Give the loss of each node in money, Shock.loss."
            )
        return hit

    def propagate(
        self,
        network: ExposureNetwork,
        shock: Shock = NO_SHOCK,
        *,
        baseline: Baseline = "cleared",
    ) -> PropagationResult:
        """Propagate one shock through the network.

        Parameters
        ----------
        network, shock : the exposures and the shock.
        baseline : "cleared" measures losses against the same model without the shock: the effect
            of the shock alone. "book" measures them against face values and reports shortfalls
            that existed before the shock separately. Both agree if the network is solvent before.

        Raises
        ------
        ShockError
            When the shock does not fit the network.
        ConvergenceError
            When the tolerance is not reached; `.partial` is the unconverged result.
        """
        choice(baseline, ("book", "cleared"), "baseline")
        self._usable(network)
        expect(shock=shock)
        network = self.on(network)
        hit = shock.arrays(network)
        outcome = self.run(network, *hit)
        result = PropagationResult(network, self, shock, hit, outcome, baseline)
        if not bool(np.all(outcome.converged)):
            fix = "Raise max_rounds, or look" if hasattr(self, "max_rounds") else "Look"
            raise ConvergenceError(
                f"{type(self).__name__} did not reach its tolerance in {int(outcome.rounds)} "
                f"rounds (residual {float(outcome.residual):.1e}). {fix} at .partial.",
                result,
            )
        if self.settles and result.pinned.any():
            _check_pins(result)
        return result


def _check_pins(result: PropagationResult) -> None:
    """A fixed recovery rate must not pay out more than the node has."""
    net = result.network
    destroyed = pinned_losses(net, result.outcome, result.hit.pins) - result.hit.losses
    below = result.pinned & (destroyed < -1e-9 * (net.book.claims + net.segments.due))
    if below.any():
        at = int(np.flatnonzero(below)[0])
        raise ShockError(
            f"{str(net.names[at])!r} is said to recover {result.hit.pins[at]:.4g} of "
            f"face, {money(-destroyed[at], net.unit)} more than it has left to pay with. Lower "
            "the recovery."
        )
