"""Colours, names and axes that all figures share."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..media import visible
from ..network.exposure_network import ExposureNetwork
from ..text import whole_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

percent = whole_percent
INK, QUIET, LINE, CALM = "#1f2933", "#66707c", "#aeb6c0", "#e3e7ec"
TRIGGER, FAILED, BEFORE, LOSS = "#111111", "#a50f15", "#7a5c61", "#d0502f"
OUTSIDE, THREAD = "#a85c10", "#7d8894"
KINDS = ("#2f6da8", "#1f7a34", "#9a6b00", "#a8327a", "#c24b2f", "#0f7b86")
OTHER = "#7d8894"
ROLES = {"owners": "#35618f", "holder": "#4d8fb5", "external creditors": OUTSIDE}
ROLE_TEXT = {
    "owners": "owners of the node",
    "holder": "holder, capital unknown",
    "external creditors": "external creditors",
}


PAPER = {  # colours of the background and of text, with their names in the style sheet
    INK: "ink", QUIET: "quiet", LINE: "line", CALM: "calm", TRIGGER: "hit", FAILED: "default",
    BEFORE: "before", LOSS: "loses", OUTSIDE: "outside", THREAD: "thread", "#ffffff": "paper",
    **{colour: f"k{k}" for k, colour in enumerate(KINDS)},
    ROLES["owners"]: "owners", ROLES["holder"]: "holder",
}  # fmt: skip


def themed(svg: str) -> str:
    """A drawing whose colours follow the style sheet of the page, or are unchanged without one.

    Drawings with a colour scale keep their background (the class `ct-paper`).

    >>> themed('<path style="fill: #ffffff"/>')
    '<path style="fill: var(--ct-paper, #ffffff)"/>'
    """
    if 'class="ct-paper"' in svg:
        return svg
    return re.sub(
        r"(fill|stroke): (#[0-9a-f]{6})",
        lambda m: f"{m[1]}: var(--ct-{PAPER[m[2]]}, {m[2]})" if m[2] in PAPER else m[0],
        svg,
    )


def losses() -> Any:
    """The colours of losses from 0 to 100 %: a matplotlib colour map."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "loss", ["#f6f7f9", "#f3cdc5", LOSS, FAILED, "#5c0a10"], N=48
    )  # with fewer than 50 colours, the colour bar stays a vector drawing


def titles(network: ExposureNetwork, at: np.ndarray | None = None) -> np.ndarray:
    """(n,) display names of nodes, by default of all: the column `name`, or else the
    identifier."""
    nodes = network.nodes if at is None else network.nodes.iloc[at]
    names = nodes["node"].astype(object)
    if "name" in nodes:
        names = nodes["name"].astype(object).where(nodes["name"].notna(), names)
    return names.map(visible).to_numpy(object)


def kinds(network: ExposureNetwork) -> np.ndarray:
    """(n,) the kind of every node as words."""
    code, words = pd.factorize(network.kinds)
    shown = [visible(word).replace("_", " ") for word in words]
    return np.array(shown, object)[code] if len(shown) else np.empty(0, object)


def sizes(network: ExposureNetwork) -> np.ndarray:
    """(n,) size of the balance sheet, money: the larger of known assets and known debts."""
    book = network.book
    assets = book.stated_assets + book.claims
    return np.asarray(np.maximum(assets, book.stated_liabilities + book.debts))


def rows(frame: pd.DataFrame) -> list[Any]:
    """The rows of a table, columns as attributes."""
    return list(frame.itertuples())


def axes(ax: Axes | None, width: float, height: float) -> Axes:
    """The given axes, or new empty ones of this size (inches)."""
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots(figsize=(width, height), layout="constrained")[1]
    return ax


def subject(network: ExposureNetwork) -> str:
    """The name of the network, with its layer if all exposures have the same one, and with
    "reconstructed", "generated" or "perturbed" if the amounts were made that way."""
    name, table = visible(network.name) or "Exposures", network.exposures
    layers = list(table["layer"].dropna().unique()) if "layer" in table else []
    name += f" ({visible(layers[0])})" if len(layers) == 1 else ""
    return ", ".join(filter(None, [name, network.provenance.unobserved]))


