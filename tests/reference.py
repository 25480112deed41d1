"""Every kernel once more, as slow and as plain as the definition: the reference of the tests."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import checks
import numpy as np

import contagion as ct
from contagion import rules

Claim = dict[str, Any]  # claimant, amount, and the columns a rule asks for


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


def filled(money: Fraction, size: list[Fraction], weight: list[Fraction]) -> list[Fraction]:
    """`min(size_k, λ weight_k)` with the sum `money`, or everything that has a weight.

    Water-filling in exact numbers: whoever is full drops out, the others share the rest.
    """
    part = [Fraction(0)] * len(size)
    free = [k for k in range(len(size)) if weight[k] > 0 and size[k] > 0]
    left = money
    while free and left > 0:
        level = left / sum(weight[k] for k in free)
        full = [k for k in free if level * weight[k] >= size[k]]
        for k in full or free:
            part[k] = size[k] if full else level * weight[k]
            left -= part[k]
        free = [k for k in free if k not in full] if full else []
    return part


def shared(rule: rules.Rule, loss: Fraction, claims: list[Claim]) -> list[Fraction]:
    """What every claim loses, from the definition of the rule and in exact numbers.

    For a waterfall the layers without claims follow, in their order.
    """
    size = [Fraction(claim["amount"]) for claim in claims]
    equal, total = [Fraction(1)] * len(size), sum(size, Fraction(0))
    if isinstance(rule, rules.ProRata):
        return filled(loss, size, [max(Fraction(claim[rule.weight]), 0) for claim in claims])
    if isinstance(rule, rules.EqualLosses):
        return filled(loss, size, equal)
    if isinstance(rule, rules.EqualAwards):
        paid = filled(total - loss, size, equal)
        return [c - p for c, p in zip(size, paid, strict=True)]
    if isinstance(rule, rules.Talmud):
        half = [c / 2 for c in size]
        if 2 * loss <= total:
            return filled(loss, half, equal)
        paid = filled(total - loss, half, equal)
        return [c - p for c, p in zip(size, paid, strict=True)]
    if isinstance(rule, rules.Capped):
        cap = [c * Fraction(rule.share or 0) for c in size]
        if rule.by is not None:
            cap = [Fraction(claim[rule.by]) for claim in claims]
        small = [{**x, "amount": min(c, k)} for x, c, k in zip(claims, size, cap, strict=True)]
        return shared(rule.rule, loss, small)
    if isinstance(rule, rules.Priority):
        order = [-float(claim[rule.tier]) for claim in claims]
        special = {-tier: inner for tier, inner in rule.tiers}
        return in_turn(loss, claims, order, lambda key: special.get(key, rule.within))
    if isinstance(rule, rules.Queue):
        sign = -1 if rule.first == "highest" else 1
        order = [sign * float(claim[rule.by]) for claim in claims]
        return in_turn(loss, claims, order, lambda _: rules.ProRata())
    if isinstance(rule, rules.FirstCome):
        order = [-math.inf if math.isnan(c[rule.by]) else -c[rule.by] for c in claims]
        return in_turn(loss, claims, order, lambda _: rules.ProRata())
    assert isinstance(rule, rules.Waterfall)
    lost, own, left = [Fraction(0)] * len(size), [], loss
    for layer in rule.layers_:
        most = left if layer.capacity is None else min(left, Fraction(layer.capacity))
        at = [k for k, claim in enumerate(claims) if claim["layer"] == layer.name]
        if not at:
            own.append(most)
            left -= most
        for k, money in zip(at, shared(layer.rule, most, [claims[k] for k in at]), strict=True):
            lost[k] = money
            left -= money
    return lost + own


def in_turn(loss: Fraction, claims: list[Claim], order: list[float], rule_of: Any):
    """Groups of equal order lose one after the other, the lowest first, each by its own rule."""
    lost, left = [Fraction(0)] * len(claims), loss
    for key in sorted(set(order)):
        at = [k for k, place in enumerate(order) if place == key]
        here = min(left, sum((Fraction(claims[k]["amount"]) for k in at), Fraction(0)))
        for k, money in zip(at, shared(rule_of(key), here, [claims[k] for k in at]), strict=True):
            lost[k] = money
            left -= money
    return lost


def settled(rule: rules.Rule, loss: Fraction, claims: list[Claim]) -> list[Fraction]:
    """The same on a graph: what no rule puts on anybody, what is left of the claims bears."""
    lost = shared(rule, loss, claims)
    own = sum(lost[len(claims) :], Fraction(0))
    lost = lost[: len(claims)]
    left = [Fraction(claim["amount"]) - x for claim, x in zip(claims, lost, strict=True)]
    more = filled(loss - own - sum(lost, Fraction(0)), left, left)
    return [x + y for x, y in zip(lost, more, strict=True)]


def all_orders(loss: float, amount: list[float]) -> np.ndarray:
    """(K!, K) losses under first come first served, one row for every order of exit."""
    rows = []
    for order in itertools.permutations(range(len(amount))):
        left, lost = max(sum(amount) - loss, 0.0), [0.0] * len(amount)
        for k in order:
            paid = min(amount[k], left)
            left -= paid
            lost[k] = amount[k] - paid
        rows.append(lost)
    return np.array(rows)
