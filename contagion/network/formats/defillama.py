"""DefiLlama: holdings of one protocol by token and day; the JSON of a protocol, or its CSV export.

Read: the answer of api.llama.fi/protocol/NAME with `tokensInUsd` (all chains: borrowed, staked and
pool2 amounts are separate) or `chainTvls.CHAIN.tokensInUsd`, in USD; and the CSV export with the
columns Date, Timestamp and one column a token. The data contain no exposures between nodes. They
become holdings: node (the protocol), asset, value, period (the day). The last snapshot of a day is
used; `where={"chain": "Ethereum"}` selects one chain. Recipe:

    ct.read("exposures.csv", nodes="nodes.csv", holdings="aave.json", period="2025-10-10",
            unit="USD")
    ct.read_table("aave.csv", "holdings", constants={"node": "aave"})
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from ...text import closest, listing, plural
from ...units import parse
from .. import schema
from ..tables import shapes
from ..tables.grids import Source
from ..tables.numbers import numbers
from ..tables.reading import Reading
from ..tables.shapes import Shape, note

APART = ("borrowed", "staking", "pool2", "vesting", "offers", "treasury", "doublecounted",
         "liquidstaking", "dcandlsoverlap")  # fmt: skip


def matches(source: Source) -> bool:
    """Whether it is the JSON of a protocol, or has one row a day with a date and a Unix time."""
    found = source.document
    if isinstance(found, dict):
        return "chainTvls" in found or "tokensInUsd" in found
    names = [schema.key(c) for c in source.headings]
    return names[:2] == ["date", "timestamp"] and len(names) > 2


def take(source: Source, name: schema.Table, how: Reading) -> Source:
    """Convert to holdings with node, asset, value and period."""
    if source.document is None:
        rows, what = _export(source.frame), "one column a token"
        table = pd.DataFrame(rows, columns=["asset", "value", "period"])
        left = sorted(set(table["asset"]) & set(APART))
        table = table[~table["asset"].isin(APART)]
        what += f"; {listing(left)} left out, which count tokens twice" if left else ""
    else:
        table, what = _protocol(source.document, how)
    if not len(table):
        raise shapes.asked(
            "the protocol has no tokensInUsd: no tokens by day.",
            "take api.llama.fi/protocol/NAME of a protocol whose tokens are known.", 1,
        )  # fmt: skip
    read = numbers(table["value"].reset_index(drop=True), how.decimal, how.thousands)
    home = parse(how.unit)
    if read.unread is None and home.asset.upper() in ("", "USD"):
        table = table.assign(value=read.values / (home.factor if home.asset else 1.0))
    days = table["period"].nunique()
    text = f"DefiLlama: {what}, in USD, {plural(days, 'day')}."
    findings = [*source.findings, note("shape", text, len(table))]
    return replace(source, frame=table, document=None, findings=findings, unit="USD")


def _day(stamp: Any) -> str:
    return datetime.fromtimestamp(float(stamp), UTC).date().isoformat()


def _protocol(found: dict[str, Any], how: Reading) -> tuple[pd.DataFrame, str]:
    """Tokens of all chains together, of the requested chain, or of every chain."""
    chains = {
        chain: each.get("tokensInUsd") or []
        for chain, each in (found.get("chainTvls") or {}).items()
        if isinstance(each, dict) and "-" not in chain and schema.key(chain) not in APART
    }
    wanted = how.of("where", "holdings").get("chain")
    if wanted is not None:
        how.use("where:chain")
        if wanted := [wanted] if isinstance(wanted, str) else list(wanted):
            lost = [chain for chain in wanted if chain not in chains]
            if lost:
                near = closest(lost[0], list(chains))
                hint = f" Did you mean {near!r}?" if near else ""
                raise shapes.asked(
                    f"there is no chain {lost[0]!r}; there are {listing(chains, 9)}.{hint}",
                    "where={\"chain\": \"" + (near or next(iter(chains), "…")) + '"}.', 1,
                )  # fmt: skip
            chains = {chain: chains[chain] for chain in wanted}
    elif found.get("tokensInUsd"):
        chains = {"": found["tokensInUsd"]}
    rows = [row for each in chains.values() for row in _rows(each)]
    table = pd.DataFrame(rows, columns=["asset", "value", "period"])
    node = str(found.get("name") or found.get("slug") or "protocol")
    where = listing(chains, 6) if "" not in chains else "all chains"
    return table.assign(node=node), f"{node}, tokensInUsd of {where}"


def _rows(snapshots: list[Any]) -> Iterator[tuple[str, Any, str]]:
    """Tokens of the last snapshot of each day."""
    last = {_day(each["date"]): each for each in sorted(snapshots, key=lambda x: float(x["date"]))}
    for day, each in last.items():
        yield from ((token, value, day) for token, value in each.get("tokens", {}).items())


def _export(frame: pd.DataFrame) -> list[tuple[str, Any, str]]:
    """The CSV export; days from the Unix time, because dates may have day or month first."""
    stamp = frame.columns[1]
    days = {row: _day(x) for row, x in frame[stamp].items()}
    last = list({day: row for row, day in days.items()}.values())
    long = frame.loc[last].reset_index(names="_row").melt(["_row"], list(frame.columns[2:]))
    long = long[long["value"].notna()]
    assets = long["variable"].astype(str)
    return [(a, v, days[r]) for a, v, r in zip(assets, long["value"], long["_row"], strict=True)]


SHAPE = Shape(
    "defillama",
    "one row a date and one column a token: holdings of a protocol (DefiLlama)",
    "api.llama.fi/protocol/NAME (JSON), CSV export with Date and Timestamp",
    ("holdings",),
    'ct.read_table("aave.json", "holdings")',
    matches,
    take,
)
