"""Texts about nodes, shocks, models and defaults for readers; the short glossary."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping

import numpy as np

from ..results.propagation_result import PropagationResult
from ..results.run_arrays import LossModel
from ..results.socialization import Socialization
from ..rules import Capped, Rule, Waterfall
from ..text import listed
from ..units import Scale

MENTIONED = 3  # nodes in default before the shock named in a finding
GLOSSARY = {
    "creditor, debtor": "the creditor holds a claim, the debtor owes it; a loss travels from "
    "debtor to creditor",
    "exposure": "one claim: creditor, debtor, amount at face value",
    "equity": "external assets + claims − external liabilities − debts; below zero the node is "
    "insolvent",
    "loss": "the loss of the owners of a node: the fall of its equity, at most down to zero",
    "shortfall": "the unpaid part of claims on a node; never part of the node's own loss",
    "direct and contagion loss": "the part of a loss caused by the shock alone, and the remainder",
    "recovery": "the payment on a claim over its face value",
    "external creditors": "creditors of a node that are not nodes of the network themselves",
    "hop": "steps from the nearest node that the shock hits: 0 its own owners, 1 parties with a "
    "direct claim on it, 2 and more bystanders",
    "trigger": "a node that the shock hits",
    "pinned default": "a default that is part of the shock, with the share of its debts that the "
    "node pays",
    "round": "one wave of defaults; round 0 are defaults by the shock alone",
}
BASELINES = {
    "book": "Losses are counted from face values; amounts missing before the shock have lines "
    "of their own.",
    "cleared": "Losses are counted from the same model without the shock, so that only losses "
    "due to the shock remain.",
}

FAIRNESS = {
    "socialized": "all losses due to the shock except the losses of owners of the nodes hit at "
    "once",
    "share_of_claims_taken": "losses on claims on the nodes whose rules differ, over their amount",
    "share_of_weight_taken": "the same loss over the column weight of those claims, e.g. profits",
    "largest_haircut": "the largest loss over amount of one of those claims",
    "concentration": "Herfindahl–Hirschman index of the losses of named bearers",
}


def left_out(more: int, what: str) -> str:
    """A sentence for a note on the number not shown; empty for 0.

    >>> left_out(1200, "more venues"), left_out(0, "more venues")
    (' 1,200 more venues are not shown.', '')
    """
    return f" {more:,} {what} are not shown." if more > 0 else ""


def parameters(model: LossModel) -> dict[str, object]:
    """The parameters of a model by name."""
    return {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}


def of_run(result: PropagationResult) -> str:
    """The perimeter of the numbers of a run: shock, model and baseline."""
    return f"{result.shock!r} through {result.model!r}, {result.baseline}"


def state(result: PropagationResult, at: int) -> str:
    """Time and cause of the default of a node, in two or three words; empty if it has none."""
    if not result.outcome.defaulted[at]:
        return ""
    if result.pinned[at]:
        return "by the shock"
    if result.reference.defaulted[at]:
        return "before the shock"
    return f"in round {int(result.default_round[at])}"


def insolvent_before(result: PropagationResult) -> np.ndarray:
    """(k,) int: nodes in default with and without the shock, except the nodes hit.

    The largest negative equity comes first.
    """
    both = result.outcome.defaulted & result.reference.defaulted & ~result.triggers
    return _ordered(both, np.nan_to_num(-result.equity_before))


def further_defaults(result: PropagationResult) -> np.ndarray:
    """(k,) int: nodes in default because of the shock, except the nodes hit.

    The largest loss comes first.
    """
    new = result.outcome.defaulted & ~result.reference.defaulted & ~result.triggers
    return _ordered(new, result.loss)


def _ordered(which: np.ndarray, size: np.ndarray) -> np.ndarray:
    found = np.flatnonzero(which)
    return found[np.argsort(-size[found], kind="stable")]


def attributes(record: type = Socialization) -> dict[str, str]:
    """The definitions of the fields of a record, from its docstring."""
    text = inspect.getdoc(record) or ""
    body = text.partition("----------")[2]
    found = re.findall(r"^(\w+) : (.*(?:\n {4,}.*)*)", body, flags=re.MULTILINE)
    plain = [(name, re.sub(r":\w+:(?=`)|`", "", words)) for name, words in found]
    return {name: " ".join(words.split()) for name, words in plain}


def rule_words(rule: Rule) -> str:
    """A rule in words, from the first sentence of its docstring, inner rules included.

    >>> from contagion import rules
    >>> rule_words(rules.Queue("score"))
    'One claim after the other loses its full amount: the queue of an auto-deleveraging.'
    """
    text = (inspect.getdoc(type(rule)) or "").partition("\n\n")[0]
    text = " ".join(text.replace("`", "").split())
    inner: dict[Rule, list[str]] = {}
    if isinstance(rule, Waterfall):
        for layer in rule.layers_:
            inner.setdefault(layer.rule, []).append(layer.name)
    elif isinstance(rule, Capped):
        inner[rule.rule] = ["below the caps"]
    for one, name in inner.items():
        head = listed(name)
        text += f" {head[:1].upper()}{head[1:]}: {rule_words(one)}"
    return text


def no_settlement(result: PropagationResult) -> str:
    """The sentence on why a result has no bearers."""
    return (
        f"{type(result.model).__name__} values claims and does not settle them; who bears the loss "
        "in the end needs a model that settles, such as EisenbergNoe."
    )


def signed(amount: float, to: Scale, floor: float) -> str:
    """A difference with its sign; "0" below the floor.

    >>> from contagion.units import scale
    >>> to = scale([2.0], "USD")
    >>> signed(2.0, to, 0.1), signed(-2.0, to, 0.1), signed(0.01, to, 0.1)
    ('+2.000', '−2.000', '0')
    """
    if abs(amount) <= floor:
        return "0"
    return f"{'+' if amount > 0 else '−'}{to(abs(amount))}"


def assumption_words(titles: Mapping[str, str], text: str) -> str:
    """An assumption with the title of a node in place of its identifier.

    >>> assumption_words({"x": "X & Co"}, "equity of x assumed 0 USD (not in the sources)")
    'equity of X & Co assumed 0 USD (not in the sources)'
    """
    head, assumed, rest = text.partition(" assumed ")
    node = head.removeprefix("equity of ")
    known = assumed and node != head and node in titles
    return f"equity of {titles[node]}{assumed}{rest}" if known else text
