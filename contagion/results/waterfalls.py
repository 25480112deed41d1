"""How each node shared its shortfall: by layer, by guarantee call, and the flows of losses."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..kernels.calls import JUNIOR, PARI_PASSU, SENIOR
from ..kernels.segments import Segments
from .ledger import at_face, owners_loss
from .outcome import Outcome
from .run_arrays import RunArrays

OWNERS, OUTSIDE = "equity", "external creditors"
ON_CALLS = {"junior calls": 0.5, "calls": 1e18, "senior calls": np.inf}  # and their sort order
ROUNDING = 1e-12  # rounding error, relative to debts outside the graph or to the balance sheet
COLUMNS = ["node", "layer", "capacity", "absorbed"]


def layers(result: RunArrays) -> pd.DataFrame:
    """The waterfall of every node with a loss: node, layer, capacity, absorbed.

    First the equity of the node, then the layers of its rule in the order in which they lose, then
    external creditors with a loss that share no segment with a claim. "support" are guarantee calls
    not assigned to a layer, "other claims" losses that the rule allocates to no layer. Calls that a
    guarantor leaves unpaid are in "junior calls" (lose before its layers), "calls" (pari passu with
    its claims) and "senior calls" (lose last). Losses count from face value. The absorbed amounts
    of a node sum to its total loss: the loss of its owners, the loss that it passed on, and calls
    paid by guarantors. Amounts are in the unit of the network.
    """
    net, outcome = result.network, result.outcome
    segments, book = net.segments, net.book
    assert outcome.unpaid is not None and outcome.external_paid is not None
    n = len(net)
    stage, names = _stages(result)
    unpaid = outcome.unpaid
    lost = np.nan_to_num(owners_loss(net, outcome, at_face(net), result.hit))
    own = np.maximum(np.nan_to_num(book.equity), 0.0)
    own = np.where(result.limited, own, np.maximum(own, lost))  # no limit without default
    key = segments.owner * np.int64(len(names)) + stage
    order = np.lexsort((-segments.start, segments.owner))
    keys, begin, group = np.unique(key[order], return_index=True, return_inverse=True)
    top = np.lexsort((-segments.start[order[begin]], segments.owner[order[begin]]))
    first = order[begin[top]]
    room, taken = (np.bincount(group, x[order], len(keys))[top] for x in (segments.width, unpaid))
    taken = taken - _unmet(result, key, first)
    outside = book.stated_liabilities
    behind, among = _alone(segments, unpaid)
    apart, left = outside - among[0], outside - outcome.external_paid - among[1]
    apart, left = (np.where(x > ROUNDING * outside, x, 0.0) for x in (apart, left))
    whose, called, unmet = _calls_on(result)
    every = np.arange(n)
    who = np.concatenate([every, segments.owner[first], every, *([every] * len(whose))])
    frame = pd.DataFrame(
        {
            "node": net.names.take(who),
            "layer": np.concatenate(
                [
                    np.full(n, OWNERS, object),
                    np.array(names, object)[stage[first]],
                    np.full(n, OUTSIDE, object),
                    *(np.full(n, name, object) for name in whose),
                ]
            ),
            "capacity": np.concatenate([own, room, apart, *called]),
            "absorbed": np.concatenate([lost, taken, left, *unmet]),
        }
    )
    lead = _is_first(segments)[first]
    turn = np.where(lead, 0.2, np.arange(len(first)) + 1.0)
    calls_at = (np.full(n, ON_CALLS[name]) for name in whose)
    place = np.concatenate([np.zeros(n), turn, np.where(behind, 0.6, np.inf), *calls_at])
    hit = np.bincount(who, frame["absorbed"].to_numpy(), n) > 1e-12 * (book.claims + segments.due)
    shown = hit[who] & (frame["capacity"] > 0).to_numpy(bool)
    layer = np.arange(len(who)) < n + len(first)
    shown &= layer | (frame["absorbed"] > 0).to_numpy(bool)
    rows = np.lexsort((place, who))
    table: pd.DataFrame = frame.iloc[rows[shown[rows]]].reset_index(drop=True)
    return table


def _unmet(result: RunArrays, key: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Amount that the guarantors of a layer did not pay; the next layers bear it."""
    calls, unmet = result.network.segments.calls, result.outcome.unmet
    if calls is None or unmet is None or not calls.support.any():
        return np.zeros(len(first))
    q = len(unmet)
    drawn = calls.trigger.onto(np.where(calls.support, np.arange(q), -1), q)
    rows = np.flatnonzero(drawn.totals() > 0)
    part = drawn.explicit(rows).tocoo()
    at = np.full(q, -1)
    at[part.col] = key[rows[part.row]]
    keys, number = np.unique(key[first], return_inverse=True)
    own = np.flatnonzero(at >= 0)
    return np.asarray(np.bincount(np.searchsorted(keys, at[own]), unmet[own], len(keys))[number])


