"""The exhibits about the data and the method: ranking, checks, assumptions, definitions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..datasets import Card
from ..measures import MEASURES
from ..measures.ranking.table import HEADLINES, SHEET
from ..network.exposure_network import ExposureNetwork
from ..plot.pieces import names, shock_words
from ..plot.style import rows as rows_of
from ..records import Table
from ..results.propagation_result import PropagationResult
from ..text import money, plural
from ..units import Scale, scale
from .parts import Exhibit, table
from .phrases import BASELINES, GLOSSARY, left_out, parameters

MOST = 20
COSTLIEST = 3  # defaults that a finding names
WIDE = 9  # columns of the ranking that fit on a page
CAVEATS = (
    "Losses are hypothetical: they follow from the tables and the assumptions, and are neither a "
    "forecast nor advice.",
    "Balance sheets are of one moment. Failure is instantaneous: no management, rescue or "
    "resolution, no runs, no fire sales.",
    "Claims are at face value. Collateral and netting count only where the assumptions say so.",
)


def ranking_table(network: ExposureNetwork, ranking: Table | pd.DataFrame | None) -> Exhibit:
    """T11: systemic importance."""
    title = "Systemic importance"
    if ranking is None:
        return Exhibit("T11", title, missing="No ranking was given: pass ranking=ct.rank(net).")
    shown, top = ranking.iloc[:, :WIDE], costliest(ranking)
    shown = shown[
        (np.arange(len(shown)) < MOST) | shown.index.isin([] if top is None else top.index)
    ]
    head, rows, label = ranking_texts(shown, network, names(network))
    more = len(ranking) - len(rows)
    beside = [measure_title(str(column)) for column in ranking.columns[WIDE:]]
    note = (
        f"Every node fails once, alone; amounts in {label or 'money'}. Default impact counts "
        "all losses, the indices those of nodes whose capital is known. –: capital not in the data."
        + left_out(more, "nodes of less importance")
        + (f" Also in the ranking: {', '.join(beside)}." if beside else "")
    )
    return Exhibit("T11", title, table=table(["node", *head], rows, note=note))


def costliest(ranking: Table | pd.DataFrame) -> pd.Series | None:
    """What the defaults that cost most would cost, money, by the first column that says so."""
    columns = [c for c in ranking.iloc[:, :WIDE] if str(c).startswith(HEADLINES[:2])]
    return ranking[columns[0]].nlargest(COSTLIEST) if columns else None


def ranking_texts(
    ranking: pd.DataFrame, network: ExposureNetwork, name: dict[object, str] | None = None
) -> tuple[list[str], list[list[str]], str]:
    """Titles of the columns, the rows as text (the node first), and the unit of the amounts."""
    columns = list(map(str, ranking.columns))
    inside = [c for c in columns if _money(c)]
    to = scale(np.concatenate([ranking[c] for c in inside]) if inside else [], network.unit)
    rows = [
        [(name or {}).get(node, str(node)), *(_cell(c, row[c], to) for c in columns)]
        for node, row in ranking.iterrows()
    ]
    return [column_head(c) for c in columns], rows, to.label


def measure_title(column: str) -> str:
    """What people read for a column of a ranking.

    >>> measure_title("contagion_index.FireSale"), measure_title("claims")
    ('contagion index, FireSale', 'claims')
    """
    base, _, model = column.partition(".")
    title = MEASURES[base].title if base in MEASURES else column
    return title + (f", {model.replace('_', ' ')}" if model and base in MEASURES else "")


def column_head(column: str) -> str:
    """The heading of a column of the ranking, with its unit where that is not money."""
    base, _, model = column.partition(".")
    if base not in MEASURES:
        return column
    unit = {"%": ", %", "share": " (share)"}.get(MEASURES[base].unit, "")
    return f"{measure_title(base)}{unit}" + (f", {model.replace('_', ' ')}" if model else "")


def _money(column: str) -> bool:
    base = column.partition(".")[0]
    return base in SHEET or (base in MEASURES and MEASURES[base].unit == "money")


def _cell(column: str, value: float, to: Scale) -> str:
    if pd.isna(value):
        return "–"
    if _money(column):
        return to(value)
    measure = MEASURES.get(column.partition(".")[0])
    unit = "" if measure is None else measure.unit
    if unit == "nodes":
        return f"{value:.0f}"
    return f"{value:.1f}" if unit == "%" else f"{value:.3f}"


def checks(network: ExposureNetwork) -> Exhibit:
    """T2: what the input checks found."""
    found, title = network.check(), "Input checks"
    if found.empty:
        return Exhibit("T2", title, "The input checks found nothing.")
    rows = [[row.code, row.severity, row.title, row.message] for row in rows_of(found)]
    return Exhibit("T2", title, table=table(["code", "severity", "finding", "what"], rows, text=4))


def assumptions(network: ExposureNetwork, results: Sequence[PropagationResult]) -> Exhibit:
    """T3: what was assumed."""
    count = len(network.assumptions)
    lead = f"{plural(count, 'assumption')} about the data, then the conventions." if count else ""
    lines = [text[:1].upper() + text[1:] + "." for text in network.assumptions]
    lines.append(_outside(network))
    for text in dict.fromkeys(BASELINES[result.baseline] for result in results):
        lines.append(text)
    return Exhibit("T3", "Assumptions", lead, lines=(*lines, *CAVEATS))


def _outside(network: ExposureNetwork) -> str:
    """How creditors outside the graph rank."""
    house = 0 if network.external_creditors == "senior" else 1
    nodes = network.nodes
    tier = pd.Series(float(house), index=nodes.index)
    if "external_tier" in nodes:
        tier = pd.to_numeric(nodes["external_tier"]).fillna(house).astype(float)
    senior = int((tier == 0).sum())
    if senior == len(tier):
        return "Creditors outside the graph are paid before claims in it."
    if senior == 0:
        return "Creditors outside the graph rank pari passu with the claims of their tier."
    return (
        f"Creditors outside the graph are paid before claims in it at {senior:,} nodes, and rank "
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
    """C3: what was done to make the network, first things first."""
    frame = network.provenance.table
    rows = [[str(k), *row] for k, row in enumerate(frame.itertuples(index=False), 1)]
    head = ["", "what", "method", "parameters", "seed", "contagion"]
    shown = table(head, [list(map(str, row)) for row in rows], text=6)
    return Exhibit("C3", "How the network was made", table=shown)


def sources(card: Card | None, network: ExposureNetwork) -> Exhibit | None:
    """C2: the sources that the rows of the tables name."""
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


def definitions(columns: Sequence[str]) -> list[Exhibit]:
    """A1, A2: words, and the measures of these columns."""
    words = table(["word", "meaning"], list(GLOSSARY.items()), text=2)
    found = [Exhibit("A1", "Words", table=words)]
    used = [column.partition(".")[0] for column in columns]
    rows = [
        [m.title, m.formula, m.unit, m.denominator, m.source]
        for key in dict.fromkeys(used)
        if (m := MEASURES.get(key))
    ]
    if rows:
        lead = (
            "ℓ(j|i) is the loss of j when i defaults, K_j the equity of j, v_j its share of all "
            "equity, h_j the part of it that j loses, N the number of nodes."
        )
        head = ["measure", "formula", "unit", "of", "source"]
        found.append(Exhibit("A2", "Measures", lead, table=table(head, rows, text=5)))
    return found


def models(results: Sequence[PropagationResult]) -> Exhibit:
    """A3: the models with their parameters."""
    rows = [
        [
            type(r.model).__name__,
            f"{r.model.title}. {r.model.source}.",
            ", ".join(f"{k} = {v}" for k, v in parameters(r.model).items()),
            shock_words(r.network, r.shock),
            f"{float(r.outcome.residual):.1g} after {int(r.outcome.rounds)} rounds",
        ]
        for r in results
    ]
    head = ["model", "what it is", "parameters", "shock", "residual"]
    if not rows:
        return Exhibit("A3", "Models", missing="No result was given: pass results=[result].")
    return Exhibit("A3", "Models", table=table(head, rows, text=5))


def size_text(network: ExposureNetwork) -> str:
    """The size of the network in words."""
    total = money(float(network.amount.sum()), network.unit)
    return f"{len(network):,} nodes, {len(network.amount):,} exposures, {total}"
