"""Random matching: claims and debts are cut into pieces, which are paired at random."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from ...errors import ArgumentError
from ...parallel import each
from ...vocabulary import Rng
from ._cells import Problem
from ._scaling import balanced, worst
from ._transport import carried
from .ensemble import Ensemble, gathered, reconstructed
from .margins import Margins

Cells = tuple[np.ndarray, np.ndarray, np.ndarray]
ROUNDS = 100  # of swaps, before the remainder is placed along augmenting paths
CLOSE = 1e-11  # relative error of a margin that is accepted


@reconstructed
def configuration(
    margins: Margins,
    *,
    stubs: int | None = None,
    samples: int = 1,
    rng: Rng = None,
    progress: bool = False,
) -> Ensemble:
    """Networks from pieces of claims and debts, matched at random: a configuration model of claims.

    Every total m is cut into ⌈stubs · m / Σ claims⌉ equal pieces. The pieces of all claims and
    those of all debts are placed in random order along one line of length Σ claims; where a
    piece of i overlaps a piece of j, the overlap is a claim of i on j. An overlap on the diagonal
    or on another closed cell is swapped with one drawn at random: (i, j) and (k, l) of the same
    amount become (i, l) and (k, j). Many stubs give networks close to maximum entropy, few stubs
    give sparse networks.

    Parameters
    ----------
    margins : the known totals and exposures.
    stubs : approximate number of pieces of all claims, by default 5 per node. The number of links
        is at most 2 stubs + 2 n.
    samples : networks to draw.
    rng : seed or generator, as of `numpy.random.default_rng`.
    progress : show a progress bar.

    Raises
    ------
    ArgumentError : for `stubs` or `samples` below 1.

    Example
    -------
    One piece each, and claims and debts of one size: a permutation without fixed points.

    >>> import contagion as ct
    >>> from contagion.synthetic import reconstruct
    >>> margins = reconstruct.Margins(list("abcd"), claims=[3] * 4, debts=[3] * 4)
    >>> reconstruct.configuration(margins, stubs=4, rng=7).network.amount.tolist()
    [3.0, 3.0, 3.0, 3.0]

    Source: after the configuration model of Molloy and Reed (1995), Random Structures &
    Algorithms 6, with amounts instead of links (not read); the swaps are of this package.
    """
    pieces = 5 * len(margins) if stubs is None else stubs
    if pieces < 1 or samples < 1:
        raise ArgumentError(f"stubs={stubs}, samples={samples}: take 1 or more.")
    problem = margins._problem
    generator = np.random.default_rng(rng)
    tasks = [(problem, pieces, generator)] * samples
    drawn = list(each(_matched, tasks, progress=progress, label="networks", unit="network"))
    return gathered(margins, problem, f"random matching, {pieces} stubs", drawn)


def _matched(problem: Problem, stubs: int, rng: np.random.Generator) -> Cells:
    total = float(problem.supply.sum())
    if not total:
        none = np.empty(0, np.int64)
        return none, none, np.empty(0)
    sides = [_laid(margin, stubs, rng) for margin in (problem.supply, problem.demand)]
    ends = [np.cumsum(length) for _, length in sides]
    cuts = np.sort(np.concatenate(ends))
    amount = np.diff(cuts, prepend=0.0)
    some = amount > 1e-15 * total
    middle = (cuts - amount / 2)[some]
    row, column = (
        owner[np.minimum(np.searchsorted(end, middle), len(owner) - 1)]
        for (owner, _), end in zip(sides, ends, strict=True)
    )
    row, column, amount = _swapped(problem, row, column, amount[some], rng)
    if worst(row, column, amount, problem.supply, problem.demand) > CLOSE:
        amount = balanced(row, column, amount, problem.supply, problem.demand).amount
    return row, column, amount


def _laid(
    margin: np.ndarray, stubs: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Owner and length of the pieces of all margins, in random order."""
    count = np.ceil(stubs * margin / margin.sum() * (1 - 1e-12)).astype(np.int64)
    owner = rng.permutation(np.repeat(np.arange(len(margin)), count))
    return owner, margin[owner] / count[owner]


def _swapped(
    problem: Problem,
    row: np.ndarray,
    column: np.ndarray,
    amount: np.ndarray,
    rng: np.random.Generator,
) -> Cells:
    """Cells after all amounts on closed cells have been moved away by swaps."""
    for _ in range(ROUNDS):
        good = problem.open(row, column)
        bad = np.flatnonzero(~good)
        if not len(bad):
            break
        others = rng.permutation(np.flatnonzero(good))[: len(bad)]
        bad = bad[: len(others)]
        fits = problem.open(row[bad], column[others]) & problem.open(row[others], column[bad])
        bad, others = bad[fits], others[fits]
        moved = np.minimum(amount[bad], amount[others])
        amount = amount.copy()
        amount[bad] -= moved
        amount[others] -= moved
        new_row, new_column = np.r_[row[bad], row[others]], np.r_[column[others], column[bad]]
        row, column = np.r_[row, new_row], np.r_[column, new_column]
        amount = np.r_[amount, moved, moved]
        kept = amount > 0
        row, column, amount = row[kept], column[kept], amount[kept]
    n = len(problem.supply)
    key, place = np.unique(row * n + column, return_inverse=True)
    row, column, amount = key // n, key % n, np.bincount(place, amount, len(key))
    if not problem.open(row, column).all():
        start = csr_array((amount, (row, column)), shape=(n, n))
        row, column = problem.dense("Random matching that swaps do not finish")
        amount = carried(row, column, problem.supply, problem.demand, start[row, column])
        row, column, amount = row[amount > 0], column[amount > 0], amount[amount > 0]
    return row, column, amount
