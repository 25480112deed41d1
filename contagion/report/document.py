"""Puts the exhibits together and writes the file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import pandas as pd

from ..comparison import RuleComparison
from ..datasets import Card, describe
from ..network import ExposureNetwork
from ..plot.style import subject
from ..results import PropagationResult
from . import compared, exhibits, findings, reference, sharing
from .parts import Exhibit, Section

BANNERS = {
    "observed": "Observed: every amount is as reported.",
    "reconstructed": "Reconstructed: the tables were put together from public documents and press; "
    "some figures are derived or assumed.",
    "published example": "Published example: numbers made up by their authors to show a mechanism.",
    "illustrative": "Illustrative: the numbers are made up.",
}


def write_report(
    path: str | PathLike[str],
    network: ExposureNetwork,
    results: PropagationResult | Sequence[PropagationResult] = (),
    ranking: pd.DataFrame | None = None,
    *,
    comparison: RuleComparison | None = None,
    card: Card | str | None = None,
    command: str = "",
) -> Path:
    """Write the interconnectedness report: one HTML file that loads nothing from outside.

    The report renders numbers of its arguments and computes none. A section without data says
    in one line what it would need.

    Parameters
    ----------
    path : the file to write; it is replaced where it exists.
    network : the exposures.
    results : one result or several, all on `network`.
    ranking : a table of `contagion.rank`.
    comparison : one shock under several sets of rules, of `contagion.compare_rules`.
    card : the card of the dataset or its name, for cover and sources.
    command : the command that makes this report again; printed as it is.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    ValueError
        When a result or the comparison belongs to a network with other nodes.
    DatasetError
        For a card name that does not exist.

    Example
    -------
    >>> import tempfile, pathlib, contagion as ct
    >>> net = ct.datasets.load("neva_ring3")
    >>> result = ct.EisenbergNoe().propagate(net, ct.Shock.default("A", recovery=0.5))
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "report.html"
    >>> ct.write_report(file, net, results=[result], card="neva_ring3").name
    'report.html'
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    many = [results] if isinstance(results, PropagationResult) else list(results)
    for result in many:
        if not result.network.names.equals(network.names):
            raise ValueError("A result belongs to a network with other nodes than the report.")
    if comparison is not None and not _same_nodes(comparison, network):
        raise ValueError("The comparison belongs to a network with other nodes than the report.")
    known = describe(card) if isinstance(card, str) else card
    environment = Environment(
        loader=PackageLoader("contagion.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template("template.html").render(
        cover=_cover(network, known),
        findings=findings.sentences(network, many, ranking, comparison),
        sections=_sections(network, many, ranking, comparison, known, command),
    )
    file = Path(path)
    file.write_text(text, encoding="utf-8")
    return file


def _same_nodes(comparison: RuleComparison, network: ExposureNetwork) -> bool:
    first = next(iter(comparison.results.values()))
    return bool(first.network.names.equals(network.names))


def _cover(network: ExposureNetwork, card: Card | None) -> dict[str, str]:
    from .. import __version__

    return {
        "title": subject(network),
        "date": _as_of(network, card),
        "unit": network.unit or "not stated",
        "perimeter": reference.size_text(network),
        "banner": BANNERS.get(card.kind, card.kind) if card else "Sources not stated (no card).",
        "kind": card.kind if card else "unknown",
        "version": __version__,
        "fingerprint": fingerprint(network),
        "name": card.name if card else "",
    }


def _as_of(network: ExposureNetwork, card: Card | None) -> str:
    if card is None:
        return _dates(network)
    used = [f"snapshot {key}, {card.layers[key]}" for key in _snapshots(network, card)]
    return "; ".join(used) or card.date


def _snapshots(network: ExposureNetwork, card: Card) -> list[str]:
    table = network.exposures
    found = list(table["layer"].dropna().astype(str).unique()) if "layer" in table else []
    return [key for key in found if key in card.layers]


def _dates(network: ExposureNetwork) -> str:
    table = network.exposures
    dates = sorted(table["as_of"].dropna().astype(str).unique()) if "as_of" in table else []
    if not dates:
        return "not stated"
    return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"


CITED = ["source", "as_of", "evidence", "note"]  # says where a figure comes from, changes none


def fingerprint(network: ExposureNetwork) -> str:
    """Twelve hexadecimal digits that change when a node, a claim, an amount or a rule does."""
    digest = hashlib.sha256()
    book = network.balance_sheet.reset_index()
    rules = pd.DataFrame([(str(k), repr(rule)) for k, rule in network.rules.items()])
    tables = [book, network.exposures, rules, network.guarantees, network.shareholdings]
    for frame in (
        table.drop(columns=CITED, errors="ignore") for table in tables if table is not None
    ):
        text = frame.astype({c: str for c in frame.columns if frame[c].dtype.kind not in "fiu"})
        rows = pd.util.hash_pandas_object(text, index=False).sort_values()
        digest.update(rows.to_numpy().tobytes())
    return digest.hexdigest()[:12]


def _sections(
    network: ExposureNetwork,
    results: list[PropagationResult],
    ranking: pd.DataFrame | None,
    comparison: RuleComparison | None,
    card: Card | None,
    command: str,
) -> list[Section]:
    drawn = results[0] if results else None
    found = [Section("network", "The network", (exhibits.network_map(network, drawn),))]
    for number, result in enumerate(results, 1):
        tag = f"-{number}" if len(results) > 1 else ""
        more = f" ({number} of {len(results)}: {result.shock!r})" if tag else ""
        found += [
            Section(
                f"bearers{tag}",
                f"Who bears the loss{more}",
                _bearing(result, tag),
            ),
            Section(
                f"travel{tag}",
                f"How the loss travels{more}",
                (
                    exhibits.cascade(result, tag),
                    exhibits.paths(result, tag),
                    exhibits.nodes_table(result, tag),
                ),
            ),
        ]
    if not results:
        missing = Exhibit("T10", "Bearers", missing="No result was given: pass results=[result].")
        found.append(Section("bearers", "Who bears the loss", (missing,)))
    data = [
        reference.card_exhibit(card, network),
        reference.assumptions(network, results),
        *sharing.settings(network),
        reference.checks(network),
        reference.sources(card, network),
    ]
    method = [reference.models(results), *reference.definitions(ranking)]
    method.append(_again(results, comparison, command))
    return [
        *found,
        Section("ranking", "Who is critical", (reference.ranking_table(network, ranking),)),
        Section("rules", compared.TITLE, tuple(compared.compared(comparison))),
        Section("data", "Data and caveats", tuple(e for e in data if e is not None)),
        Section("methods", "Methods and words", tuple(method)),
    ]


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


def _again(
    results: list[PropagationResult], comparison: RuleComparison | None, command: str
) -> Exhibit:
    """R1: how to get the same numbers again."""
    lines = [command] if command else []
    for result in results:
        lines.append(
            f"ct.{result.model!r}.propagate(network, ct.{result.shock!r}, "
            f'baseline="{result.baseline}")'
        )
    lines += [] if comparison is None else compared.code(comparison)
    lead = "On the command line, and the same in Python:" if command else "In Python:"
    if not lines:
        return Exhibit("R1", "To reproduce", missing="No result was given.")
    code = "\n".join(lines).replace(" + Shock.", " + ct.Shock.")
    return Exhibit("R1", "To reproduce", lead, code=code)
