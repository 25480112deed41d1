"""The command `rank`: the critical nodes, by one measure or by all of them."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Annotated, Any

import pandas as pd

from ..measures import MEASURES
from ..measures.ranking import Agreement, agreement
from ..models import EisenbergNoe
from ..network.exposure_network import ExposureNetwork
from ..records import Table
from ..text import plural
from . import options
from .grouped import grouped
from .options import OUT, option, print_json
from .specifying import Data, refuse_rules, ruled
from .terminal import paragraph, put, say, table, width

MOST = 2_000  # nodes that are compared
SHEET = ["equity", "claims", "debts"]
SYMBOLS = (
    "(when i defaults: ℓ(j|i) is the loss of the owners of j, c(j|i) the part of it by contagion, "
    "e(j|i) the loss of external creditors of j; K_j is the equity of j, v_j its weight, h_j the "
    "share of its equity that it loses, N the number of nodes)"
)


@grouped
def rank(
    source: options.Source,
    model: Annotated[
        list[str] | None,
        option(
            None,
            "See `contagion models`. Repeatable; by default eisenberg-noe and debtrank, or those "
            "of the study.",
            options.SHOCK,
        ),
    ] = None,
    recovery: Annotated[
        float | None,
        option(
            "SHARE",
            "Recovery rate on debts of the defaulting node, 0 to 1.",
            options.SHOCK,
            min=0.0,
            max=1.0,
        ),
    ] = None,
    weights: Annotated[
        str | None,
        option(
            "equity|lending|COLUMN",
            "The weight of a node in DebtRank: its share of total equity (the default), of total "
            "claims, or of a column of the nodes.",
            options.SHOCK,
        ),
    ] = None,
    measure: Annotated[
        list[str] | None,
        option(
            "NAME|all",
            "Compare these measures: ranks side by side, with their definitions and their "
            "agreement. Repeatable.",
            OUT,
        ),
    ] = None,
    rule: options.Rules = None,
    top: Annotated[int, option(None, "Rows to print.", OUT, min=1)] = 15,
    as_json: options.Json = False,
    *,
    data: Data,
) -> None:
    """Rank nodes by the losses that their default causes, and by how exposed they are.

    Each node defaults once, alone. Example: contagion rank cefi_credit_2022 --top 5.
    All measures and their agreement: contagion rank bis_cbs_2022q4 --measure all
    """
    study, wanted = data.study(source), "all" if measure and "all" in measure else measure
    asked = {"models": model, "measures": wanted, "recovery": recovery, "weights": weights}
    own = dict(study.outputs.get("rank", {}))
    own |= {name: value for name, value in asked.items() if value}
    study = study.but(outputs={"rank": own})
    if rule:
        refuse_rules(study.outputs["rank"].get("models", [EisenbergNoe()]))
        study = ruled(study.but(model=EisenbergNoe()), rule)
    done = data.begin(study)
    net, wanted = done.network, study.outputs["rank"].get("measures")
    done = replace(done, running={"n_jobs": 1, "progress": len(net) > 500 and sys.stderr.isatty()})
    frame = done["rank"]
    if as_json:
        found = _agreeing(frame, wanted)
        used = {str(c).partition(".")[0] for c in frame}
        meaning = {key: m.to_dict() for key, m in MEASURES.items() if key in used}
        rows = frame.head(top).reset_index().to_dict("records")
        said = {"agreement": found.sentence, "tau": found.tau.to_dict()} if found else {}
        said |= {"undefined": frame.reasons, "notes": frame.notes}
        print_json({"unit": net.unit, "ranking": rows, "measures": meaning, **said})
        return
    show(net, frame, wanted, top)


def show(network: ExposureNetwork, frame: Table, wanted: Any, top: int = 15) -> None:
    """Print a ranking: values by model, or ranks by several measures and their agreement."""
    from ..report.measure_words import ranking_texts

    found = _agreeing(frame, wanted)
    if found is not None:
        _compared(network, frame, found, top)
        for note in frame.notes:
            put(paragraph(note))
        return
    dropped = [c for c in frame if c in SHEET or str(c).startswith("contagion_index")]
    shown = frame.head(top).drop(columns=dropped)  # the index repeats a loss, as a share
    label = ""
    for title, part in _by_model(shown):
        head, texts, label = ranking_texts(part, network)
        put((f"{title}\n" if title else "") + table(["node", *head], texts, words=(0,)))
    more = f"; {plural(len(frame) - top, 'node')} not shown" if len(frame) > top else ""
    put(paragraph(f"(amounts in {label or 'money'}; –: capital not known{more})"))
    keys = dict.fromkeys(str(c).partition(".")[0] for c in shown)
    defined = [MEASURES[key] for key in keys if key in MEASURES]
    for m in defined:
        say(f"{m.title}: {m.formula}, {m.measured_in}", indent="  ")
    if any("|i)" in m.formula for m in defined):
        say(SYMBOLS, indent="  ")


def _agreeing(frame: Table, wanted: Any) -> Agreement | None:
    """Agreement of the measures that were named; for "all", of those of importance."""
    columns = frame.columns.drop(SHEET).tolist()
    if not wanted or len(columns) < 2:
        return None
    return agreement(frame.head(MOST), None if wanted == "all" else columns)


def _by_model(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """A ranking by several models, one table for each model."""
    endings = [str(column).partition(".")[2] for column in frame]
    found = []
    for ending in dict.fromkeys(endings):
        part = frame.loc[:, [mine == ending for mine in endings]]
        found.append((ending, part.rename(columns=lambda column: str(column).partition(".")[0])))
    return found


def _compared(network: ExposureNetwork, frame: Table, found: Agreement, top: int) -> None:
    """Ranks by measure, definitions of the measures, undefined values, and the agreement."""
    nodes = _fitting(found.ranges.index[:top].tolist(), width())
    ranks = frame.drop(columns=SHEET).rank(ascending=False, method="average")
    rows = [
        [_title(str(name)), *("–" if pd.isna(rank) else f"{rank:g}" for rank in column)]
        for name, column in ranks.loc[nodes].to_dict("list").items()
    ]
    put("Ranks, 1 is the most important; nodes in the order of their median rank")
    put(table(["measure", *map(str, nodes)], rows, words=(0,)))
    if len(frame) > len(nodes):
        put(paragraph(f"({plural(len(frame) - len(nodes), 'node')} not shown; --json has all)"))
    put()
    for key in dict.fromkeys(str(c).partition(".")[0] for c in ranks):
        if key in MEASURES:
            m = MEASURES[key]
            say(f"{m.title}: {m.formula}; {m.measured_in}. {m.source}.", indent="  ")
    for reason, columns in _undefined(frame).items():
        say(f"–: {reason} ({', '.join(columns)})", indent="  ")
    put(f"\n{paragraph(found.sentence)}")


def _fitting(nodes: list[Any], room: int) -> list[Any]:
    """The first nodes, to the number that fits beside the names of the measures."""
    left, shown = room - 34, list[Any]()
    for node in nodes:
        left -= max(len(str(node)), 4) + 2
        if left < 0:
            break
        shown.append(node)
    return shown or nodes[:1]


def _undefined(frame: Table) -> dict[str, list[str]]:
    """{reason: measures that are undefined at some node for that reason}."""
    said: dict[str, list[str]] = {}
    for column, why in frame.reasons.items():
        for reason in () if column in SHEET else dict.fromkeys(why.values()):
            said.setdefault(reason, []).append(_title(str(column)))
    return said


def _title(column: str) -> str:
    base, _, model = column.partition(".")
    title = MEASURES[base].title if base in MEASURES else base
    return f"{title}, {model}" if model else title