def _is_first(segments: Segments) -> np.ndarray:
    """(S,) bool: segments of support that is called right after the equity."""
    if segments.calls is None:
        return np.zeros(len(segments.owner), bool)
    return segments.calls.first_segments


def _calls_on(result: RunArrays) -> tuple[list[str], list[np.ndarray], list[np.ndarray]]:
    """Calls on each node as a guarantor, by ranking: names, called and unpaid, (n,) each."""
    calls, outcome = result.network.segments.calls, result.outcome
    if calls is None or outcome.called is None or outcome.unmet is None:
        return [], [], []
    mine = [calls.ranking == rank for rank in (JUNIOR, PARI_PASSU, SENIOR)]

    def by_rank(money: np.ndarray) -> list[np.ndarray]:
        return [np.bincount(calls.guarantor, money * at, len(result.network)) for at in mine]

    return list(ON_CALLS), by_rank(outcome.called), by_rank(outcome.unmet)


def _stages(result: RunArrays) -> tuple[np.ndarray, list[str]]:
    """Layer of every segment, and the names; without a waterfall the rule of the debtor."""
    segments = result.network.segments
    if segments.stage is not None:
        return segments.stage, list(segments.layers)
    rules, of = result.network.distinct_rules()
    return of[segments.owner], [rule.word.replace("_", " ") for rule in rules]


