"""Tables in memory, converted to a DataFrame in which names are columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ArgumentTypeError


def to_pandas(table: Any) -> pd.DataFrame:
    """A DataFrame from pandas, from anything narwhals reads, or from a mapping of columns.

    Named indexes become columns, as `groupby(...).sum()` leaves them.

    Raises
    ------
    ArgumentTypeError
        For other objects, with the method that accepts them.

    >>> rows = pd.DataFrame({"lender": ["a", "a"], "borrower": ["b", "b"], "amt": [1, 2]})
    >>> list(to_pandas(rows.groupby(["lender", "borrower"])["amt"].sum()).columns)
    ['lender', 'borrower', 'amt']
    """
    if isinstance(table, pd.Series) and isinstance(table.index, pd.MultiIndex):
        table = table.to_frame(table.name if table.name is not None else "amount")
    if isinstance(table, pd.DataFrame):
        return _plain(table)
    if isinstance(table, Mapping | list | tuple):
        return pd.DataFrame(table)
    if hasattr(table, "edges") and hasattr(table, "nodes"):
        raise ArgumentTypeError("This is a graph: ExposureNetwork.from_networkx(graph) takes it.")
    if isinstance(table, np.ndarray) or hasattr(table, "tocsr"):
        raise ArgumentTypeError(
            "This is a matrix: ExposureNetwork.from_matrix(matrix, names, orientation=…) takes it."
        )
    import narwhals as nw

    try:
        frame = nw.from_native(table)
    except TypeError:
        raise ArgumentTypeError(
            f"A table is needed (pandas, polars, arrow, dict of columns), not a "
            f"{type(table).__name__}."
        ) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    converted: pd.DataFrame = frame.to_pandas()
    return converted


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    if isinstance(table.columns, pd.MultiIndex):
        flat = [" ".join(str(part) for part in names if str(part)) for names in table.columns]
        table = table.set_axis(flat, axis=1)
    index = table.index
    named = [name for name in index.names if name is not None]
    if isinstance(index, pd.MultiIndex) or named:
        kept = [name for name in named if name in table.columns]
        if isinstance(index, pd.MultiIndex) or not kept:
            table = table.reset_index(
                level=[k for k, n in enumerate(index.names) if n not in kept or n is None]
            )
        return table.reset_index(drop=True)
    return table
