"""Debts as shares of a pool: they grow with an index, are burned, or are passed to others.

    debt_k = shares_k × index

Interest raises the index, and with it every debt (`grown`). Bad debt ends in one of two ways. Its
shares are burned, and suppliers lose the amount of the bad debt (`burned`: Morpho Blue, Kamino,
Drift). Or the other debtors take it over in proportion to their stakes, and suppliers lose nothing
(`redistributed`: Liquity). Where suppliers stay at par (Aave v3, Venus, Fluid, Compound v3) shares
are also burned, and the bad debt is recorded as a deficit, as negative reserves or in the exchange
rate: see their rules.

These formulas are also available in the files of the venues, e.g. `contagion.venues.morpho.burned`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, answers, numbers, ratio


def grown(index: ArrayLike, rate: ArrayLike, elapsed: ArrayLike, *, order: int = 3) -> Numbers:
    """The index of debts after interest: index × (1 + x + x²/2 + x³/6), x = rate × elapsed.

    All debts grow by the same factor, and the interest belongs to the suppliers (in Morpho Blue all
    of it, the fee as new supply shares; in Compound v3 without the part kept in the reserves).

    Parameters
    ----------
    index : index of the debts at the last update, > 0.
    rate : interest per unit of time, >= 0, constant since the last update.
    elapsed : time since then, >= 0, in the unit of the rate.
    order : highest power of x that the contract uses: 3 Morpho Blue, 1 Compound v3.

    Raises
    ------
    ValueError : an argument out of range.

    Example
    -------
    10 % a year, two years: x = 0.2, and 1 + 0.2 + 0.02 + 0.008/6 (e^0.2 is 1.221403).

    >>> round(grown(1.0, 0.10, 2), 6), round(grown(1.0, 0.10, 2, order=1), 6)
    (1.221333, 1.2)

    Source: morpho-org/morpho-blue, src/Morpho.sol (_accrueInterest), read @ 0187e94, and its
    wTaylorCompounded as an excerpt; compound-finance/comet, contracts/Comet.sol
    (accruedInterestIndices), as an excerpt.
    """
    old, part = numbers("index", index, above=0), numbers("rate", rate, 0)
    x = part * numbers("elapsed", elapsed, 0)
    if order < 1:
        raise ArgumentError(f"order must be at least 1, but is {order!r}.")
    terms = np.cumprod(x[..., None] / np.arange(1, order + 1), axis=-1)
    return answer(old * (1 + terms.sum(-1)), old, x)


@dataclass(frozen=True)
class Burned:
    """The remaining debts and supply; bad_debt = fund + suppliers, amounts.

    Attributes
    ----------
    shares : (..., n) remaining debt shares.
    bad_debt : (...) debt that is written off.
    fund : (...) part of it that a fund pays.
    suppliers : (...) part of it that the suppliers lose.
    supply_index : (...) index, or price of a share, of the suppliers afterwards.
    """

    shares: Numbers
    bad_debt: Numbers
    fund: Numbers
    suppliers: Numbers
    supply_index: Numbers


def burned(
    shares: ArrayLike,
    bad: ArrayLike,
    supply: ArrayLike,
    *,
    index: ArrayLike = 1.0,
    supply_index: ArrayLike = 1.0,
    fund: ArrayLike = 0.0,
) -> Burned:
    """Bad debt whose shares are burned: suppliers lose the debt that is written off, pro rata.

    bad debt B = index × Σ shares × bad;  a fund pays min(B, fund);
    supply index × (1 − (B − fund's part) / supply);  debt shares × (1 − bad)

    Parameters
    ----------
    shares : (..., n) debt shares by position, >= 0, after all collateral is sold.
    bad : (..., n) the share written off, 0 to 1; true or false for whole positions.
    supply : (...) claims of the suppliers with interest, an amount > 0.
    index, supply_index : (...) of debts and of supply, > 0.
    fund : (...) amount that pays before suppliers, >= 0 (the insurance vault of Drift).

    Raises
    ------
    ValueError : an argument out of range, no axis of positions, or a loss above the supply.

    Example
    -------
    Supply 1,000 at index 1.10; 40 shares at 1.25 are bad debt, 50, of which a fund pays 20:

    >>> done = burned([40, 160], [True, False], 1_000, index=1.25, supply_index=1.10, fund=20)
    >>> done.shares.tolist(), done.bad_debt, done.suppliers, round(done.supply_index, 6)
    ([0.0, 160.0], 50.0, 30.0, 1.067)

    Source: morpho-org/morpho-blue, src/Morpho.sol (liquidate: supply and debts fall by the bad
    debt, the shares of the borrower are set to 0), read @ 0187e94; Kamino-Finance/klend
    (forgive_debt), as an excerpt; drift-labs/protocol-v2, programs/drift/src/math/liquidation.rs
    (calculate_cumulative_deposit_interest_delta_to_resolve_bankruptcy), read @ 0069fa3.
    """
    held, part = _positions("shares", shares), numbers("bad", bad, 0, 1)
    total, vault = numbers("supply", supply, above=0), numbers("fund", fund, 0)
    each, price = numbers("index", index, above=0), numbers("supply_index", supply_index, above=0)
    lost = (held * part).sum(-1) * each
    paid = np.minimum(lost, vault)
    rest = lost - paid
    if (rest > total * (1 + 1e-12)).any():  # tolerance for rounding where all debts are bad
        raise ArgumentError("bad debt must not exceed the fund and the supply together.")
    left = price * np.maximum(1 - rest / total, 0.0)
    sums = answers((lost, paid, rest, left), lost, total, vault, price)
    return Burned(answer(held * (1 - part), held, part), *sums)


def redistributed(amount: ArrayLike, stake: ArrayLike) -> np.ndarray:
    """The part of a debt, or of its collateral, that each remaining debtor takes over, by stake.

    amount_k = amount × stake_k / Σ stake

    Suppliers lose nothing: the sum of debts does not change. The contract adds amount / Σ stake to
    a sum per unit of stake, an index that grows like an interest index. A trove's stake is its
    collateral, corrected for redistributions that it has not yet been credited with.

    Parameters
    ----------
    amount : (...) debt or collateral that is redistributed, >= 0.
    stake : (..., n) stakes of the debtors that remain, >= 0.

    Returns
    -------
    Array (..., n).

    Raises
    ------
    ArgumentError : a negative amount, no axis of debtors, or no debtor with a stake.

    Example
    -------
    >>> redistributed([600, 626.85], [1_000, 3_000])
    array([[150.    , 450.    ],
           [156.7125, 470.1375]])

    Source: liquity/dev, packages/contracts/contracts/TroveManager.sol (_redistributeDebtAndColl,
    _computeNewStake), read @ 048ae7a.
    """
    passed, weight = numbers("amount", amount, 0), _positions("stake", stake)
    total = weight.sum(-1)
    if ((total == 0) & (passed > 0)).any():
        raise ArgumentError("stake must not be zero for every debtor that takes over the debt.")
    return np.asarray(passed[..., None] * ratio(weight, total[..., None], 0.0))


def _positions(name: str, values: ArrayLike) -> np.ndarray:
    array = numbers(name, values, 0)
    if array.ndim == 0:
        raise ArgumentError(f"{name} must have an axis of positions, the last one.")
    return array
