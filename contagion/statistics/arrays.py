"""Checks of numeric arguments, and the shape of results, the same for every formula."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError

Numbers: TypeAlias = Any
"""The result of a formula: a float for scalars, otherwise a numpy array of the broadcast shape."""


def numbers(
    name: str,
    values: ArrayLike,
    low: float = -np.inf,
    high: float = np.inf,
    *,
    above: float | None = None,
    below: float | None = None,
    infinite: bool = False,
) -> np.ndarray:
    """Values as a float array, or ArgumentError with the name of the argument; nan is allowed.

    low, high : inclusive bounds; above, below : exclusive bounds.

    >>> numbers("price", [1, 2.5], above=0)
    array([1. , 2.5])
    >>> numbers("price", [1, 0.0], above=0)
    Traceback (most recent call last):
    ...
    contagion.errors.ArgumentError: price must be finite and above 0, but is 0.0 at position 1
    (1 of 2 values).
    """
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"{name} must be a number or an array of numbers: {error}") from None
    bad, words = (array < low) | (array > high), []
    if not infinite:
        bad, words = bad | np.isinf(array), ["finite"]
    if above is not None:
        bad, words = bad | (array <= above), [*words, f"above {above:g}"]
    if below is not None:
        bad, words = bad | (array >= below), [*words, f"below {below:g}"]
    if not bad.any():
        return array
    words += [f"at least {low:g}"] * (low > -np.inf) + [f"at most {high:g}"] * (high < np.inf)
    first = int(np.argmax(bad))
    where = f" at position {first} ({bad.sum()} of {bad.size} values)" if array.ndim else ""
    value = float(array.ravel()[first])
    raise ArgumentError(f"{name} must be {' and '.join(words)}, but is {value!r}{where}.")


def ratio(part: ArrayLike, whole: ArrayLike, empty: float = np.nan) -> np.ndarray:
    """part / whole, and `empty` if the whole is zero.

    >>> ratio([1.0, 2.0], [4.0, 0.0])
    array([0.25,  nan])
    """
    part, whole = np.broadcast_arrays(np.asarray(part, float), np.asarray(whole, float))
    zero = whole == 0
    return np.where(zero, empty, part / np.where(zero, 1.0, whole))


def answer(value: ArrayLike, *inputs: np.ndarray) -> Numbers:
    """The value in the shape of the inputs, nan if one of them is nan, a float for scalars.

    >>> answer(2.0, np.array([1.0, np.nan])), answer(np.array(2.0), np.array(1.0))
    (array([ 2., nan]), 2.0)
    """
    value = np.asarray(value, dtype=float)
    unknown = np.zeros((), dtype=bool)
    for given in inputs:
        unknown = unknown | np.isnan(given)
    result = np.where(unknown, np.nan, value)
    return result if result.ndim else float(result)


def answers(parts: Iterable[ArrayLike], *inputs: np.ndarray) -> tuple[Numbers, ...]:
    """The results of a formula with several values, all with the shape of the inputs.

    >>> answers([1.0, 2.0], np.array([0.0, np.nan]))
    (array([ 1., nan]), array([ 2., nan]))
    """
    return tuple(answer(part, *inputs) for part in parts)
