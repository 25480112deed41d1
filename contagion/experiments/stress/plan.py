"""The order in which scenarios are solved, and the points at which a run may stop.

There are three sizes; the caller sets only the last:

- a *block* (from the scenarios, a function of the number of nodes) is solved together;
- *checkpoints* are the counts at which the error of the target is evaluated;
- a *chunk* is computed by one task and stored in one file: a whole number of blocks.

Results do not depend on the chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...errors import ArgumentError

FIRST, STEP = 2048, 1024  # scenarios at the first checkpoint; later ones are multiples of STEP
LARGEST = 16  # blocks in a chunk by default
ENTRIES = 2**20  # entries of the losses of a chunk by default, unless a block is larger

Task = tuple[int, int, int]  # lane, first scenario, one after the last


@dataclass(frozen=True)
class Plan:
    """The tasks of a run.

    Attributes
    ----------
    count : largest number of scenarios.
    lanes : networks on which every scenario is run (1 for one network, and if they are paired).
    block, chunk : scenarios solved together, and in a task.
    stops : checkpoints, ascending; the last is `count`.
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
    """Counts at which a run may stop: each a quarter larger, never in the middle of a group.

    `STEP` is a multiple of the block size, so a stop never splits a block.

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