def drawn_width(ax: Axes) -> float:
    """The width of axes in inches, including everything drawn beside them so far."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    engine = figure.get_layout_engine()
    if engine:
        engine.execute(figure)  # the layout alone determines the size of the axes
    else:
        figure.draw_without_rendering()
    return float(ax.get_window_extent().width / figure.dpi)


def heading(ax: Axes, title: str, note: str = "", width: int = 0) -> None:
    """A title and a note below it, both on the left; the note in lines of `width` characters,
    by default as wide as the axes."""
    across = drawn_width(ax)
    lines = textwrap.wrap(note, width or int(15 * across))
    most = max(int(9.5 * across), 16)
    title = "\n".join("\n".join(textwrap.wrap(line, most)) for line in title.split("\n"))
    room = 6.0 + (4.5 + 11.6 * len(lines)) * bool(lines)  # height of the title's baseline
    ax.set_title(title, loc="left", pad=room, fontsize=11, color=INK, fontweight="bold")
    text = ax.annotate(
        "\n".join(lines),
        (0, 1),
        (0, 6),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=8.5,
        linespacing=1.35,
        color=QUIET,
        va="bottom",
    )
    text.set_in_layout(False)  # the title has reserved the space


def frame(ax: Axes, across: str = "", up: str = "") -> None:
    """Axes on the left and below, in grey, with labels."""
    ax.tick_params(labelsize=8, labelcolor=QUIET, color=LINE)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(LINE)
    named(ax, across, up)


def named(ax: Axes, across: str = "", up: str = "") -> None:
    """Labels of the axes, in small grey letters."""
    if across:
        ax.set_xlabel(across, fontsize=8, color=QUIET)
    if up:
        ax.set_ylabel(up, fontsize=8, color=QUIET)


def row_frame(
    ax: Axes, places: Sequence[float], names: list[str], across: str, divisor: float = 1.0
) -> None:
    """A frame with a name for each row, and amounts below, divided by the divisor."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    frame(ax, across)
    ax.set_yticks(places, names, fontsize=8.5)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.xaxis.set_major_locator(MaxNLocator(5) if names else NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x / divisor:,g}"))


def colour_bar(ax: Axes, mesh: Any, label: str, extend: str = "neither") -> Any:
    """The colour bar of a mesh."""
    figure = ax.get_figure()
    assert figure is not None
    bar: Any = figure.colorbar(mesh, ax=ax, extend=extend, aspect=28, pad=0.02)
    bar.set_label(label, fontsize=8, color=QUIET)
    bar.ax.tick_params(labelsize=8, labelcolor=QUIET, color=LINE)
    bar.outline.set_visible(False)
    return bar


def hatched(ax: Axes, column: float, row: float, **look: Any) -> None:
    """Mark a cell of a mesh as one without a number."""
    from matplotlib.patches import Rectangle

    look = {"facecolor": "white", "hatch": "////"} | look
    ax.add_patch(Rectangle((column, row), 1, 1, edgecolor=LINE, lw=0, **look))


def legend(
    ax: Axes, handles: Sequence[Any], columns: int = 0, *, points: float = 36.0, right: bool = False
) -> None:
    """A legend without a frame, `points` points below the axes; by default in up to 3 columns."""
    from matplotlib.transforms import ScaledTranslation

    figure = ax.get_figure(root=True)
    assert figure is not None
    ax.legend(
        handles=list(handles),
        loc="upper right" if right else "upper left",
        bbox_to_anchor=(1.0 if right else 0.0, 0.0),
        bbox_transform=ax.transAxes + ScaledTranslation(0, -points / 72, figure.dpi_scale_trans),
        ncols=columns or min(len(handles), 3),
        fontsize=8,
        labelcolor=INK,
        frameon=False,
        handletextpad=0.4,
        columnspacing=1.3,
        borderaxespad=0.0,
    )
