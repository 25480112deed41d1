"""The sections of the report, in order."""

from __future__ import annotations

from functools import partial

from .. import plot
from ..results.propagation_result import PropagationResult
from . import compared, exhibits, reference, sensitivity, shape, uncertainty, whatif
from . import rules as sharing
from .figures import figure
from .given import LARGE, Given
from .parts import Exhibit, Section, tagged


def sections(about: Given) -> list[Section]:
    """All sections; those without data have one line that says what they would need."""
    network = about.network
    drawn = about.results[0] if about.results else None
    the_network = (
        exhibits.network_map(network, drawn),
        shape.statistics(network, about.topology),
        shape.kind_map(network),
    )
    steered = (
        *sensitivity.sweeps(about.sweeps),
        sensitivity.reverse(network, about.reverse),
    )
    return [
        Section("network", "The network", the_network),
        Section("concentration", "Concentration", tuple(shape.concentration(network))),
        Section("exposures", "Exposures", tuple(shape.exposures(network))),
        *_results(about.results),
        Section("ranking", "Who is critical", _ranking(about)),
        Section("sensitivity", "Sensitivity", steered),
        Section("uncertainty", "Uncertainty", uncertainty.uncertainty(network, about.stress)),
        Section("rules", compared.TITLE, tuple(compared.compared(about.comparison))),
        Section("policy", whatif.TITLE, tuple(whatif.whatif(network, about.policy))),
        Section("data", "Data and caveats", _data(about)),
        Section("methods", "Methods and words", _methods(about)),
    ]


def _results(results: tuple[PropagationResult, ...]) -> list[Section]:
    """Who bears the loss and how it travels, two sections a result."""
    found = []
    for number, (tag, result) in enumerate(tagged(results), 1):
        more = f" ({number} of {len(results)}: {result.shock!r})" if tag else ""
        travel = (
            exhibits.cascade(result, tag),
            exhibits.paths(result, tag),
            exhibits.nodes_table(result, tag),
        )
        found += [
            Section(f"bearers{tag}", f"Who bears the loss{more}", _bearing(result, tag)),
            Section(f"travel{tag}", f"How the loss travels{more}", travel),
        ]
    if not results:
        missing = Exhibit("T10", "Bearers", missing="No result was given: pass results=[result].")
        found.append(Section("bearers", "Who bears the loss", (missing,)))
    return found


def _bearing(result: PropagationResult, tag: str) -> tuple[Exhibit, ...]:
    """Who bears the loss: the bearers, the layers of the venues and the calls on guarantors."""
    if not result.model.settles:
        return (exhibits.bearers_figure(result, tag),)
    calls = sharing.calls(result, tag)
    return (
        exhibits.bearers_figure(result, tag),
        exhibits.bearers_table(result, tag),
        *sharing.layers(result, tag),
        *([] if calls is None else [calls]),
        exhibits.record(result, tag),
    )


def _ranking(about: Given) -> tuple[Exhibit, ...]:
    """T11, F11R: systemic importance, and how far its measures agree."""
    ranks = reference.ranking_table(about.network, about.ranking)
    title = "How far the measures agree"
    if about.ranking is None:
        return (ranks,)
    if about.agreement is None:
        missing = (
            f"Comparing ranks takes two measures that tell nodes apart, and {LARGE:,} nodes at "
            'most: pass ranking=ct.rank(network, measures="all").'
        )
        return ranks, Exhibit("F11R", title, missing=missing)
    draw = partial(plot.rank_ranges, about.agreement, most=reference.MOST)
    text = f"The ranks of each node under each measure. {about.agreement.sentence}"
    return ranks, figure("F11R", title, draw, text)


def _data(about: Given) -> tuple[Exhibit, ...]:
    found = [
        reference.card_exhibit(about.card, about.network),
        reference.provenance(about.network),
        reference.assumptions(about.network, about.results),
        *sharing.settings(about.network),
        reference.checks(about.network),
        reference.sources(about.card, about.network),
    ]
    return tuple(exhibit for exhibit in found if exhibit is not None)


def _methods(about: Given) -> tuple[Exhibit, ...]:
    used = [] if about.ranking is None else [str(column) for column in about.ranking]
    used += [] if about.topology is None else list(shape.SYSTEM)
    return reference.models(about.results), *reference.definitions(used), _again(about)


def _again(about: Given) -> Exhibit:
    """R1: how to get the same numbers again."""
    lines = [] if about.study is None else [about.study.toml()]
    for result in about.results:
        lines.append(
            f"ct.{result.model!r}.propagate(network, ct.{result.shock!r}, "
            f'baseline="{result.baseline}")'
        )
    lines += [] if about.comparison is None else compared.code(about.comparison)
    lead = "In Python:" if about.study is None else (
        "The study: as study.toml, contagion report study.toml makes this report again, to the "
        "last bit where the versions are the same. The runs in Python:"
    )  # fmt: skip
    if not lines:
        return Exhibit("R1", "To reproduce", missing="No result was given.")
    code = "\n".join(lines).replace(" + Shock.", " + ct.Shock.")
    return Exhibit("R1", "To reproduce", lead, code=code)
