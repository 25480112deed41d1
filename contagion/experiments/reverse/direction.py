"""The smallest shock along one of several directions, bracketed by runs: for any model."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, diags_array

from .answer import Search

POINTS = 9  # sizes run at once
TOLERANCE = 1e-8  # of the largest size
NOISE = 1e-8  # of the largest size: distance of a run from its fixed point
ENTRIES, FEWEST = 2**22, 100  # most entries of the directions, but at least FEWEST directions
HOPS = 6  # steps over which losses are traced to rank the directions


def along(search: Search, lines: np.ndarray) -> tuple[int, float, float]:
    """The direction (of K, rows of `lines` (K, n)) with the smallest size, and its bracket.

    A shock of size t along d destroys `min(t d_i, assets_i)`; sizes range from 0 to the one that
    destroys all assets along d. All directions are run at the same sizes; a direction that does not
    reach the goal at a size where another does is dropped. Losses have to increase with t, as in
    every model that is monotone in the shock.

    Returns
    -------
    best : row of `lines`; low, high : no direction reaches the goal at `low`, and `best` reaches it
    at `high`. Both are nan if no direction reaches the goal, and `low` is −0.0 if it is reached
    without a shock.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        top = np.where(lines > 0, search.assets / lines, 0.0).max(axis=1)
    left = np.flatnonzero(_at(search, lines, top))
    if not len(left):
        return 0, np.nan, np.nan
    best = int(left[np.argmin(top[left])])
    if _at(search, lines[[best]], np.zeros(1))[0]:
        return best, -0.0, 0.0
    low, high = 0.0, float(top[best])
    while high - low > TOLERANCE * top[best]:
        count = int(np.clip(ENTRIES // lines[left].size, 1, POINTS))
        sizes = low + (high - low) * np.arange(1, count + 1) / (count + 1)
        tried = np.repeat(lines[left], count, axis=0)
        hit = _at(search, tried, np.tile(sizes, len(left))).reshape(-1, count)
        first = int(np.argmax(np.append(hit.any(axis=0), True)))
        if first < count:
            left = left[hit[:, first]]
            best = int(left[0])
        low, high = np.concatenate([[low], sizes, [high]])[[first, first + 1]].tolist()
    high = min(high + NOISE * top[best], top[best])
    return best, max(low - NOISE * top[best], 0.0), float(high)


def _at(search: Search, directions: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(K,) bool: whether the goal is reached at these sizes."""
    return search.reached(np.minimum(sizes[:, None] * directions, search.assets))


def usual(search: Search) -> tuple[np.ndarray, list[str], str]:
    """Each node alone and all in proportion, with size 1; their names, and a text on the selection.

    A large network uses only the nodes whose loss can contribute most to the goal, measured by
    external assets times the share that reaches the nodes that have to default if no node on the
    way absorbs any loss. The text gives the number of nodes used.
    """
    network, assets = search.network, search.assets
    nodes = np.flatnonzero(assets > 0)
    few, said = max(FEWEST, ENTRIES // len(network)), ""
    if len(nodes) > few:
        arrives = assets * _passed(search)
        said = f", with {few:,} of {len(nodes):,} nodes alone"
        nodes = np.sort(nodes[np.argsort(-arrives[nodes], kind="stable")[:few]])
    lines = np.zeros((len(nodes) + 1, len(network)))
    lines[np.arange(len(nodes)), nodes] = assets[nodes]
    lines[-1] = assets
    lines = lines[: len(lines) if len(nodes) else 0]
    names = [f"{name} alone" for name in network.names[nodes]]
    names.append("in proportion to external assets")
    return lines / search.sized(lines)[:, None], names, said


def _passed(search: Search) -> np.ndarray:
    """(n,) share of a loss that reaches the nodes that have to default; 1 for a goal `loss`."""
    network, goal = search.network, np.zeros(len(search.network))
    if not search.goal.fail:
        return goal + 1.0
    goal[list(search.goal.fail)] = 1.0
    due = network.segments.due
    share = csr_array(diags_array(1.0 / np.where(due > 0, due, 1.0)) @ network.liabilities)
    found = term = goal
    for _ in range(HOPS):
        term = share @ term
        found = found + term
    return np.asarray(found)
