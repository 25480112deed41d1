"""The section Exposures: the largest ones over capital, and net lenders."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ... import plot
from ...facts import Fact, Sentence
from ...measures.scorecards import large_exposures
from ...network.exposure_network import ExposureNetwork
from ...plot.pieces import names
from ...plot.style import kinds, percent
from ...plot.style import rows as rows_of
from ...text import plural
from ...units import Scale, scale
from ..figures import figure
from ..given import Given
from ..parts import Exhibit, table
from ..phrases import left_out, signed
from . import clearing

EXPOSURES = 20
ENDS = 10  # net lenders, and net borrowers


def exhibits(about: Given) -> list[Exhibit]:
    """T6, F5, T7, T7I, and for venues T7V, T7W, T7C: exposures, balances, contracts, resources."""
    network = about.network
    if not len(network.amount):
        return [Exhibit("T6", "Largest exposures", missing="There are no exposures.")]
    return [
        _largest(network),
        *_between_kinds(about),
        _balances(network),
        *filter(None, [_parts(network)]),
        *clearing.exhibits(network),
    ]


def _largest(network: ExposureNetwork) -> Exhibit:
    """T6: the largest exposures, as a share of the creditor's capital."""
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
        f"Amounts in {to.label or 'money'}, face values; all claims of one creditor on one debtor "
        "are one exposure." + (BASEL if known else "") + left_out(more, "smaller exposures")
    )
    head = ["creditor", "debtor", "exposure", "of all"]
    head += ["capital", "of capital", "flag"] if known else []
    done = table(head, rows, text=2, note=note, words=[6])
    return Exhibit("T6", "Largest exposures", _flagged(frame, name), table=done)


def _against(row: Any, to: Scale) -> list[str]:
    """Capital, the exposure as a share of it, and the verdict on that share."""
    part = "–" if pd.isna(row.percent) else f"{row.percent:,.0f}%"
    none = row.flag == "breach" and pd.isna(row.percent)
    return [to(row.capital), part, "no positive capital" if none else FLAGS.get(row.flag, row.flag)]


BASEL = (
    " Capital is equity of the balance sheet, in place of Tier 1. The limits of 25% and 10% are "
    "those of the Basel large exposures standard for banks; for others they are a yardstick. "
    "–: not known, or not positive."
)
FLAGS = {"breach": "above 25%", "large": "10% or more", "unknown capital": "capital not known"}


def _flagged(frame: pd.DataFrame, name: dict[object, str]) -> Sentence | str:
    """The number of large exposures, and the exposure with the largest share of capital."""
    flags = frame["flag"].value_counts()
    unknown = int(flags.get("unknown capital", 0))
    if unknown == len(frame):
        return "No creditor's capital is known: equity in the table of nodes would give the shares."
    facts = {
        key: Fact("flag", int(number), "count", (key,), "T6", noun)
        for key, number, noun in (
            ("over", flags.get("breach", 0), "exposure"), ("more", flags.get("large", 0), ""),
            ("every", len(frame), ""), ("unknown", unknown, "exposure"),
        )
    }  # fmt: skip
    facts |= {
        key: Fact("limit", part, "share", (), "T6") for key, part in (("high", 0.25), ("low", 0.1))
    }
    verb = "is" if facts["over"].value == 1 else "are"
    said = f"{{over}} of {{every}} {verb} above {{high}} of the capital of the creditor, {{more}} "
    said += "more {low} or above."
    known = frame[frame["percent"].notna()]
    if len(known):
        top = known.iloc[0]
        of = (name[top["creditor"]], name[top["counterparty"]])
        facts |= {
            "who": Fact("creditor", of[0], "name", of, "T6"),
            "on": Fact("debtor", of[1], "name", of, "T6"),
            "part": Fact("of capital", float(top["percent"]) / 100, "share", of, "T6"),
        }
        said += " The largest part: {who} on {on}, {part}."
    if unknown:
        said += " For {unknown} the capital is not known."
    return Sentence(said, facts)


def _between_kinds(about: Given) -> list[Exhibit]:
    """F5: claims from kinds of debtors to kinds of creditors; not if nodes are coded."""
    if about.coded is not None or len(set(kinds(about.network))) < 2:
        return []
    text = "Debts of the nodes of each kind, on the left, to those of each kind, on the right."
    draw = partial(plot.kind_flow, about.network)
    return [figure("F5", "Flows between kinds of nodes", draw, text)]


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
    moved = float(net[net > 0].sum()) / total if total else 0.0
    facts = {
        "lend": Fact("claims less debts", lend, "count", (), "T7", "node"),
        "borrow": Fact("claims less debts", borrow, "count", (), "T7"),
        "moved": Fact("claims less debts", moved, "share", (), "T7"),
    }
    lead = Sentence(
        f"{{lend}} lend{'s' if lend == 1 else ''} to the others on balance, {{borrow}} "
        f"borrow{'s' if borrow == 1 else ''}; the balances are {{moved}} of all claims.", facts,
    )  # fmt: skip
    head = ["node", "kind", "claims", "debts", "claims less debts"]
    note = f"Amounts in {to.label or 'money'}; claims and debts inside the network."
    done = table(head, rows, text=2, note=note, total=["all", "", to(total), to(total), "0"])
    return Exhibit("T7", "Net lenders and net borrowers", lead, table=done)


def sentences(network: ExposureNetwork) -> list[Sentence]:
    """The exposure that is the largest share of the capital of its creditor."""
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


LIMIT = 0.25  # share of capital above which an exposure is reported


GROUPED = ("instrument", "currency", "layer", "maturity", "asset")  # columns of claims


def _parts(network: ExposureNetwork) -> Exhibit | None:
    """T7I: the claims by instrument, currency, layer and maturity, if the table has them."""
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
