"""Serialisation of rules: to and from a plain dict and TOML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import ContagionError, MissingFileError, RuleError, located
from ..handed import CATALOGUE
from ..text import known_name, toml
from .order import FirstCome, Priority, Queue
from .pro_rata import Capped, EqualAwards, EqualLosses, ProRata, Talmud
from .rule import Rule
from .waterfall import Layer, Waterfall

RULES: dict[str, type[Rule]] = {
    rule.word: rule
    for rule in (
        ProRata,
        Priority,
        Queue,
        FirstCome,
        EqualAwards,
        EqualLosses,
        Talmud,
        Capped,
        Waterfall,
    )
}
WORDS = tuple(word for word in RULES if word not in ("capped", "waterfall"))  # need no parameters
INNER = {"rule": "of"}  # the key of the rule inside a rule


def to_dict(rule: Rule) -> dict[str, Any]:
    """A rule as a dict of plain values; :func:`from_dict` is the inverse.

    >>> to_dict(Queue("score"))
    {'rule': 'queue', 'by': 'score'}
    """
    if isinstance(rule, Waterfall):
        return {"rule": rule.word, "layers": [_layer(layer) for layer in rule.layers_]}
    found: dict[str, Any] = {"rule": rule.word}
    for field in fields(rule):
        value = getattr(rule, field.name)
        if value != field.default:
            found[INNER.get(field.name, field.name)] = _plain(value)
    return found


def from_dict(data: Mapping[str, Any] | str) -> Rule:
    """A rule from a word or a dict with a key `rule` (or `venue`) and its parameters.

    Raises
    ------
    RuleError
        For an unknown rule, venue or parameter, with the closest one.

    Example
    -------
    >>> from_dict({"rule": "pro_rata", "weight": "profit"})
    ProRata(weight='profit')
    >>> from_dict("talmud")
    Talmud()
    """
    if isinstance(data, str):
        data = {"venue": data.removeprefix("venue:")} if data[:6] == "venue:" else {"rule": data}
    given = dict(data)
    if "venue" in given:
        found: Rule = CATALOGUE[0](given.pop("venue"), **given)
        return found
    word = given.pop("rule", None)
    if word is None:
        raise RuleError(f"A rule in words needs a key 'rule' or 'venue'; it has {sorted(given)}.")
    known_name(word, RULES, "rule")
    kind = RULES[word]
    own = [INNER.get(field.name, field.name) for field in fields(kind)]
    known = ["layers"] if kind is Waterfall else own
    for name in given:
        known_name(name, known, "parameter", word)
    try:
        if kind is Waterfall:
            return Waterfall([_read_layer(layer) for layer in given.get("layers", [])])
        if "within" in given:
            given["within"] = from_dict(given["within"])
        if "of" in given:
            given["rule"] = from_dict(given.pop("of"))
        if "tiers" in given:
            given["tiers"] = {float(key): from_dict(value) for key, value in given["tiers"].items()}
        return kind(**given)
    except ContagionError:
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise RuleError(f"{word}: a parameter has the wrong type ({error}).") from error


def dumps(rule: Rule) -> str:
    """A rule as the text of a TOML file.

    >>> print(dumps(Queue("score")).strip())
    rule = "queue"
    by = "score"
    """
    import tomli_w

    return tomli_w.dumps(to_dict(rule))


def loads(text: str) -> Rule:
    """A rule from the text of a TOML file; `RuleError` if the text is not a rule.

    >>> loads('rule = "capped"\\nshare = 0.3')
    Capped(share=0.3)
    """
    return from_dict(toml(text, RuleError, "The rule is"))


def read_rule(path: str | PathLike[str]) -> Rule:
    """A rule from a TOML file; a `RuleError` names the file."""
    place = Path(path)
    if not place.exists():
        raise MissingFileError(f"There is no file {str(place)!r} with a rule.")
    with located(place.name):
        return loads(place.read_text("utf-8"))


def _plain(value: Any) -> Any:
    if isinstance(value, Rule):
        return to_dict(value)
    if isinstance(value, tuple):
        return {f"{key:.15g}": to_dict(rule) for key, rule in value}
    return value


def _layer(layer: Layer) -> dict[str, Any]:
    found: dict[str, Any] = {"name": layer.name}
    if layer.rule != ProRata():
        found["rule"] = to_dict(layer.rule)
    if layer.capacity is not None:
        found["capacity"] = layer.capacity
    if layer.owner is not None:
        found["owner"] = layer.owner
    return found


def _read_layer(data: Any) -> Layer:
    if not isinstance(data, Mapping) or "name" not in data:
        raise RuleError(f"A layer is a table with a name; this is {data!r}.")
    known = ["name", "rule", "capacity", "owner"]
    for name in data:
        known_name(name, known, "parameter", f"Layer {data['name']!r}")
    given = dict(data)
    if "rule" in given:
        given["rule"] = from_dict(given["rule"])
    return Layer(**given)
