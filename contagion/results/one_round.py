"""One round of a model, recomputed from the result itself, without a solver.

The checks return {name of a check: deviation}: the largest over the nodes, claims or calls,
relative to the balance sheet of the node.
"""

from __future__ import annotations

import numpy as np

from ..kernels.calls import JUNIOR, PARI_PASSU, SENIOR, Calls, by_node
from ..network.exposure_network import ExposureNetwork
from ..network.hit import external_left
from .run_arrays import RunArrays

Deviations = dict[str, float]


def sizes(network: ExposureNetwork) -> np.ndarray:
    """(n,) > 0: assets, debts inside and outside the graph, and guarantees given, summed."""
    book, calls = network.book, network.segments.calls
    size = book.stated_assets + book.claims + book.shares + book.stated_liabilities + book.debts
    if calls is not None:
        size = size + by_node(calls.guarantor, calls.cap, len(network))
    return np.asarray(np.where(size > 0, size, size.max(initial=0.0) or 1.0))


def apart(found: object, wanted: object, size: np.ndarray | float = 1.0) -> float:
    """The largest `|found − wanted| / (size + |wanted|)`; inf where one is nan, or shapes differ.

    >>> apart([1.0, np.nan], [3.0, np.nan], np.array([1.0, 1.0])), apart([1.0], [np.nan])
    (0.5, inf)
    """
    a, b = np.asarray(found, float), np.asarray(wanted, float)
    if a.shape != b.shape:
        return float("inf")
    gap = np.abs(a - b) / (size + np.abs(b))
    gap = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, gap)
    return float(np.nan_to_num(gap, nan=np.inf).max(initial=0.0))


def balance(result: RunArrays, size: np.ndarray) -> Deviations:
    """Losses on claims, equity, defaults and rounds of any model."""
    net, outcome, hit = result.network, result.outcome, result.hit
    book, n, pinned = net.book, len(net), result.pinned
    loss = result.claim_losses
    over = np.maximum(-loss, loss - net.amount) / size[net.debtor]
    lost: np.ndarray = np.bincount(net.creditor, loss, n).astype(float)
    into: np.ndarray | float = 0.0  # support that is called, whether it is paid or not
    if (q := net.segments.calls) is not None and outcome.called is not None:
        assert outcome.unmet is not None
        into = by_node(q.beneficiary, np.where(q.support, outcome.called, 0.0), n)
        covered = np.where(q.support, 0.0, outcome.called)
        lost = lost + by_node(q.guarantor, outcome.called, n)
        lost += by_node(q.beneficiary, outcome.unmet - covered, n)
    shares = np.zeros(n)
    if net._shareholdings is not None:
        shares = book.shares - net.ownership @ np.maximum(np.nan_to_num(outcome.equity), 0.0)
    if result.model.settles:
        lost = lost + shares
    held = lost
    capped = getattr(result.model, "variant", "") == "single-hit"  # losses capped at equity
    limited = book.can_fail & book.known & ~pinned
    if capped:
        held = np.where(limited, np.minimum(lost, outcome.claims_lost), lost)
    equity = book.equity - hit.losses - outcome.lost + into
    if capped:
        equity = np.where(limited, np.maximum(equity, np.minimum(book.equity, 0.0)), equity)
    if outcome.unpaid is not None:
        given = (np.nan_to_num(hit.pins) - 1.0) * net.segments.due
    else:  # the sales of a node in default are part of its own loss
        given = np.minimum(np.minimum(equity, 0.0), outcome.equity)
    equity = np.where(pinned & book.known, given, equity)
    found = {
        "claims lose between 0 and their amount": float(over.max(initial=0.0)) + 0.0,
        "losses on claims are those of the claims held": apart(outcome.claims_lost, held, size),
        "equity is what it was less losses": apart(outcome.equity, equity, size),
        "nodes in default are those without equity": _defaults(result, size),
    }
    channels = outcome.channels or {}
    if "credit" in channels:
        found["the channel of credit is the loss on claims"] = apart(
            channels["credit"], outcome.claims_lost, size
        )
    if "shares" in channels:
        found["the channel of shares is the loss on shares"] = apart(
            channels["shares"], shares, size
        )
    when = outcome.default_round
    if when is not None:
        right = ((when >= 0) == outcome.defaulted) & ((when == 0) | ~pinned)
        found["nodes in default have a round of default"] = float(np.count_nonzero(~right))
    return found


def _defaults(result: RunArrays, size: np.ndarray) -> float:
    """Distance to the default threshold of nodes with a wrong flag; 1 for other wrong flags."""
    net, outcome, pinned = result.network, result.outcome, result.pinned
    failed, may = outcome.defaulted, net.book.can_fail
    wrong = (pinned & ~failed) | (~pinned & ~may & failed)
    far = np.where(wrong, 1.0, 0.0)
    if getattr(result.model, "fails_at_zero", True):
        eased = net.segments.absorbing if outcome.unpaid is not None else 0.0
        left = outcome.equity + eased
        wrong = ~pinned & may & np.isfinite(left) & (failed != (left < 0))
        far = np.where(wrong, np.abs(left) / size, far)
    return float(far.max(initial=0.0))


def valued(result: RunArrays, size: np.ndarray) -> Deviations:
    """Losses on claims, for models that value claims, from equity and defaults."""
    net, outcome = result.network, result.outcome
    wanted = result.model.loss_rates(net, result.hit, outcome)
    found, scale = outcome.loss_rate, np.ones(len(net))
    if outcome.unpaid is not None:
        found, scale = outcome.unpaid, size[net.segments.owner]
    assert found is not None
    said = ~np.isnan(wanted)
    return {"claims lose by the valuation": apart(found[said], wanted[said], scale[said])}


