"""One run of a model on a network: inputs, outcome, and arrays computed from them."""

from __future__ import annotations

from dataclasses import Field, dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol, Self
from weakref import WeakKeyDictionary

import numpy as np

from ..errors import ConvergenceError, ModelError
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..shocks import Shock
from . import ledger
from .outcome import Outcome

Baseline = Literal["book", "cleared"]


class LossModel(Protocol):
    """A frozen dataclass that computes outcomes; :class:`contagion.models.base.Model` is one."""

    title: ClassVar[str]
    source: ClassVar[str]
    settles: ClassVar[bool]
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
        *,
        trace: Literal["none", "rounds", "path"] = "none",
    ) -> Outcome:
        """The outcome for losses and recovery rates (..., n) and prices (..., A)."""

    def loss_rates(self, network: ExposureNetwork, hit: Hit, outcome: Outcome) -> np.ndarray:
        """Loss rates of claims, given the equity and defaults of an outcome."""


_LAST: WeakKeyDictionary[ExposureNetwork, tuple[LossModel, Outcome]] = WeakKeyDictionary()


def _kept(network: ExposureNetwork, model: LossModel) -> Outcome:
    """The outcome without a shock, cached for the last model of a network; never modified."""
    try:
        hash(model)
    except TypeError:  # a parameter is an array or a mapping: models cannot be compared
        return model.run(network, np.zeros(len(network)))
    last = _LAST.get(network)
    if last is None or last[0] != model:
        last = _LAST[network] = model, model.run(network, np.zeros(len(network)))
    return last[1]


