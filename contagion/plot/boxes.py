"""Elements of the cascade figure: boxes (nodes, groups of nodes, external creditors) and links."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ..results.ledger import NEGLIGIBLE
from ..results.propagation_result import PropagationResult
from ..units import Scale, scale
from . import style

OUTSIDE = "outside"
MOST = 9  # largest number of boxes in one column


@dataclass(frozen=True)
class Box:
    """A node, several small ones, or the external creditors of one; height in money."""

    column: int
    name: str
    text: str
    state: str
    height: float


@dataclass(frozen=True)
class Link:
    """The loss that one box passes on to another, in money; boxes by their numbers."""

    start: int
    end: int
    amount: float


def boxes(result: PropagationResult) -> tuple[list[Box], list[Link], Scale]:
    """The boxes and links of a result; columns are steps from the triggers.

    The scale is the one used for amounts in the texts.
    """
    net, step = result.network, result.hops
    n, names = len(net), style.titles(net)
    lost = result.added_losses
    into = np.bincount(net.creditor, lost, n)
    passed = np.bincount(net.debtor, lost, n)
    outside = result.outside_losses if result.model.settles else np.zeros(len(result.network))
    height = np.maximum(np.maximum(into, passed), result.loss)
    if result.model.settles:
        own = np.where(result.triggers, np.maximum(result.entries.initial, 0.0), 0.0)
        height = np.maximum(into + own, result.loss + passed + outside)
    floor = NEGLIGIBLE * np.maximum(style.sizes(net), 1e-300)
    shown = (step >= 0) & ((height > floor) | result.triggers)
    to = scale(height[shown], net.unit)
    place: dict[int, int] = {}
    found: list[Box] = []
    for column in range(int(step.max(initial=0)) + 1):
        here = np.flatnonzero(shown & (step == column))
        here = here[np.argsort(-height[here], kind="stable")]
        alone = here if len(here) <= MOST else here[: MOST - 1]
        for i in alone:
            place[int(i)] = len(found)
            found.append(_node(result, int(i), names[int(i)], column, float(height[i]), to))
        rest = here[len(alone) :]
        if len(rest):
            place.update(dict.fromkeys(map(int, rest), len(found)))
            found.append(_group(result, rest, column, float(height[rest].sum()), to))
    links: dict[tuple[int, int], float] = defaultdict(float)
    carried = lost > NEGLIGIBLE * np.maximum(net.amount, 1e-300)
    for row in np.flatnonzero(carried & shown[net.debtor] & shown[net.creditor]):
        pair = place[int(net.debtor[row])], place[int(net.creditor[row])]
        if pair[0] != pair[1]:
            links[pair] += float(lost[row])
    _outside_boxes(names, outside, place, found, links, to)
    return found, [Link(*pair, amount) for pair, amount in links.items()], to


def _outside_boxes(
    names: np.ndarray,
    outside: np.ndarray,
    place: dict[int, int],
    found: list[Box],
    links: dict[tuple[int, int], float],
    to: Scale,
) -> None:
    """Boxes for external creditors: large ones by name, small ones in one box for each column."""
    total = float(outside.sum())
    columns: dict[int, list[int]] = defaultdict(list)
    for i in map(int, np.flatnonzero(outside > 0)):
        if i in place:
            columns[found[place[i]].column + 1].append(i)
    for column, owners in sorted(columns.items()):
        large = [i for i in owners if outside[i] >= 0.03 * total][: MOST - 1]
        small = [i for i in owners if i not in large]
        groups = [[i] for i in large] + ([small] if small else [])
        for group in groups:
            amount = float(outside[group].sum())
            of = str(names[group[0]]) if len(group) == 1 else f"{len(group)} nodes"
            for i in group:
                links[place[i], len(found)] += float(outside[i])
            name = f"external creditors of {of}"
            said = _loses(amount, to, "lose", "lose nothing")
            found.append(Box(column, name, said, OUTSIDE, amount))


def _node(
    result: PropagationResult, i: int, name: str, column: int, height: float, to: Scale
) -> Box:
    net, outcome = result.network, result.outcome
    loss = to(float(result.loss[i]))
    if result.triggers[i]:
        text = f"{to(height)} lost" if result.model.settles else f"owners lose {loss}"
        return Box(column, name, text, "trigger", height)
    if outcome.defaulted[i] and net.book.equity[i] < 0:
        text = "insolvent before the shock"
        if result.baseline == "cleared":
            text = f"insolvent before, loses {to(height)} more"
        return Box(column, name, text, "before", height)
    if outcome.defaulted[i]:
        number = int(result.default_round[i])
        lost = _loses(float(result.loss[i]), to, "owners lose", "owners had nothing to lose")
        return Box(column, name, f"{lost}, defaults in round {number}", "fails", height)
    known = bool(net.book.known[i])
    text = _loses(float(result.loss[i]), to, "loses", "owners lose nothing")
    return Box(column, name, text, "stands" if known else "holder", height)


def _loses(amount: float, to: Scale, verb: str, nothing: str) -> str:
    """The loss as text; the text `nothing` if it rounds to 0."""
    said = to(amount)
    return nothing if said == to(0.0) else f"{verb} {said}"


def _group(
    result: PropagationResult, members: np.ndarray, column: int, height: float, to: Scale
) -> Box:
    failed = int(result.outcome.defaulted[members].sum())
    text = _loses(float(result.loss[members].sum()), to, "lose", "owners lose nothing")
    if failed:
        text += f", {failed:,} in default"
    known = int(result.network.book.known[members].sum())
    state = "stands" if 2 * known >= len(members) else "holder"
    state = "fails" if 2 * failed > len(members) else state
    return Box(column, f"{len(members):,} others", text, state, height)
