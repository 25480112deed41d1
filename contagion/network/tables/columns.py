"""The meaning of columns: options of the caller, then exact names, then unambiguous synonyms.

An ambiguous synonym ("weight" for an amount) is a guess: it is used only if there is no other
candidate, and reported. Two candidates for one column are an error.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pandas as pd

from ...errors import Finding, NetworkError
from ...text import listing, plural
from ...units import WORDS
from .. import schema
from .numbers import CODES, numbers
from .reading import Reading

TOKENS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[€$£]")
SYMBOLS = {"€": "EUR", "$": "USD", "£": "GBP"}


@dataclass
class Mapped:
    """A table with the column names of the schema.

    Attributes
    ----------
    renamed : {schema name: original name}, where they differ in more than case and spaces.
    guessed : those of `renamed` that are a guess.
    units : {schema name: unit in the heading of the column}.
    """

    frame: pd.DataFrame
    renamed: dict[str, str] = field(default_factory=dict)
    guessed: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def mapped(frame: pd.DataFrame, name: schema.Table, how: Reading) -> Mapped:
    """Rename the columns to the names of the schema.

    Raises
    ------
    NetworkError : for a repeated name, and for two candidates for one column.
    """
    own = schema.columns(name)
    done = Mapped(_told(frame, name, how))
    for theirs, ours in how.of("columns", name).items():
        if ours in own and own[ours].unit == "money" and (unit := _headed(theirs)[1]):
            done.units[ours] = unit
    table, by = done.frame, dict[str, list[Any]]()
    headings = list(table.columns)
    for column in headings:
        by.setdefault(schema.key(column), []).append(column)
    have, new = set(headings), dict[Any, str]()
    for key, same in by.items():
        ours = schema.keys(name).get(key)
        if ours is not None and len(same) == 1 and ours not in have and same[0] not in own:
            new[same[0]] = ours
    table = table.rename(columns=new) if new else table
    _once(table, name)
    headings = [new.get(c, c) for c in headings]
    have, words = set(headings), schema.synonyms(name)
    free = [c for c in headings if c not in own]
    headed = {c: _headed(str(c)) for c in free}
    for ours in own if free else ():
        if ours in have:
            continue
        sure, maybe = words.get(ours, ((), ()))
        keys = {schema.key(c): c for c in free if c not in done.renamed.values()}
        found = [keys[word] for word in sure if word in keys]
        guess = False
        if not found:
            found = [c for c in keys.values() if headed[c][0] in (schema.key(ours), *sure)]
            guess = bool(found)
        required = own[ours].required == "yes"
        if not found and (required or name == "nodes"):
            found = [keys[word] for word in maybe if word in keys][:1]
            if not found and ours == "amount" and _graph(table):  # of graphs, not of a rule
                found = [c for c in table.columns if schema.key(c) == "weight"][:1]
            guess = bool(found)
        if len(found) > 1:
            found = _one(found, ours, name, required)
        if found:
            done.renamed[ours] = found[0]
            if guess:
                done.guessed[ours] = str(found[0])
            if headed.get(found[0], ("", ""))[1]:
                done.units[ours] = headed[found[0]][1]
    names = {theirs: ours for ours, theirs in done.renamed.items()}
    done.frame = table.rename(columns=names) if names else table
    return done


def _graph(table: pd.DataFrame) -> bool:
    """Whether this is an edge list as written by graph programs: source, target, weight."""
    keys = {schema.key(c) for c in table.columns}
    return any(set(pair) <= keys for pair in (("source", "target"), ("from", "to"), ("src", "dst")))


def _told(frame: pd.DataFrame, name: schema.Table, how: Reading) -> pd.DataFrame:
    """Apply the names and constants given by the caller."""
    given, said = {}, how.of("columns", name)
    names = {str(c).strip(): c for c in frame.columns} if said else {}
    for theirs, ours in said.items():
        place = theirs if theirs in frame.columns else names.get(str(theirs).strip())
        if place is not None:
            given[place] = ours
            how.use(f"columns:{theirs}")
    if given:
        aside = {c: f"{c} (not read)" for c in given.values() if c in frame and c not in given}
        frame = frame.rename(columns={**aside, **given})
    for ours, value in how.of("constants", name).items():
        if ours not in schema.columns(name):
            continue
        how.use(f"constants:{ours}")
        if any(schema.key(c) == schema.key(ours) for c in frame.columns):
            raise NetworkError(
                f"constants={{{ours!r}: {value!r}}}: the {name} table has a column {ours!r} "
                "already. Leave one of the two out."
            )
        frame = frame.assign(**{ours: value})
    return frame


def _once(table: pd.DataFrame, name: str) -> None:
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()].unique()
        raise NetworkError(
            f"The {name} table has {plural(len(twice), 'column')} twice: {listing(twice)}. Keep "
            "one of each."
        )


def _one(found: list[Any], ours: str, name: str, required: bool) -> list[Any]:
    if not required:
        return []
    pairs = " or ".join(f'columns={{"{c}": "{ours}"}}' for c in found[:3])
    raise NetworkError(
        f"The {name} table has several columns that may be {ours!r}: {listing(found)}. Say {pairs}."
    )


@lru_cache(4096)
def _headed(column: str) -> tuple[str, str]:
    """The key of a heading without its unit, and the unit: "Amount (EUR m)" is amount, EUR m.

    >>> _headed("exposure_eur"), _headed("weight")
    (('exposure', 'EUR'), ('', ''))
    """
    words = TOKENS.findall(column)
    code, scale, at = "", "", len(words)
    while at > 1:
        word = words[at - 1].casefold()
        if not code and (word in CODES or word in SYMBOLS):
            code = SYMBOLS.get(word, word.upper())
        elif not scale and word in WORDS:
            scale = word
        elif word != "in":
            break
        at -= 1
    if not (code or scale):
        return "", ""
    return schema.key("".join(words[:at])), f"{code} {scale}".strip()


def required(
    table: pd.DataFrame, name: schema.Table, but: Any = (), origin: str = ""
) -> list[Finding]:
    """Findings for missing required columns, each with the closest existing column."""
    from ...text import closest

    findings, have = [], {*table.columns, *but}
    for column in schema.required(name).values():
        if column.column not in have:
            near = [str(other) for other in table.columns if other not in schema.columns(name)]
            match = closest(column.column, near) or _likely(table, near, column)
            findings.append(
                Finding(
                    "C012",
                    "error",
                    "missing column",
                    f"the {name} table {origin}".rstrip() + f" has no column {column.column!r} "
                    f"({column.meaning}); it has "
                    f"{listing(table.columns, 9) or 'no columns'}.",
                    f'columns={{"{match or "…"}": "{column.column}"}}, or '
                    f'constants={{"{column.column}": …}} where all rows have the same.',
                    1,
                )
            )
    return findings


def _likely(table: pd.DataFrame, names: list[str], column: schema.Column) -> str:
    """The only column of numbers, or the first column of text, as a suggestion."""
    number = {str(c): _numeric(table[c]) for c in table.columns if str(c) in names and len(table)}
    if column.dtype == "string":
        return next((name for name, is_number in number.items() if not is_number), "")
    found = [name for name, is_number in number.items() if is_number]
    return found[0] if len(found) == 1 else ""


def _numeric(cells: pd.Series) -> bool:
    some = cells.dropna().iloc[:50]
    return bool(len(some)) and (
        pd.api.types.is_numeric_dtype(cells.dtype)
        or any(numbers(some.astype(str), sign).unread is None for sign in ".,")
    )


def reported(done: Mapped, name: schema.Table, origin: str) -> list[Finding]:
    """Findings on renamed columns, and on columns that were not read (N002, W012, W019)."""
    own, table = schema.columns(name), done.frame
    findings = []
    have = list(table.columns)
    others = [column for column in have if column not in own]
    if not (others or done.renamed):
        return []
    free = [c for c, one in own.items() if c not in have and one.required != "yes"]
    near: list[str] = []
    for column in others:
        match = difflib.get_close_matches(str(column), free, n=1, cutoff=0.8)
        head = _headed(str(column))[0]
        like = match[0] if match else next((o for o in own if head and schema.key(o) == head), "")
        if like:
            near.append(str(column))
            findings.append(
                Finding(
                    "W012",
                    "warning",
                    "column not read",
                    f"the column {str(column)!r} of the {name} table is not read; {like!r} is "
                    f"({own[like].meaning}).",
                    f'columns={{"{column}": "{like}"}}.',
                    1,
                    samples=(str(column),),
                )
            )
    for ours, theirs in done.guessed.items():
        findings.append(
            Finding(
                "W019",
                "warning",
                "column guessed",
                f"{ours} of the {name} is read from the column {theirs!r}"
                + (f", in {done.units[ours]}" if ours in done.units else "")
                + ": no other can be meant.",
                f'columns={{"{theirs}": "{ours}"}} says that it is.',
                1,
                samples=(theirs,),
            )
        )
    said = [f"{ours} from {t!r}" for ours, t in done.renamed.items() if ours not in done.guessed]
    rest = [str(column) for column in others if str(column) not in near]
    if said or (rest and origin):
        text = f"the {name}: " + "; ".join(
            [
                *([", ".join(said)] if said else []),
                *([f"not read: {listing(rest, 9)}"] if rest else []),
            ]
        )
        findings.append(Finding("N002", "note", "columns", f"{text}.", "", len(said) + len(rest)))
    return findings
