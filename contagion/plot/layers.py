"""Effects of single layers and of all layers together: the gap to the sum of the layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ArgumentError, expect
from ..experiments.layers import LayerComparison
from ..media import figure
from ..units import Scale, scale
from ..vocabulary import MOST_DRAWN
from . import style
from .pieces import names, shock_words, short, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WORDS = {
    "loss": "loss by contagion",
    "debtrank": "DebtRank",
    "default_impact": "loss of the others when the node defaults",
    "measure": "measure",
}
MOST = 6  # layers with a colour of their own
ROW = 0.36  # inches
FLOOR = 1e-9  # share of the largest number; a smaller gap counts as zero


@dataclass(frozen=True)
class Rows:
    """labels (R,); parts (L, R), a row for each layer; whole (R,); in units of the comparison."""

    labels: list[str]
    parts: np.ndarray
    whole: np.ndarray

    @property
    def gap(self) -> np.ndarray:
        """(R,) whole minus the sum of the layers."""
        return np.asarray(self.whole - self.parts.sum(axis=0))


@figure
def layer_gap(
    comparison: LayerComparison, *, most: int = MOST_DRAWN, ax: Axes | None = None
) -> Axes:
    """Draw the sum of the effects of single layers beside the effect of all layers together.

    One row for each node, the largest gaps on top: stacked bars are the effects of each layer
    alone; the diamond is the effect of all layers together, and the hatched bar between them is
    the gap, whole − sum, also given in brackets. Losses that the shock causes without any claims
    are in neither. Layers after the first five by size share one colour, nodes after the first
    `most` share one row.

    Parameters
    ----------
    comparison : of :func:`contagion.experiments.layers.by_layer`.
    ax : where to draw; by default a new figure.
    most : nodes drawn by name at most.

    Raises
    ------
    ArgumentError : for `most` below 1.

    Example
    -------
    Either layer takes 3 of the 5 that b has, both together all of it, and then 3 from c:

    >>> import contagion as ct
    >>> from contagion.experiments import layers
    >>> owed = {"creditor": ["b", "b", "c"], "debtor": ["a", "a", "b"], "amount": [3, 3, 4],
    ...         "layer": ["loans", "derivatives", "loans"]}
    >>> net = ct.ExposureNetwork({"node": ["a", "b", "c"], "equity": [1, 5, 3]}, owed)
    >>> ax = ct.plot.layer_gap(layers.by_layer(net, ct.models.GaiKapadia(), ct.Shock.default("a")))
    >>> [text.get_text() for text in ax.texts][:2]
    ['3.000 (3.000 more)', '5.000 (1.000 less)']

    Source: after Poledna, Molina-Borboa, Martínez-Jaramillo, van der Leij & Thurner (2015), see
    :func:`contagion.experiments.layers.by_layer`; the drawing is ours.
    """
    expect("LayerComparison", comparison=comparison)
    if most < 1:
        raise ArgumentError(f"most={most}: draw at least one node by name.")
    layers, rows = _layers(comparison), _rows(comparison, most)
    to = _scale(comparison, rows)
    columns = min(len(layers) + 2, 3)
    lines = -(-(len(layers) + 2) // columns)
    ax = style.axes(ax, 8.0, 1.7 + ROW * max(len(rows.labels), 1) + 0.19 * lines)
    place = -np.arange(len(rows.labels), dtype=float)
    _bars(ax, layers, rows, place, to)
    _texts(ax, rows, place, to)
    _frame(ax, rows, place, to, WORDS[comparison.what])
    handles, said = ax.get_legend_handles_labels()
    last = ("gap between them", "all layers together")
    order = sorted(range(len(said)), key=lambda k: said[k] in last)
    style.legend(ax, [handles[k] for k in order], columns)
    title = f"{style.subject(comparison.network)}: layers alone and together"
    style.heading(ax, short(title, int(10 * style.drawn_width(ax))), _note(comparison, rows, to))
    return ax


def _layers(comparison: LayerComparison) -> list[tuple[str, str, np.ndarray]]:
    """Name, colour and numbers (n,) of layers with an effect, by size; small ones are merged."""
    size = {name: float(np.nansum(np.abs(comparison.parts[name]))) for name in comparison.layers}
    order = sorted(filter(size.get, comparison.layers), key=lambda name: -size[name])
    alone = order if len(order) <= MOST else order[: MOST - 1]
    found = [(name, style.KINDS[k], comparison.parts[name]) for k, name in enumerate(alone)]
    rest = order[len(alone) :]
    if rest:
        total = np.sum([comparison.parts[name] for name in rest], axis=0)
        found.append((f"{len(rest)} other layers", style.OTHER, total))
    return found


def _rows(comparison: LayerComparison, most: int) -> Rows:
    """The nodes with the largest gaps, the others as one row; nodes without a number left out."""
    title = names(comparison.network)
    whole, shown_layers = comparison.whole, [part for _, _, part in _layers(comparison)]
    parts = np.stack(shown_layers) if shown_layers else np.zeros((0, len(whole)))
    known = _known(comparison)
    size = np.where(known, np.maximum(np.abs(parts).sum(axis=0), np.abs(whole)), 0.0)
    gap = np.where(known, np.abs(whole - parts.sum(axis=0)), 0.0)
    top = float(size.max(initial=0.0))
    gap = np.where(gap > FLOOR * top, gap, 0.0)
    order = np.lexsort((-size, -gap))
    order = order[size[order] > FLOOR * top]
    many = most if len(order) != most + 1 else most + 1  # one more is no longer than "1 other"
    shown, rest = order[:many], order[many:]
    labels = [short(title[comparison.network.names[i]]) for i in shown]
    parts_shown, whole_shown = parts[:, shown], whole[shown]
    if len(rest):
        labels.append(f"{len(rest):,} others")
        parts_shown = np.column_stack([parts_shown, parts[:, rest].sum(axis=1)])
        whole_shown = np.append(whole_shown, whole[rest].sum())
    return Rows(labels, parts_shown, whole_shown)


def _known(comparison: LayerComparison) -> np.ndarray:
    """(n,) bool: nodes with all numbers."""
    return np.asarray(np.isfinite([*comparison.parts.values(), comparison.whole]).all(axis=0))


def _scale(comparison: LayerComparison, rows: Rows) -> Scale:
    """Scale of the numbers: money in its unit, DebtRank in percent, other measures unscaled."""
    values = np.concatenate([rows.parts.ravel(), rows.whole])
    if comparison.what == "debtrank":
        to = scale(100.0 * values, "")
        return Scale(to.divisor / 100.0, "%", to.digits, "%")
    money = comparison.what in ("loss", "default_impact")
    return scale(values, comparison.network.unit if money else "")


def _bars(
    ax: Axes, layers: list[tuple[str, str, np.ndarray]], rows: Rows, place: np.ndarray, to: Scale
) -> None:
    above, below = np.zeros(len(place)), np.zeros(len(place))
    for (name, colour, _), part in zip(layers, rows.parts, strict=True):
        start = np.where(part >= 0, above, below)
        ax.barh(
            place, part / to.divisor, left=start / to.divisor, height=0.5, color=colour,
            label=short(name, 40), alpha=0.85,
        )  # fmt: skip
        above, below = above + np.maximum(part, 0.0), below + np.minimum(part, 0.0)
    total, whole = rows.parts.sum(axis=0) / to.divisor, rows.whole / to.divisor
    floor = FLOOR * float(np.abs(whole).max(initial=0.0))
    gap = np.where(np.abs(whole - total) > floor, whole - total, 0.0)
    if gap.any():
        ax.barh(
            place, gap, left=total, height=0.5, facecolor="none", edgecolor=style.FAILED,
            hatch="////", linewidth=0.9, zorder=3, label="gap between them",
        )  # fmt: skip
    ax.plot(
        whole, place, "D", color=style.INK, markerfacecolor="white", markersize=5.5, zorder=4,
        label="all layers together", clip_on=False,
    )  # fmt: skip


def _texts(ax: Axes, rows: Rows, place: np.ndarray, to: Scale) -> None:
    """At the end of each row, the effect of all layers, and its difference to their sum."""
    sums = np.maximum(rows.parts, 0.0).sum(axis=0)
    floor = FLOOR * float(np.maximum(sums, np.abs(rows.whole)).max(initial=0.0))
    for y, end, whole, gap in zip(
        place, np.maximum(sums, rows.whole), rows.whole, rows.gap, strict=True
    ):
        text = to(whole)
        if abs(gap) > floor:
            text += f" ({to(abs(gap))} {'more' if gap > 0 else 'less'})"
        ax.annotate(
            text, (to.number(max(end, 0.0)), y), (8, 0), textcoords="offset points", va="center",
            fontsize=7.5, color=style.INK,
        )  # fmt: skip


def _frame(ax: Axes, rows: Rows, place: np.ndarray, to: Scale, what: str) -> None:
    ends = np.concatenate([np.maximum(rows.parts, 0.0).sum(axis=0), rows.whole])
    lows = np.concatenate([np.minimum(rows.parts, 0.0).sum(axis=0), rows.whole])
    high = to.number(float(ends.max(initial=0.0))) or 1.0
    low = to.number(float(lows.min(initial=0.0)))
    ax.set_xlim(low, low + (high - low) / 0.72)
    ax.set_ylim(place.min(initial=0.0) - 0.5, 0.5)
    for y in place[1::2]:
        ax.axhspan(y - 0.5, y + 0.5, color=style.CALM, alpha=0.4, linewidth=0, zorder=0)
    style.row_frame(
        ax, place.tolist(), [wrapped(label, 26) for label in rows.labels], to.named(what)
    )


def _note(comparison: LayerComparison, rows: Rows, to: Scale) -> str:
    """The kind of run, and the gap summed over all nodes."""
    first = comparison.results.get("whole")
    said = ["Each node defaults once."]
    if first is not None:
        said = [shock_words(comparison.network, first.shock)]
    one, both, gap = (float(x.sum()) for x in (rows.parts, rows.whole, rows.gap))
    most = max(abs(one), abs(both))
    more = "the same"
    if abs(gap) > FLOOR * most:
        size = style.percent(abs(gap / one)) if one > 0 else to.money(abs(gap))
        more = f"{to.money(both)}, {size} {'more' if gap > 0 else 'less'}"
    said.append(
        f"All nodes: the layers one by one add up to {to.money(one)}, together to {more}."
        if most > 0
        else "No layer does anything, alone or together."
    )
    gone = int((~_known(comparison)).sum())
    if gone:
        said.append(f"Left out, without a number: {gone} of the nodes.")
    return " ".join(said)
