"""Elements of the look-through figure: boxes (assets, nodes, groups, outsiders) and flows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from ..lookthrough import LookThrough
from ..lookthrough.look_through import back_claims
from ..lookthrough.loops import longest
from ..units import Scale, scale
from . import style
from .boxes import Box, Link

ENDS = "ends outside"
NAMED = 5  # base assets with a colour of their own
DEEPEST = 6  # columns of nodes; longer chains end in the last one
SMALL = 0.002  # share of all base assets; smaller flows are not drawn
BACK = 0.01  # the same for flows back to the left
OUTSIDERS = 4  # named boxes of external creditors in a column


@dataclass(frozen=True)
class Band(Link):
    """A flow between two boxes, by base asset (at most NAMED + 1); `amount` is the sum."""

    amounts: np.ndarray


@dataclass(frozen=True)
class Flow:
    """Boxes and bands, the unit of the amounts, the largest gain of a loop, the share not drawn,
    and whether the last column also contains longer chains."""

    boxes: list[Box]
    links: list[Band]
    unit: str
    gain: float
    hidden: float
    deep: bool


def flows(found: LookThrough, most: int) -> Flow:
    """The boxes and bands of a look-through; the state of the box of an asset is its number."""
    names, direct, exposure = _assets(found)
    total = float(direct.sum())
    if total <= 0:
        return Flow([], [], found.network.unit, 0.0, 0.0, False)
    size = exposure.sum(axis=1)
    to = scale([*size, *direct.sum(axis=0)], found.network.unit)
    boxes = [
        Box(0, name, to(float(amount)), str(k), float(amount))
        for k, (name, amount) in enumerate(zip(names, direct.sum(axis=0), strict=True))
    ]
    level, deep = _levels(found, size)
    place = _nodes(found, level, size, boxes, to, most)
    matrix = _between(found, direct, exposure, place, boxes, to)
    links, hidden = _links(matrix, np.array([box.column for box in boxes]), total)
    closed = found.loops["gain"].max() if len(found.loops) and not found.cut.any() else 0.0
    return Flow(boxes, links, to.label, float(closed), hidden, deep)


def _assets(found: LookThrough) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, `direct` and `exposure` (n, A') of the largest base assets and of the remainder."""
    whole = found.direct.sum(axis=0)
    order = [int(k) for k in np.argsort(-whole, kind="stable") if whole[k] > 0]
    last = len(found.assets) - 1
    names = [_title(found, k, last) for k in order[:NAMED]]
    groups = [[k] for k in order[:NAMED]]
    if len(order) > NAMED:
        names.append(f"{len(order) - NAMED} other assets")
        groups.append(order[NAMED:])
    pick = [np.stack([side[:, g].sum(axis=1) for g in groups], axis=1) if groups else side[:, :0]
            for side in (found.direct, found.exposure)]  # fmt: skip
    return names, pick[0], pick[1]


def _title(found: LookThrough, k: int, last: int) -> str:
    if k == last:
        return "outside assets" if len(found.assets) == 1 else "other outside assets"
    return str(found.assets[k])


def _levels(found: LookThrough, size: np.ndarray) -> tuple[np.ndarray, bool]:
    """(n,) column of every node: length of its longest chain, loops opened; whether capped."""
    net = found.network
    back = found.cut | back_claims(net, found.direct)
    # A claim on a node without backing carries no flow, so it does not move the creditor right.
    live = (net.amount > 0) & ~back & (size[net.debtor] > 0)
    level = longest(len(net), net.debtor[live], net.creditor[live])
    return np.minimum(level, DEEPEST - 1) + 1, bool((level >= DEEPEST).any())


