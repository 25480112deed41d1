"""What the constructors of lending protocols, stablecoins and clearing houses share."""

from __future__ import annotations

from typing import Any

from ..rules.proportional import PRO_RATA, Capped
from ..rules.rule import Rule
from .venue import money


def capacity(value: Any, name: str) -> float | None:
    """A capacity that may be left open: `None` is the sum of the claims in the layer.

    >>> capacity(None, "stake"), capacity(600, "stake")
    (None, 600.0)
    """
    return None if value is None else money(value, name)


def at_most(part: float) -> Rule:
    """Pro rata, but no claim loses more than a part of itself.

    >>> at_most(1.0), at_most(0.3)
    (ProRata(), Capped(share=0.3))
    """
    return PRO_RATA if part == 1.0 else Capped(PRO_RATA, share=part)
