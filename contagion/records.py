"""Records: a table or a Series together with its definitions, its reasons for NaN and its notes.

Functions whose numbers need an explanation return a :class:`Table` (a DataFrame) or
:class:`Scores` (one number a node). In an expression a record acts as its pandas object, and the
result is plain pandas: `record["loss"]`, `record.loc["a"]`, `record / 2`, `record.sort_values()`.
Definitions and reasons are kept by `merge`, `join` and `to_csv` of the record, and by pickle.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.lib.mixins import NDArrayOperatorsMixin

from .errors import ArgumentError, Finding, findings_table
from .media import TABLES, ending, guarded, notebook, page, shown, visible
from .text import listing

Why: TypeAlias = Mapping[Any, str]  # {row: reason why it is NaN}
ROWS = 20  # largest number of rows of a table in a notebook
SHOWN = 6  # largest number of reasons printed below a table
MERGED = "NaN in the table that was merged"
NO_ROW = "no row in the other table"
PLACES = ("_row_left", "_row_right")


def first_reason(n: int, reasons: Mapping[str, Any]) -> np.ndarray:
    """(n,) the first reason that applies to each row, or an empty text.

    Parameters
    ----------
    n : number of rows.
    reasons : {reason: (n,) bool, rows to which it applies, or True for every row}.

    Example
    -------
    >>> first_reason(2, {"no debts": np.array([False, True]), "no claims": True}).tolist()
    ['no claims', 'no debts']
    """
    said = np.full(n, "", object)
    for reason, where in reasons.items():
        said[np.asarray(where, bool) & (said == "")] = reason
    return said


def because(
    table: pd.DataFrame, reasons: Mapping[str, Any], columns: Iterable[Any] | None = None
) -> dict[Any, Why]:
    """{column: {row: reason}} for every NaN of a table.

    Parameters
    ----------
    table : the numbers.
    reasons : as in :func:`first_reason`.
    columns : the columns that these reasons explain, by default all.

    Example
    -------
    >>> because(pd.DataFrame({"x": [1.0, np.nan]}, index=["a", "b"]), {"not known": True})
    {'x': {'b': 'not known'}}
    """
    said = first_reason(len(table), reasons)
    found: dict[Any, Why] = {}
    for name in table.columns if columns is None else columns:
        blank = table[name].isna().to_numpy()
        if blank.any():
            found[name] = dict(zip(table.index[blank], said[blank], strict=True))
    return found


class _Record(NDArrayOperatorsMixin):
    """Common base of tables and scores, which act as the pandas object that they contain."""

    __pandas_priority__ = 5000  # in `series + record` pandas defers to the record
    _held_in: ClassVar[str]

    @property
    def _held(self) -> Any:
        return self.__dict__[self._held_in]

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """DataFrame or Series: pandas aligns these by name, and anything else by position."""
        return type(self._held)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or self._held_in not in self.__dict__:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return getattr(self._held, name)

    def __getitem__(self, key: Any) -> Any:
        return self._held[key]

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._held)

    def __contains__(self, key: Any) -> bool:
        return key in self._held

    def __bool__(self) -> bool:
        return bool(self._held)

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *dir(type(self)), *dir(self._held)})

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._held, dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [x._held if isinstance(x, _Record) else x for x in inputs]
        return getattr(ufunc, method)(*plain, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(self.__dict__[f.name] for f in fields(self))  # type: ignore[arg-type]

    def _also(self) -> dict[str, Any]:
        """The additional fields of a subclass."""
        base = ("table", "values", "definitions", "definition", "reasons", "notes")
        return {name: x for name, x in self.__dict__.items() if name not in base}

    def _table(self) -> Table:
        raise NotImplementedError

    def _lines(self) -> list[str]:
        """The lines of text below the numbers: fields, notes and reasons."""
        table = self._table()
        said: dict[tuple[str, tuple[Any, ...]], list[Any]] = {}
        for column, why in table.reasons.items():
            for reason in dict.fromkeys(why.values()):
                rows = tuple(row for row, text in why.items() if text == reason)
                said.setdefault((reason, rows), []).append(column)
        lines = [f"{name}: {_words(value)}" for name, value in self._also().items()]
        lines += table.notes
        for (reason, rows), columns in list(said.items())[:SHOWN]:
            lines.append(f"NaN in {listing(columns)} for {listing(rows)}: {reason}")
        if len(said) > SHOWN:
            lines.append(f"{len(said) - SHOWN} more reasons in .reasons")
        return lines

    @shown
    def __repr__(self) -> str:
        with pd.option_context("display.width", 80, "display.max_columns", None):
            numbers = repr(self._held)
        below = [textwrap.fill(line, 79, subsequent_indent="  ") for line in self._lines()]
        return "\n".join([numbers, *below])

    def _repr_html_(self) -> str:
        below = "".join(f"<p>{page(line)}</p>" for line in self._lines())
        frame: Any = self._table().table
        return visible(frame._repr_html_(), keep="\n") + below

    def merge(
        self,
        other: Any,
        *,
        on: Any = None,
        how: Literal["left", "right", "inner", "outer"] = "left",
        suffixes: tuple[str, str] = ("", "_other"),
    ) -> Table:
        """The rows of two tables side by side, with the definitions and reasons of both.

        Parameters
        ----------
        other : record, DataFrame or named Series.
        on : column or columns to match; by default the row labels.
        how : rows to keep, as in `DataFrame.merge`. Rows missing in one table have NaN in its
            columns, with this as the reason.
        suffixes : added to the names of columns that both tables have.

        Example
        -------
        >>> one = Scores(pd.Series({"a": 1.0, "b": np.nan}, name="x"), "x", {"b": "not known"})
        >>> one.merge(pd.Series({"a": 5.0}, name="y")).reasons
        {'x': {'b': 'not known'}, 'y': {'b': 'no row in the other table'}}
        """
        sides = (self._table(), _as_table(other))
        left, right = (
            side.table.assign(**{place: np.arange(len(side))})
            for side, place in zip(sides, PLACES, strict=True)
        )
        rows = on is None
        found = left.merge(
            right, how=how, on=on, left_index=rows, right_index=rows, suffixes=suffixes
        )
        keys = set() if rows else {on} if isinstance(on, str) else set(on)
        shared = (set(sides[0].table) & set(sides[1].table)) - keys
        places = [found.pop(place) for place in PLACES]
        definitions: dict[Any, str] = {}
        reasons: dict[Any, Why] = {}
        for side, place, suffix in zip(sides, places, suffixes, strict=True):
            for name in side.table:
                new = f"{name}{suffix}" if name in shared else name
                definitions |= {new: side.definitions[name]} if name in side.definitions else {}
                blank = found[new].isna().to_numpy()
                why, label = side.reasons.get(name, {}), side.table.index
                text = [NO_ROW if np.isnan(k) else why.get(label[int(k)], "") for k in place[blank]]
                if text:
                    reasons[new] = dict(zip(found.index[blank], text, strict=True))
        return Table(found, definitions, reasons, sides[0].notes + sides[1].notes)

    join = merge

    def to_csv(self, path: str | Path, **options: Any) -> None:
        """Write the numbers to `path` and their explanations to `<name>_reasons.csv`.

        The second file has the columns kind (definition, reason, note, or a field of the record),
        column, row and text. In both files a `'` is put before names that a spreadsheet would read
        as a formula.

        Parameters
        ----------
        path : file of the table, .csv or .csv.gz.
        options : for `DataFrame.to_csv`, applied to the table only.
        """
        ending(path, TABLES, "table")
        path, table = Path(path), self._table()
        rows = [("definition", column, "", text) for column, text in table.definitions.items()]
        for column, why in table.reasons.items():
            rows += [("reason", column, row, text) for row, text in why.items()]
        rows += [("note", "", "", text) for text in table.notes]
        rows += [(name, "", "", _words(value)) for name, value in self._also().items()]
        guarded(table.table).to_csv(path, **options)
        explained = guarded(pd.DataFrame(rows, columns=["kind", "column", "row", "text"]))
        explained.to_csv(path.with_name(f"{path.stem}_reasons.csv"), index=False)


@dataclass(frozen=True, eq=False, repr=False)
class Table(_Record):
    """A table with definitions of its columns and reasons for cells that are NaN.

    Attributes
    ----------
    table : the DataFrame.
    definitions : {column: one sentence with the unit}.
    reasons : {column: {row: reason why it is NaN}}.
    notes : further information for readers of the table.

    Raises
    ------
    ArgumentError : for a NaN without a reason.

    Example
    -------
    >>> frame = pd.DataFrame({"share": [0.5, np.nan]}, index=["a", "b"])
    >>> record = Table(frame, {"share": "part of the claims"}, {"share": {"b": "no claims"}})
    >>> record
       share
    a    0.5
    b    NaN
    NaN in 'share' for 'b': no claims
    >>> record["share"].max(), record.merge(record["share"].rename("again")).reasons["share"]
    (np.float64(0.5), {'b': 'no claims'})
    """

    _held_in: ClassVar[str] = "table"
    table: pd.DataFrame
    definitions: Mapping[Any, str] = field(default_factory=dict)
    reasons: Mapping[Any, Why] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for part in ("definitions", "reasons"):  # keep those of columns in the table
            given = getattr(self, part)
            kept = {column: given[column] for column in self.table if given.get(column)}
            object.__setattr__(self, part, kept)
        blank = self.table.isna().to_numpy()
        for name, mine in zip(self.table, blank.T, strict=True):
            _refuse_silence(name, self.table.index, mine, self.reasons.get(name, {}))

    def _table(self) -> Table:
        return self

    def scores(self, column: Any) -> Scores:
        """One column with its definition and its reasons."""
        mine = self.definitions.get(column, ""), self.reasons.get(column, {})
        return Scores(self.table[column], *mine)


@dataclass(frozen=True, eq=False, repr=False)
class Amounts(Table):
    """A table with a column `amount`, which a notebook shows on one scale and with its unit.

    Attributes
    ----------
    unit : the unit of the amounts.

    Example
    -------
    >>> owed = Amounts(pd.DataFrame({"node": ["a"], "amount": [2.58e8]}), unit="USD")
    >>> "amount, USD m" in owed._repr_html_(), owed["amount"].sum()
    (True, np.float64(258000000.0))
    """

    unit: str = ""

    def _repr_html_(self) -> str:
        most = self.table.head(ROWS)
        head = f"The first {ROWS} of {len(self):,} rows." if len(self) > ROWS else ""
        below = Table(self.table, {}, self.reasons, self.notes)._lines()
        said = "".join(f"<p>{page(line)}</p>" for line in below)
        return notebook(head, most, self.unit, ("amount",)) + said

    def _also(self) -> dict[str, Any]:
        return {"unit": self.unit} if self.unit else {}


@dataclass(frozen=True, eq=False, repr=False)
class Scores(_Record):
    """One number a node, with its definition and reasons for NaN.

    Attributes
    ----------
    values : the Series.
    definition : one sentence with the unit.
    reasons : {node: reason why it is NaN}.
    notes : further information for readers of the numbers.

    Raises
    ------
    ArgumentError : for a NaN without a reason.

    Example
    -------
    >>> found = Scores(pd.Series({"a": 2.0, "b": np.nan}, name="x"), "x", {"b": "no claims"})
    >>> found.max(), (found / 2).tolist(), found.reasons
    (np.float64(2.0), [1.0, nan], {'b': 'no claims'})
    """

    _held_in: ClassVar[str] = "values"
    values: pd.Series
    definition: str = ""
    reasons: Why = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        values = self.values
        _refuse_silence(values.name, values.index, values.isna().to_numpy(), self.reasons)

    def _table(self) -> Table:
        frame = self.values.to_frame()
        name = frame.columns[0]
        reasons = {name: self.reasons} if self.reasons else {}
        return Table(frame, {name: self.definition}, reasons, self.notes)

    def _lines(self) -> list[str]:
        return [self.definition, *super()._lines()] if self.definition else super()._lines()


def _refuse_silence(name: Any, index: pd.Index, blank: np.ndarray, why: Why) -> None:
    silent = [row for row in index[blank] if not why.get(row)] if blank.any() else []
    if silent:
        raise ArgumentError(f"{name} of {str(silent[0])!r} is NaN without a stated reason.")


def _as_table(given: Any) -> Table:
    """The table of a record; a pandas object becomes a table with one general reason for NaN."""
    if isinstance(given, _Record):
        return given._table()
    frame = given.to_frame() if isinstance(given, pd.Series) else given
    return Table(frame, {}, because(frame, {MERGED: True}))


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(x)}" for name, x in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(_words, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def findings_shown(findings: Sequence[Finding]) -> pd.DataFrame:
    """Findings as a table that shows every message in full, in a terminal and in a notebook."""

    class Findings(pd.DataFrame):
        """Findings as a table that shows every message in full."""

        @shown
        def __repr__(self) -> str:
            return "\n".join(map(str, findings)) if len(self) else "clean: nothing was found."

        def __reduce_ex__(self, protocol: Any) -> Any:
            return pd.DataFrame(self).__reduce_ex__(protocol)

        def _repr_html_(self) -> str:
            with pd.option_context("display.max_colwidth", None):
                return notebook("", self.drop(columns="samples"))

    return Findings(findings_table(findings))
