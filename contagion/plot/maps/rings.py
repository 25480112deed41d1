"""Positions of the marks of a map: rings around the shock, with boxes beside or below.

Ring k has the marks k steps from the shock. A mark is in the sector of the mark from which it
receives most; the width of a sector is proportional to its number of end marks (a radial tree).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .choice import Choice, Flows

SIDE = 176.0  # width of a box
TALL, SPACE = 46.0, 14.0  # height of boxes, and space between them
ROW = 62.0  # height of the row of marks without a loss
DEEPEST = 4  # number of rings; marks further away are on the last one
SLIM = 520.0  # on a canvas below this width, boxes are below the rings


@dataclass(frozen=True)
class Places:
    """Centres (M, 2), half widths and heights (M, 2), and the rings (K, 4): x, y, radii."""

    at: np.ndarray
    half: np.ndarray
    rings: np.ndarray


def room(boxes: int, width: float, height: float) -> float:
    """The height of boxes below the rings on a slim canvas, at most two fifths of it."""
    rows = (boxes + 1) // 2
    wanted = rows * (TALL + SPACE) + SPACE
    return min(wanted, 0.4 * height) if boxes and width < SLIM else 0.0


def places(chosen: Choice, links: Flows, width: float, height: float, *, hit: bool) -> Places:
    """Positions on a canvas, y downwards; `hit`: the shock in the middle, else kinds in a ring."""
    boxes = np.flatnonzero(chosen.boxed)
    at = np.zeros((len(chosen.node), 2))
    slim = width < SLIM
    below = room(len(boxes), width, height)
    wide = width - (SIDE + 56.0 if len(boxes) and not slim else 0.0)
    last = int(np.clip(chosen.step[~chosen.boxed].max(initial=1), 1, DEEPEST))
    radius = _radii(chosen, width, 0.17 * min(wide, height - below) / (last + 0.35))
    half = np.column_stack([radius, radius])
    half[chosen.boxed] = (min(SIDE, width / 2 - SPACE) / 2, TALL / 2)
    _stack(at, half, boxes, chosen, width, height, slim)
    free = np.flatnonzero(~chosen.boxed)
    idle = free[(chosen.step[free] < 0)] if hit else free[:0]
    tall = height - below - (ROW if len(idle) else 0.0)
    middle = np.array([wide / 2, tall / 2])
    out = np.array([wide / 2 - min(74.0, 0.19 * wide), tall / 2 - 42.0])
    if len(idle):
        spread = (np.arange(len(idle)) + 0.5) / len(idle)
        at[idle] = np.column_stack([spread * wide, np.full(len(idle), tall + ROW / 2 - 12.0)])
    if not hit:
        order = free[np.lexsort((-chosen.size[free], chosen.kind[free]))]
        angle = 2 * np.pi * np.arange(len(order)) / max(len(order), 1) - np.pi / 2
        at[order] = middle + out * np.column_stack([np.cos(angle), np.sin(angle)])
        return Places(at, half, np.empty((0, 4)))
    angle, step = _angles(chosen, links, free, last, 1.0 + radius / 14.0)
    gap = 1.0 + 0.12 * np.bincount(step[free][step[free] >= 1], minlength=last + 1)[1:]
    part = np.concatenate([[0.0], np.cumsum(gap) / gap.sum()])
    reach = part[step]
    centre = free[step[free] == 0]
    if len(centre) > 1:  # several nodes hit have a small ring of their own
        angle[centre] = 2 * np.pi * np.arange(len(centre)) / len(centre) - np.pi / 2
        reach[centre] = min(0.45 * part[1], (12.0 + 9.0 * len(centre)) / out.min())
    _staggered(reach, angle, step, free, last, out)
    ring = free[step[free] >= 0]
    way = np.column_stack([np.cos(angle), np.sin(angle)])[ring]
    at[ring] = middle + out * reach[ring, None] * way
    circles = [(*middle, *(out * part[k])) for k in range(1, last + 1)]
    return Places(at, half, np.array(circles))


def _radii(chosen: Choice, width: float, most: float) -> np.ndarray:
    """Radii from about 5 to 30, with areas proportional to assets; smaller with many marks or close
    rings; external creditors have equal size."""
    nodes = (chosen.node >= 0) & ~chosen.outside
    crowd = 1.0 if nodes.sum() <= 12 else 0.62
    largest = (30.0 if width >= SLIM else 19.0) * crowd
    largest = max(min(largest, most), 8.0)
    least = 6.0 if width >= SLIM else 4.5
    top = max(float(chosen.size[nodes].max(initial=0.0)), 1e-300)
    radius = np.maximum(largest * np.sqrt(np.maximum(chosen.size, 0.0) / top), least)
    radius[chosen.outside] = least + 1.0
    hit = chosen.state == "hit"
    radius[hit] = np.maximum(radius[hit], least + 4.0)
    return np.asarray(np.minimum(radius, largest))


def _stack(
    at: np.ndarray, half: np.ndarray, boxes: np.ndarray, chosen: Choice, width: float,
    height: float, slim: bool,
) -> None:  # fmt: skip
    """Boxes by loss, in a column on the right, or in two columns below."""
    order = boxes[np.lexsort((-chosen.count[boxes], -chosen.loss[boxes]))]
    k = np.arange(len(order))
    if slim:
        below = room(len(order), width, height)
        slot = (below - SPACE) / max((len(order) + 1) // 2, 1)
        half[order, 1] = min(TALL, 0.8 * slot) / 2
        at[order, 0] = (0.25 + 0.5 * (k % 2)) * width
        at[order, 1] = height - below + SPACE + (k // 2 + 0.4) * slot
        return
    slot = min((height - 2 * SPACE) / max(len(order), 1), TALL + 3 * SPACE)
    at[order, 0] = width - 30.0 - half[order, 0]
    at[order, 1] = height / 2 + (k - (len(order) - 1) / 2) * slot
    half[order, 1] = min(TALL, slot - 6.0) / 2


def _angles(
    chosen: Choice, links: Flows, free: np.ndarray, last: int, need: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(M,) the angle of every mark in the radial tree, and its ring; `need` (M,) is the relative
    share of the circle for a mark at the end of a branch."""
    marks = len(chosen.node)
    step = np.where(chosen.step >= 0, np.minimum(chosen.step, last), -1)
    step[chosen.boxed] = -1
    parent = np.full(marks, -1)
    best = np.zeros(marks)
    for a, b, loss in zip(links.start, links.end, links.loss, strict=True):
        if 0 <= step[a] < step[b] and loss > best[b] and step[a] >= 1:
            parent[b], best[b] = a, loss
    children: dict[int, list[int]] = {}
    for i in sorted(map(int, free), key=lambda i: (-chosen.loss[i], i)):
        if step[i] >= 1:
            children.setdefault(int(parent[i]), []).append(i)
    leaves = need.copy()
    for i in sorted(map(int, free), key=lambda i: -step[i]):
        if i in children:
            leaves[i] = max(leaves[i], sum(leaves[j] for j in children[i]))
    angle = np.zeros(marks)

    def spread(of: int, low: float, high: float) -> None:
        found = children.get(of, [])
        each = (high - low) / max(sum(leaves[i] for i in found), 1e-9)
        for i in found:
            end = low + each * leaves[i]
            angle[i] = (low + end) / 2
            spread(i, low, end)
            low = end

    first = children.get(-1, [])
    turn = np.pi * leaves[first[0]] / sum(leaves[i] for i in first) if first else 0.0
    spread(-1, -np.pi / 2 - turn, 1.5 * np.pi - turn)
    return angle, step


def _staggered(
    reach: np.ndarray, angle: np.ndarray, step: np.ndarray, free: np.ndarray, last: int,
    out: np.ndarray,
) -> None:  # fmt: skip
    """Marks of a crowded ring are placed alternately a little inside and outside of it."""
    for k in range(1, last + 1):
        ring = free[step[free] == k]
        if not len(ring):
            continue
        length = 2 * np.pi * float(out.mean()) * float(reach[ring].max())
        if len(ring) > 6 and length / len(ring) < 58.0:
            order = ring[np.argsort(angle[ring], kind="stable")]
            shift = 0.16 / max(last, 1) if last > 1 else 0.14
            reach[order[::2]] -= 2 * shift if last == 1 else shift
            reach[order[1::2]] += shift if k < last else 0.0
