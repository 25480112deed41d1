"""One function a figure: takes a network, a result or a comparison and `ax`, returns `ax`.

matplotlib is imported when a figure is drawn, not before. Layouts are deterministic.
"""

from __future__ import annotations

from .bearers import who_pays
from .graph import network
from .rounds import cascade
from .rule_comparison import rule_comparison
from .waterfall import waterfall

__all__ = ["cascade", "network", "rule_comparison", "waterfall", "who_pays"]
