"""SPAN: margin as the worst of sixteen scenarios of price and volatility."""

from __future__ import annotations

import numpy as np

from ..statistics.arrays import numbers
from ..statistics.samples import known
from .scenario_grid import ScenarioGrid


def span_grid(
    price_range: float, volatility_range: float, *, extreme: float = 3.0, cover: float = 0.33
) -> ScenarioGrid:
    """The sixteen scenarios of SPAN: 7 prices × volatility up and down, and two extreme moves.

    price = 0, +⅓, −⅓, +⅔, −⅔, +1, −1 of the range, each with volatility up, then down; then
    ± extreme × range with unchanged volatility, of which only the share `cover` counts.

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
