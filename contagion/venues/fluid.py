"""Fluid: positions above the last limit are absorbed by their vault, lenders stay at par.

Between the liquidation threshold and the last limit a position is liquidated in parts; above the
limit the vault absorbs all of it at once (`absorption`), and governance decides about it. The
exchange price of lenders does not fall: claims that leave first are paid in full (`rule`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..rules.waterfall import Waterfall
from ..statistics.arrays import Numbers, answer, numbers
from .parameters import fund_then_run
from .record import Document, Terms, Venue


def rule(treasury: float | None = None, by: str = "exit") -> Waterfall:
    """Fluid: payment by governance from the treasury, then lenders, first come first served.

        treasury pays min(L, treasury);  lenders lose the rest, the last to leave first

    Parameters
    ----------
    treasury : amount that governance decides to pay, >= 0; 0 without a decision.
    by : column with the exit of the lenders.

    Claims: layer `suppliers` (column `exit`), all lenders of one token: vaults, the exchange and
    lenders share one liquidity layer. Layer `treasury` where it is a claim.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    >>> from contagion.venues import fluid
    >>> claims = {"claimant": ["a", "b"], "amount": [60.0, 40.0], "layer": "suppliers",
    ...           "exit": [2, 1]}
    >>> fluid.rule(treasury=1).allocate(4, claims).table["loss"].tolist()
    [3.0, 0.0, 1.0]

    Source: Instadapp/fluid-contracts-public, contracts/protocols/vault/vaultT1: SPEC.md read @
    9496626, coreModule/main2.sol (absorb) read @ 499e1ab.
    """
    return fund_then_run(treasury, by, "treasury", "treasury")


def absorption(collateral: ArrayLike, debt: ArrayLike, *, max_limit: ArrayLike) -> Numbers:
    """The shortfall of positions when their vault absorbs them: max(0, debt − collateral).

    A position is absorbed in full when debt > max_limit × collateral; for others the result is 0.

    Parameters
    ----------
    collateral, debt : values at the oracle price of the vault, >= 0.
    max_limit : liquidation max limit of the vault, 0 to 0.997 less the liquidation penalty.

    Raises
    ------
    ValueError : an argument out of range.

    Example
    -------
    >>> absorption(100, [94, 96, 104], max_limit=0.95)
    array([0., 0., 4.])

    Source: as for `rule`; the bound in adminModule of SPEC.md.
    """
    held, owed = numbers("collateral", collateral, 0), numbers("debt", debt, 0)
    limit = numbers("max_limit", max_limit, 0, 0.997)
    taken = owed > limit * held
    return answer(np.where(taken, np.maximum(owed - held, 0.0), 0.0), held, owed, limit)


CATALOGUE = (
    Venue(
        name="fluid",
        build=rule,
        title="Payment by governance, then lenders first come first served",
        documents=(
            Document("Instadapp/fluid-contracts-public @ 499e1ab", "commit 499e1ab", "in full"),
            Document(
                "Instadapp/fluid-contracts-public @ 9496626, specification",
                "commit 9496626",
                "in full",
            ),
        ),
        read="The code of absorption and its specification: governance decides about absorbed "
        "positions, and the code never lowers the price of lenders.",
        simplified="Liquidators can still buy absorbed positions when the price recovers; the "
        "limits on withdrawals, which grow with time, are left out.",
        terms=Terms(
            fund="payment by governance from its treasury",
            basis="order of exit",
            price="par: the exchange price does not fall",
            cap="a claim: all of it",
            pause="withdrawals of the liquidity layer have limits that expand with time",
        ),
    ),
)
