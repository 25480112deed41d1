"""Puts the exhibits together and writes the file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import pandas as pd

from ..datasets import Card
from ..errors import ArgumentError
from ..experiments.rule_comparison import RuleComparison
from ..experiments.stress import StressTest
from ..experiments.sweeping import Sweep
from ..measures import Topology
from ..media import REPORTS, ending, folder, visible
from ..network.exposure_network import ExposureNetwork
from ..plot.style import subject
from ..records import Table
from ..results.propagation_result import PropagationResult
from ..study import Study, StudyRun
from . import findings, reference
from .contents import sections
from .facts import Sentence
from .given import Answer, Given, Policy, given, of_study
from .markdown import markdown, write_figures, write_tables
from .parts import Section

ALTERED = ("netted", "changed", "layer cut", "policy", "withdrawn")
BANNERS = {
    "observed": "Observed: every amount is as reported.",
    "reconstructed": "Reconstructed: the tables were put together from public documents and press; "
    "some figures are derived or assumed.",
    "published example": "Published example: numbers made up by their authors to show a mechanism.",
    "illustrative": "Illustrative: the numbers are made up.",
}


def write_report(
    path: str | PathLike[str],
    network: ExposureNetwork | Study | StudyRun,
    results: PropagationResult | Sequence[PropagationResult] = (),
    ranking: Table | pd.DataFrame | None = None,
    *,
    comparison: RuleComparison | None = None,
    sweeps: Sweep | Sequence[Sweep] = (),
    reverse: Answer | Sequence[Answer] = (),
    stress: StressTest | None = None,
    policy: Policy | Sequence[Policy] = (),
    topology: Topology | None = None,
    card: Card | str | None = None,
    study: Study | None = None,
    tables: str | PathLike[str] | None = None,
) -> Path:
    """Write the interconnectedness report: one HTML file that loads nothing from outside.

    The report renders numbers of its arguments; of the network itself it computes shape,
    concentration and large exposures. A section without data says in one line what it would need.

    Parameters
    ----------
    path : the file to write, .html, .htm or .md; it is replaced where it exists. With .md it is
        the same report as Markdown, with its figures in a folder beside it.
    network : the exposures; or a :class:`~contagion.study.Study`, or its run, which brings all
        the rest and is printed.
    results : one result or several, all on `network`.
    ranking : a table of `contagion.rank`.
    comparison : one shock under several sets of rules, of `contagion.compare_rules`.
    sweeps : of `contagion.sweep`; two axes make a phase diagram, of socialized_share, or of
        contagion_loss, loss or the first measure where the sweep does not have it.
    reverse : answers of `contagion.experiments.reverse`: smallest shocks, fewest triggers,
        break-even funds.
    stress : of `contagion.stress_test`, or `contagion.experiments.stress.read_stress_test`.
    policy : of `contagion.experiments.policy.comparison`.
    topology : of `contagion.measures.topology`; by default computed, up to 1,000 nodes.
    card : the card of the dataset or its name, for cover and sources.
    study : the specification of the run, printed at the end.
    tables : a folder for every table as CSV.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    ArgumentError : when a part belongs to a network with other nodes, or comes beside a study; for
        a file with another ending.
    DatasetError : for a card name that does not exist.

    Example
    -------
    >>> import tempfile, pathlib, contagion as ct
    >>> net = ct.datasets.load("neva_ring3")
    >>> result = ct.EisenbergNoe().propagate(net, ct.Shock.default("A", recovery=0.5))
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "report.html"
    >>> ct.write_report(file, net, results=[result], card="neva_ring3").name
    'report.html'
    """
    if isinstance(network, Study | StudyRun):
        own = (results, ranking, comparison, sweeps, reverse, stress, policy, card, study)
        if any(each is not None and not (isinstance(each, tuple) and not each) for each in own):
            raise ArgumentError("A study brings its own results: name them in its outputs.")
        run = network.run() if isinstance(network, Study) else network
        return write(path, of_study(run, topology), tables)
    about = given(
        network, results, ranking, comparison, card, study, topology, sweeps, reverse, stress,
        policy,
    )  # fmt: skip
    return write(path, about, tables)


def write(
    path: str | PathLike[str], about: Given, tables: str | PathLike[str] | None = None
) -> Path:
    """Write the report of what was given, as :func:`write_report` does."""
    kind = ending(path, REPORTS, "report")
    tables = None if tables is None else folder(tables, "tables")
    cover, parts = _cover(about.network, about.card), sections(about)
    said, file = findings.sentences(about), Path(path)
    if kind == ".md":
        beside = file.with_name(f"{file.stem}_figures")
        write_figures(beside, parts)
        text = markdown(cover, said, parts, beside.name)
    else:
        text = _page(cover, said, parts)
    file.write_text(text, encoding="utf-8")
    if tables is not None:
        write_tables(tables, parts)
    return file


def _page(cover: dict[str, str], said: list[Sentence], parts: list[Section]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("contagion.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda x: visible(x, keep="\n") if type(x) is str else x,  # not our own svg
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("template.html")
    return template.render(cover=cover, findings=said, sections=parts)


def _cover(network: ExposureNetwork, card: Card | None) -> dict[str, str]:
    from .. import __version__

    return {
        "title": subject(network),
        "date": _as_of(network, card),
        "unit": network.unit or "not stated",
        "perimeter": reference.size_text(network),
        "banner": _banner(network, card),
        "kind": "derived" if network.provenance.unobserved else card.kind if card else "unknown",
        "version": __version__,
        "fingerprint": fingerprint(network),
        "name": card.name if card else "",
    }


def _banner(network: ExposureNetwork, card: Card | None) -> str:
    """What kind of numbers these are: how they were derived, and from which data."""
    source = BANNERS[card.kind] if card else "Sources not stated (no card)."
    derived = [text[:1].upper() + text[1:] + "." for text in network.provenance.sentences]
    later = ", ".join(f"{r.what} ({r.method})" for r in network.provenance.named(*ALTERED))
    derived += [f"Changed after reading: {later}."] if later else []
    if network.provenance.named("generated"):
        return " ".join(derived)
    return " ".join([*derived, f"Before that: {source}" if derived else source])


def _as_of(network: ExposureNetwork, card: Card | None) -> str:
    if card is None:
        return _dates(network)
    said = card.periods.get(network.period)
    return f"snapshot {network.period}, {said}" if said else card.date


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
