"""The specification of a run in plain values: to store, to compare, and to identify it."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
import scipy

from ...liquidation import MarginBook
from ...liquidation.coupling.course import Course
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork

Spec = dict[str, Any]


def model_spec(model: Model) -> Spec:
    """The name of a model and its parameters, as text.

    >>> import contagion as ct
    >>> model_spec(ct.models.Furfine(0.6))["parameters"]["loss_given_default"]
    '0.6'
    """
    values = {field.name: _said(getattr(model, field.name)) for field in fields(model)}
    return {"name": type(model).__name__, "parameters": values}


def _said(value: Any) -> str:
    """A parameter as text; a book or a path with the digest of its content."""
    if isinstance(value, MarginBook):
        words = (value.prices, value.instruments, value.schedules, value.portfolio, value.unit)
        parts: list[Any] = [value.positions, value.loans, repr(words)]
    elif isinstance(value, Course):
        parts = [value.prices, repr(value.dates)]
    else:
        return repr(value)
    found = hashlib.sha256()
    for part in parts:
        _feed(found, part)
    return f"{value!r} {found.hexdigest()}"


def network_digest(network: ExposureNetwork) -> str:
    """SHA-256 (hex) of all data of a network that a model reads, in the order of its rows."""
    found = hashlib.sha256()
    words = (network.unit, network.external_creditors, sorted(network._choices.items()))
    rules = sorted((str(node), repr(rule)) for node, rule in network._rules.items())
    found.update(repr((words, rules)).encode())
    for array in (network.creditor, network.debtor, network.amount):
        _feed(found, array)
    for field in fields(network.book):
        value = getattr(network.book, field.name)
        _feed(found, value if isinstance(value, np.ndarray) else repr(value))
    tables = (network._nodes, network._columns, network._holdings)
    for table in (*tables, network._guarantees, network._shareholdings):
        _feed(found, table)
    return found.hexdigest()


def _feed(found: Any, value: np.ndarray | pd.DataFrame | str | None) -> None:
    if isinstance(value, np.ndarray):
        found.update(f"{value.dtype.str}{value.shape}".encode())
        found.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, pd.DataFrame):
        found.update(repr((list(map(str, value.columns)), len(value))).encode())
        for name in value.columns:
            _feed(found, pd.util.hash_pandas_object(value[name], index=False).to_numpy())
    else:
        found.update(repr(value).encode())


def versions() -> Spec:
    """The versions on which the last bits of a number depend."""
    from ... import __version__

    return {
        "contagion": __version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "machine": platform.machine(),
    }


def differences(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """Every place where two specs differ, as one line.

    >>> list(differences({"model": {"alpha": "0.5"}}, {"model": {"alpha": "0.6"}}))
    ['model.alpha: 0.5 there, 0.6 here']
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from differences(old.get(key), new.get(key), f"{at}.{key}" if at else str(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) < 20:
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differences(one, other, f"{at}[{number}]")
    elif old != new:
        yield f"{at}: {_short(old)} there, {_short(new)} here"


def apart(old: Spec, new: Spec) -> list[str]:
    """The differences of two runs, one line each; a digest that differs is described in words.

    >>> old, new = ({"scenarios": {"digest": x, "seed": 1}} for x in ("3f", "8b"))
    >>> apart(old, new)
    ['scenarios: same parameters, other input data']
    """
    before, after = ({room: _plain(told) for room, told in spec.items()} for spec in (old, new))
    found = list(differences(before, after))
    there, here = (spec.get("networks", {}).get("digests", []) for spec in (old, new))
    other = sum(a != b for a, b in zip(there, here, strict=False))
    if other:
        of = f"{other} of {len(here)} have" if len(here) > 1 else "it has"
        found.append(f"networks: {of} other exposures, balance sheets, attributes or rules")
    there, here = (spec.get("scenarios", {}).get("digest") for spec in (old, new))
    if there != here and not any(x.startswith(("networks", "scenarios")) for x in found):
        found.append("scenarios: same parameters, other input data")
    return found


def _plain(value: Any) -> Any:
    """A part of a spec without digests."""
    if not isinstance(value, dict):
        return value
    return {key: x for key, x in value.items() if key not in ("digest", "digests")}


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."
