"""Reading: random files against their true numbers, and seconds for large ones.

python benchmarks/door.py fuzz 100000
python benchmarks/door.py speed
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

import contagion as ct

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))


def fuzz(count: int) -> None:
    """Wrong sums and tracebacks among so many pairs of files."""
    import door_fuzz

    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(count):
            case = door_fuzz.made(seed, Path(folder))
            try:
                said = door_fuzz.outcome(case)
            except Exception as error:
                said = f"traceback: {type(error).__name__}"
            if said not in ("right", "refused"):
                print(seed, case.wrong, case.about, said)
                said = said.split(":")[0]
            found[said] += 1
            case.exposures.unlink()
            case.nodes.unlink()
    print(dict(found))


def speed(csv_rows: int = 10**6, parquet_rows: int = 10**7) -> None:
    """Seconds of a read against reading with pyarrow and factorizing both columns of names."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for kind, rows in (("csv", csv_rows), ("parquet", parquet_rows)):
            n = rows // 10
            names = pa.array([f"bank {k:07d}" for k in range(n)])
            pairs = rng.choice(n, (2, rows))
            table = pa.table(
                {
                    "creditor": names.take(pa.array(pairs[0])),
                    "debtor": names.take(pa.array((pairs[0] + 1 + pairs[1] % (n - 1)) % n)),
                    "amount": rng.lognormal(10, 2, rows).round(2),
                }
            )
            file = Path(folder) / f"claims.{kind}"
            (csv.write_csv if kind == "csv" else pq.write_table)(table, file)
            del table
            start = time.perf_counter()
            text = csv.ConvertOptions(column_types={"creditor": pa.string(), "debtor": pa.string()})
            if kind == "csv":
                bare = csv.read_csv(file, convert_options=text).to_pandas()
            else:
                bare = pq.read_table(file).to_pandas()
            for side in ("creditor", "debtor"):
                pd.factorize(bare[side])
            floor = time.perf_counter() - start
            del bare
            start = time.perf_counter()
            net = ct.read(file, missing_equity="external", duplicates="keep", self_loops="drop")
            took = time.perf_counter() - start
            print(
                f"{kind} {rows:,} rows: {took:.2f} s, bare {floor:.2f} s, {took / floor:.2f} times"
            )
            del net


if __name__ == "__main__":
    what, *more = sys.argv[1:] or ["speed"]
    {"fuzz": fuzz, "speed": speed}[what](*map(int, more))
