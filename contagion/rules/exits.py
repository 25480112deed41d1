"""First come, first served: the value of the place in the queue to each claimant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ArgumentError, RuleError
from ..parallel import bar
from ..vocabulary import CONFIDENCE, Rng
from . import claims as tables
from .order import FirstCome

CHUNK = 2**21  # random keys in memory at a time


def exit_values(
    loss: float,
    claims: Any,
    *,
    samples: int = 10_000,
    confidence: float = CONFIDENCE,
    rng: Rng = None,
    progress: bool = False,
) -> pd.DataFrame:
    """The loss of each claim if it exits first, last, in a given order and in a random order.

    Claims `c_k` with sum C are paid one after the other, in the order of exit, from the assets
    `A = max(C − L, 0)`. With `S_k` the sum of the claims that exit after k, claim k loses

        loss_k = clip(L − S_k, 0, c_k)

    Claims are paid in full if at least L of the claims exit after them. The columns:

        loss_first     = max(c_k − A, 0)                          all others exit after k
        loss_last      = min(c_k, L)                              no other exits after k
        loss_in_order  = loss_k in the order of the column `exit` (:class:`FirstCome`)
        loss_pro_rata  = c_k min(L / C, 1)                        no queue
        expected_loss  = mean of loss_k over uniformly random orders of all claims
        standard_error = standard deviation of loss_k over the draws / √draws
        band_low, band_high = quantiles (1 − confidence)/2 and (1 + confidence)/2 of loss_k over
                         the draws: the smallest loss with at least that share of the draws at or
                         below it
        value_of_exiting_first = expected_loss − loss_first
        value_against_order    = loss_in_order − loss_first

    The order is given or random; the strategic behaviour of claimants (an equilibrium) is not
    modelled. In a random order all claims exit; in the given order claims without an `exit` stay.
    Two claims of one claimant have two places in the queue. `loss_first` is exact, so
    `standard_error` is also that of `value_of_exiting_first`; `expected_loss` sums to the loss for
    any draws. The band shows the spread of the loss over orders, not the precision of the mean.

    Parameters
    ----------
    loss : money >= 0 that has to be borne; if it exceeds all claims, they lose everything.
    claims : table with one row a claim: claimant, amount (money >= 0), and `exit` if there is an
        order (lowest first, empty: stays). pandas, or anything narwhals reads.
    samples : number of random orders, at least 2. Work grows with `samples` × K log K, memory with
        `samples` + K.
    rng : a generator or a seed. The result does not depend on the order of rows.
    progress : show a progress bar.
    confidence : share of the draws inside the band, between 0 and 1.

    Returns
    -------
    DataFrame
        One row a claim, in the order of the table: claimant, amount, and the columns above, all
        money; `loss_in_order` and `value_against_order` are nan without a column `exit`.

    Raises
    ------
    RuleError
        For a loss that is negative or not finite, and claims that are not usable.
    ArgumentError
        For fewer than two draws, or a confidence that is not between 0 and 1.

    Example
    -------
    Claims of 30 and 10, assets of 20. The claim of 30 loses 10 if it is first and 20 if it is last:

    >>> from contagion import rules
    >>> claims = {"claimant": ["a", "b"], "amount": [30.0, 10.0], "exit": [2, 1]}
    >>> found = rules.exit_values(20, claims, rng=1).set_index("claimant")
    >>> found.loc["a", ["loss_first", "loss_last", "loss_in_order", "loss_pro_rata"]].tolist()
    [10.0, 20.0, 20.0, 15.0]
    >>> found["expected_loss"].round().tolist()        # (10 + 20) / 2 and (0 + 10) / 2
    [15.0, 5.0]

    Source: the sequential service constraint of Diamond & Dybvig (1983), Journal of Political
    Economy 91(3), with the order of service given or random.
    """
    if not (np.isfinite(loss) and loss >= 0):
        raise RuleError(f"The loss is {loss}; it has to be money >= 0.")
    if samples < 2:
        raise ArgumentError(f"samples={samples}: two random orders at least, for a standard error.")
    if not 0 < confidence < 1:
        raise ArgumentError(
            f"confidence={confidence}: the part of the draws in the band is between 0 and 1."
        )
    table, found = tables.read(claims)
    amount, total = found.amount, float(found.amount.sum())
    given = np.full(len(amount), np.nan)
    if "exit" in found.columns:
        given = FirstCome().allocate(loss, table).table["loss"].to_numpy()
    first = np.maximum(amount - max(total - loss, 0.0), 0.0)
    # random keys are assigned in sorted order, so that the result does not depend on the row order
    own = table.assign(claimant=table["claimant"].astype(str), amount=amount, place=given)
    order = own.sort_values(["claimant", "amount", "place"], kind="stable").index.to_numpy()
    drawn = np.empty((4, len(amount)))
    generator = np.random.default_rng(rng)
    with bar(progress, "exits", samples, "order") as move:
        drawn[:, order] = _drawn(float(loss), amount[order], samples, generator, confidence, move)
    expected, error, low, high = drawn
    return pd.DataFrame(
        {
            "claimant": table["claimant"].to_numpy(),
            "amount": amount,
            "loss_first": first,
            "loss_last": np.minimum(amount, loss),
            "loss_in_order": given,
            "loss_pro_rata": amount * min(loss / total, 1.0) if total > 0 else 0.0 * amount,
            "expected_loss": expected,
            "standard_error": error,
            "band_low": low,
            "band_high": high,
            "value_of_exiting_first": expected - first,
            "value_against_order": given - first,
        }
    )


def _drawn(
    loss: float,
    amount: np.ndarray,
    samples: int,
    rng: np.random.Generator,
    confidence: float,
    move: Callable[[int], object],
) -> np.ndarray:
    """Mean, its standard error, and both quantiles (4, K) of the losses over random orders.

    In each order some claims lose everything, at most one loses a part, and the others nothing. So
    counts (K,) and one partial loss for each draw are sufficient; no (draws, K) array is kept.
    """
    k = len(amount)
    gone, hit, part = np.zeros(k), np.zeros(samples, np.int64), np.full(samples, np.nan)
    step = max(1, CHUNK // max(k, 1))
    for begin in range(0, samples if k else 0, step):
        rows = np.arange(begin, min(begin + step, samples))
        move(len(rows))
        last_first = np.argsort(rng.random((len(rows), k)), axis=1)  # the last exit loses first
        reached = np.cumsum(amount[last_first], axis=1)
        whole = reached <= loss
        gone += np.bincount(last_first[whole], minlength=k)
        at = whole.sum(axis=1)
        some = np.flatnonzero(at < k)
        before = np.where(at > 0, reached[np.arange(len(rows)), np.maximum(at - 1, 0)], 0.0)
        hit[rows[some]] = last_first[some, at[some]]
        part[rows[some]] = loss - before[some]
    partly = np.flatnonzero(part > 0)
    partly = partly[np.lexsort((part[partly], hit[partly]))]
    who, money = hit[partly], np.minimum(part[partly], amount[hit[partly]])
    count = np.bincount(who, minlength=k)
    mean = (gone * amount + np.bincount(who, money, k)) / samples
    spread = gone * (amount - mean) ** 2 + (samples - gone - count) * mean**2
    spread += np.bincount(who, (money - mean[who]) ** 2, k)
    bands = []
    for q in ((1 - confidence) / 2, (1 + confidence) / 2):
        untouched = samples - gone - count
        rank = np.ceil(q * samples - 1e-9).clip(1, samples) - untouched  # among partial losers
        inside = (rank >= 1) & (rank <= count)
        at = np.cumsum(count) - count + np.where(inside, rank, 1.0).astype(np.int64) - 1
        inner = money[at[inside]]
        band = np.where(rank < 1, 0.0, amount)
        band[inside] = inner
        bands.append(band)
    return np.array([mean, np.sqrt(spread / (samples - 1) / samples), *bands])
