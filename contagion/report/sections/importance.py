"""The section Systemic importance: the ranking, and the agreement of its measures."""

from __future__ import annotations

from functools import partial

import pandas as pd

from ... import plot
from ...facts import Fact, Sentence
from ...measures.ranking import RankStability
from ...measures.scorecards.gsib import GsibScores
from ...network.exposure_network import ExposureNetwork
from ...plot.pieces import names
from ...plot.style import percent
from ...records import Table
from ..figures import figure
from ..given import LARGE, Given
from ..measure_words import COSTLIEST, WIDE, column_head, costliest, measure_title, ranking_texts
from ..parts import Exhibit, table
from ..phrases import (
    left_out,
)

MOST = 20


def exhibits(about: Given) -> list[Exhibit]:
    """T11, F11R, T11S, T11G: importance, agreement of measures, stability of ranks, scorecard."""
    spread = [] if about.stability is None else [_stability(about.network, about.stability)]
    spread += [] if about.gsib is None else [_scorecard(about.gsib)]
    if about.ranking is None:
        return spread
    ranks = ranking_table(about.network, about.ranking)
    title = "How far the measures agree"
    if about.agreement is None:
        missing = (
            "Ranks can be compared if two measures or more distinguish the nodes, and for at most "
            f"{LARGE:,} nodes."
        )
        return [ranks, Exhibit("F11R", title, missing=missing), *spread]
    draw = partial(plot.rank_ranges, about.agreement, most=MOST)
    text = f"The ranks of each node under each measure. {about.agreement.sentence}"
    return [ranks, figure("F11R", title, draw, text), *spread]


def _stability(network: ExposureNetwork, found: RankStability) -> Exhibit:
    """T11S: the rank of each node over networks, and the frequency of the top ranks."""
    measure, name = next(iter(found.ranks)), names(network)
    whole = found.table
    frame = whole[whole.index.get_level_values("measure") == measure].head(MOST)
    tops = [str(column) for column in frame if str(column).startswith("top_")]
    rows = [
        [name.get(node, str(node)), f"{row['median']:.0f}", f"{row['low']:.0f}–{row['high']:.0f}",
         *(percent(row[top]) for top in tops)]
        for (_, node), row in zip(frame.index, frame.to_dict("records"), strict=True)
    ]  # fmt: skip
    head = ["node", "median rank", "from–to", *(f"P(rank ≤ {top[4:]})" for top in tops)]
    facts = {
        "count": Fact("networks", found.networks, "count", ("the ensemble",), "T11S", "network"),
        "by": Fact("measure", measure_title(measure), "text", (), "T11S"),
    }
    lead = Sentence("Ranks by {by} over {count}.", facts)
    note = "From–to: the middle 95% of the networks. 1 is the most important."
    more = len(network) - len(rows)
    done = table(head, rows, note=note + left_out(more, "nodes of less importance"))
    return Exhibit("T11S", "How sure the ranks are", lead, table=done)


def ranking_table(network: ExposureNetwork, ranking: Table | pd.DataFrame) -> Exhibit:
    """T11: systemic importance."""
    title = "Systemic importance"
    shown = ranking.iloc[:, :WIDE].loc[ranking_rows(ranking)]
    head, rows, label = ranking_texts(shown, network, names(network))
    more = len(ranking) - len(rows)
    beside = [measure_title(str(column)) for column in ranking.columns[WIDE:]]
    note = (
        f"Every node defaults once, alone; amounts in {label or 'money'}. Default impact counts "
        "all losses, the indices those of nodes whose capital is known. –: capital not in the data."
        + left_out(more, "nodes of less importance")
        + (f" Also in the ranking: {', '.join(beside)}." if beside else "")
    )
    return Exhibit("T11", title, table=table(["node", *head], rows, note=note))


def ranking_rows(ranking: Table | pd.DataFrame) -> pd.Index:
    """The nodes that the table shows: the first ones, and those named in findings."""
    top, first = costliest(ranking), ranking.index[:MOST]
    return first if top is None else first.union(top.index, sort=False)


