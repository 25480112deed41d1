"""The largest circulation within capacities: the claims that cycles can cancel."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import csr_array

from ..errors import ConvergenceError
from .programs import linear_program

TIGHT = 1e-10  # feasibility and optimality of the linear programme
DUAL = 1e-7  # largest gap between the solution and its dual
TOP = 1e3  # largest arc of the programme after scaling; the tolerance is 1e-13 times this
ROUNDS = 50  # maximum number of rounds that cut capacities to the flow nodes can pass on
EXACT = 1e-13  # largest remaining imbalance, relative to the largest arc
STEPS = 4


def largest_circulation(
    tail: np.ndarray, head: np.ndarray, capacity: np.ndarray, n: int
) -> np.ndarray:
    """Flow (m,) that solves: max Σ f with 0 ≤ f ≤ capacity and inflow = outflow at every node.

    Solved as a linear programme (HiGHS), on the arcs that lie on a cycle. Its solution is checked
    against the dual and cut to the capacities. The remaining imbalance is removed along paths from
    surplus to deficit; they always exist, because a flow is a circulation plus such paths.

    Parameters
    ----------
    tail, head : (m,) nodes 0 … n−1 of each arc, no arc twice.
    capacity : (m,) ≥ 0.
    n : number of nodes.

    Raises
    ------
    ConvergenceError
        If the programme is not solved.

    Example
    -------
    A cycle with capacities 3, 2 and 4 and an arc that leads out of it:

    >>> tail, head = np.array([0, 1, 2, 0]), np.array([1, 2, 0, 3])
    >>> largest_circulation(tail, head, np.array([3.0, 2.0, 4.0, 9.0]), 4).tolist()
    [2.0, 2.0, 2.0, 0.0]
    """
    flow = np.zeros(len(capacity))
    some = capacity > 0
    links = (tail[some], head[some])
    graph = csr_array((np.ones(len(links[0]), np.int8), links), shape=(n, n))
    from scipy.sparse.csgraph import connected_components

    part = connected_components(graph, connection="strong")[1]
    arcs = np.flatnonzero((part[tail] == part[head]) & some)
    if len(arcs):
        nodes, ends = np.unique(np.concatenate([tail[arcs], head[arcs]]), return_inverse=True)
        signs = np.repeat([1.0, -1.0], len(arcs))
        places = np.tile(np.arange(len(arcs)), 2)
        balance = csr_array((signs, (ends, places)), shape=(len(nodes), len(arcs)))
        flow[arcs] = _solved(balance, capacity[arcs])
    return flow


def _solved(balance: csr_array, capacity: np.ndarray) -> np.ndarray:
    capacity = _passable(balance, capacity)
    scale = float(capacity.max())
    cost = np.full(len(capacity), -1.0)
    flow = _programme(balance, cost, np.zeros(balance.shape[0]), capacity, scale)
    flow = np.clip(flow, 0.0, capacity)
    size = float(np.abs(balance @ flow).max())
    for _ in range(STEPS):
        if size <= EXACT * scale:
            return np.asarray(flow)
        flow = np.clip(flow - _paths(balance, flow, size), 0.0, flow)
        size = float(np.abs(balance @ flow).max())
    if size > 1e3 * EXACT * scale:
        raise ConvergenceError(f"The circulation is out of balance by {size:g} of {scale:g}.")
    return np.asarray(flow)


def _paths(balance: csr_array, flow: np.ndarray, size: float) -> np.ndarray:
    """The part (m,) of a flow that runs from surplus to deficit: min Σ x, balance · x = surplus.

    Because of rounding, surpluses do not sum exactly to zero; the difference is penalized at a
    cost above that of any path.
    """
    surplus = balance @ flow
    nodes, arcs = balance.shape
    over = sparse.eye_array(nodes)
    most = np.append(np.minimum(flow, np.abs(surplus).sum()), np.full(2 * nodes, np.inf))
    cost = np.append(np.ones(arcs), np.full(2 * nodes, nodes + 1.0))
    wide = sparse.hstack([balance, over, -over], format="csr")
    return _programme(wide, cost, surplus, most, size)[:arcs]


def _passable(balance: csr_array, capacity: np.ndarray) -> np.ndarray:
    """Capacities cut to the possible inflow at the tail and outflow at the head of an arc.

    This excludes no circulation, and reduces differences in scale between arcs.
    """
    out, into = (balance > 0).astype(float), (balance < 0).astype(float)
    for _ in range(ROUNDS):
        most = np.minimum(out.T @ (into @ capacity), into.T @ (out @ capacity))
        if (capacity <= most).all():
            break
        capacity = np.minimum(capacity, most)
    return capacity


def _programme(
    balance: csr_array, cost: np.ndarray, surplus: np.ndarray, most: np.ndarray, scale: float
) -> np.ndarray:
    """min cost · x with balance · x = surplus, 0 ≤ x ≤ most; checked against the dual."""
    scale /= TOP
    found = linear_program(
        "circulation",
        cost,
        np.column_stack([np.zeros(len(most)), most / scale]),
        equal=(balance, surplus / scale),
        gap=DUAL,
        method="highs-ds",
        primal_feasibility_tolerance=TIGHT,
        dual_feasibility_tolerance=TIGHT,
    )
    return found.z * scale
