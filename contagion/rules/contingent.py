"""Guarantees as arrays, and their place in the ladders of the debtors that they cover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from ..errors import RuleError
from ..kernels.calls import PARI_PASSU, Calls
from ..kernels.cover import covered
from ..kernels.ladder import Ladder
from ..kernels.segments import Segments, from_ladder
from ..text import listing


@dataclass(frozen=True)
class Guarantees:
    """Q contingent claims between nodes.

    Attributes
    ----------
    guarantor, debtor, creditor : (Q,) nodes; creditor -1 means support paid into the debtor.
    amount : (Q,) the largest payment, money.
    ranking : (Q,) 0 senior, 1 pari passu, 2 junior among the debts of the guarantor.
    table : other columns, (Q,) each; `layer` is the layer in which support is called.
    names : (n,) names of the nodes, for messages.
    """

    guarantor: np.ndarray
    debtor: np.ndarray
    creditor: np.ndarray
    amount: np.ndarray
    ranking: np.ndarray
    table: Mapping[str, Any]
    names: Any

    def support(self) -> np.ndarray:
        """Rows that are paid into the debtor."""
        return np.flatnonzero(self.creditor < 0)

    def columns(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The other columns of some rows."""
        return {name: np.asarray(values)[rows] for name, values in self.table.items()}

    def is_first(self, rows: np.ndarray) -> np.ndarray:
        """Bool: called right after the equity of the debtor, because no layer is given."""
        layer = np.asarray(self.table["layer"], object)[rows]
        return np.array([cell is None for cell in layer], bool)

    def compiled(
        self,
        ladder: Ladder,
        holder: np.ndarray,
        creditor: np.ndarray,
        debtor: np.ndarray,
        amount: np.ndarray,
        ahead: np.ndarray,
        due: np.ndarray,
        layers: tuple[str, ...],
        absorbing: np.ndarray,
    ) -> Segments:
        """Segments in which guarantors lose instead of creditors, and the guarantee calls.

        Parameters
        ----------
        ladder : over m claims, the external creditors and the support, in that order.
        holder : (K,) the node that holds each column, -1 outside the graph.
        creditor, debtor, amount : (m,) the claims.
        """
        n, m, q = len(due), len(debtor), len(self.amount)
        into, over = self.support(), np.flatnonzero(self.creditor >= 0)
        pair = self.debtor * np.int64(n) + self.creditor
        claim = debtor * np.int64(n) + creditor
        keys, group = np.unique(pair[over], return_inverse=True)
        cap = np.bincount(group, self.amount[over], len(keys))
        part = csr_array(
            (self.amount[over] / np.where(cap > 0, cap, 1.0)[group], (group, np.arange(len(over)))),
            shape=(len(keys), len(over)),
        )
        at = np.minimum(np.searchsorted(keys, claim), max(len(keys) - 1, 0))
        mine = np.full(len(holder), -1)
        if len(keys):
            mine[:m] = np.where(keys[at] == claim, at, -1)
        called = np.full(len(holder), -1)
        called[len(holder) - len(into) :] = into
        self._refuse_mixed(ladder, called)
        split, loses = covered(ladder, mine, cap, part)
        face = np.zeros(q)
        face[over] = np.bincount(mine[mine >= 0], amount[mine[:m] >= 0], len(keys))[group]
        node = np.concatenate([holder, self.guarantor[over]])
        call = np.concatenate([called, over])
        calls = Calls(
            self.guarantor,
            self.debtor,
            np.where(self.creditor >= 0, self.creditor, self.debtor),
            self.amount,
            self.ranking,
            loses.onto(call, q),
            face,
            (self.creditor < 0) & self.is_first(np.arange(q)),
        )
        return from_ladder(
            split, loses.onto(node, n), debtor, amount, ahead, due, n, layers, absorbing, calls
        )

    def _refuse_mixed(self, ladder: Ladder, called: np.ndarray) -> None:
        """Raise for a pari passu call on a guarantor whose debts are not one pro rata tier.

        Support that is called right after the equity ranks before that tier and does not count.
        """
        first = np.full(len(called), -1)
        first[called >= 0] = np.where(self.is_first(called[called >= 0]), 0, -1)
        own = ladder.shares.onto(first, 1).totals() == 0
        layered = ladder.shares.onto(np.where((called >= 0) & (first < 0), 0, -1), 1).totals() > 0
        size = int(max(self.guarantor.max(initial=0), ladder.owner.max(initial=0))) + 1
        steps = np.bincount(ladder.owner, own + 1.0 * layered, size)
        bad = (self.ranking == PARI_PASSU) & (steps[self.guarantor] > 1)
        if bad.any():
            raise RuleError(
                f"Calls on {listing(dict.fromkeys(self.names.take(self.guarantor[bad])))} cannot "
                "rank pari passu: its debts do not share pro rata in one tier. Choose "
                'ranking="senior" or "junior".'
            )
