"""A stress test in one process and with two workers of this machine, by each backend of joblib.

    python benchmarks/cluster.py [--backends loky threading dask ray] [--scenarios 200000]
                                 [--nodes 1000] [--chunk 8192] [--workers 2]

Prints one JSON object a line: seconds, how many times faster than one process, tasks, seconds of
work in a task, what a task costs that does no work (`cost_of_a_task`), and whether the numbers are
the same to the last bit. Starting workers is apart (`start`).
Other load on the machine enters; it is printed. A backend that is not installed is said to be
missing. The workers of dask start without its setting that gives freed memory back at once
(docs/howto/cluster.md).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import joblib
from clearing import network

import contagion as ct
from contagion.parallel import each
from contagion.scenarios.scenario_set import Scenarios

ALONE = {"OMP_NUM_THREADS": "1"}  # a worker has one core


@contextmanager
def dask(workers: int) -> Iterator[str]:
    import dask
    from dask.distributed import Client, LocalCluster

    dask.config.set({"distributed.nanny.pre-spawn-environ": ALONE})
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        yield "dask"


@contextmanager
def ray(workers: int) -> Iterator[str]:
    import ray
    from ray.util.joblib import register_ray

    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False,
             runtime_env={"env_vars": ALONE | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}},
             object_store_memory=500_000_000)  # fmt: skip
    register_ray()
    try:
        yield "ray"
    finally:
        ray.shutdown()


@contextmanager
def here(name: str) -> Iterator[str]:
    yield name


BACKENDS = {
    "loky": lambda workers: here("loky"),
    "threading": lambda workers: here("threading"),
    "dask": dask,
    "ray": ray,
}


def timed(
    net: ct.ExposureNetwork, scenarios: Scenarios, chunk: int, n_jobs: int
) -> tuple[float, str]:
    """Seconds, and the digest of the result."""
    began = time.perf_counter()
    test = ct.stress_test(
        net, ct.EisenbergNoe(), scenarios, levels=(), joint=False, chunk=chunk, n_jobs=n_jobs
    )
    return time.perf_counter() - began, test.digest()


def empty(net: ct.ExposureNetwork) -> int:
    return len(net)


def cost(net: ct.ExposureNetwork, workers: int, tasks: int = 400) -> float:
    """Seconds of a task that does nothing with the network, after a few that do not count."""
    list(each(empty, [(net,)] * 2 * workers, n_jobs=workers))
    began = time.perf_counter()
    list(each(empty, [(net,)] * tasks, n_jobs=workers))
    return (time.perf_counter() - began) / tasks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=list(BACKENDS))
    parser.add_argument("--scenarios", type=int, default=200_000)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--chunk", type=int, default=8192)
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    options = parser.parse_args()
    net = network(options.nodes, 10, 0.2)
    scenarios = ct.scenarios.common_factor(
        net, scenarios=options.scenarios, volatility=0.05, correlation=0.3, rng=1
    )
    warm = ct.scenarios.common_factor(net, scenarios=4096, volatility=0.05, rng=1)
    timed(net, warm, 1024, 1)
    alone, digest = timed(net, scenarios, options.chunk, 1)
    tasks = -(-options.scenarios // options.chunk)
    print(json.dumps({"backend": "none", "seconds": alone, "tasks": tasks, "work": alone / tasks,
                      "load": os.getloadavg()[0]}), flush=True)  # fmt: skip
    for name in options.backends:
        for workers in options.workers:
            began = time.perf_counter()
            try:
                with BACKENDS[name](workers) as known, joblib.parallel_config(backend=known):
                    timed(net, warm, 1024, workers)  # imports and compiled kernels in each worker
                    start = time.perf_counter() - began
                    seconds, found = timed(net, scenarios, options.chunk, workers)
                    nothing = cost(net, workers)
            except ImportError as error:
                print(json.dumps({"backend": name, "missing": str(error)}), flush=True)
                continue
            print(json.dumps({"backend": name, "workers": workers, "start": start,
                              "seconds": seconds, "times_faster": alone / seconds,
                              "cost_of_a_task": nothing,
                              "same": found == digest, "load": os.getloadavg()[0]}),
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
