"""The input checks: one small function each, all run before anything is raised.

Every check looks at a `Draft` (the tables on their way into a network), reports what it
found and applies the repair that the caller chose. Codes and wording are stable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

import numpy as np
import pandas as pd

from . import schema
from .errors import Finding
from .text import closest, listing, money

IDENTITY = ("creditor", "debtor", "layer", "tier", "rank", "as_of", "instrument", "currency")
AGGREGATE = r"(?i)\b(?:total|totals|all countries|world|euro area|all banks)\b|^5[A-Z]:"


class Choices(TypedDict, total=False):
    """What the caller decides about data that is not clean; each word is a repair of one code.

    The defaults stop with an error that names the rows: nothing is repaired unasked.
    """

    duplicates: Literal["error", "sum", "last", "max", "keep"]
    self_loops: Literal["error", "drop"]
    id_map: Mapping[Any, Any]
    unknown_nodes: Literal["error", "external"]
    missing_equity: Literal["error", "external"]
    assume_equity: Mapping[Any, float]
    start_defaulted: Sequence[Any]
    negative: Literal["error", "flip", "abs"]
    na: Literal["error", "zero", "drop"]
    fx: Mapping[str, float]
    decimals: Mapping[str, int]
    scale: Mapping[str, float]
    balance: Literal["error", "add_rest_of_world", "scale_liabilities"]
    aggregates: Literal["error", "drop", "keep"] | Sequence[Any]
    loops: Literal["error", "solve", "cut"]
    collateral: Literal["error", "settle", "ignore"]


ALLOWED: dict[str, tuple[str, ...]] = {
    "duplicates": ("error", "sum", "last", "max", "keep"),
    "self_loops": ("error", "drop"),
    "unknown_nodes": ("error", "external"),
    "missing_equity": ("error", "external"),
    "negative": ("error", "flip", "abs"),
    "na": ("error", "zero", "drop"),
    "balance": ("error", "add_rest_of_world", "scale_liabilities"),
    "loops": ("error", "solve", "cut"),
    "collateral": ("error", "settle", "ignore"),
}


@dataclass
class Draft:
    """The tables on their way into a network. `creditor` and `debtor` are row numbers of `nodes`."""

    nodes: pd.DataFrame
    exposures: pd.DataFrame
    choice: Choices
    unit: str = ""
    origin: str = ""
    creditor: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    debtor: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    amount: np.ndarray = field(default_factory=lambda: np.empty(0))
    findings: list[Finding] = field(default_factory=list)

    def report(
        self,
        code: str,
        title: str,
        message: str,
        fix: str = "",
        *,
        repaired: bool = False,
        rows: np.ndarray | None = None,
        names: Iterable[object] = (),
        count: int = 0,
        amount: float = float("nan"),
    ) -> None:
        """Add a finding; `rows` are positions in the exposure table."""
        samples = self.where(rows) if rows is not None else tuple(map(str, names))[:3]
        severity = "warning" if code.startswith("W") else "repaired" if repaired else "error"
        count = count or (len(rows) if rows is not None else len(list(names)))
        self.findings.append(Finding(code, severity, title, message, fix, count, amount, samples))

    def where(self, rows: np.ndarray, most: int = 3) -> tuple[str, ...]:
        """File and line (or row label) of some rows of the exposure table."""
        labels = self.exposures.index[rows[:most]]
        if self.origin:
            return tuple(f"{self.origin} line {int(label) + 2}" for label in labels)
        return tuple(f"row {label}" for label in labels)

    def lines(self, rows: np.ndarray) -> str:
        more = len(rows) - 3
        return ", ".join(self.where(rows)) + (f" and {more:,} more" if more > 0 else "")

    def keep(self, mask: np.ndarray) -> None:
        """Drop the exposure rows where `mask` is false."""
        self.exposures = self.exposures[mask]
        self.amount = self.amount[mask]
        if len(self.creditor):
            self.creditor, self.debtor = self.creditor[mask], self.debtor[mask]

    def pair(self, row: int) -> str:
        exposures = self.exposures
        return f"{exposures['creditor'].iloc[row]}→{exposures['debtor'].iloc[row]}"

    def share(self, amount: float) -> str:
        total = float(np.abs(self.amount[np.isfinite(self.amount)]).sum())
        return f"{amount / total:.1%}" if total > 0 else "0 %"


def known_choices(choice: Choices) -> None:
    """Raise `ValueError` on a choice or a word that does not exist, naming those that do."""
    for key, value in choice.items():
        if key not in Choices.__annotations__:
            match = closest(key, list(Choices.__annotations__))
            raise TypeError(
                f"Unknown option {key!r}." + (f" Did you mean {match!r}?" if match else "")
            )
        allowed = ALLOWED.get(key)
        if allowed and value not in allowed:
            raise ValueError(f"{key}={value!r}: choose one of {listing(allowed, 9)}.")


def units(draft: Draft) -> None:
    """C007: currencies, decimals and scales that do not go together."""
    exposures, choice = draft.exposures, draft.choice
    if "currency" in exposures:
        currency = exposures["currency"].fillna(draft.unit)
        found = sorted(set(currency.unique()) - {""})
        fx = choice.get("fx", {})
        foreign = [code for code in found if code != draft.unit]
        missing = [code for code in foreign if code not in fx]
        if (len(found) > 1 or (foreign and draft.unit)) and missing:
            draft.report(
                "C007",
                "mixed units",
                f"amounts are in {' and '.join(map(str, found))}; a network has one unit"
                f"{f', here {draft.unit}' if draft.unit else ''}.",
                "fx={" + ", ".join(f'"{code}": …' for code in missing) + "} "
                f'(units of {draft.unit or "the network"} for one), with unit="…".',
                rows=np.flatnonzero(currency.isin(missing).to_numpy()),
            )
        elif fx:
            rate = currency.map(dict(fx)).astype(float).fillna(1.0).to_numpy()
            draft.amount = draft.amount * rate
    _decimals(draft)
    _scales(draft)


def _decimals(draft: Draft) -> None:
    if "decimals" not in draft.exposures and "decimals" not in draft.choice:
        return
    if "decimals" not in draft.choice:
        found = sorted(map(int, draft.exposures["decimals"].dropna().unique()))
        draft.report(
            "C007",
            "raw integers",
            f"a column 'decimals' says {found}: amounts are raw integers.",
            'decimals={"USDC": 6, …} by the column asset divides them.',
            rows=np.arange(len(draft.exposures)),
        )
        return
    places = draft.exposures["asset"].map(dict(draft.choice["decimals"])).astype(float)
    if places.isna().any():
        missing = draft.exposures.loc[places.isna(), "asset"].unique()
        draft.report(
            "C007",
            "raw integers",
            f"no decimals for {listing(missing)}.",
            "add them to decimals={…}.",
            names=missing,
        )
        return
    draft.amount = draft.amount / np.power(10.0, places.to_numpy())


def _scales(draft: Draft) -> None:
    if "source" not in draft.exposures or len(draft.exposures) < 10:
        return
    scale = draft.choice.get("scale", {})
    source = draft.exposures["source"]
    positive = pd.Series(np.where(draft.amount > 0, draft.amount, np.nan), index=source.index)
    logs = np.log10(positive)
    groups = logs.groupby(source).agg(["median", "max", "count"])
    for name, row in groups[groups["count"] >= 5].iterrows():
        rest = logs[source != name]
        if rest.count() < 5 or name in scale:
            continue
        gap = float(rest.median() - row["median"])
        if 5.3 <= gap <= 6.7 and row["max"] < rest.quantile(0.05):
            rows = np.flatnonzero((source == name).to_numpy())
            draft.report(
                "C007",
                "mixed units",
                f"{len(rows)} rows look 10⁶ too small, all from {str(name)!r} (median "
                f"{money(10 ** row['median'])} against {money(10 ** float(rest.median()))}).",
                f'scale={{"{name}": 1e6}}, or scale={{"{name}": 1}} if they are right.',
                rows=rows,
            )
    for name, factor in scale.items():
        draft.amount = np.where((source == name).to_numpy(), draft.amount * factor, draft.amount)


def amounts(draft: Draft) -> None:
    """C006: negative, missing and infinite amounts. NaN never becomes 0 unasked."""
    bad = ~np.isfinite(draft.amount)
    negative = draft.amount < 0
    negative &= ~bad
    if bad.any():
        rows, na = np.flatnonzero(bad), draft.choice.get("na", "error")
        repairable = na != "error" and not np.isinf(draft.amount).any()
        draft.report(
            "C006",
            "amounts not finite",
            f"{len(rows):,} amounts are missing or infinite ({draft.lines(rows)}).",
            'na="drop" leaves the claims out, na="zero" keeps them with amount 0.',
            rows=rows,
            repaired=repairable,
        )
        if repairable and na == "zero":
            draft.amount = np.where(bad, 0.0, draft.amount)
        elif repairable:
            draft.keep(~bad)
            negative = negative[~bad]
    if negative.any():
        rows, how = np.flatnonzero(negative), draft.choice.get("negative", "error")
        stake = float(-draft.amount[rows].sum())
        draft.report(
            "C006",
            "negative amounts",
            f"{len(rows):,} amounts are negative ({draft.lines(rows)}), {money(stake, draft.unit)}. "
            "Supervisory (−) columns and net derivatives often are.",
            'negative="flip" turns creditor and debtor round, negative="abs" drops the sign.',
            rows=rows,
            amount=stake,
            repaired=how != "error",
        )
        if how == "flip":
            exposures = draft.exposures.copy()
            pair = exposures.loc[negative, ["creditor", "debtor"]]
            exposures.loc[negative, "creditor"] = pair["debtor"]
            exposures.loc[negative, "debtor"] = pair["creditor"]
            draft.exposures = exposures
        if how != "error":
            draft.amount = np.abs(draft.amount)


def unknown_ids(draft: Draft) -> None:
    """C004: ids in the exposures that the node table does not have; sets the codes."""
    exposures, id_map = draft.exposures, draft.choice.get("id_map", {})
    known = pd.Index(draft.nodes["node"])
    if not known.is_unique:
        again = known[known.duplicated()].unique()
        draft.report(
            "C004",
            "ids twice",
            f"{len(again)} ids stand twice in the node table: {listing(again)}.",
            "keep one row a node.",
            names=again,
        )
        known = known.drop_duplicates()
        draft.nodes = draft.nodes.drop_duplicates("node")
    codes, lost = [], []
    for side in ("creditor", "debtor"):
        labels, uniques = pd.factorize(exposures[side])
        if id_map:
            uniques = pd.Index(uniques).map(lambda name: id_map.get(name, name))
        place = known.get_indexer(pd.Index(uniques))
        lost.append(pd.Index(uniques)[place < 0])
        place = np.append(place, -1)
        codes.append(place[labels])
    draft.creditor, draft.debtor = codes
    missing = lost[0].union(lost[1], sort=False).unique()
    if not len(missing) and not (draft.creditor < 0).any() and not (draft.debtor < 0).any():
        return
    rows = np.flatnonzero((draft.creditor < 0) | (draft.debtor < 0))
    stake = float(draft.amount[rows].sum())
    external = draft.choice.get("unknown_nodes", "error") == "external" and len(missing) > 0
    names = [_near(name, known) for name in missing[:3]]
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    draft.report(
        "C004",
        "unknown ids",
        f"{len(missing)} ids are missing from nodes: {', '.join(names)}{more} ({draft.lines(rows)}; "
        f"{money(stake, draft.unit)}, {draft.share(stake)} of all exposures).",
        'id_map={"…": "…"}, or unknown_nodes="external" (they lend and borrow but never fail).',
        rows=rows,
        amount=stake,
        repaired=external,
    )
    if external:
        extra = pd.DataFrame({"node": missing, "can_fail": False})
        nodes = draft.nodes
        if "can_fail" not in nodes:
            nodes = nodes.assign(can_fail=True)
        draft.nodes = pd.concat([nodes, extra], ignore_index=True)
        draft.choice = {**draft.choice, "unknown_nodes": "error"}
        draft.findings, findings = [], draft.findings
        unknown_ids(draft)
        draft.findings = findings + draft.findings


def _near(name: object, known: pd.Index) -> str:
    text = str(name)
    if text != text.strip():
        return f"{text!r} ({'trailing' if text != text.rstrip() else 'leading'} space)"
    match = closest(text, list(known))
    return f"{text!r} (closest {match!r})" if match else repr(text)


def self_loops(draft: Draft) -> None:
    """C003: claims of a node on itself."""
    rows = np.flatnonzero((draft.creditor == draft.debtor) & (draft.creditor >= 0))
    if not len(rows):
        return
    stake, drop = float(draft.amount[rows].sum()), draft.choice.get("self_loops") == "drop"
    draft.report(
        "C003",
        "self-loops",
        f"{len(np.unique(draft.creditor[rows]))} nodes hold claims on themselves "
        f"({money(stake, draft.unit)}), {draft.lines(rows)}.",
        'self_loops="drop", or split the group into entities.',
        rows=rows,
        amount=stake,
        repaired=drop,
    )
    if drop:
        mask = np.ones(len(draft.amount), bool)
        mask[rows] = False
        draft.keep(mask)


def duplicate_pairs(draft: Draft) -> None:
    """C002: rows that nothing but the amount tells apart."""
    how = draft.choice.get("duplicates", "error")
    if how == "keep" or len(draft.amount) < 2:
        return
    key = draft.creditor * np.int64(len(draft.nodes) + 1) + draft.debtor
    ordered = np.sort(key)
    if not (ordered[1:] == ordered[:-1]).any():
        return
    by = [c for c in IDENTITY[2:] if c in draft.exposures]
    frame = draft.exposures[by].assign(_key=key)
    again = frame.duplicated(keep=False).to_numpy()
    if not again.any():
        return
    rows = np.flatnonzero(again)
    pairs = frame[again].drop_duplicates()
    stake = float(draft.amount[rows].sum())
    same = rows[(frame.iloc[rows] == frame.iloc[rows[0]]).all(axis=1).to_numpy()]
    draft.report(
        "C002",
        "duplicate pairs",
        f"{len(pairs):,} pairs appear more than once ({len(rows):,} rows, "
        f"{money(stake, draft.unit)}, {draft.share(stake)} of all exposures), e.g. "
        f"{draft.pair(int(same[0]))} in {', '.join(draft.where(same))}.",
        'duplicates="sum" | "last" | "max" | "keep" (separate instruments).',
        rows=rows,
        amount=stake,
        repaired=how != "error",
    )
    if how == "error":
        return
    group = frame.groupby(list(frame.columns), dropna=False, sort=False)
    if how == "last":
        draft.keep(~frame.duplicated(keep="last").to_numpy())
        return
    amount = pd.Series(draft.amount, index=frame.index).groupby(group.ngroup()).transform(how)
    draft.amount = amount.to_numpy()
    draft.keep(~frame.duplicated(keep="first").to_numpy())


def aggregates(draft: Draft) -> None:
    """C010: rows that are sums of other rows of the table."""
    choice = draft.choice.get("aggregates", "error")
    if choice == "keep":
        return
    nodes = draft.nodes
    if isinstance(choice, str):
        label = nodes["name"] if "name" in nodes else nodes["node"]
        text = label.where(label.notna(), nodes["node"]).astype(str)
        hit = text.str.contains(AGGREGATE) | nodes["node"].astype(str).str.contains(AGGREGATE)
    else:
        hit = nodes["node"].isin(list(choice))
    found = np.flatnonzero(hit.to_numpy())
    if not len(found):
        return
    rows = np.flatnonzero(np.isin(draft.creditor, found) | np.isin(draft.debtor, found))
    stake, names = float(draft.amount[rows].sum()), nodes["node"].iloc[found]
    draft.report(
        "C010",
        "aggregates",
        f"{listing(names)} look like sums of other nodes in the table "
        f"({money(stake, draft.unit)} counted twice).",
        'aggregates="drop", aggregates=["…"] to name them, or aggregates="keep" if they are not.',
        names=names,
        amount=stake,
        repaired=choice != "error",
    )
    if choice != "error":
        mask = np.ones(len(draft.amount), bool)
        mask[rows] = False
        draft.keep(mask)
        renumber = np.cumsum(~hit.to_numpy()) - 1
        draft.nodes = nodes[~hit.to_numpy()].reset_index(drop=True)
        draft.creditor, draft.debtor = renumber[draft.creditor], renumber[draft.debtor]


def oddities(draft: Draft) -> None:
    """Warnings: nothing is wrong for certain, but a reader should know."""
    exposures, nodes, n = draft.exposures, draft.nodes, len(draft.nodes)
    zero = np.flatnonzero(draft.amount == 0)
    if len(zero):
        draft.report(
            "W001",
            "amounts of 0",
            f"{len(zero):,} claims have amount 0 ({draft.lines(zero)}).",
            rows=zero,
        )
    if "as_of" in exposures:
        dates = sorted(exposures["as_of"].dropna().astype(str).unique())
        if len(dates) > 1:
            draft.report(
                "W002",
                "dates differ",
                f"amounts are of {len(dates)} dates, from {dates[0]} to {dates[-1]}.",
                names=dates,
            )
    touched = np.bincount(draft.creditor, minlength=n) + np.bincount(draft.debtor, minlength=n)
    alone = nodes["node"].iloc[np.flatnonzero(touched == 0)]
    if len(alone):
        draft.report(
            "W003",
            "isolated nodes",
            f"{len(alone):,} nodes have no exposure: {listing(alone)}.",
            names=alone,
        )
    if "group" in nodes:
        groups = nodes.loc[nodes["node"].isin(nodes["group"]), "node"]
        if len(groups):
            draft.report(
                "W004",
                "group and member",
                f"{listing(groups)} and members of the group are both present.",
                names=groups,
            )
    amount = draft.amount[draft.amount > 0]
    if len(amount) >= 20:
        floor = amount.min()
        censored = float((amount == floor).mean())
        if censored > 0.2:
            draft.report(
                "W005",
                "censored",
                f"{censored:.0%} of the amounts equal the smallest, "
                f"{money(float(floor), draft.unit)}: a reporting threshold?",
            )
        if amount.max() < 20 and amount.min() > 1 and np.ptp(amount) > 3:
            draft.report(
                "W006",
                "logarithms?",
                f"amounts look like logarithms ({amount.min():.3g} to {amount.max():.3g}).",
            )
    if {"symbol", "chain"} <= set(nodes):
        twice = nodes.loc[nodes["symbol"].duplicated(keep=False), "symbol"].dropna().unique()
        if len(twice):
            draft.report(
                "W007", "symbols", f"{listing(twice)} exist on more than one chain.", names=twice
            )


TABLE_CHECKS: tuple[Callable[[Draft], None], ...] = (units, amounts, unknown_ids)
CLAIM_CHECKS: tuple[Callable[[Draft], None], ...] = (
    self_loops,
    duplicate_pairs,
    aggregates,
    oddities,
)


def required_columns(table: pd.DataFrame, name: schema.Table) -> None:
    """Raise `NetworkError` when a required column is missing, naming the closest one there is."""
    from .errors import NetworkError

    for column in schema.columns(name).values():
        if column.required == "yes" and column.column not in table:
            match = closest(column.column, list(table.columns))
            hint = f' Did you mean columns={{"{match}": "{column.column}"}}?' if match else ""
            raise NetworkError(
                f"The {name} table has no column {column.column!r} ({column.meaning}); it has "
                f"{listing(table.columns, 9)}.{hint}"
            )


def findings_table(findings: Sequence[Finding]) -> pd.DataFrame:
    """Findings as a DataFrame: code, severity, title, count, amount, message, fix, samples."""
    names = ["code", "severity", "title", "count", "amount", "message", "fix", "samples"]
    return pd.DataFrame([[getattr(f, n) for n in names] for f in findings], columns=names)
