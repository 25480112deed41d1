"""Memory that clearing needs on top of the network, against the CSR arrays of the liabilities.

    python benchmarks/memory.py [--nodes 1000000] [--degree 10]

Prints one JSON object: peak of the traced allocations of one `solve`, in units of the CSR arrays.
"""

from __future__ import annotations

import argparse
import json
import tracemalloc

import numpy as np
from clearing import near_critical, network

import contagion as ct


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--degree", type=int, default=10)
    arguments = parser.parse_args()
    n = arguments.nodes
    net = network(n, arguments.degree, share=0.2)
    hit = np.random.default_rng(2).uniform(0.0, 2.0, n)
    cases = [
        (f"shock {s:.0%}", net, net.book.external_assets * s * hit) for s in (0.03, 0.06, 0.12)
    ]
    cases.append(("near-critical", *near_critical(n, arguments.degree)))
    for name, system, losses in cases:
        matrix = system.liabilities
        _ = system.segments.inside
        csr = matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
        tracemalloc.start()
        ct.EisenbergNoe().solve(system, losses)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(
            json.dumps(
                {
                    "case": name,
                    "nodes": n,
                    "csr_mb": round(csr / 2**20),
                    "peak_mb": round(peak / 2**20),
                    "ratio": round(peak / csr, 2),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
