"""One scale for all amounts of a table or an axis, so that its numbers can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..text import split_unit

STEPS = ((1.0, ""), (1e6, "m"), (1e9, "bn"), (1e12, "tn"))
LARGEST = 1e5  # a number in a table has at most five digits before the point


@dataclass(frozen=True)
class Scale:
    """A divisor for amounts in the unit of a network, and the name of what results.

    Attributes
    ----------
    divisor : amounts are divided by it.
    label : the unit of the quotients, e.g. "USD m".
    digits : digits behind the point.
    """

    divisor: float
    label: str
    digits: int

    def number(self, amount: float) -> float:
        """The amount on this scale."""
        return amount / self.divisor

    def named(self, what: str) -> str:
        """What the numbers are, with their unit."""
        return f"{what}, {self.label}" if self.label else what

    def __call__(self, amount: float) -> str:
        if not np.isfinite(amount):
            return "–" if np.isnan(amount) else str(amount)
        value = round(amount / self.divisor, self.digits) + 0.0
        if value == 0 and abs(amount) > 1e-9 * self.divisor:
            small = f"{10.0**-self.digits:.{self.digits}f}"
            return f"<{small}" if amount > 0 else f">-{small}"
        return f"{value:,.{self.digits}f}"


def scale(amounts: Iterable[float], unit: str = "") -> Scale:
    """The scale on which the largest of some amounts has at most five digits.

    Parameters
    ----------
    amounts : money, in `unit`; what is not finite does not count.
    unit : unit of the amounts; it may carry a scale of its own ("USD mn").

    Example
    -------
    >>> to = scale([2.3056e9, 5.8e6], "USD")
    >>> to.label, to(2.3056e9), to(5.8e6)
    ('USD m', '2,305.6', '5.8')
    >>> scale([246_362.0], "USD mn").label
    'USD bn'
    >>> to = scale([119_756.0], "BTC")
    >>> to(119_756.0), to.label
    ('119,756', 'BTC')
    """
    values = np.abs(np.fromiter(amounts, float))
    top = float(values[np.isfinite(values)].max(initial=0.0))
    factor, base = split_unit(unit)
    inside = [step for step in STEPS if top * factor / step[0] < LARGEST] or [STEPS[-1]]
    first = STEPS.index(inside[0])
    step, suffix = STEPS[first]
    if factor > step:  # never below the scale of the data themselves
        step, suffix = next((s for s in STEPS if s[0] == factor), (step, suffix))
    largest = top * factor / step
    if largest < 1 and first > 0 and factor <= STEPS[first - 1][0]:
        step, suffix = STEPS[first - 1]  # six digits read better than a fraction
        return Scale(step / factor, " ".join(filter(None, [base, suffix])), 0)
    digits = 4 if largest < 1 else 3 if largest < 10 else 2 if largest < 100 else 1
    return Scale(step / factor, " ".join(filter(None, [base, suffix])), digits)
