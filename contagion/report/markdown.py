"""The report as Markdown, and its tables as a folder of CSV files."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from .. import media
from ..media import visible
from .facts import Sentence
from .parts import Exhibit, Section, Table

COVER = (("As of", "date"), ("Unit", "unit"), ("Perimeter", "perimeter"))


def markdown(
    cover: dict[str, str], findings: Sequence[Sentence], sections: Sequence[Section], figures: str
) -> str:
    """The same content as the page; figures are the files `figures`/<id>.svg."""
    made = f"contagion {cover['version']}"
    made += f", dataset {cover['name']}" if cover["name"] else ""
    lines = [f"# {_plain(cover['title'])}", "", f"**{_plain(cover['banner'])}**", ""]
    lines += [f"- {title}: {_plain(cover[key])}" for title, key in COVER]
    lines += [f"- Made with: {made}, data fingerprint {cover['fingerprint']}", ""]
    lines += ["## Key findings", ""]
    lines += [f"- {_plain(str(said))}" for said in findings] or ["Nothing to report yet."]
    for section in sections:
        lines += ["", f"## {_plain(section.title)}"]
        for exhibit in section.exhibits:
            lines += _exhibit(exhibit, section.title, figures)
    return "\n".join(lines) + "\n"


def _exhibit(exhibit: Exhibit, above: str, figures: str) -> list[str]:
    title = f": {_plain(exhibit.title)}" if exhibit.title != above else ""
    lines = ["", f"### {exhibit.id}{title}"]
    if exhibit.missing:
        lines += ["", f"*{_plain(exhibit.missing)}*"]
    if exhibit.lead:
        lines += ["", _plain(exhibit.lead)]
    if exhibit.svg:
        lines += ["", f"![{_plain(exhibit.title)}](<{figures}/{exhibit.id}.svg>)"]
    if exhibit.table is not None:
        lines += ["", *_table(exhibit.table)]
        lines += ["", _plain(exhibit.table.note)] if exhibit.table.note else []
    if exhibit.lines:
        lines += ["", *(f"- {_plain(line)}" for line in exhibit.lines)]
    if exhibit.code:
        fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", exhibit.code)), 3)
        lines += ["", fence, visible(exhibit.code, keep="\n"), fence]
    return lines


def _table(table: Table) -> list[str]:
    line = ["---:" if at in table.numbers else "---" for at in range(len(table.head))]
    rows = [table.head, *table.rows, *([table.total] if table.total else [])]
    texts = ["| " + " | ".join(map(_plain, row)) + " |" for row in rows]
    return [texts[0], "| " + " | ".join(line) + " |", *texts[1:]]


def _plain(text: str) -> str:
    """A text on one line that Markdown leaves as it is.

    >>> _plain("a_b <i> | *c*")
    'a\\\\_b \\\\<i\\\\> \\\\| \\\\*c\\\\*'
    """
    return re.sub(r"([\\`*_\[\]<>|#$])", r"\\\1", " ".join(visible(text, keep="\n").split()))


def write_figures(folder: Path, sections: Sequence[Section]) -> list[Path]:
    """Every figure as a file of its own."""
    found = []
    for section in sections:
        for exhibit in section.exhibits:
            if exhibit.svg:
                folder.mkdir(exist_ok=True)
                found.append(folder / f"{exhibit.id}.svg")
                found[-1].write_text(exhibit.svg + "\n", encoding="utf-8")
    return found


def write_tables(folder: Path, sections: Sequence[Section]) -> list[Path]:
    """Every table as CSV, and `contents.csv` with title, section and note of each.

    Columns of numbers are written without separators of thousands; "–" becomes an empty cell.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents, found = [("file", "title", "section", "note")], []
    for section in sections:
        for exhibit in section.exhibits:
            if exhibit.table is not None:
                name = f"{exhibit.id}.csv"
                note = " ".join(filter(None, [exhibit.lead, exhibit.table.note]))
                contents.append((name, exhibit.title, section.title, note))
                found.append(_write(folder / name, _cells(exhibit.table)))
    return [_write(folder / "contents.csv", contents), *found]


def _cells(table: Table) -> list[tuple[str, ...]]:
    rows = [*table.rows, *([table.total] if table.total else [])]
    return [
        table.head,
        *(
            tuple(_number(text) if at in table.numbers else text for at, text in enumerate(row))
            for row in rows
        ),
    ]


def _number(text: str) -> str:
    """A cell as a machine reads it.

    >>> _number("2,305.6"), _number("−1,000"), _number("–"), _number("43%")
    ('2305.6', '-1000', '', '43%')
    """
    return "" if text == "–" else text.replace(",", "").replace("−", "-")


def _write(file: Path, rows: Sequence[Sequence[str]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(map(media.cell, row) for row in rows)
    return file
