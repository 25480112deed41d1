"""The tables `market` and `cascade` of a study: positions, loans, prices and liquidations."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pandas as pd

from ..errors import ArgumentError, located
from ..liquidation import Breaker, CoupledCascade, LiquidationCascade, MarginBook
from ..liquidation.cascade_result import CascadeResult
from ..liquidation.coupling.course import steps
from ..models import Model
from ..network import tables
from ..network.exposure_network import ExposureNetwork
from ..network.tables.reading import OPTIONS as READING
from ..rules import Rule
from ..scenarios.files import series
from ..shocks import Shock
from ..text import known_name
from ..units import conversion
from .rule_words import rule_from
from .values import plain_value, read_value

FILES = ("positions", "loans")
ON_GRAPH = ("withdrawal", "run_on")
KEYS = {
    **dict.fromkeys(FILES, str),
    "prices": str | list[Any] | Mapping[str, float],
    "maintenance": float,
    "unit": str,
}


def checked(data: Any, what: str = "[market]") -> dict[str, Any]:
    """The table with every value converted to its type.

    Raises
    ------
    UnknownNameError : for an unknown key, with the closest one.
    ArgumentError : for a value of the wrong type, and if there are no holdings or no prices.

    Example
    -------
    >>> checked({"positions": "positions.csv", "prices": {"ETH": "2k"}})
    {'positions': 'positions.csv', 'prices': {'ETH': 2000.0}}
    """
    if not isinstance(data, Mapping):
        raise ArgumentError(f'{what}: write a table, such as positions = "positions.csv".')
    found = dict[str, Any]()
    for key, value in data.items():
        known_name(key, [*KEYS, *READING], "key", what)
        plain = plain_value(value, f"{what} {key}")
        if key in KEYS:
            found[key] = read_value(plain, KEYS[key], f"{what} {key}")
        else:
            tables.reading({key: plain})
            found[key] = plain
    if found and not set(FILES) & set(found):
        raise ArgumentError(f'{what}: write positions = "positions.csv", loans = …, or both.')
    if found and "prices" not in found:
        raise ArgumentError(f'{what}: write prices = {{ ETH = 2000 }}, or prices = "prices.csv".')
    return found


@cache
def _options() -> dict[str, Any]:
    """{key of `cascade`: type}."""
    found = get_type_hints(LiquidationCascade) | {
        "breakers": list[Breaker],
        "free": Mapping[str, float],
        "rules": Mapping[str, Any],
        "path": int | str,
        "rounds": int,
        "withdrawal": float,
        "run_on": float | Mapping[str, float],
    }
    return {key: kind for key, kind in found.items() if key not in ("title", "source")}


def liquidations(data: Any, folder: Path, what: str = "[cascade]") -> dict[str, Any]:
    """The table `cascade`: parameters of liquidations, and of their effects on a network.

    Raises
    ------
    UnknownNameError : for an unknown key, with the closest one.
    ArgumentError : for a value of the wrong type.

    Example
    -------
    >>> liquidations({"path": 4, "free": {"desk": "2k"}}, Path())
    {'path': 4, 'free': {'desk': 2000.0}}
    """
    if not isinstance(data, Mapping):
        raise ArgumentError(f"{what}: write a table of options.")
    found = dict[str, Any]()
    for key, value in data.items():
        known_name(key, _options(), "key", what)
        found[key] = read_value(value, _options()[key], f"{what} {key}")
    if "rules" in found:
        found["rules"] = {str(at): _rule(x, str(at), folder) for at, x in found["rules"].items()}
    return found


def _rule(given: Any, venue: str, folder: Path) -> Rule:
    with located(f"[cascade.rules] {venue}"):
        return rule_from(given, folder=folder)


def together(
    book: MarginBook,
    cascade: LiquidationCascade,
    network: ExposureNetwork,
    free: Mapping[Any, float],
    **options: Any,
) -> CoupledCascade:
    """Cascade on the book and clearing on the network, as one model; `free` is in the unit of the
    book."""
    rate = conversion(book.unit, network.unit, "The book", 'Say its unit="…".')
    money = {name: rate * amount for name, amount in free.items()}
    return CoupledCascade(book, cascade, free=money, **options)


def coupled(
    book: MarginBook,
    cascade: Mapping[str, Any],
    model: Model,
    network: ExposureNetwork,
    folder: Path,
) -> CoupledCascade:
    """The model of a study with a market."""
    own = dict(cascade)
    given = {key: own.pop(key) for key in (*ON_GRAPH, "path", "rounds") if key in own}
    if isinstance(given.get("path"), str):
        given["path"] = series(folder / given["path"])
    free = own.pop("free", {})
    return together(book, _cascade(own), network, free, model=model, **given)


def alone(
    book: MarginBook, cascade: Mapping[str, Any], shock: Shock | None, folder: Path
) -> CascadeResult:
    """The cascade on the book, without a network.

    Raises
    ------
    ArgumentError : for a shock, and for options, that need a network.
    """
    own = dict(cascade)
    free, path, rounds = own.pop("free", {}), own.pop("path", 1), own.pop("rounds", 1)
    moves = {} if shock is None else dict(shock.prices)
    if used := [key for key in ON_GRAPH if key in own]:
        raise ArgumentError(f"[cascade] {used[0]}: it needs a [network].")
    if shock is not None and shock != Shock.price(moves):
        raise ArgumentError("[shock]: without a [network], only prices can be shocked.")
    if not moves and not isinstance(path, str):
        raise ArgumentError('Say which price moves: [shock] price = { ETH = "-30%" }.')
    if moves and isinstance(path, str):
        raise ArgumentError(
            f"[cascade] path = {path!r} gives the final prices: leave [shock] price out, or write "
            "a number of steps."
        )
    for name in moves:
        known_name(name, book.prices, "asset", "[shock] price")
    if isinstance(path, int) and path == 1:
        return _cascade(own).run(book, moves, free)
    table = _stepped(book, moves, path) if isinstance(path, int) else series(folder / path)
    return _cascade(own).run(book, free=free, path=table, rounds=rounds)


def _cascade(own: dict[str, Any]) -> LiquidationCascade:
    return LiquidationCascade(**{**own, "breakers": tuple(own.get("breakers", ()))})


def _stepped(book: MarginBook, moves: Mapping[str, float], count: int) -> pd.DataFrame:
    """Prices in `count` steps with a constant ratio."""
    before = np.array([book.prices[name] for name in moves])
    after = before * (1.0 + np.array(list(moves.values())))
    way = steps(before, after[None], count)[0]
    return pd.DataFrame(way, columns=list(moves), index=range(1, count + 1))


def places(market: Mapping[str, Any]) -> dict[str, str]:
    """{key: path} of the files named in the table."""
    return {key: market[key] for key in (*FILES, "prices") if isinstance(market.get(key), str)}


def load(market: Mapping[str, Any], folder: Path) -> MarginBook:
    """The margin book of the study.

    Raises
    ------
    ArgumentError : if the study has no market.
    MarginError : as :class:`~contagion.liquidation.MarginBook` does.
    """
    if not market:
        raise ArgumentError(
            'The study has no positions and no loans: write [market] positions = "positions.csv".'
        )
    options = dict(market) | {key: folder / path for key, path in places(market).items()}
    return MarginBook(options.pop("prices"), **options)
