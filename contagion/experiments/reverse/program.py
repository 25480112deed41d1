"""The smallest shock as a mixed-integer programme: exact, for clearing on small networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array

from ...kernels.programs import integer_program
from .answer import Search

MARGIN = 1e-7  # of the balance sheet: smallest shortfall of a node in default


class Rows:
    """Constraints of a programme `low <= A z <= high`, assembled block by block."""

    def __init__(self, columns: int):
        self.columns = columns
        self.blocks: list[tuple[csr_array, Any, Any]] = []

    def add(self, terms: list[tuple[int, Any]], low: Any, high: Any) -> None:
        """A block of rows: `terms` are (first column, matrix or vector of a diagonal)."""
        parts = []
        for first, matrix in terms:
            if not hasattr(matrix, "tocoo"):
                at = np.arange(len(matrix))
                matrix = coo_array((matrix, (at, at)), shape=(len(matrix), len(matrix)))
            part = matrix.tocoo()
            shape = (part.shape[0], self.columns)
            parts.append(csr_array((part.data, (part.row, part.col + first)), shape=shape))
        block = parts[0]
        for part in parts[1:]:
            block = csr_array(block + part)
        self.blocks.append((block, low, high))


def solve(search: Search, seconds: float) -> tuple[np.ndarray | None, bool, str]:
    """The smallest shock (n,), whether it is proved to be optimal, and the message of the solver.

    Variables: shock x, funds f, payments p on segments, u and v (payments on a segment have
    started, are complete), equity e, size t. With `a` external assets, `c` claims, S shares,
    w widths, b starts:

        f = a − x + c − Sᵀ (w − p)
        0 <= p <= w u,   p >= w v,   p <= f − b + M (1 − u),   p >= f − b − M v
        e >= 0,   e >= f − due

    u and v enforce p = clip(f − b, 0, w) in every solution; payments of nodes that cannot fail, or
    have a fixed recovery rate, are constants.
    """
    network, goal, assets = search.network, search.goal, search.assets
    book, segments, recoveries = network.book, network.segments, search.recoveries
    n, scale = len(network), network.book.claims + network.segments.due
    size = max(float(scale.max(initial=0.0)), 1e-300)
    own = book.stated_assets / size
    claims, due = book.claims / size, segments.due / size
    start, width, owner = segments.start / size, segments.width / size, segments.owner
    share = csr_array(segments.shares.explicit())
    s = len(owner)
    x, f, p, u, v, e, t = np.cumsum([0, n, n, s, s, s, n])
    columns = int(t) + 1
    pinned = ~np.isnan(recoveries)
    fixed = (~book.can_fail | pinned)[owner]
    paid = np.where(pinned, np.nan_to_num(recoveries), 1.0)[owner] * width
    free = np.flatnonzero(~fixed & (width > 0))
    rows = Rows(columns)
    eye, of = np.ones(n), csr_array((np.ones(s), (np.arange(s), owner)), shape=(s, n))
    lost = np.asarray(share.T @ width).ravel()
    rows.add(
        [(f, eye), (x, eye), (p, csr_array(-share.T))], own + claims - lost, own + claims - lost
    )
    top = (own + claims)[owner]

    def picked(matrix: np.ndarray | csr_array) -> csr_array:
        full = csr_array(np.diag(matrix)) if isinstance(matrix, np.ndarray) else matrix
        return csr_array(full[free])

    one, w = np.ones(s), width
    begun, full = start, np.maximum(top - start - width, 0.0)
    rows.add([(p, picked(one)), (u, picked(-w))], -np.inf, 0.0)
    rows.add([(p, picked(one)), (v, picked(-w))], 0.0, np.inf)
    rows.add([(p, picked(one)), (f, picked(-of)), (u, picked(begun))], -np.inf, 0.0)
    rows.add([(p, picked(one)), (f, picked(-of)), (v, picked(full))], -start[free], np.inf)
    rows.add([(e, eye), (f, -eye)], -due, np.inf)
    low = np.concatenate([np.zeros(2 * n), np.zeros(3 * s), np.zeros(n), [0.0]])
    high = np.concatenate([assets / size, own + claims, w, one, one, own + claims, [np.inf]])
    low[p + np.flatnonzero(fixed)] = high[p + np.flatnonzero(fixed)] = paid[fixed]
    limit = due - np.asarray(segments.absorbing) / size
    if goal.fail:
        high[f + np.array(goal.fail)] = (limit - MARGIN * scale / size)[list(goal.fail)]
    else:
        limited = (book.can_fail & book.known) | pinned
        equity = np.where(limited, np.nan_to_num(book.equity) / size, 0.0)
        counted = np.maximum(equity, 0.0)
        # owners without limited liability lose the full reduction of funds
        whole = np.where(limited, 0.0, own + claims)
        terms: list[tuple[int, Any]] = [(e, csr_array(limited[None] * 1.0))]
        terms.append((f, csr_array((~limited)[None] * 1.0)))
        most = counted.sum() + whole.sum() - (goal.loss + goal.base) / size
        rows.add(terms, -np.inf, most)
    cost = np.zeros(columns)
    if search.norm == "money":
        cost[x : x + n] = 1.0
    else:
        cost[t] = 1.0
        per = np.ones(n) if search.norm == "largest" else assets / size
        rows.add([(x, eye), (t, csr_array(-per[:, None]))], -np.inf, 0.0)
    whole_numbers = np.zeros(columns, np.int64)
    whole_numbers[u : u + 2 * s] = 1
    found = integer_program(
        cost, low, np.maximum(high, low), whole_numbers, rows.blocks, seconds=seconds
    )
    if found.z is None:
        return None, found.impossible, found.message
    shock = np.clip(found.z[:n] * size, 0.0, assets)
    return np.where(shock > 1e-12 * size, shock, 0.0), found.proved, found.message
