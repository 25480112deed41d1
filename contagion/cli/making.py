"""The command `generate`: a random network in a folder of tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..study.making import arguments, takes
from ..study.texts import free
from ..synthetic.generate import FAMILIES
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
            known = ", ".join(takes(each))
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