def _by_debtrank(network: ExposureNetwork, top: pd.Series) -> list[Sentence]:
    """The nodes whose distress would cost the others most, if DebtRank is the only model."""
    if not (top > 0).any():
        return []
    name, head = names(network), column_head("debtrank")
    facts, parts = dict[str, Fact | Sentence](), []
    for at, (node, value) in enumerate(top[top > 0].items()):
        of = (name.get(node, str(node)),)
        facts[f"who{at}"] = Fact("node", of[0], "name", of, "T11")
        facts[f"part{at}"] = Fact(head, float(value), "share", of, "T11")
        verb = "of the value of the others would be lost if {who0} defaulted"
        parts.append(f"{{part{at}}} {verb}" if not at else f"{{part{at}}} if {{who{at}}} did")
    return [Sentence(f"{', '.join(parts)} (DebtRank).", facts, ("ranking",))]


def _scorecard(scores: GsibScores) -> Exhibit:
    """T11G: the G-SIB score of each bank, by category, with bucket and surcharge."""
    frame = scores.table.head(MOST)
    parts = scores.categories.reindex(frame.index).to_numpy(float)
    rows = [
        [str(bank), *(f"{x:.0f}" for x in (*own, row["score"])),
         "–" if row["bucket"] < 1 else f"{row['bucket']:.0f}", f"{row['surcharge']:.1f}%"]
        for (bank, row), own in zip(frame.iterrows(), parts, strict=True)
    ]  # fmt: skip
    head = ["bank", *(str(c).replace("_", " ") for c in scores.categories), "score", "bucket",
            "surcharge"]  # fmt: skip
    note = (
        "Basis points of the whole sample. Score: mean of the five categories, substitutability "
        "at most 500. –: below the first bucket. Supervisors may still change a bucket."
        + left_out(len(scores.table) - len(rows), "banks with a smaller score")
    )
    return Exhibit("T11G", "G-SIB scorecard", table=table(head, rows, note=note))


def sentences(about: Given) -> list[Sentence]:
    """The defaults that would cost others most, and the most exposed node."""
    network, ranking = about.network, about.ranking
    top = None if ranking is None or ranking.empty else costliest(ranking)
    if ranking is not None and top is None and "debtrank" in ranking:
        return _by_debtrank(network, ranking["debtrank"].nlargest(COSTLIEST))
    if ranking is None or top is None or not (top > 0).any():
        return []
    name, column = names(network), str(top.name)
    head = column_head(column)
    facts, parts = {"title": Fact(head, measure_title(column), "text", (), "T11")}, []
    for at, (node, value) in enumerate(top[top > 0].items()):
        of = (name.get(node, str(node)),)
        facts[f"who{at}"] = Fact("node", of[0], "name", of, "T11")
        facts[f"cost{at}"] = Fact(head, float(value), "money", of, "T11", network.unit)
        verb = "would be lost by others if {who0} defaulted" if not at else f"if {{who{at}}} did"
        parts.append(f"{{cost{at}}} {verb}")
    lines = [Sentence(f"{', '.join(parts)} ({{title}}).", facts, ("ranking",))]
    frail = "vulnerability_index"
    at_risk = [c for c in ranking.iloc[:, :WIDE] if str(c).partition(".")[0] == frail]
    if at_risk and (worst := ranking[at_risk[0]].nlargest(1)).iloc[0] > 0:
        node, value = worst.index[0], float(worst.iloc[0])
        of, head = (name.get(node, str(node)),), column_head(str(at_risk[0]))
        shown = ranking_rows(ranking)
        if node in shown:
            facts = {
                "who": Fact("node", of[0], "name", of, "T11"),
                "part": Fact(head, value, "number", of, "T11", "%"),
            }
            text = (
                "{part} of its capital is lost by {who}, the most exposed, in the mean of these "
                "defaults."
            )
            lines.append(Sentence(text, facts, ("ranking", "capital")))
    return lines
