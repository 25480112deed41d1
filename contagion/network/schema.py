"""The schema of the tables, from `schema.csv`: used by checks, defaults, help and docs."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal, get_args

Table = Literal[
    "nodes", "exposures", "holdings", "guarantees", "shareholdings", "margins", "positions",
    "loans", "claims", "prices", "scenarios",
]  # fmt: skip
TABLES: tuple[Table, ...] = get_args(Table)
MARGINS = ("interbank_assets", "interbank_liabilities")  # required columns of a table of margins

DEFAULTS: dict[str, object] = {"true": True, "1": 1, "0": 0, "0.5": 0.5, "0.05": 0.05, "0.95": 0.95}


@dataclass(frozen=True)
class Column:
    """One column of one table, as `schema.csv` states it.

    `dtype` is string, int, float or bool; `unit` is money or empty; `sign` is ">= 0", ">= 1",
    "signed", "0 to 1" or empty; `words` are the permitted values, empty if any text is permitted.
    """

    table: str
    column: str
    dtype: str
    unit: str
    sign: str
    words: str
    default: str
    required: str
    meaning: str

    @property
    def fill(self) -> object:
        """The default for an empty cell, `None` if an empty cell means unknown."""
        return DEFAULTS.get(self.default, self.default) if self.default else None

    @property
    def least(self) -> float:
        """The smallest permitted value."""
        if self.fraction:
            return 0.0
        return float(self.sign.removeprefix(">= ")) if self.sign.startswith(">=") else -float("inf")

    @property
    def fraction(self) -> bool:
        """True if the cells are fractions, from 0 to 1."""
        return self.sign == "0 to 1"

    @property
    def what(self) -> str:
        """The permitted values of a cell, in words.

        >>> columns("exposures")["tier"].what
        'a whole number ≥ 1'
        """
        if self.words:
            return "one of " + ", ".join(self.words.split())
        kind = {"int": "a whole number", "float": "a number", "bool": "true or false"}
        bound = f" ≥ {self.least:g}" if self.sign.startswith(">=") else ""
        bound = " from 0 to 1" if self.fraction else bound
        return kind.get(self.dtype, "text") + bound


@cache
def columns(table: Table) -> dict[str, Column]:
    """The columns of a table by name; a table of margins is a node table with both margins.

    >>> columns("exposures")["tier"].meaning
    'seniority, 1 is paid first'
    """
    if table == "margins":
        return {
            name: replace(row, table=table, required="yes" if name in MARGINS else row.required)
            for name, row in columns("nodes").items()
        }
    text = (files(__package__) / "schema.csv").read_text(encoding="utf-8")
    rows = (Column(**row) for row in csv.DictReader(text.splitlines()))
    return {row.column: row for row in rows if row.table == table}


@cache
def required(table: Table) -> dict[str, Column]:
    """The required columns of a table, by name."""
    return {name: column for name, column in columns(table).items() if column.required == "yes"}


@cache
def keys(table: Table) -> dict[str, str]:
    """The columns of a table by their key, see :func:`key`."""
    return {key(name): name for name in columns(table)}


@cache
def synonyms(table: Table) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Synonyms for the columns of a table, as keys: certain ones, and possible ones.

    >>> synonyms("exposures")["debtor"][1]
    ('counterparty',)
    """
    text = (files(__package__) / "synonyms.csv").read_text(encoding="utf-8")
    of = "nodes" if table == "margins" else table
    found = {}
    for row in csv.DictReader(text.splitlines()):
        if row["table"] == of:
            words = row["words"].split("|")
            sure = tuple(key(word) for word in words if not word.startswith("?"))
            found[row["column"]] = sure, tuple(key(w) for w in words if w.startswith("?"))
    return found


def key(name: object) -> str:
    """A name in lower case without spaces and signs, for comparing column names.

    >>> key("Interbank Assets"), key("entryPrice"), key("entry_price")
    ('interbankassets', 'entryprice', 'entryprice')
    """
    return _key(str(name))


@lru_cache(4096)
def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def document(table: Table) -> str:
    """The schema of a table as text, one line a column: for help pages and docs.

    >>> print(document("holdings").splitlines()[2])
    value (float, money, >= 0, required): market value held, a part of the external assets of
    the node
    """
    lines = []
    for column in columns(table).values():
        notes = [column.dtype, column.unit, column.sign]
        notes += ["required"] if column.required == "yes" else []
        notes += [f"default {column.default}"] if column.default else []
        lines.append(f"{column.column} ({', '.join(filter(None, notes))}): {column.meaning}")
    return "\n".join(lines)
