"""The section Exposures: the largest against capital, and who lends on balance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...facts import Fact, Sentence
from ...measures.scorecards import large_exposures
from ...network.exposure_network import ExposureNetwork
from ...plot.pieces import names
from ...plot.style import kinds, percent
from ...plot.style import rows as rows_of
from ...text import plural
from ...units import Scale, scale
from ..given import Given
from ..parts import Exhibit, table
from ..phrases import (
    left_out,
    signed,
)

EXPOSURES = 20
ENDS = 10  # net lenders, and net borrowers


def exhibits(about: Given) -> list[Exhibit]:
    """T6, T7: the largest exposures against capital, and who lends on balance."""
    network = about.network
    if not len(network.amount):
        return [Exhibit("T6", "Largest exposures", missing="There are no exposures.")]
    return [
        _largest(network),
        _balances(network),
        *filter(None, [_parts(network), _roles(network)]),
    ]


def _largest(network: ExposureNetwork) -> Exhibit:
    """T6: the largest exposures, with the part of the creditor's capital."""
    frame = large_exposures(network).table
    name, whole = names(network), float(frame["exposure"].sum())
    known = bool(frame["capital"].notna().any())
    shown = frame.sort_values("exposure", ascending=False, kind="stable").head(EXPOSURES)
    to = scale([*shown["exposure"], *shown["capital"]], network.unit)
    rows = [
        [
            name[row.creditor],
            name[row.counterparty],
            to(row.exposure),
            percent(row.exposure / whole) if whole else "–",
            *(_against(row, to) if known else []),
        ]
        for row in rows_of(shown)
    ]
    more = len(frame) - len(rows)
    note = (
        f"Amounts in {to.label or 'money'}, face values; all that one creditor holds on one debtor "
        "is one exposure." + (BASEL if known else "") + left_out(more, "smaller exposures")
    )
    head = ["creditor", "debtor", "exposure", "of all"]
    head += ["capital", "of capital", "flag"] if known else []
    done = table(head, rows, text=2, note=note, words=[6])
    return Exhibit("T6", "Largest exposures", _flagged(frame, name), table=done)


def _against(row: Any, to: Scale) -> list[str]:
    """Capital, the part of it, and what that means."""
    part = "–" if pd.isna(row.percent) else f"{row.percent:,.0f}%"
    none = row.flag == "breach" and pd.isna(row.percent)
    return [to(row.capital), part, "no positive capital" if none else FLAGS.get(row.flag, row.flag)]


BASEL = (
    " Capital is equity of the balance sheet, in place of Tier 1. The limits of 25% and 10% are "
    "those of the Basel large exposures standard for banks; for others they are a yardstick. "
    "–: not known, or not positive."
)
FLAGS = {"breach": "above 25%", "large": "10% or more", "unknown capital": "capital not known"}


def _flagged(frame: pd.DataFrame, name: dict[object, str]) -> str:
    """How many exposures are large, and which one is the largest part of capital."""
    count = frame["flag"].value_counts()
    unknown = int(count.get("unknown capital", 0))
    if unknown == len(frame):
        return "No creditor's capital is known: equity in the table of nodes would give the parts."
    over, large = int(count.get("breach", 0)), int(count.get("large", 0))
    said = (
        f"{plural(over, 'exposure')} of {len(frame):,} "
        f"{'is' if over == 1 else 'are'} above 25% of the capital of the creditor, "
        f"{large:,} more 10% or above."
    )
    known = frame[frame["percent"].notna()]
    if len(known):
        top = known.iloc[0]
        said += (
            f" The largest part: {name[top['creditor']]} on {name[top['counterparty']]}, "
            f"{top['percent']:,.0f}%."
        )
    if unknown:
        said += f" For {plural(unknown, 'exposure')} the capital is not known."
    return said


def _balances(network: ExposureNetwork) -> Exhibit:
    """T7: claims less debts, net lenders first."""
    book, name, kind = network.book, names(network), kinds(network)
    net = book.claims - book.debts
    order = np.lexsort((-book.claims, -net))
    to = scale([*book.claims, *book.debts], network.unit)

    floor = 1e-9 * float(book.claims.sum())

    def line(first: list[str], at: Sequence[int]) -> list[str]:
        claims, debts, balance = (float(x[at].sum()) for x in (book.claims, book.debts, net))
        return [*first, to(claims), to(debts), signed(balance, to, floor)]

    rows = [line([name[network.names[i]], str(kind[i])], [i]) for i in order]
    middle = order[ENDS:-ENDS]
    if len(middle):
        rest = line([f"{plural(len(middle), 'other')}", ""], list(middle))
        rows = [*rows[:ENDS], rest, *rows[-ENDS:]]
    total = float(book.claims.sum())
    lend, borrow = int((net > 0).sum()), int((net < 0).sum())
    moved = percent(float(net[net > 0].sum()) / total) if total else "0%"
    lead = (
        f"{plural(lend, 'node')} lend{'s' if lend == 1 else ''} to the others on balance, "
        f"{borrow:,} borrow{'s' if borrow == 1 else ''}; the balances are {moved} of all claims."
    )
    head = ["node", "kind", "claims", "debts", "claims less debts"]
    note = f"Amounts in {to.label or 'money'}; claims and debts inside the network."
    done = table(head, rows, text=2, note=note, total=["all", "", to(total), to(total), "0"])
    return Exhibit("T7", "Net lenders and net borrowers", lead, table=done)


