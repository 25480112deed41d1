"""The cascade as a tree: each node below the debtor on which it loses most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import ArgumentError, expect
from ..media import figure
from ..results.propagation_result import PropagationResult
from ..text import plural
from ..units import Scale, scale
from ..vocabulary import MOST_DRAWN
from . import style
from .maps.choice import STATES, states
from .maps.labels import broad
from .pieces import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 0.24  # inches
MARGIN, LEAST = 10.0, 20.0  # points beside the tree; smallest distance of columns
SLACK = 1e-6  # points; tolerance so that the widest text fits despite rounding error
LOOK = {
    "hit": ("s", style.TRIGGER), "default": ("X", style.FAILED), "before": ("P", style.BEFORE),
    "loses": ("o", style.LOSS), "calm": ("o", style.THREAD), "outside": ("D", style.OUTSIDE),
}  # fmt: skip


@figure
def cascade_tree(
    result: PropagationResult, *, most: int = MOST_DRAWN, ax: Axes | None = None
) -> Axes:
    """Draw the cascade as a tree: each node below the debtor on which it loses most.

    One row for each node, one column for each step from the shock; the width of a line is the
    square root of the loss on the claim. External creditors are below their debtor. The rows with
    the largest losses and the nodes that lead to them are drawn; the note gives their share of the
    loss.

    Parameters
    ----------
    result : a result; most : largest number of rows, besides the nodes that lead to them.
    ax : where to draw; by default a new figure.

    Raises
    ------
    ArgumentError : for `most` below 1.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.datasets.load("neva_ring3")
    >>> ax = ct.plot.cascade_tree(ct.models.Furfine().propagate(net, ct.Shock.default("A")))
    >>> [text.get_text().split(":")[0] for text in ax.texts][1:3]
    ['A', 'C']
    """
    expect(result=result)
    if most < 1:
        raise ArgumentError(f"most={most}: draw at least one row.")
    net, step = result.network, result.hops
    owners, outside = result.borne
    parent, link = _parents(result)
    rows, shown = _rows(step, owners, outside, parent, most)
    state = states(net, result)
    to = scale([*owners[shown], *outside[shown]], net.unit)
    title = dict(zip(shown, style.titles(net, np.array(shown, int)), strict=True)) if shown else {}
    said = [_said(result, i, out, title, str(state[i]), to) for i, out in rows]
    ax = style.axes(ax, 8.0, 1.4 + ROW * max(len(rows), 1))
    top = max(float(link[shown].max(initial=0.0)), float(outside[shown].max(initial=0.0)), 1e-300)
    place = {i: -y for y, (i, out) in enumerate(rows) if not out}
    for y, (i, out) in enumerate(rows):
        column = int(step[i]) + int(out)
        above = place[i] if out else place.get(int(parent[i]))
        lost = float(outside[i] if out else link[i])
        if column and above is not None:
            width = 0.7 + 4.0 * np.sqrt(lost / top)
            ax.plot(
                [column - 1, column - 1, column], [above, -y, -y], color=style.LOSS, alpha=0.6,
                linewidth=width, solid_joinstyle="miter", zorder=1,
            )  # fmt: skip
        key = "outside" if out else str(state[i])
        mark, colour = LOOK[key]
        ax.plot(column, -y, mark, color=colour, markersize=6.5, zorder=3,
                markerfacecolor="white" if out else colour)  # fmt: skip
    borne = float((owners + outside).sum())
    drawn = sum(float(outside[i] if out else owners[i]) for i, out in rows)
    note = f"Amounts in {to.label}. " if to.label else ""
    if borne > 0:
        note += f"The rows bear {style.percent(drawn / borne)} of the loss. "
    used = [key for key in STATES if key in {*state[shown], *["outside"] * any(o for _, o in rows)}]
    ax.set_ylim(-max(len(rows), 1) + 0.4, 1.5)
    ax.set_axis_off()
    columns = int(np.clip(style.drawn_width(ax) / 2.2, 1, 3))
    style.legend(ax, _handles(used), columns, points=8.0)
    style.heading(ax, "The cascade as a tree", note + "A line: from whom most of the loss comes.")
    _texts(ax, [(int(step[i]) + int(out), text) for (i, out), text in zip(rows, said, strict=True)])
    return ax


def _texts(ax: Axes, rows: list[tuple[int, str]]) -> None:
    """Write texts of (column, text) after their marks, with columns far enough apart for them."""
    points = 72 * style.drawn_width(ax) - 2 * MARGIN
    free = [(points - broad(text, 8.0)) / column for column, text in rows if column]
    apart = max(min(free, default=points), LEAST)
    ax.set_xlim(-MARGIN / apart, (points + MARGIN) / apart)
    for y, (column, text) in enumerate(rows):
        left, wide = points - column * apart, broad(text, 8.0)
        text = text if wide <= left + SLACK else short(text, max(int(len(text) * left / wide), 6))
        ax.annotate(text, (column, -y), (7, 0), textcoords="offset points", va="center",
                    fontsize=8, color=style.INK).set_in_layout(False)  # fmt: skip
    for k in range(max((column for column, _ in rows), default=0) + 1):
        head = plural(k, "step") if k else "hit"
        head = head if apart > 44 else str(k or "hit")
        ax.text(k, 0.95, head, fontsize=8, color=style.QUIET, va="center").set_in_layout(False)


def _said(
    result: PropagationResult, i: int, out: bool, title: dict[int, str], key: str, to: Scale
) -> str:
    """The name of a row and its loss."""
    if out:
        return f"external creditors: lose {to(float(result.borne[1][i]))}"
    return f"{short(str(title[i]))}: {_words(result, i, float(result.borne[0][i]), key, to)}"


def _parents(result: PropagationResult) -> tuple[np.ndarray, np.ndarray]:
    """(n,) the debtor one step nearer to the shock with the largest loss, −1 none; that loss."""
    net, step, lost = result.network, result.hops, result.added_losses
    near = np.flatnonzero((step[net.debtor] == step[net.creditor] - 1) & (step[net.debtor] >= 0))
    near = near[lost[near] > 0]
    near = near[np.argsort(lost[near], kind="stable")]
    parent, link = np.full(len(net), -1), np.zeros(len(net))
    parent[net.creditor[near]] = net.debtor[near]  # of several, the last and largest one stays
    link[net.creditor[near]] = lost[near]
    return parent, link


def _rows(
    step: np.ndarray, owners: np.ndarray, outside: np.ndarray, parent: np.ndarray, most: int
) -> tuple[list[tuple[int, bool]], list[int]]:
    """Rows from the top: (node, whether the row is its external creditors); and the nodes drawn."""
    both = np.concatenate([owners, outside])
    n = len(owners)
    order = [int(k) for k in np.argsort(-both, kind="stable")[:most] if both[k] > 0]
    order = [k for k in order if step[k % n] >= 0]
    kept = {k % n for k in order}
    out = {k - n for k in order if k >= n}
    for i in sorted(kept):
        while parent[i] >= 0:
            i = int(parent[i])
            kept.add(i)
    children: dict[int, list[int]] = {}
    for i in sorted(kept, key=lambda i: (-owners[i] - outside[i], i)):
        children.setdefault(int(parent[i]), []).append(i)
    rows: list[tuple[int, bool]] = []
    stack = children.get(-1, [])[::-1]
    while stack:
        i = stack.pop()
        rows.append((i, False))
        if i in out:
            rows.append((i, True))
        stack += children.get(i, [])[::-1]
    return rows, sorted(kept)


def _words(result: PropagationResult, i: int, lost: float, key: str, to: Scale) -> str:
    said = f"loses {to(lost)}"
    said = said if to(lost) != to(0.0) else "owners lose nothing"
    if key == "default":
        said += f", defaults in round {int(result.default_round[i])}"
    return f"{said}, {STATES[key]}" if key == "before" else said


def _handles(used: list[str]) -> list[object]:
    from matplotlib.lines import Line2D

    return [
        Line2D(
            [], [], linestyle="", marker=LOOK[key][0], markersize=6.5, color=LOOK[key][1],
            markerfacecolor="white" if key == "outside" else LOOK[key][1], label=STATES[key],
        )
        for key in used if key in LOOK
    ]  # fmt: skip
