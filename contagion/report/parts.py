"""What a report is made of: exhibits with a stable id, and tables of finished text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """A table of finished text. `numbers` are the columns that stand right-aligned."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    note: str = ""
    total: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exhibit:
    """One exhibit: a title, what it says in a sentence or two, and a figure or a table.

    `svg` is drawn by this package; everything else is escaped by the template. An exhibit
    without data has `missing`: one line that says what it would need.
    """

    id: str
    title: str
    lead: str = ""
    svg: str = ""
    table: Table | None = None
    lines: tuple[str, ...] = ()
    code: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Section:
    """A numbered section of the report with its exhibits."""

    id: str
    title: str
    exhibits: tuple[Exhibit, ...] = field(default=())


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    text: int = 1,
    note: str = "",
    total: Sequence[str] = (),
    words: Sequence[int] = (),
) -> Table:
    """A table whose first `text` columns, and the columns `words`, are text, the rest numbers."""
    numbers = frozenset(range(text, len(head))) - frozenset(words)
    return Table(tuple(head), tuple(map(tuple, rows)), numbers, note, tuple(total))


def tagged(items: Sequence[T]) -> list[tuple[str, T]]:
    """Several things of one kind, each with the end of the ids of its exhibits.

    >>> tagged("a"), tagged("ab")
    ([('', 'a')], [('-1', 'a'), ('-2', 'b')])
    """
    return [(f"-{at}" if len(items) > 1 else "", item) for at, item in enumerate(items, 1)]
