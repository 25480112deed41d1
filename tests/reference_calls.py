"""Clearing with contingent claims once more, node by node, from the definition in plain loops.

Nothing of the package's rules, ladders or kernels is used: only the tables of a network. A node
that is short by more than its equity lets lose, in this order: support without a layer is called;
calls on the node that rank junior; its claims by its rule (calls that rank pari passu share with
the one tier; a layer of support absorbs what its guarantors pay); creditors outside the graph
that are ahead of the claims; calls that rank senior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import checks
import numpy as np

import contagion as ct
from contagion import rules

Claim = dict[str, Any]


@dataclass
class Cleared:
    """Claims (m,), creditors outside (n,), guarantees (Q,), nodes (n,); in money."""

    paid: np.ndarray
    outside: np.ndarray
    called: np.ndarray
    unmet: np.ndarray
    equity: np.ndarray
    loss: np.ndarray


def fill(loss: float, size: list[float], weight: list[float]) -> list[float]:
    """`min(size_k, λ weight_k)` that sums to the loss, or as far as weights go."""
    part = [0.0] * len(size)
    free = [k for k in range(len(size)) if size[k] > 0 and weight[k] > 0]
    left = loss
    while free and left > 0:
        level = left / sum(weight[k] for k in free)
        full = [k for k in free if level * weight[k] >= size[k]]
        for k in full or free:
            part[k] = size[k] if full else level * weight[k]
        left -= sum(part[k] for k in (full or free))
        free = [k for k in free if k not in full] if full else []
    return part


def in_groups(loss: float, claims: list[Claim], key: list[float]) -> list[float]:
    """Groups lose one after the other, the highest key first, each pro rata."""
    part, left = [0.0] * len(claims), loss
    for value in sorted(set(key), reverse=True):
        at = [k for k in range(len(claims)) if key[k] == value]
        size = [claims[k]["amount"] for k in at]
        here = min(max(left, 0.0), sum(size))
        for k, money in zip(at, fill(here, size, size), strict=True):
            part[k] = money
        left -= here
    return part


def shared(rule: rules.Rule, loss: float, claims: list[Claim]) -> list[float]:
    """What each claim loses of a loss that is not above their sum."""
    size = [c["amount"] for c in claims]
    if isinstance(rule, rules.Priority):
        return in_groups(loss, claims, [c["tier"] for c in claims])
    if isinstance(rule, rules.Queue):
        return in_groups(loss, claims, [c["rank"] for c in claims])
    if isinstance(rule, rules.EqualAwards):
        paid = fill(sum(size) - loss, size, [1.0] * len(size))
        return [c - p for c, p in zip(size, paid, strict=True)]
    if isinstance(rule, rules.EqualLosses):
        weight = [1.0] * len(size)
    else:
        assert isinstance(rule, rules.ProRata)
        weight = [c[rule.weight] for c in claims]
    return rest_pro_rata(loss, size, fill(loss, size, weight))


def rest_pro_rata(loss: float, size: list[float], lost: list[float]) -> list[float]:
    """What a rule puts on nobody falls on what is left of the claims, pro rata."""
    left = [c - x for c, x in zip(size, lost, strict=True)]
    more = fill(min(max(loss - sum(lost), 0.0), sum(left)), left, left)
    return [x + y for x, y in zip(lost, more, strict=True)]


def called_pro_rata(
    need: float, amount: list[float], most: float, paying: list[float]
) -> tuple[list[float], float]:
    """Calls pro rata to amounts, at most `most` in all, so that what is paid meets the need.

    Returns the calls and what they bring in. What one guarantor does not pay the others are
    called for, each up to its part of `most`; nobody is called for more than the whole need.
    """
    total = sum(amount)
    if need <= 0 or total <= 0:
        return [0.0] * len(amount), 0.0
    top = [a * min(1.0, most / total) for a in amount]

    def calls(rate: float) -> list[float]:
        return [min(rate * t, need) for t in top]

    def brings(rate: float) -> float:
        return sum(p * c for p, c in zip(paying, calls(rate), strict=True))

    low, high = 0.0, 1.0
    if brings(high) >= need:
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if brings(middle) < need else (low, middle)
            if middle in (low, high) and high - low <= 1e-16 * high:
                break
    return calls(high), min(brings(high), need)


class Node:
    """What one node owes, and how it turns a shortfall into losses and calls."""

    def __init__(self, rule: rules.Rule, claims: list[Claim], ahead: float, support: list[Claim]):
        self.rule, self.claims, self.ahead, self.support = rule, claims, ahead, support

    def shares(self, short: float, calls: dict[int, float], rank: dict[int, str], pay: list[float]):
        """Losses of claims (list), of creditors ahead, support called {q: money}, unmet {q: money}.

        `calls` are on this node, {q: money}; `pay` what part guarantors pay of each guarantee.
        """
        called = {c["q"]: 0.0 for c in self.support}
        unmet = dict.fromkeys(calls, 0.0)

        def call(rows: list[Claim], need: float, most: float = math.inf) -> float:
            money, brings = called_pro_rata(
                need, [c["amount"] for c in rows], most, [pay[c["q"]] for c in rows]
            )
            for c, value in zip(rows, money, strict=True):
                called[c["q"]] = value
            return brings

        def lose(kind: str, need: float) -> float:
            mine = [q for q in calls if rank[q] == kind]
            size = [calls[q] for q in mine]
            here = min(max(need, 0.0), sum(size))
            for q, money in zip(mine, fill(here, size, size), strict=True):
                unmet[q] = money
            return here

        rest = short - call([c for c in self.support if c["layer"] is None], short)
        rest -= lose("junior", rest)
        equal = [q for q in calls if rank[q] == "pari_passu"]
        size = [c["amount"] for c in self.claims]
        if equal and sum(calls[q] for q in equal) > 0:
            both = size + [calls[q] for q in equal]
            here = min(max(rest, 0.0), sum(both))
            parts = fill(here, both, both)
            lost = parts[: len(size)]
            for q, money in zip(equal, parts[len(size) :], strict=True):
                unmet[q] = money
            rest -= here
        elif isinstance(self.rule, rules.Waterfall):
            lost = [0.0] * len(size)
            for layer in self.rule.layers_:
                top = math.inf if layer.capacity is None else layer.capacity
                at = [k for k, c in enumerate(self.claims) if c["layer"] == layer.name]
                into = [c for c in self.support if c["layer"] == layer.name]
                if into:
                    rest -= call(into, rest, top)
                elif at:
                    here = min(max(rest, 0.0), top, sum(size[k] for k in at))
                    parts = shared(layer.rule, here, [self.claims[k] for k in at])
                    for k, money in zip(at, parts, strict=True):
                        lost[k] = money
                    rest -= here
            all_lost = rest_pro_rata(sum(lost) + max(rest, 0.0), size, lost)
            rest -= sum(all_lost) - sum(lost)
            lost = all_lost
        else:
            here = min(max(rest, 0.0), sum(size))
            lost = shared(self.rule, here, self.claims) if size else []
            rest -= here
        first = min(max(rest, 0.0), self.ahead)
        lose("senior", rest - first)
        return lost, first, called, unmet


def nodes_of(net: ct.ExposureNetwork) -> list[Node]:
    """The nodes of a network with their claims, from its tables."""
    table, nodes, place = net.exposures, net.nodes, {x: i for i, x in enumerate(net.names)}
    words = {"priority": rules.Priority(), "pro_rata": rules.ProRata(), "queue": rules.Queue()}
    given = list(nodes["rule"].fillna("priority")) if "rule" in nodes else ["priority"] * len(nodes)
    owed: list[list[Claim]] = [[] for _ in place]
    for row, cells in enumerate(table.to_dict("records")):
        layer = cells.get("layer")
        claim = {"row": row, "amount": float(cells["amount"]), "tier": cells.get("tier", 1)}
        claim |= {"rank": cells.get("rank", 0), "weight": cells.get("weight")}
        claim["layer"] = layer if isinstance(layer, str) else None
        owed[place[cells["debtor"]]].append(claim)
    default = 1 if net.external_creditors == "pari_passu" else 0
    tier = list(nodes["external_tier"]) if "external_tier" in nodes else [default] * len(nodes)
    support: list[list[Claim]] = [[] for _ in place]
    for q, cells in enumerate(net.guarantees.to_dict("records")):
        if not isinstance(cells["creditor"], str):
            layer = cells["layer"] if isinstance(cells["layer"], str) else None
            row = {"q": q, "amount": float(cells["amount"]), "layer": layer}
            support[place[cells["debtor"]]].append(row)
    out = []
    for i, name in enumerate(net.names):
        due = float(np.nan_to_num(net.book.external_liabilities[i]))
        if due > 0 and tier[i] > 0:
            outside = {"row": -1, "amount": due, "tier": tier[i], "rank": tier[i], "layer": None}
            owed[i].append(outside)
        rule = net.rules.get(name, words[given[i]])
        out.append(Node(rule, owed[i], due if tier[i] == 0 else 0.0, support[i]))
    return out


def clear(
    net: ct.ExposureNetwork,
    losses: np.ndarray,
    pins: np.ndarray,
    *,
    tolerance: float = 1e-14,
    most: int = 20_000,
) -> Cleared:
    """The greatest payments: rounds from nothing unpaid and nothing called."""
    n, table, size = len(net), net.exposures, checks.scale(net)
    place = {x: i for i, x in enumerate(net.names)}
    holder, owes = [place[x] for x in table["creditor"]], [place[x] for x in table["debtor"]]
    amount = [float(x) for x in table["amount"]]
    promises = net.guarantees.to_dict("records")
    by = [place[g["guarantor"]] for g in promises]
    to = [place[g["creditor"]] if isinstance(g["creditor"], str) else -1 for g in promises]
    rank = {q: g["ranking"] for q, g in enumerate(promises)}
    pairs: dict[tuple[int, int], list[int]] = {}
    for q, g in enumerate(promises):
        if to[q] >= 0:
            pairs.setdefault((place[g["debtor"]], to[q]), []).append(q)
    nodes, book = nodes_of(net), net.book
    has = np.maximum(np.nan_to_num(book.external_assets) - losses, 0.0)
    external = np.nan_to_num(book.external_liabilities)
    due = [sum(c["amount"] for c in node.claims) + node.ahead for node in nodes]
    lost, outside = [0.0] * len(amount), [0.0] * n
    called, unmet, asked = ([0.0] * len(promises) for _ in range(3))
    for _ in range(most):
        funds = list(has)
        for k, i in enumerate(holder):
            funds[i] += amount[k] - lost[k]
        for q, i in enumerate(to):
            if i >= 0:
                funds[i] += called[q] - unmet[q]
        pay = [1 - u / c if c > 0 else 1.0 for u, c in zip(unmet, asked, strict=True)]
        before = [*lost, *outside, *called, *unmet]
        asked = list(called)  # what the guarantors are asked for in this round
        for i, node in enumerate(nodes):
            mine = {q: asked[q] for q in range(len(promises)) if by[q] == i}
            if not math.isnan(pins[i]) or not book.can_fail[i]:
                gone = 1.0 - (1.0 if math.isnan(pins[i]) else pins[i])
                parts = [gone * c["amount"] for c in node.claims]
                first, calls = gone * node.ahead, {c["q"]: 0.0 for c in node.support}
                short = {q: gone * money for q, money in mine.items()}
            else:
                parts, first, calls, short = node.shares(
                    due[i] + sum(mine.values()) - funds[i], mine, rank, pay
                )
            outside[i] = first
            for c, money in zip(node.claims, parts, strict=True):
                if c["row"] >= 0:
                    lost[c["row"]] = money
                else:
                    outside[i] = money
            for q, money in calls.items():
                called[q] = money
            for q, money in short.items():
                unmet[q] = money
        for (d, c), members in pairs.items():
            gone = sum(lost[k] for k in range(len(amount)) if owes[k] == d and holder[k] == c)
            cap = sum(promises[q]["amount"] for q in members)
            for q in members:
                called[q] = min(cap, gone) * promises[q]["amount"] / cap if cap > 0 else 0.0
        after = [*lost, *outside, *called, *unmet]
        if max(abs(a - b) for a, b in zip(before, after, strict=True)) <= tolerance * size:
            break
    else:
        raise AssertionError("the reference did not converge")
    equity, loss = np.zeros(n), np.zeros(n)
    for i in range(n):
        held = sum(lost[k] for k in range(len(amount)) if holder[k] == i)
        held -= sum(called[q] - unmet[q] for q in range(len(promises)) if to[q] == i)
        held += sum(called[q] for q in range(len(promises)) if by[q] == i)
        helped = sum(called[c["q"]] - unmet[c["q"]] for c in nodes[i].support)
        pinned, known = not math.isnan(pins[i]), bool(book.known[i])
        equity[i] = has[i] + book.claims[i] - held + helped - due[i]
        if pinned:
            equity[i] = (pins[i] - 1) * due[i]
        if known and (pinned or book.can_fail[i]):
            loss[i] = max(book.equity[i], 0.0) - max(equity[i], 0.0)
        elif pinned:  # its assets are not known: what it lost, less what it passed on
            on = sum(called[q] for q in range(len(promises)) if by[q] == i)
            loss[i] = max(held - (1 - pins[i]) * (due[i] + on), 0.0)
        else:
            loss[i] = losses[i] + held
        equity[i] = equity[i] if known else math.nan
    return Cleared(
        np.array(amount) - lost, external - outside, *map(np.array, (called, unmet)), equity, loss
    )
