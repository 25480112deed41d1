"""Stress tests against their bound: seconds, and batched sparse products of the same run; memory.

    python benchmarks/stress.py [--scenarios 10000] [--nodes 1000] [--degree 10] [--jobs 1 2]
                                [--memory 10000 100000 1000000] [--repeat 3]

Prints one JSON object a line. The bound is the bare batched product: the liabilities times 64
columns, as often as the model needed rounds (the sum over scenarios), and nothing else. `solve` is
the model on the same blocks, `kernel` the clearing kernel in it, both without the stress test
around them. Peak memory is that of a process of its own (Linux), beyond what imports take.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from clearing import network

import contagion as ct
from contagion.experiments.stress import stress_test
from contagion.kernels.clearing import clear
from contagion.models import settlement
from contagion.scenarios.scenario_set import BLOCK, Scenarios

COLUMNS = 64


def seconds(call: Callable[[], Any], repeat: int) -> float:
    """The median of a few runs."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def bare(net: ct.ExposureNetwork, repeat: int) -> float:
    """Seconds of one round of one scenario in the batched product."""
    matrix = net.segments.shares.direct.T
    columns = np.random.default_rng(0).random((len(net), COLUMNS))
    return seconds(lambda: [matrix @ columns for _ in range(50)], repeat) / 50 / COLUMNS


def kernel(net: ct.ExposureNetwork, losses: np.ndarray) -> None:
    """The clearing kernel on the slices that the model would give it, and nothing kept."""
    book = net.book
    for at in settlement.slices(losses, len(net)):
        external = book.external_assets - losses[at]
        clear(net.segments, external, book.claims, book.can_fail)


def measured(
    net: ct.ExposureNetwork, scenarios: Scenarios, jobs: list[int], repeat: int
) -> dict[str, Any]:
    model, count = ct.EisenbergNoe(), len(scenarios)

    def test(n_jobs: int) -> Any:
        return stress_test(
            net, model, scenarios, levels=(), joint=False, n_jobs=n_jobs, chunk=BLOCK
        )

    found = test(1)
    rounds = float(found.columns["rounds"].sum())
    before = bare(net, repeat)
    blocks = [(a, min(a + BLOCK, count)) for a in range(0, count, BLOCK)]
    draw = seconds(lambda: [scenarios.draw(*block) for block in blocks], repeat)
    losses = [scenarios.draw(*block).losses for block in blocks]
    inner = seconds(lambda: [kernel(net, part) for part in losses], repeat)
    solve = seconds(lambda: [model.solve(net, part) for part in losses], repeat)
    whole = {str(n): seconds(lambda n=n: test(n), repeat) for n in jobs}
    bound = rounds * (before + bare(net, repeat)) / 2
    return {
        "scenarios": count,
        "nodes": len(net),
        "exposures": len(net.amount),
        "in_default": round(float(found.columns["defaults"].mean()) / len(net), 4),
        "mean_rounds": round(rounds / count, 1),
        "bound_seconds": round(bound, 3),
        "draw_seconds": round(draw, 3),
        "kernel_seconds": round(inner, 3),
        "solve_seconds": round(solve, 3),
        "stress_seconds": {n: round(value, 3) for n, value in whole.items()},
        "stress_over_solve": round((whole["1"] - draw) / solve, 2),
        "stress_over_bound": {n: round((value - draw) / bound, 2) for n, value in whole.items()},
    }


def most_memory() -> float:
    """The most memory (MB) that this process has held so far."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return float(found[1]) / 1024 if found else float("nan")


def peak(count: int) -> dict[str, Any]:
    """Memory (MB) and time of a small network in this process."""
    net = network(50, 5, share=0.2)
    start = most_memory()
    scenarios = ct.scenarios.common_factor(net, scenarios=count, volatility=0.1, rng=1)
    began = time.perf_counter()
    test = stress_test(net, ct.EisenbergNoe(), scenarios)
    took = time.perf_counter() - began
    end = most_memory()
    columns = sum(x.nbytes for x in test.columns.values())
    return {
        "scenarios": count,
        "nodes": len(net),
        "seconds": round(took, 2),
        "before_mb": round(start),
        "added_mb": round(end - start),
        "columns_mb": round(columns / 2**20, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", type=int, default=10_000)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--degree", type=int, default=10)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--memory", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        print(json.dumps(peak(arguments.peak)))
        return
    net = network(arguments.nodes, arguments.degree, share=0.2)
    for volatility in (0.01, 0.05, 0.15):
        scenarios = ct.scenarios.common_factor(
            net, scenarios=arguments.scenarios, volatility=volatility, rng=1
        )
        row = measured(net, scenarios, sorted({1, *arguments.jobs}), arguments.repeat)
        print(json.dumps({"volatility": volatility, **row}), flush=True)
    for count in arguments.memory:
        command = [sys.executable, __file__, "--peak", str(count)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="")


if __name__ == "__main__":
    main()
