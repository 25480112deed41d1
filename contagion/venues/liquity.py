"""Liquity v1: the stability pool first, the other borrowers after it.

Since 2021 a trove below 110 % is liquidated against the stability pool, whose depositors receive
the collateral (`liquidation`); debt that the pool does not cover is redistributed to all other
troves by stake (`redistributed`). As a rule that shares the loss: `v1`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..rules.pro_rata import ProRata
from ..rules.rule import Rule
from ..rules.waterfall import Layer, Waterfall
from ..statistics.arrays import Numbers, answers, numbers, ratio
from ..text import choice
from .debt_shares import redistributed as redistributed
from .parameters import at_most, capacity, share
from .record import Document, Terms, Venue


def v1(
    mode: str = "normal",
    collateral_ratio: float = 0.0,
    stake: str = "stake",
    troves: float | None = None,
) -> Rule:
    """Liquity v1: the stability pool, pro rata to its deposits; then the other troves, by stake.

        pool takes min(D, P), depositor k: × deposit_k / P;   troves the rest × stake_k / Σ stake

    The rule shares the debt D of a liquidated trove. Its collateral C is shared like the debt
    (depositor k receives C × its share of D), so that by default the table has the debt that each
    claimant takes over. With `collateral_ratio` = C / D the table has the net loss L = D − C
    instead, of which a depositor bears at most (1 − C/D) of its deposit: the shares are the same.

    Parameters
    ----------
    mode : "normal"; or "recovery", for troves with C <= D in recovery mode: these are
        redistributed in full and the pool takes nothing.
    collateral_ratio : C / D, 0 to 1; above 1 no depositor loses.
    stake : column with the stakes of the troves (their collateral, corrected for
        redistributions that they have not been credited with).
    troves : largest amount that the other troves bear; `None`: their claims, 0: no other troves,
        the pool is expected to cover everything.

    Claims: layers `stability pool` (amount: deposit in LUSD) and `troves` (amount: the largest
    loss, collateral minus debt, and the column `stake`). On a graph the protocol is the node;
    depositors and trove owners hold claims on it in these layers, LUSD holders claims in no layer,
    which lose last. Use `collateral_ratio` there, since the rule of a node shares a net loss.

    Raises
    ------
    RuleError : an unknown mode, a ratio out of range.

    Example
    -------
    Debt of 1,000, deposits of 100 and 300, stakes of 1,000 and 3,000:

    >>> from contagion.venues import liquity
    >>> claims = {"claimant": ["a", "b", "x", "y"], "amount": [100.0, 300.0, 900.0, 2_000.0],
    ...     "layer": ["stability pool"] * 2 + ["troves"] * 2, "stake": [None, None, 1_000, 3_000]}
    >>> liquity.v1().allocate(1_000, claims).table["loss"].tolist()
    [100.0, 300.0, 150.0, 450.0]
    >>> liquity.v1("recovery").allocate(1_000, claims).table["loss"].tolist()
    [0.0, 0.0, 250.0, 750.0]

    Source: liquity/dev, packages/contracts/contracts/TroveManager.sol
    (_getOffsetAndRedistributionVals, _liquidateRecoveryMode), read @ 048ae7a.
    """
    choice(mode, ("normal", "recovery"), "mode")
    pool = None if mode == "normal" else 0.0
    part = 1 - share(collateral_ratio, "collateral_ratio")
    return Waterfall(
        [
            Layer("stability pool", at_most(part), capacity=pool),
            Layer("troves", ProRata(stake), capacity=capacity(troves, "troves")),
        ]
    )


def v2(collateral_ratio: float = 0.0, stake: str = "stake", troves: float | None = None) -> Rule:
    """Liquity v2 (BOLD): as v1 in normal mode, on each branch of collateral separately.

    Claims: as for `v1`, those of one branch.

    Parameters
    ----------
    collateral_ratio, stake, troves : as for `v1`. There is no recovery mode.

    Raises
    ------
    RuleError : a ratio out of range.

    Example
    -------
    >>> from contagion.venues import liquity
    >>> claims = {"claimant": ["a", "x", "y"], "amount": [400.0, 900.0, 2_000.0],
    ...     "layer": ["stability pool", "troves", "troves"], "stake": [None, 1_000, 3_000]}
    >>> liquity.v2().allocate(1_000, claims).table["loss"].tolist()
    [400.0, 150.0, 450.0]

    Source: liquity/bold, contracts/src/TroveManager.sol (_getOffsetAndRedistributionVals), read @
    00aa9df.
    """
    return v1(collateral_ratio=collateral_ratio, stake=stake, troves=troves)


@dataclass(frozen=True)
class TroveLiquidation:
    """The allocation of liquidated troves; debt in LUSD, collateral at its value in LUSD.

    debt = offset + debt_redistributed + debt_left;
    collateral = to_pool + collateral_redistributed + gas + surplus + collateral_left.

    Attributes
    ----------
    ratio : collateral / debt (ICR); inf without debt.
    offset : debt cancelled against the stability pool, whose depositors pay it.
    to_pool : collateral that its depositors receive for it, pro rata.
    debt_redistributed, collateral_redistributed : added to all other troves, pro rata by stake.
    gas : collateral paid to the liquidator.
    surplus : collateral that the borrower can claim back (recovery mode).
    debt_left, collateral_left : all of it, for troves that are not liquidated.
    """

    ratio: Numbers
    offset: Numbers
    to_pool: Numbers
    debt_redistributed: Numbers
    collateral_redistributed: Numbers
    gas: Numbers
    surplus: Numbers
    debt_left: Numbers
    collateral_left: Numbers


def liquidation(
    collateral: ArrayLike,
    debt: ArrayLike,
    *,
    pool: ArrayLike,
    mode: str = "normal",
    total_ratio: ArrayLike = np.nan,
    minimum: float = 1.10,
    gas: float = 0.005,
) -> TroveLiquidation:
    """Liquidation of troves in Liquity v1, each separately against the given stability pool.

    Normal mode, ICR < 110 %: the pool cancels min(pool, debt) and receives the same share of the
    collateral (less 0.5 % for gas); the remainder of both is redistributed.

    Recovery mode: ICR <= 100 % is redistributed in full; 100 % < ICR < 110 % as in normal mode;
    110 % <= ICR < total ratio only where the pool covers the whole debt, for collateral of
    110 % of the debt, and the borrower may claim the surplus. Others are not liquidated.

    Each row uses the full pool: for a sequence of liquidations pass the remaining pool. The
    200 LUSD that the liquidator receives beside the gas are part of every debt and not shown.

    Parameters
    ----------
    collateral : value at the oracle price, in LUSD, >= 0.
    debt : all debt of the trove, pending redistributions and the 200 LUSD included, >= 0.
    pool : LUSD in the stability pool, >= 0.
    mode : "normal" or "recovery" (the system is in it while its total ratio is below 150 %).
    total_ratio : total collateral over total debt of the system; needed in recovery mode.
    minimum : minimum collateral ratio. gas : share of the collateral paid for gas.

    Raises
    ------
    ArgumentError : a negative amount, an unknown mode, recovery mode without total_ratio.

    Example
    -------
    Debt 1,000, collateral 1,050, pool 400: depositors pay 400 and receive 40 % of 1,044.75.

    >>> trove = liquidation(1_050, 1_000, pool=400)
    >>> trove.offset, round(trove.to_pool, 4), trove.debt_redistributed, trove.gas
    (400.0, 417.9, 600.0, 5.25)

    Source: liquity/dev, packages/contracts/contracts/TroveManager.sol, read @ 048ae7a (normal
    mode, redistribution). That version still has a partial offset in recovery mode; the capped
    one, with surplus, is the deployed v1 and was read in copies of it without a commit.
    """
    if mode not in ("normal", "recovery"):
        raise ArgumentError(f'mode must be "normal" or "recovery", but is {mode!r}.')
    held, owed = numbers("collateral", collateral, 0), numbers("debt", debt, 0)
    funds, total = numbers("pool", pool, 0), numbers("total_ratio", total_ratio, 0)
    given = [held, owed, funds]
    recovery = mode == "recovery"
    if recovery:
        if np.isnan(total).all():
            raise ArgumentError("total_ratio must be given in recovery mode.")
        given.append(total)
    icr = ratio(held, owed, np.inf)
    closed = (icr < minimum) & (owed > 0)
    capped = recovery & (icr >= minimum) & (icr < total) & (owed <= funds)
    only_others = recovery & closed & (icr <= 1)
    offset = np.where(closed & ~only_others, np.minimum(owed, funds), 0.0)
    offset = np.where(capped, owed, offset)
    taken = np.where(capped, np.minimum(minimum * owed, held), np.where(closed, held, 0.0))
    fee = gas * taken
    to_pool = (taken - fee) * ratio(offset, owed, 0.0)
    shared = np.where(closed, owed - offset, 0.0)
    touched = closed | capped
    parts = (
        icr,
        offset,
        to_pool,
        shared,
        np.where(closed, taken - fee - to_pool, 0.0),
        fee,
        np.where(capped, held - taken, 0.0),
        np.where(touched, 0.0, owed),
        np.where(touched, 0.0, held),
    )
    return TroveLiquidation(*answers(parts, *given))


def liquidation_v2(
    collateral: ArrayLike,
    debt: ArrayLike,
    *,
    pool: ArrayLike,
    minimum: ArrayLike,
    penalty: ArrayLike,
    redistribution_penalty: ArrayLike,
    gas: ArrayLike = 0.0,
    stays: float = 1.0,
) -> TroveLiquidation:
    """Liquidation of troves in Liquity v2, each separately against the given stability pool.

    ICR < minimum: the pool cancels o = min(pool − stays, debt) and receives its share of the
    collateral, at most o (1 + penalty). The remaining debt is redistributed with collateral of at
    most (1 + redistribution penalty) times this debt. The borrower can claim the surplus.

    Parameters
    ----------
    collateral, debt : value at the oracle price and debt with interest, in BOLD, >= 0.
    pool : BOLD in the stability pool of the branch, >= 0.
    minimum : minimum collateral ratio of the branch, >= 1.
    penalty, redistribution_penalty : of the branch, 0 to 1; they differ, so there is no default.
    gas : collateral paid to the liquidator, in BOLD, >= 0.
    stays : BOLD that remains in the pool.

    Raises
    ------
    ArgumentError : an argument out of range.

    Example
    -------
    >>> trove = liquidation_v2(1_080, 1_000, pool=401, minimum=1.1, penalty=0.05,
    ...     redistribution_penalty=0.10)
    >>> trove.to_pool, trove.collateral_redistributed, trove.surplus
    (420.0, 660.0, 0.0)

    Source: liquity/bold, contracts/src/TroveManager.sol, read @ 00aa9df.
    """
    held, owed = numbers("collateral", collateral, 0), numbers("debt", debt, 0)
    funds, least = numbers("pool", pool, 0), numbers("minimum", minimum, 1)
    extra = numbers("penalty", penalty, 0, 1)
    more = numbers("redistribution_penalty", redistribution_penalty, 0, 1)
    icr = ratio(held, owed, np.inf)
    closed = (icr < least) & (owed > 0)
    fee = np.where(closed, np.minimum(numbers("gas", gas, 0), held), 0.0)
    offset = np.where(closed, np.minimum(owed, np.maximum(funds - stays, 0.0)), 0.0)
    taken = np.where(closed, held - fee, 0.0)
    part = taken * ratio(offset, owed, 0.0)
    to_pool = np.minimum(part, offset * (1 + extra))
    shared = np.where(closed, owed - offset, 0.0)
    # the penalty of a redistribution may use up the surplus that the offset left to the borrower
    passed = np.where(shared > 0, np.minimum(taken - to_pool, shared * (1 + more)), 0.0)
    parts = (icr, offset, to_pool, shared, passed, fee, taken - to_pool - passed)
    left = (np.where(closed, 0.0, owed), np.where(closed, 0.0, held))
    return TroveLiquidation(*answers((*parts, *left), held, owed, funds, least, extra, more))


CATALOGUE = (
    Venue(
        name="liquity_v1",
        build=v1,
        title="Stability pool pro rata, then other troves by stake",
        documents=(Document("liquity/dev @ 048ae7a, TroveManager.sol", "2021", "in full"),),
        read="The code of offset and redistribution in both modes.",
        simplified="A trove without equity takes over no more debt and the others take its "
        "share (the contract liquidates it in turn); gas compensation is left out, "
        "and so are troves above 110 % in recovery mode, whose liquidation costs "
        "only their owner.",
        terms=Terms(
            fund="stability pool",
            basis="deposit in the pool, then stake of the trove",
            price="collateral at the oracle price",
            cap="pool: its deposits; a trove: its equity",
            pause="recovery mode while the system is below 150 %",
        ),
    ),
    Venue(
        name="liquity_v2",
        build=v2,
        title="Stability pool of the branch pro rata, then its other troves by stake",
        documents=(Document("liquity/bold @ 00aa9df", "commit 00aa9df", "in full"),),
        read="The code of offset, redistribution and surplus.",
        simplified="As for liquity_v1; the shutdown of a branch and urgent redemptions are left "
        "out.",
        terms=Terms(
            fund="stability pool of the branch, less 1 BOLD",
            basis="deposit in the pool, then stake of the trove",
            price="collateral at the oracle price, at most debt × (1 + penalty)",
            cap="pool: its deposits; a trove: its equity",
        ),
    ),
)
