"""C007: currencies, decimals and scales that are not consistent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...errors import ArgumentError
from ...text import known_name, listing, money, plural
from ...units import parse
from .. import schema
from ..tables import currencies
from .draft import Draft, column

APART = (1e-5, 1e5)  # plausible range of the median ratio of balance sheet to exposures
SMALL, LARGE = 5.3, 6.7  # range in decades that counts as a factor of about 10⁶


def units(draft: Draft) -> None:
    """Convert amounts by the options given, and report amounts that cannot be added up."""
    _multiplied(draft)
    assets = _decimals(draft)
    named = "currency" in draft.columns and draft.columns["currency"].notna().any()
    _currencies(draft, "currency" if named and not assets else "asset")
    _node_currencies(draft)
    _scales(draft)
    _sizes(draft)


def _multiplied(draft: Draft) -> None:
    """Multiply amounts by 10 to the power of the column `unit_mult`, in the network's unit."""
    columns = draft.columns
    if "unit_mult" not in columns or not columns["unit_mult"].notna().any():
        return
    power = columns["unit_mult"].fillna(0.0).to_numpy(np.float64)
    factor = 10.0**power / parse(draft.unit).factor
    draft.columns = columns.drop(columns=["unit_mult"])
    if (factor != 1).any():
        draft.pay(draft.amount * factor)
        rows = np.flatnonzero(factor != 1)
        draft.report(
            "C007",
            "mixed units",
            f"{plural(len(rows), 'amount')} multiplied by 10 to unit_mult, in "
            f"{draft.unit or 'single units'}.",
            rows=rows,
            amount=draft.stake(rows),
            repaired=True,
        )


def _sizes(draft: Draft) -> None:
    """W018: balance sheets and exposures that differ by a factor of 10⁵ or more (median)."""
    nodes, n = draft.nodes, len(draft.nodes)
    if not ("equity" in nodes or "total_assets" in nodes) or not len(draft.amount):
        return
    good = np.isfinite(draft.amount) & (np.minimum(draft.creditor, draft.debtor) >= 0)
    good &= np.maximum(draft.creditor, draft.debtor) < n
    amount = np.abs(draft.amount[good])
    sums = np.bincount(draft.creditor[good], amount, n)
    sums = np.maximum(sums, np.bincount(draft.debtor[good], amount, n))
    for name in ("equity", "total_assets"):
        if name not in nodes:
            continue
        size = np.abs(column(nodes, name))
        both = (size > 0) & np.isfinite(size) & (sums > 0) & np.isfinite(sums)
        if both.sum() < 2:
            continue
        ratio = float(np.median(size[both] / sums[both]))
        if APART[0] < ratio < APART[1]:
            continue
        large = "balance sheets" if ratio > 1 else "exposures"
        draft.report(
            "W018",
            "scales differ",
            f"{name.replace('_', ' ')} of the nodes is {ratio:.2g} times their exposures (median): "
            f"the {large} look {'10⁶' if 4.5 < abs(np.log10(ratio)) < 8 else 'far'} too large. "
            "Single units beside millions?",
            "write both tables in one unit.",
            names=nodes["node"][both],
        )
        return


