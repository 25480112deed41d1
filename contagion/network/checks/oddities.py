"""Warnings: possible problems that are not certain errors."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...text import listing, money, percent, plural
from .draft import Draft


def oddities(draft: Draft) -> None:
    """W001 to W007, W013, W015, in order."""
    zero(draft)
    dates(draft)
    isolated(draft)
    groups(draft)
    censored(draft)
    logarithms(draft)
    symbols(draft)
    twins(draft)
    own_rates(draft)


def zero(draft: Draft) -> None:
    """W001: amounts of 0."""
    rows = np.flatnonzero(draft.amount == 0)
    if len(rows):
        draft.report(
            "W001",
            "amounts of 0",
            f"{plural(len(rows), 'claim has', 'claims have')} amount 0 ({draft.lines(rows)}): paid "
            "back, or below a threshold?",
            rows=rows,
        )


def dates(draft: Draft) -> None:
    """W002: as-of dates differ."""
    if "as_of" not in draft.columns:
        return
    found = sorted(map(str, draft.columns["as_of"].dropna().unique()))
    if len(found) > 1:
        draft.report(
            "W002",
            "dates differ",
            f"amounts are of {len(found):,} dates, from {found[0]} to {found[-1]}: one claim may "
            "be there twice, or already be paid.",
            names=found,
            count=len(found),
        )


def isolated(draft: Draft) -> None:
    """W003: nodes without any exposure."""
    n = len(draft.nodes)
    touched = np.zeros(len(draft.names) + 1, bool)
    touched[draft.creditor] = True
    touched[draft.debtor] = True
    alone = ~touched[:n]
    if alone.any():
        names = draft.some(alone)
        draft.report(
            "W003",
            "isolated nodes",
            f"{plural(len(names), 'node has', 'nodes have')} no exposure: {listing(names)}. "
            "Contagion reaches them only through guarantees that they give and shares they hold.",
            names=names,
        )


def groups(draft: Draft) -> None:
    """W004: a group and a member of it are both nodes."""
    nodes = draft.nodes
    if "group" not in nodes:
        return
    inside = nodes["group"].notna() & (nodes["group"] != nodes["node"])
    both = nodes.loc[nodes["node"].isin(nodes.loc[inside, "group"]), "node"]
    if len(both):
        draft.report(
            "W004",
            "group and member",
            f"{listing(both)} and members of the group are both present: a consolidated claim "
            "would be there twice.",
            names=both,
        )


def _positive(draft: Draft) -> np.ndarray:
    good = (draft.amount > 0) & np.isfinite(draft.amount)
    return draft.amount if good.all() else draft.amount[good]


def censored(draft: Draft) -> None:
    """W005: many amounts equal the smallest one."""
    amount = _positive(draft)
    if len(amount) < 20:
        return
    floor = float(amount.min())
    share = float((amount == floor).mean())
    if 0.2 < share < 1:
        draft.report(
            "W005",
            "censored amounts",
            f"{percent(share)} of the amounts equal the smallest, {money(floor, draft.unit)}: a "
            "reporting threshold? The true amounts are then unknown.",
            count=int(share * len(amount)),
        )


def logarithms(draft: Draft) -> None:
    """W006: amounts that are small, spread over few units and never whole look like logarithms."""
    amount = _positive(draft)
    if len(amount) < 20 or amount.max() >= 30 or amount.min() <= 1 or np.ptp(amount) <= 3:
        return
    if (amount == np.round(amount)).mean() < 0.1:
        draft.report(
            "W006",
            "logarithms?",
            f"amounts run from {amount.min():.3g} to {amount.max():.3g} and look like logarithms.",
            "10 ** amount are the amounts, if they are.",
            count=len(amount),
        )


def symbols(draft: Draft) -> None:
    """W007: a symbol that exists on more than one chain."""
    nodes = draft.nodes
    if "symbol" not in nodes or "chain" not in nodes:
        return
    known = nodes[["symbol", "chain"]].dropna().drop_duplicates()
    twice = known.loc[known["symbol"].duplicated(), "symbol"].unique()
    if len(twice):
        draft.report(
            "W007",
            "symbols",
            f"{listing(twice)} exist{'s' if len(twice) == 1 else ''} on more than one chain: a "
            "symbol is not an id.",
            names=twice,
        )


def twins(draft: Draft) -> None:
    """W013: node ids that differ only in case or spaces."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = draft.names[: len(draft.nodes)]
    if not isinstance(ids.dtype, pd.StringDtype) or not len(ids):
        return
    alike = pc.utf8_lower(pc.utf8_trim_whitespace(pa.array(ids, from_pandas=True)))
    if pc.count_distinct(alike, mode="all").as_py() < len(ids):
        names = pd.Series(ids)
        again = names.str.strip().str.lower().duplicated(keep=False).to_numpy()
        draft.report(
            "W013",
            "almost the same id",
            f"{listing(names[again])} differ only in case or spaces: one node, or several?",
            'id_map={"…": "…"} and one row in the node table, if they are one.',
            names=names[again],
        )


def own_rates(draft: Draft) -> None:
    """W015: claims have a loss given default that not every model can use."""
    if "lgd" not in draft.columns:
        return
    rows = np.flatnonzero(draft.columns["lgd"].notna().to_numpy())
    if len(rows):
        draft.report(
            "W015",
            "loss given default of claims",
            f"{plural(len(rows), 'claim has', 'claims have')} an lgd. Furfine, CreditFunding, "
            "OverlappingPortfolios and the valuation Furfine use it; clearing computes what is "
            "lost, DebtRank and the other valuations use the equity of the debtor.",
            "ct.models.Furfine() is a model that uses it.",
            rows=rows,
        )
