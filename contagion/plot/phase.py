"""The phase diagram of a sweep: one measure over two fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..experiments.sweeping import Sweep
from ..media import figure
from ..units import scale
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELLS = 120  # with more cells, no numbers are written into them
LARGE = 10_000  # larger numbers are written in thousands, millions ...


@figure
def phase_diagram(sweep: Sweep, measure: str, x: str, y: str, *, ax: Axes | None = None) -> Axes:
    """Draw the mean of a measure by two axes of a sweep: `x` across, `y` upwards.

    Cells have equal size, in the order of the values. Cells without a value of the measure are
    hatched.

    Parameters
    ----------
    sweep : of `ct.sweep`; other axes have one value each.
    measure, x, y : measure and axes of the sweep.
    ax : where to draw; by default a new figure. The colour bar takes some of its space.

    Raises
    ------
    UnknownNameError, ArgumentError : as :meth:`Sweep.grid`.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", equity=[1, 4])
    >>> case = ct.experiments.Case(net, ct.EisenbergNoe(), ct.Shock.default("a"))
    >>> found = ct.sweep(case, {"shock.recovery": [0.0, 0.8], "network.capital": [1.0, 2.0]})
    >>> ax = ct.plot.phase_diagram(found, "contagion_loss", "shock.recovery", "network.capital")
    >>> [text.get_text() for text in ax.texts][:4]
    ['4', '2', '8', '2']
    """
    table = sweep.grid(measure, x, y)
    values = table.to_numpy(float)
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    unit = sweep.unit if measure in sweep.money else ""
    to = scale([largest] if largest >= LARGE else [], unit)
    values = values / to.divisor
    ax = style.axes(ax, 7.2, 1.9 + float(np.clip(0.34 * len(table), 1.4, 4.2)))
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    low = min(low, 0.0)
    high = high if high > low else low + 1.0
    mesh = ax.pcolormesh(values, cmap=style.losses(), vmin=low, vmax=high, edgecolor="face", lw=0.2)
    for row, column in np.argwhere(~np.isfinite(values)):
        style.hatched(ax, column, row)
    style.colour_bar(ax, mesh, to.named(words(measure)))
    _ticks(ax, list(table.columns), list(table.index))
    style.named(ax, words(x), words(y))
    ax.spines[:].set_visible(False)
    if values.size <= CELLS and style.drawn_width(ax) / values.shape[1] > 0.4:
        for row, column in np.argwhere(np.isfinite(values)):
            dark = (values[row, column] - low) / (high - low) > 0.55
            ax.text(
                column + 0.5, row + 0.5, _number(values[row, column]), ha="center", va="center",
                fontsize=7, color="white" if dark else style.INK,
            )  # fmt: skip
    failed = int((~np.isfinite(values)).sum())
    note = f"Means over {sweep.samples} draws. " if sweep.samples > 1 else ""
    note += f"Hatched: {failed} cells without a value." if failed else ""
    title = f"{words(measure).capitalize()} by {words(x)} and {words(y)}"
    style.heading(ax, title, note)
    return ax


def _ticks(ax: Axes, columns: list[Any], rows: list[Any]) -> None:
    for axis, values in ((ax.xaxis, columns), (ax.yaxis, rows)):
        step = max(1, -(-len(values) // 12))
        at = np.arange(0, len(values), step)
        axis.set_ticks(list(at + 0.5), [label(values[k]) for k in at])
    ax.tick_params(labelsize=8, labelcolor=style.QUIET, length=0)


def label(value: Any) -> str:
    """A value of an axis as short text."""
    text = f"{value:.4g}" if isinstance(value, int | float | np.number) else str(value)
    return text if len(text) <= 18 else text[:17] + "…"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def words(name: str) -> str:
    """A field or measure as words: `model.alpha` is "model alpha"."""
    return name.replace("_", " ").replace(".", " ")
