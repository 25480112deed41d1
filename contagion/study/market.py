"""The table `market` of a study: positions, loans and prices, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ArgumentError
from ..liquidation import MarginBook
from ..network import tables
from ..network.tables.reading import OPTIONS as READING
from ..text import known_name
from .values import plain_value, read_value

FILES = ("positions", "loans")
KEYS = {
    **dict.fromkeys(FILES, str),
    "prices": str | list[Any] | Mapping[str, float],
    "maintenance": float,
    "unit": str,
}


def checked(data: Any, what: str = "[market]") -> dict[str, Any]:
    """The table with every value as its type.

    Raises
    ------
    UnknownNameError : for a key that there is not, with the closest one.
    ArgumentError : for a value of the wrong type, and where nothing is held or priced.

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


def places(market: Mapping[str, Any]) -> dict[str, str]:
    """{key: path} of the files that it names."""
    return {key: market[key] for key in (*FILES, "prices") if isinstance(market.get(key), str)}


def load(market: Mapping[str, Any], folder: Path) -> MarginBook:
    """The book.

    Raises
    ------
    ArgumentError : where the study has no market.
    MarginError : as :class:`~contagion.liquidation.MarginBook` does.
    """
    if not market:
        raise ArgumentError(
            'The study has no positions and no loans: write [market] positions = "positions.csv".'
        )
    options = dict(market) | {key: folder / path for key, path in places(market).items()}
    return MarginBook(options.pop("prices"), **options)
