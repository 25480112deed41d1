"""Elements of a report: sections, and numbered exhibits with a stable id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ..facts import Sentence

T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """A table of formatted text. `numbers` are the right-aligned columns.

    `anchors` are ids of rows, empty or one for each row, to which other parts of the report link.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    note: str = ""
    total: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()

    @property
    def all_rows(self) -> list[tuple[str, ...]]:
        """The rows, and the totals below them."""
        return [*self.rows, *([self.total] if self.total else [])]


@dataclass(frozen=True)
class Exhibit:
    """One exhibit: a title, a sentence or two, and a figure or a table.

    Attributes
    ----------
    id : stable; with several runs it ends with a hyphen and the number of the run.
    lead : one or two sentences; their numbers are facts.
    svg, formulas : drawn and set by this package; everything else is escaped by the template.
    block : replaces `svg` on a page with the script: an interactive map.
    table : the numbers; beside a figure, the numbers drawn in it.
    missing : replaces the rest: one line on the data that the exhibit needs.
    label : "Table 6" or "Figure 2", given by :func:`numbered`.
    """

    id: str
    title: str
    lead: str | Sentence = ""
    svg: str = ""
    block: str = ""
    table: Table | None = None
    lines: tuple[str, ...] = ()
    code: str = ""
    formulas: tuple[tuple[str, str], ...] = ()
    missing: str = ""
    label: str = ""

    @property
    def kind(self) -> str:
        """The word before its number; empty for an exhibit without data."""
        drawn = self.svg or self.block
        if self.missing and not drawn and self.table is None:
            return ""
        return "Figure" if drawn else "Table" if self.table is not None else "Box"

    @property
    def family(self) -> str:
        """The id without the number of the run.

        >>> Exhibit("T10-2", "").family
        'T10'
        """
        return self.id.partition("-")[0]


@dataclass(frozen=True)
class Section:
    """A section of the report; without exhibits, `needs` says which data it needs."""

    id: str
    title: str
    exhibits: tuple[Exhibit, ...] = ()
    needs: str = ""
    number: str = ""


@dataclass(frozen=True)
class Kind:
    """A section in the registry: its title, the data it needs, and the maker of its exhibits."""

    id: str
    title: str
    needs: str
    make: Callable[[Any], Iterable[Exhibit | None]]

    def section(self, about: Any, number: str) -> Section:
        """The section of one report."""
        found = tuple(exhibit for exhibit in self.make(about) if exhibit is not None)
        return Section(self.id, self.title, found, "" if found else self.needs, number)


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    text: int = 1,
    note: str = "",
    total: Sequence[str] = (),
    words: Sequence[int] = (),
    anchors: Sequence[str] = (),
) -> Table:
    """A table whose first `text` columns, and the columns `words`, are text, the rest numbers."""
    numbers = frozenset(range(text, len(head))) - frozenset(words)
    return Table(tuple(head), tuple(map(tuple, rows)), numbers, note, tuple(total), tuple(anchors))


def tagged(items: Sequence[T]) -> list[tuple[str, T]]:
    """Items, each with the suffix for the ids of its exhibits.

    >>> tagged("a"), tagged("ab")
    ([('', 'a')], [('-1', 'a'), ('-2', 'b')])
    """
    return [(f"-{at}" if len(items) > 1 else "", item) for at, item in enumerate(items, 1)]


def run_title(title: str, tag: str) -> str:
    """The title of an exhibit, with the number of the run if there are several.

    >>> run_title("Bearers", ""), run_title("Bearers", "-2")
    ('Bearers', 'Bearers, run 2')
    """
    return f"{title}, run {tag[1:]}" if tag else title


def numbered(sections: Sequence[Section]) -> list[Section]:
    """The sections with a label on every exhibit: numbers of figures, tables and boxes.

    >>> [made] = numbered([Section("s", "S", (Exhibit("T5", "", table=table(["a"], [])),))])
    >>> made.exhibits[0].label
    'Table 1'
    """
    count, found = dict[str, int](), []
    for section in sections:
        labelled = []
        for exhibit in section.exhibits:
            kind = exhibit.kind
            count[kind] = count.get(kind, 0) + 1
            labelled.append(replace(exhibit, label=f"{kind} {count[kind]}" if kind else ""))
        found.append(replace(section, exhibits=tuple(labelled)))
    return found


def labels(sections: Sequence[Section]) -> dict[str, str]:
    """{id: label} of the exhibits that have one."""
    return {each.id: each.label for part in sections for each in part.exhibits if each.label}
