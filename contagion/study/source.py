"""The table `network` of a study: the source of the network, and the options for reading it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any, Literal, get_type_hints

from .. import datasets
from ..datasets import Card
from ..errors import ArgumentError, MissingFileError
from ..models import Model
from ..network import formats, schema, tables
from ..network.checks import Choices
from ..network.exposure_network import ExposureNetwork, read
from ..network.tables import columns as named
from ..network.tables import door, surfaces
from ..network.tables.reading import OPTIONS as READING
from ..rules import Rule
from ..synthetic.reconstruct import Margins
from ..text import closest, known_name
from . import making
from .values import plain_value, read_value

SOURCE = "source"
MADE = ("generate", "reconstruct")  # tables that define how a network is made
ELSEWHERE = {"rules": "[rules] NODE = RULE"}  # options with a table of their own
TURNS = {word: arrow for arrow, word in surfaces.TURNED.items()}


@cache
def hints() -> dict[str, Any]:
    """The options of `contagion.read` with their types, as declared there.

    >>> {"unit", "layer", "nodes", "duplicates", "assume_equity", "holdings"} <= set(hints())
    True
    """
    own = signature(ExposureNetwork).parameters
    typed = get_type_hints(ExposureNetwork.__init__)
    found: dict[str, Any] = dict.fromkeys(formats.OPTIONS, Any)
    found |= {
        name: typed[name]
        for name, each in own.items()
        if each.kind is each.KEYWORD_ONLY and name not in ("origin", *ELSEWHERE)
    }
    return found | get_type_hints(Choices) | {"orientation": Literal[*TURNS, *TURNS.values()]}


def checked(data: Any, what: str = "[network]") -> dict[str, Any]:
    """The table with every value converted to the type of its option.

    Raises
    ------
    UnknownNameError : for an unknown option, with the closest one.
    ArgumentError : for a value of the wrong type, and if there is no source.

    Example
    -------
    >>> checked({"source": "claims.csv", "orientation": "creditor-debtor", "fx": {"EUR": "1.08"}})
    {'source': 'claims.csv', 'orientation': 'creditor->debtor', 'fx': {'EUR': 1.08}}
    """
    if isinstance(data, str | Path):
        data = {SOURCE: data}
    if isinstance(data, ExposureNetwork):
        raise ArgumentError(
            f"{what}: a study names a dataset or files, so that it can be run again elsewhere. "
            'Write the network first: net.write("folder"), then Study("folder").'
        )
    if not isinstance(data, Mapping):
        raise ArgumentError(f'{what}: write a table, such as source = "exposures.csv".')
    known, found = hints(), dict[str, Any]()
    for key, value in data.items():
        if key in ELSEWHERE:
            raise ArgumentError(f"{what} {key}: write it as {ELSEWHERE[key]}.")
        known_name(key, [SOURCE, *MADE, *known], "key", what)
        if key in MADE:
            if not isinstance(value, Mapping):
                raise ArgumentError(f"{what} {key} = {value!r}: write a table, [network.{key}].")
            found[key] = plain_value(value, f"{what} {key}")
        elif value is not None:
            hint = str if key == SOURCE else known[key]
            found[key] = _option(key, plain_value(value, f"{what} {key}"), hint, f"{what} {key}")
    if "generate" in found and len(found) > 1:
        other = next(key for key in found if key != "generate")
        raise ArgumentError(f"{what} {other}: a generated network has no source to read.")
    if SOURCE not in found and "generate" not in found:
        raise ArgumentError(
            f'{what} has no source: write source = "exposures.csv", or the name of a dataset '
            "(contagion datasets)."
        )
    if "orientation" in found:
        found["orientation"] = TURNS.get(found["orientation"], found["orientation"])
    return found


def _option(key: str, value: Any, hint: Any, what: str) -> Any:
    """One option; options about tables are checked and kept in the form that `read` accepts."""
    if hint is Any or (key in READING and READING[key].kind != "rates"):
        tables.reading({key: value})
        return value
    return read_value(value, hint, what)


def packaged(source: str) -> bool:
    """Whether a source is a packaged dataset."""
    return source in datasets.names()


def places(network: Mapping[str, Any]) -> dict[str, str]:
    """{option: path} of the options that name files."""
    files: list[str] = [name for name in schema.TABLES if isinstance(network.get(name), str)]
    files += [SOURCE] if SOURCE in network and not packaged(network[SOURCE]) else []
    return {name: network[name] for name in files}


def card_of(network: Mapping[str, Any], folder: Path = Path()) -> Card | None:
    """The card of the dataset, or of a copy of it in a folder; None for other files."""
    if SOURCE not in network:
        return None
    if packaged(network[SOURCE]):
        return datasets.card(network[SOURCE])
    return datasets.card_of_folder(folder / network[SOURCE])


def load(
    network: Mapping[str, Any], rules: Mapping[str, Rule], model: Model, folder: Path
) -> tuple[ExposureNetwork, ...]:
    """The network, or an ensemble: one network from each subfolder of a folder.

    Raises
    ------
    MissingFileError : if the dataset, file or folder does not exist.
    UnknownNameError : for a rule or an assumed equity of an unknown node.
    ArgumentError : for rules under a model that does not settle claims.
    NetworkError : as `contagion.read` does.
    """
    if not network:
        raise ArgumentError(
            'The study has no network: write [network] source = "exposures.csv", or ask for a '
            "cascade alone."
        )
    if "generate" in network:
        return (_ruled(making.generated(network["generate"]), rules, model),)
    options = {name: value for name, value in network.items() if name not in (SOURCE, *MADE)}
    options |= {name: folder / path for name, path in places(network).items()}
    place = options.pop(SOURCE, None)
    if "reconstruct" in network:
        margins = _margins(network[SOURCE], place, options)
        found = making.reconstructed(margins, network["reconstruct"])
        return tuple(_ruled(net, rules, model) for net in found)
    if place is None:
        nets = [datasets.load(network[SOURCE], **options)]
    else:
        nets = [read(each, **options) for each in _folders(place, network[SOURCE])]
    card = card_of(network, folder)
    elsewhere = card.assume_equity if card else {}  # also nodes of other periods
    for node in set(network.get("assume_equity", ())) - set(elsewhere):
        known_name(node, nets[0].names, "node in assume_equity")
    return tuple(_ruled(net, rules, model) for net in nets)


def _margins(said: str, place: Path | None, options: dict[str, Any]) -> Margins:
    """Margins from a table, or those of a network."""
    if place is None:
        return Margins.from_network(datasets.load(said, **options))
    if not place.exists():
        _folders(place, said)
    if place.is_file() and has_margins(place, options):
        return Margins.from_table(place, name=place.stem, **options)
    return Margins.from_network(read(place, **options))


def has_margins(file: Path, choices: dict[str, Any]) -> bool:
    """Whether a file is a table of nodes with one of the columns of margins."""
    if file.suffix.lower() in (".graphml", ".gexf"):
        return False
    how = tables.reading(choices)
    found = named.mapped(door.find(file, "margins", how).frame, "margins", how)
    return bool(set(schema.MARGINS) & set(found.frame.columns))


def _folders(path: Path, said: str) -> list[Path]:
    if not path.exists():
        near = closest(said, datasets.names())
        hint = f"Did you mean the dataset {near!r}?" if near else "See `contagion datasets`."
        raise MissingFileError(f"There is no dataset and no file {said!r}. {hint}")
    inside = sorted(path.iterdir()) if path.is_dir() else []
    if any(file.name.startswith("exposures.") for file in inside):
        return [path]
    return [each for each in inside if each.is_dir() and any(each.glob("exposures.*"))] or [path]


def _ruled(net: ExposureNetwork, rules: Mapping[str, Rule], model: Model) -> ExposureNetwork:
    """The network with the rules of the study added to its own."""
    if not rules:
        return net
    names = {str(name): name for name in net.names}
    for node in rules:
        known_name(node, names, "node in [rules]")
    if not model.settles:
        raise ArgumentError(
            f"[rules]: {type(model).__name__} settles no claims, so rules are not used. "
            "Leave the rules out, or choose a model that settles (contagion models)."
        )
    return net.with_rules({names[node]: rule for node, rule in rules.items()})
