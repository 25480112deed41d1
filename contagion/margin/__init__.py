"""Margin and liquidation, one step at a time: what closes, at what price, and what is missing.

Closed forms only: the shortfalls and ranking scores that the loss-sharing rules need, each as its
venue or protocol computes it. All functions take numbers or numpy arrays that broadcast, give
floats for scalars, refuse impossible inputs with a ValueError that names the argument, and leave
nan as nan. Prices, spreads and repeated rounds are not here.

- `bankruptcy`: prices at which a position is liquidated or bankrupt, shortfall of its close
- `perps`, `hyperliquid`, `scores`: dYdX, GMX, Hyperliquid, ranking of BitMEX and Binance
- `funds`, `sharing`: drawdown and budget; haircut, clawback, charge per unit
- `loans`, `aave`, `lending`, `liquity`, `auctions`: liquidation of loans and who pays the bad debt
"""

from __future__ import annotations

from .aave import UmbrellaCover, aave_health, aave_liquidation, umbrella_slash
from .auctions import Dilution, MakerSettlement, dilution, flop_lot, maker_settlement
from .bankruptcy import bankruptcy_price, close_shortfall, liquidation_price, position_value
from .funds import DeleveragingBudget, FundDrawdown, deleveraging_budget, fund_drawdown
from .hyperliquid import HyperliquidMargins, hyperliquid_index, hyperliquid_margins
from .lending import (
    Absorption,
    compound_absorb,
    euler_liquidation,
    morpho_incentive,
    morpho_liquidation,
)
from .liquity import TroveLiquidation, liquity_liquidation, liquity_redistribution
from .loans import LoanLiquidation, haircut_bad_debt
from .perps import (
    CappedProfit,
    PortfolioBankruptcy,
    dydx_bankruptcy,
    dydx_fund_payment,
    gmx_capped_profit,
)
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
    "AdlQueue",
    "CappedProfit",
    "DeleveragingBudget",
    "Dilution",
    "FundDrawdown",
    "HyperliquidMargins",
    "LoanLiquidation",
    "MakerSettlement",
    "PerpSocialization",
    "PortfolioBankruptcy",
    "TroveLiquidation",
    "UmbrellaCover",
    "aave_health",
    "aave_liquidation",
    "adl_queue",
    "bankruptcy_price",
    "binance_score",
    "binance_score_2019",
    "bitmex_score",
    "clawback_rate",
    "close_shortfall",
    "compound_absorb",
    "deleveraging_budget",
    "dilution",
    "drift_deposit_index",
    "drift_perp_loss",
    "dydx_bankruptcy",
    "dydx_fund_payment",
    "euler_liquidation",
    "flop_lot",
    "fund_drawdown",
    "gmx_capped_profit",
    "haircut_bad_debt",
    "hyperliquid_index",
    "hyperliquid_margins",
    "liquidation_price",
    "liquity_liquidation",
    "liquity_redistribution",
    "maker_settlement",
    "morpho_incentive",
    "morpho_liquidation",
    "position_value",
    "umbrella_slash",
    "uniform_haircut",
]
