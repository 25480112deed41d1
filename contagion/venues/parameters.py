"""Checks of parameters, and layers, that the rules of several venues use."""

from __future__ import annotations

from typing import Any

from ..errors import RuleError
from ..rules.order import FirstCome
from ..rules.pro_rata import PRO_RATA, Capped
from ..rules.rule import Rule
from ..rules.waterfall import Layer, Waterfall


def money(value: Any, name: str) -> float:
    """A parameter that is an amount >= 0; `RuleError` with its name where it is not.

    >>> money(30, "fund")
    30.0
    """
    number = _number(value, name)
    if not 0 <= number < float("inf"):
        raise RuleError(f"{name}={value!r}: it is money, finite and >= 0.")
    return number


def share(value: Any, name: str, *, most: float = 1.0) -> float:
    """A parameter between 0 and `most`; `RuleError` with its name where it is not.

    >>> share(0.3, "trigger")
    0.3
    """
    number = _number(value, name)
    if not 0 <= number <= most:
        raise RuleError(f"{name}={value!r}: it is a number from 0 to {most:g}.")
    return number


def capacity(value: Any, name: str) -> float | None:
    """A capacity; `None` means the sum of the claims in the layer.

    >>> capacity(None, "stake"), capacity(600, "stake")
    (None, 600.0)
    """
    return None if value is None else money(value, name)


def at_most(part: float) -> Rule:
    """Pro rata, but no claim loses more than this share of its amount.

    >>> at_most(1.0), at_most(0.3)
    (ProRata(), Capped(share=0.3))
    """
    return PRO_RATA if part == 1.0 else Capped(PRO_RATA, share=part)


def fund_then(
    fund: float | None, *layers: Layer, name: str = "insurance fund", parameter: str = "fund"
) -> Waterfall:
    """A fund with this balance, or with the claims in its layer, before other layers.

    >>> fund_then(30, Layer("winners"))
    Waterfall([Layer('insurance fund', capacity=30), Layer('winners')])
    """
    capacity = None if fund is None else money(fund, parameter)
    return Waterfall([Layer(name, capacity=capacity), *layers])


def fund_then_run(
    fund: float | None, by: str, name: str = "reserves", parameter: str = "reserves"
) -> Waterfall:
    """A fund, then suppliers with claims at par against fewer assets: first come, first served.

    >>> fund_then_run(5, "exit").names
    ['reserves', 'suppliers']
    """
    return fund_then(fund, Layer("suppliers", FirstCome(by)), name=name, parameter=parameter)


def shared_or_run(written_down: bool, by: str, parameter: str = "socialize") -> Rule:
    """Pro rata where the debt is written off; first come, first served while it remains owed.

    >>> shared_or_run(True, "exit"), shared_or_run(False, "exit")
    (ProRata(), FirstCome())
    """
    if not isinstance(written_down, bool):
        raise RuleError(f"{parameter}={written_down!r}: it is true or false.")
    return PRO_RATA if written_down else FirstCome(by)


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise RuleError(f"{name}={value!r} is not a number.") from error
