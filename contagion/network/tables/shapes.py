"""Tables of foreign shapes: told by their columns or named by the caller, and turned into ours.

The shapes are in `network/formats`, one file each, which registers them here. Rows are chosen with
`where=`; several series of one pair are a question, never a sum.
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

PLAIN = "plain"  # the word for a table that is read as it stands
LABELLED = re.compile(r"\s*([^\W_][\w.+-]*|_[A-Z]):\s*(.+)", re.DOTALL)


@dataclass(frozen=True)
class Shape:
    """A foreign shape.

    Attributes
    ----------
    name : the word for `format=`.
    title, version : what it is, and which version of it was looked at.
    tables : the tables of the schema that it can become.
    recipe : how it is read, one line of Python.
    matches : whether a table as it was found is of this shape.
    take : the same with columns of ours, as text; it raises `NetworkError` for what it leaves open.
    own : names of `where` that it sees to itself.
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
    """Make shapes known to every reader; all that are known."""
    SHAPES.update({shape.name: shape for shape in shapes})
    return SHAPES


def taken(source: Source, name: schema.Table, how: Reading) -> Source:
    """The rows that `where` keeps, with our columns where the table has a foreign shape.

    Raises
    ------
    UnknownNameError : for a format that is not known.
    NetworkError : for rows that are not there, a file that has another shape than was said, and
        what the shape leaves open.
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
        return None  # the format of another table
    how.use("format")
    if shape.name != "matrix" and not shape.matches(source):
        raise NetworkError(
            f"{source.origin or f'The {name} table'} is not {shape.title}: it has the columns "
            f'{listing(source.frame.columns, 9)}. format="{PLAIN}" reads it as it stands.'
        )
    return shape


def other(shape: Shape, source: Source) -> NetworkError:
    """C014: a shape that is no table of exposures, with what it becomes."""
    what = " or ".join(shape.tables)
    cascade = "contagion cascade --positions or " if "positions" in shape.tables else ""
    text = f"{source.origin or 'this'} is no table of exposures: it is {shape.title}, which "
    text += f"becomes {what}."
    fix = f"{cascade}{shape.recipe} reads it (see contagion formats)."
    return NetworkError([Finding("C014", "error", "no exposures", text, fix, len(source.frame))])


def code(cell: object) -> str:
    """The code of a cell or heading such as "5J: All countries"; others as they are.

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
    """The rows that `where` keeps, by the columns that the table has (but those of `but`).

    Raises
    ------
    NetworkError : for a value that no row has, with those that there are.
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
    """C015 where several rows are of one pair (and period) and another column tells them apart.

    Parameters
    ----------
    by : columns of the pair and its period.
    totals : words for "all together", proposed before others.

    Raises
    ------
    NetworkError : with one value a column to keep, that of most pairs.
    """
    group = frame.groupby(by, dropna=False, sort=False).ngroup().to_numpy()
    if not pd.Series(group).duplicated().any():
        return
    rest = [c for c in frame.columns if c not in by]
    apart = frame[rest].groupby(group).nunique(dropna=False)
    vary = [c for c in rest if (apart[c] > 1).any()]
    if not vary:
        return  # the same rows twice: duplicates
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
    """Those of {theirs: ours} that the caller says nothing about."""
    said = {str(k).strip(): v for k, v in how.of("columns", name).items()}
    given = {*said.values(), *how.of("constants", name)}
    return {
        theirs: ours
        for theirs, ours in names.items()
        if theirs in frame.columns and ours not in given and str(theirs).strip() not in said
    }


def mapped(columns: Sequence[Any], name: schema.Table, how: Reading) -> dict[Any, str]:
    """Those that the caller maps to columns of ours, with the heading that the caller writes."""
    said = {schema.key(k): str(k) for k in how.of("columns", name)}
    found = {c: said.get(schema.key(c), said.get(schema.key(code(c)))) for c in columns}
    return {c: theirs for c, theirs in found.items() if theirs is not None}


def note(title: str, message: str, count: int = 1, code: str = "N005") -> Finding:
    """What a shape took, dropped or assumed; with the code of an error it is repaired."""
    return Finding(code, "repaired" if code[0] == "C" else "note", title, message, "", count)


def asked(message: str, fix: str, count: int, code: str = "C014", title: str = "") -> NetworkError:
    """A refusal with one finding."""
    return NetworkError([Finding(code, "error", title or "another content", message, fix, count)])
