"""All tasks in one command: figures as JSON, a page with curves, and changes since the last record.

    python benchmarks/suite.py [--out DIR] [--largest 1000000] [--repeat 5] [--record]
    python benchmarks/suite.py --parts growth --sizes 10000000 --record
    python benchmarks/suite.py --against DIR [--repeat 5]

Processor seconds, the minimum of several runs. A task is divided by a unit measured in the same
process: the import of pandas and scipy.sparse, or one product of the liabilities with a vector. On
a busy machine ratios are stable, seconds are not. `recorded.json` and `docs/about/benchmarks.md`
have the figures of the last `--record`; the command ends with status 1 if the ratio of a task (its
seconds, if it has no unit) is more than a quarter above the record. `--parts` and `--sizes` select
the tasks; other figures stay as recorded. `--against` runs tasks with another checkout, alternating
with this one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import ingest
import liquidation
import numpy as np
import peers
import stress
from against import compared
from clearing import network
from growth import draw, least, sized, table

import contagion as ct

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "about" / "benchmarks.md"
RECORDED = HERE / "recorded.json"
HEAD = """# Benchmarks

Made by `python benchmarks/suite.py --record` from `benchmarks/recorded.json`; do not edit.

Speed is measured in processor seconds and divided by a unit that is measured in the same process:
for a clearing one product of the liabilities with a vector (for many scenarios with a matrix, once
for each round), for a start the import of pandas and scipy.sparse, for a file the time of pandas to
read it and to factorize its names. A clearing is measured without its error bound, which has
separate rows. On another or a busy machine ratios are stable, seconds are not. Run the command
without `--record` to measure your machine: it writes JSON, this page and curves of growth, and
reports changes of more than a quarter. Each of the other scripts in `benchmarks/` measures one
task.
"""
GROWTH = """## Growth

Processor seconds for 10 exposures per node. The exponent is the slope of log seconds on log
exposures: 1 means that ten times as many exposures take ten times as long; the target is 1.05 or
less. At 1,000 nodes most of the time is a constant overhead. From a million nodes on the network
does not fit into the caches of the processor: one product of the liabilities with a vector, the
cheapest possible round, itself grows faster than the exposures. Its row shows this; in the table
above the clearings are divided by it. From 5,000,000 nodes on a task runs once.

![Processor seconds by number of nodes](growth.svg)
"""
BOUND = """A clearing after a shock of 6 % takes 20 sweeps over the nodes in default, 63 % of all.
Once no further nodes default, each sweep reduces the error to a fifth. This factor is the second
eigenvalue of the network (extrapolation removes the first one). Ten digits then need 14 sweeps; the
further defaults occur in the five sweeps before. One sweep costs 1.2 products, because it reads the
rows of most nodes and also their assets, debts and payments. So this method can reach about 25
products, and other machines may be slightly above or below. The exponents below are determined by
memory access: see the row "one product".
"""
PARTS = ("tasks", "peers", "growth")
MOVED = 1.25  # of what is recorded; shared machines differ by a tenth from run to run
MODEL, CERTAIN = ct.EisenbergNoe(), ct.EisenbergNoe(certify="always")


def started(code: str, repeat: int) -> float:
    """Processor seconds of a new interpreter that runs some code."""
    found = []
    for _ in range(repeat + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found[1:])


def row(task: str, seconds: float, unit: float | None, reach: float, n: int = 0) -> dict[str, Any]:
    """A line of the table: `ratio` to the unit, or seconds; `reach`: what it may be."""
    ratio = seconds if unit is None else seconds / unit
    said = {"task": task, "seconds": round(seconds, 6), "ratio": float(f"{ratio:.4g}")}
    return {**said, "of": "seconds" if unit is None else "units", "reach": reach, "nodes": n}


def start_up(repeat: int) -> Iterator[dict[str, Any]]:
    """Imports and commands, in imports of pandas and scipy.sparse."""
    unit = started("import pandas, scipy.sparse", repeat)
    command = "from contagion.cli import run; run([{!r}])"
    for task, code, reach in (
        ("import contagion", "import contagion", 1.25),
        ("contagion --help", command.format("--help"), 1.5),
        ("contagion datasets", command.format("datasets"), 1.5),
    ):
        yield row(task, started(code, repeat), unit, reach)


def small(repeat: int) -> Iterator[dict[str, Any]]:
    """Small networks in a loop, in seconds."""
    for n, build, run in ((10, 2e-3, 1e-3), (1_000, 6e-3, 2e-3)):
        net = network(n, min(10, n // 2), share=0.2)
        nodes, claims = net.nodes, net.exposures
        shock = ct.Shock.relative(0.06)

        def built(nodes: Any = nodes, claims: Any = claims) -> ct.ExposureNetwork:
            return ct.ExposureNetwork(nodes, claims, duplicates="keep")

        yield row(f"build {n:,} nodes", least(built, 20 * repeat), None, build, n)
        whole = least(lambda net=net, shock=shock: MODEL.propagate(net, shock).loss, 20 * repeat)
        yield row(f"propagate and one Series, {n:,} nodes", whole, None, run, n)
        if n == 10:
            tables = least(lambda shock=shock: MODEL.propagate(built(), shock).table, 20 * repeat)
            yield row("tables to table, 10 nodes", tables, None, 5e-3, n)
        hit = net.book.external_assets * 0.06
        wide = least(lambda net=net, hit=hit: CERTAIN.solve(net, hit), 20 * repeat)
        yield row(f"clearing with its error bound, {n:,} nodes", wide, None, run, n)
    net, first = ct.datasets.load("three_venues"), ct.datasets.card("three_venues").default_run
    shock = ct.Shock.default(first["default"], recovery=first["recovery"])
    yield row(
        "three_venues", least(lambda: MODEL.propagate(net, shock).loss, 5 * repeat), None, 5e-3
    )


def grown(growth: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The clearings among the tasks of each size, in products."""
    for size in growth:
        for each in size["rows"]:
            if "unit" in each:
                yield row(each["task"], each["seconds"], each["unit"], each["reach"], size["nodes"])


