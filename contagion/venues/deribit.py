"""Deribit: margin from a grid of scenarios; insurance fund, then the winners of the day.

The margin of a portfolio is its worst loss over moves of price and volatility (`scenario_grid`).
Losses beyond the fund are socialized among the winning traders of that day, which has never
happened (`rule`).
"""

from __future__ import annotations

import numpy as np

from ..errors import ArgumentError
from ..margin.scenario_grid import ScenarioGrid
from ..rules.pro_rata import ProRata
from ..rules.rule import Rule
from ..rules.waterfall import Layer
from ..statistics.arrays import numbers
from ..statistics.samples import known
from .parameters import fund_then
from .record import Document, Terms, Venue


def rule(fund: float | None = None, weight: str = "profit") -> Rule:
    """Insurance fund, then socialized among the winners of the day, pro rata on their profit.

    rate = (L − fund) / Σ max(0, session profit)

    Claims: as for `contagion.venues.okx.okex_2018`, layer "socialized loss", column
    `weight` the session profit.

    Parameters
    ----------
    fund : balance of the insurance fund; `None`: the claims in its layer.
    weight : column with the session profit.

    Unverified (medium confidence): that the basis is the session profit, pro rata. The article
    says only that losses beyond the fund are socialized among the winning traders of that day,
    and that it has never happened.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    >>> from contagion.venues import deribit
    >>> claims = {"claimant": ["a", "b"], "layer": "socialized loss", "amount": [30.0, 10.0],
    ...           "profit": [30, 10]}
    >>> deribit.rule(fund=5).allocate(9, claims).table["loss"].tolist()
    [3.0, 1.0, 5.0]

    Source: Deribit, support article 25944777576477 "Insurance Fund" (stored copy, undated).
    """
    return fund_then(fund, Layer("socialized loss", ProRata(weight, negative="zero")))


def scenario_grid(
    price_range: float = 0.16,
    *,
    up: float = 0.50,
    down: float = 0.25,
    least: float = 0.50,
    extended: tuple[float, ...] = (-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0),
    short_option: float = 0.0,
    offset: float = 0.0,
) -> ScenarioGrid:
    """Grid after Deribit: 9 prices × volatility up, same, down, and far moves with lower weight.

    price = −range … +range in 9 even steps; far moves only with volatility up and with the weight
    price_range / |move|. Volatility moves by up (down) × (30 / days)^0.30, with the power 0.13 from
    30 days on; after a move up it is at least `least`.

    Defaults are those of BTC in the example of the interface (2024-06-17): range 0.16, up 0.5,
    down 0.25, least 0.5, powers 0.30 and 0.13. ETH, seen in a stored answer: range 0.18, up 0.4,
    down 0.25, least 0.5. Values change without notice. The older text has a range of 0.10, up and
    down 0.38 and no minimum; a contingency of 0.01 for each net short option (`short_option=0.01`)
    and 1 % of offsetting futures (`offset=0.01`). Far moves are Deribit's; the effect of its
    dampener (100,000 for BTC) on them was not read, so their weights follow Paradex, whose table of
    24 scenarios has the same far moves with 16 % / |move|.

    Parameters
    ----------
    price_range : largest move of the inner table, 0 to 1.
    up, down : moves of the volatility of a 30-day option, relative, >= 0.
    least : volatility after a move up is at least this, >= 0.
    extended : far moves, beyond the range.
    short_option, offset : contingency rates of :class:`contagion.margin.ScenarioGrid`.

    Raises
    ------
    ValueError : price_range outside 0 to 1, a far move inside the range, a negative shock.

    Example
    -------
    >>> grid = scenario_grid()
    >>> len(grid.price), [round(w, 4) for w in grid.weight[27:31]]
    (35, [0.2424, 0.4848, 0.32, 0.16])

    A short put with strike 45,000, price 50,000, 30 days and volatility of 60 % loses most at −16 %
    with volatility up. If half a future is sold as a hedge, the worst scenario is +16 %. With
    volatility moves of 38 and 28 % (notes):

    >>> from contagion.margin import Instruments
    >>> book = Instruments(("put", "linear"), 50_000, strike=45_000, volatility=0.6, days=30)
    >>> grid = scenario_grid(up=0.38, down=0.28, least=0, extended=())
    >>> found = grid.margin(book, [[-1, 0], [-1, -0.5]])
    >>> found.margin.round(), [grid.price[s] for s in found.scenario]
    (array([4436., 3534.]), [-0.16, 0.16])

    Source: Deribit, interface, private/pme/simulate, example of a response (time stamp 2024-06-17);
    "Portfolio Margin" (support 25944756247837; older: pages/docs/portfoliomargin); Paradex, docs
    "Portfolio Margin"; read as stored copies. Second example: the project's notes (−4,435, −3,534).
    """
    known("price_range", numbers("price_range", price_range, above=0, below=1))
    for name, value in (("up", up), ("down", down), ("least", least)):
        known(name, value, 0)
    far = known("extended", extended, -1)
    if (np.abs(far) <= price_range).any():
        raise ArgumentError(
            f"extended moves must be beyond the range of {price_range:g}: {extended}."
        )
    steps = np.round(np.linspace(-price_range, price_range, 9), 12)
    return ScenarioGrid(
        (*np.repeat(steps, 3), *far),
        (*np.tile([up, 0.0, -down], 9), *[up] * len(far)),
        (*np.ones(27), *price_range / np.abs(far)),
        power=0.30,
        long_power=0.13,
        least=least,
        short_option=short_option,
        offset=offset,
    )


CATALOGUE = (
    Venue(
        name="deribit",
        build=rule,
        title="Insurance fund, then the day's winners pro rata on profit",
        documents=(
            Document(
                "Deribit, support article 25944777576477, Insurance Fund", "undated", "in full"
            ),
            Document("basis: profits of the session, pro rata", "undated", "memory"),
        ),
        read="The support article, as a stored copy; the basis, session profits pro rata, is "
        "unverified (medium confidence).",
        simplified="None stated.",
        terms=Terms(
            fund="insurance fund",
            basis="profit of the session",
            price="none: profits are cut",
            cap="the profit",
        ),
    ),
)
