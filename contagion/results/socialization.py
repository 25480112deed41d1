"""Who bears the loss in the end: the signature measures of the package, with definitions.

Every model that settles claims satisfies, to rounding,

    owners' losses + external creditors' losses = initial loss + already missing + deadweight

where *already missing* is the shortfall of nodes that were insolvent before the shock (zero
with `baseline="cleared"`). `bearers` lists the left side; `Socialization` sums it up.

A loss gets from node to node along claims that lose value, calls on guarantors and shares, and by
whatever other channels the model has: from who sells an asset to who holds it, from who withdraws
to who owes it (:class:`Routed`). Hops are counted along all of them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from . import waterfalls as sharing
from .run_arrays import RunArrays

NEGLIGIBLE = 1e-10  # of a balance sheet: what the solver leaves
ROUNDING = 1e-12  # of what is destroyed at a node

Route = tuple[csr_array, ...]  # links in a row, from nodes to nodes: n × n, or n × k and k × n
OTHERWISE = {"price": "falling prices", "funding": "forced sales", "failure costs": "failure costs"}


@runtime_checkable
class Routed(Protocol):
    """A model with channels besides claims, which knows where they lead."""

    def routes(self, result: RunArrays) -> tuple[Route, ...]:
        """Links by which nodes lose besides claims, calls and shares; one step a route."""


@dataclass(frozen=True)
class Socialization:
    """How far a loss socializes. Money in the unit of the network.

    Attributes
    ----------
    initial_loss : money destroyed by the shock, summed over the nodes it hits. For a pinned
        default: the assets of the node less what it pays.
    absorbed_by_trigger : part of it borne by the owners of the nodes that were hit, also where
        the failure of one of them costs the owners of another.
    socialized : the rest, borne by anybody else.
    socialized_share : socialized / initial loss, in [0, 1].
    bystander_share : part of everything borne that falls on parties that a trigger reaches and
        that lose nothing on a claim on one (a call on a guarantor and a share count as claims), in
        [0, 1]: all at two hops or more, and at one hop who only holds what a trigger sold or has
        to repay it.
    reach : nodes that a trigger reaches, triggers left out, whose owners lose more than the
        threshold, by any channel.
    depth : hops from the triggers to the farthest of them.
    hhi : Herfindahl–Hirschman index of what is borne, Σ share², in (0, 1]; 1 / hhi is the number
        of equal bearers.
    deadweight : value destroyed on the way, by default costs, falling prices or forced sales; see
        :func:`deadweight`.
    already_missing : shortfall before the shock, in book baseline. (In baseline "cleared" only
        that of a node that cannot fail, by the node table, and fails by the shock.)
    borne : initial loss + already missing + deadweight.
    """

    initial_loss: float
    absorbed_by_trigger: float
    socialized: float
    socialized_share: float
    bystander_share: float
    reach: int
    depth: int
    hhi: float
    deadweight: float
    already_missing: float
    borne: float

    def to_dict(self) -> dict[str, float]:
        """The record as a dict."""
        return asdict(self)


def initial_losses(result: RunArrays) -> np.ndarray:
    """(n,) money that the shock destroys at each node.

    For a pinned default it is `assets − payments` at the solution: the claims that the node
    itself loses in the graph explain part of its failure and are counted where they began.
    Where the balance sheet is unknown it is what the creditors do not get, less those claims.
    """
    book, due = result.network.book, result.network.segments.due
    rate = np.nan_to_num(result.pinned_recoveries)
    lost = result.outcome.claims_lost
    q, called = result.network.segments.calls, result.outcome.called
    calls = 0.0 if q is None else np.bincount(q.guarantor, called, len(due))
    held = book.external_assets + book.claims + book.shares
    known = held - lost + (1 - rate) * calls - rate * due
    since = lost if result.reference is None else lost - result.reference.claims_lost
    unknown = np.maximum((1 - rate) * (due + calls) - since, 0.0)
    destroyed = np.where(np.isnan(known), unknown, known)
    return np.where(result.pinned, destroyed, result.asset_losses)


def owner_losses(result: RunArrays) -> np.ndarray:
    """(n,) what the owners of each node who are not nodes themselves lose, in money.

    That is `result.loss`, less what other nodes lose on the shares that they hold in it and bear
    as their own loss; without shareholdings it is all of `result.loss`.
    """
    _, company, lost = sharing.share_losses(result)
    return np.asarray(result.loss - np.bincount(company, lost, len(result.network)))


def deadweight(result: RunArrays) -> dict[str, np.ndarray]:
    """What is destroyed on the way at each node, (n,) money by cause, counted from the baseline.

    Causes: "default costs" of models that settle claims, and what the model has of "falling prices"
    (of assets that others sell too), "forced sales" (costs of finding funding) and "failure costs".
    The sum over causes and nodes is `Socialization.deadweight`. Below 0 is what the shock takes
    before it can be destroyed, with `baseline="cleared"`.

    Example
    -------
    a fails and sells half of all X; at a depth of 500 it falls by 10 %, and b holds 50.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 0], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[50, 50], external_liabilities=[40, 20],
    ...     holdings={"node": ["a", "b"], "asset": ["X", "X"], "value": [50.0, 50.0]})
    >>> sale = ct.models.FireSale(0.1, impact=ct.liquidation.Linear(500))
    >>> result = sale.propagate(net, ct.Shock.default("a"))
    >>> {cause: money.round(6).tolist() for cause, money in deadweight(result).items()}
    {'default costs': [0.0, 0.0], 'falling prices': [0.0, 5.0]}
    """
    now, before = result.outcome, result.reference
    since = {} if before is None or before.channels is None else before.channels
    found = {
        OTHERWISE[name]: np.asarray(money - since.get(name, 0.0))
        for name, money in (now.channels or {}).items()
        if name in OTHERWISE
    }
    if not result.model.settles:
        return found
    assert now.deadweight is not None
    dead = now.deadweight
    if before is not None:
        assert before.deadweight is not None
        dead = dead - before.deadweight
    rest = dead - np.sum(list(found.values()), axis=0)
    return {"default costs": np.where(np.abs(rest) > ROUNDING * np.abs(dead), rest, 0.0), **found}


def hops(result: RunArrays) -> np.ndarray:
    """(n,) steps from the nearest trigger along what passes losses on; -1 where nothing leads.

    One step: from a debtor to a creditor whose claim loses value (a guarantor who is called, an
    owner whose shares fall); from a node that sells an asset to every holder who loses by its
    price; from a node that withdraws to a debtor who loses by it; with marks, from a debtor to a
    creditor who marks it down and sells for it. See :meth:`Routed.routes` of the models.
    """
    routes = ((_claims(result),), *_others(result))
    hop = np.where(result.triggers, 0, -1)
    front, step = np.flatnonzero(result.triggers), 0
    while len(front):
        step += 1
        reached = np.unique(np.concatenate([_along(front, route) for route in routes]))
        front = np.asarray(reached[hop[reached] < 0], np.intp)
        hop[front] = step
    return hop


def _claims(result: RunArrays) -> csr_array:
    """Links (n, n) from debtors to those who lose on claims on them, calls or shares."""
    net = result.network
    source, target, lost = sharing.loss_flows(result)
    scale = np.maximum(net.book.claims, net.segments.due)
    rows = np.flatnonzero(lost > NEGLIGIBLE * np.minimum(scale[source], scale[target]))
    n = len(net)
    return csr_array((np.ones(len(rows), np.int8), (source[rows], target[rows])), shape=(n, n))


def _others(result: RunArrays) -> tuple[Route, ...]:
    """The routes of other channels, where the model has any and somebody is hit."""
    if result.triggers.any() and isinstance(result.model, Routed):
        return result.model.routes(result)
    return ()


def _along(front: np.ndarray, route: Route) -> np.ndarray:
    """The nodes one step along a route from those in front."""
    for links in route:
        front = np.unique(links[front].indices)
    return front


def bearers(result: RunArrays, hop: np.ndarray) -> pd.DataFrame:
    """Who bears the loss in the end, largest first; amounts sum to `Socialization.borne`.

    Columns: bearer (node), role ("owners" of the node who are not nodes themselves, "holder" for
    a node with unknown balance sheet, "external creditors" of the node), kind, hop (0 for the
    owners of a trigger, 1 for parties that a trigger reaches at once, by a claim on it or by what
    it sells, -1 for losses that no trigger caused; see :func:`hops`), rule (how the loss came to
    them), amount (money).
    """
    net, book = result.network, result.network.book
    outside, owners = result.outside_losses, owner_losses(result)
    kind = net.kinds
    found, of = net.distinct_rules()
    rules = np.array([rule.word for rule in found], object)[of]
    floor = NEGLIGIBLE * (book.claims + net.segments.due)
    own, ext = (np.flatnonzero(np.abs(side) > floor) for side in (owners, outside))
    role = np.where(book.known[own], "owners", "holder")
    frame = pd.DataFrame(
        {
            "bearer": np.concatenate([net.names[own], net.names[ext]]),
            "role": np.concatenate([role, np.full(len(ext), "external creditors")]),
            "kind": np.concatenate([kind[own], kind[ext]]),
            "hop": np.concatenate([hop[own], np.where(hop[ext] < 0, -1, hop[ext] + 1)]),
            "rule": np.concatenate([np.full(len(own), "residual", object), rules[ext]]),
            "amount": np.concatenate([owners[own], outside[ext]]),
        }
    )
    return frame.sort_values("amount", ascending=False, kind="stable", ignore_index=True)


def _claimants(result: RunArrays, frame: pd.DataFrame) -> np.ndarray:
    """(rows,) bool: bearers that lose on a direct claim on a trigger, or are one."""
    triggers = np.flatnonzero(result.triggers)
    direct = result.triggers.copy()
    direct[_along(triggers, (_claims(result),))] = True
    at = result.network.names.get_indexer(pd.Index(frame["bearer"]))
    outside = (frame["role"] == "external creditors").to_numpy()
    return np.where(outside, result.triggers[at], direct[at])


def summarize(
    result: RunArrays, frame: pd.DataFrame, hop: np.ndarray, threshold: float = 0.0
) -> Socialization:
    """The numbers of :class:`Socialization`, from :func:`bearers` and :func:`hops`.

    `threshold` (money) is what counts for `reach`.
    """
    initial = initial_losses(result)
    total = float(initial[result.triggers].sum())
    absorbed = min(float(owner_losses(result)[result.triggers].sum()), total)
    dead = sum((float(money.sum()) for money in deadweight(result).values()), 0.0)
    counted = result.limited
    if result.reference is not None:
        # A guarantor (a node that cannot fail) that the shock fails leaves its own hole behind.
        counted = counted & ~result.network.book.can_fail
    missing = float(np.maximum(-result.equity_before, 0.0)[counted].sum())
    borne = float(frame["amount"].sum())
    far = frame.loc[(frame["hop"] >= 1) & ~_claimants(result, frame), "amount"].sum()
    share = frame["amount"].to_numpy() / borne if borne > 0 else np.zeros(0)
    floor = np.maximum(
        threshold, NEGLIGIBLE * (result.network.book.claims + result.network.segments.due)
    )
    hit = (result.loss > floor) & ~result.triggers & (hop > 0)
    socialized = max(total - absorbed, 0.0)
    return Socialization(
        initial_loss=total,
        absorbed_by_trigger=absorbed,
        socialized=socialized,
        socialized_share=socialized / total if total > 0 else 0.0,
        bystander_share=float(far / borne) if borne > 0 else 0.0,
        reach=int(hit.sum()),
        depth=int(hop[hit].max(initial=0)),
        hhi=float((share**2).sum()),
        deadweight=dead,
        already_missing=missing,
        borne=borne,
    )
