"""Shareholdings: the fraction of a company held by each owner in the graph. Checks of the table.

The fractions form a matrix `Γ` (n, n), `Γ[i, j]` = fraction of the equity of company j that i owns.
The equity of all nodes is the fixed point

    E = external assets + claims − external liabilities − debts + Γ max(E, 0),

which is unique when no group of companies is owned entirely by its own members.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import NetworkError
from ..kernels.ownership import closed, equities
from ..text import did_you_mean, listing, plural

ROUNDING = 1e-9  # rounding error by which the fractions of a company may exceed 1


def checked(table: pd.DataFrame | None, names: pd.Index, known: np.ndarray) -> pd.DataFrame | None:
    """The table owner, company, fraction and any others, or None.

    Parameters
    ----------
    table : as it was read, or None.
    names : (n,) the nodes; known : (n,) bool, nodes with known balance sheet.

    Raises
    ------
    NetworkError
        For an unknown node, a node that owns itself, fractions of a company above 100 %, a group
        of companies owned entirely by its own members (its equity is not determined), and shares
        in a company with unknown balance sheet.
    """
    if table is None:
        return None
    at = {}
    for side in ("owner", "company"):
        cells = table[side]
        at[side] = names.get_indexer_for(pd.Index(cells))
        if (at[side] < 0).any():
            raise NetworkError(
                f"The shareholdings name a {side} that is not a node. "
                f"{did_you_mean(cells[at[side] < 0].iloc[0], list(names), 'node')}"
            )
    _refuse(
        at["owner"] == at["company"],
        "a node owns itself",
        "Leave treasury shares out; fractions are of the shares that others hold.",
    )
    _determined(matrix(table, names), names, known)
    return table


def _determined(fractions: csr_array, names: pd.Index, known: np.ndarray) -> None:
    """Raise an error if the equity of a company is not uniquely determined."""
    inside = np.asarray(fractions.sum(axis=0)).ravel()
    over = inside > 1 + ROUNDING
    if over.any():
        worst = int(np.argmax(inside))
        raise NetworkError(
            f"More than the whole of {plural(int(over.sum()), 'company', 'companies')} is held: "
            f"{str(names[worst])!r} has owners of {inside[worst]:.6g} of it. Correct the fractions."
        )
    group = closed(fractions)
    if group.any():
        raise NetworkError(
            f"{listing(names[group])} are owned entirely by each other, so that no outside owner "
            "says what they are worth: their equity would be any number. Lower a fraction."
        )
    blank = (inside > 0) & ~known
    if blank.any():
        raise NetworkError(
            f"Shares are held in {listing(names[blank])}, of which no balance sheet is known. "
            "Give external_assets and external_liabilities, or leave the shares out."
        )


def matrix(table: pd.DataFrame | None, names: pd.Index) -> csr_array:
    """`Γ` (n, n): fraction of the equity of company j (column) that node i (row) owns.

    >>> table = pd.DataFrame({"owner": ["a"], "company": ["b"], "fraction": [0.25]})
    >>> matrix(table, pd.Index(["a", "b"])).toarray().tolist()
    [[0.0, 0.25], [0.0, 0.0]]
    """
    n = len(names)
    if table is None:
        return csr_array((n, n))
    place = tuple(names.get_indexer_for(pd.Index(table[side])) for side in ("owner", "company"))
    found = csr_array((table["fraction"].to_numpy(np.float64), place), shape=(n, n))
    found.sum_duplicates()
    found.eliminate_zeros()
    return found


def values(ownership: csr_array, equity: np.ndarray) -> np.ndarray:
    """(n,) value of the shares held by each node, from equities without shares (n,).

    >>> values(csr_array([[0.0, 0.5], [0.0, 0.0]]), np.array([6.0, 4.0]))
    array([2., 0.])
    """
    whole = equities(ownership, equity[:, None]).ravel()
    return np.asarray(ownership @ np.maximum(np.nan_to_num(whole), 0.0))


def from_matrix(fractions: Any, names: Any = None) -> pd.DataFrame:
    """The table owner, company, fraction from a matrix `C` as in the literature.

    Parameters
    ----------
    fractions : (n, n), `C[i, j]` = fraction of j (column) that i (row) owns; a labelled DataFrame,
        numpy or scipy sparse.
    names : (n,) nodes; not needed for a labelled DataFrame.

    Raises
    ------
    NetworkError
        For a matrix that is not square, or labels that do not match it.

    Example
    -------
    >>> from_matrix([[0, 0.5], [0.2, 0]], ["a", "b"]).values.tolist()
    [['a', 'b', 0.5], ['b', 'a', 0.2]]
    """
    if isinstance(fractions, pd.DataFrame):
        if names is None and list(fractions.index) != list(fractions.columns):
            raise NetworkError("Rows and columns of the fractions have different labels.")
        names = list(fractions.index) if names is None else names
        fractions = fractions.to_numpy(np.float64)
    cells = csr_array(fractions).tocoo()
    labels = pd.Index(list(range(cells.shape[0]) if names is None else names))
    if cells.shape != (len(labels), len(labels)):
        raise NetworkError(f"The fractions have shape {cells.shape} for {len(labels)} names.")
    row, column = cells.coords
    found = {"owner": labels.take(row), "company": labels.take(column), "fraction": cells.data}
    return pd.DataFrame(found)


def _refuse(bad: np.ndarray, what: str, fix: str) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        where = ", ".join(str(row + 1) for row in rows[:3]) + (", …" if len(rows) > 3 else "")
        raise NetworkError(f"In {plural(len(rows), 'shareholding')} (row {where}) {what}. {fix}")
