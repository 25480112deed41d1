"""The matrices of a network: liabilities, their shares, leverage, and the compiled rules."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import NetworkError
from ..kernels.segments import Segments
from ..rules import Priority, Rule, from_dict
from ..rules.compile import compile_rules
from ..rules.contingent import Guarantees
from ..text import listing, plural
from .contents import Contents
from .guarantees import RANKINGS
from .intake import frozen_matrix

SIDES = ("guarantor", "debtor", "creditor")


class Matrices(Contents):
    """The matrices of an :class:`~contagion.ExposureNetwork`, each computed on first use."""

    @cached_property
    def liabilities(self) -> csr_array:
        """Nominal liabilities `L`, shape (n, n): `L[i, j]` is the debt of i to creditor j."""
        pairs = (self.debtor, self.creditor)
        return frozen_matrix(csr_array((self.amount, pairs), shape=(len(self), len(self))))

    @cached_property
    def relative_liabilities(self) -> csr_array:
        """`Π`, shape (n, n): each row of `L` divided by the debtor's total debts in the graph."""
        return _divide_rows(self.liabilities, self.book.debts)

    @cached_property
    def leverage(self) -> csr_array:
        """`Λ[i, j] = A[i, j] / E[i]`, shape (n, n): claims of i on j over the equity of i.

        After Bardoscia, Battiston, Caccioli and Caldarelli (2017), eq. 2. Rows without known
        positive equity are undefined and raise.

        Raises
        ------
        NetworkError
            With the names of nodes that hold claims and have no positive equity.
        """
        equity = self.book.equity
        bad = ~(equity > 0) & (self.book.claims > 0)
        if bad.any():
            raise NetworkError(
                f"Leverage is undefined for {plural(int(bad.sum()), 'node')} without positive "
                f"known equity: {listing(self.names[bad])}."
            )
        return _divide_rows(self.liabilities.T.tocsr(), np.where(equity > 0, equity, np.inf))

    @cached_property
    def segments(self) -> Segments:
        """The rules of all nodes, compiled for the clearing kernel."""
        rules, of = self.distinct_rules()
        return compile_rules(
            rules,
            of,
            self.debtor,
            self.creditor,
            self.amount,
            len(self),
            {str(name): self._columns[name] for name in self._columns},
            self.book.stated_liabilities,
            _numbers(
                self._nodes, "external_tier", 1 if self.external_creditors == "pari_passu" else 0
            ),
            lambda: self.relative_liabilities,
            self.names.take,
            self._compiled_guarantees(),
        )

    def distinct_rules(self) -> tuple[list[Rule], np.ndarray]:
        """The distinct rules of the nodes, and for each node (n,) the position of its rule."""
        nodes, given = self._nodes, self._rules
        found: dict[Rule, int] = {Priority(): 0}
        of = np.zeros(len(self), np.int64)
        if "rule" in nodes:
            words = nodes["rule"].fillna("priority")
            number = {
                word: found.setdefault(from_dict(word), len(found)) for word in words.unique()
            }
            of = words.map(number).to_numpy(np.int64, copy=True)
        at = self.names.get_indexer_for(pd.Index(list(given), dtype=self.names.dtype))
        of[at] = [found.setdefault(rule, len(found)) for rule in given.values()]
        used, at = np.unique(of, return_inverse=True)
        rules = list(found)
        return [rules[k] for k in used], at

    def _compiled_guarantees(self) -> Guarantees | None:
        table = self._guarantees
        if table is None:
            return None
        place = {side: self.names.get_indexer_for(pd.Index(table[side])) for side in SIDES}
        return Guarantees(
            **place,
            amount=table["amount"].to_numpy(),
            ranking=table["ranking"].map({word: k for k, word in enumerate(RANKINGS)}).to_numpy(),
            table={str(c): table[c].to_numpy() for c in table if c not in (*SIDES, "amount")},
            names=self.names,
        )


def _divide_rows(matrix: csr_array, by: np.ndarray) -> csr_array:
    """The rows of a matrix divided by `by` (n,), unchanged where `by` is not positive."""
    rows = np.repeat(np.where(by > 0, by, 1.0), np.diff(matrix.indptr))
    shares = csr_array((matrix.data / rows, matrix.indices, matrix.indptr), shape=matrix.shape)
    return frozen_matrix(shares)


def _numbers(table: pd.DataFrame, column: str, default: float) -> np.ndarray | float:
    """A numeric column with its default; a single number if all rows are equal."""
    if column not in table:
        return default
    values = pd.to_numeric(table[column]).to_numpy(np.float64, na_value=np.nan)
    values = np.where(np.isnan(values), default, values)
    return float(values[0]) if len(values) and (values == values[0]).all() else values