def batches(repeat: int) -> Iterator[dict[str, Any]]:
    """Many scenarios, in bare batched products of the same rounds; a market; a file with names."""
    net, count = network(1_000, 10, share=0.2), 10_000
    matrix = net.segments.shares.direct.T
    columns = np.random.default_rng(0).random((len(net), stress.COLUMNS))
    bare = least(lambda: [matrix @ columns for _ in range(50)], repeat) / 50 / stress.COLUMNS
    for part in (0.05, 0.15):
        drawn = ct.scenarios.common_factor(net, scenarios=count, volatility=part, rng=1)
        ends = range(0, count, stress.BLOCK)
        losses = [drawn.draw(a, min(a + stress.BLOCK, count)).losses for a in ends]
        rounds = sum(float(MODEL.solve(net, each).rounds.sum()) for each in losses)
        whole = least(lambda losses=losses: [MODEL.solve(net, each) for each in losses], repeat)
        yield row(f"10,000 scenarios, volatility {part:.0%}", whole, rounds * bare, 1.5, len(net))
    market = liquidation.measure(2_000, count, 1)["processor"]
    yield row("market, 10,000 scenarios, 2,000 accounts", market, None, 20.0)
    with tempfile.TemporaryDirectory() as folder:
        ingest.write(Path(folder), 1_000_000, 10_000_000, np.random.default_rng(1))
        took = {task: ingest.measured(task, Path(folder))["seconds"] for task in ingest.TASKS}
    task = "Parquet with names to a table, 10,000,000 rows"
    yield row(task, took["contagion"], took["pandas"], 3.0, 1_000_000)


def every_node() -> Iterator[dict[str, Any]]:
    """The default of every node, in seconds."""
    for n, reach in ((1_000, 0.1), (10_000, 10.0)):
        net = network(n, 10, share=0.2)
        debtrank = least(lambda net=net: ct.measures.debtrank(net, ct.DebtRank()), 1)
        yield row(f"DebtRank of every node, {n:,} nodes", debtrank, None, reach, n)
    clear = least(lambda: ct.measures.each_default(net, MODEL), 1)
    yield row("clearing of every default, 10,000 nodes", clear, None, 60.0, n)


