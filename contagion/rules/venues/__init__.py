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

from ...errors import RuleError
from ...text import did_you_mean
from ..base import Rule
from . import clearing, exchanges, lending, onchain, pools, socialized, stablecoins, vaults
from .adl import adl_policies, pmr, ptsr
from .clearing import ccp, ccp_emir
from .exchanges import binance, bitmex, bybit, okx
from .lending import aave_v2_safety_module, aave_v3, compound_v3
from .members import Cover2, ccp_claims, cover_2
from .onchain import dydx_order, dydx_payments, dydx_v4, hyperliquid
from .pools import drift_perp, drift_spot, gmx_v2
from .record import Venue
from .socialized import bitfinex_2016, deribit, okex_2018
from .stablecoins import liquity_v1, maker
from .vaults import euler_v2, metamorpho_v1_0, metamorpho_v1_1, morpho_blue

__all__ = [
    "CATALOGUE",
    "VENUES",
    "Cover2",
    "Venue",
    "aave_v2_safety_module",
    "aave_v3",
    "adl_policies",
    "binance",
    "bitfinex_2016",
    "bitmex",
    "bybit",
    "ccp",
    "ccp_claims",
    "ccp_emir",
    "compound_v3",
    "cover_2",
    "deribit",
    "describe",
    "drift_perp",
    "drift_spot",
    "dydx_order",
    "dydx_payments",
    "dydx_v4",
    "euler_v2",
    "gmx_v2",
    "hyperliquid",
    "liquity_v1",
    "maker",
    "metamorpho_v1_0",
    "metamorpho_v1_1",
    "morpho_blue",
    "okex_2018",
    "okx",
    "pmr",
    "ptsr",
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
    if name not in CATALOGUE:
        raise RuleError(did_you_mean(name, list(CATALOGUE), "venue"))
    return CATALOGUE[name]
