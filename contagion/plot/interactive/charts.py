"""Charts with values on hover: areas over the drawing, each with a text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ...errors import expect
from ...experiments.stress import StressTest
from ...experiments.sweeping import Sweep
from ...units import scale
from ..exceedance import WORDS, exceedance, thresholds
from ..phase import label, phase_diagram, words
from .blocks import Chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Hit = tuple[float, float, float, float, str]
POINTS = 40


def exceedance_chart(test: StressTest, of: str = "loss") -> Chart:
    """The exceedance curve of a stress test, with the share of scenarios above each loss."""
    expect("StressTest", test=test)
    curve = test.exceedance(thresholds(test, of), of)
    to = scale(curve.index.to_numpy(float), "" if of == "defaults" else test.unit)
    at = curve.index.to_numpy(float)
    share = curve["value"].to_numpy(float)
    what = WORDS.get(of, of.replace("_", " "))

    def hits(ax: Axes) -> Iterator[Hit]:
        low, high = ax.get_ylim()
        keep = np.unique(np.linspace(0, len(at) - 1, min(POINTS, len(at))).round().astype(int))
        edge = [*(at[keep] / to.divisor), ax.get_xlim()[1]]
        for k, left, right in zip(keep, edge, edge[1:], strict=False):
            text = f"{what} above {to.money(at[k])}: {100 * share[k]:.3g}% of scenarios"
            yield float(left), low, float(right), high, text

    level = max(test.spec["options"]["levels"], default=0.5)
    worst = test.value_at_risk(level, of)
    said = f"In {100 * (1 - level):.3g}% of {len(test):,} scenarios the {what} is above "
    said += f"{to.money(float(worst.value))}."
    return Chart(said, lambda: exceedance(test, of), hits)


def phase_chart(sweep: Sweep, measure: str = "", x: str = "", y: str = "") -> Chart:
    """The phase diagram of a sweep, with the value of each cell."""
    expect("Sweep", sweep=sweep)
    axes = list(sweep.axes)
    x, y = x or axes[0], y or axes[min(1, len(axes) - 1)]
    measure = measure or next(iter(sweep.measures))
    table = sweep.grid(measure, x, y)
    values = table.to_numpy(float)
    to = scale(values.ravel(), sweep.unit if measure in sweep.money else "")

    def cell(row: int, column: int) -> str:
        across, up = label(table.columns[column]), label(table.index[row])
        return f"{words(x)} {across}, {words(y)} {up}"

    def hits(ax: Axes) -> Iterator[Hit]:
        for (row, column), value in np.ndenumerate(values):
            said = to.money(float(value)) if np.isfinite(value) else "no value"
            yield column, row, column + 1, row + 1, f"{cell(row, column)}: {said}"

    said = "No cell has a value."
    if np.isfinite(values).any():
        low, high = (
            np.unravel_index(find(values), values.shape) for find in (np.nanargmin, np.nanargmax)
        )
        said = (
            f"{words(measure).capitalize()} from {to.money(float(values[low]))} "
            f"({cell(int(low[0]), int(low[1]))}) to {to.money(float(values[high]))} "
            f"({cell(int(high[0]), int(high[1]))})."
        )
    return Chart(said, lambda: phase_diagram(sweep, measure, x, y), hits)
