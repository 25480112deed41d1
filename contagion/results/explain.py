"""The paths behind one node's loss: origin, intermediate nodes, amount and rounds.

The loss of a node is a mix of several causes: its own shock, value destroyed there (default costs,
falling prices, forced sales, by name), negative equity from before, and the unpaid debts of its
debtors. The loss that the node passes on is assumed to have the same mix, so the loss of a creditor
splits into paths by

    amount(i ← j ← k ← ...) = lost_ij · (lost_jk / hit_j) · ... · (own_last / hit_last)

with hit = own + Σ lost. The paths of a node add up to its loss on claims.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..media import notebook, shown
from ..text import money, same_scale
from ..vocabulary import MOST
from . import waterfalls as sharing
from .run_arrays import RunArrays

MOST_STEPS = 20_000


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """The origins of the loss of one node.

    Attributes
    ----------
    node : its name.
    loss : loss of its owners, in the unit of the network; direct : the part due to the shock
        itself; on_claims : loss on its claims; passed_on : loss of its own creditors.
    destroyed : its other losses by cause: "default costs", "falling prices", "forced sales" or
        "failure costs"; see :class:`contagion.results.ledger.Ledger`.
    table : one row a path, largest first: path, amount, share (of on_claims), cause, rounds.
    """

    node: Any
    unit: str
    loss: float
    direct: float
    on_claims: float
    destroyed: dict[str, float]
    passed_on: float
    state: str
    table: pd.DataFrame

    @shown
    def __repr__(self) -> str:
        amounts = [self.loss, self.direct, self.on_claims, self.passed_on, *self.table["amount"]]
        say = same_scale([*amounts, *self.destroyed.values()], self.unit)
        lines = [
            f"{self.node}: owners lose {say(self.loss)} "
            f"({say(self.direct)} by the shock itself); {self.state}",
            "  "
            + "; ".join(
                f"{what} {say(amount)}"
                for what, amount in (
                    ("lost on claims", self.on_claims),
                    *((f"by {cause}", amount) for cause, amount in self.destroyed.items()),
                    ("passed on to its creditors", self.passed_on),
                )
            ),
        ]
        columns = [self.table[name] for name in ("amount", "share", "path", "cause")]
        for amount, share, path, cause in zip(*columns, strict=True):
            lines.append(f"  {say(amount):>14}  {share:>4.0%}  {path}  ({cause})")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "\n".join(repr(self).splitlines()[:2])
        return notebook(head, self.table, self.unit, ("amount",))


def explain(result: RunArrays, node: Any, most: int = MOST) -> Explanation:
    """Find the `most` largest loss paths into `node`; one row "other paths" has the remainder.

    Returns
    -------
    Explanation

    Raises
    ------
    UnknownNameError
        For an unknown node, with the closest name.
    """
    net = result.network
    at = net.position(node)
    own, cause, destroyed = _own(result)
    into, hit = _inflows(result, own)
    total = float(into[[at]].sum())
    rows = _paths(into, own, hit, at, most, total)
    names, when = net.names, result.default_round
    found: list[dict[str, Any]] = [
        {
            "path": " → ".join(str(names[step]) for step in path),
            "amount": amount,
            "share": amount / total,
            "cause": cause[path[0]],
            "rounds": tuple(int(when[step]) for step in path),
        }
        for path, amount in rows
    ]
    rest = total - sum(amount for _, amount in rows)
    if rest > 1e-9 * total > 0:
        others = {"path": "other paths", "cause": "mixed", "rounds": ()}
        found.append({**others, "amount": rest, "share": rest / total})
    table = pd.DataFrame(found, columns=["path", "amount", "share", "cause", "rounds"])
    passed = float(result.added_losses[net.debtor == at].sum())
    if result.model.settles:
        passed += float(result.outside_losses[at])
    return Explanation(
        names[at],
        net.unit,
        float(result.loss[at]),
        float(result.direct_loss[at]),
        total,
        {name: float(amount[at]) for name, amount in destroyed.items() if amount[at] > 0},
        passed,
        _state(result, at),
        table,
    )


def _state(result: RunArrays, at: int) -> str:
    book = result.network.book
    if not result.outcome.defaulted[at]:
        return "does not default"
    if result.pinned[at]:
        return "is set to default by the shock"
    if book.equity[at] < 0:
        return (
            f"was insolvent by {money(-float(book.equity[at]), result.network.unit)} before "
            "the shock"
        )
    return f"defaults in round {int(result.default_round[at])}"


def _own(
    result: RunArrays,
) -> tuple[np.ndarray, list[str], dict[str, np.ndarray]]:
    """(n,) loss of each node not from its debtors, its main cause, and deadweight by cause."""
    found, before, pinned = result.entries, result.before, result.pinned
    shock = np.maximum(found.initial, 0.0)
    destroyed = {
        cause: np.where(pinned, 0.0, np.maximum(amount, 0.0))
        for cause, amount in found.deadweight.items()
    }
    hole = np.zeros(len(shock))
    if before is not None:
        hole = np.nan_to_num(np.maximum(-result.network.book.equity, 0.0)) + before.destroyed
        hole = np.where(pinned | ~result.limited, 0.0, hole)
    causes = {"shock": shock, **destroyed, "missing before the shock": hole}
    parts, words = np.stack(list(causes.values())), list(causes)
    return parts.sum(axis=0), [words[k] for k in np.argmax(parts, axis=0)], destroyed


def _inflows(result: RunArrays, own: np.ndarray) -> tuple[csr_array, np.ndarray]:
    """Losses on claims as a CSR matrix creditor × debtor, and the total loss of each node."""
    net = result.network
    source, target, lost = sharing.loss_flows(result)
    rows = np.flatnonzero(lost > 0)
    shape = (len(net), len(net))
    into = csr_array((lost[rows], (target[rows], source[rows])), shape=shape)
    into.sum_duplicates()
    return into, own + np.asarray(into.sum(axis=1)).ravel()


def _paths(
    into: csr_array,
    own: np.ndarray,
    hit: np.ndarray,
    at: int,
    most: int,
    total: float,
) -> list[tuple[tuple[int, ...], float]]:
    """Best-first search backwards from the node; paths are tuples from the origin to the node."""
    heap: list[tuple[float, tuple[int, ...], bool]] = []
    floor = 1e-4 * total

    def grow(path: tuple[int, ...], amount: float, share: float) -> None:
        first = path[0]
        start, stop = into.indptr[first], into.indptr[first + 1]
        for debtor, lost in zip(into.indices[start:stop], into.data[start:stop], strict=True):
            if amount * lost / share > floor:
                heapq.heappush(heap, (-amount * lost / share, (int(debtor), *path), False))

    grow((at,), 1.0, 1.0)
    found: list[tuple[tuple[int, ...], float]] = []
    for _ in range(MOST_STEPS):
        if not heap or len(found) >= most:
            break
        negative, path, ended = heapq.heappop(heap)
        amount = -negative
        if ended:
            found.append((path, amount))
            continue
        origin = path[0]
        if own[origin] > 0:
            heapq.heappush(heap, (-amount * own[origin] / hit[origin], path, True))
        if len(path) < 64:
            grow(path, amount, hit[origin])
    return found
