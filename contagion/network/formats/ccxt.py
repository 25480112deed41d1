"""Positions in the common form of ccxt: fetch_positions of many exchanges, as JSON or as a table.

Read: the position structure of ccxt 4 (symbol, side, unsigned contracts, contractSize, entryPrice,
collateral, initialMargin, marginMode, maintenanceMarginPercentage). The instrument is the base of
the unified symbol, "BTC/USDT:USDT" is BTC, also for a dated future; the size is contracts ×
contractSize, negative for short positions. If collateral is empty, the initial margin is used.
Positions with 0 or no contracts are left out. Options, and inverse contracts ("BTC/USD:BTC", which
count in dollars), raise an error: their value is not linear in the price. Some exchanges write the
collateral of the whole account next to each cross position: if it is the same in all of them, a
warning reports it.

Exchange and account are not in the structure: give them as constants, or add the columns. Recipe:

    rows = [p | {"exchange": ex.id, "account": "main"} for p in ex.fetch_positions()]
    ct.liquidation.MarginBook({"BTC": 60_000.0}, rows)
    ct.read_table("positions.json", "positions", constants={"venue": "bybit", "holder": "main"})
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pandas as pd

from ...errors import Finding
from ...text import listing, plural
from .. import schema
from ..tables import shapes
from ..tables.grids import Source
from ..tables.numbers import numbers
from ..tables.reading import Reading
from ..tables.shapes import Shape, note

NEEDED = {"symbol", "side", "contracts"}
UNIFIED = re.compile(
    r"(?P<base>[^/:]+)/(?P<quote>[^/:]+)(?::(?P<settle>[^-]+)(?:-\d+)?(?P<rest>.*))?"
)


def matches(source: Source) -> bool:
    """Whether there are symbol, side and contracts, and a price or margin."""
    have = set(source.keys)
    return have >= NEEDED and bool(have & {"entryprice", "contractsize", "marginmode"})


def take(source: Source, name: schema.Table, how: Reading) -> Source:
    """Convert: the base as instrument, a margin in every row, without closed positions."""
    have, findings = source.keys, list(source.findings)
    count = numbers(source.frame[have["contracts"]], how.decimal, how.thousands)
    closed = (count.values == 0) | (source.frame[have["contracts"]].isna().to_numpy())
    frame = source.frame[~closed]
    if closed.any():
        text = f"{plural(int(closed.sum()), 'position')} without contracts left out."
        findings.append(note("closed positions", text, int(closed.sum())))
    symbol = have["symbol"]
    if symbol in shapes.named(frame, {symbol: "instrument"}, name, how):
        frame = _based(frame, symbol, findings)
    if shapes.named(frame, {have.get("collateral"): "margin"}, name, how):
        _shared(frame, have, findings)
    if "initialmargin" in have and "margin" not in have:
        frame = _margin(frame, have, name, how, findings)
    nested = [c for c in frame.columns if frame[c].map(lambda x: isinstance(x, dict)).any()]
    return replace(source, frame=frame.drop(columns=nested), findings=findings)


def _based(frame: pd.DataFrame, symbol: Any, findings: list[Any]) -> pd.DataFrame:
    """The base of the unified symbols; C014 for options and inverse contracts."""
    found = {text: UNIFIED.fullmatch(str(text)) for text in frame[symbol].dropna().unique()}
    bent = [
        text for text, m in found.items() if m and ((m["rest"] or "") or m["settle"] == m["base"])
    ]
    if bent:
        rest = [text for text in found if text not in bent]
        literal = ", ".join(f'"{text}"' for text in rest)
        raise shapes.asked(
            f"{listing(bent, 6)}: options and inverse contracts are not linear in the price.",
            f'where={{"{symbol}": [{literal}]}} keeps the others.' if rest
            else "take positions in linear contracts.",
            int(frame[symbol].isin(bent).sum()), "C014", "contracts",
        )  # fmt: skip
    base = {text: m["base"] for text, m in found.items() if m}
    if base:
        one = next(iter(base))
        text = f"ccxt: the instrument is the base of the symbol, {one} is {base[one]}."
        findings.append(note("shape", text, len(frame)))
    new: pd.DataFrame = frame.assign(instrument=frame[symbol].map(lambda x: base.get(x, x))).drop(
        columns=symbol
    )
    return new


def _margin(
    frame: pd.DataFrame, have: dict[str, Any], name: schema.Table, how: Reading, findings: list[Any]
) -> pd.DataFrame:
    """The collateral, else the initial margin."""
    column = have.get("collateral", have["initialmargin"])
    if column not in shapes.named(frame, {column: "margin"}, name, how):
        return frame
    empty = frame[column].isna()
    margin = frame[column].where(~empty, frame[have["initialmargin"]])
    if empty.any() or column == have["initialmargin"]:
        rows = int(empty.sum()) or len(frame)
        findings.append(note("margin", f"{plural(rows, 'margin')} from initialMargin.", rows))
    named: pd.DataFrame = frame.assign(margin=margin).drop(columns=column)
    return named


def _shared(frame: pd.DataFrame, have: dict[str, Any], findings: list[Any]) -> None:
    """W020 if several cross positions of an account have the same collateral."""
    column, mode = have.get("collateral"), have.get("marginmode")
    if column not in frame or mode is None:
        return
    cross = frame[frame[mode].astype(str).str.lower().eq("cross") & frame[column].notna()]
    keys = [have[k] for k in ("exchange", "account", "venue", "holder") if k in have]
    groups = cross.groupby(keys or cross[mode].astype(str), dropna=False)[column]
    again = (groups.size() > 1) & (groups.nunique() == 1)
    if again.any():
        rows = int(groups.size()[again].sum())
        findings.append(
            Finding(
                "W020", "warning", "collateral of an account",
                f"{plural(rows, 'cross position')} have the same collateral: it may be that of the "
                "whole account, which is then counted once a position.",
                f'columns={{"{have.get("initialmargin", "…")}": "margin"}} takes that of each.',
                rows,
            )
        )  # fmt: skip


SHAPE = Shape(
    "ccxt",
    "positions in the common form of ccxt",
    "position structure of ccxt 4 (fetch_positions)",
    ("positions",),
    'ct.read_table("positions.json", "positions", constants={"venue": "bybit", "holder": "main"})',
    matches,
    take,
)
