"""Liquidations and clearing together: deficits spread in the network, which causes new calls."""

from __future__ import annotations

from .coupled_result import CoupledResult
from .joint import CoupledCascade

__all__ = ["CoupledCascade", "CoupledResult"]
