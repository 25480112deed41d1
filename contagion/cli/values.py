"""Values in words: numbers, lists, ranges and tables, for --set and --over."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError
from .options import SUFFIX


def value(text: str) -> Any:
    """A number, true or false, a list with commas, a mapping with colons, rows with semicolons.

    >>> value("12"), value("0.5"), value("2m"), value("true"), value("12,8,4"), value("a:3,b:4")
    (12, 0.5, 2000000.0, True, [12, 8, 4], {'a': 3, 'b': 4})
    >>> value("0.1,0.2;0,0.3"), value("even")
    ([[0.1, 0.2], [0, 0.3]], 'even')
    """
    plain = text.strip()
    if ";" in plain:
        return [row if isinstance(row := value(part), list) else [row] for part in plain.split(";")]
    if "," in plain or ":" in plain:
        parts = [part for part in plain.split(",") if part.strip()]
        if all(":" in part for part in parts):
            sides = [part.rpartition(":") for part in parts]
            return {key.strip(): _one(number.strip()) for key, _, number in sides}
        return [_one(part) for part in parts]
    return _one(plain)


def _one(text: str) -> Any:
    plain = text.strip()
    if plain.lower() in ("true", "false"):
        return plain.lower() == "true"
    head = plain.rstrip("kmnbt")
    factor = SUFFIX.get(plain[len(head) :], 1.0 if head == plain else 0.0)
    for kind in (int, float):
        try:
            number = kind(head.replace("_", ""))
        except ValueError:
            continue
        if factor == 1.0 and head == plain:
            return number
        if factor:
            return float(number) * factor
    return plain


def steps(text: str, option: str = "--over") -> tuple[str, list[Any]]:
    """An axis: NAME=START:STOP:COUNT (evenly spaced), or NAME=VALUE,VALUE,...

    >>> steps("model.alpha=0:1:3"), steps("shock.default=celsius,genesis")
    (('model.alpha', [0.0, 0.5, 1.0]), ('shock.default', ['celsius', 'genesis']))
    """
    name, sign, given = text.partition("=")
    if not sign or not name or not given:
        raise ArgumentError(f"{option} {text}: write NAME=START:STOP:COUNT, or NAME=VALUE,VALUE.")
    parts = given.split(":")
    if len(parts) == 3:
        start, stop, count = (_one(part) for part in parts)
        if not all(isinstance(part, int | float) for part in (start, stop)) or not (
            isinstance(count, int) and count > 0
        ):
            raise ArgumentError(f"{option} {text}: START:STOP:COUNT are two numbers and a count.")
        return name, np.linspace(start, stop, count).round(12).tolist()
    return name, [_one(part) for part in given.split(",")]
