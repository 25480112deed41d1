"""Tables in published formats: detected by their columns or named by the caller, then converted.

The formats are in `network/formats`, one file each, which registers them here. Rows are selected
with `where=`; several series for one pair are an error and are never added up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from ...errors import Finding, NetworkError
from ...text import closest, known_name, listing, plural
from .. import schema
from .grids import Source
from .reading import Reading

PLAIN = "plain"  # the word for a table without a special format
LABELLED = re.compile(r"\s*([^\W_][\w.+-]*|_[A-Z]):\s*(.+)", re.DOTALL)


@dataclass(frozen=True)
class Shape:
    """A published format of tables.

    Attributes
    ----------
    name : the word for `format=`.
    title, version : description, and the version that is supported.
    tables : the tables of the schema to which it can be converted.
    recipe : an example of reading it, one line of Python.
    matches : function that tells whether a source table has this format.
    take : function that converts it to schema columns, as text; `NetworkError` if ambiguous.
    own : names in `where` that the format handles itself.
    """

    name: str
    title: str
    version: str
    tables: tuple[schema.Table, ...]
    recipe: str
    matches: Callable[[Source], bool]
    take: Callable[[Source, schema.Table, Reading], Source]
    own: tuple[str, ...] = ()


SHAPES: dict[str, Shape] = {}


def register(shapes: Sequence[Shape]) -> dict[str, Shape]:
    """Register formats for every reader; returns all registered formats."""
    SHAPES.update({shape.name: shape for shape in shapes})
    return SHAPES


def taken(source: Source, name: schema.Table, how: Reading) -> Source:
    """The rows selected by `where`, converted to schema columns if the table has a known format.

    Raises
    ------
    UnknownNameError : for an unknown format.
    NetworkError : for rows that do not exist, a file that does not have the stated format, and
        ambiguous data.
    """
    if how.format is not None:
        known_name(how.format, [PLAIN, *SHAPES], "format")
    shape = _shape(source, name, how)
    if source.document is None:
        own = shape.own if shape is not None else ()
        frame = chosen(source.frame, name, how, own)
        source = source if frame is source.frame else replace(source, frame=frame)
    if shape is not None:
        if how.format is None:
            source.notes.append(f'this is {shape.title} (format="{PLAIN}" reads it as it stands)')
        source = shape.take(source, name, how)
    if source.document is not None:
        raise NetworkError(
            f"{source.origin} holds no table of {name}: a list of records [{{…}}, …], or "
            f'{{"{name}": [{{…}}, …]}}, is needed.'
        )
    return source


def _shape(source: Source, name: schema.Table, how: Reading) -> Shape | None:
    if how.format is None:
        found = [one for one in SHAPES.values() if one.matches(source)]
        mine = [one for one in found if name in one.tables]
        if found and not mine and name == "exposures":
            raise other(found[0], source)
        return mine[0] if mine else None
    if how.format == PLAIN:
        how.use("format")
        return None
    shape = SHAPES[how.format]
    if name not in shape.tables:
        if name == "exposures" and shape.matches(source):
            raise other(shape, source)
        return None  # the option is meant for another table
    how.use("format")
    if shape.name != "matrix" and not shape.matches(source):
        raise NetworkError(
            f"{source.origin or f'The {name} table'} is not {shape.title}: it has the columns "
            f'{listing(source.frame.columns, 9)}. format="{PLAIN}" reads it as it stands.'
        )
    return shape


def other(shape: Shape, source: Source) -> NetworkError:
    """C014: a format that does not contain exposures, with the tables that it contains."""
    what = " or ".join(shape.tables)
    cascade = "contagion cascade --positions or " if "positions" in shape.tables else ""
    text = f"{source.origin or 'this'} is no table of exposures: it is {shape.title}, which "
    text += f"becomes {what}."
    fix = f"{cascade}{shape.recipe} reads it (see contagion formats)."
    return NetworkError([Finding("C014", "error", "no exposures", text, fix, len(source.frame))])


def code(cell: object) -> str:
    """The code of a cell or heading such as "5J: All countries"; other cells unchanged.

    >>> code("5J: All countries"), code("L_INSTR:Type of instruments"), code("BTC/USDT:USDT")
    ('5J', 'L_INSTR', 'BTC/USDT:USDT')
    """
    return _code(str(cell))


@lru_cache(4096)
def _code(text: str) -> str:
    found = LABELLED.fullmatch(text)
    return found[1] if found else text.strip()


def chosen(
    frame: pd.DataFrame, name: schema.Table, how: Reading, but: Sequence[str] = ()
) -> pd.DataFrame:
    """The rows selected by `where`, for the columns of the table (except those in `but`).

    Raises
    ------
    NetworkError : for a value that no row has, with the existing values.
    """
    for theirs, values in how.of("where", name).items():
        wanted = schema.key(theirs)
        at = [c for c in frame.columns if wanted in (schema.key(c), schema.key(code(c)))]
        if not at or theirs in but:
            continue
        how.use(f"where:{theirs}")
        names = [values] if isinstance(values, str) or not isinstance(values, Sequence) else values
        some = {str(one).strip() for one in names}
        labels, cells = pd.factorize(frame[at[0]].astype(object))
        texts = [_text(cell) for cell in cells]
        good = np.array([bool({text, code(text)} & some) for text in texts] + [False])
        lost = some - {word for text in texts for word in (text, code(text))}
        if lost:
            near = closest(min(lost), texts)
            raise NetworkError(
                f"where={{{theirs!r}: {min(lost)!r}}}: no row of the {name} has it; there are "
                f"{listing(dict.fromkeys(texts), 9)}."
                + (f" Did you mean {near!r}?" if near else "")
            )
        frame = frame[good[labels]]
    return frame


def _text(cell: object) -> str:
    whole = isinstance(cell, float) and cell.is_integer()
    return str(int(cell)) if whole and isinstance(cell, float) else str(cell).strip()


def one_series(frame: pd.DataFrame, by: list[str], origin: str, totals: Sequence[str] = ()) -> None:
    """C015 if several rows of one pair (and period) differ in another column.

    Parameters
    ----------
    by : columns of the pair and its period.
    totals : words for totals, suggested before other values.

    Raises
    ------
    NetworkError : with a suggested value for each such column, the one that most pairs have.
    """
    group = frame.groupby(by, dropna=False, sort=False).ngroup().to_numpy()
    if not pd.Series(group).duplicated().any():
        return
    rest = [c for c in frame.columns if c not in by]
    apart = frame[rest].groupby(group).nunique(dropna=False)
    vary = [c for c in rest if (apart[c] > 1).any()]
    if not vary:
        return  # repeated rows: reported as duplicates
    sizes = frame.groupby(vary, sort=False).size()
    if not len(sizes):
        raise NetworkError(f"{origin}: empty cells in {listing(vary)} of rows for one pair.")
    keys = [key if isinstance(key, tuple) else (key,) for key in sizes.index]
    best = max(
        range(len(keys)),
        key=lambda k: (sizes.iloc[k], sum(code(x) in totals for x in keys[k]), -k),
    )
    keep = {code(c): code(x) for c, x in zip(vary, keys[best], strict=True)}
    said = "; ".join(f"{code(c)} is {listing(frame[c].dropna().unique(), 6)}" for c in vary)
    rows, pairs = len(frame), len(np.unique(group))
    literal = ", ".join(f'"{c}": "{x}"' for c, x in keep.items())
    raise NetworkError(
        [
            Finding(
                "C015", "error", "several series",
                f"{origin or 'the table'} has {plural(rows, 'row')} for {plural(pairs, 'pair')}: "
                f"{said}. Parts and their totals are never added up.",
                f"where={{{literal}}} keeps one series ({plural(int(sizes.iloc[best]), 'row')}).",
                rows,
            )
        ]
    )  # fmt: skip


def named(
    frame: pd.DataFrame, names: Mapping[Any, str], name: schema.Table, how: Reading
) -> dict[Any, str]:
    """The part of {theirs: ours} that the options of the caller do not cover."""
    said = {str(k).strip(): v for k, v in how.of("columns", name).items()}
    given = {*said.values(), *how.of("constants", name)}
    return {
        theirs: ours
        for theirs, ours in names.items()
        if theirs in frame.columns and ours not in given and str(theirs).strip() not in said
    }


def mapped(columns: Sequence[Any], name: schema.Table, how: Reading) -> dict[Any, str]:
    """Columns that the caller maps to the schema, with the heading as written by the caller."""
    said = {schema.key(k): str(k) for k in how.of("columns", name)}
    found = {c: said.get(schema.key(c), said.get(schema.key(code(c)))) for c in columns}
    return {c: theirs for c, theirs in found.items() if theirs is not None}


def note(title: str, message: str, count: int = 1, code: str = "N005") -> Finding:
    """A finding on data used, dropped or assumed by a format; "repaired" for codes of errors."""
    return Finding(code, "repaired" if code[0] == "C" else "note", title, message, "", count)


def asked(message: str, fix: str, count: int, code: str = "C014", title: str = "") -> NetworkError:
    """A `NetworkError` with one finding."""
    return NetworkError([Finding(code, "error", title or "another content", message, fix, count)])
