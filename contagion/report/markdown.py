"""The report as Markdown, and its tables as a folder of CSV files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from .. import media
from ..facts import Sentence
from ..media import visible
from .page_one import Page
from .parts import Exhibit, Section, Table, labels

COVER = (
    ("Report", "title"),
    ("As of", "date"),
    ("Unit", "unit"),
    ("Perimeter", "perimeter"),
    ("Random numbers", "seed"),
    ("How to cite", "cite"),
)


def markdown(cover: dict[str, str], page: Page, sections: Sequence[Section], figures: str) -> str:
    """The same content as the page; figures are the files `figures`/<id>.svg."""
    made = f"contagion {cover['version']}"
    made += f", dataset {cover['name']}" if cover["name"] else ""
    lines = [f"# {_plain(page.title)}", "", f"**{_plain(cover['banner'])}**", ""]
    lines += [f"- {title}: {_plain(cover[key])}" for title, key in COVER]
    lines += [f"- Made with: {made}, data fingerprint {cover['fingerprint']}", ""]
    known, at = labels(sections), 0
    for question in page.questions:
        lines += [f"## {question.title}", ""]
        for said, marks in question.lines:
            at += 1
            mark = f" ({marks})" if marks else ""
            amount, rest = map(_plain, said.split)
            bold = f"**{amount}** " if amount else ""
            lines.append(f"{at}. {bold}{rest}{mark}{_where(said, known)}")
        lines += [] if question.lines else [f"*{_plain(question.needs)}*"]
        lines.append("")
    notes = [f"({one.letter}) {_plain(one.text)}" for one in page.notes]
    lines += [f"Assumed: {' '.join(notes)}", ""] if notes else []
    for number, sentences in page.further:
        lines += [f"## Run {number}", ""]
        lines += [f"- {_plain(str(said))}{_where(said, known)}" for said in sentences]
    for section in sections:
        lines += ["", f"## {section.number}. {_plain(section.title)}"]
        lines += ["", f"*{_plain(section.needs)}*"] if section.needs else []
        for exhibit in section.exhibits:
            lines += _exhibit(exhibit, figures)
    return "\n".join(lines) + "\n"


def _where(said: Sentence, known: dict[str, str]) -> str:
    """The exhibits with the numbers of a sentence, in brackets."""
    places = [known[name] for name in said.exhibits if name in known]
    return f" ({', '.join(places)})" if places else ""


def _exhibit(exhibit: Exhibit, figures: str) -> list[str]:
    head = f"{exhibit.label}: " if exhibit.label else ""
    lines = ["", f"### {head}{_plain(exhibit.title)} ({exhibit.id})"]
    if exhibit.missing:
        lines += ["", f"*{_plain(exhibit.missing)}*"]
    if exhibit.lead:
        lines += ["", _plain(str(exhibit.lead))]
    if exhibit.svg:
        lines += ["", f"![{_plain(exhibit.title)}](<{figures}/{exhibit.id}.svg>)"]
    if exhibit.table is not None:
        lines += ["", *_table(exhibit.table)]
        lines += ["", _plain(exhibit.table.note)] if exhibit.table.note else []
    if exhibit.lines:
        lines += ["", *(f"- {_plain(line)}" for line in exhibit.lines)]
    for title, tex in exhibit.formulas:
        lines += ["", f"{_plain(title)}: $`{tex}`$"]
    if exhibit.code:
        fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", exhibit.code)), 3)
        lines += ["", fence, visible(exhibit.code, keep="\n"), fence]
    return lines


def _table(table: Table) -> list[str]:
    line = ["---:" if at in table.numbers else "---" for at in range(len(table.head))]
    rows = [table.head, *table.all_rows]
    texts = ["| " + " | ".join(map(_plain, row)) + " |" for row in rows]
    return [texts[0], "| " + " | ".join(line) + " |", *texts[1:]]


def _plain(text: str) -> str:
    """A text on one line, escaped for Markdown.

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

    Numbers are written without thousands separators; "–" becomes an empty cell.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents, found = [("file", "number", "title", "section", "note")], []
    for section in sections:
        for exhibit in section.exhibits:
            if exhibit.table is not None:
                name = f"{exhibit.id}.csv"
                note = " ".join(filter(None, [str(exhibit.lead), exhibit.table.note]))
                contents.append((name, exhibit.label, exhibit.title, section.title, note))
                found.append(_write(folder / name, cell_rows(exhibit.table)))
    return [_write(folder / "contents.csv", contents), *found]


def cell_rows(table: Table) -> list[tuple[str, ...]]:
    """The head and the rows with numbers in machine-readable form."""
    rows = table.all_rows
    return [
        table.head,
        *(
            tuple(_number(text) if at in table.numbers else text for at, text in enumerate(row))
            for row in rows
        ),
    ]


def _number(text: str) -> str:
    """A cell in machine-readable form.

    >>> _number("2,305.6"), _number("−1,000"), _number("–"), _number("43%")
    ('2305.6', '-1000', '', '43%')
    """
    return "" if text == "–" else text.replace(",", "").replace("−", "-")


def data_link(table: Table) -> str:
    """The table as a CSV file inside the page: a data URL.

    >>> data_link(Table(("a", "b"), (("x", "1,000"),), frozenset([1])))
    'data:text/csv;charset=utf-8,a%2Cb%0Ax%2C1000%0A'
    """
    return f"data:text/csv;charset=utf-8,{quote(csv_text(table))}"


def csv_text(table: Table) -> str:
    """The table as the text of a CSV file."""
    return _text(cell_rows(table))


def _text(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(map(media.cell, row) for row in rows)
    return out.getvalue()


def _write(file: Path, rows: Sequence[Sequence[str]]) -> Path:
    file.write_text(_text(rows), "utf-8", newline="\n")
    return file
