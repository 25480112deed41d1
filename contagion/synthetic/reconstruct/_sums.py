"""Weights that change one at a time: their sum and a draw in proportion to them, in log n steps."""

from __future__ import annotations

import numpy as np


class Sums:
    """Weights ≥ 0 as the leaves of a binary tree; every node holds the sum of the leaves below it.

    After a change the sums are recomputed from the leaf to the root, so that rounding errors of
    earlier weights do not accumulate.

    Example
    -------
    >>> weight = Sums(np.array([1.0, 0.0, 3.0]))
    >>> weight.total, weight.drawn(0.2), weight.drawn(0.9)
    (4.0, 0, 2)
    >>> weight[2] = 0.0
    >>> weight.total, weight.drawn(0.9)
    (1.0, 0)
    """

    def __init__(self, weight: np.ndarray):
        self.size = 1 << max(len(weight) - 1, 0).bit_length()
        level = np.zeros(self.size)
        level[: len(weight)] = weight
        levels = [level]
        while len(level) > 1:
            level = level[::2] + level[1::2]
            levels.append(level)
        self.tree: list[float] = [0.0, *np.concatenate(levels[::-1]).tolist()]

    @property
    def total(self) -> float:
        return self.tree[1]

    def __getitem__(self, at: int) -> float:
        return self.tree[self.size + at]

    def __setitem__(self, at: int, weight: float) -> None:
        tree, at = self.tree, self.size + at
        tree[at] = weight
        while at > 1:
            at >>= 1
            tree[at] = tree[2 * at] + tree[2 * at + 1]

    def drawn(self, u: float) -> int:
        """The place drawn by a uniform number u in [0, 1); a weight of 0 is never drawn."""
        tree, at, height = self.tree, 1, u * self.tree[1]
        while at < self.size:
            at *= 2
            if height >= tree[at] and tree[at + 1] > 0:
                height -= tree[at]
                at += 1
        return at - self.size

    def held(self) -> np.ndarray:
        """Places with a weight above 0."""
        return np.flatnonzero(self.tree[self.size :])
