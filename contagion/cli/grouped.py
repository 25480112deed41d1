"""Options that several commands share, as records: written once, spelled out for each command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints

from .terminal import put


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Replace each parameter that is a record of options by one parameter for each field.

    Typer reads signatures; this one has `nodes`, `orientation` ... in place of `data: Data`.

    >>> from contagion.cli.specifying import Data
    >>> @grouped
    ... def command(source: str, *, data: Data) -> None:
    ...     print(source, data.unit)
    >>> list(signature(command).parameters)[:3]
    ['source', 'columns', 'constants']
    >>> command(source="file.csv", unit="EUR")
    file.csv EUR
    """
    hints = get_type_hints(command, include_extras=True)
    records: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    spelled: list[Parameter] = []
    for each in signature(command).parameters.values():
        if each.name not in records:
            spelled.append(each.replace(kind=each.KEYWORD_ONLY, annotation=hints[each.name]))
            continue
        kind = records[each.name]
        types = get_type_hints(kind, include_extras=True)
        spelled += [
            Parameter(f.name, each.KEYWORD_ONLY, default=f.default, annotation=types[f.name])
            for f in fields(kind)
        ]

    @wraps(command)
    def called(**given: Any) -> None:
        filled = {
            name: kind(**{f.name: given.pop(f.name) for f in fields(kind) if f.name in given})
            for name, kind in records.items()
        }
        command(**given, **filled)
        if given.get("as_json") or command.__name__ == "check":  # `check` prints all of it itself
            return
        for line in [x for record in filled.values() for x in getattr(record, "about", list)()]:
            put(f"\n{line}")

    called.__signature__ = Signature(spelled)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in spelled}
    return called
