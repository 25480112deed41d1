"""Where a table begins: its header line below titles, or none; and which rows belong to it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from .. import schema

LOOK = 60  # rows in which a header is looked for
NUMBER = re.compile(r"(?i)^[+-]?[\d.,\s']*\d[\d.,\s']*(e[+-]?\d+)?\s*%?$|^[-–—]$")
FOOT = re.compile(
    r"(?i)^\s*(source|sources|note|notes|quelle|legend|©|\*|\(\*\)|n\.?b\.?)\b|^\s*[*©]"
)


@dataclass(frozen=True)
class Header:
    """The place of the names among the rows (−1: there are none), and what was seen."""

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
    """How many cells of a row are names of columns."""
    return len({schema.key(cell) for cell in row if cell not in (None, "")} & known())


def is_number(cell: object) -> bool:
    """A cell that holds a number, as text or not."""
    if isinstance(cell, bool):
        return False
    return isinstance(cell, int | float) or bool(NUMBER.match(str(cell).strip()))


def filled(row: Sequence[object]) -> int:
    """Cells up to the last one that is not empty."""
    return max((k + 1 for k, cell in enumerate(row) if cell not in (None, "")), default=0)


def find(rows: Sequence[Sequence[object]], extra: Sequence[str] = ()) -> Header:
    """The header among the first rows of a table; blank rows may be among them.

    Names of columns decide; else the first row that is as wide as the table is. A row of numbers
    is no header, unless its numbers label the rows of a matrix too.

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
    """The numbers of a first row are the labels of a matrix: its column of labels is the same."""
    names = [str(cell).strip() for cell in row]
    labels = [str(other[0]).strip() for other in below]
    return names[1:] == labels or names[1 : len(labels) + 1] == labels


def _like_the_rows_below(row: Sequence[object], below: Sequence[Sequence[object]]) -> bool:
    """A number in the first row above numbers: data, not names."""
    for k, cell in enumerate(row):
        under = [other[k] for other in below[:20] if len(other) > k and other[k] not in (None, "")]
        if under and cell not in (None, "") and is_number(cell) and all(map(is_number, under)):
            years = re.fullmatch(r"(19|20)\d\d([-/Qq].*)?", str(cell).strip())
            if not years:
                return True
    return False


def is_foot(row: Sequence[object]) -> bool:
    """A note below the table."""
    return filled(row) == 1 and row[0] not in (None, "") and bool(FOOT.match(str(row[0])))
