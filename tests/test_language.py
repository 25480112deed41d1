"""The language of docstrings, messages and pages: plain words, as CONTRIBUTING.md asks for.

A pattern that is refused here was hard to read for economists who are not native speakers. Beside
it stands what to write.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REFUSED = {
    r"\b(?:no|every)body\b": "the node, the creditor, the claimant; no node, all nodes",
    r"\bwhoever\b": "the node that, those that",
    r"\banew\b": "again",
    r"\bso many\b": "the number, or the parameter that has it",
    r"\bas far as\b": "to the extent that, until, where",
    r"\bmade whole\b": "paid in full",
    r", say[,)]": "such as",
    r"\b(?:assumption|convention|choice)s? of the house\b": "the default of this package",
    r"\bgo(?:ne)? on with\b": "resume",
    r"\bholds? the bag\b": "ultimate holders",
    r"\b[Bb]last radius\b": "what depends on",
    r"\bless than nothing\b": "negative equity",
    r"\bon a rumour\b": "only if it cannot be avoided",
    r"\bplays? (?:no|a) part\b": "is used, is not used",
    r"(?<=\.)\s+(?-i:W)hat\b[^?.]*\.": "a sentence that begins with its noun: the loss, the amount",
    r"^\s*What of\b": "the part, the share",
    r"(?:[,:;]|\b(?:and|from|to|by)) who (?:leaves|stays|withdraws|sells|hoards)\b": "node that",
    r"\bwho (?:leaves|exits|redeems) first is whole\b": "claims that leave first are paid in full",
    r"\b(?:node|bank|id|label)s? stands?\b(?! (?:behind|in the))": "survives; occurs",
    r"\bgoes on (?:where it|down)\b": "resumes; is passed on",
    r"\b(?:venue|protocol)s? go(?:es)? by\b": "use",
    r"\bno trifle\b": "not negligible",
}
CODE = re.compile(r"^\s*(?:>>>|\.\.\.) .*$|`[^`]*`", re.M)  # code of a docstring is not language
ALLOWED = {"everybody", "attribution"}  # a value of `of=` there


def found(text: str) -> list[str]:
    plain = CODE.sub("", text)
    return [
        f"{match.group()!r}: {better}"
        for pattern, better in REFUSED.items()
        for match in re.finditer(pattern, plain, re.IGNORECASE)
    ]


def strings(path: Path) -> list[tuple[int, str]]:
    """Docstrings, messages and other texts of a module, with their lines."""
    return [
        (node.lineno, node.value)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def pages() -> list[Path]:
    made = {"made", "_build"}
    return [
        *(p for p in (ROOT / "docs").rglob("*.md") if not made & set(p.relative_to(ROOT).parts)),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")),
    ]


ROOMS = sorted({p.parent for p in (ROOT / "contagion").rglob("*.py")})


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_the_texts_of_a_room_are_plain(room):
    bad = [
        f"{path.relative_to(ROOT)}:{line} {each}"
        for path in sorted(room.glob("*.py"))
        for line, text in strings(path)
        for each in found(text)
        if not ALLOWED & {text, path.stem}
    ]
    assert bad == []


def test_the_pages_and_notebooks_are_plain():
    every = [*pages(), *sorted((ROOT / "notebooks").glob("*.py"))]
    bad = [f"{p.relative_to(ROOT)} {x}" for p in every for x in found(p.read_text("utf-8"))]
    assert bad == []


def test_a_refused_word_is_found_and_code_is_not():
    assert found("Nobody pays.\n>>> nobody = 1\nThe name `nobody`.") == [
        "'Nobody': the node, the creditor, the claimant; no node, all nodes"
    ]
