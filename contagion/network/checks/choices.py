"""What the caller decides about data that is not clean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict, get_args, get_origin, get_type_hints

from ...errors import ArgumentError, ArgumentTypeError
from ...text import choice as one_of
from ...text import closest, listing

Balance = Literal["error", "add_rest_of_world", "scale_liabilities", "equity", "external_assets",
                  "external_liabilities", "total_assets", "total_liabilities"]  # fmt: skip


class Choices(TypedDict, total=False):
    """What the caller decides about data that is not clean; each word is a repair of one code.

    The defaults stop with an error that names the rows: nothing is repaired unasked.

    period (C013) : the one period to take of tables of several, e.g. "2023-Q4".
    duplicates (C002) : rows that only the amount tells apart: "sum" adds them up (collateral and
        weight too), "last" and "max" keep one row, "keep" says that they are separate claims.
    self_loops (C003) : "drop" leaves claims of a node on itself out.
    id_map (C004) : other spelling → id of the node table, for creditor and debtor.
    unknown_nodes (C004) : "external" adds ids that the node table does not have as nodes that
        lend and borrow and never fail.
    missing_equity (C005) : "external" lets nodes without known capital hold claims and lose them,
        but never fail.
    assume_equity (C005) : node → equity, money; an assumption, told with every result.
    start_defaulted (C005) : nodes known to have no capital left: equity 0 where it is unknown, so
        that their creditors bear the first loss; a stated equity ≤ 0 is accepted.
    negative (C006) : "flip" turns creditor and debtor round, "abs" drops the sign.
    na (C006) : empty amounts: "drop" leaves the claims out (also those with an empty creditor or
        debtor), "zero" keeps them with amount 0.
    decimal (C006) : "." or ",", the decimal sign of amounts given as text, where "1,234" could be
        read in two ways.
    thousands (C006) : what separates thousands in amounts given as text.
    where (C015) : column of the file → value or values, the rows to keep of several series.
    format (C014) : the shape of a table, see :data:`contagion.network.formats.FORMATS`; "plain":
        none.
    constants (C012) : column → value, for a column that has one value in every row.
    rates (C012) : column → "percent", "basis_points", "factor" or "factor_basis_points", how a
        column of fractions is written.
    fx (C007) : currency (or asset) → its worth in the unit of the network.
    decimals (C007) : asset → decimals, for raw integer amounts; "column" takes the column
        `decimals`.
    scale (C007) : source → factor, for sources that report in another unit.
    balance (C008) : totals below the exposures: "add_rest_of_world" raises the totals to what the
        exposures add up to, "scale_liabilities" scales the exposures down to the totals. Margins
        that differ: a node "rest of the world" takes the difference, or the liabilities scale.
        Rows that contradict themselves: the column that gives way and follows from the others,
        "equity", "total_assets" ... Several words in a list, in this order.
    aggregates (C010) : "drop" leaves nodes out that are sums of others, a list names them, "keep"
        says that they are not sums.
    loops (C010) : tokens that back each other: "solve" clears the loop to its fixed point, "cut"
        leaves the claims inside it out.
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
        For an option that does not exist, with the closest of the choices and of `others`.
    ArgumentError
        For a word or value that a choice does not take.
    """
    for key, value in choice.items():
        if key not in ALLOWED:
            match = closest(key, [*ALLOWED, *others])
            hint = f" Did you mean {match!r}?" if match else f" Choices: {', '.join(ALLOWED)}."
            raise ArgumentTypeError(f"Unknown option {key!r}.{hint}")
        if key == "period":
            continue  # what the tables have is not known yet
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
