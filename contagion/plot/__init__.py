"""One function a figure: takes a network or a result and `ax`, returns `ax`.

matplotlib is imported when a figure is drawn, not before. Layouts are deterministic.
"""

from __future__ import annotations

from .bearers import who_pays
from .graph import network
from .rounds import cascade

__all__ = ["cascade", "network", "who_pays"]
