"""The section The network: its map, its shape, its links."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ... import plot
from ...facts import Fact, Sentence
from ...measures import LeverageStability, Topology
from ...network.exposure_network import ExposureNetwork
from ...plot.distribution import Of
from ...plot.interactive.page import network_block
from ...plot.pieces import names
from ...plot.style import kinds
from ...text import listed, plural
from ...units import scale
from ..figures import figure
from ..given import LARGE, Given
from ..parts import Exhibit, table
from . import kinds_table

SYSTEM = ("density", "reciprocity", "mean_clustering", "assortativity", "core_periphery_error",
          "leverage_radius", "hhi", "gini", "cr_5")  # fmt: skip
MEANING = {
    "density": "links over all possible links; a link is a pair of creditor and debtor",
    "reciprocity": "links whose debtor also has a claim on the creditor",
    "clustering": "share of pairs of partners of a node that are linked; mean over nodes",
    "assortativity": "correlation of the numbers of links at both ends; below 0, nodes with few "
    "links deal with nodes with many",
    "parts": "parts without a link between them; nodes in the largest",
    "strong_parts": "the same with paths in both directions",
    "core": "nodes that deal with each other, while all others deal only with them",
    "error_score": "links that do not fit this structure, over all links; 0: perfect, 1: no fit",
    "radius": "long-run growth factor of a small loss from round to round",
}


def exhibits(about: Given) -> list[Exhibit]:
    """F1, T4, F3, F3A, T4D, F2, T2K: map, shape, partners and amounts, flows between kinds."""
    network = about.network
    found = [
        network_map(about),
        statistics(network, about.topology),
        *distributions(network),
        kind_map(network) if about.coded is None else None,
        kinds_table.claims_between(about),
    ]
    return [exhibit for exhibit in found if exhibit is not None]


def network_map(about: Given) -> Exhibit:
    """F1: the map of the network, for the first shock; interactive in HTML."""
    network, result = about.network, about.results[0] if about.results else None
    facts = {
        "nodes": Fact("how much", len(network), "count", ("nodes",), "T1", "node"),
        "exposures": Fact("how much", len(network.amount), "count", ("exposures",), "T1",
                          "exposure"),
        "total": Fact("how much", float(network.amount.sum()), "money", ("exposures",), "T1",
                      network.unit),
    }  # fmt: skip
    lead, title = Sentence("{nodes} and {exposures}, {total} in all.", facts), "Map of the network"
    hidden = about.coded is not None
    if about.live:
        block = network_block("F1-map", network, result, coarse=hidden)
        return Exhibit("F1", title, lead, block=block)
    draw = partial(plot.network, network, result, coarse=hidden)
    return figure("F1", title, draw, f"{title}. {lead}", lead)


def statistics(network: ExposureNetwork, shape: Topology | None) -> Exhibit:
    """T4: the shape of the network in numbers, with the verdict on its leverage."""
    title = "Shape of the network"
    if shape is None:
        missing = (
            f"Not computed for {len(network):,} nodes: above {LARGE:,} the search for a core takes "
            "minutes. It can be computed separately and passed to the report (topology=)."
        )
        return Exhibit("T4", title, missing=missing)
    tiers, steady = shape.core_periphery, shape.stability
    core, left = ([names(network)[x] for x in found] for found in (tiers.core, steady.left_out))
    counts = [
        ("nodes", f"{shape.nodes:,}", ""),
        ("links", f"{shape.links:,}", "pairs of creditor and debtor with a claim"),
        *((key, _number(getattr(shape, key), key != "assortativity"), MEANING[key])
          for key in ("density", "reciprocity", "clustering", "assortativity")),
        ("connected parts", f"{shape.parts:,} ({shape.largest_part:,})", MEANING["parts"]),
        ("strongly connected parts", f"{shape.strong_parts:,} ({shape.largest_strong_part:,})",
         MEANING["strong_parts"]),
        ("core", plural(len(core), "node") if core else "none",
         MEANING["core"] + (f": {listed(core, 8)}" if core else "")),
        ("core–periphery error score", _number(tiers.error_score, False),
         MEANING["error_score"] + ("" if tiers.exact else "; the best found, maybe not the best")),
        ("spectral radius of leverage", _number(steady.radius, False),
         MEANING["radius"] + (f"; without {listed(left, 8)}" if left else "")),
    ]  # fmt: skip
    why = {key: f"{key.replace('_', ' ')}: {reason}" for key, reason in shape.reasons.items()}
    note = "–: not defined." if any(row[1] == "–" for row in counts) else ""
    note += f" {'; '.join(why.values()).capitalize()}." if why else ""
    done = table(["measure", "value", "meaning"], counts, note=note, words=[2])
    return Exhibit("T4", title, verdict(network, steady), table=done)


def verdict(network: ExposureNetwork, steady: LeverageStability) -> Sentence:
    """The verdict on whether leverage amplifies small losses."""
    if np.isnan(steady.radius):
        return Sentence(
            "Whether small losses grow is not known: no node with claims has a known positive "
            "equity.", {},
        )  # fmt: skip
    left = tuple(names(network)[node] for node in steady.left_out)
    facts = {
        "radius": Fact("spectral radius of leverage", steady.radius, "number", (), "T4"),
        "left": Fact("meaning", left, "names", ("spectral radius of leverage",), "T4"),
    }
    text = "The spectral radius of the leverage matrix is {radius}"
    if steady.left_out:
        text += " (without {left}, whose equity is not known or not positive)"
    means = {
        "stable": "below one: small losses shrink from round to round.",
        "unstable": "above one: some small losses grow from round to round until a node defaults.",
        "borderline": "one: small losses neither grow nor shrink.",
        "unknown": "not above one; with them it can be larger, so that stability is not proved.",
    }
    return Sentence(f"{text}, {means[steady.verdict]}", facts)


def _number(value: float, share: bool) -> str:
    if np.isnan(value):
        return "–"
    return f"{value:.1%}".replace(".0%", "%") if share else f"{value:.3f}".replace("-", "−")


def kind_map(network: ExposureNetwork) -> Exhibit:
    """F2: claims between kinds of nodes."""
    title, found = "Claims between kinds", set(kinds(network))
    if len(found) < 2:
        missing = (
            f"All nodes have one kind ({next(iter(found), 'none')}): flows between kinds need the "
            "kind of every node."
        )
        return Exhibit("F2", title, missing=missing)
    if not len(network.amount):
        return Exhibit("F2", title, missing="There are no exposures.")
    text = "Claims of the nodes of each kind on those of each kind, creditors in rows."
    return figure("F2", title, partial(plot.kind_heat, network), text)


FEW = 2  # number of distinct values for which a table is clearer than a figure
PARTS = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)


def distributions(network: ExposureNetwork) -> list[Exhibit]:
    """F3, F3A, T4D: distributions of partners, claims and debts of nodes."""
    if not len(network.amount):
        return []
    n, real = len(network), network.amount > 0
    pairs = np.unique(network.creditor[real] * np.int64(n) + network.debtor[real])
    book = network.book
    to = scale([*book.claims, *book.debts], network.unit)
    numbers: list[tuple[str, np.ndarray, Callable[[float], str]]] = [
        ("debtors of a node", np.bincount(pairs // n, minlength=n), "{:,.0f}".format),
        ("creditors of a node", np.bincount(pairs % n, minlength=n), "{:,.0f}".format),
        (to.named("claims of a node"), book.claims, to),
        (to.named("debts of a node"), book.debts, to),
    ]
    rows = [
        [title, *map(tell, np.quantile(values, PARTS, method="inverted_cdf")), tell(values.mean())]
        if tell is to
        else [title, *map(tell, np.quantile(values, PARTS, method="inverted_cdf")),
              f"{values.mean():.2f}"]
        for title, values, tell in numbers
    ]  # fmt: skip
    head = ["", "smallest", "25%", "median", "75%", "90%", "largest", "mean"]
    note = "Quantiles over the nodes: a quarter of them has at most the value in column 25%."
    shown: tuple[tuple[str, str, Of, list[Any]], ...] = (
        ("F3", "Distribution of partners", "partners", numbers[:2]),
        ("F3A", "Distribution of claims and debts", "amounts", numbers[2:]),
    )
    drawn = [
        figure(name, title, partial(plot.distribution, network, of), f"{title}: shares of nodes.")
        for name, title, of, two in shown
        if max(len(np.unique(values)) for _, values, _ in two) > FEW
    ]
    title = "Partners and amounts in numbers"
    return [*drawn, Exhibit("T4D", title, table=table(head, rows, note=note))]
