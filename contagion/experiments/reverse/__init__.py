"""Reverse stress: the smallest shock, the fewest triggers, the buffers that just suffice.

Start with :func:`smallest_shock`. Every answer says whether it is exact or bracketed, and whether
the model was run at it and just below.

- `smallest`, `program`, `direction`: exact by a mixed-integer programme, or along directions
- `falls`: the smallest fall of prices
- `triggers`: the fewest defaults that reach a goal
- `buffers`: the fund, or the capital, that would be enough
- `answer`: what a search hands back
"""

from __future__ import annotations

from .answer import Smallest
from .buffers import BreakEven, break_even_fund, consistent_buffers
from .falls import SmallestFall, smallest_fall
from .smallest import smallest_shock
from .triggers import Triggers, fewest_triggers

__all__ = [
    "BreakEven",
    "Smallest",
    "SmallestFall",
    "Triggers",
    "break_even_fund",
    "consistent_buffers",
    "fewest_triggers",
    "smallest_fall",
    "smallest_shock",
]