@dataclass(frozen=True, eq=False, repr=False)
class RunArrays:
    """The inputs of a run, its outcome, and the losses of nodes and claims as arrays.

    The fields are those of :class:`~contagion.results.PropagationResult`. Amounts are in the unit
    of the network.
    """

    network: ExposureNetwork
    model: LossModel
    shock: Shock
    hit: Hit
    outcome: Outcome
    baseline: Baseline = "cleared"

    @cached_property
    def reference(self) -> Outcome:
        """The outcome of the same model without the shock, computed on first use.

        It depends only on the network and the model; the last one is cached for other shocks.

        Raises
        ------
        ConvergenceError
            If the model does not reach its tolerance without a shock.
        """
        outcome = _kept(self.network, self.model)
        if not np.all(outcome.converged):
            raise ConvergenceError(
                f"{type(self.model).__name__} does not converge without any shock, so there is "
                "nothing to count losses from. Raise max_rounds.",
                outcome,
            )
        return outcome

    @cached_property
    def start(self) -> Outcome:
        """Outcome from which losses count: the reference, or face values (`baseline="book"`)."""
        return self.reference if self.baseline == "cleared" else ledger.at_face(self.network)

    @cached_property
    def caused(self) -> Self:
        """The same run with losses counted from the reference: only losses caused by the shock."""
        if self.baseline == "cleared":
            return self
        same = replace(self, baseline="cleared")
        object.__setattr__(same, "reference", self.reference)
        return same

    @cached_property
    def entries(self) -> ledger.Ledger:
        """The ledger as arrays; increments over the reference, for either baseline."""
        return ledger.entries(self.network, self.outcome, self.reference, self.hit)

    @cached_property
    def before(self) -> ledger.Ledger | None:
        """The ledger of amounts missing before the shock; `None` unless `baseline="book"`."""
        if self.baseline == "cleared":
            return None
        return ledger.missing_before(self.network, self.reference)

    @cached_property
    def pinned(self) -> np.ndarray:
        """(n,) bool: the nodes that the shock sets to default."""
        return np.asarray(~np.isnan(self.hit.pins))

    @cached_property
    def triggers(self) -> np.ndarray:
        """(n,) bool: the nodes that the shock hits."""
        return ledger.triggers(self.hit, self.outcome)

    @property
    def at_once(self) -> np.ndarray:
        """(n,) bool, nodes that default by the shock alone, even if all others pay in full."""
        known = self.outcome.at_once
        return self.default_round == 0 if known is None else known

    @cached_property
    def default_round(self) -> np.ndarray:
        """(n,) int, the round in which each node defaults: 0 by the shock alone, -1 never.

        If the outcome does not include it, the model runs once more on first use.

        Raises
        ------
        ConvergenceError
            If this run needs more rounds than the model allows.
        ModelError
            If the model does not compute rounds.
        """
        when = self.outcome.default_round
        if when is None:
            again = self.model.run(self.network, *self.hit, trace="rounds")
            if np.all(self.outcome.converged) and not np.all(again.converged):
                raise ConvergenceError(
                    f"{type(self.model).__name__} did not reach its tolerance round by round in "
                    f"{int(again.rounds)} rounds. Raise max_rounds.",
                    self,
                )
            when = again.default_round
            if when is None:
                raise ModelError(
                    f"{type(self.model).__name__}.run gives no default_round, even with "
                    "trace='rounds': put (..., n) integers into its Outcome, 0 for who fails by "
                    "the shock alone, -1 for who never fails."
                )
        return when

    @property
    def borne(self) -> tuple[np.ndarray, np.ndarray]:
        """(n,) losses borne by owners outside the graph and by external creditors of each node.

        Sum over the causes of the ledger, with `baseline="book"` including amounts missing before.
        """
        found, before = self.entries, self.before
        owners, outside = found.shock + found.contagion, found.outside
        if before is None:
            return owners, outside
        return owners + before.contagion, outside + before.outside

    @cached_property
    def equity_before(self) -> np.ndarray:
        """(n,) equity of the baseline, from which losses are counted."""
        return self.start.equity

    @cached_property
    def loss(self) -> np.ndarray:
        """(n,) loss of the owners of each node, see :func:`.ledger.owners_loss`."""
        return ledger.owners_loss(self.network, self.outcome, self.start, self.hit)

    @cached_property
    def limited(self) -> np.ndarray:
        """(n,) bool: nodes whose owners lose at most the equity, because the node can default."""
        may = self.network.book.can_fail | self.pinned
        return np.asarray(may & self.network.book.known)

    @property
    def direct_loss(self) -> np.ndarray:
        """(n,) the part of `loss` due to the shock itself, `direct` of the ledger."""
        return self.entries.direct

    @cached_property
    def _shortfall_inside(self) -> np.ndarray:
        return np.bincount(self.network.debtor, self.claim_losses, len(self.network))

    @cached_property
    def shortfall(self) -> np.ndarray:
        """(n,) unpaid debts of each node, the loss of its creditors; never part of `loss`."""
        if self.outcome.external_paid is None:
            return self._shortfall_inside
        outside = self.network.book.stated_liabilities - self.outcome.external_paid
        return np.asarray(self._shortfall_inside + outside)

    @cached_property
    def claim_losses(self) -> np.ndarray:
        """(m,) loss on each claim, from face value."""
        return claim_losses(self.network, self.outcome)

    @cached_property
    def added_losses(self) -> np.ndarray:
        """(m,) loss on each claim, counted from the baseline."""
        before = claim_losses(self.network, self.start)
        return np.asarray(np.maximum(self.claim_losses - before, 0.0))

    @cached_property
    def outside_losses(self) -> np.ndarray:
        """(n,) loss of the external creditors of each node, counted from the baseline.

        Raises
        ------
        ModelError
            For models that do not settle claims.
        """
        paid, before = self.outcome.external_paid, self.start.external_paid
        if paid is None or before is None:
            raise self._not_computed("what external creditors lose")
        return np.asarray(before - paid)

    def _not_computed(self, what: str) -> ModelError:
        return ModelError(f"{type(self.model).__name__} does not compute {what}.")


def claim_losses(network: ExposureNetwork, outcome: Outcome) -> np.ndarray:
    """Losses per claim (..., m) of an outcome, from face value."""
    if outcome.unpaid is not None:
        return network.segments.to_claims(outcome.unpaid)
    assert outcome.loss_rate is not None
    rate, own = outcome.loss_rate[..., network.debtor], outcome.claim_rates
    if own is not None:
        rate = np.where(np.isnan(own), rate, own * outcome.defaulted[..., network.debtor])
    return np.asarray(network.amount * rate)
