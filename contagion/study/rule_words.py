"""A rule from text: a word, the path of a TOML file, `venue:NAME`, or a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from ..errors import ArgumentError, RuleError, UnknownNameError
from ..rules import RULES, Rule, Waterfall, from_dict, read_rule
from ..rules.serialize import INNER
from ..text import closest, known_name
from ..venues import CATALOGUE, entry
from .texts import inline
from .values import read_value

FORMS = "a word such as pro_rata, a file such as rule.toml, or venue:NAME (see `contagion rules`)"
LAYERS = (
    "waterfall needs layers, which do not fit into a word. Write them into a file: rule = "
    '"waterfall", layers = [{ name = "fund", capacity = 30.0 }, { name = "winners" }], and pass '
    "--rule FILE.toml; or take a venue: `contagion rules`."
)


def rule_from(
    given: Any, parameters: Mapping[str, Any] | None = None, folder: str | Path = ""
) -> Rule:
    """A rule from text.

    Parameters
    ----------
    given : a rule, a word, `venue:NAME`, the path of a TOML file, or a table, also as text in
        braces.
    parameters : of a word or a venue, values or text.
    folder : folder to which paths are relative.

    Raises
    ------
    RuleError, ArgumentError : for an unknown rule, venue or parameter, with the closest one, and
        for a value that does not fit.

    Example
    -------
    >>> rule_from("pro_rata", {"weight": "profit"})
    ProRata(weight='profit')
    >>> rule_from("{ rule = 'queue', by = 'score' }")
    Queue(by='score')
    """
    asked = dict(parameters or {})
    if isinstance(given, Rule):
        return given
    text = given.strip() if isinstance(given, str) else ""
    if text.startswith("venue:"):
        venue = entry(text.removeprefix("venue:").strip())
        known = {name: name for name in (*venue.required, *venue.parameters)}
        return venue(**_typed(asked, known, get_type_hints(venue.build), venue.name))
    if text == Waterfall.word:
        raise RuleError(LAYERS)
    if text in RULES:
        kind = RULES[text]
        known = {INNER.get(field.name, field.name): field.name for field in fields(kind)}
        return kind(**_typed(asked, known, get_type_hints(kind), text))
    file = Path(folder) / text
    is_file = bool(text) and (text.lower().endswith(".toml") or file.is_file())
    if asked:
        own = isinstance(given, Mapping) or text.startswith("{") or is_file
        raise ArgumentError(
            f"--param {next(iter(asked))}: parameters belong to a word or venue:NAME; a file or a "
            "table has its own."
            if own
            else _unknown(text)
        )
    if isinstance(given, Mapping):
        return from_dict(given)
    if text.startswith("{"):
        return from_dict(inline(text))
    if is_file:
        return read_rule(file)
    raise UnknownNameError(_unknown(text or str(given)))


def _unknown(text: str) -> str:
    near = closest(text, [*RULES, *(f"venue:{name}" for name in CATALOGUE)])
    hint = f" Did you mean {near!r}?" if near else ""
    return f"Unknown rule {text!r}.{hint} A rule is {FORMS}."


def _typed(
    given: Mapping[str, Any], known: Mapping[str, str], hints: Mapping[str, Any], what: str
) -> dict[str, Any]:
    """Parameters by the name of their field; `known` maps the user's names to fields."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        if not known:
            raise ArgumentError(f"--param {key}: {what} has no parameters.")
        known_name(key, known, f"parameter of {what}")
        hint = hints[known[key]]
        if isinstance(value, str) and value[:1] != "{" and "Mapping" in str(hint):
            raise ArgumentError(
                f"--param {key}={value}: {key} is a table; write the rule as a TOML file."
            )
        found[known[key]] = read_value(value, hint, f"--param {key}")
    return found
