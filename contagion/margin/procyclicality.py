"""Limits on procyclical margin: buffer, stressed observations, floor; and measures of it.

Rows are dates, oldest first; other axes are separate columns.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers
from ..statistics.samples import known


def buffered_margin(margin: ArrayLike, buffer: float = 0.25, *, window: int = 20) -> np.ndarray:
    """Margin with a buffer that is used while the margin rises.

    charged(t) = max(margin(t), (1 + buffer) × lowest margin of the last `window` dates, t included)

    In calm markets (1 + buffer) × margin is charged. When the margin rises, the charge stays
    constant until the buffer is exhausted; after `window` dates at the new level the buffer is
    restored. The regulation requires a buffer of at least 25 % that may be exhausted
    "temporarily" while margins rise significantly; this release rule is ours.

    Parameters
    ----------
    margin : (t, ...) margins, >= 0, money.
    buffer : share of the margin, >= 0.
    window : number of dates to look back, >= 1; with 1 the buffer is never released.

    Returns
    -------
    (t, ...) charged margins, between margin and (1 + buffer) × margin.

    Raises
    ------
    ArgumentError : nan, a negative number, no axis of dates.

    Example
    -------
    >>> buffered_margin([100, 110, 120, 150, 150, 150], window=3)
    array([125. , 125. , 125. , 150. , 150. , 187.5])

    Source: Commission Delegated Regulation (EU) No 153/2013, art. 28(1)(a) (text read).
    """
    m = _dated("margin", margin)
    known("buffer", buffer, 0)
    return np.asarray(np.maximum(m, (1 + buffer) * _lowest(m, window)))


def stressed_weights(stressed: ArrayLike, share: float = 0.25) -> np.ndarray:
    """Weights of observations with a total of at least `share` for stressed observations.

    stressed: share / number of stressed,  others: (1 − share) / number of others; equal weights
    if stressed observations exceed `share` already. Use them in `value_at_risk(weights=)`.

    Parameters
    ----------
    stressed : (n,) True for observations from stressed periods; at least one must be.
    share : above 0, below 1.

    Returns
    -------
    (n,) weights that sum to 1.

    Raises
    ------
    ArgumentError : no stressed observation, a share out of range.

    Example
    -------
    >>> stressed_weights([True, False, False, False, False, False]).round(3)
    array([0.25, 0.15, 0.15, 0.15, 0.15, 0.15])

    Source: Commission Delegated Regulation (EU) No 153/2013, art. 28(1)(b) (text read).
    """
    bad = np.asarray(stressed)
    if bad.ndim != 1 or bad.dtype != bool or not bad.any():
        raise ArgumentError("stressed must be True or False per observation, at least one True.")
    known("share", numbers("share", share, above=0, below=1))
    part = max(float(share), float(bad.mean()))
    return np.asarray(np.where(bad, part / bad.sum(), (1 - part) / max(1, (~bad).sum())))


def floored_margin(margin: ArrayLike, long_run: ArrayLike, floor: ArrayLike = 1.0) -> Numbers:
    """Margin with a floor: a share of the margin from a long lookback period.

    charged = max(margin, floor × long_run)

    Parameters
    ----------
    margin : (...) margins, >= 0, money.
    long_run : (...) margins of the same portfolio by the same model with the volatility of a long
        lookback (EMIR: ten years), >= 0, money.
    floor : share of `long_run`, >= 0; EMIR: 1.

    Returns
    -------
    Charged margins (...).

    Raises
    ------
    ArgumentError : nan or a negative number.

    Example
    -------
    >>> floored_margin([60, 100, 140], 90)
    array([ 90., 100., 140.])

    Source: Commission Delegated Regulation (EU) No 153/2013, art. 28(1)(c) (text read).
    """
    m, base = known("margin", margin, 0), known("long_run", long_run, 0)
    return answer(np.maximum(m, known("floor", floor, 0) * base))


def peak_to_trough(margin: ArrayLike) -> Numbers:
    """Highest over lowest margin of a constant portfolio, at least 1: a measure over the cycle.

    Parameters
    ----------
    margin : (t, ...) margins, >= 0, money.

    Returns
    -------
    Ratio (...); infinite if the lowest margin is 0, nan if all are 0.

    Raises
    ------
    ArgumentError : nan, a negative number, no axis of dates.

    Example
    -------
    >>> peak_to_trough([100, 80, 120, 90])
    1.5

    Source: Murphy, Vasios & Vause (2014), Bank of England Financial Stability Paper 29 (abstract
    read: one measure across the cycle, one of short-term increases; formulas recalled, unverified).
    """
    m = _dated("margin", margin)
    high, low = m.max(0), m.min(0)
    some = np.where(low > 0, low, 1.0)
    return answer(np.where(low > 0, high / some, np.where(high > 0, np.inf, np.nan)))


def largest_increase(margin: ArrayLike, dates: int = 5, *, relative: bool = True) -> Numbers:
    """Largest increase within `dates` dates: the short-term measure of procyclicality.

    max over t of margin(t) − lowest margin of the `dates` dates before and t, over that lowest
    margin if `relative`; 0 if it never rises.

    Parameters
    ----------
    margin : (t, ...) margins of a constant portfolio, >= 0, money; above 0 if relative.
    dates : length of the period, >= 1.
    relative : as a share of the margin (True), or in money.

    Returns
    -------
    Increase (...).

    Raises
    ------
    ArgumentError : nan, a negative number, no axis of dates, a margin of 0 in a ratio.

    Example
    -------
    >>> largest_increase([100, 80, 100, 120, 90], 1), largest_increase([100, 80, 100, 120, 90], 2)
    (0.25, 0.5)

    Source: as `peak_to_trough`.
    """
    m = _dated("margin", margin)
    if dates < 1:
        raise ArgumentError(f"dates must be at least 1, but is {dates!r}.")
    low = _lowest(m, dates + 1)
    if relative:
        numbers("margin", m, above=0)
    return answer(((m - low) / (low if relative else 1.0)).max(0))


def _dated(name: str, values: ArrayLike) -> np.ndarray:
    array = known(name, values, 0)
    if array.ndim == 0 or len(array) == 0:
        raise ArgumentError(f"{name} must have at least one date along the first axis.")
    return array


def _lowest(m: np.ndarray, window: int) -> np.ndarray:
    """(t, ...) lowest value of the last `window` rows, including the current one."""
    if window < 1:
        raise ArgumentError(f"window must be at least 1 date, but is {window!r}.")
    padded = np.concatenate([np.full((window - 1, *m.shape[1:]), np.inf), m])
    return np.asarray(sliding_window_view(padded, window, axis=0).min(-1))
