"""Minimum density: as few exposures as the margins allow."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from ...errors import ArgumentError
from ...parallel import each
from ...text import plural
from ...vocabulary import Rng
from ._cells import Problem
from ._fewest import fewest
from ._forest import forest, settled
from ._sums import Sums
from ._transport import carried, shortfall
from .ensemble import Ensemble, gathered, reconstructed
from .margins import Margins

Cells = tuple[np.ndarray, np.ndarray, np.ndarray]
LINK = 1.0  # cost of a link, c; margins are divided by their mean
SPREAD = 1.0  # θ, strength of the preference for cheaper networks
PATIENCE = 200  # steps per node
TRIES = 1_000  # rejected draws of a cell, after which the free cells are listed
LISTED = 1_000_000  # largest number of pairs that are listed


@reconstructed
def minimum_density(
    margins: Margins,
    *,
    exact: bool = False,
    samples: int = 1,
    removal: float = 0.01,
    time_limit: float = 60.0,
    rng: Rng = None,
    progress: bool = False,
) -> Ensemble:
    """Networks with as few exposures as the margins allow: found by a heuristic, or proven.

        min Σ_ij 1[X_ij > 0]    Σ_j X_ij = claims_i,  Σ_i X_ij = debts_j,  X_ii = 0

    The heuristic places claims one exposure at a time. A_i and L_j are the claims and debts still
    to be placed (in units of the mean margin). A cell is drawn with probability in proportion to

        Q_ij = max(A_i / L_j, L_j / A_i),

    so that small banks deal with large ones, and filled with min(A_i, L_j), the largest possible
    amount. The new network Z' is always accepted when it raises

        V(Z) = −c Σ 1[Z_ij > 0] − (Σ A_i² + Σ L_j²) / n,

    n the number of margins above 0, and with probability exp(θ (V(Z') − V(Z))) otherwise; with
    probability `removal` a step removes an exposure instead. c = θ = 1. Amounts that fit no free
    cell at the end are placed along augmenting paths. Cycles of the bipartite graph are then
    cancelled, so that a network of k creditors and d debtors has at most k + d − 1 exposures: for
    margins without coincidences no network has fewer. The time is nearly proportional to n log n:
    10,000 nodes take a second, 100,000 about fifteen.

    Parameters
    ----------
    margins : the known totals and exposures.
    exact : solve the mixed-integer programme (HiGHS) instead. It is NP-hard: use it for about
        twenty nodes.
    samples : networks to draw.
    removal : probability ε of a removal, 0 ≤ ε < 0.5.
    time_limit : seconds for `exact`.
    rng : seed or generator, as of `numpy.random.default_rng`.
    progress : show a progress bar.

    Raises
    ------
    ConvergenceError : With `exact`, where the minimum is not proven in time; `.partial` is the best
        network and the message gives the bound.
    ArgumentError : for `samples` below 1, `removal` outside [0, 0.5) and several exact samples.

    Example
    -------
    The three claims equal the three debts: three exposures are enough, and two are not.

    >>> import contagion as ct
    >>> from contagion.synthetic import reconstruct
    >>> margins = reconstruct.Margins(["a", "b", "c"], claims=[3, 2, 1], debts=[1, 3, 2])
    >>> sparse = reconstruct.minimum_density(margins, exact=True)
    >>> sparse.network.exposures[["creditor", "debtor", "amount"]].values.tolist()
    [['a', 'b', 3.0], ['b', 'c', 2.0], ['c', 'a', 1.0]]

    Source: after Anand, Craig and von Peter (2015), Quantitative Finance 15(4), 625-636; their text
    of the algorithm was not read. Load, prior, value and removal are as the R package
    NetworkRiskMeasures documents them; the mean margin as the unit of amounts, the augmenting paths
    and the cancelling of cycles are of this package.
    """
    if samples < 1 or not 0 <= removal < 0.5:
        raise ArgumentError(
            f"samples={samples}, removal={removal}: take ≥ 1, and 0 ≤ removal < 0.5."
        )
    problem = margins._problem
    if exact:
        if samples != 1:
            raise ArgumentError("exact=True finds one network: leave samples= out.")
        return _exact(margins, problem, time_limit)
    generator = np.random.default_rng(rng)
    tasks = [(problem, removal, generator)] * samples
    found = list(each(_drawn, tasks, progress=progress, label="networks", unit="network"))
    return gathered(margins, problem, "minimum density, heuristic", found)


def _exact(margins: Margins, problem: Problem, time_limit: float) -> Ensemble:
    from ...errors import ConvergenceError

    row, column, amount, bound = fewest(problem, time_limit)
    row, column, _ = forest(row, column, amount, len(problem.supply))
    amount = settled(row, column, problem.supply, problem.demand)
    cells = (row, column, amount)
    count = int((amount > 0).sum())
    said = f"{plural(count, 'exposure')} to place, proven to be the fewest"
    if bound < count:
        said = f"{plural(count, 'exposure')} to place, at least {bound} needed"
    made = gathered(margins, problem, "minimum density, exact", [cells], notes=(said,))
    if bound < count:
        raise ConvergenceError(
            f"The minimum is not proven in {time_limit:g} s: {said}. Raise time_limit=, or take "
            ".partial, the best network so far.",
            made,
        )
    return made


def _drawn(problem: Problem, removal: float, rng: np.random.Generator) -> Cells:
    """One run of the heuristic: cells (row, column, amount)."""
    n = len(problem.supply)
    total = float(problem.supply.sum())
    active = int((problem.supply > 0).sum() + (problem.demand > 0).sum())
    if not total:
        none = np.empty(0, np.int64)
        return none, none, np.empty(0)
    scale = 2 * total / active
    small = replace(problem, supply=problem.supply / scale, demand=problem.demand / scale)
    state = _State(small, active)
    for _ in range(PATIENCE * n):
        if state.left <= 1e-12 * active:
            break
        if state.held and rng.random() < removal:
            state.remove(int(rng.random() * len(state.held)))
        elif not state.place(rng):
            break
    row, column, amount = state.cells()
    placed = np.bincount(row, amount * scale, n).sum()
    if total - placed > 1e-12 * total:
        row, column, amount = _completed(problem, row, column, amount * scale)
    row, column, _ = forest(row, column, amount, n)
    return row, column, settled(row, column, problem.supply, problem.demand)


def _completed(problem: Problem, row: np.ndarray, column: np.ndarray, amount: np.ndarray) -> Cells:
    """Place the remaining amounts along the shortest augmenting paths.

    If only the diagonal is closed, it is enough to use the cells that hold an amount and all cells
    of the nodes with a remaining amount; otherwise longer paths over all cells can be needed.
    """
    n, supply, demand = len(problem.supply), problem.supply, problem.demand
    start = csr_array((amount, (row, column)), shape=(n, n))
    left = shortfall(row, column, amount, supply, demand)
    up, down = (np.flatnonzero(side)[:, None] for side in left)
    if (len(up) + len(down)) * n < problem.count:
        near = np.concatenate([(up * n + np.arange(n)).ravel(), (np.arange(n) * n + down).ravel()])
        near = near[problem.open(near // n, near % n)]
        rows, columns = np.divmod(np.union1d(near, row * n + column), n)
        full = carried(rows, columns, supply, demand, start[rows, columns])
        if not shortfall(rows, columns, full, supply, demand)[0].any():
            return rows, columns, full
    rows, columns = problem.dense("The remainder after the heuristic of minimum density")
    return rows, columns, carried(rows, columns, supply, demand, start[rows, columns])


class _State:
    """Claims and debts still to be placed, and the exposures so far."""

    def __init__(self, problem: Problem, active: int):
        self.problem, self.active = problem, active
        sides = problem.supply, problem.demand
        self.claims, self.debts = (Sums(side) for side in sides)
        self.per_claim, self.per_debt = (
            Sums(np.divide(1.0, side, out=np.zeros(len(side)), where=side > 0)) for side in sides
        )
        self.held: list[tuple[int, int]] = []
        self.amounts: list[float] = []

    @property
    def left(self) -> float:
        return self.claims.total

    def place(self, rng: np.random.Generator) -> bool:
        """Draw a cell by Q, and accept or reject it by V; False where no cell is free."""
        cell = self.drawn(rng)
        if cell is None:
            return False
        i, j = cell
        claim, debt = self.claims[i], self.debts[j]
        load = min(claim, debt)
        gain = load * (2 * claim + 2 * debt - 2 * load) / self.active - LINK
        if gain >= 0 or rng.random() < math.exp(SPREAD * gain):
            self._set(i, j, _rest(claim, load), _rest(debt, load))
            self.held.append((i, j))
            self.amounts.append(load)
        return True

    def drawn(self, rng: np.random.Generator) -> tuple[int, int] | None:
        """A free cell with probability in proportion to Q; None where there is none.

        Cells are drawn in proportion to A_i / L_j + L_j / A_i, a sum of two products of a row
        factor and a column factor, and accepted with probability Q_ij over it, at least 1/2.
        """
        one, two = (x.total * y.total for x, y in self._pairs)
        if not one + two > 0:
            return None
        for _ in range(TRIES):
            u, v, w, kept = rng.random(4).tolist()
            rows, columns = self._pairs[u * (one + two) >= one]
            i, j = rows.drawn(v), columns.drawn(w)
            ratio = self.claims[i] * self.per_debt[j]
            ratio = max(ratio, 1 / ratio)
            if kept * (ratio + 1 / ratio) < ratio and self.problem.free(i, j):
                return i, j
        rows_, columns_ = self.claims.held(), self.debts.held()
        if len(rows_) * len(columns_) > LISTED:
            return None
        ratios = np.outer([self.claims[i] for i in rows_], [self.per_debt[j] for j in columns_])
        open_ = self.problem.open(rows_[:, None], columns_)
        ladder = np.cumsum(np.maximum(ratios, 1 / ratios) * open_)
        if not open_.any():
            return None
        at = int(np.searchsorted(ladder, rng.random() * ladder[-1], side="right"))
        row, column = divmod(at, len(columns_))
        return int(rows_[row]), int(columns_[column])

    @property
    def _pairs(self) -> tuple[tuple[Sums, Sums], tuple[Sums, Sums]]:
        return (self.claims, self.per_debt), (self.per_claim, self.debts)

    def remove(self, at: int) -> None:
        """Remove one exposure."""
        self.held[at], self.held[-1] = self.held[-1], self.held[at]
        self.amounts[at], self.amounts[-1] = self.amounts[-1], self.amounts[at]
        (i, j), load = self.held.pop(), self.amounts.pop()
        self._set(i, j, self.claims[i] + load, self.debts[j] + load)

    def _set(self, i: int, j: int, claim: float, debt: float) -> None:
        """Set the amounts that row i and column j still have to place."""
        self.claims[i], self.debts[j] = claim, debt
        self.per_claim[i] = 1 / claim if claim > 0 else 0.0
        self.per_debt[j] = 1 / debt if debt > 0 else 0.0

    def cells(self) -> Cells:
        """Row, column and amount of the exposures, summed by cell."""
        pairs = np.array(self.held, np.int64).reshape(-1, 2)
        n = len(self.problem.supply)
        key, place = np.unique(pairs[:, 0] * n + pairs[:, 1], return_inverse=True)
        amount = np.bincount(place, np.array(self.amounts), len(key))
        return key // n, key % n, amount


def _rest(money: float, load: float) -> float:
    """The remainder after a load; 0 where it is a rounding error."""
    return money - load if money - load > 1e-12 * money else 0.0
