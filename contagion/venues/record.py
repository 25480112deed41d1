"""The record of a venue: its rule, where the rule is from, and how far it was checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc, signature
from typing import Any, Literal

from ..errors import RuleError
from ..rules.rule import Rule
from ..text import known_name

Status = Literal["verified", "partly unverified", "unverified"]


@dataclass(frozen=True)
class Venue:
    """One rule of the catalogue: its constructor and where the rule comes from.

    Attributes
    ----------
    name : key in TOML files and on the command line.
    build : the constructor; parameters by keyword; returns the rule.
    title : the rule in one line.
    source : document, or repository @ commit.
    as_of : date of the source, or of the rule, such as "2018-08".
    status : "verified": read in the source; "partly unverified": `read` says what is not;
        "unverified": believed, not read in any source.
    read : what was read in the source, and what of it only second-hand.
    simplified : where the rule here is simpler than the one in the source.
    """

    name: str
    build: Callable[..., Rule]
    title: str
    source: str
    as_of: str
    status: Status
    read: str
    simplified: str

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
        """The text of the rule: formula, claims table, example, source."""
        return getdoc(self.build) or ""
