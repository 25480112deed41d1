"""Clearing against its bound: seconds, and sparse products of the same machine in the same run.

    python benchmarks/clearing.py [--nodes 10000 100000 1000000] [--degree 10] [--repeat 3]

Prints one JSON object a line. One product is one multiplication of the liabilities with a vector
(for a batch: with a matrix of the same width), the cheapest round of contagion there can be.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import contagion as ct


def tables(n: int, degree: int, share: float, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Nodes, and random exposures; `share` of each balance sheet is interbank, 2 to 10 % equity."""
    rng = np.random.default_rng(seed)
    m = n * degree
    creditor, debtor = rng.integers(0, n, m), rng.integers(0, n, m)
    debtor = np.where(creditor == debtor, (debtor + 1) % n, debtor)
    amount = rng.lognormal(0.0, 1.0, m)
    claims, debts = np.bincount(creditor, amount, n), np.bincount(debtor, amount, n)
    external = np.maximum(claims, debts) * (1.0 - share) / share
    equity = rng.uniform(0.02, 0.10, n) * (claims + external)
    liabilities = np.maximum(claims + external - debts - equity, 0.0)
    nodes = pd.DataFrame(
        {"node": np.arange(n), "external_assets": external, "external_liabilities": liabilities}
    )
    return nodes, pd.DataFrame({"creditor": creditor, "debtor": debtor, "amount": amount})


def network(n: int, degree: int, share: float, seed: int = 1) -> ct.ExposureNetwork:
    """The network of these tables."""
    return ct.ExposureNetwork(*tables(n, degree, share, seed), duplicates="keep")


def near_critical(n: int, degree: int, seed: int = 1) -> tuple[ct.ExposureNetwork, np.ndarray]:
    """Interbank share 0.95 and about 90 % of the nodes in default after the shock.

    Every node owes what it is owed and has external creditors of 3 % of its debts, pari passu:
    losses leave the graph only through them and through the tenth of the nodes that stand.
    """
    rng = np.random.default_rng(seed)
    layers = [rng.permutation(n) for _ in range(degree)]
    weight = rng.lognormal(0.0, 1.0, degree)
    creditor = np.tile(np.arange(n), degree)
    debtor = np.concatenate(layers)
    amount = np.repeat(weight, n)
    keep = creditor != debtor
    creditor, debtor, amount = creditor[keep], debtor[keep], amount[keep]
    claims, debts = np.bincount(creditor, amount, n), np.bincount(debtor, amount, n)
    capital = np.where(rng.random(n) < 0.1, 0.5, 0.02)
    external = claims * np.where(capital > 0.1, 0.5, 0.05 / 0.95)
    liabilities = np.clip(claims + external - debts - capital * claims, 0.0, None)
    nodes = pd.DataFrame(
        {"node": np.arange(n), "external_assets": external, "external_liabilities": liabilities}
    )
    net = ct.ExposureNetwork(
        nodes,
        pd.DataFrame({"creditor": creditor, "debtor": debtor, "amount": amount}),
        duplicates="keep",
        external_creditors="pari_passu",
    )
    hit = rng.uniform(0.0, 0.05, n)
    return net, np.minimum(hit * claims, external)


def best(call: Callable[[], Any], repeat: int) -> tuple[float, Any]:
    times, value = [], None
    for _ in range(repeat):
        start = time.perf_counter()
        value = call()
        times.append(time.perf_counter() - start)
    return float(np.median(times)), value


def measure(name: str, net: ct.ExposureNetwork, losses: np.ndarray, repeat: int) -> dict[str, Any]:
    model = ct.EisenbergNoe()
    matrix, vector = net.liabilities, np.random.default_rng(0).random(len(net))
    start = time.perf_counter()
    _ = net.segments
    compile_seconds = time.perf_counter() - start
    before, _ = best(lambda: matrix.T @ vector, max(repeat, 5))
    seconds, outcome = best(lambda: model.solve(net, losses), repeat)
    product = (before + best(lambda: matrix.T @ vector, max(repeat, 5))[0]) / 2
    return {
        "case": name,
        "nodes": len(net),
        "exposures": len(net.amount),
        "in_default": round(float(outcome.defaulted.mean()), 4),
        "seconds": round(seconds, 4),
        "product_seconds": round(product, 5),
        "products": round(seconds / product, 1),
        "counted_products": round(outcome.products, 1),
        "rounds": int(outcome.rounds),
        "residual": float(outcome.residual),
        "compile_seconds": round(compile_seconds, 3),
        "csr_mb": round(
            (matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes) / 2**20
        ),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--degree", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    for n in arguments.nodes:
        start = time.perf_counter()
        net = network(n, arguments.degree, share=0.2)
        built = time.perf_counter() - start
        rng = np.random.default_rng(2)
        for shock in (0.03, 0.06, 0.12):
            losses = net.book.external_assets * shock * rng.uniform(0.0, 2.0, n)
            row = measure(f"shock {shock:.0%}", net, losses, arguments.repeat)
            print(json.dumps({**row, "build_seconds": round(built, 2)}), flush=True)
        net, losses = near_critical(n, arguments.degree)
        print(json.dumps(measure("near-critical", net, losses, arguments.repeat)), flush=True)


if __name__ == "__main__":
    main()
