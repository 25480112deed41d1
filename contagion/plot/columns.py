"""Boxes in columns with bands between them, widths in money; shared by two figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from . import style
from .boxes import Box, Link
from .pieces import wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 250.0  # total height of the amounts in the fullest column, in points
SLOT = 27.0  # smallest height of a box with its label, in points
GAP = 9.0
WIDTH = 0.085
LEAST = 1.5  # points: a box is drawn at least this high
OfLink = TypeVar("OfLink", bound=Link)


@dataclass(frozen=True)
class Columns:
    """The positions of boxes, in points upwards and columns to the right.

    Attributes
    ----------
    boxes : the boxes.
    numbers : numbers of the columns, sorted.
    per_point : points for a unit of money.
    tall, middle : height and vertical centre of every box.
    top : top of the highest column.
    """

    boxes: Sequence[Box]
    numbers: list[int]
    per_point: float
    tall: list[float]
    middle: list[float]
    top: float

    def ordered(self, links: Sequence[OfLink]) -> list[OfLink]:
        """Links from top to bottom, so that bands do not cross where they leave a box."""
        return sorted(links, key=lambda link: (-self.middle[link.end], -self.middle[link.start]))

    def box(self, ax: Axes, i: int, colour: str, wide: int) -> None:
        """Draw a box with its name, in lines of `wide` characters, and its text."""
        from matplotlib.patches import Rectangle

        box, middle, tall = self.boxes[i], self.middle[i], max(self.tall[i], LEAST)
        corner = (box.column, middle - tall / 2)
        ax.add_patch(Rectangle(corner, WIDTH, tall, facecolor=colour, zorder=3))
        ax.annotate(
            f"{wrapped(box.name, wide)}\n{box.text}",
            (box.column + WIDTH, middle),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.8,
            linespacing=1.1,
            color=style.INK,
            zorder=4,
            bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.8},
        )

    def back(
        self, ax: Axes, link: Link, colour: str, width: float, head: int, alpha: float,
        *, bend: float = -0.35, drop: float = 0.5,
    ) -> None:  # fmt: skip
        """Draw a link that goes back to the left: a dashed arrow below the boxes."""
        from matplotlib.patches import FancyArrowPatch

        (x0, y0), (x1, y1) = (
            (self.boxes[i].column + drop * WIDTH, self.middle[i] - drop * max(self.tall[i], least))
            for i, least in ((link.start, 0.0), (link.end, LEAST))
        )
        ax.add_patch(
            FancyArrowPatch(
                (x0, y0), (x1, y1), connectionstyle=f"arc3,rad={bend}", linewidth=width,
                arrowstyle=f"-|>,head_length={head},head_width={(head + 1) // 2}",
                linestyle=(0, (4, 2)), color=colour, alpha=alpha, zorder=2,
            )
        )  # fmt: skip

    def band(
        self, ax: Axes, link: Link, y0: float, y1: float, thick: float, colour: str, alpha: float
    ) -> None:
        """Draw a band from the right of a box to the left of another; y0 and y1 are its tops."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        x0, x1 = self.boxes[link.start].column + WIDTH, self.boxes[link.end].column
        bend = (x0 + x1) / 2
        corners = [
            (x0, y0), (bend, y0), (bend, y1), (x1, y1),
            (x1, y1 - thick), (bend, y1 - thick), (bend, y0 - thick), (x0, y0 - thick), (x0, y0),
        ]  # fmt: skip
        path = Path(corners, [1, 4, 4, 4, 2, 4, 4, 4, 79])
        ax.add_patch(PathPatch(path, facecolor=colour, alpha=alpha, linewidth=0, zorder=1))

    def frame(
        self, ax: Axes, low: float, left: float, right: float, head: Callable[[int], str]
    ) -> None:
        """Write the headings of the columns, and set limits with margins below, left and right."""
        for column in self.numbers:
            ax.text(
                column, self.top + 8, head(column), fontsize=8.5, color=style.QUIET, va="bottom"
            )
        ax.set_xlim(left, self.numbers[-1] + right if self.numbers else 1.0)
        ax.set_ylim(-low, self.top + 22)
        ax.set_axis_off()


def columns(boxes: Sequence[Box], links: Sequence[Link]) -> Columns:
    """Centred columns, with boxes at the height of those from which they receive."""
    numbers = sorted({box.column for box in boxes})
    stacks = {c: [i for i, box in enumerate(boxes) if box.column == c] for c in numbers}
    fullest = max((sum(boxes[i].height for i in stack) for stack in stacks.values()), default=1.0)
    per_point = POINTS / max(fullest, 1e-300)
    tall = [box.height * per_point for box in boxes]
    high = {c: sum(max(tall[i], SLOT) + GAP for i in stack) for c, stack in stacks.items()}
    top = max([*high.values(), 60.0])
    middle = [0.0] * len(boxes)
    for column, stack in stacks.items():
        pull = {}
        for i in stack:
            into = [link for link in links if link.end == i and boxes[link.start].column < column]
            weight = sum(link.amount for link in into)
            pulled = sum(link.amount * middle[link.start] for link in into)
            pull[i] = pulled / weight if weight else 0.0
        level = top - (top - high[column]) / 2
        for i in sorted(stack, key=lambda i: (-round(pull[i], 3), -boxes[i].height, i)):
            slot = max(tall[i], SLOT) + GAP
            middle[i] = level - slot / 2
            level -= slot
    return Columns(boxes, numbers, per_point, tall, middle, top)
