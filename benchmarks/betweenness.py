"""Betweenness: seconds on the processor and peak memory, and what networkx takes for the same.

    python benchmarks/betweenness.py [--networkx] [--repeat 3]

Prints one JSON object a line. Claims are between random pairs; amounts are lognormal, or 1, 2, 4
or 8 ("ties"), so that many paths are equally long. With --networkx (some minutes) every line has
its seconds and the largest relative difference.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import numpy as np
from scipy.sparse import csr_array

from contagion.kernels.betweenness import dependencies

SIZES = ((200, 10), (200, 50), (1_500, 10), (1_500, 50), (1_500, 100))


def lengths(n: int, degree: int, kind: str, seed: int = 0) -> csr_array:
    """(n, n) lengths of claims, about `degree` a node."""
    rng = np.random.default_rng(seed)
    linked = rng.random((n, n)) < degree / (n - 1)
    np.fill_diagonal(linked, False)
    pairs = np.nonzero(linked)
    m = len(pairs[0])
    draws = {
        "hops": np.ones(m),
        "amounts": rng.lognormal(0.0, 2.0, m),
        "ties": rng.choice([1.0, 2.0, 4.0, 8.0], m),
    }
    return csr_array((1.0 / draws[kind], pairs), shape=(n, n))


def by_networkx(length: csr_array, weighted: bool) -> np.ndarray:
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(range(length.shape[0]))
    edges = length.tocoo()
    graph.add_weighted_edges_from(
        zip(edges.row.tolist(), edges.col.tolist(), edges.data.tolist(), strict=True)
    )
    weight = "weight" if weighted else None
    found = nx.betweenness_centrality(graph, weight=weight, normalized=False)
    return np.array([found[i] for i in range(len(found))])


def measure(n: int, degree: int, kind: str, repeat: int, compare: bool) -> dict[str, object]:
    length = lengths(n, degree, kind)
    times, found = [], np.zeros(n)
    for _ in range(repeat):
        start = time.process_time()
        found = dependencies(length)
        times.append(time.process_time() - start)
    seconds = float(np.median(times))
    line: dict[str, object] = {
        "nodes": n,
        "exposures": length.nnz,
        "lengths": kind,
        "seconds": round(seconds, 3),
        "ms_a_start": round(1e3 * seconds / n, 3),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    if compare:
        start = time.process_time()
        want = by_networkx(length, kind != "hops")
        line["networkx_seconds"] = round(time.process_time() - start, 3)
        line["difference"] = float((np.abs(found - want) / np.maximum(want, 1.0)).max())
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networkx", action="store_true")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    dependencies(lengths(20, 5, "hops"))  # loads what is loaded on use
    for n, degree in SIZES:
        for kind in ("hops", "amounts", "ties"):
            line = measure(n, degree, kind, arguments.repeat, arguments.networkx)
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
