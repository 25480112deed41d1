"""The command `generate`: a random network in a folder of tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ArgumentError
from ..study.texts import free
from ..synthetic.generate import FAMILIES, Amounts, Sheets
from ..text import known_name
from . import options
from .options import OUT, option, print_json, settings
from .outputs import tell
from .terminal import paragraph, put, say


def generate(
    family: Annotated[
        str | None,
        typer.Argument(metavar="FAMILY", help="Without it: the families, with their parameters."),
    ] = None,
    given: Annotated[
        list[str] | None,
        option(
            "NAME=VALUE",
            "A parameter of the family, of the amounts (kind, mean, dispersion) or of the "
            "balance sheets (interbank, capital, spread, least). Repeatable.",
            None,
            "--set",
        ),
    ] = None,
    rng: Annotated[int, option("SEED", "The seed.")] = 0,
    unit: options.Unit = None,
    out: Annotated[
        Path | None, option("DIR", "Write nodes.csv, exposures.csv ... here.", OUT)
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Make a random network whose balance sheets add up.

    Example: contagion generate erdos-renyi --set n=200 --set degree=4 --out bank_system
    """
    if family is None:
        for name, each in FAMILIES.items():
            put(f"{name}")
            known = ", ".join(_known(each))
            say((each.__doc__ or "").split("\n")[0], f"--set {known}", indent="  ")
        return
    known_name(family, FAMILIES, "family")
    make = FAMILIES[family]
    network = make(
        **arguments(make, {name: free(text) for name, text in settings(given).items()}, rng)
    )
    files = network.write(out) if out is not None else []
    if as_json:
        sheet = network.balance_sheet.sum().to_dict()
        summary = {"name": network.name, "nodes": len(network), "exposures": len(network.amount)}
        print_json({**summary, "sums": sheet, "seed": rng, "files": files})
        return
    put(repr(network))
    if out is not None:
        tell(out, files)
        put(paragraph(f"Read it with: contagion check {out}"))


def arguments(make: Callable[..., Any], given: Mapping[str, Any], rng: int) -> dict[str, Any]:
    """The arguments of a family from flat names.

    Raises
    ------
    ArgumentError : for a name that the family does not have, with the closest, and for one that is
        missing.

    Example
    -------
    >>> arguments(FAMILIES["ring"], {"n": 4, "capital": 0.1}, 1)
    {'n': 4, 'sheets': Sheets(interbank=0.2, capital=0.1, spread=0.0, least=1.0)}
    """
    known = signature(make).parameters
    for name in given:
        known_name(name, _known(make), "parameter", f"--set {name}")
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
        raise ArgumentError(f"The family needs {', '.join(missing)}: say {needed}.")
    return {**found, **({"rng": rng} if "rng" in known else {})}


def _known(make: Callable[..., Any]) -> list[str]:
    names = [name for name in signature(make).parameters if name not in ("rng",)]
    flat = [name for name in names if name not in ("amounts", "sheets")]
    for part, kind in (("amounts", Amounts), ("sheets", Sheets)):
        if part in names:
            flat += [f.name for f in fields(kind) if f.name not in flat]
    return flat
