"""Names of points of a chart, placed without overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import style
from .maps.labels import LINE, around, broad, outside, shared

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 7.8  # points
UP = 6  # number of the side right and above, used beside lines that go to the right


def spread(ax: Axes, x: np.ndarray, y: np.ndarray, names: list[str], most: int = 10) -> None:
    """Write names beside points (data), in their order; a name without free space is left out.

    All points are obstacles. Names should therefore be ordered by importance.
    """
    style.drawn_width(ax)
    figure = ax.get_figure(root=True)
    assert figure is not None
    point = figure.dpi / 72.0
    at = ax.transData.transform(np.column_stack([x, y])) / point
    frame = ax.get_window_extent()
    canvas = np.array([frame.x0, frame.y0, frame.x1, frame.y1]) / point
    taken = np.column_stack([at - 3.5, at + 3.5])
    said = [np.array(text.get_window_extent().extents) / point for text in ax.texts]
    taken = np.concatenate([taken, np.reshape(said, (-1, 4))])
    for k, name in enumerate(names[:most]):
        wide, tall = broad(name, SIZE), LINE * SIZE
        places = around(at[k], np.array([3.5, 3.5]), wide, tall)[:16]
        free = [
            (box, side)
            for box, side in [places[UP], *places]
            if shared(box, taken) <= 0.0 and outside(box, canvas) <= 0.0
        ]
        if not free:
            continue
        box, side = free[0]
        taken = np.vstack([taken, box])
        middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
        anchor = {-1: box[2], 0: middle[0], 1: box[0]}[side]
        ax.annotate(
            name, (x[k], y[k]), (anchor - at[k, 0], middle[1] - at[k, 1]),
            textcoords="offset points", va="center",
            ha={-1: "right", 0: "center", 1: "left"}[side], fontsize=SIZE, color=style.INK,
            bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.2},
        )  # fmt: skip
