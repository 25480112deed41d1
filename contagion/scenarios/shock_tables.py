"""A shock as a table of plain values with a name, as in TOML, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ShockError
from ..shocks import Shock
from ..text import known_name

EVERYBODY = "*"
KEYS = ("name", "loss", "relative", "default", "price", "depeg", "equity", "equity_relative")


def shock_words(name: Any, shock: Shock) -> dict[str, Any]:
    """A shock as a dict of plain values; :func:`shock_from` is the inverse.

    >>> shock_words("x", Shock.relative(0.1) + Shock.default("a", recovery=0.4))
    {'name': 'x', 'relative': {'*': 0.1}, 'default': {'a': 0.4}}
    """
    found: dict[str, Any] = {"name": str(name)}
    parts = (
        *(shock.losses, shock.fractions, shock.defaults, shock.prices, shock.depegs),
        *(shock.equities, shock.equity_fractions),
    )
    for key, pairs in zip(KEYS[1:], parts, strict=True):
        if pairs:
            found[key] = _summed(pairs)
    return found


def _summed(pairs: Iterable[tuple[Any, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for name, value in pairs:
        key = EVERYBODY if name is None else str(name)
        total[key] = total.get(key, 0.0) + value
    return total


def shock_from(
    data: Mapping[str, Any], nodes: Mapping[str, Any], assets: Mapping[str, Any]
) -> tuple[str, Shock]:
    """Name and shock from plain values.

    Parameters
    ----------
    data : any of `name`, `loss` {node: money}, `relative` (a fraction of external assets for every
        node, or {node: fraction}, "*" for all nodes), `default` (a node, a list of nodes, or {node:
        recovery}), `price` {asset: relative change}, `depeg` {token: value after over before},
        `equity` {node: money}, `equity_relative` (a fraction of equity, in the forms of
        `relative`).
    nodes, assets : mappings from names as text to names.

    Raises
    ------
    ShockError : for an unknown key or name, with the closest one.

    Example
    -------
    >>> shock_from({"name": "run", "default": "a", "loss": {"b": 3}}, {"a": "a", "b": "b"}, {})
    ('run', Shock.loss({'b': 3.0}) + Shock.default('a', recovery=0.0))
    """
    for key in data:
        known_name(key, KEYS, "key", "A shock")
    total = Shock()
    if "loss" in data:
        total += Shock.loss(_known(data, "loss", nodes))
    for node, part in _fractions(data, "relative", nodes).items():
        total += Shock.relative(part, None if node is None else [node])
    total += Shock.equity(
        _known(data, "equity", nodes), relative=_fractions(data, "equity_relative", nodes)
    )
    default = data.get("default", {})
    if isinstance(default, str | list):
        default = dict.fromkeys([default] if isinstance(default, str) else default, 0.0)
    for node, recovery in _known({"default": default}, "default", nodes).items():
        total += Shock.default(node, recovery=recovery)
    if "price" in data:
        total += Shock.price(_known(data, "price", assets))
    for token, to in _known(data, "depeg", {**nodes, **assets}).items():
        total += Shock.depeg(token, to=to)
    return str(data.get("name", "")), total


def _fractions(data: Mapping[str, Any], key: str, nodes: Mapping[str, Any]) -> dict[Any, float]:
    """Fractions by node, None for all nodes."""
    given = data.get(key, {})
    if not isinstance(given, Mapping):
        given = {EVERYBODY: given}
    return _known({key: given}, key, {EVERYBODY: None, **nodes})


def _known(data: Mapping[str, Any], key: str, names: Mapping[str, Any]) -> dict[Any, float]:
    table = data.get(key, {})
    if not isinstance(table, Mapping):
        raise ShockError(f"{key} = {table!r}: give a table {{name = number}}.")
    found = {}
    for name, value in table.items():
        known_name(name, names, "name", key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ShockError(f"{key}.{name} = {value!r}: this is not a number.")
        found[names[name]] = value
    return found
