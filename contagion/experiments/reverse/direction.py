"""The smallest shock along directions, bracketed by runs of the model: for any model."""

from __future__ import annotations

import numpy as np

from .answer import Search

POINTS = 9  # sizes tried at once along every direction
TOLERANCE = 1e-8  # of the largest size
NOISE = 1e-8  # of it as well: how far a run may be from its fixed point


def along(search: Search, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Brackets (low, high) of the smallest size along each direction (K, n).

    A shock of size t along d destroys `min(t d_i, assets_i)`; sizes run from 0 to the one at which
    everything along d is gone. The goal is not reached at `low` and reached at `high`; both are
    nan where it is not reached at all, and `low` is −0.0 where it is reached without a shock.
    Losses only grow with t, in every model whose losses are monotone in the shock.

    Returns
    -------
    low, high : (K,) sizes.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.where(directions > 0, search.assets / directions, 0.0)
    top = ends.max(axis=1)
    high = np.where(_at(search, directions, top), top, np.nan)
    low = np.zeros(len(directions))
    open_ = np.flatnonzero(~np.isnan(high))
    start = _at(search, directions[open_], low[open_])
    high[open_[start]], low[open_[start]] = 0.0, -0.0
    open_ = open_[~start]
    steps = np.arange(1, POINTS + 1) / (POINTS + 1)
    while len(open_):
        sizes = low[open_, None] + (high - low)[open_, None] * steps
        repeated = np.repeat(directions[open_], POINTS, axis=0)
        hit = _at(search, repeated, sizes.ravel())
        hit = hit.reshape(sizes.shape)
        first = np.where(hit.any(axis=1), hit.argmax(axis=1), POINTS)
        wide = np.column_stack([low[open_], sizes, high[open_]])
        rows = np.arange(len(open_))
        low[open_], high[open_] = wide[rows, first], wide[rows, first + 1]
        open_ = open_[(high - low)[open_] > TOLERANCE * top[open_]]
    low[np.isnan(high)] = np.nan
    moved = high > 0
    high[moved] = np.minimum(high + NOISE * top, top)[moved]
    low[moved] = np.maximum(low - NOISE * top, 0.0)[moved]
    return low, high


def _at(search: Search, directions: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(K,) bool: is the goal reached at these sizes?"""
    return search.reached(np.minimum(sizes[:, None] * directions, search.assets))
