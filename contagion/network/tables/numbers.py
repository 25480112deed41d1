"""Cells to numbers: signs, separators and words that people write; nothing is ever evaluated.

A column is read with one decimal sign. The sign follows from its own cells, from other columns of
the same table, or from the caller. A cell such as "1.234" is 1234 in one country and 1.234 in
another: if the sign cannot be determined, the cell is not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from numbers import Number
from typing import Any, cast

import numpy as np
import pandas as pd

from ...units import WORDS

EMPTY = ("", "-", "–", "—", ".", "..", "...", "n/a", "na", "#n/a", "nan", "null", "none", "n.a.",
         "<na>", "nil", "n/d")  # fmt: skip
TRUE, FALSE = frozenset(["true", "yes", "t", "y", "1"]), frozenset(["false", "no", "f", "n", "0"])
OTHER = {".": ",", ",": "."}
SCALES = {**WORDS, "b": 1e9, "t": 1e12, "tsd": 1e3, "mrd": 1e9, "md": 1e9, "lakh": 1e5,
          "crore": 1e7, "cr": 1e7}  # fmt: skip
SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "us$": "USD"}
CODES = ("usd", "eur", "gbp", "chf", "jpy", "inr", "cny", "sek", "nok", "dkk", "pln", "czk", "huf",
         "aud", "cad", "nzd", "hkd", "sgd", "brl", "zar", "mxn", "krw", "try")  # fmt: skip
SPACES = r"[ \x{00a0}\x{2007}\x{2009}\x{202f}'’]"  # between groups of three digits
POWER = r"(?:e[+-]?\d+)?$"
PLAIN = {s: rf"^[+-]?(?:\d+\{s}?\d*|\{s}\d+){POWER}" for s in OTHER}
GROUPED = {s: rf"^[+-]?[1-9]\d{{0,2}}(?:\{o}\d{{3}})+(?:\{s}\d*)?{POWER}" for s, o in OTHER.items()}
LAKHS = r"^[+-]?[1-9]\d?(?:,\d{2})+,\d{3}(?:\.\d*)?$"
SPACED = rf"^[+-]?\d{{1,3}}(?:{SPACES}\d{{3}})+(?:[.,]\d*)?{POWER}"
LAKHS_SPACED = rf"^[+-]?\d{{1,2}}(?:{SPACES}\d{{2}})+{SPACES}\d{{3}}(?:[.,]\d*)?$"
EITHER = r"^[+-]?[1-9]\d{0,2}\.\d{3}$"
MONEY = rf"us\$|[$€£¥₹]|(?:{'|'.join(CODES)})"
BEFORE = rf"^(?P<sign>[+-]?)\s*(?P<code>{MONEY})\s*(?P<rest>[+-]?[\d.].*)$"
BEHIND = rf"^(?P<rest>.*[\d.a-z])\s*(?P<code>{MONEY})$"
LARGE = rf"^(?P<rest>.*[\d.])\s*(?P<word>{'|'.join(sorted(SCALES, key=len, reverse=True))})\.?$"


@dataclass(frozen=True)
class Numbers:
    """A column as float64, with nan where a cell is empty or cannot be read.

    Attributes
    ----------
    values : (m,) float64.
    unread : (m,) bool, cells that are not numbers; `None` if there are none.
    ambiguous : true if some of them are like "1,234", which is 1234 or 1.234.
    sign : the decimal sign that follows from the cells, empty if it is not determined.
    percent, scaled : (m,) cells with "%", and with a word such as "bn" ("$1.2bn"); None for none.
    codes : the currencies in the cells.
    hexed : true if some cells are hex integers, as written by smart contracts.
    """

    values: np.ndarray
    unread: np.ndarray | None = None
    ambiguous: bool = False
    sign: str = ""
    percent: np.ndarray | None = None
    scaled: np.ndarray | None = None
    codes: tuple[str, ...] = ()
    hexed: bool = False


def numbers(
    cells: pd.Series,
    decimal: str | None = None,
    thousands: str | None = None,
    elsewhere: str = "",
    fraction: bool = False,
) -> Numbers:
    """Read a column as numbers.

    Parameters
    ----------
    cells : of any type; columns of numbers are returned without conversion.
    decimal, thousands : "." or ",", and the separator of thousands, if the caller gives them.
    elsewhere : the sign that follows from other columns; used if this column is ambiguous.
    fraction : if true "45 %" is 0.45; otherwise it is not a number.

    "-" and "n/a" are empty; "(5)" and "5-" are −5. Formulas and sums such as "13+27682" are not
    numbers.

    >>> numbers(pd.Series(["1.234,5", "2.000", "-"])).values.tolist()
    [1234.5, 2000.0, nan]
    >>> numbers(pd.Series(["13+27682", "1,234"])).unread.tolist()
    [True, True]
    >>> numbers(pd.Series(["$1.2bn", "12,34,567.00", "100-", "0x10"])).values.tolist()
    [1200000000.0, 1234567.0, -100.0, 16.0]
    """
    dtype = cells.dtype
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype):
        if dtype == np.float64 and isinstance(dtype, np.dtype):
            return Numbers(cells.to_numpy())
        if not pd.api.types.is_complex_dtype(dtype):
            return Numbers(cells.to_numpy(np.float64, na_value=np.nan))
    elif not len(cells):
        return Numbers(np.empty(0))
    if isinstance(dtype, pd.StringDtype):
        fast = _plain(cells, decimal, thousands, elsewhere)
        if fast is not None:
            return fast
    text = pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype)
    if not text and not isinstance(dtype, pd.CategoricalDtype | pd.ArrowDtype):
        return Numbers(np.full(len(cells), np.nan), cells.notna().to_numpy())
    cells = cells.astype("object") if isinstance(dtype, pd.ArrowDtype) else cells
    try:
        labels, uniques = pd.factorize(cells)
    except TypeError:  # lists and other objects that cannot be hashed
        labels, uniques = pd.factorize(cells.map(repr, na_action="ignore"))
    read = _uniques(pd.Index(uniques), decimal, thousands, elsewhere, fraction)
    values = np.append(read.values, np.nan)
    unread = np.append(_mask(read.unread, len(uniques)), False)[labels]
    if pd.api.types.is_object_dtype(dtype):  # True and 1 have the same key
        unread |= np.fromiter((isinstance(c, bool | np.bool_) for c in cells), bool, len(cells))
        labels = np.where(unread, -1, labels)
    percent, scaled = (
        None if mask is None else np.append(mask, False)[labels]
        for mask in (read.percent, read.scaled)
    )
    return Numbers(
        values[labels],
        unread if unread.any() else None,
        read.ambiguous,
        read.sign,
        percent,
        scaled,
        read.codes,
        read.hexed,
    )


def _mask(mask: np.ndarray | None, size: int) -> np.ndarray:
    return np.zeros(size, bool) if mask is None else mask


def _plain(
    cells: pd.Series, decimal: str | None, thousands: str | None, elsewhere: str
) -> Numbers | None:
    """Text of plain numbers, read in one pass; None if there are other cells."""
    if decimal == "," or thousands == ".":
        return None
    import pyarrow as pa
    import pyarrow.compute as pc

    array = pa.array(cells, from_pandas=True)
    try:
        values = pc.cast(array, pa.float64())
    except pa.ArrowInvalid:
        return None
    sign = ""
    for part in (array[:1000], array):
        point = pc.match_substring(part, ".")
        if not pc.any(point).as_py():
            continue
        doubt = pc.match_substring_regex(part, EITHER)
        if pc.any(pc.and_not(point, doubt)).as_py():
            sign = "."
            break
    else:
        if pc.any(pc.match_substring(array, ".")).as_py() and "." not in (decimal, elsewhere):
            return None
    return Numbers(pd.Series(values.to_pandas()).to_numpy(np.float64, na_value=np.nan), sign=sign)


def _uniques(
    cells: pd.Index, decimal: str | None, thousands: str | None, elsewhere: str, fraction: bool
) -> Numbers:
    """Values of distinct cells."""
    if pd.api.types.is_numeric_dtype(cells.dtype) and cells.dtype != bool:
        return Numbers(cells.to_numpy(np.float64, na_value=np.nan))
    plain = cells.to_numpy(object)
    text = np.fromiter((isinstance(cell, str) for cell in plain), bool, len(plain))
    if text.all():
        return _texts(plain, decimal, thousands, elsewhere, fraction)
    read = _texts(plain[text], decimal, thousands, elsewhere, fraction)
    values, unread = np.full(len(plain), np.nan), np.zeros(len(plain), bool)
    values[text], unread[text] = read.values, _mask(read.unread, int(text.sum()))
    for at in np.flatnonzero(~text):
        cell = plain[at]
        if isinstance(cell, Number) and not isinstance(cell, bool | np.bool_ | complex):
            values[at] = _float(cell)
        else:
            unread[at] = not bool(pd.isna(cell)) if np.ndim(cell) == 0 else True

    def wide(mask: np.ndarray | None) -> np.ndarray | None:
        if mask is not None:
            mask, short = np.zeros(len(plain), bool), mask
            mask[text] = short
        return mask

    return replace(
        read, values=values, unread=unread, percent=wide(read.percent), scaled=wide(read.scaled)
    )


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:
        return float("inf")


def _texts(
    cells: np.ndarray, decimal: str | None, thousands: str | None, elsewhere: str, fraction: bool
) -> Numbers:
    """Read distinct texts, by whole columns: remove special notation, then apply the sign."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(cells):
        return Numbers(np.empty(0))
    text = pc.utf8_lower(pc.utf8_trim_whitespace(pa.array(cells, pa.large_string())))
    empty = _has(pc.is_in(text, pa.array(EMPTY, pa.large_string())))
    for pattern, to in (
        (r"^[−–‐]\s*(\S)", r"-\1"),
        (r"^\(\s*(.+?)\s*\)$", r"-\1"),
        (r"^([^-].*?)\s*[-−]$", r"-\1"),
    ):
        text = pc.replace_substring_regex(text, pattern, to)
    percent = _match(text, r"[\d.]\s*%$")
    text = pc.replace_substring_regex(text, r"([\d.])\s*%$", r"\1")
    text, codes = _currency(text)
    text, factor = _scaled(text)
    spaced = _match(text, SPACED) | _match(text, LAKHS_SPACED)
    text = pc.if_else(pa.array(spaced), pc.replace_substring_regex(text, SPACES, ""), text)
    hexed = _match(text, r"^0x[0-9a-f]+$")
    fits = {s: _match(text, PLAIN[s]) | _match(text, GROUPED[s]) for s in OTHER}
    fits["."] |= _match(text, LAKHS)
    marked = _match(text, r"[.,]")
    sign, doubt = _sign(fits, marked, spaced, text, decimal, thousands, elsewhere)
    values = np.full(len(cells), np.nan)
    good = fits[sign or "."] & ~doubt & ~empty
    digits = pc.replace_substring(text, OTHER[sign or "."], "")
    digits = pc.replace_substring_regex(pc.replace_substring(digits, ",", "."), r"^\+", "")
    digits = pc.if_else(pa.array(good), digits, pa.scalar(None, pa.large_string()))
    values[good] = _cast(digits, good)
    infinite = _match(text, r"^[+-]?(?:inf|infinity|∞)$")
    values[infinite] = [-np.inf if t.startswith("-") else np.inf for t in _some(text, infinite)]
    values[hexed] = [_float(int(t, 16)) for t in _some(text, hexed)]
    values *= factor
    values[percent] /= 100
    unread = ~(good | empty | infinite | hexed)
    if not fraction:
        unread |= percent
    values[unread] = np.nan
    proven = sign if (fits[sign or "."] & marked & ~fits[OTHER[sign or "."]]).any() else ""
    return Numbers(
        values,
        unread if unread.any() else None,
        bool(doubt.any()),
        proven,
        percent if percent.any() else None,
        factor != 1.0 if (factor != 1.0).any() else None,
        codes,
        bool(hexed.any()),
    )


