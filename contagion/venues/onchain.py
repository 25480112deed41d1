"""Perpetual markets on chain that deleverage: Hyperliquid, dYdX v4."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import RuleError
from ..rules.order import Queue
from ..rules.rule import Rule
from ..rules.waterfall import Layer, Waterfall
from .venue import Venue, fund_then, money


def hyperliquid(vault: float | None = None, hip3: bool = False, by: str = "score") -> Rule:
    """Backstop vault, then auto-deleveraging of the other side, highest index first.

    the vault takes min(L, vault); the rest closes positions, highest index first, at the
    previous mark price; index = (mark / entry) × notional / account value
    (`contagion.venues.hyperliquid_index`, with the convention for shorts that it names)

    Claims: layer "adl", one row a position of the other side, `amount` what the close can take
    from it, column `by` the index; depositors of the vault (HLP) in layer "vault". Users
    without open positions never share a loss: leave their layer empty.

    Parameters
    ----------
    vault : money that the vault bears before deleveraging; `None`: the claims in its layer. No
        limit is published, so it is an input.
    hip3 : markets of builders (HIP-3) have no vault: deleveraging at once.
    by : column with the index.

    Simplified: positions that the vault takes over and later loses or gains on are not followed.

    Raises
    ------
    RuleError
        For `vault` together with `hip3`.

    Example
    -------
    A long with index 4.8 is closed before a short with 2.5 would be; the vault bears 100:

    >>> from contagion import venues
    >>> claims = {"claimant": ["a", "b"], "layer": "adl", "amount": [60.0, 80.0],
    ...           "score": [2.5, 4.8]}
    >>> venues.hyperliquid(vault=100).allocate(200, claims).table["loss"].tolist()
    [20.0, 80.0, 100.0]
    >>> venues.hyperliquid(hip3=True).allocate(100, claims).table["loss"].tolist()
    [20.0, 80.0]

    Source: Hyperliquid docs, "Auto-deleveraging" and "Liquidations"; for HIP-3 docs.trade.xyz,
    "Liquidations and Auto-Deleveraging" (stored copies, 2025).
    """
    queue = Layer("adl", Queue(by))
    if not hip3:
        return fund_then(vault, queue, name="vault", parameter="vault")
    if vault is not None:
        raise RuleError("hyperliquid: markets with hip3=True have no vault; leave vault out.")
    return Waterfall([queue])


def dydx_v4(
    fund: float | None = None, fills: Sequence[float] | None = None, by: str = "order"
) -> Rule:
    """Insurance fund all or nothing on each fill, then offsetting accounts as they are visited.

    fill f:  the fund pays f if its balance >= f, otherwise nothing and the position is
    deleveraged: accounts of the other side in the order of visit, each up to its full size

    All or nothing is no monotone function of a total loss: a fund of 60 pays a fill of 50 and
    not one of 70. So the fills are parameters: they decide what the fund pays
    (:func:`dydx_payments`), the layer has exactly that capacity, and the rule is exact for
    **loss = Σ fills**. Without `fills` the fund pays up to its balance: the limit of many small
    fills, and the most that it can pay.

    Claims: layer "deleveraging", one row an account of the other side, `amount` what it can lose
    (it is closed at the bankruptcy price of the liquidated account,
    `contagion.venues.dydx_bankruptcy`), column `by` its place, the lowest first
    (:func:`dydx_order` draws one).

    Parameters
    ----------
    fund : balance of the fund, money; `None`: the claims in layer "insurance fund".
    fills : losses of the fills in the order in which they come, money.
    by : column with the order of visit.

    Simplified: accounts whose bankruptcy prices do not overlap are skipped by the chain, and it
    visits a limited number of them; here every account is reached. The old documentation's
    ranking by profit and leverage does not hold for v4.

    Raises
    ------
    RuleError
        For `fills` without `fund`.

    Example
    -------
    A fund of 60 and fills of 30, 50, 25: it pays 30, cannot pay 50, and pays 25.

    >>> from contagion import venues
    >>> claims = {"claimant": ["a", "b", "c"], "layer": "deleveraging",
    ...           "amount": [40.0, 40.0, 40.0], "order": [2, 0, 1]}
    >>> rule = venues.dydx_v4(fund=60, fills=[30, 50, 25])
    >>> rule.allocate(30 + 50 + 25, claims).table["loss"].tolist()
    [0.0, 40.0, 10.0, 55.0]

    Source: dydxprotocol/v4-chain, protocol/x/clob/keeper/deleveraging.go @ 002f3fa, functions
    IsValidInsuranceFundDelta and OffsetSubaccountPerpetualPosition.
    """
    if fills is not None:
        if fund is None:
            raise RuleError("dydx_v4: fills need fund, the balance before the first of them.")
        fund = float(dydx_payments(fund, fills).sum())
    return fund_then(fund, Layer("deleveraging", Queue(by, first="lowest")))


def dydx_payments(fund: float, fills: Sequence[float]) -> np.ndarray:
    """What the fund of dYdX v4 pays on each fill (K,): all of it, or nothing.

    Parameters
    ----------
    fund : balance before the first fill, money.
    fills : (K,) losses in the order in which they come, money >= 0.

    Example
    -------
    >>> dydx_payments(60, [30, 50, 25])
    array([30.,  0., 25.])

    Source: as :func:`dydx_v4`.
    """
    left, paid = money(fund, "fund"), np.zeros(len(fills))
    for at, fill in enumerate(fills):  # each depends on what the last one left
        if left >= money(fill, "fills"):
            paid[at] = fill
            left -= fill
    return paid


def dydx_order(n: int, rng: np.random.Generator | int | None = None) -> np.ndarray:
    """Places (n,) of n accounts visited round from a random start: (i − start) mod n.

    Parameters
    ----------
    n : number of accounts, in the order of the chain.
    rng : as for `numpy.random.default_rng`; the chain draws from the block.

    Example
    -------
    >>> sorted(dydx_order(4, rng=1).tolist())
    [0, 1, 2, 3]

    Source: as :func:`dydx_v4`.
    """
    start = int(np.random.default_rng(rng).integers(n)) if n else 0
    return np.asarray((np.arange(n) - start) % max(n, 1))


CATALOGUE = (
    Venue(
        "hyperliquid",
        hyperliquid,
        "Backstop vault, then auto-deleveraging by index",
        "Hyperliquid docs, Auto-deleveraging; docs.trade.xyz",
        "2025",
        "verified",
    ),
    Venue(
        "dydx_v4",
        dydx_v4,
        "Insurance fund all or nothing on each fill, then deleveraging from a random start",
        "dydxprotocol/v4-chain @ 002f3fa, x/clob/keeper/deleveraging.go",
        "002f3fa",
        "verified",
    ),
)
