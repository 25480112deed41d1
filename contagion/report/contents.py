"""The registry of sections, in the order of the report.

A section is a line here: its id, its title, a sentence on the data it needs, and the function that
returns its exhibits. Every exhibit has an entry in `catalogue`.
"""

from __future__ import annotations

from ..parallel import bar
from ..plot.style import subject
from .given import Given
from .page_one import Page, page_one
from .parts import Kind, Section, numbered
from .sections import (
    bearers,
    caveats,
    concentrated,
    exposures,
    importance,
    interventions,
    methods,
    over_time,
    pairs,
    rules_compared,
    sensitivity,
    structure,
    uncertainty,
)

EACH = (
    "This section needs the default of every participant, one at a time, with the losses of all "
    "others."
)
SECTIONS = (
    Kind("data", "Data and caveats", "", caveats.exhibits),
    Kind("network", "The network", "", structure.exhibits),
    Kind("concentration", "Concentration", "", concentrated.exhibits),
    Kind("exposures", "Exposures", "", exposures.exhibits),
    Kind("triggers", "By trigger", EACH, pairs.of_triggers),
    Kind("victims", "By victim", EACH, pairs.of_victims),
    Kind("bearers", "Who bears the loss",
         "This section needs a shock, such as the default of one participant, carried through "
         "the network.", bearers.exhibits),
    Kind("ranking", "Systemic importance",
         "This section needs a ranking: the default of every participant, one at a time, "
         "and its cost.", importance.exhibits),
    Kind("sensitivity", "Sensitivity",
         "This section needs runs with other assumptions (the recovery rate or the capital varied "
         "over a range), or a search for the smallest shock that causes a given loss.",
         sensitivity.exhibits),
    Kind("uncertainty", "Uncertainty",
         "This section needs a stress test: many scenarios instead of one shock, or many networks "
         "that fit the same data.", uncertainty.exhibits),
    Kind("periods", "Over time",
         "This section needs networks of several periods, with the same shock in each.",
         over_time.exhibits),
    Kind("rules", "Rules compared",
         "This section needs the same shock under other rules by which a participant shares a "
         "shortfall.", rules_compared.exhibits),
    Kind("policy", "Policy what-if",
         "This section needs interventions to compare, such as more capital, a larger fund or a "
         "limit on exposures.", interventions.exhibits),
)  # fmt: skip


def whole(about: Given, progress: bool = False) -> tuple[Page, list[Section]]:
    """Page one, and all sections with their exhibits numbered, those of page one first."""
    made = []
    with bar(progress, "report", len(SECTIONS) + 1, "section") as move:
        page = page_one(about, subject(about.network))
        move(1)
        for at, kind in enumerate(SECTIONS, 2):
            made.append(kind.section(about, f"{at}"))
            move(1)
    found = tuple(filter(None, methods.exhibits(about)))
    done = numbered([page.section, *made, Section("methods", "Methods", found)])
    last = (*found, *methods.catalogue_of(done, about))
    return page, numbered([*done[:-1], Section("methods", "Methods", last, number="A")])


def sections(about: Given) -> list[Section]:
    """All sections, page one first; a section without data says which data it needs."""
    return whole(about)[1]