def _cast(digits: Any, good: np.ndarray) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = np.asarray(pc.cast(digits, pa.float64()).to_numpy(zero_copy_only=False))
    return np.asarray(found[good])


def _has(mask: Any) -> np.ndarray:
    return np.asarray(mask.fill_null(False).to_numpy(zero_copy_only=False))


def _match(text: Any, pattern: str) -> np.ndarray:
    import pyarrow.compute as pc

    return _has(pc.match_substring_regex(text, pattern))


def _some(text: Any, mask: np.ndarray) -> list[str]:
    import pyarrow as pa

    return cast(list[str], text.filter(pa.array(mask)).to_pylist())


def _currency(text: Any) -> tuple[Any, tuple[str, ...]]:
    """Remove signs and codes of currencies; they are returned, not converted here."""
    import pyarrow as pa
    import pyarrow.compute as pc

    codes: list[str] = []
    for pattern in (BEFORE, BEHIND):
        if not _match(text, pattern).any():
            continue
        parts = pc.extract_regex(text, pattern)
        found = parts.is_valid()
        rest = pc.struct_field(parts, "rest")
        if pattern == BEFORE:
            joint = pa.scalar("", pa.large_string())
            rest = pc.binary_join_element_wise(pc.struct_field(parts, "sign"), rest, joint)
        codes += [c for c in pc.unique(pc.struct_field(parts, "code")).to_pylist() if c]
        text = pc.if_else(found, rest, text)
    text = pc.utf8_trim_whitespace(text)
    return text, tuple(dict.fromkeys(SIGNS.get(code, code.upper()) for code in codes))


