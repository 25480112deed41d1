"""Texts beside marks: greedy placement, most important first; widths are estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..pieces import wrapped
from .choice import Choice
from .curves import Curve
from .rings import Places

NARROW, MIDDLE, BROAD = set(" .,:;'|!ijlI()[]·"), set('frtJ-/*"<>'), set("mMWw@%—−…&OQG")
SIDES = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1))
LINE = 1.16  # line spacing, in multiples of the letter size
LIMIT = 0.05  # share of its area; a label with more overlap is left out


@dataclass(frozen=True)
class Label:
    """A text of a mark: its box (x0, y0, x1, y1), its side (-1, 0, 1), lines, and whether the
    last line is an amount."""

    mark: int
    box: tuple[float, float, float, float]
    side: int
    lines: tuple[str, ...]
    amount: bool
    bold: bool = False


def broad(text: str, size: float) -> float:
    """The estimated width of a text in DejaVu Sans, the widest of the fonts used.

    >>> 20 < broad("Genesis", 8.0) < 45
    True
    """
    parts = (0.35 if c in NARROW else 0.45 if c in MIDDLE else 0.92 if c in BROAD
             else 1.02 if ord(c) > 0x2E7F else 0.7 if c.isupper() else 0.63
             for c in text)  # fmt: skip
    return size * sum(parts)


def labels(
    chosen: Choice, where: Places, links: list[Curve], names: list[str], amounts: list[str],
    width: float, height: float, size: float,
) -> tuple[list[Label], int]:  # fmt: skip
    """The labels of marks other than boxes, and the number of labels without space.

    Nodes, boxes, links and earlier labels are obstacles. Nodes hit always have their name.
    """
    canvas = np.array([0.0, 0.0, width, height])
    blocks = np.column_stack([where.at - where.half, where.at + where.half])
    line, thick = _inked(links)
    hit = chosen.state == "hit"
    weight = chosen.loss / max(float(chosen.loss.max(initial=0.0)), 1e-300)
    weight += 1e-3 * chosen.size / max(float(chosen.size.max(initial=0.0)), 1e-300) + 2.0 * hit
    found: list[Label] = []
    taken = np.empty((0, 4))
    free = np.flatnonzero(~chosen.boxed)
    missing = 0
    for k in sorted(map(int, free), key=lambda i: (-weight[i], i)):
        lines = (*wrapped(names[k], 16, 3 if chosen.outside[k] else 2).split("\n"),)
        lines = (*lines, amounts[k]) if amounts[k] else lines
        wide = 3.0 + max(broad(text, size * (1.12 if hit[k] else 1.0)) for text in lines)
        options = around(where.at[k], where.half[k], wide, len(lines) * LINE * size)
        others = np.delete(blocks, k, axis=0)
        cost = [
            6.0 * shared(box, taken) + 2.0 * shared(box, others) + 8.0 * outside(box, canvas)
            + (0.3 if hit[k] else 1.0) * _crossed(box, line, thick, size)
            + 0.02 * order * wide * size
            for order, (box, _) in enumerate(options)
        ]  # fmt: skip
        box, side = options[int(np.argmin(cost))]
        area = wide * len(lines) * LINE * size
        covered = shared(box, taken) + shared(box, others)
        if not hit[k] and (covered > LIMIT * area or outside(box, canvas) > 0.5):
            missing += 1
            continue
        x0, y0, x1, y1 = map(float, box)
        found.append(Label(k, (x0, y0, x1, y1), side, lines, bool(amounts[k]), bool(hit[k])))
        taken = np.vstack([taken, box])
    return found, missing


def _inked(links: list[Curve]) -> tuple[np.ndarray, np.ndarray]:
    """Points (P, 2) on links and their arrowheads, and the cost (P,) of covering each."""
    line = [np.vstack([c.samples, c.head, c.head.mean(axis=0)]) for c in links]
    thick = [np.concatenate([np.full(13, c.width), np.full(4, 6.0 + c.width)]) for c in links]
    return np.concatenate([np.empty((0, 2)), *line]), np.concatenate([np.empty(0), *thick])


def around(
    at: np.ndarray, half: np.ndarray, wide: float, tall: float
) -> list[tuple[np.ndarray, int]]:
    """Boxes on the eight sides of a mark, first near and then further away."""
    found = []
    for away in (3.0, 10.0, 18.0, 28.0):
        for x, y in SIDES:
            slant = 0.7 if x and y else 1.0
            centre = at + np.array([x, y]) * (slant * half + np.where([x, y], away, 0.0))
            left = centre[0] - (0.5 - 0.5 * x) * wide
            top = centre[1] - (0.5 - 0.5 * y) * tall
            found.append((np.array([left, top, left + wide, top + tall]), x))
    return found


def shared(box: np.ndarray, others: np.ndarray) -> float:
    """The area that a box has in common with others (K, 4)."""
    wide = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    high = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    return float((np.maximum(wide, 0.0) * np.maximum(high, 0.0)).sum())


def outside(box: np.ndarray, canvas: np.ndarray) -> float:
    """The area of a box that lies outside the canvas."""
    whole = float((box[2] - box[0]) * (box[3] - box[1]))
    return whole - shared(box, canvas[None])


def _crossed(box: np.ndarray, line: np.ndarray, thick: np.ndarray, size: float) -> float:
    """The part of links hidden by a box, as an area."""
    inside = (line > box[:2] - 1.0).all(axis=1) & (line < box[2:] + 1.0).all(axis=1)
    return float((size * (1.5 + thick[inside])).sum()) * 1.2
