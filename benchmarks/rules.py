"""Clearing with a rule of its own at every node: what mixed rules cost beside pro rata.

    python benchmarks/rules.py [--nodes 100000] [--degree 10] [--repeat 3]

Prints one JSON object a line. Every node has one of nine rules, drawn at random; "product" is one
multiplication of the liabilities with a vector, "own product" one of the compiled segments. The
last lines are one venue with many claims of distinct weights.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import numpy as np
import pandas as pd
from clearing import best, network

import contagion as ct
from contagion import rules

MIXED = (
    rules.Priority(),
    rules.ProRata(),
    rules.ProRata("weight"),
    rules.Queue("score"),
    rules.FirstCome("exit"),
    rules.EqualAwards(),
    rules.EqualLosses(),
    rules.Talmud(),
    rules.Waterfall([rules.Layer("junior", rules.Queue("score")), rules.Layer("senior")]),
)


def mixed(net: ct.ExposureNetwork, seed: int = 5) -> ct.ExposureNetwork:
    """The same network with columns that rules ask for, and a random rule at every node."""
    rng = np.random.default_rng(seed)
    m, n = len(net.amount), len(net)
    exposures = net.exposures.assign(
        weight=rng.lognormal(0.0, 1.0, m),
        score=rng.random(m),
        exit=np.where(rng.random(m) < 0.5, rng.random(m), np.nan),
        layer=np.where(rng.random(m) < 0.5, "junior", "senior"),
        tier=rng.integers(1, 4, m),
    )
    kind = rng.integers(0, len(MIXED), n)
    given = {node: MIXED[k] for node, k in enumerate(kind)}
    return ct.ExposureNetwork(net.nodes, exposures, duplicates="keep", rules=given)


def row(name: str, net: ct.ExposureNetwork, losses: np.ndarray, repeat: int) -> dict[str, object]:
    model = ct.EisenbergNoe()
    matrix, vector = net.liabilities, np.random.default_rng(0).random(len(net))
    start = time.perf_counter()
    shares = net.segments.shares
    compiled = time.perf_counter() - start
    money = np.random.default_rng(0).random(shares.shape[0])
    seconds, outcome = best(lambda: model.solve(net, losses), repeat)
    product = best(lambda: matrix.T @ vector, max(repeat, 9))[0]
    own = best(lambda: shares.spread(money), max(repeat, 9))[0]
    return {
        "case": name,
        "nodes": len(net),
        "exposures": len(net.amount),
        "segments": shares.shape[0],
        "entries": shares.nnz,
        "in_default": round(float(outcome.defaulted.mean()), 4),
        "seconds": round(seconds, 4),
        "rounds": int(outcome.rounds),
        "counted_products": round(outcome.products, 1),
        "products": round(seconds / product, 1),
        "own_products": round(seconds / own, 1),
        "product_ms": round(1e3 * product, 3),
        "own_product_ms": round(1e3 * own, 3),
        "residual": float(outcome.residual),
        "compile_seconds": round(compiled, 3),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def venue(claims: int, repeat: int) -> dict[str, object]:
    """One venue that shares by weights, all distinct."""
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        {"claimant": np.arange(claims), "amount": rng.lognormal(size=claims),
         "weight": rng.lognormal(size=claims)}
    )  # fmt: skip
    loss = 0.4 * float(table["amount"].sum())
    seconds, done = best(lambda: rules.ProRata("weight").allocate(loss, table), repeat)
    ladder = rules.ProRata("weight").segments(
        rules.Claims(
            np.zeros(claims, int),
            table["amount"].to_numpy(),
            {"weight": table["weight"].to_numpy()},
        )
    )
    return {
        "case": "one venue, distinct weights",
        "claims": claims,
        "seconds": round(seconds, 3),
        "entries_per_claim": round(ladder.shares.nnz / claims, 1),
        "loss_error": abs(float(done.table["loss"].sum()) - loss) / loss,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--degree", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    for n in arguments.nodes:
        plain = network(n, arguments.degree, share=0.2)
        net = mixed(plain)
        rng = np.random.default_rng(2)
        for shock in (0.03, 0.06, 0.12):
            losses = plain.book.external_assets * shock * rng.uniform(0.0, 2.0, n)
            for name, each in (("pro rata", plain), ("mixed rules", net)):
                found = row(f"{name}, shock {shock:.0%}", each, losses, arguments.repeat)
                print(json.dumps(found), flush=True)
    for claims in (10_000, 100_000, 1_000_000):
        print(json.dumps(venue(claims, arguments.repeat)), flush=True)


if __name__ == "__main__":
    main()
