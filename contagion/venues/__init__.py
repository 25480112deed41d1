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

from ..errors import RuleError
from ..rules.rule import Rule
from ..text import did_you_mean
from .aave import CATALOGUE as aave_CATALOGUE
from .aave import (
    UmbrellaCover,
    aave_health,
    aave_liquidation,
    aave_v2_safety_module,
    aave_v3,
    umbrella_slash,
)
from .adl import AdlQueue, adl_queue
from .adl_research import DeleveragingBudget, adl_policies, deleveraging_budget, pmr, ptsr
from .binance import CATALOGUE as binance_CATALOGUE
from .binance import binance, binance_score, binance_score_2019
from .bitfinex import CATALOGUE as bitfinex_CATALOGUE
from .bitfinex import bitfinex_2016, uniform_haircut
from .bitmex import CATALOGUE as bitmex_CATALOGUE
from .bitmex import bitmex, bitmex_score
from .bybit import CATALOGUE as bybit_CATALOGUE
from .bybit import FundDrawdown, bybit, fund_drawdown
from .ccp import CATALOGUE as ccp_CATALOGUE
from .ccp import Cover2, ccp, ccp_claims, ccp_emir, cover_2
from .compound import CATALOGUE as compound_CATALOGUE
from .compound import Absorption, compound_absorb, compound_v3
from .deribit import CATALOGUE as deribit_CATALOGUE
from .deribit import deribit
from .drift import CATALOGUE as drift_CATALOGUE
from .drift import PerpSocialization, drift_deposit_index, drift_perp, drift_perp_loss, drift_spot
from .dydx import CATALOGUE as dydx_CATALOGUE
from .dydx import (
    PortfolioBankruptcy,
    dydx_bankruptcy,
    dydx_fund_payment,
    dydx_order,
    dydx_payments,
    dydx_v4,
)
from .euler import CATALOGUE as euler_CATALOGUE
from .euler import euler_liquidation, euler_v2
from .gmx import CATALOGUE as gmx_CATALOGUE
from .gmx import CappedProfit, gmx_capped_profit, gmx_v2
from .hyperliquid import CATALOGUE as hyperliquid_CATALOGUE
from .hyperliquid import HyperliquidMargins, hyperliquid, hyperliquid_index, hyperliquid_margins
from .liquity import CATALOGUE as liquity_CATALOGUE
from .liquity import TroveLiquidation, liquity_liquidation, liquity_redistribution, liquity_v1
from .maker import CATALOGUE as maker_CATALOGUE
from .maker import Dilution, MakerSettlement, dilution, flop_lot, maker, maker_settlement
from .morpho import CATALOGUE as morpho_CATALOGUE
from .morpho import (
    metamorpho_v1_0,
    metamorpho_v1_1,
    morpho_blue,
    morpho_incentive,
    morpho_liquidation,
)
from .okx import CATALOGUE as okx_CATALOGUE
from .okx import clawback_rate, okex_2018, okx
from .record import Venue

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
        aave_CATALOGUE,
        morpho_CATALOGUE,
        euler_CATALOGUE,
        compound_CATALOGUE,
        liquity_CATALOGUE,
        maker_CATALOGUE,
        hyperliquid_CATALOGUE,
        dydx_CATALOGUE,
        gmx_CATALOGUE,
        drift_CATALOGUE,
        bitmex_CATALOGUE,
        binance_CATALOGUE,
        bybit_CATALOGUE,
        okx_CATALOGUE,
        bitfinex_CATALOGUE,
        deribit_CATALOGUE,
        ccp_CATALOGUE,
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
    if name not in CATALOGUE:
        raise RuleError(did_you_mean(name, list(CATALOGUE), "venue"))
    return CATALOGUE[name]
