"""The input checks: one small function each; all run before an error is raised.

Every check examines a `Draft` (the tables from which a network is built), reports its findings
and applies the repair that the caller chose. Codes and wording are stable.
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
