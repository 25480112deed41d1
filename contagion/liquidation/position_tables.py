"""The tables of positions and loans, checked against the schema, and their legs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..errors import Finding, MarginError, NetworkError
from ..network import schema
from ..network.tables import Reading, door
from ..text import listing, plural

NUMERAIRE = "money"
MATTER = {
    "positions": ("entry_price", "margin", "maintenance"),
    "loans": ("bonus", "close_factor", "full_below"),
}  # columns whose default matters
DEFAULT = {"entry_price": "the price of now"}
LEGS = ["venue", "holder", "key", "asset", "units", "weight", "entry_price", "margin", "loan",
        "close_factor", "bonus", "fee", "full_below", "debt", "borrows", "linear",
        "row"]  # fmt: skip


def positions(read: door.Read, maintenance: float) -> pd.DataFrame:
    """The positions, with defaults filled in."""
    if not 0 <= maintenance < 1:
        raise MarginError(f"maintenance={maintenance}: a rate lies in [0, 1).")
    read.findings += _assumed(read, {"maintenance": maintenance})
    table = _filled(read)
    spot = table["kind"] == "spot"
    table["maintenance"] = table["maintenance"].fillna(spot.map({True: 0.0, False: maintenance}))
    table["entry_price"] = table["entry_price"].mask(spot & table["entry_price"].isna(), 0.0)
    _refuse(table, table["maintenance"] >= 1, "maintenance", "is not below 1")
    table["size"] /= 10.0 ** table["decimals"]
    return table


def loans(read: door.Read) -> pd.DataFrame:
    """The loans, with defaults filled in."""
    read.findings += _assumed(read)
    table = _filled(read)
    table["collateral"] /= 10.0 ** table["collateral_decimals"]
    table["debt"] /= 10.0 ** table["debt_decimals"]
    return table


def position_legs(table: pd.DataFrame, prices: Mapping[str, float]) -> pd.DataFrame:
    """One leg per position; an isolated position has its own account.

    An inverse position of N money entered at E is N / E units of the instrument against a debt of
    N: worth `N P / E − N`, the profit `N / E − N / P` units at the price P. Its maintenance m |N|
    is in the weight of the debt, 1 + m sign(N).
    """
    number = pd.Series(np.arange(len(table)), table.index)
    key = np.where(table["mode"] == "isolated", "isolated " + number.astype(str), "cross")
    columns = ["venue", "holder", "entry_price", "margin", "close_factor", "fee"]
    legs = table[columns].assign(
        key=key,
        asset=table["instrument"],
        units=table["size"],
        weight=1.0 - table["maintenance"] * np.sign(table["size"]),
        loan=False,
        bonus=0.0,
        full_below=0.0,
        debt=False,
        borrows=(table["kind"] == "spot") & (table["size"] < 0),
        linear=table["kind"] == "linear",
        row=number + 1,
    )[LEGS]
    inverse = (table["kind"] == "inverse").to_numpy()
    if not inverse.any():
        return legs
    size = table.loc[inverse, "size"]
    sign = np.sign(size)
    entry = table["entry_price"].fillna(table["instrument"].map(prices))[inverse]
    owed = legs[inverse].assign(
        asset=NUMERAIRE, units=-size, weight=1.0 + table["maintenance"] * sign, entry_price=0.0,
        margin=0.0, fee=0.0, borrows=True,
    )  # fmt: skip
    legs.loc[inverse, ["units", "weight", "entry_price"]] = np.column_stack(
        [size / entry, np.ones(len(size)), np.zeros(len(size))]
    )
    return pd.concat([legs, owed], ignore_index=True)


def loan_legs(table: pd.DataFrame) -> pd.DataFrame:
    """Two legs per loan: the collateral and, below 0, the debt."""
    number = pd.Series(np.arange(len(table)), table.index)
    key = ("named " + table["account"].astype(str)).where(
        table["account"].notna(), "row " + number.astype(str)
    )
    named = table.rename(columns={"protocol": "venue", "borrower": "holder"})
    shared = named[["venue", "holder", "close_factor", "full_below"]].assign(
        key="loan " + key,
        entry_price=np.nan,
        loan=True,
        fee=0.0,
        borrows=False,
        linear=False,
        row=number + 1,
    )
    held, owed = (
        (table["collateral_asset"], table["collateral"]),
        (table["debt_asset"], -table["debt"]),
    )
    both = [
        shared.assign(asset=asset, units=units, weight=weight, bonus=bonus, margin=cash, debt=debt)
        for (asset, units), weight, bonus, cash, debt in (
            (held, table["threshold"], table["bonus"], table["cash"], False),
            (owed, 1.0, 0.0, 0.0, True),
        )
    ]
    return pd.concat(both, ignore_index=True)[LEGS]


def check_accounts(legs: pd.DataFrame) -> None:
    """`MarginError` if rows of one account differ in a value that is unique per account."""
    account = legs["account"].to_numpy()
    start = np.unique(account, return_index=True)[1][account]
    for column in ("close_factor", "full_below"):
        values = legs[column].to_numpy()
        mixed = np.flatnonzero(values != values[start])
        if len(mixed):
            first = legs[account == account[mixed[0]]].drop_duplicates(column)
            one = first.iloc[0]
            raise MarginError(
                f"Rows {', '.join(map(str, first['row']))} of the "
                f"{'loans' if one['loan'] else 'positions'} are one account of {one['holder']!r} "
                f"at {one['venue']!r} and differ in {column} ({listing(first[column].tolist())}). "
                f"Give them one {column}, or accounts of their own."
            )


def read(given: Any, name: schema.Table, how: Reading) -> door.Read:
    """A table read and checked; None is a table without rows.

    Raises
    ------
    MarginError : for a missing column, and cells that do not fit the schema.
    """
    if given is None:
        return door.Read(pd.DataFrame(columns=list(schema.columns(name))), name)
    try:
        found = door.read(given, name, how)
        if len(found.table) or found.origin:
            door.raise_errors(found.findings)
    except NetworkError as error:
        raise MarginError(str(error), error.findings) from None
    return found


def _assumed(read: door.Read, given: Mapping[str, float] = {}) -> list[Finding]:
    """The defaults of important missing columns; `given` overrides those of the schema."""
    table, own = read.table, schema.columns(read.name)
    linear = "kind" not in table or (table["kind"] != "spot").any()
    lacking = [c for c in MATTER[read.name] if c not in table] if len(table) and linear else []
    if not lacking:
        return []
    said = ", ".join(f"{c} ({given.get(c, DEFAULT.get(c, own[c].default))})" for c in lacking)
    text = f"the {read.name} do not give {said}: taken as in brackets."
    return [Finding("N004", "note", "default assumed", text, "", len(table))]


def prices(given: Any, how: Reading) -> tuple[dict[str, float], list[Finding]]:
    """Prices by asset: a mapping, a table asset, price, or a list of them (later ones win).

    Raises
    ------
    MarginError : for an asset with two prices, and as :func:`read`.
    """
    if isinstance(given, Mapping) and not {"price", "prices"} & set(given):
        return {str(k): float(v) for k, v in given.items()}, []
    if isinstance(given, list) and not all(isinstance(x, Mapping) and "price" in x for x in given):
        merged: dict[str, float] = {}
        findings: list[Finding] = []
        for each in given:
            own, told = prices(each, how)
            merged |= own
            findings += told
        return merged, findings
    found = read(given, "prices", how)
    table = found.table
    twice = table.loc[table["asset"].duplicated(), "asset"]
    if len(twice):
        raise MarginError(
            f"{found.origin or 'The table'} has two prices of {listing(twice.unique())}."
        )
    pairs = zip(table["asset"].astype("str"), table["price"].astype(float), strict=True)
    return dict(pairs), found.findings


def _filled(read: door.Read) -> pd.DataFrame:
    """Every column of the schema, defaults in empty cells."""
    table, found = read.table, {}
    for column in schema.columns(read.name).values():
        cells = table[column.column] if column.column in table else pd.Series(pd.NA, table.index)
        if column.dtype == "string":
            cells = cells.astype(object).where(cells.notna(), column.fill)
        else:
            cells = pd.to_numeric(cells).astype(float)
            cells = cells if column.fill is None else cells.fillna(float(str(column.fill)))
        found[column.column] = cells
    return pd.DataFrame(found, index=table.index).reset_index(drop=True)


def _refuse(table: pd.DataFrame, bad: pd.Series, column: str, what: str) -> None:
    rows = np.flatnonzero(bad.to_numpy(bool))
    if len(rows):
        where = ", ".join(str(row + 1) for row in rows[:3]) + (", …" if len(rows) > 3 else "")
        cells = table[column].iloc[rows[:3]].tolist() if column in table else []
        raise MarginError(
            f"{column} {what} in {plural(len(rows), 'row')} (row {where}: {listing(cells)}). "
            "Correct the cells."
        )


def netted(frame: pd.DataFrame) -> pd.DataFrame:
    """Net legs of the same asset and weight, in accounts that borrow assets to sell them."""
    borrows = frame.groupby("account")["borrows"].transform("any")
    if not borrows.any():
        return frame
    how = dict.fromkeys(frame.columns, "first") | {"units": "sum", "cash": "sum"}
    keys = [frame.loc[borrows, name] for name in ("account", "asset", "weight")]
    return pd.concat([frame[~borrows], frame[borrows].groupby(keys, sort=False).agg(how)])
