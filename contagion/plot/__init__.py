"""One function a figure: takes a network, a result or a comparison and `ax`, returns `ax`.

matplotlib is imported when a figure is drawn, not before. Layouts are deterministic.
"""

from __future__ import annotations

from .bearers import who_pays
from .criticality import criticality_map
from .flow import look_through_flow
from .graph import network
from .path import cascade_path
from .phase import phase_diagram
from .profile import liquidation_profile
from .ranks import rank_ranges
from .rounds import cascade
from .rule_comparison import rule_comparison
from .waterfall import waterfall
from .window import contagion_window

__all__ = [
    "cascade",
    "cascade_path",
    "contagion_window",
    "criticality_map",
    "liquidation_profile",
    "look_through_flow",
    "network",
    "phase_diagram",
    "rank_ranges",
    "rule_comparison",
    "waterfall",
    "who_pays",
]
