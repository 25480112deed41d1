"""Cross-holdings once more, written from the definitions in plain Python, one node at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from checks import claims_in_order, waterfall

import contagion as ct


def random_shareholdings(net: ct.ExposureNetwork, seed: int, most: float = 0.95) -> pd.DataFrame:
    """Random owners of companies whose balance sheets are known; some belong entirely to others.

    Node 0 is always partly owned outside, and only entire subsidiaries of earlier nodes are whole,
    so that no group is closed.
    """
    rng = np.random.default_rng(seed + 99)
    rows = []
    for j in np.flatnonzero(net.book.known):
        owners = [i for i in range(len(net)) if i != j and rng.random() < 0.4]
        total = most * rng.random()
        if j and rng.random() < 0.2:
            owners, total = [int(rng.integers(j))], 1.0
        parts = rng.random(len(owners))
        rows += [
            (net.names[i], net.names[j], total * part / parts.sum())
            for i, part in zip(owners, parts, strict=True)
        ]
    return pd.DataFrame(rows, columns=["owner", "company", "fraction"])


def clear(
    net: ct.ExposureNetwork,
    losses: np.ndarray,
    pins: np.ndarray | None = None,
    *,
    from_above: bool = True,
    rounds: int = 200_000,
) -> tuple[list[float], list[float], list[float]]:
    """Signed equities, what each claim is paid and what external creditors get, by plain rounds."""
    n, names = len(net), list(net.names)
    place = {name: i for i, name in enumerate(names)}
    owed = claims_in_order(net)
    creditors = [place[name] for name in net.exposures["creditor"]]
    assets = [
        max(a - x, 0.0) for a, x in zip(net.balance_sheet["external_assets"], losses, strict=True)
    ]
    held = net.shareholdings
    shares = [] if held is None else list(held[["owner", "company", "fraction"]].itertuples(False))
    sheet = net.balance_sheet["equity"]
    worth = [max(sheet.iloc[i], 0.0) if from_above else 0.0 for i in range(n)]
    paid = [amount if from_above else 0.0 for amount in net.amount]
    for _ in range(rounds):
        pot = list(assets)
        for row, creditor in enumerate(creditors):
            pot[creditor] += paid[row]
        for owner, company, fraction in shares:
            pot[place[owner]] += fraction * worth[place[company]]
        new, outside, equity = list(paid), [0.0] * n, [0.0] * n
        for i in range(n):
            due = sum(amount for _, amount, _ in owed[i])
            if pins is not None and not np.isnan(pins[i]):
                got = [pins[i] * amount for _, amount, _ in owed[i]]
                equity[i] = (pins[i] - 1) * due
            elif not net.book.can_fail[i]:
                got = [amount for _, amount, _ in owed[i]]
                equity[i] = pot[i] - due
            else:
                got = waterfall(pot[i], [(order, amount) for order, amount, _ in owed[i]])
                equity[i] = pot[i] - due
            for (_, _, row), money in zip(owed[i], got, strict=True):
                if row < 0:
                    outside[i] = money
                else:
                    new[row] = money
        after = [max(x, 0.0) for x in equity]
        moved = max(abs(a - b) for a, b in zip(new + after, paid + worth, strict=True))
        paid, worth = new, after
        if moved < 1e-13 * (1 + sum(net.amount)):
            break
    return equity, paid, outside


def failures(
    fractions: np.ndarray,
    assets: np.ndarray,
    floor: np.ndarray,
    costs: np.ndarray,
    *,
    worst: bool = False,
) -> tuple[np.ndarray, list[list[int]]]:
    """Elliott, Golub and Jackson: values v, and who fails in which wave, with dense inverses."""
    n = len(assets)
    outside = np.diag(1 - fractions.sum(axis=0))
    dependency = outside @ np.linalg.inv(np.eye(n) - fractions)
    failed = set(range(n)) if worst else set()
    waves: list[list[int]] = []
    while True:
        burden = np.array([costs[i] if i in failed else 0.0 for i in range(n)])
        value = dependency @ (assets - burden)
        now = {i for i in range(n) if value[i] < floor[i]} | (set() if worst else failed)
        if now == failed:
            return value, waves
        waves.append(sorted(now - failed))
        failed = now
