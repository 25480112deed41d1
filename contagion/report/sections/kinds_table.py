"""Claims between kinds of nodes as a table with sums; sums that disclose one node are hidden."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...network.exposure_network import ExposureNetwork
from ...plot.style import kinds
from ...units import scale
from ..disclosure import Disclosure
from ..given import Given
from ..parts import Exhibit, table
from ..suppression import primary, protected

MOST = 12  # kinds
ALL = "all"
HIDDEN = "c"


def claims_between(about: Given) -> Exhibit | None:
    """T2K: claims of the nodes of each kind on those of each kind."""
    net, coded = about.network, about.coded
    mine = kinds(net) if coded is None else coded.kinds
    if not 1 < len(set(mine)) <= MOST or not len(net.amount):
        return None
    frame, hidden, _, cells = between(net, mine, None if coded is None else coded.how)
    to = scale(frame.to_numpy().ravel(), net.unit)
    rows = [
        [kind, *(HIDDEN if no else to(x) for x, no in zip(frame.loc[kind], hide, strict=True))]
        for kind, hide in zip(frame.index, hidden, strict=True)
    ]
    *rows, total = rows
    note = f"Amounts in {to.label or 'money'}, creditors in rows, debtors in columns."
    note += f" {HIDDEN}: hidden, see the list of hidden sums." if cells else ""
    head = ["claims of", *(f"on {kind}" if kind != ALL else ALL for kind in frame)]
    done = table(head, rows, note=note, total=total)
    return Exhibit("T2K", "Flows between kinds", table=done)


def between(
    net: ExposureNetwork, kind: np.ndarray, how: Disclosure | None
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, list[tuple[str, str, str]]]:
    """Sums between kinds with totals, the hidden cells, and a list of them with reasons.

    A contributor to a sum is a creditor or debtor of its claims; the shares of the largest
    creditors, and those of the largest debtors, are tested.
    """
    words = sorted(set(map(str, kind)))
    of = {word: at for at, word in enumerate(words)}
    mine = np.array([of[str(word)] for word in kind])
    n = len(words)
    from_, to_ = mine[net.creditor], mine[net.debtor]
    grid = np.zeros((n + 1, n + 1))
    np.add.at(grid, (from_, to_), net.amount)
    grid[n, :n], grid[:n, n], grid[n, n] = grid[:n, :n].sum(0), grid[:n, :n].sum(1), grid.sum()
    frame = pd.DataFrame(grid, [*words, ALL], [*words, ALL])
    hidden, rule = np.zeros((2, n + 1, n + 1), bool)
    if how is None:
        return frame, hidden, rule, []
    for side in (net.creditor, net.debtor):
        parts = []
        for row in range(n + 1):
            for column in range(n + 1):
                inside = ((from_ == row) | (row == n)) & ((to_ == column) | (column == n))
                parts.append(np.bincount(side[inside], net.amount[inside], len(net)))
        rule |= primary(parts, how.least, how.dominant).reshape(rule.shape)
    hidden = protected(grid.ravel(), rule.ravel(), _sums(n)).reshape(rule.shape)
    cells = [
        (
            frame.index[i],
            frame.columns[j],
            "few contributors" if rule[i, j] else "would disclose another",
        )
        for i, j in np.argwhere(hidden)
    ]
    return frame, hidden, rule, cells


def _sums(n: int) -> np.ndarray:
    """Linear relations of a square table of n kinds with totals below and on the right."""
    found = []
    for line in range(n + 1):
        across, down = np.zeros((2, n + 1, n + 1))
        across[line, :n], across[line, n] = 1.0, -1.0
        down[:n, line], down[n, line] = 1.0, -1.0
        found += [across.ravel(), down.ravel()]
    return np.array(found)