def _decimals(draft: Draft) -> bool:
    """Convert raw integer amounts to tokens; true if the amounts are then in units of assets."""
    columns, choice = draft.columns, draft.choice.get("decimals")
    if choice is None:
        if "decimals" in columns and columns["decimals"].notna().any():
            found = columns["decimals"].dropna()
            per = columns["asset"].loc[found.index] if "asset" in columns else found.index.map(str)
            shown = dict(zip(per, found.astype(int), strict=True))
            said = ", ".join(f"{k} has {v}" for k, v in list(shown.items())[:3])
            draft.report(
                "C007",
                "raw integers",
                f"a column 'decimals' says that amounts are raw integers ({said}): one token "
                "counts as 10 to that power.",
                'decimals="column" divides by it'
                + (f", decimals={_literal(shown)} by asset." if "asset" in columns else "."),
                rows=np.flatnonzero(columns["decimals"].notna()),
            )
        elif "asset" in columns and len(draft.amount):
            _maybe_raw(draft)
        return False
    if choice == "column":
        draft.how.use("decimals")
        if "decimals" not in columns:
            raise ArgumentError("decimals=\"column\": the exposures have no column 'decimals'.")
        places = columns["decimals"].astype(float)
        what = "decimals"
    else:
        if "asset" not in columns:
            raise ArgumentError("decimals={…} needs the column 'asset'; the exposures have none.")
        places, what = columns["asset"].map(dict(choice)).astype(float), "asset"
        draft.how.use(*(f"decimals:{name}" for name in columns["asset"].unique()))
    blank = places.isna().to_numpy()
    if blank.any():
        missing = columns[what][blank].unique()
        draft.report(
            "C007",
            "raw integers",
            f"no decimals are known for {listing(missing)} ({draft.lines(np.flatnonzero(blank))}).",
            "decimals={" + ", ".join(f'"{name}": …' for name in missing[:3]) + "}.",
            rows=np.flatnonzero(blank),
        )
        return False
    draft.pay(draft.amount / np.power(10.0, places.to_numpy()))
    draft.columns = columns.drop(columns=["decimals"], errors="ignore")
    draft.report(
        "C007",
        "raw integers",
        f"{plural(len(draft.amount), 'raw amount')} divided by 10 to the decimals of the asset.",
        rows=np.arange(len(draft.amount)),
        amount=draft.stake(np.arange(len(draft.amount))),
        repaired=True,
    )
    return "asset" in columns


def _literal(shown: dict[Any, Any]) -> str:
    pairs = [f'"{name}": {int(places)}' for name, places in shown.items()]
    return "{" + ", ".join(pairs) + "}"


def _maybe_raw(draft: Draft) -> None:
    amount = draft.amount[np.isfinite(draft.amount)]
    if len(amount) and amount.max() >= 1e15 and (amount == np.round(amount)).all():
        draft.report(
            "W011",
            "raw integers?",
            f"the largest amount is {amount.max():.3g} and all are whole numbers: do they still "
            "carry the decimals of the token (USDC 6, WETH 18)?",
            'decimals={"USDC": 6, "WETH": 18} divides by asset.',
            rows=np.flatnonzero(draft.amount >= 1e15),
        )


def _rates(draft: Draft, codes: pd.Series) -> tuple[np.ndarray | None, list[str], list[str]]:
    fx = draft.choice.get("fx", {})
    rate, found, missing = currencies.rates(codes, draft.unit, fx)
    draft.how.use(*(f"fx:{code}" for code in found))
    return rate, found, missing


def _how(draft: Draft) -> str:
    return " with fx=" if draft.choice.get("fx") else ""


def _codes(column: pd.Series) -> pd.Series:
    return column.fillna("(empty)").astype(str).str.strip()


def _currencies(draft: Draft, by: str) -> None:
    if by not in draft.columns or not draft.columns[by].notna().any():
        return
    codes = draft.columns[by]
    rate, found, missing = _rates(draft, codes)
    if missing:
        where = _codes(codes).isin(missing).to_numpy()
        rows = np.flatnonzero(where)
        here = f", here {draft.unit}" if draft.unit else ""
        draft.report(
            "C007",
            "mixed units",
            f"amounts are in {listing(found, 6)}; a network has one unit{here}. "
            f"{plural(len(rows), 'amount')} cannot be added to the rest ({draft.lines(rows)}).",
            currencies.fix(missing, draft.unit),
            rows=rows,
        )
    elif rate is not None and (rate != 1.0).any():
        rows = np.flatnonzero(rate != 1.0)
        draft.pay(draft.amount * rate)
        if "collateral" in draft.columns:
            draft.columns = draft.columns.assign(collateral=draft.columns["collateral"] * rate)
        into = draft.unit or "the unit of the network"
        draft.report(
            "C007",
            "mixed units",
            f"{plural(len(rows), 'amount')} converted to {into}{_how(draft)}: {listing(found, 6)}.",
            rows=rows,
            amount=draft.stake(rows),
            repaired=True,
        )
        draft.columns = draft.columns.rename(columns={by: f"original_{by}"})


