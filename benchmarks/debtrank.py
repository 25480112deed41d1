"""DebtRank of every node as the one that fails: the package against blocked iteration, same run.

    python benchmarks/debtrank.py [--nodes 1000 10000] [--degree 10] [--repeat 3] [--sample 500]

Prints one JSON object a line. Three routes, each in a process of its own so that its peak memory
is its own:

blocked : `h = min(1, Λ h)` with the trigger held, for blocks of triggers at a time, sparse matrix
    times dense block, until nobody moves by more than 1e-8. The width of the blocks is the fastest
    of several on this machine; nothing is computed but the h and what is summed over them.
package : `measures.each_default(net, DebtRank())`, from the network to the table.
runs : the same table from runs of the model, on a sample of triggers and scaled up.

Times are processor time, which neighbours on the machine disturb less than the clock; all routes
use one thread. `times_faster` is blocked over package. `own_mb` is memory beyond the network.
`error` is the largest error of the DebtRank (share of all equity) of a node, against the blocked
iteration continued to 1e-14 where n is at most 2,000, and against that to 1e-8 above.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, diags_array

import contagion as ct

REGIMES = {  # spectral radius of Λ, spread of the logarithm of the exposures, share of thin nodes
    "loose": (0.5, 1.0, 0.0),
    "moderate": (0.8, 1.0, 0.0),
    "some fail": (0.8, 2.0, 0.0),
    "many fail": (0.8, 2.0, 0.1),
    "near critical": (0.95, 1.0, 0.0),
    "near critical, many fail": (0.95, 2.0, 0.1),
    "supercritical": (1.3, 1.0, 0.0),
}
WIDTHS = (8, 16, 32, 64, 128, 256)


def leverage(n: int, degree: int, regime: str, seed: int = 1) -> tuple[csr_array, np.ndarray]:
    """Λ of random exposures, scaled to the spectral radius, and the equity that goes with it."""
    radius, spread, thin = REGIMES[regime]
    rng = np.random.default_rng(seed)
    m = n * degree
    creditor, debtor = rng.integers(0, n, m), rng.integers(0, n, m)
    debtor = np.where(creditor == debtor, (debtor + 1) % n, debtor)
    amount = rng.lognormal(0.0, spread, m)
    claims = np.maximum(np.bincount(creditor, amount, n), 1e-3)
    equity = rng.uniform(0.02, 0.10, n) * claims / np.where(rng.random(n) < thin, 10.0, 1.0)
    matrix = csr_array((amount / equity[creditor], (creditor, debtor)), shape=(n, n))
    matrix.sum_duplicates()
    u = np.ones(n)
    for _ in range(300):
        u = matrix @ u
        top = u.max()
        u /= top
    return matrix * (radius / top), equity * (top / radius)


def network(matrix: csr_array, equity: np.ndarray) -> ct.ExposureNetwork:
    """The exposures `E_j Λ_jk` with the smallest balance sheets that give this equity."""
    n, owed = len(equity), (diags_array(equity) @ matrix).tocoo()
    creditor, debtor = owed.coords
    claims, debts = np.bincount(creditor, owed.data, n), np.bincount(debtor, owed.data, n)
    external = equity + debts - claims
    nodes = pd.DataFrame(
        {
            "node": np.arange(n),
            "external_assets": np.maximum(external, 0.0),
            "external_liabilities": np.maximum(-external, 0.0),
        }
    )
    exposures = pd.DataFrame({"creditor": creditor, "debtor": debtor, "amount": owed.data})
    return ct.ExposureNetwork(nodes, exposures)


def block(
    matrix: csr_array, triggers: np.ndarray, share: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Impact of some triggers, what nodes lose by them, whom they fail, and rounds."""
    own = triggers, np.arange(len(triggers))
    h = np.zeros((matrix.shape[0], len(triggers)))
    h[own] = 1.0
    count = 0
    while True:
        count += 1
        new = matrix @ h
        np.minimum(new, 1.0, out=new)
        new[own] = 1.0
        np.subtract(new, h, out=h)
        moved = max(h.max(), -h.min())
        h = new
        if moved <= tolerance:
            break
    h[own] = 0.0
    return share @ h, h.sum(axis=1), (h >= 1 - 1e-12).sum(axis=0), count


