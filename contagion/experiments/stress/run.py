"""Runs a stress test: in chunks, in processes, into a folder, until the target error is met."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ...errors import ArgumentError, ConvergenceError, expect
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...parallel import Shipped, bar, workers
from ...results.run_arrays import Baseline
from ...scenarios.derived import placed
from ...scenarios.scenario_set import Scenarios, block_size
from ...statistics.scenario_estimates import Weighting
from ...vocabulary import LEVELS
from . import checks
from .collect import Collected, tail_shares
from .folder import Folder, full_disk
from .losses import books
from .plan import Plan, Task, checkpoints, chunk_size
from .result import StressTest
from .spec import Spec, model_spec, network_digest, versions
from .sums import Sums, grouping
from .work import Design, Job, Part, run, run_tail

JOINT = 200  # nodes up to which joint defaults are counted by default


def stress_test(
    networks: ExposureNetwork | Iterable[ExposureNetwork],
    model: Model,
    scenarios: Scenarios,
    *,
    design: Design = "crossed",
    baseline: Baseline = "cleared",
    levels: Sequence[float] = LEVELS,
    joint: bool | Sequence[Any] | None = None,
    keep: Sequence[str] = (),
    weighting: Weighting = "plain",
    target_error: float | None = None,
    target: str = "mean",
    unconverged: float = 0.01,
    chunk: int | None = None,
    n_jobs: int = 1,
    out: str | PathLike[str] | None = None,
    progress: bool = False,
) -> StressTest:
    """Run every scenario with a model, on one network or on an ensemble of networks.

    Scenarios are processed in chunks: memory does not grow with their number, except for about 80
    bytes a scenario and the arrays in `keep`. Results do not depend on `chunk`, `n_jobs` or an
    interruption of the run, to the last bit.

    Parameters
    ----------
    networks : one network, or several with the same nodes in the same order.
    model : any model.
    scenarios : any set of `ct.scenarios`, made for these nodes or only for assets. A list that is
        not a random sample (`StressTest.sampled`) has no errors and no intervals.
    design : for several networks: "crossed" solves every scenario on every network, "paired"
        scenario s on network s mod M.
    baseline : reference for losses, as in `Model.propagate`.
    levels : levels of :meth:`StressTest.in_tail`. Scenarios in these tails are run again for
        node-level tail losses. `()`: no second run.
    joint : nodes whose joint defaults are counted: True for all, or some names; by default all, for
        up to 200 nodes. Time and memory grow with the square of their number.
    keep : arrays to keep by scenario and node, in memory or in the folder: any of "loss",
        "owners_loss", "contagion" (the part of it by contagion), "socialized" (all losses at the
        node by contagion, see :meth:`StressTest.bearers`) and "defaulted".
    weighting : how likelihood ratios enter, "plain" (unbiased) or "self-normalised".
    target_error : stop when the relative standard error of `target` is at most this. Evaluated
        after 2,048 scenarios, and then after each increase by a quarter. `None`: run all.
    target : "mean", "value_at_risk" or "expected_shortfall" (of the loss, at the highest level).
    unconverged : largest accepted share of scenarios without convergence. They are counted,
        and widen every confidence interval; above this share the run raises an error.
    chunk : scenarios in a task and a file, rounded up to whole blocks (1,024 scenarios, fewer
        where the network is large).
    n_jobs : processes, -1 for all cores. Inside `joblib.parallel_config(backend="dask")` the same
        call uses a cluster.
    out : folder for results. The same call with the same folder resumes an interrupted run; files
        are complete or absent and have SHA-256 hashes, see
        :mod:`contagion.experiments.stress.folder`.
    progress : show a progress bar.

    Raises
    ------
    StressError : if networks and scenarios do not match, or the folder holds another run.
    ShockError : if the fixed recovery rate of a node in default needs more than its assets, in a
        model that settles claims.
    ConvergenceError : if more than `unconverged` of the scenarios did not converge; `.partial` is
        the result.
    OSError : if the disk is full; the folder stays valid.

    Example
    -------
    b (equity 3) has a claim of 10 on a, which has assets of 12. In half of the scenarios a loses 6
    and pays 6: the owners of a lose 2, those of b 3, and the external creditors of b lose 1 of 7.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 0], equity=[2, 3])
    >>> halves = ct.scenarios.from_shocks(net, [ct.Shock.loss({"a": 6.0}), ct.Shock()])
    >>> test = stress_test(net, ct.EisenbergNoe(), halves)
    >>> test.mean().value, test.nodes["default_probability"].tolist()
    (3.0, [0.5, 0.5])
    """
    expect(model=model, scenarios=scenarios)
    if n_jobs == 0:
        raise ArgumentError("n_jobs=0: give a number of processes, or -1 for all.")
    nets = [model.on(net) for net in checks.networks_of(networks)]
    options = checks.options(
        design, baseline, levels, keep, weighting, target_error, target, unconverged
    )
    first, n = nets[0], len(nets[0])
    scenarios = placed(scenarios, first)
    checks.fit(nets, scenarios, target_error)
    block = block_size(n)
    groups = None if scenarios.groups is None else np.asarray(scenarios.groups)
    members = grouping(groups, block, n)
    positions = checks.joint_positions(first, joint, JOINT)
    accounts = tuple(books(net, model, baseline) for net in nets)
    kinds = first.kinds.astype(str)
    job = Job(
        accounts, scenarios, design, block, _indicator(kinds), positions, tuple(keep), members
    )
    stops: tuple[int, ...] = (len(scenarios),)
    if target_error is not None:
        stops = checkpoints(len(scenarios), groups)
    lanes = len(nets) if design == "crossed" else 1
    capital = max(each.capital for each in accounts)
    outside = max(each.owed_outside for each in accounts)
    spec: Spec = {
        "model": model_spec(model),
        "networks": {
            "count": len(nets),
            "unit": first.unit,
            "name": first.name,
            "nodes": n,
            "exposures": len(first.amount),
            "capital": None if np.isinf(capital) else capital,
            "owed_outside": outside,
            "digests": [network_digest(net) for net in nets],
        },
        "scenarios": {
            "digest": scenarios.digest(),
            "sampled": scenarios.sampled,
            **scenarios.spec(),
        },
        "options": {**options, "joint": positions.tolist()},
        "plan": {"count": len(scenarios), "lanes": lanes, "block": block, "stops": list(stops)},
        "assumptions": list(dict.fromkeys([*first.assumptions, *scenarios.assumptions])),
        "versions": versions(),
    }
    folder = None if out is None else Folder(out)
    size = chunk_size(chunk, block, n)
    if folder is not None:
        size = folder.chunk(None if chunk is None else size, size)
    plan = Plan(len(scenarios), lanes, block, size, stops)
    return Run(job, plan, spec, first.names, kinds, folder, n_jobs, progress).test()


@dataclass
class Run:
    """One call: a job, its plan, and the destination of results."""

    job: Job
    plan: Plan
    spec: Spec
    names: pd.Index
    kinds: np.ndarray
    folder: Folder | None
    n_jobs: int
    progress: bool
    state: Spec = field(default_factory=dict)

    def test(self) -> StressTest:
        """Run the missing parts and combine the results."""
        self.shipped, self.collected = Shipped(self.job), Collected(self.plan.lanes)
        self.state = {"state": "running", "chunk": self.plan.chunk, "seconds": 0.0, "sessions": 0}
        if self.folder is not None:
            nodes = pd.DataFrame({"node": self.names, "kind": self.kinds})
            self.folder.open(self.spec, nodes, self.state)
            self.state |= self.folder.manifest()["run"]
        self.began, self.before = time.perf_counter(), float(self.state["seconds"])
        self.state |= {"state": "running", "sessions": self.state["sessions"] + 1}
        self._note()
        try:
            with full_disk(self.folder):
                found = self._whole()
        except BaseException as error:
            self.state["state"] = f"interrupted: {type(error).__name__}"
            with suppress(OSError):
                self._note()
            raise
        return self._accepted(found)

    def _note(self) -> None:
        self.state["seconds"] = round(self.before + time.perf_counter() - self.began, 3)
        if self.folder is not None:
            self.state["recomputed"] = self.folder.damaged
            self.folder.note(self.spec, self.state)

    def _whole(self) -> StressTest:
        """Run up to the checkpoint at which the target is met, and then the tails."""
        with self._workers() as pool:
            for first, stop in zip((0, *self.plan.stops), self.plan.stops, strict=False):
                for part in self._parts(pool, self.plan.tasks(first, stop)):
                    self.collected.add(part)
                if self._met():
                    break
            tails = self._tails(pool)
        self.state |= {"state": "complete", "scenarios": self.collected.reached[0]}
        self._note()
        return self._result(tails, self._keeps())

    def _result(
        self, tails: dict[float, Sums], keeps: Callable[[str], np.ndarray] | None = None
    ) -> StressTest:
        return assembled(
            self.spec, self.names, self.kinds, self.collected, tails, self.state, keeps
        )

    def _keeps(self) -> Callable[[str], np.ndarray] | None:
        if not self.job.keep:
            return None
        if self.folder is None:
            return {what: self.collected.arrays(what) for what in self.job.keep}.__getitem__
        return partial(self.folder.arrays, plan=self.plan, count=self.collected.reached[0])

    def _met(self) -> bool:
        """Whether the error of the target is small enough; recorded in the state of the run."""
        options = self.spec["options"]
        wanted, name = options["target_error"], options["target"]
        if wanted is None:
            return False
        test = self._result({})
        level = max(options["levels"], default=0.5)
        found = test.mean() if name == "mean" else getattr(test, name)(level)
        reached = found.standard_error / abs(found.value) if found.value else float("nan")
        met = bool(reached <= wanted)
        self.state["target"] = (
            f"relative error of {name.replace('_', ' ')} {reached:.3g} after {len(test):,} "
            f"scenarios, {'within' if met else 'above'} the target of {wanted:.3g}"
        )
        return met

    def _accepted(self, found: StressTest) -> StressTest:
        allowed = self.spec["options"]["unconverged"]
        share = found.unconverged / found.columns["converged"].size
        if share > allowed:
            raise ConvergenceError(
                f"{found.unconverged:,} scenarios ({share:.2%}) did not converge, more than "
                f"unconverged={allowed:g} allows. Raise max_rounds of the model or that share; "
                ".partial is the result so far.",
                found,
            )
        return found

    # -- parts ------------------------------------------------------------------------------

    @contextmanager
    def _workers(self) -> Iterator[Any]:
        with self._bar(), workers(self.n_jobs, self.shipped) as pool:
            yield pool

    @contextmanager
    def _bar(self) -> Iterator[None]:
        self.tick: Callable[[int], object] = lambda count: None
        total = self.plan.count * self.plan.lanes
        with bar(self.progress, self.spec["model"]["name"], total, " scenarios") as self.tick:
            yield

    def _parts(self, pool: Any, tasks: list[Task]) -> Iterator[Part]:
        """The parts up to a checkpoint, in order: from the folder if complete, else computed."""
        from joblib import delayed

        folder, keep = self.folder, self.job.keep
        done = set() if folder is None else {task for task in tasks if folder.whole(task, keep)}
        missing = [task for task in tasks if task not in done]
        with self._stream(pool, (delayed(run)(self.shipped, task) for task in missing)) as new:
            for task in tasks:
                if folder is not None and task in done:
                    part = folder.part(task)
                else:
                    part = next(new)
                    if folder is not None:
                        folder.save_part(part)
                        part = replace(part, kept={})
                self.tick(task[2] - task[1])
                yield part

    @contextmanager
    def _stream(self, pool: Any, calls: Iterator[Any]) -> Iterator[Iterator[Any]]:
        """Results in order; tasks still running are abandoned when the caller stops."""
        first = next(calls, None)
        if first is None:
            yield iter(())
            return
        with closing(pool(chain([first], calls))) as results:
            yield results

    def _tails(self, pool: Any) -> dict[float, Sums]:
        """Run the scenarios in the tails again, for the losses of nodes in them."""
        from joblib import delayed

        levels, lanes, folder = self.spec["options"]["levels"], self.plan.lanes, self.folder
        found = {} if folder is None else folder.tails()
        if list(found) == levels:
            return found
        count, n = self.collected.reached[0], len(self.names)
        draws = self._result({})._draws(self.collected.table()["loss"])
        share = np.stack([tail_shares(draws, level, lanes) for level in levels])
        block = self.plan.block
        plan = Plan(count, lanes, block, chunk_size(None, block, n), (count,))
        tasks = [(t, share[:, t[0], t[1] : t[2]]) for t in plan.every()]
        calls = (delayed(run_tail)(self.shipped, t, part) for t, part in tasks if part.any())
        found = {}
        with self._stream(pool, calls) as results:
            for sums in results:
                for level, mine in zip(levels, sums, strict=True):
                    whole = found.setdefault(level, {})
                    for name, values in mine.items():
                        whole[name] = whole.get(name, 0.0) + values
        if folder is not None:
            folder.save_tails(found)
        return found


def assembled(
    spec: Spec,
    names: pd.Index,
    kinds: np.ndarray,
    collected: Collected,
    tails: dict[float, Sums],
    state: Spec,
    keeps: Callable[[str], np.ndarray] | None,
) -> StressTest:
    """The collected results with labels."""
    complete = state["state"] == "complete"
    columns, sums = collected.table(), collected.totals()
    return StressTest(spec, columns, names, kinds, sums, tails, complete, dict(state), keeps)


def _indicator(kinds: np.ndarray) -> csr_array:
    """(n, K) the kind of every node, kinds in alphabetical order."""
    found, at = np.unique(kinds.astype(str), return_inverse=True)
    n = len(kinds)
    return csr_array((np.ones(n), (np.arange(n), at)), shape=(n, len(found)))
