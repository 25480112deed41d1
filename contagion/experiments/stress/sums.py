"""Sums over scenarios that do not depend on the division into chunks.

A sum of floating point numbers depends on the order of its terms. Here the order is fixed: the
scenarios of a block are added one after the other, and blocks along one binary tree over their
indices. A chunk returns the largest complete branches that it contains, at most two for every power
of two; their sum is identical to the last bit for every division.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array

Sums = dict[str, np.ndarray]
Branch = tuple[int, int, Sums]  # level, number: blocks number·2^level to (number + 1)·2^level − 1


@dataclass
class Tree:
    """Branches added in the order of their blocks; two that form a larger branch are merged.

    Example
    -------
    >>> tree = Tree()
    >>> for block in range(1, 4):
    ...     tree.push(0, block, {"x": np.array([float(block)])})
    >>> [(level, number, sums["x"].item()) for level, number, sums in tree.branches]
    [(0, 1, 1.0), (1, 1, 5.0)]
    """

    branches: list[Branch] = field(default_factory=list)

    def push(self, level: int, number: int, sums: Sums) -> None:
        while self.branches and number % 2 and self.branches[-1][:2] == (level, number - 1):
            before = self.branches.pop()[2]
            sums = {name: before[name] + sums[name] for name in sums}
            level, number = level + 1, number // 2
        self.branches.append((level, number, sums))

    def extend(self, branches: Iterable[Branch]) -> None:
        for branch in branches:
            self.push(*branch)

    def total(self) -> Sums:
        """The sum of all branches, smallest first."""
        found: Sums = {}
        for _, _, sums in reversed(self.branches):
            found = {n: sums[n] + found[n] for n in sums} if found else dict(sums)
        return found


@dataclass(frozen=True)
class Grouping:
    """The dependence between scenarios, for the standard errors of nodes.

    Attributes
    ----------
    number : (N,) the independent replicate of every scenario, 0 to count − 1 in the order in which
        they begin; `None`: each its own.
    count : replicates.
    mode : "each" (all independent), "inside" (each replicate is within one block), "few" (few
        enough for separate sums of each), or "mixed" (neither: errors of nodes are not known).
    """

    number: np.ndarray | None = None
    count: int = 0
    mode: str = "each"

    def block(self, start: int, stop: int) -> csr_array | None:
        """(replicates, stop − start) which scenario belongs to which; `None`: each its own."""
        if self.number is None or self.mode == "mixed":
            return None
        mine = self.number[start:stop]
        rows, count = mine, self.count
        if self.mode == "inside":
            found, rows = np.unique(mine, return_inverse=True)
            count = len(found)
        return csr_array(
            (np.ones(len(mine)), (rows, np.arange(len(mine)))), shape=(count, len(mine))
        )


FEW = 2**22  # entries of the sums by replicate


def grouping(groups: np.ndarray | None, block: int, n: int) -> Grouping:
    """The dependence between scenarios, from the replicate (N,) of each.

    >>> grouping(np.array([0, 0, 1, 1]), 2, 3).mode, grouping(np.array([0, 1, 0, 1]), 2, 3).mode
    ('inside', 'few')
    """
    if groups is None:
        return Grouping()
    found, begin, number = np.unique(groups, return_index=True, return_inverse=True)
    count = len(found)
    if count == len(groups):
        return Grouping()
    number = np.argsort(np.argsort(begin))[number]  # in the order of their first scenarios
    home = np.arange(len(number)) // block
    first, last = np.full(count, len(number)), np.zeros(count, np.int64)
    np.minimum.at(first, number, home)
    np.maximum.at(last, number, home)
    few = count * n <= FEW
    mode = "inside" if (first == last).all() else "few" if few else "mixed"
    return Grouping(number, count, mode)


def moments(
    name: str, x: np.ndarray, w: np.ndarray | None, members: csr_array | None, mode: str
) -> Sums:
    """Sums over the scenarios of a block that give means and their errors.

    Parameters
    ----------
    name : prefix of the sums.
    x : (k, c) values, c columns.
    w : (k,) likelihood ratios, or `None`.
    members : (replicates, k), or `None` for independent scenarios.
    mode : as in :class:`Grouping`.

    Returns
    -------
    dict: `name` (c,) = Σ w x; and, with T the sums of w x over a replicate, m the number of its
    scenarios and M the sum of its weights: `name.square` = Σ T², `name.count` = Σ m T,
    `name.weight` = Σ M T, where they are not equal to others. Mode "few": `name.replicates`
    (replicates · c,) the T themselves.
    """
    part = x if w is None else x * w[:, None]
    found = {name: part.sum(axis=0, dtype=float)}
    if mode == "mixed":
        return found
    if members is None:
        if x.dtype != bool:
            found[f"{name}.square"] = np.einsum("kc,kc->c", part, part)
        elif w is not None:
            found[f"{name}.square"] = (part * w[:, None]).sum(axis=0)
        if w is not None:
            found[f"{name}.weight"] = (part * w[:, None]).sum(axis=0)
        return found
    sums = np.asarray(members @ part.astype(float))
    if mode == "few":
        return {**found, f"{name}.replicates": sums.ravel()}
    size = np.asarray(members.sum(axis=1)).ravel()
    found[f"{name}.square"] = np.einsum("gc,gc->c", sums, sums)
    found[f"{name}.count"] = (sums * size[:, None]).sum(axis=0)
    if w is not None:
        found[f"{name}.weight"] = (sums * np.asarray(members @ w)[:, None]).sum(axis=0)
    return found
