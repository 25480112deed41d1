"""Options of every command that reads files, made from the list in `network/tables`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, make_dataclass
from typing import Annotated, Any

from ..errors import ArgumentError, Finding
from ..network import schema
from ..network.exposure_network import ExposureNetwork
from ..network.tables.reading import OPTIONS, Option
from ..study.texts import number
from ..text import known_name, plural
from .options import option
from .terminal import data_line

PANEL = "Reading"
MARKS = {"tab": "\t", "space": " "}


def _field(one: Option) -> tuple[str, Any, Any]:
    kind = list[str] | None if one.kind in ("map", "rates") else str | None
    shown = option(one.metavar, one.help, PANEL, one.option)
    return one.name, Annotated[kind, shown], field(default=None)


def _creditor() -> tuple[str, Any, Any]:
    text = "The creditor of every row, if the file is the report of one creditor."
    return "creditor", Annotated[str | None, option("NAME", text, PANEL)], field(default=None)


@dataclass(frozen=True)
class Told:
    """Record of the data that a command read, printed at its end; see :mod:`.grouped`."""

    def hear(
        self,
        source: object,
        size: str,
        findings: Iterable[Finding],
        assumed: int = 0,
        as_: str = "",
    ) -> None:
        """Record a file; `as_`: type of the table, if it is not a network."""
        said = [getattr(self, f.name) for f in fields(self) if f.name != "write_study"]
        full = f"contagion check {source}" + (f" --table {as_}" if as_ else "")
        full += ", with the same options" if any(said) else ""
        line = data_line(str(source), size, list(findings), assumed, full)
        self.__dict__.setdefault("heard", {})[str(source), as_] = line

    def hear_network(self, network: ExposureNetwork, source: object) -> None:
        """Record the network that was read."""
        size = f"{plural(len(network), 'node')}, {plural(len(network.amount), 'exposure')}"
        self.hear(source, size, network.findings, len(network.assumptions))

    def about(self) -> list[str]:
        """A line for each table or network that was read."""
        return list(self.__dict__.get("heard", {}).values())


@dataclass(frozen=True)
class _Base(Told):
    """How tables are read, as options of the command line."""

    def keywords(self) -> dict[str, Any]:
        """The given options as keywords of `ct.read`, `ct.read_table` and others."""
        return keywords({f.name: getattr(self, f.name) for f in fields(Reading)})


Reading: Any = make_dataclass(
    "Reading", [*(_field(one) for one in OPTIONS.values()), _creditor()], bases=(_Base,),
    frozen=True, namespace={"__doc__": _Base.__doc__, "__module__": __name__},
)  # fmt: skip


def keywords(given: dict[str, Any]) -> dict[str, Any]:
    """Options of the command line as keywords.

    >>> keywords({"columns": ["creditor=Lender"], "totals": "drop"})["totals"]
    'drop'
    >>> keywords({"fx": ["EUR=1.08"]})
    {'fx': {'EUR': 1.08}}
    """
    found: dict[str, Any] = {}
    for name, words in given.items():
        if words is None or words == [] or name == "creditor":
            continue
        one = OPTIONS[name]
        if name == "columns":
            found[name] = _columns(words)
        elif name == "constants":
            found[name] = _by_table(_pairs(words, one), one)
        elif name == "where":
            found[name] = {}
            for column, value in _pairs(words, one):
                table, sign, theirs = column.partition(".")
                own = found[name]
                if sign and table in schema.TABLES:
                    own, column = own.setdefault(table, {}), theirs
                own.setdefault(column, []).append(value)
        elif name == "rates":
            found[name] = dict(_pairs(words, one))
        elif one.kind == "rates":
            found[name] = words[0] if words[0] in one.words else _numbers(words, one)
        elif one.kind == "list":
            found[name] = [word.strip() for word in words.split(",")]
        else:
            found[name] = MARKS.get(words, words)
    if given.get("creditor"):
        constants = found.setdefault("constants", {})
        constants["exposures"] = {**constants.get("exposures", {}), "creditor": given["creditor"]}
    return found


def _pairs(words: Iterable[str], one: Option) -> list[tuple[str, str]]:
    found = []
    for word in words:
        left, sign, right = word.partition("=")
        if not sign or not left.strip() or not right:
            raise ArgumentError(f"{one.option} {word}: write {one.metavar}.")
        found.append((left.strip(), right))
    return found


def _columns(words: Iterable[str]) -> dict[str, Any]:
    """OURS=THEIRS, for every table that has this column."""
    found: dict[str, Any] = {}
    for ours, theirs in _pairs(words, OPTIONS["columns"]):
        table, _, name = ours.rpartition(".")
        tables = [table] if table else [t for t in schema.TABLES if ours in schema.columns(t)]
        if table:
            known_name(table, schema.TABLES, "table", f"--column {ours}={theirs}")
        for each in tables:
            found.setdefault(each, {})[theirs] = name
        if not tables:  # a column that a rule or a model needs
            found[theirs] = name
    return found


def _by_table(pairs: Iterable[tuple[str, str]], one: Option) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        table, _, ours = name.rpartition(".")
        if table:
            known_name(table, schema.TABLES, "table", f"{one.option} {name}={value}")
            found.setdefault(table, {})[ours] = value
        else:
            found[name] = value
    return found


def _numbers(words: Iterable[str], one: Option) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in (part for each in words for part in each.split(",")):
        name, sign, value = word.rpartition("=" if "=" in word else ":")
        if not sign or not name.strip():
            raise ArgumentError(f"{one.option} {word}: write {one.metavar}.")
        worth = number(value, one.option)
        found[name.strip()] = int(worth) if one.name == "decimals" else worth
    return found
