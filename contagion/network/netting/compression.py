"""Portfolio compression: lower total debts with unchanged net positions of all nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ...kernels.circulation import largest_circulation
from ...text import choice, money
from ..contents import Contents
from . import record
from .rows import chosen, replaced
from .sets import EQUAL

How = Literal["conservative", "non_conservative"]


@dataclass(frozen=True)
class Excess:
    """Total claims among some nodes, and the minimum with the same net positions.

    Attributes
    ----------
    gross : sum of the claims, in the unit of the network.
    minimum : smallest sum with the same net position of every node: Σ max(v_i, 0) with
        v_i = claims_i − debts_i.

    Example
    -------
    >>> Excess(30.0, 12.0).excess, Excess(30.0, 12.0).share
    (18.0, 0.6)
    """

    gross: float
    minimum: float

    @property
    def excess(self) -> float:
        """gross − minimum, the largest amount that compression can remove."""
        return max(self.gross - self.minimum, 0.0)

    @property
    def share(self) -> float:
        """The excess as a share of gross, 0 … 1; 0 without claims."""
        return self.excess / self.gross if self.gross else 0.0


def excess(network: Contents, claims: Mapping[str, Any] | None = None) -> Excess:
    """Gross amount, minimum and excess of the claims, or of claims selected by a filter.

    With A the claims and v_i = Σ_j A_ij − Σ_j A_ji the net position of i,

        excess = Σ A − Σ_i max(v_i, 0),

    which is zero if and only if no node is both creditor and debtor (of amounts above 0).

    Parameters
    ----------
    network : the network.
    claims : filter by exposure columns and values, e.g. {"layer": "derivatives"}.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        For an unknown column, and a value that no claim has.

    Example
    -------
    a → b → c → a over 5, 3 and 4: net positions of +1, −2 and +1 need 2 of 12.

    >>> import contagion as ct
    >>> from contagion.network import netting
    >>> net = ct.ExposureNetwork.from_matrix([[0, 5, 0], [0, 0, 3], [4, 0, 0]], ["a", "b", "c"],
    ...     orientation="creditor->debtor", equity=[1, 1, 1])
    >>> netting.excess(net)
    Excess(gross=12.0, minimum=2.0)

    Source: after D'Errico & Roukny (2021), Compressing over-the-counter markets, Operations
    Research, and arXiv:1705.07155 (the definition from memory, unverified).
    """
    rows = chosen(network, claims)
    return _excess(network, network.creditor[rows], network.debtor[rows], network.amount[rows])


def _excess(
    network: Contents, creditor: np.ndarray, debtor: np.ndarray, amount: np.ndarray
) -> Excess:
    position = _positions(len(network), creditor, debtor, amount)
    return Excess(float(amount.sum()), float(np.maximum(position, 0).sum()))


def _positions(n: int, creditor: np.ndarray, debtor: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Net position (n,): claims − debts, set to 0 where they differ only by rounding error."""
    claimed, owed = np.bincount(creditor, amount, n), np.bincount(debtor, amount, n)
    gap = claimed - owed
    return np.where(np.abs(gap) > EQUAL * np.maximum(claimed, owed), gap, 0.0)


def compress(
    network: Contents, how: How = "conservative", claims: Mapping[str, Any] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reduce the claims with unchanged net positions.

    See :meth:`contagion.ExposureNetwork.compress`. Returns exposures and step.
    """
    choice(how, ("conservative", "non_conservative"), "how")
    rows = chosen(network, claims)
    rows = rows[network.amount[rows] > 0]
    creditor, debtor, amount = network.creditor[rows], network.debtor[rows], network.amount[rows]
    before = _excess(network, creditor, debtor, amount)
    order = np.argsort(network.names.map(str).to_numpy(object), kind="stable")
    place = np.empty(len(network), np.int64)  # by name: independent of the order of the rows
    place[order] = np.arange(len(network))
    pairs, where = np.unique(place[creditor] * len(network) + place[debtor], return_inverse=True)
    gross = np.bincount(where, amount, len(pairs))
    to, by = order[pairs // len(network)], order[pairs % len(network)]
    if how == "conservative":
        flow = largest_circulation(pairs // len(network), pairs % len(network), gross, len(network))
        kept = np.clip(np.where(flow > EQUAL * gross, gross - flow, gross), 0.0, gross)
        kept = np.where(kept > EQUAL * gross, kept, 0.0)
        left = network.amount.copy()
        left[rows] *= (kept / gross)[where]
        table = record.with_amounts(network, left)
        after = _excess(network, to, by, kept)
    else:
        position = _positions(len(network), creditor, debtor, amount)
        ends = _matched(position, place)
        new, add = _union(pairs, place[ends[0]] * len(network) + place[ends[1]])
        gross = np.concatenate([gross, np.zeros(len(new) - len(pairs))])
        kept = np.bincount(add, ends[2], len(new))
        to, by = order[new // len(network)], order[new % len(network)]
        some = kept > 0
        table = replaced(network, rows, to[some], by[some], kept[some])
        after = _excess(network, to, by, kept)
    note = f"{how}: excess {money(before.excess, network.unit)} before, "
    note += f"{money(after.excess, network.unit)} after"
    changed = kept != gross
    sides = (to[changed], by[changed])
    return table, record.step(
        network, record.COMPRESSED, *sides, gross[changed], kept[changed], note
    )


def _union(old: np.ndarray, more: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of both, old ones first, and the position of each pair of `more` in them."""
    fresh = np.setdiff1d(more, old)
    joined = np.concatenate([old, fresh])
    order = np.argsort(joined)
    return joined, order[np.searchsorted(joined, more, sorter=order)]


def _matched(position: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Creditors, debtors and amounts that give every node its net position.

    Net creditors and net debtors form two queues that are matched in order, with at most
    (creditors) + (debtors) − 1 claims. The smallest come first to limit rounding error in sums.
    """
    up = np.flatnonzero(position > 0)
    down = np.flatnonzero(position < 0)
    if not len(up) or not len(down):
        return up[:0], down[:0], np.zeros(0)
    up = up[np.lexsort((place[up], position[up]))]
    down = down[np.lexsort((place[down], -position[down]))]
    get, owe = np.cumsum(position[up]), np.cumsum(-position[down])
    owe[-1] = get[-1]
    marks = np.unique(np.concatenate([[0.0], get, owe]))
    amount = np.diff(marks)
    middle = (marks[1:] + marks[:-1]) / 2
    to, by = up[np.searchsorted(get, middle)], down[np.searchsorted(owe, middle)]
    real = amount > EQUAL * np.minimum(position[to], -position[by])
    return to[real], by[real], amount[real]
