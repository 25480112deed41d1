"""Words: nodes, shocks, models and defaults as a reader says them; the short glossary."""

from __future__ import annotations

import dataclasses
import inspect
import re

import numpy as np

from ..model import Model
from ..network import ExposureNetwork
from ..plot.style import titles
from ..results import PropagationResult
from ..socialization import Socialization
from ..text import money

GLOSSARY = {
    "creditor, debtor": "the creditor holds a claim, the debtor owes it; a loss travels from "
    "debtor to creditor",
    "exposure": "one claim: creditor, debtor, amount at face value",
    "equity": "external assets + claims − external liabilities − debts; below zero the node is "
    "insolvent",
    "loss": "what the owners of a node lose: the fall of its equity down to zero",
    "shortfall": "what the creditors of a node do not get; never part of its loss",
    "direct and contagion loss": "the part of a loss that the shock alone causes, and the rest",
    "recovery": "what is paid on a claim over its face value",
    "outside creditors": "creditors of a node that are not nodes of the network themselves",
    "hop": "steps from the nearest node that the shock hits: 0 its own owners, 1 parties with a "
    "direct claim on it, 2 and more bystanders",
    "trigger": "a node that the shock hits",
    "pinned default": "a default that is part of the shock, with the share of its debts that the "
    "node pays",
    "round": "one wave of defaults; round 0 are defaults by the shock alone",
}
BASELINES = {
    "book": "Losses are counted from face values, so that what was missing before the shock is "
    "part of them.",
    "cleared": "Losses are counted from the clearing of the network without the shock, so that "
    "only what the shock adds remains.",
}


def names(network: ExposureNetwork) -> dict[object, str]:
    """The name for readers of every node."""
    return dict(zip(network.names, map(str, titles(network)), strict=True))


def listed(items: list[str], most: int = 4) -> str:
    """Names in a sentence.

    >>> listed(["A", "B", "C"]), listed(["A", "B", "C", "D", "E"], 3)
    ('A, B and C', 'A, B, C and 2 others')
    """
    more = len(items) - most
    if more > 0:
        return f"{', '.join(items[:most])} and {more} other{'s' if more > 1 else ''}"
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def count(number: int, what: str) -> str:
    """A number and its noun.

    >>> count(1, "node"), count(2300, "node")
    ('1 node', '2,300 nodes')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def shock_words(result: PropagationResult) -> str:
    """What the shock does, as one sentence."""
    net, shock, name = result.network, result.shock, names(result.network)
    parts = [
        f"{name[node]} fails and pays {f'{rate:.0%} of' if rate else 'nothing on'} its debts"
        for node, rate in shock.defaults
    ]
    parts += [
        f"{name[node]} loses {money(amount, net.unit)} of its assets"
        for node, amount in shock.losses
    ]
    parts += [
        f"{'every node' if node is None else name[node]} loses {part:.0%} of its outside assets"
        for node, part in shock.fractions
    ]
    parts += [f"the price of {asset} moves by {change:+.0%}" for asset, change in shock.prices]
    return f"{listed(parts, 6)}." if parts else "No shock: what is missing is missing already."


def parameters(model: Model) -> dict[str, object]:
    """The parameters of a model by name."""
    return {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}


def state(result: PropagationResult, at: int) -> str:
    """When and why a node is in default, in two or three words; empty where it stands."""
    when = result.outcome.default_round
    if not result.outcome.defaulted[at]:
        return ""
    if result.triggers[at] and not np.isnan(result.recoveries[at]):
        return "by the shock"
    if result.network.book.equity[at] < 0:
        return "before the shock"
    return f"in round {int(when[at])}" if when is not None else "yes"


def insolvent_before(result: PropagationResult) -> np.ndarray:
    """(n,) bool: nodes in default that were short on the book, the nodes hit left out."""
    short = np.nan_to_num(result.network.book.equity) < 0
    return np.asarray(result.outcome.defaulted & short & ~result.triggers)


def attributes(record: type = Socialization) -> dict[str, str]:
    """The definitions of the fields of a record, from its docstring."""
    text = inspect.getdoc(record) or ""
    body = text.partition("----------")[2]
    found = re.findall(r"^(\w+) : (.*(?:\n {4,}.*)*)", body, flags=re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in found}
