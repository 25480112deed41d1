"""Maximum entropy: claims are spread as evenly, or as close to a prior, as the margins allow."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, issparse

from ...errors import NetworkError
from ...text import listing, money
from ._cells import Problem
from ._scaling import balanced, evenly
from .ensemble import Ensemble, gathered, reconstructed
from .margins import Margins


@reconstructed
def maximum_entropy(margins: Margins, prior: Any = None) -> Ensemble:
    """The network that spreads claims as evenly as the margins allow.

        min_X Σ_ij X_ij log(X_ij / Q_ij)    Σ_j X_ij = claims_i,  Σ_i X_ij = debts_j

    over the cells that are not on the diagonal, forbidden or known; the solution is
    X_ij = r_i Q_ij s_j, found by scaling rows and columns in turn (RAS) and, where that is slow,
    by Newton's method. Cells that are zero in every network with these margins are found by a
    maximum flow.

    Without a prior Q_ij = claims_i debts_j, and r and s have one number per node, found in O(n) per
    round. Only the network itself needs n² memory, because nearly every node has a claim on every
    other: for 10,000 nodes, 10⁸ claims and about 8 GB.

    Parameters
    ----------
    margins : the known totals and exposures.
    prior : (n, n) ≥ 0, expected claims of creditor (row) on debtor (column), in the order of
        `margins.names`: a DataFrame with the names on both sides (any order), numpy or
        scipy sparse. Cells with 0 stay without a claim; amounts on known cells are ignored.

    Returns
    -------
    Ensemble
        Of one network: `.network`.

    Raises
    ------
    NetworkError : for a prior of another shape or with negative cells, and where its cells cannot
        meet the margins; without a prior where the pairs need more than the free memory.
    ConvergenceError : where the relative error of a margin exceeds 1e-9.

    Example
    -------
    Three banks with claims and debts of 2 each spread them evenly:

    >>> import contagion as ct
    >>> from contagion.synthetic import reconstruct
    >>> margins = reconstruct.Margins(["a", "b", "c"], claims=[2, 2, 2], debts=[2, 2, 2])
    >>> reconstruct.maximum_entropy(margins).mean()
    debtor      a    b    c
    creditor
    a         0.0  1.0  1.0
    b         1.0  0.0  1.0
    c         1.0  1.0  0.0

    Source: Upper and Worm (2004), European Economic Review 48; the example of Anand, Craig and
    von Peter (2015), Quantitative Finance 15(4), p. 628, is in the tests.
    """
    problem = margins._problem
    if prior is None:
        row, column = problem.dense("Maximum entropy")
        even = evenly(problem)(row, column)
        return gathered(margins, problem, "maximum entropy", [(row, column, even)])
    row, column, weight = _cells(prior, margins, problem)
    weight = weight / max(float(weight.max(initial=0.0)), 1e-300)
    found = balanced(row, column, weight, problem.supply, problem.demand)
    if not found.complete:
        names = margins.names.to_numpy(object)[problem.order]
        lost = float(found.surplus.sum())
        raise NetworkError(
            f"The cells of the prior cannot carry the margins: {money(lost, margins.unit)} of "
            f"claims of {listing(names[found.surplus > 0])} and of debts of "
            f"{listing(names[found.deficit > 0])} have no cell. Give these nodes more cells > 0."
        )
    cells = (row, column, found.amount)
    return gathered(margins, problem, "maximum entropy from a prior", [cells])


def _cells(
    prior: Any, margins: Margins, problem: Problem
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and weight of the live cells of a prior, sorted; a sparse one stays sparse."""
    table = _valid(prior, margins, "prior")
    if not issparse(table):
        table = coo_array(np.broadcast_to(table, (len(margins),) * 2))
    table = table.tocsr().tocoo()  # cells that occur twice are added
    rank = np.argsort(problem.order)
    row, column = rank[table.row], rank[table.col]
    some = np.flatnonzero((table.data > 0) & problem.open(row, column))
    some = some[np.argsort(row[some] * len(margins) + column[some])]
    return row[some], column[some], table.data[some]


def matrix(given: Any, margins: Margins, problem: Problem, what: str) -> np.ndarray:
    """A number or a matrix (n, n) of creditors and debtors, in the order of the problem.

    Raises
    ------
    NetworkError : for another shape, a name without row and column, and cells that are not numbers
        ≥ 0.
    """
    table = _valid(given, margins, what)
    dense = cast(Any, table).toarray() if issparse(table) else table
    return problem.ordered(np.broadcast_to(dense, (len(margins),) * 2))


def _valid(given: Any, margins: Margins, what: str) -> Any:
    """The same in the order of the names: a number, an array or a sparse matrix, of doubles ≥ 0."""
    names, n = margins.names, len(margins)
    if isinstance(given, pd.DataFrame):
        lost = names.difference(given.index).union(names.difference(given.columns))
        if len(lost):
            raise NetworkError(f"{what} has no row and column for {listing(lost)}.")
        given = given.loc[names, names].to_numpy(float)
    sparse = issparse(given)
    table: Any = coo_array(cast(Any, given), dtype=float) if sparse else np.asarray(given, float)
    if table.ndim and table.shape != (n, n):
        raise NetworkError(
            f"{what} has shape {table.shape} for {n} nodes: one row a creditor, one column a "
            "debtor."
        )
    value = table.data if sparse else table
    bad = np.argwhere(~((value >= 0) & (value < np.inf)))
    if len(bad):
        at = tuple(bad[0])
        place = (table.row[at], table.col[at]) if sparse else at or (0, 0)
        creditor, debtor = (str(names[k]) for k in place)
        raise NetworkError(
            f"{what} of {creditor!r} on {debtor!r} is {value[at]}: a number ≥ 0 is needed."
        )
    return table
