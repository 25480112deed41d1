"""The section Methods: models, formulas, terms, references, and how to rebuild the report."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...measures import MEASURES
from ...plot.pieces import shock_words
from ...results.propagation_result import PropagationResult
from .. import catalogue, formulas
from ..given import Given
from ..parts import Exhibit, Section, table
from ..phrases import (
    GLOSSARY,
    parameters,
)
from .rules_compared import code
from .structure import SYSTEM


def exhibits(about: Given) -> list[Exhibit | None]:
    """A3, A4, A1, A2, A5, R1: models, formulas, terms, measures, references, how to rebuild."""
    used = [] if about.ranking is None else [str(column) for column in about.ranking]
    used += [] if about.topology is None else list(SYSTEM)
    return [
        models(about.results) if about.results else None,
        set_formulas(about),
        *definitions(used),
        references(about),
        again(about),
    ]


def set_formulas(about: Given) -> Exhibit:
    """A4: the formulas behind the exhibits, typeset."""
    words = {type(result.model).__name__ for result in about.results}
    words |= {"ledger"} if any(result.model.settles for result in about.results) else set()
    words |= {"ranking"} if about.ranking is not None else set()
    words |= {"stress"} if about.stress is not None else set()
    words |= {"network"}
    found = tuple((one.title, one.tex) for one in formulas.FORMULAS if one.used & words)
    return Exhibit("A4", "Formulas", formulas.NOTATION, formulas=found)


def references(about: Given) -> Exhibit | None:
    """A5: the papers of the models and measures that were used."""
    found = {result.model.source for result in about.results}
    if about.ranking is not None:
        bases = {str(column).partition(".")[0] for column in about.ranking}
        found |= {MEASURES[base].source for base in bases if base in MEASURES}
    papers = sorted({text for text in found if re.search(r"\(\d{4}\)", text)})
    if not papers:
        return None
    return Exhibit("A5", "References", lines=tuple(f"{text}." for text in papers))


def again(about: Given) -> Exhibit:
    """R1: the study and the command that reproduce this report, or the calls in Python."""
    if about.study is not None:
        lead = (
            "Save the lines below as study.toml. Then “contagion report study.toml --out "
            "report.html” reproduces this report, bit for bit if the versions of the packages are "
            "the same; “contagion run study.toml --out results” writes every number with all its "
            "digits."
        )
        if about.coded is not None:
            lead = (
                "The data are confidential. The study below was run on them with codes in place of "
                "names; those who have the data and the key can run it again."
            )
        elif about.stress is not None and "stress" not in about.study.outputs:
            lead += " The stress test came from a folder of its own: add --stress and its folder."
        return Exhibit("R1", "To rebuild this report", lead, code=about.study.toml())
    lines = [
        f'ct.{result.model!r}.propagate(network, ct.{result.shock!r}, baseline="{result.baseline}")'
        for result in about.results
    ]
    lines += [] if about.comparison is None else code(about.comparison)
    lead = (
        "This report was made from results in Python and not from a study; only a study reproduces "
        "a report bit for bit."
    )
    if not lines:
        return Exhibit("R1", "To rebuild this report", lead + " No run was part of it.")
    text = "\n".join(lines).replace(" + Shock.", " + ct.Shock.")
    return Exhibit("R1", "To rebuild this report", f"{lead} The runs:", code=text)


def catalogue_of(sections: Sequence[Section], about: Given) -> list[Exhibit]:
    """R2: every exhibit with number, id, file, definition, and source table."""
    outputs = () if about.study is None else about.study.outputs
    several = len(outputs) > 1  # then each output has its own folder
    where = {
        entry.results: entry.results if several else entry.results.partition("/")[2]
        for entry in catalogue.EXHIBITS.values()
        if entry.results.partition("/")[0] in outputs
    }
    rows, anchors = [], []
    for exhibit in (each for part in sections for each in part.exhibits if each.label):
        entry = catalogue.EXHIBITS[exhibit.family]
        file = f"{exhibit.id}.csv" if exhibit.table is not None else ""
        file = f"{exhibit.id}.svg" if exhibit.svg or exhibit.block else file
        made = f"results/{where[entry.results]}.csv" if entry.results in where else entry.call
        rows.append([exhibit.label, exhibit.id, file, entry.definition, made])
        anchors.append(f"def-{exhibit.id}")
    note = (
        "Files: “contagion report study.toml --out report.html --tables tables” writes them. Made "
        "from: the table of “contagion run study.toml --out results” or the call in Python that "
        "has the same numbers with all digits."
    )
    head = ["exhibit", "id", "file", "definition", "made from"]
    done = table(head, rows, text=5, note=note, anchors=anchors)
    return [Exhibit("R2", "List of exhibits", table=done)]


def definitions(columns: Sequence[str]) -> list[Exhibit]:
    """A1, A2: terms, and the measures of these columns."""
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
            "equity, h_j the share of its equity that j loses, N the number of nodes."
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
    return Exhibit("A3", "Models", table=table(head, rows, text=5))
