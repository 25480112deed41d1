"""The shape of links: curves that avoid other marks and end at the edges of their own marks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .choice import Choice, Flows
from .rings import Places

BOWS = (0.10, -0.10, 0.2, -0.2, 0.0, 0.32, -0.32)  # height of a curve over its length, to try
BOTH = (0.14, 0.2, 0.3)  # the same if there is also a link in the other direction
THIN, THICK = 0.8, 7.0
ALONG = np.linspace(0.08, 0.92, 13)[:, None]


@dataclass(frozen=True)
class Curve:
    """A link: numbers of its marks, three control points (3, 2) of a quadratic curve that ends at
    the base of the arrowhead, the width of the line, and the arrowhead, a triangle (3, 2)."""

    start: int
    end: int
    points: np.ndarray
    width: float
    head: np.ndarray
    amount: float
    loss: float

    @property
    def samples(self) -> np.ndarray:
        """(13, 2) points along it."""
        return along(self.points)


def along(points: np.ndarray) -> np.ndarray:
    """Points on a quadratic curve."""
    a, b, c = points
    return np.asarray((1 - ALONG) ** 2 * a + 2 * ALONG * (1 - ALONG) * b + ALONG**2 * c)


def curves(chosen: Choice, links: Flows, where: Places) -> list[Curve]:
    """The links from weak to strong, in the direction of losses."""
    top = max(float(links.amount.max(initial=0.0)), 1e-300)
    width = np.maximum(THICK * np.sqrt(links.amount / top), THIN)
    port = _ports(chosen, links, where)
    back = set(zip(links.end.tolist(), links.start.tolist(), strict=True))
    found = []
    for k in reversed(range(len(links.start))):
        a, b = int(links.start[k]), int(links.end[k])
        ends = np.array([port[k, 0], port[k, 1]])
        bows: tuple[float, ...] = BOTH if (a, b) in back else BOWS
        if chosen.boxed[a] and chosen.boxed[b]:  # a curve on the outer side of the boxes
            bows = (44.0 / (float(ends[1, 1] - ends[0, 1]) or 1.0),)
        best = min(
            (_bent(ends, bow) for bow in bows), key=lambda p: _hidden(p, where, chosen, (a, b))
        )
        found.append(_trimmed(a, b, best, float(width[k]), chosen, where, links, k))
    return found


def _ports(chosen: Choice, links: Flows, where: Places) -> np.ndarray:
    """(L, 2, 2) start and end of links: centres of marks, and places along the edge of boxes."""
    port = np.stack([where.at[links.start], where.at[links.end]], axis=1)
    for box in np.flatnonzero(chosen.boxed):
        x, y = where.at[box]
        wide, tall = where.half[box]
        touch = [(k, s) for s, side in enumerate((links.start, links.end))
                 for k in np.flatnonzero(side == box)]  # fmt: skip
        other = [port[k, 1 - s] for k, s in touch]
        slim = bool(where.at[~chosen.boxed, 1].max(initial=-1.0) < y - tall) and x < y
        order = sorted(range(len(touch)), key=lambda i: tuple(other[i][:: 1 if slim else -1]))
        for place, i in enumerate(order):
            share = (place + 1) / (len(order) + 1)
            k, s = touch[i]
            if slim:
                port[k, s] = (x - wide + 2 * wide * share, y - tall)
            elif chosen.boxed[links.end[k] if s == 0 else links.start[k]]:
                port[k, s] = (x + wide, y - tall + 2 * tall * share)
            else:
                port[k, s] = (x - wide, y - tall + 2 * tall * share)
    return port


def _bent(ends: np.ndarray, bow: float) -> np.ndarray:
    (x0, y0), (x1, y1) = ends
    mid = np.array([(x0 + x1) / 2 + bow * (y1 - y0), (y0 + y1) / 2 - bow * (x1 - x0)])
    return np.array([ends[0], mid, ends[1]])


def _hidden(points: np.ndarray, where: Places, chosen: Choice, own: tuple[int, int]) -> float:
    """The length of a curve inside marks that are not its own."""
    line = along(points)
    gap = np.abs(line[:, None] - where.at) - where.half - 4.0
    deep = np.minimum(-gap.max(axis=2), 12.0)
    deep[:, list(own)] = 0.0
    return float(np.maximum(deep, 0.0).sum())


def _trimmed(
    a: int, b: int, points: np.ndarray, width: float, chosen: Choice, where: Places, links: Flows,
    k: int,
) -> Curve:  # fmt: skip
    """A curve from edge to edge, with its arrowhead."""
    head = 5.0 + 1.5 * width
    start, mid, end = points
    distance = float(np.hypot(*(end - start)))
    if not chosen.boxed[a]:
        start = start + _unit(mid - start) * _edge(a, mid - start, chosen, where)
    way = _unit(end - mid)
    tip = end if chosen.boxed[b] else end - way * (_edge(b, mid - end, chosen, where) + 1.0)
    head = min(head, 0.45 * max(distance - where.half[a, 0] - where.half[b, 0], 6.0))
    foot = tip - way * head
    side = np.array([-way[1], way[0]]) * max(0.42 * head, 0.7 * width)
    triangle = np.array([tip, foot + side, foot - side])
    middle = mid + 0.5 * ((start + foot) / 2 - (points[0] + points[2]) / 2)
    return Curve(
        a, b, np.array([start, middle, foot]), min(width, 1.1 * head), triangle,
        float(links.amount[k]), float(links.loss[k]),
    )  # fmt: skip


def _edge(i: int, way: np.ndarray, chosen: Choice, where: Places) -> float:
    """Distance from the centre of a mark to its edge in a direction, by the shape of the mark."""
    r = float(where.half[i, 0])
    x, y = np.abs(_unit(way))
    if chosen.state[i] == "hit":
        return 0.9 * r / max(float(x), float(y), 1e-9) + 1.0
    if chosen.outside[i]:
        return r / max(float(x + y), 1e-9) + 1.0
    return r + 1.0


def _unit(way: np.ndarray) -> np.ndarray:
    return np.asarray(way / max(float(np.hypot(*way)), 1e-9))
