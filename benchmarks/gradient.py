"""The gradient of a system loss against one clearing and against sparse products, in the same run.

    python benchmarks/gradient.py [--nodes 10000 100000] [--degree 10] [--repeat 3]

Prints one JSON object a line. `adjoint` is what the gradient takes when the clearing is there,
`gradient` the whole call with it, both also as multiples of the clearing; one product is one
multiplication of the liabilities with a vector.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
from clearing import best, near_critical, network

import contagion as ct
from contagion.measures.sensitivity import differentiated, solved


def measure(name: str, net: ct.ExposureNetwork, losses: np.ndarray, repeat: int) -> dict[str, Any]:
    """Seconds and products of one shock."""
    model = ct.EisenbergNoe()
    shock = ct.Shock.loss(dict(zip(net.names.tolist(), losses.tolist(), strict=True)))
    matrix, vector = net.liabilities, np.random.default_rng(0).random(len(net))
    _ = net.segments
    product, _ = best(lambda: matrix.T @ vector, max(repeat, 5))
    clearing, outcome = best(lambda: model.solve(net, losses), repeat)
    result = solved(net, model, shock)
    adjoint, found = best(lambda: differentiated(result, "shortfall", "loss"), repeat)
    whole, _ = best(lambda: ct.measures.gradient(net, model, shock, of="shortfall"), repeat)
    return {
        "case": name,
        "nodes": len(net),
        "exposures": len(net.amount),
        "in_default": round(float(outcome.defaulted.mean()), 4),
        "product_seconds": round(product, 5),
        "clearing_seconds": round(clearing, 4),
        "clearing_products": round(clearing / product, 1),
        "adjoint_seconds": round(adjoint, 4),
        "adjoint_products": round(adjoint / product, 1),
        "adjoint_over_clearing": round(adjoint / clearing, 2),
        "gradient_seconds": round(whole, 4),
        "largest_index": round(float(found.shock.max()), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--degree", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    for n in arguments.nodes:
        net = network(n, arguments.degree, share=0.2)
        rng = np.random.default_rng(2)
        for part in (0.03, 0.06, 0.12):
            losses = net.book.external_assets * part * rng.uniform(0.0, 2.0, n)
            row = measure(f"shock {part:.0%}", net, losses, arguments.repeat)
            print(json.dumps(row), flush=True)
        net, losses = near_critical(n, arguments.degree)
        print(json.dumps(measure("near-critical", net, losses, arguments.repeat)), flush=True)


if __name__ == "__main__":
    main()
