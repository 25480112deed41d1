"""One shock under several sets of rules: the loss of each node under each set."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ArgumentError, expect
from ..experiments.rule_comparison import AS_GIVEN, RuleComparison
from ..media import figure
from ..text import listed
from ..units import Scale, scale
from ..vocabulary import MOST_DRAWN
from . import style
from .pieces import names, shock_words, short, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKS = ("s", "o", "D", "^", "v", "P", "X", "h")
LEGEND = 60  # characters of a name in the legend
STEP = 0.155  # inches from one set of rules to the next
FLOOR = 1e-9  # share of all losses borne; a smaller difference counts as zero


@figure
def rule_comparison(
    comparison: RuleComparison, *, most: int = MOST_DRAWN, ax: Axes | None = None
) -> Axes:
    """Draw the loss borne by each node under each set of rules, largest differences on top.

    One group of lines for each node, one line for each set of rules in the order of the legend; the
    loss borne by a node is that of its owners and its external creditors. In brackets: the
    difference to the given rules. Colour and mark identify the set. Nodes with the same loss under
    all sets, and those after the first `most`, share one group.

    Parameters
    ----------
    comparison : a comparison of :func:`contagion.compare_rules`.
    ax : where to draw; by default a new figure.
    most : nodes drawn by name at most.

    Raises
    ------
    ArgumentError : for `most` below 1.

    Example
    -------
    a owes b 6 and c 2 and has 4. Pro rata they lose 3 and 1, by equal losses 2 each:

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 6, 2], [0, 0, 0], [0, 0, 0]],
    ...     ["a", "b", "c"], orientation="debtor->creditor", external_assets=[8, 1, 1])
    >>> done = ct.compare_rules(net, ct.Shock.loss({"a": 4}), {"equal": {"a": "equal_losses"}})
    >>> ax = ct.plot.rule_comparison(done)
    >>> [text.get_text() for text in ax.texts][:4]
    ['3.000', '2.000 (1.000 less)', '1.000', '2.000 (1.000 more)']
    """
    expect("RuleComparison", comparison=comparison)
    if most < 1:
        raise ArgumentError(f"most={most}: draw at least one node by name.")
    first = comparison.results[AS_GIVEN]
    net, sets = first.network, list(comparison.results)
    labels, values, named = _groups(comparison, most)
    columns = _columns(sets) if ax is None or style.drawn_width(ax) > 5.5 else 1
    high = STEP * len(sets) + 0.13
    ax = style.axes(ax, 8.0, 1.6 + high * max(len(labels), 1) + 0.19 * -(-len(sets) // columns))
    to = scale(values.ravel(), net.unit)
    floor = FLOOR * max(float(first.socialization.borne), 1e-300)
    end = _end(values, named)
    place = -(np.arange(len(labels))[:, None] * high + STEP * (np.arange(len(sets)) + 0.5) + 0.065)
    for k, name in enumerate(sets):
        x, y = np.minimum(values[:, k], end), place[:, k]
        colour, mark = _look(k)
        ax.hlines(y, 0, x, color=colour, linewidth=2.2, alpha=0.55, zorder=2)
        ax.plot(
            x, y, mark, color=colour, markersize=5.2, label=short(name, LEGEND), zorder=3,
            clip_on=False,
        )  # fmt: skip
    _texts(ax, values, place, end, to, floor)
    _frame(ax, labels, high, end, to)
    style.legend(ax, ax.get_legend_handles_labels()[0], columns)
    wide = int(10 * style.drawn_width(ax))
    title = [short(style.subject(net), wide)]
    title += textwrap.wrap(short(shock_words(net, first.shock), 160), wide)
    style.heading(ax, "\n".join(title), _note(comparison, values, floor))
    return ax


def _columns(sets: list[str]) -> int:
    """Number of columns of the legend."""
    widest = max(map(len, sets))
    return min(len(sets), 3 if widest <= 20 else 2 if widest <= 34 else 1)


def _end(values: np.ndarray, named: int) -> float:
    """End of the longest line; the group of the other nodes does not set the scale."""
    if not values.size:
        return 1.0
    top, alone = float(values.max()), float(values[:named].max(initial=0.0))
    return 1.3 * alone if 0 < 2.5 * alone < top else top or 1.0


def _groups(comparison: RuleComparison, most: int) -> tuple[list[str], np.ndarray, int]:
    """Names of the groups, losses (groups, sets) in money, and number of groups of one node."""
    net = comparison.results[AS_GIVEN].network
    values = comparison.table[list(comparison.results)].to_numpy(float)
    apart = np.abs(values - values[:, :1]).max(axis=1)
    total = float(values.sum(axis=0).max(initial=0.0))
    apart = np.where(apart > FLOOR * total, apart, 0.0)
    order = np.lexsort((-values.max(axis=1), -apart))
    order = order[values[order].max(axis=1) > FLOOR * total]
    title = names(net)
    moved = int((apart > 0).sum())
    many = min(most, moved or len(order))
    labels = [title[net.names[i]] for i in order[:many]]
    shown, rest = values[order[:many]], order[many:]
    if len(rest) == 1 and many < most:
        many, rest = many + 1, rest[:0]
        labels.append(title[net.names[order[-1]]])
        shown = values[order]
    if len(rest):
        labels.append(f"{len(rest):,} other{'s' if len(rest) > 1 else ''}")
        shown = np.vstack([shown, values[rest].sum(axis=0)])
    return labels, shown, many


def _look(number: int) -> tuple[str, str]:
    """Colour and mark of a set of rules; the given rules are grey."""
    mark = MARKS[number % len(MARKS)]
    return (style.QUIET if number == 0 else style.KINDS[(number - 1) % len(style.KINDS)]), mark


def _texts(
    ax: Axes, values: np.ndarray, place: np.ndarray, end: float, to: Scale, floor: float
) -> None:
    for row, at in zip(values, place, strict=True):
        for k, (amount, y) in enumerate(zip(row, at, strict=True)):
            text, more = to(amount), amount - row[0]
            if k and abs(more) > floor:
                text += f" ({to(abs(more))} {'more' if more > 0 else 'less'})"
            if amount > end:
                text = f"→ {text}"  # the line extends beyond the axes
            ax.annotate(
                text, (min(amount, end), y), (6, 0), textcoords="offset points", va="center",
                fontsize=7.5, color=style.INK,
            )  # fmt: skip


def _frame(ax: Axes, labels: list[str], high: float, end: float, to: Scale) -> None:
    for k in range(0, len(labels), 2):
        ax.axhspan(-(k + 1) * high, -k * high, color=style.CALM, alpha=0.4, linewidth=0, zorder=0)
    ax.set_xlim(0, end / 0.72)
    ax.set_ylim(-high * max(len(labels), 1), 0)
    middle = [-(k + 0.5) * high for k in range(len(labels))]
    shown = [wrapped(label, 26) for label in labels]
    style.row_frame(ax, middle, shown, to.named("borne"), to.divisor)


def _note(comparison: RuleComparison, values: np.ndarray, floor: float) -> str:
    title = names(comparison.results[AS_GIVEN].network)
    where = listed([short(title[node]) for node in comparison.nodes], 3)
    if not len(values):
        return "No node bears a loss under any of the rules."
    moved = bool((np.abs(values - values[:, :1]) > floor).any())
    said = (
        "In brackets: more or less than as given."
        if moved
        else "No node bears more or less than as given."
    )
    return f"What each node bears when the rules of {where} change. {said}"
