"""Margin and liquidation: what has to be put up, what closes, at what price, and what is missing.

`MarginBook` holds positions and loans, `LiquidationCascade` pushes a price shock through them. The
rest are the parts, each by itself, as its venue or protocol computes it: functions take numbers or
numpy arrays that broadcast, give floats for scalars, refuse impossible inputs with a ValueError
that names the argument, and leave nan as nan (a history with a missing observation is refused).

- `book`, `cascade`, `outcome`, `breakers`: positions and loans, and what a shock sets off
- `measures`, `profile`, `criticality`, `levels`: multipliers, profiles, tipping points
- `bankruptcy`: prices at which a position is liquidated or bankrupt, shortfall of its close
- `perps`, `hyperliquid`, `scores`: dYdX, GMX, Hyperliquid, ranking of BitMEX and Binance
- `funds`, `sharing`: drawdown and budget; haircut, clawback, charge per unit
- `loans`, `aave`, `lending`, `liquity`, `auctions`: liquidation of loans and who pays the bad debt
- `impact`, `pools`, `depth`, `oracles`: prices after sales, and the prices that venues go by
- `risk`, `filtered`: value at risk and expected shortfall with their errors, filtered history
- `options`, `grid`, `grids`, `schedule`: margin by scenarios and by size, offsets in a portfolio
- `procyclicality`, `backtest`: margin through the cycle, and whether it was enough
"""

from __future__ import annotations

from ._estimates import Estimate
from .aave import UmbrellaCover, aave_health, aave_liquidation, umbrella_slash
from .auctions import Dilution, MakerSettlement, dilution, flop_lot, maker_settlement
from .backtest import (
    CoverageTest,
    TrafficLight,
    conditional_coverage_test,
    exceedances,
    independence_test,
    kupiec_test,
    traffic_light,
)
from .bankruptcy import bankruptcy_price, close_shortfall, liquidation_price, position_value
from .book import MarginBook
from .breakers import Breaker, Freeze, Halt, PriceBand, Throttle, WithdrawalGate
from .cascade import LiquidationCascade
from .criticality import CriticalityMap, criticality_map, tipping_point
from .depth import Finite, OrderBook
from .filtered import filtered_losses, garch_volatility
from .funds import DeleveragingBudget, FundDrawdown, deleveraging_budget, fund_drawdown
from .grid import GridMargin, ScenarioGrid
from .grids import deribit_grid, span_grid
from .hyperliquid import HyperliquidMargins, hyperliquid_index, hyperliquid_margins
from .impact import Exponential, Impact, Linear, NoImpact, SquareRoot
from .lending import (
    Absorption,
    compound_absorb,
    euler_liquidation,
    morpho_incentive,
    morpho_liquidation,
)
from .levels import Deeper, leveraged
from .limits import Adjusted, MarginAddOn, PositionLimit
from .liquity import TroveLiquidation, liquity_liquidation, liquity_redistribution
from .loans import LoanLiquidation, haircut_bad_debt
from .measures import (
    break_even_fund,
    cascade_multiplier,
    scenario_deficits,
    time_to_stop,
    total_loss,
)
from .options import Instruments, option_value
from .oracles import CappedGrowth, HardCoded, Market, Oracle, Stale, TimeWeighted
from .outcome import CascadeResult
from .perps import (
    CappedProfit,
    PortfolioBankruptcy,
    dydx_bankruptcy,
    dydx_fund_payment,
    gmx_capped_profit,
)
from .pools import ConcentratedLiquidity, ConstantProduct, Pool
from .procyclicality import (
    buffered_margin,
    floored_margin,
    largest_increase,
    peak_to_trough,
    stressed_weights,
)
from .profile import concentration, liquidatable
from .risk import expected_shortfall, value_at_risk
from .schedule import TieredSchedule, offset_margin
from .scores import AdlQueue, adl_queue, binance_score, binance_score_2019, bitmex_score
from .sharing import (
    PerpSocialization,
    clawback_rate,
    drift_deposit_index,
    drift_perp_loss,
    uniform_haircut,
)

__all__ = [
    "Absorption",
    "Adjusted",
    "AdlQueue",
    "Breaker",
    "CappedGrowth",
    "CappedProfit",
    "CascadeResult",
    "ConcentratedLiquidity",
    "ConstantProduct",
    "CoverageTest",
    "CriticalityMap",
    "Deeper",
    "DeleveragingBudget",
    "Dilution",
    "Estimate",
    "Exponential",
    "Finite",
    "Freeze",
    "FundDrawdown",
    "GridMargin",
    "Halt",
    "HardCoded",
    "HyperliquidMargins",
    "Impact",
    "Instruments",
    "Linear",
    "LiquidationCascade",
    "LoanLiquidation",
    "MakerSettlement",
    "MarginAddOn",
    "MarginBook",
    "Market",
    "NoImpact",
    "Oracle",
    "OrderBook",
    "PerpSocialization",
    "Pool",
    "PortfolioBankruptcy",
    "PositionLimit",
    "PriceBand",
    "ScenarioGrid",
    "SquareRoot",
    "Stale",
    "Throttle",
    "TieredSchedule",
    "TimeWeighted",
    "TrafficLight",
    "TroveLiquidation",
    "UmbrellaCover",
    "WithdrawalGate",
    "aave_health",
    "aave_liquidation",
    "adl_queue",
    "bankruptcy_price",
    "binance_score",
    "binance_score_2019",
    "bitmex_score",
    "break_even_fund",
    "buffered_margin",
    "cascade_multiplier",
    "clawback_rate",
    "close_shortfall",
    "compound_absorb",
    "concentration",
    "conditional_coverage_test",
    "criticality_map",
    "deleveraging_budget",
    "deribit_grid",
    "dilution",
    "drift_deposit_index",
    "drift_perp_loss",
    "dydx_bankruptcy",
    "dydx_fund_payment",
    "euler_liquidation",
    "exceedances",
    "expected_shortfall",
    "filtered_losses",
    "floored_margin",
    "flop_lot",
    "fund_drawdown",
    "garch_volatility",
    "gmx_capped_profit",
    "haircut_bad_debt",
    "hyperliquid_index",
    "hyperliquid_margins",
    "independence_test",
    "kupiec_test",
    "largest_increase",
    "leveraged",
    "liquidatable",
    "liquidation_price",
    "liquity_liquidation",
    "liquity_redistribution",
    "maker_settlement",
    "morpho_incentive",
    "morpho_liquidation",
    "offset_margin",
    "option_value",
    "peak_to_trough",
    "position_value",
    "scenario_deficits",
    "span_grid",
    "stressed_weights",
    "time_to_stop",
    "tipping_point",
    "total_loss",
    "traffic_light",
    "umbrella_slash",
    "uniform_haircut",
    "value_at_risk",
]
