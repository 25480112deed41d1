"""Shapley values of a game from the worth of its coalitions: all of them, or sampled orders.

A coalition is a row of k booleans; a game is a function from coalitions (B, k) to worths (B,).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb

import numpy as np

from ..errors import ArgumentError

ROTATIONS = 2  # of one drawn order: each player comes early and late
LEAST = 30  # minimum number of blocks for a meaningful standard error

Worth = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Sampled:
    """Estimates (k,), their standard errors (k,), and the number of coalitions evaluated."""

    values: np.ndarray
    errors: np.ndarray
    evaluations: int
    reached: bool


def coalitions(first: int, last: int, k: int) -> np.ndarray:
    """Coalitions number `first` to `last` − 1, (B, k) bool: player i is in if bit i is set.

    >>> coalitions(0, 4, 2).astype(int).tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    numbers = np.arange(first, last, dtype=np.int64)
    return np.asarray((numbers[:, None] >> np.arange(k)) & 1 == 1)


def exact(worth: np.ndarray) -> np.ndarray:
    """Shapley values (k, ...) from the worth (2^k, ...) of all coalitions, in order of their bits.

        φ_i = Σ_{S without i} |S|! (k − |S| − 1)! / k! · (v(S + i) − v(S))

    Raises `ArgumentError` if the number of worths is not a power of two.

    Example
    -------
    a alone earns 1, b alone 2, both together 6: each gets half of the surplus of 3.

    >>> exact(np.array([0.0, 1.0, 2.0, 6.0]))
    array([2.5, 3.5])

    Source: Shapley (1953), "A value for n-person games", Contributions to the Theory of Games II
    (formula from memory).
    """
    worth = np.asarray(worth, float)
    k = len(worth).bit_length() - 1
    if len(worth) != 1 << k:
        raise ArgumentError(f"{len(worth)} worths: all coalitions of k players are 2^k.")
    rest = worth.shape[1:]
    weights = np.array([1.0 / (k * comb(k - 1, size)) for size in range(k)])
    values = np.empty((k, *rest))
    for i in range(k):
        halves = worth.reshape(1 << (k - 1 - i), 2, 1 << i, *rest)
        gain = (halves[:, 1] - halves[:, 0]).reshape(1 << (k - 1), -1)
        values[i] = (weights[_sizes(k - 1)] @ gain).reshape(rest)
    return values


def _sizes(k: int) -> np.ndarray:
    """(2^k,) number of players in each coalition."""
    sizes = np.zeros(1, np.intp)
    for _ in range(k):
        sizes = np.concatenate([sizes, sizes + 1])
    return sizes


def block(k: int, rng: np.random.Generator) -> np.ndarray:
    """A block of orders (P, k): one drawn order, its even rotations, and each of them reversed.

    Every single order is uniform, so that the mean over a block is unbiased. Rotation spreads the
    positions of each player evenly (systematic strata), reversal pairs early with late positions.
    """
    drawn = rng.permutation(k)
    count = min(ROTATIONS, k)
    turned = np.stack([np.roll(drawn, -(at * k // count)) for at in range(count)])
    return np.concatenate([turned, turned[:, ::-1]])


def sampled(
    value: Worth,
    k: int,
    *,
    target: float,
    most: int,
    rng: np.random.Generator,
    watch: Callable[[int], None] | None = None,
) -> Sampled:
    """Shapley values from blocks of drawn orders, until the errors are small enough.

        φ_i = mean over orders of v(those before i, and i) − v(those before i)

    Parameters
    ----------
    value : the game; called with (B, k) bool.
    k : players, at least 2.
    target : stop when the largest standard error is below this share of the larger of
        |v(all) − v(∅)| and the largest |φ|.
    most : maximum number of coalitions to evaluate.
    rng : generator of the random orders.
    watch : called after each batch with the number of coalitions evaluated in it.

    Returns
    -------
    Sampled : errors from the spread between blocks, which are independent. The values sum to
        v(all) − v(∅) up to rounding error.

    Raises
    ------
    ArgumentError
        When `most` is too small for the minimum number of blocks.

    Source: sampling orders after Castro, Gómez & Tejada (2009), Computers & Operations Research
    36; reversed orders after Mitchell et al. (2022), JMLR 23 (neither read; rotating is ours).
    """
    cost = 2 * min(ROTATIONS, k) * (k - 1)
    if most < LEAST * cost + 2:
        raise ArgumentError(
            f"{most:,} evaluations are too few for {k} players: {LEAST * cost + 2:,} are needed."
        )
    ends = value(np.array([np.zeros(k, bool), np.ones(k, bool)]))
    used, done, goal = 2, np.zeros((0, k)), LEAST
    while True:
        orders = np.stack([block(k, rng) for _ in range(goal - len(done))])
        flat = orders.reshape(-1, k)
        gains = _gains(value, flat, ends)
        done = np.concatenate([done, gains.reshape(len(orders), -1, k).mean(axis=1)])
        used += len(orders) * cost
        if watch is not None:
            watch(len(orders) * cost)
        values = done.mean(axis=0)
        errors = done.std(axis=0, ddof=1) / np.sqrt(len(done))
        scale = max(abs(float(ends[1] - ends[0])), float(np.abs(values).max()))
        reached = bool(errors.max() <= target * scale)
        left = (most - used) // cost
        if reached or left == 0:
            return Sampled(values, errors, used, reached)
        goal = len(done) + min(len(done), left)


def _gains(value: Worth, orders: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(P, k) marginal contribution of each player in each order (P, k)."""
    count, k = orders.shape
    place = np.argsort(orders, axis=1)
    before = place[:, None, :] <= np.arange(k - 1)[:, None]
    worth = np.empty((count, k + 1))
    worth[:, 0], worth[:, k] = ends
    worth[:, 1:k] = value(before.reshape(-1, k)).reshape(count, k - 1)
    gains = np.empty((count, k))
    np.put_along_axis(gains, orders, np.diff(worth, axis=1), axis=1)
    return gains
