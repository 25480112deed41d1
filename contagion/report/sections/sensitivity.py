"""The section Sensitivity: sweeps of the parameters, and reverse stress tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from ...experiments.reverse import BreakEven, Smallest, Triggers
from ...experiments.sweeping import Sweep
from ...facts import Fact, Sentence
from ...network.exposure_network import ExposureNetwork
from ...plot.interactive.charts import phase_chart
from ...plot.pieces import names
from ...results.socialization import BASELINE
from ...text import listed, plural, same_scale
from ..figures import figure
from ..given import Answer, Given
from ..parts import Exhibit, table, tagged

PREFERRED = ("socialized_share", "bystander_share", "defaulted_share", "contagion_loss", "loss")
SHARES = ("socialized_share", "bystander_share", "external_share", "defaulted_share")
MOST = 12
HITS = 3  # losses of a smallest shock named in the text
T12 = ("what has to happen", "what it takes", "where", "how sure")
NONE = "no loss of external assets is enough"
UNSURE = "NOT confirmed by runs"


def exhibits(about: Given) -> list[Exhibit]:
    """F12, T12S, T12: results as a function of parameters, and reverse stress tests."""
    found = [
        exhibit
        for tag, sweep in tagged(about.sweeps)
        for exhibit in (*_phase(sweep, tag), _extremes(sweep, tag))
    ]
    return [*found, *([reverse(about.network, about.reverse)] if about.reverse else [])]


def _varied(sweep: Sweep) -> list[str]:
    return [name for name, values in sweep.axes.items() if len(values) > 1]


def _phase(sweep: Sweep, tag: str) -> list[Exhibit]:
    """F12: one measure over two axes; no figure for one axis, or for more than two."""
    axes = list(sweep.axes)
    varied = _varied(sweep)
    if len(axes) < 2 or len(varied) > 2:
        return []
    x, y = [*varied, *(name for name in axes if name not in varied)][:2]
    measure = shown_measure(sweep)
    text = f"The mean of {_words(measure)} by {_words(x)} and {_words(y)}."
    chart = phase_chart(sweep, measure, x, y)
    return [
        figure(f"F12{tag}", "Phase diagram", chart.draw, f"{text} {chart.said}", "", chart.hits)
    ]


def shown_measure(sweep: Sweep) -> str:
    """The measure to draw: of the preferred ones, the one with the most distinct values.

    If the sweep has none of them, its first measure.
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
    """One column for each value of the axis, one row for each measure."""
    values = sweep.axes[axis]
    rows = []
    for name in kept:
        means = sweep.mean(name)["mean"].to_numpy(float)
        say = _teller(sweep, name, means)
        rows.append([_words(name), *map(say, means)])
    head = [_words(axis), *map(_value, values)]
    return Exhibit(blank.id, blank.title, table=table(head, rows, note=note.strip()))


def _where(sweep: Sweep, frame: pd.DataFrame, mean: float) -> str:
    """The first cell with that value, and the number of others with it."""
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
    """A function for values of a measure as text; amounts have one scale."""
    say: Callable[[float], str] = "{:.3g}".format
    if measure in SHARES:
        say = "{:.1%}".format
    elif measure in sweep.money:
        say = same_scale(values, sweep.unit)
    return lambda value: "–" if np.isnan(value) else say(value)


def reverse(network: ExposureNetwork, found: tuple[Answer, ...]) -> Exhibit:
    """T12: the smallest shocks, the fewest triggers, and the funds that suffice."""
    rows = [list(map(str, answer_words(network, answer))) for answer in found]
    return Exhibit("T12", "Reverse stress tests", table=table(T12, rows, text=4))


def answer_words(network: ExposureNetwork, answer: Answer) -> list[Sentence]:
    """The question, the size, the nodes, and the certainty of the answer."""
    name = names(network)
    if isinstance(answer, BreakEven):
        goal = f"{name[answer.node]} pays in full under the shock"
        more = _fund(answer, goal)
    else:
        goal = _goal(answer.goal, name)
        of = _triggers if isinstance(answer, Triggers) else _smallest
        more = of(answer, goal, name)  # type: ignore[arg-type]
    return [Sentence("{goal}", {"goal": Fact(T12[0], goal, "text", (goal,), "T12")}), *more]


def _fund(answer: BreakEven, goal: str) -> list[Sentence]:
    of = (goal, "fund")
    if answer.need == 0:
        return [Sentence("no fund: it does anyway", {}), *[Sentence("", {})] * 2]
    need = Fact(T12[1], answer.need, "money", of, "T12", answer.unit)
    saved = Fact(T12[2], answer.saved, "money", of, "T12", answer.unit)
    return [
        Sentence("a fund, or capital, of {need}", {"need": need}),
        Sentence("saves the others {saved}", {"saved": saved}),
        Sentence(_run(answer.verified, "run with it and just below"), {}),
    ]


