"""When deleveraging starts and what it can raise: drawdown of a fund, deficit and budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers, ratio


@dataclass(frozen=True)
class FundDrawdown:
    """Drawdown of a fund over time.

    Attributes
    ----------
    peak : highest balance in the window that ends at each moment.
    drawdown : (peak − balance) / peak, 0 to 1; nan while the peak is 0 or unknown.
    triggered : drawdown >= threshold; False where the drawdown is nan.
    """

    peak: np.ndarray
    drawdown: np.ndarray
    triggered: np.ndarray


def fund_drawdown(
    balance: ArrayLike, *, window: int = 8, threshold: ArrayLike = 0.30
) -> FundDrawdown:
    """Fall of an insurance fund from its rolling peak, the trigger of deleveraging at Bybit.

    drawdown = (highest balance of the last `window` readings − balance) / that highest balance

    Bybit: threshold 0.30 over 8 hours for shared pools (from December 2025), 1.00 for isolated
    pools. OKX: 30 % from the peak (unverified, medium confidence).

    Parameters
    ----------
    balance : (..., time) balances of the fund, >= 0, money.
    window : readings to look back, this one included (8 for hourly balances).
    threshold : drawdown at which deleveraging may start, above 0 and at most 1.

    Returns
    -------
    FundDrawdown

    Raises
    ------
    ArgumentError : a negative balance, no axis of time, a window below 1, a threshold out of range.

    Example
    -------
    >>> fund = fund_drawdown([100, 120, 90, 80, 85], window=3)
    >>> fund.drawdown.round(3), fund.triggered
    (array([0.   , 0.   , 0.25 , 0.333, 0.056]), array([False, False, False,  True, False]))

    Source: Bybit help centre, 2025-11-05, after the project's notes.
    """
    held = numbers("balance", balance, 0)
    limit = numbers("threshold", threshold, high=1, above=0)
    if held.ndim == 0:
        raise ArgumentError("balance must have an axis of time, the last one.")
    if window < 1:
        raise ArgumentError(f"window must be at least 1 reading, but is {window!r}.")
    before = np.full((*held.shape[:-1], window - 1), -np.inf)
    peak = sliding_window_view(np.concatenate([before, held], axis=-1), window, axis=-1).max(-1)
    fall = ratio(peak - held, peak)
    return FundDrawdown(peak, fall, fall >= limit)


@dataclass(frozen=True)
class DeleveragingBudget:
    """What deleveraging has to raise and what it can raise.

    Attributes
    ----------
    endowment : (..., n) profit of each account, the most it can lose.
    deficit : (...) D, sum of what accounts with negative equity are short of.
    wealth : (...) W, sum of the positive equity of the others.
    budget : (...) B = θ D, the part of the deficit to be raised.
    capacity : (...) U, sum of the endowments.
    """

    endowment: np.ndarray
    deficit: Numbers
    wealth: Numbers
    budget: Numbers
    capacity: Numbers

    @property
    def feasible(self) -> np.ndarray:
        """(...) Can the budget be raised, B <= U? False where either is unknown."""
        return np.asarray(self.budget) <= np.asarray(self.capacity)

    @property
    def solvent(self) -> np.ndarray:
        """(...) Is there more equity than deficit, W > D? It does not make the loss coverable."""
        return np.asarray(self.wealth) > np.asarray(self.deficit)


def deleveraging_budget(
    pnl: ArrayLike, equity: ArrayLike, *, theta: ArrayLike = 1.0
) -> DeleveragingBudget:
    """Endowments, deficit, budget and feasibility of a round of deleveraging.

    w_i = max(0, pnl_i), D = Σ max(0, −equity_i), B = θ D, feasible when B <= U = Σ w_i

    Only profits can be taken, principal is returned: a venue can hold more equity than it is
    short of (W > D) and still not be able to cover the deficit (U < D).

    Parameters
    ----------
    pnl : (..., n) profit or loss of each account, money.
    equity : (..., n) equity of each account, money.
    theta : (...) part of the deficit to be raised, 0 to 1; the fund bears the rest.

    Returns
    -------
    DeleveragingBudget

    Raises
    ------
    ArgumentError : no axis of accounts, or theta outside 0 to 1.

    Example
    -------
    Two winners with 80 of profit in 300 of equity, one loser 90 short: solvent, not feasible.

    >>> venue = deleveraging_budget([50, 30, -190], [200, 100, -90])
    >>> venue.budget, venue.capacity, bool(venue.solvent), bool(venue.feasible)
    (90.0, 80.0, True, False)

    Source: Chitra et al., arXiv 2512.01112 in the corrected version
    (pluriholonomic/autodeleveraging-analysis @ aae0be8), after the project's notes.
    """
    gain, own = numbers("pnl", pnl), numbers("equity", equity)
    part = numbers("theta", theta, 0, 1)
    gain, own = np.broadcast_arrays(gain, own)
    if gain.ndim == 0:
        raise ArgumentError("pnl and equity must have an axis of accounts, the last one.")
    deficit = np.maximum(-own, 0.0).sum(-1)
    endowment = np.maximum(gain, 0.0)
    return DeleveragingBudget(
        endowment,
        answer(deficit),
        answer(np.maximum(own, 0.0).sum(-1)),
        answer(part * deficit),
        answer(endowment.sum(-1)),
    )
