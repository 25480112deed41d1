"""One run of a model on a network: inputs, outcome, and the arrays that follow from them."""

from __future__ import annotations

from dataclasses import Field, dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from ..errors import ConvergenceError, ModelError
from ..network.exposure_network import ExposureNetwork
from ..shocks import Shock
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
        """Losses and recoveries (..., n), prices (..., A) to an outcome."""


@dataclass(frozen=True, eq=False, repr=False)
class RunArrays:
    """The inputs of a run, its outcome, and the losses of nodes and claims as arrays.

    The fields are those of :class:`~contagion.results.PropagationResult`.
    """

    network: ExposureNetwork
    model: LossModel
    shock: Shock
    outcome: Outcome
    asset_losses: np.ndarray = field(repr=False)
    pinned_recoveries: np.ndarray = field(repr=False)
    baseline: Baseline = "book"
    reference: Outcome | None = None

    @cached_property
    def pinned(self) -> np.ndarray:
        """(n,) bool: the nodes that the shock puts in default."""
        return np.asarray(~np.isnan(self.pinned_recoveries))

    @cached_property
    def triggers(self) -> np.ndarray:
        """(n,) bool: the nodes that the shock hits."""
        return np.asarray((self.asset_losses > 0) | self.pinned)

    @cached_property
    def default_round(self) -> np.ndarray:
        """(n,) int, the round in which each node fails: 0 by the shock alone, -1 never.

        A model that does not know it in any case runs once more when this is first read.

        Raises
        ------
        ConvergenceError
            When the run for the rounds takes more of them than the model allows.
        """
        when = self.outcome.default_round
        if when is None:
            hit = self.shock.arrays(self.network)
            again = self.model.run(self.network, *hit, trace="rounds")
            if np.all(self.outcome.converged) and not np.all(again.converged):
                raise ConvergenceError(
                    f"{type(self.model).__name__} did not reach its tolerance round by round in "
                    f"{int(again.rounds)} rounds. Raise max_rounds.",
                    self,
                )
            when = again.default_round
            assert when is not None
        return when

    @cached_property
    def equity_before(self) -> np.ndarray:
        """(n,) equity that losses are counted from."""
        return self.network.book.equity if self.reference is None else self.reference.equity

    @cached_property
    def loss(self) -> np.ndarray:
        """(n,) what the owners of each node lose: the fall of `max(equity, 0)`, in money.

        A node that cannot fail, and one with unknown balance sheet, loses what it loses on
        assets and claims, without limit.
        """
        fall = _positive(self.equity_before) - _positive(self.outcome.equity)
        return np.where(self.limited, fall, self._unlimited())

    @cached_property
    def limited(self) -> np.ndarray:
        """(n,) bool: nodes whose owners lose at most their equity, because they may fail."""
        may = self.network.book.can_fail | self.pinned
        return np.asarray(may & self.network.book.known)

    def _unlimited(self) -> np.ndarray:
        lost = self.outcome.lost
        if self.reference is not None:
            lost = lost - self.reference.lost
        q, called = self.network.segments.calls, self.outcome.called
        calls = 0.0 if q is None else np.bincount(q.guarantor, called, len(self.network))
        passed = (1.0 - self.pinned_recoveries) * (self.network.segments.due + calls)
        rest = np.asarray(np.maximum(lost - passed, 0.0))
        return np.where(self.pinned, rest, self.asset_losses + lost)

    @cached_property
    def direct_loss(self) -> np.ndarray:
        """(n,) the part of `loss` that the shock alone causes."""
        before = self.equity_before
        alone = _positive(before) - _positive(before - self.asset_losses)
        alone = np.where(self.limited, alone, self.asset_losses)
        return np.where(self.pinned, np.where(np.isnan(before), 0.0, _positive(before)), alone)

    @cached_property
    def _shortfall_inside(self) -> np.ndarray:
        return np.bincount(self.network.debtor, self.claim_losses, len(self.network))

    @cached_property
    def shortfall(self) -> np.ndarray:
        """(n,) what the creditors of each node do not get, never part of `loss`, in money."""
        if self.outcome.external_paid is None:
            return self._shortfall_inside
        outside = self.network.book.stated_liabilities - self.outcome.external_paid
        return np.asarray(self._shortfall_inside + outside)

    @cached_property
    def claim_losses(self) -> np.ndarray:
        """(m,) what each claim loses of its face value, in money."""
        return claim_losses(self.network, self.outcome)

    @cached_property
    def added_losses(self) -> np.ndarray:
        """(m,) what each claim loses, counted from the baseline, in money."""
        if self.reference is None:
            return self.claim_losses
        before = claim_losses(self.network, self.reference)
        return np.asarray(np.maximum(self.claim_losses - before, 0.0))

    @cached_property
    def outside_losses(self) -> np.ndarray:
        """(n,) what the external creditors of each node lose, counted from the baseline, in money.

        Raises
        ------
        ModelError
            For models that do not settle claims.
        """
        paid, before = self.outcome.external_paid, self.reference
        if paid is None:
            raise self._not_computed("what external creditors lose")
        if before is None:
            return np.asarray(self.network.book.stated_liabilities - paid)
        assert before.external_paid is not None
        return np.asarray(before.external_paid - paid)

    def _not_computed(self, what: str) -> ModelError:
        return ModelError(f"{type(self.model).__name__} does not compute {what}.")


def claim_losses(network: ExposureNetwork, outcome: Outcome) -> np.ndarray:
    """Losses per claim (..., m) of an outcome, in money."""
    if outcome.unpaid is not None:
        return network.segments.to_claims(outcome.unpaid)
    assert outcome.loss_rate is not None
    rate, own = outcome.loss_rate[..., network.debtor], outcome.claim_rates
    if own is not None:
        rate = np.where(np.isnan(own), rate, own * outcome.defaulted[..., network.debtor])
    return np.asarray(network.amount * rate)


def _positive(equity: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(equity, 0.0))
