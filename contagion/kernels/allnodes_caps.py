"""Triggers that cause further defaults: the inverse with some nodes held at a loss of 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from .allnodes_columns import Inverse, columns

ENTRIES = 2**20  # entries of the small matrices solved at a time
LARGEST = 48  # with more nodes held by one trigger, rounds are cheaper
STORED = 2**24  # entries of M that are stored for these triggers
NEAR = 1e-9  # a relative loss this close to 1 is left to the rounds


def groups(
    whole: Inverse,
    returns: csr_array,
    triggers: np.ndarray,
    others: np.ndarray,
    passed: float,
    strict: np.ndarray,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The matrices `M_SS` of triggers; S is the trigger and the nodes with a loss of 1 or more.

    Triggers are left out if a node comes so close to 1 that the error bound cannot decide, or if
    they cause very many defaults.

    Parameters
    ----------
    returns : rows as in :func:`~.allnodes_columns.scaled_rows`.
    triggers, others : the triggers, and the nodes that may default because of them; sorted.
    strict : (N,) approximate error allowed for an entry in the row of a node.

    Yields
    ------
    nodes (G, t + 1), `M_SS` (G, t + 1, t + 1), bounds on its errors, for equal t.
    """
    used = np.union1d(triggers, others)
    if not len(triggers) or len(used) * len(others) > STORED:
        return
    row, reach = whole.place[used], (whole.rest * whole.unit)[whole.place[used]]
    own = whole.unit[whole.place[used]]
    second, first = np.searchsorted(used, others), np.searchsorted(used, triggers)
    across, down = np.empty((len(others), len(used))), np.empty((len(used), len(others)))
    diagonal, error, missing = np.ones(len(used)), np.zeros(len(used)), np.empty(len(used))
    weight, far = returns @ whole.rest, returns @ whole.far
    limit = own / (reach / strict[used]).max(initial=1e-300)
    for block in columns(whole, used, limit):
        at = np.searchsorted(used, block.nodes)
        entries = block.rows(row) * whole.unit[row, None] / own[at]
        across[:, at], missing[at] = entries[second], block.missing / own[at]
        ours = np.flatnonzero(np.isin(block.nodes, others))
        down[:, np.searchsorted(others, block.nodes[ours])] = entries[:, ours]
        k = np.minimum(block.nodes, returns.shape[0] - 1)
        back = block.along(returns[k], far[k])
        diagonal[at], error[at] = 1.0 + back, block.missing * weight[k]
    loss = passed * across[:, first] / diagonal[first]
    doubt = passed * reach[second, None] * missing[first] + loss * error[first]
    loss[others[:, None] == triggers] = 0.0
    clear = ~((np.abs(loss - 1) <= NEAR + doubt).any(axis=0))
    beyond = loss > 1
    count = beyond.sum(axis=0)
    for size in np.unique(count[clear & (count <= LARGEST)]):
        group = np.flatnonzero(clear & (count == size))
        step = max(1, ENTRIES // int(size + 1) ** 2)
        for begin in range(0, len(group), step):
            g = first[here := group[begin : begin + step]]
            held = np.nonzero(beyond[:, here].T)[1].reshape(len(here), size)
            both = np.concatenate([g[:, None], second[held]], axis=1)
            matrix, wrong = (np.empty((len(here), size + 1, size + 1)) for _ in range(2))
            matrix[:, :, 1:] = down[both[:, :, None], held[:, None, :]]
            matrix[:, 1:, 0] = across[held, g[:, None]]
            matrix[:, 0, 0] = diagonal[g]
            wrong[:] = reach[both][:, :, None] * missing[both][:, None, :]
            wrong[:, 0, 0] = error[g]
            yield used[both], matrix, wrong


@dataclass(frozen=True)
class Held:
    """Results for G triggers with t nodes each that may be held at 1; the trigger comes first.

    Attributes
    ----------
    weights : (G, t + 1) the w of `h = M w`, zero for nodes that are not held in the end.
    error : (G, t + 1) bound on the error of `weights`.
    held : (G, t) bool: the node loses all its equity.
    clear : (G,) bool: the error bound decides for every node whether it is held.
    """

    weights: np.ndarray
    error: np.ndarray
    held: np.ndarray
    clear: np.ndarray


def hold(matrix: np.ndarray, doubt: np.ndarray, passed: float) -> Held:
    """Hold the trigger at `passed` and others at 1: `h = M w` with `M_SS w = h_S`.

    h is the least solution of `h = min(1, Λ h)`: the minimum over all choices of the set of held
    nodes. Start with all nodes above 1 when none is held. This set is too large, as losses above 1
    were passed on. A held node with `Λh < 1`, so `w > 0`, is released, and h falls. h falls in
    every step (Howard's policy iteration for a minimum), so no node has to be held again, and after
    at most t steps no further node is released.

    Parameters
    ----------
    matrix : (G, t + 1, t + 1) `M_SS`.
    doubt : (G, t + 1, t + 1) bound on the error of its entries.

    Example
    -------
    Λ_10 = 2 and Λ_21 = 0.6: without limits node 1 would lose 2 and node 2 would lose 1.2. With
    them node 1 loses 1 and node 2 loses 0.6.

    >>> m = np.array([[[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [1.2, 0.6, 1.0]]])
    >>> found = hold(m, 0 * m, 1.0)
    >>> found.held.tolist(), found.weights.tolist()
    ([[True, False]], [[1.0, -1.0, 0.0]])
    """
    count, size = matrix.shape[:2]
    keep = np.ones((count, size), bool)
    target = np.ones(size)
    target[0] = passed
    eye = np.eye(size)
    while True:
        both = keep[:, :, None] & keep[:, None, :]
        inverse = np.linalg.inv(np.where(both, matrix, eye))
        weights = np.einsum("gij,gj->gi", inverse, target * keep)
        spread = np.einsum("gij,gj->gi", np.where(both, doubt, 0.0), np.abs(weights))
        error = np.einsum("gij,gj->gi", np.abs(inverse), spread) + 1e-12
        free = keep & (weights > error)
        free[:, 0] = False
        if not free.any():
            break
        keep &= ~free
    open_ = keep & (np.abs(weights) <= error)
    return Held(weights, error, keep[:, 1:], ~open_[:, 1:].any(axis=1))