def settled(result: RunArrays, size: np.ndarray) -> Deviations:
    """Payments of the nodes from their funds by their rules, for models that settle claims."""
    net, outcome, pinned = result.network, result.outcome, result.pinned
    book, segments, n = net.book, net.segments, len(net)
    owner, due = segments.owner, segments.due
    assert outcome.unpaid is not None and outcome.payments is not None
    free = book.can_fail & ~pinned
    keeps = np.where(pinned, np.nan_to_num(result.hit.pins), 1.0)
    other = outcome.lost - outcome.claims_lost
    external = external_left(net, result.hit.losses + other)
    received = book.claims + book.shares - outcome.claims_lost
    kept = result.model.kept(net) if hasattr(result.model, "kept") else None
    costs = np.zeros(n)
    if kept is not None:
        left = np.minimum(external, kept[0] * external) + kept[1] * received
        costs = np.where(outcome.defaulted & ~pinned, external + received - left, 0.0)
    cash = external + received - costs
    found: Deviations = {}
    if segments.calls is None:
        short = segments.end - cash[owner]
    else:
        cash, short, found = _called(result, segments.calls, cash, keeps, free, size)
    short = np.clip(short, 0.0, segments.width)
    short = np.where(free[owner], short, (1.0 - keeps[owner]) * segments.width)
    if segments.calls is not None:  # a separate check covers the amount of support called
        short = np.where(_support(segments.calls), outcome.unpaid, short)
    inside = by_node(owner, segments.inside * outcome.unpaid, n)
    paid = np.where(free, np.clip(cash, 0.0, due), keeps * due)
    outside = np.clip(paid - outcome.payments, 0.0, book.stated_liabilities)
    outside += np.where(pinned | (external >= 0), 0.0, np.minimum(cash, 0.0))
    return {
        "nodes pay by their rules what they have": apart(outcome.unpaid, short, size[owner]),
        "payments are the claims paid": apart(outcome.payments, book.debts - inside, size),
        "external creditors get the rest": apart(outcome.external_paid, outside, size),
        "deadweight is default costs and channels": apart(outcome.deadweight, costs + other, size),
        **found,
    }


def _support(calls: Calls) -> np.ndarray:
    """(S,) bool: segments that are support paid into their node."""
    return np.asarray(calls.trigger.onto(np.where(calls.support, 0, -1), 1).totals() > 0)


def _called(
    result: RunArrays, calls: Calls, cash: np.ndarray, keeps: np.ndarray, free: np.ndarray,
    size: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, Deviations]:  # fmt: skip
    """Calls and the part that guarantors do not pay; cash (n,) before calls are paid, short (S,).

    The order in which losses are borne after equity: support called right after the equity, junior
    calls, the segments of the rule together with pari passu calls, senior calls. Support that is
    not called keeps its place in this order.
    """
    outcome, segments, n = result.outcome, result.network.segments, len(result.network)
    called, unmet, unpaid = outcome.called, outcome.unmet, outcome.unpaid
    assert called is not None and unmet is not None and unpaid is not None
    owner, due, width, at = segments.owner, segments.due, segments.width, calls.guarantor
    support, drawn, lead = calls.support, _support(calls), calls.first_segments
    junior, equal, senior = (
        by_node(at, np.where(calls.ranking == rank, called, 0.0), n)
        for rank in (JUNIOR, PARI_PASSU, SENIOR)
    )
    funds = cash + by_node(calls.debtor, np.where(support, called, 0.0), n)
    idle = np.where(drawn & (unpaid <= 0), width, 0.0)  # support not called
    reach = funds + junior + by_node(owner, idle, n)
    tier = by_node(owner, np.where(lead, 0.0, width), n)
    top = np.zeros(n)
    np.maximum.at(top, owner, np.where(lead, 0.0, segments.end))
    pace = tier / np.where(tier + equal > 0, tier + equal, 1.0)
    along = pace[owner] * (due - reach)[owner] + segments.end - top[owner]
    short = np.where(equal[owner] > 0, along, segments.end - reach[owner])
    later = by_node(calls.debtor, np.where(support & ~calls.first, called - unmet, 0.0), n)
    ranks = (
        (JUNIOR, junior, due - funds + later - by_node(owner, np.where(lead, idle, 0.0), n)),
        (PARI_PASSU, tier + equal, due - reach),
        (SENIOR, senior, -reach - equal),
    )
    left = np.zeros(len(called))
    for rank, whole, beyond in ranks:
        part = called / np.where(whole[at] > 0, whole[at], 1.0)
        left = np.where(calls.ranking == rank, np.clip(part * beyond[at], 0.0, called), left)
    left = np.where(free[at], left, (1.0 - keeps[at]) * called)
    pair = calls.debtor * np.int64(n) + calls.beneficiary
    _, of = np.unique(pair, return_inverse=True)
    promised = np.bincount(of, calls.cap)[of]
    first = np.minimum(promised, (1.0 - keeps[calls.debtor]) * calls.face)
    pinned = first * calls.cap / np.where(promised > 0, promised, 1.0)
    follows = np.where(result.pinned[calls.debtor], pinned, calls.trigger.spread(unpaid))
    either = np.maximum(size[at], size[calls.debtor])
    brought = by_node(calls.debtor, np.where(support, called, 0.0), n)
    wanted = by_node(owner, np.where(drawn, unpaid, 0.0), n)
    found = {
        "guarantees are called for what is unpaid": apart(
            called[~support], follows[~support], either[~support]
        ),
        "support is called by its layers": apart(brought, wanted, size),
        "guarantors leave unpaid what they lack": apart(unmet, left, either),
    }
    return funds + by_node(at, unmet, n), short, found
