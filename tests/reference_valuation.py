"""Network valuation once more, node by node and claim by claim, and what its tests share.

Merton and Black-Cox are integrals here and closed forms in the package.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import checks
import numpy as np
import pytest
from conftest import random_network, random_shock
from scipy.integrate import quad

import contagion as ct
from contagion.models import valuations as v

EVERY = {
    "eisenberg-noe": v.EisenbergNoe(),
    "furfine": v.Furfine(0.3),
    "furfine, not strict": v.Furfine(0.0, strict=False),
    "linear": v.LinearDebtRank(0.2),
    "exponential": v.ExponentialDebtRank(1.5),
    "rogers-veraart": v.RogersVeraart(0.7, 0.8),
    "merton": v.Merton(0.2, 2.0, 0.9),
    "black-cox": v.BlackCox(0.2, 0.5, 0.4),
}
every_function = pytest.mark.parametrize("function", EVERY.values(), ids=EVERY.keys())


def scene(seed: int, features: frozenset[str] = frozenset(), n: int = 0):
    """A random network with a shock: the network, losses and pins."""
    rng = np.random.default_rng(seed)
    net = random_network(seed, n or int(rng.integers(2, 9)), rng.uniform(0.5, 3.0), features)
    return net, *random_shock(net, seed, pinned="pinned" in features).arrays(net)[:2]


def some(features, seed: int) -> frozenset[str]:
    rng = np.random.default_rng(seed)
    return frozenset(name for name in features if rng.random() < 0.4)


def same(left: np.ndarray, right: np.ndarray, net: ct.ExposureNetwork, room: float = 1e-8) -> None:
    np.testing.assert_allclose(left, right, rtol=0, atol=room * checks.scale(net))


# equity, everything owed, external assets after the shock, book equity -> V
Function = Callable[[float, float, float, float], float]


def eisenberg_noe(equity: float, due: float, assets: float, book: float) -> float:
    return 1.0 if equity >= 0 else max(0.0, 1.0 + equity / due)


def rogers_veraart(alpha: float, beta: float) -> Function:
    def value(equity: float, due: float, assets: float, book: float) -> float:
        if equity >= -1e-12 * due:
            return 1.0
        received = equity + due - assets
        return min(1.0, max(0.0, (alpha * assets + beta * received) / due))

    return value


def furfine(recovery: float) -> Function:
    def value(equity: float, due: float, assets: float, book: float) -> float:
        return 1.0 if equity >= -1e-12 * due else recovery

    return value


def debtrank(recovery: float, alpha: float = 0.0) -> Function:
    def value(equity: float, due: float, assets: float, book: float) -> float:
        if equity <= 0 or book <= 0:
            return recovery
        h = max(0.0, 1.0 - equity / book)
        return 1.0 - (1.0 - recovery) * h * math.exp(alpha * (h - 1.0))

    return value


def merton(volatility: float, maturity: float = 1.0, recovery: float = 1.0) -> Function:
    """The expectation over a standard normal shock of the log of external assets."""
    s = volatility * math.sqrt(maturity)

    def value(equity: float, due: float, assets: float, book: float) -> float:
        def paid(z: float) -> float:
            end = equity - assets + assets * math.exp(s * z - s * s / 2)
            part = 1.0 if end >= 0 else recovery * max(0.0, 1.0 + end / due)
            return part * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

        kinks = []
        for level in (assets - equity, assets - equity - due):
            if level > 0:
                kinks.append((math.log(level / assets) + s * s / 2) / s)
        marks = sorted([-9.0, 9.0, *(k for k in kinks if -9 < k < 9)])
        pieces = itertools.pairwise(marks)
        return sum(quad(paid, a, b, epsabs=1e-12, epsrel=1e-12)[0] for a, b in pieces)

    return value


def black_cox(volatility: float, maturity: float = 1.0, recovery: float = 0.6) -> Function:
    """The density of the time at which log assets first fall by |u|, integrated to maturity."""

    def value(equity: float, due: float, assets: float, book: float) -> float:
        if equity <= 0:
            return recovery
        if equity >= assets:
            return 1.0
        u, v = math.log(1.0 - equity / assets), volatility

        def density(t: float) -> float:
            if t <= 0:
                return 0.0
            far = (u + v * v * t / 2) ** 2 / (2 * v * v * t)
            return -u / (v * math.sqrt(2 * math.pi * t**3)) * math.exp(-far)

        p = quad(density, 0.0, maturity, epsabs=1e-12, epsrel=1e-11, limit=200)[0]
        return 1.0 - (1.0 - recovery) * p

    return value


def equities(
    net: ct.ExposureNetwork,
    losses: np.ndarray,
    value: Function,
    *,
    least: bool = False,
    tolerance: float = 1e-13,
    most: int = 100_000,
) -> np.ndarray:
    """E = Ae − Le − l + Σ A V(E) by plain rounds from face values down, or from nothing up.

    For networks whose claims and external liabilities all rank alike.
    """
    n, book, table = len(net), net.book, net.exposures
    place = {name: i for i, name in enumerate(net.names)}
    creditor = [place[name] for name in table["creditor"]]
    debtor = [place[name] for name in table["debtor"]]
    amount = table["amount"].tolist()
    due = book.debts + book.external_liabilities
    assets = book.external_assets - losses
    worth = [0.0 if least else 1.0] * n
    size = float((book.external_assets + book.claims + due).max())
    before = None
    for _ in range(most):
        equity = assets - due
        for i, j, money in zip(creditor, debtor, amount, strict=True):
            equity[i] += money * worth[j]
        if before is not None and np.abs(equity - before).max() <= tolerance * size:
            return equity
        before = equity
        worth = [
            value(equity[i], due[i], assets[i], book.equity[i]) if book.debts[i] > 0 else 1.0
            for i in range(n)
        ]
    raise AssertionError("the reference did not converge")
