"""Cumulative losses after each round: of owners, of external creditors and on claims."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..kernels.calls import by_node
from . import ledger
from .outcome import Outcome
from .run_arrays import RunArrays, claim_losses


@dataclass(frozen=True)
class Rounds:
    """Cumulative losses after each round, counted from the baseline of the result, in the unit of
    the network. Row 0 is the shock alone and the last row is the result itself.

    Attributes
    ----------
    number : (R,) int, the round of each row.
    owners, external : (R, n) losses of the owners and of the external creditors of each node.
    claims : (R, m) loss on each claim.
    defaulted : (R, n) bool.
    """

    number: np.ndarray
    owners: np.ndarray
    external: np.ndarray
    claims: np.ndarray
    defaulted: np.ndarray


def rounds(result: RunArrays, most: int = 12) -> Rounds:
    """The rounds of a result: all of them, or the first `most` − 1 and the last.

    In round k the claims on nodes that were in default after round k − 1 lose value. With
    guarantees or shareholdings the losses by claim are known only at the end: there is one row.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.datasets.load("cefi_credit_2022")
    >>> done = rounds(ct.EisenbergNoe().propagate(net, ct.Shock.default("three_arrows")))
    >>> [round(x) for x in done.owners.sum(axis=1) / 1e6]
    [0, 653, 668]
    """
    net, last = result.network, _last(result)
    if net.segments.calls is not None or net._shareholdings is not None:
        return last
    history = result.model.run(net, *result.hit, trace="path").history
    keep = range(len(history) - 1)
    if len(history) > most:
        keep = range(most - 1)
    before = claim_losses(net, result.start)
    rows = []
    for k in keep:
        now = replace(result.outcome, equity=history[k][0], defaulted=history[k][1], channels=None)
        earlier = history[k - 1][1] if k else np.zeros(len(net), bool)
        lost, external = _passed(result, now, earlier, history[max(k - 1, 0)][0], k)
        taken = by_node(net.creditor, lost, len(net))
        now = replace(now, claims_lost=taken)
        owners = ledger.owners_loss(net, now, replace(result.start, channels=None), result.hit)
        rows.append((owners, external, np.maximum(lost - before, 0.0), now.defaulted))
    if not rows:
        return last
    columns = [
        np.vstack([np.stack(part), end])
        for part, end in zip(
            zip(*rows, strict=True),
            (last.owners, last.external, last.claims, last.defaulted),
            strict=True,
        )
    ]
    return Rounds(np.array([*keep, len(history) - 1]), *columns)


def _last(result: RunArrays) -> Rounds:
    outside = np.zeros((1, len(result.network)))
    if result.model.settles:
        outside = np.maximum(result.outside_losses, 0.0)[None]
    return Rounds(
        np.array([int(result.outcome.rounds)]),
        result.loss[None],
        outside,
        result.added_losses[None],
        result.outcome.defaulted[None],
    )


def _passed(
    result: RunArrays, now: Outcome, earlier: np.ndarray, equity: np.ndarray, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """Losses after a round on claims (m,), from face value, and of external creditors (n,), from
    the baseline; a model that values claims uses the `equity` of the round before."""
    net = result.network
    segments, nothing = net.segments, np.zeros(len(net))
    if number == 0:
        return claim_losses(net, result.start), nothing
    if not result.model.settles:
        state = replace(now, equity=equity, defaulted=earlier)
        rate = np.nan_to_num(result.model.loss_rates(net, result.hit, state))
        return np.asarray(net.amount * rate[net.debtor]), nothing
    due, owner, pins = segments.due, segments.owner, np.nan_to_num(result.hit.pins)
    funds = np.where(np.isfinite(now.equity), now.equity + due, np.inf)
    short = np.clip(segments.end - funds[owner], 0.0, segments.width)
    short = np.where(earlier[owner], short, 0.0)
    short = np.where(result.pinned[owner], (1.0 - pins[owner]) * segments.width, short)
    whole = np.where(earlier, np.clip(-np.nan_to_num(now.equity), 0.0, due), 0.0)
    whole = np.where(result.pinned, (1.0 - pins) * due, whole)
    inside = by_node(owner, segments.inside * short, len(net))
    paid = result.start.external_paid
    assert paid is not None
    missing = net.book.stated_liabilities - paid
    return segments.to_claims(short), np.maximum(np.maximum(whole - inside, 0.0) - missing, 0.0)
