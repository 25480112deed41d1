"""Markets on chain that charge everybody alike: Drift perpetuals and deposits, GMX v2."""

from __future__ import annotations

from ..errors import RuleError
from ..rules.proportional import ProRata
from ..rules.rule import Rule
from ..rules.waterfall import Layer, Waterfall
from .venue import Venue, fund_then, money, share


def drift_perp(
    fund: float | None = None,
    market_limit: float | None = None,
    fee_pool: float | None = None,
    weight: str = "open_interest",
) -> Rule:
    """Insurance fund, fee pool, then a charge on every unit of open interest, long and short.

    fund pays min(L, fund, market limit); the fee pool min(rest, fee pool); the remainder R is
    charged as d = R / (|open long| + |open short|) per base unit, through cumulative funding
    (`contagion.venues.drift_perp_loss`)

    Claims: layer "open interest", one row a position of either side, `amount` what it can lose
    (its collateral, say), column `weight` its size in base units, >= 0; layers "insurance fund"
    (stakers) and "fee pool" where these are claims.

    Parameters
    ----------
    fund : balance of the insurance vault, money; `None`: the claims in its layer.
    market_limit : what the market may still draw from the vault, money; `None`: no limit.
    fee_pool : money in the fee pool of the market; `None`: the claims in its layer.
    weight : column with the open interest.

    Simplified: the charge is not capped on chain and can bankrupt others, here nobody loses more
    than `amount`; one smallest unit stays in the vault; d is not rounded.

    Example
    -------
    Loss 100, limit 30, fee pool 10: 60 on 3,000 units, 0.02 each.

    >>> from contagion import venues
    >>> claims = {"claimant": ["long", "short"], "layer": "open interest",
    ...           "amount": [500.0, 500.0], "open_interest": [2_000, 1_000]}
    >>> rule = venues.drift_perp(fund=500, market_limit=30, fee_pool=10)
    >>> rule.allocate(100, claims).table["loss"].tolist()
    [40.0, 20.0, 30.0, 10.0]

    Source: drift-labs/protocol-v2, programs/drift/src/controller/liquidation.rs, function
    resolve_perp_bankruptcy (stored copy, read; the project's notes cite @ 0ae3e3b).
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


def drift_spot(fund: float | None = None) -> Rule:
    """Insurance fund, then all deposits of the token pro rata: the deposit index falls.

    fund pays min(L, fund); the rest R cuts every deposit: index × (1 − R / deposits)
    (`contagion.venues.drift_deposit_index`)

    Claims: layer "deposits", one row a deposit with `amount` in the token; layer "insurance
    fund" where stakers hold claims.

    Parameters
    ----------
    fund : balance of the insurance vault, in the token; `None`: the claims in its layer.

    Simplified: one smallest unit stays in the vault. (Their counter total_social_loss adds the
    whole borrow and not the part that was socialized.)

    Example
    -------
    A borrow of 50, the fund has 20, deposits 1,000 at index 1.10: the index falls to 1.067.

    >>> from contagion import venues
    >>> claims = {"claimant": ["a", "b"], "layer": "deposits", "amount": [400.0, 600.0]}
    >>> done = venues.drift_spot(fund=20).allocate(50, claims).table
    >>> done["loss"].tolist(), float(round(1.10 * done["paid"][0] / 400, 9))
    ([12.0, 18.0, 20.0], 1.067)

    Source: drift-labs/protocol-v2, programs/drift/src/controller/liquidation.rs, function
    resolve_spot_bankruptcy (stored copy, read; the project's notes cite @ 0ae3e3b).
    """
    return fund_then(fund, Layer("deposits"))


def gmx_v2(pool: float, max_pnl_factor: float) -> Rule:
    """The pool pays profits up to a part of itself; above, every profit is scaled down alike.

    factor = profits / pool;  paid = profit × min(1, max_pnl_factor / factor)
    (`contagion.venues.gmx_capped_profit`)

    Read as a waterfall: the loss to be shared is all that the traders of one side have won. The
    pool bears it up to max_pnl_factor × pool, the rest falls on the profits pro rata.

    Claims: layer "profits", one row a winning trader, `amount` its profit; layer "pool" for the
    liquidity providers where they are claims.

    Parameters
    ----------
    pool : value of the tokens that back the side, money.
    max_pnl_factor : maxPnlFactorForTraders of market and side, > 0 (differs; no default).

    Simplified: losses of other traders on the same side, which lower the factor, are netted
    before. Auto-deleveraging itself, by which a keeper closes positions of its own choice when
    the factor is above maxPnlFactorForAdl, is not ranked on chain and not in this rule.

    Example
    -------
    Profits of 6m, a pool of 10m and a cap of 0.45: factor 0.6, every profit is paid by 0.75.

    >>> from contagion import venues
    >>> claims = {"claimant": ["a", "b"], "layer": "profits", "amount": [4e6, 2e6]}
    >>> done = venues.gmx_v2(pool=10e6, max_pnl_factor=0.45).allocate(6e6, claims)
    >>> done.table["paid"].tolist(), done.layers["absorbed"].tolist()
    ([3000000.0, 1500000.0, 0.0], [4500000.0, 1500000.0])

    Source: gmx-io/gmx-synthetics, contracts/position/PositionUtils.sol @ 00fc6b2, function
    getPositionPnlUsd; numbers of the example after the project's notes (@ a5c0c88).
    """
    factor = share(max_pnl_factor, "max_pnl_factor", most=float("inf"))
    if factor == 0:
        raise RuleError("max_pnl_factor=0: the contract does not scale at 0; it has to be > 0.")
    return fund_then(factor * money(pool, "pool"), Layer("profits"), name="pool")


CATALOGUE = (
    Venue(
        "drift_perp",
        drift_perp,
        "Insurance fund, fee pool, then a charge on all open interest",
        "drift-labs/protocol-v2 @ 0ae3e3b, controller/liquidation.rs",
        "0ae3e3b",
        "verified",
    ),
    Venue(
        "drift_spot",
        drift_spot,
        "Insurance fund, then all deposits of the token pro rata",
        "drift-labs/protocol-v2 @ 0ae3e3b, controller/liquidation.rs",
        "0ae3e3b",
        "verified",
    ),
    Venue(
        "gmx_v2",
        gmx_v2,
        "Pool up to a part of itself, then profits scaled down alike",
        "gmx-io/gmx-synthetics @ 00fc6b2, position/PositionUtils.sol",
        "00fc6b2",
        "verified",
    ),
)
