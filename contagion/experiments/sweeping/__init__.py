"""A grid over any field of a model, rule, shock or generator, as one long table.

Start with :class:`Case` (one run with named fields) and :func:`sweep`.
"""

from __future__ import annotations

from .case import Case
from .grid import Sweep, sweep

__all__ = ["Case", "Sweep", "sweep"]
