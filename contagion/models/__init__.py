"""Models of loss propagation, one per file, and the registry `MODELS` that lists them.

Start with :class:`EisenbergNoe`; `model.propagate(network, shock)` runs one shock and
`model.solve(network, losses)` a batch. `base` defines the interface of a model.

- clearing: `eisenberg_noe`, `rogers_veraart`, `cross_holdings`, `fire_sale`, `joint`
- valuation: `debtrank`, `network_valuation` with `valuations` and `channels`
- default cascades: `furfine`, `gai_kapadia`, `credit_funding`, `failure_costs`
- portfolios: `leverage_targeting`, `threshold_deleveraging`, `overlapping_portfolios`
- liquidity: `liquidity_hoarding`
"""

from __future__ import annotations

from . import channels, valuations
from .base import Model
from .credit_funding import CreditFunding
from .cross_holdings import CrossHoldings
from .debtrank import DebtRank
from .eisenberg_noe import EisenbergNoe
from .failure_costs import FailureCosts
from .fire_sale import FireSale
from .furfine import Furfine
from .gai_kapadia import GaiKapadia
from .joint import JointModel
from .leverage_targeting import LeverageTargeting
from .liquidity_hoarding import LiquidityHoarding
from .network_valuation import NetworkValuation
from .overlapping_portfolios import OverlappingPortfolios
from .rogers_veraart import RogersVeraart
from .threshold_deleveraging import ThresholdDeleveraging

MODELS: dict[str, type[Model]] = {
    "eisenberg-noe": EisenbergNoe,
    "rogers-veraart": RogersVeraart,
    "debtrank": DebtRank,
    "furfine": Furfine,
    "gai-kapadia": GaiKapadia,
    "network-valuation": NetworkValuation,
    "credit-funding": CreditFunding,
    "liquidity-hoarding": LiquidityHoarding,
    "cross-holdings": CrossHoldings,
    "failure-costs": FailureCosts,
    "fire-sale": FireSale,
    "leverage-targeting": LeverageTargeting,
    "threshold-deleveraging": ThresholdDeleveraging,
    "overlapping-portfolios": OverlappingPortfolios,
    "joint": JointModel,
}

__all__ = [
    "MODELS",
    "CreditFunding",
    "CrossHoldings",
    "DebtRank",
    "EisenbergNoe",
    "FailureCosts",
    "FireSale",
    "Furfine",
    "GaiKapadia",
    "JointModel",
    "LeverageTargeting",
    "LiquidityHoarding",
    "Model",
    "NetworkValuation",
    "OverlappingPortfolios",
    "RogersVeraart",
    "ThresholdDeleveraging",
    "channels",
    "valuations",
]
