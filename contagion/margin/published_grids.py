"""Published scenario grids: after Deribit, and the sixteen scenarios of SPAN."""

from __future__ import annotations

import numpy as np

from ..errors import ArgumentError
from ..statistics.arrays import numbers
from ..statistics.samples import known
from .scenario_grid import ScenarioGrid


def deribit_grid(
    price_range: float = 0.16,
    *,
    up: float = 0.38,
    down: float = 0.28,
    extended: tuple[float, ...] = (-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0),
    short_option: float = 0.0,
    offset: float = 0.0,
) -> ScenarioGrid:
    """Grid after Deribit: 9 prices × volatility up, same, down, and far moves that are dampened.

    price = −range … +range in 9 even steps; far moves only with volatility up and with the weight
    price_range / |move|. Volatility moves by up (down) × (30 / days)^0.30, from 30 days on ^0.13.

    The 9 steps, three volatilities and far moves are Deribit's. Its fraction and dampener of the
    far moves are not published in what was read: weight, down and the power 0.13 follow Paradex,
    whose table of 24 scenarios has the same far moves with weights 16 % / |move|, and the project's
    notes. Values change without notice; Deribit's older text has a contingency of 0.01 for each
    net short option (`short_option=0.01`) and 1 % of offsetting futures (`offset=0.01`).

    Raises
    ------
    ArgumentError : price_range outside 0 to 1, a far move inside the range, a negative shock.

    Example
    -------
    >>> grid = deribit_grid()
    >>> len(grid.price), [round(w, 4) for w in grid.weight[27:31]]
    (35, [0.2424, 0.4848, 0.32, 0.16])

    Source: Deribit, "Portfolio Margin" (support 25944756247837; older: pages/docs/portfoliomargin);
    Paradex, docs "Portfolio Margin"; read as stored copies without date.
    """
    known("price_range", numbers("price_range", price_range, above=0, below=1))
    for name, value in (("up", up), ("down", down)):
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
        short_option=short_option,
        offset=offset,
    )


def span_grid(
    price_range: float, volatility_range: float, *, extreme: float = 3.0, cover: float = 0.33
) -> ScenarioGrid:
    """The sixteen scenarios of SPAN: 7 prices × volatility up and down, and two extreme moves.

    price = 0, +⅓, −⅓, +⅔, −⅔, +1, −1 of the range, each with volatility up, then down; then
    ± extreme × range with unchanged volatility, of which only the part `cover` counts.

    The order and the thirds are as printed by McMillan, whose table has 2 × the range at 35 %. The
    defaults 3 and 33 % are unverified (medium confidence). SPAN's ranges are set by contract and
    absolute; here both are relative to the price and to the volatility.

    Raises
    ------
    ArgumentError : extreme × price_range above 1, a cover outside 0 to 1, a negative range.

    Example
    -------
    >>> [round(m, 3) for m in span_grid(0.09, 0.2).price[::2]]
    [0.0, 0.03, -0.03, 0.06, -0.06, 0.09, -0.09, 0.27]

    Source: McMillan, Options as a Strategic Investment, p. 670 (read as a stored excerpt); the
    project's notes.
    """
    known("price_range", numbers("price_range", price_range, above=0))
    known("volatility_range", volatility_range, 0)
    known("cover", numbers("cover", cover, above=0, high=1))
    known("extreme", extreme, 1)
    move = price_range * np.array([0, 1, -1, 2, -2, 3, -3]) / 3
    return ScenarioGrid(
        (*np.repeat(move, 2), extreme * price_range, -extreme * price_range),
        (*np.tile([volatility_range, -volatility_range], 7), 0.0, 0.0),
        (*np.ones(14), cover, cover),
    )
