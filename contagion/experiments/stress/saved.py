"""Runs on disk: read a finished or unfinished one, resume one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from os import PathLike

import pandas as pd

from ...errors import StressError, expect
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...scenarios.scenario_set import Scenarios
from .checks import networks_of
from .collect import Collected
from .folder import TAILS, Folder
from .plan import Plan
from .result import StressTest
from .run import assembled, stress_test


def read_stress_test(folder: str | PathLike[str]) -> StressTest:
    """Read a stress test from its folder; if unfinished, the scenarios before the first gap.

    `complete` says whether it is finished. Every file is checked against its hash. No code is read.

    Raises
    ------
    StressError : if there is no stress test, no finished part of it, or a damaged file.

    Example
    -------
    >>> import tempfile, contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 0], equity=[2, 3])
    >>> halves = ct.scenarios.from_shocks(net, [ct.Shock.loss({"a": 6.0}), ct.Shock()])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     test = stress_test(net, ct.EisenbergNoe(), halves, out=folder)
    ...     read_stress_test(folder).digest() == test.digest()
    True
    """
    files = Folder(folder)
    manifest = files.read()
    spec, state = manifest["spec"], manifest["run"]
    told = spec["plan"]
    plan = Plan(told["count"], told["lanes"], told["block"], state["chunk"], tuple(told["stops"]))
    collected, keep, tasks = Collected(plan.lanes), tuple(spec["options"]["keep"]), plan.every()
    for first in range(0, len(tasks), plan.lanes):
        together = tasks[first : first + plan.lanes]
        if not all(files.whole(task, keep) for task in together):
            break
        for task in together:
            collected.add(files.part(task))
    tails = files.tails()
    files.complain()
    if state["state"] == "complete" and list(tails) != spec["options"]["levels"]:
        raise StressError(
            f"{files.path / TAILS} is missing. Run the same stress test again with this folder, "
            "and it is computed again."
        )
    count = collected.reached[0]
    if count < 2:
        raise StressError(f"{files.path}: no chunk of this stress test is finished yet.")
    if state["state"] == "complete" and count < state["scenarios"]:
        raise StressError(
            f"{files.path}: files after scenario {count:,} are missing. Run the same stress test "
            "again with this folder, and they are computed again."
        )
    nodes = files.nodes()
    return assembled(
        spec,
        pd.Index(nodes["node"], name="node"),
        nodes["kind"].to_numpy(str),
        collected,
        tails,
        state,
        partial(files.arrays, plan=plan, count=count),
    )


def resume(
    folder: str | PathLike[str],
    networks: ExposureNetwork | Iterable[ExposureNetwork],
    model: Model,
    scenarios: Scenarios,
    *,
    n_jobs: int = 1,
    progress: bool = False,
) -> StressTest:
    """Resume the stress test in a folder, with its original options.

    The same as :func:`stress_test` with `out=folder` and the same options. The folder has only the
    hashes of networks, models and scenarios: give them again, and they are checked.

    Raises
    ------
    StressError : if network, model or scenarios are not those of the folder.
    """
    expect(model=model, scenarios=scenarios)
    nets = networks_of(networks)
    options = dict(Folder(folder).manifest()["spec"]["options"])
    names = nets[0].names
    joint = [names[at] for at in options.pop("joint") if at < len(names)]
    return stress_test(
        nets,
        model,
        scenarios,
        **options,
        joint=joint or False,
        n_jobs=n_jobs,
        out=folder,
        progress=progress,
    )
