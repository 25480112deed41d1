"""Options that several commands share, as records: written once, spelled out for each command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints

from ..models import Model
from ..results import PropagationResult
from ..shocks import Shock
from ..text import choice
from . import options
from .options import Loaded
from .read_options import Reading
from .rule_arguments import ruled
from .terminal import findings_line, put

NETWORK = ("nodes", "orientation", "unit", "layer", "period", "assume_equity", "repair")


@dataclass(frozen=True)
class Data(Reading):  # type: ignore[misc]
    """How a network is read."""

    nodes: options.Nodes = None
    orientation: options.Orientation = None
    unit: options.Unit = None
    layer: options.Layer = None
    period: options.Period = None
    assume_equity: options.AssumeEquity = None
    repair: options.Repair = None

    def load(self, source: str) -> Loaded:
        """The network behind a dataset name or a path."""
        own = {name: getattr(self, name) for name in NETWORK}
        loaded = options.load(source, **own, reading=self.keywords())
        self.__dict__["seen"] = (loaded.network, source)
        return loaded


@dataclass(frozen=True)
class Run:
    """One shock through one model."""

    default: options.Default = None
    recovery: options.Recovery = None
    loss: options.Loss = None
    model: options.ModelName = "eisenberg-noe"
    param: options.Param = None
    baseline: options.BaselineName = "cleared"

    def shock(self, loaded: Loaded) -> Shock:
        return options.shock(loaded, self.default, self.recovery, self.loss)

    def chosen(self) -> Model:
        """The model; refuses a baseline that does not exist first."""
        choice(self.baseline, ("cleared", "book"), "--baseline")
        return options.model(self.model, self.param)

    def propagate(self, loaded: Loaded, rule: list[str] | None) -> PropagationResult:
        """The model of the options on the shock of the options, with the rules of `--rule`."""
        loaded = ruled(loaded, rule, self.model)
        model = self.chosen()
        return model.propagate(
            loaded.network,
            self.shock(loaded),
            baseline=self.baseline,  # type: ignore[arg-type]
        )


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose parameters that are records of options are spelled out field by field.

    Typer reads signatures; this one has `nodes`, `orientation` ... in place of `data: Data`.

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
        for record in filled.values():
            if hasattr(record, "seen") and not given.get("as_json") and command.__name__ != "check":
                network, source = record.seen
                if line := findings_line(network.findings, network.assumptions, source):
                    put(f"\n{line}")

    called.__signature__ = Signature(spelled)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in spelled}
    return called
