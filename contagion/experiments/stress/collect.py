"""Combines the parts of a run: columns, sums, tails."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...statistics.scenario_estimates import Draws
from .sums import Sums, Tree
from .work import Part


@dataclass
class Collected:
    """The parts of every lane, in the order of the scenarios."""

    lanes: int
    columns: list[dict[str, list[np.ndarray]]] = field(init=False)
    trees: list[Tree] = field(init=False)
    kept: list[dict[str, list[np.ndarray]]] = field(init=False)
    reached: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.columns = [{} for _ in range(self.lanes)]
        self.kept = [{} for _ in range(self.lanes)]
        self.trees = [Tree() for _ in range(self.lanes)]
        self.reached = [0] * self.lanes

    def add(self, part: Part) -> None:
        lane, start, stop = part.task
        assert start == self.reached[lane], "parts come in order"
        for to, arrays in ((self.columns, part.columns), (self.kept, part.kept)):
            for name, array in arrays.items():
                to[lane].setdefault(name, []).append(array)
        self.trees[lane].extend(part.branches)
        self.reached[lane] = stop

    def table(self) -> dict[str, np.ndarray]:
        """{name: (lanes, N)}; the arrays of parts are joined once."""
        for lane in self.columns:
            for name, arrays in lane.items():
                if len(arrays) > 1:
                    lane[name] = [np.concatenate(arrays)]
        if self.lanes == 1:
            return {name: arrays[0][None] for name, arrays in self.columns[0].items()}
        return {
            name: np.stack([lane[name][0] for lane in self.columns]) for name in self.columns[0]
        }

    def totals(self) -> tuple[Sums, ...]:
        return tuple(tree.total() for tree in self.trees)

    def arrays(self, what: str) -> np.ndarray:
        """(lanes, N, n) a kept array."""
        return np.stack([np.concatenate(lane[what]) for lane in self.kept])


def tail_shares(draws: Draws, level: float, lanes: int) -> np.ndarray:
    """(lanes, N) share of each scenario in the worst 1 − level; they sum to 1.

    A scenario beyond the value at risk counts with its weight, one at the value at risk with the
    remainder of the tail probability. Expected shortfall is the sum of share · value.

    >>> tail_shares(Draws(np.array([1.0, 2.0, 2.0, 3.0])), 0.5, 1)
    array([[0.  , 0.25, 0.25, 0.5 ]])
    """
    q, w = draws.quantile(level), draws.weight
    beyond, equal = w * (draws.x > q), w * (draws.x == q)
    room = (1 - level) * draws.total - beyond.sum()
    part = np.clip(room / equal.sum(), 0.0, 1.0) if equal.any() else 0.0
    share = beyond + part * equal
    return np.asarray(share / share.sum()).reshape(lanes, -1)
