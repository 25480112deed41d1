"""Assembles the exhibits and writes the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

import pandas as pd

from ..datasets import Card
from ..errors import ArgumentError
from ..experiments.rule_comparison import RuleComparison
from ..experiments.stress import StressTest
from ..experiments.sweeping import Sweep
from ..facts import Sentence
from ..measures import EveryDefault, Topology
from ..measures.scorecards.gsib import GsibScores
from ..media import REPORTS, ending, folder, guarded, visible
from ..network.exposure_network import ExposureNetwork
from ..panel import PanelRun
from ..plot.interactive.blocks import figure_block, table_block
from ..plot.interactive.data import unpacked
from ..plot.interactive.page import rendered
from ..records import Table
from ..results.propagation_result import PropagationResult
from ..study import Study, StudyRun
from .contents import whole
from .cover import cover
from .disclosure import Disclosure, searched
from .forms import latex, write_pdf, write_workbook
from .formulas import drawn
from .given import Answer, Given, Policy, given, of_study
from .markdown import csv_text, data_link, markdown, write_figures, write_tables
from .page_one import Page
from .parts import Exhibit, Section, labels

SHOWN = (str, Sentence)  # types whose text can come from outside


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
    defaults: EveryDefault | None = None,
    periods: PanelRun | None = None,
    gsib: GsibScores | None = None,
    topology: Topology | None = None,
    card: Card | str | None = None,
    study: Study | None = None,
    tables: str | PathLike[str] | None = None,
    disclosure: Disclosure | None = None,
    key: str | PathLike[str] | None = None,
    progress: bool = False,
) -> Path:
    """Write the interconnectedness report: one HTML file that loads nothing from outside.

    The report shows numbers of its arguments. For the network itself it computes shape,
    concentration and large exposures. A section without data says in one line which data it needs.

    Parameters
    ----------
    path : the file to write; an existing one is replaced. The ending sets the format: .html or
        .htm; .pdf (the extra `pdf`); .md, with the figures in a folder beside it; .xlsx, one sheet
        for each table; .tex, the tables for LaTeX. A folder (`tables/`): its tables as CSV.
    network : the exposures; or a :class:`~contagion.study.Study`, or its run, which supplies all
        other parts and is printed.
    results : one result or several, all on `network`.
    ranking : a table of `contagion.rank`.
    comparison : one shock under several sets of rules, of `contagion.compare_rules`.
    sweeps : of `contagion.sweep`; with two axes, a phase diagram of socialized_share or, if the
        sweep does not have it, of contagion_loss, loss or the first measure.
    reverse : answers of `contagion.experiments.reverse`: smallest shocks, fewest triggers,
        break-even funds.
    stress : of `contagion.stress_test`, or `contagion.experiments.stress.read_stress_test`.
    policy : of `contagion.experiments.policy.comparison`.
    defaults : of `contagion.measures.every_default`: losses by trigger and victim.
    periods : of :meth:`contagion.Panel.propagate`: the same shock in every period; the last
        period is that of `network`.
    gsib : of :func:`contagion.measures.scorecards.bcbs_gsib`.
    topology : of `contagion.measures.topology`; by default computed, up to 1,000 nodes.
    card : the card of the dataset or its name, for cover and sources.
    study : the specification of the run, printed at the end.
    tables : a folder for every table as CSV.
    disclosure : codes for names and ratios for amounts, for a study, see
        :class:`contagion.report.Disclosure`; nothing is written if a name is left anywhere.
    key : a CSV file for the codes with their names, to keep apart from the report.

    progress : a progress bar over the sections; for a study also over its runs.

    Returns
    -------
    Path
        The path of the file.

    Raises
    ------
    ArgumentError : if a part belongs to a network with other nodes, or is given with a study; for
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
        own = (
            results,
            ranking,
            comparison,
            sweeps,
            reverse,
            stress,
            policy,
            defaults,
            periods,
            gsib,
            card,
            study,
        )
        if any(each is not None and not (isinstance(each, tuple) and not each) for each in own):
            raise ArgumentError("A study supplies its own results: name them in its outputs.")
        run = network.run(progress=progress) if isinstance(network, Study) else network
        if key is not None and tables is not None and Path(tables) in Path(key).parents:
            raise ArgumentError(
                f"The key {str(key)!r} would lie among the tables of the report. Keep it apart."
            )
        about = of_study(run, topology, disclosure)
        file = write(path, about, tables, progress)
        if key is not None and about.coded is not None:
            guarded(about.coded.key).to_csv(key, index=False)
        return file
    if disclosure is not None:
        raise ArgumentError(
            "disclosure= runs a study again with codes in place of names: give a Study, or its "
            "run, in place of the network and its results."
        )
    about = given(
        network, results, ranking, comparison, card, study, topology, sweeps, reverse, stress,
        policy, defaults, periods, gsib,
    )  # fmt: skip
    return write(path, about, tables, progress)


def write(
    path: str | PathLike[str],
    about: Given,
    tables: str | PathLike[str] | None = None,
    progress: bool = False,
) -> Path:
    """Write the report of checked arguments, as :func:`write_report` does."""
    whole_folder = str(path).endswith("/") or Path(path).is_dir()
    kind = "" if whole_folder else ending(path, REPORTS, "report")
    tables = None if tables is None else folder(tables, "tables")
    about = replace(about, live=kind in (".html", ".htm"))
    front, (page, parts), file = cover(about), whole(about, progress), Path(path)
    beside = file.with_name(f"{file.stem}_figures")
    if kind == ".md":
        text = markdown(front, page, parts, beside.name)
    else:
        text = latex(parts) if kind == ".tex" else _page(front, page, parts, about.live)
    if about.coded is not None:
        every = [each for part in parts for each in part.exhibits]
        more = [(f"figure {each.id}", each.svg) for each in every]
        more += [(f"table {each.id}", csv_text(each.table)) for each in every if each.table]
        searched(
            [("report", text), *(("data of a map", one) for one in unpacked(text)), *more],
            about.coded.key,
            about.coded.how,
        )
    if kind == ".md":
        write_figures(beside, parts)
    if not kind:
        write_tables(file, parts)
    elif kind == ".pdf":
        write_pdf(file, text)
    elif kind == ".xlsx":
        write_workbook(file, parts)
    else:
        file.write_text(text, encoding="utf-8")
    if tables is not None:
        write_tables(tables, parts)
    return file


def _page(front: dict[str, str], page: Page, parts: list[Section], live: bool) -> str:
    """The page; if not `live`, without the script and the style sheets of drawings."""

    def drawing(exhibit: Exhibit) -> str:
        if exhibit.block or not exhibit.svg:
            return exhibit.block
        if not live:
            return f"<figure>{exhibit.svg}</figure>"
        return figure_block(exhibit.svg, f"{exhibit.id}-figure")

    return rendered(
        "report/template.html",
        {"csv": data_link, "formula": drawn, "drawing": drawing, "rows": _rows},
        finalize=lambda x: visible(x, keep="\n") if type(x) in SHOWN else x,  # not the drawn svg
        live=live,
        title=front["title"],
        cover=front,
        page=page,
        sections=parts,
        labels=labels(parts),
    )


def _rows(exhibit: Exhibit) -> str:
    """The table of an exhibit."""
    shown = exhibit.table
    if shown is None:
        return ""
    return table_block(
        f"{exhibit.id}-table", f"{exhibit.label}. {exhibit.title}", shown.head, shown.rows,
        numbers=shown.numbers, total=shown.total, note=shown.note, anchors=shown.anchors,
    )  # fmt: skip