def _node_currencies(draft: Draft) -> None:
    """Convert balance sheets in a currency other than that of the network."""
    nodes = draft.nodes
    if "currency" not in nodes or not nodes["currency"].notna().any():
        return
    rate, found, missing = _rates(draft, nodes["currency"])
    if missing:
        draft.report(
            "C007",
            "mixed units",
            f"balance sheets of the node table are in {listing(found, 6)}; a network has one unit.",
            currencies.fix(missing, draft.unit),
            names=nodes["node"][_codes(nodes["currency"]).isin(missing)],
        )
    elif rate is not None and (rate != 1.0).any():
        money_columns = [
            name
            for name, column in schema.columns("nodes").items()
            if column.unit == "money" and name in nodes
        ]
        converted = {name: nodes[name] * rate for name in money_columns}
        renamed = nodes.rename(columns={"currency": "original_currency"})
        draft.nodes = renamed.assign(**converted)
        draft.report(
            "C007",
            "mixed units",
            f"balance sheets of {plural(int((rate != 1).sum()), 'node')} converted{_how(draft)}.",
            names=nodes["node"][rate != 1],
            repaired=True,
        )


def _scales(draft: Draft) -> None:
    scale = draft.choice.get("scale", {})
    if "source" not in draft.columns:
        if scale:
            raise ArgumentError("scale={…} needs the column 'source'; the exposures have none.")
        return
    labels, uniques = pd.factorize(draft.columns["source"])
    sources = [str(name) for name in pd.Index(uniques)]
    for name, factor in scale.items():
        known_name(name, sources, "source", "scale")
        rows = np.flatnonzero(labels == sources.index(name))
        if factor != 1:
            amount = draft.amount.copy()
            amount[rows] *= factor
            draft.pay(amount)
            draft.report(
                "C007",
                "mixed units",
                f"{plural(len(rows), 'row')} of {name!r} multiplied by {factor:g}.",
                rows=rows,
                amount=draft.stake(rows),
                repaired=True,
            )
    if len(draft.amount) >= 10 and len(sources) > 1:
        _odd_scales(draft, labels, sources, set(scale))


def _odd_scales(draft: Draft, labels: np.ndarray, sources: list[str], settled: set[str]) -> None:
    use = np.isfinite(draft.amount) & (draft.amount > 0) & (labels >= 0)
    logs, group = np.log10(draft.amount[use]), labels[use]
    count = np.bincount(group, minlength=len(sources))
    middle = pd.Series(logs).groupby(group).median().reindex(range(len(sources)))
    away = np.abs(middle.to_numpy() - np.median(logs)) if len(logs) else np.zeros(len(sources))
    for at in np.flatnonzero((count >= 5) & (away >= SMALL / 2))[:20]:
        name, mine = sources[at], group == at
        rest, own = logs[~mine], logs[mine]
        if name in settled or len(rest) < 5:
            continue
        gap = float(np.median(rest) - np.median(own))
        small = SMALL <= gap <= LARGE and own.max() < np.quantile(rest, 0.05)
        large = -LARGE <= gap <= -SMALL and own.min() > np.quantile(rest, 0.95)
        if not (small or large):
            continue
        rows = np.flatnonzero(labels == at)
        draft.report(
            "C007",
            "mixed units",
            f"{plural(len(rows), 'row')} look{'s' if len(rows) == 1 else ''} 10⁶ too "
            f"{'small' if small else 'large'}, all from {name!r} ({draft.lines(rows)}): median "
            f"{money(float(np.median(10**own)), draft.unit)} against "
            f"{money(float(np.median(10**rest)), draft.unit)} elsewhere. Millions beside units?",
            f'scale={{"{name}": {"1e6" if small else "1e-6"}}}, or scale={{"{name}": 1}} if they '
            "are right.",
            rows=rows,
            amount=draft.stake(rows),
        )
        return
