"""The map of the network: who owes whom, and with a result who loses."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError, expect
from ..media import figure
from ..network.exposure_network import ExposureNetwork
from ..text import money
from . import style
from .labels import Label, place, wrapped
from .layout import positions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from ..results.propagation_result import PropagationResult

ALL_LABELS = 40
ARROWS = 400
MOST_NODES = 1_000
MOST_LINKS = 20_000


@figure
def network(
    network: ExposureNetwork, result: PropagationResult | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw the network: area = balance sheet, width = exposure, arrows the way losses travel.

    Arrows point from debtor to creditor. Without a result the colour is the kind of the node;
    with one it is the share of its equity that the node loses, and a claim is the redder the
    more of it is lost. Up to 40 nodes all names are shown, above only the largest; of more than
    1,000 nodes the largest 1,000 are drawn, with at most 20,000 exposures.

    Parameters
    ----------
    network : what to draw.
    result : a result on the same network.
    ax : where to draw; by default a new figure.

    Raises
    ------
    ArgumentError : when the result belongs to a network with other nodes.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.datasets.load("neva_ring3")
    >>> ax = ct.plot.network(net)
    >>> [text.get_text() for text in ax.texts][:3]
    ['A', 'B', 'C']
    """
    expect(network=network)
    if result is not None:
        expect(result=result)
    if result is not None and not result.network.names.equals(network.names):
        raise ArgumentError("The result belongs to a network with other nodes.")
    ax = style.axes(ax, 8.0, 5.6)
    size = style.sizes(network)
    keep = _kept(size, result)
    where = np.full((len(network), 2), np.nan)
    where[keep] = positions(network.liabilities[keep][:, keep], size[keep])
    radius = _radii(size, len(keep))
    ax.set_axis_off()
    ax.set_xlim(-0.08, 1.08)
    ax.set_ylim(-0.1, 1.08)
    share = np.zeros(len(network.amount))
    if result is not None:
        share = result.added_losses / np.where(network.amount > 0, network.amount, 1.0)
    paths = _edges(ax, network, where, radius, share)
    legend = _nodes(ax, network, result, where, radius, keep)
    chosen = _labelled(network, result, size, keep)
    titles = style.titles(network)
    few = len(network) <= ALL_LABELS
    bold = np.zeros(len(network), bool) if result is None else result.triggers
    place(
        ax,
        [
            Label(
                float(where[i, 0]),
                float(where[i, 1]),
                float(radius[i]),
                wrapped(titles[i]),
                float(size[i]),
                bool(bold[i]),
            )
            for i in chosen
        ],
        size=8.0 if len(network) <= 20 else 7.0,
        drop=not few,
        color=style.INK,
        avoid=paths,
    )
    _caption(ax, network, result, legend, len(keep))
    return ax


