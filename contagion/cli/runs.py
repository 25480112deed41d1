"""The commands that run a model: run, explain and report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from ..media import REPORTS
from ..plot.style import percent
from ..plot.style import rows as rows_of
from ..results.propagation_result import PropagationResult
from ..rules import to_dict
from ..units import scale
from . import options
from .grouped import Data, Run, grouped
from .layers import calls_text, layers_text
from .options import OUT, option, print_json
from .outputs import save, tell, writable
from .rule_arguments import idle
from .terminal import paragraph, put, say, table

MOST = 12
SETTLED = ("bearers", "layers", "calls")
Out = Annotated[
    Path | None,
    option(
        "DIR",
        "Write table, flows, path, bearers, layers and calls as CSV, and summary.json, into this "
        "folder.",
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
    as_json: options.Json = False,
    *,
    run: Run,
    data: Data,
) -> None:
    """Push a shock through a network: who loses, who fails, who bears it.

    Example: contagion run cefi_credit_2022 --default three_arrows
    """
    result = run.propagate(data.load(source), rule)
    files = [] if out is None else save(out, _frames(result), record(result))
    if as_json:
        tables = {"table": result.table.reset_index().to_dict("records")}
        if result.model.settles:
            tables |= {key: getattr(result, key).to_dict("records") for key in SETTLED}
        print_json({**record(result), **tables, "files": files})
        return
    say(*result.summary(), *(f"assumption: {text}" for text in result.network.assumptions))
    if rule and (note := idle(result.network.rules, result.shock)):
        say(note)
    if result.model.settles:
        for text in filter(None, (_bearers(result), layers_text(result), calls_text(result))):
            put(f"\n{text}")
    put(f"\n{_nodes(result)}")
    tell(out, files)


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


def _frames(result: PropagationResult) -> dict[str, pd.DataFrame]:
    frames = {"table": result.table.reset_index(), "flows": result.flows, "path": result.path}
    if result.model.settles:
        frames |= {"bearers": result.bearers, "layers": result.layers}
        frames |= {} if result.calls.empty else {"calls": result.calls}
    return frames


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
    result = run.propagate(data.load(source), rule)
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
    context: typer.Context,
    source: options.Source,
    rule: options.Rules = None,
    out: Annotated[Path, option("FILE", "The file to write, .html or .md.", OUT)] = Path(
        "report.html"
    ),
    stress: Annotated[
        Path | None, option("DIR", "Add the stress test in this folder.", OUT)
    ] = None,
    tables: Annotated[Path | None, option("DIR", "Write every table as CSV too.", OUT)] = None,
    ranking: Annotated[bool, option(None, "Rank the nodes too (slow for thousands).", OUT)] = True,
    as_json: options.Json = False,
    *,
    run: Run,
    data: Data,
) -> None:
    """Write the report of one shock: a single HTML file that needs nothing else.

    Example: contagion report cefi_credit_2022 --default three_arrows --out report.html
    """
    from ..experiments.stress import read_stress_test as tested
    from ..measures.ranking import rank as ranked
    from ..report.document import write
    from ..report.findings import sentences
    from ..report.given import given

    writable(out, REPORTS, "--out")
    loaded = data.load(source)
    result = run.propagate(loaded, rule)
    net = loaded.network
    progress = len(net) > 500 and sys.stderr.isatty()
    importance = None
    if ranking:  # under the model of the run, and at its recovery where it has one
        rates = set(result.hit.pins[result.pinned].tolist())
        recovery = rates.pop() if len(rates) == 1 else 0.0
        importance = ranked(net, [run.chosen()], recovery=recovery, progress=progress)
    command = shlex.join(["contagion", *(context.obj or ["report", source])])
    test = None if stress is None else tested(stress)
    about = given(net, result, importance, card=loaded.card, command=command, stress=test)
    file, found = write(out, about, tables), [str(said) for said in sentences(about)]
    if as_json:
        print_json({"report": str(file), "findings": found, "run": record(result)})
        return
    say(*(f"- {sentence}" for sentence in found))
    put(f"\nReport: {file}" + (f"\nTables: {tables}" if tables is not None else ""))
