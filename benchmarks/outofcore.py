"""A network on disk with little memory: seconds to prepare it, seconds a round, peak of memory.

    python benchmarks/outofcore.py 100000 1000000 [--memory 2GB] [--rounds 1000] [--folder DIR]

Prints one JSON object a size (10 exposures a node), each from a process of its own: seconds until
the tables are checked and numbered, rounds, the median and the longest of their seconds, the error
that is left, peak memory of the process, and the size of the folder. `--rounds` ends a run that has
not converged. The last line is the growth of seconds a round by exposures, and what it says for ten
times the largest size.
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
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from growth import DEGREE, exponent

import contagion as ct

ROWS = 5_000_000  # exposures that are drawn and written together


def write(folder: Path, n: int) -> None:
    """exposures.parquet and nodes.parquet: the random network of `clearing.py`, in pieces."""
    rng, m = np.random.default_rng(1), n * DEGREE
    claims, debts = np.zeros(n), np.zeros(n)
    schema = pa.schema([("creditor", pa.int64()), ("debtor", pa.int64()), ("amount", pa.float64())])
    with pq.ParquetWriter(folder / "exposures.parquet", schema) as file:
        for start in range(0, m, ROWS):
            rows = min(ROWS, m - start)
            creditor, debtor = rng.integers(0, n, (2, rows))
            debtor = np.where(creditor == debtor, (debtor + 1) % n, debtor)
            amount = rng.lognormal(0.0, 1.0, rows)
            claims += np.bincount(creditor, amount, n)
            debts += np.bincount(debtor, amount, n)
            file.write(pa.table([creditor, debtor, amount], schema=schema))
    external = np.maximum(claims, debts) * 4.0  # a fifth of the balance sheet is inside
    equity = rng.uniform(0.02, 0.10, n) * (claims + external)
    owed = np.maximum(claims + external - debts - equity, 0.0)
    sheet = {"node": np.arange(n), "external_assets": external, "external_liabilities": owed}
    pq.write_table(pa.table(sheet), folder / "nodes.parquet")


def measured(folder: Path, n: int, memory: str, most: int) -> dict[str, Any]:
    """One run; where `most` rounds do not suffice, what there is of it."""
    began = time.perf_counter()
    try:
        found = ct.outofcore.clear(
            folder / "exposures.parquet", nodes=folder / "nodes.parquet", folder=folder / "run",
            shock=ct.Shock.relative(0.06), memory=memory, max_rounds=most, duplicates="sum",
        )  # fmt: skip
        rounds = found.rounds.to_dict("records")
    except ct.ConvergenceError as error:
        rounds = error.partial
    whole = time.perf_counter() - began
    seconds = [each["seconds"] for each in rounds]
    on_disk = sum(each.stat().st_size for each in (folder / "run").rglob("*") if each.is_file())
    return {
        "nodes": n,
        "exposures": n * DEGREE,
        "memory": memory,
        "seconds": round(whole, 1),
        "around_rounds": round(whole - sum(seconds), 1),
        "rounds": len(rounds),
        "seconds_a_round": round(float(np.median(seconds[1:])), 2),
        "longest_round": round(max(seconds), 2),
        "estimate": rounds[-1]["estimate"],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "folder_mb": on_disk // 2**20,
        "given_mb": (folder / "exposures.parquet").stat().st_size // 2**20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nodes", type=int, nargs="+")
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--part", choices=["write", "run"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part == "write":
        write(given.folder, given.nodes[0])
        return
    if given.part == "run":
        found = measured(given.folder, given.nodes[0], given.memory, given.rounds)
        print(json.dumps(found))
        return
    taken = {}
    for n in given.nodes:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            command = [sys.executable, __file__, str(n), "--memory", given.memory,
                       "--rounds", str(given.rounds), "--folder", folder]  # fmt: skip
            subprocess.run([*command, "--part", "write"], check=True)
            done = subprocess.run(
                [*command, "--part", "run"], check=True, stdout=subprocess.PIPE, text=True
            )
        print(done.stdout, end="", flush=True)
        told = json.loads(done.stdout)
        taken[told["exposures"]] = told["seconds_a_round"]
    if len(taken) > 1:
        slope, largest = exponent(taken), max(taken)
        print(json.dumps({"exponent": slope, "exposures": 10 * largest,
                          "seconds_a_round": taken[largest] * 10**slope}))  # fmt: skip


if __name__ == "__main__":
    main()
