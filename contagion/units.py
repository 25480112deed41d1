"""Units of amounts: parsing, exact conversion, and one scale for each exhibit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from .errors import ArgumentError

STEPS = ((1.0, ""), (1e6, "m"), (1e9, "bn"), (1e12, "tn"))
WORDS = {
    **dict.fromkeys(("k", "thousand", "thousands"), 1e3),
    **dict.fromkeys(("m", "mn", "mm", "mio", "mln", "million", "millions"), 1e6),
    **dict.fromkeys(("bn", "bln", "billion", "billions"), 1e9),
    **dict.fromkeys(("tn", "trn", "trillion", "trillions"), 1e12),
}
LARGEST = 1e5  # a number in a table has at most five digits before the point
GLUED = re.compile(r"([A-Z]{3})(k|m|mn|bn|tn)")


@dataclass(frozen=True)
class Unit:
    """A currency or asset, and the scale of its amounts.

    Attributes
    ----------
    asset : a currency, a token or any other word; empty if no unit is stated.
    factor : number of units of `asset` in an amount of 1, e.g. 1e6 for "USD mn".
    """

    asset: str
    factor: float

    @property
    def step(self) -> int:
        """The position in `STEPS` of the largest scale that is not above the scale of the data."""
        return max(i for i, (size, _) in enumerate(STEPS) if size <= max(self.factor, 1.0))

    def shown(self, step: int) -> str:
        """The unit of numbers on a scale, for headings and axes."""
        return " ".join(filter(None, [self.asset, STEPS[step][1]]))

    def spoken(self, step: int) -> str:
        """The same unit in the form used after a number."""
        return " ".join(filter(None, [STEPS[step][1], self.asset]))


@lru_cache(maxsize=256)
def parse(unit: str) -> Unit:
    """Parse a unit: an asset, and optionally a scale before, after or joined to it.

    >>> parse("USD mn"), parse("bn EUR"), parse("BTC")
    (Unit(asset='USD', factor=1000000.0), Unit(asset='EUR', factor=1000000000.0), Unit(asset='BTC', factor=1.0))
    """  # noqa: E501
    words = unit.split()
    joined = GLUED.fullmatch(unit.strip())
    if joined:
        words = [*joined.groups()]
    for at in (-1, 0):
        if words and words[at].casefold() in WORDS:
            factor = WORDS[words.pop(at).casefold()]
            return Unit(" ".join(words), factor)
    return Unit(" ".join(words), 1.0)


def conversion(source: str, target: str, what: str = "The amount", fix: str = "") -> float:
    """The factor from amounts in one unit to amounts in another.

    Parameters
    ----------
    source, target : units; two empty units are equal.
    what : the object whose amounts are converted, for the message.
    fix : advice for the user if the factor is not known.

    Raises
    ------
    ArgumentError : for two different assets, or if only one of the units is stated.

    Example
    -------
    >>> conversion("USD", "USD mn"), conversion("EUR bn", "EUR mn"), conversion("", "")
    (1e-06, 1000.0, 1.0)
    >>> conversion("EUR", "USD m", "The book")
    Traceback (most recent call last):
    contagion.errors.ArgumentError: The book is in 'EUR' and the rest in 'USD m': no rate between
    them is known. Convert one of them, and give both the same unit.
    """
    own, other = parse(source), parse(target)
    if own.asset.casefold() == other.asset.casefold() and bool(source) == bool(target):
        return own.factor / other.factor
    raise ArgumentError(
        f"{what} is in {source!r} and the rest in {target!r}: "
        + ("no rate between them is known" if source and target else "only one of them is stated")
        + f". {fix or 'Convert one of them, and give both the same unit.'}"
    )


@dataclass(frozen=True)
class Scale:
    """A divisor for the amounts of one exhibit, and the unit of the quotients.

    Attributes
    ----------
    divisor : amounts are divided by it.
    label : the unit of the quotients, for a heading or an axis, e.g. "USD m".
    digits : digits after the decimal point.
    spoken : the same unit in the form used after a number, e.g. "m USD".
    """

    divisor: float
    label: str
    digits: int
    spoken: str = ""

    def number(self, amount: float) -> float:
        """The amount on this scale."""
        return amount / self.divisor

    def named(self, what: str) -> str:
        """The name `what` of the numbers with their unit, for a heading."""
        return f"{what}, {self.label}" if self.label else what

    def __call__(self, amount: float) -> str:
        """The number without its unit, for a cell below a heading with the unit."""
        if not math.isfinite(amount):
            return "–" if math.isnan(amount) else str(amount)
        value = round(amount / self.divisor, self.digits) + 0.0
        if value == 0 and abs(amount) > 1e-9 * self.divisor:
            small = f"{10.0**-self.digits:.{self.digits}f}"
            return f"<{small}" if amount > 0 else f">-{small}"
        return f"{value:,.{self.digits}f}" if abs(value) < 10 * LARGEST else f"{value:.4g}"

    def money(self, amount: float) -> str:
        """The number with its unit, for one of several amounts in a list or a figure."""
        if math.isnan(amount):
            return "unknown"
        return " ".join(filter(None, [self(amount), self.spoken]))


def scale(amounts: Iterable[float], unit: str) -> Scale:
    """The scale on which the largest of some amounts has at most five digits.

    Parameters
    ----------
    amounts : all amounts of the exhibit, in `unit`; values that are not finite are ignored.
    unit : unit of the amounts; it may include a scale ("USD mn"). Empty for counts, or if no unit
        is stated.

    Example
    -------
    >>> to = scale([2.3056e9, 5.8e6], "USD")
    >>> to.label, to(2.3056e9), to.money(5.8e6)
    ('USD m', '2,305.6', '5.8 m USD')
    >>> scale([246_362.0], "USD mn").label
    'USD bn'
    >>> to = scale([119_756.0], "BTC")
    >>> to(119_756.0), to.label
    ('119,756', 'BTC')
    """
    import numpy as np

    values = np.abs(np.fromiter(amounts, float))
    own = parse(unit)
    top = float(values[np.isfinite(values)].max(initial=0.0)) * own.factor
    top *= 1 + 1e-9  # tolerance for the rounding error of a conversion
    fits = [i for i, (size, _) in enumerate(STEPS) if top / size < LARGEST]
    first = fits[0] if fits else len(STEPS) - 1
    step = max(first, own.step)  # never below the scale of the data
    largest, digits = top / STEPS[step][0], None
    if largest < 1 and step > own.step:
        step, digits = step - 1, 0  # six digits read better than a fraction
    if digits is None:
        digits = 4 if largest < 1 else 3 if largest < 10 else 2 if largest < 100 else 1
    return Scale(STEPS[step][0] / own.factor, own.shown(step), digits, own.spoken(step))