def _scaled(text: Any) -> tuple[Any, np.ndarray]:
    """Remove words such as "bn"; also returns their factors (m,)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    factor = np.ones(len(text))
    hit = _match(text, LARGE) & ~_match(text, "^0x")
    if not hit.any():
        return text, factor
    parts = pc.extract_regex(text, LARGE)
    words = pc.struct_field(parts, "word").to_pylist()
    factor[hit] = [SCALES[words[at]] for at in np.flatnonzero(hit)]
    rest = pc.utf8_trim_whitespace(pc.struct_field(parts, "rest"))
    return pc.if_else(pa.array(hit), rest, text), factor


def _sign(
    fits: dict[str, np.ndarray],
    marked: np.ndarray,
    spaced: np.ndarray,
    text: Any,
    decimal: str | None,
    thousands: str | None,
    elsewhere: str,
) -> tuple[str, np.ndarray]:
    """The decimal sign of the column, and the cells that remain ambiguous."""
    none = np.zeros(len(marked), bool)
    if decimal is not None:
        return decimal, none
    if thousands in OTHER:
        return OTHER[thousands], none
    proofs = [s for s, other in OTHER.items() if (fits[s] & marked & ~fits[other]).any()]
    if len(proofs) == 2:
        return "", marked & (fits["."] | fits[","])
    if proofs:
        return proofs[0], none
    either = fits["."] & fits[","] & marked
    if not either.any():
        return "", none
    if spaced.any() or thousands:  # thousands have another mark: this is the decimal sign
        marks = [s for s in OTHER if _match(text, re.escape(s)).any()]
        return (marks[0], none) if len(marks) == 1 else ("", either)
    return (elsewhere, none) if elsewhere else ("", either)


def truths(cells: pd.Series, default: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """A column as booleans, empty cells as `default`, and the cells that cannot be read.

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
