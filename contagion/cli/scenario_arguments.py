"""Scenarios and models from words: those of the command line, and those of a manifest."""

from __future__ import annotations

import ast
import inspect
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, MissingFileError, StressError, located, reading
from ..models import MODELS
from ..models.base import Model
from ..network.exposure_network import ExposureNetwork
from ..scenarios import KINDS, Scenarios, from_toml
from ..scenarios.files import keys_of
from ..text import known_name
from .terminal import put, say
from .values import value


def set_of(
    network: ExposureNetwork,
    words: str,
    given: Iterable[str] | None = None,
    count: int | None = None,
    rng: int | None = None,
) -> Scenarios:
    """Scenarios from a kind or a TOML file, with parameters on top.

    Raises
    ------
    ArgumentError, MissingFileError : for an unknown kind, a missing file, a parameter that is
        missing or has its own option.
    ShockError : for parameters that the kind does not have, or that do not fit the network.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.datasets.load("cefi_credit_2022")
    >>> set_of(net, "defaults", ["probabilities=0.1", "recovery=0.4"], 50, 7)
    defaults: 50 scenarios of 9 nodes (probabilities=0.1, correlation=0.0, recovery=0.4, seed=7)
    """
    chosen = settings(given, {"kind": "--scenarios", "scenarios": "--count", "seed": "--rng"})
    file = Path(words) if words.endswith(".toml") else None
    folder = Path() if file is None else file.parent
    data = ({"kind": _kind(words)} if file is None else _toml(file)) | chosen
    if isinstance(chosen.get("returns"), str):
        folder, data["returns"] = Path(chosen["returns"]).parent, Path(chosen["returns"]).name
    if isinstance(data.get("nodes"), str):
        data["nodes"] = [data["nodes"]]
    if str(data.get("kind")) in KINDS:
        _counted(data, count, rng)
    with located(file.name) if file else nullcontext():
        return _made(network, data, folder)


def _kind(words: str) -> str:
    kinds = [name.replace("_", "-") for name in KINDS]
    known_name(words.replace("_", "-"), kinds, "kind or file (.toml)", "--scenarios")
    return words.replace("-", "_")


def _counted(data: dict[str, Any], count: int | None, rng: int | None) -> None:
    """Put number and seed in, where the kind has them, and look for what is missing."""
    kind = data["kind"]
    known = inspect.signature(KINDS[kind]).parameters
    for option, key, name, number in (
        ("--count", "scenarios", "scenarios", count),
        ("--rng", "seed", "rng", rng),
    ):
        if number is not None and name not in known:
            raise ArgumentError(f"{option}: {kind} lists its scenarios one by one. Leave it out.")
        if number is not None:
            data[key] = number
    if "rng" in known:
        data.setdefault("seed", 0)
    missing = [n for n, p in known.items() if p.default is p.empty and n not in data]
    missing.remove("network")
    if missing:
        needed = " ".join(f"--set {name}=…" for name in missing)
        raise ArgumentError(
            f"{kind} needs {', '.join(missing)}: say {needed}, or write a .toml file."
        )


def settings(texts: Iterable[str] | None, elsewhere: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of --set NAME=VALUE; a value in [] or {} is TOML.

    Parameters
    ----------
    elsewhere : {name: option}, what has an option of its own.

    Raises
    ------
    ArgumentError : for words of another form, a name given twice, and one that has an option of its
        own.

    Example
    -------
    >>> settings(["volatility=0.3", "nodes=a,b", "marginals={args=[2, 5]}"], {"rng": "--rng"})
    {'volatility': 0.3, 'nodes': ['a', 'b'], 'marginals': {'args': [2, 5]}}
    """
    found: dict[str, Any] = {}
    for text in texts or ():
        name, sign, words = (part.strip() for part in text.partition("="))
        if not (sign and name and words):
            raise ArgumentError(f"--set {text}: write NAME=VALUE.")
        if name in elsewhere:
            raise ArgumentError(f"--set {text}: say it with {elsewhere[name]}.")
        if name in found:
            raise ArgumentError(f"--set {name} is given twice.")
        if words[0] not in "[{":
            found[name] = value(words)
            continue
        try:
            found[name] = tomllib.loads(f"x = {words}")["x"]
        except tomllib.TOMLDecodeError as error:
            raise ArgumentError(f"--set {text}: this is not TOML ({error}).") from None
    return found


def _toml(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise MissingFileError(f"There is no file {str(file)!r} with scenarios.")
    with reading(file.name):
        return tomllib.loads(file.read_text("utf-8"))


def _made(network: ExposureNetwork, data: dict[str, Any], folder: Path) -> Scenarios:
    """The set of plain values; they go through the one reader of scenarios in words."""
    import tomli_w

    return from_toml(tomli_w.dumps(data), network, folder=folder)


def again(network: ExposureNetwork, told: Mapping[str, Any]) -> Scenarios:
    """The set that a manifest tells of."""
    known = {*keys_of(told["kind"]), "kind", "seed"}
    return _made(network, {key: x for key, x in told.items() if key in known}, Path())


def model_of(told: Mapping[str, Any]) -> tuple[str, Model]:
    """Name and model that a manifest tells of.

    >>> model_of({"name": "Furfine", "parameters": {"loss_given_default": "0.6"}})
    ('furfine', Furfine(loss_given_default=0.6))
    """
    by_class = {kind.__name__: name for name, kind in MODELS.items()}
    try:
        name = by_class[told["name"]]
        usual = MODELS[name]()
        values = {
            key: ast.literal_eval(text)
            for key, text in told["parameters"].items()
            if text != repr(getattr(usual, key))
        }
        return name, MODELS[name](**values)
    except (KeyError, ValueError, SyntaxError, AttributeError):
        raise StressError(
            f"The model of the folder, {told['name']}, cannot be made from the words of its "
            "manifest. Go on with it in Python: contagion.experiments.stress.resume."
        ) from None


def list_kinds() -> None:
    """The kinds of scenarios with their parameters."""
    for name, make in KINDS.items():
        known = [n for n in keys_of(name) if n != "rng"]
        put(name.replace("_", "-"))
        shown = [n for n in known if n != "scenarios"]
        say((make.__doc__ or "").split("\n")[0], f"--set {', '.join(shown)}", indent="  ")
    put("\nExample: contagion stress cefi_credit_2022 --scenarios defaults --set\n"
          "probabilities=0.02 --set correlation=0.3")  # fmt: skip