def _alone(segments: Segments, unpaid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Creditors outside the graph: those that share no segment with a claim have their own layer.

    Returns whether external creditors lose before every claim of the node (n,), and for those that
    share segments with claims the amounts owed and lost, (2, n).
    """
    n, owner, width = len(segments.due), segments.owner, segments.width
    support, lead = np.zeros((2, len(owner)), bool)
    if segments.calls is not None:
        q = segments.calls
        support = q.trigger.onto(np.where(q.support, 0, -1), 1).totals() > 0
        lead = q.first_segments
    part = np.where(support, 0.0, 1.0 - segments.inside)
    among = np.stack([np.bincount(owner, part * x, n) for x in (width, unpaid)])
    top = np.zeros(n)
    np.maximum.at(top, owner, np.where(lead, 0.0, segments.start + width))
    whole = segments.due + np.bincount(owner, np.where(support & ~lead, width, 0.0), n)
    return top < whole * (1 - ROUNDING), among


def calls(result: RunArrays) -> pd.DataFrame:
    """Amounts called from the guarantees, one row each, in the unit of the network.

    Columns: guarantor, debtor, creditor (empty for support paid to the debtor), layer, ranking,
    amount (the largest possible call), called, paid, unpaid.
    """
    table = result.network.guarantees
    keys = ["guarantor", "debtor", "creditor", "layer", "ranking", "amount"]
    if table is None:
        return pd.DataFrame(columns=[*keys, "called", "paid", "unpaid"])
    called, unmet = result.outcome.called, result.outcome.unmet
    assert called is not None and unmet is not None
    return table[keys].assign(called=called, paid=called - unmet, unpaid=unmet)


def loss_flows(result: RunArrays) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Losses that one node passed to another: debtors, nodes with the loss, amounts.

    A claim passes on its loss minus the part covered by guarantors. A guarantor loses the amounts
    called for the debtor and passes on the unpaid part of them. A company passes on the fall of its
    equity to the nodes that own it. Counted from the baseline.
    """
    net, lost = result.network, result.added_losses
    own = net.debtor, net.creditor, lost
    if net._shareholdings is not None:
        owner, company, fell = share_losses(result)
        source, target = np.append(net.debtor, company), np.append(net.creditor, owner)
        own = source, target, np.append(lost, fell)
    segments = net.segments
    if segments.calls is None or result.outcome.called is None:
        return own
    called, unmet = added_calls(result)
    q = segments.calls
    n = np.int64(len(net))
    pair = q.debtor * n + q.beneficiary
    keys, at = np.unique(pair, return_inverse=True)
    covered = np.bincount(at, np.where(q.support, 0.0, called), len(keys))
    mine = net.debtor * n + net.creditor
    place = np.minimum(np.searchsorted(keys, mine), len(keys) - 1)
    match = keys[place] == mine
    gross = np.bincount(place[match], lost[match], len(keys))
    rate = np.minimum(covered / np.where(gross > 0, gross, 1.0), 1.0)
    kept = np.where(match, lost * (1.0 - rate[place]), lost)
    return (
        np.concatenate([net.debtor, q.debtor, q.guarantor]),
        np.concatenate([net.creditor, q.guarantor, q.beneficiary]),
        np.concatenate([kept, called, unmet]),
    )


def share_losses(result: RunArrays) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Losses on shares, one entry a holding: positions of owners and of companies, amounts.

    A holding loses its fraction of the fall of `max(equity, 0)`, counted from the baseline.
    """
    held = result.network.ownership.tocoo()
    holder, company = held.coords
    start, end = (np.nan_to_num(x) for x in (result.equity_before, result.outcome.equity))
    fall = np.maximum(start, 0.0) - np.maximum(end, 0.0)
    size = np.abs(start) + result.network.book.claims + result.network.segments.due
    fall = np.where(np.abs(fall) > ROUNDING * size, fall, 0.0)
    return holder, company, held.data * fall[company]


def added_calls(result: RunArrays) -> tuple[np.ndarray, np.ndarray]:
    """(Q,) calls and unpaid calls, counted from the baseline."""

    def of(outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
        assert outcome.called is not None and outcome.unmet is not None
        return outcome.called, outcome.unmet

    called, unmet = of(result.outcome)
    before = of(result.start)
    return np.maximum(called - before[0], 0.0), np.maximum(unmet - before[1], 0.0)


def channels(result: RunArrays) -> pd.DataFrame:
    """Loss of owners by channel, one row a node: direct and one column a channel.

    A row sums to `result.loss`. The shock reduces equity first. If the losses of all channels
    exceed the remaining equity, they are reduced in proportion, so their order does not matter.
    Losses are counted from the baseline of the result. A channel is negative if it destroys less
    than without the shock (assets already destroyed cannot fall in price). The losses before the
    cap at equity are in `result.outcome.channels`.

    Example
    -------
    b has equity of 6 and loses 10 on its claim; a withdraws no funding from it.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", equity=[1, 6])
    >>> ct.models.CreditFunding().propagate(net, ct.Shock.default("a")).channels.loc["b"].tolist()
    [0.0, 6.0, 0.0, 0.0]
    """
    before = result.start.channels or {}
    most = np.where(result.limited, np.maximum(result.equity_before, 0.0), np.inf)
    direct = np.minimum(np.minimum(result.entries.initial, most), result.loss)
    direct = np.maximum(direct, 0.0)
    gross = {
        name: money - before.get(name, 0.0)
        for name, money in (result.outcome.channels or {}).items()
    }
    if "price" in gross:  # a pinned default destroys assets at the prices of the reference
        assert result.reference.channels is not None
        fell = result.reference.channels["price"]
        gross["price"] = gross["price"] + np.where(result.pinned, fell, 0.0)
    cut = np.sum(list(gross.values()), axis=0) - (result.loss - direct)
    able = {n: np.where(np.sign(x) == np.sign(cut), x, 0.0) for n, x in gross.items()}
    whole = np.sum(list(able.values()), axis=0)
    share = cut / np.where(whole != 0, whole, 1.0)
    parts = {name: money - share * able[name] for name, money in gross.items()}
    return pd.DataFrame({"direct": direct, **parts}, index=result.network.names)
