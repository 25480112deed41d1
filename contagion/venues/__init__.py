"""How exchanges, protocols and clearing houses liquidate, and how they share a shortfall.

Each venue has one file with its rules, formulas and records. For example, Aave is in
:mod:`contagion.venues.aave`: `aave.health_factor`, `aave.liquidation`, `aave.v3`. Its card,
`describe("aave")`, has rules as waterfalls, formulas and sources. `venue(name)` is the rule that
files and the command line use by name, `entry(name)` its record; all are in `CATALOGUE`.
`adl` is the queue of deleveraging at any venue; `adl_research` has policies compared in research.

`terms()` compares all venues: which fund pays first, the order, the basis for sharing the remaining
loss, price, caps and pauses. `documents()` says how each source was read.

A new venue is a file with a `CATALOGUE` of its own and a line in the list below.

>>> venue("bitmex", fund=30.0)
Waterfall([Layer('insurance fund', capacity=30), Layer('adl', Queue(by='score'))])
>>> entry("deribit").status
'partly unverified'
>>> describe("aave").name, [rule.name for rule in describe("aave").rules]
('aave', ['aave_v3', 'aave_v2_safety_module'])
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pandas as pd

from ..records import Table
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
from . import crypto_com as crypto_com
from . import curve as curve
from . import deribit as deribit
from . import drift as drift
from . import dydx as dydx
from . import eigenlayer as eigenlayer
from . import emir as emir
from . import ethena as ethena
from . import euler as euler
from . import fluid as fluid
from . import gmx as gmx
from . import hyperliquid as hyperliquid
from . import jupiter as jupiter
from . import kamino as kamino
from . import lido as lido
from . import lighter as lighter
from . import liquity as liquity
from . import maker as maker
from . import morpho as morpho
from . import okx as okx
from . import paradex as paradex
from . import rocket_pool as rocket_pool
from . import sky as sky
from . import venus as venus
from .card import Card, card_of
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
    return entry(name)(**parameters)


def entry(name: str) -> Venue:
    """The record of one rule: documents, status, parameters, terms, text; `RuleError` if unknown.

    >>> entry("aave_v3").order
    'offset, stakers, suppliers'
    """
    known_name(name, CATALOGUE, "venue")
    return CATALOGUE[name]


def describe(name: str) -> Card:
    """The card of a venue: rules as worked waterfalls, parameters, terms, formulas, documents.

    Parameters
    ----------
    name : a file of this package, such as "aave", for all its rules; or one rule.

    Raises
    ------
    RuleError : for an unknown name, with the closest one.

    Example
    -------
    >>> print(describe("bitmex").text().split("Source")[0])  # doctest: +ELLIPSIS
    bitmex: BitMEX: insurance fund, then auto-deleveraging by profit times leverage.
    ...
    layer                                     absorbs  capacity     left
    insurance fund  #######.................    500.0     500.0  1,300.0
    adl                    #################  1,300.0   1,800.0      0.0
    ...
    """
    files = dict.fromkeys(record.file for record in CATALOGUE.values())
    known_name(name, list(dict.fromkeys([*CATALOGUE, *files])), "venue")
    of = tuple(record for record in CATALOGUE.values() if record.file == name)
    return card_of(name, of or (CATALOGUE[name],))


def documents() -> Table:
    """Every document behind the rules, and how it was read: one row per rule and document.

    Example
    -------
    >>> documents().table.loc["compound_v3"].tolist()
    ['compound-finance/comet @ 17a6e7a', '2022', 'in full']
    """
    rows = [
        {"rule": record.name, "document": each.title, "date": each.date, "read": each.extent}
        for record in CATALOGUE.values()
        for each in record.documents
    ]
    return Table(
        pd.DataFrame(rows).set_index("rule"),
        {
            "document": "source; or, where none was read, the assumption",
            "date": "of the document; undated or the commit where no date was found",
            "read": "in full, excerpt, memory (in no source that was read) or not read",
        },
    )


def terms() -> Table:
    """How each venue of the catalogue allocates a shortfall: one row per venue, in a few words.

    `order` comes from the rule itself. NaN where no source that was read gives it; see `reasons`.

    Example
    -------
    >>> from contagion import venues
    >>> venues.terms().table.loc["drift_spot", ["fund", "order", "basis"]].tolist()
    ['insurance vault', 'insurance fund, deposits', 'deposit']
    """
    rows = {
        name: {"order": each.order, **asdict(each.terms), "status": each.status,
               "as_of": each.as_of}
        for name, each in CATALOGUE.items()
    }  # fmt: skip
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("venue")
    frame = frame[["fund", "order", "basis", "price", "cap", "pause", "status", "as_of"]]
    unknown = frame.apply(lambda column: column.str.startswith("unknown: "))
    why = {
        str(column): cells[unknown[column]].str.removeprefix("unknown: ").to_dict()
        for column, cells in frame.items()
        if unknown[column].any()
    }
    return Table(
        frame.mask(unknown),
        {
            "fund": "fund or party that pays before a claim is cut",
            "order": "layers of the rule, the first loses first; or the name of the rule",
            "basis": "basis on which the remaining loss is shared",
            "price": "price at which positions are closed or claims are paid",
            "cap": "largest amount that a fund pays or a claim loses",
            "pause": "events that stop trading, withdrawals or liquidations, or force deleveraging",
            "status": "how far the source was read",
            "as_of": "date or commit of the source",
        },
        why,
    )
