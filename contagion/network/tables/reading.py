"""Options for reading tables: one list for Python and for the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import ArgumentError, ArgumentTypeError, NetworkError
from ...text import choice, closest, listing
from .. import schema

RATES = {
    "percent": (0.01, 0.0),
    "basis_points": (1e-4, 0.0),
    "factor": (1.0, -1.0),
    "factor_basis_points": (1e-4, -1.0),
}  # (a, b): a cell x means the rate a x + b


@dataclass(frozen=True)
class Option:
    """One option of reading, for Python and the command line.

    Attributes
    ----------
    name : the keyword; on the command line with hyphens, in the singular if it can be repeated.
    kind : "text", "words" (one of `words`), "map" (name → text), "rates" (name → number), "list".
    flag : the option of the command line, if it differs from the name.
    """

    name: str
    kind: str
    metavar: str
    help: str
    words: tuple[str, ...] = ()
    flag: str = ""

    @property
    def option(self) -> str:
        """The flag of the command line.

        >>> OPTIONS["columns"].option
        '--column'
        """
        return "--" + (self.flag or self.name).replace("_", "-")


_ALL = (
    Option(
        "columns",
        "map",
        "OURS=THEIRS",
        "Name in the file of a column of the schema, such as creditor=Lender; for one table "
        "only, nodes.node=Bank. Repeatable.",
        flag="column",
    ),
    Option(
        "constants",
        "map",
        "OURS=VALUE",
        "A column that the file does not have, with one value in every row. Repeatable.",
        flag="constant",
    ),
    Option("sheet", "text", "NAME", "Sheet of a workbook; by default the one with the table."),
    Option("encoding", "text", "NAME", "Encoding of a text file, such as cp1252."),
    Option("separator", "text", "SIGN", "Separator of the cells of a text file: , ; | or tab."),
    Option("header", "text", "LINE", "Line with the names of the columns, or none."),
    Option(
        "comments", "words", "drop|keep", "Lines that begin with # are comments, or data.",
        ("drop", "keep"),
    ),
    Option("decimal", "words", ".|,", "Decimal sign of the numbers.", (".", ",")),
    Option("thousands", "text", "SIGN", "Separator of thousands: . , ' or space."),
    Option(
        "totals", "words", "drop|keep", "Rows and columns that are sums: left out, or kept.",
        ("error", "drop", "keep"),
    ),
    Option(
        "where",
        "map",
        "COLUMN=VALUE",
        "Keep the rows that have this value in a column of the file, such as L_INSTR=A; for one "
        "table only, holdings.Item=2520806. Repeatable, also for several values of one column.",
    ),
    Option(
        "format",
        "text",
        "NAME",
        "Format of the file, see contagion formats; plain: no special format. By default it is "
        "detected from the columns.",
    ),
    Option("names", "list", "NAME,NAME", "Names of the nodes of a matrix without labels."),
    Option(
        "rates",
        "map",
        "COLUMN=HOW",
        "Notation of a column of fractions: percent, basis_points, factor (1.05 is 0.05) or "
        "factor_basis_points (10500 is 0.05). Repeatable.",
        flag="rate",
    ),
)  # fmt: skip
_SHARED = (  # also options of a network
    Option(
        "fx",
        "rates",
        "CODE=WORTH",
        "Value of one unit of a currency or asset in the unit, such as EUR=1.08. Repeatable.",
    ),
    Option(
        "decimals",
        "rates",
        "ASSET=N",
        "Decimals of raw integer amounts by asset, such as USDC=6; column takes the column "
        "decimals. Repeatable.",
        ("column",),
    ),
    Option("period", "text", "TEXT", "Use one period of tables with several."),
)
KEPT = tuple(option.name for option in _SHARED)
OPTIONS: dict[str, Option] = {option.name: option for option in (*_ALL, *_SHARED)}


@dataclass(frozen=True)
class Reading:
    """Options of the caller for reading a table, with a record of the options that were used.

    columns : {"theirs": "ours"} for all tables, or {"nodes": {"theirs": "ours"}, ...}.
    constants : {"ours": value}, or by table.
    sheet, encoding, separator, header, comments : properties of files.
    decimal, thousands : notation of numbers given as text.
    totals : treatment of rows and columns that are sums.
    where : {"theirs": value or list of values}, the rows to keep; or by table.
    format : format of the file, a name of :data:`contagion.network.formats.FORMATS` or "plain".
    names : names of the nodes of a matrix without labels.
    rates : {"bonus": "factor"}, the notation of a column of fractions.
    fx, decimals : value of currencies and assets in the unit; decimals of raw integers.
    period : the period to use from a table with several snapshots.
    """

    columns: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    sheet: str | int | None = None
    encoding: str | None = None
    separator: str | None = None
    header: str | int | None = None
    comments: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    totals: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    format: str | None = None
    names: Any = None
    rates: Mapping[str, str] = field(default_factory=dict)
    fx: Mapping[str, float] = field(default_factory=dict)
    decimals: Any = field(default_factory=dict)
    period: Any = None
    unit: str = ""
    used: set[str] = field(default_factory=set, compare=False, repr=False)

    def __post_init__(self) -> None:
        for option in _ALL:
            value = getattr(self, option.name)
            if value is None and option.kind == "map":
                self.__dict__[option.name] = {}
            elif option.kind == "map" and not isinstance(value, Mapping):
                raise ArgumentError(f'{option.name}={value!r}: write {option.name}={{"…": "…"}}.')
            elif value is not None and option.words:
                choice(value, option.words, option.name)
        for column, how in self.rates.items():
            choice(how, RATES, f"rates[{column!r}]")

    def of(self, what: str, table: schema.Table) -> dict[str, Any]:
        """`columns`, `constants` or `where` of one table."""
        given: Mapping[str, Any] = getattr(self, what)
        found: dict[str, Any] = {}
        for name, value in given.items():
            if not isinstance(value, Mapping):
                found[name] = value
            elif name == table or (name == "nodes" and table == "margins"):
                found.update(value)
        return found

    def use(self, *what: str) -> None:
        """Record that options were used, as "totals" or "columns:Lender"."""
        self.used.update(what)

    def finish(self, have: Iterable[object] = (), only: Iterable[str] | None = None) -> None:
        """Raise an error for options that were not used; `have` are the columns of the tables.

        Raises
        ------
        NetworkError : for a column that does not exist.
        ArgumentError : for any other option, with its name.
        """
        for option in OPTIONS.values():
            value = getattr(self, option.name)
            if value is None or (only is not None and option.name not in only):
                continue
            if isinstance(value, Mapping):
                for name in _flat(value):
                    if f"{option.name}:{name}" in self.used:
                        continue
                    if option.name == "columns":
                        raise NetworkError(self._absent(name, list(have)))
                    raise ArgumentError(
                        f"{option.name} names {name!r}, which no table has. Leave it out."
                    )
            elif (
                isinstance(value, str | int | list | tuple)
                and value not in ("error", "keep")
                and option.name not in self.used
            ):
                raise ArgumentError(f"{option.name}={value!r}: {WHY[option.name]}. Leave it out.")

    def _absent(self, name: str, have: list[object]) -> str:
        turned = {str(v): k for k, v in self.columns.items() if not isinstance(v, Mapping)}
        known = [str(one) for one in have]
        hint = f" Did you mean columns={turned!r}?" if turned and set(turned) <= set(known) else ""
        match = closest(name, known)
        hint = hint or (f" Did you mean {match!r}?" if match else "")
        return f"columns={{…}} names {name!r}; the table has {listing(have, 9)}.{hint}"


WHY = {
    "sheet": "the file has no sheets",
    "encoding": "no text file was read",
    "separator": "no text file was read",
    "header": "no text file and no workbook was read",
    "comments": "no line begins with #",
    "decimal": "no numbers were given as text",
    "thousands": "no numbers were given as text",
    "totals": "there are no totals",
    "format": "no table of that shape was read",
    "names": "there is no matrix without labels",
    "decimals": "there is no column 'decimals'",
    "period": "no table has periods",
}


def _flat(given: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for name, value in given.items():
        found += list(value) if isinstance(value, Mapping) else [name]
    return found


def reading(options: Mapping[str, Any], unit: str = "") -> Reading:
    """Select the options of reading from all keywords.

    Raises
    ------
    ArgumentError : for a value that an option does not accept.
    """
    given = {k: v for k, v in options.items() if k in OPTIONS and v is not None}
    return Reading(**given, unit=unit)


def refuse_unknown(options: Mapping[str, Any]) -> None:
    """Raise `ArgumentTypeError` for a keyword that is not an option of reading."""
    for name in options:
        if name not in OPTIONS:
            match = closest(name, list(OPTIONS))
            hint = f" Did you mean {match!r}?" if match else f" There are {', '.join(OPTIONS)}."
            raise ArgumentTypeError(f"Unknown option {name!r}.{hint}")
