"""Maximum entropy: claims spread as evenly as the margins allow, or as near to a prior."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...errors import NetworkError
from ...text import listing, money
from ._cells import Problem
from ._scaling import balanced
from .ensemble import Ensemble, gathered, reconstructed
from .margins import Margins


@reconstructed
def maximum_entropy(margins: Margins, prior: Any = None) -> Ensemble:
    """The network that spreads claims as evenly as the margins allow.

        min_X Σ_ij X_ij log(X_ij / Q_ij)    Σ_j X_ij = claims_i,  Σ_i X_ij = debts_j

    over the cells that are not on the diagonal, forbidden or known; the solution is
    X_ij = r_i Q_ij s_j, found by scaling rows and columns in turn (RAS) and, where that is slow,
    by Newton's method. Without a prior Q_ij = claims_i debts_j. Cells that are zero in every
    network with these margins are found by a maximum flow.

    Parameters
    ----------
    margins : what is known.
    prior : (n, n) ≥ 0, claims of creditor (row) on debtor (column) as they are expected, in the
        order of `margins.names`: a DataFrame with the names on both sides (any order), numpy or
        scipy sparse. Cells with 0 stay without a claim; amounts on known cells do not count.

    Returns
    -------
    Ensemble
        Of one network: `.network`.

    Raises
    ------
    NetworkError : for a prior of another shape or with negative cells, and where its cells cannot
        carry the margins; without a prior for more than 25,000,000 pairs (5,000 nodes).
    ConvergenceError : where a margin is missed by more than 1e-9 of it.

    Example
    -------
    Three banks that claim and owe 2 each spread it evenly:

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
        weight = problem.supply[row] * problem.demand[column]
    else:
        table = matrix(prior, margins, problem, "prior")
        row, column = np.nonzero(problem.live & (table > 0))
        weight = table[row, column]
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
    said = "maximum entropy" + ("" if prior is None else " from a prior")
    return gathered(margins, problem, said, [(row, column, found.amount)])


def matrix(given: Any, margins: Margins, problem: Problem, what: str) -> np.ndarray:
    """A number or a matrix (n, n) of creditors and debtors, in the order of the problem.

    Raises
    ------
    NetworkError : for another shape, a name without row and column, and cells that are not numbers
        ≥ 0.
    """
    names = margins.names
    if isinstance(given, pd.DataFrame):
        lost = names.difference(given.index).union(names.difference(given.columns))
        if len(lost):
            raise NetworkError(f"{what} has no row and column for {listing(lost)}.")
        given = given.loc[names, names].to_numpy(float)
    dense = given.toarray() if hasattr(given, "toarray") else given
    table: np.ndarray = np.asarray(dense, np.float64)
    if table.ndim == 0:
        table = np.full((len(names), len(names)), float(table))
    if table.shape != (len(names), len(names)):
        raise NetworkError(
            f"{what} has shape {table.shape} for {len(names)} nodes: one row a creditor, one "
            "column a debtor."
        )
    bad = np.argwhere(~((table >= 0) & (table < np.inf)))
    if len(bad):
        creditor, debtor = (str(names[at]) for at in bad[0])
        raise NetworkError(
            f"{what} of {creditor!r} on {debtor!r} is {table[tuple(bad[0])]}: a number ≥ 0 is "
            "needed."
        )
    return problem.ordered(table)
