"""Parameters of scenarios: one number, one for each node, or a column; checks and plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ShockError
from ..network.exposure_network import ExposureNetwork
from ..text import known_name, listing, plural

Values = float | str | Mapping[Any, float] | Sequence[float] | pd.Series | np.ndarray


def by_node(
    network: ExposureNetwork, given: Values, what: str, low: float = -np.inf, high: float = np.inf
) -> np.ndarray:
    """A parameter as (n,) numbers in [low, high], in the order of the nodes.

    Parameters
    ----------
    given : a number for all nodes, the name of a numeric column of the node table, a Series or
        dict {node: number} that names every node, or (n,) numbers in the order of the nodes.
    what : the name of the parameter, for messages.

    Raises
    ------
    ShockError : for an unknown column or node, nodes without a number, and numbers out of range.
    """
    if isinstance(given, str):
        table = network.nodes
        known_name(given, table.columns, "column of the nodes", what)
        given = table[given].to_numpy()
    return by_name(network.names, given, what, low, high, "node")


def by_name(
    names: pd.Index,
    given: Any,
    what: str,
    low: float = -np.inf,
    high: float = np.inf,
    noun: str = "node",
) -> np.ndarray:
    """A parameter as (n,) numbers in [low, high], in the order of `names`; see :func:`by_node`."""
    if isinstance(given, Mapping | pd.Series):
        values = _matched(names, pd.Series(given, dtype=object), what, noun)
    else:
        values = np.asarray(given)
    try:
        values = values.astype(float)
    except (TypeError, ValueError):
        raise ShockError(f"{what}={given!r}: these are not numbers.") from None
    if values.shape not in ((), (len(names),)):
        raise ShockError(
            f"{what} has shape {values.shape}; give one number, or {len(names)}, one a {noun}."
        )
    values = np.broadcast_to(values, len(names)).copy()
    wrong = ~((values >= low) & (values <= high) & np.isfinite(values))
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise ShockError(
            f"{what} of {str(names[at])!r} is {values[at]:.6g}; it has to lie in "
            f"[{low:g}, {high:g}]" + (f" ({wrong.sum()} such {noun}s)." if wrong.sum() > 1 else ".")
        )
    values.flags.writeable = False
    return values


def _matched(names: pd.Index, given: pd.Series, what: str, noun: str) -> np.ndarray:
    unknown = given.index.difference(names, sort=False)
    if len(unknown):
        known_name(unknown[0], names, noun, what)
    if not given.index.is_unique:
        twice = given.index[given.index.duplicated()]
        raise ShockError(f"{what} names {listing(twice)} twice.")
    missing = names.difference(given.index, sort=False)
    if len(missing):
        raise ShockError(
            f"{what}: no value for {plural(len(missing), noun)}: {listing(missing)}. "
            f"Name every {noun}."
        )
    return given.reindex(names).to_numpy()


def one(given: Any, what: str, low: float = -np.inf, high: float = np.inf) -> float:
    """A single number in [low, high]."""
    try:
        value = float(given)
    except (TypeError, ValueError):
        raise ShockError(f"{what}={given!r}: this is not a number.") from None
    if not low <= value <= high or not np.isfinite(value):
        raise ShockError(f"{what}={value:g}: it has to lie in [{low:g}, {high:g}].")
    return value


def said(given: Any) -> Any:
    """A parameter in plain values, for specs and files.

    >>> said(np.float64(0.5)), said({"a": 1}), said(np.array([1.0, 2.0]))
    (0.5, {'a': 1}, [1.0, 2.0])
    """
    if isinstance(given, pd.DataFrame):
        table = {str(column): given[column].tolist() for column in given}
        return {"index": [str(name) for name in given.index], "columns": table}
    if isinstance(given, Mapping | pd.Series):
        return {str(key): said(value) for key, value in given.items()}
    if isinstance(given, np.ndarray | np.generic):
        return given.tolist()
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [said(value) for value in given]
    return given
