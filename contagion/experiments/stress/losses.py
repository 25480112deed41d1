"""The ledger of every scenario (losses by bearer), for a whole batch.

The definitions are those of :mod:`contagion.results.ledger`, with scenarios on the leading axis.
The loss of a node is the loss of its owners (those that are not nodes themselves) and of its
external creditors, so that nodes sum to the system. For models that do not settle claims it is the
loss of owners.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import ConvergenceError, ShockError
from ...kernels.calls import by_node
from ...models.base import Model
from ...models.settlement import slices
from ...network.exposure_network import ExposureNetwork
from ...network.hit import Hit
from ...results.ledger import Ledger, entries, missing_before, pinned_losses
from ...results.outcome import Outcome
from ...results.run_arrays import Baseline
from ...text import money, plural


@dataclass(frozen=True)
class Measured:
    """k scenarios: arrays (k, n), money and `defaulted` bool, and `columns` {name: (k,)}.

    `loss` is `owners_loss` plus the losses of external creditors; `contagion` is the part of
    `owners_loss` that is not an immediate loss by the shock; `socialized` is `contagion` plus the
    losses of external creditors by the shock.
    """

    loss: np.ndarray
    owners_loss: np.ndarray
    contagion: np.ndarray
    socialized: np.ndarray
    defaulted: np.ndarray
    columns: dict[str, np.ndarray]

    def head(self, count: int) -> Measured:
        """The first scenarios."""
        arrays = {name: getattr(self, name)[:count] for name in ARRAYS}
        return Measured(**arrays, columns={key: x[:count] for key, x in self.columns.items()})


ARRAYS = ("loss", "owners_loss", "contagion", "socialized", "defaulted")


def gathered(parts: list[Measured], rows: np.ndarray) -> Measured:
    """Measured parts combined, each scenario in its row of `rows` (k,)."""
    back = np.argsort(rows, kind="stable")
    arrays = {name: np.concatenate([getattr(p, name) for p in parts])[back] for name in ARRAYS}
    columns = {
        name: np.concatenate([part.columns[name] for part in parts])[back]
        for name in parts[0].columns
    }
    return Measured(**arrays, columns=columns)


@dataclass(frozen=True)
class Books:
    """One network, one model, and the reference for losses.

    Attributes
    ----------
    network, model : as given.
    reference : outcome (n,) of the network without shock.
    missing : with baseline "book" the ledger of the reference, else `None`.
    """

    network: ExposureNetwork
    model: Model
    reference: Outcome
    missing: Ledger | None

    @property
    def before(self) -> np.ndarray:
        """(n,) equity relative to which losses are measured, not below 0; 0 if unknown."""
        start = self.reference.equity if self.missing is None else self.network.book.equity
        return np.asarray(np.maximum(np.nan_to_num(start), 0.0))

    @property
    def capital(self) -> float:
        """The largest possible loss of all owners; infinite if the loss of a node has no limit."""
        book = self.network.book
        return float(self.before.sum()) if (book.can_fail & book.known).all() else float("inf")

    @property
    def owed_outside(self) -> float:
        """The largest possible loss of all external creditors, money."""
        paid = self.reference.external_paid
        if paid is None:
            return 0.0
        return float((paid if self.missing is None else self.network.book.stated_liabilities).sum())

    def solve(self, hit: Hit) -> Measured:
        """Solve k scenarios.

        For models that settle claims the scenarios are run in the slices that `settle` would use,
        so that only the arrays needed here are combined.
        """
        n, parts, rows = len(self.network), [], []
        width = max(n, len(self.network.segments.owner)) if self.model.settles else 1
        for at in slices(hit.losses, width):
            part = self._slice(hit.at(at))
            if isinstance(at, slice):
                return part
            parts.append(part)
            rows.append(at)
        return gathered(parts, np.concatenate(rows))

    def _slice(self, hit: Hit) -> Measured:
        """Scenarios that are solved together. A single one is solved twice, because the kernel has
        a different path for one scenario."""
        losses, recoveries, _ = hit
        if len(losses) == 1:
            return self._slice(hit.at(np.zeros(2, int))).head(1)
        outcome = self.model.solve(self.network, *hit)
        self._payable(outcome, losses, recoveries)
        found = entries(self.network, outcome, self.reference, hit)
        owners = found.shock + found.contagion
        if self.missing is not None:
            owners += self.missing.contagion
        loss = owners
        columns = {
            "direct_loss": found.shock.sum(axis=1),
            "defaults": outcome.defaulted.sum(axis=1),
            "rounds": outcome.rounds,
            "residual": outcome.residual,
            "converged": outcome.converged,
        }
        if found.external is not None:
            missing = 0.0 if self.missing is None else self.missing.outside
            external = found.external + missing
            loss = owners + external
            columns |= {
                "owners_loss": owners.sum(axis=1),
                "external_loss": external.sum(axis=1),
                "initial_loss": np.sum(found.initial, axis=1, where=found.triggers),
                "deadweight": found.destroyed.sum(axis=1),
                "socialized": found.socialized,
                "relief": found.relief.sum(axis=1),
            }
        columns = {"loss": loss.sum(axis=1), **columns}
        social = found.contagion + found.outside
        return Measured(loss, owners, found.contagion, social, outcome.defaulted, columns)

    def _payable(self, outcome: Outcome, losses: np.ndarray, recoveries: np.ndarray | None) -> None:
        """Check that no fixed recovery rate needs more than the assets, as in `Model.propagate`.

        Raises
        ------
        ShockError : names the node with the largest excess; nodes with an unknown balance sheet are
            not checked.
        """
        if recoveries is None or not self.model.settles or np.isnan(recoveries).all():
            return
        net, due = self.network, self.network.segments.due
        short = losses - pinned_losses(net, outcome, recoveries)
        below = (short > 1e-9 * (net.book.claims + due)) & ~np.isnan(recoveries)
        if not below.any():
            return
        short = np.where(below, short, 0.0)
        row, at = divmod(int(short.argmax()), short.shape[1])
        owes = due
        if (calls := net.segments.calls) is not None and outcome.called is not None:
            owes = due + by_node(calls.guarantor, outcome.called[row], len(net))
        most = float(recoveries[row, at] - short[row, at] / owes[at])
        most = np.floor(1e4 * max(most, 0.0) + 1e-6) / 1e4  # rounded down to a valid input
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


def books(network: ExposureNetwork, model: Model, baseline: Baseline) -> Books:
    """The reference for losses: the network solved without shock, as part of a batch."""
    none = model.solve(network, np.zeros((2, len(network))))
    if not bool(np.all(none.converged)):
        raise ConvergenceError(
            f"{type(model).__name__} does not converge without any shock, so there is nothing to "
            "count losses from. Raise max_rounds.",
            none,
        )
    reference = _first(none)
    missing = missing_before(network, reference) if baseline == "book" else None
    return Books(network, model, reference, missing)


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
