"""Linear DebtRank for the default of each node, computed for all nodes at once.

The relative losses h after the default of node k are the least solution of `h = min(1, Λ h)` with
`h_k = p`, where `Λ_jk = X_jk / E_j` is the loss of j, relative to its equity, if k loses all its
equity. With `M = (I − Λ)⁻¹`, and while no other node loses all its equity, this is column k of M:

    h = p M_k / M_kk      Σ_j v_j h_j = p (vᵀM)_k / M_kk      Σ_k h = M (p / diag M)

One solve gives `vᵀM` for all triggers, another the sums over triggers; only the diagonal of M
needs its columns. They are computed as a series (`allnodes_columns`) until the bound on the
remainder is negligible. This takes few rounds, as only the diagonal has to be accurate. If a
trigger makes other nodes lose all their equity, these are held at 1 (`allnodes_caps`). If the
powers of Λ do not tend to 0, or a node ends too close to default for the bound, plain rounds are
used (`allnodes_rounds`). With few nodes rounds are faster and are tried first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array

from .allnodes_caps import groups, hold
from .allnodes_columns import Inverse, columns, inverse, scaled_rows
from .allnodes_rounds import rounds
from .linear import Solver

FEW, SOON = 300, 50  # up to FEW nodes, SOON rounds are tried: cheaper than the algebra
TINY = 1e-300
CLOSE = 1 - 1e-6  # a loss above this share of the default threshold is checked
STRICTNESS = (10.0, 0.1)  # error of one trigger, relative to the error allowed for all on average


@dataclass(frozen=True)
class EachDefault:
    """Losses caused by the default of each of n nodes, relative to the state without shock; (n,).

    Attributes
    ----------
    impact, known_impact : losses of all other nodes, each at most its equity, money; losses of
        the other nodes with known balance sheet only.
    distress : `Σ_{j≠k} v_j h_j`, the relative equity losses of the other nodes, weighted by v.
    uncapped : losses of the other nodes with known balance sheet, not limited by equity, money.
    suffered, suffered_uncapped : losses of the node, summed over the defaults of the others, money.
    induced, failures : number of further defaults that it causes; number of defaults of other
        nodes that cause its own.
    """

    impact: np.ndarray
    known_impact: np.ndarray
    distress: np.ndarray
    uncapped: np.ndarray
    suffered: np.ndarray
    suffered_uncapped: np.ndarray
    induced: np.ndarray
    failures: np.ndarray


@dataclass
class AllNodes:
    """The effects of each of n single defaults among N nodes.

    Attributes
    ----------
    totals : (q, n) `Σ_j v_j h_j` for q rows of weights v, the trigger included.
    sums : (N,) `Σ_k h_j` over the triggers k, j itself included.
    back : (n,) loss that returns to the trigger, row k of `returns` times h.
    induced : (n,) number of further defaults, without the trigger.
    failures : (N,) number of triggers that cause the default of the node.
    by_rounds : (n,) bool, triggers that need the plain rounds.
    converged : (n,) bool.
    """

    totals: np.ndarray
    sums: np.ndarray
    back: np.ndarray
    induced: np.ndarray
    failures: np.ndarray
    by_rounds: np.ndarray
    converged: np.ndarray


@dataclass(frozen=True)
class System:
    """The arguments of :func:`all_nodes`; `limited` are nodes that can lose all their equity."""

    influence: csr_array
    returns: csr_array
    weights: np.ndarray
    fails: np.ndarray
    passed: float
    accuracy: float
    limited: np.ndarray = field(init=False)
    solver: Solver = field(init=False)

    def __post_init__(self) -> None:
        rows = np.flatnonzero(self.influence.sum(axis=1) >= 1 - 1e-9)
        object.__setattr__(self, "limited", rows)
        object.__setattr__(self, "solver", Solver(self.influence))

    @property
    def n(self) -> int:
        return int(self.returns.shape[0])

    @property
    def passes(self) -> np.ndarray:
        """(n,) bool: the trigger would pass on losses that return to it."""
        return np.asarray(np.diff(self.influence.indptr)[: self.n] > 0)


def all_nodes(
    influence: csr_array,
    returns: csr_array,
    weights: np.ndarray,
    fails: np.ndarray,
    passed: float = 1.0,
    *,
    accuracy: float = 1e-8,
    tolerance: float = 1e-10,
    most: int = 100_000,
) -> AllNodes:
    """The effects of the default of every single node.

    Parameters
    ----------
    influence : CSR (N, N) Λ; a node with an empty row passes on no loss unless it is the trigger.
    returns : CSR (n, N), row k gives the loss that returns to trigger k; for nodes that pass on
        losses it is row k of Λ.
    weights : (q, N) v >= 0.
    fails : (N,) bool, nodes that default when they lose all their equity.
    passed : p, the relative loss of the trigger, in [0, 1].
    accuracy : bound on the error of `totals` over `Σ v`, and of `sums` over n.
    tolerance, most : tolerance and maximum number of the rounds, where they are needed.

    Example
    -------
    Each node passes half of its loss to the other: `M_00 = 4/3`, `h_1 = 1/2`.

    >>> ring = csr_array(np.array([[0.0, 0.5], [0.5, 0.0]]))
    >>> found = all_nodes(ring, ring, np.ones((1, 2)), np.ones(2, bool))
    >>> found.totals.round(6).tolist(), found.back.round(6).tolist()
    ([[1.5, 1.5]], [0.25, 0.25])
    """
    system = System(influence, returns, weights, fails, passed, accuracy)
    if passed == 0:
        return _nothing(system)
    if len(fails) <= FEW:
        found = _by_rounds(system)
        _rounds(system, found, min(tolerance, accuracy), min(SOON, most), give_up=True)
        if found.converged.all():
            return found
    whole = inverse(influence)
    found = (None if whole is None else _algebra(system, whole)) or _by_rounds(system)
    _rounds(system, found, tolerance, most)
    return found


def _by_rounds(system: System) -> AllNodes:
    """All triggers by plain rounds."""
    found = _nothing(system)
    found.by_rounds[:] = True
    return found


def _nothing(system: System) -> AllNodes:
    n, size = system.n, system.influence.shape[0]
    return AllNodes(
        np.zeros((len(system.weights), n)),
        np.zeros(size),
        np.zeros(n),
        np.zeros(n, np.int64),
        np.zeros(size, np.int64),
        np.zeros(n, bool),
        np.ones(n, bool),
    )


def _rounds(
    system: System, out: AllNodes, tolerance: float, most: int, *, give_up: bool = False
) -> None:
    """Add the triggers of `by_rounds`; stop at the first block that does not converge."""
    todo = np.flatnonzero(out.by_rounds)
    for nodes, h, still in rounds(system.influence, todo, system.passed, tolerance, most):
        one = np.ones(len(nodes))  # products with it are the fastest sums
        failed = ((h >= 1 - 1e-12) & system.fails[:, None]).astype(float)
        failed[nodes, np.arange(len(nodes))] = 0.0
        part = system.returns[nodes]
        column = np.repeat(np.arange(len(nodes)), np.diff(part.indptr))
        out.totals[:, nodes] = system.weights @ h
        out.sums += h @ one
        out.back[nodes] = np.bincount(column, part.data * h[part.indices, column], len(nodes))
        out.induced[nodes] = np.ones(len(h)) @ failed
        out.failures += (failed @ one).astype(np.int64)
        out.converged[nodes] = still
        if give_up and not still:
            return


def _algebra(system: System, whole: Inverse) -> AllNodes | None:
    """All triggers except those left in `by_rounds`; `None` if the equations were not solved."""
    value, solved = system.solver(system.weights.T, transposed=True)
    if not solved.all():
        return None
    share = (value.T / np.maximum(system.weights.sum(axis=1), TINY)[:, None]).max(axis=0)
    for strictness in STRICTNESS:
        least = whole.sums.max() / (strictness * system.n)
        found = _at_once(system, whole, value.T, np.maximum(share, least))
        if found is not None:
            return found
    return None


def _at_once(
    system: System, whole: Inverse, value: np.ndarray, share: np.ndarray
) -> AllNodes | None:
    """The triggers by algebra; `share` is the weight of a node, by which errors are divided.

    `None` if the accumulated error in `sums` is too large.
    """
    out, n, p = _nothing(system), system.n, system.passed
    returns = scaled_rows(whole, system.returns)
    found = _columns(system, whole, returns, 0.5 * system.accuracy / share[:n])
    plain = ~found.near & (found.error * share[:n] <= system.accuracy)
    out.by_rounds[:] = ~plain
    load, error = np.zeros(len(share)), np.zeros(len(share))
    error[:n] = np.where(plain, found.error, 0.0)
    load[:n] = np.where(plain, p / found.diagonal, 0.0)
    out.totals[:] = value[:, :n] * load[:n]
    out.back[:] = found.back * load[:n]
    able = found.near & (system.passes | (np.diff(returns.indptr) == 0))
    strict = 0.25 * system.accuracy / share
    for nodes, matrix, doubt in groups(whole, returns, np.flatnonzero(able), found.met, p, strict):
        held = hold(matrix, doubt, p)
        good = held.clear & ((held.error * share[nodes]).sum(axis=1) <= system.accuracy)
        nodes, w = nodes[good], held.weights[good]
        trigger, others = nodes[:, 0], nodes[:, 1:]
        out.by_rounds[trigger] = False
        out.totals[:, trigger] = np.einsum("gs,qgs->qg", w, value[:, nodes])
        out.back[trigger] = np.where(system.passes[trigger], p - w[:, 0], 0.0)
        fall = held.held[good] & system.fails[others]
        out.induced[trigger] = fall.sum(axis=1)
        np.add.at(out.failures, others[fall], 1)
        np.add.at(load, nodes, w)
        np.add.at(error, nodes, held.error[good])
    sums, solved = system.solver(np.stack([load, error], axis=1))
    if not solved.all() or sums[:, 1].max(initial=0.0) > system.accuracy * n:
        return None
    out.sums[:] = sums[:, 0]
    return out


@dataclass(frozen=True)
class Found:
    """For every trigger k: `M_kk`, the loss that returns to it by M, and the error bound on both.

    near : (n,) bool, triggers that bring other nodes to default or close to it.
    met : these other nodes.
    """

    diagonal: np.ndarray
    back: np.ndarray
    error: np.ndarray
    near: np.ndarray
    met: np.ndarray


def _columns(system: System, whole: Inverse, returns: csr_array, limit: np.ndarray) -> Found:
    """The columns of all triggers, each computed until the error of `M_kk` is at most `limit`."""
    n, passes = system.n, system.passes
    weight, far = returns @ whole.rest, returns @ whole.far
    missing = limit / np.maximum(weight, TINY)
    order = np.argsort(missing)
    sorted_, done = returns[order], 0
    back, error, near = np.zeros(n), np.zeros(n), np.zeros(n, bool)
    rows = whole.place[system.limited]
    met = np.zeros(len(rows), bool)
    for block in columns(whole, order, missing[order]):
        k = block.nodes
        back[k] = block.along(sorted_[done : done + len(k)], far[k])
        error[k] = block.missing * weight[k]
        done += len(k)
        most = block.rows(rows)
        most += whole.rest[rows, None] * block.missing
        most *= whole.unit[rows, None]
        least = np.where(passes[k], 1.0 + back[k] - error[k], 1.0) * whole.unit[whole.place[k]]
        over = most >= CLOSE / system.passed * least
        over &= system.limited[:, None] != k
        near[k] = over.any(axis=0)
        met |= over.any(axis=1)
    return Found(np.where(passes, 1.0 + back, 1.0), back, error, near, system.limited[met])
