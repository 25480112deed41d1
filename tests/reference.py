"""Every kernel once more, as slow and as plain as the definition: the reference of the tests."""

from __future__ import annotations

import checks
import numpy as np

import contagion as ct


def clearing(
    net: ct.ExposureNetwork,
    losses: np.ndarray,
    recoveries: np.ndarray | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    least: bool = False,
    tolerance: float = 1e-13,
    most: int = 20_000,
) -> tuple[np.ndarray, np.ndarray]:
    """Payments on claims (m,) and equity (n,) by plain rounds over nodes and claims.

    From face value downward to the greatest solution, or from nothing upward to the least.
    """
    n, table = len(net), net.exposures
    place = {name: i for i, name in enumerate(net.names)}
    creditor = [place[name] for name in table["creditor"]]
    amount = table["amount"].to_numpy()
    assets = np.nan_to_num(net.book.external_assets)
    pins = np.full(n, np.nan) if recoveries is None else recoveries
    owed, size = checks.claims_in_order(net), checks.scale(net)
    due = [sum(money for _, money, _ in mine) for mine in owed]
    paid = np.zeros(len(amount)) if least else amount.copy()
    for _ in range(most):
        pot = np.maximum(assets - losses, 0.0)
        outside = pot.copy()
        for row, to in enumerate(creditor):
            pot[to] += paid[row]
        new = np.empty_like(paid)
        for i, mine in enumerate(owed):
            if not np.isnan(pins[i]):
                shares = [pins[i] * money for _, money, _ in mine]
            elif not net.book.can_fail[i] or pot[i] >= due[i] - 1e-12 * size:
                shares = [money for _, money, _ in mine]
            else:
                left = alpha * outside[i] + beta * (pot[i] - outside[i])
                shares = checks.waterfall(left, [(order, money) for order, money, _ in mine])
            for (_, _, row), share in zip(mine, shares, strict=True):
                if row >= 0:
                    new[row] = share
        change = np.abs(new - paid).max(initial=0.0)
        paid = new
        if change <= tolerance * size:
            break
    else:
        raise AssertionError("the reference did not converge")
    equity = np.where(np.isnan(pins), pot - due, (pins - 1.0) * np.array(due))
    return paid, np.where(net.book.known, equity, np.nan)


def eisenberg_noe(net: ct.ExposureNetwork, losses: np.ndarray, *, least: bool = False):
    """Payments (n,) of `p = min(p̄, max(0, e − external liabilities + Πᵀp))`, dense rounds."""
    book = net.book
    share, net_assets = net.relative_liabilities.toarray(), book.external_assets - losses
    paid = np.zeros(len(net)) if least else book.debts.copy()
    for _ in range(200_000):
        new = np.minimum(
            book.debts, np.maximum(0.0, net_assets - book.external_liabilities + share.T @ paid)
        )
        if np.abs(new - paid).max() <= 1e-14 * checks.scale(net):
            return new
        paid = new
    raise AssertionError("the reference did not converge")


def greatest_clearing_vector(
    net: ct.ExposureNetwork, losses: np.ndarray, alpha: float, beta: float
) -> tuple[np.ndarray, np.ndarray]:
    """Payments (n,) and defaults (n,) by GA of Rogers & Veraart (2013), definition 3.6.

    For networks without external liabilities: solve the linear system of each default set.
    """
    book, share = net.book, net.relative_liabilities.toarray()
    assets, face = book.external_assets - losses, book.debts
    paid, failed = face.copy(), np.zeros(len(net), bool)
    while True:
        now = assets + share.T @ paid < face - 1e-12 * checks.scale(net)
        if ((now == failed).all() and failed.any()) or not now.any():
            return paid, failed
        failed |= now
        at = np.flatnonzero(failed)
        inside = share.T[np.ix_(at, at)]
        known = alpha * assets[at] + beta * share.T[np.ix_(at, ~failed)] @ face[~failed]
        paid = face.copy()
        paid[at] = np.linalg.solve(np.eye(len(at)) - beta * inside, known)


def linear_debtrank(
    claims: np.ndarray, equity: np.ndarray, losses: np.ndarray, pins: np.ndarray
) -> np.ndarray:
    """What each node loses on its claims (2015, increments); `claims[i, j]` is of i on j."""
    n = len(equity)
    h = np.array([min(1.0, losses[i] / equity[i]) for i in range(n)])
    h = np.where(np.isnan(pins), h, 1.0 - np.nan_to_num(pins))
    old, lost = np.zeros(n), np.zeros(n)
    for _ in range(100_000):
        step = claims @ (h - old)
        lost += step
        old, h = h, np.minimum(1.0, (losses + lost) / equity)
        h = np.where(np.isnan(pins), h, 1.0 - np.nan_to_num(pins))
        if np.abs(step).max() <= 1e-15 * equity.sum():
            return lost
    raise AssertionError("the reference did not converge")


def single_hit(claims: np.ndarray, equity: np.ndarray, start: np.ndarray) -> np.ndarray:
    """h of Battiston et al. (2012): states undistressed, distressed, inactive, node by node."""
    n = len(equity)
    h, state = list(start), ["D" if x > 0 else "U" for x in start]
    while "D" in state:
        new = list(h)
        for j in range(n):
            hits = sum(
                min(1.0, claims[j, i] / equity[j]) * h[i] for i in range(n) if state[i] == "D"
            )
            new[j] = min(1.0, h[j] + hits)
        state = ["I" if state[j] != "U" else ("D" if new[j] > 0 else "U") for j in range(n)]
        h = new
    return np.array(h)


def cascade(
    claims: np.ndarray,
    equity: np.ndarray,
    losses: np.ndarray,
    pins: np.ndarray,
    rate: float,
    *,
    strict: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Losses (n,) and round of default (n,), −1 never, of a default cascade, node by node."""
    n = len(equity)
    total = np.array(losses, float)
    when = np.full(n, -1)

    def fails(i: int) -> bool:
        room = 1e-12 * (abs(equity[i]) + claims[i].sum())
        return total[i] > equity[i] + room if strict else 0 < total[i] >= equity[i] - room

    fresh = [i for i in range(n) if not np.isnan(pins[i]) or fails(i)]
    number = 0
    while fresh:
        when[fresh] = number
        number += 1
        for j in fresh:
            total += claims[:, j] * (rate if np.isnan(pins[j]) else 1.0 - pins[j])
        fresh = [i for i in range(n) if when[i] < 0 and fails(i)]
    return total, when
