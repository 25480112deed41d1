"""What the package hands down: how a lower room finds something in a higher one by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CATALOGUE: list[Callable[..., Any]] = []  # of rules: `find(name, **parameters)`, of a venue
