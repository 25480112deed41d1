"""The table `scenarios` of a study: a kind of `ct.scenarios`, its parameters, number and seed."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, MissingFileError, ShockError, located
from ..network.exposure_network import ExposureNetwork
from ..scenarios import KINDS, Scenarios, from_toml
from ..scenarios.files import ALONE, keys_of
from ..text import known_name, toml
from .values import plain_value

USUAL = {"kind": "common_factor"}
RETURNS = "returns"  # can be the path of a file


def checked(data: Any, what: str = "[scenarios]") -> dict[str, Any]:
    """The table with its seed: 0 if it gives none, so that a run can be repeated.

    Raises
    ------
    UnknownNameError : for an unknown kind or parameter, with the closest one.
    ArgumentError : for a parameter that is missing or does not belong to this kind.

    Example
    -------
    >>> checked({"kind": "common-factor", "volatilty": 0.2})
    Traceback (most recent call last):
    contagion.errors.UnknownNameError: [scenarios] common_factor: Unknown key 'volatilty'.
    Did you mean 'volatility'?
    >>> checked({"kind": "defaults", "probabilities": 0.01})
    {'kind': 'defaults', 'probabilities': 0.01, 'seed': 0}
    """
    if isinstance(data, Scenarios):
        data = _spec(data)
    if isinstance(data, str):
        data = {"kind": data}
    if not isinstance(data, Mapping):
        raise ArgumentError(f'{what}: write a table, such as kind = "common-factor".')
    found = {key: plain_value(value, f"{what} {key}") for key, value in data.items()}
    kind = str(found.get("kind", USUAL["kind"])).replace("-", "_")
    known_name(kind, KINDS, "kind", what)
    found["kind"] = kind
    taken = inspect.signature(KINDS[kind]).parameters
    known = ["seed" if name == "rng" else name for name in keys_of(kind)]
    for key in found:
        if key in ("scenarios", "seed") and key not in known:
            raise ArgumentError(
                f"{what} {key}: {kind} lists its scenarios one by one. Leave it out."
            )
        known_name(key, [*known, "kind", ALONE], "key", f"{what} {kind}")
    if "rng" in taken:
        found.setdefault("seed", 0)
    missing = [
        name
        for name, each in taken.items()
        if each.default is each.empty and name != "network" and name not in found
    ]
    if missing:
        raise ArgumentError(
            f"{what}: {kind} needs {', '.join(missing)}: write {missing[0]} = … in a study, "
            f"say --set {missing[0]}=… on the command line."
        )
    for name in ("nodes", ALONE):
        if isinstance(found.get(name), str):
            found[name] = [found[name]]
    return found


def _spec(scenarios: Scenarios) -> dict[str, Any]:
    """The parameters of a set made by `ct.scenarios`, without those implied by others."""
    words = scenarios.spec()
    if words["kind"] not in KINDS:
        raise ArgumentError(
            f"Scenarios of kind {words['kind']!r} have no form as text, so that a study cannot "
            "hold them. Use ct.stress_test for this run."
        )
    known = {*keys_of(words["kind"]), "kind", "seed", ALONE}
    return {key: value for key, value in words.items() if key in known}


def read(path: Path) -> dict[str, Any]:
    """The table of a file of scenarios; a path in it becomes relative to the current folder."""
    if not path.is_file():
        raise MissingFileError(f"There is no file {str(path)!r} with scenarios.")
    with located(path.name):
        found = toml(path.read_text("utf-8"), ShockError)
        if not found:
            raise ShockError("the file is empty; write kind = and its parameters.")
    if isinstance(found.get(RETURNS), str):
        found[RETURNS] = (path.parent / found[RETURNS]).as_posix()
    return found


def made(words: Mapping[str, Any], network: ExposureNetwork, folder: Path) -> Scenarios:
    """The set of scenarios, built by the shared reader of scenario tables."""
    import tomli_w

    data = dict(words)
    if isinstance(data.get(RETURNS), str):
        file = folder / data[RETURNS]
        folder, data[RETURNS] = file.parent, file.name
    return from_toml(tomli_w.dumps(data), network, folder=folder)
