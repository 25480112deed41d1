"""The matrices of a network: liabilities, their shares, leverage, and the compiled rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import NetworkError
from ..kernels.segments import Segments
from ..rules import Priority, Rule, from_dict
from ..rules.compile import compile_rules
from ..rules.contingent import Guarantees
from ..text import listing, plural
from .guarantees import RANKINGS

if TYPE_CHECKING:
    from .exposure_network import ExposureNetwork


SIDES = ("guarantor", "debtor", "creditor")


def frozen(matrix: csr_array) -> csr_array:
    """The same matrix, whose arrays cannot be written to any more."""
    for array in (matrix.data, matrix.indices, matrix.indptr):
        array.flags.writeable = False
    return matrix


def divide_rows(matrix: csr_array, by: np.ndarray) -> csr_array:
    """The rows of a matrix over numbers (n,); rows of numbers that are not positive stay."""
    rows = np.repeat(np.where(by > 0, by, 1.0), np.diff(matrix.indptr))
    shares = csr_array((matrix.data / rows, matrix.indices, matrix.indptr), shape=matrix.shape)
    return frozen(shares)


def liabilities(network: ExposureNetwork) -> csr_array:
    """`L[i, j]` = what debtor i owes creditor j, shape (n, n)."""
    pairs = (network.debtor, network.creditor)
    return frozen(csr_array((network.amount, pairs), shape=(len(network), len(network))))


def leverage(network: ExposureNetwork) -> csr_array:
    """`Λ[i, j] = A[i, j] / E[i]`; raises where a creditor has no positive known equity."""
    equity = network.book.equity
    bad = ~(equity > 0) & (network.book.claims > 0)
    if bad.any():
        raise NetworkError(
            f"Leverage is undefined for {plural(int(bad.sum()), 'node')} without positive known "
            f"equity: {listing(network.names[bad])}."
        )
    return divide_rows(network.liabilities.T.tocsr(), np.where(equity > 0, equity, np.inf))


def named_rules(network: ExposureNetwork, given: Mapping[Any, Any]) -> dict[Any, Rule]:
    """Rules by node, from rules, words and dicts; `UnknownNameError` for an unknown node."""
    for name in given:
        network.position(name)
    return {
        name: rule if isinstance(rule, Rule) else from_dict(rule) for name, rule in given.items()
    }


def rules_of(network: ExposureNetwork) -> tuple[list[Rule], np.ndarray]:
    """The distinct rules of a network, and which of them each node has (n,)."""
    nodes, given = network._nodes, network._rules
    found: dict[Rule, int] = {Priority(): 0}
    of = np.zeros(len(network), np.int64)
    if "rule" in nodes:
        words = nodes["rule"].fillna("priority")
        number = {word: found.setdefault(from_dict(word), len(found)) for word in words.unique()}
        of = words.map(number).to_numpy(np.int64, copy=True)
    at = network.names.get_indexer_for(pd.Index(list(given), dtype=network.names.dtype))
    of[at] = [found.setdefault(rule, len(found)) for rule in given.values()]
    used, at = np.unique(of, return_inverse=True)
    rules = list(found)
    return [rules[k] for k in used], at


def segments(network: ExposureNetwork) -> Segments:
    """The rules of all nodes, compiled for the clearing kernel."""
    rules, of = rules_of(network)
    return compile_rules(
        rules,
        of,
        network.debtor,
        network.creditor,
        network.amount,
        len(network),
        {str(name): network._columns[name] for name in network._columns},
        np.nan_to_num(network.book.external_liabilities),
        _numbers(
            network._nodes, "external_tier", 1 if network.external_creditors == "pari_passu" else 0
        ),
        lambda: network.relative_liabilities,
        network.names.take,
        _guarantees(network),
    )


def _guarantees(network: ExposureNetwork) -> Guarantees | None:
    table = network._guarantees
    if table is None:
        return None
    place = {side: network.names.get_indexer_for(pd.Index(table[side])) for side in SIDES}
    return Guarantees(
        **place,
        amount=table["amount"].to_numpy(),
        ranking=table["ranking"].map({word: k for k, word in enumerate(RANKINGS)}).to_numpy(),
        table={str(c): table[c].to_numpy() for c in table if c not in (*SIDES, "amount")},
        names=network.names,
    )


def _numbers(table: pd.DataFrame, column: str, default: float) -> np.ndarray | float:
    """A numeric column with its default; one number where every row has the same."""
    if column not in table:
        return default
    values = pd.to_numeric(table[column]).to_numpy(np.float64, na_value=np.nan)
    values = np.where(np.isnan(values), default, values)
    return float(values[0]) if len(values) and (values == values[0]).all() else values
