"""The section Rules compared: the same shock under several sets of loss-sharing rules."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ... import plot, rules
from ...experiments.rule_comparison import AS_GIVEN, RuleComparison
from ...facts import Fact, Sentence
from ...plot.pieces import names, shock_words
from ...plot.style import percent
from ...results.socialization import BASELINE
from ...text import listed, money
from ...units import Scale, scale
from ..figures import figure
from ..given import Given
from ..parts import Exhibit, table
from ..phrases import FAIRNESS, attributes, of_run, signed

MOST = 40
FLOOR = 1e-9  # share of all losses borne; smaller differences count as zero


def exhibits(about: Given) -> list[Exhibit]:
    """F14 to T17: bearers under each set of rules, evenness, and description of the sets."""
    comparison = about.comparison
    if comparison is None:
        return []
    first = comparison.results[AS_GIVEN]
    name = names(first.network)
    lead = (
        f"{shock_words(first.network, first.shock)} The sets of rules differ at "
        f"{listed([name[node] for node in comparison.nodes])}."
    )
    most = 12 if len(comparison.results) <= 3 else 8
    text = "Who bears the loss under each set of rules, one group of lines for each node."
    draw = partial(plot.rule_comparison, comparison, most=most)
    return [
        figure("F14", "Who bears it under each set of rules", draw, text, lead),
        _per_node(comparison),
        _per_kind(comparison),
        _fairness(comparison),
        _sets(comparison),
    ]


def _per_node(comparison: RuleComparison) -> Exhibit:
    """T14: losses of every node under the given rules, and differences under the other sets."""
    frame, apart, sets = comparison.table, comparison.differences, _others(comparison)
    to, floor = _scale(comparison), _floor(comparison)
    size = apart[sets].abs().max(axis=1)
    order = np.lexsort((-frame[AS_GIVEN].to_numpy(), -size.to_numpy()))
    moved = int((size > floor).sum())
    if moved > MOST:  # nodes named in a finding keep a row of their own
        each = apart[sets].to_numpy(float)
        ends = [*each.argmax(axis=0), *each.argmin(axis=0)]
        order = order[np.argsort(~np.isin(order, ends), kind="stable")]
    net = comparison.results[AS_GIVEN].network
    name = names(net)
    rows = [
        [
            name[net.names[i]],
            str(frame["kind"].iloc[i]).replace("_", " "),
            "–" if frame["hop"].iloc[i] < 0 else str(frame["hop"].iloc[i]),
            to(frame[AS_GIVEN].iloc[i]),
            *(signed(apart[one].iloc[i], to, floor) for one in sets),
        ]
        for i in order[: min(moved or len(order), MOST)]
    ]
    rest = order[len(rows) :]
    if len(rest):
        others = f"{len(rest):,} other{'s' if len(rest) > 1 else ''}"
        sums = [float(apart[one].iloc[rest].sum()) for one in sets]
        rows.append([others, "", "", to(float(frame[AS_GIVEN].iloc[rest].sum()))])
        rows[-1] += [signed(amount, to, floor) for amount in sums]
    note = (
        f"Amounts in {to.label or 'money'}: losses under the given rules, and how much more (+) or "
        "less (−) under the other sets. A node bears what its owners and its external creditors "
        "lose."
        + ("" if moved else " No node bears more or less.")
        + (f" {moved - MOST:,} of the others bear more or less, too." if moved > MOST else "")
    )
    total = ["all", "", "", to(float(frame[AS_GIVEN].sum()))]
    total += [signed(float(apart[one].sum()), to, floor) for one in sets]
    head = ["node", "kind", "hop", AS_GIVEN, *sets]
    done = table(head, rows, text=2, note=note, total=total)
    return Exhibit("T14", "Differences per node", table=done)


def _per_kind(comparison: RuleComparison) -> Exhibit:
    """T15: the same, summed over the nodes of a kind."""
    frame, sets = comparison.by_kind, _others(comparison)
    to, floor = _scale(comparison), _floor(comparison)
    apart = frame[sets].sub(frame[AS_GIVEN], axis=0)
    rows = [
        [
            str(kind).replace("_", " "),
            to(frame.loc[kind, AS_GIVEN]),
            *(signed(apart.loc[kind, one], to, floor) for one in sets),
        ]
        for kind in frame.index
    ]
    note = f"Amounts in {to.label or 'money'}; differences to losses under the given rules."
    done = table(["kind", AS_GIVEN, *sets], rows, note=note)
    return Exhibit("T15", "Differences per kind", table=done)


def _fairness(comparison: RuleComparison) -> Exhibit:
    """T16: distribution of the loss under each set, with definitions."""
    frame, unit = comparison.fairness, comparison.results[AS_GIVEN].network.unit
    meaning = {**attributes(), **FAIRNESS}
    rows = []
    for column in frame:
        if frame[column].isna().all():
            continue
        cells = [_figure(str(column), value, unit) for value in frame[column]]
        rows.append([str(column).replace("_", " "), *cells, meaning[str(column)]])
    head = ["measure", *map(str, frame.index), "meaning"]
    done = table(head, rows, words=[len(head) - 1])
    return Exhibit("T16", "How the loss is spread", table=done)


def _figure(measure: str, value: float, unit: str) -> str:
    if pd.isna(value):
        return "–"
    if measure == "socialized":
        return money(value, unit)
    return f"{value:.3f}" if measure == "concentration" else percent(value)


def _sets(comparison: RuleComparison) -> Exhibit:
    """T17: the rules of each set."""
    name = names(comparison.results[AS_GIVEN].network)
    given = comparison.results[AS_GIVEN].network.rules
    rows = []
    sets: dict[str, dict[Any, Any]] = {AS_GIVEN: {n: given.get(n) for n in comparison.nodes}}
    for one, of_nodes in {**sets, **changed(comparison)}.items():
        for at, (node, rule) in enumerate(of_nodes.items()):
            text = "no rule of its own" if rule is None else repr(rule)
            rows.append(["" if at else one, name[node], text])
        if not of_nodes:
            rows.append([one, "", "the same as given"])
    return Exhibit("T17", "The sets of rules", table=table(["set", "node", "rule"], rows, text=3))


def changed(comparison: RuleComparison) -> dict[str, dict[Any, Any]]:
    """The rules of every set that differ from those of the network: {name: {node: rule}}."""
    given = comparison.results[AS_GIVEN].network.rules
    return {
        one: {
            node: rule
            for node, rule in comparison.results[one].network.rules.items()
            if node in comparison.nodes and rule != given.get(node)
        }
        for one in _others(comparison)
    }


def code(comparison: RuleComparison) -> list[str]:
    """Lines of Python that reproduce the comparison."""
    first = comparison.results[AS_GIVEN]
    call = (
        f"ct.compare_rules(network, ct.{first.shock!r}, {changed(comparison)!r}, "
        f'model=ct.{first.model!r}, baseline="{first.baseline}")'
    )
    found = set(re.findall(r"\b([A-Z]\w+)\(", repr(changed(comparison))))
    used = ", ".join(sorted(found & set(rules.__all__)))
    return [*([f"from contagion.rules import {used}"] if used else []), call]


def sentences(comparison: RuleComparison) -> list[Sentence]:
    """Key findings: the node with the largest increase, and decrease, under each set."""
    net, floor = comparison.results[AS_GIVEN].network, _floor(comparison)
    name, lines = list(names(net).values()), []
    run = of_run(comparison.results[AS_GIVEN])
    for one in _others(comparison):
        apart = comparison.differences[one].to_numpy(float)
        ends = {"more": int(apart.argmax()), "less": int(apart.argmin())}
        facts = {"set": Fact("set", one, "name", (), "T17")}
        parts = list[str]()
        for word, at in ends.items():
            if abs(apart[at]) > floor and (apart[at] > 0) == (word == "more"):
                of = (name[at], run)
                facts[word] = Fact(one, float(apart[at]), "size", of, "T14", net.unit)
                facts[f"who {word}"] = Fact("node", name[at], "name", of, "T14")
                verb = "" if parts else "falls "
                parts.append(f"{{{word}}} {word} {verb}on {{who {word}}}")
        text = f"{' and '.join(parts)} under the rules “{{set}}”."
        if not parts:
            text = "No node would bear more or less under the rules “{set}”."
        lines.append(Sentence(text, facts, ("policy", BASELINE)))
    return lines


def _others(comparison: RuleComparison) -> list[str]:
    return [one for one in comparison.results if one != AS_GIVEN]


def _scale(comparison: RuleComparison) -> Scale:
    frame = comparison.table[list(comparison.results)]
    return scale(frame.to_numpy(float).ravel(), comparison.results[AS_GIVEN].network.unit)


def _floor(comparison: RuleComparison) -> float:
    return FLOOR * float(comparison.results[AS_GIVEN].socialization.borne)
