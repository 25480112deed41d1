"""Networks that a study makes: generated, or reconstructed from margins."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from inspect import Parameter, signature
from typing import Any

from ..errors import ArgumentError
from ..synthetic import reconstruct as room
from ..synthetic.generate import FAMILIES, Amounts, Sheets
from ..synthetic.reconstruct import Ensemble
from ..text import known_name

METHODS: dict[str, Callable[..., Ensemble]] = {
    "maximum-entropy": room.maximum_entropy,
    "minimum-density": room.minimum_density,
    "fitness": room.fitness,
    "configuration": room.configuration,
    "gibbs": room.gibbs,
}


def arguments(make: Callable[..., Any], given: Mapping[str, Any], rng: int) -> dict[str, Any]:
    """The arguments of a family of networks from a flat mapping of names.

    Raises
    ------
    UnknownNameError : for a name that the family does not have, with the closest one.
    ArgumentError : for a name that is missing.

    Example
    -------
    >>> arguments(FAMILIES["ring"], {"n": 4, "capital": 0.1}, 1)
    {'n': 4, 'sheets': Sheets(interbank=0.2, capital=0.1, spread=0.0, least=1.0)}
    """
    known = signature(make).parameters
    for name in given:
        known_name(name, takes(make), "parameter")
    found: dict[str, Any] = {name: v for name, v in given.items() if name in known}
    parts: tuple[tuple[str, type], ...] = (("amounts", Amounts), ("sheets", Sheets))
    for part, kind in parts:
        mine = {f.name: given[f.name] for f in fields(kind) if f.name in given}
        mine = {name: v for name, v in mine.items() if name not in known}
        if part in known and mine:
            found[part] = kind(**mine)
    missing = [n for n, p in known.items() if p.default is Parameter.empty and n not in found]
    if missing:
        needed = " ".join(f"--set {name}=…" for name in missing)
        raise ArgumentError(
            f"The family needs {', '.join(missing)}: give {needed}, in a study {missing[0]} = …."
        )
    return {**found, **({"rng": rng} if "rng" in known else {})}


def takes(make: Callable[..., Any]) -> list[str]:
    """The parameters of a family, including those of amounts and balance sheets."""
    names = [name for name in signature(make).parameters if name not in ("rng",)]
    flat = [name for name in names if name not in ("amounts", "sheets")]
    for part, kind in (("amounts", Amounts), ("sheets", Sheets)):
        if part in names:
            flat += [f.name for f in fields(kind) if f.name not in flat]
    return flat


def generated(words: Mapping[str, Any]) -> Any:
    """The network of a family.

    >>> generated({"family": "ring", "n": 4, "seed": 1}).amount.tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    given = dict(words)
    family, seed = given.pop("family", None), given.pop("seed", 0)
    known_name(family, FAMILIES, "family", "[network] generate")
    make = FAMILIES[str(family)]
    return make(**arguments(make, given, seed))


def reconstructed(margins: room.Margins, words: Mapping[str, Any]) -> Ensemble:
    """The ensemble of a method."""
    given = dict(words)
    method, seed = given.pop("method", "maximum-entropy"), given.pop("seed", 0)
    known_name(method, METHODS, "method", "[network] reconstruct")
    make = METHODS[str(method)]
    names = [x for x in inspect.signature(make).parameters if x not in ("margins", "prior", "rng")]
    for name in given:
        known_name(name, names, f"parameter of {method}", "[network] reconstruct")
    if "rng" in inspect.signature(make).parameters:
        given["rng"] = seed
    return make(margins, **given)
