"""The nodes that a map draws by name, the boxes for the others, and the links between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...network.exposure_network import ExposureNetwork
from ...results.ledger import NEGLIGIBLE
from ...results.propagation_result import PropagationResult
from .. import style

ALL = 30  # largest number of nodes for which all are drawn
HIT, BEARERS, CREDITORS, LARGEST = 8, 12, 8, 6  # nodes drawn by name in larger networks
OUTSIDE = 6  # marks of external creditors of single nodes
BOXES = 8
LINKS = 60
STATES = {
    "hit": "hit by the shock",
    "default": "defaults by contagion",
    "before": "insolvent before",
    "loses": "loses, stays solvent",
    "calm": "loses nothing",
    "outside": "external creditors",
    "unknown": "balance sheet unknown",
}


@dataclass(frozen=True)
class Choice:
    """The marks of a map, as arrays over M marks: nodes by name, external creditors and boxes.

    Attributes
    ----------
    of : (n,) the mark of every node.
    node : (M,) the node of a mark or of its external creditors; -1 for boxes.
    outside : (M,) bool: external creditors; the box among them has those of all other nodes.
    boxed : (M,) bool: boxes.
    state, kind : (M,) keys of `STATES`; kinds of nodes as words.
    step : (M,) steps from the shock, -1 if no loss arrives.
    size, loss : (M,) money: assets, or debts if larger; loss borne by the mark.
    count : (M,) number of nodes in the mark.
    owes : (n,) the mark of the external creditors of every node, -1 if none.
    """

    of: np.ndarray
    node: np.ndarray
    outside: np.ndarray
    boxed: np.ndarray
    state: np.ndarray
    kind: np.ndarray
    step: np.ndarray
    size: np.ndarray
    loss: np.ndarray
    count: np.ndarray
    owes: np.ndarray


def states(network: ExposureNetwork, result: PropagationResult | None) -> np.ndarray:
    """(n,) the outcome of every node, a key of `STATES`; "calm" for all without a result."""
    state = np.full(len(network), "calm", object)
    if result is None:
        return state
    owners = result.borne[0]
    floor = NEGLIGIBLE * np.maximum(style.sizes(network), 1e-300)
    state[owners > floor] = "loses"
    failed = result.outcome.defaulted
    state[failed] = "default"
    state[failed & result.reference.defaulted] = "before"
    state[result.triggers] = "hit"
    return state


def choose(network: ExposureNetwork, result: PropagationResult | None) -> Choice:
    """The marks of a map: all nodes up to 30; else the nodes hit, the largest bearers, the largest
    creditors of nodes hit and the largest nodes, with the others in boxes by kind and outcome."""
    n, size, kinds = len(network), style.sizes(network), style.kinds(network)
    state = states(network, result)
    owners, external = np.zeros((2, n)) if result is None else result.borne
    step = np.zeros(n, int) if result is None else result.hops
    named = np.arange(n) if n <= ALL else _named(network, result, size, owners + external)
    of = np.full(n, -1)
    of[named] = np.arange(len(named))
    floor = NEGLIGIBLE * np.maximum(size, 1e-300)
    apart = named[external[named] > floor[named]]
    if n > ALL:
        apart = apart[np.argsort(-external[apart], kind="stable")[:OUTSIDE]]
    owes = np.full(n, -1)
    owes[apart] = len(named) + np.arange(len(apart))
    group, names = _groups(of < 0, kinds, state, owners, by_state=result is not None)
    first = len(named) + len(apart)
    of[of < 0] = first + group[of < 0]
    rest = (owes < 0) & (external > floor)
    marks = first + len(names) + int(rest.any())
    owes[rest] = marks - 1
    boxed = np.arange(marks) >= first
    inside = of >= first
    total = {
        "size": np.bincount(of[inside], size[inside], marks).astype(float),
        "loss": np.bincount(of[inside], owners[inside], marks).astype(float),
        "count": np.bincount(of[inside], minlength=marks),
    }
    node = np.concatenate([named, apart, np.full(marks - first, -1)])
    for key, values in (("size", size), ("loss", owners)):
        total[key][: len(named)] = values[named]
    stated = network.book.stated_liabilities
    total["size"][len(named) : first], total["loss"][len(named) : first] = (
        stated[apart], external[apart],
    )  # fmt: skip
    if rest.any():
        total["size"][-1], total["loss"][-1] = stated[rest].sum(), external[rest].sum()
        total["count"][-1] = rest.sum()
    own = [[str(kinds[i]), str(state[i])] for i in named]
    own += [["external creditors", "outside"]] * len(apart) + names
    own += [["external creditors", "outside"]] * int(rest.any())
    steps = np.concatenate([step[named], step[apart] + 1, np.full(marks - first, -1)])
    kind_of, state_of = np.array(own, object).reshape(-1, 2).T
    return Choice(
        of, node, state_of == "outside", boxed, state_of, kind_of, steps,
        total["size"], total["loss"], total["count"], owes,
    )  # fmt: skip


def _named(
    network: ExposureNetwork, result: PropagationResult | None, size: np.ndarray, borne: np.ndarray
) -> np.ndarray:
    """The nodes of a large network that are drawn by name, in ascending order."""
    if result is None:
        return np.sort(np.argsort(-size, kind="stable")[: BEARERS + 2])
    hit = result.triggers
    claims = hit[network.debtor]
    lent = np.bincount(network.creditor[claims], network.amount[claims], len(network))
    found: list[int] = []
    for weight, most in (
        (np.where(hit, 1 + size, 0.0), HIT),
        (np.where(hit, 0.0, borne), BEARERS),
        (np.where(hit, 0.0, lent), CREDITORS),
        (size, LARGEST),
    ):
        first = [int(i) for i in np.argsort(-weight, kind="stable")[:most] if weight[i] > 0]
        found += [i for i in first if i not in found]
    return np.sort(np.array(found[:ALL], int))


def _groups(
    rest: np.ndarray, kinds: np.ndarray, state: np.ndarray, loss: np.ndarray, *, by_state: bool
) -> tuple[np.ndarray, list[list[str]]]:
    """(n,) the number of the box of every node in `rest`, and kind and outcome of the boxes."""
    at = np.flatnonzero(rest)
    group = np.full(len(kinds), -1)
    if not len(at):
        return group, []
    kind, words = pd.factorize(kinds, sort=True)
    outcome, outcomes = pd.factorize(state if by_state else np.full(len(kinds), "calm"))
    code = kind[at] * len(outcomes) + outcome[at]
    found, inverse, count = np.unique(code, return_inverse=True, return_counts=True)
    lost = np.bincount(inverse, loss[at], len(found))
    order = np.lexsort((-count, -lost))
    most = BOXES - 1  # one is reserved for external creditors
    place = np.empty(len(found), int)
    place[order] = np.minimum(np.arange(len(found)), most - 1)
    group[at] = place[inverse]
    names = [[str(words[k // len(outcomes)]), str(outcomes[k % len(outcomes)])]
             for k in found[order[:most]]]  # fmt: skip
    if len(found) > most:
        merged = {str(outcomes[k % len(outcomes)]) for k in found[order[most - 1 :]]}
        names[-1] = ["other kinds", merged.pop() if len(merged) == 1 else "mixed"]
    return group, names


@dataclass(frozen=True)
class Flows:
    """Links between marks, strongest first: numbers of marks, amount and loss in money; and their
    shares of total loss and of total claims (nan if the total is 0)."""

    start: np.ndarray
    end: np.ndarray
    amount: np.ndarray
    loss: np.ndarray
    of_loss: float
    of_amount: float


def between(network: ExposureNetwork, result: PropagationResult | None, chosen: Choice) -> Flows:
    """At most 60 links: those with the largest losses; without a result, the largest amounts.

    With a result, links without a loss are only drawn if all nodes are drawn by name.
    """
    lost = np.zeros(len(network.amount)) if result is None else result.added_losses
    lost = np.where(lost > NEGLIGIBLE * np.maximum(network.amount, 1e-300), lost, 0.0)
    starts, ends = [chosen.of[network.debtor]], [chosen.of[network.creditor]]
    amounts, losses = [network.amount], [lost]
    if result is not None:
        at = np.flatnonzero(chosen.owes >= 0)
        starts.append(chosen.of[at])
        ends.append(chosen.owes[at])
        amounts.append(network.book.stated_liabilities[at])
        losses.append(result.borne[1][at])
    marks = len(chosen.node)
    key = np.concatenate(starts) * marks + np.concatenate(ends)
    amount, loss = np.concatenate(amounts), np.concatenate(losses)
    pairs, inverse = np.unique(key, return_inverse=True)
    by_amount = np.bincount(inverse, amount, len(pairs))
    by_loss = np.bincount(inverse, loss, len(pairs))
    inside = np.bincount(inverse[: len(network.amount)], network.amount, len(pairs))
    start, end = pairs // marks, pairs % marks
    whole = len(network) <= ALL
    drawn = (start != end) & (by_amount > 0) & ((by_loss > 0) | (result is None) | whole)
    order = np.lexsort((-by_amount, -by_loss))
    order = order[drawn[order]][:LINKS]
    every, all_lost = float(network.amount.sum()), float(loss.sum())
    return Flows(
        start[order], end[order], by_amount[order], by_loss[order],
        float(by_loss[order].sum()) / all_lost if all_lost > 0 else float("nan"),
        float(inside[order].sum()) / every if every > 0 else float("nan"),
    )  # fmt: skip
