"""Families of clearing systems on which fixed points are hard to find, each from a seed.

Amounts have 10 binary digits, so that sums are exact in doubles wherever a family is about ties,
and rational arithmetic stays short. Every case is one network with some scenarios.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from clearing_case import Case

import contagion as ct

Rng = np.random.Generator
SCENARIOS = 5


def short(x: np.ndarray | float, digits: int = 10) -> np.ndarray:
    """Numbers of so many binary digits."""
    mantissa, exponent = np.frexp(np.asarray(x, float))
    return np.ldexp(np.round(np.ldexp(mantissa, digits)), exponent - digits)


def amounts(rng: Rng, m: int) -> np.ndarray:
    """(m,) small integers or numbers of any size around 10."""
    if rng.random() < 0.5:
        return rng.integers(1, 11, m).astype(float)
    return short(rng.lognormal(2.0, 1.0, m))


def graph(rng: Rng, n: int, degree: float) -> tuple[np.ndarray, np.ndarray]:
    """Debtors and creditors of random claims, no node on itself, at most one for a pair."""
    debtor, creditor = np.nonzero(rng.random((n, n)) < degree / max(n - 1, 1))
    keep = debtor != creditor
    return debtor[keep], creditor[keep]


def circuit(rng: Rng, nodes: np.ndarray, degree: float) -> tuple[np.ndarray, np.ndarray]:
    """The same, strongly connected: a ring through the nodes in any order, and more claims."""
    order = rng.permutation(nodes)
    debtor, creditor = graph(rng, len(nodes), degree)
    ring = (np.roll(order, 1), order)
    both = np.column_stack([np.append(ring[0], nodes[debtor]), np.append(ring[1], nodes[creditor])])
    both = np.unique(both, axis=0)
    return both[:, 0], both[:, 1]


def circulation(rng: Rng, n: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Debtors, creditors and amounts of a sum of rings: every node holds what it owes."""
    matrix = np.zeros((n, n))
    for _ in range(count):
        order = rng.permutation(n)
        matrix[np.roll(order, 1), order] += float(rng.integers(1, 64))
    debtor, creditor = np.nonzero(matrix)
    return debtor, creditor, matrix[debtor, creditor]


def hits(rng: Rng, assets: np.ndarray, count: int = SCENARIOS) -> np.ndarray:
    """(B, n) losses of 0 to 16 sixteenths of external assets: nothing first, then everything."""
    part = rng.integers(0, 17, (count, len(assets)))
    part = part * (rng.random(part.shape) < rng.uniform(0.3, 1.0, (count, 1)))
    part[:2] = [[0], [16]]
    return part / 16 * assets


def totals(n: int, at: np.ndarray, amount: np.ndarray) -> np.ndarray:
    return np.bincount(at, amount, n)


# -- the families -----------------------------------------------------------------------------


def closed(rng: Rng) -> Case:
    """All debts circulate; who is ahead of them lacks something, or there are no assets at all."""
    n = int(rng.integers(2, 9))
    debtor, creditor = circuit(rng, np.arange(n), rng.uniform(0, 3))
    amount = amounts(rng, len(debtor))
    assets, external = np.zeros(n), np.zeros(n)
    if rng.random() < 0.8:
        assets = amounts(rng, n) * (rng.random(n) < 0.7)
        lacking = np.ldexp(amounts(rng, n), -int(rng.integers(0, 20)))
        external = np.maximum(assets + short(lacking * (rng.random(n) < 0.7)), 0.0)
        external *= rng.random(n) < 0.9
    if rng.random() < 0.6:  # nobody has capital from the graph: any shortage takes all
        debtor, creditor, amount = circulation(rng, n, int(rng.integers(1, 4)))
    return Case(debtor, creditor, amount, assets, external, hits(rng, assets), np.zeros(n))


def zero_assets(rng: Rng) -> Case:
    """Groups of which nobody has anything, alone or behind others that have something."""
    if rng.random() < 0.6:
        n = int(rng.integers(3, 9))
        debtor, creditor = graph(rng, n, rng.uniform(0.4, 0.9) * (n - 1))
        nothing, amount = np.zeros(n), amounts(rng, len(debtor))
        return Case(debtor, creditor, amount, nothing, nothing, np.zeros((2, n)), np.zeros(n))
    groups = np.split(np.arange(12), np.sort(rng.choice(np.arange(1, 12), 3, False)))
    groups = groups[: int(rng.integers(1, 5))]
    n = int(groups[-1][-1]) + 1
    pairs = [circuit(rng, g, rng.uniform(0, 4)) for g in groups if len(g) > 1]
    assets = np.zeros(n)
    for g in groups[1:]:
        assets[g] = amounts(rng, len(g)) * (rng.random() < 0.7)
        pairs.append((rng.choice(g, 1), rng.choice(groups[0], 1)))
    debtor, creditor = (
        (np.concatenate(x) for x in zip(*pairs, strict=True))
        if pairs
        else (
            np.array([], int),
            np.array([], int),
        )
    )
    external = amounts(rng, n) * (rng.random(n) < rng.choice([0.0, 0.0, 0.3]))
    return Case(
        debtor,
        creditor,
        amounts(rng, len(debtor)),
        assets,
        external,
        hits(rng, assets),
        rng.integers(0, 2, n),
    )


