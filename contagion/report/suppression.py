"""Cells of a table of sums that disclose one contributor, and cells hidden to protect them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import DisclosureError


def primary(
    parts: Sequence[np.ndarray], least: int = 3, dominant: tuple[int, float] = (2, 0.85)
) -> np.ndarray:
    """(cells,) bool: sums of fewer than `least` contributors, or dominated by the largest ones.

    Parameters
    ----------
    parts : for each cell the amount of every contributor; a cell of 0 reveals no contributor.
    dominant : (n, k): the n largest contributors have more than the share k of the cell.

    Example
    -------
    >>> primary([np.array([5.0, 4.0, 3.0]), np.array([9.0, 1.0]), np.array([90.0, 5, 5])]).tolist()
    [False, True, True]
    """
    found = []
    for part in parts:
        some = np.sort(np.asarray(part, float)[np.asarray(part) > 0])[::-1]
        few = 0 < len(some) < least
        found.append(
            few or (len(some) > 0 and some[: dominant[0]].sum() > dominant[1] * some.sum())
        )
    return np.array(found, bool)


def determined(sums: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """(cells,) bool: hidden cells whose value can be derived from the cells that are shown.

    `sums` (relations, cells) are linear relations between cells, each with sum 0; a total has
    the coefficient −1. A cell can be derived if no change of hidden cells that keeps all
    relations changes it.

    >>> total = np.array([[1, 1, 1, -1]])
    >>> determined(total, np.array([True, False, False, False])).tolist()
    [True, False, False, False]
    >>> bool(determined(total, np.array([True, True, False, False])).any())
    False
    """
    at = np.flatnonzero(hidden)
    found = np.zeros(len(hidden), bool)
    if not len(at):
        return found
    part = np.asarray(sums, float)[:, at]
    _, size, right = np.linalg.svd(part, full_matrices=True)
    rank = int((size > 1e-9 * max(size.max(initial=0.0), 1.0)).sum())
    free = right[rank:]  # basis of the changes that keep every relation
    found[at] = (np.abs(free) < 1e-9).all(axis=0) if len(free) else True
    return found


def protected(values: np.ndarray, hidden: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """(cells,) bool: the hidden cells, and further small cells until none can be derived.

    Raises
    ------
    DisclosureError : if hiding all cells that may be hidden is not enough.

    Example
    -------
    Of three parts of a total the second is hidden: the smallest other one is hidden with it.

    >>> total = np.array([[1, 1, 1, -1]])
    >>> protected(np.array([5.0, 1, 3, 9]), np.array([False, True, False, False]), total).tolist()
    [False, True, True, False]
    """
    hidden = np.array(hidden, bool)
    while (found := determined(sums, hidden)).any():
        beside = np.abs(sums[np.abs(sums[:, np.flatnonzero(found)[0]]) > 0]).sum(axis=0) > 0
        room = np.flatnonzero(beside & ~hidden & (values > 0))
        for wider in (beside & ~hidden, (values > 0) & ~hidden, ~hidden):
            room = room if len(room) else np.flatnonzero(wider)
        if not len(room):
            raise DisclosureError(
                "A cell that has to be hidden can be derived from the totals in any case. "
                "Leave the table out, or merge kinds."
            )
        hidden[room[np.argmin(values[room])]] = True
    return hidden
