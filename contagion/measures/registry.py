"""The definition of a measure, and the record of its values with a reason for each nan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..errors import ArgumentError
from ..records import Scores, Table, first_reason

About = Literal["importance", "vulnerability", "size", "position"]
Scope = Literal["node", "exposure", "system"]


@dataclass(frozen=True)
class Measure:
    """The definition of one measure; `formula` uses the notation of the glossary.

    Attributes
    ----------
    name, title : the key of `MEASURES` and the column; the text for display, by default the name.
    formula : with `L[i, j]` the debt of i to j, `X[i, j]` the claim of i on j, K capital, A assets.
    unit : money, %, share, nodes or a pure number.
    denominator : of a relative number; "–" for absolute numbers.
    source : author, year, journal, equation; "after" if the equation could not be read.
    about : meaning of a high value: importance (the node causes losses to others), vulnerability
        (it suffers losses from others), size, or position in the graph.
    scope : one number for each node, for each exposure, or for the system.
    of : the function of the network alone, for measures that need no run of a model.
    drawn : True if the cost grows faster than the number of exposures; the measure then takes `k`
        and `rng` for an estimate, as `rank(measures="all")` uses in large networks.
    """

    name: str
    title: str = field(default="", kw_only=True)
    formula: str
    unit: str
    denominator: str = field(default="–", kw_only=True)
    source: str
    about: About = "importance"
    scope: Scope = "node"
    of: Callable[..., Scores] | None = None
    drawn: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", self.title or self.name.replace("_", " "))

    def to_dict(self) -> dict[str, str]:
        """The definition as text: every field but the function and its cost."""
        return {f.name: getattr(self, f.name) for f in fields(self)[:-2]}

    @property
    def measured_in(self) -> str:
        """The unit, and the denominator of a relative number."""
        if self.denominator == "–":
            return self.unit
        return f"{self.unit}{' of ' if self.unit in ('share', '%') else ', by '}{self.denominator}"

    @property
    def sentence(self) -> str:
        """Title, formula, unit and source as one sentence, the definition of a column."""
        return f"{self.title}: {self.formula}, {self.measured_in} ({self.source})"


MEASURES: dict[str, Measure] = {}  # filled by the package from the families


def definitions(columns: Iterable[Any]) -> dict[Any, str]:
    """{column: definition} of columns that are measures; a model name may follow after a dot."""
    base = {column: str(column).partition(".")[0] for column in columns}
    return {column: MEASURES[name].sentence for column, name in base.items() if name in MEASURES}


def beside(columns: Mapping[str, Scores]) -> Table:
    """Measures of the same nodes as one table."""
    frame = pd.DataFrame(dict(columns))
    reasons = {name: column.reasons for name, column in columns.items() if column.reasons}
    notes = tuple(f"{name}: {note}" for name, column in columns.items() for note in column.notes)
    return Table(frame, definitions(columns), reasons, notes)


def of_system(name: str, value: float, why: str = "") -> Scores:
    """A measure of the whole system; nan with the reason if it is not finite."""
    reasons = {why: np.array([not np.isfinite(value)])} if why else None
    return scored(name, np.array([value]), pd.Index(["system"]), reasons)


def reasoned(name: str, table: pd.DataFrame, column: str, notes: tuple[str, ...] = ()) -> Scores:
    """A column of a table, with the reasons for nan from the column `reason`."""
    reason = table["reason"].to_numpy()
    where = {text: reason == text for text in dict.fromkeys(reason) if text}
    return scored(name, table[column].to_numpy(), table.index, where, notes=notes)


def scored(
    name: str,
    values: np.ndarray,
    index: pd.Index,
    reasons: Mapping[str, np.ndarray] | None = None,
    definition: str = "",
    notes: tuple[str, ...] = (),
) -> Scores:
    """One number for each node; nan with the reason where it is not defined.

    Parameters
    ----------
    name : of the measure, as in `MEASURES`.
    values : (n,) numbers.
    index : names of the nodes.
    reasons : {reason: (n,) bool where it applies}; the value becomes nan, with the first reason
        that applies.
    definition : one sentence with the unit, by default that of `MEASURES`.
    notes : further remarks.

    Returns
    -------
    Scores : a record whose `reasons` is {node: reason} for every nan.

    Raises
    ------
    ArgumentError : for a value that is nan or infinite without a reason.

    Example
    -------
    >>> index = pd.Index(["a", "b"])
    >>> found = scored("share", np.array([0.5, np.nan]), index,
    ...                {"nothing is owed": np.array([False, True])})
    >>> found.reasons
    {'b': 'nothing is owed'}
    """
    values = np.array(values, float)
    said = first_reason(len(values), reasons or {})
    undefined = said != ""
    values[undefined] = np.nan
    silent = ~np.isfinite(values) & ~undefined
    if silent.any():
        at = index[int(np.flatnonzero(silent)[0])]
        raise ArgumentError(
            f"{name} of {str(at)!r} is {values[silent][0]} without a stated reason. If the measure "
            "is one of this package, please report it."
        )
    series = pd.Series(values, index, name=name)
    definition = definition or definitions([name]).get(name, "")
    why = dict(zip(index[undefined], said[undefined], strict=True)) if undefined.any() else {}
    return Scores(series, definition, why, notes)
