"""In which order scenarios are solved, and where a run may stop.

Three sizes, of which only the last is the caller's:

- a *block* (from the scenarios, a function of the number of nodes) is solved in one piece;
- *checkpoints* are the counts at which the error of the target is looked at;
- a *chunk* is what one task computes and one file holds: a whole number of blocks.

No number depends on the chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...errors import ArgumentError

FIRST, STEP = 2048, 1024  # scenarios at the first checkpoint, and what later ones are multiples of
LARGEST = 16  # blocks in a chunk, where nobody says
ENTRIES = 2**20  # numbers in the losses of a chunk, where nobody says and a block is not larger

Task = tuple[int, int, int]  # lane, first scenario, one after the last


@dataclass(frozen=True)
class Plan:
    """The tasks of a run.

    Attributes
    ----------
    count : scenarios at most.
    lanes : networks that see every scenario (1 for one network, and where they are paired).
    block, chunk : scenarios solved together, and in a task.
    stops : counts at which the target is looked at, ascending; the last is `count`.
    """

    count: int
    lanes: int
    block: int
    chunk: int
    stops: tuple[int, ...]

    def tasks(self, first: int, last: int) -> list[Task]:
        """Tasks of scenarios first to last − 1: every network of a chunk, then the next chunk.

        >>> Plan(10, 2, 2, 4, (6, 10)).tasks(0, 6)
        [(0, 0, 4), (1, 0, 4), (0, 4, 6), (1, 4, 6)]
        """
        cuts = [first, *range((first // self.chunk + 1) * self.chunk, last, self.chunk), last]
        return [(lane, start, stop) for start, stop in pairwise(cuts) for lane in range(self.lanes)]

    def every(self) -> list[Task]:
        """The tasks of all legs, in order."""
        legs = pairwise((0, *self.stops))
        return [task for first, last in legs for task in self.tasks(first, last)]


def chunk_size(chunk: int | None, block: int, n: int) -> int:
    """A chunk in whole blocks, at least one.

    >>> chunk_size(None, 1024, 10), chunk_size(None, 1024, 1000), chunk_size(7, 1024, 10)
    (16384, 1024, 1024)
    """
    if chunk is None:
        return block * min(LARGEST, max(1, ENTRIES // (block * max(n, 1))))
    if isinstance(chunk, bool) or not isinstance(chunk, int | np.integer) or chunk < 1:
        raise ArgumentError(f"chunk={chunk!r}: give a number of scenarios >= 1.")
    return -(-int(chunk) // block) * block


def checkpoints(count: int, groups: np.ndarray | None) -> tuple[int, ...]:
    """Counts at which a run may stop: a quarter more each time, never in the middle of a group.

    Blocks divide `STEP`, so that a stop never cuts a block.

    >>> checkpoints(6000, None)
    (2048, 3072, 4096, 5120, 6000)
    """
    found, at = [], FIRST
    while at < count:
        found.append(at)
        at += max(STEP, at // 4 // STEP * STEP)
    if groups is not None:
        _, number = np.unique(groups, return_inverse=True)
        last = np.zeros(number.max(initial=0) + 1, np.int64)
        np.maximum.at(last, number, np.arange(count))
        reach = np.maximum.accumulate(last[number])
        found = [stop for stop in found if reach[stop - 1] < stop]
    return (*found, count)
