"""Seconds by size: building, clearing, DebtRank of one shock and ranking, 10 exposures a node.

    python benchmarks/growth.py 1000 10000 100000 [--repeat 5]

Prints one JSON object a size, from processes of its own, so that the peak of memory is that of the
size. `benchmarks/suite.py` calls this and draws the curves. The exponent of a task is the slope
of log seconds on log exposures: 1 where ten times the exposures take ten times as long. 10,000,000
nodes take about 11 GB of memory and some minutes.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from clearing import near_critical, network, tables

import contagion as ct

DEGREE = 10
WARM = 0.5  # seconds
ONCE = 5_000_000  # nodes from which on a task runs once
RANKED = ("degree_creditor", "degree_debtor", "strength_creditor", "strength_debtor",
          "pagerank_debtor")  # fmt: skip
MODEL = ct.EisenbergNoe()


def warmed(call: Callable[[], Any]) -> None:
    """Run until kernels are compiled: they run as plain Python until there is enough to do."""
    began = time.process_time()
    call()
    while time.process_time() - began < WARM:
        call()


def least(call: Callable[[], Any], repeat: int) -> float:
    """Processor seconds of the quickest run, after some that do not count."""
    warmed(call)
    found = []
    for _ in range(repeat):
        start = time.process_time()
        call()
        found.append(time.process_time() - start)
    return min(found)


def once(call: Callable[[], Any], repeat: int) -> float:
    """Processor seconds of one run: what is large needs no warm caches."""
    start = time.process_time()
    call()
    return time.process_time() - start


def cleared(
    task: str, net: ct.ExposureNetwork, losses: np.ndarray, reach: float, repeat: int
) -> dict[str, Any]:
    """One clearing, in products of the liabilities with a vector."""
    unit = product(net, repeat)
    model = ct.EisenbergNoe(certify="never")
    seconds = timer(len(net))(lambda: model.solve(net, losses), repeat)
    return {"task": task, "seconds": seconds, "unit": unit, "reach": reach}


def product(net: ct.ExposureNetwork, repeat: int) -> float:
    """Processor seconds of the liabilities times a vector, the cheapest round there can be."""
    vector = np.random.default_rng(0).random(len(net))
    return least(lambda: net.liabilities.T @ vector, 2 * repeat)


def timer(n: int) -> Callable[[Callable[[], Any], int], float]:
    return least if n < ONCE else once


def built(n: int, repeat: int) -> tuple[ct.ExposureNetwork, float]:
    """A network with what a clearing needs of it, and the seconds that it took to make."""
    given, made = tables(n, DEGREE, share=0.2), []

    def build() -> None:
        made[:] = [ct.ExposureNetwork(*given, duplicates="keep")]
        _ = made[0].segments, made[0].liabilities

    seconds = timer(n)(build, repeat)
    return made[0], seconds


def usual(n: int, repeat: int) -> Iterator[dict[str, Any]]:
    """Tasks on a network with a fifth of its balance sheets inside."""
    net, seconds = built(n, repeat)
    yield {"task": "build", "seconds": seconds}
    yield {"task": "one product", "seconds": product(net, repeat)}
    assets, hit = net.book.external_assets, np.random.default_rng(2).uniform(0.0, 2.0, n)
    for part in (0.03, 0.06, 0.12):
        yield cleared(f"clearing, shock of {part:.0%}", net, assets * part * hit, 25.0, repeat)
    losses = assets * 0.003 * hit
    debtrank = timer(n)(lambda: ct.DebtRank().solve(net, losses), repeat)
    yield {"task": "DebtRank of one shock", "seconds": debtrank}
    ranked = timer(n)(lambda: ct.rank(net, measures=RANKED), min(repeat, 2))
    yield {"task": "rank by degrees, strengths, PageRank", "seconds": ranked}


def critical(n: int, repeat: int) -> Iterator[dict[str, Any]]:
    """A clearing in which losses hardly leave the network."""
    yield cleared("clearing, near-critical", *near_critical(n, DEGREE), 80.0, repeat)


def sized(n: int, repeat: int) -> dict[str, Any]:
    """What one size took: task, seconds, unit (of a clearing: one product) and ratio to reach."""
    told = [_process(part, n, repeat) for part in PARTS]
    return {
        "nodes": n,
        "exposures": n * DEGREE,
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "peak_mb": max(part["peak_mb"] for part in told),
        "rows": [row for part in told for row in part["rows"]],
    }


def _process(part: str, n: int, repeat: int) -> dict[str, Any]:
    """Some tasks in a process of their own, with its peak of memory."""
    command = [sys.executable, __file__, "--part", part, str(n), "--repeat", str(repeat)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def here(part: str, n: int, repeat: int) -> dict[str, Any]:
    """Some tasks in this process."""
    small = network(1_000, DEGREE, share=0.2)
    MODEL.solve(small, small.book.external_assets * 0.06)  # kernels are compiled on first use
    ct.DebtRank().solve(small, small.book.external_assets * 0.003)
    rows = [
        {key: round(x, 6) if isinstance(x, float) else x for key, x in row.items()}
        for row in PARTS[part](n, repeat)
    ]
    return {"rows": rows, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


PARTS = {"usual": usual, "critical": critical}


# -- what is shown ------------------------------------------------------------------------------


def by_task(growth: list[dict[str, Any]]) -> dict[str, dict[int, float]]:
    """{task: {exposures: seconds}}."""
    found: dict[str, dict[int, float]] = {}
    for size in growth:
        for row in size["rows"]:
            found.setdefault(row["task"], {})[size["exposures"]] = row["seconds"]
    return found


def exponent(seconds: dict[int, float], last: int = 0) -> float:
    """Slope of log seconds on log exposures by least squares, over the `last` sizes, or all.

    >>> round(exponent({10: 1.0, 100: 10.0, 1000: 100.0}), 6)
    1.0
    """
    pairs = np.log(np.array(sorted(seconds.items()), float)[-last:])
    return float(np.polyfit(pairs[:, 0], pairs[:, 1], 1)[0]) if len(pairs) > 1 else float("nan")


def table(growth: list[dict[str, Any]]) -> list[str]:
    """Seconds by task and size, with exponents, as Markdown."""
    sizes = [f"{size['nodes']:,}" for size in growth]
    lines = [f"| task | {' | '.join(sizes)} | exponent | of the last three sizes |"]
    lines += [f"|---|{'---|' * (len(sizes) + 2)}"]
    for task, seconds in by_task(growth).items():
        cells = [f"{seconds[x['exposures']]:.3g}" if x["exposures"] in seconds else ""
                 for x in growth]  # fmt: skip
        slopes = f"{exponent(seconds):.2f} | {exponent(seconds, 3):.2f}"
        lines.append(f"| {task} | {' | '.join(cells)} | {slopes} |")
    memory = " | ".join(f"{size['peak_mb']:,} MB" for size in growth)
    dates = " | ".join(size["date"] for size in growth)
    return [*lines, f"| most memory | {memory} | | |", f"| measured on | {dates} | | |"]


def draw(growth: list[dict[str, Any]], file: Path) -> None:
    """The curves, as a figure that is the same each time."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    plt.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "growth"}
    figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for (task, seconds), marker in zip(by_task(growth).items(), cycle("os^vDPX*")):
        sizes = [m / DEGREE for m in seconds]
        label = f"{task} ({exponent(seconds):.2f})"
        ax.loglog(sizes, list(seconds.values()), marker=marker, markersize=4, label=label)
    sizes = np.array([size["nodes"] for size in growth], float)
    ax.loglog(sizes, sizes * 1e-7, color="0.6", linestyle=":", label="slope of 1")
    ax.set(xlabel="nodes, 10 exposures each", ylabel="processor seconds")
    ax.legend(fontsize=8, frameon=False, title="task (exponent)", title_fontsize=8)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
    lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join(line.rstrip() for line in lines) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nodes", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        print(json.dumps(here(given.part, given.nodes[0], given.repeat)))
        return
    for n in given.nodes:
        print(json.dumps(sized(n, given.repeat)), flush=True)


if __name__ == "__main__":
    main()
