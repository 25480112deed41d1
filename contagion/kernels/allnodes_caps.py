"""Triggers that fail others outright: the inverse with some nodes held at all they have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from .allnodes_columns import Inverse, columns

ENTRIES = 2**20  # of the small matrices solved at a time
LARGEST = 48  # nodes that one trigger may hold before rounds are cheaper
STORED = 2**24  # entries of M that are kept for it
NEAR = 1e-9  # a loss this close to all of the equity is left to the rounds


def groups(
    whole: Inverse,
    returns: csr_array,
    triggers: np.ndarray,
    others: np.ndarray,
    passed: float,
    strict: np.ndarray,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The matrices `M_SS` of triggers, S the trigger and those that lose all they have and more.

    Left out are triggers that bring a node so close to that limit that the bound leaves it open,
    and those that fail very many.

    Parameters
    ----------
    returns : rows as in :func:`~.allnodes_columns.scaled_rows`.
    triggers, others : nodes, and those that they may fail; sorted.
    strict : (N,) what an entry in the row of a node may be off, about.

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
    """For G triggers with t nodes each that may be held at 1; first the trigger, then they.

    Attributes
    ----------
    weights : (G, t + 1) the w of `h = M w`, zero for nodes that turn out not to be held.
    error : (G, t + 1) bound on it.
    held : (G, t) bool: the loss of the node reaches all it has.
    clear : (G,) bool: no node is so close to the limit that the bound leaves it open.
    """

    weights: np.ndarray
    error: np.ndarray
    held: np.ndarray
    clear: np.ndarray


def hold(matrix: np.ndarray, doubt: np.ndarray, passed: float) -> Held:
    """Hold the trigger at `passed` and others at 1: `h = M w` with `M_SS w = h_S`.

    h is the least solution of `h = min(1, Λ h)`: the least over all choices of who follows Λh and
    who is held. Begin with all nodes that exceed 1 when none is held. That is too many: losses
    above 1 were passed on. A node that is held with `Λh < 1`, so `w > 0`, is let go, and h falls.
    It falls in every step (Howard's policy iteration for a minimum), so no node has to be held
    again, and after at most t steps no node is left to be released.

    Parameters
    ----------
    matrix : (G, t + 1, t + 1) `M_SS`.
    doubt : (G, t + 1, t + 1) bound on the error of its entries.

    Example
    -------
    Λ_10 = 2 and Λ_21 = 0.6: free of limits 1 would lose 2 and 2 would lose 1.2; 1 loses 1, 2 0.6.

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
