"""Aave: how a loan is liquidated, and who bears the remaining deficit.

A loan can be liquidated when its health factor is below 1 (`health_factor`, `liquidation`).
Debt that remains without collateral is a deficit of the reserve. After the parties that cover it,
suppliers keep their claims against fewer assets, first come, first served.

- `v3` (2025): the DAO's offset, stakers of Umbrella (`umbrella_slash`), then the suppliers
- `v2_safety_module` (2020): up to 30 % of the staked AAVE, then the suppliers

In claims tables `exit` is the place or time of a supplier's exit (empty: stays).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..liquidation.loan_liquidation import LoanLiquidation, settle
from ..rules.order import FirstCome
from ..rules.rule import Rule
from ..rules.waterfall import Layer, Waterfall
from ..statistics.arrays import Numbers, answer, answers, numbers, ratio
from .parameters import at_most, capacity, share
from .record import Document, Terms, Venue


def v3(
    offset: float | None = None, stake: float | None = None, fee: float = 0.0, by: str = "exit"
) -> Rule:
    """Aave v3 with Umbrella: DAO offset, stakers, then suppliers, first come first served.

        offset pays min(D, offset);  stakers pay min(D − offset, stake / (1 + fee));
        the remainder D' stays a deficit: suppliers keep their claims, the last to leave lose D'

    A deficit is debt of a reserve that remains when a borrower has no collateral. It does not
    change the index of the suppliers; it ends when aTokens are burned for it. Umbrella slashes
    (D − offset)(1 + fee) from the stake of that reserve, at most all of it, and covers in
    proportion. The fee goes to the protocol: stakers lose `1 + fee` times the loss in the table.

    Parameters
    ----------
    offset : deficit for which no stake is slashed, an amount; paid by the DAO.
    stake : amount that can be slashed, at the prices of the reserve's and the staked asset.
    fee : liquidation fee of the slashing configuration, 0 to 1.
    by : column with the exit of the suppliers.

    Claims: layers `offset` (the DAO), `stakers`, `suppliers` (column `exit`). On a graph the DAO
    and the stakers are nodes with claims in these layers; an offset without claims is the node's
    own equity. Each reserve is a separate node: a stake of WETH covers WETH only, and chains
    without Umbrella have `stake=0`.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    Deficit 1,000, offset 100, stake 600: the DAO pays 100, 600 are slashed, suppliers lose 300:

    >>> from contagion.venues import aave
    >>> claims = {"claimant": ["a", "b", "c"], "amount": [500.0, 300.0, 200.0],
    ...           "layer": "suppliers", "exit": [1, 2, None]}
    >>> done = aave.v3(offset=100, stake=600).allocate(1_000, claims)
    >>> done.layers["absorbed"].tolist(), done.table["loss"].tolist()[:3]
    ([100.0, 600.0, 300.0], [0.0, 100.0, 200.0])

    Source: aave-dao/aave-v3-origin, LiquidationLogic.sol (executeEliminateDeficit,
    _burnDebtTokens), read @ e4cc47e; aave-dao/aave-umbrella, Umbrella.sol (slash, _slashAsset,
    coverDeficitOffset), read @ 7c36ce3. That the DAO bears the offset: aave.com/help, "Umbrella".
    """
    part = 1 / (1 + share(fee, "fee"))
    slashable = capacity(stake, "stake")
    covered = None if slashable is None else slashable * part
    return Waterfall(
        [
            Layer("offset", capacity=capacity(offset, "offset"), owner="DAO"),
            Layer("stakers", at_most(part), capacity=covered),
            Layer("suppliers", FirstCome(by)),
        ]
    )


def v2_safety_module(stake: float | None = None, slash: float = 0.30, by: str = "exit") -> Rule:
    """Aave with the legacy Safety Module: up to 30 % of the staked AAVE, then the suppliers.

        stakers lose min(L, slash × stake), pro rata;  suppliers the rest, first come first served

    Parameters
    ----------
    stake : proceeds from the sale of the staked AAVE, an amount.
    slash : largest share of the stake that is taken, 0 to 1.
    by : column with the exit of the suppliers.

    Claims: layers `stakers`, `suppliers` (column `exit`). On a graph the stakers are nodes with
    claims equal to the whole stake; the part above the cap is lost last, after all suppliers.

    Unverified (high confidence): the 30 %.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    A shortfall of 500 and a stake of 1,000: stakers lose 300, the supplier that stays loses 200.

    >>> from contagion.venues import aave
    >>> claims = {"claimant": ["a", "b"], "amount": [600.0, 400.0], "layer": "suppliers",
    ...           "exit": [1, None]}
    >>> done = aave.v2_safety_module(stake=1_000).allocate(500, claims)
    >>> done.layers["absorbed"].tolist(), done.table["loss"].tolist()[:2]
    ([300.0, 200.0], [0.0, 200.0])

    Source: the project's notes on the legacy module; aave.com/docs, "Safety Module".
    """
    part = share(slash, "slash")
    staked = capacity(stake, "stake")
    taken = None if staked is None else staked * part
    return Waterfall(
        [
            Layer("stakers", at_most(part), capacity=taken),
            Layer("suppliers", FirstCome(by)),
        ]
    )


def health_factor(
    collateral: ArrayLike,
    debt: ArrayLike,
    *,
    threshold: ArrayLike,
    e_mode: ArrayLike | None = None,
    in_category: ArrayLike = True,
    axis: int | None = None,
) -> Numbers:
    """The health factor of accounts: Σ collateral × liquidation threshold / debt.

    Below 1 an account can be liquidated. In e-mode, collateral that belongs to the category of the
    account counts with the threshold of the category, and is seized with its bonus.

    Parameters
    ----------
    collateral : values in the base currency, >= 0.
    debt : value of all debt of the account, >= 0.
    threshold : liquidation threshold of each asset, 0 to 1.
    e_mode : liquidation threshold of the e-mode category of the account, 0 to 1; None: none.
    in_category : bool, whether each asset is collateral of that category.
    axis : axis of `collateral` that lists the assets of one account; None for one asset each.

    Returns
    -------
    The health factor; inf without debt.

    Raises
    ------
    ArgumentError : an argument out of range.

    Example
    -------
    >>> round(health_factor(10_000, 8_500, threshold=0.83), 3)
    0.976
    >>> health_factor([6_000, 4_000], 8_000, threshold=[0.8, 0.9], axis=-1)
    1.05

    With an e-mode threshold of 0.95 for the first asset, (6,000 × 0.95 + 4,000 × 0.9) / 8,000:

    >>> round(health_factor([6_000, 4_000], 8_000, threshold=[0.8, 0.9], e_mode=0.95,
    ...     in_category=[True, False], axis=-1), 4)
    1.1625

    Source: aave-dao/aave-v3-origin, GenericLogic.calculateUserAccountData, read @ 00cec22.
    """
    held, owed = numbers("collateral", collateral, 0), numbers("debt", debt, 0)
    part = numbers("threshold", threshold, 0, 1)
    if e_mode is not None:
        part = np.where(in_category, numbers("e_mode", e_mode, 0, 1), part)
    counted = held * part
    if axis is not None:
        counted = counted.sum(axis)
    return answer(ratio(counted, owed, np.inf), counted, owed)


def liquidation(
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
    collateral, all of it is seized and repaid = collateral / bonus. A liquidation must clear the
    debt or the collateral, or leave $1,000 of each; partial repayments are reduced to meet this.
    When the account has no collateral left, the remaining debt becomes the reserve's deficit; bad
    debt begins at debt / collateral > 1 / bonus. (Debts in other reserves become deficits of those
    reserves in the same liquidation; compute them pair by pair.)

    The deficit does not lower the supply index: suppliers keep their claims against fewer
    assets, first come, first served, until the deficit is covered (Umbrella, `umbrella_slash`). A
    loan without any collateral counts as bad debt here; the contract does not change it.

    Parameters
    ----------
    collateral, debt : values of the pair in the base currency (dollars), >= 0.
    threshold : liquidation threshold of the collateral, 0 to 1.
    bonus : liquidation bonus LB of the collateral, >= 1 (such as 1.05); both set per asset.
    total_debt : all debt of the account; by default `debt`.
    other_collateral : value of the account's other collateral.
    health : health factor of the account; by default collateral × threshold / total debt (then
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
    Health 0.976: half of the debt is repaid. Health 0.738: all collateral is seized.

    >>> loans = liquidation([10_000, 8_000], [8_500, 9_000], threshold=0.83, bonus=1.05)
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
            "health must be given (see health_factor) where there is other_collateral."
        )
    else:
        factor = ratio(held * part, total, np.inf)
    open_ = (factor < 1) & (owed > 0)
    half = (held >= small) & (owed >= small) & (factor > full_below)
    limit = np.where(half, np.minimum(owed, close_factor * total), owed)
    used_up = limit * extra >= held
    # The protocol fee still counts as remaining collateral in the check of the minimum of $1,000.
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
    """Coverage of a deficit of a reserve; in the reserve's asset unless stated.

    deficit = offset + pending + covered + uncovered, always.

    Attributes
    ----------
    offset : first loss that the stake does not bear (the DAO pays it).
    pending : amount covered by earlier slashes and not yet paid in.
    covered : amount covered by slashing the stake.
    uncovered : amount that the stake cannot cover.
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

    Each reserve has its own stake (WETH covers WETH only). The small amount that has to
    remain in the stake is not modelled.

    Parameters
    ----------
    deficit : deficit of the pool's reserve, in its asset, >= 0.
    stake : amount that can be slashed, in the staked asset, >= 0.
    offset, pending : parts of the deficit for which no stake is slashed, >= 0.
    fee : liquidation fee of the configuration, 0 to 1.
    price, stake_price : prices of the reserve's and the staked asset, > 0.

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
    return UmbrellaCover(*answers(parts, *given))


