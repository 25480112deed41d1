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
from ..results.propagation_result import PropagationResult
from ..rules import to_dict
from ..study import StudyRun
from ..study.result_tables import tables
from ..study.study_run import of_outputs
from ..study.usual_outputs import usual
from ..units import scale
from . import options
from .grouped import grouped
from .layers import calls_text, layers_text
from .options import OUT, option, print_json
from .outputs import rows, summary, tell, writable
from .rule_arguments import idle
from .specifying import Data, Run
from .terminal import paragraph, put, say, table

MOST = 12
SETTLED = ("bearers", "layers", "calls")
Out = Annotated[
    Path | None,
    option(
        "DIR",
        "Write every table as CSV, summary.json, and the study that makes them, into this folder.",
        OUT,
    ),
]


def record(result: PropagationResult) -> dict[str, Any]:
    """What a run was and what came out, without the tables."""
    from .. import __version__

    model = type(result.model)
    return {
        "contagion": __version__,
        "network": result.network.name,
        "unit": result.network.unit,
        "nodes": len(result.network),
        "exposures": len(result.network.amount),
        "model": {"name": model.__name__, "source": model.source, "repr": repr(result.model)},
        "shock": repr(result.shock),
        "baseline": result.baseline,
        "rules": {str(node): to_dict(rule) for node, rule in result.network.rules.items()},
        "socialization": result.socialization.to_dict() if result.model.settles else None,
        "rounds": int(result.outcome.rounds),
        "residual": float(result.outcome.residual),
        "converged": bool(result.outcome.converged),
        "findings": [[finding.code, finding.message] for finding in result.network.findings],
        "assumptions": list(result.network.assumptions),
    }


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
    """Push a shock through a network: who loses, who fails, who bears it.

    Of a study, everything that it asks for.
    Example: contagion run cefi_credit_2022 --default three_arrows
    """
    running = {"n_jobs": jobs, "progress": sys.stderr.isatty() and not as_json}
    done = data.begin(run.on(data.study(source), rule), running=running)
    of_outputs(done, done.study.outputs)
    files = [] if out is None else results(done, out)
    if as_json:
        print_json({**_whole(done), "files": files})
        return
    for number, (name, result) in enumerate(done.results.items()):
        if len(done.results) > 1:
            put(("\n" if number else "") + f"[{name}]")
        if name == "run":
            show(result, bool(done.study.rules))
        else:
            say(*repr(result).splitlines())
    tell(out, files)


def results(done: StudyRun, out: Path) -> list[Path]:
    """Write the results of a study into a folder: the study, every table, summary.json."""
    return [*done.save(out), summary(out, _whole(done))]


def _whole(done: StudyRun) -> dict[str, Any]:
    told = {name: recorded(name, result) for name, result in done.results.items()}
    return told["run"] if list(told) == ["run"] else {"study": done.study.to_dict(), **told}


def recorded(output: str, result: Any) -> dict[str, Any]:
    """A result as JSON has it: what it was and its tables."""
    if output != "run":
        return rows(tables(output, result))
    found = {"table": result.table.reset_index().to_dict("records")}
    if result.model.settles:
        found |= {key: getattr(result, key).to_dict("records") for key in SETTLED}
    return {**record(result), **found}


def show(result: PropagationResult, noted: bool) -> None:
    """Print a run; `noted`: also rules that play no part."""
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
        f"({to.label or 'money'}; shortfall: what creditors do not get, from face value{more})"
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
    """Explain the loss of one node: the paths by which it came, and how much by each.

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
            "Confidential data: codes for names, parts of all claims for amounts; the key to FILE.",
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
    """Write the report of one shock, or of a study: one HTML file that needs nothing else.

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
