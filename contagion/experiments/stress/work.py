"""One task: draw a chunk, solve it block by block, sum. The same code runs in every process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from ...network.hit import Hit
from ...parallel import Shipped
from ...scenarios.scenario_set import Scenarios
from .losses import Books, Measured, gathered
from .plan import Task
from .sums import Branch, Grouping, Sums, Tree, moments

Design = Literal["crossed", "paired"]


@dataclass(frozen=True, eq=False)
class Part:
    """The result of a task.

    Attributes
    ----------
    task : lane, first scenario, one after the last.
    columns : {name: (k,)} per scenario.
    branches : sums over scenarios, see :class:`contagion.experiments.stress.sums.Tree`.
    kept : {name: (k, n)} requested arrays by node and scenario.
    """

    task: Task
    columns: dict[str, np.ndarray]
    branches: list[Branch]
    kept: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Job:
    """The inputs of all tasks.

    Attributes
    ----------
    books : one for each network.
    scenarios : the set from which scenarios are drawn.
    design : "crossed" (a lane is a network with a run of every scenario) or "paired" (scenario s is
        solved on network s mod M).
    block : scenarios solved together.
    kinds : (n, K) indicator of the kind of every node.
    joint : positions of the nodes whose joint defaults are counted.
    keep : names of arrays (k, n) that are kept.
    grouping : the dependence between scenarios.
    """

    books: tuple[Books, ...]
    scenarios: Scenarios
    design: Design
    block: int
    kinds: csr_array
    joint: np.ndarray
    keep: tuple[str, ...]
    grouping: Grouping

    def measure(self, lane: int, number: np.ndarray, hit: Hit) -> Measured:
        """Solve k scenarios with these numbers (k,)."""
        if self.design == "crossed" or len(self.books) == 1:
            return self.books[lane].solve(hit)
        mine = number % len(self.books)
        parts, rows = [], []
        for network in np.unique(mine):
            at = np.flatnonzero(mine == network)
            parts.append(self.books[network].solve(hit.at(at)))
            rows.append(at)
        return gathered(parts, np.concatenate(rows))

    def sums(self, found: Measured, start: int, weights: np.ndarray | None) -> Sums:
        """The sums over the scenarios of one block."""
        members = self.grouping.block(start, start + len(found.loss))
        mode = self.grouping.mode
        values = {
            "loss": found.loss,
            "default": found.defaulted,
            "kind_loss": found.loss @ self.kinds,
            "kind_default": found.defaulted @ self.kinds,
        }
        sums: Sums = {}
        for name, x in values.items():
            sums |= moments(name, x, weights, members, mode)
        if len(self.joint):
            sums |= joint_sums(found.loss[:, self.joint], found.defaulted[:, self.joint], weights)
        return sums


def joint_sums(loss: np.ndarray, defaulted: np.ndarray, weights: np.ndarray | None) -> Sums:
    """(J · J,) `both`[i, j] = Σ w D_i D_j and `loss_given`[i, j] = Σ w D_i loss_j.

    Sparse products: their order of addition does not depend on the number of threads.
    """
    failed = csr_array(defaulted.T.astype(float))
    w = 1.0 if weights is None else weights[:, None]
    return {
        "both": np.asarray(failed @ (defaulted * w)).ravel(),
        "loss_given": np.asarray(failed @ (loss * w)).ravel(),
    }


def run(shipped: Shipped, task: Task) -> Part:
    """Draw, solve and sum the scenarios of a task."""
    job: Job = shipped.job
    lane, start, stop = task
    batch = job.scenarios.draw(start, stop)
    tree, columns = Tree(), []
    kept: dict[str, list[np.ndarray]] = {name: [] for name in job.keep}
    for first in range(start, stop, job.block):
        last = min(first + job.block, stop)
        at = slice(first - start, last - start)
        weights = None if batch.weights is None else batch.weights[at]
        found = job.measure(lane, np.arange(first, last), batch.hit.at(at))
        tree.push(0, first // job.block, job.sums(found, first, weights))
        columns.append(found.columns)
        for name in job.keep:
            kept[name].append(getattr(found, name))
    joined = {name: np.concatenate([c[name] for c in columns]) for name in columns[0]}
    if batch.weights is not None:
        joined["weight"] = np.array(batch.weights)
    if job.grouping.number is not None:
        joined["replicate"] = job.grouping.number[start:stop]
    whole = {name: np.concatenate(arrays) for name, arrays in kept.items()}
    return Part(task, joined, tree.branches, whole)


def run_tail(shipped: Shipped, task: Task, share: np.ndarray) -> list[Sums]:
    """Solve again the scenarios of a task that are in a tail.

    Parameters
    ----------
    share : (levels, k) share of each scenario in the tail of each level; sums to 1 over the run.

    Returns
    -------
    One dict for each level: `loss` and `default` (n,), `kind_loss` and `kind_default` (K,), sums of
    share · value.
    """
    job: Job = shipped.job
    lane, start, stop = task
    rows = np.flatnonzero((share > 0).any(axis=0))
    batch = job.scenarios.draw(start, stop)
    found: list[Sums] = [{} for _ in share]
    for first in range(0, len(rows), job.block):
        at = rows[first : first + job.block]
        part = job.measure(lane, start + at, batch.hit.at(at))
        for sums, mine in zip(found, share[:, at], strict=True):
            for name, x in (("loss", part.loss), ("default", part.defaulted)):
                sums[name] = sums.get(name, 0.0) + (x * mine[:, None]).sum(axis=0)
    for sums in found:
        sums |= {f"kind_{name}": x @ job.kinds for name, x in list(sums.items())}
    return found
