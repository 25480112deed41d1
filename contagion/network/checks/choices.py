"""Options of the caller for the repair of data with errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict, get_args, get_origin, get_type_hints

from ...errors import ArgumentError, ArgumentTypeError
from ...text import choice as one_of
from ...text import closest, listing

Balance = Literal["error", "add_rest_of_world", "scale_liabilities", "equity", "external_assets",
                  "external_liabilities", "total_assets", "total_liabilities"]  # fmt: skip


class Choices(TypedDict, total=False):
    """Options of the caller for data with errors; each option repairs the errors of one code.

    By default an error names the rows: no data are repaired without an option.

    period (C013) : the period to use if tables have several, e.g. "2023-Q4".
    duplicates (C002) : rows that differ only in the amount: "sum" adds them up (collateral and
        weight too), "last" and "max" keep one row, "keep" treats them as separate claims.
    self_loops (C003) : "drop" removes claims of a node on itself.
    id_map (C004) : other spelling → id of the node table, for creditor and debtor.
    unknown_nodes (C004) : "external" adds ids missing in the node table as nodes that lend and
        borrow and never default.
    missing_equity (C005) : "external" lets nodes with unknown equity hold claims and bear losses
        on them, but never default.
    assume_equity (C005) : node → equity; an assumption, shown with every result.
    start_defaulted (C005) : nodes known to have no equity left: an unknown equity is set to 0, so
        that their creditors bear the first loss; a stated equity ≤ 0 is accepted.
    negative (C006) : "flip" exchanges creditor and debtor, "abs" drops the sign.
    na (C006) : empty amounts: "drop" removes the claims (also those with an empty creditor or
        debtor), "zero" keeps them with amount 0.
    decimal (C006) : "." or ",", the decimal sign of amounts given as text, if "1,234" could be
        read in two ways.
    thousands (C006) : the separator of thousands in amounts given as text.
    where (C015) : column of the file → value or values, the rows to keep of several series.
    format (C014) : the format of a table, see :data:`contagion.network.formats.FORMATS`; "plain":
        no special format.
    constants (C012) : column → value, for a column that has one value in every row.
    rates (C012) : column → "percent", "basis_points", "factor" or "factor_basis_points", the
        notation of a column of fractions.
    fx (C007) : currency (or asset) → its value in the unit of the network.
    decimals (C007) : asset → decimals, for raw integer amounts; "column" uses the column
        `decimals`.
    scale (C007) : source → factor, for sources that report in another unit.
    balance (C008) : totals below the exposures: "add_rest_of_world" raises the totals to the sums
        of the exposures, "scale_liabilities" scales the exposures down to the totals. Margins
        with different sums: the difference goes to a node "rest of the world", or the liabilities
        are scaled. Inconsistent rows: the column to recompute from the other columns, "equity",
        "total_assets" ... A list has several of these words, applied in its order.
    aggregates (C010) : "drop" removes nodes that are sums of others, a list names such nodes,
        "keep" states that they are not sums.
    loops (C010) : tokens that back each other: "solve" clears the loop to its fixed point, "cut"
        removes the claims inside the loop.
    collateral (C011) : "settle" pays the secured part from the pledge, "ignore" treats claims as
        unsecured.
    """

    period: Any
    duplicates: Literal["error", "sum", "last", "max", "keep"]
    self_loops: Literal["error", "drop"]
    id_map: Mapping[Any, Any]
    unknown_nodes: Literal["error", "external"]
    missing_equity: Literal["error", "external"]
    assume_equity: Mapping[Any, float]
    start_defaulted: Sequence[Any]
    negative: Literal["error", "flip", "abs"]
    na: Literal["error", "zero", "drop"]
    decimal: Literal[".", ","]
    thousands: str
    where: Mapping[str, Any]
    format: str
    constants: Mapping[str, Any]
    rates: Mapping[str, str]
    fx: Mapping[str, float]
    decimals: Literal["column"] | Mapping[str, int]
    scale: Mapping[str, float]
    balance: Balance | Sequence[Balance]
    aggregates: Literal["error", "drop", "keep"] | Sequence[Any]
    loops: Literal["error", "solve", "cut"]
    collateral: Literal["error", "settle", "ignore"]


def _words() -> dict[str, tuple[str, ...]]:
    allowed = {}
    for name, hint in get_type_hints(Choices).items():
        parts = [hint, *get_args(hint)]
        allowed[name] = tuple(
            w for part in parts if get_origin(part) is Literal for w in get_args(part)
        )
    return allowed


ALLOWED: dict[str, tuple[str, ...]] = _words()
MAPPINGS = ("id_map", "assume_equity", "fx", "decimals", "scale", "constants", "rates", "where")
NUMBERS = ("assume_equity", "fx", "decimals", "scale")
LISTS = ("start_defaulted", "aggregates")


def known_choices(choice: Mapping[str, Any], others: Iterable[str] = ()) -> None:
    """Check names and words of the choices, before any table is looked at.

    Raises
    ------
    ArgumentTypeError
        For an unknown option, with the closest name of the choices and of `others`.
    ArgumentError
        For a word or value that an option does not accept.
    """
    for key, value in choice.items():
        if key not in ALLOWED:
            match = closest(key, [*ALLOWED, *others])
            hint = f" Did you mean {match!r}?" if match else f" Choices: {', '.join(ALLOWED)}."
            raise ArgumentTypeError(f"Unknown option {key!r}.{hint}")
        if key == "period":
            continue  # the periods of the tables are not known yet
        if key == "balance" and isinstance(value, list | tuple):
            for word in value:
                one_of(word, ALLOWED[key], key)
            continue
        if isinstance(value, str) and key in LISTS:
            if value not in ALLOWED[key]:
                words = f" or one of {listing(ALLOWED[key], 9)}" if ALLOWED[key] else ""
                raise ArgumentError(
                    f"{key}={value!r}: a list of nodes is needed{words}: [{value!r}]."
                )
        elif isinstance(value, str) and key in MAPPINGS and value not in ALLOWED[key]:
            raise ArgumentError(f'{key}={value!r}: a mapping is needed, {key}={{"…": …}}.')
        elif key in MAPPINGS and not isinstance(value, str):
            _mapping(key, value)
        elif key not in LISTS and key not in MAPPINGS and ALLOWED[key]:
            one_of(value, ALLOWED[key], key)


def _mapping(key: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise ArgumentError(f'{key}={value!r}: a mapping is needed, {key}={{"…": …}}.')
    for name, number in value.items() if key in NUMBERS else ():
        try:
            good = abs(float(number)) < float("inf") and not isinstance(number, bool | str)
        except (TypeError, ValueError):
            good = False
        if key in ("fx", "scale"):
            good = good and number > 0
        if key == "decimals":
            good = good and number >= 0
        if not good:
            bound = {"fx": " > 0", "scale": " > 0", "decimals": " ≥ 0"}.get(key, "")
            raise ArgumentError(f"{key}={{{name!r}: {number!r}}}: a number{bound} is needed.")