def integer_ties(rng: Rng) -> Case:
    """Amounts of 1 to 3: funds often equal what is due."""
    n = int(rng.integers(2, 8))
    debtor, creditor = graph(rng, n, rng.uniform(1, 3))
    amount = rng.integers(1, 4, len(debtor)).astype(float)
    assets = rng.integers(0, 4, n).astype(float)
    losses = np.minimum(rng.integers(0, 4, (SCENARIOS, n)), assets)
    external = rng.integers(0, 3, n).astype(float)
    tier = rng.integers(1, 4, len(debtor)) if rng.random() < 0.3 else None
    return Case(
        debtor, creditor, amount, assets, external, losses, rng.integers(0, 3, n), tier=tier
    )


def near_critical(rng: Rng) -> Case:
    """Every node holds what it owes; 2⁻³ to 2⁻¹⁷ of it leaves, and capital is as thin."""
    n = int(rng.integers(3, 11))
    debtor, creditor, amount = circulation(rng, n, int(rng.integers(2, 5)))
    debts = totals(n, debtor, amount)
    external = np.ldexp(debts, -int(rng.integers(3, 18)))
    assets = external + np.ldexp(debts * rng.integers(0, 4, n), -int(rng.integers(5, 18)))
    losses = hits(rng, assets)
    spread = rng.integers(0, 2, losses.shape) + rng.integers(0, 12, (SCENARIOS, 1))
    losses = np.where(rng.random((SCENARIOS, 1)) < 0.6, spread / 16 * assets, losses)
    return Case(
        debtor,
        creditor,
        amount,
        assets,
        external,
        losses,
        np.ones(n, int),
    )


def reducible(rng: Rng) -> Case:
    """Blocks that owe each other one way only; of some nothing leaves."""
    cut = np.sort(rng.choice(np.arange(1, 10), int(rng.integers(1, 4)), False))
    blocks = np.split(np.arange(10), cut)
    debtors, creditors, assets, external = [], [], np.zeros(10), np.zeros(10)
    tier = rng.integers(0, 2, 10)
    for k, block in enumerate(blocks):
        if len(block) > 1:
            a, b = circuit(rng, block, rng.uniform(0, 1.5))
            debtors.append(a)
            creditors.append(b)
        later = np.concatenate(blocks[k + 1 :]) if k + 1 < len(blocks) else np.array([], int)
        if len(later) and rng.random() < 0.8:
            size = int(rng.integers(1, 4))
            debtors.append(rng.choice(block, size))
            creditors.append(rng.choice(later, size))
        kind = rng.random()
        assets[block] = amounts(rng, len(block)) * (kind < 0.9)
        if kind < 0.3:
            external[block] = amounts(rng, len(block)) * (rng.random(len(block)) < 0.6)
        elif kind < 0.7:  # what the block lacks can be little, and has nowhere to go
            lacking = np.ldexp(amounts(rng, len(block)), -int(rng.integers(0, 16)))
            external[block] = assets[block] + lacking
            tier[block] = 0
    debtor, creditor = np.concatenate(debtors), np.concatenate(creditors)
    amount = amounts(rng, len(debtor))
    return Case(debtor, creditor, amount, assets, external, hits(rng, assets), tier)


