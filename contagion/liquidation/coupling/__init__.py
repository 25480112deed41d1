"""Liquidations and clearing together: deficits spread on the graph, and the graph calls again."""

from __future__ import annotations

from .joint import CoupledCascade, CoupledResult

__all__ = ["CoupledCascade", "CoupledResult"]
