"""The position of the header of a table below title lines, if any, and the rows of the table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from .. import schema

LOOK = 60  # number of rows in which a header is searched
NUMBER = re.compile(r"(?i)^[+-]?[\d.,\s']*\d[\d.,\s']*(e[+-]?\d+)?\s*%?$|^[-–—]$")
FOOT = re.compile(
    r"(?i)^\s*(source|sources|note|notes|quelle|legend|©|\*|\(\*\)|n\.?b\.?)\b|^\s*[*©]"
)


@dataclass(frozen=True)
class Header:
    """The position of the names among the rows (−1: none), and the notes about them."""

    at: int
    width: int
    sure: bool = True


@cache
def known() -> frozenset[str]:
    """The keys of all column names and their synonyms."""
    found = {schema.key(c) for table in schema.TABLES for c in schema.columns(table)}
    for table in schema.TABLES:
        found |= {word for words in schema.synonyms(table).values() for word in words[0]}
    found |= {"source", "target", "from", "to", "src", "dst", "date", "time", "timestamp"}
    return frozenset(found)


def hits(row: Sequence[object]) -> int:
    """The number of cells of a row that are names of columns."""
    return len({schema.key(cell) for cell in row if cell not in (None, "")} & known())


def is_number(cell: object) -> bool:
    """Whether a cell holds a number, also as text."""
    if isinstance(cell, bool):
        return False
    return isinstance(cell, int | float) or bool(NUMBER.match(str(cell).strip()))


def filled(row: Sequence[object]) -> int:
    """Cells up to the last one that is not empty."""
    return max((k + 1 for k, cell in enumerate(row) if cell not in (None, "")), default=0)


def find(rows: Sequence[Sequence[object]], extra: Sequence[str] = ()) -> Header:
    """The header among the first rows of a table, which may include blank rows.

    It is the row with names of columns, or else the first row as wide as the table. A row of
    numbers is not a header, unless the same numbers also label the rows of a matrix.

    >>> find([["Title", ""], ["creditor", "debtor", "amount"], ["a", "b", "1"]]).at
    1
    >>> find([["0", "5"], ["3", "0"]]).at
    -1
    """
    some = list(rows[:LOOK])
    wanted = {schema.key(name) for name in extra}
    best = max(
        (hits(row) + 2 * len({schema.key(c) for c in row if c not in (None, "")} & wanted), -at)
        for at, row in enumerate(some)
    ) if some else (0, 0)  # fmt: skip
    if best[0] >= 2 and not _numbers(some[-best[1]]):
        return Header(-best[1], filled(some[-best[1]]))
    wide = Counter(filled(row) for row in some if filled(row) > 1)
    if not wide:
        first = next((at for at, row in enumerate(some) if filled(row)), 0)
        return Header(first, filled(some[first]) if some else 0, False)
    width = wide.most_common(1)[0][0]
    for at, row in enumerate(some):
        full = sum(cell not in (None, "") for cell in row[:width])
        if filled(row) < min(width, 2) or full < width - 1 or (full < 2 and width > 2):
            continue
        below = [other for other in some[at + 1 :] if filled(other)]
        labels = {str(other[0]).strip() for other in below if other}
        names = [str(cell).strip() for cell in row if cell not in (None, "")]
        if len(set(names) & labels) >= 2:  # a matrix
            if all(map(is_number, row)) and not _square_labels(row, below):
                return Header(-1, width)
            return Header(at, width, False)
        if _numbers(row) or _like_the_rows_below(row, below):
            return Header(-1, width)
        return Header(at, width, False)
    return Header(-1, width)


def _numbers(row: Sequence[object]) -> bool:
    some = [cell for cell in row if cell not in (None, "")]
    return bool(some) and all(map(is_number, some)) and row[0] not in (None, "")


def _square_labels(row: Sequence[object], below: Sequence[Sequence[object]]) -> bool:
    """Whether numbers in the first row are labels of a matrix: the first column has the same."""
    names = [str(cell).strip() for cell in row]
    labels = [str(other[0]).strip() for other in below]
    return names[1:] == labels or names[1 : len(labels) + 1] == labels


def _like_the_rows_below(row: Sequence[object], below: Sequence[Sequence[object]]) -> bool:
    """Whether the first row has a number, not a year, above numbers: then it is data, not names."""
    for k, cell in enumerate(row):
        under = [other[k] for other in below[:20] if len(other) > k and other[k] not in (None, "")]
        if under and cell not in (None, "") and is_number(cell) and all(map(is_number, under)):
            years = re.fullmatch(r"(19|20)\d\d([-/Qq].*)?", str(cell).strip())
            if not years:
                return True
    return False


def is_foot(row: Sequence[object]) -> bool:
    """Whether a row is a note below the table."""
    return filled(row) == 1 and row[0] not in (None, "") and bool(FOOT.match(str(row[0])))
