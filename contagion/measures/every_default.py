"""Each node defaults once: the loss of each victim for each trigger, in one record."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ArgumentError, ConvergenceError, expect
from ..media import notebook, shown
from ..models.base import Model
from ..network.exposure_network import ExposureNetwork
from ..parallel import each
from ..results.outcome import Outcome
from ..results.propagation_result import PropagationResult
from ..shocks import Shock
from ..text import same_scale
from .impact import CHUNK, each_default

MOST = 5_000  # nodes whose matrix of losses is kept
MONEY = ("assets", "equity", "socialized_caused", "default_impact", "direct_impact",
         "cascade_impact")  # fmt: skip
MEASURES_OF = {
    "triggers": ("socialized_caused", "default_impact", "contagion_index", "induced_defaults",
                 "direct_impact", "cascade_impact", "amplification"),
    "victims": ("vulnerability_index", "hazard", "loss_suffered"),
}  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class EveryDefault:
    """The effects of each single default on all other nodes.

    Attributes
    ----------
    network, model, recovery : the inputs; `recovery` is the rate on claims on each trigger.
    triggers : one row a trigger: assets and equity (money), the measures of
        :func:`contagion.measures.each_default` with direct and cascade part, rounds until the last
        further default, and for a model with channels the share of each in the others' losses.
    victims : one row a victim: vulnerability_index, hazard (%), loss_suffered (money, all
        triggers), worst_trigger and worst_loss (money).
    losses : (triggers, victims) loss of the owners of the victim, money; 0 on the diagonal.
    """

    network: ExposureNetwork
    model: Model
    recovery: float
    triggers: pd.DataFrame
    victims: pd.DataFrame
    losses: pd.DataFrame

    @cached_property
    def worst(self) -> PropagationResult | None:
        """The run of the trigger with the largest loss of other owners; None if there is no loss.

        Example
        -------
        >>> import contagion as ct
        >>> net = ct.datasets.load("neva_ring3")
        >>> every_default(net, ct.models.Furfine()).worst.shock.defaults
        (('A', 0.0),)
        """
        impact = self.triggers["default_impact"]
        if not (impact > 0).any():
            return None
        shock = Shock.default(impact.idxmax(), recovery=self.recovery)
        return self.model.propagate(self.network, shock)

    @shown
    def __repr__(self) -> str:
        worst = self.triggers["default_impact"].nlargest(3)
        say = same_scale(worst, self.network.unit)
        top = ", ".join(f"{node} {say(amount)}" for node, amount in worst.items() if amount > 0)
        return (
            f"Every default of {self.network.name or 'network'} ({len(self.network):,} nodes) "
            f"through {self.model!r}, recovery {self.recovery:g}: others lose most with "
            f"{top or 'none'}"
        )

    def _repr_html_(self) -> str:
        top = self.triggers.nlargest(8, "default_impact")
        return notebook(repr(self), top, self.network.unit, MONEY)


def every_default(
    network: ExposureNetwork,
    model: Model,
    *,
    recovery: float = 0.0,
    n_jobs: int = 1,
    progress: bool = False,
) -> EveryDefault:
    """Let each node default once, alone, and keep the losses of all pairs of trigger and victim.

    ℓ(j|i) is the loss of the owners of j when i defaults, relative to the run without shock and at
    most the equity of j (not capped if the balance sheet of j is not known).

    Parameters
    ----------
    network, model : any model.
    recovery : recovery rate on claims on the trigger, in [0, 1].
    n_jobs, progress : processes and a progress bar; they do not change results.

    Raises
    ------
    ArgumentError : above 5,000 nodes: the matrix of all pairs would be too large.
    ConvergenceError : when a run does not reach the tolerance of the model.

    Example
    -------
    a owes b 10, b (capital 3) owes c 6. When a defaults, b loses its capital of 3; c loses its
    whole capital of 4, which is less than its claim of 6 on b.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix(
    ...     [[0, 10, 0], [0, 0, 6], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
    ...     equity=[1, 3, 4])
    >>> every_default(net, ct.models.Furfine()).losses.loc["a"].tolist()
    [0.0, 3.0, 4.0]
    """
    expect(network=network, model=model)
    n = len(network)
    if n > MOST:
        raise ArgumentError(
            f"{n:,} nodes have too many pairs to keep ({MOST:,} nodes at most). ct.rank sums "
            "the losses of each default without keeping the pairs."
        )
    running = {"n_jobs": n_jobs, "progress": progress}
    sums = each_default(network, model, recovery=recovery, more=True, **running)  # type: ignore[arg-type]
    base = model.solve(network, np.zeros(n))
    before, book = np.maximum(base.equity, 0.0), network.book
    losses, rounds = np.zeros((n, n)), np.zeros(n, np.int64)
    channels = {name: np.zeros(n) for name in base.channels or {}}
    parts = np.array_split(np.arange(n), 1 + n * n // CHUNK)  # batches that fit into memory
    tasks = [(model, network, triggers, recovery) for triggers in parts]
    label = type(model).__name__
    for triggers, outcome in zip(
        parts,
        each(_traced, tasks, n_jobs=n_jobs, progress=progress, label=label),
        strict=True,
    ):
        if not np.all(outcome.converged):
            raise ConvergenceError(f"{label} did not reach its tolerance. Raise max_rounds.")
        here = (np.arange(len(triggers)), triggers)
        lost = np.where(
            np.isnan(before),
            outcome.lost - base.lost,
            before - np.maximum(outcome.equity, 0.0),
        )
        lost[here] = 0.0
        losses[triggers] = np.maximum(lost, 0.0)
        assert outcome.default_round is not None
        rounds[triggers] = outcome.default_round.max(axis=1)
        for name, total in channels.items():
            assert outcome.channels is not None and base.channels is not None
            money = np.maximum(outcome.channels[name] - base.channels[name], 0.0)
            money[here] = 0.0
            total[triggers] = money.sum(axis=1)
    index = pd.Index(network.names, name="node")
    assets = book.stated_assets + book.claims
    caused = pd.DataFrame({"assets": assets, "equity": base.equity}, index)
    caused = caused.join(sums.table[[x for x in MEASURES_OF["triggers"] if x in sums]])
    caused["rounds"] = rounds
    whole = np.sum(list(channels.values()), axis=0) if channels else np.zeros(n)
    for name, total in channels.items():
        caused[f"share_{name}"] = np.where(whole > 0, total / np.where(whole > 0, whole, 1.0), 0.0)
    worst = losses.argmax(axis=0)
    suffered = sums.table[list(MEASURES_OF["victims"])].rename_axis("node")
    most = losses[worst, np.arange(n)]
    named: list[Any] = [network.names[i] if amount > 0 else None
                        for i, amount in zip(worst, most, strict=True)]  # fmt: skip
    suffered = suffered.assign(worst_trigger=pd.array(named, object), worst_loss=most)
    pairs = pd.DataFrame(losses, index, pd.Index(network.names, name="victim"))
    return EveryDefault(network, model, recovery, caused, suffered, pairs)


def _traced(
    model: Model, network: ExposureNetwork, triggers: np.ndarray, recovery: float
) -> Outcome:
    """The outcome (k, n) of the default of each trigger (k,), with the rounds of defaults."""
    pins = np.full((len(triggers), len(network)), np.nan)
    pins[np.arange(len(triggers)), triggers] = recovery
    return model.run(network, np.zeros_like(pins), pins, trace="rounds")
