"""The layers of one venue in the order in which they lose: losses absorbed and passed on."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError, expect
from ..media import figure
from ..results.propagation_result import PropagationResult
from ..rules import Allocation
from ..text import known_name, listing, money, same_scale
from ..units import Scale, scale
from . import style
from .pieces import names, shock_words, short, wrapped

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LOSS, REST = "loss", "uncovered"
PASSED = "#f3cdc5"
NUMBERS = 3.15  # inches for the columns of numbers at full text size; they end at these shares:
ENDS = (0.4, 0.79, 1.0)
FULL, SMALL = 8.5, 6.5  # points
HEADS = ("absorbs (of loss)", "capacity (used)", "left")
WRAP = 24  # characters of the name of a layer in one line
WIDEST = 1.6  # largest length of bars, in multiples of the loss; longer ones stay open


@dataclass(frozen=True)
class _View:
    """Data of the figure; amounts in money, `layers` with columns layer, capacity, absorbed."""

    title: str
    note: str
    unit: str
    loss: float
    layers: pd.DataFrame
    uncovered: float | None = None

    @property
    def parts(self) -> np.ndarray:
        """(layers, 3) for each layer: its start, its capacity and its absorbed loss."""
        capacity, absorbed = (self.layers[c].to_numpy(float) for c in ("capacity", "absorbed"))
        return np.column_stack([np.cumsum(absorbed) - absorbed, capacity, absorbed])


@figure
def waterfall(
    outcome: Allocation | PropagationResult, node: Any = None, *, ax: Axes | None = None
) -> Axes:
    """Draw how a loss passes through the layers of one venue; the first layer is on top.

    Each layer takes `absorbed = min(arrives, capacity)` and leaves `arrives - absorbed` to the
    next one. Its bar starts where the one above ends: the filled part is absorbed, the empty frame
    is unused capacity (open at its end if cut off), the pale part is passed on. The columns on the
    right give the numbers. For an allocation, the last bar is the loss that the rule allocates to
    no layer; for a result, the layers are those of `result.layers`, the equity of the node first,
    counted from face value, without a remainder.

    Parameters
    ----------
    outcome : an allocation of :meth:`Rule.allocate`, or a result of a model that settles claims.
    node : the venue, for a result.
    ax : where to draw; by default a new figure.

    Raises
    ------
    ArgumentTypeError : for an object without layers.
    ArgumentError : for a result without a node, or with a node whose layers were not hit (the
        message lists nodes with layers hit); and for an allocation with a node.
    ModelError : for a result of a model that does not settle claims.

    Example
    -------
    A fund of 30, then winners; 50 of loss leave nothing of the fund, and the winners bear 20:

    >>> import contagion as ct
    >>> rule = ct.rules.Waterfall([ct.rules.Layer("fund", capacity=30), ct.rules.Layer("winners")])
    >>> claims = {"claimant": ["a", "b"], "amount": [60.0, 40.0], "layer": "winners"}
    >>> ax = ct.plot.waterfall(rule.allocate(50, claims))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['loss', 'fund', 'winners', 'uncovered']
    >>> [text.get_text() for text in ax.texts if "(" in text.get_text()][2:4]
    ['30.00 (60%)', '30.00 (100%)']
    """
    view = _view(outcome, node)
    start, capacity, _ = view.parts.T
    labels = [LOSS, *view.layers["layer"], *([] if view.uncovered is None else [REST])]
    ax = style.axes(ax, 9.0, 1.75 + 0.42 * len(labels))
    to = _amounts(view)
    span = _span(view.loss, start + capacity)
    _legend(ax, bool((start + capacity > span).any()))
    size, bars = _room(ax, labels)
    y = -np.arange(len(labels), dtype=float)
    _frame(ax, labels, y, span / bars, span, to.scale, size)
    ax.barh(0.0, view.loss, color=style.QUIET, height=0.62, zorder=3)
    _bars(ax, y[1:], view, span)
    if view.uncovered is not None:
        ax.barh(
            y[-1], view.uncovered, left=view.loss - view.uncovered, color=style.TRIGGER,
            height=0.62, zorder=3,
        )  # fmt: skip
    _columns(ax, y, view, to, size, bars)
    title = textwrap.wrap(short(view.title, 90), int(10 * style.drawn_width(ax)))
    style.heading(ax, "\n".join(title), view.note)
    return ax


def _view(outcome: Allocation | PropagationResult, node: Any) -> _View:
    if isinstance(outcome, Allocation):
        if node is not None:
            raise ArgumentError(
                f"node={node!r}: an allocation is of one venue already. Leave node out."
            )
        say = same_scale([outcome.loss], outcome.unit)
        text = f"A loss of {say(outcome.loss)}. " if outcome.loss > 0 else "No loss. "
        text += (
            f"The layers absorb {say(outcome.loss - outcome.uncovered)}, "
            f"{say(outcome.uncovered)} is allocated to no layer."
            if outcome.uncovered > 0
            else "Nothing is uncovered."
        )
        title = "The loss goes down, layer by layer"
        return _View(title, text, outcome.unit, outcome.loss, outcome.layers, outcome.uncovered)
    expect("Allocation", "PropagationResult", outcome=outcome)
    mine = layers_of(outcome, node)
    net, loss = outcome.network, float(mine["absorbed"].sum())
    note = (
        f"{money(loss, net.unit)} hit it, counted from face value. "
        f"Shock: {shock_words(net, outcome.shock)}"
    )
    title = f"{names(net)[node]}: the loss goes down, layer by layer"
    return _View(title, note, net.unit, loss, mine)


def layers_of(result: PropagationResult, node: Any) -> pd.DataFrame:
    """The layers of one node of a result: layer, capacity, absorbed (money)."""
    table = result.layers
    mine: pd.DataFrame = table.loc[table["node"] == node, ["layer", "capacity", "absorbed"]]
    if len(mine):
        return mine.reset_index(drop=True)
    hit = list(dict.fromkeys(table["node"]))
    if not hit:
        raise ArgumentError("No node lost anything, so there are no layers to draw.")
    if node is None:
        what = "A result has many venues: give node=…."
    else:
        known_name(node, result.network.names, "node")
        what = f"{str(node)!r} lost nothing."
    raise ArgumentError(f"{what} Nodes with layers that were hit: {listing(hit, 12)}.")


def _span(loss: float, ends: np.ndarray) -> float:
    """The amount at the right end of the bars."""
    top = float(ends.max(initial=0.0))
    if loss <= 0:
        return top or 1.0
    if top <= WIDEST * loss:
        return max(top, loss)
    return max(1.1 * loss, 1.05 * float(ends[ends <= WIDEST / 1.05 * loss].max(initial=0.0)))


def _room(ax: Axes, labels: list[str]) -> tuple[float, float]:
    """The size of the text, and the share of the width left beside the columns of numbers."""
    ax.set_yticks(range(len(labels)), [wrapped(label, WRAP) for label in labels], fontsize=FULL)
    inches = style.drawn_width(ax)
    size = float(np.clip(FULL * inches / 6.3, SMALL, FULL))
    return size, max(1.0 - NUMBERS * size / FULL / inches, 0.25)


@dataclass(frozen=True)
class _Amounts:
    """Amounts as text on one scale, with more digits if the total loss is very small on it."""

    scale: Scale
    tiny: bool

    def __call__(self, amount: float) -> str:
        if self.tiny:
            return f"{self.scale.number(amount):.3g}"
        return self.scale(amount)


def _amounts(view: _View) -> _Amounts:
    _, capacity, absorbed = view.parts.T
    to = scale([view.loss, *absorbed] if view.loss > 0 else capacity, view.unit)
    return _Amounts(to, 0 < to.number(view.loss) < 0.01)


def _frame(
    ax: Axes, labels: list[str], y: np.ndarray, whole: float, span: float, to: Scale, size: float
) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_xlim(0, whole)
    ax.set_ylim(y[-1] - 0.55, 1.0)
    ax.set_yticks(y, [wrapped(label, WRAP) for label in labels], fontsize=size)
    ticks = MaxNLocator(4).tick_values(0, to.number(span))
    shown = [tick for tick in ticks if 0 <= tick <= to.number(span) * (1 + 1e-9)]
    ax.set_xticks([tick * to.divisor for tick in shown], [f"{tick:,g}" for tick in shown])
    ax.tick_params(axis="y", length=0, labelcolor=style.INK)
    ax.tick_params(axis="x", labelsize=min(8.0, size), labelcolor=style.QUIET, color=style.LINE)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(style.LINE)
    ax.spines["bottom"].set_bounds(0, span)
    ax.set_xlabel(to.named("loss"), fontsize=min(8.0, size), color=style.QUIET, loc="left")


def _bars(ax: Axes, y: np.ndarray, view: _View, span: float) -> None:
    """Filled, pale and empty bars, and the line along which the loss passes down."""
    half = 0.31
    for middle, (left, room, taken) in zip(y, view.parts, strict=False):
        end = left + taken
        ax.barh(
            middle, max(view.loss - end, 0.0), left=end, facecolor=PASSED, edgecolor=style.LOSS,
            linewidth=0.7, height=0.62, zorder=2,
        )  # fmt: skip
        ax.barh(middle, taken, left=left, color=style.LOSS, height=0.62, zorder=3)
        right = min(left + room, span)
        frame = [(right, middle + half), (left, middle + half), (left, middle - half),
                 (right, middle - half)]  # fmt: skip
        if left + room <= span:
            frame.append(frame[0])
        ax.plot(*zip(*frame, strict=True), color=style.INK, linewidth=0.9, zorder=4)
        ax.plot([left, left], [middle + half, middle + 1 - half], color=style.INK, linewidth=0.9,
                linestyle=(0, (2, 1.5)), zorder=1)  # fmt: skip


def _columns(ax: Axes, y: np.ndarray, view: _View, to: _Amounts, size: float, bars: float) -> None:
    whole = view.loss if view.loss > 0 else 1.0

    def write(column: int, at: float, text: str, colour: str = style.INK) -> None:
        ax.text(
            bars + (1 - bars) * ENDS[column], at, text, transform=ax.get_yaxis_transform(),
            ha="right", va="center", fontsize=size, color=colour,
        )  # fmt: skip

    for column, head in enumerate(HEADS):
        write(column, 0.68, head, style.QUIET)
    write(2, 0.0, to(view.loss))
    for at, (left, room, taken) in zip(y[1:], view.parts, strict=False):
        write(0, at, f"{to(taken)} ({style.percent(taken / whole)})")
        used = style.percent(taken / room) if room > 0 else "–"
        write(1, at, f"{to(room)} ({used})")
        rest = view.loss - left - taken
        write(2, at, to(rest if rest > 1e-9 * whole else 0.0))
    if view.uncovered is not None:
        write(0, y[-1], f"{to(view.uncovered)} ({style.percent(view.uncovered / whole)})")


def _legend(ax: Axes, cut: bool) -> None:
    from matplotlib.patches import Patch

    free = "capacity not used" + (" (open: cut off)" if cut else "")
    shown = [
        Patch(facecolor=style.LOSS, label="absorbed"),
        Patch(facecolor="white", edgecolor=style.INK, label=free),
        Patch(facecolor=PASSED, edgecolor=style.LOSS, linewidth=0.7, label="passed on"),
    ]
    style.legend(ax, shown, 1 if style.drawn_width(ax) < 5.5 else 3)
