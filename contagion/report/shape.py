"""The exhibits about the network alone: its shape, its concentration, its exposures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from .. import plot
from ..measures import LeverageStability, Topology, amounts, concentration_table
from ..measures.scorecards import large_exposures
from ..network.exposure_network import ExposureNetwork
from ..plot.pieces import listed, names
from ..plot.style import kinds, percent
from ..plot.style import rows as rows_of
from ..text import plural
from ..units import Scale, scale
from .compared import signed
from .facts import Fact, Sentence
from .figures import figure
from .given import LARGE
from .parts import Exhibit, table
from .phrases import left_out

EXPOSURES = 20
ENDS = 10  # net lenders, and net borrowers
SHARES = (1, 3, 5, 10)
SYSTEM = ("density", "reciprocity", "mean_clustering", "assortativity", "core_periphery_error",
          "leverage_radius", "hhi", "gini", "cr_5")  # fmt: skip
MEANING = {
    "density": "links over all that there could be; a link is a pair of creditor and debtor",
    "reciprocity": "links whose debtor also has a claim on the creditor",
    "clustering": "of two partners of a node, how often they deal with each other; mean over nodes",
    "assortativity": "correlation of the numbers of links at both ends; below 0 those with few "
    "deal with those with many",
    "parts": "parts without a link between them; nodes in the largest",
    "strong_parts": "the same with a way in both directions",
    "core": "nodes that deal with each other while the rest deals only with them",
    "error_score": "links that do not fit that picture, over all links; 0 fits, 1 says nothing",
    "radius": "what a small loss is multiplied with from round to round, in the long run",
}


def statistics(network: ExposureNetwork, shape: Topology | None) -> Exhibit:
    """T4: the shape of the network in numbers, with the verdict on its leverage."""
    title = "Shape of the network"
    if shape is None:
        missing = (
            f"{len(network):,} nodes: above {LARGE:,} the search for a core takes minutes; pass "
            "topology=ct.measures.topology(network)."
        )
        return Exhibit("T4", title, missing=missing)
    tiers, steady = shape.core_periphery, shape.stability
    core, left = ([names(network)[x] for x in found] for found in (tiers.core, steady.left_out))
    counts = [
        ("nodes", f"{shape.nodes:,}", ""),
        ("links", f"{shape.links:,}", "pairs of creditor and debtor with a claim"),
        *((key, _number(getattr(shape, key), key != "assortativity"), MEANING[key])
          for key in ("density", "reciprocity", "clustering", "assortativity")),
        ("connected parts", f"{shape.parts:,} ({shape.largest_part:,})", MEANING["parts"]),
        ("strongly connected parts", f"{shape.strong_parts:,} ({shape.largest_strong_part:,})",
         MEANING["strong_parts"]),
        ("core", plural(len(core), "node") if core else "none",
         MEANING["core"] + (f": {listed(core, 8)}" if core else "")),
        ("core–periphery error score", _number(tiers.error_score, False),
         MEANING["error_score"] + ("" if tiers.exact else "; the best found, maybe not the best")),
        ("spectral radius of leverage", _number(steady.radius, False),
         MEANING["radius"] + (f"; without {listed(left, 8)}" if left else "")),
    ]  # fmt: skip
    why = {key: f"{key.replace('_', ' ')}: {reason}" for key, reason in shape.reasons.items()}
    note = "–: not defined." if any(row[1] == "–" for row in counts) else ""
    note += f" {'; '.join(why.values()).capitalize()}." if why else ""
    done = table(["measure", "value", "meaning"], counts, note=note, words=[2])
    return Exhibit("T4", title, str(verdict(network, steady)), table=done)


def verdict(network: ExposureNetwork, steady: LeverageStability) -> Sentence:
    """Whether leverage amplifies small losses."""
    if np.isnan(steady.radius):
        return Sentence(
            "Whether small losses grow is not known: no node with claims has a known positive "
            "equity.", {},
        )  # fmt: skip
    left = tuple(names(network)[node] for node in steady.left_out)
    facts = {
        "radius": Fact("spectral radius of leverage", steady.radius, "number", (), "T4"),
        "left": Fact("meaning", left, "names", ("spectral radius of leverage",), "T4"),
    }
    text = "The spectral radius of the leverage matrix is {radius}"
    if steady.left_out:
        text += " (without {left}, whose equity is not known or not positive)"
    means = {
        "stable": "below one: small losses shrink from round to round.",
        "unstable": "above one: some small losses grow from round to round until a node defaults.",
        "borderline": "one: small losses neither grow nor shrink.",
        "unknown": "not above one; with them it can be larger, so that nothing is proved.",
    }
    return Sentence(f"{text}, {means[steady.verdict]}", facts)


def _number(value: float, share: bool) -> str:
    if np.isnan(value):
        return "–"
    return f"{value:.1%}".replace(".0%", "%") if share else f"{value:.3f}".replace("-", "−")


def kind_map(network: ExposureNetwork) -> Exhibit:
    """F2: who claims on whom, by kind."""
    title, found = "Claims between kinds", set(kinds(network))
    if len(found) < 2:
        missing = (
            f"All nodes are of one kind ({next(iter(found), 'none')}); a column kind in the table "
            "of nodes would tell them apart."
        )
        return Exhibit("F2", title, missing=missing)
    if not len(network.amount):
        return Exhibit("F2", title, missing="There are no exposures.")
    text = "What the nodes of each kind claim on those of each other, creditors in rows."
    return figure("F2", title, partial(plot.kind_heat, network), text)


def concentration(network: ExposureNetwork) -> list[Exhibit]:
    """T5, F4: how much lies with how few."""
    sizes = [k for k in SHARES if k < len(network)] or [1]
    frame = concentration_table(network, k=sizes)
    if (frame["reason"] != "").all():
        return [Exhibit("T5", "Concentration", missing="There are no amounts to compare.")]
    to = scale(frame["total"], network.unit)
    rows = []
    for quantity, row in frame.iterrows():
        above = str(int((amounts(network, str(quantity)) > 0).sum()))  # type: ignore[arg-type]
        first = [
            str(quantity),
            "–" if row["reason"] else to(row["total"]),
            str(row["nodes"]),
            above,
        ]
        if row["reason"]:
            rows.append([*first, *["–"] * (len(sizes) + 3)])
            continue
        shares = [percent(row[f"cr_{k}"]) for k in sizes]
        numbers = [f"{row['hhi']:.3f}", f"{1 / row['hhi']:.1f}", f"{row['gini']:.2f}"]
        rows.append([*first, *shares, *numbers])
    largest = ["the largest" if k == 1 else f"{k} largest" for k in sizes]
    head = ["", to.named("total"), "nodes known", "nodes above 0", *largest,
            "HHI", "equal nodes", "Gini"]  # fmt: skip
    note = (
        "Shares of the total that the largest nodes have, those of each row its own. Nodes whose "
        "amount is not known are left out. Equal nodes: 1/HHI, so many of one size have that HHI."
    )
    if (frame["reason"] != "").any():
        note += " –: nobody has any, or no amount is known."
    text = "The share of assets, equity, claims and debts that lies with the k largest nodes."
    return [
        Exhibit("T5", "Concentration", table=table(head, rows, note=note)),
        figure("F4", "Concentration curve", partial(plot.cumulative_shares, network), text),
    ]


def exposures(network: ExposureNetwork) -> list[Exhibit]:
    """T6, T7: the largest exposures against capital, and who lends on balance."""
    if not len(network.amount):
        return [Exhibit("T6", "Largest exposures", missing="There are no exposures.")]
    return [_largest(network), _balances(network)]


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
