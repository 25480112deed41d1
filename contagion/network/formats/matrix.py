"""Square matrices of claims, with or without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, issparse

from ...errors import Finding, NetworkError
from ...text import choice, listing, plural
from ..checks.draft import MATRIX
from ..tables.numbers import Numbers, numbers
from ..tables.reading import Reading
from .edges import ORIENTATIONS, TOTAL
from .tables import Tables

TOTALS = ("error", "drop", "keep")


def from_matrix(
    matrix: Any,
    names: Any,
    orientation: str | None,
    totals: str = "error",
    how: Reading | None = None,
) -> Tables:
    """Exposures and node names of a square matrix; C001, C006 and C009 for unsuitable ones."""
    findings: list[Finding] = []
    how = how or Reading()
    choice(totals, TOTALS, "totals")
    if orientation is None:
        findings.append(
            Finding(
                "C001",
                "error",
                "orientation",
                "cannot tell who owes whom in a matrix.",
                'orientation="creditor->debtor" (rows hold the claims) or "debtor->creditor".',
                1,
            )
        )
    else:
        choice(orientation, ORIENTATIONS, "orientation")
    labels = None if names is None else _names(names)
    try:
        if isinstance(matrix, pd.DataFrame):
            matrix, own = _labelled(matrix, totals, how)
            labels = own if labels is None else labels
        elif not issparse(matrix):
            matrix = _array(matrix)
        elif np.dtype(getattr(matrix, "dtype", float)).kind == "c":
            raise _wrong("the matrix is complex.", "matrix.real, if that is what is owed.")
        _square(matrix, labels)
    except NetworkError as error:
        raise NetworkError([*findings, *error.findings]) from None
    assert labels is not None
    cells = coo_array(matrix)
    keep = cells.data != 0
    row, column = (np.asarray(side)[keep] for side in cells.coords)
    blank = np.isnan(cells.data[keep]) & (row == column)  # an empty diagonal is no claim
    row, column, amount = row[~blank], column[~blank], cells.data[keep][~blank]
    sides = (row, column) if orientation != ORIENTATIONS[1] else (column, row)
    index = pd.Index(labels)
    exposures = pd.DataFrame(
        {"creditor": index[sides[0]], "debtor": index[sides[1]], "amount": amount}
    )
    return Tables(pd.DataFrame({"node": index}), exposures, {}, MATRIX, findings, how)


def _wrong(message: str, fix: str, count: int = 1) -> NetworkError:
    return NetworkError([Finding("C009", "error", "matrix labels", message, fix, count)])


def _names(names: Any) -> list[Any]:
    if isinstance(names, set | frozenset):
        raise _wrong(
            "the names are a set, which has no order.", "names=[…], in the order of the rows."
        )
    if isinstance(names, str):
        raise _wrong("the names are one text.", "names=[…], one a row.")
    return list(names)


def _array(matrix: Any) -> np.ndarray:
    if isinstance(matrix, np.ma.MaskedArray):
        raise _wrong(
            "the matrix is masked: a masked cell may be unknown, or no claim.",
            "matrix.filled(0) where they are no claims, matrix.filled(np.nan) where unknown.",
        )
    try:
        if np.iscomplexobj(matrix):
            raise _wrong("the matrix is complex.", "matrix.real, if that is what is owed.")
        return np.array(matrix, float)
    except (TypeError, ValueError):
        raise _wrong(
            "the matrix has cells that are not numbers, or rows of different length.",
            "a DataFrame with labels, or an array of numbers.",
        ) from None


def _square(matrix: Any, labels: list[Any] | None) -> None:
    shape = " × ".join(map(str, matrix.shape))
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise _wrong(
            f"the matrix is {shape}, not square.",
            'leave out label columns (index_col=0) and totals (totals="drop").',
        )
    if labels is None:
        raise _wrong(
            f"the {shape} array has no labels.",
            "names=[…], one a row, in the order of the rows.",
        )
    if len(labels) != matrix.shape[0]:
        raise _wrong(
            f"{plural(len(labels), 'name')} for {plural(matrix.shape[0], 'row')}.",
            "names=[…], one a row.",
        )
    again = pd.Index(labels)[pd.Index(labels).duplicated()].unique()
    if len(again):
        raise _wrong(
            f"{plural(len(again), 'label occurs', 'labels occur')} more than once: "
            f"{listing(again)}.",
            "one row and one column a node: add up the rows and columns of the same label.",
            len(again),
        )


def is_matrix(table: pd.DataFrame) -> bool:
    """Whether this is a labelled matrix: the labels in the first column are also column names.

    >>> is_matrix(pd.DataFrame([["A", 0, 5], ["B", 1, 0]], columns=["bank", "A", "B"]))
    True
    """
    if len(table.columns) < 3 or {"creditor", "debtor"} & set(map(str, table.columns)):
        return False
    labels = {_label(name) for name in table.iloc[:, 0]}
    others = {_label(name) for name in table.columns[1:]}
    return len(labels & others) >= 2 and len(labels & others) >= len(others) / 2


def _label(name: object) -> str:
    if isinstance(name, float) and name.is_integer():
        return str(int(name))
    return str(name).strip()


def _labelled(frame: pd.DataFrame, totals: str, how: Reading) -> tuple[np.ndarray, list[Any]]:
    """Numbers and labels of a labelled matrix; totals are detected by name and by arithmetic."""
    numbered = pd.api.types.is_integer_dtype(frame.index.dtype)
    if frame.columns.equals(frame.index) and numbered and frame.columns[:1].isin([0]).all():
        pass  # without labels
    elif numbered and len(frame.columns):
        first = frame.columns[0]
        if not pd.api.types.is_numeric_dtype(frame[first].dtype) or is_matrix(frame):
            frame = frame.set_index(first)
    if frame.index.equals(frame.columns):
        rows, columns = list(frame.index), list(frame.columns)  # labels keep their type
    else:
        rows, columns = [_label(x) for x in frame.index], [_label(x) for x in frame.columns]
    values = _numbers(frame, how)
    sums = [] if totals == "keep" else _totals(values, rows, columns)
    if sums:
        if totals != "drop":
            raise _wrong(
                f"the matrix is {len(rows)} × {len(columns)}: {' and '.join(w for *_, w in sums)}.",
                'totals="drop" leaves the sums out, totals="keep" says that these are nodes.',
                len(sums),
            )
        how.use("totals")
        for axis, at, _ in sorted(sums, reverse=True):
            values = np.delete(values, at, axis)
            del (rows, columns)[axis][at]
    _same_labels(rows, columns, values.shape)
    place = {name: at for at, name in enumerate(columns)}
    return values[:, [place[name] for name in rows]], rows


def _same_labels(rows: list[Any], columns: list[Any], shape: tuple[int, ...]) -> None:
    known, others = set(rows), set(columns)
    if len(rows) == len(columns) and known == others and len(known) == len(rows):
        return
    only = [name for name in rows if name not in others]
    other = [name for name in columns if name not in known]
    said = [f"{listing(only)} only among the rows"] if only else []
    said += [f"{listing(other)} only among the columns"] if other else []
    again = [name for name in known if rows.count(name) > 1 or columns.count(name) > 1]
    said += [f"{listing(again)} more than once"] if again else []
    raise _wrong(
        f"the matrix is {' × '.join(map(str, shape))} and its row and column labels differ: "
        f"{'; '.join(said)}.",
        'the same labels on both sides: index_col=0, totals="drop", or '
        "matrix.reindex(index=names, columns=names).",
        len(only) + len(other),
    )


def _totals(
    values: np.ndarray, rows: Sequence[Any], columns: Sequence[Any]
) -> list[tuple[int, int, str]]:
    """Rows (axis 0) and columns (axis 1) that are sums: (axis, position, description)."""
    named = [
        (axis, at, f"{word} {at + 1} is called {str(name)!r}")
        for axis, (word, labels) in enumerate((("row", rows), ("column", columns)))
        for at, name in enumerate(labels)
        if TOTAL.match(str(name))
    ]
    if named or min(values.shape, default=0) < 2:
        return named
    filled = np.nan_to_num(values)
    found = []
    last_row = np.allclose(filled[-1], filled[:-1].sum(0)) and filled[-1].any()
    last_column = np.allclose(filled[:, -1], filled[:, :-1].sum(1)) and filled[:, -1].any()
    both = last_row and last_column
    if last_row and (both or values.shape[0] > values.shape[1]):
        found.append((0, len(rows) - 1, f"row {len(rows)} ({rows[-1]!r}) equals the column sums"))
    if last_column and (both or values.shape[1] > values.shape[0]):
        found.append(
            (1, len(columns) - 1, f"column {len(columns)} ({columns[-1]!r}) equals the row sums")
        )
    return found


def _numbers(frame: pd.DataFrame, how: Reading) -> np.ndarray:
    """All cells as numbers, with one decimal sign for the whole matrix; "-" is 0, empty is nan."""
    if all(pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes):
        return frame.to_numpy(np.float64, na_value=np.nan)
    cells = frame.to_numpy(object).ravel()
    dash = np.array([isinstance(c, str) and c.strip() in ("-", "–", "—", ".") for c in cells])
    how.use("decimal", "thousands")
    read: Numbers = numbers(pd.Series(cells, dtype=object), how.decimal, how.thousands)
    if read.unread is not None:
        at = np.flatnonzero(read.unread)
        width = len(frame.columns)
        where = [f"{frame.index[k // width]}→{frame.columns[k % width]}" for k in at[:3]]
        doubt = read.ambiguous
        raise NetworkError(
            [
                Finding(
                    "C006",
                    "error",
                    "amounts not numbers",
                    f"{plural(len(at), 'cell is', 'cells are')} not "
                    f"{'a number' if len(at) == 1 else 'numbers'}: {listing(cells[at])} "
                    f"(row→column {', '.join(where)}). "
                    + (
                        "A point or comma may be the decimal sign or separate thousands."
                        if doubt
                        else "Text is never evaluated, formulas and sums neither."
                    ),
                    'decimal="," or decimal="." says which.'
                    if doubt
                    else "write the numbers there.",
                    len(at),
                    float("nan"),
                    tuple(where),
                )
            ]
        )
    values = np.where(dash, 0.0, read.values)
    return values.reshape(frame.shape)


def aligned(values: Any, labels: list[Any], what: str) -> Any:
    """One value for each label, from a mapping, a Series or a sequence."""
    if isinstance(values, Mapping | pd.Series):
        series = pd.Series(dict(values))
        known = set(labels)
        extra = [name for name in series.index if name not in known]
        if extra:
            raise NetworkError(f"{what} names {listing(extra)}, which the matrix does not have.")
        return series.reindex(labels).to_numpy()
    if np.ndim(values) == 0:
        return [values] * len(labels)
    if len(values) != len(labels):
        raise NetworkError(
            f"{what} has {plural(len(values), 'entry', 'entries')} for "
            f"{plural(len(labels), 'node')}."
        )
    return list(values)
