"""The same tasks with two checkouts of the package, in turn: what became slower, what quicker.

    python benchmarks/suite.py --against DIR [--repeat 5]
    python benchmarks/against.py DIR [--repeat 5] [--only WORD ...]

Inputs and tasks are those of this folder; only `contagion` comes from the other checkout. Each run
is a process of its own, before and after by turns, and the least of all runs counts: load on the
machine only adds. A task that the other checkout does not know is left out, with the reason. The
command ends with status 1 where something takes a tenth more than there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from clearing import near_critical, network, tables
from growth import RANKED, warmed

import contagion as ct

HERE = Path(__file__).resolve().parent
SLOWER = 1.10
AT_LEAST = 0.3  # seconds that a process measures, so that short tasks run often
MODEL = ct.EisenbergNoe()
Run = Callable[[], Any]


def made(n: int) -> ct.ExposureNetwork:
    return network(n, min(10, n // 2), share=0.2)


def hit(net: ct.ExposureNetwork, part: float = 0.06) -> np.ndarray:
    """(n,) losses: a part of the external assets, up to twice as much by chance."""
    return net.book.external_assets * part * np.random.default_rng(2).uniform(0.0, 2.0, len(net))


def build(n: int) -> Run:
    nodes, claims = tables(n, min(10, n // 2), share=0.2)
    return lambda: ct.ExposureNetwork(nodes, claims, duplicates="keep").segments


def propagate(n: int) -> Run:
    net, shock = made(n), ct.Shock.relative(0.06)
    return lambda: MODEL.propagate(net, shock).payments


def table(n: int) -> Run:
    net, shock = made(n), ct.Shock.relative(0.06)
    return lambda: MODEL.propagate(net, shock).table


def clear(n: int) -> Run:
    net = made(n)
    losses = hit(net)
    return lambda: MODEL.solve(net, losses)


def critical(n: int) -> Run:
    net, losses = near_critical(n, 10)
    return lambda: MODEL.solve(net, losses)


def mixed_rules(n: int) -> Run:
    from rules import mixed

    plain = made(n)
    net, losses = mixed(plain), hit(plain)
    return lambda: MODEL.solve(net, losses)


def debtrank_once(n: int) -> Run:
    net = made(n)
    losses = hit(net, 0.003)
    return lambda: ct.DebtRank().solve(net, losses)


def debtrank(n: int) -> Run:
    net = made(n)
    return lambda: ct.measures.debtrank(net, ct.DebtRank())


def rank(n: int) -> Run:
    net = made(n)
    return lambda: ct.rank(net, measures=RANKED)


def rank_usual(n: int) -> Run:
    net = made(n)
    return lambda: ct.rank(net, measures=("debtrank", "contagion_index", "glasserman_young"))


def stress(n: int) -> Run:
    net = made(n)
    drawn = ct.scenarios.common_factor(net, scenarios=10_000, volatility=0.05, rng=1)
    return lambda: ct.stress_test(net, MODEL, drawn, levels=(), joint=False)


def gradient(n: int) -> Run:
    net = made(n)
    shock = ct.Shock.relative(0.06)
    return lambda: ct.measures.gradient(net, MODEL, shock, of="shortfall")


def betweenness(n: int) -> Run:
    from betweenness import dependencies, lengths

    drawn = lengths(n, 10, "amounts")
    return lambda: dependencies(drawn)


def market(n: int, scenarios: int) -> Run:
    from liquidation import book

    positions = book(n)
    units, asset = positions.arrays.units, positions.arrays.asset
    depth = tuple(2.0 * np.bincount(asset, np.abs(units)))
    cascade = ct.liquidation.LiquidationCascade(impact=ct.liquidation.Exponential(depth=depth))
    falls = np.random.default_rng(1).uniform(0.05, 0.25, (scenarios, len(positions.assets)))
    return lambda: cascade.solve(positions, positions.price * (1.0 - falls))


def read(rows: int) -> Run:
    folder = Path(tempfile.mkdtemp())
    nodes, claims = tables(rows // 10, 10, share=0.2)
    for column in ("creditor", "debtor"):
        claims[column] = "bank " + claims[column].astype(str)
    nodes["node"] = "bank " + nodes["node"].astype(str)
    nodes.to_csv(folder / "nodes.csv", index=False)
    claims.to_csv(folder / "claims.csv", index=False)
    return lambda: ct.read(folder / "claims.csv", nodes=folder / "nodes.csv", duplicates="keep")


def report(n: int) -> Run:
    net = made(n)
    result = MODEL.propagate(net, ct.Shock.relative(0.06))
    ranking, file = ct.rank(net), Path(tempfile.mkdtemp()) / "report.html"
    return lambda: ct.write_report(file, net, result, ranking)


def dataset() -> Run:
    def whole() -> Any:
        net = ct.datasets.load("three_venues")
        return MODEL.propagate(net, ct.Shock.relative(0.06)).payments

    return whole


def over(name: str, task: Callable[[int], Run], *sizes: int) -> dict[str, Callable[[], Run]]:
    return {f"{name} ({n:,})": partial(task, n) for n in sizes}


ALL = (10, 1_000, 10_000, 100_000)
TASKS: dict[str, Callable[[], Run]] = (
    over("build", build, *ALL)
    | over("propagate, payments by name", propagate, *ALL)
    | over("propagate, whole table", table, *ALL[:3])
    | over("clear", clear, *ALL)
    | over("clear, near-critical", critical, *ALL[1:])
    | over("clear, nine rules", mixed_rules, *ALL[1:])
    | over("DebtRank of one shock", debtrank_once, *ALL)
    | over("DebtRank of every node", debtrank, *ALL[:3])
    | over("rank: position", rank, *ALL)
    | over("rank: defaults", rank_usual, *ALL[:3])
    | over("stress test, 10,000 scenarios", stress, 1_000)
    | over("gradient", gradient, *ALL[1:3])
    | over("betweenness", betweenness, 1_500)
    | over("read CSV, rows", read, 1_000_000)
    | over("report", report, 10, 1_000)
    | {"market (10,000 positions)": partial(market, 10_000, 1),
       "market (2,000 positions, 1,000 scenarios)": partial(market, 2_000, 1_000),
       "load and run three_venues": dataset}
)  # fmt: skip


# -- one process --------------------------------------------------------------------------------


def alone(task: str) -> dict[str, Any]:
    """The least processor seconds of a task in this process, and where `contagion` is from."""
    run = TASKS[task]()
    warmed(run)
    found, began = [], time.perf_counter()
    while not found or time.perf_counter() - began < AT_LEAST:
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return {"seconds": min(found), "from": str(Path(ct.__file__).resolve().parent.parent)}


def measured(task: str, checkout: Path) -> float | str:
    """Seconds with a checkout, or why there are none."""
    command = [sys.executable, str(HERE / "against.py"), "--task", task, "here"]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(checkout)}, capture_output=True, text=True
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no word"])[-1]
    told = json.loads(done.stdout)
    assert told["from"] == str(checkout), told["from"]
    return float(told["seconds"])


def compared(before: Path, repeat: int, only: list[str]) -> int:
    """Print a line a task: seconds before and after, and their ratio."""
    if not (before / "contagion").is_dir():
        raise SystemExit(f"{before} is no checkout of the package.")
    after, slower = HERE.parent, 0
    print("| task | before | after | after / before |\n|---|---|---|---|")
    for task in TASKS:
        if only and not any(word in task for word in only):
            continue
        found: dict[Path, list[float]] = {before: [], after: []}
        why = ""
        for k in range(repeat):
            for checkout in (before, after) if k % 2 == 0 else (after, before):
                seconds = measured(task, checkout)
                if isinstance(seconds, str):
                    why = f"{'before' if checkout == before else 'after'}: {seconds}"
                    break
                found[checkout].append(seconds)
            if why:
                break
        if why:
            print(f"| {task} | | | left out, {why} |", flush=True)
            continue
        old, new = min(found[before]), min(found[after])
        slower += new > SLOWER * old
        print(f"| {task} | {old:.4g} | {new:.4g} | {new / old:.2f} |", flush=True)
    return int(slower > 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--task", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.task:
        print(json.dumps(alone(given.task)))
        return 0
    return compared(given.before.resolve(), given.repeat, given.only)


if __name__ == "__main__":
    sys.exit(main())
