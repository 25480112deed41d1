"""Plain references of reconstruction: loops over lists, no code of the package."""

from __future__ import annotations

import itertools

import numpy as np


def scaled(claims, debts, allowed, weight, rounds=20_000):
    """Rows and columns scaled in turn, cell by cell."""
    n = len(claims)
    x = [[weight[i][j] if allowed[i][j] else 0.0 for j in range(n)] for i in range(n)]
    for _ in range(rounds):
        worst = 0.0
        for i in range(n):
            total = sum(x[i])
            if total > 0:
                worst = max(worst, abs(total - claims[i]))
                x[i] = [cell * claims[i] / total for cell in x[i]]
        for j in range(n):
            total = sum(x[i][j] for i in range(n))
            if total > 0:
                for i in range(n):
                    x[i][j] *= debts[j] / total
        if worst < 1e-13:
            break
    return np.array(x)


def carries(cells, claims, debts):
    """Is there a network on these cells? No creditors may claim more than their debtors owe."""
    for size in range(1, len(claims) + 1):
        for some in itertools.combinations(range(len(claims)), size):
            others = {j for i, j in cells if i in some}
            if sum(claims[i] for i in some) > sum(debts[j] for j in others):
                return False
    return True


def fewest(claims, debts):
    """The smallest number of cells off the diagonal that carry the margins, by trying all."""
    n = len(claims)
    cells = [(i, j) for i in range(n) for j in range(n) if i != j and claims[i] and debts[j]]
    for size in range(len(cells) + 1):
        if any(carries(some, claims, debts) for some in itertools.combinations(cells, size)):
            return size
    raise AssertionError("no network")


def circulations(cells, n):
    """A basis of the ways to move money on the cells: one cycle for each cell beyond a tree."""
    tree: dict[int, dict[int, int]] = {v: {} for v in range(2 * n)}
    basis = []
    for k, (i, j) in enumerate(cells):
        path = _path(tree, i, n + j, [])
        if path is None:
            tree[i][n + j] = tree[n + j][i] = k
        else:
            move = np.zeros(len(cells), int)
            move[k] = 1
            for step, cell in enumerate(path):
                move[cell] = -1 if step % 2 == 0 else 1
            basis.append(move)
    return np.array(basis)


def _path(tree, at, goal, seen):
    if at == goal:
        return []
    for other, cell in tree[at].items():
        if other not in seen:
            rest = _path(tree, other, goal, [*seen, at])
            if rest is not None:
                return [cell, *rest]
    return None


def plane_posterior(cells, amounts, basis, p, rate):
    """Posterior of the support where money can move in two ways, one rate for all cells.

    The weight of a support is Π (1 − p) over its empty cells, Π p λ over the others, and the
    measure of the amounts that have it: the area of the polygon, the length of an edge (in steps
    of the lattice), or 1 for a corner. Exponentials cancel, since all money is the same.
    """
    corners = []  # (point, cells that are empty there)
    for a, b in itertools.combinations(range(len(cells)), 2):
        g = np.array([basis[:, a], basis[:, b]], float)
        if abs(np.linalg.det(g)) < 0.5:
            continue
        point = np.linalg.solve(g, -np.array([amounts[a], amounts[b]]))
        if (amounts + point @ basis > -1e-9).all():
            corners.append((point, frozenset({a, b})))
    middle = np.mean([point for point, _ in corners], axis=0)
    corners.sort(key=lambda c: np.arctan2(*(c[0] - middle)))
    weight = {}

    def add(empty, measure):
        used = np.array([k not in empty for k in range(len(cells))])
        weight[frozenset(np.flatnonzero(used))] = (
            measure * np.prod((1 - p)[~used]) * np.prod((p * rate)[used])
        )

    area = 0.0
    for (one, empty), (two, other) in zip(corners, corners[1:] + corners[:1], strict=True):
        area += (one[0] * two[1] - two[0] * one[1]) / 2
        add(empty, 1.0)
        add(empty & other, np.abs(one - two).max())  # directions of the lattice have entries 0, ±1
    add(frozenset(), abs(area))
    total = sum(weight.values())
    return {support: value / total for support, value in weight.items()}
