"""The liquidation cascade: seconds a round, one scenario, a batch and a path of prices.

    python benchmarks/liquidation.py [--repeat 3] [--profile] [--only batch|path]

Prints one JSON object a line; `processor` are seconds of this process, which others on the machine
disturb less than the clock does. `--only batch` is 10,000 scenarios of 2,000 positions, and
`--only path` is 100,000 positions along 250 dates. Positions have one leg, maintenance of 5 % and a
margin of 6 to 50 % of their notional; prices of three assets fall by 5 to 25 % with exponential
impact. "step" is one evaluation of the health of every account, the cheapest round there can be.
The last line is a path: prices of 250 dates, one round at each.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import pstats
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import contagion as ct

PRICES = {"a": 100.0, "b": 10.0, "c": 1.0}


def book(n: int, seed: int = 0) -> ct.liquidation.MarginBook:
    """n cross positions of n / 2 holders at three venues."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "venue": rng.choice(["u", "v", "w"], n),
            "holder": rng.integers(0, n // 2, n).astype(str),
            "instrument": rng.choice(list(PRICES), n),
            "size": rng.normal(0.3, 1.0, n),
        }
    )
    notional = table["size"].abs() * table["instrument"].map(PRICES)
    table["margin"] = notional * rng.uniform(0.06, 0.5, n)
    return ct.liquidation.MarginBook(PRICES, table)


def timed(run: Callable[[], Any], repeat: int) -> tuple[Any, float, float]:
    """What a run gives, and the median of its seconds by the clock and of the processor."""
    out, found = None, []
    for _ in range(repeat):
        clock, processor = time.perf_counter(), time.process_time()
        out = run()
        found.append((time.perf_counter() - clock, time.process_time() - processor))
    clock, processor = np.median(found, axis=0)
    return out, float(clock), float(processor)


def measure(n: int, scenarios: int, repeat: int) -> dict[str, object]:
    start = time.perf_counter()
    positions = book(n)
    arrays = positions.arrays
    built = time.perf_counter() - start
    depth = np.array([np.abs(arrays.units[arrays.asset == k]).sum() for k in range(3)])
    cascade = ct.liquidation.LiquidationCascade(
        impact=ct.liquidation.Exponential(depth=tuple(2.0 * depth))
    )
    rng = np.random.default_rng(1)
    falls = rng.uniform(0.05, 0.25, (scenarios, len(positions.assets)))
    prices = positions.price * (1.0 - falls)
    out, seconds, processor = timed(lambda: cascade.solve(positions, prices), repeat)
    units = np.broadcast_to(arrays.units, (1, len(arrays.units))).copy()
    first = np.searchsorted(arrays.account, np.arange(len(arrays.cash)))
    start = time.perf_counter()
    for _ in range(20):
        value = units * prices[0][arrays.asset]
        np.add.reduceat(value * arrays.weight, first, axis=-1)
    step = (time.perf_counter() - start) / 20
    rounds = int(out.rounds.max())
    return {
        "positions": n,
        "scenarios": scenarios,
        "build_seconds": round(built, 3),
        "seconds": round(seconds, 3),
        "processor": round(processor, 3),
        "rounds": rounds,
        "rounds_mean": round(float(out.rounds.mean()), 1),
        "ms_a_round_and_scenario": round(1e3 * seconds / rounds / scenarios, 4),
        "steps_a_round": round(seconds / rounds / scenarios / step, 1),
        "liquidated_share": round(float(1 - np.abs(out.units).sum() / scenarios
                                        / np.abs(arrays.units).sum()), 3),
        "deficit_mean": float(out.deficit.sum(axis=-1).mean()),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }  # fmt: skip


def along(n: int, dates: int, repeat: int) -> dict[str, object]:
    positions = book(n)
    depth = np.bincount(positions.arrays.asset, np.abs(positions.arrays.units))
    impact = ct.liquidation.Exponential(depth=tuple(2.0 * depth), recovery=0.05)
    moves = np.random.default_rng(1).normal(-0.001, 0.01, (dates, len(positions.assets)))
    prices = positions.price * np.exp(moves.cumsum(axis=0))
    cascade = ct.liquidation.LiquidationCascade(impact=impact)
    out, seconds, processor = timed(lambda: cascade.solve(positions, prices, path=True), repeat)
    return {
        "positions": n,
        "dates": dates,
        "seconds": round(seconds, 3),
        "processor": round(processor, 3),
        "rounds": int(out.rounds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--only", choices=["batch", "path"])
    arguments = parser.parse_args()
    sizes = [(10_000, 1), (100_000, 1), (1_000_000, 1), (10_000, 1_000), (2_000, 10_000)]
    for n, scenarios in {"batch": sizes[-1:], "path": []}.get(arguments.only, sizes):
        print(json.dumps(measure(n, scenarios, arguments.repeat)), flush=True)
    if arguments.only != "batch":
        print(json.dumps(along(100_000, 250, arguments.repeat)), flush=True)
    if arguments.profile:
        profile = cProfile.Profile()
        profile.runcall(measure, 100_000, 1, 3)
        text = io.StringIO()
        pstats.Stats(profile, stream=text).sort_stats("tottime").print_stats(14)
        print(text.getvalue())


if __name__ == "__main__":
    main()
