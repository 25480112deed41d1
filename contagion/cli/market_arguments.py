"""Arguments of the command line for a margin book: prices, moves, impact, oracle, breakers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import numpy as np

from .. import liquidation
from ..errors import ArgumentError, MarginError
from ..liquidation import MarginBook
from ..liquidation.margin_book import NUMERAIRE
from ..study.kinds import word
from ..study.texts import number, part
from ..study.values import read_value
from ..text import known_name, listing, plural
from .options import option, pairs

BOOK = "Book"
FORMS = (liquidation.NoImpact, liquidation.Linear, liquidation.Exponential, liquidation.SquareRoot,
         liquidation.ConstantProduct)  # fmt: skip
FEEDS = (
    liquidation.Market,
    liquidation.TimeWeighted,
    liquidation.Stale,
    liquidation.CappedGrowth,
    liquidation.HardCoded,
)
NEUTRAL = {"depth": np.inf, "scale": 0.0, "price": np.nan}  # for assets that are not named
IN_UNITS = ("depth", "daily_volume", "price", "snapshot", "asset", "money")

Positions = Annotated[
    Path | None,
    option("FILE", "Table of positions (CSV, Parquet); see `contagion columns positions`.", BOOK),
]
Loans = Annotated[
    Path | None, option("FILE", "Table of loans; see `contagion columns loans`.", BOOK)
]
Prices = Annotated[
    list[str] | None,
    option(
        "ASSET=PRICE|FILE",
        "Price before the shock, such as ETH=2000, or a table with the columns asset and price. "
        "Repeatable; ASSET=PRICE overrides a table.",
        BOOK,
    ),
]
Maintenance = Annotated[
    str, option("RATE", "Maintenance margin of positions without their own.", BOOK)
]
Money = Annotated[str | None, option("TEXT", "Unit of money.", BOOK)]


IMPACTS: dict[str, type] = {word(kind): kind for kind in FORMS}
ORACLES: dict[str, type] = {word(kind): kind for kind in FEEDS}


def read_book(
    positions: Path | None,
    loans: Path | None,
    prices: Iterable[str] | None,
    maintenance: str = "0.05",
    unit: str | None = None,
    *,
    reading: Any,
) -> MarginBook:
    """The margin book of the options; `reading` records the files.

    Raises
    ------
    ArgumentError, MissingFileError, MarginError : if no table is given, if a file does not exist,
        and for data that :class:`MarginBook` rejects.
    """
    if positions is None and loans is None:
        raise ArgumentError("Give the holdings: --positions FILE, --loans FILE, or both.")
    try:
        book = MarginBook(
            read_prices(prices),
            positions,
            loans,
            maintenance=part(maintenance, "--maintenance"),
            unit=unit or "",
            **reading.keywords(),
        )
    except MarginError as error:
        if str(error).startswith("No price is given"):
            raise MarginError(f"{error} Write --prices ASSET=PRICE.") from None
        raise
    heard(book, {"positions": positions, "loans": loans}, reading)
    return book


def heard(book: MarginBook, files: Mapping[str, Any], reading: Any) -> None:
    """Record the files from which the book was read."""
    for name, one in (("positions", "position"), ("loans", "loan")):
        if files.get(name) is not None:
            reading.hear(
                files[name], plural(len(getattr(book, name)), one), book.told[name], as_=name
            )


def read_prices(texts: Iterable[str] | None) -> list[Any]:
    """Prices by asset, from texts ASSET=PRICE and tables asset, price; texts override tables.

    >>> read_prices(["ETH=2k", "USDC=1"])
    [{'ETH': 2000.0, 'USDC': 1.0}]
    """
    files: list[Any] = []
    words: list[str] = []
    for text in texts or ():
        if "=" in text and not Path(text).is_file():
            words.append(text)
        else:
            files.append(Path(text))
    form = "ASSET=PRICE, such as ETH=2000, or name a table"
    return [*files, amounts(words, "--prices", form)]


def amounts(
    texts: Iterable[str] | None, option: str, form: str = "NAME=AMOUNT"
) -> dict[str, float]:
    """NAME=AMOUNT by name, split at the last equals sign.

    >>> amounts(["h=2m"], "--free")
    {'h': 2000000.0}
    """
    return {name: number(value, option) for name, value in pairs(texts, option, form).items()}


def moves(texts: Iterable[str] | None) -> dict[str, float]:
    """Relative changes by asset: ETH=-0.3 or ETH=-30%.

    >>> moves(["ETH=-30%", "BTC=-0.1"])
    {'ETH': -0.3, 'BTC': -0.1}
    """
    form = "ASSET=CHANGE, such as --move ETH=-0.3"
    return {name: part(value, "--move") for name, value in pairs(texts, "--move", form).items()}


def steps(text: str) -> list[float]:
    """The moves of one option, separated by commas.

    >>> steps("-0.1,-20%")
    [-0.1, -0.2]
    """
    return [part(word, "--moves") for word in text.split(",") if word.strip()]


def impact(text: str, assets: Sequence[Any]) -> Any:
    """An impact from a text: `none`, `linear:depth=500`, `exponential:depth=ETH:5k,BTC:300`.

    Parameters
    ----------
    assets : of the book, in its order; a value ASSET:NUMBER is for that asset. Assets that are
        not named get a neutral value (such as infinite depth), or the default if none exists.

    Raises
    ------
    ArgumentError : for an unknown form, parameter or asset, with the closest one; for a value that
        is missing or out of range.

    Example
    -------
    >>> impact("linear:depth=500", ["ETH", "USDC"])
    Linear(recovery=0.0, depth=500.0, floor=0.0)
    >>> impact("linear:depth=ETH:500,floor=0.2", ["ETH", "USDC"]).depth
    (500.0, inf)
    """
    return _formed(text, IMPACTS, "--impact", assets)


def oracle(text: str, assets: Sequence[Any]) -> Any:
    """An oracle from a text: `market`, `time-weighted:window=3`, `hard-coded:price=xUSD:1`.

    As :func:`impact`; with hard-coded prices, an asset that is not named has its market price.

    >>> oracle("time-weighted:window=3,mean=geometric", ["ETH"])
    TimeWeighted(window=3, mean='geometric')
    """
    return _formed(text, ORACLES, "--oracle", assets)


def _formed(text: str, kinds: Mapping[str, type], option: str, assets: Sequence[Any]) -> Any:
    word, _, inside = text.strip().partition(":")
    known_name(word, kinds, option.removeprefix("--"))
    kind = kinds[word]
    known = {item.name: item for item in sorted(fields(kind), key=_optional)}
    hints = get_type_hints(kind)
    values = {
        key: _value(key, parts, hints[key], known[key].default, option, assets)
        for key, parts in _grouped(inside, list(known), option, word).items()
    }
    lacking = [key for key, item in known.items() if item.default is MISSING and key not in values]
    if lacking:
        need = ",".join(f"{key}=VALUE" for key in lacking)
        raise ArgumentError(f"{option} {text}: {word} needs {' and '.join(lacking)}. Write "
                         f"{word}:{need}.")  # fmt: skip
    try:
        return kind(**values)
    except ValueError as error:
        raise ArgumentError(f"{option} {text}: {error}") from None


def _optional(item: Field[Any]) -> bool:
    return item.default is not MISSING


def _grouped(inside: str, known: list[str], option: str, word: str) -> dict[str, list[str]]:
    """KEY=VALUE,KEY=A:VALUE,B:VALUE by key; a part without a key belongs to the key before it."""
    found: dict[str, list[str]] = {}
    last = ""
    for piece in filter(None, (each.strip() for each in inside.split(","))):
        key, sign, value = (side.strip() for side in piece.partition("="))
        if sign:
            known_name(key, known, f"parameter of {word}")
            if key in found:
                raise ArgumentError(f"{option} {word}: {key} is given twice.")
            last, found[key] = key, [value]
        elif last:
            found[last].append(piece)
        else:
            what = f":{known[0]}=VALUE" if known else " alone"
            raise ArgumentError(f"{option} {word}:{inside}: write {word}{what}.")
    return found


def _value(
    key: str, parts: list[str], hint: Any, default: Any, option: str, assets: Sequence[Any]
) -> Any:
    if any(":" in piece for piece in parts) and hint is Any:
        empty = NEUTRAL.get(key, default)
        return by_asset(parts, option, assets, None if empty is MISSING else empty, key)
    if len(parts) > 1:
        raise ArgumentError(
            f"{option}: {key}={','.join(parts)} is several values; write one"
            + (", or ASSET:VALUE for each." if hint is Any else ".")
        )
    if hint is not Any:
        return read_value(parts[0], hint, f"{option} {key}")
    return None if parts[0].lower() == "none" else number(parts[0], f"{option} {key}")


def by_asset(
    parts: Sequence[str], option: str, assets: Sequence[Any], empty: float | None, key: str = ""
) -> tuple[float, ...]:
    """One number for each asset from ASSET:NUMBER; `empty` if not named (None: name all).

    >>> by_asset(["ETH:5"], "--throttle", ["ETH", "USDC"], np.inf)
    (5.0, inf)
    """
    given: dict[str, float] = {}
    for piece in parts:
        name, sign, value = (side.strip() for side in piece.rpartition(":"))
        if not sign or not name:
            raise ArgumentError(f"{option} {key or ','.join(parts)}: write ASSET:VALUE for each.")
        known_name(name, assets, "asset of the book", option)
        if name in given:
            raise ArgumentError(f"{option} {piece}: {name!r} is given twice.")
        given[name] = number(value, f"{option} {key}".strip())
    missing = [name for name in assets if name not in given and name != NUMERAIRE]
    if missing and empty is None:
        raise ArgumentError(
            f"{option}: {key} has no value for {listing(missing)}; write one number for all, or "
            "ASSET:VALUE for every asset."
        )
    first = next(iter(given.values())) if empty is None else empty  # money itself never moves
    return tuple(float(given.get(name, first)) for name in assets)


def halt(text: str) -> liquidation.Halt:
    """A trading halt from FALL:ROUNDS, or FALL alone.

    >>> halt("10%:5")
    Halt(fall=0.1, rounds=5)
    """
    fall, sign, rounds = text.partition(":")
    if sign and not rounds.strip().isdecimal():
        raise ArgumentError(f"--halt {text}: write FALL:ROUNDS, such as --halt 0.1:5.")
    more = {"rounds": int(rounds)} if sign else {}
    return liquidation.Halt(fall=part(fall, "--halt"), **more)


def throttle(text: str, assets: Sequence[Any]) -> liquidation.Throttle:
    """A throttle from units, one number or ASSET:UNITS,ASSET:UNITS.

    >>> throttle("100", ["ETH"]), throttle("ETH:100", ["ETH", "USDC"])
    (Throttle(units=100.0), Throttle(units=(100.0, inf)))
    """
    if ":" in text:
        return liquidation.Throttle(by_asset(text.split(","), "--throttle", assets, np.inf))
    return liquidation.Throttle(number(text, "--throttle"))


def alike(thing: Any, option: str, assets: Sequence[Any]) -> str:
    """A note if one number, in units or money, is used for several assets; empty otherwise.

    >>> alike(impact("linear:depth=5", ["ETH", "USDC"]), "--impact", ["ETH", "USDC"])
    "note: depth=5 of --impact holds for 'ETH', 'USDC' alike; for one alone write depth=ETH:5"
    """
    moving = [name for name in assets if name != NUMERAIRE]
    for item in fields(thing):
        value = getattr(thing, item.name)
        if len(moving) > 1 and item.name in IN_UNITS and isinstance(value, float):
            name = item.name
            return (
                f"note: {name}={value:.10g} of {option} holds for {listing(moving)} alike; for "
                f"one alone write {name}={moving[0]}:{value:.10g}"
            )
    return ""
