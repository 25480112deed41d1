"""Docstrings of the package as reStructuredText that Sphinx and numpydoc read without a warning.

The docstrings are written for `help()`: a parameter is `name : what it is`, a formula is an
indented block, a name is in single backticks. Types are in the signature, so what follows the colon
is always the description.
"""

from __future__ import annotations

import re

SECTIONS = ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns")
ENTRY = re.compile(r"^([*\w][\w.*]*(?:, [*\w][\w.*]*)*(?: \(C\d+\))?) : (.*)$")
BULLET = re.compile(r"^\s*(?:[-*•]|\d+\.)\s")
MARKS = re.compile(r"(``.+?``|:[\w:]+:`[^`]*`|`[^`]*`|\*\w[\w ,.-]*\*)", re.DOTALL)


def restructured(lines: list[str]) -> list[str]:
    """The lines of a docstring, section by section.

    >>> restructured(["Pays.", "", "    p = e", "", "Parameters", "----------", "e : money."])
    ['Pays.', '', '::', '', '    p = e', '', 'Parameters', '----------', 'e', '    money.']
    """
    out: list[str] = []
    section = ""
    literal = -1  # the indent of the text around a literal block; -1 outside of one
    for at, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        under = lines[at + 1] if at + 1 < len(lines) else ""
        if line and set(under) == {"-"} and len(under) > 2 and not indent:
            section = line.strip()
            line = "Examples" if section == "Example" else line
        if set(line) == {"-"} and section == "Example":
            line += "-"
        if line.strip() and indent <= literal:
            literal = -1
        if line.strip() and literal < 0 and _starts_block(lines, at, indent, section):
            literal = _indent_before(lines, at)
            out += [f"{'' if literal == 0 else ' ' * literal}::", ""]
        if literal >= 0 or line.lstrip().startswith((">>>", "... ")):
            out.append(line)
        elif section != "Example" and (entry := ENTRY.match(line)):
            out += [entry[1].replace("*", r"\*"), f"    {entry[2]}"]
        else:
            out.append(line)
    return _escaped(out)


def _indent_before(lines: list[str], at: int) -> int:
    """The indent of the last line with text above."""
    above = next((each for each in reversed(lines[:at]) if each.strip()), "")
    return len(above) - len(above.lstrip())


def _starts_block(lines: list[str], at: int, indent: int, section: str) -> bool:
    """Whether an indented line after an empty one is a formula and not the text of an entry."""
    if not at or lines[at - 1].strip() or indent <= _indent_before(lines, at):
        return False
    above = next((each for each in reversed(lines[:at]) if each.strip()), "")
    if above.rstrip().endswith("::") or BULLET.match(above):
        return False
    return indent > (4 if section in SECTIONS else 0)


def _escaped(lines: list[str]) -> list[str]:
    """Stars, bars and underscores at the end of a word are themselves, outside of literal text."""
    out: list[list[str]] = [[]]
    kinds = [False]
    literal = -1
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if line.strip() and literal >= 0 and indent <= literal:
            literal = -1
        code = literal >= 0 or line.lstrip().startswith((">>>", "... "))
        if code != kinds[-1]:
            out.append([])
            kinds.append(code)
        out[-1].append(line)
        if line.strip() == "::":
            literal = indent
    text = [
        part if code else _plain("\n".join(part)).split("\n")
        for part, code in zip(out, kinds, strict=True)
    ]
    return [line for part in text for line in part]


def _plain(text: str) -> str:
    parts = MARKS.split(text)
    for at in range(0, len(parts), 2):  # every second part is marked up, the others are text
        part = re.sub(r"(?<!\\)([*|])", r"\\\1", parts[at])
        parts[at] = re.sub(r"(?<=\w)_(?=\W|$)", r"\\_", part)
    return "".join(parts)


def process(app, what, name, obj, options, lines: list[str]) -> None:
    """For the event `autodoc-process-docstring`, ahead of numpydoc."""
    lines[:] = restructured(lines)
