"""Many single defaults in one run: each on a copy of only the nodes that it reaches.

Most defaults reach only a few of the n nodes. The nodes reached are copied, with their claims on
all other nodes as external assets; the copies for many defaults form one network, which the model
clears in one run. If a node defaults whose creditors are not in the copy, they are added, and these
defaults run again. The result equals that of the whole network: in the end no node outside the copy
receives less than without the default, so the copy and the reference payments of the others form a
fixed point of the whole network; and losses of the whole network are at least those of the
reference, so they are not below those of the copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import ConvergenceError
from ..models.base import Model
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..network.transforms import scratch
from ..results.ledger import entries
from ..results.outcome import Outcome
from ..results.run_arrays import claim_losses

FEW = 2**18  # triggers × nodes up to which every trigger is run on all nodes
TOGETHER = 2**19  # nodes and claims copied for one run, estimated in advance
FIRST, PART = 64, 16  # triggers in the first batch; a default that reaches more than n / PART nodes
WIDE = 2**14  # or more than WIDE nodes is "wide": it is run on all nodes


@dataclass(frozen=True)
class Reached:
    """The effects of some defaults, one row for each pair of a default and a node it reaches.

    Attributes
    ----------
    triggers : (k,) the nodes that default.
    of, node : (r,) index of the trigger, and the node reached (also the trigger itself).
    equity, lost : (r,) equity after the default, and losses on claims, in money.
    before, lost_before : (r,) the same without the default.
    new : (r,) bool, in default because of it. borne : (r,) losses of owners and external creditors
        by contagion, for models that settle claims.
    """

    triggers: np.ndarray
    of: np.ndarray
    node: np.ndarray
    equity: np.ndarray
    lost: np.ndarray
    before: np.ndarray
    lost_before: np.ndarray
    new: np.ndarray
    borne: np.ndarray | None


def separable(network: ExposureNetwork, model: Model) -> bool:
    """Whether a default can be run on only the nodes that it reaches."""
    beside = (network.guarantees, network.shareholdings, network.rules or None)
    plain = (getattr(model, field.name) for field in fields(model))
    return (
        model.spreads_by_default_only
        and all(one is None for one in beside)
        and all(isinstance(value, int | float | str) for value in plain)
    )


def reached(
    network: ExposureNetwork, model: Model, base: Outcome, triggers: np.ndarray, recovery: float
) -> Iterator[Reached]:
    """The effects of each trigger, without wide defaults; stops early if most are wide.

    Parameters
    ----------
    base : the outcome without a default, of the same model.
    triggers : (k,) nodes. recovery : their recovery rate, in [0, 1].
    """
    copies = _Copies(network, model, base, recovery)
    n, k = copies.n, len(triggers)
    size = max(1, TOGETHER // (1 + len(network.amount) // max(n, 1)))
    most = min(WIDE, max(FIRST, n // PART))
    cuts = [0, *range(min(FIRST, k), k, size), k]
    waiting = [triggers[a:b] for a, b in pairwise(cuts)][::-1]
    many = seen = 0
    while waiting:
        mine = waiting.pop()
        keys = np.arange(len(mine), dtype=np.int64) * n + mine
        members = passing = keys
        while len(mine):
            members, passing = copies.closed(members, passing)
            wide = np.bincount(members // n, minlength=len(mine)) > most
            if wide.any():
                many += int(wide.sum())
                mine, (members, passing) = _without(wide, mine, [members, passing], n)
                continue
            if len(members) > TOGETHER and len(mine) > 1:
                waiting += np.array_split(mine, 2)
                break
            found, further = copies.run(mine, members, passing)
            again = np.zeros(len(mine), bool)
            again[further // n] = True
            done = _done(found, ~again)
            if len(done.triggers):
                yield done
            parts = [members, passing, further]
            mine, (members, passing, further) = _without(~again, mine, parts, n)
            passing = np.union1d(passing, further)
        else:
            seen += len(keys)
            if 2 * many > seen:
                return


def _without(
    gone: np.ndarray, mine: np.ndarray, parts: list[np.ndarray], n: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Triggers and keys without the triggers in `gone`, renumbered from 0."""
    number = np.cumsum(~gone) - 1
    kept = [keys[~gone[keys // n]] for keys in parts]
    return mine[~gone], [number[keys // n] * n + keys % n for keys in kept]


def _done(found: Reached, some: np.ndarray) -> Reached:
    """The rows of some of the triggers."""
    rows, number = some[found.of], np.cumsum(some) - 1
    by_row = {f.name: getattr(found, f.name) for f in fields(found) if f.name != "triggers"}
    kept: dict[str, Any] = {k: each if each is None else each[rows] for k, each in by_row.items()}
    return replace(found, **kept | {"triggers": found.triggers[some], "of": number[kept["of"]]})


class _Copies:
    """Builds and runs copies of parts of a network; a key is index of the trigger × n + node."""

    def __init__(self, network: ExposureNetwork, model: Model, base: Outcome, recovery: float):
        self.network, self.model, self.recovery, self.n = network, model, recovery, len(network)
        self.failed = base.defaulted
        self.order = np.argsort(network.debtor, kind="stable")  # claims by debtor
        self.first = np.searchsorted(network.debtor[self.order], np.arange(self.n + 1))
        self.value = network.amount - claim_losses(network, base)  # of claims in the reference
        self.held = np.bincount(network.creditor, self.value, self.n)
        self.nodes, self.columns = network._completed(), network._columns

    def claims(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The claims on some nodes: their rows, and the index of the key of each debtor."""
        node = keys % self.n
        many = self.first[node + 1] - self.first[node]
        at = np.repeat(np.arange(len(keys)), many)
        inside = np.arange(len(at)) - np.repeat(np.cumsum(many) - many, many)
        return self.order[self.first[node][at] + inside], at

    def closed(self, members: np.ndarray, passing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Add the creditors of all nodes that pass losses on, also of defaults in the reference."""
        fresh = passing
        while len(fresh):
            rows, at = self.claims(fresh)
            reached = np.unique(fresh[at] - fresh[at] % self.n + self.network.creditor[rows])
            members = np.union1d(members, reached)
            short = reached[self.failed[reached % self.n]]
            fresh = np.setdiff1d(short, passing, assume_unique=True)
            passing = np.union1d(passing, fresh)
        return members, passing

    def run(
        self, mine: np.ndarray, members: np.ndarray, passing: np.ndarray
    ) -> tuple[Reached, np.ndarray]:
        """The effects of the defaults, and defaulted nodes whose creditors are not all copied."""
        n, network = self.n, self.network
        of, node = members // n, members % n
        rows, at = self.claims(passing)
        debtor = np.searchsorted(members, passing)[at]
        creditor = np.searchsorted(members, passing[at] - passing[at] % n + network.creditor[rows])
        inside = np.zeros(len(members), bool)
        inside[np.searchsorted(members, passing)] = True
        frozen = self.held[node] - np.bincount(creditor, self.value[rows], len(members))
        frozen = np.where(frozen > 1e-12 * self.held[node], frozen, 0.0)
        assets = self.nodes["external_assets"].to_numpy(float)[node] + frozen
        owed = self.nodes["external_liabilities"].to_numpy(float)[node]
        owed = owed + np.where(inside, 0.0, network.book.debts[node])
        nodes = self.nodes.iloc[node].reset_index(drop=True)
        nodes = nodes.assign(
            node=np.arange(len(members)), external_assets=assets, external_liabilities=owed
        )
        claims = self.columns.iloc[rows].reset_index(drop=True)
        claims = claims.assign(creditor=creditor, debtor=debtor, amount=network.amount[rows])
        copy = scratch(network, claims, nodes)
        hit = np.searchsorted(members, np.arange(len(mine)) * n + mine)
        pins, none = np.full(len(members), np.nan), np.zeros(len(members))
        pins[hit] = self.recovery
        base, after = self.model.solve(copy, none), self.model.solve(copy, none, pins)
        if not np.all(after.converged):
            raise ConvergenceError(
                f"{type(self.model).__name__} did not reach its tolerance for some of "
                f"{len(mine)} defaults. Raise max_rounds."
            )
        borne = None
        if after.external_paid is not None:
            ledger = entries(copy, after, base, Hit(none, pins))
            borne = ledger.contagion + ledger.outside
        found = Reached(
            mine, of, node, after.equity, after.lost, base.equity, base.lost,
            after.defaulted & ~base.defaulted, borne,
        )  # fmt: skip
        return found, members[after.defaulted & ~inside]
