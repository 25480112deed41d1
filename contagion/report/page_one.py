"""Page one: three questions in ten lines, one figure, one table, and the assumptions used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from ..experiments.policy import ShockComparison
from ..experiments.rule_comparison import AS_GIVEN
from ..facts import Fact, Sentence
from ..plot.pieces import names, shock_words
from ..plot.style import percent
from ..results.propagation_result import PropagationResult
from ..results.socialization import HITS
from ..text import listed, plural
from ..units import scale
from . import findings
from .given import Given
from .parts import Exhibit, Section, table, tagged
from .phrases import further_defaults, of_run
from .sections import (
    bearers,
    concentrated,
    exposures,
    importance,
    interventions,
    over_time,
    rules_compared,
    sensitivity,
    structure,
    uncertainty,
)
from .sections.caveats import Assumption, listed_assumptions

MOST = 10  # lines
ROOM = (5, 2, 3)  # lines reserved for each question, if it has that number of lines
CASES = 7  # rows of the table
ROLES = ("owners", "holder", "external creditors")


@dataclass(frozen=True)
class Question:
    """One of the three questions with its lines; without lines, the data that an answer needs.

    Each line has the letters of the assumptions on which it depends.
    """

    title: str
    lines: tuple[tuple[Sentence, str], ...]
    needs: str


@dataclass(frozen=True)
class Page:
    """The first page: the title, the questions, the exhibits, and the assumptions by letter."""

    title: str
    questions: tuple[Question, ...]
    section: Section
    notes: tuple[Assumption, ...]
    further: tuple[tuple[str, list[Sentence]], ...]


def answers(about: Given) -> list[list[Sentence]]:
    """The lines that fit on a page, for each of the three questions."""
    network, first = about.network, about.results[:1]
    tag = tagged(about.results)[0][0] if first else ""
    far = [line for result in first for line in findings.of_result(result, tag)]
    far[1:1] = over_time.sentences(about.periods)
    critical = [
        *importance.sentences(about),
        *exposures.sentences(network),
        *concentrated.sentences(network),
    ]
    if about.topology is not None and about.topology.stability.verdict == "unstable":
        critical.append(structure.verdict(network, about.topology.stability))
    ways = (
        interventions.sentences(about.policy),
        [] if about.comparison is None else rules_compared.sentences(about.comparison),
        sensitivity.sentences(network, about.reverse),
        sensitivity.of_sweeps(about.sweeps),
        uncertainty.sentences(about.stress),
        uncertainty.over_ensemble(about.ensemble),
    )  # the first line of each before the second line of any
    change = [line for row in zip_longest(*ways) for line in row if line is not None]
    found = (far, critical, change)
    room = shares([len(lines) for lines in found])
    return [lines[:many] for lines, many in zip(found, room, strict=True)]


TITLES = (
    ("How far does the loss go?",
     "An answer needs a shock, such as the default of one participant."),
    ("Who is critical?", "An answer needs a ranking, in which every participant defaults once."),
    ("What would change it?",
     "An answer needs a comparison: interventions, other rules, a search for the smallest shock, "
     "or many scenarios."),
)  # fmt: skip


def shares(have: list[int]) -> list[int]:
    """Number of lines for each question: its reserved lines, then lines unused by the others.

    >>> shares([9, 2, 0]), shares([9, 9, 9]), shares([2, 1, 1])
    ([8, 2, 0], [5, 2, 3], [2, 1, 1])
    """
    given = [min(mine, due) for mine, due in zip(have, ROOM, strict=True)]
    for at, mine in enumerate(have):
        given[at] += min(mine - given[at], MOST - sum(given))
    return given


def page_one(about: Given, subject: str) -> Page:
    """The first page of a report; `subject` is the title if there is no run."""
    known, used, asked = listed_assumptions(about), set[str](), []
    for (question, needs), lines in zip(TITLES, answers(about), strict=True):
        marks = [[one.letter for one in _marks(line, about, known)] for line in lines]
        used.update(letter for mine in marks for letter in mine)
        shown = tuple((line, ", ".join(mine)) for line, mine in zip(lines, marks, strict=True))
        asked.append(Question(question, shown, needs))
    notes = tuple(one for one in known if one.letter in used)
    drawn = [bearers.cascade(one, tag) for tag, one in tagged(about.results)[:1]]
    exhibits = (*drawn, *filter(None, [cases(about)]))
    title = str(_title(about.results[0])) if about.results else subject
    part = Section("page-one", "Page one", exhibits, number="1")
    return Page(title, tuple(asked), part, notes, tuple(further(about)))


def further(about: Given) -> list[tuple[str, list[Sentence]]]:
    """The findings of the other runs: number of the run, and its sentences."""
    return [(tag[1:], findings.of_result(one, tag)) for tag, one in tagged(about.results)[1:]]


def sentences(about: Given) -> list[Sentence]:
    """All sentences of a report: those of page one and of further runs."""
    first = [line for lines in answers(about) for line in lines]
    return [*first, *(line for _, lines in further(about) for line in lines)]


def _title(result: PropagationResult) -> Sentence:
    """The title question, with the total loss."""
    run, net = of_run(result), result.network
    shock = result.shock.resolved(net)
    if result.model.settles:
        lost = Fact("initial loss", result.socialization.initial_loss, "money", (run,), "S1",
                    net.unit)  # fmt: skip
    else:
        lost = Fact("loss", float(result.loss.sum()), "money", ("all", run), "T10N", net.unit)
    name = names(net)
    who = [name[node] for node, _ in shock.defaults]
    said = shock_words(net, result.shock).rstrip(".")
    if who and not (shock.losses or shock.fractions or shock.equities or shock.prices):
        said = f"{listed(who)} default{'s' if len(who) == 1 else ''}"
    facts = {"lost": lost, "said": Fact("shock", said, "text", (run,), "A3")}
    origin = f" Data: {net.provenance.unobserved}" if net.provenance.unobserved else ""
    return Sentence("{said}: who bears {lost}?" + origin, facts)


def _marks(line: Sentence, about: Given, known: Iterable[Assumption]) -> list[Assumption]:
    """The assumptions behind a line: conventions, and those about the nodes it names."""
    name = {str(node): title for node, title in names(about.network).items()}
    told = {fact.value for fact in line.facts if fact.kind == "name"}
    told |= {each for fact in line.facts if isinstance(fact.value, tuple) for each in fact.value}
    if HITS in line.rests and about.results:
        first = about.results[0]
        told |= {name[str(node)] for node in first.network.names[first.triggers]}
    called = {f"equity of {node}": title for node, title in name.items()}
    return [
        one
        for one in known
        if one.key
        and (
            one.key in line.rests
            or (findings.UNKNOWN in line.rests and findings.UNKNOWN in one.key)
            or called.get(one.key.partition(" assumed ")[0]) in told
        )
    ]


def cases(about: Given) -> Exhibit | None:
    """T0: who bears the loss as given, with each intervention and under other rules."""
    found: dict[str, PropagationResult] = {}
    if about.results and about.results[0].model.settles:
        found[AS_GIVEN] = about.results[0]
    for one in about.policy:
        if isinstance(one, ShockComparison) and one.results[AS_GIVEN].model.settles:
            found |= {**one.results, **found}
    if about.comparison is not None:
        found |= {**about.comparison.results, **found}
    found = dict(list(found.items())[:CASES])
    if not found:
        return None
    sums = {
        case: result.ledger[result.ledger["cause"] != "missing before"]
        .groupby("role")["amount"].sum().reindex(ROLES, fill_value=0.0)
        for case, result in found.items()
    }  # fmt: skip
    to = scale([float(each.sum()) for each in sums.values()], about.network.unit)
    rows = [
        [
            case,
            to(float(sums[case].sum())),
            *(to(float(x)) for x in sums[case]),
            _of_capital(float(sums[case].sum()), result),
            _defaults(result),
        ]
        for case, result in found.items()
    ]
    head = [
        "case",
        "lost in all",
        "owners",
        "holders",
        "external creditors",
        "of all capital",
        "further defaults",
    ]
    note = (
        f"Amounts in {to.label or 'money'}: losses due to the shock, each case in its own run. "
        "Holders: nodes with a claim whose own balance sheet is not known. Of all capital: over "
        "the positive equity of all nodes before the shock."
    )
    done = table(head, rows, note=note, words=[len(head) - 1])
    return Exhibit("T0", "Who bears the loss in each case", table=done)


def _of_capital(lost: float, result: PropagationResult) -> str:
    capital = float(np.maximum(np.nan_to_num(result.equity_before), 0.0).sum())
    return percent(lost / capital) if capital > 0 else "–"


def _defaults(result: PropagationResult) -> str:
    who, name = further_defaults(result), list(names(result.network).values())
    if not len(who):
        return "none"
    return listed([name[i] for i in who], 3) if len(who) <= 3 else plural(len(who), "node")
