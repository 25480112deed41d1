"""The command `compare`: one shock under several sets of loss-sharing rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd

from ..errors import ArgumentError
from ..experiments.rule_comparison import AS_GIVEN, RuleComparison
from ..plot.style import rows as rows_of
from ..rules import Rule, to_dict
from ..study import StudyRun
from ..study.result_tables import of_comparison
from ..text import percent, plural
from ..units import Scale, scale
from . import options
from .grouped import grouped
from .options import OUT, SHOCK, Figure, option, print_json
from .outputs import draw, drawable, rows, save, tell
from .recorded import record
from .rule_arguments import idle, in_words, sets
from .specifying import Data, Run
from .terminal import paragraph, put, say, table, width

MOST = 12
NODES = 32  # characters kept for the names and the losses under the given rules
NOISE = 1e-9  # share of all losses borne; a smaller difference counts as zero


@grouped
def compare(
    source: options.Source,
    rule: Annotated[
        list[str] | None,
        option(
            "[NAME:]NODE=RULE",
            "A rule to compare, in place of those in a study: a word such as pro_rata, a TOML "
            "file, or venue:NAME. "
            "Repeatable; those with one NAME are one set of rules. See `contagion rules`.",
            SHOCK,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        option(
            "DIR",
            "Write fairness, table, differences, by_kind and by_hop as CSV, and "
            "summary.json, into this folder.",
            OUT,
        ),
    ] = None,
    figure: Figure = None,
    as_json: options.Json = False,
    *,
    run: Run,
    data: Data,
) -> None:
    """Run one shock through a network under several loss-sharing rules: who gains and who pays.

    Example: contagion compare okex_2018 --rule okex=pro_rata --rule okex=equal_losses
    """
    drawable(figure)
    study = run.on(data.study(source))
    own = dict(study.outputs.get("compare", {}))
    if rule:
        own["rules"] = sets(StudyRun(study).network, rule)
    elif not own:
        raise ArgumentError("Say what to compare: --rule [NAME:]NODE=RULE.")
    begun = data.begin(study.but(outputs={"compare": own}))
    done, found = begun["compare"], begun.study.outputs["compare"]["rules"]
    frames, record = of_comparison(done), _record(done, found)
    files = save(out, frames, record)
    draw(figure, lambda plot: plot.rule_comparison(done))
    if as_json:
        print_json({**record, **rows(frames), "files": files, "figure": figure})
        return
    show(done, found)
    tell(out, files, figure)


def _record(done: RuleComparison, found: dict[str, dict[str, Rule]]) -> dict[str, Any]:
    first = done.results[AS_GIVEN]
    keys = ("contagion", "network", "unit", "nodes", "exposures", "model", "shock", "baseline",
            "rules", "findings", "assumptions")  # fmt: skip
    mine = {
        name: {node: to_dict(each) for node, each in of_nodes.items()}
        for name, of_nodes in found.items()
    }
    whole = record(first)
    return {**{key: whole[key] for key in keys}, "sets": mine}


def show(done: RuleComparison, found: Mapping[str, Mapping[str, Rule]]) -> None:
    """Print the changes under each set of rules."""
    net = done.results[AS_GIVEN].network
    shock = done.results[AS_GIVEN].shock
    say(f"{shock!r} on {net.name or 'network'}, {plural(len(found), 'set')} of rules compared:")
    for name, of_nodes in found.items():
        text = "; ".join(f"{node} shares by {in_words(each)}" for node, each in of_nodes.items())
        say(f"- {name}: {text}")
    say(*(f"assumption: {text}" for text in net.assumptions))
    if note := idle(done.nodes, shock):
        say(note)
    names = _labels(list(found))
    for text in (_fairness(done, names), *_differences(done, names)):
        put(f"\n{text}")


def _labels(names: list[str]) -> dict[str, str]:
    """Column headings: the names of the sets if they fit, otherwise numbers."""
    need = sum(2 + max(9, *(len(part) for part in name.split())) for name in names)
    if need <= width() - 1 - NODES:
        return {name: name for name in names}
    return {name: f"({number})" for number, name in enumerate(names, 1)}


def _fairness(done: RuleComparison, names: dict[str, str]) -> str:
    frame = done.fairness
    to = scale(frame["socialized"], done.results[AS_GIVEN].network.unit)

    def part(share: float) -> str:
        return "–" if np.isnan(share) else percent(share)

    rows = [
        [name if names.get(name, name) == name else f"{names[name]} {name}",
         to(row.socialized), part(row.socialized_share), part(row.bystander_share),
         part(row.largest_haircut), f"{row.concentration:.3f}"]
        for name, row in zip(frame.index, rows_of(frame), strict=True)
    ]  # fmt: skip
    head = ["rules", f"socialized {to.label}".rstrip(), "share", "bystander share",
            "largest haircut", "concentration"]  # fmt: skip
    return table(head, rows, words=(0,))


def _differences(done: RuleComparison, names: dict[str, str]) -> list[str]:
    """Tables of the changes: by node, by kind, by hop."""
    first = done.results[AS_GIVEN]
    borne = max(result.socialization.borne for result in done.results.values())
    nodes = done.table[list(done.results)]
    moved = nodes[list(names)].sub(nodes[AS_GIVEN], axis=0).abs().max(axis=1)
    order = np.argsort(-moved.to_numpy(float), kind="stable")[: int((moved > NOISE * borne).sum())]
    if not len(order):
        return ["No node bears more or less under any of them."]
    to = scale(nodes.to_numpy(float).ravel(), first.network.unit)
    hops = done.by_hop.rename(index=lambda hop: "no path" if hop < 0 else str(hop))
    parts = [("node", nodes.iloc[order[:MOST]])]
    for what, whole in (("kind", done.by_kind), ("hop", hops)):
        some = (whole.abs() > NOISE * borne).any(axis=1)
        parts += [(what, whole[some])] if what == "hop" or len(whole) > 1 else []
    texts = []
    for what, frame in parts:
        texts += _tables(what, frame, names, to, borne)
    more = f"; {plural(len(order) - MOST, 'node')} more not shown" if len(order) > MOST else ""
    note = (
        f"({to.label or 'money'}; losses borne under the given rules, and the change under each "
        f"set of rules{more}; hops from the triggers, counted in each run)"
    )
    return [*texts[:-1], f"{texts[-1]}\n{paragraph(note)}"]


def _tables(
    what: str, frame: pd.DataFrame, names: dict[str, str], to: Scale, borne: float
) -> list[str]:
    """One table, or several if the sets do not fit side by side."""
    given = f"{AS_GIVEN} {to.label}".rstrip()
    left = [[str(name), to(amount)] for name, amount in frame[AS_GIVEN].items()]
    cells = [
        [_signed(value - row[AS_GIVEN], to, borne) for value in row[list(names)]]
        for _, row in frame.iterrows()
    ]
    heads = list(names.values())
    used = 2 + sum(max(len(row[k]) for row in [[what, "given"], *left]) for k in (0, 1))
    wide = max(len(text) for row in [heads, *cells] for text in row) + 2
    each = max(1, (width() - 1 - used) // wide)
    texts = []
    for at in range(0, len(heads), each):
        rows = [[*mine, *more[at : at + each]] for mine, more in zip(left, cells, strict=True)]
        texts.append(table([what, given, *heads[at : at + each]], rows))
    return texts


def _signed(moved: float, to: Scale, borne: float) -> str:
    if abs(moved) <= NOISE * borne:
        return "="
    text = to(moved)
    return f"+{text}" if moved > 0 and text[0] != "<" else text
