"""Families of objects that a specification names: models, impacts, oracles, interventions ...

Each family is read from the package that defines it, so that a new member needs no line here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any

from .. import liquidation
from ..experiments import policy
from ..experiments.policy.intervention import Intervention
from ..liquidation import Breaker, Oracle, PriceImpact
from ..models import MODELS, Model, channels
from ..models.portfolios import PriceLaw
from ..models.valuation_base import Valuation
from ..models.valuations import VALUATIONS


def word(kind: type) -> str:
    """The word for a class.

    >>> word(liquidation.SquareRoot), word(liquidation.NoImpact)
    ('square-root', 'none')
    """
    if kind is liquidation.NoImpact:
        return "none"
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def _members(room: Any, base: type) -> dict[str, type]:
    """{word: class} of the subclasses of `base` in a package."""
    found = [kind for kind in vars(room).values() if isinstance(kind, type)]
    kinds = [kind for kind in found if issubclass(kind, base) and kind is not base]
    return {word(kind): kind for kind in kinds if is_dataclass(kind)}


@cache
def families() -> Mapping[type, Mapping[str, type]]:
    """{base class: {word: class}}."""
    pools = _members(liquidation, liquidation.Pool)
    impacts = {**_members(liquidation, PriceImpact), **pools}
    return {
        Model: MODELS,
        Valuation: VALUATIONS,
        channels.Channel: _members(channels, channels.Channel),
        PriceImpact: impacts,
        PriceLaw: impacts,
        Oracle: _members(liquidation, Oracle),
        Breaker: _members(liquidation, Breaker),
        Intervention: _members(policy, Intervention),
    }


def family_of(kinds: Iterable[Any]) -> Mapping[str, type]:
    """The words that a parameter of one of these types accepts; empty if it accepts none.

    >>> list(family_of([float, Breaker]))[:2]
    ['freeze', 'halt']
    """
    found: dict[str, type] = {}
    for kind in kinds:
        for base, members in families().items():
            if isinstance(kind, type) and issubclass(kind, base):
                found |= {name: each for name, each in members.items() if issubclass(each, kind)}
    return found


def words_of(thing: Any) -> tuple[str, dict[str, Any]] | None:
    """The word of an object and its fields that differ from the defaults; None: no family."""
    for members in families().values():
        for name, kind in members.items():
            if type(thing) is kind:
                return name, {
                    f.name: getattr(thing, f.name)
                    for f in fields(kind)
                    if f.init and _given(getattr(thing, f.name), f)
                }
    return None


def _given(value: Any, field: Any) -> bool:
    usual = field.default
    if usual is MISSING and field.default_factory is not MISSING:
        usual = field.default_factory()
    return usual is MISSING or type(value) is not type(usual) or bool(value != usual)
