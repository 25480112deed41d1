"""The section Policy what-if: interventions, what they avoid and what they cost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..experiments.policy import ScenarioComparison, ShockComparison
from ..network.exposure_network import ExposureNetwork
from ..plot.pieces import shock_words
from ..text import money, plural
from ..units import Scale, scale
from ..vocabulary import SEED
from .compared import signed
from .given import Policy
from .parts import Exhibit, table

TITLE = "Policy what-if"
AS_GIVEN = "as given"
TITLES = {
    "initial_loss": "initial loss",
    "socialized": "socialized loss",
    "loss": "loss",
    "owners_loss": "of owners",
    "external_loss": "of outside creditors",
    "deadweight": "deadweight",
    "funded": "borne by money put up",
    "defaults": "in default",
    "cost": "cost",
    "avoided": "avoided",
    "avoided_per_cost": "avoided per cost",
}
PURE = ("defaults", "avoided_per_cost")
FLOOR = 1e-9  # of the largest amount: a smaller difference is none


def whatif(network: ExposureNetwork, found: tuple[Policy, ...]) -> list[Exhibit]:
    """T18, T18I: every comparison, and what its interventions are."""
    if not found:
        missing = (
            "No comparison was given: pass policy=policy.compare(network, model, shock, "
            '{"fund": policy.InsuranceFund(node, amount)}), with policy = ct.experiments.policy.'
        )
        return [Exhibit("T18", TITLE, missing=missing)]
    exhibits = []
    for number, one in enumerate(found, 1):
        tag = f"-{number}" if len(found) > 1 else ""
        if isinstance(one, ShockComparison):
            exhibits.append(_shock(network, one, tag))
        else:
            exhibits.append(_scenarios(one, tag))
    return [*exhibits, _interventions(found)]


def _shock(network: ExposureNetwork, found: ShockComparison, tag: str) -> Exhibit:
    """T18: one shock with and without each intervention."""
    frame = found.table.table
    amounts = [name for name in TITLES if name in frame and name not in PURE]
    to = scale(frame[amounts].to_numpy(float).ravel(), found.unit)
    floor = FLOOR * _top(frame, amounts)
    none = "deadweight" in frame and not (frame["deadweight"] > floor).any()
    shown = [name for name in TITLES if name in frame and not (none and name == "deadweight")]
    rows = [
        [str(name), *(_cell(key, float(row[key]), to, floor) for key in shown)]
        for name, row in frame.iterrows()
    ]
    first = found.results[AS_GIVEN]
    lead = f"{shock_words(first.network, first.shock)} Model: {type(first.model).__name__}."
    note = (
        f"Amounts in {to.label or 'money'}. Avoided: {_words(found.of)} less than as given. Cost "
        "is money put up or handed over, not lost; what of it is used is borne by it, and in no "
        "other column. –: costs nothing."
    )
    done = table(["intervention", *(TITLES[key] for key in shown)], rows, note=note)
    return Exhibit(f"T18{tag}", "One shock", lead, table=done)


def _top(frame: pd.DataFrame, amounts: list[str]) -> float:
    return float(np.nanmax(np.abs(frame[amounts].to_numpy(float)), initial=0.0))


def _cell(key: str, value: float, to: Scale, floor: float) -> str:
    if np.isnan(value):
        return "–"
    if key == "defaults":
        return f"{value:,.0f}"
    if key == "avoided_per_cost":
        return f"{value:.2f}".replace("-", "−")
    return (
        signed(value, to, floor) if key == "avoided" else to(0.0 if abs(value) < floor else value)
    )


def _scenarios(found: ScenarioComparison, tag: str) -> Exhibit:
    """T18: many scenarios, differences with the errors of pairs."""
    frame = found.table.reset_index()
    frame = frame[frame["measure"] == found.of]
    counts = found.of == "defaults"
    amounts = ["before", "after", "cost"]
    to = scale(frame[amounts].to_numpy(float).ravel(), "" if counts else found.unit)
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
                to(row["cost"]),
                _cell("avoided_per_cost", row["avoided_per_cost"], to, floor),
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
        "risk; ES: expected shortfall. –: costs nothing, or the scenarios do not tell."
    )
    head = ["intervention", "", "before", "after", "difference", "±", "cost", "avoided per cost"]
    return Exhibit(f"T18{tag}", "Many scenarios", lead, table=table(head, rows, text=2, note=note))


def _statistic(label: str) -> str:
    name, _, level = label.partition(" ")
    return f"{name} {100 * float(level):.6g}%" if level else name


def _interventions(found: tuple[Policy, ...]) -> Exhibit:
    """T18I: what the interventions are."""
    rows = [
        [name, repr(intervention), money(one.costs[name], one.unit)]
        for one in found
        for name, intervention in one.interventions.items()
    ]
    rows = [row for at, row in enumerate(rows) if row not in rows[:at]]
    done = table(["intervention", "what it is", "cost"], rows, text=2)
    return Exhibit("T18I", "The interventions", table=done)


def _words(measure: str) -> str:
    return TITLES.get(measure, measure.replace("_", " "))


def sentences(found: tuple[Policy, ...]) -> list[str]:
    """Key findings: what avoids most, and what avoids most for its cost."""
    lines = []
    for one in found:
        if isinstance(one, ShockComparison):
            avoided = one.table["avoided"].drop(AS_GIVEN)
            what = _words(one.of)
        else:
            avoided = -one.differences(rng=SEED)["difference"]
            what = f"{_words(one.of)} in the mean of the scenarios"
        best = str(avoided.idxmax())
        if not avoided[best] > 0:
            lines.append(f"None of the interventions makes the {what} less.")
            continue
        amount = f"{avoided[best]:.2g}" if one.of == "defaults" else money(avoided[best], one.unit)
        lines.append(
            f"“{best}” would avoid {amount} of {what}, the most of "
            f"{plural(len(avoided), 'intervention')}, and costs "
            f"{money(one.costs[best], one.unit)}."
        )
    return lines
