"""An estimate with its error, and the common parts of all estimators."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..text import choice
from .arrays import Numbers, numbers
from .fits import Fitted, normal_measure, student_measure
from .samples import Sample, sample

METHODS = ("historical", "normal", "student")


@dataclass(frozen=True)
class Estimate:
    """An estimated risk measure with its standard error and confidence interval.

    Attributes
    ----------
    value : the estimate, in the unit of the losses; a float, or one for each column.
    standard_error : its standard error; nan if the sample does not determine it.
    low, high : the interval at `confidence`; infinite if the sample gives no bound.
    level : probability level of the risk measure, such as 0.99.
    confidence : nominal coverage of the interval.
    method : the method of the value and the interval.
    n : number of observations.
    """

    value: Numbers
    standard_error: Numbers
    low: Numbers
    high: Numbers
    level: float
    confidence: float
    method: str
    n: int


def checked(
    losses: ArrayLike,
    level: float,
    method: str,
    weights: ArrayLike | None,
    degrees: float | None,
    confidence: float,
) -> Sample:
    for name, p in (("level", level), ("confidence", confidence)):
        if not 0 < p < 1:
            raise ArgumentError(f"{name} must be above 0 and below 1, but is {p!r}.")
    choice(method, METHODS, "method")
    if degrees is not None:
        numbers("degrees", degrees, above=0)
        if method != "student":
            raise ArgumentError(f"degrees belong to method student, not to {method}.")
    return sample(losses, weights)


def fitted(
    data: Sample, level: float, method: str, degrees: float | None, confidence: float, tail: bool
) -> Estimate:
    if method == "normal":
        found = normal_measure(data, level, confidence, tail)
    else:
        found = student_measure(data, level, confidence, tail, degrees)
    return estimate(data, found, level, confidence, method)


def estimate(data: Sample, found: Fitted, level: float, confidence: float, method: str) -> Estimate:
    value, error, low, high = (data.out(part) for part in found)
    return Estimate(value, error, low, high, float(level), float(confidence), method, len(data.x))
