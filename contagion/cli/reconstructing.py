"""The command `reconstruct`: networks with given margins, each in a folder of its own."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import media
from ..datasets import names as dataset_names
from ..errors import ArgumentError
from ..network.tables import read_table
from ..network.tables.reading import OPTIONS as READING
from ..study.making import METHODS
from ..study.source import has_margins
from ..study.texts import free
from ..synthetic.reconstruct import Ensemble, Margins
from ..text import known_name, plural
from . import options
from .grouped import grouped
from .options import DATA, OUT, option, print_json
from .specifying import Data, elsewhere
from .terminal import put, say, table

MOST = 12


@grouped
def reconstruct(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="A table of nodes with interbank_assets and interbank_liabilities; or a dataset, "
            "file or folder of exposures, whose margins are used. Without it: a list of methods.",
            show_default=False,
        ),
    ] = None,
    method: Annotated[str, option("NAME", f"One of {', '.join(METHODS)}.")] = "maximum-entropy",
    density: Annotated[
        float | None,
        option("SHARE", "Number of links over the possible number; for fitness and gibbs."),
    ] = None,
    samples: Annotated[
        int | None, option("N", "Number of networks. By default 1, for gibbs 100.")
    ] = None,
    rng: Annotated[int, option("SEED", "The seed.")] = 0,
    given: Annotated[
        list[str] | None,
        option(
            "NAME=VALUE",
            "Another parameter of the method, such as exact=true, links=40, stubs=500, "
            "burn_in=2000. Repeatable.",
            None,
            "--set",
        ),
    ] = None,
    known: Annotated[
        Path | None,
        option("FILE", "Known exposures, which are kept: creditor, debtor, amount.", DATA),
    ] = None,
    residual: Annotated[
        str | None,
        option(
            "NAME", "Outside node for amounts that cannot be placed, for a table of margins.", DATA
        ),
    ] = None,
    out: Annotated[
        Path | None,
        option(
            "DIR",
            "Write one folder for each network: 000, 001 ... `contagion stress DIR` runs all.",
            OUT,
        ),
    ] = None,
    as_json: options.Json = False,
    *,
    data: Data,
) -> None:
    """Make networks from the total claims and debts of every node: one, or an ensemble.

    Example: contagion reconstruct bis_cbs_2022q4 --method fitness --density 0.5 --samples 20
    --out guesses
    """
    if source is None:
        _list_methods()
        return
    known_name(method, METHODS, "method", "--method")
    asked = _asked(method, given, {"density": density, "samples": samples, "rng": rng})
    if out is not None:
        media.folder(out, "--out")
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ArgumentError(f"--out {out} is not an empty folder. Give another.")
    study = data.study(source)
    choices = dict(study.network)
    said = choices.pop("source")
    file = study.folder / said
    totals = said not in dataset_names() and file.is_file() and has_margins(file, choices)
    if totals:
        unit, how = choices.pop("unit", ""), {k: choices.pop(k) for k in READING if k in choices}
        found = read_table(file, "margins", unit=unit, **how)
        data.hear(file, plural(len(found.table), "node"), found.findings, as_="margins")
        margins = Margins.from_table(found, unit=unit, name=file.stem, residual=residual, **choices)
    else:
        if residual is not None:
            raise ArgumentError("--residual: margins of a network can always be met. Leave it out.")
        margins = Margins.from_network(data.begin(study).network)
    if known is not None:
        margins = margins.partial(known)
    ensemble = METHODS[method](margins, **asked)
    folders = [] if out is None else write(ensemble, out)
    if as_json:
        print_json(_record(ensemble, method, asked, folders))
        return
    _print(ensemble, out, folders)


def write(ensemble: Ensemble, place: Path) -> list[Path]:
    """Every network as a folder in `place`, numbered from 0; each reads back with `ct.read`.

    Raises
    ------
    OSError : if a folder cannot be made.
    """
    wide = max(3, len(str(len(ensemble) - 1)))
    folders = [place / f"{k:0{wide}d}" for k in range(len(ensemble))]
    for network, folder in zip(ensemble, folders, strict=True):
        network.write(folder)
    return folders


def _parameters(method: str) -> list[str]:
    names = inspect.signature(METHODS[method]).parameters
    return [name for name in names if name not in ("margins", "prior")]  # a matrix


def _asked(
    method: str, given: list[str] | None, own: dict[str, float | int | None]
) -> dict[str, Any]:
    """The arguments of a method; raise for one that it does not take."""
    takes = _parameters(method)
    flags = {name: f"--{name}" for name in own}
    found: dict[str, Any] = {name: free(text) for name, text in elsewhere(given, flags).items()}
    for name in found:
        known_name(name, takes, f"parameter of {method}", f"--set {name}")
    for name, x in own.items():
        if x is None or (name == "rng" and name not in takes):
            continue
        if name not in takes:
            able = [each for each in METHODS if name in _parameters(each)]
            raise ArgumentError(
                f"--{name}: {method} does not take it. Leave it out, or choose --method "
                f"{' or '.join(able)}."
            )
        found[name] = x
    other = [name for name in ("links", "link_probability") if name in takes]
    if other and not {"density", *other} & set(found):
        raise ArgumentError(f"{method} needs --density SHARE, or --set {other[0]}=….")
    return found


def _list_methods() -> None:
    for name, make in METHODS.items():
        own = [n for n in _parameters(name) if n not in ("density", "samples", "rng")]
        flags = [f"--{n}" for n in ("density", "samples") if n in _parameters(name)]
        put(name)
        said = ", ".join([*flags, *([f"--set {', '.join(own)}"] if own else [])])
        say(*filter(None, ((make.__doc__ or "").split("\n")[0], said)), indent="  ")


def _record(
    ensemble: Ensemble, method: str, asked: dict[str, Any], folders: list[Path]
) -> dict[str, Any]:
    margins = ensemble.margins
    return {
        "method": method,
        "parameters": asked,
        "unit": margins.unit,
        "nodes": len(margins),
        "total": margins.total,
        "notes": list(ensemble.notes),
        "networks": _rows(ensemble),
        "chain": None if ensemble.trace is None else ensemble.diagnostics.to_dict("index"),
        "folders": [str(folder) for folder in folders],
    }


def _rows(ensemble: Ensemble) -> list[dict[str, Any]]:
    columns = {
        "links": ensemble.links,
        "density": ensemble.density,
        "margin_error": ensemble.margin_errors,
        "added": ensemble.added,
        "dropped": ensemble.dropped,
    }
    return [
        {"network": k, **{name: values[k].item() for name, values in columns.items()}}
        for k in range(len(ensemble))
    ]


def _print(ensemble: Ensemble, out: Path | None, folders: list[Path]) -> None:
    for line in repr(ensemble).splitlines():
        say(line.strip(), indent="  " if line.startswith(" ") else "")
    rows = [
        [f"{row['network']:,}", f"{row['links']:,}", f"{row['density']:.4f}",
         f"{row['margin_error']:.1e}", f"{row['added']:,}", f"{row['dropped']:,}"]
        for row in _rows(ensemble[:MOST])
    ]  # fmt: skip
    head = ["network", "links", "density", "margins missed by", "cells added", "dropped"]
    put(f"\n{table(head, rows, words=())}")
    if len(ensemble) > MOST:
        put(f"({len(ensemble) - MOST:,} more networks: --json lists them all)")
    if ensemble.trace is not None:
        worth = ensemble.diagnostics["effective"]
        said = ", ".join(f"{name} {x:.0f}" for name, x in worth.items() if x == x)
        line = f"Effective sample size of the chain, in independent networks: {said}."
        say(line if said else "The chain never moved.")
    if out is not None:
        put()
        wrote = f"Written to {out}: {plural(len(folders), 'folder')}, {folders[0].name}"
        wrote += f" to {folders[-1].name}" if len(folders) > 1 else ""
        say(f"{wrote}. Look at one with contagion check {folders[0]}; run scenarios through all "
            f"with contagion stress {out}.")  # fmt: skip
