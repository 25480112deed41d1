"""dYdX v4: the insurance fund pays a fill in full or not at all, then accounts are offset.

Each fill of a liquidation is paid by the fund or deleveraged (`fund_payment`, `fill_payments`).
Accounts of the other side are visited in cyclic order from a random start (`visiting_order`) and
closed at the bankruptcy price of the liquidated account (`bankruptcy`). As a rule: `v4`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError, RuleError
from ..rules.order import Queue
from ..rules.rule import Rule
from ..rules.waterfall import Layer
from ..statistics.arrays import Numbers, answer, numbers, ratio
from .parameters import fund_then, money
from .record import Document, Terms, Venue


def v4(fund: float | None = None, fills: Sequence[float] | None = None, by: str = "order") -> Rule:
    """Insurance fund, all or nothing on each fill, then offsetting accounts in visiting order.

    fill f:  the fund pays f if its balance >= f, otherwise nothing and the position is
    deleveraged: accounts of the other side in the order of visit, each up to its full size

    The payment of the fund is not a monotone function of the total loss: a fund of 60 pays a fill
    of 50 but not one of 70. Therefore the fills are parameters: they determine the payment of the
    fund (:func:`fill_payments`), the layer has exactly that capacity, and the rule is exact for
    **loss = Σ fills**. Without `fills` the fund pays up to its balance: this is the limit of many
    small fills, and the largest possible payment.

    Claims: layer "deleveraging", one row per account of the other side, `amount` its largest loss
    (it is closed at the bankruptcy price of the liquidated account, `bankruptcy`), column `by` its
    place, the lowest first (:func:`visiting_order` draws one).

    Parameters
    ----------
    fund : balance of the fund, an amount; `None`: the claims in layer "insurance fund".
    fills : losses of the fills in the order in which they occur, amounts.
    by : column with the order of visit.

    The ranking by profit and leverage in the old documentation does not apply to v4.

    Raises
    ------
    RuleError : for `fills` without `fund`.

    Example
    -------
    A fund of 60 and fills of 30, 50, 25: it pays 30, cannot pay 50, and pays 25.

    >>> from contagion.venues import dydx
    >>> claims = {"claimant": ["a", "b", "c"], "layer": "deleveraging",
    ...           "amount": [40.0, 40.0, 40.0], "order": [2, 0, 1]}
    >>> rule = dydx.v4(fund=60, fills=[30, 50, 25])
    >>> rule.allocate(30 + 50 + 25, claims).table["loss"].tolist()
    [0.0, 40.0, 10.0, 55.0]

    Source: dydxprotocol/v4-chain, protocol/x/clob/keeper/deleveraging.go @ 002f3fa, functions
    IsValidInsuranceFundDelta and OffsetSubaccountPerpetualPosition.
    """
    if fills is not None:
        if fund is None:
            raise RuleError("dydx_v4: fills need fund, the balance before the first of them.")
        fund = float(fill_payments(fund, fills).sum())
    return fund_then(fund, Layer("deleveraging", Queue(by, first="lowest")))


def fill_payments(fund: float, fills: Sequence[float]) -> np.ndarray:
    """Payments of the fund of dYdX v4 on each fill (K,): the whole loss, or nothing.

    Parameters
    ----------
    fund : balance before the first fill, an amount.
    fills : (K,) losses in the order in which they occur, amounts >= 0.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    >>> fill_payments(60, [30, 50, 25])
    array([30.,  0., 25.])

    Source: as :func:`v4`.
    """
    left, paid = money(fund, "fund"), np.zeros(len(fills))
    for at, fill in enumerate(fills):  # each depends on the remaining balance
        if left >= money(fill, "fills"):
            paid[at] = fill
            left -= fill
    return paid


def visiting_order(n: int, rng: np.random.Generator | int | None = None) -> np.ndarray:
    """Places (n,) of n accounts visited in cyclic order from a random start: (i − start) mod n.

    Parameters
    ----------
    n : number of accounts, in the order of the chain.
    rng : as for `numpy.random.default_rng`; the chain derives the start from the block.

    Example
    -------
    >>> sorted(visiting_order(4, rng=1).tolist())
    [0, 1, 2, 3]

    Source: as :func:`v4`.
    """
    start = int(np.random.default_rng(rng).integers(n)) if n else 0
    return np.asarray((np.arange(n) - start) % max(n, 1))


@dataclass(frozen=True)
class PortfolioBankruptcy:
    """Bankruptcy prices of the legs of one account.

    Attributes
    ----------
    net_collateral : (...) TNC: quote balance plus signed value of all legs; below zero the
        account is bankrupt.
    quote : (..., legs) amount that the account receives for closing each leg (pays if negative).
    price : (..., legs) the same per unit; nan for legs of size zero.
    """

    net_collateral: Numbers
    quote: Numbers
    price: Numbers


def bankruptcy(
    size: ArrayLike, oracle: ArrayLike, maintenance: ArrayLike, quote_balance: ArrayLike
) -> PortfolioBankruptcy:
    """Bankruptcy prices of a cross-margined account on dYdX v4.

    quote = −DNNV − TNC × |DMMR| / TMMR, here for closing each leg in full: the leg's value
    minus its share, by maintenance margin, of the account's net collateral. Parts of a leg
    close at the same price. After closing every leg at its price, the account has exactly 0.
    The code rounds against the liquidated account; this function does not round.

    Parameters
    ----------
    size : (..., legs) signed sizes.
    oracle : (..., legs) oracle prices, > 0.
    maintenance : (..., legs) maintenance margin fractions, 0 < m <= 1.
    quote_balance : (...) signed balance in the quote currency.

    Raises
    ------
    ValueError : a price or fraction out of range, or size without an axis of legs.

    Example
    -------
    One leg: 1 long at 900, balance −1,000. Two legs: 1 × 900 at 5 % and 10 × 50 at 10 %, balance
    −1,450: TNC is −50, and 45/95 of it belong to the first leg.

    >>> bankruptcy([1], [900], [0.05], -1_000).price
    array([1000.])
    >>> two = bankruptcy([1, 10], [900, 50], [0.05, 0.10], -1_450)
    >>> two.net_collateral, two.price.round(2), float(two.quote.sum())
    (-50.0, array([923.68,  52.63]), 1450.0)

    Source: dydxprotocol/v4-chain, protocol/x/clob/keeper/liquidations.go (function
    GetBankruptcyPriceInQuoteQuantums), read @ 014223b; deleveraging.go read @ 002f3fa. The
    numbers of the example are from the project's notes (@ 84d4664).
    """
    held, at = numbers("size", size), numbers("oracle", oracle, above=0)
    rate = numbers("maintenance", maintenance, high=1, above=0)
    cash = numbers("quote_balance", quote_balance)
    if held.ndim == 0:
        raise ArgumentError("size must have an axis of legs, at least [size] for one position.")
    value = held * at
    margin = np.abs(value) * rate
    net = cash + value.sum(-1)
    quote = value - net[..., None] * ratio(margin, margin.sum(-1, keepdims=True), 0.0)
    unknown = np.isnan(net)[..., None]
    return PortfolioBankruptcy(
        answer(net),
        np.where(unknown, np.nan, quote),
        np.where(unknown, np.nan, ratio(quote, held)),
    )


def fund_payment(shortfall: ArrayLike, fund: ArrayLike) -> Numbers:
    """Payment of the insurance fund of dYdX v4 on one fill: the whole shortfall or nothing.

    pays = shortfall if fund >= shortfall, otherwise 0 (and the position is deleveraged)

    Parameters
    ----------
    shortfall : loss of the fill relative to the bankruptcy price, an amount >= 0.
    fund : balance of the fund, an amount >= 0.

    Returns
    -------
    The payment, an amount.

    Raises
    ------
    ValueError : a negative or infinite amount.

    Example
    -------
    >>> fund_payment([80, 120], 100)
    array([80.,  0.])

    Source: dydxprotocol/v4-chain, protocol/x/clob/keeper/deleveraging.go (function
    IsValidInsuranceFundDelta), read @ 002f3fa.
    """
    due, has = numbers("shortfall", shortfall, 0), numbers("fund", fund, 0)
    return answer(np.where(has >= due, due, 0.0), due, has)


CATALOGUE = (
    Venue(
        name="dydx_v4",
        build=v4,
        title="Insurance fund all or nothing on each fill, then deleveraging from a random start",
        documents=(
            Document(
                "dydxprotocol/v4-chain @ 002f3fa, x/clob/keeper/deleveraging.go",
                "commit 002f3fa",
                "in full",
            ),
        ),
        read="The code of the insurance fund and of the offsetting of accounts.",
        simplified="Accounts whose bankruptcy prices do not overlap are skipped by the chain, "
        "and it visits a limited number of them; here every account is reached.",
        terms=Terms(
            fund="insurance fund, all or nothing on each fill",
            basis="order of visit from a random start",
            price="bankruptcy price of the portfolio",
            cap="the whole position",
            pause="withdrawals are gated while an account has negative collateral",
        ),
    ),
)