def _kept(size: np.ndarray, result: PropagationResult | None) -> np.ndarray:
    """The nodes that are drawn: the largest, and first of all those hit and those that lose."""
    first = np.zeros(len(size))
    if result is not None:
        first = (
            result.loss / max(float(result.loss.max(initial=0.0)), 1e-300) + 2.0 * result.triggers
        )
        first[np.argsort(-first, kind="stable")[MOST_NODES // 2 :]] = 0.0
    return np.sort(np.lexsort((-size, -first))[:MOST_NODES])


def _radii(size: np.ndarray, shown: int) -> np.ndarray:
    """Points; area in proportion to size, with a smallest that can be seen."""
    largest = 24.0 if shown <= 12 else 18.0 if shown <= 40 else 11.0 if shown <= 150 else 7.0
    smallest = largest / 5 if shown <= 150 else 1.2
    top = max(float(size.max(initial=0.0)), 1e-300)
    return np.maximum(largest * np.sqrt(size / top), smallest)


def _edges(
    ax: Axes, network: ExposureNetwork, where: np.ndarray, radius: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """Draw the claims; returns points along them (data coordinates), for labels to avoid."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import FancyArrowPatch

    drawn = np.isfinite(where[:, 0])
    rows = np.flatnonzero((network.amount > 0) & drawn[network.debtor] & drawn[network.creditor])
    if len(rows) > MOST_LINKS:
        rows = rows[np.argsort(-network.amount[rows], kind="stable")[:MOST_LINKS]]
    top = max(float(network.amount.max(initial=0.0)), 1e-300)
    rows = rows[np.argsort(network.amount[rows] / top + (share[rows] > 1e-9), kind="stable")]
    width, red = 0.5 + 5.0 * network.amount[rows] / top, share[rows] > 1e-9
    colour = np.array([_reddened(float(part)) for part in share[rows]], object)
    if len(rows) > ARROWS:
        lines = np.stack([where[network.debtor[rows]], where[network.creditor[rows]]], axis=1)
        faint = float(np.clip(400.0 / len(rows), 0.08, 0.5))
        for mask, alpha in ((~red, faint), (red, min(0.8, 4 * faint))):
            ax.add_collection(
                LineCollection(
                    list(lines[mask]),
                    colors=list(colour[mask]),
                    alpha=alpha,
                    linewidths=list(0.3 + 0.4 * width[mask]),
                    zorder=1,
                )
            )
        return np.empty((0, 2))
    crowd = 1.0 if len(rows) <= 60 else 0.55
    for k, row in enumerate(rows):
        line = float(width[k]) * crowd
        head = 3.0 + 1.3 * line
        start, end = network.debtor[row], network.creditor[row]
        ax.add_patch(
            FancyArrowPatch(
                tuple(where[start]),
                tuple(where[end]),
                connectionstyle="arc3,rad=0.12",
                arrowstyle=f"-|>,head_length={head},head_width={head * 0.5}",
                mutation_scale=1.0,
                shrinkA=float(radius[start]),
                shrinkB=float(radius[end]) + 1.0,
                linewidth=line,
                color=colour[k],
                alpha=0.85 if red[k] or len(rows) <= 60 else 0.45,
                zorder=2 if red[k] else 1,
                joinstyle="miter",
            )
        )
    along = np.linspace(0.05, 0.95, 19)[:, None, None]
    start, end = where[network.debtor[rows]], where[network.creditor[rows]]
    bow = 0.12 * (end - start)[:, ::-1] * [1, -1]
    curve = start * (1 - along) + end * along + 2 * along * (1 - along) * bow
    return np.asarray(curve.reshape(-1, 2))


def _reddened(share: float) -> str:
    """From grey (nothing of a claim is lost) to red (all of it)."""
    if share <= 1e-9:
        return style.LINE
    from matplotlib.colors import to_hex, to_rgb

    grey, red = np.array(to_rgb("#dfb7ae")), np.array(to_rgb("#d03b2b"))
    return to_hex(grey + (red - grey) * min(np.sqrt(share), 1.0))


def _nodes(
    ax: Axes,
    network: ExposureNetwork,
    result: PropagationResult | None,
    where: np.ndarray,
    radius: np.ndarray,
    keep: np.ndarray,
) -> list[Line2D]:
    """Draw the nodes; returns the entries of the legend."""
    edge = np.full(len(network), "white", object)
    mark = np.full(len(network), "o", object)
    if result is None:
        colour, legend = _by_kind(style.kinds(network))
    else:
        colour, edge, mark, legend = _by_loss(result)
    for shape in dict.fromkeys(mark[keep]):
        at = keep[mark[keep] == shape]
        at = at[np.argsort(-radius[at], kind="stable")]
        ax.scatter(
            where[at, 0],
            where[at, 1],
            s=(2 * radius[at]) ** 2 * (0.8 if shape == "s" else 1.0),
            c=list(colour[at]),
            edgecolors=list(edge[at]),
            linewidths=1.1 if len(keep) <= 150 else 0.4,
            marker=str(shape),
            zorder=3,
        )
    return legend


def _mark(colour: str, text: str, edge: str = "white", marker: str = "o") -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D(
        [],
        [],
        linestyle="",
        marker=marker,
        markersize=8,
        markerfacecolor=colour,
        markeredgecolor=edge,
        label=text,
    )


def _by_kind(kinds: np.ndarray) -> tuple[np.ndarray, list[Line2D]]:
    common = [kind for kind, _ in Counter(kinds).most_common(len(style.KINDS))]
    colours = dict(zip(common, style.KINDS, strict=False))
    colour = np.array([colours.get(kind, style.OTHER) for kind in kinds], object)
    legend = [_mark(colours[kind], str(kind)) for kind in common]
    if len(set(kinds)) > len(common):
        legend.append(_mark(style.OTHER, "other kinds"))
    return colour, legend if len(set(kinds)) > 1 else []


def _by_loss(
    result: PropagationResult,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Line2D]]:
    from matplotlib.colors import to_hex

    net, outcome = result.network, result.outcome
    before = np.maximum(np.nan_to_num(result.equity_before), 0.0)
    share = np.where(before > 0, result.loss / np.where(before > 0, before, 1.0), 0.0)
    loses = result.loss > 1e-9 * np.maximum(style.sizes(net), 1e-300)
    earlier = outcome.defaulted & (net.book.equity < 0) & ~result.triggers
    unknown = ~net.book.known
    colour = np.array([to_hex(_shade(value)) for value in np.clip(share, 0, 1)], object)
    colour[~loses] = style.CALM
    colour[unknown] = "#ffffff"
    colour[outcome.defaulted] = style.FAILED
    colour[earlier] = style.BEFORE
    colour[result.triggers] = style.TRIGGER
    edge = np.where(unknown, np.where(loses, style.LOSS, style.LINE), "white").astype(object)
    mark = np.where(result.triggers, "s", "o").astype(object)
    entries: list[tuple[Any, tuple[str, ...]]] = [
        (result.triggers, (style.TRIGGER, "hit by the shock", "white", "s")),
        (outcome.defaulted & ~earlier & ~result.triggers, (style.FAILED, "fails")),
        (earlier, (style.BEFORE, "insolvent before the shock")),
        (loses & ~outcome.defaulted & ~unknown, (_shade(0.5), "stands, loses part of its equity")),
        (loses & unknown, ("#ffffff", "loses, capital unknown", style.LOSS)),
        (~loses & unknown, ("#ffffff", "loses nothing, capital unknown", style.LINE)),
        (~loses & ~unknown & ~outcome.defaulted, (style.CALM, "loses nothing")),
    ]
    return colour, edge, mark, [_mark(*look) for mask, look in entries if np.any(mask)]


def _shade(share: float) -> str:
    """From pale (little) to strong (all of the equity)."""
    pale, strong = np.array([253, 224, 208]), np.array([222, 84, 60])
    red, green, blue = (pale + (strong - pale) * np.sqrt(max(share, 0.0))).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _labelled(
    network: ExposureNetwork, result: PropagationResult | None, size: np.ndarray, keep: np.ndarray
) -> list[int]:
    if len(network) <= ALL_LABELS:
        return list(range(len(network)))
    weight = size / max(float(size.max()), 1e-300)
    if result is not None:
        weight = result.loss / max(float(result.loss.max()), 1e-300) + 2.0 * result.triggers
    ranked = keep[np.argsort(-weight[keep], kind="stable")]
    return [int(i) for i in ranked[:15]]


def _caption(
    ax: Axes,
    network: ExposureNetwork,
    result: PropagationResult | None,
    legend: list[Line2D],
    shown: int,
) -> None:
    some = "" if shown == len(network) else f"the largest {shown:,} of "
    largest = money(float(style.sizes(network).max(initial=0.0)), network.unit)
    style.heading(
        ax,
        style.subject(network),
        f"{some}{len(network):,} nodes, {len(network.amount):,} exposures. "
        "Arrows: debtor to creditor, the way a loss travels"
        + ("; the redder, the more is lost." if result is not None else "."),
        110,
    )
    note = (
        f"Area: balance sheet (largest {largest}). Width: exposure "
        f"(largest {money(float(network.amount.max(initial=0.0)), network.unit)})."
    )
    ax.annotate(
        note, (0, 0), (0, -6), "axes fraction", "offset points", va="top", fontsize=8,
        color=style.QUIET,
    )  # fmt: skip
    if legend:
        style.legend(ax, legend, points=18.0)
