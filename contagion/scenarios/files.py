"""Scenario sets from TOML files and to TOML. No code in a file is executed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import MissingFileError, ShockError, expect, located
from ..network.exposure_network import ExposureNetwork
from ..network.tables import Reading, door
from ..text import known_name, listing, toml
from .assets_alone import LAWS, assets, one_of_each
from .copulas import clayton_copula, gaussian_copula, t_copula
from .factors import common_factor, factors
from .history import historical
from .listed import from_shocks, grid, single_defaults
from .lognormal import jumps, prices
from .marginals import marginals_from
from .pds import defaults
from .sampling import Sampling
from .scenario_set import Scenarios
from .shock_tables import shock_from

KINDS: dict[str, Callable[..., Scenarios]] = {
    function.__name__: function
    for function in (
        common_factor,
        factors,
        gaussian_copula,
        t_copula,
        clayton_copula,
        historical,
        prices,
        jumps,
        defaults,
        single_defaults,
        from_shocks,
        grid,
    )
}
ALONE = "assets"  # key for scenarios of prices alone
OF_ASSETS = ("prices", "jumps")
TILTED = ("tilt", "plain")  # a Clayton copula has no factors


SAMPLED = tuple(field.name for field in fields(Sampling))


def keys_of(kind: str) -> list[str]:
    """The keys of a kind of scenarios in TOML, including those of its sampling.

    >>> keys_of("historical")
    ['returns', 'by', 'horizon', 'length', 'stationary', 'scenarios', 'rng']
    """
    found: list[str] = []
    for name in inspect.signature(KINDS[kind]).parameters:
        if name == "sampling":
            found += [key for key in SAMPLED if kind != "clayton_copula" or key not in TILTED]
        elif name != "network":
            found.append(name)
    return found


def read_scenarios(path: str | PathLike[str], network: ExposureNetwork) -> Scenarios:
    """A scenario set from a TOML file.

    The file has `kind`, the name of a function of `ct.scenarios`, its parameters, and `seed`;
    without a seed each reading draws different scenarios. Values by node are tables. With `assets`,
    a list of names, `kind` is the law of their prices: :func:`contagion.scenarios.assets`.

    Parameters
    ----------
    path : the file. `returns` of kind historical may name a CSV file, first column the time,
        in the same folder.
    network : the network of the scenarios.

    Raises
    ------
    MissingFileError : if the file does not exist.
    ShockError : for text that is not TOML, and for an unknown kind, key or name, with the closest
        one.

    Example
    -------
    >>> import contagion as ct
    >>> import pathlib, tempfile
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[5, 10])
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "scenarios.toml"
    >>> _ = file.write_text('''
    ... kind = "from_shocks"
    ... [[shocks]]
    ... name = "failure of a"
    ... default = {a = 0.4}
    ... loss = {b = 3}
    ... ''')
    >>> read_scenarios(file, net).shock(0)
    Shock.loss({'b': 3.0}) + Shock.default('a', recovery=0.4)
    """
    expect(network=network)
    place = Path(path)
    if not place.exists():
        raise MissingFileError(f"There is no file {str(place)!r} with scenarios.")
    with located(place.name):
        return from_toml(place.read_text("utf-8"), network, folder=place.parent)


def from_toml(
    text: str, network: ExposureNetwork, *, folder: str | PathLike[str] | None = None
) -> Scenarios:
    """A scenario set from the text of a TOML file; see :func:`read_scenarios`.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[5, 10])
    >>> from_toml('kind = "common_factor"\\nvolatilty = 0.1', net)
    Traceback (most recent call last):
    contagion.errors.UnknownNameError: common_factor: Unknown key 'volatilty'.
    Did you mean 'volatility'?
    """
    expect(network=network)
    data = toml(text, ShockError, "The scenarios are")
    kind = data.pop("kind", None)
    if kind is None:
        raise ShockError(f"Scenarios in words need a key kind, one of {', '.join(KINDS)}.")
    known_name(kind, KINDS, "kind")
    names = data.pop(ALONE, None)
    if names is None:
        return KINDS[kind](network, **_arguments(kind, data, network, folder))
    if kind not in LAWS:
        raise ShockError(f"{kind} draws no prices: leave {ALONE} out, or take {listing(LAWS)}.")
    known = {str(name): name for name in network.priced_assets}
    market = one_of_each(known.get(str(name), name) for name in names)
    return assets(market.priced_assets, kind, **_arguments(kind, data, market, folder))


def to_toml(scenarios: Scenarios) -> str:
    """The text of a TOML file that reproduces the set, with its seed.

    The set that :func:`from_toml` makes from the text has the same digest. Names of nodes and
    assets are written as strings, numbers with full precision.

    Raises
    ------
    ShockError : for a set that was not made by a function of `ct.scenarios`.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[5, 10])
    >>> print(to_toml(ct.scenarios.defaults(net, {"a": 0.1, "b": 0.2}, scenarios=50, rng=7)))
    kind = "defaults"
    scenarios = 50
    correlation = 0.0
    recovery = 0.0
    seed = 7
    <BLANKLINE>
    [probabilities]
    a = 0.1
    b = 0.2
    <BLANKLINE>
    """
    expect(scenarios=scenarios)
    import tomli_w

    words = scenarios.spec()
    if words["kind"] not in KINDS:
        raise ShockError(f"Scenarios of kind {words['kind']!r} have no form in words.")
    if "scenarios" not in inspect.signature(KINDS[words["kind"]]).parameters:
        del words["scenarios"]
    return tomli_w.dumps(words)


def _arguments(
    kind: str,
    data: dict[str, Any],
    network: ExposureNetwork,
    folder: str | PathLike[str] | None,
) -> dict[str, Any]:
    """The keyword arguments of a constructor from TOML data."""
    parameters = dict(inspect.signature(KINDS[kind]).parameters)
    del parameters["network"]
    known = ["seed" if name == "rng" else name for name in keys_of(kind)]
    for key in data:
        known_name(key, known, "key", kind)
    empty = inspect.Parameter.empty
    missing = [key for key, p in parameters.items() if p.default is empty and key not in data]
    if missing:
        raise ShockError(f"{kind} needs {listing(missing)}.")
    held = network.holdings
    nodes = {str(name): name for name in network.names}
    assets = {} if held is None else {str(name): name for name in held["asset"].unique()}
    names = assets if kind in OF_ASSETS else nodes
    found: dict[str, Any] = {}
    sampled = {key: data[key] for key in SAMPLED if key in data}
    if sampled:
        found["sampling"] = Sampling(**sampled)
    for key, value in data.items():
        if key in sampled:
            continue
        if key == "seed":
            if isinstance(value, bool) or not isinstance(value, int):
                raise ShockError(f"{kind}: seed = {value!r}: give a whole number >= 0.")
            found["rng"] = value
        elif key == "marginals":
            found[key] = _named(marginals_from(value), nodes)
        elif key == "returns":
            found[key] = _returns(value, nodes | assets, folder)
        elif key == "shocks":
            found[key] = _shocks("shocks", value, nodes, assets)
        elif key == "axes":
            found[key] = _axes(value, nodes, assets)
        elif key == "nodes":
            found[key] = [nodes.get(name, name) for name in value]
        else:
            found[key] = _named(value, names)
    return found


def _named(value: Any, names: Mapping[str, Any]) -> Any:
    """A TOML value: tables by name, matrices {index = names, columns = {name = numbers}}."""
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"index", "columns"} and isinstance(value["index"], list):
        index = [names.get(name, name) for name in value["index"]]
        columns = {names.get(name, name): column for name, column in value["columns"].items()}
        return pd.DataFrame(columns, index)
    return {names.get(key, key): inner for key, inner in value.items()}


def _returns(
    value: Any, names: Mapping[str, Any], folder: str | PathLike[str] | None
) -> pd.DataFrame:
    if isinstance(value, Mapping):
        table = pd.DataFrame(dict(value))
    elif folder is None:
        raise ShockError(f"returns = {value!r}: give a table {{column = numbers}}.")
    else:
        home = Path(folder).resolve()
        file = (home / str(value)).resolve()
        if not (file.is_relative_to(home) and file.is_file()):
            raise ShockError(f"returns: there is no file {str(value)!r} beside the scenarios.")
        table = series(file, "returns: ")
    return table.rename(columns=dict(names))


def series(file: Path, what: str = "") -> pd.DataFrame:
    """Numbers over time from a file: the first column is the time, the others are named.

    Raises
    ------
    ShockError : for a file without rows or columns, and for cells that are not numbers; the message
        starts with `what`.
    """
    table = door.read(file, "scenarios", Reading()).table
    if table.empty or len(table.columns) < 2:
        raise ShockError(f"{what}{file.name} has no rows, or no column but the first.")
    table = table.set_index(table.columns[0])
    text = [c for c in table if not pd.api.types.is_numeric_dtype(table[c].dtype)]
    if text:
        raise ShockError(f"{what}{file.name} has cells that are not numbers in {listing(text)}.")
    return table


def _shocks(
    where: str, value: Any, nodes: Mapping[str, Any], assets: Mapping[str, Any]
) -> dict[str, Any]:
    """Shocks by name; a shock without a name gets its number."""
    if not (isinstance(value, list) and all(isinstance(item, Mapping) for item in value)):
        raise ShockError(f"{where}: give a list of tables, [[{where}]].")
    found: dict[str, Any] = {}
    for number, item in enumerate(value):
        with located(f"{where}, number {number}"):
            name, shock = shock_from(item, nodes, assets)
        name = name or str(number)
        if name in found:
            raise ShockError(f"{where}: two shocks are called {name!r}.")
        found[name] = shock
    return found


def _axes(value: Any, nodes: Mapping[str, Any], assets: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ShockError("axes: give a table of lists, [[axes.NAME]].")
    axes = {name: _shocks(f"axes.{name}", shocks, nodes, assets) for name, shocks in value.items()}
    return {name: list(shocks.values()) for name, shocks in axes.items()}
