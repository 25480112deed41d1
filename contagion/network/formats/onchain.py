"""Exports of subgraphs and of Dune: users of a protocol, tokens, raw integers with decimals.

Read: tables with a user (user, account, wallet, holder, depositor, borrower), a token (reserve,
token, asset, symbol) and a raw amount (amount_raw, raw_amount, balance_raw), as CSV, Parquet with
binary addresses, or JSON; and the `userReserves` of the Aave V3 subgraph (user.id, reserve.symbol,
reserve.decimals, currentATokenBalance, currentTotalDebt). Addresses are hex in lower case.

A raw amount is divided by 10 to the power of the column decimals (reserve.decimals), or of
`decimals=` by token. A supply is a claim of the user on the protocol, a loan a claim of the
protocol on the user. In a table with one kind of amount, the given constant (creditor or debtor)
decides between them. Amounts of different tokens are never added: `fx=` has their values. Recipe:

    ct.read("supplied.csv", constants={"debtor": "aave"}, fx={"USDC": 1, "WETH": 2000}, unit="USD",
            missing_equity="external")
    ct.read("userReserves.json", constants={"protocol": "aave"}, fx={"WETH": 2000}, unit="USD")
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ...text import listing, plural
from .. import schema
from ..tables import shapes
from ..tables.grids import Source
from ..tables.identifiers import tidy
from ..tables.numbers import numbers
from ..tables.reading import Reading
from ..tables.shapes import Shape, note

USERS = ("userid", "user", "account", "accountid", "useraddress", "wallet", "walletaddress",
         "holder", "depositor", "supplier", "borrower", "onbehalfof", "address")  # fmt: skip
TOKENS = ("reservesymbol", "tokensymbol", "assetsymbol", "symbol", "reserve", "token", "asset",
          "reserveid", "tokenaddress", "contractaddress", "underlyingasset")  # fmt: skip
RAW = ("amountraw", "rawamount", "balanceraw", "rawbalance", "valueraw", "amountrawinteger")
SUPPLIED = ("currentatokenbalance", "suppliedraw", "depositraw", "collateralraw")
OWED = ("currenttotaldebt", "currentvariabledebt", "borrowedraw", "debtraw")
PLACES = ("reservedecimals", "decimals", "tokendecimals", "assetdecimals")
PROTOCOLS = ("protocol", "pool", "poolid", "market", "project", "venue", "marketname")
DATES = ("period", "day", "date", "blockdate", "snapshotdate")


def _records(source: Source) -> Source:
    """The table with nested records flattened: {"reserve": {"symbol": …}} is reserve.symbol."""
    found = source.document
    if isinstance(found, dict):
        found = found.get("data", found)
        lists = (
            [x for x in found.values() if isinstance(x, list)] if isinstance(found, dict) else []
        )
        if len(lists) != 1 or not all(isinstance(row, dict) for row in lists[0]):
            return source
        return replace(source, frame=pd.json_normalize(lists[0]).astype(object))
    if len(source.frame) and any(isinstance(cell, dict) for cell in source.row(0)):
        rows: list[Any] = source.frame.to_dict("records")
        return replace(source, frame=pd.json_normalize(rows).astype(object))
    return source


def _first(have: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((have[n] for n in names if n in have), None)


def matches(source: Source) -> bool:
    """Whether there are columns with a user and a raw amount."""
    have = _records(source).keys
    if "creditor" in have or "debtor" in have or _first(have, USERS) is None:
        return False
    return not have.keys().isdisjoint((*RAW, *SUPPLIED, *OWED))


def take(source: Source, name: schema.Table, how: Reading) -> Source:
    """Convert to exposures with creditor, debtor, amount (in tokens), asset and period."""
    records = _records(source)
    frame = shapes.chosen(records.frame, name, how)
    have, findings = records.keys, list(source.findings)
    user, token, protocol = (_first(have, names) for names in (USERS, TOKENS, PROTOCOLS))
    given = how.of("constants", name)
    there = given.get("protocol", None if protocol is None else frame[protocol])
    if "protocol" in given:
        how.use("constants:protocol")
    parts, said = [], []
    for names, side in ((SUPPLIED, "creditor"), (OWED, "debtor"), (RAW, "")):
        amount = _first(have, names)
        if amount is None:
            continue
        side = side or _side(given, user, there is not None, len(frame))
        other = "debtor" if side == "creditor" else "creditor"
        if there is None and other not in given:
            raise shapes.asked(
                f"{user!r} is the {side}; the file does not say the {other}, the protocol.",
                'constants={"protocol": "…"} names it.', len(frame), "C001", "orientation",
            )  # fmt: skip
        part = pd.DataFrame({side: frame[user], "amount": frame[amount]})
        part = part if there is None else part.assign(**{other: there})
        part = part if token is None else part.assign(asset=tidy(frame[token], "asset", True)[0])
        day = _first(have, DATES)
        part = part if day is None else part.assign(period=frame[day])
        parts.append(_tokens(part, frame, have, how, amount, token))
        said.append(f"{side} is {user!r} for {amount!r}")
    table = pd.concat(parts)
    zero = table["amount"].eq(0) | table["amount"].astype(str).eq("0")
    more = f"; {plural(int(zero.sum()), 'amount')} of 0 left out" if zero.any() else ""
    findings.append(note("shape", f"chain export: {', '.join(said)}{more}.", len(table)))
    return replace(source, frame=table[~zero], document=None, findings=findings, texts=True)


def _side(given: dict[str, Any], user: Any, known: bool, count: int) -> str:
    """The role of the user: the side without a constant, or given by "borrower", "depositor"."""
    if "debtor" in given or schema.key(user) in ("depositor", "supplier"):
        return "creditor"
    if "creditor" in given or schema.key(user) == "borrower":
        return "debtor"
    ask = '; columns={"…": "creditor"} or {"…": "debtor"} names the user' if known else ""
    raise shapes.asked(
        f"cannot tell who owes whom: {user!r} may have supplied the amounts, or borrowed them.",
        'constants={"debtor": "…"} where users supplied to it, constants={"creditor": "…"} where '
        f"they borrowed from it{ask}.", count, "C001", "orientation",
    )  # fmt: skip


def _tokens(
    part: pd.DataFrame,
    frame: pd.DataFrame,
    have: dict[str, Any],
    how: Reading,
    amount: Any,
    token: Any,
) -> pd.DataFrame:
    """Convert raw integers to tokens, unless `decimals=` is given and converts them later."""
    if how.decimals:
        return part
    places = _first(have, PLACES)
    if places is None:
        some = [] if token is None else list(part["asset"].dropna().unique()[:4])
        literal = ", ".join(f'"{one}": …' for one in some) or '"…": …'
        raise shapes.asked(
            f"{amount!r} holds raw integers, and no column says the decimals of "
            f"{listing(some) if some else 'the tokens'}.",
            f"decimals={{{literal}}} divides by token, as {{\"USDC\": 6, \"WETH\": 18}} does.",
            len(frame), "C007", "raw integers",
        )  # fmt: skip
    raw, power = numbers(part["amount"], "."), numbers(frame[places], ".")
    if raw.unread is not None or power.unread is not None or np.isnan(power.values).any():
        raise shapes.asked(
            f"{amount!r} or {places!r} holds cells that are no integers.", "correct the cells.",
            len(frame), "C006", "amounts not numbers",
        )  # fmt: skip
    return part.assign(amount=raw.values / 10.0**power.values)


SHAPE = Shape(
    "onchain",
    "an export of a subgraph or of Dune",
    "Aave V3 subgraph (userReserves); Dune CSV and Parquet with raw amounts",
    ("exposures",),
    'ct.read("supplied.csv", constants={"debtor": "aave"}, fx={"WETH": 2000}, unit="USD")',
    matches,
    take,
)
