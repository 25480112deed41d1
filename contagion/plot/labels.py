"""Labels that do not lie on each other: greedy placement, the most important first."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDES = ((0, -1), (0, 1), (1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1))
ALIGN_X: dict[int, Literal["left", "center", "right"]] = {0: "center", 1: "left", -1: "right"}
ALIGN_Y: dict[int, Literal["bottom", "center", "top"]] = {0: "center", 1: "bottom", -1: "top"}


@dataclass(frozen=True)
class Label:
    """A text beside a point of the axes (data coordinates); radius in points."""

    x: float
    y: float
    radius: float
    text: str
    weight: float
    bold: bool = False


def wrapped(text: str, width: int = 15) -> str:
    """A name on two lines, the rest cut off.

    >>> wrapped("Digital Currency Group Inc.")
    'Digital\\nCurrency Group…'
    """
    lines = textwrap.wrap(text, width, break_on_hyphens=False) or [""]
    return "\n".join(lines[:2]) + ("…" if len(lines) > 2 else "")


def place(
    ax: Axes,
    labels: Sequence[Label],
    *,
    size: float = 8.0,
    drop: bool = False,
    color: str = "k",
    avoid: np.ndarray | None = None,
) -> int:
    """Put every label on the side of its point where it covers least; returns how many are shown.

    With `drop`, labels that would cover another one are left out. `avoid` (k, 2) are points on
    lines (data coordinates) that are better not covered.
    """
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]
    point = ax.figure.dpi / 72.0
    at = ax.transData.transform([(label.x, label.y) for label in labels] or np.empty((0, 2)))
    reach = np.array([label.radius for label in labels]) * point
    discs = np.column_stack([at - reach[:, None], at + reach[:, None]])
    frame = ax.get_window_extent()
    border = np.array([frame.x0, frame.y0, frame.x1, frame.y1])
    lines = ax.transData.transform(avoid) if avoid is not None and len(avoid) else np.empty((0, 2))
    dot = (5.0 * point) ** 2
    taken: list[np.ndarray] = []
    shown = 0
    for k in sorted(range(len(labels)), key=lambda i: (-labels[i].weight, i)):
        label = labels[k]
        text = ax.annotate(
            label.text,
            (label.x, label.y),
            (0, 0),
            textcoords="offset points",
            fontsize=size,
            color=color,
            zorder=5,
            linespacing=1.05,
            fontweight="bold" if label.bold else "normal",
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6},
        )
        box = text.get_window_extent()
        best, cost = SIDES[0], np.inf
        others = np.delete(discs, k, axis=0)
        for order, side in enumerate(SIDES):
            area = _moved(at[k], reach[k], box.width, box.height, side, point)
            now = _cost(area, taken, others) + 6.0 * _outside(area, border)
            covered = (lines > area[:2]).all(axis=1) & (lines < area[2:]).all(axis=1)
            now += dot * float(covered.sum()) + 0.02 * order * box.width * box.height
            if now < cost - 1e-9:
                best, cost = side, now
        area = _moved(at[k], reach[k], box.width, box.height, best, point)
        if drop and shown and _cost(area, taken, np.empty((0, 4))) > 0:
            text.remove()
            continue
        gap = label.radius + 2.0
        slant = 0.75 if best[0] and best[1] else 1.0
        text.set_position((best[0] * gap * slant, best[1] * gap * slant))
        text.set_horizontalalignment(ALIGN_X[best[0]])
        text.set_verticalalignment(ALIGN_Y[best[1]])
        text.set_multialignment("center" if best[0] == 0 else "left" if best[0] > 0 else "right")
        taken.append(area)
        shown += 1
    return shown


def _moved(
    at: np.ndarray, reach: float, width: float, height: float, side: tuple[int, int], point: float
) -> np.ndarray:
    """The rectangle (x0, y0, x1, y1), pixels, of a text on one side of its point."""
    slant = 0.75 if side[0] and side[1] else 1.0
    gap = (reach + 2.0 * point) * slant
    x = at[0] + side[0] * gap - (0.5 - 0.5 * side[0]) * width
    y = at[1] + side[1] * gap - (0.5 - 0.5 * side[1]) * height
    return np.array([x, y, x + width, y + height])


def _cost(box: np.ndarray, texts: list[np.ndarray], discs: np.ndarray) -> float:
    """Pixels² that a rectangle shares with texts (counted three times) and with nodes."""
    total = 0.0
    for others, weight in ((np.array(texts).reshape(-1, 4), 3.0), (discs, 1.0)):
        wide = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
        high = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
        total += weight * float((np.maximum(wide, 0) * np.maximum(high, 0)).sum())
    return total


def _outside(box: np.ndarray, frame: np.ndarray) -> float:
    """Pixels² of a rectangle that stick out of the frame."""
    wide = max(min(box[2], frame[2]) - max(box[0], frame[0]), 0.0)
    high = max(min(box[3], frame[3]) - max(box[1], frame[1]), 0.0)
    return float((box[2] - box[0]) * (box[3] - box[1]) - wide * high)