def blocked(matrix: csr_array, equity: np.ndarray, tolerance: float) -> dict[str, Any]:
    n, share = len(equity), equity / equity.sum()
    speed = {}
    for width in WIDTHS:
        start = time.process_time()
        block(matrix, np.arange(min(width, n)), share, 1e-3)
        speed[width] = (time.process_time() - start) / min(width, n)
    width = min(speed, key=speed.__getitem__)
    start = time.process_time()
    parts = [
        block(matrix, np.arange(at, min(at + width, n)), share, tolerance)
        for at in range(0, n, width)
    ]
    suffered = np.sum([part[1] for part in parts], axis=0)
    seconds = time.process_time() - start
    return {
        "seconds": seconds,
        "width": width,
        "rounds": float(np.mean([part[3] for part in parts])),
        "fail_somebody": float((np.concatenate([part[2] for part in parts]) > 0).mean()),
        "debtrank": np.concatenate([part[0] for part in parts]),
        "suffered": suffered,
    }


def package(net: ct.ExposureNetwork, repeat: int) -> dict[str, Any]:
    times = []
    for _ in range(repeat):
        start = time.process_time()
        table = ct.measures.each_default(net, ct.DebtRank())
        times.append(time.process_time() - start)
    share = table["default_impact"] / net.book.equity.sum()
    return {"seconds": float(np.median(times)), "debtrank": share.to_numpy()}


def runs(net: ct.ExposureNetwork, sample: int) -> dict[str, Any]:
    n = len(net)
    triggers = np.arange(0, n, max(1, n // sample))
    pins = np.full((len(triggers), n), np.nan)
    pins[np.arange(len(triggers)), triggers] = 0.0
    start = time.process_time()
    ct.DebtRank().solve(net, np.zeros_like(pins), pins)
    seconds = time.process_time() - start
    return {"seconds": seconds * n / len(triggers), "sample": len(triggers)}


def task(route: str, n: int, degree: int, regime: str, repeat: int, sample: int) -> dict[str, Any]:
    """One route in a process of its own."""
    matrix, equity = leverage(n, degree, regime)
    net = network(matrix, equity)
    _ = net.liabilities
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ways: dict[str, Callable[[], dict[str, Any]]] = {
        "blocked": lambda: blocked(matrix, equity, 1e-8),
        "exact": lambda: blocked(matrix, equity, 1e-14),
        "package": lambda: package(net, repeat),
        "runs": lambda: runs(net, sample),
    }
    done = ways[route]()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {**done, "peak_mb": round(peak / 1024), "own_mb": round((peak - before) / 1024)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--regimes", nargs="+", default=list(REGIMES), choices=list(REGIMES))
    parser.add_argument("--degree", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--sample", type=int, default=500)
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    for n in given.nodes:
        for regime in given.regimes:
            routes = ["blocked", "package", "runs"] + (["exact"] if n <= 2_000 else [])
            with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool:
                done = {
                    route: pool.submit(
                        task, route, n, given.degree, regime, given.repeat, given.sample
                    ).result()
                    for route in routes
                }
            truth = done.get("exact", done["blocked"])["debtrank"]
            row: dict[str, Any] = {"nodes": n, "regime": regime}
            row["fail_somebody"] = round(done["blocked"]["fail_somebody"], 4)
            row["times_faster"] = round(done["blocked"]["seconds"] / done["package"]["seconds"], 2)
            for route in routes:
                part = done[route]
                if route != "exact":
                    row[f"{route}_seconds"] = round(part["seconds"], 4)
                    row[f"{route}_peak_mb"] = part["peak_mb"]
                    row[f"{route}_own_mb"] = part["own_mb"]
                if "debtrank" in part and part["debtrank"] is not truth:
                    error = np.abs(part["debtrank"] - truth).max()
                    row[f"{route}_error"] = float(f"{error:.1e}")
            row["blocked_rounds"] = round(done["blocked"]["rounds"], 1)
            row["blocked_width"] = done["blocked"]["width"]
            row["runs_sample"] = done["runs"]["sample"]
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
