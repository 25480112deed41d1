"""The fewest defaults that reach a goal: sets of nodes, the smallest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations, islice
from math import comb
from typing import Any

import numpy as np

from ...errors import ArgumentError, expect
from ...media import shown
from ...models import EisenbergNoe
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...parallel import bar
from ...shocks import Shock
from .answer import Goal, owners

CHUNK = 2**21  # entries of a batch of scenarios
SETS = 200_000  # largest number of sets that are run


@dataclass(frozen=True, repr=False)
class Triggers:
    """The fewest defaults that reach a goal.

    Attributes
    ----------
    nodes : the smallest set found; empty if none was found.
    others : how many other sets of the same size reach the goal.
    recovery : of the triggers.
    exact : every smaller set was run, and none reaches the goal.
    tried : sets that were run; least : no set with fewer nodes than this reaches the goal.
    goal : text for display.
    """

    nodes: tuple[Any, ...]
    others: int
    recovery: float
    exact: bool
    tried: int
    least: int
    goal: str

    @property
    def shock(self) -> Shock:
        """The defaults, for `model.propagate`."""
        return sum((Shock.default(node, self.recovery) for node in self.nodes), Shock())

    @shown
    def __repr__(self) -> str:
        if not self.nodes:
            return (
                f"No {self.least - 1} or fewer defaults bring about {self.goal} "
                f"({self.tried:,} sets run)"
            )
        names = ", ".join(map(str, self.nodes))
        how = "no smaller set does" if self.exact else f"any set needs {self.least} or more"
        more = f"; {self.others:,} other sets of that size do too" if self.others else ""
        return (
            f"{self.goal} takes {len(self.nodes)}: {names} ({how}, {self.tried:,} sets run{more})"
        )


def fewest_triggers(
    network: ExposureNetwork,
    model: Model | None = None,
    *,
    fail: Any = None,
    loss: float | None = None,
    recovery: float = 0.0,
    candidates: Iterable[Any] | None = None,
    max_size: int = 4,
    sets: int = SETS,
    progress: bool = False,
) -> Triggers:
    """The fewest nodes whose exogenous default makes a node default or reaches a loss.

    All sets of one node are run, then all of two, and so on, in batches. So the answer is the
    smallest set; of several sets of that size the one with the largest loss of others is returned.
    If there are too many sets of a size, the search continues from the best set, one node at a
    time, and the answer is an upper bound.

    Parameters
    ----------
    network : the exposures.
    model : any; by default `EisenbergNoe()`.
    fail, loss : the goal, as in :func:`smallest_shock`; a node in `fail` cannot be a trigger.
    recovery : recovery rate on claims on the triggers.
    candidates : nodes that may be triggers, by default all with debts in the graph.
    max_size : size of the largest sets that are run.
    sets : largest number of sets of one size that are run.
    progress : show a progress bar.

    Raises
    ------
    UnknownNameError, ArgumentError : as :func:`smallest_shock`; for `max_size` below 1.

    Example
    -------
    c (equity 12) has claims of 10 on a and 8 on b: it takes both defaults.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 0, 10], [0, 0, 8], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 1, 12])
    >>> fewest_triggers(net, fail="c")
    default of c takes 2: a, b (no smaller set does, 3 sets run)
    """
    model = EisenbergNoe() if model is None else model
    expect(network=network, model=model)
    if max_size < 1:
        raise ArgumentError(f"max_size = {max_size}: 1 or more triggers.")
    goal = Goal.of(network, fail, loss)
    goal = goal.counted(network, model, np.full(len(network), np.nan))
    pool = _pool(network, candidates, goal)
    run = _Batches(network, model, goal, recovery)
    words, greedy = goal.words(network), None
    with bar(progress, "triggers", unit="set") as run.move:
        for size in range(1, min(max_size, len(pool)) + 1):
            if greedy is None and comb(len(pool), size) <= sets:
                hit, best = run.all(combinations(pool, size))
            else:
                least = size if greedy is None else greedy
                greedy = least
                first = run.largest  # of the previous size, before the runs change it
                hit, best = run.all((*first, at) for at in pool if at not in first)
            if hit:
                names = tuple(network.names[at] for at in best)
                exact = greedy is None
                return Triggers(
                    names, hit - 1, recovery, exact, run.tried, size if exact else least, words
                )
    reach = min(max_size, len(pool)) + 1
    return Triggers((), 0, recovery, False, run.tried, reach if greedy is None else greedy, words)


class _Batches:
    """Runs of sets of triggers, in batches."""

    def __init__(self, network: ExposureNetwork, model: Model, goal: Goal, recovery: float):
        self.network, self.model, self.goal, self.recovery = network, model, goal, recovery
        self.tried = 0
        self.move: Callable[[int], object] = lambda count: None
        self.largest: tuple[int, ...] = ()

    def all(self, sets: Iterable[tuple[int, ...]]) -> tuple[int, tuple[int, ...]]:
        """The number of sets that reach the goal, and the one with the largest loss of others.

        `largest` becomes the set with the largest loss, whether it reaches the goal or not.
        """
        n, hits, top, worst = len(self.network), 0, -1.0, -1.0
        best: tuple[int, ...] = ()
        supply = iter(sets)
        while some := list(islice(supply, max(1, CHUNK // n))):
            at = np.array(some)
            pins = np.full((len(some), n), np.nan)
            np.put_along_axis(pins, at, self.recovery, axis=1)
            outcome = self.model.solve(self.network, np.zeros_like(pins), pins)
            lost = owners(self.network, outcome, 0.0)
            np.put_along_axis(lost, at, 0.0, axis=1)
            others = lost.sum(axis=1)
            reached = self.goal.holds(self.network, outcome, 0.0)
            self.tried += len(some)
            self.move(len(some))
            hits += int(reached.sum())
            first = int(np.argmax(np.where(reached, others, -1.0)))
            if reached[first] and others[first] > top:
                best, top = tuple(some[first]), float(others[first])
            if others.max() > worst:
                self.largest, worst = tuple(some[int(np.argmax(others))]), float(others.max())
        return hits, best


def _pool(network: ExposureNetwork, candidates: Iterable[Any] | None, goal: Goal) -> list[int]:
    """Rows of the nodes that may be triggers."""
    if candidates is None:
        may = np.flatnonzero(network.book.debts > 0).tolist()
    else:
        may = [network.position(name) for name in candidates]
    return [at for at in may if at not in goal.fail]
