"""What an outcome means for every scenario: the numbers of a result, for a batch at once.

The definitions are those of :class:`contagion.results.propagation_result.PropagationResult` and of
:class:`contagion.results.socialization.Socialization`, with scenarios on the leading axis. The loss
of a node is what its owners who are not nodes themselves lose, so that nodes sum to the system.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import ShockError
from ...models.base import Model
from ...models.settlement import slices, sums
from ...network.exposure_network import ExposureNetwork
from ...network.hit import Hit
from ...results.outcome import Outcome
from ...results.run_arrays import Baseline
from ...text import money, plural

SETTLED = ("initial_loss", "absorbed_by_trigger", "socialized", "deadweight", "external_loss")


@dataclass(frozen=True)
class Measured:
    """k scenarios: `loss` (k, n) money, `defaulted` (k, n) bool, `columns` {name: (k,)}."""

    loss: np.ndarray
    defaulted: np.ndarray
    columns: dict[str, np.ndarray]


@dataclass(frozen=True)
class Ledger:
    """One network, one model, and what losses are counted from.

    Attributes
    ----------
    network, model : as given.
    reference : outcome (n,) of the network without shock, or `None` for face values.
    before : (n,) equity that losses are counted from, not below 0; 0 where it is unknown.
    limited : (n,) bool, owners lose at most that.
    owned : (n,) part of the equity that other nodes own, or `None` where nobody does.
    """

    network: ExposureNetwork
    model: Model
    reference: Outcome | None
    before: np.ndarray
    limited: np.ndarray
    owned: np.ndarray | None

    @property
    def capital(self) -> float:
        """The most that owners of nodes can lose together; infinite where a node has no limit."""
        return float(self.before.sum()) if self.limited.all() else float("inf")

    def solve(self, hit: Hit) -> Measured:
        """Solve k scenarios.

        Those of models that settle claims go through in the slices that `settle` would make of
        them, so that of all its arrays only what is asked for here is put together.
        """
        n, losses = len(self.network), hit.losses
        width = max(n, len(self.network.segments.owner)) if self.model.settles else 1
        found = Measured(np.empty(losses.shape), np.empty(losses.shape, bool), {})
        for at in slices(losses, width):
            part = self._slice(hit.at(at))
            if isinstance(at, slice):
                return part
            found.loss[at], found.defaulted[at] = part.loss, part.defaulted
            for name, values in part.columns.items():
                whole = found.columns.setdefault(name, np.empty(len(losses), values.dtype))
                whole[at] = values
        return found

    def _slice(self, hit: Hit) -> Measured:
        """Scenarios that are solved together. A lone one is solved twice: alone it takes another
        way through the kernel."""
        losses, recoveries, _ = hit
        if len(losses) == 1:
            both = self._slice(hit.at(np.zeros(2, int)))
            return Measured(
                both.loss[:1], both.defaulted[:1], {k: v[:1] for k, v in both.columns.items()}
            )
        outcome = self.model.solve(self.network, *hit)
        pinned = None if recoveries is None else ~np.isnan(recoveries)
        if pinned is None or not pinned.any():
            pinned = recoveries = None
        self._payable(outcome, losses, recoveries)
        loss = self._loss(outcome, losses, recoveries, pinned)
        columns = {
            "loss": loss.sum(axis=1),
            "direct_loss": self._direct(losses, pinned),
            "defaults": outcome.defaulted.sum(axis=1),
            **self._settled(outcome, loss, losses, recoveries, pinned),
            "rounds": outcome.rounds,
            "residual": outcome.residual,
            "converged": outcome.converged,
        }
        return Measured(loss, outcome.defaulted, columns)

    def _loss(
        self,
        outcome: Outcome,
        losses: np.ndarray,
        recoveries: np.ndarray | None,
        pinned: np.ndarray | None,
    ) -> np.ndarray:
        loss: np.ndarray = self.before - np.maximum(outcome.equity, 0.0)
        free = ~self.limited
        if free.any():
            lost = outcome.lost[:, free] - self._reference_lost[free]
            apart = losses[:, free] + lost
            if pinned is not None and recoveries is not None:
                rest = np.maximum(lost - self._passed(outcome, recoveries)[:, free], 0.0)
                known = self.network.book.known[free]
                within = np.where(known, loss[:, free], rest)
                apart = np.where(pinned[:, free], within, apart)
            loss[:, free] = apart
        if self.owned is not None:
            book, due = self.network.book, self.network.segments.due
            fall = self.before - np.maximum(np.nan_to_num(outcome.equity), 0.0)
            size = np.abs(self._signed) + book.claims + due
            loss -= self.owned * np.where(np.abs(fall) > ROUNDING * size, fall, 0.0)
        return loss

    @property
    def _signed(self) -> np.ndarray:
        book = self.network.book
        equity = book.equity if self.reference is None else self.reference.equity
        return np.asarray(np.nan_to_num(equity))

    @property
    def _reference_lost(self) -> np.ndarray:
        n = len(self.network)
        return np.zeros(n) if self.reference is None else self.reference.lost

    def _called(self, outcome: Outcome) -> np.ndarray | float:
        """(k, n) what the node as a guarantor is called for."""
        calls = self.network.segments.calls
        if calls is None or outcome.called is None:
            return 0.0
        called: np.ndarray = sums(calls.guarantor, outcome.called, len(self.network))
        return called

    def _passed(self, outcome: Outcome, recoveries: np.ndarray) -> np.ndarray:
        """(k, n) what a pinned node passes on to its creditors; nan where it is not pinned."""
        due = self.network.segments.due + self._called(outcome)
        return np.asarray((1.0 - recoveries) * due)

    def _direct(self, losses: np.ndarray, pinned: np.ndarray | None) -> np.ndarray:
        """(k,) what owners would lose by the shock alone."""
        alone = np.minimum(losses, np.where(self.limited, self.before, np.inf))
        if pinned is not None:
            np.copyto(alone, np.broadcast_to(self.before, alone.shape), where=pinned)
        return np.asarray(alone.sum(axis=1))

    def _settled(
        self,
        outcome: Outcome,
        loss: np.ndarray,
        losses: np.ndarray,
        recoveries: np.ndarray | None,
        pinned: np.ndarray | None,
    ) -> dict[str, np.ndarray]:
        """Who bears what, for models that settle claims; the others have nothing to say."""
        if not self.model.settles:
            return {}
        assert outcome.deadweight is not None and outcome.external_paid is not None
        initial, hit = losses, losses > 0
        if recoveries is not None and pinned is not None:
            initial = np.where(pinned, self._destroyed(outcome, recoveries), losses)
            hit = hit | pinned
            total = (initial * hit).sum(axis=1)
        else:
            total = initial.sum(axis=1)
        absorbed = np.minimum((loss * hit).sum(axis=1), total)
        dead = outcome.deadweight.sum(axis=1)
        outside = self.network.book.stated_liabilities
        if self.reference is not None:
            assert self.reference.deadweight is not None
            assert self.reference.external_paid is not None
            dead = dead - self.reference.deadweight.sum()
            outside = self.reference.external_paid
        values = (
            total,
            absorbed,
            np.maximum(total - absorbed, 0.0),
            dead,
            outside.sum() - outcome.external_paid.sum(axis=1),
        )
        return dict(zip(SETTLED, values, strict=True))

    def _payable(self, outcome: Outcome, losses: np.ndarray, recoveries: np.ndarray | None) -> None:
        """A pinned recovery must not pay out more than the node has, as in `Model.propagate`.

        Raises
        ------
        ShockError : for the node that pays out most of what it does not have; a node whose balance
            sheet is not known can pay anything.
        """
        if recoveries is None or not self.model.settles:
            return
        net, due = self.network, self.network.segments.due
        short = losses - self._destroyed(outcome, recoveries)
        below = (short > 1e-9 * (net.book.claims + due)) & ~np.isnan(recoveries)
        if not below.any():
            return
        short = np.where(below, short, 0.0)
        row, at = divmod(int(short.argmax()), short.shape[1])
        owes = due + np.broadcast_to(self._called(outcome), short.shape)[row]
        most = float(recoveries[row, at] - short[row, at] / owes[at])
        most = np.floor(1e4 * max(most, 0.0) + 1e-6) / 1e4  # down, so that it can be typed in
        others = int(below.any(axis=0).sum()) - 1
        raise ShockError(
            f"{str(net.names[at])!r} is said to recover {recoveries[row, at]:.4g} of face, and "
            f"pays out {money(short[row, at], net.unit)} more than it has left in one of the "
            f"scenarios: there it could pay {most:.4g}."
            + (
                f" So {'does' if others == 1 else 'do'} {plural(others, 'other node')}."
                if others
                else ""
            )
            + " Lower the recovery of the scenarios, as a number or {node: number}."
        )

    def _destroyed(self, outcome: Outcome, recoveries: np.ndarray) -> np.ndarray:
        """(k, n) initial loss of nodes that are pinned, see `socialization.initial_losses`."""
        book, due = self.network.book, self.network.segments.due
        rate, calls = np.nan_to_num(recoveries), self._called(outcome)
        held = book.external_assets + book.claims + book.shares
        known = held - outcome.claims_lost + (1 - rate) * calls - rate * due
        since = outcome.claims_lost
        if self.reference is not None:
            since = since - self.reference.claims_lost
        unknown = np.maximum((1 - rate) * (due + calls) - since, 0.0)
        return np.asarray(np.where(np.isnan(known), unknown, known))


ROUNDING = 1e-12  # of a balance sheet: a fall of equity that counts as none


def ledger(network: ExposureNetwork, model: Model, baseline: Baseline) -> Ledger:
    """What losses are counted from; with baseline "cleared" the network is solved without shock."""
    reference = None
    if baseline == "cleared":
        none = model.solve(network, np.zeros((2, len(network))))
        if not bool(np.all(none.converged)):
            from ...errors import ConvergenceError

            raise ConvergenceError(
                f"{type(model).__name__} does not converge without any shock, so there is "
                'nothing to count losses from. Raise max_rounds or use baseline="book".',
                none,
            )
        reference = _first(none)
    equity = network.book.equity if reference is None else reference.equity
    book = network.book
    owned = None
    if network._shareholdings is not None:
        owned = np.asarray(network.ownership.sum(axis=0)).ravel()
    return Ledger(
        network,
        model,
        reference,
        np.maximum(np.nan_to_num(equity), 0.0),
        book.can_fail & book.known,
        owned,
    )


def _first(outcome: Outcome) -> Outcome:
    """The first scenario of an outcome (k, ...), with the arrays that a reference needs."""
    channels = None
    if outcome.channels is not None:
        channels = {name: money[0] for name, money in outcome.channels.items()}
    return Outcome(
        outcome.equity[0],
        outcome.claims_lost[0],
        outcome.defaulted[0],
        np.asarray(outcome.rounds)[0],
        np.asarray(outcome.residual)[0],
        np.asarray(outcome.converged)[0],
        external_paid=None if outcome.external_paid is None else outcome.external_paid[0],
        deadweight=None if outcome.deadweight is None else outcome.deadweight[0],
        channels=channels,
    )
