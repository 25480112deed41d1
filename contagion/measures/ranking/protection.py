"""The smallest set of nodes whose rescue keeps the loss below a target, and the cost of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd

from ...errors import ArgumentError, ModelError, expect
from ...media import shown
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...parallel import bar
from ...shocks import Shock
from ...text import same_scale

EXACT = 12  # candidates up to which every set is run
CHUNK = 2**22  # entries of a batch of scenarios
TOGETHER, MOST = 32, 2**22  # candidates in one batch; most entries (candidates × nodes) of a step


@dataclass(frozen=True, eq=False, repr=False)
class Protection:
    """Nodes to protect, in the order in which they were chosen.

    Attributes
    ----------
    table : DataFrame step (0: no node is protected): node, loss (borne by owners and external
        creditors, of all nodes, after this and the steps before), avoided (by all steps so far),
        support (money that the protected nodes need to pay in full).
    least : a lower bound on the number of nodes in any set that avoids as much, or nan for models
        without a known bound.
    optimal : True if no smaller set reaches the target, because all were run or because the number
        chosen equals `least`; None if that is not known.
    reached : whether the target is reached.
    left_out : candidates with the smallest shortfalls that a step did not run although one of them
        may avoid more; 0 if the greedy search covered all candidates.
    target, unit : money.
    """

    table: pd.DataFrame
    least: float
    optimal: Literal[True] | None
    reached: bool
    left_out: int
    target: float
    unit: str

    @property
    def nodes(self) -> list[Any]:
        """The nodes to protect."""
        return list(self.table["node"].iloc[1:])

    @shown
    def __repr__(self) -> str:
        names = ", ".join(map(str, self.nodes)) or "no node"
        loss, support = self.table["loss"].to_numpy(), float(self.table["support"].iloc[-1])
        say = same_scale([*loss, support, self.target], self.unit)
        lines = [
            f"Protect {names}: loss {say(float(loss[-1]))} instead of "
            f"{say(float(loss[0]))}, with support of {say(support)}"
        ]
        goal = "reached" if self.reached else "not reached"
        known = {True: "no smaller set does it", None: "a smaller set may do it"}
        bound = "" if np.isnan(self.least) else f"; any set needs {self.least:.0f} or more"
        said = known[self.optimal] if self.reached else ""
        lines.append(f"  target {say(self.target)} {goal}{bound}" + (f"; {said}" if said else ""))
        if self.left_out:
            lines.append(f"  {self.left_out:,} candidates with smaller shortfalls were not run")
        return "\n".join(lines)


def protect(
    network: ExposureNetwork,
    model: Model,
    shock: Shock,
    *,
    target: float | None = None,
    max_size: int = 5,
    candidates: Iterable[Any] | None = None,
    progress: bool = False,
) -> Protection:
    """The smallest set of nodes to protect so that the loss stays within a target.

    A protected node pays every debt in full, with money from outside (its `support`); its owners
    still bear its losses, until its equity is 0. Losses are relative to face values, so a node that
    was insolvent before the shock is a candidate too. The search is greedy: each step protects the
    node that reduces the loss most. With up to 12 candidates all sets are run, the smallest first.
    A step runs candidates in decreasing order of shortfall; without default costs it stops when no
    remaining node can avoid more. With default costs and a large network it may stop earlier, and
    `left_out` is the number not run.

    For clearing without default costs the support is at most the shortfall of the node when no
    node is protected, because others can only pay more. So a set S avoids at most Σ_{i∈S}
    shortfall_i, and `least` is the smallest number of shortfalls whose sum is large enough.

    Parameters
    ----------
    network, model, shock : the run without protection.
    target : money; stop when the loss of all owners and external creditors is at most this amount.
        By default half of the loss that can be avoided by protecting all candidates is avoided.
    max_size : largest number of nodes.
    candidates : nodes that may be protected; by default every node that does not pay in full and
        that the shock does not set to default.
    progress : show a progress bar.

    Raises
    ------
    UnknownNameError : for an unknown candidate, with the closest name.
    ArgumentError : for `max_size` below 1.
    ModelError : for models that do not settle claims, or have other channels.

    Example
    -------
    a defaults with recovery 0: b (equity 3, assets 13) loses 10, and 7 of it reach c. If b is
    protected, c has no loss.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10, 0], [0, 0, 10], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 3, 20])
    >>> found = protect(net, ct.EisenbergNoe(), ct.Shock.default("a"), target=0.0)
    >>> found.nodes, found.table["loss"].tolist(), found.table["support"].tolist()
    (['b'], [11.0, 4.0], [0.0, 7.0])

    Source: own; the bound follows from the conservation of value in clearing.
    """
    expect(network=network, model=model, shock=shock)
    if not model.settles:
        raise ModelError(
            f"{type(model).__name__} does not settle claims, so it does not compute the effect of "
            "a rescue. Use a model that does, such as EisenbergNoe."
        )
    if max_size < 1:
        raise ArgumentError(f"max_size = {max_size}: 1 or more nodes.")
    hit = model.in_money(network, shock, "the nodes to protect")
    losses, recoveries = hit.losses, hit.pins
    run = _Runs(network, model, losses, recoveries)
    alone, _, short = run.of([()])
    chosen_from = _candidates(network, candidates, short[0], recoveries)
    if target is None:
        best = run.of([tuple(chosen_from)])[0][0] if len(chosen_from) else alone[0]
        target = 0.5 * float(alone[0] + best)
    with bar(progress, "protect", unit="set") as run.move:
        order, exact, left_out = _search(run, chosen_from, target, max_size)
    steps = [tuple(order[: k + 1]) for k in range(len(order))]
    total, needed, _ = run.of([(), *steps])
    table = pd.DataFrame(
        {
            "node": ["", *(network.names[at] for at in order)],
            "loss": total,
            "avoided": total[0] - total,
            "support": needed,
        }
    )
    table.index.name = "step"
    reached = bool(total[-1] <= target + 1e-9 * max(abs(total[0]), 1.0))
    least = _least(short[0][chosen_from], float(total[0] - target)) if run.free else np.nan
    optimal: Literal[True] | None = True if reached and (exact or len(order) == least) else None
    return Protection(table, least, optimal, reached, left_out, float(target), network.unit)


class _Runs:
    """The loss for sets of protected nodes, many sets in one run."""

    def __init__(
        self, network: ExposureNetwork, model: Model, losses: np.ndarray, recoveries: np.ndarray
    ):
        self.network, self.model = network, model
        self.losses, self.recoveries = losses, recoveries
        self.move: Callable[[int], object] = lambda count: None
        self.free = not hasattr(model, "kept") or model.kept(network) is None

    def of(self, sets: list[tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Loss (B,), support (B,) and shortfall (B, n) in money."""
        size = max(1, CHUNK // len(self.network))
        parts = []
        for k in range(0, len(sets), size):
            parts.append(self._some(sets[k : k + size]))
            self.move(len(sets[k : k + size]))
        total, support, short = zip(*parts, strict=True)
        return np.concatenate(total), np.concatenate(support), np.concatenate(short)

    def _some(self, sets: list[tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        net, book, due = self.network, self.network.book, self.network.segments.due
        pins = np.tile(self.recoveries, (len(sets), 1))
        rows = np.repeat(np.arange(len(sets)), [len(chosen) for chosen in sets])
        at = np.fromiter((node for chosen in sets for node in chosen), int, len(rows))
        pins[rows, at] = 1.0
        outcome = self.model.solve(net, np.broadcast_to(self.losses, pins.shape), pins)
        if outcome.channels is not None:
            raise ModelError(
                f"{type(self.model).__name__} has channels besides claims: a node that pays in "
                "full may still sell or withdraw. Use EisenbergNoe or RogersVeraart."
            )
        assert outcome.payments is not None and outcome.external_paid is not None
        before = np.nan_to_num(np.maximum(book.equity, 0.0))
        lost = self.losses + outcome.lost
        after = np.nan_to_num(np.maximum(outcome.equity, 0.0))
        owners = np.where(book.known, before - after, lost)
        owners[rows, at] = np.minimum(lost, before)[rows, at]
        support = np.zeros(pins.shape)
        support[rows, at] = np.maximum(lost - book.equity, 0.0)[rows, at]
        outside = book.stated_liabilities - outcome.external_paid
        unpaid = due - outcome.payments - outcome.external_paid
        total = owners.sum(axis=1) + outside.sum(axis=1)
        return total, support.sum(axis=1), unpaid


def _candidates(
    network: ExposureNetwork,
    given: Iterable[Any] | None,
    short: np.ndarray,
    recoveries: np.ndarray,
) -> np.ndarray:
    """Rows of the nodes that may be protected, largest shortfall first."""
    open_to = np.isnan(recoveries) & network.book.known & network.book.can_fail
    if given is not None:
        rows = [network.position(node) for node in given]
        open_to &= np.isin(np.arange(len(network)), rows)
    scale = network.book.claims + network.segments.due
    found = np.flatnonzero(open_to & (short > 1e-9 * scale))
    return np.asarray(found[np.argsort(-short[found], kind="stable")])


def _search(
    run: _Runs, candidates: np.ndarray, target: float, max_size: int
) -> tuple[list[int], bool, int]:
    """The nodes to protect in order, whether every smaller set was run, and the number not run."""
    if 0 < len(candidates) <= EXACT:
        for size in range(min(max_size, len(candidates)) + 1):
            sets = list(combinations(candidates.tolist(), size))
            total = run.of(sets)[0]
            best = int(np.argmin(total))
            if total[best] <= target + 1e-9 * max(abs(target), 1.0):
                return list(sets[best]), True, 0
        return list(sets[best]), False, 0
    chosen: list[int] = []
    left_out = 0
    while len(chosen) < max_size:
        total, _, short = run.of([tuple(chosen)])
        rest = candidates[~np.isin(candidates, chosen)]
        rest = rest[np.argsort(-short[0, rest], kind="stable")]
        if total[0] <= target or not len(rest):
            break
        node, avoided, left = _next(run, chosen, rest, short[0, rest], float(total[0]))
        left_out = max(left_out, left)
        if avoided <= 0:
            break
        chosen.append(node)
    return chosen, False, left_out


def _next(
    run: _Runs, chosen: list[int], rest: np.ndarray, short: np.ndarray, now: float
) -> tuple[int, float, int]:
    """The node of `rest` that reduces the loss `now` most, the reduction, and the number not run.

    `rest` is in decreasing order of shortfall; without default costs no node avoids more than its
    shortfall.
    """
    node, most = -1, 0.0
    limit = max(TOGETHER, MOST // len(run.network))
    for first in range(0, len(rest), TOGETHER):
        if run.free and short[first] <= most:
            return node, most, 0
        if first >= limit:
            return node, most, len(rest) - first
        some = rest[first : first + TOGETHER].tolist()
        avoided = now - run.of([(*chosen, at) for at in some])[0]
        best = int(np.argmax(avoided))
        if avoided[best] > most:
            node, most = some[best], float(avoided[best])
    return node, most, 0


def _least(short: np.ndarray, avoid: float) -> float:
    """The smallest number of shortfalls whose sum is at least `avoid`; nan if all are too small."""
    if avoid <= 0:
        return 0.0
    sums = np.cumsum(np.sort(short)[::-1])
    enough = np.flatnonzero(sums >= avoid * (1 - 1e-9))
    return float(enough[0] + 1) if len(enough) else np.nan
