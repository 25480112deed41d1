"""Text for a terminal: paragraphs, tables and findings that fit its width."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

from ..errors import Finding
from ..media import visible
from ..text import plural, wrapped


def width() -> int:
    """Columns of the terminal, between 60 and 120; 80 if unknown."""
    return max(60, min(shutil.get_terminal_size((80, 24)).columns, 120))


def paragraph(text: str, indent: str = "", hang: str = "") -> str:
    """A text wrapped to the width of the terminal, lines after the first indented by `hang`.

    >>> paragraph("one  two")
    'one two'
    """
    return "\n".join(wrapped(" ".join(text.split()), width() - 1, indent, hang))


def put(text: object = "") -> None:
    """Print a text; all output passes here, so that control characters in names have no effect."""
    print(visible(text, keep="\n"))


def say(*lines: str, indent: str = "") -> None:
    """Print each line as a paragraph with a hanging indent."""
    for line in lines:
        put(paragraph(line, indent, "  "))


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, words: Sequence[int] = (0,)
) -> str:
    """A table with numbers on the right; the columns `words` are text and wrap where needed.

    >>> print(table(["node", "loss"], [["a", "1.0"], ["b", "12.0"]]))
    node  loss
    a      1.0
    b     12.0
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    least = 2 * (len(head) - 1)
    for k, title in enumerate(head):
        cells = [len(visible(row[k])) for row in rows]
        if k in words:
            least += min(max([len(title), *cells]), 12 if k else 16)
            grid.add_column(Text(title), overflow="fold", min_width=min(len(title), 12))
        else:  # a number is never cut: its column is as wide as the longest
            wide = max([len(word) for word in title.split()] + cells)
            least += wide
            grid.add_column(Text(title), justify="right", width=wide)
    for row in rows:
        grid.add_row(*(Text(visible(cell)) for cell in row))
    console = Console(width=max(width() - 1, least), color_system=None, file=StringIO())
    with console.capture() as caught:
        console.print(grid)
    return "\n".join(line.rstrip() for line in caught.get().rstrip("\n").split("\n"))


def written(folder: Path, files: Sequence[Path]) -> str:
    """The line that lists the files written to a folder.

    >>> written(Path("out"), [Path("out/table.csv")])
    'Written to out: table.csv'
    """
    return paragraph(f"Written to {folder}: {', '.join(file.name for file in files)}", "", "  ")


def findings_text(findings: Sequence[Finding], said: Callable[[str], str]) -> str:
    """Findings with message, samples and fix, one paragraph each; `said` puts the fix in the
    terms of the command line or of a study."""
    number = Counter(finding.severity for finding in findings)
    heads = [
        f"{number[key]} {word}{'s' if key != 'repaired' and number[key] > 1 else ''}"
        for key, word in (
            ("error", "error"),
            ("repaired", "repaired"),
            ("warning", "warning"),
            ("note", "note"),
        )
        if number[key]
    ]
    parts = [f"{', '.join(heads)}:"]
    for finding in findings:
        mark = "" if finding.severity == "error" else f" ({finding.severity})"
        text = f"{finding.code} {finding.title}{mark}: {finding.message}"
        parts.append(paragraph(text, "", "  "))
        if finding.fix:
            parts.append(paragraph(f"Fix: {said(finding.fix)}", "  ", "  "))
    return "\n".join(parts)


def data_line(source: str, size: str, findings: Sequence[Finding], assumed: int, full: str) -> str:
    """One line below the results of a command: the data read, its warnings and assumptions.

    >>> data_line("x.csv", "1 claim", [Finding("W001", "warning", "amounts of 0", "", "")], 0, "…")
    'Data: x.csv (1 claim): amounts of 0 (W001); in full: …'
    >>> data_line("x.csv", "1 claim", [], 0, "…")
    'Data: x.csv (1 claim): no warnings, nothing assumed.'
    """
    told = [f"{f.title} ({f.code})" for f in findings if f.severity in ("warning", "repaired")]
    told += [f.message.rstrip(".") for f in findings if f.code == "N004"]
    told += [plural(assumed, "assumption")] if assumed else []
    said = "; ".join([*dict.fromkeys(told), f"in full: {full}"])
    said = said if told else "no warnings, nothing assumed."
    return paragraph(f"Data: {source} ({size}): {said}", "", "  ")
