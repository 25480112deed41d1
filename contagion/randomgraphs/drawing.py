"""Many random graphs at once, and the cascade that one default causes in each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..models.base import Model
from ..network.exposure_network import ExposureNetwork
from ..synthetic.generate import links as drawn

TOGETHER = 100_000  # nodes of all graphs that are drawn and solved as one network


def failed_parts(
    model: Model,
    n: int,
    degree: float,
    draws: int,
    capital: float,
    interbank: float,
    rng: np.random.Generator,
    *,
    directed: bool,
) -> np.ndarray:
    """Share of nodes in default after the default of a random node, itself included, (draws,).

    Several graphs form one network with unconnected parts, each with its own initial default, so
    that the model solves many at once. Every node spreads `interbank` evenly over its debtors.
    """
    links = drawn.directed if directed else drawn.undirected
    most = max(1, TOGETHER // n)
    parts = []
    for start in range(0, draws, most):
        now = min(most, draws - start)
        creditor, debtor = links(n, degree, now, rng)
        share = interbank / np.maximum(np.bincount(creditor, minlength=now * n), 1)
        nodes = pd.DataFrame({"node": np.arange(now * n), "equity": capital})
        owed = {"creditor": creditor, "debtor": debtor, "amount": share[creditor]}
        network = ExposureNetwork(nodes, pd.DataFrame(owed))
        recoveries = np.full(now * n, np.nan)
        recoveries[np.arange(now) * n + rng.integers(0, n, now)] = 0.0
        outcome = model.solve(network, np.zeros(now * n), recoveries)
        parts.append(outcome.defaulted.reshape(now, n).mean(axis=1))
    return np.concatenate(parts)
