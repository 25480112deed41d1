"""Tables with several periods: snapshots are separated and never added up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import Finding, NetworkError
from ..text import closest, listing, money, plural
from .formats import Tables
from .tables.frames import to_pandas
from .tables.numbers import numbers
from .tables.snapshots import KEYS as IDS
from .tables.snapshots import codes_of, column, in_order, label

OF_NODES = ("assume_equity", "rules", "start_defaulted")  # settings that name nodes
KEYS = ("nodes", "exposures")


class Periods:
    """The rows of the tables of a network by period.

    Attributes
    ----------
    tables : {name: DataFrame}: nodes, exposures and the other tables.
    columns : {name: column of periods}, for the tables that have one.
    found : the periods of all tables, in order.
    """

    def __init__(self, tables: Mapping[str, Any], asked: bool):
        self.tables = {
            name: to_pandas(table) for name, table in tables.items() if table is not None
        }
        self.columns = {name: "period" for name, t in self.tables.items() if "period" in t}
        self._codes = {name: self._read(name) for name in self.columns}
        stated = {text for _, labels in self._codes.values() for text in labels}
        for name, table in self.tables.items():
            at = None if name in self.columns else column(table, name, asked)
            if at is not None:
                codes, labels = self._read(name, at)
                if not stated or stated >= set(labels):
                    self.columns[name], self._codes[name] = at, (codes, labels)
        self.found = in_order(text for _, known in self._codes.values() for text in known)

    def _read(self, name: str, at: Any = "period") -> tuple[np.ndarray, list[str]]:
        return codes_of(self.tables[name][at])

    def rows(self, name: str, period: str) -> np.ndarray:
        """(rows,) bool: rows of this period; a row without a period belongs to every period."""
        if name not in self.columns:
            return np.ones(len(self.tables[name]), bool)
        codes, labels = self._codes[name]
        mine = np.array([text == period for text in labels] + [True])  # the last: no period
        return np.asarray(mine[codes])

    def has(self, name: str, period: str) -> bool:
        """Whether a table has rows of its own for a period, or no periods at all."""
        return name not in self.columns or period in self._codes[name][1]

    def of(self, period: str) -> dict[str, pd.DataFrame]:
        """The tables of one period; a node row with the period replaces one without a period."""
        chosen = {name: table[self.rows(name, period)] for name, table in self.tables.items()}
        if "nodes" in self.columns:
            codes = self._codes["nodes"][0][self.rows("nodes", period)]
            nodes, own = chosen["nodes"], codes >= 0
            again = nodes["node"].isin(nodes.loc[own, "node"]).to_numpy(bool) & ~own
            chosen["nodes"] = nodes[~again]
        for name, at in self.columns.items():
            if name in KEYS:
                chosen[name] = chosen[name].drop(columns=at).assign(period=period)
        return chosen

    def say(self, name: str, unit: str) -> str:
        """The periods of one table with their rows and amounts."""
        codes, labels = self._codes[name]
        table = self.tables[name]
        amount = numbers(table["amount"]).values if "amount" in table else None
        parts = []
        for period in in_order(labels)[:6]:
            rows = np.isin(codes, [i for i, text in enumerate(labels) if text == period])
            sums = "" if amount is None else f", {money(float(np.nansum(amount[rows])), unit)}"
            parts.append(f"{period} ({plural(int(rows.sum()), 'row')}{sums})")
        more = f" and {len(set(labels)) - 6} more" if len(set(labels)) > 6 else ""
        at = self.columns[name]
        where = "" if at == "period" else f" in the column {str(at)!r}"
        return f"the {name} are of {', '.join(parts)}{more}{where}"


def one(
    tables: Tables, beside: Mapping[str, Any], settings: Mapping[str, Any], unit: str
) -> tuple[Tables, dict[str, Any], dict[str, Any]]:
    """The tables of one period, and settings without nodes that do not occur in it.

    Without `settings["period"]`, tables with several periods are a finding; the last period is
    used, so that the other checks can continue.

    Raises
    ------
    NetworkError
        For a period that the tables do not have.
    """
    wanted = settings.get("period")
    tables.how.use("period")
    named = {"nodes": tables.nodes, "exposures": tables.exposures, **beside}
    periods = Periods(named, asked=wanted is not None)
    kept = dict(settings)
    if wanted is None and len(periods.found) < 2:
        return tables, dict(beside), kept
    period = periods.found[-1] if wanted is None else label(wanted)
    lacking = [name for name in KEYS if name in periods.tables and not periods.has(name, period)]
    if period not in periods.found or lacking:
        where = lacking[0] if lacking and period in periods.found else "tables"
        match = closest(period, periods.found)
        raise NetworkError(
            f"There is no period {period!r} in the {where}; they have "
            f"{listing(periods.found, 9) if periods.found else 'no column period'}."
            + (f" Did you mean {match!r}?" if match and match != period else "")
        )
    chosen = periods.of(period)
    found = [*tables.findings, *_findings(periods, period, wanted is not None, unit)]
    mine = replace(tables, nodes=chosen.get("nodes"), exposures=chosen["exposures"], findings=found)
    return mine, {name: chosen.get(name) for name in beside}, _present(kept, periods, chosen)


def _findings(periods: Periods, period: str, asked: bool, unit: str) -> list[Finding]:
    """C013 for the rows of other periods, W016 for claims without a period."""
    said = "; ".join(periods.say(name, unit) for name in periods.columns)
    at = periods.columns.get("exposures", "period")
    side = f', columns={{"{at}": "instrument"}} says that these are claims side by side'
    side = "" if at == "period" or "instrument" in periods.tables["exposures"] else side
    left = {name: ~periods.rows(name, period) for name in periods.columns}
    claims = periods.tables["exposures"]
    amount = np.abs(numbers(claims["amount"]).values)
    rows = left.get("exposures", np.zeros(len(claims), bool))
    stake = float(np.nansum(amount[rows]))
    count = max(int(gone.sum()) for gone in left.values())
    found = []
    if count:
        found.append(
            Finding(
                "C013",
                "repaired" if asked else "error",
                "periods",
                f"{said}. {f'{period} is taken.' if asked else 'A network is of one period:'}"
                + ("" if asked else " snapshots of one claim are not added up."),
                f'period="{period}" takes one, ct.Panel instead of ct.ExposureNetwork (or '
                f"ct.Panel.read instead of ct.read) takes all{side}.",
                count,
                stake,
                tuple(periods.found[:3]),
            )
        )
    if "exposures" in periods.columns:
        blank = periods._codes["exposures"][0] < 0
        if blank.any():
            found.append(
                Finding(
                    "W016",
                    "warning",
                    "rows without a period",
                    f"{plural(int(blank.sum()), 'claim has', 'claims have')} no period "
                    f"({money(float(np.nansum(amount[blank])), unit)}): counted in every period.",
                    "fill in the column, if they are of one period.",
                    int(blank.sum()),
                )
            )
    return found


def _present(
    settings: dict[str, Any], periods: Periods, chosen: Mapping[str, pd.DataFrame]
) -> dict[str, Any]:
    """The settings without entries for nodes that occur only in other periods."""
    given = {name: settings[name] for name in OF_NODES if settings.get(name)}
    named = list({node for nodes in given.values() for node in nodes})

    def having(tables: Mapping[str, pd.DataFrame]) -> set[Any]:
        sides = [tables[name][key] for name in KEYS if name in tables for key in IDS[name]]
        return {node for side in sides for node in side[side.isin(named)].unique()}

    gone = having(periods.tables) - having(chosen) if named else set()
    for name, nodes in given.items():
        if isinstance(nodes, Mapping):
            settings[name] = {node: value for node, value in nodes.items() if node not in gone}
        else:
            settings[name] = [node for node in nodes if node not in gone]
    return settings
