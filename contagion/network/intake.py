"""Checks of the input tables and completed balance sheets; all errors are raised together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import Finding, NetworkError
from ..text import choice
from . import balance_sheet as books
from . import checks as validation
from . import formats as convert
from . import schema
from .balance_sheet import totals
from .checks import Choices, Draft
from .checks.oddities import oddities
from .tables import Reading, door

TABLES = ("holdings", "guarantees", "shareholdings")
OPTIONS = ("unit", "name", "external_creditors", "origin", "rules", *TABLES)
CARRIED = ("assumptions", "provenance", "read")  # options stored in files and graphs
SIDES = ("external_assets", "external_liabilities", "equity", "kind", "names")  # of from_matrix
MEANINGFUL = frozenset(["C005", "C011"])  # valid even if the claims have errors
LOWER_BOUND = frozenset(["C003", "C004", "C006"])  # errors that only remove claims


def check(
    tables: convert.Tables, choices: Choices, unit: str, *, trusted: bool = False
) -> tuple[Draft, books.Book]:
    """Run every check and complete the balance sheets.

    Parameters
    ----------
    tables : with the columns of the schema; the findings of the conversion are included.
    choices, unit : as in the network.
    trusted : the claims come from a network that has been checked; only checks that depend on
        the balance sheet are repeated.

    Raises
    ------
    NetworkError
        With every error; the balance sheets are checked without the claims that have errors.
    """
    draft = validation.draft(tables.nodes, tables.take(), choices, unit, tables.origin, tables.how)
    draft.findings += tables.findings
    totals.margins(draft)
    for step in (validation.typed, oddities) if trusted else validation.CHECKS:
        step(draft)
    if draft.failed:
        raise NetworkError([*_errors(draft), *_beyond(draft)])
    book = books.complete_book(draft)
    if draft.failed:
        raise NetworkError(_errors(draft))
    return draft, book


def beside(tables: convert.Tables, given: Mapping[Any, Any]) -> dict[str, pd.DataFrame | None]:
    """The tables besides nodes and exposures, None for empty ones; their findings are added."""
    found: dict[str, pd.DataFrame | None] = {}
    for name, table in given.items():
        read = None if table is None else door.read(table, name, tables.how)
        found[name] = None
        if read is not None:
            tables.headings += read.headings
            if len(read.table) or read.origin or name == "holdings":
                tables.findings += read.findings
                found[name] = read.table.reset_index(drop=True)
    return found


def one_beside(table: Any, name: schema.Table) -> pd.DataFrame | None:
    """A table besides nodes and exposures; None if it is empty.

    Raises
    ------
    NetworkError : with the cells that the schema does not allow.
    """
    if table is None:
        return None
    read = door.read(table, name, Reading())
    if not len(read.table):
        return None
    door.raise_errors(read.findings)
    return read.table.reset_index(drop=True)


def _errors(draft: Draft) -> list[Finding]:
    return [finding for finding in draft.findings if finding.severity == "error"]


def _beyond(draft: Draft) -> list[Finding]:
    """Additional errors of the balance sheets that do not depend on the wrong claims."""
    codes = {finding.code for finding in _errors(draft)}
    if "C012" in codes or not len(draft.nodes):
        return []
    trial = draft.trial()
    books.complete_book(trial)
    return [
        finding
        for finding in _errors(trial)
        if finding.code in MEANINGFUL
        or (codes <= LOWER_BOUND and finding.code == "C008" and "exceed" in finding.title)
    ]


def accepted(draft: Draft, choices: Choices) -> dict[str, str]:
    """The choices that accept findings which the checks would report again as errors."""
    codes = {finding.code for finding in draft.findings if finding.severity == "repaired"}
    words = {"duplicates": ("C002", "keep"), "loops": ("C010", "solve")}
    words |= {"collateral": ("C011", "ignore")}
    found = {
        option: word
        for option, (code, word) in words.items()
        if code in codes and choices.get(option) == word
    }
    if choices.get("collateral") == "settle" and "C011" in codes:
        found["collateral"] = "ignore"  # for the remaining pledges
    if choices.get("aggregates") == "keep":
        found["aggregates"] = "keep"
    return found


def frozen(array: np.ndarray) -> np.ndarray:
    """A contiguous, read-only array."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def frozen_matrix(matrix: csr_array) -> csr_array:
    """The same matrix with read-only arrays."""
    for array in (matrix.data, matrix.indices, matrix.indptr):
        array.flags.writeable = False
    return matrix


def settings(options: dict[str, Any]) -> dict[str, Any]:
    """The keywords of a network, checked before any table is read.

    Raises
    ------
    ArgumentTypeError
        For an unknown option, with the closest name.
    ArgumentError
        For a value that an option does not accept.
    """
    choices = {k: v for k, v in options.items() if k not in (*OPTIONS, *CARRIED)}
    validation.known_choices(choices, (*OPTIONS, *SIDES, *convert.OPTIONS))
    words = ("senior", "pari_passu")
    choice(options.get("external_creditors", "senior"), words, "external_creditors")
    return options
