"""Aave v3: health factor, the largest liquidation that the code allows, deficit; Umbrella."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..liquidation.loan_liquidation import LoanLiquidation, settle
from ..statistics.arrays import Numbers, answer, numbers, ratio


def aave_health(
    collateral: ArrayLike, debt: ArrayLike, *, threshold: ArrayLike, axis: int | None = None
) -> Numbers:
    """The health factor of accounts: Σ collateral × liquidation threshold / debt.

    Below 1 an account can be liquidated.

    Parameters
    ----------
    collateral : values in the base currency, >= 0.
    debt : value of all debt of the account, >= 0.
    threshold : liquidation threshold of each asset, 0 to 1.
    axis : axis of `collateral` that lists the assets of one account; None for one asset each.

    Returns
    -------
    The health factor; inf without debt.

    Raises
    ------
    ArgumentError : an argument out of range.

    Example
    -------
    >>> round(aave_health(10_000, 8_500, threshold=0.83), 3)
    0.976
    >>> aave_health([6_000, 4_000], 8_000, threshold=[0.8, 0.9], axis=-1)
    1.05

    Source: aave-dao/aave-v3-origin, GenericLogic.calculateUserAccountData, after the project's
    notes.
    """
    held, owed = numbers("collateral", collateral, 0), numbers("debt", debt, 0)
    counted = held * numbers("threshold", threshold, 0, 1)
    if axis is not None:
        counted = counted.sum(axis)
    return answer(ratio(counted, owed, np.inf), counted, owed)


def aave_liquidation(
    collateral: ArrayLike,
    debt: ArrayLike,
    *,
    threshold: ArrayLike,
    bonus: ArrayLike,
    total_debt: ArrayLike | None = None,
    other_collateral: ArrayLike = 0.0,
    health: ArrayLike | None = None,
    protocol_fee: ArrayLike = 0.0,
    close_factor: float = 0.5,
    full_below: float = 0.95,
    small: float = 2_000.0,
    leftover: float = 1_000.0,
) -> LoanLiquidation:
    """The largest single liquidation of one collateral against one debt in Aave v3.

    Liquidatable when the health factor is below 1. All of `debt` may be repaid when the health
    factor is <= 0.95 or when this collateral or this debt is below $2,000; otherwise at most
    50 % of the **total** debt of the account. Seized = repaid × bonus; where that exceeds the
    collateral, all of it is seized and repaid = collateral / bonus. A call has to clear the debt
    or the collateral or leave $1,000 of each, so partial repayments are cut back to that. When
    the account has no collateral left, the remaining debt becomes the reserve's deficit; bad
    debt begins at debt / collateral > 1 / bonus. (Debts in other reserves turn into deficits of
    those reserves in the same call; ask for them pair by pair.)

    The deficit does not lower the supply index: suppliers keep their claims against fewer
    assets, first come, first served, until somebody covers it (Umbrella, `umbrella_slash`). A
    loan without any collateral counts as bad debt here; the contract leaves it untouched.

    Parameters
    ----------
    collateral, debt : values of the pair in the base currency (dollars), >= 0.
    threshold : liquidation threshold of the collateral, 0 to 1.
    bonus : liquidation bonus LB of the collateral, >= 1 (such as 1.05); both set per asset.
    total_debt : all debt of the account; without: `debt`.
    other_collateral : value of the account's other collateral.
    health : health factor of the account; without: collateral × threshold / total debt (then
        there must be no other collateral).
    protocol_fee : share of the bonus that the protocol keeps, 0 to 1, set per asset.
    close_factor, full_below, small, leftover : constants of the contract; `small` and `leftover`
        in the base currency.

    Returns
    -------
    LoanLiquidation of this pair.

    Raises
    ------
    ArgumentError : an argument out of range, total_debt below debt, other collateral without a
        health factor.

    Example
    -------
    Health 0.976: half of the debt. Health 0.738: all the collateral is worth, and a deficit.

    >>> loans = aave_liquidation([10_000, 8_000], [8_500, 9_000], threshold=0.83, bonus=1.05)
    >>> loans.repaid.round(2), loans.seized.round(2), loans.bad_debt.round(2)
    (array([4250.  , 7619.05]), array([4462.5, 8000. ]), array([   0.  , 1380.95]))

    Source: aave-dao/aave-v3-origin,
    src/contracts/protocol/libraries/logic/LiquidationLogic.sol, read @ 027aaed; the numbers
    from the project's notes (@ fd1fbd9).
    """
    held, owed = numbers("collateral", collateral, 0), numbers("debt", debt, 0)
    part, extra = numbers("threshold", threshold, 0, 1), numbers("bonus", bonus, 1)
    total = owed if total_debt is None else numbers("total_debt", total_debt, 0)
    other = numbers("other_collateral", other_collateral, 0)
    share = numbers("protocol_fee", protocol_fee, 0, 1)
    if (total < owed).any():
        raise ArgumentError("total_debt must not be below debt: it includes it.")
    if health is not None:
        factor = numbers("health", health, 0, infinite=True)
    elif (other > 0).any():
        raise ArgumentError(
            "health must be given (see aave_health) where there is other_collateral."
        )
    else:
        factor = ratio(held * part, total, np.inf)
    open_ = (factor < 1) & (owed > 0)
    half = (held >= small) & (owed >= small) & (factor > full_below)
    limit = np.where(half, np.minimum(owed, close_factor * total), owed)
    used_up = limit * extra >= held
    # What stays with the protocol as its fee still counts as left in the check for dust.
    leaves = np.minimum(owed - leftover, (held - leftover) / (extra - share * (extra - 1)))
    partial = np.where(limit < owed, np.minimum(limit, leaves), limit)
    repaid = np.where(open_, np.where(used_up, held / extra, np.maximum(partial, 0.0)), 0.0)
    seized = np.where(open_ & used_up, held, repaid * extra)
    fee = share * (seized - seized / extra)
    write_off = open_ & used_up & (other == 0)
    given = (part, extra, total, other, share, factor)
    return settle(held, owed, factor, repaid, seized, write_off, *given, fee=fee)


@dataclass(frozen=True)
class UmbrellaCover:
    """How a deficit of a reserve is covered; in the reserve's asset unless stated.

    deficit = offset + pending + covered + uncovered, always.

    Attributes
    ----------
    offset : first loss that the stake does not bear (the DAO pays it).
    pending : what earlier slashes have covered and nobody has paid in yet.
    covered : covered by slashing the stake.
    uncovered : what the stake does not reach.
    slashed : stake taken, in the staked asset.
    fee : part of the slashed value, in the reserve's asset, that is a fee.
    """

    offset: Numbers
    pending: Numbers
    covered: Numbers
    uncovered: Numbers
    slashed: Numbers
    fee: Numbers


def umbrella_slash(
    deficit: ArrayLike,
    stake: ArrayLike,
    *,
    offset: ArrayLike = 0.0,
    pending: ArrayLike = 0.0,
    fee: ArrayLike = 0.0,
    price: ArrayLike = 1.0,
    stake_price: ArrayLike = 1.0,
) -> UmbrellaCover:
    """Slashing of the stake behind one reserve of Aave v3 (Umbrella).

    new deficit = max(0, deficit − offset − pending);
    wanted = new deficit × (1 + fee) × price / stake price; slashed = min(wanted, stake);
    covered = new deficit × slashed / wanted

    Each reserve has one stake of its own (WETH covers WETH only). The small amount that has to
    stay in the stake is not modelled.

    Parameters
    ----------
    deficit : deficit of the pool's reserve, in its asset, >= 0.
    stake : what can be slashed, in the staked asset, >= 0.
    offset, pending : deficit that is not slashed for, >= 0.
    fee : liquidation fee of the configuration, 0 to 1.
    price, stake_price : prices of the reserve's and the staked asset, > 0.

    Returns
    -------
    UmbrellaCover

    Raises
    ------
    ArgumentError : an argument out of range.

    Example
    -------
    >>> cover = umbrella_slash(1_000, 600, offset=100)
    >>> cover.slashed, cover.covered, cover.uncovered, cover.offset
    (600.0, 600.0, 300.0, 100.0)

    Source: aave-dao/aave-umbrella, src/contracts/umbrella/Umbrella.sol (_slashAsset), read @
    7c36ce3, and UmbrellaConfiguration.sol (isReserveSlashable), read @ 0aeb633.
    """
    lost, held = numbers("deficit", deficit, 0), numbers("stake", stake, 0)
    first, wait = numbers("offset", offset, 0), numbers("pending", pending, 0)
    extra = numbers("fee", fee, 0, 1)
    at, stake_at = numbers("price", price, above=0), numbers("stake_price", stake_price, above=0)
    waiting = np.minimum(wait, lost)
    before = np.minimum(first, lost - waiting)
    new = lost - waiting - before
    wanted = new * (1 + extra) * at / stake_at
    slashed = np.minimum(wanted, held)
    covered = new * ratio(slashed, wanted, 0.0)
    given = (lost, held, first, wait, extra, at, stake_at)
    parts = (before, waiting, covered, new - covered, slashed, covered * extra)
    return UmbrellaCover(*(answer(part, *given) for part in parts))
