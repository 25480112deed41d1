"""Networks over time: one model on every period, and what a change between two comes from.

Start with :class:`Panel`.

- `networks`: the networks of several periods, of the same nodes
- `panel_run`: one model and one shock on each, as one long table
- `change`: the change between two periods, by amounts, capital and structure
"""

from __future__ import annotations

from .change import Change
from .networks import Panel
from .panel_run import PanelRun

__all__ = ["Change", "Panel", "PanelRun"]
