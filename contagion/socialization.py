"""Who bears the loss in the end: the signature measures of the package, with definitions.

Every model that settles claims satisfies, to rounding,

    owners' losses + external creditors' losses = initial loss + already missing + deadweight

where *already missing* is the shortfall of nodes that were insolvent before the shock (zero
with `baseline="cleared"`). `bearers` lists the left side; `Socialization` sums it up.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from . import sharing
from .matrices import rules_of

if TYPE_CHECKING:
    from .results import PropagationResult

NEGLIGIBLE = 1e-10  # of a balance sheet: what the solver leaves


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
    bystander_share : part of everything borne that falls on parties without a direct claim on
        a trigger (two hops or more), in [0, 1].
    reach : nodes, triggers left out, whose owners lose more than the threshold.
    depth : hops from the triggers to the farthest of them.
    hhi : Herfindahl–Hirschman index of what is borne, Σ share², in (0, 1]; 1 / hhi is the number
        of equal bearers.
    deadweight : value destroyed on the way (default costs).
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


def initial_losses(result: PropagationResult) -> np.ndarray:
    """(n,) money that the shock destroys at each node.

    For a pinned default it is `assets − payments` at the solution: the claims that the node
    itself loses in the graph explain part of its failure and are counted where they began.
    Where the balance sheet is unknown it is what the creditors do not get, less those claims.
    """
    book, due = result.network.book, result.network.segments.due
    pinned = ~np.isnan(result.recoveries)
    rate = np.nan_to_num(result.recoveries)
    lost = result.outcome.claims_lost
    q, called = result.network.segments.calls, result.outcome.called
    calls = 0.0 if q is None else np.bincount(q.guarantor, called, len(due))
    held = book.external_assets + book.claims + book.shares
    known = held - lost + (1 - rate) * calls - rate * due
    since = lost if result.reference is None else lost - result.reference.claims_lost
    unknown = np.maximum((1 - rate) * (due + calls) - since, 0.0)
    destroyed = np.where(np.isnan(known), unknown, known)
    return np.where(pinned, destroyed, result.losses)


def owner_losses(result: PropagationResult) -> np.ndarray:
    """(n,) what the owners of each node who are not nodes themselves lose, in money.

    That is `result.loss`, less what other nodes lose on the shares that they hold in it and bear
    as their own loss; without shareholdings it is all of `result.loss`.
    """
    _, company, lost = sharing.share_losses(result)
    return np.asarray(result.loss - np.bincount(company, lost, len(result.network)))


def hops(result: PropagationResult) -> np.ndarray:
    """(n,) steps from the nearest trigger along claims that lose value; -1 where none leads."""
    net = result.network
    source, target, lost = sharing.loss_flows(result)
    scale = np.maximum(net.book.claims, net.segments.due)
    rows = np.flatnonzero(lost > NEGLIGIBLE * np.minimum(scale[source], scale[target]))
    n = len(net)
    edges = csr_array((np.ones(len(rows), np.int8), (source[rows], target[rows])), shape=(n, n))
    hop = np.where(result.triggers, 0, -1)
    front, step = np.flatnonzero(result.triggers), 0
    while len(front):
        step += 1
        reached = np.unique(edges[front].indices)
        front = np.asarray(reached[hop[reached] < 0], np.intp)
        hop[front] = step
    return hop


def bearers(result: PropagationResult) -> pd.DataFrame:
    """Who bears the loss in the end, largest first; amounts sum to `Socialization.borne`.

    Columns: bearer (node), role ("owners" of the node who are not nodes themselves, "holder" for
    a node with unknown balance sheet, "external creditors" of the node), kind, hop (0 for the
    owners of a trigger, 1 for parties with a direct claim on one, -1 for losses that no trigger
    caused), rule (how the loss came to them), amount (money).
    """
    net, hop = result.network, result.hops
    book = net.book
    outside, owners = result.outside_losses, owner_losses(result)
    kind = net.kinds
    found, of = rules_of(net)
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


def summarize(result: PropagationResult, threshold: float = 0.0) -> Socialization:
    """The numbers of :class:`Socialization`; `threshold` (money) is what counts for `reach`."""
    frame, hop = result.bearers, result.hops
    initial = initial_losses(result)
    total = float(initial[result.triggers].sum())
    absorbed = min(float(owner_losses(result)[result.triggers].sum()), total)
    assert result.outcome.deadweight is not None
    dead = float(result.outcome.deadweight.sum())
    counted = result.limited
    if result.reference is not None:
        assert result.reference.deadweight is not None
        dead -= float(result.reference.deadweight.sum())
        # A guarantor (a node that cannot fail) that the shock fails leaves its own hole behind.
        counted = counted & ~result.network.book.can_fail
    missing = float(np.maximum(-result.equity_before, 0.0)[counted].sum())
    borne = float(frame["amount"].sum())
    far = frame.loc[(frame["hop"] >= 2), "amount"].sum()
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
