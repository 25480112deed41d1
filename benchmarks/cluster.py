"""A stress test in one process and on dask with two workers of this machine.

    python benchmarks/cluster.py [--scenarios 200000] [--nodes 1000] [--workers 1 2]

Prints one JSON object a line: seconds, how many times faster than one process, tasks, seconds of
work in a task, what a task costs beyond its work (seconds of all workers less seconds of work, over
tasks), and whether the numbers are the same to the last bit. Other load on the machine enters; it
is printed. The workers start without the setting of dask that gives freed memory back at once
(docs/howto/cluster.md).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from contextlib import ExitStack

import dask
import joblib
from clearing import network
from dask.distributed import Client, LocalCluster

import contagion as ct
from contagion.scenarios.scenario_set import Scenarios


def timed(
    net: ct.ExposureNetwork, scenarios: Scenarios, chunk: int, n_jobs: int
) -> tuple[float, str]:
    """Seconds, and the digest of the result."""
    began = time.perf_counter()
    test = ct.stress_test(
        net, ct.EisenbergNoe(), scenarios, levels=(), joint=False, chunk=chunk, n_jobs=n_jobs
    )
    return time.perf_counter() - began, test.digest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", type=int, default=200_000)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--chunk", type=int, default=8192)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    options = parser.parse_args()
    dask.config.set({"distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1}})
    net = network(options.nodes, 10, 0.2)
    scenarios = ct.scenarios.common_factor(
        net, scenarios=options.scenarios, volatility=0.05, correlation=0.3, rng=1
    )
    warm = ct.scenarios.common_factor(net, scenarios=4096, volatility=0.05, rng=1)
    timed(net, warm, 1024, 1)
    alone, digest = timed(net, scenarios, options.chunk, 1)
    tasks = -(-options.scenarios // options.chunk)
    print(json.dumps({"workers": 0, "seconds": alone, "tasks": tasks, "work": alone / tasks,
                      "load": os.getloadavg()[0]}))  # fmt: skip
    for workers in options.workers:
        with ExitStack() as stack:
            cluster = stack.enter_context(
                LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
            )
            stack.enter_context(Client(cluster))
            stack.enter_context(joblib.parallel_config(backend="dask"))
            timed(net, warm, 1024, workers)  # imports and compiled kernels in each worker
            seconds, found = timed(net, scenarios, options.chunk, workers)
        print(json.dumps({"workers": workers, "seconds": seconds, "times_faster": alone / seconds,
                          "cost_of_a_task": (seconds * workers - alone) / tasks,
                          "same": found == digest, "load": os.getloadavg()[0]}))  # fmt: skip


if __name__ == "__main__":
    main()
