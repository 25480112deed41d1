"""The section Sensitivity: sweeps of the parameters, and reverse stress tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
import pandas as pd

from .. import plot
from ..experiments.reverse import BreakEven, Smallest, Triggers
from ..experiments.sweeping import Sweep
from ..network.exposure_network import ExposureNetwork
from ..plot.pieces import listed, names
from ..text import money, plural, same_scale
from .figures import figure
from .given import Answer
from .parts import Exhibit, table

PREFERRED = ("socialized_share", "bystander_share", "defaulted_share", "contagion_loss", "loss")
SHARES = ("socialized_share", "bystander_share", "external_share", "defaulted_share")
MOST = 12
UNSURE = "NOT confirmed by runs"


def sweeps(found: tuple[Sweep, ...]) -> list[Exhibit]:
    """F12, T12S: how results change with the parameters, one figure and table a sweep."""
    if not found:
        missing = (
            "No sweep was given: pass sweeps=ct.sweep(ct.experiments.Case(network, model, shock), "
            '{"shock.recovery": […], "network.capital": […]}).'
        )
        return [Exhibit("F12", "Phase diagram", missing=missing)]
    exhibits = []
    for number, sweep in enumerate(found, 1):
        tag = f"-{number}" if len(found) > 1 else ""
        exhibits += [*_phase(sweep, tag), _extremes(sweep, tag)]
    return exhibits


def _varied(sweep: Sweep) -> list[str]:
    return [name for name, values in sweep.axes.items() if len(values) > 1]


def _phase(sweep: Sweep, tag: str) -> list[Exhibit]:
    """F12: one measure over two axes; nothing to draw over one, or over more than two."""
    axes = list(sweep.axes)
    varied = _varied(sweep)
    if len(axes) < 2 or len(varied) > 2:
        return []
    x, y = [*varied, *(name for name in axes if name not in varied)][:2]
    measure = shown_measure(sweep)
    text = f"The mean of {_words(measure)} by {_words(x)} and {_words(y)}."
    draw = partial(plot.phase_diagram, sweep, measure, x, y)
    return [figure(f"F12{tag}", "Phase diagram", draw, text)]


def shown_measure(sweep: Sweep) -> str:
    """The measure that is drawn: of the preferred ones, that with the most different values.

    A sweep that has none of them has measures of its own; there it is the first one.
    """
    known = [name for name in PREFERRED if name in sweep.measures]
    if not known:
        return sweep.measures[0]
    return max(known, key=lambda name: int(sweep.mean(name)["mean"].round(9).nunique()))


def _extremes(sweep: Sweep, tag: str) -> Exhibit:
    """T12S: every value of a sweep over one axis, or the smallest and largest of each measure."""
    varied = _varied(sweep)
    across = ", ".join(f"{_words(name)} ({len(v)} values)" for name, v in sweep.axes.items())
    bad = sweep.failed
    note = f"Means over {plural(sweep.samples, 'draw')}." if sweep.samples > 1 else ""
    if len(bad):
        note += f" {plural(len(bad), 'run')} failed; the first: {bad.iloc[0]['reason']}"
    means = {name: sweep.mean(name)["mean"] for name in sweep.measures}
    kept = [name for name, mean in means.items() if mean.nunique(dropna=False) > 1]
    same = [name for name in means if name not in kept and means[name].notna().all()]
    title = f"Over {across}"
    if not kept and not same:
        return Exhibit(f"T12S{tag}", title, missing=f"No run gave a number. {note.strip()}")
    if same:
        most = {name: float(means[name].max()) for name in same}
        alike = [f"{_words(x)} {_teller(sweep, x, [most[x]])(most[x])}" for x in same]
        note += f" The same in every run: {', '.join(alike)}."
    if not kept:
        return Exhibit(f"T12S{tag}", title, note.strip())
    if len(varied) == 1 and len(sweep.axes[varied[0]]) <= MOST:
        return _along(sweep, varied[0], kept, Exhibit(f"T12S{tag}", title), note)
    rows = []
    for name in kept:
        frame = sweep.mean(name).dropna(subset="mean")
        ends = (float(frame["mean"].min()), float(frame["mean"].max()))
        say = _teller(sweep, name, ends)
        row = [[say(end), _where(sweep, frame, end)] for end in ends]
        rows.append([_words(name), *row[0], *row[1]])
    head = ["measure", "smallest", "at", "largest", "at"]
    done = table(head, rows, note=note.strip(), words=[2, 4])
    return Exhibit(f"T12S{tag}", title, table=done)


def _along(sweep: Sweep, axis: str, kept: list[str], blank: Exhibit, note: str) -> Exhibit:
    """One column a value of the axis, one row a measure."""
    values = sweep.axes[axis]
    rows = []
    for name in kept:
        means = sweep.mean(name)["mean"].to_numpy(float)
        say = _teller(sweep, name, means)
        rows.append([_words(name), *map(say, means)])
    head = [_words(axis), *map(_value, values)]
    return Exhibit(blank.id, blank.title, table=table(head, rows, note=note.strip()))


def _where(sweep: Sweep, frame: pd.DataFrame, mean: float) -> str:
    """The first cell with that value, and how many more have it."""
    cells = frame[np.isclose(frame["mean"], mean, rtol=1e-9, atol=0.0)]
    first, more = cells.iloc[0], len(cells) - 1
    said = ", ".join(
        f"{_words(name.rpartition('.')[2])} {_value(first[name])}" for name in _varied(sweep)
    )
    return said + (f", and {plural(more, 'other')}" if more else "")


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float | np.number) else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ").replace(".", " ")


def _teller(sweep: Sweep, measure: str, values: Iterable[float]) -> Callable[[float], str]:
    """Values of a measure as text, money on one scale."""
    say: Callable[[float], str] = "{:.3g}".format
    if measure in SHARES:
        say = "{:.1%}".format
    elif measure in sweep.money:
        say = same_scale(values, sweep.unit)
    return lambda value: "–" if np.isnan(value) else say(value)


def reverse(network: ExposureNetwork, found: tuple[Answer, ...]) -> Exhibit:
    """T12: what it takes: the smallest shocks, the fewest triggers, the funds that suffice."""
    title = "Reverse stress tests"
    if not found:
        missing = (
            "No reverse stress test was given: pass reverse=[smallest_shock(network, fail=node), "
            "fewest_triggers(…), break_even_fund(…)] of ct.experiments.reverse."
        )
        return Exhibit("T12", title, missing=missing)
    rows = [answer_words(network, answer) for answer in found]
    head = ["what has to happen", "what it takes", "where", "how sure"]
    return Exhibit("T12", title, table=table(head, rows, text=4))


def answer_words(network: ExposureNetwork, answer: Answer) -> list[str]:
    """The question, the size, the nodes, and how sure the answer is."""
    name = names(network)
    if isinstance(answer, BreakEven):
        return [f"{name[answer.node]} pays in full under the shock", *_fund(answer)]
    goal = _goal(answer.goal, name)
    if isinstance(answer, Triggers):
        return [goal, *_triggers(answer, name)]
    return [goal, *_smallest(answer, name)]


def _fund(answer: BreakEven) -> list[str]:
    if answer.need == 0:
        return ["no fund: it does anyway", "", ""]
    return [
        f"a fund, or capital, of {money(answer.need, answer.unit)}",
        f"saves the others {money(answer.saved, answer.unit)}",
        _run(answer.verified, "run with it and just below"),
    ]


def _triggers(answer: Triggers, name: dict[object, str]) -> list[str]:
    if not answer.nodes:
        return [f"more than {plural(answer.least - 1, 'default')}", "",
                f"{plural(answer.tried, 'set')} run"]  # fmt: skip
    sure = "no smaller set does" if answer.exact else f"any set needs {answer.least} or more"
    sure += f"; {plural(answer.others, 'other set')} of that size too" if answer.others else ""
    return [plural(len(answer.nodes), "default"), listed([name[n] for n in answer.nodes], 6), sure]


def _smallest(answer: Smallest, name: dict[object, str]) -> list[str]:
    if not np.isfinite(answer.size):
        return ["no loss of external assets", "", answer.method]
    words = {"money": "in all", "largest": "at the node hit most", "relative": "of assets"}
    size = _size(answer, answer.size)
    most = answer.losses.sort_values(ascending=False, kind="stable")
    hits = [f"{name[n]} {money(float(x), answer.unit)}" for n, x in most.items()]
    where = listed(hits, 3) if len(hits) > 1 else f"{name[most.index[0]]} alone"
    sure = "no smaller one exists"
    if not answer.exact:
        known = np.isfinite(answer.least)
        sure = "a smaller one in another direction may exist"
        sure += f", none below {_size(answer, answer.least)}" if known else ""
    said = _run(answer.verified, "run at this size and just below")
    return [f"a loss of {size} {words[answer.norm]}", where, f"{answer.direction}: {sure}; {said}"]


def _size(answer: Smallest, size: float) -> str:
    return f"{size:.2%}" if answer.norm == "relative" else money(size, answer.unit)


def _run(verified: bool, how: str) -> str:
    return how if verified else UNSURE


def _goal(goal: str, name: dict[object, str]) -> str:
    """The goal with the names that readers know."""
    begin = "default of "
    nodes = goal.removeprefix(begin).split(", ")
    known = {str(node): title for node, title in name.items()}
    if goal.startswith(begin) and all(node in known for node in nodes):
        return begin + listed([known[node] for node in nodes], 6)
    return goal


def sentences(network: ExposureNetwork, found: tuple[Answer, ...]) -> list[str]:
    """Key findings: what the first search and the first fund say."""
    lines = []
    funds = [answer for answer in found if isinstance(answer, BreakEven)][:1]
    for answer in [*[answer for answer in found if not isinstance(answer, BreakEven)][:1], *funds]:
        goal, takes, where, sure = answer_words(network, answer)
        doubt = f" ({UNSURE})" if UNSURE in sure else ""
        if isinstance(answer, BreakEven):
            lines.append(f"{goal} with {takes}{f', which {where}' if where else ''}{doubt}.")
        else:
            more = f": {where}" if where else ""
            lines.append(f"For a {goal.removeprefix('a ')} it takes {takes}{more}{doubt}.")
    return lines
