"""The section Over time: the same shock in every period, and changes since the previous one."""

from __future__ import annotations

from functools import partial

import numpy as np

from ... import plot
from ...facts import Fact, Sentence
from ...panel import PanelRun
from ...results.socialization import BASELINE
from ...units import scale
from ..figures import figure
from ..given import Given
from ..parts import Exhibit, table
from ..phrases import signed

TITLES = {
    "socialized": "socialized loss",
    "loss": "loss of owners",
    "contagion_loss": "by contagion",
}
FLOOR = 1e-9  # share of the largest amount; smaller differences count as zero


def exhibits(about: Given) -> list[Exhibit]:
    """T15P, F15: the losses of every period, and changes by node since the previous one."""
    run = about.periods
    if run is None:
        return []
    before, after = list(run.results)[-2:] if len(run) > 1 else [None, None]
    if before is None:
        return [_table(run)]
    text = f"The loss of each node in {before} and in {after}."
    draw = partial(plot.period_change, run, before, after)
    return [_table(run), figure("F15", "Change since the last period", draw, text)]


def _of(run: PanelRun) -> str:
    """The kind of loss that is compared."""
    return "socialized" if "socialized" in run.totals else "loss"


def _table(run: PanelRun) -> Exhibit:
    """T15P: one row for each period, with the change since the previous one."""
    frame, of = run.totals, _of(run)
    shown = [name for name in TITLES if name in frame]
    to = scale(frame[shown].to_numpy(float).ravel(), run.unit)
    steps = np.diff(frame[of].to_numpy(float))
    floor = FLOOR * float(frame[of].abs().max())
    rows = [
        [str(period), to(row[of]), change, *(to(row[name]) for name in shown if name != of),
         f"{row['defaults']:,.0f}"]
        for (period, row), change in zip(
            frame.iterrows(), ["–", *(signed(float(x), to, floor) for x in steps)], strict=True
        )
    ]  # fmt: skip
    head = ["period", TITLES[of], "since the one before"]
    head += [*(TITLES[name] for name in shown if name != of), "in default"]
    first = next(iter(run.results.values()))
    lead = f"The same shock in every period, through {type(first.model).__name__}."
    note = f"Amounts in {to.label or 'money'}. Losses are not added over periods."
    return Exhibit("T15P", "The shock in every period", lead, table=table(head, rows, note=note))


def sentences(run: PanelRun | None) -> list[Sentence]:
    """Key finding: the loss in the last period and in the previous one."""
    if run is None or len(run) < 2:
        return []
    of = _of(run)
    (before, was), (after, now) = run.totals[of].iloc[-2:].items()

    def said(period: object, amount: float) -> Fact:
        return Fact(TITLES[of], float(amount), "money", (str(period),), "T15P", run.unit)

    facts = {
        "now": said(after, now),
        "was": said(before, was),
        "after": Fact("period", str(after), "name", (str(after),), "T15P"),
        "before": Fact("period", str(before), "name", (str(before),), "T15P"),
    }
    words = "is socialized" if of == "socialized" else "is lost by owners"
    text = f"{{now}} {words} by the same shock in {{after}}, after {{was}} in {{before}}."
    return [Sentence(text, facts, (BASELINE,))]
