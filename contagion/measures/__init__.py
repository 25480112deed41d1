"""Measures of systemic importance: one registry with definition, unit and source."""

from __future__ import annotations

from .bounds import glasserman_young
from .impact import contagion_index, debtrank, default_impact, single_defaults, vulnerability_index
from .registry import MEASURES, Measure

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
