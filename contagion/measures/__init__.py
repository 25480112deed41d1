"""Measures of systemic importance: one registry with definition, unit, denominator and source.

A measure that is not defined for a node (no debts, no equity, nothing reached) is nan there, and
`series.attrs["reasons"]` says why.
"""

from __future__ import annotations

from . import bounds, impact
from .bounds import glasserman_young
from .impact import contagion_index, debtrank, default_impact, single_defaults, vulnerability_index
from .registry import Measure

FAMILIES = (impact, bounds)

MEASURES: dict[str, Measure] = {
    measure.name: measure for family in FAMILIES for measure in family.DEFINITIONS
}

__all__ = [
    "MEASURES",
    "Measure",
    "contagion_index",
    "debtrank",
    "default_impact",
    "glasserman_young",
    "single_defaults",
    "vulnerability_index",
]
