"""Reverse stress tests: the smallest shock, the fewest triggers, the smallest sufficient buffers.

Start with :func:`smallest_shock`. Every answer states whether it is exact or bracketed, and whether
it was confirmed by model runs at the answer and just below it.

- `smallest`, `program`, `direction`: exact by a mixed-integer programme, or along directions
- `falls`: the smallest fall of prices
- `triggers`: the fewest defaults that reach a goal
- `buffers`: the smallest fund, or capital, that is sufficient
- `answer`: the result of a search
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
