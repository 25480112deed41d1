"""Initial margin: from scenarios, from schedules, through the cycle, and backtests.

Start with :class:`ScenarioGrid` or :class:`TieredSchedule`; value at risk and expected shortfall
are in :mod:`contagion.statistics`, margin calls and liquidations in :mod:`contagion.liquidation`.

- `scenario_grid`, `span`, `option_values`: the worst loss of a portfolio over moves of price and
  volatility, or over arrays computed elsewhere; the grid of an exchange is with the exchange
  (:mod:`contagion.venues.deribit`)
- `schedule`: rates that rise with the size of a position, offsets in a portfolio
- `filtered_history`: past losses rescaled to current volatility
- `procyclicality`, `backtest`: margin through the cycle, and tests of its coverage
"""

from __future__ import annotations

from .backtest import (
    CoverageTest,
    TrafficLight,
    conditional_coverage_test,
    exceedances,
    independence_test,
    kupiec_test,
    traffic_light,
)
from .filtered_history import filtered_losses, garch_volatility
from .option_values import Instruments, option_greeks, option_value
from .procyclicality import (
    buffered_margin,
    floored_margin,
    largest_increase,
    peak_to_trough,
    stressed_weights,
)
from .scenario_grid import GridMargin, ScenarioGrid, array_margin
from .schedule import TieredSchedule, offset_margin
from .span import span_grid

__all__ = [
    "CoverageTest",
    "GridMargin",
    "Instruments",
    "ScenarioGrid",
    "TieredSchedule",
    "TrafficLight",
    "array_margin",
    "buffered_margin",
    "conditional_coverage_test",
    "exceedances",
    "filtered_losses",
    "floored_margin",
    "garch_volatility",
    "independence_test",
    "kupiec_test",
    "largest_increase",
    "offset_margin",
    "option_greeks",
    "option_value",
    "peak_to_trough",
    "span_grid",
    "stressed_weights",
    "traffic_light",
]
