"""How a node shares a shortfall among the claims on it: the algebra of loss-sharing rules.

Start with :class:`Waterfall` and `rule.allocate(loss, claims)`. Each node has its own rule. All
rules here are monotone and piecewise linear, so each is a sequence (ladder) of segments, and one
kernel clears them all. Rules of real venues: :mod:`contagion.venues`.

- `pro_rata`: pro rata, equal awards and losses, the contested garment, caps
- `order`, `exits`: seniority, queues, first come first served
- `waterfall`: layers with a capacity and a rule of their own
- `rule`, `claims`: the base class with its result, and the claims that a rule reads
- `compile`, `contingent`: the rules of all nodes, and guarantees, as segments
- `serialize`: rules as dicts and TOML
"""

from __future__ import annotations

from .claims import Claims
from .exits import exit_values
from .order import FirstCome, Priority, Queue
from .pro_rata import Capped, EqualAwards, EqualLosses, ProRata, Talmud
from .rule import Allocation, Rule
from .serialize import RULES, WORDS, dumps, from_dict, loads, read_rule, to_dict
from .waterfall import Layer, Waterfall

__all__ = [
    "RULES",
    "WORDS",
    "Allocation",
    "Capped",
    "Claims",
    "EqualAwards",
    "EqualLosses",
    "FirstCome",
    "Layer",
    "Priority",
    "ProRata",
    "Queue",
    "Rule",
    "Talmud",
    "Waterfall",
    "dumps",
    "exit_values",
    "from_dict",
    "loads",
    "read_rule",
    "to_dict",
]