def _nodes(
    found: LookThrough, level: np.ndarray, size: np.ndarray, boxes: list[Box], to: Scale, most: int
) -> np.ndarray:
    """Add the boxes of nodes; return (n,) the box of every node, −1 for none."""
    net = found.network
    own = found.shares.owners * size
    titles = style.titles(net)
    place = np.full(len(net), -1)
    shown = size > 1e-9 * size.max(initial=0.0)
    for column in range(1, int(level[shown].max(initial=0)) + 1):
        here = np.flatnonzero(shown & (level == column))
        here = here[np.argsort(-size[here], kind="stable")]
        alone = here if len(here) <= most else here[: most - 1]
        for i in map(int, alone):
            place[i] = len(boxes)
            kept = float(own[i])
            text = to(float(size[i]))
            ends = kept >= (1 - 1e-9) * size[i]
            if ends:
                text += ", all its own"
            elif kept > 0.0005 * size[i]:
                text += f", its own {to(kept)}"
            state = "holder" if ends else "node"
            boxes.append(Box(column, str(titles[i]), text, state, float(size[i])))
        rest = here[len(alone) :]
        if len(rest):
            place[rest] = len(boxes)
            whole = float(size[rest].sum())
            state = "holder" if own[rest].sum() > 0.5 * whole else "node"
            boxes.append(Box(column, f"{len(rest):,} others", to(whole), state, whole))
    return place


def _between(
    found: LookThrough,
    direct: np.ndarray,
    exposure: np.ndarray,
    place: np.ndarray,
    boxes: list[Box],
    to: Scale,
) -> list[csr_array]:
    """Flows between boxes, one matrix (from, to) for each asset; adds the boxes of outsiders."""
    n, known = len(place), np.flatnonzero(place >= 0)
    outside = found.shares.external[:, None] * exposure
    by_box = np.zeros((len(boxes), exposure.shape[1]))
    np.add.at(by_box, place[known], outside[known])
    ends = _outsiders(boxes, by_box.sum(axis=1), float(direct.sum()), to)
    many = len(boxes)
    member = csr_array((np.ones(len(known)), (known, place[known])), shape=(n, many))
    flow = found.shares.flow
    matrices = []
    for k in range(exposure.shape[1]):
        moved = flow @ csr_array((exposure[:, k], (np.arange(n), np.arange(n))), shape=(n, n))
        between = (member.T @ moved @ member).T.tolil()  # from debtor to creditor
        between.setdiag(0.0)
        between[k] = direct[:, k] @ member
        for box, end in ends.items():
            between[box, end] += by_box[box, k]
        matrices.append(csr_array(between))
    return matrices


def _outsiders(boxes: list[Box], amounts: np.ndarray, total: float, to: Scale) -> dict[int, int]:
    """Add boxes for external creditors, {box: its outsiders}; small ones share a box by column."""
    ends: dict[int, int] = {}
    columns = np.array([box.column for box in boxes])
    for column in np.unique(columns):
        here = np.flatnonzero((columns == column) & (amounts > SMALL * total))
        here = here[np.argsort(-amounts[here], kind="stable")]
        large = here if len(here) <= OUTSIDERS else here[: OUTSIDERS - 1]
        groups = [[i] for i in map(int, large)]
        if len(here) > len(large):
            groups.append([int(i) for i in here[len(large) :]])
        for group in groups:
            amount = float(amounts[group].sum())
            of = boxes[group[0]].name if len(group) == 1 else f"{len(group)} boxes on the left"
            ends.update(dict.fromkeys(group, len(boxes)))
            name = f"external creditors of {of}"
            boxes.append(Box(int(column) + 1, name, to(amount), ENDS, amount))
    return ends


def _links(matrices: list[csr_array], column: np.ndarray, total: float) -> tuple[list[Band], float]:
    """The bands, and the share of all flows that is too small to draw."""
    whole = csr_array(sum(matrices[1:], matrices[0])).tocoo()
    start, end = whole.coords
    parts = np.stack([np.asarray(m[start, end]).ravel() for m in matrices], axis=1)
    keep = whole.data > np.where(column[end] > column[start], SMALL, BACK) * total
    links = [
        Band(int(a), int(b), float(amount), amounts)
        for a, b, amount, amounts in zip(
            start[keep], end[keep], whole.data[keep], parts[keep], strict=True
        )
    ]
    every = float(whole.data.sum())
    return links, float(whole.data[~keep].sum() / every) if every > 0 else 0.0
