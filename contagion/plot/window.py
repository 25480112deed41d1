"""The contagion window: frequency and extent of contagion over the average degree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import ArgumentError
from ..media import figure
from ..randomgraphs.windows import Window
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = ("degree", "frequency", "extent", "frequency_theory", "extent_theory")
COLOURS = {"frequency": style.KINDS[0], "extent": style.FAILED}
WORDS = {"frequency": "frequency of contagion", "extent": "extent where it happens"}


@figure
def contagion_window(frame: Window | pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw frequency and extent of contagion over the average degree, simulated and in theory.

    Points are simulations, with two standard errors for the frequency; lines are the theory of
    large graphs. The shaded band is the window between the theoretical limits, inside the frame.

    Parameters
    ----------
    frame : of :func:`contagion.randomgraphs.gai_kapadia_window` or `watts_window`; other frames
        need the columns degree, frequency, extent, frequency_theory and extent_theory.
    ax : where to draw; by default a new figure.

    Raises
    ------
    ArgumentError : for a frame without one of the columns, or without rows.

    Example
    -------
    >>> from contagion import plot, randomgraphs
    >>> frame = randomgraphs.gai_kapadia_window([2, 4, 6], n=50, samples=5, rng=1)
    >>> ax = plot.contagion_window(frame)
    >>> ax.get_xlabel(), [float(x) for x in ax.lines[0].get_xdata()]
    ('average number of debtors', [2.0, 4.0, 6.0])
    """
    missing = [name for name in COLUMNS if name not in frame]
    if missing or not len(frame):
        raise ArgumentError(
            f"The frame of a window has rows and the columns {', '.join(COLUMNS)}; "
            + (f"{', '.join(missing)} not there." if missing else "this one has no rows.")
        )
    about: Any = frame if isinstance(frame, Window) else Window  # the class has the defaults
    limits = about.limits
    frame = frame.sort_values("degree", kind="stable")
    at = frame["degree"].to_numpy(float)
    ax = style.axes(ax, 7.8, 4.2)
    low, high = max(limits[0], at[0]), min(limits[1], at[-1])
    if low < high:
        ax.axvspan(low, high, color=style.CALM, alpha=0.6, linewidth=0, zorder=0)
    handles = []
    for name, colour in COLOURS.items():
        theory = frame[f"{name}_theory"].to_numpy(float)
        handles += ax.plot(at, theory, color=colour, linewidth=1.4, label=f"{WORDS[name]}, theory")
        handles += ax.plot(
            at,
            frame[name].to_numpy(float),
            linestyle="none",
            marker="o" if name == "frequency" else "D",
            markersize=4.5,
            markerfacecolor="white",
            color=colour,
            label=f"{WORDS[name]}, drawn",
        )
    if "frequency_error" in frame:
        middle, error = frame["frequency"].to_numpy(float), frame["frequency_error"].to_numpy(float)
        ax.vlines(at, middle - 2 * error, middle + 2 * error, color=COLOURS["frequency"], lw=0.9)
    _frame(ax, at, about.across)
    style.legend(ax, handles, 2)
    style.heading(ax, about.title, _note(about.drawn, limits))
    return ax


def _frame(ax: Axes, at: np.ndarray, across: str) -> None:
    ax.set_xlim(at[0] - 0.25, at[-1] + 0.25)
    ax.set_ylim(-0.02, 1.04)
    ax.yaxis.set_major_formatter(lambda part, _: f"{part:.0%}")
    style.frame(ax, across)


def _note(drawn: str, limits: tuple[float, float]) -> str:
    text = "Shaded: degrees at which one failure can spread without end in a large graph"
    known = np.isfinite(limits[0])
    window = f"{text}, {limits[0]:.2f} to {limits[1]:.2f}." if known else ""
    return " ".join(filter(None, [f"{drawn}." if drawn else "", window]))
