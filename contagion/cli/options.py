"""Options that several commands share, defined once, and parsers of their texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ArgumentError
from .terminal import put

DATA = "Data"
SHOCK = "Shock and model"
OUT = "Output"


def option(
    metavar: str | None, help: str, panel: str | None = None, *flags: str, **more: Any
) -> Any:
    """An option of a command, in a panel of its help; `flags` if they differ from its name."""
    return typer.Option(*flags, metavar=metavar, help=help, rich_help_panel=panel, **more)


Source = Annotated[
    str,
    typer.Argument(
        metavar="DATASET-OR-FILE",
        help="A packaged dataset (see `contagion datasets`), a file or folder of exposures, or a "
        "study (.toml); options override the study.",
        show_default=False,
    ),
]
File = Annotated[
    str, typer.Argument(metavar="FILE", help="File or folder of exposures.", show_default=False)
]
Nodes = Annotated[Path | None, option("FILE", "Table of the nodes, for a file.", DATA)]
Holdings = Annotated[
    Path | None, option("FILE", "Table of nodes' holdings of priced assets.", DATA)
]
Guarantees = Annotated[Path | None, option("FILE", "Table of guarantees.", DATA)]
Shareholdings = Annotated[Path | None, option("FILE", "Table of shareholdings.", DATA)]
Orientation = Annotated[
    str | None,
    option(
        "ORDER",
        "creditor-debtor or debtor-creditor: meaning of the first and second column (or of rows "
        "and columns), if their names do not tell.",
        DATA,
    ),
]
Unit = Annotated[str | None, option("TEXT", "Unit of the amounts.", DATA)]
Layer = Annotated[str | None, option("TEXT", "Keep one layer of the exposures.", DATA)]
AssumeEquity = Annotated[
    list[str] | None,
    option("NODE=AMOUNT", "Equity of a node, if missing in the data. Repeatable.", DATA),
]
Repair = Annotated[
    list[str] | None,
    option(
        "WHAT=HOW",
        "How to repair the data, as proposed by the findings of `contagion check`: "
        "duplicates=sum, self_loops=drop, missing_equity=external ... Repeatable.",
        DATA,
    ),
]
Default = Annotated[
    list[str] | None,
    option(
        "NODE",
        "Node that defaults for external reasons. Repeatable. By default that of the dataset.",
        SHOCK,
    ),
]
Recovery = Annotated[
    float | None,
    option(
        "SHARE",
        "Recovery rate on debts of the nodes of --default, 0 to 1. By default 0, or the rate in "
        "the dataset.",
        SHOCK,
    ),
]
Loss = Annotated[
    list[str] | None,
    option(
        "NODE=AMOUNT",
        "External assets of a node that are destroyed, such as celsius=200m. Repeatable.",
        SHOCK,
    ),
]
Relative = Annotated[
    list[str] | None,
    option(
        "[NODE=]PART",
        "Share of external assets lost, of one node or of all. Repeatable.",
        SHOCK,
    ),
]
Equity = Annotated[
    list[str] | None,
    option("NODE=AMOUNT", "Equity destroyed, whichever assets are lost. Repeatable.", SHOCK),
]
EquityRelative = Annotated[
    list[str] | None,
    option("[NODE=]PART", "Share of equity destroyed, of one node or of all. Repeatable.", SHOCK),
]
Price = Annotated[
    list[str] | None,
    option("ASSET=CHANGE", "Move of the price of a held asset, -0.3 or -30%. Repeatable.", SHOCK),
]
Depeg = Annotated[
    list[str] | None,
    option("TOKEN=VALUE", "Value of a token after a depeg over that before. Repeatable.", SHOCK),
]
Rules = Annotated[
    list[str] | None,
    option(
        "NODE=RULE",
        "How a node shares a shortfall, instead of its own rule: a word such as pro_rata, a "
        "TOML file, or venue:NAME. Repeatable. See `contagion rules`.",
        SHOCK,
    ),
]
ModelName = Annotated[
    str | None, option("NAME", "See `contagion models`; eisenberg-noe unless given.", SHOCK)
]
Param = Annotated[
    list[str] | None,
    option("NAME=VALUE", "Parameter of the model, such as alpha=0.8. Repeatable.", SHOCK),
]
BaselineName = Annotated[
    str | None,
    option(
        "cleared|book",
        "The reference for losses: cleared (the default), the state without the shock (only "
        "losses due to the shock); book, face values (also amounts missing before).",
        SHOCK,
    ),
]
Jobs = Annotated[int, option("N", "Processes, -1 for all cores.", "Running")]
Figure = Annotated[Path | None, option("FILE", "Draw it into this file, .png or .svg.", OUT)]
Json = Annotated[bool, option(None, "Print JSON and nothing else.", OUT, "--json")]


WriteStudy = Annotated[
    Path | None,
    option("FILE", "Write this run as a study, .toml; - prints the study without a run.", OUT),
]


def pairs(texts: Iterable[str] | None, option: str, form: str) -> dict[str, str]:
    """NAME=VALUE by name, split at the last equals sign.

    >>> pairs(["celsius=200m"], "--loss", "NODE=AMOUNT, such as --loss celsius=200m")
    {'celsius': '200m'}
    """
    found: dict[str, str] = {}
    for text in texts or ():
        name, sign, value = (side.strip() for side in text.rpartition("="))
        if not sign or not name:
            raise ArgumentError(f"{option} {text}: write {form}.")
        if name in found:
            raise ArgumentError(f"{option} {text}: {name!r} is given twice.")
        found[name] = value
    return found


def settings(texts: Iterable[str] | None, option: str = "--set") -> dict[str, str]:
    """NAME=VALUE by name, split at the first equals sign."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, sign, value = (side.strip() for side in text.partition("="))
        if not (sign and name and value):
            raise ArgumentError(f"{option} {text}: write NAME=VALUE.")
        if name in found:
            raise ArgumentError(f"{option} {name} is given twice.")
        found[name] = value
    return found


def plain(value: Any) -> Any:
    """A value that JSON can hold: numbers that are not finite become null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not (abs(value) < float("inf")):
        return None
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def print_json(value: Any) -> None:
    """Print a value as JSON, indented."""
    import json

    put(json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False))
