"""Parameters that may differ by node: one reader for models, valuations and channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from ..errors import ArgumentError, ArgumentTypeError
from ..media import shown
from ..network.checks.draft import column
from ..network.exposure_network import ExposureNetwork
from ..text import known_name, listing

Parameter = float | str | Mapping[Any, float] | Sequence[float] | np.ndarray | pd.Series


class Range(NamedTuple):
    """Valid range of a number: finite, from `low` (`above`: excluding `low`) to `high`."""

    low: float
    high: float = float("inf")
    above: bool = False

    def wrong(self, numbers: np.ndarray) -> np.ndarray:
        """True for numbers outside the range, and for nan."""
        under = numbers > self.low if self.above else numbers >= self.low
        return np.asarray(~(under & (numbers <= self.high) & np.isfinite(numbers)))

    def __str__(self) -> str:
        if self.above:
            end = "finite" if self.high == np.inf else f"at most {self.high:g}"
            return f"is above {self.low:g} and {end}"
        if self.high == np.inf:
            return f"is >= {self.low:g} and finite"
        return f"lies between {self.low:g} and {self.high:g}"


RATE, POSITIVE = Range(0.0, 1.0), Range(0.0)


class Parameters:
    """A frozen dataclass; the fields in `by_node` are one number, or one for each node.

    They are given as a number, a mapping or Series {node: number}, an array in the order of
    `net.names`, or the name of a numeric column of the node table; `by_node` has the valid range.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    by_node: ClassVar[Mapping[str, Range]] = {}
    room: ClassVar[str] = ""  # before the name of the class when it is shown

    def __post_init__(self) -> None:
        for name, limits in self.by_node.items():
            value = _plain(f"{type(self).__name__}: {name}", getattr(self, name), limits)
            object.__setattr__(self, name, value)

    @shown
    def __repr__(self) -> str:
        """The parameters that differ from their defaults."""
        given = ", ".join(f"{name}={value!r}" for name, value in self.given.items())
        return f"{self.room}{type(self).__name__}({given})"

    @property
    def given(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        every = ((f.name, getattr(self, f.name), f.default) for f in fields(self))
        return {name: value for name, value, usual in every if usual is MISSING or value != usual}

    def parameter(self, network: ExposureNetwork, name: str) -> np.ndarray:
        """A parameter by node, (n,).

        Raises
        ------
        ArgumentError, UnknownNameError
            For nodes without a value, a wrong number of values, an unknown node or column.

        Example
        -------
        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 1], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[2, 1])
        >>> ct.models.Furfine({"a": 0.5, "b": 0.2}).parameter(net, "loss_given_default").tolist()
        [0.5, 0.2]
        """
        where = f"{type(self).__name__}: {name}"
        value, n, names = getattr(self, name), len(network), network.names
        if isinstance(value, float):
            return np.full(n, value)
        if isinstance(value, str):
            table = network._nodes
            known_name(value, list(table.select_dtypes("number")), "column of numbers", where)
            numbers = column(table, value)
            fix = f"Fill the column: net.with_nodes({value}=[...])."
        elif value and isinstance(value[0], tuple):
            for node, _ in value:
                known_name(node, names, "node", where)
            numbers = pd.Series(dict(value), dtype=float).reindex(names).to_numpy()
            fix = "Give every node a value: dict.fromkeys(net.names, usual) | {node: other}."
        else:
            numbers = np.asarray(value, float)
            fix = "Give one number, or one per node in the order of net.names."
            if numbers.shape != (n,):
                raise ArgumentError(f"{where} has {len(numbers):,} values for {n:,} nodes. {fix}")
        if (none := np.isnan(numbers)).any():
            raise ArgumentError(f"{where} has no value for {listing(names[none])}. {fix}")
        _check(where, numbers, self.by_node[name], names)
        return numbers


def _plain(where: str, value: Any, limits: Range) -> Any:
    """The checked parameter in a form that can be hashed: pairs, a tuple, a number or a string."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        value = dict(value)
    named = isinstance(value, Mapping | pd.Series)
    try:
        numbers = np.asarray(list(value.values()) if isinstance(value, Mapping) else value, float)
    except (TypeError, ValueError):
        numbers = np.empty((0, 0))
    if numbers.ndim > 1 or isinstance(value, bool):
        raise ArgumentTypeError(
            f"{where}={value!r}: give a number, {{node: number}}, one number per node, or the name "
            "of a column of the node table."
        )
    names = [k.item() if isinstance(k, np.generic) else k for k in dict(value)] if named else None
    _check(where, numbers, limits, names)
    if names is not None:
        pairs = zip(names, numbers.tolist(), strict=True)
        return tuple(sorted(pairs, key=lambda pair: str(pair[0])))
    return float(numbers) if numbers.ndim == 0 else tuple(numbers.tolist())


def _check(where: str, numbers: np.ndarray, limits: Range, names: Any) -> None:
    """Raise an error that names the nodes with numbers out of range."""
    wrong = limits.wrong(numbers)
    if wrong.any():
        at = np.flatnonzero(wrong)
        of = "" if names is None else f" of {listing([names[k] for k in at])}"
        raise ArgumentError(f"{where}{of} is {numbers.flat[at[0]]:g}: it {limits}.")
