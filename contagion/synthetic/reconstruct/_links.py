"""Link probabilities of the fitness model by rows and columns, without a matrix of all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array, eye_array
from scipy.special import expit, log_expit

from ...errors import NetworkError
from ._cells import Problem

STEP = 0.1  # width of the grid of log margins; sums on it have a relative error of 1e-7
WIDTH = 0.25  # of the classes of log margins within which points are drawn
BLOCK = 2_000_000  # largest number of cells or points in memory


@dataclass(frozen=True)
class Odds:
    """Odds of a link, z claims_i debts_j, in logs, margins divided by their mean; or z for all.

    Attributes
    ----------
    problem : the margins.
    log_z : log of z; inf where every live cell is a link.
    equal : the odds are z, whatever the margins.
    """

    problem: Problem
    log_z: float = 0.0
    equal: bool = False

    @cached_property
    def sides(self) -> tuple[np.ndarray, np.ndarray]:
        """(n,) logs of claims and of debts over their mean, −inf where they are 0."""
        margins = (self.problem.supply, self.problem.demand)
        if self.equal:
            row, column = (np.where(m > 0, 0.0, -np.inf) for m in margins)
            return row, column
        with np.errstate(divide="ignore"):
            row, column = (np.log(m / max(float(m.mean()), 1e-300)) for m in margins)
        return row, column

    def at(self, row: Any, column: Any) -> np.ndarray:
        """log odds of cells, −inf where they are closed; rows and columns are broadcast."""
        with np.errstate(invalid="ignore"):  # inf − inf: every link, and a margin of 0
            odds = self.log_z + self.sides[0][row] + self.sides[1][column]
        return np.where(self.problem.open(row, column), odds, -np.inf)

    def drawn(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of links, sorted: each with its own probability, independent of others.

        A cell receives a Poisson number of points with mean log(1 + odds); it has at least one with
        probability 1 − 1 / (1 + odds) = p. Points are drawn uniformly over blocks of cells with
        margins of similar size, at the rate of the largest cell, and kept in the ratio of the
        rates: the work grows with the number of links, not of pairs.
        """
        if np.isposinf(self.log_z):
            return self.problem.dense("The fitness model with every link")
        n = len(self.problem.supply)
        rows, columns = (np.flatnonzero(np.isfinite(side)) for side in self.sides)
        right = _classes(self.sides[1], columns)
        pieces, keys = self._pieces(rows, right), []
        for k in range(pieces):
            key = self._hit(_classes(self.sides[0], rows[k::pieces]), right, rng)
            keys.append(key[self.problem.open(key // n, key % n)])
        row, column = np.divmod(np.sort(np.concatenate(keys)), n)
        return row, column

    def _pieces(self, rows: np.ndarray, right: _Classes) -> int:
        """Number of parts into which rows are split to have at most `BLOCK` points in memory."""
        left = _classes(self.sides[0], rows)
        points = left.size @ np.logaddexp(0.0, self.log_z + left.top[:, None] + right.top)
        return 1 + int(float(points @ right.size) / BLOCK)

    def _hit(self, left: _Classes, right: _Classes, rng: np.random.Generator) -> np.ndarray:
        """Cells with at least one point, as row · n + column, each once."""
        rate = np.logaddexp(0.0, self.log_z + left.top[:, None] + right.top)
        points = rng.poisson(rate * left.size[:, None] * right.size)
        up, down = (np.repeat(at.ravel(), points.ravel()) for at in np.indices(points.shape))
        row = left.member[left.start[up] + rng.integers(0, left.size[up])]
        column = right.member[right.start[down] + rng.integers(0, right.size[down])]
        own = np.logaddexp(0.0, self.log_z + self.sides[0][row] + self.sides[1][column])
        kept = rng.random(len(row)) * rate[up, down] < own
        key = np.sort(row[kept] * len(self.problem.supply) + column[kept])
        return key[np.diff(key, prepend=-1) > 0]

    def expected(self) -> float:
        """Σ p over the live cells."""
        if self.equal:
            return self.problem.count * float(expit(self.log_z))
        (row, out), (column, into) = (_grid(side) for side in self.sides)
        p = expit(self.log_z + row[:, None] + column)
        shut = expit(self.log_z + self._shut).sum()
        return float(out.sum(0) @ p @ into.sum(0) - shut)

    @cached_property
    def _shut(self) -> np.ndarray:
        """(s,) log odds that closed cells would have, without z."""
        row, column = self.problem.shut
        return np.asarray(self.sides[0][row] + self.sides[1][column])

    def expected_with_one_each(self) -> float:
        """Expected number of links drawn, plus the links added for nodes that have none.

        A row without a link, which has probability b_i = Π_j (1 − p_ij), gets one, at j with
        probability q_ij in proportion to the odds; then a column that still has none gets one:

            Σ_ij p_ij + Σ_i b_i + Σ_j Π_i (1 − p_ij) (1 − q_ij Π_{k≠j} (1 − p_ik)).
        """
        n, (point, weight) = len(self.problem.supply), _grid(self.sides[1])
        row, column = self.problem.shut
        rows, columns = (np.flatnonzero(np.isfinite(side)) for side in self.sides)
        sums, shut = weight.sum(0), log_expit(-self.log_z - self._shut)
        bare = -np.bincount(row, shut, n)
        own = np.bincount(row, np.exp(self.sides[1][column]), n)
        rest = np.exp(self.sides[1][columns]).sum() - own
        reach = self.sides[0] + np.log(np.maximum(rest, 1e-300))
        alone = np.zeros(len(point))
        for part in np.array_split(rows, 1 + len(rows) * len(point) // BLOCK):
            odds = self.sides[0][part, None] + point
            none = log_expit(-self.log_z - odds)
            bare[part] += none @ sums
            alone += _still(none, odds, bare[part, None], reach[part, None]).sum(0)
        lost = _still(shut, self._shut, bare[row], reach[row])
        alone = weight @ alone - np.bincount(column, lost, n)[columns]
        return self.expected() + float(np.exp(bare[rows]).sum() + np.exp(alone).sum())


def _still(none: np.ndarray, odds: np.ndarray, bare: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """log of the probability that a row has no link to a column, neither drawn nor added."""
    own = np.exp(np.minimum(odds - reach + np.minimum(bare - none, 0.0), 0.0))
    return np.asarray(none + np.log1p(-np.minimum(own, 1.0 - 1e-16)))


@dataclass(frozen=True)
class GivenOdds:
    """Given log odds (n, n), −inf where there can be no link."""

    problem: Problem
    table: np.ndarray

    def at(self, row: Any, column: Any) -> np.ndarray:
        """log odds of cells; rows and columns are broadcast."""
        return np.asarray(self.table[row, column])

    def drawn(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of links, sorted."""
        row, column = self.problem.cells
        hit = rng.random(len(row)) < expit(self.at(row, column))
        return row[hit], column[hit]

    def expected(self) -> float:
        """Σ p over the live cells."""
        return float(expit(self.table).sum())


def calibrated(problem: Problem, links: float) -> Odds:
    """The odds for which Σ p = links."""
    if links >= problem.count:
        return Odds(problem, np.inf)
    from scipy.optimize import brentq

    rows, columns = (side[np.isfinite(side)] for side in Odds(problem).sides)
    bound = float(np.abs(rows).max() + np.abs(columns).max()) + 50.0
    found = brentq(lambda z: Odds(problem, z).expected() - links, -bound, bound, xtol=1e-13)
    return Odds(problem, float(found))


def with_one_each(problem: Problem, links: float) -> Odds:
    """The odds for which links drawn plus links added for nodes without one are `links`, expected.

    Raises
    ------
    NetworkError : where this number exceeds `links` for every z.
    """
    from scipy.optimize import brentq

    def missing(log_z: float) -> float:
        return Odds(problem, log_z).expected_with_one_each() - links

    plain = calibrated(problem, links)
    low = high = plain.log_z
    if np.isposinf(high) or missing(high) <= 0:  # no node is without a link
        return plain
    for _ in range(40):
        low -= 1.0
        if missing(low) <= 0:
            return Odds(problem, float(brentq(missing, low, low + 1.0, xtol=1e-10)))
    fewest = links + min(missing(high - k) for k in range(0, 40, 2))
    raise NetworkError(
        f"{links:.4g} links are asked for in addition to the known ones, but exact margins "
        f"need {fewest:.4g} or more: every node needs one. Ask for more, take "
        "exact_margins=False, or minimum_density for the sparsest networks."
    )


def _grid(side: np.ndarray) -> tuple[np.ndarray, Any]:
    """Points (G,) and sparse weights (k, G), f(value) = Σ weight f(point) for the finite values.

    The points are an even grid; f is the polynomial through the six points around a value
    (Lagrange), with an error of 0.005 step⁶ times the sixth derivative. If there are fewer values
    than grid points, the values themselves are the points.
    """
    value = side[np.isfinite(side)]
    low = float(value.min(initial=0.0))
    at = (value - low) / STEP
    size = int(at.max(initial=0.0)) + 6
    if len(value) <= size:
        return value, eye_array(len(value), format="csr")
    first = np.floor(at).astype(np.int64)
    part, around = at - first, range(-2, 4)
    weight = [np.prod([(part - m) / (k - m) for m in around if m != k], axis=0) for k in around]
    place = (np.tile(np.arange(len(value)), 6), np.concatenate([first + 2 + k for k in around]))
    points = low + STEP * (np.arange(size) - 2)
    return points, csr_array((np.concatenate(weight), place), shape=(len(value), size))


@dataclass(frozen=True)
class _Classes:
    """Nodes (k,) in classes of similar log margins: start, size and largest value of each class."""

    member: np.ndarray
    start: np.ndarray
    size: np.ndarray
    top: np.ndarray


def _classes(side: np.ndarray, nodes: np.ndarray) -> _Classes:
    member = nodes[np.argsort(side[nodes], kind="stable")]
    value = side[member]
    name = np.floor(value / WIDTH)
    start = np.flatnonzero(np.r_[True, name[1:] != name[:-1]][: len(name)])
    size = np.diff(np.r_[start, len(member)])
    return _Classes(member, start, size, value[start + size - 1])
