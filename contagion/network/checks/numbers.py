"""Cells to numbers: signs, separators and words that people write; nothing is ever evaluated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from numbers import Number
from typing import Any, cast

import numpy as np
import pandas as pd

EMPTY = frozenset(
    [
        "",
        "-",
        "–",
        "—",
        ".",
        "..",
        "...",
        "n/a",
        "na",
        "#n/a",
        "nan",
        "null",
        "none",
        "n.a.",
        "<na>",
    ]
)
OTHER = {".": ",", ",": "."}
TRUE, FALSE = frozenset(["true", "yes", "t", "y", "1"]), frozenset(["false", "no", "f", "n", "0"])
GROUPED = {
    sign: re.compile(
        rf"[+-]?([1-9]\d{{0,2}}(\{other}\d{{3}})+|\d+)(\{sign}\d*)?(e[+-]?\d+)?|[+-]?\{sign}\d+(e[+-]?\d+)?"
    )
    for sign, other in OTHER.items()
}
EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
SPACED = re.compile(r"(?<=\d)[\s\u00a0\u2009\u202f'’](?=\d{3}(?!\d))")


@dataclass(frozen=True)
class Numbers:
    """A column as float64, with nan where a cell is empty or cannot be read.

    `unread` marks cells that hold something else than a number (`None` where there is none);
    `ambiguous` says that some of them are like "1,234", which is 1234 or 1.234.
    """

    values: np.ndarray
    unread: np.ndarray | None = None
    ambiguous: bool = False


def numbers(cells: pd.Series, decimal: str | None = None) -> Numbers:
    """Read a column as numbers.

    Decimal commas and thousands separators are read where the column leaves no doubt;
    `decimal` ("." or ",") settles it where it does. "-" and "n/a" are empty, "(5)" is −5.
    Formulas and sums such as "13+27682" are not numbers. Columns of numbers cost nothing.

    >>> numbers(pd.Series(["1.234,5", "2.000", "-"])).values.tolist()
    [1234.5, 2000.0, nan]
    >>> numbers(pd.Series(["13+27682", "1,234"])).unread.tolist()
    [True, True]
    """
    dtype = cells.dtype
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype):
        if not pd.api.types.is_complex_dtype(dtype):
            return Numbers(cells.to_numpy(np.float64, na_value=np.nan))
    elif not len(cells):
        return Numbers(np.empty(0))
    text = pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype)
    if not text and not isinstance(dtype, pd.CategoricalDtype | pd.ArrowDtype):
        return Numbers(np.full(len(cells), np.nan), cells.notna().to_numpy())
    cells = cells.astype("object") if isinstance(dtype, pd.ArrowDtype) else cells
    try:
        labels, uniques = pd.factorize(cells)
    except TypeError:  # lists and other things that are no cells
        labels, uniques = pd.factorize(cells.map(repr, na_action="ignore"))
    values, state = _uniques(pd.Index(uniques), decimal)
    values, state = np.append(values, np.nan), np.append(state, 0)
    unread = state[labels] > 0
    if pd.api.types.is_object_dtype(dtype):  # True and 1 are one key
        unread |= np.fromiter((isinstance(c, bool | np.bool_) for c in cells), bool, len(cells))
        labels = np.where(unread, -1, labels)
    return Numbers(values[labels], unread if unread.any() else None, bool((state == 2).any()))


def _uniques(cells: pd.Index, decimal: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Values of distinct cells; state 0 read or empty, 1 not a number, 2 ambiguous."""
    if pd.api.types.is_numeric_dtype(cells.dtype) and cells.dtype != bool:
        return cells.to_numpy(np.float64, na_value=np.nan), np.zeros(len(cells), np.int8)
    values = np.full(len(cells), np.nan)
    state = np.zeros(len(cells), np.int8)
    if isinstance(cells.dtype, pd.StringDtype) and decimal is None:
        values = pd.to_numeric(pd.Series(cells), errors="coerce").to_numpy(
            float, na_value=np.nan, copy=True
        )
        rest = cells[np.isnan(values)]
        if rest.str.strip().str.casefold().isin(EMPTY).all():
            return values, state
    text: list[tuple[int, str]] = []
    for at, cell in enumerate(cells.to_numpy(object)):
        if isinstance(cell, str):
            values[at] = np.nan
            plain = _plain(cell)
            if plain.casefold() not in EMPTY:
                text.append((at, plain))
        elif isinstance(cell, Number) and not isinstance(cell, bool | np.bool_ | complex):
            values[at] = float(cast(Any, cell))
        else:
            state[at] = 1
    sign = decimal or _decimal_sign([cell for _, cell in text])
    for at, cell in text:
        values[at], state[at] = _value(cell, sign)
    return values, state


def _plain(cell: str) -> str:
    text = cell.strip().replace("−", "-")
    if text.startswith("(") and text.endswith(")"):
        text = "-" + text[1:-1].strip()
    return SPACED.sub("", text)


def _decimal_sign(cells: list[str]) -> str:
    """The decimal sign that the unambiguous cells prove; "?" where a comma leaves a doubt."""
    proofs = {
        sign
        for cell in cells
        for sign in ".,"
        if not EITHER.fullmatch(cell)
        and ("," in cell or "." in cell)
        and GROUPED[sign].fullmatch(cell.casefold())
        and not GROUPED[OTHER[sign]].fullmatch(cell.casefold())
    }
    if len(proofs) == 1:
        return proofs.pop()
    doubt = any("," in cell and EITHER.fullmatch(cell) for cell in cells)
    return "?" if proofs or doubt else "."


def _value(cell: str, sign: str) -> tuple[float, int]:
    text = cell.casefold()
    if text in ("inf", "+inf", "-inf", "infinity", "∞", "-∞"):
        return (-np.inf if text.startswith("-") else np.inf), 0
    if sign == "?" and EITHER.fullmatch(cell):
        return np.nan, 2
    for mark in ".," if sign == "?" else sign:
        if GROUPED[mark].fullmatch(text) and any(map(str.isdecimal, text)) and text.isascii():
            return float(text.replace(OTHER[mark], "").replace(mark, ".")), 0
    return np.nan, 1


def truths(cells: pd.Series, default: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """A column as booleans, empty cells as `default`, and which cells could not be read.

    >>> truths(pd.Series(["true", "No", None, "0"]), True)[0].tolist()
    [True, False, True, False]
    """
    if pd.api.types.is_bool_dtype(cells.dtype):
        return cells.astype("boolean").fillna(default).to_numpy(bool), None
    labels, uniques = pd.factorize(cells)
    found: list[Any] = [_truth(cell, default) for cell in pd.Index(uniques)]
    known = np.array([cell is not None for cell in found] + [True])
    values = np.array([bool(cell) for cell in found] + [default])
    unread = ~known[labels]
    return values[labels], unread if unread.any() else None


def _truth(cell: object, default: bool) -> bool | None:
    if isinstance(cell, Number) and cast(Any, cell) in (0, 1):
        return bool(cell)
    word = str(cell).strip().casefold()
    if word in EMPTY:
        return default
    return True if word in TRUE else False if word in FALSE else None
