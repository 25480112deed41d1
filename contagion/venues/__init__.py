"""How exchanges, protocols and clearing houses liquidate, and how they share a shortfall.

One file a venue: its rules, its formulas and their records. "How does Aave do it" is
:mod:`contagion.venues.aave`: `aave.health_factor`, `aave.liquidation`, `aave.v3`. A rule by its
name in files and on the command line is `venue(name)`, its record `describe(name)`; `CATALOGUE` has
all records. `adl` is the queue of deleveraging at any venue, `adl_research` what research compares.

A new venue is a file with a `CATALOGUE` of its own and a line in the list below.

>>> venue("bitmex", fund=30.0)
Waterfall([Layer('insurance fund', capacity=30), Layer('adl', Queue(by='score'))])
>>> describe("deribit").status
'partly unverified'
"""

from __future__ import annotations

from typing import Any

from ..rules.rule import Rule
from ..text import known_name
from . import aave as aave
from . import adl as adl
from . import adl_research as adl_research
from . import binance as binance
from . import bitfinex as bitfinex
from . import bitmex as bitmex
from . import bybit as bybit
from . import ccp as ccp
from . import clearing_houses as clearing_houses
from . import compound as compound
from . import deribit as deribit
from . import drift as drift
from . import dydx as dydx
from . import emir as emir
from . import euler as euler
from . import gmx as gmx
from . import hyperliquid as hyperliquid
from . import liquity as liquity
from . import maker as maker
from . import morpho as morpho
from . import okx as okx
from .record import Venue as Venue

CATALOGUE: dict[str, Venue] = {
    record.name: record
    for module in list(globals().values())
    for record in getattr(module, "CATALOGUE", ())
}


def venue(name: str, **parameters: Any) -> Rule:
    """The rule of a venue of the catalogue; in TOML `{ venue = "okex_2018", fund = 10.0 }`.

    Raises
    ------
    RuleError : for an unknown venue or parameter, with the closest one, and for a parameter that is
        missing or out of range.
    """
    return describe(name)(**parameters)


def describe(name: str) -> Venue:
    """Title, source, date, status, parameters and text of a venue; `RuleError` if unknown."""
    known_name(name, CATALOGUE, "venue")
    return CATALOGUE[name]
