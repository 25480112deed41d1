"""The commands that run a model: run, explain and report."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ..media import REPORTS
from ..plot.style import percent
from ..plot.style import rows as rows_of
from ..results.explain import Explanation
from ..results.propagation_result import PropagationResult
from ..study import StudyRun
from ..study.study_run import of_outputs
from ..study.usual_outputs import usual
from ..units import scale
from . import options
from .grouped import grouped
from .layers import calls_text, layers_text
from .options import OUT, option, print_json
from .outputs import tell, writable
from .recorded import record, results, whole
from .rule_arguments import idle
from .specifying import Data, Run
from .terminal import paragraph, put, say, table

MOST = 12
Out = Annotated[
    Path | None,
    option(
        "DIR",
        "Write every table as CSV, summary.json, and the study that makes them, into this folder.",
        OUT,
    ),
]


@grouped
def run(
    source: options.Source,
    rule: options.Rules = None,
    out: Out = None,
    jobs: options.Jobs = 1,
    as_json: options.Json = False,
    *,
    run: Run,
    data: Data,
) -> None:
    """Run a shock through a network: losses, defaults, and who bears the losses.

    For a study, all outputs that it lists.
    Example: contagion run cefi_credit_2022 --default three_arrows
    """
    running = {"n_jobs": jobs, "progress": sys.stderr.isatty() and not as_json}
    done = data.begin(run.on(data.study(source), rule), running=running)
    of_outputs(done, done.study.outputs)
    files = [] if out is None else results(done, out)
    if as_json:
        print_json({**whole(done), "files": files})
        return
    for number, name in enumerate(done.study.outputs):
        if len(done.study.outputs) > 1:
            put(("\n" if number else "") + f"[{name}]")
        shown(done, name, done[name])
    tell(out, files)


def shown(done: StudyRun, output: str, result: Any) -> None:
    """Print the result of an output of a study, as its own command prints it."""
    from . import compare, ranks, stress_text, sweeps

    asked = done.study.outputs.get(output, {})
    if output == "run":
        show(result, bool(done.study.rules))
    elif output == "explain":
        say(done["run"].summary()[0])
        for why in result.values():
            explained(why)
    elif output == "rank":
        ranks.show(done.network, result, asked.get("measures"))
    elif output == "compare":
        compare.show(result, asked["rules"])
    elif output == "stress":
        stress_text.show(result, done.network, done.scenarios, None)
    elif output == "sweep":
        sweeps.show(result)
    else:
        put(repr(result))


def show(result: PropagationResult, noted: bool) -> None:
    """Print a run; `noted`: also rules that are not used."""
    say(*result.summary(), *(f"assumption: {text}" for text in result.network.assumptions))
    if noted and (note := idle(result.network.rules, result.shock)):
        say(note)
    if result.model.settles:
        for text in filter(None, (_bearers(result), layers_text(result), calls_text(result))):
            put(f"\n{text}")
    put(f"\n{_nodes(result)}")


def _bearers(result: PropagationResult) -> str:
    frame, borne = result.bearers, result.socialization.borne or 1.0
    to = scale([*frame["amount"], borne], result.network.unit)
    rows = [
        [str(row.bearer), str(row.role), "-" if row.hop < 0 else str(row.hop), to(row.amount),
         percent(row.amount / borne)]
        for row in rows_of(frame.head(MOST))
    ]  # fmt: skip
    rest = float(frame["amount"].iloc[MOST:].sum())
    if len(frame) > MOST:
        rows.append([f"{len(frame) - MOST:,} others", "", "", to(rest), percent(rest / borne)])
    rows.append(["all", "", "", to(float(frame["amount"].sum())), ""])
    head = ["who bears it", "as", "hop", f"amount {to.label}", "share"]
    return table(head, rows, words=(0, 1))


def _nodes(result: PropagationResult) -> str:
    from ..report.phrases import state

    frame, net = result.table, result.network
    to = scale([*frame["loss"], *frame["shortfall"]], net.unit)
    order = (-frame["loss"] - 1e-6 * frame["shortfall"]).to_numpy().argsort(kind="stable")
    rows = [
        [str(net.names[i]), *(to(frame[c].iloc[i]) for c in ("loss", "direct_loss", "shortfall")),
         state(result, int(i)) or "-"]
        for i in order[:MOST]
    ]  # fmt: skip
    head = ["node", "owners' loss", "of it direct", "shortfall", "in default"]
    more = f"; {len(net) - MOST:,} nodes with smaller losses not shown" if len(net) > MOST else ""
    note = paragraph(
        f"({to.label or 'money'}; shortfall: unpaid part of debts, from face value{more})"
    )
    return f"{table(head, rows, words=(0, 4))}\n{note}"


@grouped
def explain(
    source: options.Source,
    node: Annotated[str, typer.Argument(help="The node to explain.", show_default=False)],
    rule: options.Rules = None,
    as_json: options.Json = False,
    *,
    run: Run,
    data: Data,
) -> None:
    """Explain the loss of one node: the paths of the loss, and the amount along each.

    Example: contagion explain cefi_credit_2022 celsius_users
    """
    done = data.begin(run.on(data.study(source), rule))
    result = done["run"]
    why = result.explain(node)
    if as_json:
        keys = ("node", "unit", "loss", "direct", "on_claims", "passed_on", "state")
        values = {key: getattr(why, key) for key in keys}
        print_json({**values, "paths": why.table.to_dict("records"), "run": record(result)})
        return
    say(result.summary()[0])
    explained(why)


def explained(why: Explanation) -> None:
    """Print the loss of a node and its paths."""
    say(*repr(why).splitlines()[:2])
    if why.table.empty:
        put("It loses nothing on its claims.")
        return
    to = scale(why.table["amount"], why.unit)
    rows = [
        [to(row.amount), percent(row.share), str(row.path), str(row.cause)]
        for row in rows_of(why.table)
    ]
    put(table([f"lost {to.label}", "share", "path of the loss", "cause"], rows, words=(2, 3)))


@grouped
def report(
    source: options.Source,
    rule: options.Rules = None,
    out: Annotated[
        Path, option("FILE", "The file to write: .html, .pdf, .md, .xlsx or .tex.", OUT)
    ] = Path("report.html"),
    stress: Annotated[
        Path | None, option("DIR", "Add the stress test in this folder.", OUT)
    ] = None,
    csv: Annotated[
        Path | None, option("DIR", "Write every table as CSV too.", OUT, "--tables")
    ] = None,
    ranking: Annotated[
        bool, option(None, "Rank the nodes too (slow for thousands); a study says it.", OUT)
    ] = True,
    codes: Annotated[
        Path | None,
        option(
            "FILE",
            "Confidential data: codes for names, shares for amounts; the key is written to FILE.",
            OUT,
        ),
    ] = None,
    common: Annotated[
        list[str] | None,
        option("NAME", "With --codes: a name that is also a common word. Repeatable.", OUT),
    ] = None,
    as_json: options.Json = False,
    *,
    run: Run,
    data: Data,
) -> None:
    """Write the report of one shock, or of a study, as one self-contained file.

    Example: contagion report cefi_credit_2022 --default three_arrows --out report.html
    """
    from ..experiments.stress import read_stress_test as tested
    from ..report import Disclosure, write_report
    from ..report.document import write
    from ..report.given import of_study
    from ..report.page_one import sentences

    writable(out, REPORTS, "--out")
    study = run.on(data.study(source), rule)
    if not source.endswith(".toml"):
        study = usual(study, ranking)
    done = data.begin(study)
    done.running["progress"] = len(done.network) > 500 and sys.stderr.isatty()
    of_outputs(done, study.outputs)
    if codes is not None:
        how = Disclosure(common=tuple(common or ()))
        file = write_report(out, done, tables=csv, disclosure=how, key=codes)
        put(f"Report: {file}\nKey, to keep apart: {codes}")
        return
    about = of_study(done)
    if stress is not None:
        about = replace(about, stress=tested(stress))
    watched = sys.stderr.isatty() and not as_json
    file, found = write(out, about, csv, watched), [str(said) for said in sentences(about)]
    if as_json:
        print_json({"report": str(file), "findings": found, "run": record(done["run"])})
        return
    say(*(f"- {sentence}" for sentence in found))
    put(f"\nReport: {file}" + (f"\nTables: {csv}" if csv is not None else ""))
