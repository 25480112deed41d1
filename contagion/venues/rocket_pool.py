"""Rocket Pool: the bond of the node operator first, then all rETH.

A minipool returns the remaining balance of its validator: rETH receives its deposit first, the
operator the excess (`node_share`). Losses of rETH lower its rate, pro rata (`rule`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..rules.waterfall import Layer, Waterfall
from ..statistics.arrays import Numbers, answer, numbers
from .parameters import fund_then
from .record import NOT_READ, Document, Terms, Venue


def rule(bond: float | None = None) -> Waterfall:
    """Rocket Pool: the operator's bond in that minipool, then all rETH, pro rata.

        the bond bears min(L, bond);  the rest lowers the value of all rETH pro rata

    Parameters
    ----------
    bond : ether that the operator put into the minipool; `None`: the claims in its layer.

    Claims: layer `reth`, one row per holder; layer `node bond` where the operator is a claim. On a
    graph each minipool is a node whose creditor is the pool behind rETH.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    A validator with a deposit of 32, of which the bond is 8, returns 20:

    >>> from contagion.venues import rocket_pool
    >>> claims = {"claimant": ["a", "b"], "layer": "reth", "amount": [18.0, 6.0]}
    >>> rocket_pool.rule(bond=8).allocate(32 - 20, claims).table["loss"].tolist()
    [3.0, 1.0, 8.0]

    Source: rocket-pool/rocketpool, contracts/contract/minipool/RocketMinipoolDelegate.sol
    (calculateNodeShare), as excerpts without commit.
    """
    return fund_then(bond, Layer("reth"), name="node bond", parameter="bond")


def node_share(
    balance: ArrayLike, bond: ArrayLike, user: ArrayLike, *, fee: ArrayLike = 0.0
) -> Numbers:
    """The operator's part of the balance of a minipool; the remainder belongs to rETH.

    balance > bond + user:  bond + rewards × (bond + fee × user) / (bond + user);
    otherwise  max(0, balance − user)

    Parameters
    ----------
    balance : ether that the validator returned, >= 0.
    bond, user : ether of the operator and of rETH, >= 0, together > 0.
    fee : commission of the operator on the rewards of rETH, 0 to 1.

    Raises
    ------
    ValueError : an argument out of range.

    Example
    -------
    >>> node_share([34, 26, 20], 8, 24, fee=0.10)
    array([8.65, 2.  , 0.  ])

    Source: as for `rule`.
    """
    back, own = numbers("balance", balance, 0), numbers("bond", bond, 0)
    lent, rate = numbers("user", user, 0), numbers("fee", fee, 0, 1)
    rewards = np.maximum(back - own - lent, 0.0)
    share = np.clip(back - lent, 0.0, own) + rewards * (own + rate * lent) / (own + lent)
    return answer(share, back, own, lent, rate)


CATALOGUE = (
    Venue(
        name="rocket_pool",
        build=rule,
        title="Bond of the node operator, then all rETH pro rata",
        documents=(
            Document(
                "rocket-pool/rocketpool, minipool/RocketMinipoolDelegate.sol", "undated", "excerpt"
            ),
        ),
        read="The function that shares a balance, as excerpts.",
        simplified="RPL of the operator that is slashed beside the bond, balances below 8 ether "
        "(which count as rewards), penalties and megapools are left out.",
        terms=Terms(
            fund="bond of the node operator in that minipool",
            basis="rETH held",
            price="the rate of rETH falls when the balance is reported",
            cap="bond: all of it; the claim",
            pause=NOT_READ,
        ),
    ),
)
