"""Liquidations and clearing together: deficits spread on the graph, and the graph calls again."""

from __future__ import annotations

from .coupled_result import CoupledResult
from .joint import CoupledCascade

__all__ = ["CoupledCascade", "CoupledResult"]
