"""The fixed costs of one run: seconds of `propagate` and one Series, and of the kernel in it.

    python benchmarks/propagate.py [--nodes 10 1000] [--repeat 100]

Prints one JSON object a line, medians in seconds: `seconds` of a run whose payments are read, with
the network built and used before; `kernel_seconds` inside `clear`, `rest_seconds` around it;
`table_seconds` for the first look at the table, which runs the model again for the rounds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from clearing import network

import contagion as ct
from contagion.models import settlement

MODEL = ct.EisenbergNoe()


class Stopwatch:
    """A function, and the seconds spent in it since `seconds` was last set to 0."""

    def __init__(self, function: Callable[..., Any]):
        self.function, self.seconds = function, 0.0

    def __call__(self, *args: Any, **options: Any) -> Any:
        start = time.perf_counter()
        try:
            return self.function(*args, **options)
        finally:
            self.seconds += time.perf_counter() - start


def measure(case: str, net: ct.ExposureNetwork, shock: ct.Shock, repeat: int) -> dict[str, Any]:
    kernel = Stopwatch(settlement.clear)
    settlement.clear = kernel
    rows = []
    for _ in range(repeat + 1):
        kernel.seconds, start = 0.0, time.perf_counter()
        result = MODEL.propagate(net, shock)
        _ = result.payments
        done, inside = time.perf_counter(), kernel.seconds
        _ = result.table
        rows.append((done - start, inside, done - start - inside, time.perf_counter() - done))
    settlement.clear = kernel.function
    seconds, inside, rest, table = np.median(rows[1:], axis=0).round(6).tolist()
    return {
        "case": case,
        "nodes": len(net),
        "exposures": len(net.amount),
        "in_default": int(result.outcome.defaulted.sum()),
        "seconds": seconds,
        "kernel_seconds": inside,
        "rest_seconds": rest,
        "table_seconds": table,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10, 1_000])
    parser.add_argument("--repeat", type=int, default=100)
    arguments = parser.parse_args()
    nets = {f"{n:,} nodes": network(n, min(10, n // 2), share=0.2) for n in arguments.nodes}
    nets["three_venues"] = ct.datasets.load("three_venues")
    for name, net in nets.items():
        largest = net.names[int(np.argmax(net.book.debts))]
        shocks = {
            "one default": ct.Shock.default(largest),
            "6 % of all assets": ct.Shock.relative(0.06),
        }
        for what, shock in shocks.items():
            row = measure(f"{name}, {what}", net, shock, arguments.repeat)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
