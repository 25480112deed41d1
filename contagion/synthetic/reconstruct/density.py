"""Minimum density: as few exposures as the margins allow."""

from __future__ import annotations

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
from ._transport import carried
from .ensemble import Ensemble, gathered, reconstructed
from .margins import Margins

Cells = tuple[np.ndarray, np.ndarray, np.ndarray]
LINK = 1.0  # cost of a link, c; margins are counted in their mean
SPREAD = 1.0  # θ, how strongly cheaper networks are preferred
PATIENCE = 200  # steps a node


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

    The heuristic places claims one exposure at a time. With A_i and L_j what is still to be placed
    of claims and debts (in units of the mean margin), a cell is drawn with probability in
    proportion to

        Q_ij = max(A_i / L_j, L_j / A_i),

    so that small banks deal with large ones, and loaded with min(A_i, L_j), the most it can take.
    The new network Z' is kept for certain when it raises

        V(Z) = −c Σ 1[Z_ij > 0] − (Σ A_i² + Σ L_j²) / n,

    n the number of margins above 0, and with probability exp(θ (V(Z') − V(Z))) otherwise; with
    probability `removal` a step takes an exposure out instead. c = θ = 1. Amounts left at the end
    that fit no free cell are placed along augmenting paths. Exposures that close a cycle of the
    bipartite graph are then cancelled, so that a network of k creditors and d debtors has at most k
    + d − 1 exposures: for margins without coincidences there is none with fewer.

    Parameters
    ----------
    margins : what is known.
    exact : solve the mixed-integer programme (HiGHS) instead. For some twenty nodes and few more:
        it is NP-hard.
    samples : networks to draw.
    removal : probability ε of a removal, 0 ≤ ε < 0.5.
    time_limit : seconds for `exact`.
    rng : seed or generator, as of `numpy.random.default_rng`.
    progress : show a progress bar.

    Raises
    ------
    ConvergenceError : With `exact`, where the minimum is not proven in time; `.partial` is the best
        network and the message says the bound.
    ArgumentError : for `samples` below 1, `removal` outside [0, 0.5) and several exact samples.

    Example
    -------
    Two of the debts are as large as two of the claims: three exposures do, and no two could.

    >>> import contagion as ct
    >>> from contagion.synthetic import reconstruct
    >>> margins = reconstruct.Margins(["a", "b", "c"], claims=[3, 2, 1], debts=[1, 3, 2])
    >>> sparse = reconstruct.minimum_density(margins, exact=True)
    >>> sparse.network.exposures[["creditor", "debtor", "amount"]].values.tolist()
    [['a', 'b', 3.0], ['b', 'c', 2.0], ['c', 'a', 1.0]]

    Source: after Anand, Craig and von Peter (2015), Quantitative Finance 15(4), 625-636; their text
    of the algorithm was not read. Load, prior, value and removal are as the R package
    NetworkRiskMeasures documents them; the mean margin as the unit of money, the augmenting paths
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
            state.remove(int(rng.integers(len(state.held))))
        elif not state.place(rng):
            break
    row, column, amount = state.cells()
    placed = np.bincount(row, amount * scale, n).sum()
    if total - placed > 1e-12 * total:
        row, column, amount = _completed(problem, row, column, amount * scale)
    row, column, _ = forest(row, column, amount, n)
    return row, column, settled(row, column, problem.supply, problem.demand)


def _completed(problem: Problem, row: np.ndarray, column: np.ndarray, amount: np.ndarray) -> Cells:
    """What is still to be placed, along the shortest augmenting paths over all cells."""
    n = len(problem.supply)
    rows, columns = problem.dense("What the heuristic of minimum density leaves over")
    start = csr_array((amount, (row, column)), shape=(n, n))
    full = carried(rows, columns, problem.supply, problem.demand, start[rows, columns])
    some = full > 1e-12 * full.max()
    return rows[some], columns[some], full[some]


class _State:
    """Claims and debts still to be placed, and the exposures so far."""

    def __init__(self, problem: Problem, active: int):
        self.claims, self.debts, self.active = problem.supply.copy(), problem.demand.copy(), active
        self.problem, self.taken = problem, problem.shut
        self.stuck = np.zeros(len(self.claims), bool)
        self.held: list[tuple[int, int]] = []
        self.amounts: list[float] = []

    @property
    def left(self) -> float:
        return float(self.claims.sum())

    def place(self, rng: np.random.Generator) -> bool:
        """Draw a cell by Q and load it, or not, by V; False where no cell is free."""
        claims, debts = self.claims, self.debts
        rows = np.flatnonzero((claims > 0) & ~self.stuck)
        columns = np.flatnonzero(debts)
        if not len(rows) or not len(columns):
            return False
        i = int(rows[_pick(self._weights(rows, columns), rng)])
        ratio = claims[i] / debts[columns]
        each = np.maximum(ratio, 1 / ratio) * self.problem.open(i, columns)
        if not each.any():
            self.stuck[i] = True
            return True
        j = int(columns[_pick(each, rng)])
        load = min(claims[i], debts[j])
        gain = load * (2 * claims[i] + 2 * debts[j] - 2 * load) / self.active - LINK
        if gain >= 0 or rng.random() < np.exp(SPREAD * gain):
            claims[i] = _rest(claims[i], load)
            debts[j] = _rest(debts[j], load)
            self.held.append((i, j))
            self.amounts.append(load)
        return True

    def _weights(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Σ_j Q_ij over the free cells of rows: all columns by sorted sums, less the others."""
        claims, debts = self.claims, self.debts
        own, sorted_ = claims[rows], np.sort(debts[columns])
        below = np.searchsorted(sorted_, own)
        inverse = np.concatenate([[0.0], np.cumsum(1 / sorted_)])
        sums = np.concatenate([[0.0], np.cumsum(sorted_)])
        weight = own * inverse[below] + (sums[-1] - sums[below]) / own
        row, column = self.taken
        some = (claims[row] > 0) & (debts[column] > 0)
        ratio = claims[row[some]] / debts[column[some]]
        lost = np.bincount(row[some], np.maximum(ratio, 1 / ratio), len(claims))[rows]
        return np.asarray(np.maximum(weight - lost, 1e-12 * weight))

    def remove(self, at: int) -> None:
        """Take one exposure out again."""
        (i, j), load = self.held.pop(at), self.amounts.pop(at)
        self.claims[i] += load
        self.debts[j] += load
        self.stuck[:] = False

    def cells(self) -> Cells:
        """Row, column and amount of the exposures, one a cell."""
        pairs = np.array(self.held, np.int64).reshape(-1, 2)
        n = len(self.claims)
        key, place = np.unique(pairs[:, 0] * n + pairs[:, 1], return_inverse=True)
        amount = np.bincount(place, np.array(self.amounts), len(key))
        return key // n, key % n, amount


def _rest(money: float, load: float) -> float:
    """What a load leaves; nothing where that is rounding."""
    return money - load if money - load > 1e-12 * money else 0.0


def _pick(weight: np.ndarray, rng: np.random.Generator) -> int:
    """A place drawn in proportion to weights."""
    ladder = np.cumsum(weight)
    at = int(np.searchsorted(ladder, rng.random() * ladder[-1], side="right"))
    return min(at, int(np.flatnonzero(weight)[-1]))