def wide_scales(rng: Rng) -> Case:
    """Amounts of 1e-12 to 1e15, in one network or from network to network."""
    n = int(rng.integers(3, 9))
    debtor, creditor = circuit(rng, np.arange(n), rng.uniform(0, 2))
    if rng.random() < 0.3:
        case = [closed, integer_ties, outsiders][int(rng.integers(3))](rng)
        unit = float(np.exp2(rng.integers(-40, 50)))
        money = ("amount", "assets", "external", "losses")
        return replace(case, **{name: getattr(case, name) * unit for name in money})
    spread = np.clip(rng.normal(0, rng.choice([1.0, 3.0, 6.0]), n) + rng.uniform(-6, 9), -12, 15)
    size = 10.0**spread
    both = np.where(
        rng.random(len(debtor)) < 0.5,
        np.minimum(size[debtor], size[creditor]),
        np.sqrt(size[debtor] * size[creditor]),
    )
    amount = short(both * rng.uniform(0.1, 1, len(debtor)))
    assets, external = (short(size * rng.uniform(0, 1, n)) for _ in range(2))
    external *= rng.random(n) < 0.7
    debts, claims = totals(n, debtor, amount), totals(n, creditor, amount)
    thin = rng.random(n) < 0.6
    enough = np.maximum(debts + external - claims, 0.0) + 0.05 * (debts + external)
    assets = np.where(thin, short(enough), assets)
    return Case(
        debtor, creditor, amount, assets, external, hits(rng, assets), rng.integers(0, 2, n)
    )


def rings(rng: Rng) -> Case:
    """3 to 200 nodes; creditors ahead of the ring lack 1e-2 to 1e-6 of what is owed, or nothing."""
    n = int(np.exp(rng.uniform(np.log(3), np.log(200))))
    debtor = np.arange(n)
    money = float(rng.integers(10, 1000))
    amount = np.full(n, money) if rng.random() < 0.7 else short(money * rng.uniform(0.5, 1, n))
    assets = short(rng.uniform(0.5, 1.5, n))
    lacking = np.zeros(n)
    where = rng.random(n) < rng.choice([1 / n, 0.2, 1.0])
    where[int(rng.integers(n))] = True
    lacking[where] = short(money * 10 ** rng.uniform(-6, -2))
    external = assets + lacking
    if rng.random() < 0.3:  # as much is over elsewhere
        assets = assets + np.roll(lacking, int(rng.integers(n)))
    losses = np.zeros((SCENARIOS, n))
    for row in losses[1:]:
        row[int(rng.integers(n))] = np.ldexp(1.0, -int(rng.integers(2, 20)))
    losses = np.minimum(losses, assets)
    return Case(debtor, (debtor + 1) % n, amount, assets, external, losses, np.zeros(n))


def several_segments(rng: Rng) -> Case:
    """Up to three tiers, queues and pro rata; external creditors anywhere in the order."""
    n = int(rng.integers(3, 9))
    debtor, creditor = circuit(rng, np.arange(n), rng.uniform(1, 3))
    m = len(debtor)
    amount, thin = amounts(rng, m), rng.uniform(-0.3, 0.1, n)
    external = amounts(rng, n) * (rng.random(n) < 0.6)
    due = totals(n, debtor, amount) + external
    assets = np.maximum(short(due - totals(n, creditor, amount) + thin * due), 0.0)
    return Case(
        debtor,
        creditor,
        amount,
        assets,
        external,
        hits(rng, assets),
        rng.integers(0, 4, n),
        tier=rng.integers(1, 4, m),
        rank=rng.integers(1, 4, m),
        rule=rng.choice(np.array(["priority", "queue", "pro_rata"], object), n, p=[0.5, 0.3, 0.2]),
        can_fail=None if rng.random() < 0.7 else rng.random(n) < 0.8,
    )


def outsiders(rng: Rng) -> Case:
    """Creditors outside who come first, share, or wait; balance sheets with little capital."""
    n = int(rng.integers(3, 11))
    debtor, creditor = graph(rng, n, rng.uniform(1, 3))
    amount, external = amounts(rng, len(debtor)), amounts(rng, n) * rng.choice([0.2, 1.0, 5.0])
    external = short(external * (rng.random(n) < 0.8))
    due = totals(n, debtor, amount) + external
    assets = short(due - totals(n, creditor, amount) + rng.uniform(-0.2, 0.2, n) * due)
    assets = np.maximum(assets, 0.0)
    return Case(
        debtor, creditor, amount, assets, external, hits(rng, assets), rng.integers(0, 3, n)
    )


def default_costs(rng: Rng) -> Case:
    """Any of the families with costs, the greatest and the least vector, also alpha or beta 1."""
    makers = [closed, zero_assets, integer_ties, near_critical, reducible]
    makers += [several_segments, outsiders]
    case = makers[int(rng.integers(len(makers)))](rng)
    alpha, beta = (float(rng.choice([0.0, 0.25, 0.5, 0.75, 0.875, 1.0, 1.0])) for _ in range(2))
    if alpha == beta == 1:
        alpha = 0.5
    which = "least" if rng.random() < 0.5 else "greatest"
    return replace(case, model=ct.models.RogersVeraart(alpha, beta, which=which))


