"""What the commands share: reading a network, a shock and a model from words."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typer

from ..datasets import Card
from ..datasets import card as dataset_card
from ..datasets import load as load_dataset
from ..datasets import names as dataset_names
from ..errors import ArgumentError, MissingFileError
from ..models import MODELS
from ..models.base import Model
from ..network.checks.choices import ALLOWED, LISTS, MAPPINGS, NUMBERS
from ..network.exposure_network import ExposureNetwork, read
from ..network.tables.reading import OPTIONS as READING
from ..shocks import Shock
from ..text import choice, closest, known_name, listing
from .terminal import put

DATA = "Data"
SHOCK = "Shock and model"
OUT = "Output"
SUFFIX = {"k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, "tn": 1e12}
TURNS = {
    "creditor-debtor": "creditor->debtor",
    "debtor-creditor": "debtor->creditor",
}


def option(
    metavar: str | None, help: str, panel: str | None = None, *flags: str, **more: Any
) -> Any:
    """An option of a command, in a panel of its help; `flags` where they are not its name."""
    return typer.Option(*flags, metavar=metavar, help=help, rich_help_panel=panel, **more)


Source = Annotated[
    str,
    typer.Argument(
        metavar="DATASET-OR-FILE",
        help="A packaged dataset (see `contagion datasets`), or a file or folder of exposures.",
        show_default=False,
    ),
]
File = Annotated[
    str, typer.Argument(metavar="FILE", help="File or folder of exposures.", show_default=False)
]
Nodes = Annotated[Path | None, option("FILE", "Table of the nodes, for a file.", DATA)]
Orientation = Annotated[
    str | None,
    option(
        "ORDER",
        "creditor-debtor or debtor-creditor: what the first and second column (or rows and "
        "columns) are, where their names do not say it.",
        DATA,
    ),
]
Unit = Annotated[str | None, option("TEXT", "Unit of the amounts.", DATA)]
Layer = Annotated[str | None, option("TEXT", "Keep one layer of the exposures.", DATA)]
Period = Annotated[str | None, option("TEXT", "Take one period of tables of several.", DATA)]
AssumeEquity = Annotated[
    list[str] | None,
    option("NODE=AMOUNT", "Equity of a node that the data do not give. Repeatable.", DATA),
]
Repair = Annotated[
    list[str] | None,
    option(
        "WHAT=HOW",
        "What to do about data that are not clean, as the findings of `contagion check` "
        "propose it: duplicates=sum, self_loops=drop, missing_equity=external ... "
        "Repeatable.",
        DATA,
    ),
]
Default = Annotated[
    list[str] | None,
    option(
        "NODE",
        "Node that fails for outside reasons. Repeatable. By default that of the dataset.",
        SHOCK,
    ),
]
Recovery = Annotated[
    float | None,
    option(
        "SHARE",
        "What nodes of --default pay on their debts, 0 to 1. By default 0, or what the "
        "dataset says.",
        SHOCK,
    ),
]
Loss = Annotated[
    list[str] | None,
    option(
        "NODE=AMOUNT",
        "Outside assets of a node that are destroyed, such as celsius=200m. Repeatable.",
        SHOCK,
    ),
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
ModelName = Annotated[str, option("NAME", "See `contagion models`.", SHOCK)]
Param = Annotated[
    list[str] | None,
    option("NAME=VALUE", "Parameter of the model, such as alpha=0.8. Repeatable.", SHOCK),
]
BaselineName = Annotated[
    str,
    option(
        "cleared|book",
        "What losses are counted from: cleared, from what would be paid without the shock "
        "(only what the shock adds); book, from face values (also what was missing before).",
        SHOCK,
    ),
]
Jobs = Annotated[int, option("N", "Processes, -1 for all cores.", "Running")]
Figure = Annotated[Path | None, option("FILE", "Draw it into this file, .png or .svg.", OUT)]
Json = Annotated[bool, option(None, "Print JSON and nothing else.", OUT, "--json")]


@dataclass(frozen=True)
class Loaded:
    """A network with the card of its dataset, if it has one."""

    network: ExposureNetwork
    card: Card | None


def load(
    source: str,
    nodes: Path | None = None,
    orientation: str | None = None,
    unit: str | None = None,
    layer: str | None = None,
    assume_equity: Iterable[str] | None = None,
    repair: Iterable[str] | None = None,
    period: str | None = None,
    reading: Mapping[str, Any] | None = None,
) -> Loaded:
    """The network behind a dataset name or a path, with the choices of the options."""
    options: dict[str, Any] = repairs(repair or ()) | dict(reading or {})
    given = {node: number(text, "--assume-equity") for node, text in pairs(assume_equity)}
    said = {"nodes": nodes, "unit": unit, "layer": layer, "period": period}
    for key, value in said.items():
        if value is not None:
            options[key] = value
    if orientation is not None:
        options["orientation"] = turned(orientation)
    card = dataset_card(source) if source in dataset_names() else None
    if card is None and not Path(source).exists():
        near = closest(source, dataset_names())
        hint = f"Did you mean the dataset {near!r}?" if near else "See `contagion datasets`."
        raise MissingFileError(f"There is no dataset and no file {source!r}. {hint}")
    if given:
        before = dict(card.assume_equity) if card else {}
        options["assume_equity"] = {**before, **given}
    network = load_dataset(source, **options) if card else read(source, **options)
    for node in given:
        known_name(node, network.names, "node in --assume-equity")
    return Loaded(network, card)


def turned(text: str) -> str:
    """An orientation; the form with a hyphen needs no quotes in a shell."""
    if text in TURNS.values():
        return text
    if text in TURNS:
        return TURNS[text]
    raise ArgumentError(
        f"--orientation {text}: write creditor-debtor or debtor-creditor"
        + (" (the shell took the > of an arrow for a file)." if text.endswith("-") else ".")
    )


def pairs(texts: Iterable[str] | None, option: str = "--assume-equity") -> list[tuple[str, str]]:
    """NODE=VALUE, split at the last equals sign."""
    found = []
    for text in texts or ():
        node, sign, value = text.rpartition("=")
        if not sign or not node:
            raise ArgumentError(
                f"{option} {text}: write NODE=AMOUNT, such as {option} celsius=200m."
            )
        found.append((node, value))
    return found


def number(text: str, option: str) -> float:
    """A number, with k, m, mn, bn or tn behind it where that is shorter.

    >>> number("1.5bn", "--loss"), number("2e8", "--loss")
    (1500000000.0, 200000000.0)
    """
    plain = text.strip().replace(",", "").replace("_", "")
    head = plain.rstrip("kmnbt")
    factor = SUFFIX.get(plain[len(head) :], 1.0 if head == plain else 0.0)
    try:
        if factor:
            return float(head) * factor
    except ValueError:
        pass
    raise ArgumentError(
        f"{option}: {text!r} is not an amount; write 200000000, 2e8, 200m or 0.2bn."
    )


def repairs(texts: Iterable[str]) -> dict[str, Any]:
    """The choices of --repair, e.g. `duplicates=sum` or `id_map=Deutsche Bk:Deutsche Bank`."""
    own = {"assume_equity": "--assume-equity", "period": "--period"}
    own |= {n: o.option for n, o in READING.items()}
    known = [key for key in ALLOWED if key not in own]
    found: dict[str, Any] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if key in own:
            raise ArgumentError(f"--repair {text}: this is an option of its own: {own[key]}.")
        known_name(key, known, "repair", f"--repair {text}")
        if not sign:
            raise ArgumentError(f"--repair {text}: write WHAT=HOW, such as duplicates=sum.")
        if value in ALLOWED[key]:
            found[key] = value
        elif key in LISTS or (key == "balance" and "," in value):
            found[key] = [item.strip() for item in value.split(",")]
        elif key in MAPPINGS:
            found[key] = _mapping(text, key, value)
        else:
            choice(value, ALLOWED[key], f"--repair {key}")
    return found


def _mapping(text: str, key: str, value: str) -> dict[str, Any]:
    """NAME:VALUE,NAME:VALUE as a mapping."""
    parts = [item.rpartition(":") for item in value.split(",")]
    if not all(left and sign for left, sign, _ in parts):
        raise ArgumentError(f"--repair {text}: write {key}=NAME:VALUE,NAME:VALUE.")
    turn = {"decimals": int}.get(key, float) if key in NUMBERS else str
    try:
        return {left.strip(): turn(right.strip()) for left, _, right in parts}
    except ValueError:
        raise ArgumentError(f"--repair {text}: the values of {key} are numbers.") from None


def shock(
    loaded: Loaded,
    defaults: Iterable[str] | None,
    recovery: float | None,
    losses: Iterable[str] | None,
) -> Shock:
    """The shock of the options, or the first run of the dataset where they say nothing."""
    net, card = loaded.network, loaded.card
    wanted, lost = list(defaults or ()), pairs(losses, "--loss")
    rate = 0.0 if recovery is None else recovery
    if not wanted and not lost:
        if card is None:
            raise ArgumentError("Say what goes wrong: --default NODE, or --loss NODE=AMOUNT.")
        first = card.default_run["default"]
        if first not in net.names:
            raise ArgumentError(
                f"The dataset starts with the default of {first!r}, which this period does not "
                f"have. Say --default NODE: {listing(net.names, 6)}."
            )
        wanted = [first]
        rate = float(card.default_run["recovery"]) if recovery is None else recovery
    total = Shock()
    for node in wanted:
        total += Shock.default(node, recovery=rate)
    if lost:
        total += Shock.loss({node: number(text, "--loss") for node, text in lost})
    total.arrays(net)
    return total


def model(name: str, parameters: Iterable[str] | None = None) -> Model:
    """A model by its name in the registry, with parameters read by the type of their field."""
    known_name(name, MODELS, "model")
    kind = MODELS[name]
    hints = get_type_hints(kind)
    known = [field.name for field in fields(kind)]
    values: dict[str, Any] = {}
    for text in parameters or ():
        key, sign, value = text.partition("=")
        known_name(key, known, f"parameter of {name}")
        if not sign:
            raise ArgumentError(f"--param {text}: write {key}=VALUE.")
        values[key] = _typed(value, hints[key], key)
    return kind(**values)


def _typed(text: str, hint: Any, key: str) -> Any:
    """A word as the type of a field: number, true or false, one of several words, or none."""
    options = get_args(hint) if get_origin(hint) in (types.UnionType, Union) else (hint,)
    if type(None) in options and text.lower() == "none":
        return None
    words = [
        word for option in options if get_origin(option) is Literal for word in get_args(option)
    ]
    if words:
        choice(text, words, f"--param {key}")
        return text
    if bool in options:
        if text.lower() not in ("true", "false"):
            raise ArgumentError(f"--param {key}={text}: write true or false.")
        return text.lower() == "true"
    for kind in (int, float):
        if kind in options:
            try:
                return kind(text)
            except ValueError:
                if str in options:
                    return text  # a column of the node table
                what = "a whole number" if kind is int else "a number"
                raise ArgumentError(f"--param {key}={text}: write {what}.") from None
    return text


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
