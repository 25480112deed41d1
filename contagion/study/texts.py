"""Numbers, shares, lists, tables and axes from text, for the command line and for files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..text import toml

SUFFIX = {"k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, "tn": 1e12}


def number(text: str, what: str) -> float:
    """An amount, which may end with k, m, mn, bn or tn.

    >>> number("1.5bn", "loss"), number("2e8", "loss")
    (1500000000.0, 200000000.0)
    """
    plain = text.strip().replace(",", "").replace("_", "").replace("−", "-")
    head = plain.rstrip("kmnbt")
    factor = SUFFIX.get(plain[len(head) :], 1.0 if head == plain else 0.0)
    try:
        if factor:
            return float(head) * factor
    except ValueError:
        pass
    raise ArgumentError(f"{what}: {text!r} is not an amount; write 200000000, 2e8, 200m or 0.2bn.")


def part(text: str, what: str) -> float:
    """A share or a relative change, as a number or in per cent.

    >>> part("-12.5%", "move"), part("0.05", "maintenance")
    (-0.125, 0.05)
    """
    plain = text.strip().replace("−", "-")
    try:
        return float(plain[:-1]) / 100 if plain.endswith("%") else float(plain)
    except ValueError:
        raise ArgumentError(f"{what}: {text!r} is not a part; write -0.3 or -30%.") from None


def free(text: str) -> Any:
    """Text without a type: TOML in [] or {}, a number, true or false, a list, a mapping, a word.

    >>> free("12"), free("0.5"), free("2m"), free("true"), free("12,8,4"), free("a:3,b:4")
    (12, 0.5, 2000000.0, True, [12, 8, 4], {'a': 3, 'b': 4})
    >>> free("0.1,0.2;0,0.3"), free("even"), free("{args = [2, 5]}")
    ([[0.1, 0.2], [0, 0.3]], 'even', {'args': [2, 5]})
    """
    plain = text.strip()
    if plain[:1] in ("[", "{"):
        return inline(plain)
    if ";" in plain:
        return [row if isinstance(row := free(part), list) else [row] for part in plain.split(";")]
    if "," in plain or ":" in plain:
        parts = [part for part in plain.split(",") if part.strip()]
        if all(":" in part for part in parts):
            sides = [part.rpartition(":") for part in parts]
            return {key.strip(): _one(value) for key, _, value in sides}
        return [_one(part) for part in parts]
    return _one(plain)


def inline(text: str) -> Any:
    """A value that is written as TOML on one line.

    >>> inline("{ kind = 'linear', depth = { ETH = 500 } }")
    {'kind': 'linear', 'depth': {'ETH': 500}}
    """
    try:
        return toml(f"x = {text}", what=f"{text}: this is")["x"]
    except ArgumentError as error:
        raise ArgumentError(
            f"{error} Write a table {{ key = 'word' }} or a list [1, 2], in quotes for the shell."
        ) from None


def _one(text: str) -> Any:
    plain = text.strip()
    if plain.lower() in ("true", "false"):
        return plain.lower() == "true"
    try:
        return int(plain.replace("_", ""))
    except ValueError:
        pass
    try:
        return number(plain, "value")
    except ArgumentError:
        return plain


class Grid(list[Any]):
    """The type of the values of an axis."""


def axis(given: Any, what: str) -> list[Any]:
    """The values of an axis from a list, or from text: A,B,C or START:STOP:COUNT.

    >>> axis("0:1:3", "grid"), axis("celsius,genesis", "grid"), axis([0.5, 1], "grid")
    ([0.0, 0.5, 1.0], ['celsius', 'genesis'], [0.5, 1])
    """
    if not isinstance(given, str):
        if isinstance(given, Iterable):
            return [each.item() if isinstance(each, np.generic) else each for each in given]
        return [given]
    ends = given.split(":")
    if len(ends) == 3:
        try:
            start, stop = (part(end, what) if "%" in end else number(end, what) for end in ends[:2])
            count = int(ends[2])
        except ValueError:
            count = 0
        if count < 1:
            raise ArgumentError(f"{what} = {given}: START:STOP:COUNT are two numbers and a count.")
        return [float(x) for x in np.linspace(start, stop, count).round(12)]
    return [free(each) for each in given.split(",")]
