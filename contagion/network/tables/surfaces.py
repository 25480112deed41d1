"""Fixes in the syntax of the interface that shows them: Python, command line, or a study.

A fix is written once, as keywords: `duplicates="sum" | "last"`, `columns={"Lender": "creditor"}`.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from ..checks.choices import ALLOWED
from .reading import OPTIONS

OWN = ("orientation", "unit", "layer", "residual", "assume_equity", "nodes", "amount")
TURNED = {"creditor->debtor": "creditor-debtor", "debtor->creditor": "debtor-creditor"}
START = re.compile(r'(?<![\w.])([a-z_]+)=(?=["\[{\d])')
MORE = re.compile(r'\s*(?:\||,? or)\s*("(?:[^"\\]|\\.)*")')


def parts(fix: str) -> Iterator[tuple[int, int, str, list[Any]]]:
    """The options in a fix: their position in the text, the name, and the possible values.

    >>> [(name, values) for _, _, name, values in parts('duplicates="sum" | "last", if so.')]
    [('duplicates', ['sum', 'last'])]
    """
    at = 0
    while found := START.search(fix, at):
        at = found.end()
        name = found[1]
        if name not in OPTIONS and name not in ALLOWED and name not in OWN:
            continue
        end = _end(fix, at)
        try:
            values = [_value(fix[at:end])]
        except (ValueError, SyntaxError):
            continue
        while isinstance(values[0], str) and (more := MORE.match(fix, end)):
            values.append(ast.literal_eval(more[1]))
            end = more.end()
        yield found.start(), end, name, values
        at = end


def _end(text: str, at: int) -> int:
    """The end of a literal: a string, a number, or an expression in brackets."""
    depth, quote, k = 0, "", at
    while k < len(text):
        sign = text[k]
        if quote:
            if sign == "\\":
                k += 1
            elif sign == quote:
                quote = ""
                if not depth:
                    return k + 1
        elif sign in "\"'":
            quote = sign
        elif sign in "[{":
            depth += 1
        elif sign in "]}":
            depth -= 1
            if not depth:
                return k + 1
        elif not depth and not (sign.isalnum() or sign in ".-+…"):
            return k
        k += 1
    return k


def _value(text: str) -> Any:
    """The literal, with Ellipsis for parts that the reader has to fill in."""
    plain = re.sub(r"…(?=\s*[,}\]])", "...", text.rstrip("."))
    return ... if plain == "{...}" else ast.literal_eval(plain)


def proposals(fix: str) -> list[dict[str, Any]]:
    """Each choice of a fix as keywords; Ellipsis and "…" are parts that the reader fills in.

    >>> proposals('totals="drop" leaves them out, totals="keep" says that they are nodes.')
    [{'totals': 'drop'}, {'totals': 'keep'}]
    """
    return [{name: value} for _, _, name, values in parts(fix) for value in values]


def on_command_line(text: str) -> str:
    """A fix, or a message with one, with the options of the command line.

    >>> on_command_line('duplicates="sum" | "last", or columns={"Lender": "creditor"}.')
    '--repair duplicates=sum|last, or --column creditor=Lender.'
    >>> on_command_line("columns={…} names 'Lendr'.")
    "--column … names 'Lendr'."
    """
    shown, at = [], 0
    for start, end, name, values in parts(text):
        shown += [text[at:start], _option(name, values)]
        at = end
    said = "".join([*shown, text[at:]])
    for arrow, word in TURNED.items():
        said = said.replace(f'"{arrow}"', f"--orientation {word}")
    return said


def in_study(text: str) -> str:
    """A fix, or a message with one, with the keys of the table `network` of a study.

    >>> in_study('duplicates="sum" | "last", or columns={"Lender": "creditor"}.')
    '[network] duplicates = "sum" | "last", or [network] columns = { Lender = "creditor" }.'
    """
    shown, at = [], 0
    for start, end, name, values in parts(text):
        if name != "residual":  # an option for margins, not for networks
            said = f"[network] {name} = {' | '.join(map(_toml, values))}"
            shown += [text[at:start], said]
            at = end
    return "".join([*shown, text[at:]])


def _toml(value: Any) -> str:
    """A literal in TOML, with … for parts that the reader fills in.

    >>> _toml({"A b": ["x", 1.5]}), _toml(...), _toml({})
    ('{ "A b" = ["x", 1.5] }', '…', '{}')
    """
    if isinstance(value, dict):
        pairs = [f"{_key(str(key))} = {_toml(x)}" for key, x in value.items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return "…" if value is Ellipsis else json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+|…", name) else _toml(name)


def words(name: str, value: Any) -> list[str]:
    """One choice as words of the command line.

    >>> words("fx", {"EUR": 1.08}), words("orientation", "creditor->debtor")
    (['--fx', 'EUR=1.08'], ['--orientation', 'creditor-debtor'])
    """
    if name in OPTIONS:
        flag = OPTIONS[name].option
        if isinstance(value, dict):
            pairs = [(v, k) if name == "columns" else (k, v) for k, v in value.items()]
            return [word for k, v in pairs for word in (flag, f"{k}={_said(v)}")]
        return [flag, ",".join(map(_said, value)) if isinstance(value, list) else _said(value)]
    if name in OWN:
        flag = "--" + name.replace("_", "-")
        if isinstance(value, dict):
            return [word for k, v in value.items() for word in (flag, f"{k}={_said(v)}")]
        return [flag, TURNED.get(value, _said(value))]
    if isinstance(value, dict):
        return ["--repair", f"{name}=" + ",".join(f"{k}:{_said(v)}" for k, v in value.items())]
    text = ",".join(map(_said, value)) if isinstance(value, list) else _said(value)
    return ["--repair", f"{name}={text}"]


def _said(value: Any) -> str:
    return "…" if value is Ellipsis else f"{value:g}" if isinstance(value, float) else str(value)


def _option(name: str, values: list[Any]) -> str:
    made = [words(name, value) for value in values]
    if len(made) > 1:
        first, *rest = ([word.rpartition("=")[2] for word in each[1:]] for each in made)
        if name == "orientation":
            return " or ".join([_quoted(made[0]), *(each[1] for each in made[1:])])
        assert first
        return "|".join([_quoted(made[0]), *(each[0] for each in rest)])
    return _quoted(made[0])


def _quoted(made: list[str]) -> str:
    return " ".join(
        word if re.fullmatch(r"[\w…=:,.@%+/|-]+", word) else shlex.quote(word) for word in made
    )
