"""Several snapshots in one table: the column with their dates, and the rows of one snapshot."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from ...errors import Finding
from ...text import closest, listing, plural
from .. import schema

KEYS = {
    "nodes": ["node"],
    "exposures": ["creditor", "debtor"],
    "margins": ["node"],
    "positions": ["venue", "holder", "instrument"],
    "loans": ["protocol", "borrower", "collateral_asset", "debt_asset"],
    "claims": ["claimant"],
    "prices": ["asset"],
}  # what a snapshot has one row of, or some
_YEAR, _MONTH, _DAY = r"(19|20)\d\d", r"(0?[1-9]|1[0-2])", r"(0?[1-9]|[12]\d|3[01])"
_NAMED = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
TEXT = re.compile(
    rf"{_YEAR}[-/. ]?(q[1-4]|h[12]|s[12]|w\d\d?|m{_MONTH})|(q[1-4]|h[12]|s[12])[-/. ]?{_YEAR}"
    rf"|{_YEAR}[-/.]{_MONTH}([-/.]{_DAY}([t ]\d\d:.*)?)?|{_DAY}[-/.]{_MONTH}[-/.]{_YEAR}"
    rf"|({_DAY}[- ])?{_NAMED}[- ]?{_YEAR}|{_YEAR}[- ]{_NAMED}"
)
WHOLE = re.compile(rf"{_YEAR}((0[1-9]|1[0-2])({_DAY})?)?(\.0)?")  # 2022, 202212, 20221231
CALLED = re.compile(
    r"period|date|day|month|quarter|year|time|snapshot|wave|vintage|as.?of|layer|jahr|datum|quartal"
    r"|stichtag|fecha|a(n|ñ)o|trimestre|ann(e|é)e",
    re.IGNORECASE,
)  # columns whose plain numbers may be periods
OF_CONTRACTS = re.compile(
    r"matur|expir|due|start|end\b|end_|issu|origin|settle|trade|effective|incept|birth|born|call",
    re.IGNORECASE,
)  # dates that belong to a claim: two of them are two claims


def label(cell: Any) -> str:
    """The text of a period: dates as 2022-12-31, whole numbers without a decimal sign.

    >>> label(pd.Timestamp("2022-12-31")), label(2022.0), label(" 2022-Q4 ")
    ('2022-12-31', '2022', '2022-Q4')
    """
    if isinstance(cell, datetime):  # and pandas.Timestamp
        midnight = (cell.hour, cell.minute, cell.second, cell.microsecond) == (0, 0, 0, 0)
        return cell.date().isoformat() if midnight else cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        return str(int(cell))
    return str(cell).strip()


def looks_like(cells: pd.Series) -> bool:
    """Whether every cell that is not empty is a date, a month, a quarter, a half-year or a year.

    >>> looks_like(pd.Series(["2022-Q4", "2023-Q4", None])), looks_like(pd.Series(["loans"]))
    (True, False)
    """
    first = cells.head(100).dropna()  # most columns are told by one cell
    plain = bool(CALLED.search(str(cells.name)))
    try:
        some = cells.dropna().drop_duplicates() if _like(first.head(1), plain) else first[:0]
    except TypeError:  # cells that are lists
        return False
    return len(some) > 0 and _like(some, plain)


def _like(cells: pd.Series, plain: bool) -> bool:
    said = [(cell, label(cell).casefold()) for cell in cells.astype(object)]
    return all(
        isinstance(cell, date) or TEXT.fullmatch(text) or (plain and WHOLE.fullmatch(text))
        for cell, text in said
    )


def column(table: pd.DataFrame, name: Any, asked: bool) -> Any | None:
    """A column whose cells are periods, although it is not called `period`.

    Only columns outside the schema, or `layer`, are considered. Unless periods are `asked` for,
    one pair (or node) must also occur in several of them.
    """
    known = schema.columns(name)
    for other in table.columns:
        if (other in known and other != "layer") or OF_CONTRACTS.search(str(other)):
            continue
        if looks_like(table[other]):
            key = [k for k in KEYS.get(name, ()) if k in table]
            apart = table[[*key, other]].drop_duplicates()
            if asked or (key and apart.dropna().duplicated(key).any()):
                return other
    return None


def in_order(labels: Iterable[str]) -> list[str]:
    """Periods in order of time, if their names can be sorted by time; else in the given order.

    >>> in_order(["Q1 2023", "Q4 2022"]), in_order(["after", "before"])
    (['Q4 2022', 'Q1 2023'], ['after', 'before'])
    """
    found = list(dict.fromkeys(labels))
    keys = [_time(text.casefold()) for text in found]
    if any(key is None for key in keys):
        return found
    return [text for _, text in sorted(zip(keys, found, strict=True))]


def _time(text: str) -> tuple[int, ...] | None:
    """The sort key of a period: the year, then its other parts as numbers."""
    if WHOLE.fullmatch(text):
        return (int(text[:4]), int(text[4:6] or 0), int(text[6:8].rstrip(".") or 0))
    if not TEXT.fullmatch(text):
        return None
    name = re.search(r"[a-z]{3}", text)
    if name:
        text = text.replace(name[0], f"-{MONTHS.index(name[0]) // 3 + 1}-", 1)
        text = re.sub(r"[a-z]+\.?", "", text)
    parts = [int(number) for number in re.findall(r"\d+", text)]
    at = next(i for i, number in enumerate(parts) if number > 1900)
    back = at == len(parts) - 1  # 31.12.2022, Q4 2022
    return tuple(reversed(parts)) if back else tuple(parts)


def codes_of(cells: pd.Series) -> tuple[np.ndarray, list[str]]:
    """The number of the period of every row, −1 without one, and the labels of the periods."""
    try:
        codes, known = pd.factorize(cells)
    except TypeError:  # cells that are lists
        codes, known = pd.factorize(cells.map(repr, na_action="ignore"))
    labels = [label(cell) for cell in pd.Index(known).astype(object)]
    blank = np.array([not text for text in labels], bool)
    if blank.any():
        codes = np.where((codes >= 0) & blank[codes], -1, codes)
    return codes, labels


def one(table: pd.DataFrame, name: schema.Table, wanted: Any) -> tuple[pd.DataFrame, list[Finding]]:
    """The rows of one snapshot and rows without a date, and the finding about it (C013).

    Without `wanted`, several snapshots are an error. A table without dates is unchanged.

    >>> rows = {"asset": ["ETH", "ETH"], "price": [2000, 1500], "day": ["2025-10-10", "2025-10-11"]}
    >>> table, told = one(pd.DataFrame(rows), "prices", "2025-10-11")
    >>> table["price"].tolist(), [finding.severity for finding in told]
    ([1500], ['repaired'])
    """
    at = "period" if "period" in table else column(table, name, wanted is not None)
    if at is None:
        return table, []
    codes, labels = codes_of(table[at])
    found = in_order(text for text in labels if text)
    period = None if wanted is None else label(wanted)
    if period is None and len(found) < 2:
        return table, []
    count = {text: int(np.isin(codes, [i for i, x in enumerate(labels) if x == text]).sum())
             for text in found}  # fmt: skip
    said = ", ".join(f"{text} ({plural(count[text], 'row')})" for text in found[:6])
    said += f" and {len(found) - 6} more" if len(found) > 6 else ""
    where = "" if at == "period" else f" in the column {str(at)!r}"
    text = f"the {name} are of {said}{where}"
    if period is None:
        side = f', columns={{"{at}": "trade_date"}} says that these are rows side by side'
        fix = f'period="{found[-1]}" takes one{"" if at == "period" else side}.'
        text = f"{text}: snapshots are not added up."
        return table, [Finding("C013", "error", "periods", text, fix, len(table))]
    if period not in found:
        near = closest(period, found)
        text = f"there is no period {period!r} in the {name}; they have {listing(found, 9)}."
        fix = f'period="{near or found[-1]}".'
        return table, [Finding("C013", "error", "periods", text, fix, len(table))]
    mine = np.isin(codes, [-1, *(i for i, text in enumerate(labels) if text == period)])
    if mine.all():
        return table, []
    text = f"{text}. {period} is taken."
    return table[mine], [Finding("C013", "repaired", "periods", text, "", int((~mine).sum()))]
