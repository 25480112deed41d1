"""From Parquet files with string names to a result table, against pandas alone.

    python benchmarks/ingest.py [--nodes 100000] [--exposures 1000000] [--repeat 3] [--out FILE]

The yardstick is what pandas needs to read the exposures and to factorize both columns of names;
the task is `contagion.read`, a loss of 3 % of all external assets cleared by Eisenberg–Noe, and
the result table. Both run in turn, each in a process of its own; the ratio is the median of the
pairs, the seconds are the best of each. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd


def write(folder: Path, nodes: int, exposures: int, rng: np.random.Generator) -> None:
    """Two Parquet files; every node is solvent before the shock."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pa.array([f"institution-{i:08d}" for i in range(nodes)])
    pair = np.unique(rng.integers(0, nodes * nodes, int(exposures * 1.02), dtype=np.int64))
    pair = rng.permutation(pair[pair // nodes != pair % nodes])[:exposures]
    creditor, debtor = pair // nodes, pair % nodes
    amount = rng.lognormal(0.0, 1.0, len(pair))
    claims = np.bincount(creditor, amount, nodes)
    debts = np.bincount(debtor, amount, nodes)
    external = 2.0 * (claims + debts)
    capital = (0.03 + 0.09 * rng.random(nodes)) * external
    table = {
        "creditor": names.take(pa.array(creditor)),
        "debtor": names.take(pa.array(debtor)),
        "amount": amount,
    }
    pq.write_table(pa.table(table), folder / "exposures.parquet")
    sheet = {
        "node": names,
        "external_assets": external,
        "external_liabilities": np.maximum(external + claims - debts - capital, 0.0),
    }
    pq.write_table(pa.table(sheet), folder / "nodes.parquet")


def pandas_alone(folder: Path) -> dict[str, float]:
    start = time.perf_counter()
    table = pd.read_parquet(folder / "exposures.parquet")
    read = time.perf_counter()
    for side in ("creditor", "debtor"):
        pd.factorize(table[side])
    end = time.perf_counter()
    return {"read": read - start, "factorize": end - read, "seconds": end - start}


def whole_way(folder: Path) -> dict[str, float]:
    import contagion as ct

    start = time.perf_counter()
    net = ct.read(folder / "exposures.parquet", nodes=folder / "nodes.parquet")
    read = time.perf_counter()
    result = ct.EisenbergNoe().propagate(net, ct.Shock.relative(0.03))
    cleared = time.perf_counter()
    rows = len(result.table)
    end = time.perf_counter()
    steps = {"read": read - start, "clear": cleared - read, "table": end - cleared}
    return {**steps, "seconds": end - start, "rows": rows}


TASKS = {"pandas": pandas_alone, "contagion": whole_way}


def measured(task: str, folder: Path) -> dict[str, float]:
    """One run in a fresh process, with its peak of memory."""
    line = subprocess.run(
        [sys.executable, __file__, "--task", task, "--folder", str(folder)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    run: dict[str, float] = json.loads(line)
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--exposures", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        result = TASKS[options.task](options.folder)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**result, "peak_mb": peak}))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, options.nodes, options.exposures, np.random.default_rng(1))
        runs = [{task: measured(task, folder) for task in TASKS} for _ in range(options.repeat)]
    found = {task: min((r[task] for r in runs), key=lambda r: r["seconds"]) for task in TASKS}
    ratios = sorted(r["contagion"]["seconds"] / r["pandas"]["seconds"] for r in runs)
    report = {
        "nodes": options.nodes,
        "exposures": options.exposures,
        **{
            task: {key: round(value, 3) for key, value in run.items()}
            for task, run in found.items()
        },
        "ratio": round(ratios[len(ratios) // 2], 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }
    text = json.dumps(report, indent=1)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