def pinned(rng: Rng) -> Case:
    """Some nodes default for outside reasons with a given recovery that they can pay."""
    case = [closed, reducible, several_segments, outsiders][int(rng.integers(4))](rng)
    n = len(case.assets)
    due = totals(n, case.debtor, case.amount) + case.external
    most = np.minimum((case.assets - case.losses) / np.where(due > 0, due, 1.0), 1.0)
    rate = np.where(rng.random(most.shape) < 0.4, 0.0, np.floor(most * 64) / 64)
    pins = np.where(rng.random(most.shape) < 0.3, rate, np.nan)
    return replace(case, pins=pins, losses=np.where(np.isnan(pins), case.losses, 0.0))


def guarantees(rng: Rng) -> Case:
    """Each guarantees the debts of the next in a circle, and most cannot pay what they promise."""
    n = int(rng.integers(3, 7))
    debtor = np.arange(n)
    creditor = (debtor + rng.integers(1, n, n)) % n
    more, to = graph(rng, n, 0.7)
    both = np.unique(np.column_stack([np.append(debtor, more), np.append(creditor, to)]), axis=0)
    debtor, creditor = both.T
    amount = amounts(rng, len(debtor))
    external = amounts(rng, n) * (rng.random(n) < 0.7)
    tier = rng.integers(0, 2, n)
    due = totals(n, debtor, amount) + external
    thin = rng.uniform(-0.6, 0.2, n) * due
    assets = np.maximum(short(due - totals(n, creditor, amount) + thin), 0.0)
    assets = np.where(rng.random(n) < 0.3, short(0.25 * due), assets)
    circle, found = rng.permutation(n), []
    for a, b in zip(circle, np.roll(circle, -1), strict=True):
        mine = np.flatnonzero((debtor == b) & (creditor != a))
        cover = len(mine) > 0 and rng.random() < 0.6
        found.append(
            {
                "guarantor": int(a),
                "debtor": int(b),
                "creditor": int(creditor[rng.choice(mine)]) if cover else None,
                "amount": float(short(due[b] * rng.uniform(0.05, 1.0))) or 1.0,
                "ranking": str(rng.choice(["senior", "pari_passu", "junior"])),
            }
        )
    case = Case(
        debtor, creditor, amount, assets, external, hits(rng, assets), tier, guarantees=found
    )
    if rng.random() < 0.3:
        pins = np.where(rng.random(case.losses.shape) < 0.2, 0.0, np.nan)
        case = replace(case, pins=pins, losses=np.where(np.isnan(pins), case.losses, 0.0))
    return case


def guaranteed_circles(rng: Rng) -> Case:
    """Debts that circulate, each of some claims covered by a node of the same circle."""
    case = [closed, closed, outsiders][int(rng.integers(3))](rng)
    n, found = len(case.assets), []
    if n == 2:
        return guaranteed_circles(rng)
    for row in rng.choice(len(case.debtor), min(len(case.debtor), int(rng.integers(1, 5))), False):
        debtor, creditor = int(case.debtor[row]), int(case.creditor[row])
        found.append(
            {
                "guarantor": int(rng.choice([i for i in range(n) if i not in (debtor, creditor)])),
                "debtor": debtor,
                "creditor": creditor,
                "amount": float(short(case.amount[row] * rng.uniform(0.05, 1.0))),
                "ranking": str(rng.choice(["senior", "junior"])),
            }
        )
    return replace(case, guarantees=found)


def least(rng: Rng) -> Case:
    """The least clearing vector of the other families.

    Mirrored, what is over in a group that nothing leaves goes round until somebody is paid in full.
    """
    model = ct.models.RogersVeraart(1.0, 1.0, which="least")
    if rng.random() < 0.4:
        case = (closed if rng.random() < 0.7 else rings)(rng)
        losses = np.minimum(case.losses, case.external)
        swap = {"assets": case.external, "external": case.assets, "losses": losses}
        return replace(case, model=model, **swap)
    makers = [closed, zero_assets, integer_ties, near_critical, reducible, wide_scales]
    makers += [several_segments, outsiders, pinned]
    case = makers[int(rng.integers(len(makers)))](rng)
    return replace(case, model=model)


FAMILIES: dict[str, Callable[[Rng], Case]] = {
    f.__name__: f
    for f in (
        closed,
        zero_assets,
        integer_ties,
        near_critical,
        reducible,
        wide_scales,
        rings,
        several_segments,
        outsiders,
        default_costs,
        pinned,
        guarantees,
        guaranteed_circles,
        least,
    )
}


def case(family: str, seed: int) -> Case:
    """The case of a seed; the same seed, the same case."""
    return FAMILIES[family](np.random.default_rng([list(FAMILIES).index(family), seed]))
