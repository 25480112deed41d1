"""The section Data and caveats: coverage, sources of the data, checks, assumptions."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ...datasets import Card
from ...facts import Fact, Sentence
from ...network.exposure_network import ExposureNetwork
from ...plot.pieces import names
from ...plot.style import percent
from ...plot.style import rows as rows_of
from ...results.socialization import BASELINE
from ...text import money, plural
from ...units import scale
from ..disclosure import Coded
from ..given import Given
from ..parts import Exhibit, table
from ..phrases import (
    BASELINES,
    assumption_words,
)
from .kinds_table import between
from .settings import settings

CAVEATS = (
    "Losses are hypothetical: they follow from the tables and the assumptions, and are neither a "
    "forecast nor advice.",
    "Balance sheets are of one moment. Default is instantaneous: no management, rescue or "
    "resolution, no runs, no fire sales.",
    "Claims are at face value. Collateral and netting count only where the assumptions say so.",
)


def exhibits(about: Given) -> list[Exhibit | None]:
    """C1, C3, T1, T2, T3, rules and guarantees of the network, and the sources."""
    network = about.network
    return [
        card_exhibit(about.card, network),
        coverage(network),
        checks(network),
        assumptions(about),
        *settings(network),
        provenance(network),
        sources(about.card, network),
        None if about.coded is None else hidden(about.coded, network),
    ]


def coverage(network: ExposureNetwork) -> Exhibit:
    """T1: coverage and quality of the data."""
    book, amount = network.book, network.amount
    total = float(amount.sum())
    to = scale([total], network.unit)
    known, real = int(book.known.sum()), amount[amount > 0]
    assumed = sum(text.startswith("equity of") for text in network.assumptions)
    made = network.provenance.named("reconstructed", "generated", "perturbed")
    unseen = "–" if not made else "100%"

    def part(count: int) -> str:
        return percent(count / len(network)) if len(network) else "–"

    rows = [
        ["nodes", f"{len(network):,}", "100%", "the perimeter of this report"],
        ["exposures", to.money(total), "100%", f"{plural(len(amount), 'claim')} in the network"],
        ["balance sheet known", plural(known, "node"), part(known),
         "losses of the others are not capped at equity"],
        ["capital assumed", plural(assumed, "node"), part(assumed), "no source gives it; see the "
         "assumptions"],
        ["not observed", to.money(total if made else 0.0), unseen if total else "–",
         "; ".join(dict.fromkeys(f"{one.what}: {one.method}" for one in made))
         or "no amount reconstructed, generated or perturbed"],
        ["smallest exposure", money(float(real.min()), network.unit) if len(real) else "–", "–",
         "a reporting threshold is not stated: smaller claims may be missing"],
    ]  # fmt: skip
    table_ = network.exposures
    if "evidence" in table_:
        grade = table_["evidence"].fillna("not graded").astype(str)
        by = pd.Series(amount).groupby(grade.to_numpy()).agg(["sum", "count"])
        rows += [
            [f"evidence: {word}", to.money(sum_), percent(sum_ / total) if total else "–",
             plural(int(count), "claim")]
            for word, sum_, count in by.sort_values("sum", ascending=False).itertuples()
        ]  # fmt: skip
    head = ["", "how much", "share", "meaning"]
    note = "Shares of all nodes or of the face value of all claims."
    done = table(head, rows, note=note, words=[3])
    return Exhibit("T1", "Coverage of the data", table=done)


def checks(network: ExposureNetwork) -> Exhibit:
    """T2: findings of the input checks."""
    found, title = network.check(), "Input checks"
    if found.empty:
        return Exhibit("T2", title, "The input checks found nothing.")
    rows = [[row.code, row.severity, row.title, row.message] for row in rows_of(found)]
    return Exhibit("T2", title, table=table(["code", "severity", "finding", "what"], rows, text=4))


@dataclass(frozen=True)
class Assumption:
    """One line of the list: its key in sentences, its letter, its kind, its text."""

    key: str
    letter: str
    kind: str
    text: str


def listed_assumptions(about: Given) -> list[Assumption]:
    """The assumptions about the data, the conventions, and the limits of the method."""
    network, found = about.network, list[tuple[str, str, str]]()
    titles = {str(node): title for node, title in names(network).items()}
    for text in network.assumptions:
        said = assumption_words(titles, text)
        found.append((text, "data", said[:1].upper() + said[1:] + "."))
    found.append(("seniority", "convention", _outside(network)))
    for way in dict.fromkeys(result.baseline for result in about.results):
        found.append((BASELINE, "convention", BASELINES[way]))
    found += [(key, "convention", text) for key, text in USED.items() if _part(about, key)]
    found += [("", "limit", text) for text in (*CAVEATS, *_when_true(network))]
    return [Assumption(key, letter(at), kind, text) for at, (key, kind, text) in enumerate(found)]


USED = {
    "ranking": "In the ranking every node defaults once, alone, at the same recovery rate.",
    "capital": "Capital is equity of the balance sheet, in place of Tier 1.",
    "scenarios": "Scenarios are drawn as the study says; their probabilities are an assumption.",
    "policy": "An intervention is in place before the shock, and no node reacts to it.",
}


def _part(about: Given, key: str) -> bool:
    """Whether the report has the part to which a convention applies."""
    parts = {
        "ranking": about.ranking is not None,
        "capital": bool(about.network.book.known.any()),
        "scenarios": about.stress is not None,
        "policy": bool(about.policy) or bool(about.reverse) or about.comparison is not None,
    }
    return parts[key]


def assumptions(about: Given) -> Exhibit:
    """T3: the assumptions, each with its letter."""
    found = listed_assumptions(about)
    count = sum(one.kind == "data" for one in found)
    fact = Fact("data", count, "count", ("the data",), "T3", "assumption")
    text = "The conventions and the limits of the method."
    if count:
        text = "{count} about the data, then the conventions and the limits of the method."
    rows = [[one.letter, one.kind, one.text] for one in found]
    done = table(["", "kind", "assumption"], rows, text=3)
    return Exhibit("T3", "Assumptions and limits", Sentence(text, {"count": fact}), table=done)


def letter(at: int) -> str:
    """The letter of an assumption, by its place in the list.

    >>> letter(0), letter(27)
    ('a', 'bb')
    """
    return chr(ord("a") + at % 26) * (at // 26 + 1)


def _when_true(network: ExposureNetwork) -> list[str]:
    """Limits that hold for some data only."""
    made, found = network.provenance.named("reconstructed"), []
    if any("entropy" in record.method for record in made):
        found.append(
            "Maximum entropy spreads exposures as evenly as the totals allow, which understates "
            "contagion."
        )
    if made:
        found.append("The reconstructed exposures are one of many networks with the same totals.")
    if not network.book.known.all():
        found.append(
            "Losses of a node whose balance sheet is not known are not capped at equity, and it "
            "cannot default: losses through it may be larger."
        )
    return found


def _outside(network: ExposureNetwork) -> str:
    """The rank of external creditors."""
    house = 0 if network.external_creditors == "senior" else 1
    nodes = network.nodes
    tier = pd.Series(float(house), index=nodes.index)
    if "external_tier" in nodes:
        tier = pd.to_numeric(nodes["external_tier"]).fillna(house).astype(float)
    senior = int((tier == 0).sum())
    if senior == len(tier):
        return "External creditors are paid before claims in the graph."
    if senior == 0:
        return "External creditors rank pari passu with the claims of their tier."
    return (
        f"External creditors are paid before claims in the graph at {senior:,} nodes, and rank "
        f"pari passu with the claims of their tier at the other {len(tier) - senior:,}."
    )


def card_exhibit(card: Card | None, network: ExposureNetwork) -> Exhibit:
    """C1: the card of the dataset."""
    title = "Where the data come from"
    if card is None:
        missing = "The network came without a dataset card: its sources are not known here."
        return Exhibit("C1", title, missing=missing)
    rows = [["source", card.source], ["evidence", card.evidence], ["terms of use", card.terms]]
    if network.period in card.periods:
        rows.append([f"snapshot {network.period}", card.periods[network.period]])
    return Exhibit(
        "C1", title, card.summary, table=table(["", ""], rows, text=2), lines=card.caveats
    )


def provenance(network: ExposureNetwork) -> Exhibit:
    """C3: the steps that made the network, in order."""
    frame = network.provenance.table
    rows = [[str(k), *row] for k, row in enumerate(frame.itertuples(index=False), 1)]
    head = ["", "what", "method", "parameters", "seed", "contagion"]
    shown = table(head, [list(map(str, row)) for row in rows], text=6)
    return Exhibit("C3", "How the network was made", table=shown)


def sources(card: Card | None, network: ExposureNetwork) -> Exhibit | None:
    """C2: the sources named in rows of the tables."""
    if card is None or not card.sources:
        return None
    used = set()
    for frame in (network.nodes, network.exposures):
        if "source" in frame:
            used |= set(frame["source"].dropna().astype(str))
    rows = [[key, text] for key, text in card.sources.items() if key in used]
    if not rows:
        return None
    return Exhibit("C2", "Sources of single figures", table=table(["key", "source"], rows, text=2))


def hidden(coded: Coded, network: ExposureNetwork) -> Exhibit:
    """D1: how institutions were made unrecognizable, and which sums were left out."""
    how = coded.how
    cells = between(network, coded.kinds, how)[3]
    amounts = f"as shares of all claims, {network.unit}" if how.ratios else "unchanged"
    few = int((coded.kinds == "other").sum())
    rows = [
        ["names", f"{len(coded.key):,} codes in an order drawn at random; the key is kept apart"],
        ["amounts", amounts],
        ["texts", "names of the study, of layers, of sources and notes are left out"],
        ["assumptions", f"{plural(coded.assumed, 'assumption')} about single nodes not shown"],
        ["kinds", f"shown in sums only; {plural(few, 'node')} of rare kinds are merged"],
        ["sums", f"hidden with fewer than {how.least} contributors, or where {how.dominant[0]} "
         f"have more than {percent(how.dominant[1])}; and more, until none can be derived"],
        *([f"hidden: {creditor} on {debtor}", why] for creditor, debtor, why in cells),
    ]  # fmt: skip
    done = table(["what", "how"], rows, text=2)
    return Exhibit("D1", "What is hidden, and how", table=done)
