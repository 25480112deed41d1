"""The map of a network on matplotlib axes: debts between nodes, and losses of a result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError, expect
from ..media import figure
from ..network.exposure_network import ExposureNetwork
from . import style
from .maps.choice import STATES
from .maps.labels import LINE, Label
from .maps.scene import Scene, scene, sentences

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results.propagation_result import PropagationResult

WIDTH, HEIGHT = 9.0, 6.6
LETTERS = 7.6
LOOKS: dict[str, dict[str, Any]] = {  # of scatter
    "hit": {"marker": "s", "facecolors": style.TRIGGER, "edgecolors": "white"},
    "default": {"facecolors": style.FAILED, "edgecolors": "white"},
    "before": {"facecolors": "white", "edgecolors": style.BEFORE, "hatch": "//////"},
    "loses": {"facecolors": style.LOSS, "edgecolors": "white"},
    "calm": {"facecolors": style.CALM, "edgecolors": style.THREAD},
    "outside": {"marker": "D", "facecolors": "white", "edgecolors": style.OUTSIDE},
    "unknown": {"facecolors": "white", "edgecolors": style.LOSS, "linestyle": (0, (2, 1))},
}
INK = {
    "hit": style.TRIGGER, "default": style.FAILED, "before": style.BEFORE, "loses": style.LOSS,
    "calm": style.THREAD, "outside": style.OUTSIDE, "mixed": style.LOSS,
}  # fmt: skip


@figure
def network(
    network: ExposureNetwork, result: PropagationResult | None = None, *, coarse: bool = False,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the map of a network of any size; with a result, how its loss travels.

    The nodes hit are in the middle, nodes k steps away on ring k; external creditors are diamonds.
    Arrows point from debtor to creditor; area = assets, width = √exposure. Up to 30 nodes are all
    drawn by name. In larger networks these are the nodes hit, the largest bearers, the largest
    creditors of those hit and the largest nodes; the others are in boxes by kind and outcome, with
    their number and loss. At most 60 links are drawn; the note gives their share of the loss.
    Without a result it is a map of the structure: nodes in a circle by kind, boxes of kinds beside.

    Parameters
    ----------
    network : the network to draw.
    result : a result on the same network.
    coarse : for confidential data: three size classes in place of sizes, no amounts in boxes.
    ax : where to draw; by default a new figure. The layout is made for the size of the axes.

    Raises
    ------
    ArgumentError : if the result belongs to a network with other nodes.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.datasets.load("neva_ring3")
    >>> ax = ct.plot.network(net)
    >>> sorted(text.get_text().split()[0] for text in ax.texts)[1:]
    ['A', 'B', 'C']
    """
    expect(network=network)
    if result is not None:
        expect(result=result)
    if result is not None and not result.network.names.equals(network.names):
        raise ArgumentError("The result belongs to a network with other nodes.")
    ax = style.axes(ax, WIDTH, HEIGHT)
    ax.set_axis_off()
    rough = scene(network, result, coarse=coarse)
    style.heading(ax, style.subject(network), " ".join(sentences(rough)))
    _legend(ax, rough)
    style.drawn_width(ax)
    box, dpi = ax.get_window_extent(), _dpi(ax)
    wide, tall = box.width * 72 / dpi, box.height * 72 / dpi
    _draw(ax, scene(network, result, width=wide, height=tall, size=LETTERS, coarse=coarse))
    ax.set_xlim(0.0, wide)
    ax.set_ylim(tall, 0.0)
    return ax


def _dpi(ax: Axes) -> float:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return float(figure.dpi)


def _draw(ax: Axes, drawn: Scene) -> None:
    from matplotlib.patches import Ellipse

    for x, y, across, up in drawn.places.rings:
        ring = Ellipse((x, y), 2 * across, 2 * up, fill=False, edgecolor=style.LINE, lw=0.7)
        ring.set_linestyle((0, (1, 4)))
        ax.add_patch(ring)
    _links(ax, drawn)
    chosen, where = drawn.chosen, drawn.places
    free = ~chosen.boxed
    colour = None if drawn.result is not None else _by_kind(chosen.kind[free])[0]
    for at, k in enumerate(np.flatnonzero(free)):
        state = str(chosen.state[k])
        look = LOOKS[state]
        if drawn.unknown[k] and state in ("loses", "calm"):
            look = LOOKS["unknown"] | {"edgecolors": INK[state]}
        if colour is not None and state != "outside":
            look = {"facecolors": colour[at], "edgecolors": "white"}
        _mark(ax, where.at[k], float(where.half[k, 0]), state, look, 6 if state == "hit" else 3)
    _boxes(ax, drawn)
    for label in drawn.labels:
        _label(ax, label)


