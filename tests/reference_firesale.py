"""Fire sales once more, node by node and asset by asset: the reference of the tests."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import reference
from conftest import random_tables

import contagion as ct

ASSETS = ("X", "Y", "Z")


def network(
    seed: int, n: int = 8, features: frozenset[str] | set[str] = frozenset()
) -> ct.ExposureNetwork:
    """A random network in which nodes hold up to 90 % of their external assets in X, Y and Z."""
    nodes, exposures, options = random_tables(seed, n, 2.0, features)
    return ct.ExposureNetwork(nodes, exposures, holdings=holdings(seed, nodes), **options)


def holdings(seed: int, nodes: pd.DataFrame) -> pd.DataFrame:
    """Random holdings (node, asset, value) that fit a node table."""
    rng = np.random.default_rng(seed + 1)
    rows = []
    for name, money in zip(nodes["node"], nodes["external_assets"], strict=True):
        part = rng.dirichlet(np.ones(3)) * rng.uniform(0.0, 0.9) * (rng.random(3) < 0.7)
        if np.isfinite(money):
            rows += [(name, asset, money * p) for asset, p in zip(ASSETS, part, strict=True)]
    return pd.DataFrame(rows, columns=["node", "asset", "value"])


def held(net: ct.ExposureNetwork) -> dict[str, list[float]]:
    """{asset: money of every node}."""
    out = {asset: [0.0] * len(net) for asset in ASSETS}
    for name, asset, value in net.holdings[["node", "asset", "value"]].itertuples(index=False):
        out[asset][net.position(name)] += value
    return out


def left(net: ct.ExposureNetwork, losses: np.ndarray) -> tuple[list[float], list[float]]:
    """What a shock leaves: part of the value of holdings, and money of other assets."""
    own, assets = held(net), np.nan_to_num(net.book.external_assets)
    part, other = [], []
    for i in range(len(net)):
        value = sum(own[a][i] for a in ASSETS)
        rest = max(max(assets[i], value) - losses[i], 0.0)
        part.append(min(rest, value) / value if value > 0 else 0.0)
        other.append(rest - min(rest, value))
    return part, other


def falling(impact: float, sold: dict[str, float], own: dict[str, list[float]]) -> dict[str, float]:
    """exp(−impact × sold / held by all)."""
    return {a: math.exp(-impact * sold[a] / sum(own[a])) if sum(own[a]) else 1.0 for a in ASSETS}


def fire_sale(
    net: ct.ExposureNetwork,
    losses: np.ndarray,
    pins: np.ndarray,
    *,
    ratio: float,
    impact: float,
    weight: float,
    least: bool,
) -> tuple[np.ndarray, dict[str, float]]:
    """Equity (n,) and prices of the joint fixed point, by plain rounds."""
    own, n, book = held(net), len(net), net.book
    part, other = left(net, losses)
    may = [bool(book.can_fail[i] and book.known[i]) or not np.isnan(pins[i]) for i in range(n)]
    everything = {a: sum(own[a][i] for i in range(n) if may[i]) for a in ASSETS}
    price = falling(impact, everything, own) if least else dict.fromkeys(ASSETS, 1.0)
    place = {name: i for i, name in enumerate(net.names)}
    while True:
        mark = [part[i] * sum(own[a][i] * price[a] for a in ASSETS) for i in range(n)]
        drop = [part[i] * sum(own[a][i] * (1 - price[a]) for a in ASSETS) for i in range(n)]
        paid, equity = reference.clearing(net, losses + np.array(drop), pins)
        got = [0.0] * n
        for creditor, amount in zip(net.exposures["creditor"], paid, strict=True):
            got[place[creditor]] += amount
        sold = dict.fromkeys(ASSETS, 0.0)
        for i in range(n):
            theta = 0.0
            if not np.isnan(pins[i]):
                theta = 1.0
            elif may[i] and mark[i] > 0:
                keep = (equity[i] / ratio - weight * other[i] - got[i]) / mark[i]
                theta = min(max(1.0 - keep, 0.0), 1.0)
            for a in ASSETS:
                sold[a] += theta * own[a][i]
        after = falling(impact, sold, own)
        if max(abs(after[a] - price[a]) for a in ASSETS) < 1e-12:
            return equity, price
        price = after


def overlapping(
    net: ct.ExposureNetwork, losses: np.ndarray, pins: np.ndarray, *, impact: float, rate: float
) -> tuple[list[float], list[bool]]:
    """Losses on holdings and claims together, and who fails."""
    own, n, book, table = held(net), len(net), net.book, net.exposures
    part, _ = left(net, losses)
    place = {name: i for i, name in enumerate(net.names)}
    pinned = [not np.isnan(pin) for pin in pins]
    equity = np.nan_to_num(book.equity)
    failed = [
        pinned[i] or bool(book.can_fail[i] and losses[i] > equity[i] + 1e-9) for i in range(n)
    ]
    while True:
        sold = {a: sum(own[a][i] for i in range(n) if failed[i]) for a in ASSETS}
        price = falling(impact, sold, own)
        lost = [part[i] * sum(own[a][i] * (1 - price[a]) for a in ASSETS) for i in range(n)]
        for creditor, debtor, amount in zip(
            table["creditor"], table["debtor"], table["amount"], strict=True
        ):
            j = place[debtor]
            if failed[j]:
                lost[place[creditor]] += amount * (1 - pins[j] if pinned[j] else rate)
        now = [
            failed[i] or bool(book.can_fail[i] and losses[i] + lost[i] > equity[i] + 1e-9)
            for i in range(n)
        ]
        if now == failed:
            return lost, failed
        failed = now


def threshold(
    net: ct.ExposureNetwork,
    losses: np.ndarray,
    pins: np.ndarray,
    *,
    most: float,
    target: float,
    depth: float,
    floor: float,
    shortfall: float,
) -> tuple[list[float], dict[str, float]]:
    """Losses on holdings and final prices, with the impact of every round on the price of now."""
    own, n, book = held(net), len(net), net.book
    part, other = left(net, losses)
    claims = [0.0] * n
    place = {name: i for i, name in enumerate(net.names)}
    for creditor, debtor, amount in net.exposures[["creditor", "debtor", "amount"]].itertuples(
        index=False
    ):
        pin = pins[place[debtor]]
        claims[place[creditor]] += 0.0 if np.isnan(pin) else (1 - pin) * amount
    rest = [other[i] + book.claims[i] - claims[i] for i in range(n)]
    capital = [book.equity[i] - losses[i] - claims[i] for i in range(n)]
    mine = [{a: own[a][i] * part[i] for a in ASSETS} for i in range(n)]
    price, lost = dict.fromkeys(ASSETS, 1.0), [0.0] * n
    while True:
        gamma = []
        for i in range(n):
            value, have = sum(mine[i].values()), max(capital[i], 0.0)
            sells = not np.isnan(pins[i])
            if book.can_fail[i] and book.known[i]:
                sells = sells or value + rest[i] > most * have + 1e-9
            g = min(max((value + rest[i] - target * have) / value, 0.0), 1.0) if value > 0 else 0.0
            gamma.append((1.0 if not np.isnan(pins[i]) else g) if sells and value > 1e-9 else 0.0)
        if not any(gamma):
            return lost, price
        q = {a: sum(gamma[i] * mine[i][a] for i in range(n)) for a in ASSETS}
        delta = (1 - floor) * depth
        psi = {a: (1 - floor / price[a]) * (1 - math.exp(-q[a] / delta)) for a in ASSETS}
        for i in range(n):
            cost = sum(mine[i][a] * psi[a] for a in ASSETS) * (1 - (1 - shortfall) * gamma[i])
            lost[i] += cost
            capital[i] -= cost
            mine[i] = {a: mine[i][a] * (1 - gamma[i]) * (1 - psi[a]) for a in ASSETS}
        price = {a: price[a] * (1 - psi[a]) for a in ASSETS}
