"""What the catalogue knows about a venue, and the checks that its constructors share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc, signature
from typing import Any, Literal

from ..errors import RuleError
from ..rules.rule import Rule
from ..rules.waterfall import Layer, Waterfall
from ..text import known_name

Status = Literal["verified", "partly unverified", "unverified"]


@dataclass(frozen=True)
class Venue:
    """One venue of the catalogue: its constructor and where the rule comes from.

    Attributes
    ----------
    name : key in TOML files and on the command line.
    build : the constructor; parameters by keyword; returns the rule.
    title : the rule in one line.
    source : document, or repository @ commit.
    as_of : date of the source, or of the rule, "2018-08" say.
    status : "verified": read in the source; "partly unverified": the docstring says what is not;
        "unverified": believed, not read in any source.
    """

    name: str
    build: Callable[..., Rule]
    title: str
    source: str
    as_of: str
    status: Status

    def __call__(self, **parameters: Any) -> Rule:
        """The rule of the venue; `RuleError` for a parameter that is unknown or missing."""
        known = [*self.required, *self.parameters]
        for given in parameters:
            known_name(given, known, "parameter", self.name)
        missing = [name for name in self.required if name not in parameters]
        if missing:
            raise RuleError(f"{self.name} needs {' and '.join(missing)}; there is no default.")
        return self.build(**parameters)

    @property
    def required(self) -> tuple[str, ...]:
        """The parameters that have to be given."""
        own = signature(self.build).parameters.items()
        return tuple(name for name, each in own if each.default is each.empty)

    @property
    def parameters(self) -> dict[str, Any]:
        """The other parameters and their defaults."""
        own = signature(self.build).parameters.items()
        return {name: each.default for name, each in own if each.default is not each.empty}

    @property
    def help(self) -> str:
        """The whole text: formula, claims table, simplifications, source."""
        return getdoc(self.build) or ""


def money(value: Any, name: str) -> float:
    """A parameter that is money >= 0; `RuleError` with its name where it is not.

    >>> money(30, "fund")
    30.0
    """
    number = _number(value, name)
    if not 0 <= number < float("inf"):
        raise RuleError(f"{name}={value!r}: it is money, finite and >= 0.")
    return number


def share(value: Any, name: str, *, most: float = 1.0) -> float:
    """A parameter between 0 and `most`; `RuleError` with its name where it is not.

    >>> share(0.3, "trigger")
    0.3
    """
    number = _number(value, name)
    if not 0 <= number <= most:
        raise RuleError(f"{name}={value!r}: it is a number from 0 to {most:g}.")
    return number


def fund_then(
    fund: float | None, *layers: Layer, name: str = "insurance fund", parameter: str = "fund"
) -> Rule:
    """A fund of that much money, or of the claims in its layer, in front of other layers.

    >>> fund_then(30, Layer("winners"))
    Waterfall([Layer('insurance fund', capacity=30), Layer('winners')])
    """
    capacity = None if fund is None else money(fund, parameter)
    return Waterfall([Layer(name, capacity=capacity), *layers])


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise RuleError(f"{name}={value!r} is not a number.") from error
