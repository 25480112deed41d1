"""How a lower room finds an object of a higher one by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CATALOGUE: list[Callable[..., Any]] = []  # of rules: `find(name, **parameters)`, of a venue
