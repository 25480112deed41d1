"""A whole map: marks with positions, links, labels, and its texts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...network.exposure_network import ExposureNetwork
from ...results.propagation_result import PropagationResult
from ...text import listed, money, same_scale
from ...units import Scale, scale
from .. import style
from ..pieces import short
from .choice import ALL, STATES, Choice, Flows, between, choose
from .curves import Curve, curves
from .labels import Label, labels
from .rings import SLIM, Places, places


@dataclass(frozen=True)
class Scene:
    """A map on a canvas of width × height, y downwards; units are points, or pixels of a page.

    Attributes
    ----------
    network, result : the data drawn.
    chosen, flows : marks, and links between them as amounts.
    places, curves, labels : positions of marks, links and texts.
    names : (M,) of marks; texts : (M,) second line of a box, "" for others.
    unknown : (M,) bool: nodes whose balance sheet is unknown.
    to : the scale of all amounts.
    missing : number of labels without space.
    coarse : sizes are classes, and boxes show no amounts.
    """

    network: ExposureNetwork
    result: PropagationResult | None
    width: float
    height: float
    size: float
    chosen: Choice
    flows: Flows
    places: Places
    curves: list[Curve]
    labels: list[Label]
    names: list[str]
    texts: list[str]
    unknown: np.ndarray
    to: Scale
    missing: int
    coarse: bool = False


def scene(
    network: ExposureNetwork,
    result: PropagationResult | None = None,
    *,
    width: float = 860.0,
    height: float = 560.0,
    size: float = 11.0,
    coarse: bool = False,
) -> Scene:
    """Lay out a network: the loss of a result, or else the exposures.

    Parameters
    ----------
    network : the network to draw; result : a result on it.
    width, height : size of the canvas; below a width of 520, boxes are below the rings.
    size : size of the letters.
    coarse : for confidential data: three size classes in place of sizes, no amounts in boxes.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.datasets.load("neva_ring3")
    >>> done = scene(net, ct.EisenbergNoe().propagate(net, ct.Shock.default("A", recovery=0.5)))
    >>> done.names[:3], done.chosen.state[:3].tolist()
    (['A', 'B', 'C'], ['hit', 'calm', 'loses'])
    """
    chosen = choose(network, result)
    flows = between(network, result, chosen)
    to = scale(chosen.loss if result is not None else chosen.size, network.unit)
    names, texts = _words(network, result, chosen, to, brief=width < SLIM)
    if coarse:
        chosen = replace(chosen, size=_classes(chosen.size))
        texts = [text.partition(":" if result is not None else "assets")[0] for text in texts]
    where = places(chosen, flows, width, height, hit=result is not None)
    drawn = curves(chosen, flows, where)
    amounts = [_amount(chosen, k, to) for k in range(len(names))]
    said, missing = labels(chosen, where, drawn, names, amounts, width, height, size)
    unknown = np.zeros(len(names), bool)
    nodes = (chosen.node >= 0) & ~chosen.outside
    unknown[nodes] = ~network.book.known[chosen.node[nodes]]
    return Scene(
        network, result, width, height, size, chosen, flows, where, drawn, said, names, texts,
        unknown, to, missing, coarse,
    )  # fmt: skip


def _classes(size: np.ndarray) -> np.ndarray:
    """1, 2 or 3: the tercile of each mark by size.

    >>> _classes(np.array([5.0, 900.0, 7.0]))
    array([1., 3., 2.])
    """
    place = np.argsort(np.argsort(size, kind="stable"), kind="stable")
    return np.floor(3.0 * place / max(len(size), 1)) + 1.0


def _amount(chosen: Choice, k: int, to: Scale) -> str:
    if chosen.loss[k] > 0:
        return f"−{to(float(chosen.loss[k]))}"
    return STATES["before"] if chosen.state[k] == "before" else ""


def _words(
    network: ExposureNetwork, result: PropagationResult | None, chosen: Choice, to: Scale,
    *, brief: bool,
) -> tuple[list[str], list[str]]:  # fmt: skip
    named = chosen.node >= 0
    title = np.full(len(chosen.node), "", object)
    title[named] = style.titles(network, chosen.node[named])
    few, names, texts = len(network) <= ALL and not brief, [], []
    for k in range(len(title)):
        count, loss = f"{int(chosen.count[k]):,}", float(chosen.loss[k])
        if not chosen.boxed[k]:
            of = f" of {short(str(title[k]), 24)}" if few else ""
            names.append(f"external creditors{of}" if chosen.outside[k] else str(title[k]))
            texts.append("")
        elif chosen.outside[k]:
            names.append("external creditors")
            texts.append(f"of {count} other nodes: {to(loss)}")
        else:
            names.append(f"{count} others, {short(chosen.kind[k], 18)}")
            state = STATES.get(str(chosen.state[k]), "several outcomes")
            amount = to(loss if result is not None else float(chosen.size[k]))
            said = f"{state}: {amount}" if loss > 0 else state
            texts.append(said if result is not None else f"assets {amount}")
    return names, texts


def sentences(drawn: Scene) -> list[str]:
    """The note below a map: explanation, omitted nodes and labels, shares carried by its links."""
    net, chosen, result = drawn.network, drawn.chosen, drawn.result
    largest = f"(largest {money(float(style.sizes(net).max(initial=0.0)), net.unit)})"
    largest = "in three classes" if drawn.coarse else largest
    rings = "; rings: steps from the shock" if result is not None else ""
    found = [
        f"{len(net):,} nodes, {len(net.amount):,} exposures. Arrows: debtor to creditor, the way "
        f"a loss travels{rings}. Area: assets {largest}; width: exposure."
        f"{f' Amounts in {drawn.to.label}.' if drawn.to.label else ''}"
    ]
    named = int((~chosen.boxed & ~chosen.outside).sum())
    if named < len(net):
        which = "the nodes hit, the largest bearers, the largest creditors of those hit and the "
        which = f"{which if result is not None else 'the '}largest nodes"
        found.append(
            f"{named} nodes are drawn by name: {which}; the other {len(net) - named:,} are in "
            "boxes."
        )
    carried = []
    if np.isfinite(drawn.flows.of_loss) and result is not None:
        carried.append(f"{style.percent(drawn.flows.of_loss)} of the loss")
    if np.isfinite(drawn.flows.of_amount):
        carried.append(f"{style.percent(drawn.flows.of_amount)} of the amount of all exposures")
    if carried and min(drawn.flows.of_amount, 1.0) < 0.9995:
        found.append(f"The {len(drawn.curves)} links drawn carry {' and '.join(carried)}.")
    return found


def outcome(drawn: Scene) -> str:
    """One sentence with the result of the map, for readers who cannot see it."""
    net, result, chosen = drawn.network, drawn.result, drawn.chosen
    if result is None:
        nodes = np.flatnonzero((chosen.node >= 0) & ~chosen.outside)
        top = nodes[np.argsort(-chosen.size[nodes], kind="stable")[:3]]
        all_of = money(float(net.amount.sum()), net.unit)
        if drawn.coarse:
            return f"{len(net):,} nodes owe each other {all_of}."
        largest = listed([drawn.names[i] for i in top])
        return f"{len(net):,} nodes owe each other {all_of}; the largest are {largest}."
    hit = [str(x) for x in style.titles(net, np.flatnonzero(result.triggers)[:4])]
    more = int(result.triggers.sum()) - len(hit)
    lost, known = result.borne[0], net.book.known
    owners, holders = float(lost[known].sum()), float(lost[~known].sum())
    outside = float(result.borne[1].sum())
    say = same_scale([owners, holders, outside], net.unit)
    failed = int((result.outcome.defaulted & ~result.reference.defaulted & ~result.triggers).sum())
    who = listed([*hit, *[f"{more:,} others"] * (more > 0)]) or "No node"
    text = f"{who} hit by the shock: owners lose {say(owners)}"
    text += f", holders whose balance sheet is not known {say(holders)}" if holders > 0 else ""
    if result.model.settles:
        whole = owners + holders + outside
        share = style.percent(outside / whole) if whole > 0 else "0%"
        text += f", external creditors {say(outside)} ({share})"
    return f"{text}; {failed:,} further defaults."
