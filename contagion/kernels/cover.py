"""Covers: guarantors bear the first part of the loss of a creditor on a debtor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, diags_array

from .ladder import Ladder, within
from .shares import Shares


def covered(
    ladder: Ladder, group: np.ndarray, cap: np.ndarray, part: csr_array
) -> tuple[Ladder, Shares]:
    """Split a ladder where covers are exhausted, and assign the covered losses to guarantees.

    The losses of the claims of a group sum to u; the guarantors bear `min(u, cap)`. Where u
    reaches the cap, a segment is split in two.

    Parameters
    ----------
    ladder : over m claims.
    group : (m,) the group of covered claims that a claim belongs to, -1 for none; a group has
        claims on one debtor only.
    cap : (G,) money.
    part : (G, Q) share of each of Q guarantees in the cover of a group; rows sum to one.

    Returns
    -------
    The ladder with more segments, and its shares over m + Q columns: uncovered losses of the
    creditors, then covered losses of the guarantees.

    Example
    -------
    One claim of 10, a cover of 4:

    >>> one = Ladder(np.array([0]), np.array([10.0]), Shares(csr_array([[1.0]])), np.array([0]))
    >>> split, loses = covered(one, np.array([0]), np.array([4.0]), csr_array([[1.0]]))
    >>> split.width, loses.direct.toarray().tolist()
    (array([4., 6.]), [[0.0, 1.0], [1.0, 0.0]])
    """
    m, count, q = len(group), len(ladder.owner), part.shape[1]
    member = csr_array(
        (np.ones(int((group >= 0).sum())), (np.flatnonzero(group >= 0), group[group >= 0])),
        shape=(m, len(cap)),
    )
    touched = np.flatnonzero(ladder.shares.onto(np.where(group >= 0, 0, -1), 1).totals() > 0)
    rate = (ladder.shares.explicit(touched) @ member).tocoo()
    by = np.lexsort((rate.row, rate.col))
    row, of, pace = touched[rate.row[by]], rate.col[by], rate.data[by]
    before = within(of, pace * ladder.width[row])
    left = cap[of] - before
    inside = (left > 0) & (left < pace * ladder.width[row] * (1 - 1e-12))
    # a segment starts at 0, and again at each point where a cover is exhausted in it
    at = np.concatenate([np.arange(count), row[inside]])
    begin = np.concatenate([np.zeros(count), (left / pace)[inside]])
    order = np.lexsort((begin, at))
    at, begin = at[order], begin[order]
    last = np.append(at[1:] != at[:-1], True)
    end = np.where(last, ladder.width[at], np.append(begin[1:], 0.0))
    kept = np.flatnonzero((end > begin) | (ladder.width[at] == 0))
    at, begin, end = at[kept], begin[kept], end[kept]
    split = replace(ladder.reordered(at), width=end - begin)
    # for the affected groups: is the middle of the new segment still below the cap?
    new = np.flatnonzero(np.isin(at, touched))
    entries = split.shares.explicit(new).tocoo()
    which = group[entries.col]
    key = row * np.int64(len(cap)) + of
    sort = np.argsort(key)
    mine = at[new[entries.row]] * np.int64(len(cap)) + np.maximum(which, 0)
    found = sort[np.minimum(np.searchsorted(key[sort], mine), max(len(key) - 1, 0))]
    middle = (begin + end)[new[entries.row]] / 2
    below = (which >= 0) & (before[found] + pace[found] * middle < cap[np.maximum(which, 0)])
    stays = ~below
    share = part[which[below]].tocoo()
    data = np.concatenate([entries.data[stays], entries.data[below][share.row] * share.data])
    rows = np.concatenate([new[entries.row[stays]], new[entries.row[below]][share.row]])
    cols = np.concatenate([entries.col[stays], m + share.col])
    mask = np.ones(len(at))
    mask[new] = 0.0
    wide = split.shares.onto(np.arange(m), m + q)
    own = csr_array((data, (rows, cols)), shape=(len(at), m + q))
    keep = diags_array(mask)
    direct = csr_array(keep @ wide.direct + own)
    picks = None if wide.picks is None else csr_array(keep @ wide.picks)
    for matrix in (direct, picks):
        if matrix is not None:
            matrix.eliminate_zeros()
    return split, Shares(direct, picks, wide.bundles)
