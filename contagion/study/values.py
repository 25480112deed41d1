"""The parser of values, for TOML files and the command line: plain values to objects, and back."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, fields
from datetime import date
from pathlib import PurePath
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd

from ..errors import ArgumentError, ContagionError, located
from ..models import Model
from ..rules import Rule, from_dict, to_dict
from ..scenarios import Scenarios
from ..scenarios.shock_tables import EVERYBODY, shock_from, shock_words
from ..shocks import Shock
from ..text import choice, known_name
from .kinds import family_of, words_of
from .texts import Grid, axis, free, inline, number, part

NONE = "none"


# -- plain values to objects ----------------------------------------------------------------------


def read_value(value: Any, hint: Any, what: str) -> Any:
    """A plain value, or text, converted to the type of a parameter; messages begin with `what`.

    Parameters
    ----------
    value : a value of TOML; text is parsed by type: "200m" for a number, "none" for None, TOML in
        [] or {} for lists and tables, a word for an object such as a price impact. An object is
        returned unchanged.

    Raises
    ------
    ArgumentError : for a value that the type does not accept, with the accepted form.
    UnknownNameError : for an unknown word or field, with the closest one.

    Example
    -------
    >>> read_value("200m", float | None, "fund"), read_value("none", float | None, "fund")
    (200000000.0, None)
    >>> import contagion as ct
    >>> read_value({"kind": "halt", "fall": 0.1}, ct.liquidation.Breaker, "breakers")
    Halt(fall=0.1, rounds=3)
    """
    kinds = list(_parts(hint))
    if kinds == [Grid]:
        return axis(value, what)
    if isinstance(value, str) and value[:1] in ("[", "{") and kinds != [str]:
        value = inline(value)
    if value is None or (
        isinstance(value, str) and type(None) in kinds and value.lower() == NONE
        and NONE not in family_of(kinds)
    ):  # fmt: skip
        return None
    words = [each for kind in kinds if get_origin(kind) is Literal for each in get_args(kind)]
    rest = [kind for kind in kinds if kind is not type(None) and get_origin(kind) is not Literal]
    if words and (not rest or value in words):
        choice(value, words, what)
        return value
    made = _object(value, rest, what)
    if made is not None:
        return made
    return _simple(value, rest, what)


def _parts(hint: Any) -> Iterable[Any]:
    """The types of a union, aliases and annotations resolved."""
    if hasattr(hint, "__metadata__"):
        yield from _parts(hint.__origin__)
    elif get_origin(hint) in (types.UnionType, Union):
        for each in get_args(hint):
            yield from _parts(each)
    else:
        yield hint


def _object(value: Any, kinds: list[Any], what: str) -> Any:
    """An object of a family, a rule or a shock; None if the type includes none of these."""
    classes = [kind for kind in kinds if isinstance(kind, type)]
    if any(issubclass(kind, Rule) for kind in classes):
        if isinstance(value, Rule):
            return value
        with located(what):
            return from_dict(value)
    if Shock in classes:
        return value if isinstance(value, Shock) else read_shock(value, what)
    family = family_of(classes)
    if not family or isinstance(value, tuple(family.values())):
        return value if family and not isinstance(value, str | Mapping) else None
    key = "name" if any(issubclass(kind, Model) for kind in classes) else "kind"
    if isinstance(value, str):
        if value not in family and (str in kinds or Any in kinds):
            return None  # text that the class itself interprets, a column, a name
        value = {key: value}
    if not isinstance(value, Mapping):
        if len(kinds) > 1 or Any in kinds:
            return None
        raise ArgumentError(f"{what} = {value!r}: write a word or a table with a key {key}.")
    if key not in value:
        if Any in kinds or len(classes) < len(kinds):
            return None
        raise ArgumentError(f"{what} has no {key}: write {key} = {next(iter(family))!r}.")
    return make(family, value, key, what)


def make(family: Mapping[str, type], data: Mapping[str, Any], key: str, what: str) -> Any:
    """An object of a family from a table: its word under `key`, and its fields.

    Raises
    ------
    UnknownNameError : for an unknown word or field, with the closest one.
    ArgumentError : for a field that is missing, or a value that it does not accept.
    """
    name = data[key]
    known_name(name, family, key, what)
    kind = family[name]
    hints = get_type_hints(kind)
    own = {field.name: field for field in fields(kind) if field.init}
    found = {}
    for field, value in data.items():
        if field != key:
            known_name(field, own, f"parameter of {name}", what)
            found[field] = frozen(read_value(value, hints[field], f"{what} {field}"))
    lacking = [
        field.name
        for field in own.values()
        if field.default is MISSING and field.default_factory is MISSING
        and field.name not in found
    ]  # fmt: skip
    if lacking:
        needs = " and ".join(f"{each} = …" for each in lacking)
        raise ArgumentError(f"{what}: {name} needs {needs}.")
    try:
        with located(what):
            return kind(**found)
    except ContagionError:
        raise
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"{what}: {name}: {error}") from None


def frozen(value: Any) -> Any:
    """Lists as tuples, so that objects made of them can be compared and hashed."""
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def _simple(value: Any, kinds: list[Any], what: str) -> Any:
    """Numbers, true and false, text, lists and tables."""
    origins = [get_origin(kind) or kind for kind in kinds]
    if bool in origins:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if len(origins) == 1:
            raise ArgumentError(f"{what} = {value!r}: write true or false.")
    if isinstance(value, bool) and Any not in origins:
        raise ArgumentError(f"{what} = {str(value).lower()}: write {_wanted(origins)}.")
    if isinstance(value, str) and str in origins and ":" in value and _has(origins, Mapping):
        return _text(value, kinds, origins, what)
    listed = isinstance(value, str) and "," in value and _lists(origins)
    if isinstance(value, str) and not listed and (int in origins or float in origins):
        try:
            return _number(value, origins, what)
        except ArgumentError:
            if not {str, Any} & set(origins) and not _has(origins, Mapping, Sequence):
                raise
    if isinstance(value, int | float) and {int, float, Any} & set(origins):
        if float not in origins and Any not in origins and not isinstance(value, int):
            raise ArgumentError(f"{what} = {value!r}: write a whole number.")
        return float(value) if float in origins and int not in origins else value
    if isinstance(value, Mapping) and (Any in origins or _has(origins, Mapping)):
        return {key: _inside(item, kinds, -1, f"{what} {key}") for key, item in value.items()}
    if isinstance(value, list | tuple) and (Any in origins or _lists(origins)):
        return [_inside(item, kinds, 0, what) for item in value]
    if isinstance(value, str):
        if not listed and (str in origins or Any in origins):
            return value
        return _text(value, kinds, origins, what)
    if isinstance(value, np.ndarray | pd.Series | pd.DataFrame) or callable(value):
        return value
    raise ArgumentError(f"{what} = {value!r}: write {_wanted(origins)}.")


def _number(text: str, origins: Sequence[Any], what: str) -> float | int:
    if float in origins:
        return part(text, what) if text.strip().endswith("%") else number(text, what)
    try:
        return int(text)
    except ValueError:
        raise ArgumentError(f"{what}={text}: write a whole number.") from None


def _text(text: str, kinds: list[Any], origins: list[Any], what: str) -> Any:
    """Text if lists or tables are expected: A,B,C or NAME:VALUE,NAME:VALUE."""
    if ":" in text and _has(origins, Mapping):
        sides = [part.rpartition(":") for part in text.split(",") if part.strip()]
        found = {name.strip(): value.strip() for name, _, value in sides}
        if not any(get_args(kind)[-1:] == (str,) for kind in kinds):  # "007" is a name, not 7
            found = free(text)
        if isinstance(found, Mapping) and all(found):
            return _simple(found, kinds, what)
    if _lists(origins):
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [_inside(part, kinds, 0, what) for part in parts]
    raise ArgumentError(f"{what} = {text!r}: write {_wanted(origins)}.")


def _has(origins: Iterable[Any], *bases: type) -> bool:
    """Whether one of the types is, or contains, one of the bases; text is not a list here."""
    kinds = [each for each in origins if isinstance(each, type) and each not in (str, bytes)]
    return any(issubclass(kind, base) for kind in kinds for base in bases)


def _lists(origins: Iterable[Any]) -> bool:
    """Whether one of the types is a collection without keys."""
    return _has([each for each in origins if not _has([each], Mapping)], Iterable)


def _inside(value: Any, kinds: list[Any], at: int, what: str) -> Any:
    """A value inside a list (`at` 0) or a table (-1), converted to the type of its elements."""
    base = Mapping if at else Iterable
    for kind in kinds:
        origin = get_origin(kind)
        if isinstance(origin, type) and issubclass(origin, base) and get_args(kind):
            if not at and issubclass(origin, Mapping):
                continue
            return read_value(value, get_args(kind)[at if at else 0], what)
    if isinstance(value, Mapping | list) or Any not in kinds:
        return read_value(value, Any, what)
    return value


def _wanted(origins: list[Any]) -> str:
    """The types in words."""
    found = []
    for words, bases in (
        ("a number", (float,)),
        ("a whole number", (int,)),
        ("true or false", (bool,)),
        ("text", (str,)),
        ("a table { name = value } (NAME:VALUE,NAME:VALUE)", (Mapping,)),
        ("a list [ … ]", (Sequence, AbstractSet, Iterable)),
    ):
        if any(isinstance(o, type) and (o in bases or (issubclass(o, bases) and o is not str))
               for o in origins):  # fmt: skip
            found.append(words)
    if "a number" in found and "a whole number" in found:
        found.remove("a whole number")
    if len(origins) == 1 and len(found) > 1:
        del found[1:]  # a table is a collection as well
    return " or ".join(found) or "another value"


def read_shock(
    data: Any, what: str, names: Sequence[Any] | pd.Index = (), assets: Iterable[Any] = ()
) -> Shock:
    """A shock from a table, in the form used for scenarios; amounts may be text such as "200m".

    Without `names` every name is kept; with them, it is replaced by the matching name.

    >>> read_shock({"default": {"a": 0.4}, "loss": {"b": "2m"}}, "shock")
    Shock.loss({'b': 2000000.0}) + Shock.default('a', recovery=0.4)
    """
    if not isinstance(data, Mapping):
        raise ArgumentError(f"{what} = {data!r}: write a table, such as default = {{ a = 0.4 }}.")
    plain: dict[str, Any] = {}
    for key, given in data.items():
        if key in ("relative", "equity_relative") and isinstance(given, str):
            given = {EVERYBODY: given}
        if isinstance(given, Mapping):
            read = number if key in ("loss", "equity") else part
            given = {
                name: read(x, f"{what} {key} {name}") if isinstance(x, str) else x
                for name, x in given.items()
            }
        plain[key] = given
    spelled = {name: name for table in plain.values() for name in _names_in(table)}
    known = {str(name): name for name in names} or spelled
    held = {str(name): name for name in assets} if len(names) else spelled
    with located(what):
        return shock_from(plain, known, held)[1]


def _names_in(table: Any) -> list[str]:
    """The names in a table of a shock: its keys, a list, or one name."""
    if isinstance(table, str):
        return [table]
    return [str(name) for name in table if name != EVERYBODY] if isinstance(table, Iterable) else []


# -- objects to plain values ----------------------------------------------------------------------


def plain_value(value: Any, what: str = "value") -> Any:
    """An object in a form that TOML can hold; :func:`read_value` restores it.

    Raises
    ------
    ArgumentError : for an object that cannot be written as text, such as a function.

    Example
    -------
    >>> import contagion as ct
    >>> plain_value(ct.models.Furfine(0.6)), plain_value(None)
    ({'name': 'furfine', 'loss_given_default': 0.6}, 'none')
    """
    if value is None:
        return NONE
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Rule):
        return to_dict(value)
    if isinstance(value, Shock):
        return {key: x for key, x in shock_words("", value).items() if key != "name"}
    if isinstance(value, Scenarios):
        return value.spec()
    if isinstance(value, Mapping | pd.Series):
        return {str(key): plain_value(x, f"{what} {key}") for key, x in value.items()}
    if isinstance(value, np.ndarray | pd.Index):
        return value.tolist()
    if isinstance(value, list | tuple):
        pairs = [x for x in value if isinstance(x, tuple) and len(x) == 2 and isinstance(x[0], str)]
        if value and len(pairs) == len(value):  # by name, as objects keep it
            return plain_value(dict(pairs), what)
        return [plain_value(x, what) for x in value]
    told = words_of(value)
    if told is None:
        raise ArgumentError(
            f"{what}: a {type(value).__name__} has no form as text, so that a study cannot "
            "hold it. Use the functions of Python for this run."
        )
    key = "name" if isinstance(value, Model) else "kind"
    return {key: told[0], **{name: plain_value(x, f"{what} {name}") for name, x in told[1].items()}}
