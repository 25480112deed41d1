"""The input checks: one small function each, all run before anything is raised.

Every check looks at a `Draft` (the tables on their way into a network), reports what it
found and applies the repair that the caller chose. Codes and wording are stable.
"""

from __future__ import annotations

from collections.abc import Callable

from ...errors import Finding
from .aggregates import aggregates
from .choices import ALLOWED, Choices, known_choices
from .columns import typed
from .draft import MATRIX, Draft, draft
from .exposures import amounts, duplicate_pairs, self_loops, unknown_ids
from .oddities import oddities
from .units import units

CHECKS: tuple[Callable[[Draft], None], ...] = (
    typed,
    units,
    amounts,
    unknown_ids,
    self_loops,
    aggregates,
    duplicate_pairs,
    oddities,
)


__all__ = [
    "ALLOWED",
    "CHECKS",
    "MATRIX",
    "Choices",
    "Draft",
    "Finding",
    "draft",
    "known_choices",
    "typed",
]
