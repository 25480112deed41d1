"""Text for a terminal: paragraphs, tables and findings that fit its width."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

from ..errors import Finding
from ..media import visible


def width() -> int:
    """Columns of the terminal, between 60 and 120; 80 where it does not say."""
    return max(60, min(shutil.get_terminal_size((80, 24)).columns, 120))


def paragraph(text: str, indent: str = "", hang: str = "") -> str:
    """A text on lines of at most the width of the terminal, lines after the first set in.

    >>> paragraph("one  two")
    'one two'
    """
    return "\n".join(_wrapped(" ".join(text.split()), indent, hang))


def _wrapped(text: str, indent: str, hang: str) -> list[str]:
    return textwrap.wrap(
        text,
        width() - 1,
        initial_indent=indent,
        subsequent_indent=indent + hang,
        break_on_hyphens=False,
        break_long_words=False,
    )


def put(text: object = "") -> None:
    """Print a text: the only way to standard output, so that no name acts on the terminal."""
    print(visible(text, keep="\n"))


def say(*lines: str, indent: str = "") -> None:
    """Print each line as a paragraph of which only the first line is not set in."""
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
    """What was written where.

    >>> written(Path("out"), [Path("out/table.csv")])
    'Written to out: table.csv'
    """
    return paragraph(f"Written to {folder}: {', '.join(file.name for file in files)}", "", "  ")


def documented(text: str) -> str:
    """A docstring on lines that fit: paragraphs flow, formulas and examples keep their lines.

    >>> print(documented("One\\ntwo.\\n\\n    a = b\\n    c = d"))
    One two.
    <BLANKLINE>
        a = b
        c = d
    """
    plain = re.sub(r":[a-z]+:`~?", "", text).replace("`", "")
    return "\n\n".join("\n".join(_block(part.splitlines())) for part in plain.split("\n\n"))


def _block(lines: list[str]) -> list[str]:
    code = any(line.lstrip().startswith(">>>") for line in lines)
    if code or all(line.startswith("  ") for line in lines):
        return [part for line in lines for part in _set_in(line, "        ")]
    if len(lines) > 1 and set(lines[1]) == {"-"}:
        return [*lines[:2], *_block(lines[2:])]
    if any(line.startswith("  ") or " : " in line for line in lines):  # a list
        return [part for item in _items(lines) for part in _set_in(item, "    ")]
    return paragraph(" ".join(lines)).splitlines()


def _items(lines: list[str]) -> list[str]:
    """Lines that are set in go on with the line before."""
    found: list[str] = []
    for line in lines:
        if found and line.startswith(" "):
            found[-1] += f"{'' if ' ' in found[-1] else ':'} {line.strip()}"
        else:
            found.append(line)
    return found


def _set_in(line: str, hang: str) -> list[str]:
    """One line that fits, or several; spaces inside it stay."""
    indent = line[: len(line) - len(line.lstrip())]
    return _wrapped(line.strip(), indent, hang)


def findings_text(findings: Sequence[Finding], said: Callable[[str], str]) -> str:
    """Findings with what was found, samples and the fix, one paragraph each; `said` puts it
    in the words of a surface."""
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


def findings_line(findings: Sequence[Finding], assumed: Sequence[str], source: str) -> str:
    """One line below what a command computed: what stands about its data; empty for nothing.

    >>> findings_line([Finding("W001", "warning", "amounts of 0", "", "")], [], "x.csv")
    'Data: amounts of 0 (W001); in full: contagion check x.csv'
    """
    told = [f"{f.title} ({f.code})" for f in findings if f.severity in ("warning", "repaired")]
    told += [f.message.rstrip(".") for f in findings if f.code == "N004"]
    told += [f"{len(assumed)} assumption{'s' if len(assumed) > 1 else ''}"] if assumed else []
    if not told:
        return ""
    return paragraph(
        f"Data: {'; '.join(dict.fromkeys(told))}; in full: contagion check {source}", "", "  "
    )