def _triggers(answer: Triggers, goal: str, name: dict[object, str]) -> list[Sentence]:
    def count(measure: str, number: int, noun: str) -> Fact:
        return Fact(measure, number, "count", (goal, "defaults"), "T12", noun)

    if not answer.nodes:
        least = {"least": count(T12[1], answer.least - 1, "default")}
        tried = {"tried": count(T12[3], answer.tried, "set")}
        return [
            Sentence("more than {least}", least),
            Sentence("", {}),
            Sentence("{tried} run", tried),
        ]
    facts = {
        "size": count(T12[1], len(answer.nodes), "default"),
        "least": count(T12[3], answer.least, ""),
        "others": count(T12[3], answer.others, "other set"),
    }
    sure = "no smaller set does" if answer.exact else "any set needs {least} or more"
    sure += "; {others} of that size too" if answer.others else ""
    where = listed([name[node] for node in answer.nodes], 6)
    nodes = {"nodes": Fact(T12[2], where, "text", (goal, "defaults"), "T12")}
    return [Sentence("{size}", facts), Sentence("{nodes}", nodes), Sentence(sure, facts)]


def _smallest(answer: Smallest, goal: str, name: dict[object, str]) -> list[Sentence]:
    def fact(at: int, value: float | str, kind: str, unit: str = answer.unit) -> Fact:
        return Fact(T12[at], value, kind, (goal, "loss"), "T12", unit)

    if not np.isfinite(answer.size):
        return [Sentence(NONE, {}), Sentence("", {}), Sentence(answer.method, {})]
    kind = "percent" if answer.norm == "relative" else "money"
    words = {"money": "in all", "largest": "at the node hit most", "relative": "of assets"}
    most = answer.losses.sort_values(ascending=False, kind="stable")
    hits = {"name0": fact(2, name[most.index[0]], "name")} if len(most) else {}
    where = "{name0} alone" if len(most) == 1 else ""
    if len(most) > 1:
        for at, (node, loss) in enumerate(most.items()):
            hits |= {f"name{at}": fact(2, name[node], "name"), f"loss{at}": fact(2, loss, "money")}
        parts = [f"{{name{at}}} {{loss{at}}}" for at in range(min(len(most), HITS))]
        hits["more"] = fact(2, len(most) - HITS, "count", "other")
        where = listed([*parts, *(["{more}"] if len(most) > HITS else [])])
    sure = "no smaller one exists"
    if not answer.exact:
        sure = "a smaller one in another direction may exist"
        sure += ", none below {least}" if np.isfinite(answer.least) else ""
    run = _run(answer.verified, "run at this size and just below")
    facts = {"least": fact(3, answer.least, kind), "direction": fact(3, answer.direction, "text")}
    return [
        Sentence(f"a loss of {{size}} {words[answer.norm]}", {"size": fact(1, answer.size, kind)}),
        Sentence(where, hits),
        Sentence(f"{{direction}}: {sure}; {run}", facts),
    ]


def _run(verified: bool, how: str) -> str:
    return how if verified else UNSURE


def _goal(goal: str, name: dict[object, str]) -> str:
    """The goal, with node titles in place of identifiers."""
    begin = "default of "
    nodes = goal.removeprefix(begin).split(", ")
    known = {str(node): title for node, title in name.items()}
    if goal.startswith(begin) and all(node in known for node in nodes):
        return begin + listed([known[node] for node in nodes], 6)
    return goal


def sentences(network: ExposureNetwork, found: tuple[Answer, ...]) -> list[Sentence]:
    """Key findings: the results of the first search and the first fund."""
    lines = []
    funds = [answer for answer in found if isinstance(answer, BreakEven)][:1]
    for answer in [*[answer for answer in found if not isinstance(answer, BreakEven)][:1], *funds]:
        goal, takes, where, sure = answer_words(network, answer)
        if isinstance(answer, BreakEven):
            text = "{goal} with {takes}, which {where}" if answer.need else "{goal} without a fund"
        elif takes.template == NONE:
            text = f"{NONE.capitalize()} for {{a}}{{goal}}"
        else:
            text = "For {a}{goal} it takes {takes}" + (": {where}" if where.template else "")
        text = text.replace("{a}", "" if str(goal).startswith("a ") else "a ")
        text += f" ({UNSURE})." if UNSURE in sure.template else "."
        lines.append(Sentence(text, {"goal": goal, "takes": takes, "where": where}, ("policy",)))
    return lines


def of_sweeps(found: tuple[Sweep, ...]) -> list[Sentence]:
    """Key finding: the range of the socialized loss over the values of each sweep."""
    lines = []
    for tag, sweep in tagged(found)[:1]:
        of = "socialized" if "socialized" in sweep.measures else "contagion_loss"
        if of not in sweep.measures or len(_varied(sweep)) < 2:
            continue  # with one axis, the table has every value
        means = sweep.mean(of)["mean"].dropna()
        if not len(means) or not means.max() > means.min():
            continue
        facts = {
            end: Fact(end, float(value), "money", (_words(of),), f"T12S{tag}", sweep.unit)
            for end, value in (("smallest", means.min()), ("largest", means.max()))
        }
        names = [_words(name.rpartition(".")[2]) for name in _varied(sweep)]
        what = "is socialized" if of == "socialized" else "is lost by contagion"
        text = f"{{smallest}} to {{largest}} {what} as {listed(names)} vary."
        lines.append(Sentence(text, facts, (BASELINE,)))
    return lines
