"""The catalogue: how exchanges, protocols and clearing houses share a shortfall, with sources.

Each module has constructors and a tuple `CATALOGUE` of :class:`Venue`; here they are one
registry. A new module is its imports and one entry in `CATALOGUE` below.

>>> venue("bitmex", fund=30.0)
Waterfall([Layer('insurance fund', capacity=30), Layer('adl', Queue(by='score'))])
>>> describe("deribit").status
'partly unverified'
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..rules.rule import Rule
from ..text import known_name
from . import clearing_houses as clearing
from . import exchanges, onchain, socialized, stablecoins, vaults
from . import lending_rules as lending
from . import pool_rules as pools
from .aave import UmbrellaCover, aave_health, aave_liquidation, umbrella_slash
from .adl import adl_policies, pmr, ptsr
from .adl_scores import AdlQueue, adl_queue, binance_score, binance_score_2019, bitmex_score
from .clearing_houses import ccp, ccp_emir
from .exchanges import binance, bitmex, bybit, okx
from .fund_drawdown import DeleveragingBudget, FundDrawdown, deleveraging_budget, fund_drawdown
from .hyperliquid import HyperliquidMargins, hyperliquid_index, hyperliquid_margins
from .isolated_lending import (
    Absorption,
    compound_absorb,
    euler_liquidation,
    morpho_incentive,
    morpho_liquidation,
)
from .lending_rules import aave_v2_safety_module, aave_v3, compound_v3
from .liquity import TroveLiquidation, liquity_liquidation, liquity_redistribution
from .loss_rates import (
    PerpSocialization,
    clawback_rate,
    drift_deposit_index,
    drift_perp_loss,
    uniform_haircut,
)
from .maker_auctions import Dilution, MakerSettlement, dilution, flop_lot, maker_settlement
from .members import Cover2, ccp_claims, cover_2
from .onchain import dydx_order, dydx_payments, dydx_v4, hyperliquid
from .perpetuals import (
    CappedProfit,
    PortfolioBankruptcy,
    dydx_bankruptcy,
    dydx_fund_payment,
    gmx_capped_profit,
)
from .pool_rules import drift_perp, drift_spot, gmx_v2
from .socialized import bitfinex_2016, deribit, okex_2018
from .stablecoins import liquity_v1, maker
from .vaults import euler_v2, metamorpho_v1_0, metamorpho_v1_1, morpho_blue
from .venue import Venue

__all__ = [
    "CATALOGUE",
    "VENUES",
    "Absorption",
    "AdlQueue",
    "CappedProfit",
    "Cover2",
    "DeleveragingBudget",
    "Dilution",
    "FundDrawdown",
    "HyperliquidMargins",
    "MakerSettlement",
    "PerpSocialization",
    "PortfolioBankruptcy",
    "TroveLiquidation",
    "UmbrellaCover",
    "Venue",
    "aave_health",
    "aave_liquidation",
    "aave_v2_safety_module",
    "aave_v3",
    "adl_policies",
    "adl_queue",
    "binance",
    "binance_score",
    "binance_score_2019",
    "bitfinex_2016",
    "bitmex",
    "bitmex_score",
    "bybit",
    "ccp",
    "ccp_claims",
    "ccp_emir",
    "clawback_rate",
    "compound_absorb",
    "compound_v3",
    "cover_2",
    "deleveraging_budget",
    "deribit",
    "describe",
    "dilution",
    "drift_deposit_index",
    "drift_perp",
    "drift_perp_loss",
    "drift_spot",
    "dydx_bankruptcy",
    "dydx_fund_payment",
    "dydx_order",
    "dydx_payments",
    "dydx_v4",
    "euler_liquidation",
    "euler_v2",
    "flop_lot",
    "fund_drawdown",
    "gmx_capped_profit",
    "gmx_v2",
    "hyperliquid",
    "hyperliquid_index",
    "hyperliquid_margins",
    "liquity_liquidation",
    "liquity_redistribution",
    "liquity_v1",
    "maker",
    "maker_settlement",
    "metamorpho_v1_0",
    "metamorpho_v1_1",
    "morpho_blue",
    "morpho_incentive",
    "morpho_liquidation",
    "okex_2018",
    "okx",
    "pmr",
    "ptsr",
    "umbrella_slash",
    "uniform_haircut",
    "venue",
]

CATALOGUE: dict[str, Venue] = {
    each.name: each
    for part in (
        exchanges.CATALOGUE,
        onchain.CATALOGUE,
        pools.CATALOGUE,
        socialized.CATALOGUE,
        lending.CATALOGUE,
        vaults.CATALOGUE,
        stablecoins.CATALOGUE,
        clearing.CATALOGUE,
    )
    for each in part
}
VENUES: dict[str, Callable[..., Rule]] = {name: each.build for name, each in CATALOGUE.items()}


def venue(name: str, **parameters: Any) -> Rule:
    """The rule of a venue of the catalogue; in TOML `{ venue = "okex_2018", fund = 10.0 }`.

    Raises
    ------
    RuleError
        For an unknown venue or parameter, with the closest one, and for a parameter that is
        missing or out of range.
    """
    return describe(name)(**parameters)


def describe(name: str) -> Venue:
    """Title, source, date, status, parameters and text of a venue; `RuleError` if unknown."""
    known_name(name, CATALOGUE, "venue")
    return CATALOGUE[name]
