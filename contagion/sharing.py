"""How each node shared its shortfall: layer by layer, call by call, and where the losses went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .kernels.segments import Segments
from .matrices import rules_of
from .rules.compile import SUPPORT

if TYPE_CHECKING:
    from .results import Outcome, PropagationResult

OWNERS, OUTSIDE = "equity", "external creditors"
COLUMNS = ["node", "layer", "capacity", "absorbed"]


def layers(result: PropagationResult) -> pd.DataFrame:
    """The waterfall of every node that lost anything: node, layer, capacity, absorbed (money).

    First the equity of the node, then the layers of its rule in the order in which they lose
    ("support" are calls on guarantors without a layer, "other claims" what the rule puts on
    nobody), then external creditors who lose and are not among the claims. Losses count from face
    value. For one node the amounts absorbed sum to what hit it: its own loss and what it passed
    on, calls met by guarantors included.
    """
    net, outcome = result.network, result.outcome
    segments, book = net.segments, net.book
    assert outcome.unpaid is not None and outcome.external_paid is not None
    n = len(net)
    stage, names = _stages(result)
    unpaid = outcome.unpaid
    own, lost = np.maximum(book.equity, 0.0), np.nan_to_num(result.loss)
    key = segments.owner * np.int64(len(names)) + stage
    order = np.lexsort((-segments.start, segments.owner))
    first = order[np.unique(key[order], return_index=True)[1]]
    first = first[np.lexsort((-segments.start[first], segments.owner[first]))]
    room, taken = (
        np.bincount(key, x, n * len(names))[key[first]] for x in (segments.width, unpaid)
    )
    outside = np.nan_to_num(book.external_liabilities)
    left = outside - outcome.external_paid
    who = np.concatenate([np.arange(n), segments.owner[first], np.arange(n)])
    frame = pd.DataFrame(
        {
            "node": net.names.take(who),
            "layer": np.concatenate(
                [
                    np.full(n, OWNERS, object),
                    np.array(names, object)[stage[first]],
                    np.full(n, OUTSIDE, object),
                ]
            ),
            "capacity": np.concatenate([own, room, _ahead(segments, outside)]),
            "absorbed": np.concatenate([lost, taken, np.where(_apart(segments), left, 0.0)]),
        }
    )
    place = np.concatenate([np.zeros(n), np.arange(len(first)) + 1, np.full(n, np.inf)])
    hit = np.bincount(who, frame["absorbed"].to_numpy(), n) > 1e-12 * (book.claims + segments.due)
    shown = hit[who] & (frame["capacity"] > 0).to_numpy(bool)
    shown &= (frame["absorbed"] > 0).to_numpy(bool) | (place < np.inf)
    frame["absorbed"] -= _unmet(result, frame)
    rows = np.lexsort((place, who))
    table: pd.DataFrame = frame.iloc[rows[shown[rows]]].reset_index(drop=True)
    return table


def _unmet(result: PropagationResult, frame: pd.DataFrame) -> np.ndarray:
    """What a layer of calls did not absorb, because guarantors did not pay; it goes on down."""
    table = calls(result)
    support = table[table["creditor"].isna()]
    if support.empty:
        return np.zeros(len(frame))
    layer = support["layer"].where(support["layer"].notna(), SUPPORT)
    missing = support["unpaid"].groupby([support["debtor"], layer]).sum()
    keys = pd.MultiIndex.from_frame(frame[["node", "layer"]])
    return missing.reindex(keys, fill_value=0.0).to_numpy(float)


def _stages(result: PropagationResult) -> tuple[np.ndarray, list[str]]:
    """Layer of every segment, and the names; without a waterfall it is the rule of the owner."""
    segments = result.network.segments
    if segments.stage is not None:
        return segments.stage, list(segments.layers)
    rules, of = rules_of(result.network)
    return of[segments.owner], [rule.word.replace("_", " ") for rule in rules]


def _apart(segments: Segments) -> np.ndarray:
    """(n,) nodes whose external creditors are paid before every claim in the graph."""
    n = len(segments.due)
    least = np.full(n, np.inf)
    np.minimum.at(least, segments.owner, segments.start)
    return np.asarray(least > 0)


def _ahead(segments: Segments, outside: np.ndarray) -> np.ndarray:
    return np.where(_apart(segments), outside, 0.0)


def calls(result: PropagationResult) -> pd.DataFrame:
    """What the guarantees were called for, one row each, in money.

    Columns: guarantor, debtor, creditor (empty for support paid into the debtor), layer, ranking,
    amount (the most that could be called), called, paid, unpaid.
    """
    table = result.network.guarantees
    keys = ["guarantor", "debtor", "creditor", "layer", "ranking", "amount"]
    if table is None:
        return pd.DataFrame(columns=[*keys, "called", "paid", "unpaid"])
    called, unmet = result.outcome.called, result.outcome.unmet
    assert called is not None and unmet is not None
    return table[keys].assign(called=called, paid=called - unmet, unpaid=unmet)


def loss_flows(result: PropagationResult) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every loss that one node passed to another: rows of debtors, of those who lost, money.

    A claim passes on what it loses less what guarantors cover; a guarantor loses what it is
    called for on the debtor, and passes on what it does not pay. Counted from the baseline.
    """
    net, lost = result.network, result.added_losses
    own = net.debtor, net.creditor, lost
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


def added_calls(result: PropagationResult) -> tuple[np.ndarray, np.ndarray]:
    """(Q,) calls and unmet calls, counted from the baseline."""

    def of(outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
        assert outcome.called is not None and outcome.unmet is not None
        return outcome.called, outcome.unmet

    called, unmet = of(result.outcome)
    if result.reference is None:
        return called, unmet
    before = of(result.reference)
    return np.maximum(called - before[0], 0.0), np.maximum(unmet - before[1], 0.0)