def searches() -> Iterator[dict[str, Any]]:
    """Questions that take many runs, in seconds."""
    from contagion.experiments.reverse import smallest_shock
    from contagion.measures import ranking

    n = 10_000
    net, rng = network(n, 10, share=0.2), np.random.default_rng(2)
    shock = ct.Shock.loss(dict(zip(
        net.names, net.book.external_assets * 0.06 * rng.uniform(0.0, 2.0, n), strict=True
    )))  # fmt: skip
    for task, call, reach in (
        ("rank, all measures", lambda: ct.rank(net, measures="all"), 30.0),
        ("protect five nodes", lambda: ranking.protect(net, MODEL, shock), 10.0),
        ("critical exposures", lambda: ranking.critical_exposures(net, MODEL, shock), 10.0),
        ("smallest shock", lambda: smallest_shock(net, MODEL, fail=net.names[5]), 10.0),
    ):
        start = time.process_time()
        call()
        yield row(f"{task}, 10,000 nodes", time.process_time() - start, None, reach, n)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    packages = ("numpy", "scipy", "pandas", "numba")
    versions = {name: getattr(__import__(name), "__version__", "") for name in packages}
    kind = {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()}
    return {**kind, "python": platform.python_version(), **versions}


def moved(rows: list[dict[str, Any]], recorded: Path) -> list[str]:
    """The tasks that differ from what is recorded by more than `MOVED`, either way."""
    told = json.loads(recorded.read_text("utf-8"))
    tasks = [*told["tasks"], *grown(told["growth"])]
    before = {(each["task"], each["nodes"]): each["ratio"] for each in tasks}
    found = []
    for each in rows:
        old = before.get((each["task"], each["nodes"]))
        if old and not 1 / MOVED < each["ratio"] / old < MOVED:
            word = "slower" if each["ratio"] > old else "quicker"
            found.append(f"{word}: {each['task']} ({each['nodes']:,}), {old:.4g} to "
                         f"{each['ratio']:.4g}")  # fmt: skip
    return found


def page(told: dict[str, Any]) -> str:
    """What is measured, the machine and the tables, as Markdown."""
    head = ", ".join(f"{key} {value}" for key, value in told["machine"].items())
    lines = [HEAD, f"Measured on {told['date']}: {head}. Most memory: {told['peak_mb']:,} MB.", ""]
    lines += ["| task | nodes | seconds | measured | to reach | |", "|---|---|---|---|---|---|"]
    for each in [*told["tasks"], *grown(told["growth"])]:
        size = f"{each['nodes']:,}" if each["nodes"] else ""
        word = "" if each["ratio"] <= each["reach"] else "not reached"
        measured = f"{each['ratio']:.4g} {each['of']}"
        cells = each["task"], size, f"{each['seconds']:.4g}", measured, f"{each['reach']:g}", word
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", BOUND, GROWTH, *table(told["growth"]), "", *peers.page(told["peers"])]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "out")
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--sizes", type=int, nargs="+")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--against", type=Path)
    given = parser.parse_args()
    if given.against:
        return compared(given.against.resolve(), given.repeat, [])
    given.out.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = json.loads(RECORDED.read_text("utf-8"))
    rows = []
    if "tasks" in given.parts:
        few = start_up(given.repeat), small(given.repeat), batches(given.repeat)
        for each in chain(*few, every_node(), searches()):
            print(json.dumps(each), flush=True)
            rows.append(each)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        told |= {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "peak_mb": peak}
        told["tasks"] = list(rows)
    if "peers" in given.parts:
        told["peers"] = [
            each for n in (10, 100, 1_000) for each in peers.measured(n, 4 * given.repeat)
        ]
    growth = {each["nodes"]: each for each in told["growth"]}
    if "growth" in given.parts:
        for n in given.sizes or [10**k for k in range(3, 8) if 10**k <= given.largest]:
            growth[n] = sized(n, given.repeat)
            print(json.dumps(growth[n]), flush=True)
            rows += grown([growth[n]])
    told["growth"] = [growth[n] for n in sorted(growth)]
    found = moved(rows, RECORDED)
    print("\n".join(found or ["nothing moved"]))
    if given.record:
        given.out, file = PAGE.parent, RECORDED
    else:
        file = given.out / RECORDED.name
    file.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    (given.out / PAGE.name).write_text(page(told), "utf-8")
    draw(told["growth"], given.out / "growth.svg")
    return int(any(line.startswith("slower") for line in found))


if __name__ == "__main__":
    sys.exit(main())
