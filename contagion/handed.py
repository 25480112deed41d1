"""A registry with which lower rooms find objects of higher rooms by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CATALOGUE: list[Callable[..., Any]] = []  # of rules: `find(name, **parameters)`, of a venue
