"""Lighter: orders at the zero price, the liquidity pool (LLP), then auto-deleveraging.

Below the maintenance margin positions are offered at their zero price (`zero_price`); below the
close-out margin LLP takes over positions and collateral. Losses that its strategy for the market
cannot bear lead to deleveraging of the other side, at the zero price. As a rule that shares the
loss: `rule`.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from ..rules.order import Queue
from ..rules.waterfall import Layer, Waterfall
from .dydx import PortfolioBankruptcy, bankruptcy
from .parameters import fund_then
from .record import NOT_READ, Document, Terms, Venue


def rule(strategy: float | None = None, by: str = "score") -> Waterfall:
    """The LLP strategy of the market up to its collateral, then auto-deleveraging by rank.

    The strategy bears min(L, its collateral). For the remainder, positions of the other side are
    closed

    LLP is one account, but its collateral is split into strategies, and every market belongs to
    one: if the collateral of a strategy is used up, its markets are deleveraged, and the other
    strategies are not affected.

    Claims: layer "adl", one row per position of the other side, `amount` its largest loss from
    closing, column `by` its rank; depositors of LLP in layer "llp strategy".

    Unverified: the order of the queue. The proofs check the sides, the sizes and the price of a
    deleveraging, not the order of accounts.

    Parameters
    ----------
    strategy : collateral of the strategy, an amount; `None`: the claims in its layer.
    by : column with the rank, highest first.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    A strategy with 1m and a loss of 1.2m:

    >>> from contagion.venues import lighter
    >>> claims = {"claimant": ["a", "b"], "layer": "adl", "amount": [150e3, 300e3],
    ...           "score": [2, 1]}
    >>> lighter.rule(strategy=1e6).allocate(1.2e6, claims).table["loss"].tolist()
    [150000.0, 50000.0, 1000000.0]

    Source: docs.lighter.xyz, "LLP Strategies" and "Liquidations & Insurance Fund" (stored copies);
    elliottech/lighter-prover, circuit/src/transactions/internal_deleverage.rs, read @ 23d1596.
    """
    return fund_then(strategy, Layer("adl", Queue(by)), name="llp strategy", parameter="strategy")


def zero_price(
    size: ArrayLike, mark: ArrayLike, maintenance: ArrayLike, collateral: ArrayLike
) -> PortfolioBankruptcy:
    """The closing prices that do not change the ratio account value / maintenance requirement.

    price = mark × (1 − side × maintenance × account value / requirement),
    requirement = Σ |size| × mark × maintenance, side +1 long, −1 short

    After closing all legs at these prices, the account has exactly 0. Orders of a partial
    liquidation are sent at this price, and LLP or a deleveraged account takes over at this price.
    The formula is the same as on dYdX v4 (`contagion.venues.dydx.bankruptcy`).

    Parameters
    ----------
    size : (..., legs) signed sizes.
    mark : (..., legs) mark prices, > 0.
    maintenance : (..., legs) maintenance margin fractions of the markets, 0 < m <= 1.
    collateral : (...) the account's balance in USDC if every position had been bought or sold for
        cash: account value − Σ size × mark.

    Raises
    ------
    ValueError : an argument out of range.

    Example
    -------
    10 long at 100, margin fraction 3 %, account value 20: the requirement is 30, the price 98.

    >>> zero_price([10], [100], [0.03], 20 - 1_000).price
    array([98.])

    Source: docs.lighter.xyz, "Liquidations & Insurance Fund", from the property of the price that
    the page states; the code of the proof (get_position_zero_quote) read in part.
    """
    return bankruptcy(size, mark, maintenance, collateral)


CATALOGUE = (
    Venue(
        name="lighter",
        build=rule,
        title="LLP strategy of the market, then auto-deleveraging at the zero price",
        documents=(
            Document("elliottech/lighter-prover @ 23d1596", "commit 23d1596", "excerpt"),
            Document("docs.lighter.xyz, LLP Strategies", "undated", "excerpt"),
            Document("order of the queue", "undated", "memory"),
        ),
        read="Both pages as stored copies, of the second the beginning, and the proof of a "
        "deleveraging; the order of the queue is unverified.",
        simplified="Positions that LLP takes over and later gains or loses on are not followed; "
        "the liquidation fee of up to 1 % is left out.",
        terms=Terms(
            fund="the liquidity pool (LLP), up to the collateral of its strategy",
            basis="rank; how it is formed was not found",
            price="zero price: account value / maintenance requirement stays as it is",
            cap="strategy: its collateral; a claim: the whole position",
            pause=NOT_READ,
        ),
    ),
)