def sentences(network: ExposureNetwork) -> list[Sentence]:
    """The exposure that is the largest part of the capital of its creditor."""
    if not len(network.amount):
        return []
    frame = large_exposures(network).table
    shown = frame.sort_values("exposure", ascending=False, kind="stable").head(EXPOSURES)
    top = shown[shown["percent"].notna()].nlargest(1, "percent")
    if top.empty or not top["percent"].iloc[0] > 100 * LIMIT:
        return []
    row, name = top.iloc[0], names(network)
    of = (name[row["creditor"]], name[row["counterparty"]])
    facts = {
        "part": Fact("of capital", float(row["percent"]) / 100, "share", of, "T6"),
        "who": Fact("creditor", of[0], "name", of, "T6"),
        "on": Fact("debtor", of[1], "name", of, "T6"),
    }
    text = "{part} of the capital of {who} is one exposure, on {on}."
    return [Sentence(text, facts, ("capital",))]


LIMIT = 0.25  # of capital, above which an exposure is large


GROUPED = ("instrument", "currency", "layer", "maturity", "asset")  # columns of claims


def _parts(network: ExposureNetwork) -> Exhibit | None:
    """T7I: the claims by instrument, currency, layer and maturity, where the table has them."""
    frame, amount = network.exposures, pd.Series(network.amount)
    total = float(amount.sum())
    to, rows = scale([total], network.unit), []
    for column in GROUPED:
        if column not in frame or frame[column].isna().all():
            continue
        words = frame[column].fillna("not said").astype(str).to_numpy()
        by = amount.groupby(words).agg(["sum", "count"]).sort_values("sum", ascending=False)
        rows += [
            ["" if at else column, word, to(x), percent(x / total) if total else "–", f"{count:,}"]
            for at, (word, x, count) in enumerate(by.head(ENDS).itertuples())
        ]
    if not rows:
        return None
    head = ["by", "", to.named("claims"), "share", "number"]
    note = f"The {ENDS} largest of each." if len(rows) > ENDS else ""
    return Exhibit("T7I", "Claims by kind of contract", table=table(head, rows, text=2, note=note))


def _roles(network: ExposureNetwork) -> Exhibit | None:
    """T7V: who deals with how many venues (nodes with a rule of their own), and in which role."""
    name, venues = names(network), [node for node in network.names if node in network.rules]
    if len(venues) < 2:
        return None
    at = {node: i for i, node in enumerate(network.names)}
    is_venue = np.zeros(len(network), bool)
    is_venue[[at[node] for node in venues]] = True
    real, n = network.amount > 0, len(network)

    def touched(mine: np.ndarray, other: np.ndarray) -> np.ndarray:
        keep = real & is_venue[other]
        pairs = np.unique(mine[keep] * np.int64(n) + other[keep])
        return np.bincount(pairs // n, minlength=n)

    held, owed = (
        touched(network.creditor, network.debtor),
        touched(network.debtor, network.creditor),
    )
    backs = np.zeros(n, int)
    if network.guarantees is not None:
        by = network.guarantees.drop_duplicates(["guarantor", "debtor"])["guarantor"].value_counts()
        backs = np.array([int(by.get(node, 0)) for node in network.names])
    order = np.lexsort((-owed, -(held + owed + backs)))
    shown = [int(i) for i in order if held[i] + owed[i] + backs[i] > 1][:EXPOSURES]
    if not shown:
        return None
    rows = [[name[network.names[i]], f"{held[i]}", f"{owed[i]}", f"{backs[i]}"] for i in shown]
    head = ["node", "venues it has claims on", "venues it owes", "venues it guarantees"]
    lead = f"{len(venues):,} venues have rules of their own; one default touches all that it owes."
    return Exhibit("T7V", "Nodes and their roles at venues", lead, table=table(head, rows))
