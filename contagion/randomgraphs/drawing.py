"""Random graphs, many at once, and the cascades that one failure sets off in each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..model import Model
from ..network import ExposureNetwork

TOGETHER = 100_000  # nodes of the graphs that are drawn and solved as one network


def directed_links(
    n: int, degree: float, draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Creditor and debtor (m,) of the links of `draws` graphs: each of n (n − 1) with the same
    probability degree / (n − 1). Graph d has the nodes d n … d n + n − 1.
    """
    row, column = np.divmod(_drawn(draws * n * (n - 1), degree / (n - 1), rng), n - 1)
    base, own = row - row % n, row % n
    return row, base + column + (column >= own)


def undirected_links(
    n: int, degree: float, draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Both directions (2 m,) of the links of `draws` graphs: each of n (n − 1) / 2 pairs with
    probability degree / (n − 1).
    """
    pairs = n * (n - 1) // 2
    graph, place = np.divmod(_drawn(draws * pairs, degree / (n - 1), rng), pairs)
    # pair number of (low, high), low < high: high (high − 1) / 2 + low
    high = ((1 + np.sqrt(1 + 8.0 * place)) / 2).astype(np.int64)
    high += (high + 1) * high // 2 <= place
    high -= high * (high - 1) // 2 > place
    low = place - high * (high - 1) // 2
    one, other = graph * n + low, graph * n + high
    return np.concatenate([one, other]), np.concatenate([other, one])


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
    """Part of the nodes that fail with one drawn at random, itself included, shape (draws,).

    The graphs stand beside each other in one network, each with a failure of its own, so that the
    model solves many at once. Every node spreads `interbank` evenly over its debtors.
    """
    links = directed_links if directed else undirected_links
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


def _drawn(places: int, chance: float, rng: np.random.Generator) -> np.ndarray:
    """Which of so many places are taken, each with the same chance: sorted, by gaps."""
    if chance <= 0 or not places:
        return np.zeros(0, np.int64)
    if chance >= 1:
        return np.arange(places)
    found, last = [], -1
    while last < places:
        rest = (places - last) * chance
        gaps = rng.geometric(chance, int(rest + 6 * np.sqrt(rest) + 10))
        found.append(last + np.cumsum(gaps))
        last = int(found[-1][-1])
    taken = np.concatenate(found)
    return taken[taken < places]
