"""How a node shares a shortfall among the claims on it: the algebra of loss-sharing rules.

A rule is a property of the node, never of the program. All rules here are monotone and piecewise
linear, so each is a ladder of segments and one kernel clears them all.
"""

from __future__ import annotations

from .allocation import Allocation
from .claims import Claims
from .exits import exit_values
from .order import FirstCome, Priority, Queue
from .proportional import Capped, EqualAwards, EqualLosses, ProRata, Talmud
from .rule import Rule
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