CATALOGUE = (
    Venue(
        name="aave_v3",
        build=v3,
        title="DAO offset, Umbrella stakers, then suppliers first come first served",
        documents=(
            Document("aave-dao/aave-v3-origin @ e4cc47e, LiquidationLogic.sol", "2025", "in full"),
            Document("aave-dao/aave-umbrella @ 7c36ce3", "2025", "in full"),
            Document("Aave, help page on Umbrella", "undated", "excerpt"),
        ),
        read="The code of deficits and of slashing; that the DAO bears the offset, on a help page.",
        simplified="The DAO pays its offset at once (in fact by a decision, if at all; unpaid "
        "it falls on the suppliers), nothing is pending, and the last units of a "
        "stake can be slashed.",
        terms=Terms(
            fund="offset of the DAO, then the Umbrella stake of that reserve",
            basis="order of exit",
            price="par: the supply index stays",
            cap="stake / (1 + fee); a claim: all of it",
            pause="a guardian can freeze a reserve",
        ),
    ),
    Venue(
        name="aave_v2_safety_module",
        build=v2_safety_module,
        title="Up to 30 % of the Safety Module, then suppliers first come first served",
        documents=(
            Document("largest share that can be slashed", "2020", "memory"),
            Document("aave.com/docs, Safety Module", "undated", "in full"),
        ),
        read="Aave's page on the Safety Module, which says that stakers can be slashed for a "
        "deficit and names no share.",
        simplified="Slashing is a vote and may not happen, the sale moves the price of AAVE, "
        "and an issue of new AAVE may follow: all three are left out.",
        terms=Terms(
            fund="staked AAVE",
            basis="order of exit",
            price="par: the supply index stays",
            cap="30 % of the stake; a claim: all of it",
        ),
    ),
)
