"""Positions and loans, their liquidation after a price fall, liquidation prices, and deficits.

Start with :class:`MarginBook` (accounts, positions, loans) and :class:`LiquidationCascade`, which
runs a price shock on them.

- `margin_book`, `position_tables`: positions and loans; equity, health, leverage of accounts
- `cascade`, `cascade_solver`, `cascade_result`: the liquidations that follow a price shock
- `account_claims`: equity, profit, funds and deficits after a run, as arrays
- `cascade_measures`, `liquidation_profile`, `criticality`: multipliers, profiles, tipping points
- `circuit_breakers`, `position_limits`, `leverage_levels`: measures that slow or prevent a cascade
- `price_impact`, `amm_pools`, `order_book`, `withdrawing_depth`: prices after sales
- `oracles`, `venue_oracles`: prices that venues use
- `instruments`, `margin_rules`: options and futures, maintenance by size or by a grid
- `bankruptcy_prices`, `loan_liquidation`: one position, one loan
- `coupling/`: liquidations and clearing together
"""

from __future__ import annotations

from .account_claims import AccountClaims, account_claims
from .amm_pools import ConcentratedLiquidity, ConstantProduct, Pool
from .bankruptcy_prices import (
    bankruptcy_price,
    close_shortfall,
    liquidation_price,
    part_to_close,
    position_value,
)
from .cascade import LiquidationCascade
from .cascade_measures import (
    cascade_multiplier,
    required_fund,
    scenario_deficits,
    time_to_stop,
    total_loss,
)
from .cascade_result import CascadeResult
from .circuit_breakers import Breaker, Freeze, Halt, PriceBand, Throttle, WithdrawalGate
from .coupling import CoupledCascade
from .criticality import CriticalityMap, criticality_map, tipping_point
from .instruments import Future, Option
from .leverage_levels import Deeper, leveraged
from .liquidation_profile import concentration, liquidatable
from .loan_liquidation import LoanLiquidation, haircut_bad_debt
from .margin_book import MarginBook
from .oracles import CappedGrowth, HardCoded, Market, Oracle, Stale, TimeWeighted
from .order_book import Finite, OrderBook
from .position_limits import Adjusted, MarginAddOn, PositionLimit
from .price_impact import Exponential, Linear, NoImpact, PriceImpact, SquareRoot
from .venue_oracles import VenueOracles
from .withdrawing_depth import Withdrawal

__all__ = [
    "AccountClaims",
    "Adjusted",
    "Breaker",
    "CappedGrowth",
    "CascadeResult",
    "ConcentratedLiquidity",
    "ConstantProduct",
    "CoupledCascade",
    "CriticalityMap",
    "Deeper",
    "Exponential",
    "Finite",
    "Freeze",
    "Future",
    "Halt",
    "HardCoded",
    "Linear",
    "LiquidationCascade",
    "LoanLiquidation",
    "MarginAddOn",
    "MarginBook",
    "Market",
    "NoImpact",
    "Option",
    "Oracle",
    "OrderBook",
    "Pool",
    "PositionLimit",
    "PriceBand",
    "PriceImpact",
    "SquareRoot",
    "Stale",
    "Throttle",
    "TimeWeighted",
    "VenueOracles",
    "Withdrawal",
    "WithdrawalGate",
    "account_claims",
    "bankruptcy_price",
    "cascade_multiplier",
    "close_shortfall",
    "concentration",
    "criticality_map",
    "haircut_bad_debt",
    "leveraged",
    "liquidatable",
    "liquidation_price",
    "part_to_close",
    "position_value",
    "required_fund",
    "scenario_deficits",
    "time_to_stop",
    "tipping_point",
    "total_loss",
]
