"""The section Policy what-if: interventions, avoided losses and costs."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from ... import plot
from ...experiments.policy import ScenarioComparison, ShockComparison
from ...facts import Fact, Sentence
from ...network.exposure_network import ExposureNetwork
from ...plot.pieces import shock_words
from ...text import money, plural
from ...units import Scale, scale
from ...vocabulary import SEED
from ..figures import figure
from ..given import Given, Policy
from ..parts import Exhibit, table, tagged
from ..phrases import of_run, signed

AS_GIVEN = "as given"
TITLES = {
    "initial_loss": "initial loss",
    "socialized": "socialized loss",
    "loss": "loss",
    "owners_loss": "of owners",
    "external_loss": "of external creditors",
    "deadweight": "deadweight",
    "funded": "borne by money put up",
    "defaults": "in default",
    "cost": "cost",
    "avoided": "avoided",
    "avoided_per_cost": "avoided per cost",
}
LOSSES = {  # in a sentence, without the heading "loss" before them
    "owners_loss": "loss of owners",
    "external_loss": "loss of external creditors",
    "funded": "loss borne by money put up",
    "defaults": "nodes in default",
}
LESS = {  # words for an avoided amount
    "socialized": "less is socialized",
    "loss": "less is lost",
    "owners_loss": "less is lost by owners",
    "external_loss": "less is lost by external creditors",
    "deadweight": "less is destroyed on the way",
}
PURE = ("defaults", "avoided_per_cost")
FLOOR = 1e-9  # share of the largest amount; smaller differences count as zero


def exhibits(about: Given) -> list[Exhibit]:
    """F18, T18, T18I: every comparison, and a description of its interventions."""
    network, found = about.network, about.policy
    if not found:
        return []
    made = [
        _shock(network, one, tag) if isinstance(one, ShockComparison) else _scenarios(one, tag)
        for tag, one in tagged(found)
    ]
    drawn = [
        figure(
            f"F18{tag}",
            "Cost and remaining loss",
            partial(plot.efficient_frontier, one),
            "The cost of each intervention against the remaining loss.",
        )
        for tag, one in tagged(found)
        if isinstance(one, ShockComparison)
    ]
    return [*drawn, *made, _interventions(found)]


def _shock(network: ExposureNetwork, found: ShockComparison, tag: str) -> Exhibit:
    """T18: one shock with and without each intervention."""
    frame = found.table.table
    pure = PURE if found.of != "defaults" else (*PURE, "avoided")
    amounts = [name for name in TITLES if name in frame and name not in pure]
    to = scale(frame[amounts].to_numpy(float).ravel(), found.unit)
    floor = FLOOR * _top(frame, amounts)
    none = "deadweight" in frame and not (frame["deadweight"] > floor).any()
    shown = [name for name in TITLES if name in frame and not (none and name == "deadweight")]
    rows = [
        [str(name), *(_cell(key, float(row[key]), to, floor, key in pure) for key in shown)]
        for name, row in frame.iterrows()
    ]
    first = found.results[AS_GIVEN]
    lead = f"{shock_words(first.network, first.shock)} Model: {type(first.model).__name__}."
    note = (
        f"Amounts in {to.label or 'money'}. Avoided: {_words(found.of)} less than as given. Cost "
        "is the amount provided or transferred, not lost; its used part counts as borne by money "
        "put up, and in no other column. –: no cost."
    )
    done = table(["intervention", *(TITLES[key] for key in shown)], rows, note=note)
    return Exhibit(f"T18{tag}", "One shock", lead, table=done)


def _top(frame: pd.DataFrame, amounts: list[str]) -> float:
    return float(np.nanmax(np.abs(frame[amounts].to_numpy(float)), initial=0.0))


def _cell(key: str, value: float, to: Scale, floor: float, pure: bool) -> str:
    """A number of T18; `pure` if it is not an amount."""
    if np.isnan(value):
        return "–"
    if pure:
        form = ".2f" if key == "avoided_per_cost" else ",.0f"
        return f"{value:{form}}".replace("-", "−")
    return (
        signed(value, to, floor) if key == "avoided" else to(0.0 if abs(value) < floor else value)
    )


def _scenarios(found: ScenarioComparison, tag: str) -> Exhibit:
    """T18: many scenarios; differences with standard errors of paired samples."""
    frame = found.table.reset_index()
    frame = frame[frame["measure"] == found.of]
    counts = found.of == "defaults"
    amounts = ["before", "after", *([] if counts else ["cost"])]
    to = scale(frame[amounts].to_numpy(float).ravel(), "" if counts else found.unit)
    paid = scale(frame["cost"], found.unit) if counts else to
    floor = FLOOR * _top(frame, amounts)
    rows, last = [], ""
    for _, row in frame.iterrows():
        name = str(row["intervention"])
        half = (row["high"] - row["low"]) / 2
        rows.append(
            [
                "" if name == last else name,
                _statistic(str(row["statistic"])),
                to(row["before"]),
                to(row["after"]),
                signed(row["difference"], to, floor),
                "–" if np.isnan(half) else f"± {to(half)}",
                paid(row["cost"]),
                _cell("avoided_per_cost", row["avoided_per_cost"], to, floor, True),
            ]
        )
        last = name
    test = found.tests[AS_GIVEN]
    lead = (
        f"{plural(len(test), 'scenario')} through {test.spec['model']['name']}, the same with and "
        "without each intervention."
    )
    note = (
        f"{_words(found.of).capitalize()}, in {to.label or ('nodes' if counts else 'money')}. "
        "±: half of the 95% interval of the difference, on the same scenarios. VaR: value at "
        "risk; ES: expected shortfall. –: no cost, or not determined by the scenarios."
        + (f" Cost in {paid.label or 'money'}." if counts else "")
    )
    head = ["intervention", "", "before", "after", "difference", "±", "cost", "avoided per cost"]
    return Exhibit(f"T18{tag}", "Many scenarios", lead, table=table(head, rows, text=2, note=note))


def _statistic(label: str) -> str:
    name, _, level = label.partition(" ")
    return f"{name} {100 * float(level):.6g}%" if level else name


def _interventions(found: tuple[Policy, ...]) -> Exhibit:
    """T18I: description of the interventions."""
    rows = [
        [name, repr(intervention), money(one.costs[name], one.unit)]
        for one in found
        for name, intervention in one.interventions.items()
    ]
    rows = [row for at, row in enumerate(rows) if row not in rows[:at]]
    done = table(["intervention", "what it is", "cost"], rows, text=2)
    return Exhibit("T18I", "The interventions", table=done)


def _words(measure: str) -> str:
    return {**TITLES, **LOSSES}.get(measure, measure.replace("_", " "))


def sentences(found: tuple[Policy, ...]) -> list[Sentence]:
    """Key findings: the intervention that avoids most, and its cost."""
    lines = []
    for tag, one in tagged(found):
        exhibit, run, counts = f"T18{tag}", _perimeter(one), one.of == "defaults"
        if isinstance(one, ShockComparison):
            sign, column, over, row = 1, "avoided", "", []
            apart = one.table["avoided"].drop(AS_GIVEN)
        else:
            sign, column, over, row = -1, "difference", " in the mean of the scenarios", ["mean"]
            apart = one.differences(rng=SEED)["difference"]
        avoided = sign * apart
        best = str(avoided.idxmax())
        if not avoided[best] > 0:
            what = "number of defaults" if counts else _words(one.of)
            text = f"None of the interventions makes the {what}{over} less."
            lines.append(Sentence(text, {}, ("policy",)))
            continue
        of, unit = (best, *row, _words(one.of), run), "" if counts else one.unit
        kind = "count" if counts and not over else "size"
        facts = {
            "best": Fact("intervention", best, "name", of, exhibit),
            "avoided": Fact(column, float(apart[best]), kind, of, exhibit, unit),
            "cost": Fact("cost", float(one.costs[best]), "money", (best, run), exhibit, one.unit),
        }
        most = "" if len(avoided) == 1 else ", the most of the interventions,"
        what = LESS.get(one.of, f"{_words(one.of)} less")
        if counts:
            what = "default less" if avoided[best] == 1 else "defaults less"
        text = f"{{avoided}} {what}{over} with “{{best}}”{most} at a cost of {{cost}}."
        lines.append(Sentence(text, facts, ("policy",)))
    return lines


def _perimeter(one: Policy) -> str:
    """The shock or the scenarios, and the model, behind a comparison."""
    if isinstance(one, ShockComparison):
        return of_run(one.results[AS_GIVEN])
    test = one.tests[AS_GIVEN]
    return f"{len(test)} scenarios through {test.spec['model']['name']}"
