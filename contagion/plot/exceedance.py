"""The loss exceedance curve: share of scenarios above each loss, with its tail measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import ArgumentError, expect
from ..experiments.stress import StressTest
from ..media import figure
from ..statistics import Estimate
from ..text import plural
from ..units import Scale, scale
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

POINTS = 160  # points of the curve at most
NOTHING = 1e-9  # share of the largest value; values not above it count as 0
SHADES = (style.OUTSIDE, style.FAILED, style.KINDS[3], style.INK)  # by level, lowest first
WORDS = {
    "loss": "loss",
    "owners_loss": "loss of owners",
    "direct_loss": "loss of owners at once",
    "defaults": "nodes in default",
    "initial_loss": "initial loss",
    "socialized": "socialized loss",
    "deadweight": "deadweight",
    "external_loss": "loss of external creditors",
}


@figure
def exceedance(
    test: StressTest,
    of: str = "loss",
    *,
    levels: Sequence[float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss exceedance curve, with value at risk and expected shortfall.

    The curve is P(x > loss) on a logarithmic scale, with its interval as a band. A circle is the
    value at risk of a level, at the height 1 − level; the diamond on the same height is the
    expected shortfall, the mean loss beyond it. Bars are their intervals; an arrow means that
    the scenarios give no bound.

    Parameters
    ----------
    test : of `ct.stress_test`.
    of : column of `test.scenarios`.
    levels : by default those of the stress test.
    ax : where to draw; by default a new figure.

    Raises
    ------
    StressError : for an unknown column.
    ArgumentError : for a level that is not between 0 and 1.

    Example
    -------
    In one scenario of two the owners of a and b lose 5, and the creditors of b 1.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 0], equity=[2, 3])
    >>> halves = ct.scenarios.from_shocks(net, [ct.Shock.loss({"a": 6.0}), ct.Shock()])
    >>> ax = ct.plot.exceedance(ct.stress_test(net, ct.EisenbergNoe(), halves), levels=[0.75])
    >>> ax.lines[0].get_ydata().tolist()
    [0.5, 0.0]
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['VaR 75%: 6.000', 'ES 75%: 6.000']
    """
    expect("StressTest", test=test)
    chosen = sorted(test.spec["options"]["levels"] if levels is None else levels)
    wrong = [level for level in chosen if not 0 < level < 1]
    if wrong:
        raise ArgumentError(f"level {wrong[0]}: above 0 and below 1, such as 0.99.")
    curve = test.exceedance(thresholds(test, of), of)
    to = scale(curve.index.to_numpy(float), "" if of == "defaults" else test.unit)
    ax = style.axes(ax, 7.4, 4.4)
    _curve(ax, curve, to)
    what = WORDS.get(of, of.replace("_", " "))
    _frame(ax, curve, min([1.0, *(1 - level for level in chosen)]), to.named(what))
    handles = [
        _mark(ax, measure(level, of), kind, SHADES[min(number, len(SHADES) - 1)], to)
        for kind, measure in (("VaR", test.value_at_risk), ("ES", test.expected_shortfall))
        for number, level in enumerate(chosen)
    ]
    if handles:
        style.legend(ax, handles, 1 if style.drawn_width(ax) < 4.5 else 2)
    title = "Loss exceedance curve" if of != "defaults" else "Exceedance curve of defaults"
    style.heading(ax, title, _note(test, curve, bool(handles)))
    return ax


def thresholds(test: StressTest, of: str) -> np.ndarray:
    """Values of the sample, denser in the tail; the first is just above 0."""
    table = test.scenarios
    known = np.sort(table[of].to_numpy(float)) if of in table else np.zeros(1)
    count = len(known)
    above = np.unique(np.geomspace(1, count, POINTS).round().astype(int))
    values = np.concatenate([known[count - above], known[-1:]])
    least = NOTHING * max(float(known[-1]), 0.0)
    return np.unique([min(least, float(known[0])), *values[values > least]])


def _curve(ax: Axes, curve: pd.DataFrame, to: Scale) -> None:
    """The curve with its band; as steps if it has few points."""
    x = curve.index.to_numpy(float) / to.divisor
    low, high = curve["low"].fillna(0.0), curve["high"].fillna(0.0)
    stepped = len(x) <= POINTS // 2
    ax.plot(
        x, curve["value"], linewidth=1.6, color=style.KINDS[0], zorder=3,
        drawstyle="steps-post" if stepped else "default",
    )  # fmt: skip
    ax.fill_between(
        x, low, high, step="post" if stepped else None, color=style.KINDS[0], alpha=0.18,
        linewidth=0, zorder=2,
    )  # fmt: skip


def _frame(ax: Axes, curve: pd.DataFrame, lowest: float, across: str) -> None:
    value, (left, right) = curve["value"].to_numpy(float), ax.dataLim.intervalx
    right = right if right > left else left + 1.0
    ax.set_yscale("log" if value.any() else "linear")
    ax.set_ylim(0.6 * float(value[value > 0].min(initial=lowest)), 1.25)
    ax.set_xlim(left - 0.01 * (right - left), right + 0.03 * (right - left))
    ax.yaxis.set_major_formatter(lambda part, _: f"{100 * part:.6g}%")
    ax.minorticks_off()
    ax.xaxis.set_major_formatter("{x:,g}")
    ax.grid(axis="y", color=style.CALM, linewidth=0.7, zorder=0)
    style.frame(ax, across, "share of scenarios with more")


def _mark(ax: Axes, found: Estimate, kind: str, colour: str, to: Scale) -> Line2D:
    """The estimate with its interval at the height 1 − level; an arrow if it has no bound."""
    at, value, low, high = 1 - found.level, *map(float, (found.value, found.low, found.high))
    text = f"{kind} {100 * found.level:.6g}%: {to(value)}"
    if not np.isnan([low, high]).any():
        left, right = ax.get_xlim()
        ends = [max(to.number(low), left), min(to.number(high), right)]
        ax.plot(ends, [at, at], color=colour, linewidth=1.4, solid_capstyle="butt", zorder=4)
        for end, open_, arrow in ((left, np.isinf(low), "<"), (right, np.isinf(high), ">")):
            if open_:
                ax.plot([end], [at], arrow, color=colour, markersize=5, clip_on=False, zorder=4)
        text += f" ({_bound(low, to)} to {_bound(high, to)})"
    (handle,) = ax.plot(
        [to.number(value)], [at], "o" if kind == "VaR" else "D", markersize=6, color=colour,
        markerfacecolor=colour if kind == "VaR" else "white", label=text, zorder=5,
    )  # fmt: skip
    return handle


def _bound(value: float, to: Scale) -> str:
    return "no bound" if np.isinf(value) else to(value)


def _note(test: StressTest, curve: pd.DataFrame, marked: bool) -> str:
    said = f"{plural(len(test), 'scenario')} through {test.spec['model']['name']}"
    count = int(test.spec["networks"]["count"])
    said += f" on {count:,} networks" if count > 1 else ""
    first = float(curve["value"].iloc[0])
    said += f"; {f'{first:.1%}' if first else 'none'} of them above 0. " + (
        "Band and bars: 95% intervals." if test.sampled else "A list, no sample: no intervals."
    )
    if marked:
        said += " VaR: value at risk (circle); ES: expected shortfall, the mean beyond (diamond)."
    if test.unconverged:
        said += f" {plural(test.unconverged, 'scenario')} did not converge; intervals allow for it."
    return said
