"""Networks over time: one model on every period, and a decomposition of changes between periods.

Start with :class:`Panel`.

- `networks`: networks with the same nodes in several periods
- `panel_run`: one model and one shock in every period, as one long table
- `change`: the change between two periods by amounts, capital and structure
"""

from __future__ import annotations

from .change import Change
from .networks import Panel
from .panel_run import PanelRun

__all__ = ["Change", "Panel", "PanelRun"]
