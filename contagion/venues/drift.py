"""Drift: insurance fund, then a charge on all open interest or on all deposits.

In a perpetual market the fund and the fee pool pay first; the remainder is charged to every unit of
open interest through the funding rate (`perp`, `perp_loss`). In a spot market the fund pays first;
then the deposit index falls, pro rata for all depositors (`spot`, `burned`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..rules.pro_rata import ProRata
from ..rules.rule import Rule
from ..rules.waterfall import Layer, Waterfall
from ..statistics.arrays import Numbers, answer, numbers, ratio
from .debt_shares import burned as burned
from .parameters import fund_then, money
from .record import Document, Terms, Venue


def perp(
    fund: float | None = None,
    market_limit: float | None = None,
    fee_pool: float | None = None,
    weight: str = "open_interest",
) -> Rule:
    """Insurance fund, fee pool, then a charge on every unit of open interest, long and short.

    fund pays min(L, fund, market limit); the fee pool min(rest, fee pool); the remainder R is
    charged as d = R / (|open long| + |open short|) per base unit, through cumulative funding
    (`perp_loss`)

    Claims: layer "open interest", one row per position of either side, `amount` its largest loss
    (its collateral), column `weight` its size in base units, >= 0; layers "insurance fund"
    (stakers) and "fee pool" where these are claims.

    Parameters
    ----------
    fund : balance of the insurance vault, an amount; `None`: the claims in its layer.
    market_limit : amount that the market may still draw from the vault; `None`: no limit.
    fee_pool : balance of the fee pool of the market; `None`: the claims in its layer.
    weight : column with the open interest.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    Loss 100, limit 30, fee pool 10: 60 are charged to 3,000 units, 0.02 each.

    >>> from contagion.venues import drift
    >>> claims = {"claimant": ["long", "short"], "layer": "open interest",
    ...           "amount": [500.0, 500.0], "open_interest": [2_000, 1_000]}
    >>> rule = drift.perp(fund=500, market_limit=30, fee_pool=10)
    >>> rule.allocate(100, claims).table["loss"].tolist()
    [40.0, 20.0, 30.0, 10.0]

    Source: drift-labs/protocol-v2, programs/drift/src/controller/liquidation.rs, function
    resolve_perp_bankruptcy read @ 006ba85.
    """
    parts = [
        money(value, name)
        for value, name in ((fund, "fund"), (market_limit, "market_limit"))
        if value is not None
    ]
    return Waterfall(
        [
            Layer("insurance fund", capacity=min(parts, default=None)),
            Layer("fee pool", capacity=None if fee_pool is None else money(fee_pool, "fee_pool")),
            Layer("open interest", ProRata(weight)),
        ]
    )


def spot(fund: float | None = None) -> Rule:
    """Insurance fund, then all deposits of the token pro rata: the deposit index falls.

    fund pays min(L, fund); the rest R cuts every deposit: index × (1 − R / deposits)
    (`burned`)

    Claims: layer "deposits", one row per deposit with `amount` in the token; layer "insurance
    fund" where stakers hold claims.

    Parameters
    ----------
    fund : balance of the insurance vault, in the token; `None`: the claims in its layer.

    The counter total_social_loss of the contract adds the whole borrow, not only the socialized
    part.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    A borrow of 50, a fund of 20, deposits of 1,000 at index 1.10: the index falls to 1.067.

    >>> from contagion.venues import drift
    >>> claims = {"claimant": ["a", "b"], "layer": "deposits", "amount": [400.0, 600.0]}
    >>> done = drift.spot(fund=20).allocate(50, claims).table
    >>> done["loss"].tolist(), float(round(1.10 * done["paid"][0] / 400, 9))
    ([12.0, 18.0, 20.0], 1.067)

    Source: drift-labs/protocol-v2, programs/drift/src/controller/liquidation.rs, function
    resolve_spot_bankruptcy read @ 006ba85.
    """
    return fund_then(fund, Layer("deposits"))


@dataclass(frozen=True)
class PerpSocialization:
    """The parts of the loss of a perpetual market, amounts; they add up to the loss.

    `fund` + `fees` + `socialized`; `per_unit` is charged on every unit of open interest.
    """

    fund: Numbers
    fees: Numbers
    socialized: Numbers
    per_unit: Numbers


def perp_loss(
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
    sides. The contract keeps one smallest unit in the vault and rounds d; this does not.

    Parameters
    ----------
    loss : bankruptcy loss, an amount >= 0.
    open_long, open_short : open interest in base units; the sign is ignored.
    fund : balance of the insurance vault. market_limit : amount the market may still draw from it.
    fee_pool : balance of the market's fee pool. All >= 0.

    Raises
    ------
    ValueError : a negative amount, or a remainder with no open interest to bear it.

    Example
    -------
    Loss 100, limit 30, fee pool 10: 60 are charged to 3,000 units.

    >>> perp_loss(100, 2_000, -1_000, fund=500, market_limit=30, fee_pool=10)
    PerpSocialization(fund=30.0, fees=10.0, socialized=60.0, per_unit=0.02)

    Source: drift-labs/protocol-v2, programs/drift/src/math/liquidation.rs (function
    calculate_funding_rate_deltas_to_resolve_bankruptcy), read @ 0069fa3, where d is rounded
    down (the project's notes have it rounded up @ 0ae3e3b); order of the layers: controller/
    liquidation.rs, resolve_perp_bankruptcy, read @ 006ba85.
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


CATALOGUE = (
    Venue(
        name="drift_perp",
        build=perp,
        title="Insurance fund, fee pool, then a charge on all open interest",
        documents=(
            Document(
                "drift-labs/protocol-v2 @ 006ba85, resolve_perp_bankruptcy",
                "commit 006ba85",
                "in full",
            ),
            Document(
                "drift-labs/protocol-v2, pull request 231, which changes it",
                "2022-11-01",
                "excerpt",
            ),
        ),
        read="The function as a stored copy, also that the order has a fee pool; the pull request "
        "by its title and a part of its review.",
        simplified="The charge is not capped on chain and can bankrupt others, here no claim "
        "loses more than its amount; the smallest unit that stays in the vault and "
        "rounding are left out.",
        terms=Terms(
            fund="insurance vault, then the fee pool of the market",
            basis="open interest, both sides",
            price="none: charged through cumulative funding",
            cap="vault: the limit of the market; claims: no cap on chain",
        ),
    ),
    Venue(
        name="drift_spot",
        build=spot,
        title="Insurance fund, then all deposits of the token pro rata",
        documents=(
            Document(
                "drift-labs/protocol-v2 @ 006ba85, resolve_spot_bankruptcy",
                "commit 006ba85",
                "in full",
            ),
            Document(
                "drift-labs/protocol-v2, pull request 231, which adds its counters",
                "2022-11-01",
                "excerpt",
            ),
        ),
        read="The function as a stored copy; the pull request by its title and a part of its "
        "review.",
        simplified="The smallest unit that stays in the vault is left out. The theft of April 2026 "
        "was not shared by this rule but by recovery tokens: dataset drift_2026.",
        terms=Terms(
            fund="insurance vault",
            basis="deposit",
            price="the deposit index falls",
            cap="the deposit",
        ),
    ),
)