def _label(ax: Axes, label: Label) -> None:
    """A name, and below it the amount in grey; both may overlap a link."""
    x0, y0, x1, _ = label.box
    where = {-1: (x1, "right"), 0: ((x0 + x1) / 2, "center"), 1: (x0, "left")}
    x, align = where[label.side]
    lines = [*label.lines]
    amount = lines.pop() if label.amount else ""
    high = LINE * LETTERS
    for text, y, colour in (
        ("\n".join(lines), y0 + len(lines) * high / 2, style.INK),
        (amount, y0 + (len(lines) + 0.5) * high, style.QUIET),
    ):
        if text:
            ax.text(
                x, y, text, ha=align, va="center", fontsize=LETTERS, color=colour, zorder=7,
                linespacing=1.05, fontweight="bold" if label.bold and text != amount else "normal",
                bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.2},
            )  # fmt: skip


def _links(ax: Axes, drawn: Scene) -> None:
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path

    for curve in drawn.curves:
        red = curve.loss > 0
        colour = style.LOSS if red else style.THREAD
        look = {"alpha": 0.75 if red else 0.65, "zorder": 2 if red else 1}
        path = Path(list(map(tuple, curve.points)), [1, 3, 3])
        ax.add_patch(
            PathPatch(
                path, fill=False, edgecolor=colour, lw=curve.width, capstyle="butt", **look
            )
        )  # fmt: skip
        ax.add_patch(Polygon(curve.head, closed=True, facecolor=colour, lw=0, **look))


def _mark(
    ax: Axes, at: np.ndarray, radius: float, state: str, look: dict[str, Any], order: int
) -> None:
    area = (2 * radius) ** 2 * (0.82 if state in ("hit", "outside") else 1.0)
    if state == "outside":
        area *= 0.6
    ax.scatter([at[0]], [at[1]], s=area, linewidths=1.2, zorder=order, **look)
    if state == "default":
        ax.scatter(
            [at[0]], [at[1]], s=area * 0.22, marker="x", c="white", linewidths=1.4, zorder=order
        )


def _boxes(ax: Axes, drawn: Scene) -> None:
    from matplotlib.patches import FancyBboxPatch

    chosen, where = drawn.chosen, drawn.places
    for k in np.flatnonzero(chosen.boxed):
        (x, y), (wide, tall) = where.at[k], where.half[k]
        ax.add_patch(
            FancyBboxPatch(
                (x - wide + 3, y - tall + 3), 2 * wide - 6, 2 * tall - 6, boxstyle="round,pad=3",
                facecolor="#f4f6f8", edgecolor=INK[str(chosen.state[k])], lw=1.3, zorder=4,
            )
        )  # fmt: skip
        look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": LETTERS - 0.6}
        look |= {"color": style.INK, "zorder": 5}
        if tall < LETTERS + 2.0:  # space for one line only
            loss = f": {drawn.to(float(chosen.loss[k]))}" if chosen.loss[k] > 0 else ""
            ax.text(x, y, f"{drawn.names[k]}{loss}", **look)
            continue
        ax.text(x, y - 6.0, drawn.names[k], fontweight="bold", **look)
        ax.text(x, y + 6.0, drawn.texts[k], **look)


def _by_kind(kinds: np.ndarray) -> tuple[list[str], list[tuple[str, str]]]:
    """The colour of every mark, and the colours with their kinds."""
    words, count = np.unique(kinds.astype(str), return_counts=True)
    common = [str(words[k]) for k in np.argsort(-count, kind="stable")[: len(style.KINDS)]]
    colours = dict(zip(common, style.KINDS, strict=False))
    entries = [(colours[kind], kind) for kind in common]
    if len(words) > len(common):
        entries.append((style.OTHER, "other kinds"))
    return [colours.get(str(kind), style.OTHER) for kind in kinds], entries


def _legend(ax: Axes, drawn: Scene) -> None:
    free, state = ~drawn.chosen.boxed, drawn.chosen.state
    looks: list[tuple[dict[str, Any], str]]
    if drawn.result is None:
        looks = [
            ({"facecolors": colour, "edgecolors": "white"}, kind)
            for colour, kind in _by_kind(drawn.chosen.kind[free])[1]
        ]
    else:
        found = set(state[~drawn.unknown]) | ({"unknown"} if drawn.unknown.any() else set())
        looks = [(LOOKS[key], text) for key, text in STATES.items() if key in found]
    handles: Sequence[Any] = [
        ax.scatter([], [], s=58, linewidths=1.2, label=text, **look) for look, text in looks
    ]
    if len(handles) > 1:
        style.legend(
            ax, handles, points=8.0, columns=max(1, min(4, int(style.drawn_width(ax) / 1.7)))
        )
