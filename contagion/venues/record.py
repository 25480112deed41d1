"""The record of a venue: its rule, the sources of the rule, and how far it was checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc, getmodule, signature
from typing import Any, Literal

from ..errors import RuleError
from ..rules.rule import Allocation, Rule
from ..rules.waterfall import Waterfall
from ..text import known_name
from .worked import example

Status = Literal["verified", "partly unverified", "unverified"]
Extent = Literal["in full", "excerpt", "memory", "not read"]

NOT_READ = "unknown: no source read says it"


@dataclass(frozen=True)
class Document:
    """One source of a rule, and how it was read.

    Attributes
    ----------
    title : the document, or repository @ commit and file; without a source, the assumption made.
    date : of the document or of its content; "undated" or the commit where no date was found.
    extent : "in full": the part about the rule was read, as a stored copy; "excerpt": a part of it,
        or a quotation; "memory": believed, in no source that was read; "not read": the document
        exists and was not seen.
    """

    title: str
    date: str
    extent: Extent

    @property
    def seen(self) -> bool:
        """Whether at least a part of it was read."""
        return self.extent in ("in full", "excerpt")


@dataclass(frozen=True)
class Terms:
    """Terms that differ between venues, in a few words each; `contagion.venues.terms` compares
    them. Where no source has a value, it is "unknown: " and the reason.

    Attributes
    ----------
    fund : fund or party that pays before a claim is cut.
    basis : basis on which the remaining loss is shared.
    price : price at which positions are closed, or claims are paid.
    cap : largest amount that a fund pays or a claim loses.
    pause : events that stop trading, withdrawals or liquidations, or force deleveraging.
    """

    fund: str
    basis: str
    price: str
    cap: str
    pause: str = NOT_READ


@dataclass(frozen=True)
class Venue:
    """One rule of the catalogue: its constructor and where the rule comes from.

    Attributes
    ----------
    name : key in TOML files and on the command line.
    build : the constructor; parameters by keyword; returns the rule.
    title : the rule in one line.
    documents : sources of the rule; the first has the rule itself.
    read : parts of the source that were read, and parts known only second-hand.
    simplified : simplifications of the rule, compared with the source.
    terms : fund, basis, price, cap and pause in words.
    """

    name: str
    build: Callable[..., Rule]
    title: str
    documents: tuple[Document, ...]
    read: str
    simplified: str
    terms: Terms

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
        """The parameters without a default."""
        own = signature(self.build).parameters.items()
        return tuple(name for name, each in own if each.default is each.empty)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters with a default, and their defaults."""
        own = signature(self.build).parameters.items()
        return {name: each.default for name, each in own if each.default is not each.empty}

    @property
    def source(self) -> str:
        """The documents that were seen, on one line."""
        return "; ".join(each.title for each in self.documents if each.seen) or "none read"

    @property
    def as_of(self) -> str:
        """The latest date of a document; if none has a date, the `date` entry of the first."""
        dates = [each.date for each in self.documents if each.date[:1].isdigit()]
        return max(dates, default=self.documents[0].date)

    @property
    def status(self) -> Status:
        """Whether the rule was read in its sources: all of it, a part, or not its core."""
        if not self.documents[0].seen:
            return "unverified"
        return "verified" if all(each.seen for each in self.documents) else "partly unverified"

    @property
    def file(self) -> str:
        """The module of `contagion.venues` with the rule and its formulas, such as "aave"."""
        return str(getattr(getmodule(self.build), "__name__", "")).rpartition(".")[2]

    @property
    def example(self) -> Allocation:
        """The worked example in the docstring of the rule, computed."""
        return example(self.build)

    @property
    def order(self) -> str:
        """The layers in the order in which they lose, or the name of a rule without layers."""
        rule = self.build(**dict.fromkeys(self.required, 1.0))
        return ", ".join(rule.names) if isinstance(rule, Waterfall) else rule.word.replace("_", " ")

    @property
    def help(self) -> str:
        """The docstring of the rule: formula, claims table, example, source."""
        return getdoc(self.build) or ""
