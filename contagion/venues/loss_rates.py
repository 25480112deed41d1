"""The rate at which a loss is charged: haircut, share of profits, per unit of open interest, index.

These are the closed forms beside the rules of `contagion.rules`, which share a loss claim by
claim: here is the one number per venue that its own documents or contracts compute.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers, ratio


def uniform_haircut(assets: ArrayLike, liabilities: ArrayLike) -> Numbers:
    """The haircut that makes every claim equal to what is there: h = max(0, 1 − A / L).

    Which claims stand in L, the perimeter, decides: for Bitfinex 0.36067 was published over all
    accounts and assets.

    Parameters
    ----------
    assets, liabilities : money in one unit, >= 0.

    Returns
    -------
    Share of each claim that is cut, 0 to 1; 0 where nothing is owed.

    Raises
    ------
    ArgumentError : a negative or infinite amount.

    Example
    -------
    Bitfinex if only bitcoin had borne it: 119,756 of 243,352 coins stolen.

    >>> round(uniform_haircut(243_352 - 119_756, 243_352), 3)
    0.492

    Source: Bitfinex statements of August 2016, after the project's notes.
    """
    held, owed = numbers("assets", assets, 0), numbers("liabilities", liabilities, 0)
    return answer(np.maximum(1 - ratio(held, owed, 1.0), 0.0), held, owed)


def clawback_rate(shortfall: ArrayLike, profits: ArrayLike) -> Numbers:
    """The equal share of net profits that covers a shortfall: rate = L / Σ max(0, profit).

    OKEx, 2018: after the fund, over accounts with a net profit in all contracts of the week.

    Parameters
    ----------
    shortfall : (...) what the fund did not cover, money, >= 0.
    profits : (..., n) net profit of each account; losses count as zero.

    Returns
    -------
    Share of each profit that is taken, at most 1 (then a rest stays uncovered); 0 without a
    shortfall, nan where there are no profits to charge.

    Raises
    ------
    ArgumentError : a negative shortfall, or profits without an axis of accounts.

    Example
    -------
    >>> clawback_rate(12, [50, 30, -10, 20])
    0.12

    Source: OKEx notice of August 2018 as quoted in press, after the project's notes.
    """
    loss, gain = numbers("shortfall", shortfall, 0), numbers("profits", profits)
    if gain.ndim == 0:
        raise ArgumentError("profits must have an axis of accounts, the last one.")
    base = np.maximum(gain, 0.0).sum(-1)
    rate = np.where(loss == 0, 0.0, np.minimum(ratio(loss, base), 1.0))
    return answer(rate, loss, base)


@dataclass(frozen=True)
class PerpSocialization:
    """Who bears the loss of a perpetual market, money; the parts add up to the loss.

    `fund` + `fees` + `socialized`; `per_unit` is charged on every unit of open interest.
    """

    fund: Numbers
    fees: Numbers
    socialized: Numbers
    per_unit: Numbers


def drift_perp_loss(
    loss: ArrayLike,
    open_long: ArrayLike,
    open_short: ArrayLike,
    *,
    fund: ArrayLike = 0.0,
    market_limit: ArrayLike = np.inf,
    fee_pool: ArrayLike = 0.0,
) -> PerpSocialization:
    """Insurance fund, fee pool and charge per unit of open interest in a Drift perp market.

    fund pays min(loss, fund, market limit), the fee pool min(rest, fee pool), and the remainder is
    charged through the cumulative funding: d = rest / (|open_long| + |open_short|), on both
    sides. The contract keeps one smallest unit in the vault and rounds d up; this does not.

    Parameters
    ----------
    loss : bankruptcy loss, money, >= 0.
    open_long, open_short : open interest in base units; only the size counts.
    fund : balance of the insurance vault. market_limit : what the market may still draw from it.
    fee_pool : balance of the market's fee pool. All >= 0.

    Returns
    -------
    PerpSocialization

    Raises
    ------
    ArgumentError : a negative amount, or a remainder with no open interest to bear it.

    Example
    -------
    Loss 100, cap 30, fee pool 10: 60 on 3,000 units.

    >>> drift_perp_loss(100, 2_000, -1_000, fund=500, market_limit=30, fee_pool=10)
    PerpSocialization(fund=30.0, fees=10.0, socialized=60.0, per_unit=0.02)

    Source: drift-labs/protocol-v2, programs/drift/src/math/liquidation.rs (function
    calculate_funding_rate_deltas_to_resolve_bankruptcy), read @ 0069fa3, where d is rounded
    down; order of the layers and rounding up after the project's notes (@ 0ae3e3b).
    """
    lost, vault = numbers("loss", loss, 0), numbers("fund", fund, 0)
    long, short = numbers("open_long", open_long), numbers("open_short", open_short)
    most, pool = (
        numbers("market_limit", market_limit, 0, infinite=True),
        numbers("fee_pool", fee_pool, 0),
    )
    paid = np.minimum(np.minimum(lost, vault), most)
    fees = np.minimum(lost - paid, pool)
    rest, base = lost - paid - fees, np.abs(long) + np.abs(short)
    if ((rest > 0) & (base == 0)).any():
        raise ArgumentError(
            "open_long and open_short must not both be zero where a loss is left to socialize."
        )
    given = (lost, vault, most, pool)
    return PerpSocialization(
        answer(paid, lost, vault, most),
        answer(fees, *given),
        answer(rest, *given),
        answer(ratio(rest, base, 0.0), *given, base),
    )


def drift_deposit_index(index: ArrayLike, loss: ArrayLike, deposits: ArrayLike) -> Numbers:
    """The deposit index of a Drift spot market after a loss: index × (1 − loss / deposits).

    All deposits of the token bear it pro rata at once.

    Parameters
    ----------
    index : cumulative deposit interest, > 0.
    loss : what the insurance fund left of the borrow, >= 0, in the token.
    deposits : all deposits with interest, > 0, in the token.

    Returns
    -------
    The new index, >= 0.

    Raises
    ------
    ArgumentError : an amount out of range, or a loss above the deposits.

    Example
    -------
    Index 1.10, borrow 50 of which the fund pays 20, deposits 1,000.

    >>> round(drift_deposit_index(1.10, 50 - 20, 1_000), 6)
    1.067

    Source: drift-labs/protocol-v2, programs/drift/src/math/liquidation.rs (function
    calculate_cumulative_deposit_interest_delta_to_resolve_bankruptcy), read @ 0069fa3.
    """
    old, lost = numbers("index", index, above=0), numbers("loss", loss, 0)
    total = numbers("deposits", deposits, above=0)
    if (lost > total).any():
        raise ArgumentError("loss must not exceed deposits: there is nobody left to bear the rest.")
    return answer(old * (1 - lost / total), old, lost, total)
